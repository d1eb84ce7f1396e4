/* SPDX-License-Identifier: MIT */
/* Counters of threads and objects, for readers in any thread. Relaxed everywhere: each is a number
 * of the moment, and says nothing of others. */
#include "core/internal.h"

static uint64_t of(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* What it has not taken yet, of what was counted as it came in. */
static uint64_t in_mailbox(const struct hy_thread_record *record)
{
    uint64_t pulled = of(&record->pulled), pushed = of(&record->pushed);
    return pushed > pulled ? pushed - pulled : 0; /* they may be of different moments */
}

struct hy_thread_counters hy_thread_get_counters(const struct hy_thread *thread)
{
    const struct hy_thread_record *record = hy__thread_record(thread);
    struct hy_thread_counters counts = {0};
    if (record == NULL)
        return counts;
    counts.delivered = of(&record->delivered);
    counts.dropped = of(&record->dropped);
    counts.kept = of(&record->kept);
    counts.waiting = of(&record->queued) + of(&record->held) + in_mailbox(record);
    counts.posted = counts.delivered + counts.dropped + counts.waiting;
    counts.high_water = of(&record->high_water);
    counts.passes = of(&record->passes);
    counts.waits = of(&record->waits);
    counts.wakes = of(&record->wakes);
    counts.handlers = of(&record->measured.handlers);
    counts.handlers_ns = of(&record->measured.handlers_ns);
    counts.slowest_ns = __atomic_load_n(&record->measured.slowest_ns, __ATOMIC_RELAXED);
    hy__published_read(&record->measured.slowest, &counts.slowest, sizeof counts.slowest);
    return counts;
}

int hy_ref_get_counters(struct hy_ref ref, struct hy_object_counters *ret_counts)
{
    struct hy_anchor *anchor = ref.anchor;
    if (anchor == NULL)
        return hy_error_set(-HY_ESHUTDOWN, "the object was never made, or has been finished");
    struct hy_object_counters counts = {.waiting = hy__anchor_waiting(anchor)};
    /* Acquire: it is seen whole. */
    const struct hy__object_measured *measured =
        __atomic_load_n(&anchor->measured, __ATOMIC_ACQUIRE);
    if (measured != NULL) {
        counts.delivered = of(&measured->delivered);
        counts.dropped = of(&measured->dropped);
        counts.high_water = of(&measured->high_water);
        counts.handlers = of(&measured->handlers);
        counts.handlers_ns = of(&measured->handlers_ns);
        counts.slowest_ns = __atomic_load_n(&measured->slowest_ns, __ATOMIC_RELAXED);
        counts.slowest = (uintptr_t)of(&measured->slowest);
    }
    counts.posted = counts.delivered + counts.dropped + counts.waiting;
    *ret_counts = counts;
    return 0;
}

int hy_object_get_counters(const struct hy_object *object, struct hy_object_counters *ret_counts)
{
    struct hy_ref ref = {object != NULL ? object->anchor : NULL};
    return hy_ref_get_counters(ref, ret_counts);
}
