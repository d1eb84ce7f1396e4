/* SPDX-License-Identifier: MIT */
/*
 * What the core needs of the system, in one header; one file per system implements it.
 * Nothing here knows an object, a message or a loop.
 */
#ifndef HALYARD_PLATFORM_PLATFORM_H
#define HALYARD_PLATFORM_PLATFORM_H

#include <halyard/base.h>

/* Monotonic clock, nanoseconds. */
int64_t hy__clock_ns(void);

/* Blocks while *word == expected, until hy__futex_wake or the deadline (HY_FOREVER: none). May
 * return early. False: the deadline has passed. */
bool hy__futex_wait(uint32_t *word, uint32_t expected, int64_t deadline_ns);
/* Wakes at most count waiters. */
void hy__futex_wake(uint32_t *word, int count);

/*
 * A lock of one word: 0 free, 1 held, 2 held and somebody sleeps. Its holders never allocate, call
 * out or wait, so it is held for nanoseconds; a waiter spins a little, then sleeps in the kernel,
 * which lets a pre-empted holder run even when the waiter has real-time priority.
 */
void hy__lock_slow(uint32_t *word);
static inline void hy__lock(uint32_t *word)
{
    uint32_t free_word = 0;
    /* Acquire: what the last holder wrote is seen. */
    if (HY_UNLIKELY(!__atomic_compare_exchange_n(word, &free_word, 1u, false, __ATOMIC_ACQUIRE,
                                                 __ATOMIC_RELAXED)))
        hy__lock_slow(word);
}
static inline void hy__unlock(uint32_t *word)
{
    /* Release: publishes what was written under the lock. */
    if (HY_UNLIKELY(__atomic_exchange_n(word, 0u, __ATOMIC_RELEASE) == 2u))
        hy__futex_wake(word, 1);
}

/* System threads. */
struct hy__os_thread {
    unsigned long id;
};
/* Starts entry(context) with all of the caller's signal mask; 0 or an errno. stack_size 0: the
 * default. */
int hy__os_thread_start(struct hy__os_thread *ret_thread, void *(*entry)(void *), void *context,
                        size_t stack_size);
void hy__os_thread_join(struct hy__os_thread thread);
void hy__os_thread_set_name(const char *name);
/* Processors that this process may use; at least 1. */
uint32_t hy__os_processors(void);
/* Whether this is the thread that runs main(). */
bool hy__os_thread_is_initial(void);

/*
 * Blocks SIGINT, SIGTERM and SIGHUP in this thread and those it starts, and gives a descriptor that
 * is readable when one came. 0 or an errno.
 */
int hy__signals_open(int *ret_descriptor);
/* The number of a signal that came, or 0. */
int hy__signals_read(int descriptor);
/* Closes it and unblocks what was not blocked before. */
void hy__signals_close(int descriptor);

/* Calls function(value) as the calling thread ends, once; replaces an earlier value. 0 or an errno.
 */
int hy__at_thread_end(void (*function)(void *), void *value);

/* The text of a system error number, in the caller's buffer. */
const char *hy__system_error_text(int system_errno, char *buffer, size_t size);

#endif
