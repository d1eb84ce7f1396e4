/* SPDX-License-Identifier: MIT */
/*
 * Cutting, when the code that hears of it (the end of a context, connection_changed) ends or moves
 * what the library is working on. Most of it only a sanitizer, or the count of what is allocated,
 * can tell.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/worker.h"

#include <string.h>

static struct source source, second;
static struct probe one;

static int setup(void **state)
{
    source_init(&source);
    probe_init(&one, NULL);
    return check_setup(state);
}

static int teardown(void **state)
{
    object_end(&source.hy);
    object_end(&one.hy);
    return check_teardown(state);
}

static int emit(int64_t value)
{
    return hy_emit_with(&source.events.number, .value = value);
}

static void connect_closure(struct source *sender, struct probe *receiver, unsigned flags,
                            void (*end)(void *), void *context)
{
    const struct hy_connect_options options = {.flags = flags, .context = context, .destroy = end};

    EXPECT_INT(hy_connect_with(&sender->events.number, receiver, probe_number, &options, NULL), 0);
}

static void count_end(void *context)
{
    ++*(int *)context;
}

/* --- the receiver goes -------------------------------------------------------------------------
 */

static void destroy_probe(void *context)
{
    struct probe *probe = context;

    EXPECT_INT(hy_object_destroy(&probe->hy), 0);
}

/* The first signal's connection takes the receiver with it, before the others are looked at. */
static void test_sc24_the_end_of_a_context_ends_the_receiver_being_cut(void **state)
{
    struct probe *receiver = probe_create(NULL);

    (void)state;
    connect_closure(&source, receiver, HY_AUTO, destroy_probe, receiver);
    assert_ok(hy_connect(&source.events.nothing, receiver, probe_nothing, HY_AUTO));
    assert_ok(hy_connect(&source.events.nothing, &one, probe_nothing, HY_AUTO));
    assert_int_equal(hy_object_disconnect(&source.hy, &receiver->hy), 1);
    assert_int_equal(hy_emit0(&source.events.nothing), 1);
}

struct watcher {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(struct number) number;
    } events;
    struct probe *receiver;
    struct hy_thread *thread;
    int reached; /* counted up by what is told; any thread */
    int cuts;    /* guard: home thread */
    void (*on_change)(struct watcher *self, bool connected);
};

static void watcher_changed(struct hy_object *object, const struct hy_signal_spec *signal,
                            bool connected)
{
    struct watcher *self = (struct watcher *)(void *)object;

    (void)signal;
    EXPECT(hy_object_is_here(object));
    self->cuts += connected ? 0 : 1;
    (void)count_up(&self->reached);
    if (self->on_change != NULL)
        self->on_change(self, connected);
}

static const struct hy_class watcher_class =
    HY_CLASS(struct watcher, .connection_changed = watcher_changed,
             .signals = HY_SIGNALS(HY_PLAIN(struct watcher, events.number)));

static void end_both(struct watcher *self, bool connected)
{
    if (connected)
        return;
    EXPECT_INT(hy_object_destroy(&self->receiver->hy), 0);
    object_end(&self->hy);
}

/* A queued single shot is cut as it is delivered; its owner, told, ends the receiver and itself:
 * nothing is left of either but the message. Rules: SC-16, SC-32. */
static void test_sc32_the_owner_told_of_a_single_shot_ends_both_ends(void **state)
{
    struct watcher watcher;

    (void)state;
    for (int i = 0; i < 3; i++) {
        memset(&watcher, 0, sizeof watcher);
        assert_ok(hy_object_init(&watcher.hy, &watcher_class, NULL));
        watcher.receiver = probe_create(NULL);
        watcher.on_change = end_both;
        assert_ok(hy_connect(&watcher.events.number, watcher.receiver, probe_number,
                             HY_QUEUED | HY_SINGLE_SHOT));
        assert_int_equal(hy_emit_with(&watcher.events.number, .value = 1), 1);
        wait_drain();
        assert_int_equal(watcher.cuts, 1);
    }
}

/* --- something moves ---------------------------------------------------------------------------
 */

static void cut_and_move(struct watcher *self, bool connected)
{
    if (!connected)
        return;
    EXPECT_INT(hy_signal_disconnect(&self->events.number.sig, NULL, NULL), 1);
    EXPECT_INT(hy_object_move_to_thread(&self->hy, self->thread), 0);
}

/* Told of the making, the owner cuts the connection and moves on: it is told the cut where it lives
 * then. Rules: SC-31, SC-32. */
