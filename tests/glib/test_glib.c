/* SPDX-License-Identifier: MIT */
/*
 * The guest in a GMainContext: which context, both sides in each other's loops, fairness, quitting,
 * threads. Rules DG. tests/glib/test_glib_nested.c has the loops inside each other.
 */
#include "glib_fixture.h"

#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

static struct probe here;
static struct hy_loop loop;
static GMainLoop *main_loop;

static int setup(void **state)
{
    probe_init(&here, NULL);
    main_loop = g_main_loop_new(NULL, FALSE);
    return check_setup(state);
}

static int teardown(void **state)
{
    g_main_loop_unref(main_loop);
    object_end(&here.hy);
    return check_teardown(state);
}

static void post(struct probe *probe, uint32_t number)
{
    EXPECT_INT(hy_post(&probe->hy, E(number), NULL, 0, HY_PRIORITY_NORMAL), 0);
}

/* --- which context ----------------------------------------------------------------------------
 */

static void quit_main_loop(void *context)
{
    (void)context;
    g_main_loop_quit(main_loop);
}

static void test_dg01_the_main_thread_uses_the_default_context(void **state)
{
    (void)state;
    assert_null(g_main_context_get_thread_default());
    post(&here, 1);
    while (here.count == 0)
        g_main_context_iteration(NULL, TRUE);
    glib_call(0, quit_main_loop, NULL);
    g_main_loop_run(main_loop);
}

static void check_thread_default(void *context)
{
    EXPECT(g_main_context_get_thread_default() == context);
    EXPECT(g_main_context_is_owner(context));
}

static void test_dg01_a_thread_has_its_context_while_it_runs(void **state)
{
    struct worker worker;
    GMainContext *context;
    struct hy_dispatcher *dispatcher = glib_dispatcher(&context);

    (void)state;
    g_main_context_ref(context);
    worker_init(&worker, "guest");
    assert_ok(hy_thread_set_dispatcher(&worker.thread, dispatcher));
    for (int run = 0; run < 3; run++) { /* TH: a thread may start again */
        assert_ok(hy_thread_start(&worker.thread));
        if (run == 0)
            run_there(&worker.probe.hy, check_thread_default, context);
        hy_thread_quit(&worker.thread, 0);
        assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
        assert_true(g_main_context_acquire(context)); /* it is nobody's again */
        assert_false(g_main_context_pending(context));
        g_main_context_release(context);
    }
    worker_stop(&worker);
    g_main_context_unref(context);
}

static void test_dg01_a_context_has_one_guest(void **state)
{
    struct hy_dispatcher *first, *second = NULL, *other;
    GMainContext *context;

    (void)state;
    assert_int_equal(hy_dispatcher_create_glib(NULL, &second), -HY_EEXIST);
    assert_int_equal(hy_dispatcher_create_glib(g_main_context_default(), &second), -HY_EEXIST);
    first = glib_dispatcher(&context);
    assert_int_equal(hy_dispatcher_create_glib(context, &second), -HY_EEXIST);
    assert_null(second);
    g_main_context_ref(context);
    first->ops->destroy(first);
    assert_ok(hy_dispatcher_create_glib(context, &second));
    assert_ok(hy_dispatcher_set_glib_priority(second, G_PRIORITY_LOW));
    second->ops->destroy(second);
    g_main_context_unref(context);
    assert_int_equal(hy_dispatcher_set_glib_priority(NULL, 0), -HY_EINVAL);
    assert_ok(hy_dispatcher_create(&other));
    assert_int_equal(hy_dispatcher_set_glib_priority(other, 0), -HY_EINVAL);
    other->ops->destroy(other);
}

static void exec_and_note(struct hy_thread *thread, void *context)
{
    (void)thread;
    *(int *)context = hy_thread_exec();
}

