/* SPDX-License-Identifier: MIT */
/* The tables of the built message types; see layout.h. Spare bits have no entry. */
#include "layout.h"

#define FIELD(body, name, first, bits, how, what)                                                  \
    {                                                                                              \
        .start = (first), .width = (bits), .kind = AIS_KIND_##how,                                 \
        .member = offsetof(struct ais_message, body.name), .field = AIS_##what                     \
    }
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LAYOUT(table, min, full)                                                                   \
    {                                                                                              \
        .fields = (table), .field_count = COUNT(table), .bits_min = (min), .bits = (full)          \
    }

static const struct ais_layout_field position_a_fields[] = {
    FIELD(position_a, status, 38, 4, U8, STATUS),
    FIELD(position_a, turn, 42, 8, S8, TURN),
    FIELD(position_a, speed, 50, 10, U16, SPEED),
    FIELD(position_a, accuracy, 60, 1, FLAG, ACCURACY),
    FIELD(position_a, lon, 61, 28, S32, LON),
    FIELD(position_a, lat, 89, 27, S32, LAT),
    FIELD(position_a, course, 116, 12, U16, COURSE),
    FIELD(position_a, heading, 128, 9, U16, HEADING),
    FIELD(position_a, second, 137, 6, U8, SECOND),
    FIELD(position_a, maneuver, 143, 2, U8, MANEUVER),
    FIELD(position_a, raim, 148, 1, FLAG, RAIM),
    FIELD(position_a, radio, 149, 19, U32, RADIO),
};

static const struct ais_layout_field base_station_fields[] = {
    FIELD(base_station, year, 38, 14, U16, YEAR),
    FIELD(base_station, month, 52, 4, U8, MONTH),
    FIELD(base_station, day, 56, 5, U8, DAY),
    FIELD(base_station, hour, 61, 5, U8, HOUR),
    FIELD(base_station, minute, 66, 6, U8, MINUTE),
    FIELD(base_station, second, 72, 6, U8, SECOND),
    FIELD(base_station, accuracy, 78, 1, FLAG, ACCURACY),
    FIELD(base_station, lon, 79, 28, S32, LON),
    FIELD(base_station, lat, 107, 27, S32, LAT),
    FIELD(base_station, epfd, 134, 4, U8, EPFD),
    FIELD(base_station, raim, 148, 1, FLAG, RAIM),
    FIELD(base_station, radio, 149, 19, U32, RADIO),
};

static const struct ais_layout_field static_a_fields[] = {
    FIELD(static_a, ais_version, 38, 2, U8, VERSION),
    FIELD(static_a, imo, 40, 30, U32, IMO),
    FIELD(static_a, callsign, 70, 42, TEXT, CALLSIGN),
    FIELD(static_a, shipname, 112, 120, TEXT, SHIPNAME),
    FIELD(static_a, shiptype, 232, 8, U8, SHIPTYPE),
    FIELD(static_a, to_bow, 240, 9, U16, TO_BOW),
    FIELD(static_a, to_stern, 249, 9, U16, TO_STERN),
    FIELD(static_a, to_port, 258, 6, U8, TO_PORT),
    FIELD(static_a, to_starboard, 264, 6, U8, TO_STARBOARD),
    FIELD(static_a, epfd, 270, 4, U8, EPFD),
    FIELD(static_a, month, 274, 4, U8, MONTH),
    FIELD(static_a, day, 278, 5, U8, DAY),
    FIELD(static_a, hour, 283, 5, U8, HOUR),
    FIELD(static_a, minute, 288, 6, U8, MINUTE),
    FIELD(static_a, draught, 294, 8, U8, DRAUGHT),
    FIELD(static_a, destination, 302, 120, TEXT, DESTINATION),
    FIELD(static_a, dte, 422, 1, FLAG, DTE),
};

