/* SPDX-License-Identifier: MIT */
/*
 * Timers and calls after some time. Rules TM, OA-13 and OA-23. Time is asserted in one direction
 * only: no timer fires early. How late one fires is up to the machine.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <stdlib.h>
#include <time.h>

#define MS HY_MILLISECOND

static struct probe here, other;
static struct hy_timer timer, second;
static struct hy_loop loop;
static const struct hy_class plain_class = {
    .version = HY_CLASS_VERSION, .name = "plain", .size = sizeof(struct hy_object)};

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
    EXPECT_INT(hy_timer_set_accuracy(there, HY_TIMER_PRECISE), -HY_EWRONGTHREAD);
    EXPECT_INT(hy_timer_fini(there), -HY_EWRONGTHREAD);
}

/* Rules: DC-06. */
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

static void test_an_unknown_accuracy_is_refused(void **state)
{
    (void)state;
    assert_int_equal(hy_timer_set_accuracy(&timer, (enum hy_timer_accuracy)3), -HY_EINVAL);
    assert_ok(hy_timer_set_accuracy(&timer, HY_TIMER_PRECISE));
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

/* Rules: DU-02. */
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

static void stop_own_timer(struct probe *self, int64_t value)
{
    (void)self;
    (void)value;
    EXPECT_INT(hy_timer_stop(&timer), 0);
    EXPECT(!hy_timer_is_running(&timer));
}

static void end_itself_and_its_timer(struct probe *self, int64_t value)
{
    (void)value;
    object_end(&self->hy);
}

static void test_tm08_stopped_or_ended_with_its_owner_in_its_own_callback(void **state)
{
    struct probe *owner = probe_create(NULL);
    struct hy_timer *owned = NULL;
    int finis = 0;

    (void)state;
    here.on_slot = stop_own_timer;
    assert_ok(hy_timer_start(&timer, MS / 10));
    assert_true(wait_count(&here.reached, 1));
    wait_until_ns(hy_now_ns() + 5 * MS);
    assert_int_equal(here.count, 1);
    owner->fini_count = &finis;
    owner->on_slot = end_itself_and_its_timer;
    assert_ok(hy_create(&hy_timer_class, &owner->hy, &owned));
    assert_ok(hy_connect(&owned->events.timeout, owner, probe_nothing, HY_AUTO));
    assert_ok(hy_timer_start(owned, MS / 10));
    assert_true(wait_count(&finis, 1));
    wait_drain();
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

/* The timers of an object that starts and stops them in the hooks of its own move: what is asked
 * for there counts on arrival. */
struct starter {
    HY_INHERITS(hy_object);
    struct hy_timer begun, ended, zero, at;
};

static void starter_hook(struct hy_object *object)
{
    struct starter *self = (struct starter *)(void *)object;

    EXPECT_INT(hy_timer_start_once(&self->begun, MS), 0);
    EXPECT_INT(hy_timer_stop(&self->ended), 0);
    EXPECT_INT(hy_timer_start_once(&self->zero, 0), 0);
    EXPECT_INT(hy_timer_start_at(&self->at, hy_now_ns() + MS), 0);
}

static const struct hy_class starter_class =
    HY_CLASS(struct starter, .leave_thread = starter_hook, .enter_thread = starter_hook);

static void test_timers_are_started_and_stopped_in_the_hooks_of_a_move(void **state)
{
    struct worker worker;
    struct starter starter;
    struct hy_timer *timers[] = {&starter.begun, &starter.ended, &starter.zero, &starter.at};

    (void)state;
    worker_start(&worker, "new home");
    assert_ok(hy_object_init(&starter.hy, &starter_class, NULL));
    for (int i = 0; i < 4; i++) {
        assert_ok(hy_timer_init(timers[i], &starter.hy));
        assert_ok(hy_connect(&timers[i]->events.timeout, &worker.probe, probe_nothing, HY_AUTO));
    }
    assert_ok(hy_timer_start_once(&starter.ended, 0));
    assert_ok(hy_object_move_to_thread(&starter.hy, &worker.thread));
    assert_true(wait_count(&worker.probe.reached, 3));
    assert_true(flush_there(&worker.probe.hy));
    assert_int_equal(count_get(&worker.probe.reached), 3); /* each once; one was stopped */
    worker_stop(&worker);
}

/* Rules: OA-12, OA-13.
 * Departs: OA-12: the deadline is carried over; nothing restarts. */
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

/* --- after a nested loop, many, clocks -------------------------------------------------------- */

static void nest_once(struct probe *self, int64_t value)
{
    (void)value;
    if (self->count == 1)
        wait_until_ns(hy_now_ns() + 5 * MS);
}

static void test_tm07_recurs_after_a_nested_loop_in_its_callback(void **state)
{
    (void)state;
    here.on_slot = nest_once;
    assert_ok(hy_timer_start(&timer, MS));
    assert_true(wait_count(&here.reached, 5));
}

/* Departs: TM-16: a timer is an object and has no number that could be used again; what it must
 * outlive is its thread and that thread's dispatcher. */
static void test_tm16_a_timer_outlives_its_thread(void **state)
{
    struct worker worker;
    struct hy_timer kept;

    (void)state;
    worker_init(&worker, "short");
    assert_ok(hy_timer_init(&kept, NULL));
    assert_ok(hy_connect(&kept.events.timeout, &here, probe_nothing, HY_AUTO));
    assert_ok(hy_timer_start_once(&kept, 3 * MS));
    hy_thread_set_finish_policy(&worker.thread, HY_FINISH_KEEP);
    assert_ok(hy_object_move_to_thread(&kept.hy, &worker.thread));
    hy_thread_quit(&worker.thread, 0);
    hy_thread_fini(&worker.thread);
    assert_true(hy_timer_is_running(&kept));
    assert_ok(hy_object_move_to_thread(&kept.hy, hy_thread_current()));
    assert_true(wait_count(&here.reached, 1));
    hy_timer_fini(&kept);
    object_end(&worker.probe.hy);
}

/* Starting, stopping and re-arming do not cost a walk: that would take ten times as long here. */
static void test_tm22_a_hundred_thousand_timers(void **state)
{
    const int many = check_scaled(100000);
    struct hy_timer *timers = calloc((size_t)many, sizeof *timers);
    struct hy_object owner;
    int64_t cpu_ns = system_thread_cpu_ns();

    (void)state;
    assert_non_null(timers);
    assert_ok(hy_object_init(&owner, &plain_class, NULL));
    for (int i = 0; i < many; i++) {
        assert_ok(hy_timer_init(&timers[i], &owner));
        assert_ok(hy_timer_start(&timers[i], 3600 * HY_SECOND - i * MS));
    }
    for (int i = 0; i < many; i++)
        assert_ok(hy_timer_start(&timers[i], 1800 * HY_SECOND + i * MS));
    for (int i = many - 1; i >= 0; i -= 2)
        assert_ok(hy_timer_stop(&timers[i]));
    object_end(&owner);
    free(timers);
    assert_true(system_thread_cpu_ns() - cpu_ns < 4 * HY_SECOND);
}

static void test_tm23_the_clock_is_monotonic(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct timespec before, after;
        int64_t now_ns;

        (void)clock_gettime(CLOCK_MONOTONIC, &before);
        now_ns = hy_now_ns();
        (void)clock_gettime(CLOCK_MONOTONIC, &after);
        assert_true(now_ns >= before.tv_sec * HY_SECOND + before.tv_nsec);
        assert_true(now_ns <= after.tv_sec * HY_SECOND + after.tv_nsec);
    }
}

/* --- a clock of the test's own ------------------------------------------------------------------
 */

/* A dispatcher whose time passes only as its thread waits, at once and to the nanosecond. */
struct fake {
    struct hy_dispatcher base;
    int64_t now_ns, deadline_ns;
    bool precise;
    int looks; /* at the clock */
};

static struct fake fake;

static int64_t fake_now(struct hy_dispatcher *dispatcher)
{
    (void)dispatcher;
    fake.looks++;
    return fake.now_ns;
}

static int fake_watch(struct hy_dispatcher *dispatcher, intptr_t handle, unsigned conditions,
                      void *cookie)
{
    (void)dispatcher;
    (void)handle;
    (void)conditions;
    (void)cookie;
    return -HY_ENOTSUP;
}

static int fake_forget(struct hy_dispatcher *dispatcher, intptr_t handle)
{
    (void)dispatcher;
    (void)handle;
    return 0;
}

static void fake_set_deadline(struct hy_dispatcher *dispatcher, int64_t deadline_ns, bool precise)
{
    (void)dispatcher;
    fake.deadline_ns = deadline_ns;
    fake.precise = precise;
}

static int fake_wait(struct hy_dispatcher *dispatcher, unsigned flags, hy_ready_function ready)
{
    (void)dispatcher;
    (void)ready;
    if ((flags & HY_WAIT_BLOCK) != 0 && fake.deadline_ns != HY_FOREVER &&
        fake.deadline_ns > fake.now_ns)
        fake.now_ns = fake.deadline_ns;
    return 0;
}

static void fake_nothing(struct hy_dispatcher *dispatcher)
{
    (void)dispatcher;
}

static const struct hy_dispatcher_ops fake_ops = {
    .version = HY_DISPATCHER_VERSION,
    .size = sizeof(struct hy_dispatcher_ops),
    .name = "fake",
    .now = fake_now,
    .watch = fake_watch,
    .change = fake_watch,
    .forget = fake_forget,
    .set_deadline = fake_set_deadline,
    .wait = fake_wait,
    .wake = fake_nothing,
    .destroy = fake_nothing,
};

/* Runs the function in a thread whose clock begins there. */
static void with_clock(int64_t now_ns, void (*function)(struct hy_thread *thread, void *context))
{
    struct hy_thread thread;

    fake = (struct fake){{&fake_ops}, now_ns, HY_FOREVER, false, 0};
    assert_ok(hy_thread_init(&thread, "clock", NULL));
    assert_ok(hy_thread_set_dispatcher(&thread, &fake.base));
    assert_ok(hy_thread_set_body(&thread, function, NULL));
    assert_ok(hy_thread_start(&thread));
    assert_ok(hy_thread_join(&thread, HY_FOREVER));
    hy_thread_fini(&thread);
}

/* When a timer fires that is started now, once. */
static int64_t fires_at(enum hy_timer_accuracy accuracy, int64_t delay_ns)
{
    struct hy_timer alone;
    struct probe probe;

    probe_init(&probe, NULL);
    EXPECT_INT(hy_timer_init(&alone, &probe.hy), 0);
    EXPECT_INT(hy_connect(&alone.events.timeout, &probe, probe_nothing, HY_DIRECT), 0);
    hy_timer_set_accuracy(&alone, accuracy);
    EXPECT_INT(hy_timer_start_once(&alone, delay_ns), 0);
    for (int i = 0; i < 10 && probe.count == 0; i++)
        EXPECT(hy_process(HY_PROCESS_WAIT, HY_FOREVER) >= 0);
    EXPECT_INT(probe.count, 1);
    object_end(&probe.hy);
    return fake.now_ns;
}

static void accuracies(struct hy_thread *thread, void *context)
{
    static const int64_t delays_ns[] = {21 * MS, 100 * MS, 333333333, HY_SECOND, 19 * HY_SECOND};

    (void)thread;
    (void)context;
    for (size_t i = 0; i < sizeof delays_ns / sizeof delays_ns[0]; i++) {
        int64_t due_ns = fake.now_ns + delays_ns[i];
        int64_t late_ns = fires_at(HY_TIMER_COARSE, delays_ns[i]) - due_ns;

        EXPECT(late_ns >= 0 && late_ns <= delays_ns[i] / 20);
        fake.now_ns += 1234567;
        due_ns = fake.now_ns + delays_ns[i];
        EXPECT_INT(fires_at(HY_TIMER_PRECISE, delays_ns[i]) - due_ns, 0);
        fake.now_ns += 1234567;
        due_ns = fake.now_ns + delays_ns[i];
        late_ns = fires_at(HY_TIMER_SECONDS, delays_ns[i]) - due_ns;
        EXPECT(late_ns >= 0 && late_ns < HY_SECOND);
        EXPECT_INT(fake.now_ns % HY_SECOND, 0);
        fake.now_ns += 1234567;
    }
    /* Coarse at 20 ms or less is precise, from 20 s on it is whole seconds. */
    for (int64_t delay_ns = MS; delay_ns <= 20 * MS; delay_ns += MS + 1) {
        int64_t due_ns = fake.now_ns + delay_ns;

        EXPECT_INT(fires_at(HY_TIMER_COARSE, delay_ns) - due_ns, 0);
        EXPECT(fake.precise);
    }
    for (int64_t delay_ns = 20 * HY_SECOND; delay_ns < 9000 * HY_SECOND; delay_ns *= 3) {
        int64_t due_ns = fake.now_ns + delay_ns;
        int64_t late_ns = fires_at(HY_TIMER_COARSE, delay_ns) - due_ns;

        EXPECT(late_ns >= 0 && late_ns < HY_SECOND);
        EXPECT_INT(fake.now_ns % HY_SECOND, 0);
        fake.now_ns += 7654321;
    }
}

/* Rules: TM-13, TM-14. */
static void test_tm13_three_accuracies(void **state)
{
    (void)state;
    with_clock(1000 * HY_SECOND + 12345, accuracies);
}

static int start_every_second(struct hy_timer *started)
{
    return hy_timer_start(started, HY_SECOND);
}

static int start_for_a_second(struct hy_timer *started)
{
    return hy_timer_start_once(started, HY_SECOND);
}

static int start_until_a_second_has_gone(struct hy_timer *started)
{
    return hy_timer_start_at(started, fake.now_ns + HY_SECOND);
}

static int (*const starts[])(struct hy_timer *started) = {start_every_second, start_for_a_second,
                                                          start_until_a_second_has_gone};

/* When one fires that is started with the first accuracy and is given another one meanwhile. */
static int64_t fires_with_another(enum hy_timer_accuracy before, enum hy_timer_accuracy after,
                                  int (*start)(struct hy_timer *started))
{
    struct hy_timer alone;
    struct probe probe;

    probe_init(&probe, NULL);
    EXPECT_INT(hy_timer_init(&alone, &probe.hy), 0);
    EXPECT_INT(hy_connect(&alone.events.timeout, &probe, probe_nothing, HY_DIRECT), 0);
    EXPECT_INT(hy_timer_set_accuracy(&alone, before), 0);
    EXPECT_INT(start(&alone), 0);
    EXPECT_INT(hy_process(0, HY_FOREVER), 0);
    EXPECT_INT(hy_timer_set_accuracy(&alone, after), 0);
    EXPECT_INT(hy_timer_remaining_ns(&alone), HY_SECOND);
    for (int i = 0; i < 10 && probe.count == 0; i++)
        EXPECT(hy_process(HY_PROCESS_WAIT, HY_FOREVER) >= 0);
    EXPECT_INT(probe.count, 1);
    object_end(&probe.hy);
    return fake.now_ns;
}

static void change_accuracy(struct hy_thread *thread, void *context)
{
    (void)thread;
    (void)context;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        int64_t due_ns = fake.now_ns + HY_SECOND, late_ns;

        EXPECT_INT(fires_with_another(HY_TIMER_SECONDS, HY_TIMER_PRECISE, starts[i]), due_ns);
        EXPECT(fake.precise);
        EXPECT(fires_with_another(HY_TIMER_PRECISE, HY_TIMER_SECONDS, starts[i]) % HY_SECOND == 0);
        EXPECT(!fake.precise);
        fake.now_ns += 1234567;
        due_ns = fake.now_ns + HY_SECOND;
        late_ns = fires_with_another(HY_TIMER_PRECISE, HY_TIMER_COARSE, starts[i]) - due_ns;
        EXPECT(late_ns > 0 && late_ns <= HY_SECOND / 20);
        EXPECT(!fake.precise);
        fake.now_ns += 1234567;
    }
}

