/* SPDX-License-Identifier: MIT */
/*
 * Loops: beginning, nesting, quitting, ending; loops in parts, for threads whose loop is somebody
 * else's.
 *
 * Quitting a thread is a state of its record, not a message: it ends every loop of the thread and
 * cannot be lost in a nested one. A loop's `state` and `code` are atomic, for any thread may quit
 * it; its upper bits keep what stood in the record before it began.
 */
#include "core/internal.h"

bool hy__quit_requested(const struct hy_thread_record *record)
{
    /* Sequentially consistent, against making the dispatcher: see hy__record_wake(). On the usual
     * machines a plain load. */
    return (__atomic_load_n(&record->quit, __ATOMIC_SEQ_CST) & HY__QUIT_REQUESTED) != 0;
}

static uint32_t state_of(const struct hy_loop *loop)
{
    return __atomic_load_n(&loop->state, __ATOMIC_SEQ_CST);
}

bool hy__loop_should_stop(struct hy_thread_record *record)
{
    struct hy_loop *loop = record->loop;
    if (loop == NULL)
        return false;
    uint32_t state = state_of(loop);
    if (HY_UNLIKELY((state & HY__LOOP_FOREIGN) != 0))
        return false; /* it goes on whatever we say, and needs its events to end */
    return (state & HY__LOOP_QUIT) != 0 || hy__quit_requested(record);
}

/* --- beginning and ending -----------------------------------------------------------------------
 */

static int check_owner(const struct hy_loop *loop)
{
    struct hy_thread_record *record = hy__record_if_any();
    if (loop->record == NULL || loop->record != record)
        return hy_error_set(-HY_EWRONGTHREAD,
                            "a loop is executed by the thread that made it, \"%s\", not by \"%s\"",
                            loop->record != NULL ? loop->record->name : "(none)",
                            record != NULL ? record->name : "(foreign)");
    return 0;
}

static int enter(struct hy_thread_record *record, struct hy_loop *loop, unsigned flags)
{
    int rc = hy__depth_check(record);
    if (rc == 0)
        rc = hy__record_need_dispatcher(record);
    if (rc < 0)
        return rc;
    uint32_t before = (record->inside ? (uint32_t)HY__LOOP_INSIDE : 0u) |
                      record->exclusions << HY__LOOP_EXCLUSIONS;
    loop->outer = record->loop;
    loop->flags = flags;
    record->loop = loop;
    record->depth++;
    record->loops++;
    hy__exclude(record, flags);
    record->inside = false;
    hy__walks_park(record);
    /* A quit from before is forgotten. The code first: a quit that comes after the state keeps its
     * own. */
    __atomic_store_n(&loop->code, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&loop->state, (uint32_t)HY__LOOP_EXECUTING | before, __ATOMIC_SEQ_CST);
    return 0;
}

/* Whether it, or one around it, was asked for its descriptor. */
static bool is_armed(const struct hy_loop *loop)
{
    while (loop != NULL && (state_of(loop) & HY__LOOP_ARMED) == 0)
        loop = loop->outer;
    return loop != NULL;
}

/* Returns the code. */
static int leave(struct hy_thread_record *record, struct hy_loop *loop)
{
    uint32_t state = state_of(loop);
    record->loop = loop->outer;
    record->depth--;
    record->loops--;
    hy__exclude(record, state >> HY__LOOP_EXCLUSIONS);
    record->inside = (state & HY__LOOP_INSIDE) != 0;
    if ((state & HY__LOOP_ARMED) != 0 && !is_armed(loop->outer)) {
        record->rest = HY__MAILBOX_EMPTY;
        hy__mailbox_wake_up(record);
    }
    uint64_t quit = __atomic_load_n(&record->quit, __ATOMIC_SEQ_CST);
    int code = (quit & HY__QUIT_REQUESTED) != 0 ? (int)(uint32_t)quit
                                                : __atomic_load_n(&loop->code, __ATOMIC_ACQUIRE);
    __atomic_store_n(&loop->state, 0u, __ATOMIC_SEQ_CST);
    return code;
}

void hy__loops_unwind(struct hy_thread_record *record, const struct hy_loop *loop)
{
    while (HY_UNLIKELY(record->loop != loop)) {
        hy_log(HY_LOG_ERROR, "loop",
               "a handler in thread \"%s\" has begun a loop and returned without ending it: it is "
               "ended for it; call hy_loop_end() in the handler",
               record->name);
        leave(record, record->loop);
    }
}

static int run(struct hy_thread_record *record, struct hy_loop *loop)
{
    int rc = 0;
    while (rc >= 0 && !hy__loop_should_stop(record))
        rc = hy__iterate(record, HY__BLOCK_ALWAYS, HY_FOREVER);
    int code = leave(record, loop);
    return rc < 0 ? rc : code;
}

