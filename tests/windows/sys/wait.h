/* SPDX-License-Identifier: MIT */
/* For tests that fork(), which are skipped. See ../unistd.h. */
#ifndef TESTS_WINDOWS_SYS_WAIT_H
#define TESTS_WINDOWS_SYS_WAIT_H

#include <sys/types.h>

#define WIFEXITED(status)   ((status) >= 0)
#define WEXITSTATUS(status) (status)
#define WTERMSIG(status)    (status)

static inline pid_t waitpid(pid_t child, int *ret_status, int options)
{
    (void)child;
    (void)ret_status;
    (void)options;
    return -1;
}

#endif
