/* SPDX-License-Identifier: MIT */
/*
 * The system refuses, at every call there is. As test_oom.c does with allocations: each scenario
 * runs in a child process of its own with the n-th system call of the library failing, for n = 1,
 * 2, ... until it gets through without reaching it; once for each error that the call may return,
 * and once more with all later calls of the same name failing alike, as when descriptors have run
 * out. The call of the library reports the error, with a message, or does without; nothing hangs;
 * afterwards the same scenario succeeds, and descriptors, threads and blocks are as many as before.
 */
#include "../helpers/allocator.h"
#include "../helpers/failing_calls.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <errno.h>
#include <halyard/udp.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS 6
#define CALLS  400 /* more than a scenario makes */

enum outcome {
    REACHED,
    THROUGH,
    NO_SUCH_ERROR
};

/* Tries once; 0, or the first failing code after undoing what was done. */
typedef int (*scenario_function)(void);

struct run {
    scenario_function scenario;
    struct failure failure;
    int *descriptors; /* open ones in the end; shared with the children */
};

static void log_nothing(enum hy_log_level level, const char *category, const char *message)
{
    (void)level;
    (void)category;
    (void)message;
}

/* Whether the code is what that error is told as. Other threads end early when their loop cannot
 * run, and what is asked of them is refused. */
static bool is_the_error(int rc)
{
    switch (rc) {
    case -HY_ENOMEM: /* also: no room for one more key of a thread */
    case -HY_ESHUTDOWN:
        return true;
    default: {
        const struct hy_error before = *hy_last_error();
        int expected = hy_error_set_system(failing_calls_error(), "what it is told as");

        (void)hy_error_set(-before.code, "%s", before.message);
        return rc == expected;
    }
    }
}

static void check_error(const struct run *run, int rc)
{
    const struct hy_error *error = hy_last_error();
    const char *name = failing_calls_name();

    if (rc >= 0)
        return;
    /* An interrupted call is made again, or is an ordinary return. */
    if (!EXPECT(failing_calls_error() != 0 && failing_calls_error() != EINTR) ||
        !EXPECT(is_the_error(rc)) || !EXPECT_INT(error->code, -rc) ||
        !EXPECT(error->message[0] != '\0'))
        (void)fprintf(stderr, "call %ld, %s, error %d: %d: %s\n", run->failure.n, name,
                      failing_calls_error(), rc, error->message);
}

static int run_with_failure(void *context)
{
    const struct run *run = context;
    bool reached = false;
    int error = 0;
    long blocks[ROUNDS];

    allocator_install();
    hy_log_set_handler(log_nothing);
    for (int i = 0; i < ROUNDS; i++) {
        int rc;

        failing_calls_plan(&run->failure);
        rc = run->scenario();
        failing_calls_stop();
        if (i == 0) {
            reached = failing_calls_reached();
            error = failing_calls_error();
        }
        check_error(run, rc);
        EXPECT_INT(run->scenario(), 0); /* nothing is broken */
        blocks[i] = allocator_blocks();
    }
    if (run->failure.n == 0) /* as it is when nothing fails */
        *run->descriptors = system_descriptors();
    EXPECT_INT(system_descriptors(), *run->descriptors);
    EXPECT(system_threads_at_most(1));
    /* Caches may grow by a block now and then; a leak would in every round. */
    if (!EXPECT(blocks[ROUNDS - 1] - blocks[1] < ROUNDS - 2))
        (void)fprintf(stderr, "blocks %ld, later %ld\n", blocks[1], blocks[ROUNDS - 1]);
    if (check_take_failures() != 0) {
        (void)fprintf(stderr, "call %ld: %s, error %d%s\n", run->failure.n, failing_calls_name(),
                      error, run->failure.lasting ? ", lasting" : "");
        return 99;
    }
    return !reached ? THROUGH : error == 0 ? NO_SUCH_ERROR : REACHED;
}

/* Whether there was such a call. */
static bool with_each_error(struct run *run)
{
    int status = REACHED;

    for (run->failure.choice = 0; status == REACHED; run->failure.choice++)
        status = system_in_child(run_with_failure, run);
    if (status != THROUGH && status != NO_SUCH_ERROR)
        fail_msg("call %ld: status %d", run->failure.n, status);
    return status == NO_SUCH_ERROR;
}

