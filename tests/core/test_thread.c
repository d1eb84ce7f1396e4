/* SPDX-License-Identifier: MIT */
/* Threads: life, quitting, joining, policies of the end, adopted threads. Rules TD, TH. */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#define E(n) (HY_EVENT_USER + (n))

static int join(struct hy_thread *thread)
{
    return hy_thread_join(thread, hy_now_ns() + WAIT_LIMIT_S * HY_SECOND);
}

/* --- life ------------------------------------------------------------------------------------- */

struct life {
    struct hy_thread thread;
    struct probe probe;
    enum hy_thread_state in_started, in_finished;
    int started, finished;
};

static void life_started(struct probe *self)
{
    struct life *life = self->context;

    EXPECT(hy_object_is_here(&self->hy)); /* TH-02: in the new thread */
    EXPECT(hy_thread_current() == &life->thread);
    life->in_started = hy_thread_get_state(&life->thread);
    life->started++;
    probe_note(self, 1);
}

static void life_finished(struct probe *self)
{
    struct life *life = self->context;

    EXPECT(hy_object_is_here(&self->hy));
    EXPECT(hy_thread_current() == &life->thread);
    life->in_finished = hy_thread_get_state(&life->thread);
    life->finished++;
    probe_note(self, 3);
}

static void life_init(struct life *life)
{
    *life = (struct life){.started = 0};
    EXPECT_INT(hy_thread_init(&life->thread, "life", NULL), 0);
    probe_init(&life->probe, NULL);
    life->probe.context = life;
    EXPECT_INT(hy_connect(&life->thread.events.started, &life->probe, life_started, HY_AUTO), 0);
    EXPECT_INT(hy_connect(&life->thread.events.finished, &life->probe, life_finished, HY_AUTO), 0);
    EXPECT_INT(hy_object_move_to_thread(&life->probe.hy, &life->thread), 0);
}

/* Rules: TH-02, TH-03, TH-04, TH-15. */
static void test_th02_th03_states_and_signals(void **state)
{
    struct life life;

    (void)state;
    life_init(&life);
    assert_ok(hy_post(&life.probe.hy, E(2), NULL, 0, HY_PRIORITY_NORMAL)); /* for the body */
    assert_int_equal(hy_thread_get_state(&life.thread), HY_THREAD_NOT_STARTED);
    assert_ok(hy_thread_start(&life.thread));
    assert_int_equal(hy_thread_start(&life.thread), -HY_EBUSY); /* TH-15 */
    flush_there(&life.probe.hy);
    assert_int_equal(hy_thread_get_state(&life.thread), HY_THREAD_RUNNING);
    hy_thread_quit(&life.thread, 0);
    assert_ok(join(&life.thread));
    assert_int_equal(hy_thread_get_state(&life.thread), HY_THREAD_FINISHED);
    assert_int_equal(life.started, 1);
    assert_int_equal(life.finished, 1);
    assert_int_equal(life.in_started, HY_THREAD_RUNNING);
    assert_int_equal(life.in_finished, HY_THREAD_FINISHING); /* TH-04 */
    assert_true(PROBE_SAW(&life.probe, 1, E(2), 3));         /* TH-02: before and after the body */
    hy_thread_fini(&life.thread);
}

/* Rules: TD-03. */
static void test_the_handle_lives_with_its_maker(void **state)
{
    struct worker worker;
    struct hy_thread named;

    (void)state;
    worker_start(&worker, "worker");
    assert_ptr_equal(hy_object_thread(&worker.thread.hy), hy_thread_current());
    assert_true(hy_object_is_here(&worker.thread.hy));
    assert_string_equal(hy_thread_name(&worker.thread), "worker");
    assert_ok(hy_thread_init(&named, NULL, NULL));
    assert_string_equal(hy_thread_name(&named), "thread");
    hy_thread_fini(&named);
    hy_thread_fini(&named);
    worker_stop(&worker);
}

static void test_names_are_copied_and_cut(void **state)
{
    char name[] = "a name longer than the system takes";
    struct hy_thread thread;

    (void)state;
    assert_ok(hy_thread_init(&thread, name, NULL));
    memset(name, 'x', sizeof name - 1);
    assert_int_equal(strncmp(hy_thread_name(&thread), "a name longer t", 15), 0);
    assert_ok(hy_thread_start(&thread));
    hy_thread_fini(&thread);
}

