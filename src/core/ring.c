/* SPDX-License-Identifier: MIT */
/*
 * Bounded and latest connections: what waits is limited.
 *
 * The payloads that wait are in a list of the extension, at most `limit`; in the mail of the
 * receiver's thread there is one token for each. A token that is delivered calls the slot with the
 * oldest payload there is, one that is dropped drops it. So when the oldest payload makes room the
 * others move up in its place, and no message has to be taken out of anybody's mail.
 *
 * Payload and token are put in under one lock, so both lists are in the same order, which is also
 * the order of each emitter's other messages. Nothing is copied, destroyed, allocated or woken
 * under it. A latest connection is a bounded one with the limit 1 whose oldest makes room.
 */
#include "core/internal.h"

struct hy__ring {
    uint32_t lock;                        /* order: hub, ring, anchor */
    uint32_t limit;                       /* const */
    enum hy_overflow overflow;            /* const */
    struct hy__message *first, **end;     /* lock: the payloads, each in a message of its own */
    struct hy_connection_counters counts; /* lock */
};

struct hy__ring *hy__ring_create(unsigned flags, const struct hy_connect_options *options)
{
    struct hy__ring *ring = hy_memory_allocate_zeroed(sizeof *ring);
    if (ring == NULL)
        return NULL;
    bool latest = (flags & HY_LATEST) != 0;
    ring->limit = latest ? 1 : options->limit;
    ring->overflow = latest ? HY_OVERFLOW_DROP_OLDEST : options->overflow;
    ring->end = &ring->first;
    return ring;
}

/* Every token holds the extension, and so the ring: it is empty. */
void hy__ring_destroy(struct hy__ring *ring)
{
    hy_memory_release(ring);
}

static void append(struct hy__ring *ring, struct hy__message *holder)
{
    holder->next = NULL;
    *ring->end = holder;
    ring->end = &holder->next;
    ring->counts.accepted++;
}

static struct hy__message *take_first(struct hy__ring *ring)
{
    struct hy__message *holder = ring->first;
    ring->first = holder->next;
    if (ring->first == NULL)
        ring->end = &ring->first;
    return holder;
}

struct hy__message *hy__ring_take(struct hy__extension *extension)
{
    struct hy__ring *ring = extension->ring;
    hy__lock(&ring->lock);
    struct hy__message *holder = take_first(ring);
    ring->counts.waiting--;
    hy__unlock(&ring->lock);
    return holder;
}

void hy__ring_put_back(struct hy__extension *extension, struct hy__message *holder)
{
    struct hy__ring *ring = extension->ring;
    hy__lock(&ring->lock);
    if (ring->first == NULL)
        ring->end = &holder->next;
    holder->next = ring->first;
    ring->first = holder;
    ring->counts.waiting++;
    hy__unlock(&ring->lock);
}

static int refuse(const struct hy__extension *extension)
{
    return hy_error_set(-HY_EAGAIN,
                        "a bounded connection of %s refuses: %u payloads wait for its receiver",
                        extension->spec->name, extension->ring->limit);
}

/* Full, and the new one would not get in: counted at once, before anything is copied. Lock held. */
static bool turn_away(struct hy__ring *ring)
{
    if (ring->counts.waiting < ring->limit || ring->overflow == HY_OVERFLOW_DROP_OLDEST)
        return false;
    if (ring->overflow == HY_OVERFLOW_REFUSE)
        ring->counts.refused++;
    else
        ring->counts.dropped++;
    return true;
}

/* What an emission brings, and what it has to take away again when the lock is free. */
struct offer {
    struct hy__message *holder, *token, *victim;
    struct hy_thread_record *wake;
};