/* Rules: TM-13. It is of the period in progress, too. */
static void test_tm13_the_accuracy_changes_at_once(void **state)
{
    (void)state;
    with_clock(1000 * HY_SECOND + 12345, change_accuracy);
}

static void start_precisely(struct hy_thread *thread, void *context)
{
    struct hy_timer alone;
    int looks;

    (void)thread;
    (void)context;
    EXPECT_INT(hy_timer_init(&alone, NULL), 0);
    EXPECT_INT(hy_timer_set_accuracy(&alone, HY_TIMER_PRECISE), 0);
    looks = fake.looks;
    EXPECT_INT(hy_timer_start_at(&alone, fake.now_ns + HY_SECOND), 0);
    EXPECT_INT(hy_timer_stop(&alone), 0);
    EXPECT_INT(fake.looks, looks);
    hy_timer_fini(&alone);
}

static void test_a_precise_start_at_needs_no_clock(void **state)
{
    (void)state;
    with_clock(HY_SECOND, start_precisely);
}

static void before_zero(struct hy_thread *thread, void *context)
{
    struct hy_timer alone;

    (void)thread;
    (void)context;
    for (int i = 0; i < 3; i++) {
        int64_t due_ns = fake.now_ns + 30 * HY_SECOND; /* the second one comes behind zero */

        EXPECT_INT(fires_at(HY_TIMER_PRECISE, 30 * HY_SECOND), due_ns);
    }
    fake.now_ns = INT64_MIN;
    EXPECT_INT(hy_timer_init(&alone, NULL), 0);
    EXPECT_INT(hy_timer_start_at(&alone, HY_FOREVER), 0);
    EXPECT_INT(hy_timer_remaining_ns(&alone), HY_FOREVER);
    EXPECT_INT(hy_timer_start(&alone, HY_FOREVER), 0);
    EXPECT_INT(hy_timer_remaining_ns(&alone), HY_FOREVER);
    hy_timer_fini(&alone);
}

