/* SPDX-License-Identifier: MIT */
/*
 * Builds HTTP/1.1 response heads into the caller's buffer. Values that could split a response (CR,
 * LF, other control bytes) are refused, whoever gave them.
 */
#ifndef HY_NET_HTTP_RESPONSE_H
#define HY_NET_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One further header field. */
struct hy__http_response_field {
    const char *name;
    const char *value;
};

/** What the head says. A NULL text or false leaves its field out. */
struct hy__http_response {
    int status;                          /* 100..599 */
    bool has_content_length;             /* send content_length (also for 0) */
    bool is_nosniff;                     /* X-Content-Type-Options: nosniff */
    bool is_close;                       /* Connection: close */
    bool is_websocket_version;           /* Sec-WebSocket-Version: 13 and Upgrade: for 426 */
    int64_t date_unix_s;                 /* Date: seconds since 1970; 0 leaves it out */
    const char *content_type;            /* Content-Type */
    uint64_t content_length;             /* bytes of the body that follows */
    const char *content_encoding;        /* Content-Encoding: "gzip" */
    const char *cache_control;           /* Cache-Control */
    const char *etag;                    /* ETag, with its quotes */
    const char *vary;                    /* Vary: "Accept-Encoding" */
    const char *content_security_policy; /* Content-Security-Policy */
    const char *allow;                   /* Allow: for 405 */
    const struct hy__http_response_field *fields; /* more fields, in this order */
    size_t field_count;
};

/** The standard reason phrase of a status ("Not Found"), "Unknown" if we have none. Never NULL. */
const char *hy__http_status_text(int status);

/**
 * Writes the head with its final empty line; no NUL is added.
 * Returns its size in bytes, -HY_EMSGSIZE (capacity too small) or -HY_EINVAL (a value with a
 * control byte, a name that is no token, a status out of range). The buffer's content is undefined
 * on failure.
 */
int hy__http_response_head(const struct hy__http_response *response, char *buffer, size_t capacity);

#endif
