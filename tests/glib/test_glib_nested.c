/* SPDX-License-Identifier: MIT */
/*
 * Loops of both kinds inside each other, and what a GLib callback may do: deferred deletes, hooks,
 * exclusions. Rules DG-02, DG-04, DD-08. All in the main thread, the default context's guest.
 */
#include "glib_fixture.h"

#include "../helpers/system.h"

#include <halyard/log.h>
#include <string.h>
#include <unistd.h>

static struct probe here;
static struct hy_loop loops[2];
static struct traffic traffic;

static int setup(void **state)
{
    probe_init(&here, NULL);
    EXPECT_INT(hy_loop_init(&loops[0]), 0);
    EXPECT_INT(hy_loop_init(&loops[1]), 0);
    traffic_start(&traffic);
    return check_setup(state);
}

static int teardown(void **state)
{
    traffic_stop(&traffic);
    object_end(&here.hy);
    return check_teardown(state);
}

static void post(struct probe *probe, uint32_t number)
{
    EXPECT_INT(hy_post(&probe->hy, E(number), NULL, 0, HY_PRIORITY_NORMAL), 0);
}

/* --- a GLib loop that looks at the traffic ----------------------------------------------------
 */

static void quit_when_reached(void *context)
{
    if (traffic_reached(&traffic))
        g_main_loop_quit(context);
}

/* As a modal dialog does: returns when each kind has come 10 times. */
static void run_dialog(void)
{
    GMainLoop *loop = g_main_loop_new(NULL, FALSE);
    GSource *source = glib_repeat(g_timeout_source_new(1), quit_when_reached, loop);

    traffic_aim(&traffic, 10);
    g_main_loop_run(loop);
    EXPECT(traffic_reached(&traffic));
    glib_stop(source);
    g_main_loop_unref(loop);
}

static void dialog_in_handler(struct probe *self, struct hy_event *event)
{
    EXPECT_INT(hy_loop_depth(), 1);
    run_dialog();
    EXPECT_INT(hy_loop_depth(), 1);
    probe_note(self, event->type);
    hy_loop_quit(&loops[0], 5);
}

static void test_dg02_a_glib_loop_in_a_handler(void **state)
{
    (void)state;
    here.on_event = dialog_in_handler;
    post(&here, 1);
    assert_int_equal(hy_loop_exec(&loops[0], 0), 5);
}

static void dialog_in_handler_of_a_guest(struct probe *self, struct hy_event *event)
{
    (void)event;
    EXPECT_INT(hy_loop_depth(), 1); /* the foreign loop's pass */
    run_dialog();
    g_main_loop_quit(self->context);
}

static void test_dg02_a_glib_loop_in_a_handler_of_a_glib_loop(void **state)
{
    GMainLoop *outer = g_main_loop_new(NULL, FALSE);

    (void)state;
    here.on_event = dialog_in_handler_of_a_guest;
    here.context = outer;
    post(&here, 1);
    g_main_loop_run(outer);
    EXPECT_INT(hy_loop_depth(), 0);
    g_main_loop_unref(outer);
}

static void dialog_in_callback(void *context)
{
    run_dialog();
    hy_loop_quit(&loops[0], *(int *)context);
}

static void test_dg02_a_glib_loop_in_a_glib_callback_of_our_wait(void **state)
{
    (void)state;
    for (int delay_ms = 0; delay_ms < 5; delay_ms++) {
        int code = 6 + delay_ms;
        glib_call((unsigned)delay_ms, dialog_in_callback, &code);
        assert_int_equal(hy_loop_exec(&loops[0], 0), code);
    }
}

/* --- three levels -----------------------------------------------------------------------------
 */

static GMainLoop *glib_loops[2];
static char trace[32];

static void note(char letter)
{
    size_t length = strlen(trace);

    if (EXPECT(length + 1 < sizeof trace))
        trace[length] = letter;
}

static void innermost(void *context)
{
    (void)context;
    run_dialog();
    note('c');
    g_main_loop_quit(glib_loops[1]);
}

static void level(struct probe *self, struct hy_event *event);

static void second_halyard_loop(void *context)
{
    (void)context;
    note('b');
    post(&here, 2);
    EXPECT_INT(hy_loop_exec(&loops[1], 0), 12);
    run_dialog();
    note('e');
    g_main_loop_quit(glib_loops[0]);
}

