/* SPDX-License-Identifier: MIT */
/*
 * What waits: flushing, removing, counting it; user input held back. Rules PE-04..08, PE-12, DD-05,
 * EL-20.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <string.h>

#define E(n)   (HY_EVENT_USER + (n))
#define NORMAL HY_PRIORITY_NORMAL
#define INPUT  HY_PROCESS_EXCLUDE_USER_INPUT

static const struct hy_payload number_payload = HY_PLAIN_PAYLOAD(struct number);
static const struct hy_payload text_payload =
    HY_DESCRIBED_PAYLOAD(struct text, text_copy, text_destroy);
static const struct hy_event_type key_type = {.name = "key", .flags = HY_EVENT_USER_INPUT};
static const struct hy_event_type button_type = {.name = "button", .flags = HY_EVENT_USER_INPUT};

static struct probe here, other;
static struct source source;
static uint32_t key, button;

static int setup(void **state)
{
    EXPECT_INT(hy_event_type_register(&key_type, &key), 0);
    EXPECT_INT(hy_event_type_register(&button_type, &button), 0);
    probe_init(&here, NULL);
    probe_init(&other, NULL);
    source_init(&source);
    return check_setup(state);
}

static int teardown(void **state)
{
    object_end(&here.hy);
    object_end(&other.hy);
    object_end(&source.hy);
    wait_drain();
    EXPECT_INT(text_copies(), 0);
    return check_teardown(state);
}

static void post_type(struct probe *probe, uint32_t type, enum hy_priority priority)
{
    EXPECT_INT(hy_post(&probe->hy, type, NULL, 0, priority), 0);
}

static void post(struct probe *probe, uint32_t number)
{
    post_type(probe, E(number), NORMAL);
}

static void invoked_number(struct hy_object *receiver, const void *payload)
{
    probe_note((struct probe *)(void *)receiver, ((const struct number *)payload)->value);
}

static void invoke(struct probe *probe, int64_t value)
{
    struct number number = {value};

    EXPECT_INT(hy_invoke(&probe->hy, invoked_number, &number_payload, &number), 0);
}

/* --- flush ------------------------------------------------------------------------------------ */

static void flush_self(struct probe *self, struct hy_event *event)
{
    if (event->type == E(1)) {
        probe_note(self, 100);
        EXPECT_INT(hy_posted_flush(&self->hy, HY_EVENT_ANY), 3);
        probe_note(self, 101);
    }
}

static void test_pe04_a_handler_flushes_its_own(void **state)
{
    (void)state;
    here.on_event = flush_self;
    for (uint32_t i = 1; i < 5; i++) {
        post(&here, i);
        post(&other, i);
    }
    wait_drain();
    assert_true(PROBE_SAW(&here, E(1), 100, E(2), E(3), E(4), 101)); /* and not once more */
    assert_true(PROBE_SAW(&other, E(1), E(2), E(3), E(4)));
}

static void flush_inside_a_flush(struct probe *self, struct hy_event *event)
{
    if (event->type == E(2)) {
        post(self, 9); /* waits for the loop */
        EXPECT_INT(hy_posted_flush(&self->hy, E(4)), 4);
    }
}

static void test_pe04_a_flush_inside_a_flush(void **state)
{
    (void)state;
    here.on_event = flush_inside_a_flush;
    for (uint32_t i = 1; i < 5; i++) {
        post(&here, i);
        post(&here, 4);
    }
    assert_int_equal(hy_posted_flush(&here.hy, HY_EVENT_ANY), 4); /* 4 more came inside */
    assert_true(PROBE_SAW(&here, E(1), E(4), E(2), E(4), E(4), E(4), E(4), E(3)));
    wait_drain();
    assert_int_equal(here.count, 9);
    assert_int_equal(here.log[8], E(9));
}

/* Also the way to let only one object have its turn. Rules: EL-25. */
static void test_pe05_one_receiver_one_type_or_both(void **state)
{
    (void)state;
    for (uint32_t i = 1; i < 4; i++) {
        post(&here, i);
        post(&other, i);
        post(&here, 7);
    }
    assert_int_equal(hy_posted_flush(&here.hy, E(7)), 3);
    assert_true(PROBE_SAW(&here, E(7), E(7), E(7)));
    assert_int_equal(hy_posted_flush(NULL, E(2)), 2);
    assert_int_equal(here.count, 4);
    assert_true(PROBE_SAW(&other, E(2)));
    assert_int_equal(hy_posted_flush(&other.hy, HY_EVENT_ANY), 2);
    assert_true(PROBE_SAW(&other, E(2), E(1), E(3)));
    assert_int_equal(wait_process(0), 2); /* the rest, in its order */
    assert_true(PROBE_SAW(&here, E(7), E(7), E(7), E(2), E(1), E(3)));
    assert_int_equal(hy_posted_flush(NULL, HY_EVENT_ANY), 0);
}

