/* SPDX-License-Identifier: MIT */
/*
 * A WebSocket server (RFC 6455) with the little HTTP it needs: pages from memory, answers made by
 * the program, the upgrade. An object like any other: it lives in one thread, all its work is done
 * there, and every call marked "Thread: any" may be made from every thread.
 *
 * Clients and requests are named by 64-bit ids that are never used twice in a practical time; an id
 * whose client has gone is an error or a counted drop, never somebody else.
 *
 * Back-pressure. Each client has a queue of at most `queue_limit` bytes. The server's *pressure* is
 * what was sent and is not yet in the queues, plus the fullest queue. At `high_water` the signal
 * high_water is emitted, at `low_water` low_water; a message that would take the pressure above
 * `queue_limit` is refused with -HY_EAGAIN, and a low_water is certain to follow such a refusal.
 * So a sender that repeats what was refused, after low_water, loses nothing. A client whose queue
 * has been above `low_water` for longer than `slow_after_ns` counts as slow: from then on it no
 * longer adds to the pressure (the others go on), and when its queue is full the policy acts, until
 * the queue is down at `low_water` again.
 */
#ifndef HALYARD_WS_SERVER_H
#define HALYARD_WS_SERVER_H

#include <halyard/buffer.h>
#include <halyard/signal.h>

HY_BEGIN_DECLS

struct hy_ws_server_private;

/* What happens to a message for a client whose queue is full. Each is counted. */
enum hy_ws_policy {
    HY_WS_DROP_NEWEST, /* this message is not queued */
    HY_WS_DROP_OLDEST, /* the oldest messages that have not begun to leave make room */
    HY_WS_DISCONNECT   /* the queue is dropped and the client gets Close 1013 (try again later) */
};

/*
 * All limits of a server. Fill it with hy_ws_server_options_default(), change what you need, give
 * it to hy_ws_server_set_options(). Texts are copied.
 */
struct hy_ws_server_options {
    size_t message_limit;         /* bytes of a message received, else Close 1009; 1 MiB */
    uint32_t fragment_limit;      /* frames of a message received, else Close 1008; 65,536 */
    size_t head_limit;            /* bytes of a request's head, else 431; 16 KiB */
    size_t request_line_limit;    /* bytes of its first line, else 414; 8 KiB */
    uint32_t header_limit;        /* header fields, else 431; 100, no more */
    uint32_t client_limit;        /* connections of any kind at once, else 503; 10,000 */
    size_t queue_limit;           /* bytes queued for a client; 4 MiB. A message counts 64 more */
    size_t high_water, low_water; /* bytes; 1 MiB and 256 KiB */
    enum hy_ws_policy policy;     /* HY_WS_DROP_NEWEST */
    size_t write_limit;           /* bytes written to a client in a turn of the loop; 256 KiB */
    bool pause_reading; /* read nothing from a client while its queue is above high_water; false */
    int64_t handshake_timeout_ns; /* from the accept to the whole request, else 408; 10 s */
    int64_t request_timeout_ns;   /* for hy_ws_server_respond(), else 504; 10 s */
    int64_t keep_alive_ns;        /* of an HTTP connection without a request; 10 s */
    int64_t ping_interval_ns;     /* nothing heard for so long: ping the client; 30 s; 0: never */
    int64_t pong_timeout_ns;      /* nothing heard after that ping: cut; 20 s */
    int64_t write_timeout_ns;     /* data waits and the socket takes none: cut; 60 s */
    int64_t close_timeout_ns;     /* for the peer's Close, and for hy_ws_server_close(); 5 s */
    int64_t slow_after_ns;        /* see above; 2 s */
    /* WebSocket upgrades at these paths; NULL and 0: at "/ws". any_path: at every path. */
    const char *const *upgrade_paths;
    size_t upgrade_path_count;
    bool any_path;
    /* Origins allowed besides the server's own: "https://example.org", or "*" for all. */
    const char *const *origins;
    size_t origin_count;
    /* Subprotocols that the program speaks, the preferred one first. */
    const char *const *subprotocols;
    size_t subprotocol_count;
    uint64_t reserved[8]; /* 0 */
};