static void for_every_call(scenario_function scenario)
{
    static int *descriptors; /* shared with the children */
    struct run run = {.scenario = scenario};

    if (descriptors == NULL)
        descriptors = mmap(NULL, sizeof *descriptors, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(descriptors != MAP_FAILED);
    run.descriptors = descriptors;
    assert_int_equal(system_in_child(run_with_failure, &run), THROUGH);
    run.failure.n = 1;
    while (run.failure.n < CALLS && with_each_error(&run)) {
        run.failure.lasting = true;
        (void)with_each_error(&run);
        run.failure.lasting = false;
        run.failure.n += check_step();
    }
    assert_true(run.failure.n > 1 && run.failure.n < CALLS);
}

/* --- the calling thread's loop ---------------------------------------------------------------- */

/* Runs the loop until the counter is there; what a pass reports is the result, not the end. */
static int run_until(const int *counter, int at_least, int rc)
{
    int64_t limit_ns = hy_now_ns() + WAIT_LIMIT_S * HY_SECOND;

    while (count_get(counter) < at_least && EXPECT(hy_now_ns() < limit_ns)) {
        int step = hy_process(HY_PROCESS_WAIT, hy_now_ns() + 2 * HY_MILLISECOND);

        if (step < 0) {
            rc = step;
            failing_calls_stop();
        }
    }
    return rc < 0 ? rc : 0;
}

static int probe_try(struct probe *probe, struct hy_object *parent)
{
    memset(probe, 0, sizeof *probe);
    return hy_object_init(&probe->hy, &probe_class, parent);
}

static int scenario_timers(void)
{
    struct hy_timer timers[3];
    struct probe probe;
    int started = 0, rc = probe_try(&probe, NULL);

    if (rc < 0)
        return rc;
    for (int i = 0; i < 3 && rc >= 0; i++) {
        rc = hy_timer_init(&timers[i], &probe.hy);
        if (rc >= 0)
            rc = hy_timer_set_accuracy(&timers[i], i == 1 ? HY_TIMER_COARSE : HY_TIMER_PRECISE);
        if (rc >= 0)
            rc = hy_connect(&timers[i].events.timeout, &probe, probe_nothing, HY_DIRECT);
        if (rc >= 0)
            rc = hy_timer_start_once(&timers[i], i * HY_MILLISECOND / 2);
        started += rc >= 0;
    }
    rc = run_until(&probe.reached, started, rc);
    object_end(&probe.hy);
    return rc;
}

/* A notifier on one end of a pair. */
struct pair {
    struct hy_notifier notifier;
    int ends[2], calls;
    unsigned seen;
};

static void pair_ready(struct probe *probe, const struct hy_readiness *readiness)
{
    struct pair *pair = probe->context;

    pair->calls++;
    pair->seen |= readiness->conditions;
    if ((readiness->conditions & HY_READABLE) != 0) {
        char byte;

        EXPECT_INT(recv((int)readiness->descriptor, &byte, 1, 0), 1);
    }
}

/* Makes the pair with its notifier, a child of the probe; its ends are open in any case. */
static int pair_try(struct pair *pair, struct probe *probe)
{
    int rc;

    memset(pair, 0, sizeof *pair);
    probe->context = pair;
    EXPECT_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair->ends), 0);
    rc = hy_notifier_init(&pair->notifier, &probe->hy);
    if (rc >= 0)
        rc = hy_connect(&pair->notifier.events.ready, probe, pair_ready, HY_DIRECT);
    if (rc >= 0)
        rc = hy_notifier_watch(&pair->notifier, pair->ends[0], HY_READABLE);
    return rc;
}

static void pair_write(const struct pair *pair)
{
    EXPECT_INT(send(pair->ends[1], "x", 1, 0), 1);
}

static void pair_close(const struct pair *pair)
{
    (void)close(pair->ends[0]);
    (void)close(pair->ends[1]);
}

