/* SPDX-License-Identifier: MIT */
/* Queued delivery: kinds of connection, payloads and their balance, cancelling. Rules SC, QA. */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/worker.h"

#include <string.h>

static struct source source;
static struct probe here;

static int setup(void **state)
{
    source_init(&source);
    probe_init(&here, NULL);
    return check_setup(state);
}

static int teardown(void **state)
{
    object_end(&source.hy);
    object_end(&here.hy);
    EXPECT_INT(text_copies(), 0); /* QA-02, in every case */
    text_fail_after(-1);
    return check_teardown(state);
}

static int emit(int64_t value)
{
    return hy_emit_with(&source.events.number, .value = value);
}

static int emit_text(const char *bytes)
{
    char copy[64];
    struct text text = {copy};

    (void)snprintf(copy, sizeof copy, "%s", bytes);
    return hy_emit(&source.events.text, &text);
}

/* --- kinds ------------------------------------------------------------------------------------ */

static void emit_five(void *context)
{
    (void)context;
    EXPECT_INT(emit(5), 1);
}

/* The receiver lives in the emitting thread, the sender does not. */
static void emit_six_directly(void *context)
{
    (void)context;
    EXPECT_INT(emit(6), 1);
    EXPECT(here.count > 0 && here.log[here.count - 1] == 6); /* before hy_emit() returned */
}

static void test_sc09_auto_is_judged_at_each_emission(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "worker");
    assert_ok(hy_connect(&source.events.number, &here, probe_number, HY_AUTO));
    assert_int_equal(emit(1), 1);
    assert_true(PROBE_SAW(&here, 1)); /* same thread: direct */
    run_there(&worker.probe.hy, emit_five, NULL);
    assert_true(PROBE_SAW(&here, 1)); /* another thread emits: queued */
    assert_int_equal(emit(2), 1);
    assert_true(PROBE_SAW(&here, 1, 2));
    wait_drain();
    assert_true(PROBE_SAW(&here, 1, 2, 5));
    /* The receiver moves: the same connection is queued now. */
    assert_ok(hy_object_move_to_thread(&here.hy, &worker.thread));
    assert_int_equal(emit(3), 1);
    flush_there(&here.hy);
    run_there(&worker.probe.hy, emit_six_directly, NULL);
    worker_stop(&worker); /* the object ended with its thread */
    assert_true(PROBE_SAW(&here, 1, 2, 5, 3, 6));
}

static void note_thread(struct probe *self, const struct number *number)
{
    (void)number;
    __atomic_store_n((struct hy_thread **)self->context, hy_thread_current(), __ATOMIC_RELAXED);
}

static void test_sc09_direct_runs_in_the_emitting_thread(void **state)
{
    struct worker worker;
    struct hy_thread *ran_in = NULL;

    (void)state;
    here.context = &ran_in;
    worker_start(&worker, "worker");
    assert_ok(hy_connect(&source.events.number, &here, note_thread, HY_DIRECT));
    run_there(&worker.probe.hy, emit_five, NULL);
    assert_ptr_equal(__atomic_load_n(&ran_in, __ATOMIC_RELAXED), &worker.thread);
    worker_stop(&worker);
}

/* Rules: SC-09. */
static void test_queued_is_never_direct(void **state)
{
    (void)state;
    assert_ok(hy_connect(&source.events.number, &here, probe_number, HY_QUEUED));
    assert_int_equal(emit(1), 1);
    assert_int_equal(emit(2), 1);
    assert_int_equal(here.count, 0);
    wait_drain();
    assert_true(PROBE_SAW(&here, 1, 2));
}

static void test_queued_and_posted_keep_their_order(void **state)
{
    (void)state;
    assert_ok(hy_connect(&source.events.number, &here, probe_number, HY_QUEUED));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(emit(i), 1);
        assert_ok(hy_post(&here.hy, HY_EVENT_USER + (uint32_t)i, NULL, 0, HY_PRIORITY_NORMAL));
    }
    wait_drain();
    assert_true(PROBE_SAW(&here, 0, 1000, 1, 1001, 2, 1002, 3, 1003, 4, 1004));
}

