/* SPDX-License-Identifier: MIT */
/*
 * The application: exec, quitting, signals, order of the shutdown. Rules AP. Each case runs in a
 * child process of its own, since there is one application object and one set of signals.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define E(n) (HY_EVENT_USER + (n))

struct program {
    struct hy_app app;
    struct probe probe; /* lives in the main thread */
    int unix_signal;
    int about;
    int about_depth;
};

static struct program program;

static void note_signal(struct probe *self, const int *number)
{
    (void)self;
    program.unix_signal = *number;
    EXPECT_INT(program.about, 0); /* before quitting */
}

static void note_about(struct probe *self)
{
    (void)self;
    program.about++;
    program.about_depth = hy_loop_depth();
}

static void program_init(void)
{
    EXPECT_INT(hy_app_init(&program.app), 0);
    probe_init(&program.probe, NULL);
    EXPECT_INT(hy_connect(&program.app.events.unix_signal, &program.probe, note_signal, HY_AUTO),
               0);
    EXPECT_INT(hy_connect(&program.app.events.about_to_quit, &program.probe, note_about, HY_AUTO),
               0);
}

static void program_fini(void)
{
    object_end(&program.probe.hy);
    hy_app_fini(&program.app);
    EXPECT(hy_app_instance() == NULL);
}

static void post(uint32_t number)
{
    EXPECT_INT(hy_post(&program.probe.hy, E(number), NULL, 0, HY_PRIORITY_NORMAL), 0);
}

/* Event n: quits with code n. */
static void quit_with_number(struct probe *self, struct hy_event *event)
{
    (void)self;
    hy_app_quit((int)(event->type - HY_EVENT_USER));
}

/* --- exec and quit ---------------------------------------------------------------------------- */

static void quit_loop(struct probe *self, struct hy_event *event)
{
    (void)event;
    hy_loop_quit(self->context, 4);
}

static int case_exec(void *context)
{
    struct hy_app second;
    struct hy_loop loop;

    (void)context;
    EXPECT(hy_app_instance() == NULL);
    hy_app_quit(9); /* AP-06: without an application nothing happens */
    program_init();
    EXPECT(hy_app_instance() == &program.app);
    EXPECT_INT(hy_app_init(&second), -HY_EEXIST); /* AP-01 */
    hy_app_quit(8);                               /* AP-02: before exec it is forgotten */
    program.probe.on_event = quit_loop;
    program.probe.context = &loop;
    EXPECT_INT(hy_loop_init(&loop), 0);
    post(1);
    EXPECT_INT(hy_loop_exec(&loop, 0), 4); /* AP-06: it does nothing to other loops, too */
    program.probe.on_event = quit_with_number;
    for (uint32_t code = 3; code < 6; code++) { /* AP-02: again */
        post(code);
        EXPECT_INT(hy_app_exec(&program.app), (int)code);
        EXPECT_INT(program.about, (int)code - 2); /* AP-08: once per exec, */
        EXPECT_INT(program.about_depth, 0);       /* when its loop has returned */
    }
    EXPECT_INT(program.probe.count, 4);
    program_fini();
    return 0;
}

static void exec_inside(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    EXPECT_INT(hy_app_exec(&program.app), -HY_EBUSY);
    hy_app_quit(1);
}

static void exec_elsewhere(void *context)
{
    (void)context;
    EXPECT_INT(hy_app_exec(&program.app), -HY_EWRONGTHREAD);
}

static int case_exec_refused(void *context)
{
    struct worker worker;

    (void)context;
    program_init();
    worker_start(&worker, "worker");
    run_there(&worker.probe.hy, exec_elsewhere, NULL);
    worker_stop(&worker);
    program.probe.on_event = exec_inside;
    post(1);
    EXPECT_INT(hy_app_exec(&program.app), 1);
    program_fini();
    return 0;
}

static pthread_barrier_t both;
static int made;

