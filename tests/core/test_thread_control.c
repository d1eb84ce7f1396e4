/* SPDX-License-Identifier: MIT */
/*
 * What is asked of a thread from outside: its context, holds, interruption, priority; what a thread
 * asks for its end; and requests that race with a restart. Rules TH.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define E(n) (HY_EVENT_USER + (n))

static int join(struct hy_thread *thread)
{
    return hy_thread_join(thread, hy_now_ns() + WAIT_LIMIT_S * HY_SECOND);
}

static void stop(struct hy_thread *thread)
{
    hy_thread_quit(thread, 0);
    EXPECT_INT(join(thread), 0);
}

/* --- the context ------------------------------------------------------------------------------ */

static int context_calls;

static void count_in_context(struct hy_object *context, const void *payload)
{
    struct hy_thread *thread = *(struct hy_thread *const *)payload;

    EXPECT(hy_object_is_here(context));
    EXPECT(hy_thread_current() == thread);
    EXPECT(hy_thread_context(thread) == context);
    EXPECT(hy_object_thread(context) == thread);
    (void)count_up(&context_calls);
}

static const struct hy_payload pointer_payload = HY_PLAIN_PAYLOAD(struct hy_thread *);

static int invoke_context(struct hy_thread *thread)
{
    return hy_invoke(hy_thread_context(thread), count_in_context, &pointer_payload, &thread);
}

/* Rules: TH-21. What is said before the start waits; while it has finished it is refused. */
static void test_th21_the_context_lives_in_the_thread_through_restarts(void **state)
{
    struct hy_thread thread;
    struct hy_object *context;

    (void)state;
    context_calls = 0;
    assert_ok(hy_thread_init(&thread, "context", NULL));
    context = hy_thread_context(&thread);
    assert_non_null(context);
    assert_false(hy_object_is_here(context));
    assert_ptr_equal(hy_object_thread(context), &thread);
    assert_ok(invoke_context(&thread));
    for (int run = 1; run <= 3; run++) {
        if (run > 1)
            assert_int_equal(invoke_context(&thread), -HY_ESHUTDOWN);
        assert_ok(hy_thread_start(&thread));
        if (run > 1)
            assert_ok(invoke_context(&thread));
        flush_there(context);
        assert_int_equal(count_get(&context_calls), run);
        stop(&thread);
        assert_ptr_equal(hy_thread_context(&thread), context);
    }
    hy_thread_fini(&thread);
    assert_null(hy_thread_context(&thread));
}

static void test_th21_events_for_a_kept_context_wait_for_the_restart(void **state)
{
    struct hy_thread thread;

    (void)state;
    context_calls = 0;
    assert_ok(hy_thread_init(&thread, "kept", NULL));
    hy_thread_set_finish_policy(&thread, HY_FINISH_KEEP);
    assert_ok(hy_thread_start(&thread));
    stop(&thread);
    assert_ok(invoke_context(&thread));
    assert_ok(invoke_context(&thread));
    assert_ok(hy_thread_start(&thread));
    flush_there(hy_thread_context(&thread));
    assert_int_equal(count_get(&context_calls), 2);
    stop(&thread);
    assert_ok(invoke_context(&thread)); /* never delivered: it ends with the handle */
    hy_thread_fini(&thread);
    assert_int_equal(count_get(&context_calls), 2);
}

static void context_is_fixed(void *argument)
{
    struct hy_object *context = argument;
    struct hy_thread other;
    struct probe parent;

    EXPECT_INT(hy_thread_init(&other, "other", NULL), 0);
    probe_init(&parent, NULL);
    EXPECT_INT(hy_object_fini(context), -HY_EINVAL);
    EXPECT_INT(hy_object_destroy(context), -HY_EINVAL);
    EXPECT_INT(hy_object_destroy_later(context), -HY_EINVAL);
    EXPECT_INT(hy_object_move_to_thread(context, &other), -HY_EINVAL);
    EXPECT_INT(hy_object_set_parent(context, &parent.hy),
               hy_object_is_here(context) ? -HY_EINVAL : -HY_EWRONGTHREAD);
    object_end(&parent.hy);
    hy_thread_fini(&other);
}

