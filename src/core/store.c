/* SPDX-License-Identifier: MIT */
/*
 * Stores: cells of one size, taken and given back by any thread without a lock, never given back to
 * the allocator. So a cell stays what it is: who looks at one that has been given back, or taken
 * again, finds what it can check (a connection's id), not foreign memory.
 *
 * Chunks double in size, so a fixed directory holds them all. Cells that were used are a stack,
 * whose head carries a tag that changes with each push and pop (no ABA); those that never were are
 * behind a mark that only rises. Nothing touches those, so the system gives no memory for them.
 */
#include "core/internal.h"

#include <string.h>

enum {
    FIRST_CHUNK = HY__HARD ? 1 : 64
};

static uint32_t chunk_size(int chunk)
{
    return (uint32_t)FIRST_CHUNK << chunk;
}

static int chunk_of(uint32_t index, uint32_t *ret_first)
{
    /* FIRST_CHUNK * (2^n - 1) cells stand before chunk n. */
    int chunk = 31 - __builtin_clz(index / FIRST_CHUNK + 1);
    *ret_first = chunk_size(chunk) - FIRST_CHUNK;
    return chunk;
}

static char *at(const struct hy__store *store, uint32_t index)
{
    uint32_t first;
    int chunk = chunk_of(index, &first);
    /* Acquire: pairs with has_chunk(), in another thread. */
    return __atomic_load_n(&store->chunks[chunk], __ATOMIC_ACQUIRE) +
           (size_t)(index - first) * store->cell_size;
}

static uint32_t index_of(const struct hy__store *store, const char *cell)
{
    for (int chunk = 0; chunk < HY__STORE_CHUNKS; chunk++) {
        const char *start = __atomic_load_n(&store->chunks[chunk], __ATOMIC_ACQUIRE);
        size_t bytes = chunk_size(chunk) * store->cell_size;
        if (start != NULL && cell >= start && cell < start + bytes)
            return chunk_size(chunk) - FIRST_CHUNK +
                   (uint32_t)((size_t)(cell - start) / store->cell_size);
    }
    return UINT32_MAX; /* not reached: every cell is of its store */
}

/* --- cells that were used: each keeps the index + 1 of the next one ----------------------------
 */

static uint64_t *link_of(const struct hy__store *store, char *cell)
{
    return (uint64_t *)(void *)(cell + store->link_offset);
}

void hy__store_give(struct hy__store *store, void *memory)
{
    char *cell = memory;
    uint32_t index = index_of(store, cell);
    uint64_t head = __atomic_load_n(&store->used, __ATOMIC_RELAXED), next;
    do {
        /* Relaxed: published by the exchange. */
        __atomic_store_n(link_of(store, cell), HY__STORE_LINK | (uint32_t)head, __ATOMIC_RELAXED);
        next = ((head >> 32) + 1) << 32 | (index + 1);
        /* Release: the next owner is after my use. */
    } while (!__atomic_compare_exchange_n(&store->used, &head, next, true, __ATOMIC_RELEASE,
                                          __ATOMIC_RELAXED));
}

static void *take_used(struct hy__store *store)
{
    /* Acquire: after the last owner's use. */
    uint64_t head = __atomic_load_n(&store->used, __ATOMIC_ACQUIRE), next;
    char *cell;
    do {
        if ((uint32_t)head == 0)
            return NULL;
        cell = at(store, (uint32_t)head - 1);
        /* Another thread may have taken it already: then the tag has changed and the exchange
         * fails. */
        uint64_t link = __atomic_load_n(link_of(store, cell), __ATOMIC_RELAXED);
        next = ((head >> 32) + 1) << 32 | (uint32_t)link;
    } while (!__atomic_compare_exchange_n(&store->used, &head, next, true, __ATOMIC_ACQUIRE,
                                          __ATOMIC_ACQUIRE));
    return cell;
}

/* --- cells that never were ----------------------------------------------------------------------
 */

static bool has_chunk(struct hy__store *store, int chunk)
{
    if (chunk == HY__STORE_CHUNKS) {
        hy_error_set(-HY_ENOMEM, "there are 4 billion of them already");
        return false;
    }
    /* Relaxed: at() looks again. */
    if (__atomic_load_n(&store->chunks[chunk], __ATOMIC_RELAXED) != NULL)
        return true;
    size_t bytes = chunk_size(chunk) * store->cell_size;
    char *memory = hy__allocate_aligned(HY__CACHE_LINE, bytes);
    if (memory == NULL)
        return false;
    char *none = NULL;
    /* Release: pairs with at(). */
    if (!__atomic_compare_exchange_n(&store->chunks[chunk], &none, memory, false, __ATOMIC_RELEASE,
                                     __ATOMIC_RELAXED))
        hy__release_aligned(memory, bytes); /* another thread was faster */
    return true;
}

static void *take_fresh(struct hy__store *store)
{
    uint32_t index = __atomic_load_n(&store->fresh, __ATOMIC_RELAXED), first;
    /* Relaxed: it hands out numbers; nothing of a cell is known before. */
    do {
        if (!has_chunk(store, chunk_of(index, &first)))
            return NULL;
    } while (!__atomic_compare_exchange_n(&store->fresh, &index, index + 1, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return memset(at(store, index), 0, store->cell_size);
}

void *hy__store_take(struct hy__store *store)
{
    void *cell = take_used(store);
    return cell != NULL ? cell : take_fresh(store);
}