static void test_pe05_by_priority_events_slots_and_invokes(void **state)
{
    (void)state;
    assert_ok(hy_connect(&source.events.number, &here, probe_number, HY_QUEUED));
    post(&here, 1);
    assert_int_equal(hy_emit_with(&source.events.number, .value = 2), 1);
    invoke(&here, 3);
    post_type(&here, E(4), HY_PRIORITY_LOW);
    post_type(&here, E(5), HY_PRIORITY_HIGH);
    invoke(&here, 6);
    assert_int_equal(hy_posted_count(&here.hy, HY_EVENT_ANY), 6);
    assert_int_equal(hy_posted_flush(&here.hy, HY_EVENT_ANY), 6);
    assert_true(PROBE_SAW(&here, E(5), E(1), 2, 3, 6, E(4)));
}

static void post_more(struct probe *self, struct hy_event *event)
{
    if (event->type == E(1)) {
        post_type(self, E(11), HY_PRIORITY_HIGH);
        post_type(self, E(12), HY_PRIORITY_NORMAL);
    }
}

static void test_pe05_nothing_posted_meanwhile(void **state)
{
    (void)state;
    here.on_event = post_more;
    post(&here, 1);
    post(&here, 2);
    assert_int_equal(hy_posted_flush(&here.hy, HY_EVENT_ANY), 2);
    assert_true(PROBE_SAW(&here, E(1), E(2)));
    assert_int_equal(hy_posted_flush(NULL, HY_EVENT_ANY), 2);
    assert_true(PROBE_SAW(&here, E(1), E(2), E(11), E(12)));
}

static void move_to_main(void *context)
{
    EXPECT_INT(hy_object_move_to_thread(&here.hy, context), 0);
}

/* What arrives with its object is there to be flushed and counted, and the object has been told. */
static void test_pe05_what_came_by_a_move(void **state)
{
    struct worker worker;

    (void)state;
    worker_init(&worker, "before");
    assert_ok(hy_object_move_to_thread(&here.hy, &worker.thread));
    assert_ok(hy_thread_start(&worker.thread));
    for (int i = 0; i < check_scaled(20) + 1; i++) {
        here.count = 0;
        run_there(&worker.probe.hy, move_to_main, hy_thread_current());
        post(&here, 1);
        post(&here, 2);
        EXPECT_INT(hy_posted_count(&here.hy, HY_EVENT_ANY), 2);
        EXPECT_INT(hy_posted_flush(&here.hy, HY_EVENT_ANY), 2);
        EXPECT(PROBE_SAW(&here, E(1), E(2)));
        EXPECT_INT(here.moves, 2 * i + 2);
        assert_ok(hy_object_move_to_thread(&here.hy, &worker.thread));
        flush_there(&worker.probe.hy);
    }
    run_there(&worker.probe.hy, move_to_main, hy_thread_current());
    worker_stop(&worker);
}

static void flush_wrongly(void *context)
{
    EXPECT_INT(hy_posted_flush(context, HY_EVENT_ANY), -HY_EWRONGTHREAD);
    EXPECT_INT(hy_posted_remove(context, HY_EVENT_ANY), -HY_EWRONGTHREAD);
    EXPECT_INT(hy_posted_count(context, HY_EVENT_ANY), -HY_EWRONGTHREAD);
    EXPECT_INT(hy_posted_flush(NULL, HY_EVENT_ANY), 0); /* what waits elsewhere is not meant */
}

static void test_pe06_of_another_thread_is_refused(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "other");
    post(&here, 1);
    run_there(&worker.probe.hy, flush_wrongly, &here.hy);
    assert_int_equal(here.count, 0);
    assert_int_equal(hy_posted_count(&here.hy, HY_EVENT_ANY), 1);
    worker_stop(&worker);
    object_end(&here.hy);
    assert_int_equal(hy_posted_flush(&here.hy, HY_EVENT_ANY), -HY_ESHUTDOWN);
    assert_int_equal(hy_posted_remove(&here.hy, HY_EVENT_ANY), -HY_ESHUTDOWN);
    assert_int_equal(hy_posted_count(&here.hy, HY_EVENT_ANY), -HY_ESHUTDOWN);
}

