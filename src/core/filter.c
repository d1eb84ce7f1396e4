/* SPDX-License-Identifier: MIT */
/*
 * Filters of events: a list an object, and one a thread, the newest first.
 *
 * A list belongs to the home thread of what it watches. Entries are numbered as they are installed,
 * and come to the front, where no walk that has begun looks again.
 * A walk calls those that were there as it began, each once: while one is on the stack no entry is
 * freed, those removed are only marked, and one that is installed again leaves its old entry
 * behind, which leads the walks that have not come to it yet to the new one. The list is swept as
 * the outermost walk ends.
 *
 * The list of an object ends with it and moves with it, also under a walk: that one sees its frame
 * gone, and touches the list no more.
 */
#include "core/internal.h"

struct filter {
    struct filter *next;      /* older */
    struct filter *again;     /* the entry that took its place; NULL: none */
    struct hy_anchor *anchor; /* the filter; holds a reference */
    hy_filter_function function;
    uint64_t number;
    bool removed;
};

struct hy__filters {
    struct filter *first;
    struct hy__filters **owner; /* the pointer to this list; NULL when it empties */
    uint64_t last_number;
    uint32_t walks;
    bool ragged; /* something is to be swept */
};

static void free_filter(struct filter *filter)
{
    hy__anchor_unref(filter->anchor);
    hy_memory_release(filter);
}

void hy__filters_end(struct hy__filters *filters)
{
    if (filters == NULL)
        return;
    for (struct filter *filter = filters->first, *next; filter != NULL; filter = next) {
        next = filter->next;
        free_filter(filter);
    }
    hy_memory_release(filters);
}

void hy__filters_leave(struct hy__filters *filters)
{
    if (filters != NULL)
        filters->walks = 0;
}

/* No walk is on the stack. Runs no user code; the list may be gone afterwards. */
static void sweep(struct hy__filters *filters)
{
    struct filter **link = &filters->first, *filter;
    while ((filter = *link) != NULL) {
        if (!filter->removed) {
            link = &filter->next;
            continue;
        }
        *link = filter->next;
        free_filter(filter);
    }
    filters->ragged = false;
    if (filters->first == NULL) {
        *filters->owner = NULL;
        hy_memory_release(filters);
    }
}

static void sweep_if_idle(struct hy__filters *filters)
{
    if (filters->ragged && filters->walks == 0)
        sweep(filters);
}

/* --- walking ---------------------------------------------------------------------------------- */

/* The entry to be called in place of this one, in a walk that began at that number; NULL: none. */
static struct filter *current(struct hy_thread_record *record, struct hy__filters *filters,
                              struct filter *filter, uint64_t last)
{
    if (filter->again != NULL && filter->again->number <= last)
        return NULL; /* it stands further in front */
    while (filter->again != NULL)
        filter = filter->again;
    if (filter->removed || hy__anchor_home(filter->anchor) != record)
        return NULL;
    if (filter->anchor->object == NULL) { /* home: it is ours to look at */
        filter->removed = true;
        filters->ragged = true;
        return NULL;
    }
    return filter;
}

bool hy__filters_apply(struct hy_thread_record *record, struct hy__filters *filters,
                       const struct hy__frame *frame, struct hy_object *object,
                       struct hy_event *event)
{
    const uint64_t last = filters->last_number;
    const bool of_thread = filters == record->filters;
    bool stopped = false;
    filters->walks++;
    for (struct filter *filter = filters->first; filter != NULL && !stopped;
         filter = filter->next) {
        const struct filter *called = current(record, filters, filter, last);
        if (called == NULL)
            continue;
        struct hy__frame of_filter;
        hy__frame_push(record, &of_filter, called->anchor, false);
        stopped = called->function(called->anchor->object, object, event);
        hy__frame_pop(record, &of_filter);
        if (frame->gone && !of_thread)
            return true; /* and so may be the list */
        stopped = stopped || frame->gone;
    }
    filters->walks--;
    sweep_if_idle(filters);
    return stopped;
}

