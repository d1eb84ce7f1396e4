/* SPDX-License-Identifier: MIT */
/* Threads that would wait for each other for ever: in calls, in joins, and after a move. */
#include "../helpers/worker.h"

#include <sched.h>

#define E(n)   (HY_EVENT_USER + (n))
#define SHORT  (20 * HY_MILLISECOND)
#define LONG   (WAIT_LIMIT_S * HY_SECOND)
#define ROUNDS check_scaled(300)

struct sum {
    int64_t a, b, result;
};

static int add(struct hy_object *receiver, void *argument)
{
    struct sum *sum = argument;

    EXPECT(hy_object_is_here(receiver));
    sum->result = sum->a + sum->b;
    return 7;
}

static const struct hy_payload pointer_payload = HY_PLAIN_PAYLOAD(void *);

/* --- circles ---------------------------------------------------------------------------------- */

struct hop {
    struct worker *workers;
    int count, at, rc;
};

/* Each thread calls the next one, the last one the first. */
static int hop_on(struct hy_object *receiver, void *argument)
{
    struct hop *hop = argument;
    struct hop next = {hop->workers, hop->count, hop->at + 1, 1};

    (void)receiver;
    hop->rc = hy_call(&hop->workers[next.at % hop->count].probe.hy, hop_on, &next, sizeof next,
                      HY_FOREVER, NULL);
    if (hop->rc == 0)
        hop->rc = next.rc;
    return 0;
}

static void test_sc12_a_circle_of_threads_is_refused(void **state)
{
    (void)state;
    for (int count = 1; count <= 5; count++) {
        struct worker workers[5];
        struct hop hop = {workers, count, 0, 1};

        for (int i = 0; i < count; i++)
            worker_start(&workers[i], "worker");
        assert_int_equal(
            hy_call(&workers[0].probe.hy, hop_on, &hop, sizeof hop, hy_now_ns() + LONG, NULL), 0);
        assert_int_equal(hop.rc, -HY_EDEADLK);
        for (int i = 0; i < count; i++)
            worker_stop(&workers[i]);
    }
}

struct meeting {
    struct probe *other;
    int *arrived, count;
    struct gate done;
    int rc;
};

/* In its own thread, when all are there: calls the next one. */
static void meet_and_call(struct hy_object *receiver, const void *payload)
{
    struct meeting *meeting = *(struct meeting *const *)payload;
    struct sum sum = {1, 2, 0};

    (void)receiver;
    (void)count_up(meeting->arrived);
    while (count_get(meeting->arrived) < meeting->count)
        sched_yield();
    meeting->rc = hy_call(&meeting->other->hy, add, &sum, sizeof sum, HY_FOREVER, NULL);
    EXPECT(meeting->rc != 0 || sum.result == 3);
    gate_open(&meeting->done);
}

/* All close the circle at the same moment: at least one is refused, and the others go on. */
static void close_together(int count, int rounds)
{
    struct worker workers[4];
    struct meeting meetings[4];
    int refused = 0;

    for (int i = 0; i < count; i++) {
        worker_start(&workers[i], "worker");
        gate_init(&meetings[i].done);
    }
    for (int round = 0; round < rounds; round++) {
        int arrived = 0, failed = 0;

        for (int i = 0; i < count; i++) {
            struct meeting *meeting = &meetings[i];

            meeting->other = &workers[(i + 1) % count].probe;
            meeting->arrived = &arrived;
            meeting->count = count;
            EXPECT_INT(hy_invoke(&workers[i].probe.hy, meet_and_call, &pointer_payload, &meeting),
                       0);
        }
        for (int i = 0; i < count; i++) {
            assert_true(gate_wait(&meetings[i].done));
            EXPECT(meetings[i].rc == 0 || meetings[i].rc == -HY_EDEADLK);
            failed += meetings[i].rc != 0;
        }
        assert_true(failed >= 1);
        refused += failed;
    }
    print_message("# %d threads, %d rounds: %d refused\n", count, rounds, refused);
    for (int i = 0; i < count; i++) {
        worker_stop(&workers[i]);
        gate_fini(&meetings[i].done);
    }
}

static void test_sc12_two_threads_close_a_circle_at_the_same_time(void **state)
{
    (void)state;
    close_together(2, check_scaled(2000));
}

static void test_sc12_four_threads_close_a_circle_at_the_same_time(void **state)
{
    (void)state;
    close_together(4, check_scaled(500));
}

struct home_call {
    struct probe *moved, *at_home;
    struct hy_thread *away;
    int rc;
};

static int move_and_call_back(struct hy_object *receiver, void *argument)
{
    struct home_call *call = argument;
    struct sum sum = {1, 2, 0};

    EXPECT_INT(hy_object_move_to_thread(receiver, call->away), 0);
    call->rc = hy_call(&call->at_home->hy, add, &sum, sizeof sum, HY_FOREVER, NULL);
    return 0;
}

/* The caller waits for the thread that runs the function, wherever the receiver lives by now. */
static void test_sc12_a_function_that_moves_its_receiver_away_and_calls_back(void **state)
{
    struct worker worker, away;
    struct probe here;
    struct home_call call = {&worker.probe, &here, &away.thread, 1};

    (void)state;
    probe_init(&here, NULL);
    worker_start(&worker, "worker");
    worker_start(&away, "away");
    assert_int_equal(
        hy_call(&worker.probe.hy, move_and_call_back, &call, sizeof call, HY_FOREVER, NULL), 0);
    assert_int_equal(call.rc, -HY_EDEADLK);
    worker_stop(&worker);
    worker_stop(&away);
    object_end(&here.hy);
}

