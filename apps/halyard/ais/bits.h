/* SPDX-License-Identifier: MIT */
/*
 * The payload's bits: armour characters to a bit buffer and back, and fields within it
 * (ais-6-bit armour and text of ITU-R M.1371 and IEC 61162-1).
 *
 * Invariant: bytes of `data` past the last bit are zero up to the end of the last word that
 * ais_bits_get() may load, so that reading beyond the payload gives zero bits.
 */
#ifndef HALYARD_AIS_BITS_H
#define HALYARD_AIS_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    /* Longest payload taken: twice the 178 characters of a message of five slots. */
    AIS_PAYLOAD_MAX = 384,
    AIS_BITS_MAX = AIS_PAYLOAD_MAX * 6,
    /* A field read at the very end loads the seven bytes after its first; writes are 8 bytes wide.
     */
    AIS_BITS_BYTES = AIS_BITS_MAX / 8 + 16,
};

struct ais_bits {
    unsigned count; /* bits of the payload */
    uint8_t data[AIS_BITS_BYTES];
};

/*
 * Fills `bits` from `size` armour characters and drops `fill` (0-5) bits at the end. Returns
 * whether all characters are valid and fit; if not, the contents are unspecified. Thread: any.
 */
bool ais_bits_from_armour(struct ais_bits *bits, const char *text, size_t size, unsigned fill);

/*
 * The same, but adds to what `bits` holds; start with ais_bits_clear(bits, 0). Thread: any.
 */
bool ais_bits_append_armour(struct ais_bits *bits, const char *text, size_t size, unsigned fill);

/*
 * Writes the armour of `bits` into `text`, not terminated. Returns the number of characters;
 * `ret_fill` receives the number of fill bits. `text` must hold (count + 5) / 6 characters. Thread:
 * any.
 */
size_t ais_bits_to_armour(const struct ais_bits *bits, char *text, unsigned *ret_fill);

/* All bits zero, `count` of them (at most AIS_BITS_MAX). Thread: any. */
void ais_bits_clear(struct ais_bits *bits, unsigned count);

/* Stores the low `width` (1-32) bits of `value` at bit `start`. Bits past `count` are not stored.
 */
void ais_bits_put(struct ais_bits *bits, unsigned start, unsigned width, uint32_t value);

/*
 * Reads up to `length` characters of 6-bit text from bit `start` into `text`, and terminates it.
 * Stops at "@". Returns the number of characters read, "@" not counted; spaces at the end are kept.
 */
size_t ais_bits_get_text(const struct ais_bits *bits, unsigned start, size_t length, char *text);

/* Stores `text` as exactly `length` characters, padded with "@"; what 6-bit text lacks becomes "?".
 */
void ais_bits_put_text(struct ais_bits *bits, unsigned start, size_t length, const char *text);

/* The `width` (1-32) bits at `start` as an unsigned number. `start + width` may not pass
 * AIS_BITS_MAX. */
static inline uint32_t ais_bits_get(const struct ais_bits *bits, unsigned start, unsigned width)
{
    uint64_t word;

    memcpy(&word, bits->data + start / 8, sizeof(word));
    word = __builtin_bswap64(word);
    return (uint32_t)(word << (start % 8) >> (64 - width));
}

/* The same in two's complement. */
static inline int32_t ais_bits_get_signed(const struct ais_bits *bits, unsigned start,
                                          unsigned width)
{
    uint32_t sign = UINT32_C(1) << (width - 1);

    return (int32_t)((ais_bits_get(bits, start, width) ^ sign) - sign);
}

#endif
