/* SPDX-License-Identifier: MIT */
/* From bytes to messages: scanning, checksums, tag blocks and other surroundings, assembly, the
 * account. */
#include "ais_test.h"

#include "ais/encode.h"

#include <inttypes.h>

#define S             INT64_C(1000000000)
#define POSITION      "AIVDM,1,1,,A,13HOI:0P0000VOHLCnHQKwvL05Ip,0"
#define POSITION_MMSI 227006760

static struct ais_decoder decoder;
static struct collector heard;

static int fresh(void **state)
{
    (void)state;
    ais_decoder_init(&decoder, NULL);
    memset(&heard, 0, sizeof(heard));
    return 0;
}

static int account(void **state)
{
    (void)state;
    if (!ais_counters_add_up(&decoder.counters)) {
        print_error("the counters do not add up\n");
        return -1;
    }
    ais_decoder_fini(&decoder);
    return 0;
}

static void feed_from(const char *text, uint32_t source, int64_t now_ns)
{
    /* On the heap and without a terminator, so that a sanitizer sees one byte too many. */
    size_t size = strlen(text);
    char *copy = test_malloc(size > 0 ? size : 1);

    memcpy(copy, text, size);
    ais_decoder_feed(&decoder, copy, size, source, now_ns, collect, &heard);
    test_free(copy);
    assert_true(ais_counters_add_up(&decoder.counters));
}

static void feed(const char *text)
{
    feed_from(text, 0, S);
}

/* Feeds "!" body "*hh" after `before` and before `after`. */
static void feed_sentence(const char *before, const char *body, const char *after)
{
    char text[1024];
    char line[2048];

    (void)snprintf(line, sizeof(line), "%s%s%s", before, sentence(text, sizeof(text), body), after);
    feed(line);
}

static uint64_t rejected(enum ais_reject reason)
{
    return decoder.counters.rejected[reason];
}

static void one_sentence(void **state)
{
    (void)state;
    feed_sentence("", POSITION, "\r\n");
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.reports[0].message.mmsi, POSITION_MMSI);
    assert_int_equal(heard.reports[0].received_ns, S);
    assert_int_equal(heard.reports[0].station_ns, 0);
    assert_string_equal(heard.reports[0].station, "");
    assert_int_equal(decoder.counters.sentences, 1);
    assert_int_equal(decoder.counters.messages, 1);
    assert_int_equal(decoder.counters.decoded_by_type[1], 1);
}

static void handler_may_be_null(void **state)
{
    char text[128];

    (void)state;
    sentence(text, sizeof(text), POSITION);
    ais_decoder_feed(&decoder, text, strlen(text), 0, S, NULL, NULL);
    ais_decoder_feed(&decoder, NULL, 0, 0, S, NULL, NULL);
    assert_int_equal(decoder.counters.messages, 1);
    assert_int_equal(decoder.counters.feeds, 2);
}

static void several_sentences_in_a_datagram(void **state)
{
    char one[128];
    char line[1024];

    (void)state;
    sentence(one, sizeof(one), POSITION);
    (void)snprintf(line, sizeof(line), "%s%s\r\n%s\n\n# comment\n%s %s", one, one, one, one, one);
    feed(line);
    assert_int_equal(heard.count, 5);
}

static void text_around_a_sentence(void **state)
{
    (void)state;
    feed_sentence("2012-03-14 11:30:16 ", POSITION, ",x,y,z\r\n");
    feed_sentence("{\"class\":\"AIS\",\"nmea\":[\"", POSITION, "\"]}\n");
    feed_sentence("!!$\\!A!AI", POSITION, "!");
    feed_sentence("$GPRMC,,,,*00\r\n$PGHP,1\r\n", POSITION, "");
    assert_int_equal(heard.count, 4);
    assert_int_equal(decoder.counters.other_sentences, 2);
    assert_int_equal(decoder.counters.sentences, 4);
}

static void any_talker_and_own_ship(void **state)
{
    (void)state;
    feed_sentence("", "=IVDM,1,1,,A,13HOI:0P0000VOHLCnHQKwvL05Ip,0", "");
    feed_sentence("", "BSVDO,1,1,,B,13HOI:0P0000VOHLCnHQKwvL05Ip,0", "");
    assert_int_equal(heard.count, 2);
    assert_false(heard.reports[0].own_ship);
    assert_true(heard.reports[1].own_ship);
    assert_int_equal(heard.reports[1].channel, 'B');
}

