/* SPDX-License-Identifier: MIT */
/*
 * The HTTP of the WebSocket server: pages, the program's answers, and for every malformed or
 * refused request its status.
 */
#include "ws_fixture.h"

static struct fixture fixture;
static char answer[1 << 17];

static const char page_text[] = "<!doctype html><title>chart</title>";
static const char page_gzip[] = "\x1f\x8b pretend";

static void start(const struct hy_ws_server_options *options, bool takes_requests)
{
    /* Pages are added in the server's home thread: before it is moved. */
    fixture_start_with(&fixture, options, takes_requests,
                       &(struct hy_ws_page){.path = "/",
                                            .content_type = "text/html; charset=utf-8",
                                            .content_security_policy = "default-src 'self'",
                                            .data = page_text,
                                            .size = sizeof page_text - 1,
                                            .gzip_data = page_gzip,
                                            .gzip_size = sizeof page_gzip - 1});
}

/* Sends a request and reads until the server ends the connection. */
static size_t ask_all(const void *request, size_t size)
{
    int fd = raw_connect(&fixture);
    raw_send(fd, request, size);
    size_t got = raw_read_all(fd, answer, sizeof answer);
    close(fd);
    return got;
}

static void assert_status(const char *request, int status)
{
    char line[32];
    ask_all(request, strlen(request));
    snprintf(line, sizeof line, "HTTP/1.1 %d ", status);
    if (strncmp(answer, line, strlen(line)) != 0)
        fail_msg("%.60s... was answered with %.40s, not %d", request, answer, status);
    if (strstr(answer, "\r\n\r\n") == NULL)
        fail_msg("%.60s...: the answer has no end", request);
}

#define GET_PAGE "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"

