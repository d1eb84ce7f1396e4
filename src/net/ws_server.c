/* SPDX-License-Identifier: MIT */
/*
 * The server as an object: its class, its beginning and its end.
 */
#include "socket.h"
#include "ws_message.h"
#include "ws_server_private.h"

/* --- payloads -------------------------------------------------------------------------------- */

static int request_copy(void *to, const void *from)
{
    struct hy_http_request *copy = to;
    *copy = *(const struct hy_http_request *)from; /* the texts lie in the storage */
    hy_buffer_ref(copy->storage);
    return 0;
}

static void request_destroy(void *payload)
{
    struct hy_http_request *request = payload;
    hy_buffer_unref(request->storage);
}

static void server_fini(struct hy_object *object);

const struct hy_class hy_ws_server_class = HY_CLASS(
    struct hy_ws_server, .fini = server_fini,
    .signals = HY_SIGNALS(
        HY_PLAIN(struct hy_ws_server, events.client_opened),
        HY_PLAIN(struct hy_ws_server, events.client_closed),
        HY_BORROWED(struct hy_ws_server, events.message),
        HY_DESCRIBED(struct hy_ws_server, events.message_buffer, hy__ws_message_buffer_copy,
                     hy__ws_message_buffer_destroy),
        HY_DESCRIBED(struct hy_ws_server, events.request, request_copy, request_destroy),
        HY_PLAIN(struct hy_ws_server, events.high_water),
        HY_PLAIN(struct hy_ws_server, events.low_water), HY_PLAIN(struct hy_ws_server, events.pong),
        HY_PLAIN(struct hy_ws_server, events.closed), HY_PLAIN(struct hy_ws_server, events.error)));

/* --- entries --------------------------------------------------------------------------------- */

static void release(struct hy_ws_server_private *ws)
{
    hy__ws_bury(ws);
    hy_timer_fini(&ws->clock);
    hy_timer_fini(&ws->flush);
    hy_notifier_fini(&ws->listener);
    hy__ws_pages_fini(ws);
    hy__ws_options_fini(&ws->options);
    hy_memory_release(ws->slots);
    hy_memory_release(ws->receive_buffer);
    hy_memory_release(ws);
}

void hy__ws_enter(struct hy_ws_server_private *ws)
{
    ws->entered++;
}

void hy__ws_leave(struct hy_ws_server_private *ws)
{
    if (--ws->entered > 0)
        return;
    if (ws->server == NULL)
        release(ws);
    else if (ws->dirty_count > 0)
        hy__ws_flush_arm(ws); /* again, if there was no memory for it */
}

static void clock_timeout(struct hy_timer *timer)
{
    struct hy_ws_server_private *ws =
        (struct hy_ws_server_private *)(void *)((char *)timer -
                                                offsetof(struct hy_ws_server_private, clock));
    hy__ws_enter(ws);
    hy__ws_clock_fired(ws);
    hy__ws_leave(ws);
}

static void flush_timeout(struct hy_timer *timer)
{
    struct hy_ws_server_private *ws =
        (struct hy_ws_server_private *)(void *)((char *)timer -
                                                offsetof(struct hy_ws_server_private, flush));
    hy__ws_enter(ws);
    hy__ws_flush(ws);
    hy__ws_leave(ws);
}

/* --- beginning ------------------------------------------------------------------------------- */

/* The timers and the listener are children: they follow the server to its thread. */
static int init_children(struct hy_ws_server_private *ws)
{
    struct hy_object *parent = &ws->server->hy;
    struct hy_timer *clock = &ws->clock, *flush = &ws->flush;
    int rc = hy_notifier_init(&ws->listener, parent);
    if (rc >= 0)
        rc = hy_timer_init(clock, parent);
    if (rc >= 0)
        rc = hy_timer_init(flush, parent);
    if (rc >= 0)
        rc = hy_connect(&clock->events.timeout, clock, clock_timeout, HY_DIRECT);
    if (rc >= 0)
        rc = hy_connect(&flush->events.timeout, flush, flush_timeout, HY_DIRECT);
    return rc;
}

static int setup(struct hy_ws_server *server)
{
    struct hy_ws_server_options options;
    struct hy_ws_server_private *ws = hy_memory_allocate_zeroed(sizeof *ws);
    server->pending_ = server->queue_limit_ = 0;
    server->refused_ = server->port_ = server->reserved_ = 0;
    memset(&server->counters_, 0, sizeof server->counters_);
    server->priv = ws;
    server->state_ = HY__WS_STATE_NONE;
    if (ws == NULL)
        return -HY_ENOMEM;
    ws->server = server;
    ws->counters = &server->counters_;
    ws->listener_handle = -1;
    ws->free_first = ws->free_last = UINT32_MAX;
    ws->receive_buffer = hy_memory_allocate(HY__WS_RECEIVE_SIZE);
    options = hy_ws_server_options_default();
    int rc = ws->receive_buffer != NULL ? hy__ws_options_set(ws, &options) : -HY_ENOMEM;
    if (rc == 0)
        rc = init_children(ws);
    if (rc >= 0)
        __atomic_store_n(&server->state_, (uint32_t)HY__WS_STATE_READY, __ATOMIC_RELEASE);
    return rc < 0 ? rc : 0;
}

