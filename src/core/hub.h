/* SPDX-License-Identifier: MIT */
/*
 * Between hazard.c, hub.c and connect.c: what they know of a hub beyond internal.h.
 */
#ifndef HALYARD_CORE_HUB_H
#define HALYARD_CORE_HUB_H

#include "core/internal.h"

/* hazard.c: the emissions that walk a hub now. */
struct hy__walkers {
    uint64_t smallest; /* graves above this number stay */
    bool any;
};
struct hy__walkers hy__walkers_of(const struct hy_hub *hub);
/* Whether a walk, parked or not, stands on the connection. */
bool hy__walk_stands_on(const struct hy_hub *hub, const struct hy__connection *connection);

/* hub.c */
/* The hub of the signal, made at first use; NULL: no memory. */
struct hy_hub *hy__hub_of(struct hy_signal_base *signal);
void hy__hub_ref(struct hy_hub *hub);
void hy__hub_unref(struct hy_hub *hub);
/* Unlinks and buries. Lock held; false: somebody else already did. */
bool hy__hub_bury(struct hy_hub *hub, struct hy__connection *connection);
/* Takes the graves that nobody can reach any more. Lock held. */
struct hy__connection *hy__hub_reap(struct hy_hub *hub);
/* Releases what reap took. No lock held. */
void hy__graves_free(struct hy__connection *freed);

#endif
