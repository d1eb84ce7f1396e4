/* SPDX-License-Identifier: MIT */
/*
 * Thread handles: start, quit, join, end. What a thread *is* stands in its record (record.c).
 */
#include "core/internal.h"

#include <stdio.h>

struct hy_thread_private {
    struct hy_thread_record *record;          /* const */
    struct hy__os_thread os;                  /* home; read by the one that joins */
    void (*body)(struct hy_thread *, void *); /* home, const while running */
    void *context;
    size_t stack_size;
    uint32_t policy; /* atomic */
    uint32_t
        joined; /* atomic: 0 nobody has, 1 somebody is about to, 2 the system thread has ended */
    bool needs_join; /* home: a system thread was started and not joined */
    struct hy_thread *previous_started,
        *next_started; /* home: record->first_started of the starter */
};

struct hy_thread_record *hy__thread_record(const struct hy_thread *thread)
{
    return thread != NULL && thread->priv != NULL ? thread->priv->record : NULL;
}

static int join(struct hy_thread *thread, int64_t deadline_ns, bool surely);

/* --- the list of those that the application stops -------------------------------------------- */

static void started_link(struct hy_thread *thread)
{
    struct hy_thread_record *home = hy__anchor_home(thread->hy.anchor);
    struct hy_thread_private *priv = thread->priv;
    priv->previous_started = NULL;
    priv->next_started = home->first_started; /* the last one first */
    if (home->first_started != NULL)
        home->first_started->priv->previous_started = thread;
    home->first_started = thread;
    priv->needs_join = true;
}

static void started_unlink(struct hy_thread *thread)
{
    struct hy_thread_private *priv = thread->priv;
    if (!priv->needs_join)
        return;
    struct hy_thread_record *home = hy__anchor_home(thread->hy.anchor);
    if (priv->previous_started != NULL)
        priv->previous_started->priv->next_started = priv->next_started;
    else
        home->first_started = priv->next_started;
    if (priv->next_started != NULL)
        priv->next_started->priv->previous_started = priv->previous_started;
    priv->previous_started = priv->next_started = NULL;
    priv->needs_join = false;
}

void hy__threads_stop(struct hy_thread_record *record)
{
    /* One after the other: what a later one says to an earlier one at its end is delivered. */
    while (record->first_started != NULL) {
        struct hy_thread *thread = record->first_started;
        hy_thread_quit(thread, 0);
        join(thread, HY_FOREVER, true);
        started_unlink(thread);
    }
}

/* --- making and ending --------------------------------------------------------------------------
 */

static void thread_fini(struct hy_object *object)
{
    struct hy_thread *thread = (struct hy_thread *)(void *)object;
    struct hy_thread_private *priv = thread->priv;
    struct hy_thread_record *record = priv->record;
    if (!record->adopted) {
        hy_thread_quit(thread, 0);
        join(thread, HY_FOREVER, true);
        started_unlink(thread);
        if (__atomic_load_n(&priv->policy, __ATOMIC_RELAXED) != HY_FINISH_KEEP && !record->closed)
            hy__record_finish(record, HY_FINISH_DISCARD); /* it never ran, or kept what it had */
    }
    /* Release: hy_object_thread() finds NULL, or a handle that is still whole. */
    __atomic_store_n(&record->handle, NULL, __ATOMIC_RELEASE);
    hy__record_unref(record);
    hy_release(priv);
    thread->priv = NULL;
}

static void thread_leave(struct hy_object *object)
{
    struct hy_thread *thread = (struct hy_thread *)(void *)object;
    bool needed = thread->priv->needs_join;
    started_unlink(thread);
    thread->priv->needs_join = needed;
}

static void thread_enter(struct hy_object *object)
{
    struct hy_thread *thread = (struct hy_thread *)(void *)object;
    if (thread->priv->needs_join)
        started_link(thread);
}

static const struct hy_signal_spec thread_signals[] = {
    HY_NO_PAYLOAD(struct hy_thread, events.started),
    HY_NO_PAYLOAD(struct hy_thread, events.finished),
    HY_NO_PAYLOAD(struct hy_thread, events.about_to_block),
    HY_NO_PAYLOAD(struct hy_thread, events.awake)};

