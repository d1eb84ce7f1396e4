/* SPDX-License-Identifier: MIT */
/*
 * Addresses: parsing, formatting, questions. The storage is the system's own socket address (see
 * address_system.h); it is read and written through memcpy, never through a cast pointer.
 */
#include "socket.h"

#include <stdio.h>

/* Longest host text worth looking at: an address, '%', an interface name. */
#define HOST_TEXT_MAX (INET6_ADDRSTRLEN + 1 + HY__INTERFACE_NAME_SIZE)
/* How much of a wrong text a message repeats. */
#define SHOWN 60

static struct sockaddr_in as_ipv4(const struct hy_address *address)
{
    struct sockaddr_in ipv4;
    memcpy(&ipv4, address->storage_, sizeof ipv4);
    return ipv4;
}

static struct sockaddr_in6 as_ipv6(const struct hy_address *address)
{
    struct sockaddr_in6 ipv6;
    memcpy(&ipv6, address->storage_, sizeof ipv6);
    return ipv6;
}

void hy__address_from_system(const struct sockaddr *system, size_t size,
                             struct hy_address *ret_address)
{
    struct hy_address address = {{0}};
    if (size <= sizeof address.storage_)
        memcpy(address.storage_, system, size);
    size_t needed = (size_t)hy__address_size(&address);
    if (needed == 0 || size < needed)
        memset(&address, 0, sizeof address);
    *ret_address = address;
}

static void set_ipv4(struct hy_address *address, struct in_addr host, uint16_t port)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = host};
    memset(address, 0, sizeof *address);
    memcpy(address->storage_, &ipv4, sizeof ipv4);
}

static void set_ipv6(struct hy_address *address, struct in6_addr host, uint32_t scope,
                     uint16_t port)
{
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6,
                                .sin6_port = htons(port),
                                .sin6_addr = host,
                                .sin6_scope_id = scope};
    memset(address, 0, sizeof *address);
    memcpy(address->storage_, &ipv6, sizeof ipv6);
}

void hy__address_unmap(struct hy_address *address)
{
    if (hy__address_family(address) != AF_INET6)
        return;
    struct sockaddr_in6 ipv6 = as_ipv6(address);
    if (!IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr))
        return;
    struct in_addr host;
    memcpy(&host, &ipv6.sin6_addr.s6_addr[12], sizeof host);
    set_ipv4(address, host, ntohs(ipv6.sin6_port));
}

void hy__address_map(struct hy_address *address)
{
    if (hy__address_family(address) != AF_INET)
        return;
    struct sockaddr_in ipv4 = as_ipv4(address);
    struct in6_addr host = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    memcpy(&host.s6_addr[12], &ipv4.sin_addr, sizeof ipv4.sin_addr);
    set_ipv6(address, host, 0, ntohs(ipv4.sin_port));
}

/* --- parsing --------------------------------------------------------------------------------- */

/* Digits only, at most maximum. */
static bool parse_number(const char *text, uint32_t maximum, uint32_t *ret_number)
{
    uint64_t number = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        number = number * 10 + (uint64_t)(*text - '0');
        if (number > maximum)
            return false;
    }
    *ret_number = (uint32_t)number;
    return true;
}

/* The interface after the '%' of a link-local address. */
static int parse_scope(const char *scope, const char *whole, uint32_t *ret_scope)
{
    if (parse_number(scope, UINT32_MAX, ret_scope))
        return 0;
    *ret_scope = hy__interface_index(scope);
    if (*ret_scope == 0)
        return hy_error_set(
            -HY_ENOENT,
            "\"%.*s\": no interface of this machine is called \"%s\"; " HY__INTERFACE_ADVICE, SHOWN,
            whole, scope);
    return 0;
}

static int refuse_host(const char *host, const char *whole)
{
    if (*host == '\0')
        return hy_error_set(-HY_EINVAL,
                            "\"%.*s\" has no address before the port; write 0.0.0.0 for all IPv4 "
                            "or [::] for all IPv6 interfaces",
                            SHOWN, whole);
    if (strspn(host, "0123456789.") == strlen(host) || strchr(host, ':') != NULL)
        return hy_error_set(-HY_EINVAL,
                            "\"%.*s\" is not an address; write it as 192.0.2.1 or 2001:db8::1",
                            SHOWN, whole);
    return hy_error_set(-HY_EINVAL,
                        "\"%.*s\" names a host; only numeric addresses are understood, such as "
                        "127.0.0.1",
                        SHOWN, whole);
}

