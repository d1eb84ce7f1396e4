/* SPDX-License-Identifier: MIT */
/*
 * The way of an event: the filters of the thread, then for its receiver and, as long as it is
 * ignored and of a type that propagates, for one parent after the other: the object's filters and
 * its handler. Sent and posted events go the same way.
 *
 * Each object is under a frame of its own while its filters and handler run. User code may end or
 * move any of them: the frame says so, and then neither the object nor its list of filters is
 * touched again. The frame of the receiver stays until the end, and clears event->receiver as it
 * goes.
 */
#include "core/internal.h"

static void handle(struct hy_object *object, struct hy_event *event)
{
    event->ignored = false;
    for (const struct hy_class *type = object->type; type != NULL; type = type->base)
        if (type->event != NULL) {
            type->event(object, event);
            return;
        }
    event->ignored = true; /* there is nobody who could take it */
}

static __attribute__((noinline, cold)) bool is_filtered(struct hy_thread_record *record,
                                                        const struct hy__frame *frame,
                                                        struct hy_object *object,
                                                        struct hy_event *event, bool first)
{
    if (first && record->filters != NULL &&
        hy__filters_apply(record, record->filters, frame, object, event))
        return true;
    struct hy__filters *filters = frame->anchor->filters;
    return filters != NULL && hy__filters_apply(record, filters, frame, object, event);
}

/* One object of the way, under its frame; no user code has run in that yet. */
static inline enum hy__verdict reach(struct hy_thread_record *record, const struct hy__frame *frame,
                                     const struct hy_anchor *anchor, struct hy_object *object,
                                     struct hy_event *event, bool first)
{
    if (HY_UNLIKELY(record->filters != NULL || anchor->filters != NULL) &&
        is_filtered(record, frame, object, event, first)) {
        event->ignored = false;
        return HY__EVENT_STOPPED;
    }
    handle(object, event);
    return event->ignored ? HY__EVENT_IGNORED : HY__EVENT_TAKEN;
}

/* From the object, which ignored it, upwards. `here` says at each step whether the last object is
 * still alive and in this thread, so that it can be asked for its parent. */
static __attribute__((noinline)) enum hy__verdict propagate(struct hy_thread_record *record,
                                                            const struct hy__frame *target,
                                                            struct hy_object *object,
                                                            struct hy_event *event)
{
    enum hy__verdict verdict = HY__EVENT_IGNORED;
    bool here = !target->gone;
    while (here && verdict == HY__EVENT_IGNORED && object->parent != NULL &&
           object->parent->anchor->object != NULL) { /* its fini has not begun */
        object = object->parent;
        struct hy__frame frame;
        hy__frame_push(record, &frame, object->anchor, false);
        verdict = reach(record, &frame, object->anchor, object, event, false);
        here = hy__frame_pop(record, &frame);
    }
    return verdict;
}

/* Under the frame of the receiver. */
static inline enum hy__verdict run(struct hy_thread_record *record, const struct hy__frame *target,
                                   const struct hy_anchor *anchor, struct hy_object *receiver,
                                   struct hy_event *event, bool propagates)
{
    enum hy__verdict verdict = reach(record, target, anchor, receiver, event, true);
    if (propagates && verdict == HY__EVENT_IGNORED)
        verdict = propagate(record, target, receiver, event);
    return verdict;
}

static inline void push(struct hy_thread_record *record, struct hy__event_frame *target,
                        struct hy_anchor *anchor, struct hy_event *event, bool from_loop)
{
    hy__frame_push(record, &target->frame, anchor, from_loop);
    target->frame.of_event = true;
    target->event = event;
}

static __attribute__((noinline)) void
deliver_specially(struct hy_thread_record *record, const struct hy__frame *target,
                  struct hy_object *receiver, struct hy_event *event, struct hy__message *message)
{
    struct hy_anchor *anchor = message->anchor;
    if ((message->flags & HY__MESSAGE_COMPRESSIBLE) != 0)
        hy__event_compress(record, target, message);
    if (!target->gone) /* else the hook ended it, against its contract */
        run(record, target, anchor, receiver, event,
            (message->flags & HY__MESSAGE_PROPAGATES) != 0);
}

void hy__event_deliver(struct hy_thread_record *record, struct hy__message *message)
{
    struct hy_anchor *anchor = message->anchor;
    struct hy_object *receiver = anchor->object;
    struct hy_event event = {.type = (uint32_t)message->to.event_type,
                             .data = message->has_payload ? hy__message_payload(message) : NULL,
                             .size = message->size,
                             .receiver = receiver};
    struct hy__event_frame target;
    push(record, &target, anchor, &event, true);
    if (HY_UNLIKELY(message->flags != 0 || record->filters != NULL || anchor->filters != NULL))
        deliver_specially(record, &target.frame, receiver, &event, message);
    else
        handle(receiver, &event); /* nobody asks for the verdict */
    hy__frame_pop(record, &target.frame);
}

/* A handler has sent on the event that it was given: it is that one's receiver's again. */
static __attribute__((noinline)) void give_back(struct hy__frame *frame, struct hy_event *event)
{
    for (; frame != NULL; frame = frame->outer)
        if (frame->of_event && ((struct hy__event_frame *)(void *)frame)->event == event) {
            event->receiver = frame->gone ? NULL : frame->anchor->object;
            return;
        }
}

enum hy__verdict hy__event_send(struct hy_thread_record *record, struct hy_object *receiver,
                                struct hy_event *event)
{
    const struct hy_event_type *type = hy__event_type(event->type);
    struct hy__event_frame target;
    event->receiver = receiver;
    push(record, &target, receiver->anchor, event, false);
    enum hy__verdict verdict = run(record, &target.frame, receiver->anchor, receiver, event,
                                   type != NULL && (type->flags & HY_EVENT_PROPAGATES) != 0);
    if (!hy__frame_pop(record, &target.frame))
        event->receiver = NULL;
    if (HY_UNLIKELY(record->frame != NULL))
        give_back(record->frame, event);
    return verdict;
}

int hy_send(struct hy_object *receiver, struct hy_event *event)
{
    int rc = hy__object_check_alive(receiver, "send an event to");
    if (rc < 0)
        return rc;
    if (event == NULL)
        return hy_error_set(-HY_EINVAL, "there is no event to send");
    return hy__event_send(hy__record_if_any(), receiver, event) != HY__EVENT_IGNORED;
}
