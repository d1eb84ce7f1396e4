/* SPDX-License-Identifier: MIT */
/*
 * When timers and delayed calls are due: how accurately, the list of those that a pass found due,
 * the ring of zero timers. Those that wait are in timer_heap.c.
 *
 * Order: the moment at which the accuracy lets an entry come, then the order of starting.
 */
#include "core/internal.h"

#define COARSE_LEAST_NS (20 * HY_MILLISECOND)
#define COARSE_MOST_NS  (20 * HY_SECOND)

/* --- accuracy ----------------------------------------------------------------------------------
 */

static bool is_precise(int64_t interval_ns, unsigned accuracy)
{
    return accuracy == HY_TIMER_PRECISE ||
           (accuracy != HY_TIMER_SECONDS && interval_ns <= COARSE_LEAST_NS);
}

/* Late, never early: the next instant that is a multiple of the grain. */
static int64_t round_up(int64_t deadline_ns, int64_t interval_ns, unsigned accuracy)
{
    if (deadline_ns <= 0)
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

void hy__entry_set_deadline(struct hy_timer_entry_ *entry, int64_t deadline_ns, int64_t interval_ns,
                            unsigned accuracy)
{
    entry->deadline_ns = deadline_ns;
    entry->precise = is_precise(interval_ns, accuracy);
    entry->key_ns = entry->precise ? deadline_ns : round_up(deadline_ns, interval_ns, accuracy);
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
    entry->order = record->timer_order++;
    hy__timer_heap_insert(record, entry);
    if (record->timer_heap == entry)
        tell_sooner(record, entry->key_ns);
}

/* --- the ring of zero timers ------------------------------------------------------------------ */

void hy__entry_insert_zero(struct hy_thread_record *record, struct hy_timer_entry_ *entry)
{
    entry->state = HY__ENTRY_ZERO;
    entry->order = record->zero_pass; /* not in the pass that may be going on */
    hy__entries_append(&record->zero, entry);
    record->zero_idle++;
    tell_sooner(record, 0);
}

void hy__entry_take_out(struct hy_thread_record *record, struct hy_timer_entry_ *entry)
{
    if (entry->state == HY__ENTRY_HEAP || entry->state == HY__ENTRY_DUE) {
        hy__timer_heap_remove(record, entry);
    } else if (entry->state == HY__ENTRY_ZERO) {
        hy__entries_remove(&record->zero, entry);
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

static const struct hy_hub *hub_of(struct hy_timer_entry_ *entry)
{
    /* Acquire: its head is about to be looked at. */
    return entry->is_call
               ? NULL
               : __atomic_load_n(&hy__timer_of(entry)->events.timeout.sig.hub, __ATOMIC_ACQUIRE);
}

/* What the next two of many will emit through, and the one after them: nothing of theirs is in the
 * cache, and each is known only by the one before it. */
static void fetch_ahead(struct hy_timer_entry_ *next)
{
    const struct hy_hub *hub = hub_of(next);
    if (hub != NULL)
        __builtin_prefetch(__atomic_load_n(&hub->head, __ATOMIC_RELAXED));
    next = next->group_next;
    __builtin_prefetch(hub_of(next));
    __builtin_prefetch(next->group_next);
    /* The signal stands before the entry; of a delayed call that is an address like any other. */
    __builtin_prefetch(&hy__timer_of(next->group_next)->events);
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
    if (record->timer_heap == NULL && record->due.first == NULL)
        return;
    int64_t now_ns = hy__record_now(record);
    /* First all that are due now, so that what is started meanwhile waits for the next pass. */
    struct hy_timer_entry_ *entry;
    hy__timer_heap_collect(record, now_ns);
    while ((entry = record->due.first) != NULL && !hy__loop_should_stop(record)) {
        if (entry->group_next != entry)
            fetch_ahead(entry->group_next);
        hy__entry_take_out(record, entry);
        fire(record, entry, now_ns);
        ++*callbacks;
    }
}

void hy__timers_fire_zero(struct hy_thread_record *record)
{
    uint32_t pass = ++record->zero_pass;
    struct hy_timer_entry_ *entry;
    while ((entry = record->zero.first) != NULL && (int32_t)(entry->order - pass) < 0 &&
           !hy__loop_should_stop(record)) {
        hy__entry_take_out(record, entry);
        fire(record, entry, 0);
    }
}
