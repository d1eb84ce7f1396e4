/* SPDX-License-Identifier: MIT */
/*
 * Joins the fragments of a message. A bounded table of messages under way, each with a key of
 * source, station or tag-block group, VDM or VDO, fragment count, sequence id and channel;
 * fragments may come in any order and between other things. Every fragment that is let go is
 * counted in the counters given.
 *
 * Invariant: counters->held is the number of fragments in all open slots.
 */
#ifndef HALYARD_AIS_ASSEMBLER_H
#define HALYARD_AIS_ASSEMBLER_H

#include "bits.h"
#include "counters.h"
#include "origin.h"
#include "sentence.h"

enum {
    AIS_SLOT_COUNT = 64,
    AIS_FRAGMENT_COUNT_MAX = 9,
};

/* A message of which some fragments are there. */
struct ais_slot {
    int64_t first_ns;       /* when the first of its fragments came */
    uint64_t last_sentence; /* counters->sentences when the last of them came */
    uint32_t source;
    uint16_t size; /* of text */
    int16_t sequence_id;
    char channel;
    bool own_ship;
    uint8_t fragment_count;
    uint8_t held;                                /* fragments there */
    uint16_t start[AIS_FRAGMENT_COUNT_MAX + 1];  /* where in text fragment n lies; from 1 */
    uint16_t length[AIS_FRAGMENT_COUNT_MAX + 1]; /* its size */
    uint16_t have;                               /* bit n: fragment n is there */
    uint8_t fill[AIS_FRAGMENT_COUNT_MAX +
                 1];          /* its fill bits: 0 but for the last, or from a bad sender */
    struct ais_origin origin; /* of the first that told any */
    char text[AIS_PAYLOAD_MAX];
};

struct ais_assembler {
    struct ais_counters *counters; /* the caller counts sentences, the assembler drops */
    int64_t timeout_ns;            /* for messages whose first fragment is there */
    int64_t reorder_ns;            /* for those that lack it: ids wrap, so it must follow soon */
    uint64_t open;                 /* bit n: slots[n] is in use */
    struct ais_slot slots[AIS_SLOT_COUNT];
};

/* A complete payload. */
struct ais_assembly {
    struct ais_bits bits;
    bool is_valid; /* the armour is right; if not, the bits are unspecified */
    char channel;
    struct ais_origin origin;
};

/* No slot open. Thread: any; the assembler belongs to one thread at a time. */
void ais_assembler_init(struct ais_assembler *assembler, struct ais_counters *counters,
                        int64_t timeout_ns, int64_t reorder_ns);

/*
 * Takes a good fragment (fragment_count above 1) that came at `now_ns`. Times that the feed tells
 * count too: fragments whose own times lie further apart than the time-out are not of one message,
 * however close they came (a recording read at full speed). Returns true when it completes its
 * message, which then is in `ret_assembly` and no longer held; false when it is held or was
 * rejected.
 */
bool ais_assembler_add(struct ais_assembler *assembler, const struct ais_sentence *sentence,
                       const struct ais_origin *origin, uint32_t source, int64_t now_ns,
                       struct ais_assembly *ret_assembly);

/* Lets go of what timed out by the caller's clock. A clock that jumped back by more than the
 * time-out lets go too. */
void ais_assembler_expire(struct ais_assembler *assembler, int64_t now_ns);

#endif
