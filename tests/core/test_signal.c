/* SPDX-License-Identifier: MIT */
/* Signals: order, changes during an emission, ends of sender and receiver. Rules SC. */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"

static struct source source;
static struct probe one, two;

static int setup(void **state)
{
    source_init(&source);
    probe_init(&one, NULL);
    probe_init(&two, NULL);
    return check_setup(state);
}

static int teardown(void **state)
{
    object_end(&source.hy);
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

static int cut(struct probe *probe)
{
    return hy_disconnect(&source.events.number, probe, probe_number);
}

/* --- order and forms -------------------------------------------------------------------------- */

static int64_t call_order[8];
static int calls;

static void order_a(struct probe *self, const struct number *number)
{
    call_order[calls++] = (self == &one ? 110 : 210) + number->value;
}

static void order_b(struct probe *self, const struct number *number)
{
    call_order[calls++] = (self == &one ? 120 : 220) + number->value;
}

static void test_sc01_slots_run_in_connection_order(void **state)
{
    (void)state;
    calls = 0;
    assert_ok(hy_connect(&source.events.number, &one, order_b, HY_AUTO));
    assert_ok(hy_connect(&source.events.number, &two, order_a, HY_DIRECT));
    assert_ok(hy_connect(&source.events.number, &one, order_a, HY_AUTO));
    assert_int_equal(emit(1), 3);
    assert_int_equal(calls, 3);
    assert_int_equal(call_order[0], 121);
    assert_int_equal(call_order[1], 211);
    assert_int_equal(call_order[2], 111);
}

static void test_forms_of_emission(void **state)
{
    struct number number = {4};
    const struct number constant = {5};

    (void)state;
    assert_ok(connect(&one, HY_AUTO));
    assert_int_equal(hy_emit(&source.events.number, &number), 1);
    assert_int_equal(hy_emit(&source.events.number, &constant), 1);
    assert_int_equal(hy_emit(&source.events.number, &(struct number){6}), 1);
    assert_int_equal(hy_emit_with(&source.events.number, .value = 7), 1);
    assert_int_equal(hy_signal_emit(&source.events.number.sig, &constant), 1);
    assert_true(PROBE_SAW(&one, 4, 5, 6, 7, 5));
    assert_ok(hy_connect(&source.events.nothing, &two, probe_nothing, HY_AUTO));
    assert_int_equal(hy_emit0(&source.events.nothing), 1);
    assert_true(PROBE_SAW(&two, -1));
}

/* Other types are refused by the compiler: the cases in compile_fail; where they are known at run
 * time only, as in a relay, when connecting: test_sc30_relays_of_different_types_are_refused. */
static void test_qa06_a_slot_may_leave_the_payload(void **state)
{
    (void)state;
    assert_ok(hy_connect(&source.events.number, &one, probe_nothing, HY_AUTO));
    assert_ok(hy_connect(&source.events.number, &one, probe_nothing, HY_QUEUED));
    assert_int_equal(emit(3), 2);
    assert_true(PROBE_SAW(&one, -1));
    wait_drain();
    assert_true(PROBE_SAW(&one, -1, -1));
    assert_int_equal(hy_disconnect(&source.events.number, &one, probe_nothing), 2);
}

static void test_a_finished_receiver_has_nothing_to_disconnect(void **state)
{
    struct probe gone;

    (void)state;
    probe_init(&gone, NULL);
    assert_ok(hy_connect(&source.events.number, &gone, probe_number, HY_AUTO));
    object_end(&gone.hy);
    assert_int_equal(hy_disconnect(&source.events.number, &gone, probe_number), 0);
}

static void test_a_plain_connect_may_duplicate(void **state)
{
    (void)state;
    assert_ok(connect(&one, HY_AUTO));
    assert_ok(connect(&one, HY_AUTO));
    assert_int_equal(emit(1), 2);
    assert_int_equal(cut(&one), 2);
    assert_int_equal(cut(&one), 0);
    assert_int_equal(emit(2), 0);
    assert_true(PROBE_SAW(&one, 1, 1));
}

static void test_sc33_nonsense_is_refused(void **state)
{
    (void)state;
    assert_int_equal(
        hy_signal_connect(NULL, &one.hy, (hy_slot)(void (*)(void))probe_number, HY_AUTO),
        -HY_EINVAL);
    assert_int_equal(hy_signal_connect(&source.events.number.sig, NULL,
                                       (hy_slot)(void (*)(void))probe_number, HY_AUTO),
                     -HY_EINVAL);
    assert_int_equal(hy_signal_connect(&source.events.number.sig, &one.hy, NULL, HY_AUTO),
                     -HY_EINVAL);
    assert_int_equal(connect(&one, HY_DIRECT | HY_QUEUED), -HY_EINVAL);
    assert_int_equal(hy_connect(&source.events.undeclared, &one, probe_number, HY_AUTO),
                     -HY_EINVAL);
    assert_false(hy_signal_is_connected(&source.events.number.sig));
    assert_int_equal(emit(1), 0);
}

static void test_sc34_an_unconnected_signal_has_no_hub(void **state)
{
    long requests = allocator_requests();

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(emit(i), 0);
    assert_null(source.events.number.sig.hub); /* so an emission reads this word, and is done */
    assert_int_equal(allocator_requests(), requests);
    assert_ok(connect(&one, HY_AUTO));
    assert_int_equal(cut(&one), 1);
    requests = allocator_requests();
    for (int i = 0; i < 100; i++) /* nobody listens any more */
        assert_int_equal(emit(i), 0);
    assert_int_equal(allocator_requests(), requests);
    assert_int_equal(one.count, 0);
}

/* --- changes during an emission --------------------------------------------------------------- */

static void connect_two(struct probe *self, int64_t value)
{
    (void)self;
    if (value == 1)
        EXPECT_INT(connect(&two, HY_AUTO), 0);
}

static void test_sc02_connected_during_the_emission(void **state)
{
    (void)state;
    one.on_slot = connect_two;
    assert_ok(connect(&one, HY_AUTO));
    assert_int_equal(emit(1), 1);
    assert_int_equal(two.count, 0);
    assert_int_equal(emit(2), 2);
    assert_true(PROBE_SAW(&two, 2));
}

static void cut_two(struct probe *self, int64_t value)
{
    (void)self;
    (void)value;
    EXPECT_INT(cut(&two), 1);
}

static void test_sc03_cut_during_the_emission(void **state)
{
    (void)state;
    one.on_slot = cut_two;
    assert_ok(connect(&one, HY_AUTO));
    assert_ok(connect(&two, HY_AUTO));
    assert_int_equal(emit(1), 1);
    assert_int_equal(two.count, 0);
}

static void remake_two(struct probe *self, int64_t value)
{
    (void)self;
    if (value == 1) {
        EXPECT_INT(cut(&two), 1);
        EXPECT_INT(connect(&two, HY_AUTO), 0);
    }
}

static void test_sc04_cut_and_remade_moves_to_the_end(void **state)
{
    (void)state;
    one.on_slot = remake_two;
    assert_ok(connect(&one, HY_AUTO));
    assert_ok(connect(&two, HY_AUTO));
    assert_ok(hy_connect(&source.events.number, &two, probe_number_too, HY_AUTO));
    assert_int_equal(emit(1), 2);
    assert_true(PROBE_SAW(&two, 1001));
    assert_int_equal(emit(2), 3);
    assert_true(PROBE_SAW(&two, 1001, 1002, 2));
}

static void cut_self(struct probe *self, int64_t value)
{
    EXPECT_INT(cut(self), 1);
    if (value > 0) { /* recursively: nobody is connected any more */
        EXPECT_INT(emit(value - 1), 0);
        EXPECT_INT(connect(self, HY_AUTO), 0);
        EXPECT_INT(emit(value - 1), 1);
        EXPECT(!hy_signal_is_connected(&source.events.number.sig));
    }
}

static void test_sc05_a_slot_cuts_itself_recursively(void **state)
{
    (void)state;
    one.on_slot = cut_self;
    assert_ok(connect(&one, HY_AUTO));
    assert_int_equal(emit(3), 1);
    assert_true(PROBE_SAW(&one, 3, 2, 1, 0));
    object_end(&one.hy); /* right after */
    assert_int_equal(emit(4), 0);
}

static void end_receiver(struct probe *self, int64_t value)
{
    (void)value;
    EXPECT_INT(hy_object_fini(&self->hy), 0);
}

static void test_sc06_a_slot_ends_its_receiver(void **state)
{
    (void)state;
    one.on_slot = end_receiver;
    assert_ok(connect(&one, HY_AUTO));
    assert_ok(connect(&one, HY_AUTO)); /* must not run */
    assert_ok(connect(&two, HY_AUTO));
    assert_int_equal(emit(1), 2);
    assert_int_equal(one.count, 1);
    assert_int_equal(two.count, 1);
}

static void destroy_receiver(struct probe *self, int64_t value)
{
    (void)value;
    EXPECT_INT(hy_object_destroy(&self->hy), 0);
}

static void test_sc06_a_slot_destroys_its_heap_receiver(void **state)
{
    struct probe *heap = probe_create(NULL);

    (void)state;
    heap->on_slot = destroy_receiver;
    assert_ok(connect(heap, HY_AUTO));
    assert_ok(connect(&two, HY_AUTO));
    assert_int_equal(emit(1), 2);
    assert_true(PROBE_SAW(&two, 1));
    assert_int_equal(emit(2), 1);
}

static void end_later_receiver(struct probe *self, int64_t value)
{
    (void)value;
    EXPECT_INT(hy_object_fini(self->context), 0);
}

static void test_a_slot_ends_a_later_receiver(void **state)
{
    (void)state;
    one.on_slot = end_later_receiver;
    one.context = &two.hy;
    assert_ok(connect(&one, HY_AUTO));
    assert_ok(connect(&two, HY_AUTO));
    assert_int_equal(emit(1), 1);
    assert_int_equal(two.count, 0);
}

static void destroy_context(struct probe *self, int64_t value)
{
    (void)value;
    EXPECT_INT(hy_object_destroy(self->context), 0);
}

static void test_sc07_a_slot_destroys_the_sender(void **state)
{
    struct hy_object *object = NULL;
    struct source *sender;

    (void)state;
    assert_ok(hy_object_create(&source_class, NULL, &object));
    sender = (struct source *)(void *)object;
    one.on_slot = destroy_context;
    one.context = object;
    assert_ok(hy_connect(&sender->events.number, &one, probe_number, HY_AUTO));
    assert_ok(hy_connect(&sender->events.number, &two, probe_number, HY_AUTO));
    assert_int_equal(hy_emit_with(&sender->events.number, .value = 1), 1);
    assert_int_equal(one.count, 1);
    assert_int_equal(two.count, 0); /* nothing of the sender is left to deliver */
}

static void destroy_context_at_2(struct probe *self, int64_t value)
{
    if (value == 2)
        destroy_context(self, value);
}

/* Also for connections that stay linked, for what was queued through them. */
static void test_sc07_nothing_is_queued_for_a_sender_that_has_ended(void **state)
{
    struct hy_object *object = NULL;
    struct source *sender;

    (void)state;
    assert_ok(hy_object_create(&source_class, NULL, &object));
    sender = (struct source *)(void *)object;
    one.on_slot = destroy_context_at_2;
    one.context = object;
    assert_ok(hy_connect(&sender->events.number, &one, probe_number, HY_AUTO));
    assert_ok(hy_connect(&sender->events.number, &two, probe_number, HY_QUEUED));
    assert_int_equal(hy_emit_with(&sender->events.number, .value = 1), 2);
    assert_int_equal(hy_emit_with(&sender->events.number, .value = 2), 1);
    wait_drain();
    assert_true(PROBE_SAW(&two, 1));
}

static void recurse(struct probe *self, int64_t value)
{
    (void)self;
    if (value > 0) {
        EXPECT_INT(cut(&two), 1);
        EXPECT_INT(connect(&two, HY_AUTO), 0);
        EXPECT_INT(emit(value - 1), value > 1 ? 1 : 2);
    }
}

static void test_sc08_recursive_emission_with_changes(void **state)
{
    (void)state;
    one.on_slot = recurse;
    assert_ok(connect(&one, HY_AUTO));
    assert_ok(connect(&two, HY_AUTO));
    /* Deeper than any small number of reserved walkers. The remade one is out of each outer one. */
    assert_int_equal(emit(20), 1);
    assert_int_equal(one.count, 21);
    assert_true(PROBE_SAW(&two, 0));
}

/* --- single shot ------------------------------------------------------------------------------ */

static void reconnect_self(struct probe *self, int64_t value)
{
    EXPECT(!hy_signal_is_connected(&source.events.number.sig));
    EXPECT_INT(cut(self), 0);
    if (value == 1) {
        EXPECT_INT(connect(self, HY_AUTO | HY_SINGLE_SHOT), 0);
        EXPECT_INT(emit(2), 1); /* the new one is there for a new emission */
    }
}

static void test_sc16_single_shot_is_cut_before_its_slot(void **state)
{
    (void)state;
    one.on_slot = reconnect_self;
    assert_ok(connect(&one, HY_AUTO | HY_SINGLE_SHOT));
    assert_int_equal(emit(1), 1);
    assert_int_equal(emit(3), 0);
    assert_true(PROBE_SAW(&one, 1, 2));
}

static void test_sc17_single_shot_queued_gives_one_call(void **state)
{
    (void)state;
    assert_ok(connect(&one, HY_QUEUED | HY_SINGLE_SHOT));
    assert_int_equal(emit(1), 1);
    assert_int_equal(emit(2), 0);
    assert_int_equal(emit(3), 0);
    wait_drain();
    assert_true(PROBE_SAW(&one, 1));
    assert_false(hy_signal_is_connected(&source.events.number.sig));
    assert_int_equal(cut(&one), 0);
}

static void test_single_shot_queued_can_still_be_cancelled(void **state)
{
    (void)state;
    assert_ok(connect(&one, HY_QUEUED | HY_SINGLE_SHOT));
    assert_int_equal(emit(1), 1);
    assert_int_equal(cut(&one), 1);
    wait_drain();
    assert_int_equal(one.count, 0);
}

static void test_single_shot_queued_dies_with_its_receiver(void **state)
{
    (void)state;
    assert_ok(connect(&one, HY_QUEUED | HY_SINGLE_SHOT));
    assert_int_equal(emit(1), 1);
    object_end(&one.hy);
    wait_drain();
    assert_int_equal(one.count, 0);
}

/* --- ends ------------------------------------------------------------------------------------- */

static void test_sc22_either_end_cuts(void **state)
{
    struct source *sender;
    struct hy_object *object = NULL;

    (void)state;
    assert_ok(connect(&one, HY_AUTO));
    assert_true(hy_signal_is_connected(&source.events.number.sig));
    object_end(&one.hy);
    assert_false(hy_signal_is_connected(&source.events.number.sig));
    assert_int_equal(emit(1), 0);
    assert_ok(hy_object_create(&source_class, NULL, &object));
    sender = (struct source *)(void *)object;
    assert_ok(hy_connect(&sender->events.number, &two, probe_number, HY_AUTO));
    object_end(object);
    object_end(&two.hy); /* its end must not look for the dead sender */
}

static void test_connect_with_a_dead_end(void **state)
{
    (void)state;
    object_end(&two.hy);
    assert_int_equal(connect(&two, HY_AUTO), -HY_ESHUTDOWN);
    assert_false(hy_signal_is_connected(&source.events.number.sig));
    object_end(&source.hy);
    assert_int_equal(connect(&one, HY_AUTO), -HY_ESHUTDOWN);
}

static void connect_while_dying(struct probe *self)
{
    EXPECT_INT(connect(self, HY_AUTO), -HY_ESHUTDOWN);
    EXPECT_INT(emit(9), 0);
}

static void test_oa20_no_slot_of_the_dying(void **state)
{
    (void)state;
    assert_ok(connect(&one, HY_AUTO));
    one.on_fini = connect_while_dying;
    object_end(&one.hy);
    assert_int_equal(one.count, 0);
}

static void connect_dying_sender(struct probe *self)
{
    EXPECT_INT(hy_connect(&source.events.number, &two, probe_number, HY_AUTO), -HY_ESHUTDOWN);
    EXPECT_INT(hy_connect(&source.events.nothing, &two, probe_nothing, HY_AUTO), -HY_ESHUTDOWN);
    (void)self;
}

static void test_a_child_connects_its_dying_parent(void **state)
{
    struct probe child;

    (void)state;
    probe_init(&child, &source.hy);
    child.on_fini = connect_dying_sender;
    assert_ok(hy_connect(&source.events.number, &one, probe_number, HY_AUTO));
    object_end(&source.hy);
}

static void test_many_receivers_and_senders(void **state)
{
    enum {
        MANY = 300
    };
    static struct probe probes[MANY];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        probe_init(&probes[i], NULL);
        assert_ok(connect(&probes[i], HY_AUTO));
    }
    assert_int_equal(emit(1), MANY);
    for (int i = 0; i < MANY; i += 2)
        object_end(&probes[i].hy);
    assert_int_equal(emit(2), MANY / 2);
    for (int i = 1; i < MANY; i += 2) {
        assert_int_equal(probes[i].count, 2);
        assert_int_equal(cut(&probes[i]), 1);
    }
    assert_int_equal(emit(3), 0);
    for (int i = 1; i < MANY; i += 2)
        object_end(&probes[i].hy);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_sc01_slots_run_in_connection_order),
        CASE(test_forms_of_emission),
        CASE(test_qa06_a_slot_may_leave_the_payload),
        CASE(test_a_finished_receiver_has_nothing_to_disconnect),
        CASE(test_a_plain_connect_may_duplicate),
        CASE(test_sc33_nonsense_is_refused),
        CASE(test_sc34_an_unconnected_signal_has_no_hub),
        CASE(test_sc02_connected_during_the_emission),
        CASE(test_sc03_cut_during_the_emission),
        CASE(test_sc04_cut_and_remade_moves_to_the_end),
        CASE(test_sc05_a_slot_cuts_itself_recursively),
        CASE(test_sc06_a_slot_ends_its_receiver),
        CASE(test_sc06_a_slot_destroys_its_heap_receiver),
        CASE(test_a_slot_ends_a_later_receiver),
        CASE(test_sc07_a_slot_destroys_the_sender),
        CASE(test_sc07_nothing_is_queued_for_a_sender_that_has_ended),
        CASE(test_sc08_recursive_emission_with_changes),
        CASE(test_sc16_single_shot_is_cut_before_its_slot),
        CASE(test_sc17_single_shot_queued_gives_one_call),
        CASE(test_single_shot_queued_can_still_be_cancelled),
        CASE(test_single_shot_queued_dies_with_its_receiver),
        CASE(test_a_child_connects_its_dying_parent),
        CASE(test_sc22_either_end_cuts),
        CASE(test_connect_with_a_dead_end),
        CASE(test_oa20_no_slot_of_the_dying),
        CASE(test_many_receivers_and_senders),
    };

    allocator_install();
    return cmocka_run_group_tests_name("signal", tests, NULL, NULL);
}
