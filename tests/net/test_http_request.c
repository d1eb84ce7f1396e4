/* SPDX-License-Identifier: MIT */
/*
 * HTTP request heads: what is accepted, every kind of malformed one with its status, limits at the
 * bound and beside it. Every input also runs cut at each place and byte by byte, at a page's end.
 */
#include "guard.h"
#include "http_request.h"
#include <stdio.h>
#include <stdlib.h>

static struct guard guard;
static struct hy__http_request request;

static ssize_t parse_at_guard(const char *data, size_t size, size_t scanned,
                              const struct hy__http_limits *limits)
{
    return hy__http_request_parse(guard_copy(&guard, data, size), size, scanned, limits, &request);
}

/* Parses whole, and byte by byte with the scanned size handed on: both must agree. */
static ssize_t parse_sized(const char *data, size_t size, const struct hy__http_limits *limits)
{
    ssize_t bytewise = 0;
    for (size_t n = 0; n <= size && bytewise == 0; n++)
        bytewise = parse_at_guard(data, n, n > 0 ? n - 1 : 0, limits);
    ssize_t whole = parse_at_guard(data, size, 0, limits);
    if (whole != bytewise)
        fail_msg("whole: %zd, byte by byte: %zd", whole, bytewise);
    return whole;
}

static ssize_t parse(const char *text)
{
    return parse_sized(text, strlen(text), NULL);
}

static void assert_slice(struct hy__slice slice, const char *text)
{
    if (!hy__slice_is(slice, text))
        fail_msg("\"%.*s\" instead of \"%s\"", (int)slice.size, slice.data, text);
}

static void plain_request(void **state)
{
    (void)state;
    const char text[] = "GET /a%20b/c?x=1&y=%3f HTTP/1.1\r\nHost: localhost:8100\r\n"
                        "accept:  gzip, br \t\r\nX-Empty:\r\nX-Latin: \xE9\r\n\r\nleft over";
    size_t head = sizeof text - 1 - strlen("left over");
    assert_int_equal(parse(text), head);
    assert_slice(request.method, "GET");
    assert_slice(request.target, "/a%20b/c?x=1&y=%3f");
    assert_slice(request.path, "/a%20b/c");
    assert_slice(request.query, "x=1&y=%3f");
    assert_slice(request.host, "localhost:8100");
    assert_int_equal(request.version_minor, 1);
    assert_true(request.is_keep_alive);
    assert_false(request.has_body);
    struct hy__slice value;
    assert_int_equal(hy__http_field_find(&request.fields, "Accept", &value), 1);
    assert_slice(value, "gzip, br");
    assert_true(hy__http_field_has_token(&request.fields, "ACCEPT", "GZIP"));
    assert_false(hy__http_field_has_token(&request.fields, "accept", "gz"));
    assert_int_equal(hy__http_field_find(&request.fields, "x-empty", &value), 1);
    assert_int_equal(value.size, 0);
    assert_int_equal(hy__http_field_find(&request.fields, "X-None", &value), 0);
}

static void every_prefix_needs_more(void **state)
{
    (void)state;
    const char text[] = "\r\nGET / HTTP/1.1\r\nHost: a\r\nX: \t1\r\nContent-Length: 0\r\n\r\n";
    for (size_t n = 0; n < sizeof text - 1; n++)
        for (size_t scanned = 0; scanned <= n; scanned++)
            if (parse_at_guard(text, n, scanned, NULL) != 0)
                fail_msg("prefix of %zu (%zu scanned) is not \"more\"", n, scanned);
    for (size_t scanned = 0; scanned < sizeof text - 1; scanned++)
        assert_int_equal(parse_at_guard(text, sizeof text - 1, scanned, NULL), sizeof text - 1);
}

