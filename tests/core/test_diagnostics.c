/* SPDX-License-Identifier: MIT */
/* Counters, what is measured while that is on, and the watchdog. */
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define E(n) (HY_EVENT_USER + (n))

static int teardown(void **state)
{
    hy_diagnostics_set_measuring(false);
    return check_teardown(state);
}
#define CASE(function) cmocka_unit_test_setup_teardown(function, check_setup, teardown)

static struct hy_object_counters counters_of(const struct hy_object *object)
{
    struct hy_object_counters counts = {0};

    EXPECT_INT(hy_object_get_counters(object, &counts), 0);
    return counts;
}

static void post_some(struct hy_object *receiver, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        EXPECT_INT(hy_post(receiver, E(i), NULL, 0, HY_PRIORITY_NORMAL), 0);
}

/* As worker_init(), with a name for the probe. */
static void named_init(struct worker *worker, const char *thread, const char *name)
{
    EXPECT_INT(hy_thread_init(&worker->thread, thread, NULL), 0);
    probe_init(&worker->probe, NULL);
    EXPECT_INT(hy_object_set_name(&worker->probe.hy, "%s", name), 0);
    EXPECT_INT(hy_object_move_to_thread(&worker->probe.hy, &worker->thread), 0);
}

/* --- counters ----------------------------------------------------------------------------------
 */

static void test_what_waits_for_an_object(void **state)
{
    struct stall stall;

    (void)state;
    stall_start(&stall);
    post_some(&stall.worker.probe.hy, 5);
    assert_int_equal(counters_of(&stall.worker.probe.hy).waiting, 5);
    stall_flush(&stall);
    assert_int_equal(counters_of(&stall.worker.probe.hy).waiting, 0);
    stall_stop(&stall);
}

static void test_a_thread_counts_what_it_does(void **state)
{
    struct stall stall;
    struct hy_thread_counters counts;

    (void)state;
    stall_start(&stall);
    post_some(&stall.worker.probe.hy, 5);
    stall_let_go(&stall);
    hy_thread_quit(&stall.worker.thread, 0); /* drains */
    assert_ok(hy_thread_join(&stall.worker.thread, HY_FOREVER));
    counts = hy_thread_get_counters(&stall.worker.thread);
    assert_int_equal(counts.delivered, 6); /* with the one that stood still */
    assert_int_equal(counts.dropped, 0);
    assert_int_equal(counts.waiting, 0);
    assert_int_equal(counts.posted, 6);
    assert_int_equal(counts.high_water, 5);
    assert_true(counts.passes >= 1);
    assert_true(counts.wakes <= counts.waits);
    assert_int_equal(counts.handlers, 0); /* not measured */
    assert_int_equal(counts.slowest_ns, 0);
    stall_stop(&stall);
}

/* The thread is often asleep as it is called. */
static void test_waits_and_wakes(void **state)
{
    struct worker worker;
    struct hy_thread_counters counts = {0};
    int64_t limit_ns = hy_now_ns() + WAIT_LIMIT_S * HY_SECOND;

    (void)state;
    worker_start(&worker, "sleepy");
    while (counts.wakes < 3 && hy_now_ns() < limit_ns) {
        flush_there(&worker.probe.hy);
        counts = hy_thread_get_counters(&worker.thread);
        assert_true(counts.wakes <= counts.waits);
        assert_true(counts.waits <= counts.passes);
    }
    assert_true(counts.wakes >= 3);
    worker_stop(&worker);
}

/* What the thread has not taken yet is seen while measuring is on. */
static void test_what_a_thread_that_stands_still_has_waiting(void **state)
{
    struct stall stall;
    struct hy_thread_counters counts;

    (void)state;
    stall_start(&stall);
    post_some(&stall.worker.probe.hy, 3); /* these are not counted */
    hy_diagnostics_set_measuring(true);
    assert_true(hy_diagnostics_is_measuring());
    post_some(&stall.worker.probe.hy, 7);
    counts = hy_thread_get_counters(&stall.worker.thread);
    assert_int_equal(counts.waiting, 7);
    stall_flush(&stall);
    post_some(&stall.worker.probe.hy, 1);
    hy_diagnostics_set_measuring(false); /* what was counted is taken off all the same */
    hy_thread_quit(&stall.worker.thread, 0);
    assert_ok(hy_thread_join(&stall.worker.thread, HY_FOREVER));
    counts = hy_thread_get_counters(&stall.worker.thread);
    assert_int_equal(counts.waiting, 0);
    /* A refused post is not counted for good. */
    hy_diagnostics_set_measuring(true);
    assert_true(
        hy_post(hy_thread_context(&stall.worker.thread), E(1), NULL, 0, HY_PRIORITY_NORMAL) < 0);
    counts = hy_thread_get_counters(&stall.worker.thread);
    assert_int_equal(counts.waiting, 0);
    stall_stop(&stall);
}

