/* SPDX-License-Identifier: MIT */
/*
 * Making and releasing packets.
 */
#include "packet.h"
#include <halyard/memory.h>

static struct hy__packet *packet_allocate(size_t room)
{
    if (room > SIZE_MAX / 2)
        return NULL;
    struct hy__packet *packet = hy_memory_allocate(sizeof *packet + room);
    if (packet != NULL)
        *packet = (struct hy__packet){.references = 1, .own_size = room};
    return packet;
}

static bool opcode_is_message(enum hy__ws_opcode opcode)
{
    return opcode == HY__WS_TEXT || opcode == HY__WS_BINARY;
}

struct hy__packet *hy__packet_create(enum hy__ws_opcode opcode, const void *data, size_t size)
{
    uint8_t header[HY__WS_HEADER_SIZE_MAX];
    size_t header_size = hy__ws_frame_header_encode(header, true, opcode, size, NULL);
    if (size > SIZE_MAX / 2)
        return NULL;
    struct hy__packet *packet = packet_allocate(header_size + size);
    if (packet == NULL)
        return NULL;
    packet->is_message = opcode_is_message(opcode);
    packet->is_pong = opcode == HY__WS_PONG;
    packet->payload_size = size;
    memcpy(packet->bytes, header, header_size);
    if (size > 0)
        memcpy(packet->bytes + header_size, data, size);
    return packet;
}

struct hy__packet *hy__packet_create_shared(enum hy__ws_opcode opcode, struct hy_buffer *payload)
{
    uint8_t header[HY__WS_HEADER_SIZE_MAX];
    size_t size = hy_buffer_size(payload);
    size_t header_size = hy__ws_frame_header_encode(header, true, opcode, size, NULL);
    struct hy__packet *packet = packet_allocate(header_size);
    if (packet == NULL)
        return NULL;
    packet->is_message = opcode_is_message(opcode);
    packet->payload_size = size;
    packet->payload = size > 0 ? hy_buffer_ref(payload) : NULL;
    memcpy(packet->bytes, header, header_size);
    return packet;
}

struct hy__packet *hy__packet_create_close(unsigned code, const char *reason, size_t reason_size)
{
    uint8_t payload[HY__WS_CONTROL_SIZE_MAX];
    int size = hy__ws_close_payload_encode(payload, code, reason, reason_size);
    return hy__packet_create(HY__WS_CLOSE, payload, size > 0 ? (size_t)size : 0);
}

struct hy__packet *hy__packet_create_raw(const void *data, size_t size, struct hy_buffer *payload)
{
    struct hy__packet *packet = packet_allocate(size);
    if (packet == NULL)
        return NULL;
    memcpy(packet->bytes, data, size);
    packet->payload = hy_buffer_size(payload) > 0 ? hy_buffer_ref(payload) : NULL;
    return packet;
}

struct hy__packet *hy__packet_create_masked(const struct hy__packet *plain, const uint8_t mask[4])
{
    uint8_t header[HY__WS_HEADER_SIZE_MAX];
    size_t size = plain->payload_size;
    enum hy__ws_opcode opcode = (enum hy__ws_opcode)(plain->bytes[0] & 0x0F);
    size_t header_size = hy__ws_frame_header_encode(header, true, opcode, size, mask);
    struct hy__packet *packet = packet_allocate(header_size + size);
    if (packet == NULL)
        return NULL;
    packet->is_message = plain->is_message;
    packet->is_pong = plain->is_pong;
    packet->payload_size = size;
    memcpy(packet->bytes, header, header_size);
    if (size > 0) {
        const void *payload = plain->payload != NULL ? hy_buffer_data(plain->payload)
                                                     : plain->bytes + (plain->own_size - size);
        memcpy(packet->bytes + header_size, payload, size);
        hy__ws_mask(packet->bytes + header_size, size, mask, 0);
    }
    return packet;
}

void hy__packet_ref(struct hy__packet *packet, uint32_t count)
{
    /* Relaxed, as in hy_buffer_ref(). */
    __atomic_fetch_add(&packet->references, count, __ATOMIC_RELAXED);
}

void hy__packet_unref(struct hy__packet *packet)
{
    /* As in hy_buffer_unref(). */
    if (__atomic_fetch_sub(&packet->references, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    hy_buffer_unref(packet->payload);
    hy_memory_release(packet);
}