static void odd_fields(void **state)
{
    (void)state;
    feed_sentence("", "AIVDM,1,1,1,,13HOI:0P0000VOHLCnHQKwvL05Ip,0,0", "");
    feed_sentence("", "AIVDM,1,1,12,2,13HOI:0P0000VOHLCnHQKwvL05Ip,7", "");
    feed_sentence("", "AIVDM,1,1,x,AB,13HOI:0P0000VOHLCnHQKwvL05Ip,", "");
    assert_int_equal(heard.count, 3);
    assert_int_equal(heard.reports[0].channel, 0);
    assert_int_equal(heard.reports[1].channel, '2');
    assert_int_equal(heard.reports[1].message.bits, 168);
}

static void checksums(void **state)
{
    (void)state;
    feed("!" POSITION "*23\r\n");
    assert_int_equal(heard.count, 1);
    feed("!AIVDM,1,1,,B,13u?etPv2;0n:dDPwUM1U1Cb069D,0*2c\r\n!" POSITION "*24\r\n");
    assert_int_equal(rejected(AIS_REJECT_CHECKSUM), 1 + (heard.count == 1));
    feed("!" POSITION "\r\n");
    feed("!" POSITION "*2");
    feed("!" POSITION "*");
    feed("!" POSITION "*xy");
    feed("!AIVDM");
    feed("!AIVDM,1,1,,A,13HOI");
    assert_int_equal(rejected(AIS_REJECT_NO_CHECKSUM), 6);
}

static void checksum_digits_of_either_case(void **state)
{
    char text[128];

    (void)state;
    sentence(text, sizeof(text), "BBVDM,1,1,,A,13HOI:0P0000VOHLCnHQKwvL05Ip,3");
    for (char *p = strchr(text, '*'); *p != '\0'; p++) {
        *p = (char)(*p >= 'A' && *p <= 'F' ? *p + 32 : *p);
    }
    feed(text);
    assert_int_equal(decoder.counters.assembled, 1);
}

static void a_cut_sentence_does_not_take_the_next(void **state)
{
    (void)state;
    feed_sentence("!AIVDM,1,1,,A,13HOI:0P00", POSITION, "\r\n");
    assert_int_equal(heard.count, 1);
    assert_int_equal(rejected(AIS_REJECT_NO_CHECKSUM), 1);
}

static void malformed_sentences(void **state)
{
    char text[AIS_PAYLOAD_MAX + 64];
    char payload[AIS_PAYLOAD_MAX + 2];

    (void)state;
    feed_sentence("", "AIVDM,1,1,,A", "");
    feed_sentence("", "AIVDM", "");
    feed_sentence("", "AIVDMX,1,1,,A,13HOI:0P0000VOHLCnHQKwvL05Ip,0", "");
    feed_sentence("", "AIVDM,a,1,,A,13HOI:0P0000VOHLCnHQKwvL05Ip,0", "");
    feed_sentence("", "AIVDM,1,,,A,13HOI:0P0000VOHLCnHQKwvL05Ip,0", "");
    assert_int_equal(rejected(AIS_REJECT_FORMAT), 5);
    feed_sentence("", "AIVDM,0,1,,A,13HOI:0P0000VOHLCnHQKwvL05Ip,0", "");
    feed_sentence("", "AIVDM,1,0,,A,13HOI:0P0000VOHLCnHQKwvL05Ip,0", "");
    feed_sentence("", "AIVDM,1,2,,A,13HOI:0P0000VOHLCnHQKwvL05Ip,0", "");
    feed_sentence("", "AIVDM,10,1,,A,13HOI:0P0000VOHLCnHQKwvL05Ip,0", "");
    assert_int_equal(rejected(AIS_REJECT_FRAGMENT_NUMBER), 4);
    feed_sentence("", "AIVDM,1,1,,A,13HOI:0P0000VOHLXnHQKwvL05Ip,0", "");
    assert_int_equal(rejected(AIS_REJECT_ARMOUR), 1);
    feed_sentence("", "AIVDM,1,1,,A,,0", "");
    feed_sentence("", "AIVDM,1,1,,A,13HOI:0P0,0", "");
    assert_int_equal(rejected(AIS_REJECT_LENGTH), 2);
    feed_sentence("", "AIVDM,1,1,,A,03HOI:0P0000VOHLCnHQKwvL05Ip,0", "");
    feed_sentence("", "AIVDM,1,1,,A,w3HOI:0P0000VOHLCnHQKwvL05Ip,0", "");
    assert_int_equal(rejected(AIS_REJECT_TYPE_INVALID), 2);
    feed_sentence("", "AIVDM,1,1,,A,83HOI:0P0000VOHLCnHQKwvL05Ip,0", "");
    assert_int_equal(rejected(AIS_REJECT_TYPE_NOT_BUILT), 1);
    assert_int_equal(decoder.counters.not_built_by_type[8], 1);
    memset(payload, '0', sizeof(payload) - 1);
    payload[sizeof(payload) - 1] = '\0';
    (void)snprintf(text, sizeof(text), "AIVDM,1,1,,A,%s,0", payload);
    feed_sentence("", text, "");
    assert_int_equal(rejected(AIS_REJECT_TOO_LONG), 1);
    assert_int_equal(heard.count, 0);
    assert_int_equal(decoder.counters.sentences, ais_counters_rejected(&decoder.counters));
}

