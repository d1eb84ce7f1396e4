/* SPDX-License-Identifier: MIT */
/*
 * Payload to message to JSON and back. The known sentences were made by another encoder, and their
 * decodes checked against gpsdecode 3.22 (all fields equal but the sign of "turn" and the decimals
 * of type 27).
 */
#include "ais_test.h"

#include "ais/bits.h"
#include "ais/decode.h"
#include "ais/encode.h"
#include "ais/json.h"
#include "ais/layout.h"

#include <errno.h>

#define JSON_START "{\"class\":\"AIS\",\"device\":\"stdin\","

struct known {
    const char *name;
    const char *sentences;
    const char *unscaled; /* what follows JSON_START */
    const char *scaled;
};

static const struct known known[] = {
    {"type 1", "!AIVDM,1,1,,A,1CaDoVms1swcI`vMd`aq:EcE2BwA,0*19\r\n",
     "\"type\":1,\"repeat\":1,\"mmsi\":244660123,\"scaled\":false,\"status\":5,\"status_text\":"
     "\"Moored\",\"turn\":-20,\"speed\":123,\"accuracy\":true,\"lon\":-2700001,\"lat\":31140007,"
     "\"course\":2345,\"heading\":181,\"second\":42,\"maneuver\":2,\"raim\":true,\"radio\":77777}",
     "\"type\":1,\"repeat\":1,\"mmsi\":244660123,\"scaled\":true,\"status\":5,\"status_text\":"
     "\"Moored\",\"turn\":-18,\"speed\":12.3,\"accuracy\":true,\"lon\":-4.500002,\"lat\":51.900012,"
     "\"course\":234.5,\"heading\":181,\"second\":42,\"maneuver\":2,\"raim\":true,\"radio\":"
     "77777}"},
    {"type 2", "!AIVDM,1,1,,A,20004lPOww<tSF0l4Q@>4?wp0001,0*74\r\n",
     "\"type\":2,\"repeat\":0,\"mmsi\":1234,\"scaled\":false,\"status\":0,\"status_text\":\"Under "
     "way using "
     "engine\",\"turn\":127,\"speed\":1023,\"accuracy\":false,\"lon\":108600000,\"lat\":54600000,"
     "\"course\":3600,\"heading\":511,\"second\":60,\"maneuver\":0,\"raim\":false,\"radio\":1}",
     "\"type\":2,\"repeat\":0,\"mmsi\":1234,\"scaled\":true,\"status\":0,\"status_text\":\"Under "
     "way using "
     "engine\",\"turn\":\"fastright\",\"speed\":\"nan\",\"accuracy\":false,\"lon\":181.000000,"
     "\"lat\":91.000000,\"course\":360.0,\"heading\":511,\"second\":60,\"maneuver\":0,\"raim\":"
     "false,\"radio\":1}"},
    {"type 3", "!AIVDM,1,1,,A,3vqc9wwP00Owwww<P6P000001www,0*2B\r\n",
     "\"type\":3,\"repeat\":3,\"mmsi\":999999999,\"scaled\":false,\"status\":15,\"status_text\":"
     "\"Not "
     "defined\",\"turn\":-128,\"speed\":0,\"accuracy\":false,\"lon\":-1,\"lat\":-54000000,"
     "\"course\":0,\"heading\":0,\"second\":0,\"maneuver\":0,\"raim\":false,\"radio\":524287}",
     "\"type\":3,\"repeat\":3,\"mmsi\":999999999,\"scaled\":true,\"status\":15,\"status_text\":"
     "\"Not "
     "defined\",\"turn\":\"nan\",\"speed\":0.0,\"accuracy\":false,\"lon\":-0.000002,\"lat\":-90."
     "000000,\"course\":0.0,\"heading\":0,\"second\":0,\"maneuver\":0,\"raim\":false,\"radio\":"
     "524287}"},
    {"type 4", "!AIVDM,1,1,,A,402E381vPfosrPD>hSRcWgG0089A,0*56\r\n",
     "\"type\":4,\"repeat\":0,\"mmsi\":2442016,\"scaled\":false,\"timestamp\":\"2024-02-29T23:59:"
     "58Z\",\"accuracy\":true,\"lon\":2651665,\"lat\":-30742595,\"epfd\":7,\"epfd_text\":"
     "\"Surveyed\",\"raim\":false,\"radio\":33361}",
     "\"type\":4,\"repeat\":0,\"mmsi\":2442016,\"scaled\":true,\"timestamp\":\"2024-02-29T23:59:"
     "58Z\",\"accuracy\":true,\"lon\":4.419442,\"lat\":-51.237658,\"epfd\":7,\"epfd_text\":"
     "\"Surveyed\",\"raim\":false,\"radio\":33361}"},
    {"type 5",
     "!AIVDM,2,1,3,A,53nFBv81SJ<thJ85h00nuJ0P4iT58B22Q@E=BT1?AP:454o<`9PO0gaVhoGW,0*69\r\n!AIVDM,2,"
     "2,3,A,pOh00000008,2*48\r\n",
     "\"type\":5,\"repeat\":0,\"mmsi\":258315000,\"scaled\":false,\"imo\":6514895,\"ais_version\":"
     "2,\"callsign\":\"LF\\\"A\\\\\",\"shipname\":\"M/V HALYARD  "
     "(TEST)\",\"shiptype\":79,\"shiptype_text\":\"Cargo - No additional "
     "information\",\"to_bow\":140,\"to_stern\":10,\"to_port\":4,\"to_starboard\":5,\"epfd\":1,"
     "\"epfd_text\":\"GPS\",\"eta\":\"03-14T12:40Z\",\"draught\":38,\"destination\":\"A<B>&[C]^_!?"
     "\",\"dte\":1}",
     "\"type\":5,\"repeat\":0,\"mmsi\":258315000,\"scaled\":true,\"imo\":6514895,\"ais_version\":2,"
     "\"callsign\":\"LF\\\"A\\\\\",\"shipname\":\"M/V HALYARD  "
     "(TEST)\",\"shiptype\":79,\"shiptype_text\":\"Cargo - No additional "
     "information\",\"to_bow\":140,\"to_stern\":10,\"to_port\":4,\"to_starboard\":5,\"epfd\":1,"
     "\"epfd_text\":\"GPS\",\"eta\":\"03-14T12:40Z\",\"draught\":3.8,\"destination\":\"A<B>&[C]^_!?"
     "\",\"dte\":1}"},
    {"type 9", "!AIVDM,1,1,,A,91b55vRAirwn<94M097lV@H6>6:e,0*3A\r\n",
     "\"type\":9,\"repeat\":0,\"mmsi\":111232506,\"scaled\":false,\"alt\":583,\"speed\":122,"
     "\"accuracy\":true,\"lon\":-1285854,\"lat\":30411039,\"course\":1177,\"second\":1,"
     "\"regional\":129,\"dte\":1,\"raim\":true,\"radio\":549549}",
     "\"type\":9,\"repeat\":0,\"mmsi\":111232506,\"scaled\":true,\"alt\":583,\"speed\":122,"
     "\"accuracy\":true,\"lon\":-2.143090,\"lat\":50.685065,\"course\":117.7,\"second\":1,"
     "\"regional\":129,\"dte\":1,\"raim\":true,\"radio\":549549}"},
    {"type 18", "!AIVDM,1,1,,A,B43JRq<PLpTWc5VejDI>vF7mGP06,0*1E\r\n",
     "\"type\":18,\"repeat\":0,\"mmsi\":272016100,\"scaled\":false,\"reserved\":200,\"speed\":115,"
     "\"accuracy\":true,\"lon\":19199371,\"lat\":28166470,\"course\":1263,\"heading\":300,"
     "\"second\":15,\"regional\":2,\"cs\":true,\"display\":false,\"dsc\":true,\"band\":false,"
     "\"msg22\":true,\"raim\":true,\"radio\":917510}",
     "\"type\":18,\"repeat\":0,\"mmsi\":272016100,\"scaled\":true,\"reserved\":200,\"speed\":11.5,"
     "\"accuracy\":true,\"lon\":31.998952,\"lat\":46.944117,\"course\":126.3,\"heading\":300,"
     "\"second\":15,\"regional\":2,\"cs\":true,\"display\":false,\"dsc\":true,\"band\":false,"
     "\"msg22\":true,\"raim\":true,\"radio\":917510}"},
    {"type 19", "!AIVDM,1,1,,A,C69DqePLAr8;JH3R6<4O5g8Bl@;062L?0jc1aQgh0000?Bh42Ow@,0*20\r\n",
     "\"type\":19,\"repeat\":0,\"mmsi\":412432822,\"scaled\":false,\"reserved\":7,\"speed\":71,"
     "\"accuracy\":true,\"lon\":71396656,\"lat\":14817473,\"course\":497,\"heading\":222,"
     "\"second\":16,\"regional\":9,\"shipname\":\"ZHE CANG YU "
     "4078\",\"shiptype\":30,\"shiptype_text\":\"Fishing\",\"to_bow\":300,\"to_stern\":8,\"to_"
     "port\":4,\"to_starboard\":63,\"epfd\":15,\"epfd_text\":\"INVALID "
     "EPFD\",\"raim\":true,\"dte\":0,\"assigned\":true}",
     "\"type\":19,\"repeat\":0,\"mmsi\":412432822,\"scaled\":true,\"reserved\":7,\"speed\":7.1,"
     "\"accuracy\":true,\"lon\":118.994427,\"lat\":24.695788,\"course\":49.7,\"heading\":222,"
     "\"second\":16,\"regional\":9,\"shipname\":\"ZHE CANG YU "
     "4078\",\"shiptype\":30,\"shiptype_text\":\"Fishing\",\"to_bow\":300,\"to_stern\":8,\"to_"
     "port\":4,\"to_starboard\":63,\"epfd\":15,\"epfd_text\":\"INVALID "
     "EPFD\",\"raim\":true,\"dte\":0,\"assigned\":true}"},
    {"type 21", "!AIVDM,1,1,,A,E>jHC6<V7W3h70VRh7S@0h1:WdhOiM91:RGuH10@HPRlmP@P,0*27\r\n",
     "\"type\":21,\"repeat\":0,\"mmsi\":992351000,\"scaled\":false,\"aid_type\":25,\"aid_type_"
     "text\":\"Starboard hand Mark\",\"name\":\"LONG NAME OF A BUOY "
     "AB\",\"accuracy\":true,\"lon\":-3812799,\"lat\":22097899,\"to_bow\":1,\"to_stern\":2,\"to_"
     "port\":3,\"to_starboard\":4,\"epfd\":1,\"epfd_text\":\"GPS\",\"second\":5,\"regional\":77,"
     "\"off_position\":true,\"raim\":false,\"virtual_aid\":true}",
     "\"type\":21,\"repeat\":0,\"mmsi\":992351000,\"scaled\":true,\"aid_type\":25,\"aid_type_"
     "text\":\"Starboard hand Mark\",\"name\":\"LONG NAME OF A BUOY "
     "AB\",\"accuracy\":true,\"lon\":-6.354665,\"lat\":36.829832,\"to_bow\":1,\"to_stern\":2,\"to_"
     "port\":3,\"to_starboard\":4,\"epfd\":1,\"epfd_text\":\"GPS\",\"second\":5,\"regional\":77,"
     "\"off_position\":true,\"raim\":false,\"virtual_aid\":true}"},
    {"type 24 A", "!AIVDM,1,1,,A,H7P<1>1LPU@F08U8A<000000000,2*6E\r\n",
     "\"type\":24,\"repeat\":0,\"mmsi\":503513400,\"scaled\":false,\"part\":\"A\",\"shipname\":"
     "\"WHITE BIRDS\"}",
     "\"type\":24,\"repeat\":0,\"mmsi\":503513400,\"scaled\":true,\"part\":\"A\",\"shipname\":"
     "\"WHITE BIRDS\"}"},
    {"type 24 B", "!AIVDM,1,1,,A,H7P<1>DU123EhhlF=Aqpoo2P2340,0*6E\r\n",
     "\"type\":24,\"repeat\":0,\"mmsi\":503513401,\"scaled\":false,\"part\":\"B\",\"shiptype\":37,"
     "\"shiptype_text\":\"Pleasure "
     "Craft\",\"vendorid\":\"ABCU004\",\"model\":5,\"serial\":461876,\"callsign\":\"VMQ9877\",\"to_"
     "bow\":20,\"to_stern\":2,\"to_port\":3,\"to_starboard\":4}",
     "\"type\":24,\"repeat\":0,\"mmsi\":503513401,\"scaled\":true,\"part\":\"B\",\"shiptype\":37,"
     "\"shiptype_text\":\"Pleasure "
     "Craft\",\"vendorid\":\"ABCU004\",\"model\":5,\"serial\":461876,\"callsign\":\"VMQ9877\",\"to_"
     "bow\":20,\"to_stern\":2,\"to_port\":3,\"to_starboard\":4}"},
    {"type 24 B of a tender", "!AIVDM,1,1,,A,H>`mtV4TCBD4005j123000>0mOK0,0*66\r\n",
     "\"type\":24,\"repeat\":0,\"mmsi\":982351000,\"scaled\":false,\"part\":\"B\",\"shiptype\":36,"
     "\"shiptype_text\":\"Sailing\",\"vendorid\":\"SRTD\",\"model\":1,\"serial\":5,\"callsign\":"
     "\"2ABC\",\"mothership_mmsi\":235100123}",
     "\"type\":24,\"repeat\":0,\"mmsi\":982351000,\"scaled\":true,\"part\":\"B\",\"shiptype\":36,"
     "\"shiptype_text\":\"Sailing\",\"vendorid\":\"SRTD\",\"model\":1,\"serial\":5,\"callsign\":"
     "\"2ABC\",\"mothership_mmsi\":235100123}"},
    {"type 27", "!AIVDM,1,1,,A,Kn9`@i<Kd2j@o6FN,0*29\r\n",
     "\"type\":27,\"repeat\":3,\"mmsi\":412750020,\"scaled\":false,\"status\":1,\"accuracy\":true,"
     "\"lon\":-70645,\"lat\":18542,\"speed\":12,\"course\":359,\"raim\":true,\"gnss\":true}",
     "\"type\":27,\"repeat\":3,\"mmsi\":412750020,\"scaled\":true,\"status\":1,\"status_text\":"
     "\"At "
     "anchor\",\"accuracy\":true,\"lon\":-117.7417,\"lat\":30.9033,\"speed\":12,\"course\":359,"
     "\"raim\":true,\"gnss\":true}"},
};

