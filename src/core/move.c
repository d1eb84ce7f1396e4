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
 * A tree that is moved to no thread gets a record that never runs, and is in the state between its
 * leave_thread and its enter_thread hooks until it is moved on.
 *
 * Only movers hold more than one anchor lock; they lock the root first, and two movers never share
 * a tree.
 */
#include "core/internal.h"

static const char no_thread[] = "no thread";

static bool is_in_tree(const struct hy__message *message, const struct hy_object *root)
{
    const struct hy_object *above = message->anchor != NULL ? message->anchor->object : NULL;
    if (above == NULL)
        return false;
    while (above->parent != NULL)
        above = above->parent;
    return above == root;
}

static struct hy__message *extract(struct hy_thread_record *record, struct hy_object *root)
{
    /* What is held back is the older part of its priority. */
    static const int order[HY__QUEUES] = {5, 2, 4, 1, 3, 0};
    struct hy__message *cargo = NULL, **end = &cargo;
    for (int i = 0; i < HY__QUEUES; i++) {
        struct hy__message **link = &record->queues[order[i]].first, *message;
        while ((message = *link) != NULL) {
            if (!is_in_tree(message, root)) {
                link = &message->next;
            } else if (hy__queue_unlink(record, order[i], link)) {
                message->next = NULL;
                *end = message;
                end = &message->next;
            }
        }
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

/* Locks root first; returns the chain in which to unlock. */
static struct hy_anchor *lock_tree(struct hy_object *root)
{
    struct hy_anchor *chain = NULL;
    for (struct hy_object *object = root; object != NULL; object = hy__tree_next(root, object)) {
        struct hy_anchor *anchor = object->anchor;
        hy__lock(&anchor->lock);
        anchor->move_next = chain;
        chain = anchor;
    }
    return chain;
}

/*
 * Publishes the home and unlocks. Along the chain, not the tree: an object is the new thread's from
 * the moment its home is published, and a direct emission there may change its links at once. So
 * children come before their parents, who own them; and the root last, for whoever expands ADOPT
 * waits for it.
 */
static void unlock_chain(struct hy_anchor *chain, struct hy_thread_record *home)
{
    for (struct hy_anchor *next; chain != NULL; chain = next) {
        next = chain->move_next;
        /* Release: who finds its own record here sees the object as it was left. */
        __atomic_store_n(&chain->home, home, __ATOMIC_RELEASE);
        hy__unlock(&chain->lock);
    }
}

/* Each anchor holds a reference to its home record. */
static uint32_t chain_length(const struct hy_anchor *chain)
{
    uint32_t count = 0;
    for (; chain != NULL; chain = chain->move_next)
        count++;
    return count;
}

/* A tree is moved as a whole, so each object of it must be fit to. thread NULL: to no thread. */
static int check_tree(struct hy_object *root, const struct hy_thread *thread)
{
    for (struct hy_object *object = root; object != NULL; object = hy__tree_next(root, object)) {
        if (thread != NULL && object == &thread->hy)
            return hy_error_set(
                -HY_EINVAL,
                "the handle of thread \"%s\" cannot live in that thread: nobody could join it",
                hy_thread_name(thread));
        if ((object->flags & HY__OBJECT_DYING) != 0)
            return hy_error_set(-HY_EBUSY, "cannot move %s: its child %s is being finished",
                                hy__object_text(root), hy__object_text(object));
    }
    return 0;
}

static int check_move(struct hy_object *object, const struct hy_thread *thread)
{
    if (object == NULL || object->anchor == NULL)
        return hy_error_set(-HY_ESHUTDOWN, "%s was never made, or has been finished",
                            hy__object_text(object));
    if (hy__anchor_is_lost(object->anchor))
        return hy__lost(hy__object_text(object));
    if (thread != NULL && hy__record_is_lost(hy__thread_record(thread)))
        return hy__lost(hy_thread_name(thread));
    if (object->anchor->fixed)
        return hy__object_is_fixed(object, "moved");
    struct hy_thread_record *home = hy__anchor_home_ref(object->anchor);
    bool elsewhere = home != hy__record_if_any() && hy__record_is_running(home);
    int rc = 0;
    if (!elsewhere && (object->flags & HY__OBJECT_DYING) != 0)
        rc = hy_error_set(-HY_ESHUTDOWN, "%s is being finished", hy__object_text(object));
    else if (!elsewhere && object->parent != NULL)
        rc = hy_error_set(
            -HY_EBUSY,
            "cannot move %s from thread \"%s\" to \"%s\": it has the parent %s; move that, or "
            "take it from its parent first",
            hy__object_text(object), home->name,
            thread != NULL ? hy_thread_name(thread) : no_thread, hy__object_text(object->parent));
    else if (!elsewhere && (object->flags & HY__OBJECT_TRAVELLING) != 0)
        rc = hy_error_set(-HY_EBUSY, "%s is being moved already", hy__object_text(object));
    hy__record_unref(home);
    if (elsewhere)
        return hy_object_check_thread(object, "move");
    return rc < 0 ? rc : check_tree(object, thread);
}

static void call_hooks(struct hy_thread_record *record, struct hy_object *root, bool entering)
{
    root->flags |= HY__OBJECT_TRAVELLING;
    record->hooking++;
    for (struct hy_object *object = root; object != NULL; object = hy__tree_next(root, object))
        hy__object_call_hook(object, entering);
    record->hooking--;
    root->flags &= ~(uint32_t)HY__OBJECT_TRAVELLING;
}

void hy__tree_enter(struct hy_thread_record *record, struct hy_object *root)
{
    if (record->parked)
        return;
    for (struct hy_object *object = root; object != NULL; object = hy__tree_next(root, object))
        hy__calls_enter(object->anchor);
    call_hooks(record, root, true);
}

/* Delayed calls leave after the hooks, which may have asked for some more. */
static void calls_leave(struct hy_object *root)
{
    for (struct hy_object *object = root; object != NULL; object = hy__tree_next(root, object))
        hy__calls_leave(object->anchor);
}

/* What this thread remembers of the objects is forgotten while they are still its own. */
static void mark_gone(struct hy_thread_record *record, struct hy_anchor *chain)
{
    for (; chain != NULL; chain = chain->move_next) {
        hy__frames_mark_gone(record, chain);
        hy__delete_unhang(record, chain);
        hy__filters_leave(chain->filters);
    }
}

/* A delete asked for here is due there: the request goes along, at the end of the cargo. */
static int make_delete_requests(struct hy_object *root, struct hy__message **ret_requests)
{
    for (struct hy_object *object = root; object != NULL; object = hy__tree_next(root, object)) {
        if (!object->anchor->delete_requested && !object->anchor->delete_hangs)
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
    struct hy_anchor *chain = lock_tree(root);
    hy__mailbox_take(record); /* what was posted until now */
    adopt->to.cargo = extract(record, root);
    if (requests != NULL)
        append_requests(adopt, requests);
    struct hy__wait *calls = hy__calls_of(adopt->to.cargo);
    uint32_t count = chain_length(chain);
    for (uint32_t i = 0; i < count; i++)
        hy__record_ref(target);
    enum hy__push_result result = hy__mailbox_push(target, adopt);
    if (result == HY__PUSH_CLOSED) {
        put_back(record, adopt->to.cargo);
        unlock_chain(chain, record);
        for (uint32_t i = 0; i < count; i++)
            hy__record_unref(target);
        hy__calls_poke(calls);
        return hy_error_set(-HY_ESHUTDOWN, "thread \"%s\" has finished", target->name);
    }
    if (result == HY__PUSH_WAKE)
        hy__record_ref(target); /* the objects are the target's from the unlock on */
    mark_gone(record, chain);
    unlock_chain(chain, target);
    for (uint32_t i = 0; i < count; i++)
        hy__record_unref(record);
    if (result == HY__PUSH_WAKE) {
        hy__record_wake(target);
        hy__record_unref(target);
    }
    hy__calls_poke(calls); /* whoever waits for one of them waits for another thread now */
    return 0;
}

/* Ends an ADOPT message that was not pushed. */
static void discard_adopt(struct hy__message *adopt)
{
    adopt->to.cargo = NULL;
    hy__anchor_unref(adopt->anchor);
    hy__message_discard(adopt);
}

static int move(struct hy_object *object, struct hy_thread_record *target)
{
    struct hy_anchor *anchor = object->anchor;
    struct hy_thread_record *record = hy__anchor_home(anchor);
    struct hy__message *adopt, *requests = NULL;
    int rc = hy__message_make(NULL, NULL, &adopt);
    if (rc < 0)
        return rc;
    adopt->kind = HY__MESSAGE_ADOPT;
    adopt->anchor = anchor;
    hy__anchor_ref(anchor);
    hy__mailbox_take(record); /* an ADOPT of this very tree may be in there */
    hy__arrivals_enter(record);
    /* The hooks of others were user code: look again. */
    if (anchor->object == NULL || hy__anchor_home(anchor) != record) {
        discard_adopt(adopt);
        return hy_error_set(-HY_ESHUTDOWN, "the object was finished or moved meanwhile");
    }
    if (!record->parked) /* what is parked has left already */
        call_hooks(record, object, false);
    rc = make_delete_requests(object, &requests);
    if (rc < 0) {
        discard_all(requests);
    } else {
        calls_leave(object);
        hy__root_unlink(record, object);
        rc = push_adopt(record, object, target, adopt, requests);
        if (rc < 0) /* requests, if any, are delivered here */
            hy__root_link(record, object);
    }
    if (rc < 0) {
        hy__tree_enter(record, object);
        discard_adopt(adopt);
    }
    return rc;
}

/* Each parked tree has a record to itself, which goes with the last of its objects. */
static int park(struct hy_object *object)
{
    if (hy__anchor_home(object->anchor)->parked)
        return 0;
    struct hy_thread_record *nowhere = hy__record_create(no_thread);
    if (nowhere == NULL)
        return -HY_ENOMEM;
    nowhere->parked = true;
    int rc = move(object, nowhere);
    hy__record_unref(nowhere);
    return rc;
}

int hy_object_move_to_thread(struct hy_object *object, struct hy_thread *thread)
{
    struct hy_thread_record *target = hy__thread_record(thread);
    if (thread != NULL && target == NULL)
        return hy_error_set(-HY_ESHUTDOWN, "the handle of the thread to move to has been ended");
    int rc = check_move(object, thread);
    if (rc < 0)
        return rc;
    if (hy__anchor_home(object->anchor) == target)
        return 0;
    hy__debug("move", "moving %s to %s", hy__object_text(object),
              target != NULL ? target->name : no_thread);
    return target != NULL ? move(object, target) : park(object);
}
