/* SPDX-License-Identifier: MIT */
/*
 * The calls of a WebSocket server that every thread may make. In the server's own thread they act
 * at once (on queues only: nothing is written or ended before the turn's end); from others they are
 * posted to the server, one invocation each, which keeps every sender's order. A message is framed
 * once, in the sender's thread.
 */
#include "ws_server_private.h"

/* What travels to the server's thread. */
struct delivery {
    struct hy__packet *packet; /* counted */
    uint64_t client;           /* 0: all */
    uint64_t cost;
};

static int delivery_copy(void *to, const void *from)
{
    struct delivery *copy = to;
    *copy = *(const struct delivery *)from;
    hy__packet_ref(copy->packet, 1);
    return 0;
}

static void delivery_destroy(void *payload)
{
    struct delivery *delivery = payload;
    hy__packet_unref(delivery->packet);
}

static const struct hy_payload delivery_payload =
    HY_DESCRIBED_PAYLOAD(struct delivery, delivery_copy, delivery_destroy);

static void broadcast(struct hy_ws_server_private *ws, struct hy__packet *packet)
{
    struct hy__ws_connection *next;
    uint64_t clients = ws->counters->clients;
    if (clients == 0)
        return;
    hy__packet_ref(packet, (uint32_t)clients); /* all at once; given back where it is not needed */
    for (struct hy__ws_connection *connection = ws->first; connection != NULL; connection = next) {
        next = connection->next;
        if (connection->session == NULL)
            continue;
        clients--;
        hy__ws_session_send(connection, packet);
    }
    for (; clients > 0; clients--)
        hy__packet_unref(packet);
}

static void deliver(struct hy_ws_server_private *ws, const struct delivery *delivery)
{
    struct hy__ws_connection *connection;
    hy__ws_enter(ws);
    hy__ws_pressure_arrived(ws, delivery->cost);
    if (delivery->client == 0) {
        broadcast(ws, delivery->packet);
    } else if ((connection = hy__ws_slot_find(ws, delivery->client)) != NULL &&
               connection->phase == HY__WS_OPEN) {
        hy__packet_ref(delivery->packet, 1);
        hy__ws_session_send(connection, delivery->packet);
    } else {
        hy__ws_count(&ws->counters->dropped_gone, 1);
    }
    hy__ws_leave(ws);
}

static void delivery_arrived(struct hy_object *receiver, const void *payload)
{
    struct hy_ws_server *server = (struct hy_ws_server *)receiver;
    if (server->priv != NULL)
        deliver(server->priv, payload);
}

/* Sends a packet whose cost is reserved; takes over the reference. */
static int send_reserved(struct hy_ws_server *server, uint64_t client, struct hy__packet *packet,
                         uint64_t cost)
{
    struct delivery delivery = {.packet = packet, .client = client, .cost = cost};
    int rc = 0;
    if (packet == NULL) {
        hy__ws_pressure_cancel(server, cost);
        return -HY_ENOMEM;
    }
    if (hy_object_is_here(&server->hy)) {
        deliver(server->priv, &delivery);
    } else {
        rc = hy_invoke(&server->hy, delivery_arrived, &delivery_payload, &delivery);
        if (rc < 0)
            hy__ws_pressure_cancel(server, cost);
    }
    hy__packet_unref(packet);
    return rc;
}

/* To one client, at home: its queue is at hand. */
static int send_here(struct hy_ws_server_private *ws, uint64_t client, struct hy__packet *packet)
{
    struct hy__ws_connection *connection = hy__ws_slot_find(ws, client);
    int rc = 0;
    if (packet == NULL)
        return -HY_ENOMEM;
    if (connection == NULL || connection->phase != HY__WS_OPEN) {
        hy__packet_unref(packet);
        return hy_error_set(-HY_ENOENT, "there is no client %llx", (unsigned long long)client);
    }
    hy__ws_enter(ws);
    if (hy__ws_session_send(connection, packet))
        hy__ws_pressure_raise(connection);
    else
        rc = hy_error_set(-HY_EAGAIN, "the client's queue is full");
    hy__ws_leave(ws);
    return rc;
}

/* What a message of so many bytes costs, its header at its largest. */
static uint64_t cost_of(size_t size)
{
    return (uint64_t)size + HY__WS_HEADER_SIZE_MAX + 64;
}

