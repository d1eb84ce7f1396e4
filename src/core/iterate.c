/* SPDX-License-Identifier: MIT */
/*
 * One iteration, by the numbers of halyard/loop.h.
 *
 * Who runs it (loop.c, process.c) has set record->exclusions; what is excluded is neither looked
 * for, nor waited for, nor a reason not to wait. `inside` is true while user code may run;
 * `waiting` while the dispatcher waits, so that a foreign loop that calls back out of that wait is
 * known to be this very loop and not one nested in a handler.
 */
#include "core/internal.h"

static bool excludes(const struct hy_thread_record *record, enum hy_process_flag flag)
{
    return (record->exclusions & (unsigned)flag) != 0;
}

bool hy__iteration_pending(const struct hy_thread_record *record)
{
    if ((record->queued != 0 || record->arrivals.first != NULL) &&
        !excludes(record, HY_PROCESS_EXCLUDE_POSTED))
        return true;
    if ((record->due.first != NULL || record->zero_idle != 0) &&
        !excludes(record, HY_PROCESS_EXCLUDE_TIMERS))
        return true;
    if (record->first_ready != NULL && !excludes(record, HY_PROCESS_EXCLUDE_NOTIFIERS))
        return true;
    return record->deletes.first != NULL && record->loop != NULL;
}

static int64_t next_deadline(const struct hy_thread_record *record, int64_t deadline_ns,
                             bool *ret_precise)
{
    *ret_precise = true;
    int64_t timer_ns = excludes(record, HY_PROCESS_EXCLUDE_TIMERS)
                           ? HY_FOREVER
                           : hy__timers_deadline(record, ret_precise);
    if (deadline_ns >= timer_ns)
        return timer_ns;
    *ret_precise = true;
    return deadline_ns;
}

/* --- hooks -------------------------------------------------------------------------------------
 */

/* What a slot asks to be deleted is deleted as it returns, as in any handler of the loop. */
static __attribute__((noinline, cold)) void hook_emit(struct hy_thread_record *record,
                                                      struct hy_signal_base *signal)
{
    struct hy__frame frame;
    const struct hy_loop *loop = record->loop;
    bool inside = record->inside;
    record->inside = true;
    hy__frame_push(record, &frame, NULL, true);
    (void)hy_signal_emit(signal, NULL);
    hy__frame_pop(record, &frame);
    hy__loops_unwind(record, loop);
    record->inside = inside;
}

static struct hy_thread *connected_handle(const struct hy_thread_record *record, bool awake)
{
    struct hy_thread *thread = __atomic_load_n(&record->handle, __ATOMIC_ACQUIRE);
    if (thread == NULL)
        return NULL;
    struct hy_signal_base *signal =
        awake ? &thread->events.awake.sig : &thread->events.about_to_block.sig;
    /* Relaxed: who connects later is served later; the emission looks again. */
    return HY_UNLIKELY(__atomic_load_n(&signal->hub, __ATOMIC_RELAXED) != NULL) ? thread : NULL;
}

/* True: a slot asked the loop to end. */
static bool hook_awake(struct hy_thread_record *record)
{
    record->announced = false;
    struct hy_thread *thread = connected_handle(record, true);
    if (thread == NULL || hy__loop_should_stop(record))
        return false;
    hook_emit(record, &thread->events.awake.sig);
    return hy__loop_should_stop(record);
}

/* Whether a wait will be one, and not over as it begins. Looked at for the hooks only. */
static bool will_wait(struct hy_thread_record *record, int64_t deadline_ns)
{
    bool precise;
    return (connected_handle(record, false) == NULL && connected_handle(record, true) == NULL) ||
           next_deadline(record, deadline_ns, &precise) > hy__record_now(record);
}

/* False: nobody listens, so nothing has changed. */
static bool hook_about_to_block(struct hy_thread_record *record)
{
    struct hy_thread *thread = connected_handle(record, false);
    record->announced = true;
    if (thread == NULL)
        return false;
    hook_emit(record, &thread->events.about_to_block.sig);
    return true;
}

/* --- waiting ------------------------------------------------------------------------------------
 */

static bool is_woken(const struct hy_thread_record *record)
{
    /* Sequentially consistent, as the quit word: see hy__record_wake(). */
    return __atomic_load_n(&record->woken, __ATOMIC_SEQ_CST) != 0;
}

