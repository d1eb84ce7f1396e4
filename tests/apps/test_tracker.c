/* SPDX-License-Identifier: MIT */
/* The tracker: merging, classes, coarse positions, ageing, what it reports as changed, memory. */
#include "vessel_test.h"

#include <halyard/error.h>
#include <halyard/memory.h>
#include <stdlib.h>

#define BIT(n) (UINT32_C(1) << (n))
#define SHIP   211234560

/* What every message changes. */
#define ALWAYS (BIT(VESSEL_MESSAGES))

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

static const struct vessel *ship(uint32_t mmsi)
{
    const struct vessel *vessel = tracker_find(&tracker, mmsi);

    assert_non_null(vessel);
    return vessel;
}

static enum vessel_class class_of(uint32_t mmsi)
{
    return (enum vessel_class)ship(mmsi)->number[VESSEL_CLASS];
}

static void test_empty(void **state)
{
    size_t cursor = 0;
    size_t removed;

    (void)state;
    assert_null(tracker_find(&tracker, SHIP));
    assert_null(tracker_next(&tracker, &cursor));
    assert_int_equal(tracker_count(&tracker), 0);
    assert_int_equal(tracker_expire(&tracker, SECOND_NS), 0);
    (void)tracker_removed(&tracker, &removed);
    assert_int_equal(removed, 0);
    tracker_clear_changes(&tracker);
}

static void test_static_and_dynamic(void **state)
{
    (void)state;
    take_at(&tracker, static_a(SHIP, "ANNE"), 1);
    assert_false(vessel_knows(ship(SHIP), VESSEL_LAT));
    take_at(&tracker, position_a(SHIP, 54.25, -7.5), 2);

    const struct vessel *vessel = ship(SHIP);
    assert_int_equal(tracker_count(&tracker), 1);
    assert_string_equal(vessel->name, "ANNE");
    assert_string_equal(vessel->callsign, "DABC");
    assert_string_equal(vessel->destination, "HAMBURG");
    assert_int_equal(vessel->number[VESSEL_IMO], 9074729);
    assert_int_equal(vessel->number[VESSEL_SHIPTYPE], 70);
    assert_int_equal(vessel->number[VESSEL_ETA], 3141105);
    assert_int_equal(vessel->number[VESSEL_DRAUGHT], 76);
    assert_int_equal(vessel->number[VESSEL_TO_BOW], 100);
    assert_int_equal(vessel->number[VESSEL_TO_STARBOARD], 9);
    assert_int_equal(vessel->number[VESSEL_LAT], 32550000);
    assert_int_equal(vessel->number[VESSEL_LON], -4500000);
    assert_int_equal(vessel->number[VESSEL_SOG], 123);
    assert_int_equal(vessel->number[VESSEL_COG], 2345);
    assert_int_equal(vessel->number[VESSEL_HEADING], 233);
    assert_true(vessel_knows(vessel, VESSEL_STATUS));
    assert_false(vessel_knows(vessel, VESSEL_TURN));
    assert_false(vessel_knows(vessel, VESSEL_ALTITUDE));
    assert_int_equal(vessel->number[VESSEL_COARSE], 0);
    assert_int_equal(vessel->messages, 2);
    assert_int_equal(vessel->seen_s, 1700000002);
}

static void test_24_in_both_orders(void **state)
{
    (void)state;
    take_at(&tracker, name_b(SHIP, "SWAN"), 1);
    take_at(&tracker, static_b(SHIP), 2);
    take_at(&tracker, static_b(SHIP + 1), 1);
    take_at(&tracker, name_b(SHIP + 1, "SWAN"), 2000);

    for (uint32_t mmsi = SHIP; mmsi <= SHIP + 1; mmsi++) {
        const struct vessel *vessel = ship(mmsi);

        assert_string_equal(vessel->name, "SWAN");
        assert_string_equal(vessel->callsign, "DK1234");
        assert_int_equal(vessel->number[VESSEL_SHIPTYPE], 36);
        assert_int_equal(vessel->number[VESSEL_TO_STERN], 6);
        assert_int_equal(class_of(mmsi), VESSEL_CLASS_UNKNOWN);
    }
    take_at(&tracker, name_b(SHIP + 2, "HALF"), 1);
    assert_false(vessel_knows(ship(SHIP + 2), VESSEL_CALLSIGN));
    assert_false(vessel_knows(ship(SHIP + 2), VESSEL_TO_BOW));
    assert_false(vessel_knows(ship(SHIP + 2), VESSEL_SHIPTYPE));
}

