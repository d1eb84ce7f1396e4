/* SPDX-License-Identifier: MIT */
/* Pages that must not be touched. See ../unistd.h. */
#ifndef TESTS_WINDOWS_SYS_MMAN_H
#define TESTS_WINDOWS_SYS_MMAN_H

#include <stddef.h>
#include <sys/types.h>

#define PROT_NONE     0
#define PROT_READ     1
#define PROT_WRITE    2
#define MAP_PRIVATE   2
#define MAP_ANONYMOUS 0x20
#define MAP_FAILED    ((void *)-1)

/* Of anonymous memory only. */
void *mmap(void *address, size_t size, int protection, int flags, int descriptor, off_t offset);
int mprotect(void *address, size_t size, int protection);
int munmap(void *address, size_t size);

#define _SC_PAGESIZE 30

/* _SC_PAGESIZE. */
long sysconf(int name);

#endif