static void test_a_clock_before_its_zero(void **state)
{
    (void)state;
    with_clock(-50 * HY_SECOND, before_zero);
}

static void grouping(struct hy_thread *thread, void *context)
{
    struct hy_timer timers[20];
    struct probe probe;
    int passes = 0;

    (void)thread;
    (void)context;
    probe_init(&probe, NULL);
    for (int i = 0; i < 20; i++) { /* started within 1.9 ms */
        EXPECT_INT(hy_timer_init(&timers[i], &probe.hy), 0);
        EXPECT_INT(hy_connect(&timers[i].events.timeout, &probe, probe_nothing, HY_DIRECT), 0);
        EXPECT_INT(hy_timer_start_once(&timers[i], 200 * MS), 0);
        fake.now_ns += MS / 10;
    }
    for (; passes < 50 && probe.count < 20; passes++)
        EXPECT(hy_process(HY_PROCESS_WAIT, HY_FOREVER) >= 0);
    EXPECT_INT(probe.count, 20);
    EXPECT(passes <= 2); /* round instants */
    object_end(&probe.hy);
}

static void test_tm13_coarse_timers_share_their_wake_ups(void **state)
{
    (void)state;
    with_clock(77 * HY_SECOND, grouping);
}

static void nanoseconds(struct hy_thread *thread, void *context)
{
    (void)thread;
    (void)context;
    for (int64_t delay_ns = 1; delay_ns < 10 * MS; delay_ns = delay_ns * 3 + 1) {
        int64_t due_ns = fake.now_ns + delay_ns;

        EXPECT_INT(fires_at(HY_TIMER_PRECISE, delay_ns) - due_ns, 0);
        EXPECT(fake.precise); /* the dispatcher is told to be exact */
    }
}

