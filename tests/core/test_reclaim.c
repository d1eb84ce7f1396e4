/* SPDX-License-Identifier: MIT */
/*
 * Reclamation is bounded: cut connections and delivered messages give their memory back, also
 * inside emissions and nested loops, and with several threads emitting.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/worker.h"

#define BOUND_BYTES (1024 * 1024L)

static struct source source;
static struct probe here;
static int64_t calls;

static int setup(void **state)
{
    source_init(&source);
    probe_init(&here, NULL);
    calls = 0;
    return check_setup(state);
}

static int teardown(void **state)
{
    object_end(&source.hy);
    object_end(&here.hy);
    return check_teardown(state);
}

static void slot_count(struct probe *self, const struct number *number)
{
    (void)self;
    (void)number;
    calls++;
}

static void test_200000_single_shot_connections(void **state)
{
    int total = check_scaled(200000);
    long before = allocator_bytes(), most = 0;

    (void)state;
    for (int i = 0; i < total; i++) {
        assert_ok(hy_connect(&source.events.number, &here, slot_count, HY_SINGLE_SHOT));
        assert_int_equal(hy_emit_with(&source.events.number, .value = i), 1);
        if (allocator_bytes() - before > most)
            most = allocator_bytes() - before;
    }
    assert_int_equal(calls, total);
    assert_in_range(most, 0, BOUND_BYTES);
}

static void test_connect_and_cut_with_many_live_ones(void **state)
{
    enum {
        LIVE = 1000
    };
    int total = check_scaled(50000);
    long before, most = 0;

    (void)state;
    for (int i = 0; i < LIVE; i++)
        assert_ok(hy_connect(&source.events.number, &here, slot_count, HY_DIRECT));
    before = allocator_bytes();
    for (int i = 0; i < total; i++) {
        assert_ok(hy_connect(&source.events.number, &here, probe_number, HY_DIRECT));
        assert_int_equal(hy_disconnect(&source.events.number, &here, probe_number), 1);
        if (allocator_bytes() - before > most)
            most = allocator_bytes() - before;
    }
    assert_int_equal(hy_emit_with(&source.events.number, .value = 0), LIVE);
    assert_in_range(most, 0, BOUND_BYTES);
}

/* --- inside a slot, under a nested loop --------------------------------------------------------
 */

struct nested {
    struct hy_loop loop;
    struct hy_timer timer;
    int left;
    long before, most;
};

static void churn_some(struct nested *nested)
{
    for (int i = 0; i < 100 && nested->left > 0; i++, nested->left--) {
        EXPECT_INT(hy_connect(&source.events.number, &here, probe_number, HY_DIRECT), 0);
        EXPECT_INT(hy_disconnect(&source.events.number, &here, probe_number), 1);
    }
    if (allocator_bytes() - nested->before > nested->most)
        nested->most = allocator_bytes() - nested->before;
    if (nested->left == 0)
        hy_loop_quit(&nested->loop, 0);
}

static void churn_tick(struct probe *self)
{
    churn_some(self->context);
}

static void nest_in_slot(struct probe *self, const struct number *number)
{
    struct nested *nested = self->context;

    (void)number;
    EXPECT_INT(hy_timer_start(&nested->timer, 0), 0);
    EXPECT_INT(hy_loop_init(&nested->loop), 0);
    EXPECT_INT(hy_loop_exec(&nested->loop, 0), 0);
    EXPECT_INT(hy_timer_stop(&nested->timer), 0);
}

static void test_connect_and_cut_in_a_slot_under_a_nested_loop(void **state)
{
    struct nested nested = {.left = check_scaled(100000)};
    struct probe churner;
    int64_t later;

    (void)state;
    probe_init(&churner, NULL);
    churner.context = &nested;
    here.context = &nested;
    assert_ok(hy_timer_init(&nested.timer, NULL));
    assert_ok(hy_connect(&nested.timer.events.timeout, &churner, churn_tick, HY_DIRECT));
    assert_ok(hy_connect(&source.events.number, &here, slot_count, HY_DIRECT));
    assert_ok(hy_connect(&source.events.number, &here, nest_in_slot, HY_DIRECT));
    assert_ok(hy_connect(&source.events.number, &here, slot_count, HY_DIRECT));
    nested.before = allocator_bytes();
    later = hy_emit_with(&source.events.number, .value = 0);
    assert_int_equal(later, 3); /* the walk went on behind the nested loop */
    assert_int_equal(calls, 2);
    assert_in_range(nested.most, 0, BOUND_BYTES);
    object_end(&nested.timer.hy);
    object_end(&churner.hy);
}

