/* SPDX-License-Identifier: MIT */
/*
 * How one simulated ship moves: along the lanes from port to port on the starboard side, at a
 * bounded rate of turn, slower in narrow water and near its port, where it berths for a while.
 * Plain values; the caller tells how much time passes.
 */
#ifndef HALYARD_SAILOR_H
#define HALYARD_SAILOR_H

#include "sea_lanes.h"

enum sailor_state {
    SAILOR_UNDER_WAY,
    SAILOR_MOORED,
    SAILOR_ANCHORED,
    SAILOR_FLYING, /* an aircraft: straight from point to point */
};

struct sailor {
    const struct sea_lanes *lanes;
    uint64_t random;
    enum sailor_state state;
    double lat, lon;
    double course;       /* degrees, 0 to below 360 */
    double speed;        /* knots */
    double turn;         /* degrees a minute, + right */
    double cruise;       /* knots in open water */
    double turn_max;     /* degrees a minute */
    double acceleration; /* knots a second */
    uint8_t from, to, destination;

    /* private */
    double side;                   /* 0-1: how far out on the starboard side of the lane */
    double target_lat, target_lon; /* where to steer: off `to`, on its side */
    double switch_nm;              /* the turn to the next leg begins so far before it */
    double rest_s;                 /* left at berth */
};

/*
 * Puts the ship somewhere on a voyage between two ports. `cruise`, `turn_max` and `acceleration`
 * are set by the caller before, `random` as well: with it, all that the ship does is determined.
 */
void sailor_start(struct sailor *sailor, const struct sea_lanes *lanes);
/* The same at its berth, for some time. */
void sailor_start_moored(struct sailor *sailor, const struct sea_lanes *lanes);
/* At anchor within `radius_nm` of a place, for good. */
void sailor_start_anchored(struct sailor *sailor, double lat, double lon, double radius_nm);
/* In the air. */
void sailor_start_flying(struct sailor *sailor, const struct sea_lanes *lanes);

/* Lets time pass. */
void sailor_advance(struct sailor *sailor, double seconds);

/* Nautical miles left to the destination. */
double sailor_distance_left(const struct sailor *sailor);

#endif
