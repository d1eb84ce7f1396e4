/* SPDX-License-Identifier: MIT */
/*
 * After fork().
 *
 * The child has one thread, a copy of all memory, and locks that nobody will ever release. So it
 * begins afresh: what this file forgets is all that the library knows of a process; everything else
 * hangs on objects and threads, and those carry the generation in which they were made. Whoever is
 * about to lock one of them, or to wake its thread, compares that first. (Should a lock be taken
 * all the same, platform.h sees to it that nobody hangs.) Lost memory and descriptors are not given
 * back: the allocator, or whatever closing them does, may be in any state.
 *
 * The thread that forked may do so in a handler, and return. Its record is emptied and asked to
 * quit, so that whatever is on the stack finds nothing more to do and unwinds.
 */
#include "core/internal.h"

#include <string.h>

int hy__lost(const char *what)
{
    return hy_error_set(-HY_ESHUTDOWN,
                        "%s was made before this process was forked; make it anew in the child",
                        what);
}

/* --- the dispatcher of the thread that forked ---------------------------------------------------
 *
 * The real one shares its descriptors with the parent, and would take what is meant for that.
 */

static int no_watch(struct hy_dispatcher *dispatcher, intptr_t handle, unsigned conditions,
                    void *cookie)
{
    (void)dispatcher, (void)handle, (void)conditions, (void)cookie;
    return hy__lost("the thread's dispatcher");
}

static int no_forget(struct hy_dispatcher *dispatcher, intptr_t handle)
{
    (void)dispatcher, (void)handle;
    return 0;
}

static void no_deadline(struct hy_dispatcher *dispatcher, int64_t deadline_ns, bool precise)
{
    (void)dispatcher, (void)deadline_ns, (void)precise;
}

static int no_wait(struct hy_dispatcher *dispatcher, unsigned flags, hy_ready_function ready)
{
    (void)dispatcher, (void)flags, (void)ready;
    return hy__lost("the thread's dispatcher");
}

static void no_wake(struct hy_dispatcher *dispatcher)
{
    (void)dispatcher;
}

static const struct hy_dispatcher_ops no_ops = {
    .version = HY_DISPATCHER_VERSION,
    .size = sizeof(struct hy_dispatcher_ops),
    .name = "none",
    .watch = no_watch,
    .change = no_watch,
    .forget = no_forget,
    .set_deadline = no_deadline,
    .wait = no_wait,
    .wake = no_wake,
    .destroy = no_wake,
};

static struct hy_dispatcher no_dispatcher = {&no_ops};

/* --- in the child ------------------------------------------------------------------------------
 */

/* The record as it was, so that leak checkers do not take what is lost for leaked. */
static struct {
    struct hy_thread_record *record, copy;
} inherited;

static void record_empty(struct hy_thread_record *record)
{
    inherited.record = record;
    inherited.copy = *record;
    record->dispatcher = &no_dispatcher;
    record->mailbox = HY__MAILBOX_CLOSED;
    record->closed = true;
    record->quit |= HY__QUIT_REQUESTED;
    record->queued = record->held = 0;
    record->queue_changes++;
    for (int i = 0; i < HY__QUEUES; i++) {
        record->queues[i].first = NULL;
        record->queues[i].end = &record->queues[i].first;
    }
    record->arrivals.first = NULL;
    record->arrivals.end = &record->arrivals.first;
    record->first_root = record->last_root = NULL;
    record->context = NULL;
    record->filters = NULL;
    record->native_filters = NULL;
    record->deletes.first = NULL;
    for (struct hy__frame *frame = record->frame; frame != NULL; frame = frame->outer)
        frame->deletes.first = NULL;
    for (struct hy__serving *serving = record->serving; serving != NULL; serving = serving->outer)
        serving->list.first = NULL;
    record->timer_heap = NULL;
    record->timer_groups = NULL;
    record->due = record->zero = (struct hy__entries){0};
    record->zero_idle = 0;
    record->first_ready = record->last_ready = NULL;
    memset(record->slabs, 0, sizeof record->slabs);
    memset(record->returns, 0, sizeof record->returns);
    record->lanes = 0;
    record->first_started = NULL;
    record->at_ends = NULL;
    record->observer = NULL;
}

/* One thread, no locks, and only what may be called after a fork of a process with threads. */
static void fork_child(void)
{
    struct hy_thread_record *record = hy__record_if_any();
    hy__hazards_forget(record);
    hy__trace_forget();
    hy__observers_forget();
    hy__orphans_forget();
    hy__app_forget();
    hy__signals_forget();
    if (record == NULL)
        return;
    record_empty(record);
    hy__record_set_current(NULL);
    hy__forget_thread_end();
}

int hy__fork_prepare(void)
{
    int system_errno = hy__at_fork(fork_child);
    return system_errno == 0 ? 0 : hy_error_set_system(system_errno, "cannot watch for forks");
}
