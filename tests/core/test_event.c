/* SPDX-License-Identifier: MIT */
/* Posted events, sends and invocations. Rules PE, DC-09, DC-10. */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <string.h>

#define E(n) (HY_EVENT_USER + (n))

static struct probe here, other;

static int setup(void **state)
{
    probe_init(&here, NULL);
    probe_init(&other, NULL);
    return check_setup(state);
}

static int teardown(void **state)
{
    object_end(&here.hy);
    object_end(&other.hy);
    EXPECT_INT(text_copies(), 0);
    text_fail_after(-1);
    return check_teardown(state);
}

static void post(struct probe *probe, uint32_t number, enum hy_priority priority)
{
    EXPECT_INT(hy_post(&probe->hy, E(number), NULL, 0, priority), 0);
}

/* --- posts ------------------------------------------------------------------------------------ */

static void post_from_elsewhere(void *context)
{
    char bytes[] = "a payload that its poster does not keep";

    (void)context;
    EXPECT_INT(hy_post(&here.hy, E(2), bytes, sizeof bytes, HY_PRIORITY_NORMAL), 0);
    memset(bytes, 0, sizeof bytes);
}

static void expect_kept_payload(struct probe *self, struct hy_event *event)
{
    (void)self;
    if (event->type == E(2))
        EXPECT_INT(strcmp(event->data, "a payload that its poster does not keep"), 0);
}

/* Rules: PE-01, DC-09. */
static void test_pe01_posting_runs_nothing(void **state)
{
    struct worker worker;

    (void)state;
    here.on_event = expect_kept_payload;
    post(&here, 1, HY_PRIORITY_HIGH);
    assert_int_equal(here.count, 0);
    assert_int_equal(hy_process(0, HY_FOREVER), 1); /* the very next pass delivers */
    assert_true(PROBE_SAW(&here, E(1)));
    assert_int_equal(hy_process(0, HY_FOREVER), 0);
    worker_start(&worker, "poster");
    run_there(&worker.probe.hy, post_from_elsewhere, NULL);
    assert_int_equal(here.count, 1);
    assert_int_equal(hy_process(HY_PROCESS_WAIT, HY_FOREVER), 1); /* one that may wait, too */
    assert_true(PROBE_SAW(&here, E(1), E(2)));
    worker_stop(&worker);
}

struct point {
    int32_t x, y;
};

static void check_payload(struct probe *self, struct hy_event *event)
{
    const struct point *point = event->data;

    (void)self;
    if (event->type == E(1)) {
        EXPECT_INT(event->size, sizeof *point);
        EXPECT_INT(point->x, 3);
        EXPECT_INT(point->y, 4);
        EXPECT(((uintptr_t)point & 7) == 0);
    } else {
        EXPECT_INT(event->size, 0);
        EXPECT(event->data == NULL);
    }
}

static void test_post_copies_its_bytes(void **state)
{
    struct point point = {3, 4};

    (void)state;
    here.on_event = check_payload;
    assert_ok(hy_post(&here.hy, E(1), &point, sizeof point, HY_PRIORITY_NORMAL));
    point.x = 9;
    assert_ok(hy_post(&here.hy, E(2), NULL, 0, HY_PRIORITY_NORMAL));
    wait_drain();
    assert_int_equal(here.count, 2);
}

static void test_post_refuses_nonsense(void **state)
{
    (void)state;
    assert_int_equal(hy_post(NULL, E(1), NULL, 0, HY_PRIORITY_NORMAL), -HY_ESHUTDOWN);
    assert_int_equal(hy_post(&here.hy, E(1), NULL, 8, HY_PRIORITY_NORMAL), -HY_EINVAL);
    assert_int_equal(hy_post(&here.hy, E(1), NULL, 0, (enum hy_priority)7), -HY_EINVAL);
    assert_int_equal(hy_invoke(&here.hy, NULL, NULL, NULL), -HY_EINVAL);
    wait_drain();
    assert_int_equal(here.count, 0);
}

static void test_pe02_priorities_then_posting_order(void **state)
{
    (void)state;
    post(&here, 1, HY_PRIORITY_LOW);
    post(&here, 2, HY_PRIORITY_NORMAL);
    post(&here, 3, HY_PRIORITY_HIGH);
    post(&here, 4, HY_PRIORITY_LOW);
    post(&here, 5, HY_PRIORITY_NORMAL);
    post(&here, 6, HY_PRIORITY_HIGH);
    wait_drain();
    assert_true(PROBE_SAW(&here, E(3), E(6), E(2), E(5), E(1), E(4)));
}