/* Lock held. Returns as hy__emit_rare(), without an error set. */
static int offer(struct hy__ring *ring, struct hy_anchor *receiver, struct offer *offer)
{
    struct hy_connection_counters *counts = &ring->counts;
    if (turn_away(ring))
        return ring->overflow == HY_OVERFLOW_REFUSE ? -HY_EAGAIN : 0;
    if (counts->waiting >= ring->limit) {
        /* Its token stays, for the next one. */
        offer->victim = take_first(ring);
        counts->dropped++;
    } else {
        if (hy__post_push(receiver, offer->token, &offer->wake) == HY__PUSH_CLOSED)
            return 0; /* a receiver that has died meanwhile is no error */
        offer->token = NULL;
        counts->waiting++;
        if (counts->high_water < counts->waiting)
            counts->high_water = counts->waiting;
    }
    append(ring, offer->holder);
    offer->holder = NULL;
    return 1;
}

static int make(struct hy__extension *extension, const void *payload, struct offer *offer)
{
    int rc = hy__message_make(&extension->spec->payload,
                              (extension->flags & HY_IGNORES_PAYLOAD_) != 0 ? NULL : payload,
                              &offer->holder);
    if (rc < 0)
        return rc;
    rc = hy__message_make(NULL, NULL, &offer->token);
    if (rc < 0)
        hy__message_discard(offer->holder);
    else
        hy__extension_attach(extension, offer->token, HY__MESSAGE_TOKEN);
    return rc;
}

int hy__ring_post(struct hy__extension *extension, struct hy_anchor *receiver, const void *payload)
{
    struct hy__ring *ring = extension->ring;
    hy__lock(&ring->lock);
    bool full = turn_away(ring);
    hy__unlock(&ring->lock);
    if (full)
        return ring->overflow == HY_OVERFLOW_REFUSE ? refuse(extension) : 0;

    struct offer made = {0};
    int rc = make(extension, payload, &made);
    if (rc < 0)
        return rc;
    const void *token = made.token;
    int64_t observed_ns = hy__is_observed() ? hy__clock_ns() : 0;
    hy__lock(&ring->lock);
    rc = offer(ring, receiver, &made);
    hy__unlock(&ring->lock);
    if (HY_UNLIKELY(observed_ns != 0) && made.token == NULL)
        hy__observe_post(token, observed_ns);
    hy__post_wake(made.wake);
    if (made.victim != NULL)
        hy__message_discard(made.victim);
    if (made.holder != NULL)
        hy__message_discard(made.holder);
    if (made.token != NULL) {
        /* It stands for no payload: its end takes none. */
        made.token->kind = HY__MESSAGE_EXTENDED;
        hy__message_discard(made.token);
    }
    return rc == -HY_EAGAIN ? refuse(extension) : rc;
}

int hy_connection_get_counters(struct hy_connection connection,
                               struct hy_connection_counters *ret_counts)
{
    struct hy__extension *extension = NULL;
    if (connection.link == NULL || !hy__connection_hold(connection.link, connection.id))
        return hy_error_set(-HY_ENOENT, "the connection is gone");
    /* Acquire: the extension is seen whole. Held, it is not cut before the look has ended. */
    hy_slot slot = __atomic_load_n(&connection.link->slot, __ATOMIC_ACQUIRE);
    uint64_t id_flags = __atomic_load_n(&connection.link->id_flags, __ATOMIC_RELAXED);
    if (slot != NULL && (id_flags & HY__FLAG_EXTENDED) != 0) {
        extension = hy__extension_in(slot);
        hy__extension_ref(extension);
    }
    hy__connection_let_go(connection.link);
    if (slot == NULL)
        return hy_error_set(-HY_ENOENT, "the connection is gone");
    int rc = 0;
    if (extension == NULL || extension->ring == NULL) {
        rc = hy_error_set(-HY_EINVAL, "the connection is neither HY_BOUNDED nor HY_LATEST");
    } else {
        hy__lock(&extension->ring->lock);
        *ret_counts = extension->ring->counts;
        hy__unlock(&extension->ring->lock);
    }
    if (extension != NULL)
        hy__extension_unref(extension);
    return rc;
}