static void test_dg01_a_context_that_another_thread_runs(void **state)
{
    struct hy_thread thread;
    GMainContext *context;
    struct hy_dispatcher *dispatcher = glib_dispatcher(&context);
    int code = 1;

    (void)state;
    assert_true(g_main_context_acquire(context));
    assert_ok(hy_thread_init(&thread, "guest", NULL));
    assert_ok(hy_thread_set_dispatcher(&thread, dispatcher));
    assert_ok(hy_thread_set_body(&thread, exec_and_note, &code));
    assert_ok(hy_thread_start(&thread));
    assert_ok(hy_thread_join(&thread, HY_FOREVER));
    assert_int_equal(code, -HY_EBUSY);
    g_main_context_release(context);
    hy_thread_fini(&thread);
}

static void test_making_one_without_memory(void **state)
{
    struct hy_dispatcher *dispatcher = NULL;
    GMainContext *context = g_main_context_new();
    int rc = -HY_ENOMEM;

    (void)state;
    for (long at = 1; rc < 0; at++) {
        long blocks = allocator_blocks();
        allocator_fail_at(at);
        rc = hy_dispatcher_create_glib(context, &dispatcher);
        if (rc < 0) {
            assert_true(allocator_has_failed());
            assert_int_equal(rc, -HY_ENOMEM);
            assert_int_equal(allocator_blocks(), blocks);
            assert_null(dispatcher);
        }
    }
    allocator_fail_at(0);
    dispatcher->ops->destroy(dispatcher);
    g_main_context_unref(context);
}

/* Only a dispatcher that can be polled has a descriptor. */
static void has_descriptor(void *context)
{
    struct hy_loop of_thread;

    EXPECT_INT(hy_loop_init(&of_thread), 0);
    EXPECT_INT(hy_loop_begin(&of_thread, 0), 0);
    *(int *)context = hy_loop_descriptor(&of_thread);
    EXPECT_INT(hy_loop_end(&of_thread), 0);
}

/* Rules: DG-05. The suite runs against the guest in test_dispatcher_glib.c. */
static void test_dg05_which_dispatcher_it_is_the_program_says(void **state)
{
    struct worker plain, guest;
    int of_plain = -1, of_guest = 0;

    (void)state;
    worker_start(&plain, "plain"); /* with GLib in the program, and a guest in it */
    glib_worker_start(&guest, "guest");
    run_there(&plain.probe.hy, has_descriptor, &of_plain);
    run_there(&guest.probe.hy, has_descriptor, &of_guest);
    assert_true(of_plain >= 0);
    assert_int_equal(of_guest, -HY_ENOTSUP);
    worker_stop(&plain);
    worker_stop(&guest);
}

/* --- both sides in each loop ------------------------------------------------------------------
 */

static struct traffic *watched_traffic; /* of the main thread, or of the thread that executes */

struct ending {
    void (*quit)(void);
};

static void look_at_traffic(void *context)
{
    if (traffic_reached(watched_traffic))
        ((const struct ending *)context)->quit();
}

static void quit_thread(void)
{
    hy_thread_quit(hy_thread_current(), 3);
}

static void quit_glib(void)
{
    g_main_loop_quit(main_loop);
}

static void quit_app(void)
{
    hy_app_quit(4);
}

static void test_dg02_both_go_on_in_g_main_loop_run(void **state)
{
    struct traffic traffic;
    GSource *source =
        glib_repeat(g_timeout_source_new(1), look_at_traffic, &(struct ending){quit_glib});

    (void)state;
    watched_traffic = &traffic;
    traffic_start(&traffic);
    traffic_aim(&traffic, 30);
    g_main_loop_run(main_loop);
    EXPECT(traffic_reached(&traffic));
    EXPECT_INT(hy_loop_depth(), 0);
    glib_stop(source);
    traffic_stop(&traffic);
}

static void exec_with_traffic(struct hy_thread *thread, void *context)
{
    struct traffic traffic;

    (void)thread;
    watched_traffic = &traffic;
    traffic_start(&traffic);
    traffic_aim(&traffic, 30);
    GSource *source =
        glib_repeat(g_timeout_source_new(1), look_at_traffic, &(struct ending){quit_thread});
    *(int *)context = hy_thread_exec();
    EXPECT(traffic_reached(&traffic));
    glib_stop(source);
    traffic_stop(&traffic);
}

