/* SPDX-License-Identifier: MIT */
/* Cases for every dispatcher: deadlines, the order inside a pass, exclusions. */
#include "dispatcher_suite.h"

#include "../helpers/system.h"

#define MS HY_MILLISECOND

static void quit_when_ticked(struct ticker *self)
{
    (void)self;
    suite_quit(4);
}

/* --- deadlines -------------------------------------------------------------------------------- */

static void never_early(enum hy_timer_accuracy accuracy)
{
    struct ticker ticker;

    ticker_init(&ticker, 1);
    ticker.on_tick = quit_when_ticked;
    hy_timer_set_accuracy(&ticker.timer, accuracy);
    for (int i = 0; i < 20; i++) {
        int64_t delay_ns = (i + 1) * MS / 7 + i * 1001;
        int64_t due_ns = hy_now_ns() + delay_ns;

        EXPECT_INT(hy_timer_start_once(&ticker.timer, delay_ns), 0);
        EXPECT_INT(suite_run(0), 4);
        EXPECT(hy_now_ns() >= due_ns);
    }
    object_end(&ticker.hy);
}

/* Rules: TM-15, DU-02. */
static void test_du02_a_deadline_is_never_early(void **state)
{
    (void)state;
    never_early(HY_TIMER_PRECISE);
    never_early(HY_TIMER_COARSE);
}

static void test_du02_the_first_deadline_ends_the_wait(void **state)
{
    struct ticker far, near;
    int64_t begun_ns = hy_now_ns();

    (void)state;
    ticker_init(&far, 1);
    ticker_init(&near, 2);
    near.on_tick = quit_when_ticked;
    EXPECT_INT(hy_timer_start_once(&far.timer, 3600 * HY_SECOND), 0);
    EXPECT_INT(hy_timer_start_once(&near.timer, 5 * MS), 0);
    EXPECT_INT(suite_run(0), 4);
    EXPECT(hy_now_ns() - begun_ns < WAIT_LIMIT_S * HY_SECOND);
    EXPECT(PROBE_SAW(&here, 2));
    object_end(&far.hy);
    object_end(&near.hy);
}

static void restart_zero_few_times(struct ticker *self)
{
    if (self->calls == 5)
        suite_quit(4);
}

/* Rules: TM-09. */
static void test_zero_timers_fire_once_a_pass_and_keep_the_loop_awake(void **state)
{
    struct ticker zero;

    (void)state;
    ticker_init(&zero, 1);
    zero.on_tick = restart_zero_few_times;
    EXPECT_INT(hy_timer_start(&zero.timer, 0), 0);
    EXPECT_INT(suite_run(0), 4);
    EXPECT_INT(zero.calls, 5);
    EXPECT_INT(hy_process(0, HY_FOREVER), 0);
    EXPECT_INT(zero.calls, 6);
    object_end(&zero.hy);
}

static void start_a_near_one(struct probe *self, struct hy_event *event)
{
    (void)event;
    EXPECT_INT(hy_timer_start_once(self->context, 2 * MS), 0);
}

static void *post_one(void *context)
{
    (void)context;
    suite_post(1);
    return NULL;
}

/* The wait in progress is for ever; the post that ends it starts a timer. */
static void test_a_timer_started_by_a_post_ends_the_next_wait(void **state)
{
    struct ticker ticker;
    pthread_t thread;

    (void)state;
    ticker_init(&ticker, 2);
    ticker.on_tick = quit_when_ticked;
    here.on_event = start_a_near_one;
    here.context = &ticker.timer;
    suite_thread(&thread, post_one, NULL);
    EXPECT_INT(suite_run(0), 4);
    suite_join(thread);
    EXPECT(PROBE_SAW(&here, E(1), 2));
    object_end(&ticker.hy);
}

/* --- all sources at once ---------------------------------------------------------------------- */

enum {
    POSTED = 1,
    NOTIFIED = 2,
    TIMED = 3,
    ZEROED = 4,
    AWOKEN = 9
};

static struct {
    struct pair pair;
    struct ticker timer, zero;
} all;

