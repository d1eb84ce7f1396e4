/* SPDX-License-Identifier: MIT */
/*
 * The frame parser on good input: messages, fragments, control frames, every cut, zero copy, limits
 * at the bound, memory. And what it writes: headers, masks, close payloads.
 */
#include "ws_wire.h"
#include <halyard/error.h>

static void one_frame_is_a_slice_of_the_input(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 125, 126, 127, 65535, 65536, 70000};
    struct wire wire = {0};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct hy__ws_parser parser;
        struct hy__ws_event event;
        wire.size = 0;
        wire_fill(&wire, true, HY__WS_BINARY, sizes[i], 'b');
        hy__ws_parser_init(&parser, &wire_server_config);
        assert_int_equal(hy__ws_parser_feed(&parser, wire.data, wire.size, &event), wire.size);
        assert_int_equal(event.type, HY__WS_EVENT_MESSAGE);
        assert_int_equal(event.opcode, HY__WS_BINARY);
        assert_int_equal(event.payload.size, sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(event.payload.data[k], 'b');
        if (sizes[i] > 0)
            assert_ptr_equal(event.payload.data, wire.data + wire.size - sizes[i]);
        assert_int_equal(hy__ws_parser_memory(&parser), 0);
        hy__ws_parser_fini(&parser);
    }
}

/* Messages, fragments with pings between, empty frames, a close. Transcript is known. */
static void conversation(struct wire *wire)
{
    wire_add(wire, true, HY__WS_TEXT, "h\xC3\xA9llo", 6);
    wire_add(wire, true, HY__WS_PING, "p1", 2);
    wire_add(wire, false, HY__WS_TEXT, "a\xE2\x82", 3);
    wire_add(wire, true, HY__WS_PING, "", 0);
    wire_add(wire, false, HY__WS_CONTINUATION, "", 0);
    wire_add(wire, true, HY__WS_PONG, "p3", 2);
    wire_add(wire, true, HY__WS_CONTINUATION, "\xAC!", 2);
    wire_add(wire, true, HY__WS_TEXT, "", 0);
    wire_add(wire, false, HY__WS_BINARY, "", 0);
    wire_add(wire, true, HY__WS_CONTINUATION, "", 0);
    wire_add(wire, false, HY__WS_BINARY, "\xFF", 1);
    wire_add(wire, true, HY__WS_CONTINUATION, "", 0);
    wire_add(wire, true, HY__WS_CLOSE,
             "\x03\xE8"
             "bye",
             5);
    wire_add(wire, true, HY__WS_TEXT, "ignored", 7);
}

static const char conversation_transcript[] =
    "T[h\xC3\xA9llo] ping[p1] ping[] pong[p3] T[a\xE2\x82\xAC!] T[] B[] B[\xFF] close 1000[bye] ";

static void every_cut_gives_the_same(void **state)
{
    (void)state;
    for (int role = 0; role < 2; role++) {
        struct wire wire = {.is_unmasked = role == 1};
        const struct hy__ws_parser_config *config =
            role == 0 ? &wire_server_config : &wire_client_config;
        char got[1000];
        conversation(&wire);
        for (size_t cut = 0; cut <= wire.size; cut++) {
            wire_run(&wire, config, cut, got, sizeof got);
            assert_string_equal(got, conversation_transcript);
        }
        wire_run_chunks(&wire, config, 1, got, sizeof got);
        assert_string_equal(got, conversation_transcript);
        wire_run_chunks(&wire, config, 3, got, sizeof got);
        assert_string_equal(got, conversation_transcript);
    }
}

static void pieces_come_as_they_are(void **state)
{
    (void)state;
    struct wire wire = {0};
    struct hy__ws_parser_config config = wire_server_config;
    char got[1000];
    config.wants_pieces = true;
    wire_add(&wire, false, HY__WS_TEXT, "abcdef", 6);
    wire_add(&wire, false, HY__WS_CONTINUATION, "", 0);
    wire_add(&wire, true, HY__WS_PING, "p", 1);
    wire_add(&wire, true, HY__WS_CONTINUATION, "", 0);
    wire_add(&wire, true, HY__WS_BINARY, "x", 1);
    wire_run(&wire, &config, 6 + 2, got, sizeof got);
    assert_string_equal(got, "T<[ab] T[cdef] ping[p] T>[] B<>[x] ");
    wire_run_chunks(&wire, &config, 1, got, sizeof got);
    assert_string_equal(got, "T<[a] T[b] T[c] T[d] T[e] T[f] ping[p] T>[] B<>[x] ");
}