static void level(struct probe *self, struct hy_event *event)
{
    bool outer = event->type == E(1);

    (void)self;
    note(outer ? 'a' : 'B');
    glib_call(outer ? 0 : 2, outer ? second_halyard_loop : innermost, NULL);
    g_main_loop_run(glib_loops[outer ? 0 : 1]);
    run_dialog();
    note(outer ? 'f' : 'd');
    hy_loop_quit(&loops[outer ? 0 : 1], outer ? 11 : 12);
}

static void test_dg02_loops_of_both_kinds_inside_each_other(void **state)
{
    (void)state;
    memset(trace, 0, sizeof trace);
    for (int i = 0; i < 2; i++)
        glib_loops[i] = g_main_loop_new(NULL, FALSE);
    here.on_event = level;
    post(&here, 1);
    assert_int_equal(hy_loop_exec(&loops[0], 0), 11);
    assert_string_equal(trace, "abBcdef");
    assert_int_equal(hy_loop_depth(), 0);
    for (int i = 0; i < 2; i++)
        g_main_loop_unref(glib_loops[i]);
}

/* --- asked to quit, with a GLib loop inside ---------------------------------------------------
 */

static void quit_then_dialog(void *context)
{
    int64_t cpu_ns;

    (void)context;
    hy_loop_quit(&loops[0], 7);
    run_dialog(); /* Halyard goes on in it all the same */
    hy_timer_stop(&traffic.timer);
    cpu_ns = system_thread_cpu_ns();
    for (int64_t until_ns = hy_now_ns() + 50 * HY_MILLISECOND; hy_now_ns() < until_ns;)
        g_main_context_iteration(NULL, TRUE);
    /* And the request keeps nobody awake; sanitized code is slow. */
    EXPECT(system_thread_cpu_ns() - cpu_ns < 40 * HY_MILLISECOND);
}

static void test_a_glib_loop_outlives_the_request_to_quit(void **state)
{
    (void)state;
    glib_call(1, quit_then_dialog, NULL);
    assert_int_equal(hy_loop_exec(&loops[0], 0), 7);
}

static void quit_app_then_dialog(void *context)
{
    (void)context;
    hy_app_quit(9);
    run_dialog();
}

static void quit_app_in_handler(struct probe *self, struct hy_event *event)
{
    (void)event;
    quit_app_then_dialog(self);
}

static void test_a_glib_loop_outlives_the_end_of_the_application(void **state)
{
    struct hy_app app;

    (void)state;
    assert_ok(hy_app_init(&app));
    glib_call(1, quit_app_then_dialog, NULL);
    EXPECT_INT(hy_app_exec(&app), 9);
    here.on_event = quit_app_in_handler;
    traffic_stop(&traffic); /* the application has stopped its thread */
    traffic_start(&traffic);
    post(&here, 1);
    EXPECT_INT(hy_app_exec(&app), 9);
    hy_app_fini(&app);
}

/* --- deferred deletes -------------------------------------------------------------------------
 */

static int finis;

static struct probe *make_victim(void)
{
    struct probe *victim = probe_create(NULL);

    finis = 0;
    victim->fini_count = &finis;
    return victim;
}

static void delete_and_look(void *context)
{
    EXPECT_INT(hy_object_destroy_later(context), 0);
    EXPECT_INT(finis, 0);
    run_dialog(); /* a loop inside the callback that asked does not serve it */
    EXPECT_INT(finis, 0);
}

static bool is_destroyed(void *context)
{
    (void)context;
    return finis > 0;
}

/* Rules: DD-08. */
static void test_dd08_a_delete_asked_for_in_a_glib_callback_of_our_wait(void **state)
{
    (void)state;
    glib_call(0, delete_and_look, make_victim());
    while (finis == 0)
        assert_true(hy_process(HY_PROCESS_WAIT, HY_FOREVER) >= 0);
    assert_int_equal(finis, 1);
}

static void delete_later(void *context)
{
    EXPECT_INT(hy_object_destroy_later(context), 0);
    EXPECT_INT(finis, 0);
}

static void test_dd08_a_delete_asked_for_in_a_glib_loop(void **state)
{
    (void)state;
    hy_timer_stop(&traffic.timer);
    glib_call(0, delete_later, make_victim());
    glib_run_until(is_destroyed, NULL);
    assert_int_equal(finis, 1);
}

