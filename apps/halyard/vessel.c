/* SPDX-License-Identifier: MIT */
/* The merging rules. Each setter compares first: only what differs counts as changed. */
#include "vessel.h"

#include <math.h>
#include <string.h>

#define BIT(n) (UINT32_C(1) << (n))

enum {
    LAT_MAX = 90 * 600000,
    LON_MAX = 180 * 600000,
    LONG_RANGE_SCALE = 1000, /* 1/10 to 1/10000 minute */
    COURSE_MAX = 3599,
    HEADING_MAX = 359,
    SHIPTYPE_MAX = 99,
};

/* A vessel and what the message at hand has changed. */
struct merge {
    struct vessel *vessel;
    const struct ais_message *message;
    uint32_t changed;
};

static void set(struct merge *merge, enum vessel_field field, int32_t value)
{
    struct vessel *vessel = merge->vessel;

    if (vessel->number[field] != value || (vessel->known & BIT(field)) == 0) {
        vessel->number[field] = value;
        vessel->known |= BIT(field);
        merge->changed |= BIT(field);
    }
}

static void forget(struct merge *merge, enum vessel_field field)
{
    if ((merge->vessel->known & BIT(field)) != 0) {
        merge->vessel->known &= ~BIT(field);
        merge->vessel->number[field] = 0;
        merge->changed |= BIT(field);
    }
}

static void set_or_forget(struct merge *merge, enum vessel_field field, int32_t value, bool valid)
{
    if (valid) {
        set(merge, field, value);
    } else {
        forget(merge, field);
    }
}

/* `target` is the vessel's text, with room for any text of the message's field. */
static void set_text(struct merge *merge, enum vessel_field field, char *target, const char *text)
{
    if (strcmp(target, text) != 0) {
        memcpy(target, text, strlen(text) + 1);
        merge->vessel->known = text[0] != '\0' ? merge->vessel->known | BIT(field)
                                               : merge->vessel->known & ~BIT(field);
        merge->changed |= BIT(field);
    }
}

/* --- identity: "not available" never erases --------------------------------------------------- */

static void take_name(struct merge *merge, const char *name)
{
    if (name[0] != '\0') {
        set_text(merge, VESSEL_NAME, merge->vessel->name, name);
    }
}

static void take_callsign(struct merge *merge, const char *callsign)
{
    if (callsign[0] != '\0') {
        set_text(merge, VESSEL_CALLSIGN, merge->vessel->callsign, callsign);
    }
}

static void take_shiptype(struct merge *merge, uint8_t shiptype)
{
    int32_t value = shiptype <= SHIPTYPE_MAX ? shiptype : 0;

    if (value != 0 || !vessel_knows(merge->vessel, VESSEL_SHIPTYPE)) {
        set(merge, VESSEL_SHIPTYPE, value);
    }
}

static void take_dimensions(struct merge *merge, uint16_t to_bow, uint16_t to_stern,
                            uint8_t to_port, uint8_t to_starboard)
{
    if (ais_has(merge->message, AIS_TO_STARBOARD) &&
        (to_bow | to_stern | to_port | to_starboard) != 0) {
        set(merge, VESSEL_TO_BOW, to_bow);
        set(merge, VESSEL_TO_STERN, to_stern);
        set(merge, VESSEL_TO_PORT, to_port);
        set(merge, VESSEL_TO_STARBOARD, to_starboard);
    }
}

/* --- position and movement -------------------------------------------------------------------- */

static bool is_position(int32_t lat, int32_t lon)
{
    return lat >= -LAT_MAX && lat <= LAT_MAX && lon >= -LON_MAX && lon <= LON_MAX;
}

static void set_position(struct merge *merge, int32_t lat, int32_t lon, bool is_coarse)
{
    set(merge, VESSEL_LAT, lat);
    set(merge, VESSEL_LON, lon);
    set(merge, VESSEL_COARSE, is_coarse);
}

static void take_position(struct merge *merge, int32_t lat, int32_t lon, int64_t now_ns)
{
    if (is_position(lat, lon)) {
        set_position(merge, lat, lon, false);
        merge->vessel->placed_ns = now_ns;
    }
}

static void take_speed(struct merge *merge, uint16_t speed)
{
    set_or_forget(merge, VESSEL_SOG, speed, speed < AIS_SPEED_UNAVAILABLE);
}

static void take_course(struct merge *merge, uint16_t course)
{
    if (ais_has(merge->message, AIS_COURSE)) {
        set_or_forget(merge, VESSEL_COG, course, course <= COURSE_MAX);
    }
}

static void take_heading(struct merge *merge, uint16_t heading)
{
    if (ais_has(merge->message, AIS_HEADING)) {
        set_or_forget(merge, VESSEL_HEADING, heading, heading <= HEADING_MAX);
    }
}

/* --- by type ---------------------------------------------------------------------------------- */

static void take_position_a(struct merge *merge, const struct ais_position_a *report,
                            int64_t now_ns)
{
    set(merge, VESSEL_STATUS, report->status);
    set_or_forget(merge, VESSEL_TURN, report->turn, report->turn != AIS_TURN_UNAVAILABLE);
    take_speed(merge, report->speed);
    take_position(merge, report->lat, report->lon, now_ns);
    take_course(merge, report->course);
    take_heading(merge, report->heading);
}

