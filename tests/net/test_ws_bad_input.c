/* SPDX-License-Identifier: MIT */
/*
 * Frames that break the protocol, floods, and peers that vanish: each ends with its close code and
 * one client_closed, and a well-behaved client beside them notices nothing.
 */
#include "ws_fixture.h"

static struct fixture fixture;
static int witness; /* the well-behaved client */

static int start(void **state)
{
    struct hy_ws_server_options options;
    (void)state;
    options = hy_ws_server_options_default();
    options.message_limit = 1 << 16;
    options.fragment_limit = 1000;
    options.close_timeout_ns = 500 * HY_MILLISECOND;
    fixture_start(&fixture, &options);
    witness = raw_open(&fixture);
    return 0;
}

static int stop(void **state)
{
    char data[64];
    size_t size = 0;
    (void)state;
    raw_frame(witness, 0x89, "well?", 5);
    assert_int_equal(raw_read_frame(witness, data, sizeof data, &size), 0x8A);
    assert_int_equal(size, 5);
    close(witness);
    fixture_stop(&fixture);
    return 0;
}

/* An invalid frame of so many bytes, and the code that it must be answered with. */
static void assert_fails(const void *bytes, size_t size, unsigned code)
{
    unsigned before = fixture.recorder.closed;
    unsigned messages = fixture.recorder.messages;
    int fd = raw_open(&fixture);
    raw_send(fd, bytes, size);
    unsigned got = raw_await_close(fd);
    if (got != code)
        fail_msg("%02x %02x...: closed with %u, not %u", ((const unsigned char *)bytes)[0],
                 ((const unsigned char *)bytes)[1], got, code);
    close(fd);
    fixture_await(&fixture.recorder.closed, before + 1);
    const struct hy_ws_client_closed *closed =
        &fixture.recorder.closed_list[before % FIXTURE_EVENTS];
    assert_int_equal(closed->code, code);
    assert_false(closed->is_clean);
    assert_int_equal(fixture.recorder.messages, messages);
}

#define ASSERT_FAILS(bytes_, code_) assert_fails(bytes_, sizeof(bytes_) - 1, code_)
#define MASK                        "\0\0\0\0"

