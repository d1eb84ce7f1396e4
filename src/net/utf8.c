/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 validation: a state machine over octets with a path for runs of ASCII.
 * The state is how many continuation octets are missing and which range the next one must be in;
 * only the second octet of a sequence has a range other than 80..BF (Unicode, table 3-7).
 */
#include "utf8.h"
#include <string.h>

/* No octet is in this range: the state of a text that has failed. */
static const struct hy__utf8 utf8_dead = {.pending = 1, .low = 0xFF, .high = 0x00};

/* Which of the next eight octets are not ASCII: 0 if all are. */
static uint64_t high_bits(const uint8_t *octets)
{
    uint64_t word;
    memcpy(&word, octets, sizeof word);
    return word & UINT64_C(0x8080808080808080);
}

/* How many of the octets are ASCII before the first that may not be; looks at many at a time. */
static size_t ascii_run(const uint8_t *octets, size_t size)
{
    size_t i = 0;
    while (i + 32 <= size && (high_bits(octets + i) | high_bits(octets + i + 8) |
                              high_bits(octets + i + 16) | high_bits(octets + i + 24)) == 0)
        i += 32;
    while (i + 8 <= size && high_bits(octets + i) == 0)
        i += 8;
    while (i < size && octets[i] < 0x80)
        i++;
    return i;
}

/* The state after the first octet of a sequence of two to four. False if it can begin none. */
static bool sequence_begin(struct hy__utf8 *state, uint8_t octet)
{
    *state = (struct hy__utf8){.low = 0x80, .high = 0xBF};
    if (octet >= 0xC2 && octet <= 0xDF) {
        state->pending = 1;
    } else if ((octet & 0xF0) == 0xE0) {
        state->pending = 2;
        if (octet == 0xE0)
            state->low = 0xA0; /* below: overlong */
        else if (octet == 0xED)
            state->high = 0x9F; /* above: surrogates */
    } else if (octet >= 0xF0 && octet <= 0xF4) {
        state->pending = 3;
        if (octet == 0xF0)
            state->low = 0x90; /* below: overlong */
        else if (octet == 0xF4)
            state->high = 0x8F; /* above: past U+10FFFF */
    } else {
        return false;
    }
    return true;
}

bool hy__utf8_feed(struct hy__utf8 *state, const void *data, size_t size)
{
    const uint8_t *octets = data;
    struct hy__utf8 now = *state;
    size_t i = 0;
    while (i < size) {
        if (now.pending == 0) {
            i += ascii_run(octets + i, size - i);
            if (i == size)
                break;
            if (!sequence_begin(&now, octets[i++])) {
                *state = utf8_dead;
                return false;
            }
        } else {
            uint8_t octet = octets[i++];
            if (octet < now.low || octet > now.high) {
                *state = utf8_dead;
                return false;
            }
            now.pending--;
            now.low = 0x80;
            now.high = 0xBF;
        }
    }
    *state = now;
    return true;
}

bool hy__utf8_is_valid(const void *data, size_t size)
{
    struct hy__utf8 state = {0};
    return hy__utf8_feed(&state, data, size) && hy__utf8_is_complete(&state);
}

size_t hy__utf8_prefix(const void *data, size_t size, size_t size_max)
{
    const uint8_t *octets = data;
    struct hy__utf8 state = {0};
    size_t border = 0;
    if (size > size_max)
        size = size_max;
    for (size_t i = 0; i < size && hy__utf8_feed(&state, octets + i, 1); i++)
        if (hy__utf8_is_complete(&state))
            border = i + 1;
    return border;
}