/* The thread's own loop: consumes the request to quit when it was the outermost. */
int hy__thread_exec(struct hy_thread_record *record)
{
    int code;
    if (hy__quit_requested(record)) {
        code = (int)(uint32_t)__atomic_load_n(&record->quit, __ATOMIC_SEQ_CST);
    } else {
        struct hy_loop loop = {.record = record};
        code = enter(record, &loop, 0);
        if (code == 0)
            code = run(record, &loop);
    }
    if (record->loops == 0)
        hy__record_clear_quit(record);
    return hy__record_is_lost(record) ? hy__lost("the loop") : code;
}

int hy_thread_exec(void)
{
    struct hy_thread_record *record = hy__record();
    return record != NULL ? hy__thread_exec(record) : -HY_ENOMEM;
}

int hy_loop_init(struct hy_loop *loop)
{
    struct hy_thread_record *record = hy__record();
    if (record == NULL)
        return -HY_ENOMEM;
    *loop = (struct hy_loop){.record = record};
    return 0;
}

int hy_loop_begin(struct hy_loop *loop, unsigned flags)
{
    int rc = check_owner(loop);
    if (rc < 0)
        return rc;
    struct hy_thread_record *record = loop->record;
    if ((flags & ~HY__EXCLUSIONS) != 0)
        return hy_error_set(-HY_EINVAL,
                            "a loop takes the exclusions of enum hy_process_flag, not "
                            "%#x",
                            flags & ~HY__EXCLUSIONS);
    if ((state_of(loop) & HY__LOOP_EXECUTING) != 0)
        return hy_error_set(-HY_EBUSY, "this loop executes already; nest another one");
    if (hy__quit_requested(record))
        return hy_error_set(-HY_ESHUTDOWN, "thread \"%s\" has been asked to quit", record->name);
    return enter(record, loop, flags);
}

int hy_loop_exec(struct hy_loop *loop, unsigned flags)
{
    int rc = hy_loop_begin(loop, flags);
    return rc < 0 ? rc : run(loop->record, loop);
}

/* --- quitting -----------------------------------------------------------------------------------
 */

void hy_loop_quit(struct hy_loop *loop, int code)
{
    /* The loop and its record may end as soon as it sees the state: hold the record, and look at
     * the loop no more. */
    struct hy_thread_record *record = loop->record;
    hy__record_ref(record);
    __atomic_store_n(&loop->code, code, __ATOMIC_RELEASE);
    __atomic_fetch_or(&loop->state, (uint32_t)HY__LOOP_QUIT, __ATOMIC_SEQ_CST);
    hy__record_rouse(record);
    hy__record_unref(record);
}

void hy_loop_hold(struct hy_loop *loop)
{
    /* Relaxed: a count, which publishes nothing. */
    __atomic_add_fetch(&loop->holds, 1, __ATOMIC_RELAXED);
}

void hy_loop_release(struct hy_loop *loop)
{
    int32_t holds = __atomic_load_n(&loop->holds, __ATOMIC_RELAXED);
    do {
        if (holds <= 0)
            return; /* one release too many */
        /* Release and acquire: the last one quits after what the others did before theirs. */
    } while (!__atomic_compare_exchange_n(&loop->holds, &holds, holds - 1, true, __ATOMIC_ACQ_REL,
                                          __ATOMIC_RELAXED));
    if (holds == 1 && (state_of(loop) & HY__LOOP_EXECUTING) != 0)
        hy_loop_quit(loop, 0);
}

/* --- in parts -----------------------------------------------------------------------------------
 */

/*
 * A foreign loop that calls the parts of a loop inside a handler of one that is nested in it goes
 * on whatever that one is asked to do: `own` stands for it then, as for a guest.
 */
static void foreign_enter(struct hy_thread_record *record, const struct hy_loop *loop,
                          struct hy_loop *own)
{
    *own = (struct hy_loop){.outer = record->loop,
                            .record = record,
                            .state = (uint32_t)HY__LOOP_EXECUTING | (uint32_t)HY__LOOP_FOREIGN};
    if (record->loop != loop)
        record->loop = own;
}

static void foreign_leave(struct hy_thread_record *record, const struct hy_loop *own)
{
    if (record->loop == own)
        record->loop = own->outer;
}

/* 0 when the loop executes in this thread and shall go on. */
static int check_part(const struct hy_loop *loop, bool or_quit)
{
    int rc = check_owner(loop);
    if (rc < 0)
        return rc;
    uint32_t state = state_of(loop);
    if ((state & HY__LOOP_EXECUTING) == 0)
        return hy_error_set(-HY_EINVAL, "the loop does not execute: call hy_loop_begin() first");
    if (!or_quit && ((state & HY__LOOP_QUIT) != 0 || hy__quit_requested(loop->record)))
        return hy_error_set(-HY_ESHUTDOWN, "the loop has been asked to quit: end it");
    return 0;
}

