/* SPDX-License-Identifier: MIT */
/*
 * Builds frames as a peer would send them, and runs them through a parser into a transcript:
 * "T[text] B[bytes] ping[..] pong[..] close 1000[reason] failed 1002 ". A piece has '<' if it is
 * the first and '>' if it is the last of its message. Every chunk fed ends at a page that must not
 * be touched.
 */
#ifndef HY_TEST_WS_WIRE_H
#define HY_TEST_WS_WIRE_H

#include "guard.h"
#include "ws_frame.h"
#include <stdio.h>
#include <stdlib.h>

struct wire {
    bool is_unmasked; /* as a server sends */
    size_t size;
    uint8_t data[80000];
};

static const struct hy__ws_parser_config wire_server_config = {.role = HY__WS_SERVER,
                                                               .message_size_max = 16 << 20};
static const struct hy__ws_parser_config wire_client_config = {.role = HY__WS_CLIENT,
                                                               .message_size_max = 16 << 20};

static inline void wire_raw(struct wire *wire, const void *data, size_t size)
{
    assert_true(wire->size + size <= sizeof wire->data);
    memcpy(wire->data + wire->size, data, size);
    wire->size += size;
}

static inline void wire_frame(struct wire *wire, unsigned first, const void *payload, size_t size)
{
    static const uint8_t mask[4] = {0xA5, 0x0F, 0x99, 0x01};
    uint8_t header[HY__WS_HEADER_SIZE_MAX];
    size_t header_size = hy__ws_frame_header_encode(header, true, HY__WS_TEXT, size,
                                                    wire->is_unmasked ? NULL : mask);
    header[0] = (uint8_t)first;
    wire_raw(wire, header, header_size);
    wire_raw(wire, payload, size);
    if (!wire->is_unmasked)
        for (size_t i = 0; i < size; i++) /* byte by byte: not by the code under test */
            wire->data[wire->size - size + i] ^= mask[i % 4];
}

static inline void wire_add(struct wire *wire, bool is_final, unsigned opcode, const void *payload,
                            size_t size)
{
    wire_frame(wire, (is_final ? 0x80u : 0u) | opcode, payload, size);
}

static inline void wire_fill(struct wire *wire, bool is_final, unsigned opcode, size_t size, char c)
{
    static char payload[70000];
    assert_true(size <= sizeof payload);
    memset(payload, c, size);
    wire_add(wire, is_final, opcode, payload, size);
}

static inline void wire_note(const struct hy__ws_event *event, char *got, size_t capacity)
{
    size_t at = strlen(got);
    const char *what = event->opcode == HY__WS_TEXT ? "T" : "B";
    int size = (int)event->payload.size;
    const char *data = event->payload.data;
    switch (event->type) {
    case HY__WS_EVENT_NONE:
        break;
    case HY__WS_EVENT_MESSAGE:
        snprintf(got + at, capacity - at, "%s[%.*s] ", what, size, data);
        break;
    case HY__WS_EVENT_PIECE:
        snprintf(got + at, capacity - at, "%s%s%s[%.*s] ", what, event->is_first ? "<" : "",
                 event->is_final ? ">" : "", size, data);
        break;
    case HY__WS_EVENT_PING:
    case HY__WS_EVENT_PONG:
        snprintf(got + at, capacity - at, "%s[%.*s] ",
                 event->type == HY__WS_EVENT_PING ? "ping" : "pong", size, data);
        break;
    case HY__WS_EVENT_CLOSE:
        snprintf(got + at, capacity - at, "close %d[%.*s] ", event->close_code, size, data);
        break;
    case HY__WS_EVENT_FAILED:
        assert_non_null(event->problem);
        snprintf(got + at, capacity - at, "failed %d ", event->close_code);
        break;
    }
}

/* Feeds one chunk until all of it is taken and no event is left. */
static inline void wire_feed(struct hy__ws_parser *parser, struct guard *guard, const void *data,
                             size_t size, char *got, size_t capacity)
{
    char *at = guard_copy(guard, data, size);
    struct hy__ws_event event;
    do {
        size_t taken = hy__ws_parser_feed(parser, at, size, &event);
        assert_true(taken <= size);
        if (event.type == HY__WS_EVENT_NONE)
            assert_int_equal(taken, size);
        wire_note(&event, got, capacity);
        at += taken;
        size -= taken;
    } while (event.type != HY__WS_EVENT_NONE);
}

/* In two chunks, the second from cut on. */
static inline void wire_run(const struct wire *wire, const struct hy__ws_parser_config *config,
                            size_t cut, char *got, size_t capacity)
{
    struct hy__ws_parser parser;
    struct guard guard = guard_create(sizeof wire->data);
    got[0] = '\0';
    hy__ws_parser_init(&parser, config);
    wire_feed(&parser, &guard, wire->data, cut, got, capacity);
    wire_feed(&parser, &guard, wire->data + cut, wire->size - cut, got, capacity);
    hy__ws_parser_fini(&parser);
    guard_destroy(&guard);
}

/* In chunks of one size. */
static inline void wire_run_chunks(const struct wire *wire,
                                   const struct hy__ws_parser_config *config, size_t chunk,
                                   char *got, size_t capacity)
{
    struct hy__ws_parser parser;
    struct guard guard = guard_create(sizeof wire->data);
    got[0] = '\0';
    hy__ws_parser_init(&parser, config);
    for (size_t at = 0; at < wire->size; at += chunk)
        wire_feed(&parser, &guard, wire->data + at,
                  wire->size - at < chunk ? wire->size - at : chunk, got, capacity);
    hy__ws_parser_fini(&parser);
    guard_destroy(&guard);
}

#endif
