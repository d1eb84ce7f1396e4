/* SPDX-License-Identifier: MIT */
/*
 * The WebSocket handshake: the server's check of every field, the client's check of the answer, and
 * both against each other.
 */
#include "guard.h"
#include "http_response.h"
#include "ws_handshake.h"
#include <halyard/error.h>
#include <stdio.h>

#define KEY     "dGhlIHNhbXBsZSBub25jZQ=="
#define GET     "GET /ws HTTP/1.1\r\n"
#define HOST    "Host: example.org\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define KEYS    "Sec-WebSocket-Key: " KEY "\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define ALL     GET HOST UPGRADE KEYS VERSION
#define END     "\r\n"

static struct hy__ws_handshake handshake;

static int check(const char *text, const struct hy__ws_policy *policy)
{
    struct hy__http_request request;
    const char *problem = NULL;
    ssize_t size = hy__http_request_parse(text, strlen(text), 0, NULL, &request);
    assert_int_equal(size, strlen(text));
    int rc = hy__ws_handshake_check(&request, policy, &handshake, &problem);
    assert_int_equal(rc != 0, problem != NULL);
    return rc;
}

static void accept_key(void **state)
{
    (void)state;
    char accept[HY__WS_ACCEPT_SIZE + 1];
    assert_int_equal(hy__ws_accept(KEY, accept), 0);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); /* RFC 6455 section 1.3 */
}

static void good_requests(void **state)
{
    (void)state;
    assert_int_equal(check(ALL END, NULL), 0);
    assert_string_equal(handshake.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_null(handshake.subprotocol);
    assert_int_equal(check(GET HOST "upgrade: foo, WebSocket\r\nCONNECTION: keep-alive, uPgRaDe\r\n"
                                    "SEC-WEBSOCKET-KEY: " KEY "\r\n" VERSION END,
                           NULL),
                     0);
    char response[300];
    int size = hy__ws_handshake_response(&handshake, response, sizeof response - 1);
    assert_true(size > 0);
    response[size] = '\0';
    assert_string_equal(response, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\n"
                                  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
}

static void bad_requests(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *text;
    } cases[] = {
        {400, GET HOST UPGRADE VERSION END},
        {400, GET HOST UPGRADE VERSION "Sec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4\r\n" END},
        {400, GET HOST UPGRADE VERSION "Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!!!\r\n" END},
        {400, GET HOST UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZXE=\r\n" END},
        {400, GET HOST UPGRADE VERSION "Sec-WebSocket-Key:\r\n" END},
        {400, ALL KEYS END},
        {426, GET HOST UPGRADE KEYS END},
        {426, GET HOST UPGRADE KEYS "Sec-WebSocket-Version: 12\r\n" END},
        {426, GET HOST UPGRADE KEYS "Sec-WebSocket-Version: 13, 8\r\n" END},
        {400, ALL VERSION END},
        {405, "POST /ws HTTP/1.1\r\n" HOST UPGRADE KEYS VERSION END},
        {405, "get /ws HTTP/1.1\r\n" HOST UPGRADE KEYS VERSION END},
        {400, "GET /ws HTTP/1.0\r\n" HOST UPGRADE KEYS VERSION END},
        {426, GET HOST "Connection: Upgrade\r\n" KEYS VERSION END},
        {426, GET HOST "Upgrade: h2c\r\nConnection: Upgrade\r\n" KEYS VERSION END},
        {400, GET HOST "Upgrade: websocket\r\n" KEYS VERSION END},
        {400, GET HOST "Upgrade: websocket\r\nConnection: close\r\n" KEYS VERSION END},
        {400, ALL "Content-Length: 4\r\n" END},
        {400, ALL "Transfer-Encoding: chunked\r\n" END},
        {400, ALL "Sec-WebSocket-Protocol:\r\n" END},
        {400, ALL "Sec-WebSocket-Protocol: a b\r\n" END},
        {400, ALL "Sec-WebSocket-Protocol: a,\"b\"\r\n" END},
        {400, ALL "Origin: http://example.org\r\nOrigin: http://example.org\r\n" END},
        {403, ALL "Origin: http://evil.example\r\n" END},
        {403, ALL "Origin: null\r\n" END},
        {403, ALL "Origin: http://example.org:81\r\n" END},
        {403, ALL "Origin: http://example.org.evil.example\r\n" END},
        {403, ALL "Origin: http://evil.example:80/example.org\r\n" END},
        {403, ALL "Origin: ftp://example.org\r\n" END},
        {403, ALL "Origin:\r\n" END},
        {403, ALL "Origin: http://\r\n" END},
        {0, ALL "Content-Length: 0\r\n" END},
        {0, ALL "Origin: http://example.org\r\n" END},
        {0, ALL "Origin: http://example.org:80\r\n" END},
        {0, ALL "Origin: https://EXAMPLE.org\r\n" END},
        {0, ALL "Origin: https://example.org:443\r\n" END},
        {0, GET "Host: example.org:8100\r\n" UPGRADE KEYS VERSION
                "Origin: http://example.org:8100\r\n" END},
        {0, GET "Host: [::1]:80\r\n" UPGRADE KEYS VERSION "Origin: http://[::1]\r\n" END},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int rc = check(cases[i].text, NULL);
        if (rc != -cases[i].status)
            fail_msg("case %zu: %d instead of %d for:\n%s", i, rc, -cases[i].status, cases[i].text);
    }
}

static void extension_grammar(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *value;
    } cases[] = {
        {0, "permessage-deflate"},
        {0, "permessage-deflate; client_max_window_bits"},
        {0, "a;b=1 ; c = \"2\"\t, , d"},
        {0, "a; b=\"\\1\\2\""},
        {400, ""},
        {400, ","},
        {400, "permessage-deflate; a=\""},
        {400, "a; b=\"1"},
        {400, "a; b=\"\""},
        {400, "a; b=\"1 2\""},
        {400, "a; b=\"\\"},
        {400, "a; b=\"1\"2"},
        {400, "a;"},
        {400, "a; b="},
        {400, "a b"},
        {400, ";a"},
        {400, "=a"},
        {400, "a/b"},
        {400, "a; =1"},
    };
    char text[500];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(text, sizeof text, ALL "Sec-WebSocket-Extensions: %s\r\n" END, cases[i].value);
        int rc = check(text, NULL);
        if (rc != -cases[i].status)
            fail_msg("%d instead of %d for: %s", rc, -cases[i].status, cases[i].value);
    }
}