static void post_higher(struct probe *self, struct hy_event *event)
{
    if (event->type == E(1)) {
        post(self, 11, HY_PRIORITY_HIGH);
        post(self, 12, HY_PRIORITY_NORMAL);
    }
}

static void test_pe03_no_overtaking(void **state)
{
    (void)state;
    here.on_event = post_higher;
    post(&here, 1, HY_PRIORITY_NORMAL);
    post(&here, 2, HY_PRIORITY_NORMAL);
    post(&here, 3, HY_PRIORITY_LOW);
    wait_drain();
    assert_true(PROBE_SAW(&here, E(1), E(2), E(3), E(11), E(12)));
}

static void test_pe03_no_overtaking_over_batches(void **state)
{
    enum {
        MANY = 3000
    };

    (void)state;
    here.on_event = post_higher;
    post(&here, 1, HY_PRIORITY_HIGH); /* its handler posts a high one */
    for (uint32_t i = 0; i < MANY; i++)
        post(&other, 100, HY_PRIORITY_LOW); /* more than one bounded batch */
    wait_drain();
    assert_int_equal(other.count, MANY);
    assert_true(PROBE_SAW(&here, E(1), E(11), E(12)));
}

/* The high one posted by the first event may come only after all low ones of that pass. */
static void note_how_many_before(struct probe *self, struct hy_event *event)
{
    if (event->type == E(1))
        post(self, 11, HY_PRIORITY_HIGH);
    else if (event->type == E(11))
        EXPECT_INT(other.count, 3000);
}

static void test_pe03_high_waits_for_the_rest_of_its_pass(void **state)
{
    (void)state;
    here.on_event = note_how_many_before;
    post(&here, 1, HY_PRIORITY_HIGH);
    for (uint32_t i = 0; i < 3000; i++)
        post(&other, 100, HY_PRIORITY_LOW);
    wait_drain();
    assert_true(PROBE_SAW(&here, E(1), E(11)));
}

static struct hy_loop nested_loop;

static void nest_and_post(struct probe *self, struct hy_event *event)
{
    if (event->type == E(1)) {
        post(self, 11, HY_PRIORITY_HIGH);
        post(self, 12, HY_PRIORITY_LOW);
        EXPECT_INT(hy_loop_init(&nested_loop), 0);
        EXPECT_INT(hy_loop_exec(&nested_loop, 0), 0);
    } else if (event->type == E(12)) {
        hy_loop_quit(&nested_loop, 0);
    }
}

static void test_el09_nested_loop_delivers_the_rest_of_the_pass_first(void **state)
{
    (void)state;
    here.on_event = nest_and_post;
    post(&here, 1, HY_PRIORITY_NORMAL);
    post(&here, 2, HY_PRIORITY_LOW);
    wait_drain();
    assert_true(PROBE_SAW(&here, E(1), E(2), E(11), E(12)));
}

static void test_pe10_end_discards_what_is_pending(void **state)
{
    (void)state;
    post(&here, 1, HY_PRIORITY_NORMAL);
    post(&other, 2, HY_PRIORITY_NORMAL);
    object_end(&here.hy);
    wait_drain();
    assert_int_equal(here.count, 0);
    assert_int_equal(other.count, 1);
}

static void end_other(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    object_end(&other.hy);
}

static void test_pe10_a_handler_ends_the_receiver_of_the_next(void **state)
{
    (void)state;
    here.on_event = end_other;
    post(&here, 1, HY_PRIORITY_NORMAL);
    post(&other, 2, HY_PRIORITY_NORMAL);
    wait_drain();
    assert_int_equal(other.count, 0);
    assert_int_equal(hy_post(&other.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL), -HY_ESHUTDOWN);
}

static void repost(struct probe *self, struct hy_event *event)
{
    if (self->count < 100000)
        post(self, event->type - HY_EVENT_USER, HY_PRIORITY_HIGH);
}

