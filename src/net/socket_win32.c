/* SPDX-License-Identifier: MIT */
/*
 * socket.h on Windows. Winsock counts who uses it; each open socket here is one user, so it is
 * started before the first one and ended behind the last one, whoever else uses it.
 */
#include "socket.h"

#include <halyard/memory.h>
#include <iphlpapi.h>
#include <limits.h>
#include <mswsock.h>

/* As SIO_UDP_CONNRESET, for the time to live that ran out on the way; not every mswsock.h has it.
 */
#ifndef SIO_UDP_NETRESET
#define SIO_UDP_NETRESET _WSAIOW(IOC_VENDOR, 15)
#endif

enum hy__socket_problem hy__socket_problem(int error)
{
    switch (error) {
    case WSAEWOULDBLOCK:
        return HY__SOCKET_AGAIN;
    case WSAECONNREFUSED:
        return HY__SOCKET_REFUSED;
    case WSAEMSGSIZE:
        return HY__SOCKET_TOO_LARGE;
    case WSAEACCES:
        return HY__SOCKET_FORBIDDEN;
    case WSAEADDRINUSE:
        return HY__SOCKET_IN_USE;
    case WSAEADDRNOTAVAIL:
        return HY__SOCKET_NO_ADDRESS;
    case WSAEAFNOSUPPORT:
        return HY__SOCKET_NO_FAMILY;
    case WSAENOBUFS:
    case WSA_NOT_ENOUGH_MEMORY:
        return HY__SOCKET_NO_MEMORY;
    case WSAEMFILE:
        return HY__SOCKET_NO_DESCRIPTORS;
    case WSAENOPROTOOPT:
    case WSAEOPNOTSUPP:
        return HY__SOCKET_NOT_HERE;
    default:
        return HY__SOCKET_OTHER;
    }
}

/* --- any socket ------------------------------------------------------------------------------ */

static int result(int rc)
{
    return rc == SOCKET_ERROR ? -WSAGetLastError() : rc;
}

static void set_switch(intptr_t handle, DWORD control, BOOL value)
{
    DWORD size;
    WSAIoctl((SOCKET)handle, control, &value, sizeof value, NULL, 0, &size, NULL, NULL);
}

/* What a fresh socket is made to be; closes it when that fails. */
static intptr_t prepare(SOCKET handle)
{
    u_long on = 1;
    if (handle != INVALID_SOCKET && ioctlsocket(handle, (long)FIONBIO, &on) == 0)
        return (intptr_t)handle;
    int error = WSAGetLastError();
    if (handle != INVALID_SOCKET)
        closesocket(handle);
    WSACleanup();
    return -error;
}

intptr_t hy__socket_open(int family, int type)
{
    WSADATA data;
    int error = WSAStartup(MAKEWORD(2, 2), &data);
    if (error != 0)
        return -error;
    intptr_t handle = prepare(
        WSASocketW(family, type, 0, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT));
    if (handle >= 0 && type == SOCK_DGRAM) {
        /* Else a datagram that nobody wanted would come back as an error of receiving. */
        set_switch(handle, SIO_UDP_CONNRESET, FALSE);
        set_switch(handle, SIO_UDP_NETRESET, FALSE);
    }
    return handle;
}

void hy__socket_close(intptr_t handle)
{
    closesocket((SOCKET)handle);
    WSACleanup();
}

int hy__socket_set(intptr_t handle, int level, int option, int value)
{
    return result(setsockopt((SOCKET)handle, level, option, (const char *)&value, sizeof value));
}

int hy__socket_bind(intptr_t handle, const struct hy_address *address)
{
    int rc = result(bind((SOCKET)handle, hy__address_system(address), hy__address_size(address)));
    /* No port needs a privilege; somebody has this one for himself. */
    return rc == -WSAEACCES ? -WSAEADDRINUSE : rc;
}

int hy__socket_connect(intptr_t handle, const struct hy_address *address)
{
    int rc =
        result(connect((SOCKET)handle, hy__address_system(address), hy__address_size(address)));
    /* With a peer, that is what wants to be known. A stream does not have this switch. */
    set_switch(handle, SIO_UDP_CONNRESET, TRUE);
    return rc == -WSAEWOULDBLOCK ? 0 : rc;
}

int hy__socket_pending_error(intptr_t handle)
{
    int error = 0;
    int size = sizeof error;
    int rc = getsockopt((SOCKET)handle, SOL_SOCKET, SO_ERROR, (char *)&error, &size);
    return rc == SOCKET_ERROR ? WSAGetLastError() : error;
}

