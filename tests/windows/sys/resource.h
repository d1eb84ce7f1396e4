/* SPDX-License-Identifier: MIT */
/* Windows has no limit of descriptors to lower: asking for it skips the test. See ../unistd.h. */
#ifndef TESTS_WINDOWS_SYS_RESOURCE_H
#define TESTS_WINDOWS_SYS_RESOURCE_H

#define RLIMIT_NOFILE 7

typedef unsigned long rlim_t;

struct rlimit {
    rlim_t rlim_cur, rlim_max;
};

int getrlimit(int resource, struct rlimit *ret_limit);
int setrlimit(int resource, const struct rlimit *limit);

#endif
