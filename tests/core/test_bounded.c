/* SPDX-License-Identifier: MIT */
/* Bounded and latest connections: what waits for a slow receiver is limited. */
#include "../helpers/allocator.h"
#include "../helpers/worker.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define E(n) (HY_EVENT_USER + (n))

/* --- a worker that stands still, and a source that is connected to it ------------------------- */

struct limited {
    struct stall at;
    struct source source;
    struct hy_connection connection;
};

static void limited_start(struct limited *limited, unsigned flags, uint32_t limit,
                          enum hy_overflow overflow)
{
    struct hy_connect_options options = {.flags = flags, .limit = limit, .overflow = overflow};

    stall_start(&limited->at);
    source_init(&limited->source);
    EXPECT_INT(hy_connect_with(&limited->source.events.number, &limited->at.worker.probe,
                               probe_number, &options, &limited->connection),
               0);
}

static void limited_stop(struct limited *limited)
{
    if (limited->source.hy.anchor != NULL)
        object_end(&limited->source.hy);
    stall_stop(&limited->at);
}

static int emit(struct limited *limited, int64_t value)
{
    struct number number = {value};

    return hy_emit(&limited->source.events.number, &number);
}

static bool counts_are(const struct limited *limited, uint64_t accepted, uint64_t dropped,
                       uint64_t refused, uint32_t waiting, uint32_t high_water)
{
    struct hy_connection_counters counts;

    memset(&counts, 0xff, sizeof counts);
    return EXPECT_INT(hy_connection_get_counters(limited->connection, &counts), 0) &&
           EXPECT_INT(counts.accepted, accepted) && EXPECT_INT(counts.dropped, dropped) &&
           EXPECT_INT(counts.refused, refused) && EXPECT_INT(counts.waiting, waiting) &&
           EXPECT_INT(counts.high_water, high_water);
}

/* --- the policies ----------------------------------------------------------------------------- */

/* Departs: PE-19: what is limited is a connection, not an object or a thread; a post is not, and no
 * policy waits for room. */
static void test_pe19_a_full_connection_refuses(void **state)
{
    struct limited limited;

    (void)state;
    limited_start(&limited, HY_BOUNDED, 3, HY_OVERFLOW_REFUSE);
    assert_true(counts_are(&limited, 0, 0, 0, 0, 0));
    for (int i = 1; i <= 3; i++)
        assert_int_equal(emit(&limited, i), 1);
    assert_int_equal(emit(&limited, 4), -HY_EAGAIN);
    assert_non_null(strstr(hy_last_error()->message, "number"));
    assert_int_equal(emit(&limited, 5), -HY_EAGAIN);
    assert_true(counts_are(&limited, 3, 0, 2, 3, 3));
    stall_flush(&limited.at);
    assert_true(PROBE_SAW(&limited.at.worker.probe, 1, 2, 3));
    assert_true(counts_are(&limited, 3, 0, 2, 0, 3));
    assert_int_equal(emit(&limited, 6), 1); /* there is room again */
    flush_there(&limited.at.worker.probe.hy);
    assert_true(PROBE_SAW(&limited.at.worker.probe, 1, 2, 3, 6));
    limited_stop(&limited);
}

static void test_pe19_the_oldest_makes_room(void **state)
{
    struct limited limited;

    (void)state;
    limited_start(&limited, HY_BOUNDED | HY_QUEUED, 3, HY_OVERFLOW_DROP_OLDEST);
    for (int i = 1; i <= 5; i++)
        assert_int_equal(emit(&limited, i), 1);
    assert_true(counts_are(&limited, 5, 2, 0, 3, 3));
    stall_flush(&limited.at);
    assert_true(PROBE_SAW(&limited.at.worker.probe, 3, 4, 5));
    assert_true(counts_are(&limited, 5, 2, 0, 0, 3));
    limited_stop(&limited);
}

static void test_pe19_the_newest_is_dropped(void **state)
{
    struct limited limited;

    (void)state;
    limited_start(&limited, HY_BOUNDED, 3, HY_OVERFLOW_DROP_NEWEST);
    for (int i = 1; i <= 5; i++)
        assert_int_equal(emit(&limited, i),
                         i <= 3 ? 1 : 0); /* no error: it is what was asked for */
    assert_true(counts_are(&limited, 3, 2, 0, 3, 3));
    stall_flush(&limited.at);
    assert_true(PROBE_SAW(&limited.at.worker.probe, 1, 2, 3));
    limited_stop(&limited);
}

