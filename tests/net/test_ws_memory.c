/* SPDX-License-Identifier: MIT */
/*
 * The same conversation again and again, and each time another allocation fails: the first, the
 * second, until none fails any more. A connection may be lost by that, but nothing may crash, hang
 * or leak, and the next conversation must go well. All in one thread, so that the count is exact.
 */
#include "ws_fixture.h"
#include <poll.h>

static long allocations, fail_at, live_blocks;

static void *failing_allocate(size_t size)
{
    if (++allocations == fail_at)
        return NULL;
    void *memory = malloc(size);
    live_blocks += memory != NULL;
    return memory;
}

static void *failing_resize(void *memory, size_t size)
{
    if (memory == NULL)
        return failing_allocate(size);
    return ++allocations == fail_at ? NULL : realloc(memory, size);
}

static void failing_release(void *memory)
{
    live_blocks -= memory != NULL;
    free(memory);
}

static const struct hy_allocator failing = {failing_allocate, failing_resize, failing_release};

struct host {
    HY_INHERITS(hy_object);
    struct hy_ws_server server;
    unsigned opened, closed, messages, copies;
};

static const struct hy_class host_class = HY_CLASS(struct host, .base = NULL);

static void host_opened(struct host *host)
{
    host->opened++;
}

static void host_closed(struct host *host)
{
    host->closed++;
}

static void host_message(struct host *host, const struct hy_ws_message *message)
{
    host->messages++;
    hy_ws_server_broadcast_binary(&host->server, message->data, message->size);
}

static void host_copy(struct host *host, const struct hy_ws_message_buffer *message)
{
    host->copies++;
    hy_ws_server_broadcast_buffer(&host->server, message->buffer, message->is_text);
}

static void host_request(struct host *host, const struct hy_http_request *request)
{
    struct hy_buffer *body;
    if (hy_buffer_create("made", 4, &body) < 0)
        return; /* 504 */
    hy_ws_server_respond(&host->server, request->request, 200, "text/plain", body);
    hy_buffer_unref(body);
}

static int host_start(struct host *host)
{
    static const struct hy_ws_page page = {
        .path = "/", .content_type = "text/plain", .data = "page", .size = 4};
    struct hy_ws_server_options options;
    int rc = hy_ws_server_init(&host->server, &host->hy);
    if (rc < 0)
        return rc;
    options = hy_ws_server_options_default();
    /* What hangs for want of memory ends by these. */
    options.handshake_timeout_ns = options.request_timeout_ns = options.keep_alive_ns =
        options.close_timeout_ns = options.ping_interval_ns = options.pong_timeout_ns =
            options.write_timeout_ns = 40 * HY_MILLISECOND;
    if ((rc = hy_ws_server_set_options(&host->server, &options)) < 0 ||
        (rc = hy_ws_server_add_page(&host->server, &page)) < 0 ||
        (rc = hy_connect(&host->server.events.client_opened, host, host_opened, HY_DIRECT)) < 0 ||
        (rc = hy_connect(&host->server.events.client_closed, host, host_closed, HY_DIRECT)) < 0 ||
        (rc = hy_connect(&host->server.events.message, host, host_message, HY_DIRECT)) < 0 ||
        (rc = hy_connect(&host->server.events.message_buffer, host, host_copy, HY_DIRECT)) < 0 ||
        (rc = hy_connect(&host->server.events.request, host, host_request, HY_DIRECT)) < 0)
        return rc;
    return hy_ws_server_listen(&host->server, "127.0.0.1:0", 0);
}

/* Sends the bytes and serves until the server ends the connection, or for a while. */
static bool converse(struct host *host, const void *bytes, size_t size)
{
    struct fixture port;
    char rest[4096];
    ssize_t got = -1;
    bool is_reset = false;
    port.server.port_ = hy_ws_server_port(&host->server);
    int fd = raw_connect(&port);
    int64_t deadline_ns = hy_now_ns() + HY_SECOND;
    raw_send(fd, bytes, size);
    while (got != 0 && !is_reset && hy_now_ns() < deadline_ns) {
        hy_process(HY_PROCESS_WAIT, hy_now_ns() + HY_MILLISECOND);
        got = recv(fd, rest, sizeof rest, MSG_DONTWAIT);
        is_reset = got < 0 && errno == ECONNRESET;
    }
    close(fd);
    return hy_now_ns() < deadline_ns;
}

/* Returns how many allocations it took. */
static long play(long failing_one, bool *ret_ended)
{
    struct host host;
    char request[600];
    static char frames[70000];
    size_t size = (size_t)snprintf(frames, sizeof frames, "%s\r\n", raw_upgrade);
    memset(&host, 0, sizeof host);
    allocations = 0;
    fail_at = failing_one;
    *ret_ended = true;
    if (hy_object_init(&host.hy, &host_class, NULL) < 0)
        return allocations;
    if (host_start(&host) >= 0) {
        memcpy(frames + size, "\x81\x82\0\0\0\0hi\x89\x81\0\0\0\0p", 15);
        memcpy(frames + size + 15, "\x02\x81\0\0\0\0a\x80\x81\0\0\0\0b", 14);
        memcpy(frames + size + 29, "\x88\x82\0\0\0\0\x03\xe8", 8);
        *ret_ended &= converse(&host, frames, size + 37);
        size = (size_t)snprintf(request, sizeof request,
                                "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /made HTTP/1.1\r\nHost: "
                                "a\r\n\r\nGET /%%none HTTP/1.0\r\n\r\n");
        *ret_ended &= converse(&host, request, size);
    }
    fail_at = 0;
    hy_object_fini(&host.hy);
    assert_int_equal(host.opened, host.closed);
    if (failing_one == 0) {
        assert_int_equal(host.messages, 2);
        assert_int_equal(host.copies, 2);
    }
    while (hy_process(0, 0) > 0)
        ;
    return allocations;
}

static void test_every_allocation_fails_once(void **state)
{
    bool is_ended;
    long most = 0, stuck = 0, blocks = 0;
    (void)state;
    for (int i = 0; i < 3; i++) { /* caches fill */
        most = play(0, &is_ended);
        assert_true(is_ended);
        blocks = live_blocks;
    }
    for (long n = 1; n <= most; n++) {
        play(n, &is_ended);
        stuck += !is_ended;
        if (!is_ended)
            print_message("# allocation %ld of %ld: a connection was not ended\n", n, most);
        play(0, &is_ended);
        assert_true(is_ended);
    }
    print_message("# %ld allocations; %ld blocks more than before\n", most, live_blocks - blocks);
    assert_int_equal(stuck, 0);
    assert_true(live_blocks - blocks <= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation_fails_once)};
    hy_memory_set_allocator(&failing);
    hy_log_set_level(HY_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
