/* SPDX-License-Identifier: MIT */
/*
 * Hazards: what each thread's emissions walk on right now, for those who want to free connections.
 * The blocks of walks are never freed, only reused, so that a reaper may read all of them at any
 * time.
 */
#include "core/hub.h"

static struct hy__hazards *all_hazards; /* atomic; grows only */

int hy__hazards_acquire(struct hy_thread_record *record)
{
    struct hy__hazards *hazards = __atomic_load_n(&all_hazards, __ATOMIC_ACQUIRE);
    for (; hazards != NULL; hazards = hazards->next) {
        uint32_t unused = 0;
        /* Acquire: after the last user's walks. */
        if (__atomic_compare_exchange_n(&hazards->used, &unused, 1u, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            break;
    }
    if (hazards == NULL) {
        hazards = hy__allocate_aligned_zeroed(HY__CACHE_LINE, sizeof *hazards);
        if (hazards == NULL)
            return -HY_ENOMEM;
        hazards->used = 1;
        hazards->next = __atomic_load_n(&all_hazards, __ATOMIC_RELAXED);
        /*
         * Sequentially consistent, as the walker's store that follows: a reaper that does not find
         * this block yet has unlinked before this thread's first look at a list.
         */
        while (!__atomic_compare_exchange_n(&all_hazards, &hazards->next, hazards, true,
                                            __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
        }
    }
    record->hazards = hazards;
    record->hazard_depth = 0;
    return 0;
}

void hy__hazards_release(struct hy_thread_record *record)
{
    if (record->hazards != NULL)
        __atomic_store_n(&record->hazards->used, 0u, __ATOMIC_RELEASE);
    record->hazards = NULL;
}

/* All but the block of the thread that is left, whose emissions may be on its stack. */
void hy__hazards_forget(const struct hy_thread_record *own)
{
    struct hy__hazards *hazards = __atomic_load_n(&all_hazards, __ATOMIC_RELAXED);
    for (; hazards != NULL; hazards = hazards->next)
        if (own == NULL || own->hazards != hazards) {
            for (int i = 0; i < HY__HAZARDS; i++)
                hazards->walks[i] = (struct hy__walk){0};
            hazards->used = 0;
        }
}

struct hy__walkers hy__walkers_of(const struct hy_hub *hub)
{
    struct hy__walkers walkers = {UINT64_MAX, false};
    struct hy__hazards *hazards = __atomic_load_n(&all_hazards, __ATOMIC_SEQ_CST);
    for (; hazards != NULL; hazards = hazards->next)
        for (int i = 0; i < HY__HAZARDS; i++) {
            struct hy__walk *walk = &hazards->walks[i];
            if (__atomic_load_n(&walk->hub, __ATOMIC_SEQ_CST) != hub)
                continue;
            walkers.any = true;
            /* Not older than the hub just seen; a newer one is of a walk that began after the
             * unlinking. Sequentially consistent, against a parked walk that goes on: whoever still
             * finds it parked has unlinked before its next look at the list. */
            uint64_t number = __atomic_load_n(&walk->number, __ATOMIC_SEQ_CST);
            if (number < walkers.smallest)
                walkers.smallest = number;
        }
    if (__atomic_load_n(&hub->pins, __ATOMIC_SEQ_CST) != 0) {
        walkers.any = true;
        walkers.smallest = 0;
    }
    return walkers;
}

bool hy__walk_stands_on(const struct hy_hub *hub, const struct hy__connection *connection)
{
    struct hy__hazards *hazards = __atomic_load_n(&all_hazards, __ATOMIC_SEQ_CST);
    for (; hazards != NULL; hazards = hazards->next)
        for (int i = 0; i < HY__HAZARDS; i++) {
            struct hy__walk *walk = &hazards->walks[i];
            if (__atomic_load_n(&walk->hub, __ATOMIC_SEQ_CST) == hub &&
                __atomic_load_n(&walk->at, __ATOMIC_ACQUIRE) == connection)
                return true;
        }
    return false;
}
