/* SPDX-License-Identifier: MIT */
/*
 * Timers. Rules TM and OA-13. Time is asserted in one direction only: no timer fires early. How
 * late one fires is up to the machine.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#define MS HY_MILLISECOND

static struct probe here, other;
static struct hy_timer timer, second;
static struct hy_loop loop;

static int setup(void **state)
{
    probe_init(&here, NULL);
    probe_init(&other, NULL);
    EXPECT_INT(hy_timer_init(&timer, NULL), 0);
    EXPECT_INT(hy_timer_init(&second, NULL), 0);
    EXPECT_INT(hy_connect(&timer.events.timeout, &here, probe_nothing, HY_AUTO), 0);
    EXPECT_INT(hy_connect(&second.events.timeout, &other, probe_nothing, HY_AUTO), 0);
    return check_setup(state);
}

static int teardown(void **state)
{
    hy_timer_fini(&timer);
    object_end(&second.hy);
    object_end(&here.hy);
    object_end(&other.hy);
    return check_teardown(state);
}

/* --- basics ----------------------------------------------------------------------------------- */

static void expect_stopped(struct probe *self, int64_t value)
{
    (void)self;
    (void)value;
    EXPECT(!hy_timer_is_running(&timer));
    EXPECT_INT(hy_timer_remaining_ns(&timer), -1);
}

static void test_tm01_single_shot_fires_once(void **state)
{
    (void)state;
    here.on_slot = expect_stopped;
    assert_false(hy_timer_is_running(&timer));
    assert_ok(hy_timer_start_once(&timer, 2 * MS));
    assert_true(hy_timer_is_running(&timer));
    assert_true(wait_count(&here.reached, 1));
    wait_until_ns(hy_now_ns() + 10 * MS);
    assert_int_equal(here.count, 1);
    assert_false(hy_timer_is_running(&timer));
}

static void expect_running(struct probe *self, int64_t value)
{
    int64_t remaining_ns = hy_timer_remaining_ns(&timer);

    (void)self;
    (void)value;
    EXPECT(hy_timer_is_running(&timer));
    EXPECT(remaining_ns >= 0 && remaining_ns <= 3600 * HY_SECOND);
}

static void test_tm01_periodic_fires_repeatedly(void **state)
{
    (void)state;
    here.on_slot = expect_running;
    assert_ok(hy_timer_start(&timer, MS));
    assert_true(wait_count(&here.reached, 10));
    assert_ok(hy_timer_stop(&timer));
    assert_false(hy_timer_is_running(&timer));
    wait_until_ns(hy_now_ns() + 5 * MS);
    assert_int_equal(here.count, 10);
    assert_ok(hy_timer_stop(&timer)); /* left alone */
}

static void expect_a_new_period(struct probe *self, int64_t value)
{
    int64_t remaining_ns = hy_timer_remaining_ns(&timer);

    (void)self;
    (void)value;
    EXPECT(remaining_ns > 0 && remaining_ns <= 20 * MS);
}

static void test_tm12_remaining_time(void **state)
{
    int64_t remaining_ns;

    (void)state;
    assert_int_equal(hy_timer_remaining_ns(&timer), -1);
    hy_timer_set_accuracy(&timer, HY_TIMER_PRECISE);
    assert_ok(hy_timer_start(&timer, 3600 * HY_SECOND));
    remaining_ns = hy_timer_remaining_ns(&timer);
    assert_true(remaining_ns > 0 && remaining_ns <= 3600 * HY_SECOND);
    assert_ok(hy_timer_start_at(&timer, hy_now_ns() - MS));
    assert_int_equal(hy_timer_remaining_ns(&timer), 0); /* overdue */
    assert_true(wait_count(&here.reached, 1));
    assert_int_equal(hy_timer_remaining_ns(&timer), -1); /* start_at fires once */
    here.on_slot = expect_a_new_period;
    assert_ok(hy_timer_start(&timer, 20 * MS));
    assert_true(wait_count(&here.reached, 2));
    here.on_slot = expect_stopped;
    assert_ok(hy_timer_start_once(&timer, MS));
    assert_true(wait_count(&here.reached, 3));
}