static void test_tm24_deadlines_are_nanoseconds(void **state)
{
    (void)state;
    with_clock(5, nanoseconds);
}

static void skipping(struct hy_thread *thread, void *context)
{
    struct hy_timer periodic;
    struct probe probe;

    (void)thread;
    (void)context;
    probe_init(&probe, NULL);
    EXPECT_INT(hy_timer_init(&periodic, &probe.hy), 0);
    hy_timer_set_accuracy(&periodic, HY_TIMER_PRECISE);
    EXPECT_INT(hy_connect(&periodic.events.timeout, &probe, probe_nothing, HY_DIRECT), 0);
    EXPECT_INT(hy_timer_start(&periodic, 100), 0); /* from 1000 on */
    EXPECT_INT(hy_process(HY_PROCESS_WAIT, HY_FOREVER), 1);
    EXPECT_INT(fake.now_ns, 1100);
    EXPECT_INT(hy_timer_remaining_ns(&periodic), 100);
    fake.now_ns = 1250; /* late, but within the next period: that deadline stays */
    EXPECT_INT(hy_process(HY_PROCESS_WAIT, HY_FOREVER), 1);
    EXPECT_INT(hy_timer_remaining_ns(&periodic), 50);
    fake.now_ns = 2222; /* later than that: counted from now */
    EXPECT_INT(hy_process(HY_PROCESS_WAIT, HY_FOREVER), 1);
    EXPECT_INT(hy_timer_remaining_ns(&periodic), 100);
    EXPECT_INT(probe.count, 3);
    object_end(&probe.hy);
}

