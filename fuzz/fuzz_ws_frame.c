/* SPDX-License-Identifier: MIT */
/*
 * The WebSocket frame parser. First byte of the input: role, pieces, chunk size, failing
 * allocations; the rest is the wire. Checked beside "no crash": in chunks gives the same events as
 * whole, texts are UTF-8, memory stays under the limit and is all given back, nothing comes after
 * the end.
 */
#include "ws_frame.h"
#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_SIZE_MAX 4096

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heap {
    unsigned blocks;
    unsigned requests;
    unsigned fail_at; /* 0: never */
};

static void *heap_reallocate(void *context, void *memory, size_t size)
{
    struct heap *heap = context;
    if (size == 0) {
        heap->blocks--;
        free(memory);
        return NULL;
    }
    CHECK(size <= MESSAGE_SIZE_MAX);
    if (++heap->requests == heap->fail_at)
        return NULL;
    if (memory == NULL)
        heap->blocks++;
    void *grown = realloc(memory, size);
    CHECK(grown != NULL);
    return grown;
}

/*
 * What came, as a hash: equal runs give equal ones. Pieces are hashed without their borders, and
 * count when their message is complete: how much of a bad text was delivered depends on the chunks.
 */
struct summary {
    uint64_t hash;
    uint64_t open; /* of the pieces of the message that is open */
    bool has_ended;
};

static void hash_add(uint64_t *hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        *hash = (*hash ^ bytes[i]) * UINT64_C(0x100000001B3);
}

static void event_take(struct summary *summary, const struct hy__ws_event *event)
{
    uint8_t type = (uint8_t)event->type;
    CHECK(!summary->has_ended);
    if (event->type == HY__WS_EVENT_PIECE) {
        CHECK(event->opcode == HY__WS_TEXT || event->opcode == HY__WS_BINARY);
        if (event->is_first)
            summary->open = 0;
        hash_add(&summary->open, event->payload.data, event->payload.size);
        if (event->is_final)
            hash_add(&summary->hash, &summary->open, sizeof summary->open);
        return;
    }
    hash_add(&summary->hash, &type, 1);
    hash_add(&summary->hash, &event->close_code, sizeof event->close_code);
    if (event->payload.size > 0)
        hash_add(&summary->hash, event->payload.data, event->payload.size);
    CHECK(event->payload.size <= MESSAGE_SIZE_MAX);
    switch (event->type) {
    case HY__WS_EVENT_MESSAGE:
        CHECK(event->opcode == HY__WS_BINARY ||
              hy__utf8_is_valid(event->payload.data, event->payload.size));
        break;
    case HY__WS_EVENT_CLOSE:
        CHECK(event->close_code == HY__WS_CLOSE_NO_CODE ||
              hy__ws_close_code_is_legal(event->close_code));
        CHECK(hy__utf8_is_valid(event->payload.data, event->payload.size));
        summary->has_ended = true;
        break;
    case HY__WS_EVENT_FAILED:
        CHECK(event->problem != NULL && hy__ws_close_code_is_legal(event->close_code));
        summary->has_ended = true;
        break;
    default:
        CHECK(event->payload.size <= HY__WS_CONTROL_SIZE_MAX);
        break;
    }
}

static uint64_t run(const struct hy__ws_parser_config *config, const uint8_t *wire, size_t size,
                    size_t chunk_size)
{
    struct hy__ws_parser parser;
    struct summary summary = {.hash = UINT64_C(0xCBF29CE484222325)};
    hy__ws_parser_init(&parser, config);
    while (size > 0) {
        size_t chunk = size < chunk_size ? size : chunk_size;
        uint8_t *copy = malloc(chunk); /* of the exact size, and the parser unmasks in place */
        CHECK(copy != NULL);
        memcpy(copy, wire, chunk);
        struct hy__ws_event event;
        size_t at = 0;
        do {
            at += hy__ws_parser_feed(&parser, copy + at, chunk - at, &event);
            CHECK(at <= chunk);
            if (event.type != HY__WS_EVENT_NONE)
                event_take(&summary, &event);
        } while (event.type != HY__WS_EVENT_NONE);
        CHECK(at == chunk);
        free(copy);
        wire += chunk;
        size -= chunk;
    }
    hy__ws_parser_fini(&parser);
    return summary.hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heap heap = {0};
    if (size < 1)
        return 0;
    uint8_t options = data[0];
    struct hy__ws_parser_config config = {
        .role = options & 1 ? HY__WS_CLIENT : HY__WS_SERVER,
        .message_size_max = MESSAGE_SIZE_MAX,
        .fragment_count_max = 50,
        .wants_pieces = (options & 2) != 0,
        .reallocate = heap_reallocate,
        .reallocate_context = &heap,
    };
    size_t chunk_size = 1 + (size_t)(options >> 4);
    uint64_t whole = run(&config, data + 1, size - 1, size);
    CHECK(heap.blocks == 0);
    CHECK(run(&config, data + 1, size - 1, chunk_size) == whole);
    CHECK(heap.blocks == 0);
    if (options & 4) {
        heap.fail_at = heap.requests + 1 + (options >> 4);
        run(&config, data + 1, size - 1, chunk_size);
        CHECK(heap.blocks == 0);
    }
    return 0;
}