static void test_tm18_negative_is_refused(void **state)
{
    (void)state;
    assert_int_equal(hy_timer_start(&timer, -1), -HY_EINVAL);
    assert_int_equal(hy_timer_start_once(&timer, -1), -HY_EINVAL);
    assert_false(hy_timer_is_running(&timer));
    assert_ok(hy_timer_start(&timer, MS));
    assert_int_equal(hy_timer_start(&timer, -5), -HY_EINVAL);
    assert_true(hy_timer_is_running(&timer)); /* nothing changed */
}

static void test_huge_intervals_do_not_overflow(void **state)
{
    (void)state;
    assert_ok(hy_timer_start(&timer, INT64_MAX));
    assert_ok(hy_timer_start_once(&second, INT64_MAX - 1));
    wait_drain();
    assert_int_equal(here.count + other.count, 0);
    assert_true(hy_timer_remaining_ns(&timer) > HY_SECOND);
    assert_true(hy_timer_remaining_ns(&second) > HY_SECOND);
}

static void test_a_deadline_before_all_time_is_due_at_once(void **state)
{
    (void)state;
    assert_ok(hy_timer_start_at(&timer, INT64_MIN));
    assert_int_equal(hy_timer_remaining_ns(&timer), 0);
    assert_true(wait_count(&here.reached, 1));
    assert_int_equal(here.count, 1);
}

static void call_wrongly(void *context)
{
    struct hy_timer *there = context;

    EXPECT_INT(hy_timer_start(there, MS), -HY_EWRONGTHREAD);
    EXPECT_INT(hy_timer_start_once(there, MS), -HY_EWRONGTHREAD);
    EXPECT_INT(hy_timer_start_at(there, 0), -HY_EWRONGTHREAD);
    EXPECT_INT(hy_timer_stop(there), -HY_EWRONGTHREAD);
}

static void test_tm17_other_threads_are_refused(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "other");
    run_there(&worker.probe.hy, call_wrongly, &timer);
    assert_ok(hy_timer_start(&timer, 3600 * HY_SECOND));
    run_there(&worker.probe.hy, call_wrongly, &timer);
    assert_true(hy_timer_is_running(&timer));
    worker_stop(&worker);
}

static void test_start_of_a_dead_timer(void **state)
{
    (void)state;
    assert_ok(hy_timer_start(&timer, MS));
    hy_timer_fini(&timer);
    hy_timer_fini(&timer);
    assert_int_equal(hy_timer_start(&timer, MS), -HY_ESHUTDOWN);
    wait_until_ns(hy_now_ns() + 5 * MS);
    assert_int_equal(here.count, 0);
}

static void test_a_child_timer_ends_with_its_parent(void **state)
{
    struct probe *parent = probe_create(NULL);
    struct hy_timer child;

    (void)state;
    assert_ok(hy_timer_init(&child, &parent->hy));
    assert_ok(hy_connect(&child.events.timeout, &here, probe_nothing, HY_AUTO));
    assert_ok(hy_timer_start(&child, 0));
    object_end(&parent->hy);
    wait_drain();
    assert_int_equal(here.count, 0);
}

/* --- never early ------------------------------------------------------------------------------ */

static int64_t started_ns, interval_ns;

static void expect_not_early(struct probe *self, int64_t value)
{
    (void)value;
    EXPECT(hy_now_ns() - started_ns >= self->count * interval_ns);
}

static void test_tm14_tm15_never_early(void **state)
{
    static const int64_t intervals[] = {1,      1000,       999999,  MS,      MS + 1,
                                        3 * MS, 19999999LL, 20 * MS, 21 * MS, 33333333LL};

    (void)state;
    here.on_slot = expect_not_early;
    for (size_t i = 0; i < sizeof intervals / sizeof intervals[0]; i++)
        for (int accuracy = 0; accuracy < 2; accuracy++) {
            here.count = here.reached = 0;
            hy_timer_set_accuracy(&timer, accuracy ? HY_TIMER_PRECISE : HY_TIMER_COARSE);
            started_ns = hy_now_ns();
            interval_ns = intervals[i];
            assert_ok(hy_timer_start(&timer, interval_ns));
            assert_true(wait_count(&here.reached, 2));
            assert_ok(hy_timer_stop(&timer));
            here.count = here.reached = 0;
            started_ns = hy_now_ns();
            assert_ok(hy_timer_start_once(&timer, interval_ns));
            assert_true(wait_count(&here.reached, 1));
        }
}

