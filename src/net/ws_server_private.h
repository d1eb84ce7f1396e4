/* SPDX-License-Identifier: MIT */
/*
 * The inside of a WebSocket server. Everything here belongs to the server's home thread, but for
 * what hy_ws_server keeps in its public part (see ws_pressure.c).
 *
 * Every entry from the loop (a notifier, a timer, an invocation, a public call) stands between
 * hy__ws_enter() and hy__ws_leave(). Handlers of the program may close any client and end the
 * server: connections then become DEAD at once, but their memory and that of the server stay until
 * no entry is on the stack. So after anything that may emit, code looks at the phase of its
 * connection, and touches nothing else when it is DEAD.
 */
#ifndef HY_NET_WS_SERVER_PRIVATE_H
#define HY_NET_WS_SERVER_PRIVATE_H

#include "packet_queue.h"
#include "ws_handshake.h"
#include <halyard/halyard.h>
#include <halyard/ws_server.h>

/* One buffer for all connections; memory only as far as it was ever filled. */
#define HY__WS_RECEIVE_SIZE ((size_t)256 << 10)

/* A connection's life. Requests may go round REQUEST -> ANSWER -> RESPONSE several times. */
enum hy__ws_phase {
    HY__WS_REQUEST,  /* reads a request's head */
    HY__WS_ANSWER,   /* waits for hy_ws_server_respond() */
    HY__WS_RESPONSE, /* writes a response */
    HY__WS_OPEN,     /* a WebSocket */
    HY__WS_CLOSING,  /* our Close is queued or sent; both sides' and the connection is finished */
    HY__WS_LINGER,   /* nothing more is written: reads and discards until the peer's end */
    HY__WS_DEAD      /* closed; only its memory is left */
};

/* What a connection can wait for; one list of deadlines each. */
enum hy__ws_stage {
    HY__WS_STAGE_NONE,
    HY__WS_STAGE_REQUEST,
    HY__WS_STAGE_KEEP_ALIVE,
    HY__WS_STAGE_ANSWER,
    HY__WS_STAGE_QUIET, /* nothing heard: ping */
    HY__WS_STAGE_PONG,
    HY__WS_STAGE_CLOSING,
    HY__WS_STAGE_LINGER,
    HY__WS_STAGE_WRITE,
    HY__WS_STAGE_COUNT
};

struct hy__ws_connection;

struct hy__ws_deadline {
    struct hy__ws_deadline *previous, *next;
    struct hy__ws_connection *connection;
    int64_t since_ns;
    enum hy__ws_stage stage;
};

/* All members of a list wait for the same time, so the first that came is the first due. */
struct hy__ws_deadlines {
    struct hy__ws_deadline *first, *last;
    int64_t timeout_ns; /* 0: never */
};

/* Bytes of a request that is not complete, or that wait for the response before. */
struct hy__ws_stash {
    char *data;
    size_t size, capacity;
    size_t scanned; /* the parser has looked at these */
};

/* What a connection has more when it is a WebSocket. */
struct hy__ws_session {
    struct hy__ws_parser parser;
    uint64_t client;
    uint64_t messages_received, bytes_received, messages_sent, bytes_sent, messages_dropped;
    int64_t ping_ns;     /* when the newest ping was queued; 0: its pong is here */
    uint16_t close_code; /* 0: nobody has closed */
    bool is_local, is_peer_closed, is_failing;
    bool is_taking; /* a handler may be reading its message: it outlives the connection's end */
    uint8_t reason_size;
    char *reason; /* of the Close, whosever; NULL: none, or no memory for it */
};

struct hy__ws_connection {
    struct hy_notifier notifier;
    struct hy_ws_server_private *ws;
    struct hy__ws_connection *previous, *next; /* all that are not dead; or the dead ones */
    struct hy__ws_connection *dirty_next, *backlog_next, *report_next;
    struct hy__ws_deadline life, write;
    struct hy__packet_queue queue;
    struct hy__ws_session *session; /* OPEN, CLOSING */
    struct hy__ws_stash *stash;     /* or NULL */
    uint64_t request;               /* ANSWER: its id */
    int64_t above_since_ns;         /* the queue is above low_water; 0: it is not */
    uint64_t lingered;              /* bytes discarded */
    intptr_t handle;
    unsigned interest; /* what the notifier watches for */
    uint8_t phase;     /* enum hy__ws_phase */
    bool is_dirty, is_backlogged, is_blocked, is_slow, is_high, is_reported;
    bool is_busy, is_held; /* a handler of its data is on the stack; and a nested loop wants more */
    bool is_head, is_close_after, is_read_ended;
};

