/* SPDX-License-Identifier: MIT */
/* Assembly of multi-fragment messages; see assembler.h. */
#include "assembler.h"

#include <string.h>

void ais_assembler_init(struct ais_assembler *assembler, struct ais_counters *counters,
                        int64_t timeout_ns, int64_t reorder_ns)
{
    assembler->counters = counters;
    assembler->timeout_ns = timeout_ns;
    assembler->reorder_ns = reorder_ns;
    assembler->open = 0;
}

static bool has_first(const struct ais_slot *slot)
{
    return (slot->have & 2) != 0;
}

static void close_slot(struct ais_assembler *assembler, struct ais_slot *slot)
{
    assembler->open &= ~(UINT64_C(1) << (slot - assembler->slots));
    assembler->counters->held -= slot->held;
}

static void drop_slot(struct ais_assembler *assembler, struct ais_slot *slot,
                      enum ais_reject reason)
{
    close_slot(assembler, slot);
    assembler->counters->rejected[has_first(slot) ? reason : AIS_REJECT_ORPHANED] += slot->held;
}

void ais_assembler_expire(struct ais_assembler *assembler, int64_t now_ns)
{
    for (uint64_t open = assembler->open; open != 0; open &= open - 1) {
        struct ais_slot *slot = &assembler->slots[__builtin_ctzll(open)];
        int64_t limit = has_first(slot) ? assembler->timeout_ns : assembler->reorder_ns;
        int64_t age;

        if (__builtin_sub_overflow(now_ns, slot->first_ns, &age) || age > limit ||
            age < -assembler->timeout_ns) {
            drop_slot(assembler, slot, AIS_REJECT_TIMED_OUT);
        }
    }
}

/* The part of the key that no feed is known to spoil. */
static bool matches_loosely(const struct ais_slot *slot, const struct ais_sentence *sentence,
                            uint32_t source)
{
    return slot->source == source && slot->fragment_count == sentence->fragment_count &&
           slot->sequence_id == sentence->sequence_id && slot->own_ship == sentence->own_ship;
}

static bool same_station(const struct ais_slot *slot, const struct ais_origin *origin)
{
    return strcmp(slot->origin.station, origin->station) == 0;
}

static bool matches(const struct ais_slot *slot, const struct ais_sentence *sentence,
                    const struct ais_origin *origin, uint32_t source)
{
    if (!matches_loosely(slot, sentence, source) || slot->origin.group != origin->group) {
        return false;
    }
    return origin->group != 0 || (slot->channel == sentence->channel && same_station(slot, origin));
}

/*
 * Some feeds leave out or change the channel of later fragments, or give the first alone a tag
 * block. Such a fragment belongs to a slot that still lacks it, if only one will do. Two different
 * stations never mix; two different channels only where the fragment follows the slot's last one at
 * once.
 */
static bool might_match(const struct ais_assembler *assembler, const struct ais_slot *slot,
                        const struct ais_sentence *sentence, const struct ais_origin *origin,
                        uint32_t source)
{
    bool stations_differ = slot->origin.station[0] != '\0' && origin->station[0] != '\0' &&
                           !same_station(slot, origin);
    bool groups_differ =
        slot->origin.group != 0 && origin->group != 0 && slot->origin.group != origin->group;
    bool channels_differ =
        slot->channel != '\0' && sentence->channel != '\0' && slot->channel != sentence->channel;

    return matches_loosely(slot, sentence, source) && !stations_differ && !groups_differ &&
           (!channels_differ || assembler->counters->sentences == slot->last_sentence + 1) &&
           has_first(slot) && (slot->have & 1U << sentence->fragment_number) == 0;
}

/*
 * The clocks of stations disagree, so only the two times told for this key are compared; and
 * fragments that came one after the other belong together even if one tells the station's time and
 * one the network's.
 */
static bool is_stale(const struct ais_assembler *assembler, const struct ais_slot *slot,
                     const struct ais_origin *origin, int64_t now_ns)
{
    int64_t age;

    if (slot->origin.time_ns == 0 || origin->time_ns == 0 ||
        now_ns - slot->first_ns <= assembler->reorder_ns) {
        return false;
    }
    return __builtin_sub_overflow(origin->time_ns, slot->origin.time_ns, &age) ||
           age > assembler->timeout_ns || age < -assembler->timeout_ns;
}

