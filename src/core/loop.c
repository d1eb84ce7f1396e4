/* SPDX-License-Identifier: MIT */
/*
 * Loops: the iteration of halyard/loop.h, nesting, quitting.
 *
 * Quitting a thread is a state of its record, not a message: it ends every loop of the thread and
 * cannot be lost in a nested one.
 */
#include "core/internal.h"

enum { /* hy_loop.state */
    LOOP_EXECUTING = 1 << 0,
    LOOP_QUIT = 1 << 1
};

static bool quit_requested(const struct hy_thread_record *record)
{
    /* Sequentially consistent, against making the dispatcher: see hy__record_wake(). On the usual
     * machines a plain load. */
    return (__atomic_load_n(&record->quit, __ATOMIC_SEQ_CST) & HY__QUIT_REQUESTED) != 0;
}

bool hy__loop_should_stop(struct hy_thread_record *record)
{
    if (quit_requested(record))
        return record->depth > 0;
    struct hy_loop *loop = record->loop;
    return loop != NULL && (__atomic_load_n(&loop->state, __ATOMIC_SEQ_CST) & LOOP_QUIT) != 0;
}

static bool something_pending(const struct hy_thread_record *record)
{
    return record->queued != 0 || record->arrivals.first != NULL || record->first_due != NULL ||
           record->first_ready != NULL || record->zero_idle != 0 ||
           (record->deletes != NULL && record->depth > 0);
}

/* Step 3: waits, or only looks; collects ready notifiers. */
static int wait_for_something(struct hy_thread_record *record, bool block, int64_t deadline_ns)
{
    struct hy_dispatcher *dispatcher = record->dispatcher;
    bool precise = true;
    int64_t timer_ns = hy__timers_deadline(record, &precise);
    if (deadline_ns < timer_ns) {
        timer_ns = deadline_ns;
        precise = true;
    }
    hy__returns_flush(record);
    block = block && !something_pending(record) && hy__mailbox_sleep(record);
    /* Looked at after the mailbox says ASLEEP: whoever quits later wakes the dispatcher, whose
     * wake-up stays until the wait. */
    if (block && hy__loop_should_stop(record))
        block = false;
    dispatcher->ops->set_deadline(dispatcher, timer_ns, precise);
    int rc = dispatcher->ops->wait(dispatcher, block ? HY_WAIT_BLOCK : 0u, hy__notifier_is_ready);
    hy__mailbox_wake_up(record);
    return rc;
}

enum blocking {
    NEVER,
    WHEN_IDLE, /* only if nothing was delivered before */
    ALWAYS
};

static int iterate(struct hy_thread_record *record, enum blocking blocking, int64_t deadline_ns)
{
    int callbacks = hy__deliver(record, HY__BATCH);   /* 1 */
    if (record->deletes != NULL && record->depth > 0) /* 2 */
        hy__record_serve_deletes(record);
    hy__orphans_reap();
    if (record->depth > 0 && hy__loop_should_stop(record))
        return callbacks;
    bool block = blocking == ALWAYS || (blocking == WHEN_IDLE && callbacks == 0);
    int rc = wait_for_something(record, block, deadline_ns); /* 3 */
    if (rc < 0)
        return rc;
    hy__notifiers_deliver(record, &callbacks); /* 4 */
    hy__timers_fire(record, &callbacks);       /* 5 */
    /* 6: not counted, or a caller that runs until nothing is done never ends. */
    hy__timers_fire_zero(record);
    return callbacks;
}

static void loop_enter(struct hy_thread_record *record, struct hy_loop *loop)
{
    loop->outer = record->loop;
    record->loop = loop;
    record->depth++;
    hy__walks_park(record);
    /* A quit from before is forgotten. The code first: a quit that comes after the state keeps its
     * own. */
    __atomic_store_n(&loop->code, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&loop->state, (uint32_t)LOOP_EXECUTING, __ATOMIC_SEQ_CST);
}

static int loop_run(struct hy_thread_record *record, struct hy_loop *loop)
{
    int rc = hy__record_need_dispatcher(record);
    if (rc < 0)
        return rc;
    loop_enter(record, loop);
    while (rc >= 0 && !hy__loop_should_stop(record))
        rc = iterate(record, ALWAYS, HY_FOREVER);
    record->loop = loop->outer;
    record->depth--;
    uint64_t quit = __atomic_load_n(&record->quit, __ATOMIC_SEQ_CST);
    int code = (quit & HY__QUIT_REQUESTED) != 0 ? (int)(uint32_t)quit
                                                : __atomic_load_n(&loop->code, __ATOMIC_ACQUIRE);
    __atomic_store_n(&loop->state, 0u, __ATOMIC_SEQ_CST);
    return rc < 0 ? rc : code;
}

/* The thread's own loop: consumes the request to quit when it was the outermost. */
int hy__thread_exec(struct hy_thread_record *record)
{
    int code;
    if (quit_requested(record)) {
        code = (int)(uint32_t)__atomic_load_n(&record->quit, __ATOMIC_SEQ_CST);
    } else {
        struct hy_loop loop = {.record = record};
        code = loop_run(record, &loop);
    }
    if (record->depth == 0)
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

int hy_loop_exec(struct hy_loop *loop, unsigned flags)
{
    struct hy_thread_record *record = hy__record_if_any();
    (void)flags;
    if (loop->record == NULL || loop->record != record)
        return hy_error_set(-HY_EWRONGTHREAD,
                            "a loop is executed by the thread that made it, \"%s\", not by \"%s\"",
                            loop->record != NULL ? loop->record->name : "(none)",
                            record != NULL ? record->name : "(foreign)");
    if ((__atomic_load_n(&loop->state, __ATOMIC_RELAXED) & LOOP_EXECUTING) != 0)
        return hy_error_set(-HY_EBUSY, "this loop executes already; nest another one");
    if (quit_requested(record))
        return hy_error_set(-HY_ESHUTDOWN, "thread \"%s\" has been asked to quit", record->name);
    return loop_run(record, loop);
}

void hy_loop_quit(struct hy_loop *loop, int code)
{
    /* The loop and its record may end as soon as it sees the state: hold the record, and look at
     * the loop no more. */
    struct hy_thread_record *record = loop->record;
    hy__record_ref(record);
    __atomic_store_n(&loop->code, code, __ATOMIC_RELEASE);
    __atomic_fetch_or(&loop->state, (uint32_t)LOOP_QUIT, __ATOMIC_SEQ_CST);
    if (record != hy__record_if_any())
        hy__record_wake(record);
    hy__record_unref(record);
}

int hy_process(unsigned flags, int64_t deadline_ns)
{
    struct hy_thread_record *record = hy__record();
    int rc = record != NULL ? hy__record_need_dispatcher(record) : -HY_ENOMEM;
    if (rc < 0)
        return rc;
    hy__walks_park(record);
    bool block = (flags & HY_PROCESS_WAIT) != 0 && !quit_requested(record);
    return iterate(record, block ? WHEN_IDLE : NEVER, deadline_ns);
}

int hy_loop_depth(void)
{
    struct hy_thread_record *record = hy__record_if_any();
    return record != NULL ? record->depth : 0;
}