/* Calls through a bounded connection wait as tokens; what is removed leaves room for others. */
static void test_pe05_bounded_connections(void **state)
{
    const struct hy_connect_options options = {
        .flags = HY_BOUNDED | HY_QUEUED, .limit = 2, .overflow = HY_OVERFLOW_REFUSE};

    (void)state;
    assert_ok(hy_connect_with(&source.events.number, &here, probe_number, &options, NULL));
    for (int i = 0; i < 3; i++) {
        here.count = 0;
        assert_int_equal(hy_emit_with(&source.events.number, .value = 1), 1);
        post(&here, 2);
        assert_int_equal(hy_emit_with(&source.events.number, .value = 3), 1);
        assert_int_equal(hy_emit_with(&source.events.number, .value = 4), -HY_EAGAIN);
        assert_int_equal(hy_posted_count(&here.hy, HY_EVENT_ANY), 3);
        if (i == 1) {
            assert_int_equal(hy_posted_remove(&here.hy, HY_EVENT_ANY), 3);
            assert_int_equal(here.count, 0);
        } else {
            assert_int_equal(hy_posted_flush(&here.hy, HY_EVENT_ANY), 3);
            assert_true(PROBE_SAW(&here, 1, E(2), 3));
        }
    }
}

static int called(struct hy_object *receiver, void *argument)
{
    (void)argument;
    probe_note((struct probe *)(void *)receiver, 77);
    return 5;
}

static struct gate about_to_call;

static void call_here(struct hy_object *receiver, const void *payload)
{
    int result = 0, rc;

    (void)receiver;
    post(&here, 1);
    gate_open(&about_to_call);
    rc = hy_call(&here.hy, called, NULL, 0, HY_FOREVER, &result);
    if (payload == NULL) {
        EXPECT_INT(rc, 0);
        EXPECT_INT(result, 5);
    } else {
        EXPECT_INT(rc, -HY_ESHUTDOWN); /* removed: it says so to who waits */
    }
}

static void test_pe05_calls_of_other_threads(void **state)
{
    struct worker worker;
    struct number number = {1};

    (void)state;
    gate_init(&about_to_call);
    worker_start(&worker, "caller");
    for (int removed = 0; removed < 2; removed++) {
        here.count = 0;
        assert_ok(hy_invoke(&worker.probe.hy, call_here, removed != 0 ? &number_payload : NULL,
                            removed != 0 ? &number : NULL));
        gate_wait(&about_to_call);
        while (hy_posted_count(&here.hy, HY_EVENT_ANY) < 2) {
        }
        if (removed != 0) {
            assert_int_equal(hy_posted_remove(&here.hy, HY_EVENT_ANY), 2);
        } else {
            assert_int_equal(hy_posted_flush(&here.hy, HY_EVENT_ANY), 2);
            assert_true(PROBE_SAW(&here, E(1), 77)); /* in order */
        }
        flush_there(&worker.probe.hy);
    }
    worker_stop(&worker);
    gate_fini(&about_to_call);
}

static void end_receiver(struct probe *self, struct hy_event *event)
{
    (void)self;
    if (event->type == E(2)) {
        object_end(&other.hy);
        object_end(&here.hy);
    }
}

static void test_a_flush_whose_receivers_end(void **state)
{
    (void)state;
    here.on_event = end_receiver;
    for (uint32_t i = 1; i < 5; i++) {
        post(&here, i);
        post(&other, i);
    }
    assert_int_equal(hy_posted_flush(&here.hy, HY_EVENT_ANY), 2);
    assert_int_equal(here.count, 2);
    wait_drain();
    assert_int_equal(other.count, 0);
}

static void move_away(struct probe *self, struct hy_event *event)
{
    if (event->type == E(2))
        EXPECT_INT(hy_object_move_to_thread(&self->hy, self->context), 0);
}

static void test_a_flush_whose_receiver_moves_away(void **state)
{
    struct worker worker;

    (void)state;
    worker_init(&worker, "next");
    here.on_event = move_away;
    here.context = &worker.thread;
    for (uint32_t i = 1; i < 5; i++)
        post(&here, i);
    assert_int_equal(hy_posted_flush(NULL, HY_EVENT_ANY), 2);
    assert_ok(hy_thread_start(&worker.thread));
    flush_there(&worker.probe.hy);
    worker_stop(&worker);
    assert_true(PROBE_SAW(&here, E(1), E(2), E(3), E(4)));
}

static struct hy_loop nested;

static void quit_and_flush(struct probe *self, struct hy_event *event)
{
    (void)event;
    if (self->count == 1) {
        hy_loop_quit(&nested, 5);
        EXPECT_INT(hy_posted_flush(&other.hy, HY_EVENT_ANY), 3); /* asked for by name */
    }
}

static void quit(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    hy_loop_quit(&nested, 6);
}

static void flush_other(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    EXPECT_INT(hy_posted_flush(&other.hy, HY_EVENT_ANY), 1);
}

