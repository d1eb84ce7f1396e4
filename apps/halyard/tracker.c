/* SPDX-License-Identifier: MIT */
/*
 * The store: vessels in slots that keep their index for life, a hash from MMSI to slot with linear
 * probing, the lists of those heard and those stale by the time they were heard, the list of
 * changes and the list of removals. What a message does to a vessel is in vessel.c.
 *
 * Invariant: places are at most half taken, so probing ends; a vessel is in `changes` exactly if
 * its `changed` is not 0, at its change_index; it is in `silent` exactly if it is stale, else in
 * `heard`.
 */
#include "tracker.h"

#include "vessel.h"

#include <halyard/error.h>
#include <halyard/memory.h>
#include <string.h>

#define NO_INDEX UINT32_MAX

enum {
    ROOM_FIRST = 64,
    ROOM_MAX = 1 << 29, /* indexes, and the hash of twice the size, stay within 32 bits */
};

void tracker_init(struct tracker *tracker, const struct tracker_options *options)
{
    memset(tracker, 0, sizeof(*tracker));
    if (options != NULL) {
        tracker->options = *options;
    }
    if (tracker->options.stale_ns <= 0) {
        tracker->options.stale_ns = TRACKER_STALE_NS;
    }
    if (tracker->options.remove_ns <= 0) {
        tracker->options.remove_ns = TRACKER_REMOVE_NS;
    }
    tracker->first_free = NO_INDEX;
    tracker->heard = tracker->silent = (struct vessel_list){NO_INDEX, NO_INDEX};
}

void tracker_fini(struct tracker *tracker)
{
    struct tracker_options options = tracker->options;

    hy_memory_release(tracker->vessels);
    hy_memory_release(tracker->places);
    hy_memory_release(tracker->changes);
    hy_memory_release(tracker->removed);
    tracker_init(tracker, &options);
}

/* --- hash ------------------------------------------------------------------------------------ */

