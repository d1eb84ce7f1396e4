/* SPDX-License-Identifier: MIT */
/* One complete payload to one message. Pure functions without state. */
#ifndef HALYARD_AIS_DECODE_H
#define HALYARD_AIS_DECODE_H

#include "ais.h"
#include "bits.h"
#include "reject.h"

/*
 * Decodes `bits` into `ret_message`. Payloads longer than their type are accepted and the tail is
 * ignored; shorter ones are accepted while they hold a position (static reports: a name or call
 * sign), and the fields that they lack are absent.
 *
 * Returns AIS_REJECT_NONE, or TYPE_INVALID, TYPE_NOT_BUILT, LENGTH or PART; then the message has
 * only its type, repeat, mmsi and length (those that the payload reaches). Thread: any.
 */
enum ais_reject ais_decode(const struct ais_bits *bits, struct ais_message *ret_message);

#endif
