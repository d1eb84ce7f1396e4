/* SPDX-License-Identifier: MIT */
/* A set of MMSIs: open addressing, grows by doubling. Belongs to one thread. */
#ifndef HALYARD_MMSI_SET_H
#define HALYARD_MMSI_SET_H

#include <stddef.h>
#include <stdint.h>

struct mmsi_set {
    uint32_t *places; /* MMSI plus one; 0 is free. A power of two, at most half of them taken. */
    size_t place_count;
    size_t count;
};

/* Empty, without memory. */
void mmsi_set_init(struct mmsi_set *set);

/* Adds `mmsi` (30 bits). Returns 0, or -ENOMEM with the set unchanged. */
int mmsi_set_add(struct mmsi_set *set, uint32_t mmsi);

size_t mmsi_set_count(const struct mmsi_set *set);

/* Frees the memory; the set is empty. */
void mmsi_set_fini(struct mmsi_set *set);

#endif
