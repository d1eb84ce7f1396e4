/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.x request heads: a strict parser under limits (RFC 9110, RFC 9112).
 * Pure: no I/O, no allocation; results are slices of the input, valid as long as it is.
 * Refuses what makes two parsers disagree about where a request ends: bare LF or CR, folded lines,
 * space before a colon, both length fields, odd lengths.
 */
#ifndef HY_NET_HTTP_REQUEST_H
#define HY_NET_HTTP_REQUEST_H

#include "http_fields.h"

struct hy__http_request {
    struct hy__slice method; /* a token, case as sent: methods are case-sensitive */
    struct hy__slice target; /* as sent */
    struct hy__slice path;   /* raw, percent-encoding kept, starts with '/' (or is "*") */
    struct hy__slice query;  /* raw, behind the '?'; empty if there is none */
    struct hy__slice host; /* host[:port]: of an absolute target, else of Host; empty only in 1.0 */
    unsigned version_minor;  /* 0 or 1: HTTP/1.0 or HTTP/1.1 */
    bool is_keep_alive;      /* the connection may carry another request */
    bool has_body;           /* Content-Length above 0, or Transfer-Encoding: a body follows */
    bool is_chunked;         /* Transfer-Encoding: chunked */
    uint64_t content_length; /* bytes; 0 if there is none */
    struct hy__http_fields fields;
};

/**
 * Parses one request head at the start of data.
 *
 * already_scanned: the size given to the previous call for the same head that returned 0, else 0.
 * It only saves time. limits: NULL for hy__http_limits_default.
 *
 * Returns the bytes of the head (> 0; what follows belongs to the body, the next request or the
 * upgraded protocol), 0 if more is needed, or the negative HTTP status to answer before closing:
 *   -400  malformed in any way, no Host or two in HTTP/1.1, both length fields
 *   -413  Content-Length above 2^63 - 1
 *   -414  request line too long        -431  head too large or too many fields
 *   -501  a transfer coding other than chunked
 *   -505  an HTTP version other than 1.0 and 1.1
 * Which methods are allowed (405) is for the caller to decide. ret is untouched unless > 0.
 */
ssize_t hy__http_request_parse(const char *data, size_t size, size_t already_scanned,
                               const struct hy__http_limits *limits, struct hy__http_request *ret);

#endif
