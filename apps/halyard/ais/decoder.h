/* SPDX-License-Identifier: MIT */
/*
 * The whole way from received bytes to messages: scanning, checksums, tag blocks, assembly,
 * decoding and the account of it all. No allocation, no I/O, no clock: the caller tells the time.
 * About 35 kB of plain memory that belongs to one thread at a time.
 *
 *     static void heard(void *context, const struct ais_report *report) { ... }
 *
 *     struct ais_decoder decoder;
 *     ais_decoder_init(&decoder, NULL);
 *     ais_decoder_feed(&decoder, datagram, size, source, now_ns, heard, context);
 *     printf("%" PRIu64 " messages\n", decoder.counters.messages);
 *     ais_decoder_fini(&decoder);
 */
#ifndef HALYARD_AIS_DECODER_H
#define HALYARD_AIS_DECODER_H

#include "ais.h"
#include "assembler.h"
#include "counters.h"
#include "origin.h"

#include <stddef.h>

/* A message and how it came. Plain bytes: copy it freely. */
struct ais_report {
    struct ais_message message;
    int64_t received_ns;            /* the caller's time of its last sentence */
    int64_t station_ns;             /* UNIX time that the feed tells, in ns; 0: none */
    uint32_t source;                /* the caller's id of socket or file */
    char channel;                   /* 'A', 'B', or what the sender wrote; 0: empty */
    bool own_ship;                  /* VDO */
    char station[AIS_STATION_SIZE]; /* receiving station that the feed tells; empty: none */
};

typedef void (*ais_report_handler)(void *context, const struct ais_report *report);

/* How to decode; zero members mean the default. */
struct ais_decoder_options {
    int64_t timeout_ns; /* life of an incomplete message; default 5 s */
    int64_t reorder_ns; /* the same while its first fragment is missing; default 50 ms */
};

struct ais_decoder {
    struct ais_counters counters; /* for reading */

    /* private */
    struct ais_decoder_options options;
    struct ais_assembler assembler;
    struct ais_origin pending; /* told by a tag block or $PGHP, for the sentence that follows */
    bool has_pending;
    uint32_t pending_source;
};

/* All counters zero. `options` may be NULL. Cannot fail. */
void ais_decoder_init(struct ais_decoder *decoder, const struct ais_decoder_options *options);

/*
 * Takes one datagram, line or buffer of `size` bytes that came at `now_ns` (any clock that does not
 * run backwards) from `source`, and calls `handler` (may be NULL) with `context` for each message,
 * in order. A sentence must lie within one call. The report is valid during the call only. The
 * handler may not feed this decoder.
 */
void ais_decoder_feed(struct ais_decoder *decoder, const void *data, size_t size, uint32_t source,
                      int64_t now_ns, ais_report_handler handler, void *context);

/*
 * Lets go of incomplete messages that timed out at `now_ns`. Feeding does so too: call it only
 * where the counters should be right while nothing comes in.
 */
void ais_decoder_expire(struct ais_decoder *decoder, int64_t now_ns);

/* Ends use. The counters stay readable; nothing else is left to free. */
void ais_decoder_fini(struct ais_decoder *decoder);

#endif
