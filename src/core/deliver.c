/* SPDX-License-Identifier: MIT */
/*
 * Delivery: frames, and the choice of the next message.
 *
 * A message carries the number of the pass that may deliver it. The next message is the one with
 * the smallest number, then the highest priority; so nothing posted during a pass overtakes it,
 * whether the pass is cut by the batch limit or goes on in a nested loop. User input that comes up
 * while it is excluded is put aside, in order, and stands in front again when hy__exclude() allows
 * it.
 */
#include "core/internal.h"

bool hy__frame_serve(struct hy_thread_record *record, struct hy__frame *frame)
{
    /* The receiver may be among those to be destroyed: a reference keeps its anchor to look at. */
    struct hy_anchor *anchor = frame->anchor;
    if (anchor != NULL)
        hy__anchor_ref(anchor);
    hy__deletes_serve(record, &frame->deletes);
    if (anchor == NULL)
        return false;
    bool alive = anchor->object != NULL && hy__anchor_home(anchor) == record;
    hy__anchor_unref(anchor);
    return alive;
}

void hy__frames_mark_gone(struct hy_thread_record *record, const struct hy_anchor *anchor)
{
    for (struct hy__frame *frame = record->frame; frame != NULL; frame = frame->outer)
        if (frame->anchor == anchor) {
            frame->anchor = NULL;
            frame->gone = true;
            if (frame->of_event)
                ((struct hy__event_frame *)(void *)frame)->event->receiver = NULL;
        }
}

static struct hy__queue *next_queue(struct hy_thread_record *record, uint32_t last_pass)
{
    struct hy__queue *best = NULL;
    for (int priority = HY__PRIORITIES - 1; priority >= 0; priority--) {
        struct hy__queue *queue = &record->queues[priority];
        /* Differences, for the numbers wrap. */
        if (queue->first != NULL && (int32_t)(queue->first->pass - last_pass) <= 0 &&
            (best == NULL || (int32_t)(queue->first->pass - best->first->pass) < 0))
            best = queue;
    }
    return best;
}

/* A single-shot connection is cut before its slot runs. */
static __attribute__((noinline)) bool call_single_shot(struct hy_thread_record *record,
                                                       struct hy__message *message, hy_slot slot,
                                                       uint64_t flags)
{
    struct hy_anchor *anchor = message->anchor, *sender;
    if (!hy__connection_cut(anchor, message->to.connection, message->connection_id, &sender))
        return false;
    struct hy__frame frame;
    hy__anchor_count(anchor, 1);
    hy__frame_push(record, &frame, anchor, true);
    hy__frame_set_slot(&frame, message->to.connection, message->connection_id);
    hy__frame_set_sender(&frame, sender);
    hy__slot_call(slot, flags, anchor->object,
                  message->has_payload ? hy__message_payload(message) : NULL);
    hy__frame_pop(record, &frame);
    hy__anchor_unref(sender);
    return true;
}

static inline __attribute__((always_inline)) bool call_slot(struct hy_thread_record *record,
                                                            struct hy__message *message)
{
    struct hy_anchor *anchor = message->anchor;
    struct hy__connection *connection = message->to.connection;
    struct hy_object *object = anchor->object;
    /* Acquire: a connection cut before this moment is seen as cut; a recycled one has another id.
     */
    hy_slot slot = __atomic_load_n(&connection->slot, __ATOMIC_ACQUIRE);
    uint64_t id_flags = __atomic_load_n(&connection->id_flags, __ATOMIC_ACQUIRE);
    if (object == NULL || slot == NULL || id_flags >> HY__ID_SHIFT != message->connection_id)
        return false;
    if (HY_UNLIKELY((id_flags & HY_SINGLE_SHOT) != 0))
        return call_single_shot(record, message, slot, id_flags);
    /* Counted before the call: the handler may finish the object or move it away, and then the
     * anchor is not ours. */
    hy__anchor_count(anchor, 1);
    struct hy__frame frame;
    hy__frame_push(record, &frame, anchor, true);
    hy__frame_set_slot(&frame, connection, message->connection_id);
    hy__slot_call(slot, id_flags, object,
                  message->has_payload ? hy__message_payload(message) : NULL);
    hy__frame_pop(record, &frame);
    return true;
}