static void test_a_flush_and_the_end_of_the_loop(void **state)
{
    (void)state;
    assert_ok(hy_loop_init(&nested));
    here.on_event = quit_and_flush;
    post(&here, 1);
    for (uint32_t i = 1; i < 4; i++)
        post(&other, i);
    assert_int_equal(hy_loop_exec(&nested, 0), 5);
    assert_int_equal(other.count, 3);
    here.on_event = flush_other;
    other.on_event = quit; /* ends the flush with the loop */
    post(&here, 1);
    for (uint32_t i = 1; i < 4; i++)
        post(&other, i);
    assert_int_equal(hy_loop_exec(&nested, 0), 6);
    assert_int_equal(other.count, 4);
    assert_int_equal(hy_posted_count(&other.hy, HY_EVENT_ANY), 2); /* nothing is lost */
}

static void flush_at_random(struct probe *self, struct hy_event *event)
{
    static uint32_t seed = 3;

    seed = seed * 1664525u + 1013904223u;
    if (self->count < 2000)
        post_type(self, E((seed >> 9) % 4), (enum hy_priority)((seed >> 12) % 3));
    if ((seed >> 16) % 4 == 0)
        EXPECT(hy_posted_flush((seed >> 18) % 2 == 0 ? &self->hy : NULL,
                               (seed >> 20) % 2 == 0 ? HY_EVENT_ANY : E((seed >> 21) % 4)) >= 0);
    if ((seed >> 16) % 16 == 1 && hy_loop_depth() < 20)
        EXPECT(hy_process((seed >> 18) % 2 == 0 ? INPUT : 0u, HY_FOREVER) >= 0);
    if ((seed >> 16) % 16 == 2 && hy_loop_depth() == 1) {
        int before = hy_posted_count(NULL, E(1));
        int removed = hy_posted_remove(NULL, E(1));

        EXPECT_INT(removed, before);
        for (int i = 0; i < removed; i++) /* so that all are delivered in the end */
            post(&other, 1);
    }
    (void)event;
}

static void test_pe07_flush_and_remove_in_each_other(void **state)
{
    (void)state;
    here.on_event = other.on_event = flush_at_random;
    for (int round = 0; round < check_scaled(10) + 1; round++) {
        here.count = other.count = 0;
        for (uint32_t i = 0; i < 12; i++) {
            post_type(&here, E(i % 4), (enum hy_priority)(i % 3));
            post_type(&other, i % 2 == 0 ? key : E(i % 4), (enum hy_priority)(i % 3));
        }
        for (int i = 0; i < 100000 && hy_process(0, HY_FOREVER) > 0; i++) {
        }
        EXPECT_INT(hy_posted_count(NULL, HY_EVENT_ANY), 0);
        EXPECT(here.count + other.count >= 24);
    }
}

/* --- removal ---------------------------------------------------------------------------------- */

static void test_pe07_by_receiver_by_type_by_both_or_all(void **state)
{
    struct hy_thread_counters before = hy_thread_get_counters(hy_thread_current());

    (void)state;
    assert_ok(hy_connect(&source.events.number, &here, probe_number, HY_QUEUED));
    for (uint32_t i = 1; i < 4; i++) {
        post(&here, i);
        post(&other, i);
        invoke(&here, i);
        assert_int_equal(hy_emit_with(&source.events.number, .value = 50 + i), 1);
    }
    assert_int_equal(hy_posted_remove(&here.hy, E(1)), 1);
    assert_int_equal(hy_posted_remove(NULL, E(2)), 2);
    assert_int_equal(hy_posted_count(NULL, HY_EVENT_ANY), 2 + 1 + 3 + 3 - 0);
    assert_int_equal(hy_posted_remove(&here.hy, HY_EVENT_ANY), 1 + 3 + 3);
    assert_int_equal(hy_posted_count(NULL, HY_EVENT_ANY), 2);
    wait_drain();
    assert_true(PROBE_SAW(&other, E(1), E(3)));
    assert_int_equal(here.count, 0);
    post(&here, 1);
    post(&other, 1);
    assert_int_equal(hy_posted_remove(NULL, HY_EVENT_ANY), 2);
    assert_int_equal(hy_posted_remove(NULL, HY_EVENT_ANY), 0);
    assert_int_equal(hy_posted_remove(NULL, HY_EVENT_DESTROY), -HY_EINVAL);
    assert_int_equal(hy_thread_get_counters(hy_thread_current()).dropped - before.dropped, 12);
}

static void remove_the_rest(struct probe *self, struct hy_event *event)
{
    if (event->type == E(1))
        EXPECT_INT(hy_posted_remove(&self->hy, E(3)), 2);
}