static void test_many_timers_none_early(void **state)
{
    enum {
        MANY = 200
    };
    static struct hy_timer timers[MANY];
    static struct probe probes[MANY];

    (void)state;
    started_ns = hy_now_ns();
    interval_ns = 0;
    for (int i = 0; i < MANY; i++) {
        probe_init(&probes[i], NULL);
        assert_ok(hy_timer_init(&timers[i], NULL));
        assert_ok(hy_connect(&timers[i].events.timeout, &probes[i], probe_nothing, HY_AUTO));
        assert_ok(hy_timer_start_once(&timers[i], (i * 7919 % MANY) * (MS / 10)));
    }
    for (int i = 0; i < MANY; i += 3) /* out of the middle */
        assert_ok(hy_timer_stop(&timers[i]));
    for (int i = 0; i < MANY; i++)
        if (i % 3 != 0)
            assert_true(wait_count(&probes[i].reached, 1));
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(probes[i].count, i % 3 != 0);
        object_end(&timers[i].hy);
        object_end(&probes[i].hy);
    }
}

/* --- passes ----------------------------------------------------------------------------------- */

static void test_tm02_once_per_pass_however_late(void **state)
{
    (void)state;
    hy_timer_set_accuracy(&timer, HY_TIMER_PRECISE);
    assert_ok(hy_timer_start(&timer, MS));
    wait_busy_until_ns(hy_now_ns() + 12 * MS);
    assert_int_equal(hy_process(0, HY_FOREVER), 1);
    assert_int_equal(here.count, 1);
}

static void test_tm03_missed_periods_are_skipped(void **state)
{
    int64_t start_ns, elapsed_ns;
    int fired;

    (void)state;
    hy_timer_set_accuracy(&timer, HY_TIMER_PRECISE);
    start_ns = hy_now_ns();
    assert_ok(hy_timer_start(&timer, 10 * MS));
    wait_busy_until_ns(start_ns + 55 * MS); /* five periods pass; one call makes up for them */
    assert_true(wait_count(&here.reached, 3));
    fired = here.count;
    elapsed_ns = hy_now_ns() - start_ns;
    assert_true(fired <= elapsed_ns / (10 * MS) - 4);
}

static void start_second(struct probe *self, int64_t value)
{
    (void)self;
    (void)value;
    EXPECT_INT(hy_timer_start_at(&second, hy_now_ns() - HY_SECOND), 0); /* overdue at once */
}

static void test_tm04_started_in_a_callback_not_in_the_same_pass(void **state)
{
    (void)state;
    here.on_slot = start_second;
    assert_ok(hy_timer_start_once(&timer, 0));
    wait_busy_until_ns(hy_now_ns() + MS / 10);
    while (here.count == 0) {
        assert_int_equal(other.count, 0);
        assert_ok(hy_process(HY_PROCESS_WAIT, HY_FOREVER));
    }
    assert_int_equal(other.count, 0);
    assert_true(wait_count(&other.reached, 1));
}

static void restart_self_overdue(struct probe *self, int64_t value)
{
    (void)value;
    if (self->count < 5)
        EXPECT_INT(hy_timer_start_at(&timer, hy_now_ns() - HY_SECOND), 0);
}

static void test_tm04_restarted_in_its_own_callback(void **state)
{
    (void)state;
    here.on_slot = restart_self_overdue;
    assert_ok(hy_timer_start_at(&timer, hy_now_ns() - MS));
    for (int i = 1; i <= 5; i++) {
        assert_int_equal(hy_process(0, HY_FOREVER), 1);
        assert_int_equal(here.count, i);
    }
    assert_int_equal(hy_process(0, HY_FOREVER), 0);
}