static void test_tm03_the_next_deadline_exactly(void **state)
{
    (void)state;
    with_clock(1000, skipping);
}

/* --- requests -----------------------------------------------------------------------------------
 */

static void request(void *context)
{
    int64_t *asked_ns = context;

    EXPECT_INT(hy_timer_start(&timer, MS), -HY_EWRONGTHREAD);
    EXPECT_INT(hy_timer_request_start(&timer, -1), -HY_EINVAL);
    EXPECT_INT(hy_timer_request_start(&timer, 3600 * HY_SECOND), 0);
    *asked_ns = hy_now_ns();
}

static void request_stop(void *context)
{
    (void)context;
    EXPECT_INT(hy_timer_request_stop(&timer), 0);
    EXPECT_INT(hy_timer_request_start(&timer, 3600 * HY_SECOND), 0);
    EXPECT_INT(hy_timer_request_stop(&timer), 0);
}

static void test_tm17_requests_from_other_threads(void **state)
{
    struct worker worker;
    int64_t asked_ns = 0;

    (void)state;
    worker_start(&worker, "asks");
    hy_timer_set_accuracy(&timer, HY_TIMER_PRECISE);
    assert_true(run_there(&worker.probe.hy, request, &asked_ns));
    assert_false(hy_timer_is_running(&timer));
    wait_busy_until_ns(asked_ns + 20 * MS); /* the time counts from the call, not from here */
    wait_drain();
    assert_true(hy_timer_is_running(&timer));
    assert_true(hy_timer_remaining_ns(&timer) <= 3600 * HY_SECOND - 20 * MS);
    assert_true(run_there(&worker.probe.hy, request_stop, NULL));
    wait_drain();
    assert_false(hy_timer_is_running(&timer)); /* in their order */
    assert_int_equal(here.count, 0);
    assert_ok(hy_timer_request_start(&timer, MS)); /* also in its own thread */
    assert_true(wait_count(&here.reached, 2));
    hy_timer_fini(&timer);
    assert_int_equal(hy_timer_request_start(&timer, MS), -HY_ESHUTDOWN);
    assert_int_equal(hy_timer_request_stop(&timer), -HY_ESHUTDOWN);
    worker_stop(&worker);
}

