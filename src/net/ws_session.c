/* SPDX-License-Identifier: MIT */
/*
 * A connection that is a WebSocket: messages in and out, ping and pong, the closing handshake.
 *
 * Closing: whoever starts, our Close goes behind the messages that are queued. When it has left and
 * the peer's Close is here (or the peer broke the protocol) the client has ended: the program is
 * told, and the socket lingers without it.
 */
#include "ws_server_private.h"

static void *reallocate(void *context, void *memory, size_t size)
{
    (void)context;
    if (size > 0)
        return hy_memory_resize(memory, size);
    hy_memory_release(memory);
    return NULL;
}

static void copy_text(char *to, size_t capacity, struct hy__slice from)
{
    size_t size = hy__utf8_prefix(from.data, from.size, capacity - 1);
    if (size > 0)
        memcpy(to, from.data, size);
    to[size] = '\0';
}

void hy__ws_session_open(struct hy__ws_connection *connection,
                         const struct hy__http_request *request,
                         const struct hy__ws_handshake *handshake)
{
    struct hy_ws_server_private *ws = connection->ws;
    struct hy__ws_session *session = hy_memory_allocate_zeroed(sizeof *session);
    uint64_t client = session != NULL ? hy__ws_slot_take(ws, connection) : 0;
    if (client == 0) {
        hy_memory_release(session);
        hy__ws_report(ws, -HY_ENOMEM, "a client was cut: out of memory");
        hy__ws_connection_cut(connection);
        return;
    }
    struct hy__ws_parser_config config = {.role = HY__WS_SERVER,
                                          .message_size_max = ws->options.message_limit,
                                          .fragment_count_max = ws->options.fragment_limit,
                                          .reallocate = reallocate};
    hy__ws_parser_init(&session->parser, &config);
    session->client = client;
    connection->session = session;
    connection->phase = HY__WS_OPEN;
    hy__ws_stash_free(connection);
    hy__ws_deadline_set(ws, &connection->life, HY__WS_STAGE_QUIET);
    hy__ws_count(&ws->counters->opened, 1);
    hy__ws_count(&ws->counters->clients, 1);
    struct hy_ws_client_opened opened = {.client = client};
    hy__ws_peer_text(connection->handle, opened.peer, sizeof opened.peer);
    copy_text(opened.target, sizeof opened.target, request->target);
    copy_text(opened.subprotocol, sizeof opened.subprotocol,
              hy__slice_from(handshake->subprotocol));
    hy_emit(&ws->server->events.client_opened, &opened);
}

/* --- the end --------------------------------------------------------------------------------- */

static void count_closed(struct hy_ws_server_counters *counters, unsigned code)
{
    uint64_t *counter = code == 1000   ? &counters->closed_1000
                        : code == 1001 ? &counters->closed_1001
                        : code == 1002 ? &counters->closed_1002
                        : code == 1005 ? &counters->closed_1005
                        : code == 1006 ? &counters->closed_1006
                        : code == 1007 ? &counters->closed_1007
                        : code == 1008 ? &counters->closed_1008
                        : code == 1009 ? &counters->closed_1009
                        : code == 1011 ? &counters->closed_1011
                        : code == 1013 ? &counters->closed_1013
                                       : &counters->closed_other;
    hy__ws_count(counter, 1);
}

static void session_release(struct hy__ws_session *session)
{
    hy__ws_parser_fini(&session->parser);
    hy_memory_release(session->reason);
    hy_memory_release(session);
}

void hy__ws_session_end(struct hy__ws_connection *connection, bool is_clean)
{
    struct hy_ws_server_private *ws = connection->ws;
    struct hy__ws_session *session = connection->session;
    uint64_t lost = hy__packet_queue_messages(&connection->queue);
    struct hy_ws_client_closed closed = {
        .client = session->client,
        .code = session->close_code != 0 ? session->close_code : HY__WS_CLOSE_ABNORMAL,
        .is_clean = is_clean,
        .is_local = session->is_local,
        .messages_received = session->messages_received,
        .bytes_received = session->bytes_received,
        .messages_sent = session->messages_sent,
        .bytes_sent = session->bytes_sent,
        .messages_dropped = session->messages_dropped + lost,
    };
    copy_text(closed.reason, sizeof closed.reason,
              (struct hy__slice){session->reason, session->reason_size});
    connection->session = NULL;
    hy__ws_slot_retire(ws, session->client);
    if (!session->is_taking)
        session_release(session);
    hy__ws_count(&ws->counters->dropped_at_end, lost);
    hy__ws_count(&ws->counters->clients, (uint64_t)-1);
    count_closed(ws->counters, closed.code);
    if (ws->is_closing) {
        ws->closed_clean += is_clean;
        ws->closed_cut += !is_clean;
    }
    if (ws->server != NULL)
        hy_emit(&ws->server->events.client_closed, &closed);
}

