/* SPDX-License-Identifier: MIT */
/*
 * The UDP socket as an object: making, opening, closing, moving, and the way a call takes from
 * another thread to the home thread. The descriptor is open exactly while `handle` is not negative,
 * and then the notifier watches it.
 */
#include "udp_private.h"

static void discard(struct hy_udp_socket_private *priv);

/* --- the class ------------------------------------------------------------------------------- */

static void socket_fini(struct hy_object *object)
{
    struct hy_udp_socket *self = (struct hy_udp_socket *)(void *)object;
    struct hy_udp_socket_private *priv = self->priv;
    if (priv == NULL)
        return;
    self->priv = NULL;
    discard(priv);
    hy__mutex_fini(&priv->guard);
    hy_memory_release(priv);
}

static void socket_leave_thread(struct hy_object *object)
{
    struct hy_udp_socket *self = (struct hy_udp_socket *)(void *)object;
    if (self->priv != NULL)
        hy__udp_abandon_frames(self->priv);
}

static void socket_enter_thread(struct hy_object *object)
{
    struct hy_udp_socket *self = (struct hy_udp_socket *)(void *)object;
    if (self->priv == NULL || self->priv->batch == NULL)
        return;
    /* Without memory for this, the rest comes with the next datagram. */
    if (hy_invoke(object, hy__udp_deliver_rest, NULL, NULL) < 0)
        hy_log(HY_LOG_WARNING, "udp", "datagrams wait for the next one: %s",
               hy_last_error()->message);
}

const struct hy_class hy_udp_socket_class =
    HY_CLASS(struct hy_udp_socket, .fini = socket_fini, .leave_thread = socket_leave_thread,
             .enter_thread = socket_enter_thread,
             .signals = HY_SIGNALS(HY_BORROWED(struct hy_udp_socket, events.datagram),
                                   HY_BORROWED(struct hy_udp_socket, events.batch),
                                   HY_PLAIN(struct hy_udp_socket, events.error),
                                   HY_NO_PAYLOAD(struct hy_udp_socket, events.writable)));

/* What both constructors do once the object is there. */
static int set_up(struct hy_udp_socket *self)
{
    struct hy_udp_socket_private *priv = hy_memory_allocate_zeroed(sizeof *priv);
    if (priv == NULL)
        return -HY_ENOMEM;
    priv->handle = -1;
    priv->receive_buffer_asked = HY_UDP_RECEIVE_BUFFER;
    priv->datagram_size_max = UDP_DATAGRAM_SIZE_MAX;
    priv->multicast_loopback = priv->multicast_ttl = priv->multicast_interface = -1;
    hy__mutex_init(&priv->guard);
    self->priv = priv;
    struct hy_object *notifier;
    int rc = hy_object_create(&hy_notifier_class, &self->hy, &notifier);
    if (rc < 0)
        return rc;
    priv->notifier = (struct hy_notifier *)(void *)notifier;
    rc = hy_connect(&priv->notifier->events.ready, self, hy__udp_ready, HY_DIRECT);
    return rc < 0 ? rc : 0;
}

int hy_udp_socket_init(struct hy_udp_socket *self, struct hy_object *parent)
{
    self->priv = NULL;
    int rc = hy_object_init(&self->hy, &hy_udp_socket_class, parent);
    if (rc < 0)
        return rc;
    rc = set_up(self);
    if (rc < 0)
        hy_object_fini(&self->hy);
    return rc;
}

int hy_udp_socket_create(struct hy_object *parent, struct hy_udp_socket **ret_socket)
{
    struct hy_object *object;
    int rc = hy_object_create(&hy_udp_socket_class, parent, &object);
    if (rc < 0)
        return rc;
    struct hy_udp_socket *self = (struct hy_udp_socket *)(void *)object;
    rc = set_up(self);
    if (rc < 0)
        hy_object_destroy(object);
    else
        *ret_socket = self;
    return rc;
}

int hy_udp_socket_fini(struct hy_udp_socket *self)
{
    return hy_object_fini(&self->hy);
}

/* --- calls from any thread ------------------------------------------------------------------- */

static int command_copy(void *to, const void *from)
{
    const struct udp_command *command = from;
    struct udp_command copy = *command;
    if (command->size > 0) {
        void *data = hy_memory_allocate(command->size);
        if (data == NULL)
            return -HY_ENOMEM;
        memcpy(data, command->data, command->size);
        copy.data = data;
    }
    memcpy(to, &copy, sizeof copy);
    return 0;
}

static void command_destroy(void *payload)
{
    const struct udp_command *command = payload;
    if (command->size > 0)
        hy_memory_release((void *)(uintptr_t)command->data);
}

static const struct hy_payload command_payload =
    HY_DESCRIBED_PAYLOAD(struct udp_command, command_copy, command_destroy);

void hy__udp_report(struct hy_udp_socket *self)
{
    struct hy_error error = *hy_last_error();
    hy_emit(&self->events.error, &error);
}

static int run(struct hy_udp_socket *self, const struct udp_command *command)
{
    if (self->priv == NULL)
        return hy_error_set(-HY_ESHUTDOWN, "the UDP socket has not been initialised");
    return command->action(self, command);
}

