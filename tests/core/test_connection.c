/* SPDX-License-Identifier: MIT */
/*
 * Connections beyond the plain ones: handles, unique and kept ones, wildcards, blocking, results,
 * relays, who the sender is. Rules SC and QA. Contexts are in test_closure.c, races in
 * test_connection_race.c.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/worker.h"

static struct source source, second;
static struct probe one, two;

static int setup(void **state)
{
    source_init(&source);
    source_init(&second);
    probe_init(&one, NULL);
    probe_init(&two, NULL);
    return check_setup(state);
}

static int teardown(void **state)
{
    object_end(&source.hy);
    object_end(&second.hy);
    object_end(&one.hy);
    object_end(&two.hy);
    return check_teardown(state);
}

static int emit(int64_t value)
{
    return hy_emit_with(&source.events.number, .value = value);
}

static int connect(struct probe *probe, unsigned flags)
{
    return hy_connect(&source.events.number, probe, probe_number, flags);
}

static struct hy_connection connection_to(struct probe *probe, unsigned flags)
{
    struct hy_connection connection = {NULL, 0};

    EXPECT_INT(hy_connect_with(&source.events.number, probe, probe_number,
                               &(struct hy_connect_options){.flags = flags}, &connection),
               0);
    return connection;
}

/* --- handles ---------------------------------------------------------------------------------- */

static void test_sc19_a_handle_tells_and_cuts_once(void **state)
{
    const struct hy_connection none = {NULL, 0};
    struct hy_connection connection = connection_to(&one, HY_AUTO), copy = connection;

    (void)state;
    assert_true(hy_connection_is_connected(connection));
    assert_true(hy_connection_is_connected(copy));
    assert_int_equal(emit(1), 1);
    assert_int_equal(hy_connection_disconnect(copy), 1);
    assert_false(hy_connection_is_connected(connection));
    assert_int_equal(hy_connection_disconnect(connection), 0);
    assert_int_equal(emit(2), 0);
    assert_true(PROBE_SAW(&one, 1));
    assert_false(hy_connection_is_connected(none));
    assert_int_equal(hy_connection_disconnect(none), 0);
    assert_int_equal(hy_connection_block(none, true), -HY_ENOENT);
}

/* The memory of a cut connection is used again: an old handle must not reach the new one. */
static void test_sc19_an_old_handle_does_not_reach_its_successor(void **state)
{
    struct hy_connection old[100];

    (void)state;
    for (int i = 0; i < 100; i++) {
        old[i] = connection_to(&one, HY_AUTO);
        assert_int_equal(hy_connection_disconnect(old[i]), 1);
    }
    for (int i = 0; i < 100; i++)
        assert_ok(connect(&two, HY_AUTO));
    for (int i = 0; i < 100; i++) {
        assert_false(hy_connection_is_connected(old[i]));
        assert_int_equal(hy_connection_disconnect(old[i]), 0);
        assert_int_equal(hy_connection_block(old[i], true), -HY_ENOENT);
    }
    assert_int_equal(emit(1), 100);
}

/* Rules: SC-19, SC-22. */
static void test_sc22_a_handle_outlives_both_ends(void **state)
{
    struct hy_connection to_one = connection_to(&one, HY_AUTO);
    struct hy_connection to_two = connection_to(&two, HY_AUTO);

    (void)state;
    object_end(&one.hy);
    assert_false(hy_connection_is_connected(to_one));
    assert_true(hy_connection_is_connected(to_two));
    object_end(&source.hy);
    assert_false(hy_connection_is_connected(to_two));
    assert_int_equal(hy_connection_disconnect(to_one), 0);
    assert_int_equal(hy_connection_disconnect(to_two), 0);
}

/* Rules: SC-17, SC-19. */
static void test_sc17_the_handle_of_a_single_shot_is_gone_at_once(void **state)
{
    struct hy_connection connection = connection_to(&one, HY_QUEUED | HY_SINGLE_SHOT);

    (void)state;
    assert_true(hy_connection_is_connected(connection));
    assert_true(hy_signal_is_connected(&source.events.number.sig));
    for (int i = 1; i <= 3; i++)
        assert_int_equal(emit(i), i == 1 ? 1 : 0);
    assert_false(hy_connection_is_connected(connection));
    assert_false(hy_signal_is_connected(&source.events.number.sig));
    assert_int_equal(hy_connection_block(connection, true), -HY_ENOENT);
    wait_drain();
    assert_true(PROBE_SAW(&one, 1));
    assert_int_equal(hy_connection_disconnect(connection), 0);
}