/* A wait that leaves descriptors alone, and one that does not. */
static int scenario_notifier(void)
{
    struct probe probe;
    struct pair pair;
    int rc = probe_try(&probe, NULL);

    if (rc < 0)
        return rc;
    rc = pair_try(&pair, &probe);
    if (rc >= 0) {
        pair_write(&pair);
        rc = hy_process(HY_PROCESS_WAIT | HY_PROCESS_EXCLUDE_NOTIFIERS,
                        hy_now_ns() + HY_MILLISECOND / 2);
        EXPECT_INT(pair.calls, 0);
        rc = run_until(&pair.calls, 1, rc);
        EXPECT_INT(pair.seen, HY_READABLE);
    }
    if (rc >= 0)
        rc = hy_notifier_watch(&pair.notifier, pair.ends[0], HY_WRITABLE);
    if (rc >= 0) {
        rc = run_until(&pair.calls, 2, rc);
        EXPECT_INT(pair.seen, HY_READABLE | HY_WRITABLE);
    }
    object_end(&probe.hy);
    pair_close(&pair);
    return rc < 0 ? rc : 0;
}

/* One is closed while it lives on through a duplicate, so that its events go on: whatever fails as
 * the dispatcher gets rid of them, the other one goes on being told. */
static int scenario_duplicate(void)
{
    struct probe one, other;
    struct pair gone, stays;
    int duplicate, rc = probe_try(&one, NULL);

    if (rc < 0)
        return rc;
    rc = probe_try(&other, NULL);
    if (rc < 0) {
        object_end(&one.hy);
        return rc;
    }
    rc = pair_try(&gone, &one);
    int rc_other = pair_try(&stays, &other);
    duplicate = dup(gone.ends[0]);
    EXPECT_INT(close(gone.ends[0]), 0);
    if (rc >= 0)
        EXPECT_INT(hy_notifier_unwatch(&gone.notifier), 0);
    pair_write(&gone);
    for (int i = 0; i < 5; i++) {
        int step = hy_process(0, HY_FOREVER);

        rc = step < 0 ? step : rc;
    }
    EXPECT_INT(gone.calls, 0);
    if (rc_other >= 0) {
        pair_write(&stays);
        rc = run_until(&stays.calls, 1, rc);
    }
    object_end(&one.hy);
    object_end(&other.hy);
    (void)close(duplicate);
    (void)close(gone.ends[1]);
    pair_close(&stays);
    return rc < 0 ? rc : rc_other < 0 ? rc_other : 0;
}

/* The loop in parts, with its descriptor; with and without the notifiers. */
static int parts(unsigned flags)
{
    struct hy_loop loop;
    struct hy_timer timer;
    int rc = hy_timer_init(&timer, NULL);

    if (rc < 0)
        return rc;
    rc = hy_loop_init(&loop);
    if (rc >= 0)
        rc = hy_loop_begin(&loop, flags);
    if (rc >= 0) {
        rc = hy_loop_descriptor(&loop);
        if (rc >= 0)
            rc = hy_timer_start_once(&timer, HY_MILLISECOND / 2);
        if (rc >= 0)
            EXPECT(hy_loop_prepare(&loop, NULL) >= 0);
        for (int ran = 0; rc >= 0 && ran == 0;) {
            rc = hy_loop_wait(&loop, HY_FOREVER);
            if (rc >= 0)
                rc = ran = hy_loop_dispatch(&loop);
        }
        EXPECT_INT(hy_loop_end(&loop), 0);
    }
    hy_timer_fini(&timer);
    return rc < 0 ? rc : 0;
}

static int scenario_parts(void)
{
    return parts(0);
}

static int scenario_parts_without_notifiers(void)
{
    return parts(HY_PROCESS_EXCLUDE_NOTIFIERS);
}

static void quit_app(struct probe *self)
{
    (void)self;
    hy_app_quit(0);
}

static int scenario_app(void)
{
    struct hy_app app;
    struct hy_timer timer;
    struct probe probe;
    int rc = hy_app_init(&app);

    if (rc < 0) {
        EXPECT(hy_app_instance() == NULL);
        return rc;
    }
    rc = probe_try(&probe, &app.hy);
    if (rc >= 0)
        rc = hy_timer_init(&timer, &probe.hy);
    if (rc >= 0)
        rc = hy_connect(&timer.events.timeout, &probe, quit_app, HY_AUTO);
    if (rc >= 0)
        rc = hy_timer_start(&timer, HY_MILLISECOND / 2);
    if (rc >= 0)
        rc = hy_app_exec(&app);
    hy_app_fini(&app);
    return rc;
}

