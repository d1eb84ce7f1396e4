/* SPDX-License-Identifier: MIT */
/*
 * A client's connection: connecting, the handshake, frames, the end.
 */
#include "digest.h"
#include "socket.h"
#include "ws_client_private.h"
#include <stdio.h>

#define HEAD_SIZE_MAX 16384
#define WRITE_LIMIT   ((size_t)1 << 20) /* bytes in a turn */

void hy__ws_client_set_state(struct hy_ws_client_private *wc, enum hy_ws_client_state state)
{
    if (wc->client != NULL)
        __atomic_store_n(&wc->client->state_, (uint32_t)state, __ATOMIC_RELEASE);
}

/* --- the end --------------------------------------------------------------------------------- */

static void drop_connection(struct hy_ws_client_private *wc)
{
    hy_notifier_unwatch(&wc->notifier);
    hy_timer_stop(&wc->timer);
    if (wc->handle >= 0)
        hy__socket_close(wc->handle);
    wc->handle = -1;
    wc->interest = 0;
    wc->phase = HY__WS_CLIENT_IDLE;
    wc->is_blocked = false;
    wc->closed.messages_dropped = hy__packet_queue_messages(&wc->queue);
    __atomic_fetch_sub(&wc->client->pending_, wc->queue.cost, __ATOMIC_RELAXED);
    hy__packet_queue_fini(&wc->queue);
    hy__packet_queue_fini(&wc->request);
    if (!wc->is_taking)
        hy__ws_parser_fini(&wc->parser);
    hy_memory_release(wc->head);
    wc->head = NULL;
    wc->head_size = wc->head_capacity = 0;
    hy__ws_client_set_state(wc, HY_WS_CLIENT_CLOSED);
}

void hy__ws_client_fail(struct hy_ws_client_private *wc, int code, const char *message)
{
    struct hy_error error = {.code = -code};
    if (wc->phase == HY__WS_CLIENT_IDLE)
        return;
    snprintf(error.message, sizeof error.message, "%.90s: %.150s", wc->text, message);
    drop_connection(wc);
    hy_emit(&wc->client->events.error, &error);
}

void hy__ws_client_end(struct hy_ws_client_private *wc)
{
    if (wc->phase == HY__WS_CLIENT_IDLE)
        return;
    if (wc->phase < HY__WS_CLIENT_FRAMES) {
        hy__ws_client_fail(wc, -HY_ECONNREFUSED,
                           "the connection ended before the WebSocket was open");
        return;
    }
    if (!wc->is_close_sent && !wc->is_close_received)
        wc->closed.code = HY__WS_CLOSE_ABNORMAL;
    wc->closed.is_clean = wc->is_close_sent && wc->is_close_received && !wc->is_failing;
    drop_connection(wc);
    struct hy_ws_client_closed closed = wc->closed;
    hy_emit(&wc->client->events.closed, &closed);
}

void hy__ws_client_timeout(struct hy_timer *timer)
{
    struct hy_ws_client_private *wc =
        (struct hy_ws_client_private *)(void *)((char *)timer -
                                                offsetof(struct hy_ws_client_private, timer));
    hy__ws_client_enter(wc);
    if (wc->phase < HY__WS_CLIENT_FRAMES)
        hy__ws_client_fail(wc, -HY_ETIMEDOUT, "the server did not answer in time");
    else
        hy__ws_client_end(wc);
    hy__ws_client_leave(wc);
}

/* --- writing --------------------------------------------------------------------------------- */

static void update(struct hy_ws_client_private *wc)
{
    unsigned interest = wc->is_blocked ? (unsigned)HY_WRITABLE : 0u;
    if (wc->phase == HY__WS_CLIENT_IDLE)
        return;
    if (wc->phase != HY__WS_CLIENT_TCP && !wc->is_paused && !wc->is_held)
        interest |= HY_READABLE;
    if (interest == wc->interest)
        return;
    if (hy_notifier_watch(&wc->notifier, wc->handle, interest) < 0)
        hy__ws_client_end(wc);
    else
        wc->interest = interest;
}

