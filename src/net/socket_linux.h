/* SPDX-License-Identifier: MIT */
/* The types of socket.h, as Linux has them: what recvmmsg(), sendmmsg() and sendmsg() work on. */
#ifndef HALYARD_NET_SOCKET_LINUX_H
#define HALYARD_NET_SOCKET_LINUX_H

#include <net/if.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#define HY__INTERFACE_NAME_SIZE IF_NAMESIZE
#define HY__INTERFACE_ADVICE    "the command \"ip link\" lists them"
#define HY__BUFFER_ADVICE       "more needs, as root: sysctl -w net.core.rmem_max=%d"
#define HY__GROUPS_ADVICE       "raise net.ipv4.igmp_max_memberships"

/* Datagrams in one call, received and sent. */
#define HY__INCOMING 32
#define HY__OUTGOING 64

/* Bytes of a gathering write; nothing is written to them. */
struct hy__piece {
    struct iovec slice;
};

static inline struct hy__piece hy__piece_make(const void *data, size_t size)
{
    return (struct hy__piece){{(void *)(uintptr_t)data, size}};
}

/* Where it ends in memory. */
static inline const void *hy__piece_end(const struct hy__piece *piece)
{
    return (const char *)piece->slice.iov_base + piece->slice.iov_len;
}

static inline void hy__piece_extend(struct hy__piece *piece, size_t size)
{
    piece->slice.iov_len += size;
}

/* Places for the datagrams of one call. */
struct hy__incoming {
    struct mmsghdr headers[HY__INCOMING];
    struct iovec slices[HY__INCOMING];
};

/* Each place is set once: `room` bytes at data, and where the sender goes. */
static inline void hy__incoming_place(struct hy__incoming *incoming, unsigned index, void *data,
                                      size_t room, struct hy_address *sender)
{
    incoming->slices[index] = (struct iovec){data, room};
    incoming->headers[index].msg_hdr = (struct msghdr){.msg_name = sender->storage_,
                                                       .msg_namelen = sizeof sender->storage_,
                                                       .msg_iov = &incoming->slices[index],
                                                       .msg_iovlen = 1};
}

/* Its size; whether it was larger than the place. Once for each, before the next call. */
static inline size_t hy__incoming_take(struct hy__incoming *incoming, unsigned index,
                                       bool *ret_truncated)
{
    struct msghdr *header = &incoming->headers[index].msg_hdr;
    *ret_truncated = (header->msg_flags & MSG_TRUNC) != 0;
    header->msg_namelen = sizeof(struct hy_address);
    return incoming->headers[index].msg_len;
}

/* What one call sends; addresses and bytes are borrowed. */
struct hy__outgoing {
    struct mmsghdr headers[HY__OUTGOING];
    struct iovec slices[HY__OUTGOING];
};

/* to: NULL for the peer. */
static inline void hy__outgoing_place(struct hy__outgoing *outgoing, unsigned index,
                                      struct hy_address *to, const void *data, size_t size)
{
    outgoing->slices[index] = (struct iovec){(void *)(uintptr_t)data, size};
    outgoing->headers[index] =
        (struct mmsghdr){.msg_hdr = {.msg_name = to != NULL ? to->storage_ : NULL,
                                     .msg_namelen = to != NULL ? hy__address_size(to) : 0,
                                     .msg_iov = &outgoing->slices[index],
                                     .msg_iovlen = 1}};
}

#endif