static void test_th21_the_context_can_be_neither_moved_nor_finished(void **state)
{
    struct worker worker;

    (void)state;
    worker_init(&worker, "fixed");
    context_is_fixed(hy_thread_context(&worker.thread)); /* before the start, from outside */
    assert_ok(hy_thread_start(&worker.thread));
    run_there(&worker.probe.hy, context_is_fixed, hy_thread_context(&worker.thread));
    assert_int_equal(hy_object_destroy_later(hy_thread_context(&worker.thread)), -HY_EINVAL);
    stop(&worker.thread);
    context_is_fixed(hy_thread_context(&worker.thread));
    context_calls = 0;
    assert_ok(hy_thread_start(&worker.thread));
    assert_ok(invoke_context(&worker.thread));
    flush_there(hy_thread_context(&worker.thread));
    assert_int_equal(count_get(&context_calls), 1);
    worker_stop(&worker);
}

static void child_of_context(void *argument)
{
    struct probe *child = argument;

    probe_init(child, hy_thread_context(hy_thread_current()));
}

static void test_children_of_the_context_end_with_the_run(void **state)
{
    struct hy_thread thread;
    struct probe child;

    (void)state;
    assert_ok(hy_thread_init(&thread, "family", NULL));
    for (int run = 0; run < 2; run++) {
        int finis = 0;

        assert_ok(hy_thread_start(&thread));
        run_there(hy_thread_context(&thread), child_of_context, &child);
        child.fini_count = &finis;
        assert_ok(hy_post(&child.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
        flush_there(hy_thread_context(&thread));
        assert_int_equal(child.count, 1);
        stop(&thread);
        assert_int_equal(finis, 1);
    }
    hy_thread_fini(&thread);
}

static void context_slot(struct hy_object *self)
{
    EXPECT(hy_object_is_here(self));
    (void)count_up(&context_calls);
}

static void test_th21_slots_of_the_context_run_in_the_thread(void **state)
{
    struct source source;
    struct hy_thread thread;

    (void)state;
    context_calls = 0;
    source_init(&source);
    assert_ok(hy_thread_init(&thread, "slots", NULL));
    assert_ok(hy_signal_connect(&source.events.nothing.sig, hy_thread_context(&thread),
                                (hy_slot)(void (*)(void))context_slot,
                                HY_AUTO | HY_IGNORES_PAYLOAD_));
    assert_int_equal(hy_emit0(&source.events.nothing), 1); /* waits for the start */
    for (int run = 1; run <= 2; run++) {
        assert_ok(hy_thread_start(&thread));
        assert_int_equal(hy_emit0(&source.events.nothing), 1);
        flush_there(hy_thread_context(&thread));
        assert_int_equal(count_get(&context_calls), run + 1);
        stop(&thread);
        assert_int_equal(hy_emit0(&source.events.nothing), 0); /* it has finished: refused */
    }
    hy_thread_fini(&thread);
    assert_int_equal(hy_emit0(&source.events.nothing), 0); /* cut */
    object_end(&source.hy);
}

/* --- bodies ----------------------------------------------------------------------------------- */

static void test_th01_the_default_body_is_the_loop(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "default");
    assert_ok(hy_post(&worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    assert_true(wait_count(&worker.probe.reached, 1));
    assert_int_equal(hy_thread_get_state(&worker.thread), HY_THREAD_RUNNING);
    worker_stop(&worker);
}

struct states {
    struct hy_thread thread;
    enum hy_thread_state seen;
};

static void note_state(struct probe *self)
{
    struct states *states = self->context;

    states->seen = hy_thread_get_state(&states->thread);
}

static void test_th04_in_finished_handlers_it_is_finishing(void **state)
{
    struct states states;
    struct probe probe;

    (void)state;
    probe_init(&probe, NULL);
    probe.context = &states;
    assert_ok(hy_thread_init(&states.thread, "states", NULL));
    assert_ok(hy_connect(&states.thread.events.finished, &probe, note_state, HY_DIRECT));
    assert_ok(hy_thread_start(&states.thread));
    stop(&states.thread);
    assert_int_equal(states.seen, HY_THREAD_FINISHING);
    hy_thread_fini(&states.thread);
    object_end(&probe.hy);
}

static void test_th22_a_start_that_fails_says_so(void **state)
{
    struct worker worker;

    (void)state;
    worker_init(&worker, "too big");
    assert_ok(hy_thread_set_stack_size(&worker.thread, (size_t)1 << 46));
    assert_true(hy_thread_start(&worker.thread) < 0);
    assert_int_equal(hy_thread_get_state(&worker.thread), HY_THREAD_NOT_STARTED);
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
    assert_ok(hy_thread_set_stack_size(&worker.thread, 0));
    assert_ok(hy_thread_start(&worker.thread));
    flush_there(&worker.probe.hy);
    hy_thread_quit(&worker.thread, 0);
    assert_ok(join(&worker.thread));
    /* Again, after a run: the state before comes back. */
    assert_ok(hy_thread_set_stack_size(&worker.thread, (size_t)1 << 46));
    assert_true(hy_thread_start(&worker.thread) < 0);
    assert_int_equal(hy_thread_get_state(&worker.thread), HY_THREAD_FINISHED);
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
    hy_thread_fini(&worker.thread);
}

static void destroy_self(struct probe *self)
{
    EXPECT_INT(hy_object_destroy_later(&self->hy), 0);
}

static void test_th25_finished_tied_to_a_deferred_delete(void **state)
{
    (void)state;
    for (int i = 0, n = check_scaled(50); i < n; i++) {
        struct hy_thread thread;
        struct probe *victim = probe_create(NULL);
        int finis = 0;

        victim->fini_count = &finis;
        assert_ok(hy_thread_init(&thread, "deletes", NULL));
        /* KEEP: the end of the thread does not finish it, only the request does. */
        hy_thread_set_finish_policy(&thread, HY_FINISH_KEEP);
        assert_ok(hy_connect(&thread.events.finished, victim, destroy_self, HY_AUTO));
        assert_ok(hy_object_move_to_thread(&victim->hy, &thread));
        assert_ok(hy_thread_start(&thread));
        stop(&thread);
        assert_int_equal(finis, 1);
        hy_thread_fini(&thread);
    }
}

/* --- holds ------------------------------------------------------------------------------------ */

/* Rules: TH-26. Nested holds add up. */
static void test_th26_the_last_release_quits(void **state)
{
    struct worker worker;

    (void)state;
    worker_init(&worker, "held");
    hy_thread_hold(&worker.thread); /* before the start: nothing */
    hy_thread_release(&worker.thread);
    assert_ok(hy_thread_start(&worker.thread));
    hy_thread_release(&worker.thread); /* never taken: nothing */
    flush_there(&worker.probe.hy);
    hy_thread_hold(&worker.thread);
    hy_thread_hold(&worker.thread);
    hy_thread_release(&worker.thread);
    flush_there(&worker.probe.hy); /* its loop runs */
    assert_int_equal(hy_thread_get_state(&worker.thread), HY_THREAD_RUNNING);
    hy_thread_release(&worker.thread);
    assert_ok(join(&worker.thread));
    hy_thread_fini(&worker.thread);
}

static void exec_code(struct hy_thread *thread, void *context)
{
    (void)thread;
    *(int *)context = hy_thread_exec();
}

static void test_th26_it_quits_with_0_and_holds_end_with_the_run(void **state)
{
    struct hy_thread thread;
    int code = -1;

    (void)state;
    assert_ok(hy_thread_init(&thread, "holds", NULL));
    assert_ok(hy_thread_set_body(&thread, exec_code, &code));
    assert_ok(hy_thread_start(&thread));
    hy_thread_hold(&thread);
    hy_thread_quit(&thread, 3); /* in spite of the hold */
    assert_ok(join(&thread));
    assert_int_equal(code, 3);
    assert_ok(hy_thread_start(&thread));
    hy_thread_release(&thread); /* of the run before: forgotten */
    hy_thread_hold(&thread);
    flush_there(hy_thread_context(&thread));
    assert_int_equal(hy_thread_get_state(&thread), HY_THREAD_RUNNING);
    hy_thread_release(&thread);
    assert_ok(join(&thread));
    assert_int_equal(code, 0);
    hy_thread_fini(&thread);
}

static void *hold_and_release(void *context)
{
    for (int i = 0; i < 2000; i++) {
        hy_thread_hold(context);
        hy_thread_release(context);
    }
    hy_thread_release(context); /* the one that main took for this thread */
    return NULL;
}

static void test_th26_holds_of_many_threads(void **state)
{
    (void)state;
    for (int round = 0, n = check_scaled(20); round < n; round++) {
        struct hy_thread thread;
        pthread_t holders[3];

        assert_ok(hy_thread_init(&thread, "many", NULL));
        assert_ok(hy_thread_start(&thread));
        for (int i = 0; i < 3; i++)
            hy_thread_hold(&thread);
        for (int i = 0; i < 3; i++)
            assert_int_equal(pthread_create(&holders[i], NULL, hold_and_release, &thread), 0);
        assert_ok(join(&thread)); /* nobody but the last of them ends it */
        for (int i = 0; i < 3; i++)
            assert_int_equal(pthread_join(holders[i], NULL), 0);
        hy_thread_fini(&thread);
    }
}

/* --- interruption ----------------------------------------------------------------------------- */

struct work {
    struct gate begun;
    struct probe probe;
    bool before, in_finished, came_to_its_end;
    int rounds;
};

static void work_until_interrupted(struct hy_thread *thread, void *context)
{
    struct work *work = context;

    (void)thread;
    work->before = hy_interruption_requested();
    gate_open(&work->begun);
    while (!hy_interruption_requested())
        work->rounds++;
    work->came_to_its_end = true;
}

static void note_interruption(struct probe *self)
{
    struct work *work = self->context;

    work->in_finished = hy_interruption_requested();
}

/* Rules: TH-18. Departs: TH-18: it works for adopted threads and the main one too. */
static void test_th18_interruption(void **state)
{
    struct work work = {.before = true, .in_finished = true};
    struct hy_thread thread;

    (void)state;
    gate_init(&work.begun);
    probe_init(&work.probe, NULL);
    work.probe.context = &work;
    assert_false(hy_interruption_requested());
    assert_ok(hy_thread_init(&thread, "works", NULL));
    assert_ok(hy_connect(&thread.events.finished, &work.probe, note_interruption, HY_DIRECT));
    assert_ok(hy_thread_set_body(&thread, work_until_interrupted, &work));
    hy_thread_request_interruption(&thread); /* it does not run: nothing */
    for (int run = 0; run < 3; run++) {
        assert_ok(hy_thread_start(&thread));
        gate_wait(&work.begun);
        assert_false(work.before); /* that of an earlier run is forgotten */
        hy_thread_request_interruption(&thread);
        assert_ok(join(&thread));
        assert_false(work.in_finished);
        hy_thread_request_interruption(&thread);
    }
    assert_false(hy_interruption_requested());
    hy_thread_fini(&thread);
    object_end(&work.probe.hy);
    gate_fini(&work.begun);
}

static void sees_interruption(void *context)
{
    EXPECT(hy_interruption_requested());
    (void)context;
}

static void test_th18_loops_do_not_care(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "loops");
    hy_thread_request_interruption(&worker.thread);
    run_there(&worker.probe.hy, sees_interruption, NULL);
    flush_there(&worker.probe.hy);
    assert_int_equal(hy_thread_get_state(&worker.thread), HY_THREAD_RUNNING);
    worker_stop(&worker);
}

/* It asks and waits; nothing ends a thread by force. Rules: TH-16, TH-17, TH-23. */
static void test_th17_fini_interrupts_quits_and_joins(void **state)
{
    struct work work = {.in_finished = true};
    struct hy_thread thread;
    int threads = system_threads();

    (void)state;
    probe_init(&work.probe, NULL);
    work.probe.context = &work;
    gate_init(&work.begun);
    assert_ok(hy_thread_init(&thread, "function", NULL));
    assert_ok(hy_thread_set_body(&thread, work_until_interrupted, &work));
    assert_ok(hy_thread_start(&thread));
    gate_wait(&work.begun);
    assert_ok(hy_connect(&thread.events.finished, &work.probe, note_interruption, HY_DIRECT));
    hy_thread_fini(&thread);
    assert_true(work.came_to_its_end);
    assert_false(work.in_finished); /* which was emitted */
    assert_true(system_threads_at_most(threads));
    object_end(&work.probe.hy);
    gate_fini(&work.begun);
}

static void quit_own_thread(struct hy_thread *thread, void *context)
{
    (void)context;
    hy_thread_quit(thread, 3);
}

static void quit_the_loop(struct probe *self)
{
    hy_loop_quit(self->context, 7);
}

/* Waits for a timer in a loop, and then, in another one, for the quit that is asked for there. */
static void wait_twice(struct probe *self)
{
    struct hy_timer timer;
    struct hy_loop loop;
    struct probe here;

    probe_init(&here, NULL);
    here.context = &loop;
    EXPECT_INT(hy_loop_init(&loop), 0);
    EXPECT_INT(hy_timer_init(&timer, &here.hy), 0);
    EXPECT_INT(hy_connect(&timer.events.timeout, &here, quit_the_loop, HY_DIRECT), 0);
    EXPECT_INT(hy_timer_start_once(&timer, 0), 0);
    EXPECT_INT(hy_loop_exec(&loop, 0), 7);
    hy_thread_quit(hy_thread_current(), 5);
    EXPECT_INT(hy_loop_exec(&loop, 0), -HY_ESHUTDOWN);
    object_end(&here.hy);
    (void)count_up(&self->reached);
}

/* A quit is of the body, whether it has run a loop or not. */
static void test_a_quit_does_not_reach_the_loops_of_finished(void **state)
{
    struct hy_thread thread;
    struct probe probe;

    (void)state;
    probe_init(&probe, NULL);
    assert_ok(hy_thread_init(&thread, "no loop", NULL));
    assert_ok(hy_connect(&thread.events.finished, &probe, wait_twice, HY_DIRECT));
    for (int run = 0; run < 2; run++) {
        assert_ok(hy_thread_set_body(&thread, run == 0 ? quit_own_thread : NULL, NULL));
        assert_ok(hy_thread_start(&thread));
        if (run == 1)
            hy_thread_quit(&thread, 0);
        assert_ok(join(&thread));
        assert_int_equal(probe.reached, run + 1);
    }
    hy_thread_fini(&thread);
    object_end(&probe.hy);
}

/* --- at the end ------------------------------------------------------------------------------- */

static int order[16], order_count;

static void note_order(int what)
{
    if (order_count < 16)
        order[order_count] = what;
    order_count++;
}

static void at_end(void *context)
{
    note_order(*(int *)context);
}

static int numbers[] = {0, 1, 2, 3, 4, 5};

static void at_end_asks_again(void *context)
{
    note_order(*(int *)context);
    EXPECT_INT(hy_thread_at_end(at_end, &numbers[5]), 0);
    (void)probe_create(NULL); /* ends right afterwards: the leak checkers look */
}

static void ask_for_the_end(void *context)
{
    (void)context;
    EXPECT_INT(hy_thread_at_end(NULL, NULL), -HY_EINVAL);
    EXPECT_INT(hy_thread_at_end(at_end, &numbers[4]), 0);
    EXPECT_INT(hy_thread_at_end(at_end_asks_again, &numbers[3]), 0);
}

static void order_fini(struct probe *self)
{
    (void)self;
    note_order(2);
}

static void order_deleted(struct probe *self)
{
    (void)self;
    note_order(6);
}

static void order_finished(struct probe *self)
{
    struct probe *deleted = probe_create(NULL);

    (void)self;
    deleted->on_fini = order_deleted;
    EXPECT_INT(hy_object_destroy_later(&deleted->hy), 0);
    note_order(1);
}

static void expect_order_of_an_end(void)
{
    static const int expected[] = {1, 6, 2, 3, 5, 4};

    EXPECT_INT(order_count, 6);
    for (int i = 0; i < 6 && i < order_count; i++)
        EXPECT_INT(order[i], expected[i]);
}

/* finished, deferred deletes, the objects, hy_thread_at_end() in reverse, then whoever joins. The
 * dispatcher's place among them is shown by DC-02. */
static void test_th20_order_at_the_end(void **state)
{
    struct worker worker;

    (void)state;
    order_count = 0;
    worker_start(&worker, "order");
    worker.probe.on_fini = order_fini;
    assert_ok(hy_connect(&worker.thread.events.finished, &worker.probe, order_finished, HY_AUTO));
    run_there(&worker.probe.hy, ask_for_the_end, NULL);
    stop(&worker.thread);
    expect_order_of_an_end();
    assert_ok(hy_thread_start(&worker.thread)); /* they were of that run */
    stop(&worker.thread);
    assert_int_equal(order_count, 6);
    hy_thread_fini(&worker.thread);
}

static void *adopted_asks_for_the_end(void *context)
{
    struct probe *probe = probe_create(NULL);

    (void)context;
    probe->on_fini = order_fini;
    EXPECT_INT(hy_connect(&hy_thread_current()->events.finished, probe, order_finished, HY_AUTO),
               0);
    ask_for_the_end(NULL);
    return NULL;
}

static void test_th20_order_at_the_end_of_an_adopted_thread(void **state)
{
    pthread_t thread;

    (void)state;
    order_count = 0;
    assert_int_equal(pthread_create(&thread, NULL, adopted_asks_for_the_end, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    expect_order_of_an_end();
}

/* --- priority --------------------------------------------------------------------------------- */

struct scheduling {
    int policy, niceness;
};

static void note_scheduling(void *context)
{
    struct scheduling *scheduling = context;

    scheduling->policy = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
    scheduling->niceness = getpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid));
}

static struct scheduling scheduling_of(struct worker *worker)
{
    struct scheduling scheduling = {-1, 0};

    run_there(&worker->probe.hy, note_scheduling, &scheduling);
    return scheduling;
}

static void expect_priority(struct worker *worker, enum hy_thread_priority priority, int normal)
{
    struct scheduling now = scheduling_of(worker);

    EXPECT_INT(now.policy, priority == HY_THREAD_PRIORITY_IDLE       ? SCHED_IDLE
                           : priority == HY_THREAD_PRIORITY_REALTIME ? SCHED_RR
                                                                     : SCHED_OTHER);
    if (priority == HY_THREAD_PRIORITY_LOW)
        EXPECT(now.niceness > normal || now.niceness == 19);
    if (priority == HY_THREAD_PRIORITY_HIGH)
        EXPECT(now.niceness < normal || now.niceness == -20);
    if (priority == HY_THREAD_PRIORITY_NORMAL)
        EXPECT_INT(now.niceness, normal);
}

static const enum hy_thread_priority priorities[] = {
    HY_THREAD_PRIORITY_LOW,  HY_THREAD_PRIORITY_IDLE,     HY_THREAD_PRIORITY_NORMAL,
    HY_THREAD_PRIORITY_HIGH, HY_THREAD_PRIORITY_REALTIME, HY_THREAD_PRIORITY_NORMAL};

/* What the system does not permit is said, and changes nothing. */
static void test_priority_while_it_runs(void **state)
{
    struct worker worker;
    int normal = getpriority(PRIO_PROCESS, 0);

    (void)state;
    worker_start(&worker, "priority");
    assert_int_equal(hy_thread_set_priority(&worker.thread, (enum hy_thread_priority)5),
                     -HY_EINVAL);
    assert_int_equal(hy_thread_set_priority(&worker.thread, (enum hy_thread_priority) - 1),
                     -HY_EINVAL);
    for (size_t i = 0; i < sizeof priorities / sizeof priorities[0]; i++) {
        struct scheduling before = scheduling_of(&worker), after;
        int rc = hy_thread_set_priority(&worker.thread, priorities[i]);

        if (rc == 0) {
            expect_priority(&worker, priorities[i], normal);
            continue;
        }
        assert_int_equal(rc, -HY_EACCES);
        after = scheduling_of(&worker);
        assert_int_equal(after.policy, before.policy);
        assert_int_equal(after.niceness, before.niceness);
    }
    worker_stop(&worker);
}

static void test_priority_from_the_next_start_on(void **state)
{
    struct worker worker;
    int normal = getpriority(PRIO_PROCESS, 0);

    (void)state;
    worker_init(&worker, "priority");
    hy_thread_set_finish_policy(&worker.thread, HY_FINISH_KEEP);
    assert_ok(hy_thread_set_priority(&worker.thread, HY_THREAD_PRIORITY_LOW));
    for (int run = 0; run < 2; run++) { /* and from every one that follows */
        assert_ok(hy_thread_start(&worker.thread));
        expect_priority(&worker, HY_THREAD_PRIORITY_LOW, normal);
        stop(&worker.thread);
    }
    assert_ok(hy_thread_set_priority(&worker.thread, HY_THREAD_PRIORITY_IDLE));
    assert_ok(hy_thread_start(&worker.thread));
    expect_priority(&worker, HY_THREAD_PRIORITY_IDLE, normal);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), normal); /* nobody else's has changed */
    hy_thread_set_finish_policy(&worker.thread, HY_FINISH_DRAIN);
    worker_stop(&worker);
}