static void allowed_origins(void **state)
{
    (void)state;
    const char *const origins[] = {"https://a.example", "null"};
    const struct hy__ws_policy policy = {.origins = origins, .origin_count = 2};
    assert_int_equal(check(ALL "Origin: https://a.example\r\n" END, &policy), 0);
    assert_int_equal(check(ALL "Origin: null\r\n" END, &policy), 0);
    assert_int_equal(check(ALL "Origin: http://example.org\r\n" END, &policy), 0);
    assert_int_equal(check(ALL "Origin: http://a.example\r\n" END, &policy), -403);
    const char *const all[] = {"*"};
    const struct hy__ws_policy open = {.origins = all, .origin_count = 1};
    assert_int_equal(check(ALL "Origin: http://anything\r\n" END, &open), 0);
}

static void subprotocol_choice(void **state)
{
    (void)state;
    const char *const ours[] = {"v2", "v1"};
    const struct hy__ws_policy policy = {.subprotocols = ours, .subprotocol_count = 2};
    assert_int_equal(check(ALL "Sec-WebSocket-Protocol: v1, v2\r\n" END, &policy), 0);
    assert_ptr_equal(handshake.subprotocol, ours[0]); /* the server's order counts */
    assert_int_equal(
        check(ALL "Sec-WebSocket-Protocol: x\r\nSec-WebSocket-Protocol: v1\r\n" END, &policy), 0);
    assert_ptr_equal(handshake.subprotocol, ours[1]);
    assert_int_equal(check(ALL "Sec-WebSocket-Protocol: V1\r\n" END, &policy), 0);
    assert_null(handshake.subprotocol);
    assert_int_equal(check(ALL END, &policy), 0);
    assert_null(handshake.subprotocol);
}

static const char *const asked[] = {"v1", "v2"};

