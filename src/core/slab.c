/* SPDX-License-Identifier: MIT */
/*
 * Cells for messages: per thread, three sizes, larger ones from the heap.
 *
 * A thread takes cells from its own slab without any atomic access. A cell released by another
 * thread is collected there in a chain and given back by one push onto the slab's `returned` stack,
 * which the owner takes whole when it runs dry. When the owner ends, the slab is closed; whoever
 * returns the last cell that is out frees it, so a dead thread keeps nothing longer than its last
 * message.
 *
 * Chunks grow with the slab, up to a huge page of the system: the first touch of a page of 4 KiB
 * costs as much as sending its messages. Nothing touches a cell before it is needed.
 */
#include "core/internal.h"

#include <string.h>

enum {
    CHUNK_MIN = 8 * 1024,
    CHUNK_GROWTH = 4,
    CHUNK_MAX = HY__HUGE_PAGE,
    RETURN_BATCH = HY__HARD ? 1 : 64,
    RETURNED_CLOSED = 1 /* value of `returned`: the owner has ended */
};

static const size_t cell_sizes[HY__SLAB_CLASSES] = {96, 192, 320};

struct chunk {
    struct chunk *next;
    size_t size; /* with CHUNK_TAIL */
};
/* What stands in front of the cells of a chunk. */
#define CHUNK_HEAD ((sizeof(struct chunk) + HY__CACHE_LINE - 1) & ~(size_t)(HY__CACHE_LINE - 1))
/* What is left to the allocator for what it adds itself. */
#define CHUNK_TAIL ((size_t)HY__CACHE_LINE)

struct hy__slab {
    /* any thread */
    uintptr_t returned; /* atomic: stack of cells, or RETURNED_CLOSED */
    int64_t balance;    /* atomic: minus what came back; after closing, plus what was taken */
    /* owner */
    HY__ALIGNED_LINE struct hy__cell *free;
    char *fresh, *fresh_end; /* of the newest chunk: cells that never were used */
    struct chunk *chunks;
    int64_t out; /* taken, minus those that the owner released itself */
    size_t cell_size;
    uint8_t lane;
};

static void slab_free(struct hy__slab *slab)
{
    for (struct chunk *chunk = slab->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        hy__release_aligned(chunk, chunk->size - CHUNK_TAIL);
    }
    hy__release_aligned(slab, sizeof *slab);
}

/* Any thread: gives a chain back to its slab. */
static void slab_return(struct hy__slab *slab, struct hy__cell *first, struct hy__cell *last,
                        int64_t count)
{
    uintptr_t head = __atomic_load_n(&slab->returned, __ATOMIC_RELAXED);
    do {
        if (head == RETURNED_CLOSED)
            break;
        last->next = (struct hy__cell *)head;
        /* Release: the owner that takes the chain sees its links. Acquire on failure: CLOSED means
         * that the owner is done. */
    } while (!__atomic_compare_exchange_n(&slab->returned, &head, (uintptr_t)first, true,
                                          __ATOMIC_RELEASE, __ATOMIC_ACQUIRE));
    /* Below 0 before the owner has closed it. Acquire and release: whoever frees the slab is after
     * everybody's last use of a cell. */
    if (__atomic_sub_fetch(&slab->balance, count, __ATOMIC_ACQ_REL) == 0)
        slab_free(slab);
}

static size_t next_chunk_size(const struct hy__slab *slab)
{
    if (HY__HARD)
        return CHUNK_HEAD + slab->cell_size + CHUNK_TAIL;
    if (slab->chunks == NULL)
        return CHUNK_MIN;
    return slab->chunks->size < CHUNK_MAX ? slab->chunks->size * CHUNK_GROWTH : CHUNK_MAX;
}

static bool slab_grow(struct hy__slab *slab)
{
    size_t size = next_chunk_size(slab);
    size_t alignment = size == CHUNK_MAX ? HY__HUGE_PAGE : HY__CACHE_LINE;
    char *memory = hy__allocate_aligned(alignment, size - CHUNK_TAIL);
    if (memory == NULL)
        return false;
    struct chunk *chunk = (struct chunk *)(void *)memory;
    chunk->next = slab->chunks;
    chunk->size = size;
    slab->chunks = chunk;
    size_t cells = (size - CHUNK_HEAD - CHUNK_TAIL) / slab->cell_size;
    slab->fresh = memory + CHUNK_HEAD;
    slab->fresh_end = slab->fresh + cells * slab->cell_size;
    return true;
}