static void test_extended_b(void **state)
{
    struct ais_message message = {
        .type = 19,
        .mmsi = SHIP,
        .extended_b = {.speed = 42,
                       .lat = raw_degrees(55),
                       .lon = raw_degrees(12),
                       .course = AIS_COURSE_UNAVAILABLE,
                       .heading = 180,
                       .shipname = "TERN",
                       .shiptype = 37,
                       .to_bow = 4,
                       .to_stern = 5},
    };

    (void)state;
    take_at(&tracker, received(message), 1);
    const struct vessel *vessel = ship(SHIP);
    assert_string_equal(vessel->name, "TERN");
    assert_int_equal(vessel->number[VESSEL_SHIPTYPE], 37);
    assert_int_equal(vessel->number[VESSEL_SOG], 42);
    assert_int_equal(vessel->number[VESSEL_HEADING], 180);
    assert_false(vessel_knows(vessel, VESSEL_COG));
    assert_int_equal(vessel->number[VESSEL_TO_STERN], 5);
    assert_int_equal(class_of(SHIP), VESSEL_CLASS_B);
}

static void test_class_from_mmsi(void **state)
{
    static const struct {
        uint32_t mmsi;
        enum vessel_class class;
    } cases[] = {
        {2111234, VESSEL_CLASS_BASE},
        {111211500, VESSEL_CLASS_AIRCRAFT},
        {821112345, VESSEL_CLASS_B},
        {982111234, VESSEL_CLASS_B},
        {992111234, VESSEL_CLASS_ATON},
        {992116234, VESSEL_CLASS_ATON},
        {970211234, VESSEL_CLASS_DISTRESS},
        {972211234, VESSEL_CLASS_DISTRESS},
        {974211234, VESSEL_CLASS_DISTRESS},
        {979211234, VESSEL_CLASS_ATON},
        {211000000, VESSEL_CLASS_A},
        {36612345, VESSEL_CLASS_A},
        {123456789, VESSEL_CLASS_A},
        {1, VESSEL_CLASS_A},
        {0, VESSEL_CLASS_A},
        {1073741823, VESSEL_CLASS_A},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        take_at(&tracker, position_a(cases[i].mmsi, 54, 8), 1);
        assert_int_equal(class_of(cases[i].mmsi), cases[i].class);
    }
}

static void test_class_from_types(void **state)
{
    (void)state;
    take_at(&tracker, long_range(SHIP, 54, 8), 1);
    take_at(&tracker, name_b(SHIP, "X"), 1);
    assert_int_equal(class_of(SHIP), VESSEL_CLASS_UNKNOWN);
    take_at(&tracker, position_b(SHIP, 54, 8), 2);
    assert_int_equal(class_of(SHIP), VESSEL_CLASS_B);
    /* Class A ships send type 24 too. */
    take_at(&tracker, static_a(SHIP + 1, "X"), 1);
    take_at(&tracker, name_b(SHIP + 1, "X"), 2);
    assert_int_equal(class_of(SHIP + 1), VESSEL_CLASS_A);

    take_at(&tracker, base_station(SHIP + 2), 1);
    assert_int_equal(class_of(SHIP + 2), VESSEL_CLASS_BASE);
    take_at(&tracker, aircraft(SHIP + 3), 1);
    assert_int_equal(class_of(SHIP + 3), VESSEL_CLASS_AIRCRAFT);
    take_at(&tracker, aid(SHIP + 4, "BUOY"), 1);
    assert_int_equal(class_of(SHIP + 4), VESSEL_CLASS_ATON);
    /* The form of the MMSI wins. */
    take_at(&tracker, position_a(992111111, 54, 8), 1);
    assert_int_equal(class_of(992111111), VESSEL_CLASS_ATON);
}