static void test_large_payloads_spill(void **state)
{
    struct blob {
        unsigned char bytes[9000];
    };
    struct hy_object *object = NULL;

    (void)state;
    (void)object;
    /* An event of any size is copied whole. */
    for (size_t size = 0; size <= sizeof(struct blob); size = size * 2 + 1) {
        static struct blob blob;

        memset(&blob, (int)(size & 0xff), sizeof blob);
        assert_ok(hy_post(&here.hy, HY_EVENT_USER, &blob, size, HY_PRIORITY_NORMAL));
        memset(&blob, 0, sizeof blob);
    }
    wait_drain();
    assert_true(here.count >= 13);
}

/* --- payloads --------------------------------------------------------------------------------- */

static void test_qa01_the_payload_is_copied_when_emitted(void **state)
{
    struct number number = {1};

    (void)state;
    assert_ok(hy_connect(&source.events.number, &here, probe_number, HY_QUEUED));
    assert_int_equal(hy_emit(&source.events.number, &number), 1);
    number.value = 2;
    wait_drain();
    assert_true(PROBE_SAW(&here, 1));
}

/* While the receiver's thread stands still, and before the emission returns. */
static void emit_and_change(void *context)
{
    int made = text_copies_made();

    (void)context;
    EXPECT_INT(emit_text("seven77"), 1); /* which forgets the bytes */
    EXPECT_INT(text_copies_made(), made + 1);
}

static void test_qa01_it_is_copied_in_the_emitting_thread(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "emitter");
    assert_ok(hy_connect(&source.events.text, &here, probe_text, HY_AUTO));
    run_there(&worker.probe.hy, emit_and_change, NULL);
    worker_stop(&worker);
    wait_drain();
    assert_true(PROBE_SAW(&here, 7));
}

static void test_qa02_copies_and_destructions_balance(void **state)
{
    int made = text_copies_made();

    (void)state;
    assert_ok(hy_connect(&source.events.text, &here, probe_text, HY_DIRECT));
    assert_int_equal(emit_text("four"), 1);
    assert_int_equal(text_copies_made(), made); /* direct: no copy */
    assert_ok(hy_connect(&source.events.text, &here, probe_text, HY_QUEUED));
    assert_ok(hy_connect(&source.events.text, &here, probe_text, HY_QUEUED));
    assert_int_equal(emit_text("seven77"), 3);
    assert_int_equal(text_copies(), 2);
    wait_drain();
    assert_int_equal(text_copies(), 0);
    assert_true(PROBE_SAW(&here, 4, 7, 7, 7));
}

static void test_sc37_receiver_death_frees_the_arguments(void **state)
{
    (void)state;
    assert_ok(hy_connect(&source.events.text, &here, probe_text, HY_QUEUED));
    for (int i = 0; i < 100; i++)
        assert_int_equal(emit_text("x"), 1);
    object_end(&here.hy);
    wait_drain();
    assert_int_equal(text_copies(), 0);
    assert_int_equal(here.count, 0);
}

static void test_slot_without_payload_copies_nothing_it_does_not_free(void **state)
{
    (void)state;
    assert_ok(hy_connect(&source.events.text, &here, probe_nothing, HY_QUEUED));
    assert_int_equal(emit_text("x"), 1);
    wait_drain();
    assert_true(PROBE_SAW(&here, -1));
    assert_int_equal(text_copies(), 0);
}

static void block_until_told(void *context)
{
    struct gate *gates = context;

    gate_open(&gates[0]);
    gate_wait(&gates[1]);
}

static const struct hy_payload gates_payload = HY_PLAIN_PAYLOAD(struct gate *);

static void block_invoked(struct hy_object *receiver, const void *payload)
{
    (void)receiver;
    block_until_told(*(struct gate *const *)payload);
}

