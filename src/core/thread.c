/* SPDX-License-Identifier: MIT */
/*
 * Thread handles: start, quit, join, end. What a thread *is* stands in its record (record.c).
 */
#include "core/internal.h"

#include <stdio.h>

struct hy_thread_private {
    struct hy_thread_record *record;          /* const */
    struct hy_object context_object;          /* its own thread's, as any object of it */
    void (*body)(struct hy_thread *, void *); /* home, const while running */
    void *context;
    size_t stack_size;
    uint32_t policy; /* atomic */
    bool needs_join; /* home: a system thread was started and not joined */
    bool linked;     /* home: in the list of those started; not while parked or on its way */
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
    priv->needs_join = true;
    if (priv->linked || home->parked)
        return;
    priv->linked = true;
    priv->previous_started = NULL;
    priv->next_started = home->first_started; /* the last one first */
    if (home->first_started != NULL)
        home->first_started->priv->previous_started = thread;
    home->first_started = thread;
}

static void started_unlink(struct hy_thread *thread)
{
    struct hy_thread_private *priv = thread->priv;
    priv->needs_join = false;
    if (!priv->linked)
        return;
    priv->linked = false;
    struct hy_thread_record *home = hy__anchor_home(thread->hy.anchor);
    if (priv->previous_started != NULL)
        priv->previous_started->priv->next_started = priv->next_started;
    else
        home->first_started = priv->next_started;
    if (priv->next_started != NULL)
        priv->next_started->priv->previous_started = priv->previous_started;
    priv->previous_started = priv->next_started = NULL;
}

/* In whatever it is: a long computation, or its loops. */
static void stop(struct hy_thread *thread)
{
    hy_thread_request_interruption(thread);
    hy_thread_quit(thread, 0);
}

void hy__threads_stop(struct hy_thread_record *record)
{
    /* One after the other: what a later one says to an earlier one at its end is delivered. */
    while (record->first_started != NULL) {
        struct hy_thread *thread = record->first_started;
        stop(thread);
        join(thread, HY_FOREVER, true);
        started_unlink(thread);
    }
}

/* --- making and ending --------------------------------------------------------------------------
 */

/* The one that belongs to the thread ends: the context, or an adopted thread's handle. */
static void end_fixed(struct hy_object *object)
{
    if (object->anchor != NULL) {
        __atomic_store_n(&object->anchor->fixed, false, __ATOMIC_RELAXED);
        hy_object_fini(object);
    }
}