static void test_aid_and_aircraft(void **state)
{
    (void)state;
    take_at(&tracker, aid(992111234, "ELBE APPROACH LIGHT BUOY NO 12"), 1);
    const struct vessel *vessel = ship(992111234);
    assert_string_equal(vessel->name, "ELBE APPROACH LIGHT BUOY NO 12");
    assert_int_equal(vessel->number[VESSEL_AID_TYPE], 14);
    assert_int_equal(vessel->number[VESSEL_VIRTUAL], 1);

    take_at(&tracker, aircraft(111211500), 1);
    vessel = ship(111211500);
    assert_int_equal(vessel->number[VESSEL_ALTITUDE], 300);
    assert_int_equal(vessel->number[VESSEL_SOG], 1100);
    assert_int_equal(vessel->number[VESSEL_COG], 3599);
}

static void test_not_available(void **state)
{
    struct ais_message silent = {
        .type = 1,
        .mmsi = SHIP,
        .position_a = {.status = 15,
                       .turn = AIS_TURN_UNAVAILABLE,
                       .speed = AIS_SPEED_UNAVAILABLE,
                       .lat = AIS_LAT_UNAVAILABLE,
                       .lon = AIS_LON_UNAVAILABLE,
                       .course = AIS_COURSE_UNAVAILABLE,
                       .heading = AIS_HEADING_UNAVAILABLE},
    };
    struct ais_message blank = {.type = 5, .mmsi = SHIP, .static_a = {.hour = 24, .minute = 60}};

    (void)state;
    take_at(&tracker, position_a(SHIP, 54, 8), 1);
    take_at(&tracker, static_a(SHIP, "ANNE"), 1);
    take_at(&tracker, received(silent), 2);
    take_at(&tracker, received(blank), 2);

    const struct vessel *vessel = ship(SHIP);
    assert_false(vessel_knows(vessel, VESSEL_SOG));
    assert_false(vessel_knows(vessel, VESSEL_COG));
    assert_false(vessel_knows(vessel, VESSEL_HEADING));
    assert_false(vessel_knows(vessel, VESSEL_DRAUGHT));
    assert_false(vessel_knows(vessel, VESSEL_DESTINATION));
    assert_false(vessel_knows(vessel, VESSEL_ETA));
    assert_int_equal(vessel->number[VESSEL_SOG], 0);
    /* Position and identity stay. */
    assert_int_equal(vessel->number[VESSEL_LAT], 54 * 600000);
    assert_string_equal(vessel->name, "ANNE");
    assert_int_equal(vessel->number[VESSEL_IMO], 9074729);
    assert_int_equal(vessel->number[VESSEL_SHIPTYPE], 70);
    assert_int_equal(vessel->number[VESSEL_TO_BOW], 100);
}

static void test_out_of_range(void **state)
{
    struct ais_message message = position_a(SHIP, 54, 8);

    (void)state;
    message.position_a.lat = 90 * 600000 + 1;
    take_at(&tracker, message, 1);
    message.position_a.lat = 0;
    message.position_a.lon = -180 * 600000 - 1;
    message.position_a.course = 3700;
    message.position_a.heading = 360;
    take_at(&tracker, message, 1);
    assert_false(vessel_knows(ship(SHIP), VESSEL_LAT));
    assert_false(vessel_knows(ship(SHIP), VESSEL_LON));
    assert_false(vessel_knows(ship(SHIP), VESSEL_COARSE));
    assert_false(vessel_knows(ship(SHIP), VESSEL_COG));
    assert_false(vessel_knows(ship(SHIP), VESSEL_HEADING));

    message = static_a(SHIP, "X");
    message.static_a.shiptype = 255;
    take_at(&tracker, message, 1);
    assert_int_equal(ship(SHIP)->number[VESSEL_SHIPTYPE], 0);
}