static void tag_block_time_and_station(void **state)
{
    (void)state;
    feed_sentence("\\s:2190067,c:1384257600011*3F\\", POSITION, "\r\n");
    feed_sentence("\\c:1331724616*59\\", POSITION, "");
    feed_sentence("", POSITION, "");
    assert_int_equal(heard.count, 3);
    assert_string_equal(heard.reports[0].station, "2190067");
    assert_true(heard.reports[0].station_ns == INT64_C(1384257600011) * 1000000);
    assert_true(heard.reports[1].station_ns == INT64_C(1331724616) * S);
    assert_string_equal(heard.reports[1].station, "");
    assert_true(heard.reports[2].station_ns == 0);
    assert_int_equal(decoder.counters.tag_blocks, 2);
}

static void tag_block_with_a_wrong_checksum(void **state)
{
    (void)state;
    feed_sentence("\\s:2190067,c:1384257600011*00\\", POSITION, "\r\n");
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.reports[0].station, "");
    assert_true(heard.reports[0].station_ns == 0);
    assert_int_equal(decoder.counters.tag_blocks_rejected, 1);
}

static void tag_block_on_a_line_of_its_own(void **state)
{
    (void)state;
    feed("\\c:1331724616*59\\\r\n");
    feed_sentence("", POSITION, "");
    feed("\\c:1331724616*59\\");
    feed_from("!" POSITION "*23", 1, S);
    feed("\\c:1331724616*59\\$GPRMC,,*00\r\n");
    feed_sentence("", POSITION, "");
    assert_int_equal(heard.count, 3);
    assert_true(heard.reports[0].station_ns == INT64_C(1331724616) * S);
    assert_true(heard.reports[1].station_ns == 0);
    assert_true(heard.reports[2].station_ns == 0);
}

static void broken_tag_blocks(void **state)
{
    (void)state;
    feed_sentence("\\", POSITION, "");
    feed_sentence("\\c:1331724616*59", POSITION, "");
    feed_sentence("\\c:1331724616\\", POSITION, "");
    feed_sentence("\\\\\\*\\", POSITION, "");
    feed_sentence("\\s:,c:,g:,::,,c*61\\", POSITION, "");
    assert_int_equal(heard.count, 5);
    for (int i = 0; i < 5; i++) {
        assert_true(heard.reports[i].station_ns == 0);
    }
}

static void other_times_and_stations(void **state)
{
    (void)state;
    feed_sentence("", POSITION, ",s22,d-109,T56.1,S2105,r003669946,1325394060\r\n");
    feed_sentence("", POSITION, ",1411922661123\r\n");
    feed_sentence("1550303566167726840 ", POSITION, "\r\n");
    feed_sentence("$PGHP,1,2013,11,12,12,0,0,11,219,,2190067,1,62*26\r\n", POSITION, "\r\n");
    assert_int_equal(heard.count, 4);
    assert_string_equal(heard.reports[0].station, "r003669946");
    assert_true(heard.reports[0].station_ns == INT64_C(1325394060) * S);
    assert_true(heard.reports[1].station_ns == INT64_C(1411922661123) * 1000000);
    assert_true(heard.reports[2].station_ns == INT64_C(1550303566167726840));
    assert_true(heard.reports[3].station_ns == INT64_C(1384257600011) * 1000000);
    assert_string_equal(heard.reports[3].station, "2190067");
}