#define KNOWN_COUNT (sizeof(known) / sizeof(known[0]))

static const uint8_t built_types[] = {1, 2, 3, 4, 5, 9, 18, 19, 21, 24, 27};

static void decode_one(const char *text, struct ais_report *report)
{
    static struct ais_decoder decoder;
    struct collector collector = {.count = 0};

    ais_decoder_init(&decoder, NULL);
    ais_decoder_feed(&decoder, text, strlen(text), 0, 1, collect, &collector);
    assert_int_equal(collector.count, 1);
    assert_true(ais_counters_add_up(&decoder.counters));
    *report = collector.reports[0];
}

static void known_sentences_decode(void **state)
{
    (void)state;
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        struct ais_report report;
        char text[AIS_JSON_MAX];

        print_message("# %s\n", known[i].name);
        decode_one(known[i].sentences, &report);
        assert_int_equal(report.channel, 'A');
        assert_true(ais_json(&report.message, false, text, sizeof(text)) > 0);
        assert_memory_equal(text, JSON_START, strlen(JSON_START));
        assert_string_equal(text + strlen(JSON_START), known[i].unscaled);
        assert_true(ais_json(&report.message, true, text, sizeof(text)) > 0);
        assert_string_equal(text + strlen(JSON_START), known[i].scaled);
    }
}

