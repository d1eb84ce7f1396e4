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
    RECEIVER_SOCKETS_MAX = 16,
    RECEIVER_BATCH_MAX = 100,      /* reports in a batch */
    RECEIVER_WAITING_MAX = 100000, /* reports: 25 MB, and some seconds of the busiest coast */
    RECEIVER_LATE = 50 /* so many batches wait: the listener is late, and gets full ones only */
};

/*
 * Decoded messages that came together, in one message from thread to thread. The batches that make
 * room in a bounded queue are known by the gap in `first`.
 */
struct receiver_batch {
    uint64_t first;           /* how many reports were told before these */
    struct hy_buffer *buffer; /* 1 to RECEIVER_BATCH_MAX struct ais_report */
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
        hy_signal(struct receiver_batch) reports; /* decoded messages */
        hy_signal(struct receiver_counters)
            counted; /* four times a second when something changed, and at the end */
    } events;
    struct hy_connection queue; /* that of `reports`, set with receiver_queue_options before the
                                   thread starts; zeros: whoever listens is never late */
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
    uint64_t reports_told;
    struct ais_report pending[RECEIVER_BATCH_MAX]; /* decoded, not told yet */
    size_t pending_count;
};

/*
 * How a listener in another thread connects to `reports`: a flood that it cannot follow costs the
 * oldest reports, not the machine's memory. At most RECEIVER_WAITING_MAX reports wait, and at least
 * 95 % of that before any is dropped: all batches but the first RECEIVER_LATE are full.
 */
extern const struct hy_connect_options receiver_queue_options;

static inline const struct ais_report *receiver_batch_reports(const struct receiver_batch *batch)
{
    return hy_buffer_data(batch->buffer);
}

static inline size_t receiver_batch_count(const struct receiver_batch *batch)
{
    return hy_buffer_size(batch->buffer) / sizeof(struct ais_report);
}

/*
 * Makes a receiver in the calling thread; move it to its own, and connect `started` and `finished`
 * of that thread to the slots below. addresses: 1 to RECEIVER_SOCKETS_MAX, "0.0.0.0:10110". Errors:
 * as hy_object_init().
 */
int receiver_init(struct receiver *receiver, const char *const *addresses, size_t address_count);

/* Slot for `started`: binds the sockets in the thread; a failure ends the application. */
void receiver_start(struct receiver *receiver);

/* Slot for `finished`: tells the last reports and counts. */
void receiver_finish(struct receiver *receiver);

#endif