static void stop_second(struct probe *self, int64_t value)
{
    (void)self;
    (void)value;
    EXPECT_INT(hy_timer_stop(&second), 0);
}

static void end_second(struct probe *self, int64_t value)
{
    (void)self;
    (void)value;
    object_end(&second.hy);
}

static void test_tm05_stopped_by_another_timer_of_the_pass(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        int64_t due_ns = hy_now_ns() - MS;

        here.on_slot = i == 0 ? stop_second : end_second;
        assert_ok(hy_timer_start_at(&timer, due_ns));
        assert_ok(hy_timer_start_at(&second, due_ns));
        assert_int_equal(hy_process(0, HY_FOREVER), 1);
        assert_int_equal(here.count, i + 1);
        assert_int_equal(other.count, 0);
    }
}

static void note_in_here(struct probe *self, int64_t value)
{
    (void)value;
    probe_note(&here, (int64_t)(intptr_t)self->context);
}

static void test_tm21_deadline_order_then_order_of_start(void **state)
{
    enum {
        MANY = 9
    };
    static const int deadline[MANY] = {5, 3, 8, 3, 1, 8, 5, 3, 2};
    struct hy_timer timers[MANY];
    static struct probe probes[MANY];
    int64_t base_ns = hy_now_ns() - HY_SECOND;

    (void)state;
    for (intptr_t i = 0; i < MANY; i++) {
        probe_init(&probes[i], NULL);
        probes[i].on_slot = note_in_here;
        probes[i].context = (void *)i;
        assert_ok(hy_timer_init(&timers[i], NULL));
        assert_ok(hy_connect(&timers[i].events.timeout, &probes[i], probe_nothing, HY_AUTO));
        hy_timer_set_accuracy(&timers[i], HY_TIMER_PRECISE);
        assert_ok(hy_timer_start_at(&timers[i], base_ns + deadline[i] * MS));
    }
    assert_int_equal(hy_process(0, HY_FOREVER), MANY);
    assert_true(PROBE_SAW(&here, 4, 8, 1, 3, 7, 0, 6, 2, 5));
    for (int i = 0; i < MANY; i++) {
        object_end(&timers[i].hy);
        object_end(&probes[i].hy);
    }
}

/* --- nested loops in callbacks ---------------------------------------------------------------- */

static int inner_calls;

static void nest_in_callback(struct probe *self, int64_t value)
{
    (void)value;
    if (self->count > 1) {
        inner_calls += hy_loop_depth() - 1; /* one is the pass that pumps */
        return;
    }
    EXPECT_INT(hy_timer_start_once(&second, 20 * MS), 0);
    EXPECT_INT(hy_loop_init(&loop), 0);
    EXPECT_INT(hy_loop_exec(&loop, 0), 0);
    EXPECT_INT(self->count, 1); /* TM-06 */
}

static void nest_and_sleep(struct probe *self, int64_t value)
{
    int64_t cpu_ns = system_thread_cpu_ns();

    (void)value;
    if (self->count > 1)
        return;
    EXPECT_INT(hy_timer_start_once(&second, 300 * MS), 0);
    EXPECT_INT(hy_loop_init(&loop), 0);
    EXPECT_INT(hy_loop_exec(&loop, 0), 0);
    EXPECT_INT(self->count, 1);
    EXPECT(system_thread_cpu_ns() - cpu_ns < 100 * MS);
}

static void quit_nested(struct probe *self, int64_t value)
{
    (void)self;
    (void)value;
    hy_loop_quit(&loop, 0);
}

/* Rules: TM-06, TM-07. */
static void test_tm06_not_delivered_again_under_its_own_callback(void **state)
{
    (void)state;
    inner_calls = 0;
    here.on_slot = nest_in_callback;
    other.on_slot = quit_nested;
    assert_ok(hy_timer_start(&timer, MS));
    assert_true(wait_count(&here.reached, 3)); /* TM-07: it goes on */
    assert_int_equal(inner_calls, 0);
}

