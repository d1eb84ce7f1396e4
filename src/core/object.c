/* SPDX-License-Identifier: MIT */
/* Objects: making and ending. The tree is in tree.c, moving in move.c, deferred delete in delete.c.
 */
#include "core/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* "tracker" (struct tracker), for messages; in a buffer of the thread, two at a time. */
const char *hy__object_text(const struct hy_object *object)
{
    static __thread char buffers[2][128];
    static __thread unsigned turn;
    char *buffer = buffers[turn++ % 2];
    char name[HY__OBJECT_NAME_SIZE] = "unnamed";
    if (object == NULL)
        return "no object";
    if (object->anchor != NULL && !hy__anchor_is_lost(object->anchor)) {
        hy__lock(&object->anchor->lock); /* another thread may be asking, or its home renaming it */
        if (object->name != NULL)
            memcpy(name, object->name, strlen(object->name) + 1);
        hy__unlock(&object->anchor->lock);
    }
    snprintf(buffer, sizeof buffers[0], "\"%s\" (%s)", name,
             object->type != NULL ? object->type->name : "not initialised");
    return buffer;
}

/* --- the name --------------------------------------------------------------------------------- */

/* The old name is given back when nobody can be looking at it any more. */
static void exchange_name(struct hy_object *object, char *name)
{
    hy__lock(&object->anchor->lock);
    char *old = object->name;
    object->name = name;
    hy__unlock(&object->anchor->lock);
    hy_memory_release(old);
}

/* --- making ------------------------------------------------------------------------------------
 */

static int check_class(const struct hy_class *type)
{
    if (type == NULL || type->version != HY_CLASS_VERSION || type->size < sizeof(struct hy_object))
        return hy_error_set(-HY_EINVAL,
                            "the class %s is not of this version; write it with HY_CLASS()",
                            type != NULL && type->name != NULL ? type->name : "(none)");
    for (const struct hy_class *c = type; c != NULL; c = c->base) {
        if (c->size > type->size)
            return hy_error_set(-HY_EINVAL, "%s is smaller than its base %s", type->name, c->name);
        for (size_t i = 0; i < c->signal_count; i++)
            if (c->signals[i].offset + sizeof(struct hy_signal_base) > c->size)
                return hy_error_set(-HY_EINVAL, "signal %s lies outside of %s", c->signals[i].name,
                                    c->name);
    }
    return 0;
}

static int check_new_parent(const struct hy_object *parent)
{
    int rc = hy__object_check_held(parent, "make a child under");
    if (rc == 0 && (parent->flags & HY__OBJECT_DYING) != 0)
        rc = hy_error_set(-HY_ESHUTDOWN, "cannot make a child under %s: it is being finished",
                          hy__object_text(parent));
    return rc == 0 ? hy__object_check_rests(parent, "make a child under") : rc;
}

int hy_object_init(struct hy_object *object, const struct hy_class *type, struct hy_object *parent)
{
    int rc = check_class(type);
    if (rc == 0)
        rc = parent != NULL ? check_new_parent(parent) : 0;
    if (rc == 0 && object == NULL)
        rc = hy_error_set(-HY_EINVAL, "there is no memory to make a %s of", type->name);
    if (rc < 0)
        return rc;
    struct hy_thread_record *record = hy__record();
    if (record == NULL)
        return -HY_ENOMEM;
    if (parent != NULL) /* which may be parked */
        record = hy__anchor_home(parent->anchor);
    struct hy_anchor *anchor = hy__anchor_create(object, record);
    if (anchor == NULL)
        return -HY_ENOMEM;
    *object = (struct hy_object){.type = type, .anchor = anchor};
    hy__object_signals_init(object);
    hy__object_link_in(object, parent, record);
    if (!hy__child_changed(parent, object, true))
        return hy_error_set(-HY_ESHUTDOWN, "the new %s was ended at once by its parent's class",
                            type->name);
    return 0;
}

int hy_object_create(const struct hy_class *type, struct hy_object *parent,
                     struct hy_object **ret_object)
{
    int rc = check_class(type);
    if (rc < 0)
        return rc;
    struct hy_object *object = hy_memory_allocate_zeroed(type->size);
    if (object == NULL)
        return -HY_ENOMEM;
    rc = hy_object_init(object, type, parent);
    if (rc < 0) {
        hy_memory_release(object);
        return rc;
    }
    object->flags |= HY__OBJECT_HEAP;
    *ret_object = object;
    return 0;
}