static void test_pe19_only_the_latest_is_kept(void **state)
{
    struct limited limited;

    (void)state;
    limited_start(&limited, HY_LATEST, 0, HY_OVERFLOW_REFUSE);
    for (int i = 1; i <= 1000; i++)
        assert_int_equal(emit(&limited, i), 1);
    assert_true(counts_are(&limited, 1000, 999, 0, 1, 1));
    stall_flush(&limited.at);
    assert_true(PROBE_SAW(&limited.at.worker.probe, 1000));
    for (int i = 1; i <= 3; i++) { /* one that keeps up loses nothing */
        assert_int_equal(emit(&limited, i), 1);
        flush_there(&limited.at.worker.probe.hy);
    }
    assert_true(PROBE_SAW(&limited.at.worker.probe, 1000, 1, 2, 3));
    limited_stop(&limited);
}

/* --- order ------------------------------------------------------------------------------------ */

static void post(struct limited *limited, int number)
{
    EXPECT_INT(hy_post(&limited->at.worker.probe.hy, HY_EVENT_USER + (uint32_t)number, NULL, 0,
                       HY_PRIORITY_NORMAL),
               0);
}

/* Rules: PE-02. */
static void test_pe19_bounded_calls_keep_their_place_among_other_messages(void **state)
{
    struct limited limited;

    (void)state;
    limited_start(&limited, HY_BOUNDED, 2, HY_OVERFLOW_DROP_OLDEST);
    post(&limited, 1);
    emit(&limited, 1);
    post(&limited, 2);
    emit(&limited, 2);
    post(&limited, 3);
    stall_flush(&limited.at);
    assert_true(PROBE_SAW(&limited.at.worker.probe, E(1), 1, E(2), 2, E(3)));
    stall_again(&limited.at);
    limited.at.worker.probe.count = 0;
    post(&limited, 1);
    emit(&limited, 1);
    post(&limited, 2);
    emit(&limited, 2);
    post(&limited, 3);
    emit(&limited, 3); /* 1 makes room: 2 and 3 move up */
    stall_flush(&limited.at);
    assert_true(PROBE_SAW(&limited.at.worker.probe, E(1), 2, E(2), 3, E(3)));
    limited_stop(&limited);
}

static void test_pe19_what_is_direct_is_not_limited(void **state)
{
    struct source source;
    struct probe probe;
    struct number number = {1};
    struct hy_connection connection;
    struct hy_connection_counters counts;
    struct hy_connect_options options = {.flags = HY_BOUNDED, .limit = 1};

    (void)state;
    probe_init(&probe, NULL);
    source_init(&source);
    assert_ok(hy_connect_with(&source.events.number, &probe, probe_number, &options, &connection));
    for (int i = 0; i < 3; i++)
        assert_int_equal(hy_emit(&source.events.number, &number), 1);
    assert_int_equal(probe.count, 3);
    assert_ok(hy_connection_get_counters(connection, &counts));
    assert_int_equal(counts.accepted, 0);
    object_end(&source.hy);
    object_end(&probe.hy);
}

static void test_pe19_queued_within_one_thread(void **state)
{
    struct source source;
    struct probe probe;
    struct hy_connect_options options = {
        .flags = HY_BOUNDED | HY_QUEUED, .limit = 2, .overflow = HY_OVERFLOW_DROP_OLDEST};

    (void)state;
    probe_init(&probe, NULL);
    source_init(&source);
    assert_ok(hy_connect_with(&source.events.number, &probe, probe_number, &options, NULL));
    for (int i = 1; i <= 4; i++) {
        struct number number = {i};

        assert_int_equal(hy_emit(&source.events.number, &number), 1);
    }
    wait_drain();
    assert_true(PROBE_SAW(&probe, 3, 4));
    object_end(&source.hy);
    object_end(&probe.hy);
}

