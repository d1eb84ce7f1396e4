/* SPDX-License-Identifier: MIT */
/* Event loops: nesting, quitting, single passes. Rules EL, TH-07. */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <pthread.h>

#define E(n) (HY_EVENT_USER + (n))

static struct probe here;
static struct hy_loop loops[4];

static int setup(void **state)
{
    probe_init(&here, NULL);
    return check_setup(state);
}

static int teardown(void **state)
{
    object_end(&here.hy);
    return check_teardown(state);
}

static void post(struct probe *probe, uint32_t number)
{
    EXPECT_INT(hy_post(&probe->hy, E(number), NULL, 0, HY_PRIORITY_NORMAL), 0);
}

/* Event n: quits loops[0] with code n. */
static void quit_with_number(struct probe *self, struct hy_event *event)
{
    (void)self;
    hy_loop_quit(&loops[0], (int)(event->type - HY_EVENT_USER));
}

/* Rules: EL-03. */
static void test_el02_exec_returns_the_code(void **state)
{
    (void)state;
    here.on_event = quit_with_number;
    assert_ok(hy_loop_init(&loops[0]));
    for (uint32_t code = 0; code < 4; code++) { /* EL-03: again and again */
        post(&here, code);
        assert_int_equal(hy_loop_exec(&loops[0], 0), (int)code);
    }
}

static void test_el04_a_quit_from_before_is_forgotten(void **state)
{
    (void)state;
    here.on_event = quit_with_number;
    assert_ok(hy_loop_init(&loops[0]));
    hy_loop_quit(&loops[0], 7);
    post(&here, 3);
    assert_int_equal(hy_loop_exec(&loops[0], 0), 3);
    assert_int_equal(here.count, 1);
}

static void exec_again(struct probe *self, struct hy_event *event)
{
    (void)self;
    if (event->type == E(1)) {
        EXPECT_INT(hy_loop_exec(&loops[0], 0), -HY_EBUSY);
        EXPECT_INT(hy_loop_depth(), 1);
    } else {
        hy_loop_quit(&loops[0], 5);
    }
}

static void test_el05_a_loop_is_not_executed_twice(void **state)
{
    (void)state;
    here.on_event = exec_again;
    assert_ok(hy_loop_init(&loops[0]));
    post(&here, 1);
    post(&here, 2);
    assert_int_equal(hy_loop_exec(&loops[0], 0), 5); /* the outer run is unharmed */
    assert_int_equal(hy_loop_depth(), 0);
}

static void *quit_from_a_plain_thread(void *context)
{
    hy_loop_quit(&loops[0], *(int *)context);
    return NULL;
}

static void start_quitter(struct probe *self, struct hy_event *event)
{
    static int code = 9;

    (void)event;
    EXPECT_INT(pthread_create(self->context, NULL, quit_from_a_plain_thread, &code), 0);
}

static void test_el06_quit_from_another_thread_wakes_the_loop(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        pthread_t thread;

        assert_ok(hy_loop_init(&loops[0]));
        here.on_event = start_quitter;
        here.context = &thread;
        post(&here, 1);
        assert_int_equal(hy_loop_exec(&loops[0], 0), 9);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
}

static void quit_between(struct probe *self, struct hy_event *event)
{
    if (event->type == E(1)) {
        post(self, 2); /* for the next pass */
        hy_loop_quit(&loops[0], 1);
    }
}

static void test_el07_what_is_queued_stays_queued(void **state)
{
    (void)state;
    here.on_event = quit_between;
    assert_ok(hy_loop_init(&loops[0]));
    post(&here, 1);
    assert_int_equal(hy_loop_exec(&loops[0], 0), 1);
    assert_int_equal(here.count, 1);
    wait_drain();
    assert_true(PROBE_SAW(&here, E(1), E(2)));
}

/* Three loops inside each other; the outermost is told to quit first. */
static void unwind(struct probe *self, struct hy_event *event)
{
    int level = (int)(event->type - HY_EVENT_USER);

    EXPECT_INT(hy_loop_depth(), level);
    if (level == 3) {
        hy_loop_quit(&loops[0], 10); /* the outer first */
        hy_loop_quit(&loops[1], 11);
        EXPECT_INT(hy_process(0, HY_FOREVER), 0);
        hy_loop_quit(&loops[2], 12);
        return;
    }
    post(self, (uint32_t)level + 1);
    EXPECT_INT(hy_loop_init(&loops[level]), 0);
    probe_note(self, 100 + hy_loop_exec(&loops[level], 0));
    EXPECT_INT(hy_loop_depth(), level);
}

static void test_el08_loops_unwind_inside_out(void **state)
{
    (void)state;
    here.on_event = unwind;
    assert_ok(hy_loop_init(&loops[0]));
    post(&here, 1);
    assert_int_equal(hy_loop_exec(&loops[0], 0), 10);
    assert_true(PROBE_SAW(&here, E(1), E(2), E(3), 112, 111));
}

static void nest_twice(struct probe *self, struct hy_event *event)
{
    if (event->type == E(1)) {
        post(self, 2);
        EXPECT_INT(hy_loop_init(&loops[1]), 0);
        EXPECT_INT(hy_loop_exec(&loops[1], 0), 20);
        EXPECT_INT(self->count, 4);
        hy_loop_quit(&loops[0], 10);
    } else if (event->type == E(2)) {
        post(self, 3);
        EXPECT_INT(hy_loop_init(&loops[2]), 0);
        EXPECT_INT(hy_loop_exec(&loops[2], 0), 30);
        post(self, 4);
    } else if (event->type == E(3)) {
        hy_loop_quit(&loops[2], 30);
    } else {
        hy_loop_quit(&loops[1], 20);
    }
}