static void delete_in_handler(struct probe *self, struct hy_event *event)
{
    (void)event;
    glib_call(0, delete_later, self->context);
    run_dialog();
    EXPECT_INT(finis, 0);
}

/* Departs: DD-08: in a GLib loop inside a handler it is served as that handler returns, not before:
 * where such a loop begins, nobody tells. */
static void test_dd08_a_delete_asked_for_in_a_nested_glib_loop(void **state)
{
    (void)state;
    here.on_event = delete_in_handler;
    here.context = make_victim();
    post(&here, 1);
    while (here.count == 0)
        assert_true(hy_process(HY_PROCESS_WAIT, HY_FOREVER) >= 0);
    assert_int_equal(finis, 1);
}

/* --- exclusions -------------------------------------------------------------------------------
 */

static int readings_before, ticks_before, posts_before;

static void remember(void)
{
    readings_before = traffic.readings;
    ticks_before = traffic.ticks;
    posts_before = traffic.posts;
}

struct span {
    int64_t until_ns;
    int rounds;
};

static bool span_is_over(void *context)
{
    struct span *span = context;

    span->rounds++;
    return hy_now_ns() >= span->until_ns;
}

static unsigned excluded;

/* After a while, and when what is not excluded has come. */
static bool excluded_long_enough(void *context)
{
    bool notifiers = (excluded & (unsigned)HY_PROCESS_EXCLUDE_NOTIFIERS) == 0;
    bool timers = (excluded & (unsigned)HY_PROCESS_EXCLUDE_TIMERS) == 0;

    return span_is_over(context) && traffic.posts > posts_before &&
           (!notifiers || traffic.readings > readings_before) &&
           (!timers || traffic.ticks > ticks_before);
}

/* GLib's own sources go on, 1 ms apart; what is excluded does not turn it into a busy wait. */
static void excluded_in_handler(struct probe *self, struct hy_event *event)
{
    int glib_ticks = traffic.glib_ticks;
    int64_t began_ns = hy_now_ns();
    struct span span = {began_ns + 60 * HY_MILLISECOND, 0};

    (void)self;
    (void)event;
    wait_busy_until_ns(began_ns + 2 * HY_MILLISECOND); /* all of it is ready */
    remember();
    glib_run_until(excluded_long_enough, &span);
    EXPECT(traffic.glib_ticks > glib_ticks);
    EXPECT(span.rounds < 1000 + 20 * (hy_now_ns() - began_ns) / HY_MILLISECOND);
    if ((excluded & (unsigned)HY_PROCESS_EXCLUDE_NOTIFIERS) != 0)
        EXPECT_INT(traffic.readings, readings_before);
    if ((excluded & (unsigned)HY_PROCESS_EXCLUDE_TIMERS) != 0)
        EXPECT_INT(traffic.ticks, ticks_before);
    hy_loop_quit(&loops[0], 1);
}

/* The same in a GLib callback that the wait of such a loop calls. */
static void excluded_in_callback(void *context)
{
    (void)context;
    excluded_in_handler(&here, NULL);
}

/* Rules: DG-04, EL-18. */
static void test_dg04_exclusions_hold_in_nested_glib_loops(void **state)
{
    const unsigned sets[] = {HY_PROCESS_EXCLUDE_NOTIFIERS, HY_PROCESS_EXCLUDE_TIMERS,
                             HY_PROCESS_EXCLUDE_NOTIFIERS | HY_PROCESS_EXCLUDE_TIMERS};

    (void)state;
    here.on_event = excluded_in_handler;
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        excluded = sets[i];
        post(&here, 1);
        assert_int_equal(hy_loop_exec(&loops[0], excluded), 1);
        glib_call(3, excluded_in_callback, NULL);
        assert_int_equal(hy_loop_exec(&loops[0], excluded), 1);
        run_dialog(); /* outside, everything is back, what was ready included */
    }
}

