/* SPDX-License-Identifier: MIT */
/*
 * The entries that wait for their moment: a pairing heap inside the entries themselves, so that
 * starting needs no memory and costs one comparison; and the list of those whose moment has come.
 *
 * Coarse timers come at round moments, which many of them share. Those of one moment are one group:
 * a ring of entries, in the order of starting, of which the first alone stands in the heap, or in
 * the list. Taking it out hands its place to the next one. So of a hundred thousand timers the heap
 * sees some hundred. A table finds the group of a moment. It has one place for each hash and is a
 * hint only: where two moments meet in a place the later one takes it, and what is started for the
 * other from then on, or in a thread that got no memory for a table, makes one more group.
 */
#include "core/internal.h"

enum {
    GROUPS_BITS = 9 /* the grains are 2.5 to 5 % of the intervals: some 40 moments of each wait */
};

struct hy__timer_groups {
    struct hy_timer_entry_ *first[1 << GROUPS_BITS];
};

static bool before(const struct hy_timer_entry_ *a, const struct hy_timer_entry_ *b)
{
    /* A difference, for the numbers wrap. */
    return a->key_ns != b->key_ns ? a->key_ns < b->key_ns : (int32_t)(a->order - b->order) < 0;
}

/* --- heap: child is the first child, next a sibling, previous the left sibling or the parent ---
 */

static struct hy_timer_entry_ *meld(struct hy_timer_entry_ *a, struct hy_timer_entry_ *b)
{
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    if (before(b, a)) {
        struct hy_timer_entry_ *swap = a;
        a = b;
        b = swap;
    }
    b->next = a->child;
    if (a->child != NULL)
        a->child->previous = b;
    b->previous = a;
    a->child = b;
    return a;
}

/* Melds siblings in pairs, then the pairs from the right. Iterative: the list may be long. */
static struct hy_timer_entry_ *meld_siblings(struct hy_timer_entry_ *first)
{
    struct hy_timer_entry_ *pairs = NULL;
    while (first != NULL) {
        struct hy_timer_entry_ *a = first, *b = first->next;
        first = b != NULL ? b->next : NULL;
        a->next = a->previous = NULL;
        if (b != NULL)
            b->next = b->previous = NULL;
        struct hy_timer_entry_ *pair = meld(a, b);
        pair->next = pairs;
        pairs = pair;
    }
    struct hy_timer_entry_ *all = NULL;
    while (pairs != NULL) {
        struct hy_timer_entry_ *next = pairs->next;
        pairs->next = NULL;
        all = meld(all, pairs);
        pairs = next;
    }
    return all;
}

static void heap_remove(struct hy_thread_record *record, struct hy_timer_entry_ *entry)
{
    if (entry == record->timer_heap) {
        record->timer_heap = meld_siblings(entry->child);
        return;
    }
    if (entry->previous->child == entry)
        entry->previous->child = entry->next;
    else
        entry->previous->next = entry->next;
    if (entry->next != NULL)
        entry->next->previous = entry->previous;
    if (entry->child != NULL) /* few have one */
        record->timer_heap = meld(record->timer_heap, meld_siblings(entry->child));
}

/* Another entry of the same moment takes its place. */
static void heap_replace(struct hy_thread_record *record, struct hy_timer_entry_ *entry,
                         struct hy_timer_entry_ *by)
{
    by->child = entry->child;
    by->next = entry->next;
    by->previous = entry->previous;
    if (by->child != NULL)
        by->child->previous = by;
    if (by->next != NULL)
        by->next->previous = by;
    if (entry == record->timer_heap)
        record->timer_heap = by;
    else if (by->previous->child == entry)
        by->previous->child = by;
    else
        by->previous->next = by;
}

/* --- groups ------------------------------------------------------------------------------------
 */

