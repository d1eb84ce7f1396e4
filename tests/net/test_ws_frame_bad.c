/* SPDX-License-Identifier: MIT */
/*
 * The frame parser on bad input: each gets its close code, whole, cut and byte by byte, and at the
 * first byte that shows it: the same input without its last needed byte must not fail.
 */
#include "ws_wire.h"

/* Runs whole, at every cut and byte by byte; all must give the transcript. */
static void expect(const struct wire *wire, const struct hy__ws_parser_config *config,
                   const char *transcript)
{
    char got[1000];
    for (size_t cut = 0; cut <= wire->size && cut < 200; cut++) {
        wire_run(wire, config, cut, got, sizeof got);
        assert_string_equal(got, transcript);
    }
    wire_run_chunks(wire, config, 1, got, sizeof got);
    assert_string_equal(got, transcript);
}

/* The failure comes with the last byte: all but it give what comes before the failure. */
static void expect_at_last_byte(struct wire *wire, const struct hy__ws_parser_config *config,
                                const char *before, unsigned code)
{
    char transcript[200];
    snprintf(transcript, sizeof transcript, "%sfailed %u ", before, code);
    expect(wire, config, transcript);
    wire->size--;
    expect(wire, config, before);
}

static void headers(void **state)
{
    (void)state;
    static const struct {
        unsigned code;
        size_t size;
        const char *bytes; /* of a client, up to the byte that must fail */
    } cases[] = {
        {1002, 2, "\x81\x05"}, /* unmasked text */
        {1002, 2, "\x88\x00"}, /* unmasked close */
        {1002, 2, "\xC1\x80"}, /* RSV1 */
        {1002, 2, "\xA1\x80"}, /* RSV2 */
        {1002, 2, "\x91\x80"}, /* RSV3 */
        {1002, 2, "\xC9\x80"}, /* RSV1 on a ping */
        {1002, 2, "\x83\x80"}, /* opcodes 3 to 7, 11 to 15 */
        {1002, 2, "\x84\x80"},
        {1002, 2, "\x85\x80"},
        {1002, 2, "\x86\x80"},
        {1002, 2, "\x87\x80"},
        {1002, 2, "\x8B\x80"},
        {1002, 2, "\x8C\x80"},
        {1002, 2, "\x8D\x80"},
        {1002, 2, "\x8E\x80"},
        {1002, 2, "\x8F\x80"},
        {1002, 2, "\x09\x80"},                                  /* fragmented ping */
        {1002, 2, "\x0A\x80"},                                  /* fragmented pong */
        {1002, 2, "\x08\x80"},                                  /* fragmented close */
        {1002, 2, "\x89\xFE"},                                  /* ping of 126 and more */
        {1002, 2, "\x8A\xFE"},                                  /* pong */
        {1002, 2, "\x88\xFF"},                                  /* close with a 64-bit length */
        {1002, 2, "\x80\x80"},                                  /* continuation of nothing */
        {1002, 2, "\x00\x80"},                                  /* the same, not final */
        {1002, 4, "\x82\xFE\x00\x05"},                          /* 5 in the 16-bit form */
        {1002, 4, "\x82\xFE\x00\x7D"},                          /* 125 */
        {1002, 10, "\x82\xFF\x00\x00\x00\x00\x00\x00\x00\xC8"}, /* 200 in the 64-bit form */
        {1002, 10, "\x82\xFF\x00\x00\x00\x00\x00\x00\xFF\xFF"}, /* 65535 */
        {1002, 10, "\x82\xFF\x80\x00\x00\x00\x00\x00\x00\x00"}, /* top bit */
        {1002, 10, "\x82\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"},
        {1009, 10, "\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"}, /* 2^63 - 1 */
        {1009, 10, "\x81\xFF\x40\x00\x00\x00\x00\x00\x00\x00"}, /* 2^62 */
        {1009, 10, "\x82\xFF\x00\x00\x00\x00\x01\x00\x00\x01"}, /* 16 MiB + 1 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire wire = {0};
        wire_add(&wire, true, HY__WS_TEXT, "ok", 2);
        wire_raw(&wire, cases[i].bytes, cases[i].size);
        expect_at_last_byte(&wire, &wire_server_config, "T[ok] ", cases[i].code);
    }
}

static void lengths_at_the_border_of_their_form(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        const char *bytes;
    } good[] = {
        {4, "\x82\xFE\x00\x7E"},
        {4, "\x82\xFE\xFF\xFF"},
        {10, "\x82\xFF\x00\x00\x00\x00\x00\x01\x00\x00"},
        {10, "\x82\xFF\x00\x00\x00\x00\x01\x00\x00\x00"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct wire wire = {0};
        wire_raw(&wire, good[i].bytes, good[i].size);
        expect(&wire, &wire_server_config, "");
    }
}

static void masked_frame_to_a_client(void **state)
{
    (void)state;
    struct wire wire = {0};
    wire_raw(&wire, "\x81\x80", 2);
    expect_at_last_byte(&wire, &wire_client_config, "", 1002);
}

static void inside_a_fragmented_message(void **state)
{
    (void)state;
    static const char *const second[] = {
        "\x81\x80", "\x82\x80", "\x01\x80", "\xC0\x80", "\x40\x80", "\xA0\x80", "\x83\x80",
    };
    for (size_t i = 0; i < sizeof second / sizeof second[0]; i++) {
        struct wire wire = {0};
        wire_add(&wire, false, HY__WS_TEXT, "a", 1);
        wire_add(&wire, true, HY__WS_PING, "p", 1);
        wire_raw(&wire, second[i], 2);
        expect_at_last_byte(&wire, &wire_server_config, "ping[p] ", 1002);
    }
}

static void continuation_after_the_end(void **state)
{
    (void)state;
    struct wire wire = {0};
    wire_add(&wire, false, HY__WS_BINARY, "a", 1);
    wire_add(&wire, true, HY__WS_CONTINUATION, "b", 1);
    wire_raw(&wire, "\x80\x80", 2);
    expect_at_last_byte(&wire, &wire_server_config, "B[ab] ", 1002);
}

static const struct {
    size_t good; /* octets that may still become valid */
    const char *text;
} bad_texts[] = {
    {3, "abc\x80"},
    {0, "\xFF"},
    {0, "\xC0\xAF"},
    {0, "\xC1\xBF"},
    {1, "\xE0\x9F\xBF"},
    {1, "\xF0\x8F\xBF\xBF"},
    {1, "\xED\xA0\x80"},
    {1, "\xED\xBF\xBF"},
    {1, "\xF4\x90\x80\x80"},
    {0, "\xF5\x80\x80\x80"},
    {2, "\xE2\x82"
        "a"},
    {13, "0123456789abc\xFE"},
};

/* The frame announces more than comes: the bad octet fails it while the rest is still on its way.
 */
static void bad_text_fails_inside_the_frame(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_texts / sizeof bad_texts[0]; i++) {
        struct wire wire = {0};
        char payload[100] = "";
        memset(payload, 'a', sizeof payload);
        memcpy(payload, bad_texts[i].text, strlen(bad_texts[i].text));
        wire_add(&wire, true, HY__WS_TEXT, payload, sizeof payload);
        wire.size = wire.size - sizeof payload + bad_texts[i].good + 1;
        expect_at_last_byte(&wire, &wire_server_config, "", 1007);
    }
}

