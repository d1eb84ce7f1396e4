/* SPDX-License-Identifier: MIT */
/*
 * Options of the UDP socket: the receive buffer, broadcast, multicast. Each is remembered in the
 * private part and applied at once where the socket is open, else when it opens.
 */
#include "udp_private.h"

#include <limits.h>

/* --- the receive buffer ---------------------------------------------------------------------- */

static int apply_receive_buffer(struct hy_udp_socket_private *priv,
                                const struct hy_address *address)
{
    const int asked = priv->receive_buffer_asked;
    const int granted = hy__socket_set_receive_buffer(priv->handle, asked);
    __atomic_store_n(&priv->receive_buffer, granted, __ATOMIC_RELAXED);
    if (granted >= asked)
        return 0;
    static const char format[] =
        "the kernel grants %s a receive buffer of %d bytes, not %d; " HY__BUFFER_ADVICE;
    const struct hy_address_text text = hy_address_to_text(address);
    if ((priv->flags & HY_UDP_STRICT_BUFFER) != 0)
        return hy_error_set(-HY_EACCES, format, text.text, granted, asked, asked);
    hy_log(HY_LOG_WARNING, "udp", format, text.text, granted, asked, asked);
    return 0;
}

static int receive_buffer_action(struct hy_udp_socket *self, const struct udp_command *command)
{
    struct hy_udp_socket_private *priv = self->priv;
    priv->receive_buffer_asked = command->value;
    return priv->handle >= 0 ? apply_receive_buffer(priv, &priv->local) : 0;
}

int hy_udp_socket_set_receive_buffer(struct hy_udp_socket *self, size_t size)
{
    if (size > INT_MAX / 2)
        return hy_error_set(-HY_EINVAL, "a receive buffer of %zu bytes is too large; at most %d",
                            size, INT_MAX / 2);
    const struct udp_command command = {.action = receive_buffer_action, .value = (int)size};
    return hy__udp_submit(self, &command);
}

size_t hy_udp_socket_receive_buffer(const struct hy_udp_socket *self)
{
    if (self->priv == NULL)
        return 0;
    return (size_t)__atomic_load_n(&self->priv->receive_buffer, __ATOMIC_RELAXED);
}

static int datagram_size_action(struct hy_udp_socket *self, const struct udp_command *command)
{
    if (self->priv->handle >= 0)
        return hy_error_set(-HY_EBUSY, "the largest datagram is set before the socket opens; close "
                                       "it first");
    self->priv->datagram_size_max = (size_t)command->value;
    return 0;
}

int hy_udp_socket_set_datagram_size_max(struct hy_udp_socket *self, size_t size)
{
    if (size == 0 || size > UDP_DATAGRAM_SIZE_MAX)
        return hy_error_set(-HY_EINVAL, "a largest datagram of %zu bytes; give 1 to %d", size,
                            UDP_DATAGRAM_SIZE_MAX);
    const struct udp_command command = {.action = datagram_size_action, .value = (int)size};
    return hy__udp_submit(self, &command);
}

/* --- switches -------------------------------------------------------------------------------- */

static int apply_broadcast(struct hy_udp_socket_private *priv)
{
    int rc = hy__socket_set(priv->handle, SOL_SOCKET, SO_BROADCAST, priv->broadcast);
    return rc < 0 ? hy_error_set_system(-rc, "cannot switch broadcast") : 0;
}

/*
 * A multicast option that both families have. An IPv6 socket has it twice, for it may send to IPv4
 * groups; there the IPv4 one is set as well as it goes.
 */
static int apply_multicast(struct hy_udp_socket_private *priv, int ipv4_option, int ipv6_option,
                           int value, const char *what)
{
    int rc = hy__socket_set(priv->handle, IPPROTO_IP, ipv4_option, value);
    if (priv->family == AF_INET6)
        rc = hy__socket_set(priv->handle, IPPROTO_IPV6, ipv6_option, value);
    return rc < 0 ? hy_error_set_system(-rc, "cannot set the %s", what) : 0;
}

static int apply_loopback(struct hy_udp_socket_private *priv)
{
    if (priv->multicast_loopback < 0)
        return 0;
    return apply_multicast(priv, IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP, priv->multicast_loopback,
                           "multicast loopback");
}

static int apply_ttl(struct hy_udp_socket_private *priv)
{
    if (priv->multicast_ttl < 0)
        return 0;
    return apply_multicast(priv, IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS, priv->multicast_ttl,
                           "multicast TTL");
}

static int apply_interface(struct hy_udp_socket_private *priv)
{
    if (priv->multicast_interface < 0)
        return 0;
    int rc = hy__socket_set_multicast_interface(priv->handle, priv->family,
                                                (unsigned)priv->multicast_interface);
    return rc < 0 ? hy_error_set_system(-rc, "cannot set the multicast interface") : 0;
}

int hy__udp_apply_options(struct hy_udp_socket *self, const struct hy_address *address)
{
    struct hy_udp_socket_private *priv = self->priv;
    hy__socket_hear_own_groups(priv->handle, priv->family);
    int rc = apply_receive_buffer(priv, address);
    if (rc >= 0)
        rc = apply_broadcast(priv);
    if (rc >= 0)
        rc = apply_loopback(priv);
    if (rc >= 0)
        rc = apply_ttl(priv);
    if (rc >= 0)
        rc = apply_interface(priv);
    return rc;
}

static int broadcast_action(struct hy_udp_socket *self, const struct udp_command *command)
{
    self->priv->broadcast = command->value != 0;
    return self->priv->handle >= 0 ? apply_broadcast(self->priv) : 0;
}

