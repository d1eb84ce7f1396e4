/* SPDX-License-Identifier: MIT */
/* What the tests of tracker, protocol and fleet share: messages as they come out of the decoder. */
#ifndef HALYARD_TESTS_VESSEL_TEST_H
#define HALYARD_TESTS_VESSEL_TEST_H

#include "ais_test.h"

#include "ais/decode.h"
#include "ais/encode.h"
#include "tracker.h"

#define SECOND_NS INT64_C(1000000000)

/* The message as a receiver gets it: through encoder and decoder, so that `present` is right. */
static inline struct ais_message received(struct ais_message sent)
{
    struct ais_bits bits;
    struct ais_message message;

    assert_int_equal(ais_encode_payload(&sent, &bits), 0);
    assert_int_equal(ais_decode(&bits, &message), AIS_REJECT_NONE);
    return message;
}

/* Degrees to the unit of AIS. */
static inline int32_t raw_degrees(double degrees)
{
    return (int32_t)(degrees * 600000 + (degrees < 0 ? -0.5 : 0.5));
}

/* A type 1 of a ship under way at 12.3 kn. */
static inline struct ais_message position_a(uint32_t mmsi, double lat, double lon)
{
    return received((struct ais_message){
        .type = 1,
        .mmsi = mmsi,
        .position_a = {.status = 0,
                       .turn = AIS_TURN_UNAVAILABLE,
                       .speed = 123,
                       .lat = raw_degrees(lat),
                       .lon = raw_degrees(lon),
                       .course = 2345,
                       .heading = 233,
                       .second = 10},
    });
}

static inline struct ais_message position_b(uint32_t mmsi, double lat, double lon)
{
    return received((struct ais_message){
        .type = 18,
        .mmsi = mmsi,
        .position_b = {.speed = 51,
                       .lat = raw_degrees(lat),
                       .lon = raw_degrees(lon),
                       .course = 900,
                       .heading = AIS_HEADING_UNAVAILABLE},
    });
}

static inline struct ais_message long_range(uint32_t mmsi, double lat, double lon)
{
    return received((struct ais_message){
        .type = 27,
        .mmsi = mmsi,
        .long_range = {.status = 5,
                       .lat = (int32_t)(lat * 600),
                       .lon = (int32_t)(lon * 600),
                       .speed = 7,
                       .course = 90},
    });
}

static inline struct ais_message static_a(uint32_t mmsi, const char *name)
{
    struct ais_message message = {
        .type = 5,
        .mmsi = mmsi,
        .static_a = {.imo = 9074729,
                     .callsign = "DABC",
                     .shiptype = 70,
                     .to_bow = 100,
                     .to_stern = 20,
                     .to_port = 8,
                     .to_starboard = 9,
                     .month = 3,
                     .day = 14,
                     .hour = 11,
                     .minute = 5,
                     .draught = 76,
                     .destination = "HAMBURG"},
    };

    (void)snprintf(message.static_a.shipname, sizeof(message.static_a.shipname), "%s", name);
    return received(message);
}

static inline struct ais_message name_b(uint32_t mmsi, const char *name)
{
    struct ais_message message = {.type = 24, .mmsi = mmsi, .static_b = {.part = 0}};

    (void)snprintf(message.static_b.shipname, sizeof(message.static_b.shipname), "%s", name);
    return received(message);
}

static inline struct ais_message static_b(uint32_t mmsi)
{
    return received((struct ais_message){
        .type = 24,
        .mmsi = mmsi,
        .static_b = {.part = 1,
                     .shiptype = 36,
                     .callsign = "DK1234",
                     .to_bow = 5,
                     .to_stern = 6,
                     .to_port = 1,
                     .to_starboard = 2},
    });
}

static inline struct ais_message base_station(uint32_t mmsi)
{
    return received((struct ais_message){
        .type = 4,
        .mmsi = mmsi,
        .base_station = {.year = 2024, .lat = raw_degrees(54.1), .lon = raw_degrees(7.9)},
    });
}

static inline struct ais_message aircraft(uint32_t mmsi)
{
    return received((struct ais_message){
        .type = 9,
        .mmsi = mmsi,
        .aircraft = {.alt = 300,
                     .speed = 110,
                     .lat = raw_degrees(54.5),
                     .lon = raw_degrees(8.1),
                     .course = 3599},
    });
}

static inline struct ais_message aid(uint32_t mmsi, const char *name)
{
    struct ais_message message = {
        .type = 21,
        .mmsi = mmsi,
        .aid = {.aid_type = 14,
                .lat = raw_degrees(53.9),
                .lon = raw_degrees(8.5),
                .second = 60,
                .virtual_aid = true},
    };

    (void)snprintf(message.aid.name, sizeof(message.aid.name), "%s", name);
    return received(message);
}

static inline void take_at(struct tracker *tracker, struct ais_message message, int64_t now_s)
{
    assert_int_equal(
        tracker_update(tracker, &message, now_s * SECOND_NS, INT64_C(1700000000) + now_s), 0);
}

#endif
