/* SPDX-License-Identifier: MIT */
/* What the AIS tests share: sentences with a right checksum, a collector of reports, a seeded
 * generator. */
#ifndef HALYARD_TESTS_AIS_TEST_H
#define HALYARD_TESTS_AIS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ais/decoder.h"

enum {
    COLLECTED_MAX = 64,
};

/* Keeps the first reports and counts all. */
struct collector {
    struct ais_report reports[COLLECTED_MAX];
    size_t count;
};

static inline void collect(void *context, const struct ais_report *report)
{
    struct collector *collector = context;

    if (collector->count < COLLECTED_MAX) {
        collector->reports[collector->count] = *report;
    }
    collector->count++;
}

/* "!" + body + "*hh". Returns `text`. */
static inline char *sentence(char *text, size_t size, const char *body)
{
    unsigned sum = 0;

    for (const char *p = body; *p != '\0'; p++) {
        sum ^= (unsigned char)*p;
    }
    (void)snprintf(text, size, "!%s*%02X", body, sum);
    return text;
}

/* splitmix64: the same numbers everywhere for the same seed. */
static inline uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint32_t random_below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)(random_next(state) % limit);
}

#endif