static const struct ais_layout_field aircraft_fields[] = {
    FIELD(aircraft, alt, 38, 12, U16, ALT),
    FIELD(aircraft, speed, 50, 10, U16, SPEED),
    FIELD(aircraft, accuracy, 60, 1, FLAG, ACCURACY),
    FIELD(aircraft, lon, 61, 28, S32, LON),
    FIELD(aircraft, lat, 89, 27, S32, LAT),
    FIELD(aircraft, course, 116, 12, U16, COURSE),
    FIELD(aircraft, second, 128, 6, U8, SECOND),
    FIELD(aircraft, regional, 134, 8, U8, REGIONAL),
    FIELD(aircraft, dte, 142, 1, FLAG, DTE),
    FIELD(aircraft, assigned, 146, 1, FLAG, ASSIGNED),
    FIELD(aircraft, raim, 147, 1, FLAG, RAIM),
    FIELD(aircraft, radio, 148, 20, U32, RADIO),
};

static const struct ais_layout_field position_b_fields[] = {
    FIELD(position_b, reserved, 38, 8, U8, RESERVED),
    FIELD(position_b, speed, 46, 10, U16, SPEED),
    FIELD(position_b, accuracy, 56, 1, FLAG, ACCURACY),
    FIELD(position_b, lon, 57, 28, S32, LON),
    FIELD(position_b, lat, 85, 27, S32, LAT),
    FIELD(position_b, course, 112, 12, U16, COURSE),
    FIELD(position_b, heading, 124, 9, U16, HEADING),
    FIELD(position_b, second, 133, 6, U8, SECOND),
    FIELD(position_b, regional, 139, 2, U8, REGIONAL),
    FIELD(position_b, cs, 141, 1, FLAG, CS),
    FIELD(position_b, display, 142, 1, FLAG, DISPLAY),
    FIELD(position_b, dsc, 143, 1, FLAG, DSC),
    FIELD(position_b, band, 144, 1, FLAG, BAND),
    FIELD(position_b, msg22, 145, 1, FLAG, MSG22),
    FIELD(position_b, assigned, 146, 1, FLAG, ASSIGNED),
    FIELD(position_b, raim, 147, 1, FLAG, RAIM),
    FIELD(position_b, radio, 148, 20, U32, RADIO),
};

static const struct ais_layout_field extended_b_fields[] = {
    FIELD(extended_b, reserved, 38, 8, U8, RESERVED),
    FIELD(extended_b, speed, 46, 10, U16, SPEED),
    FIELD(extended_b, accuracy, 56, 1, FLAG, ACCURACY),
    FIELD(extended_b, lon, 57, 28, S32, LON),
    FIELD(extended_b, lat, 85, 27, S32, LAT),
    FIELD(extended_b, course, 112, 12, U16, COURSE),
    FIELD(extended_b, heading, 124, 9, U16, HEADING),
    FIELD(extended_b, second, 133, 6, U8, SECOND),
    FIELD(extended_b, regional, 139, 4, U8, REGIONAL),
    FIELD(extended_b, shipname, 143, 120, TEXT, SHIPNAME),
    FIELD(extended_b, shiptype, 263, 8, U8, SHIPTYPE),
    FIELD(extended_b, to_bow, 271, 9, U16, TO_BOW),
    FIELD(extended_b, to_stern, 280, 9, U16, TO_STERN),
    FIELD(extended_b, to_port, 289, 6, U8, TO_PORT),
    FIELD(extended_b, to_starboard, 295, 6, U8, TO_STARBOARD),
    FIELD(extended_b, epfd, 301, 4, U8, EPFD),
    FIELD(extended_b, raim, 305, 1, FLAG, RAIM),
    FIELD(extended_b, dte, 306, 1, FLAG, DTE),
    FIELD(extended_b, assigned, 307, 1, FLAG, ASSIGNED),
};

static const struct ais_layout_field aid_fields[] = {
    FIELD(aid, aid_type, 38, 5, U8, AID_TYPE),
    FIELD(aid, name, 43, 120, TEXT, AID_NAME),
    FIELD(aid, accuracy, 163, 1, FLAG, ACCURACY),
    FIELD(aid, lon, 164, 28, S32, LON),
    FIELD(aid, lat, 192, 27, S32, LAT),
    FIELD(aid, to_bow, 219, 9, U16, TO_BOW),
    FIELD(aid, to_stern, 228, 9, U16, TO_STERN),
    FIELD(aid, to_port, 237, 6, U8, TO_PORT),
    FIELD(aid, to_starboard, 243, 6, U8, TO_STARBOARD),
    FIELD(aid, epfd, 249, 4, U8, EPFD),
    FIELD(aid, second, 253, 6, U8, SECOND),
    FIELD(aid, off_position, 259, 1, FLAG, OFF_POSITION),
    FIELD(aid, regional, 260, 8, U8, REGIONAL),
    FIELD(aid, raim, 268, 1, FLAG, RAIM),
    FIELD(aid, virtual_aid, 269, 1, FLAG, VIRTUAL_AID),
    FIELD(aid, assigned, 270, 1, FLAG, ASSIGNED),
};