/* Rules: PE-05, PE-07. */
static void test_pe19_what_waits_is_counted_flushed_and_removed(void **state)
{
    struct source source;
    struct probe probe;
    struct number number = {7};
    struct hy_connection connection;
    struct hy_connection_counters counts;
    struct hy_connect_options options = {
        .flags = HY_BOUNDED | HY_QUEUED, .limit = 2, .overflow = HY_OVERFLOW_DROP_OLDEST};

    (void)state;
    probe_init(&probe, NULL);
    source_init(&source);
    assert_ok(hy_connect_with(&source.events.number, &probe, probe_number, &options, &connection));
    for (int i = 0; i < 3; i++)
        assert_int_equal(hy_emit(&source.events.number, &number), 1);
    assert_int_equal(hy_posted_count(&probe.hy, HY_EVENT_ANY), 2);
    assert_int_equal(hy_posted_flush(&probe.hy, HY_EVENT_ANY), 2);
    assert_true(PROBE_SAW(&probe, 7, 7));
    for (int i = 0; i < 3; i++)
        assert_int_equal(hy_emit(&source.events.number, &number), 1);
    assert_int_equal(hy_posted_remove(&probe.hy, HY_EVENT_ANY), 2);
    assert_ok(hy_connection_get_counters(connection, &counts));
    assert_int_equal(counts.waiting, 0);
    wait_drain();
    assert_int_equal(probe.count, 2);
    object_end(&source.hy);
    object_end(&probe.hy);
}

/* --- ends, cuts, moves ------------------------------------------------------------------------ */

static void end_self(struct probe *self, struct hy_event *event)
{
    (void)event;
    EXPECT_INT(hy_object_fini(&self->hy), 0);
}

/* Three texts wait, one has made room for the third. */
static void three_texts_wait(struct limited *limited, unsigned flags)
{
    struct text text = {strdup("1")};
    struct hy_connect_options options = {
        .flags = HY_BOUNDED | flags, .limit = 3, .overflow = HY_OVERFLOW_DROP_OLDEST};

    limited_start(limited, HY_LATEST, 0, HY_OVERFLOW_REFUSE);
    EXPECT_INT(hy_connect_with(&limited->source.events.text, &limited->at.worker.probe, probe_text,
                               &options, &limited->connection),
               0);
    for (int i = 0; i < 4; i++)
        EXPECT_INT(hy_emit(&limited->source.events.text, &text), 1);
    EXPECT_INT(text_copies(), 3);
    free(text.bytes);
}

/* Rules: SC-37, QA-02. */
static void test_pe19_the_receiver_ends_with_payloads_waiting(void **state)
{
    struct limited limited;

    (void)state;
    three_texts_wait(&limited, 0);
    limited.at.worker.probe.on_event = end_self;
    assert_ok(hy_post(&limited.at.worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_HIGH));
    stall_let_go(&limited.at);
    worker_stop(&limited.at.worker);
    assert_int_equal(text_copies(), 0);
    assert_true(PROBE_SAW(&limited.at.worker.probe, E(1)));
    assert_int_equal(emit(&limited, 1), 0);
    object_end(&limited.source.hy);
    gate_fini(&limited.at.entered);
    gate_fini(&limited.at.go);
}

static void test_pe19_the_sender_ends_with_payloads_waiting(void **state)
{
    struct limited limited;

    (void)state;
    three_texts_wait(&limited, 0);
    object_end(&limited.source.hy);
    stall_flush(&limited.at);
    assert_true(PROBE_SAW(&limited.at.worker.probe, 1, 1, 1)); /* it does not take them back */
    assert_int_equal(text_copies(), 0);
    limited_stop(&limited);
}

/* Rules: SC-36. */
static void test_pe19_a_cut_drops_what_waits(void **state)
{
    struct limited limited;
    struct hy_connection_counters counts;

    (void)state;
    three_texts_wait(&limited, 0);
    assert_int_equal(hy_connection_disconnect(limited.connection), 1);
    assert_int_equal(hy_connection_get_counters(limited.connection, &counts), -HY_ENOENT);
    stall_flush(&limited.at);
    assert_int_equal(limited.at.worker.probe.count, 0);
    assert_int_equal(text_copies(), 0);
    assert_int_equal(hy_thread_get_counters(&limited.at.worker.thread).dropped, 3);
    limited_stop(&limited);
}