/* A page from memory. The bytes are borrowed until the server's fini; the texts are copied. */
struct hy_ws_page {
    const char *path;                    /* "/", "/app.js": exactly this, without a query */
    const char *content_type;            /* "text/html; charset=utf-8" */
    const char *cache_control;           /* NULL: "no-cache" */
    const char *content_security_policy; /* NULL: none */
    const void *data;
    size_t size;
    const void *gzip_data; /* the same compressed, or NULL */
    size_t gzip_size;
};

struct hy_ws_client_opened {
    uint64_t client;
    char peer[64];        /* "127.0.0.1:40312", "[::1]:40312" */
    char target[256];     /* path and query of the request, cut at 255 bytes */
    char subprotocol[64]; /* the one agreed on, or "" */
};

struct hy_ws_client_closed {
    uint64_t client;
    uint16_t code; /* of the first Close, ours or theirs; 1005: it had none; 1006: there was none */
    bool is_clean; /* both sides sent a Close */
    bool is_local; /* we closed first */
    char reason[124];                           /* UTF-8, or "" */
    uint64_t messages_received, bytes_received; /* payload */
    uint64_t messages_sent, bytes_sent;
    uint64_t messages_dropped; /* by the policy, or still queued at the end */
};

/* A message received. Valid during the call only. */
struct hy_ws_message {
    uint64_t client;
    const void *data;
    size_t size;
    bool is_text; /* then it is valid UTF-8 */
};

/* The same with a buffer, which a queued connection keeps. */
struct hy_ws_message_buffer {
    uint64_t client;
    struct hy_buffer *buffer; /* the signal's reference: take one to keep it */
    bool is_text;
};

/* A GET or HEAD for a path that is no page. Answer it with hy_ws_server_respond(). */
struct hy_http_request {
    uint64_t request;
    /* Texts, as sent (percent-encoded); valid as long as the payload. */
    const char *method, *path, *query;
    struct hy_buffer *storage; /* the library's */
};

struct hy_ws_pressure {
    uint64_t client; /* 0: the whole server */
    uint64_t queued; /* bytes */
};

struct hy_ws_pong {
    uint64_t client;
    int64_t round_trip_ns; /* of the newest ping */
};

struct hy_ws_server_closed {
    uint32_t clean; /* clients that answered the Close */
    uint32_t cut;   /* clients that were cut at the deadline */
};

/* All counters since init; those without "now" never fall. */
struct hy_ws_server_counters {
    uint64_t connections; /* now, of any kind */
    uint64_t clients;     /* WebSocket clients, now */
    uint64_t pressure;    /* bytes, now */
    uint64_t accepted;    /* connections */
    uint64_t opened;      /* WebSocket clients */
    uint64_t messages_received, bytes_received;
    uint64_t messages_sent, bytes_sent;      /* handed to the system; payload, per client */
    uint64_t dropped_newest, dropped_oldest; /* messages, per client, by the policy */
    uint64_t disconnected;                   /* clients, by HY_WS_DISCONNECT */
    uint64_t dropped_at_end;                 /* messages queued for clients that went */
    uint64_t dropped_gone;                   /* messages to ids of clients that had gone */
    uint64_t refused_sends;                  /* calls that returned -HY_EAGAIN */
    uint64_t pings_received, pongs_received;
    uint64_t pages;    /* answered with 200 or 304 */
    uint64_t requests; /* answered by hy_ws_server_respond() */
    /* Answered with an error, by status. */
    uint64_t refused_400, refused_403, refused_404, refused_405, refused_408, refused_413;
    uint64_t refused_414, refused_426, refused_431, refused_500, refused_501, refused_503;
    uint64_t refused_504, refused_505;
    /* WebSocket clients closed, by the code of hy_ws_client_closed. */
    uint64_t closed_1000, closed_1001, closed_1002, closed_1005, closed_1006, closed_1007;
    uint64_t closed_1008, closed_1009, closed_1011, closed_1013, closed_other;
    uint64_t timeouts; /* connections cut by one of the time-outs */
    uint64_t accept_failures;
};