static void take_eta(struct merge *merge, const struct ais_static_a *report)
{
    bool valid = report->month >= 1 && report->month <= 12 && report->day >= 1 &&
                 report->day <= 31 && report->hour < AIS_HOUR_UNAVAILABLE &&
                 report->minute < AIS_MINUTE_UNAVAILABLE;

    set_or_forget(merge, VESSEL_ETA,
                  ((report->month * 100 + report->day) * 100 + report->hour) * 100 + report->minute,
                  valid);
}

static void take_static_a(struct merge *merge, const struct ais_static_a *report)
{
    if (report->imo != 0) {
        set(merge, VESSEL_IMO, (int32_t)report->imo);
    }
    take_callsign(merge, report->callsign);
    take_name(merge, report->shipname);
    if (ais_has(merge->message, AIS_SHIPTYPE)) {
        take_shiptype(merge, report->shiptype);
    }
    take_dimensions(merge, report->to_bow, report->to_stern, report->to_port, report->to_starboard);
    if (ais_has(merge->message, AIS_MINUTE)) {
        take_eta(merge, report);
    }
    if (ais_has(merge->message, AIS_DRAUGHT)) {
        set_or_forget(merge, VESSEL_DRAUGHT, report->draught, report->draught != 0);
    }
    if (ais_has(merge->message, AIS_DESTINATION)) {
        set_text(merge, VESSEL_DESTINATION, merge->vessel->destination, report->destination);
    }
}

static void take_aircraft(struct merge *merge, const struct ais_aircraft *report, int64_t now_ns)
{
    set_or_forget(merge, VESSEL_ALTITUDE, report->alt, report->alt < AIS_ALTITUDE_UNAVAILABLE);
    set_or_forget(merge, VESSEL_SOG, report->speed * 10, report->speed < AIS_SPEED_UNAVAILABLE);
    take_position(merge, report->lat, report->lon, now_ns);
    take_course(merge, report->course);
}

static void take_position_b(struct merge *merge, const struct ais_position_b *report,
                            int64_t now_ns)
{
    take_speed(merge, report->speed);
    take_position(merge, report->lat, report->lon, now_ns);
    take_course(merge, report->course);
    take_heading(merge, report->heading);
}

static void take_extended_b(struct merge *merge, const struct ais_extended_b *report,
                            int64_t now_ns)
{
    take_speed(merge, report->speed);
    take_position(merge, report->lat, report->lon, now_ns);
    take_course(merge, report->course);
    take_heading(merge, report->heading);
    take_name(merge, report->shipname);
    if (ais_has(merge->message, AIS_SHIPTYPE)) {
        take_shiptype(merge, report->shiptype);
    }
    take_dimensions(merge, report->to_bow, report->to_stern, report->to_port, report->to_starboard);
}

static void take_aid(struct merge *merge, const struct ais_aid *report, int64_t now_ns)
{
    if (report->aid_type != 0 || !vessel_knows(merge->vessel, VESSEL_AID_TYPE)) {
        set(merge, VESSEL_AID_TYPE, report->aid_type);
    }
    take_name(merge, report->name);
    take_position(merge, report->lat, report->lon, now_ns);
    take_dimensions(merge, report->to_bow, report->to_stern, report->to_port, report->to_starboard);
    if (ais_has(merge->message, AIS_VIRTUAL_AID)) {
        set(merge, VESSEL_VIRTUAL, report->virtual_aid);
    }
}

/* Part A leaves all but the name empty and absent, part B the name. */
static void take_static_b(struct merge *merge, const struct ais_static_b *report)
{
    take_name(merge, report->shipname);
    take_callsign(merge, report->callsign);
    if (ais_has(merge->message, AIS_SHIPTYPE)) {
        take_shiptype(merge, report->shiptype);
    }
    take_dimensions(merge, report->to_bow, report->to_stern, report->to_port, report->to_starboard);
}

/* All of it is older than what the other reports say, so it counts only where they are silent. */
static void take_long_range(struct merge *merge, const struct ais_long_range *report,
                            int64_t now_ns, int64_t fresh_ns)
{
    const struct vessel *vessel = merge->vessel;
    bool is_fresh = vessel_knows(vessel, VESSEL_LAT) && vessel->number[VESSEL_COARSE] == 0 &&
                    now_ns - vessel->placed_ns < fresh_ns;
    int32_t lat = report->lat;
    int32_t lon = report->lon;

    if (is_fresh) {
        return;
    }
    if (is_position(lat * LONG_RANGE_SCALE, lon * LONG_RANGE_SCALE)) {
        set_position(merge, lat * LONG_RANGE_SCALE, lon * LONG_RANGE_SCALE, true);
    }
    set(merge, VESSEL_STATUS, report->status);
    set_or_forget(merge, VESSEL_SOG, report->speed * 10,
                  report->speed < AIS_SPEED_UNAVAILABLE_LONG_RANGE);
    if (ais_has(merge->message, AIS_COURSE)) {
        set_or_forget(merge, VESSEL_COG, report->course * 10, report->course <= HEADING_MAX);
    }
}