static void test_sc36_what_outlives_the_cut_is_delivered(void **state)
{
    struct limited limited;

    (void)state;
    three_texts_wait(&limited, HY_KEEP_QUEUED);
    assert_int_equal(hy_connection_disconnect(limited.connection), 1);
    stall_flush(&limited.at);
    assert_true(PROBE_SAW(&limited.at.worker.probe, 1, 1, 1));
    assert_int_equal(text_copies(), 0);
    limited_stop(&limited);
}

static void test_pe19_the_thread_ends_with_payloads_waiting(void **state)
{
    struct limited limited;

    (void)state;
    three_texts_wait(&limited, 0);
    hy_thread_set_finish_policy(&limited.at.worker.thread, HY_FINISH_DISCARD);
    hy_thread_quit(&limited.at.worker.thread, 0);
    stall_let_go(&limited.at);
    assert_ok(hy_thread_join(&limited.at.worker.thread, HY_FOREVER));
    assert_int_equal(text_copies(), 0);
    assert_int_equal(limited.at.worker.probe.count, 0);
    limited_stop(&limited);

    three_texts_wait(&limited, 0);
    hy_thread_set_finish_policy(&limited.at.worker.thread, HY_FINISH_KEEP);
    hy_thread_quit(&limited.at.worker.thread, 0);
    stall_let_go(&limited.at);
    assert_ok(hy_thread_join(&limited.at.worker.thread, HY_FOREVER));
    assert_int_equal(text_copies(), 3);
    hy_thread_set_finish_policy(&limited.at.worker.thread, HY_FINISH_DRAIN);
    assert_ok(hy_thread_start(&limited.at.worker.thread));
    flush_there(&limited.at.worker.probe.hy);
    assert_true(PROBE_SAW(&limited.at.worker.probe, 1, 1, 1));
    limited_stop(&limited);
    assert_int_equal(text_copies(), 0);
}

static void move_self(struct probe *self, struct hy_event *event)
{
    (void)event;
    EXPECT_INT(hy_object_move_to_thread(&self->hy, self->context), 0);
}

static void test_pe19_payloads_follow_their_receiver(void **state)
{
    struct limited limited;
    struct worker other;
    struct hy_connection_counters counts;

    (void)state;
    worker_start(&other, "other");
    three_texts_wait(&limited, 0);
    limited.at.worker.probe.on_event = move_self;
    limited.at.worker.probe.context = &other.thread;
    assert_ok(hy_post(&limited.at.worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_HIGH));
    stall_let_go(&limited.at);
    while (count_get(&limited.at.worker.probe.reached) < 4)
        sched_yield();
    flush_there(&limited.at.worker.probe.hy);
    assert_true(PROBE_SAW(&limited.at.worker.probe, E(1), 1, 1, 1));
    assert_ok(hy_connection_get_counters(limited.connection, &counts));
    assert_int_equal(counts.waiting, 0);
    assert_int_equal(counts.accepted, 4);
    assert_int_equal(text_copies(), 0);
    worker_stop(&other);
    limited_stop(&limited);
}

/* --- what it costs ---------------------------------------------------------------------------- */

static void test_pe19_a_copy_that_fails_changes_nothing(void **state)
{
    struct limited limited;
    struct text text = {strdup("22")};
    struct hy_connection_counters counts;

    (void)state;
    three_texts_wait(&limited, 0);
    text_fail_after(0);
    assert_int_equal(hy_emit(&limited.source.events.text, &text), -HY_ENOMEM);
    text_fail_after(-1);
    assert_ok(hy_connection_get_counters(limited.connection, &counts));
    assert_int_equal(counts.accepted, 4);
    assert_int_equal(counts.waiting, 3);
    assert_int_equal(text_copies(), 3);
    free(text.bytes);
    stall_flush(&limited.at);
    assert_true(PROBE_SAW(&limited.at.worker.probe, 1, 1, 1));
    limited_stop(&limited);
}