static void wrong_home(void *context)
{
    struct hy_thread *thread = context;

    EXPECT_INT(hy_thread_start(thread), -HY_EWRONGTHREAD);
    EXPECT_INT(hy_thread_set_body(thread, NULL, NULL), -HY_EWRONGTHREAD);
    EXPECT_INT(hy_thread_set_stack_size(thread, 0), -HY_EWRONGTHREAD);
}

static void test_the_handle_is_for_its_home(void **state)
{
    struct worker worker;
    struct hy_thread other;

    (void)state;
    worker_start(&worker, "worker");
    assert_ok(hy_thread_init(&other, "other", NULL));
    run_there(&worker.probe.hy, wrong_home, &other);
    assert_int_equal(hy_thread_get_state(&other), HY_THREAD_NOT_STARTED);
    hy_thread_fini(&other);
    worker_stop(&worker);
}

/* Rules: TH-03, TH-15. */
static void test_th15_restart(void **state)
{
    struct life life;

    (void)state;
    life_init(&life);
    hy_thread_set_finish_policy(&life.thread, HY_FINISH_KEEP);
    for (int i = 1; i <= 20; i++) {
        assert_ok(hy_thread_start(&life.thread)); /* waits for the end of the one before */
        if (i % 2)
            flush_there(&life.probe.hy);
        hy_thread_quit(&life.thread, 0);
        if (i % 3)
            assert_ok(join(&life.thread));
        else
            while (hy_thread_get_state(&life.thread) == HY_THREAD_RUNNING) {
            }
    }
    assert_ok(join(&life.thread));
    assert_int_equal(life.started, 20);
    assert_int_equal(life.finished, 20);
    object_end(&life.probe.hy);
    hy_thread_fini(&life.thread);
}

/* --- body ---------------------------------------------------------------------------------------
 */

struct body {
    int runs;
    int codes[3];
    struct gate at_body, go_on;
};

static void body_counts(struct hy_thread *thread, void *context)
{
    struct body *body = context;

    EXPECT(hy_thread_current() == thread);
    EXPECT(hy_thread_get_state(thread) == HY_THREAD_RUNNING);
    body->runs++;
}

static void test_body_in_place_of_the_loop(void **state)
{
    struct hy_thread thread;
    struct body body = {.runs = 0};

    (void)state;
    assert_ok(hy_thread_init(&thread, "body", NULL));
    assert_ok(hy_thread_set_stack_size(&thread, 256 * 1024));
    assert_ok(hy_thread_set_body(&thread, body_counts, &body));
    assert_ok(hy_thread_start(&thread));
    assert_ok(join(&thread)); /* it ends by itself */
    assert_int_equal(body.runs, 1);
    assert_ok(hy_thread_start(&thread));
    assert_ok(join(&thread));
    assert_int_equal(body.runs, 2);
    hy_thread_fini(&thread);
}

static void body_execs_twice(struct hy_thread *thread, void *context)
{
    struct body *body = context;

    (void)thread;
    gate_open(&body->at_body);
    gate_wait(&body->go_on);
    body->codes[0] = hy_thread_exec(); /* TH-06: asked before it was entered */
    body->codes[1] = hy_thread_exec();
    body->codes[2] = hy_thread_exec();
}

static void quit_thread(struct probe *self, struct hy_event *event)
{
    (void)self;
    hy_thread_quit(hy_thread_current(), (int)(event->type - HY_EVENT_USER));
}

static void test_th06_th10_quit_before_exec_and_several_execs(void **state)
{
    struct worker worker;
    struct body body = {.runs = 0};

    (void)state;
    gate_init(&body.at_body);
    gate_init(&body.go_on);
    worker_init(&worker, "execs");
    worker.probe.on_event = quit_thread;
    assert_ok(hy_thread_set_body(&worker.thread, body_execs_twice, &body));
    assert_ok(hy_thread_start(&worker.thread));
    assert_int_equal(hy_thread_set_body(&worker.thread, NULL, NULL), -HY_EBUSY);
    gate_wait(&body.at_body);
    hy_thread_quit(&worker.thread, 5);
    gate_open(&body.go_on);
    assert_ok(hy_post(&worker.probe.hy, E(6), NULL, 0, HY_PRIORITY_NORMAL));
    assert_true(wait_count(&worker.probe.reached, 1));
    assert_ok(hy_post(&worker.probe.hy, E(7), NULL, 0, HY_PRIORITY_NORMAL));
    assert_ok(join(&worker.thread));
    assert_int_equal(body.codes[0], 5);
    assert_int_equal(body.codes[1], 6);
    assert_int_equal(body.codes[2], 7);
    hy_thread_fini(&worker.thread);
    gate_fini(&body.at_body);
    gate_fini(&body.go_on);
}

