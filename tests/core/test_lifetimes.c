/* SPDX-License-Identifier: MIT */
/*
 * Ends that meet something else: handles that move, start or end on their way, the application
 * ended by its own slots, signals of the system as their watcher ends, what is asked for at a
 * thread's very end, pools that end under a caller, and what a forked child inherits.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define E(n) (HY_EVENT_USER + (n))
#define MS   HY_MILLISECOND

static int64_t limit(void)
{
    return hy_now_ns() + WAIT_LIMIT_S * HY_SECOND;
}

/* --- timers that move in their own slot ------------------------------------------------------- */

struct traveller {
    struct probe probe;
    struct hy_timer timer;
    struct hy_thread *to;
    int64_t fired_ns[2];
};

static void move_on(struct probe *self)
{
    struct traveller *traveller = self->context;
    int call = count_get(&self->reached);

    if (call < 2)
        traveller->fired_ns[call] = hy_now_ns();
    (void)count_up(&self->reached); /* before the move: it may be called there at once */
    if (call == 0)
        EXPECT_INT(hy_object_move_to_thread(&self->hy, traveller->to), 0);
}

/* Rules: OA-13, TM-14. Missed periods apart, the second time is two intervals after the start. */
static void test_oa13_a_timer_moved_by_its_own_slot_is_not_early(void **state)
{
    struct worker worker;
    struct traveller traveller = {.to = &worker.thread};
    int64_t started_ns, interval_ns = 40 * MS;

    (void)state;
    worker_start(&worker, "new home");
    probe_init(&traveller.probe, NULL);
    traveller.probe.context = &traveller;
    assert_ok(hy_timer_init(&traveller.timer, &traveller.probe.hy));
    assert_ok(hy_connect(&traveller.timer.events.timeout, &traveller.probe, move_on, HY_DIRECT));
    started_ns = hy_now_ns();
    assert_ok(hy_timer_start(&traveller.timer, interval_ns));
    assert_true(wait_count(&traveller.probe.reached, 2));
    worker_stop(&worker);
    assert_true(traveller.fired_ns[0] >= started_ns + interval_ns);
    assert_true(traveller.fired_ns[1] >= started_ns + 2 * interval_ns);
}

/* --- handles on their way ----------------------------------------------------------------------
 */

struct delivery {
    struct hy_thread *handle, *to;
    bool started;
};

static void make_and_send(void *context)
{
    struct delivery *delivery = context;

    EXPECT_INT(hy_thread_init(delivery->handle, "sent", NULL), 0);
    if (delivery->started)
        EXPECT_INT(hy_thread_start(delivery->handle), 0);
    EXPECT_INT(hy_object_move_to_thread(&delivery->handle->hy, delivery->to), 0);
}

static void quit_app(struct probe *self, struct hy_event *event)
{
    (void)self;
    hy_app_quit((int)(event->type - HY_EVENT_USER));
}

static int run_app(void)
{
    struct hy_app app;
    struct probe probe;
    int code;

    EXPECT_INT(hy_app_init(&app), 0);
    probe_init(&probe, NULL);
    probe.on_event = quit_app;
    EXPECT_INT(hy_post(&probe.hy, E(5), NULL, 0, HY_PRIORITY_NORMAL), 0);
    code = hy_app_exec(&app);
    object_end(&probe.hy);
    hy_app_fini(&app);
    return code;
}

/* Its new home starts it before its loop has seen it arrive. */
static void test_a_handle_is_started_as_it_arrives(void **state)
{
    struct worker maker;
    struct hy_thread handle;
    struct delivery delivery = {&handle, hy_thread_current(), false};

    (void)state;
    worker_start(&maker, "maker");
    run_there(&maker.probe.hy, make_and_send, &delivery);
    assert_ok(hy_thread_start(&handle));
    wait_drain();
    assert_int_equal(run_app(), 5);
    assert_int_equal(hy_thread_get_state(&handle), HY_THREAD_FINISHED);
    hy_thread_fini(&handle);
    worker_stop(&maker);
}

/* The application still knows of the others. */
static void test_a_running_handle_is_ended_as_it_arrives(void **state)
{
    struct worker maker, older;
    struct hy_thread handle;
    struct delivery delivery = {&handle, hy_thread_current(), true};

    (void)state;
    worker_start(&older, "older");
    worker_start(&maker, "maker");
    run_there(&maker.probe.hy, make_and_send, &delivery);
    hy_thread_fini(&handle);
    wait_drain();
    assert_int_equal(run_app(), 5);
    assert_int_equal(hy_thread_get_state(&older.thread), HY_THREAD_FINISHED);
    assert_int_equal(hy_thread_get_state(&maker.thread), HY_THREAD_FINISHED);
    worker_stop(&maker);
    worker_stop(&older);
}