static void arm_flush(struct hy_ws_client_private *wc)
{
    if (!wc->is_flush_armed)
        wc->is_flush_armed = hy_timer_start_once(&wc->flush, 0) == 0;
}

/* Everything has left that may leave in this phase. */
static void drained(struct hy_ws_client_private *wc)
{
    if (wc->phase != HY__WS_CLIENT_FRAMES || !wc->is_close_sent)
        return;
    if (!wc->is_close_received && !wc->is_failing)
        return;
    /* The server ends the connection (RFC 6455 section 7.1.1); a broken one is not waited for. */
    wc->phase = HY__WS_CLIENT_ENDING;
    if (hy__socket_end_sending(wc->handle) < 0)
        hy__ws_client_end(wc);
}

static void write_queue(struct hy_ws_client_private *wc)
{
    struct hy__packet_queue *queue =
        wc->phase == HY__WS_CLIENT_HANDSHAKE ? &wc->request : &wc->queue;
    struct hy__packet_write write;
    uint64_t cost = wc->queue.cost;
    if (wc->phase < HY__WS_CLIENT_HANDSHAKE || wc->is_blocked)
        return;
    if (hy__packet_queue_write(queue, wc->handle, WRITE_LIMIT, &write) < 0) {
        hy__ws_client_end(wc);
        return;
    }
    __atomic_fetch_sub(&wc->client->pending_, cost - wc->queue.cost, __ATOMIC_RELAXED);
    wc->closed.messages_sent += write.messages;
    wc->closed.bytes_sent += write.payload_bytes;
    wc->is_blocked = write.is_blocked;
    if (hy__packet_queue_is_empty(queue))
        drained(wc);
    else if (!write.is_blocked)
        arm_flush(wc);
    update(wc);
}

void hy__ws_client_flush(struct hy_timer *timer)
{
    struct hy_ws_client_private *wc =
        (struct hy_ws_client_private *)(void *)((char *)timer -
                                                offsetof(struct hy_ws_client_private, flush));
    hy__ws_client_enter(wc);
    wc->is_flush_armed = false;
    write_queue(wc);
    hy__ws_client_leave(wc);
}

/* Each frame has a mask of its own from a generator that cannot be guessed: section 10.3. */
static struct hy__packet *mask_packet(struct hy_ws_client_private *wc, struct hy__packet *packet)
{
    if (wc->masks_used == sizeof wc->masks) {
        if (!hy__random_bytes(wc->masks, sizeof wc->masks))
            return NULL;
        wc->masks_used = 0;
    }
    struct hy__packet *masked = hy__packet_create_masked(packet, wc->masks + wc->masks_used);
    wc->masks_used += 4;
    return masked;
}

void hy__ws_client_push(struct hy_ws_client_private *wc, struct hy__packet *packet)
{
    struct hy__packet *masked = packet != NULL ? mask_packet(wc, packet) : NULL;
    if (packet != NULL)
        hy__packet_unref(packet);
    if (masked == NULL ||
        !(masked->is_message || masked->bytes[0] == (0x80 | HY__WS_CLOSE)
              ? hy__packet_queue_push(&wc->queue, masked)
              : hy__packet_queue_push_control(&wc->queue, masked, wc->is_blocked))) {
        if (masked != NULL)
            hy__packet_unref(masked);
        hy__ws_client_end(wc);
        return;
    }
    if (masked->is_message || masked->bytes[0] == (0x80 | HY__WS_CLOSE))
        __atomic_fetch_add(&wc->client->pending_, hy__packet_cost(masked), __ATOMIC_RELAXED);
    arm_flush(wc);
}