static void test_coarse(void **state)
{
    (void)state;
    take_at(&tracker, long_range(SHIP, 54, 8), 1);
    assert_int_equal(ship(SHIP)->number[VESSEL_COARSE], 1);
    assert_int_equal(ship(SHIP)->number[VESSEL_LAT], 54 * 600000);
    assert_int_equal(ship(SHIP)->number[VESSEL_SOG], 70);
    assert_int_equal(ship(SHIP)->number[VESSEL_COG], 900);
    take_at(&tracker, long_range(SHIP, 54.5, 8), 2);
    assert_int_equal(ship(SHIP)->number[VESSEL_LAT], 32700000);

    take_at(&tracker, position_a(SHIP, 54.123, 8), 10);
    assert_int_equal(ship(SHIP)->number[VESSEL_COARSE], 0);
    /* A fresh position stands, with all that came with it; the message is a sign of life. */
    take_at(&tracker, long_range(SHIP, 55, 9), 11);
    assert_int_equal(ship(SHIP)->number[VESSEL_LAT], raw_degrees(54.123));
    assert_int_equal(ship(SHIP)->number[VESSEL_COARSE], 0);
    assert_int_equal(ship(SHIP)->number[VESSEL_SOG], 123);
    assert_int_equal(ship(SHIP)->number[VESSEL_STATUS], 0);
    assert_int_equal(ship(SHIP)->messages, 4);
    assert_int_equal(ship(SHIP)->seen_s, 1700000011);

    take_at(&tracker, long_range(SHIP, 55, 9), 10 + TRACKER_STALE_NS / SECOND_NS - 1);
    assert_int_equal(ship(SHIP)->number[VESSEL_COARSE], 0);
    take_at(&tracker, long_range(SHIP, 55, 9), 10 + TRACKER_STALE_NS / SECOND_NS);
    assert_int_equal(ship(SHIP)->number[VESSEL_COARSE], 1);
    assert_int_equal(ship(SHIP)->number[VESSEL_LAT], 55 * 600000);
}

static void test_stale_and_removed(void **state)
{
    struct tracker_options options = {.stale_ns = 10 * SECOND_NS, .remove_ns = 30 * SECOND_NS};
    size_t count;

    (void)state;
    tracker_init(&tracker, &options);
    take_at(&tracker, position_a(SHIP, 54, 8), 100);
    take_at(&tracker, position_a(SHIP + 1, 54, 8), 100);
    /* Any message is a sign of life. */
    take_at(&tracker, name_b(SHIP + 1, "X"), 105);
    tracker_clear_changes(&tracker);

    assert_int_equal(tracker_expire(&tracker, 109 * SECOND_NS), 0);
    assert_int_equal(tracker_changed_count(&tracker), 0);
    assert_int_equal(tracker_expire(&tracker, 110 * SECOND_NS), 0);
    assert_int_equal(tracker_changed_count(&tracker), 1);
    assert_int_equal(tracker_changed(&tracker, 0)->mmsi, SHIP);
    assert_int_equal(tracker_changed(&tracker, 0)->changed, BIT(VESSEL_STALE));
    assert_int_equal(ship(SHIP)->number[VESSEL_STALE], 1);
    tracker_clear_changes(&tracker);
    (void)tracker_expire(&tracker, 111 * SECOND_NS);
    assert_int_equal(tracker_changed_count(&tracker), 0);

    take_at(&tracker, position_a(SHIP, 54, 8), 112);
    assert_int_equal(ship(SHIP)->number[VESSEL_STALE], 0);
    assert_true((ship(SHIP)->changed & BIT(VESSEL_STALE)) != 0);

    assert_int_equal(tracker_expire(&tracker, 135 * SECOND_NS), 1);
    assert_null(tracker_find(&tracker, SHIP + 1));
    assert_int_equal(tracker_removed(&tracker, &count)[0], SHIP + 1);
    assert_int_equal(count, 1);
    assert_int_equal(tracker_count(&tracker), 1);
    tracker_clear_changes(&tracker);
    (void)tracker_removed(&tracker, &count);
    assert_int_equal(count, 0);

    /* Heard again: all of it is news, and nothing is remembered. */
    take_at(&tracker, position_a(SHIP + 1, 54, 8), 136);
    assert_false(vessel_knows(ship(SHIP + 1), VESSEL_NAME));
    assert_int_equal(ship(SHIP + 1)->messages, 1);
    assert_int_equal(ship(SHIP + 1)->changed, ship(SHIP + 1)->known);
}