/* A wait has ended, or would: the request is used up, once, and here only. */
static void take_woken(struct hy_thread_record *record)
{
    record->was_woken = is_woken(record);
    if (HY_UNLIKELY(record->was_woken))
        __atomic_store_n(&record->woken, 0u, __ATOMIC_SEQ_CST);
}

/*
 * Whether there is nothing to do, and every reason that comes up from now on ends the wait: the
 * mailbox says ASLEEP, and is looked at first; whoever quits or wakes later wakes the dispatcher,
 * whose wake-up stays until the wait.
 */
static bool fall_asleep(struct hy_thread_record *record)
{
    if (hy__iteration_pending(record))
        return false;
    if (!excludes(record, HY_PROCESS_EXCLUDE_POSTED) && !hy__mailbox_sleep(record))
        return false;
    return !hy__loop_should_stop(record) && !is_woken(record);
}

unsigned hy__iteration_wait_flags(const struct hy_thread_record *record)
{
    return (excludes(record, HY_PROCESS_EXCLUDE_NOTIFIERS) ? (unsigned)HY_WAIT_NO_DESCRIPTORS
                                                           : 0u) |
           (excludes(record, HY_PROCESS_EXCLUDE_USER_INPUT) ? (unsigned)HY_WAIT_NO_USER_INPUT : 0u);
}

/* A foreign loop runs in there: what its callbacks want deleted is deleted on return. */
static __attribute__((noinline, cold)) int
wait_as_guest(struct hy_thread_record *record, struct hy_dispatcher *dispatcher, unsigned flags)
{
    struct hy__frame frame;
    hy__frame_push(record, &frame, NULL, true);
    record->waiting = true;
    int rc = dispatcher->ops->wait(dispatcher, flags, hy__notifier_is_ready);
    record->waiting = false;
    hy__frame_pop(record, &frame);
    return rc;
}

static int look(struct hy_thread_record *record, unsigned flags, int64_t deadline_ns)
{
    struct hy_dispatcher *dispatcher = record->dispatcher;
    bool precise;
    flags |= hy__iteration_wait_flags(record);
    deadline_ns = next_deadline(record, deadline_ns, &precise);
    dispatcher->ops->set_deadline(dispatcher, deadline_ns, precise);
    if (HY_UNLIKELY((dispatcher->ops->flags & (unsigned)HY_DISPATCHER_HOSTED) != 0))
        return wait_as_guest(record, dispatcher, flags);
    return dispatcher->ops->wait(dispatcher, flags, hy__notifier_is_ready);
}

static __attribute__((noinline, cold)) int look_observed(struct hy_thread_record *record,
                                                         unsigned flags, int64_t deadline_ns)
{
    struct hy__span span;
    bool waits = (flags & (unsigned)HY_WAIT_BLOCK) != 0;
    hy__span_begin_other(record, &span, waits ? HY__TRACE_WAIT : HY__TRACE_LOOK, NULL);
    int rc = look(record, flags, deadline_ns);
    hy__span_end(record, &span);
    return rc;
}

/* A wait has ended. */
static void count_wait(struct hy_thread_record *record)
{
    hy__count(&record->waits, 1);
    if (!hy__mailbox_is_empty(record) || is_woken(record))
        hy__count(&record->wakes, 1);
}

int hy__iteration_wait(struct hy_thread_record *record, enum hy__blocking blocking,
                       int64_t deadline_ns)
{
    bool wanted = blocking == HY__BLOCK_ALWAYS, announced = false;
    bool block = wanted && fall_asleep(record);
    bool told = block && will_wait(record, deadline_ns);
    if (told && HY_UNLIKELY(announced = hook_about_to_block(record)))
        block = fall_asleep(record); /* it may have done anything, run a loop included */
    hy__returns_flush(record);
    unsigned flags = block                           ? (unsigned)HY_WAIT_BLOCK
                     : blocking == HY__BLOCK_FOREIGN ? (unsigned)HY_WAIT_GUEST
                                                     : 0u;
    HY__PROBE2(wait, record->name, deadline_ns);
    int rc = hy__is_observed() ? look_observed(record, flags, deadline_ns)
                               : look(record, flags, deadline_ns);
    if (block)
        count_wait(record);
    if (wanted) {
        if (record->rest == HY__MAILBOX_EMPTY)
            hy__mailbox_wake_up(record);
        take_woken(record);
    }
    if ((block && told) || announced)
        hook_awake(record);
    return rc;
}

