/* SPDX-License-Identifier: MIT */
/* The simulated fleet: its sentences come back through our decoder, ships move like ships, every
 * station reports when it should, and the same seed gives the same fleet. */
#include "vessel_test.h"

#include "fleet.h"

#include <halyard/error.h>
#include <math.h>
#include <stdlib.h>

#define MINUTE_NS (60 * SECOND_NS)
#define START_S   INT64_C(1700000000)

enum {
    SHIPS = 300,
};

static struct fleet *make(size_t ships, uint64_t seed, double rate)
{
    struct fleet_options options = {.ships = ships, .seed = seed, .rate = rate, .start_s = START_S};
    struct fleet *fleet = NULL;

    assert_int_equal(fleet_create(&options, &fleet), 0);
    return fleet;
}

static void test_options(void **state)
{
    static const struct fleet_options bad[] = {
        {.ships = 0},
        {.ships = FLEET_SHIPS_MAX + 1},
        {.ships = 1, .rate = -1},
        {.ships = 1, .rate = 1e9},
        {.ships = 1, .rate = NAN},
    };
    struct fleet *fleet = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(fleet_create(&bad[i], &fleet), -HY_EINVAL);
        assert_null(fleet);
    }
    fleet = make(1, 1, 0);
    assert_int_equal(fleet_station_count(fleet), 1);
    fleet_destroy(fleet);
    fleet_destroy(NULL);
}

/* --- everything that is sent is what the decoder gets ----------------------------------------- */

struct checked {
    struct ais_message sent;
    size_t count;
};

static void check_message(void *context, const struct ais_report *report)
{
    struct checked *checked = context;

    checked->sent.bits = report->message.bits;
    checked->sent.present = report->message.present;
    if (checked->sent.type == 24) { /* derived by the decoder */
        memcpy(checked->sent.static_b.vendorid_old, report->message.static_b.vendorid_old,
               sizeof(checked->sent.static_b.vendorid_old));
    }
    /* Field by field, by the encoder: structs have holes. */
    struct ais_bits sent;
    struct ais_bits got;
    assert_int_equal(ais_encode_payload(&checked->sent, &sent), 0);
    assert_int_equal(ais_encode_payload(&report->message, &got), 0);
    assert_memory_equal(&sent, &got, sizeof(sent));
    checked->count++;
}

static void test_sentences_decode(void **state)
{
    static struct ais_decoder decoder;
    struct fleet *fleet = make(SHIPS, 3, 1);
    struct fleet_report report;
    struct checked checked = {.count = 0};
    size_t messages = 0;

    (void)state;
    ais_decoder_init(&decoder, NULL);
    while (fleet_next(fleet, 10 * MINUTE_NS, &report)) {
        char text[AIS_ENCODED_MAX];
        int size = ais_encode(&report.message, &report.encoding, text, sizeof(text));

        assert_true(size > 0);
        checked.sent = report.message;
        messages++;
        ais_decoder_feed(&decoder, text, (size_t)size, 0, report.due_ns, check_message, &checked);
        assert_int_equal(checked.count, messages);
    }
    assert_true(messages > 5000);
    assert_int_equal(ais_counters_rejected(&decoder.counters), 0);
    static const int types[] = {1, 3, 4, 5, 9, 18, 21, 24};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        assert_true(decoder.counters.decoded_by_type[types[i]] > 0);
    }
    ais_decoder_fini(&decoder);
    fleet_destroy(fleet);
}

/* --- plausible ------------------------------------------------------------------------------- */

static double distance_nm(const struct vessel *a, double lat, double lon)
{
    double from_lat = a->number[VESSEL_LAT] / 600000.0;
    double from_lon = a->number[VESSEL_LON] / 600000.0;

    return hypot((lat - from_lat) * 60, (lon - from_lon) * 60 * cos(lat * 0.0174533));
}

/* Position and speed of the message; false if it has none. */
static bool place_of(const struct ais_message *message, double *lat, double *lon, double *speed)
{
    switch (message->type) {
    case 1:
    case 3:
        *lat = message->position_a.lat / 600000.0;
        *lon = message->position_a.lon / 600000.0;
        *speed = message->position_a.speed / 10.0;
        return true;
    case 18:
        *lat = message->position_b.lat / 600000.0;
        *lon = message->position_b.lon / 600000.0;
        *speed = message->position_b.speed / 10.0;
        return true;
    case 9:
        *lat = message->aircraft.lat / 600000.0;
        *lon = message->aircraft.lon / 600000.0;
        *speed = message->aircraft.speed;
        return true;
    default:
        return false;
    }
}