struct hy_ws_server {
    HY_INHERITS(hy_object);
    struct {
        /* Exactly one closed follows each opened, also when the server ends. Plain. */
        hy_signal(struct hy_ws_client_opened) client_opened;
        hy_signal(struct hy_ws_client_closed) client_closed;
        hy_signal(struct hy_ws_message) message;               /* borrowed: connect it direct */
        hy_signal(struct hy_ws_message_buffer) message_buffer; /* one copy; for other threads */
        hy_signal(struct hy_http_request) request;             /* without a slot: 404 */
        hy_signal(struct hy_ws_pressure) high_water;           /* plain, as all that follow */
        hy_signal(struct hy_ws_pressure) low_water;
        hy_signal(struct hy_ws_pong) pong;
        hy_signal(struct hy_ws_server_closed) closed; /* hy_ws_server_close() is done */
        hy_signal(
            struct hy_error) error; /* the listening socket: accepting fails, memory is short */
    } events;
    struct hy_ws_server_private *priv; /* guard: home thread */
    /* The library's; atomic. Here and not behind priv, so that a sender in another thread needs
     * nothing that fini releases. */
    uint64_t pending_, queue_limit_;
    uint32_t refused_, state_, port_, reserved_;
    struct hy_ws_server_counters counters_;
};

extern HY_API const struct hy_class hy_ws_server_class;

/* The defaults named above. Thread: any. */
HY_API struct hy_ws_server_options hy_ws_server_options_default(void);

/* Makes a server that does not listen yet. Errors: as hy_object_init(). Thread: home of parent. */
HY_API int hy_ws_server_init(struct hy_ws_server *server, struct hy_object *parent) HY_MUST_USE;
/* The same on the heap; see hy_object_create(). Errors and thread: as above. */
HY_API int hy_ws_server_create(struct hy_object *parent,
                               struct hy_ws_server **ret_server) HY_MUST_USE;
/*
 * Ends it without waiting: clients get Close 1001 as far as their sockets take it, client_closed is
 * emitted for each, all descriptors are closed. So does the end of its thread. Direct slots of
 * other objects hear these client_closed for certain; a program that needs to hear of all of them
 * through queued connections calls hy_ws_server_close() first and waits for `closed`. Errors and
 * thread: as hy_object_fini().
 */
HY_API int hy_ws_server_fini(struct hy_ws_server *server);

/*
 * Sets all limits. Errors: -HY_EINVAL (the message names the member), -HY_EBUSY (it listens
 * already), -HY_EWRONGTHREAD, -HY_ESHUTDOWN, -HY_ENOMEM. Thread: home.
 */
HY_API int hy_ws_server_set_options(struct hy_ws_server *server,
                                    const struct hy_ws_server_options *options);

/*
 * Adds a page, or replaces the one of this path. Errors: -HY_EINVAL, -HY_EWRONGTHREAD,
 * -HY_ESHUTDOWN, -HY_ENOMEM. Thread: home.
 */
HY_API int hy_ws_server_add_page(struct hy_ws_server *server, const struct hy_ws_page *page);

/*
 * Listens at "127.0.0.1:8100", "[::1]:8100", "0.0.0.0:8100"; port 0 lets the system choose. flags
 * is 0. Once only. A listening server may be moved to another thread, outside its own handlers.
 * Errors: -HY_EINVAL (not an address), -HY_EADDRINUSE, -HY_EADDRNOTAVAIL, -HY_EACCES, -HY_EMFILE,
 * -HY_EBUSY (it listens), -HY_EWRONGTHREAD, -HY_ESHUTDOWN, -HY_ENOMEM. Thread: home.
 */
