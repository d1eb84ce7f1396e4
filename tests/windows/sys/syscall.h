/* SPDX-License-Identifier: MIT */
/* The number of the calling thread. See ../unistd.h. */
#ifndef TESTS_WINDOWS_SYS_SYSCALL_H
#define TESTS_WINDOWS_SYS_SYSCALL_H

#define SYS_gettid 186

long syscall(long number);

#endif
