/* SPDX-License-Identifier: MIT */
/* Cases for every dispatcher: posts, wake-ups, quitting, nesting, loops in parts. */
#include "dispatcher_suite.h"

#include "../helpers/system.h"

static void quit_with_number(struct probe *self, struct hy_event *event)
{
    (void)self;
    suite_quit((int)(event->type - HY_EVENT_USER));
}

/* --- posts ------------------------------------------------------------------------------------ */

static void post_after(struct ticker *self)
{
    (void)self;
    suite_post(7);
}

static void test_dc09_a_post_is_delivered_by_the_next_pass(void **state)
{
    (void)state;
    suite_post(1);
    EXPECT_INT(here.count, 0); /* not at once */
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    suite_post(2);
    EXPECT_INT(hy_process(HY_PROCESS_WAIT, HY_FOREVER), 1);
    EXPECT(PROBE_SAW(&here, E(1), E(2)));
    EXPECT_INT(hy_process(0, HY_FOREVER), 0); /* EL-14 */
}

static void post_one_more(struct probe *self, struct hy_event *event)
{
    if (self->count < 3)
        suite_post(event->type - HY_EVENT_USER + 1);
}

/* Rules: DC-10. */
static void test_dc10_a_pass_delivers_what_was_queued_before(void **state)
{
    struct ticker ticker;

    (void)state;
    here.on_event = post_one_more;
    suite_post(1);
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    EXPECT(PROBE_SAW(&here, E(1), E(2), E(3)));
    here.on_event = NULL;
    ticker_init(&ticker, 50);
    ticker.on_tick = post_after;
    EXPECT_INT(hy_timer_start_at(&ticker.timer, 1), 0);
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    EXPECT_INT(here.count, 4); /* what the timer posted waits */
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    EXPECT_INT(here.count, 5);
    object_end(&ticker.hy);
}

static void *post_four(void *context)
{
    (void)context;
    for (uint32_t i = 1; i <= 4; i++)
        suite_post(i);
    return NULL;
}

static void quit_at_four(struct probe *self, struct hy_event *event)
{
    (void)self;
    if (event->type == E(4))
        suite_quit(4);
}

/* Rules: DC-04, DC-06. */
static void test_dc04_a_post_from_elsewhere_ends_the_wait(void **state)
{
    (void)state;
    here.on_event = quit_at_four;
    for (int i = 0; i < check_scaled(50); i++) {
        pthread_t thread;

        here.count = 0;
        suite_thread(&thread, post_four, NULL);
        EXPECT_INT(suite_run(0), 4);
        suite_join(thread);
        EXPECT(PROBE_SAW(&here, E(1), E(2), E(3), E(4)));
    }
}

static void post_from_a_thread_meanwhile(struct probe *self, struct hy_event *event)
{
    pthread_t thread;

    (void)self;
    if (event->type == E(9)) { /* while this handler runs, all are posted */
        suite_thread(&thread, post_four, NULL);
        suite_join(thread);
    } else if (event->type == E(4)) {
        suite_quit(0);
    }
}

static void test_dc04_posts_during_a_handler_are_delivered_after_it(void **state)
{
    (void)state;
    here.on_event = post_from_a_thread_meanwhile;
    suite_post(9);
    EXPECT_INT(suite_run(0), 0);
    EXPECT(PROBE_SAW(&here, E(9), E(1), E(2), E(3), E(4)));
}

/* --- lost wake-ups ------------------------------------------------------------------------------
 */

static struct {
    struct probe probe; /* in the partner's thread */
    int rounds, left;
} partner;

static void ball_there(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    suite_post(1);
}

static void ball_here(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    if (--partner.left <= 0)
        suite_quit(3);
    else
        EXPECT_INT(hy_post(&partner.probe.hy, E(2), NULL, 0, HY_PRIORITY_NORMAL), 0);
}

