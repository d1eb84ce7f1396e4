/* SPDX-License-Identifier: MIT */
/* A stretch of somebody else's bytes. Not terminated; valid as long as the bytes it points into. */
#ifndef HALYARD_AIS_SLICE_H
#define HALYARD_AIS_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ais_slice {
    const char *data;
    size_t size;
};

/* The value of a hexadecimal digit of either case, or -1. */
static inline int ais_hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

static inline bool ais_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/*
 * Reads up to 19 decimal digits at `*cursor` and moves it past them. Returns how many there were;
 * the number goes to `ret_value`.
 */
static inline int ais_digits(const char **cursor, const char *end, int64_t *ret_value)
{
    uint64_t value = 0;
    int count = 0;

    while (*cursor < end && count < 19 && ais_is_digit(**cursor)) {
        value = value * 10 + (uint64_t)(**cursor - '0');
        (*cursor)++;
        count++;
    }
    *ret_value = value <= INT64_MAX ? (int64_t)value : INT64_MAX;
    return count;
}

#endif
