/* SPDX-License-Identifier: MIT */
/* socket.h on Linux. */
#include "socket.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <unistd.h>

/* Since Linux 4.20; older C libraries do not name it. */
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

enum hy__socket_problem hy__socket_problem(int error)
{
    switch (error) {
    case EAGAIN:
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
#endif
        return HY__SOCKET_AGAIN;
    case ECONNREFUSED:
        return HY__SOCKET_REFUSED;
    case EMSGSIZE:
        return HY__SOCKET_TOO_LARGE;
    case EACCES:
        return HY__SOCKET_FORBIDDEN;
    case EADDRINUSE:
        return HY__SOCKET_IN_USE;
    case EADDRNOTAVAIL:
        return HY__SOCKET_NO_ADDRESS;
    case ENODEV:
        return HY__SOCKET_NO_INTERFACE;
    case EAFNOSUPPORT:
        return HY__SOCKET_NO_FAMILY;
    case ENOBUFS:
    case ENOMEM:
        return HY__SOCKET_NO_MEMORY;
    case EMFILE:
    case ENFILE:
        return HY__SOCKET_NO_DESCRIPTORS;
    case ENOPROTOOPT:
        return HY__SOCKET_NOT_HERE;
    default:
        return HY__SOCKET_OTHER;
    }
}

/* --- any socket ------------------------------------------------------------------------------ */

static int result(int rc)
{
    return rc < 0 ? -errno : rc;
}

