/* SPDX-License-Identifier: MIT */
/*
 * What waits: delivering, removing and counting some of it out of its turn.
 *
 * A flush delivers user code's work, which may change the queues in every way. So it keeps its
 * place in each queue only as long as nothing but its own steps has taken a message out of the
 * middle
 * (`queue_changes`), and else looks again from the front. It delivers what carries a pass up to
 * that of its beginning, by pass and priority as delivery does: nothing that is posted meanwhile.
 */
#include "core/internal.h"

struct selection {
    struct hy_thread_record *record;
    const struct hy_anchor *anchor; /* NULL: all receivers */
    uint32_t type;
};

/* Whether the call has not been cut off since. */
static bool is_connected(const struct hy__message *message)
{
    const struct hy__connection *connection = message->to.connection;
    /* Acquire: as delivery does. */
    return __atomic_load_n(&connection->slot, __ATOMIC_ACQUIRE) != NULL &&
           __atomic_load_n(&connection->id_flags, __ATOMIC_ACQUIRE) >> HY__ID_SHIFT ==
               message->connection_id;
}

static bool is_selected(const struct selection *selection, const struct hy__message *message)
{
    if (message->anchor == NULL || message->anchor->object == NULL ||
        (selection->anchor != NULL && message->anchor != selection->anchor))
        return false;
    switch (message->kind) {
    case HY__MESSAGE_EVENT:
        return selection->type == HY_EVENT_ANY || selection->type == message->to.event_type;
    case HY__MESSAGE_SLOT:
        return selection->type == HY_EVENT_ANY && is_connected(message);
    case HY__MESSAGE_EXTENDED:
    case HY__MESSAGE_TOKEN:
        return selection->type == HY_EVENT_ANY && hy__extension_is_wanted(message->to.extension);
    case HY__MESSAGE_INVOKE:
        return selection->type == HY_EVENT_ANY;
    case HY__MESSAGE_CALL:
        return selection->type == HY_EVENT_ANY && hy__call_is_wanted(message);
    default:
        return false;
    }
}

static int select_for(struct hy_object *receiver, uint32_t type, const char *operation,
                      struct selection *ret_selection)
{
    int rc = receiver != NULL ? hy__object_check_alive(receiver, operation) : 0;
    if (rc < 0)
        return rc;
    struct hy_thread_record *record = hy__record();
    if (record == NULL)
        return -HY_ENOMEM;
    hy__mailbox_take(record); /* whole trees arrive with what was posted to them */
    *ret_selection = (struct selection){record, receiver != NULL ? receiver->anchor : NULL, type};
    return 0;
}

/* --- flush ------------------------------------------------------------------------------------ */

struct flush {
    struct selection selection;
    uint32_t last_pass;
    uint32_t queue_changes;
    struct hy__message **links[HY__QUEUES]; /* where to go on looking */
};

static void look_from_the_front(struct flush *flush)
{
    struct hy_thread_record *record = flush->selection.record;
    for (int i = 0; i < HY__QUEUES; i++)
        flush->links[i] = &record->queues[i].first;
    flush->queue_changes = record->queue_changes;
}

/* The next message of that queue to be flushed, or NULL. */
static const struct hy__message *look(struct flush *flush, int index)
{
    struct hy__message **link = flush->links[index], *message;
    while ((message = *link) != NULL && (int32_t)(message->pass - flush->last_pass) <= 0 &&
           !is_selected(&flush->selection, message))
        link = &message->next;
    flush->links[index] = link;
    /* Differences, for the numbers wrap. */
    return message != NULL && (int32_t)(message->pass - flush->last_pass) <= 0 ? message : NULL;
}

/* Takes the next one out of its queue; NULL: that was all. */
static struct hy__message *take_next(struct flush *flush)
{
    struct hy_thread_record *record = flush->selection.record;
    const struct hy__message *best = NULL;
    int best_index = 0;
    if (flush->queue_changes != record->queue_changes)
        look_from_the_front(flush);
    for (int priority = HY__PRIORITIES - 1; priority >= 0; priority--)
        for (int index = priority + HY__PRIORITIES; index >= 0; index -= HY__PRIORITIES) {
            const struct hy__message *message = look(flush, index);
            if (message != NULL && (best == NULL || (int32_t)(message->pass - best->pass) < 0)) {
                best = message;
                best_index = index;
            }
        }
    if (best == NULL)
        return NULL;
    struct hy__message **link = flush->links[best_index], *message = *link;
    hy__queue_unlink(record, best_index, link); /* never a merged one: those are not selected */
    flush->queue_changes = record->queue_changes;
    return message;
}

