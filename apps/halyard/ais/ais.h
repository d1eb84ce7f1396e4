/* SPDX-License-Identifier: MIT */
/*
 * AIS messages as plain values (ITU-R M.1371-5, annex 8, section 3).
 *
 * Integers are those transmitted: no scaling, "not available" codes kept. A message holds no
 * pointer, so it may be copied by assignment and sent through a signal to another thread. A payload
 * that ends early lacks the fields of its tail: ais_has() tells, and their members are then zero
 * (empty).
 */
#ifndef HALYARD_AIS_AIS_H
#define HALYARD_AIS_AIS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    AIS_TYPE_MAX = 27,

    /* "Not available" codes. Longitude and latitude are in 1/10000 minute (1/10 in type 27). */
    AIS_LON_UNAVAILABLE = 181 * 600000,
    AIS_LAT_UNAVAILABLE = 91 * 600000,
    AIS_LON_UNAVAILABLE_LONG_RANGE = 181 * 600,
    AIS_LAT_UNAVAILABLE_LONG_RANGE = 91 * 600,
    AIS_SPEED_UNAVAILABLE = 1023,
    AIS_SPEED_UNAVAILABLE_LONG_RANGE = 63,
    AIS_COURSE_UNAVAILABLE = 3600,
    AIS_COURSE_UNAVAILABLE_LONG_RANGE = 511,
    AIS_HEADING_UNAVAILABLE = 511,
    AIS_TURN_UNAVAILABLE = -128,
    AIS_SECOND_UNAVAILABLE = 60,
    AIS_ALTITUDE_UNAVAILABLE = 4095,
    AIS_STATUS_UNDEFINED = 15,
    AIS_HOUR_UNAVAILABLE = 24,
    AIS_MINUTE_UNAVAILABLE = 60,

    /* Longest texts, in characters. */
    AIS_CALLSIGN_LENGTH = 7,
    AIS_NAME_LENGTH = 20,
    AIS_AID_NAME_LENGTH = 34,
    AIS_DESTINATION_LENGTH = 20,
    AIS_VENDORID_LENGTH = 3,
    AIS_VENDORID_OLD_LENGTH = 7,
};

/* The fields of all built types: a name means the same thing wherever it occurs. */
enum ais_field {
    AIS_STATUS,
    AIS_TURN,
    AIS_SPEED,
    AIS_ACCURACY,
    AIS_LON,
    AIS_LAT,
    AIS_COURSE,
    AIS_HEADING,
    AIS_SECOND,
    AIS_MANEUVER,
    AIS_RAIM,
    AIS_RADIO,
    AIS_YEAR,
    AIS_MONTH,
    AIS_DAY,
    AIS_HOUR,
    AIS_MINUTE,
    AIS_EPFD,
    AIS_VERSION,
    AIS_IMO,
    AIS_CALLSIGN,
    AIS_SHIPNAME,
    AIS_SHIPTYPE,
    AIS_TO_BOW,
    AIS_TO_STERN,
    AIS_TO_PORT,
    AIS_TO_STARBOARD,
    AIS_DRAUGHT,
    AIS_DESTINATION,
    AIS_DTE,
    AIS_ALT,
    AIS_REGIONAL,
    AIS_ASSIGNED,
    AIS_RESERVED,
    AIS_CS,
    AIS_DISPLAY,
    AIS_DSC,
    AIS_BAND,
    AIS_MSG22,
    AIS_AID_TYPE,
    AIS_AID_NAME,
    AIS_OFF_POSITION,
    AIS_VIRTUAL_AID,
    AIS_PART,
    AIS_VENDORID,
    AIS_VENDORID_OLD,
    AIS_MODEL,
    AIS_SERIAL,
    AIS_MOTHERSHIP_MMSI,
    AIS_GNSS,
    AIS_FIELD_COUNT,
};

/* Types 1, 2, 3. */
struct ais_position_a {
    uint8_t status;   /* navigation status, 15 undefined */
    int8_t turn;      /* rate of turn indicator; +-127 faster than 5 degrees per 30 s, -128 n/a */
    uint16_t speed;   /* 0.1 knot; 1022 is 102.2 or more, 1023 n/a */
    bool accuracy;    /* better than 10 m */
    int32_t lon;      /* 1/10000 minute, east positive */
    int32_t lat;      /* 1/10000 minute, north positive */
    uint16_t course;  /* over ground, 0.1 degree; 3600 n/a */
    uint16_t heading; /* true, degree; 511 n/a */
    uint8_t second;   /* UTC second of the fix; 60 n/a, 61 manual, 62 dead reckoning, 63 none */
    uint8_t maneuver; /* 0 n/a, 1 none special, 2 special */
    bool raim;
    uint32_t radio; /* communication state, 19 bits */
};

/* Type 4. */
struct ais_base_station {
    uint16_t year;  /* UTC; 0 n/a */
    uint8_t month;  /* 0 n/a */
    uint8_t day;    /* 0 n/a */
    uint8_t hour;   /* 24 n/a */
    uint8_t minute; /* 60 n/a */
    uint8_t second; /* 60 n/a */
    bool accuracy;
    int32_t lon;
    int32_t lat;
    uint8_t epfd; /* kind of position device */
    bool raim;
    uint32_t radio; /* 19 bits */
};