static void run_queued(struct hy_object *object, const void *payload)
{
    struct hy_udp_socket *self = (struct hy_udp_socket *)(void *)object;
    if (run(self, payload) < 0)
        hy__udp_report(self);
}

int hy__udp_submit(struct hy_udp_socket *self, const struct udp_command *command)
{
    if (hy_object_is_here(&self->hy))
        return run(self, command);
    int rc = hy_invoke(&self->hy, run_queued, &command_payload, command);
    return rc < 0 ? rc : 0;
}

/* --- opening and closing --------------------------------------------------------------------- */

static int make_descriptor(struct hy_udp_socket_private *priv, const struct hy_address *address,
                           unsigned flags)
{
    const int family = hy__address_family(address);
    intptr_t handle = hy__socket_open(family, SOCK_DGRAM);
    if (handle < 0 && hy__socket_problem((int)-handle) == HY__SOCKET_NO_FAMILY)
        return hy_error_set(-HY_ENOTSUP, "cannot open %s: this machine has no %s",
                            hy_address_to_text(address).text, family == AF_INET6 ? "IPv6" : "IPv4");
    if (handle < 0)
        return hy_error_set_system((int)-handle, "cannot open a UDP socket for %s",
                                   hy_address_to_text(address).text);
    priv->handle = handle;
    priv->family = family;
    priv->flags = flags;
    priv->drops_seen = 0;
    return 0;
}

static int set_sharing(const struct hy_udp_socket_private *priv)
{
    int rc = hy__socket_share_address(priv->handle, (priv->flags & HY_UDP_SHARE_ADDRESS) != 0);
    if (rc < 0)
        return hy_error_set_system(-rc, "cannot choose whether the address is shared");
    if ((priv->flags & HY_UDP_REUSE_PORT) != 0)
        rc = hy__socket_share_port(priv->handle);
    if (rc < 0 && hy__socket_problem(-rc) == HY__SOCKET_NOT_HERE)
        return hy_error_set(-HY_ENOTSUP, "this system shares no port (HY_UDP_REUSE_PORT); take "
                                         "HY_UDP_SHARE_ADDRESS, or one socket");
    if (rc < 0)
        return hy_error_set_system(-rc, "cannot reuse the port");
    if (priv->family == AF_INET6)
        rc = hy__socket_set(priv->handle, IPPROTO_IPV6, IPV6_V6ONLY,
                            (priv->flags & HY_UDP_IPV6_ONLY) != 0);
    if (rc < 0)
        return hy_error_set_system(-rc, "cannot choose between IPv6 only and both");
    return 0;
}

static int refuse_bind(int error, const struct hy_address *address, unsigned flags)
{
    const struct hy_address_text text = hy_address_to_text(address);
    const enum hy__socket_problem problem = hy__socket_problem(error);
    if (problem == HY__SOCKET_IN_USE)
        return hy_error_set(-HY_EADDRINUSE, "%s is in use by another program%s", text.text,
                            (flags & (HY_UDP_SHARE_ADDRESS | HY_UDP_REUSE_PORT)) != 0
                                ? " that does not share it"
                                : "");
    if (problem == HY__SOCKET_NO_ADDRESS)
        return hy_error_set(-HY_EADDRNOTAVAIL, "no interface of this machine has the address %s",
                            text.text);
    if (problem == HY__SOCKET_FORBIDDEN && hy_address_port(address) < 1024)
        return hy_error_set(-HY_EACCES,
                            "%s is not permitted: a port below 1024 needs a privilege; take a "
                            "larger one",
                            text.text);
    return hy_error_set_system(error, "cannot bind %s", text.text);
}

/* What other threads see of the socket: open from here on, or, without an address, closed. */
static void publish_local(struct hy_udp_socket_private *priv, const struct hy_address *local)
{
    hy__mutex_lock(&priv->guard);
    priv->local = *local;
    hy__mutex_unlock(&priv->guard);
}

static int bind_descriptor(struct hy_udp_socket_private *priv, const struct hy_address *address,
                           struct hy_address *ret_local)
{
    int rc = hy__socket_bind(priv->handle, address);
    if (rc < 0)
        return refuse_bind(-rc, address, priv->flags);
    rc = hy__socket_local(priv->handle, ret_local);
    return rc < 0 ? hy_error_set_system(-rc, "cannot read the address of the socket") : 0;
}

static int open_steps(struct hy_udp_socket *self, const struct hy_address *address, unsigned flags)
{
    struct hy_udp_socket_private *priv = self->priv;
    struct hy_address local = {{0}};
    int rc = make_descriptor(priv, address, flags);
    if (rc >= 0)
        rc = set_sharing(priv);
    if (rc >= 0)
        rc = hy__udp_apply_options(self, address);
    if (rc >= 0)
        rc = bind_descriptor(priv, address, &local);
    if (rc >= 0 && (priv->spare = hy__udp_batch_create(priv->datagram_size_max)) == NULL)
        rc = -HY_ENOMEM;
    if (rc >= 0)
        rc = hy_notifier_watch(priv->notifier, priv->handle, HY_READABLE);
    if (rc >= 0)
        publish_local(priv, &local);
    return rc;
}

