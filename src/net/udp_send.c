/* SPDX-License-Identifier: MIT */
/*
 * The peer, and sending, one datagram or many. In the home thread the system is called at once and
 * its answer returned; from another thread the datagram travels as a command (udp.c).
 */
#include "udp_private.h"

#include <stdio.h>

/* --- connecting ------------------------------------------------------------------------------ */

/* target: as the socket's family wants it. */
static int make_target(const struct hy_udp_socket_private *priv, const struct hy_address *address,
                       struct hy_address *ret_target)
{
    const int family = hy__address_family(address);
    if (family == AF_UNSPEC)
        return hy_error_set(-HY_EINVAL, "there is no address to send to");
    if (hy_address_port(address) == 0)
        return hy_error_set(-HY_EINVAL, "%s has port 0; nothing can be sent there",
                            hy_address_to_text(address).text);
    if (family != priv->family &&
        (priv->family == AF_INET || (priv->flags & HY_UDP_IPV6_ONLY) != 0))
        return hy_error_set(-HY_EINVAL, "%s cannot be reached from the socket on %s, which is %s",
                            hy_address_to_text(address).text, hy_address_to_text(&priv->local).text,
                            priv->family == AF_INET ? "IPv4" : "IPv6 only");
    *ret_target = *address;
    if (family != priv->family)
        hy__address_map(ret_target);
    return 0;
}

static int forget_peer(struct hy_udp_socket_private *priv)
{
    priv->is_connected = false;
    int rc = priv->handle >= 0 ? hy__socket_disconnect(priv->handle, &priv->local) : 0;
    return rc < 0 ? hy_error_set_system(-rc, "cannot take the peer of %s away",
                                        hy_address_to_text(&priv->local).text)
                  : 0;
}

static int connect_action(struct hy_udp_socket *self, const struct udp_command *command)
{
    struct hy_udp_socket_private *priv = self->priv;
    enum hy_address_family family = hy_address_get_family(&command->address);
    if (family == HY_ADDRESS_NONE)
        return forget_peer(priv);
    const struct hy_address any = hy_address_any(family, 0);
    int rc = priv->handle >= 0 ? 0 : hy__udp_open(self, &any, 0);
    if (rc < 0)
        return rc;
    struct hy_address target = command->address;
    rc = make_target(priv, &command->address, &target);
    if (rc < 0)
        return rc;
    rc = hy__socket_connect(priv->handle, &target);
    if (rc < 0)
        return hy_error_set_system(-rc, "cannot connect to %s",
                                   hy_address_to_text(&command->address).text);
    priv->peer = command->address;
    priv->is_connected = true;
    return 0;
}

int hy_udp_socket_connect(struct hy_udp_socket *self, const struct hy_address *peer)
{
    struct udp_command command = {.action = connect_action};
    if (peer != NULL) {
        if (hy_address_get_family(peer) == HY_ADDRESS_NONE)
            return hy_error_set(-HY_EINVAL, "hy_udp_socket_connect: the peer has no address");
        command.address = *peer;
    }
    return hy__udp_submit(self, &command);
}

/* --- one datagram ----------------------------------------------------------------------------- */

/* Keeps a promise: `writable` when there is room again. */
static int refuse_for_now(struct hy_udp_socket_private *priv)
{
    if (!priv->wants_room) {
        int rc = hy_notifier_watch(priv->notifier, priv->handle,
                                   (unsigned)HY_READABLE | (unsigned)HY_WRITABLE);
        if (rc < 0)
            return rc;
        priv->wants_room = true;
    }
    return hy_error_set(-HY_EAGAIN, "the send buffer is full; send again after `writable`");
}

