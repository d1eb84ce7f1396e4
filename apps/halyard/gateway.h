/* SPDX-License-Identifier: MIT */
/*
 * The gateway, in the main thread: reports in from the receiver, the vessels, frames out to the
 * WebSocket server, which lives in a third thread. It is reached by signals only, and calls only
 * what any thread may call.
 */
#ifndef HALYARD_GATEWAY_H
#define HALYARD_GATEWAY_H

#include "receiver.h"
#include "tracker.h"

#include <halyard/halyard.h>
#include <halyard/net.h>

struct gateway_options {
    int64_t stale_ns, remove_ns; /* see tracker.h */
    int64_t interval_ns;         /* between deltas */
};

/* A client that needs a snapshot. */
struct gateway_newcomer {
    uint64_t client;
    size_t next_frame;
    bool needs_hello;
};

struct gateway {
    HY_INHERITS(hy_object);
    struct hy_ws_server *server; /* lives in another thread; outlives the gateway */
    struct gateway_options options;
    struct tracker tracker;
    struct receiver_counters received; /* as last told */
    uint64_t reports;                  /* taken over from the receiver */
    uint64_t reports_lost;             /* of these: no memory */
    uint64_t reports_dropped;          /* the oldest ones made room while this thread was held up */
    uint64_t seq;                      /* of the last delta or gone frame */
    uint64_t frames_refused;           /* broadcasts that the server did not take */
    /* The snapshot at `seq`, made for the first client that needs it and shared with all that come
     * before the next delta: what changed since it was made is in that delta. Empty: not made. */
    struct hy_buffer **snapshot;
    size_t snapshot_count;
    /* Clients whose snapshot is not sent to its end yet, in order: the server takes so much at
     * once, and tells when it takes more. No delta goes out meanwhile, so `seq` stays. */
    struct gateway_newcomer *newcomers;
    size_t newcomer_count, newcomer_room;
    int64_t newcomers_since_ns; /* there have been some all the time */
    struct hy_timer delta_timer, second_timer;
    /* Sentences a second, over the last seconds. */
    uint64_t sentences_before;
    double rate;
};

/* Makes the gateway and connects it to receiver and server. Errors: as hy_object_init(). Thread:
 * main. */
int gateway_init(struct gateway *gateway, struct receiver *receiver, struct hy_ws_server *server,
                 const struct gateway_options *options);

/* Ends it. Thread: main. */
void gateway_fini(struct gateway *gateway);

/* One line for the end: received, decoded, tracked, sent, dropped. */
void gateway_print_summary(const struct gateway *gateway);

#endif