/* What a message is made of: bytes to copy, or a buffer to share. */
struct content {
    enum hy__ws_opcode opcode;
    const void *data;
    size_t size;
    struct hy_buffer *buffer;
};

static struct hy__packet *make_packet(const struct content *content)
{
    if (content->buffer != NULL)
        return hy__packet_create_shared(content->opcode, content->buffer);
    return hy__packet_create(content->opcode, content->data, content->size);
}

static int send_content(struct hy_ws_server *server, uint64_t client, const struct content *content)
{
    uint64_t cost = cost_of(content->size);
    int rc = hy__ws_check_open(server, "sending");
    if (rc == 0 && content->data == NULL && content->buffer == NULL && content->size > 0)
        rc = hy_error_set(-HY_EINVAL, "sending: no data is given for %zu bytes", content->size);
    if (rc == 0)
        rc = hy__ws_pressure_check_size(server, cost);
    if (rc < 0)
        return rc;
    if (client != 0 && hy_object_is_here(&server->hy))
        return send_here(server->priv, client, make_packet(content));
    rc = hy__ws_pressure_reserve(server, cost);
    return rc < 0 ? rc : send_reserved(server, client, make_packet(content), cost);
}

static int send_bytes(struct hy_ws_server *server, uint64_t client, enum hy__ws_opcode opcode,
                      const void *data, size_t size)
{
    struct content content = {.opcode = opcode, .data = data, .size = size};
    return send_content(server, client, &content);
}

static int send_shared(struct hy_ws_server *server, uint64_t client, struct hy_buffer *buffer,
                       bool is_text)
{
    struct content content = {.opcode = is_text ? HY__WS_TEXT : HY__WS_BINARY,
                              .size = hy_buffer_size(buffer),
                              .buffer = buffer};
    return send_content(server, client, &content);
}

static int check_client(uint64_t client)
{
    return client != 0 ? 0 : hy_error_set(-HY_EINVAL, "0 names no client");
}

int hy_ws_server_send_text(struct hy_ws_server *server, uint64_t client, const void *data,
                           size_t size)
{
    int rc = check_client(client);
    return rc < 0 ? rc : send_bytes(server, client, HY__WS_TEXT, data, size);
}

int hy_ws_server_send_binary(struct hy_ws_server *server, uint64_t client, const void *data,
                             size_t size)
{
    int rc = check_client(client);
    return rc < 0 ? rc : send_bytes(server, client, HY__WS_BINARY, data, size);
}

int hy_ws_server_send_buffer(struct hy_ws_server *server, uint64_t client, struct hy_buffer *buffer,
                             bool is_text)
{
    int rc = check_client(client);
    return rc < 0 ? rc : send_shared(server, client, buffer, is_text);
}

int hy_ws_server_broadcast_text(struct hy_ws_server *server, const void *data, size_t size)
{
    return send_bytes(server, 0, HY__WS_TEXT, data, size);
}

int hy_ws_server_broadcast_binary(struct hy_ws_server *server, const void *data, size_t size)
{
    return send_bytes(server, 0, HY__WS_BINARY, data, size);
}

int hy_ws_server_broadcast_buffer(struct hy_ws_server *server, struct hy_buffer *buffer,
                                  bool is_text)
{
    return send_shared(server, 0, buffer, is_text);
}

/* --- close, ping, respond -------------------------------------------------------------------- */

struct closing {
    uint64_t client;
    uint16_t code;
    uint8_t reason_size;
    bool is_ping; /* it is a ping instead */
    char reason[HY__WS_REASON_SIZE_MAX];
};

static const struct hy_payload closing_payload = HY_PLAIN_PAYLOAD(struct closing);

static int close_client(struct hy_ws_server_private *ws, const struct closing *closing)
{
    struct hy__ws_connection *connection = hy__ws_slot_find(ws, closing->client);
    if (connection == NULL || connection->session == NULL)
        return -HY_ENOENT;
    hy__ws_enter(ws);
    if (closing->is_ping)
        hy__ws_session_ping(connection);
    else
        hy__ws_session_close(connection, closing->code, closing->reason, closing->reason_size,
                             false);
    hy__ws_leave(ws);
    return 0;
}

