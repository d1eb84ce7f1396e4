/* SPDX-License-Identifier: MIT */
/*
 * What the files of the UDP socket share. Everything in the private part is touched in the socket's
 * home thread, but what is marked atomic (relaxed reads from other threads) and the local address,
 * which has a mutex.
 */
#ifndef HALYARD_NET_UDP_PRIVATE_H
#define HALYARD_NET_UDP_PRIVATE_H

#include "mutex.h"
#include "socket.h"

#include <halyard/event.h>
#include <halyard/log.h>
#include <halyard/memory.h>
#include <halyard/notifier.h>
#include <halyard/thread.h>
#include <halyard/udp.h>

/* The largest slot of a batch: no datagram is larger (jumbograms apart). */
#define UDP_DATAGRAM_SIZE_MAX 65536

/*
 * Datagrams taken from the kernel and the memory they lie in. A batch under delivery is held by the
 * socket, as long as it has undelivered ones, and by every handler on the stack that delivers from
 * it: a slot's datagram stays valid whatever the slot does to the socket, be it a nested loop, a
 * close, a move to another thread or the end.
 */
struct udp_batch {
    uint32_t references; /* atomic */
    bool announced;      /* the batch signal has been emitted */
    uint32_t count;      /* datagrams that hold something */
    uint32_t next;       /* the first one that has not been delivered */
    struct hy__incoming incoming;
    struct hy_datagram datagrams[HY__INCOMING];
    unsigned char bytes[];
};

/*
 * One handler of the socket on the stack. Whoever takes the socket away from under it (close, move,
 * end) sets gone; then the handler touches neither the socket nor its private part any more.
 */
struct udp_frame {
    struct udp_frame *outer;
    bool gone;
};

struct hy_udp_socket_private {
    struct hy_notifier *notifier; /* a child of the socket, so that it moves along */
    intptr_t handle;              /* the descriptor, -1: closed */
    int family;
    unsigned flags;    /* enum hy_udp_flag, of the bind */
    bool wants_room;   /* a send found the buffer full: `writable` is owed */
    bool is_connected; /* there is a peer */
    struct hy_address peer;

    struct udp_frame *frames; /* innermost first */
    struct udp_batch *batch;  /* not wholly delivered, or NULL */
    struct udp_batch *spare;  /* for the next receive, or NULL */

    /* Options, for the next opening. */
    int receive_buffer_asked; /* 0: the system's default */
    size_t datagram_size_max;
    bool broadcast;
    int multicast_loopback, multicast_ttl, multicast_interface; /* -1: the system's default */

    int receive_buffer;                     /* granted; atomic */
    uint32_t drops_seen;                    /* the kernel's count when it was last read */
    struct hy_udp_socket_counters counters; /* atomic, each member */

    struct hy__mutex guard;
    struct hy_address local; /* guard: the mutex for writing and for other threads; none: closed */
};

/*
 * A call as a value, so that it can be run here or travel to the home thread. data is borrowed here
 * and owned by the copy that travels.
 */
struct udp_command {
    int (*action)(struct hy_udp_socket *socket, const struct udp_command *command);
    struct hy_address address;
    unsigned number; /* flags, or the index of an interface */
    int value;
    const void *data;
    size_t size;
};

/* Adds to a counter; only the home thread writes. */
static inline void hy__udp_count(uint64_t *counter, uint64_t amount)
{
    __atomic_store_n(counter, *counter + amount, __ATOMIC_RELAXED);
}

/* Runs the command now in the home thread, or queues it from another one. */
int hy__udp_submit(struct hy_udp_socket *socket, const struct udp_command *command);
/* Emits the calling thread's last error; the caller must not touch the socket afterwards unless its
 * frame says it may. */
void hy__udp_report(struct hy_udp_socket *socket);
/* Opens the socket and binds it; the address is set. */
int hy__udp_open(struct hy_udp_socket *socket, const struct hy_address *address, unsigned flags);
/* The kernel's drop counter, into ours. */
void hy__udp_read_drops(struct hy_udp_socket_private *priv);

/* udp_options.c: all options, on a fresh descriptor. */
int hy__udp_apply_options(struct hy_udp_socket *socket, const struct hy_address *address);

/* udp_receive.c */
struct udp_batch *hy__udp_batch_create(size_t datagram_size_max);
/* Gives up one reference; priv, where given, keeps the memory of the last one as spare. */
void hy__udp_batch_release(struct hy_udp_socket_private *priv, struct udp_batch *batch);
/* Takes the socket away from the handlers on the stack. */
void hy__udp_abandon_frames(struct hy_udp_socket_private *priv);
/* The notifier's slot. */
void hy__udp_ready(struct hy_udp_socket *socket, const struct hy_readiness *readiness);
/* Invoked after a move: delivers what was left of a batch. */
void hy__udp_deliver_rest(struct hy_object *object, const void *payload);

#endif