static void test_el09_posts_are_delivered_in_the_nested_loop(void **state)
{
    (void)state;
    here.on_event = nest_twice;
    assert_ok(hy_loop_init(&loops[0]));
    post(&here, 1);
    assert_int_equal(hy_loop_exec(&loops[0], 0), 10);
    assert_true(PROBE_SAW(&here, E(1), E(2), E(3), E(4)));
}

static void test_el10_process_without_wait_never_blocks(void **state)
{
    (void)state;
    assert_int_equal(hy_process(0, HY_FOREVER), 0);
    post(&here, 1);
    assert_int_equal(hy_process(0, HY_FOREVER), 1);
    post(&here, 2);
    assert_int_equal(hy_process(HY_PROCESS_WAIT, HY_FOREVER), 1); /* something is queued */
    assert_int_equal(here.count, 2);
}

static void test_process_waits_until_its_deadline(void **state)
{
    int64_t deadline_ns = hy_now_ns() + 5 * HY_MILLISECOND;
    int ran = 0;

    (void)state;
    while (hy_now_ns() < deadline_ns)
        ran += hy_process(HY_PROCESS_WAIT, deadline_ns);
    assert_int_equal(ran, 0);
    assert_ok(hy_process(HY_PROCESS_WAIT, 0)); /* long past */
}

static void test_el13_zero_timers_keep_no_drain_busy_for_ever(void **state)
{
    struct hy_timer zero;
    int passes = 0;

    (void)state;
    assert_ok(hy_timer_init(&zero, NULL));
    assert_ok(hy_connect(&zero.events.timeout, &here, probe_nothing, HY_AUTO));
    assert_ok(hy_timer_start(&zero, 0));
    for (int i = 1; i <= 10; i++) { /* each pass fires it, and says that nothing was done */
        assert_int_equal(hy_process(HY_PROCESS_WAIT, HY_FOREVER), 0); /* TM-09: nor does it block */
        assert_int_equal(here.count, i);
    }
    for (uint32_t i = 1; i <= 3; i++)
        post(&here, i);
    while (hy_process(0, HY_FOREVER) > 0 && passes < 1000)
        passes++;
    assert_true(passes >= 1 && passes <= 3); /* the posts, and then it has come to its end */
    assert_true(hy_timer_is_running(&zero));
    object_end(&zero.hy);
}

static void quit_when_enough(struct probe *self, struct hy_event *event)
{
    (void)event;
    if (self->count == 200)
        hy_loop_quit(&loops[0], 0);
}

static void *post_200(void *context)
{
    for (int i = 0; i < 200; i++)
        post(context, 1);
    return NULL;
}

static void test_posts_from_another_thread_wake_the_loop(void **state)
{
    pthread_t thread;

    (void)state;
    here.on_event = quit_when_enough;
    assert_ok(hy_loop_init(&loops[0]));
    assert_int_equal(pthread_create(&thread, NULL, post_200, &here), 0);
    assert_int_equal(hy_loop_exec(&loops[0], 0), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(here.count, 200);
}

static void exec_foreign(void *context)
{
    EXPECT_INT(hy_loop_exec(context, 0), -HY_EWRONGTHREAD);
    EXPECT_INT(hy_loop_depth(), 1); /* that of the worker's own loop */
}

static void note_depth_and_quit(struct probe *self, struct hy_event *event)
{
    (void)event;
    probe_note(self, hy_loop_depth());
    hy_loop_quit(&loops[0], 0);
}

static void test_el01_a_loop_belongs_to_its_thread(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "other");
    assert_ok(hy_loop_init(&loops[0]));
    run_there(&worker.probe.hy, exec_foreign, &loops[0]);
    worker_stop(&worker);
    assert_int_equal(hy_loop_depth(), 0);
    here.on_event = note_depth_and_quit;
    post(&here, 1);
    assert_ok(hy_loop_exec(&loops[0], 0)); /* here it runs, one level up, and comes down again */
    assert_true(PROBE_SAW(&here, E(1), 1));
    assert_int_equal(hy_loop_depth(), 0);
}

static void test_an_idle_loop_sleeps(void **state)
{
    struct hy_timer once;
    int64_t cpu_ns;

    (void)state;
    here.on_event = quit_with_number;
    assert_ok(hy_loop_init(&loops[0]));
    assert_ok(hy_timer_init(&once, NULL));
    here.on_slot = NULL;
    assert_ok(hy_connect(&once.events.timeout, &here, probe_nothing, HY_AUTO));
    assert_ok(hy_timer_start_once(&once, 300 * HY_MILLISECOND));
    cpu_ns = system_thread_cpu_ns();
    while (here.count == 0)
        assert_ok(hy_process(HY_PROCESS_WAIT, HY_FOREVER));
    assert_true(system_thread_cpu_ns() - cpu_ns < 150 * HY_MILLISECOND);
    object_end(&once.hy);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_el02_exec_returns_the_code),
        CASE(test_el04_a_quit_from_before_is_forgotten),
        CASE(test_el05_a_loop_is_not_executed_twice),
        CASE(test_el06_quit_from_another_thread_wakes_the_loop),
        CASE(test_el07_what_is_queued_stays_queued),
        CASE(test_el08_loops_unwind_inside_out),
        CASE(test_el09_posts_are_delivered_in_the_nested_loop),
        CASE(test_el10_process_without_wait_never_blocks),
        CASE(test_process_waits_until_its_deadline),
        CASE(test_el13_zero_timers_keep_no_drain_busy_for_ever),
        CASE(test_posts_from_another_thread_wake_the_loop),
        CASE(test_el01_a_loop_belongs_to_its_thread),
        CASE(test_an_idle_loop_sleeps),
    };

    allocator_install();
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
