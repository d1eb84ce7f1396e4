/* SPDX-License-Identifier: MIT */
/*
 * The WebSocket server through its public header, with raw sockets as clients: messages both ways,
 * calls from another thread than the server's, every way to end.
 */
#include "ws_fixture.h"

static struct fixture fixture;

static struct hy_ws_server_options options_with(int64_t timeout_ns)
{
    struct hy_ws_server_options options = hy_ws_server_options_default();
    if (timeout_ns > 0)
        options.handshake_timeout_ns = options.request_timeout_ns = options.close_timeout_ns =
            timeout_ns;
    return options;
}

static void test_messages_both_ways(void **state)
{
    char data[300];
    size_t size = 0;
    (void)state;
    fixture_start(&fixture, NULL);
    int fd = raw_open(&fixture);
    fixture_await(&fixture.recorder.opened, 1);
    const struct hy_ws_client_opened *opened = &fixture.recorder.opened_list[0];
    assert_string_equal(opened->target, "/ws");
    assert_memory_equal(opened->peer, "127.0.0.1:", 10);
    raw_frame(fd, 0x81, "hello", 5);
    fixture_await(&fixture.recorder.messages, 1);
    assert_string_equal(fixture.recorder.message, "hello");
    assert_true(fixture.recorder.message_is_text);
    assert_true(fixture.recorder.message_client == opened->client);
    raw_frame(fd, 0x82, "\1\2\3", 3);
    fixture_await(&fixture.recorder.messages, 2);
    assert_false(fixture.recorder.message_is_text);
    assert_int_equal(hy_ws_server_send_text(&fixture.server, opened->client, "one", 3), 0);
    assert_int_equal(hy_ws_server_send_binary(&fixture.server, opened->client, "", 0), 0);
    assert_int_equal(hy_ws_server_broadcast_text(&fixture.server, "three", 5), 0);
    assert_int_equal(raw_read_frame(fd, data, sizeof data, &size), 0x81);
    assert_int_equal(size, 3);
    assert_memory_equal(data, "one", 3);
    assert_int_equal(raw_read_frame(fd, data, sizeof data, &size), 0x82);
    assert_int_equal(size, 0);
    assert_int_equal(raw_read_frame(fd, data, sizeof data, &size), 0x81);
    assert_memory_equal(data, "three", 5);
    raw_frame(fd, 0x88,
              "\x03\xe8"
              "bye",
              5);
    assert_int_equal(raw_await_close(fd), 1000);
    fixture_await(&fixture.recorder.closed, 1);
    const struct hy_ws_client_closed *closed = &fixture.recorder.closed_list[0];
    assert_true(closed->client == opened->client && closed->is_clean && !closed->is_local);
    assert_int_equal(closed->code, 1000);
    assert_string_equal(closed->reason, "bye");
    assert_int_equal(closed->messages_received, 2);
    assert_int_equal(closed->bytes_received, 8);
    assert_int_equal(closed->messages_sent, 3);
    assert_int_equal(closed->bytes_sent, 8);
    close(fd);
    struct hy_ws_server_counters counters = fixture_counters(&fixture);
    assert_int_equal(counters.opened, 1);
    assert_int_equal(counters.clients, 0);
    assert_int_equal(counters.closed_1000, 1);
    assert_int_equal(counters.messages_received, 2);
    assert_int_equal(counters.messages_sent, 3);
    fixture_stop(&fixture);
}

