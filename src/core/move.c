/* SPDX-License-Identifier: MIT */
/*
 * Moving an object tree to another thread: push only, by the home thread.
 *
 * Each post is atomic with respect to the move, because both hold the receiver's lock. A message
 * posted before the move travels in the cargo of ADOPT (or was delivered before); one posted after
 * it enters the new mailbox behind ADOPT, which was pushed under that lock. ADOPT is expanded in
 * place, so the earlier one comes first: the order of each sender is kept over any number of moves.
 * The objects' plain fields are published by the locks' release and the mailbox. tests/model
 * explores the interleavings.
 *
 * Only movers hold more than one anchor lock; they lock the root first, and two movers never share
 * a tree.
 */
#include "core/internal.h"

static struct hy__message *extract(struct hy_thread_record *record, struct hy_object *root)
{
    struct hy__message *cargo = NULL, **end = &cargo;
    for (int priority = HY__PRIORITIES - 1; priority >= 0; priority--) {
        struct hy__queue *queue = &record->queues[priority];
        struct hy__message **link = &queue->first, *message;
        while ((message = *link) != NULL) {
            bool ours = false;
            if (message->anchor->object != NULL) {
                const struct hy_object *above = message->anchor->object;
                while (above->parent != NULL)
                    above = above->parent;
                ours = above == root;
            }
            if (!ours) {
                link = &message->next;
                continue;
            }
            *link = message->next;
            message->next = NULL;
            *end = message;
            end = &message->next;
            record->queued--;
        }
        queue->end = link;
    }
    return cargo;
}

static void put_back(struct hy_thread_record *record, struct hy__message *cargo)
{
    for (struct hy__message *next; cargo != NULL; cargo = next) {
        next = cargo->next;
        hy__record_enqueue(record, cargo);
    }
}

static void lock_tree(struct hy_object *root)
{
    for (struct hy_object *object = root; object != NULL; object = hy__tree_next(root, object))
        hy__lock(&object->anchor->lock);
}

/* Publishes the home and unlocks; the root last, for whoever expands ADOPT waits for it, and the
 * tree is his from then on. */
static void unlock_tree(struct hy_object *root, struct hy_thread_record *home)
{
    struct hy_anchor *root_anchor = root->anchor;
    for (struct hy_object *object = hy__tree_next(root, root); object != NULL;
         object = hy__tree_next(root, object)) {
        /* Release: who finds its own record here sees the object as it was left. */
        __atomic_store_n(&object->anchor->home, home, __ATOMIC_RELEASE);
        hy__unlock(&object->anchor->lock);
    }
    __atomic_store_n(&root_anchor->home, home, __ATOMIC_RELEASE);
    hy__unlock(&root_anchor->lock);
}

/* Each anchor holds a reference to its home record. */
static uint32_t tree_size(struct hy_object *root)
{
    uint32_t count = 0;
    for (struct hy_object *object = root; object != NULL; object = hy__tree_next(root, object))
        count++;
    return count;
}

static int check_move(struct hy_object *object, const struct hy_thread *thread,
                      struct hy_thread_record *target)
{
    if (object->anchor == NULL || (object->flags & HY__OBJECT_DYING) != 0)
        return hy_error_set(-HY_ESHUTDOWN, "%s has been finished", hy__object_text(object));
    struct hy_thread_record *home = hy__anchor_home(object->anchor);
    if (home != hy__record_if_any() && hy__record_is_running(home))
        return hy_object_check_thread(object, "move");
    if (object->parent != NULL)
        return hy_error_set(
            -HY_EBUSY,
            "cannot move %s from thread \"%s\" to \"%s\": it has the parent %s; move that, or "
            "take it from its parent first",
            hy__object_text(object), home->name, target->name, hy__object_text(object->parent));
    if (object == &thread->hy)
        return hy_error_set(
            -HY_EINVAL,
            "the handle of thread \"%s\" cannot live in that thread: nobody could join it",
            target->name);
    return 0;
}

static void leave(struct hy_object *root)
{
    for (struct hy_object *object = root; object != NULL; object = hy__tree_next(root, object))
        hy__object_call_hook(object, false);
}

static void enter(struct hy_object *root)
{
    for (struct hy_object *object = root; object != NULL; object = hy__tree_next(root, object))
        hy__object_call_hook(object, true);
}

