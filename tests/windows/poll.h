/* SPDX-License-Identifier: MIT */
/* poll() over sockets. See unistd.h. */
#ifndef TESTS_WINDOWS_POLL_H
#define TESTS_WINDOWS_POLL_H

#include <winsock2.h>

typedef unsigned long nfds_t;

static inline int poll(struct pollfd *descriptors, nfds_t count, int timeout_ms)
{
    return WSAPoll(descriptors, count, timeout_ms);
}

#endif