static void test_page(void **state)
{
    (void)state;
    start(NULL, false);
    assert_status(GET_PAGE "\r\n", 200);
    assert_non_null(strstr(answer, "\r\nContent-Type: text/html; charset=utf-8\r\n"));
    assert_non_null(strstr(answer, "\r\nContent-Length: 35\r\n"));
    assert_non_null(strstr(answer, "\r\nContent-Security-Policy: default-src 'self'\r\n"));
    assert_non_null(strstr(answer, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_non_null(strstr(answer, "\r\nCache-Control: no-cache\r\n"));
    assert_non_null(strstr(answer, "\r\nVary: Accept-Encoding\r\n"));
    assert_null(strstr(answer, "Content-Encoding"));
    assert_string_equal(strstr(answer, "\r\n\r\n") + 4, page_text);
    assert_status("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200);
    assert_non_null(strstr(answer, "\r\nContent-Length: 35\r\n"));
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    fixture_stop(&fixture);
}

static void test_page_gzip_and_etag(void **state)
{
    static const char *const with_gzip[] = {"gzip", "br, gzip;q=0.5", "*", "GZIP"};
    static const char *const without[] = {"gzip;q=0", "br", "gzip;q=0.0, br", "*;q=0", "x-gzips"};
    char request[300], etag[64];
    (void)state;
    start(NULL, false);
    for (size_t i = 0; i < sizeof with_gzip / sizeof *with_gzip; i++) {
        snprintf(request, sizeof request, GET_PAGE "Accept-Encoding: %s\r\n\r\n", with_gzip[i]);
        assert_status(request, 200);
        assert_non_null(strstr(answer, "\r\nContent-Encoding: gzip\r\n"));
        assert_string_equal(strstr(answer, "\r\n\r\n") + 4, page_gzip);
    }
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        snprintf(request, sizeof request, GET_PAGE "Accept-Encoding: %s\r\n\r\n", without[i]);
        assert_status(request, 200);
        assert_null(strstr(answer, "Content-Encoding"));
    }
    const char *at = strstr(answer, "\r\nETag: ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "\r\nETag: %60s", etag), 1);
    snprintf(request, sizeof request, GET_PAGE "If-None-Match: \"x\", W/%s\r\n\r\n", etag);
    assert_status(request, 304);
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    fixture_stop(&fixture);
}

static void test_requests_in_a_row(void **state)
{
    static const char three[] =
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\n\r\n"
        "GET / HTTP/1.0\r\n\r\n";
    (void)state;
    start(NULL, false);
    ask_all(three, sizeof three - 1);
    const char *second = strstr(answer, "HTTP/1.1 404 ");
    assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
    assert_non_null(second);
    assert_non_null(strstr(second, "HTTP/1.1 200 "));
    int fd = raw_connect(&fixture); /* octet by octet, then a WebSocket on the same connection */
    for (const char *c = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"; *c != '\0'; c++)
        raw_send(fd, c, 1);
    raw_read_head(fd, answer, sizeof answer);
    assert_true(raw_read(fd, answer, 35));
    raw_send_text(fd, raw_upgrade);
    raw_send_text(fd, "\r\n");
    raw_read_head(fd, answer, sizeof answer);
    assert_memory_equal(answer, "HTTP/1.1 101 ", 13);
    close(fd);
    assert_int_equal(fixture_counters(&fixture).pages, 3);
    fixture_stop(&fixture);
}

static void test_every_refusal_has_its_status(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404},
        {"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405},
        {"BREW / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 400},
        {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\nHost: a\n\n", 400},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         400},
        {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: br\r\n\r\n", 501},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"\x16\x03\x01\x02\x00\x01\xfc\x03\x03 noise", 400},
        {"GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", 426},
        {"POST /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", 405},
        {"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
         426},
        {"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\n\r\n",
         400},
        {"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short==\r\n\r\n",
         400},
        {"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
         "Origin: http://elsewhere.example\r\n\r\n",
         403},
        {"GET /other HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n", 404},
    };
    (void)state;
    start(NULL, false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_status(cases[i].request, cases[i].status);
    assert_status("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405);
    assert_non_null(strstr(answer, "\r\nAllow: GET, HEAD\r\n"));
    assert_status("GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", 426);
    assert_non_null(strstr(answer, "\r\nSec-WebSocket-Version: 13\r\n"));
    struct hy_ws_server_counters counters = fixture_counters(&fixture);
    assert_int_equal(counters.refused_404, 2);
    assert_int_equal(counters.refused_405, 5);
    assert_int_equal(counters.refused_403, 1);
    assert_int_equal(counters.refused_426, 3);
    assert_int_equal(counters.opened, 0);
    assert_status(GET_PAGE "\r\n", 200); /* the others are unaffected */
    fixture_stop(&fixture);
}

static void test_too_much(void **state)
{
    static char big[1 << 20];
    (void)state;
    start(NULL, false);
    memset(big, 'a', sizeof big);
    memcpy(big, "GET /", 5);
    ask_all(big, sizeof big);
    assert_memory_equal(answer, "HTTP/1.1 414 ", 13);
    memcpy(big, "GET / HTTP/1.1\r\nX: ", 19);
    ask_all(big, sizeof big);
    assert_memory_equal(answer, "HTTP/1.1 431 ", 13);
    size_t size = (size_t)sprintf(big, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 200; i++)
        size += (size_t)sprintf(big + size, "X: %d\r\n", i);
    size += (size_t)sprintf(big + size, "\r\n");
    ask_all(big, size);
    assert_memory_equal(answer, "HTTP/1.1 431 ", 13);
    fixture_stop(&fixture);
}

static void test_slow_request_is_cut(void **state)
{
    struct hy_ws_server_options options;
    (void)state;
    options = hy_ws_server_options_default();
    options.handshake_timeout_ns = 100 * HY_MILLISECOND;
    start(&options, false);
    int slow = raw_connect(&fixture), silent = raw_connect(&fixture);
    raw_send_text(slow, "GET /ws HTTP/1.1\r\nHos");
    raw_read_all(slow, answer, sizeof answer);
    assert_memory_equal(answer, "HTTP/1.1 408 ", 13);
    assert_int_equal(raw_read_all(silent, answer, sizeof answer), 0);
    assert_int_equal(fixture_counters(&fixture).timeouts, 2);
    close(slow);
    close(silent);
    fixture_stop(&fixture);
}

static void test_full_server(void **state)
{
    struct hy_ws_server_options options;
    (void)state;
    options = hy_ws_server_options_default();
    options.client_limit = 2;
    start(&options, false);
    int first = raw_open(&fixture), second = raw_open(&fixture);
    int third = raw_connect(&fixture);
    raw_read_all(third, answer, sizeof answer);
    assert_memory_equal(answer, "HTTP/1.1 503 ", 13);
    close(first);
    fixture_await(&fixture.recorder.closed, 1);
    int fourth = raw_open(&fixture);
    assert_int_equal(fixture_counters(&fixture).refused_503, 1);
    close(second);
    close(third);
    close(fourth);
    fixture_stop(&fixture);
}

static void test_answers_of_the_program(void **state)
{
    struct hy_buffer *body;
    (void)state;
    start(NULL, true);
    int fd = raw_connect(&fixture);
    raw_send_text(fd, "GET /api/ships.json?near=54%2C10 HTTP/1.1\r\nHost: a\r\n\r\n"
                      "HEAD /again HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    fixture_await(&fixture.recorder.requests, 1);
    assert_string_equal(fixture.recorder.request_text, "GET|/api/ships.json|near=54%2C10");
    assert_int_equal(hy_buffer_create("{}\n", 3, &body), 0);
    assert_int_equal(
        hy_ws_server_respond(&fixture.server, fixture.recorder.request, 200, "a\r\nb: c", body),
        -HY_EINVAL);
    assert_int_equal(
        hy_ws_server_respond(&fixture.server, fixture.recorder.request, 99, NULL, body),
        -HY_EINVAL);
    uint64_t request = fixture.recorder.request;
    assert_int_equal(hy_ws_server_respond(&fixture.server, request, 200, "application/json", body),
                     0);
    assert_int_equal(hy_ws_server_respond(&fixture.server, request, 500, NULL, NULL), 0);
    raw_read_head(fd, answer, sizeof answer);
    assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
    assert_non_null(strstr(answer, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(answer, "\r\nCache-Control: no-store\r\n"));
    assert_true(raw_read(fd, answer, 3));
    assert_memory_equal(answer, "{}\n", 3);
    fixture_await(&fixture.recorder.requests, 2);
    assert_true(fixture.recorder.request != request);
    assert_string_equal(fixture.recorder.request_text, "HEAD|/again|");
    assert_int_equal(
        hy_ws_server_respond(&fixture.server, fixture.recorder.request, 200, NULL, body), 0);
    raw_read_all(fd, answer, sizeof answer);
    assert_non_null(strstr(answer, "\r\nContent-Length: 3\r\n"));
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    hy_buffer_unref(body);
    close(fd);
    assert_int_equal(fixture_counters(&fixture).requests, 2);
    fixture_stop(&fixture);
}

static void test_nobody_answers(void **state)
{
    struct hy_ws_server_options options;
    (void)state;
    options = hy_ws_server_options_default();
    options.request_timeout_ns = 50 * HY_MILLISECOND;
    start(&options, true);
    assert_status("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n", 504);
    fixture_await(&fixture.recorder.requests, 1);
    assert_int_equal(
        hy_ws_server_respond(&fixture.server, fixture.recorder.request, 200, NULL, NULL),
        0);                         /* too late: ignored */
    int fd = raw_connect(&fixture); /* closing answers those that wait */
    raw_send_text(fd, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    fixture_await(&fixture.recorder.requests, 2);
    hy_ws_server_close(&fixture.server);
    raw_read_all(fd, answer, sizeof answer);
    assert_true(strncmp(answer, "HTTP/1.1 503 ", 13) == 0 ||
                strncmp(answer, "HTTP/1.1 504 ", 13) == 0);
    close(fd);
    fixture_await(&fixture.recorder.server_closed, 1);
    fixture_stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_page_gzip_and_etag),
        cmocka_unit_test(test_requests_in_a_row),
        cmocka_unit_test(test_every_refusal_has_its_status),
        cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_slow_request_is_cut),
        cmocka_unit_test(test_full_server),
        cmocka_unit_test(test_answers_of_the_program),
        cmocka_unit_test(test_nobody_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