static void test_tm06_the_nested_loop_sleeps_though_the_timer_is_overdue(void **state)
{
    (void)state;
    here.on_slot = nest_and_sleep;
    other.on_slot = quit_nested;
    for (int i = 0; i < 2; i++) { /* also the zero timer, which is always overdue */
        here.count = here.reached = 0;
        assert_ok(hy_timer_start(&timer, i == 0 ? MS : 0));
        assert_true(wait_count(&here.reached, 2));
    }
}

static void test_tm06_the_same_for_a_zero_timer(void **state)
{
    (void)state;
    inner_calls = 0;
    here.on_slot = nest_in_callback;
    other.on_slot = quit_nested;
    assert_ok(hy_timer_start(&timer, 0));
    assert_true(wait_count(&here.reached, 3));
    assert_int_equal(inner_calls, 0);
}

static void stop_first_and_quit(struct probe *self, int64_t value)
{
    (void)self;
    (void)value;
    EXPECT_INT(hy_timer_stop(&timer), 0);
    hy_loop_quit(&loop, 0);
}

static void end_first_and_quit(struct probe *self, int64_t value)
{
    (void)self;
    (void)value;
    hy_timer_fini(&timer);
    hy_loop_quit(&loop, 0);
}

static void test_tm08_stopped_or_ended_in_a_nested_loop_of_its_callback(void **state)
{
    (void)state;
    here.on_slot = nest_in_callback;
    other.on_slot = stop_first_and_quit;
    assert_ok(hy_timer_start(&timer, MS));
    assert_true(wait_count(&other.reached, 1));
    wait_until_ns(hy_now_ns() + 5 * MS);
    assert_int_equal(here.count, 1);
    assert_false(hy_timer_is_running(&timer));
    here.count = here.reached = other.count = other.reached = 0;
    other.on_slot = end_first_and_quit;
    assert_ok(hy_timer_start(&timer, MS));
    assert_true(wait_count(&other.reached, 1));
    wait_until_ns(hy_now_ns() + 5 * MS);
    assert_int_equal(here.count, 1);
}

static void end_own_timer(struct probe *self, int64_t value)
{
    (void)self;
    (void)value;
    hy_timer_fini(&timer);
}

static void test_tm08_ended_in_its_own_callback(void **state)
{
    (void)state;
    here.on_slot = end_own_timer;
    assert_ok(hy_timer_start(&timer, 0));
    wait_drain();
    assert_int_equal(here.count, 1);
}

static void destroy_own_heap_timer(struct probe *self, int64_t value)
{
    (void)value;
    object_end(self->context);
}

static void test_tm08_heap_timer_destroyed_in_its_own_callback(void **state)
{
    struct hy_object *object = NULL;
    struct hy_timer *heap;

    (void)state;
    assert_ok(hy_object_create(&hy_timer_class, NULL, &object));
    heap = (struct hy_timer *)(void *)object;
    other.on_slot = destroy_own_heap_timer;
    other.context = object;
    assert_ok(hy_connect(&heap->events.timeout, &other, probe_nothing, HY_AUTO));
    assert_ok(hy_timer_start(heap, MS));
    assert_true(wait_count(&other.reached, 1));
}

/* --- zero timers ------------------------------------------------------------------------------ */

static void test_tm09_zero_is_once_per_pass(void **state)
{
    (void)state;
    assert_ok(hy_timer_start(&timer, 0));
    for (int i = 1; i <= 5; i++) {
        assert_true(hy_process(0, HY_FOREVER) >= 0);
        assert_int_equal(here.count, i);
    }
    assert_true(hy_timer_is_running(&timer));
    assert_int_equal(hy_timer_remaining_ns(&timer), 0);
    assert_ok(hy_timer_stop(&timer));
    wait_drain();
    assert_int_equal(here.count, 5);
}