const struct hy_class hy_thread_class =
    HY_CLASS(struct hy_thread, .fini = thread_fini, .leave_thread = thread_leave,
             .enter_thread = thread_enter, .signals = thread_signals, .signal_count = 4);

static int init_with(struct hy_thread *thread, struct hy_thread_record *record,
                     struct hy_object *parent)
{
    struct hy_thread_private *priv = hy_allocate_zeroed(sizeof *priv);
    if (priv == NULL)
        return -HY_ENOMEM;
    priv->record = record;
    priv->policy = HY_FINISH_DRAIN;
    int rc = hy_object_init(&thread->hy, &hy_thread_class, parent);
    if (rc < 0) {
        hy_release(priv);
        return rc;
    }
    thread->priv = priv;
    hy__record_ref(record);
    __atomic_store_n(&record->handle, thread, __ATOMIC_RELEASE);
    rc = hy_object_set_name(&thread->hy, "%s", record->name);
    if (rc < 0)
        hy_object_fini(&thread->hy);
    return rc;
}

int hy_thread_init(struct hy_thread *thread, const char *name, struct hy_object *parent)
{
    struct hy_thread_record *record = hy__record_create(name);
    if (record == NULL)
        return -HY_ENOMEM;
    int rc = init_with(thread, record, parent);
    hy__record_unref(record);
    return rc;
}

void hy_thread_fini(struct hy_thread *thread)
{
    hy_object_fini(&thread->hy);
}

struct hy_thread *hy_thread_current(void)
{
    struct hy_thread_record *record = hy__record();
    if (record == NULL)
        return NULL;
    struct hy_thread *thread = __atomic_load_n(&record->handle, __ATOMIC_ACQUIRE);
    if (thread != NULL || !record->adopted)
        return thread;
    struct hy_thread *made = hy_allocate_zeroed(sizeof *made);
    if (made == NULL)
        return NULL;
    if (init_with(made, record, NULL) < 0) {
        hy_release(made);
        return NULL;
    }
    made->hy.flags |= HY__OBJECT_HEAP;
    return made;
}

void hy__thread_adopted_ends(struct hy_thread_record *record)
{
    struct hy_thread *thread = __atomic_load_n(&record->handle, __ATOMIC_ACQUIRE);
    __atomic_store_n(&record->state, (uint32_t)HY_THREAD_FINISHING, __ATOMIC_RELEASE);
    if (thread != NULL)
        hy_emit0(&thread->events.finished);
}

/* --- settings
 * ------------------------------------------------------------------------------------- */

static int check_idle(const struct hy_thread *thread, const char *operation)
{
    int rc = hy__object_check_alive(&thread->hy, operation);
    if (rc == 0 && hy__record_is_running(thread->priv->record))
        rc = hy_error_set(-HY_EBUSY, "cannot %s thread \"%s\" while it runs", operation,
                          thread->priv->record->name);
    return rc;
}

int hy_thread_set_body(struct hy_thread *thread, void (*body)(struct hy_thread *, void *),
                       void *context)
{
    int rc = check_idle(thread, "set the body of");
    if (rc == 0) {
        thread->priv->body = body;
        thread->priv->context = context;
    }
    return rc;
}

void hy_thread_set_finish_policy(struct hy_thread *thread, enum hy_finish_policy policy)
{
    /* Relaxed: it is one word, and the thread reads it at its end. */
    if (hy__thread_record(thread) != NULL)
        __atomic_store_n(&thread->priv->policy, (uint32_t)policy, __ATOMIC_RELAXED);
}

int hy_thread_set_stack_size(struct hy_thread *thread, size_t size)
{
    int rc = check_idle(thread, "set the stack size of");
    if (rc == 0)
        thread->priv->stack_size = size;
    return rc;
}

int hy_thread_set_dispatcher(struct hy_thread *thread, struct hy_dispatcher *dispatcher)
{
    int rc = hy__object_check_alive(&thread->hy, "set the dispatcher of");
    if (rc < 0)
        return rc;
    struct hy_thread_record *record = thread->priv->record;
    bool here = record->adopted && record == hy__record_if_any();
    if (!here && (rc = check_idle(thread, "set the dispatcher of")) < 0)
        return rc;
    rc = hy__dispatcher_check(dispatcher);
    if (rc < 0)
        return rc;
    if (record->dispatcher != NULL)
        return hy_error_set(-HY_EBUSY, "thread \"%s\" has a dispatcher already", record->name);
    /* Attached first: a dispatcher that will not begin stays the caller's. */
    if (here && dispatcher->ops->attach != NULL && (rc = dispatcher->ops->attach(dispatcher)) < 0)
        return rc;
    hy__record_set_dispatcher(record, dispatcher);
    if (here)
        hy__record_attached(record);
    return 0;
}

