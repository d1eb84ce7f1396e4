/* SPDX-License-Identifier: MIT */
/*
 * One connection: its socket, its queue, its end. Reading is one bounded system call for each
 * readiness, into a buffer that all connections share; writing is done for all of them together at
 * the end of the turn, so that what was queued in the turn leaves in one call.
 */
#include "socket.h"
#include "ws_server_private.h"

#define LINGER_BYTES_MAX (UINT64_C(512) << 20)
#define LINGER_STEP      (UINT64_C(1) << 20) /* bytes that begin the time to linger anew */

static void connection_ready(struct hy_notifier *notifier, const struct hy_readiness *readiness);

static int watch(struct hy__ws_connection *connection, struct hy_object *parent)
{
    struct hy_notifier *notifier = &connection->notifier;
    int rc = hy_notifier_init(notifier, parent);
    if (rc < 0)
        return rc;
    rc = hy_connect(&notifier->events.ready, notifier, connection_ready, HY_DIRECT);
    if (rc >= 0)
        rc = hy_notifier_watch(notifier, connection->handle, HY_READABLE);
    if (rc < 0)
        hy_notifier_fini(notifier);
    return rc;
}

int hy__ws_connection_create(struct hy_ws_server_private *ws, intptr_t handle)
{
    struct hy__ws_connection *connection = hy_memory_allocate_zeroed(sizeof *connection);
    if (connection == NULL) {
        hy__socket_close(handle);
        return -HY_ENOMEM;
    }
    connection->ws = ws;
    connection->handle = handle;
    int rc = watch(connection, &ws->server->hy);
    if (rc < 0) {
        hy_memory_release(connection);
        hy__socket_close(handle);
        return rc;
    }
    hy__socket_set(handle, IPPROTO_TCP, TCP_NODELAY, 1); /* else it is only slower */
    connection->life.connection = connection->write.connection = connection;
    connection->interest = HY_READABLE;
    connection->previous = ws->last;
    if (ws->last != NULL)
        ws->last->next = connection;
    else
        ws->first = connection;
    ws->last = connection;
    hy__ws_count(&ws->counters->connections, 1);
    hy__ws_deadline_set(ws, &connection->life, HY__WS_STAGE_REQUEST);
    return 0;
}

/* --- the end --------------------------------------------------------------------------------- */

static void connection_unlink(struct hy__ws_connection *connection)
{
    struct hy_ws_server_private *ws = connection->ws;
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        ws->first = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    else
        ws->last = connection->previous;
    connection->previous = NULL;
    connection->next = ws->dead;
    ws->dead = connection;
}

void hy__ws_connection_cut(struct hy__ws_connection *connection)
{
    struct hy_ws_server_private *ws = connection->ws;
    uint64_t request = connection->request;
    if (connection->phase == HY__WS_DEAD)
        return;
    connection->phase = HY__WS_DEAD;
    hy_notifier_unwatch(&connection->notifier);
    hy__socket_close(connection->handle);
    hy__ws_deadline_clear(ws, &connection->life);
    hy__ws_deadline_clear(ws, &connection->write);
    hy__ws_slot_retire(ws, request);
    connection_unlink(connection);
    hy__ws_stash_free(connection);
    hy__ws_count(&ws->counters->connections, (uint64_t)-1);
    if (connection->session != NULL)
        hy__ws_session_end(connection, false);
    hy__packet_queue_fini(&connection->queue);
    if (ws->server != NULL) {
        hy__ws_flush_arm(ws); /* buries it */
        hy__ws_closed_check(ws);
    }
}

void hy__ws_bury(struct hy_ws_server_private *ws)
{
    struct hy__ws_connection **link = &ws->dead;
    while (*link != NULL) {
        struct hy__ws_connection *connection = *link;
        bool is_listed =
            connection->is_dirty || connection->is_backlogged || connection->is_reported;
        if (is_listed && ws->server != NULL) {
            link = &connection->next;
            continue;
        }
        *link = connection->next;
        hy_notifier_fini(&connection->notifier);
        hy_memory_release(connection);
    }
}

void hy__ws_connection_linger(struct hy__ws_connection *connection)
{
    struct hy_ws_server_private *ws = connection->ws;
    hy__ws_deadline_clear(ws, &connection->write);
    if (connection->is_read_ended || hy__socket_end_sending(connection->handle) < 0) {
        hy__ws_connection_cut(connection);
        return;
    }
    connection->phase = HY__WS_LINGER;
    hy__ws_stash_free(connection);
    hy__ws_deadline_set(ws, &connection->life, HY__WS_STAGE_LINGER);
    hy__ws_connection_update(connection);
}

/* --- watching -------------------------------------------------------------------------------- */