/* A post that reaches a loop just as it falls asleep: the ball would stop. */
static void test_no_wake_up_is_lost_between_two_threads(void **state)
{
    struct hy_thread thread;

    (void)state;
    EXPECT_INT(hy_thread_init(&thread, "partner", NULL), 0);
    probe_init(&partner.probe, NULL);
    partner.probe.on_event = ball_there;
    here.on_event = ball_here;
    partner.left = check_scaled(5000);
    EXPECT_INT(hy_object_move_to_thread(&partner.probe.hy, &thread), 0);
    EXPECT_INT(hy_thread_start(&thread), 0);
    suite_post(1);
    EXPECT_INT(suite_run(0), 3);
    EXPECT_INT(partner.left, 0);
    hy_thread_fini(&thread);
}

static void *post_and_pause(void *context)
{
    const int *count = context;

    for (int i = 0; i < *count; i++) {
        suite_post(1);
        for (volatile int spin = 0; spin < i % 500; spin++) {
        }
    }
    return NULL;
}

static void quit_when_all_came(struct probe *self, struct hy_event *event)
{
    (void)event;
    if (self->count == *(int *)self->context)
        suite_quit(0);
}

/* Each time the loop has run dry, the next post meets it at another point of falling asleep. */
static void test_no_wake_up_is_lost_at_any_distance(void **state)
{
    int count = check_scaled(2000), all = 2 * count;
    pthread_t threads[2];

    (void)state;
    here.on_event = quit_when_all_came;
    here.context = &all;
    suite_thread(&threads[0], post_and_pause, &count);
    suite_thread(&threads[1], post_and_pause, &count);
    EXPECT_INT(suite_run(0), 0);
    suite_join(threads[0]);
    suite_join(threads[1]);
    EXPECT_INT(here.count, all);
}

/* --- waking and quitting ----------------------------------------------------------------------
 */

static int awakes;

static void count_awake(struct probe *self)
{
    (void)self;
    awakes++;
}

/* Rules: EL-17. */
static void test_el17_many_wakes_are_one(void **state)
{
    int64_t limit_ns = hy_now_ns() + 20 * HY_MILLISECOND;
    int early = 0;

    (void)state;
    for (int i = 0; i < 1000; i++)
        hy_thread_wake(hy_thread_current());
    while (hy_now_ns() < limit_ns) {
        EXPECT_INT(hy_process(HY_PROCESS_WAIT, limit_ns), 0);
        early++;
    }
    EXPECT(early >= 2 && early <= 4); /* one ended early, and then it waited */
}

/* Rules: EL-16, EL-21. */
static void test_el16_a_wake_ends_one_wait_and_no_loop(void **state)
{
    struct ticker ticker;

    (void)state;
    EXPECT_INT(hy_connect(&hy_thread_current()->events.awake, &here, count_awake, HY_DIRECT), 0);
    ticker_init(&ticker, 5);
    here.on_event = quit_with_number;
    ticker.on_tick = post_after;
    awakes = 0;
    EXPECT_INT(hy_timer_start_once(&ticker.timer, 30 * HY_MILLISECOND), 0);
    hy_thread_wake(hy_thread_current());
    EXPECT_INT(suite_run(0), 7);
    EXPECT(awakes >= 2 && awakes < 20);
    EXPECT_INT(hy_disconnect(&hy_thread_current()->events.awake, &here, count_awake), 1);
    object_end(&ticker.hy);
}

static void *wake_now(void *context)
{
    hy_thread_wake(context);
    return NULL;
}

static struct ticker idle_end;
static pthread_t waker;
static int idle_blocks;

/* The first wait, which nothing else would end, is ended by a wake; the timer waits for the second,
 * so the loop has gone back to it. */
static void wake_the_first_wait(struct probe *self)
{
    (void)self;
    if (++idle_blocks == 1)
        suite_thread(&waker, wake_now, hy_thread_current());
    else if (idle_blocks == 2)
        EXPECT_INT(hy_timer_start_once(&idle_end.timer, 30 * HY_MILLISECOND), 0);
}

