/* SPDX-License-Identifier: MIT */
/* A station in the units of AIS. */
#include "fleet_station.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CLASS_B_RADIO 0xE0006 /* what carrier-sense units send */
#define GPS           1
#define SURVEYED      7

static int32_t raw_degrees(double degrees)
{
    return (int32_t)lround(degrees * 600000);
}

static uint16_t tenths(double value, uint16_t limit)
{
    return (uint16_t)(lround(value * 10) % limit);
}

static uint16_t raw_course(const struct sailor *sailor)
{
    return tenths(sailor->course, 3600);
}

static uint16_t raw_heading(const struct sailor *sailor)
{
    return (uint16_t)(lround(sailor->course) % 360);
}

/* The rate of turn indicator: 4.733 times the square root of degrees a minute. */
static int8_t raw_turn(double turn)
{
    double size = fmin(4.733 * sqrt(fabs(turn)), 126);

    return (int8_t)lround(turn < 0 ? -size : size);
}

static uint8_t ship_status(const struct station *station)
{
    switch (station->sailor.state) {
    case SAILOR_MOORED:
        return 5;
    case SAILOR_ANCHORED:
        return 1;
    default:
        return station->identity.status;
    }
}

static uint16_t raw_speed(const struct sailor *sailor)
{
    return tenths(sailor->speed, 1022);
}

static void position_a(const struct station *station, uint8_t second, struct ais_message *message)
{
    const struct sailor *sailor = &station->sailor;

    message->type = fabs(sailor->turn) > FLEET_TURNING ? 3 : 1;
    message->position_a = (struct ais_position_a){
        .status = ship_status(station),
        .turn = raw_turn(sailor->turn),
        .speed = raw_speed(sailor),
        .accuracy = true,
        .lon = raw_degrees(sailor->lon),
        .lat = raw_degrees(sailor->lat),
        .course = raw_course(sailor),
        .heading = raw_heading(sailor),
        .second = second,
    };
}

static void position_b(const struct station *station, uint8_t second, struct ais_message *message)
{
    const struct sailor *sailor = &station->sailor;

    message->type = 18;
    message->position_b = (struct ais_position_b){
        .speed = raw_speed(sailor),
        .lon = raw_degrees(sailor->lon),
        .lat = raw_degrees(sailor->lat),
        .course = raw_course(sailor),
        .heading = AIS_HEADING_UNAVAILABLE,
        .second = second,
        .cs = true,
        .dsc = true,
        .band = true,
        .msg22 = true,
        .radio = CLASS_B_RADIO,
    };
}

static void aircraft(const struct station *station, uint8_t second, struct ais_message *message)
{
    const struct sailor *sailor = &station->sailor;

    message->type = 9;
    message->aircraft = (struct ais_aircraft){
        .alt = (uint16_t)(150 + station->identity.mmsi % 10 * 40),
        .speed = (uint16_t)lround(sailor->speed),
        .lon = raw_degrees(sailor->lon),
        .lat = raw_degrees(sailor->lat),
        .course = raw_course(sailor),
        .second = second,
    };
}

static void aid(const struct station *station, uint8_t second, struct ais_message *message)
{
    const struct place *place = station->place;

    message->type = 21;
    message->aid = (struct ais_aid){
        .aid_type = place->aid_type,
        .lon = raw_degrees(place->lon),
        .lat = raw_degrees(place->lat),
        .to_bow = 1,
        .to_stern = 1,
        .to_port = 1,
        .to_starboard = 1,
        .epfd = SURVEYED,
        .second = second,
        .virtual_aid = place->is_virtual,
    };
    (void)snprintf(message->aid.name, sizeof(message->aid.name), "%s", place->name);
}

static void base_station(const struct station *station, const struct tm *utc,
                         struct ais_message *message)
{
    message->type = 4;
    message->base_station = (struct ais_base_station){
        .year = (uint16_t)(utc->tm_year + 1900),
        .month = (uint8_t)(utc->tm_mon + 1),
        .day = (uint8_t)utc->tm_mday,
        .hour = (uint8_t)utc->tm_hour,
        .minute = (uint8_t)utc->tm_min,
        .second = (uint8_t)utc->tm_sec,
        .accuracy = true,
        .lon = raw_degrees(station->place->lon),
        .lat = raw_degrees(station->place->lat),
        .epfd = SURVEYED,
    };
}

static void make_utc(int64_t time_s, struct tm *ret_utc)
{
    time_t time = (time_t)time_s;

    memset(ret_utc, 0, sizeof(*ret_utc));
    (void)gmtime_r(&time, ret_utc);
}

void station_position(const struct station *station, int64_t now_s, struct ais_message *message)
{
    struct tm utc;

    make_utc(now_s, &utc);
    uint8_t second = (uint8_t)(utc.tm_sec % 60);
    switch (station->kind) {
    case STATION_AIRCRAFT:
        aircraft(station, second, message);
        return;
    case STATION_AID:
        aid(station, second, message);
        return;
    case STATION_BASE:
        base_station(station, &utc, message);
        return;
    case STATION_SHIP:
        break;
    }
    if (station->identity.is_class_b) {
        position_b(station, second, message);
    } else {
        position_a(station, second, message);
    }
}

void station_static_a(const struct station *station, int64_t now_s, struct ais_message *message)
{
    const struct identity *identity = &station->identity;
    const struct sailor *sailor = &station->sailor;
    struct ais_static_a *report = &message->static_a;
    struct tm eta;

    message->type = 5;
    *report = (struct ais_static_a){
        .ais_version = 2,
        .imo = identity->imo,
        .shiptype = identity->shiptype,
        .to_bow = identity->to_bow,
        .to_stern = identity->to_stern,
        .to_port = identity->to_port,
        .to_starboard = identity->to_starboard,
        .epfd = GPS,
        .hour = AIS_HOUR_UNAVAILABLE,
        .minute = AIS_MINUTE_UNAVAILABLE,
        .draught = identity->draught,
    };
    memcpy(report->shipname, identity->name, sizeof(report->shipname));
    memcpy(report->callsign, identity->callsign, sizeof(report->callsign));
    if (sailor->state != SAILOR_UNDER_WAY) {
        return;
    }
    make_utc(now_s + (int64_t)(sailor_distance_left(sailor) / sailor->cruise * 3600), &eta);
    report->month = (uint8_t)(eta.tm_mon + 1);
    report->day = (uint8_t)eta.tm_mday;
    report->hour = (uint8_t)eta.tm_hour;
    report->minute = (uint8_t)eta.tm_min;
    (void)snprintf(report->destination, sizeof(report->destination), "%s",
                   sea_point(sailor->destination)->port);
}

void station_static_b(const struct station *station, struct ais_message *message)
{
    const struct identity *identity = &station->identity;
    struct ais_static_b *report = &message->static_b;

    message->type = 24;
    memset(report, 0, sizeof(*report));
    if (!station->part_b_next) {
        memcpy(report->shipname, identity->name, sizeof(report->shipname));
        return;
    }
    report->part = 1;
    report->shiptype = identity->shiptype;
    (void)snprintf(report->vendorid, sizeof(report->vendorid), "SIM");
    memcpy(report->callsign, identity->callsign, sizeof(report->callsign));
    report->to_bow = identity->to_bow;
    report->to_stern = identity->to_stern;
    report->to_port = identity->to_port;
    report->to_starboard = identity->to_starboard;
}
