/* SPDX-License-Identifier: MIT */
/* The frames of the page's protocol: read back with json-c, and literally where digits matter. */
#include "vessel_test.h"

#include "protocol.h"

#include <halyard/error.h>
#include <halyard/memory.h>
#include <json-c/json.h>
#include <stdlib.h>

#define SHIP 211234560

static struct tracker tracker;

static int fresh(void **state)
{
    (void)state;
    tracker_init(&tracker, NULL);
    return 0;
}

static int release(void **state)
{
    (void)state;
    tracker_fini(&tracker);
    return 0;
}

/* Parses a whole frame and frees its text. */
static struct json_object *parsed(struct protocol_text *text)
{
    struct json_tokener *tokener = json_tokener_new();

    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    assert_int_equal(strlen(text->data), text->size);
    struct json_object *root = json_tokener_parse_ex(tokener, text->data, (int)text->size + 1);
    assert_int_equal(json_tokener_get_error(tokener), json_tokener_success);
    assert_non_null(root);
    json_tokener_free(tokener);
    protocol_text_free(text);
    assert_null(text->data);
    return root;
}

static struct json_object *member(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;

    assert_true(json_object_object_get_ex(object, key, &value));
    return value;
}

static int64_t integer(struct json_object *object, const char *key)
{
    assert_int_equal(json_object_get_type(member(object, key)), json_type_int);
    return json_object_get_int64(member(object, key));
}

static const char *text_of(struct json_object *object, const char *key)
{
    assert_int_equal(json_object_get_type(member(object, key)), json_type_string);
    return json_object_get_string(member(object, key));
}

static void assert_contains(const struct protocol_text *text, const char *part)
{
    if (strstr(text->data, part) == NULL) {
        print_error("%s\nis not part of\n%s\n", part, text->data);
        fail();
    }
}

static void test_hello(void **state)
{
    static const char *const fields[] = {
        "mmsi",     "class",       "name",     "callsign", "imo",      "shiptype", "lat",
        "lon",      "coarse",      "sog",      "cog",      "heading",  "status",   "turn",
        "draught",  "destination", "eta",      "to_bow",   "to_stern", "to_port",  "to_starboard",
        "aid_type", "virtual",     "altitude", "stale",    "seen",     "messages",
    };
    struct protocol_hello hello = {.version = "0.1.0",
                                   .time_s = 1700000000,
                                   .seq = 5,
                                   .ships = 7,
                                   .stale_s = 480,
                                   .remove_s = 1800,
                                   .interval_ms = 500};
    struct protocol_text text;

    (void)state;
    assert_int_equal(protocol_hello(&hello, &text), 0);
    struct json_object *root = parsed(&text);
    assert_string_equal(text_of(root, "type"), "hello");
    assert_int_equal(integer(root, "protocol"), 1);
    assert_string_equal(text_of(root, "version"), "0.1.0");
    assert_int_equal(integer(root, "time"), 1700000000);
    assert_int_equal(integer(root, "seq"), 5);
    assert_int_equal(integer(root, "ships"), 7);
    assert_int_equal(integer(root, "stale_s"), 480);
    assert_int_equal(integer(root, "remove_s"), 1800);
    assert_int_equal(integer(root, "interval_ms"), 500);
    struct json_object *names = member(root, "fields");
    assert_int_equal(json_object_array_length(names), sizeof(fields) / sizeof(fields[0]));
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        assert_string_equal(json_object_get_string(json_object_array_get_idx(names, i)), fields[i]);
    }
    json_object_put(root);
}

