/* SPDX-License-Identifier: MIT */
/*
 * Hubs: the connections of one signal. Changed under the hub's lock, walked without it (emit.c).
 *
 * A cut connection is unlinked and buried: its `next` stays as it is, since a walker may stand on
 * it. A walker publishes {hub, number of burials} before it looks at the list. What was buried at
 * or before that number was unlinked before the walk began, and no node that the walk can reach
 * leads to it: a node buried later still pointed past it when that one was unlinked. So graves
 * numbered at or below the smallest number among the walkers can be freed. A parked walk (emit.c)
 * holds back only the connection it stands on.
 *
 * The walker's store of the hub and the reaper's look at it are sequentially consistent, and so are
 * unlinking and the walker's look at the links: a reaper that does not see the walker has unlinked
 * before the walker's first look.
 */
#include "core/internal.h"

enum {
    REAP_FIRST_AT = 32
};

static uint64_t next_id;                /* atomic */
static struct hy__hazards *all_hazards; /* atomic; grows only */
static struct hy_hub *orphans;          /* atomic stack: hubs without owner that are still walked */

/* --- hazards -----------------------------------------------------------------------------------
 */

int hy__hazards_acquire(struct hy_thread_record *record)
{
    struct hy__hazards *hazards = __atomic_load_n(&all_hazards, __ATOMIC_ACQUIRE);
    for (; hazards != NULL; hazards = hazards->next) {
        uint32_t unused = 0;
        /* Acquire: after the last user's walks. */
        if (__atomic_compare_exchange_n(&hazards->used, &unused, 1u, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            break;
    }
    if (hazards == NULL) {
        hazards = hy__allocate_aligned(HY__CACHE_LINE, sizeof *hazards);
        if (hazards == NULL)
            return -HY_ENOMEM;
        hazards->used = 1;
        hazards->next = __atomic_load_n(&all_hazards, __ATOMIC_RELAXED);
        /*
         * Sequentially consistent, as the walker's store that follows: a reaper that does not find
         * this block yet has unlinked before this thread's first look at a list.
         */
        while (!__atomic_compare_exchange_n(&all_hazards, &hazards->next, hazards, true,
                                            __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
        }
    }
    record->hazards = hazards;
    record->hazard_depth = 0;
    return 0;
}

void hy__hazards_release(struct hy_thread_record *record)
{
    if (record->hazards != NULL)
        __atomic_store_n(&record->hazards->used, 0u, __ATOMIC_RELEASE);
    record->hazards = NULL;
}

struct walkers {
    uint64_t smallest; /* graves above this number stay */
    bool any;
};

static struct walkers walkers_of(const struct hy_hub *hub)
{
    struct walkers walkers = {UINT64_MAX, false};
    struct hy__hazards *hazards = __atomic_load_n(&all_hazards, __ATOMIC_SEQ_CST);
    for (; hazards != NULL; hazards = hazards->next)
        for (int i = 0; i < HY__HAZARDS; i++) {
            struct hy__walk *walk = &hazards->walks[i];
            if (__atomic_load_n(&walk->hub, __ATOMIC_SEQ_CST) != hub)
                continue;
            walkers.any = true;
            /* Not older than the hub just seen; a newer one is of a walk that began after the
             * unlinking. Sequentially consistent, against a parked walk that goes on: whoever still
             * finds it parked has unlinked before its next look at the list. */
            uint64_t number = __atomic_load_n(&walk->number, __ATOMIC_SEQ_CST);
            if (number < walkers.smallest)
                walkers.smallest = number;
        }
    if (__atomic_load_n(&hub->pins, __ATOMIC_SEQ_CST) != 0) {
        walkers.any = true;
        walkers.smallest = 0;
    }
    return walkers;
}

/* Whether a walk, parked or not, stands on the connection. */
static bool is_stood_on(const struct hy_hub *hub, const struct hy_connection *connection)
{
    struct hy__hazards *hazards = __atomic_load_n(&all_hazards, __ATOMIC_SEQ_CST);
    for (; hazards != NULL; hazards = hazards->next)
        for (int i = 0; i < HY__HAZARDS; i++) {
            struct hy__walk *walk = &hazards->walks[i];
            if (__atomic_load_n(&walk->hub, __ATOMIC_SEQ_CST) == hub &&
                __atomic_load_n(&walk->at, __ATOMIC_ACQUIRE) == connection)
                return true;
        }
    return false;
}

/* --- graves -------------------------------------------------------------------------------------
 */

/* Takes the graves that nobody can reach any more. Lock held. */
static struct hy_connection *reap(struct hy_hub *hub)
{
    if (hub->graves == NULL)
        return NULL;
    struct walkers walkers = walkers_of(hub);
    struct hy_connection *freed = NULL, **link = &hub->graves, *grave;
    while ((grave = *link) != NULL) {
        if (grave->u.burial > walkers.smallest || (walkers.any && is_stood_on(hub, grave))) {
            link = &grave->in_next;
            continue;
        }
        *link = grave->in_next;
        grave->in_next = freed;
        freed = grave;
        hub->grave_count--;
    }
    uint32_t doubled = hub->grave_count * 2;
    hub->reap_at = doubled > REAP_FIRST_AT ? doubled : REAP_FIRST_AT;
    return freed;
}

/* Outside of the lock. */
static void free_graves(struct hy_connection *freed)
{
    while (freed != NULL) {
        struct hy_connection *connection = freed;
        freed = connection->in_next;
        hy__anchor_unref(connection->anchor);
        hy__connection_release(connection);
    }
}

/* Unlinks and buries. Lock held; false: somebody else already did. */
static bool bury(struct hy_hub *hub, struct hy_connection *connection)
{
    if (__atomic_load_n(&connection->slot, __ATOMIC_RELAXED) == NULL)
        return false;
    /* Release: pairs with the acquire of whoever is about to call the slot. */
    __atomic_store_n(&connection->slot, (hy_slot)NULL, __ATOMIC_RELEASE);
    if (connection->previous != NULL)
        __atomic_store_n(&connection->previous->next, connection->next, __ATOMIC_SEQ_CST);
    else
        __atomic_store_n(&hub->head, connection->next, __ATOMIC_SEQ_CST);
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    else
        hub->tail = connection->previous;

    struct hy_anchor *anchor = connection->anchor;
    hy__lock(&anchor->lock);
    if (connection->u.in_previous != NULL)
        connection->u.in_previous->in_next = connection->in_next;
    else
        anchor->incoming = connection->in_next;
    if (connection->in_next != NULL)
        connection->in_next->u.in_previous = connection->u.in_previous;
    hy__unlock(&anchor->lock);

    /* Release: a walker that reads this number sees the unlinking. */
    __atomic_store_n(&hub->burials, hub->burials + 1, __ATOMIC_RELEASE);
    connection->u.burial = hub->burials;
    connection->in_next = hub->graves;
    hub->graves = connection;
    hub->grave_count++;
    return true;
}

/* --- life of a hub ------------------------------------------------------------------------------
 */

static void hub_ref(struct hy_hub *hub)
{
    /* Relaxed: the caller knows the hub to be alive. */
    __atomic_add_fetch(&hub->refs, 1, __ATOMIC_RELAXED);
}

/* A closed hub with no reference left: free it, unless it is walked. */
static bool try_free(struct hy_hub *hub)
{
    hy__lock(&hub->lock);
    struct hy_connection *freed = reap(hub);
    bool busy = hub->graves != NULL || walkers_of(hub).any;
    hy__unlock(&hub->lock);
    free_graves(freed);
    if (busy)
        return false;
    hy_release(hub);
    return true;
}

static void orphan_push(struct hy_hub *hub)
{
    hub->orphan_next = __atomic_load_n(&orphans, __ATOMIC_RELAXED);
    /* Release: whoever takes it sees its link. */
    while (!__atomic_compare_exchange_n(&orphans, &hub->orphan_next, hub, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED)) {
    }
}

static void hub_unref(struct hy_hub *hub)
{
    /* Release and acquire: the end is after everybody's use. */
    if (__atomic_sub_fetch(&hub->refs, 1, __ATOMIC_ACQ_REL) == 0 && !try_free(hub))
        orphan_push(hub);
}

/* Tries again to free the hubs whose owner died while they were walked. Any thread, under no lock.
 */
void hy__orphans_reap(void)
{
    /* Relaxed look: a missed one is found the next time. */
    if (__atomic_load_n(&orphans, __ATOMIC_RELAXED) == NULL)
        return;
    struct hy_hub *hub = __atomic_exchange_n(&orphans, NULL, __ATOMIC_ACQUIRE), *next;
    for (; hub != NULL; hub = next) {
        next = hub->orphan_next;
        if (!try_free(hub))
            orphan_push(hub);
    }
}

static struct hy_hub *hub_of(struct hy_signal_base *signal)
{
    struct hy_hub *hub = __atomic_load_n(&signal->hub, __ATOMIC_ACQUIRE);
    if (hub != NULL)
        return hub;
    struct hy_hub *made = hy_allocate_zeroed(sizeof *made);
    if (made == NULL)
        return NULL;
    made->refs = 1;
    made->reap_at = REAP_FIRST_AT;
    /* Release: whoever sees the hub sees it empty; acquire: when another thread was first. */
    if (__atomic_compare_exchange_n(&signal->hub, &hub, made, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return made;
    hy_release(made);
    return hub;
}

/* --- connect -------------------------------------------------------------------------------------
 */

/* From the beginning of its fini: whatever is connected afterwards, nobody would cut. */
static bool is_dead(const struct hy_object *object)
{
    struct hy_anchor *anchor = object->anchor;
    if (anchor == NULL)
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
static bool link_incoming(struct hy_anchor *anchor, struct hy_connection *connection)
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

static void link_last(struct hy_hub *hub, struct hy_connection *connection, uint64_t id)
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
    struct hy_hub *hub = hub_of(signal);
    struct hy_connection *connection = hub != NULL ? hy__connection_allocate() : NULL;
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
    struct hy_hub *hub = __atomic_load_n(&signal->hub, __ATOMIC_ACQUIRE);
    if (hub == NULL || receiver == NULL)
        return 0;
    int count = 0;
    struct hy_connection *freed = NULL;
    hy__lock(&hub->lock);
    for (struct hy_connection *connection = hub->head, *next; connection != NULL;
         connection = next) {
        next = connection->next;
        if (connection->anchor == receiver->anchor &&
            __atomic_load_n(&connection->slot, __ATOMIC_RELAXED) == slot)
            count += bury(hub, connection) ? 1 : 0;
    }
    if (hub->grave_count >= hub->reap_at)
        freed = reap(hub);
    hy__unlock(&hub->lock);
    free_graves(freed);
    return count;
}

/*
 * From the receiver's side the lock order (hub, then anchor) is the wrong way round: take a
 * reference to the hub under the anchor's lock, let go, lock the hub, and look again whether it is
 * still the same connection.
 */
static bool cut_with_hub(struct hy_hub *hub, struct hy_connection *connection, uint64_t id)
{
    struct hy_connection *freed = NULL;
    hy__lock(&hub->lock);
    bool cut = __atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED) >> HY__ID_SHIFT == id &&
               bury(hub, connection);
    if (hub->grave_count >= hub->reap_at)
        freed = reap(hub);
    bool was_survivor = cut && __atomic_load_n(&hub->closed, __ATOMIC_RELAXED) != 0;
    hy__unlock(&hub->lock);
    free_graves(freed);
    if (was_survivor)
        hub_unref(hub); /* the connection's; the caller has another one */
    return cut;
}

bool hy__connection_cut(struct hy_anchor *anchor, struct hy_connection *connection, uint64_t id)
{
    struct hy_hub *hub = NULL;
    hy__lock(&anchor->lock);
    /* Linked in anchor->incoming, which this lock guards: then its hub is alive. */
    if (__atomic_load_n(&connection->slot, __ATOMIC_RELAXED) != NULL &&
        __atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED) >> HY__ID_SHIFT == id) {
        hub = connection->hub;
        hub_ref(hub);
    }
    hy__unlock(&anchor->lock);
    if (hub == NULL)
        return false;
    bool cut = cut_with_hub(hub, connection, id);
    hub_unref(hub);
    return cut;
}

void hy__connections_of_receiver_cut(struct hy_anchor *anchor)
{
    for (;;) {
        hy__lock(&anchor->lock);
        struct hy_connection *connection = anchor->incoming;
        struct hy_hub *hub = connection != NULL ? connection->hub : NULL;
        uint64_t id = 0;
        if (hub != NULL) {
            id = __atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED) >> HY__ID_SHIFT;
            hub_ref(hub);
        }
        hy__unlock(&anchor->lock);
        if (hub == NULL)
            return;
        cut_with_hub(hub, connection, id);
        hub_unref(hub);
    }
}

/*
 * What the sender has queued is still delivered: a connection through which something was queued
 * outlives it, linked in the closed hub, until a last message to its receiver, behind all others,
 * cuts it.
 */
struct survivor {
    struct hy_anchor *anchor;
    struct hy_connection *connection;
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
    for (struct hy_connection *connection = hub->head, *next; connection != NULL;
         connection = next) {
        next = connection->next;
        /* Relaxed: emissions happen before the end of their sender. */
        if ((__atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED) & HY__FLAG_QUEUED) == 0) {
            bury(hub, connection);
            continue;
        }
        hub_ref(hub);
        survivors++;
    }
    struct hy_connection *freed = reap(hub);
    hy__unlock(&hub->lock);
    free_graves(freed);
    return survivors;
}

/* Their receivers may have cut some since they were counted; nobody adds any. */
static size_t list_survivors(struct hy_hub *hub, struct survivor *list, size_t count)
{
    size_t found = 0;
    hy__lock(&hub->lock);
    for (struct hy_connection *connection = hub->head; connection != NULL && found < count;
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

void hy__signal_close(struct hy_signal_base *signal)
{
    enum {
        FEW = 8
    };
    struct hy_hub *hub = __atomic_exchange_n(&signal->hub, NULL, __ATOMIC_ACQ_REL);
    if (hub == NULL)
        return;
    size_t count = close_hub(hub);
    struct survivor few[FEW], *list = few;
    if (count > FEW)
        list = hy_allocate(count * sizeof *list);
    while (count != 0) { /* without memory for a list: a few at a time, cut at once */
        size_t found = list_survivors(hub, list != NULL ? list : few, list != NULL ? count : FEW);
        for (size_t i = 0; i < found; i++)
            if (list != NULL) {
                cut_behind_the_last(&list[i]);
            } else {
                hy__connection_cut(few[i].anchor, few[i].connection, few[i].id);
                hy__anchor_unref(few[i].anchor);
            }
        if (list != NULL || found == 0)
            break;
    }
    if (list != few)
        hy_release(list);
    hub_unref(hub);
}

bool hy_signal_is_connected(struct hy_signal_base *signal)
{
    struct hy_hub *hub = __atomic_load_n(&signal->hub, __ATOMIC_ACQUIRE);
    return hub != NULL && __atomic_load_n(&hub->head, __ATOMIC_ACQUIRE) != NULL;
}
