/* SPDX-License-Identifier: MIT */
/*
 * Hubs: the connections of one signal. Changed under the hub's lock (connect.c), walked without it
 * (emit.c).
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
#include "core/hub.h"

enum {
    REAP_FIRST_AT = 32
};

static struct hy_hub *orphans; /* atomic stack: hubs without owner that are still walked */

/* --- graves -------------------------------------------------------------------------------------
 */

struct hy__connection *hy__hub_reap(struct hy_hub *hub)
{
    if (hub->graves == NULL)
        return NULL;
    struct hy__walkers walkers = hy__walkers_of(hub);
    struct hy__connection *freed = NULL, **link = &hub->graves, *grave;
    while ((grave = *link) != NULL) {
        if (grave->u.burial > walkers.smallest || (walkers.any && hy__walk_stands_on(hub, grave))) {
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

void hy__graves_free(struct hy__connection *freed)
{
    while (freed != NULL) {
        struct hy__connection *connection = freed;
        freed = connection->in_next;
        hy__anchor_unref(connection->anchor);
        hy__connection_release(connection);
    }
}

bool hy__hub_bury(struct hy_hub *hub, struct hy__connection *connection)
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

void hy__hub_ref(struct hy_hub *hub)
{
    /* Relaxed: the caller knows the hub to be alive. */
    __atomic_add_fetch(&hub->refs, 1, __ATOMIC_RELAXED);
}

/* A closed hub with no reference left: free it, unless it is walked. */
static bool try_free(struct hy_hub *hub)
{
    hy__lock(&hub->lock);
    struct hy__connection *freed = hy__hub_reap(hub);
    bool busy = hub->graves != NULL || hy__walkers_of(hub).any;
    hy__unlock(&hub->lock);
    hy__graves_free(freed);
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

void hy__hub_unref(struct hy_hub *hub)
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

void hy__orphans_forget(void)
{
    orphans = NULL;
}

struct hy_hub *hy__hub_of(struct hy_signal_base *signal)
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