static void read_it(struct pair *self)
{
    pair_read(self);
}

static void all_init(void)
{
    pair_init(&all.pair, NOTIFIED);
    all.pair.on_ready = read_it;
    ticker_init(&all.timer, TIMED);
    ticker_init(&all.zero, ZEROED);
    pair_watch(&all.pair, HY_READABLE);
}

/* All four become ready; what a case excluded last is done first. */
static void all_ready(void)
{
    here.count = 0;
    pair_write(&all.pair);
    pair_look_again(&all.pair);
    EXPECT_INT(hy_timer_start_at(&all.timer.timer, 1), 0);
    EXPECT_INT(hy_timer_start_once(&all.zero.timer, 0), 0);
    suite_post(0);
}

static void all_end(void)
{
    pair_end(&all.pair);
    object_end(&all.timer.hy);
    object_end(&all.zero.hy);
}

static void note_awake(struct probe *self)
{
    probe_note(self, AWOKEN);
}

/* Rules: DU-01, DU-10, TM-09. */
static void test_du01_the_order_inside_a_pass(void **state)
{
    (void)state;
    all_init();
    EXPECT_INT(hy_connect(&hy_thread_current()->events.awake, &here, note_awake, HY_DIRECT), 0);
    all_ready();
    EXPECT_INT(hy_process(0, HY_FOREVER), 3);
    EXPECT(PROBE_SAW(&here, AWOKEN, E(0), NOTIFIED, TIMED, ZEROED));
    EXPECT_INT(hy_disconnect(&hy_thread_current()->events.awake, &here, note_awake), 1);
    all_end();
}

/* --- exclusions --------------------------------------------------------------------------------
 */

/* Rules: EL-18, EL-19. */
static void test_el18_what_is_excluded_waits_for_the_next_pass(void **state)
{
    (void)state;
    all_init();
    all_ready();
    EXPECT_INT(hy_process(HY_PROCESS_EXCLUDE_NOTIFIERS, HY_FOREVER), 2);
    EXPECT(PROBE_SAW(&here, E(0), TIMED, ZEROED));
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    EXPECT(PROBE_SAW(&here, E(0), TIMED, ZEROED, NOTIFIED));

    all_ready();
    EXPECT_INT(hy_process(HY_PROCESS_EXCLUDE_TIMERS, HY_FOREVER), 2);
    EXPECT(PROBE_SAW(&here, E(0), NOTIFIED));
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    EXPECT(PROBE_SAW(&here, E(0), NOTIFIED, TIMED, ZEROED));

    all_ready();
    EXPECT_INT(hy_process(HY_PROCESS_EXCLUDE_POSTED, HY_FOREVER), 2);
    EXPECT(PROBE_SAW(&here, NOTIFIED, TIMED, ZEROED));
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    EXPECT(PROBE_SAW(&here, NOTIFIED, TIMED, ZEROED, E(0)));
    all_end();
}

static void *post_and_write(void *context)
{
    suite_post(0);
    pair_write(context);
    return NULL;
}

/* With everything else ready, or becoming so, a wait lasts until its deadline and uses no time. */
static void test_el18_what_is_excluded_ends_no_wait(void **state)
{
    const unsigned nothing = HY_PROCESS_WAIT | HY_PROCESS_EXCLUDE_NOTIFIERS |
                             HY_PROCESS_EXCLUDE_TIMERS | HY_PROCESS_EXCLUDE_POSTED;
    int64_t limit_ns = hy_now_ns() + 200 * MS, cpu_ns = system_thread_cpu_ns();
    pthread_t thread;
    int waits = 0;

    (void)state;
    all_init();
    all_ready();
    suite_thread(&thread, post_and_write, &all.pair);
    while (hy_now_ns() < limit_ns && waits < 1000) {
        EXPECT_INT(hy_process(nothing, limit_ns), 0);
        waits++;
    }
    suite_join(thread);
    EXPECT(waits < 10);
    EXPECT(system_thread_cpu_ns() - cpu_ns < 100 * MS);
    EXPECT_INT(here.count, 0);
    EXPECT_INT(hy_process_all(0, HY_FOREVER), 4);
    EXPECT(PROBE_SAW(&here, E(0), E(0), NOTIFIED, TIMED, ZEROED) ||
           here.count == 5 /* the second post may be taken after the first pass */);
    all_end();
}