#define BUSY_NS (30 * HY_MILLISECOND)

static void busy_slot(struct probe *self, const struct number *number)
{
    wait_busy_until_ns(hy_now_ns() + number->value);
    count_up(&self->reached);
}

static void test_measuring_names_the_slowest(void **state)
{
    struct worker worker;
    struct source source;
    struct hy_thread_counters counts;
    struct hy_object_counters object_counts;
    struct hy_ref ref;

    (void)state;
    hy_diagnostics_set_measuring(true);
    source_init(&source);
    named_init(&worker, "worker", "the slow one");
    assert_ok(hy_connect(&source.events.number, &worker.probe, busy_slot, HY_QUEUED));
    ref = hy_ref_to(&worker.probe.hy);
    assert_ok(hy_thread_start(&worker.thread));
    assert_int_equal(hy_emit_with(&source.events.number, .value = 1), 1);
    assert_int_equal(hy_emit_with(&source.events.number, .value = BUSY_NS), 1);
    hy_thread_quit(&worker.thread, 0);
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
    counts = hy_thread_get_counters(&worker.thread);
    assert_int_equal(counts.handlers, 2);
    assert_true(counts.slowest_ns >= BUSY_NS);
    assert_true(counts.handlers_ns >= (uint64_t)counts.slowest_ns);
    assert_int_equal(counts.slowest.kind, HY_HANDLER_SLOT);
    assert_string_equal(counts.slowest.object, "the slow one");
    assert_string_equal(counts.slowest.type, "struct probe");
    assert_true(counts.slowest.function == (uintptr_t)busy_slot);
    /* The object has ended; what was measured of it is still there. */
    assert_ok(hy_ref_get_counters(ref, &object_counts));
    assert_int_equal(object_counts.delivered, 2);
    assert_int_equal(object_counts.handlers, 2);
    assert_int_equal(object_counts.dropped, 0);
    assert_int_equal(object_counts.posted, 2);
    assert_true(object_counts.slowest_ns >= BUSY_NS);
    assert_true(object_counts.slowest == (uintptr_t)busy_slot);
    hy_ref_release(&ref);
    assert_int_equal(hy_ref_get_counters(ref, &object_counts), -HY_ESHUTDOWN);
    worker_stop(&worker);
    object_end(&source.hy);
}

/* --- which handler it was -----------------------------------------------------------------------
 */

static void closure_slot(struct probe *self, const struct number *number, void *context)
{
    (void)context;
    probe_note(self, number->value);
}

static void invoked(struct hy_object *receiver, const void *payload)
{
    (void)payload;
    probe_note((struct probe *)receiver, 1);
}

static int called(struct hy_object *receiver, void *argument)
{
    invoked(receiver, argument);
    return 0;
}

static void emit_to(struct probe *receiver, const struct hy_connect_options *options, bool closure)
{
    struct source source;

    source_init(&source);
    if (closure)
        EXPECT_INT(hy_connect_with(&source.events.number, receiver, closure_slot, options, NULL),
                   0);
    else
        EXPECT_INT(hy_connect_with(&source.events.number, receiver, probe_number, options, NULL),
                   0);
    EXPECT_INT(hy_emit_with(&source.events.number, .value = 1), 1);
    EXPECT(wait_count(&receiver->reached, 1)); /* before the source takes its connections along */
    object_end(&source.hy);
}

static void reach_by_closure(struct probe *receiver)
{
    emit_to(receiver, &(struct hy_connect_options){.flags = HY_QUEUED}, true);
}

static void reach_by_bounded_slot(struct probe *receiver)
{
    emit_to(receiver, &(struct hy_connect_options){.flags = HY_QUEUED | HY_BOUNDED, .limit = 2},
            false);
}

static void reach_by_blocking_slot(struct probe *receiver)
{
    emit_to(receiver, &(struct hy_connect_options){.flags = HY_BLOCKING}, false);
}