struct hy__ws_slot {
    struct hy__ws_connection *connection; /* NULL: free */
    uint32_t generation;
    uint32_t next_free;
};

struct hy__ws_page {
    char *path, *content_type, *cache_control, *content_security_policy;
    char etag[24];
    struct hy_buffer *plain, *gzip; /* gzip: or NULL */
    size_t size, gzip_size;
};

struct hy_ws_server_private {
    struct hy_ws_server *server; /* NULL once it has ended */
    struct hy_ws_server_counters *counters, last_counters;
    struct hy_ws_server_options options; /* its texts are owned */
    struct hy__http_limits head_limits;
    struct hy__ws_policy policy;
    struct hy__ws_page *pages;
    size_t page_count;
    struct hy_notifier listener;
    intptr_t listener_handle;
    char address[80];
    int64_t accept_at_ns; /* accepting is paused until then; 0: it is not */
    struct hy__ws_connection *first, *last;
    struct hy__ws_connection *dead;
    struct hy__ws_connection *dirty_first, *dirty_last;
    size_t dirty_count;
    struct hy__ws_connection *backlog;
    struct hy__ws_slot *slots;
    uint32_t slot_count, free_first, free_last;
    struct hy__ws_deadlines deadlines[HY__WS_STAGE_COUNT];
    struct hy_timer clock, flush;
    int64_t clock_at_ns;  /* when the clock fires; 0: it is stopped */
    int64_t settle_at_ns; /* when a client may become slow; 0: none */
    uint64_t fullest;     /* what the pressure holds for queues; see ws_pressure.c */
    uint32_t entered;
    uint32_t closed_clean, closed_cut;
    bool is_flush_armed, is_high, is_closing, is_closed_told, is_receiving;
    char *receive_buffer;
};

/* --- ws_server.c ----------------------------------------------------------------------------- */

/** Values of hy_ws_server.state_. */
enum hy__ws_state {
    HY__WS_STATE_NONE,
    HY__WS_STATE_READY,
    HY__WS_STATE_CLOSING,
    HY__WS_STATE_DEAD
};

void hy__ws_enter(struct hy_ws_server_private *ws);
void hy__ws_leave(struct hy_ws_server_private *ws);
/** Adds to a counter that only the home thread changes; any thread may read it meanwhile. */
static inline void hy__ws_count(uint64_t *counter, uint64_t more)
{
    __atomic_store_n(counter, *counter + more, __ATOMIC_RELAXED);
}
/** Emits `error` and logs it. */
void hy__ws_report(struct hy_ws_server_private *ws, int code, const char *message);
/** Begins hy_ws_server_close() at home. */
void hy__ws_close(struct hy_ws_server_private *ws);
/** Emits `closed` when the server is closing and the last connection has gone. */
void hy__ws_closed_check(struct hy_ws_server_private *ws);
/** -HY_ESHUTDOWN unless the server takes calls. Any thread. */
int hy__ws_check_open(const struct hy_ws_server *server, const char *operation);

/* --- ws_options.c ---------------------------------------------------------------------------- */

int hy__ws_options_set(struct hy_ws_server_private *ws, const struct hy_ws_server_options *options);
void hy__ws_options_fini(struct hy_ws_server_options *options);
int hy__ws_page_add(struct hy_ws_server_private *ws, const struct hy_ws_page *page);
const struct hy__ws_page *hy__ws_page_find(const struct hy_ws_server_private *ws,
                                           struct hy__slice path);
void hy__ws_pages_fini(struct hy_ws_server_private *ws);

/* --- ws_listener.c --------------------------------------------------------------------------- */

int hy__ws_listener_start(struct hy_ws_server_private *ws, const char *address);
void hy__ws_listener_stop(struct hy_ws_server_private *ws);
/** The pause after a failure is over. */
void hy__ws_listener_resume(struct hy_ws_server_private *ws);
/** "127.0.0.1:40312" of the socket's peer, or "". */
void hy__ws_peer_text(intptr_t handle, char *to, size_t capacity);

/* --- ws_connection.c ------------------------------------------------------------------------- */

/** Takes over the descriptor, also on failure. */
int hy__ws_connection_create(struct hy_ws_server_private *ws, intptr_t handle);
/** Queues a packet (takes the reference) and has it written at the end of the turn. Without memory
 * the connection is cut. */
void hy__ws_connection_push(struct hy__ws_connection *connection, struct hy__packet *packet);
void hy__ws_connection_push_control(struct hy__ws_connection *connection,
                                    struct hy__packet *packet);
