/* SPDX-License-Identifier: MIT */
/*
 * The HTTP of a WebSocket server: one request at a time on a connection; pages, the program's
 * answers, the upgrade, and every error with its status. What follows a request before its response
 * has left waits in the stash, and the socket is not read meanwhile.
 */
#include "http_request.h"
#include "http_response.h"
#include "ws_server_private.h"
#include <stdio.h>

#define HEAD_SIZE_MAX 4096 /* of a response */

/* --- the stash ------------------------------------------------------------------------------- */

void hy__ws_stash_free(struct hy__ws_connection *connection)
{
    if (connection->stash == NULL)
        return;
    hy_memory_release(connection->stash->data);
    hy_memory_release(connection->stash);
    connection->stash = NULL;
}

static bool stash_append(struct hy__ws_connection *connection, const char *data, size_t size)
{
    struct hy__ws_stash *stash = connection->stash;
    if (stash == NULL && (stash = hy_memory_allocate_zeroed(sizeof *stash)) == NULL)
        return false;
    connection->stash = stash;
    if (size > stash->capacity - stash->size) {
        size_t capacity = stash->size + size < 1024 ? 1024 : (stash->size + size) * 2;
        char *grown = hy_memory_resize(stash->data, capacity);
        if (grown == NULL)
            return false;
        stash->data = grown;
        stash->capacity = capacity;
    }
    memcpy(stash->data + stash->size, data, size);
    stash->size += size;
    return true;
}

/* --- responses ------------------------------------------------------------------------------- */

static void count_refused(struct hy_ws_server_counters *counters, int status)
{
    uint64_t *counter = status == 400   ? &counters->refused_400
                        : status == 403 ? &counters->refused_403
                        : status == 404 ? &counters->refused_404
                        : status == 405 ? &counters->refused_405
                        : status == 408 ? &counters->refused_408
                        : status == 413 ? &counters->refused_413
                        : status == 414 ? &counters->refused_414
                        : status == 426 ? &counters->refused_426
                        : status == 431 ? &counters->refused_431
                        : status == 501 ? &counters->refused_501
                        : status == 503 ? &counters->refused_503
                        : status == 504 ? &counters->refused_504
                        : status == 505 ? &counters->refused_505
                                        : &counters->refused_500;
    hy__ws_count(counter, 1);
}

/* Queues a response; the connection goes on, or ends, when it has left. */
static void send_response(struct hy__ws_connection *connection,
                          const struct hy__http_response *response, struct hy_buffer *body)
{
    char head[HEAD_SIZE_MAX];
    int size = hy__http_response_head(response, head, sizeof head);
    if (size < 0) {
        static const char broken[] = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n"
                                     "Connection: close\r\n\r\n";
        hy__ws_report(connection->ws, -HY_EINVAL,
                      "a response could not be written: a header value is too long or not allowed");
        count_refused(connection->ws->counters, 500);
        connection->is_close_after = true;
        memcpy(head, broken, sizeof broken - 1);
        size = sizeof broken - 1;
        body = NULL;
    }
    connection->phase = HY__WS_RESPONSE;
    connection->is_close_after |= response->is_close;
    hy__ws_deadline_clear(connection->ws, &connection->life);
    hy__ws_connection_push(
        connection, hy__packet_create_raw(head, (size_t)size, connection->is_head ? NULL : body));
    hy__ws_connection_update(connection);
}

static void send_error(struct hy__ws_connection *connection, int status, const char *problem,
                       bool is_close)
{
    char text[256];
    struct hy_buffer *body = NULL;
    int size =
        snprintf(text, sizeof text, "%d %s: %s\n", status, hy__http_status_text(status), problem);
    struct hy__http_response response = {.status = status,
                                         .content_type = "text/plain; charset=utf-8",
                                         .cache_control = "no-store",
                                         .is_nosniff = true,
                                         .has_content_length = true,
                                         .content_length = (uint64_t)size,
                                         .allow = status == 405 ? "GET, HEAD" : NULL,
                                         .is_websocket_version = status == 426,
                                         .is_close = is_close};
    count_refused(connection->ws->counters, status);
    if (hy_buffer_create(text, (size_t)size, &body) < 0) {
        hy__ws_connection_cut(connection);
        return;
    }
    send_response(connection, &response, body);
    hy_buffer_unref(body);
}