/* --- dispatchers by themselves ---------------------------------------------------------------- */

static int told;

static void note_ready(void *cookie, unsigned conditions)
{
    (void)cookie;
    told += (conditions & HY_READABLE) != 0;
}

static int use_dispatcher(struct hy_dispatcher *dispatcher)
{
    const struct hy_dispatcher_ops *ops = dispatcher->ops;
    int ends[2], rc;

    EXPECT_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    EXPECT_INT(send(ends[1], "x", 1, 0), 1);
    told = 0;
    rc = ops->watch(dispatcher, ends[0], HY_READABLE, ends);
    ops->wake(dispatcher);
    if (rc >= 0)
        rc = ops->wait(dispatcher, HY_WAIT_BLOCK | HY_WAIT_NO_DESCRIPTORS, note_ready);
    EXPECT_INT(told, 0);
    ops->set_deadline(dispatcher, hy_now_ns() + HY_SECOND, true);
    for (int i = 0; rc >= 0 && told == 0 && EXPECT(i < 10); i++)
        rc = ops->wait(dispatcher, HY_WAIT_BLOCK, note_ready);
    ops->set_deadline(dispatcher, HY_FOREVER, false);
    for (int i = 0; rc >= 0 && told == 1 && EXPECT(i < 10); i++)
        rc = ops->wait(dispatcher, HY_WAIT_BLOCK, note_ready);
    EXPECT_INT(ops->forget(dispatcher, ends[0]), 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    ops->destroy(dispatcher);
    return rc < 0 ? rc : 0;
}

static int scenario_epoll(void)
{
    struct hy_dispatcher *dispatcher = NULL;
    int rc = hy_dispatcher_create(&dispatcher);

    EXPECT_INT(dispatcher != NULL, rc == 0);
    return rc < 0 ? rc : use_dispatcher(dispatcher);
}

static int scenario_poll(void)
{
    struct hy_dispatcher *dispatcher = NULL;
    int rc = hy_dispatcher_create_poll(&dispatcher);

    EXPECT_INT(dispatcher != NULL, rc == 0);
    return rc < 0 ? rc : use_dispatcher(dispatcher);
}

/* --- threads ---------------------------------------------------------------------------------- */

/* Starts a thread with a probe in it; undoes all on failure. The thread may end early, when its
 * loop cannot run, and the probe with it: it is reached by the reference. */
static int helper_start(struct worker *worker, struct hy_ref *ret_ref)
{
    int rc = hy_thread_init(&worker->thread, "refused", NULL);

    if (rc < 0)
        return rc;
    rc = hy_thread_set_stack_size(&worker->thread, 256 * 1024);
    if (rc >= 0)
        rc = hy_thread_set_priority(&worker->thread, HY_THREAD_PRIORITY_LOW);
    if (rc >= 0)
        rc = probe_try(&worker->probe, NULL);
    if (rc >= 0) {
        *ret_ref = hy_ref_to(&worker->probe.hy);
        rc = hy_object_move_to_thread(&worker->probe.hy, &worker->thread);
        if (rc >= 0)
            rc = hy_thread_start(&worker->thread);
        if (rc < 0) {
            hy_ref_release(ret_ref);
            object_end(&worker->probe.hy);
        }
    }
    if (rc < 0)
        hy_thread_fini(&worker->thread);
    return rc;
}

static void helper_stop(struct worker *worker)
{
    hy_thread_quit(&worker->thread, 0);
    EXPECT_INT(hy_thread_join(&worker->thread, hy_now_ns() + WAIT_LIMIT_S * HY_SECOND), 0);
    hy_thread_fini(&worker->thread);
}

static int double_it(struct hy_object *receiver, void *argument)
{
    EXPECT(hy_object_is_here(receiver));
    *(int64_t *)argument *= 2;
    return 3;
}

static int scenario_call(void)
{
    struct worker worker;
    struct hy_ref there;
    int64_t number = 21;
    int result = 0, rc = helper_start(&worker, &there);

    if (rc < 0)
        return rc;
    rc = hy_ref_call(there, double_it, &number, sizeof number, HY_FOREVER, &result);
    EXPECT_INT(number, rc == 0 ? 42 : 21);
    EXPECT_INT(result, rc == 0 ? 3 : 0);
    hy_ref_release(&there);
    helper_stop(&worker);
    return rc;
}

/* Its priority is lowered while it runs; refused, it is as before. */
static int scenario_priority(void)
{
    struct worker worker;
    struct hy_ref there;
    int64_t number = 21;
    int result, rc = helper_start(&worker, &there);

    if (rc < 0)
        return rc;
    rc = hy_ref_call(there, double_it, &number, sizeof number, HY_FOREVER, &result);
    if (rc == 0) { /* now it does run */
        rc = hy_thread_set_priority(&worker.thread, HY_THREAD_PRIORITY_IDLE);
        EXPECT(rc == 0 || rc == -HY_EACCES);
    }
    hy_ref_release(&there);
    helper_stop(&worker);
    return rc;
}

static void *foreign(void *context)
{
    int *result = context;

    *result = hy_thread_current() != NULL ? 0 : -hy_last_error()->code;
    if (*result == 0)
        EXPECT(hy_process(0, HY_FOREVER) >= 0 || failing_calls_reached());
    return NULL;
}

static int scenario_adopt(void)
{
    pthread_t thread;
    int rc = -1;

    failing_calls_leave_alone(true);
    EXPECT_INT(pthread_create(&thread, NULL, foreign, &rc), 0);
    failing_calls_leave_alone(false);
    EXPECT_INT(pthread_join(thread, NULL), 0);
    return rc == 0 ? 0 : hy_error_set(rc, "in the other thread");
}

struct errand {
    struct hy_job job;
    int ran, told, released;
};

static void errand_work(struct hy_job *job)
{
    (void)count_up(&((struct errand *)(void *)job)->ran);
}

static void errand_done(struct hy_object *receiver, struct hy_job *job, int result)
{
    (void)receiver;
    (void)result;
    (void)count_up(&((struct errand *)(void *)job)->told);
}

static void errand_release(struct hy_job *job)
{
    (void)count_up(&((struct errand *)(void *)job)->released);
}

/* A job that was accepted is told and released, whatever else fails. */
static int scenario_pool(void)
{
    enum {
        JOBS = 4
    };
    struct errand errands[JOBS];
    struct hy_pool pool;
    struct probe probe;
    int accepted = 0, rc = probe_try(&probe, NULL);

    if (rc < 0)
        return rc;
    memset(errands, 0, sizeof errands);
    rc = hy_pool_init(&pool, NULL, &probe.hy);
    for (; accepted < JOBS && rc >= 0; accepted += rc >= 0) {
        errands[accepted].job =
            (struct hy_job){.work = errand_work, .done = errand_done, .release = errand_release};
        rc = hy_pool_submit(&pool, &errands[accepted].job, &probe.hy, NULL);
    }
    for (int i = 0; i < accepted; i++) {
        rc = run_until(&errands[i].released, 1, rc);
        EXPECT_INT(errands[i].told, 1);
    }
    object_end(&probe.hy);
    for (int i = 0; i < JOBS; i++)
        EXPECT_INT(errands[i].released, i < accepted);
    return rc < 0 ? rc : 0;
}

/* --- signals of the system -------------------------------------------------------------------- */

static void note_signal(struct probe *self, const struct hy_unix_signal_info *info)
{
    probe_note(self, info->number);
}

static int scenario_unix_signal(void)
{
    struct hy_unix_signal signals;
    struct probe probe;
    int rc = hy_unix_signal_init(&signals, NULL);

    if (rc < 0)
        return rc;
    rc = probe_try(&probe, &signals.hy);
    if (rc >= 0)
        rc = hy_connect(&signals.events.arrived, &probe, note_signal, HY_AUTO);
    if (rc >= 0)
        rc = hy_unix_signal_watch(&signals, SIGUSR1);
    if (rc >= 0) {
        EXPECT_INT(raise(SIGUSR1), 0);
        rc = run_until(&probe.reached, 1, rc);
    }
    hy_unix_signal_fini(&signals);
    failing_calls_leave_alone(true);
    (void)signal(SIGUSR1, SIG_DFL);
    failing_calls_leave_alone(false);
    return rc < 0 ? rc : 0;
}

/* --- UDP -------------------------------------------------------------------------------------- */

static void note_datagram(struct probe *self, const struct hy_datagram *datagram)
{
    probe_note(self, (int64_t)datagram->size);
}

static void note_error(struct probe *self, const struct hy_error *error)
{
    (void)self;
    EXPECT(error->code > 0 && error->message[0] != '\0');
    failing_calls_stop(); /* else nothing is received any more */
}

/* To itself: one by one, then as a batch. What is not sent is an error. */
static int exchange(struct hy_udp_socket *udp, struct probe *probe)
{
    struct hy_address local;
    struct hy_outgoing_datagram batch[3];
    int sent = 0, rc = hy_udp_socket_local_address(udp, &local);

    for (int i = 0; i < 3; i++)
        batch[i] = (struct hy_outgoing_datagram){.to = &local, .data = "abc", .size = 3};
    if (rc >= 0)
        rc = hy_udp_socket_send(udp, &local, "x", 1);
    sent += rc >= 0;
    if (rc >= 0)
        rc = hy_udp_socket_send_batch(udp, batch, 3);
    sent += rc >= 0 ? rc : 0;
    rc = run_until(&probe->reached, sent, rc);
    if (rc >= 0)
        rc = hy_udp_socket_connect(udp, &local);
    if (rc >= 0)
        rc = hy_udp_socket_send(udp, NULL, "y", 1);
    sent += rc >= 0;
    return run_until(&probe->reached, sent, rc);
}

static int scenario_udp(void)
{
    struct hy_udp_socket udp;
    struct probe probe;
    int rc = probe_try(&probe, NULL);

    if (rc < 0)
        return rc;
    rc = hy_udp_socket_init(&udp, &probe.hy);
    if (rc >= 0)
        rc = hy_connect(&udp.events.datagram, &probe, note_datagram, HY_DIRECT);
    if (rc >= 0)
        rc = hy_connect(&udp.events.error, &probe, note_error, HY_DIRECT);
    if (rc >= 0) {
        rc = hy_udp_socket_bind(&udp, "127.0.0.1:0", 0);
        EXPECT_INT(hy_udp_socket_is_open(&udp), rc >= 0);
    }
    if (rc >= 0)
        rc = exchange(&udp, &probe);
    object_end(&probe.hy);
    return rc;
}

/* --- all of them ------------------------------------------------------------------------------ */

#define SCENARIO(name)                                                                             \
    static void test_refused_##name(void **state)                                                  \
    {                                                                                              \
        (void)state;                                                                               \
        for_every_call(scenario_##name);                                                           \
    }

SCENARIO(timers)
SCENARIO(notifier)
SCENARIO(duplicate)
SCENARIO(parts)
SCENARIO(parts_without_notifiers)
SCENARIO(app)
SCENARIO(epoll)
SCENARIO(poll)
SCENARIO(call)
SCENARIO(priority)
SCENARIO(adopt)
SCENARIO(pool)
SCENARIO(unix_signal)
SCENARIO(udp)

/* None was left out: a call that is not wrapped, or that no scenario makes, would show here. */
static void test_every_call_has_failed(void **state)
{
    (void)state;
    if (check_step() != 1) {
        print_message("HY_STRESS leaves most calls out\n");
        skip();
    }
    for (int i = 0; i < failing_calls_count(); i++)
        if (failing_calls_failures_of(i) == 0)
            fail_msg("%s() has never failed", failing_calls_name_of(i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refused_timers),
        TEST(test_refused_notifier),
        TEST(test_refused_duplicate),
        TEST(test_refused_parts),
        TEST(test_refused_parts_without_notifiers),
        TEST(test_refused_app),
        TEST(test_refused_epoll),
        TEST(test_refused_poll),
        TEST(test_refused_call),
        TEST(test_refused_priority),
        TEST(test_refused_adopt),
        TEST(test_refused_pool),
        TEST(test_refused_unix_signal),
        TEST(test_refused_udp),
        TEST(test_every_call_has_failed),
    };

    failing_calls_share();
    return cmocka_run_group_tests_name("failing_calls", tests, NULL, NULL);
}