static void reach_by_blocking_closure(struct probe *receiver)
{
    emit_to(receiver, &(struct hy_connect_options){.flags = HY_BLOCKING}, true);
}

static void reach_by_call(struct probe *receiver)
{
    EXPECT_INT(hy_call(&receiver->hy, called, NULL, 0, HY_FOREVER, NULL), 0);
}

static void reach_by_invoke(struct probe *receiver)
{
    EXPECT_INT(hy_invoke(&receiver->hy, invoked, NULL, NULL), 0);
}

static void reach_by_event(struct probe *receiver)
{
    post_some(&receiver->hy, 1);
}

static void test_measuring_names_each_kind_of_handler(void **state)
{
    const struct {
        void (*reach)(struct probe *receiver);
        enum hy_handler_kind kind;
        uintptr_t function;
    } ways[] = {
        {reach_by_closure, HY_HANDLER_SLOT, (uintptr_t)closure_slot},
        {reach_by_bounded_slot, HY_HANDLER_SLOT, (uintptr_t)probe_number},
        {reach_by_blocking_slot, HY_HANDLER_CALLED, (uintptr_t)probe_number},
        {reach_by_blocking_closure, HY_HANDLER_CALLED, (uintptr_t)closure_slot},
        {reach_by_call, HY_HANDLER_CALLED, (uintptr_t)called},
        {reach_by_invoke, HY_HANDLER_INVOKED, (uintptr_t)invoked},
        {reach_by_event, HY_HANDLER_EVENT, (uintptr_t)probe_class.event},
    };

    (void)state;
    hy_diagnostics_set_measuring(true);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct worker worker;
        struct hy_thread_counters counts;

        named_init(&worker, "worker", "reached");
        assert_ok(hy_thread_start(&worker.thread));
        ways[i].reach(&worker.probe);
        hy_thread_quit(&worker.thread, 0);
        assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
        counts = hy_thread_get_counters(&worker.thread);
        assert_int_equal(counts.handlers, 1);
        assert_int_equal(counts.slowest.kind, ways[i].kind);
        assert_string_equal(counts.slowest.object, "reached");
        assert_true(counts.slowest.function == ways[i].function);
        worker_stop(&worker);
    }
}

static void test_measuring_names_a_direct_closure(void **state)
{
    struct probe probe;

    (void)state;
    hy_diagnostics_set_measuring(true);
    probe_init(&probe, NULL);
    emit_to(&probe, &(struct hy_connect_options){.flags = HY_DIRECT}, true);
    assert_int_equal(counters_of(&probe.hy).handlers, 1);
    assert_int_equal(counters_of(&probe.hy).delivered, 0); /* nothing was posted */
    assert_true(counters_of(&probe.hy).slowest == (uintptr_t)closure_slot);
    object_end(&probe.hy);
}

static void ready(struct probe *self, const struct hy_readiness *readiness)
{
    (void)readiness;
    probe_note(self, 1);
    hy_notifier_fini(self->context);
}

static void test_measuring_names_a_notifier(void **state)
{
    struct probe probe;
    struct hy_notifier notifier;
    struct hy_object_counters counts;
    struct hy_ref ref;
    int ends[2];

    (void)state;
    hy_diagnostics_set_measuring(true);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    probe_init(&probe, NULL);
    probe.context = &notifier;
    assert_ok(hy_notifier_init(&notifier, NULL));
    assert_ok(hy_connect(&notifier.events.ready, &probe, ready, HY_DIRECT));
    assert_ok(hy_notifier_watch(&notifier, ends[0], HY_WRITABLE));
    ref = hy_ref_to(&notifier.hy);
    assert_true(wait_count(&probe.reached, 1));
    assert_ok(hy_ref_get_counters(ref, &counts));
    assert_int_equal(counts.handlers, 1);
    assert_int_equal(counters_of(&probe.hy).handlers, 1);
    assert_true(counters_of(&probe.hy).slowest == (uintptr_t)ready);
    hy_ref_release(&ref);
    object_end(&probe.hy);
    close(ends[0]);
    close(ends[1]);
}

static void test_measuring_names_what_is_called_later(void **state)
{
    struct probe probe;

    (void)state;
    hy_diagnostics_set_measuring(true);
    probe_init(&probe, NULL);
    assert_ok(hy_after(HY_MILLISECOND, &probe, probe_nothing));
    assert_true(wait_count(&probe.reached, 1));
    assert_int_equal(counters_of(&probe.hy).handlers, 1);
    assert_true(counters_of(&probe.hy).slowest == (uintptr_t)probe_nothing);
    object_end(&probe.hy);
}