/* The connection that the parked walk stands on is cut meanwhile, and so are its neighbours. */
static void cut_everything(struct probe *self)
{
    struct nested *nested = self->context;

    if (nested->left > 100)
        nested->left = 100;
    if (nested->left == 100) {
        EXPECT_INT(hy_disconnect(&source.events.number, &here, nest_in_slot), 1);
        EXPECT_INT(hy_disconnect(&source.events.number, &here, slot_count), 2);
        EXPECT_INT(hy_connect(&source.events.number, &here, slot_count, HY_DIRECT), 0);
    }
    churn_some(nested);
}

static void test_a_parked_walk_whose_connection_is_cut(void **state)
{
    struct nested nested = {.left = 1000};
    struct probe churner, last;

    (void)state;
    probe_init(&churner, NULL);
    probe_init(&last, NULL);
    churner.context = &nested;
    here.context = &nested;
    assert_ok(hy_timer_init(&nested.timer, NULL));
    assert_ok(hy_connect(&nested.timer.events.timeout, &churner, cut_everything, HY_DIRECT));
    assert_ok(hy_connect(&source.events.number, &here, slot_count, HY_DIRECT));
    assert_ok(hy_connect(&source.events.number, &here, nest_in_slot, HY_DIRECT));
    assert_ok(hy_connect(&source.events.number, &here, slot_count, HY_DIRECT));
    assert_ok(hy_connect(&source.events.number, &last, probe_number, HY_DIRECT));
    nested.before = allocator_bytes();
    /* first, the nesting one, and the last: the others were cut before their turn. */
    assert_int_equal(hy_emit_with(&source.events.number, .value = 7), 3);
    assert_int_equal(calls, 1);
    assert_true(PROBE_SAW(&last, 7));
    object_end(&nested.timer.hy);
    object_end(&churner.hy);
    object_end(&last.hy);
}

static void destroy_sender_in_nested_loop(struct probe *self)
{
    struct nested *nested = self->context;

    EXPECT_INT(hy_object_fini(&source.hy), 0);
    hy_loop_quit(&nested->loop, 0);
}

static void test_sc07_the_sender_ends_in_a_nested_loop_of_a_slot(void **state)
{
    struct nested nested = {.left = 0};
    struct probe ender;

    (void)state;
    probe_init(&ender, NULL);
    ender.context = &nested;
    here.context = &nested;
    assert_ok(hy_timer_init(&nested.timer, NULL));
    assert_ok(
        hy_connect(&nested.timer.events.timeout, &ender, destroy_sender_in_nested_loop, HY_DIRECT));
    assert_ok(hy_connect(&source.events.number, &here, nest_in_slot, HY_DIRECT));
    assert_ok(hy_connect(&source.events.number, &here, slot_count, HY_DIRECT));
    assert_int_equal(hy_emit_with(&source.events.number, .value = 7), 1);
    assert_int_equal(calls, 0);
    object_end(&nested.timer.hy);
    object_end(&ender.hy);
}

/* --- a walk whose ground is cut ------------------------------------------------------------------
 */

static void slot_cut(struct probe *self)
{
    (void)self;
    EXPECT(false);
}

/* Cuts itself and enough others that the graves are looked through, and makes as many of another
 * signal: whoever still stands on a recycled connection would go on in the other list. */
static void cut_own_ground(struct probe *self)
{
    EXPECT_INT(hy_disconnect(&source.events.number, self, cut_own_ground), 1);
    EXPECT_INT(hy_disconnect(&source.events.number, self, slot_cut), 100);
    for (int i = 0; i < 120; i++)
        EXPECT_INT(hy_connect(&source.events.nothing, self, slot_cut, HY_DIRECT), 0);
}

static void test_a_slot_cuts_the_ground_it_stands_on(void **state)
{
    struct probe last;

    (void)state;
    probe_init(&last, NULL);
    assert_ok(hy_connect(&source.events.number, &here, cut_own_ground, HY_DIRECT));
    for (int i = 0; i < 100; i++)
        assert_ok(hy_connect(&source.events.number, &here, slot_cut, HY_DIRECT));
    assert_ok(hy_connect(&source.events.number, &last, probe_number, HY_DIRECT));
    assert_int_equal(hy_emit_with(&source.events.number, .value = 7), 2);
    assert_true(PROBE_SAW(&last, 7));
    object_end(&last.hy);
}