void hy__ws_client_close(struct hy_ws_client_private *wc, unsigned code, const char *reason,
                         size_t reason_size)
{
    if (wc->phase == HY__WS_CLIENT_TCP || wc->phase == HY__WS_CLIENT_HANDSHAKE) {
        hy__ws_client_fail(wc, -HY_ECONNREFUSED, "closed by the program while connecting");
        return;
    }
    if (wc->phase != HY__WS_CLIENT_FRAMES || wc->is_close_sent)
        return;
    wc->is_close_sent = true;
    if (!wc->is_close_received) {
        size_t size = hy__utf8_prefix(reason, reason_size, HY__WS_REASON_SIZE_MAX);
        wc->closed.code = (uint16_t)code;
        wc->closed.is_local = true;
        if (size > 0)
            memcpy(wc->closed.reason, reason, size);
    }
    hy__ws_client_set_state(wc, HY_WS_CLIENT_CLOSING);
    hy_timer_start_once(&wc->timer, wc->close_timeout_ns);
    hy__ws_client_push(wc, hy__packet_create_close(code, reason, reason_size));
}

/* --- reading --------------------------------------------------------------------------------- */

static void emit_message(struct hy_ws_client_private *wc, const struct hy__ws_event *event)
{
    struct hy_ws_message message = {.data = event->payload.data,
                                    .size = event->payload.size,
                                    .is_text = event->opcode == HY__WS_TEXT};
    if (wc->is_close_sent)
        return;
    wc->closed.messages_received++;
    wc->closed.bytes_received += message.size;
    if (hy_signal_is_connected(&wc->client->events.message_buffer.sig)) {
        struct hy_ws_message_buffer copy = {.is_text = message.is_text};
        if (hy_buffer_create(message.data, message.size, &copy.buffer) < 0) {
            hy__ws_client_close(wc, HY__WS_CLOSE_INTERNAL, "out of memory", 13);
            return;
        }
        hy_emit(&wc->client->events.message_buffer, &copy);
        hy_buffer_unref(copy.buffer);
    }
    if (wc->client != NULL)
        hy_emit(&wc->client->events.message, &message);
}

static void pong_received(struct hy_ws_client_private *wc, struct hy__slice payload)
{
    if (wc->ping_ns == 0 || payload.size != sizeof wc->ping_ns ||
        memcmp(payload.data, &wc->ping_ns, sizeof wc->ping_ns) != 0)
        return;
    struct hy_ws_pong pong = {.round_trip_ns = hy_now_ns() - wc->ping_ns};
    wc->ping_ns = 0;
    hy_emit(&wc->client->events.pong, &pong);
}

static void peer_closed(struct hy_ws_client_private *wc, const struct hy__ws_event *event)
{
    wc->is_close_received = true;
    if (wc->is_close_sent) {
        if (hy__packet_queue_is_empty(&wc->queue))
            drained(wc);
        return;
    }
    wc->closed.code = event->close_code;
    if (event->payload.size > 0)
        memcpy(wc->closed.reason, event->payload.data, event->payload.size);
    hy__ws_client_close(wc, event->close_code, NULL, 0);
}

static void handle_event(struct hy_ws_client_private *wc, const struct hy__ws_event *event)
{
    switch (event->type) {
    case HY__WS_EVENT_MESSAGE:
        emit_message(wc, event);
        break;
    case HY__WS_EVENT_PING:
        if (!wc->is_close_sent)
            hy__ws_client_push(
                wc, hy__packet_create(HY__WS_PONG, event->payload.data, event->payload.size));
        break;
    case HY__WS_EVENT_PONG:
        pong_received(wc, event->payload);
        break;
    case HY__WS_EVENT_CLOSE:
        peer_closed(wc, event);
        break;
    case HY__WS_EVENT_FAILED:
        wc->is_failing = true;
        hy__ws_client_close(wc, event->close_code, event->problem, strlen(event->problem));
        break;
    default:
        break;
    }
}