static void quit_loop(struct hy_object *receiver, const void *payload)
{
    (void)receiver;
    hy_loop_quit(*(struct hy_loop *const *)payload, 6);
}

static const struct hy_payload loop_payload = HY_PLAIN_PAYLOAD(struct hy_loop *);

static void body_fresh_loop_after_quit(struct hy_thread *thread, void *context)
{
    struct body *body = context;
    struct hy_loop loop, *pointer = &loop;

    EXPECT_INT(hy_loop_init(&loop), 0);
    hy_thread_quit(thread, 4);
    for (int i = 0; i < 2; i++)
        EXPECT_INT(hy_loop_exec(&loop, 0), -HY_ESHUTDOWN);
    body->codes[0] = hy_thread_exec(); /* takes the request */
    EXPECT_INT(hy_invoke(hy_thread_context(thread), quit_loop, &loop_payload, &pointer), 0);
    body->codes[1] = hy_loop_exec(&loop, 0); /* so it runs */
    hy_thread_quit(thread, 8);
    body->codes[2] = hy_loop_exec(&loop, 0);
}

static void test_th07_fresh_loops_after_a_quit(void **state)
{
    struct hy_thread thread;
    struct body body = {.runs = 0};

    (void)state;
    assert_ok(hy_thread_init(&thread, "quit", NULL));
    assert_ok(hy_thread_set_body(&thread, body_fresh_loop_after_quit, &body));
    assert_ok(hy_thread_start(&thread));
    assert_ok(join(&thread));
    assert_int_equal(body.codes[0], 4);
    assert_int_equal(body.codes[1], 6);
    assert_int_equal(body.codes[2], -HY_ESHUTDOWN);
    hy_thread_fini(&thread);
}

/* --- quit and join ------------------------------------------------------------------------------
 */

static void body_execs(struct hy_thread *thread, void *context)
{
    struct body *body = context;

    (void)thread;
    body->codes[0] = hy_thread_exec();
}

static void test_th05_quit_before_start_does_nothing(void **state)
{
    struct hy_thread thread;
    struct body body = {.runs = 0};

    (void)state;
    assert_ok(hy_thread_init(&thread, "fresh", NULL));
    assert_ok(hy_thread_set_body(&thread, body_execs, &body));
    for (int run = 0; run < 2; run++) {
        hy_thread_quit(&thread, 1);
        assert_ok(hy_thread_start(&thread));
        flush_there(hy_thread_context(&thread)); /* its loop runs */
        hy_thread_quit(&thread, 2);
        assert_ok(join(&thread));
        assert_int_equal(body.codes[0], 2);
    }
    hy_thread_fini(&thread);
}

static void body_runs_its_own_loop(struct hy_thread *thread, void *context)
{
    struct hy_loop loop;
    int code;

    (void)thread;
    (void)context;
    EXPECT_INT(hy_loop_init(&loop), 0);
    code = hy_loop_exec(&loop, 0);
    EXPECT(code == 5 || code == -HY_ESHUTDOWN); /* asked before it was entered */
}

/* The loop of the thread, and one made by hand. */
static void test_th09_quit_right_after_start(void **state)
{
    (void)state;
    for (int i = 0; i < check_scaled(200); i++) {
        struct hy_thread thread;

        assert_ok(hy_thread_init(&thread, "short", NULL));
        if (i % 2 != 0)
            assert_ok(hy_thread_set_body(&thread, body_runs_its_own_loop, NULL));
        assert_ok(hy_thread_start(&thread));
        wait_busy_until_ns(hy_now_ns() + i / 2 % 10 * 10000);
        hy_thread_quit(&thread, 5);
        assert_ok(join(&thread));
        hy_thread_fini(&thread);
    }
}

static int nested_codes[2];

