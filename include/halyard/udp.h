/* SPDX-License-Identifier: MIT */
/*
 * UDP sockets.
 *
 *     hy_udp_socket_init(&self->socket, &self->hy);
 *     hy_connect(&self->socket.events.datagram, self, socket_datagram, HY_DIRECT);
 *     rc = hy_udp_socket_bind(&self->socket, "0.0.0.0:10110", HY_UDP_SHARE_ADDRESS);
 *
 * Threads. In the socket's home thread a call acts at once and returns its result. From another
 * thread the calls marked "Thread: any" are queued to the home thread, in order with everything
 * else the caller sends there; they return 0 (or -HY_ESHUTDOWN, -HY_ENOMEM, or -HY_EINVAL for an
 * argument that is wrong by itself), and a later failure comes as the `error` signal.
 *
 * Nothing is lost silently: what the kernel dropped, what was cut and what could not be sent is
 * counted, see hy_udp_socket_get_counters().
 */
#ifndef HALYARD_UDP_H
#define HALYARD_UDP_H

#include <halyard/address.h>
#include <halyard/signal.h>

HY_BEGIN_DECLS

/* What a receive buffer is asked to be where the user does not say, in bytes. */
#define HY_UDP_RECEIVE_BUFFER 8388608
/* The largest datagram there is, in bytes of payload: over IPv4 and over IPv6. */
#define HY_UDP_IPV4_SIZE_MAX 65507
#define HY_UDP_IPV6_SIZE_MAX 65527

enum hy_udp_flag {
    /* Others may bind the same address, if all ask for it. A multicast or broadcast datagram goes
     * to all of them, any other to the one that was bound last. */
    HY_UDP_SHARE_ADDRESS = 1 << 0,
    /* Others of the same user may bind the same address, if all ask for it. Each datagram goes to
     * one of them, all of one sender to the same. Not on Windows: -HY_ENOTSUP. */
    HY_UDP_REUSE_PORT = 1 << 1,
    /* Fail when the kernel grants a smaller receive buffer than asked, instead of warning. */
    HY_UDP_STRICT_BUFFER = 1 << 2,
    /* An IPv6 socket takes no IPv4 datagrams; without it, [::] takes both. Means nothing for an
     * IPv4 address. */
    HY_UDP_IPV6_ONLY = 1 << 3
};

/* One datagram that arrived. Borrowed: valid during the slot. */
struct hy_datagram {
    const void *data; /* size bytes; not NULL, not even where there are none */
    size_t size;      /* bytes; 0 is a datagram like any other */
    struct hy_address sender;
    int64_t received_ns; /* when it was taken from the kernel, as hy_now_ns() */
    bool truncated;      /* it was larger than hy_udp_socket_set_datagram_size_max() */
};

/* Datagrams that were taken from the kernel together, in the order of arrival. Borrowed. */
struct hy_datagram_batch {
    const struct hy_datagram *datagrams;
    size_t count; /* 1 or more */
};

/* One datagram to send with hy_udp_socket_send_batch(). */
struct hy_outgoing_datagram {
    const struct hy_address *to; /* NULL: the connected peer */
    const void *data;
    size_t size;
};

struct hy_udp_socket_counters {
    uint64_t datagrams; /* received, those of size 0 and the truncated ones included */
    uint64_t bytes;     /* received payload, as delivered */
    uint64_t unheard; /* of datagrams: came while neither signal was connected, and were dropped */
    uint64_t truncated;    /* of datagrams: were cut */
    uint64_t kernel_drops; /* dropped by the kernel: the receive buffer was full. Windows does not
                              count them: 0 */
    uint64_t sent;         /* datagrams the kernel took */
    uint64_t sent_bytes;   /* their payload */
    uint64_t send_errors;  /* datagrams that could not be sent */
};

struct hy_udp_socket {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(struct hy_datagram) datagram;    /* borrowed; one emission a datagram */
        hy_signal(struct hy_datagram_batch) batch; /* borrowed; one emission a batch; when both are
                                                      connected, it comes before its datagrams */
        hy_signal(struct hy_error) error; /* a queued call failed, or the system reported an error
                                             between calls (-HY_ECONNREFUSED on a connected socket);
                                             the socket stays usable */
        hy_signal0 writable;              /* after -HY_EAGAIN: there is room again */
    } events;
    struct hy_udp_socket_private *priv;
};

extern HY_API const struct hy_class hy_udp_socket_class;

/* Makes a socket that is not open. Errors: as hy_object_init(). Thread: home of parent. */
HY_API int hy_udp_socket_init(struct hy_udp_socket *socket, struct hy_object *parent) HY_MUST_USE;
/* The same on the heap; ended by hy_object_destroy() or its parent. */
HY_API int hy_udp_socket_create(struct hy_object *parent,
                                struct hy_udp_socket **ret_socket) HY_MUST_USE;
/* Closes and ends it; also from its own slots. Errors and thread: as hy_object_fini(). */
HY_API int hy_udp_socket_fini(struct hy_udp_socket *socket);

/*
 * Opens the socket on a local address and starts to receive. address as hy_address_parse(); port 0
 * lets the system choose, see hy_udp_socket_local_address(). flags: enum hy_udp_flag. Errors:
 * -HY_EINVAL, -HY_EADDRINUSE, -HY_EADDRNOTAVAIL, -HY_EACCES (a port below 1024; the buffer with
 * HY_UDP_STRICT_BUFFER), -HY_EBUSY (it is open already), -HY_ENOMEM, -HY_EMFILE, -HY_ENOTSUP (no
 * IPv6 here, or HY_UDP_REUSE_PORT). On failure the socket is closed. Thread: any.
 */