static void ends_at_once(struct hy_thread *thread, void *context)
{
    (void)thread;
    (void)context;
}

static void test_priority_races_with_the_end(void **state)
{
    struct hy_thread thread;
    int normal = getpriority(PRIO_PROCESS, 0);

    (void)state;
    assert_ok(hy_thread_init(&thread, "short", NULL));
    assert_ok(hy_thread_set_body(&thread, ends_at_once, NULL));
    for (int i = 0, n = check_scaled(300); i < n; i++) {
        assert_ok(hy_thread_start(&thread));
        do
            assert_ok(hy_thread_set_priority(&thread, HY_THREAD_PRIORITY_LOW));
        while (hy_thread_get_state(&thread) == HY_THREAD_RUNNING);
    }
    hy_thread_fini(&thread);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), normal);
}

/* --- races with a restart --------------------------------------------------------------------- */

struct racer {
    struct hy_thread *thread;
    int end;
};

/* Joins whatever run there is; each must return, none may join a system thread twice. */
static void *joins(void *context)
{
    struct racer *racer = context;

    while (count_get(&racer->end) == 0) {
        EXPECT_INT(join(racer->thread), 0);
        (void)sched_yield();
    }
    return NULL;
}

static void test_th15_joins_race_with_restarts(void **state)
{
    struct hy_thread thread;
    struct racer racer = {&thread, 0};
    pthread_t joiners[2];

    (void)state;
    assert_ok(hy_thread_init(&thread, "restarts", NULL));
    assert_ok(hy_thread_set_body(&thread, ends_at_once, NULL));
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&joiners[i], NULL, joins, &racer), 0);
    for (int i = 0, n = check_scaled(500); i < n; i++) {
        int rc;

        /* Waits for the end of the one before, unless it runs still. */
        while ((rc = hy_thread_start(&thread)) == -HY_EBUSY)
            (void)sched_yield();
        assert_ok(rc);
    }
    assert_ok(join(&thread));
    count_up(&racer.end);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(joiners[i], NULL), 0);
    hy_thread_fini(&thread);
}