static void *make_one(void *context)
{
    struct hy_app app;

    (void)context;
    EXPECT(hy_thread_current() != NULL);
    (void)pthread_barrier_wait(&both);
    int rc = hy_app_init(&app);
    EXPECT(rc == 0 || rc == -HY_EEXIST);
    if (rc == 0)
        (void)count_up(&made);
    (void)pthread_barrier_wait(&both);
    if (rc == 0)
        EXPECT_INT(hy_app_fini(&app), 0);
    return NULL;
}

static int case_two_at_once(void *context)
{
    (void)context;
    (void)pthread_barrier_init(&both, NULL, 2);
    for (int i = 0, n = check_scaled(200); i < n; i++) {
        pthread_t threads[2];

        made = 0;
        for (int j = 0; j < 2; j++)
            EXPECT_INT(pthread_create(&threads[j], NULL, make_one, NULL), 0);
        for (int j = 0; j < 2; j++)
            EXPECT_INT(pthread_join(threads[j], NULL), 0);
        EXPECT_INT(made, 1);
        EXPECT(hy_app_instance() == NULL);
    }
    return 0;
}

static void quit_elsewhere(void *context)
{
    (void)context;
    hy_app_quit(6);
}

static struct worker quitter;

static void let_other_quit(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    run_there(&quitter.probe.hy, quit_elsewhere, NULL);
}

static int case_quit_from_another_thread(void *context)
{
    (void)context;
    program_init();
    worker_start(&quitter, "quitter");
    program.probe.on_event = let_other_quit;
    post(1);
    EXPECT_INT(hy_app_exec(&program.app), 6);
    EXPECT_INT(hy_thread_get_state(&quitter.thread), HY_THREAD_FINISHED); /* exec joined it */
    hy_thread_fini(&quitter.thread);
    program_fini();
    return 0;
}

static void nest_then_quit(struct probe *self, struct hy_event *event)
{
    struct hy_loop loop;

    (void)self;
    if (event->type == E(2)) {
        hy_app_quit(2);
        return;
    }
    post(2);
    EXPECT_INT(hy_loop_init(&loop), 0);
    EXPECT_INT(hy_loop_exec(&loop, 0), 2); /* AP-07: all loops of the main thread end */
}

static int case_quit_ends_nested_loops(void *context)
{
    (void)context;
    program_init();
    program.probe.on_event = nest_then_quit;
    post(1);
    EXPECT_INT(hy_app_exec(&program.app), 2);
    program_fini();
    return 0;
}

static int case_loop_after_exec(void *context)
{
    struct hy_loop loop;

    (void)context;
    program_init();
    program.probe.on_event = quit_with_number;
    post(1);
    EXPECT_INT(hy_app_exec(&program.app), 1);
    program.probe.on_event = quit_loop;
    program.probe.context = &loop;
    EXPECT_INT(hy_loop_init(&loop), 0);
    post(1);
    EXPECT_INT(hy_loop_exec(&loop, 0), 4); /* AP-03 */
    program_fini();
    return 0;
}

/* --- unix signals -------------------------------------------------------------------------------
 */

static void raise_number(struct probe *self, struct hy_event *event)
{
    (void)self;
    EXPECT_INT(kill(getpid(), (int)(event->type - HY_EVENT_USER)), 0);
}

static int ending_signal(int number)
{
    program_init();
    program.probe.on_event = raise_number;
    post((uint32_t)number);
    EXPECT_INT(hy_app_exec(&program.app), 0);
    EXPECT_INT(program.unix_signal, number);
    EXPECT_INT(program.about, 1);
    program_fini();
    return 0;
}

static int case_sigint(void *context)
{
    (void)context;
    return ending_signal(SIGINT);
}

static int case_sigterm(void *context)
{
    (void)context;
    return ending_signal(SIGTERM);
}

static void after_hangup(struct probe *self, const int *number)
{
    (void)self;
    if (*number == SIGHUP)
        post(SIGTERM);
}