static size_t home_place(const struct tracker *tracker, uint32_t mmsi)
{
    /* Fibonacci hashing: MMSIs come in dense runs, the high bits of the product do not. */
    return (size_t)((mmsi * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (tracker->place_count - 1);
}

/* The place of the MMSI, or the free one where it belongs. */
static size_t find_place(const struct tracker *tracker, uint32_t mmsi)
{
    size_t place = home_place(tracker, mmsi);

    while (tracker->places[place] != 0 &&
           tracker->vessels[tracker->places[place] - 1].mmsi != mmsi) {
        place = (place + 1) & (tracker->place_count - 1);
    }
    return place;
}

/* Frees a place and moves up those behind it that could not have stayed otherwise. */
static void clear_place(struct tracker *tracker, size_t hole)
{
    size_t mask = tracker->place_count - 1;

    for (size_t place = (hole + 1) & mask; tracker->places[place] != 0;
         place = (place + 1) & mask) {
        size_t home = home_place(tracker, tracker->vessels[tracker->places[place] - 1].mmsi);

        if (((place - home) & mask) >= ((place - hole) & mask)) {
            tracker->places[hole] = tracker->places[place];
            hole = place;
        }
    }
    tracker->places[hole] = 0;
}

static int grow_places(struct tracker *tracker, size_t place_count)
{
    uint32_t *places = hy_memory_allocate_zeroed(place_count * sizeof(*places));

    if (places == NULL) {
        return -HY_ENOMEM;
    }
    hy_memory_release(tracker->places);
    tracker->places = places;
    tracker->place_count = place_count;
    for (size_t i = 0; i < tracker->used; i++) {
        if (tracker->vessels[i].in_use) {
            places[find_place(tracker, tracker->vessels[i].mmsi)] = (uint32_t)i + 1;
        }
    }
    return 0;
}

/* --- lists ----------------------------------------------------------------------------------- */

static struct vessel_list *list_of(struct tracker *tracker, const struct vessel *vessel)
{
    return vessel->number[VESSEL_STALE] != 0 ? &tracker->silent : &tracker->heard;
}

/* Where the link to the vessel's newer neighbour is kept, that of the list's end for none. */
static uint32_t *link_to_newer(struct tracker *tracker, struct vessel_list *list, uint32_t index)
{
    return index != NO_INDEX ? &tracker->vessels[index].newer : &list->oldest;
}

static uint32_t *link_to_older(struct tracker *tracker, struct vessel_list *list, uint32_t index)
{
    return index != NO_INDEX ? &tracker->vessels[index].older : &list->newest;
}

static void list_remove(struct tracker *tracker, struct vessel *vessel)
{
    struct vessel_list *list = list_of(tracker, vessel);

    *link_to_newer(tracker, list, vessel->older) = vessel->newer;
    *link_to_older(tracker, list, vessel->newer) = vessel->older;
}

/* Puts the vessel where its time belongs: at the end, as long as the caller's clock goes on. */
static void list_insert(struct tracker *tracker, struct vessel *vessel)
{
    struct vessel_list *list = list_of(tracker, vessel);
    uint32_t index = (uint32_t)(vessel - tracker->vessels);

    vessel->older = list->newest;
    while (vessel->older != NO_INDEX &&
           tracker->vessels[vessel->older].heard_ns > vessel->heard_ns) {
        vessel->older = tracker->vessels[vessel->older].older;
    }
    uint32_t *link = link_to_newer(tracker, list, vessel->older);
    vessel->newer = *link;
    *link = index;
    *link_to_older(tracker, list, vessel->newer) = index;
}

/* --- slots ----------------------------------------------------------------------------------- */

static int grow(struct tracker *tracker)
{
    size_t room = tracker->room == 0 ? ROOM_FIRST : tracker->room * 2;

    if (room > ROOM_MAX) {
        return hy_error_set(-HY_ENOMEM, "the tracker is full: %zu vessels", tracker->count);
    }
    uint32_t *changes = hy_memory_resize(tracker->changes, room * sizeof(*changes));
    if (changes == NULL) {
        return -HY_ENOMEM;
    }
    tracker->changes = changes;
    struct vessel *vessels = hy_memory_resize(tracker->vessels, room * sizeof(*vessels));
    if (vessels == NULL) {
        return -HY_ENOMEM;
    }
    tracker->vessels = vessels;
    if (grow_places(tracker, room * 2) < 0) {
        return -HY_ENOMEM;
    }
    tracker->room = room;
    return 0;
}

/* A slot for a new vessel; there is room for it. */
static uint32_t take_slot(struct tracker *tracker)
{
    uint32_t index = tracker->first_free;

    if (index != NO_INDEX) {
        tracker->first_free = tracker->vessels[index].newer;
        return index;
    }
    return (uint32_t)tracker->used++;
}

static void drop_change(struct tracker *tracker, struct vessel *vessel)
{
    if (vessel->changed == 0) {
        return;
    }
    uint32_t last = tracker->changes[--tracker->change_count];

    tracker->changes[vessel->change_index] = last;
    tracker->vessels[last].change_index = vessel->change_index;
    vessel->changed = 0;
}

static void note_change(struct tracker *tracker, struct vessel *vessel, uint32_t fields)
{
    if (vessel->changed == 0 && fields != 0) {
        vessel->change_index = (uint32_t)tracker->change_count;
        tracker->changes[tracker->change_count++] = (uint32_t)(vessel - tracker->vessels);
    }
    vessel->changed |= fields;
}

/* The vessel of the MMSI, made if need be; NULL when memory is short. */
static struct vessel *provide(struct tracker *tracker, uint32_t mmsi, int64_t now_ns)
{
    if (tracker->place_count > 0) {
        uint32_t held = tracker->places[find_place(tracker, mmsi)];

        if (held != 0) {
            return &tracker->vessels[held - 1];
        }
    }
    if (tracker->count == tracker->room && grow(tracker) < 0) {
        return NULL;
    }
    uint32_t index = take_slot(tracker);
    struct vessel *vessel = &tracker->vessels[index];
    vessel_init(vessel, mmsi);
    vessel->heard_ns = now_ns;
    vessel->in_use = true;
    list_insert(tracker, vessel);
    tracker->places[find_place(tracker, mmsi)] = index + 1;
    tracker->count++;
    return vessel;
}

int tracker_update(struct tracker *tracker, const struct ais_message *message, int64_t now_ns,
                   int64_t unix_s)
{
    struct vessel *vessel = provide(tracker, message->mmsi, now_ns);

    if (vessel == NULL) {
        return -HY_ENOMEM;
    }
    tracker->messages++;
    list_remove(tracker, vessel);
    note_change(tracker, vessel,
                vessel_take(vessel, message, now_ns, unix_s, tracker->options.stale_ns));
    list_insert(tracker, vessel);
    return 0;
}

/* --- expiry ---------------------------------------------------------------------------------- */

static int note_removed(struct tracker *tracker, uint32_t mmsi)
{
    if (tracker->removed_count == tracker->removed_room) {
        size_t room = tracker->removed_room == 0 ? ROOM_FIRST : tracker->removed_room * 2;
        uint32_t *removed = hy_memory_resize(tracker->removed, room * sizeof(*removed));

        if (removed == NULL) {
            return -HY_ENOMEM;
        }
        tracker->removed = removed;
        tracker->removed_room = room;
    }
    tracker->removed[tracker->removed_count++] = mmsi;
    return 0;
}

static int remove_vessel(struct tracker *tracker, struct vessel *vessel)
{
    if (note_removed(tracker, vessel->mmsi) < 0) {
        return -HY_ENOMEM;
    }
    drop_change(tracker, vessel);
    list_remove(tracker, vessel);
    clear_place(tracker, find_place(tracker, vessel->mmsi));
    vessel->in_use = false;
    vessel->newer = tracker->first_free;
    tracker->first_free = (uint32_t)(vessel - tracker->vessels);
    tracker->count--;
    return 0;
}

/* The oldest of the list if it has been silent for so long, or NULL. */
static struct vessel *silent_for(struct tracker *tracker, const struct vessel_list *list,
                                 int64_t now_ns, int64_t silence_ns)
{
    if (list->oldest == NO_INDEX) {
        return NULL;
    }
    struct vessel *vessel = &tracker->vessels[list->oldest];

    return now_ns - vessel->heard_ns >= silence_ns ? vessel : NULL;
}

int tracker_expire(struct tracker *tracker, int64_t now_ns)
{
    const struct tracker_options *options = &tracker->options;
    /* Whatever is removed has been stale, so that one list has to be looked at. */
    int64_t stale_ns =
        options->stale_ns < options->remove_ns ? options->stale_ns : options->remove_ns;
    struct vessel *vessel;
    int removed = 0;

    while ((vessel = silent_for(tracker, &tracker->heard, now_ns, stale_ns)) != NULL) {
        list_remove(tracker, vessel);
        note_change(tracker, vessel, vessel_set_stale(vessel));
        list_insert(tracker, vessel);
    }
    while ((vessel = silent_for(tracker, &tracker->silent, now_ns, options->remove_ns)) != NULL) {
        if (remove_vessel(tracker, vessel) < 0) {
            return -HY_ENOMEM;
        }
        removed++;
    }
    return removed;
}

/* --- reading --------------------------------------------------------------------------------- */

size_t tracker_count(const struct tracker *tracker)
{
    return tracker->count;
}

void tracker_get_counts(const struct tracker *tracker, struct tracker_counts *ret_counts)
{
    struct tracker_counts counts = {.vessels = tracker->count, .messages = tracker->messages};
    const struct vessel *vessel;
    size_t cursor = 0;

    while ((vessel = tracker_next(tracker, &cursor)) != NULL) {
        counts.by_class[vessel->number[VESSEL_CLASS]]++;
        counts.placed += vessel_knows(vessel, VESSEL_LAT);
        counts.named += vessel_knows(vessel, VESSEL_NAME);
        counts.stale += vessel->number[VESSEL_STALE] != 0;
    }
    *ret_counts = counts;
}

const struct vessel *tracker_find(const struct tracker *tracker, uint32_t mmsi)
{
    if (tracker->place_count == 0) {
        return NULL;
    }
    uint32_t held = tracker->places[find_place(tracker, mmsi)];

    return held != 0 ? &tracker->vessels[held - 1] : NULL;
}

const struct vessel *tracker_next(const struct tracker *tracker, size_t *cursor)
{
    while (*cursor < tracker->used) {
        const struct vessel *vessel = &tracker->vessels[(*cursor)++];

        if (vessel->in_use) {
            return vessel;
        }
    }
    return NULL;
}

size_t tracker_changed_count(const struct tracker *tracker)
{
    return tracker->change_count;
}

const struct vessel *tracker_changed(const struct tracker *tracker, size_t index)
{
    return &tracker->vessels[tracker->changes[index]];
}

const uint32_t *tracker_removed(const struct tracker *tracker, size_t *ret_count)
{
    *ret_count = tracker->removed_count;
    return tracker->removed;
}

void tracker_clear_changes(struct tracker *tracker)
{
    for (size_t i = 0; i < tracker->change_count; i++) {
        tracker->vessels[tracker->changes[i]].changed = 0;
    }
    tracker->change_count = 0;
    tracker->removed_count = 0;
}