static int flush_messages(const struct selection *selection)
{
    struct hy_thread_record *record = selection->record;
    hy__arrivals_enter(record); /* user code */
    struct flush flush = {.selection = *selection, .last_pass = record->next_pass++};
    look_from_the_front(&flush);
    /* A handler that ends the loop ends this too; in a loop that was told so before, the caller
     * wants what waits nevertheless. */
    bool was_told_to_stop = hy__loop_should_stop(record);
    struct hy__message *message;
    int count = 0;
    while ((message = take_next(&flush)) != NULL) {
        count += hy__message_deliver(record, message);
        if (!was_told_to_stop && hy__loop_should_stop(record))
            break;
    }
    return count;
}

int hy_posted_flush(struct hy_object *receiver, uint32_t type)
{
    struct selection selection;
    int rc = select_for(receiver, type, "flush what was posted to", &selection);
    if (rc < 0)
        return rc;
    if (type == HY_EVENT_DESTROY)
        return hy__deletes_flush(selection.record, selection.anchor);
    struct hy_ref held = hy_ref_to(receiver); /* its address stays its own */
    rc = flush_messages(&selection);
    hy_ref_release(&held);
    return rc;
}

/* --- removal ---------------------------------------------------------------------------------- */

int hy_posted_remove(struct hy_object *receiver, uint32_t type)
{
    struct selection selection;
    int rc = select_for(receiver, type, "remove what was posted to", &selection);
    if (rc < 0)
        return rc;
    if (type == HY_EVENT_DESTROY)
        return hy_error_set(-HY_EINVAL, "a request to destroy cannot be taken back");
    struct hy_thread_record *record = selection.record;
    struct hy__message *removed = NULL, **end = &removed, *message;
    int count = 0;
    for (int i = 0; i < HY__QUEUES; i++) {
        struct hy__message **link = &record->queues[i].first;
        while ((message = *link) != NULL) {
            if (!is_selected(&selection, message)) {
                link = &message->next;
                continue;
            }
            hy__queue_unlink(record, i, link);
            /* Counted now: the code that destroys payloads may move receivers away. */
            hy__observe_drop(message->anchor);
            hy__message_count_arrival(message->anchor);
            message->next = NULL;
            *end = message;
            end = &message->next;
            count++;
        }
    }
    hy__count(&record->dropped, (uint64_t)count);
    while ((message = removed) != NULL) {
        struct hy_connection spent = hy__message_connection_to_cut(message);
        removed = message->next;
        hy__message_discard(message); /* user code */
        hy_connection_disconnect(spent);
    }
    return count;
}

/* --- counting --------------------------------------------------------------------------------- */

/* Objects with a request from another thread that has not been looked at. An object may have more
 * than one, and a request of its own thread too. */
static int count_requests(const struct selection *selection)
{
    struct hy_thread_record *record = selection->record;
    int count = 0;
    for (int marking = 1; marking >= 0; marking--)
        for (int i = 0; i < HY__PRIORITIES; i++)
            for (struct hy__message *message = record->queues[i].first; message != NULL;
                 message = message->next) {
                struct hy_anchor *anchor = message->anchor;
                if (message->kind != HY__MESSAGE_DESTROY || anchor->object == NULL ||
                    anchor->delete_hangs ||
                    (selection->anchor != NULL && anchor != selection->anchor))
                    continue;
                count += marking && !anchor->delete_counted;
                anchor->delete_counted = marking;
            }
    return count;
}

static int count_messages(const struct selection *selection)
{
    int count = 0;
    for (int i = 0; i < HY__QUEUES; i++)
        for (const struct hy__message *message = selection->record->queues[i].first;
             message != NULL; message = message->next)
            count += is_selected(selection, message);
    return count;
}

int hy_posted_count(struct hy_object *receiver, uint32_t type)
{
    struct selection selection;
    int rc = select_for(receiver, type, "count what was posted to", &selection);
    if (rc < 0)
        return rc;
    if (type != HY_EVENT_DESTROY)
        return count_messages(&selection);
    int hanging =
        receiver != NULL ? receiver->anchor->delete_hangs : hy__deletes_count(selection.record);
    return hanging + count_requests(&selection);
}