static void test_changes(void **state)
{
    (void)state;
    take_at(&tracker, position_a(SHIP, 54, 8), 1);
    take_at(&tracker, position_a(SHIP, 54, 8), 1);
    take_at(&tracker, position_a(SHIP + 1, 54, 8), 1);
    assert_int_equal(tracker_changed_count(&tracker), 2);
    assert_int_equal(ship(SHIP)->changed, ship(SHIP)->known);
    assert_true((ship(SHIP)->changed & BIT(VESSEL_MMSI)) != 0);
    tracker_clear_changes(&tracker);
    assert_int_equal(tracker_changed_count(&tracker), 0);

    take_at(&tracker, position_a(SHIP, 54, 8), 1);
    assert_int_equal(ship(SHIP)->changed, ALWAYS);
    take_at(&tracker, position_a(SHIP, 54.001, 8), 2);
    assert_int_equal(ship(SHIP)->changed, ALWAYS | BIT(VESSEL_LAT) | BIT(VESSEL_SEEN));
    take_at(&tracker, name_b(SHIP, "ANNE"), 2);
    assert_int_equal(ship(SHIP)->changed,
                     ALWAYS | BIT(VESSEL_LAT) | BIT(VESSEL_SEEN) | BIT(VESSEL_NAME));
    assert_int_equal(tracker_changed_count(&tracker), 1);
    assert_int_equal(ship(SHIP + 1)->changed, 0);
    tracker_clear_changes(&tracker);

    /* From known to unknown is a change too. */
    struct ais_message message = position_a(SHIP, 54.001, 8);
    message.position_a.heading = AIS_HEADING_UNAVAILABLE;
    take_at(&tracker, message, 2);
    assert_int_equal(ship(SHIP)->changed, ALWAYS | BIT(VESSEL_HEADING));
    assert_false(vessel_knows(ship(SHIP), VESSEL_HEADING));
}

/* A removed vessel is no change any more, and the others keep their places in the list. */
static void test_removal_leaves_the_list_of_changes(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 5; i++) {
        take_at(&tracker, position_a(SHIP + i, 54, 8), i == 1 ? 0 : 1000);
    }
    assert_int_equal(tracker_expire(&tracker, TRACKER_REMOVE_NS), 1);
    assert_int_equal(tracker_changed_count(&tracker), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_not_equal(tracker_changed(&tracker, i)->mmsi, SHIP + 1);
        assert_int_not_equal(tracker_changed(&tracker, i)->changed, 0);
    }
    assert_int_equal(tracker_expire(&tracker, 1000 * SECOND_NS + TRACKER_REMOVE_NS), 4);
    assert_int_equal(tracker_changed_count(&tracker), 0);
    assert_int_equal(tracker_count(&tracker), 0);
}

/* By the time they were heard, not by the order they came in; a clock that runs backwards between
 * two vessels costs time only. */
static void test_the_longest_silent_go_first(void **state)
{
    static const int64_t heard_s[] = {100, 104, 102, 100, 108, 101};
    static const uint32_t order[] = {5, 2, 0, 4}; /* 1 and 3 are heard again */
    struct tracker_options options = {.stale_ns = 10 * SECOND_NS, .remove_ns = 30 * SECOND_NS};
    size_t count;

    (void)state;
    tracker_init(&tracker, &options);
    for (uint32_t i = 0; i < 6; i++) {
        take_at(&tracker, position_a(SHIP + i, 54, 8), heard_s[i]);
    }
    assert_int_equal(tracker_expire(&tracker, 112 * SECOND_NS), 0); /* 0, 2, 3 and 5 are stale */
    assert_int_equal(ship(SHIP + 1)->number[VESSEL_STALE], 0);
    assert_int_equal(ship(SHIP + 2)->number[VESSEL_STALE], 1);
    assert_int_equal(ship(SHIP + 5)->number[VESSEL_STALE], 1);
    take_at(&tracker, position_a(SHIP + 3, 54, 8), 113);
    take_at(&tracker, position_a(SHIP, 54, 8), 103);
    take_at(&tracker, position_a(SHIP + 1, 54, 8), 139);
    assert_int_equal(ship(SHIP)->number[VESSEL_STALE], 0);

    assert_int_equal(tracker_expire(&tracker, 130 * SECOND_NS), 0);
    assert_int_equal(tracker_expire(&tracker, 142 * SECOND_NS), 4);
    const uint32_t *removed = tracker_removed(&tracker, &count);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(removed[i], SHIP + order[i]);
    }
    assert_int_equal(ship(SHIP + 1)->number[VESSEL_STALE], 0);
    assert_int_equal(ship(SHIP + 3)->number[VESSEL_STALE], 1);
    assert_int_equal(tracker_expire(&tracker, 143 * SECOND_NS), 1);
    assert_int_equal(tracker_expire(&tracker, 169 * SECOND_NS), 1);
    assert_int_equal(tracker_count(&tracker), 0);
}