int hy__udp_open(struct hy_udp_socket *self, const struct hy_address *address, unsigned flags)
{
    int rc = open_steps(self, address, flags);
    if (rc < 0)
        discard(self->priv);
    return rc < 0 ? rc : 0;
}

/* Closes the descriptor and lets go of everything that belonged to it. */
static void discard(struct hy_udp_socket_private *priv)
{
    hy__udp_abandon_frames(priv);
    if (priv->handle >= 0) {
        hy__udp_read_drops(priv);
        hy_notifier_unwatch(priv->notifier);
        hy__socket_close(priv->handle);
        priv->handle = -1;
    }
    __atomic_store_n(&priv->receive_buffer, 0, __ATOMIC_RELAXED);
    priv->is_connected = priv->wants_room = false;
    const struct hy_address none = {{0}};
    publish_local(priv, &none);
    if (priv->batch != NULL)
        hy__udp_batch_release(NULL, priv->batch);
    hy_memory_release(priv->spare);
    priv->batch = priv->spare = NULL;
}

static int bind_action(struct hy_udp_socket *self, const struct udp_command *command)
{
    struct hy_udp_socket_private *priv = self->priv;
    if (priv->handle >= 0)
        return hy_error_set(-HY_EBUSY, "cannot bind %s: the socket is open on %s; close it first",
                            hy_address_to_text(&command->address).text,
                            hy_address_to_text(&priv->local).text);
    return hy__udp_open(self, &command->address, command->number);
}

int hy_udp_socket_bind_address(struct hy_udp_socket *self, const struct hy_address *address,
                               unsigned flags)
{
    const unsigned known =
        HY_UDP_SHARE_ADDRESS | HY_UDP_REUSE_PORT | HY_UDP_STRICT_BUFFER | HY_UDP_IPV6_ONLY;
    if (address == NULL || hy_address_get_family(address) == HY_ADDRESS_NONE)
        return hy_error_set(-HY_EINVAL, "hy_udp_socket_bind_address: there is no address");
    if ((flags & ~known) != 0)
        return hy_error_set(-HY_EINVAL, "hy_udp_socket_bind: the flags 0x%x are unknown",
                            flags & ~known);
    const struct udp_command command = {
        .action = bind_action, .address = *address, .number = flags};
    return hy__udp_submit(self, &command);
}

int hy_udp_socket_bind(struct hy_udp_socket *self, const char *text, unsigned flags)
{
    struct hy_address address;
    int rc = hy_address_parse(text, &address);
    return rc < 0 ? rc : hy_udp_socket_bind_address(self, &address, flags);
}

static int close_action(struct hy_udp_socket *self, const struct udp_command *command)
{
    (void)command;
    discard(self->priv);
    return 0;
}

int hy_udp_socket_close(struct hy_udp_socket *self)
{
    const struct udp_command command = {.action = close_action};
    return hy__udp_submit(self, &command);
}

/* --- questions ------------------------------------------------------------------------------- */

static struct hy_address read_local(const struct hy_udp_socket *self)
{
    struct hy_address local = {{0}};
    if (self->priv != NULL) {
        hy__mutex_lock(&self->priv->guard);
        local = self->priv->local;
        hy__mutex_unlock(&self->priv->guard);
    }
    return local;
}

bool hy_udp_socket_is_open(const struct hy_udp_socket *self)
{
    const struct hy_address local = read_local(self);
    return hy_address_get_family(&local) != HY_ADDRESS_NONE;
}

int hy_udp_socket_local_address(const struct hy_udp_socket *self, struct hy_address *ret_address)
{
    const struct hy_address local = read_local(self);
    if (hy_address_get_family(&local) == HY_ADDRESS_NONE)
        return hy_error_set(-HY_ENOTCONN, "the UDP socket is not open; bind it first");
    *ret_address = local;
    return 0;
}

void hy__udp_read_drops(struct hy_udp_socket_private *priv)
{
    uint32_t drops;
    if (priv->handle < 0 || !hy__socket_drops(priv->handle, &drops))
        return;
    /* The system's counter wraps; the difference does not mind. */
    hy__udp_count(&priv->counters.kernel_drops, drops - priv->drops_seen);
    priv->drops_seen = drops;
}

static uint64_t load(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

struct hy_udp_socket_counters hy_udp_socket_get_counters(struct hy_udp_socket *self)
{
    struct hy_udp_socket_private *priv = self->priv;
    struct hy_udp_socket_counters result = {0};
    if (priv == NULL)
        return result;
    if (hy_object_is_here(&self->hy))
        hy__udp_read_drops(priv);
    const struct hy_udp_socket_counters *counters = &priv->counters;
    result.datagrams = load(&counters->datagrams);
    result.bytes = load(&counters->bytes);
    result.unheard = load(&counters->unheard);
    result.truncated = load(&counters->truncated);
    result.kernel_drops = load(&counters->kernel_drops);
    result.sent = load(&counters->sent);
    result.sent_bytes = load(&counters->sent_bytes);
    result.send_errors = load(&counters->send_errors);
    return result;
}
