/* SPDX-License-Identifier: MIT */
/*
 * A recording line by line, each with the moment at which it is to be sent.
 *
 * Time is what stands around the sentences: tag blocks (also with a wrong checksum), $PGHP lines,
 * suffixes, prefixes; see ais/origin.h. A line without one belongs to the time before it. Lines
 * that share a whole second are spread evenly over it. The moments never run backwards: a step back
 * of up to a minute (stations' clocks differ) is sent at once; a larger one, or a gap of more than
 * an hour, goes on as if a second had passed. Before the first time, and in a file without any,
 * lines come at a fixed rate.
 */
#ifndef HALYARD_RECORDING_H
#define HALYARD_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORDING_RATE 400.0 /* lines a second where nothing tells the time */

struct recording; /* opaque */

struct recording_line {
    const char *text;   /* with its line end; one is added if it has none. Not terminated */
    size_t size;        /* bytes */
    int64_t due_ns;     /* from the start of the recording */
    unsigned sentences; /* VDM and VDO in it, good or bad */
};

/*
 * Opens a plain or gzip file, "-" for standard input. `rate`: lines a second where nothing tells
 * the time. Returns 0 and the recording, which the caller closes, or a negative errno code.
 */
int recording_open(const char *path, double rate, struct recording **ret_recording);
/* NULL is fine. */
void recording_close(struct recording *recording);

/*
 * The next line, valid until the next call; blank ones are passed over. Returns 1, 0 at the end, or
 * a negative errno code as input_line().
 */
int recording_next(struct recording *recording, struct recording_line *ret_line);

#endif