static void test_dropped_ones_of_an_object(void **state)
{
    struct stall stall;
    struct source source;
    struct hy_object_counters counts;

    (void)state;
    hy_diagnostics_set_measuring(true);
    source_init(&source);
    stall_start(&stall);
    stall_flush(&stall); /* one was delivered, from then on it is measured */
    stall_again(&stall);
    assert_ok(hy_connect(&source.events.number, &stall.worker.probe, busy_slot, HY_QUEUED));
    for (int i = 0; i < 4; i++)
        assert_int_equal(hy_emit_with(&source.events.number, .value = 0), 1);
    assert_int_equal(hy_disconnect(&source.events.number, &stall.worker.probe, busy_slot), 1);
    stall_flush(&stall);
    counts = counters_of(&stall.worker.probe.hy);
    assert_int_equal(counts.dropped, 4);
    assert_true(counts.high_water >= 4);
    stall_stop(&stall);
    object_end(&source.hy);
}

/* In its own thread: emits to itself directly, which takes long. */
static void emit_directly(struct probe *self, struct hy_event *event)
{
    struct source source;

    (void)event;
    source_init(&source);
    EXPECT_INT(hy_connect(&source.events.number, self, busy_slot, HY_DIRECT), 0);
    EXPECT_INT(hy_emit_with(&source.events.number, .value = BUSY_NS), 1);
    object_end(&source.hy);
}

/* What a handler calls directly is not counted as its own time, too. */
static void test_times_add_up(void **state)
{
    struct worker worker;
    struct hy_thread_counters counts;
    int64_t began_ns = hy_now_ns();

    (void)state;
    hy_diagnostics_set_measuring(true);
    worker_init(&worker, "worker");
    worker.probe.on_event = emit_directly;
    assert_ok(hy_thread_start(&worker.thread));
    post_some(&worker.probe.hy, 3);
    hy_thread_quit(&worker.thread, 0);
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
    counts = hy_thread_get_counters(&worker.thread);
    assert_int_equal(counts.handlers, 6);
    assert_true(counts.handlers_ns >= (uint64_t)(3 * BUSY_NS));
    assert_true(counts.handlers_ns <= (uint64_t)(hy_now_ns() - began_ns));
    assert_true(counts.slowest_ns >= BUSY_NS);
    worker_stop(&worker);
}

static void test_timers_are_handlers(void **state)
{
    struct hy_timer timer;
    struct probe probe;
    struct hy_object_counters counts;

    (void)state;
    hy_diagnostics_set_measuring(true);
    probe_init(&probe, NULL);
    assert_ok(hy_timer_init(&timer, NULL));
    assert_ok(hy_connect(&timer.events.timeout, &probe, probe_nothing, HY_AUTO));
    assert_ok(hy_timer_start_once(&timer, 0));
    assert_ok(hy_after(0, &probe, probe_nothing));
    wait_count(&probe.reached, 2);
    assert_int_equal(counters_of(&timer.hy).handlers, 1);
    counts = counters_of(&probe.hy);
    assert_int_equal(counts.handlers, 2);
    object_end(&timer.hy);
    object_end(&probe.hy);
}

struct reading {
    const struct hy_thread *thread;
    struct hy_object *object;
    int ends;
};

static void read_all_the_time(struct hy_thread *thread, void *context)
{
    struct reading *reading = context;
    struct hy_thread_counters before = {0}, now;

    (void)thread;
    while (count_get(&reading->ends) == 0) {
        now = hy_thread_get_counters(reading->thread);
        EXPECT(now.delivered >= before.delivered);
        EXPECT(now.handlers >= before.handlers);
        EXPECT(now.high_water >= before.high_water);
        EXPECT(now.slowest_ns == 0 || now.slowest.type[0] == '\0' ||
               strcmp(now.slowest.type, "struct probe") == 0);
        (void)counters_of(reading->object);
        before = now;
    }
}