static void test_values(void **state)
{
    struct protocol_text text;
    struct ais_message message = position_a(SHIP, 54.25, -7.0000016);

    (void)state;
    message.position_a.turn = -21;
    take_at(&tracker, message, 1);
    take_at(&tracker, static_a(SHIP, "\"A\\<B>&/"), 1);
    size_t cursor = 0;
    assert_int_equal(protocol_snapshot(&tracker, 3, &cursor, &text), 0);
    assert_string_equal(
        text.data,
        "{\"type\":\"snapshot\",\"seq\":3,\"ships\":[[211234560,\"A\",\"\\\"A\\\\<B>&/\","
        "\"DABC\",9074729,70,54.250000,-7.000002,false,12.3,234.5,233,0,-19.7,7.6,"
        "\"HAMBURG\",\"03-14 11:05\",100,20,8,9,null,null,null,false,1700000001,2]],"
        "\"more\":false}");
    json_object_put(parsed(&text));

    tracker_fini(&tracker);
    take_at(&tracker, aid(992111234, "BUOY 1"), 1);
    cursor = 0;
    assert_int_equal(protocol_snapshot(&tracker, 0, &cursor, &text), 0);
    assert_contains(&text, "[[992111234,\"aton\",\"BUOY 1\",null,null,null,53.900000,8.500000,"
                           "false,null,null,null,null,null,null,null,null,null,null,null,null,14,"
                           "true,null,false,1700000001,1]]");
    protocol_text_free(&text);
}

