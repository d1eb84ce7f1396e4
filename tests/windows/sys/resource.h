/* SPDX-License-Identifier: MIT */
/*
 * Windows has no limit of descriptors to lower: asking for it skips the test. Its priorities of
 * threads are told as niceness: 0 normal, below it more. See ../unistd.h.
 */
#ifndef TESTS_WINDOWS_SYS_RESOURCE_H
#define TESTS_WINDOWS_SYS_RESOURCE_H

#define RLIMIT_NOFILE 7

typedef unsigned long rlim_t;

struct rlimit {
    rlim_t rlim_cur, rlim_max;
};

#define PRIO_PROCESS 0

typedef unsigned long id_t;

/* who: the number of a thread, 0: the calling one. */
int getpriority(int which, id_t who);
int getrlimit(int resource, struct rlimit *ret_limit);
int setrlimit(int resource, const struct rlimit *limit);

#endif
