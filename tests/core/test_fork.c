/* SPDX-License-Identifier: MIT */
/*
 * After fork(): the child begins afresh while the parent's other threads were in the midst of
 * everything; the parent goes on undisturbed.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* At once, for what the parent registered is not the child's business; but gcov writes its counters
 * at exit(). */
#ifdef UNDER_COVERAGE
#define LEAVE exit
#else
#define LEAVE _exit
#endif

#define E(n) (HY_EVENT_USER + (n))

/* The child runs the function and ends with what it found; a hang ends it by SIGALRM. */
static pid_t fork_child(void (*function)(void *context), void *context)
{
    pid_t child;

    (void)fflush(NULL);
    child = fork();
    if (child == 0) {
        (void)alarm(30);
        function(context);
        LEAVE(check_take_failures() != 0 ? 1 : 0);
    }
    return child;
}

static int child_status(pid_t child)
{
    int status = 0;

    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ThreadSanitizer's own run-time does not bear a fork of a process with threads that then starts
 * some: now and then it ends such a child by a check of its own. */
static void skip_under_tsan(void)
{
    if (check_under_valgrind()) {
        print_message(
            "valgrind calls lost what the parent's threads held, and cannot always deliver "
            "a signal in a forked child\n");
        skip();
    }
    if (UNDER_TSAN) {
        print_message("ThreadSanitizer does not support threads in a forked child\n");
        skip();
    }
}

/* For a fork while other threads may allocate or begin: what they have locked of AddressSanitizer's
 * allocator stays locked in the child (seen in a debugger: a thread of the child waits for it in
 * pthread_getattr_np()). */
static void skip_under_asan(void)
{
    if (UNDER_ASAN) {
        print_message("AddressSanitizer's allocator may stay locked in a forked child\n");
        skip();
    }
}

/* --- everything anew, in the child -------------------------------------------------------------
 */

static void count_arrival(struct probe *self, const struct hy_unix_signal_info *info)
{
    probe_note(self, info->number);
}

static void use_timer(void)
{
    struct hy_timer timer;
    struct probe probe;

    probe_init(&probe, NULL);
    EXPECT_INT(hy_timer_init(&timer, NULL), 0);
    EXPECT_INT(hy_connect(&timer.events.timeout, &probe, probe_nothing, HY_AUTO), 0);
    EXPECT_INT(hy_timer_start(&timer, HY_MILLISECOND), 0);
    EXPECT(wait_count(&probe.reached, 3));
    hy_timer_fini(&timer);
    object_end(&probe.hy);
}

static void use_thread(void)
{
    struct worker worker;
    struct source source;
    struct number number = {1};

    worker_start(&worker, "child's");
    source_init(&source);
    EXPECT_INT(hy_connect(&source.events.number, &worker.probe, probe_number, HY_AUTO), 0);
    for (int i = 0; i < 10; i++)
        EXPECT_INT(hy_emit(&source.events.number, &number), 1);
    flush_there(&worker.probe.hy);
    EXPECT_INT(worker.probe.count, 10);
    object_end(&source.hy);
    worker_stop(&worker);
}

static void use_signals(void)
{
    struct hy_unix_signal signals;
    struct probe probe;

    probe_init(&probe, NULL);
    EXPECT_INT(hy_unix_signal_init(&signals, NULL), 0);
    EXPECT_INT(hy_connect(&signals.events.arrived, &probe, count_arrival, HY_AUTO), 0);
    EXPECT_INT(hy_unix_signal_watch(&signals, SIGUSR1), 0);
    EXPECT_INT(kill(getpid(), SIGUSR1), 0);
    EXPECT(wait_count(&probe.reached, 1));
    hy_unix_signal_fini(&signals);
    object_end(&probe.hy);
}

static void quit_app(struct probe *self, struct hy_event *event)
{
    (void)self;
    hy_app_quit((int)(event->type - HY_EVENT_USER));
}

static void use_app(void)
{
    struct hy_app app;
    struct probe probe;

    EXPECT(hy_app_instance() == NULL);
    EXPECT_INT(hy_app_init(&app), 0);
    probe_init(&probe, NULL);
    probe.on_event = quit_app;
    EXPECT_INT(hy_post(&probe.hy, E(5), NULL, 0, HY_PRIORITY_NORMAL), 0);
    EXPECT_INT(hy_app_exec(&app), 5);
    object_end(&probe.hy);
    hy_app_fini(&app);
}

static void use_everything(void *context)
{
    (void)context;
    EXPECT(hy_thread_current() != NULL);
    use_timer();
    use_thread();
    use_signals();
    use_app();
}

/* --- hammers: threads of the parent that post, connect, lock and emit ---------------------------
 */

struct hammers {
    struct worker workers[2];
    struct source source;       /* of the main thread: connected and cut by all */
    struct hy_unix_signal pipe; /* the same: watches SIGUSR1 */
    struct probe heard;
    pthread_t threads[2];
    int end, rounds;
};

static void nothing(struct hy_object *receiver, const void *payload)
{
    (void)receiver;
    (void)payload;
}

static void *hammer(void *context)
{
    struct hammers *hammers = context;

    while (count_get(&hammers->end) == 0) {
        struct probe probe;
        struct hy_ref ref;

        probe_init(&probe, NULL);
        EXPECT_INT(hy_object_set_name(&probe.hy, "a name %d", count_get(&hammers->rounds)), 0);
        ref = hy_ref_to(&probe.hy);
        for (int i = 0; i < 2; i++) {
            struct probe *receiver = &hammers->workers[i].probe;

            EXPECT_INT(hy_connect(&hammers->source.events.number, receiver, probe_number, HY_AUTO),
                       0);
            EXPECT_INT(hy_invoke(&receiver->hy, nothing, NULL, NULL), 0);
            EXPECT_INT(
                hy_invoke(hy_thread_context(&hammers->workers[i].thread), nothing, NULL, NULL), 0);
        }
        EXPECT_INT(hy_connect(&hammers->source.events.number, &probe, probe_number, HY_AUTO), 0);
        (void)hy_disconnect(&hammers->source.events.number, &hammers->workers[0].probe,
                            probe_number);
        (void)hy_disconnect(&hammers->source.events.number, &hammers->workers[1].probe,
                            probe_number);
        hy_app_hold();
        hy_app_release();
        object_end(&probe.hy);
        hy_ref_release(&ref);
        EXPECT(hy_process(0, HY_FOREVER) >= 0);
        (void)count_up(&hammers->rounds);
    }
    return NULL;
}

static void hammers_start(struct hammers *hammers)
{
    memset(hammers, 0, sizeof *hammers);
    source_init(&hammers->source);
    probe_init(&hammers->heard, NULL);
    EXPECT_INT(hy_unix_signal_init(&hammers->pipe, NULL), 0);
    EXPECT_INT(hy_unix_signal_watch(&hammers->pipe, SIGUSR1), 0);
    EXPECT_INT(hy_connect(&hammers->pipe.events.arrived, &hammers->heard, count_arrival, HY_AUTO),
               0);
    for (int i = 0; i < 2; i++)
        worker_start(&hammers->workers[i], "hammered");
    for (int i = 0; i < 2; i++)
        EXPECT_INT(pthread_create(&hammers->threads[i], NULL, hammer, hammers), 0);
}

static void hammers_stop(struct hammers *hammers)
{
    int before = count_get(&hammers->rounds);

    while (count_get(&hammers->rounds) < before + 10) { /* they go on */
    }
    (void)count_up(&hammers->end);
    for (int i = 0; i < 2; i++)
        EXPECT_INT(pthread_join(hammers->threads[i], NULL), 0);
    for (int i = 0; i < 2; i++) {
        flush_there(&hammers->workers[i].probe.hy);
        worker_stop(&hammers->workers[i]);
    }
    hy_unix_signal_fini(&hammers->pipe);
    object_end(&hammers->heard.hy);
    object_end(&hammers->source.hy);
}

/* What was made before the fork is dead in the child, and nothing hangs. */
static void use_what_is_lost(void *context)
{
    struct hammers *hammers = context;
    struct hy_thread *thread = &hammers->workers[0].thread;
    struct hy_object *there = &hammers->workers[0].probe.hy, *here = &hammers->source.hy;
    struct hy_ref ref = hy_ref_to(there);
    struct hy_thread fresh;
    struct probe probe;
    struct number number = {1};

    EXPECT_INT(hy_post(there, E(1), NULL, 0, HY_PRIORITY_NORMAL), -HY_ESHUTDOWN);
    EXPECT_INT(hy_post(&hammers->heard.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL), -HY_ESHUTDOWN);
    EXPECT_INT(hy_ref_post(ref, E(1), NULL, 0, HY_PRIORITY_NORMAL), -HY_ESHUTDOWN);
    EXPECT_INT(hy_invoke(hy_thread_context(thread), nothing, NULL, NULL), -HY_ESHUTDOWN);
    EXPECT(hy_ref_get(ref) == NULL);
    hy_ref_release(&ref);
    EXPECT_INT(hy_object_fini(here), -HY_ESHUTDOWN);
    EXPECT_INT(hy_object_fini(there), -HY_ESHUTDOWN);
    EXPECT_INT(hy_object_destroy_later(there), -HY_ESHUTDOWN);
    EXPECT_INT(hy_object_set_name(here, "x"), -HY_ESHUTDOWN);
    EXPECT_INT(hy_object_move_to_thread(here, thread), -HY_ESHUTDOWN);
    EXPECT(!hy_object_is_here(here));
    (void)hy_object_thread(there);

    probe_init(&probe, NULL);
    EXPECT_INT(hy_connect(&hammers->source.events.number, &probe, probe_number, HY_AUTO),
               -HY_ESHUTDOWN);
    EXPECT_INT(hy_object_move_to_thread(&probe.hy, thread), -HY_ESHUTDOWN);
    EXPECT_INT(hy_object_set_parent(&probe.hy, here), -HY_ESHUTDOWN);
    (void)hy_disconnect(&hammers->source.events.number, &hammers->workers[0].probe, probe_number);
    (void)hy_emit(&hammers->source.events.number, &number);
    EXPECT_INT(probe.count, 0);
    object_end(&probe.hy);

    EXPECT_INT(hy_thread_get_state(thread), HY_THREAD_FINISHED);
    EXPECT_INT(hy_thread_join(thread, HY_FOREVER), -HY_ESHUTDOWN);
    EXPECT_INT(hy_thread_start(thread), -HY_ESHUTDOWN);
    EXPECT_INT(hy_thread_set_priority(thread, HY_THREAD_PRIORITY_LOW), -HY_ESHUTDOWN);
    hy_thread_quit(thread, 0); /* writes to nobody's descriptor */
    hy_thread_hold(thread);
    hy_thread_release(thread);
    hy_thread_request_interruption(thread);
    hy_thread_fini(thread);
    EXPECT_INT(hy_thread_init(&fresh, "fresh", here), -HY_ESHUTDOWN);
    EXPECT_INT(hy_unix_signal_watch(&hammers->pipe, SIGUSR2), -HY_ESHUTDOWN);
    hy_unix_signal_fini(&hammers->pipe);
    EXPECT_INT(hy_process(0, HY_FOREVER), 0);
}

static void use_all(void *context)
{
    struct sigaction action;

    EXPECT_INT(sigaction(SIGUSR1, NULL, &action), 0);
    EXPECT(action.sa_handler == SIG_DFL); /* the parent's watch ended with the fork */
    use_what_is_lost(context);
    use_everything(context);
    use_what_is_lost(context);
}

static void test_fork_while_others_hammer(void **state)
{
    struct hammers hammers;

    (void)state;
    skip_under_tsan();
    skip_under_asan();
    hammers_start(&hammers);
    for (int i = 0, n = check_scaled(40); i < n; i++) {
        assert_int_equal(child_status(fork_child(use_all, &hammers)), 0);
        EXPECT(hy_process(0, HY_FOREVER) >= 0);
        /* The parent's own signals still reach it. */
        assert_int_equal(kill(getpid(), SIGUSR1), 0);
        assert_true(wait_count(&hammers.heard.reached, i + 1));
    }
    assert_int_equal(hammers.heard.count, hammers.heard.reached);
    hammers_stop(&hammers);
}

/* --- a fork in a handler that is returned from --------------------------------------------------
 */

struct forks {
    struct probe *probe;
    pid_t child;
    int after; /* events delivered behind the fork */
    int code;
    int about;
};

static struct forks forks;

static void fork_here(struct probe *self, struct hy_event *event)
{
    (void)self;
    if (event->type == E(1)) {
        forks.child = fork();
        if (forks.child == 0)
            (void)alarm(30);
    } else {
        forks.after++;
        hy_app_quit(2);
    }
}

static void note_about(struct probe *self)
{
    (void)self;
    forks.about++;
}

static int case_app(void *context)
{
    struct hy_app app;
    struct worker worker;
    struct probe probe;

    (void)context;
    EXPECT_INT(hy_app_init(&app), 0);
    worker_start(&worker, "worker");
    probe_init(&probe, NULL);
    probe.on_event = fork_here;
    EXPECT_INT(hy_connect(&app.events.about_to_quit, &probe, note_about, HY_AUTO), 0);
    EXPECT_INT(hy_post(&probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL), 0);
    EXPECT_INT(hy_post(&probe.hy, E(2), NULL, 0, HY_PRIORITY_NORMAL), 0);
    forks.code = hy_app_exec(&app);
    if (forks.child == 0) { /* its loop ends at once, without a shutdown */
        EXPECT_INT(forks.code, -HY_ESHUTDOWN);
        EXPECT_INT(forks.after, 0);
        EXPECT_INT(forks.about, 0);
        EXPECT_INT(hy_app_exec(&app), -HY_ESHUTDOWN);
        hy_app_fini(&app);
        use_everything(NULL);
        LEAVE(check_take_failures() != 0 ? 1 : 0);
    }
    EXPECT_INT(forks.code, 2);
    EXPECT_INT(forks.after, 1);
    EXPECT_INT(forks.about, 1);
    EXPECT_INT(child_status(forks.child), 0);
    hy_thread_fini(&worker.thread);
    object_end(&probe.hy);
    hy_app_fini(&app);
    return 0;
}

static void test_a_fork_in_a_handler_of_the_application(void **state)
{
    (void)state;
    skip_under_tsan();
    skip_under_asan();
    assert_int_equal(system_in_child(case_app, NULL), 0);
}

static void leave(void)
{
    _exit(0);
}

static void fork_in_worker(struct probe *self, struct hy_event *event)
{
    struct hy_loop loop;

    (void)self;
    if (event->type == E(2)) {
        if (forks.child == 0) /* the child delivers nothing more of the parent's */
            LEAVE(1);
        return;
    }
    forks.child = fork();
    if (forks.child != 0)
        return;
    (void)alarm(30);
    EXPECT_INT(hy_loop_init(&loop), 0); /* of a fresh thread */
    use_everything(NULL);
    if (check_take_failures() != 0)
        LEAVE(1);
    (void)atexit(leave); /* leak checkers cannot see the stacks of threads that are not there */
} /* the child's loop ends, its one thread too, and with that the process */

static void test_a_fork_in_a_started_thread(void **state)
{
    struct worker worker;

    (void)state;
    skip_under_tsan();
    worker_init(&worker, "forks");
    worker.probe.on_event = fork_in_worker;
    assert_ok(hy_thread_start(&worker.thread));
    for (int i = 0, n = check_scaled(20); i < n; i++) {
        assert_ok(hy_post(&worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
        assert_ok(hy_post(&worker.probe.hy, E(2), NULL, 0, HY_PRIORITY_NORMAL));
        assert_true(wait_count(&worker.probe.reached, 2 * (i + 1)));
        flush_there(&worker.probe.hy);
        assert_int_equal(child_status(forks.child), 0);
    }
    worker_stop(&worker);
}

static void grandchild(void *context)
{
    use_everything(context);
    EXPECT_INT(child_status(fork_child(use_everything, context)), 0);
    use_everything(context);
}

static void test_a_child_of_a_child(void **state)
{
    struct probe probe;

    (void)state;
    skip_under_tsan();
    probe_init(&probe, NULL);
    assert_int_equal(child_status(fork_child(grandchild, NULL)), 0);
    assert_ok(hy_post(&probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    wait_drain();
    assert_true(PROBE_SAW(&probe, E(1)));
    object_end(&probe.hy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* The first one: until then this process has not used the library. */
        TEST(test_a_fork_in_a_handler_of_the_application),
        TEST(test_fork_while_others_hammer),
        TEST(test_a_fork_in_a_started_thread),
        TEST(test_a_child_of_a_child),
    };

    return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