/* Assembly. A message of n fragments, with a name that tells which it is. */
struct fragments {
    char text[3][160];
};

/* `channels` has one for each; "-" leaves the field empty. */
static void make_fragments(struct fragments *fragments, uint32_t mmsi, const char *id,
                           const char *channels)
{
    struct ais_message message = {.type = 5, .mmsi = mmsi};
    struct ais_bits bits;
    char payload[AIS_PAYLOAD_MAX];
    unsigned fill;

    memset(message.static_a.shipname, 'A', AIS_NAME_LENGTH);
    memset(message.static_a.destination, 'B', AIS_DESTINATION_LENGTH);
    assert_int_equal(ais_encode_payload(&message, &bits), 0);
    int size = (int)ais_bits_to_armour(&bits, payload, &fill);
    static const int starts[] = {0, 30, 56, 71};
    assert_int_equal(size, starts[3]);
    for (int i = 0; i < 3; i++) {
        char body[128];

        (void)snprintf(body, sizeof(body), "AIVDM,3,%d,%s,%.*s,%.*s,%u", i + 1, id,
                       channels[i] != '-', channels + i, starts[i + 1] - starts[i],
                       payload + starts[i], i == 2 ? fill : 0);
        (void)sentence(fragments->text[i], sizeof(fragments->text[i]), body);
    }
}

static void expect_static(size_t index, uint32_t mmsi)
{
    assert_true(heard.count > index);
    assert_int_equal(heard.reports[index].message.type, 5);
    assert_int_equal(heard.reports[index].message.mmsi, mmsi);
    assert_int_equal(heard.reports[index].message.bits, 424);
    assert_string_equal(heard.reports[index].message.static_a.shipname, "AAAAAAAAAAAAAAAAAAAA");
    assert_string_equal(heard.reports[index].message.static_a.destination, "BBBBBBBBBBBBBBBBBBBB");
}

static void fragments_in_any_order(void **state)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct fragments fragments;

    (void)state;
    for (int i = 0; i < 6; i++) {
        make_fragments(&fragments, 1000U + (unsigned)i, "4", "AAA");
        for (int k = 0; k < 3; k++) {
            assert_int_equal(heard.count, i);
            assert_int_equal(decoder.counters.held, k);
            feed(fragments.text[orders[i][k]]);
        }
        expect_static((size_t)i, 1000U + (unsigned)i);
    }
    assert_int_equal(decoder.counters.held, 0);
    assert_int_equal(decoder.counters.fragments_joined, 12);
    assert_int_equal(decoder.counters.assembled_multi, 6);
}

static void fragments_interleaved(void **state)
{
    struct fragments a;
    struct fragments b;
    struct fragments c;

    (void)state;
    make_fragments(&a, 1, "4", "AAA");
    make_fragments(&b, 2, "4", "BBB");
    make_fragments(&c, 3, "5", "AAA");
    for (int i = 0; i < 3; i++) {
        feed(a.text[i]);
        feed("$GPRMC,1,2*00\r\n");
        feed_from(a.text[i], 9, S);
        feed(c.text[i]);
        feed_sentence("", POSITION, "");
        feed(b.text[2 - i]);
    }
    assert_int_equal(heard.count, 7);
    assert_int_equal(decoder.counters.assembled_multi, 4);
    assert_int_equal(ais_counters_rejected(&decoder.counters), 0);
}

static void a_fragment_that_comes_again_starts_anew(void **state)
{
    struct fragments a;
    struct fragments b;

    (void)state;
    make_fragments(&a, 1, "4", "AAA");
    make_fragments(&b, 2, "4", "AAA");
    feed(a.text[0]);
    feed(a.text[1]);
    feed(b.text[0]);
    assert_int_equal(rejected(AIS_REJECT_OVERWRITTEN), 2);
    feed(b.text[1]);
    feed(b.text[2]);
    assert_int_equal(heard.count, 1);
    expect_static(0, 2);
}

