/* SPDX-License-Identifier: MIT */
/*
 * The part of an HTTP/1.1 head that requests and responses share: finding its end, cutting it into
 * header fields, and looking fields up (RFC 9110 section 5, RFC 9112 sections 2 and 5).
 * Pure functions over the caller's bytes: no I/O, no allocation, linear time.
 */
#ifndef HY_NET_HTTP_FIELDS_H
#define HY_NET_HTTP_FIELDS_H

#include "slice.h"
#include <stdint.h>
#include <sys/types.h>

/** Room for header fields in a parsed head; a limit above it counts as this. */
#define HY__HTTP_FIELDS_MAX 100

/** What a peer may make us hold and look at before its head is complete. */
struct hy__http_limits {
    size_t start_line_size_max; /* bytes of the request or status line, without CRLF */
    size_t head_size_max;       /* bytes of the whole head, its last CRLF CRLF included */
    uint32_t field_count_max;   /* header fields; at most HY__HTTP_FIELDS_MAX */
};

/** 8 KiB for the first line, 16 KiB for the head, 100 fields. */
extern const struct hy__http_limits hy__http_limits_default;

struct hy__http_field {
    struct hy__slice name;  /* a token, case as sent */
    struct hy__slice value; /* trimmed; holds no control byte but HTAB, may hold bytes >= 0x80 */
};

struct hy__http_fields {
    uint32_t count;
    struct hy__http_field items[HY__HTTP_FIELDS_MAX];
};

/**
 * Looks for the end of a head in data, checking each byte once: a control byte other than HTAB, a
 * CR without LF, an LF without CR are refused at once. already_scanned is the size given to the
 * previous call that returned 0, or 0. Returns the size of the head with its CRLF CRLF, 0 if more
 * is needed, or -400 (bad byte), -414 (first line too long), -431 (head too long). One empty line
 * before the first line is accepted.
 */
ssize_t hy__http_head_find(const char *data, size_t size, size_t already_scanned,
                           const struct hy__http_limits *limits);

/**
 * Cuts the field lines (each ended by CRLF, without the empty line) into fields.
 * Returns 0, -400 (bad syntax, folded line, space before the colon) or -431 (too many).
 */
int hy__http_fields_parse(struct hy__slice lines, const struct hy__http_limits *limits,
                          struct hy__http_fields *ret);

/**
 * How often a field of this name (any case) is there: 0, 1 or more. The first one's value goes to
 * ret_value (may be NULL), which is untouched if there is none.
 */
unsigned hy__http_field_find(const struct hy__http_fields *fields, const char *name,
                             struct hy__slice *ret_value);

/** Whether the comma-separated lists of all fields of this name hold the token, in any case. */
bool hy__http_field_has_token(const struct hy__http_fields *fields, const char *name,
                              const char *token);

/**
 * Takes the next non-empty element off a comma-separated list, trimmed. Does not know quoted
 * strings. Returns false at the end.
 */
bool hy__http_list_next(struct hy__slice *list, struct hy__slice *ret_element);

/** Whether it is a token: one or more tchar (RFC 9110 section 5.6.2). */
bool hy__http_is_token(struct hy__slice slice);

/** Whether it may stand in a header field's value: no control byte but HTAB. */
bool hy__http_is_field_value(struct hy__slice slice);

/** Whether it is host[:port] as in the Host field: RFC 9110 section 7.2. */
bool hy__http_is_host(struct hy__slice slice);

#endif
