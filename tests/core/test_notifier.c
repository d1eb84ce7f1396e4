/* SPDX-License-Identifier: MIT */
/* Notifiers over pipes and socket pairs. Rules SN and DU. */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* A socket pair, and a notifier that may watch its first end. */
struct watcher {
    HY_INHERITS(hy_object);
    struct hy_notifier notifier;
    int ends[2];
    int calls;
    int reached;
    unsigned conditions; /* of the last call */
    void (*on_ready)(struct watcher *self);
    struct watcher *other;
    struct hy_thread *target;
};

static const struct hy_class watcher_class = HY_CLASS(struct watcher);
static struct watcher one, two;

static void watcher_ready(struct watcher *self, const struct hy_readiness *readiness)
{
    EXPECT(hy_object_is_here(&self->hy));
    EXPECT_INT(readiness->descriptor, self->ends[0]); /* SN-04 */
    self->conditions = readiness->conditions;
    self->calls++;
    if (self->on_ready != NULL)
        self->on_ready(self);
    (void)count_up(&self->reached); /* last: then the next byte may be written */
}

static void watcher_init(struct watcher *watcher)
{
    *watcher = (struct watcher){.calls = 0};
    EXPECT_INT(hy_object_init(&watcher->hy, &watcher_class, NULL), 0);
    EXPECT_INT(hy_notifier_init(&watcher->notifier, &watcher->hy), 0);
    EXPECT_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, watcher->ends),
               0);
    EXPECT_INT(hy_connect(&watcher->notifier.events.ready, watcher, watcher_ready, HY_DIRECT), 0);
}

static void watcher_close(struct watcher *watcher)
{
    object_end(&watcher->hy);
    for (int i = 0; i < 2; i++)
        if (watcher->ends[i] >= 0)
            (void)close(watcher->ends[i]);
}

static int watch(struct watcher *watcher, unsigned conditions)
{
    return hy_notifier_watch(&watcher->notifier, watcher->ends[0], conditions);
}

static void write_byte(int handle)
{
    EXPECT_INT(write(handle, "x", 1), 1);
}

static void read_all(struct watcher *self)
{
    char bytes[256];

    while (read(self->ends[0], bytes, sizeof bytes) > 0) {
    }
}

static int setup(void **state)
{
    watcher_init(&one);
    watcher_init(&two);
    return check_setup(state);
}

static int teardown(void **state)
{
    watcher_close(&one);
    watcher_close(&two);
    return check_teardown(state);
}

/* Departs: SN-01: one notifier watches any mix of conditions; there is none that is made with a
 * descriptor. */
static void test_sn01_nothing_is_watched_at_first(void **state)
{
    (void)state;
    write_byte(one.ends[1]);
    wait_drain();
    assert_int_equal(one.calls, 0);
    assert_ok(hy_notifier_unwatch(&one.notifier)); /* nothing to forget: fine */
}

/* Rules: SN-03, SN-04. */
static void test_sn03_level_triggered(void **state)
{
    (void)state;
    assert_ok(watch(&one, HY_READABLE));
    assert_int_equal(hy_process(0, HY_FOREVER), 0);
    write_byte(one.ends[1]);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(hy_process(HY_PROCESS_WAIT, HY_FOREVER), 1);
        assert_int_equal(one.calls, i);
        assert_int_equal(one.conditions, HY_READABLE);
    }
    read_all(&one);
    assert_int_equal(hy_process(0, HY_FOREVER), 0);
    assert_int_equal(one.calls, 3);
}

static void test_sn06_writable_at_once_until_paused(void **state)
{
    (void)state;
    assert_ok(watch(&one, HY_WRITABLE));
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(hy_process(0, HY_FOREVER), 1);
        assert_int_equal(one.conditions, HY_WRITABLE);
    }
    assert_ok(watch(&one, 0));
    assert_int_equal(hy_process(0, HY_FOREVER), 0);
    assert_ok(watch(&one, HY_READABLE | HY_WRITABLE));
    write_byte(one.ends[1]);
    assert_int_equal(hy_process(0, HY_FOREVER), 1); /* one call for both */
    assert_int_equal(one.conditions, HY_READABLE | HY_WRITABLE);
    assert_int_equal(one.calls, 4);
}

