/* SPDX-License-Identifier: MIT */
/* winpthreads' names struct timespec without declaring it. See unistd.h. */
#ifndef TESTS_WINDOWS_SEMAPHORE_H
#define TESTS_WINDOWS_SEMAPHORE_H

#include <time.h>

#include_next <semaphore.h>

#endif