int hy_udp_socket_set_broadcast(struct hy_udp_socket *self, bool enabled)
{
    const struct udp_command command = {.action = broadcast_action, .value = enabled};
    return hy__udp_submit(self, &command);
}

static int loopback_action(struct hy_udp_socket *self, const struct udp_command *command)
{
    self->priv->multicast_loopback = command->value;
    return self->priv->handle >= 0 ? apply_loopback(self->priv) : 0;
}

int hy_udp_socket_set_multicast_loopback(struct hy_udp_socket *self, bool enabled)
{
    const struct udp_command command = {.action = loopback_action, .value = enabled};
    return hy__udp_submit(self, &command);
}

static int ttl_action(struct hy_udp_socket *self, const struct udp_command *command)
{
    self->priv->multicast_ttl = command->value;
    return self->priv->handle >= 0 ? apply_ttl(self->priv) : 0;
}

int hy_udp_socket_set_multicast_ttl(struct hy_udp_socket *self, int hops)
{
    if (hops < 0 || hops > 255)
        return hy_error_set(-HY_EINVAL, "a multicast TTL of %d; give 0 to 255", hops);
    const struct udp_command command = {.action = ttl_action, .value = hops};
    return hy__udp_submit(self, &command);
}

/* --- interfaces and groups ------------------------------------------------------------------- */

/* 0 for NULL: the system chooses. */
static int find_interface(const char *name, unsigned *ret_index)
{
    if (name == NULL) {
        *ret_index = 0;
        return 0;
    }
    unsigned index = hy__interface_index(name);
    if (index == 0)
        return hy_error_set(
            -HY_ENOENT, "no interface of this machine is called \"%.60s\"; " HY__INTERFACE_ADVICE,
            name);
    *ret_index = index;
    return 0;
}

static int interface_action(struct hy_udp_socket *self, const struct udp_command *command)
{
    self->priv->multicast_interface = (int)command->number;
    return self->priv->handle >= 0 ? apply_interface(self->priv) : 0;
}

int hy_udp_socket_set_multicast_interface(struct hy_udp_socket *self, const char *interface_name)
{
    struct udp_command command = {.action = interface_action};
    int rc = find_interface(interface_name, &command.number);
    return rc < 0 ? rc : hy__udp_submit(self, &command);
}

static int refuse_membership(int error, const char *group, bool joining)
{
    const enum hy__socket_problem problem = hy__socket_problem(error);
    if (problem == HY__SOCKET_IN_USE)
        return hy_error_set(-HY_EEXIST, "the socket has joined %s already", group);
    if (problem == HY__SOCKET_NO_ADDRESS && !joining)
        return hy_error_set(-HY_ENOENT, "the socket is no member of %s", group);
    if (problem == HY__SOCKET_NO_INTERFACE || problem == HY__SOCKET_NO_ADDRESS)
        return hy_error_set(-HY_ENOENT, "no route leads to the group %s; name an interface", group);
    if (problem == HY__SOCKET_NO_MEMORY)
        return hy_error_set(-HY_ENOMEM,
                            "cannot join %s: too many groups for one socket; " HY__GROUPS_ADVICE,
                            group);
    return hy_error_set_system(error, "cannot %s the group %s", joining ? "join" : "leave", group);
}

static int membership(struct hy_udp_socket *self, const struct udp_command *command, bool joining)
{
    struct hy_udp_socket_private *priv = self->priv;
    const int family = hy__address_family(&command->address);
    struct hy_address_text text = hy_address_to_text(&command->address);
    /* A group has no port. */
    *strrchr(text.text, ':') = '\0';
    if (priv->handle < 0)
        return hy_error_set(-HY_ENOTCONN, "cannot %s %s: the UDP socket is not open; bind it first",
                            joining ? "join" : "leave", text.text);
    if (family != priv->family && (family == AF_INET6 || (priv->flags & HY_UDP_IPV6_ONLY) != 0))
        return hy_error_set(-HY_EINVAL, "the group %s and the socket on %s are of different kinds",
                            text.text, hy_address_to_text(&priv->local).text);
    int rc = hy__socket_join(priv->handle, &command->address, command->number, joining);
    return rc < 0 ? refuse_membership(-rc, text.text, joining) : 0;
}

static int join_action(struct hy_udp_socket *self, const struct udp_command *command)
{
    return membership(self, command, true);
}

static int leave_action(struct hy_udp_socket *self, const struct udp_command *command)
{
    return membership(self, command, false);
}

/* Both calls: reads the group and the interface. */
static int submit_membership(struct hy_udp_socket *self, const char *group,
                             const char *interface_name, struct udp_command *command)
{
    int rc = hy_address_parse_host(group, 0, &command->address);
    if (rc >= 0 && !hy_address_is_multicast(&command->address))
        rc = hy_error_set(-HY_EINVAL,
                          "\"%.60s\" is no multicast group; groups are 224.0.0.0 to "
                          "239.255.255.255 and ff00::/8",
                          group);
    if (rc >= 0)
        rc = find_interface(interface_name, &command->number);
    return rc < 0 ? rc : hy__udp_submit(self, command);
}

int hy_udp_socket_join(struct hy_udp_socket *self, const char *group, const char *interface_name)
{
    struct udp_command command = {.action = join_action};
    return submit_membership(self, group, interface_name, &command);
}

int hy_udp_socket_leave(struct hy_udp_socket *self, const char *group, const char *interface_name)
{
    struct udp_command command = {.action = leave_action};
    return submit_membership(self, group, interface_name, &command);
}