/* Rules: DU-07. */
static void test_hangup(void **state)
{
    (void)state;
    assert_ok(watch(&one, HY_READABLE));
    (void)close(one.ends[1]);
    one.ends[1] = -1;
    assert_int_equal(hy_process(0, HY_FOREVER), 1);
    assert_true(one.conditions & HY_HANGUP);
    assert_true(one.conditions & HY_READABLE); /* the end of the stream is to be read */
}

static void test_hangup_of_a_pipe(void **state)
{
    int ends[2], kept = one.ends[0];

    (void)state;
    SKIP_ON_WINDOWS("Windows' pipes cannot be watched");
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    one.ends[0] = ends[0];
    assert_ok(watch(&one, HY_READABLE));
    (void)close(ends[1]);
    assert_int_equal(hy_process(0, HY_FOREVER), 1);
    assert_true(one.conditions & HY_HANGUP);
    assert_ok(hy_notifier_unwatch(&one.notifier));
    (void)close(ends[0]);
    one.ends[0] = kept;
}

static void test_du07_failure_of_a_pipe_without_a_reader(void **state)
{
    int ends[2], kept = one.ends[0];

    (void)state;
    SKIP_ON_WINDOWS("Windows' pipes cannot be watched");
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    one.ends[0] = ends[1];
    (void)close(ends[0]);
    assert_ok(watch(&one, HY_WRITABLE));
    assert_int_equal(hy_process(0, HY_FOREVER), 1);
    assert_true(one.conditions & HY_FAILURE);
    assert_true(one.conditions & HY_WRITABLE); /* what is watched is told with it */
    assert_ok(hy_notifier_unwatch(&one.notifier));
    (void)close(ends[1]);
    one.ends[0] = kept;
}

static void test_a_paused_hangup_neither_calls_nor_spins(void **state)
{
    struct hy_timer once;
    struct probe fired;
    int64_t cpu_ns;

    (void)state;
    probe_init(&fired, NULL);
    assert_ok(hy_timer_init(&once, NULL));
    assert_ok(hy_connect(&once.events.timeout, &fired, probe_nothing, HY_AUTO));
    assert_ok(watch(&one, HY_READABLE));
    assert_ok(watch(&one, 0));
    (void)close(one.ends[1]);
    one.ends[1] = -1;
    assert_ok(hy_timer_start_once(&once, 300 * HY_MILLISECOND));
    cpu_ns = system_thread_cpu_ns();
    while (fired.count == 0)
        assert_ok(hy_process(HY_PROCESS_WAIT, HY_FOREVER));
    assert_int_equal(one.calls, 0);
    assert_true(system_thread_cpu_ns() - cpu_ns < 150 * HY_MILLISECOND);
    assert_ok(watch(&one, HY_READABLE)); /* and it is told afterwards */
    assert_int_equal(hy_process(0, HY_FOREVER), 1);
    object_end(&once.hy);
    object_end(&fired.hy);
}

static void test_sn10_a_second_notifier_is_refused(void **state)
{
    (void)state;
    assert_ok(watch(&one, HY_READABLE));
    assert_int_equal(hy_notifier_watch(&two.notifier, one.ends[0], HY_WRITABLE), -HY_EEXIST);
    assert_int_equal(hy_notifier_watch(&one.notifier, two.ends[0], HY_READABLE), -HY_EBUSY);
    write_byte(one.ends[1]);
    assert_int_equal(hy_process(0, HY_FOREVER), 1); /* the first is unharmed */
    assert_int_equal(two.calls, 0);
    read_all(&one);
    assert_ok(hy_notifier_unwatch(&one.notifier));
    assert_ok(hy_notifier_unwatch(&one.notifier));
    assert_ok(hy_notifier_watch(&one.notifier, two.ends[0], HY_READABLE)); /* free again */
}