static void test_pe07_during_a_flush(void **state)
{
    (void)state;
    for (int flushed = 0; flushed < 2; flushed++) {
        here.count = 0;
        here.on_event = remove_the_rest;
        post(&here, 1);
        post(&here, 3);
        post(&here, 2);
        post(&here, 3);
        post(&here, 4);
        if (flushed != 0)
            assert_int_equal(hy_posted_flush(NULL, HY_EVENT_ANY), 3);
        else
            assert_int_equal(wait_process(0), 3);
        assert_true(PROBE_SAW(&here, E(1), E(2), E(4)));
    }
}

/* A payload whose end posts, and ends objects. */
static struct probe *victim;
static int destroyed;

static int active_copy(void *to, const void *from)
{
    memcpy(to, from, sizeof(int));
    return 0;
}

static void active_destroy(void *payload)
{
    int what = *(int *)payload;

    destroyed++;
    EXPECT_INT(hy_post(&other.hy, E(20), NULL, 0, NORMAL), 0);
    if (what == 1)
        object_end(&here.hy);
    else if (what == 2)
        EXPECT_INT(hy_object_move_to_thread(&here.hy, here.context), 0);
    else if (what == 3) {
        object_end(&victim->hy);
        EXPECT(hy_process(0, HY_FOREVER) >= 0);
    }
}

static const struct hy_payload active_payload =
    HY_DESCRIBED_PAYLOAD(int, active_copy, active_destroy);
static const struct hy_event_type active_type = {.name = "active", .payload = &active_payload};

static void post_active(struct probe *probe, int what)
{
    uint32_t number = 0;

    EXPECT_INT(hy_event_type_register(&active_type, &number), 0);
    EXPECT_INT(hy_post(&probe->hy, number, &what, sizeof what, NORMAL), 0);
}

static void test_pe08_payloads_end_under_no_lock(void **state)
{
    struct worker worker;

    (void)state;
    destroyed = 0;
    victim = probe_create(NULL);
    for (int i = 0; i < 4; i++) {
        post_active(&here, i == 1 ? 1 : i == 2 ? 3 : 0);
        post_active(victim, 0);
    }
    assert_int_equal(hy_posted_remove(NULL, HY_EVENT_ANY), 8);
    assert_int_equal(destroyed, 8);
    assert_null(here.hy.anchor);
    wait_drain();
    assert_int_equal(other.count, 8);

    worker_init(&worker, "away");
    probe_init(&here, NULL);
    here.context = &worker.thread;
    for (int i = 0; i < 4; i++)
        post_active(&here, i == 1 ? 2 : 0);
    assert_int_equal(hy_posted_remove(&here.hy, HY_EVENT_ANY), 4);
    assert_int_equal(destroyed, 12);
    assert_ok(hy_thread_start(&worker.thread));
    flush_there(&worker.probe.hy);
    worker_stop(&worker);
    assert_int_equal(here.count, 0);
}

static void count_passes(struct probe *self, struct hy_event *event)
{
    if (event->type == E(20))
        EXPECT_INT(destroyed, 2); /* after the pass in which both were delivered */
    (void)self;
}

static void test_pe09_what_a_destructor_posts_comes_later(void **state)
{
    (void)state;
    destroyed = 0;
    other.on_event = count_passes;
    post_active(&here, 0);
    post_active(&here, 0);
    while (destroyed < 2) /* by the pass that finds both; one after the other if it may not */
        assert_true(hy_process(0, HY_FOREVER) > 0);
    assert_int_equal(other.count, 0);
    assert_int_equal(wait_process(0), 2);
    assert_int_equal(other.count, 2);
}

/* --- counting --------------------------------------------------------------------------------- */

static void note_how_many_wait(struct probe *self, struct hy_event *event)
{
    (void)event;
    probe_note(self, hy_posted_count(NULL, HY_EVENT_ANY));
}

static void test_pe12_the_one_being_handled_is_not_counted(void **state)
{
    (void)state;
    here.on_event = note_how_many_wait;
    for (uint32_t i = 0; i < 5; i++)
        post(&here, 1);
    assert_int_equal(hy_posted_count(&here.hy, E(1)), 5);
    assert_int_equal(hy_posted_count(&here.hy, E(2)), 0);
    assert_int_equal(hy_posted_count(&other.hy, HY_EVENT_ANY), 0);
    wait_drain();
    assert_true(PROBE_SAW(&here, E(1), 4, E(1), 3, E(1), 2, E(1), 1, E(1), 0));
}