/* Rules: SC-16, SC-17. */
static void test_sc16_a_single_shot_that_could_not_be_queued_has_not_fired(void **state)
{
    static const unsigned kinds[] = {0, HY_KEEP_QUEUED};
    struct text text = {(char *)(uintptr_t) "abc"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct hy_connection connection;
        const struct hy_connect_options options = {.flags = HY_QUEUED | HY_SINGLE_SHOT | kinds[i]};

        assert_ok(hy_connect_with(&source.events.text, &one, probe_text, &options, &connection));
        text_fail_after(0);
        assert_int_equal(hy_emit(&source.events.text, &text), -HY_ENOMEM);
        text_fail_after(-1);
        assert_true(hy_connection_is_connected(connection));
        assert_int_equal(hy_emit(&source.events.text, &text), 1);
        assert_false(hy_connection_is_connected(connection));
        assert_int_equal(hy_emit(&source.events.text, &text), 0);
        wait_drain();
        assert_int_equal(one.count, i + 1);
    }
    assert_int_equal(text_copies(), 0);
}

/* Departs: SC-36: a cut takes back what is queued, a single-shot call too. */
static void test_sc36_a_handle_takes_a_queued_single_shot_back(void **state)
{
    struct hy_connection connection = connection_to(&one, HY_QUEUED | HY_SINGLE_SHOT);

    (void)state;
    assert_int_equal(emit(1), 1);
    assert_int_equal(hy_connection_disconnect(connection), 1);
    wait_drain();
    assert_int_equal(one.count, 0);
}

static void test_sc21_a_handle_cuts_one_of_several(void **state)
{
    struct hy_connection middle;

    (void)state;
    assert_ok(connect(&one, HY_AUTO));
    middle = connection_to(&one, HY_AUTO);
    assert_ok(connect(&one, HY_AUTO));
    assert_int_equal(hy_connection_disconnect(middle), 1);
    assert_int_equal(emit(1), 2);
}

static void test_a_blocked_connection_is_passed_by(void **state)
{
    struct hy_connection connection = connection_to(&one, HY_QUEUED);

    (void)state;
    assert_ok(connect(&two, HY_AUTO));
    assert_int_equal(emit(1), 2);
    assert_int_equal(hy_connection_block(connection, true), 0);
    assert_int_equal(hy_connection_block(connection, true), 1);
    assert_int_equal(emit(2), 1);
    assert_true(hy_connection_is_connected(connection));
    wait_drain(); /* what was queued before is delivered */
    assert_int_equal(hy_connection_block(connection, false), 1);
    assert_int_equal(hy_connection_block(connection, false), 0);
    assert_int_equal(emit(3), 2);
    wait_drain();
    assert_true(PROBE_SAW(&one, 1, 3));
    assert_true(PROBE_SAW(&two, 1, 2, 3));
}

/* --- unique, kept, wildcards ------------------------------------------------------------------ */

static void slot_context(struct probe *self, const struct number *number, void *context)
{
    probe_note(self, number->value + *(const int *)context);
}

static int connect_unique(struct probe *probe, int *context)
{
    return hy_connect_with(&source.events.number, probe, slot_context,
                           &(struct hy_connect_options){.flags = HY_UNIQUE, .context = context},
                           NULL);
}

static void test_sc14_unique_is_refused_the_second_time(void **state)
{
    (void)state;
    assert_ok(connect(&one, HY_UNIQUE));
    assert_int_equal(connect(&one, HY_UNIQUE), -HY_EEXIST);
    assert_int_equal(connect(&one, HY_UNIQUE | HY_QUEUED), -HY_EEXIST);
    assert_ok(connect(&one, HY_AUTO)); /* a plain connect may still duplicate */
    assert_ok(connect(&two, HY_UNIQUE));
    assert_ok(hy_connect(&source.events.number, &one, probe_number_too, HY_UNIQUE));
    assert_int_equal(emit(1), 4);
    assert_int_equal(hy_disconnect(&source.events.number, &one, probe_number), 2);
    assert_ok(connect(&one, HY_UNIQUE)); /* cut, it may come again */
}

static void test_sc14_unique_does_not_count_a_spent_single_shot(void **state)
{
    (void)state;
    assert_ok(connect(&one, HY_UNIQUE | HY_QUEUED | HY_SINGLE_SHOT));
    assert_int_equal(emit(1), 1);
    assert_ok(connect(&one, HY_UNIQUE | HY_QUEUED | HY_SINGLE_SHOT));
    assert_int_equal(emit(2), 1);
    wait_drain();
    assert_true(PROBE_SAW(&one, 1, 2));
}

/* Function and context are compared, so uniqueness works for every slot. Rules: SC-15. */
static void test_sc15_unique_compares_the_context(void **state)
{
    int a = 10, b = 20;

    (void)state;
    assert_ok(connect_unique(&one, &a));
    assert_int_equal(connect_unique(&one, &a), -HY_EEXIST);
    assert_ok(connect_unique(&one, &b));
    assert_ok(connect_unique(&two, &a));
    assert_int_equal(emit(1), 3);
    assert_true(PROBE_SAW(&one, 11, 21));
}

