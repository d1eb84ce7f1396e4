/* SPDX-License-Identifier: MIT */
/* The types of socket.h, as Winsock has them. */
#ifndef HALYARD_NET_SOCKET_WIN32_H
#define HALYARD_NET_SOCKET_WIN32_H

#include <stdbool.h>
#include <sys/types.h>

/* An interface's alias ("Ethernet 2") has up to 256 UTF-16 units. */
#define HY__INTERFACE_NAME_SIZE 257
#define HY__INTERFACE_ADVICE    "the command \"netsh interface show interface\" lists them"
#define HY__BUFFER_ADVICE       "ask for less than %d"
#define HY__GROUPS_ADVICE       "spread them over several sockets"

/* Datagrams in one call, received and sent. */
#define HY__INCOMING 32
#define HY__OUTGOING 64

/* Bytes of a gathering write; nothing is written to them. Below 2^32 of them. */
struct hy__piece {
    WSABUF slice;
};

static inline struct hy__piece hy__piece_make(const void *data, size_t size)
{
    return (struct hy__piece){{(ULONG)size, (char *)(uintptr_t)data}};
}

/* Where it ends in memory. */
static inline const void *hy__piece_end(const struct hy__piece *piece)
{
    return piece->slice.buf + piece->slice.len;
}

static inline void hy__piece_extend(struct hy__piece *piece, size_t size)
{
    piece->slice.len += (ULONG)size;
}

/* Places for the datagrams of one call. */
struct hy__incoming {
    struct hy__incoming_place {
        WSABUF room;
        struct hy_address *sender;
        ULONG size;
        bool truncated;
    } places[HY__INCOMING];
};

/* Each place is set once: `room` bytes at data, and where the sender goes. */
static inline void hy__incoming_place(struct hy__incoming *incoming, unsigned index, void *data,
                                      size_t room, struct hy_address *sender)
{
    incoming->places[index] =
        (struct hy__incoming_place){.room = {(ULONG)room, data}, .sender = sender};
}

/* Its size; whether it was larger than the place. Once for each, before the next call. */
static inline size_t hy__incoming_take(struct hy__incoming *incoming, unsigned index,
                                       bool *ret_truncated)
{
    *ret_truncated = incoming->places[index].truncated;
    return incoming->places[index].size;
}

/* What one call sends; addresses and bytes are borrowed. */
struct hy__outgoing {
    struct {
        const struct hy_address *to;
        const void *data;
        size_t size;
    } datagrams[HY__OUTGOING];
};

/* to: NULL for the peer. */
static inline void hy__outgoing_place(struct hy__outgoing *outgoing, unsigned index,
                                      const struct hy_address *to, const void *data, size_t size)
{
    outgoing->datagrams[index].to = to;
    outgoing->datagrams[index].data = data;
    outgoing->datagrams[index].size = size;
}

#endif