static void test_pe15_self_posting_does_not_starve_timers(void **state)
{
    struct hy_timer precise, zero;
    struct probe ticks, zeros;

    (void)state;
    probe_init(&ticks, NULL);
    probe_init(&zeros, NULL);
    assert_ok(hy_timer_init(&precise, NULL));
    assert_ok(hy_timer_init(&zero, NULL));
    hy_timer_set_accuracy(&precise, HY_TIMER_PRECISE);
    assert_ok(hy_connect(&precise.events.timeout, &ticks, probe_nothing, HY_AUTO));
    assert_ok(hy_connect(&zero.events.timeout, &zeros, probe_nothing, HY_AUTO));
    assert_ok(hy_timer_start(&precise, HY_MILLISECOND));
    assert_ok(hy_timer_start(&zero, 0));
    here.on_event = repost;
    post(&here, 1, HY_PRIORITY_HIGH);
    assert_true(wait_count(&ticks.reached, 5));
    assert_true(here.count < 100000); /* it was still posting */
    assert_true(zeros.count >= 5);
    object_end(&precise.hy);
    object_end(&zero.hy);
    object_end(&ticks.hy);
    object_end(&zeros.hy);
}

static void test_pe11_posts_wait_for_the_start(void **state)
{
    struct worker worker;

    (void)state;
    worker_init(&worker, "late");
    post(&worker.probe, 1, HY_PRIORITY_NORMAL);
    post(&worker.probe, 2, HY_PRIORITY_HIGH);
    post(&worker.probe, 3, HY_PRIORITY_NORMAL);
    assert_int_equal(worker.probe.count, 0);
    assert_ok(hy_thread_start(&worker.thread));
    flush_there(&worker.probe.hy);
    worker_stop(&worker);
    assert_true(PROBE_SAW(&worker.probe, E(2), E(1), E(3)));
}

static void test_post_to_a_finished_thread(void **state)
{
    struct worker worker;
    struct hy_ref ref;

    (void)state;
    worker_start(&worker, "gone");
    ref = hy_ref_to(&worker.probe.hy);
    hy_thread_quit(&worker.thread, 0);
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
    assert_int_equal(hy_ref_post(ref, E(1), NULL, 0, HY_PRIORITY_NORMAL), -HY_ESHUTDOWN);
    hy_ref_release(&ref);
    hy_thread_fini(&worker.thread);
}

static void test_post_to_a_thread_that_keeps(void **state)
{
    struct worker worker;

    (void)state;
    worker_init(&worker, "keeps");
    hy_thread_set_finish_policy(&worker.thread, HY_FINISH_KEEP);
    assert_ok(hy_thread_start(&worker.thread));
    hy_thread_quit(&worker.thread, 0);
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
    assert_ok(hy_post(&worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL)); /* for the restart */
    assert_int_equal(worker.probe.count, 0);
    assert_ok(hy_thread_start(&worker.thread));
    flush_there(&worker.probe.hy);
    hy_thread_quit(&worker.thread, 0);
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
    assert_true(PROBE_SAW(&worker.probe, E(1)));
    object_end(&worker.probe.hy);
    hy_thread_fini(&worker.thread);
}

/* --- what is promised of time and memory --------------------------------------------------------
 */

/* In a quadratic way this would take minutes. Rules: PE-20.
 * Departs: PE-20: flush, removal and moves are linear in the thread's backlog, posting is not. */
static void test_pe20_a_long_backlog(void **state)
{
    enum {
        MANY = 40000
    };
    struct worker worker;
    int64_t cpu_ns;

    (void)state;
    worker_init(&worker, "never");
    for (uint32_t i = 0; i < MANY; i++) {
        post(&here, i % 2, HY_PRIORITY_NORMAL);
        post(&other, i % 2, HY_PRIORITY_LOW);
    }
    cpu_ns = system_thread_cpu_ns();
    assert_int_equal(hy_posted_flush(&here.hy, E(1)), MANY / 2);
    assert_int_equal(hy_posted_remove(&other.hy, E(0)), MANY / 2);
    assert_int_equal(hy_posted_count(NULL, HY_EVENT_ANY), MANY);
    assert_ok(hy_object_move_to_thread(&other.hy, &worker.thread));
    assert_true(system_thread_cpu_ns() - cpu_ns < 5 * HY_SECOND);
    assert_int_equal(hy_posted_count(NULL, HY_EVENT_ANY), MANY / 2);
    wait_drain();
    assert_int_equal(here.count, MANY);
    object_end(&other.hy);
    object_end(&worker.probe.hy);
    hy_thread_fini(&worker.thread);
}

/* Rules: PE-21. */
static void test_pe21_no_allocation_once_the_store_is_filled(void **state)
{
    long before = 0;

    (void)state;
    if (UNDER_ASAN) {
        print_message("cells come from the heap under AddressSanitizer\n");
        skip();
    }
    for (int round = 0; round < 3; round++) {
        if (round == 1)
            before = allocator_requests();
        for (uint32_t i = 0; i < 500; i++)
            assert_ok(hy_post(&here.hy, E(i), &i, sizeof i, HY_PRIORITY_NORMAL));
        wait_drain();
    }
    assert_int_equal(allocator_requests() - before, 0);
}

