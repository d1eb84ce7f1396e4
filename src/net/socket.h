/* SPDX-License-Identifier: MIT */
/*
 * Sockets of the system, non-blocking all of them: what differs between systems is in here and in
 * socket_linux.c and socket_win32.c. A socket is an intptr_t as hy_notifier_watch() takes it,
 * negative: none. What fails returns a negative system error number (errno, or that of Winsock),
 * whose positive is for hy__socket_problem() and hy_error_set_system(). A call that a signal
 * interrupts is made again. Any thread.
 */
#ifndef HALYARD_NET_SOCKET_H
#define HALYARD_NET_SOCKET_H

#include "address_system.h"
#ifdef _WIN32
#include "socket_win32.h"
#else
#include "socket_linux.h"
#endif

/* What an error number means where callers act on it. */
enum hy__socket_problem {
    HY__SOCKET_OTHER,
    HY__SOCKET_AGAIN,          /* not now */
    HY__SOCKET_REFUSED,        /* nobody listens there */
    HY__SOCKET_TOO_LARGE,      /* for a datagram */
    HY__SOCKET_FORBIDDEN,      /* not permitted */
    HY__SOCKET_IN_USE,         /* the address; a group: joined already */
    HY__SOCKET_NO_ADDRESS,     /* not one of this machine; a group: not joined */
    HY__SOCKET_NO_INTERFACE,   /* none of that number */
    HY__SOCKET_NO_FAMILY,      /* no IPv6, or no IPv4 */
    HY__SOCKET_NO_MEMORY,      /* of the system's, buffers included */
    HY__SOCKET_NO_DESCRIPTORS, /* of the process or the system */
    HY__SOCKET_NOT_HERE        /* this system has no such option */
};
enum hy__socket_problem hy__socket_problem(int error);

/* --- any socket ------------------------------------------------------------------------------ */

/* Opens one that programs started from here do not inherit. type: SOCK_DGRAM, SOCK_STREAM. */
intptr_t hy__socket_open(int family, int type);
void hy__socket_close(intptr_t handle);
/* Sets an option whose value is an int. */
int hy__socket_set(intptr_t handle, int level, int option, int value);
int hy__socket_bind(intptr_t handle, const struct hy_address *address);
/* 0 also when a connection is under way; then the socket becomes writable. */
int hy__socket_connect(intptr_t handle, const struct hy_address *address);
/* The error (positive) that the system kept for the socket, of a connection say; 0: none. */
int hy__socket_pending_error(intptr_t handle);
/* The addresses of this side and of the other. */
int hy__socket_local(intptr_t handle, struct hy_address *ret_address);
int hy__socket_peer(intptr_t handle, struct hy_address *ret_address);

/* --- streams --------------------------------------------------------------------------------- */

/* Binds and listens. Nobody else may have the address; a server that has just stopped may be
 * followed by the next one. */
int hy__socket_listen(intptr_t handle, const struct hy_address *address, int backlog);
intptr_t hy__socket_accept(intptr_t listener);
/* Whether somebody may wait to be accepted; true also where asking is not cheaper than trying. */
bool hy__socket_may_accept(intptr_t listener);
/* Bytes, 0 at the end. */
ssize_t hy__socket_receive(intptr_t handle, void *data, size_t size);
/* Bytes that the system took. */
ssize_t hy__socket_send(intptr_t handle, const void *data, size_t size);
/* The same of several pieces, 1 or more. */
ssize_t hy__socket_send_pieces(intptr_t handle, struct hy__piece *pieces, unsigned count);
/* The peer will read the end; receiving goes on. */
int hy__socket_end_sending(intptr_t handle);

/* --- datagrams ------------------------------------------------------------------------------- */

/* Lets others bind the same address, or, without it, sees to it that they cannot; before bind. */
int hy__socket_share_address(intptr_t handle, bool shared);
/* The same, with each sender's datagrams going to one of them; HY__SOCKET_NOT_HERE. */
int hy__socket_share_port(intptr_t handle);
/* Takes the peer away; the socket stays bound to `local`. */
int hy__socket_disconnect(intptr_t handle, const struct hy_address *local);
/* The size or an error; to NULL: the peer. */
ssize_t hy__socket_send_datagram(intptr_t handle, const struct hy_address *to, const void *data,
                                 size_t size);
/* How many of the first `count` were sent; the first one's error if none was. */
int hy__socket_send_batch(intptr_t handle, struct hy__outgoing *outgoing, unsigned count);
/* How many were taken, 0 to HY__INCOMING. ret_error: what else the system said, positive; 0:
 * nothing, or that there is nothing more. */
int hy__socket_receive_batch(intptr_t handle, struct hy__incoming *incoming, int *ret_error);
/* Asks for a receive buffer (0: leaves it as it is); returns what is granted, in bytes. */
int hy__socket_set_receive_buffer(intptr_t handle, int asked);
/* How many datagrams the system has dropped since the socket was opened, modulo 2^32; false: it
 * does not say. */
bool hy__socket_drops(intptr_t handle, uint32_t *ret_drops);

/* Sees to it that only groups are heard that this socket joined, where the system can do it. */
void hy__socket_hear_own_groups(intptr_t handle, int family);
/* The interface that multicast leaves by, by number; 0: by the routes. */
int hy__socket_set_multicast_interface(intptr_t handle, int family, unsigned interface_index);
/* Joins or leaves a group on the interface of that number; 0: by the routes. */
int hy__socket_join(intptr_t handle, const struct hy_address *group, unsigned interface_index,
                    bool joining);

/* --- interfaces ------------------------------------------------------------------------------ */

/* The number of an interface by its name, UTF-8; 0: there is none. */
unsigned hy__interface_index(const char *name);
/* The name of an interface as addresses show it; false: they show its number. */
bool hy__interface_name(unsigned interface_index, char name[HY__INTERFACE_NAME_SIZE]);

#endif