static void known_sentences_encode(void **state)
{
    (void)state;
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        struct ais_report report;
        struct ais_encode_options options = {.channel = 'A', .sequence = 3};
        char text[AIS_ENCODED_MAX];

        decode_one(known[i].sentences, &report);
        assert_int_equal(ais_encode(&report.message, &options, text, sizeof(text)),
                         strlen(known[i].sentences));
        assert_string_equal(text, known[i].sentences);
    }
}

static void json_reports_lack_of_room(void **state)
{
    (void)state;
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        struct ais_report report;
        char text[AIS_JSON_MAX];

        decode_one(known[i].sentences, &report);
        int length = ais_json(&report.message, true, text, sizeof(text));
        for (int size = 0; size <= length; size++) {
            assert_int_equal(ais_json(&report.message, true, text, (size_t)size), -ENOSPC);
        }
        assert_int_equal(ais_json(&report.message, true, text, (size_t)length + 1), length);
    }
    struct ais_message other = {.type = 8};
    char text[AIS_JSON_MAX];
    assert_int_equal(ais_json(&other, true, text, sizeof(text)), -EINVAL);
}

static void armour_takes_its_64_characters_only(void **state)
{
    int values[64] = {0};
    struct ais_bits bits;

    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[9] = "00000000";
        bool is_valid = (c >= '0' && c <= 'W') || (c >= '`' && c <= 'w');

        for (size_t place = 0; place < sizeof(text); place++) {
            memset(text, '0', sizeof(text));
            text[place] = (char)c;
            assert_int_equal(ais_bits_from_armour(&bits, text, sizeof(text), 0), is_valid);
            if (is_valid) {
                uint32_t value = ais_bits_get(&bits, (unsigned)place * 6, 6);

                assert_int_equal(value, c - 48 > 40 ? c - 56 : c - 48);
                values[value]++;
            }
        }
    }
    for (int value = 0; value < 64; value++) {
        assert_int_equal(values[value], 9);
    }
}