static struct ais_slot *find_slot(struct ais_assembler *assembler,
                                  const struct ais_sentence *sentence,
                                  const struct ais_origin *origin, uint32_t source)
{
    struct ais_slot *candidate = NULL;
    int candidates = 0;

    for (uint64_t open = assembler->open; open != 0; open &= open - 1) {
        struct ais_slot *slot = &assembler->slots[__builtin_ctzll(open)];

        if (matches(slot, sentence, origin, source)) {
            return slot;
        }
        if (might_match(assembler, slot, sentence, origin, source)) {
            candidate = slot;
            candidates++;
        }
    }
    return candidates == 1 ? candidate : NULL;
}

static struct ais_slot *open_slot(struct ais_assembler *assembler,
                                  const struct ais_sentence *sentence,
                                  const struct ais_origin *origin, uint32_t source, int64_t now_ns)
{
    struct ais_slot *slot;

    if (assembler->open == UINT64_MAX) {
        slot = &assembler->slots[0];
        for (int i = 1; i < AIS_SLOT_COUNT; i++) {
            if (assembler->slots[i].first_ns < slot->first_ns) {
                slot = &assembler->slots[i];
            }
        }
        drop_slot(assembler, slot, AIS_REJECT_EVICTED);
    }
    int index = __builtin_ctzll(~assembler->open);
    slot = &assembler->slots[index];
    assembler->open |= UINT64_C(1) << index;
    slot->first_ns = now_ns;
    slot->source = source;
    slot->size = 0;
    slot->sequence_id = sentence->sequence_id;
    slot->channel = sentence->channel;
    slot->own_ship = sentence->own_ship;
    slot->fragment_count = sentence->fragment_count;
    slot->held = 0;
    slot->have = 0;
    slot->origin = *origin;
    return slot;
}

/* With a group the first block speaks for all; else the first that says anything does. */
static void merge_origin(struct ais_origin *origin, const struct ais_origin *other)
{
    if (origin->time_ns == 0) {
        origin->time_ns = other->time_ns;
    }
    if (origin->station[0] == '\0') {
        memcpy(origin->station, other->station, sizeof(origin->station));
    }
}

static void complete(struct ais_assembler *assembler, struct ais_slot *slot,
                     struct ais_assembly *assembly)
{
    ais_bits_clear(&assembly->bits, 0);
    assembly->is_valid = true;
    for (int number = 1; number <= slot->fragment_count; number++) {
        assembly->is_valid =
            assembly->is_valid &&
            ais_bits_append_armour(&assembly->bits, slot->text + slot->start[number],
                                   slot->length[number], slot->fill[number]);
    }
    assembly->channel = slot->channel;
    assembly->origin = slot->origin;
    close_slot(assembler, slot);
    /* The fragment that completes the message is counted with it, not here. */
    assembler->counters->fragments_joined += (uint64_t)slot->held - 1;
}

bool ais_assembler_add(struct ais_assembler *assembler, const struct ais_sentence *sentence,
                       const struct ais_origin *origin, uint32_t source, int64_t now_ns,
                       struct ais_assembly *ret_assembly)
{
    struct ais_slot *slot;
    unsigned number = sentence->fragment_number;

    ais_assembler_expire(assembler, now_ns);
    slot = find_slot(assembler, sentence, origin, source);
    if (slot != NULL && is_stale(assembler, slot, origin, now_ns)) {
        drop_slot(assembler, slot, AIS_REJECT_TIMED_OUT);
        slot = NULL;
    } else if (slot != NULL && (slot->have & 1U << number) != 0) {
        drop_slot(assembler, slot, AIS_REJECT_OVERWRITTEN);
        slot = NULL;
    }
    if (slot == NULL) {
        slot = open_slot(assembler, sentence, origin, source, now_ns);
    }
    if (sentence->payload.size > sizeof(slot->text) - slot->size) {
        drop_slot(assembler, slot, AIS_REJECT_TOO_LONG);
        assembler->counters->rejected[AIS_REJECT_TOO_LONG]++;
        return false;
    }
    memcpy(slot->text + slot->size, sentence->payload.data, sentence->payload.size);
    slot->start[number] = slot->size;
    slot->length[number] = (uint16_t)sentence->payload.size;
    slot->size = (uint16_t)(slot->size + sentence->payload.size);
    slot->fill[number] = sentence->fill;
    slot->have = (uint16_t)(slot->have | 1U << number);
    slot->held++;
    slot->last_sentence = assembler->counters->sentences;
    assembler->counters->held++;
    merge_origin(&slot->origin, origin);
    if (slot->held < slot->fragment_count) {
        return false;
    }
    complete(assembler, slot, ret_assembly);
    return true;
}
