/* SPDX-License-Identifier: MIT */
/* What Linux says of this process, by /proc. See system.h. */
#include "system.h"

#include "check.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int entries(const char *path)
{
    DIR *directory = opendir(path);
    int count = 0;

    if (directory == NULL)
        return -1;
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
        count += entry->d_name[0] != '.';
    (void)closedir(directory);
    return count;
}

int system_descriptors(void)
{
    return entries("/proc/self/fd") - 1; /* without the one that reads */
}

int system_threads(void)
{
    return entries("/proc/self/task");
}

bool system_threads_at_most(int threads)
{
    time_t limit = time(NULL) + 10;

    while (system_threads() > threads)
        if (time(NULL) > limit)
            return false;
    return true;
}

int64_t system_thread_cpu_ns(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int system_in_child(int (*function)(void *context), void *context)
{
    int status = 0;
    pid_t child;

    (void)fflush(NULL);
    child = fork();
    if (child == 0) {
        int code;

        (void)alarm(120);
        code = function(context);
        exit(check_take_failures() != 0 ? 99 : code); /* not _exit: leak checkers want to look */
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
