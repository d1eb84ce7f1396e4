/* SPDX-License-Identifier: MIT */
/*
 * When and by whom a sentence was received, as told by what stands around it: NMEA 4.10 tag blocks,
 * the Gatehouse $PGHP line, the suffix of the US Coast Guard's network, a plain time before or
 * after it.
 */
#ifndef HALYARD_AIS_ORIGIN_H
#define HALYARD_AIS_ORIGIN_H

#include "slice.h"

enum {
    AIS_STATION_SIZE = 16, /* longer station names are cut */
};

struct ais_origin {
    int64_t time_ns;                /* UNIX time in ns; 0: not told */
    char station[AIS_STATION_SIZE]; /* empty: not told */
    uint32_t group;                 /* hash of the group id; 0: no group */
};

/*
 * Reads the inside of a tag block, `text`: what is between the backslash and the "*". Unknown keys
 * and malformed values are passed over. Thread: any.
 */
void ais_origin_from_tag_block(struct ais_origin *origin, struct ais_slice text);

/*
 * Reads what follows the checksum on the line: ",r<station>,<UNIX s>" among other things, or a UNIX
 * time in s, ms or ns. What `origin` already tells is kept. Thread: any.
 */
void ais_origin_from_suffix(struct ais_origin *origin, struct ais_slice text);

/* Reads what stands before the sentence on its line, if it is a UNIX time. Known things are kept.
 */
void ais_origin_from_prefix(struct ais_origin *origin, struct ais_slice text);

/*
 * Reads a $PGHP sentence (from "$" on). Returns whether it is one that tells a time. Thread: any.
 */
bool ais_origin_from_pghp(struct ais_origin *origin, struct ais_slice text);

#endif