intptr_t hy__socket_open(int family, int type)
{
    return result(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

void hy__socket_close(intptr_t handle)
{
    close((int)handle);
}

int hy__socket_set(intptr_t handle, int level, int option, int value)
{
    return result(setsockopt((int)handle, level, option, &value, sizeof value));
}

int hy__socket_bind(intptr_t handle, const struct hy_address *address)
{
    return result(bind((int)handle, hy__address_system(address), hy__address_size(address)));
}

int hy__socket_connect(intptr_t handle, const struct hy_address *address)
{
    int rc = result(connect((int)handle, hy__address_system(address), hy__address_size(address)));
    /* An interrupted connect() goes on by itself. */
    return rc == -EINPROGRESS || rc == -EINTR ? 0 : rc;
}

int hy__socket_pending_error(intptr_t handle)
{
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt((int)handle, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

int hy__socket_local(intptr_t handle, struct hy_address *ret_address)
{
    struct sockaddr_storage system;
    socklen_t size = sizeof system;
    if (getsockname((int)handle, (struct sockaddr *)&system, &size) < 0)
        return -errno;
    hy__address_from_system((struct sockaddr *)&system, size, ret_address);
    return 0;
}

int hy__socket_peer(intptr_t handle, struct hy_address *ret_address)
{
    struct sockaddr_storage system;
    socklen_t size = sizeof system;
    if (getpeername((int)handle, (struct sockaddr *)&system, &size) < 0)
        return -errno;
    hy__address_from_system((struct sockaddr *)&system, size, ret_address);
    return 0;
}

/* --- streams --------------------------------------------------------------------------------- */

int hy__socket_listen(intptr_t handle, const struct hy_address *address, int backlog)
{
    /* Lets a server that was just stopped be started again; it does not share the address. */
    int rc = hy__socket_set(handle, SOL_SOCKET, SO_REUSEADDR, 1);
    if (rc >= 0)
        rc = hy__socket_bind(handle, address);
    return rc >= 0 ? result(listen((int)handle, backlog)) : rc;
}

intptr_t hy__socket_accept(intptr_t listener)
{
    int rc;
    do
        /* cppcheck-suppress nullPointer ; allowed: the address is asked for later */
        rc = result(accept4((int)listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
    while (rc == -EINTR);
    return rc;
}

/* An accept4() that finds nobody has made a socket for the client before it looks. */
bool hy__socket_may_accept(intptr_t listener)
{
    struct pollfd waiting = {.fd = (int)listener, .events = POLLIN};
    return poll(&waiting, 1, 0) != 0;
}

ssize_t hy__socket_receive(intptr_t handle, void *data, size_t size)
{
    ssize_t got;
    do
        got = recv((int)handle, data, size, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

ssize_t hy__socket_send(intptr_t handle, const void *data, size_t size)
{
    ssize_t sent;
    do
        sent = send((int)handle, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

ssize_t hy__socket_send_pieces(intptr_t handle, struct hy__piece *pieces, unsigned count)
{
    const struct msghdr message = {.msg_iov = &pieces->slice, .msg_iovlen = count};
    ssize_t sent;
    if (count == 1) /* the usual case; the kernel has less to copy and check */
        return hy__socket_send(handle, pieces->slice.iov_base, pieces->slice.iov_len);
    do
        sent = sendmsg((int)handle, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

int hy__socket_end_sending(intptr_t handle)
{
    return result(shutdown((int)handle, SHUT_WR));
}

/* --- datagrams ------------------------------------------------------------------------------- */

int hy__socket_share_address(intptr_t handle, bool shared)
{
    return shared ? hy__socket_set(handle, SOL_SOCKET, SO_REUSEADDR, 1) : 0;
}

int hy__socket_share_port(intptr_t handle)
{
    return hy__socket_set(handle, SOL_SOCKET, SO_REUSEPORT, 1);
}

int hy__socket_disconnect(intptr_t handle, const struct hy_address *local)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    struct hy_address now;
    int rc = result(connect((int)handle, &nobody, sizeof nobody));
    if (rc >= 0)
        rc = hy__socket_local(handle, &now);
    /* Linux takes a port along that it chose itself (port 0 at the bind). */
    if (rc >= 0 && hy_address_port(&now) == 0)
        rc = hy__socket_bind(handle, local);
    return rc;
}

ssize_t hy__socket_send_datagram(intptr_t handle, const struct hy_address *to, const void *data,
                                 size_t size)
{
    const struct sockaddr *system = to != NULL ? hy__address_system(to) : NULL;
    const socklen_t system_size = to != NULL ? hy__address_size(to) : 0;
    ssize_t sent;
    do
        sent = sendto((int)handle, data, size, MSG_DONTWAIT, system, system_size);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

int hy__socket_send_batch(intptr_t handle, struct hy__outgoing *outgoing, unsigned count)
{
    int rc;
    do
        rc = result(sendmmsg((int)handle, outgoing->headers, count, MSG_DONTWAIT));
    while (rc == -EINTR);
    return rc;
}

int hy__socket_receive_batch(intptr_t handle, struct hy__incoming *incoming, int *ret_error)
{
    int count = recvmmsg((int)handle, incoming->headers, HY__INCOMING, MSG_DONTWAIT, NULL);
    *ret_error = count < 0 && errno != EAGAIN && errno != EINTR ? errno : 0;
    return count < 0 ? 0 : count;
}

/* The kernel doubles what it is asked for, to have room for its bookkeeping, and tells the double.
 */
static int granted_buffer(intptr_t handle)
{
    int doubled = 0;
    socklen_t size = sizeof doubled;
    if (getsockopt((int)handle, SOL_SOCKET, SO_RCVBUF, &doubled, &size) < 0)
        return 0;
    return doubled / 2;
}

int hy__socket_set_receive_buffer(intptr_t handle, int asked)
{
    if (asked > 0) {
        /* Failures show in what is granted. */
        hy__socket_set(handle, SOL_SOCKET, SO_RCVBUF, asked);
        if (granted_buffer(handle) < asked)
            hy__socket_set(handle, SOL_SOCKET, SO_RCVBUFFORCE, asked);
    }
    return granted_buffer(handle);
}

/*
 * SO_MEMINFO has the count of this moment; the ancillary data of SO_RXQ_OVFL would tell of a drop
 * only with the next datagram that is not dropped, and cost a little on every one.
 */
bool hy__socket_drops(intptr_t handle, uint32_t *ret_drops)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t size = sizeof info;
    if (getsockopt((int)handle, SOL_SOCKET, SO_MEMINFO, info, &size) < 0 ||
        size <= SK_MEMINFO_DROPS * sizeof info[0])
        return false;
    *ret_drops = info[SK_MEMINFO_DROPS];
    return true;
}

void hy__socket_hear_own_groups(intptr_t handle, int family)
{
    /* Old kernels lack the IPv6 one. */
    hy__socket_set(handle, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    if (family == AF_INET6)
        hy__socket_set(handle, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
}

int hy__socket_set_multicast_interface(intptr_t handle, int family, unsigned interface_index)
{
    const int number = (int)interface_index;
    const struct ip_mreqn ipv4 = {.imr_ifindex = number};
    int rc = result(setsockopt((int)handle, IPPROTO_IP, IP_MULTICAST_IF, &ipv4, sizeof ipv4));
    return family == AF_INET6 ? hy__socket_set(handle, IPPROTO_IPV6, IPV6_MULTICAST_IF, number)
                              : rc;
}

int hy__socket_join(intptr_t handle, const struct hy_address *group, unsigned interface_index,
                    bool joining)
{
    struct group_req request = {.gr_interface = interface_index};
    memcpy(&request.gr_group, group->storage_, hy__address_size(group));
    return result(
        setsockopt((int)handle, hy__address_family(group) == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
                   joining ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP, &request, sizeof request));
}

/* --- interfaces ------------------------------------------------------------------------------ */

unsigned hy__interface_index(const char *name)
{
    return if_nametoindex(name);
}

bool hy__interface_name(unsigned interface_index, char name[HY__INTERFACE_NAME_SIZE])
{
    return if_indextoname(interface_index, name) != NULL;
}
