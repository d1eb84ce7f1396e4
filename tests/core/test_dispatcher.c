/* SPDX-License-Identifier: MIT */
/*
 * How a thread and its dispatcher get on: setting one, its life, what it is asked for. Rules DC and
 * DU; what every dispatcher must do is in dispatcher_cases_*.c.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define E(n) (HY_EVENT_USER + (n))

/* --- a dispatcher that counts what it is asked for; epoll does the work ------------------------
 */

enum {
    ATTACHED = 1,
    STARTED,
    FINISHED,
    ENDED, /* an object that lives there */
    DETACHED,
    DESTROYED
};

struct counter {
    struct hy_dispatcher base;
    struct hy_dispatcher *inner;
};

static struct {
    int life[16], count; /* what happened, in order; one thread at a time */
    int waits, wakes, parks, unparks;
    int attach_rc;
} seen;

#define INNER(dispatcher) (((struct counter *)(void *)(dispatcher))->inner)

static void note(int what)
{
    int place = __atomic_fetch_add(&seen.count, 1, __ATOMIC_SEQ_CST);

    if (place < 16)
        seen.life[place] = what;
}

static int counter_attach(struct hy_dispatcher *dispatcher)
{
    struct hy_dispatcher *inner = INNER(dispatcher);

    note(ATTACHED);
    if (seen.attach_rc < 0)
        return hy_error_set(seen.attach_rc, "it does not want to");
    return inner->ops->attach != NULL ? inner->ops->attach(inner) : 0;
}

static void counter_detach(struct hy_dispatcher *dispatcher)
{
    struct hy_dispatcher *inner = INNER(dispatcher);

    note(DETACHED);
    if (inner->ops->detach != NULL)
        inner->ops->detach(inner);
}

static int counter_watch(struct hy_dispatcher *dispatcher, intptr_t handle, unsigned conditions,
                         void *cookie)
{
    return INNER(dispatcher)->ops->watch(INNER(dispatcher), handle, conditions, cookie);
}

static int counter_change(struct hy_dispatcher *dispatcher, intptr_t handle, unsigned conditions,
                          void *cookie)
{
    return INNER(dispatcher)->ops->change(INNER(dispatcher), handle, conditions, cookie);
}

static int counter_forget(struct hy_dispatcher *dispatcher, intptr_t handle)
{
    return INNER(dispatcher)->ops->forget(INNER(dispatcher), handle);
}

static void counter_set_deadline(struct hy_dispatcher *dispatcher, int64_t deadline_ns,
                                 bool precise)
{
    INNER(dispatcher)->ops->set_deadline(INNER(dispatcher), deadline_ns, precise);
}

static int counter_wait(struct hy_dispatcher *dispatcher, unsigned flags, hy_ready_function ready)
{
    (void)count_up(&seen.waits);
    return INNER(dispatcher)->ops->wait(INNER(dispatcher), flags, ready);
}

static void counter_wake(struct hy_dispatcher *dispatcher)
{
    (void)count_up(&seen.wakes);
    INNER(dispatcher)->ops->wake(INNER(dispatcher));
}

/* A way of its own to park: it looks again and again, which park may. */
static int counter_park(struct hy_dispatcher *dispatcher, uint32_t *word, uint32_t expected,
                        int64_t deadline_ns)
{
    (void)dispatcher;
    (void)count_up(&seen.parks);
    (void)sched_yield();
    (void)word;
    (void)expected;
    return hy_now_ns() < deadline_ns ? 0 : -HY_ETIMEDOUT;
}

static void counter_unpark(struct hy_dispatcher *dispatcher, uint32_t *word)
{
    (void)dispatcher;
    (void)word;
    (void)count_up(&seen.unparks);
}

static void counter_destroy(struct hy_dispatcher *dispatcher)
{
    note(DESTROYED);
    INNER(dispatcher)->ops->destroy(INNER(dispatcher));
    free(dispatcher);
}

static const struct hy_dispatcher_ops counter_ops = {.version = HY_DISPATCHER_VERSION,
                                                     .size = sizeof counter_ops,
                                                     .name = "counter",
                                                     .attach = counter_attach,
                                                     .detach = counter_detach,
                                                     .watch = counter_watch,
                                                     .change = counter_change,
                                                     .forget = counter_forget,
                                                     .set_deadline = counter_set_deadline,
                                                     .wait = counter_wait,
                                                     .wake = counter_wake,
                                                     .destroy = counter_destroy};