/* A join that began in one run must not wait for the next, which does not end by itself. */
static void *joins_once(void *context)
{
    struct racer *racer = context;

    EXPECT_INT(join(racer->thread), 0);
    (void)count_up(&racer->end);
    return NULL;
}

static void test_th11_a_join_is_of_the_run_it_found(void **state)
{
    (void)state;
    for (int i = 0, n = check_scaled(100); i < n; i++) {
        struct hy_thread thread;
        struct racer racer = {&thread, 0};
        pthread_t joiner;

        assert_ok(hy_thread_init(&thread, "runs", NULL));
        assert_ok(hy_thread_start(&thread));
        assert_int_equal(pthread_create(&joiner, NULL, joins_once, &racer), 0);
        hy_thread_quit(&thread, 0);
        while (hy_thread_get_state(&thread) == HY_THREAD_RUNNING)
            (void)sched_yield();
        assert_ok(hy_thread_start(&thread));
        /* The joiner came before the restart and returns, or after it and needs this quit. */
        hy_thread_quit(&thread, 0);
        assert_int_equal(pthread_join(joiner, NULL), 0);
        assert_int_equal(count_get(&racer.end), 1);
        hy_thread_fini(&thread);
    }
}

static void *quits(void *context)
{
    struct racer *racer = context;

    while (count_get(&racer->end) == 0) {
        hy_thread_quit(racer->thread, 1);
        (void)sched_yield();
    }
    return NULL;
}

