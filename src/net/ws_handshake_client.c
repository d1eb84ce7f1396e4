/* SPDX-License-Identifier: MIT */
/*
 * The client's side of the WebSocket opening handshake (RFC 6455 section 4.1).
 */
#include "digest.h"
#include "writer.h"
#include "ws_handshake.h"

int hy__ws_client_handshake_init(struct hy__ws_client_handshake *handshake,
                                 const char *const *subprotocols, size_t subprotocol_count)
{
    unsigned char nonce[16];
    if (!hy__random_bytes(nonce, sizeof nonce) || !hy__base64(nonce, sizeof nonce, handshake->key))
        return -HY_EIO;
    handshake->subprotocols = subprotocols;
    handshake->subprotocol_count = subprotocol_count;
    return hy__ws_accept(handshake->key, handshake->accept);
}

/* host[:port] as in the URL; the default port is left out. */
static void host_field(struct hy__writer *writer, const struct hy__ws_url *url)
{
    hy__writer_text(writer, "Host: ");
    hy__writer_text(writer, url->is_ipv6 ? "[" : "");
    hy__writer_put(writer, url->host);
    hy__writer_text(writer, url->is_ipv6 ? "]" : "");
    if (url->port != (url->is_secure ? 443 : 80)) {
        hy__writer_text(writer, ":");
        hy__writer_number(writer, url->port);
    }
    hy__writer_text(writer, "\r\n");
}

int hy__ws_client_request(const struct hy__ws_client_handshake *handshake,
                          const struct hy__ws_url *url, const char *origin, char *buffer,
                          size_t capacity)
{
    struct hy__writer writer = {.data = buffer, .capacity = capacity};
    if (capacity > INT32_MAX)
        writer.capacity = INT32_MAX;
    hy__writer_text(&writer, "GET ");
    if (url->target.size == 0 || url->target.data[0] != '/')
        hy__writer_text(&writer, "/");
    hy__writer_put(&writer, url->target);
    hy__writer_text(&writer, " HTTP/1.1\r\n");
    host_field(&writer, url);
    hy__writer_field(&writer, "Upgrade", hy__slice_from("websocket"));
    hy__writer_field(&writer, "Connection", hy__slice_from("Upgrade"));
    hy__writer_field(&writer, "Sec-WebSocket-Key", hy__slice_from(handshake->key));
    hy__writer_field(&writer, "Sec-WebSocket-Version", hy__slice_from("13"));
    if (origin != NULL)
        hy__writer_field(&writer, "Origin", hy__slice_from(origin));
    for (size_t i = 0; i < handshake->subprotocol_count; i++) {
        struct hy__slice name = hy__slice_from(handshake->subprotocols[i]);
        if (!hy__http_is_token(name))
            return -HY_EINVAL;
        hy__writer_text(&writer, i == 0 ? "Sec-WebSocket-Protocol: " : ", ");
        hy__writer_put(&writer, name);
    }
    hy__writer_text(&writer, handshake->subprotocol_count > 0 ? "\r\n\r\n" : "\r\n");
    return writer.rc < 0 ? writer.rc : (int)writer.size;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1." DIGIT SP 3DIGIT [SP reason]: RFC 9112 section 4. The status, or 0. */
static unsigned status_line_parse(struct hy__slice line)
{
    if (line.size < 12 || memcmp(line.data, "HTTP/1.", 7) != 0 || !is_digit(line.data[7]) ||
        line.data[8] != ' ' || (line.size > 12 && line.data[12] != ' '))
        return 0;
    unsigned status = 0;
    for (size_t i = 9; i < 12; i++) {
        if (!is_digit(line.data[i]))
            return 0;
        status = status * 10 + (unsigned)(line.data[i] - '0');
    }
    return status >= 100 ? status : 0;
}

/* What is wrong with a 101 response, or NULL. */
static const char *upgrade_problem(const struct hy__ws_client_handshake *handshake,
                                   const struct hy__http_fields *fields,
                                   struct hy__ws_client_response *response)
{
    struct hy__slice value;
    if (hy__http_field_find(fields, "Upgrade", &value) != 1 ||
        !hy__slice_equal_nocase(value, hy__slice_from("websocket")))
        return "the server's response lacks Upgrade: websocket";
    if (!hy__http_field_has_token(fields, "Connection", "upgrade"))
        return "the server's response lacks Connection: Upgrade";
    if (hy__http_field_find(fields, "Sec-WebSocket-Accept", &value) != 1 ||
        !hy__slice_is(value, handshake->accept))
        return "the server's Sec-WebSocket-Accept does not answer our key: it is no WebSocket "
               "server, or a cache stands between";
    if (hy__http_field_find(fields, "Sec-WebSocket-Extensions", NULL) != 0)
        return "the server chose an extension that was not offered";
    unsigned protocols = hy__http_field_find(fields, "Sec-WebSocket-Protocol", &value);
    for (size_t i = 0; protocols == 1 && i < handshake->subprotocol_count; i++)
        if (hy__slice_is(value, handshake->subprotocols[i]))
            response->subprotocol = handshake->subprotocols[i];
    if (protocols > 1 || (protocols == 1 && response->subprotocol == NULL))
        return "the server chose a subprotocol that was not offered";
    return NULL;
}

static ssize_t fail(struct hy__ws_client_response *response, ssize_t rc, const char *problem)
{
    response->problem = problem;
    response->subprotocol = NULL;
    return rc;
}

ssize_t hy__ws_client_response_parse(const struct hy__ws_client_handshake *handshake,
                                     const char *data, size_t size, size_t already_scanned,
                                     const struct hy__http_limits *limits,
                                     struct hy__ws_client_response *ret)
{
    struct hy__ws_client_response response = {0};
    struct hy__http_fields fields;
    if (limits == NULL)
        limits = &hy__http_limits_default;
    ssize_t end = hy__http_head_find(data, size, already_scanned, limits);
    if (end == 0)
        return 0;
    *ret = response;
    if (end == -400)
        return fail(ret, -HY_EPROTO, "the server does not speak HTTP");
    if (end < 0)
        return fail(ret, -HY_EPROTO, "the server's response head is too large");
    const char *cr = memchr(data, '\r', (size_t)end);
    size_t line_size = (size_t)(cr - data);
    ret->status = status_line_parse((struct hy__slice){data, line_size});
    if (ret->status == 0)
        return fail(ret, -HY_EPROTO, "the server does not speak HTTP/1");
    struct hy__slice lines = {cr + 2, (size_t)end - line_size - 4};
    if (hy__http_fields_parse(lines, limits, &fields) < 0)
        return fail(ret, -HY_EPROTO, "the server's response has a malformed header");
    if (ret->status != 101)
        return fail(ret, -HY_ECONNREFUSED, "the server refused the WebSocket");
    const char *problem = data[7] == '0' ? "the server switched protocols in HTTP/1.0"
                                         : upgrade_problem(handshake, &fields, ret);
    return problem != NULL ? fail(ret, -HY_EPROTO, problem) : end;
}
