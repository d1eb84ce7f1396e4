/* SPDX-License-Identifier: MIT */
/*
 * The entries that wait for their moment: a pairing heap inside the entries themselves, so that
 * starting needs no memory and costs one comparison.
 *
 * Coarse timers come at round moments, which many of them share. Those of one moment are one group:
 * a ring of entries, in the order of starting, of which the first alone stands in the heap. Taking
 * it out hands its place to the next one. So of a hundred thousand timers the heap sees some
 * hundred. A table finds the group of a moment. It has one place for each hash and is a hint only:
 * where two moments meet in a place the later one takes it, and the other, or a thread that got no
 * memory for a table, has more groups than it could do with.
 */
#include "core/internal.h"

enum {
    GROUPS_BITS = 9 /* a moment of each grain within the 5 % that separate it from the next: 40 */
};

struct hy__timer_groups {
    struct hy_timer_entry_ *first[1 << GROUPS_BITS];
};

static bool before(const struct hy_timer_entry_ *a, const struct hy_timer_entry_ *b)
{
    if (a->key_ns != b->key_ns)
        return a->key_ns < b->key_ns;
    /* A difference, for the numbers wrap. */
    return a->deadline_ns != b->deadline_ns ? a->deadline_ns < b->deadline_ns
                                            : (int32_t)(a->order - b->order) < 0;
}

/* --- heap: child is the first child, next a sibling, previous the left sibling or the parent ---
 */

static struct hy_timer_entry_ *meld(struct hy_timer_entry_ *a, struct hy_timer_entry_ *b)
{
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    if (b->key_ns < a->key_ns) {
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

void hy__timer_heap_insert(struct hy_thread_record *record, struct hy_timer_entry_ *entry)
{
    if (HY_UNLIKELY(record->timer_groups == NULL) && !entry->precise)
        record->timer_groups = hy_memory_allocate_zeroed(sizeof *record->timer_groups);
    struct hy_timer_entry_ **place = place_of(record, entry);
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

void hy__timer_heap_remove(struct hy_thread_record *record, struct hy_timer_entry_ *entry)
{
    struct hy_timer_entry_ *next = entry->group_next;
    next->group_previous = entry->group_previous;
    entry->group_previous->group_next = next;
    if (entry->follows)
        return;
    if (next == entry) {
        next = NULL;
        heap_remove(record, entry);
    } else {
        next->follows = false;
        heap_replace(record, entry, next);
    }
    struct hy_timer_entry_ **place = place_of(record, entry);
    if (place != NULL && *place == entry)
        *place = next;
}

/* --- what is due -------------------------------------------------------------------------------
 */

static struct hy_timer_entry_ *merge(struct hy_timer_entry_ *a, struct hy_timer_entry_ *b)
{
    struct hy_timer_entry_ *first = NULL, **end = &first;
    while (a != NULL && b != NULL) {
        struct hy_timer_entry_ **from = before(b, a) ? &b : &a;
        *end = *from;
        end = &(*from)->next;
        *from = *end;
    }
    *end = a != NULL ? a : b;
    return first;
}

/* By merging lists of equal length, as a binary counter carries. */
static struct hy_timer_entry_ *sort(struct hy_timer_entry_ *list)
{
    struct hy_timer_entry_ *sorted[64] = {NULL}, *all = NULL;
    int used = 0;
    while (list != NULL) {
        struct hy_timer_entry_ *carry = list;
        int i = 0;
        list = list->next;
        carry->next = NULL;
        for (; sorted[i] != NULL; i++) {
            carry = merge(sorted[i], carry);
            sorted[i] = NULL;
        }
        sorted[i] = carry;
        used = i >= used ? i + 1 : used;
    }
    for (int i = 0; i < used; i++)
        all = merge(sorted[i], all);
    return all;
}

struct hy_timer_entry_ *hy__timer_heap_take_due(struct hy_thread_record *record, int64_t now_ns)
{
    struct hy_timer_entry_ *list = NULL, *group;
    while ((group = record->timer_heap) != NULL && group->key_ns <= now_ns) {
        struct hy_timer_entry_ **place = place_of(record, group), *entry = group;
        if (place != NULL && *place == group)
            *place = NULL;
        heap_remove(record, group);
        do {
            entry->next = list;
            list = entry;
            entry = entry->group_next;
        } while (entry != group);
    }
    return list == NULL || list->next == NULL ? list : sort(list);
}