/* Departs: SC-36: taking back is the rule, HY_KEEP_QUEUED the exception. */
static void test_sc36_kept_calls_outlive_the_cut(void **state)
{
    struct hy_connection kept = connection_to(&one, HY_QUEUED | HY_KEEP_QUEUED);
    struct hy_connection plain = connection_to(&two, HY_QUEUED);

    (void)state;
    assert_int_equal(emit(1), 2);
    assert_int_equal(emit(2), 2);
    assert_int_equal(hy_connection_disconnect(kept), 1);
    assert_int_equal(hy_connection_disconnect(plain), 1);
    assert_int_equal(emit(3), 0);
    wait_drain();
    assert_true(PROBE_SAW(&one, 1, 2));
    assert_int_equal(two.count, 0);
}

/* Rules: SC-37. */
static void test_sc37_kept_calls_do_not_outlive_their_receiver(void **state)
{
    struct text text = {(char *)(uintptr_t) "abc"};

    (void)state;
    assert_ok(hy_connect(&source.events.text, &one, probe_text, HY_QUEUED | HY_KEEP_QUEUED));
    assert_int_equal(hy_emit(&source.events.text, &text), 1);
    object_end(&source.hy);
    object_end(&one.hy);
    wait_drain();
    assert_int_equal(one.count, 0);
    assert_int_equal(text_copies(), 0);
}

static void test_what_a_dead_sender_queued_through_an_extension(void **state)
{
    int context = 100;

    (void)state;
    assert_ok(hy_connect_with(&source.events.number, &one, slot_context,
                              &(struct hy_connect_options){.flags = HY_QUEUED, .context = &context},
                              NULL));
    (void)connection_to(&one, HY_QUEUED | HY_KEEP_QUEUED);
    assert_int_equal(emit(1), 2);
    object_end(&source.hy);
    wait_drain();
    assert_true(PROBE_SAW(&one, 101, 1));
}

static void connect_all(void)
{
    assert_ok(connect(&one, HY_AUTO));
    assert_ok(hy_connect(&source.events.number, &one, probe_number_too, HY_AUTO));
    assert_ok(connect(&two, HY_AUTO));
    assert_ok(hy_connect(&source.events.nothing, &one, probe_nothing, HY_AUTO));
    assert_ok(hy_connect(&second.events.nothing, &one, probe_nothing, HY_AUTO));
}

static void test_sc20_wildcards(void **state)
{
    struct hy_signal_base *number = &source.events.number.sig;

    (void)state;
    connect_all();
    assert_int_equal(hy_signal_disconnect(number, &one.hy, NULL), 2);
    assert_int_equal(hy_signal_disconnect(number, &one.hy, NULL), 0);
    assert_int_equal(emit(1), 1);
    assert_int_equal(connect(&one, HY_AUTO), 0);
    assert_int_equal(hy_signal_disconnect(number, NULL, (hy_slot)(void (*)(void))probe_number), 2);
    connect_all();
    assert_int_equal(hy_signal_disconnect(number, NULL, NULL), 3);
    assert_false(hy_signal_is_connected(number));
    assert_int_equal(hy_signal_disconnect(NULL, NULL, NULL), 0);
}

static void test_sc20_wildcards_of_objects(void **state)
{
    (void)state;
    connect_all();
    assert_ok(hy_connect(hy_object_destroyed(&source.hy), &two, probe_nothing, HY_AUTO));
    assert_int_equal(hy_object_disconnect(&source.hy, &one.hy), 3);
    assert_int_equal(hy_object_disconnect(&source.hy, &one.hy), 0);
    assert_int_equal(emit(1), 1);
    assert_int_equal(hy_object_disconnect(NULL, &one.hy), 1);
    assert_int_equal(hy_emit0(&second.events.nothing), 0);
    assert_int_equal(hy_object_disconnect(&source.hy, NULL), 2);
    assert_int_equal(emit(2), 0);
    assert_int_equal(hy_object_disconnect(NULL, NULL), -HY_EINVAL);
    object_end(&source.hy);
    assert_int_equal(two.count, 1);
    assert_int_equal(hy_object_disconnect(&source.hy, NULL), -HY_ESHUTDOWN);
    assert_int_equal(hy_object_disconnect(&second.hy, &source.hy), -HY_ESHUTDOWN);
}

static void test_sc33_flags_that_contradict_each_other(void **state)
{
    static const unsigned wrong[] = {HY_DIRECT | HY_QUEUED,
                                     HY_DIRECT | HY_BLOCKING,
                                     HY_QUEUED | HY_BLOCKING,
                                     HY_LATEST | HY_BOUNDED,
                                     HY_DIRECT | HY_LATEST,
                                     HY_BLOCKING | HY_LATEST,
                                     HY_BOUNDED,
                                     1u << 20};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(connect(&one, wrong[i]), -HY_EINVAL);
    assert_int_equal(hy_signal_connect_with(&source.events.number.sig, NULL,
                                            (hy_slot)(void (*)(void))probe_number, 0, NULL, NULL),
                     -HY_EINVAL);
    assert_int_equal(
        hy_signal_connect_with(NULL, &one.hy, (hy_slot)(void (*)(void))probe_number, 0, NULL, NULL),
        -HY_EINVAL);
    assert_int_equal(hy_connect(&source.events.undeclared, &one, probe_number, HY_AUTO),
                     -HY_EINVAL);
    assert_int_equal(emit(1), 0);
}