static void test_fragments_and_many_in_one_segment(void **state)
{
    char data[16];
    size_t size = 0;
    static const unsigned char segment[] = {
        0x01, 0x82, 0, 0, 0, 0, 'a', 'b', /* a text begins */
        0x89, 0x81, 0, 0, 0, 0, 'p',      /* a ping between its fragments */
        0x80, 0x81, 0, 0, 0, 0, 'c',      /* its end */
        0x81, 0x81, 0, 0, 0, 0, 'd', 0x81, 0x81, 0, 0, 0, 0, 'e'};
    (void)state;
    fixture_start(&fixture, NULL);
    int fd = raw_open(&fixture);
    raw_send(fd, segment, sizeof segment);
    assert_int_equal(raw_read_frame(fd, data, sizeof data, &size), 0x8A);
    assert_int_equal(size, 1);
    assert_int_equal(data[0], 'p');
    fixture_await(&fixture.recorder.messages, 3);
    assert_string_equal(fixture.recorder.message, "e");
    assert_int_equal(fixture_counters(&fixture).bytes_received, 5);
    close(fd);
    fixture_await(&fixture.recorder.closed, 1);
    assert_int_equal(fixture.recorder.closed_list[0].code, 1006);
    assert_false(fixture.recorder.closed_list[0].is_clean);
    fixture_stop(&fixture);
}

static unsigned released; /* atomic */

static void release_bytes(void *context, const void *data, size_t size)
{
    assert_ptr_equal(context, &released);
    assert_int_equal(size, 4);
    assert_memory_equal(data, "wave", 4);
    __atomic_add_fetch(&released, 1, __ATOMIC_ACQ_REL);
}

static void test_broadcast_of_a_buffer(void **state)
{
    char data[16];
    size_t size = 0;
    struct hy_buffer *buffer;
    int fds[3];
    (void)state;
    fixture_start(&fixture, NULL);
    released = 0;
    for (int i = 0; i < 3; i++)
        fds[i] = raw_open(&fixture);
    fixture_await(&fixture.recorder.opened, 3);
    assert_int_equal(hy_buffer_create_from("wave", 4, release_bytes, &released, &buffer), 0);
    assert_int_equal(hy_ws_server_broadcast_buffer(&fixture.server, buffer, true), 0);
    assert_int_equal(hy_ws_server_send_buffer(
                         &fixture.server, fixture.recorder.opened_list[1].client, buffer, false),
                     0);
    hy_buffer_unref(buffer);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(raw_read_frame(fds[i], data, sizeof data, &size), 0x81);
        assert_int_equal(size, 4);
        assert_memory_equal(data, "wave", 4);
    }
    assert_int_equal(raw_read_frame(fds[1], data, sizeof data, &size), 0x82);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    fixture_await(&fixture.recorder.closed, 3);
    fixture_stop(&fixture);
    assert_int_equal(__atomic_load_n(&released, __ATOMIC_ACQUIRE), 1);
}

static void test_close_client_from_another_thread(void **state)
{
    char long_reason[200];
    (void)state;
    fixture_start(&fixture, NULL);
    int fd = raw_open(&fixture);
    fixture_await(&fixture.recorder.opened, 1);
    uint64_t client = fixture.recorder.opened_list[0].client;
    assert_int_equal(hy_ws_server_close_client(&fixture.server, client, 1005, NULL), -HY_EINVAL);
    memset(long_reason, 'x', sizeof long_reason);
    memcpy(long_reason + 122, "\xC3\xA4", 2); /* must not be cut in two */
    long_reason[150] = '\0';
    assert_int_equal(hy_ws_server_close_client(&fixture.server, client, 3001, long_reason), 0);
    char payload[130];
    size_t size = 0;
    assert_int_equal(raw_read_frame(fd, payload, sizeof payload, &size), 0x88);
    assert_int_equal(size, 2 + 122);
    assert_int_equal(payload[0] << 8 | (unsigned char)payload[1], 3001);
    raw_frame(fd, 0x81, "late", 4); /* not a message any more */
    raw_frame(fd, 0x88, "\x0b\xb9", 2);
    fixture_await(&fixture.recorder.closed, 1);
    assert_true(fixture.recorder.closed_list[0].is_clean);
    assert_true(fixture.recorder.closed_list[0].is_local);
    assert_int_equal(fixture.recorder.closed_list[0].code, 3001);
    assert_int_equal(fixture.recorder.messages, 0);
    close(fd);
    /* The id is dead now; from here that is counted, not told. */
    assert_int_equal(hy_ws_server_send_text(&fixture.server, client, "x", 1), 0);
    assert_int_equal(hy_ws_server_ping(&fixture.server, client), 0);
    fd = raw_open(&fixture);
    fixture_await(&fixture.recorder.opened, 2);
    assert_true(fixture.recorder.opened_list[1].client != client);
    assert_int_equal(fixture_counters(&fixture).dropped_gone, 1);
    close(fd);
    fixture_stop(&fixture);
}