static void target_forms(void **state)
{
    (void)state;
    assert_true(parse("GET http://example.org/p?q HTTP/1.1\r\nHost: other\r\n\r\n") > 0);
    assert_slice(request.host, "example.org");
    assert_slice(request.path, "/p");
    assert_slice(request.query, "q");
    assert_true(parse("GET HTTP://example.org:80 HTTP/1.1\r\nHost: other\r\n\r\n") > 0);
    assert_slice(request.host, "example.org:80");
    assert_slice(request.path, "/");
    assert_true(parse("GET http://example.org?q HTTP/1.1\r\nHost: other\r\n\r\n") > 0);
    assert_slice(request.path, "/");
    assert_slice(request.query, "q");
    assert_true(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") > 0);
    assert_slice(request.path, "*");
    assert_true(parse("GET /? HTTP/1.1\r\nHost: a\r\n\r\n") > 0);
    assert_int_equal(request.query.size, 0);
}

static void versions_and_connection(void **state)
{
    (void)state;
    assert_true(parse("GET / HTTP/1.0\r\n\r\n") > 0);
    assert_int_equal(request.version_minor, 0);
    assert_false(request.is_keep_alive);
    assert_int_equal(request.host.size, 0);
    assert_true(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n") > 0);
    assert_true(request.is_keep_alive);
    assert_true(
        parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: y , CLOSE\r\n\r\n") > 0);
    assert_false(request.is_keep_alive);
}

static void bodies(void **state)
{
    (void)state;
    assert_true(parse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n") >
                0);
    assert_true(request.has_body);
    assert_true(request.content_length == INT64_MAX);
    assert_true(parse("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n") > 0);
    assert_true(request.has_body);
    assert_true(request.is_chunked);
}

#define REST "Host: a\r\n\r\n"
#define HEAD "GET / HTTP/1.1\r\nHost: a\r\n"

static void bad_inputs(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *text;
    } cases[] = {
        /* request line */
        {400, "\r\n\r\n"},
        {400, "GET\r\n" REST},
        {400, "GET /\r\n" REST},
        {400, "GET / \r\n" REST},
        {400, " GET / HTTP/1.1\r\n" REST},
        {400, "GET  / HTTP/1.1\r\n" REST},
        {400, "GET /  HTTP/1.1\r\n" REST},
        {400, "GET / HTTP/1.1 \r\n" REST},
        {400, "GET\t/ HTTP/1.1\r\n" REST},
        {400, "GET /\ta HTTP/1.1\r\n" REST},
        {400, "G(T / HTTP/1.1\r\n" REST},
        {400, "GET a HTTP/1.1\r\n" REST},
        {400, "GET * HTTP/1.1\r\n" REST},
        {400, "GET /#a HTTP/1.1\r\n" REST},
        {400, "GET /\xE9 HTTP/1.1\r\n" REST},
        {400, "GET /\x01 HTTP/1.1\r\n" REST},
        {400, "GET /\x7F HTTP/1.1\r\n" REST},
        {400, "GET http:///a HTTP/1.1\r\n" REST},
        {400, "GET http://u@a/ HTTP/1.1\r\n" REST},
        {400, "GET ftp://a/ HTTP/1.1\r\n" REST},
        {400, "CONNECT a:1 HTTP/1.1\r\n" REST},
        {400, "GET / http/1.1\r\n" REST},
        {400, "GET / HTTP/1.10\r\n" REST},
        {400, "GET / HTTP/x.1\r\n" REST},
        {400, "GET / HTTP-1.1\r\n" REST},
        {505, "GET / HTTP/1.2\r\n" REST},
        {505, "GET / HTTP/0.9\r\n" REST},
        {505, "PRI * HTTP/2.0\r\n\r\n"},
        {400, "\x16\x03\x01\x02"},
        /* line ends */
        {400, "GET / HTTP/1.1\nHost: a\n\n"},
        {400, "\nGET / HTTP/1.1\r\n" REST},
        {400, "GET / HTTP/1.1\rHost: a\r\n\r\n"},
        {400, HEAD "X-A: 1\nX-B: 2\r\n\r\n"},
        {400, HEAD "X-A: 1\rX-B: 2\r\n\r\n"},
        {400, HEAD "X-A: 1\r\r\n\r\n"},
        {400, "\r\n\r\nGET / HTTP/1.1\r\n" REST},
        /* fields */
        {400, HEAD "X-A : 1\r\n\r\n"},
        {400, HEAD "X-A: 1\r\n 2\r\n\r\n"},
        {400, HEAD "X-A: 1\r\n\t2\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
        {400, HEAD ": 1\r\n\r\n"},
        {400, HEAD "X-A\r\n\r\n"},
        {400, HEAD "X(A: 1\r\n\r\n"},
        {400, HEAD "X\xE9: 1\r\n\r\n"},
        {400, HEAD "X-A: \x01\r\n\r\n"},
        {400, HEAD "X-A: \x1B[2J\r\n\r\n"},
        {400, HEAD "X-A: \x7F\r\n\r\n"},
        /* Host */
        {400, "GET / HTTP/1.1\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
        {400, "GET http://a/ HTTP/1.1\r\n\r\n"},
        {400, HEAD "host: a\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a:x\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"},
        /* bodies */
        {400, HEAD "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {400, HEAD "Content-Length: 4x\r\n\r\n"},
        {400, HEAD "Content-Length: -4\r\n\r\n"},
        {400, HEAD "Content-Length: +4\r\n\r\n"},
        {400, HEAD "Content-Length: 4, 4\r\n\r\n"},
        {400, HEAD "Content-Length:\r\n\r\n"},
        {400, HEAD "Content-Length: 4\r\nContent-Length: 4\r\n\r\n"},
        {400, HEAD "Content-Length: 99999999999999999999x\r\n\r\n"},
        {413, HEAD "Content-Length: 9223372036854775808\r\n\r\n"},
        {413, HEAD "Content-Length: 99999999999999999999\r\n\r\n"},
        {501, HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n"},
        {400, HEAD "Transfer-Encoding:\r\n\r\n"},
        {400, HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {400, "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ssize_t rc = parse(cases[i].text);
        if (rc != -cases[i].status)
            fail_msg("case %zu: %zd instead of %d for: %s", i, rc, -cases[i].status, cases[i].text);
    }
}

static void good_hosts(void **state)
{
    (void)state;
    static const char *const hosts[] = {"a",
                                        "a:",
                                        "a:65535",
                                        "[::1]",
                                        "[::1]:80",
                                        "127.0.0.1:1",
                                        "xn--bcher-kva.example",
                                        "[::ffff:1.2.3.4]"};
    char text[200];
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i]);
        assert_true(parse(text) > 0);
        assert_slice(request.host, hosts[i]);
    }
}

/* A NUL and every other control byte, at every place of a head: refused, and at once. */
static void control_byte_at_every_place(void **state)
{
    (void)state;
    const char text[] = HEAD "X-A: some longer value here\r\n\r\n";
    char changed[sizeof text];
    for (int c = 0; c < 0x80; c = c == 0x1F ? 0x7F : c + 1) {
        if (c == '\t' || c == '\r' || c == '\n')
            continue;
        for (size_t at = 0; at < sizeof text - 1; at++) {
            memcpy(changed, text, sizeof text);
            changed[at] = (char)c;
            assert_int_equal(parse_at_guard(changed, at + 1, 0, NULL), -400);
        }
    }
}

static void limit_of_the_request_line(void **state)
{
    (void)state;
    const struct hy__http_limits limits = {64, 4096, 10};
    char text[300];
    for (size_t size = 60; size <= 70; size++) {
        int path = (int)(size - strlen("GET / HTTP/1.1"));
        int n = snprintf(
            text, sizeof text, "GET /%.*s HTTP/1.1\r\n" REST, path,
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        assert_int_equal(parse_sized(text, (size_t)n, &limits), size <= 64 ? n : -414);
        /* Refused when the line is one too long, not when its end comes. */
        if (size > 64)
            assert_int_equal(parse_at_guard(text, 65, 0, &limits), -414);
    }
}

static void limit_of_the_head(void **state)
{
    (void)state;
    const char text[] = HEAD "X-A: 123456789\r\n\r\n";
    size_t size = sizeof text - 1;
    for (size_t max = size - 2; max <= size + 2; max++) {
        const struct hy__http_limits limits = {64, max, 10};
        assert_int_equal(parse_sized(text, size, &limits), max >= size ? (ssize_t)size : -431);
        /* Refused when the head can no longer end within the limit, not one byte later. */
        assert_int_equal(parse_at_guard(text, size - 3, 0, &limits), 0);
        if (max < size)
            assert_int_equal(parse_at_guard(text, max, 0, &limits), -431);
    }
}

static void limit_of_the_fields(void **state)
{
    (void)state;
    const char text[] = HEAD "A: 1\r\nB: 2\r\nC: 3\r\n\r\n"; /* four */
    for (uint32_t max = 3; max <= 5; max++) {
        const struct hy__http_limits limits = {64, 4096, max};
        assert_int_equal(parse_sized(text, sizeof text - 1, &limits),
                         max >= 4 ? (ssize_t)sizeof text - 1 : -431);
    }
    char many[4096];
    for (int count = HY__HTTP_FIELDS_MAX - 1; count <= HY__HTTP_FIELDS_MAX + 1; count++) {
        const struct hy__http_limits limits = {64, 4096, 100000}; /* more than there is room for */
        int n = snprintf(many, sizeof many, HEAD);
        for (int i = 1; i < count; i++)
            n += snprintf(many + n, sizeof many - (size_t)n, "X: %d\r\n", i);
        n += snprintf(many + n, sizeof many - (size_t)n, "\r\n");
        assert_int_equal(parse_sized(many, (size_t)n, &limits),
                         count <= HY__HTTP_FIELDS_MAX ? n : -431);
    }
}

static void megabytes_are_refused_early(void **state)
{
    (void)state;
    size_t size = 1 << 20;
    char *text = malloc(size);
    assert_non_null(text);
    static const char line[] = "GET /";
    static const char field[] = HEAD "X-A: ";
    memset(text, 'a', size);
    memcpy(text, line, sizeof line - 1);
    assert_int_equal(hy__http_request_parse(text, size, 0, NULL, &request), -414);
    memcpy(text, field, sizeof field - 1);
    assert_int_equal(hy__http_request_parse(text, size, 0, NULL, &request), -431);
    free(text);
}

static void result_is_untouched_on_failure(void **state)
{
    (void)state;
    struct hy__http_request before;
    memset(&request, 0x5A, sizeof request);
    memcpy(&before, &request, sizeof before);
    assert_int_equal(
        parse_at_guard(HEAD "X-A : 1\r\n\r\n", strlen(HEAD "X-A : 1\r\n\r\n"), 0, NULL), -400);
    assert_int_equal(parse_at_guard(HEAD, strlen(HEAD), 0, NULL), 0);
    assert_memory_equal(&before, &request, sizeof before);
}

static int guard_setup(void **state)
{
    (void)state;
    guard = guard_create(8192);
    return 0;
}

static int guard_teardown(void **state)
{
    (void)state;
    guard_destroy(&guard);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_request),
        cmocka_unit_test(every_prefix_needs_more),
        cmocka_unit_test(target_forms),
        cmocka_unit_test(versions_and_connection),
        cmocka_unit_test(bodies),
        cmocka_unit_test(bad_inputs),
        cmocka_unit_test(good_hosts),
        cmocka_unit_test(control_byte_at_every_place),
        cmocka_unit_test(limit_of_the_request_line),
        cmocka_unit_test(limit_of_the_head),
        cmocka_unit_test(limit_of_the_fields),
        cmocka_unit_test(megabytes_are_refused_early),
        cmocka_unit_test(result_is_untouched_on_failure),
    };
    return cmocka_run_group_tests_name("http_request", tests, guard_setup, guard_teardown);
}