/* --- blocking signals ------------------------------------------------------------------------- */

static void test_sc29_a_blocked_signal_is_silent(void **state)
{
    struct hy_signal_base *number = &source.events.number.sig;

    (void)state;
    assert_int_equal(hy_signal_block(number, false), 0); /* nothing to do, and no hub */
    assert_int_equal(hy_signal_block(number, true), 0);
    assert_int_equal(hy_signal_block(number, true), 1);
    assert_ok(connect(&one, HY_AUTO)); /* also what is connected while it is blocked */
    assert_ok(hy_connect(&source.events.nothing, &one, probe_nothing, HY_AUTO));
    assert_int_equal(emit(1), 0);
    assert_int_equal(hy_emit0(&source.events.nothing), 1);
    assert_true(hy_signal_is_connected(number));
    assert_int_equal(hy_signal_block(number, false), 1);
    assert_int_equal(hy_signal_block(number, false), 0);
    assert_int_equal(emit(2), 1);
    assert_true(PROBE_SAW(&one, -1, 2)); /* 1 is not made up for */
}

static void test_sc29_a_blocked_object_is_silent(void **state)
{
    (void)state;
    assert_ok(connect(&one, HY_AUTO));
    assert_int_equal(hy_object_block_signals(&source.hy, true), 0);
    assert_int_equal(hy_object_block_signals(&source.hy, true), 1);
    assert_ok(hy_connect(&source.events.nothing, &one, probe_nothing, HY_QUEUED));
    assert_int_equal(emit(1), 0);
    assert_int_equal(hy_emit0(&source.events.nothing), 0);
    /* Both reasons have to go; each tells of itself alone. */
    assert_int_equal(hy_signal_block(&source.events.number.sig, true), 0);
    assert_int_equal(hy_object_block_signals(&source.hy, false), 1);
    assert_int_equal(hy_object_block_signals(&source.hy, false), 0);
    assert_int_equal(emit(2), 0);
    assert_int_equal(hy_emit0(&source.events.nothing), 1);
    assert_ok(hy_signal_block(&source.events.number.sig, false));
    assert_int_equal(emit(3), 1);
    wait_drain();
    assert_true(PROBE_SAW(&one, 3, -1));
    object_end(&source.hy);
    assert_int_equal(hy_object_block_signals(&source.hy, true), -HY_ESHUTDOWN);
    assert_int_equal(hy_signal_block(&source.events.number.sig, true), -HY_EINVAL);
}

static void block_source(struct probe *self, int64_t value)
{
    (void)self;
    (void)value;
    EXPECT_INT(hy_signal_block(&source.events.number.sig, true), 0);
}

static void test_sc29_an_emission_that_has_begun_goes_on(void **state)
{
    (void)state;
    one.on_slot = block_source;
    assert_ok(connect(&one, HY_AUTO));
    assert_ok(connect(&two, HY_AUTO));
    assert_int_equal(emit(1), 2);
    assert_int_equal(emit(2), 0);
    assert_int_equal(hy_disconnect(&source.events.number, &two, probe_number), 1);
    assert_ok(hy_signal_block(&source.events.number.sig, false));
    assert_int_equal(emit(3), 1);
}

/* --- results ---------------------------------------------------------------------------------- */

static int answer_double(struct probe *self, const struct number *number)
{
    probe_note(self, number->value);
    return (int)number->value * 2;
}

static int answer_seven(struct probe *self)
{
    probe_note(self, 7);
    return 7;
}

static int answer_context(struct probe *self, const struct number *number, void *context)
{
    (void)self;
    return (int)number->value + *(int *)context;
}

static void test_results_of_direct_slots(void **state)
{
    struct number number = {4};
    int result = -1, context = 100;

    (void)state;
    assert_int_equal(hy_emit_result(&source.events.number, &number, &result), 0);
    assert_ok(connect(&one, HY_AUTO));
    assert_int_equal(hy_emit_result(&source.events.number, &number, &result), 1);
    assert_int_equal(result, -1); /* no slot returned one */
    assert_ok(hy_connect(&source.events.number, &one, answer_double, HY_AUTO));
    assert_int_equal(hy_emit_result(&source.events.number, &number, &result), 2);
    assert_int_equal(result, 8);
    assert_ok(hy_connect(&source.events.number, &one, answer_seven, HY_AUTO));
    assert_int_equal(hy_emit_result(&source.events.number, &number, &result), 3);
    assert_int_equal(result, 7); /* the last one's */
    assert_ok(hy_connect_with(&source.events.number, &one, answer_context,
                              &(struct hy_connect_options){.context = &context}, NULL));
    assert_int_equal(hy_emit_result(&source.events.number, &number, &result), 4);
    assert_int_equal(result, 104);
    assert_int_equal(emit(1), 4); /* nobody asks */
}

