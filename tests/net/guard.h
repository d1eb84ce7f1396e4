/* SPDX-License-Identifier: MIT */
/*
 * Memory that ends where a page does that must not be touched: one byte read or written behind the
 * input is a fault, also without a sanitizer.
 */
#ifndef HY_TEST_GUARD_H
#define HY_TEST_GUARD_H

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct guard {
    char *memory;
    size_t size; /* bytes that may be touched */
};

static inline struct guard guard_create(size_t size_min)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = (size_min + page - 1) / page * page + (size_min == 0 ? page : 0);
    char *memory =
        mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    assert_int_equal(mprotect(memory + size, page, PROT_NONE), 0);
    return (struct guard){memory, size};
}

static inline void guard_destroy(struct guard *guard)
{
    munmap(guard->memory, guard->size + (size_t)sysconf(_SC_PAGESIZE));
}

/* A copy of the bytes that ends at the guard page. */
static inline char *guard_copy(struct guard *guard, const void *data, size_t size)
{
    assert_true(size <= guard->size);
    char *at = guard->memory + guard->size - size;
    if (size > 0)
        memcpy(at, data, size);
    return at;
}

#endif