static int refuse(struct hy_udp_socket_private *priv, int error, const struct hy_address *to,
                  size_t size)
{
    const enum hy__socket_problem problem = hy__socket_problem(error);
    if (problem == HY__SOCKET_AGAIN)
        return refuse_for_now(priv);
    hy__udp_count(&priv->counters.send_errors, 1);
    const struct hy_address_text text = hy_address_to_text(to != NULL ? to : &priv->peer);
    if (problem == HY__SOCKET_TOO_LARGE)
        return hy_error_set(-HY_EMSGSIZE,
                            "a datagram of %zu bytes is too large to reach %s; UDP carries at "
                            "most %d bytes over IPv4",
                            size, text.text, HY_UDP_IPV4_SIZE_MAX);
    if (problem == HY__SOCKET_FORBIDDEN)
        return hy_error_set(-HY_EACCES,
                            "sending to %s is not permitted; if it is a broadcast address, call "
                            "hy_udp_socket_set_broadcast() first",
                            text.text);
    return hy_error_set_system(error, "cannot send to %s", text.text);
}

/* As refuse(), for what is wrong before the system is asked; the last error is set. */
static int refuse_argument(struct hy_udp_socket_private *priv, int rc)
{
    hy__udp_count(&priv->counters.send_errors, 1);
    return rc;
}

/*
 * An earlier datagram was refused by the peer; the system says so at the next call instead of
 * sending. It is no failure of that call, so the call is repeated and this comes as a signal, last
 * of all, for a slot may end the socket.
 */
static void report_refusal(struct hy_udp_socket *self)
{
    struct hy_error error = {.code = HY_ECONNREFUSED};
    snprintf(error.message, sizeof error.message, "%s refused a datagram: nobody listens there",
             hy_address_to_text(&self->priv->peer).text);
    hy_emit(&self->events.error, &error);
}

static bool was_refused(ssize_t rc)
{
    return rc < 0 && hy__socket_problem((int)-rc) == HY__SOCKET_REFUSED;
}

static int check_content(const void *data, size_t size)
{
    if (data == NULL && size > 0)
        return hy_error_set(-HY_EINVAL, "hy_udp_socket_send: data is NULL, size is %zu", size);
    if (size > HY_UDP_IPV6_SIZE_MAX)
        return hy_error_set(-HY_EMSGSIZE,
                            "a datagram of %zu bytes is too large; UDP carries at most %d bytes "
                            "over IPv4",
                            size, HY_UDP_IPV4_SIZE_MAX);
    return 0;
}

/* Sees to an open socket and gives the address as the socket wants it. */
static int prepare(struct hy_udp_socket *self, const struct hy_address *to,
                   struct hy_address *ret_target)
{
    struct hy_udp_socket_private *priv = self->priv;
    if (to == NULL) {
        if (!priv->is_connected)
            return hy_error_set(-HY_ENOTCONN, "the UDP socket has no peer; give an address or call "
                                              "hy_udp_socket_connect()");
        memset(ret_target, 0, sizeof *ret_target);
        return 0;
    }
    if (priv->handle < 0 && hy_address_get_family(to) != HY_ADDRESS_NONE) {
        const struct hy_address any = hy_address_any(hy_address_get_family(to), 0);
        int rc = hy__udp_open(self, &any, 0);
        if (rc < 0)
            return rc;
    }
    return make_target(priv, to, ret_target);
}

static int send_now(struct hy_udp_socket *self, const struct hy_address *to, const void *data,
                    size_t size)
{
    struct hy_udp_socket_private *priv = self->priv;
    struct hy_address target = {{0}};
    int rc = check_content(data, size);
    if (rc >= 0)
        rc = prepare(self, to, &target);
    if (rc < 0)
        return refuse_argument(priv, rc);
    const struct hy_address *address = to != NULL ? &target : NULL;
    ssize_t sent = hy__socket_send_datagram(priv->handle, address, data, size);
    const bool refused = was_refused(sent);
    if (refused)
        sent = hy__socket_send_datagram(priv->handle, address, data, size);
    if (sent < 0) {
        rc = refuse(priv, (int)-sent, to, size);
    } else {
        hy__udp_count(&priv->counters.sent, 1);
        hy__udp_count(&priv->counters.sent_bytes, (uint64_t)sent);
        rc = (int)sent;
    }
    if (refused)
        report_refusal(self);
    return rc;
}