/* Against an array with an entry for each MMSI: growth, probing, removal, iteration. */
static void test_model(void **state)
{
    enum {
        MMSIS = 3000,
        STEPS = 60000
    };
    static int64_t heard_s[MMSIS]; /* 0: not there */
    struct tracker_options options = {.stale_ns = 2 * SECOND_NS, .remove_ns = 6 * SECOND_NS};
    uint64_t seed = 7;
    size_t present = 0;

    (void)state;
    tracker_init(&tracker, &options);
    struct ais_message message = position_a(0, 54, 8);
    for (int step = 1; step <= STEPS; step++) {
        int64_t now_s = 10 + step / 300;
        /* Bunches of neighbours, so that runs of taken places come about. */
        uint32_t index = (random_below(&seed, 30) * 97 + random_below(&seed, 40)) % MMSIS;

        message.mmsi = 211000000 + index;
        take_at(&tracker, message, now_s);
        present += heard_s[index] == 0;
        heard_s[index] = now_s;
        if (step % 500 == 0) {
            int removed = 0;

            for (uint32_t i = 0; i < MMSIS; i++) {
                if (heard_s[i] != 0 && now_s - heard_s[i] >= 6) {
                    heard_s[i] = 0;
                    removed++;
                }
            }
            present -= (size_t)removed;
            assert_int_equal(tracker_expire(&tracker, now_s * SECOND_NS), removed);
            for (uint32_t i = 0; i < MMSIS; i++) {
                const struct vessel *vessel = tracker_find(&tracker, 211000000 + i);

                assert_int_equal(vessel != NULL, heard_s[i] != 0);
                if (vessel != NULL) {
                    assert_int_equal(vessel->number[VESSEL_STALE], now_s - heard_s[i] >= 2);
                }
            }
        }
        assert_int_equal(tracker_count(&tracker), present);
        if (step % 1300 == 0) {
            tracker_clear_changes(&tracker);
        }
    }
    size_t cursor = 0;
    size_t met = 0;
    const struct vessel *vessel;
    while ((vessel = tracker_next(&tracker, &cursor)) != NULL) {
        assert_ptr_equal(vessel, tracker_find(&tracker, vessel->mmsi));
        met++;
    }
    assert_int_equal(met, present);
    assert_true(present > 200);
}

static void test_counts(void **state)
{
    struct tracker_counts counts;

    (void)state;
    take_at(&tracker, position_a(SHIP, 54, 8), 1);
    take_at(&tracker, static_a(SHIP, "ANNE"), 1);
    take_at(&tracker, position_b(SHIP + 1, 54, 8), 1000);
    take_at(&tracker, static_b(SHIP + 2), 1000);
    take_at(&tracker, base_station(2111234), 1000);
    (void)tracker_expire(&tracker, 1000 * SECOND_NS);
    tracker_get_counts(&tracker, &counts);
    assert_int_equal(counts.vessels, 4);
    assert_int_equal(counts.messages, 5);
    assert_int_equal(counts.placed, 3);
    assert_int_equal(counts.named, 1);
    assert_int_equal(counts.stale, 1);
    assert_int_equal(counts.by_class[VESSEL_CLASS_A], 1);
    assert_int_equal(counts.by_class[VESSEL_CLASS_B], 1);
    assert_int_equal(counts.by_class[VESSEL_CLASS_BASE], 1);
    assert_int_equal(counts.by_class[VESSEL_CLASS_UNKNOWN], 1);
}