static void test_pe19_what_is_turned_away_is_not_copied(void **state)
{
    struct limited limited;
    struct text text = {strdup("22")};
    struct hy_connect_options options = {.flags = HY_BOUNDED, .limit = 1};
    int made;

    (void)state;
    limited_start(&limited, HY_LATEST, 0, HY_OVERFLOW_REFUSE);
    assert_ok(hy_connect_with(&limited.source.events.text, &limited.at.worker.probe, probe_text,
                              &options, &limited.connection));
    assert_int_equal(hy_emit(&limited.source.events.text, &text), 1);
    made = text_copies_made();
    for (int i = 0; i < 10; i++)
        assert_int_equal(hy_emit(&limited.source.events.text, &text), -HY_EAGAIN);
    assert_int_equal(text_copies_made(), made);
    free(text.bytes);
    stall_flush(&limited.at);
    limited_stop(&limited);
}

static void memory_while_stalled(enum hy_overflow overflow)
{
    struct limited limited;
    long bytes;

    limited_start(&limited, HY_BOUNDED, 100, overflow);
    for (int i = 0; i < 1000; i++)
        emit(&limited, i);
    bytes = allocator_bytes();
    for (int i = 0; i < 100000; i++)
        emit(&limited, i);
    assert_true(allocator_bytes() <= bytes + 20000);
    stall_flush(&limited.at);
    assert_int_equal(limited.at.worker.probe.count, 100);
    limited_stop(&limited);
}

static void test_pe19_memory_stays_bounded_while_the_receiver_stalls(void **state)
{
    (void)state;
    memory_while_stalled(HY_OVERFLOW_REFUSE);
    memory_while_stalled(HY_OVERFLOW_DROP_OLDEST);
    memory_while_stalled(HY_OVERFLOW_DROP_NEWEST);
}

/* --- several emitters ------------------------------------------------------------------------- */

#define EMITTERS 4

struct crowd {
    struct source *source;
    pthread_t thread;
    int64_t number, count;
    int64_t queued, refused;
};

static void *crowd_main(void *context)
{
    struct crowd *crowd = context;

    for (int64_t i = 1; i <= crowd->count; i++) {
        struct number number = {i * EMITTERS + crowd->number};
        int rc = hy_emit(&crowd->source->events.number, &number);

        EXPECT(rc == 0 || rc == 1 || rc == -HY_EAGAIN);
        crowd->queued += rc == 1;
        crowd->refused += rc == -HY_EAGAIN;
        if (i % 64 == 0)
            sched_yield();
    }
    return NULL;
}

/* Of each emitter in order; all of them share a source, and so the one connection. */
struct sink {
    struct probe probe;
    int64_t last[EMITTERS];
    int64_t delivered;
    struct hy_thread *homes[2];
};

static void in_order(struct sink *self, const struct number *number)
{
    int64_t *last = &self->last[number->value % EMITTERS];

    EXPECT(hy_object_is_here(&self->probe.hy));
    EXPECT(number->value > *last);
    *last = number->value;
    self->delivered++;
    /* It moves now and then, to and fro. */
    if (self->homes[0] != NULL && self->delivered % 50 == 0)
        EXPECT_INT(hy_object_move_to_thread(&self->probe.hy, hy_thread_current() == self->homes[0]
                                                                 ? self->homes[1]
                                                                 : self->homes[0]),
                   0);
}

static void sink_number(struct probe *self, const struct number *number)
{
    in_order((struct sink *)(void *)self, number);
}

static const struct hy_class sink_class = HY_CLASS(struct sink, .base = &probe_class);

static int ask_delivered(struct hy_object *receiver, void *argument)
{
    *(int64_t *)argument = ((struct sink *)(void *)receiver)->delivered;
    return 0;
}