static void pass_in_slot(struct probe *self)
{
    (void)self;
    EXPECT(hy_process(0, HY_FOREVER) >= 0);
}

static void test_a_walk_that_was_parked_holds_back_again(void **state)
{
    struct probe last;

    (void)state;
    probe_init(&last, NULL);
    assert_ok(hy_connect(&source.events.number, &here, pass_in_slot, HY_DIRECT));
    assert_ok(hy_connect(&source.events.number, &here, cut_own_ground, HY_DIRECT));
    for (int i = 0; i < 100; i++)
        assert_ok(hy_connect(&source.events.number, &here, slot_cut, HY_DIRECT));
    assert_ok(hy_connect(&source.events.number, &last, probe_number, HY_DIRECT));
    assert_int_equal(hy_emit_with(&source.events.number, .value = 7), 3);
    assert_true(PROBE_SAW(&last, 7));
    object_end(&last.hy);
}

/* Emits in itself until no hazard slot is left for what comes then. */
static void dive(struct probe *self, const struct view *view)
{
    (void)self;
    if (++calls < 40)
        EXPECT_INT(hy_emit(&source.events.view, view), 1);
    else
        EXPECT_INT(hy_emit_with(&source.events.number, .value = 7), 2);
}

static void test_a_slot_cuts_the_ground_deep_inside_others(void **state)
{
    struct probe last;
    const struct view view = {"nothing"};

    (void)state;
    probe_init(&last, NULL);
    assert_ok(hy_connect(&source.events.view, &here, dive, HY_DIRECT));
    assert_ok(hy_connect(&source.events.number, &here, cut_own_ground, HY_DIRECT));
    for (int i = 0; i < 100; i++)
        assert_ok(hy_connect(&source.events.number, &here, slot_cut, HY_DIRECT));
    assert_ok(hy_connect(&source.events.number, &last, probe_number, HY_DIRECT));
    assert_int_equal(hy_emit(&source.events.view, &view), 1);
    assert_int_equal(calls, 40);
    assert_true(PROBE_SAW(&last, 7));
    object_end(&last.hy);
}

static struct source brief;

static void end_the_brief(struct probe *self)
{
    (void)self;
    calls++;
    object_end(&brief.hy);
}

static void test_hubs_of_senders_that_end_in_their_slots_are_given_back(void **state)
{
    long before = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        if (i == 100) /* whatever is made at first */
            before = allocator_bytes();
        source_init(&brief);
        assert_ok(hy_connect(&brief.events.number, &here, end_the_brief, HY_DIRECT));
        assert_int_equal(hy_emit_with(&brief.events.number, .value = i), 1);
    }
    assert_int_equal(calls, 1000);
    assert_in_range(allocator_bytes() - before + 4096, 0, 2 * 4096);
}

/* A signal whose payload runs a loop as it is copied for a queued call. */
struct copier {
    HY_INHERITS(hy_object);
    hy_signal(struct number) copied;
};

static struct probe *leaving;

static int copy_in_a_loop(void *to, const void *from)
{
    *(struct number *)to = *(const struct number *)from;
    if (leaving != NULL)
        EXPECT(hy_process(0, HY_FOREVER) >= 0);
    return 0;
}

static void destroy_nothing(void *payload)
{
    (void)payload;
}

static const struct hy_class copier_class = HY_CLASS(
    struct copier,
    .signals = HY_SIGNALS(HY_DESCRIBED(struct copier, copied, copy_in_a_loop, destroy_nothing)));

static struct copier copier;

/* Ends the receiver of the call that is being queued, and has its connection recycled. */
static void end_the_leaving(struct probe *self, struct hy_event *event)
{
    struct probe *ended = leaving;

    (void)event;
    leaving = NULL;
    object_end(&ended->hy);
    for (int i = 0; i < 120; i++)
        EXPECT_INT(hy_connect(&copier.copied, self, slot_cut, HY_QUEUED), 0);
    EXPECT_INT(hy_disconnect(&copier.copied, self, slot_cut), 120);
    for (int i = 0; i < 120; i++)
        EXPECT_INT(hy_connect(&source.events.nothing, self, slot_cut, HY_DIRECT), 0);
}