/* Calls what the message is for. False: there is nobody to call any more. */
static inline __attribute__((always_inline)) bool call(struct hy_thread_record *record,
                                                       struct hy__message *message)
{
    if (message->kind == HY__MESSAGE_SLOT)
        return call_slot(record, message);
    struct hy_anchor *anchor = message->anchor;
    struct hy_object *object = anchor->object;
    if (object == NULL)
        return false;
    if (message->kind == HY__MESSAGE_EVENT) {
        hy__anchor_count(anchor, 1); /* before the call, as above */
        hy__event_deliver(record, message);
        return true;
    }
    if (message->kind == HY__MESSAGE_EXTENDED || message->kind == HY__MESSAGE_TOKEN)
        return hy__extension_deliver(record, message);
    if (message->kind == HY__MESSAGE_CALL)
        return hy__call_deliver(record, message);
    hy__anchor_count(anchor, 1);
    if (message->kind == HY__MESSAGE_DESTROY) {
        hy__destroy_request_arrived(record, anchor);
        return true;
    }
    if (message->kind == HY__MESSAGE_CHANGED) {
        hy__change_arrived(message);
        return true;
    }
    const void *payload = message->has_payload ? hy__message_payload(message) : NULL;
    struct hy__frame frame;
    hy__frame_push(record, &frame, anchor, true);
    message->to.function(object, payload);
    hy__frame_pop(record, &frame);
    return true;
}

static __attribute__((noinline)) void cut_behind_the_last(struct hy__message *message)
{
    struct hy_connection connection = {message->to.connection, message->connection_id};
    /* Counted before the cut: the end of a context may move the receiver away. A dead receiver has
     * cut all of its connections already. */
    hy__message_settle(message);
    hy_connection_disconnect(connection);
}

/* False: it was for nobody, and dropped. */
static inline __attribute__((always_inline)) bool deliver(struct hy_thread_record *record,
                                                          struct hy__message *message)
{
    if (HY_UNLIKELY(message->kind == HY__MESSAGE_CUT)) {
        cut_behind_the_last(message);
        return false;
    }
    HY__PROBE4(deliver, message, message->anchor, message->kind, &record->name[0]);
    if (!call(record, message)) {
        hy__message_drop(record, message);
        return false;
    }
    hy__count(&record->delivered, 1);
    hy__message_discard(message);
    return true;
}

static __attribute__((noinline, cold)) bool deliver_observed(struct hy_thread_record *record,
                                                             struct hy__message *message)
{
    struct hy__span span;
    if (message->anchor->object == NULL)
        return deliver(record, message); /* for nobody */
    hy__span_begin_message(record, &span, message);
    bool delivered = deliver(record, message);
    if (delivered)
        hy__span_end(record, &span);
    else
        hy__span_cancel(record, &span);
    return delivered;
}

bool hy__message_deliver(struct hy_thread_record *record, struct hy__message *message)
{
    return hy__is_observed() ? deliver_observed(record, message) : deliver(record, message);
}

int hy__deliver(struct hy_thread_record *record, int limit)
{
    hy__mailbox_take(record);
    hy__arrivals_enter(record);
    uint32_t last_pass = record->next_pass++;
    record->queue_changes++; /* for a flush further out */
    int count = 0;
    bool observed = hy__is_observed(); /* for the whole pass */
    while (count < limit && record->queued != 0) {
        struct hy__queue *queue = next_queue(record, last_pass);
        if (queue == NULL)
            break;
        struct hy__message *message = queue->first;
        queue->first = message->next;
        if (queue->first == NULL)
            queue->end = &queue->first;
        __builtin_prefetch(queue->first);
        __builtin_prefetch((char *)queue->first + HY__MESSAGE_HEADER);
        hy__uncount(&record->queued, 1);
        if (HY_UNLIKELY((message->flags & HY__MESSAGE_SPECIAL) != 0) &&
            !hy__special_popped(record, message))
            continue;
        if (HY_UNLIKELY(observed) ? deliver_observed(record, message) : deliver(record, message))
            count++;
        if (hy__loop_should_stop(record))
            break;
    }
    return count;
}

void hy__arrivals_enter(struct hy_thread_record *record)
{
    struct hy__message *adopt;
    while ((adopt = record->arrivals.first) != NULL) {
        record->arrivals.first = adopt->next;
        if (record->arrivals.first == NULL)
            record->arrivals.end = &record->arrivals.first;
        struct hy_anchor *anchor = adopt->anchor;
        struct hy_object *root = anchor->object;
        /* It may have been finished, or moved on, before anybody looked here. */
        if (root != NULL && hy__anchor_home(anchor) == record)
            hy__tree_enter(record, root);
        hy__message_discard(adopt);
        hy__anchor_unref(anchor);
    }
}
