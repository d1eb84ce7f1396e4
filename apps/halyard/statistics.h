/* SPDX-License-Identifier: MIT */
/* All counters of the gateway as JSON: the body of /api/stat.json. */
#ifndef HALYARD_STATISTICS_H
#define HALYARD_STATISTICS_H

#include "gateway.h"
#include "protocol.h"

/* Messages that clients did not get: by the policy of full queues, or still queued as they went. */
uint64_t statistics_dropped(const struct hy_ws_server_counters *web);

/* Writes all counters; errors and ownership as the functions of protocol.h. Thread: the gateway's.
 */
int statistics_json(const struct gateway *gateway, struct protocol_text *ret_text);

#endif