static struct hy_dispatcher *counter_create(void)
{
    struct counter *counter = calloc(1, sizeof *counter);

    memset(&seen, 0, sizeof seen);
    assert_non_null(counter);
    counter->base.ops = &counter_ops;
    assert_ok(hy_dispatcher_create(&counter->inner));
    return &counter->base;
}

static bool life_was(int count, const int *life)
{
    bool same = count == seen.count;

    for (int i = 0; same && i < count; i++)
        same = life[i] == seen.life[i];
    for (int i = 0; !same && i < seen.count && i < 16; i++)
        (void)fprintf(stderr, "life %d: %d\n", i, seen.life[i]);
    return same;
}
#define LIFE_WAS(...)                                                                              \
    life_was((int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), (int[]){__VA_ARGS__})

/* --- setting one --------------------------------------------------------------------------------
 */

static void note_started(struct probe *self)
{
    (void)self;
    note(STARTED);
}

static void note_finished(struct probe *self)
{
    (void)self;
    note(FINISHED);
}

static void note_ended(struct probe *self)
{
    (void)self;
    note(ENDED);
}

static void test_dc01_a_thread_has_one_dispatcher(void **state)
{
    struct hy_dispatcher *other;
    struct worker worker;

    (void)state;
    worker_init(&worker, "own");
    assert_ok(hy_thread_set_dispatcher(&worker.thread, counter_create()));
    assert_ok(hy_dispatcher_create(&other));
    assert_int_equal(hy_thread_set_dispatcher(&worker.thread, other), -HY_EBUSY);
    assert_ok(hy_thread_start(&worker.thread));
    assert_int_equal(hy_thread_set_dispatcher(&worker.thread, other), -HY_EBUSY);
    worker_stop(&worker);
    other->ops->destroy(other); /* it stayed ours */
}

/* Rules: DC-02, DC-05, TH-20.
 * Departs: DC-02: it is destroyed with the thread's handle, for a thread may start again. */
static void test_dc02_it_is_used_and_destroyed(void **state)
{
    struct worker worker;

    (void)state;
    worker_init(&worker, "own");
    worker.probe.on_fini = note_ended;
    assert_ok(hy_connect(&worker.thread.events.started, &worker.probe, note_started, HY_DIRECT));
    assert_ok(hy_connect(&worker.thread.events.finished, &worker.probe, note_finished, HY_DIRECT));
    assert_ok(hy_thread_set_dispatcher(&worker.thread, counter_create()));
    assert_ok(hy_thread_start(&worker.thread));
    assert_true(flush_there(&worker.probe.hy));
    assert_true(flush_there(&worker.probe.hy)); /* another pass: it has waited, or looked */
    hy_thread_quit(&worker.thread, 0);
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
    assert_true(count_get(&seen.waits) >= 1);
    assert_true(LIFE_WAS(ATTACHED, STARTED, FINISHED, ENDED, DETACHED));
    assert_ok(hy_thread_start(&worker.thread)); /* with the same one */
    hy_thread_quit(&worker.thread, 0);
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
    hy_thread_fini(&worker.thread);
    assert_true(
        LIFE_WAS(ATTACHED, STARTED, FINISHED, ENDED, DETACHED, ATTACHED, DETACHED, DESTROYED));
}

static struct hy_dispatcher *prepared;

static void quit_the_app(struct probe *self, struct hy_event *event)
{
    if (event->type == E(1)) /* a second iteration: it waits in between */
        EXPECT_INT(hy_post(&self->hy, E(2), NULL, 0, HY_PRIORITY_NORMAL), 0);
    else
        hy_app_quit(3);
}

static void *app_with_own_dispatcher(void *context)
{
    struct hy_app app;
    struct probe probe;

    (void)context;
    EXPECT_INT(hy_thread_set_dispatcher(hy_thread_current(), prepared), 0);
    EXPECT(LIFE_WAS(ATTACHED));
    EXPECT_INT(hy_app_init(&app), 0);
    probe_init(&probe, NULL);
    probe.on_event = quit_the_app;
    EXPECT_INT(hy_post(&probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL), 0);
    EXPECT_INT(hy_app_exec(&app), 3);
    EXPECT(count_get(&seen.waits) >= 1);
    object_end(&probe.hy);
    hy_app_fini(&app);
    return NULL;
}

static void *a_loop_came_first(void *context)
{
    (void)context;
    EXPECT_INT(hy_process(0, HY_FOREVER), 0);
    EXPECT_INT(hy_thread_set_dispatcher(hy_thread_current(), prepared), -HY_EBUSY);
    return NULL;
}