static void test_turn(void **state)
{
    (void)state;
    assert_float_equal(vessel_turn(0), 0.0, 1e-9);
    assert_float_equal(vessel_turn(126), 708.7, 0.1);
    assert_float_equal(vessel_turn(-21), -19.69, 0.01);
    assert_float_equal(vessel_turn(127), 10.0, 1e-9);
    assert_float_equal(vessel_turn(-127), -10.0, 1e-9);
}

/* --- memory ----------------------------------------------------------------------------------- */

static int allocations_left;

static bool may_allocate(void)
{
    return allocations_left > 0 && allocations_left-- > 0;
}

static void *scarce_allocate(size_t size)
{
    return may_allocate() ? malloc(size) : NULL;
}

static void *scarce_resize(void *memory, size_t size)
{
    return may_allocate() ? realloc(memory, size) : NULL;
}

static const struct hy_allocator scarce = {scarce_allocate, scarce_resize, free};

/* Each allocation fails in turn: the message is refused, all else is as before, the next try
 * works. */
static void test_out_of_memory(void **state)
{
    enum {
        SHIPS = 200
    };
    int failures = 0;

    (void)state;
    hy_memory_set_allocator(&scarce);
    for (uint32_t i = 0; i < SHIPS; i++) {
        struct ais_message message = position_a(SHIP + i, 54, 8);
        int rc = -HY_ENOMEM;

        for (int limit = 0; rc < 0; limit++) {
            allocations_left = limit;
            rc = tracker_update(&tracker, &message, SECOND_NS, 1);
            failures += rc < 0;
            assert_int_equal(tracker_count(&tracker), rc < 0 ? i : i + 1);
        }
        assert_non_null(tracker_find(&tracker, SHIP));
    }
    assert_true(failures > 3);

    int removed = 0;
    allocations_left = 0;
    assert_int_equal(tracker_expire(&tracker, 2 * TRACKER_REMOVE_NS), -HY_ENOMEM);
    assert_int_equal(tracker_count(&tracker), SHIPS);
    allocations_left = 1;
    assert_int_equal(tracker_expire(&tracker, 2 * TRACKER_REMOVE_NS), -HY_ENOMEM);
    assert_true(tracker_count(&tracker) < SHIPS);
    allocations_left = 100;
    removed = tracker_expire(&tracker, 2 * TRACKER_REMOVE_NS);
    assert_true(removed > 0);
    assert_int_equal(tracker_count(&tracker), 0);
    size_t count;
    (void)tracker_removed(&tracker, &count);
    assert_int_equal(count, SHIPS);
    tracker_fini(&tracker);
    hy_memory_set_allocator(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty, fresh, release),
        cmocka_unit_test_setup_teardown(test_static_and_dynamic, fresh, release),
        cmocka_unit_test_setup_teardown(test_24_in_both_orders, fresh, release),
        cmocka_unit_test_setup_teardown(test_extended_b, fresh, release),
        cmocka_unit_test_setup_teardown(test_class_from_mmsi, fresh, release),
        cmocka_unit_test_setup_teardown(test_class_from_types, fresh, release),
        cmocka_unit_test_setup_teardown(test_aid_and_aircraft, fresh, release),
        cmocka_unit_test_setup_teardown(test_not_available, fresh, release),
        cmocka_unit_test_setup_teardown(test_out_of_range, fresh, release),
        cmocka_unit_test_setup_teardown(test_coarse, fresh, release),
        cmocka_unit_test_setup_teardown(test_stale_and_removed, fresh, release),
        cmocka_unit_test_setup_teardown(test_changes, fresh, release),
        cmocka_unit_test_setup_teardown(test_removal_leaves_the_list_of_changes, fresh, release),
        cmocka_unit_test_setup_teardown(test_the_longest_silent_go_first, fresh, release),
        cmocka_unit_test_setup_teardown(test_model, fresh, release),
        cmocka_unit_test_setup_teardown(test_counts, fresh, release),
        cmocka_unit_test(test_turn),
        cmocka_unit_test_setup_teardown(test_out_of_memory, fresh, release),
    };

    return cmocka_run_group_tests_name("tracker", tests, NULL, NULL);
}
