/* SPDX-License-Identifier: MIT */
/*
 * A WebSocket client (RFC 6455) for ws:// URLs with a numeric host or "localhost". It connects
 * without blocking; it can be opened again once it is closed.
 */
#ifndef HALYARD_WS_CLIENT_H
#define HALYARD_WS_CLIENT_H

#include <halyard/ws_server.h>

HY_BEGIN_DECLS

struct hy_ws_client_private;

enum hy_ws_client_state {
    HY_WS_CLIENT_CLOSED,
    HY_WS_CLIENT_CONNECTING, /* TCP or the handshake */
    HY_WS_CLIENT_OPEN,
    HY_WS_CLIENT_CLOSING /* a Close was sent */
};

struct hy_ws_client {
    HY_INHERITS(hy_object);
    struct {
        hy_signal0 opened;                            /* the handshake is done */
        hy_signal(struct hy_ws_client_closed) closed; /* once for each opened; client is 0; plain */
        hy_signal(struct hy_ws_message) message;      /* client is 0; borrowed */
        hy_signal(struct hy_ws_message_buffer) message_buffer;
        hy_signal(struct hy_ws_pong) pong; /* plain */
        hy_signal(struct hy_error) error;  /* opening failed: instead of opened; plain */
    } events;
    struct hy_ws_client_private *priv; /* guard: home thread */
    /* The library's; atomic. */
    uint64_t pending_, queue_limit_;
    uint32_t state_, reserved_;
};

extern HY_API const struct hy_class hy_ws_client_class;

/* Makes a client that is closed. Errors: as hy_object_init(). Thread: home of parent. */
HY_API int hy_ws_client_init(struct hy_ws_client *client, struct hy_object *parent) HY_MUST_USE;
/* Ends it; an open connection gets Close 1001 as far as the socket takes it. Errors and
 * thread: as hy_object_fini(). */
HY_API int hy_ws_client_fini(struct hy_ws_client *client);

/* Bytes of a message received (else Close 1009; 16 MiB) and of what is queued (4 MiB). Errors:
 * -HY_EINVAL, -HY_EBUSY, -HY_EWRONGTHREAD. Thread: home, while closed. */
HY_API int hy_ws_client_set_limits(struct hy_ws_client *client, size_t message_limit,
                                   size_t queue_limit);
/* For opening and for closing, in nanoseconds; 10 s and 5 s. Errors: as above. */
HY_API int hy_ws_client_set_timeouts(struct hy_ws_client *client, int64_t connect_timeout_ns,
                                     int64_t close_timeout_ns);

/*
 * Connects to "ws://127.0.0.1:8100/ws". `opened` or `error` follows. origin NULL: none. Errors:
 * -HY_EINVAL (not such a URL), -HY_ENOTSUP (wss, or a host name), -HY_EBUSY (not closed),
 * -HY_EMFILE, -HY_EADDRNOTAVAIL, -HY_EWRONGTHREAD, -HY_ESHUTDOWN, -HY_ENOMEM. Thread: home.
 */
HY_API int hy_ws_client_connect(struct hy_ws_client *client, const char *url, const char *origin);

/*
 * Sends a message; bytes are copied. Before `opened` it is queued. Errors: -HY_EAGAIN (what is
 * queued would be above the limit), -HY_EMSGSIZE, -HY_ENOTCONN (closed or closing), -HY_ESHUTDOWN,
 * -HY_ENOMEM. Thread: any.
 */
HY_API int hy_ws_client_send_text(struct hy_ws_client *client, const void *data, size_t size);
HY_API int hy_ws_client_send_binary(struct hy_ws_client *client, const void *data, size_t size);
/* Sends a ping; `pong` tells the round trip. Errors: -HY_ESHUTDOWN, -HY_ENOMEM. Thread: any. */
HY_API int hy_ws_client_ping(struct hy_ws_client *client);
/*
 * Closes: what is queued leaves first. code 0: none. `closed` follows if it was open. Errors:
 * -HY_EINVAL, -HY_ESHUTDOWN, -HY_ENOMEM. Thread: any.
 */
HY_API int hy_ws_client_close(struct hy_ws_client *client, unsigned code, const char *reason);

/* Where it stands; of the moment. Thread: any. */
HY_API enum hy_ws_client_state hy_ws_client_get_state(const struct hy_ws_client *client);
/* Stops and starts reading, so that the peer is slowed down. Errors: -HY_EWRONGTHREAD. Thread:
 * home. */
HY_API int hy_ws_client_set_reading(struct hy_ws_client *client, bool is_reading);

HY_END_DECLS

#endif