static void close_without_code(void **state)
{
    (void)state;
    struct wire wire = {0};
    char got[200];
    wire_add(&wire, false, HY__WS_TEXT, "open", 4);
    wire_add(&wire, true, HY__WS_CLOSE, "", 0);
    wire_add(&wire, true, HY__WS_CLOSE, "", 0);
    wire_run_chunks(&wire, &wire_server_config, 1, got, sizeof got);
    assert_string_equal(got, "close 1005[] ");

    /* The close also gives up the memory of the message that it cut short. */
    struct hy__ws_parser parser;
    struct hy__ws_event event;
    hy__ws_parser_init(&parser, &wire_server_config);
    assert_int_equal(hy__ws_parser_feed(&parser, wire.data, 10, &event), 10);
    assert_true(hy__ws_parser_memory(&parser) > 0);
    assert_int_equal(hy__ws_parser_feed(&parser, wire.data + 10, 6, &event), 6);
    assert_int_equal(event.type, HY__WS_EVENT_CLOSE);
    assert_int_equal(hy__ws_parser_memory(&parser), 0);
    hy__ws_parser_fini(&parser);
}

static void mask_at_every_alignment(void **state)
{
    (void)state;
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    struct guard guard = guard_create(128);
    for (size_t size = 0; size <= 50; size++) {
        for (size_t shift = 0; shift < 16; shift++) {
            for (size_t offset = 0; offset < 5; offset++) {
                /* shift 0 ends at the guard page, the others walk through the alignments */
                uint8_t *at = (uint8_t *)guard.memory + guard.size - size - shift;
                memset(guard.memory, 0, guard.size);
                hy__ws_mask(at, size, mask, offset);
                for (size_t i = 0; i < size; i++)
                    assert_int_equal(at[i], mask[(offset + i) % 4]);
                for (size_t i = 0; i < shift; i++)
                    assert_int_equal(at[size + i], 0);
                assert_int_equal(at[-1], 0);
            }
        }
    }
    guard_destroy(&guard);
}

static void header_encoding(void **state)
{
    (void)state;
    static const struct {
        uint64_t size;
        size_t header_size;
        const char *header;
    } cases[] = {
        {0, 2, "\x82\x00"},
        {125, 2, "\x82\x7D"},
        {126, 4, "\x82\x7E\x00\x7E"},
        {65535, 4, "\x82\x7E\xFF\xFF"},
        {65536, 10, "\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"},
        {INT64_MAX, 10, "\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"},
    };
    static const uint8_t mask[4] = {1, 2, 3, 4};
    uint8_t header[HY__WS_HEADER_SIZE_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size = hy__ws_frame_header_encode(header, true, HY__WS_BINARY, cases[i].size, NULL);
        assert_int_equal(size, cases[i].header_size);
        assert_memory_equal(header, cases[i].header, size);
        size = hy__ws_frame_header_encode(header, false, HY__WS_TEXT, cases[i].size, mask);
        assert_int_equal(size, cases[i].header_size + 4);
        assert_int_equal(header[0], 0x01);
        assert_int_equal(header[1], 0x80 | (uint8_t)cases[i].header[1]);
        assert_memory_equal(header + size - 4, mask, 4);
    }
}

static void close_payload_encoding(void **state)
{
    (void)state;
    uint8_t payload[HY__WS_CONTROL_SIZE_MAX];
    char reason[200];
    memset(reason, 'r', sizeof reason);
    assert_int_equal(hy__ws_close_payload_encode(payload, 1001, NULL, 0), 2);
    assert_memory_equal(payload, "\x03\xE9", 2);
    assert_int_equal(hy__ws_close_payload_encode(payload, 1005, "x", 1), 0);
    for (size_t size = 122; size <= 124; size++)
        assert_int_equal(hy__ws_close_payload_encode(payload, 1000, reason, size),
                         2 + (size < 123 ? size : 123));
    reason[121] = (char)0xE2; /* ends at 124: must go as a whole */
    reason[122] = (char)0x82;
    reason[123] = (char)0xAC;
    assert_int_equal(hy__ws_close_payload_encode(payload, 1000, reason, sizeof reason), 2 + 121);
    assert_int_equal(hy__ws_close_payload_encode(payload, 1000, "ab\xFF", 3), 2 + 2);
    assert_int_equal(hy__ws_close_payload_encode(payload, 1006, NULL, 0), -HY_EINVAL);
    assert_int_equal(hy__ws_close_payload_encode(payload, 999, NULL, 0), -HY_EINVAL);
}