/* Rules: DC-01, DC-03.
 * Departs: DC-03: it belongs to the thread and not to the application object. */
static void test_dc03_a_dispatcher_set_before_the_application(void **state)
{
    pthread_t thread;

    (void)state;
    prepared = counter_create();
    assert_int_equal(pthread_create(&thread, NULL, a_loop_came_first, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, app_with_own_dispatcher, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(LIFE_WAS(ATTACHED, DETACHED, DESTROYED));
}

static int logged; /* atomic */

static void log_count(enum hy_log_level level, const char *category, const char *message)
{
    (void)category;
    (void)message;
    if (level == HY_LOG_ERROR)
        (void)count_up(&logged);
}

static void test_dc05_a_dispatcher_that_does_not_attach(void **state)
{
    struct hy_dispatcher *dispatcher = counter_create();
    struct worker worker;

    (void)state;
    seen.attach_rc = -HY_EIO;
    assert_int_equal(hy_thread_set_dispatcher(hy_thread_current(), dispatcher), -HY_EIO);
    worker_init(&worker, "own");
    assert_ok(hy_thread_set_dispatcher(&worker.thread, dispatcher)); /* it stayed ours */
    hy_log_set_handler(log_count);
    assert_ok(hy_thread_start(&worker.thread));
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER)); /* its loop fails at once */
    hy_log_set_handler(NULL);
    assert_int_equal(count_get(&logged), 1);
    hy_thread_fini(&worker.thread);
    assert_true(LIFE_WAS(ATTACHED, ATTACHED, DESTROYED));
}

/* Departs: DC-07: timers are objects; there are no ids that could be used twice. */
static void test_dc07_timers_have_no_ids(void **state)
{
    struct hy_timer timer;
    struct worker worker;

    (void)state;
    worker_init(&worker, "own");
    assert_ok(hy_timer_init(&timer, NULL));
    assert_ok(hy_timer_start(&timer, HY_SECOND));
    assert_ok(hy_object_move_to_thread(&timer.hy, &worker.thread));
    assert_ok(hy_thread_start(&worker.thread));
    assert_true(flush_there(&timer.hy)); /* the same timer, there */
    worker_stop(&worker);
}

/* Departs: DC-08: a timer is asked itself; no dispatcher knows more than the next deadline. */
static void test_dc08_a_timer_says_what_it_does(void **state)
{
    struct hy_timer timer;

    (void)state;
    assert_ok(hy_timer_init(&timer, NULL));
    assert_false(hy_timer_is_running(&timer));
    assert_ok(hy_timer_start(&timer, HY_SECOND));
    assert_true(hy_timer_is_running(&timer));
    assert_true(hy_timer_remaining_ns(&timer) <= HY_SECOND);
    assert_ok(hy_timer_stop(&timer));
    assert_true(hy_timer_remaining_ns(&timer) < 0);
    object_end(&timer.hy);
}

static void test_dc11_what_is_no_dispatcher_is_refused(void **state)
{
    struct hy_dispatcher_ops ops = counter_ops;
    struct hy_dispatcher dispatcher = {&ops};
    struct hy_thread thread;

    (void)state;
    assert_ok(hy_thread_init(&thread, "own", NULL));
    assert_int_equal(hy_thread_set_dispatcher(&thread, NULL), -HY_EINVAL);
    ops.version = 1;
    assert_int_equal(hy_thread_set_dispatcher(&thread, &dispatcher), -HY_EINVAL);
    ops = counter_ops;
    ops.size = 8;
    assert_int_equal(hy_thread_set_dispatcher(&thread, &dispatcher), -HY_EINVAL);
    ops = counter_ops;
    ops.wake = NULL;
    assert_int_equal(hy_thread_set_dispatcher(&thread, &dispatcher), -HY_EINVAL);
    ops = counter_ops;
    ops.park = counter_park; /* and no unpark */
    assert_int_equal(hy_thread_set_dispatcher(&thread, &dispatcher), -HY_EINVAL);
    hy_thread_fini(&thread);
}

/* --- what it costs ------------------------------------------------------------------------------
 */