static void test_dg02_both_go_on_in_hy_thread_exec(void **state)
{
    struct hy_thread thread;
    int code = 0;

    (void)state;
    assert_ok(hy_thread_init(&thread, "guest", NULL));
    assert_ok(hy_thread_set_dispatcher(&thread, glib_dispatcher(NULL)));
    assert_ok(hy_thread_set_body(&thread, exec_with_traffic, &code));
    assert_ok(hy_thread_start(&thread));
    assert_ok(hy_thread_join(&thread, HY_FOREVER));
    hy_thread_fini(&thread);
    assert_int_equal(code, 3);
}

static void test_dg02_both_go_on_in_hy_app_exec(void **state)
{
    struct hy_app app;
    struct traffic traffic;

    (void)state;
    assert_ok(hy_app_init(&app));
    watched_traffic = &traffic;
    traffic_start(&traffic);
    traffic_aim(&traffic, 30);
    GSource *source =
        glib_repeat(g_timeout_source_new(1), look_at_traffic, &(struct ending){quit_app});
    EXPECT_INT(hy_app_exec(&app), 4);
    EXPECT(traffic_reached(&traffic));
    glib_stop(source);
    traffic_stop(&traffic);
    hy_app_fini(&app);
}

static void note_here(void *context)
{
    probe_note(&here, (int64_t)(intptr_t)context);
}

static gboolean note_readable(gint descriptor, GIOCondition condition, gpointer context)
{
    (void)descriptor;
    EXPECT_INT(condition & G_IO_IN, G_IO_IN);
    probe_note(&here, 77);
    return *(int *)context = 1, G_SOURCE_REMOVE;
}

static void test_dg02_glib_sources_of_each_kind_in_single_passes(void **state)
{
    int ends[2], seen = 0;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    glib_call(0, note_here, (void *)1);
    assert_true(hy_process(0, HY_FOREVER) >= 0); /* without waiting, too */
    EXPECT(PROBE_SAW(&here, 1));
    glib_call(5, note_here, (void *)2);
    while (here.count < 2)
        assert_ok(hy_process(HY_PROCESS_WAIT, HY_FOREVER));
    EXPECT(PROBE_SAW(&here, 1, 2));
    GSource *source = g_unix_fd_source_new(ends[0], G_IO_IN);
    g_source_set_callback(source, G_SOURCE_FUNC(note_readable), &seen, NULL);
    g_source_attach(source, NULL);
    g_source_unref(source);
    assert_int_equal(write(ends[1], "x", 1), 1);
    while (seen == 0)
        assert_ok(hy_process(HY_PROCESS_WAIT, HY_FOREVER));
    close(ends[0]);
    close(ends[1]);
}

/* --- fairness ---------------------------------------------------------------------------------
 */

static int idle_calls;
static bool fair_stop;

static void count_idle(void *context)
{
    (void)context;
    idle_calls++;
}

static void post_again(struct probe *self, struct hy_event *event)
{
    if (!fair_stop)
        post(self, event->type - HY_EVENT_USER);
}

static void stop_when_fair(struct probe *self)
{
    (void)self;
    fair_stop = idle_calls >= 200 && here.reached >= 200;
    if (fair_stop) {
        g_main_loop_quit(main_loop);
        hy_loop_quit(&loop, 0);
    }
}

/* A stream of events that posts itself, a zero timer, an idle source, and a timer that looks. */
static void run_against_each_other(void (*run)(void), int priority)
{
    struct hy_timer timer, zero;
    GSource *idle = g_idle_source_new();

    idle_calls = 0;
    fair_stop = false;
    here.on_event = post_again;
    g_source_set_priority(idle, priority);
    glib_repeat(idle, count_idle, NULL);
    assert_ok(hy_loop_init(&loop));
    assert_ok(hy_timer_init(&timer, NULL));
    assert_ok(hy_timer_init(&zero, NULL));
    struct probe looker;
    probe_init(&looker, NULL);
    assert_ok(hy_connect(&timer.events.timeout, &looker, stop_when_fair, HY_AUTO));
    assert_ok(hy_connect(&zero.events.timeout, &looker, probe_nothing, HY_AUTO));
    assert_ok(hy_timer_start(&timer, HY_MILLISECOND));
    assert_ok(hy_timer_start(&zero, 0));
    post(&here, 1);
    run();
    EXPECT(idle_calls >= 200);
    EXPECT(here.reached >= 200);
    /* They take turns: neither is a tenth of the other. */
    EXPECT(here.reached < 10 * idle_calls);
    EXPECT(idle_calls < 10 * here.reached);
    EXPECT(looker.reached > 0);
    glib_stop(idle);
    object_end(&timer.hy);
    object_end(&zero.hy);
    wait_drain();
    object_end(&looker.hy);
}

