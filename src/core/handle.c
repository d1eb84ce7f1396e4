/* SPDX-License-Identifier: MIT */
/*
 * Handles: connections as values, used by any thread at any time.
 *
 * The pool is type-stable, so a handle can always look at the word that holds id and flags. To act
 * it sets HELD in that word, which fails when the id is another one or the connection has been cut.
 * A held connection is not recycled (hub.c), and so neither its receiver's anchor, nor its hub, nor
 * its extension goes away. It is held for a few instructions, to count what is needed. A hold never
 * covers user code, the allocator or a lock.
 */
#include "core/internal.h"

enum {
    SPINS = 100,
    BACK_OFF_NS = 20000
};

/* Another thread holds it, maybe pre-empted: asleep, this one lets it run, whatever its priority.
 */
static void back_off(int *spins)
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
        if ((word & HY__FLAG_HELD) != 0) {
            back_off(&spins);
            word = __atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED);
            continue;
        }
        /* Acquire: what was stored before the id is seen. */
        if (__atomic_compare_exchange_n(&connection->id_flags, &word, word | HY__FLAG_HELD, true,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return true;
    }
}

void hy__connection_let_go(struct hy__connection *connection)
{
    /* Release: it is recycled after my use. */
    uint64_t word =
        __atomic_fetch_and(&connection->id_flags, ~(uint64_t)HY__FLAG_HELD, __ATOMIC_RELEASE);
    if ((word & HY__FLAG_CUT) != 0) /* its hub may have had to wait for this */
        hy__orphans_reap();
}