static void destroy_owner(void *context)
{
    EXPECT_INT(hy_object_destroy(context), -HY_EWRONGTHREAD);
    EXPECT_INT(hy_object_destroy_later(context), 0);
}

/* Rules: OA-23. */
static void test_oa23_an_object_with_timers_is_ended_in_its_own_thread(void **state)
{
    struct worker worker;
    struct probe *owner = probe_create(NULL);
    struct hy_object *child = NULL;
    int finis = 0;

    (void)state;
    worker_start(&worker, "foreign");
    owner->fini_count = &finis;
    assert_ok(hy_object_create(&hy_timer_class, &owner->hy, &child));
    assert_ok(hy_timer_start((struct hy_timer *)(void *)child, MS));
    assert_true(run_there(&worker.probe.hy, destroy_owner, &owner->hy));
    assert_true(wait_count(&finis, 1));
    wait_until_ns(hy_now_ns() + 3 * MS); /* nothing fires that is no more */
    worker_stop(&worker);
}

/* --- calls after some time -----------------------------------------------------------------------
 */

static void note_1(struct probe *self)
{
    probe_note(self, 1);
}

static void note_2(struct probe *self)
{
    probe_note(self, 2);
}

static void note_3(struct probe *self)
{
    probe_note(self, 3);
}

static void note_4(struct probe *self)
{
    probe_note(self, 4);
}

static void (*const notes[])(struct probe *self) = {note_1, note_2, note_3, note_4};

/* The n-th of the 24 orders of four. */
static void permute(int n, int order[4])
{
    int left[4] = {0, 1, 2, 3}, count = 4;

    for (int i = 0; i < 4; i++) {
        int pick = n % count;

        n /= count;
        order[i] = left[pick];
        for (int j = pick; j < count - 1; j++)
            left[j] = left[j + 1];
        count--;
    }
}

static void invoked(struct hy_object *receiver, const void *payload)
{
    (void)payload;
    probe_note((struct probe *)(void *)receiver, 2);
}

static void note_number(struct probe *self, const struct number *number)
{
    probe_note(self, number->value);
}

/* Four ways to say something at once, in each order, to a receiver here or elsewhere. */
static void say_in_all_orders(struct probe *receiver)
{
    struct source source;

    source_init(&source);
    EXPECT_INT(hy_connect(&source.events.number, receiver, note_number, HY_QUEUED), 0);
    for (int n = 0; n < 24; n++) {
        int order[4], before = count_get(&receiver->reached);

        permute(n, order);
        for (int i = 0; i < 4; i++)
            switch (order[i]) {
            case 0:
                EXPECT_INT(hy_after(0, receiver, note_1), 0);
                break;
            case 1:
                EXPECT_INT(hy_invoke(&receiver->hy, invoked, NULL, NULL), 0);
                break;
            case 2:
                EXPECT_INT(hy_emit_with(&source.events.number, .value = 3), 1);
                break;
            default:
                EXPECT_INT(
                    hy_object_after(&receiver->hy, 0, (void (*)(void *))(void (*)(void))note_4), 0);
            }
        EXPECT(wait_count(&receiver->reached, before + 4));
        for (int i = 0; i < 4; i++)
            EXPECT_INT(receiver->log[(before + i) % PROBE_LOG], order[i] + 1);
        if (receiver->count >= PROBE_LOG - 4 && hy_object_is_here(&receiver->hy))
            receiver->count = receiver->reached = 0;
    }
    object_end(&source.hy);
}

static void say_it_there(void *context)
{
    (void)context;
    struct probe mine;

    probe_init(&mine, NULL);
    say_in_all_orders(&mine);
    object_end(&mine.hy);
}

static void test_tm19_calls_without_delay_are_queued_in_24_orders(void **state)
{
    struct worker worker;

    (void)state;
    say_in_all_orders(&here);
    worker_start(&worker, "background");
    assert_true(run_there(&worker.probe.hy, say_it_there, NULL));
    worker_stop(&worker);
}

/* Delays of a few milliseconds, asked for in each order. */
static void delay_in_all_orders(struct probe *receiver)
{
    for (int n = 0; n < 24; n++) {
        int order[4], before = count_get(&receiver->reached);

        permute(n, order);
        for (int i = 0; i < 4; i++)
            EXPECT_INT(hy_after((2 + 4 * order[i]) * MS, receiver, notes[order[i]]), 0);
        EXPECT(wait_count(&receiver->reached, before + 4));
    }
}

