/* SPDX-License-Identifier: MIT */
/*
 * ws:// and wss:// URLs (RFC 6455 section 3, RFC 3986). Slices of the caller's text.
 */
#ifndef HY_NET_WS_URL_H
#define HY_NET_WS_URL_H

#include "slice.h"
#include <stdint.h>

struct hy__ws_url {
    bool is_secure;        /* wss */
    struct hy__slice host; /* without the brackets of an IPv6 literal */
    bool is_ipv6;          /* host is an IPv6 literal */
    bool has_port;         /* a port is written in the URL */
    uint16_t port;         /* 80 or 443 if none is written */
    struct hy__slice
        target; /* path and query as sent in the request line; "/" if empty: see below */
};

/**
 * Takes a URL apart. "ws://host" and "ws://host?q" have an empty path: target is then the query
 * part with its '?', or empty; the request line puts a '/' before it. Returns 0, or -HY_EINVAL with
 * a static text that says what is wrong in ret_problem (may be NULL). User names, fragments and
 * characters that a URL may not hold are refused.
 */
int hy__ws_url_parse(const char *text, size_t size, struct hy__ws_url *ret,
                     const char **ret_problem);

#endif