/* Both have closed, or the peer is not worth waiting for. */
static void finish(struct hy__ws_connection *connection)
{
    bool is_clean = connection->session->is_peer_closed && !connection->session->is_failing;
    hy__ws_session_end(connection, is_clean);
    if (connection->phase != HY__WS_DEAD)
        hy__ws_connection_linger(connection);
}

void hy__ws_session_drained(struct hy__ws_connection *connection)
{
    if (connection->session->is_peer_closed || connection->session->is_failing)
        finish(connection);
}

/* The peer breaks the protocol while it closes: nothing of it is waited for any more. */
static void fail_closing(struct hy__ws_connection *connection)
{
    connection->session->is_failing = true;
    if (hy__packet_queue_is_empty(&connection->queue))
        finish(connection);
}

static void note_close(struct hy__ws_session *session, unsigned code, const char *reason,
                       size_t reason_size, bool is_local)
{
    session->close_code = (uint16_t)code;
    session->is_local = is_local;
    reason_size = hy__utf8_prefix(reason, reason_size, HY__WS_REASON_SIZE_MAX);
    session->reason = reason_size > 0 ? hy_memory_allocate(reason_size) : NULL;
    if (session->reason == NULL)
        return;
    memcpy(session->reason, reason, reason_size);
    session->reason_size = (uint8_t)reason_size;
}

void hy__ws_session_close(struct hy__ws_connection *connection, unsigned code, const char *reason,
                          size_t reason_size, bool is_failing)
{
    if (connection->phase != HY__WS_OPEN)
        return;
    note_close(connection->session, code, reason, reason_size, true);
    connection->session->is_failing = is_failing;
    connection->phase = HY__WS_CLOSING;
    hy__ws_deadline_set(connection->ws, &connection->life, HY__WS_STAGE_CLOSING);
    hy__ws_connection_push(connection, hy__packet_create_close(code, reason, reason_size));
    hy__ws_connection_update(connection);
}

static void peer_closed(struct hy__ws_connection *connection, const struct hy__ws_event *event)
{
    struct hy__ws_session *session = connection->session;
    session->is_peer_closed = true;
    if (connection->phase == HY__WS_CLOSING) {
        if (hy__packet_queue_is_empty(&connection->queue))
            finish(connection);
        return;
    }
    note_close(session, event->close_code, event->payload.data, event->payload.size, false);
    connection->phase = HY__WS_CLOSING;
    hy__ws_deadline_set(connection->ws, &connection->life, HY__WS_STAGE_CLOSING);
    hy__ws_connection_push(connection, hy__packet_create_close(event->close_code, NULL, 0));
}

/* --- receiving ------------------------------------------------------------------------------- */

static void emit_message(struct hy__ws_connection *connection, const struct hy__ws_event *event)
{
    struct hy_ws_server_private *ws = connection->ws;
    struct hy__ws_session *session = connection->session;
    struct hy_ws_message message = {.client = session->client,
                                    .data = event->payload.data,
                                    .size = event->payload.size,
                                    .is_text = event->opcode == HY__WS_TEXT};
    session->messages_received++;
    session->bytes_received += message.size;
    hy__ws_count(&ws->counters->messages_received, 1);
    hy__ws_count(&ws->counters->bytes_received, message.size);
    if (hy_signal_is_connected(&ws->server->events.message_buffer.sig)) {
        struct hy_ws_message_buffer copy = {.client = message.client, .is_text = message.is_text};
        if (hy_buffer_create(message.data, message.size, &copy.buffer) < 0) {
            hy__ws_session_close(connection, HY__WS_CLOSE_INTERNAL, "out of memory", 13, true);
            return;
        }
        hy_emit(&ws->server->events.message_buffer, &copy);
        hy_buffer_unref(copy.buffer);
    }
    /* Last: a handler may end everything. */
    if (ws->server != NULL)
        hy_emit(&ws->server->events.message, &message);
}

