/* SPDX-License-Identifier: MIT */
/* Blocking connections: the emission waits for the slot. hy_call() is in test_call.c. */
#include "../helpers/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define E(n)  (HY_EVENT_USER + (n))
#define SHORT (20 * HY_MILLISECOND)
#define LONG  (WAIT_LIMIT_S * HY_SECOND)

/* --- slots ------------------------------------------------------------------------------------ */

static int answer(struct probe *self, const struct number *number)
{
    EXPECT(hy_object_is_here(&self->hy));
    probe_note(self, number->value);
    return (int)number->value * 2;
}

static int answer_nothing(struct probe *self)
{
    probe_note(self, -1);
    return 77;
}

static int answer_with(struct probe *self, const struct number *number, void *context)
{
    probe_note(self, number->value);
    return *(int *)context;
}

/* Notes where the payload is. */
static void look_at_text(struct probe *self, const struct text *text)
{
    self->context = (void *)(uintptr_t)text;
    probe_note(self, (int64_t)strlen(text->bytes));
}

static struct hy_connect_options with_timeout(int64_t timeout_ns)
{
    return (struct hy_connect_options){.flags = HY_BLOCKING, .timeout_ns = timeout_ns};
}

/* --- an emitter in a thread of its own -------------------------------------------------------- */

struct emitter {
    struct source *source;
    pthread_t thread;
    int64_t value;
    int rc, result;
};

static void *emitter_main(void *context)
{
    struct emitter *emitter = context;
    struct number number = {emitter->value};

    emitter->rc = hy_emit_result(&emitter->source->events.number, &number, &emitter->result);
    return NULL;
}

static void emitter_start(struct emitter *emitter, struct source *source, int64_t value)
{
    *emitter = (struct emitter){.source = source, .value = value, .result = -1};
    EXPECT_INT(pthread_create(&emitter->thread, NULL, emitter_main, emitter), 0);
}

