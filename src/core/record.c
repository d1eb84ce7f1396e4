/* SPDX-License-Identifier: MIT */
/*
 * Thread records: one per thread, found through thread-local storage, counted by references.
 *
 * A record exists before its thread starts, and as long as an object or a reference names it. A
 * foreign thread gets one at its first call; a destructor of the system's thread-local storage ends
 * it.
 */
#include "core/internal.h"

#include <stdio.h>
#include <string.h>

#ifndef _WIN32
__thread struct hy_thread_record *hy__current_record;
#endif

static uint32_t adopted_count; /* atomic; for names */

struct hy_thread_record *hy__record_create(const char *name)
{
    struct hy_thread_record *record = NULL;
    hy__trace_environment();
    if (hy__fork_prepare() == 0)
        record = hy__allocate_aligned_zeroed(HY__CACHE_LINE, sizeof *record);
    if (record == NULL)
        return NULL;
    record->refs = 1;
    record->generation = hy__generation;
    record->priority = -1;
    snprintf(record->name, sizeof record->name, "%s", name != NULL ? name : "thread");
    record->state = HY_THREAD_NOT_STARTED;
    record->depth_limit = HY__DEPTH_LIMIT;
    for (int i = 0; i < HY__QUEUES; i++)
        record->queues[i].end = &record->queues[i].first;
    record->arrivals.end = &record->arrivals.first;
    return record;
}

void hy__record_ref(struct hy_thread_record *record)
{
    /* Relaxed: the caller knows it to be alive. */
    __atomic_add_fetch(&record->refs, 1, __ATOMIC_RELAXED);
}

enum drop {
    DROP_ALL,
    DROP_DEAD, /* those of dead receivers */
    DROP_CALLS /* those that somebody waits for */
};

static bool is_dropped(const struct hy__message *message, enum drop which)
{
    if (which == DROP_DEAD) /* or merged into another one: see compress.c */
        return message->anchor == NULL || message->anchor->object == NULL;
    return which == DROP_ALL || message->kind == HY__MESSAGE_CALL;
}

static void drop_messages(struct hy_thread_record *record, enum drop which)
{
    for (int i = 0; i < HY__QUEUES; i++) {
        struct hy__message **link = &record->queues[i].first, *message, *dropped = NULL;
        while ((message = *link) != NULL) {
            if (!is_dropped(message, which)) {
                link = &message->next;
            } else if (hy__queue_unlink(record, i, link)) {
                message->next = dropped;
                dropped = message;
            }
        }
        /* Dropped when the queue is in order again: destroying a payload is user code. */
        while ((message = dropped) != NULL) {
            dropped = message->next;
            hy__message_drop(record, message);
        }
    }
}

static void drop_dead_arrivals(struct hy_thread_record *record)
{
    struct hy__message **link = &record->arrivals.first, *adopt;
    while ((adopt = *link) != NULL) {
        struct hy_anchor *anchor = adopt->anchor;
        if (anchor->object != NULL) {
            link = &adopt->next;
            continue;
        }
        *link = adopt->next;
        hy__message_discard(adopt);
        hy__anchor_unref(anchor);
    }
    record->arrivals.end = link;
}

void hy__record_purge(struct hy_thread_record *record, bool messages)
{
    hy__mailbox_take(record);
    drop_dead_arrivals(record);
    if (messages)
        drop_messages(record, DROP_DEAD);
}

