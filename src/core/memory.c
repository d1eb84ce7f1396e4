/* SPDX-License-Identifier: MIT */
/* The allocator hook, and aligned memory on top of it. */
#include "core/internal.h"

#include <stdlib.h>
#include <string.h>

static const struct hy_allocator system_allocator = {malloc, realloc, free};
static const struct hy_allocator *current = &system_allocator;

void hy_memory_set_allocator(const struct hy_allocator *allocator)
{
    /* Release and acquire: a thread that sees the pointer sees the structure. */
    __atomic_store_n(&current, allocator != NULL ? allocator : &system_allocator, __ATOMIC_RELEASE);
}

static const struct hy_allocator *allocator_now(void)
{
    return __atomic_load_n(&current, __ATOMIC_ACQUIRE);
}

static void *checked(void *memory, size_t size)
{
    if (memory == NULL)
        hy_error_set(-HY_ENOMEM, "out of memory: %zu bytes were refused", size);
    return memory;
}

void *hy_memory_allocate(size_t size)
{
    return checked(allocator_now()->allocate(size != 0 ? size : 1), size);
}

void *hy_memory_allocate_zeroed(size_t size)
{
    void *memory = hy_memory_allocate(size);
    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

void *hy_memory_resize(void *memory, size_t size)
{
    return checked(allocator_now()->resize(memory, size != 0 ? size : 1), size);
}

void hy_memory_release(void *memory)
{
    if (memory != NULL)
        allocator_now()->release(memory);
}

/* Behind the memory stands the address that the allocator gave. The system's own can give the right
 * one at once: then leak checkers find a pointer to where the block begins. */
void *hy__allocate_aligned(size_t alignment, size_t size)
{
    if (allocator_now() == &system_allocator) {
        void *memory = hy__os_allocate_aligned(alignment, size + sizeof(void *));
        if (memory != NULL) {
            memcpy((char *)memory + size, &memory, sizeof memory);
            return memory;
        }
    }
    if (alignment == HY__HUGE_PAGE)
        alignment = HY__CACHE_LINE; /* else it would take two of them to have one */
    char *start = hy_memory_allocate(size + alignment + sizeof(void *));
    if (start == NULL)
        return NULL;
    char *memory = start + (alignment - (uintptr_t)start % alignment) % alignment;
    memcpy(memory + size, &start, sizeof start);
    return memory;
}

void *hy__allocate_aligned_zeroed(size_t alignment, size_t size)
{
    void *memory = hy__allocate_aligned(alignment, size);
    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

void hy__release_aligned(void *memory, size_t size)
{
    void *start = NULL;
    if (memory != NULL)
        memcpy(&start, (char *)memory + size, sizeof start);
    hy_memory_release(start);
}
