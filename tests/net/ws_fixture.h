/* SPDX-License-Identifier: MIT */
/*
 * A WebSocket server in a thread of its own, a recorder in the test's thread that gets all its
 * signals, and blocking raw sockets as its clients. Everything that is awaited is awaited by a
 * signal or by a read with a time limit, never by sleeping.
 */
#ifndef HY_TEST_WS_FIXTURE_H
#define HY_TEST_WS_FIXTURE_H

#include <arpa/inet.h>
#include <errno.h>
#include <halyard/halyard.h>
#include <halyard/ws_client.h>
#include <halyard/ws_server.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FIXTURE_WAIT_NS (20 * HY_SECOND)
#define FIXTURE_EVENTS  64

struct recorder {
    HY_INHERITS(hy_object);
    unsigned closed_there; /* client_closed counted in the server's thread; atomic */
    unsigned opened, closed, messages, requests, high, low, pongs, server_closed, errors;
    struct hy_ws_client_opened opened_list[FIXTURE_EVENTS];
    struct hy_ws_client_closed closed_list[FIXTURE_EVENTS];
    struct hy_ws_server_closed last_server_closed;
    struct hy_ws_pong last_pong;
    uint64_t message_client, request;
    size_t message_size;
    char message[256], request_text[256];
    bool message_is_text;
    struct fixture *fixture;
};

struct fixture {
    struct hy_thread thread;
    struct hy_ws_server server;
    struct recorder recorder;
};

static const struct hy_class recorder_class = HY_CLASS(struct recorder, .base = NULL);

static void record_opened(struct recorder *recorder, const struct hy_ws_client_opened *opened)
{
    recorder->opened_list[recorder->opened++ % FIXTURE_EVENTS] = *opened;
}

static void record_closed(struct recorder *recorder, const struct hy_ws_client_closed *closed)
{
    recorder->closed_list[recorder->closed++ % FIXTURE_EVENTS] = *closed;
}

/* Direct: what is queued from an object that ends meanwhile may be dropped. */
static void count_closed(struct recorder *recorder)
{
    __atomic_add_fetch(&recorder->closed_there, 1, __ATOMIC_RELAXED);
}

static void record_message(struct recorder *recorder, const struct hy_ws_message_buffer *message)
{
    size_t size = hy_buffer_size(message->buffer);
    recorder->messages++;
    recorder->message_client = message->client;
    recorder->message_size = size;
    recorder->message_is_text = message->is_text;
    if (size >= sizeof recorder->message)
        size = sizeof recorder->message - 1;
    if (size > 0)
        memcpy(recorder->message, hy_buffer_data(message->buffer), size);
    recorder->message[size] = '\0';
}

static void record_request(struct recorder *recorder, const struct hy_http_request *request)
{
    recorder->requests++;
    recorder->request = request->request;
    snprintf(recorder->request_text, sizeof recorder->request_text, "%s|%s|%s", request->method,
             request->path, request->query);
}

static void record_high(struct recorder *recorder, const struct hy_ws_pressure *pressure)
{
    recorder->high += pressure->client == 0;
}

static void record_low(struct recorder *recorder, const struct hy_ws_pressure *pressure)
{
    recorder->low += pressure->client == 0;
}

static void record_pong(struct recorder *recorder, const struct hy_ws_pong *pong)
{
    recorder->pongs++;
    recorder->last_pong = *pong;
}

static void record_server_closed(struct recorder *recorder,
                                 const struct hy_ws_server_closed *closed)
{
    recorder->server_closed++;
    recorder->last_server_closed = *closed;
}

static void record_error(struct recorder *recorder)
{
    recorder->errors++;
}

/* Made and made to listen here, then moved to its thread: that must work too. */
static inline void fixture_start_with(struct fixture *fixture,
                                      const struct hy_ws_server_options *options,
                                      bool takes_requests, const struct hy_ws_page *page)
{
    struct recorder *recorder = &fixture->recorder;
    memset(fixture, 0, sizeof *fixture);
    recorder->fixture = fixture;
    assert_int_equal(hy_object_init(&recorder->hy, &recorder_class, NULL), 0);
    assert_int_equal(hy_ws_server_init(&fixture->server, NULL), 0);
    if (options != NULL)
        assert_int_equal(hy_ws_server_set_options(&fixture->server, options), 0);
#define FIXTURE_CONNECT(signal_, slot_)                                                            \
    assert_true(hy_connect(&fixture->server.events.signal_, recorder, slot_, HY_QUEUED) >= 0)
    FIXTURE_CONNECT(client_opened, record_opened);
    FIXTURE_CONNECT(client_closed, record_closed);
    FIXTURE_CONNECT(message_buffer, record_message);
    FIXTURE_CONNECT(high_water, record_high);
    FIXTURE_CONNECT(low_water, record_low);
    FIXTURE_CONNECT(pong, record_pong);
    FIXTURE_CONNECT(closed, record_server_closed);
    FIXTURE_CONNECT(error, record_error);
#undef FIXTURE_CONNECT
    assert_true(
        hy_connect(&fixture->server.events.client_closed, recorder, count_closed, HY_DIRECT) >= 0);
    if (takes_requests) /* else they are 404 */
        assert_true(
            hy_connect(&fixture->server.events.request, recorder, record_request, HY_QUEUED) >= 0);
    if (page != NULL)
        assert_int_equal(hy_ws_server_add_page(&fixture->server, page), 0);
    assert_int_equal(hy_ws_server_listen(&fixture->server, "127.0.0.1:0", 0), 0);
    assert_int_equal(hy_thread_init(&fixture->thread, "server", NULL), 0);
    assert_int_equal(hy_object_move_to_thread(&fixture->server.hy, &fixture->thread), 0);
    assert_int_equal(hy_thread_start(&fixture->thread), 0);
}