static void test_th15_quits_race_with_restarts(void **state)
{
    struct hy_thread thread;
    struct racer racer = {&thread, 0};
    pthread_t quitter;
    int code = 0;

    (void)state;
    assert_ok(hy_thread_init(&thread, "quits", NULL));
    assert_ok(hy_thread_set_body(&thread, exec_code, &code));
    assert_int_equal(pthread_create(&quitter, NULL, quits, &racer), 0);
    for (int i = 0, n = check_scaled(300); i < n; i++) {
        assert_ok(hy_thread_start(&thread));
        assert_ok(join(&thread)); /* the quitter sees each run */
        assert_int_equal(code, 1);
    }
    count_up(&racer.end);
    assert_int_equal(pthread_join(quitter, NULL), 0);
    assert_ok(hy_thread_start(&thread)); /* no quit is left over */
    flush_there(hy_thread_context(&thread));
    assert_int_equal(hy_thread_get_state(&thread), HY_THREAD_RUNNING);
    hy_thread_fini(&thread);
}

static void slow_destructor(void *value)
{
    gate_wait(value);
}

static void set_value(void *context)
{
    EXPECT_INT(pthread_setspecific(*(pthread_key_t *)context, hy_thread_current()), 0);
}

static struct gate let_end;

static void wait_for_gate(void *value)
{
    (void)value;
    slow_destructor(&let_end);
}

