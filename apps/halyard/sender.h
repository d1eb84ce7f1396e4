/* SPDX-License-Identifier: MIT */
/*
 * Sends sentences to one UDP address: packs those that are added together into datagrams and sends
 * these in batches. Nothing is lost here: what the socket does not take now is kept, and the sender
 * tells to wait. Lives in one thread; its socket is a child of the owner.
 */
#ifndef HALYARD_SENDER_H
#define HALYARD_SENDER_H

#include <halyard/net.h>

enum {
    SENDER_DATAGRAM_SIZE = 1400, /* bytes: within an Ethernet frame; a longer text goes alone */
    SENDER_BATCH = 64,           /* datagrams */
    SENDER_TEXT_MAX = 65507,     /* bytes of one text */
};

/* Read the counters; the rest is private. */
struct sender {
    struct hy_udp_socket socket; /* events.writable: flush again */
    struct hy_address address;
    uint64_t datagrams; /* sent */
    uint64_t bytes;     /* sent */
    size_t count;       /* datagrams collected, the open one included */
    size_t first;       /* of them, not sent yet */
    size_t used;        /* bytes of data */
    size_t ends[SENDER_BATCH];
    char data[SENDER_BATCH * SENDER_DATAGRAM_SIZE + SENDER_TEXT_MAX];
};

/* Errors: as hy_udp_socket_init(). */
int sender_init(struct sender *sender, struct hy_object *parent, const struct hy_address *address);

/*
 * Adds a text (1 to SENDER_TEXT_MAX bytes); `join`: to the last datagram, if that has room. Returns
 * false, with nothing added, when the batch is full or partly sent: flush first.
 */
bool sender_add(struct sender *sender, const char *text, size_t size, bool join);

/*
 * Sends what was collected. Returns 0 when all of it is gone, -HY_EAGAIN when the rest waits for
 * the socket's `writable`, or another error, with the rest kept.
 */
int sender_flush(struct sender *sender);

#endif
