/* SPDX-License-Identifier: MIT */
/*
 * Between struct hy_address and the system's socket addresses. The storage of a hy_address *is* a
 * sockaddr_in or sockaddr_in6, or all zeros, so that the system reads and writes it in place.
 */
#ifndef HALYARD_NET_ADDRESS_SYSTEM_H
#define HALYARD_NET_ADDRESS_SYSTEM_H

#include <halyard/address.h>

#include <string.h>
#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#endif

_Static_assert(sizeof(struct hy_address) >= sizeof(struct sockaddr_in6),
               "a hy_address holds every socket address of the Internet families");

/* The system's view of the storage, for calls such as bind(). */
static inline const struct sockaddr *hy__address_system(const struct hy_address *address)
{
    return (const struct sockaddr *)(const void *)address->storage_;
}

/* AF_INET, AF_INET6 or 0. */
static inline uint16_t hy__address_family(const struct hy_address *address)
{
    uint16_t family;
    _Static_assert(sizeof family == sizeof((struct sockaddr *)NULL)->sa_family, "16 bits");
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
void hy__address_from_system(const struct sockaddr *system, size_t size,
                             struct hy_address *ret_address);

/* ::ffff:192.0.2.1 becomes 192.0.2.1: what a dual-stack socket says of an IPv4 peer. */
void hy__address_unmap(struct hy_address *address);
/* 192.0.2.1 becomes ::ffff:192.0.2.1; other addresses are left alone. */
void hy__address_map(struct hy_address *address);

#endif
