/* SPDX-License-Identifier: MIT */
/*
 * Native filters: what a dispatcher takes from the system's own queue, looked at first.
 *
 * The filters are the caller's memory, which may be given back as soon as one is removed: a walk
 * holds the one it will call next, and removing that one moves the walk on. One installed again
 * during a walk keeps its place until the walk is over, so that it is called once; then the list is
 * put in order by `turn_`, the newest first.
 */
#include "core/internal.h"

/* On the stack of hy_native_filters_apply(). */
struct hy__native_walk {
    struct hy_native_filter *next;
    struct hy__native_walk *outer;
};

static struct hy_native_filter **link_to(struct hy_thread_record *record,
                                         const struct hy_native_filter *filter)
{
    struct hy_native_filter **link = &record->native_filters;
    while (*link != NULL && *link != filter)
        link = &(*link)->next_;
    return *link != NULL ? link : NULL;
}

static void insert_by_turn(struct hy_thread_record *record, struct hy_native_filter *filter)
{
    struct hy_native_filter **link = &record->native_filters;
    while (*link != NULL && (*link)->turn_ > filter->turn_)
        link = &(*link)->next_;
    filter->next_ = *link;
    *link = filter;
}

static void sort(struct hy_thread_record *record)
{
    struct hy_native_filter *all = record->native_filters, *next;
    record->native_filters = NULL;
    record->native_unsorted = false;
    for (; all != NULL; all = next) {
        next = all->next_;
        insert_by_turn(record, all);
    }
}

int hy_native_filter_install(struct hy_native_filter *filter)
{
    struct hy_thread_record *record = hy__record();
    if (record == NULL)
        return -HY_ENOMEM;
    if (filter == NULL || filter->filter == NULL)
        return hy_error_set(-HY_EINVAL, "a native filter needs a function");
    struct hy_native_filter **link = link_to(record, filter);
    if (link == NULL && filter->record_ != NULL)
        return hy_error_set(-HY_EWRONGTHREAD,
                            "the native filter is installed in another thread; remove it there "
                            "first (and clear it before its first use)");
    filter->turn_ = ++record->native_turn;
    filter->record_ = record;
    if (link != NULL && record->native_walk != NULL) {
        record->native_unsorted = true;
        return 0;
    }
    if (link != NULL)
        *link = filter->next_;
    filter->next_ = record->native_filters;
    record->native_filters = filter;
    return 0;
}

int hy_native_filter_remove(struct hy_native_filter *filter)
{
    struct hy_thread_record *record = hy__record();
    if (record == NULL)
        return -HY_ENOMEM;
    struct hy_native_filter **link = filter != NULL ? link_to(record, filter) : NULL;
    if (link == NULL && filter != NULL && filter->record_ != NULL)
        return hy_error_set(-HY_EWRONGTHREAD,
                            "the native filter is installed in another thread; remove it there");
    if (link == NULL)
        return hy_error_set(-HY_ENOENT, "the native filter is not installed");
    for (struct hy__native_walk *walk = record->native_walk; walk != NULL; walk = walk->outer)
        if (walk->next == filter)
            walk->next = filter->next_;
    *link = filter->next_;
    filter->next_ = NULL;
    filter->record_ = NULL;
    return 0;
}

bool hy_native_filters_apply(void *native_event, intptr_t *result)
{
    struct hy_thread_record *record = hy__record_if_any();
    if (record == NULL || record->native_filters == NULL)
        return false;
    struct hy__native_walk walk = {record->native_filters, record->native_walk};
    struct hy__frame frame;
    bool stopped = false;
    record->native_walk = &walk;
    hy__frame_push(record, &frame, NULL, true);
    while (walk.next != NULL && !stopped) {
        struct hy_native_filter *filter = walk.next;
        walk.next = filter->next_;
        stopped = filter->filter(filter, native_event, result);
    }
    record->native_walk = walk.outer;
    if (record->native_unsorted && record->native_walk == NULL)
        sort(record);
    hy__frame_pop(record, &frame);
    /* What the filters posted, started or took from the mailbox may be due at once, and the wait
     * that they were called from does not know. */
    hy__record_wake(record);
    return stopped;
}

/* The thread ends: the filters can be installed elsewhere. */
void hy__native_filters_end(struct hy_thread_record *record)
{
    for (struct hy_native_filter *filter = record->native_filters, *next; filter != NULL;
         filter = next) {
        next = filter->next_;
        filter->next_ = NULL;
        filter->record_ = NULL;
    }
    record->native_filters = NULL;
}
