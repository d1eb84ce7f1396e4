/* SPDX-License-Identifier: MIT */
/*
 * The tree: who is whose child, and who is told.
 *
 * Children are a doubly linked list in the order they were made; so are the parentless objects of a
 * thread. A parent is told of a change when the tree is in order again, for its hook is user code:
 * it may change the tree once more, and end the child or the parent itself.
 */
#include "core/internal.h"

#include <string.h>

/* --- links ------------------------------------------------------------------------------------ */

static void list_append(struct hy_object **first, struct hy_object **last, struct hy_object *object)
{
    object->previous = *last;
    object->next = NULL;
    if (*last != NULL)
        (*last)->next = object;
    else
        *first = object;
    *last = object;
}

static void list_remove(struct hy_object **first, struct hy_object **last, struct hy_object *object)
{
    if (object->previous != NULL)
        object->previous->next = object->next;
    else if (*first == object)
        *first = object->next;
    else
        return; /* in no list: a tree on its way to another thread */
    if (object->next != NULL)
        object->next->previous = object->previous;
    else
        *last = object->previous;
    object->previous = object->next = NULL;
}

void hy__root_link(struct hy_thread_record *record, struct hy_object *object)
{
    list_append(&record->first_root, &record->last_root, object);
}

void hy__root_unlink(struct hy_thread_record *record, struct hy_object *object)
{
    list_remove(&record->first_root, &record->last_root, object);
}

void hy__object_link_in(struct hy_object *object, struct hy_object *parent,
                        struct hy_thread_record *record)
{
    object->parent = parent;
    if (parent != NULL)
        list_append(&parent->first_child, &parent->last_child, object);
    else
        hy__root_link(record, object);
}

void hy__object_link_out(struct hy_object *object, struct hy_thread_record *record)
{
    if (object->parent != NULL)
        list_remove(&object->parent->first_child, &object->parent->last_child, object);
    else
        hy__root_unlink(record, object);
    object->parent = NULL;
}

struct hy_object *hy__tree_next(const struct hy_object *root, struct hy_object *object)
{
    if (object->first_child != NULL)
        return object->first_child;
    while (object != root && object->next == NULL)
        object = object->parent;
    return object == root ? NULL : object->next;
}

void hy__object_call_hook(struct hy_object *object, bool entering)
{
    for (const struct hy_class *type = object->type; type != NULL; type = type->base) {
        void (*hook)(struct hy_object *) = entering ? type->enter_thread : type->leave_thread;
        if (hook != NULL)
            hook(object);
    }
}

/* --- telling parents ---------------------------------------------------------------------------
 */

static bool wants_changes(const struct hy_class *type)
{
    for (; type != NULL; type = type->base)
        if (type->child_changed != NULL)
            return true;
    return false;
}

static bool lives_in(const struct hy_anchor *anchor, const struct hy_thread_record *home)
{
    return hy__anchor_home(anchor) == home && anchor->object != NULL;
}

bool hy__child_changed(struct hy_object *parent, struct hy_object *child, bool added)
{
    if (parent == NULL || (parent->flags & HY__OBJECT_DYING) != 0 || !wants_changes(parent->type))
        return true;
    struct hy_anchor *anchors[] = {parent->anchor, child->anchor};
    struct hy_thread_record *home = hy__anchor_home(anchors[0]);
    bool child_lives = anchors[1]->object != NULL; /* it may be told of because it ends */
    hy__anchor_ref(anchors[0]);
    hy__anchor_ref(anchors[1]);
    bool alive = true;
    for (const struct hy_class *type = parent->type; type != NULL && alive; type = type->base)
        if (type->child_changed != NULL) {
            type->child_changed(parent, child, added);
            alive = lives_in(anchors[0], home) && (!child_lives || lives_in(anchors[1], home));
        }
    alive = !child_lives || lives_in(anchors[1], home);
    hy__anchor_unref(anchors[0]);
    hy__anchor_unref(anchors[1]);
    return alive;
}

/* --- trees whose hooks are being called by a move ----------------------------------------------
 */

int hy__object_check_rests(const struct hy_object *object, const char *operation)
{
    const struct hy_object *root = object;
    if (hy__anchor_home(object->anchor)->hooking == 0)
        return 0; /* nearly always: no look at the tree */
    while (root->parent != NULL)
        root = root->parent;
    if ((root->flags & HY__OBJECT_TRAVELLING) == 0)
        return 0;
    return hy_error_set(-HY_EBUSY,
                        "cannot %s %s from a leave_thread or enter_thread of its tree; use "
                        "hy_object_destroy_later(), a post or an invoke",
                        operation, hy__object_text(object));
}

/* --- the public part ---------------------------------------------------------------------------
 */

struct hy_object *hy_object_parent(const struct hy_object *object)
{
    return object->parent;
}

struct hy_object *hy_object_first_child(const struct hy_object *object)
{
    return object->first_child;
}

struct hy_object *hy_object_next_sibling(const struct hy_object *object)
{
    return object->parent != NULL ? object->next : NULL;
}

static bool is_named(const struct hy_object *object, const char *name)
{
    return object->name != NULL && strcmp(object->name, name) == 0;
}

static bool is_below(const struct hy_object *object, const struct hy_object *root)
{
    while (object != NULL && object != root)
        object = object->parent;
    return object != NULL;
}

struct hy_object *hy_object_find(const struct hy_object *root, const struct hy_object *after,
                                 const char *name, const struct hy_class *type)
{
    if (hy__object_check_held(root, "look for an object below") < 0)
        return NULL;
    if (after != NULL && !is_below(after, root)) {
        hy_error_set(-HY_EINVAL,
                     "the search below %s cannot go on after an object that is not there",
                     hy__object_text(root));
        return NULL;
    }
    struct hy_object *object = (struct hy_object *)(uintptr_t)(after != NULL ? after : root);
    while ((object = hy__tree_next(root, object)) != NULL)
        if ((name == NULL || is_named(object, name)) &&
            (type == NULL || hy_object_is_a(object, type)))
            return object;
    return NULL;
}

static int check_parent(struct hy_object *object, struct hy_object *parent)
{
    int rc = hy__object_check_alive(object, "give a parent to");
    if (rc == 0 && object->anchor->fixed)
        return hy__object_is_fixed(object, "put under another object");
    if (rc == 0)
        rc = hy__object_check_rests(object, "give a parent to");
    if (rc < 0 || parent == NULL)
        return rc;
    rc = hy__object_check_alive(parent, "put a child under");
    if (rc == 0)
        rc = hy__object_check_rests(parent, "put a child under");
    if (rc == 0 && is_below(parent, object))
        rc = hy_error_set(-HY_EINVAL, "%s cannot be its own ancestor", hy__object_text(object));
    return rc;
}

int hy_object_set_parent(struct hy_object *object, struct hy_object *parent)
{
    int rc = check_parent(object, parent);
    if (rc < 0)
        return rc;
    struct hy_thread_record *record = hy__record_if_any();
    struct hy_object *old = object->parent;
    struct hy_anchor *anchor = object->anchor;
    if (old == parent)
        return 0;
    /* A tree that has arrived and is in no list yet is put into its list first. */
    hy__mailbox_take(record);
    hy__object_link_out(object, record);
    hy__object_link_in(object, parent, record);
    hy__anchor_ref(anchor);
    hy__child_changed(old, object, false);
    /* Unless the hook has changed its mind. */
    if (lives_in(anchor, record) && object->parent == parent)
        hy__child_changed(parent, object, true);
    hy__anchor_unref(anchor);
    return 0;
}