static void run_glib(void)
{
    g_main_loop_run(main_loop);
}

static void run_halyard(void)
{
    EXPECT_INT(hy_loop_exec(&loop, 0), 0);
}

/* Departs: DG-03: a guest that has run is not ready for one round, instead of timers of two
 * priorities. */
static void test_dg03_neither_side_starves_in_a_glib_loop(void **state)
{
    (void)state;
    run_against_each_other(run_glib, G_PRIORITY_LOW);
}

static void test_dg03_neither_side_starves_in_a_halyard_loop(void **state)
{
    (void)state;
    run_against_each_other(run_halyard, G_PRIORITY_DEFAULT);
}

static void iterate_until(int count)
{
    while (here.count < count)
        g_main_context_iteration(NULL, TRUE);
}

/* A guest of low priority waits for what is ready before it. */
static void test_the_priority_counts_in_a_glib_loop(void **state)
{
    (void)state;
    while (g_main_context_iteration(NULL, FALSE)) {
    }
    glib_call(0, note_here, (void *)1);
    post(&here, 2);
    iterate_until(2);
    EXPECT(PROBE_SAW(&here, E(2), 1));
    while (g_main_context_iteration(NULL, FALSE)) {
    }
    assert_ok(hy_dispatcher_set_glib_priority(glib_main_dispatcher, G_PRIORITY_LOW));
    glib_call(0, note_here, (void *)3);
    post(&here, 4);
    iterate_until(4);
    EXPECT(PROBE_SAW(&here, E(2), 1, 3, E(4)));
    assert_ok(hy_dispatcher_set_glib_priority(glib_main_dispatcher, G_PRIORITY_DEFAULT));
}

/* --- quitting ---------------------------------------------------------------------------------
 */

static int later_calls;

static void quit_halyard(void *context)
{
    (void)context;
    hy_loop_quit(&loop, 8);
    later_calls = 0;
}

static void count_later(void *context)
{
    (void)context;
    later_calls++;
}

static void test_quitting_a_halyard_loop_in_a_glib_callback(void **state)
{
    GSource *idle;

    (void)state;
    assert_ok(hy_loop_init(&loop));
    idle = glib_repeat(g_idle_source_new(), count_later, NULL);
    glib_call(2, quit_halyard, NULL);
    assert_int_equal(hy_loop_exec(&loop, 0), 8);
    assert_int_equal(later_calls, 0); /* at once: no other round of GLib's sources */
    glib_stop(idle);
}

static void quit_glib_in_handler(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    g_main_loop_quit(main_loop);
    later_calls = 0;
}

static void test_quitting_a_glib_loop_in_a_handler(void **state)
{
    GSource *idle;

    (void)state;
    idle = glib_repeat(g_idle_source_new(), count_later, NULL);
    here.on_event = quit_glib_in_handler;
    post(&here, 1);
    g_main_loop_run(main_loop);
    assert_int_equal(here.count, 1);
    assert_int_equal(later_calls, 0);
    glib_stop(idle);
}

static void *quit_from_a_plain_thread(void *context)
{
    (void)context;
    hy_loop_quit(&loop, 9);
    return NULL;
}

