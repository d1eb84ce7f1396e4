/* SPDX-License-Identifier: MIT */
/*
 * Connections under many threads: contexts, handles, the class hook, the sender. Each case is a
 * race that a sanitizer, or a count at the end, tells the outcome of.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/worker.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define MOST_THREADS 20

static struct source source;
static int running; /* atomic: threads of the case that have not ended */

static int setup(void **state)
{
    source_init(&source);
    return check_setup(state);
}

static int teardown(void **state)
{
    object_end(&source.hy);
    return check_teardown(state);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* --- threads that do one thing and end ---------------------------------------------------------
 */

struct runner {
    struct hy_thread thread;
    void (*work)(int index);
    int index;
};

static struct runner runners[MOST_THREADS];

static void runner_body(struct hy_thread *thread, void *context)
{
    struct runner *runner = context;

    (void)thread;
    runner->work(runner->index);
    (void)__atomic_sub_fetch(&running, 1, __ATOMIC_ACQ_REL);
}

static void runners_start(int count, void (*work)(int index))
{
    __atomic_store_n(&running, count, __ATOMIC_RELEASE);
    for (int i = 0; i < count; i++) {
        runners[i].work = work;
        runners[i].index = i;
        EXPECT_INT(hy_thread_init(&runners[i].thread, "runner", NULL), 0);
        EXPECT_INT(hy_thread_set_body(&runners[i].thread, runner_body, &runners[i]), 0);
        EXPECT_INT(hy_thread_start(&runners[i].thread), 0);
    }
}

static bool all_ended(void *context)
{
    (void)context;
    return __atomic_load_n(&running, __ATOMIC_ACQUIRE) == 0;
}

static void runners_end(int count)
{
    for (int i = 0; i < count; i++) {
        EXPECT_INT(hy_thread_join(&runners[i].thread, hy_now_ns() + WAIT_LIMIT_S * HY_SECOND), 0);
        hy_thread_fini(&runners[i].thread);
    }
}

/* Runs the work in so many threads, and the calling thread's loop meanwhile. */
static void run_all(int count, void (*work)(int index))
{
    runners_start(count, work);
    EXPECT(wait_for(all_ended, NULL));
    runners_end(count);
}

/* --- closures ----------------------------------------------------------------------------------
 */

#define ALIVE 0x600d600du

struct closure {
    uint32_t mark; /* atomic */
    int calls;     /* atomic */
};

static int made, ended; /* atomic */

static struct closure *closure_make(void)
{
    struct closure *closure = calloc(1, sizeof *closure);

    if (closure == NULL)
        abort();
    closure->mark = ALIVE;
    (void)count_up(&made);
    return closure;
}

static void closure_end(void *context)
{
    struct closure *closure = context;

    EXPECT(__atomic_exchange_n(&closure->mark, 0, __ATOMIC_ACQ_REL) == ALIVE);
    (void)count_up(&ended);
    free(closure);
}

/* May run in a foreign thread (HY_DIRECT): touches the closure alone. */
static void closure_call(struct probe *self, const struct number *number, void *context)
{
    struct closure *closure = context;

    (void)self;
    (void)number;
    EXPECT(__atomic_load_n(&closure->mark, __ATOMIC_ACQUIRE) == ALIVE);
    (void)count_up(&closure->calls);
}

static struct hy_connection closure_connect(struct probe *receiver, unsigned flags)
{
    struct hy_connection connection = {NULL, 0};

    EXPECT_INT(hy_connect_with(&source.events.number, receiver, closure_call,
                               &(struct hy_connect_options){.flags = flags,
                                                            .context = closure_make(),
                                                            .destroy = closure_end},
                               &connection),
               0);
    return connection;
}

static void churn_closures(int index)
{
    static const unsigned kinds[] = {HY_AUTO,
                                     HY_DIRECT,
                                     HY_QUEUED,
                                     HY_QUEUED | HY_KEEP_QUEUED,
                                     HY_AUTO | HY_SINGLE_SHOT,
                                     HY_DIRECT | HY_SINGLE_SHOT,
                                     HY_QUEUED | HY_SINGLE_SHOT};
    enum {
        OPEN = 4
    };
    uint32_t seed = (uint32_t)index + 1;
    struct hy_connection open[OPEN] = {{NULL, 0}};
    struct probe probe;

    probe_init(&probe, NULL);
    for (int i = check_scaled(300); i > 0; i--) {
        uint32_t random = next_random(&seed);
        struct hy_connection *connection = &open[random % OPEN];

        (void)hy_connection_disconnect(*connection);
        EXPECT(!hy_connection_is_connected(*connection));
        *connection = closure_connect(&probe, kinds[random / OPEN % 7]);
        EXPECT(hy_emit_with(&source.events.number, .value = i) >= 0);
        if (random % 31 == 0)
            (void)hy_object_disconnect(NULL, &probe.hy);
        EXPECT(hy_process(0, HY_FOREVER) >= 0);
    }
    object_end(&probe.hy);
}

static void test_sc25_twenty_threads_with_closures(void **state)
{
    (void)state;
    made = ended = 0;
    run_all(MOST_THREADS, churn_closures);
    object_end(&source.hy);
    assert_true(count_get(&made) > 0);
    assert_int_equal(count_get(&ended), count_get(&made));
}

static int shots; /* atomic */

static void closure_count(struct probe *self, const struct number *number, void *context)
{
    closure_call(self, number, context);
    (void)count_up(&shots);
}

static int go; /* atomic: the round that may begin */
static int arrived;

static void wait_for_round(int round)
{
    while (__atomic_load_n(&go, __ATOMIC_ACQUIRE) < round)
        (void)sched_yield();
}

static void emit_in_rounds(int index)
{
    (void)index;
    for (int round = 1; round <= check_scaled(400); round++) {
        wait_for_round(round);
        EXPECT(hy_emit_with(&source.events.number, .value = round) >= 0);
        (void)count_up(&arrived);
    }
}

/* Rules: SC-18, SC-24. */
static void test_sc18_single_shot_closures_run_once(void **state)
{
    enum {
        EMITTERS = 4
    };
    struct probe probe;

    (void)state;
    probe_init(&probe, NULL);
    made = ended = shots = go = arrived = 0;
    runners_start(EMITTERS, emit_in_rounds);
    for (int round = 1; round <= check_scaled(400); round++) {
        unsigned kind = round % 2 != 0 ? HY_DIRECT : HY_QUEUED;

        EXPECT_INT(hy_connect_with(&source.events.number, &probe, closure_count,
                                   &(struct hy_connect_options){.flags = kind | HY_SINGLE_SHOT,
                                                                .context = closure_make(),
                                                                .destroy = closure_end},
                                   NULL),
                   0);
        __atomic_store_n(&go, round, __ATOMIC_RELEASE);
        EXPECT(wait_count(&arrived, EMITTERS * round));
        EXPECT(wait_count(&ended, round));
        EXPECT_INT(count_get(&shots), round);
    }
    EXPECT(wait_for(all_ended, NULL));
    runners_end(EMITTERS);
    object_end(&probe.hy);
}

/* Receivers that end in their threads while others emit, and cut by handles that they keep. */
static struct hy_connection published[64]; /* [i]: guard: locks[i] */
static uint32_t locks[64];                 /* atomic */

static struct hy_connection exchange_published(size_t i, struct hy_connection connection)
{
    struct hy_connection old;

    while (__atomic_exchange_n(&locks[i], 1u, __ATOMIC_ACQUIRE) != 0)
        (void)sched_yield();
    old = published[i];
    published[i] = connection;
    __atomic_store_n(&locks[i], 0u, __ATOMIC_RELEASE);
    return old;
}

static void churn_receivers(int index)
{
    uint32_t seed = (uint32_t)index + 77;

    for (int i = check_scaled(200); i > 0; i--) {
        struct probe probe;

        probe_init(&probe, NULL);
        for (int j = 0; j < 3; j++) {
            uint32_t random = next_random(&seed);
            struct hy_connection old = exchange_published(
                random % 64, closure_connect(&probe, random % 2 != 0 ? HY_AUTO : HY_QUEUED));

            if (random % 3 == 0)
                (void)hy_connection_block(old, random % 5 != 0);
            else
                (void)hy_connection_disconnect(old);
            EXPECT(hy_emit_with(&source.events.number, .value = i) >= 0);
        }
        EXPECT(hy_process(0, HY_FOREVER) >= 0);
        object_end(&probe.hy);
    }
}

/* Rules: SC-26, SC-22. */
static void test_sc26_receivers_end_under_emitters_and_handles(void **state)
{
    const struct hy_connection none = {NULL, 0};

    (void)state;
    made = ended = 0;
    run_all(6, churn_receivers);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(hy_connection_disconnect(exchange_published(i, none)), 0);
    assert_false(hy_signal_is_connected(&source.events.number.sig));
    object_end(&source.hy);
    assert_int_equal(count_get(&ended), count_get(&made));
}

/* --- handles of cut and recycled connections ---------------------------------------------------
 */

enum {
    SHARED = 64,
    CUTTERS = 3
};

static struct hy_connection shared[SHARED];
static int cuts; /* atomic */
static struct probe here;

static void cut_in_rounds(int index)
{
    for (int round = 1; round <= check_scaled(300); round++) {
        wait_for_round(round);
        for (int i = 0; i < SHARED; i++) {
            struct hy_connection connection = shared[(i * 7 + index * 13) % SHARED];

            if ((i + index) % 3 == 0)
                (void)hy_connection_block(connection, (i & 1) != 0);
            if (hy_connection_disconnect(connection) == 1)
                (void)count_up(&cuts);
            EXPECT(!hy_connection_is_connected(connection));
        }
        (void)count_up(&arrived);
    }
}

/* Rules: SC-19, SC-25. */
static void test_sc19_handles_while_their_connections_are_recycled(void **state)
{
    (void)state;
    probe_init(&here, NULL);
    go = arrived = cuts = made = ended = 0;
    runners_start(CUTTERS, cut_in_rounds);
    for (int round = 1; round <= check_scaled(300); round++) {
        struct hy_connection fresh[SHARED];

        for (int i = 0; i < SHARED; i++)
            shared[i] = closure_connect(&here, HY_DIRECT);
        __atomic_store_n(&go, round, __ATOMIC_RELEASE);
        for (int i = 0; i < SHARED; i++) { /* takes the memory of what is being cut */
            fresh[i] = closure_connect(&here, HY_DIRECT);
            EXPECT(hy_emit_with(&source.events.number, .value = i) > i);
        }
        EXPECT(wait_count(&arrived, CUTTERS * round));
        EXPECT_INT(count_get(&cuts), SHARED * round);
        for (int i = 0; i < SHARED; i++)
            EXPECT_INT(hy_connection_disconnect(fresh[i]), 1);
    }
    EXPECT(wait_for(all_ended, NULL));
    runners_end(CUTTERS);
    object_end(&here.hy);
    assert_int_equal(count_get(&ended), count_get(&made));
}

/* --- the class hook -----------------------------------------------------------------------------
 */

struct watcher {
    HY_INHERITS(hy_object);
    hy_signal(struct number) number;
    int made, cut;
};

static struct watcher watcher;

static void watcher_changed(struct hy_object *object, const struct hy_signal_spec *signal,
                            bool connected)
{
    struct watcher *self = (struct watcher *)(void *)object;

    (void)signal;
    EXPECT(hy_object_is_here(object));
    if (connected)
        self->made++;
    else
        (void)count_up(&self->cut);
    EXPECT(self->cut <= self->made);
}

static const struct hy_class watcher_class =
    HY_CLASS(struct watcher, .connection_changed = watcher_changed,
             .signals = HY_SIGNALS(HY_PLAIN(struct watcher, number)));

static void watch_work(int index)
{
    uint32_t seed = (uint32_t)index + 5;
    struct probe probe;

    probe_init(&probe, NULL);
    for (int i = check_scaled(200); i > 0; i--) {
        struct hy_connection connection, old;

        EXPECT_INT(hy_connect_with(&watcher.number, &probe, probe_number, NULL, &connection), 0);
        old = exchange_published(next_random(&seed) % 64, connection);
        (void)hy_connection_disconnect(old);
        EXPECT(hy_emit_with(&watcher.number, .value = i) >= 0);
        EXPECT(hy_process(0, HY_FOREVER) >= 0);
    }
    object_end(&probe.hy);
}

static void test_sc31_each_change_is_told_from_many_threads(void **state)
{
    (void)state;
    memset(&watcher, 0, sizeof watcher);
    memset(published, 0, sizeof published);
    assert_ok(hy_object_init(&watcher.hy, &watcher_class, NULL));
    run_all(4, watch_work);
    assert_true(wait_count(&watcher.cut, 4 * check_scaled(200)));
    assert_int_equal(watcher.made, 4 * check_scaled(200));
    assert_int_equal(watcher.cut, watcher.made);
    object_end(&watcher.hy);
}

/* --- the sender ---------------------------------------------------------------------------------
 */

static void ask_sender(struct probe *self, const struct number *number)
{
    struct hy_ref sender = hy_sender(), right = *(struct hy_ref *)self->context;

    (void)number;
    EXPECT(sender.anchor == NULL || hy_ref_equal(sender, right));
    EXPECT(hy_sender_connection().link != NULL);
    hy_ref_release(&sender);
    (void)count_up(&shots);
}

/* Rules: SC-27. */
static void test_sc27_the_sender_is_asked_while_it_is_cut_and_ends(void **state)
{
    struct worker worker;

    (void)state;
    shots = 0;
    worker_start(&worker, "asking");
    for (int i = check_scaled(300); i > 0; i--) {
        struct source *sender = NULL;
        struct hy_object *object = NULL;
        struct hy_ref right;

        assert_ok(hy_object_create(&source_class, NULL, &object));
        sender = (struct source *)(void *)object;
        right = hy_ref_to(object);
        worker.probe.context = &right; /* the worker is idle: see flush_there() below */
        assert_ok(hy_connect(&sender->events.number, &worker.probe, ask_sender, HY_QUEUED));
        for (int j = 0; j < 4; j++)
            assert_int_equal(hy_emit_with(&sender->events.number, .value = j), 1);
        if (i % 2 == 0)
            (void)hy_object_disconnect(object, NULL);
        object_end(object);
        assert_true(flush_there(&worker.probe.hy));
        hy_ref_release(&right);
    }
    worker_stop(&worker);
    assert_true(count_get(&shots) > 0);
}

/* --- blocking -----------------------------------------------------------------------------------
 */

static void block_and_connect(int index)
{
    struct probe probe;

    probe_init(&probe, NULL);
    for (int i = check_scaled(500); i > 0; i--) {
        if (index == 0)
            EXPECT(hy_signal_block(&source.events.number.sig, i % 2 == 0) >= 0);
        else if (index == 1)
            EXPECT(hy_object_block_signals(&source.hy, i % 2 == 0) >= 0);
        else
            (void)hy_connection_disconnect(closure_connect(&probe, HY_AUTO));
        EXPECT(hy_emit_with(&source.events.number, .value = i) >= 0);
    }
    object_end(&probe.hy);
    if (index == 0)
        EXPECT(hy_signal_block(&source.events.number.sig, false) >= 0);
    if (index == 1)
        EXPECT(hy_object_block_signals(&source.hy, false) >= 0);
}

/* Rules: SC-29. */
static void test_sc29_blocking_from_many_threads(void **state)
{
    (void)state;
    made = ended = 0;
    probe_init(&here, NULL);
    assert_ok(hy_connect(&source.events.number, &here, probe_number, HY_QUEUED));
    run_all(4, block_and_connect);
    assert_int_equal(hy_emit_with(&source.events.number, .value = 1),
                     1); /* in the end, unblocked */
    assert_int_equal(count_get(&ended), count_get(&made));
    object_end(&here.hy);
}

/* --- one lock for many --------------------------------------------------------------------------
 */

static void connect_and_cut(int index)
{
    (void)index;
    for (int i = 0; i < 50; i++)
        EXPECT_INT(hy_connection_disconnect(closure_connect(&here, HY_AUTO)), 1);
}

/* Whoever sleeps at the signal's lock is woken in the end, also when nobody else comes. */
static void test_nobody_is_forgotten_at_a_lock(void **state)
{
    (void)state;
    made = ended = 0;
    probe_init(&here, NULL);
    for (int round = 0; round < 20; round++)
        run_all(4, connect_and_cut);
    assert_int_equal(count_get(&ended), count_get(&made));
    object_end(&here.hy);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_sc25_twenty_threads_with_closures),
        CASE(test_sc18_single_shot_closures_run_once),
        CASE(test_sc26_receivers_end_under_emitters_and_handles),
        CASE(test_sc19_handles_while_their_connections_are_recycled),
        CASE(test_sc31_each_change_is_told_from_many_threads),
        CASE(test_sc27_the_sender_is_asked_while_it_is_cut_and_ends),
        CASE(test_sc29_blocking_from_many_threads),
        CASE(test_nobody_is_forgotten_at_a_lock),
    };

    allocator_install();
    return cmocka_run_group_tests_name("connection race", tests, NULL, NULL);
}