static inline void fixture_start(struct fixture *fixture,
                                 const struct hy_ws_server_options *options)
{
    fixture_start_with(fixture, options, false, NULL);
}

/* Ends the thread, which ends the server in it. */
static inline void fixture_stop(struct fixture *fixture)
{
    hy_thread_quit(&fixture->thread, 0);
    assert_int_equal(hy_thread_join(&fixture->thread, hy_now_ns() + FIXTURE_WAIT_NS), 0);
    hy_process(0, 0);
    hy_thread_fini(&fixture->thread);
    hy_object_fini(&fixture->server.hy); /* a second end does nothing */
    hy_object_fini(&fixture->recorder.hy);
}

/* Runs the test's loop until a number is at least what is wanted. */
static inline void fixture_await(const unsigned *count, unsigned wanted)
{
    int64_t deadline_ns = hy_now_ns() + FIXTURE_WAIT_NS;
    while (*count < wanted) {
        assert_true(hy_now_ns() < deadline_ns);
        int rc = hy_process(HY_PROCESS_WAIT, deadline_ns);
        if (rc < 0)
            fail_msg("%s", hy_last_error()->message);
    }
}

static inline struct hy_ws_server_counters fixture_counters(const struct fixture *fixture)
{
    return hy_ws_server_get_counters(&fixture->server);
}

/* --- raw clients ----------------------------------------------------------------------------- */

static inline int raw_connect_sized(const struct fixture *fixture, int receive_size)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(hy_ws_server_port(&fixture->server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (receive_size > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_size, sizeof receive_size);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return fd;
}

static inline int raw_connect(const struct fixture *fixture)
{
    return raw_connect_sized(fixture, 0);
}

static inline void raw_send(int fd, const void *data, size_t size)
{
    assert_int_equal(send(fd, data, size, MSG_NOSIGNAL), (ssize_t)size);
}

static inline void raw_send_text(int fd, const char *text)
{
    raw_send(fd, text, strlen(text));
}

/* Reads exactly so many bytes; false at the peer's end. */
static inline bool raw_read(int fd, void *to, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = recv(fd, (char *)to + done, size - done, 0);
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

/* Reads until the peer's end; returns the bytes, with a NUL behind them. */
static inline size_t raw_read_all(int fd, char *to, size_t capacity)
{
    size_t size = 0;
    ssize_t got = 0;
    while (size < capacity - 1 && (got = recv(fd, to + size, capacity - 1 - size, 0)) > 0)
        size += (size_t)got;
    assert_true(got >= 0 || errno == ECONNRESET);
    to[size] = '\0';
    return size;
}

/* Reads a head up to its empty line. */
static inline void raw_read_head(int fd, char *to, size_t capacity)
{
    size_t size = 0;
    while (size < 4 || memcmp(to + size - 4, "\r\n\r\n", 4) != 0) {
        assert_true(size < capacity - 1);
        assert_true(raw_read(fd, to + size, 1));
        size++;
    }
    to[size] = '\0';
}

static const char *const raw_upgrade =
    "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

/* A connection that has become a WebSocket. */
static inline int raw_open_sized(const struct fixture *fixture, int receive_size)
{
    char head[1024];
    int fd = raw_connect_sized(fixture, receive_size);
    raw_send_text(fd, raw_upgrade);
    raw_send_text(fd, "\r\n");
    raw_read_head(fd, head, sizeof head);
    assert_memory_equal(head, "HTTP/1.1 101 ", 13);
    return fd;
}

static inline int raw_open(const struct fixture *fixture)
{
    return raw_open_sized(fixture, 0);
}

/* Sends a frame with a mask of zeros. first: FIN, RSV and opcode. */
static inline void raw_frame(int fd, unsigned first, const void *payload, size_t size)
{
    unsigned char head[14] = {(unsigned char)first};
    size_t head_size = 2;
    if (size < 126) {
        head[1] = (unsigned char)(0x80 | size);
    } else {
        unsigned octets = size < 65536 ? 2 : 8;
        head[1] = (unsigned char)(0x80 | (octets == 2 ? 126 : 127));
        for (unsigned i = 0; i < octets; i++)
            head[head_size++] = (unsigned char)((uint64_t)size >> (8 * (octets - 1 - i)));
    }
    raw_send(fd, head, head_size + 4);
    if (size > 0)
        raw_send(fd, payload, size);
}

/* Reads one frame; returns its first byte, or 0 at the end. */
static inline unsigned raw_read_frame(int fd, void *to, size_t capacity, size_t *ret_size)
{
    unsigned char head[10];
    uint64_t size;
    if (!raw_read(fd, head, 2))
        return 0;
    size = head[1];
    assert_int_equal(head[1] & 0x80, 0);
    if (size >= 126) {
        size_t octets = size == 126 ? 2 : 8;
        assert_true(raw_read(fd, head + 2, octets));
        size = 0;
        for (size_t i = 0; i < octets; i++)
            size = size << 8 | head[2 + i];
    }
    assert_true(size <= capacity);
    if (!raw_read(fd, to, size))
        return 0;
    *ret_size = size;
    return head[0];
}

/* Reads frames up to a Close and then the end; returns its code, 1005 without one, 1006 at an end
 * without a Close. */
static inline unsigned raw_await_close(int fd)
{
    static unsigned char payload[1 << 16];
    size_t size = 0;
    unsigned first;
    char rest[16];
    while ((first = raw_read_frame(fd, payload, sizeof payload, &size)) != 0x88)
        if (first == 0)
            return 1006;
    assert_int_equal(recv(fd, rest, sizeof rest, 0), 0); /* the server ends the connection */
    return size >= 2 ? (unsigned)payload[0] << 8 | payload[1] : 1005;
}

#endif
