/* SPDX-License-Identifier: MIT */
/*
 * Flat JSON objects straight into a buffer. A tree of objects (json-c) would take several times as
 * long as the decoding; here all keys are literals, texts have 6-bit characters only, and decimals
 * are fixed point, so that no rounding of binary fractions is involved.
 */
#include "json.h"

#include "names.h"

#include <errno.h>
#include <string.h>

struct writer {
    char *at;
    char *
        end; /* of the buffer; once `at` would pass it, `full` is set and nothing more is written */
    bool full;
    bool scaled;
    const struct ais_message *message;
};

static void put(struct writer *writer, const char *text, size_t size)
{
    if ((size_t)(writer->end - writer->at) < size) {
        writer->full = true;
        return;
    }
    memcpy(writer->at, text, size);
    writer->at += size;
}

#define PUT(writer, literal) put((writer), literal, sizeof(literal) - 1)

static void put_unsigned(struct writer *writer, uint64_t value, int digits_min)
{
    char digits[20];
    int first = (int)sizeof(digits);

    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0 || (int)sizeof(digits) - first < digits_min);
    put(writer, digits + first, sizeof(digits) - (size_t)first);
}

static void put_integer(struct writer *writer, int64_t value)
{
    if (value < 0) {
        PUT(writer, "-");
    }
    put_unsigned(writer, value < 0 ? -(uint64_t)value : (uint64_t)value, 1);
}

/* `value` in units of 10^-decimals. */
static void put_fixed(struct writer *writer, int64_t value, int decimals)
{
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    uint64_t unit = 1;

    for (int i = 0; i < decimals; i++) {
        unit *= 10;
    }
    if (value < 0) {
        PUT(writer, "-");
    }
    put_unsigned(writer, magnitude / unit, 1);
    PUT(writer, ".");
    put_unsigned(writer, magnitude % unit, decimals);
}

/* The text holds printable ASCII only. */
static void put_text(struct writer *writer, const char *text)
{
    PUT(writer, "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            PUT(writer, "\\");
        }
        put(writer, text, 1);
    }
    PUT(writer, "\"");
}

/* Members: each is left out when the payload lacked its field. */
#define INTEGER(writer, field, key, value)                                                         \
    do {                                                                                           \
        if (ais_has((writer)->message, field)) {                                                   \
            PUT(writer, ",\"" key "\":");                                                          \
            put_integer(writer, value);                                                            \
        }                                                                                          \
    } while (0)
#define FLAG(writer, field, key, value)                                                            \
    do {                                                                                           \
        if (ais_has((writer)->message, field)) {                                                   \
            PUT(writer, ",\"" key "\":");                                                          \
            put(writer, (value) ? "true" : "false", (value) ? 4 : 5);                              \
        }                                                                                          \
    } while (0)
#define TEXT(writer, field, key, value)                                                            \
    do {                                                                                           \
        if (ais_has((writer)->message, field)) {                                                   \
            PUT(writer, ",\"" key "\":");                                                          \
            put_text(writer, value);                                                               \
        }                                                                                          \
    } while (0)
/* Tenths when scaled. */
#define TENTHS(writer, field, key, value)                                                          \
    do {                                                                                           \
        if (ais_has((writer)->message, field)) {                                                   \
            PUT(writer, ",\"" key "\":");                                                          \
            put_tenths(writer, value);                                                             \
        }                                                                                          \
    } while (0)

static void put_tenths(struct writer *writer, uint32_t value)
{
    if (writer->scaled) {
        put_fixed(writer, value, 1);
    } else {
        put_integer(writer, value);
    }
}

/* `numerator / 3` rounded to the nearest; never a tie. */
static int64_t third(int64_t numerator)
{
    return (numerator + (numerator < 0 ? -1 : 1)) / 3;
}

/* 1/10000 minute is 1/600000 degree, or 5/3 of a millionth. */
static void put_position(struct writer *writer, int32_t lon, int32_t lat)
{
    const struct ais_message *message = writer->message;

    if (!writer->scaled) {
        INTEGER(writer, AIS_LON, "lon", lon);
        INTEGER(writer, AIS_LAT, "lat", lat);
        return;
    }
    if (ais_has(message, AIS_LON)) {
        PUT(writer, ",\"lon\":");
        put_fixed(writer, third((int64_t)lon * 5), 6);
    }
    if (ais_has(message, AIS_LAT)) {
        PUT(writer, ",\"lat\":");
        put_fixed(writer, third((int64_t)lat * 5), 6);
    }
}

static void put_status(struct writer *writer, unsigned status)
{
    INTEGER(writer, AIS_STATUS, "status", status);
    TEXT(writer, AIS_STATUS, "status_text", ais_status_name(status));
}