/* The client's request goes through the server's parser, and the answer back. */
static void client_and_server_agree(void **state)
{
    (void)state;
    struct hy__ws_client_handshake client;
    struct hy__ws_client_handshake other;
    struct hy__ws_url url;
    char text[600];
    const char address[] = "ws://[::1]:8100?x=1";
    assert_int_equal(hy__ws_url_parse(address, strlen(address), &url, NULL), 0);
    assert_int_equal(hy__ws_client_handshake_init(&client, asked, 2), 0);
    assert_int_equal(hy__ws_client_handshake_init(&other, NULL, 0), 0);
    assert_string_not_equal(client.key, other.key);
    int size = hy__ws_client_request(&client, &url, "http://[::1]:8100", text, sizeof text - 1);
    assert_true(size > 0);
    for (int capacity = 0; capacity < size; capacity++)
        assert_int_equal(
            hy__ws_client_request(&client, &url, "http://[::1]:8100", text, (size_t)capacity),
            -HY_EMSGSIZE);
    assert_int_equal(hy__ws_client_request(&client, &url, "http://[::1]:8100", text, (size_t)size),
                     size);
    text[size] = '\0';
    assert_non_null(strstr(text, "GET /?x=1 HTTP/1.1\r\nHost: [::1]:8100\r\n"));
    const struct hy__ws_policy policy = {.subprotocols = asked + 1, .subprotocol_count = 1};
    assert_int_equal(check(text, &policy), 0);
    assert_string_equal(handshake.accept, client.accept);

    size = hy__ws_handshake_response(&handshake, text, sizeof text - 6);
    assert_true(size > 0);
    memcpy(text + size, "frame", 5);
    struct guard guard = guard_create(sizeof text);
    struct hy__ws_client_response response;
    for (int n = 0; n < size; n++)
        assert_int_equal(hy__ws_client_response_parse(&client, guard_copy(&guard, text, (size_t)n),
                                                      (size_t)n, n > 0 ? (size_t)n - 1 : 0, NULL,
                                                      &response),
                         0);
    assert_int_equal(
        hy__ws_client_response_parse(&client, text, (size_t)size + 5, 0, NULL, &response), size);
    assert_int_equal(response.status, 101);
    assert_ptr_equal(response.subprotocol, asked[1]);
    assert_null(response.problem);
    guard_destroy(&guard);
}

static void client_values_are_checked(void **state)
{
    (void)state;
    struct hy__ws_client_handshake client;
    struct hy__ws_url url;
    char text[600];
    const char *const bad[] = {"a\r\nX: 1"};
    assert_int_equal(hy__ws_url_parse("ws://a", 6, &url, NULL), 0);
    assert_int_equal(hy__ws_client_handshake_init(&client, bad, 1), 0);
    assert_int_equal(hy__ws_client_request(&client, &url, NULL, text, sizeof text), -HY_EINVAL);
    client.subprotocol_count = 0;
    assert_int_equal(hy__ws_client_request(&client, &url, "a\nb", text, sizeof text), -HY_EINVAL);
}

#define R101  "HTTP/1.1 101 Switching Protocols\r\n"
#define RACC  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define RGOOD R101 UPGRADE RACC

static void bad_responses(void **state)
{
    (void)state;
    static const struct {
        int rc; /* 1: accepted */
        unsigned status;
        const char *text;
    } cases[] = {
        {1, 101, RGOOD END},
        {1, 101, "HTTP/1.1 101\r\n" UPGRADE RACC END},
        {1, 101, RGOOD "Sec-WebSocket-Protocol: v1\r\n" END},
        {-HY_ECONNREFUSED, 404, "HTTP/1.1 404 Not Found\r\n\r\n"},
        {-HY_ECONNREFUSED, 503, "HTTP/1.0 503\r\n\r\n"},
        {-HY_EPROTO, 0, "SSH-2.0-OpenSSH_9\r\n\r\n"},
        {-HY_EPROTO, 0, "SSH-2.0-OpenSSH_9\n"},
        {-HY_EPROTO, 0, "HTTP/2.0 101 x\r\n\r\n"},
        {-HY_EPROTO, 0, "HTTP/1.1 1x1 x\r\n\r\n"},
        {-HY_EPROTO, 0, "HTTP/1.1 099 x\r\n\r\n"},
        {-HY_EPROTO, 0, "HTTP/1.1 1010 x\r\n\r\n"},
        {-HY_EPROTO, 0, "\r\n" RGOOD END},
        {-HY_EPROTO, 101, "HTTP/1.0 101 x\r\n" UPGRADE RACC END},
        {-HY_EPROTO, 101, R101 "Upgrade: websocket\r\n" RACC END},
        {-HY_EPROTO, 101, R101 "Connection: Upgrade\r\n" RACC END},
        {-HY_EPROTO, 101, R101 "Upgrade: websocket, x\r\nConnection: Upgrade\r\n" RACC END},
        {-HY_EPROTO, 101, R101 UPGRADE END},
        {-HY_EPROTO, 101,
         R101 UPGRADE "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOO=\r\n" END},
        {-HY_EPROTO, 101,
         R101 UPGRADE "Sec-WebSocket-Accept: S3PPLMBITXAQ9KYGZZHZRBK+XOO=\r\n" END},
        {-HY_EPROTO, 101, RGOOD RACC END},
        {-HY_EPROTO, 101, RGOOD "Sec-WebSocket-Extensions: permessage-deflate\r\n" END},
        {-HY_EPROTO, 101, RGOOD "Sec-WebSocket-Protocol: v3\r\n" END},
        {-HY_EPROTO, 101, RGOOD "Sec-WebSocket-Protocol: v1, v2\r\n" END},
        {-HY_EPROTO, 101, RGOOD "Sec-WebSocket-Protocol: v1\r\nSec-WebSocket-Protocol: v2\r\n" END},
        {-HY_EPROTO, 101, RGOOD "X : 1\r\n" END},
    };
    struct hy__ws_client_handshake client;
    assert_int_equal(hy__ws_client_handshake_init(&client, asked, 2), 0);
    memcpy(client.key, KEY, sizeof client.key);
    assert_int_equal(hy__ws_accept(client.key, client.accept), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hy__ws_client_response response;
        size_t size = strlen(cases[i].text);
        ssize_t rc = hy__ws_client_response_parse(&client, cases[i].text, size, 0, NULL, &response);
        if (rc != (cases[i].rc == 1 ? (ssize_t)size : cases[i].rc) ||
            response.status != cases[i].status || (response.problem == NULL) != (rc > 0))
            fail_msg("case %zu: %zd, status %u for:\n%s", i, rc, response.status, cases[i].text);
    }
}