static int create_without_descriptors(void *context)
{
    struct hy_dispatcher *dispatcher = NULL;
    struct rlimit before, limit;

    (void)context;
    EXPECT_INT(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = (struct rlimit){0, before.rlim_max};
    EXPECT_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_INT(hy_dispatcher_create(&dispatcher), -HY_EMFILE);
    EXPECT_INT(hy_dispatcher_create_poll(&dispatcher), -HY_EMFILE);
    EXPECT(dispatcher == NULL);
    EXPECT_INT(hy_process(0, HY_FOREVER), -HY_EMFILE);
    EXPECT_INT(setrlimit(RLIMIT_NOFILE, &before), 0); /* sanitizers look around at the end */
    return 0;
}

static void test_du03_no_descriptor_is_an_error(void **state)
{
    (void)state;
    SKIP_ON_WINDOWS("Windows has no limit of descriptors to lower");
    assert_int_equal(system_in_child(create_without_descriptors, NULL), 0);
}

/* --- watches of a dispatcher by itself -------------------------------------------------------- */

static unsigned told[3];

static void note_told(void *cookie, unsigned conditions)
{
    *(unsigned *)cookie |= conditions;
}

static void check_refusals(struct hy_dispatcher *dispatcher)
{
    const struct hy_dispatcher_ops *ops = dispatcher->ops;
    int folder = open(".", O_RDONLY);

    EXPECT_INT(ops->watch(dispatcher, folder, HY_READABLE, &told[0]), -HY_EBADF);
    EXPECT_INT(ops->watch(dispatcher, -1, HY_READABLE, &told[0]), -HY_EBADF);
    EXPECT_INT(ops->change(dispatcher, folder, HY_READABLE, &told[0]), -HY_EBADF);
    EXPECT_INT(ops->forget(dispatcher, folder), 0);
    (void)close(folder);
    ops->destroy(dispatcher);
}

static void test_what_cannot_be_watched_is_refused(void **state)
{
    struct hy_dispatcher *dispatcher = NULL;

    (void)state;
    SKIP_ON_WINDOWS("descriptors are sockets and handles there");
    assert_ok(hy_dispatcher_create(&dispatcher));
    check_refusals(dispatcher);
    assert_ok(hy_dispatcher_create_poll(&dispatcher));
    check_refusals(dispatcher);
}

/* One was forgotten after its close while a duplicate keeps its events coming: the set that is made
 * anew finds the second one closed, and goes on with the third. */
static void test_sn11_a_set_made_anew_tells_of_the_closed(void **state)
{
    struct hy_dispatcher *dispatcher = NULL;
    int ends[3][2], duplicate;

    (void)state;
    SKIP_ON_WINDOWS("this is of epoll");
    memset(told, 0, sizeof told);
    assert_ok(hy_dispatcher_create(&dispatcher));
    const struct hy_dispatcher_ops *ops = dispatcher->ops;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends[i]), 0);
        assert_ok(ops->watch(dispatcher, ends[i][0], HY_READABLE, &told[i]));
    }
    duplicate = dup(ends[0][0]);
    assert_int_equal(close(ends[0][0]), 0);
    assert_ok(ops->forget(dispatcher, ends[0][0]));
    assert_int_equal(close(ends[1][0]), 0);
    assert_int_equal(write(ends[0][1], "x", 1), 1);
    assert_ok(ops->wait(dispatcher, 0, note_told));
    assert_int_equal(told[0], 0);
    assert_int_equal(told[1], (unsigned)HY_FAILURE | HY_NOT_OPEN);
    assert_int_equal(told[2], 0);
    assert_int_equal(write(ends[2][1], "x", 1), 1);
    assert_ok(ops->wait(dispatcher, 0, note_told));
    assert_int_equal(told[0], 0);
    assert_int_equal(told[2], HY_READABLE);
    ops->destroy(dispatcher);
    (void)close(duplicate);
    (void)close(ends[2][0]);
    for (int i = 0; i < 3; i++)
        (void)close(ends[i][1]);
}

/* The number of a closed descriptor, watched still, is another file's: no change of that one. */
static void test_sn11_a_number_that_is_another_file(void **state)
{
    struct hy_dispatcher *dispatcher = NULL;
    int ends[2], other[2];

    (void)state;
    SKIP_ON_WINDOWS("this is of epoll");
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
    assert_ok(hy_dispatcher_create(&dispatcher));
    const struct hy_dispatcher_ops *ops = dispatcher->ops;
    assert_ok(ops->watch(dispatcher, ends[0], HY_READABLE, &told[0]));
    assert_int_equal(dup2(other[0], ends[0]), ends[0]);
    assert_int_equal(ops->change(dispatcher, ends[0], HY_WRITABLE, &told[0]), -HY_EBADF);
    assert_non_null(strstr(hy_last_error()->message, "hy_notifier_unwatch"));
    ops->destroy(dispatcher);
    for (int i = 0; i < 2; i++) {
        (void)close(ends[i]);
        (void)close(other[i]);
    }
}