static void armour_drops_the_fill_bits(void **state)
{
    char text[AIS_PAYLOAD_MAX + 1];
    struct ais_bits bits;

    (void)state;
    memset(text, 'w', sizeof(text));
    for (size_t size = 0; size <= AIS_PAYLOAD_MAX; size++) {
        for (unsigned fill = 0; fill <= 5; fill++) {
            unsigned count = (unsigned)size * 6 > fill ? (unsigned)size * 6 - fill : 0;

            memset(&bits, 0xff, sizeof(bits));
            assert_true(ais_bits_from_armour(&bits, text, size, fill));
            assert_int_equal(bits.count, count);
            if (count > 0) {
                assert_int_equal(ais_bits_get(&bits, count - 1, 1), 1);
            }
            assert_int_equal(ais_bits_get(&bits, count, 32), 0);
        }
    }
    assert_false(ais_bits_from_armour(&bits, text, AIS_PAYLOAD_MAX + 1, 0));
}

static void armour_in_parts_drops_each_fill(void **state)
{
    struct ais_bits bits;

    (void)state;
    ais_bits_clear(&bits, 0);
    assert_true(ais_bits_append_armour(&bits, "wwwwwwwwwwwww0", 14, 4));
    assert_true(ais_bits_append_armour(&bits, "8w0", 3, 4));
    assert_int_equal(bits.count, 80 + 14);
    assert_int_equal(ais_bits_get(&bits, 48, 30), (1U << 30) - 1);
    assert_int_equal(ais_bits_get(&bits, 78, 16), 0x08fc);
    assert_false(ais_bits_append_armour(&bits, "X", 1, 0));
}