static void nest_then_quit_thread(struct probe *self, struct hy_event *event)
{
    struct hy_loop loop;
    int level = (int)(event->type - HY_EVENT_USER);

    if (level == 2) {
        hy_thread_quit(hy_thread_current(), 77);
        return;
    }
    EXPECT_INT(hy_post(&self->hy, E((uint32_t)level + 1), NULL, 0, HY_PRIORITY_NORMAL), 0);
    EXPECT_INT(hy_loop_init(&loop), 0);
    nested_codes[level] = hy_loop_exec(&loop, 0);
    EXPECT_INT(hy_loop_exec(&loop, 0), -HY_ESHUTDOWN);
}

static void test_th08_quit_ends_all_nested_loops(void **state)
{
    struct worker worker;

    (void)state;
    worker_init(&worker, "nests");
    worker.probe.on_event = nest_then_quit_thread;
    assert_ok(hy_thread_start(&worker.thread));
    assert_ok(hy_post(&worker.probe.hy, E(0), NULL, 0, HY_PRIORITY_NORMAL));
    assert_ok(join(&worker.thread));
    assert_int_equal(nested_codes[0], 77);
    assert_int_equal(nested_codes[1], 77);
    hy_thread_fini(&worker.thread);
}

static void join_self(void *context)
{
    EXPECT_INT(hy_thread_join(context, HY_FOREVER), -HY_EDEADLK);
}

static void join_from_elsewhere(void *context)
{
    EXPECT_INT(hy_thread_join(context, HY_FOREVER), 0);
}

static void test_th11_th12_join(void **state)
{
    struct worker worker, other;

    (void)state;
    worker_init(&worker, "joined");
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER)); /* never started: at once */
    assert_ok(hy_thread_start(&worker.thread));
    run_there(&worker.probe.hy, join_self, &worker.thread);
    assert_int_equal(hy_thread_join(&worker.thread, hy_now_ns() + 2 * HY_MILLISECOND),
                     -HY_ETIMEDOUT);
    assert_int_equal(hy_thread_join(&worker.thread, 0), -HY_ETIMEDOUT);
    worker_start(&other, "joins too");
    hy_thread_quit(&worker.thread, 0);
    run_there(&other.probe.hy, join_from_elsewhere, &worker.thread);
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER)); /* again, from here */
    worker_stop(&other);
    hy_thread_fini(&worker.thread);
}

static void slow_finished(struct probe *self)
{
    wait_busy_until_ns(hy_now_ns() + 20 * HY_MILLISECOND);
    count_up(&self->reached);
}

static void test_th13_join_covers_slow_finished_handlers(void **state)
{
    struct worker worker;
    struct probe direct;

    (void)state;
    probe_init(&direct, NULL);
    worker_start(&worker, "slow");
    assert_ok(hy_connect(&worker.thread.events.finished, &direct, slow_finished, HY_DIRECT));
    hy_thread_quit(&worker.thread, 0);
    assert_ok(join(&worker.thread));
    assert_int_equal(count_get(&direct.reached), 1);
    hy_thread_fini(&worker.thread);
    object_end(&direct.hy);
}

static pthread_key_t tls_key;
static int tls_ended;

static void tls_destructor(void *value)
{
    (void)value;
    wait_busy_until_ns(hy_now_ns() + 5 * HY_MILLISECOND); /* the library may still be used */
    count_up(&tls_ended);
}

static void set_tls(void *context)
{
    EXPECT_INT(pthread_setspecific(tls_key, context), 0);
}

static void test_th14_join_covers_thread_local_destructors(void **state)
{
    (void)state;
    tls_ended = 0;
    assert_int_equal(pthread_key_create(&tls_key, tls_destructor), 0);
    for (int i = 1; i <= 2; i++) { /* with a deadline, and without */
        struct worker worker;

        worker_start(&worker, "tls");
        run_there(&worker.probe.hy, set_tls, &worker);
        hy_thread_quit(&worker.thread, 0);
        assert_ok(i == 1 ? join(&worker.thread) : hy_thread_join(&worker.thread, HY_FOREVER));
        assert_int_equal(count_get(&tls_ended), i);
        hy_thread_fini(&worker.thread);
    }
    assert_int_equal(pthread_key_delete(tls_key), 0);
}

/* Departs: TH-16: hy_thread_fini() joins without a deadline, so it is never refused; whoever wants
 * a deadline calls hy_thread_join() first. */