static bool wants_reading(const struct hy__ws_connection *connection)
{
    if (connection->is_held || connection->is_read_ended)
        return false;
    switch ((enum hy__ws_phase)connection->phase) {
    case HY__WS_OPEN:
        return !(connection->is_high && connection->ws->options.pause_reading);
    case HY__WS_REQUEST:
    case HY__WS_CLOSING:
    case HY__WS_LINGER:
        return true;
    default:
        return false;
    }
}

void hy__ws_connection_update(struct hy__ws_connection *connection)
{
    unsigned interest = (wants_reading(connection) ? (unsigned)HY_READABLE : 0u) |
                        (connection->is_blocked ? (unsigned)HY_WRITABLE : 0u);
    if (connection->phase == HY__WS_DEAD || interest == connection->interest)
        return;
    if (hy_notifier_watch(&connection->notifier, connection->handle, interest) < 0)
        hy__ws_connection_cut(connection);
    else
        connection->interest = interest;
}

/* --- reading --------------------------------------------------------------------------------- */

/* How many bytes may be read now: of a request no more than is needed to see it is too long. */
static size_t read_room(const struct hy__ws_connection *connection)
{
    size_t head_limit = connection->ws->options.head_limit + 1;
    size_t held = connection->stash != NULL ? connection->stash->size : 0;
    if (connection->phase != HY__WS_REQUEST)
        return HY__WS_RECEIVE_SIZE;
    size_t room = head_limit > held ? head_limit - held : 1;
    return room < HY__WS_RECEIVE_SIZE ? room : HY__WS_RECEIVE_SIZE;
}

static void read_ended(struct hy__ws_connection *connection)
{
    connection->is_read_ended = true;
    if (connection->phase == HY__WS_ANSWER || connection->phase == HY__WS_RESPONSE)
        hy__ws_connection_update(connection); /* it still wants its answer */
    else
        hy__ws_connection_cut(connection);
}

/* A peer that still sends has not come to our last words: cutting it off would take them from it.
 * It must get on, though, a step at a time. */
static void discard(struct hy__ws_connection *connection, size_t size)
{
    uint64_t before = connection->lingered / LINGER_STEP;
    connection->lingered += size;
    if (connection->lingered > LINGER_BYTES_MAX)
        hy__ws_connection_cut(connection);
    else if (connection->lingered / LINGER_STEP != before)
        hy__ws_deadline_set(connection->ws, &connection->life, HY__WS_STAGE_LINGER);
}

static void take(struct hy__ws_connection *connection, char *data, size_t size)
{
    struct hy_ws_server_private *ws = connection->ws;
    switch ((enum hy__ws_phase)connection->phase) {
    case HY__WS_OPEN:
    case HY__WS_CLOSING:
        if (connection->life.stage == HY__WS_STAGE_QUIET ||
            connection->life.stage == HY__WS_STAGE_PONG)
            hy__ws_deadline_set(ws, &connection->life, HY__WS_STAGE_QUIET);
        hy__ws_session_take(connection, data, size);
        break;
    case HY__WS_LINGER:
        discard(connection, size);
        break;
    case HY__WS_DEAD:
        break;
    default:
        hy__ws_http_take(connection, data, size);
    }
}

void hy__ws_connection_busy(struct hy__ws_connection *connection, bool is_busy)
{
    connection->is_busy = is_busy;
    if (is_busy || !connection->is_held)
        return;
    connection->is_held = false;
    hy__ws_connection_update(connection);
}

static void connection_read(struct hy__ws_connection *connection)
{
    struct hy_ws_server_private *ws = connection->ws;
    char *buffer = ws->receive_buffer;
    bool is_shared = !ws->is_receiving;
    if (!is_shared && (buffer = hy_memory_allocate(HY__WS_RECEIVE_SIZE)) == NULL)
        return; /* in a nested loop; it is still readable in the next turn */
    ssize_t got = hy__socket_receive(connection->handle, buffer, read_room(connection));
    if (got > 0) {
        ws->is_receiving = true;
        hy__ws_connection_busy(connection, true);
        take(connection, buffer, (size_t)got);
        hy__ws_connection_busy(connection, false);
        if (is_shared)
            ws->is_receiving = false;
    } else if (got == 0) {
        read_ended(connection);
    } else if (hy__socket_problem((int)-got) != HY__SOCKET_AGAIN) {
        hy__ws_connection_cut(connection);
    }
    if (!is_shared)
        hy_memory_release(buffer);
}

static void connection_ready(struct hy_notifier *notifier, const struct hy_readiness *readiness)
{
    struct hy__ws_connection *connection = (struct hy__ws_connection *)notifier;
    struct hy_ws_server_private *ws = connection->ws;
    unsigned ended = HY_HANGUP | HY_FAILURE;
    hy__ws_enter(ws);
    if ((readiness->conditions & HY_WRITABLE) && connection->phase != HY__WS_DEAD) {
        connection->is_blocked = false;
        hy__ws_connection_write(connection);
    }
    if (connection->is_busy && connection->phase != HY__WS_DEAD) {
        connection->is_held = true; /* its handler runs a loop of its own: wait for it */
        hy__ws_connection_update(connection);
    } else if (connection->phase != HY__WS_DEAD && (connection->interest & HY_READABLE)) {
        if (readiness->conditions & (HY_READABLE | ended))
            connection_read(connection);
    } else if (connection->phase != HY__WS_DEAD && (readiness->conditions & ended)) {
        hy__ws_connection_cut(connection);
    }
    hy__ws_leave(ws);
}

