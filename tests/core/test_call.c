/* SPDX-License-Identifier: MIT */
/*
 * Calls that wait: hy_call(). Deadlines, receivers and threads that end or move meanwhile. Circles
 * of threads that wait for each other are in test_circles.c, blocking connections in
 * test_blocking.c.
 */
#include "../helpers/worker.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define E(n)   (HY_EVENT_USER + (n))
#define SHORT  (20 * HY_MILLISECOND)
#define LONG   (WAIT_LIMIT_S * HY_SECOND)
#define ROUNDS check_scaled(300)

struct sum {
    int64_t a, b, result;
};

static int add(struct hy_object *receiver, void *argument)
{
    struct sum *sum = argument;

    EXPECT(hy_object_is_here(receiver));
    sum->result = sum->a + sum->b;
    return 7;
}

static int note(struct hy_object *receiver, void *argument)
{
    probe_note((struct probe *)(void *)receiver, *(const int64_t *)argument);
    return 0;
}

/* --- the plain way ---------------------------------------------------------------------------- */

/* Rules: SC-10. */
static void test_pe17_a_call_runs_there_and_its_result_comes_back(void **state)
{
    struct worker worker;
    struct sum sum = {20, 22, 0};
    int64_t number = 2;
    int result = 0;

    (void)state;
    worker_start(&worker, "worker");
    assert_ok(hy_post(&worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    assert_int_equal(hy_call(&worker.probe.hy, note, &number, sizeof number, HY_FOREVER, NULL), 0);
    assert_true(PROBE_SAW(&worker.probe, E(1), 2)); /* behind what was posted before */
    assert_int_equal(hy_call(&worker.probe.hy, add, &sum, sizeof sum, hy_now_ns() + LONG, &result),
                     0);
    assert_int_equal(result, 7);
    assert_int_equal(sum.result, 42);
    sum.result = 0;
    assert_int_equal(hy_call(&worker.probe.hy, add, &sum, 0, HY_FOREVER, NULL), 0);
    assert_int_equal(sum.result, 42); /* with size 0 the pointer itself */
    worker_stop(&worker);
}

static void test_pe17_a_call_of_nothing_is_refused(void **state)
{
    struct worker worker;
    struct probe probe;
    struct hy_ref none = {NULL};
    int64_t sum = 0;

    (void)state;
    probe_init(&probe, NULL);
    worker_init(&worker, "never called");
    assert_int_equal(hy_call(&probe.hy, NULL, NULL, 0, HY_FOREVER, NULL), -HY_EINVAL);
    assert_int_equal(hy_call(&probe.hy, add, NULL, 8, HY_FOREVER, NULL), -HY_EINVAL);
    assert_int_equal(hy_call(&worker.probe.hy, add, &sum, SIZE_MAX, hy_now_ns() + HY_SECOND, NULL),
                     -HY_EINVAL);
    assert_int_equal(hy_call(NULL, add, NULL, 0, HY_FOREVER, NULL), -HY_ESHUTDOWN);
    assert_int_equal(hy_ref_call(none, add, NULL, 0, HY_FOREVER, NULL), -HY_ESHUTDOWN);
    hy_thread_fini(&worker.thread);
    object_end(&probe.hy);
}

/* --- deadlines -------------------------------------------------------------------------------- */

static void test_pe17_what_has_not_begun_in_time_does_not_run(void **state)
{
    struct stall stall;
    int64_t number = 5;
    int64_t before;

    (void)state;
    stall_start(&stall);
    before = hy_now_ns();
    assert_int_equal(
        hy_call(&stall.worker.probe.hy, note, &number, sizeof number, before + SHORT, NULL),
        -HY_ETIMEDOUT);
    assert_true(hy_now_ns() >= before + SHORT);
    assert_int_equal(hy_call(&stall.worker.probe.hy, note, &number, sizeof number, before, NULL),
                     -HY_ETIMEDOUT); /* the deadline is in the past */
    stall_let_go(&stall);
    assert_true(flush_there(&stall.worker.probe.hy));
    assert_int_equal(stall.worker.probe.count, 0);
    assert_int_equal(hy_thread_get_counters(&stall.worker.thread).dropped, 1);
    stall_stop(&stall);
}

struct slow {
    struct gate *entered, *go;
    int64_t value;
};

static int slow_write(struct hy_object *receiver, void *argument)
{
    struct slow *slow = argument;
    struct gate *entered = slow->entered, *go = slow->go;

    gate_open(entered);
    gate_wait(go);
    EXPECT_INT(slow->value, 1); /* its own copy, whatever the caller does */
    slow->value = 2;
    probe_note((struct probe *)(void *)receiver, slow->value);
    return 0;
}

static void test_pe17_what_runs_too_long_goes_on_with_its_own_argument(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct worker worker;
        struct gate entered, go;
        struct slow *slow = malloc(sizeof *slow);
        int result = 99;

        gate_init(&entered);
        gate_init(&go);
        *slow = (struct slow){&entered, &go, 1};
        worker_start(&worker, "worker");
        assert_int_equal(hy_call(&worker.probe.hy, slow_write, slow, sizeof *slow,
                                 hy_now_ns() + 2 * HY_MILLISECOND, &result),
                         -HY_ETIMEDOUT);
        assert_int_equal(slow->value, 1);
        assert_int_equal(result, 99);
        memset(slow, 0xee, sizeof *slow);
        free(slow);
        /* On a busy machine it may not have begun in time, and never will. */
        gate_open(&go);
        flush_there(&worker.probe.hy);
        assert_true(worker.probe.count == 0 || PROBE_SAW(&worker.probe, 2));
        worker_stop(&worker);
        gate_fini(&entered);
        gate_fini(&go);
    }
}

static int add_fast(struct hy_object *receiver, void *argument)
{
    struct sum *sum = argument;

    sum->result = sum->a + sum->b;
    probe_note((struct probe *)(void *)receiver, sum->result);
    return 0;
}

/* Deadlines that strike at any moment of the call. */
static void test_pe17_a_call_has_run_or_it_says_that_it_has_not(void **state)
{
    struct worker worker;
    int done = 0, late = 0;

    (void)state;
    worker_start(&worker, "worker");
    for (int i = 0; i < check_scaled(3000); i++) {
        struct sum sum = {i, 1, -1};
        int rc = hy_call(&worker.probe.hy, add_fast, &sum, sizeof sum,
                         hy_now_ns() + (i % 50) * 1000, NULL);

        assert_true(rc == 0 || rc == -HY_ETIMEDOUT);
        assert_int_equal(sum.result, rc == 0 ? i + 1 : -1);
        done += rc == 0;
        late += rc != 0;
    }
    assert_true(flush_there(&worker.probe.hy));
    assert_true(worker.probe.count >= done && worker.probe.count <= done + late);
    assert_true(late > 0);
    worker_stop(&worker);
}

/* --- nobody there ----------------------------------------------------------------------------- */

static void test_sc12_a_call_within_one_thread_is_refused(void **state)
{
    struct probe probe;
    struct sum sum = {1, 2, 0};

    (void)state;
    probe_init(&probe, NULL);
    assert_int_equal(hy_call(&probe.hy, add, &sum, sizeof sum, HY_FOREVER, NULL), -HY_EDEADLK);
    assert_int_equal(hy_call(&probe.hy, add, &sum, sizeof sum, hy_now_ns() + LONG, NULL),
                     -HY_EDEADLK);
    assert_int_equal(hy_process(0, 0), 0); /* nothing was posted */
    object_end(&probe.hy);
}

/* A thread of its own, adopted, that calls add(). */
struct caller {
    struct hy_ref to;
    struct sum sum;
    int64_t deadline_ns;
    pthread_t thread;
    int rc, result;
    int done;
};

static void *caller_main(void *context)
{
    struct caller *caller = context;

    caller->rc = hy_ref_call(caller->to, add, &caller->sum, sizeof caller->sum, caller->deadline_ns,
                             &caller->result);
    (void)count_up(&caller->done);
    return NULL;
}

static void caller_start(struct caller *caller, struct hy_object *to, int64_t deadline_ns)
{
    *caller = (struct caller){.to = hy_ref_to(to), .sum = {20, 22, -1}, .deadline_ns = deadline_ns};
    EXPECT_INT(pthread_create(&caller->thread, NULL, caller_main, caller), 0);
}

/* What the call came to; the argument has changed if it has run, and only then. */
static int caller_join(struct caller *caller)
{
    pthread_join(caller->thread, NULL);
    hy_ref_release(&caller->to);
    EXPECT_INT(caller->sum.result, caller->rc == 0 ? 42 : -1);
    return caller->rc;
}

/* Long enough for a caller to be waiting; if it is not yet, the test shows less, and still holds.
 */
static void let_it_wait(struct caller *callers, int count)
{
    wait_busy_until_ns(hy_now_ns() + SHORT);
    for (int i = 0; i < count; i++)
        EXPECT_INT(count_get(&callers[i].done), 0);
}

static void test_sc13_a_thread_that_does_not_run_is_no_place_to_wait_for(void **state)
{
    struct worker worker;
    struct caller caller;
    struct sum sum = {1, 2, 0};

    (void)state;
    worker_init(&worker, "sleeper");
    assert_int_equal(hy_call(&worker.probe.hy, add, &sum, sizeof sum, HY_FOREVER, NULL),
                     -HY_ESHUTDOWN);
    assert_non_null(strstr(hy_last_error()->message, "sleeper"));
    assert_int_equal(hy_call(&worker.probe.hy, add, &sum, sizeof sum, hy_now_ns() + SHORT, NULL),
                     -HY_ETIMEDOUT);
    /* With a deadline, whoever starts it in time has the call run. */
    caller_start(&caller, &worker.probe.hy, hy_now_ns() + LONG);
    let_it_wait(&caller, 1);
    assert_ok(hy_thread_start(&worker.thread));
    assert_int_equal(caller_join(&caller), 0);
    worker_stop(&worker);
}

static void test_sc13_nor_is_one_that_has_finished(void **state)
{
    struct worker worker;
    struct sum sum = {1, 2, 0};

    (void)state;
    worker_start(&worker, "worker");
    hy_thread_set_finish_policy(&worker.thread, HY_FINISH_KEEP);
    hy_thread_quit(&worker.thread, 0);
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
    assert_int_equal(hy_call(&worker.probe.hy, add, &sum, sizeof sum, HY_FOREVER, NULL),
                     -HY_ESHUTDOWN);
    assert_ok(hy_thread_start(&worker.thread)); /* it takes calls again */
    assert_int_equal(hy_call(&worker.probe.hy, add, &sum, sizeof sum, HY_FOREVER, NULL), 0);
    hy_thread_set_finish_policy(&worker.thread, HY_FINISH_DRAIN);
    worker_stop(&worker);
}

/* --- the receiver ends ------------------------------------------------------------------------ */

static void end_self(struct probe *self, struct hy_event *event)
{
    (void)event;
    EXPECT_INT(hy_object_fini(&self->hy), 0);
}

static void test_sc11_a_receiver_that_ends_first_releases_its_callers(void **state)
{
    struct stall stall;
    struct caller callers[4];
    struct hy_ref ref;

    (void)state;
    stall_start(&stall);
    stall.worker.probe.on_event = end_self;
    ref = hy_ref_to(&stall.worker.probe.hy);
    assert_ok(hy_post(&stall.worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_HIGH));
    for (int i = 0; i < 4; i++)
        caller_start(&callers[i], &stall.worker.probe.hy,
                     i % 2 == 0 ? HY_FOREVER : hy_now_ns() + LONG);
    let_it_wait(callers, 4);
    stall_let_go(&stall);
    for (int i = 0; i < 4; i++)
        assert_int_equal(caller_join(&callers[i]), -HY_ESHUTDOWN);
    assert_int_equal(hy_ref_call(ref, add, &callers[0].sum, 0, HY_FOREVER, NULL), -HY_ESHUTDOWN);
    hy_ref_release(&ref);
    stall_stop(&stall);
}

/* In the receiver's thread: waits for a call to be there, and removes or delivers it. */
static void take_call_out(struct probe *self, struct hy_event *event)
{
    (void)event;
    while (hy_posted_count(&self->hy, HY_EVENT_ANY) < 1)
        sched_yield();
    EXPECT_INT(*(bool *)self->context ? hy_posted_flush(&self->hy, HY_EVENT_ANY)
                                      : hy_posted_remove(&self->hy, HY_EVENT_ANY),
               1);
}

/* Rules: PE-05, PE-07. */
static void test_sc11_a_call_that_is_removed_or_flushed(void **state)
{
    (void)state;
    for (int flush = 0; flush < 2; flush++) {
        struct worker worker;
        struct caller caller;
        bool flushed = flush != 0;

        worker_start(&worker, "worker");
        worker.probe.on_event = take_call_out;
        worker.probe.context = &flushed;
        assert_ok(hy_post(&worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
        caller_start(&caller, &worker.probe.hy, HY_FOREVER);
        assert_int_equal(caller_join(&caller), flushed ? 0 : -HY_ESHUTDOWN);
        worker_stop(&worker);
    }
}

/* Its thread does not run: the caller waits for its deadline, and for less when there is no hope.
 */
static void test_sc11_a_receiver_that_ends_in_a_thread_that_does_not_run(void **state)
{
    (void)state;
    for (int with_thread = 0; with_thread < 2; with_thread++) {
        struct worker worker;
        struct caller caller;
        int64_t began = hy_now_ns();

        worker_init(&worker, "sleeper");
        caller_start(&caller, &worker.probe.hy, began + LONG);
        let_it_wait(&caller, 1);
        if (with_thread == 0)
            object_end(&worker.probe.hy);
        hy_thread_fini(&worker.thread);
        assert_int_equal(caller_join(&caller), -HY_ESHUTDOWN);
        assert_true(hy_now_ns() < began + LONG);
    }
}

static void test_sc11_a_dead_receiver_of_this_thread_is_dead(void **state)
{
    struct probe probe;
    struct hy_ref ref;

    (void)state;
    probe_init(&probe, NULL);
    ref = hy_ref_to(&probe.hy);
    object_end(&probe.hy);
    assert_int_equal(hy_ref_call(ref, add, NULL, 0, HY_FOREVER, NULL), -HY_ESHUTDOWN);
    hy_ref_release(&ref);
}

static int end_receiver(struct hy_object *receiver, void *argument)
{
    (void)argument;
    EXPECT_INT(hy_object_fini(receiver), 0);
    return 3;
}

static void test_sc11_a_function_may_end_its_receiver(void **state)
{
    struct worker worker;
    int result = 0;

    (void)state;
    worker_start(&worker, "worker");
    assert_int_equal(hy_call(&worker.probe.hy, end_receiver, NULL, 0, HY_FOREVER, &result), 0);
    assert_int_equal(result, 3); /* it has run, and returned */
    worker_stop(&worker);
}

static void fini_counted(struct probe *self)
{
    (void)count_up(self->context);
}

static int end_receiver_later(struct hy_object *receiver, void *argument)
{
    struct probe *self = (struct probe *)(void *)receiver;

    self->on_fini = fini_counted;
    self->context = argument;
    EXPECT_INT(hy_object_destroy_later(receiver), 0);
    return 4;
}

static void test_sc11_what_a_function_asks_to_delete_is_gone_as_the_call_returns(void **state)
{
    struct worker worker;
    int result = 0, finis = 0;

    (void)state;
    worker_start(&worker, "worker");
    assert_int_equal(hy_call(&worker.probe.hy, end_receiver_later, &finis, 0, HY_FOREVER, &result),
                     0);
    assert_int_equal(result, 4);
    assert_int_equal(count_get(&finis), 1);
    worker_stop(&worker);
}

/* Calls against the end of the thread: each has run or says that it has not. */
static void end_of_thread(enum hy_finish_policy policy)
{
    int ran = 0, not_run = 0;

    for (int i = 0; i < ROUNDS; i++) {
        struct worker worker;
        struct caller callers[3];

        worker_start(&worker, "worker");
        hy_thread_set_finish_policy(&worker.thread, policy);
        for (int k = 0; k < 3; k++)
            caller_start(&callers[k], &worker.probe.hy, HY_FOREVER);
        wait_busy_until_ns(hy_now_ns() + (i % 20) * 10000);
        hy_thread_quit(&worker.thread, 0);
        for (int k = 0; k < 3; k++) {
            int rc = caller_join(&callers[k]);

            EXPECT(rc == 0 || rc == -HY_ESHUTDOWN);
            ran += rc == 0;
            not_run += rc != 0;
        }
        EXPECT_INT(hy_thread_join(&worker.thread, HY_FOREVER), 0);
        if (policy == HY_FINISH_KEEP) /* its home rests */
            object_end(&worker.probe.hy);
        hy_thread_fini(&worker.thread);
    }
    print_message("# %d calls ran, %d did not\n", ran, not_run);
}

static void test_sc11_the_end_of_a_draining_thread_leaves_nobody_waiting(void **state)
{
    (void)state;
    end_of_thread(HY_FINISH_DRAIN);
}

static void test_sc11_the_end_of_a_discarding_thread_leaves_nobody_waiting(void **state)
{
    (void)state;
    end_of_thread(HY_FINISH_DISCARD);
}

static void test_sc11_the_end_of_a_keeping_thread_leaves_nobody_waiting(void **state)
{
    (void)state;
    end_of_thread(HY_FINISH_KEEP);
}

/* Whether both were waiting in time. One that comes after the end waits for its deadline: the
 * thread may be started again. */
static bool kept_with_callers(void)
{
    struct stall stall;
    struct caller callers[2];
    int patient;

    stall_start(&stall);
    hy_thread_set_finish_policy(&stall.worker.thread, HY_FINISH_KEEP);
    EXPECT_INT(hy_post(&stall.worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL), 0);
    caller_start(&callers[0], &stall.worker.probe.hy, HY_FOREVER);
    caller_start(&callers[1], &stall.worker.probe.hy, hy_now_ns() + HY_SECOND);
    let_it_wait(callers, 2);
    hy_thread_quit(&stall.worker.thread, 0);
    stall_let_go(&stall);
    EXPECT_INT(caller_join(&callers[0]), -HY_ESHUTDOWN);
    patient = caller_join(&callers[1]);
    EXPECT(patient == -HY_ESHUTDOWN || patient == -HY_ETIMEDOUT);
    EXPECT_INT(hy_thread_join(&stall.worker.thread, HY_FOREVER), 0);
    /* What nobody waits for is kept. */
    EXPECT_INT(hy_thread_get_counters(&stall.worker.thread).kept, 1);
    object_end(&stall.worker.probe.hy);
    stall_stop(&stall);
    return patient == -HY_ESHUTDOWN;
}

static void test_sc11_of_what_is_kept_nobody_waits_for_anything(void **state)
{
    int tries = 0;

    (void)state;
    while (!kept_with_callers())
        assert_true(++tries < 20);
}

/* --- the receiver moves ----------------------------------------------------------------------- */

static void move_self(struct probe *self, struct hy_event *event)
{
    (void)event;
    EXPECT_INT(hy_object_move_to_thread(&self->hy, self->context), 0);
}

/* A waiting caller of a probe in a stalled thread, which moves the probe before it gets there. */
static void move_while_waited_for(struct stall *stall, struct caller *caller, struct hy_thread *to,
                                  int64_t deadline_ns)
{
    stall_start(stall);
    stall->worker.probe.on_event = move_self;
    stall->worker.probe.context = to;
    EXPECT_INT(hy_post(&stall->worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_HIGH), 0);
    caller_start(caller, &stall->worker.probe.hy, deadline_ns);
    let_it_wait(caller, 1);
    stall_let_go(stall);
}

/* Rules: OA-11. */
static void test_sc10_a_call_follows_its_receiver(void **state)
{
    struct stall stall;
    struct worker other;
    struct caller caller;

    (void)state;
    worker_start(&other, "other");
    move_while_waited_for(&stall, &caller, &other.thread, HY_FOREVER);
    assert_int_equal(caller_join(&caller), 0);
    worker_stop(&other);
    stall_stop(&stall);
}

static void test_sc13_a_receiver_moved_to_a_thread_that_does_not_run(void **state)
{
    struct stall refused, patient;
    struct worker other;
    struct caller caller;

    (void)state;
    worker_init(&other, "other");
    move_while_waited_for(&refused, &caller, &other.thread, HY_FOREVER);
    assert_int_equal(caller_join(&caller), -HY_ESHUTDOWN);
    /* With a deadline the caller waits for the start. */
    move_while_waited_for(&patient, &caller, &other.thread, hy_now_ns() + LONG);
    let_it_wait(&caller, 1);
    assert_ok(hy_thread_start(&other.thread));
    assert_int_equal(caller_join(&caller), 0);
    worker_stop(&other);
    stall_stop(&refused);
    stall_stop(&patient);
}

/* --- many callers ----------------------------------------------------------------------------- */

#define CALLERS 8

struct crowd {
    struct hy_object *to;
    int calls;
    int64_t seen;
};

struct one {
    int64_t *total, by;
};

static int add_up(struct hy_object *receiver, void *argument)
{
    struct one *one = argument;

    EXPECT(hy_object_is_here(receiver));
    *one->total += one->by; /* only ever this thread */
    return 1;
}

static int64_t crowd_total;

static void *crowd_main(void *context)
{
    struct crowd *crowd = context;

    for (int i = 0; i < crowd->calls; i++) {
        struct one one = {&crowd_total, i};
        int result = 0;

        EXPECT_INT(hy_call(crowd->to, add_up, &one, sizeof one,
                           i % 2 == 0 ? HY_FOREVER : hy_now_ns() + LONG, &result),
                   0);
        crowd->seen += result;
    }
    return NULL;
}

static void test_sc10_many_callers_of_one_thread(void **state)
{
    struct worker worker;
    struct crowd crowds[CALLERS];
    pthread_t threads[CALLERS];
    int64_t calls = check_scaled(1000);

    (void)state;
    crowd_total = 0;
    worker_start(&worker, "worker");
    for (int i = 0; i < CALLERS; i++) {
        crowds[i] = (struct crowd){&worker.probe.hy, (int)calls, 0};
        pthread_create(&threads[i], NULL, crowd_main, &crowds[i]);
    }
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(crowds[i].seen, calls);
    }
    assert_int_equal(crowd_total, CALLERS * (calls * (calls - 1) / 2));
    worker_stop(&worker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pe17_a_call_runs_there_and_its_result_comes_back),
        TEST(test_pe17_a_call_of_nothing_is_refused),
        TEST(test_pe17_what_has_not_begun_in_time_does_not_run),
        TEST(test_pe17_what_runs_too_long_goes_on_with_its_own_argument),
        TEST(test_pe17_a_call_has_run_or_it_says_that_it_has_not),
        TEST(test_sc12_a_call_within_one_thread_is_refused),
        TEST(test_sc13_a_thread_that_does_not_run_is_no_place_to_wait_for),
        TEST(test_sc13_nor_is_one_that_has_finished),
        TEST(test_sc11_a_receiver_that_ends_first_releases_its_callers),
        TEST(test_sc11_a_call_that_is_removed_or_flushed),
        TEST(test_sc11_a_receiver_that_ends_in_a_thread_that_does_not_run),
        TEST(test_sc11_a_dead_receiver_of_this_thread_is_dead),
        TEST(test_sc11_a_function_may_end_its_receiver),
        TEST(test_sc11_what_a_function_asks_to_delete_is_gone_as_the_call_returns),
        TEST(test_sc11_the_end_of_a_draining_thread_leaves_nobody_waiting),
        TEST(test_sc11_the_end_of_a_discarding_thread_leaves_nobody_waiting),
        TEST(test_sc11_the_end_of_a_keeping_thread_leaves_nobody_waiting),
        TEST(test_sc11_of_what_is_kept_nobody_waits_for_anything),
        TEST(test_sc10_a_call_follows_its_receiver),
        TEST(test_sc13_a_receiver_moved_to_a_thread_that_does_not_run),
        TEST(test_sc10_many_callers_of_one_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
