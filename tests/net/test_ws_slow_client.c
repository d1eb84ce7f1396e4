/* SPDX-License-Identifier: MIT */
/*
 * A client that reads nothing, beside one that does: its queue is bounded, the policy acts on it
 * alone and is counted, and what the library holds in memory stays bounded too.
 */
#include "ws_fixture.h"

enum {
    MESSAGE = 4096,
    MESSAGES = 6000, /* 24 MiB: far more than the kernel's buffers and the queue hold */
};

static struct fixture fixture;
static int64_t live_bytes, live_bytes_max; /* atomic */

/* Each block knows its size, so that what is held can be counted. */
static void *counted_resize(void *memory, size_t size)
{
    size_t *block = memory != NULL ? (size_t *)memory - 2 : NULL;
    size_t before = block != NULL ? block[0] : 0;
    size_t *grown = realloc(block, size + 2 * sizeof *grown);
    if (grown == NULL)
        return NULL;
    grown[0] = size;
    int64_t now =
        __atomic_add_fetch(&live_bytes, (int64_t)size - (int64_t)before, __ATOMIC_RELAXED);
    int64_t most = __atomic_load_n(&live_bytes_max, __ATOMIC_RELAXED);
    while (now > most && !__atomic_compare_exchange_n(&live_bytes_max, &most, now, true,
                                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
    return grown + 2;
}

static void *counted_allocate(size_t size)
{
    return counted_resize(NULL, size);
}

static void counted_release(void *memory)
{
    if (memory == NULL)
        return;
    size_t *block = (size_t *)memory - 2;
    __atomic_sub_fetch(&live_bytes, (int64_t)block[0], __ATOMIC_RELAXED);
    free(block);
}

static const struct hy_allocator counted = {counted_allocate, counted_resize, counted_release};

/* Reads one message and checks its number; returns it. */
static uint32_t read_number(int fd)
{
    static char data[MESSAGE];
    uint32_t number;
    size_t size = 0;
    assert_int_equal(raw_read_frame(fd, data, sizeof data, &size), 0x82);
    assert_int_equal(size, MESSAGE);
    memcpy(&number, data, sizeof number);
    return number;
}

/* Broadcasts at the pace of the client that reads. Returns what the slow one was left with. */
static struct hy_ws_server_counters flood(enum hy_ws_policy policy, int *ret_slow)
{
    struct hy_ws_server_options options;
    static char message[MESSAGE];
    options = hy_ws_server_options_default();
    options.policy = policy;
    options.queue_limit = 256 << 10;
    options.high_water = 192 << 10;
    options.low_water = 64 << 10;
    options.slow_after_ns = 20 * HY_MILLISECOND;
    options.ping_interval_ns = options.write_timeout_ns = 0; /* a loaded machine takes its time */
    fixture_start(&fixture, &options);
    int reader = raw_open(&fixture);
    *ret_slow = raw_open_sized(&fixture, 4096);
    fixture_await(&fixture.recorder.opened, 2);
    int64_t before = __atomic_load_n(&live_bytes, __ATOMIC_RELAXED);
    __atomic_store_n(&live_bytes_max, before, __ATOMIC_RELAXED);
    unsigned low = 0;
    for (uint32_t i = 0; i < MESSAGES; i++) {
        memcpy(message, &i, sizeof i);
        while (hy_ws_server_broadcast_binary(&fixture.server, message, sizeof message) ==
               -HY_EAGAIN) {
            fixture_await(&fixture.recorder.low, low + 1); /* comes once the slow one is known */
            low = fixture.recorder.low;
        }
        assert_int_equal(read_number(reader), i); /* nothing is lost for who reads */
    }
    int64_t most = __atomic_load_n(&live_bytes_max, __ATOMIC_RELAXED) - before;
    print_message("# at most %lld bytes held\n", (long long)most);
    assert_true(most < 1 << 20);
    close(reader);
    return fixture_counters(&fixture);
}

static void test_drop_newest(void **state)
{
    int slow;
    (void)state;
    struct hy_ws_server_counters counters = flood(HY_WS_DROP_NEWEST, &slow);
    assert_true(counters.dropped_newest > 100);
    assert_int_equal(counters.dropped_oldest + counters.disconnected, 0);
    /* It holds the oldest: what it reads now begins at 0 without a gap. */
    for (uint32_t i = 0; i < 50; i++)
        assert_int_equal(read_number(slow), i);
    close(slow);
    fixture_await(&fixture.recorder.closed, 2);
    uint64_t dropped = fixture.recorder.closed_list[0].messages_dropped +
                       fixture.recorder.closed_list[1].messages_dropped;
    assert_true(dropped >= counters.dropped_newest);
    fixture_stop(&fixture);
}

static void test_drop_oldest(void **state)
{
    int slow;
    uint32_t last = 0;
    (void)state;
    struct hy_ws_server_counters counters = flood(HY_WS_DROP_OLDEST, &slow);
    assert_true(counters.dropped_oldest > 100);
    assert_int_equal(counters.dropped_newest + counters.disconnected, 0);
    /* It gets the newest in the end, and in order. */
    while (last < MESSAGES - 1) {
        uint32_t number = read_number(slow);
        assert_true(number == 0 || number > last);
        last = number;
    }
    close(slow);
    fixture_stop(&fixture);
}

static void test_disconnect(void **state)
{
    static char payload[MESSAGE];
    size_t size = 0;
    unsigned first;
    int slow;
    (void)state;
    struct hy_ws_server_counters counters = flood(HY_WS_DISCONNECT, &slow);
    assert_int_equal(counters.disconnected, 1);
    assert_int_equal(counters.dropped_newest + counters.dropped_oldest, 0);
    while ((first = raw_read_frame(slow, payload, sizeof payload, &size)) == 0x82)
        ;
    if (first == 0x88) /* unless it was cut before it began to read */
        assert_int_equal((unsigned char)payload[0] << 8 | (unsigned char)payload[1], 1013);
    close(slow);
    fixture_await(&fixture.recorder.closed, 2);
    assert_int_equal(fixture_counters(&fixture).closed_1013, 1);
    fixture_stop(&fixture);
}

/* The socket takes nothing for too long: cut. */
static void test_write_timeout(void **state)
{
    static char message[MESSAGE];
    struct hy_ws_server_options options;
    (void)state;
    options = hy_ws_server_options_default();
    options.write_timeout_ns = 200 * HY_MILLISECOND;
    options.slow_after_ns = 1;
    fixture_start(&fixture, &options);
    int slow = raw_open_sized(&fixture, 4096);
    fixture_await(&fixture.recorder.opened, 1);
    for (int i = 0; i < MESSAGES && fixture.recorder.closed == 0; i++) {
        hy_ws_server_broadcast_binary(&fixture.server, message, sizeof message);
        hy_process(0, 0);
    }
    fixture_await(&fixture.recorder.closed, 1);
    assert_int_equal(fixture.recorder.closed_list[0].code, 1006);
    assert_int_equal(fixture_counters(&fixture).timeouts, 1);
    close(slow);
    fixture_stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drop_newest),
        cmocka_unit_test(test_drop_oldest),
        cmocka_unit_test(test_disconnect),
        cmocka_unit_test(test_write_timeout),
    };
    hy_memory_set_allocator(&counted);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
