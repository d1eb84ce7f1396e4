/* SPDX-License-Identifier: MIT */
/*
 * A slice: bytes that somebody else owns, with their length. Nothing here is NUL-terminated.
 * The wire parsers hand out slices into the caller's input; they are valid as long as that input
 * is.
 */
#ifndef HY_NET_SLICE_H
#define HY_NET_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct hy__slice {
    const char *data; /* may be NULL only if size is 0 */
    size_t size;      /* bytes */
};

/** The slice of a C string, which must outlive it. NULL gives the empty slice. */
static inline struct hy__slice hy__slice_from(const char *text)
{
    return (struct hy__slice){text, text != NULL ? strlen(text) : 0};
}

/** ASCII lower case; locale-free, other bytes are left alone. */
static inline char hy__ascii_lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

/** Whether both hold the same bytes. */
static inline bool hy__slice_equal(struct hy__slice a, struct hy__slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/** Whether both hold the same bytes when ASCII letters are compared without case. */
static inline bool hy__slice_equal_nocase(struct hy__slice a, struct hy__slice b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (hy__ascii_lower(a.data[i]) != hy__ascii_lower(b.data[i]))
            return false;
    return true;
}

/** The same as hy__slice_equal against a C string. */
static inline bool hy__slice_is(struct hy__slice slice, const char *text)
{
    return hy__slice_equal(slice, hy__slice_from(text));
}

/** Without the spaces and tabs at both ends (RFC 9110 section 5.6.3, OWS). */
static inline struct hy__slice hy__slice_trim(struct hy__slice slice)
{
    while (slice.size > 0 && (slice.data[0] == ' ' || slice.data[0] == '\t')) {
        slice.data++;
        slice.size--;
    }
    while (slice.size > 0 &&
           (slice.data[slice.size - 1] == ' ' || slice.data[slice.size - 1] == '\t'))
        slice.size--;
    return slice;
}

#endif