void hy__ws_http_refuse(struct hy__ws_connection *connection, int status, const char *problem)
{
    hy__ws_slot_retire(connection->ws, connection->request);
    connection->request = 0;
    send_error(connection, status, problem, true);
}

void hy__ws_http_respond(struct hy__ws_connection *connection, int status, const char *content_type,
                         struct hy_buffer *body)
{
    struct hy__http_response response = {.status = status,
                                         .content_type = content_type,
                                         .cache_control = "no-store",
                                         .is_nosniff = true,
                                         .has_content_length = status != 204 && status != 304,
                                         .content_length = hy_buffer_size(body),
                                         .is_close = connection->is_close_after};
    if (!response.has_content_length)
        body = NULL;
    hy__ws_slot_retire(connection->ws, connection->request);
    connection->request = 0;
    hy__ws_count(&connection->ws->counters->requests, 1);
    send_response(connection, &response, body);
}

/* --- pages ----------------------------------------------------------------------------------- */

/* Whether gzip is accepted: named, or meant by "*", and not with q=0 (RFC 9110 section 12.5.3). */
static bool accepts_gzip(const struct hy__http_fields *fields)
{
    bool accepts = false;
    for (uint32_t i = 0; i < fields->count; i++) {
        struct hy__slice list = fields->items[i].value, element;
        if (!hy__slice_equal_nocase(fields->items[i].name, hy__slice_from("Accept-Encoding")))
            continue;
        while (hy__http_list_next(&list, &element)) {
            const char *semicolon = memchr(element.data, ';', element.size);
            struct hy__slice name = element;
            if (semicolon != NULL)
                name.size = (size_t)(semicolon - element.data);
            name = hy__slice_trim(name);
            struct hy__slice rest = {element.data + element.size, 0};
            if (semicolon != NULL)
                rest = (struct hy__slice){semicolon + 1,
                                          element.size - (size_t)(semicolon + 1 - element.data)};
            rest = hy__slice_trim(rest);
            bool is_zero = rest.size >= 3 && hy__ascii_lower(rest.data[0]) == 'q' &&
                           rest.data[1] == '=' && rest.data[2] == '0';
            for (size_t k = 3; is_zero && k < rest.size; k++)
                is_zero = rest.data[k] == '.' || rest.data[k] == '0';
            if (hy__slice_equal_nocase(name, hy__slice_from("gzip")))
                return !is_zero;
            if (hy__slice_is(name, "*"))
                accepts = !is_zero;
        }
    }
    return accepts;
}

static bool has_etag(const struct hy__http_fields *fields, const char *etag)
{
    struct hy__slice list, element;
    if (hy__http_field_find(fields, "If-None-Match", &list) != 1)
        return false;
    while (hy__http_list_next(&list, &element)) {
        if (element.size > 2 && element.data[0] == 'W' && element.data[1] == '/') {
            element.data += 2;
            element.size -= 2;
        }
        if (hy__slice_is(element, "*") || hy__slice_is(element, etag))
            return true;
    }
    return false;
}

static void send_page(struct hy__ws_connection *connection, const struct hy__ws_page *page,
                      const struct hy__http_request *request)
{
    bool is_gzip = page->gzip != NULL && accepts_gzip(&request->fields);
    char etag[sizeof page->etag + 8];
    snprintf(etag, sizeof etag, "\"%s%s\"", page->etag, is_gzip ? "-gz" : "");
    bool is_known = has_etag(&request->fields, etag);
    struct hy__http_response response = {.status = is_known ? 304 : 200,
                                         .content_type = page->content_type,
                                         .has_content_length = !is_known,
                                         .content_length = is_gzip ? page->gzip_size : page->size,
                                         .content_encoding = is_gzip && !is_known ? "gzip" : NULL,
                                         .cache_control = page->cache_control,
                                         .etag = etag,
                                         .vary = page->gzip != NULL ? "Accept-Encoding" : NULL,
                                         .content_security_policy = page->content_security_policy,
                                         .is_nosniff = true,
                                         .is_close = connection->is_close_after};
    struct hy_buffer *body = is_gzip ? page->gzip : page->plain;
    hy__ws_count(&connection->ws->counters->pages, 1);
    send_response(connection, &response, is_known ? NULL : body);
}

