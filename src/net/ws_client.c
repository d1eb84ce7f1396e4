/* SPDX-License-Identifier: MIT */
/*
 * The client as an object, and its calls. A message is framed in the sender's thread and masked in
 * the client's, where the random numbers are. pending_ counts the bytes that are posted or queued.
 */
#include "socket.h"
#include "ws_client_private.h"
#include "ws_message.h"
#include <stdio.h>

static void client_fini(struct hy_object *object);

const struct hy_class hy_ws_client_class = HY_CLASS(
    struct hy_ws_client, .fini = client_fini,
    .signals = HY_SIGNALS(HY_NO_PAYLOAD(struct hy_ws_client, events.opened),
                          HY_PLAIN(struct hy_ws_client, events.closed),
                          HY_BORROWED(struct hy_ws_client, events.message),
                          HY_DESCRIBED(struct hy_ws_client, events.message_buffer,
                                       hy__ws_message_buffer_copy, hy__ws_message_buffer_destroy),
                          HY_PLAIN(struct hy_ws_client, events.pong),
                          HY_PLAIN(struct hy_ws_client, events.error)));

void hy__ws_client_enter(struct hy_ws_client_private *wc)
{
    wc->entered++;
}

void hy__ws_client_leave(struct hy_ws_client_private *wc)
{
    if (--wc->entered > 0 || wc->client != NULL)
        return;
    hy_timer_fini(&wc->timer);
    hy_timer_fini(&wc->flush);
    hy_notifier_fini(&wc->notifier);
    hy_memory_release(wc->receive_buffer);
    hy_memory_release(wc);
}

static int init_children(struct hy_ws_client_private *wc)
{
    struct hy_object *parent = &wc->client->hy;
    struct hy_notifier *notifier = &wc->notifier;
    struct hy_timer *timer = &wc->timer, *flush = &wc->flush;
    int rc = hy_notifier_init(notifier, parent);
    if (rc >= 0)
        rc = hy_timer_init(timer, parent);
    if (rc >= 0)
        rc = hy_timer_init(flush, parent);
    if (rc >= 0)
        rc = hy_connect(&notifier->events.ready, notifier, hy__ws_client_ready, HY_DIRECT);
    if (rc >= 0)
        rc = hy_connect(&timer->events.timeout, timer, hy__ws_client_timeout, HY_DIRECT);
    if (rc >= 0)
        rc = hy_connect(&flush->events.timeout, flush, hy__ws_client_flush, HY_DIRECT);
    return rc < 0 ? rc : 0;
}

int hy_ws_client_init(struct hy_ws_client *client, struct hy_object *parent)
{
    client->priv = NULL;
    int rc = hy_object_init(&client->hy, &hy_ws_client_class, parent);
    if (rc < 0)
        return rc;
    struct hy_ws_client_private *wc = hy_memory_allocate_zeroed(sizeof *wc);
    client->priv = wc;
    client->pending_ = 0;
    client->queue_limit_ = 4 << 20;
    client->state_ = HY_WS_CLIENT_CLOSED;
    client->reserved_ = 0;
    if (wc != NULL) {
        wc->client = client;
        wc->handle = -1;
        wc->message_limit = 16 << 20;
        wc->connect_timeout_ns = 10 * HY_SECOND;
        wc->close_timeout_ns = 5 * HY_SECOND;
        wc->masks_used = sizeof wc->masks;
        wc->receive_buffer = hy_memory_allocate(HY__WS_CLIENT_RECEIVE_SIZE);
    }
    rc = wc != NULL && wc->receive_buffer != NULL ? init_children(wc) : -HY_ENOMEM;
    if (rc < 0)
        hy_object_fini(&client->hy);
    return rc;
}

static int check_home(const struct hy_ws_client *client, const char *operation, bool is_closed)
{
    int rc = hy_object_check_thread(&client->hy, operation);
    if (rc < 0)
        return rc;
    if (client->priv == NULL)
        return hy_error_set(-HY_ESHUTDOWN, "%s: the WebSocket client has ended", operation);
    if (is_closed && client->priv->phase != HY__WS_CLIENT_IDLE)
        return hy_error_set(-HY_EBUSY, "%s: the WebSocket client is not closed", operation);
    return 0;
}

int hy_ws_client_set_limits(struct hy_ws_client *client, size_t message_limit, size_t queue_limit)
{
    int rc = check_home(client, "hy_ws_client_set_limits", true);
    if (rc == 0 && (message_limit == 0 || queue_limit < 256 || queue_limit > SIZE_MAX / 4))
        rc = hy_error_set(-HY_EINVAL, "hy_ws_client_set_limits: give a message limit above 0 and a "
                                      "queue limit of 256 bytes or more");
    if (rc < 0)
        return rc;
    client->priv->message_limit = message_limit;
    __atomic_store_n(&client->queue_limit_, queue_limit, __ATOMIC_RELAXED);
    return 0;
}

