/* SPDX-License-Identifier: MIT */
/*
 * A cursor that writes into a buffer of fixed capacity and remembers the first failure, so that a
 * head can be written line by line and checked once at the end. Nothing is ever written past
 * capacity.
 */
#ifndef HY_NET_WRITER_H
#define HY_NET_WRITER_H

#include "http_fields.h"
#include <halyard/error.h>

struct hy__writer {
    char *data;
    size_t capacity; /* bytes */
    size_t size;     /* bytes written; <= capacity */
    int rc;          /* 0, or the first failure: -HY_EMSGSIZE, -HY_EINVAL */
};

static inline void hy__writer_put(struct hy__writer *writer, struct hy__slice slice)
{
    if (writer->rc < 0 || slice.size == 0)
        return;
    if (slice.size > writer->capacity - writer->size) {
        writer->rc = -HY_EMSGSIZE;
        return;
    }
    memcpy(writer->data + writer->size, slice.data, slice.size);
    writer->size += slice.size;
}

static inline void hy__writer_text(struct hy__writer *writer, const char *text)
{
    hy__writer_put(writer, hy__slice_from(text));
}

static inline void hy__writer_number(struct hy__writer *writer, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    hy__writer_put(writer, (struct hy__slice){digits + at, sizeof digits - at});
}

/** One header line. Fails with -HY_EINVAL on a name that is no token or a value with a control
 * byte.
 */
static inline void hy__writer_field(struct hy__writer *writer, const char *name,
                                    struct hy__slice value)
{
    if (writer->rc == 0 &&
        (!hy__http_is_token(hy__slice_from(name)) || !hy__http_is_field_value(value)))
        writer->rc = -HY_EINVAL;
    hy__writer_text(writer, name);
    hy__writer_text(writer, ": ");
    hy__writer_put(writer, value);
    hy__writer_text(writer, "\r\n");
}

#endif
