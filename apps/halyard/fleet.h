/* SPDX-License-Identifier: MIT */
/*
 * A simulated fleet and the AIS messages it sends: invented ships that sail real waters, some at
 * anchor or at berth, small craft with Class B, buoys, base stations, SAR aircraft. Plain data of
 * one thread; no I/O and no clock: the caller tells how much time has passed. The same options give
 * the same messages.
 *
 * Every station reports as often as the standard says (ITU-R M.1371-5, annex 1, tables 1 and 2):
 * Class A positions every 2 s to 3 min by speed and turn, Class B every 30 s or 3 min, static data
 * every 6 min, aids every 3 min, base stations and aircraft every 10 s. The ships move in real
 * time, whatever the rate.
 */
#ifndef HALYARD_FLEET_H
#define HALYARD_FLEET_H

#include "ais/ais.h"
#include "ais/encode.h"

#include <stddef.h>

enum {
    FLEET_SHIPS_MAX = 200000,
};

struct fleet_options {
    size_t ships;    /* 1 to FLEET_SHIPS_MAX: Class A and B; other stations come on top */
    double rate;     /* reports this many times as often; above 0; 0: 1 */
    uint64_t seed;   /* another one, another fleet */
    int64_t start_s; /* UNIX time at the fleet's time 0 */
};

/* A message to send. Its encoding (channel, sequence id) is the caller's argument to ais_encode().
 */
struct fleet_report {
    int64_t due_ns; /* fleet time */
    struct ais_message message;
    struct ais_encode_options encoding;
};

struct fleet;

/*
 * Makes a fleet at its time 0. Returns 0, or -HY_EINVAL (an option out of its range), -HY_ENOMEM.
 */
int fleet_create(const struct fleet_options *options, struct fleet **ret_fleet);
/* NULL is fine. */
void fleet_destroy(struct fleet *fleet);

/* All stations: ships and the others. */
size_t fleet_station_count(const struct fleet *fleet);

/* Fleet time of the next message; there always is one. */
int64_t fleet_next_ns(const struct fleet *fleet);

/*
 * Takes the next message, if it is due at `now_ns` of fleet time. Returns whether there was one;
 * they come in the order of their due times.
 */
bool fleet_next(struct fleet *fleet, int64_t now_ns, struct fleet_report *ret_report);

#endif
