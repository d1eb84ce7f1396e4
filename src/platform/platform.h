/* SPDX-License-Identifier: MIT */
/*
 * What the core needs of the system, in one header; one file per system implements it.
 * Nothing here knows an object, a message or a loop.
 */
#ifndef HALYARD_PLATFORM_PLATFORM_H
#define HALYARD_PLATFORM_PLATFORM_H

#include <halyard/base.h>

/* A variable that is reached without the detour over the table of exported ones. */
#ifdef _WIN32 /* which has none */
#define HY__HIDDEN
#else
#define HY__HIDDEN __attribute__((visibility("hidden")))
#endif

/*
 * 1 in the build of Meson's option `hard`, which makes the rare ways the usual ones, so that tests
 * meet them: nothing is kept for later, no table or chunk has room to spare, nobody spins.
 */
#ifndef HY__HARD
#define HY__HARD 0
#endif

/* Tells the compiler which way is the rare one. */
#define HY_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* Monotonic clock, nanoseconds. */
int64_t hy__clock_ns(void);

/* Blocks while *word == expected, until hy__futex_wake or the deadline (HY_FOREVER: none). May
 * return early. False: the deadline has passed. */
bool hy__futex_wait(uint32_t *word, uint32_t expected, int64_t deadline_ns);
/* Wakes at most count waiters. */
void hy__futex_wake(uint32_t *word, int count);

/* --- forks ------------------------------------------------------------------------------------ */

/* How many forks lie between the process that first used the library and this one. Written in a
 * child that has one thread still; const for everybody else. */
extern uint32_t hy__generation;
/* From now on, calls function() in each forked child, after hy__generation has grown. One function;
 * any number of calls counts as one. 0 or an errno. */
int hy__at_fork(void (*function)(void));

/*
 * A lock of one word: 0 free, else held; the lowest bit tells whether somebody sleeps, the others
 * in which generation it was taken. Its holders never allocate, call out or wait, so it is held for
 * nanoseconds; a waiter spins a little, then sleeps in the kernel, which lets a pre-empted holder
 * run even when the waiter has real-time priority. A lock that was held as the process was forked
 * is free in the child, whatever it guarded: its holder does not exist there.
 */
#define HY__LOCK_SLEEPERS 1u
static inline uint32_t hy__lock_held(void)
{
    return (hy__generation + 1) << 1;
}
void hy__lock_slow(uint32_t *word);
static inline void hy__lock(uint32_t *word)
{
    uint32_t free_word = 0;
    /* Acquire: what the last holder wrote is seen. */
    if (HY__HARD ||
        HY_UNLIKELY(!__atomic_compare_exchange_n(word, &free_word, hy__lock_held(), false,
                                                 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
        hy__lock_slow(word);
}
static inline void hy__unlock(uint32_t *word)
{
    /* Release: publishes what was written under the lock. */
    if (HY_UNLIKELY((__atomic_exchange_n(word, 0u, __ATOMIC_RELEASE) & HY__LOCK_SLEEPERS) != 0))
        hy__futex_wake(word, 1);
}

/* Of x86-64, and of most others where their pages are of 4 KiB. */
#define HY__HUGE_PAGE ((size_t)2 << 20)
/* Aligned memory that free() takes back; NULL: there is none, or no such function. Aligned to
 * HY__HUGE_PAGE, it is of huge pages if the system is willing. */
void *hy__os_allocate_aligned(size_t alignment, size_t size);

/* System threads. */
struct hy__os_thread {
    uintptr_t id;
};
/* Starts entry(context) with all of the caller's signal mask; 0 or an errno. stack_size 0: the
 * default. */
int hy__os_thread_start(struct hy__os_thread *ret_thread, void *(*entry)(void *), void *context,
                        size_t stack_size);
/* False: it has not ended at the deadline (HY_FOREVER: none), and can still be joined. */
bool hy__os_thread_join(struct hy__os_thread thread, int64_t deadline_ns);
void hy__os_thread_set_name(const char *name);
/* Processors that this process may use; at least 1. */
uint32_t hy__os_processors(void);
/* Whether this is the thread that runs main(). */
bool hy__os_thread_is_initial(void);
/* The system's number of the calling thread, never 0; used again once it has ended. */
uint32_t hy__os_thread_number(void);
/* level: of enum hy_thread_priority. 0 or an errno (EACCES, EPERM), with nothing changed. */
int hy__os_thread_set_priority(uint32_t number, int level);

/* --- signals of the system (linux_signals.c) ----------------------------------------------------
 */

/* What the handler writes into the pipe of each watcher, in one piece. */
struct hy__signal_note {
    int32_t number, code, pid;
    uint32_t uid;
    int32_t status;
    uint32_t serial; /* of the watch that it was meant for */
};

/* Whether a program may watch this signal. */
bool hy__signal_is_valid(int number);
/* From now on each arrival is written to the descriptor, which must not block. 0 or an errno;
 * EBUSY: there is no room for one more watch. */
int hy__signal_watch(int number, int descriptor);
/* Ends that; nothing is written any more when it returns, also by a handler that runs in another
 * thread. The last one restores what was installed before the first. */
void hy__signal_unwatch(int number, int descriptor);
/* Whether a note was written for the watch that is in force. */
bool hy__signal_is_current(int descriptor, const struct hy__signal_note *note);
/* Whether an arrival found the pipe full since the last call. */
bool hy__signal_take_lost(int number, int descriptor);
/* The count-th SIGINT or SIGTERM from now on ends the process by the default action, whatever its
 * threads do; 0: none. */
void hy__signals_end_process_at(int count);
/* In a forked child: restores what was there before. */
void hy__signals_forget(void);
/* A pipe for the notes: [0] to read, [1] to write, neither blocks nor is inherited by programs that
 * are executed. 0 or an errno. */
int hy__signal_pipe_open(int ret_pipe[2]);
/* Whether there was a note. */
bool hy__signal_pipe_read(int descriptor, struct hy__signal_note *ret_note);
void hy__signal_pipe_close(int pipe[2]);
/* Sends the signal to this process. */
void hy__signal_send(int number);

/* Calls function(value) as the calling thread ends, once; replaces an earlier value. 0 or an errno.
 */
int hy__at_thread_end(void (*function)(void *), void *value);
/* In a forked child: takes that back. */
void hy__forget_thread_end(void);
#ifdef _WIN32
/* A word of the calling thread, NULL at first. */
void *hy__thread_slot(void);
void hy__thread_slot_set(void *value);
#endif

/* --- for the trace and the watchdog (linux_diagnostics.c) --------------------------------------
 */

/* A file to be written, emptied. Functions that return an int: 0 or an errno. */
int hy__file_create(const char *path, int *ret_file);
int hy__file_write(int file, const void *data, size_t size);
int hy__file_close(int file);
/* As hy_function_name(). */
void hy__function_name(uintptr_t function, char *buffer, size_t size);
uint32_t hy__os_process_number(void);
/* From now on the calling thread takes no signals that are for the process. */
void hy__os_thread_block_signals(void);

/*
 * Error numbers of the system: an errno; on Windows also what WSAGetLastError() gave (10000 and up)
 * and what hy__win32_error() made of GetLastError().
 */
/* The errno that says the same, or EIO. */
int hy__system_errno(int number);
/* The text of such a number, in the caller's buffer or a constant one. */
const char *hy__system_error_text(int system_errno, char *buffer, size_t size);

#endif