static void test_server_close_is_orderly(void **state)
{
    int fds[4];
    (void)state;
    struct hy_ws_server_options options = options_with(300 * HY_MILLISECOND);
    fixture_start(&fixture, &options);
    for (int i = 0; i < 4; i++)
        fds[i] = raw_open(&fixture);
    fixture_await(&fixture.recorder.opened, 4);
    assert_int_equal(hy_ws_server_broadcast_text(&fixture.server, "last", 4), 0);
    assert_int_equal(hy_ws_server_close(&fixture.server), 0);
    assert_int_equal(hy_ws_server_close(&fixture.server), 0);
    assert_int_equal(hy_ws_server_broadcast_text(&fixture.server, "x", 1), -HY_ESHUTDOWN);
    for (int i = 0; i < 4; i++) {
        char payload[130];
        size_t size = 0;
        assert_int_equal(raw_read_frame(fds[i], payload, sizeof payload, &size), 0x81);
        assert_int_equal(raw_read_frame(fds[i], payload, sizeof payload, &size), 0x88);
        assert_int_equal((unsigned char)payload[0] << 8 | (unsigned char)payload[1], 1001);
        if (i < 3) { /* the last one never answers, and is cut */
            raw_frame(fds[i], 0x88, payload, 2);
            close(fds[i]);
        }
    }
    fixture_await(&fixture.recorder.server_closed, 1);
    assert_int_equal(fixture.recorder.last_server_closed.clean, 3);
    assert_int_equal(fixture.recorder.last_server_closed.cut, 1);
    assert_int_equal(fixture.recorder.closed, 4);
    assert_int_equal(fixture_counters(&fixture).closed_1001, 4);
    close(fds[3]);
    fixture_stop(&fixture);
}

static void test_end_of_the_thread_says_1001(void **state)
{
    int fds[3];
    (void)state;
    fixture_start(&fixture, NULL);
    for (int i = 0; i < 3; i++)
        fds[i] = raw_open(&fixture);
    fixture_await(&fixture.recorder.opened, 3);
    raw_send_text(fds[2], "\x81\xfe"); /* half a frame: unread bytes at the end */
    hy_thread_quit(&fixture.thread, 0);
    int rc = hy_ws_server_close(&fixture.server); /* while the thread quits */
    assert_true(rc == 0 || rc == -HY_ESHUTDOWN);
    for (int i = 0; i < 3; i++) {
        unsigned code = raw_await_close(fds[i]);
        assert_int_equal(code, 1001);
        close(fds[i]);
    }
    assert_int_equal(hy_thread_join(&fixture.thread, hy_now_ns() + FIXTURE_WAIT_NS), 0);
    assert_int_equal(hy_ws_server_broadcast_text(&fixture.server, "x", 1), -HY_ESHUTDOWN);
    assert_int_equal(hy_ws_server_close_client(&fixture.server, 7, 1000, NULL), -HY_ESHUTDOWN);
    assert_int_equal(fixture.recorder.closed_there, 3);
    fixture_stop(&fixture);
    assert_int_equal(fixture.recorder.closed_there, 3);
}

