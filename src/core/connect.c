/* SPDX-License-Identifier: MIT */
/* Connecting. Cutting is in cut.c, the end of a sender in close.c. */
#include "core/hub.h"

static uint64_t next_id; /* atomic */

uint64_t hy__last_connection_id(void)
{
    return __atomic_load_n(&next_id, __ATOMIC_RELAXED);
}

/* --- checks ------------------------------------------------------------------------------------
 */

/* From the beginning of its fini: whatever is connected afterwards, nobody would cut. */
static bool is_dead(const struct hy_object *object)
{
    struct hy_anchor *anchor = object->anchor;
    if (anchor == NULL || hy__anchor_is_lost(anchor))
        return true;
    hy__lock(&anchor->lock);
    bool dead = anchor->dead;
    hy__unlock(&anchor->lock);
    return dead;
}

static int check_flags(const struct hy_signal_spec *spec, unsigned flags,
                       const struct hy_connect_options *options)
{
    unsigned how = flags & (HY_DIRECT | HY_QUEUED | HY_BLOCKING);
    unsigned kept = flags & (HY_LATEST | HY_BOUNDED);
    const char *name = spec->name;
    if ((how & (how - 1)) != 0)
        return hy_error_set(-HY_EINVAL,
                            "a connection to %s is either direct, queued or blocking: choose one",
                            name);
    if ((flags & ~((unsigned)HY_CONTEXT_ * 2 - 1)) != 0)
        return hy_error_set(-HY_EINVAL, "connecting %s with flags that do not exist: 0x%x", name,
                            flags);
    if ((kept & (kept - 1)) != 0)
        return hy_error_set(-HY_EINVAL, "a connection to %s is HY_LATEST or HY_BOUNDED, not both",
                            name);
    if (kept != 0 && (how & (HY_DIRECT | HY_BLOCKING)) != 0)
        return hy_error_set(-HY_EINVAL,
                            "a direct or blocking connection to %s queues nothing that HY_LATEST "
                            "or HY_BOUNDED could limit",
                            name);
    if ((flags & HY_BOUNDED) != 0 &&
        (options == NULL || options->limit == 0 || (unsigned)options->overflow > 2))
        return hy_error_set(-HY_EINVAL,
                            "a bounded connection to %s needs a limit of at least 1 and an "
                            "overflow of enum hy_overflow",
                            name);
    if (options != NULL && options->timeout_ns < 0)
        return hy_error_set(-HY_EINVAL, "connecting %s with a negative time-out", name);
    return 0;
}

static int check_ends(const struct hy_signal_base *signal, const struct hy_object *receiver,
                      hy_slot slot)
{
    if (signal == NULL || signal->spec == NULL || signal->owner == NULL)
        return hy_error_set(-HY_EINVAL,
                            "the class of the sender does not name this signal; list it "
                            "in HY_SIGNALS() and initialise the object");
    if (receiver == NULL || slot == NULL)
        return hy_error_set(-HY_EINVAL, "connecting %s needs a receiver and a slot",
                            signal->spec->name);
    bool sender_dead = is_dead(signal->owner);
    if (sender_dead || is_dead(receiver))
        return hy_error_set(-HY_ESHUTDOWN, "cannot connect %s: %s is dead or being finished",
                            signal->spec->name, sender_dead ? "the sender" : "the receiver");
    return 0;
}

static int check_payload(const struct hy_signal_spec *spec, unsigned flags,
                         const struct hy_connect_options *options)
{
    bool copied = (flags & HY_DIRECT) == 0;
    if ((flags & HY_BLOCKING) != 0)
        copied = options != NULL && options->timeout_ns != 0;
    if (spec->payload.kind == HY_PAYLOAD_BORROWED && copied)
        return hy_error_set(-HY_EBORROWED,
                            "%s carries a borrowed payload, valid during the call only: connect it "
                            "HY_DIRECT and send on a copy of what you need",
                            spec->payload.name);
    return 0;
}

/* --- connecting --------------------------------------------------------------------------------
 */

/* Into the receiver's list; false when it is dead. Hub lock held. */
static bool link_incoming(struct hy_anchor *anchor, struct hy__connection *connection)
{
    hy__lock(&anchor->lock);
    bool alive = !anchor->dead;
    if (alive) {
        connection->u.in_previous = NULL;
        connection->in_next = anchor->incoming;
        if (anchor->incoming != NULL)
            anchor->incoming->u.in_previous = connection;
        anchor->incoming = connection;
    }
    hy__unlock(&anchor->lock);
    return alive;
}

static void link_last(struct hy_hub *hub, struct hy__connection *connection, uint64_t id)
{
    connection->previous = hub->tail;
    if (hub->tail != NULL)
        __atomic_store_n(&hub->tail->next, connection, __ATOMIC_SEQ_CST);
    else
        __atomic_store_n(&hub->head, connection, __ATOMIC_SEQ_CST);
    hub->tail = connection;
    /* Release: an emission that includes this id finds the connection linked. A blocked signal's
     * emissions go up to 0. */
    if (hub->blocked == 0)
        __atomic_store_n(&hub->last_id, id, __ATOMIC_RELEASE);
}

/* Hub lock held. */
static bool has_same(const struct hy_hub *hub, const struct hy_anchor *anchor, hy_slot slot,
                     const void *context)
{
    for (struct hy__connection *connection = hub->head; connection != NULL;
         connection = connection->next) {
        const void *its_context = NULL;
        if (hy__connection_slot(connection, &its_context) == slot && its_context == context &&
            connection->anchor == anchor &&
            !hy__is_spent(__atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED)))
            return true;
    }
    return false;
}