/* host: without brackets and port; whole: what the caller gave, for the message. */
static int parse_host(const char *host, const char *whole, uint16_t port,
                      struct hy_address *ret_address)
{
    struct in_addr ipv4;
    if (inet_pton(AF_INET, host, &ipv4) == 1) {
        set_ipv4(ret_address, ipv4, port);
        return 0;
    }
    char copy[HOST_TEXT_MAX];
    size_t length = strlen(host);
    if (length >= sizeof copy)
        return refuse_host(host, whole);
    memcpy(copy, host, length + 1);
    char *percent = strchr(copy, '%');
    if (percent != NULL)
        *percent = '\0';
    struct in6_addr ipv6;
    if (inet_pton(AF_INET6, copy, &ipv6) != 1)
        return refuse_host(host, whole);
    uint32_t scope = 0;
    if (percent != NULL) {
        int rc = parse_scope(percent + 1, whole, &scope);
        if (rc < 0)
            return rc;
    }
    set_ipv6(ret_address, ipv6, scope, port);
    return 0;
}

int hy_address_parse_host(const char *text, uint16_t port, struct hy_address *ret_address)
{
    if (text == NULL || ret_address == NULL)
        return hy_error_set(-HY_EINVAL, "hy_address_parse_host: text or ret_address is NULL");
    size_t length = strlen(text);
    char host[HOST_TEXT_MAX];
    if (text[0] == '[' && text[length - 1] == ']' && length - 2 < sizeof host) {
        memcpy(host, text + 1, length - 2);
        host[length - 2] = '\0';
        if (strchr(host, ':') == NULL)
            return hy_error_set(-HY_EINVAL, "\"%.*s\": only an IPv6 address is written in brackets",
                                SHOWN, text);
        return parse_host(host, text, port, ret_address);
    }
    if (length == 0)
        return hy_error_set(-HY_EINVAL, "the address is empty; write it as 192.0.2.1 or "
                                        "2001:db8::1");
    return parse_host(text, text, port, ret_address);
}

/* Splits "host:port" and "[host]:port"; the two pointers end up inside text. */
static int split(const char *text, const char **ret_host_end, const char **ret_port)
{
    if (text[0] == '[') {
        const char *bracket = strchr(text, ']');
        if (bracket == NULL)
            return hy_error_set(-HY_EINVAL, "\"%.*s\" lacks the closing bracket; write [::1]:10110",
                                SHOWN, text);
        if (bracket[1] != ':')
            return hy_error_set(-HY_EINVAL, "\"%.*s\" has no port; write %.*s:10110", SHOWN, text,
                                SHOWN, text);
        *ret_host_end = bracket + 1;
        *ret_port = bracket + 2;
        return 0;
    }
    const char *colon = strchr(text, ':');
    if (colon == NULL)
        return hy_error_set(-HY_EINVAL,
                            "\"%.*s\" has no port; write ADDRESS:PORT, such as "
                            "127.0.0.1:10110",
                            SHOWN, text);
    if (strchr(colon + 1, ':') != NULL)
        return hy_error_set(-HY_EINVAL,
                            "\"%.*s\": write an IPv6 address in brackets, such as [::1]:10110",
                            SHOWN, text);
    *ret_host_end = colon;
    *ret_port = colon + 1;
    return 0;
}

int hy_address_parse(const char *text, struct hy_address *ret_address)
{
    if (text == NULL || ret_address == NULL)
        return hy_error_set(-HY_EINVAL, "hy_address_parse: text or ret_address is NULL");
    const char *host_end = text, *port_text = "";
    int rc = split(text, &host_end, &port_text);
    if (rc < 0)
        return rc;
    uint32_t port;
    if (!parse_number(port_text, UINT16_MAX, &port))
        return hy_error_set(-HY_EINVAL, "\"%.*s\": the port is a number from 0 to 65535", SHOWN,
                            text);
    char host[HOST_TEXT_MAX + 2];
    size_t length = (size_t)(host_end - text);
    if (length >= sizeof host || length == 0)
        return refuse_host(length == 0 ? "" : text, text);
    memcpy(host, text, length);
    host[length] = '\0';
    return hy_address_parse_host(host, (uint16_t)port, ret_address);
}

/* --- making and formatting ------------------------------------------------------------------- */

struct hy_address hy_address_any(enum hy_address_family family, uint16_t port)
{
    struct hy_address address = {{0}};
    if (family == HY_ADDRESS_IPV4)
        set_ipv4(&address, (struct in_addr){.s_addr = htonl(INADDR_ANY)}, port);
    else if (family == HY_ADDRESS_IPV6)
        set_ipv6(&address, in6addr_any, 0, port);
    return address;
}

