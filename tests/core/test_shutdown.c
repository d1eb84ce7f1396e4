/* SPDX-License-Identifier: MIT */
/*
 * Ends of the whole: the application ended by its own slots, signals of the system as their watcher
 * ends, pools that end under a caller or are inherited by a forked child, and the first words of
 * the log.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define E(n) (HY_EVENT_USER + (n))

/* --- the log's first look at the environment ---------------------------------------------------
 */

static char logged[512];

static void keep_error(enum hy_log_level level, const char *category, const char *message)
{
    if (level == HY_LOG_ERROR && strcmp(category, "application") == 0)
        (void)snprintf(logged, sizeof logged, "%s", message);
}

static int fail_with_garbage(void *context)
{
    (void)context;
    EXPECT_INT(setenv("HALYARD_LOG", "udp=loud", 1), 0);
    hy_log_set_handler(keep_error);
    hy_app_fail(hy_error_set(-HY_EBUSY, "the harbour is closed"));
    EXPECT(strcmp(logged, "the harbour is closed") == 0);
    EXPECT_INT(hy_last_error()->code, HY_EBUSY);
    EXPECT(strcmp(hy_last_error()->message, "the harbour is closed") == 0);
    return 0;
}

/* Before the library is used: see main(). */
static void test_a_bad_filter_of_the_environment_leaves_the_last_error_alone(void **state)
{
    (void)state;
    assert_int_equal(system_in_child(fail_with_garbage, NULL), 0);
}

static void test_a_line_without_a_category(void **state)
{
    const char *nothing = NULL;

    (void)state;
    assert_ok(hy_log_set_filter("udp=debug,*=off"));
    assert_false(hy_log_is_enabled(HY_LOG_ERROR, nothing));
    hy_log(HY_LOG_ERROR, nothing, "of nobody");
    assert_ok(hy_log_set_filter(""));
}

/* --- the application, ended by its own slots -----------------------------------------------------
 */

static struct hy_app app;

static void end_app(struct probe *self, struct hy_event *event)
{
    (void)self, (void)event;
    hy_app_fini(&app);
}

static void end_app_too(struct probe *self)
{
    (void)self;
    hy_app_fini(&app);
}

