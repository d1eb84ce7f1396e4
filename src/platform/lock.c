/* SPDX-License-Identifier: MIT */
/* The one-word lock of platform.h: what happens when it is not free. */
#include "platform/platform.h"

enum {
    LOCK_SPINS = HY__HARD ? 0 : 64
};

static void spin_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

void hy__lock_slow(uint32_t *word)
{
    for (int spin = 0; spin < LOCK_SPINS; spin++) {
        uint32_t free_word = 0;
        /* Relaxed look first, so that waiting does not steal the line from the holder. */
        if (__atomic_load_n(word, __ATOMIC_RELAXED) == 0 &&
            __atomic_compare_exchange_n(word, &free_word, hy__lock_held(), false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return;
        spin_pause();
    }
    /* The bit stays until the word is free: whoever unlocks then wakes one sleeper. A holder of
     * another generation is of a process that this one was forked from: the lock is ours. */
    const uint32_t held = hy__lock_held() | HY__LOCK_SLEEPERS;
    uint32_t before;
    while ((before = __atomic_exchange_n(word, held, __ATOMIC_ACQUIRE)) != 0 &&
           (before | HY__LOCK_SLEEPERS) == held)
        hy__futex_wait(word, held, HY_FOREVER);
}