static int case_sighup_is_only_reported(void *context)
{
    (void)context;
    program_init();
    EXPECT_INT(hy_connect(&program.app.events.unix_signal, &program.probe, after_hangup, HY_AUTO),
               0);
    program.probe.on_event = raise_number;
    post(SIGHUP);
    EXPECT_INT(hy_app_exec(&program.app), 0);
    EXPECT_INT(program.probe.count, 2); /* the loop went on after the first */
    EXPECT_INT(program.unix_signal, SIGTERM);
    program_fini();
    return 0;
}

static int case_signal_before_exec(void *context)
{
    (void)context;
    program_init();
    EXPECT_INT(kill(getpid(), SIGTERM), 0); /* noted, and told by the loop */
    EXPECT_INT(hy_app_exec(&program.app), 0);
    EXPECT_INT(program.unix_signal, SIGTERM);
    program_fini();
    return 0;
}

static void interrupt_again(struct probe *self)
{
    (void)self;
    EXPECT_INT(kill(getpid(), SIGINT), 0);
}

static int case_second_sigint_during_the_shutdown(void *context)
{
    (void)context;
    program_init();
    EXPECT_INT(
        hy_connect(&program.app.events.about_to_quit, &program.probe, interrupt_again, HY_AUTO), 0);
    program.probe.on_event = raise_number;
    post(SIGINT);
    EXPECT_INT(hy_app_exec(&program.app), 0);
    EXPECT_INT(program.about, 1);
    program_fini();
    return 0;
}

/* Two more are swallowed, in whatever step the shutdown hangs. */
static void hang_until_killed(struct probe *self)
{
    (void)self;
    for (int i = 0; i < 3; i++) {
        EXPECT_INT(kill(getpid(), i == 1 ? SIGTERM : SIGINT), 0);
        EXPECT_INT(kill(getpid(), SIGHUP), 0); /* does not count */
        program.about++;
    }
    EXPECT(false); /* not reached */
}

static int case_third_signal_during_the_shutdown(void *context)
{
    (void)context;
    program_init();
    EXPECT_INT(
        hy_connect(&program.app.events.about_to_quit, &program.probe, hang_until_killed, HY_AUTO),
        0);
    program.probe.on_event = raise_number;
    post(SIGINT);
    (void)hy_app_exec(&program.app);
    return 0;
}

static struct gate hangs;

static void body_hangs(struct hy_thread *thread, void *context)
{
    (void)thread;
    gate_open(&hangs);
    for (;;) /* does not heed that it is asked to quit */
        (void)pause();
    (void)context;
}

static void *presses_keys(void *context)
{
    (void)context;
    gate_wait(&hangs); /* the thread is there; the main one joins it, or is about to */
    for (;;)
        (void)kill(getpid(), SIGINT);
    return NULL;
}

static int case_third_signal_while_a_join_hangs(void *context)
{
    struct hy_thread thread;
    pthread_t keyboard;

    (void)context;
    gate_init(&hangs);
    program_init();
    EXPECT_INT(hy_thread_init(&thread, "hangs", NULL), 0);
    EXPECT_INT(hy_thread_set_body(&thread, body_hangs, NULL), 0);
    EXPECT_INT(hy_thread_start(&thread), 0);
    EXPECT_INT(pthread_create(&keyboard, NULL, presses_keys, NULL), 0);
    (void)hy_app_exec(&program.app);
    return 0;
}

/* Each shutdown counts for itself. */
static int case_two_signals_in_each_of_three_shutdowns(void *context)
{
    (void)context;
    program_init();
    for (int i = 0; i < 2; i++)
        EXPECT_INT(
            hy_connect(&program.app.events.about_to_quit, &program.probe, interrupt_again, HY_AUTO),
            0);
    program.probe.on_event = quit_with_number;
    for (int i = 0; i < 3; i++) {
        post(1);
        EXPECT_INT(hy_app_exec(&program.app), 1);
    }
    program_fini();
    return 0;
}