static void test_el16_a_wake_makes_an_idle_loop_run_one_pass(void **state)
{
    struct hy_thread *thread = hy_thread_current();

    (void)state;
    here.on_event = quit_with_number;
    ticker_init(&idle_end, 5);
    idle_end.on_tick = post_after;
    awakes = idle_blocks = 0;
    EXPECT_INT(hy_connect(&thread->events.about_to_block, &here, wake_the_first_wait, HY_DIRECT),
               0);
    EXPECT_INT(hy_connect(&thread->events.awake, &here, count_awake, HY_DIRECT), 0);
    EXPECT_INT(suite_run(0), 7);
    suite_join(waker);
    EXPECT(idle_blocks >= 2 && idle_blocks < 10); /* once for the wake, the rest for the timer */
    EXPECT(awakes >= idle_blocks);
    EXPECT_INT(hy_disconnect(&thread->events.about_to_block, &here, wake_the_first_wait), 1);
    EXPECT_INT(hy_disconnect(&thread->events.awake, &here, count_awake), 1);
    object_end(&idle_end.hy);
}

static void test_dc06_a_wake_comes_from_any_thread(void **state)
{
    (void)state;
    for (int i = 0; i < check_scaled(100); i++) {
        pthread_t thread;

        suite_thread(&thread, wake_now, hy_thread_current());
        EXPECT_INT(hy_process(HY_PROCESS_WAIT, HY_FOREVER), 0); /* it returns */
        suite_join(thread);
    }
}

static void *quit_now(void *context)
{
    (void)context;
    suite_quit(11);
    return NULL;
}

static void start_quitter(struct probe *self, struct hy_event *event)
{
    (void)event;
    suite_thread(self->context, quit_now, NULL);
}

/* Rules: EL-06. */
static void test_el06_quit_from_another_thread(void **state)
{
    (void)state;
    here.on_event = start_quitter;
    for (int i = 0; i < check_scaled(100); i++) {
        pthread_t thread;

        here.context = &thread;
        suite_post(1);
        EXPECT_INT(suite_run(0), 11);
        suite_join(thread);
    }
}

/* --- nesting ----------------------------------------------------------------------------------
 */

static struct hy_loop inner;

static void nest_a_loop(struct probe *self, struct hy_event *event)
{
    pthread_t thread;

    if (event->type == E(9)) {
        suite_thread(&thread, post_four, NULL);
        EXPECT_INT(hy_loop_init(&inner), 0);
        EXPECT_INT(hy_loop_exec(&inner, 0), 8);
        suite_join(thread);
        probe_note(self, hy_loop_depth());
        suite_quit(1);
    } else if (event->type == E(4)) {
        hy_loop_quit(&inner, 8);
    }
}

/* Rules: EL-09. */
static void test_el09_a_nested_loop_delivers(void **state)
{
    (void)state;
    here.on_event = nest_a_loop;
    suite_post(9);
    EXPECT_INT(suite_run(0), 1);
    EXPECT(PROBE_SAW(&here, E(9), E(1), E(2), E(3), E(4), 1));
    EXPECT_INT(hy_loop_depth(), 0);
}

static bool four_came(void *context)
{
    const struct probe *probe = context;

    return probe->count > 0 && probe->log[probe->count - 1] == E(4);
}

static void nest_a_foreign_loop(struct probe *self, struct hy_event *event)
{
    pthread_t thread;

    if (event->type != E(9)) {
        EXPECT_INT(hy_loop_depth(), 2);
        return;
    }
    suite_thread(&thread, post_four, NULL);
    suite_subject()->nest(four_came, self);
    suite_join(thread);
    suite_quit(1);
}

/* Rules: EL-09. */
static void test_posts_are_delivered_in_a_nested_foreign_loop(void **state)
{
    (void)state;
    here.on_event = nest_a_foreign_loop;
    for (int i = 0; i < check_scaled(100); i++) {
        here.count = 0;
        suite_post(9);
        EXPECT_INT(suite_run(0), 1);
        EXPECT(PROBE_SAW(&here, E(9), E(1), E(2), E(3), E(4)));
    }
}

static void post_and_nest(struct probe *self, struct hy_event *event)
{
    if (event->type != E(9))
        return;
    for (uint32_t i = 1; i <= 4; i++)
        suite_post(i); /* from the loop's own thread: nobody else wakes the foreign loop */
    suite_subject()->nest(four_came, self);
    suite_quit(2);
}