int hy_ws_client_set_timeouts(struct hy_ws_client *client, int64_t connect_timeout_ns,
                              int64_t close_timeout_ns)
{
    int rc = check_home(client, "hy_ws_client_set_timeouts", true);
    if (rc == 0 && (connect_timeout_ns <= 0 || close_timeout_ns <= 0))
        rc = hy_error_set(-HY_EINVAL, "hy_ws_client_set_timeouts: give times above 0");
    if (rc < 0)
        return rc;
    client->priv->connect_timeout_ns = connect_timeout_ns;
    client->priv->close_timeout_ns = close_timeout_ns;
    return 0;
}

static int find_address(const struct hy__ws_url *url, const char *text, struct hy_address *address)
{
    char host[64];
    if (hy__slice_equal_nocase(url->host, hy__slice_from("localhost"))) {
        *address = hy_address_loopback(HY_ADDRESS_IPV4, url->port);
        return 0;
    }
    if (url->host.size < sizeof host) {
        memcpy(host, url->host.data, url->host.size);
        host[url->host.size] = '\0';
        if (hy_address_parse_host(host, url->port, address) == 0)
            return 0;
    }
    return hy_error_set(-HY_ENOTSUP,
                        "%s: names are not looked up yet; give the host as a number or localhost",
                        text);
}

int hy_ws_client_connect(struct hy_ws_client *client, const char *url_text, const char *origin)
{
    struct hy__ws_url url;
    struct hy_address address;
    const char *problem = "";
    int rc = check_home(client, "hy_ws_client_connect", true);
    if (rc < 0)
        return rc;
    if (hy__ws_url_parse(url_text, strlen(url_text), &url, &problem) < 0)
        return hy_error_set(-HY_EINVAL, "%.100s is no WebSocket URL: %s", url_text, problem);
    if (url.is_secure)
        return hy_error_set(-HY_ENOTSUP, "%.100s: TLS is not built yet; use ws://", url_text);
    rc = find_address(&url, url_text, &address);
    if (rc < 0)
        return rc;
    snprintf(client->priv->text, sizeof client->priv->text, "%s", url_text);
    return hy__ws_client_start(client->priv, &url, &address, origin);
}

int hy_ws_client_set_reading(struct hy_ws_client *client, bool is_reading)
{
    int rc = check_home(client, "hy_ws_client_set_reading", false);
    if (rc < 0)
        return rc;
    struct hy_ws_client_private *wc = client->priv;
    wc->is_paused = !is_reading;
    if (wc->phase < HY__WS_CLIENT_HANDSHAKE)
        return 0;
    wc->interest =
        (wc->is_blocked ? (unsigned)HY_WRITABLE : 0u) | (is_reading ? (unsigned)HY_READABLE : 0u);
    return hy_notifier_watch(&wc->notifier, wc->handle, wc->interest);
}

enum hy_ws_client_state hy_ws_client_get_state(const struct hy_ws_client *client)
{
    return (enum hy_ws_client_state)__atomic_load_n(&client->state_, __ATOMIC_ACQUIRE);
}

/* --- from any thread ------------------------------------------------------------------------- */

/* What travels to the client's thread: a packet, a ping (no packet), or a close (code not 0). */
struct order {
    struct hy__packet *packet; /* counted, or NULL */
    uint64_t cost;
    uint16_t code;
    uint8_t reason_size;
    char reason[HY__WS_REASON_SIZE_MAX];
};

static int order_copy(void *to, const void *from)
{
    struct order *copy = to;
    *copy = *(const struct order *)from;
    if (copy->packet != NULL)
        hy__packet_ref(copy->packet, 1);
    return 0;
}

static void order_destroy(void *payload)
{
    struct order *order = payload;
    if (order->packet != NULL)
        hy__packet_unref(order->packet);
}

static const struct hy_payload order_payload =
    HY_DESCRIBED_PAYLOAD(struct order, order_copy, order_destroy);

static void order_arrived(struct hy_object *receiver, const void *payload)
{
    struct hy_ws_client *client = (struct hy_ws_client *)receiver;
    struct hy_ws_client_private *wc = client->priv;
    const struct order *order = payload;
    __atomic_fetch_sub(&client->pending_, order->cost, __ATOMIC_RELAXED);
    if (wc == NULL || wc->phase == HY__WS_CLIENT_IDLE)
        return;
    hy__ws_client_enter(wc);
    if (order->code != 0) {
        hy__ws_client_close(wc, order->code, order->reason, order->reason_size);
    } else if (order->packet != NULL && !wc->is_close_sent) {
        hy__packet_ref(order->packet, 1);
        hy__ws_client_push(wc, order->packet);
    } else if (order->packet == NULL && wc->phase == HY__WS_CLIENT_FRAMES && !wc->is_close_sent) {
        wc->ping_ns = hy_now_ns();
        hy__ws_client_push(wc, hy__packet_create(HY__WS_PING, &wc->ping_ns, sizeof wc->ping_ns));
    }
    hy__ws_client_leave(wc);
}

