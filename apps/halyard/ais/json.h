/* SPDX-License-Identifier: MIT */
/* One message as one line of JSON, with gpsdecode's keys and scaling. */
#ifndef HALYARD_AIS_JSON_H
#define HALYARD_AIS_JSON_H

#include "ais.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    AIS_JSON_MAX = 1024, /* room for any message, the terminating NUL included */
};

/*
 * Writes `message` as a JSON object (no line end) into `text`, terminated by NUL. `scaled` as
 * `gpsdecode -s -j`: degrees, knots, metres; otherwise as `gpsdecode -s -u -j`: the integers sent.
 * Absent fields have no key.
 *
 * Where ours differs from gpsdecode 3.22 on purpose: fields that a short payload lacks are left
 * out, not 0; a scaled turn keeps its sign, and is "n/a" (3.22: "nan"); a scaled type 27 has four
 * decimals and both status and status_text, like newer versions; part B of type 24 never repeats
 * the name of part A.
 *
 * Returns the length, or -ENOSPC if `size` is too small, -EINVAL for a type that is not built.
 * Thread: any.
 */
int ais_json(const struct ais_message *message, bool scaled, char *text, size_t size);

#endif
