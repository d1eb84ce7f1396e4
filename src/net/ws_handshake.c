/* SPDX-License-Identifier: MIT */
/*
 * The server's side of the WebSocket opening handshake, and Sec-WebSocket-Accept for both sides.
 * The checks go from what says "this is no WebSocket request" (405, 426) to what says "it is a
 * broken one" (400) to what says "not from there" (403).
 */
#include "ws_handshake.h"
#include "digest.h"
#include "http_response.h"
#include "ws_extension.h"
#include <halyard/error.h>

int hy__ws_accept(const char key[HY__WS_KEY_SIZE], char ret_accept[HY__WS_ACCEPT_SIZE + 1])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 section 1.3 */
    char text[HY__WS_KEY_SIZE + sizeof guid - 1];
    unsigned char digest[HY__SHA1_SIZE];
    _Static_assert(HY__BASE64_SIZE(HY__SHA1_SIZE) == HY__WS_ACCEPT_SIZE + 1, "room for it");
    memcpy(text, key, HY__WS_KEY_SIZE);
    memcpy(text + HY__WS_KEY_SIZE, guid, sizeof guid - 1);
    if (!hy__sha1(text, sizeof text, digest) || !hy__base64(digest, sizeof digest, ret_accept))
        return -HY_EIO;
    return 0;
}

static int refuse(const char **ret_problem, int status, const char *problem)
{
    if (ret_problem != NULL)
        *ret_problem = problem;
    return -status;
}

/* Whether it is the base64 of 16 octets: 22 digits and two pads. */
static bool key_is_valid(struct hy__slice key)
{
    if (key.size != HY__WS_KEY_SIZE || key.data[22] != '=' || key.data[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        char c = hy__ascii_lower(key.data[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '+' && c != '/')
            return false;
    }
    return true;
}

/* host[:port] without the port if it is the scheme's own; the port behind an IPv6 literal included.
 */
static struct hy__slice host_without_default_port(struct hy__slice host, const char *port)
{
    size_t size = strlen(port);
    if (host.size > size &&
        memcmp(host.data + host.size - size, port, size) == 0) /* port begins with its colon */
        host.size -= size;
    return host;
}

/* Whether the page came from the host that the request names: RFC 6454, RFC 6455 section 10.2. */
static bool origin_is_same(struct hy__slice origin, struct hy__slice host)
{
    static const struct {
        const char *scheme;
        const char *port;
    } schemes[] = {{"http://", ":80"}, {"https://", ":443"}};
    for (size_t i = 0; i < 2; i++) {
        struct hy__slice scheme = hy__slice_from(schemes[i].scheme);
        if (origin.size <= scheme.size ||
            !hy__slice_equal_nocase((struct hy__slice){origin.data, scheme.size}, scheme))
            continue;
        struct hy__slice from = {origin.data + scheme.size, origin.size - scheme.size};
        return hy__slice_equal_nocase(host_without_default_port(from, schemes[i].port),
                                      host_without_default_port(host, schemes[i].port));
    }
    return false;
}

static bool origin_is_allowed(struct hy__slice origin, struct hy__slice host,
                              const struct hy__ws_policy *policy)
{
    for (size_t i = 0; i < policy->origin_count; i++) {
        struct hy__slice allowed = hy__slice_from(policy->origins[i]);
        if (hy__slice_is(allowed, "*") || hy__slice_equal_nocase(origin, allowed))
            return true;
    }
    return origin_is_same(origin, host);
}

/* Method, Upgrade, version: whether the client speaks this protocol at all. */
static int protocol_check(const struct hy__http_request *request, const char **ret_problem)
{
    const struct hy__http_fields *fields = &request->fields;
    struct hy__slice version;
    if (!hy__slice_is(request->method, "GET"))
        return refuse(ret_problem, 405, "a WebSocket request uses the method GET");
    if (request->version_minor == 0)
        return refuse(ret_problem, 400, "a WebSocket request needs HTTP/1.1");
    if (!hy__http_field_has_token(fields, "Upgrade", "websocket"))
        return refuse(ret_problem, 426,
                      "this address speaks WebSocket: Upgrade: websocket is missing");
    if (!hy__http_field_has_token(fields, "Connection", "upgrade"))
        return refuse(ret_problem, 400, "Connection: Upgrade is missing");
    unsigned versions = hy__http_field_find(fields, "Sec-WebSocket-Version", &version);
    if (versions > 1)
        return refuse(ret_problem, 400, "more than one Sec-WebSocket-Version");
    if (versions == 0 || !hy__slice_is(version, "13"))
        return refuse(ret_problem, 426, "Sec-WebSocket-Version must be 13");
    if (request->has_body)
        return refuse(ret_problem, 400, "a WebSocket request has no body");
    return 0;
}

/* Every field of the name must be a list of at least one token. */
static bool lists_are_tokens(const struct hy__http_fields *fields, const char *name)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        if (!hy__slice_equal_nocase(fields->items[i].name, hy__slice_from(name)))
            continue;
        struct hy__slice list = fields->items[i].value;
        struct hy__slice element;
        bool is_empty = true;
        while (hy__http_list_next(&list, &element)) {
            if (!hy__http_is_token(element))
                return false;
            is_empty = false;
        }
        if (is_empty)
            return false;
    }
    return true;
}