static void incomplete_messages_time_out(void **state)
{
    struct fragments a;

    (void)state;
    make_fragments(&a, 1, "4", "AAA");
    feed_from(a.text[0], 0, 10 * S);
    feed_from(a.text[1], 0, 12 * S);
    feed_from(a.text[2], 0, 15 * S);
    assert_int_equal(heard.count, 1);
    feed_from(a.text[0], 0, 20 * S);
    feed_from(a.text[1], 0, 20 * S);
    ais_decoder_expire(&decoder, 25 * S);
    assert_int_equal(decoder.counters.held, 2);
    ais_decoder_expire(&decoder, 25 * S + 1);
    assert_int_equal(decoder.counters.held, 0);
    assert_int_equal(rejected(AIS_REJECT_TIMED_OUT), 2);
    feed_from(a.text[2], 0, 30 * S);
    feed_from("# anything", 0, 30 * S + S / 20);
    assert_int_equal(decoder.counters.held, 1);
    feed_from("# anything", 0, 30 * S + S / 20 + 1);
    assert_int_equal(decoder.counters.held, 0);
    assert_int_equal(rejected(AIS_REJECT_ORPHANED), 1);
    feed_from(a.text[0], 0, 40 * S);
    feed_from("# the clock was set back", 0, S);
    assert_int_equal(rejected(AIS_REJECT_TIMED_OUT), 3);
    assert_int_equal(heard.count, 1);
}

static void told_times_part_fragments(void **state)
{
    struct fragments a;
    char line[256];

    (void)state;
    make_fragments(&a, 1, "4", "AAA");
    for (int i = 0; i < 3; i++) {
        (void)snprintf(line, sizeof(line), "%s,%d\r\n", a.text[i], 1411922661 + i * 3);
        feed_from(line, 0, S + i * S / 10);
    }
    assert_int_equal(heard.count, 0);
    assert_int_equal(rejected(AIS_REJECT_TIMED_OUT), 2);
    assert_int_equal(decoder.counters.held, 1);
}

static void channel_missing_in_later_fragments(void **state)
{
    struct fragments a;
    struct fragments b;

    (void)state;
    make_fragments(&a, 1, "4", "A--");
    make_fragments(&b, 2, "6", "ABB");
    for (int i = 0; i < 3; i++) {
        feed(a.text[i]);
        feed(i == 0 ? b.text[0] : "# nothing");
        feed(i == 0 ? b.text[1] : "$GPRMC,1*00");
        feed(i == 0 ? b.text[2] : "");
    }
    assert_int_equal(heard.count, 2);
    expect_static(0, 2);
    expect_static(1, 1);
    assert_int_equal(heard.reports[1].channel, 'A');
}

static void channel_missing_and_two_candidates(void **state)
{
    struct fragments a;
    struct fragments b;
    struct fragments c;

    (void)state;
    make_fragments(&a, 1, "4", "AAA");
    make_fragments(&b, 2, "4", "BBB");
    make_fragments(&c, 1, "4", "---");
    feed(a.text[0]);
    feed(b.text[0]);
    feed(c.text[1]);
    assert_int_equal(decoder.counters.held, 3);
    feed(a.text[1]);
    feed(a.text[2]);
    assert_int_equal(heard.count, 1);
    expect_static(0, 1);
}

static void stations_do_not_mix(void **state)
{
    struct fragments a;
    char line[256];
    char block[64];

    (void)state;
    make_fragments(&a, 1, "4", "AAA");
    static const char *const stations[] = {"s:one", "s:two", "s:one"};
    for (int i = 0; i < 3; i++) {
        sentence(block, sizeof(block), stations[i]);
        (void)snprintf(line, sizeof(line), "\\%s\\%s", block + 1, a.text[i]);
        feed(line);
    }
    assert_int_equal(heard.count, 0);
    sentence(block, sizeof(block), "s:one");
    (void)snprintf(line, sizeof(line), "\\%s\\%s", block + 1, a.text[1]);
    feed(line);
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.reports[0].station, "one");
}

