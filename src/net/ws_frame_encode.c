/* SPDX-License-Identifier: MIT */
/*
 * Writing WebSocket frames: header, mask, close payload (RFC 6455 sections 5.2, 5.3, 5.5.1).
 */
#include "ws_frame.h"
#include <halyard/error.h>

size_t hy__ws_frame_header_encode(uint8_t buffer[HY__WS_HEADER_SIZE_MAX], bool is_final,
                                  enum hy__ws_opcode opcode, uint64_t size, const uint8_t *mask)
{
    size_t at = 2;
    uint8_t mask_bit = mask != NULL ? 0x80 : 0;
    buffer[0] = (uint8_t)((is_final ? 0x80u : 0u) | (unsigned)opcode);
    if (size < 126) {
        buffer[1] = (uint8_t)(mask_bit | size);
    } else {
        unsigned octets = size <= 0xFFFF ? 2 : 8;
        buffer[1] = (uint8_t)(mask_bit | (octets == 2 ? 126 : 127));
        for (unsigned i = 0; i < octets; i++)
            buffer[at++] = (uint8_t)(size >> (8 * (octets - 1 - i)));
    }
    if (mask != NULL) {
        memcpy(buffer + at, mask, 4);
        at += 4;
    }
    return at;
}

/* Copies in and out: any alignment is good, and compilers make single (vector) moves of them. */
static inline void mask_word(uint8_t *bytes, uint64_t key)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    word ^= key;
    memcpy(bytes, &word, sizeof word);
}

void hy__ws_mask(void *data, size_t size, const uint8_t mask[4], size_t offset)
{
    uint8_t *bytes = data;
    uint32_t half;
    size_t i = 0;
    for (; (offset & 3) != 0 && size > 0; offset++, size--)
        *bytes++ ^= mask[offset & 3];
    memcpy(&half, mask, sizeof half);
    const uint64_t key = (uint64_t)half << 32 | half;
    for (; i + 32 <= size; i += 32)
        for (size_t k = 0; k < 32; k += 8)
            mask_word(bytes + i + k, key);
    for (; i + 8 <= size; i += 8)
        mask_word(bytes + i, key);
    for (; i < size; i++)
        bytes[i] ^= mask[i & 3];
}

bool hy__ws_close_code_is_legal(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

int hy__ws_close_payload_encode(uint8_t buffer[HY__WS_CONTROL_SIZE_MAX], unsigned code,
                                const char *reason, size_t reason_size)
{
    if (code == HY__WS_CLOSE_NO_CODE)
        return 0;
    if (!hy__ws_close_code_is_legal(code))
        return -HY_EINVAL;
    buffer[0] = (uint8_t)(code >> 8);
    buffer[1] = (uint8_t)code;
    if (reason == NULL)
        return 2;
    size_t size = hy__utf8_prefix(reason, reason_size, HY__WS_REASON_SIZE_MAX);
    memcpy(buffer + 2, reason, size);
    return (int)(2 + size);
}