/* Where the first of the entry's group would be found; NULL: it has none. */
static struct hy_timer_entry_ **place_of(struct hy_thread_record *record,
                                         const struct hy_timer_entry_ *entry)
{
    if (entry->precise || record->timer_groups == NULL)
        return NULL;
    uint64_t hash = (uint64_t)entry->key_ns * UINT64_C(0x9e3779b97f4a7c15);
    return &record->timer_groups->first[hash >> (64 - GROUPS_BITS)];
}

static void group_join(struct hy_timer_entry_ *first, struct hy_timer_entry_ *entry)
{
    entry->follows = true;
    entry->group_next = first;
    entry->group_previous = first->group_previous;
    first->group_previous->group_next = entry;
    first->group_previous = entry;
}

/* --- lists: of those that are due, and of zero timers ------------------------------------------
 */

void hy__entries_append(struct hy__entries *list, struct hy_timer_entry_ *entry)
{
    entry->next = NULL;
    entry->previous = list->last;
    if (list->last != NULL)
        list->last->next = entry;
    else
        list->first = entry;
    list->last = entry;
}

void hy__entries_remove(struct hy__entries *list, struct hy_timer_entry_ *entry)
{
    if (entry->previous != NULL)
        entry->previous->next = entry->next;
    else
        list->first = entry->next;
    if (entry->next != NULL)
        entry->next->previous = entry->previous;
    else
        list->last = entry->previous;
}

static void entries_replace(struct hy__entries *list, struct hy_timer_entry_ *entry,
                            struct hy_timer_entry_ *by)
{
    by->next = entry->next;
    by->previous = entry->previous;
    if (by->previous != NULL)
        by->previous->next = by;
    else
        list->first = by;
    if (by->next != NULL)
        by->next->previous = by;
    else
        list->last = by;
}

/* --- in and out --------------------------------------------------------------------------------
 */

void hy__timer_heap_insert(struct hy_thread_record *record, struct hy_timer_entry_ *entry)
{
    if (HY_UNLIKELY(record->timer_groups == NULL) && !entry->precise)
        record->timer_groups = hy_memory_allocate_zeroed(sizeof *record->timer_groups);
    struct hy_timer_entry_ **place = place_of(record, entry);
    entry->state = HY__ENTRY_HEAP;
    if (place != NULL && *place != NULL && (*place)->key_ns == entry->key_ns) {
        group_join(*place, entry);
        return;
    }
    if (place != NULL)
        *place = entry;
    entry->follows = false;
    entry->group_next = entry->group_previous = entry;
    entry->child = entry->next = entry->previous = NULL;
    record->timer_heap = meld(record->timer_heap, entry);
}

static void hand_over(struct hy_thread_record *record, struct hy_timer_entry_ *entry,
                      struct hy_timer_entry_ *by)
{
    by->follows = false;
    by->state = entry->state;
    if (entry->state == HY__ENTRY_DUE)
        entries_replace(&record->due, entry, by);
    else
        heap_replace(record, entry, by);
}

void hy__timer_heap_remove(struct hy_thread_record *record, struct hy_timer_entry_ *entry)
{
    struct hy_timer_entry_ *next = entry->group_next;
    next->group_previous = entry->group_previous;
    entry->group_previous->group_next = next;
    if (entry->follows)
        return;
    struct hy_timer_entry_ **place = place_of(record, entry);
    if (place != NULL && *place == entry)
        *place = next != entry ? next : NULL;
    if (next != entry)
        hand_over(record, entry, next);
    else if (entry->state == HY__ENTRY_DUE)
        hy__entries_remove(&record->due, entry);
    else
        heap_remove(record, entry);
}

void hy__timer_heap_collect(struct hy_thread_record *record, int64_t now_ns)
{
    struct hy_timer_entry_ *group;
    while ((group = record->timer_heap) != NULL && group->key_ns <= now_ns) {
        struct hy_timer_entry_ **place = place_of(record, group);
        if (place != NULL && *place == group)
            *place = NULL; /* what is started from now on is for another pass */
        heap_remove(record, group);
        group->state = HY__ENTRY_DUE;
        hy__entries_append(&record->due, group);
    }
}