/* --- requests -------------------------------------------------------------------------------- */

/* "GET", "/path", "query" behind each other with their NULs, in one buffer. */
static struct hy_buffer *request_storage(const struct hy__http_request *request)
{
    struct hy__slice parts[] = {request->method, request->path, request->query};
    struct hy_buffer *storage = NULL;
    size_t size = request->method.size + request->path.size + request->query.size + 3;
    char *text = hy_memory_allocate_zeroed(size);
    char *at = text;
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < 3; i++) {
        if (parts[i].size > 0)
            memcpy(at, parts[i].data, parts[i].size);
        at += parts[i].size + 1;
    }
    if (hy_buffer_create(text, size, &storage) < 0)
        storage = NULL;
    hy_memory_release(text);
    return storage;
}

static void ask_program(struct hy__ws_connection *connection,
                        const struct hy__http_request *request)
{
    struct hy_ws_server_private *ws = connection->ws;
    struct hy_buffer *storage = request_storage(request);
    uint64_t id = storage != NULL ? hy__ws_slot_take(ws, connection) : 0;
    if (id == 0) {
        hy_buffer_unref(storage);
        send_error(connection, 503, "out of memory", true);
        return;
    }
    const char *text = hy_buffer_data(storage);
    struct hy_http_request asked = {.request = id,
                                    .method = text,
                                    .path = text + request->method.size + 1,
                                    .query = text + request->method.size + request->path.size + 2,
                                    .storage = storage};
    connection->request = id;
    connection->phase = HY__WS_ANSWER;
    hy__ws_deadline_set(ws, &connection->life, HY__WS_STAGE_ANSWER);
    hy__ws_connection_update(connection);
    if (connection->phase == HY__WS_ANSWER)
        hy_emit(&ws->server->events.request, &asked);
    hy_buffer_unref(storage);
}

static bool is_upgrade_path(const struct hy_ws_server_options *options, struct hy__slice path)
{
    if (options->any_path)
        return true;
    for (size_t i = 0; i < options->upgrade_path_count; i++)
        if (hy__slice_is(path, options->upgrade_paths[i]))
            return true;
    return false;
}

static void upgrade(struct hy__ws_connection *connection, const struct hy__http_request *request)
{
    struct hy__ws_handshake handshake;
    char head[1024];
    const char *problem = "";
    int rc = hy__ws_handshake_check(request, &connection->ws->policy, &handshake, &problem);
    if (rc < 0) {
        send_error(connection, -rc, problem, true);
        return;
    }
    int size = hy__ws_handshake_response(&handshake, head, sizeof head);
    if (size < 0) {
        send_error(connection, 500, "the handshake cannot be written", true);
        return;
    }
    /* As a control packet: no ping's answer may overtake it. */
    struct hy__packet *packet = hy__packet_create_raw(head, (size_t)size, NULL);
    if (packet == NULL) {
        hy__ws_connection_cut(connection);
        return;
    }
    hy__ws_connection_push_control(connection, packet);
    hy__ws_session_open(connection, request, &handshake);
}