static void put_epfd(struct writer *writer, unsigned epfd)
{
    INTEGER(writer, AIS_EPFD, "epfd", epfd);
    TEXT(writer, AIS_EPFD, "epfd_text", ais_epfd_name(epfd));
}

static void put_shiptype(struct writer *writer, unsigned shiptype)
{
    INTEGER(writer, AIS_SHIPTYPE, "shiptype", shiptype);
    TEXT(writer, AIS_SHIPTYPE, "shiptype_text", ais_shiptype_name(shiptype));
}

static void put_dimensions(struct writer *writer, unsigned bow, unsigned stern, unsigned port,
                           unsigned starboard)
{
    INTEGER(writer, AIS_TO_BOW, "to_bow", bow);
    INTEGER(writer, AIS_TO_STERN, "to_stern", stern);
    INTEGER(writer, AIS_TO_PORT, "to_port", port);
    INTEGER(writer, AIS_TO_STARBOARD, "to_starboard", starboard);
}

/* Degrees a minute: the indicator is 4.733 times the square root of it. */
static void put_turn(struct writer *writer, int turn)
{
    if (!writer->scaled || turn == 0) {
        put_integer(writer, turn);
    } else if (turn == AIS_TURN_UNAVAILABLE) {
        PUT(writer, "\"nan\"");
    } else if (turn == -127) {
        PUT(writer, "\"fastleft\"");
    } else if (turn == 127) {
        PUT(writer, "\"fastright\"");
    } else {
        double root = turn / 4.733;
        int64_t rate = (int64_t)(root * root + 0.5);

        put_integer(writer, turn < 0 ? -rate : rate);
    }
}

/* Types 1-3 and 9: gpsdecode has words for the two highest speeds; the other types give plain
 * numbers. */
static void put_speed(struct writer *writer, uint32_t speed, bool in_tenths)
{
    if (!ais_has(writer->message, AIS_SPEED)) {
        return;
    }
    PUT(writer, ",\"speed\":");
    if (writer->scaled && speed == AIS_SPEED_UNAVAILABLE) {
        PUT(writer, "\"nan\"");
    } else if (writer->scaled && speed == AIS_SPEED_UNAVAILABLE - 1) {
        PUT(writer, "\"fast\"");
    } else if (in_tenths) {
        put_tenths(writer, speed);
    } else {
        put_integer(writer, speed);
    }
}

static void put_altitude(struct writer *writer, uint32_t altitude)
{
    PUT(writer, ",\"alt\":");
    if (writer->scaled && altitude == AIS_ALTITUDE_UNAVAILABLE) {
        PUT(writer, "\"nan\"");
    } else if (writer->scaled && altitude == AIS_ALTITUDE_UNAVAILABLE - 1) {
        PUT(writer, "\"high\"");
    } else {
        put_integer(writer, altitude);
    }
}

static void put_position_a(struct writer *writer, const struct ais_position_a *body)
{
    put_status(writer, body->status);
    if (ais_has(writer->message, AIS_TURN)) {
        PUT(writer, ",\"turn\":");
        put_turn(writer, body->turn);
    }
    put_speed(writer, body->speed, true);
    FLAG(writer, AIS_ACCURACY, "accuracy", body->accuracy);
    put_position(writer, body->lon, body->lat);
    TENTHS(writer, AIS_COURSE, "course", body->course);
    INTEGER(writer, AIS_HEADING, "heading", body->heading);
    INTEGER(writer, AIS_SECOND, "second", body->second);
    INTEGER(writer, AIS_MANEUVER, "maneuver", body->maneuver);
    FLAG(writer, AIS_RAIM, "raim", body->raim);
    INTEGER(writer, AIS_RADIO, "radio", body->radio);
}

static void put_base_station(struct writer *writer, const struct ais_base_station *body)
{
    PUT(writer, ",\"timestamp\":\"");
    put_unsigned(writer, body->year, 4);
    PUT(writer, "-");
    put_unsigned(writer, body->month, 2);
    PUT(writer, "-");
    put_unsigned(writer, body->day, 2);
    PUT(writer, "T");
    put_unsigned(writer, body->hour, 2);
    PUT(writer, ":");
    put_unsigned(writer, body->minute, 2);
    PUT(writer, ":");
    put_unsigned(writer, body->second, 2);
    PUT(writer, "Z\"");
    FLAG(writer, AIS_ACCURACY, "accuracy", body->accuracy);
    put_position(writer, body->lon, body->lat);
    put_epfd(writer, body->epfd);
    FLAG(writer, AIS_RAIM, "raim", body->raim);
    INTEGER(writer, AIS_RADIO, "radio", body->radio);
}

