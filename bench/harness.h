/* SPDX-License-Identifier: MIT */
/*
 * What every benchmark program shares, whichever library it measures: the clocks, the counts, the
 * payload, the way a value is printed, and the command line. Peers differ only in the work itself.
 *
 * A program is called as `bench_PEER BENCH` and prints one JSON object a line with the members
 * bench, peer, value and unit; `bench_PEER --list` names the benches it has, one a line.
 * C and C++ programs link it alike.
 */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The same counts for every peer; a benchmark that needs others is not the same work. */
enum {
    BENCH_EMITS_PER_CHUNK = 100000,
    BENCH_CHUNKS = 21,
    BENCH_QUEUED_EVENTS = 1000000,
    BENCH_ROUND_TRIPS = 20000,
    BENCH_TIMERS = 10000,
    BENCH_TIMER_OPERATIONS_PER_CHUNK = 2000,
};

/* The 32 bytes that cross a thread by value in queued_emit. `sequence` counts up from 0, and the
 * receiver hands each one to bench_check_sequence(). */
struct bench_payload {
    uint64_t sequence;
    uint64_t data[3];
};

/* One benchmark of a program: `run` prints its rows with bench_report() and returns 0, or says on
 * standard error what failed and returns non-zero. */
struct bench_case {
    const char *name;
    int (*run)(void);
};

/* Monotonic time in nanoseconds. */
uint64_t bench_now_ns(void);

/* Processor time of all threads of this process, user and system, in nanoseconds. */
uint64_t bench_cpu_ns(void);

/* Prints one result row on standard output. */
void bench_report(const char *bench, const char *peer, double value, const char *unit);

/* Runs `chunk(context, count)` once to warm up and BENCH_CHUNKS times more; returns the median
 * chunk's nanoseconds per operation. The median, because a chunk may be preempted. */
double bench_median_ns(void (*chunk)(void *context, size_t count), void *context, size_t count);

/* Ends the program with a message unless `payload` is the next one after `*expected`; a benchmark
 * that loses or reorders events has no rate. */
void bench_check_sequence(const struct bench_payload *payload, uint64_t *expected);

/* A deadline of 1 to 60 seconds ahead, in milliseconds, from a fixed pseudo-random sequence: every
 * peer arms the same timers. `state` starts at 1. */
uint32_t bench_timer_delay_ms(uint32_t *state);

/* Prints the two rows of queued_emit from the clocks taken before the first event. */
void bench_report_queued(const char *peer, uint64_t start_ns, uint64_t start_cpu_ns);

/* Prints the row of pingpong, and that of another bench that makes as many round trips. */
void bench_report_pingpong(const char *peer, uint64_t start_ns);
void bench_report_round_trip(const char *bench, const char *peer, uint64_t start_ns);

/* The main function of every `bench_PEER`: runs the case named by the only argument. */
int bench_main(int argc, char **argv, const struct bench_case *cases, size_t case_count);

#ifdef __cplusplus
}
#endif

#endif