int hy__socket_local(intptr_t handle, struct hy_address *ret_address)
{
    struct sockaddr_storage system;
    int size = sizeof system;
    if (getsockname((SOCKET)handle, (struct sockaddr *)&system, &size) == SOCKET_ERROR)
        return -WSAGetLastError();
    hy__address_from_system((struct sockaddr *)&system, (size_t)size, ret_address);
    return 0;
}

int hy__socket_peer(intptr_t handle, struct hy_address *ret_address)
{
    struct sockaddr_storage system;
    int size = sizeof system;
    if (getpeername((SOCKET)handle, (struct sockaddr *)&system, &size) == SOCKET_ERROR)
        return -WSAGetLastError();
    hy__address_from_system((struct sockaddr *)&system, (size_t)size, ret_address);
    return 0;
}

/* --- streams --------------------------------------------------------------------------------- */

int hy__socket_listen(intptr_t handle, const struct hy_address *address, int backlog)
{
    /* Addresses of closed connections are no hindrance here; SO_REUSEADDR would let any program
     * take the address over. */
    int rc = hy__socket_set(handle, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
    if (rc >= 0)
        rc = hy__socket_bind(handle, address);
    return rc >= 0 ? result(listen((SOCKET)handle, backlog)) : rc;
}

intptr_t hy__socket_accept(intptr_t listener)
{
    WSADATA data;
    int error = WSAStartup(MAKEWORD(2, 2), &data);
    if (error != 0)
        return -error;
    intptr_t handle = prepare(accept((SOCKET)listener, NULL, NULL));
    if (handle >= 0)
        SetHandleInformation((HANDLE)handle, HANDLE_FLAG_INHERIT, 0);
    return handle;
}

bool hy__socket_may_accept(intptr_t listener)
{
    (void)listener;
    return true;
}

static int at_most(size_t size)
{
    return size < INT_MAX ? (int)size : INT_MAX;
}

ssize_t hy__socket_receive(intptr_t handle, void *data, size_t size)
{
    return result(recv((SOCKET)handle, data, at_most(size), 0));
}

ssize_t hy__socket_send(intptr_t handle, const void *data, size_t size)
{
    return result(send((SOCKET)handle, data, at_most(size), 0));
}

ssize_t hy__socket_send_pieces(intptr_t handle, struct hy__piece *pieces, unsigned count)
{
    DWORD sent = 0;
    if (WSASend((SOCKET)handle, &pieces->slice, count, &sent, 0, NULL, NULL) == SOCKET_ERROR)
        return -WSAGetLastError();
    return (ssize_t)sent;
}

int hy__socket_end_sending(intptr_t handle)
{
    return result(shutdown((SOCKET)handle, SD_SEND));
}

/* --- datagrams ------------------------------------------------------------------------------- */

int hy__socket_share_address(intptr_t handle, bool shared)
{
    return hy__socket_set(handle, SOL_SOCKET, shared ? SO_REUSEADDR : SO_EXCLUSIVEADDRUSE, 1);
}

int hy__socket_share_port(intptr_t handle)
{
    (void)handle;
    return -WSAENOPROTOOPT;
}

int hy__socket_disconnect(intptr_t handle, const struct hy_address *local)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    (void)local; /* it stays */
    set_switch(handle, SIO_UDP_CONNRESET, FALSE);
    return result(connect((SOCKET)handle, &nobody, sizeof nobody));
}

/* What a stream calls a reset is a datagram that was refused. */
static int datagram_error(int error)
{
    return error == WSAECONNRESET ? WSAECONNREFUSED : error;
}

ssize_t hy__socket_send_datagram(intptr_t handle, const struct hy_address *to, const void *data,
                                 size_t size)
{
    int sent = to != NULL ? sendto((SOCKET)handle, data, at_most(size), 0, hy__address_system(to),
                                   hy__address_size(to))
                          : send((SOCKET)handle, data, at_most(size), 0);
    return sent == SOCKET_ERROR ? -datagram_error(WSAGetLastError()) : sent;
}

int hy__socket_send_batch(intptr_t handle, struct hy__outgoing *outgoing, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        ssize_t rc =
            hy__socket_send_datagram(handle, outgoing->datagrams[i].to, outgoing->datagrams[i].data,
                                     outgoing->datagrams[i].size);
        if (rc < 0)
            return i > 0 ? (int)i : (int)rc;
    }
    return (int)count;
}

/* 0, or the error. */
static int receive_datagram(intptr_t handle, struct hy__incoming_place *place)
{
    DWORD size = 0, flags = 0;
    int sender_size = sizeof place->sender->storage_;
    int rc =
        WSARecvFrom((SOCKET)handle, &place->room, 1, &size, &flags,
                    (struct sockaddr *)(void *)place->sender->storage_, &sender_size, NULL, NULL);
    int error = rc == SOCKET_ERROR ? WSAGetLastError() : 0;
    place->truncated = error == WSAEMSGSIZE;
    place->size = place->truncated ? place->room.len : size;
    return place->truncated ? 0 : error;
}