static void check_move(const struct vessel *before, const struct fleet_report *report)
{
    double lat;
    double lon;
    double speed;

    if (!place_of(&report->message, &lat, &lon, &speed)) {
        return;
    }
    assert_in_range((unsigned)(lat * 10), 486, 600);
    assert_true(lon > -7 && lon < 20);
    assert_true(speed <= (report->message.type == 9 ? 141 : 37));
    if (before == NULL || !vessel_knows(before, VESSEL_LAT)) {
        return;
    }
    double seconds = (double)(report->due_ns - before->placed_ns) / (double)SECOND_NS;
    double old = before->number[VESSEL_SOG] / 10.0;
    double limit = (old > speed ? old : speed) * seconds / 3600;

    /* Half of what a change of speed meanwhile can add, and the rounding. */
    if (seconds < 31) {
        assert_true(distance_nm(before, lat, lon) <= limit + 0.05);
        assert_true(fabs(old - speed) <= 0.3 * seconds + 0.2 || report->message.type == 9 ||
                    speed == 0);
    } else {
        assert_true(distance_nm(before, lat, lon) <= 37.0 * seconds / 3600);
    }
}

static void check_identity(const struct vessel *vessel)
{
    uint32_t mid = vessel->mmsi / 1000000;
    bool is_ship = vessel->number[VESSEL_CLASS] == VESSEL_CLASS_A ||
                   vessel->number[VESSEL_CLASS] == VESSEL_CLASS_B;

    assert_true(vessel_knows(vessel, VESSEL_LAT));
    assert_int_not_equal(vessel->number[VESSEL_CLASS], VESSEL_CLASS_UNKNOWN);
    if (!is_ship) {
        return;
    }
    assert_in_range(mid, 201, 775);
    assert_true(vessel_knows(vessel, VESSEL_NAME));
    assert_true(strlen(vessel->callsign) >= 4);
    assert_in_range(vessel->number[VESSEL_SHIPTYPE], 30, 90);
    int32_t length = vessel->number[VESSEL_TO_BOW] + vessel->number[VESSEL_TO_STERN];
    int32_t beam = vessel->number[VESSEL_TO_PORT] + vessel->number[VESSEL_TO_STARBOARD];
    assert_in_range(length, 7, 331);
    assert_in_range(beam, 2, 60);
    assert_true(length > beam);
    if (vessel_knows(vessel, VESSEL_IMO)) {
        int32_t imo = vessel->number[VESSEL_IMO];
        int32_t sum = 0;
        int32_t rest = imo / 10;

        for (int32_t weight = 2; weight <= 7; weight++, rest /= 10) {
            sum += rest % 10 * weight;
        }
        assert_in_range(imo, 9100000, 9999999);
        assert_int_equal(sum % 10, imo % 10);
    }
}

static void test_plausible(void **state)
{
    struct fleet *fleet = make(SHIPS, 11, 1);
    struct tracker tracker;
    struct fleet_report report;
    struct tracker_counts counts;
    int64_t last_ns = 0;
    size_t moving = 0;

    (void)state;
    tracker_init(&tracker, NULL);
    while (fleet_next(fleet, 40 * MINUTE_NS, &report)) {
        assert_true(report.due_ns >= last_ns);
        last_ns = report.due_ns;
        struct ais_message message = received(report.message);
        check_move(tracker_find(&tracker, message.mmsi), &report);
        assert_int_equal(
            tracker_update(&tracker, &message, report.due_ns, START_S + report.due_ns / SECOND_NS),
            0);
    }
    tracker_get_counts(&tracker, &counts);
    assert_int_equal(counts.vessels, fleet_station_count(fleet));
    assert_int_equal(counts.by_class[VESSEL_CLASS_A] + counts.by_class[VESSEL_CLASS_B], SHIPS);
    assert_true(counts.by_class[VESSEL_CLASS_B] > SHIPS / 8);
    assert_true(counts.by_class[VESSEL_CLASS_ATON] > 0);
    assert_true(counts.by_class[VESSEL_CLASS_BASE] > 0);
    assert_true(counts.by_class[VESSEL_CLASS_AIRCRAFT] > 0);
    size_t cursor = 0;
    const struct vessel *vessel;
    while ((vessel = tracker_next(&tracker, &cursor)) != NULL) {
        check_identity(vessel);
        moving += vessel->number[VESSEL_SOG] > 20;
    }
    assert_in_range(moving, SHIPS / 2, SHIPS);
    tracker_fini(&tracker);
    fleet_destroy(fleet);
}