static void test_dg04_a_wait_without_notifiers(void **state)
{
    int awake = 0;
    int64_t began_ns = hy_now_ns();

    (void)state;
    remember();
    while (hy_now_ns() < began_ns + 60 * HY_MILLISECOND || traffic.posts < posts_before + 10) {
        assert_true(hy_process(HY_PROCESS_WAIT | HY_PROCESS_EXCLUDE_NOTIFIERS,
                               hy_now_ns() + 20 * HY_MILLISECOND) >= 0);
        awake++;
    }
    assert_int_equal(traffic.readings, readings_before);
    assert_true(awake < 1000 + 20 * (hy_now_ns() - began_ns) / HY_MILLISECOND);
    run_dialog();
}

/* --- hooks ------------------------------------------------------------------------------------
 */

static int blocks, awakes;

static void block_hook(struct probe *self)
{
    struct hy_timer timer;

    blocks++;
    if (self->context == NULL)
        return;
    self->context = NULL; /* once: it is called from the loop below, too */
    /* GLib prepares: no loop of GLib can run, one of Halyard can. */
    EXPECT_INT(hy_timer_init(&timer, NULL), 0);
    EXPECT_INT(hy_timer_start_once(&timer, HY_MILLISECOND), 0);
    while (hy_timer_is_running(&timer))
        EXPECT(hy_process(HY_PROCESS_WAIT, HY_FOREVER) >= 0);
    object_end(&timer.hy);
    self->context = self;
}

static void awake_hook(struct probe *self)
{
    (void)self;
    awakes++;
}

/* Rules: EL-15. */
static void test_hooks_in_a_glib_loop(void **state)
{
    struct hy_thread *thread = hy_thread_current();
    struct probe hook;

    (void)state;
    for (int nested = 0; nested < 2; nested++) {
        probe_init(&hook, NULL);
        hook.context = nested != 0 ? &hook : NULL;
        blocks = awakes = 0;
        assert_ok(hy_connect(&thread->events.about_to_block, &hook, block_hook, HY_DIRECT));
        assert_ok(hy_connect(&thread->events.awake, &hook, awake_hook, HY_DIRECT));
        run_dialog();
        assert_true(blocks > 0);
        assert_true(awakes > 0);
        object_end(&hook.hy);
    }
}

/* --- the depth --------------------------------------------------------------------------------
 */

static int complaints;

static void count_complaint(enum hy_log_level log_level, const char *category, const char *message)
{
    (void)message;
    if (log_level == HY_LOG_ERROR && strcmp(category, "glib") == 0)
        complaints++;
}

static void too_deep(struct probe *self, struct hy_event *event)
{
    struct span span = {hy_now_ns() + 30 * HY_MILLISECOND, 0};

    (void)self;
    (void)event;
    remember();
    glib_run_until(span_is_over, &span);
    EXPECT_INT(traffic.posts, posts_before); /* not in this one */
    EXPECT(span.rounds < 1000);              /* and it is not tried all the time */
}

/* It runs without Halyard, for the library cannot refuse it. Rules: EL-25. */
static void test_a_glib_loop_that_is_too_deep(void **state)
{
    (void)state;
    here.on_event = too_deep;
    complaints = 0;
    hy_log_set_handler(count_complaint);
    assert_ok(hy_loop_set_depth_limit(1));
    post(&here, 1);
    run_dialog();
    hy_log_set_handler(NULL);
    assert_ok(hy_loop_set_depth_limit(100));
    assert_int_equal(here.count, 1);
    assert_int_equal(complaints, 1);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_dg02_a_glib_loop_in_a_handler),
        CASE(test_dg02_a_glib_loop_in_a_handler_of_a_glib_loop),
        CASE(test_dg02_a_glib_loop_in_a_glib_callback_of_our_wait),
        CASE(test_dg02_loops_of_both_kinds_inside_each_other),
        CASE(test_a_glib_loop_outlives_the_request_to_quit),
        CASE(test_a_glib_loop_outlives_the_end_of_the_application),
        CASE(test_dd08_a_delete_asked_for_in_a_glib_callback_of_our_wait),
        CASE(test_dd08_a_delete_asked_for_in_a_glib_loop),
        CASE(test_dd08_a_delete_asked_for_in_a_nested_glib_loop),
        CASE(test_dg04_exclusions_hold_in_nested_glib_loops),
        CASE(test_dg04_a_wait_without_notifiers),
        CASE(test_hooks_in_a_glib_loop),
        CASE(test_a_glib_loop_that_is_too_deep),
    };

    allocator_install();
    glib_install();
    return cmocka_run_group_tests_name("glib-nested", tests, NULL, NULL);
}