int hy_loop_descriptor(struct hy_loop *loop)
{
    int rc = check_part(loop, true);
    if (rc < 0)
        return rc;
    struct hy_thread_record *record = loop->record;
    struct hy_dispatcher *dispatcher = record->dispatcher;
    if (dispatcher->ops->descriptor == NULL)
        return hy_error_set(-HY_ENOTSUP, "dispatcher \"%s\" has no descriptor to be watched",
                            dispatcher->ops->name != NULL ? dispatcher->ops->name : "(no name)");
    rc = dispatcher->ops->descriptor(dispatcher,
                                     (loop->flags & (unsigned)HY_PROCESS_EXCLUDE_NOTIFIERS) != 0
                                         ? (unsigned)HY_WAIT_NO_DESCRIPTORS
                                         : 0u);
    if (rc < 0 || (dispatcher->ops->flags & (unsigned)HY_DISPATCHER_HOSTED) != 0)
        return rc;
    /* From now on every first post wakes, for nobody says when the foreign loop waits. */
    __atomic_fetch_or(&loop->state, (uint32_t)HY__LOOP_ARMED, __ATOMIC_RELAXED);
    if (record->rest == HY__MAILBOX_ASLEEP)
        return rc;
    record->rest = HY__MAILBOX_ASLEEP;
    if (!hy__mailbox_sleep(record))
        hy__record_wake(record); /* something is there already */
    return rc;
}

int hy_loop_prepare(struct hy_loop *loop, int64_t *ret_deadline_ns)
{
    int rc = check_part(loop, false);
    if (rc < 0)
        return rc;
    struct hy_thread_record *record = loop->record;
    unsigned exclusions = record->exclusions;
    bool precise;
    int64_t deadline_ns;
    struct hy_loop own;
    foreign_enter(record, loop, &own);
    hy__exclude(record, loop->flags);
    bool pending = hy__iteration_prepare(record, true, &deadline_ns, &precise);
    foreign_leave(record, &own);
    hy__exclude(record, exclusions);
    record->dispatcher->ops->set_deadline(record->dispatcher, deadline_ns, precise);
    if (ret_deadline_ns != NULL)
        *ret_deadline_ns = deadline_ns;
    return pending ? 1 : 0;
}

int hy_loop_wait(struct hy_loop *loop, int64_t deadline_ns)
{
    int rc = check_part(loop, false);
    if (rc < 0)
        return rc == -HY_ESHUTDOWN ? 1 : rc; /* hy_loop_dispatch() says so */
    struct hy_thread_record *record = loop->record;
    unsigned exclusions = record->exclusions;
    hy__exclude(record, loop->flags);
    int32_t guest_callbacks = record->guest_callbacks;
    bool is_due;
    do { /* a dispatcher may return for no reason, or have made the passes itself */
        rc = hy__iteration_wait(record, HY__BLOCK_ALWAYS, deadline_ns);
        is_due = rc != 0 || record->was_woken || record->guest_callbacks != guest_callbacks ||
                 hy__loop_should_stop(record) || hy__iteration_is_due(record);
    } while (!is_due && hy__record_now(record) < deadline_ns);
    hy__exclude(record, exclusions);
    return rc < 0 ? rc : is_due ? 1 : 0;
}

int hy_loop_dispatch(struct hy_loop *loop)
{
    int rc = check_part(loop, false);
    if (rc < 0)
        return rc;
    struct hy_thread_record *record = loop->record;
    /* Called from inside a handler, by a foreign loop that runs there. */
    int nested = record->inside ? 1 : 0;
    if (nested != 0 && (rc = hy__depth_check(record)) < 0)
        return rc;
    unsigned exclusions = record->exclusions;
    struct hy_loop own;
    foreign_enter(record, loop, &own);
    hy__exclude(record, loop->flags);
    record->depth += nested;
    hy__walks_park(record);
    if (record->rest == HY__MAILBOX_EMPTY)
        hy__mailbox_wake_up(record);
    rc = hy__iterate(record, HY__BLOCK_FOREIGN, HY_FOREVER);
    hy__iteration_settle(record);
    record->depth -= nested;
    foreign_leave(record, &own);
    hy__exclude(record, exclusions);
    return rc;
}

int hy_loop_end(struct hy_loop *loop)
{
    int rc = check_part(loop, true);
    if (rc < 0)
        return rc;
    if (loop->record->loop != loop)
        return hy_error_set(-HY_EBUSY, "loops that are nested in this one still execute");
    if (loop->record->inside)
        return hy_error_set(-HY_EBUSY, "a handler that the loop called cannot end it; quit it");
    return leave(loop->record, loop);
}
