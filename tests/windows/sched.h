/* SPDX-License-Identifier: MIT */
/* Windows' priorities of threads in the words of Linux. See unistd.h. */
#ifndef TESTS_WINDOWS_SCHED_H
#define TESTS_WINDOWS_SCHED_H

#include_next <sched.h>

#define SCHED_IDLE          5
#define SCHED_RESET_ON_FORK 0

/* SCHED_IDLE, SCHED_RR (time-critical) or SCHED_OTHER, of the calling thread. */
#define sched_getscheduler(process) posix_scheduler()
int posix_scheduler(void);

#endif