static void test_what_will_not_be_delivered_is_not_counted(void **state)
{
    (void)state;
    assert_ok(hy_connect(&source.events.number, &here, probe_number, HY_QUEUED));
    assert_int_equal(hy_emit_with(&source.events.number, .value = 1), 1);
    assert_int_equal(hy_posted_count(NULL, HY_EVENT_ANY), 1);
    assert_int_equal(hy_disconnect(&source.events.number, &here, probe_number), 1);
    post(&other, 1);
    object_end(&other.hy);
    assert_int_equal(hy_posted_count(NULL, HY_EVENT_ANY), 0);
    assert_int_equal(hy_posted_flush(NULL, HY_EVENT_ANY), 0);
    assert_int_equal(here.count, 0);
}

/* --- requests to destroy ---------------------------------------------------------------------- */

static int finis;

static struct probe *mortal(void)
{
    struct probe *probe = probe_create(NULL);

    probe->fini_count = &finis;
    return probe;
}

static void ask_and_flush(struct probe *self, struct hy_event *event)
{
    struct probe *first = mortal(), *second = mortal();

    (void)self;
    (void)event;
    EXPECT_INT(hy_object_destroy_later(&first->hy), 0);
    EXPECT_INT(hy_object_destroy_later(&first->hy), 0);
    EXPECT_INT(hy_object_destroy_later(&second->hy), 0);
    EXPECT_INT(hy_object_destroy_later(&self->hy), 0); /* its handler is on the stack */
    EXPECT_INT(hy_posted_count(NULL, HY_EVENT_DESTROY), 3);
    EXPECT_INT(hy_posted_count(&second->hy, HY_EVENT_DESTROY), 1);
    EXPECT(hy_process(0, HY_FOREVER) >= 0);
    EXPECT_INT(hy_posted_flush(NULL, HY_EVENT_ANY), 0);
    EXPECT_INT(finis, 0);
    EXPECT_INT(hy_posted_flush(&second->hy, HY_EVENT_DESTROY), 1);
    EXPECT_INT(finis, 1);
    EXPECT_INT(hy_posted_flush(NULL, HY_EVENT_DESTROY), 1);
    EXPECT_INT(finis, 2);
    EXPECT_INT(hy_posted_flush(NULL, HY_EVENT_DESTROY), 0);
    EXPECT_INT(hy_posted_count(NULL, HY_EVENT_DESTROY), 1);
}

static void test_dd05_a_flush_serves_requests_of_its_handler(void **state)
{
    (void)state;
    finis = 0;
    here.on_event = ask_and_flush;
    here.fini_count = &finis;
    post(&here, 1);
    assert_int_equal(hy_process(0, HY_FOREVER), 1);
    assert_int_equal(finis, 3); /* the receiver as its handler returned */
    assert_int_equal(hy_posted_count(NULL, HY_EVENT_DESTROY), 0);
}

static struct probe *asked;

static void flush_too_deep(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    EXPECT_INT(hy_posted_flush(NULL, HY_EVENT_DESTROY), 0);
    EXPECT_INT(finis, 0);
}

static void ask_and_nest(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    asked = mortal();
    EXPECT_INT(hy_object_destroy_later(&asked->hy), 0);
    post(&other, 1);
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
}

static void test_dd05_not_those_of_an_outer_handler(void **state)
{
    (void)state;
    finis = 0;
    here.on_event = ask_and_nest;
    other.on_event = flush_too_deep;
    post(&here, 1);
    assert_int_equal(hy_process(0, HY_FOREVER), 1);
    assert_int_equal(other.count, 1);
    assert_int_equal(finis, 1);
    asked = mortal(); /* outside of every loop */
    assert_ok(hy_object_destroy_later(&asked->hy));
    assert_int_equal(hy_posted_count(NULL, HY_EVENT_DESTROY), 1);
    assert_int_equal(hy_posted_flush(NULL, HY_EVENT_DESTROY), 1);
    assert_int_equal(finis, 2);
}

static void ask_from_there(void *context)
{
    struct probe *probe = context;

    EXPECT_INT(hy_object_destroy_later(&probe->hy), 0);
    EXPECT_INT(hy_object_destroy_later(&probe->hy), 0);
}

static void test_requests_of_other_threads_are_counted_once(void **state)
{
    struct worker worker;

    (void)state;
    finis = 0;
    worker_start(&worker, "asks");
    asked = mortal();
    run_there(&worker.probe.hy, ask_from_there, asked);
    assert_int_equal(hy_posted_count(NULL, HY_EVENT_DESTROY), 1);
    assert_int_equal(hy_posted_count(&asked->hy, HY_EVENT_DESTROY), 1);
    assert_int_equal(hy_posted_count(&here.hy, HY_EVENT_DESTROY), 0);
    assert_int_equal(hy_posted_count(NULL, HY_EVENT_ANY), 0);
    assert_ok(hy_object_destroy_later(&asked->hy));
    assert_int_equal(hy_posted_count(NULL, HY_EVENT_DESTROY), 1);
    wait_drain();
    assert_int_equal(finis, 1);
    assert_int_equal(hy_posted_count(NULL, HY_EVENT_DESTROY), 0);
    worker_stop(&worker);
}