static void test_results_of_queued_slots_are_nobodys(void **state)
{
    struct number number = {4};
    int result = -1;

    (void)state;
    assert_ok(hy_connect(&source.events.number, &one, answer_double, HY_QUEUED));
    assert_ok(hy_connect(&source.events.number, &one, answer_double, HY_SINGLE_SHOT));
    assert_int_equal(hy_emit_result(&source.events.number, &number, &result), 2);
    assert_int_equal(result, 8);
    result = -1;
    wait_drain();
    assert_int_equal(result, -1);
    assert_true(PROBE_SAW(&one, 4, 4));
    assert_int_equal(hy_disconnect(&source.events.number, &one, answer_double), 1);
}

/* --- relays ----------------------------------------------------------------------------------- */

static void test_sc30_a_signal_is_connected_to_a_signal(void **state)
{
    struct number number = {3};
    int result = -1;

    (void)state;
    assert_ok(hy_connect_signal(&source.events.number, &second.events.number, HY_AUTO));
    assert_ok(hy_connect_signal(&source.events.nothing, &second.events.nothing, HY_QUEUED));
    assert_ok(hy_connect(&second.events.number, &one, probe_number, HY_AUTO));
    assert_ok(hy_connect(&second.events.number, &one, answer_double, HY_AUTO));
    assert_ok(hy_connect(&second.events.nothing, &two, probe_nothing, HY_AUTO));
    assert_int_equal(hy_emit_result(&source.events.number, &number, &result), 1);
    assert_int_equal(result, 6); /* a relay passes the result on */
    assert_int_equal(hy_emit0(&source.events.nothing), 1);
    wait_drain();
    assert_true(PROBE_SAW(&one, 3, 3));
    assert_true(PROBE_SAW(&two, -1));
    assert_int_equal(hy_connect_signal(&source.events.number, &second.events.number, HY_UNIQUE),
                     -HY_EEXIST);
    assert_int_equal(hy_object_disconnect(&source.hy, &second.hy), 2);
    assert_int_equal(emit(4), 0);
    assert_ok(hy_connect_signal(&source.events.number, &second.events.number, HY_AUTO));
    object_end(&second.hy);
    assert_int_equal(emit(5), 0);
}

static void test_sc30_a_relay_in_the_thread_of_its_target(void **state)
{
    struct worker worker;

    (void)state;
    assert_ok(hy_connect_signal(&source.events.number, &second.events.number, HY_AUTO));
    worker_init(&worker, "relay");
    assert_ok(hy_object_move_to_thread(&second.hy, &worker.thread));
    assert_ok(hy_connect(&second.events.number, &worker.probe, probe_number, HY_DIRECT));
    assert_ok(hy_thread_start(&worker.thread));
    for (int i = 0; i < 5; i++)
        assert_int_equal(emit(i), 1);
    assert_true(flush_there(&worker.probe.hy));
    assert_int_equal(count_get(&worker.probe.reached), 5);
    worker_stop(&worker);
    assert_true(PROBE_SAW(&worker.probe, 0, 1, 2, 3, 4));
    assert_int_equal(emit(9), 0);
    source_init(&second); /* the thread has ended it */
}

/* Rules: SC-30, QA-06. */
static void test_sc30_relays_of_different_types_are_refused(void **state)
{
    (void)state;
    assert_int_equal(
        hy_signal_connect_signal(&source.events.number.sig, &source.events.nothing.sig, HY_AUTO),
        -HY_EINVAL);
    assert_int_equal(
        hy_signal_connect_signal(&source.events.number.sig, &source.events.text.sig, HY_AUTO),
        -HY_EINVAL);
    assert_int_equal(emit(1), 0);
    assert_int_equal(hy_signal_connect_signal(&source.events.number.sig, NULL, HY_AUTO),
                     -HY_EINVAL);
    assert_int_equal(
        hy_signal_connect_signal(&source.events.number.sig, &second.events.undeclared.sig, HY_AUTO),
        -HY_EINVAL);
}

/* An emission would end with the stack; queued, never. */
static void test_sc30_a_signal_does_not_pass_on_to_itself(void **state)
{
    static const unsigned kinds[] = {HY_AUTO, HY_DIRECT, HY_QUEUED, HY_BLOCKING};

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(hy_connect_signal(&source.events.number, &source.events.number, kinds[i]),
                         -HY_EINVAL);
    assert_int_equal(emit(1), 0);
}

/* Deeper than a thread's table of walks. */
static void cut_at_fifty(struct probe *self, int64_t value)
{
    (void)value;
    if (self->count == 50)
        EXPECT_INT(hy_signal_disconnect(&second.events.number.sig, &source.hy, NULL), 1);
}

/* Rules: SC-08, SC-30. */
static void test_sc30_a_circle_of_relays_is_broken_by_a_slot(void **state)
{
    (void)state;
    one.on_slot = cut_at_fifty;
    for (int i = 1; i <= 2; i++) {
        assert_ok(hy_connect(&source.events.number, &one, probe_number, HY_AUTO));
        assert_ok(hy_connect_signal(&source.events.number, &second.events.number, HY_AUTO));
        assert_ok(hy_connect_signal(&second.events.number, &source.events.number, HY_AUTO));
        one.count = 0;
        assert_int_equal(emit(i), 2);
        assert_int_equal(one.count, 50);
        assert_int_equal(emit(i), 2);
        assert_int_equal(one.count, 51);
        assert_int_equal(hy_object_disconnect(&source.hy, NULL), 2);
    }
}