/* The limit in one frame and over fragments: at it passes, one above fails. */
static void message_limit(void **state)
{
    (void)state;
    struct hy__ws_parser_config config = wire_server_config;
    char got[1000];
    config.message_size_max = 200;
    for (size_t size = 199; size <= 201; size++) {
        struct wire whole = {0};
        struct wire cut = {0};
        wire_fill(&whole, true, HY__WS_BINARY, size, 'w');
        wire_run(&whole, &config, 0, got, sizeof got);
        assert_int_equal(strncmp(got, size <= 200 ? "B[ww" : "failed 1009 ", 4), 0);
        wire_fill(&cut, false, HY__WS_BINARY, 100, 'c');
        wire_fill(&cut, false, HY__WS_CONTINUATION, 50, 'c');
        wire_fill(&cut, true, HY__WS_CONTINUATION, size - 150, 'c');
        wire_run_chunks(&cut, &config, 1, got, sizeof got);
        assert_int_equal(strncmp(got, size <= 200 ? "B[cc" : "failed 1009 ", 4), 0);
    }
    /* No payload byte has come, nothing is allocated: the length alone is refused. */
    static const uint8_t huge[] = {0x82, 0xFE, 0x00, 0xC9};
    struct wire header = {0};
    wire_raw(&header, huge, sizeof huge);
    wire_run(&header, &config, 0, got, sizeof got);
    assert_string_equal(got, "failed 1009 ");
}

static void fragment_limit(void **state)
{
    (void)state;
    struct hy__ws_parser_config config = wire_server_config;
    char got[1000];
    config.fragment_count_max = 10;
    for (unsigned count = 9; count <= 11; count++) {
        struct wire wire = {0};
        for (unsigned i = 0; i < count; i++)
            wire_add(&wire, i + 1 == count, i == 0 ? HY__WS_TEXT : HY__WS_CONTINUATION, "", 0);
        wire_run(&wire, &config, 0, got, sizeof got);
        assert_string_equal(got, count <= 10 ? "T[] " : "failed 1008 ");
        wire_add(&wire, true, HY__WS_TEXT, "next", 4); /* the count starts anew */
        wire_run(&wire, &config, 0, got, sizeof got);
        assert_string_equal(got, count <= 10 ? "T[] T[next] " : "failed 1008 ");
    }
}

/* What is allocated now, and which request is to fail. */
struct heap {
    size_t held;
    size_t held_max;
    unsigned requests;
    unsigned fail_at; /* 0: none */
};

static void *heap_reallocate(void *context, void *memory, size_t size)
{
    struct heap *heap = context;
    size_t *block = memory != NULL ? (size_t *)memory - 2 : NULL;
    if (block != NULL && size == 0) {
        heap->held -= block[0];
        free(block);
        return NULL;
    }
    if (++heap->requests == heap->fail_at)
        return NULL;
    size_t before = block != NULL ? block[0] : 0;
    block = realloc(block, size + 2 * sizeof *block);
    assert_non_null(block);
    block[0] = size;
    heap->held += size - before;
    if (heap->held > heap->held_max)
        heap->held_max = heap->held;
    return block + 2;
}

static void memory_grows_with_what_arrives(void **state)
{
    (void)state;
    struct heap heap = {0};
    struct hy__ws_parser_config config = wire_server_config;
    struct hy__ws_parser parser;
    struct hy__ws_event event;
    static const uint8_t announced[] = {0x82, 0xFF, 0, 0, 0, 0, 0, 0xF0, 0, 0, 1, 2, 3, 4};
    uint8_t header[sizeof announced];
    uint8_t chunk[1000];
    size_t arrived = 0;
    config.reallocate = heap_reallocate;
    config.reallocate_context = &heap;
    hy__ws_parser_init(&parser, &config);
    memcpy(header, announced, sizeof header);
    assert_int_equal(hy__ws_parser_feed(&parser, header, sizeof header, &event), sizeof header);
    assert_int_equal(heap.held, 0); /* 15 MiB are announced */
    while (arrived < 0xF00000) {
        size_t size = 0xF00000 - arrived < sizeof chunk ? 0xF00000 - arrived : sizeof chunk;
        assert_int_equal(hy__ws_parser_feed(&parser, chunk, size, &event), size);
        arrived += size;
        assert_true(heap.held <= 2 * arrived);
        assert_int_equal(heap.held, hy__ws_parser_memory(&parser));
    }
    assert_int_equal(event.type, HY__WS_EVENT_MESSAGE);
    assert_int_equal(event.payload.size, 0xF00000);
    assert_int_equal(heap.held_max, 0xF00000); /* the last step knows the size */
    assert_true(heap.requests < 20);
    assert_int_equal(hy__ws_parser_feed(&parser, chunk, 0, &event), 0);
    assert_int_equal(event.type, HY__WS_EVENT_NONE);
    assert_int_equal(heap.held, 0); /* an idle connection holds nothing */
    hy__ws_parser_fini(&parser);
}

