/* SPDX-License-Identifier: MIT */
/* Event loops: nesting, quitting, single passes. Rules EL; those of waiting and exclusions are in
 * dispatcher_cases_*.c, for every dispatcher. */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>

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

static void nest_and_quit(struct probe *self, struct hy_event *event)
{
    if (event->type == E(1)) {
        post(self, 2);
        EXPECT_INT(hy_loop_init(&loops[1]), 0);
        EXPECT_INT(hy_loop_exec(&loops[1], 0), 1);
        probe_note(self, 100);
    } else if (event->type == E(2)) {
        post(self, 3);
        hy_loop_quit(&loops[1], 1);
    } else {
        hy_loop_quit(&loops[0], 2);
        post(self, 4);
    }
}

static void test_el07_what_is_queued_is_for_the_enclosing_loop_or_the_next(void **state)
{
    (void)state;
    here.on_event = nest_and_quit;
    assert_ok(hy_loop_init(&loops[0]));
    post(&here, 1);
    assert_int_equal(hy_loop_exec(&loops[0], 0), 2);
    assert_true(PROBE_SAW(&here, E(1), E(2), 100, E(3)));
    here.on_event = quit_with_number;
    assert_int_equal(hy_loop_exec(&loops[0], 0), 4);
    assert_true(PROBE_SAW(&here, E(1), E(2), 100, E(3), E(4)));
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

static void test_el16_posts_from_another_thread_wake_the_loop(void **state)
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

static void test_el03_a_loop_is_executed_again(void **state)
{
    (void)state;
    here.on_event = quit_with_number;
    assert_ok(hy_loop_init(&loops[0]));
    for (uint32_t round = 1; round < 5; round++) {
        post(&here, round);
        assert_int_equal(hy_loop_exec(&loops[0], 0), (int)round);
        assert_int_equal(here.count, (int)round);
    }
}

/* --- quitting from inside ----------------------------------------------------------------------
 */

static void quit_in_nested_process(struct probe *self, struct hy_event *event)
{
    if (event->type == E(1)) {
        post(self, 2);
        EXPECT_INT(wait_process(0), 2); /* 3, which came first, and 2 */
        probe_note(self, 100);
    } else if (event->type == E(2)) {
        hy_loop_quit(&loops[0], 6);
        hy_thread_wake(hy_thread_current());
    }
}

static void test_el23_a_quit_in_a_nested_process_ends_the_loop(void **state)
{
    (void)state;
    here.on_event = quit_in_nested_process;
    assert_ok(hy_loop_init(&loops[0]));
    post(&here, 1);
    post(&here, 3);
    assert_int_equal(hy_loop_exec(&loops[0], 0), 6);
    assert_true(PROBE_SAW(&here, E(1), E(3), E(2), 100));
}

static void quit_the_thread_and_nest(struct probe *self, struct hy_event *event)
{
    struct hy_loop nested;

    (void)event;
    hy_thread_quit(hy_thread_current(), 5);
    EXPECT_INT(hy_loop_init(&nested), 0);
    probe_note(self, hy_loop_exec(&nested, 0));
    EXPECT_INT(hy_loop_begin(&nested, 0), -HY_ESHUTDOWN);
}

static void *quit_that_thread(void *context)
{
    hy_thread_quit(context, 7);
    return NULL;
}

static void nest_and_be_quit(struct probe *self, struct hy_event *event)
{
    struct hy_loop nested;
    pthread_t thread;

    (void)event;
    EXPECT_INT(pthread_create(&thread, NULL, quit_that_thread, hy_thread_current()), 0);
    EXPECT_INT(hy_loop_init(&nested), 0);
    (void)hy_loop_exec(&nested, 0); /* 7, or refused when the other was faster */
    EXPECT_INT(pthread_join(thread, NULL), 0);
    probe_note(self, 70);
}

/* A quit is a state of the thread: it is neither removed nor hidden by a loop that begins. */
static void test_el24_a_quit_before_a_nested_loop_is_kept(void **state)
{
    (void)state;
    here.on_event = quit_the_thread_and_nest;
    post(&here, 1);
    assert_int_equal(hy_thread_exec(), 5);
    assert_true(PROBE_SAW(&here, E(1), -HY_ESHUTDOWN));
    here.on_event = nest_and_be_quit;
    for (int i = 0; i < check_scaled(50); i++) {
        here.count = 0;
        post(&here, 1);
        assert_int_equal(hy_thread_exec(), 7);
        assert_true(PROBE_SAW(&here, E(1), 70));
    }
}

/* --- holds --------------------------------------------------------------------------------------
 */

static void release_twice(struct probe *self, struct hy_event *event)
{
    (void)event;
    hy_loop_release(&loops[0]);
    probe_note(self, 1);
}

static void *release_elsewhere(void *context)
{
    hy_loop_release(context);
    return NULL;
}

static void release_in_a_thread(struct probe *self, struct hy_event *event)
{
    (void)event;
    EXPECT_INT(pthread_create(self->context, NULL, release_elsewhere, &loops[0]), 0);
}

static void release_and_go_on(struct probe *self, struct hy_event *event)
{
    hy_loop_release(&loops[0]);
    if (event->type < E(5))
        post(self, event->type - HY_EVENT_USER + 1); /* for the next pass */
}

static void test_el26_holds_add_up(void **state)
{
    (void)state;
    assert_ok(hy_loop_init(&loops[0]));
    for (int i = 0; i < 3; i++)
        hy_loop_hold(&loops[0]);
    here.on_event = release_and_go_on;
    post(&here, 1);
    assert_int_equal(hy_loop_exec(&loops[0], 0), 0);
    assert_true(PROBE_SAW(&here, E(1), E(2), E(3))); /* neither before nor after the third */
    wait_drain();
}

static void test_el26_the_last_release_ends_the_loop(void **state)
{
    pthread_t thread;

    (void)state;
    assert_ok(hy_loop_init(&loops[0]));
    hy_loop_release(&loops[0]); /* none is held: nothing happens */
    hy_loop_hold(&loops[0]);
    hy_loop_release(&loops[0]); /* outside: neither */
    hy_loop_hold(&loops[0]);
    hy_loop_hold(&loops[0]);
    here.on_event = release_twice;
    post(&here, 1);
    assert_int_equal(hy_process(0, HY_FOREVER), 1); /* the loop does not execute */
    post(&here, 2);
    assert_int_equal(hy_loop_exec(&loops[0], 0), 0);
    assert_true(PROBE_SAW(&here, E(1), 1, E(2), 1));
    here.on_event = release_in_a_thread;
    here.context = &thread;
    for (int i = 0; i < check_scaled(50); i++) {
        hy_loop_hold(&loops[0]);
        post(&here, 3);
        assert_int_equal(hy_loop_exec(&loops[0], 0), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
}

static void test_flags_that_no_loop_takes(void **state)
{
    (void)state;
    assert_ok(hy_loop_init(&loops[0]));
    assert_int_equal(hy_loop_exec(&loops[0], HY_PROCESS_WAIT), -HY_EINVAL);
    assert_int_equal(hy_loop_prepare(&loops[0], NULL), -HY_EINVAL); /* it does not execute */
    assert_int_equal(hy_loop_dispatch(&loops[0]), -HY_EINVAL);
    assert_int_equal(hy_loop_descriptor(&loops[0]), -HY_EINVAL);
    assert_int_equal(hy_loop_wait(&loops[0], 0), -HY_EINVAL);
    assert_int_equal(hy_process(1 << 20, HY_FOREVER), -HY_EINVAL);
}

static void end_its_loop(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    EXPECT_INT(hy_loop_end(&loops[0]), -HY_EBUSY);
    hy_loop_quit(&loops[0], 4);
}

static void test_a_handler_does_not_end_its_loop(void **state)
{
    (void)state;
    here.on_event = end_its_loop;
    assert_ok(hy_loop_init(&loops[0]));
    post(&here, 1);
    assert_int_equal(hy_loop_exec(&loops[0], 0), 4);
    assert_ok(hy_loop_begin(&loops[0], 0));
    post(&here, 2);
    assert_int_equal(hy_loop_dispatch(&loops[0]), 1);
    assert_int_equal(hy_loop_end(&loops[0]), 4);
}

#define NO_DESCRIPTOR "a loop on Windows' message queue has no descriptor to wait for"

static bool is_readable(int descriptor)
{
    struct pollfd polled = {.fd = descriptor, .events = POLLIN};

    return poll(&polled, 1, 0) == 1;
}

static void *posts_once(void *context)
{
    EXPECT_INT(hy_post(context, E(1), NULL, 0, HY_PRIORITY_NORMAL), 0);
    return NULL;
}

/* What another thread posted before the descriptor was asked for makes it readable too. */
static void test_a_post_before_the_descriptor(void **state)
{
    struct probe probe;
    int64_t deadline_ns = 0;
    pthread_t thread;

    (void)state;
    SKIP_ON_WINDOWS(NO_DESCRIPTOR);
    probe_init(&probe, NULL);
    assert_ok(hy_loop_init(&loops[0]));
    assert_ok(hy_loop_begin(&loops[0], 0));
    assert_int_equal(pthread_create(&thread, NULL, posts_once, &probe.hy), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(is_readable(hy_loop_descriptor(&loops[0])));
    assert_int_equal(hy_loop_prepare(&loops[0], &deadline_ns), 1);
    while (probe.count == 0)
        assert_ok(hy_loop_dispatch(&loops[0]));
    assert_int_equal(hy_loop_prepare(&loops[0], &deadline_ns), 0);
    assert_true(deadline_ns == HY_FOREVER);
    assert_int_equal(hy_loop_end(&loops[0]), 0);
    object_end(&probe.hy);
}

/* A foreign loop inside a handler may look at nothing else. */
static void test_an_own_quit_makes_the_descriptor_readable(void **state)
{
    int descriptor;

    (void)state;
    SKIP_ON_WINDOWS(NO_DESCRIPTOR);
    assert_ok(hy_loop_init(&loops[0]));
    assert_ok(hy_loop_begin(&loops[0], 0));
    descriptor = hy_loop_descriptor(&loops[0]);
    assert_ok(descriptor);
    for (int i = 0; i < 2; i++) /* what came before */
        assert_int_equal(hy_loop_dispatch(&loops[0]), 0);
    assert_false(is_readable(descriptor));
    hy_loop_quit(&loops[0], 2);
    assert_true(is_readable(descriptor));
    assert_int_equal(hy_loop_end(&loops[0]), 2);
    assert_ok(hy_loop_begin(&loops[0], 0));
    assert_int_equal(hy_loop_descriptor(&loops[0]), descriptor);
    for (int i = 0; i < 2; i++)
        assert_int_equal(hy_loop_dispatch(&loops[0]), 0);
    assert_false(is_readable(descriptor));
    hy_thread_quit(hy_thread_current(), 3);
    assert_true(is_readable(descriptor));
    assert_int_equal(hy_loop_end(&loops[0]), 3);
    assert_int_equal(hy_thread_exec(), 3); /* uses the quit up */
}

static void *post_from_elsewhere(void *context)
{
    post(context, 5);
    return NULL;
}

/* Of two loops in each other the outer one is asked for its descriptor last. */
static void test_a_descriptor_is_watched_until_its_own_loop_ends(void **state)
{
    int descriptor;
    pthread_t thread;

    (void)state;
    SKIP_ON_WINDOWS(NO_DESCRIPTOR);
    for (int i = 0; i < 2; i++) {
        assert_ok(hy_loop_init(&loops[i]));
        assert_ok(hy_loop_begin(&loops[i], 0));
    }
    assert_ok(hy_loop_descriptor(&loops[1]));
    descriptor = hy_loop_descriptor(&loops[0]);
    assert_ok(descriptor);
    assert_int_equal(hy_loop_end(&loops[1]), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(hy_loop_dispatch(&loops[0]), 0);
    assert_false(is_readable(descriptor));
    assert_int_equal(pthread_create(&thread, NULL, post_from_elsewhere, &here), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(is_readable(descriptor));
    assert_int_equal(hy_loop_dispatch(&loops[0]), 1);
    assert_int_equal(hy_loop_end(&loops[0]), 0);
}

/* What the loop leaves alone is not there to be dispatched. */
static void test_el18_a_wait_in_parts_does_not_tell_of_what_is_excluded(void **state)
{
    struct hy_timer due;

    (void)state;
    assert_ok(hy_timer_init(&due, NULL));
    assert_ok(hy_timer_start_at(&due, hy_now_ns()));
    assert_ok(hy_loop_init(&loops[0]));
    assert_ok(hy_loop_begin(&loops[0], HY_PROCESS_EXCLUDE_TIMERS));
    assert_int_equal(hy_loop_wait(&loops[0], hy_now_ns() + HY_MILLISECOND), 0);
    assert_int_equal(hy_loop_end(&loops[0]), 0);
    hy_timer_fini(&due);
    assert_ok(hy_loop_begin(&loops[0], HY_PROCESS_EXCLUDE_POSTED));
    for (int own = 0; own < 2; own++) {
        pthread_t thread;

        if (own != 0)
            post(&here, 6);
        else {
            assert_int_equal(pthread_create(&thread, NULL, post_from_elsewhere, &here), 0);
            assert_int_equal(pthread_join(thread, NULL), 0);
        }
        assert_int_equal(hy_loop_wait(&loops[0], hy_now_ns() + HY_MILLISECOND), 0);
    }
    assert_int_equal(hy_loop_end(&loops[0]), 0);
    wait_drain();
    assert_true(PROBE_SAW(&here, E(5), E(6)));
}

/* Loops in parts that are nested end inside out. */
static void test_loops_in_parts_unwind_inside_out(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_ok(hy_loop_init(&loops[i]));
        assert_ok(hy_loop_begin(&loops[i], 0));
    }
    assert_int_equal(hy_loop_depth(), 2);
    assert_int_equal(hy_loop_end(&loops[0]), -HY_EBUSY);
    hy_loop_quit(&loops[1], 3);
    assert_int_equal(hy_loop_end(&loops[1]), 3);
    assert_int_equal(hy_loop_end(&loops[0]), 0);
    assert_int_equal(hy_loop_depth(), 0);
}

static struct hy_timer timer;
static int ticks;

static void tick(struct probe *self)
{
    (void)self;
    ticks++;
}

/* A foreign loop in a handler of loop 1, which has been asked to quit; it waits for a timer. */
static void run_a_foreign_loop(struct probe *self, struct hy_event *event)
{
    int64_t limit_ns = hy_now_ns() + 5 * HY_SECOND;
    struct pollfd polled = {.fd = hy_loop_descriptor(&loops[0]), .events = POLLIN};
    int turns = 0;

    (void)self;
    if (event->type != E(2))
        return;
    hy_loop_quit(&loops[1], 7);
    EXPECT_INT(hy_timer_start_once(&timer, 20 * HY_MILLISECOND), 0);
    for (; ticks == 0 && EXPECT(hy_now_ns() < limit_ns); turns++) {
        int pending = hy_loop_prepare(&loops[0], NULL);

        if (EXPECT(pending >= 0) && pending == 0)
            (void)poll(&polled, 1, 5000);
        EXPECT(hy_loop_dispatch(&loops[0]) >= 0);
    }
    EXPECT(turns < 10); /* it slept */
}

static void nest_a_loop(struct probe *self, struct hy_event *event)
{
    if (event->type != E(1))
        return;
    self->on_event = run_a_foreign_loop;
    post(self, 2);
    EXPECT_INT(hy_loop_exec(&loops[1], 0), 7);
}

/* The loop of the library that is to end cannot, before the foreign one inside it has; so that one
 * is served. */
static void test_a_foreign_loop_outlives_the_request_to_quit(void **state)
{
    (void)state;
    SKIP_ON_WINDOWS(NO_DESCRIPTOR);
    ticks = 0;
    assert_ok(hy_timer_init(&timer, NULL));
    assert_ok(hy_connect(&timer.events.timeout, &here, tick, HY_DIRECT));
    for (int i = 0; i < 2; i++)
        assert_ok(hy_loop_init(&loops[i]));
    here.on_event = nest_a_loop;
    assert_ok(hy_loop_begin(&loops[0], 0));
    assert_ok(hy_loop_descriptor(&loops[0]));
    post(&here, 1);
    assert_int_equal(hy_loop_dispatch(&loops[0]), 1);
    assert_int_equal(ticks, 1);
    assert_int_equal(hy_loop_end(&loops[0]), 0);
    hy_timer_fini(&timer);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

/* --- loops that are begun and left --------------------------------------------------------------
 */

static struct hy_loop left[2];
static int complaints;

static void count_complaints(enum hy_log_level level, const char *category, const char *message)
{
    (void)message;
    if (level == HY_LOG_ERROR && strcmp(category, "loop") == 0)
        complaints++;
}

static void begin_and_leave(struct probe *self, struct hy_event *event)
{
    struct hy_loop *outer = self->context;

    if (event->type == E(3)) {
        hy_loop_quit(outer, 4);
        return;
    }
    for (int i = 0; i < 2; i++) {
        EXPECT_INT(hy_loop_init(&left[i]), 0);
        EXPECT_INT(hy_loop_begin(&left[i], HY_PROCESS_EXCLUDE_TIMERS), 0);
    }
    if (event->type == E(2)) /* in the very handler */
        hy_loop_quit(outer, 4);
    else
        EXPECT_INT(hy_post(&self->hy, E(3), NULL, 0, HY_PRIORITY_NORMAL), 0);
}

static void begin_in_a_hook(struct probe *self)
{
    struct hy_event event = {.type = E(1)};

    if (count_up(&self->reached) == 1)
        begin_and_leave(self, &event);
}

/* The loop around them would be deaf to its quit. */
static void test_loops_that_a_handler_leaves_are_ended(void **state)
{
    struct hy_signal_base *hook = &hy_thread_current()->events.about_to_block.sig;
    struct hy_loop outer;
    struct probe probe;

    (void)state;
    probe_init(&probe, NULL);
    probe.on_event = begin_and_leave;
    probe.context = &outer;
    complaints = 0;
    hy_log_set_handler(count_complaints);
    assert_ok(hy_loop_init(&outer));
    for (uint32_t how = 1; how <= 2; how++) {
        assert_ok(hy_post(&probe.hy, E(how), NULL, 0, HY_PRIORITY_NORMAL));
        assert_int_equal(hy_loop_exec(&outer, 0), 4);
        assert_int_equal(complaints, 2 * (int)how);
        assert_int_equal(hy_loop_depth(), 0);
        assert_int_equal(hy_loop_end(&left[1]), -HY_EINVAL); /* it does not execute */
    }
    probe.reached = 0;
    assert_ok(hy_connect(&hy_thread_current()->events.about_to_block, &probe, begin_in_a_hook,
                         HY_DIRECT));
    assert_int_equal(hy_loop_exec(&outer, 0), 4);
    assert_int_equal(complaints, 6);
    assert_int_equal(hy_signal_disconnect(hook, &probe.hy, NULL), 1);
    assert_ok(hy_post(&probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    assert_int_equal(hy_process(0, HY_FOREVER), 1); /* without any loop around */
    assert_int_equal(complaints, 8);
    assert_int_equal(hy_loop_depth(), 0);
    object_end(&probe.hy);
    hy_log_set_handler(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_el02_exec_returns_the_code),
        CASE(test_el04_a_quit_from_before_is_forgotten),
        CASE(test_el05_a_loop_is_not_executed_twice),
        CASE(test_el06_quit_from_another_thread_wakes_the_loop),
        CASE(test_el07_what_is_queued_stays_queued),
        CASE(test_el07_what_is_queued_is_for_the_enclosing_loop_or_the_next),
        CASE(test_el08_loops_unwind_inside_out),
        CASE(test_el09_posts_are_delivered_in_the_nested_loop),
        CASE(test_el16_posts_from_another_thread_wake_the_loop),
        CASE(test_el01_a_loop_belongs_to_its_thread),
        CASE(test_an_idle_loop_sleeps),
        CASE(test_el03_a_loop_is_executed_again),
        CASE(test_el23_a_quit_in_a_nested_process_ends_the_loop),
        CASE(test_el24_a_quit_before_a_nested_loop_is_kept),
        CASE(test_el26_holds_add_up),
        CASE(test_el26_the_last_release_ends_the_loop),
        CASE(test_flags_that_no_loop_takes),
        CASE(test_loops_in_parts_unwind_inside_out),
        CASE(test_a_descriptor_is_watched_until_its_own_loop_ends),
        CASE(test_el18_a_wait_in_parts_does_not_tell_of_what_is_excluded),
        CASE(test_a_foreign_loop_outlives_the_request_to_quit),
        CASE(test_a_handler_does_not_end_its_loop),
        CASE(test_a_post_before_the_descriptor),
        CASE(test_an_own_quit_makes_the_descriptor_readable),
        CASE(test_loops_that_a_handler_leaves_are_ended),
    };

    allocator_install();
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