static void test_bad_descriptors(void **state)
{
    int closed = dup(one.ends[0]);
    FILE *file = tmpfile();

    (void)state;
    assert_true(closed >= 0);
    (void)close(closed);
    assert_int_equal(hy_notifier_watch(&one.notifier, closed, HY_READABLE), -HY_EBADF);
    assert_int_equal(hy_notifier_watch(&one.notifier, -1, HY_READABLE), -HY_EBADF);
    if (file != NULL) { /* of a kind that cannot be watched */
        assert_int_equal(hy_notifier_watch(&one.notifier, fileno(file), HY_READABLE), -HY_EBADF);
        (void)fclose(file);
    }
    assert_int_equal(hy_notifier_watch(&one.notifier, one.ends[0], 0x4000), -HY_EINVAL);
    assert_ok(watch(&one, HY_READABLE)); /* not spoilt by the failures */
}

/* A descriptor is closed under its notifier, and its number comes back as another file. */
static void test_sn11_a_reused_number_is_not_taken_for_the_old_file(void **state)
{
    int number = one.ends[0];

    (void)state;
    SKIP_ON_WINDOWS("sockets are polled by their number: the new one is watched for the old one");
    assert_ok(watch(&one, HY_READABLE));
    (void)close(one.ends[0]);
    assert_int_equal(dup2(two.ends[0], number), number);
    write_byte(two.ends[1]); /* the new file is readable, under the old number */
    for (int i = 0; i < 3; i++)
        assert_true(hy_process(0, HY_FOREVER) >= 0);
    assert_int_equal(one.calls, 0);
    /* To change what is watched there is to be told. */
    assert_int_equal(watch(&one, HY_READABLE | HY_WRITABLE), -HY_EBADF);
    assert_ok(hy_notifier_unwatch(&one.notifier));
    assert_ok(watch(&one, HY_READABLE)); /* and from here on it is the new one that is meant */
    assert_int_equal(hy_process(0, HY_FOREVER), 1);
    assert_ok(hy_notifier_unwatch(&one.notifier));
}

static void test_a_number_can_be_watched_again_after_unwatch_and_close(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        two.ends[0] = pair[0];
        assert_ok(hy_notifier_watch(&two.notifier, pair[0], HY_READABLE));
        write_byte(pair[1]);
        assert_int_equal(hy_process(0, HY_FOREVER), 1);
        assert_ok(hy_notifier_unwatch(&two.notifier));
        (void)close(pair[0]);
        (void)close(pair[1]);
    }
    two.ends[0] = -1;
}

/* --- in handlers ------------------------------------------------------------------------------ */

static void unwatch_other(struct watcher *self)
{
    EXPECT_INT(hy_notifier_unwatch(&self->other->notifier), 0);
}

static void pause_other(struct watcher *self)
{
    EXPECT_INT(watch(self->other, 0), 0);
}

static void end_other(struct watcher *self)
{
    EXPECT_INT(hy_object_fini(&self->other->notifier.hy), 0);
}

static void both_ready_first_acts(void (*act)(struct watcher *self))
{
    one.other = &two;
    two.other = &one;
    one.on_ready = two.on_ready = act;
    assert_ok(watch(&one, HY_READABLE));
    assert_ok(watch(&two, HY_READABLE));
    write_byte(one.ends[1]);
    write_byte(two.ends[1]);
    assert_int_equal(hy_process(0, HY_FOREVER), 1);
    assert_int_equal(one.calls + two.calls, 1);
}

static void test_du08_unwatched_by_an_earlier_handler(void **state)
{
    (void)state;
    both_ready_first_acts(unwatch_other);
}

static void test_du08_paused_by_an_earlier_handler(void **state)
{
    (void)state;
    both_ready_first_acts(pause_other);
}

static void test_du08_ended_by_an_earlier_handler(void **state)
{
    (void)state;
    both_ready_first_acts(end_other);
}

static void drain_both(struct watcher *self)
{
    read_all(self);
    read_all(self->other);
}

static void test_sn05_both_fire_even_if_the_first_drained_both(void **state)
{
    (void)state;
    one.other = &two;
    two.other = &one;
    one.on_ready = two.on_ready = drain_both;
    assert_ok(watch(&one, HY_READABLE));
    assert_ok(watch(&two, HY_READABLE));
    write_byte(one.ends[1]);
    write_byte(two.ends[1]);
    assert_int_equal(hy_process(0, HY_FOREVER), 2);
}

