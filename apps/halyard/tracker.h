/* SPDX-License-Identifier: MIT */
/*
 * The vessels: one record for each MMSI, put together from all its messages. Plain data of one
 * thread; no I/O and no clock, the caller tells the time.
 *
 * What wins. Identity (name, call sign, IMO number, ship type, dimensions, kind of aid): the newest
 * that says something; "not available" never erases. Position: the newest valid one; a message
 * without a valid one (out of range, or not available) leaves it. Movement and voyage (speed,
 * course, heading, status, turn, draught, destination, ETA): the newest, and "not available" makes
 * them unknown again. A long-range report (type 27) counts only where no other position is fresh,
 * that is, younger than the stale time. Both parts of a type 24 are merged in any order.
 *
 * Class: the form of the MMSI first (ITU-R M.585), then the types heard; types 24 and 27 alone
 * decide nothing.
 *
 * Left for later: no check of plausibility beyond the range of values. A jump, a corrupt name with
 * a right checksum, two ships with one MMSI, and one report heard by several stations are taken as
 * they come.
 *
 * For the protocol, each record knows which fields changed since the last tracker_clear_changes().
 * The round of `serve`:
 *
 *     send protocol_gone(tracker_removed(...)), then protocol_delta(tracker, ...);
 *     tracker_clear_changes(tracker);
 *
 * in that order: a vessel may have been removed and heard again in between.
 */
#ifndef HALYARD_TRACKER_H
#define HALYARD_TRACKER_H

#include "ais/ais.h"

#include <stddef.h>

/* The fields of a vessel, in the order of the protocol. */
enum vessel_field {
    VESSEL_MMSI,
    VESSEL_CLASS,
    VESSEL_NAME,
    VESSEL_CALLSIGN,
    VESSEL_IMO,
    VESSEL_SHIPTYPE, /* 0-99 */
    VESSEL_LAT,      /* 1/600000 degree, north positive */
    VESSEL_LON,      /* 1/600000 degree, east positive */
    VESSEL_COARSE,   /* 1: the position is that of a type 27, to 1/10 minute */
    VESSEL_SOG,      /* 0.1 knot */
    VESSEL_COG,      /* 0.1 degree, 0-3599 */
    VESSEL_HEADING,  /* degree, 0-359 */
    VESSEL_STATUS,   /* 0-15 */
    VESSEL_TURN,     /* rate of turn indicator as sent, -127 to 127; vessel_turn() */
    VESSEL_DRAUGHT,  /* 0.1 m */
    VESSEL_DESTINATION,
    VESSEL_ETA,    /* decimal MMDDhhmm; known only with all four parts valid */
    VESSEL_TO_BOW, /* m from the antenna, as the three that follow */
    VESSEL_TO_STERN,
    VESSEL_TO_PORT,
    VESSEL_TO_STARBOARD,
    VESSEL_AID_TYPE, /* 0-31 */
    VESSEL_VIRTUAL,  /* 1: an aid to navigation without a body */
    VESSEL_ALTITUDE, /* m */
    VESSEL_STALE,    /* 1: nothing heard for the stale time */
    VESSEL_SEEN,
    VESSEL_MESSAGES,
    VESSEL_FIELD_COUNT
};

enum vessel_class {
    VESSEL_CLASS_UNKNOWN,
    VESSEL_CLASS_A,
    VESSEL_CLASS_B,
    VESSEL_CLASS_BASE,
    VESSEL_CLASS_ATON,
    VESSEL_CLASS_AIRCRAFT,
    VESSEL_CLASS_DISTRESS,
    VESSEL_CLASS_COUNT
};

/*
 * One vessel, base station, aid to navigation and so on. `number` holds the fields that are numbers
 * in the units above, zero where not known; the others have members of their own.
 */
struct vessel {
    uint32_t mmsi;
    uint32_t known;   /* bit set over enum vessel_field */
    uint32_t changed; /* the same: value, or whether it is known, since the last clearing */
    uint32_t types;   /* bit set of the message types heard */
    int32_t number[VESSEL_FIELD_COUNT];
    char name[AIS_AID_NAME_LENGTH + 1]; /* texts are printable ASCII; empty if not known */
    char callsign[AIS_CALLSIGN_LENGTH + 1];
    char destination[AIS_DESTINATION_LENGTH + 1];
    uint32_t messages;
    int64_t seen_s;    /* UNIX time of the last message */
    int64_t heard_ns;  /* its now_ns */
    int64_t placed_ns; /* now_ns of the last position that is not coarse */

