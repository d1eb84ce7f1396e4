/* SPDX-License-Identifier: MIT */
/*
 * Merging events that wait.
 *
 * Events whose type has a compression hook carry two links behind their payload: all of them that
 * lie in the queues for one receiver hang in a chain, in the order they came. As one of them is
 * about to be delivered, the next of its type and priority is found by going along the chain; a
 * step over another type is made once for each type, so there is no search through the backlog. A
 * message enters the chain with its queue and leaves it with its queue.
 *
 * One that has been merged stays in its queue as an empty shell, and is released as it comes up.
 * The hook is user code: while it looks at the newer message that one is BUSY, and whoever takes it
 * out of its queue in a nested loop only notes that.
 */
#include "core/internal.h"

struct links {
    struct hy__message *older, *newer;
};
_Static_assert(sizeof(struct links) + 7 <= HY__COMPRESS_ROOM, "room for the links, aligned");

static struct links *links_of(struct hy__message *message)
{
    size_t size = ((size_t)message->size + 7) & ~(size_t)7;
    return (struct links *)(void *)((char *)hy__message_payload(message) + size);
}

void hy__compressible_enqueued(struct hy__message *message)
{
    struct hy_anchor *anchor = message->anchor;
    struct links *links = links_of(message);
    links->older = anchor->compressible;
    links->newer = NULL;
    if (links->older != NULL)
        links_of(links->older)->newer = message;
    anchor->compressible = message;
}

/* Its own links stay as they were. */
static void unchain(struct hy__message *message)
{
    const struct links *links = links_of(message);
    if (links->older != NULL)
        links_of(links->older)->newer = links->newer;
    if (links->newer != NULL)
        links_of(links->newer)->older = links->older;
    else
        message->anchor->compressible = links->older;
}

bool hy__compressible_left(struct hy__message *message)
{
    if (message->kind != HY__MESSAGE_MERGED) {
        unchain(message);
        return true;
    }
    if ((message->flags & HY__MESSAGE_BUSY) != 0) {
        unchain(message);
        message->flags |= HY__MESSAGE_TAKEN;
        hy__message_count_arrival(message->anchor);
    } else {
        hy__message_release(message);
    }
    return false;
}

/* The first of the same kind from `other` on. */
static struct hy__message *find_alike(const struct hy__message *message, struct hy__message *other)
{
    while (other != NULL &&
           (other->kind != HY__MESSAGE_EVENT || other->priority != message->priority ||
            other->to.event_type != message->to.event_type))
        other = links_of(other)->newer;
    return other;
}

static void *payload_of(struct hy__message *message)
{
    return message->has_payload ? hy__message_payload(message) : NULL;
}

/* Both have to be delivered. */
static void keep(struct hy_anchor *anchor, struct hy__message *newer)
{
    bool taken = (newer->flags & HY__MESSAGE_TAKEN) != 0;
    newer->flags &= (uint8_t) ~(HY__MESSAGE_BUSY | HY__MESSAGE_TAKEN);
    newer->kind = HY__MESSAGE_EVENT;
    /* A loop inside the hook would have delivered it, or its receiver has been moved. */
    if (taken && hy__post(anchor, newer) < 0)
        hy__message_discard(newer);
}

/* The newer one has nothing left to say. Returns the one after it, where that is known. */
static struct hy__message *bury(struct hy_thread_record *record, struct hy__message *newer)
{
    hy__count(&record->delivered, 1);
    if (newer->description != NULL && newer->description->destroy != NULL)
        newer->description->destroy(hy__message_payload(newer)); /* user code */
    newer->description = NULL;
    if ((newer->flags & HY__MESSAGE_TAKEN) != 0) {
        hy__message_release(newer);
        return NULL;
    }
    struct hy_anchor *anchor = newer->anchor;
    struct hy__message *next = links_of(newer)->newer;
    unchain(newer);
    newer->anchor = NULL;
    newer->flags &= (uint8_t)~HY__MESSAGE_BUSY;
    hy__message_count_arrival(anchor);
    return next;
}

void hy__event_compress(struct hy_thread_record *record, const struct hy__frame *frame,
                        struct hy__message *message)
{
    const struct hy_event_type *type = hy__event_type((uint32_t)message->to.event_type);
    struct hy__message *newer = find_alike(message, links_of(message)->newer);
    if (newer == NULL)
        return;
    struct hy_anchor *anchor = message->anchor;
    hy__anchor_ref(anchor);
    while (newer != NULL) {
        newer->kind = HY__MESSAGE_MERGED;
        newer->flags |= HY__MESSAGE_BUSY;
        if (!type->compress(payload_of(message), payload_of(newer))) {
            keep(anchor, newer);
            break;
        }
        newer = bury(record, newer);
        newer = frame->gone ? NULL : find_alike(message, newer);
    }
    hy__anchor_unref(anchor);
}