static int emitter_join(struct emitter *emitter)
{
    pthread_join(emitter->thread, NULL);
    return emitter->rc;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void test_sc10_an_emission_waits_and_the_result_comes_back(void **state)
{
    struct worker worker;
    struct source source;
    struct number number = {21};
    int result = 0, context = 9;
    struct hy_connect_options options = {.flags = HY_BLOCKING, .context = &context};

    (void)state;
    worker_start(&worker, "worker");
    source_init(&source);
    assert_ok(hy_connect(&source.events.number, &worker.probe, answer, HY_BLOCKING));
    assert_int_equal(hy_emit_result(&source.events.number, &number, &result), 1);
    assert_int_equal(result, 42);
    assert_true(PROBE_SAW(&worker.probe, 21)); /* no need to wait for it */
    assert_int_equal(hy_emit(&source.events.number, &number), 1);
    assert_ok(hy_post(&worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    assert_int_equal(hy_emit(&source.events.number, &number), 1);
    assert_true(PROBE_SAW(&worker.probe, 21, 21, E(1), 21)); /* behind what was posted before */
    /* With a context, and without a payload. */
    assert_ok(hy_connect_with(&source.events.number, &worker.probe, answer_with, &options, NULL));
    assert_int_equal(hy_emit_result(&source.events.number, &number, &result), 2);
    assert_int_equal(result, 9); /* of the last one */
    assert_ok(hy_connect(&source.events.nothing, &worker.probe, answer_nothing, HY_BLOCKING));
    assert_int_equal(hy_signal_emit_result(&source.events.nothing.sig, NULL, &result), 1);
    assert_int_equal(result, 77);
    object_end(&source.hy);
    worker_stop(&worker);
}

static void test_sc10_a_slot_that_returns_nothing_leaves_the_result_alone(void **state)
{
    struct worker worker;
    struct probe here;
    struct source source;
    struct number number = {21};
    int result = 5;

    (void)state;
    worker_start(&worker, "worker");
    probe_init(&here, NULL);
    source_init(&source);
    assert_ok(hy_connect(&source.events.number, &worker.probe, probe_number, HY_BLOCKING));
    assert_int_equal(hy_emit_result(&source.events.number, &number, &result), 1);
    assert_int_equal(result, 5);
    /* Blocking ones and direct ones in one emission: the last that returns something. */
    assert_ok(hy_connect(&source.events.number, &here, answer, HY_DIRECT));
    assert_ok(hy_connect(&source.events.number, &worker.probe, probe_number, HY_BLOCKING));
    assert_int_equal(hy_emit_result(&source.events.number, &number, &result), 3);
    assert_int_equal(result, 42);
    object_end(&source.hy);
    object_end(&here.hy);
    worker_stop(&worker);
}

/* What arrives there is emitted there, and answered. */
static void test_sc10_through_a_signal_that_passes_it_on(void **state)
{
    struct worker worker;
    struct source source, relay;
    struct number number = {4};
    int result = 0;

    (void)state;
    worker_start(&worker, "worker");
    source_init(&source);
    source_init(&relay);
    assert_ok(hy_connect(&relay.events.number, &worker.probe, answer, HY_AUTO));
    assert_ok(hy_connect_signal(&source.events.number, &relay.events.number, HY_BLOCKING));
    assert_ok(hy_object_move_to_thread(&relay.hy, &worker.thread));
    assert_int_equal(hy_emit_result(&source.events.number, &number, &result), 1);
    assert_int_equal(result, 8);
    assert_true(PROBE_SAW(&worker.probe, 4));
    object_end(&source.hy);
    worker_stop(&worker);
}

/* The relay's own receiver lives where it emits. */
static void test_sc10_what_a_passed_on_emission_came_to_is_told(void **state)
{
    struct worker worker;
    struct source source, relay;
    struct number number = {4};

    (void)state;
    worker_start(&worker, "worker");
    source_init(&source);
    source_init(&relay);
    assert_ok(hy_connect(&relay.events.number, &worker.probe, answer, HY_BLOCKING));
    assert_ok(hy_connect_signal(&source.events.number, &relay.events.number, HY_BLOCKING));
    assert_ok(hy_object_move_to_thread(&relay.hy, &worker.thread));
    assert_int_equal(hy_emit(&source.events.number, &number), -HY_EDEADLK);
    object_end(&source.hy);
    worker_stop(&worker);
    assert_int_equal(worker.probe.count, 0);
}

/* --- payloads --------------------------------------------------------------------------------- */

static void test_qa03_the_payload_is_not_copied(void **state)
{
    struct worker worker;
    struct source source;
    struct text text = {strdup("hello")};
    struct view view = {"view"};
    int made = text_copies_made();

    (void)state;
    worker_start(&worker, "worker");
    source_init(&source);
    assert_ok(hy_connect(&source.events.text, &worker.probe, look_at_text, HY_BLOCKING));
    assert_int_equal(hy_emit(&source.events.text, &text), 1);
    assert_ptr_equal(worker.probe.context, &text);
    assert_int_equal(text_copies_made(), made);
    /* So a borrowed one can be sent, too. */
    assert_ok(hy_connect(&source.events.view, &worker.probe, probe_view, HY_BLOCKING));
    assert_int_equal(hy_emit(&source.events.view, &view), 1);
    assert_true(PROBE_SAW(&worker.probe, 5, 4));
    object_end(&source.hy);
    worker_stop(&worker);
    free(text.bytes);
}

static void test_qa03_with_a_time_out_it_is(void **state)
{
    struct worker worker;
    struct source source;
    struct text text = {strdup("hello")};
    struct hy_connect_options options = with_timeout(LONG);
    int made = text_copies_made();

    (void)state;
    worker_start(&worker, "worker");
    source_init(&source);
    assert_int_equal(
        hy_connect_with(&source.events.view, &worker.probe, probe_view, &options, NULL),
        -HY_EBORROWED);
    assert_ok(hy_connect_with(&source.events.text, &worker.probe, look_at_text, &options, NULL));
    assert_int_equal(hy_emit(&source.events.text, &text), 1);
    assert_ptr_not_equal(worker.probe.context, &text);
    assert_int_equal(text_copies_made(), made + 1);
    assert_int_equal(text_copies(), 0); /* gone as the emission returns */
    text_fail_after(0);
    assert_int_equal(hy_emit(&source.events.text, &text), -HY_ENOMEM);
    text_fail_after(-1);
    assert_true(PROBE_SAW(&worker.probe, 5));
    object_end(&source.hy);
    worker_stop(&worker);
    free(text.bytes);
}

/* --- nobody there ----------------------------------------------------------------------------- */

static void test_sc12_a_blocking_connection_within_one_thread_is_refused(void **state)
{
    struct probe first, second;
    struct source source;
    struct number number = {1};

    (void)state;
    probe_init(&first, NULL);
    probe_init(&second, NULL);
    source_init(&source);
    assert_ok(hy_connect(&source.events.number, &first, probe_number, HY_BLOCKING));
    assert_ok(hy_connect(&source.events.number, &second, probe_number, HY_AUTO));
    assert_int_equal(hy_emit(&source.events.number, &number), -HY_EDEADLK);
    assert_int_equal(hy_process(0, 0), 0); /* nothing was posted */
    assert_int_equal(first.count, 0);
    assert_true(PROBE_SAW(&second, 1)); /* the others are served all the same */
    object_end(&source.hy);
    object_end(&first.hy);
    object_end(&second.hy);
}

struct back {
    struct source source;
    int rc;
};

static void emit_back(struct probe *self, const struct number *number)
{
    struct back *back = self->context;

    back->rc = hy_emit(&back->source.events.number, number);
    probe_note(self, number->value);
}

static void test_sc12_a_slot_that_emits_back_is_refused(void **state)
{
    struct worker worker;
    struct probe here;
    struct source source;
    struct back back = {.rc = 1};
    struct number number = {1};

    (void)state;
    worker_start(&worker, "worker");
    probe_init(&here, NULL);
    source_init(&source);
    source_init(&back.source);
    worker.probe.context = &back;
    assert_ok(hy_connect(&source.events.number, &worker.probe, emit_back, HY_BLOCKING));
    assert_ok(hy_connect(&back.source.events.number, &here, probe_number, HY_BLOCKING));
    assert_int_equal(hy_emit(&source.events.number, &number), 1);
    assert_int_equal(back.rc, -HY_EDEADLK);
    assert_int_equal(here.count, 0);
    object_end(&source.hy);
    object_end(&back.source.hy);
    object_end(&here.hy);
    worker_stop(&worker);
}

static void test_sc13_a_thread_that_does_not_run(void **state)
{
    struct worker worker;
    struct source source;
    struct number number = {1};
    struct hy_connect_options options = with_timeout(SHORT);

    (void)state;
    worker_init(&worker, "worker");
    source_init(&source);
    assert_ok(hy_connect(&source.events.number, &worker.probe, probe_number, HY_BLOCKING));
    assert_int_equal(hy_emit(&source.events.number, &number), -HY_ESHUTDOWN);
    assert_int_equal(hy_disconnect(&source.events.number, &worker.probe, probe_number), 1);
    assert_ok(hy_connect_with(&source.events.number, &worker.probe, probe_number, &options, NULL));
    assert_int_equal(hy_emit(&source.events.number, &number), -HY_ETIMEDOUT);
    assert_ok(hy_thread_start(&worker.thread));
    flush_there(&worker.probe.hy);
    assert_int_equal(worker.probe.count, 0); /* neither runs late */
    object_end(&source.hy);
    worker_stop(&worker);
}

/* --- ends, cuts, time-outs -------------------------------------------------------------------- */

static void end_self(struct probe *self, struct hy_event *event)
{
    (void)event;
    EXPECT_INT(hy_object_fini(&self->hy), 0);
}

static void test_sc11_the_receiver_ends_while_it_is_waited_for(void **state)
{
    struct stall stall;
    struct source source;
    struct emitter emitters[3];

    (void)state;
    stall_start(&stall);
    source_init(&source);
    stall.worker.probe.on_event = end_self;
    assert_ok(hy_connect(&source.events.number, &stall.worker.probe, answer, HY_BLOCKING));
    assert_ok(hy_post(&stall.worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_HIGH));
    for (int i = 0; i < 3; i++)
        emitter_start(&emitters[i], &source, i);
    wait_busy_until_ns(hy_now_ns() + SHORT);
    stall_let_go(&stall);
    for (int i = 0; i < 3; i++) {
        int rc = emitter_join(&emitters[i]);

        /* One that came late found nothing connected. */
        assert_true(rc == -HY_ESHUTDOWN || rc == 0);
        assert_int_equal(emitters[i].result, -1);
    }
    object_end(&source.hy);
    stall_stop(&stall);
}

static void end_in_slot(struct probe *self, const struct number *number)
{
    probe_note(self, number->value);
    EXPECT_INT(hy_object_fini(&self->hy), 0);
}

static void test_sc11_a_slot_that_ends_its_receiver(void **state)
{
    struct worker worker;
    struct source source;
    struct number number = {1};

    (void)state;
    worker_start(&worker, "worker");
    source_init(&source);
    assert_ok(hy_connect(&source.events.number, &worker.probe, end_in_slot, HY_BLOCKING));
    assert_int_equal(hy_emit(&source.events.number, &number), 1);
    assert_true(PROBE_SAW(&worker.probe, 1));
    assert_int_equal(hy_emit(&source.events.number, &number), 0);
    object_end(&source.hy);
    worker_stop(&worker);
}

static void cut_while_waiting(unsigned flags, int expected)
{
    struct stall stall;
    struct source source;
    struct emitter emitter;
    struct hy_connection connection;
    struct hy_connect_options options = {.flags = HY_BLOCKING | flags};

    stall_start(&stall);
    source_init(&source);
    assert_ok(
        hy_connect_with(&source.events.number, &stall.worker.probe, answer, &options, &connection));
    emitter_start(&emitter, &source, 3);
    /* Until its call is in the mail; the emitter's flag is all that can be seen from here. */
    wait_busy_until_ns(hy_now_ns() + SHORT);
    assert_int_equal(hy_connection_disconnect(connection), 1);
    stall_let_go(&stall);
    /* On a busy machine the cut may have come before the emission. */
    int rc = emitter_join(&emitter);
    assert_true(rc == expected || rc == 0);
    assert_int_equal(emitter.result, rc == 1 ? 6 : -1);
    flush_there(&stall.worker.probe.hy);
    assert_int_equal(stall.worker.probe.count, rc == 1 ? 1 : 0);
    object_end(&source.hy);
    stall_stop(&stall);
}

/* Rules: SC-36. */
static void test_sc11_a_cut_releases_the_emitter(void **state)
{
    (void)state;
    cut_while_waiting(0, -HY_ESHUTDOWN);
}

static void test_sc36_what_outlives_the_cut_is_waited_for(void **state)
{
    (void)state;
    cut_while_waiting(HY_KEEP_QUEUED, 1);
}

/* A slot that outlasts the emission and its payload. */
static void slow_text(struct probe *self, const struct text *text)
{
    struct stall *stall = self->context;

    gate_open(&stall->entered);
    gate_wait(&stall->go);
    EXPECT(strcmp(text->bytes, "hello") == 0);
    probe_note(self, (int64_t)strlen(text->bytes));
}

/* Rules: PE-17. */
static void test_sc12_a_slot_that_is_too_slow_keeps_its_copy(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct stall stall;
        struct source source;
        struct text *text = malloc(sizeof *text);
        struct hy_connect_options options = with_timeout(3 * HY_MILLISECOND);

        gate_init(&stall.entered);
        gate_init(&stall.go);
        worker_start(&stall.worker, "worker");
        stall.worker.probe.context = &stall;
        source_init(&source);
        text->bytes = strdup("hello");
        assert_ok(
            hy_connect_with(&source.events.text, &stall.worker.probe, slow_text, &options, NULL));
        assert_int_equal(hy_emit(&source.events.text, text), -HY_ETIMEDOUT);
        memset(text->bytes, 'x', 5);
        free(text->bytes);
        free(text);
        object_end(&source.hy); /* what runs, runs on */
        stall_let_go(&stall);
        flush_there(&stall.worker.probe.hy);
        assert_true(stall.worker.probe.count <= 1); /* 0: it had not begun in time */
        assert_int_equal(text_copies(), 0);
        stall_stop(&stall);
    }
}

static void test_sc10_a_single_shot_that_was_not_served_in_time_has_not_fired(void **state)
{
    struct stall stall;
    struct source source;
    struct number number = {5};
    struct hy_connect_options options = {.flags = HY_BLOCKING | HY_SINGLE_SHOT,
                                         .timeout_ns = SHORT};

    (void)state;
    stall_start(&stall);
    source_init(&source);
    assert_ok(hy_connect_with(&source.events.number, &stall.worker.probe, answer, &options, NULL));
    assert_int_equal(hy_emit(&source.events.number, &number), -HY_ETIMEDOUT);
    assert_true(hy_signal_is_connected(&source.events.number.sig));
    stall_let_go(&stall);
    flush_there(&stall.worker.probe.hy);
    assert_int_equal(stall.worker.probe.count, 0);
    while (hy_emit(&source.events.number, &number) == -HY_ETIMEDOUT) {
    }
    assert_false(hy_signal_is_connected(&source.events.number.sig));
    assert_int_equal(hy_emit(&source.events.number, &number), 0);
    assert_true(PROBE_SAW(&stall.worker.probe, 5));
    object_end(&source.hy);
    stall_stop(&stall);
}

/* --- many emitters ---------------------------------------------------------------------------- */

#define EMITTERS 6

struct crowd {
    struct source source;
    pthread_t thread;
    int64_t answers;
    int count;
};

static void *crowd_main(void *context)
{
    struct crowd *crowd = context;
    struct text text = {strdup("four")};

    for (int i = 0; i < crowd->count; i++) {
        struct number number = {i};
        int result = -1;

        EXPECT_INT(hy_emit_result(&crowd->source.events.number, &number, &result), 1);
        EXPECT_INT(result, 2 * i);
        EXPECT_INT(hy_emit(&crowd->source.events.text, &text), 1);
    }
    free(text.bytes);
    return NULL;
}

static void test_sc10_many_emitters_and_one_receiver(void **state)
{
    struct worker worker;
    struct crowd crowds[EMITTERS];
    struct hy_connect_options options = with_timeout(LONG);

    (void)state;
    worker_start(&worker, "worker");
    for (int i = 0; i < EMITTERS; i++) {
        source_init(&crowds[i].source);
        crowds[i].count = check_scaled(500);
        assert_ok(hy_connect(&crowds[i].source.events.number, &worker.probe, answer, HY_BLOCKING));
        assert_ok(hy_connect_with(&crowds[i].source.events.text, &worker.probe, probe_text,
                                  &options, NULL));
    }
    for (int i = 0; i < EMITTERS; i++)
        pthread_create(&crowds[i].thread, NULL, crowd_main, &crowds[i]);
    for (int i = 0; i < EMITTERS; i++)
        pthread_join(crowds[i].thread, NULL);
    assert_int_equal(worker.probe.count, 2 * EMITTERS * crowds[0].count);
    assert_int_equal(text_copies(), 0);
    for (int i = 0; i < EMITTERS; i++)
        object_end(&crowds[i].source.hy);
    worker_stop(&worker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sc10_an_emission_waits_and_the_result_comes_back),
        TEST(test_sc10_a_slot_that_returns_nothing_leaves_the_result_alone),
        TEST(test_sc10_through_a_signal_that_passes_it_on),
        TEST(test_sc10_what_a_passed_on_emission_came_to_is_told),
        TEST(test_qa03_the_payload_is_not_copied),
        TEST(test_qa03_with_a_time_out_it_is),
        TEST(test_sc12_a_blocking_connection_within_one_thread_is_refused),
        TEST(test_sc12_a_slot_that_emits_back_is_refused),
        TEST(test_sc13_a_thread_that_does_not_run),
        TEST(test_sc11_the_receiver_ends_while_it_is_waited_for),
        TEST(test_sc11_a_slot_that_ends_its_receiver),
        TEST(test_sc11_a_cut_releases_the_emitter),
        TEST(test_sc36_what_outlives_the_cut_is_waited_for),
        TEST(test_sc12_a_slot_that_is_too_slow_keeps_its_copy),
        TEST(test_sc10_a_single_shot_that_was_not_served_in_time_has_not_fired),
        TEST(test_sc10_many_emitters_and_one_receiver),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
