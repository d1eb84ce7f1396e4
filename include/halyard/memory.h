/* SPDX-License-Identifier: MIT */
/*
 * Where the library's memory comes from. Running out of it is always an error value, never an
 * abort; a test installs an allocator that fails on purpose.
 */
#ifndef HALYARD_MEMORY_H
#define HALYARD_MEMORY_H

#include <halyard/base.h>

HY_BEGIN_DECLS

/* All members are given; they are called from any thread. resize follows realloc(). */
struct hy_allocator {
    void *(*allocate)(size_t size); /* aligned for everything, as malloc() does */
    void *(*resize)(void *memory, size_t size);
    void (*release)(void *memory);
};

/*
 * Replaces the allocator; NULL restores malloc, realloc and free. The structure is borrowed for
 * good. Thread: any, but before anything else of the library is used, or at least with an allocator
 * whose release() accepts what the one before gave.
 */
HY_API void hy_memory_set_allocator(const struct hy_allocator *allocator);

/* size bytes from the allocator; NULL when there are none, with the last error set. Thread: any. */
HY_API void *hy_memory_allocate(size_t size);
/* The same, filled with zeros. Thread: any. */
HY_API void *hy_memory_allocate_zeroed(size_t size);
/* As realloc(): on failure NULL, the last error is set, and the old memory is untouched. Thread:
 * any. */
HY_API void *hy_memory_resize(void *memory, size_t size);
/* Gives memory back; NULL is allowed. Thread: any. */
HY_API void hy_memory_release(void *memory);

HY_END_DECLS

#endif