/* --- class ------------------------------------------------------------------------------------ */

/* By the nine digits (ITU-R M.585), or unknown where they say "ship" or nothing. */
static enum vessel_class class_from_mmsi(uint32_t mmsi)
{
    uint32_t first_three = mmsi / 1000000;

    if (mmsi > 999999999) {
        return VESSEL_CLASS_UNKNOWN;
    }
    if (first_three < 10) {
        /* 00 and a country, not just a small number. */
        return mmsi >= 2000000 ? VESSEL_CLASS_BASE : VESSEL_CLASS_UNKNOWN;
    }
    if (first_three == 111) {
        return VESSEL_CLASS_AIRCRAFT;
    }
    if (first_three / 100 == 8 || first_three / 10 == 98) {
        return VESSEL_CLASS_B;
    }
    if (first_three / 10 == 99 || first_three == 979) {
        return VESSEL_CLASS_ATON;
    }
    if (first_three == 970 || first_three == 972 || first_three == 974) {
        return VESSEL_CLASS_DISTRESS;
    }
    return VESSEL_CLASS_UNKNOWN;
}

/* Types 24 and 27 are sent by both classes. */
static enum vessel_class class_from_types(uint32_t types)
{
    if ((types & (BIT(1) | BIT(2) | BIT(3) | BIT(5))) != 0) {
        return VESSEL_CLASS_A;
    }
    if ((types & (BIT(18) | BIT(19))) != 0) {
        return VESSEL_CLASS_B;
    }
    if ((types & BIT(9)) != 0) {
        return VESSEL_CLASS_AIRCRAFT;
    }
    if ((types & BIT(21)) != 0) {
        return VESSEL_CLASS_ATON;
    }
    return (types & BIT(4)) != 0 ? VESSEL_CLASS_BASE : VESSEL_CLASS_UNKNOWN;
}

static void take_class(struct merge *merge)
{
    struct vessel *vessel = merge->vessel;
    uint32_t type = BIT(merge->message->type & 31);

    if ((vessel->types & type) != 0) {
        return;
    }
    vessel->types |= type;
    enum vessel_class class = class_from_mmsi(vessel->mmsi);
    set(merge, VESSEL_CLASS,
        (int32_t)(class != VESSEL_CLASS_UNKNOWN ? class : class_from_types(vessel->types)));
}

/* --- whole ------------------------------------------------------------------------------------ */

void vessel_init(struct vessel *vessel, uint32_t mmsi)
{
    memset(vessel, 0, sizeof(*vessel));
    vessel->mmsi = mmsi;
    vessel->known = BIT(VESSEL_MMSI) | BIT(VESSEL_STALE) | BIT(VESSEL_SEEN) | BIT(VESSEL_MESSAGES);
}

static void take_body(struct merge *merge, int64_t now_ns, int64_t fresh_ns)
{
    const struct ais_message *message = merge->message;

    switch (message->type) {
    case 1:
    case 2:
    case 3:
        take_position_a(merge, &message->position_a, now_ns);
        break;
    case 4:
        take_position(merge, message->base_station.lat, message->base_station.lon, now_ns);
        break;
    case 5:
        take_static_a(merge, &message->static_a);
        break;
    case 9:
        take_aircraft(merge, &message->aircraft, now_ns);
        break;
    case 18:
        take_position_b(merge, &message->position_b, now_ns);
        break;
    case 19:
        take_extended_b(merge, &message->extended_b, now_ns);
        break;
    case 21:
        take_aid(merge, &message->aid, now_ns);
        break;
    case 24:
        take_static_b(merge, &message->static_b);
        break;
    case 27:
        take_long_range(merge, &message->long_range, now_ns, fresh_ns);
        break;
    default: /* a sign of life */
        break;
    }
}

uint32_t vessel_take(struct vessel *vessel, const struct ais_message *message, int64_t now_ns,
                     int64_t unix_s, int64_t fresh_ns)
{
    struct merge merge = {.vessel = vessel, .message = message};
    bool is_new = vessel->messages == 0;

    take_class(&merge);
    take_body(&merge, now_ns, fresh_ns);
    set(&merge, VESSEL_STALE, false);
    if (vessel->seen_s != unix_s || is_new) {
        vessel->seen_s = unix_s;
        merge.changed |= BIT(VESSEL_SEEN);
    }
    vessel->heard_ns = now_ns;
    vessel->messages++;
    merge.changed |= BIT(VESSEL_MESSAGES);
    return is_new ? merge.changed | vessel->known : merge.changed;
}

uint32_t vessel_set_stale(struct vessel *vessel)
{
    struct merge merge = {.vessel = vessel};

    set(&merge, VESSEL_STALE, true);
    return merge.changed;
}

double vessel_turn(int32_t indicator)
{
    double root = indicator / 4.733;

    if (indicator == 127 || indicator == -127) {
        return indicator > 0 ? 10.0 : -10.0;
    }
    return copysign(root * root, root);
}