static void test_el06_quit_from_another_thread(void **state)
{
    (void)state;
    for (int i = 0; i < check_scaled(200); i++) {
        pthread_t thread;

        assert_ok(hy_loop_init(&loop));
        assert_ok(hy_loop_begin(&loop, 0));
        assert_int_equal(pthread_create(&thread, NULL, quit_from_a_plain_thread, NULL), 0);
        while (hy_loop_prepare(&loop, NULL) >= 0 && hy_loop_wait(&loop, HY_FOREVER) >= 0 &&
               hy_loop_dispatch(&loop) >= 0) {
        }
        assert_int_equal(hy_loop_end(&loop), 9);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
}

/* --- threads ----------------------------------------------------------------------------------
 */

struct player {
    struct source source;
    struct probe probe;
    int64_t rounds;
    void (*done)(void);
};

static void play(struct probe *self, int64_t value)
{
    struct player *player = self->context;

    if (value < player->rounds)
        hy_emit_with(&player->source.events.number, .value = value + 1);
    else
        player->done();
}

static void player_init(struct player *player, int64_t rounds, void (*done)(void))
{
    source_init(&player->source);
    probe_init(&player->probe, NULL);
    player->probe.context = player;
    player->probe.on_slot = play;
    player->rounds = rounds;
    player->done = done;
}

static void quit_both_ways(void)
{
    g_main_loop_quit(main_loop);
    hy_loop_quit(&loop, 0);
}

static void nothing(void)
{
}

/* Queued signals to and fro: a lost wake-up hangs it. Both sleep between two of them, but when an
 * idle source keeps this one awake. */
static void play_with(const char *name, void (*run)(void), bool guest_there, bool busy_here)
{
    struct worker worker;
    static struct player near, far;
    GSource *idle = busy_here ? glib_repeat(g_idle_source_new(), count_later, NULL) : NULL;
    int64_t rounds = 2 * check_scaled(5000);

    player_init(&near, rounds, quit_both_ways);
    player_init(&far, rounds + 1, nothing);
    assert_ok(hy_connect(&near.source.events.number, &far.probe, probe_number, HY_AUTO));
    assert_ok(hy_connect(&far.source.events.number, &near.probe, probe_number, HY_AUTO));
    if (guest_there)
        glib_worker_start(&worker, name);
    else
        worker_start(&worker, name);
    assert_ok(hy_object_move_to_thread(&far.source.hy, &worker.thread));
    assert_ok(hy_object_move_to_thread(&far.probe.hy, &worker.thread));
    assert_ok(hy_loop_init(&loop));
    hy_emit_with(&near.source.events.number, .value = 1);
    run();
    EXPECT_INT(near.probe.reached, rounds / 2);
    worker_stop(&worker);
    object_end(&near.source.hy);
    object_end(&near.probe.hy);
    if (idle != NULL)
        glib_stop(idle);
}

static void test_no_wake_up_is_lost_between_a_glib_loop_and_a_thread(void **state)
{
    (void)state;
    play_with("plain", run_glib, false, false);
    play_with("plain", run_glib, false, true);
}

static void test_no_wake_up_is_lost_between_two_guests(void **state)
{
    (void)state;
    play_with("guest", run_glib, true, false);
    play_with("guest", run_halyard, true, false);
    play_with("guest", run_halyard, true, true);
}

/* A post at any distance from the moment at which the loop falls asleep. */
static void *post_with_distance(void *context)
{
    struct gate *gate = context;

    for (int i = 0; i < check_scaled(3000) && gate_wait(gate); i++) {
        for (volatile int spin = 0; spin < i % 97 * 10; spin++) {
        }
        post(&here, 1);
    }
    return NULL;
}

static void open_gate(struct probe *self, struct hy_event *event)
{
    (void)event;
    if (self->reached >= check_scaled(3000))
        g_main_loop_quit(main_loop);
    gate_open(self->context);
}

static void test_no_wake_up_is_lost_at_any_distance(void **state)
{
    struct gate gate;
    pthread_t thread;

    (void)state;
    gate_init(&gate);
    here.context = &gate;
    here.on_event = open_gate;
    assert_int_equal(pthread_create(&thread, NULL, post_with_distance, &gate), 0);
    gate_open(&gate);
    g_main_loop_run(main_loop);
    assert_int_equal(pthread_join(thread, NULL), 0);
    EXPECT_INT(here.reached, check_scaled(3000));
    gate_fini(&gate);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

/* --- the source is destroyed -------------------------------------------------------------------
 */

static int warnings, errors;

static void count_log(enum hy_log_level level, const char *category, const char *message)
{
    (void)message;
    if (strcmp(category, "glib") == 0)
        (void)count_up(level == HY_LOG_ERROR ? &errors : &warnings);
}

static void destroy_source(void *context)
{
    guint number = 1;
    GSource *source = NULL;

    (void)context;
    for (; number < 100000; number++) {
        source = g_main_context_find_source_by_id(NULL, number);
        if (source != NULL && g_strcmp0(g_source_get_name(source), "halyard") == 0)
            break;
    }
    if (EXPECT(number < 100000))
        g_source_destroy(source);
}

static void destroy_source_in_a_handler(struct probe *self, struct hy_event *event)
{
    (void)self;
    if (event->type == E(1))
        destroy_source(NULL);
}

static void *destroy_source_elsewhere(void *context)
{
    destroy_source(context);
    return NULL;
}

static bool has_come(void *count)
{
    return here.count >= *(int *)count;
}

static void quit_when_traffic_goes_on(void *traffic)
{
    if (traffic_reached(traffic))
        hy_thread_quit(hy_thread_current(), 0);
}

/* By a GLib callback, in a handler of Halyard, and by another thread. */
static void test_a_source_that_was_destroyed_is_made_again(void **state)
{
    struct traffic traffic;
    pthread_t thread;
    GSource *asking;
    int count = 1;

    (void)state;
    warnings = errors = 0;
    hy_log_set_handler(count_log);
    glib_call(0, destroy_source, NULL);
    while (count_get(&warnings) == 0)
        g_main_context_iteration(NULL, TRUE);
    here.on_event = destroy_source_in_a_handler;
    post(&here, 1);
    glib_run_until(has_come, &count);
    traffic_start(&traffic);
    traffic_aim(&traffic, 3);
    glib_run_until(traffic_reached, &traffic);
    assert_int_equal(warnings, 2);
    assert_int_equal(errors, 0);

    assert_int_equal(pthread_create(&thread, NULL, destroy_source_elsewhere, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(errors, 1);
    traffic_aim(&traffic, 3);
    asking = glib_repeat(g_timeout_source_new(1), quit_when_traffic_goes_on, &traffic);
    assert_int_equal(hy_thread_exec(), 0);
    glib_stop(asking);
    traffic_aim(&traffic, 3);
    glib_run_until(traffic_reached, &traffic); /* and in GLib's loops from then on */
    traffic_stop(&traffic);
    hy_log_set_handler(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_dg01_the_main_thread_uses_the_default_context),
        CASE(test_dg01_a_thread_has_its_context_while_it_runs),
        CASE(test_dg01_a_context_has_one_guest),
        CASE(test_dg01_a_context_that_another_thread_runs),
        CASE(test_making_one_without_memory),
        CASE(test_dg05_which_dispatcher_it_is_the_program_says),
        CASE(test_dg02_both_go_on_in_g_main_loop_run),
        CASE(test_dg02_both_go_on_in_hy_thread_exec),
        CASE(test_dg02_both_go_on_in_hy_app_exec),
        CASE(test_dg02_glib_sources_of_each_kind_in_single_passes),
        CASE(test_dg03_neither_side_starves_in_a_glib_loop),
        CASE(test_dg03_neither_side_starves_in_a_halyard_loop),
        CASE(test_the_priority_counts_in_a_glib_loop),
        CASE(test_quitting_a_halyard_loop_in_a_glib_callback),
        CASE(test_quitting_a_glib_loop_in_a_handler),
        CASE(test_el06_quit_from_another_thread),
        CASE(test_no_wake_up_is_lost_between_a_glib_loop_and_a_thread),
        CASE(test_no_wake_up_is_lost_between_two_guests),
        CASE(test_no_wake_up_is_lost_at_any_distance),
        CASE(test_a_source_that_was_destroyed_is_made_again),
    };

    allocator_install();
    glib_install();
    return cmocka_run_group_tests_name("glib", tests, NULL, NULL);
}
