/* SPDX-License-Identifier: MIT */
/*
 * What became of every sentence. Plain values: copy them to report them from another thread.
 *
 * The account, true after every call of the decoder:
 *
 *     sentences = messages + fragments_joined + held + sum of rejected[]
 *
 * A message of n fragments counts its last sentence under `messages` (or, if its payload is not
 * accepted, under one reason) and the n - 1 before it under `fragments_joined`.
 */
#ifndef HALYARD_AIS_COUNTERS_H
#define HALYARD_AIS_COUNTERS_H

#include "ais.h"
#include "reject.h"

#include <stdbool.h>
#include <stdint.h>

struct ais_counters {
    uint64_t bytes;
    uint64_t feeds;               /* datagrams or lines */
    uint64_t sentences;           /* VDM and VDO seen, good or bad */
    uint64_t other_sentences;     /* $GPRMC and so on: passed over */
    uint64_t tag_blocks;          /* all, */
    uint64_t tag_blocks_rejected; /* of which these had a wrong checksum and told nothing */
    uint64_t assembled;           /* complete payloads, whatever their type and length */
    uint64_t assembled_multi;     /* of which these came in several fragments */
    uint64_t messages;            /* decoded and handed out */
    uint64_t fragments_joined;
    uint64_t held; /* fragments waiting for the rest of their message */
    uint64_t decoded_by_type[AIS_TYPE_MAX + 1];
    uint64_t not_built_by_type[AIS_TYPE_MAX + 1];
    uint64_t rejected[AIS_REJECT_COUNT]; /* sentences */
};

/* Sum of rejected[]. Thread: any. */
uint64_t ais_counters_rejected(const struct ais_counters *counters);

/* Whether the account above holds, as do its details by type. Thread: any. */
bool ais_counters_add_up(const struct ais_counters *counters);

#endif
