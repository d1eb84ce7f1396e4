/* SPDX-License-Identifier: MIT */
/*
 * What every header needs: version, visibility, attributes, time.
 *
 * Words used in the comments of all headers:
 *   Thread: any        may be called from every thread, at every time the object exists
 *   Thread: home       only from the thread the object lives in, else -HY_EWRONGTHREAD
 * Functions that can fail return an int: 0 or more is success, below 0 is the negative of a
 * code of enum hy_error_code, and hy_last_error() tells the rest. Out-parameters come last,
 * are called ret_..., and are untouched on failure.
 */
#ifndef HALYARD_BASE_H
#define HALYARD_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HY_VERSION_MAJOR 0
#define HY_VERSION_MINOR 1
#define HY_VERSION_PATCH 0

#if defined(__GNUC__)
#define HY_API          __attribute__((visibility("default")))
#define HY_MUST_USE     __attribute__((warn_unused_result))
#define HY_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define HY_UNLIKELY(c)  __builtin_expect(!!(c), 0)
#else
#error "Halyard's headers need the GNU dialect of C11 or C++17 (gcc, clang)"
#endif

#ifdef __cplusplus
#define HY_BEGIN_DECLS extern "C" {
#define HY_END_DECLS   }
#else
#define HY_BEGIN_DECLS
#define HY_END_DECLS
#endif

/* Points in time are nanoseconds of the monotonic clock of the thread's dispatcher. */
#define HY_FOREVER     INT64_MAX
#define HY_NANOSECOND  INT64_C(1)
#define HY_MICROSECOND INT64_C(1000)
#define HY_MILLISECOND INT64_C(1000000)
#define HY_SECOND      INT64_C(1000000000)

HY_BEGIN_DECLS

/* The version of the library that runs, "MAJOR.MINOR.PATCH". Thread: any. */
HY_API const char *hy_version(void);

HY_END_DECLS

#endif
