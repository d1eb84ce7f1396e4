/* SPDX-License-Identifier: MIT */
/*
 * The receiver: UDP sockets and the decoder, in a thread of their own. Everything it finds it says
 * by signals, so nobody shares memory with it.
 */
#ifndef HALYARD_RECEIVER_H
#define HALYARD_RECEIVER_H

#include "ais/decoder.h"

#include <halyard/halyard.h>
#include <halyard/net.h>

enum {
    RECEIVER_SOCKETS_MAX = 16
};

/* Everything that was received, and what became of it. Plain bytes. */
struct receiver_counters {
    struct ais_counters ais;
    uint64_t datagrams, bytes;
    uint64_t kernel_drops; /* datagrams: the receive buffer was full */
    uint64_t truncated;
};

struct receiver {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(struct ais_report) report; /* a decoded message */
        hy_signal(struct receiver_counters)
            counted; /* four times a second when something changed, and at the end */
    } events;
    /* Set before its thread starts; borrowed. */
    const char *const *addresses;
    size_t address_count;
    bool may_lack_family; /* a machine without IPv6 (or IPv4) listens at the other addresses */
    /* Thread: its own. */
    struct hy_udp_socket sockets[RECEIVER_SOCKETS_MAX];
    size_t socket_count;
    struct hy_timer count_timer;
    struct ais_decoder decoder;
    struct receiver_counters told;
};

/*
 * Makes a receiver in the calling thread; move it to its own, and connect `started` and `finished`
 * of that thread to the slots below. addresses: 1 to RECEIVER_SOCKETS_MAX, "0.0.0.0:10110". Errors:
 * as hy_object_init().
 */
int receiver_init(struct receiver *receiver, const char *const *addresses, size_t address_count);

/* Slot for `started`: binds the sockets in the thread; a failure ends the application. */
void receiver_start(struct receiver *receiver);

/* Slot for `finished`: tells the last counts. */
void receiver_finish(struct receiver *receiver);

#endif