static void emitters_against_one_receiver(enum hy_overflow overflow, bool moving)
{
    struct worker workers[2];
    struct source source;
    struct sink sink;
    struct crowd crowds[EMITTERS];
    struct hy_connection connection;
    struct hy_connection_counters counts = {0};
    struct hy_connect_options options = {
        .flags = HY_BOUNDED | HY_QUEUED, .limit = 16, .overflow = overflow};
    uint64_t queued = 0, refused = 0, total = 0;
    int64_t delivered = 0;

    memset(&sink, 0, sizeof sink);
    worker_start(&workers[0], "first");
    worker_start(&workers[1], "second");
    assert_ok(hy_object_init(&sink.probe.hy, &sink_class, NULL));
    if (moving) {
        sink.homes[0] = &workers[0].thread;
        sink.homes[1] = &workers[1].thread;
    }
    source_init(&source);
    assert_ok(
        hy_connect_with(&source.events.number, &sink.probe, sink_number, &options, &connection));
    assert_ok(hy_object_move_to_thread(&sink.probe.hy, &workers[0].thread));
    for (int i = 0; i < EMITTERS; i++) {
        crowds[i].source = &source;
        crowds[i].number = i;
        crowds[i].count = check_scaled(5000);
        crowds[i].queued = crowds[i].refused = 0;
    }
    for (int i = 0; i < EMITTERS; i++)
        pthread_create(&crowds[i].thread, NULL, crowd_main, &crowds[i]);
    for (int i = 0; i < EMITTERS; i++) {
        pthread_join(crowds[i].thread, NULL);
        queued += (uint64_t)crowds[i].queued;
        refused += (uint64_t)crowds[i].refused;
        total += (uint64_t)crowds[i].count;
    }
    /* Behind them all, wherever it lives by now. */
    assert_ok(
        hy_call(&sink.probe.hy, ask_delivered, &delivered, sizeof delivered, HY_FOREVER, NULL));
    assert_ok(hy_connection_get_counters(connection, &counts));
    assert_int_equal(counts.waiting, 0);
    assert_true(counts.high_water <= 16);
    assert_int_equal(counts.accepted, queued);
    assert_int_equal(counts.refused, refused);
    assert_int_equal(counts.accepted + counts.refused +
                         (overflow == HY_OVERFLOW_DROP_NEWEST ? counts.dropped : 0),
                     total);
    assert_int_equal(
        (uint64_t)delivered + (overflow == HY_OVERFLOW_DROP_OLDEST ? counts.dropped : 0), queued);
    print_message("# policy %d: %lld delivered, %llu dropped, %llu refused\n", (int)overflow,
                  (long long)delivered, (unsigned long long)counts.dropped,
                  (unsigned long long)counts.refused);
    object_end(&source.hy);
    worker_stop(&workers[0]);
    worker_stop(&workers[1]);
}

static void test_pe19_several_emitters(void **state)
{
    (void)state;
    emitters_against_one_receiver(HY_OVERFLOW_REFUSE, false);
    emitters_against_one_receiver(HY_OVERFLOW_DROP_OLDEST, false);
    emitters_against_one_receiver(HY_OVERFLOW_DROP_NEWEST, false);
}

/* Rules: OA-15. */
static void test_pe19_several_emitters_and_a_receiver_that_moves(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        emitters_against_one_receiver(HY_OVERFLOW_REFUSE, true);
        emitters_against_one_receiver(HY_OVERFLOW_DROP_OLDEST, true);
        emitters_against_one_receiver(HY_OVERFLOW_DROP_NEWEST, true);
    }
}

/* --- mistakes --------------------------------------------------------------------------------- */

static void test_pe19_what_cannot_be_bounded(void **state)
{
    struct source source;
    struct probe probe;
    struct hy_connection connection, none = {NULL, 0};
    struct hy_connection_counters counts;
    struct hy_connect_options options = {.flags = HY_BOUNDED};

    (void)state;
    probe_init(&probe, NULL);
    source_init(&source);
    assert_int_equal(hy_connect_with(&source.events.number, &probe, probe_number, &options, NULL),
                     -HY_EINVAL);
    options = (struct hy_connect_options){.flags = HY_BOUNDED | HY_LATEST, .limit = 3};
    assert_int_equal(hy_connect_with(&source.events.number, &probe, probe_number, &options, NULL),
                     -HY_EINVAL);
    options.flags = HY_BOUNDED | HY_BLOCKING;
    assert_int_equal(hy_connect_with(&source.events.number, &probe, probe_number, &options, NULL),
                     -HY_EINVAL);
    options = (struct hy_connect_options){.flags = HY_BLOCKING, .timeout_ns = -1};
    assert_int_equal(hy_connect_with(&source.events.number, &probe, probe_number, &options, NULL),
                     -HY_EINVAL);
    options = (struct hy_connect_options){.flags = HY_BOUNDED, .limit = 3};
    assert_int_equal(hy_connect_with(&source.events.view, &probe, probe_view, &options, NULL),
                     -HY_EBORROWED);
    options.flags = HY_AUTO;
    assert_ok(hy_connect_with(&source.events.number, &probe, probe_number, &options, &connection));
    assert_int_equal(hy_connection_get_counters(connection, &counts), -HY_EINVAL);
    assert_int_equal(hy_connection_get_counters(none, &counts), -HY_ENOENT);
    object_end(&source.hy);
    assert_int_equal(hy_connection_get_counters(connection, &counts), -HY_ENOENT);
    object_end(&probe.hy);
}