static void take_frames(struct hy_ws_client_private *wc, char *data, size_t size)
{
    struct hy__ws_event event;
    wc->is_taking = true;
    while (wc->client != NULL && wc->phase == HY__WS_CLIENT_FRAMES) {
        size_t taken = hy__ws_parser_feed(&wc->parser, data, size, &event);
        data += taken;
        size -= taken;
        if (event.type == HY__WS_EVENT_NONE)
            break;
        handle_event(wc, &event);
    }
    wc->is_taking = false;
    if (wc->client == NULL || wc->phase != HY__WS_CLIENT_FRAMES)
        hy__ws_parser_fini(&wc->parser);
}

static void *reallocate(void *context, void *memory, size_t size)
{
    (void)context;
    if (size > 0)
        return hy_memory_resize(memory, size);
    hy_memory_release(memory);
    return NULL;
}

static void become_open(struct hy_ws_client_private *wc)
{
    struct hy__ws_parser_config config = {.role = HY__WS_CLIENT,
                                          .message_size_max = wc->message_limit,
                                          .fragment_count_max = 1 << 20,
                                          .reallocate = reallocate};
    hy__ws_parser_init(&wc->parser, &config);
    hy_timer_stop(&wc->timer);
    wc->phase = HY__WS_CLIENT_FRAMES;
    hy__ws_client_set_state(wc, HY_WS_CLIENT_OPEN);
    arm_flush(wc);
    hy_emit0(&wc->client->events.opened);
}

static void take_answer(struct hy_ws_client_private *wc, const char *data, size_t size)
{
    struct hy__ws_client_response response;
    char message[160];
    if (wc->head == NULL &&
        (wc->head = hy_memory_allocate(HEAD_SIZE_MAX + HY__WS_CLIENT_RECEIVE_SIZE)) == NULL) {
        hy__ws_client_fail(wc, -HY_ENOMEM, "out of memory");
        return;
    }
    memcpy(wc->head + wc->head_size, data, size); /* fits: the parser refuses heads above 16 KiB */
    size_t scanned = wc->head_size;
    wc->head_size += size;
    ssize_t head = hy__ws_client_response_parse(&wc->handshake, wc->head, wc->head_size, scanned,
                                                NULL, &response);
    if (head == 0)
        return;
    if (head < 0) {
        snprintf(message, sizeof message, "the server refuses (status %u): %s", response.status,
                 response.problem != NULL ? response.problem : "");
        hy__ws_client_fail(wc, (int)head, message);
        return;
    }
    char *rest = wc->head;
    size_t rest_size = wc->head_size;
    wc->head = NULL;
    wc->head_size = 0;
    become_open(wc);
    take_frames(wc, rest + head, rest_size - (size_t)head);
    hy_memory_release(rest);
}

static void take(struct hy_ws_client_private *wc, char *data, size_t size)
{
    if (wc->phase == HY__WS_CLIENT_HANDSHAKE)
        take_answer(wc, data, size);
    else if (wc->phase == HY__WS_CLIENT_FRAMES)
        take_frames(wc, data, size);
}

static void read_socket(struct hy_ws_client_private *wc)
{
    /* Lent for the call, so that a loop inside a handler does not write over it. */
    char *buffer = wc->receive_buffer;
    wc->receive_buffer = NULL;
    if (buffer == NULL) { /* in such a loop: later */
        wc->is_held = true;
        update(wc);
        return;
    }
    ssize_t got = hy__socket_receive(wc->handle, buffer, HY__WS_CLIENT_RECEIVE_SIZE);
    if (got > 0)
        take(wc, buffer, (size_t)got);
    else if (got == 0 || hy__socket_problem((int)-got) != HY__SOCKET_AGAIN)
        hy__ws_client_end(wc);
    wc->receive_buffer = buffer;
    if (wc->is_held) {
        wc->is_held = false;
        if (wc->client != NULL)
            update(wc);
    }
}

/* --- connecting ------------------------------------------------------------------------------ */

