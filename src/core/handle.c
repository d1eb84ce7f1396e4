/* SPDX-License-Identifier: MIT */
/*
 * Handles: connections as values, used by any thread at any time.
 *
 * The pool is type-stable, so a handle can always look at the word that holds id and flags. To act
 * it counts itself among the holders in that word, which fails when the id is another one or the
 * connection has been cut. A held connection is not recycled (hub.c), and so neither its receiver's
 * anchor, nor its hub, nor its extension goes away. It is held for a few instructions, to count
 * what is needed. A hold never covers user code, the allocator or a lock. Holders do not wait for
 * each other, unless as many as the bits can count have been pre-empted there.
 */
#include "core/internal.h"

enum {
    SPINS = HY__HARD ? 0 : 100,
    BACK_OFF_NS = 20000
};

/* All places are taken, by threads that may have been pre-empted: asleep, this one lets them run,
 * whatever its priority. */
static __attribute__((noinline, cold)) void back_off(int *spins)
{
    uint32_t nobody_wakes = 0;
    if (++*spins > SPINS)
        hy__futex_wait(&nobody_wakes, 0, hy__clock_ns() + BACK_OFF_NS);
}

bool hy__connection_hold(struct hy__connection *connection, uint64_t id)
{
    int spins = 0;
    uint64_t word = __atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED);
    for (;;) {
        if (!hy__id_is_live(word, id))
            return false;
        if ((word & HY__HOLDERS) == HY__HOLDERS) {
            back_off(&spins);
            word = __atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED);
            continue;
        }
        /* Acquire: what was stored before the id is seen. */
        if (__atomic_compare_exchange_n(&connection->id_flags, &word, word + HY__HOLDER, true,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return true;
    }
}

void hy__connection_let_go(struct hy__connection *connection)
{
    /* Release: it is recycled after my use. */
    uint64_t word =
        __atomic_fetch_sub(&connection->id_flags, (uint64_t)HY__HOLDER, __ATOMIC_RELEASE);
    if ((word & HY__FLAG_CUT) != 0) /* its hub may have had to wait for this */
        hy__orphans_reap();
}

/* --- handles ------------------------------------------------------------------------------------
 */

static int gone(void)
{
    return hy_error_set(-HY_ENOENT, "the connection has been cut, or never was made");
}

int hy_connection_disconnect(struct hy_connection connection)
{
    struct hy__connection *link = connection.link;
    if (link == NULL || !hy__connection_hold(link, connection.id))
        return 0;
    struct hy_anchor *anchor = link->anchor;
    hy__anchor_ref(anchor);
    hy__connection_let_go(link);
    bool cut = hy__connection_cut(anchor, link, connection.id, NULL);
    hy__anchor_unref(anchor);
    return cut ? 1 : 0;
}

bool hy_connection_is_connected(struct hy_connection connection)
{
    if (connection.link == NULL)
        return false;
    /* Acquire: who finds it cut sees what was done before the cut. */
    uint64_t word = __atomic_load_n(&connection.link->id_flags, __ATOMIC_ACQUIRE);
    return hy__id_is_live(word, connection.id) && !hy__is_spent(word);
}

int hy_connection_block(struct hy_connection connection, bool blocked)
{
    if (connection.link == NULL)
        return gone();
    uint64_t *word = &connection.link->id_flags, now = __atomic_load_n(word, __ATOMIC_RELAXED),
             then;
    do {
        if (!hy__id_is_live(now, connection.id) || hy__is_spent(now))
            return gone();
        then = blocked ? now | HY__FLAG_BLOCKED : now & ~(uint64_t)HY__FLAG_BLOCKED;
        /* Release and acquire: an emission that finds it unblocked comes after what its unblocker
         * did before. */
    } while (
        !__atomic_compare_exchange_n(word, &now, then, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return (now & HY__FLAG_BLOCKED) != 0;
}

/* --- inside a slot ------------------------------------------------------------------------------
 */

static const struct hy__frame *slot_frame(void)
{
    const struct hy_thread_record *record = hy__record_if_any();
    const struct hy__frame *frame = record != NULL ? record->frame : NULL;
    return frame != NULL && frame->connection != NULL ? frame : NULL;
}

static uint64_t connection_id(const struct hy__frame *frame)
{
    if (frame->connection_id != 0)
        return frame->connection_id;
    /* Of a direct slot. Acquire: as an emission reads it. */
    return __atomic_load_n(&frame->connection->id_flags, __ATOMIC_ACQUIRE) >> HY__ID_SHIFT;
}

struct hy_ref hy_sender(void)
{
    const struct hy__frame *frame = slot_frame();
    struct hy_ref ref = {NULL};
    if (frame == NULL)
        return ref;
    if (frame->knows_sender) {
        ref.anchor = frame->sender;
        return hy_ref_copy(ref);
    }
    if (!hy__connection_hold(frame->connection, connection_id(frame)))
        return ref;
    ref.anchor =
        frame->connection->hub->owner; /* a hub with a connection, or its grave, is there */
    hy__anchor_ref(ref.anchor);
    hy__connection_let_go(frame->connection);
    return ref;
}

struct hy_connection hy_sender_connection(void)
{
    const struct hy__frame *frame = slot_frame();
    if (frame == NULL)
        return (struct hy_connection){NULL, 0};
    return (struct hy_connection){frame->connection, connection_id(frame)};
}