static int case_signals_are_restored(void *context)
{
    sigset_t before, during, after;
    struct sigaction actions[32], action;

    (void)context;
    (void)signal(SIGHUP, SIG_IGN);
    EXPECT_INT(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
    for (int number = 1; number < 32; number++)
        (void)sigaction(number, NULL, &actions[number]);
    program_init();
    EXPECT_INT(pthread_sigmask(SIG_SETMASK, NULL, &during), 0);
    for (int number = 1; number < 32; number++) {
        bool watched = number == SIGINT || number == SIGTERM || number == SIGHUP;

        (void)sigaction(number, NULL, &action);
        EXPECT_INT(action.sa_handler != actions[number].sa_handler, watched); /* SIGPIPE neither */
        EXPECT_INT(sigismember(&during, number), sigismember(&before, number));
    }
    program_fini();
    EXPECT_INT(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    for (int number = 1; number < 32; number++) {
        (void)sigaction(number, NULL, &action);
        EXPECT(action.sa_handler == actions[number].sa_handler);
        EXPECT_INT(sigismember(&after, number), sigismember(&before, number));
    }
    return 0;
}

/* After the loop nobody was told of it: it has the effect that it would have without us. */
static int case_signal_between_exec_and_fini(void *context)
{
    (void)context;
    program_init();
    program.probe.on_event = quit_with_number;
    post(0);
    EXPECT_INT(hy_app_exec(&program.app), 0);
    EXPECT_INT(kill(getpid(), SIGTERM), 0);
    program_fini();
    return 0;
}

/* --- holds ------------------------------------------------------------------------------------ */

static void release_one(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    EXPECT_INT(program.about, 0); /* by its loop: nothing has ended it yet */
    hy_app_release();
}

static int case_holds(void *context)
{
    (void)context;
    hy_app_hold(); /* without an application: nothing */
    hy_app_release();
    program_init();
    hy_app_release(); /* never taken: nothing */
    hy_app_hold();    /* before exec: it counts */
    program.probe.on_event = release_one;
    for (uint32_t i = 1; i <= 3; i++) {
        hy_app_hold(); /* nested ones add up */
        post(i);
    }
    post(4);
    EXPECT_INT(hy_app_exec(&program.app), 0);
    EXPECT_INT(program.probe.count, 4); /* the fourth release ended it */
    hy_app_hold();
    hy_app_release(); /* outside exec: nothing, and the next exec does not end at once */
    program.probe.on_event = quit_with_number;
    post(6);
    EXPECT_INT(hy_app_exec(&program.app), 6);
    program_fini();
    return 0;
}

static void release_elsewhere(void *context)
{
    (void)context;
    hy_app_release();
}

static void let_other_release(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    run_there(&quitter.probe.hy, release_elsewhere, NULL);
}

static int case_release_from_another_thread(void *context)
{
    (void)context;
    program_init();
    worker_start(&quitter, "releases");
    hy_app_hold();
    program.probe.on_event = let_other_release;
    post(1);
    EXPECT_INT(hy_app_exec(&program.app), 0);
    hy_thread_fini(&quitter.thread);
    program_fini();
    return 0;
}

/* --- without an application ---------------------------------------------------------------------
 */

static int case_workers_do_not_need_an_application(void *context)
{
    struct worker worker;

    (void)context;
    worker_start(&worker, "worker");
    for (int i = 0; i < 3; i++) {
        flush_there(&worker.probe.hy);
        program_init();
        flush_there(&worker.probe.hy);
        EXPECT_INT(hy_post(&worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL), 0);
        object_end(&program.probe.hy);
        /* It stops the threads that were started from here; this one starts again. */
        hy_thread_set_finish_policy(&worker.thread, HY_FINISH_KEEP);
        hy_app_fini(&program.app);
        EXPECT_INT(hy_thread_start(&worker.thread), 0);
        flush_there(&worker.probe.hy);
        EXPECT_INT(worker.probe.count, i + 1);
    }
    hy_thread_set_finish_policy(&worker.thread, HY_FINISH_DRAIN);
    worker_stop(&worker);
    return 0;
}

static int case_signal_after_fini_ends_the_process(void *context)
{
    (void)context;
    program_init();
    program_fini();
    (void)kill(getpid(), SIGTERM);
    return 0;
}

/* --- the order of the shutdown ------------------------------------------------------------------
 */

static int order[16], order_count;

static void note_order(int what)
{
    int place = __atomic_fetch_add(&order_count, 1, __ATOMIC_ACQ_REL);

    if (place < 16)
        order[place] = what;
}

static struct worker first, second;

static void order_about(struct probe *self)
{
    (void)self;
    EXPECT_INT(hy_thread_get_state(&first.thread), HY_THREAD_RUNNING);
    EXPECT_INT(hy_thread_get_state(&second.thread), HY_THREAD_RUNNING);
    note_order(1);
}

static void order_first(struct probe *self)
{
    note_order(3);
    EXPECT_INT(hy_post(self->context, E(50), NULL, 0, HY_PRIORITY_NORMAL), 0);
}

static void order_second(struct probe *self)
{
    /* The first one has not been asked yet. */
    EXPECT_INT(hy_thread_get_state(&first.thread), HY_THREAD_RUNNING);
    note_order(2);
    EXPECT_INT(hy_post(self->context, E(51), NULL, 0, HY_PRIORITY_NORMAL), 0);
}

static int case_order_of_the_shutdown(void *context)
{
    (void)context;
    program_init();
    EXPECT_INT(hy_connect(&program.app.events.about_to_quit, &program.probe, order_about, HY_AUTO),
               0);
    worker_init(&first, "first");
    worker_init(&second, "second");
    first.probe.context = second.probe.context = &program.probe.hy;
    EXPECT_INT(hy_connect(&first.thread.events.finished, &first.probe, order_first, HY_AUTO), 0);
    EXPECT_INT(hy_connect(&second.thread.events.finished, &second.probe, order_second, HY_AUTO), 0);
    EXPECT_INT(hy_thread_start(&first.thread), 0);
    EXPECT_INT(hy_thread_start(&second.thread), 0);
    flush_there(&first.probe.hy);
    flush_there(&second.probe.hy);
    program.probe.on_event = quit_with_number;
    post(0);
    EXPECT_INT(hy_app_exec(&program.app), 0);
    note_order(4);
    EXPECT_INT(order_count, 4);
    for (int i = 0; i < 4; i++)
        EXPECT_INT(order[i], i + 1);
    /* What they posted to the main thread at their end has been delivered. */
    EXPECT(PROBE_SAW(&program.probe, E(0), E(51), E(50)));
    EXPECT_INT(hy_thread_get_state(&first.thread), HY_THREAD_FINISHED);
    hy_thread_fini(&first.thread);
    hy_thread_fini(&second.thread);
    program_fini();
    return 0;
}

static int case_pending_deletes_are_served(void *context)
{
    int finis = 0;
    struct probe *victim;

    (void)context;
    program_init();
    victim = probe_create(NULL);
    victim->fini_count = &finis;
    EXPECT_INT(hy_object_destroy_later(&victim->hy), 0);
    program.probe.on_event = quit_with_number;
    post(0);
    EXPECT_INT(hy_app_exec(&program.app), 0);
    EXPECT_INT(finis, 1); /* DD-10 */
    program_fini();
    return 0;
}

static struct probe *last_victim;
static int last_finis;

static void delete_in_about(struct probe *self)
{
    (void)self;
    EXPECT_INT(hy_object_destroy_later(&last_victim->hy), 0);
}

static void expect_alive(struct probe *self)
{
    (void)self;
    EXPECT_INT(last_finis, 0);
}

static int case_deletes_after_about_to_quit(void *context)
{
    (void)context;
    program_init();
    last_victim = probe_create(NULL);
    last_victim->fini_count = &last_finis;
    EXPECT_INT(
        hy_connect(&program.app.events.about_to_quit, &program.probe, delete_in_about, HY_AUTO), 0);
    EXPECT_INT(hy_connect(&program.app.events.about_to_quit, &program.probe, expect_alive, HY_AUTO),
               0);
    program.probe.on_event = quit_with_number;
    post(0);
    EXPECT_INT(hy_app_exec(&program.app), 0);
    EXPECT_INT(last_finis, 1);
    program_fini();
    return 0;
}

static void ask_for_another(struct probe *self)
{
    EXPECT_INT(hy_object_destroy_later(self->context), 0);
}

/* The loop has returned, and none will come. */
static int case_deletes_after_the_loop(void *context)
{
    int finis = 0;
    struct probe *victims[2];

    (void)context;
    program_init();
    program.probe.on_event = quit_with_number;
    post(0);
    EXPECT_INT(hy_app_exec(&program.app), 0);
    for (int i = 0; i < 2; i++) {
        victims[i] = probe_create(NULL);
        victims[i]->fini_count = &finis;
    }
    victims[0]->context = &victims[1]->hy;
    victims[0]->on_fini = ask_for_another;
    EXPECT_INT(hy_object_destroy_later(&victims[0]->hy), 0);
    EXPECT_INT(finis, 0);
    program_fini();
    EXPECT_INT(finis, 2);
    return 0;
}

/* --- hy_app_fail --------------------------------------------------------------------------------
 */

static int logged;

static void note_error(enum hy_log_level level, const char *category, const char *message)
{
    (void)category;
    if (level == HY_LOG_ERROR && strstr(message, "the chart is missing") != NULL)
        count_up(&logged);
}

static int case_fail_before_exec(void *context)
{
    (void)context;
    hy_log_set_handler(note_error);
    program_init();
    hy_app_fail(hy_error_set(-HY_ENOENT, "the chart is missing; install it"));
    EXPECT_INT(logged, 1);
    EXPECT_INT(hy_app_exec(&program.app), 1);
    program_fini();
    return 0;
}

static void fail_elsewhere(void *context)
{
    (void)context;
    hy_app_fail(hy_error_set(-HY_ENOENT, "the chart is missing; install it"));
}

static void let_other_fail(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    run_there(&quitter.probe.hy, fail_elsewhere, NULL);
}

static int case_fail_in_another_thread(void *context)
{
    (void)context;
    hy_log_set_handler(note_error);
    program_init();
    worker_start(&quitter, "fails");
    program.probe.on_event = let_other_fail;
    post(1);
    EXPECT_INT(hy_app_exec(&program.app), 1);
    EXPECT_INT(count_get(&logged), 1);
    hy_thread_fini(&quitter.thread);
    program_fini();
    return 0;
}

static int case_nothing_leaks(void *context)
{
    int descriptors = system_descriptors();

    (void)context;
    for (int i = 0; i < 5; i++) {
        program_init();
        program.probe.on_event = quit_with_number;
        post(0);
        EXPECT_INT(hy_app_exec(&program.app), 0);
        program_fini();
        if (i == 0)
            descriptors = system_descriptors(); /* the thread's dispatcher may stay */
    }
    EXPECT_INT(system_descriptors(), descriptors);
    return 0;
}

static void in_child(int (*function)(void *context), int expected)
{
    assert_int_equal(system_in_child(function, NULL), expected);
}

#define CHILD(name, function, expected)                                                            \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        in_child(function, expected);                                                              \
    }

static void test_sighup_is_only_reported(void **state)
{
    (void)state;
    SKIP_ON_WINDOWS("Windows has no SIGHUP");
    in_child(case_sighup_is_only_reported, 0);
}

static void test_signals_are_restored(void **state)
{
    (void)state;
    SKIP_ON_WINDOWS("the events of Windows' console have no actions and no masks to be restored");
    in_child(case_signals_are_restored, 0);
}

/* Rules: AP-01, AP-02, AP-06, AP-08. */
CHILD(test_ap02_exec_and_its_codes, case_exec, 0)
CHILD(test_ap01_exec_refused, case_exec_refused, 0)
CHILD(test_ap01_of_two_threads_one_makes_it, case_two_at_once, 0)
CHILD(test_ap07_quit_from_another_thread, case_quit_from_another_thread, 0)
CHILD(test_ap07_quit_ends_nested_loops, case_quit_ends_nested_loops, 0)
CHILD(test_ap03_a_plain_loop_after_exec, case_loop_after_exec, 0)
CHILD(test_sigint_ends_exec, case_sigint, 0)
CHILD(test_sigterm_ends_exec, case_sigterm, 0)
CHILD(test_a_signal_before_exec_is_not_lost, case_signal_before_exec, 0)
CHILD(test_a_second_sigint_during_the_shutdown, case_second_sigint_during_the_shutdown, 0)
CHILD(test_a_signal_after_fini_ends_the_process, case_signal_after_fini_ends_the_process,
      128 + SIGTERM)
CHILD(test_the_third_signal_during_the_shutdown_ends_it, case_third_signal_during_the_shutdown,
      128 + SIGINT)
CHILD(test_the_third_signal_while_a_join_hangs, case_third_signal_while_a_join_hangs, 128 + SIGINT)
CHILD(test_each_shutdown_counts_for_itself, case_two_signals_in_each_of_three_shutdowns, 0)
CHILD(test_a_signal_between_exec_and_fini, case_signal_between_exec_and_fini, 128 + SIGTERM)
CHILD(test_ap11_the_last_release_quits, case_holds, 0)
CHILD(test_ap11_release_from_another_thread, case_release_from_another_thread, 0)
CHILD(test_ap15_workers_do_not_need_an_application, case_workers_do_not_need_an_application, 0)
CHILD(test_ap08_order_of_the_shutdown, case_order_of_the_shutdown, 0)
CHILD(test_dd10_pending_deletes_are_served, case_pending_deletes_are_served, 0)
/* Rules: AP-08, DD-10. */
CHILD(test_ap08_the_last_deletes_come_after_about_to_quit, case_deletes_after_about_to_quit, 0)
/* Departs: DD-14: asked outside every loop, it waits for a loop, the end of the application or of
 * the thread. */
CHILD(test_dd14_after_the_main_loop_the_application_serves_them, case_deletes_after_the_loop, 0)
CHILD(test_fail_before_exec_is_remembered, case_fail_before_exec, 0)
CHILD(test_fail_in_another_thread, case_fail_in_another_thread, 0)
CHILD(test_nothing_leaks, case_nothing_leaks, 0)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ap02_exec_and_its_codes),
        TEST(test_ap01_exec_refused),
        TEST(test_ap01_of_two_threads_one_makes_it),
        TEST(test_ap07_quit_from_another_thread),
        TEST(test_ap07_quit_ends_nested_loops),
        TEST(test_ap03_a_plain_loop_after_exec),
        TEST(test_sigint_ends_exec),
        TEST(test_sigterm_ends_exec),
        TEST(test_sighup_is_only_reported),
        TEST(test_a_signal_before_exec_is_not_lost),
        TEST(test_a_second_sigint_during_the_shutdown),
        TEST(test_signals_are_restored),
        TEST(test_a_signal_after_fini_ends_the_process),
        TEST(test_the_third_signal_during_the_shutdown_ends_it),
        TEST(test_the_third_signal_while_a_join_hangs),
        TEST(test_each_shutdown_counts_for_itself),
        TEST(test_a_signal_between_exec_and_fini),
        TEST(test_ap11_the_last_release_quits),
        TEST(test_ap11_release_from_another_thread),
        TEST(test_ap15_workers_do_not_need_an_application),
        TEST(test_ap08_order_of_the_shutdown),
        TEST(test_dd10_pending_deletes_are_served),
        TEST(test_ap08_the_last_deletes_come_after_about_to_quit),
        TEST(test_dd14_after_the_main_loop_the_application_serves_them),
        TEST(test_fail_before_exec_is_remembered),
        TEST(test_fail_in_another_thread),
        TEST(test_nothing_leaks),
    };

    allocator_install();
    return cmocka_run_group_tests_name("app", tests, NULL, NULL);
}