static void test_ping(void **state)
{
    char payload[130];
    size_t size = 0;
    (void)state;
    fixture_start(&fixture, NULL);
    int fd = raw_open(&fixture);
    fixture_await(&fixture.recorder.opened, 1);
    raw_frame(fd, 0x8A, "unasked", 7); /* allowed, means nothing */
    assert_int_equal(hy_ws_server_ping(&fixture.server, fixture.recorder.opened_list[0].client), 0);
    assert_int_equal(raw_read_frame(fd, payload, sizeof payload, &size), 0x89);
    raw_frame(fd, 0x8A, payload, size);
    fixture_await(&fixture.recorder.pongs, 1);
    assert_true(fixture.recorder.last_pong.round_trip_ns > 0);
    assert_true(fixture.recorder.last_pong.round_trip_ns < FIXTURE_WAIT_NS);
    assert_int_equal(fixture_counters(&fixture).pongs_received, 2);
    close(fd);
    fixture_stop(&fixture);
}

static void test_silent_client_is_pinged_and_cut(void **state)
{
    char payload[130];
    size_t size = 0;
    (void)state;
    struct hy_ws_server_options options = options_with(0);
    options.ping_interval_ns = 50 * HY_MILLISECOND;
    options.pong_timeout_ns = 100 * HY_MILLISECOND;
    fixture_start(&fixture, &options);
    int fd = raw_open(&fixture);
    for (int i = 0; i < 3; i++) { /* as long as it answers it lives */
        assert_int_equal(raw_read_frame(fd, payload, sizeof payload, &size), 0x89);
        raw_frame(fd, 0x8A, payload, size);
    }
    assert_int_equal(raw_read_frame(fd, payload, sizeof payload, &size), 0x89);
    fixture_await(&fixture.recorder.closed, 1);
    assert_int_equal(fixture.recorder.closed_list[0].code, 1006);
    assert_int_equal(fixture_counters(&fixture).timeouts, 1);
    assert_true(fixture.recorder.pongs >= 3);
    close(fd);
    fixture_stop(&fixture);
}

static void test_wrong_calls(void **state)
{
    struct hy_ws_server other;
    struct hy_ws_server_options options;
    char address[40];
    (void)state;
    fixture_start(&fixture, NULL);
    options = hy_ws_server_options_default();
    assert_int_equal(hy_ws_server_set_options(&fixture.server, &options), -HY_EWRONGTHREAD);
    assert_int_equal(hy_ws_server_listen(&fixture.server, "127.0.0.1:0", 0), -HY_EWRONGTHREAD);
    assert_int_equal(hy_ws_server_init(&other, NULL), 0);
    snprintf(address, sizeof address, "127.0.0.1:%u", hy_ws_server_port(&fixture.server));
    assert_int_equal(hy_ws_server_listen(&other, address, 0), -HY_EADDRINUSE);
    assert_non_null(strstr(hy_last_error()->message, address));
    assert_int_equal(hy_ws_server_listen(&other, "localhost", 0), -HY_EINVAL);
    assert_int_equal(hy_ws_server_listen(&other, "127.0.0.1:0", 1), -HY_EINVAL);
    options.low_water = options.high_water + 1;
    assert_int_equal(hy_ws_server_set_options(&other, &options), -HY_EINVAL);
    options = hy_ws_server_options_default();
    options.queue_limit = options.high_water = options.low_water = 1000;
    assert_int_equal(hy_ws_server_set_options(&other, &options), 0);
    static const char big[1000];
    assert_int_equal(hy_ws_server_broadcast_binary(&other, big, sizeof big), -HY_EMSGSIZE);
    assert_int_equal(hy_ws_server_broadcast_binary(&other, NULL, 1), -HY_EINVAL);
    assert_int_equal(hy_ws_server_send_text(&other, 0, "x", 1), -HY_EINVAL);
    assert_int_equal(hy_ws_server_send_text(&other, 99, "x", 1), -HY_ENOENT);
    assert_int_equal(hy_ws_server_close_client(&other, 99, 1000, NULL), -HY_ENOENT);
    assert_int_equal(hy_ws_server_listen(&other, "127.0.0.1:0", 0), 0);
    assert_int_equal(hy_ws_server_listen(&other, "127.0.0.1:0", 0), -HY_EBUSY);
    assert_int_equal(hy_ws_server_set_options(&other, &options), -HY_EBUSY);
    hy_ws_server_fini(&other);
    assert_int_equal(hy_ws_server_close(&other), -HY_ESHUTDOWN);
    hy_ws_server_fini(&other);
    fixture_stop(&fixture);
}

