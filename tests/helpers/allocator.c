/* SPDX-License-Identifier: MIT */
/* Counts over malloc(); the counters are atomic, since every thread allocates. See allocator.h. */
#include "allocator.h"

#include <halyard/memory.h>
#include <malloc.h>
#include <stdlib.h>

static long blocks, bytes, requests;
static long countdown; /* 0: no failure is planned */
static bool has_failed;

static bool refuse(void)
{
    long left;

    __atomic_add_fetch(&requests, 1, __ATOMIC_RELAXED);
    left = __atomic_load_n(&countdown, __ATOMIC_RELAXED);
    while (left > 0)
        if (__atomic_compare_exchange_n(&countdown, &left, left - 1, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED)) {
            if (left > 1)
                return false;
            __atomic_store_n(&has_failed, true, __ATOMIC_RELAXED);
            return true;
        }
    return false;
}

static void count(void *memory, long sign)
{
    if (memory == NULL)
        return;
    __atomic_add_fetch(&blocks, sign, __ATOMIC_RELAXED);
    __atomic_add_fetch(&bytes, sign * (long)malloc_usable_size(memory), __ATOMIC_RELAXED);
}

static void *allocate(size_t size)
{
    void *memory = refuse() ? NULL : malloc(size);

    count(memory, 1);
    return memory;
}

static void *resize(void *memory, size_t size)
{
    long before = memory != NULL ? (long)malloc_usable_size(memory) : 0;
    bool is_new = memory == NULL;
    void *after = refuse() ? NULL : realloc(memory, size);

    if (after != NULL) {
        if (is_new)
            __atomic_add_fetch(&blocks, 1, __ATOMIC_RELAXED);
        __atomic_add_fetch(&bytes, (long)malloc_usable_size(after) - before, __ATOMIC_RELAXED);
    }
    return after;
}

static void release(void *memory)
{
    count(memory, -1);
    free(memory);
}

void allocator_install(void)
{
    static const struct hy_allocator allocator = {allocate, resize, release};

    hy_memory_set_allocator(&allocator);
}

void allocator_fail_at(long n)
{
    __atomic_store_n(&has_failed, false, __ATOMIC_RELAXED);
    __atomic_store_n(&countdown, n, __ATOMIC_RELAXED);
}

bool allocator_has_failed(void)
{
    return __atomic_load_n(&has_failed, __ATOMIC_RELAXED);
}

long allocator_blocks(void)
{
    return __atomic_load_n(&blocks, __ATOMIC_RELAXED);
}

long allocator_bytes(void)
{
    return __atomic_load_n(&bytes, __ATOMIC_RELAXED);
}

long allocator_requests(void)
{
    return __atomic_load_n(&requests, __ATOMIC_RELAXED);
}