static void handle_request(struct hy__ws_connection *connection,
                           const struct hy__http_request *request)
{
    struct hy_ws_server_private *ws = connection->ws;
    const struct hy__ws_page *page = hy__ws_page_find(ws, request->path);
    bool is_get = hy__slice_is(request->method, "GET");
    connection->is_head = hy__slice_is(request->method, "HEAD");
    connection->is_close_after = !request->is_keep_alive || request->has_body || ws->is_closing;
    if (ws->is_closing)
        send_error(connection, 503, "the server is closing", true);
    else if (is_upgrade_path(&ws->options, request->path) &&
             (page == NULL || hy__http_field_has_token(&request->fields, "Upgrade", "websocket")))
        upgrade(connection, request);
    else if (!is_get && !connection->is_head)
        send_error(connection, 405, "this server answers GET and HEAD", request->has_body);
    else if (request->has_body)
        send_error(connection, 400, "a request for a page has no body", true);
    else if (page != NULL)
        send_page(connection, page, request);
    else if (hy_signal_is_connected(&ws->server->events.request.sig))
        ask_program(connection, request);
    else
        send_error(connection, 404, "there is no such page", false);
}

/* Takes requests off the bytes; returns how many bytes are used up. The rest is an incomplete head,
 * or, in another phase than REQUEST, what follows the request. */
static size_t take_requests(struct hy__ws_connection *connection, const char *data, size_t size,
                            size_t scanned)
{
    struct hy__http_request request;
    const struct hy__http_limits *limits = &connection->ws->head_limits;
    ssize_t head = hy__http_request_parse(data, size, scanned, limits, &request);
    if (head == 0)
        return 0;
    if (head < 0) {
        connection->is_head = false;
        send_error(connection, (int)-head, "the request cannot be understood", true);
        return size;
    }
    handle_request(connection, &request);
    return (size_t)head;
}

/* What the client sent behind its request already belongs to the WebSocket. */
static void take_early(struct hy__ws_connection *connection, char *data, size_t size)
{
    if (size > 0 && connection->session != NULL)
        hy__ws_session_take(connection, data, size);
}

static void take_stash(struct hy__ws_connection *connection)
{
    struct hy__ws_stash *stash = connection->stash;
    connection->stash = NULL; /* the phase may change under it */
    size_t used = take_requests(connection, stash->data, stash->size, stash->scanned);
    if (connection->session != NULL) {
        take_early(connection, stash->data + used, stash->size - used);
    } else if (connection->phase <= HY__WS_RESPONSE && connection->stash == NULL) {
        stash->size -= used;
        memmove(stash->data, stash->data + used, stash->size);
        stash->scanned = connection->phase == HY__WS_REQUEST ? stash->size : 0;
        connection->stash = stash;
        if (stash->size > 0)
            return;
        hy__ws_stash_free(connection);
        return;
    }
    hy_memory_release(stash->data);
    hy_memory_release(stash);
}

void hy__ws_http_take(struct hy__ws_connection *connection, char *data, size_t size)
{
    size_t used = 0;
    if (connection->life.stage == HY__WS_STAGE_KEEP_ALIVE)
        hy__ws_deadline_set(connection->ws, &connection->life, HY__WS_STAGE_REQUEST);
    if (connection->stash == NULL && connection->phase == HY__WS_REQUEST) {
        used = take_requests(connection, data, size, 0);
        if (connection->session != NULL) {
            take_early(connection, data + used, size - used);
            return;
        }
        if (connection->phase > HY__WS_RESPONSE || used == size)
            return;
        if (!stash_append(connection, data + used, size - used))
            hy__ws_connection_cut(connection);
        else if (connection->phase == HY__WS_REQUEST)
            connection->stash->scanned = connection->stash->size;
        return;
    }
    if (!stash_append(connection, data, size))
        hy__ws_connection_cut(connection);
    else if (connection->phase == HY__WS_REQUEST)
        take_stash(connection);
}

void hy__ws_http_drained(struct hy__ws_connection *connection)
{
    if (connection->is_close_after) {
        hy__ws_connection_linger(connection);
        return;
    }
    if (connection->is_read_ended) {
        hy__ws_connection_cut(connection);
        return;
    }
    bool has_more = connection->stash != NULL;
    connection->phase = HY__WS_REQUEST;
    hy__ws_deadline_set(connection->ws, &connection->life,
                        has_more ? HY__WS_STAGE_REQUEST : HY__WS_STAGE_KEEP_ALIVE);
    if (has_more) {
        hy__ws_connection_busy(connection, true);
        take_stash(connection);
        hy__ws_connection_busy(connection, false);
    }
}