/* Nobody waits for a reader, and it sees whole numbers; ThreadSanitizer looks on. */
static void test_reading_while_everything_runs(void **state)
{
    struct worker worker;
    struct hy_thread reader;
    struct reading reading = {&worker.thread, &worker.probe.hy, 0};
    int count = check_scaled(20000);

    (void)state;
    worker_start(&worker, "worker");
    assert_ok(hy_thread_init(&reader, "reader", NULL));
    assert_ok(hy_thread_set_body(&reader, read_all_the_time, &reading));
    assert_ok(hy_thread_start(&reader));
    for (int i = 0; i < count; i++) {
        if (i % 100 == 0)
            hy_diagnostics_set_measuring(i / 100 % 2 == 0);
        EXPECT_INT(hy_post(&worker.probe.hy, E(0), NULL, 0, HY_PRIORITY_NORMAL), 0);
    }
    flush_there(&worker.probe.hy);
    count_up(&reading.ends);
    assert_ok(hy_thread_join(&reader, HY_FOREVER));
    hy_thread_fini(&reader);
    worker_stop(&worker);
}

/* --- names of functions ------------------------------------------------------------------------
 */

static void test_names_of_functions(void **state)
{
    char name[80], small[4];

    (void)state;
    hy_function_name((uintptr_t)hy_now_ns, name, sizeof name);
    assert_true(strcmp(name, "hy_now_ns") == 0 || strstr(name, "+0x") != NULL);
    hy_function_name((uintptr_t)busy_slot, name, sizeof name);
    assert_non_null(strstr(name, "+0x"));
    assert_non_null(strstr(name, "test_diagnostics"));
    hy_function_name(1, name, sizeof name);
    assert_string_equal(name, "0x1");
    hy_function_name((uintptr_t)busy_slot, small, sizeof small);
    assert_true(strlen(small) < sizeof small);
}

/* --- the watchdog ------------------------------------------------------------------------------
 */

struct keeper {
    HY_INHERITS(hy_object);
    int blocked, resumed;
    struct hy_stall last_blocked, last_resumed;
    struct hy_watchdog *ends; /* to be ended as it tells */
    void *context;
};
static const struct hy_class keeper_class = HY_CLASS(struct keeper);

static void keeper_blocked(struct keeper *self, const struct hy_stall *stall)
{
    self->last_blocked = *stall;
    count_up(&self->blocked);
    if (self->ends != NULL)
        hy_watchdog_fini(self->ends);
}

static void keeper_resumed(struct keeper *self, const struct hy_stall *stall)
{
    self->last_resumed = *stall;
    count_up(&self->resumed);
    if (self->ends != NULL)
        hy_watchdog_fini(self->ends);
}

static void keeper_init(struct keeper *keeper, struct hy_watchdog *watchdog, int64_t limit_ns)
{
    memset(keeper, 0, sizeof *keeper);
    EXPECT_INT(hy_object_init(&keeper->hy, &keeper_class, NULL), 0);
    EXPECT_INT(hy_watchdog_init(watchdog, limit_ns, NULL), 0);
    EXPECT_INT(hy_connect(&watchdog->events.blocked, keeper, keeper_blocked, HY_AUTO), 0);
    EXPECT_INT(hy_connect(&watchdog->events.resumed, keeper, keeper_resumed, HY_AUTO), 0);
}

#define LIMIT_NS (5 * HY_MILLISECOND)

static void test_a_blocked_loop_is_told_while_it_is(void **state)
{
    struct stall stall;
    struct keeper keeper;
    struct hy_watchdog watchdog;
    int64_t first_ns;

    (void)state;
    keeper_init(&keeper, &watchdog, LIMIT_NS);
    stall_start(&stall);
    wait_count(&keeper.blocked, 1); /* it stands still all the while */
    assert_string_equal(keeper.last_blocked.thread, "stall");
    assert_string_equal(keeper.last_blocked.handler.type, "struct probe");
    assert_int_equal(keeper.last_blocked.handler.kind, HY_HANDLER_INVOKED);
    assert_true(keeper.last_blocked.handler.function != 0);
    first_ns = keeper.last_blocked.duration_ns;
    assert_true(first_ns >= LIMIT_NS);
    wait_until_ns(hy_now_ns() + 5 * LIMIT_NS);
    assert_int_equal(keeper.blocked, 1); /* once */
    assert_int_equal(keeper.resumed, 0);
    stall_let_go(&stall);
    wait_count(&keeper.resumed, 1);
    assert_string_equal(keeper.last_resumed.thread, "stall");
    assert_true(keeper.last_resumed.duration_ns >= first_ns + 5 * LIMIT_NS);
    /* The next one is told anew. */
    stall_again(&stall);
    wait_count(&keeper.blocked, 2);
    stall_let_go(&stall);
    wait_count(&keeper.resumed, 2);
    object_end(&watchdog.hy);
    stall_stop(&stall);
    object_end(&keeper.hy);
}

