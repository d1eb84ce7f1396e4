/* SPDX-License-Identifier: MIT */
/* What one message does to one vessel: the rules named in tracker.h, without the store. */
#ifndef HALYARD_VESSEL_H
#define HALYARD_VESSEL_H

#include "tracker.h"

/* A vessel of which nothing is known but its MMSI; no field counts as changed. */
void vessel_init(struct vessel *vessel, uint32_t mmsi);

/*
 * Merges a message that came at `now_ns` and `unix_s`; a position younger than `fresh_ns` is not
 * replaced by a coarse one. Returns the set of fields that changed; the caller notes it.
 */
uint32_t vessel_take(struct vessel *vessel, const struct ais_message *message, int64_t now_ns,
                     int64_t unix_s, int64_t fresh_ns);

/* Marks it stale. Returns the set of fields that changed: none if it is so already. */
uint32_t vessel_set_stale(struct vessel *vessel);

#endif
