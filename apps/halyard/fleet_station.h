/* SPDX-License-Identifier: MIT */
/* One simulated station, and the messages that tell of it. */
#ifndef HALYARD_FLEET_STATION_H
#define HALYARD_FLEET_STATION_H

#include "fleet_identity.h"
#include "sailor.h"

#define FLEET_TURNING 4.0 /* degrees a minute: a turn, reported more often and as type 3 */

/* Where an aid or base station stands. */
struct place {
    uint32_t mmsi;
    double lat, lon;
    const char *name;
    uint8_t aid_type;
    bool is_virtual;
};

enum station_kind {
    STATION_SHIP,
    STATION_AIRCRAFT,
    STATION_AID,
    STATION_BASE,
};

struct station {
    enum station_kind kind;
    struct identity identity;
    struct sailor sailor; /* also the place of those that do not move */
    int64_t moved_ns;     /* fleet time at which it is there */
    int64_t position_ns;  /* next reports */
    int64_t static_ns;
    bool part_b_next;
    bool channel_b_next;
    const struct place *place; /* of an aid or base station */
};

/* The position report of the station, at `now_s` (UNIX). */
void station_position(const struct station *station, int64_t now_s, struct ais_message *message);

/* The static report of a Class A ship, at `now_s` (UNIX). */
void station_static_a(const struct station *station, int64_t now_s, struct ais_message *message);

/* That of a Class B one: the part whose turn it is. */
void station_static_b(const struct station *station, struct ais_message *message);

#endif