static struct hy__cell *slab_take(struct hy__slab *slab)
{
    /* Relaxed look: what is missed now comes the next time. Acquire: the links that the returning
     * threads wrote. */
    if (slab->free == NULL && __atomic_load_n(&slab->returned, __ATOMIC_RELAXED) != 0)
        slab->free =
            (struct hy__cell *)__atomic_exchange_n(&slab->returned, (uintptr_t)0, __ATOMIC_ACQUIRE);
    struct hy__cell *cell = slab->free;
    if (cell != NULL) {
        slab->free = cell->next;
    } else {
        if (slab->fresh == slab->fresh_end && !slab_grow(slab))
            return NULL;
        cell = (struct hy__cell *)(void *)slab->fresh;
        slab->fresh += slab->cell_size;
    }
    slab->out++;
    return cell;
}

/* Slabs made one after the other have different lanes, so that a thread that hears from a few of
 * them collects the cells of each apart. */
static uint8_t next_lane(void)
{
    static uint32_t made; /* relaxed: any number will do */
    return (uint8_t)(__atomic_fetch_add(&made, 1, __ATOMIC_RELAXED) % HY__RETURNS);
}

static struct hy__slab *slab_of(struct hy_thread_record *record, int slab_class)
{
    struct hy__slab *slab = record->slabs[slab_class];
    if (slab == NULL) {
        slab = hy__allocate_aligned_zeroed(HY__CACHE_LINE, sizeof *slab);
        if (slab == NULL)
            return NULL;
        slab->cell_size = cell_sizes[slab_class];
        slab->lane = next_lane();
        record->slabs[slab_class] = slab;
    }
    return slab;
}

struct hy__message *hy__message_allocate(size_t payload_size)
{
    size_t size = HY__MESSAGE_HEADER + payload_size;
    struct hy_thread_record *record = hy__record();
    if (record == NULL)
        return NULL;
    struct hy__message *message = NULL;
    struct hy__slab *slab = NULL;
    int slab_class = 0;
    while (slab_class < HY__SLAB_CLASSES && size > cell_sizes[slab_class])
        slab_class++;
    if (HY__CELLS_OFF || slab_class == HY__SLAB_CLASSES) {
        message = hy_memory_allocate(size);
    } else {
        slab = slab_of(record, slab_class);
        message = slab != NULL ? (struct hy__message *)(void *)slab_take(slab) : NULL;
    }
    if (message == NULL)
        return NULL;
    memset(message, 0, sizeof *message);
    message->slab = slab;
    message->slab_class = (uint8_t)slab_class;
    message->lane = slab != NULL ? slab->lane : 0;
    return message;
}

static void lane_flush(struct hy_thread_record *record, int lane)
{
    struct hy__returns *returns = &record->returns[lane];
    slab_return(returns->slab, returns->first, returns->last, returns->count);
    *returns = (struct hy__returns){0};
    record->lanes &= ~(1u << lane);
}

static void lane_add(struct hy_thread_record *record, int lane, struct hy__slab *slab,
                     struct hy__cell *cell)
{
    struct hy__returns *returns = &record->returns[lane];
    if (returns->slab != slab) {
        if (returns->count != 0)
            lane_flush(record, lane);
        returns->slab = slab;
        returns->last = cell;
        record->lanes |= 1u << lane;
    }
    cell->next = returns->first;
    returns->first = cell;
    if (++returns->count >= RETURN_BATCH)
        lane_flush(record, lane);
}

void hy__message_release(struct hy__message *message)
{
    struct hy__slab *slab = message->slab;
    if (slab == NULL) {
        hy_memory_release(message);
        return;
    }
    struct hy_thread_record *record = hy__record_if_any();
    struct hy__cell *cell = (struct hy__cell *)(void *)message;
    if (record == NULL) {
        slab_return(slab, cell, cell, 1);
    } else if (record->slabs[message->slab_class] == slab) {
        cell->next = slab->free;
        slab->free = cell;
        slab->out--;
    } else {
        lane_add(record, message->lane, slab, cell);
    }
}

void hy__returns_flush(struct hy_thread_record *record)
{
    while (record->lanes != 0)
        lane_flush(record, __builtin_ctz(record->lanes));
}

void hy__slabs_abandon(struct hy_thread_record *record)
{
    hy__returns_flush(record);
    for (int i = 0; i < HY__SLAB_CLASSES; i++) {
        struct hy__slab *slab = record->slabs[i];
        if (slab == NULL)
            continue;
        record->slabs[i] = NULL;
        /* Acquire and release: whoever frees it is after everybody's last use, and sees the chunks.
         */
        __atomic_store_n(&slab->returned, (uintptr_t)RETURNED_CLOSED, __ATOMIC_RELEASE);
        if (__atomic_add_fetch(&slab->balance, slab->out, __ATOMIC_ACQ_REL) == 0)
            slab_free(slab);
    }
}