static void groups_join_whatever_the_channel(void **state)
{
    struct fragments a;
    struct fragments b;
    static const char *const blocks[] = {"g:1-3-77,s:rX1,c:1241544035", "g:2-3-77", "g:3-3-77"};
    static const char *const older[] = {"1G3:0125,c:1241544036", "2G3:0125", "3G3:0125"};

    (void)state;
    make_fragments(&a, 1, "4", "ABC");
    make_fragments(&b, 2, "4", "ABC");
    for (int i = 0; i < 3; i++) {
        char line[256];
        char block[64];

        sentence(block, sizeof(block), blocks[i]);
        (void)snprintf(line, sizeof(line), "\\%s\\%s", block + 1, a.text[i]);
        feed(line);
        sentence(block, sizeof(block), older[i]);
        (void)snprintf(line, sizeof(line), "\\%s\\%s", block + 1, b.text[i]);
        feed(line);
    }
    assert_int_equal(heard.count, 2);
    expect_static(0, 1);
    assert_string_equal(heard.reports[0].station, "rX1");
    assert_true(heard.reports[0].station_ns == INT64_C(1241544035) * S);
    expect_static(1, 2);
    assert_true(heard.reports[1].station_ns == INT64_C(1241544036) * S);
}

static void open_messages_are_bounded(void **state)
{
    struct fragments a;

    (void)state;
    make_fragments(&a, 1, "4", "AAA");
    for (uint32_t source = 0; source < AIS_SLOT_COUNT; source++) {
        feed_from(a.text[0], source, S + source);
    }
    assert_int_equal(decoder.counters.held, AIS_SLOT_COUNT);
    feed_from(a.text[0], AIS_SLOT_COUNT, 2 * S);
    assert_int_equal(decoder.counters.held, AIS_SLOT_COUNT);
    assert_int_equal(rejected(AIS_REJECT_EVICTED), 1);
    feed_from(a.text[1], 1, 2 * S);
    feed_from(a.text[2], 1, 2 * S);
    feed_from(a.text[1], 0, 2 * S);
    assert_int_equal(heard.count, 1);
}

static void joined_payloads_are_bounded(void **state)
{
    (void)state;
    for (int i = 1; i <= 9; i++) {
        char payload[61];
        char body[128];

        memset(payload, '0', sizeof(payload) - 1);
        payload[60] = '\0';
        (void)snprintf(body, sizeof(body), "AIVDM,9,%d,1,A,%s,0", i, payload);
        feed_sentence("", body, "");
    }
    assert_int_equal(heard.count, 0);
    assert_int_equal(rejected(AIS_REJECT_TOO_LONG), 7);
    assert_int_equal(decoder.counters.held, 2);
}

static void every_reason_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < AIS_REJECT_COUNT; i++) {
        assert_non_null(ais_reject_name((enum ais_reject)i));
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(ais_reject_name((enum ais_reject)i),
                                    ais_reject_name((enum ais_reject)k));
        }
    }
    assert_string_equal(ais_reject_name((enum ais_reject)99), "unknown");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, account)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_sentence),
        TEST(handler_may_be_null),
        TEST(several_sentences_in_a_datagram),
        TEST(text_around_a_sentence),
        TEST(any_talker_and_own_ship),
        TEST(odd_fields),
        TEST(checksums),
        TEST(checksum_digits_of_either_case),
        TEST(a_cut_sentence_does_not_take_the_next),
        TEST(malformed_sentences),
        TEST(tag_block_time_and_station),
        TEST(tag_block_with_a_wrong_checksum),
        TEST(tag_block_on_a_line_of_its_own),
        TEST(broken_tag_blocks),
        TEST(other_times_and_stations),
        TEST(fragments_in_any_order),
        TEST(fragments_interleaved),
        TEST(a_fragment_that_comes_again_starts_anew),
        TEST(incomplete_messages_time_out),
        TEST(told_times_part_fragments),
        TEST(channel_missing_in_later_fragments),
        TEST(channel_missing_and_two_candidates),
        TEST(stations_do_not_mix),
        TEST(groups_join_whatever_the_channel),
        TEST(open_messages_are_bounded),
        TEST(joined_payloads_are_bounded),
        TEST(every_reason_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