/* --- sends ------------------------------------------------------------------------------------ */

static void send_wrongly(void *context)
{
    struct hy_event event = {.type = E(5)};

    EXPECT_INT(hy_send(context, &event), -HY_EWRONGTHREAD);
}

static void test_pe17_send_from_another_thread_is_an_error(void **state)
{
    struct worker worker;
    struct hy_event event = {.type = E(4)};

    (void)state;
    worker_start(&worker, "worker");
    assert_ok(hy_send(&here.hy, &event)); /* PE-16: at once, in the caller */
    assert_true(PROBE_SAW(&here, E(4)));
    run_there(&worker.probe.hy, send_wrongly, &here.hy);
    wait_drain();
    assert_true(PROBE_SAW(&here, E(4)));
    object_end(&here.hy);
    assert_int_equal(hy_send(&here.hy, &event), -HY_ESHUTDOWN);
    worker_stop(&worker);
}

static void test_an_object_without_a_handler_ignores_events(void **state)
{
    static const struct hy_class plain_class = HY_CLASS(struct hy_object, .base = NULL);
    struct hy_object plain;
    struct hy_event event = {.type = E(4)};

    (void)state;
    assert_ok(hy_object_init(&plain, &plain_class, NULL));
    assert_ok(hy_post(&plain, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    assert_ok(hy_send(&plain, &event));
    wait_drain();
    assert_ok(hy_object_fini(&plain));
}

/* --- invocations ------------------------------------------------------------------------------ */

static const struct hy_payload number_payload = HY_PLAIN_PAYLOAD(struct number);
static const struct hy_payload text_payload =
    HY_DESCRIBED_PAYLOAD(struct text, text_copy, text_destroy);
static const struct hy_payload borrowed_payload = {HY_PAYLOAD_BORROWED, "struct view",
                                                   sizeof(struct view), NULL, NULL};

static void invoked_number(struct hy_object *receiver, const void *payload)
{
    const struct number *number = payload;

    probe_note((struct probe *)(void *)receiver, number != NULL ? number->value : -1);
}

static void invoked_text(struct hy_object *receiver, const void *payload)
{
    const struct text *text = payload;

    probe_note((struct probe *)(void *)receiver, (int64_t)strlen(text->bytes));
}

static void test_invoke_keeps_its_order_with_posts(void **state)
{
    struct number number = {1};

    (void)state;
    post(&here, 1, HY_PRIORITY_NORMAL);
    assert_ok(hy_invoke(&here.hy, invoked_number, &number_payload, &number));
    number.value = 2;
    post(&here, 2, HY_PRIORITY_NORMAL);
    assert_ok(hy_invoke(&here.hy, invoked_number, &number_payload, &number));
    assert_ok(hy_invoke(&here.hy, invoked_number, NULL, NULL));
    assert_int_equal(here.count, 0); /* queued also from the own thread */
    wait_drain();
    assert_true(PROBE_SAW(&here, E(1), 1, E(2), 2, -1));
}

static void test_invoke_with_a_described_payload(void **state)
{
    char bytes[] = "harbour";
    struct text text = {bytes};

    (void)state;
    assert_ok(hy_invoke(&here.hy, invoked_text, &text_payload, &text));
    assert_int_equal(text_copies(), 1);
    bytes[3] = '\0';
    wait_drain();
    assert_true(PROBE_SAW(&here, 7));
    assert_int_equal(text_copies(), 0);
    assert_ok(hy_invoke(&here.hy, invoked_text, &text_payload, &text));
    object_end(&here.hy);
    wait_drain();
    assert_int_equal(text_copies(), 0);
    assert_int_equal(hy_invoke(&here.hy, invoked_text, &text_payload, &text), -HY_ESHUTDOWN);
    assert_int_equal(text_copies(), 0);
}

static void test_invoke_errors(void **state)
{
    char bytes[] = "x";
    struct text text = {bytes};
    struct view view = {bytes};
    struct hy_ref ref = hy_ref_to(&here.hy);

    (void)state;
    assert_int_equal(hy_invoke(&here.hy, invoked_number, &borrowed_payload, &view), -HY_EBORROWED);
    text_fail_after(0);
    assert_int_equal(hy_invoke(&here.hy, invoked_text, &text_payload, &text), -HY_ENOMEM);
    text_fail_after(-1);
    assert_ok(hy_ref_invoke(ref, invoked_text, &text_payload, &text));
    wait_drain();
    assert_true(PROBE_SAW(&here, 1));
    object_end(&here.hy);
    assert_int_equal(hy_ref_invoke(ref, invoked_text, &text_payload, &text), -HY_ESHUTDOWN);
    hy_ref_release(&ref);
    assert_int_equal(hy_ref_invoke(ref, invoked_text, &text_payload, &text), -HY_ESHUTDOWN);
}

/* --- two threads ------------------------------------------------------------------------------ */

static void post_many(void *context)
{
    for (uint32_t i = 0; i < 20; i++)
        post(context, i, HY_PRIORITY_NORMAL);
}

static void test_order_of_one_poster_to_several_receivers(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "poster");
    run_there(&worker.probe.hy, post_many, &here);
    run_there(&worker.probe.hy, post_many, &other);
    wait_drain();
    assert_int_equal(here.count, 20);
    assert_int_equal(other.count, 20);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(here.log[i], E((uint32_t)i));
        assert_int_equal(other.log[i], E((uint32_t)i));
    }
    worker_stop(&worker);
}

