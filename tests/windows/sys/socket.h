/* SPDX-License-Identifier: MIT */
/* Socket pairs. See ../unistd.h. */
#ifndef TESTS_WINDOWS_SYS_SOCKET_H
#define TESTS_WINDOWS_SYS_SOCKET_H

#include <winsock2.h>
#include <ws2tcpip.h>

#define SOCK_NONBLOCK 0x800
#define SOCK_CLOEXEC  0x80000 /* no socket of these tests is inherited */

/* AF_UNIX, SOCK_STREAM: two sockets over the loopback that are connected to each other. */
int socketpair(int family, int type, int protocol, int ret_ends[2]);

#endif