static void bits_put_and_get_agree(void **state)
{
    uint64_t seed = 1;
    static struct ais_bits bits;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        unsigned width = 1 + random_below(&seed, 32);
        unsigned start = random_below(&seed, 400);
        uint32_t value = (uint32_t)random_next(&seed);
        uint32_t low = width == 32 ? value : value & ((1U << width) - 1);

        ais_bits_clear(&bits, 440);
        ais_bits_put(&bits, start, width, value);
        assert_int_equal(ais_bits_get(&bits, start, width), low);
        if (start > 32) {
            assert_int_equal(ais_bits_get(&bits, start - 32, 32), 0);
        }
        assert_int_equal(ais_bits_get(&bits, start + width, 32), 0);
        int32_t number = ais_bits_get_signed(&bits, start, width);
        assert_int_equal((uint32_t)number & (width == 32 ? ~0U : (1U << width) - 1), low);
        assert_int_equal(number < 0, low >> (width - 1));
    }
}

static void texts_hold_the_64_characters(void **state)
{
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_ !\"#$%&'()*+,-./0123456789:;<=>?";
    char text[64];
    struct ais_bits bits;

    (void)state;
    ais_bits_clear(&bits, 64 * 6);
    ais_bits_put_text(&bits, 0, 64, all);
    assert_int_equal(ais_bits_get_text(&bits, 0, 63, text), 63);
    assert_string_equal(text, all);
    ais_bits_put_text(&bits, 0, 7, "ab{\x7f\xe4@c");
    assert_int_equal(ais_bits_get_text(&bits, 0, 7, text), 5);
    assert_string_equal(text, "AB???");
}