static void put_eta(struct writer *writer, const struct ais_static_a *body)
{
    if (!ais_has(writer->message, AIS_MINUTE)) {
        return;
    }
    PUT(writer, ",\"eta\":\"");
    put_unsigned(writer, body->month, 2);
    PUT(writer, "-");
    put_unsigned(writer, body->day, 2);
    PUT(writer, "T");
    put_unsigned(writer, body->hour, 2);
    PUT(writer, ":");
    put_unsigned(writer, body->minute, 2);
    PUT(writer, "Z\"");
}

static void put_static_a(struct writer *writer, const struct ais_static_a *body)
{
    INTEGER(writer, AIS_IMO, "imo", body->imo);
    INTEGER(writer, AIS_VERSION, "ais_version", body->ais_version);
    TEXT(writer, AIS_CALLSIGN, "callsign", body->callsign);
    TEXT(writer, AIS_SHIPNAME, "shipname", body->shipname);
    put_shiptype(writer, body->shiptype);
    put_dimensions(writer, body->to_bow, body->to_stern, body->to_port, body->to_starboard);
    put_epfd(writer, body->epfd);
    put_eta(writer, body);
    TENTHS(writer, AIS_DRAUGHT, "draught", body->draught);
    TEXT(writer, AIS_DESTINATION, "destination", body->destination);
    INTEGER(writer, AIS_DTE, "dte", body->dte);
}

static void put_aircraft(struct writer *writer, const struct ais_aircraft *body)
{
    put_altitude(writer, body->alt);
    put_speed(writer, body->speed, false);
    FLAG(writer, AIS_ACCURACY, "accuracy", body->accuracy);
    put_position(writer, body->lon, body->lat);
    TENTHS(writer, AIS_COURSE, "course", body->course);
    INTEGER(writer, AIS_SECOND, "second", body->second);
    INTEGER(writer, AIS_REGIONAL, "regional", body->regional);
    INTEGER(writer, AIS_DTE, "dte", body->dte);
    FLAG(writer, AIS_RAIM, "raim", body->raim);
    INTEGER(writer, AIS_RADIO, "radio", body->radio);
}

static void put_position_b(struct writer *writer, const struct ais_position_b *body)
{
    INTEGER(writer, AIS_RESERVED, "reserved", body->reserved);
    TENTHS(writer, AIS_SPEED, "speed", body->speed);
    FLAG(writer, AIS_ACCURACY, "accuracy", body->accuracy);
    put_position(writer, body->lon, body->lat);
    TENTHS(writer, AIS_COURSE, "course", body->course);
    INTEGER(writer, AIS_HEADING, "heading", body->heading);
    INTEGER(writer, AIS_SECOND, "second", body->second);
    INTEGER(writer, AIS_REGIONAL, "regional", body->regional);
    FLAG(writer, AIS_CS, "cs", body->cs);
    FLAG(writer, AIS_DISPLAY, "display", body->display);
    FLAG(writer, AIS_DSC, "dsc", body->dsc);
    FLAG(writer, AIS_BAND, "band", body->band);
    FLAG(writer, AIS_MSG22, "msg22", body->msg22);
    FLAG(writer, AIS_RAIM, "raim", body->raim);
    INTEGER(writer, AIS_RADIO, "radio", body->radio);
}

static void put_extended_b(struct writer *writer, const struct ais_extended_b *body)
{
    INTEGER(writer, AIS_RESERVED, "reserved", body->reserved);
    TENTHS(writer, AIS_SPEED, "speed", body->speed);
    FLAG(writer, AIS_ACCURACY, "accuracy", body->accuracy);
    put_position(writer, body->lon, body->lat);
    TENTHS(writer, AIS_COURSE, "course", body->course);
    INTEGER(writer, AIS_HEADING, "heading", body->heading);
    INTEGER(writer, AIS_SECOND, "second", body->second);
    INTEGER(writer, AIS_REGIONAL, "regional", body->regional);
    TEXT(writer, AIS_SHIPNAME, "shipname", body->shipname);
    put_shiptype(writer, body->shiptype);
    put_dimensions(writer, body->to_bow, body->to_stern, body->to_port, body->to_starboard);
    put_epfd(writer, body->epfd);
    FLAG(writer, AIS_RAIM, "raim", body->raim);
    INTEGER(writer, AIS_DTE, "dte", body->dte);
    FLAG(writer, AIS_ASSIGNED, "assigned", body->assigned);
}