static void end_self(struct watcher *self)
{
    hy_notifier_fini(&self->notifier);
}

static void end_parent(struct watcher *self)
{
    EXPECT_INT(hy_object_fini(&self->hy), 0);
}

static void test_sn08_a_handler_ends_its_notifier(void **state)
{
    (void)state;
    one.on_ready = end_self;
    two.on_ready = end_parent;
    assert_ok(watch(&one, HY_READABLE));
    assert_ok(watch(&two, HY_READABLE));
    write_byte(one.ends[1]);
    write_byte(two.ends[1]);
    assert_int_equal(hy_process(0, HY_FOREVER), 2);
    assert_int_equal(hy_process(0, HY_FOREVER), 0);
}

static struct hy_loop loop;

static void nest_without_unwatch(struct watcher *self)
{
    if (self->calls > 1) { /* still ready: the nested loop tells it again */
        read_all(self);
        hy_loop_quit(&loop, 0);
        return;
    }
    EXPECT_INT(hy_loop_init(&loop), 0);
    EXPECT_INT(hy_loop_exec(&loop, 0), 0);
}

static void test_nested_loop_in_a_handler_still_tells(void **state)
{
    (void)state;
    one.on_ready = nest_without_unwatch;
    assert_ok(watch(&one, HY_READABLE));
    write_byte(one.ends[1]);
    assert_true(hy_process(0, HY_FOREVER) >= 1);
    assert_int_equal(one.calls, 2);
    assert_int_equal(hy_process(0, HY_FOREVER), 0);
}

static void test_du10_zero_timer_and_socket_in_one_pass(void **state)
{
    struct hy_timer zero;
    struct probe fired;

    (void)state;
    probe_init(&fired, NULL);
    assert_ok(hy_timer_init(&zero, NULL));
    assert_ok(hy_connect(&zero.events.timeout, &fired, probe_nothing, HY_AUTO));
    assert_ok(hy_timer_start(&zero, 0));
    assert_ok(watch(&one, HY_READABLE));
    write_byte(one.ends[1]);
    for (int i = 1; i <= 3; i++) {
        assert_true(hy_process(0, HY_FOREVER) >= 1);
        assert_int_equal(one.calls, i);
        assert_int_equal(fired.count, i);
    }
    object_end(&zero.hy);
    object_end(&fired.hy);
}

static void test_many_ready_at_once(void **state)
{
    enum {
        MANY = 150
    };
    static struct watcher watchers[MANY];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        watcher_init(&watchers[i]);
        watchers[i].on_ready = read_all;
        assert_ok(watch(&watchers[i], HY_READABLE));
        write_byte(watchers[i].ends[1]);
    }
    wait_drain();
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(watchers[i].calls, 1);
        watcher_close(&watchers[i]);
    }
}

/* --- threads ---------------------------------------------------------------------------------- */

static void call_wrongly(void *context)
{
    struct watcher *watcher = context;

    EXPECT_INT(watch(watcher, HY_READABLE), -HY_EWRONGTHREAD);
    EXPECT_INT(hy_notifier_unwatch(&watcher->notifier), -HY_EWRONGTHREAD);
}

static void test_sn09_other_threads_are_refused(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "other");
    assert_ok(watch(&one, HY_READABLE));
    run_there(&worker.probe.hy, call_wrongly, &one);
    write_byte(one.ends[1]);
    assert_int_equal(hy_process(0, HY_FOREVER), 1); /* nothing has changed */
    worker_stop(&worker);
}

static void test_oa14_a_move_takes_the_watching_along(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "new home");
    one.on_ready = read_all;
    assert_ok(watch(&one, HY_READABLE));
    write_byte(one.ends[1]); /* ready before the move */
    assert_ok(hy_object_move_to_thread(&one.hy, &worker.thread));
    assert_true(wait_count(&one.reached, 1));
    flush_there(&worker.probe.hy);
    write_byte(one.ends[1]);
    assert_true(wait_count(&one.reached, 2));
    worker_stop(&worker); /* ends the notifier */
    assert_int_equal(one.calls, 2);
    assert_ok(hy_notifier_watch(&two.notifier, one.ends[0], HY_READABLE)); /* nobody has it */
    assert_ok(hy_notifier_unwatch(&two.notifier));
}