static void closing_arrived(struct hy_object *receiver, const void *payload)
{
    struct hy_ws_server *server = (struct hy_ws_server *)receiver;
    if (server->priv != NULL)
        close_client(server->priv, payload);
}

static int send_closing(struct hy_ws_server *server, const struct closing *closing)
{
    int rc = hy__ws_check_open(server, closing->is_ping ? "ping" : "closing a client");
    if (rc < 0)
        return rc;
    if (!hy_object_is_here(&server->hy))
        return hy_invoke(&server->hy, closing_arrived, &closing_payload, closing);
    rc = close_client(server->priv, closing);
    if (rc < 0)
        hy_error_set(rc, "there is no client %llx", (unsigned long long)closing->client);
    return rc;
}

int hy_ws_server_close_client(struct hy_ws_server *server, uint64_t client, unsigned code,
                              const char *reason)
{
    struct closing closing = {.client = client,
                              .code = (uint16_t)(code != 0 ? code : HY__WS_CLOSE_NO_CODE)};
    if (code != 0 && !hy__ws_close_code_is_legal(code))
        return hy_error_set(-HY_EINVAL,
                            "%u may not be sent as a close code; use 1000, or 3000 to 4999", code);
    if (reason != NULL) {
        closing.reason_size =
            (uint8_t)hy__utf8_prefix(reason, strlen(reason), HY__WS_REASON_SIZE_MAX);
        memcpy(closing.reason, reason, closing.reason_size);
    }
    return send_closing(server, &closing);
}

int hy_ws_server_ping(struct hy_ws_server *server, uint64_t client)
{
    struct closing ping = {.client = client, .is_ping = true};
    return send_closing(server, &ping);
}

struct answer {
    uint64_t request;
    struct hy_buffer *body; /* counted, or NULL */
    int status;
    char content_type[124];
};

static int answer_copy(void *to, const void *from)
{
    struct answer *copy = to;
    *copy = *(const struct answer *)from;
    hy_buffer_ref(copy->body);
    return 0;
}

static void answer_destroy(void *payload)
{
    struct answer *answer = payload;
    hy_buffer_unref(answer->body);
}

static const struct hy_payload answer_payload =
    HY_DESCRIBED_PAYLOAD(struct answer, answer_copy, answer_destroy);

static int respond(struct hy_ws_server_private *ws, const struct answer *answer)
{
    struct hy__ws_connection *connection = hy__ws_slot_find(ws, answer->request);
    if (connection == NULL || connection->phase != HY__WS_ANSWER)
        return -HY_ENOENT;
    hy__ws_enter(ws);
    hy__ws_http_respond(connection, answer->status,
                        answer->content_type[0] != '\0' ? answer->content_type : NULL,
                        answer->body);
    hy__ws_leave(ws);
    return 0;
}

static void answer_arrived(struct hy_object *receiver, const void *payload)
{
    struct hy_ws_server *server = (struct hy_ws_server *)receiver;
    if (server->priv != NULL)
        respond(server->priv, payload);
}

int hy_ws_server_respond(struct hy_ws_server *server, uint64_t request, int status,
                         const char *content_type, struct hy_buffer *body)
{
    struct answer answer = {.request = request, .body = body, .status = status};
    int rc = hy__ws_check_open(server, "answering a request");
    if (rc < 0)
        return rc;
    if (status < 200 || status > 599)
        return hy_error_set(-HY_EINVAL, "%d is no status of an answer; give 200 to 599", status);
    if (content_type != NULL) {
        size_t size = strlen(content_type);
        if (size >= sizeof answer.content_type ||
            !hy__http_is_field_value((struct hy__slice){content_type, size}))
            return hy_error_set(-HY_EINVAL, "a content type must be below 124 bytes and without "
                                            "control bytes");
        memcpy(answer.content_type, content_type, size);
    }
    if (!hy_object_is_here(&server->hy))
        return hy_invoke(&server->hy, answer_arrived, &answer_payload, &answer);
    rc = respond(server->priv, &answer);
    if (rc < 0)
        hy_error_set(rc, "request %llx is answered already, or its peer has gone",
                     (unsigned long long)request);
    return rc;
}
