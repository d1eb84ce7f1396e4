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
/* The function that a linked connection calls; ret_context may be NULL. Lock held. */
hy_slot hy__connection_slot(const struct hy__connection *connection, const void **ret_context);
/* What is left to be done when the lock has been let go. Zeros: nothing. */
struct hy__bin {
    struct hy__connection *freed;             /* reaped, to be recycled */
    struct hy__extension *ended, *last_ended; /* of connections that were cut, in that order */
};
/* Unlinks and buries. Lock held; false: somebody else already did. */
bool hy__hub_bury(struct hy_hub *hub, struct hy__connection *connection, struct hy__bin *bin);
/* Takes the graves that nobody can reach any more. Lock held. */
void hy__hub_reap(struct hy_hub *hub, struct hy__bin *bin);
/* The same if there are enough of them. */
void hy__hub_reap_if_due(struct hy_hub *hub, struct hy__bin *bin);
/* No lock held: user code runs (destroy of a context, connection_changed). */
void hy__bin_empty(struct hy__bin *bin);

#endif