static void test_tm09_zero_starves_nobody(void **state)
{
    (void)state;
    assert_ok(hy_timer_start(&timer, 0));
    assert_ok(hy_timer_start(&second, MS));
    assert_true(wait_count(&other.reached, 3));
    assert_ok(hy_post(&other.hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_LOW));
    assert_true(wait_count(&other.reached, 4));
}

static void stop_self_and_start_zero(struct probe *self, int64_t value)
{
    (void)value;
    EXPECT_INT(hy_timer_stop(&timer), 0);
    if (self->count < 3)
        EXPECT_INT(hy_timer_start(&timer, 0), 0);
}

static void test_zero_timer_changed_in_its_callback(void **state)
{
    (void)state;
    here.on_slot = stop_self_and_start_zero;
    assert_ok(hy_timer_start(&timer, 0));
    for (int i = 0; i < 10; i++)
        assert_true(hy_process(0, HY_FOREVER) >= 0);
    assert_int_equal(here.count, 3);
}

static bool long_one;

static void alternate(struct probe *self, int64_t value)
{
    (void)value;
    if (long_one)
        EXPECT(hy_now_ns() - started_ns >= 20 * MS);
    long_one = !long_one;
    started_ns = hy_now_ns();
    if (self->count < 4)
        EXPECT_INT(hy_timer_start(&timer, long_one ? 20 * MS : 0), 0);
}

static void test_tm10_alternating_with_zero_is_not_early(void **state)
{
    (void)state;
    here.on_slot = alternate;
    long_one = false;
    assert_ok(hy_timer_start(&timer, 0));
    assert_true(wait_count(&here.reached, 4));
}

static void test_tm11_starting_again_counts_anew(void **state)
{
    (void)state;
    here.on_slot = expect_not_early;
    assert_ok(hy_timer_start_once(&timer, 5 * MS));
    wait_busy_until_ns(hy_now_ns() + 3 * MS);
    started_ns = hy_now_ns();
    interval_ns = 15 * MS;
    assert_ok(hy_timer_start_once(&timer, interval_ns));
    assert_true(wait_count(&here.reached, 1));
    wait_until_ns(hy_now_ns() + 10 * MS);
    assert_int_equal(here.count, 1);
}

/* --- moves ------------------------------------------------------------------------------------ */

struct traveller {
    struct probe probe;
    struct hy_timer timer;
};

static void note_home(struct probe *self)
{
    EXPECT(hy_object_is_here(&self->hy));
    EXPECT(hy_now_ns() >= started_ns + interval_ns);
    probe_note(self, -1);
}

static void expect_less_than_an_hour_left(void *context)
{
    EXPECT(hy_timer_remaining_ns(context) <= 3600 * HY_SECOND - 5 * MS);
    EXPECT(hy_timer_remaining_ns(context) > 0);
}

static void test_oa13_the_time_that_has_passed_counts_after_a_move(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "new home");
    assert_ok(hy_timer_start(&timer, 3600 * HY_SECOND));
    wait_busy_until_ns(hy_now_ns() + 5 * MS);
    assert_ok(hy_object_move_to_thread(&timer.hy, &worker.thread));
    run_there(&timer.hy, expect_less_than_an_hour_left, &timer);
    worker_stop(&worker);
}

static void test_oa13_a_move_keeps_the_deadline(void **state)
{
    struct worker workers[2];
    struct traveller traveller;

    (void)state;
    worker_start(&workers[0], "first");
    worker_start(&workers[1], "second");
    probe_init(&traveller.probe, NULL);
    assert_ok(hy_timer_init(&traveller.timer, &traveller.probe.hy));
    assert_ok(hy_connect(&traveller.timer.events.timeout, &traveller.probe, note_home, HY_AUTO));
    started_ns = hy_now_ns();
    interval_ns = 10 * MS;
    assert_ok(hy_timer_start_once(&traveller.timer, interval_ns));
    assert_ok(hy_object_move_to_thread(&traveller.probe.hy, &workers[0].thread));
    assert_true(wait_count(&traveller.probe.reached, 1));
    wait_drain();
    worker_stop(&workers[0]);
    worker_stop(&workers[1]);
    assert_int_equal(traveller.probe.count, 1);
}