static void thread_end_with_queued(enum hy_finish_policy policy, int delivered)
{
    struct worker worker;
    struct gate gates[2], *pointer = gates;

    gate_init(&gates[0]);
    gate_init(&gates[1]);
    worker_init(&worker, "ends");
    hy_thread_set_finish_policy(&worker.thread, policy);
    assert_ok(hy_thread_start(&worker.thread));
    assert_ok(hy_connect(&source.events.text, &worker.probe, probe_text, HY_AUTO));
    assert_ok(hy_invoke(&worker.probe.hy, block_invoked, &gates_payload, &pointer));
    gate_wait(&gates[0]); /* it stands in a handler */
    for (int i = 0; i < 10; i++)
        assert_int_equal(emit_text("ten"), 1);
    assert_int_equal(text_copies(), 10);
    hy_thread_quit(&worker.thread, 0);
    gate_open(&gates[1]);
    worker_stop(&worker);
    assert_int_equal(worker.probe.count, delivered);
    gate_fini(&gates[0]);
    gate_fini(&gates[1]);
    if (policy == HY_FINISH_KEEP) /* nobody else did */
        object_end(&worker.probe.hy);
}

static void test_qa02_thread_end_drains_the_payloads(void **state)
{
    (void)state;
    thread_end_with_queued(HY_FINISH_DRAIN, 10);
}

static void test_qa02_thread_end_discards_the_payloads(void **state)
{
    (void)state;
    thread_end_with_queued(HY_FINISH_DISCARD, 0);
}

static void test_qa02_thread_end_keeps_the_payloads_until_the_object_ends(void **state)
{
    (void)state;
    thread_end_with_queued(HY_FINISH_KEEP, 0);
}

static void test_failed_copy_serves_the_others(void **state)
{
    struct probe other;

    (void)state;
    probe_init(&other, NULL);
    assert_ok(hy_connect(&source.events.text, &here, probe_text, HY_QUEUED));
    assert_ok(hy_connect(&source.events.text, &other, probe_text, HY_QUEUED));
    assert_ok(hy_connect(&source.events.text, &other, probe_text, HY_DIRECT));
    text_fail_after(1);
    assert_int_equal(emit_text("abc"), -HY_ENOMEM);
    text_fail_after(-1);
    wait_drain();
    assert_true(PROBE_SAW(&here, 3));
    assert_true(PROBE_SAW(&other, 3)); /* its direct connection only */
    object_end(&other.hy);
}

static void test_oom_while_queueing_frees_the_copy(void **state)
{
    (void)state;
    assert_ok(hy_connect(&source.events.text, &here, probe_text, HY_QUEUED));
    assert_int_equal(emit_text("warm"), 1);
    wait_drain();
    for (int i = 0; i < 400; i++) { /* more than any slab of cells */
        int rc;

        allocator_fail_at(1);
        rc = emit_text("cold");
        if (rc != 1)
            assert_int_equal(rc, -HY_ENOMEM);
        if (allocator_has_failed())
            break;
    }
    allocator_fail_at(0);
    wait_drain();
    assert_int_equal(text_copies(), 0);
}

/* Rules: QA-04, QA-05. */
static void test_qa04_borrowed_is_refused_at_connect(void **state)
{
    (void)state;
    assert_int_equal(hy_connect(&source.events.view, &here, probe_view, HY_AUTO), -HY_EBORROWED);
    assert_int_equal(hy_connect(&source.events.view, &here, probe_view, HY_QUEUED), -HY_EBORROWED);
    assert_int_equal(hy_connect(&source.events.view, &here, probe_view, HY_QUEUED | HY_SINGLE_SHOT),
                     -HY_EBORROWED);
    assert_int_equal(hy_last_error()->code, HY_EBORROWED);
    assert_false(hy_signal_is_connected(&source.events.view.sig));
    assert_ok(hy_connect(&source.events.view, &here, probe_view, HY_DIRECT));
    assert_int_equal(hy_emit_with(&source.events.view, .bytes = "sea"), 1);
    assert_true(PROBE_SAW(&here, 3));
}

