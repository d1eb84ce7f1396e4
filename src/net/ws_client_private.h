/* SPDX-License-Identifier: MIT */
/*
 * The inside of a WebSocket client. Home thread only, but for what hy_ws_client keeps in its public
 * part. As in the server, entries are counted, so that a handler may end the client: `client` is
 * NULL from then on, and the memory goes with the last entry.
 */
#ifndef HY_NET_WS_CLIENT_PRIVATE_H
#define HY_NET_WS_CLIENT_PRIVATE_H

#include "packet_queue.h"
#include "ws_handshake.h"
#include <halyard/address.h>
#include <halyard/halyard.h>
#include <halyard/ws_client.h>

enum hy__ws_client_phase {
    HY__WS_CLIENT_IDLE,
    HY__WS_CLIENT_TCP,       /* connect() is under way */
    HY__WS_CLIENT_HANDSHAKE, /* the request is being written, or its answer awaited */
    HY__WS_CLIENT_FRAMES,    /* open, or closing while one Close is missing */
    HY__WS_CLIENT_ENDING     /* all is said: waits for the server's end */
};

#define HY__WS_CLIENT_RECEIVE_SIZE 65536

struct hy_ws_client_private {
    struct hy_ws_client *client; /* NULL once it has ended */
    struct hy_notifier notifier;
    struct hy_timer timer;           /* the time-out of connecting or closing */
    struct hy_timer flush;           /* writes at the end of the turn */
    struct hy__packet_queue request; /* what goes before the frames */
    struct hy__packet_queue queue;
    struct hy__ws_parser parser;
    struct hy__ws_client_handshake handshake;
    struct hy_ws_client_closed closed; /* what `closed` will say */
    size_t message_limit;
    int64_t connect_timeout_ns, close_timeout_ns;
    int64_t ping_ns;
    uint32_t entered;
    intptr_t handle;
    unsigned interest;
    enum hy__ws_client_phase phase;
    bool is_blocked, is_paused, is_flush_armed;
    bool is_held; /* a loop inside a handler wants to read: after the handler */
    bool is_close_sent, is_close_received, is_failing;
    bool is_taking; /* a handler may be reading its message: the parser outlives the connection */
    uint8_t masks[256];
    size_t masks_used;
    char *head; /* the answer to the request, until it is complete */
    size_t head_size, head_capacity;
    char *receive_buffer;
    char text[128]; /* the URL, for messages */
};

void hy__ws_client_enter(struct hy_ws_client_private *wc);
void hy__ws_client_leave(struct hy_ws_client_private *wc);
void hy__ws_client_ready(struct hy_notifier *notifier, const struct hy_readiness *readiness);
void hy__ws_client_timeout(struct hy_timer *timer);
void hy__ws_client_flush(struct hy_timer *timer);
/** Starts connecting; the URL is checked. */
int hy__ws_client_start(struct hy_ws_client_private *wc, const struct hy__ws_url *url,
                        struct hy_address *address, const char *origin);
/** Queues a message or control packet that is not masked yet; takes the reference. */
void hy__ws_client_push(struct hy_ws_client_private *wc, struct hy__packet *packet);
/** Starts the closing handshake. */
void hy__ws_client_close(struct hy_ws_client_private *wc, unsigned code, const char *reason,
                         size_t reason_size);
/** Ends the connection now and tells the program. */
void hy__ws_client_end(struct hy_ws_client_private *wc);
/** Opening has failed: emits `error` with the last error. */
void hy__ws_client_fail(struct hy_ws_client_private *wc, int code, const char *message);
void hy__ws_client_set_state(struct hy_ws_client_private *wc, enum hy_ws_client_state state);

#endif