/* Hops on each of its zero timer's calls until the other timer has fired, which a hop must not
 * postpone: with an interval begun anew at each hop it would hardly ever. */
struct hopper {
    struct probe probe;
    struct hy_timer hop, tick;
    struct worker *workers;
};

static void hop(struct probe *self)
{
    struct hopper *hopper = self->context;
    bool is_first = hy_object_thread(&self->hy) == &hopper->workers[0].thread;

    if (count_get(&self->reached) < 5)
        EXPECT_INT(hy_object_move_to_thread(&self->hy, &hopper->workers[is_first].thread), 0);
    else
        EXPECT_INT(hy_timer_stop(&hopper->hop), 0);
}

static void test_oa13_frequent_moves_do_not_postpone(void **state)
{
    struct worker workers[2];
    struct hopper hopper;

    (void)state;
    worker_start(&workers[0], "first");
    worker_start(&workers[1], "second");
    hopper.workers = workers;
    probe_init(&hopper.probe, NULL);
    hopper.probe.context = &hopper;
    assert_ok(hy_timer_init(&hopper.hop, &hopper.probe.hy));
    assert_ok(hy_timer_init(&hopper.tick, &hopper.probe.hy));
    assert_ok(hy_connect(&hopper.hop.events.timeout, &hopper.probe, hop, HY_AUTO));
    assert_ok(hy_connect(&hopper.tick.events.timeout, &hopper.probe, note_home, HY_AUTO));
    started_ns = hy_now_ns();
    interval_ns = MS;
    assert_ok(hy_timer_start(&hopper.tick, interval_ns));
    assert_ok(hy_timer_start(&hopper.hop, 0));
    assert_ok(hy_object_move_to_thread(&hopper.probe.hy, &workers[1].thread));
    assert_true(wait_count(&hopper.probe.reached, 5));
    worker_stop(&workers[0]);
    worker_stop(&workers[1]);
    assert_true(hopper.probe.moves >= 2);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_tm01_single_shot_fires_once),
        CASE(test_tm01_periodic_fires_repeatedly),
        CASE(test_tm12_remaining_time),
        CASE(test_tm18_negative_is_refused),
        CASE(test_huge_intervals_do_not_overflow),
        CASE(test_a_deadline_before_all_time_is_due_at_once),
        CASE(test_tm17_other_threads_are_refused),
        CASE(test_start_of_a_dead_timer),
        CASE(test_a_child_timer_ends_with_its_parent),
        CASE(test_tm14_tm15_never_early),
        CASE(test_many_timers_none_early),
        CASE(test_tm02_once_per_pass_however_late),
        CASE(test_tm03_missed_periods_are_skipped),
        CASE(test_tm04_started_in_a_callback_not_in_the_same_pass),
        CASE(test_tm04_restarted_in_its_own_callback),
        CASE(test_tm05_stopped_by_another_timer_of_the_pass),
        CASE(test_tm21_deadline_order_then_order_of_start),
        CASE(test_tm06_not_delivered_again_under_its_own_callback),
        CASE(test_tm06_the_same_for_a_zero_timer),
        CASE(test_tm06_the_nested_loop_sleeps_though_the_timer_is_overdue),
        CASE(test_tm08_stopped_or_ended_in_a_nested_loop_of_its_callback),
        CASE(test_tm08_ended_in_its_own_callback),
        CASE(test_tm08_heap_timer_destroyed_in_its_own_callback),
        CASE(test_tm09_zero_is_once_per_pass),
        CASE(test_tm09_zero_starves_nobody),
        CASE(test_zero_timer_changed_in_its_callback),
        CASE(test_tm10_alternating_with_zero_is_not_early),
        CASE(test_tm11_starting_again_counts_anew),
        CASE(test_oa13_the_time_that_has_passed_counts_after_a_move),
        CASE(test_oa13_a_move_keeps_the_deadline),
        CASE(test_oa13_frequent_moves_do_not_postpone),
    };

    allocator_install();
    return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