int hy__socket_receive_batch(intptr_t handle, struct hy__incoming *incoming, int *ret_error)
{
    int count = 0, error = 0;
    while (count < HY__INCOMING && error == 0) {
        error = receive_datagram(handle, &incoming->places[count]);
        count += error == 0;
    }
    *ret_error = error != WSAEWOULDBLOCK ? datagram_error(error) : 0;
    return count;
}

int hy__socket_set_receive_buffer(intptr_t handle, int asked)
{
    int granted = 0;
    int size = sizeof granted;
    if (asked > 0)
        hy__socket_set(handle, SOL_SOCKET, SO_RCVBUF, asked);
    if (getsockopt((SOCKET)handle, SOL_SOCKET, SO_RCVBUF, (char *)&granted, &size) != 0)
        return 0;
    return granted;
}

bool hy__socket_drops(intptr_t handle, uint32_t *ret_drops)
{
    (void)handle; /* Windows does not count them. */
    (void)ret_drops;
    return false;
}

void hy__socket_hear_own_groups(intptr_t handle, int family)
{
    (void)handle; /* It is always so. */
    (void)family;
}

/* How the options of IPv4 name an interface: an address that it has, else 0.x.x.x, its number. */
static struct in_addr interface_ipv4(unsigned interface_index)
{
    struct in_addr name = {.s_addr = htonl(interface_index)};
    ULONG size = 0;
    MIB_IPADDRTABLE *table = NULL;
    if (interface_index != 0 && GetIpAddrTable(NULL, &size, FALSE) == ERROR_INSUFFICIENT_BUFFER)
        table = hy_memory_allocate(size);
    if (table != NULL && GetIpAddrTable(table, &size, FALSE) == NO_ERROR)
        for (DWORD i = table->dwNumEntries; i-- > 0;)
            if (table->table[i].dwIndex == interface_index && table->table[i].dwAddr != 0)
                name.s_addr = table->table[i].dwAddr;
    hy_memory_release(table);
    return name;
}

int hy__socket_set_multicast_interface(intptr_t handle, int family, unsigned interface_index)
{
    int rc = hy__socket_set(handle, IPPROTO_IP, IP_MULTICAST_IF,
                            (int)interface_ipv4(interface_index).s_addr);
    return family == AF_INET6
               ? hy__socket_set(handle, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)interface_index)
               : rc;
}

/* What is wrong with an argument that we have looked at: the interface, or the membership. */
static int membership_result(int rc)
{
    rc = result(rc);
    return rc == -WSAEINVAL ? -WSAEADDRNOTAVAIL : rc;
}

int hy__socket_join(intptr_t handle, const struct hy_address *group, unsigned interface_index,
                    bool joining)
{
    if (hy__address_family(group) == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, group->storage_, sizeof ipv4);
        const struct ip_mreq request = {.imr_multiaddr = ipv4.sin_addr,
                                        .imr_interface = interface_ipv4(interface_index)};
        return membership_result(setsockopt((SOCKET)handle, IPPROTO_IP,
                                            joining ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP,
                                            (const char *)&request, sizeof request));
    }
    struct sockaddr_in6 ipv6;
    memcpy(&ipv6, group->storage_, sizeof ipv6);
    const struct ipv6_mreq request = {.ipv6mr_multiaddr = ipv6.sin6_addr,
                                      .ipv6mr_interface = interface_index};
    return membership_result(setsockopt((SOCKET)handle, IPPROTO_IPV6,
                                        joining ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP,
                                        (const char *)&request, sizeof request));
}

/* --- interfaces ------------------------------------------------------------------------------ */

unsigned hy__interface_index(const char *name)
{
    WCHAR wide[HY__INTERFACE_NAME_SIZE];
    NET_LUID luid;
    NET_IFINDEX number;
    if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, name, -1, wide,
                            HY__INTERFACE_NAME_SIZE) > 0 &&
        ConvertInterfaceAliasToLuid(wide, &luid) == NO_ERROR &&
        ConvertInterfaceLuidToIndex(&luid, &number) == NO_ERROR)
        return number;
    return if_nametoindex(name); /* "ethernet_32769" */
}

bool hy__interface_name(unsigned interface_index, char name[HY__INTERFACE_NAME_SIZE])
{
    (void)interface_index; /* Addresses show the number here, as everywhere on Windows. */
    (void)name;
    return false;
}