static void bad_text_over_fragments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_texts / sizeof bad_texts[0]; i++) {
        struct wire wire = {0};
        const char *text = bad_texts[i].text;
        for (size_t at = 0; at < bad_texts[i].good; at++)
            wire_add(&wire, false, at == 0 ? HY__WS_TEXT : HY__WS_CONTINUATION, text + at, 1);
        wire_add(&wire, true, HY__WS_PING, "x", 1);
        wire_add(&wire, false, bad_texts[i].good == 0 ? HY__WS_TEXT : HY__WS_CONTINUATION,
                 text + bad_texts[i].good, 1);
        expect_at_last_byte(&wire, &wire_server_config, "ping[x] ", 1007);
    }
}

static void text_that_ends_inside_a_code_point(void **state)
{
    (void)state;
    struct wire whole = {0};
    struct wire cut = {0};
    struct wire empty_end = {0};
    wire_add(&whole, true, HY__WS_TEXT, "ok \xE2\x82", 5);
    expect_at_last_byte(&whole, &wire_server_config, "", 1007);
    wire_add(&cut, false, HY__WS_TEXT, "ok \xE2", 4);
    wire_add(&cut, true, HY__WS_CONTINUATION, "\x82", 1);
    expect_at_last_byte(&cut, &wire_server_config, "", 1007);
    wire_add(&empty_end, false, HY__WS_TEXT, "ok \xE2\x82", 5);
    wire_add(&empty_end, true, HY__WS_CONTINUATION, "", 0);
    expect_at_last_byte(&empty_end, &wire_server_config, "", 1007);
}

