/* SPDX-License-Identifier: MIT */
/*
 * Deferred delete.
 *
 * A request of the home thread is due when the handler that the loop called, and in which it was
 * made, has returned, and no handler of the object is on the stack: it hangs on whichever of those
 * frames is further out. Without a loop it waits in the record until one runs. A request from
 * another thread is a message and needs only the second condition. A list holds a reference to each
 * anchor; an object that was finished meanwhile is passed over, one that moves leaves the list. An
 * anchor hangs in one list at a time.
 */
#include "core/internal.h"

static struct hy__frame *outermost_of(struct hy_thread_record *record,
                                      const struct hy_anchor *anchor, bool with_requester)
{
    struct hy__frame *found = NULL;
    bool requester_seen = !with_requester;
    for (struct hy__frame *frame = record->frame; frame != NULL; frame = frame->outer) {
        if (!requester_seen && frame->from_loop) {
            requester_seen = true;
            found = frame;
        } else if (frame->anchor == anchor && requester_seen) {
            found = frame;
        }
    }
    return found;
}

static void append(struct hy__deletes *list, struct hy_anchor *anchor)
{
    anchor->delete_next = NULL;
    if (list->first == NULL)
        list->first = anchor;
    else
        list->last->delete_next = anchor;
    list->last = anchor;
}

static struct hy_anchor *take_first(struct hy__deletes *list)
{
    struct hy_anchor *anchor = list->first;
    list->first = anchor->delete_next;
    anchor->delete_next = NULL;
    return anchor;
}

static void hang_on(struct hy__deletes *list, struct hy_anchor *anchor)
{
    if (anchor->delete_hangs) /* asked for before: it comes due with that request */
        return;
    append(list, anchor);
    anchor->delete_hangs = true;
    hy__anchor_ref(anchor);
}

static bool take_from(struct hy__deletes *list, struct hy_anchor *anchor)
{
    struct hy_anchor *previous = NULL, *candidate = list->first;
    while (candidate != NULL && candidate != anchor) {
        previous = candidate;
        candidate = candidate->delete_next;
    }
    if (candidate == NULL)
        return false;
    if (previous == NULL)
        list->first = anchor->delete_next;
    else
        previous->delete_next = anchor->delete_next;
    if (list->last == anchor)
        list->last = previous;
    anchor->delete_next = NULL;
    anchor->delete_hangs = false;
    hy__anchor_unref(anchor);
    return true;
}

void hy__delete_unhang(struct hy_thread_record *record, struct hy_anchor *anchor)
{
    if (!anchor->delete_hangs || take_from(&record->deletes, anchor))
        return;
    for (struct hy__frame *frame = record->frame; frame != NULL; frame = frame->outer)
        if (take_from(&frame->deletes, anchor))
            return;
    for (struct hy__serving *serving = record->serving; serving != NULL; serving = serving->outer)
        if (take_from(&serving->list, anchor))
            return;
}

static int request_from_elsewhere(struct hy_anchor *anchor)
{
    struct hy__message *message;
    int rc = hy__message_make(NULL, NULL, &message);
    if (rc < 0)
        return rc;
    message->kind = HY__MESSAGE_DESTROY;
    rc = hy__post(anchor, message);
    if (rc < 0)
        hy__message_discard(message);
    return rc;
}

int hy_ref_destroy_later(struct hy_ref ref)
{
    struct hy_anchor *anchor = ref.anchor;
    if (anchor == NULL)
        return hy_error_set(-HY_ESHUTDOWN, "the object was never made, or has been finished");
    if (__atomic_load_n(&anchor->fixed, __ATOMIC_RELAXED))
        return hy_error_set(-HY_EINVAL, "the object belongs to its thread and cannot be ended");
    struct hy_thread_record *record = hy__record();
    if (record == NULL)
        return -HY_ENOMEM;
    if (hy__anchor_home(anchor) != record)
        return request_from_elsewhere(anchor);
    if (anchor->object == NULL)
        return hy_error_set(-HY_ESHUTDOWN, "the object is dead, or being finished");
    if (anchor->delete_requested)
        return 0;
    anchor->delete_requested = true;
    struct hy__frame *frame = outermost_of(record, anchor, true);
    hang_on(frame != NULL ? &frame->deletes : &record->deletes, anchor);
    return 0;
}

int hy_object_destroy_later(struct hy_object *object)
{
    return hy_ref_destroy_later((struct hy_ref){object != NULL ? object->anchor : NULL});
}

/* In the home thread: destroys the object now, or as its outermost handler returns. */
void hy__destroy_request_arrived(struct hy_thread_record *record, struct hy_anchor *anchor)
{
    struct hy__frame *frame = outermost_of(record, anchor, false);
    if (frame != NULL) {
        take_from(&record->deletes, anchor); /* this one does not wait for a loop */
        hang_on(&frame->deletes, anchor);
        return;
    }
    hy_object_destroy(anchor->object);
}

void hy__deletes_serve(struct hy_thread_record *record, struct hy__deletes *list)
{
    struct hy__serving serving = {*list, record->serving};
    list->first = NULL;
    record->serving = &serving;
    while (serving.list.first != NULL) {
        struct hy_anchor *anchor = take_first(&serving.list);
        anchor->delete_hangs = false;
        if (anchor->object != NULL)
            hy__destroy_request_arrived(record, anchor);
        hy__anchor_unref(anchor);
    }
    record->serving = serving.outer;
}

/* The list on which a request of the handler that runs hangs, or the record's. */
static struct hy__deletes *list_of_handler(struct hy_thread_record *record)
{
    struct hy__frame *frame = record->frame;
    while (frame != NULL && !frame->from_loop)
        frame = frame->outer;
    return frame != NULL ? &frame->deletes : &record->deletes;
}

int hy__deletes_flush(struct hy_thread_record *record, const struct hy_anchor *anchor)
{
    struct hy__deletes *list = list_of_handler(record), all = *list, due = {NULL, NULL};
    int count = 0;
    list->first = NULL;
    while (all.first != NULL) {
        struct hy_anchor *candidate = take_first(&all);
        if ((anchor != NULL && candidate != anchor) || candidate->object == NULL ||
            outermost_of(record, candidate, false) != NULL) {
            append(list, candidate);
        } else {
            append(&due, candidate);
            count++;
        }
    }
    hy__deletes_serve(record, &due);
    return count;
}

static int length_of(const struct hy__deletes *list)
{
    int count = 0;
    for (const struct hy_anchor *anchor = list->first; anchor != NULL; anchor = anchor->delete_next)
        count += anchor->object != NULL;
    return count;
}

int hy__deletes_count(const struct hy_thread_record *record)
{
    int count = length_of(&record->deletes);
    for (const struct hy__frame *frame = record->frame; frame != NULL; frame = frame->outer)
        count += length_of(&frame->deletes);
    for (const struct hy__serving *serving = record->serving; serving != NULL;
         serving = serving->outer)
        count += length_of(&serving->list);
    return count;
}