static void tcp_connected(struct hy_ws_client_private *wc)
{
    int error = hy__socket_pending_error(wc->handle);
    if (error != 0) {
        int rc = hy_error_set_system(error, "cannot connect");
        hy__ws_client_fail(wc, rc, hy_last_error()->message);
        return;
    }
    wc->phase = HY__WS_CLIENT_HANDSHAKE;
    wc->is_blocked = false;
    write_queue(wc);
}

void hy__ws_client_ready(struct hy_notifier *notifier, const struct hy_readiness *readiness)
{
    struct hy_ws_client_private *wc =
        (struct hy_ws_client_private *)(void *)((char *)notifier -
                                                offsetof(struct hy_ws_client_private, notifier));
    unsigned ended = HY_HANGUP | HY_FAILURE;
    hy__ws_client_enter(wc);
    if (wc->phase == HY__WS_CLIENT_TCP) {
        tcp_connected(wc);
    } else {
        if ((readiness->conditions & HY_WRITABLE) && wc->is_blocked) {
            wc->is_blocked = false;
            write_queue(wc);
        }
        if (wc->client != NULL && wc->handle >= 0 &&
            (readiness->conditions & (HY_READABLE | ended)))
            read_socket(wc);
    }
    hy__ws_client_leave(wc);
}

static int open_socket(struct hy_ws_client_private *wc, const struct hy_address *address)
{
    wc->handle = hy__socket_open(hy__address_family(address), SOCK_STREAM);
    if (wc->handle < 0)
        return hy_error_set_system((int)-wc->handle, "%s: cannot make a socket", wc->text);
    hy__socket_set(wc->handle, IPPROTO_TCP, TCP_NODELAY, 1);
    /* A refusal may come at once on the loopback; it is told by the signal. */
    int rc = hy__socket_connect(wc->handle, address);
    if (rc < 0 && hy__socket_problem(-rc) != HY__SOCKET_REFUSED)
        return hy_error_set_system(-rc, "%s: cannot connect", wc->text);
    return hy_notifier_watch(&wc->notifier, wc->handle, HY_WRITABLE);
}

static int prepare_request(struct hy_ws_client_private *wc, const struct hy__ws_url *url,
                           const char *origin)
{
    char head[4096];
    if (hy__ws_client_handshake_init(&wc->handshake, NULL, 0) < 0)
        return hy_error_set(-HY_EIO, "%s: the system gives no random numbers", wc->text);
    int size = hy__ws_client_request(&wc->handshake, url, origin, head, sizeof head);
    if (size < 0)
        return hy_error_set(-HY_EINVAL, "%s: the URL or the origin is too long or not allowed",
                            wc->text);
    struct hy__packet *packet = hy__packet_create_raw(head, (size_t)size, NULL);
    if (packet == NULL || !hy__packet_queue_push(&wc->request, packet)) {
        if (packet != NULL)
            hy__packet_unref(packet);
        return -HY_ENOMEM;
    }
    return 0;
}

int hy__ws_client_start(struct hy_ws_client_private *wc, const struct hy__ws_url *url,
                        struct hy_address *address, const char *origin)
{
    int rc = prepare_request(wc, url, origin);
    wc->closed = (struct hy_ws_client_closed){0};
    wc->is_close_sent = wc->is_close_received = wc->is_failing = false;
    wc->is_paused = wc->is_held = false;
    wc->ping_ns = 0;
    if (rc == 0)
        rc = open_socket(wc, address);
    if (rc == 0)
        rc = hy_timer_start_once(&wc->timer, wc->connect_timeout_ns);
    if (rc < 0) {
        drop_connection(wc);
        return rc;
    }
    wc->interest = HY_WRITABLE;
    wc->is_blocked = true;
    wc->phase = HY__WS_CLIENT_TCP;
    hy__ws_client_set_state(wc, HY_WS_CLIENT_CONNECTING);
    return 0;
}