/* --- calls and joins -------------------------------------------------------------------------- */

static int join_that(struct hy_object *receiver, void *argument)
{
    (void)receiver;
    return hy_thread_join(*(struct hy_thread **)argument, HY_FOREVER);
}

static int call_and_have_join(struct hy_object *receiver, void *argument)
{
    struct worker *other = *(struct worker **)argument;
    struct hy_thread *me = hy_thread_current();
    int result = 0;

    (void)receiver;
    EXPECT_INT(hy_call(&other->probe.hy, join_that, &me, sizeof me, HY_FOREVER, &result), 0);
    return result;
}

static void test_sc12_a_join_that_would_close_a_circle_is_refused(void **state)
{
    struct worker a, b, *other = &b;
    int result = 0;

    (void)state;
    worker_start(&a, "a");
    worker_start(&b, "b");
    assert_int_equal(
        hy_call(&a.probe.hy, call_and_have_join, &other, sizeof other, hy_now_ns() + LONG, &result),
        0);
    assert_int_equal(result, -HY_EDEADLK);
    worker_stop(&a);
    worker_stop(&b);
}

struct ending {
    struct probe *at_home;
    struct gate *begun;
    int rc;
};

static void call_home(struct hy_object *receiver, const void *payload)
{
    struct ending *ending = *(struct ending *const *)payload;
    struct sum sum = {1, 2, 0};

    (void)receiver;
    gate_open(ending->begun);
    ending->rc = hy_call(&ending->at_home->hy, add, &sum, sizeof sum, HY_FOREVER, NULL);
}

static void joined_by_home(bool fini)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct worker worker;
        struct probe here;
        struct gate begun;
        struct ending ending = {&here, &begun, 1}, *pointer = &ending;
        int rc = -HY_EDEADLK;

        gate_init(&begun);
        probe_init(&here, NULL);
        worker_start(&worker, "worker");
        EXPECT_INT(hy_invoke(&worker.probe.hy, call_home, &pointer_payload, &pointer), 0);
        gate_wait(&begun);
        if (i % 2 == 0)
            wait_busy_until_ns(hy_now_ns() + (i % 20) * 2000);
        else /* the call comes first */
            while (hy_posted_count(&here.hy, HY_EVENT_ANY) == 0)
                sched_yield();
        if (fini) {
            /* It cannot fail, so whoever waits for this thread is sent away. */
            hy_thread_fini(&worker.thread);
            EXPECT(ending.rc == -HY_ESHUTDOWN || ending.rc == -HY_EDEADLK);
        } else {
            hy_thread_quit(&worker.thread, 0);
            while ((rc = hy_thread_join(&worker.thread, HY_FOREVER)) == -HY_EDEADLK)
                hy_process(0, 0); /* the call is served here, then */
            EXPECT_INT(rc, 0);
            EXPECT(ending.rc == 0 || ending.rc == -HY_EDEADLK);
            hy_thread_fini(&worker.thread);
        }
        object_end(&here.hy);
        gate_fini(&begun);
    }
}

/* Whichever comes second is refused. */
static void test_sc12_a_join_and_a_call_close_a_circle_at_the_same_time(void **state)
{
    (void)state;
    joined_by_home(false);
}

static void test_sc12_ending_a_thread_that_waits_for_this_one(void **state)
{
    (void)state;
    joined_by_home(true);
}

/* --- moves ---------------------------------------------------------------------------------------
 */

static void move_self(struct probe *self, struct hy_event *event)
{
    (void)event;
    EXPECT_INT(hy_object_move_to_thread(&self->hy, self->context), 0);
}

struct own {
    struct probe *receiver;
    struct gate done;
    int rc;
};

static void call_it(struct hy_object *receiver, const void *payload)
{
    struct own *own = *(struct own *const *)payload;
    struct sum sum = {1, 2, 0};

    (void)receiver;
    own->rc = hy_call(&own->receiver->hy, add, &sum, sizeof sum, HY_FOREVER, NULL);
    gate_open(&own->done);
}

/* The move makes the caller wait for itself. */
static void test_sc12_a_receiver_moved_to_the_caller(void **state)
{
    struct stall stall;
    struct worker other;
    struct own own = {.receiver = &stall.worker.probe, .rc = 1}, *pointer = &own;

    (void)state;
    gate_init(&own.done);
    worker_start(&other, "other");
    stall_start(&stall);
    stall.worker.probe.on_event = move_self;
    stall.worker.probe.context = &other.thread;
    assert_ok(hy_post(&stall.worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_HIGH));
    assert_ok(hy_invoke(&other.probe.hy, call_it, &pointer_payload, &pointer));
    wait_busy_until_ns(hy_now_ns() + SHORT);
    stall_let_go(&stall);
    assert_true(gate_wait(&own.done));
    assert_int_equal(own.rc, -HY_EDEADLK);
    worker_stop(&other);
    stall_stop(&stall);
    gate_fini(&own.done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sc12_a_receiver_moved_to_the_caller),
        TEST(test_sc12_a_circle_of_threads_is_refused),
        TEST(test_sc12_two_threads_close_a_circle_at_the_same_time),
        TEST(test_sc12_four_threads_close_a_circle_at_the_same_time),
        TEST(test_sc12_a_function_that_moves_its_receiver_away_and_calls_back),
        TEST(test_sc12_a_join_that_would_close_a_circle_is_refused),
        TEST(test_sc12_a_join_and_a_call_close_a_circle_at_the_same_time),
        TEST(test_sc12_ending_a_thread_that_waits_for_this_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