static void end_own_handle(void *context)
{
    struct probe *parent = context;

    EXPECT_INT(hy_object_fini(&hy_thread_current()->hy), -HY_EDEADLK);
    EXPECT_INT(hy_object_destroy(&parent->hy), -HY_EDEADLK); /* nor with its parent */
}

/* Whoever comes may end what is parked; but not the thread its own handle. */
static void test_a_thread_does_not_end_its_own_parked_handle(void **state)
{
    struct hy_thread *thread;
    struct probe *parent = probe_create(NULL);

    (void)state;
    thread = calloc(1, sizeof *thread);
    assert_ok(hy_thread_init(thread, "parked", &parent->hy));
    assert_ok(hy_object_move_to_thread(&parent->hy, NULL));
    assert_ok(hy_thread_start(thread));
    run_there(hy_thread_context(thread), end_own_handle, parent);
    assert_int_equal(hy_thread_get_state(thread), HY_THREAD_RUNNING);
    assert_ok(hy_object_destroy(&parent->hy));
    free(thread);
}

/* --- the very end ------------------------------------------------------------------------------
 */

static int at_ends;

static void count_end(void *context)
{
    (void)context;
    (void)count_up(&at_ends);
}

static void ask_in_fini(struct probe *self)
{
    (void)self;
    EXPECT_INT(hy_thread_at_end(count_end, NULL), 0);
}

static void leave_a_probe(void *context)
{
    struct probe *probe = probe_create(NULL);

    (void)context;
    probe->on_fini = ask_in_fini;
}

static void ask_for_the_end(void *context)
{
    (void)context;
    EXPECT_INT(hy_thread_at_end(leave_a_probe, NULL), 0);
}

static void test_what_is_asked_for_by_the_last_objects_is_called(void **state)
{
    struct worker worker;

    (void)state;
    at_ends = 0;
    worker_start(&worker, "last words");
    run_there(&worker.probe.hy, ask_for_the_end, NULL);
    worker_stop(&worker);
    assert_int_equal(at_ends, 1);
}

static int kept_finis;

static void keep_a_probe(void *context)
{
    probe_create(NULL)->fini_count = context;
}

static void ask_to_keep(void *context)
{
    EXPECT_INT(hy_thread_at_end(keep_a_probe, context), 0);
}

/* HY_FINISH_KEEP keeps what is made at the very end as well, for the next run. */
static void test_what_is_made_at_the_end_is_kept_by_the_policy(void **state)
{
    struct worker worker;

    (void)state;
    kept_finis = 0;
    worker_start(&worker, "keeps");
    assert_ok(hy_thread_set_finish_policy(&worker.thread, HY_FINISH_KEEP));
    run_there(&worker.probe.hy, ask_to_keep, &kept_finis);
    hy_thread_quit(&worker.thread, 0);
    assert_ok(hy_thread_join(&worker.thread, limit()));
    assert_int_equal(kept_finis, 0);
    assert_ok(hy_thread_set_finish_policy(&worker.thread, HY_FINISH_DRAIN));
    assert_ok(hy_thread_start(&worker.thread));
    assert_true(flush_there(&worker.probe.hy));
    assert_int_equal(count_get(&kept_finis), 0);
    worker_stop(&worker);
    assert_int_equal(kept_finis, 1);
}

static int64_t waited_ns, worked_ns;

static void quit_loop(struct probe *self)
{
    hy_loop_quit(self->context, 0);
}

static void wait_in_a_loop(void *context)
{
    struct hy_timer timer;
    struct hy_loop loop;
    struct probe probe;

    (void)context;
    worked_ns = system_thread_cpu_ns();
    waited_ns = hy_now_ns();
    probe_init(&probe, NULL);
    EXPECT_INT(hy_loop_init(&loop), 0);
    probe.context = &loop;
    EXPECT_INT(hy_timer_init(&timer, NULL), 0);
    EXPECT_INT(hy_connect(&timer.events.timeout, &probe, quit_loop, HY_DIRECT), 0);
    EXPECT_INT(hy_timer_start_once(&timer, 300 * MS), 0);
    EXPECT_INT(hy_loop_exec(&loop, 0), 0);
    hy_timer_fini(&timer);
    object_end(&probe.hy);
    waited_ns = hy_now_ns() - waited_ns;
    worked_ns = system_thread_cpu_ns() - worked_ns;
}