/* --- handlers that end things ---------------------------------------------------------------- */

struct ender {
    HY_INHERITS(hy_object);
    struct hy_ws_server server;
    unsigned messages, closed, opened;
};

static const struct hy_class ender_class = HY_CLASS(struct ender, .base = NULL);

static void ender_message(struct ender *ender, const struct hy_ws_message *message)
{
    ender->messages++;
    if (message->size == 3) {
        hy_ws_server_fini(&ender->server);
        assert_memory_equal(message->data, "end", 3); /* still there */
    } else {
        hy_ws_server_close_client(&ender->server, message->client, 4000, "as you wish");
    }
}

static void ender_opened(struct ender *ender, const struct hy_ws_client_opened *opened)
{
    ender->opened++;
    hy_ws_server_send_text(&ender->server, opened->client, "hi", 2);
}

static void ender_closed(struct ender *ender)
{
    ender->closed++;
}

/* All in this thread: a handler closes its client, another ends the server, by a message in two
 * fragments, with bytes still to parse and other clients connected. */
static void test_handlers_may_end_everything(void **state)
{
    struct ender ender = {0};
    struct fixture address_only; /* for the raw clients: only the port is used */
    static const unsigned char two[] = {0x01, 0x81, 0, 0, 0, 0, 'e',      /* */
                                        0x80, 0x82, 0, 0, 0, 0, 'n', 'd', /* */
                                        0x81, 0x81, 0, 0, 0, 0, 'x'};
    int64_t deadline_ns = hy_now_ns() + FIXTURE_WAIT_NS;
    int fds[3];
    (void)state;
    assert_int_equal(hy_object_init(&ender.hy, &ender_class, NULL), 0);
    assert_int_equal(hy_ws_server_init(&ender.server, &ender.hy), 0);
    hy_connect(&ender.server.events.message, &ender, ender_message, HY_DIRECT);
    hy_connect(&ender.server.events.client_opened, &ender, ender_opened, HY_DIRECT);
    hy_connect(&ender.server.events.client_closed, &ender, ender_closed, HY_DIRECT);
    assert_int_equal(hy_ws_server_listen(&ender.server, "127.0.0.1:0", 0), 0);
    address_only.server.port_ = hy_ws_server_port(&ender.server);
    for (int i = 0; i < 3; i++) {
        fds[i] = raw_connect(&address_only);
        raw_send_text(fds[i], raw_upgrade);
        raw_send_text(fds[i], "\r\n");
    }
    while (ender.opened < 3)
        assert_true(hy_process(HY_PROCESS_WAIT, deadline_ns) >= 0 && hy_now_ns() < deadline_ns);
    raw_frame(fds[0], 0x81, "a", 1);
    while (ender.messages < 1)
        assert_true(hy_process(HY_PROCESS_WAIT, deadline_ns) >= 0 && hy_now_ns() < deadline_ns);
    raw_send(fds[1], two, sizeof two);
    while (ender.messages < 2)
        assert_true(hy_process(HY_PROCESS_WAIT, deadline_ns) >= 0 && hy_now_ns() < deadline_ns);
    assert_int_equal(ender.closed, 3);
    for (int i = 0; i < 3; i++) {
        char head[1024];
        raw_read_head(fds[i], head, sizeof head);
        unsigned code = raw_await_close(fds[i]);
        assert_int_equal(code, i == 0 ? 4000 : 1001);
        close(fds[i]);
    }
    while (hy_process(0, 0) > 0)
        ;
    assert_int_equal(ender.messages, 2);
    hy_object_fini(&ender.hy);
}

