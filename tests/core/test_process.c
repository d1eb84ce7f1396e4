/* SPDX-License-Identifier: MIT */
/* Single iterations: hy_process(), its wait, wakes, the limit of nesting. Rules EL. */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"

#include <pthread.h>

#define E(n) (HY_EVENT_USER + (n))

static struct probe here;

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

static void *process_in_a_plain_thread(void *context)
{
    struct probe probe;

    (void)context;
    EXPECT_INT(hy_process(0, HY_FOREVER), 0);
    probe_init(&probe, NULL);
    post(&probe, 1);
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    EXPECT(PROBE_SAW(&probe, E(1)));
    object_end(&probe.hy);
    return NULL;
}

/* Departs: EL-11: a thread that has no dispatcher yet gets one, and its messages are delivered. */
static void test_el11_process_in_a_thread_without_a_dispatcher(void **state)
{
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, process_in_a_plain_thread, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void post_up_to_ten(struct probe *self, struct hy_event *event)
{
    if (event->type < E(10))
        post(self, event->type - HY_EVENT_USER + 1);
}

static void post_for_ever(struct probe *self, struct hy_event *event)
{
    (void)event;
    post(self, 1);
}

static void test_el12_process_all_ends_when_nothing_is_left_or_in_time(void **state)
{
    int64_t limit_ns;

    (void)state;
    assert_int_equal(hy_process_all(HY_PROCESS_WAIT, HY_FOREVER), 0); /* it does not wait */
    here.on_event = post_up_to_ten;
    post(&here, 1);
    assert_int_equal(hy_process_all(0, HY_FOREVER), 10);
    post(&here, 1);
    assert_int_equal(hy_process_all(0, 1), 1); /* long past: once */
    assert_int_equal(hy_process_all(0, HY_FOREVER), 9);
    here.on_event = post_for_ever;
    post(&here, 1);
    limit_ns = hy_now_ns() + 5 * HY_MILLISECOND;
    assert_true(hy_process_all(0, limit_ns) > 0);
    assert_true(hy_now_ns() >= limit_ns);
    here.on_event = NULL;
    assert_int_equal(hy_process_all(1 << 20, HY_FOREVER), -HY_EINVAL);
}

static void test_el13_process_all_ends_in_spite_of_zero_timers(void **state)
{
    struct hy_timer zero;

    (void)state;
    assert_ok(hy_timer_init(&zero, NULL));
    assert_ok(hy_timer_start(&zero, 0));
    post(&here, 1);
    assert_int_equal(hy_process_all(0, HY_FOREVER), 1);
    object_end(&zero.hy);
}

static void *post_1(void *context)
{
    post(context, 1);
    return NULL;
}

/* Departs: EL-14: one number for all kinds, and zero timers are not in it. */
static void test_el14_only_callbacks_are_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, post_1, &here), 0);
        while (here.count == i)
            assert_ok(hy_process(HY_PROCESS_WAIT, HY_FOREVER));
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(hy_process(0, HY_FOREVER), 0); /* the wake-up is nobody's callback */
    }
}

/* --- wake --------------------------------------------------------------------------------------
 */

/* How long a wait for at most 30 ms was, in waits. */
static int waits_until(int64_t limit_ns)
{
    int waits = 0;

    for (; hy_now_ns() < limit_ns; waits++)
        EXPECT_INT(hy_process(HY_PROCESS_WAIT, limit_ns), 0);
    return waits;
}

static void test_el21_a_wake_from_before_is_not_lost(void **state)
{
    (void)state;
    hy_thread_wake(hy_thread_current());
    assert_int_equal(hy_process(HY_PROCESS_WAIT, HY_FOREVER), 0); /* for ever is not long */
}

static void wake_and_process(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    hy_thread_wake(hy_thread_current());
    EXPECT_INT(hy_process(0, HY_FOREVER), 0); /* no wait, so none is ended */
    EXPECT_INT(hy_process_all(0, HY_FOREVER), 0);
}

static void test_el22_a_wake_is_used_up_by_the_wait_that_it_ends(void **state)
{
    int waits;

    (void)state;
    here.on_event = wake_and_process;
    post(&here, 1);
    assert_int_equal(hy_process(0, HY_FOREVER), 1);
    assert_int_equal(hy_process(HY_PROCESS_WAIT, HY_FOREVER), 0);
    waits = waits_until(hy_now_ns() + 30 * HY_MILLISECOND);
    assert_true(waits <= 3);
}

/* --- depth --------------------------------------------------------------------------------------
 */

static void process_deeper(struct probe *self, struct hy_event *event)
{
    struct hy_loop refused;
    int depth = hy_loop_depth(), rc;

    (void)event;
    post(self, 1);
    rc = hy_process(HY_PROCESS_WAIT, HY_FOREVER);
    if (rc == -HY_EBUSY) {
        probe_note(self, depth);
        EXPECT_INT(hy_process_all(0, HY_FOREVER), -HY_EBUSY);
        EXPECT_INT(hy_loop_init(&refused), 0);
        EXPECT_INT(hy_loop_exec(&refused, 0), -HY_EBUSY);
        EXPECT_INT(hy_loop_begin(&refused, 0), -HY_EBUSY);
        self->on_event = NULL;
    }
    EXPECT_INT(hy_loop_depth(), depth);
}

static void test_el25_nesting_has_a_limit(void **state)
{
    (void)state;
    for (int limit = 100; limit > 0; limit -= 33) {
        if (limit < 100)
            assert_ok(hy_loop_set_depth_limit(limit));
        here.count = 0;
        here.on_event = process_deeper;
        post(&here, 1);
        assert_int_equal(hy_process(0, HY_FOREVER), 1);
        assert_int_equal(here.log[here.count < PROBE_LOG ? here.count - 1 : 0],
                         here.count < PROBE_LOG ? limit : E(1));
        assert_int_equal(here.count, limit + 1);
        wait_drain();
        assert_int_equal(hy_loop_depth(), 0);
    }
    assert_int_equal(hy_loop_set_depth_limit(-1), -HY_EINVAL);
    assert_ok(hy_loop_set_depth_limit(100));
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_el10_process_without_wait_never_blocks),
        CASE(test_process_waits_until_its_deadline),
        CASE(test_el13_zero_timers_keep_no_drain_busy_for_ever),
        CASE(test_el11_process_in_a_thread_without_a_dispatcher),
        CASE(test_el12_process_all_ends_when_nothing_is_left_or_in_time),
        CASE(test_el13_process_all_ends_in_spite_of_zero_timers),
        CASE(test_el14_only_callbacks_are_counted),
        CASE(test_el21_a_wake_from_before_is_not_lost),
        CASE(test_el22_a_wake_is_used_up_by_the_wait_that_it_ends),
        CASE(test_el25_nesting_has_a_limit),
    };

    allocator_install();
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
