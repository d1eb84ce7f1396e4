/* SPDX-License-Identifier: MIT */
/*
 * What one thread asks of another: to quit, to stop early, to stay; its priority; and what a thread
 * asks to be called at its own end.
 *
 * A request is of the run that was on when it was made: it carries that run's number, and a word of
 * another run is left alone. So none of these can hit a restart by accident, without a lock.
 */
#include "core/internal.h"

#include <halyard/error.h>

/* The run that is on, or 0. */
static uint32_t run_of(const struct hy_thread_record *record)
{
    if (record == NULL || hy__record_is_lost(record))
        return 0;
    /* Acquire: the words of that run are seen. */
    uint32_t word = __atomic_load_n(&record->state, __ATOMIC_ACQUIRE), state = word & 3u;
    return state == HY_THREAD_RUNNING || state == HY_THREAD_FINISHING ? word >> 2 : 0;
}

static uint32_t run_in(uint64_t word)
{
    return (uint32_t)(word >> 32) & HY__RUN_MASK;
}

/* --- quitting --------------------------------------------------------------------------------- */

static bool set_quit(struct hy_thread_record *record, uint32_t run, int code)
{
    uint64_t word = __atomic_load_n(&record->quit, __ATOMIC_SEQ_CST);
    do {
        if (run_in(word) != run)
            return false;
        /* Sequentially consistent: see hy__record_wake(). */
    } while (!__atomic_compare_exchange_n(&record->quit, &word,
                                          HY__QUIT_REQUESTED | (uint64_t)run << 32 | (uint32_t)code,
                                          true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    return true;
}

static void quit_run(struct hy_thread_record *record, uint32_t run, int code)
{
    if (set_quit(record, run, code))
        hy__record_rouse(record);
}

void hy__record_set_quit(struct hy_thread_record *record, int code)
{
    set_quit(record, run_in(__atomic_load_n(&record->quit, __ATOMIC_SEQ_CST)), code);
}

void hy__record_clear_quit(struct hy_thread_record *record)
{
    __atomic_fetch_and(&record->quit, (uint64_t)HY__RUN_MASK << 32, __ATOMIC_SEQ_CST);
}

void hy_thread_quit(struct hy_thread *thread, int code)
{
    struct hy_thread_record *record = hy__thread_record(thread);
    uint32_t run = run_of(record);
    if (run != 0)
        quit_run(record, run, code);
}

void hy_thread_wake(struct hy_thread *thread)
{
    struct hy_thread_record *record = hy__thread_record(thread);
    if (record == NULL)
        return;
    /* Sequentially consistent: see hy__record_wake(). Many calls are one until a wait has ended by
     * them. */
    if (__atomic_exchange_n(&record->woken, 1u, __ATOMIC_SEQ_CST) == 0)
        hy__record_wake(record);
}

/* --- holding ---------------------------------------------------------------------------------- */

/* The count afterwards, or -1 when there was nothing to change. */
static int64_t change_holds(struct hy_thread_record *record, uint32_t run, bool up)
{
    uint64_t word = __atomic_load_n(&record->holds, __ATOMIC_RELAXED), after;
    do {
        if (run_in(word) != run || (!up && (uint32_t)word == 0) ||
            (up && (uint32_t)word == UINT32_MAX))
            return -1;
        after = up ? word + 1 : word - 1;
        /* Release and acquire: whoever takes the last hold away is after the work of all. */
    } while (!__atomic_compare_exchange_n(&record->holds, &word, after, true, __ATOMIC_ACQ_REL,
                                          __ATOMIC_RELAXED));
    return (int64_t)(uint32_t)after;
}

void hy_thread_hold(struct hy_thread *thread)
{
    struct hy_thread_record *record = hy__thread_record(thread);
    uint32_t run = run_of(record);
    if (run != 0)
        change_holds(record, run, true);
}

void hy_thread_release(struct hy_thread *thread)
{
    struct hy_thread_record *record = hy__thread_record(thread);
    uint32_t run = run_of(record);
    if (run != 0 && change_holds(record, run, false) == 0)
        quit_run(record, run, 0);
}

/* --- interruption ----------------------------------------------------------------------------- */

void hy_thread_request_interruption(struct hy_thread *thread)
{
    struct hy_thread_record *record = hy__thread_record(thread);
    uint32_t run = run_of(record), word = run << 1;
    if (run != 0)
        /* Only in the word of that very run, so a late request takes nothing from the next one.
         * Relaxed: a flag that stands for nothing else. */
        __atomic_compare_exchange_n(&record->interrupted, &word, word | 1u, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED);
}

bool hy_interruption_requested(void)
{
    const struct hy_thread_record *record = hy__record_if_any();
    return record != NULL && (__atomic_load_n(&record->interrupted, __ATOMIC_RELAXED) & 1u) != 0;
}

void hy__control_forget(struct hy_thread_record *record)
{
    /* 0 is the word of no run: from here on a request of this one finds nothing to change. */
    __atomic_store_n(&record->interrupted, 0u, __ATOMIC_RELAXED);
    __atomic_store_n(&record->holds, (uint64_t)record->run << 32, __ATOMIC_RELAXED);
    hy__record_clear_quit(record); /* a body without a loop has left it */
}

/* --- priority -----------------------------------------------------------------------------------
 *
 * The system knows a running thread by a number that another one may get once it has ended. So the
 * number is forgotten, under the lock, before the thread ends, and used under that lock only. It is
 * the one lock of the core that is held over a system call: a short one that never waits, and only
 * the starting, ending thread and the home of its handle ever want the lock.
 */

static int set_priority_of(struct hy_thread_record *record)
{
    if (record->system_number == 0 || record->priority < 0)
        return 0;
    return hy__os_thread_set_priority(record->system_number, record->priority);
}

void hy__priority_begin(struct hy_thread_record *record)
{
    uint32_t number = hy__os_thread_number();
    hy__lock(&record->priority_lock);
    record->system_number = number;
    int system_errno = set_priority_of(record);
    hy__unlock(&record->priority_lock);
    if (system_errno == 0)
        return;
    hy_error_set_system(system_errno, "thread \"%s\" runs without the priority asked for",
                        record->name);
    hy_log(HY_LOG_WARNING, "thread", "%s", hy_last_error()->message);
}

void hy__priority_end(struct hy_thread_record *record)
{
    hy__lock(&record->priority_lock);
    record->system_number = 0;
    hy__unlock(&record->priority_lock);
}

int hy_thread_set_priority(struct hy_thread *thread, enum hy_thread_priority priority)
{
    int rc = hy__object_check_alive(&thread->hy, "set the priority of");
    if (rc < 0)
        return rc;
    if ((unsigned)priority > HY_THREAD_PRIORITY_REALTIME)
        return hy_error_set(-HY_EINVAL, "there is no priority %d; see enum hy_thread_priority",
                            (int)priority);
    struct hy_thread_record *record = hy__thread_record(thread);
    hy__lock(&record->priority_lock);
    int32_t before = record->priority;
    record->priority = (int32_t)priority;
    int system_errno = set_priority_of(record);
    if (system_errno != 0)
        record->priority = before;
    hy__unlock(&record->priority_lock);
    if (system_errno != 0)
        return hy_error_set_system(system_errno, "cannot set the priority of thread \"%s\"",
                                   record->name);
    return 0;
}

/* --- the end of a thread ------------------------------------------------------------------------
 */

int hy_thread_at_end(void (*function)(void *context), void *context)
{
    if (function == NULL)
        return hy_error_set(-HY_EINVAL, "there is no function to call at the end of the thread");
    struct hy_thread_record *record = hy__record();
    struct hy__at_end *entry = record != NULL ? hy_memory_allocate(sizeof *entry) : NULL;
    if (entry == NULL)
        return -HY_ENOMEM;
    *entry = (struct hy__at_end){record->at_ends, function, context};
    record->at_ends = entry;
    return 0;
}

void hy__at_ends_call(struct hy_thread_record *record)
{
    struct hy__at_end *entry;
    while ((entry = record->at_ends) != NULL) { /* one of them may ask for more */
        record->at_ends = entry->next;
        struct hy__at_end call = *entry;
        hy_memory_release(entry);
        call.function(call.context);
    }
}