static void urls(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *host; /* NULL: refused */
        const char *target;
        int port;
        bool is_secure;
        bool is_ipv6;
    } cases[] = {
        {"ws://a", "a", "", 80, false, false},
        {"WSS://a/", "a", "/", 443, true, false},
        {"ws://127.0.0.1:8100/ws?x=1", "127.0.0.1", "/ws?x=1", 8100, false, false},
        {"ws://a?x", "a", "?x", 80, false, false},
        {"ws://a:/x", "a", "/x", 80, false, false},
        {"wss://[::1]:9/x", "::1", "/x", 9, true, true},
        {"ws://[::1]", "::1", "", 80, false, true},
        {"ws://a:65535", "a", "", 65535, false, false},
        {"", NULL, NULL, 0, false, false},
        {"ws:/a", NULL, NULL, 0, false, false},
        {"http://a", NULL, NULL, 0, false, false},
        {"ws://", NULL, NULL, 0, false, false},
        {"ws:///x", NULL, NULL, 0, false, false},
        {"ws://:80", NULL, NULL, 0, false, false},
        {"ws://a:0", NULL, NULL, 0, false, false},
        {"ws://a:65536", NULL, NULL, 0, false, false},
        {"ws://a:99999999999999999999", NULL, NULL, 0, false, false},
        {"ws://a:x", NULL, NULL, 0, false, false},
        {"ws://u@a", NULL, NULL, 0, false, false},
        {"ws://[::1", NULL, NULL, 0, false, false},
        {"ws://[]", NULL, NULL, 0, false, false},
        {"ws://a/#f", NULL, NULL, 0, false, false},
        {"ws://a/ b", NULL, NULL, 0, false, false},
        {"ws://a/\r\nX: 1", NULL, NULL, 0, false, false},
        {"ws://a/\xC3\xA9", NULL, NULL, 0, false, false},
    };
    struct guard guard = guard_create(100);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size = strlen(cases[i].text);
        struct hy__ws_url url;
        const char *problem = NULL;
        int rc = hy__ws_url_parse(guard_copy(&guard, cases[i].text, size), size, &url, &problem);
        if (rc != (cases[i].host != NULL ? 0 : -HY_EINVAL) || (problem != NULL) != (rc < 0))
            fail_msg("%d for %s", rc, cases[i].text);
        if (rc < 0)
            continue;
        if (!hy__slice_is(url.host, cases[i].host) || url.port != cases[i].port ||
            !hy__slice_is(url.target, cases[i].target) || url.is_secure != cases[i].is_secure ||
            url.is_ipv6 != cases[i].is_ipv6)
            fail_msg("taken apart wrongly: %s", cases[i].text);
    }
    guard_destroy(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accept_key),
        cmocka_unit_test(good_requests),
        cmocka_unit_test(bad_requests),
        cmocka_unit_test(extension_grammar),
        cmocka_unit_test(allowed_origins),
        cmocka_unit_test(subprotocol_choice),
        cmocka_unit_test(client_and_server_agree),
        cmocka_unit_test(client_values_are_checked),
        cmocka_unit_test(bad_responses),
        cmocka_unit_test(urls),
    };
    return cmocka_run_group_tests_name("ws_handshake", tests, NULL, NULL);
}