static void pong_received(struct hy__ws_connection *connection, struct hy__slice payload)
{
    struct hy_ws_server_private *ws = connection->ws;
    struct hy__ws_session *session = connection->session;
    hy__ws_count(&ws->counters->pongs_received, 1);
    if (session->ping_ns == 0 || payload.size != sizeof session->ping_ns ||
        memcmp(payload.data, &session->ping_ns, sizeof session->ping_ns) != 0)
        return; /* not asked for: allowed, and without meaning */
    struct hy_ws_pong pong = {.client = session->client,
                              .round_trip_ns = hy_now_ns() - session->ping_ns};
    session->ping_ns = 0;
    hy_emit(&ws->server->events.pong, &pong);
}

void hy__ws_session_ping(struct hy__ws_connection *connection)
{
    struct hy__ws_session *session = connection->session;
    if (connection->phase != HY__WS_OPEN)
        return;
    session->ping_ns = hy_now_ns();
    hy__ws_connection_push_control(
        connection, hy__packet_create(HY__WS_PING, &session->ping_ns, sizeof session->ping_ns));
}

static void handle_event(struct hy__ws_connection *connection, const struct hy__ws_event *event)
{
    bool is_open = connection->phase == HY__WS_OPEN;
    switch (event->type) {
    case HY__WS_EVENT_MESSAGE:
        if (is_open)
            emit_message(connection, event);
        break;
    case HY__WS_EVENT_PING:
        hy__ws_count(&connection->ws->counters->pings_received, 1);
        if (is_open)
            hy__ws_connection_push_control(
                connection,
                hy__packet_create(HY__WS_PONG, event->payload.data, event->payload.size));
        break;
    case HY__WS_EVENT_PONG:
        pong_received(connection, event->payload);
        break;
    case HY__WS_EVENT_CLOSE:
        peer_closed(connection, event);
        break;
    case HY__WS_EVENT_FAILED:
        if (is_open)
            hy__ws_session_close(connection, event->close_code, event->problem,
                                 strlen(event->problem), true);
        else
            fail_closing(connection);
        break;
    default:
        break;
    }
}

void hy__ws_session_take(struct hy__ws_connection *connection, char *data, size_t size)
{
    struct hy__ws_session *session = connection->session;
    struct hy__ws_event event;
    if (session == NULL)
        return; /* its end is being told */
    session->is_taking = true;
    do {
        size_t taken = hy__ws_parser_feed(&session->parser, data, size, &event);
        data += taken;
        size -= taken;
        handle_event(connection, &event);
    } while (event.type != HY__WS_EVENT_NONE && connection->session != NULL);
    session->is_taking = false;
    if (connection->session == NULL) /* finished or cut meanwhile */
        session_release(session);
}

/* --- sending --------------------------------------------------------------------------------- */

static void count_dropped(struct hy__ws_connection *connection, uint64_t *counter, uint64_t count)
{
    connection->session->messages_dropped += count;
    hy__ws_count(counter, count);
}

/* Makes room for a message by the policy; false: it must not be queued. */
static bool make_room(struct hy__ws_connection *connection, uint64_t cost)
{
    struct hy_ws_server_private *ws = connection->ws;
    struct hy__packet_queue *queue = &connection->queue;
    switch (ws->options.policy) {
    case HY_WS_DROP_OLDEST:
        while (queue->cost + cost > ws->options.queue_limit && hy__packet_queue_drop_oldest(queue))
            count_dropped(connection, &ws->counters->dropped_oldest, 1);
        if (queue->cost + cost <= ws->options.queue_limit)
            return true;
        break; /* what is under way alone is too much */
    case HY_WS_DISCONNECT:
        connection->session->messages_dropped += hy__packet_queue_drop_messages(queue) + 1;
        hy__ws_count(&ws->counters->disconnected, 1);
        hy__ws_session_close(connection, HY__WS_CLOSE_TRY_LATER, "too slow", 8, false);
        return false;
    default:
        break;
    }
    count_dropped(connection, &ws->counters->dropped_newest, 1);
    return false;
}

bool hy__ws_session_send(struct hy__ws_connection *connection, struct hy__packet *packet)
{
    uint64_t cost = hy__packet_cost(packet);
    if (connection->phase != HY__WS_OPEN ||
        (connection->queue.cost + cost > connection->ws->options.queue_limit &&
         !make_room(connection, cost))) {
        hy__packet_unref(packet);
        return false;
    }
    hy__ws_connection_push(connection, packet);
    return connection->phase != HY__WS_DEAD;
}
