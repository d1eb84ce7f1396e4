/* SPDX-License-Identifier: MIT */
/*
 * Network addresses: an IPv4 or IPv6 address with a port.
 *
 * An address is plain bytes: it is copied by assignment, travels in payloads, and needs no end. All
 * zeros is "no address". Text is numeric in this version: looking a name up would block the loop.
 * All functions here may be called from any thread.
 */
#ifndef HALYARD_ADDRESS_H
#define HALYARD_ADDRESS_H

#include <halyard/error.h>

HY_BEGIN_DECLS

/* Opaque; compare with hy_address_is_equal(), not by bytes. */
struct hy_address {
    uint32_t storage_[8];
};

/* The kinds of addresses. */
enum hy_address_family {
    HY_ADDRESS_NONE = 0,
    HY_ADDRESS_IPV4 = 4,
    HY_ADDRESS_IPV6 = 6
};

/* Room for every address as text, with port, interface and the final NUL. */
#define HY_ADDRESS_TEXT_SIZE 80

/* An address as text, by value. */
struct hy_address_text {
    char text[HY_ADDRESS_TEXT_SIZE];
};

/*
 * Reads an address with a port: "127.0.0.1:10110", "[::]:10110", "[fe80::1%eth0]:10110" (an
 * interface by name or number). Errors: -HY_EINVAL (the message says what is wrong and how to write
 * it), -HY_ENOENT (no such interface).
 */
HY_API int hy_address_parse(const char *text, struct hy_address *ret_address) HY_MUST_USE;

/* The same without a port in the text: "127.0.0.1", "::1", "[::1]", "fe80::1%eth0". */
HY_API int hy_address_parse_host(const char *text, uint16_t port,
                                 struct hy_address *ret_address) HY_MUST_USE;

/* All interfaces of the machine: 0.0.0.0 or [::]; for another family, no address. */
HY_API struct hy_address hy_address_any(enum hy_address_family family, uint16_t port);
/* This machine: 127.0.0.1 or [::1]. */
HY_API struct hy_address hy_address_loopback(enum hy_address_family family, uint16_t port);

/*
 * The address as hy_address_parse() reads it; "(no address)" for none. Usable in place:
 * printf("%s\n", hy_address_to_text(&address).text).
 */
HY_API struct hy_address_text hy_address_to_text(const struct hy_address *address);

/* Its kind; HY_ADDRESS_NONE for no address. */
HY_API enum hy_address_family hy_address_get_family(const struct hy_address *address);

/* The port, 0 to 65535, as a number; 0 for no address. Setting one on no address does nothing. */
HY_API uint16_t hy_address_port(const struct hy_address *address);
HY_API void hy_address_set_port(struct hy_address *address, uint16_t port);

/* Whether family, host, port and, for IPv6, interface are the same. */
HY_API bool hy_address_is_equal(const struct hy_address *a, const struct hy_address *b);

/* 0.0.0.0 or ::. */
HY_API bool hy_address_is_any(const struct hy_address *address);
/* 127.0.0.0/8 or ::1. */
HY_API bool hy_address_is_loopback(const struct hy_address *address);
/* 224.0.0.0/4 (RFC 5771) or ff00::/8 (RFC 4291, section 2.7). */
HY_API bool hy_address_is_multicast(const struct hy_address *address);

HY_END_DECLS

#endif