/* --- writing --------------------------------------------------------------------------------- */

void hy__ws_flush_arm(struct hy_ws_server_private *ws)
{
    if (ws->is_flush_armed || ws->server == NULL)
        return;
    ws->is_flush_armed = hy_timer_start_once(&ws->flush, 0) == 0;
}

static void make_dirty(struct hy__ws_connection *connection)
{
    struct hy_ws_server_private *ws = connection->ws;
    hy__ws_pressure_watch(connection);
    hy__ws_flush_arm(ws);
    if (connection->is_dirty || connection->is_blocked)
        return;
    connection->is_dirty = true;
    connection->dirty_next = NULL;
    if (ws->dirty_last != NULL)
        ws->dirty_last->dirty_next = connection;
    else
        ws->dirty_first = connection;
    ws->dirty_last = connection;
    ws->dirty_count++;
}

void hy__ws_connection_push(struct hy__ws_connection *connection, struct hy__packet *packet)
{
    if (connection->phase == HY__WS_DEAD) {
        if (packet != NULL)
            hy__packet_unref(packet);
        return;
    }
    if (packet == NULL || !hy__packet_queue_push(&connection->queue, packet)) {
        if (packet != NULL)
            hy__packet_unref(packet);
        hy__ws_report(connection->ws, -HY_ENOMEM, "a connection was cut: out of memory");
        hy__ws_connection_cut(connection);
        return;
    }
    make_dirty(connection);
}

void hy__ws_connection_push_control(struct hy__ws_connection *connection, struct hy__packet *packet)
{
    if (packet == NULL)
        return; /* a ping or pong that there is no memory for: the peer's time-out decides */
    if (connection->phase == HY__WS_DEAD ||
        !hy__packet_queue_push_control(&connection->queue, packet, connection->is_blocked)) {
        hy__packet_unref(packet);
        return;
    }
    make_dirty(connection);
}

static void drained(struct hy__ws_connection *connection)
{
    switch ((enum hy__ws_phase)connection->phase) {
    case HY__WS_RESPONSE:
        hy__ws_http_drained(connection);
        break;
    case HY__WS_CLOSING:
        hy__ws_session_drained(connection);
        break;
    default:
        break;
    }
}

void hy__ws_connection_write(struct hy__ws_connection *connection)
{
    struct hy_ws_server_private *ws = connection->ws;
    struct hy__packet_write write;
    if (connection->is_blocked || hy__packet_queue_is_empty(&connection->queue))
        return;
    if (hy__packet_queue_write(&connection->queue, connection->handle, ws->options.write_limit,
                               &write) < 0) {
        hy__ws_connection_cut(connection);
        return;
    }
    hy__ws_count(&ws->counters->messages_sent, write.messages);
    hy__ws_count(&ws->counters->bytes_sent, write.payload_bytes);
    if (connection->session != NULL) {
        connection->session->messages_sent += write.messages;
        connection->session->bytes_sent += write.payload_bytes;
    }
    connection->is_blocked = write.is_blocked;
    hy__ws_flush_arm(ws); /* the pressure has changed */
    if (hy__packet_queue_is_empty(&connection->queue)) {
        hy__ws_deadline_clear(ws, &connection->write);
        drained(connection);
    } else {
        if (write.bytes > 0 || connection->write.stage == HY__WS_STAGE_NONE)
            hy__ws_deadline_set(ws, &connection->write, HY__WS_STAGE_WRITE);
        if (!write.is_blocked)
            make_dirty(connection); /* it had its share of this turn */
    }
    hy__ws_connection_update(connection);
}

void hy__ws_flush(struct hy_ws_server_private *ws)
{
    ws->is_flush_armed = false;
    /* Those that become dirty meanwhile wait for the next turn. */
    for (size_t count = ws->dirty_count; count > 0 && ws->dirty_first != NULL; count--) {
        struct hy__ws_connection *connection = ws->dirty_first;
        ws->dirty_first = connection->dirty_next;
        if (ws->dirty_first == NULL)
            ws->dirty_last = NULL;
        ws->dirty_count--;
        connection->is_dirty = false;
        if (connection->phase != HY__WS_DEAD)
            hy__ws_connection_write(connection);
    }
    if (ws->server != NULL)
        hy__ws_pressure_settle(ws);
    if (ws->server != NULL && ws->entered == 1) /* no handler of ours is below us on the stack */
        hy__ws_bury(ws);
}