/* --- the sender ------------------------------------------------------------------------------- */

static struct hy_ref seen_sender;
static struct hy_connection seen_connection;

static void note_sender(struct probe *self)
{
    hy_ref_release(&seen_sender);
    seen_sender = hy_sender();
    seen_connection = hy_sender_connection();
    probe_note(self, hy_ref_get(seen_sender) != NULL);
}

static bool sender_was(const struct source *expected)
{
    struct hy_ref ref = hy_ref_to(&expected->hy);
    bool same = hy_ref_equal(ref, seen_sender);

    hy_ref_release(&ref);
    return same;
}

static int note_sender_context(struct probe *self, const struct number *number, void *context)
{
    (void)number;
    (void)context;
    note_sender(self);
    return 0;
}

/* Rules: SC-27. Departs: SC-28: the frame of the call knows its connection; no lock, no list. */
static void test_sc27_the_sender_is_known_inside_a_slot(void **state)
{
    static const unsigned flags[] = {HY_DIRECT,
                                     HY_QUEUED,
                                     HY_DIRECT | HY_SINGLE_SHOT,
                                     HY_QUEUED | HY_SINGLE_SHOT,
                                     HY_QUEUED | HY_KEEP_QUEUED,
                                     HY_QUEUED | HY_KEEP_QUEUED | HY_SINGLE_SHOT};

    (void)state;
    for (size_t i = 0; i < 2 * sizeof flags / sizeof flags[0]; i++) {
        struct hy_connection connection;
        const struct hy_connect_options options = {.flags = flags[i / 2]};

        if (i % 2 == 0)
            assert_ok(
                hy_connect_with(&source.events.number, &one, note_sender, &options, &connection));
        else
            assert_ok(hy_connect_with(&source.events.number, &one, note_sender_context, &options,
                                      &connection));
        assert_int_equal(emit(1), 1);
        wait_drain();
        assert_int_equal(one.count, (int)i + 1);
        assert_int_equal(one.log[i], 1);
        assert_true(sender_was(&source));
        assert_ptr_equal(seen_connection.link, connection.link);
        assert_true(seen_connection.id == connection.id);
        (void)hy_connection_disconnect(connection);
    }
    hy_ref_release(&seen_sender);
}

static void outside(struct probe *self, struct hy_event *event)
{
    (void)event;
    note_sender(self);
}

static void send_inside(struct probe *self, int64_t value)
{
    struct hy_event event = {.type = HY_EVENT_USER};

    (void)value;
    EXPECT_INT(hy_send(&two.hy, &event), 1); /* an event handler is no slot */
    EXPECT(seen_connection.link == NULL);
    note_sender(self);
}

static void test_sc27_outside_a_slot_there_is_no_sender(void **state)
{
    struct hy_ref ref = hy_sender();
    struct hy_connection connection = hy_sender_connection();

    (void)state;
    assert_null(ref.anchor);
    assert_null(connection.link);
    assert_true(connection.id == 0);
    two.on_event = outside;
    one.on_slot = send_inside;
    assert_ok(connect(&one, HY_AUTO));
    assert_int_equal(emit(5), 1);
    assert_true(PROBE_SAW(&two, HY_EVENT_USER, 0));
    assert_true(PROBE_SAW(&one, 5, 1));
    hy_ref_release(&seen_sender);
}

static void end_source(struct probe *self, int64_t value)
{
    (void)value;
    object_end(&source.hy);
    note_sender(self);
}

static void test_sc27_the_sender_reads_null_when_it_has_ended(void **state)
{
    struct hy_ref ref = hy_ref_to(&source.hy);

    (void)state;
    assert_ok(hy_connect(&source.events.number, &one, note_sender, HY_QUEUED));
    assert_ok(hy_connect(&source.events.number, &two, probe_number, HY_DIRECT));
    two.on_slot = end_source;
    assert_int_equal(emit(1), 2);
    assert_true(PROBE_SAW(&two, 1, 0));
    assert_null(hy_ref_get(seen_sender));
    wait_drain();
    assert_true(PROBE_SAW(&one, 0));
    assert_true(hy_ref_equal(ref, seen_sender)); /* it still tells whose it was */
    hy_ref_release(&ref);
    hy_ref_release(&seen_sender);
}

static void cut_then_ask(struct probe *self, int64_t value)
{
    (void)value;
    EXPECT_INT(hy_connection_disconnect(hy_sender_connection()), 1);
    note_sender(self);
}