static void test_a_parked_walk_queues_for_a_receiver_that_has_ended(void **state)
{
    (void)state;
    assert_ok(hy_object_init(&copier.hy, &copier_class, NULL));
    leaving = probe_create(NULL);
    assert_ok(hy_connect(&copier.copied, leaving, probe_number, HY_QUEUED));
    here.on_event = end_the_leaving;
    assert_ok(hy_post(&here.hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL));
    assert_int_equal(hy_emit_with(&copier.copied, .value = 7), 0);
    wait_drain();
    assert_int_equal(here.count, 1);
    object_end(&copier.hy);
}

/* --- several emitting threads ------------------------------------------------------------------
 */

static int stop_emitting;

static void emit_on_and_on(struct hy_object *receiver, const void *payload)
{
    (void)receiver;
    (void)payload;
    while (count_get(&stop_emitting) == 0)
        EXPECT(hy_emit_with(&source.events.number, .value = 1) >= 0);
}

static void slot_elsewhere(struct probe *self)
{
    (void)self; /* in another thread */
}

/* The head of the list is what is cut, and its memory is used for the other signal. */
static void test_the_only_connection_comes_and_goes_under_emissions(void **state)
{
    struct worker worker;
    int rounds = check_scaled(20000);

    (void)state;
    stop_emitting = 0;
    worker_start(&worker, "emitter");
    assert_ok(hy_invoke(&worker.probe.hy, emit_on_and_on, NULL, NULL));
    for (int i = 0; i < rounds; i++) {
        EXPECT_INT(hy_connect(&source.events.number, &here, slot_elsewhere, HY_DIRECT), 0);
        EXPECT_INT(hy_disconnect(&source.events.number, &here, slot_elsewhere), 1);
        EXPECT_INT(hy_connect(&source.events.nothing, &here, slot_cut, HY_DIRECT), 0);
        EXPECT_INT(hy_connect(&source.events.number, &here, slot_elsewhere, HY_DIRECT), 0);
        EXPECT_INT(hy_disconnect(&source.events.number, &here, slot_elsewhere), 1);
        EXPECT_INT(hy_disconnect(&source.events.nothing, &here, slot_cut), 1);
    }
    count_up(&stop_emitting);
    worker_stop(&worker);
}

/* One emission whose slot stands still until it is let go. */
struct walk {
    struct worker worker;
    struct gate stands, go, gone;
};

static struct walk *walks[2]; /* written while no walk is on its way */

static void slot_stands(struct probe *self, const struct number *number)
{
    struct walk *walk = walks[number->value % 2];
    (void)self;
    gate_open(&walk->stands);
    EXPECT(gate_wait(&walk->go));
}

static void walk_invoked(struct hy_object *receiver, const void *payload)
{
    int index = *(const int *)payload;
    (void)receiver;
    EXPECT(hy_emit_with(&source.events.number, .value = index) >= 0);
    gate_open(&walks[index]->gone);
}

static const struct hy_payload index_payload = HY_PLAIN_PAYLOAD(int);

static void walk_begin(int index)
{
    struct walk *walk = walks[index];
    gate_init(&walk->stands);
    gate_init(&walk->go);
    gate_init(&walk->gone);
    assert_ok(hy_invoke(&walk->worker.probe.hy, walk_invoked, &index_payload, &index));
    assert_true(gate_wait(&walk->stands));
}

static void walk_end(int index)
{
    struct walk *walk = walks[index];
    gate_open(&walk->go);
    assert_true(gate_wait(&walk->gone));
    gate_fini(&walk->stands);
    gate_fini(&walk->go);
    gate_fini(&walk->gone);
}

static void slot_shared(struct probe *self)
{
    (void)self;
}

/* At every moment some walk is under way, and yet what was cut before the oldest of them is freed.
 */
