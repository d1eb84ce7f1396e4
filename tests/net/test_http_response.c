/* SPDX-License-Identifier: MIT */
/* HTTP response heads: exact bytes, every capacity, values that would split the response. */
#include "guard.h"
#include "http_response.h"
#include <halyard/error.h>

static void full_head(void **state)
{
    (void)state;
    const struct hy__http_response_field more[] = {{"X-More", "yes"}};
    const struct hy__http_response response = {
        .status = 200,
        .date_unix_s = 784111777,
        .content_type = "text/html; charset=utf-8",
        .has_content_length = true,
        .content_length = UINT64_C(18446744073709551615),
        .content_encoding = "gzip",
        .cache_control = "no-cache",
        .etag = "\"1\"",
        .vary = "Accept-Encoding",
        .content_security_policy = "default-src 'self'",
        .is_nosniff = true,
        .is_close = true,
        .fields = more,
        .field_count = 1,
    };
    const char expected[] = "HTTP/1.1 200 OK\r\n"
                            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                            "Content-Type: text/html; charset=utf-8\r\n"
                            "Content-Length: 18446744073709551615\r\n"
                            "Content-Encoding: gzip\r\n"
                            "Cache-Control: no-cache\r\n"
                            "ETag: \"1\"\r\n"
                            "Vary: Accept-Encoding\r\n"
                            "Content-Security-Policy: default-src 'self'\r\n"
                            "X-Content-Type-Options: nosniff\r\n"
                            "Connection: close\r\n"
                            "X-More: yes\r\n"
                            "\r\n";
    size_t size = sizeof expected - 1;
    struct guard guard = guard_create(size);
    for (size_t capacity = 0; capacity < size; capacity++)
        assert_int_equal(
            hy__http_response_head(&response, guard.memory + guard.size - capacity, capacity),
            -HY_EMSGSIZE);
    char *buffer = guard.memory + guard.size - size;
    assert_int_equal(hy__http_response_head(&response, buffer, size), size);
    assert_memory_equal(buffer, expected, size);
    guard_destroy(&guard);
}

static void assert_head(const struct hy__http_response *response, const char *expected)
{
    char buffer[500];
    int size = hy__http_response_head(response, buffer, sizeof buffer - 1);
    assert_true(size > 0);
    buffer[size] = '\0';
    assert_string_equal(buffer, expected);
}

static void refusals(void **state)
{
    (void)state;
    assert_head(&(struct hy__http_response){.status = 405, .allow = "GET, HEAD"},
                "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\n\r\n");
    assert_head(
        &(struct hy__http_response){.status = 426, .is_websocket_version = true, .is_close = true},
        "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n");
    assert_head(&(struct hy__http_response){.status = 404, .has_content_length = true},
                "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    assert_head(&(struct hy__http_response){.status = 418}, "HTTP/1.1 418 Unknown\r\n\r\n");
}

static void values_that_split_are_refused(void **state)
{
    (void)state;
    static const char *const values[] = {"a\r\nX: b", "a\rb", "a\nb", "\x01", "\x7F"};
    char buffer[500];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const struct hy__http_response_field more = {"X", values[i]};
        const struct hy__http_response responses[] = {
            {.status = 200, .content_type = values[i]},
            {.status = 200, .cache_control = values[i]},
            {.status = 200, .content_security_policy = values[i]},
            {.status = 200, .etag = values[i]},
            {.status = 200, .fields = &more, .field_count = 1},
        };
        for (size_t k = 0; k < sizeof responses / sizeof responses[0]; k++)
            assert_int_equal(hy__http_response_head(&responses[k], buffer, sizeof buffer),
                             -HY_EINVAL);
    }
    const struct hy__http_response_field name = {"X: 1\r\nY", "1"};
    const struct hy__http_response response = {.status = 200, .fields = &name, .field_count = 1};
    assert_int_equal(hy__http_response_head(&response, buffer, sizeof buffer), -HY_EINVAL);
    assert_int_equal(
        hy__http_response_head(&(struct hy__http_response){.status = 99}, buffer, sizeof buffer),
        -HY_EINVAL);
    assert_int_equal(
        hy__http_response_head(&(struct hy__http_response){.status = 600}, buffer, sizeof buffer),
        -HY_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_head),
        cmocka_unit_test(refusals),
        cmocka_unit_test(values_that_split_are_refused),
    };
    return cmocka_run_group_tests_name("http_response", tests, NULL, NULL);
}