    /* private */
    uint32_t change_index; /* place in the list of changes, if `changed` */
    uint32_t older, newer; /* neighbours in its list, or UINT32_MAX; `newer` of a free one: the next
                              free one */
    bool in_use;
};

struct tracker_options {
    int64_t stale_ns;  /* nothing heard for so long: stale; 0: TRACKER_STALE_NS */
    int64_t remove_ns; /* nothing heard for so long: removed; 0: TRACKER_REMOVE_NS */
};

#define TRACKER_STALE_NS  INT64_C(480000000000)  /* 8 min: almost three reports at anchor */
#define TRACKER_REMOVE_NS INT64_C(1800000000000) /* 30 min */

/* Vessels by the time they were heard; indexes, or UINT32_MAX in an empty one. */
struct vessel_list {
    uint32_t oldest, newest;
};

/* Private but for the size; see the functions. */
struct tracker {
    struct tracker_options options;
    struct vessel *vessels; /* `room` of them; a free one is a link of a list */
    size_t room;            /* length of vessels and of changes */
    size_t used;            /* vessels below this one were in use at some time */
    size_t count;           /* vessels in use */
    uint32_t first_free;    /* index, or UINT32_MAX */
    uint32_t *places;       /* hash: index plus 1; 0 is free; a power of two, at most half taken */
    size_t place_count;
    struct vessel_list heard, silent; /* silent: those that are stale */
    uint32_t *changes;                /* indexes of the vessels with changes, each once */
    size_t change_count;
    uint32_t *removed; /* MMSIs */
    size_t removed_count;
    size_t removed_room;
    uint64_t messages; /* taken */
};

struct tracker_counts {
    size_t vessels;
    size_t by_class[VESSEL_CLASS_COUNT];
    size_t placed; /* with a position */
    size_t named;
    size_t stale;
    uint64_t messages; /* taken since init */
};

/* Empty, without memory. `options` may be NULL. */
void tracker_init(struct tracker *tracker, const struct tracker_options *options);

/* Frees everything; the tracker is empty. */
void tracker_fini(struct tracker *tracker);

/*
 * Takes a message that came at `now_ns` (any clock that does not run backwards) and `unix_s`. Any
 * message is a sign of life. Returns 0, or -HY_ENOMEM with nothing changed: the message was not
 * taken.
 */
int tracker_update(struct tracker *tracker, const struct ais_message *message, int64_t now_ns,
                   int64_t unix_s);

/*
 * Marks the vessels that are stale at `now_ns` and removes those not heard for long enough. Call it
 * about once a second. Returns how many were removed, or -HY_ENOMEM: those that could not be noted
 * as removed stay until the next call. Costs what has become stale and what is removed, not what
 * there is.
 */
int tracker_expire(struct tracker *tracker, int64_t now_ns);

/* How many vessels there are. */
size_t tracker_count(const struct tracker *tracker);

/* Counts all; walks over all vessels. */
void tracker_get_counts(const struct tracker *tracker, struct tracker_counts *ret_counts);

/* The vessel, or NULL. Like every vessel handed out: valid until the next update or expiry. */
const struct vessel *tracker_find(const struct tracker *tracker, uint32_t mmsi);

/*
 * The next vessel, or NULL at the end; `*cursor` starts at 0. Updates between two calls are
 * allowed: a vessel that is there all the time is met exactly once.
 */
const struct vessel *tracker_next(const struct tracker *tracker, size_t *cursor);

/* Vessels with changes since the last clearing: how many, and each of them (index below that). */
size_t tracker_changed_count(const struct tracker *tracker);
const struct vessel *tracker_changed(const struct tracker *tracker, size_t index);

/* MMSIs removed since the last clearing; valid until the next expiry. */
const uint32_t *tracker_removed(const struct tracker *tracker, size_t *ret_count);

/* Forgets which vessels changed and which were removed: all of it was told. */
void tracker_clear_changes(struct tracker *tracker);

/* Whether the field has a value. */
static inline bool vessel_knows(const struct vessel *vessel, enum vessel_field field)
{
    return (vessel->known >> field & 1) != 0;
}

/*
 * Rate of turn in degrees a minute, right positive, from the indicator as sent (ITU-R M.1371-5,
 * annex 8, table 48). "More than 5 degrees in 30 s, no indicator" gives 10, the least it can mean.
 */
double vessel_turn(int32_t indicator);

#endif