/* --- cancelling ------------------------------------------------------------------------------- */

static void test_sc36_a_cut_cancels_what_was_queued(void **state)
{
    (void)state;
    assert_ok(hy_connect(&source.events.text, &here, probe_text, HY_QUEUED));
    assert_ok(hy_connect(&source.events.number, &here, probe_number, HY_QUEUED));
    assert_int_equal(emit_text("abc"), 1);
    assert_int_equal(emit(1), 1);
    assert_int_equal(hy_disconnect(&source.events.text, &here, probe_text), 1);
    wait_drain();
    assert_true(PROBE_SAW(&here, 1));
    assert_int_equal(text_copies(), 0);
}

static void test_sc36_a_remade_connection_does_not_get_the_old_ones(void **state)
{
    (void)state;
    /* Often enough that the memory of the first ones is used again. */
    for (int i = 0; i < 200; i++) {
        assert_ok(hy_connect(&source.events.number, &here, probe_number, HY_QUEUED));
        assert_int_equal(emit(i), 1);
        assert_int_equal(hy_disconnect(&source.events.number, &here, probe_number), 1);
    }
    assert_ok(hy_connect(&source.events.number, &here, probe_number, HY_QUEUED));
    assert_int_equal(emit(1000), 1);
    wait_drain();
    assert_true(PROBE_SAW(&here, 1000));
}

static void cut_in_slot(struct probe *self, int64_t value)
{
    (void)value;
    EXPECT_INT(hy_disconnect(&source.events.number, self, probe_number), 1);
}

static void test_sc36_a_cut_in_the_slot_cancels_the_rest(void **state)
{
    (void)state;
    here.on_slot = cut_in_slot;
    assert_ok(hy_connect(&source.events.number, &here, probe_number, HY_QUEUED));
    for (int i = 0; i < 5; i++)
        assert_int_equal(emit(i), 1);
    wait_drain();
    assert_true(PROBE_SAW(&here, 0));
}

/* --- the sender's end ---------------------------------------------------------------------------
 */

static void emit_and_end(struct probe *receiver, unsigned flags)
{
    struct source sender;
    char bytes[] = "abc";
    struct text text = {bytes};

    source_init(&sender);
    EXPECT_INT(hy_connect(&sender.events.text, receiver, probe_text, flags), 0);
    EXPECT_INT(hy_emit(&sender.events.text, &text), 1);
    object_end(&sender.hy);
}

static void test_what_a_dead_sender_queued_is_delivered(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        emit_and_end(&here, i % 2 ? HY_QUEUED : HY_QUEUED | HY_SINGLE_SHOT);
    assert_int_equal(text_copies(), 5);
    wait_drain();
    assert_true(PROBE_SAW(&here, 3, 3, 3, 3, 3));
}

static void test_the_receiver_ends_after_a_sender_that_queued(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        emit_and_end(&here, HY_QUEUED);
    object_end(&here.hy);
    wait_drain();
    assert_int_equal(here.count, 0);
}

static void test_many_receivers_of_a_dead_sender(void **state)
{
    enum {
        MANY = 50
    };
    static struct probe probes[MANY];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        probe_init(&probes[i], NULL);
        assert_ok(hy_connect(&source.events.number, &probes[i], probe_number,
                             i % 3 ? HY_QUEUED : HY_DIRECT));
    }
    assert_int_equal(emit(4), MANY);
    for (int i = 0; i < MANY; i += 7)
        object_end(&probes[i].hy);
    object_end(&source.hy);
    for (int i = 1; i < MANY; i += 7)
        object_end(&probes[i].hy);
    wait_drain();
    for (int i = 0; i < MANY; i++) {
        bool is_direct = i % 3 == 0, has_ended = i % 7 < 2;

        assert_int_equal(probes[i].count, is_direct || !has_ended);
        object_end(&probes[i].hy);
    }
}

