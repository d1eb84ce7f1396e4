/* SPDX-License-Identifier: MIT */
/*
 * What waits to be written to one socket. Two rings: control packets go between messages, before
 * everything that has not begun; messages in the order they came. One packet may have left in part:
 * it is finished before anything else. An empty queue holds little or no memory. One thread.
 */
#ifndef HY_NET_PACKET_QUEUE_H
#define HY_NET_PACKET_QUEUE_H

#include "packet.h"
#include <sys/types.h>

struct hy__packet_ring {
    struct hy__packet **items;
    uint32_t head, count, capacity; /* capacity: 0 or a power of 2 */
};

struct hy__packet_queue {
    struct hy__packet_ring control, data;
    struct hy__packet *partial; /* has begun to leave, or NULL */
    size_t partial_done;        /* bytes of it that have left */
    bool partial_is_control;
    uint64_t cost; /* of the messages, the partial one included */
};

/** What a write did. */
struct hy__packet_write {
    size_t bytes;
    uint64_t messages, payload_bytes; /* of messages that left to the end */
    bool is_blocked;                  /* the socket takes no more now */
};

static inline bool hy__packet_queue_is_empty(const struct hy__packet_queue *queue)
{
    return queue->partial == NULL && queue->control.count == 0 && queue->data.count == 0;
}

/** Queues a packet and takes over the caller's reference; false without memory (then it does not).
 */
bool hy__packet_queue_push(struct hy__packet_queue *queue, struct hy__packet *packet);

/**
 * The same for a control packet. A pong replaces the newest waiting one when as many as
 * HY__CONTROL_MAX packets wait or the socket is blocked (RFC 6455 section 5.5.3 allows it).
 */
#define HY__CONTROL_MAX 32
bool hy__packet_queue_push_control(struct hy__packet_queue *queue, struct hy__packet *packet,
                                   bool is_blocked);

/** Drops the oldest message that has not begun; false: there is none. */
bool hy__packet_queue_drop_oldest(struct hy__packet_queue *queue);

/** Drops all messages that have not begun; returns how many. */
uint64_t hy__packet_queue_drop_messages(struct hy__packet_queue *queue);

/** Messages that wait, the one under way included. */
uint64_t hy__packet_queue_messages(const struct hy__packet_queue *queue);

/** Writes at most limit bytes to a socket. 0, or an error as of socket.h when it is broken. */
int hy__packet_queue_write(struct hy__packet_queue *queue, intptr_t handle, size_t limit,
                           struct hy__packet_write *ret_write);

/** Drops everything and gives all memory back. */
void hy__packet_queue_fini(struct hy__packet_queue *queue);

#endif
