/* SPDX-License-Identifier: MIT */
/*
 * The end of a sender.
 *
 * What the sender has queued is still delivered: a connection through which something was queued
 * outlives it, linked in the closed hub, until a last message to its receiver, behind all others,
 * cuts it.
 */
#include "core/hub.h"

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
    struct hy__bin bin = {0};
    hy__lock(&hub->lock);
    /* Release: an emission that sees it stops before it touches the sender. */
    __atomic_store_n(&hub->closed, 1u, __ATOMIC_RELEASE);
    for (struct hy__connection *connection = hub->head, *next; connection != NULL;
         connection = next) {
        next = connection->next;
        /* Relaxed: emissions happen before the end of their sender. */
        if ((__atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED) & HY__FLAG_QUEUED) == 0) {
            hy__hub_bury(hub, connection, &bin);
            continue;
        }
        hy__hub_ref(hub);
        survivors++;
    }
    hy__hub_reap(hub, &bin);
    hy__unlock(&hub->lock);
    hy__bin_empty(&bin);
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
        hy__connection_cut(survivor->anchor, survivor->connection, survivor->id, NULL);
    hy__anchor_unref(survivor->anchor);
}

/* No memory to let them outlive the sender: what was queued through them is dropped. */
static void cut_survivors(struct hy_hub *hub)
{
    struct survivor first;
    while (list_survivors(hub, &first, 1) != 0) {
        hy__connection_cut(first.anchor, first.connection, first.id, NULL);
        hy__anchor_unref(first.anchor);
    }
}

void hy__signal_close(struct hy_signal_base *signal)
{
    struct hy_hub *hub = __atomic_exchange_n(&signal->hub, NULL, __ATOMIC_ACQ_REL);
    if (hub == NULL)
        return;
    size_t count = close_hub(hub);
    struct survivor *list = count != 0 ? hy_memory_allocate(count * sizeof *list) : NULL;
    if (list != NULL) {
        count = list_survivors(hub, list, count);
        for (size_t i = 0; i < count; i++)
            cut_behind_the_last(&list[i]);
        hy_memory_release(list);
    } else if (count != 0) {
        cut_survivors(hub);
    }
    hy__hub_unref(hub);
}
