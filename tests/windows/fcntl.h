/* SPDX-License-Identifier: MIT */
/* Flags of POSIX that Windows' <fcntl.h> lacks. See unistd.h. */
#ifndef TESTS_WINDOWS_FCNTL_H
#define TESTS_WINDOWS_FCNTL_H

#include_next <fcntl.h>

#define O_NONBLOCK 0x10000
#define O_CLOEXEC  0x20000

#endif