static void ask_for_a_loop(void *context)
{
    (void)context;
    EXPECT_INT(hy_thread_at_end(wait_in_a_loop, NULL), 0);
}

static void test_a_loop_at_the_end_sleeps(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "waits");
    run_there(&worker.probe.hy, ask_for_a_loop, NULL);
    worker_stop(&worker);
    assert_true(waited_ns >= 300 * MS);
    assert_true(worked_ns < waited_ns / 5);
}

static void test_a_restart_that_fails_leaves_it_finished(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "big");
    hy_thread_quit(&worker.thread, 0);
    assert_ok(hy_thread_join(&worker.thread, limit()));
    assert_ok(hy_thread_set_stack_size(&worker.thread, SIZE_MAX / 2));
    assert_true(hy_thread_start(&worker.thread) < 0);
    assert_int_equal(hy_thread_get_state(&worker.thread), HY_THREAD_FINISHED);
    assert_int_equal(hy_post(hy_thread_context(&worker.thread), E(1), NULL, 0, HY_PRIORITY_NORMAL),
                     -HY_ESHUTDOWN);
    assert_ok(hy_thread_set_stack_size(&worker.thread, 0));
    assert_ok(hy_thread_start(&worker.thread));
    assert_true(flush_there(hy_thread_context(&worker.thread)));
    worker_stop(&worker);
}

static pthread_key_t slow_key;

static void slow_end(void *context)
{
    gate_wait(context);
}

static void be_slow(void *context)
{
    EXPECT_INT(pthread_setspecific(slow_key, context), 0);
}

/* The thread has finished, all but its thread-local destructors. */
static void test_a_deadline_before_all_time_is_no_wait(void **state)
{
    struct worker worker;
    struct gate go;

    (void)state;
    gate_init(&go);
    assert_int_equal(pthread_key_create(&slow_key, slow_end), 0);
    worker_start(&worker, "slow");
    assert_int_equal(hy_thread_join(&worker.thread, INT64_MIN), -HY_ETIMEDOUT);
    run_there(&worker.probe.hy, be_slow, &go);
    hy_thread_quit(&worker.thread, 0);
    while (hy_thread_get_state(&worker.thread) != HY_THREAD_FINISHED)
        wait_busy_until_ns(hy_now_ns() + MS);
    assert_int_equal(hy_thread_join(&worker.thread, INT64_MIN), -HY_ETIMEDOUT);
    gate_open(&go);
    worker_stop(&worker);
    pthread_key_delete(slow_key);
    gate_fini(&go);
}

struct adopted {
    struct hy_ref ref;
    struct gate made, go;
};

static void *be_adopted(void *context)
{
    struct adopted *adopted = context;

    adopted->ref = hy_ref_to(&hy_thread_current()->hy);
    gate_open(&adopted->made);
    gate_wait(&adopted->go);
    return NULL;
}

/* An adopted thread's handle ends with it, while others ask for it to be destroyed. */
static void test_a_fixed_handle_is_asked_to_end_as_it_does(void **state)
{
    (void)state;
    for (int i = 0; i < check_scaled(200); i++) {
        struct adopted adopted;
        pthread_t thread;
        int rc;

        gate_init(&adopted.made);
        gate_init(&adopted.go);
        assert_int_equal(pthread_create(&thread, NULL, be_adopted, &adopted), 0);
        gate_wait(&adopted.made);
        gate_open(&adopted.go);
        do
            rc = hy_ref_destroy_later(adopted.ref);
        while (rc == -HY_EINVAL);
        EXPECT_INT(rc, -HY_ESHUTDOWN);
        assert_int_equal(pthread_join(thread, NULL), 0);
        hy_ref_release(&adopted.ref);
        gate_fini(&adopted.made);
        gate_fini(&adopted.go);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_oa13_a_timer_moved_by_its_own_slot_is_not_early),
        TEST(test_a_handle_is_started_as_it_arrives),
        TEST(test_a_running_handle_is_ended_as_it_arrives),
        TEST(test_a_thread_does_not_end_its_own_parked_handle),
        TEST(test_what_is_asked_for_by_the_last_objects_is_called),
        TEST(test_what_is_made_at_the_end_is_kept_by_the_policy),
        TEST(test_a_loop_at_the_end_sleeps),
        TEST(test_a_restart_that_fails_leaves_it_finished),
        TEST(test_a_deadline_before_all_time_is_no_wait),
        TEST(test_a_fixed_handle_is_asked_to_end_as_it_does),
    };

    allocator_install();
    return cmocka_run_group_tests_name("lifetimes", tests, NULL, NULL);
}