/* --- user input held back ----------------------------------------------------------------------
 */

static void test_el20_input_waits_in_its_order(void **state)
{
    (void)state;
    post_type(&here, key, NORMAL);
    post(&here, 1);
    post_type(&here, button, NORMAL);
    post_type(&here, key, HY_PRIORITY_HIGH);
    assert_int_equal(hy_process(INPUT, HY_FOREVER), 1);
    assert_true(PROBE_SAW(&here, E(1)));
    assert_int_equal(hy_process(INPUT, HY_FOREVER), 0);
    assert_int_equal(hy_posted_count(NULL, HY_EVENT_ANY), 3); /* none is lost */
    post(&here, 2);
    post_type(&here, button, NORMAL);
    assert_int_equal(wait_process(0), 5);
    /* By priority; the older ones first. */
    assert_true(PROBE_SAW(&here, E(1), key, key, button, E(2), button));
}

static void test_el20_input_does_not_keep_a_loop_awake(void **state)
{
    int64_t before_ns, cpu_ns;

    (void)state;
    post_type(&here, key, NORMAL);
    assert_int_equal(hy_process(INPUT, HY_FOREVER), 0);
    before_ns = hy_now_ns();
    cpu_ns = system_thread_cpu_ns();
    assert_int_equal(hy_process(INPUT | HY_PROCESS_WAIT, before_ns + 100 * HY_MILLISECOND), 0);
    assert_true(hy_now_ns() - before_ns >= 100 * HY_MILLISECOND);
    assert_true(system_thread_cpu_ns() - cpu_ns < 50 * HY_MILLISECOND);
    assert_int_equal(here.count, 0);
    assert_int_equal(hy_process(HY_PROCESS_WAIT, hy_now_ns() + WAIT_LIMIT_S * HY_SECOND), 1);
}

static void quit_the_dialogue(struct probe *self, struct hy_event *event)
{
    if (event->type == E(2)) {
        EXPECT_INT(hy_posted_count(&self->hy, key), 2);
        hy_loop_quit(&nested, 0);
    }
}

static void run_a_dialogue(struct probe *self, struct hy_event *event)
{
    (void)event;
    self->on_event = quit_the_dialogue;
    post_type(&here, key, NORMAL);
    post(&here, 2);
    EXPECT_INT(hy_loop_exec(&nested, INPUT), 0);
    probe_note(self, 77);
}

/* The outer iteration allows it: it comes as soon as the inner loop is over, before what is newer.
 */
static void test_el20_a_nested_loop_that_excludes_input(void **state)
{
    (void)state;
    assert_ok(hy_loop_init(&nested));
    here.on_event = run_a_dialogue;
    post(&here, 1);
    post_type(&here, key, NORMAL);
    post(&here, 3);
    assert_true(wait_process(0) >= 2);
    assert_true(PROBE_SAW(&here, E(1), E(3), E(2), 77, key, key));
}

static void process_all_kinds(struct probe *self, struct hy_event *event)
{
    if (event->type == E(1)) {
        EXPECT_INT(wait_process(0), 2); /* the innermost one decides */
        probe_note(self, 77);
    }
}

static void test_el20_the_innermost_iteration_decides(void **state)
{
    (void)state;
    here.on_event = process_all_kinds;
    post_type(&here, key, NORMAL);
    post(&here, 1);
    post_type(&here, button, NORMAL);
    assert_int_equal(hy_process(INPUT, HY_FOREVER), 1);
    assert_true(PROBE_SAW(&here, E(1), key, button, 77));
}

static void flush_remove_and_end(struct probe *self, struct hy_event *event)
{
    if (event->type != E(1))
        return;
    EXPECT_INT(hy_process(INPUT, HY_FOREVER), 1); /* the rest lies aside now */
    EXPECT_INT(hy_posted_count(NULL, HY_EVENT_ANY), 6);
    EXPECT_INT(hy_posted_flush(&self->hy, button), 1);
    EXPECT_INT(hy_posted_remove(&self->hy, key), 2);
    EXPECT_INT(hy_posted_count(NULL, HY_EVENT_ANY), 3);
    object_end(&other.hy);
    EXPECT_INT(hy_posted_count(NULL, HY_EVENT_ANY), 1);
    EXPECT_INT(hy_posted_flush(NULL, HY_EVENT_ANY), 1);
}