static void stop_later(struct ticker *self)
{
    (void)self;
    suite_quit(5);
}

/* The same for a whole loop. */
static void test_el18_a_loop_with_exclusions(void **state)
{
    struct ticker stop;
    int64_t cpu_ns = system_thread_cpu_ns();

    (void)state;
    all_init();
    all_ready();
    ticker_init(&stop, 6);
    stop.on_tick = stop_later;
    EXPECT_INT(hy_timer_start_once(&stop.timer, 200 * MS), 0);
    EXPECT_INT(suite_run(HY_PROCESS_EXCLUDE_NOTIFIERS | HY_PROCESS_EXCLUDE_POSTED), 5);
    EXPECT(system_thread_cpu_ns() - cpu_ns < 100 * MS);
    EXPECT(PROBE_SAW(&here, TIMED, ZEROED, 6));
    EXPECT_INT(hy_process(0, HY_FOREVER), 2);
    EXPECT(PROBE_SAW(&here, TIMED, ZEROED, 6, E(0), NOTIFIED));
    object_end(&stop.hy);
    all_end();
}

/* --- hooks --------------------------------------------------------------------------------------
 */

static int blocks, wakes;

static void count_block(struct probe *self)
{
    (void)self;
    blocks++;
    EXPECT(wakes >= blocks); /* one at the start of the pass */
}

static void count_awake(struct probe *self)
{
    (void)self;
    wakes++;
}

/* Rules: EL-15. */
static void test_el15_about_to_block_and_awake(void **state)
{
    struct hy_thread *thread = hy_thread_current();
    struct ticker ticker;

    (void)state;
    blocks = wakes = 0;
    ticker_init(&ticker, 1);
    EXPECT_INT(hy_connect(&thread->events.about_to_block, &here, count_block, HY_DIRECT), 0);
    EXPECT_INT(hy_connect(&thread->events.awake, &here, count_awake, HY_DIRECT), 0);
    EXPECT_INT(hy_process(0, HY_FOREVER), 0);
    EXPECT_INT(blocks, 0); /* it did not wait */
    EXPECT_INT(wakes, 1);
    EXPECT_INT(hy_process(HY_PROCESS_WAIT, hy_now_ns() + MS), 0);
    EXPECT_INT(blocks, 1);
    EXPECT(wakes >= 3); /* before, and after the wait */
    EXPECT_INT(hy_timer_start_at(&ticker.timer, hy_now_ns()), 0);
    EXPECT_INT(hy_process(HY_PROCESS_WAIT, HY_FOREVER), 1);
    EXPECT_INT(blocks, 1); /* what was due made it not wait */
    ticker.on_tick = quit_when_ticked;
    EXPECT_INT(hy_timer_start_once(&ticker.timer, 5 * MS), 0);
    EXPECT_INT(suite_run(0), 4);
    EXPECT(blocks >= 1);
    EXPECT(wakes >= blocks);
    EXPECT_INT(hy_disconnect(&thread->events.about_to_block, &here, count_block), 1);
    EXPECT_INT(hy_disconnect(&thread->events.awake, &here, count_awake), 1);
    object_end(&ticker.hy);
}

static struct probe *victim;
static int finis;

static void delete_it(struct probe *self)
{
    (void)self;
    if (victim != NULL) {
        EXPECT_INT(hy_object_destroy_later(&victim->hy), 0);
        EXPECT_INT(finis, 0);
    }
    victim = NULL;
}

