/* SPDX-License-Identifier: MIT */
/*
 * The shared half of the benchmark programs: see harness.h. Nothing here is on a measured path
 * except bench_check_sequence(), which every peer calls once per event.
 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A run that hangs must not hold up the others: the slowest takes a few seconds. */
enum {
    RUN_LIMIT_SECONDS = 120
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t bench_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t bench_cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void bench_report(const char *bench, const char *peer, double value, const char *unit)
{
    printf("{\"bench\": \"%s\", \"peer\": \"%s\", \"value\": %.4g, \"unit\": \"%s\"}\n", bench,
           peer, value, unit);
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

double bench_median_ns(void (*chunk)(void *context, size_t count), void *context, size_t count)
{
    double samples[BENCH_CHUNKS];

    chunk(context, count);
    for (size_t i = 0; i < BENCH_CHUNKS; i++) {
        uint64_t start = bench_now_ns();

        chunk(context, count);
        samples[i] = (double)(bench_now_ns() - start) / (double)count;
    }
    qsort(samples, BENCH_CHUNKS, sizeof samples[0], compare_doubles);
    return samples[BENCH_CHUNKS / 2];
}

void bench_check_sequence(const struct bench_payload *payload, uint64_t *expected)
{
    if (payload->sequence != *expected) {
        fprintf(stderr, "event %llu arrived where %llu was expected\n",
                (unsigned long long)payload->sequence, (unsigned long long)*expected);
        _exit(1);
    }
    (*expected)++;
}

uint32_t bench_timer_delay_ms(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return 1000u + (*state >> 8) % 59000u;
}

void bench_report_queued(const char *peer, uint64_t start_ns, uint64_t start_cpu_ns)
{
    double wall = (double)(bench_now_ns() - start_ns);
    double cpu = (double)(bench_cpu_ns() - start_cpu_ns);

    bench_report("queued_emit", peer, BENCH_QUEUED_EVENTS / (wall * 1e-9), "events/s");
    bench_report("queued_emit_cpu", peer, cpu / BENCH_QUEUED_EVENTS, "ns");
}

void bench_report_round_trip(const char *bench, const char *peer, uint64_t start_ns)
{
    double wall = (double)(bench_now_ns() - start_ns);

    bench_report(bench, peer, wall * 1e-3 / BENCH_ROUND_TRIPS, "us");
}

void bench_report_pingpong(const char *peer, uint64_t start_ns)
{
    bench_report_round_trip("pingpong", peer, start_ns);
}

int bench_main(int argc, char **argv, const struct bench_case *cases, size_t case_count)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < case_count; i++) {
            puts(cases[i].name);
        }
        return 0;
    }
    for (size_t i = 0; argc == 2 && i < case_count; i++) {
        if (strcmp(argv[1], cases[i].name) == 0) {
            alarm(RUN_LIMIT_SECONDS);
            return cases[i].run();
        }
    }
    fprintf(stderr, "usage: %s BENCH, with one of the names that %s --list prints\n", argv[0],
            argv[0]);
    return 2;
}