static void test_degrees(void **state)
{
    static const struct {
        int32_t raw;
        const char *text;
    } cases[] = {
        {0, "\"lat\":0.000000"},         {1, "\"lat\":0.000002"},
        {-1, "\"lat\":-0.000002"},       {2, "\"lat\":0.000003"},
        {3, "\"lat\":0.000005"},         {-600000, "\"lat\":-1.000000"},
        {54000000, "\"lat\":90.000000"}, {-54000000, "\"lat\":-90.000000"},
        {599999, "\"lat\":0.999998"},    {-32550001, "\"lat\":-54.250002"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ais_message message = position_a(SHIP, 1, 1);
        struct protocol_text text;

        message.position_a.lat = cases[i].raw;
        take_at(&tracker, message, 1);
        assert_int_equal(protocol_delta(&tracker, 1, 0, &text), 0);
        assert_contains(&text, cases[i].text);
        json_object_put(parsed(&text));
    }
}

static void test_snapshot_in_chunks(void **state)
{
    static bool met[1201];
    size_t expected[] = {500, 500, 201};
    size_t cursor = 0;

    (void)state;
    for (uint32_t i = 0; i < 1201; i++) {
        take_at(&tracker, position_b(SHIP + i, 54, 8), 1);
    }
    for (int chunk = 0; chunk < 3; chunk++) {
        struct protocol_text text;

        assert_int_equal(protocol_snapshot(&tracker, 42, &cursor, &text), chunk < 2 ? 1 : 0);
        struct json_object *root = parsed(&text);
        assert_string_equal(text_of(root, "type"), "snapshot");
        assert_int_equal(integer(root, "seq"), 42);
        assert_int_equal(json_object_get_boolean(member(root, "more")), chunk < 2);
        struct json_object *ships = member(root, "ships");
        assert_int_equal(json_object_array_length(ships), expected[chunk]);
        for (size_t i = 0; i < expected[chunk]; i++) {
            struct json_object *row = json_object_array_get_idx(ships, i);

            assert_int_equal(json_object_array_length(row), VESSEL_FIELD_COUNT);
            size_t index = (size_t)json_object_get_int64(json_object_array_get_idx(row, 0)) - SHIP;
            assert_false(met[index]);
            met[index] = true;
        }
        json_object_put(root);
    }
}

static void test_snapshot_limits(void **state)
{
    struct protocol_text text;
    size_t cursor = 0;

    (void)state;
    assert_int_equal(protocol_snapshot(&tracker, 1, &cursor, &text), 0);
    assert_string_equal(text.data, "{\"type\":\"snapshot\",\"seq\":1,\"ships\":[],\"more\":false}");
    protocol_text_free(&text);
    for (uint32_t i = 0; i < PROTOCOL_SNAPSHOT_ROWS; i++) {
        take_at(&tracker, position_b(SHIP + i, 54, 8), 1);
    }
    cursor = 0;
    assert_int_equal(protocol_snapshot(&tracker, 1, &cursor, &text), 0);
    assert_contains(&text, "\"more\":false");
    protocol_text_free(&text);
}

static void test_delta(void **state)
{
    struct protocol_text text;

    (void)state;
    take_at(&tracker, position_a(SHIP, 54, 8), 1);
    take_at(&tracker, position_b(SHIP + 1, 54, 8), 1);
    assert_int_equal(protocol_delta(&tracker, 8, 1700000001, &text), 0);
    struct json_object *root = parsed(&text);
    assert_int_equal(json_object_array_length(member(root, "ships")), 2);
    json_object_put(root);
    tracker_clear_changes(&tracker);

    struct ais_message message = position_a(SHIP, 54, 8.5);
    message.position_a.heading = AIS_HEADING_UNAVAILABLE;
    take_at(&tracker, message, 2);
    assert_int_equal(protocol_delta(&tracker, 9, 1700000002, &text), 0);
    assert_string_equal(text.data, "{\"type\":\"delta\",\"seq\":9,\"time\":1700000002,\"ships\":["
                                   "{\"mmsi\":211234560,\"lon\":8.500000,\"heading\":null,"
                                   "\"seen\":1700000002,\"messages\":2}]}");
    protocol_text_free(&text);

    tracker_clear_changes(&tracker);
    assert_int_equal(protocol_delta(&tracker, 10, 3, &text), 0);
    assert_string_equal(text.data, "{\"type\":\"delta\",\"seq\":10,\"time\":3,\"ships\":[]}");
    protocol_text_free(&text);
}

static void test_gone_and_stat(void **state)
{
    const uint32_t mmsis[] = {SHIP, 2111234};
    struct protocol_stat stat = {.time_s = 1700000000,
                                 .sentences = UINT64_MAX,
                                 .decoded = 2,
                                 .rejected = 3,
                                 .rate = 12.34,
                                 .ships = 5,
                                 .clients = 6,
                                 .sent = 7,
                                 .dropped = 8};
    struct protocol_text text;

    (void)state;
    assert_int_equal(protocol_gone(mmsis, 2, 77, &text), 0);
    assert_string_equal(text.data, "{\"type\":\"gone\",\"seq\":77,\"ships\":[211234560,2111234]}");
    protocol_text_free(&text);
    assert_int_equal(protocol_stat(&stat, &text), 0);
    assert_string_equal(text.data,
                        "{\"type\":\"stat\",\"time\":1700000000,\"sentences\":18446744073709551615,"
                        "\"decoded\":2,\"rejected\":3,\"rate\":12.3,\"ships\":5,\"clients\":6,"
                        "\"sent\":7,\"dropped\":8}");
    protocol_text_free(&text);
}

/* Each row has its own members, in the order of the fields, whatever the row before had. */
static void test_rows_differ(void **state)
{
    struct protocol_text text;

    (void)state;
    for (uint32_t mmsi = SHIP; mmsi < SHIP + 3; mmsi++) {
        take_at(&tracker, position_a(mmsi, 54, 8), 1);
    }
    tracker_clear_changes(&tracker);
    take_at(&tracker, name_b(SHIP, "ANNE"), 1);
    take_at(&tracker, position_a(SHIP + 1, 54, 8), 1);
    take_at(&tracker, position_a(SHIP + 2, 54.5, 8), 2);
    assert_int_equal(protocol_delta(&tracker, 1, 2, &text), 0);
    assert_contains(&text, "\"ships\":[{\"mmsi\":211234560,\"name\":\"ANNE\",\"messages\":2},"
                           "{\"mmsi\":211234561,\"messages\":2},"
                           "{\"mmsi\":211234562,\"lat\":54.500000,\"seen\":1700000002,"
                           "\"messages\":2}]}");
    protocol_text_free(&text);
}

static void test_ships(void **state)
{
    struct protocol_text text;

    (void)state;
    take_at(&tracker, position_a(SHIP, 54, 8), 1);
    take_at(&tracker, aircraft(111211500), 1);
    assert_int_equal(protocol_ships(&tracker, 1700000005, &text), 0);
    struct json_object *root = parsed(&text);
    assert_int_equal(integer(root, "time"), 1700000005);
    struct json_object *ships = member(root, "ships");
    assert_int_equal(json_object_array_length(ships), 2);
    struct json_object *second = json_object_array_get_idx(ships, 1);
    assert_int_equal(json_object_object_length(second), VESSEL_FIELD_COUNT);
    assert_string_equal(text_of(second, "class"), "aircraft");
    assert_int_equal(integer(second, "altitude"), 300);
    assert_float_equal(json_object_get_double(member(second, "sog")), 110.0, 1e-9);
    assert_null(member(second, "name"));
    json_object_put(root);
}

static void test_snapshot_request(void **state)
{
    static const struct {
        const char *text;
        bool is_request;
    } cases[] = {
        {"{\"type\":\"snapshot\"}", true},
        {" { \"type\" : \"snapshot\", \"more\": 1 }", true},
        {"{\"type\":\"snapshots\"}", false},
        {"{\"type\":1}", false},
        {"[\"snapshot\"]", false},
        {"\"snapshot\"", false},
        {"{\"type\":\"snapshot\"", false},
        {"null", false},
        {"", false},
        {"{{{{{{{{{{{{{{{{", false},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[", false},
        {"\xff\xfe{", false},
    };
    static char large[PROTOCOL_REQUEST_MAX + 64];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        /* Without a terminator, so that a sanitizer sees one byte too many. */
        size_t size = strlen(cases[i].text);
        char *copy = test_malloc(size > 0 ? size : 1);

        memcpy(copy, cases[i].text, size);
        assert_int_equal(protocol_is_snapshot_request(copy, size), cases[i].is_request);
        test_free(copy);
    }
    memset(large, ' ', sizeof(large));
    memcpy(large, cases[0].text, strlen(cases[0].text));
    assert_true(protocol_is_snapshot_request(large, PROTOCOL_REQUEST_MAX));
    assert_false(protocol_is_snapshot_request(large, PROTOCOL_REQUEST_MAX + 1));
}

/* --- memory ----------------------------------------------------------------------------------- */

static void *no_allocate(size_t size)
{
    (void)size;
    return NULL;
}

static void *no_resize(void *memory, size_t size)
{
    (void)memory;
    (void)size;
    return NULL;
}

static const struct hy_allocator none = {no_allocate, no_resize, free};

static void test_out_of_memory(void **state)
{
    struct protocol_text text = {0};
    size_t cursor = 0;

    (void)state;
    take_at(&tracker, position_a(SHIP, 54, 8), 1);
    hy_memory_set_allocator(&none);
    assert_int_equal(protocol_delta(&tracker, 1, 1, &text), -HY_ENOMEM);
    assert_int_equal(protocol_snapshot(&tracker, 1, &cursor, &text), -HY_ENOMEM);
    hy_memory_set_allocator(NULL);
    assert_int_equal(cursor, 0);
    assert_null(text.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello),
        cmocka_unit_test_setup_teardown(test_values, fresh, release),
        cmocka_unit_test_setup_teardown(test_degrees, fresh, release),
        cmocka_unit_test_setup_teardown(test_snapshot_in_chunks, fresh, release),
        cmocka_unit_test_setup_teardown(test_snapshot_limits, fresh, release),
        cmocka_unit_test_setup_teardown(test_delta, fresh, release),
        cmocka_unit_test(test_gone_and_stat),
        cmocka_unit_test_setup_teardown(test_rows_differ, fresh, release),
        cmocka_unit_test_setup_teardown(test_ships, fresh, release),
        cmocka_unit_test(test_snapshot_request),
        cmocka_unit_test_setup_teardown(test_out_of_memory, fresh, release),
    };

    return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
