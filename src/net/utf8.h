/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 validation (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 * Incremental: the state carries a code point that the input cut, and an octet that can no longer
 * become valid fails at once, not at the end of its code point.
 */
#ifndef HY_NET_UTF8_H
#define HY_NET_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Between two calls. All zero is the start. */
struct hy__utf8 {
    uint8_t pending; /* continuation octets that the current code point still needs: 0 to 3 */
    uint8_t low;     /* the next octet's lower and upper bound while pending > 0 */
    uint8_t high;
};

/** Takes more octets. Returns false once the text can no longer be valid; the state is then dead.
 */
bool hy__utf8_feed(struct hy__utf8 *state, const void *data, size_t size);

/** Whether the text may end here. */
static inline bool hy__utf8_is_complete(const struct hy__utf8 *state)
{
    return state->pending == 0;
}

/** Whether these octets are a complete valid text. */
bool hy__utf8_is_valid(const void *data, size_t size);

/**
 * The longest prefix of at most size_max octets that is valid and ends on a code point's border:
 * where to cut a text that must fit.
 */
size_t hy__utf8_prefix(const void *data, size_t size, size_t size_max);

#endif