static void test_th16_fini_of_a_running_thread_stops_it(void **state)
{
    struct worker worker;
    int finis = 0, threads = system_threads();

    (void)state;
    worker_init(&worker, "running");
    worker.probe.fini_count = &finis;
    assert_ok(hy_thread_start(&worker.thread));
    flush_there(&worker.probe.hy);
    hy_thread_fini(&worker.thread);
    assert_int_equal(finis, 1);
    assert_true(system_threads_at_most(threads));
}

/* Rules: TH-16. */
static void test_th16_fini_of_a_finishing_thread_waits(void **state)
{
    struct worker worker;
    struct probe direct;

    (void)state;
    probe_init(&direct, NULL);
    worker_start(&worker, "finishing");
    assert_ok(hy_connect(&worker.thread.events.finished, &direct, slow_finished, HY_DIRECT));
    hy_thread_quit(&worker.thread, 0);
    while (hy_thread_get_state(&worker.thread) == HY_THREAD_RUNNING)
        (void)sched_yield();
    hy_thread_fini(&worker.thread);
    assert_int_equal(count_get(&direct.reached), 1);
    object_end(&direct.hy);
}

static void test_a_thread_handle_ends_with_its_parent(void **state)
{
    struct probe *parent = probe_create(NULL);
    struct hy_thread thread;
    int threads = system_threads();

    (void)state;
    assert_ok(hy_thread_init(&thread, "child", &parent->hy));
    assert_ok(hy_thread_start(&thread));
    object_end(&parent->hy);
    assert_true(system_threads_at_most(threads));
}

/* --- the end ------------------------------------------------------------------------------------
 */

struct end_gates {
    struct gate in_handler, go_on;
};

static void wait_in_handler(struct probe *self, struct hy_event *event)
{
    struct end_gates *gates = self->context;

    if (event->type == E(0)) {
        gate_open(&gates->in_handler);
        gate_wait(&gates->go_on);
    }
}

/* Quits while the thread stands in a handler and ten events wait behind it. */
static struct hy_thread_counters end_with_ten_waiting(struct worker *worker,
                                                      enum hy_finish_policy policy)
{
    struct end_gates gates;
    struct hy_thread_counters counts;

    gate_init(&gates.in_handler);
    gate_init(&gates.go_on);
    worker_init(worker, "ends");
    worker->probe.on_event = wait_in_handler;
    worker->probe.context = &gates;
    hy_thread_set_finish_policy(&worker->thread, policy);
    EXPECT_INT(hy_thread_start(&worker->thread), 0);
    EXPECT_INT(hy_post(&worker->probe.hy, E(0), NULL, 0, HY_PRIORITY_NORMAL), 0);
    gate_wait(&gates.in_handler);
    for (uint32_t i = 1; i <= 10; i++)
        EXPECT_INT(hy_post(&worker->probe.hy, E(i), NULL, 0, HY_PRIORITY_NORMAL), 0);
    hy_thread_quit(&worker->thread, 0);
    gate_open(&gates.go_on);
    EXPECT_INT(join(&worker->thread), 0);
    counts = hy_thread_get_counters(&worker->thread);
    gate_fini(&gates.in_handler);
    gate_fini(&gates.go_on);
    return counts;
}

static void test_th19_drain(void **state)
{
    struct worker worker;
    struct hy_thread_counters counts = end_with_ten_waiting(&worker, HY_FINISH_DRAIN);

    (void)state;
    assert_int_equal(worker.probe.count, 11);
    assert_int_equal(counts.delivered, 11);
    assert_int_equal(counts.dropped, 0);
    assert_int_equal(counts.kept, 0);
    assert_ok(hy_object_fini(&worker.probe.hy)); /* ended there already */
    hy_thread_fini(&worker.thread);
}

static void test_th19_discard(void **state)
{
    struct worker worker;
    struct hy_thread_counters counts = end_with_ten_waiting(&worker, HY_FINISH_DISCARD);

    (void)state;
    assert_int_equal(worker.probe.count, 1);
    assert_int_equal(counts.delivered, 1);
    assert_int_equal(counts.dropped, 10);
    assert_int_equal(counts.kept, 0);
    hy_thread_fini(&worker.thread);
}