/* --- schedule -------------------------------------------------------------------------------- */

/* Reports of positions in ten minutes, by the interval that speed and class ask for. */
static void test_intervals(void **state)
{
    struct fleet *fleet = make(SHIPS, 5, 1);
    struct tracker tracker;
    struct fleet_report report;

    (void)state;
    tracker_init(&tracker, NULL);
    while (fleet_next(fleet, 20 * MINUTE_NS, &report)) {
        struct ais_message message = received(report.message);
        const struct vessel *vessel = tracker_find(&tracker, message.mmsi);

        if (vessel != NULL && vessel_knows(vessel, VESSEL_LAT) && message.type != 5 &&
            message.type != 24) {
            double seconds = (double)(report.due_ns - vessel->placed_ns) / (double)SECOND_NS;
            double knots = vessel->number[VESSEL_SOG] / 10.0;
            int32_t status = vessel->number[VESSEL_STATUS];

            if (message.type == 21) {
                assert_float_equal(seconds, 180, 0.001);
            } else if (message.type == 4 || message.type == 9) {
                assert_float_equal(seconds, 10, 0.001);
            } else if (message.type == 18) {
                assert_true(fabs(seconds - 30) < 0.001 || (knots < 2.1 && seconds > 179));
            } else if (status == 1 || status == 5) {
                assert_float_equal(seconds, 180, 0.001);
            } else if (knots > 23.1) {
                assert_float_equal(seconds, 2, 0.001);
            } else if (knots > 14.1) {
                assert_true(fabs(seconds - 6) < 0.001 || fabs(seconds - 2) < 0.001);
            } else if (knots < 13.9) {
                assert_true(fabs(seconds - 10) < 0.001 || fabs(seconds - 10.0 / 3) < 0.001);
            }
        }
        assert_int_equal(tracker_update(&tracker, &message, report.due_ns, 1), 0);
    }
    tracker_fini(&tracker);
    fleet_destroy(fleet);
}

static size_t count_messages(double rate)
{
    struct fleet *fleet = make(SHIPS, 5, rate);
    struct fleet_report report;
    size_t count = 0;

    while (fleet_next(fleet, 5 * MINUTE_NS, &report)) {
        count++;
    }
    fleet_destroy(fleet);
    return count;
}

static void test_rate(void **state)
{
    double plain = (double)count_messages(1);

    (void)state;
    assert_float_equal(((double)count_messages(10) / plain), 10.0, 0.5);
    assert_float_equal(((double)count_messages(0.5) / plain), 0.5, 0.1);
}

static uint64_t digest(uint64_t seed)
{
    struct fleet *fleet = make(100, seed, 1);
    struct fleet_report report;
    uint64_t hash = 14695981039346656037u;

    while (fleet_next(fleet, 30 * MINUTE_NS, &report)) {
        char text[AIS_ENCODED_MAX];

        assert_true(ais_encode(&report.message, &report.encoding, text, sizeof(text)) > 0);
        for (const char *c = text; *c != '\0'; c++) {
            hash = (hash ^ (unsigned char)*c) * 1099511628211u;
        }
        hash = (hash ^ (uint64_t)report.due_ns) * 1099511628211u;
    }
    fleet_destroy(fleet);
    return hash;
}

static void test_seed(void **state)
{
    (void)state;
    assert_true(digest(1) == digest(1));
    assert_true(digest(1) != digest(2));
}

static void test_mmsis_are_unique(void **state)
{
    struct fleet *fleet = make(20000, 9, 1);
    struct fleet_report report;
    struct tracker tracker;

    (void)state;
    tracker_init(&tracker, NULL);
    while (fleet_next(fleet, 10 * SECOND_NS, &report)) {
        assert_int_equal(tracker_update(&tracker, &report.message, report.due_ns, 1), 0);
    }
    assert_int_equal(tracker_count(&tracker), fleet_station_count(fleet));
    tracker_fini(&tracker);
    fleet_destroy(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_sentences_decode),
        cmocka_unit_test(test_plausible),
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_seed),
        cmocka_unit_test(test_mmsis_are_unique),
    };

    return cmocka_run_group_tests_name("fleet", tests, NULL, NULL);
}