struct still {
    struct gate entered, go;
};

static void stand_still_slot(struct probe *self, const struct number *number)
{
    struct still *still = self->context;

    (void)number;
    gate_open(&still->entered);
    gate_wait(&still->go);
}

static void emit_to_stand_still(struct probe *self, struct hy_event *event)
{
    struct source source;

    (void)event;
    source_init(&source);
    EXPECT_INT(hy_connect(&source.events.number, self, stand_still_slot, HY_DIRECT), 0);
    EXPECT_INT(hy_emit_with(&source.events.number, .value = 1), 1);
    object_end(&source.hy);
}

/* The innermost handler is named, and its object may have ended, or be renamed: names are copies.
 */
static void test_the_innermost_handler_is_named(void **state)
{
    struct worker worker;
    struct keeper keeper;
    struct hy_watchdog watchdog;
    struct still still;

    (void)state;
    gate_init(&still.entered);
    gate_init(&still.go);
    named_init(&worker, "deep", "a name that has more bytes than there is room");
    worker.probe.on_event = emit_to_stand_still;
    worker.probe.context = &still;
    assert_ok(hy_thread_start(&worker.thread));
    keeper_init(&keeper, &watchdog, LIMIT_NS);
    post_some(&worker.probe.hy, 1);
    gate_wait(&still.entered);
    wait_count(&keeper.blocked, 1);
    assert_int_equal(keeper.last_blocked.handler.kind, HY_HANDLER_DIRECT);
    assert_true(keeper.last_blocked.handler.function == (uintptr_t)stand_still_slot);
    assert_string_equal(keeper.last_blocked.handler.object, "a name that has more bytes than");
    gate_open(&still.go);
    wait_count(&keeper.resumed, 1);
    object_end(&watchdog.hy);
    worker_stop(&worker);
    object_end(&keeper.hy);
    gate_fini(&still.entered);
    gate_fini(&still.go);
}

static void end_and_stand_still(struct probe *self, struct hy_event *event)
{
    struct still *still = self->context;

    (void)event;
    EXPECT_INT(hy_object_set_name(&self->hy, "renamed"), 0);
    object_end(&self->hy);
    gate_open(&still->entered);
    gate_wait(&still->go);
}

static void test_an_object_that_has_ended_is_still_named(void **state)
{
    struct worker worker;
    struct keeper keeper;
    struct hy_watchdog watchdog;
    struct still still;

    (void)state;
    gate_init(&still.entered);
    gate_init(&still.go);
    named_init(&worker, "ended", "here once");
    worker.probe.on_event = end_and_stand_still;
    worker.probe.context = &still;
    assert_ok(hy_thread_start(&worker.thread));
    keeper_init(&keeper, &watchdog, LIMIT_NS);
    post_some(&worker.probe.hy, 1);
    gate_wait(&still.entered);
    wait_count(&keeper.blocked, 1);
    assert_string_equal(keeper.last_blocked.handler.object, "here once");
    gate_open(&still.go);
    wait_count(&keeper.resumed, 1);
    object_end(&watchdog.hy);
    worker_stop(&worker);
    object_end(&keeper.hy);
    gate_fini(&still.entered);
    gate_fini(&still.go);
}

static void nest_a_loop(struct probe *self, struct hy_event *event)
{
    struct hy_loop *loop = self->context;

    (void)event;
    EXPECT_INT(hy_loop_init(loop), 0);
    EXPECT_INT(hy_loop_exec(loop, 0), 7);
}

/* A handler whose loop goes on inside of it does not block it. */
static void test_a_nested_loop_blocks_nothing(void **state)
{
    struct worker worker;
    struct keeper keeper;
    struct hy_watchdog watchdog;
    struct hy_loop loop;
    int64_t limit_ns = 500 * HY_MILLISECOND;

    (void)state;
    worker_init(&worker, "nested");
    worker.probe.on_event = nest_a_loop;
    worker.probe.context = &loop;
    assert_ok(hy_thread_start(&worker.thread));
    keeper_init(&keeper, &watchdog, limit_ns);
    post_some(&worker.probe.hy, 1);
    flush_there(&worker.probe.hy); /* the nested one delivers this */
    wait_until_ns(hy_now_ns() + limit_ns + limit_ns / 2);
    assert_int_equal(keeper.blocked, 0);
    hy_loop_quit(&loop, 7);
    flush_there(&worker.probe.hy);
    object_end(&watchdog.hy);
    worker_stop(&worker);
    object_end(&keeper.hy);
}