static void test_a_slot_cuts_itself_by_its_handle(void **state)
{
    (void)state;
    one.on_slot = cut_then_ask;
    assert_ok(connect(&one, HY_AUTO));
    assert_ok(connect(&one, HY_QUEUED));
    assert_int_equal(emit(1), 2);
    assert_true(PROBE_SAW(&one, 1, 0));
    assert_null(seen_sender.anchor);
    assert_int_equal(emit(2), 1);
    wait_drain();
    assert_true(PROBE_SAW(&one, 1, 0, 1, 0)); /* the other queued call was taken back */
    hy_ref_release(&seen_sender);
}

/* --- payloads --------------------------------------------------------------------------------- */

/* When connecting, not when emitting. Rules: QA-05. */
static void test_qa05_auto_to_a_borrowed_payload_is_refused(void **state)
{
    struct view view = {"abc"};

    (void)state;
    assert_int_equal(hy_connect(&source.events.view, &one, probe_view, HY_AUTO), -HY_EBORROWED);
    assert_int_equal(hy_connect(&source.events.view, &one, probe_view, HY_QUEUED | HY_KEEP_QUEUED),
                     -HY_EBORROWED);
    assert_int_equal(hy_connect_signal(&source.events.view, &second.events.view, HY_AUTO),
                     -HY_EBORROWED);
    assert_ok(hy_connect_signal(&source.events.view, &second.events.view, HY_DIRECT));
    assert_ok(hy_connect(&second.events.view, &one, probe_view, HY_DIRECT));
    assert_int_equal(hy_emit(&source.events.view, &view), 1);
    assert_true(PROBE_SAW(&one, 3));
}

struct tricky {
    int what;
};

struct tricky_source {
    HY_INHERITS(hy_object);
    hy_signal(struct tricky) tricky;
};

static struct tricky_source tricky_source;
static int tricky_copies;

static void slot_tricky(struct probe *self, const struct tricky *tricky)
{
    probe_note(self, tricky->what);
}

/* User code that changes the very connection it is copied for. */
static int tricky_copy(void *to, const void *from)
{
    *(struct tricky *)to = *(const struct tricky *)from;
    tricky_copies++;
    EXPECT_INT(hy_connect(&tricky_source.tricky, &two, slot_tricky, HY_DIRECT), 0);
    EXPECT_INT(emit(77), 0);
    if (((const struct tricky *)from)->what == 1)
        EXPECT_INT(hy_disconnect(&tricky_source.tricky, &one, slot_tricky), 1);
    EXPECT_INT(hy_disconnect(&tricky_source.tricky, &two, slot_tricky), 1);
    return 0;
}

static void tricky_destroy(void *payload)
{
    (void)payload;
    tricky_copies--;
    EXPECT_INT(emit(78), 0);
}

static const struct hy_class tricky_class = HY_CLASS(
    struct tricky_source,
    .signals = HY_SIGNALS(HY_DESCRIBED(struct tricky_source, tricky, tricky_copy, tricky_destroy)));

static void test_qa07_copying_runs_under_no_lock(void **state)
{
    (void)state;
    assert_ok(hy_object_init(&tricky_source.hy, &tricky_class, NULL));
    assert_ok(hy_connect(&tricky_source.tricky, &one, slot_tricky, HY_QUEUED));
    assert_true(hy_emit_with(&tricky_source.tricky, .what = 2) == 1);
    assert_true(hy_emit_with(&tricky_source.tricky, .what = 1) >= 0); /* cut while it was copied */
    wait_drain();
    assert_int_equal(one.count, 0); /* the cut took both back */
    assert_int_equal(tricky_copies, 0);
    object_end(&tricky_source.hy);
}

typedef struct number number_alias;

static void slot_alias(struct probe *self, const number_alias *number)
{
    probe_note(self, number->value);
}

/* The compiler compares types, the description is found by its address; no name is looked up.
 * Rules: QA-08. */
static void test_qa08_an_alias_is_the_same_type(void **state)
{
    (void)state;
    assert_ok(hy_connect(&source.events.number, &one, slot_alias, HY_QUEUED));
    assert_int_equal(emit(6), 1);
    wait_drain();
    assert_true(PROBE_SAW(&one, 6));
    assert_ptr_equal(hy_object_signal(&source.hy, "number")->spec, &source_class.signals[0]);
}

struct counted {
    int refs, value;
};

struct counted_handle {
    struct counted *counted;
};

struct counted_source {
    HY_INHERITS(hy_object);
    hy_signal(struct counted_handle) handle;
};

static int counted_copy(void *to, const void *from)
{
    const struct counted_handle *handle = from;

    (void)count_up(&handle->counted->refs);
    *(struct counted_handle *)to = *handle;
    return 0;
}

static void counted_destroy(void *payload)
{
    struct counted_handle *handle = payload;

    if (__atomic_sub_fetch(&handle->counted->refs, 1, __ATOMIC_ACQ_REL) == 0)
        hy_memory_release(handle->counted);
}

static const struct hy_class counted_class = HY_CLASS(
    struct counted_source, .signals = HY_SIGNALS(HY_DESCRIBED(struct counted_source, handle,
                                                              counted_copy, counted_destroy)));

static void slot_counted(struct probe *self, const struct counted_handle *handle)
{
    probe_note(self, handle->counted->value);
}

