/* SPDX-License-Identifier: MIT */
/* Sockets as small descriptors, with errno. See ../unistd.h. */
#ifndef TESTS_WINDOWS_ARPA_INET_H
#define TESTS_WINDOWS_ARPA_INET_H

#include <sys/socket.h>
#include <sys/types.h>

typedef unsigned short sa_family_t;
typedef unsigned short in_port_t;

#define MSG_NOSIGNAL 0
#define MSG_DONTWAIT 0x40

#define SHUT_WR SD_SEND

int posix_socket(int family, int type, int protocol);
int posix_bind(int descriptor, const struct sockaddr *address, socklen_t size);
int posix_connect(int descriptor, const struct sockaddr *address, socklen_t size);
int posix_getsockname(int descriptor, struct sockaddr *ret_address, socklen_t *size);
/* The time-outs as struct timeval. */
int posix_setsockopt(int descriptor, int level, int option, const void *value, socklen_t size);
ssize_t posix_send(int descriptor, const void *data, size_t size, int flags);
ssize_t posix_sendto(int descriptor, const void *data, size_t size, int flags,
                     const struct sockaddr *to, socklen_t to_size);
ssize_t posix_recv(int descriptor, void *data, size_t size, int flags);
int posix_shutdown(int descriptor, int how);

#define socket      posix_socket
#define bind        posix_bind
#define connect     posix_connect
#define getsockname posix_getsockname
#define setsockopt  posix_setsockopt
#define send        posix_send
#define sendto      posix_sendto
#define recv        posix_recv
#define shutdown    posix_shutdown

#endif