static void test_th19_keep_for_a_restart(void **state)
{
    struct worker worker;
    struct hy_thread_counters counts = end_with_ten_waiting(&worker, HY_FINISH_KEEP);
    int finis = 0;

    (void)state;
    assert_int_equal(worker.probe.count, 1);
    assert_int_equal(counts.delivered, 1);
    assert_int_equal(counts.kept, 10);
    worker.probe.fini_count = &finis; /* the thread rests: the object is ours */
    hy_thread_set_finish_policy(&worker.thread, HY_FINISH_DRAIN);
    assert_ok(hy_thread_start(&worker.thread));
    flush_there(&worker.probe.hy);
    hy_thread_quit(&worker.thread, 0);
    assert_ok(join(&worker.thread));
    assert_int_equal(worker.probe.count, 11);
    assert_int_equal(worker.probe.log[10], E(10));
    assert_int_equal(finis, 1);
    counts = hy_thread_get_counters(&worker.thread);
    assert_int_equal(counts.kept, 0);
    assert_true(counts.delivered >= 11);
    hy_thread_fini(&worker.thread);
}

static void test_th19_keep_for_another_thread_to_take(void **state)
{
    struct worker worker;

    (void)state;
    (void)end_with_ten_waiting(&worker, HY_FINISH_KEEP);
    worker.probe.on_event = NULL;
    assert_ok(hy_object_move_to_thread(&worker.probe.hy, hy_thread_current()));
    wait_drain();
    assert_int_equal(worker.probe.count, 11);
    assert_int_equal(worker.probe.log[10], E(10));
    assert_true(hy_object_is_here(&worker.probe.hy));
    object_end(&worker.probe.hy);
    hy_thread_fini(&worker.thread);
}

static void test_the_end_finishes_and_frees_what_lives_there(void **state)
{
    struct worker worker;
    struct probe *heap, embedded;
    int finis = 0;

    (void)state;
    worker_start(&worker, "ends");
    heap = probe_create(NULL);
    heap->fini_count = &finis;
    (void)probe_create(&heap->hy);
    probe_init(&embedded, NULL);
    embedded.fini_count = &finis;
    assert_ok(hy_object_move_to_thread(&heap->hy, &worker.thread));
    assert_ok(hy_object_move_to_thread(&embedded.hy, &worker.thread));
    worker_stop(&worker);
    assert_int_equal(finis, 2); /* the leak checkers look after the heap one */
    assert_ok(hy_object_fini(&embedded.hy));
}

static void test_a_handle_that_has_been_ended(void **state)
{
    struct hy_thread thread;

    (void)state;
    assert_ok(hy_thread_init(&thread, "ended", NULL));
    hy_thread_fini(&thread);
    hy_thread_quit(&thread, 0);
    assert_int_equal(hy_thread_set_finish_policy(&thread, (enum hy_finish_policy)3), -HY_EINVAL);
    assert_int_equal(hy_thread_set_finish_policy(&thread, HY_FINISH_KEEP), -HY_ESHUTDOWN);
    assert_int_equal(hy_thread_start(&thread), -HY_ESHUTDOWN);
    assert_int_equal(hy_thread_join(&thread, HY_FOREVER), -HY_ESHUTDOWN);
    assert_int_equal(hy_thread_set_stack_size(&thread, 0), -HY_ESHUTDOWN);
    assert_int_equal(hy_thread_set_priority(&thread, HY_THREAD_PRIORITY_LOW), -HY_ESHUTDOWN);
    assert_int_equal(hy_thread_set_dispatcher(&thread, NULL), -HY_ESHUTDOWN);
    hy_thread_wake(&thread);
    assert_int_equal(hy_thread_get_state(&thread), HY_THREAD_FINISHED);
    assert_int_equal(hy_thread_get_counters(&thread).delivered, 0);
    assert_non_null(hy_thread_name(&thread));
    hy_thread_fini(&thread);
}

static void post_again(struct probe *self, struct hy_event *event)
{
    (void)event;
    EXPECT_INT(hy_post(&self->hy, E(1), NULL, 0, HY_PRIORITY_NORMAL), 0);
}

static int drain_warnings;

static void note_warning(enum hy_log_level level, const char *category, const char *message)
{
    if (level == HY_LOG_WARNING && strcmp(category, "thread") == 0 &&
        strstr(message, "still posts to itself") != NULL)
        (void)count_up(&drain_warnings);
}