/* The member of a field, and all of it that a sender could fill. */
static void randomise_field(const struct ais_layout_field *field, struct ais_message *message,
                            uint64_t *seed)
{
    static const char letters[] = "ABCXYZ[\\]^_ !\"#$%&'()*+,-./0189:;<=>?";
    char *member = (char *)message + field->member;
    uint32_t raw = (uint32_t)random_next(seed) >> (field->width < 32 ? 32 - field->width : 0);
    int32_t number = (int32_t)(raw << (32 - (field->width < 32 ? field->width : 32))) >>
                     (32 - (field->width < 32 ? field->width : 32));
    size_t length;

    switch ((enum ais_kind)field->kind) {
    case AIS_KIND_U8:
        *(uint8_t *)member = (uint8_t)raw;
        break;
    case AIS_KIND_U16:
        *(uint16_t *)(void *)member = (uint16_t)raw;
        break;
    case AIS_KIND_U32:
        *(uint32_t *)(void *)member = raw;
        break;
    case AIS_KIND_S8:
        *(int8_t *)member = (int8_t)number;
        break;
    case AIS_KIND_S32:
        *(int32_t *)(void *)member = number;
        break;
    case AIS_KIND_FLAG:
        *(bool *)member = raw & 1;
        break;
    case AIS_KIND_TEXT:
        length = random_below(seed, field->field == AIS_AID_NAME ? AIS_AID_NAME_LENGTH + 1
                                                                 : field->width / 6U + 1);
        for (size_t i = 0; i < length; i++) {
            member[i] = letters[random_below(seed, sizeof(letters) - 1)];
        }
        while (length > 0 && member[length - 1] == ' ') {
            member[--length] = '\0';
        }
        break;
    }
}