static void emit_and_end_there(void *context)
{
    emit_and_end(context, HY_AUTO);
}

static void test_a_sender_ends_in_another_thread_and_the_receiver_moves(void **state)
{
    struct worker one, two;

    (void)state;
    worker_start(&one, "sender");
    worker_start(&two, "new home");
    for (int i = 0; i < 3; i++)
        run_there(&one.probe.hy, emit_and_end_there, &here);
    assert_ok(hy_object_move_to_thread(&here.hy, &two.thread));
    for (int i = 0; i < 3; i++)
        run_there(&one.probe.hy, emit_and_end_there, &here);
    flush_there(&here.hy);
    worker_stop(&one);
    worker_stop(&two);
    assert_true(PROBE_SAW(&here, 3, 3, 3, 3, 3, 3));
}

static void end_the_sender(struct probe *self, int64_t value)
{
    (void)self;
    (void)value;
    object_end(&source.hy);
}

static void test_the_slot_of_a_queued_call_ends_the_sender(void **state)
{
    (void)state;
    here.on_slot = end_the_sender;
    assert_ok(hy_connect(&source.events.number, &here, probe_number, HY_QUEUED));
    assert_int_equal(emit(1), 1);
    assert_int_equal(emit(2), 1);
    wait_drain();
    assert_true(PROBE_SAW(&here, 1, 2));
}

static void emit_once_more(struct probe *self, int64_t value)
{
    if (value == 1)
        EXPECT_INT(emit(2), 1);
    EXPECT_INT(self->count, value); /* not called from in here */
}

static void test_post_to_oneself_in_a_slot_comes_later(void **state)
{
    (void)state;
    here.on_slot = emit_once_more;
    assert_ok(hy_connect(&source.events.number, &here, probe_number, HY_QUEUED));
    assert_int_equal(emit(1), 1);
    assert_int_equal(hy_process(0, HY_FOREVER), 1);
    assert_true(PROBE_SAW(&here, 1));
    assert_int_equal(hy_process(0, HY_FOREVER), 1); /* in the next pass */
    assert_true(PROBE_SAW(&here, 1, 2));
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_sc09_auto_is_judged_at_each_emission),
        CASE(test_sc09_direct_runs_in_the_emitting_thread),
        CASE(test_queued_is_never_direct),
        CASE(test_queued_and_posted_keep_their_order),
        CASE(test_large_payloads_spill),
        CASE(test_qa01_the_payload_is_copied_when_emitted),
        CASE(test_qa01_it_is_copied_in_the_emitting_thread),
        CASE(test_qa02_copies_and_destructions_balance),
        CASE(test_sc37_receiver_death_frees_the_arguments),
        CASE(test_slot_without_payload_copies_nothing_it_does_not_free),
        CASE(test_qa02_thread_end_drains_the_payloads),
        CASE(test_qa02_thread_end_discards_the_payloads),
        CASE(test_qa02_thread_end_keeps_the_payloads_until_the_object_ends),
        CASE(test_failed_copy_serves_the_others),
        CASE(test_oom_while_queueing_frees_the_copy),
        CASE(test_qa04_borrowed_is_refused_at_connect),
        CASE(test_sc36_a_cut_cancels_what_was_queued),
        CASE(test_sc36_a_remade_connection_does_not_get_the_old_ones),
        CASE(test_sc36_a_cut_in_the_slot_cancels_the_rest),
        CASE(test_what_a_dead_sender_queued_is_delivered),
        CASE(test_the_receiver_ends_after_a_sender_that_queued),
        CASE(test_many_receivers_of_a_dead_sender),
        CASE(test_a_sender_ends_in_another_thread_and_the_receiver_moves),
        CASE(test_the_slot_of_a_queued_call_ends_the_sender),
        CASE(test_post_to_oneself_in_a_slot_comes_later),
    };

    allocator_install();
    return cmocka_run_group_tests_name("queued", tests, NULL, NULL);
}