/** Watches for what the phase and the queue need. */
void hy__ws_connection_update(struct hy__ws_connection *connection);
/** Writes, and goes on as the phase says when the queue is empty. */
void hy__ws_connection_write(struct hy__ws_connection *connection);
/** No more is written; reads and discards until the peer's end. */
void hy__ws_connection_linger(struct hy__ws_connection *connection);
/** Ends it now: closes the descriptor, tells the program if it was a client. */
void hy__ws_connection_cut(struct hy__ws_connection *connection);
/** Has the turn end with a flush. */
void hy__ws_flush_arm(struct hy_ws_server_private *ws);
void hy__ws_flush(struct hy_ws_server_private *ws);
/** Data of the connection is being handled: a loop inside a handler must not read more of it. */
void hy__ws_connection_busy(struct hy__ws_connection *connection, bool is_busy);
/** Gives the dead ones' memory back. */
void hy__ws_bury(struct hy_ws_server_private *ws);

/* --- ws_session.c ---------------------------------------------------------------------------- */

/** The 101 is queued: makes it a WebSocket client and tells the program. */
void hy__ws_session_open(struct hy__ws_connection *connection,
                         const struct hy__http_request *request,
                         const struct hy__ws_handshake *handshake);
void hy__ws_session_take(struct hy__ws_connection *connection, char *data, size_t size);
/** Starts the closing handshake from our side. is_failing: the peer broke the protocol. */
void hy__ws_session_close(struct hy__ws_connection *connection, unsigned code, const char *reason,
                          size_t reason_size, bool is_failing);
void hy__ws_session_drained(struct hy__ws_connection *connection);
/** Pings now. */
void hy__ws_session_ping(struct hy__ws_connection *connection);
/** Takes the session off the connection and emits client_closed. */
void hy__ws_session_end(struct hy__ws_connection *connection, bool is_clean);
/** Queues a message under the policy; takes the reference. False: it was not queued. */
bool hy__ws_session_send(struct hy__ws_connection *connection, struct hy__packet *packet);

/* --- ws_http.c ------------------------------------------------------------------------------- */

void hy__ws_http_take(struct hy__ws_connection *connection, char *data, size_t size);
void hy__ws_http_drained(struct hy__ws_connection *connection);
/** Answers with an error and closes. */
void hy__ws_http_refuse(struct hy__ws_connection *connection, int status, const char *problem);
/** Answers the request that the connection waits for. */
void hy__ws_http_respond(struct hy__ws_connection *connection, int status, const char *content_type,
                         struct hy_buffer *body);
void hy__ws_stash_free(struct hy__ws_connection *connection);

/* --- ws_deadlines.c -------------------------------------------------------------------------- */

void hy__ws_deadline_set(struct hy_ws_server_private *ws, struct hy__ws_deadline *deadline,
                         enum hy__ws_stage stage);
void hy__ws_deadline_clear(struct hy_ws_server_private *ws, struct hy__ws_deadline *deadline);
/** Has the clock fire at that time or before. */
void hy__ws_clock_need(struct hy_ws_server_private *ws, int64_t at_ns);
void hy__ws_clock_fired(struct hy_ws_server_private *ws);

/* --- ws_slots.c ------------------------------------------------------------------------------ */

/** A new id for the connection, or 0 without memory. */
uint64_t hy__ws_slot_take(struct hy_ws_server_private *ws, struct hy__ws_connection *connection);
void hy__ws_slot_retire(struct hy_ws_server_private *ws, uint64_t id);
/** The connection of an id, or NULL. */
struct hy__ws_connection *hy__ws_slot_find(const struct hy_ws_server_private *ws, uint64_t id);

/* --- ws_pressure.c --------------------------------------------------------------------------- */

/** -HY_EMSGSIZE for a message that no queue may ever hold. Any thread. */
int hy__ws_pressure_check_size(struct hy_ws_server *server, uint64_t cost);
/** Reserves room for a message of this cost, which is no more than the limit, or -HY_EAGAIN. Any
 * thread. */
int hy__ws_pressure_reserve(struct hy_ws_server *server, uint64_t cost);
/** Gives a reservation back whose message could not be posted. Any thread. */
void hy__ws_pressure_cancel(struct hy_ws_server *server, uint64_t cost);
/** A reserved message has come to the queues. */
void hy__ws_pressure_arrived(struct hy_ws_server_private *ws, uint64_t cost);
/** A message has come to one queue without a reservation. */
void hy__ws_pressure_raise(struct hy__ws_connection *connection);
/** The connection's queue holds something. */
void hy__ws_pressure_watch(struct hy__ws_connection *connection);
/** Finds the fullest queue, gives back the rest, emits high_water and low_water. */
void hy__ws_pressure_settle(struct hy_ws_server_private *ws);

#endif