static void randomise(struct ais_message *message, unsigned type, uint64_t *seed)
{
    unsigned part = random_below(seed, 2);

    memset(message, 0, sizeof(*message));
    message->type = (uint8_t)type;
    message->repeat = (uint8_t)random_below(seed, 4);
    message->mmsi = random_below(seed, 4) == 0 ? 980000000 + random_below(seed, 10000000)
                                               : random_below(seed, 1U << 30);
    const struct ais_layout *layout = ais_layout(type, part, message->mmsi);
    for (unsigned i = 0; i < layout->field_count; i++) {
        randomise_field(&layout->fields[i], message, seed);
        message->present |= UINT64_C(1) << layout->fields[i].field;
    }
    if (type == 24) {
        message->static_b.part = (uint8_t)part;
    }
}

/* What the decoder derives: the length, and the older reading of the vendor's bits. */
static void adopt_derived(struct ais_message *message, const struct ais_message *decoded)
{
    message->bits = decoded->bits;
    if (message->type == 24 && message->static_b.part == 1) {
        memcpy(message->static_b.vendorid_old, decoded->static_b.vendorid_old,
               sizeof(message->static_b.vendorid_old));
    }
}

static void random_messages_come_back_equal(void **state)
{
    uint64_t seed = 20240229;

    (void)state;
    for (size_t t = 0; t < sizeof(built_types); t++) {
        for (int i = 0; i < 2000; i++) {
            struct ais_message message;
            struct ais_report report;
            struct ais_encode_options options = {
                .talker = "BS",
                .channel = i % 2 != 0 ? 'B' : 'A',
                .own_ship = i % 3 == 0,
                .sequence = (uint8_t)(i % 10),
            };
            char text[AIS_ENCODED_MAX];

            randomise(&message, built_types[t], &seed);
            assert_true(ais_encode(&message, &options, text, sizeof(text)) > 0);
            assert_memory_equal(text, "!BSVD", 5);
            decode_one(text, &report);
            adopt_derived(&message, &report.message);
            assert_memory_equal(&report.message, &message, sizeof(message));
            assert_int_equal(report.channel, options.channel);
            assert_int_equal(report.own_ship, options.own_ship);
        }
    }
}

/* Cut at every bit: fields are there exactly as far as the payload reaches, and then as they were.
 */
static void short_payloads_lack_their_tail(void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (size_t t = 0; t < sizeof(built_types); t++) {
        struct ais_message message;
        struct ais_message cut;
        struct ais_bits bits;

        randomise(&message, built_types[t], &seed);
        assert_int_equal(ais_encode_payload(&message, &bits), 0);
        const struct ais_layout *layout =
            ais_layout(message.type, message.static_b.part, message.mmsi);
        unsigned full = bits.count;
        for (unsigned count = full; count > 0; count--) {
            struct ais_bits part;

            ais_bits_clear(&part, count);
            for (unsigned bit = 0; bit < count; bit++) {
                ais_bits_put(&part, bit, 1, ais_bits_get(&bits, bit, 1));
            }
            enum ais_reject reason = ais_decode(&part, &cut);
            assert_int_equal(reason,
                             count >= layout->bits_min ? AIS_REJECT_NONE : AIS_REJECT_LENGTH);
            if (reason != AIS_REJECT_NONE) {
                continue;
            }
            assert_int_equal(cut.bits, count);
            for (unsigned i = 0; i < layout->field_count; i++) {
                const struct ais_layout_field *field = &layout->fields[i];

                if (field->kind != AIS_KIND_TEXT) {
                    assert_int_equal(ais_has(&cut, field->field),
                                     field->start + field->width <= count);
                }
            }
            char text[AIS_JSON_MAX];
            assert_true(ais_json(&cut, true, text, sizeof(text)) > 0);
        }
    }
}