/* Every code of 16 bits. */
static void close_codes(void **state)
{
    (void)state;
    for (unsigned code = 0; code <= 0xFFFF; code++) {
        bool is_legal = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                        (code >= 3000 && code <= 4999);
        uint8_t frame[8] = {0x88, 0x82, 0, 0, 0, 0, (uint8_t)(code >> 8), (uint8_t)code};
        struct hy__ws_parser parser;
        struct hy__ws_event event;
        hy__ws_parser_init(&parser, &wire_server_config);
        assert_int_equal(hy__ws_parser_feed(&parser, frame, sizeof frame, &event), sizeof frame);
        assert_int_equal(event.type, is_legal ? HY__WS_EVENT_CLOSE : HY__WS_EVENT_FAILED);
        assert_int_equal(event.close_code, is_legal ? code : 1002);
        hy__ws_parser_fini(&parser);
    }
}

static void close_payloads(void **state)
{
    (void)state;
    struct wire one = {0};
    struct wire reason = {0};
    struct wire cut_reason = {0};
    struct wire longest = {0};
    char payload[HY__WS_CONTROL_SIZE_MAX] = "\x03\xE8";
    char transcript[200];
    wire_add(&one, true, HY__WS_CLOSE, "\x03", 1);
    expect_at_last_byte(&one, &wire_server_config, "", 1002);
    wire_add(&reason, true, HY__WS_CLOSE,
             "\x03\xE8"
             "bad \xFF",
             7);
    expect_at_last_byte(&reason, &wire_server_config, "", 1007);
    wire_add(&cut_reason, true, HY__WS_CLOSE,
             "\x03\xE8"
             "\xE2\x82",
             4);
    expect_at_last_byte(&cut_reason, &wire_server_config, "", 1007);
    memset(payload + 2, 'r', sizeof payload - 2);
    wire_add(&longest, true, HY__WS_CLOSE, payload, sizeof payload);
    snprintf(transcript, sizeof transcript, "close 1000[%.123s] ", payload + 2);
    expect(&longest, &wire_server_config, transcript);
}

static void nothing_comes_after_a_failure(void **state)
{
    (void)state;
    struct wire wire = {0};
    wire_add(&wire, true, 3, "x", 1);
    wire_add(&wire, true, HY__WS_TEXT, "late", 4);
    wire_add(&wire, true, HY__WS_CLOSE, "\x03\xE8", 2);
    expect(&wire, &wire_server_config, "failed 1002 ");
}

/* 64 KiB fragments that never end: 1009 at the limit; a million empty ones: 1008. */
static void endless_messages(void **state)
{
    (void)state;
    struct hy__ws_parser_config config = wire_server_config;
    struct hy__ws_parser parser;
    struct hy__ws_event event = {.type = HY__WS_EVENT_NONE};
    struct wire big = {0};
    uint8_t empty[6] = {0x02, 0x80, 1, 2, 3, 4};
    unsigned frames = 0;
    hy__ws_parser_init(&parser, &config);
    while (event.type == HY__WS_EVENT_NONE && frames < 1000) {
        big.size = 0;
        wire_fill(&big, false, frames++ == 0 ? HY__WS_BINARY : HY__WS_CONTINUATION, 65536, 'z');
        hy__ws_parser_feed(&parser, big.data, big.size, &event);
        assert_true(hy__ws_parser_memory(&parser) <= config.message_size_max);
    }
    assert_int_equal(event.close_code, 1009);
    assert_int_equal(frames, 257); /* 256 of them are the 16 MiB */
    assert_int_equal(hy__ws_parser_memory(&parser), 0);
    hy__ws_parser_fini(&parser);

    config.fragment_count_max = 65536;
    hy__ws_parser_init(&parser, &config);
    event.type = HY__WS_EVENT_NONE;
    for (frames = 0; event.type == HY__WS_EVENT_NONE && frames < 1000000; frames++) {
        empty[0] = frames == 0 ? 0x02 : 0x00;
        hy__ws_parser_feed(&parser, empty, sizeof empty, &event);
    }
    assert_int_equal(event.close_code, 1008);
    assert_int_equal(frames, 65537);
    hy__ws_parser_fini(&parser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),
        cmocka_unit_test(lengths_at_the_border_of_their_form),
        cmocka_unit_test(masked_frame_to_a_client),
        cmocka_unit_test(inside_a_fragmented_message),
        cmocka_unit_test(continuation_after_the_end),
        cmocka_unit_test(bad_text_fails_inside_the_frame),
        cmocka_unit_test(bad_text_over_fragments),
        cmocka_unit_test(text_that_ends_inside_a_code_point),
        cmocka_unit_test(close_codes),
        cmocka_unit_test(close_payloads),
        cmocka_unit_test(nothing_comes_after_a_failure),
        cmocka_unit_test(endless_messages),
    };
    return cmocka_run_group_tests_name("ws_frame_bad", tests, NULL, NULL);
}
