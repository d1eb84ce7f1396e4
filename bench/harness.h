/* SPDX-License-Identifier: MIT */
/*
 * What every benchmark program shares, whichever library it measures: the clocks, the counts, how a
 * cost is taken, the way a value is printed, and the command line.
 *
 * A program is called as `bench_PEER [--short] BENCH[:SIZE]` and prints one JSON object a line with
 * the members bench, peer, value and unit; `bench_PEER --list` names the benches it has, one a
 * line. --short does as little as shows that it works. Exit code 77: this peer cannot do that size
 * in any sensible time. C and C++ programs link it alike.
 */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The same counts for every peer; a benchmark that needs others is not the same work. */
enum {
    BENCH_EVENTS = 1000000,
    BENCH_ROUND_TRIPS = 20000,
    BENCH_LEFT_OUT = 77, /* exit code */
};

/* One benchmark of a program: `run` prints its rows with bench_report() and returns 0, or says on
 * standard error what failed and returns non-zero. `size` is what stands behind the colon. */
struct bench_case {
    const char *name;
    int (*run)(size_t size);
};

/* Monotonic time in nanoseconds. */
uint64_t bench_now_ns(void);

/* Processor time of all threads of this process, user and system, in nanoseconds. */
uint64_t bench_cpu_ns(void);

/* The count of a full run, or with --short a thousandth of it, at least 1. */
uint64_t bench_count(uint64_t full);

/* Prints one result row on standard output, named after the bench that runs: for "emit:10" and the
 * suffix "_cpu" it is "emit_cpu:10". */
void bench_report(const char *suffix, double value, const char *unit);

/* As many descriptors as the system lets a process have: sockets and the loops of a thousand
 * threads need more than is usual. */
void bench_raise_descriptor_limit(void);

/* For a server: prints the port that it listens on, as its first line. From here on the program has
 * two minutes, for a server whose client died must not stay behind. */
void bench_announce(unsigned port);

/* Ends the program, with what errno says, unless `is_good`. */
void bench_check(bool is_good, const char *what);

/* The median by size of `samples`, which it sorts; `share` 0.5, or another quantile. */
double bench_quantile(double *samples, size_t count, double share);

/* Finds out how often `chunk(context, count)` has to repeat its work to fill two milliseconds, then
 * runs it 21 times; returns the median chunk's nanoseconds per repetition. The median, because a
 * chunk may be preempted. */
double bench_median_ns(void (*chunk)(void *context, size_t count), void *context);

/* Prints the row of a bench that has made `trips` round trips since `start_ns`. */
void bench_report_round_trips(uint64_t start_ns, uint64_t trips);

/* The numbers from 0 to count - 1 in an order that looks random and is the same for every peer. To
 * be freed. */
size_t *bench_shuffled(size_t count);

/* Bytes of memory that is resident and not of a file: what the process has taken and touched. */
size_t bench_memory_bytes(void);

/* The main function of a program: runs the case that the arguments name. The name of the last case
 * is NULL. */
int bench_main(int argc, char **argv, const char *peer, const struct bench_case *cases);

#ifdef __cplusplus
}
#endif

#endif
