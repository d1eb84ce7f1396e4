/* SPDX-License-Identifier: MIT */
/*
 * WebSocket URLs: "ws" or "wss", "://", host, optional port, path and query. Nothing else.
 */
#include "ws_url.h"
#include "http_fields.h"
#include <halyard/error.h>

static int problem(const char **ret_problem, const char *text)
{
    if (ret_problem != NULL)
        *ret_problem = text;
    return -HY_EINVAL;
}

/* Takes the scheme off the front. */
static bool scheme_take(struct hy__slice *rest, struct hy__ws_url *url)
{
    static const char *const schemes[] = {"ws://", "wss://"};
    for (size_t i = 0; i < 2; i++) {
        struct hy__slice scheme = hy__slice_from(schemes[i]);
        if (rest->size < scheme.size)
            continue;
        if (hy__slice_equal_nocase((struct hy__slice){rest->data, scheme.size}, scheme)) {
            url->is_secure = i == 1;
            url->port = url->is_secure ? 443 : 80;
            rest->data += scheme.size;
            rest->size -= scheme.size;
            return true;
        }
    }
    return false;
}

/* host[:port], already known to be well-formed. False if the port is 0. */
static bool authority_split(struct hy__slice authority, struct hy__ws_url *url)
{
    size_t colon = authority.size;
    url->host = authority;
    if (authority.data[0] == '[') {
        const char *end = memchr(authority.data, ']', authority.size);
        url->is_ipv6 = true;
        url->host = (struct hy__slice){authority.data + 1, (size_t)(end - authority.data) - 1};
        colon = url->host.size + 2;
    } else {
        const char *found = memchr(authority.data, ':', authority.size);
        if (found != NULL)
            colon = (size_t)(found - authority.data);
        url->host.size = colon;
    }
    if (colon + 1 >= authority.size) /* no port, or nothing behind the colon */
        return true;
    unsigned port = 0;
    for (size_t i = colon + 1; i < authority.size; i++)
        port = port * 10 + (unsigned)(authority.data[i] - '0');
    url->has_port = true;
    url->port = (uint16_t)port;
    return port != 0;
}

int hy__ws_url_parse(const char *text, size_t size, struct hy__ws_url *ret,
                     const char **ret_problem)
{
    struct hy__ws_url url = {0};
    struct hy__slice rest = {text, size};
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= ' ' || c >= 0x7F || c == '"' || c == '<' || c == '>' || c == '\\')
            return problem(ret_problem, "a URL may not hold spaces, control characters, quotes or "
                                        "letters outside ASCII: percent-encode them");
        if (c == '#')
            return problem(ret_problem, "a WebSocket URL may not have a fragment (#)");
    }
    if (!scheme_take(&rest, &url))
        return problem(ret_problem, "a WebSocket URL begins with ws:// or wss://");
    size_t end = 0;
    while (end < rest.size && rest.data[end] != '/' && rest.data[end] != '?')
        end++;
    struct hy__slice authority = {rest.data, end};
    if (end == 0)
        return problem(ret_problem, "the URL has no host");
    if (memchr(authority.data, '@', end) != NULL)
        return problem(ret_problem, "a WebSocket URL may not have a user name (@)");
    if (!hy__http_is_host(authority))
        return problem(ret_problem, "the URL's host or port is malformed");
    if (!authority_split(authority, &url))
        return problem(ret_problem, "the URL's port is 0");
    url.target = (struct hy__slice){rest.data + end, rest.size - end};
    *ret = url;
    return 0;
}
