/* SPDX-License-Identifier: MIT */
/*
 * The probes of halyard/diagnostics.h: a `nop` each in the code, and a note in the file that says
 * where it is and where its arguments are. Without <sys/sdt.h> they are nothing.
 */
#ifndef HALYARD_CORE_PROBES_H
#define HALYARD_CORE_PROBES_H

#ifdef HY__HAVE_SDT
#include <sys/sdt.h>
#ifdef __clang__ /* it gives variadic macros fewer arguments than -Wpedantic wants, where they are \
                    used */
#pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#endif
#define HY__PROBE1(name, a)          DTRACE_PROBE1(halyard, name, a)
#define HY__PROBE2(name, a, b)       DTRACE_PROBE2(halyard, name, a, b)
#define HY__PROBE3(name, a, b, c)    DTRACE_PROBE3(halyard, name, a, b, c)
#define HY__PROBE4(name, a, b, c, d) DTRACE_PROBE4(halyard, name, a, b, c, d)
#else
#define HY__PROBE1(name, a)          ((void)0)
#define HY__PROBE2(name, a, b)       ((void)0)
#define HY__PROBE3(name, a, b, c)    ((void)0)
#define HY__PROBE4(name, a, b, c, d) ((void)0)
#endif

#endif