static int send_action(struct hy_udp_socket *self, const struct udp_command *command)
{
    bool to_peer = hy_address_get_family(&command->address) == HY_ADDRESS_NONE;
    int rc = send_now(self, to_peer ? NULL : &command->address, command->data, command->size);
    /* There is nobody to send it again. */
    if (rc == -HY_EAGAIN)
        hy__udp_count(&self->priv->counters.send_errors, 1);
    return rc;
}

int hy_udp_socket_send(struct hy_udp_socket *self, const struct hy_address *to, const void *data,
                       size_t size)
{
    if (hy_object_is_here(&self->hy) && self->priv != NULL)
        return send_now(self, to, data, size);
    struct udp_command command = {.action = send_action, .data = data, .size = size};
    int rc = check_content(data, size);
    if (rc < 0)
        return rc;
    if (to != NULL && hy_address_get_family(to) == HY_ADDRESS_NONE)
        return hy_error_set(-HY_EINVAL, "hy_udp_socket_send: there is no address to send to");
    if (to != NULL)
        command.address = *to;
    return hy__udp_submit(self, &command);
}

/* --- many at once ---------------------------------------------------------------------------- */

struct chunk {
    struct hy__outgoing outgoing;
    struct hy_address targets[HY__OUTGOING];
};

/* Fills the chunk up to the first datagram that cannot be sent; returns how many, or its error when
 * it is the very first. */
static int fill(struct hy_udp_socket *self, struct chunk *chunk,
                const struct hy_outgoing_datagram *datagrams, size_t count)
{
    int filled = 0;
    for (; filled < HY__OUTGOING && (size_t)filled < count; filled++) {
        const struct hy_outgoing_datagram *datagram = &datagrams[filled];
        struct hy_address *target = &chunk->targets[filled];
        int rc = check_content(datagram->data, datagram->size);
        if (rc >= 0)
            rc = prepare(self, datagram->to, target);
        if (rc < 0)
            return filled > 0 ? filled : rc;
        hy__outgoing_place(&chunk->outgoing, (unsigned)filled, datagram->to != NULL ? target : NULL,
                           datagram->data, datagram->size);
    }
    return filled;
}

/* Sends one chunk; as hy_udp_socket_send_batch(). refused: an earlier datagram was. */
static int send_chunk(struct hy_udp_socket *self, const struct hy_outgoing_datagram *datagrams,
                      size_t count, bool *refused)
{
    struct hy_udp_socket_private *priv = self->priv;
    struct chunk chunk;
    int filled = fill(self, &chunk, datagrams, count);
    if (filled < 0)
        return filled;
    int sent = hy__socket_send_batch(priv->handle, &chunk.outgoing, (unsigned)filled);
    if (was_refused(sent) && !*refused) {
        *refused = true;
        sent = hy__socket_send_batch(priv->handle, &chunk.outgoing, (unsigned)filled);
    }
    if (sent < 0)
        return refuse(priv, -sent, datagrams[0].to, datagrams[0].size);
    uint64_t bytes = 0;
    for (int i = 0; i < sent; i++)
        bytes += datagrams[i].size;
    hy__udp_count(&priv->counters.sent, (uint64_t)sent);
    hy__udp_count(&priv->counters.sent_bytes, bytes);
    return sent;
}

int hy_udp_socket_send_batch(struct hy_udp_socket *self,
                             const struct hy_outgoing_datagram *datagrams, size_t count)
{
    int rc = hy_object_check_thread(&self->hy, "hy_udp_socket_send_batch");
    if (rc < 0)
        return rc;
    if (self->priv == NULL)
        return hy_error_set(-HY_ESHUTDOWN, "the UDP socket has not been initialised");
    if (count > INT32_MAX || (datagrams == NULL && count > 0))
        return hy_error_set(-HY_EINVAL, "hy_udp_socket_send_batch: datagrams or count is wrong");
    size_t total = 0;
    bool refused = false;
    while (total < count) {
        rc = send_chunk(self, datagrams + total, count - total, &refused);
        if (rc <= 0)
            break;
        total += (size_t)rc;
    }
    if (refused)
        report_refusal(self);
    return total > 0 ? (int)total : rc;
}
