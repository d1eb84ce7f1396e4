/* SPDX-License-Identifier: MIT */
/*
 * Connecting and cutting, from the sender's side, the receiver's, and as either ends.
 */
#include "core/hub.h"

static uint64_t next_id; /* atomic */

/* --- connect -------------------------------------------------------------------------------------
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

static int check_connect(const struct hy_signal_base *signal, const struct hy_object *receiver,
                         hy_slot slot, unsigned flags)
{
    if (signal == NULL || signal->spec == NULL || signal->owner == NULL)
        return hy_error_set(-HY_EINVAL,
                            "the class of the sender does not name this signal; list it "
                            "in HY_SIGNALS() and initialise the object");
    if (receiver == NULL || slot == NULL)
        return hy_error_set(-HY_EINVAL, "connecting %s needs a receiver and a slot",
                            signal->spec->name);
    if ((flags & HY_DIRECT) != 0 && (flags & HY_QUEUED) != 0)
        return hy_error_set(-HY_EINVAL, "a connection to %s is direct or queued, not both",
                            signal->spec->name);
    bool sender_dead = is_dead(signal->owner);
    if (sender_dead || is_dead(receiver))
        return hy_error_set(-HY_ESHUTDOWN, "cannot connect %s: %s is dead or being finished",
                            signal->spec->name, sender_dead ? "the sender" : "the receiver");
    if (signal->spec->payload.kind == HY_PAYLOAD_BORROWED && (flags & HY_DIRECT) == 0)
        return hy_error_set(-HY_EBORROWED,
                            "%s carries a borrowed payload, valid during the call only: connect it "
                            "HY_DIRECT and send on a copy of what you need",
                            signal->spec->payload.name);
    return 0;
}

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
    /* Release: an emission that includes this id finds the connection linked. */
    __atomic_store_n(&hub->last_id, id, __ATOMIC_RELEASE);
}

int hy_signal_connect(struct hy_signal_base *signal, struct hy_object *receiver, hy_slot slot,
                      unsigned flags)
{
    int rc = check_connect(signal, receiver, slot, flags);
    if (rc < 0)
        return rc;
    struct hy_hub *hub = hy__hub_of(signal);
    struct hy__connection *connection = hub != NULL ? hy__connection_allocate() : NULL;
    if (connection == NULL)
        return -HY_ENOMEM;
    struct hy_anchor *anchor = receiver->anchor;
    hy__anchor_ref(anchor);
    connection->hub = hub;
    connection->anchor = anchor;
    /* Relaxed: published by linking. A queued message that still names this memory reads slot and
     * id atomically. */
    __atomic_store_n(&connection->next, NULL, __ATOMIC_RELAXED);

    hy__lock(&hub->lock);
    bool alive =
        __atomic_load_n(&hub->closed, __ATOMIC_RELAXED) == 0 && link_incoming(anchor, connection);
    if (alive) {
        /* Under the lock, so that ids grow along the list. Relaxed: only uniqueness is asked for.
         */
        uint64_t id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
        __atomic_store_n(&connection->id_flags, id << HY__ID_SHIFT | (flags & HY__FLAGS_OF_USER),
                         __ATOMIC_RELEASE);
        __atomic_store_n(&connection->slot, slot, __ATOMIC_RELEASE);
        link_last(hub, connection, id);
    }
    hy__unlock(&hub->lock);
    if (!alive) {
        hy__anchor_unref(anchor);
        hy__connection_release(connection);
        return hy_error_set(-HY_ESHUTDOWN,
                            "cannot connect %s: sender or receiver is being finished",
                            signal->spec->name);
    }
    return 0;
}

/* --- cutting -------------------------------------------------------------------------------------
 */

int hy_signal_disconnect(struct hy_signal_base *signal, struct hy_object *receiver, hy_slot slot)
{
    struct hy_hub *hub = signal != NULL ? __atomic_load_n(&signal->hub, __ATOMIC_ACQUIRE) : NULL;
    if (hub == NULL || receiver == NULL || receiver->anchor == NULL ||
        hy__anchor_is_lost(receiver->anchor))
        return 0;
    int count = 0;
    struct hy__connection *freed = NULL;
    hy__lock(&hub->lock);
    for (struct hy__connection *connection = hub->head, *next; connection != NULL;
         connection = next) {
        next = connection->next;
        if (connection->anchor == receiver->anchor &&
            __atomic_load_n(&connection->slot, __ATOMIC_RELAXED) == slot)
            count += hy__hub_bury(hub, connection) ? 1 : 0;
    }
    if (hub->grave_count >= hub->reap_at)
        freed = hy__hub_reap(hub);
    hy__unlock(&hub->lock);
    hy__graves_free(freed);
    return count;
}

/*
 * From the receiver's side the lock order (hub, then anchor) is the wrong way round: take a
 * reference to the hub under the anchor's lock, let go, lock the hub, and look again whether it is
 * still the same connection.
 */
static bool cut_with_hub(struct hy_hub *hub, struct hy__connection *connection, uint64_t id)
{
    struct hy__connection *freed = NULL;
    hy__lock(&hub->lock);
    bool cut = __atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED) >> HY__ID_SHIFT == id &&
               hy__hub_bury(hub, connection);
    if (hub->grave_count >= hub->reap_at)
        freed = hy__hub_reap(hub);
    bool was_survivor = cut && __atomic_load_n(&hub->closed, __ATOMIC_RELAXED) != 0;
    hy__unlock(&hub->lock);
    hy__graves_free(freed);
    if (was_survivor)
        hy__hub_unref(hub); /* the connection's; the caller has another one */
    return cut;
}