static void test_messages_outlive_the_thread_that_made_them(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "poster");
    run_there(&worker.probe.hy, post_many, &here);
    run_there(&worker.probe.hy, post_many, &other);
    worker_stop(&worker);
    wait_drain();
    assert_int_equal(here.count, 20);
    assert_int_equal(other.count, 20);
}

/* Timers and descriptors get their turn in between. Rules: PE-15. */
static void test_a_pass_is_bounded(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2000; i++)
        post(&here, i, HY_PRIORITY_NORMAL);
    assert_in_range(hy_process(0, HY_FOREVER), 1, 1000);
    wait_drain();
    assert_int_equal(here.count, 2000);
}

static void post_one(void *context)
{
    post(context, 1, HY_PRIORITY_NORMAL);
}

static void test_an_own_post_comes_after_what_others_posted_before(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "poster");
    run_there(&worker.probe.hy, post_one, &here);
    post(&here, 2, HY_PRIORITY_NORMAL);
    wait_drain();
    assert_true(PROBE_SAW(&here, E(1), E(2)));
    worker_stop(&worker);
}

static void test_events_to_a_worker_from_its_handlers(void **state)
{
    struct worker worker;

    (void)state;
    worker_init(&worker, "self");
    worker.probe.on_event = post_higher;
    assert_ok(hy_thread_start(&worker.thread));
    post(&worker.probe, 1, HY_PRIORITY_NORMAL);
    assert_true(wait_count(&worker.probe.reached, 3));
    worker_stop(&worker);
    assert_true(PROBE_SAW(&worker.probe, E(1), E(11), E(12)));
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_pe01_posting_runs_nothing),
        CASE(test_post_copies_its_bytes),
        CASE(test_post_refuses_nonsense),
        CASE(test_pe02_priorities_then_posting_order),
        CASE(test_pe03_no_overtaking),
        CASE(test_pe03_no_overtaking_over_batches),
        CASE(test_pe03_high_waits_for_the_rest_of_its_pass),
        CASE(test_el09_nested_loop_delivers_the_rest_of_the_pass_first),
        CASE(test_pe10_end_discards_what_is_pending),
        CASE(test_pe10_a_handler_ends_the_receiver_of_the_next),
        CASE(test_pe15_self_posting_does_not_starve_timers),
        CASE(test_pe11_posts_wait_for_the_start),
        CASE(test_post_to_a_finished_thread),
        CASE(test_post_to_a_thread_that_keeps),
        CASE(test_pe20_a_long_backlog),
        CASE(test_pe21_no_allocation_once_the_store_is_filled),
        CASE(test_pe17_send_from_another_thread_is_an_error),
        CASE(test_an_object_without_a_handler_ignores_events),
        CASE(test_invoke_keeps_its_order_with_posts),
        CASE(test_invoke_with_a_described_payload),
        CASE(test_invoke_errors),
        CASE(test_order_of_one_poster_to_several_receivers),
        CASE(test_messages_outlive_the_thread_that_made_them),
        CASE(test_a_pass_is_bounded),
        CASE(test_an_own_post_comes_after_what_others_posted_before),
        CASE(test_events_to_a_worker_from_its_handlers),
    };

    allocator_install();
    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