HY_API int hy_ws_server_listen(struct hy_ws_server *server, const char *address, unsigned flags);

/* The address it listens at, with the real port: "127.0.0.1:8100"; "" before. Thread: home. */
HY_API const char *hy_ws_server_address(const struct hy_ws_server *server);
/* The real port, or 0. Thread: any. */
HY_API uint16_t hy_ws_server_port(const struct hy_ws_server *server);

/*
 * Queues one message for one client, or for all that are connected when the call is carried out in
 * the server's thread; bytes are copied, once for all clients. What one thread sends arrives in the
 * order sent. Text must be UTF-8; that is the caller's duty. Errors: -HY_EAGAIN (see
 * "Back-pressure"; nothing was sent), -HY_EMSGSIZE (above queue_limit), -HY_ESHUTDOWN (the server
 * is closing or dead), -HY_ENOMEM.
 *
 * To one client, in the server's own thread, only that client's queue counts: -HY_EAGAIN says that
 * it is full and the policy has acted, -HY_ENOENT that there is no such client. From other threads
 * both are counted only (dropped_..., dropped_gone). Thread: any.
 */
HY_API int hy_ws_server_send_text(struct hy_ws_server *server, uint64_t client, const void *data,
                                  size_t size);
HY_API int hy_ws_server_send_binary(struct hy_ws_server *server, uint64_t client, const void *data,
                                    size_t size);
HY_API int hy_ws_server_broadcast_text(struct hy_ws_server *server, const void *data, size_t size);
HY_API int hy_ws_server_broadcast_binary(struct hy_ws_server *server, const void *data,
                                         size_t size);
/* The same without a copy: the server takes references of its own. Thread: any. */
HY_API int hy_ws_server_send_buffer(struct hy_ws_server *server, uint64_t client,
                                    struct hy_buffer *buffer, bool is_text);
HY_API int hy_ws_server_broadcast_buffer(struct hy_ws_server *server, struct hy_buffer *buffer,
                                         bool is_text);

/*
 * Closes a client: what is queued for it leaves first, then Close with the code (1000, 1001, 1003,
 * 1007 to 1014, 3000 to 4999; 0: without one) and the reason (NULL: none; cut at 123 bytes).
 * Errors: -HY_EINVAL (a code that must not be sent), -HY_ESHUTDOWN, -HY_ENOMEM; in the server's
 * thread -HY_ENOENT. Thread: any.
 */
HY_API int hy_ws_server_close_client(struct hy_ws_server *server, uint64_t client, unsigned code,
                                     const char *reason);
/* Pings a client; `pong` tells the round trip. Errors as above. Thread: any. */
HY_API int hy_ws_server_ping(struct hy_ws_server *server, uint64_t client);

/*
 * Answers a request; the body may be NULL, a reference is taken. status 200 to 599. Sends
 * "Cache-Control: no-store". A request that is answered already, timed out or whose peer has gone
 * is ignored (in the server's thread: -HY_ENOENT). Errors: -HY_EINVAL, -HY_ESHUTDOWN, -HY_ENOMEM.
 * Thread: any.
 */
HY_API int hy_ws_server_respond(struct hy_ws_server *server, uint64_t request, int status,
                                const char *content_type, struct hy_buffer *body);

/*
 * Closes in order: stops accepting, sends what is queued and Close 1001 to every client, waits for
 * their answers until close_timeout_ns has passed, cuts the rest, emits `closed`. From now on sends
 * return -HY_ESHUTDOWN. Closing twice is closing once. Errors: -HY_ESHUTDOWN (dead), -HY_ENOMEM.
 * Thread: any.
 */
HY_API int hy_ws_server_close(struct hy_ws_server *server);

/* The counters of the moment, each exact by itself. Thread: any. */
HY_API struct hy_ws_server_counters hy_ws_server_get_counters(const struct hy_ws_server *server);

HY_END_DECLS

#endif