bool hy__connection_cut(struct hy_anchor *anchor, struct hy__connection *connection, uint64_t id)
{
    struct hy_hub *hub = NULL;
    hy__lock(&anchor->lock);
    /* Linked in anchor->incoming, which this lock guards: then its hub is alive. */
    if (__atomic_load_n(&connection->slot, __ATOMIC_RELAXED) != NULL &&
        __atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED) >> HY__ID_SHIFT == id) {
        hub = connection->hub;
        hy__hub_ref(hub);
    }
    hy__unlock(&anchor->lock);
    if (hub == NULL)
        return false;
    bool cut = cut_with_hub(hub, connection, id);
    hy__hub_unref(hub);
    return cut;
}

void hy__connections_of_receiver_cut(struct hy_anchor *anchor)
{
    for (;;) {
        hy__lock(&anchor->lock);
        struct hy__connection *connection = anchor->incoming;
        struct hy_hub *hub = connection != NULL ? connection->hub : NULL;
        uint64_t id = 0;
        if (hub != NULL) {
            id = __atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED) >> HY__ID_SHIFT;
            hy__hub_ref(hub);
        }
        hy__unlock(&anchor->lock);
        if (hub == NULL)
            return;
        cut_with_hub(hub, connection, id);
        hy__hub_unref(hub);
    }
}

/*
 * What the sender has queued is still delivered: a connection through which something was queued
 * outlives it, linked in the closed hub, until a last message to its receiver, behind all others,
 * cuts it.
 */
struct survivor {
    struct hy_anchor *anchor;
    struct hy__connection *connection;
    uint64_t id;
};

/* Buries what never queued anything. Returns how many are left, each with a reference to the hub.
 */
static size_t close_hub(struct hy_hub *hub)
{
    size_t survivors = 0;
    hy__lock(&hub->lock);
    /* Release: an emission that sees it stops before it touches the sender. */
    __atomic_store_n(&hub->closed, 1u, __ATOMIC_RELEASE);
    for (struct hy__connection *connection = hub->head, *next; connection != NULL;
         connection = next) {
        next = connection->next;
        /* Relaxed: emissions happen before the end of their sender. */
        if ((__atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED) & HY__FLAG_QUEUED) == 0) {
            hy__hub_bury(hub, connection);
            continue;
        }
        hy__hub_ref(hub);
        survivors++;
    }
    struct hy__connection *freed = hy__hub_reap(hub);
    hy__unlock(&hub->lock);
    hy__graves_free(freed);
    return survivors;
}

/* Their receivers may have cut some since they were counted; nobody adds any. */
static size_t list_survivors(struct hy_hub *hub, struct survivor *list, size_t count)
{
    size_t found = 0;
    hy__lock(&hub->lock);
    for (struct hy__connection *connection = hub->head; connection != NULL && found < count;
         connection = connection->next) {
        list[found].anchor = connection->anchor;
        list[found].connection = connection;
        list[found].id = __atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED) >> HY__ID_SHIFT;
        hy__anchor_ref(connection->anchor);
        found++;
    }
    hy__unlock(&hub->lock);
    return found;
}

static void cut_behind_the_last(const struct survivor *survivor)
{
    struct hy__message *message;
    int rc = hy__message_make(NULL, NULL, &message);
    if (rc == 0) {
        message->kind = HY__MESSAGE_CUT;
        message->to.connection = survivor->connection;
        message->connection_id = survivor->id;
        rc = hy__post(survivor->anchor, message);
        if (rc < 0)
            hy__message_discard(message);
    }
    if (rc < 0) /* no memory, or a dead receiver: what is queued is dropped */
        hy__connection_cut(survivor->anchor, survivor->connection, survivor->id);
    hy__anchor_unref(survivor->anchor);
}

/* No memory to let them outlive the sender: what was queued through them is dropped. */
static void cut_survivors(struct hy_hub *hub)
{
    struct survivor first;
    while (list_survivors(hub, &first, 1) != 0) {
        hy__connection_cut(first.anchor, first.connection, first.id);
        hy__anchor_unref(first.anchor);
    }
}

void hy__signal_close(struct hy_signal_base *signal)
{
    struct hy_hub *hub = __atomic_exchange_n(&signal->hub, NULL, __ATOMIC_ACQ_REL);
    if (hub == NULL)
        return;
    size_t count = close_hub(hub);
    struct survivor *list = count != 0 ? hy_allocate(count * sizeof *list) : NULL;
    if (list != NULL) {
        count = list_survivors(hub, list, count);
        for (size_t i = 0; i < count; i++)
            cut_behind_the_last(&list[i]);
        hy_release(list);
    } else if (count != 0) {
        cut_survivors(hub);
    }
    hy__hub_unref(hub);
}

bool hy_signal_is_connected(struct hy_signal_base *signal)
{
    struct hy_hub *hub = __atomic_load_n(&signal->hub, __ATOMIC_ACQUIRE);
    return hub != NULL && __atomic_load_n(&hub->head, __ATOMIC_ACQUIRE) != NULL;
}