static void test_a_watchdog_ends_as_it_tells(void **state)
{
    struct stall stall;
    struct keeper keeper, other;
    struct hy_watchdog watchdog, second;

    (void)state;
    keeper_init(&keeper, &watchdog, LIMIT_NS);
    keeper_init(&other, &second, LIMIT_NS);
    keeper.ends = &watchdog;
    stall_start(&stall);
    wait_count(&keeper.blocked, 1);
    wait_count(&other.blocked, 1);
    other.ends = &second;
    stall_let_go(&stall);
    wait_count(&other.resumed, 1);
    assert_int_equal(keeper.resumed, 0);
    assert_ok(hy_watchdog_fini(&watchdog)); /* ended already */
    stall_stop(&stall);
    object_end(&keeper.hy);
    object_end(&other.hy);
}

static void stand_in_a_loop(struct probe *self)
{
    stand_still_slot(self, NULL);
    count_up(&self->reached);
}

/* Opens the gate of whoever stands still. */
static void let_go(struct keeper *self, const struct hy_stall *stall)
{
    self->last_blocked = *stall;
    gate_open(&((struct still *)self->context)->go);
}

/* The thread of the test is watched from another one, and stands still in its own loop. */
static void test_a_watchdog_in_a_thread_of_its_own(void **state)
{
    struct keeper keeper;
    struct hy_watchdog watchdog;
    struct hy_thread thread;
    struct probe probe;
    struct still still;

    (void)state;
    gate_init(&still.entered);
    gate_init(&still.go);
    probe_init(&probe, NULL);
    probe.context = &still;
    memset(&keeper, 0, sizeof keeper);
    keeper.context = &still;
    assert_ok(hy_object_init(&keeper.hy, &keeper_class, NULL));
    assert_ok(hy_thread_init(&thread, "watch", NULL));
    assert_ok(hy_watchdog_init(&watchdog, LIMIT_NS, NULL));
    assert_ok(hy_connect(&watchdog.events.blocked, &keeper, let_go, HY_AUTO));
    assert_ok(hy_object_move_to_thread(&keeper.hy, &thread));
    assert_ok(hy_object_move_to_thread(&watchdog.hy, &thread));
    assert_ok(hy_thread_start(&thread));
    assert_ok(hy_after(HY_MILLISECOND, &probe, stand_in_a_loop));
    wait_count(&probe.reached, 1);
    hy_thread_quit(&thread, 0);
    assert_ok(hy_thread_join(&thread, HY_FOREVER));
    assert_true(keeper.last_blocked.handler.function == (uintptr_t)stand_in_a_loop);
    assert_true(keeper.last_blocked.duration_ns >= LIMIT_NS);
    hy_thread_fini(&thread);
    object_end(&probe.hy);
    gate_fini(&still.entered);
    gate_fini(&still.go);
}

static void test_a_limit_below_a_millisecond(void **state)
{
    struct hy_watchdog watchdog;

    (void)state;
    assert_int_equal(hy_watchdog_init(&watchdog, HY_MICROSECOND, NULL), -HY_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_what_waits_for_an_object),
        CASE(test_a_thread_counts_what_it_does),
        CASE(test_waits_and_wakes),
        CASE(test_what_a_thread_that_stands_still_has_waiting),
        CASE(test_measuring_names_the_slowest),
        CASE(test_measuring_names_each_kind_of_handler),
        CASE(test_measuring_names_a_direct_closure),
        CASE(test_measuring_names_a_notifier),
        CASE(test_measuring_names_what_is_called_later),
        CASE(test_dropped_ones_of_an_object),
        CASE(test_times_add_up),
        CASE(test_timers_are_handlers),
        CASE(test_reading_while_everything_runs),
        CASE(test_names_of_functions),
        CASE(test_a_blocked_loop_is_told_while_it_is),
        CASE(test_the_innermost_handler_is_named),
        CASE(test_an_object_that_has_ended_is_still_named),
        CASE(test_a_nested_loop_blocks_nothing),
        CASE(test_a_watchdog_ends_as_it_tells),
        CASE(test_a_watchdog_in_a_thread_of_its_own),
        CASE(test_a_limit_below_a_millisecond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