int hy_ws_server_init(struct hy_ws_server *server, struct hy_object *parent)
{
    server->priv = NULL;
    int rc = hy_object_init(&server->hy, &hy_ws_server_class, parent);
    if (rc < 0)
        return rc;
    rc = setup(server);
    if (rc < 0)
        hy_object_fini(&server->hy);
    return rc;
}

int hy_ws_server_create(struct hy_object *parent, struct hy_ws_server **ret_server)
{
    struct hy_object *object;
    int rc = hy_object_create(&hy_ws_server_class, parent, &object);
    if (rc < 0)
        return rc;
    rc = setup((struct hy_ws_server *)object);
    if (rc < 0)
        hy_object_destroy(object);
    else
        *ret_server = (struct hy_ws_server *)object;
    return rc;
}

/* For calls of the home thread. */
static int check_home(const struct hy_ws_server *server, const char *operation)
{
    int rc = hy_object_check_thread(&server->hy, operation);
    if (rc == 0 && server->priv == NULL)
        rc = hy_error_set(-HY_ESHUTDOWN,
                          "%s: the WebSocket server has ended, or was not made by "
                          "hy_ws_server_init() or _create()",
                          operation);
    return rc;
}

int hy_ws_server_set_options(struct hy_ws_server *server,
                             const struct hy_ws_server_options *options)
{
    int rc = check_home(server, "hy_ws_server_set_options");
    if (rc == 0 && (server->priv->listener_handle >= 0 || server->priv->is_closing))
        rc = hy_error_set(-HY_EBUSY, "the server listens already; set its options before");
    return rc < 0 ? rc : hy__ws_options_set(server->priv, options);
}

int hy_ws_server_add_page(struct hy_ws_server *server, const struct hy_ws_page *page)
{
    int rc = check_home(server, "hy_ws_server_add_page");
    return rc < 0 ? rc : hy__ws_page_add(server->priv, page);
}

int hy_ws_server_listen(struct hy_ws_server *server, const char *address, unsigned flags)
{
    int rc = check_home(server, "hy_ws_server_listen");
    if (rc == 0 && server->priv->listener_handle >= 0)
        rc = hy_error_set(-HY_EBUSY, "the server listens at %s already", server->priv->address);
    if (rc == 0)
        rc = hy__ws_check_open(server, "listening");
    if (rc == 0 && flags != 0)
        rc = hy_error_set(-HY_EINVAL, "hy_ws_server_listen has no flags yet; give 0");
    return rc < 0 ? rc : hy__ws_listener_start(server->priv, address);
}

const char *hy_ws_server_address(const struct hy_ws_server *server)
{
    return check_home(server, "hy_ws_server_address") == 0 ? server->priv->address : "";
}

uint16_t hy_ws_server_port(const struct hy_ws_server *server)
{
    return (uint16_t)__atomic_load_n(&server->port_, __ATOMIC_ACQUIRE);
}

/* --- errors and counters --------------------------------------------------------------------- */

int hy__ws_check_open(const struct hy_ws_server *server, const char *operation)
{
    uint32_t state = __atomic_load_n(&server->state_, __ATOMIC_ACQUIRE);
    if (state == HY__WS_STATE_READY)
        return 0;
    return hy_error_set(-HY_ESHUTDOWN, "%s: the WebSocket server %s", operation,
                        state == HY__WS_STATE_CLOSING ? "is closing" : "has ended");
}

void hy__ws_report(struct hy_ws_server_private *ws, int code, const char *message)
{
    struct hy_error error = {.code = -code};
    size_t size = hy__utf8_prefix(message, strlen(message), sizeof error.message - 1);
    memcpy(error.message, message, size);
    hy_log(HY_LOG_WARNING, "ws", "%s", error.message);
    if (ws->server != NULL)
        hy_emit(&ws->server->events.error, &error);
}