struct hy_address hy_address_loopback(enum hy_address_family family, uint16_t port)
{
    struct hy_address address = {{0}};
    if (family == HY_ADDRESS_IPV4)
        set_ipv4(&address, (struct in_addr){.s_addr = htonl(INADDR_LOOPBACK)}, port);
    else if (family == HY_ADDRESS_IPV6)
        set_ipv6(&address, in6addr_loopback, 0, port);
    return address;
}

static void format_ipv6(const struct sockaddr_in6 *ipv6, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";
    inet_ntop(AF_INET6, &ipv6->sin6_addr, host, sizeof host);
    unsigned port = ntohs(ipv6->sin6_port);
    char name[HY__INTERFACE_NAME_SIZE];
    if (ipv6->sin6_scope_id == 0)
        snprintf(text, size, "[%s]:%u", host, port);
    else if (hy__interface_name(ipv6->sin6_scope_id, name))
        snprintf(text, size, "[%s%%%s]:%u", host, name, port);
    else
        snprintf(text, size, "[%s%%%u]:%u", host, (unsigned)ipv6->sin6_scope_id, port);
}

struct hy_address_text hy_address_to_text(const struct hy_address *address)
{
    struct hy_address_text result = {"(no address)"};
    if (hy__address_family(address) == AF_INET) {
        struct sockaddr_in ipv4 = as_ipv4(address);
        char host[INET_ADDRSTRLEN] = "?";
        inet_ntop(AF_INET, &ipv4.sin_addr, host, sizeof host);
        snprintf(result.text, sizeof result.text, "%s:%u", host, (unsigned)ntohs(ipv4.sin_port));
    } else if (hy__address_family(address) == AF_INET6) {
        struct sockaddr_in6 ipv6 = as_ipv6(address);
        format_ipv6(&ipv6, result.text, sizeof result.text);
    }
    return result;
}

/* --- questions ------------------------------------------------------------------------------- */

enum hy_address_family hy_address_get_family(const struct hy_address *address)
{
    switch (hy__address_family(address)) {
    case AF_INET:
        return HY_ADDRESS_IPV4;
    case AF_INET6:
        return HY_ADDRESS_IPV6;
    default:
        return HY_ADDRESS_NONE;
    }
}

/* Both socket addresses have the port at the same place. */
_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
               "one place for the port");

uint16_t hy_address_port(const struct hy_address *address)
{
    return ntohs(as_ipv4(address).sin_port);
}

void hy_address_set_port(struct hy_address *address, uint16_t port)
{
    if (hy__address_size(address) == 0)
        return;
    uint16_t network = htons(port);
    memcpy((char *)address->storage_ + offsetof(struct sockaddr_in, sin_port), &network,
           sizeof network);
}

bool hy_address_is_equal(const struct hy_address *a, const struct hy_address *b)
{
    if (hy__address_family(a) != hy__address_family(b) || hy_address_port(a) != hy_address_port(b))
        return false;
    if (hy__address_family(a) == AF_INET)
        return as_ipv4(a).sin_addr.s_addr == as_ipv4(b).sin_addr.s_addr;
    if (hy__address_family(a) == AF_INET6) {
        struct sockaddr_in6 x = as_ipv6(a), y = as_ipv6(b);
        return memcmp(&x.sin6_addr, &y.sin6_addr, sizeof x.sin6_addr) == 0 &&
               x.sin6_scope_id == y.sin6_scope_id;
    }
    return true;
}

bool hy_address_is_any(const struct hy_address *address)
{
    if (hy__address_family(address) == AF_INET)
        return as_ipv4(address).sin_addr.s_addr == htonl(INADDR_ANY);
    struct sockaddr_in6 ipv6 = as_ipv6(address);
    return ipv6.sin6_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&ipv6.sin6_addr);
}

bool hy_address_is_loopback(const struct hy_address *address)
{
    if (hy__address_family(address) == AF_INET)
        return ntohl(as_ipv4(address).sin_addr.s_addr) >> 24 == 127;
    struct sockaddr_in6 ipv6 = as_ipv6(address);
    return ipv6.sin6_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&ipv6.sin6_addr);
}

bool hy_address_is_multicast(const struct hy_address *address)
{
    if (hy__address_family(address) == AF_INET)
        return ntohl(as_ipv4(address).sin_addr.s_addr) >> 28 == 0xe;
    struct sockaddr_in6 ipv6 = as_ipv6(address);
    return ipv6.sin6_family == AF_INET6 && IN6_IS_ADDR_MULTICAST(&ipv6.sin6_addr);
}