/* Whether the client asks for this subprotocol. Names are compared with case: RFC 6455
 * section 11.5. */
static bool subprotocol_is_asked(const struct hy__http_fields *fields, const char *name)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        if (!hy__slice_equal_nocase(fields->items[i].name,
                                    hy__slice_from("Sec-WebSocket-Protocol")))
            continue;
        struct hy__slice list = fields->items[i].value;
        struct hy__slice element;
        while (hy__http_list_next(&list, &element))
            if (hy__slice_is(element, name))
                return true;
    }
    return false;
}

static bool extensions_are_valid(const struct hy__http_fields *fields)
{
    for (uint32_t i = 0; i < fields->count; i++)
        if (hy__slice_equal_nocase(fields->items[i].name,
                                   hy__slice_from("Sec-WebSocket-Extensions")) &&
            !hy__ws_extension_list_is_valid(fields->items[i].value))
            return false;
    return true;
}

int hy__ws_handshake_check(const struct hy__http_request *request,
                           const struct hy__ws_policy *policy, struct hy__ws_handshake *ret,
                           const char **ret_problem)
{
    static const struct hy__ws_policy policy_default = {0};
    const struct hy__http_fields *fields = &request->fields;
    struct hy__ws_handshake handshake = {.subprotocol = NULL};
    struct hy__slice key;
    struct hy__slice origin;
    if (policy == NULL)
        policy = &policy_default;
    int rc = protocol_check(request, ret_problem);
    if (rc < 0)
        return rc;
    if (hy__http_field_find(fields, "Sec-WebSocket-Key", &key) != 1)
        return refuse(ret_problem, 400, "exactly one Sec-WebSocket-Key is needed");
    if (!key_is_valid(key))
        return refuse(ret_problem, 400, "Sec-WebSocket-Key must be the base64 of 16 octets");
    if (!lists_are_tokens(fields, "Sec-WebSocket-Protocol"))
        return refuse(ret_problem, 400, "Sec-WebSocket-Protocol is malformed");
    if (!extensions_are_valid(fields))
        return refuse(ret_problem, 400, "Sec-WebSocket-Extensions is malformed");
    unsigned origins = hy__http_field_find(fields, "Origin", &origin);
    if (origins > 1)
        return refuse(ret_problem, 400, "more than one Origin");
    if (origins == 1 && !origin_is_allowed(origin, request->host, policy))
        return refuse(ret_problem, 403, "pages of this origin may not connect");
    for (size_t i = 0; i < policy->subprotocol_count && handshake.subprotocol == NULL; i++)
        if (subprotocol_is_asked(fields, policy->subprotocols[i]))
            handshake.subprotocol = policy->subprotocols[i];
    if (hy__ws_accept(key.data, handshake.accept) < 0)
        return refuse(ret_problem, 500, "SHA-1 is not available");
    *ret = handshake;
    return 0;
}

int hy__ws_handshake_response(const struct hy__ws_handshake *handshake, char *buffer,
                              size_t capacity)
{
    struct hy__http_response_field fields[] = {
        {"Upgrade", "websocket"},
        {"Connection", "Upgrade"},
        {"Sec-WebSocket-Accept", handshake->accept},
        {"Sec-WebSocket-Protocol", handshake->subprotocol},
    };
    struct hy__http_response response = {
        .status = 101,
        .fields = fields,
        .field_count = handshake->subprotocol != NULL ? 4 : 3,
    };
    return hy__http_response_head(&response, buffer, capacity);
}
