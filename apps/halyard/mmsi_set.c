/* SPDX-License-Identifier: MIT */
/* A set of MMSIs; see mmsi_set.h. */
#include "mmsi_set.h"

#include <errno.h>
#include <stdlib.h>

enum {
    PLACES_AT_FIRST = 1024,
};

void mmsi_set_init(struct mmsi_set *set)
{
    set->places = NULL;
    set->place_count = 0;
    set->count = 0;
}

/* The place of `entry`, or the free one where it belongs. */
static uint32_t *find(const struct mmsi_set *set, uint32_t entry)
{
    size_t mask = set->place_count - 1;
    size_t i = (entry * UINT32_C(2654435761)) >> 7;

    while (set->places[i & mask] != 0 && set->places[i & mask] != entry) {
        i++;
    }
    return &set->places[i & mask];
}

static int grow(struct mmsi_set *set)
{
    struct mmsi_set larger = {.count = set->count};

    larger.place_count = set->place_count == 0 ? PLACES_AT_FIRST : set->place_count * 2;
    larger.places = calloc(larger.place_count, sizeof(*larger.places));
    if (larger.places == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < set->place_count; i++) {
        if (set->places[i] != 0) {
            *find(&larger, set->places[i]) = set->places[i];
        }
    }
    free(set->places);
    *set = larger;
    return 0;
}

int mmsi_set_add(struct mmsi_set *set, uint32_t mmsi)
{
    if (set->count * 2 >= set->place_count) {
        int error = grow(set);

        if (error < 0) {
            return error;
        }
    }
    uint32_t *place = find(set, mmsi + 1);
    if (*place == 0) {
        *place = mmsi + 1;
        set->count++;
    }
    return 0;
}

size_t mmsi_set_count(const struct mmsi_set *set)
{
    return set->count;
}

void mmsi_set_fini(struct mmsi_set *set)
{
    free(set->places);
    mmsi_set_init(set);
}