static void delay_there(struct hy_thread *thread, void *context)
{
    struct probe mine;

    (void)thread;
    (void)context;

    probe_init(&mine, NULL);
    delay_in_all_orders(&mine);
    for (int i = 0; i < PROBE_LOG; i++)
        EXPECT_INT(mine.log[i], i % 4 + 1);
    object_end(&mine.hy);
}

/* By a clock that stands still while they are asked for. */
static void test_tm19_delays_in_24_orders(void **state)
{
    (void)state;
    with_clock(HY_SECOND, delay_there);
}

static void ask_elsewhere(void *context)
{
    struct probe *receiver = context;

    for (int i = 0; i < 40; i++)
        EXPECT_INT(hy_after(5 * MS, receiver, notes[i % 4]), 0);
}

static void test_tm19_equal_delays_keep_their_order(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "asks");
    ask_elsewhere(&here);
    assert_true(wait_count(&here.reached, 40));
    for (int i = 0; i < 40; i++)
        assert_int_equal(here.log[i], i % 4 + 1);
    here.count = here.reached = 0;
    assert_true(run_there(&worker.probe.hy, ask_elsewhere, &here));
    assert_true(wait_count(&here.reached, 40));
    for (int i = 0; i < 40; i++)
        assert_int_equal(here.log[i], i % 4 + 1);
    worker_stop(&worker);
}

static void note_here(struct probe *self)
{
    EXPECT(hy_object_is_here(&self->hy));
    probe_note(self, 1);
}

static void test_tm20_a_call_runs_in_the_receivers_thread(void **state)
{
    struct worker worker;
    int64_t asked_ns = hy_now_ns();

    (void)state;
    worker_start(&worker, "receiver");
    assert_ok(hy_after(2 * MS, &worker.probe, note_here));
    assert_ok(hy_after(0, &worker.probe, note_here));
    assert_true(wait_count(&worker.probe.reached, 2));
    assert_true(hy_now_ns() >= asked_ns + 2 * MS);
    worker_stop(&worker);
}

static void test_tm20_the_receivers_end_cancels_its_calls(void **state)
{
    struct worker worker;
    struct probe *receiver = probe_create(NULL);
    long blocks;

    (void)state;
    assert_ok(hy_after(MS, receiver, note_1)); /* whatever is made at the first use */
    object_end(&receiver->hy);
    wait_drain();
    worker_start(&worker, "asks");
    blocks = allocator_blocks();
    receiver = probe_create(NULL);
    for (int i = 0; i < 30; i++)
        assert_ok(hy_after(i * 100 * HY_SECOND, receiver, note_1));
    assert_true(allocator_blocks() >= blocks + 29);
    object_end(&receiver->hy);
    wait_drain(); /* the one without delay */
    assert_true(allocator_blocks() <= blocks + (UNDER_HARD ? 2 : 1));
    receiver = probe_create(NULL);
    assert_true(run_there(&worker.probe.hy, ask_elsewhere, receiver));
    object_end(&receiver->hy); /* they are still on their way */
    wait_drain();
    assert_true(allocator_blocks() <=
                blocks + (UNDER_HARD ? 44 : 4)); /* slabs of the other thread */
    assert_int_equal(hy_process(0, HY_FOREVER), 0);
    worker_stop(&worker);
}

static void call_again(struct probe *self)
{
    if (++self->moves < 5)
        EXPECT_INT(hy_after(MS / 10, self, call_again), 0);
    else
        object_end(&self->hy);
}

static void test_a_call_asks_for_the_next_or_ends_the_receiver(void **state)
{
    struct probe *receiver = probe_create(NULL);
    int finis = 0;

    (void)state;
    receiver->fini_count = &finis;
    assert_ok(hy_after(MS / 10, receiver, call_again));
    assert_ok(hy_after(3600 * HY_SECOND, receiver, note_1));
    assert_true(wait_count(&finis, 1));
}

static void test_calls_move_with_the_receiver_and_keep_their_time(void **state)
{
    struct worker workers[2];
    struct probe root, child;

    (void)state;
    worker_start(&workers[0], "first");
    worker_start(&workers[1], "second");
    probe_init(&root, NULL);
    probe_init(&child, &root.hy);
    started_ns = hy_now_ns();
    interval_ns = 10 * MS;
    assert_ok(hy_after(interval_ns, &child, note_home));
    assert_ok(hy_after(3600 * HY_SECOND, &child, note_home));
    assert_ok(hy_object_move_to_thread(&root.hy, NULL));
    wait_until_ns(started_ns + 2 * MS);
    assert_ok(hy_after(MS, &child, note_home)); /* waits where nobody is */
    interval_ns = MS;
    assert_ok(hy_object_move_to_thread(&root.hy, &workers[0].thread));
    assert_true(wait_count(&child.reached, 2));
    assert_true(hy_now_ns() >= started_ns + 10 * MS);
    worker_stop(&workers[0]); /* with what is left */
    worker_stop(&workers[1]);
    assert_int_equal(child.count, 2);
}

