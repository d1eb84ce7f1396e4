/* SPDX-License-Identifier: MIT */
/* poll() over sockets, or over handles that can be waited for. See unistd.h. */
#ifndef TESTS_WINDOWS_POLL_H
#define TESTS_WINDOWS_POLL_H

#include <winsock2.h> /* has a struct pollfd of its own, whose fd is a SOCKET */

#define pollfd posix_pollfd

struct posix_pollfd {
    int fd;
    short events, revents;
};

typedef unsigned long nfds_t;

int poll(struct pollfd *descriptors, nfds_t count, int timeout_ms);

#endif
