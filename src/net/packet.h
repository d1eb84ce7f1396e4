/* SPDX-License-Identifier: MIT */
/*
 * Packets: bytes on their way out. A broadcast is one packet that stands in the queues of all its
 * clients. Never changed after it is made, but for the count.
 */
#ifndef HY_NET_PACKET_H
#define HY_NET_PACKET_H

#include "ws_frame.h"
#include <halyard/buffer.h>

struct hy__packet {
    uint32_t references; /* atomic */
    bool is_message;     /* counts as a message; false: HTTP, close, ping, pong */
    bool is_pong;
    size_t own_size;           /* bytes: a frame's header, and the payload unless it is `payload` */
    size_t payload_size;       /* of a frame; 0 for HTTP */
    struct hy_buffer *payload; /* sent behind the bytes, or NULL */
    unsigned char bytes[];
};

/** Bytes on the wire. */
static inline size_t hy__packet_size(const struct hy__packet *packet)
{
    return packet->own_size + (packet->payload != NULL ? hy_buffer_size(packet->payload) : 0);
}

/** What a packet counts in a queue: its bytes and the memory around them. */
static inline uint64_t hy__packet_cost(const struct hy__packet *packet)
{
    return (uint64_t)hy__packet_size(packet) + 64;
}

/** An unmasked frame with a copy of the payload; NULL without memory. Any thread. */
struct hy__packet *hy__packet_create(enum hy__ws_opcode opcode, const void *data, size_t size);

/** An unmasked frame around a buffer, of which it takes a reference. Any thread. */
struct hy__packet *hy__packet_create_shared(enum hy__ws_opcode opcode, struct hy_buffer *payload);

/** A close frame; the code is HY__WS_CLOSE_NO_CODE or legal. */
struct hy__packet *hy__packet_create_close(unsigned code, const char *reason, size_t reason_size);

/** Any bytes (a copy), and a buffer behind them (may be NULL; a reference is taken). */
struct hy__packet *hy__packet_create_raw(const void *data, size_t size, struct hy_buffer *payload);

/** Room for a masked frame: writes the header with the mask and the masked payload. */
struct hy__packet *hy__packet_create_masked(const struct hy__packet *plain, const uint8_t mask[4]);

/** Takes and gives references. */
void hy__packet_ref(struct hy__packet *packet, uint32_t count);
void hy__packet_unref(struct hy__packet *packet);

#endif
