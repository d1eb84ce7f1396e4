/* SPDX-License-Identifier: MIT */
/* Who the simulated ships are: kind, flag, invented name and numbers, size. Pure functions. */
#ifndef HALYARD_FLEET_IDENTITY_H
#define HALYARD_FLEET_IDENTITY_H

#include "ais/ais.h"

struct identity {
    uint32_t mmsi;
    uint32_t imo; /* with a right check digit; 0: none */
    char name[AIS_NAME_LENGTH + 1];
    char callsign[AIS_CALLSIGN_LENGTH + 1];
    uint8_t shiptype;
    uint8_t status; /* navigation status under way */
    bool is_class_b;
    uint16_t to_bow, to_stern; /* m */
    uint8_t to_port, to_starboard;
    uint8_t draught;     /* 0.1 m; 0 with Class B */
    double cruise;       /* knots */
    double turn_max;     /* degrees a minute */
    double acceleration; /* knots a second */
};

/* The ship with this number, drawn from `*random`. No two numbers below a million share an MMSI. */
void identity_make(struct identity *identity, uint32_t number, uint64_t *random);

#endif