static const struct ais_layout_field static_b_name_fields[] = {
    FIELD(static_b, part, AIS_PART_START, AIS_PART_WIDTH, U8, PART),
    FIELD(static_b, shipname, 40, 120, TEXT, SHIPNAME),
};

#define STATIC_B_COMMON                                                                            \
    FIELD(static_b, part, AIS_PART_START, AIS_PART_WIDTH, U8, PART),                               \
        FIELD(static_b, shiptype, 40, 8, U8, SHIPTYPE),                                            \
        FIELD(static_b, vendorid, 48, 18, TEXT, VENDORID),                                         \
        FIELD(static_b, model, 66, 4, U8, MODEL), FIELD(static_b, serial, 70, 20, U32, SERIAL),    \
        FIELD(static_b, vendorid_old, 48, 42, TEXT, VENDORID_OLD),                                 \
        FIELD(static_b, callsign, 90, 42, TEXT, CALLSIGN)

static const struct ais_layout_field static_b_fields[] = {
    STATIC_B_COMMON,
    FIELD(static_b, to_bow, 132, 9, U16, TO_BOW),
    FIELD(static_b, to_stern, 141, 9, U16, TO_STERN),
    FIELD(static_b, to_port, 150, 6, U8, TO_PORT),
    FIELD(static_b, to_starboard, 156, 6, U8, TO_STARBOARD),
};

static const struct ais_layout_field static_b_auxiliary_fields[] = {
    STATIC_B_COMMON,
    FIELD(static_b, mothership_mmsi, 132, 30, U32, MOTHERSHIP_MMSI),
};

static const struct ais_layout_field long_range_fields[] = {
    FIELD(long_range, accuracy, 38, 1, FLAG, ACCURACY), FIELD(long_range, raim, 39, 1, FLAG, RAIM),
    FIELD(long_range, status, 40, 4, U8, STATUS),       FIELD(long_range, lon, 44, 18, S32, LON),
    FIELD(long_range, lat, 62, 17, S32, LAT),           FIELD(long_range, speed, 79, 6, U8, SPEED),
    FIELD(long_range, course, 85, 9, U16, COURSE),      FIELD(long_range, gnss, 94, 1, FLAG, GNSS),
};

/* The shortest payload ends with the latitude or, in static reports, with the name or call sign. */
static const struct ais_layout layouts[AIS_TYPE_MAX + 1] = {
    [1] = LAYOUT(position_a_fields, 116, 168),
    [2] = LAYOUT(position_a_fields, 116, 168),
    [3] = LAYOUT(position_a_fields, 116, 168),
    [4] = LAYOUT(base_station_fields, 134, 168),
    [5] = LAYOUT(static_a_fields, 232, 424),
    [9] = LAYOUT(aircraft_fields, 116, 168),
    [18] = LAYOUT(position_b_fields, 112, 168),
    [19] = LAYOUT(extended_b_fields, 112, 312),
    [21] = LAYOUT(aid_fields, 219, AIS_AID_EXTENSION_START),
    [27] = LAYOUT(long_range_fields, 79, 96),
};

static const struct ais_layout static_b_name_layout = LAYOUT(static_b_name_fields, 160, 160);
static const struct ais_layout static_b_layout = LAYOUT(static_b_fields, 132, 168);
static const struct ais_layout static_b_auxiliary_layout =
    LAYOUT(static_b_auxiliary_fields, 132, 168);

const struct ais_layout *ais_layout(unsigned type, unsigned part, uint32_t mmsi)
{
    if (type == 24) {
        if (part > 1) {
            return NULL;
        }
        return part == 0                     ? &static_b_name_layout
               : ais_mmsi_is_auxiliary(mmsi) ? &static_b_auxiliary_layout
                                             : &static_b_layout;
    }
    return type <= AIS_TYPE_MAX && layouts[type].fields != NULL ? &layouts[type] : NULL;
}