static void mark_gone(struct hy_thread_record *record, struct hy_object *root)
{
    for (struct hy_object *object = root; object != NULL; object = hy__tree_next(root, object))
        hy__frames_mark_gone(record, object->anchor);
}

/* A delete asked for here is due there: the request goes along, at the end of the cargo. */
static int make_delete_requests(struct hy_object *root, struct hy__message **ret_requests)
{
    for (struct hy_object *object = root; object != NULL; object = hy__tree_next(root, object)) {
        if (!object->anchor->delete_requested)
            continue;
        struct hy__message *message;
        int rc = hy__message_make(NULL, NULL, &message);
        if (rc < 0)
            return rc;
        message->kind = HY__MESSAGE_DESTROY;
        message->anchor = object->anchor;
        message->next = *ret_requests;
        *ret_requests = message;
    }
    return 0;
}

static void discard_all(struct hy__message *message)
{
    for (struct hy__message *next; message != NULL; message = next) {
        next = message->next;
        hy__message_discard(message);
    }
}

static void append_requests(struct hy__message *adopt, struct hy__message *requests)
{
    struct hy__message **end = &adopt->to.cargo;
    while (*end != NULL)
        end = &(*end)->next;
    *end = requests;
    for (; requests != NULL; requests = requests->next)
        requests->anchor->posted++; /* its lock is held */
}

static int push_adopt(struct hy_thread_record *record, struct hy_object *root,
                      struct hy_thread_record *target, struct hy__message *adopt,
                      struct hy__message *requests)
{
    lock_tree(root);
    hy__mailbox_take(record); /* what was posted until now */
    adopt->to.cargo = extract(record, root);
    if (requests != NULL)
        append_requests(adopt, requests);
    mark_gone(record, root);
    uint32_t count = tree_size(root);
    for (uint32_t i = 0; i < count; i++)
        hy__record_ref(target);
    enum hy__push_result result = hy__mailbox_push(target, adopt);
    if (result == HY__PUSH_CLOSED) {
        put_back(record, adopt->to.cargo);
        unlock_tree(root, record);
        for (uint32_t i = 0; i < count; i++)
            hy__record_unref(target);
        return hy_error_set(-HY_ESHUTDOWN, "thread \"%s\" has finished", target->name);
    }
    if (result == HY__PUSH_WAKE)
        hy__record_ref(target); /* the objects are the target's from the unlock on */
    unlock_tree(root, target);
    for (uint32_t i = 0; i < count; i++)
        hy__record_unref(record);
    if (result == HY__PUSH_WAKE) {
        hy__record_wake(target);
        hy__record_unref(target);
    }
    return 0;
}

int hy__move(struct hy_object *object, struct hy_thread_record *target)
{
    struct hy_thread_record *record = hy__anchor_home(object->anchor);
    struct hy__message *adopt, *requests = NULL;
    int rc = hy__message_make(NULL, NULL, &adopt);
    if (rc < 0)
        return rc;
    rc = make_delete_requests(object, &requests);
    if (rc < 0) {
        discard_all(requests);
        hy__message_discard(adopt);
        return rc;
    }
    hy__mailbox_take(record); /* an ADOPT of this very tree may be in there */
    hy__arrivals_enter(record);
    adopt->kind = HY__MESSAGE_ADOPT;
    adopt->anchor = object->anchor;
    hy__anchor_ref(object->anchor);
    leave(object);
    hy__root_unlink(record, object);
    rc = push_adopt(record, object, target, adopt, requests);
    if (rc < 0) { /* requests, if any, are delivered here */
        hy__root_link(record, object);
        enter(object);
        hy__anchor_unref(adopt->anchor);
        adopt->to.cargo = NULL;
        hy__message_discard(adopt);
    }
    return rc;
}

int hy_object_move_to_thread(struct hy_object *object, struct hy_thread *thread)
{
    struct hy_thread_record *target = thread != NULL ? hy__thread_record(thread) : NULL;
    if (target == NULL)
        return hy_error_set(-HY_EINVAL, "the thread to move to is not initialised");
    int rc = check_move(object, thread, target);
    if (rc < 0)
        return rc;
    if (hy__anchor_home(object->anchor) == target)
        return 0;
    return hy__move(object, target);
}
