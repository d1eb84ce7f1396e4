/* SPDX-License-Identifier: MIT */
/*
 * Where each field lies in the payload and in struct ais_message: the tables of ITU-R M.1371-5,
 * annex 8, section 3. Decoder and encoder are both driven by them, so they cannot disagree.
 */
#ifndef HALYARD_AIS_LAYOUT_H
#define HALYARD_AIS_LAYOUT_H

#include "ais.h"

#include <stddef.h>

enum ais_kind {
    AIS_KIND_U8,
    AIS_KIND_U16,
    AIS_KIND_U32,
    AIS_KIND_S8,
    AIS_KIND_S32,
    AIS_KIND_FLAG,
    AIS_KIND_TEXT,
};

struct ais_layout_field {
    uint16_t start;  /* bit */
    uint8_t width;   /* bits; 6 a character */
    uint8_t kind;    /* enum ais_kind: that of the member */
    uint16_t member; /* offset in struct ais_message */
    uint8_t field;   /* enum ais_field */
};

struct ais_layout {
    const struct ais_layout_field *fields; /* in the order of their bits */
    uint8_t field_count;
    uint16_t bits_min; /* shorter payloads are rejected: what makes the message useful is missing */
    uint16_t bits;     /* full length, spare bits at the end included */
};

enum {
    /* Type 21: its name goes on after the last fixed field. */
    AIS_AID_EXTENSION_START = 272,
    AIS_AID_EXTENSION_LENGTH = AIS_AID_NAME_LENGTH - AIS_NAME_LENGTH,
    /* Type 24: the part number and, in part B of an auxiliary craft, the parent in place of
     * dimensions. */
    AIS_PART_START = 38,
    AIS_PART_WIDTH = 2,
};

/*
 * The layout of a type, NULL if the type is not built. `part` and `mmsi` matter to type 24 only:
 * NULL for parts other than 0 and 1. Static memory. Thread: any.
 */
const struct ais_layout *ais_layout(unsigned type, unsigned part, uint32_t mmsi);

/* Whether the MMSI has the form 98xxxxxxx: a craft associated with a parent ship. */
static inline bool ais_mmsi_is_auxiliary(uint32_t mmsi)
{
    return mmsi / 10000000 == 98;
}

#endif
