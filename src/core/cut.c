/* SPDX-License-Identifier: MIT */
/*
 * Cutting connections, from the sender's side and the receiver's. What follows a cut (telling the
 * owner, destroying a context) is user code and comes when the locks have been let go.
 */
#include "core/hub.h"

int hy__signal_cut(struct hy_signal_base *signal, const struct hy_anchor *receiver, hy_slot slot)
{
    struct hy_hub *hub = signal != NULL ? __atomic_load_n(&signal->hub, __ATOMIC_ACQUIRE) : NULL;
    if (hub == NULL || hy__anchor_is_lost(hub->owner))
        return 0;
    int count = 0;
    struct hy__bin bin = {0};
    hy__lock(&hub->lock);
    for (struct hy__connection *connection = hub->head, *next; connection != NULL;
         connection = next) {
        next = connection->next;
        if ((receiver != NULL && connection->anchor != receiver) ||
            (slot != NULL && hy__connection_slot(connection, NULL) != slot))
            continue;
        count += hy__hub_bury(hub, connection, &bin) ? 1 : 0;
    }
    hy__hub_reap_if_due(hub, &bin);
    hy__unlock(&hub->lock);
    hy__bin_empty(&bin);
    return count;
}

int hy_signal_disconnect(struct hy_signal_base *signal, struct hy_object *receiver, hy_slot slot)
{
    if (receiver != NULL && receiver->anchor == NULL) /* finished: nothing leads to it */
        return 0;
    return hy__signal_cut(signal, receiver != NULL ? receiver->anchor : NULL, slot);
}

/*
 * From the receiver's side the lock order (hub, then anchor) is the wrong way round: take a
 * reference to the hub under the anchor's lock, let go, lock the hub, and look again whether it is
 * still the same connection.
 */
static bool cut_with_hub(struct hy_hub *hub, struct hy__connection *connection, uint64_t id)
{
    struct hy__bin bin = {0};
    hy__lock(&hub->lock);
    /* Relaxed: those of this hub are cut under this lock. One that was cut before keeps its id for
     * a while, and then belongs to somebody else, whatever its slot says. */
    bool cut = hy__id_is_live(__atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED), id) &&
               hy__hub_bury(hub, connection, &bin);
    hy__hub_reap_if_due(hub, &bin);
    bool was_survivor = cut && __atomic_load_n(&hub->closed, __ATOMIC_RELAXED) != 0;
    hy__unlock(&hub->lock);
    hy__bin_empty(&bin);
    if (was_survivor)
        hy__hub_unref(hub); /* the connection's; the caller has another one */
    return cut;
}

bool hy__connection_cut(struct hy_anchor *anchor, struct hy__connection *connection, uint64_t id,
                        struct hy_anchor **ret_sender)
{
    struct hy_hub *hub = NULL;
    hy__lock(&anchor->lock);
    /* Linked in anchor->incoming, which this lock guards: then its hub is alive. Relaxed: whoever
     * has taken it out of there under this lock has marked it as cut before. One word says all: a
     * slot read beside it could be its successor's. */
    if (hy__id_is_live(__atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED), id)) {
        hub = connection->hub;
        hy__hub_ref(hub);
    }
    hy__unlock(&anchor->lock);
    if (hub == NULL)
        return false;
    bool cut = cut_with_hub(hub, connection, id);
    if (cut && ret_sender != NULL) {
        *ret_sender = hub->owner;
        hy__anchor_ref(hub->owner);
    }
    hy__hub_unref(hub);
    return cut;
}

static uint64_t id_of(const struct hy__connection *connection)
{
    return __atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED) >> HY__ID_SHIFT;
}

/* The receiver's lock held, which keeps the connection and so its hub. */
static struct hy_hub *hold_hub(const struct hy__connection *connection, uint64_t *ret_id)
{
    if (connection == NULL)
        return NULL;
    *ret_id = id_of(connection);
    hy__hub_ref(connection->hub);
    return connection->hub;
}

int hy__connections_to_cut(struct hy_anchor *anchor)
{
    hy__anchor_ref(anchor); /* what hears of a cut may end the receiver */
    uint64_t last_id = hy__last_connection_id();
    int count = 0;
    for (;;) {
        hy__lock(&anchor->lock);
        struct hy__connection *connection = anchor->incoming;
        while (connection != NULL && id_of(connection) > last_id)
            connection = connection->in_next; /* made meanwhile */
        uint64_t id = 0;
        struct hy_hub *hub = hold_hub(connection, &id);
        hy__unlock(&anchor->lock);
        if (hub == NULL)
            break;
        count += cut_with_hub(hub, connection, id) ? 1 : 0;
        hy__hub_unref(hub);
    }
    hy__anchor_unref(anchor);
    return count;
}

void hy__connections_of_receiver_cut(struct hy_anchor *anchor)
{
    for (;;) {
        hy__lock(&anchor->lock);
        struct hy__connection *connection = anchor->incoming;
        uint64_t id = 0;
        struct hy_hub *hub = hold_hub(connection, &id);
        hy__unlock(&anchor->lock);
        if (hub == NULL)
            return;
        cut_with_hub(hub, connection, id);
        hy__hub_unref(hub);
    }
}

bool hy_signal_is_connected(struct hy_signal_base *signal)
{
    struct hy_hub *hub = signal != NULL ? __atomic_load_n(&signal->hub, __ATOMIC_ACQUIRE) : NULL;
    const struct hy__connection *connection =
        hub != NULL ? __atomic_load_n(&hub->head, __ATOMIC_ACQUIRE) : NULL;
    if (connection == NULL)
        return false;
    /* Without the lock, for it is asked often: the first one was there a moment ago, and its memory
     * is type-stable. */
    if (!hy__is_spent(__atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED)))
        return true;
    hy__lock(&hub->lock);
    connection = hub->head;
    while (connection != NULL &&
           hy__is_spent(__atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED)))
        connection = connection->next;
    hy__unlock(&hub->lock);
    return connection != NULL;
}