void hy__record_unref(struct hy_thread_record *record)
{
    /* Release and acquire: the end is after everybody's use. */
    if (record == NULL || __atomic_sub_fetch(&record->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (record->dispatcher != NULL)
        record->dispatcher->ops->destroy(record->dispatcher);
    hy_memory_release(record->timer_groups);
    hy_memory_release(record->adopted_handle);
    hy__release_aligned(record, sizeof *record);
}

void hy__record_begin_run(struct hy_thread_record *record, uint32_t run)
{
    record->run = run & HY__RUN_MASK;
    uint64_t tag = (uint64_t)record->run << 32;
    /* What was asked of an earlier run does not count. Sequentially consistent as all of `quit`;
     * the others are published by the state. */
    __atomic_store_n(&record->quit, tag, __ATOMIC_SEQ_CST);
    __atomic_store_n(&record->holds, tag, __ATOMIC_RELAXED);
    __atomic_store_n(&record->interrupted, record->run << 1, __ATOMIC_RELAXED);
    hy__record_set_state(record, HY_THREAD_RUNNING);
}

bool hy__record_is_running(const struct hy_thread_record *record)
{
    enum hy_thread_state state = hy__record_state(record);
    return state == HY_THREAD_RUNNING || state == HY_THREAD_FINISHING;
}

bool hy__record_takes_calls(struct hy_thread_record *record)
{
    /*
     * A read that writes, so that it has its place among the writes: a caller that has posted and
     * then reads 0 here is before the thread's last look at its mail, which finds the call; else it
     * reads 1.
     */
    return hy__record_is_running(record) &&
           __atomic_fetch_or(&record->resting, 0u, __ATOMIC_ACQ_REL) == 0;
}

bool hy__record_is_nowhere(const struct hy_thread_record *record)
{
    return !hy__record_is_running(record) &&
           __atomic_load_n(&record->handle, __ATOMIC_ACQUIRE) == NULL;
}

/* The calling thread takes the record as its own. */
static int enter(struct hy_thread_record *record)
{
    int rc = hy__hazards_acquire(record);
    if (rc == 0)
        hy__record_set_current(record);
    return rc;
}

void hy__record_leave(struct hy_thread_record *record)
{
    hy__orphans_reap();
    struct hy__filters *filters = record->filters;
    record->filters = NULL;
    hy__filters_end(filters);
    hy__native_filters_end(record);
    hy__slabs_abandon(record);
    hy__hazards_release(record);
    hy__observer_release(record);
    hy__record_set_current(NULL);
}

/* --- finishing -----------------------------------------------------------------------------------
 */

void hy__record_serve_deletes(struct hy_thread_record *record)
{
    hy__deletes_serve(record, &record->deletes);
}

static void finish_objects(struct hy_thread_record *record)
{
    /* What was put under the context ends with the run; the context itself with the handle. */
    if (record->context != NULL)
        hy__children_finish(record->context, record);
    while (record->first_root != NULL) {
        struct hy_object *root = record->first_root;
        hy_object_destroy(root);
        /* Its fini is on the stack: nothing more can be done for it here. */
        if (record->first_root == root)
            hy__root_unlink(record, root);
    }
}

void hy__record_drain(struct hy_thread_record *record)
{
    for (int round = 0; round < HY__DRAIN_ROUNDS; round++) {
        hy__record_serve_deletes(record);
        if (hy__deliver(record, INT32_MAX) == 0 && record->queued == 0)
            return;
    }
    hy_log(HY_LOG_WARNING, "thread",
           "thread \"%s\" still posts to itself after %d rounds of draining; %llu messages are "
           "dropped",
           record->name, HY__DRAIN_ROUNDS, (unsigned long long)record->queued);
}

void hy__record_finish(struct hy_thread_record *record, enum hy_finish_policy policy)
{
    hy__exclude(record, 0); /* also when a thread ends inside of a handler */
    if (policy == HY_FINISH_KEEP) {
        /* Before the last look at the mail: see hy__record_takes_calls(). */
        __atomic_fetch_or(&record->resting, 1u, __ATOMIC_ACQ_REL);
        hy__mailbox_take(record);
        hy__arrivals_enter(record);
        /* What they ask for in turn, too; what goes on for ever waits for the restart. */
        for (int round = 0; round < HY__DRAIN_ROUNDS && record->deletes.first != NULL; round++)
            hy__record_serve_deletes(record);
        drop_messages(record, DROP_CALLS); /* nobody is left waiting for what is kept */
        drop_messages(record, DROP_DEAD);  /* as in hy__record_purge(): shells are not kept */
        __atomic_store_n(&record->kept, record->queued, __ATOMIC_RELAXED);
        return;
    }
    if (policy == HY_FINISH_DRAIN)
        hy__record_drain(record);
    hy__record_serve_deletes(record);
    finish_objects(record);
    hy__mailbox_close(record);
    /* An object may have arrived until a moment ago; it is finished here too. */
    hy__arrivals_enter(record);
    finish_objects(record);
    hy__record_serve_deletes(record);
    drop_messages(record, DROP_ALL);
    __atomic_store_n(&record->kept, 0, __ATOMIC_RELAXED);
}

/* --- adopted threads
 * ------------------------------------------------------------------------------ */

static void adopted_thread_ends(void *value)
{
    struct hy_thread_record *record = value;
    hy__record_set_current(record); /* another destructor may have run before this one */
    hy__thread_finish(record, HY_FINISH_DISCARD);
    hy__record_detach(record);
    hy__thread_end_handle(record);
    hy__record_set_state(record, HY_THREAD_FINISHED);
    hy__record_unpark(record, &record->state);
    hy__record_leave(record);
    hy__record_unref(record);
}

struct hy_thread_record *hy__record_adopt(void)
{
    char name[HY__NAME_SIZE];
    uint32_t number = __atomic_add_fetch(&adopted_count, 1, __ATOMIC_RELAXED);
    if (hy__os_thread_is_initial())
        snprintf(name, sizeof name, "main");
    else
        snprintf(name, sizeof name, "adopted-%u", number);
    struct hy_thread_record *record = hy__record_create(name);
    if (record == NULL)
        return NULL;
    record->adopted = true;
    hy__record_begin_run(record, 1);
    int rc = enter(record);
    if (rc == 0) {
        rc = hy__thread_adopt_handle(record);
        int system_errno = rc == 0 ? hy__at_thread_end(adopted_thread_ends, record) : 0;
        if (system_errno != 0) {
            hy_error_set_system(system_errno, "cannot adopt the calling thread");
            /* To all who need a record, one that cannot be had is a lack of memory. */
            rc = hy_error_set(-HY_ENOMEM, "%s", hy_last_error()->message);
            hy__thread_end_handle(record);
        }
        if (rc == 0) {
            hy__priority_begin(record);
            return record;
        }
        hy__record_leave(record);
    }
    hy__record_unref(record);
    return NULL;
}

/* --- dispatcher
 * ------------------------------------------------------------------------------------- */

static struct hy_dispatcher *dispatcher_of(struct hy_thread_record *record)
{
    return __atomic_load_n(&record->dispatcher, __ATOMIC_ACQUIRE);
}

int hy__dispatcher_check(const struct hy_dispatcher *dispatcher)
{
    const struct hy_dispatcher_ops *ops = dispatcher != NULL ? dispatcher->ops : NULL;
    if (ops == NULL || ops->version != HY_DISPATCHER_VERSION ||
        ops->size < sizeof(struct hy_dispatcher_ops))
        return hy_error_set(-HY_EINVAL,
                            "the dispatcher is not of version %u: set version and size "
                            "of its operations",
                            HY_DISPATCHER_VERSION);
    if (ops->watch == NULL || ops->change == NULL || ops->forget == NULL ||
        ops->set_deadline == NULL || ops->wait == NULL || ops->wake == NULL || ops->destroy == NULL)
        return hy_error_set(-HY_EINVAL, "the dispatcher lacks an operation: watch, change, forget, "
                                        "set_deadline, wait, wake and destroy are needed");
    if ((ops->park == NULL) != (ops->unpark == NULL))
        return hy_error_set(-HY_EINVAL, "the dispatcher has park or unpark; it needs both or none");
    return 0;
}

void hy__record_set_dispatcher(struct hy_thread_record *record, struct hy_dispatcher *dispatcher)
{
    if ((dispatcher->ops->flags & HY_DISPATCHER_HOSTED) != 0)
        record->rest = HY__MAILBOX_ASLEEP;
    /* Sequentially consistent: see hy__record_wake(). */
    __atomic_store_n(&record->dispatcher, dispatcher, __ATOMIC_SEQ_CST);
}

void hy__record_attached(struct hy_thread_record *record)
{
    record->attached = 1;
    if (record->rest == HY__MAILBOX_ASLEEP)
        hy__mailbox_sleep(record); /* from now on each first post wakes */
}

int hy__record_attach(struct hy_thread_record *record)
{
    struct hy_dispatcher *dispatcher = dispatcher_of(record);
    if (dispatcher == NULL || record->attached > 0)
        return 0;
    int rc = dispatcher->ops->attach != NULL ? dispatcher->ops->attach(dispatcher) : 0;
    if (rc < 0)
        return record->attached = rc;
    hy__record_attached(record);
    return 0;
}

void hy__record_detach(struct hy_thread_record *record)
{
    struct hy_dispatcher *dispatcher = dispatcher_of(record);
    if (record->attached > 0 && dispatcher->ops->detach != NULL)
        dispatcher->ops->detach(dispatcher);
    record->attached = 0;
    if (record->rest == HY__MAILBOX_ASLEEP)
        hy__mailbox_wake_up(record); /* it needs nobody's wake until it begins again */
}

int hy__record_need_dispatcher(struct hy_thread_record *record)
{
    if (HY_UNLIKELY(record->attached < 0))
        return hy_error_set(record->attached, "the dispatcher of thread \"%s\" could not begin",
                            record->name);
    if (dispatcher_of(record) != NULL)
        return 0;
    struct hy_dispatcher *dispatcher;
    int rc = hy_dispatcher_create(&dispatcher);
    if (rc < 0)
        return rc;
    hy__record_set_dispatcher(record, dispatcher);
    return hy__record_attach(record);
}

/*
 * Any thread. The caller has published a reason first (a quit word, sequentially consistent):
 * either it sees the dispatcher here and wakes it, or the thread, which makes its dispatcher first
 * and looks for reasons then, sees the reason.
 */
void hy__record_wake(struct hy_thread_record *record)
{
    struct hy_dispatcher *dispatcher = __atomic_load_n(&record->dispatcher, __ATOMIC_SEQ_CST);
    if (dispatcher == NULL || hy__record_is_lost(record)) /* else it would wake the parent's */
        return;
    HY__PROBE1(wake, record->name);
    if (hy__is_observed())
        hy__observe_wake(record);
    dispatcher->ops->wake(dispatcher);
}

void hy__record_rouse(struct hy_thread_record *record)
{
    /* A foreign loop of this very thread may wait next, and look at nothing before. */
    if (record != hy__record_if_any() || record->rest == HY__MAILBOX_ASLEEP)
        hy__record_wake(record);
}

int64_t hy__record_now(struct hy_thread_record *record)
{
    struct hy_dispatcher *dispatcher = dispatcher_of(record);
    return dispatcher != NULL && dispatcher->ops->now != NULL ? dispatcher->ops->now(dispatcher)
                                                              : hy__clock_ns();
}

int64_t hy_now_ns(void)
{
    struct hy_thread_record *record = hy__record_if_any();
    return record != NULL ? hy__record_now(record) : hy__clock_ns();
}

bool hy__park(uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
    struct hy_thread_record *record = hy__record_if_any();
    struct hy_dispatcher *dispatcher = record != NULL ? dispatcher_of(record) : NULL;
    if (dispatcher != NULL && dispatcher->ops->park != NULL)
        return dispatcher->ops->park(dispatcher, word, expected, deadline_ns) == 0;
    return hy__futex_wait(word, expected, deadline_ns);
}

void hy__record_unpark(struct hy_thread_record *record, uint32_t *word)
{
    struct hy_dispatcher *dispatcher = record != NULL ? dispatcher_of(record) : NULL;
    if (dispatcher != NULL && dispatcher->ops->unpark != NULL)
        dispatcher->ops->unpark(dispatcher, word);
    else
        hy__futex_wake(word, INT32_MAX);
}

void hy__unpark(uint32_t *word)
{
    hy__record_unpark(hy__record_if_any(), word);
}
