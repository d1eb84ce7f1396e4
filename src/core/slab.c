/* SPDX-License-Identifier: MIT */
/*
 * Cells for messages: per thread, two sizes, larger ones from the heap.
 *
 * A thread takes cells from its own slab without any atomic access. A cell released by another
 * thread is collected there in a chain and given back by one push onto the slab's `returned` stack,
 * which the owner takes whole when it runs dry. When the owner ends, the slab is closed; whoever
 * returns the last cell that is out frees it, so a dead thread keeps nothing longer than its last
 * message.
 */
#include "core/internal.h"

#include <string.h>

enum {
    CELLS_PER_CHUNK = HY__HARD ? 1 : 64,
    RETURN_BATCH = HY__HARD ? 1 : 64,
    RETURNED_CLOSED = 1 /* value of `returned`: the owner has ended */
};

static const size_t cell_sizes[HY__SLAB_CLASSES] = {128, 384};

struct chunk {
    struct chunk *next;
};

struct hy__slab {
    /* any thread */
    uintptr_t returned; /* atomic: stack of cells, or RETURNED_CLOSED */
    int64_t balance;    /* atomic: after closing, cells out minus cells come back */
    /* owner */
    HY__ALIGNED_LINE struct hy__cell *free;
    struct chunk *chunks;
    int64_t out; /* cells handed out and not seen again */
    size_t cell_size;
};

/* What stands in front of the cells of a chunk. */
#define CHUNK_HEAD ((sizeof(struct chunk) + HY__CACHE_LINE - 1) & ~(size_t)(HY__CACHE_LINE - 1))

static size_t chunk_size(const struct hy__slab *slab)
{
    return CHUNK_HEAD + CELLS_PER_CHUNK * slab->cell_size;
}

static void slab_free(struct hy__slab *slab)
{
    for (struct chunk *chunk = slab->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        hy__release_aligned(chunk, chunk_size(slab));
    }
    hy__release_aligned(slab, sizeof *slab);
}

/* Any thread: gives a chain back to its slab. */
static void slab_return(struct hy__slab *slab, struct hy__cell *first, struct hy__cell *last,
                        int64_t count)
{
    uintptr_t head = __atomic_load_n(&slab->returned, __ATOMIC_RELAXED);
    do {
        if (head == RETURNED_CLOSED) {
            /* Acquire and release: whoever frees the slab is after everybody's last use of a cell.
             */
            if (__atomic_sub_fetch(&slab->balance, count, __ATOMIC_ACQ_REL) == 0)
                slab_free(slab);
            return;
        }
        last->next = (struct hy__cell *)head;
        /* Release: the owner that takes the chain sees its links. Acquire on failure: CLOSED means
         * that the owner is done. */
    } while (!__atomic_compare_exchange_n(&slab->returned, &head, (uintptr_t)first, true,
                                          __ATOMIC_RELEASE, __ATOMIC_ACQUIRE));
}

static int64_t chain_length(const struct hy__cell *cell)
{
    int64_t count = 0;
    for (; cell != NULL; cell = cell->next)
        count++;
    return count;
}

static bool slab_grow(struct hy__slab *slab)
{
    char *memory = hy__allocate_aligned(HY__CACHE_LINE, chunk_size(slab));
    if (memory == NULL)
        return false;
    struct chunk *chunk = (struct chunk *)(void *)memory;
    chunk->next = slab->chunks;
    slab->chunks = chunk;
    for (size_t i = CELLS_PER_CHUNK; i-- > 0;) {
        struct hy__cell *cell =
            (struct hy__cell *)(void *)(memory + CHUNK_HEAD + i * slab->cell_size);
        cell->next = slab->free;
        slab->free = cell;
    }
    return true;
}

static struct hy__cell *slab_take(struct hy__slab *slab)
{
    if (slab->free == NULL) {
        /* Acquire: the links that the returning threads wrote. */
        slab->free =
            (struct hy__cell *)__atomic_exchange_n(&slab->returned, (uintptr_t)0, __ATOMIC_ACQUIRE);
        slab->out -= chain_length(slab->free);
        if (slab->free == NULL && !slab_grow(slab))
            return NULL;
    }
    struct hy__cell *cell = slab->free;
    slab->free = cell->next;
    slab->out++;
    return cell;
}

static struct hy__slab *slab_of(struct hy_thread_record *record, int slab_class)
{
    struct hy__slab *slab = record->slabs[slab_class];
    if (slab == NULL) {
        slab = hy__allocate_aligned_zeroed(HY__CACHE_LINE, sizeof *slab);
        if (slab == NULL)
            return NULL;
        slab->cell_size = cell_sizes[slab_class];
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
    return message;
}

static void returns_flush_one(struct hy__returns *returns)
{
    if (returns->count != 0)
        slab_return(returns->slab, returns->first, returns->last, returns->count);
    *returns = (struct hy__returns){0};
}

static void returns_add(struct hy__returns *returns, struct hy__slab *slab, struct hy__cell *cell)
{
    if (returns->slab != slab)
        returns_flush_one(returns);
    cell->next = returns->first;
    returns->first = cell;
    if (returns->last == NULL)
        returns->last = cell;
    returns->slab = slab;
    if (++returns->count >= RETURN_BATCH)
        returns_flush_one(returns);
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
        /* Slabs lie at multiples of the cache line: the bits above tell them apart. */
        returns_add(&record->returns[((uintptr_t)slab / HY__CACHE_LINE) % HY__RETURNS], slab, cell);
    }
}

void hy__returns_flush(struct hy_thread_record *record)
{
    for (int i = 0; i < HY__RETURNS; i++)
        if (record->returns[i].count != 0)
            returns_flush_one(&record->returns[i]);
}

void hy__slabs_abandon(struct hy_thread_record *record)
{
    hy__returns_flush(record);
    for (int i = 0; i < HY__SLAB_CLASSES; i++) {
        struct hy__slab *slab = record->slabs[i];
        if (slab == NULL)
            continue;
        record->slabs[i] = NULL;
        /* Acquire: the links of what came back; release: who sees CLOSED sees the chunk list. */
        struct hy__cell *back = (struct hy__cell *)__atomic_exchange_n(
            &slab->returned, (uintptr_t)RETURNED_CLOSED, __ATOMIC_ACQ_REL);
        int64_t out = slab->out - chain_length(back);
        if (__atomic_add_fetch(&slab->balance, out, __ATOMIC_ACQ_REL) == 0)
            slab_free(slab);
    }
}