static void test_frames(void **state)
{
    (void)state;
    ASSERT_FAILS("\x81\x01"
                 "a",
                 1002); /* not masked */
    ASSERT_FAILS("\x88\x00", 1002);
    ASSERT_FAILS("\xC1\x80" MASK, 1002); /* reserved bits */
    ASSERT_FAILS("\xA1\x80" MASK, 1002);
    ASSERT_FAILS("\x91\x80" MASK, 1002);
    ASSERT_FAILS("\x83\x80" MASK, 1002); /* reserved opcodes */
    ASSERT_FAILS("\x8F\x80" MASK, 1002);
    ASSERT_FAILS("\x09\x80" MASK, 1002);    /* a ping in fragments */
    ASSERT_FAILS("\x89\xFE\x00\x7E", 1002); /* a ping of 126 bytes */
    ASSERT_FAILS("\x80\x80" MASK, 1002);    /* continuation of nothing */
    ASSERT_FAILS("\x01\x80" MASK "\x81\x80" MASK, 1002);
    ASSERT_FAILS("\x82\xFE\x00\x05" MASK "12345", 1002); /* length not in its shortest form */
    ASSERT_FAILS("\x82\xFF\x80\0\0\0\0\0\0\0", 1002);    /* 2^63 */
    ASSERT_FAILS("\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 1009); /* 2^63 - 1 */
    ASSERT_FAILS("\x82\xFF\0\0\0\0\0\x01\0\x01", 1009);             /* the limit and 1 */
    ASSERT_FAILS("\x81\x82" MASK "\xC0\x80", 1007);                 /* overlong */
    ASSERT_FAILS("\x81\x83" MASK "\xED\xA0\x80", 1007);             /* a surrogate */
    ASSERT_FAILS("\x81\x81" MASK "\xC3", 1007);                     /* ends inside a code point */
    ASSERT_FAILS("\x01\x84" MASK "ab\xFFx", 1007);                  /* seen in the first fragment */
    ASSERT_FAILS("\x88\x81" MASK "x", 1002);                        /* a close of one byte */
    ASSERT_FAILS("\x88\x82" MASK "\x03\xED", 1002);                 /* 1005 */
    ASSERT_FAILS("\x88\x84" MASK "\x03\xE8\xC3\x28", 1007);
}

static void test_message_of_the_limit_passes(void **state)
{
    static char data[(1 << 16) + 16];
    (void)state;
    int fd = raw_open(&fixture);
    raw_frame(fd, 0x82, data, 1 << 16);
    fixture_await(&fixture.recorder.messages, 1);
    assert_int_equal(fixture.recorder.message_size, 1 << 16);
    raw_frame(fd, 0x02, data, 1 << 15); /* in pieces: one byte too much */
    raw_frame(fd, 0x00, data, 1 << 15);
    raw_frame(fd, 0x80, data, 1);
    assert_int_equal(raw_await_close(fd), 1009);
    close(fd);
}

static void test_too_many_fragments(void **state)
{
    char all[6 * 1100];
    (void)state;
    memset(all, 0, sizeof all);
    for (size_t i = 0; i < sizeof all; i += 6) {
        all[i] = i == 0 ? 0x02 : 0x00;
        all[i + 1] = (char)0x80;
    }
    assert_fails(all, sizeof all, 1008);
}

static void test_what_comes_after_a_close_is_ignored(void **state)
{
    static const char bytes[] = "\x88\x82" MASK "\x0F\xA0" /* 4000 */
                                "\x88\x82" MASK "\x03\xE8"
                                "\x81\x01x";
    (void)state;
    int fd = raw_open(&fixture);
    raw_send(fd, bytes, sizeof bytes - 1);
    assert_int_equal(raw_await_close(fd), 4000);
    fixture_await(&fixture.recorder.closed, 1);
    assert_true(fixture.recorder.closed_list[0].is_clean);
    assert_int_equal(fixture.recorder.closed_list[0].code, 4000);
    close(fd);
}

/* 100,000 pings from a peer that reads nothing: what is owed to it stays small. */
static void test_ping_flood(void **state)
{
    char flood[6000];
    (void)state;
    for (size_t i = 0; i < sizeof flood; i += 6)
        memcpy(flood + i, "\x89\x80\0\0\0\0", 6);
    int fd = raw_open_sized(&fixture, 2048);
    for (int i = 0; i < 100; i++)
        raw_send(fd, flood, sizeof flood);
    raw_frame(fd, 0x81, "done", 4);
    fixture_await(&fixture.recorder.messages, 1);
    assert_int_equal(fixture_counters(&fixture).pings_received, 100000);
    close(fd);
}

/* The peer resets the connection after every prefix of a handshake and a frame. */
static void test_resets_everywhere(void **state)
{
    char script[512];
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    unsigned opened;
    (void)state;
    int size = snprintf(script, sizeof script, "%s\r\n", raw_upgrade);
    memcpy(script + size, "\x81\x85\0\0\0\0hello\x88\x80\0\0\0\0", 17);
    for (int i = 0; i <= size + 17; i++) {
        int fd = raw_connect(&fixture);
        raw_send(fd, script, (size_t)i);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
    }
    int last = raw_open(&fixture); /* accepted behind all of them */
    close(last);
    close(witness);
    do { /* all have ended, and every one that was opened has been closed */
        hy_process(HY_PROCESS_WAIT, hy_now_ns() + HY_MILLISECOND);
    } while (fixture_counters(&fixture).connections > 0);
    opened = (unsigned)fixture_counters(&fixture).opened;
    fixture_await(&fixture.recorder.opened, opened);
    fixture_await(&fixture.recorder.closed, opened);
    assert_int_equal(fixture.recorder.closed, fixture.recorder.opened);
    assert_int_equal(fixture_counters(&fixture).clients, 0);
    witness = raw_open(&fixture);
}

/* A peer on a slow way that sends on for longer than silence would be borne: it comes to the
 * server's last words all the same. The pauses are what is tested. */
static void test_a_slow_peer_reads_why_it_was_closed(void **state)
{
    static char data[(1 << 20) + 1];
    (void)state;
    int fd = raw_open(&fixture);
    raw_send(fd, "\x83\x80" MASK, 6);
    fixture_await(&fixture.recorder.closed, 1);
    for (int i = 0; i < 5; i++) {
        raw_send(fd, data, sizeof data);
        usleep(600000);
    }
    raw_send(fd, data, sizeof data);
    assert_int_equal(raw_await_close(fd), 1002);
    close(fd);
}

static void test_random_bytes(void **state)
{
    unsigned char noise[512];
    uint32_t seed = 1;
    (void)state;
    for (int round = 0; round < 200; round++) {
        int fd = round % 2 == 0 ? raw_open(&fixture) : raw_connect(&fixture);
        for (size_t i = 0; i < sizeof noise; i++) {
            seed = seed * 1664525u + 1013904223u;
            noise[i] = (unsigned char)(seed >> 24);
        }
        send(fd, noise, sizeof noise, MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        while (recv(fd, noise, sizeof noise, 0) > 0)
            ;
        close(fd);
    }
    fixture_await(&fixture.recorder.closed, 100);
}

int main(void)
{
#define CASE(name_) cmocka_unit_test_setup_teardown(name_, start, stop)
    const struct CMUnitTest tests[] = {
        CASE(test_frames),
        CASE(test_message_of_the_limit_passes),
        CASE(test_too_many_fragments),
        CASE(test_what_comes_after_a_close_is_ignored),
        CASE(test_ping_flood),
        CASE(test_resets_everywhere),
        CASE(test_a_slow_peer_reads_why_it_was_closed),
        CASE(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