int hy__object_is_fixed(const struct hy_object *object, const char *operation)
{
    return hy_error_set(-HY_EINVAL, "%s belongs to its thread and cannot be %s",
                        hy__object_text(object), operation);
}

/* --- ending -------------------------------------------------------------------------------------
 */

/* Of a tree that lives in no running thread: a thread cannot wait for its own end in there. */
static int check_own_handle(const struct hy_object *root)
{
    for (const struct hy_object *object = root; object != NULL;
         object = hy__tree_next(root, (struct hy_object *)(uintptr_t)object))
        if (hy_object_is_a(object, &hy_thread_class) && hy__record_if_any() != NULL &&
            hy__thread_record((const struct hy_thread *)(const void *)object) ==
                hy__record_if_any())
            return hy_error_set(-HY_EDEADLK, "thread \"%s\" cannot end its own handle",
                                hy__record_if_any()->name);
    return 0;
}

/* Its home thread, or any while that one does not run. */
static int check_may_end(const struct hy_object *object)
{
    if (hy__anchor_is_lost(object->anchor))
        return hy__lost(hy__object_text(object));
    if (object->anchor->fixed)
        return hy__object_is_fixed(object, "ended");
    if (hy__anchor_home(object->anchor) == hy__record_if_any())
        return 0;
    struct hy_thread_record *home = hy__anchor_home_ref(object->anchor);
    bool elsewhere = home != hy__record_if_any() && hy__record_is_running(home);
    hy__record_unref(home);
    return elsewhere ? hy_object_check_thread(object, "finish") : check_own_handle(object);
}

static void mark_dead(struct hy_thread_record *home, struct hy_anchor *anchor)
{
    hy__lock(&anchor->lock); /* posts that come later fail; those before are counted */
    anchor->dead = true;
    hy__unlock(&anchor->lock);
    /* Relaxed: a direct emission of another thread may look at the pointer; using the object there
     * is its user's business. */
    __atomic_store_n(&anchor->object, NULL, __ATOMIC_RELAXED);
    hy__frames_mark_gone(home, anchor);
    struct hy__filters *filters = anchor->filters; /* a walk that is in it sees its frame gone */
    anchor->filters = NULL;
    hy__filters_end(filters);
}

void hy__children_finish(struct hy_object *object, struct hy_thread_record *home)
{
    struct hy_object *child;
    while ((child = object->first_child) != NULL)
        if ((child->flags & HY__OBJECT_DYING) != 0)
            hy__object_link_out(
                child, home); /* its fini is what ends this object, and goes on afterwards */
        else
            hy_object_destroy(child);
}

int hy_object_fini(struct hy_object *object)
{
    if (object == NULL || object->anchor == NULL || (object->flags & HY__OBJECT_DYING) != 0)
        return 0;
    int rc = check_may_end(object);
    if (rc == 0)
        rc = hy__object_check_rests(object, "finish");
    if (rc < 0)
        return rc;
    struct hy_anchor *anchor = object->anchor;
    struct hy_thread_record *home = hy__anchor_home(anchor);
    object->flags |= HY__OBJECT_DYING;
    mark_dead(home, anchor);
    hy__calls_cancel(anchor);
    for (const struct hy_class *type = object->type; type != NULL; type = type->base)
        if (type->fini != NULL)
            type->fini(object);
    hy_emit0(&anchor->destroyed);
    hy__connections_of_receiver_cut(anchor);
    hy__object_signals_close(object);
    hy__children_finish(object, home);
    struct hy_object *parent = object->parent;
    hy__object_link_out(object, home);
    hy__child_changed(parent, object, false);
    exchange_name(object, NULL);
    object->anchor = NULL;
    /* Posts have stopped, so `posted` is final; messages still on their way keep the anchor until
     * the last is dropped. */
    bool running = hy__record_is_running(home);
    if (!running)
        hy__record_ref(home);
    bool settled = anchor->delivered == anchor->posted;
    anchor->finished = true;
    if (settled)
        hy__anchor_unref(anchor);
    if (!running) {
        hy__record_purge(home, !settled);
        hy__record_unref(home);
    }
    return 0;
}

