/* SPDX-License-Identifier: MIT */
/*
 * Between struct hy_address and the system's socket addresses. The storage of a hy_address *is* a
 * sockaddr_in or sockaddr_in6, or all zeros, so that the system reads and writes it in place.
 */
#ifndef HALYARD_NET_ADDRESS_SYSTEM_H
#define HALYARD_NET_ADDRESS_SYSTEM_H

#include <halyard/address.h>

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

_Static_assert(sizeof(struct hy_address) >= sizeof(struct sockaddr_in6),
               "a hy_address holds every socket address of the Internet families");

/* The system's view of the storage, for calls such as bind() and recvmsg(). */
static inline struct sockaddr *hy__address_system(struct hy_address *address)
{
    return (struct sockaddr *)(void *)address->storage_;
}

static inline sa_family_t hy__address_family(const struct hy_address *address)
{
    sa_family_t family;
    memcpy(&family, (const char *)address->storage_ + offsetof(struct sockaddr, sa_family),
           sizeof family);
    return family;
}

/* Bytes of the system's view; 0 for no address. */
static inline socklen_t hy__address_size(const struct hy_address *address)
{
    switch (hy__address_family(address)) {
    case AF_INET:
        return sizeof(struct sockaddr_in);
    case AF_INET6:
        return sizeof(struct sockaddr_in6);
    default:
        return 0;
    }
}

/* Copies a system address; another family than IPv4 and IPv6 gives no address. */
void hy__address_from_system(const struct sockaddr *system, socklen_t size,
                             struct hy_address *ret_address);

/* ::ffff:192.0.2.1 becomes 192.0.2.1: what a dual-stack socket says of an IPv4 peer. */
void hy__address_unmap(struct hy_address *address);
/* 192.0.2.1 becomes ::ffff:192.0.2.1; other addresses are left alone. */
void hy__address_map(struct hy_address *address);

#endif
