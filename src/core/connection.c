/* SPDX-License-Identifier: MIT */
/*
 * The pool of connections: type-stable memory without a lock.
 *
 * Connections are never given back to the allocator, so that a queued message may look at one that
 * has been recycled, and find another id. Chunks double in size, so a fixed directory holds them
 * all; free ones are a stack, whose head carries a tag that changes with each push and pop (no
 * ABA).
 */
#include "core/internal.h"

enum {
    FIRST_CHUNK = HY__HARD ? 1 : 64,
    CHUNKS = 26 /* 64 * (2^26 - 1) connections: 4 billion */
};

static struct hy__connection *chunks[CHUNKS]; /* atomic */
static uint64_t free_head;                    /* atomic: tag << 32 | index + 1 */

static size_t chunk_size(int chunk)
{
    return (size_t)FIRST_CHUNK << chunk;
}

static struct hy__connection *at(uint32_t index)
{
    int chunk = 0;
    size_t first = 0;
    while (index - first >= chunk_size(chunk))
        first += chunk_size(chunk++);
    /* Acquire: the chunk is seen zeroed. */
    return __atomic_load_n(&chunks[chunk], __ATOMIC_ACQUIRE) + (index - first);
}

static uint32_t index_of(const struct hy__connection *connection)
{
    size_t first = 0;
    for (int chunk = 0; chunk < CHUNKS; first += chunk_size(chunk++)) {
        const struct hy__connection *start = __atomic_load_n(&chunks[chunk], __ATOMIC_ACQUIRE);
        if (start != NULL && connection >= start && connection < start + chunk_size(chunk))
            return (uint32_t)(first + (size_t)(connection - start));
    }
    return UINT32_MAX; /* not reached: every connection is of the pool */
}

/*
 * A free connection keeps the index + 1 of the next one in id_flags, under bits that are no id:
 * that member is atomic anyway, and a queued message that looks at it finds an id that is not its
 * own.
 */
#define LINK_MARK (UINT64_C(0xffffffff) << 32)

static void push(uint32_t index)
{
    struct hy__connection *connection = at(index);
    uint64_t head = __atomic_load_n(&free_head, __ATOMIC_RELAXED), next;
    do {
        /* Relaxed: published by the exchange. */
        __atomic_store_n(&connection->id_flags, LINK_MARK | (uint32_t)head, __ATOMIC_RELAXED);
        next = ((head >> 32) + 1) << 32 | (index + 1);
        /* Release: the next owner is after my use. */
    } while (!__atomic_compare_exchange_n(&free_head, &head, next, true, __ATOMIC_RELEASE,
                                          __ATOMIC_RELAXED));
}

static struct hy__connection *pop(void)
{
    /* Acquire: after the last owner's use. */
    uint64_t head = __atomic_load_n(&free_head, __ATOMIC_ACQUIRE), next;
    struct hy__connection *connection;
    do {
        if ((uint32_t)head == 0)
            return NULL;
        connection = at((uint32_t)head - 1);
        /* Another thread may have popped it already: then the tag has changed and the exchange
         * fails. */
        uint64_t link = __atomic_load_n(&connection->id_flags, __ATOMIC_RELAXED);
        next = ((head >> 32) + 1) << 32 | (uint32_t)link;
    } while (!__atomic_compare_exchange_n(&free_head, &head, next, true, __ATOMIC_ACQUIRE,
                                          __ATOMIC_ACQUIRE));
    return connection;
}

static bool grow(void)
{
    uint32_t first = 0;
    int chunk = 0;
    while (chunk < CHUNKS && __atomic_load_n(&chunks[chunk], __ATOMIC_ACQUIRE) != NULL)
        first += (uint32_t)chunk_size(chunk++);
    if (chunk == CHUNKS) {
        hy_error_set(-HY_ENOMEM, "there are 4 billion connections already");
        return false;
    }
    struct hy__connection *memory =
        hy__allocate_aligned_zeroed(HY__CACHE_LINE, chunk_size(chunk) * sizeof *memory);
    if (memory == NULL)
        return false;
    struct hy__connection *none = NULL;
    /* Release: published zeroed. */
    if (!__atomic_compare_exchange_n(&chunks[chunk], &none, memory, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        hy__release_aligned(memory);
        return true; /* another thread grew it */
    }
    for (size_t i = chunk_size(chunk); i-- > 0;)
        push(first + (uint32_t)i);
    return true;
}

struct hy__connection *hy__connection_allocate(void)
{
    struct hy__connection *connection;
    while ((connection = pop()) == NULL)
        if (!grow())
            return NULL;
    return connection;
}

void hy__connection_release(struct hy__connection *connection)
{
    push(index_of(connection));
}