static void test_sc31_an_owner_that_moves_is_told_the_cut_in_its_new_thread(void **state)
{
    struct worker worker;
    struct watcher watcher;

    (void)state;
    worker_start(&worker, "moved to");
    memset(&watcher, 0, sizeof watcher);
    assert_ok(hy_object_init(&watcher.hy, &watcher_class, NULL));
    watcher.thread = &worker.thread;
    watcher.on_change = cut_and_move;
    assert_ok(hy_connect(&watcher.events.number, &one, probe_number, HY_AUTO));
    assert_true(wait_count(&watcher.reached, 2));
    worker_stop(&worker); /* which ends the watcher */
    assert_int_equal(watcher.cuts, 1);
}

struct move {
    struct probe *probe;
    struct hy_thread *thread;
    int ends;
};

static void move_probe(void *context)
{
    struct move *move = context;

    move->ends++;
    EXPECT_INT(hy_object_move_to_thread(&move->probe->hy, move->thread), 0);
}

/* The message behind the last call of a sender that has ended cuts the connection, and its context
 * takes the receiver to another thread, which is busy with it at once. */
static void test_sc23_the_end_of_a_context_behind_the_last_call_moves_the_receiver(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "moved to");
    for (int i = 0; i < check_scaled(200); i++) {
        struct probe *receiver = probe_create(NULL);
        struct move move = {receiver, &worker.thread, 0};

        source_init(&second);
        connect_closure(&second, receiver, HY_QUEUED, move_probe, &move);
        assert_int_equal(hy_emit_with(&second.events.number, .value = 1), 1);
        object_end(&second.hy);
        for (int j = 0; j < 5; j++) /* these travel with it */
            assert_ok(hy_post(&receiver->hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL));
        wait_drain();
        assert_int_equal(move.ends, 1);
        assert_ok(hy_object_destroy_later(&receiver->hy));
    }
    worker_stop(&worker);
}

/* --- what is not delivered -----------------------------------------------------------------------
 */

/* The one emission of a single-shot connection has been; the call that it queued is removed. */
static void test_sc16_a_single_shot_whose_call_is_removed_is_gone(void **state)
{
    static const unsigned kinds[] = {0, HY_KEEP_QUEUED, HY_LATEST};
    struct hy_connection connection;
    int ends = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        connect_closure(&source, &one, HY_QUEUED | HY_SINGLE_SHOT | kinds[i], count_end, &ends);
        assert_int_equal(emit(1), 1);
        assert_int_equal(hy_posted_remove(&one.hy, HY_EVENT_ANY), 1);
        assert_int_equal(ends, i + 1);
    }
    assert_ok(hy_connect_with(&source.events.number, &one, probe_number,
                              &(struct hy_connect_options){.flags = HY_QUEUED | HY_SINGLE_SHOT},
                              &connection));
    assert_int_equal(emit(2), 1);
    assert_int_equal(hy_posted_remove(&one.hy, HY_EVENT_ANY), 1);
    assert_int_equal(hy_connection_disconnect(connection), 0);
    assert_int_equal(hy_signal_disconnect(&source.events.number.sig, NULL, NULL), 0);
    assert_int_equal(one.count, 0);
}

/* --- a sender that ends ------------------------------------------------------------------------
 */

static void block_the_parent(struct probe *self)
{
    struct source *parent = self->context;

    EXPECT_INT(hy_signal_block(&parent->events.number.sig, true), 0);
    EXPECT_INT(hy_signal_block(&parent->events.number.sig, false), 0);
    EXPECT_INT(hy_object_block_signals(&parent->hy, true), 0);
    EXPECT_INT(hy_object_block_signals(&parent->hy, false), 0);
}

/* Its signals have been closed when its children end: blocking them brings nothing back. */
static void test_sc29_blocking_the_signals_of_the_dying_leaves_nothing(void **state)
{
    long before = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct source parent;

        source_init(&parent);
        struct probe *child = probe_create(&parent.hy);

        child->on_fini = block_the_parent;
        child->context = &parent;
        object_end(&parent.hy);
        if (i == 0)
            before = allocator_blocks();
    }
    assert_int_equal(allocator_blocks(), before);
}

static void test_sc22_no_signal_is_not_connected(void **state)
{
    (void)state;
    assert_false(hy_signal_is_connected(hy_object_signal(&source.hy, "no such signal")));
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_sc24_the_end_of_a_context_ends_the_receiver_being_cut),
        CASE(test_sc32_the_owner_told_of_a_single_shot_ends_both_ends),
        CASE(test_sc31_an_owner_that_moves_is_told_the_cut_in_its_new_thread),
        CASE(test_sc23_the_end_of_a_context_behind_the_last_call_moves_the_receiver),
        CASE(test_sc16_a_single_shot_whose_call_is_removed_is_gone),
        CASE(test_sc29_blocking_the_signals_of_the_dying_leaves_nothing),
        CASE(test_sc22_no_signal_is_not_connected),
    };

    allocator_install();
    return cmocka_run_group_tests_name("cut", tests, NULL, NULL);
}
