/* SPDX-License-Identifier: MIT */
/*
 * When timers and delayed calls are due: a pairing heap inside the entries themselves, so that
 * starting needs no memory and costs one comparison; the list of those that a pass found due; the
 * ring of zero timers.
 *
 * Order: the moment at which the accuracy lets an entry come, then the deadline, then the order of
 * starting.
 */
#include "core/internal.h"

#define COARSE_LEAST_NS (20 * HY_MILLISECOND)
#define COARSE_MOST_NS  (20 * HY_SECOND)

/* --- accuracy ----------------------------------------------------------------------------------
 */

bool hy__accuracy_is_precise(int64_t interval_ns, unsigned accuracy)
{
    return accuracy == HY_TIMER_PRECISE ||
           (accuracy != HY_TIMER_SECONDS && interval_ns <= COARSE_LEAST_NS);
}

/* Late, never early: the next instant that is a multiple of the grain. */
int64_t hy__entry_key(int64_t deadline_ns, int64_t interval_ns, unsigned accuracy)
{
    if (hy__accuracy_is_precise(interval_ns, accuracy) || deadline_ns <= 0)
        return deadline_ns;
    if (accuracy == HY_TIMER_SECONDS || interval_ns >= COARSE_MOST_NS)
        return deadline_ns > HY_FOREVER - HY_SECOND
                   ? deadline_ns
                   : (deadline_ns + HY_SECOND - 1) / HY_SECOND * HY_SECOND;
    /* The largest power of two within 5 % of the interval: the instants of a short interval are
     * among those of a long one. */
    int64_t grain = INT64_C(2) << (63 - __builtin_clzll((uint64_t)interval_ns / 40));
    return deadline_ns > HY_FOREVER - grain ? deadline_ns
                                            : (deadline_ns + grain - 1) & ~(grain - 1);
}

/* --- pairing heap: child is the first child, next a sibling, previous the left sibling or the
 * parent --- */

static bool before(const struct hy_timer_entry_ *a, const struct hy_timer_entry_ *b)
{
    if (a->key_ns != b->key_ns)
        return a->key_ns < b->key_ns;
    return a->deadline_ns != b->deadline_ns ? a->deadline_ns < b->deadline_ns : a->order < b->order;
}

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

/* For a foreign loop that waits without asking. */
static void tell_sooner(struct hy_thread_record *record, int64_t deadline_ns)
{
    struct hy_dispatcher *dispatcher = record->dispatcher;
    if (dispatcher != NULL && HY_UNLIKELY(dispatcher->ops->sooner != NULL))
        dispatcher->ops->sooner(dispatcher, deadline_ns);
}

void hy__entry_insert(struct hy_thread_record *record, struct hy_timer_entry_ *entry)
{
    entry->child = entry->next = entry->previous = NULL;
    entry->state = HY__ENTRY_HEAP;
    entry->order = record->timer_order++;
    record->timer_heap = meld(record->timer_heap, entry);
    if (record->timer_heap == entry)
        tell_sooner(record, entry->key_ns);
}

static void heap_remove(struct hy_thread_record *record, struct hy_timer_entry_ *entry)
{
    if (entry == record->timer_heap) {
        record->timer_heap = meld_siblings(entry->child);
    } else {
        if (entry->previous->child == entry)
            entry->previous->child = entry->next;
        else
            entry->previous->next = entry->next;
        if (entry->next != NULL)
            entry->next->previous = entry->previous;
        record->timer_heap = meld(record->timer_heap, meld_siblings(entry->child));
    }
    entry->child = entry->next = entry->previous = NULL;
}

/* --- the due list and the ring of zero timers ------------------------------------------------- */

static void list_append(struct hy_timer_entry_ **first, struct hy_timer_entry_ **last,
                        struct hy_timer_entry_ *entry)
{
    entry->next = NULL;
    entry->previous = *last;
    if (*last != NULL)
        (*last)->next = entry;
    else
        *first = entry;
    *last = entry;
}

static void list_remove(struct hy_timer_entry_ **first, struct hy_timer_entry_ **last,
                        struct hy_timer_entry_ *entry)
{
    if (entry->previous != NULL)
        entry->previous->next = entry->next;
    else
        *first = entry->next;
    if (entry->next != NULL)
        entry->next->previous = entry->previous;
    else
        *last = entry->previous;
    entry->next = entry->previous = NULL;
}

void hy__entry_insert_zero(struct hy_thread_record *record, struct hy_timer_entry_ *entry)
{
    entry->state = HY__ENTRY_ZERO;
    entry->order = record->zero_pass; /* not in the pass that may be going on */
    list_append(&record->first_zero, &record->last_zero, entry);
    record->zero_idle++;
    tell_sooner(record, 0);
}

void hy__entry_take_out(struct hy_thread_record *record, struct hy_timer_entry_ *entry)
{
    if (entry->state == HY__ENTRY_HEAP) {
        heap_remove(record, entry);
    } else if (entry->state == HY__ENTRY_DUE) {
        list_remove(&record->first_due, &record->last_due, entry);
    } else if (entry->state == HY__ENTRY_ZERO) {
        list_remove(&record->first_zero, &record->last_zero, entry);
        record->zero_idle--;
    }
    entry->state = HY__ENTRY_IDLE;
}

/* --- firing ------------------------------------------------------------------------------------
 */

int64_t hy__timers_deadline(const struct hy_thread_record *record, bool *ret_precise)
{
    const struct hy_timer_entry_ *entry = record->timer_heap;
    if (entry == NULL)
        return HY_FOREVER;
    *ret_precise = entry->precise;
    return entry->key_ns;
}

static inline void call(struct hy_thread_record *record, struct hy_timer_entry_ *entry,
                        int64_t now_ns)
{
    if (entry->is_call)
        hy__call_fire(record, entry);
    else
        hy__timer_fire(record, entry, now_ns);
}

/* One that has come up; it is in no list. */
static void fire(struct hy_thread_record *record, struct hy_timer_entry_ *entry, int64_t now_ns)
{
    struct hy__span span;
    if (!hy__is_observed()) {
        call(record, entry, now_ns);
        return;
    }
    uintptr_t function = 0;
    struct hy_anchor *anchor =
        entry->is_call ? hy__call_target(entry, &function) : hy__timer_of(entry)->hy.anchor;
    hy__span_begin(record, &span, HY_HANDLER_TIMER, anchor, function);
    call(record, entry, now_ns);
    hy__span_end(record, &span);
}

void hy__timers_fire(struct hy_thread_record *record, int *callbacks)
{
    if (record->timer_heap == NULL && record->first_due == NULL)
        return;
    int64_t now_ns = hy__record_now(record);
    /* First all that are due now, so that what is started meanwhile waits for the next pass. */
    struct hy_timer_entry_ *entry;
    while ((entry = record->timer_heap) != NULL && entry->key_ns <= now_ns) {
        heap_remove(record, entry);
        entry->state = HY__ENTRY_DUE;
        list_append(&record->first_due, &record->last_due, entry);
    }
    while ((entry = record->first_due) != NULL && !hy__loop_should_stop(record)) {
        hy__entry_take_out(record, entry);
        fire(record, entry, now_ns);
        ++*callbacks;
    }
}

void hy__timers_fire_zero(struct hy_thread_record *record)
{
    uint64_t pass = ++record->zero_pass;
    struct hy_timer_entry_ *entry;
    while ((entry = record->first_zero) != NULL && entry->order < pass &&
           !hy__loop_should_stop(record)) {
        hy__entry_take_out(record, entry);
        fire(record, entry, 0);
    }
}