/* --- a payload whose end moves the receiver away -----------------------------------------------
 */

/* It takes along whoever stays behind when its last copy ends. */
struct passage {
    struct probe *passenger;
    struct hy_thread *to;
};

static int passage_copy(void *to, const void *from)
{
    memcpy(to, from, sizeof(struct passage));
    return 0;
}

static void passage_destroy(void *payload)
{
    struct passage *passage = payload;

    if (!hy_object_is_here(&passage->passenger->hy))
        return;
    EXPECT_INT(hy_object_move_to_thread(&passage->passenger->hy, passage->to), 0);
    EXPECT_INT(hy_post(&passage->passenger->hy, E(1), NULL, 0, HY_PRIORITY_NORMAL), 0);
}

struct ferry {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(struct passage) leaves;
    } events;
};

static const struct hy_class ferry_class =
    HY_CLASS(struct ferry, .signals = HY_SIGNALS(HY_DESCRIBED(struct ferry, events.leaves,
                                                              passage_copy, passage_destroy)));

static void board(struct probe *self, const struct passage *passage)
{
    (void)self, (void)passage;
    EXPECT(false); /* it was cut before */
}

/* What was cut is dropped, and counted, in the thread in which it arrived. */
static void test_the_end_of_a_dropped_payload_moves_its_receiver(void **state)
{
    struct hy_connect_options options = {.flags = HY_BOUNDED | HY_QUEUED, .limit = 2};

    (void)state;
    for (int i = 0, n = check_scaled(50); i < n; i++) {
        struct worker worker;
        struct ferry ferry;
        struct probe passenger;
        struct passage passage = {&passenger, &worker.thread};

        worker_start(&worker, "shore");
        probe_init(&passenger, NULL);
        assert_ok(hy_object_init(&ferry.hy, &ferry_class, NULL));
        assert_ok(hy_connect_with(&ferry.events.leaves, &passenger, board, &options, NULL));
        assert_int_equal(hy_emit(&ferry.events.leaves, &passage), 1);
        assert_int_equal(hy_disconnect(&ferry.events.leaves, &passenger, board), 1);
        wait_drain();
        assert_true(wait_count(&passenger.reached, 1));
        worker_stop(&worker);
        object_end(&ferry.hy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pe19_a_full_connection_refuses),
        TEST(test_pe19_the_oldest_makes_room),
        TEST(test_pe19_the_newest_is_dropped),
        TEST(test_pe19_only_the_latest_is_kept),
        TEST(test_pe19_bounded_calls_keep_their_place_among_other_messages),
        TEST(test_pe19_what_is_direct_is_not_limited),
        TEST(test_pe19_queued_within_one_thread),
        TEST(test_pe19_what_waits_is_counted_flushed_and_removed),
        TEST(test_pe19_the_receiver_ends_with_payloads_waiting),
        TEST(test_pe19_the_sender_ends_with_payloads_waiting),
        TEST(test_pe19_a_cut_drops_what_waits),
        TEST(test_sc36_what_outlives_the_cut_is_delivered),
        TEST(test_pe19_the_thread_ends_with_payloads_waiting),
        TEST(test_pe19_payloads_follow_their_receiver),
        TEST(test_pe19_a_copy_that_fails_changes_nothing),
        TEST(test_pe19_what_is_turned_away_is_not_copied),
        TEST(test_pe19_memory_stays_bounded_while_the_receiver_stalls),
        TEST(test_pe19_several_emitters),
        TEST(test_pe19_several_emitters_and_a_receiver_that_moves),
        TEST(test_pe19_what_cannot_be_bounded),
        TEST(test_the_end_of_a_dropped_payload_moves_its_receiver),
    };

    allocator_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