/* --- a loop inside a handler ------------------------------------------------------------------ */

struct nester {
    HY_INHERITS(hy_object);
    struct hy_ws_server server;
    struct hy_loop loop;
    int fds[2]; /* its clients */
    unsigned opened;
    char log[64]; /* what came, and where its handlers began and ended */
};

static const struct hy_class nester_class = HY_CLASS(struct nester, .base = NULL);

static void nester_message(struct nester *nester, const struct hy_ws_message *message)
{
    char first = *(const char *)message->data;
    strncat(nester->log, &first, 1);
    if (first == '(') {
        raw_frame(nester->fds[0], 0x81, "a", 1);
        raw_frame(nester->fds[1], 0x81, "b", 1);
        raw_frame(nester->fds[1], 0x81, "q", 1);
        assert_int_equal(hy_loop_init(&nester->loop), 0);
        assert_int_equal(hy_loop_exec(&nester->loop, 0), 0);
        assert_memory_equal(message->data, "(begin", 6); /* nobody has written over it */
        strcat(nester->log, ")");
    } else if (first == 'q') {
        hy_loop_quit(&nester->loop, 0);
    }
}

static void nester_opened(struct nester *nester)
{
    nester->opened++;
}

/* While a handler of one client runs a loop, the other client is served; more of the same client
 * waits until the handler has returned. */
static void test_loop_inside_a_handler(void **state)
{
    static struct nester nester;
    struct fixture port;
    int64_t deadline_ns = hy_now_ns() + FIXTURE_WAIT_NS;
    char head[1024];
    (void)state;
    assert_int_equal(hy_object_init(&nester.hy, &nester_class, NULL), 0);
    assert_int_equal(hy_ws_server_init(&nester.server, &nester.hy), 0);
    hy_connect(&nester.server.events.message, &nester, nester_message, HY_DIRECT);
    hy_connect(&nester.server.events.client_opened, &nester, nester_opened, HY_DIRECT);
    assert_int_equal(hy_ws_server_listen(&nester.server, "127.0.0.1:0", 0), 0);
    port.server.port_ = hy_ws_server_port(&nester.server);
    for (int i = 0; i < 2; i++) {
        nester.fds[i] = raw_connect(&port);
        raw_send_text(nester.fds[i], raw_upgrade);
        raw_send_text(nester.fds[i], "\r\n");
    }
    while (nester.opened < 2)
        assert_true(hy_process(HY_PROCESS_WAIT, deadline_ns) >= 0 && hy_now_ns() < deadline_ns);
    raw_frame(nester.fds[0], 0x81, "(begin", 6);
    while (strlen(nester.log) < 5)
        assert_true(hy_process(HY_PROCESS_WAIT, deadline_ns) >= 0 && hy_now_ns() < deadline_ns);
    assert_string_equal(nester.log, "(bq)a");
    for (int i = 0; i < 2; i++) {
        raw_read_head(nester.fds[i], head, sizeof head);
        close(nester.fds[i]);
    }
    hy_object_fini(&nester.hy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_both_ways),
        cmocka_unit_test(test_fragments_and_many_in_one_segment),
        cmocka_unit_test(test_broadcast_of_a_buffer),
        cmocka_unit_test(test_close_client_from_another_thread),
        cmocka_unit_test(test_server_close_is_orderly),
        cmocka_unit_test(test_end_of_the_thread_says_1001),
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_silent_client_is_pinged_and_cut),
        cmocka_unit_test(test_wrong_calls),
        cmocka_unit_test(test_handlers_may_end_everything),
        cmocka_unit_test(test_loop_inside_a_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
