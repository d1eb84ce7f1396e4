/* SPDX-License-Identifier: MIT */
/*
 * Ids that cannot dangle: the generation of a slot in the upper half, its index and 1 in the lower.
 * A retired slot gets a new generation and goes to the end of the free list, so that an id comes
 * back only after 2^32 uses of its slot.
 */
#include "ws_server_private.h"

#define SLOT_NONE UINT32_MAX

static bool slots_grow(struct hy_ws_server_private *ws)
{
    uint32_t count = ws->slot_count > 0 ? ws->slot_count * 2 : 16;
    if (count < ws->slot_count || count >= SLOT_NONE - 1)
        return false;
    struct hy__ws_slot *slots = hy_memory_resize(ws->slots, count * sizeof *slots);
    if (slots == NULL)
        return false;
    for (uint32_t i = ws->slot_count; i < count; i++)
        slots[i] = (struct hy__ws_slot){.generation = 1, .next_free = i + 1};
    slots[count - 1].next_free = SLOT_NONE;
    ws->free_first = ws->slot_count;
    ws->free_last = count - 1;
    ws->slots = slots;
    ws->slot_count = count;
    return true;
}

uint64_t hy__ws_slot_take(struct hy_ws_server_private *ws, struct hy__ws_connection *connection)
{
    if ((ws->slot_count == 0 || ws->free_first == SLOT_NONE) && !slots_grow(ws))
        return 0;
    uint32_t index = ws->free_first;
    struct hy__ws_slot *slot = &ws->slots[index];
    ws->free_first = slot->next_free;
    slot->connection = connection;
    return (uint64_t)slot->generation << 32 | (index + 1);
}

struct hy__ws_connection *hy__ws_slot_find(const struct hy_ws_server_private *ws, uint64_t id)
{
    uint32_t index = (uint32_t)id - 1; /* of 0: beyond every count */
    if (index >= ws->slot_count || ws->slots[index].generation != id >> 32)
        return NULL;
    return ws->slots[index].connection;
}

void hy__ws_slot_retire(struct hy_ws_server_private *ws, uint64_t id)
{
    uint32_t index = (uint32_t)id - 1;
    if (hy__ws_slot_find(ws, id) == NULL)
        return;
    struct hy__ws_slot *slot = &ws->slots[index];
    slot->connection = NULL;
    slot->next_free = SLOT_NONE;
    if (++slot->generation == 0)
        slot->generation = 1;
    if (ws->free_first == SLOT_NONE)
        ws->free_first = index;
    else
        ws->slots[ws->free_last].next_free = index;
    ws->free_last = index;
}
