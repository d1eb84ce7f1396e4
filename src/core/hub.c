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

hy_slot hy__connection_slot(const struct hy__connection *connection, const void **ret_context)
{
    /* Relaxed: written under the lock. */
    hy_slot slot = __atomic_load_n(&connection->slot, __ATOMIC_RELAXED);
    if ((__atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED) & HY__FLAG_EXTENDED) == 0)
        return slot;
    const struct hy__extension *extension = hy__extension_in(slot);
    if (ret_context != NULL)
        *ret_context = extension->context;
    return extension->slot;
}

/* --- graves -------------------------------------------------------------------------------------
 */

void hy__hub_reap(struct hy_hub *hub, struct hy__bin *bin)
{
    if (hub->graves == NULL)
        return;
    struct hy__walkers walkers = hy__walkers_of(hub);
    struct hy__connection **link = &hub->graves, *grave;
    while ((grave = *link) != NULL) {
        if (grave->u.burial > walkers.smallest || (walkers.any && hy__walk_stands_on(hub, grave)) ||
            /* Acquire: after what its holders did. It has been cut, so nobody begins to hold it. */
            (__atomic_load_n(&grave->id_flags, __ATOMIC_ACQUIRE) & HY__HOLDERS) != 0) {
            link = &grave->in_next;
            continue;
        }
        *link = grave->in_next;
        grave->in_next = bin->freed;
        bin->freed = grave;
        hub->grave_count--;
    }
    uint32_t doubled = hub->grave_count * 2;
    hub->reap_at = doubled > REAP_FIRST_AT ? doubled : REAP_FIRST_AT;
}

void hy__hub_reap_if_due(struct hy_hub *hub, struct hy__bin *bin)
{
    if (HY__HARD || hub->grave_count >= hub->reap_at)
        hy__hub_reap(hub, bin);
}

void hy__bin_empty(struct hy__bin *bin)
{
    while (bin->freed != NULL) {
        struct hy__connection *connection = bin->freed;
        bin->freed = connection->in_next;
        if (connection->extension != NULL)
            hy__extension_unref(connection->extension);
        hy__anchor_unref(connection->anchor);
        hy__connection_release(connection);
    }
    while (bin->ended != NULL) {
        struct hy__extension *extension = bin->ended;
        bin->ended = extension->ended;
        hy__extension_ended(extension);
    }
    bin->last_ended = NULL;
}

/* Its connection is about to be reaped by anybody: the bin holds the memory. */
static void bin_add_extension(struct hy__bin *bin, struct hy__extension *extension)
{
    hy__extension_ref(extension);
    extension->ended = NULL;
    if (bin->last_ended != NULL)
        bin->last_ended->ended = extension;
    else
        bin->ended = extension;
    bin->last_ended = extension;
}

bool hy__hub_bury(struct hy_hub *hub, struct hy__connection *connection, struct hy__bin *bin)
{
    hy_slot slot = __atomic_load_n(&connection->slot, __ATOMIC_RELAXED);
    if (slot == NULL)
        return false;
    /* Handles see it cut from here on. Relaxed: what is cut is looked at no more. */
    uint64_t id_flags =
        __atomic_fetch_or(&connection->id_flags, (uint64_t)HY__FLAG_CUT, __ATOMIC_RELAXED);
    /* Release: pairs with the acquire of whoever is about to call the slot. Sequentially
     * consistent, as unlinking, for a parked walk that goes on looks at it first. */
    __atomic_store_n(&connection->slot, (hy_slot)NULL, __ATOMIC_SEQ_CST);
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
    connection->extension = NULL;
    if ((id_flags & HY__FLAG_EXTENDED) != 0) {
        connection->extension = hy__extension_in(slot);
        bin_add_extension(bin, connection->extension);
    }
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
    struct hy__bin bin = {0};
    hy__hub_reap(hub, &bin);
    bool busy = hub->graves != NULL || hy__walkers_of(hub).any;
    hy__unlock(&hub->lock);
    hy__bin_empty(&bin);
    if (busy)
        return false;
    hy__anchor_unref(hub->owner);
    hy_memory_release(hub);
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
    struct hy_hub *made = hy_memory_allocate_zeroed(sizeof *made);
    if (made == NULL)
        return NULL;
    made->refs = 1;
    made->reap_at = REAP_FIRST_AT;
    made->owner = signal->owner->anchor;
    hy__anchor_ref(made->owner);
    /* Release: whoever sees the hub sees it empty; acquire: when another thread was first. */
    if (__atomic_compare_exchange_n(&signal->hub, &hub, made, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return made;
    hy__anchor_unref(made->owner);
    hy_memory_release(made);
    return hub;
}