static void post_to_itself(struct probe *self, struct hy_event *event)
{
    if (event->type < E(100))
        EXPECT_INT(hy_post(&self->hy, event->type + 1, NULL, 0, HY_PRIORITY_NORMAL), 0);
}

static void test_du06_own_posts_wake_nobody(void **state)
{
    struct worker worker;

    (void)state;
    worker_init(&worker, "own");
    worker.probe.on_event = post_to_itself;
    assert_ok(hy_thread_set_dispatcher(&worker.thread, counter_create()));
    assert_ok(hy_post(&worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    assert_ok(hy_thread_start(&worker.thread));
    while (count_get(&worker.probe.reached) < 100)
        assert_ok(hy_process(HY_PROCESS_WAIT, hy_now_ns() + HY_MILLISECOND));
    assert_int_equal(count_get(&seen.wakes), 0);
    worker_stop(&worker);
}

struct meeting {
    struct gate inside, posted;
};

static void wait_for_the_posts(struct probe *self, struct hy_event *event)
{
    struct meeting *meeting = self->context;

    if (event->type != E(1))
        return;
    gate_open(&meeting->inside);
    gate_wait(&meeting->posted);
}

/* CPU time of so many passes, in each of which one descriptor is ready. */
static int64_t passes_cost(int passes)
{
    int64_t cpu_ns = system_thread_cpu_ns();

    for (int i = 0; i < passes; i++)
        EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    return system_thread_cpu_ns() - cpu_ns;
}

static void ready_note(struct probe *self, const struct hy_readiness *readiness)
{
    (void)readiness;
    self->reached++;
}

/* Three thousand descriptors that are silent make a pass no dearer. */
static void test_du04_a_pass_does_not_walk_the_descriptors(void **state)
{
    enum {
        MANY = 3000,
        PASSES = 5000 /* their cost is many ticks of a coarse clock */
    };
    static struct hy_notifier silent[MANY];
    struct hy_notifier ready;
    struct rlimit limit;
    struct probe here;
    int ends[2], many = 0;
    int64_t few_ns, many_ns;
    int rounds = 10;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < MANY + 100) {
        print_message("no process may have %d descriptors here\n", MANY);
        skip();
    }
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    probe_init(&here, NULL);
    assert_int_equal(pipe(ends), 0);
    assert_ok(hy_notifier_init(&ready, NULL));
    assert_ok(hy_connect(&ready.events.ready, &here, ready_note, HY_DIRECT));
    assert_ok(hy_notifier_watch(&ready, ends[1], HY_WRITABLE));
    (void)passes_cost(PASSES);
    few_ns = passes_cost(PASSES);
    for (; many < MANY; many++) {
        assert_ok(hy_notifier_init(&silent[many], NULL));
        assert_ok(hy_notifier_watch(&silent[many], dup(ends[0]), HY_READABLE));
    }
    (void)passes_cost(1); /* the first one may look at each new one */
    /* A walk, here or in the system, costs much more than the bound in every round; what other
     * programs do to a round, they do not do to ten. */
    do {
        many_ns = passes_cost(PASSES);
    } while (many_ns >= 5 * few_ns + 20 * HY_MILLISECOND && --rounds > 0);
    EXPECT(rounds > 0);
    while (many-- > 0) {
        int descriptor = (int)silent[many].descriptor_;

        hy_notifier_fini(&silent[many]);
        (void)close(descriptor);
    }
    hy_notifier_fini(&ready);
    object_end(&here.hy);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void test_du05_posts_to_a_busy_thread_wake_nobody(void **state)
{
    struct meeting meeting;
    struct worker worker;

    (void)state;
    gate_init(&meeting.inside);
    gate_init(&meeting.posted);
    worker_init(&worker, "own");
    worker.probe.on_event = wait_for_the_posts;
    worker.probe.context = &meeting;
    assert_ok(hy_thread_set_dispatcher(&worker.thread, counter_create()));
    assert_ok(hy_post(&worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    assert_ok(hy_thread_start(&worker.thread));
    assert_true(gate_wait(&meeting.inside));
    for (int i = 0; i < 50; i++)
        assert_ok(hy_post(&worker.probe.hy, E(2), NULL, 0, HY_PRIORITY_NORMAL));
    assert_int_equal(count_get(&seen.wakes), 0);
    gate_open(&meeting.posted);
    assert_true(wait_count(&worker.probe.reached, 51));
    worker_stop(&worker);
    gate_fini(&meeting.inside);
    gate_fini(&meeting.posted);
}

/* Both threads have it, as the header asks for. */
static void *join_by_own_way(void *context)
{
    static struct hy_dispatcher_ops ops;
    struct hy_dispatcher *dispatchers[2];
    struct worker worker;

    (void)context;
    ops = counter_ops;
    ops.park = counter_park;
    ops.unpark = counter_unpark;
    for (int i = 0; i < 2; i++) {
        dispatchers[i] = counter_create();
        dispatchers[i]->ops = &ops;
    }
    EXPECT_INT(hy_thread_set_dispatcher(hy_thread_current(), dispatchers[0]), 0);
    worker_init(&worker, "own");
    EXPECT_INT(hy_thread_set_dispatcher(&worker.thread, dispatchers[1]), 0);
    EXPECT_INT(hy_thread_start(&worker.thread), 0);
    EXPECT_INT(hy_thread_join(&worker.thread, hy_now_ns() + 5 * HY_MILLISECOND), -HY_ETIMEDOUT);
    EXPECT(count_get(&seen.parks) >= 1);
    worker_stop(&worker);
    EXPECT(count_get(&seen.unparks) >= 1); /* its end */
    return NULL;
}

static void test_threads_park_by_their_own_dispatchers(void **state)
{
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, join_by_own_way, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

struct overtaken {
    struct hy_thread thread;
    struct gate parked, ended;
};

static struct overtaken overtaken;

static int park_until_ended(struct hy_dispatcher *dispatcher, uint32_t *word, uint32_t expected,
                            int64_t deadline_ns)
{
    (void)dispatcher, (void)word, (void)expected, (void)deadline_ns;
    gate_open(&overtaken.parked);
    EXPECT(gate_wait(&overtaken.ended));
    return 0;
}

static void *join_overtaken(void *context)
{
    static struct hy_dispatcher_ops ops;
    struct hy_dispatcher *dispatcher = counter_create();

    (void)context;
    ops = counter_ops;
    ops.park = park_until_ended;
    ops.unpark = counter_unpark;
    dispatcher->ops = &ops;
    EXPECT_INT(hy_thread_set_dispatcher(hy_thread_current(), dispatcher), 0);
    EXPECT_INT(hy_thread_join(&overtaken.thread, HY_FOREVER), 0);
    return NULL;
}

/* The joiner looks again when the handle is gone. */
static void test_a_handle_ends_while_another_thread_joins(void **state)
{
    pthread_t joiner;

    (void)state;
    gate_init(&overtaken.parked);
    gate_init(&overtaken.ended);
    assert_ok(hy_thread_init(&overtaken.thread, "overtaken", NULL));
    assert_ok(hy_thread_start(&overtaken.thread));
    assert_int_equal(pthread_create(&joiner, NULL, join_overtaken, NULL), 0);
    assert_true(gate_wait(&overtaken.parked));
    assert_ok(hy_thread_fini(&overtaken.thread));
    gate_open(&overtaken.ended);
    assert_int_equal(pthread_join(joiner, NULL), 0);
    gate_fini(&overtaken.parked);
    gate_fini(&overtaken.ended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_du03_no_descriptor_is_an_error), /* first: it forks */
        TEST(test_dc05_a_dispatcher_that_does_not_attach),
        TEST(test_dc01_a_thread_has_one_dispatcher),
        TEST(test_dc02_it_is_used_and_destroyed),
        TEST(test_dc03_a_dispatcher_set_before_the_application),
        TEST(test_dc07_timers_have_no_ids),
        TEST(test_dc08_a_timer_says_what_it_does),
        TEST(test_dc11_what_is_no_dispatcher_is_refused),
        TEST(test_what_cannot_be_watched_is_refused),
        TEST(test_sn11_a_set_made_anew_tells_of_the_closed),
        TEST(test_sn11_a_number_that_is_another_file),
        TEST(test_du04_a_pass_does_not_walk_the_descriptors),
        TEST(test_du06_own_posts_wake_nobody),
        TEST(test_du05_posts_to_a_busy_thread_wake_nobody),
        TEST(test_threads_park_by_their_own_dispatchers),
        TEST(test_a_handle_ends_while_another_thread_joins),
    };

    allocator_install();
    return cmocka_run_group_tests_name("dispatcher", tests, NULL, NULL);
}
