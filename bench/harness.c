/* SPDX-License-Identifier: MIT */
/*
 * The shared half of the benchmark programs: see harness.h.
 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    RUN_LIMIT_SECONDS = 120, /* a run that hangs must not hold up the others */
    CHUNKS = 21,
    SHORT_CHUNKS = 3,
    CHUNK_NS = 2000000,
    SHORT_CHUNK_NS = 1000,
    SHORT_DIVISOR = 1000,
};

/* What runs: set by bench_main(). */
static struct {
    const char *peer, *bench;
    size_t size;
    bool has_size, is_short;
} running;

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

uint64_t bench_count(uint64_t full)
{
    if (!running.is_short)
        return full;
    return full > SHORT_DIVISOR ? full / SHORT_DIVISOR : 1;
}

void bench_report(const char *suffix, double value, const char *unit)
{
    printf("{\"bench\": \"%s%s", running.bench, suffix);
    if (running.has_size)
        printf(":%zu", running.size);
    printf("\", \"peer\": \"%s\", \"value\": %.5g, \"unit\": \"%s\"}\n", running.peer, value, unit);
    fflush(stdout);
}

void bench_check(bool is_good, const char *what)
{
    if (!is_good) {
        perror(what);
        exit(1);
    }
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

double bench_quantile(double *samples, size_t count, double share)
{
    qsort(samples, count, sizeof samples[0], compare_doubles);
    return samples[(size_t)(share * (double)(count - 1) + 0.5)];
}

static uint64_t time_chunk(void (*chunk)(void *context, size_t count), void *context, size_t count)
{
    uint64_t start = bench_now_ns();

    chunk(context, count);
    return bench_now_ns() - start;
}

double bench_median_ns(void (*chunk)(void *context, size_t count), void *context)
{
    const uint64_t enough_ns = running.is_short ? SHORT_CHUNK_NS : CHUNK_NS;
    const size_t chunks = running.is_short ? SHORT_CHUNKS : CHUNKS;
    double samples[CHUNKS];
    size_t count = 1;

    while (time_chunk(chunk, context, count) < enough_ns)
        count *= 2;
    for (size_t i = 0; i < chunks; i++)
        samples[i] = (double)time_chunk(chunk, context, count) / (double)count;
    return bench_quantile(samples, chunks, 0.5);
}

void bench_report_round_trips(uint64_t start_ns, uint64_t trips)
{
    bench_report("", (double)(bench_now_ns() - start_ns) * 1e-3 / (double)trips, "us");
}

size_t *bench_shuffled(size_t count)
{
    size_t *order = malloc(count * sizeof *order);
    uint64_t state = 1;

    bench_check(order != NULL, "malloc");
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        size_t other = (size_t)(state >> 33) % (i + 1);
        order[i] = order[other];
        order[other] = i;
    }
    return order;
}

size_t bench_memory_bytes(void)
{
    long resident = 0, shared = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    bench_check(file != NULL && fscanf(file, "%*s %ld %ld", &resident, &shared) == 2,
                "/proc/self/statm");
    fclose(file);
    return (size_t)(resident - shared) * (size_t)sysconf(_SC_PAGESIZE);
}

void bench_announce(unsigned port)
{
    alarm(RUN_LIMIT_SECONDS);
    printf("%u\n", port);
    fflush(stdout);
}

void bench_raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* "emit:10" is the case "emit" with the size 10. */
static const struct bench_case *find_case(char *argument, const struct bench_case *cases)
{
    char *colon = strchr(argument, ':');

    if (colon != NULL) {
        *colon = '\0';
        running.has_size = true;
        running.size = strtoul(colon + 1, NULL, 10);
    }
    while (cases->name != NULL && strcmp(cases->name, argument) != 0)
        cases++;
    return cases->name != NULL ? cases : NULL;
}

int bench_main(int argc, char **argv, const char *peer, const struct bench_case *cases)
{
    const struct bench_case *found = NULL;

    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (; cases->name != NULL; cases++)
            puts(cases->name);
        return 0;
    }
    running.peer = peer;
    running.is_short = argc == 3 && strcmp(argv[1], "--short") == 0;
    if (argc == 2 || running.is_short)
        found = find_case(argv[argc - 1], cases);
    if (found == NULL) {
        fprintf(stderr, "usage: %s [--short] BENCH[:SIZE], with one of the names of %s --list\n",
                argv[0], argv[0]);
        return 2;
    }
    running.bench = found->name;
    bench_raise_descriptor_limit();
    alarm(RUN_LIMIT_SECONDS);
    return found->run(running.size);
}
