/* SPDX-License-Identifier: MIT */
/* What the system says of this process: descriptors, threads, children. */
#ifndef TESTS_SYSTEM_H
#define TESTS_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

/* Open descriptors of the process. */
int system_descriptors(void);
/* Threads of the process. */
int system_threads(void);
/* Whether there are no more threads than that, after a moment: join returns a little earlier than
 * the kernel forgets. */
bool system_threads_at_most(int threads);
/* CPU time of the calling thread. */
int64_t system_thread_cpu_ns(void);

/*
 * Runs the case in a forked child and returns its exit status: that of the function, 99 when an
 * EXPECT failed in it, or 128 and more when a signal ended it. The parent must not have used the
 * library yet, nor have other threads.
 */
int system_in_child(int (*function)(void *context), void *context);

#endif