int hy_object_destroy(struct hy_object *object)
{
    if (object == NULL)
        return 0;
    if ((object->flags & HY__OBJECT_DYING) != 0 && object->anchor != NULL)
        return 0; /* its fini is running; whoever called that releases it */
    int rc = hy_object_fini(object);
    if (rc == 0 && (object->flags & HY__OBJECT_HEAP) != 0)
        hy_memory_release(object);
    return rc;
}

/* --- questions -----------------------------------------------------------------------------------
 */

struct hy_thread *hy_object_thread(const struct hy_object *object)
{
    if (object->anchor == NULL)
        return NULL;
    if (hy__anchor_home(object->anchor) == hy__record_if_any())
        return hy_thread_current();
    struct hy_thread_record *home = hy__anchor_home_ref(object->anchor);
    /* Acquire: the handle is seen initialised. */
    struct hy_thread *thread = __atomic_load_n(&home->handle, __ATOMIC_ACQUIRE);
    hy__record_unref(home);
    return thread;
}

bool hy_object_is_here(const struct hy_object *object)
{
    return hy__object_is_own(object);
}

int hy_object_check_thread(const struct hy_object *object, const char *operation)
{
    if (object == NULL)
        return hy_error_set(-HY_EINVAL, "cannot %s an object that is NULL", operation);
    if (object->anchor == NULL)
        return hy_error_set(-HY_ESHUTDOWN, "cannot %s %s: it has been finished", operation,
                            hy__object_text(object));
    if (hy__anchor_is_lost(object->anchor))
        return hy__lost(hy__object_text(object));
    struct hy_thread_record *here = hy__record();
    if (here == NULL)
        return -HY_ENOMEM;
    if (hy__anchor_home(object->anchor) == here)
        return 0;
    /* Under the lock once more: of a tree that is just arriving here, one home after the other is
     * published. */
    struct hy_thread_record *home = hy__anchor_home_ref(object->anchor);
    int rc = 0;
    if (hy__record_is_nowhere(home))
        rc = hy_error_set(-HY_EWRONGTHREAD,
                          "cannot %s %s: it is parked in no thread; move it to one first, by "
                          "hy_object_move_to_thread()",
                          operation, hy__object_text(object));
    else if (home != here)
        rc = hy_error_set(-HY_EWRONGTHREAD,
                          "cannot %s %s from thread \"%s\": it lives in thread \"%s\"; do it "
                          "there, by a signal, a post or an invoke",
                          operation, hy__object_text(object), here->name, home->name);
    hy__record_unref(home);
    return rc;
}

int hy__object_check_held(const struct hy_object *object, const char *operation)
{
    if (object != NULL && object->anchor != NULL && !hy__anchor_is_lost(object->anchor) &&
        hy__anchor_home(object->anchor) != hy__record_if_any()) {
        struct hy_thread_record *home = hy__anchor_home_ref(object->anchor);
        bool nowhere = hy__record_is_nowhere(home);
        hy__record_unref(home);
        if (nowhere)
            return 0;
    }
    return hy_object_check_thread(object, operation);
}

int hy__object_refuse(const struct hy_object *object, const char *operation)
{
    int rc = hy_object_check_thread(object, operation);
    if (rc == 0 && (object->flags & HY__OBJECT_DYING) != 0)
        rc = hy_error_set(-HY_ESHUTDOWN, "cannot %s %s: it is being finished", operation,
                          hy__object_text(object));
    return rc;
}

int hy_object_set_name(struct hy_object *object, const char *format, ...)
{
    int rc = hy__object_check_held(object, "name");
    if (rc < 0)
        return rc;
    if (format == NULL) {
        exchange_name(object, NULL);
        return 0;
    }
    char text[HY__OBJECT_NAME_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    char *copy = hy_memory_allocate(strlen(text) + 1);
    if (copy == NULL)
        return -HY_ENOMEM;
    memcpy(copy, text, strlen(text) + 1);
    exchange_name(object, copy);
    return 0;
}

const char *hy_object_name(const struct hy_object *object)
{
    return object->name;
}

bool hy_object_is_a(const struct hy_object *object, const struct hy_class *type)
{
    for (const struct hy_class *c = object->type; c != NULL; c = c->base)
        if (c == type)
            return true;
    return false;
}