static void test_a_handler_ends_the_application(void **state)
{
    struct worker worker;
    struct probe probe;

    (void)state;
    assert_ok(hy_app_init(&app));
    worker_start(&worker, "stopped");
    probe_init(&probe, NULL);
    probe.on_event = end_app;
    assert_ok(hy_post(&probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    assert_int_equal(hy_app_exec(&app), 0);
    assert_null(hy_app_instance());
    assert_int_equal(hy_thread_get_state(&worker.thread), HY_THREAD_FINISHED);
    worker_stop(&worker);
    object_end(&probe.hy);
}

static void release_app(struct probe *self, struct hy_event *event)
{
    (void)self, (void)event;
    hy_app_release();
}

static void test_a_slot_of_about_to_quit_ends_the_application(void **state)
{
    struct probe probe;

    (void)state;
    assert_ok(hy_app_init(&app));
    probe_init(&probe, NULL);
    assert_ok(hy_connect(&app.events.about_to_quit, &probe, end_app_too, HY_DIRECT));
    hy_app_hold();
    probe.on_event = release_app;
    assert_ok(hy_post(&probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    assert_int_equal(hy_app_exec(&app), 0);
    assert_null(hy_app_instance());
    object_end(&probe.hy);
}

static void end_app_later(struct probe *self, struct hy_event *event)
{
    (void)event;
    if (self->context == NULL) {
        EXPECT_INT(hy_object_destroy_later(&app.hy), 0);
        return;
    }
    EXPECT_INT(hy_post(&self->hy, E(2), NULL, 0, HY_PRIORITY_NORMAL), 0);
    self->context = NULL;
    hy_app_quit(7);
}

/* One that asks as the loop ends is met in the drain, behind the loop. */
static void test_the_application_is_destroyed_as_it_shuts_down(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct probe probe;

        assert_ok(hy_app_init(&app));
        probe_init(&probe, NULL);
        probe.on_event = end_app_later;
        probe.context = late ? &probe : NULL;
        assert_ok(hy_post(&probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
        assert_int_equal(hy_app_exec(&app), late ? 7 : 0);
        assert_null(hy_app_instance());
        object_end(&probe.hy);
    }
}

/* --- signals of the system ----------------------------------------------------------------------
 */

static int former_calls, later_calls;

static void former_handler(int number)
{
    (void)number;
    (void)count_up(&former_calls);
}

static void later_handler(int number)
{
    (void)number;
    (void)count_up(&later_calls);
}

struct shooter {
    struct gate go;
    int spins;
};

static void *shoot(void *context)
{
    struct shooter *shooter = context;
    volatile int spins = shooter->spins;

    gate_wait(&shooter->go);
    while (spins > 0)
        spins = spins - 1;
    (void)raise(SIGTERM);
    return NULL;
}

/* One that came since the loop ended has its usual effect, whenever exactly it came. */
static void test_no_signal_is_lost_as_the_application_ends(void **state)
{
    struct sigaction action = {.sa_handler = former_handler}, before;

    (void)state;
    if (UNDER_TSAN) {
        print_message("ThreadSanitizer calls handlers later, when they are no longer installed\n");
        skip();
    }
    SKIP_ON_WINDOWS("the events of Windows' console have no former action to be restored");
    assert_int_equal(sigaction(SIGTERM, &action, &before), 0);
    for (int i = 0; i < check_scaled(4000); i++) {
        struct shooter shooter = {.spins = i % 500 * 40};
        pthread_t thread;
        int64_t until;

        former_calls = 0;
        gate_init(&shooter.go);
        assert_ok(hy_app_init(&app));
        assert_int_equal(pthread_create(&thread, NULL, shoot, &shooter), 0);
        gate_open(&shooter.go);
        hy_app_fini(&app);
        assert_int_equal(pthread_join(thread, NULL), 0);
        until = hy_now_ns() + HY_SECOND;
        while (count_get(&former_calls) == 0 && hy_now_ns() < until) {
        }
        gate_fini(&shooter.go);
        assert_int_equal(count_get(&former_calls), 1);
    }
    assert_int_equal(sigaction(SIGTERM, &before, NULL), 0);
}

/* Handlers put back in another order than they were installed: ours, without a watch, steps aside.
 */
static void test_handlers_come_back_in_any_order(void **state)
{
    struct sigaction former = {.sa_handler = former_handler}, later = {.sa_handler = later_handler},
                     ours, before;
    struct hy_unix_signal signals;

    (void)state;
    SKIP_ON_WINDOWS("the events of Windows' console have no former action to be restored");
    former_calls = later_calls = 0;
    assert_int_equal(sigaction(SIGUSR2, &former, &before), 0);
    assert_ok(hy_unix_signal_init(&signals, NULL));
    assert_ok(hy_unix_signal_watch(&signals, SIGUSR2));
    assert_int_equal(sigaction(SIGUSR2, &later, &ours), 0);
    hy_unix_signal_fini(&signals);
    assert_int_equal(raise(SIGUSR2), 0);
    assert_int_equal(later_calls, 1);
    assert_int_equal(sigaction(SIGUSR2, &ours, NULL), 0);
    assert_int_equal(raise(SIGUSR2), 0);
    assert_int_equal(raise(SIGUSR2), 0);
    assert_int_equal(former_calls, 2);
    assert_int_equal(later_calls, 1);
    assert_int_equal(sigaction(SIGUSR2, &before, NULL), 0);
}

/* --- pools -------------------------------------------------------------------------------------
 */

static struct hy_pool pool;
static int works, dones;

static void work(struct hy_job *job)
{
    (void)job;
    (void)count_up(&works);
}

static void done(struct hy_object *receiver, struct hy_job *job, int result)
{
    (void)receiver, (void)job, (void)result;
    (void)count_up(&dones);
}

static void done_ends_pool(struct hy_object *receiver, struct hy_job *job, int result)
{
    done(receiver, job, result);
    hy_pool_fini(&pool);
}

struct submission {
    struct probe *receiver;
    struct hy_job job;
    struct gate go;
};

static void *submit_there(void *context)
{
    struct submission *submission = context;

    gate_wait(&submission->go);
    EXPECT_INT(hy_pool_submit(&pool, &submission->job, &submission->receiver->hy, NULL), 0);
    return NULL;
}

/* The submit may not have returned yet: it knows nothing of a worker or a pool any more. */
static void test_the_done_of_a_job_ends_the_pool_under_its_submitter(void **state)
{
    const struct hy_pool_limits limits = {.threads = 1};

    (void)state;
    for (int i = 0; i < check_scaled(2000); i++) {
        struct hy_job first = {.work = work, .done = done};
        struct submission submission = {.job = {.work = work, .done = done_ends_pool}};
        struct probe receiver;
        pthread_t thread;

        dones = 0;
        probe_init(&receiver, NULL);
        submission.receiver = &receiver;
        gate_init(&submission.go);
        assert_ok(hy_pool_init(&pool, &limits, NULL));
        assert_int_equal(pthread_create(&thread, NULL, submit_there, &submission), 0);
        if (i % 2 == 0) {
            assert_ok(hy_pool_submit(&pool, &first, &receiver.hy, NULL));
            assert_true(wait_count(&dones, 1));
        }
        gate_open(&submission.go);
        assert_true(wait_count(&dones, i % 2 == 0 ? 2 : 1));
        assert_int_equal(pthread_join(thread, NULL), 0);
        gate_fini(&submission.go);
        object_end(&receiver.hy);
    }
}

static struct gate lingering;

static void work_until_cancelled(struct hy_job *job)
{
    while (!hy_job_is_cancelled(job))
        (void)sched_yield();
}

/* Without a receiver it is called by whoever cancels. Gives the end of the pool all the time it
 * could want. */
static void release_lingers(struct hy_job *job)
{
    (void)job;
    gate_open(&lingering);
    for (int i = 0; i < 2000; i++)
        (void)sched_yield();
}

struct cancelling {
    uint64_t id;
    int result;
};

static void *cancel_there(void *context)
{
    struct cancelling *cancelling = context;

    cancelling->result = hy_pool_cancel(&pool, cancelling->id);
    return NULL;
}

/* As above: whoever is told that the job has ended cannot know whether the cancel has returned. */
static void test_a_pool_ends_under_its_canceller(void **state)
{
    const struct hy_pool_limits limits = {.threads = 1};

    (void)state;
    for (int i = 0; i < check_scaled(20); i++) {
        struct hy_job first = {.work = work_until_cancelled};
        struct hy_job second = {.work = work, .release = release_lingers};
        struct cancelling cancelling = {0};
        pthread_t thread;

        gate_init(&lingering);
        assert_ok(hy_pool_init(&pool, &limits, NULL));
        assert_ok(hy_pool_submit(&pool, &first, NULL, NULL));
        assert_ok(hy_pool_submit(&pool, &second, NULL, &cancelling.id));
        assert_int_equal(pthread_create(&thread, NULL, cancel_there, &cancelling), 0);
        EXPECT(gate_wait(&lingering));
        hy_pool_fini(&pool);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(cancelling.result, 1);
        gate_fini(&lingering);
    }
}

static struct hy_job last_job;
static struct probe last_receiver;

static void submit_at_end(void *context)
{
    (void)context;
    last_job = (struct hy_job){.work = work, .done = done};
    EXPECT_INT(hy_pool_submit(&pool, &last_job, &last_receiver.hy, NULL), 0);
}

static void work_and_ask(struct hy_job *job)
{
    (void)job;
    EXPECT_INT(hy_thread_at_end(submit_at_end, NULL), 0);
}

static void test_a_thread_of_the_pool_submits_at_its_end(void **state)
{
    const struct hy_pool_limits limits = {.threads = 1, .idle_ns = HY_MILLISECOND};
    struct hy_job job = {.work = work_and_ask, .done = done};

    (void)state;
    works = dones = 0;
    probe_init(&last_receiver, NULL);
    assert_ok(hy_pool_init(&pool, &limits, NULL));
    assert_ok(hy_pool_submit(&pool, &job, &last_receiver.hy, NULL));
    assert_true(wait_count(&dones, 2));
    hy_pool_fini(&pool);
    object_end(&last_receiver.hy);
}

/* --- forks --------------------------------------------------------------------------------------
 */

static int child_status(pid_t child)
{
    int status = 0;

    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* What was made before does not exist for the child. */
static void test_a_forked_child_finds_the_pool_and_what_is_parked_gone(void **state)
{
    const struct hy_pool_limits limits = {.threads = 1};
    struct hy_job job = {.work = work, .done = done}, again = job;
    struct probe receiver, parked;
    pid_t child;

    (void)state;
    if (check_under_valgrind()) {
        print_message("what the parent's other threads held is lost in a forked child\n");
        skip();
    }
    SKIP_ON_WINDOWS("Windows has no fork()");
    dones = 0;
    probe_init(&receiver, NULL);
    probe_init(&parked, NULL);
    assert_ok(hy_object_move_to_thread(&parked.hy, NULL));
    assert_ok(hy_pool_init(&pool, &limits, NULL));
    assert_ok(hy_pool_submit(&pool, &job, &receiver.hy, NULL));
    assert_true(wait_count(&dones, 1)); /* the thread sleeps, or will */
    (void)fflush(NULL);
    child = fork();
    if (child == 0) {
        struct hy_object object;
        const struct hy_class plain = {
            .version = HY_CLASS_VERSION, .name = "plain", .size = sizeof object};

        (void)alarm(30);
        EXPECT_INT(hy_pool_submit(&pool, &again, NULL, NULL), -HY_ESHUTDOWN);
        EXPECT_INT(hy_pool_cancel(&pool, 1), -HY_ESHUTDOWN);
        EXPECT_INT(hy_object_set_name(&parked.hy, "found"), -HY_ESHUTDOWN);
        EXPECT_INT(hy_object_init(&object, &plain, &parked.hy), -HY_ESHUTDOWN);
        EXPECT(hy_object_find(&parked.hy, NULL, NULL, NULL) == NULL);
        EXPECT_INT(hy_object_move_to_thread(&parked.hy, hy_thread_current()), -HY_ESHUTDOWN);
        EXPECT_INT(hy_object_fini(&parked.hy), -HY_ESHUTDOWN);
        _exit(check_take_failures() != 0 ? 1 : 0);
    }
    assert_int_equal(child_status(child), 0);
    hy_pool_fini(&pool);
    object_end(&parked.hy);
    object_end(&receiver.hy);
}

static int report[2];
static pid_t forked;

static void work_forks(struct hy_job *job)
{
    (void)job;
    forked = fork();
    if (forked == 0)
        (void)alarm(30);
}

static void work_reports(struct hy_job *job)
{
    (void)job;
    EXPECT_INT(write(report[1], "x", 1), 1);
}

static void release_reports(struct hy_job *job)
{
    (void)job;
    EXPECT_INT(write(report[1], "r", 1), 1);
}

/* The child returns from the job, and ends: the parent's jobs are none of its business. */
static void test_a_job_forks_and_both_return(void **state)
{
    const struct hy_pool_limits limits = {.threads = 1};
    struct hy_job forks = {.work = work_forks, .release = release_reports};
    struct hy_job follows = {.work = work_reports, .done = done};
    struct probe receiver;
    char bytes[8];

    (void)state;
    if (check_under_valgrind()) {
        print_message("what the parent's other threads held is lost in a forked child\n");
        skip();
    }
    SKIP_ON_WINDOWS("Windows has no fork()");
    if (UNDER_TSAN) {
        print_message("ThreadSanitizer does not support threads in a forked child\n");
        skip();
    }
    dones = 0;
    assert_int_equal(pipe(report), 0);
    probe_init(&receiver, NULL);
    assert_ok(hy_pool_init(&pool, &limits, NULL));
    assert_ok(hy_pool_submit(&pool, &forks, NULL, NULL));
    assert_ok(hy_pool_submit(&pool, &follows, &receiver.hy, NULL));
    assert_true(wait_count(&dones, 1));
    (void)child_status(forked); /* a leak checker may say something: only that it ended counts */
    (void)close(report[1]);
    assert_int_equal(read(report[0], bytes, sizeof bytes), 2);
    (void)close(report[0]);
    hy_pool_fini(&pool);
    object_end(&receiver.hy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_bad_filter_of_the_environment_leaves_the_last_error_alone), /* the first one */
        TEST(test_a_line_without_a_category),
        TEST(test_a_handler_ends_the_application),
        TEST(test_a_slot_of_about_to_quit_ends_the_application),
        TEST(test_the_application_is_destroyed_as_it_shuts_down),
        TEST(test_no_signal_is_lost_as_the_application_ends),
        TEST(test_handlers_come_back_in_any_order),
        TEST(test_the_done_of_a_job_ends_the_pool_under_its_submitter),
        TEST(test_a_pool_ends_under_its_canceller),
        TEST(test_a_thread_of_the_pool_submits_at_its_end),
        TEST(test_a_forked_child_finds_the_pool_and_what_is_parked_gone),
        TEST(test_a_job_forks_and_both_return),
    };

    allocator_install();
    return cmocka_run_group_tests_name("shutdown", tests, NULL, NULL);
}