/* A connection that is being made: what it is made of. */
struct making {
    struct hy_hub *hub;
    struct hy__connection *connection;
    struct hy__extension *extension; /* NULL: plain */
    struct hy__message *made;        /* tells the owner, in another thread; or NULL */
    hy_slot slot;
    unsigned flags;
    const void *context;
    uint64_t id;
};

static void unmake(struct making *making)
{
    if (making->made != NULL)
        hy__message_discard(making->made);
    if (making->extension != NULL)
        hy__extension_discard(making->extension);
    if (making->connection != NULL)
        hy__connection_release(making->connection);
}

static int prepare(struct making *making, struct hy_signal_base *signal,
                   const struct hy_connect_options *options)
{
    making->hub = hy__hub_of(signal);
    making->connection = making->hub != NULL ? hy__connection_allocate() : NULL;
    int rc = making->connection != NULL ? 0 : -HY_ENOMEM;
    if (rc == 0 && hy__extension_is_needed(signal, making->flags, options)) {
        making->extension = hy__extension_create(signal, making->slot, making->flags, options);
        rc = making->extension != NULL ? 0 : -HY_ENOMEM;
        if (rc == 0 && hy__change_is_wanted(signal))
            rc = hy__change_prepare(making->extension, &making->made);
    }
    if (rc < 0)
        unmake(making);
    return rc;
}

/* Hub lock held. */
static int link_both(struct making *making, struct hy_anchor *anchor)
{
    struct hy_hub *hub = making->hub;
    struct hy__connection *connection = making->connection;
    if ((making->flags & HY_UNIQUE) != 0 && has_same(hub, anchor, making->slot, making->context))
        return -HY_EEXIST;
    connection->hub = hub; /* the receiver's end looks at it as soon as it is in its list */
    connection->anchor = anchor;
    if (__atomic_load_n(&hub->closed, __ATOMIC_RELAXED) != 0 || !link_incoming(anchor, connection))
        return -HY_ESHUTDOWN;
    /* Relaxed: published by linking. A queued message that still names this memory reads slot and
     * id atomically. */
    __atomic_store_n(&connection->next, NULL, __ATOMIC_RELAXED);
    /* Under the lock, so that ids grow along the list. Relaxed: only uniqueness is asked for. */
    making->id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
    uint64_t flags = making->flags & HY__FLAGS_OF_USER;
    hy_slot slot = making->slot;
    if (making->extension != NULL) {
        making->extension->connection = connection;
        making->extension->id = making->id;
        flags |= HY__FLAG_EXTENDED;
        slot = hy__extension_as_slot(making->extension);
    }
    /* Release: who finds the id finds the rest; a slot is never seen with an older id. */
    __atomic_store_n(&connection->id_flags, making->id << HY__ID_SHIFT | flags, __ATOMIC_RELEASE);
    __atomic_store_n(&connection->slot, slot, __ATOMIC_RELEASE);
    link_last(hub, connection, making->id);
    return 0;
}

static int establish(struct hy_signal_base *signal, struct hy_object *receiver,
                     struct making *making, const struct hy_connect_options *options)
{
    int rc = check_ends(signal, receiver, making->slot);
    rc = rc < 0 ? rc : check_flags(signal->spec, making->flags, options);
    rc = rc < 0 ? rc : check_payload(signal->spec, making->flags, options);
    rc = rc < 0 ? rc : prepare(making, signal, options);
    if (rc < 0)
        return rc;
    struct hy_anchor *anchor = receiver->anchor;
    hy__anchor_ref(anchor); /* the connection's */
    hy__lock(&making->hub->lock);
    rc = link_both(making, anchor);
    hy__unlock(&making->hub->lock);
    if (rc < 0) {
        unmake(making);
        hy__anchor_unref(anchor);
        return hy_error_set(rc,
                            rc == -HY_EEXIST
                                ? "%s is connected to this slot of the receiver already"
                                : "cannot connect %s: sender or receiver is being finished",
                            signal->spec->name);
    }
    if (making->extension != NULL) {
        hy__change_made(making->extension, making->made);
        hy__extension_unref(making->extension);
    }
    return 0;
}

int hy_signal_connect(struct hy_signal_base *signal, struct hy_object *receiver, hy_slot slot,
                      unsigned flags)
{
    struct making making = {.slot = slot, .flags = flags};
    return establish(signal, receiver, &making, NULL);
}

int hy_signal_connect_with(struct hy_signal_base *signal, struct hy_object *receiver, hy_slot slot,
                           unsigned flags, const struct hy_connect_options *options,
                           struct hy_connection *ret_connection)
{
    struct making making = {.slot = slot, .flags = flags};
    if (options != NULL) {
        making.flags |=
            options->flags & ~(unsigned)(HY_IGNORES_PAYLOAD_ | HY_RETURNS_ | HY_CONTEXT_);
        making.context = options->context;
    }
    int rc = establish(signal, receiver, &making, options);
    if (rc < 0 && options != NULL && options->destroy != NULL)
        options->destroy(options->context);
    if (rc == 0 && ret_connection != NULL)
        *ret_connection = (struct hy_connection){making.connection, making.id};
    return rc;
}
