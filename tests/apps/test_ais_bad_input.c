/* SPDX-License-Identifier: MIT */
/*
 * Rubbish of every kind, from a seeded generator: nothing crashes (run it with the sanitizers),
 * nothing is read past the end, and after each datagram the counters add up.
 */
#include "ais_test.h"

#include "ais/encode.h"
#include "ais/json.h"

#include <stdlib.h>

enum {
    DATAGRAM_MAX = 65536,
    ROUNDS = 4000,
};

static struct ais_decoder decoder;

static int fresh(void **state)
{
    (void)state;
    ais_decoder_init(&decoder, NULL);
    return 0;
}

static void check_report(void *context, const struct ais_report *report)
{
    char text[AIS_JSON_MAX];

    (void)context;
    assert_true(ais_json(&report->message, true, text, sizeof(text)) > 0);
    assert_true(ais_json(&report->message, false, text, sizeof(text)) > 0);
    assert_true(report->message.mmsi < 1U << 30);
    assert_non_null(memchr(report->station, '\0', sizeof(report->station)));
}

static void feed_bytes(const char *data, size_t size, int64_t now_ns)
{
    char *copy = malloc(size > 0 ? size : 1);

    assert_non_null(copy);
    memcpy(copy, data, size);
    ais_decoder_feed(&decoder, copy, size, (uint32_t)(size % 3), now_ns, check_report, NULL);
    free(copy);
    assert_true(ais_counters_add_up(&decoder.counters));
}

static void random_bytes(void **state)
{
    static char data[512];
    uint64_t seed = 1;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        size_t size = random_below(&seed, sizeof(data) + 1);

        for (size_t k = 0; k < size; k++) {
            data[k] = (char)random_next(&seed);
        }
        feed_bytes(data, size, i);
    }
}

/* Bytes that mean something, in any order: far more of them get past the scanner. */
static void random_tokens(void **state)
{
    static const char *const tokens[] = {"!AIVDM,",
                                         "1,",
                                         "2,",
                                         "9,",
                                         ",",
                                         "A,",
                                         "\\",
                                         "*",
                                         "00",
                                         "!",
                                         "$",
                                         "\r\n",
                                         "13HOI:0P0000VOHLCnHQKwvL05Ip",
                                         "$PGHP,1,2013,11,12,12,0,0,11,219,,2190067,1,62*26",
                                         "c:",
                                         "s:",
                                         "g:1-2-3",
                                         "*59\\",
                                         "c:1331724616",
                                         "0*23",
                                         "99999999999999999999",
                                         ",r1,1325394060"};
    uint64_t seed = 2;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        char data[1024] = "";

        for (size_t used = 0; used < sizeof(data) - 64;) {
            const char *token = tokens[random_below(&seed, sizeof(tokens) / sizeof(tokens[0]))];
            size_t size = strlen(token);

            memcpy(data + used, token, size);
            used += size;
        }
        feed_bytes(data, strlen(data), i);
    }
}

/* A random message of a built type; its spare bits, lengths and values are whatever they are. */
static int random_sentences(uint64_t *seed, char *text, size_t size)
{
    static const uint8_t types[] = {1, 4, 5, 9, 18, 19, 21, 24, 27};
    struct ais_message message;
    struct ais_encode_options options = {
        .channel = (char)('A' + random_below(seed, 2)),
        .sequence = (uint8_t)random_below(seed, 10),
    };

    memset(&message, 0, sizeof(message));
    message.type = types[random_below(seed, sizeof(types))];
    message.mmsi = random_below(seed, 1U << 30);
    if (message.type == 21) {
        memset(message.aid.name, 'A', AIS_NAME_LENGTH);
    } else if (message.type == 24) {
        message.static_b.part = (uint8_t)random_below(seed, 2);
    }
    return ais_encode(&message, &options, text, size);
}

static void truncated_sentences(void **state)
{
    uint64_t seed = 3;

    (void)state;
    for (int i = 0; i < 200; i++) {
        char text[AIS_ENCODED_MAX];
        int length = random_sentences(&seed, text, sizeof(text));

        assert_true(length > 0);
        for (int size = 0; size <= length; size++) {
            feed_bytes(text, (size_t)size, (int64_t)i * 1000000);
        }
    }
    assert_true(decoder.counters.rejected[AIS_REJECT_NO_CHECKSUM] > 0);
    assert_true(decoder.counters.messages > 0);
}

static void flip_bits(uint64_t *seed, char *text, int length)
{
    for (uint32_t flips = 1 + random_below(seed, 4); flips > 0; flips--) {
        text[random_below(seed, (uint32_t)length)] ^= (char)(1 << random_below(seed, 8));
    }
}

static void set_checksums(char *text, int length)
{
    for (int i = 0; i < length; i++) {
        unsigned sum = 0;

        if (text[i] != '!') {
            continue;
        }
        int k = i + 1;
        for (; k < length && text[k] != '*' && text[k] != '!'; k++) {
            sum ^= (unsigned char)text[k];
        }
        if (k + 2 < length && text[k] == '*') {
            text[k + 1] = "0123456789ABCDEF"[sum >> 4];
            text[k + 2] = "0123456789ABCDEF"[sum & 15];
        }
    }
}

/* Half of them get a right checksum again, so that the damage goes all the way to the decoder. */
static void flipped_bits(void **state)
{
    uint64_t seed = 4;

    (void)state;
    for (int i = 0; i < 20 * ROUNDS; i++) {
        char text[AIS_ENCODED_MAX];
        int length = random_sentences(&seed, text, sizeof(text));

        assert_true(length > 0);
        flip_bits(&seed, text, length);
        if (i % 2 == 0) {
            set_checksums(text, length);
        }
        feed_bytes(text, (size_t)length, (int64_t)i * 100000);
    }
    assert_true(decoder.counters.rejected[AIS_REJECT_CHECKSUM] > 0);
    assert_true(decoder.counters.rejected[AIS_REJECT_ARMOUR] > 0);
    assert_true(decoder.counters.rejected[AIS_REJECT_TYPE_INVALID] > 0);
    assert_true(decoder.counters.rejected[AIS_REJECT_OVERWRITTEN] > 0);
    assert_true(decoder.counters.messages > 0);
}

static void oversized_datagrams(void **state)
{
    static const char fillers[] = {'0', 'A', ',', '!', '\\', '$', '*', '\n', '\0', (char)0xff};
    static char data[DATAGRAM_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(fillers); i++) {
        static const char start[] = "!AIVDM,1,1,,A,1";

        memset(data, fillers[i], sizeof(data));
        feed_bytes(data, sizeof(data), 1);
        memcpy(data, start, sizeof(start) - 1);
        feed_bytes(data, sizeof(data), 1);
        memcpy(data + sizeof(data) - 3, "*00", 3);
        feed_bytes(data, sizeof(data), 1);
        data[0] = '\\';
        feed_bytes(data, sizeof(data), 1);
    }
    assert_int_equal(decoder.counters.messages, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(random_bytes, fresh),
        cmocka_unit_test_setup(random_tokens, fresh),
        cmocka_unit_test_setup(truncated_sentences, fresh),
        cmocka_unit_test_setup(flipped_bits, fresh),
        cmocka_unit_test_setup(oversized_datagrams, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
