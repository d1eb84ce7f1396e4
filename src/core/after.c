/* SPDX-License-Identifier: MIT */
/*
 * Delayed calls: hy_object_after().
 *
 * A call is one block: an entry of the schedule, chained to its receiver's anchor, so that it ends
 * and moves with the receiver without a search. Asked for in another thread, it is made there and
 * travels to the receiver as a message, with its deadline.
 */
#include "core/internal.h"

struct hy__call_later {
    struct hy_timer_entry_ entry;
    struct hy_anchor *anchor; /* holds no reference: it is the anchor that holds the call */
    void (*slot)(void *receiver);
    struct hy__call_later *previous, *next; /* anchor->calls */
};

static struct hy__call_later *call_of(struct hy_timer_entry_ *entry)
{
    return (struct hy__call_later *)(void *)((char *)entry -
                                             offsetof(struct hy__call_later, entry));
}

static void link_to(struct hy_anchor *anchor, struct hy__call_later *call)
{
    call->anchor = anchor;
    call->previous = NULL;
    call->next = anchor->calls;
    if (call->next != NULL)
        call->next->previous = call;
    anchor->calls = call;
    hy__entry_insert(hy__anchor_home(anchor), &call->entry);
}

static void unlink_from(struct hy_anchor *anchor, struct hy__call_later *call)
{
    if (call->previous != NULL)
        call->previous->next = call->next;
    else
        anchor->calls = call->next;
    if (call->next != NULL)
        call->next->previous = call->previous;
}

struct hy_anchor *hy__call_target(struct hy_timer_entry_ *entry, uintptr_t *ret_function)
{
    const struct hy__call_later *call = call_of(entry);
    *ret_function = (uintptr_t)call->slot;
    return call->anchor;
}

void hy__call_fire(struct hy_thread_record *record, struct hy_timer_entry_ *entry)
{
    struct hy__call_later *call = call_of(entry);
    struct hy_anchor *anchor = call->anchor;
    void (*slot)(void *) = call->slot;
    unlink_from(anchor, call);
    hy_memory_release(call); /* first: the slot may end the receiver */
    struct hy__frame frame;
    hy__frame_push(record, &frame, anchor, true);
    slot(anchor->object);
    hy__frame_pop(record, &frame);
}

/* The receiver ends. */
void hy__calls_release(struct hy_anchor *anchor)
{
    struct hy__call_later *call;
    while ((call = anchor->calls) != NULL) {
        hy__entry_take_out(hy__anchor_home(anchor), &call->entry);
        unlink_from(anchor, call);
        hy_memory_release(call);
    }
}

void hy__calls_leave(struct hy_anchor *anchor)
{
    for (struct hy__call_later *call = anchor->calls; call != NULL; call = call->next) {
        hy__entry_take_out(hy__anchor_home(anchor), &call->entry);
        call->entry.state = HY__ENTRY_AWAY;
    }
}

void hy__calls_enter(struct hy_anchor *anchor)
{
    struct hy__call_later *call = anchor->calls;
    while (call != NULL && call->next != NULL)
        call = call->next;
    for (; call != NULL; call = call->previous) /* the oldest first: equal deadlines keep order */
        if (call->entry.state == HY__ENTRY_AWAY)
            hy__entry_insert(hy__anchor_home(anchor), &call->entry);
}

/* --- asking -------------------------------------------------------------------------------------
 */

/* Delay 0: the slot is the payload. */
struct immediate {
    void (*slot)(void *receiver);
};

static const struct hy_payload immediate_payload = HY_PLAIN_PAYLOAD(struct immediate);

static void immediate_arrives(struct hy_object *receiver, const void *payload)
{
    ((const struct immediate *)payload)->slot(receiver);
}

/* The call on its way; whoever has it last gives it back. */
struct envelope {
    struct hy__call_later *call;
};

static int envelope_copy(void *to, const void *from)
{
    *(struct envelope *)to = *(const struct envelope *)from;
    return 0;
}

static void envelope_destroy(void *payload)
{
    hy_memory_release(((struct envelope *)payload)->call);
}

static const struct hy_payload envelope_payload =
    HY_DESCRIBED_PAYLOAD(struct envelope, envelope_copy, envelope_destroy);

static void envelope_arrives(struct hy_object *receiver, const void *payload)
{
    /* The payload is the message's own copy: it may be emptied. */
    struct envelope *envelope = (struct envelope *)(uintptr_t)payload;
    link_to(receiver->anchor, envelope->call);
    envelope->call = NULL;
}

static int send_there(struct hy_ref receiver, struct hy__call_later *call)
{
    struct envelope envelope = {call};
    struct hy__message *message;
    int rc = hy__message_make(&envelope_payload, &envelope, &message);
    if (rc < 0) {
        hy_memory_release(call);
        return rc;
    }
    message->kind = HY__MESSAGE_INVOKE;
    message->to.function = envelope_arrives;
    rc = hy__post(receiver.anchor, message);
    if (rc < 0)
        hy__message_discard(message); /* with the call */
    return rc;
}

static int check_call(int64_t delay_ns, void (*slot)(void *receiver))
{
    if (slot == NULL)
        return hy_error_set(-HY_EINVAL, "a call after some time needs a slot");
    if (delay_ns < 0)
        return hy_error_set(-HY_EINVAL, "nothing can be called after %lld ns; give 0 or more",
                            (long long)delay_ns);
    return hy__record() != NULL ? 0 : -HY_ENOMEM;
}

int hy_ref_after(struct hy_ref receiver, int64_t delay_ns, void (*slot)(void *receiver))
{
    if (receiver.anchor == NULL)
        return hy_error_set(-HY_ESHUTDOWN, "the receiver was never made, or has been finished");
    int rc = check_call(delay_ns, slot);
    if (rc != 0)
        return rc;
    if (delay_ns == 0) {
        struct immediate immediate = {slot};
        return hy_ref_invoke(receiver, immediate_arrives, &immediate_payload, &immediate);
    }
    struct hy_thread_record *record = hy__record_if_any();
    bool here = hy__anchor_home(receiver.anchor) == record;
    if (here && (receiver.anchor->object == NULL || record->closed))
        return hy_error_set(-HY_ESHUTDOWN, "the receiver is dead, or its thread has finished");
    struct hy__call_later *call = hy_memory_allocate_zeroed(sizeof *call);
    if (call == NULL)
        return -HY_ENOMEM;
    call->slot = slot;
    call->entry.is_call = true;
    hy__entry_set_deadline(&call->entry, hy__time_sum(hy__record_now(record), delay_ns), delay_ns,
                           HY_TIMER_COARSE);
    if (!here)
        return send_there(receiver, call);
    /* What was asked for before, elsewhere or before the receiver came here, is on its way and has
     * an earlier deadline: it comes first whatever enters the heap first. */
    link_to(receiver.anchor, call);
    return 0;
}

int hy_object_after(struct hy_object *receiver, int64_t delay_ns, void (*slot)(void *receiver))
{
    return hy_ref_after((struct hy_ref){receiver != NULL ? receiver->anchor : NULL}, delay_ns,
                        slot);
}
