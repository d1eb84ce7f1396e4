/* SPDX-License-Identifier: MIT */
/*
 * What the tests use of POSIX, for Windows: this folder's headers stand before the compiler's. The
 * descriptors are sockets; threads, semaphores and clocks are mingw-w64's own (winpthreads).
 *
 * What Windows does not have at all skips the test that asks for it, with the reason.
 */
#ifndef TESTS_WINDOWS_UNISTD_H
#define TESTS_WINDOWS_UNISTD_H

#include_next <unistd.h> /* declares read(), write(), close(), dup() and dup2(): posix.c has them */

/* Two ends to watch, to write to and to read from: a pair of sockets. */
int pipe(int ret_ends[2]);
/* A pipe as such, which Windows cannot watch: skips the test. */
int pipe2(int ret_ends[2], int flags);
/* Skips the test. */
pid_t fork(void);
/* For the children of fork(). */
static inline unsigned alarm(unsigned seconds)
{
    return seconds;
}
/* Sleeps for good. */
int pause(void);

#endif
