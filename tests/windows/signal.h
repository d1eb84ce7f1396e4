/* SPDX-License-Identifier: MIT */
/* Numbers and calls of POSIX that Windows' <signal.h> lacks. See unistd.h. */
#ifndef TESTS_WINDOWS_SIGNAL_H
#define TESTS_WINDOWS_SIGNAL_H

#include_next <signal.h>
#include <sys/types.h>

#define SIGHUP  1
#define SIGBUS  7
#define SIGKILL 9
#define SIGUSR1 10
#define SIGUSR2 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGCHLD 17
#define SIGSTOP 19

struct sigaction {
    void (*sa_handler)(int number);
};

typedef _sigset_t sigset_t;

/* Installs a handler by signal(), or only looks. -1: there is no such signal here. */
int sigaction(int number, const struct sigaction *action, struct sigaction *ret_before);
/* Raises it in this process, the only one that there is. */
int kill(int process, int number);

/* No thread has a mask. */
static inline int sigismember(const sigset_t *set, int number)
{
    (void)set;
    (void)number;
    return 0;
}

#endif