static void absent_fields_have_no_key(void **state)
{
    struct ais_message message = {.type = 1, .mmsi = 1, .bits = 140};
    struct ais_message decoded;
    struct ais_bits bits;
    char text[AIS_JSON_MAX];

    (void)state;
    message.position_a.heading = 200;
    assert_int_equal(ais_encode_payload(&message, &bits), 0);
    assert_int_equal(ais_decode(&bits, &decoded), AIS_REJECT_NONE);
    assert_true(ais_has(&decoded, AIS_HEADING));
    assert_false(ais_has(&decoded, AIS_SECOND));
    assert_false(ais_has(&decoded, AIS_RADIO));
    assert_true(ais_json(&decoded, false, text, sizeof(text)) > 0);
    assert_non_null(strstr(text, "\"heading\":200}"));
    assert_null(strstr(text, "second"));
    assert_null(strstr(text, "radio"));
}

static void longer_payloads_are_taken(void **state)
{
    struct ais_message message = {.type = 3, .mmsi = 2, .bits = 216};
    struct ais_message decoded;
    struct ais_bits bits;

    (void)state;
    message.position_a.radio = 12345;
    assert_int_equal(ais_encode_payload(&message, &bits), 0);
    assert_int_equal(bits.count, 216);
    assert_int_equal(ais_decode(&bits, &decoded), AIS_REJECT_NONE);
    assert_int_equal(decoded.position_a.radio, 12345);
}

static void types_are_told_apart(void **state)
{
    (void)state;
    for (uint32_t type = 0; type < 64; type++) {
        struct ais_bits bits;
        struct ais_message message;

        ais_bits_clear(&bits, 424);
        ais_bits_put(&bits, 0, 6, type);
        bool is_built = memchr(built_types, (int)type, sizeof(built_types)) != NULL;
        enum ais_reject expected = type == 0 || type > 27 ? AIS_REJECT_TYPE_INVALID
                                   : is_built             ? AIS_REJECT_NONE
                                                          : AIS_REJECT_TYPE_NOT_BUILT;
        assert_int_equal(ais_decode(&bits, &message), expected);
        struct ais_encode_options options = {.channel = 'A'};
        char text[AIS_ENCODED_MAX];
        message = (struct ais_message){.type = (uint8_t)type};
        assert_int_equal(ais_encode(&message, &options, text, sizeof(text)) > 0, is_built);
    }
    struct ais_bits bits;
    struct ais_message message;
    ais_bits_clear(&bits, 168);
    ais_bits_put(&bits, 0, 6, 24);
    ais_bits_put(&bits, 38, 2, 2);
    assert_int_equal(ais_decode(&bits, &message), AIS_REJECT_PART);
    ais_bits_clear(&bits, 0);
    assert_int_equal(ais_decode(&bits, &message), AIS_REJECT_LENGTH);
}

static void encoder_reports_lack_of_room(void **state)
{
    struct ais_message message = {.type = 5, .mmsi = 3};
    struct ais_encode_options options = {.channel = 'A'};
    char text[AIS_ENCODED_MAX];

    (void)state;
    int length = ais_encode(&message, &options, text, sizeof(text));
    assert_true(length > 0);
    for (int size = 0; size <= length; size++) {
        assert_int_equal(ais_encode(&message, &options, text, (size_t)size), -ENOSPC);
    }
    assert_int_equal(ais_encode(&message, &options, text, (size_t)length + 1), length);
    message.bits = 100;
    assert_int_equal(ais_encode(&message, &options, text, sizeof(text)), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_sentences_decode),
        cmocka_unit_test(known_sentences_encode),
        cmocka_unit_test(json_reports_lack_of_room),
        cmocka_unit_test(armour_takes_its_64_characters_only),
        cmocka_unit_test(armour_drops_the_fill_bits),
        cmocka_unit_test(armour_in_parts_drops_each_fill),
        cmocka_unit_test(bits_put_and_get_agree),
        cmocka_unit_test(texts_hold_the_64_characters),
        cmocka_unit_test(random_messages_come_back_equal),
        cmocka_unit_test(short_payloads_lack_their_tail),
        cmocka_unit_test(absent_fields_have_no_key),
        cmocka_unit_test(longer_payloads_are_taken),
        cmocka_unit_test(types_are_told_apart),
        cmocka_unit_test(encoder_reports_lack_of_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