static int send_order(struct hy_ws_client *client, const struct order *order)
{
    if (hy_object_is_here(&client->hy)) {
        order_arrived(&client->hy, order);
        return 0;
    }
    int rc = hy_invoke(&client->hy, order_arrived, &order_payload, order);
    if (rc < 0)
        __atomic_fetch_sub(&client->pending_, order->cost, __ATOMIC_RELAXED);
    return rc;
}

static int reserve(struct hy_ws_client *client, uint64_t cost)
{
    uint64_t limit = __atomic_load_n(&client->queue_limit_, __ATOMIC_RELAXED);
    uint64_t pending = __atomic_load_n(&client->pending_, __ATOMIC_RELAXED);
    uint32_t state = __atomic_load_n(&client->state_, __ATOMIC_ACQUIRE);
    if (state != HY_WS_CLIENT_OPEN && state != HY_WS_CLIENT_CONNECTING)
        return hy_error_set(-HY_ENOTCONN, "the WebSocket client is not open");
    if (cost > limit)
        return hy_error_set(-HY_EMSGSIZE, "the message is above the queue limit of %llu bytes",
                            (unsigned long long)limit);
    do {
        if (pending > limit - cost)
            return hy_error_set(-HY_EAGAIN, "%llu bytes wait already; try again later",
                                (unsigned long long)pending);
        /* Relaxed: a plain count; the message itself is handed over by hy_invoke(). */
    } while (!__atomic_compare_exchange_n(&client->pending_, &pending, pending + cost, true,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return 0;
}

static int send_bytes(struct hy_ws_client *client, enum hy__ws_opcode opcode, const void *data,
                      size_t size)
{
    struct order order = {.cost = (uint64_t)size + HY__WS_HEADER_SIZE_MAX + 64};
    if (data == NULL && size > 0)
        return hy_error_set(-HY_EINVAL, "sending: no data is given for %zu bytes", size);
    int rc = reserve(client, order.cost);
    if (rc < 0)
        return rc;
    order.packet = hy__packet_create(opcode, data, size);
    if (order.packet == NULL) {
        __atomic_fetch_sub(&client->pending_, order.cost, __ATOMIC_RELAXED);
        return -HY_ENOMEM;
    }
    rc = send_order(client, &order);
    hy__packet_unref(order.packet);
    return rc;
}

int hy_ws_client_send_text(struct hy_ws_client *client, const void *data, size_t size)
{
    return send_bytes(client, HY__WS_TEXT, data, size);
}

int hy_ws_client_send_binary(struct hy_ws_client *client, const void *data, size_t size)
{
    return send_bytes(client, HY__WS_BINARY, data, size);
}

int hy_ws_client_ping(struct hy_ws_client *client)
{
    struct order order = {0};
    return send_order(client, &order);
}

int hy_ws_client_close(struct hy_ws_client *client, unsigned code, const char *reason)
{
    struct order order = {.code = (uint16_t)(code != 0 ? code : HY__WS_CLOSE_NO_CODE)};
    if (code != 0 && !hy__ws_close_code_is_legal(code))
        return hy_error_set(-HY_EINVAL,
                            "%u may not be sent as a close code; use 1000, or 3000 to 4999", code);
    if (reason != NULL) {
        order.reason_size =
            (uint8_t)hy__utf8_prefix(reason, strlen(reason), HY__WS_REASON_SIZE_MAX);
        memcpy(order.reason, reason, order.reason_size);
    }
    return send_order(client, &order);
}

/* --- the end --------------------------------------------------------------------------------- */

static void client_fini(struct hy_object *object)
{
    struct hy_ws_client_private *wc = ((struct hy_ws_client *)object)->priv;
    struct hy__packet_write write;
    if (wc == NULL || wc->client == NULL)
        return;
    hy__ws_client_enter(wc);
    if (wc->phase == HY__WS_CLIENT_FRAMES && !wc->is_close_sent) {
        hy__ws_client_close(wc, HY__WS_CLOSE_GOING_AWAY, NULL, 0);
        if (wc->handle >= 0)
            hy__packet_queue_write(&wc->queue, wc->handle, SIZE_MAX / 2, &write);
    }
    if (wc->handle >= 0)
        hy__socket_end_sending(wc->handle);
    hy__ws_client_end(wc);
    hy_timer_stop(&wc->flush);
    wc->client->priv = NULL;
    wc->client = NULL;
    hy__ws_client_leave(wc);
}

int hy_ws_client_fini(struct hy_ws_client *client)
{
    return hy_object_fini(&client->hy);
}