/* --- running
 * -------------------------------------------------------------------------------------- */

static void *thread_main(void *context)
{
    struct hy_thread_record *record = context;
    struct hy_thread *thread = __atomic_load_n(&record->handle, __ATOMIC_ACQUIRE);
    struct hy_thread_private *priv = thread->priv;
    hy__current_record = record;
    hy__os_thread_set_name(record->name);
    hy__record_attach(record); /* if that fails, so do its loops */
    /* Objects that were moved here before the start live here from now on. */
    hy__mailbox_take(record);
    hy__arrivals_enter(record);
    hy__debug("thread", "thread \"%s\" starts", record->name);
    hy_emit0(&thread->events.started);
    int rc = 0;
    if (priv->body != NULL)
        priv->body(thread, priv->context);
    else
        rc = hy__thread_exec(record);
    if (rc < 0)
        hy_log(HY_LOG_ERROR, "thread", "thread \"%s\" cannot run: %s", record->name,
               hy_last_error()->message);

    __atomic_store_n(&record->state, (uint32_t)HY_THREAD_FINISHING, __ATOMIC_RELEASE);
    hy_emit0(&thread->events.finished);
    hy__record_finish(record,
                      (enum hy_finish_policy)__atomic_load_n(&priv->policy, __ATOMIC_RELAXED));
    hy__record_detach(record);
    hy__debug("thread", "thread \"%s\" ends", record->name);
    hy__record_leave(record);
    /* Release: who joins sees everything that this thread did. From here on the handle may go; the
     * record is held. */
    __atomic_store_n(&record->state, (uint32_t)HY_THREAD_FINISHED, __ATOMIC_RELEASE);
    hy__record_unpark(record, &record->state);
    hy__record_unref(record);
    return NULL;
}

static int start_system_thread(struct hy_thread *thread)
{
    struct hy_thread_private *priv = thread->priv;
    struct hy_thread_record *record = priv->record;
    int rc = hy__hazards_acquire(record);
    if (rc < 0)
        return rc;
    uint32_t state_before = __atomic_load_n(&record->state, __ATOMIC_RELAXED);
    if (record->closed)
        hy__mailbox_open(record);
    __atomic_store_n(&record->quit, 0, __ATOMIC_SEQ_CST); /* a quit from before does not count */
    __atomic_store_n(&record->resting, 0u, __ATOMIC_RELAXED); /* published by the state */
    __atomic_store_n(&priv->joined, 0u, __ATOMIC_RELAXED);
    __atomic_store_n(&record->state, (uint32_t)HY_THREAD_RUNNING, __ATOMIC_RELEASE);
    hy__record_ref(record); /* the thread's own */
    int system_errno = hy__os_thread_start(&priv->os, thread_main, record, priv->stack_size);
    if (system_errno == 0) {
        started_link(thread);
        return 0;
    }
    __atomic_store_n(&priv->joined, 2u, __ATOMIC_RELAXED); /* there is nothing to join */
    __atomic_store_n(&record->state, state_before, __ATOMIC_RELEASE);
    hy__hazards_release(record);
    hy__record_unref(record);
    return hy_error_set_system(system_errno, "cannot start thread \"%s\"", record->name);
}

int hy_thread_start(struct hy_thread *thread)
{
    int rc = hy__object_check_held(&thread->hy, "start");
    if (rc == 0 && (thread->hy.flags & HY__OBJECT_DYING) != 0)
        rc = hy_error_set(-HY_ESHUTDOWN, "cannot start thread \"%s\": its handle is being ended",
                          hy_thread_name(thread));
    if (rc < 0)
        return rc;
    enum hy_thread_state state = hy_thread_get_state(thread);
    if (state == HY_THREAD_RUNNING)
        return hy_error_set(-HY_EBUSY, "thread \"%s\" runs already", thread->priv->record->name);
    if (state != HY_THREAD_NOT_STARTED) {
        rc = hy_thread_join(thread, HY_FOREVER);
        if (rc < 0)
            return rc;
        started_unlink(thread);
    }
    return start_system_thread(thread);
}