static void put_aid(struct writer *writer, const struct ais_aid *body)
{
    INTEGER(writer, AIS_AID_TYPE, "aid_type", body->aid_type);
    TEXT(writer, AIS_AID_TYPE, "aid_type_text", ais_aid_type_name(body->aid_type));
    TEXT(writer, AIS_AID_NAME, "name", body->name);
    FLAG(writer, AIS_ACCURACY, "accuracy", body->accuracy);
    put_position(writer, body->lon, body->lat);
    put_dimensions(writer, body->to_bow, body->to_stern, body->to_port, body->to_starboard);
    put_epfd(writer, body->epfd);
    INTEGER(writer, AIS_SECOND, "second", body->second);
    INTEGER(writer, AIS_REGIONAL, "regional", body->regional);
    FLAG(writer, AIS_OFF_POSITION, "off_position", body->off_position);
    FLAG(writer, AIS_RAIM, "raim", body->raim);
    FLAG(writer, AIS_VIRTUAL_AID, "virtual_aid", body->virtual_aid);
}

/* As the peer does, the vendor is the older form of seven characters: model and serial are its
 * tail. */
static void put_static_b(struct writer *writer, const struct ais_static_b *body)
{
    TEXT(writer, AIS_PART, "part", body->part == 0 ? "A" : "B");
    TEXT(writer, AIS_SHIPNAME, "shipname", body->shipname);
    if (ais_has(writer->message, AIS_SHIPTYPE)) {
        put_shiptype(writer, body->shiptype);
    }
    TEXT(writer, AIS_VENDORID_OLD, "vendorid", body->vendorid_old);
    INTEGER(writer, AIS_MODEL, "model", body->model);
    INTEGER(writer, AIS_SERIAL, "serial", body->serial);
    TEXT(writer, AIS_CALLSIGN, "callsign", body->callsign);
    INTEGER(writer, AIS_MOTHERSHIP_MMSI, "mothership_mmsi", body->mothership_mmsi);
    put_dimensions(writer, body->to_bow, body->to_stern, body->to_port, body->to_starboard);
}

/* 1/10 minute is 1/600 degree, or 50/3 of a ten-thousandth. */
static void put_long_range(struct writer *writer, const struct ais_long_range *body)
{
    INTEGER(writer, AIS_STATUS, "status", body->status);
    if (writer->scaled) {
        TEXT(writer, AIS_STATUS, "status_text", ais_status_name(body->status));
    }
    FLAG(writer, AIS_ACCURACY, "accuracy", body->accuracy);
    if (writer->scaled) {
        PUT(writer, ",\"lon\":");
        put_fixed(writer, third((int64_t)body->lon * 50), 4);
        PUT(writer, ",\"lat\":");
        put_fixed(writer, third((int64_t)body->lat * 50), 4);
    } else {
        put_position(writer, body->lon, body->lat);
    }
    INTEGER(writer, AIS_SPEED, "speed", body->speed);
    INTEGER(writer, AIS_COURSE, "course", body->course);
    FLAG(writer, AIS_RAIM, "raim", body->raim);
    FLAG(writer, AIS_GNSS, "gnss", body->gnss);
}

static bool put_body(struct writer *writer, const struct ais_message *message)
{
    switch (message->type) {
    case 1:
    case 2:
    case 3:
        put_position_a(writer, &message->position_a);
        break;
    case 4:
        put_base_station(writer, &message->base_station);
        break;
    case 5:
        put_static_a(writer, &message->static_a);
        break;
    case 9:
        put_aircraft(writer, &message->aircraft);
        break;
    case 18:
        put_position_b(writer, &message->position_b);
        break;
    case 19:
        put_extended_b(writer, &message->extended_b);
        break;
    case 21:
        put_aid(writer, &message->aid);
        break;
    case 24:
        put_static_b(writer, &message->static_b);
        break;
    case 27:
        put_long_range(writer, &message->long_range);
        break;
    default:
        return false;
    }
    return true;
}

int ais_json(const struct ais_message *message, bool scaled, char *text, size_t size)
{
    struct writer writer = {
        .at = text,
        .end = size > 0 ? text + size - 1 : text,
        .full = size == 0,
        .scaled = scaled,
        .message = message,
    };

    /* "stdin" is what gpsdecode, a filter, always prints. */
    PUT(&writer, "{\"class\":\"AIS\",\"device\":\"stdin\",\"type\":");
    put_unsigned(&writer, message->type, 1);
    PUT(&writer, ",\"repeat\":");
    put_unsigned(&writer, message->repeat, 1);
    PUT(&writer, ",\"mmsi\":");
    put_unsigned(&writer, message->mmsi, 1);
    if (scaled) {
        PUT(&writer, ",\"scaled\":true");
    } else {
        PUT(&writer, ",\"scaled\":false");
    }
    if (!put_body(&writer, message)) {
        return -EINVAL;
    }
    PUT(&writer, "}");
    if (writer.full) {
        return -ENOSPC;
    }
    *writer.at = '\0';
    return (int)(writer.at - text);
}
