/* SPDX-License-Identifier: MIT */
/*
 * Watched sockets: 5,000 pairs, of which some have a byte to read. Whoever reads it writes one to
 * the next pair, so as many are ready at any time.
 */
#include "works.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    EVENTS = 200000,
    RUN_MS = 2000, /* or so long, for those who look through all of them each time */
    CLOCK_EVERY = 64,
    READ = 0,
    WRITE = 1,
};

static int pairs[BENCH_SOCKETS][2];
static uint64_t events;
static uint64_t start_ns, start_cpu_ns;

static void write_to(size_t index)
{
    bench_check(write(pairs[index][WRITE], "", 1) == 1, "cannot write to a socket");
}

static bool is_over(void)
{
    return bench_now_ns() - start_ns > bench_count(RUN_MS) * 1000000u;
}

void bench_notifier_ready(size_t index)
{
    char byte;

    bench_check(read(pairs[index][READ], &byte, 1) == 1, "cannot read from a socket");
    events++;
    if (events == bench_count(EVENTS) || (events % CLOCK_EVERY == 0 && is_over())) {
        bench_report("", (double)events / ((double)(bench_now_ns() - start_ns) * 1e-9), "events/s");
        bench_report("_cpu", (double)(bench_cpu_ns() - start_cpu_ns) / (double)events, "ns");
        _exit(0);
    }
    write_to(index + 1 < BENCH_SOCKETS ? index + 1 : 0);
}

int bench_run_notifiers(const struct bench_notifiers *notifiers, size_t active)
{
    for (size_t i = 0; i < BENCH_SOCKETS; i++) {
        bench_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pairs[i]) ==
                        0,
                    "5,000 pairs of sockets need 10,000 descriptors (ulimit -Hn)");
        notifiers->watch(i, pairs[i][READ]);
    }
    for (size_t i = 0; i < active; i++)
        write_to(i * (BENCH_SOCKETS / active));
    start_ns = bench_now_ns();
    start_cpu_ns = bench_cpu_ns();
    notifiers->run();
    fprintf(stderr, "the loop ended before its events had come\n");
    return 1;
}