void hy__record_set_quit(struct hy_thread_record *record, int code)
{
    /* Sequentially consistent: see hy__record_wake(). */
    __atomic_store_n(&record->quit, HY__QUIT_REQUESTED | (uint32_t)code, __ATOMIC_SEQ_CST);
}

void hy_thread_quit(struct hy_thread *thread, int code)
{
    struct hy_thread_record *record = hy__thread_record(thread);
    if (record == NULL || !hy__record_is_running(record))
        return;
    hy__record_set_quit(record, code);
    hy__record_rouse(record);
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

/* --- joining
 * ---------------------------------------------------------------------------------------- */

static bool wait_while(uint32_t *word, uint32_t value, int64_t deadline_ns)
{
    /* Acquire: what the ended thread did is seen. */
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value)
        if (!hy__park(word, value, deadline_ns))
            return false;
    return true;
}

/* The first to come waits for the system thread, which is about to end; the others for the first.
 */
static bool join_system_thread(struct hy_thread_private *priv, int64_t deadline_ns)
{
    uint32_t nobody = 0;
    if (__atomic_compare_exchange_n(&priv->joined, &nobody, 1u, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE)) {
        hy__os_thread_join(priv->os);
        __atomic_store_n(&priv->joined, 2u, __ATOMIC_RELEASE);
        hy__unpark(&priv->joined);
        return true;
    }
    return wait_while(&priv->joined, 1u, deadline_ns);
}

/* surely: a circle of waiting threads is broken up instead of refused. */
static int join(struct hy_thread *thread, int64_t deadline_ns, bool surely)
{
    struct hy_thread_record *record = hy__thread_record(thread);
    if (record == NULL)
        return hy_error_set(-HY_ESHUTDOWN, "the handle of the thread to join has been ended");
    struct hy_thread_private *priv = thread->priv;
    if (record == hy__record_if_any())
        return hy_error_set(-HY_EDEADLK, "thread \"%s\" cannot wait for its own end", record->name);
    if (__atomic_load_n(&record->state, __ATOMIC_ACQUIRE) == HY_THREAD_NOT_STARTED)
        return 0;
    int rc = surely ? hy__join_begin_surely(record) : hy__join_begin(record);
    if (rc < 0)
        return rc;
    bool ended = wait_while(&record->state, HY_THREAD_RUNNING, deadline_ns) &&
                 wait_while(&record->state, HY_THREAD_FINISHING, deadline_ns) &&
                 (record->adopted || join_system_thread(priv, deadline_ns));
    hy__join_end();
    if (ended)
        return 0;
    return hy_error_set(-HY_ETIMEDOUT, "thread \"%s\" has not ended in time", record->name);
}

int hy_thread_join(struct hy_thread *thread, int64_t deadline_ns)
{
    return join(thread, deadline_ns, false);
}

/* --- questions
 * ---------------------------------------------------------------------------------------- */

enum hy_thread_state hy_thread_get_state(const struct hy_thread *thread)
{
    const struct hy_thread_record *record = hy__thread_record(thread);
    return record == NULL ? HY_THREAD_FINISHED
                          : (enum hy_thread_state)__atomic_load_n(&record->state, __ATOMIC_ACQUIRE);
}

struct hy_thread_counts hy_thread_get_counts(const struct hy_thread *thread)
{
    const struct hy_thread_record *record = hy__thread_record(thread);
    if (record == NULL)
        return (struct hy_thread_counts){0};
    struct hy_thread_counts counts = {__atomic_load_n(&record->delivered, __ATOMIC_RELAXED),
                                      __atomic_load_n(&record->dropped, __ATOMIC_RELAXED),
                                      __atomic_load_n(&record->kept, __ATOMIC_RELAXED)};
    return counts;
}

const char *hy_thread_name(const struct hy_thread *thread)
{
    const struct hy_thread_record *record = hy__thread_record(thread);
    return record != NULL ? record->name : "ended";
}