static void test_calls_that_cannot_be(void **state)
{
    struct hy_ref ref = hy_ref_to(&here.hy);

    (void)state;
    assert_int_equal(hy_object_after(&here.hy, MS, NULL), -HY_EINVAL);
    assert_int_equal(hy_object_after(NULL, MS, (void (*)(void *))(void (*)(void))note_1),
                     -HY_ESHUTDOWN);
    assert_int_equal(hy_after(-1, &here, note_1), -HY_EINVAL);
    assert_ok(hy_ref_after(ref, 0, (void (*)(void *))(void (*)(void))note_1));
    wait_drain();
    assert_int_equal(here.count, 1);
    assert_ok(hy_after(HY_FOREVER, &here, note_1)); /* never */
    object_end(&here.hy);
    assert_int_equal(hy_ref_after(ref, 0, (void (*)(void *))(void (*)(void))note_1), -HY_ESHUTDOWN);
    assert_int_equal(hy_ref_after(ref, MS, (void (*)(void *))(void (*)(void))note_1),
                     -HY_ESHUTDOWN);
    hy_ref_release(&ref);
    probe_init(&here, NULL);
}

/* Timers that are parked. */
static void test_oa13_a_parked_timer_keeps_its_deadline(void **state)
{
    (void)state;
    started_ns = hy_now_ns();
    assert_ok(hy_timer_start_once(&timer, 3 * MS));
    assert_ok(hy_timer_start(&second, 0));
    assert_ok(hy_object_move_to_thread(&timer.hy, NULL));
    assert_ok(hy_object_move_to_thread(&second.hy, NULL));
    assert_true(hy_timer_is_running(&timer));
    wait_until_ns(started_ns + 5 * MS);
    assert_int_equal(here.count + other.count, 0);
    assert_int_equal(hy_timer_remaining_ns(&timer), 0);
    assert_ok(hy_timer_request_start(&second, 0)); /* waits */
    assert_ok(hy_object_move_to_thread(&timer.hy, hy_thread_current()));
    assert_ok(hy_object_move_to_thread(&second.hy, hy_thread_current()));
    assert_true(wait_count(&here.reached, 1)); /* overdue: at once */
    assert_true(wait_count(&other.reached, 3));
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
        CASE(test_an_unknown_accuracy_is_refused),
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
        CASE(test_tm08_stopped_or_ended_with_its_owner_in_its_own_callback),
        CASE(test_tm09_zero_is_once_per_pass),
        CASE(test_tm09_zero_starves_nobody),
        CASE(test_zero_timer_changed_in_its_callback),
        CASE(test_tm10_alternating_with_zero_is_not_early),
        CASE(test_tm11_starting_again_counts_anew),
        CASE(test_oa13_the_time_that_has_passed_counts_after_a_move),
        CASE(test_tm07_recurs_after_a_nested_loop_in_its_callback),
        CASE(test_tm16_a_timer_outlives_its_thread),
        CASE(test_tm22_a_hundred_thousand_timers),
        CASE(test_tm23_the_clock_is_monotonic),
        CASE(test_tm13_three_accuracies),
        CASE(test_tm13_the_accuracy_changes_at_once),
        CASE(test_a_precise_start_at_needs_no_clock),
        CASE(test_a_clock_before_its_zero),
        CASE(test_tm13_coarse_timers_share_their_wake_ups),
        CASE(test_tm24_deadlines_are_nanoseconds),
        CASE(test_tm03_the_next_deadline_exactly),
        CASE(test_tm17_requests_from_other_threads),
        CASE(test_oa23_an_object_with_timers_is_ended_in_its_own_thread),
        CASE(test_tm19_calls_without_delay_are_queued_in_24_orders),
        CASE(test_tm19_delays_in_24_orders),
        CASE(test_tm19_equal_delays_keep_their_order),
        CASE(test_tm20_a_call_runs_in_the_receivers_thread),
        CASE(test_tm20_the_receivers_end_cancels_its_calls),
        CASE(test_a_call_asks_for_the_next_or_ends_the_receiver),
        CASE(test_calls_move_with_the_receiver_and_keep_their_time),
        CASE(test_calls_that_cannot_be),
        CASE(test_oa13_a_parked_timer_keeps_its_deadline),
        CASE(test_timers_are_started_and_stopped_in_the_hooks_of_a_move),
        CASE(test_oa13_a_move_keeps_the_deadline),
        CASE(test_oa13_frequent_moves_do_not_postpone),
    };

    allocator_install();
    return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
