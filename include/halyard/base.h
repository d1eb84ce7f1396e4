/* SPDX-License-Identifier: MIT */
/*
 * What every header needs: version, visibility, attributes, time.
 *
 * Words used in the comments of all headers:
 *   Thread: any        may be called from every thread, at every time the object exists
 *   any, for itself    the same; it concerns the calling thread only
 *   Thread: home       only from the thread the object lives in, else -HY_EWRONGTHREAD
 *   ends, is finished  hy_object_fini(), whoever calls it: hy_object_destroy(), the parent, the end
 *                      of its thread
 *   dead               it has been finished; functions then say -HY_ESHUTDOWN
 *
 * Functions that can fail return an int: 0 or more is success, below 0 is the negative of a
 * code of enum hy_error_code, and hy_last_error() tells the rest. Parameters: first what the
 * function is about, then what it needs, then a new object's parent; out-parameters come last,
 * are called ret_..., and are untouched on failure.
 *
 * Time is an int64_t in nanoseconds. deadline_ns is a point in time: hy_now_ns() + 2 * HY_SECOND,
 * or HY_FOREVER; delay_ns, interval_ns and timeout_ns last: 2 * HY_SECOND.
 *
 * init and fini work on the caller's memory, create and hy_object_destroy() on the heap. A getter
 * is called as what it gives; get_ goes before it where a type has that name already. Members that
 * end in _, and priv, are the library's. hy_connect(), hy_emit(), hy_create(), hy_after() and their
 * kin are macros, typed fronts of functions; those are for other languages and for signals found by
 * name.
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
#if defined(_WIN32) && defined(HY_BUILDS_LIBRARY)
#define HY_API __declspec(dllexport)
#elif defined(_WIN32)
/* Not dllimport: a class of a DLL must be a constant for HY_CLASS(.base = ...); the linker sees to
 * it. So the DLLs and the static libraries have the same headers. */
#define HY_API
#else
#define HY_API __attribute__((visibility("default")))
#endif
#if defined(_WIN32) && !defined(__clang__)
#define HY_PRINTF(f, a) __attribute__((format(gnu_printf, f, a)))
#else
#define HY_PRINTF(f, a) __attribute__((format(printf, f, a)))
#endif
#define HY_MUST_USE __attribute__((warn_unused_result))
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