/* Rules: DD-08. */
static void test_dd08_a_delete_asked_for_in_a_hook_is_served(void **state)
{
    struct hy_thread *thread = hy_thread_current();
    struct ticker ticker;

    (void)state;
    for (int i = 0; i < 2; i++) {
        ticker_init(&ticker, 1);
        ticker.on_tick = quit_when_ticked;
        finis = 0;
        victim = probe_create(NULL);
        victim->fini_count = &finis;
        EXPECT_INT(hy_connect(i == 0 ? &thread->events.about_to_block : &thread->events.awake,
                              &here, delete_it, HY_DIRECT),
                   0);
        EXPECT_INT(hy_timer_start_once(&ticker.timer, 5 * MS), 0);
        EXPECT_INT(suite_run(0), 4);
        EXPECT_INT(finis, 1);
        EXPECT_INT(hy_disconnect(i == 0 ? &thread->events.about_to_block : &thread->events.awake,
                                 &here, delete_it),
                   1);
        object_end(&ticker.hy);
    }
}

static struct hy_loop inner;

static void quit_inner(struct ticker *self)
{
    (void)self;
    hy_loop_quit(&inner, 0);
}

static void nest_with_a_hook(struct probe *self, struct hy_event *event)
{
    struct ticker ticker;

    (void)event;
    ticker_init(&ticker, 1);
    ticker.on_tick = quit_inner;
    finis = 0;
    victim = probe_create(NULL);
    victim->fini_count = &finis;
    EXPECT_INT(hy_connect(&hy_thread_current()->events.awake, self, delete_it, HY_DIRECT), 0);
    EXPECT_INT(hy_timer_start_once(&ticker.timer, MS), 0);
    EXPECT_INT(hy_loop_init(&inner), 0);
    EXPECT_INT(hy_loop_exec(&inner, 0), 0);
    EXPECT_INT(finis, 1); /* by the loop of the hook, not only as this handler returns */
    EXPECT_INT(hy_disconnect(&hy_thread_current()->events.awake, self, delete_it), 1);
    object_end(&ticker.hy);
    suite_quit(2);
}

static void test_dd08_the_same_in_a_nested_loop(void **state)
{
    (void)state;
    here.on_event = nest_with_a_hook;
    suite_post(0);
    EXPECT_INT(suite_run(0), 2);
}

static bool ticked_twice(void *context)
{
    return ((const struct ticker *)context)->calls >= 2;
}

static void nest_until_ticked(struct probe *self, struct hy_event *event)
{
    (void)event;
    suite_subject()->nest(ticked_twice, self->context);
    suite_quit(3);
}

/* The foreign loop in the handler knows the descriptor only, and that has to follow the timer. */
static void test_timers_fire_in_a_nested_foreign_loop(void **state)
{
    struct ticker ticker;

    (void)state;
    ticker_init(&ticker, 1);
    here.on_event = nest_until_ticked;
    here.context = &ticker;
    EXPECT_INT(hy_timer_start(&ticker.timer, 3 * MS), 0);
    suite_post(0);
    EXPECT_INT(suite_run(0), 3);
    EXPECT(ticker.calls >= 2); /* the loop around may tick once more before it ends */
    object_end(&ticker.hy);
}

const struct suite_case suite_timer_cases[] = {
    SUITE_CASE(test_du02_a_deadline_is_never_early),
    SUITE_CASE(test_du02_the_first_deadline_ends_the_wait),
    SUITE_CASE(test_zero_timers_fire_once_a_pass_and_keep_the_loop_awake),
    SUITE_CASE(test_a_timer_started_by_a_post_ends_the_next_wait),
    SUITE_CASE(test_du01_the_order_inside_a_pass),
    SUITE_CASE(test_el18_what_is_excluded_waits_for_the_next_pass),
    SUITE_CASE(test_el18_what_is_excluded_ends_no_wait),
    SUITE_CASE(test_el18_a_loop_with_exclusions),
    SUITE_CASE(test_el15_about_to_block_and_awake),
    SUITE_CASE(test_dd08_a_delete_asked_for_in_a_hook_is_served),
    SUITE_CASE(test_dd08_the_same_in_a_nested_loop),
    SUITE_CASE(test_timers_fire_in_a_nested_foreign_loop),
    {0},
};