static void move_self(struct watcher *self)
{
    read_all(self);
    if (hy_object_thread(&self->hy) != self->target)
        EXPECT_INT(hy_object_move_to_thread(&self->hy, self->target), 0);
}

static void test_a_handler_moves_its_notifier(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "new home");
    one.on_ready = move_self;
    one.target = &worker.thread;
    assert_ok(watch(&one, HY_READABLE));
    write_byte(one.ends[1]);
    assert_int_equal(hy_process(0, HY_FOREVER), 1);
    for (int i = 2; i < 5; i++) {
        write_byte(one.ends[1]);
        assert_true(wait_count(&one.reached, i));
    }
    worker_stop(&worker);
}

static void test_watch_of_a_dead_notifier(void **state)
{
    (void)state;
    hy_notifier_fini(&one.notifier);
    hy_notifier_fini(&one.notifier);
    assert_true(watch(&one, HY_READABLE) < 0);
}

/* --- more of the rules
 * ---------------------------------------------------------------------------- */

/* Departs: SN-02: another descriptor is refused while one is watched, instead of ending that watch
 * silently; unwatched, the notifier takes any. */
static void test_sn02_another_descriptor_needs_an_unwatch(void **state)
{
    (void)state;
    assert_ok(watch(&one, HY_READABLE));
    assert_int_equal(hy_notifier_watch(&one.notifier, two.ends[0], HY_READABLE), -HY_EBUSY);
    write_byte(one.ends[1]);
    assert_int_equal(hy_process(0, HY_FOREVER), 1); /* the first one is still watched */
    assert_ok(hy_notifier_unwatch(&one.notifier));
    assert_int_equal(hy_process(0, HY_FOREVER), 0);
}

static void test_sn04_the_descriptor_and_the_conditions_are_told(void **state)
{
    char byte = 'u';

    (void)state;
    assert_ok(watch(&one, HY_READABLE | HY_WRITABLE | HY_URGENT));
    assert_int_equal(hy_process(0, HY_FOREVER), 1); /* watcher_ready checks the descriptor */
    assert_int_equal(one.conditions, HY_WRITABLE);
    assert_int_equal(write(one.ends[1], &byte, 1), 1);
    assert_int_equal(hy_process(0, HY_FOREVER), 1);
    assert_int_equal(one.conditions, HY_READABLE | HY_WRITABLE);
}

static void test_sn07_one_call_may_stand_for_many_datagrams(void **state)
{
    int ends[2], datagrams = 0;
    char byte;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    (void)close(one.ends[0]);
    one.ends[0] = ends[0];
    for (int i = 0; i < 3; i++)
        write_byte(ends[1]);
    assert_ok(watch(&one, HY_READABLE));
    assert_int_equal(hy_process(0, HY_FOREVER), 1);
    assert_int_equal(one.calls, 1);
    while (read(ends[0], &byte, 1) == 1)
        datagrams++;
    assert_int_equal(datagrams, 3);
    assert_int_equal(hy_process(0, HY_FOREVER), 0); /* nothing is left to tell */
    (void)close(ends[1]);
}

/* Rules: OA-09, OA-14. */
static void test_oa09_a_parked_notifier_watches_again_where_it_arrives(void **state)
{
    (void)state;
    assert_ok(watch(&one, HY_READABLE));
    write_byte(one.ends[1]);
    assert_ok(hy_object_move_to_thread(&one.hy, NULL));
    assert_int_equal(hy_process(0, HY_FOREVER), 0);
    assert_int_equal(watch(&one, HY_WRITABLE), -HY_EWRONGTHREAD);
    assert_ok(hy_object_move_to_thread(&one.hy, hy_thread_current()));
    assert_true(wait_count(&one.reached, 1));
    assert_int_equal(one.conditions, HY_READABLE);
    /* And one that ends where nobody is. */
    assert_ok(hy_object_move_to_thread(&one.hy, NULL));
    object_end(&one.hy);
    assert_int_equal(hy_process(0, HY_FOREVER), 0);
}