static void thread_fini(struct hy_object *object)
{
    struct hy_thread *thread = (struct hy_thread *)(void *)object;
    struct hy_thread_private *priv = thread->priv;
    struct hy_thread_record *record = priv->record;
    if (record->adopted) {
        end_fixed(&priv->context_object);
        return;
    }
    stop(thread);
    join(thread, HY_FOREVER, true);
    started_unlink(thread);
    if (__atomic_load_n(&priv->policy, __ATOMIC_RELAXED) != HY_FINISH_KEEP && !record->closed)
        hy__record_finish(record, HY_FINISH_DISCARD); /* it never ran, or kept what it had */
    end_fixed(&priv->context_object);
    record->context = NULL;
    /* Release: hy_object_thread() finds NULL, or a handle that is still whole. */
    __atomic_store_n(&record->handle, NULL, __ATOMIC_RELEASE);
    hy__record_unref(record);
    hy_memory_release(priv);
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

static const struct hy_class context_class = {
    .version = HY_CLASS_VERSION, .name = "thread context", .size = sizeof(struct hy_object)};

/* The context is of no list, so that no end of a run and no restart touches it. */
static int context_init(struct hy_thread_private *priv, struct hy_thread_record *record)
{
    struct hy_anchor *anchor = hy__anchor_create(&priv->context_object, record);
    if (anchor == NULL)
        return -HY_ENOMEM;
    anchor->fixed = true;
    priv->context_object = (struct hy_object){.type = &context_class, .anchor = anchor};
    record->context = &priv->context_object;
    return 0;
}

/* The record is referred to by a handle that may end before it; an adopted thread's own ends with
 * it. */
static int init_with(struct hy_thread *thread, struct hy_thread_private *priv,
                     struct hy_thread_record *record, struct hy_object *parent)
{
    priv->record = record;
    priv->policy = HY_FINISH_DRAIN;
    int rc = context_init(priv, record);
    if (rc < 0)
        return rc;
    rc = hy_object_init(&thread->hy, &hy_thread_class, parent);
    if (rc < 0) {
        end_fixed(&priv->context_object);
        record->context = NULL;
        return rc;
    }
    thread->priv = priv;
    hy__record_ref(record);
    /* Release: whoever finds the handle finds it whole. */
    __atomic_store_n(&record->handle, thread, __ATOMIC_RELEASE);
    return 0;
}

int hy_thread_init(struct hy_thread *thread, const char *name, struct hy_object *parent)
{
    struct hy_thread_private *priv = hy_memory_allocate_zeroed(sizeof *priv);
    struct hy_thread_record *record = priv != NULL ? hy__record_create(name) : NULL;
    if (record == NULL) {
        hy_memory_release(priv);
        return -HY_ENOMEM;
    }
    int rc = init_with(thread, priv, record, parent);
    if (rc < 0) {
        hy_memory_release(priv);
    } else {
        rc = hy_object_set_name(&thread->hy, "%s", record->name);
        if (rc < 0)
            hy_object_fini(&thread->hy);
    }
    hy__record_unref(record);
    return rc;
}

int hy_thread_fini(struct hy_thread *thread)
{
    return hy_object_fini(&thread->hy);
}

struct hy_thread *hy_thread_current(void)
{
    struct hy_thread_record *record = hy__record();
    if (record == NULL)
        return NULL;
    return __atomic_load_n(&record->handle, __ATOMIC_ACQUIRE);
}

struct hy_object *hy_thread_context(const struct hy_thread *thread)
{
    return thread != NULL && thread->priv != NULL ? &thread->priv->context_object : NULL;
}

/* --- adopted threads ----------------------------------------------------------------------------
 *
 * Their handle is made as they are adopted, so that every thread finds it at any time. It is in no
 * list of objects and ends after all of them; its memory is the record's, so that it may be asked
 * as long as somebody holds a reference to anything of that thread.
 */

struct adopted_handle {
    struct hy_thread thread;
    struct hy_thread_private priv;
};

int hy__thread_adopt_handle(struct hy_thread_record *record)
{
    struct adopted_handle *handle = hy_memory_allocate_zeroed(sizeof *handle);
    if (handle == NULL)
        return -HY_ENOMEM;
    record->adopted_handle = handle;
    int rc = init_with(&handle->thread, &handle->priv, record, NULL);
    if (rc < 0)
        return rc;
    hy__record_unref(record); /* the memory cannot hold the record: it is the record's */
    hy__root_unlink(record, &handle->thread.hy);
    handle->thread.hy.anchor->fixed = true;
    rc = hy_object_set_name(&handle->thread.hy, "%s", record->name);
    if (rc < 0)
        hy__thread_end_handle(record);
    return rc;
}

void hy__thread_end_handle(struct hy_thread_record *record)
{
    struct adopted_handle *handle = record->adopted_handle;
    end_fixed(&handle->thread.hy);
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

int hy_thread_set_finish_policy(struct hy_thread *thread, enum hy_finish_policy policy)
{
    if ((unsigned)policy > HY_FINISH_KEEP)
        return hy_error_set(-HY_EINVAL, "there is no policy %d; see enum hy_finish_policy",
                            (int)policy);
    if (hy__thread_record(thread) == NULL)
        return hy_error_set(-HY_ESHUTDOWN, "cannot set the finish policy of a thread whose handle "
                                           "was never made, or has been ended");
    /* Relaxed: it is one word, and the thread reads it at its end. */
    __atomic_store_n(&thread->priv->policy, (uint32_t)policy, __ATOMIC_RELAXED);
    return 0;
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

/* --- running ----------------------------------------------------------------------------------
 */

/* What the functions post, and objects that they make, are of this end too. */
void hy__thread_finish(struct hy_thread_record *record, enum hy_finish_policy policy)
{
    struct hy_thread *thread = __atomic_load_n(&record->handle, __ATOMIC_ACQUIRE);
    hy__record_set_state(record, HY_THREAD_FINISHING);
    hy__control_forget(record);
    hy_emit0(&thread->events.finished);
    hy__record_finish(record, policy);
    while (record->at_ends != NULL) { /* the last objects may ask for more */
        hy__at_ends_call(record);
        hy__record_finish(record, policy);
    }
    hy__priority_end(record);
}

static void *thread_main(void *context)
{
    struct hy_thread_record *record = context;
    struct hy_thread *thread = __atomic_load_n(&record->handle, __ATOMIC_ACQUIRE);
    struct hy_thread_private *priv = thread->priv;
    hy__record_set_current(record);
    hy__os_thread_set_name(record->name);
    hy__priority_begin(record);
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
    if (hy__record_is_lost(record))
        return NULL; /* a child, forked in here: nothing of this is its business */
    if (rc < 0)
        hy_log(HY_LOG_ERROR, "thread", "thread \"%s\" cannot run: %s", record->name,
               hy_last_error()->message);
    hy__thread_finish(record,
                      (enum hy_finish_policy)__atomic_load_n(&priv->policy, __ATOMIC_RELAXED));
    hy__record_detach(record);
    hy__debug("thread", "thread \"%s\" ends", record->name);
    hy__record_leave(record);
    /* Release: who joins sees everything that this thread did. From here on the handle may go; the
     * record is held. */
    hy__record_set_state(record, HY_THREAD_FINISHED);
    hy__record_unpark(record, &record->state);
    hy__record_unref(record);
    return NULL;
}

static void set_joined(struct hy_thread_record *record, enum hy__joined value)
{
    /* Release: `os` is written before; what the ended thread did is passed on. */
    __atomic_store_n(&record->join_word, record->run << 2 | (uint32_t)value, __ATOMIC_RELEASE);
    hy__unpark(&record->join_word);
}

static int start_system_thread(struct hy_thread *thread)
{
    struct hy_thread_private *priv = thread->priv;
    struct hy_thread_record *record = priv->record;
    int rc = hy__hazards_acquire(record);
    if (rc < 0)
        return rc;
    enum hy_thread_state state_before = hy__record_state(record);
    bool was_closed = record->closed;
    if (was_closed)
        hy__mailbox_open(record);
    /* Release, before the state: a join of this run finds that it is being made. */
    __atomic_store_n(&record->join_word,
                     ((record->run + 1) & HY__RUN_MASK) << 2 | HY__JOINED_STARTING,
                     __ATOMIC_RELEASE);
    __atomic_store_n(&record->resting, 0u, __ATOMIC_RELAXED); /* published by the state */
    hy__record_begin_run(record, record->run + 1);
    hy__record_ref(record); /* the thread's own */
    int system_errno = hy__os_thread_start(&record->os, thread_main, record, priv->stack_size);
    set_joined(record, system_errno == 0 ? HY__JOINED_NOBODY : HY__JOINED_ENDED);
    if (system_errno == 0) {
        started_link(thread);
        return 0;
    }
    hy__record_set_state(record, state_before);
    hy__unpark(&record->state);
    hy__hazards_release(record);
    if (was_closed) /* it is as before: what came meanwhile is dropped */
        hy__record_finish(record, HY_FINISH_DISCARD);
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

/* --- joining ------------------------------------------------------------------------------------
 *
 * A join is of the run that it found. When it sees another one, that run has ended and been joined,
 * for a start waits for both. It looks at the record only, which it holds: the handle may be ended
 * meanwhile, by somebody who has joined the thread too.
 */

static bool wait_for_finished(struct hy_thread_record *record, uint32_t run, int64_t deadline_ns)
{
    for (;;) {
        /* Acquire: what the ended thread did is seen. */
        uint32_t word = __atomic_load_n(&record->state, __ATOMIC_ACQUIRE), state = word & 3u;
        if (word >> 2 != run || (state != HY_THREAD_RUNNING && state != HY_THREAD_FINISHING))
            return true;
        if (!hy__park(&record->state, word, deadline_ns))
            return false;
    }
}

/* The first to come waits for the system thread, which is about to end; the others for the first.
 */
static bool join_system_thread(struct hy_thread_record *record, uint32_t run, int64_t deadline_ns)
{
    for (;;) {
        uint32_t word = __atomic_load_n(&record->join_word, __ATOMIC_ACQUIRE);
        if (word >> 2 != run || word == (run << 2 | HY__JOINED_ENDED))
            return true;
        if (word != (run << 2 | HY__JOINED_NOBODY)) {
            if (!hy__park(&record->join_word, word, deadline_ns))
                return false;
            continue;
        }
        /* Acquire: `os` is seen. Nobody starts the next run before this says ENDED. */
        if (__atomic_compare_exchange_n(&record->join_word, &word, run << 2 | HY__JOINED_SOMEBODY,
                                        false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            bool ended = hy__os_thread_join(record->os, deadline_ns);
            set_joined(record, ended ? HY__JOINED_ENDED : HY__JOINED_NOBODY);
            return ended;
        }
    }
}

/* surely: a circle of waiting threads is broken up instead of refused. */
static int join(struct hy_thread *thread, int64_t deadline_ns, bool surely)
{
    struct hy_thread_record *record = hy__thread_record(thread);
    if (record == NULL)
        return hy_error_set(-HY_ESHUTDOWN, "the handle of the thread to join has been ended");
    if (hy__record_is_lost(record))
        return hy__lost(record->name);
    if (record == hy__record_if_any())
        return hy_error_set(-HY_EDEADLK, "thread \"%s\" cannot wait for its own end", record->name);
    uint32_t word = __atomic_load_n(&record->state, __ATOMIC_ACQUIRE), run = word >> 2;
    if ((word & 3u) == HY_THREAD_NOT_STARTED)
        return 0;
    hy__record_ref(record); /* the handle may end meanwhile */
    int rc = surely ? hy__join_begin_surely(record) : hy__join_begin(record);
    if (rc == 0) {
        bool ended = wait_for_finished(record, run, deadline_ns) &&
                     (record->adopted || join_system_thread(record, run, deadline_ns));
        hy__join_end();
        if (!ended)
            rc = hy_error_set(-HY_ETIMEDOUT, "thread \"%s\" has not ended in time", record->name);
    }
    hy__record_unref(record);
    return rc;
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
    return record == NULL || hy__record_is_lost(record) ? HY_THREAD_FINISHED
                                                        : hy__record_state(record);
}

const char *hy_thread_name(const struct hy_thread *thread)
{
    const struct hy_thread_record *record = hy__thread_record(thread);
    return record != NULL ? record->name : "ended";
}
