/* SPDX-License-Identifier: MIT */
/*
 * Armour by table, eight characters to 48 bits at a time. The words are big-endian in memory, so
 * that a field is one load, one byte swap and two shifts wherever it lies.
 */
#include "bits.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the bit buffer swaps bytes for a little-endian machine"
#endif

#define BAD 0x80

#define RUN8(first)                                                                                \
    (first), (first) + 1, (first) + 2, (first) + 3, (first) + 4, (first) + 5, (first) + 6,         \
        (first) + 7
#define BAD8  BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD
#define BAD16 BAD8, BAD8

/* Value of each armour character, BAD for the others. */
static const uint8_t armour_values[256] = {
    BAD16,    BAD16,    BAD16,                        /* 0x00 */
    RUN8(0),  RUN8(8),  RUN8(16), RUN8(24), RUN8(32), /* "0" to "W" */
    BAD8,                                             /* "X" to "_" */
    RUN8(40), RUN8(48), RUN8(56),                     /* "`" to "w" */
    BAD8,                                             /* "x" to 0x7f */
    BAD16,    BAD16,    BAD16,    BAD16,    BAD16,    BAD16, BAD16, BAD16,
};

static const char armour_characters[64] = {
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?',
    '@', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O',
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', '`', 'a', 'b', 'c', 'd', 'e', 'f', 'g',
    'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w'};

static void store_word(uint8_t *data, uint64_t word)
{
    word = __builtin_bswap64(word);
    memcpy(data, &word, sizeof(word));
}

bool ais_bits_from_armour(struct ais_bits *bits, const char *text, size_t size, unsigned fill)
{
    const uint8_t *in = (const uint8_t *)text;
    /* cppcheck-suppress ctuuninitvar ; written from here on, not read */
    uint8_t *out = bits->data;
    unsigned seen = 0;
    size_t i = 0;

    if (size > AIS_PAYLOAD_MAX) {
        return false;
    }
    for (; i + 8 <= size; i += 8, out += 6) {
        uint64_t word = 0;

        for (int k = 0; k < 8; k++) {
            uint8_t value = armour_values[in[i + (size_t)k]];

            seen |= value;
            word = word << 6 | (value & 63);
        }
        store_word(out, word << 16);
    }
    uint64_t word = 0;
    unsigned used = 0;
    for (; i < size; i++) {
        uint8_t value = armour_values[in[i]];

        seen |= value;
        used += 6;
        word |= (uint64_t)(value & 63) << (64 - used);
    }
    unsigned total = (unsigned)size * 6;
    unsigned dropped = fill < total ? fill : total;
    bits->count = total - dropped;
    store_word(out, word);
    store_word(out + 8, 0);
    if (dropped > 0 && bits->count % 8 != 0) {
        bits->data[bits->count / 8] &= (uint8_t)(0xff00 >> (bits->count % 8));
    }
    for (unsigned byte = (bits->count + 7) / 8; byte < (total + 7) / 8; byte++) {
        bits->data[byte] = 0;
    }
    return (seen & BAD) == 0;
}

bool ais_bits_append_armour(struct ais_bits *bits, const char *text, size_t size, unsigned fill)
{
    struct ais_bits part;
    unsigned start = bits->count;

    if (!ais_bits_from_armour(&part, text, size, fill) || start + part.count > AIS_BITS_MAX) {
        return false;
    }
    bits->count += part.count;
    for (unsigned bit = 0; bit < part.count; bit += 32) {
        unsigned width = part.count - bit < 32 ? part.count - bit : 32;

        ais_bits_put(bits, start + bit, width, ais_bits_get(&part, bit, width));
    }
    return true;
}

size_t ais_bits_to_armour(const struct ais_bits *bits, char *text, unsigned *ret_fill)
{
    size_t size = (bits->count + 5) / 6;

    for (size_t i = 0; i < size; i++) {
        text[i] = armour_characters[ais_bits_get(bits, (unsigned)i * 6, 6)];
    }
    *ret_fill = (unsigned)size * 6 - bits->count;
    return size;
}

void ais_bits_clear(struct ais_bits *bits, unsigned count)
{
    memset(bits, 0, sizeof(*bits));
    bits->count = count <= AIS_BITS_MAX ? count : AIS_BITS_MAX;
}

void ais_bits_put(struct ais_bits *bits, unsigned start, unsigned width, uint32_t value)
{
    if (start >= bits->count) {
        return;
    }
    if (start + width > bits->count) {
        value >>= start + width - bits->count;
        width = bits->count - start;
    }
    uint8_t *data = bits->data + start / 8;
    unsigned shift = 64 - width - start % 8;
    uint64_t mask = (~UINT64_C(0) >> (64 - width)) << shift;
    uint64_t word;

    memcpy(&word, data, sizeof(word));
    word = (__builtin_bswap64(word) & ~mask) | ((uint64_t)value << shift & mask);
    store_word(data, word);
}

size_t ais_bits_get_text(const struct ais_bits *bits, unsigned start, size_t length, char *text)
{
    size_t i = 0;

    for (; i < length; i++) {
        uint32_t value = ais_bits_get(bits, start + (unsigned)i * 6, 6);

        if (value == 0) {
            break;
        }
        text[i] = (char)(value < 32 ? value + 64 : value);
    }
    text[i] = '\0';
    return i;
}

void ais_bits_put_text(struct ais_bits *bits, unsigned start, size_t length, const char *text)
{
    bool ended = false;

    for (size_t i = 0; i < length; i++) {
        ended = ended || text[i] == '\0';
        unsigned char c = ended ? (unsigned char)'@' : (unsigned char)text[i];

        if (c >= 'a' && c <= 'z') {
            c = (unsigned char)(c - 'a' + 'A');
        }
        if (c < 32 || c > 95) {
            c = '?';
        }
        ais_bits_put(bits, start + (unsigned)i * 6, 6, c & 63);
    }
}