/* A class whose hooks watch and unwatch: its notifiers travel later, and arrive later, than it. */
struct restless {
    HY_INHERITS(hy_object);
    struct hy_notifier paused, changed, begun;
    int ends[3][2];
    int calls[3];
};

static void restless_leave(struct hy_object *object)
{
    struct restless *self = (struct restless *)(void *)object;

    EXPECT_INT(hy_notifier_watch(&self->begun, self->ends[2][0], HY_WRITABLE), 0);
}

static void restless_enter(struct hy_object *object)
{
    struct restless *self = (struct restless *)(void *)object;

    EXPECT_INT(hy_notifier_unwatch(&self->paused), 0);
    EXPECT_INT(hy_notifier_watch(&self->changed, self->ends[1][0], HY_WRITABLE), 0);
}

static void restless_ready(struct restless *self, const struct hy_readiness *readiness)
{
    for (int i = 0; i < 3; i++)
        if (self->ends[i][0] == readiness->descriptor)
            (void)count_up(&self->calls[i]);
}

static void test_oa14_hooks_may_watch_and_unwatch(void **state)
{
    static const struct hy_class restless_class =
        HY_CLASS(struct restless, .leave_thread = restless_leave, .enter_thread = restless_enter);
    struct restless restless = {.calls = {0, 0, 0}};
    struct hy_notifier *notifiers[] = {&restless.paused, &restless.changed, &restless.begun};

    (void)state;
    assert_ok(hy_object_init(&restless.hy, &restless_class, NULL));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, restless.ends[i]), 0);
        assert_ok(hy_notifier_init(notifiers[i], &restless.hy));
        assert_ok(hy_connect(&notifiers[i]->events.ready, &restless, restless_ready, HY_DIRECT));
        if (i < 2)
            assert_ok(hy_notifier_watch(notifiers[i], restless.ends[i][0],
                                        i == 0 ? HY_WRITABLE : HY_READABLE));
    }
    assert_ok(hy_object_move_to_thread(&restless.hy, NULL));
    assert_ok(hy_object_move_to_thread(&restless.hy, hy_thread_current()));
    assert_true(wait_count(&restless.calls[1], 2));
    assert_true(restless.calls[2] >= 1);
    assert_int_equal(restless.calls[0], 0);
    object_end(&restless.hy);
    for (int i = 0; i < 6; i++)
        (void)close(restless.ends[i / 2][i % 2]);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_sn01_nothing_is_watched_at_first),
        CASE(test_sn03_level_triggered),
        CASE(test_sn06_writable_at_once_until_paused),
        CASE(test_hangup),
        CASE(test_hangup_of_a_pipe),
        CASE(test_du07_failure_of_a_pipe_without_a_reader),
        CASE(test_a_paused_hangup_neither_calls_nor_spins),
        CASE(test_sn10_a_second_notifier_is_refused),
        CASE(test_bad_descriptors),
        CASE(test_sn11_a_reused_number_is_not_taken_for_the_old_file),
        CASE(test_a_number_can_be_watched_again_after_unwatch_and_close),
        CASE(test_du08_unwatched_by_an_earlier_handler),
        CASE(test_du08_paused_by_an_earlier_handler),
        CASE(test_du08_ended_by_an_earlier_handler),
        CASE(test_sn05_both_fire_even_if_the_first_drained_both),
        CASE(test_sn08_a_handler_ends_its_notifier),
        CASE(test_nested_loop_in_a_handler_still_tells),
        CASE(test_du10_zero_timer_and_socket_in_one_pass),
        CASE(test_many_ready_at_once),
        CASE(test_sn09_other_threads_are_refused),
        CASE(test_oa14_a_move_takes_the_watching_along),
        CASE(test_a_handler_moves_its_notifier),
        CASE(test_watch_of_a_dead_notifier),
        CASE(test_sn02_another_descriptor_needs_an_unwatch),
        CASE(test_sn04_the_descriptor_and_the_conditions_are_told),
        CASE(test_sn07_one_call_may_stand_for_many_datagrams),
        CASE(test_oa09_a_parked_notifier_watches_again_where_it_arrives),
        CASE(test_oa14_hooks_may_watch_and_unwatch),
    };

    allocator_install();
    return cmocka_run_group_tests_name("notifier", tests, NULL, NULL);
}