static void test_walks_that_relay_each_other_hold_back_little(void **state)
{
    enum {
        ROUNDS = 100,
        CUTS = 1000
    };
    struct walk first, second;
    long before, most = 0;

    (void)state;
    walks[0] = &first;
    walks[1] = &second;
    assert_ok(hy_connect(&source.events.number, &here, slot_stands, HY_DIRECT));
    worker_start(&first.worker, "first");
    worker_start(&second.worker, "second");
    walk_begin(0);
    before = allocator_bytes();
    for (int round = 1; round <= ROUNDS; round++) {
        walk_begin(round % 2);
        walk_end((round + 1) % 2);
        for (int i = 0; i < CUTS; i++) {
            assert_ok(hy_connect(&source.events.number, &here, slot_shared, HY_DIRECT));
            assert_int_equal(hy_disconnect(&source.events.number, &here, slot_shared), 1);
        }
        if (allocator_bytes() - before > most)
            most = allocator_bytes() - before;
    }
    walk_end(ROUNDS % 2);
    worker_stop(&first.worker);
    worker_stop(&second.worker);
    /* Kept for good would be 100,000 of 64 bytes; two rounds are held back, reaped as they double.
     */
    assert_in_range(most, 0, 16 * CUTS * 64L);
}

/* --- single shot --------------------------------------------------------------------------------
 */

static int shots;

static void shot(struct probe *self)
{
    (void)self;
    count_up(&shots);
}

static void emit_once(struct hy_object *receiver, const void *payload)
{
    (void)receiver;
    gate_wait(*(struct gate *const *)payload);
    EXPECT(hy_emit_with(&source.events.number, .value = 1) >= 0);
}

static const struct hy_payload gate_payload = HY_PLAIN_PAYLOAD(struct gate *);

static void test_sc18_single_shot_under_concurrent_emissions(void **state)
{
    struct worker workers[4];
    struct gate gate, *pointer = &gate;
    int rounds = check_scaled(300);

    (void)state;
    gate_init(&gate);
    for (int i = 0; i < 4; i++)
        worker_start(&workers[i], "shooter");
    for (int round = 0; round < rounds; round++) {
        unsigned kind = round % 2 ? HY_DIRECT : HY_QUEUED;

        shots = 0;
        assert_ok(hy_connect(&source.events.number, &here, shot, kind | HY_SINGLE_SHOT));
        for (int i = 0; i < 4; i++)
            assert_ok(hy_invoke(&workers[i].probe.hy, emit_once, &gate_payload, &pointer));
        for (int i = 0; i < 4; i++)
            gate_open(&gate);
        for (int i = 0; i < 4; i++)
            flush_there(&workers[i].probe.hy);
        wait_drain();
        assert_int_equal(shots, 1);
    }
    for (int i = 0; i < 4; i++)
        worker_stop(&workers[i]);
    gate_fini(&gate);
}

/* --- messages -----------------------------------------------------------------------------------
 */

static void test_message_memory_is_given_back_or_reused(void **state)
{
    struct worker worker;
    long before;
    int rounds = check_scaled(200);

    (void)state;
    worker_start(&worker, "worker");
    assert_ok(hy_connect(&source.events.number, &worker.probe, probe_nothing, HY_AUTO));
    before = allocator_bytes();
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < 500; i++)
            assert_int_equal(hy_emit_with(&source.events.number, .value = i), 1);
        flush_there(&worker.probe.hy);
    }
    assert_in_range(allocator_bytes() - before + BOUND_BYTES, 0, 2 * BOUND_BYTES);
    worker_stop(&worker);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_200000_single_shot_connections),
        CASE(test_connect_and_cut_with_many_live_ones),
        CASE(test_connect_and_cut_in_a_slot_under_a_nested_loop),
        CASE(test_a_parked_walk_whose_connection_is_cut),
        CASE(test_sc07_the_sender_ends_in_a_nested_loop_of_a_slot),
        CASE(test_a_slot_cuts_the_ground_it_stands_on),
        CASE(test_a_walk_that_was_parked_holds_back_again),
        CASE(test_a_slot_cuts_the_ground_deep_inside_others),
        CASE(test_hubs_of_senders_that_end_in_their_slots_are_given_back),
        CASE(test_a_parked_walk_queues_for_a_receiver_that_has_ended),
        CASE(test_the_only_connection_comes_and_goes_under_emissions),
        CASE(test_walks_that_relay_each_other_hold_back_little),
        CASE(test_sc18_single_shot_under_concurrent_emissions),
        CASE(test_message_memory_is_given_back_or_reused),
    };

    allocator_install();
    return cmocka_run_group_tests_name("reclaim", tests, NULL, NULL);
}