static void test_own_posts_are_delivered_in_a_nested_foreign_loop(void **state)
{
    (void)state;
    here.on_event = post_and_nest;
    suite_post(9);
    EXPECT_INT(suite_run(0), 2);
    EXPECT(PROBE_SAW(&here, E(9), E(1), E(2), E(3), E(4)));
}

/* --- in parts ---------------------------------------------------------------------------------
 */

static void test_a_loop_in_parts(void **state)
{
    struct hy_loop loop;
    pthread_t thread;

    (void)state;
    EXPECT_INT(hy_loop_init(&loop), 0);
    EXPECT_INT(hy_loop_begin(&loop, 0), 0);
    EXPECT_INT(hy_loop_begin(&loop, 0), -HY_EBUSY);
    EXPECT_INT(hy_loop_depth(), 1);
    EXPECT_INT(hy_loop_prepare(&loop, NULL), 0); /* nothing is pending */
    suite_post(9);
    EXPECT_INT(hy_loop_prepare(&loop, NULL), 1);
    EXPECT_INT(hy_loop_dispatch(&loop), 1);
    suite_thread(&thread, post_four, NULL);
    while (here.count < 5) {
        EXPECT_INT(hy_loop_wait(&loop, HY_FOREVER), 1);
        if (!EXPECT(hy_loop_dispatch(&loop) >= 0))
            break;
    }
    suite_join(thread);
    EXPECT_INT(hy_loop_wait(&loop, hy_now_ns() + HY_MILLISECOND), 0);
    hy_loop_quit(&loop, 6);
    EXPECT_INT(hy_loop_prepare(&loop, NULL), -HY_ESHUTDOWN);
    EXPECT_INT(hy_loop_dispatch(&loop), -HY_ESHUTDOWN);
    EXPECT_INT(hy_loop_end(&loop), 6);
    EXPECT_INT(hy_loop_end(&loop), -HY_EINVAL);
    EXPECT_INT(hy_loop_depth(), 0);
    EXPECT(PROBE_SAW(&here, E(9), E(1), E(2), E(3), E(4)));
}

static void test_an_idle_loop_costs_no_time(void **state)
{
    struct ticker ticker;
    int64_t cpu_ns;

    (void)state;
    here.on_event = quit_with_number;
    ticker_init(&ticker, 5);
    ticker.on_tick = post_after;
    EXPECT_INT(hy_timer_start_once(&ticker.timer, 200 * HY_MILLISECOND), 0);
    cpu_ns = system_thread_cpu_ns();
    EXPECT_INT(suite_run(0), 7);
    EXPECT(system_thread_cpu_ns() - cpu_ns < 100 * HY_MILLISECOND);
    object_end(&ticker.hy);
}

const struct suite_case suite_post_cases[] = {
    SUITE_CASE(test_dc09_a_post_is_delivered_by_the_next_pass),
    SUITE_CASE(test_dc10_a_pass_delivers_what_was_queued_before),
    SUITE_CASE(test_dc04_a_post_from_elsewhere_ends_the_wait),
    SUITE_CASE(test_dc04_posts_during_a_handler_are_delivered_after_it),
    SUITE_CASE(test_no_wake_up_is_lost_between_two_threads),
    SUITE_CASE(test_no_wake_up_is_lost_at_any_distance),
    SUITE_CASE(test_el17_many_wakes_are_one),
    SUITE_CASE(test_el16_a_wake_ends_one_wait_and_no_loop),
    SUITE_CASE(test_el16_a_wake_makes_an_idle_loop_run_one_pass),
    SUITE_CASE(test_dc06_a_wake_comes_from_any_thread),
    SUITE_CASE(test_el06_quit_from_another_thread),
    SUITE_CASE(test_el09_a_nested_loop_delivers),
    SUITE_CASE(test_posts_are_delivered_in_a_nested_foreign_loop),
    SUITE_CASE(test_own_posts_are_delivered_in_a_nested_foreign_loop),
    SUITE_CASE(test_a_loop_in_parts),
    SUITE_CASE(test_an_idle_loop_costs_no_time),
    {0},
};
