/* SPDX-License-Identifier: MIT */
/*
 * Timers: starting and stopping one beside many, starting many anew, many that fire, how late they
 * fire, and those that fire in every pass. Also what a process needs that only waits.
 */
#include "works.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    COARSE_SPREAD_MS = 1000, /* intervals of half a second to one and a half */
    COARSE_MIN_MS = 500,
    COARSE_RUN_MS = 3000,
    COARSE_CLOCK_EVERY = 64, /* timers whose time is looked at: a look costs as much as a fire */
    PRECISE_SAMPLES = 20000,
    ZERO_FIRES = 500000,
    IDLE_MS = 100,
};

static const struct bench_timers *peer;

/* What a fire is for, and how often there was one. */
static void (*on_fired)(size_t index);
static uint64_t fires;
static uint64_t start_ns, start_cpu_ns;

static uint64_t *deadlines_ns; /* of the timers whose time is looked at */
static uint64_t *intervals_ns;
static uint64_t looked_at, early;
static double *late_us;

uint32_t bench_timer_delay_ms(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return 1000u + (*state >> 8) % 59000u;
}

size_t bench_restart_next(struct bench_restart *restart)
{
    size_t index = restart->order[restart->next++];

    if (restart->next == restart->count)
        restart->next = 0;
    return index;
}

void bench_timer_fired(size_t index)
{
    fires++;
    on_fired(index);
}

/* The program ends here, in a callback: what a library would still do is of no interest. */
static void end(void)
{
    _exit(0);
}

static void run_loop(void (*fired)(size_t index))
{
    on_fired = fired;
    fires = 0;
    start_ns = bench_now_ns();
    start_cpu_ns = bench_cpu_ns();
    peer->run();
    fprintf(stderr, "the loop ended before its timers had fired\n");
    exit(1);
}

static void report_fires(void)
{
    double wall_ns = (double)(bench_now_ns() - start_ns);

    bench_report("_rate", (double)fires / wall_ns * 1e9, "fires/s");
    bench_report("_cpu", (double)(bench_cpu_ns() - start_cpu_ns) / (double)fires, "ns");
}

static void coarse_fired(size_t index)
{
    if (index % COARSE_CLOCK_EVERY != 0)
        return;

    uint64_t now_ns = bench_now_ns();

    looked_at++;
    early += now_ns < deadlines_ns[index];
    while (deadlines_ns[index] <= now_ns)
        deadlines_ns[index] += intervals_ns[index];
    if (now_ns - start_ns >= bench_count(COARSE_RUN_MS) * 1000000u && fires > 1) {
        report_fires();
        bench_report("_early", 100.0 * (double)early / (double)looked_at, "%");
        end();
    }
}

static void run_coarse(size_t count)
{
    uint32_t random = 1;

    deadlines_ns = calloc(count, sizeof *deadlines_ns);
    intervals_ns = calloc(count, sizeof *intervals_ns);
    bench_check(deadlines_ns != NULL && intervals_ns != NULL, "calloc");
    peer->make(count, false);
    for (size_t i = 0; i < count; i++) {
        uint32_t interval_ms = COARSE_MIN_MS + bench_timer_delay_ms(&random) % COARSE_SPREAD_MS;

        intervals_ns[i] = (uint64_t)interval_ms * 1000000u;
        deadlines_ns[i] = bench_now_ns() + intervals_ns[i];
        peer->start_periodic(i, interval_ms);
    }
    run_loop(coarse_fired);
}

static void arm_precise(size_t index)
{
    static uint32_t random = 1;
    uint32_t delay_ms = 20 + bench_timer_delay_ms(&random) % 100;

    deadlines_ns[index] = bench_now_ns() + delay_ms * UINT64_C(1000000);
    peer->start(index, delay_ms);
}

static void precise_fired(size_t index)
{
    uint64_t now_ns = bench_now_ns();
    size_t wanted = bench_count(PRECISE_SAMPLES);

    late_us[fires - 1] = (double)(int64_t)(now_ns - deadlines_ns[index]) * 1e-3;
    early += now_ns < deadlines_ns[index];
    if (fires == wanted) {
        report_fires();
        bench_report("_early", 100.0 * (double)early / (double)wanted, "%");
        bench_report("_late_p50", bench_quantile(late_us, wanted, 0.5), "us");
        bench_report("_late_p90", bench_quantile(late_us, wanted, 0.9), "us");
        bench_report("_late_p99", bench_quantile(late_us, wanted, 0.99), "us");
        bench_report("_late_max", bench_quantile(late_us, wanted, 1), "us");
        end();
    }
    arm_precise(index);
}

static void run_precise(size_t count)
{
    deadlines_ns = calloc(count, sizeof *deadlines_ns);
    late_us = calloc(PRECISE_SAMPLES, sizeof *late_us);
    bench_check(deadlines_ns != NULL && late_us != NULL, "calloc");
    peer->make(count, true);
    for (size_t i = 0; i < count; i++)
        arm_precise(i);
    run_loop(precise_fired);
}

static void zero_fired(size_t index)
{
    (void)index;
    if (fires == bench_count(ZERO_FIRES)) {
        bench_report("", (double)(bench_now_ns() - start_ns) / (double)fires, "ns");
        end();
    }
}

static void idle_fired(size_t index)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    (void)index;
    bench_check(file != NULL && fscanf(file, "%*s %ld", &pages) == 1, "/proc/self/statm");
    fclose(file);
    bench_report("", (double)(pages * sysconf(_SC_PAGESIZE)) / 1e6, "MB");
    end();
}

static void make_and_start(size_t count, uint32_t *random, size_t first)
{
    peer->make(count, false);
    for (size_t i = first; i < count; i++)
        peer->start(i, bench_timer_delay_ms(random));
}

static void run_restart(size_t count)
{
    struct bench_restart restart = {.order = bench_shuffled(count), .count = count, .random = 1};

    make_and_start(count, &restart.random, 0);
    bench_report("", bench_median_ns(peer->restart, &restart), "ns");
}

static void run_start_and_stop(void (*chunk)(void *random, size_t count), size_t others)
{
    uint32_t random = 1;

    make_and_start(others + 1, &random, 1);
    bench_report("", bench_median_ns(chunk, &random), "ns");
}

static void run_bytes(size_t count)
{
    uint32_t random = 1;

    peer->make(1, false); /* the loop's own */

    size_t before = bench_memory_bytes();

    make_and_start(count, &random, 0);
    bench_report("", (double)(bench_memory_bytes() - before) / (double)count, "bytes");
}

int bench_run_timers(const struct bench_timers *timers, const char *what, size_t count)
{
    peer = timers;
    if (count > timers->count_max)
        return BENCH_LEFT_OUT;
    if (strcmp(what, "coarse") == 0)
        run_coarse(count);
    else if (strcmp(what, "precise") == 0)
        run_precise(count);
    else if (strcmp(what, "restart") == 0)
        run_restart(count);
    else if (strcmp(what, "start_stop") == 0)
        run_start_and_stop(timers->start_and_stop, count);
    else if (strcmp(what, "start_at_stop") == 0)
        run_start_and_stop(timers->start_at_and_stop, count);
    else if (strcmp(what, "bytes") == 0)
        run_bytes(count);
    else {
        timers->make(1, false);
        if (strcmp(what, "zero") == 0)
            timers->start_zero();
        else
            timers->start(0, IDLE_MS);
        run_loop(strcmp(what, "zero") == 0 ? zero_fired : idle_fired);
    }
    return 0;
}