static void test_el20_flush_removal_count_and_ends_see_it(void **state)
{
    static const struct hy_event_type wheel_type = {.name = "wheel", .flags = HY_EVENT_USER_INPUT};
    uint32_t wheel = 0;

    (void)state;
    assert_ok(hy_event_type_register(&wheel_type, &wheel));
    here.on_event = flush_remove_and_end;
    post(&here, 1);
    post_type(&here, key, NORMAL);
    post_type(&other, key, NORMAL);
    post_type(&here, button, HY_PRIORITY_LOW);
    post_type(&here, key, HY_PRIORITY_HIGH);
    post_type(&other, key, HY_PRIORITY_HIGH);
    post_type(&here, wheel, HY_PRIORITY_LOW);
    post(&here, 5);
    assert_int_equal(hy_process(INPUT, HY_FOREVER), 1);
    assert_true(PROBE_SAW(&here, E(1), E(5), button, wheel));
    wait_drain();
    assert_int_equal(here.count, 4);
}

static void hold_and_move(struct probe *self, struct hy_event *event)
{
    (void)event;
    if (event->type != E(1))
        return;
    EXPECT_INT(hy_process(INPUT, HY_FOREVER), 0);
    post_type(self, button, NORMAL); /* is not held back yet */
    post(self, 2);
    EXPECT_INT(hy_object_move_to_thread(&self->hy, self->context), 0);
}

static void test_el20_input_moves_with_its_receiver(void **state)
{
    struct worker worker;

    (void)state;
    worker_init(&worker, "there");
    here.context = &worker.thread;
    here.on_event = hold_and_move;
    post_type(&here, E(1), HY_PRIORITY_HIGH);
    post_type(&here, key, NORMAL);
    post_type(&here, button, NORMAL);
    assert_int_equal(hy_process(INPUT, HY_FOREVER), 1);
    assert_int_equal(hy_posted_count(NULL, HY_EVENT_ANY), 0);
    assert_ok(hy_thread_start(&worker.thread));
    flush_there(&worker.probe.hy);
    worker_stop(&worker);
    assert_true(PROBE_SAW(&here, E(1), key, button, button, E(2)));
}

static void test_a_thread_ends_with_input_held_back(void **state)
{
    char bytes[] = "typed";
    struct text text = {bytes};
    static const struct hy_event_type typed_type = {
        .name = "typed", .flags = HY_EVENT_USER_INPUT, .payload = &text_payload};
    uint32_t typed = 0;

    (void)state;
    assert_ok(hy_event_type_register(&typed_type, &typed));
    for (int i = 0; i < 3; i++)
        assert_ok(hy_post(&here.hy, typed, &text, sizeof text, NORMAL));
    assert_int_equal(hy_process(INPUT, HY_FOREVER), 0);
    object_end(&here.hy);
    assert_int_equal(hy_process(INPUT, HY_FOREVER), 0);
    assert_int_equal(hy_process(0, HY_FOREVER), 0); /* dropped as it comes up */
    assert_int_equal(text_copies(), 0);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_pe04_a_handler_flushes_its_own),
        CASE(test_pe04_a_flush_inside_a_flush),
        CASE(test_pe05_one_receiver_one_type_or_both),
        CASE(test_pe05_by_priority_events_slots_and_invokes),
        CASE(test_pe05_nothing_posted_meanwhile),
        CASE(test_pe05_what_came_by_a_move),
        CASE(test_pe05_bounded_connections),
        CASE(test_pe05_calls_of_other_threads),
        CASE(test_pe06_of_another_thread_is_refused),
        CASE(test_a_flush_whose_receivers_end),
        CASE(test_a_flush_whose_receiver_moves_away),
        CASE(test_a_flush_and_the_end_of_the_loop),
        CASE(test_pe07_flush_and_remove_in_each_other),
        CASE(test_pe07_by_receiver_by_type_by_both_or_all),
        CASE(test_pe07_during_a_flush),
        CASE(test_pe08_payloads_end_under_no_lock),
        CASE(test_pe09_what_a_destructor_posts_comes_later),
        CASE(test_pe12_the_one_being_handled_is_not_counted),
        CASE(test_what_will_not_be_delivered_is_not_counted),
        CASE(test_dd05_a_flush_serves_requests_of_its_handler),
        CASE(test_dd05_not_those_of_an_outer_handler),
        CASE(test_requests_of_other_threads_are_counted_once),
        CASE(test_el20_input_waits_in_its_order),
        CASE(test_el20_input_does_not_keep_a_loop_awake),
        CASE(test_el20_a_nested_loop_that_excludes_input),
        CASE(test_el20_the_innermost_iteration_decides),
        CASE(test_el20_flush_removal_count_and_ends_see_it),
        CASE(test_el20_input_moves_with_its_receiver),
        CASE(test_a_thread_ends_with_input_held_back),
    };

    allocator_install();
    return cmocka_run_group_tests_name("posted", tests, NULL, NULL);
}