/* Draining ends, and says so, although there is always one message more. */
static void test_th19_a_drain_that_would_never_end(void **state)
{
    struct worker worker;

    (void)state;
    drain_warnings = 0;
    hy_log_set_handler(note_warning);
    worker_init(&worker, "endless");
    worker.probe.on_event = post_again;
    assert_ok(hy_thread_set_finish_policy(&worker.thread, HY_FINISH_DRAIN));
    assert_ok(hy_post(&worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    assert_ok(hy_thread_start(&worker.thread));
    assert_true(wait_count(&worker.probe.reached, 1));
    worker_stop(&worker);
    assert_int_equal(drain_warnings, 1);
    hy_log_set_handler(NULL);
}

static void test_move_to_a_finished_thread(void **state)
{
    struct worker worker;
    struct probe probe;

    (void)state;
    worker_start(&worker, "gone");
    hy_thread_quit(&worker.thread, 0);
    assert_ok(join(&worker.thread));
    probe_init(&probe, NULL);
    assert_ok(hy_post(&probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    assert_int_equal(hy_object_move_to_thread(&probe.hy, &worker.thread), -HY_ESHUTDOWN);
    assert_true(hy_object_is_here(&probe.hy));
    assert_ok(hy_post(&probe.hy, E(2), NULL, 0, HY_PRIORITY_NORMAL));
    wait_drain();
    assert_true(PROBE_SAW(&probe, E(1), E(2)));
    object_end(&probe.hy);
    hy_thread_fini(&worker.thread);
}

/* --- adopted threads ----------------------------------------------------------------------------
 */

struct adopted {
    struct probe *listener;
    struct gate *ready;
    struct hy_thread *handle;
    int finis;
    bool exec;
};

static void *adopted_run(void *context)
{
    struct adopted *adopted = context;
    struct hy_thread *self = hy_thread_current();
    struct probe *probe;

    EXPECT(self != NULL);
    EXPECT(self == hy_thread_current());                    /* TD-02: stable */
    EXPECT(hy_object_is_here(&self->hy));                   /* TD-03: lives in itself */
    EXPECT(hy_thread_get_state(self) == HY_THREAD_RUNNING); /* TD-04 */
    EXPECT(hy_thread_name(self) != NULL);
    adopted->handle = self;
    EXPECT_INT(hy_connect(&self->events.finished, adopted->listener, probe_nothing, HY_QUEUED), 0);
    probe = probe_create(NULL); /* ended with the thread */
    probe->fini_count = &adopted->finis;
    if (adopted->exec) { /* TD-05 */
        probe->on_event = quit_thread;
        EXPECT_INT(hy_post(&probe->hy, E(9), NULL, 0, HY_PRIORITY_NORMAL), 0);
        EXPECT_INT(hy_thread_exec(), 9);
    } else {
        EXPECT_INT(hy_post(&probe->hy, E(9), NULL, 0, HY_PRIORITY_NORMAL), 0);
        EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    }
    gate_open(adopted->ready);
    return NULL;
}

/* Rules: TD-02, TD-03, TD-04, TD-05, TD-06, TD-07. */
static void test_td06_td07_adopted_threads_tell_their_end(void **state)
{
    enum {
        MANY = 16
    };
    struct adopted adopted[MANY];
    pthread_t threads[MANY];
    struct probe listener;
    struct gate ready;

    (void)state;
    probe_init(&listener, NULL);
    gate_init(&ready);
    for (int i = 0; i < MANY; i++) {
        adopted[i] = (struct adopted){&listener, &ready, NULL, 0, i % 2 == 0};
        assert_int_equal(pthread_create(&threads[i], NULL, adopted_run, &adopted[i]), 0);
    }
    for (int i = 0; i < MANY; i++)
        gate_wait(&ready);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(wait_count(&listener.reached, MANY));
    wait_drain();
    assert_int_equal(listener.count, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_ptr_not_equal(adopted[i].handle, hy_thread_current());
        assert_int_equal(adopted[i].finis, 1);
    }
    object_end(&listener.hy);
    gate_fini(&ready);
}

static void *touch_only(void *context)
{
    (void)context;
    EXPECT(hy_now_ns() > 0);
    (void)hy_error_set(-HY_EINVAL, "leaves a last error in the thread");
    return NULL;
}

static void test_adopted_threads_leave_nothing(void **state)
{
    int descriptors;
    long blocks = 0;

    (void)state;
    for (int i = 0; i < 60; i++) {
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, touch_only, NULL), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        if (i == 10)
            blocks = allocator_blocks();
        else if (i > 10)
            assert_true(allocator_blocks() <= blocks + 8);
    }
    descriptors = system_descriptors();
    for (int i = 0; i < 20; i++) {
        struct probe listener;
        struct gate ready;
        struct adopted adopted = {&listener, &ready, NULL, 0, true};
        pthread_t thread;

        probe_init(&listener, NULL);
        gate_init(&ready);
        assert_int_equal(pthread_create(&thread, NULL, adopted_run, &adopted), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        object_end(&listener.hy);
        gate_fini(&ready);
    }
    assert_true(system_descriptors() <= descriptors);
}

static void note_id(void *context)
{
    *(pthread_t *)context = pthread_self();
}

static void expect_not_here(void *context)
{
    struct probe *probe = context;

    EXPECT(!hy_object_is_here(&probe->hy));
    EXPECT_INT(hy_object_check_thread(&probe->hy, "be used"), -HY_EWRONGTHREAD);
}

static void test_td14_threads_are_not_confused_by_reused_ids(void **state)
{
    int reused = 0;

    (void)state;
    for (int i = 0; i < 20 || (reused == 0 && i < 100); i++) {
        struct worker worker, next;
        pthread_t old_id, next_id;

        worker_start(&worker, "old");
        run_there(&worker.probe.hy, note_id, &old_id);
        hy_thread_set_finish_policy(&worker.thread, HY_FINISH_KEEP);
        hy_thread_quit(&worker.thread, 0);
        assert_ok(join(&worker.thread));
        worker_start(&next, "new");
        run_there(&next.probe.hy, note_id, &next_id);
        reused += pthread_equal(old_id, next_id) != 0;
        run_there(&next.probe.hy, expect_not_here, &worker.probe);
        worker_stop(&next);
        object_end(&worker.probe.hy);
        hy_thread_fini(&worker.thread);
    }
    if (reused == 0) /* with glibc they do: the next thread gets the stack of the one before */
        print_message("no id of the system came again, so this shows little\n");
}

static void test_th24_a_thousand_starts_leave_nothing(void **state)
{
    int rounds = check_scaled(1000), descriptors = 0, threads = 0;
    long blocks = 0;

    (void)state;
    for (int i = 0; i < rounds; i++) {
        struct worker worker;

        worker_start(&worker, "round");
        if (i % 4 == 0)
            flush_there(&worker.probe.hy);
        worker_stop(&worker);
        if (i == rounds / 10) {
            descriptors = system_descriptors();
            threads = system_threads();
            blocks = allocator_blocks();
        }
    }
    assert_int_equal(system_descriptors(), descriptors);
    assert_true(system_threads_at_most(threads));
    assert_true(allocator_blocks() <= blocks + 50); /* a leak would be hundreds */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_th02_th03_states_and_signals),
        TEST(test_the_handle_lives_with_its_maker),
        TEST(test_names_are_copied_and_cut),
        TEST(test_the_handle_is_for_its_home),
        TEST(test_th15_restart),
        TEST(test_body_in_place_of_the_loop),
        TEST(test_th06_th10_quit_before_exec_and_several_execs),
        TEST(test_th07_fresh_loops_after_a_quit),
        TEST(test_th05_quit_before_start_does_nothing),
        TEST(test_th09_quit_right_after_start),
        TEST(test_th08_quit_ends_all_nested_loops),
        TEST(test_th11_th12_join),
        TEST(test_th13_join_covers_slow_finished_handlers),
        TEST(test_th14_join_covers_thread_local_destructors),
        TEST(test_th16_fini_of_a_running_thread_stops_it),
        TEST(test_th16_fini_of_a_finishing_thread_waits),
        TEST(test_a_thread_handle_ends_with_its_parent),
        TEST(test_th19_drain),
        TEST(test_th19_discard),
        TEST(test_th19_keep_for_a_restart),
        TEST(test_th19_keep_for_another_thread_to_take),
        TEST(test_the_end_finishes_and_frees_what_lives_there),
        TEST(test_a_handle_that_has_been_ended),
        TEST(test_move_to_a_finished_thread),
        TEST(test_td06_td07_adopted_threads_tell_their_end),
        TEST(test_th19_a_drain_that_would_never_end),
        TEST(test_adopted_threads_leave_nothing),
        TEST(test_td14_threads_are_not_confused_by_reused_ids),
        TEST(test_th24_a_thousand_starts_leave_nothing),
    };

    allocator_install();
    return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
