/* SPDX-License-Identifier: MIT */
/*
 * Where the simulated fleet sails: points from the Elbe to the Channel, Norway and the Baltic, the
 * legs between them, and the shortest way from each to each. Distances in nautical miles, angles in
 * degrees; the earth is flat enough over one leg.
 */
#ifndef HALYARD_SEA_LANES_H
#define HALYARD_SEA_LANES_H

#include <stddef.h>
#include <stdint.h>

enum {
    SEA_POINT_MAX = 136,
};

struct sea_point {
    double lat, lon;
    double width_nm;  /* of free water to each side */
    const char *port; /* UN/LOCODE where ships can berth; NULL: open water */
};

struct sea_lanes {
    float distance_nm[SEA_POINT_MAX][SEA_POINT_MAX]; /* along the legs; infinite: no way */
    uint8_t next[SEA_POINT_MAX][SEA_POINT_MAX];      /* the point after [from] on the way to [to] */
    uint8_t ports[SEA_POINT_MAX];
    unsigned port_count;
};

/* Works out all ways; the same result every time. */
void sea_lanes_init(struct sea_lanes *lanes);

unsigned sea_point_count(void);
/* `index` below the count. */
const struct sea_point *sea_point(unsigned index);

double sea_distance_nm(double lat1, double lon1, double lat2, double lon2);
/* From the first to the second, 0 to below 360. */
double sea_bearing(double lat1, double lon1, double lat2, double lon2);
/* Moves a position along a bearing. */
void sea_move(double *lat, double *lon, double bearing, double distance_nm);

#endif