bool hy__iteration_prepare(struct hy_thread_record *record, bool announce, int64_t *ret_deadline_ns,
                           bool *ret_precise)
{
    if (announce && record->announced)
        hook_awake(record); /* it waited, for something else */
    bool asleep = fall_asleep(record);
    if (asleep && announce && will_wait(record, HY_FOREVER) && hook_about_to_block(record))
        asleep = fall_asleep(record);
    hy__returns_flush(record);
    *ret_deadline_ns = next_deadline(record, HY_FOREVER, ret_precise);
    if (asleep && *ret_deadline_ns != HY_FOREVER && *ret_deadline_ns <= hy__record_now(record))
        asleep = false;
    return !asleep;
}

/* As pending, with the mail. */
static bool has_work(const struct hy_thread_record *record)
{
    return hy__iteration_pending(record) ||
           (!excludes(record, HY_PROCESS_EXCLUDE_POSTED) && !hy__mailbox_is_empty(record));
}

bool hy__iteration_is_due(struct hy_thread_record *record)
{
    bool precise;
    return has_work(record) ||
           next_deadline(record, HY_FOREVER, &precise) <= hy__record_now(record);
}

void hy__iteration_settle(struct hy_thread_record *record)
{
    bool precise;
    if (record->rest != HY__MAILBOX_ASLEEP)
        return;
    /* The look of this pass has used up the wake-ups of what came after it took its mail. */
    if (has_work(record) || hy__loop_should_stop(record))
        hy__record_wake(record);
    int64_t deadline_ns = next_deadline(record, HY_FOREVER, &precise);
    record->dispatcher->ops->set_deadline(record->dispatcher, deadline_ns, precise);
}

/* --- the iteration ------------------------------------------------------------------------------
 */

static int run(struct hy_thread_record *record, enum hy__blocking blocking, int64_t deadline_ns)
{
    const struct hy_loop *loop = record->loop;
    int callbacks = 0;
    if (hook_awake(record)) /* 0 */
        return 0;
    if (!excludes(record, HY_PROCESS_EXCLUDE_POSTED)) /* 1 */
        callbacks = hy__deliver(record, HY__BATCH);
    if (record->deletes.first != NULL && record->loop != NULL) /* 2 */
        hy__record_serve_deletes(record);
    hy__orphans_reap();
    hy__loops_unwind(record, loop);
    if (hy__loop_should_stop(record))
        return callbacks;
    if (blocking == HY__BLOCK_IDLE)
        blocking = callbacks == 0 ? HY__BLOCK_ALWAYS : HY__BLOCK_NEVER;
    int32_t guest_callbacks = record->guest_callbacks;
    record->guest_callbacks = 0;
    int rc = hy__iteration_wait(record, blocking, deadline_ns); /* 3 */
    callbacks += record->guest_callbacks;
    record->guest_callbacks = guest_callbacks;
    if (rc < 0)
        return rc;
    callbacks += rc;
    if (blocking == HY__BLOCK_FOREIGN)
        take_woken(record);
    if (!excludes(record, HY_PROCESS_EXCLUDE_NOTIFIERS)) /* 4 */
        hy__notifiers_deliver(record, &callbacks);
    if (!excludes(record, HY_PROCESS_EXCLUDE_TIMERS)) {
        hy__timers_fire(record, &callbacks); /* 5 */
        /* 6: not counted, or a caller that runs until nothing is done never ends. */
        hy__timers_fire_zero(record);
    }
    return callbacks;
}

int hy__iterate(struct hy_thread_record *record, enum hy__blocking blocking, int64_t deadline_ns)
{
    const struct hy_loop *loop = record->loop;
    bool inside = record->inside, waiting = record->waiting;
    hy__count(&record->passes, 1);
    record->inside = true;
    record->waiting = false;
    int rc = run(record, blocking, deadline_ns);
    hy__loops_unwind(record, loop);
    record->inside = inside;
    record->waiting = waiting;
    return rc;
}