/* Rules: TH-11, TH-14. The deadline counts while thread-local destructors run, too. */
static void test_th14_a_deadline_during_thread_local_destructors(void **state)
{
    struct worker worker;
    pthread_key_t key;

    (void)state;
    gate_init(&let_end);
    assert_int_equal(pthread_key_create(&key, wait_for_gate), 0);
    worker_start(&worker, "slow");
    run_there(&worker.probe.hy, set_value, &key);
    hy_thread_quit(&worker.thread, 0);
    assert_int_equal(hy_thread_join(&worker.thread, hy_now_ns() + 20 * HY_MILLISECOND),
                     -HY_ETIMEDOUT);
    assert_int_equal(hy_thread_join(&worker.thread, 0), -HY_ETIMEDOUT);
    gate_open(&let_end);
    assert_ok(join(&worker.thread));
    hy_thread_fini(&worker.thread);
    assert_int_equal(pthread_key_delete(key), 0);
    gate_fini(&let_end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_th21_the_context_lives_in_the_thread_through_restarts),
        TEST(test_th21_events_for_a_kept_context_wait_for_the_restart),
        TEST(test_th21_the_context_can_be_neither_moved_nor_finished),
        TEST(test_children_of_the_context_end_with_the_run),
        TEST(test_th21_slots_of_the_context_run_in_the_thread),
        TEST(test_th01_the_default_body_is_the_loop),
        TEST(test_th04_in_finished_handlers_it_is_finishing),
        TEST(test_th22_a_start_that_fails_says_so),
        TEST(test_th25_finished_tied_to_a_deferred_delete),
        TEST(test_th26_the_last_release_quits),
        TEST(test_th26_it_quits_with_0_and_holds_end_with_the_run),
        TEST(test_th26_holds_of_many_threads),
        TEST(test_th18_interruption),
        TEST(test_th18_loops_do_not_care),
        TEST(test_th17_fini_interrupts_quits_and_joins),
        TEST(test_a_quit_does_not_reach_the_loops_of_finished),
        TEST(test_th20_order_at_the_end),
        TEST(test_th20_order_at_the_end_of_an_adopted_thread),
        TEST(test_priority_while_it_runs),
        TEST(test_priority_from_the_next_start_on),
        TEST(test_priority_races_with_the_end),
        TEST(test_th15_joins_race_with_restarts),
        TEST(test_th11_a_join_is_of_the_run_it_found),
        TEST(test_th15_quits_race_with_restarts),
        TEST(test_th14_a_deadline_during_thread_local_destructors),
    };

    allocator_install();
    return cmocka_run_group_tests_name("thread-control", tests, NULL, NULL);
}
