/* SPDX-License-Identifier: MIT */
/* The receiver's batches, through real sockets and threads: how reports are put together, and what
 * a listener that is held up gets and loses. */
#include "ais_test.h"

#include "receiver.h"

#include <halyard/halyard.h>
#include <halyard/net.h>

#define SENTENCE "!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A\r\n"

enum {
    BATCHES_KEPT = 16,
    SINGLE = RECEIVER_LATE + 10, /* reports that come one at a time */
    FULL = 1100                  /* then datagrams with as many as a batch takes */
};

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) < 0)                                                                            \
            fail_msg("%s: %s", #call, hy_last_error()->message);                                   \
    } while (0)

/* Lives in the test's thread, and so is held up while that does not run its loop. */
struct listener {
    HY_INHERITS(hy_object);
    uint64_t batches, taken, dropped;
    uint64_t first[BATCHES_KEPT];
    size_t count[BATCHES_KEPT];
    bool is_ragged; /* a batch that is empty, too large, or behind one that came before */
};
static const struct hy_class listener_class = HY_CLASS(struct listener, .fini = NULL);

static struct listener listener;
static struct receiver receiver;
static struct hy_thread thread;

static void listener_reports(struct listener *self, const struct receiver_batch *batch)
{
    size_t count = receiver_batch_count(batch);

    if (self->batches < BATCHES_KEPT) {
        self->first[self->batches] = batch->first;
        self->count[self->batches] = count;
    }
    self->is_ragged = self->is_ragged || count == 0 || count > RECEIVER_BATCH_MAX ||
                      batch->first < self->taken + self->dropped ||
                      receiver_batch_reports(batch)[count - 1].message.mmsi != 371798000;
    self->batches++;
    self->dropped = batch->first - self->taken;
    self->taken += count;
}

/* --- run in the receiver's thread, which takes nothing from its socket meanwhile -------------- */

struct sending {
    size_t datagrams, reports_each;
};

static int send_there(struct hy_object *object, void *argument)
{
    const struct sending *sending = argument;
    static char text[RECEIVER_BATCH_MAX * sizeof SENTENCE];
    struct hy_address to;
    struct hy_udp_socket socket;
    size_t size = 0;

    (void)object;
    int rc = hy_udp_socket_local_address(&receiver.sockets[0], &to);
    if (rc == 0)
        rc = hy_udp_socket_init(&socket, NULL);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < sending->reports_each; i++, size += sizeof SENTENCE - 1)
        memcpy(text + size, SENTENCE, sizeof SENTENCE - 1);
    for (size_t i = 0; i < sending->datagrams && rc >= 0; i++)
        rc = hy_udp_socket_send(&socket, &to, text, size);
    (void)hy_udp_socket_fini(&socket);
    return rc < 0 ? rc : 0;
}

static int count_there(struct hy_object *object, void *argument)
{
    (void)object;
    *(uint64_t *)argument = receiver.decoder.counters.messages;
    return 0;
}

static void send(size_t datagrams, size_t reports_each)
{
    struct sending sending = {datagrams, reports_each};
    int rc = -1;

    OK(hy_call(&receiver.hy, send_there, &sending, sizeof sending, HY_FOREVER, &rc));
    assert_int_equal(rc, 0);
}

/* Without a look at what waits for this thread. */
static void wait_for_decoded(uint64_t wanted)
{
    int64_t deadline_ns = hy_now_ns() + 60 * HY_SECOND;
    uint64_t decoded = 0;

    while (decoded < wanted) {
        assert_true(hy_now_ns() < deadline_ns);
        OK(hy_call(&receiver.hy, count_there, &decoded, sizeof decoded, HY_FOREVER, NULL));
    }
    assert_int_equal(decoded, wanted);
}

static void wait_for_reports(uint64_t wanted)
{
    int64_t deadline_ns = hy_now_ns() + 60 * HY_SECOND;

    while (listener.taken + listener.dropped < wanted) {
        assert_true(hy_now_ns() < deadline_ns);
        assert_true(hy_process(HY_PROCESS_WAIT, deadline_ns) >= 0);
    }
}

