/* SPDX-License-Identifier: MIT */
/*
 * An allocator that counts what is outstanding, and fails on purpose. Install it first thing in
 * main(), before the library is used.
 */
#ifndef TESTS_ALLOCATOR_H
#define TESTS_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>

void allocator_install(void);

/* The n-th request from now on fails (1: the next), once, in whatever thread; 0: none. */
void allocator_fail_at(long n);
/* Whether the failure asked for has happened. */
bool allocator_has_failed(void);
/* How many blocks, and bytes of them, have been given out and not come back. */
long allocator_blocks(void);
long allocator_bytes(void);
/* How many requests there have been. */
long allocator_requests(void);

#endif
