/* SPDX-License-Identifier: MIT */
/*
 * HTTP request heads and the WebSocket handshake. The input is a head; checked beside "no crash":
 * byte by byte gives what the whole gives, slices lie in the input, an accepted head stays one
 * under more bytes.
 */
#include "ws_extension.h"
#include "ws_handshake.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void slice_check(struct hy__slice slice, const char *data, size_t size)
{
    CHECK(slice.size == 0 ||
          (slice.data >= data && slice.size <= size - (size_t)(slice.data - data)));
}

static void request_check(const struct hy__http_request *request, const char *data, size_t size)
{
    struct hy__ws_handshake handshake;
    static const char *const subprotocols[] = {"v1", "v2"};
    const struct hy__ws_policy policy = {.subprotocols = subprotocols, .subprotocol_count = 2};
    slice_check(request->method, data, size);
    slice_check(request->target, data, size);
    slice_check(request->query, data, size);
    slice_check(request->host, data, size);
    if (!hy__slice_is(request->path, "/")) /* of an empty absolute target: not in the input */
        slice_check(request->path, data, size);
    CHECK(request->path.size > 0);
    CHECK(request->fields.count <= HY__HTTP_FIELDS_MAX);
    for (uint32_t i = 0; i < request->fields.count; i++) {
        slice_check(request->fields.items[i].name, data, size);
        slice_check(request->fields.items[i].value, data, size);
        CHECK(hy__http_is_token(request->fields.items[i].name));
        CHECK(hy__http_is_field_value(request->fields.items[i].value));
    }
    hy__ws_handshake_check(request, &policy, &handshake, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct hy__http_limits limits = {200, 1000, 20};
    const char *text = (const char *)data;
    struct hy__http_request request;
    ssize_t bytewise = 0;
    ssize_t whole = hy__http_request_parse(text, size, 0, &limits, &request);
    CHECK(whole <= (ssize_t)size && whole >= -505 && (whole >= 0 || whole <= -400));
    if (whole > 0) {
        request_check(&request, text, (size_t)whole);
        CHECK(hy__http_request_parse(text, (size_t)whole, 0, &limits, &request) == whole);
    }
    for (size_t n = 0; n <= size && bytewise == 0; n++)
        bytewise = hy__http_request_parse(text, n, n > 0 ? n - 1 : 0, &limits, &request);
    CHECK(bytewise == whole);

    struct hy__ws_client_handshake client = {.key = "dGhlIHNhbXBsZSBub25jZQ==",
                                             .accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="};
    struct hy__ws_client_response response;
    struct hy__ws_url url;
    hy__ws_client_response_parse(&client, text, size, 0, &limits, &response);
    hy__ws_url_parse(text, size, &url, NULL);
    hy__ws_extension_list_is_valid((struct hy__slice){text, size});
    return 0;
}