static int start(void **state)
{
    static const char *const addresses[] = {"127.0.0.1:0"};

    (void)state;
    memset(&listener, 0, sizeof listener);
    OK(hy_object_init(&listener.hy, &listener_class, NULL));
    OK(hy_thread_init(&thread, "udp", NULL));
    OK(receiver_init(&receiver, addresses, 1));
    OK(hy_connect_with(&receiver.events.reports, &listener, listener_reports,
                       &receiver_queue_options, &receiver.queue));
    OK(hy_connect(&thread.events.started, &receiver, receiver_start, HY_AUTO));
    OK(hy_connect(&thread.events.finished, &receiver, receiver_finish, HY_AUTO));
    OK(hy_object_move_to_thread(&receiver.hy, &thread));
    OK(hy_thread_start(&thread));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    hy_thread_quit(&thread, 0);
    OK(hy_thread_join(&thread, HY_FOREVER));
    OK(hy_thread_fini(&thread));
    OK(hy_object_fini(&listener.hy));
    return 0;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_what_came_together_is_one_message(void **state)
{
    (void)state;
    send(10, 3);
    wait_for_reports(30);
    assert_int_equal(listener.batches, 1);
    assert_int_equal(listener.count[0], 30);

    send(1, 1);
    wait_for_reports(31);
    assert_int_equal(listener.batches, 2);
    assert_int_equal(listener.first[1], 30);

    /* More than a batch takes. */
    send(5, RECEIVER_BATCH_MAX / 2);
    wait_for_reports(31 + 5 * RECEIVER_BATCH_MAX / 2);
    assert_int_equal(listener.taken, 31 + 5 * RECEIVER_BATCH_MAX / 2);
    assert_false(listener.is_ragged);
}

/* Small batches do not use up the queue, the bound is in reports, and each report is either taken
 * or counted as dropped. */
static void test_a_flood_costs_the_oldest(void **state)
{
    const uint64_t sent = SINGLE + (uint64_t)FULL * RECEIVER_BATCH_MAX;
    struct hy_connection_counters queue;

    (void)state;
    for (uint64_t i = 1; i <= SINGLE; i++) {
        send(1, 1);
        wait_for_decoded(i);
    }
    OK(hy_connection_get_counters(receiver.queue, &queue));
    assert_int_equal(queue.waiting, RECEIVER_LATE);
    for (uint64_t i = 1; i <= FULL; i++) {
        send(1, RECEIVER_BATCH_MAX);
        wait_for_decoded(SINGLE + i * RECEIVER_BATCH_MAX);
    }
    wait_for_reports(sent);
    assert_int_equal(listener.taken + listener.dropped, sent);
    assert_true(listener.dropped > 0);
    /* What was not full yet came when this thread had caught up. */
    assert_in_range(listener.taken, RECEIVER_WAITING_MAX / 100 * 95,
                    RECEIVER_WAITING_MAX + RECEIVER_BATCH_MAX);
    assert_int_equal(listener.first[0],
                     listener.first[0] / RECEIVER_BATCH_MAX * RECEIVER_BATCH_MAX + RECEIVER_LATE);
    assert_int_equal(listener.count[0], RECEIVER_BATCH_MAX);
    assert_false(listener.is_ragged);
}

/* What is not told yet when the thread ends is told then. */
static void test_the_end_tells_the_rest(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= SINGLE; i++) {
        send(1, 1);
        wait_for_decoded(i);
    }
    hy_thread_quit(&thread, 0);
    wait_for_reports(SINGLE);
    assert_int_equal(listener.taken, SINGLE);
    assert_int_equal(listener.batches, RECEIVER_LATE + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_came_together_is_one_message, start, stop),
        cmocka_unit_test_setup_teardown(test_a_flood_costs_the_oldest, start, stop),
        cmocka_unit_test_setup_teardown(test_the_end_tells_the_rest, start, stop),
    };

    return cmocka_run_group_tests_name("receiver", tests, NULL, NULL);
}