/* Type 5. The month, day, hour and minute are those of the estimated time of arrival, UTC. */
struct ais_static_a {
    uint8_t ais_version;
    uint32_t imo; /* 0 n/a */
    char callsign[AIS_CALLSIGN_LENGTH + 1];
    char shipname[AIS_NAME_LENGTH + 1];
    uint8_t shiptype; /* ship and cargo type */
    uint16_t to_bow;  /* metres from the antenna; all four 0: n/a */
    uint16_t to_stern;
    uint8_t to_port;
    uint8_t to_starboard;
    uint8_t epfd;
    uint8_t month;   /* 0 n/a */
    uint8_t day;     /* 0 n/a */
    uint8_t hour;    /* 24 n/a */
    uint8_t minute;  /* 60 n/a */
    uint8_t draught; /* 0.1 m; 0 n/a */
    char destination[AIS_DESTINATION_LENGTH + 1];
    bool dte; /* true: data terminal not ready */
};

/* Type 9. */
struct ais_aircraft {
    uint16_t alt;   /* metres; 4094 is that or more, 4095 n/a */
    uint16_t speed; /* whole knots; 1023 n/a */
    bool accuracy;
    int32_t lon;
    int32_t lat;
    uint16_t course;
    uint8_t second;
    uint8_t regional;
    bool dte;
    bool assigned;
    bool raim;
    uint32_t radio; /* 20 bits: selector and communication state */
};

/* Type 18. */
struct ais_position_b {
    uint8_t reserved;
    uint16_t speed; /* 0.1 knot; 1023 n/a */
    bool accuracy;
    int32_t lon;
    int32_t lat;
    uint16_t course;
    uint16_t heading;
    uint8_t second;
    uint8_t regional;
    bool cs; /* carrier-sense unit */
    bool display;
    bool dsc;
    bool band;
    bool msg22;
    bool assigned;
    bool raim;
    uint32_t radio; /* 20 bits */
};

/* Type 19. */
struct ais_extended_b {
    uint8_t reserved;
    uint16_t speed; /* 0.1 knot; 1023 n/a */
    bool accuracy;
    int32_t lon;
    int32_t lat;
    uint16_t course;
    uint16_t heading;
    uint8_t second;
    uint8_t regional;
    char shipname[AIS_NAME_LENGTH + 1];
    uint8_t shiptype;
    uint16_t to_bow;
    uint16_t to_stern;
    uint8_t to_port;
    uint8_t to_starboard;
    uint8_t epfd;
    bool raim;
    bool dte;
    bool assigned;
};

/* Type 21. The name includes its extension of up to 14 characters. */
struct ais_aid {
    uint8_t aid_type;
    char name[AIS_AID_NAME_LENGTH + 1];
    bool accuracy;
    int32_t lon;
    int32_t lat;
    uint16_t to_bow;
    uint16_t to_stern;
    uint8_t to_port;
    uint8_t to_starboard;
    uint8_t epfd;
    uint8_t second;
    bool off_position; /* only meaningful if second <= 59 */
    uint8_t regional;  /* status of light, RACON and health */
    bool raim;
    bool virtual_aid;
    bool assigned;
};

/*
 * Type 24. Part A carries the name alone, part B all the others; ais_has() tells them apart too.
 * A craft of a parent ship (MMSI 98xxxxxxx) sends the parent's MMSI in place of its dimensions.
 */
struct ais_static_b {
    uint8_t part; /* 0: A, 1: B */
    char shipname[AIS_NAME_LENGTH + 1];
    uint8_t shiptype;
    char vendorid[AIS_VENDORID_LENGTH + 1];
    uint8_t model;
    uint32_t serial;
    char vendorid_old[AIS_VENDORID_OLD_LENGTH + 1]; /* bits of the three above as older units use
                                                       them; derived, ais_encode() ignores it */
    char callsign[AIS_CALLSIGN_LENGTH + 1];
    uint16_t to_bow;
    uint16_t to_stern;
    uint8_t to_port;
    uint8_t to_starboard;
    uint32_t mothership_mmsi;
};

/* Type 27. Coarse: positions in 1/10 minute. */
struct ais_long_range {
    bool accuracy;
    bool raim;
    uint8_t status;
    int32_t lon;     /* 1/10 minute */
    int32_t lat;     /* 1/10 minute */
    uint8_t speed;   /* whole knots; 63 n/a */
    uint16_t course; /* whole degrees; 511 n/a */
    bool gnss;       /* true: the position is older than 5 s */
};

/* One message. `type` says which member of the union is in use. */
struct ais_message {
    uint8_t type;     /* 1-5, 9, 18, 19, 21, 24 or 27 */
    uint8_t repeat;   /* 0-3 */
    uint16_t bits;    /* length of the payload, fill bits dropped */
    uint32_t mmsi;    /* of the sender, 0-1073741823 */
    uint64_t present; /* bit set over enum ais_field: fields that the payload held completely */
    union {
        struct ais_position_a position_a;     /* 1, 2, 3 */
        struct ais_base_station base_station; /* 4 */
        struct ais_static_a static_a;         /* 5 */
        struct ais_aircraft aircraft;         /* 9 */
        struct ais_position_b position_b;     /* 18 */
        struct ais_extended_b extended_b;     /* 19 */
        struct ais_aid aid;                   /* 21 */
        struct ais_static_b static_b;         /* 24 */
        struct ais_long_range long_range;     /* 27 */
    };
};

_Static_assert(sizeof(struct ais_message) <= 160,
               "a message is copied through queues: keep it small");
_Static_assert(AIS_FIELD_COUNT <= 64, "the fields present are a 64-bit set");

/* Whether the payload held `field`. Thread: any. */
static inline bool ais_has(const struct ais_message *message, enum ais_field field)
{
    return (message->present >> field & 1) != 0;
}

#endif