struct hy_ws_server_counters hy_ws_server_get_counters(const struct hy_ws_server *server)
{
    struct hy_ws_server_counters counters = {0};
    const uint64_t *from = (const uint64_t *)&server->counters_;
    uint64_t *to = (uint64_t *)&counters;
    for (size_t i = 0; i < sizeof counters / sizeof *to; i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    counters.pressure = __atomic_load_n(&server->pending_, __ATOMIC_RELAXED);
    return counters;
}

/* --- end ------------------------------------------------------------------------------------- */

void hy__ws_closed_check(struct hy_ws_server_private *ws)
{
    if (!ws->is_closing || ws->is_closed_told || ws->first != NULL)
        return;
    struct hy_ws_server_closed closed = {.clean = ws->closed_clean, .cut = ws->closed_cut};
    ws->is_closed_told = true;
    hy_emit(&ws->server->events.closed, &closed);
}

static void close_connection(struct hy__ws_connection *connection)
{
    static const char reason[] = "the server is closing";
    switch ((enum hy__ws_phase)connection->phase) {
    case HY__WS_OPEN:
        hy__ws_session_close(connection, HY__WS_CLOSE_GOING_AWAY, reason, sizeof reason - 1, false);
        break;
    case HY__WS_REQUEST:
        hy__ws_connection_cut(connection);
        break;
    case HY__WS_ANSWER:
        hy__ws_http_refuse(connection, 503, reason);
        break;
    case HY__WS_RESPONSE:
        connection->is_close_after = true;
        /* Its client may never read: no longer than the WebSockets. */
        hy__ws_deadline_set(connection->ws, &connection->life, HY__WS_STAGE_CLOSING);
        break;
    default:
        break;
    }
}

void hy__ws_close(struct hy_ws_server_private *ws)
{
    struct hy__ws_connection *next;
    if (ws->is_closing)
        return;
    ws->is_closing = true;
    __atomic_store_n(&ws->server->state_, (uint32_t)HY__WS_STATE_CLOSING, __ATOMIC_RELEASE);
    hy__ws_listener_stop(ws);
    for (struct hy__ws_connection *connection = ws->first; connection != NULL; connection = next) {
        next = connection->next;
        close_connection(connection);
        if (ws->server == NULL)
            return;
    }
    hy__ws_closed_check(ws);
}

static void close_arrived(struct hy_object *receiver, const void *payload)
{
    struct hy_ws_server_private *ws = ((struct hy_ws_server *)receiver)->priv;
    (void)payload;
    if (ws == NULL)
        return;
    hy__ws_enter(ws);
    hy__ws_close(ws);
    hy__ws_leave(ws);
}

int hy_ws_server_close(struct hy_ws_server *server)
{
    uint32_t ready = HY__WS_STATE_READY;
    /* From now on every thread's sends are refused; the close is posted behind what this one sent.
     */
    if (!__atomic_compare_exchange_n(&server->state_, &ready, (uint32_t)HY__WS_STATE_CLOSING, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return ready == HY__WS_STATE_CLOSING ? 0 : hy__ws_check_open(server, "closing");
    if (!hy_object_is_here(&server->hy)) {
        int rc = hy_invoke(&server->hy, close_arrived, NULL, NULL);
        if (rc == -HY_ENOMEM)
            __atomic_store_n(&server->state_, (uint32_t)HY__WS_STATE_READY, __ATOMIC_RELEASE);
        return rc;
    }
    close_arrived(&server->hy, NULL);
    return 0;
}

/* As far as the socket takes it: what is queued, and Close 1001 behind it. */
static void say_goodbye(struct hy__ws_connection *connection)
{
    struct hy_ws_server_private *ws = connection->ws;
    struct hy__packet_write write;
    char rest[4096];
    if (connection->phase == HY__WS_OPEN) {
        struct hy__packet *packet = hy__packet_create_close(HY__WS_CLOSE_GOING_AWAY, NULL, 0);
        connection->session->close_code = HY__WS_CLOSE_GOING_AWAY;
        connection->session->is_local = true;
        if (packet != NULL && !hy__packet_queue_push(&connection->queue, packet))
            hy__packet_unref(packet);
    }
    if (connection->phase == HY__WS_LINGER || connection->phase == HY__WS_REQUEST)
        return;
    hy__packet_queue_write(&connection->queue, connection->handle, ws->options.queue_limit, &write);
    /* Closing with bytes unread would reset the connection and take the Close with it. */
    if (hy__socket_end_sending(connection->handle) >= 0)
        for (int i = 0; i < 64 && hy__socket_receive(connection->handle, rest, sizeof rest) > 0;
             i++)
            ;
}

static void server_fini(struct hy_object *object)
{
    struct hy_ws_server *server = (struct hy_ws_server *)object;
    struct hy_ws_server_private *ws = server->priv;
    __atomic_store_n(&server->state_, (uint32_t)HY__WS_STATE_DEAD, __ATOMIC_RELEASE);
    if (ws == NULL || ws->server == NULL)
        return;
    hy__ws_enter(ws);
    hy__ws_listener_stop(ws);
    ws->is_closing = true;
    ws->is_closed_told = true; /* nobody closed it in order */
    while (ws->first != NULL) {
        say_goodbye(ws->first);
        hy__ws_connection_cut(ws->first);
    }
    hy_timer_stop(&ws->clock);
    hy_timer_stop(&ws->flush);
    ws->server = NULL;
    ws->last_counters = hy_ws_server_get_counters(server);
    ws->counters = &ws->last_counters; /* for what is still on the stack */
    server->priv = NULL;
    hy__ws_leave(ws);
}

int hy_ws_server_fini(struct hy_ws_server *server)
{
    return hy_object_fini(&server->hy);
}
