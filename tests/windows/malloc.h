/* SPDX-License-Identifier: MIT */
/* See unistd.h. */
#ifndef TESTS_WINDOWS_MALLOC_H
#define TESTS_WINDOWS_MALLOC_H

#include_next <malloc.h>

#define malloc_usable_size(memory) _msize(memory)

#endif