/* A payload may be a counted handle, which keeps what it points to. What is borrowed is direct
 * only: QA-05. Rules: QA-09. */
static void test_qa09_a_counted_handle_keeps_its_object(void **state)
{
    struct counted_source sender;
    struct counted *counted = hy_memory_allocate(sizeof *counted);
    struct counted_handle handle = {counted};
    long blocks = allocator_blocks();

    (void)state;
    *counted = (struct counted){1, 42};
    assert_ok(hy_object_init(&sender.hy, &counted_class, NULL));
    assert_ok(hy_connect(&sender.handle, &one, slot_counted, HY_QUEUED));
    assert_ok(hy_connect(&sender.handle, &two, slot_counted, HY_QUEUED | HY_KEEP_QUEUED));
    assert_int_equal(hy_emit(&sender.handle, &handle), 2);
    counted_destroy(&handle); /* the emitter lets go first */
    assert_int_equal(counted->refs, 2);
    wait_drain();
    assert_true(PROBE_SAW(&one, 42));
    assert_true(PROBE_SAW(&two, 42));
    object_end(&sender.hy);
    assert_true(allocator_blocks() <= blocks + 3); /* a slab and its kin, but not the object */
}

/* --- names ------------------------------------------------------------------------------------ */

static void test_signals_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(hy_object_signal(&source.hy, "events.number"), &source.events.number.sig);
    assert_ptr_equal(hy_object_signal(&source.hy, "number"), &source.events.number.sig);
    assert_ptr_equal(hy_object_signal(&source.hy, "nothing"), &source.events.nothing.sig);
    assert_ptr_equal(hy_object_signal(&source.hy, "destroyed"),
                     &hy_object_destroyed(&source.hy)->sig);
    assert_null(hy_object_signal(&source.hy, "undeclared"));
    assert_null(hy_object_signal(&source.hy, "events."));
    assert_null(hy_object_signal(&source.hy, ""));
    assert_null(hy_object_signal(&source.hy, NULL));
    assert_null(hy_object_signal(NULL, "number"));
    assert_ok(hy_signal_connect_with(hy_object_signal(&source.hy, "number"), &one.hy,
                                     (hy_slot)(void (*)(void))probe_number, 0, NULL, NULL));
    assert_int_equal(emit(8), 1);
    object_end(&source.hy);
    assert_null(hy_object_signal(&source.hy, "number"));
    assert_null(hy_object_destroyed(&source.hy));
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_sc19_a_handle_tells_and_cuts_once),
        CASE(test_sc19_an_old_handle_does_not_reach_its_successor),
        CASE(test_sc22_a_handle_outlives_both_ends),
        CASE(test_sc17_the_handle_of_a_single_shot_is_gone_at_once),
        CASE(test_sc16_a_single_shot_that_could_not_be_queued_has_not_fired),
        CASE(test_sc36_a_handle_takes_a_queued_single_shot_back),
        CASE(test_sc21_a_handle_cuts_one_of_several),
        CASE(test_a_blocked_connection_is_passed_by),
        CASE(test_sc14_unique_is_refused_the_second_time),
        CASE(test_sc14_unique_does_not_count_a_spent_single_shot),
        CASE(test_sc15_unique_compares_the_context),
        CASE(test_sc36_kept_calls_outlive_the_cut),
        CASE(test_sc37_kept_calls_do_not_outlive_their_receiver),
        CASE(test_what_a_dead_sender_queued_through_an_extension),
        CASE(test_sc20_wildcards),
        CASE(test_sc20_wildcards_of_objects),
        CASE(test_sc33_flags_that_contradict_each_other),
        CASE(test_sc29_a_blocked_signal_is_silent),
        CASE(test_sc29_a_blocked_object_is_silent),
        CASE(test_sc29_an_emission_that_has_begun_goes_on),
        CASE(test_results_of_direct_slots),
        CASE(test_results_of_queued_slots_are_nobodys),
        CASE(test_sc30_a_signal_is_connected_to_a_signal),
        CASE(test_sc30_a_relay_in_the_thread_of_its_target),
        CASE(test_sc30_relays_of_different_types_are_refused),
        CASE(test_sc30_a_signal_does_not_pass_on_to_itself),
        CASE(test_sc30_a_circle_of_relays_is_broken_by_a_slot),
        CASE(test_sc27_the_sender_is_known_inside_a_slot),
        CASE(test_sc27_outside_a_slot_there_is_no_sender),
        CASE(test_sc27_the_sender_reads_null_when_it_has_ended),
        CASE(test_a_slot_cuts_itself_by_its_handle),
        CASE(test_qa05_auto_to_a_borrowed_payload_is_refused),
        CASE(test_qa07_copying_runs_under_no_lock),
        CASE(test_qa08_an_alias_is_the_same_type),
        CASE(test_qa09_a_counted_handle_keeps_its_object),
        CASE(test_signals_by_name),
    };

    allocator_install();
    return cmocka_run_group_tests_name("connection", tests, NULL, NULL);
}