/* --- installing ------------------------------------------------------------------------------- */

static struct filter *find(const struct hy__filters *filters, const struct hy_anchor *anchor)
{
    for (struct filter *filter = filters != NULL ? filters->first : NULL; filter != NULL;
         filter = filter->next)
        if (filter->anchor == anchor && !filter->removed)
            return filter;
    return NULL;
}

/* Filters that have ended, wherever they lived, are dropped at the latest when another one comes.
 */
static void mark_dead(struct hy__filters *filters)
{
    for (struct filter *filter = filters->first; filter != NULL; filter = filter->next) {
        hy__lock(&filter->anchor->lock);
        bool dead = filter->anchor->dead;
        hy__unlock(&filter->anchor->lock);
        if (dead)
            filter->removed = filters->ragged = true;
    }
}

static int install(struct hy__filters **owner, struct hy_object *object,
                   hy_filter_function function)
{
    struct filter *filter = hy_memory_allocate_zeroed(sizeof *filter);
    struct hy__filters *filters = *owner;
    if (filter != NULL && filters == NULL) {
        filters = hy_memory_allocate_zeroed(sizeof *filters);
        if (filters == NULL) {
            hy_memory_release(filter);
            return -HY_ENOMEM;
        }
        filters->owner = owner;
        *owner = filters;
    }
    if (filter == NULL)
        return -HY_ENOMEM;
    mark_dead(filters);
    struct filter *old = find(filters, object->anchor);
    if (old != NULL) {
        old->again = filter;
        old->removed = filters->ragged = true;
    }
    filter->anchor = object->anchor;
    hy__anchor_ref(filter->anchor);
    filter->function = function;
    filter->number = ++filters->last_number;
    filter->next = filters->first;
    filters->first = filter;
    sweep_if_idle(filters);
    return 0;
}

static int remove_from(struct hy__filters *filters, struct hy_object *object)
{
    struct filter *filter =
        object != NULL && object->anchor != NULL ? find(filters, object->anchor) : NULL;
    if (filter == NULL)
        return hy_error_set(-HY_ENOENT, "%s is not a filter here", hy__object_text(object));
    filter->removed = filters->ragged = true;
    sweep_if_idle(filters);
    return 0;
}

static int check_filter(struct hy_object *filter, hy_filter_function function)
{
    int rc = hy__object_check_alive(filter, "install as a filter");
    if (rc == 0 && function == NULL)
        rc = hy_error_set(-HY_EINVAL, "%s cannot filter without a function",
                          hy__object_text(filter));
    return rc;
}

int hy_object_install_filter(struct hy_object *watched, struct hy_object *filter,
                             hy_filter_function function)
{
    int rc = hy__object_check_alive(watched, "filter the events of");
    if (rc == 0)
        rc = check_filter(filter, function);
    return rc < 0 ? rc : install(&watched->anchor->filters, filter, function);
}

int hy_object_remove_filter(struct hy_object *watched, struct hy_object *filter)
{
    int rc = hy_object_check_thread(watched, "take a filter from");
    return rc < 0 ? rc : remove_from(watched->anchor->filters, filter);
}

int hy_thread_install_filter(struct hy_object *filter, hy_filter_function function)
{
    int rc = check_filter(filter, function);
    return rc < 0 ? rc : install(&hy__record_if_any()->filters, filter, function);
}

int hy_thread_remove_filter(struct hy_object *filter)
{
    struct hy_thread_record *record = hy__record();
    if (record == NULL)
        return -HY_ENOMEM;
    if (filter != NULL && filter->anchor != NULL && find(record->filters, filter->anchor) == NULL &&
        !hy_object_is_here(filter))
        return hy_object_check_thread(filter, "remove as a filter");
    return remove_from(record->filters, filter);
}