HY_API int hy_udp_socket_bind(struct hy_udp_socket *socket, const char *address, unsigned flags);
HY_API int hy_udp_socket_bind_address(struct hy_udp_socket *socket,
                                      const struct hy_address *address, unsigned flags);

/*
 * Sets the peer: what is sent without an address goes there, only what comes from there is
 * received, and when nobody listens there the `error` signal says so (-HY_ECONNREFUSED). Opens the
 * socket if need be. NULL takes the peer away. Errors: as bind, -HY_EIO (no route). Thread: any.
 */
HY_API int hy_udp_socket_connect(struct hy_udp_socket *socket, const struct hy_address *peer);

/*
 * Closes it: no signal comes any more, not even for the rest of a batch. It may be opened again;
 * options and counters stay. Closing a closed socket does nothing. Thread: any.
 */
HY_API int hy_udp_socket_close(struct hy_udp_socket *socket);

/* Whether it is open. Thread: any; of the moment from another one. */
HY_API bool hy_udp_socket_is_open(const struct hy_udp_socket *socket);
/* The address it is bound to. Errors: -HY_ENOTCONN (not open). Thread: any. */
HY_API int hy_udp_socket_local_address(const struct hy_udp_socket *socket,
                                       struct hy_address *ret_address);
/* What has happened since init. Exact in the home thread; from another one, kernel_drops may lag a
 * moment. Thread: any. */
HY_API struct hy_udp_socket_counters hy_udp_socket_get_counters(struct hy_udp_socket *socket);

/* --- sending --------------------------------------------------------------------------------- */

/*
 * Sends one datagram; to NULL: to the connected peer. Opens the socket on any port if need be.
 * Returns its size; from another thread 0, with the data copied. Errors: -HY_EMSGSIZE, -HY_EAGAIN
 * (the send buffer is full; `writable` comes when there is room), -HY_ENOTCONN (to is NULL, no
 * peer), -HY_EACCES (broadcast is not switched on), -HY_EINVAL, -HY_EIO (no route). An unreachable
 * peer is no error unless connected. Thread: any.
 */
HY_API int hy_udp_socket_send(struct hy_udp_socket *socket, const struct hy_address *to,
                              const void *data, size_t size);

/*
 * Sends many with few system calls. Returns how many were sent, the first ones; when the first one
 * fails, its error, as above. Thread: home.
 */
HY_API int hy_udp_socket_send_batch(struct hy_udp_socket *socket,
                                    const struct hy_outgoing_datagram *datagrams, size_t count);

/* --- options: remembered while closed, at once while open ------------------------------------ */

/*
 * The receive buffer to ask the kernel for, in bytes of its bookkeeping; 0 leaves the system's
 * default. On Linux, more than net.core.rmem_max needs the privilege CAP_NET_ADMIN. A smaller grant
 * is logged as a warning. Errors: -HY_EACCES (less granted, and bound with HY_UDP_STRICT_BUFFER),
 * -HY_EINVAL. Thread: any.
 */
HY_API int hy_udp_socket_set_receive_buffer(struct hy_udp_socket *socket, size_t size);
/* What the kernel granted, in the same unit; 0 while closed. Thread: any. */
HY_API size_t hy_udp_socket_receive_buffer(const struct hy_udp_socket *socket);

/*
 * Datagrams with more bytes than this are cut and counted; 1 to 65,536, the default, with which
 * none is. A socket keeps 32 such buffers, of which only the used pages take memory. Errors:
 * -HY_EINVAL, -HY_EBUSY (it is open). Thread: any.
 */
HY_API int hy_udp_socket_set_datagram_size_max(struct hy_udp_socket *socket, size_t size);

/* Permits sending to broadcast addresses. Thread: any. */
HY_API int hy_udp_socket_set_broadcast(struct hy_udp_socket *socket, bool enabled);

/*
 * Joins a multicast group, "239.192.0.4" or "ff02::1:2". interface_name: "eth0", NULL: the one that
 * the system's routes give. An open socket hears the groups it joined, not those of others. Errors:
 * -HY_ENOTCONN (not open: bind first), -HY_EEXIST (joined already), -HY_EINVAL (no group, other
 * family), -HY_ENOENT (no such interface, or no route: name one). Thread: any.
 */
HY_API int hy_udp_socket_join(struct hy_udp_socket *socket, const char *group,
                              const char *interface_name);
/* Leaves it; closing leaves all. Errors: -HY_ENOTCONN, -HY_ENOENT (not joined), -HY_EINVAL. */
HY_API int hy_udp_socket_leave(struct hy_udp_socket *socket, const char *group,
                               const char *interface_name);
/* Whether what it sends to a group also comes to members on this machine; the default is yes. */
HY_API int hy_udp_socket_set_multicast_loopback(struct hy_udp_socket *socket, bool enabled);
/* How many hops its multicast datagrams live, 0 (this machine) to 255; the default is 1. */
HY_API int hy_udp_socket_set_multicast_ttl(struct hy_udp_socket *socket, int hops);
/* The interface its multicast datagrams leave by; NULL: by the routes. Errors: -HY_ENOENT. */
HY_API int hy_udp_socket_set_multicast_interface(struct hy_udp_socket *socket,
                                                 const char *interface_name);

HY_END_DECLS

#endif
