/* SPDX-License-Identifier: MIT */
/* The wake-up descriptor of the dispatchers that wait for descriptors. See wake.h. */
#include "dispatch/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

int hy__wake_open(struct hy__wake *ret_wake)
{
    *ret_wake = (struct hy__wake){-1, -1};
#ifdef __linux__
    ret_wake->reader = ret_wake->writer = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return ret_wake->reader < 0 ? errno : 0;
#else
    int ends[2];
    if (pipe(ends) < 0)
        return errno;
    *ret_wake = (struct hy__wake){ends[0], ends[1]};
    for (int i = 0; i < 2; i++)
        if (fcntl(ends[i], F_SETFD, FD_CLOEXEC) < 0 || fcntl(ends[i], F_SETFL, O_NONBLOCK) < 0)
            return errno;
    return 0;
#endif
}

void hy__wake_close(const struct hy__wake *wake)
{
    if (wake->reader >= 0)
        (void)close(wake->reader);
    if (wake->writer >= 0 && wake->writer != wake->reader)
        (void)close(wake->writer);
}

void hy__wake_signal(const struct hy__wake *wake)
{
    uint64_t one = 1;
    /* A full counter (2^64 - 2 wakes) or pipe would refuse it, and is readable all the same. */
    while (write(wake->writer, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void hy__wake_clear(const struct hy__wake *wake)
{
    uint64_t some[32];
    ssize_t got;
    do
        got = read(wake->reader, some, sizeof some);
    while (got == (ssize_t)sizeof some || (got < 0 && errno == EINTR));
}