/* Fails the n-th allocation, for every n: 1011, nothing leaks, the parser stays silent. */
static void out_of_memory(void **state)
{
    (void)state;
    struct wire wire = {0};
    char got[20000];
    unsigned n = 0;
    unsigned failures = 0;
    for (unsigned i = 0; i < 20; i++)
        wire_fill(&wire, i == 19, i == 0 ? HY__WS_BINARY : HY__WS_CONTINUATION, 400, 'm');
    for (;;) {
        struct heap heap = {.fail_at = ++n};
        struct hy__ws_parser_config config = wire_server_config;
        config.reallocate = heap_reallocate;
        config.reallocate_context = &heap;
        wire_run_chunks(&wire, &config, 100, got, sizeof got);
        assert_int_equal(heap.held, 0);
        if (heap.requests < n)
            break;
        assert_string_equal(got, "failed 1011 ");
        failures++;
    }
    assert_true(failures >= 5);
    assert_int_equal(strncmp(got, "B[mmm", 5), 0);
}

/* One that comes whole needs no memory; the first that does not takes room for all later ones. */
static void control_frames_in_parts(void **state)
{
    (void)state;
    for (unsigned fail_at = 0; fail_at < 2; fail_at++) {
        struct heap heap = {.fail_at = fail_at};
        struct hy__ws_parser_config config = wire_server_config;
        struct hy__ws_parser parser;
        struct hy__ws_event event;
        config.reallocate = heap_reallocate;
        config.reallocate_context = &heap;
        hy__ws_parser_init(&parser, &config);
        for (size_t cut = 0; cut < 8; cut++) {
            struct wire wire = {0};
            wire_add(&wire, true, HY__WS_PING, "whole", 5); /* 11 bytes */
            size_t taken = hy__ws_parser_feed(&parser, wire.data, wire.size - cut, &event);
            if (cut > 0 && cut < 5) {
                assert_int_equal(event.type,
                                 fail_at == 1 ? HY__WS_EVENT_FAILED : HY__WS_EVENT_NONE);
                if (fail_at == 1)
                    break;
            }
            if (event.type == HY__WS_EVENT_NONE)
                taken += hy__ws_parser_feed(&parser, wire.data + taken, cut, &event);
            assert_int_equal(taken, wire.size);
            assert_int_equal(event.type, HY__WS_EVENT_PING);
            assert_int_equal(event.payload.size, 5);
            assert_memory_equal(event.payload.data, "whole", 5);
            assert_int_equal(heap.requests, cut > 0);
            assert_int_equal(heap.held, hy__ws_parser_memory(&parser));
        }
        assert_int_equal(event.close_code, fail_at == 1 ? HY__WS_CLOSE_INTERNAL : 0);
        hy__ws_parser_fini(&parser);
        assert_int_equal(heap.held, 0);
    }
}

static void fini_frees_an_open_message(void **state)
{
    (void)state;
    struct heap heap = {0};
    struct hy__ws_parser_config config = wire_server_config;
    struct hy__ws_parser parser;
    struct hy__ws_event event;
    struct wire wire = {0};
    config.reallocate = heap_reallocate;
    config.reallocate_context = &heap;
    wire_add(&wire, false, HY__WS_TEXT, "open", 4);
    hy__ws_parser_init(&parser, &config);
    assert_int_equal(hy__ws_parser_feed(&parser, wire.data, wire.size, &event), wire.size);
    assert_true(heap.held > 0);
    hy__ws_parser_fini(&parser);
    assert_int_equal(heap.held, 0);
    hy__ws_parser_fini(&parser);
    assert_int_equal(hy__ws_parser_feed(&parser, wire.data, wire.size, &event), wire.size);
    assert_int_equal(event.type, HY__WS_EVENT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_frame_is_a_slice_of_the_input),
        cmocka_unit_test(every_cut_gives_the_same),
        cmocka_unit_test(pieces_come_as_they_are),
        cmocka_unit_test(close_without_code),
        cmocka_unit_test(mask_at_every_alignment),
        cmocka_unit_test(header_encoding),
        cmocka_unit_test(close_payload_encoding),
        cmocka_unit_test(message_limit),
        cmocka_unit_test(fragment_limit),
        cmocka_unit_test(memory_grows_with_what_arrives),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(control_frames_in_parts),
        cmocka_unit_test(fini_frees_an_open_message),
    };
    return cmocka_run_group_tests_name("ws_frame", tests, NULL, NULL);
}
