/* SPDX-License-Identifier: MIT */
/*
 * Things that are made and ended in numbers: objects, connections, threads.
 */
#include "works.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STARTS = 300,
    THREAD_EVENTS = 200000,
};

int bench_run_things(const struct bench_things *things, size_t count)
{
    void **all = malloc(count * sizeof *all);

    bench_check(all != NULL, "malloc");
    memset(all, 0xff, count * sizeof *all); /* touched, so that it is resident before the count */
    if (things->prepare != NULL)
        things->prepare(count);

    size_t before = bench_memory_bytes();
    uint64_t start_ns = bench_now_ns();

    things->make(all, count);

    uint64_t made_ns = bench_now_ns();
    double bytes = (double)bench_memory_bytes() - (double)before;
    uint64_t end_ns = bench_now_ns();

    things->end(all, count);
    bench_report("_end", (double)(bench_now_ns() - end_ns) / (double)count, "ns");
    bench_report("_make", (double)(made_ns - start_ns) / (double)count, "ns");
    bench_report("_bytes", bytes / (double)count, "bytes");
    free(all);
    return 0;
}

/* Written in the new thread before `happened`, read by the main one after it. */
static uint64_t began_ns;
static sem_t happened;

void bench_thread_began(void)
{
    began_ns = bench_now_ns();
    sem_post(&happened);
}

static void await(void)
{
    while (sem_wait(&happened) < 0) {
    }
}

int bench_run_thread(const struct bench_thread *thread)
{
    static double began_us[STARTS], ended_us[STARTS];
    size_t count = bench_count(STARTS);

    sem_init(&happened, 0, 0);
    for (size_t i = 0; i < count; i++) {
        uint64_t start_ns = bench_now_ns();

        thread->start();
        await();
        thread->join();
        began_us[i] = (double)(began_ns - start_ns) * 1e-3;
        ended_us[i] = (double)(bench_now_ns() - start_ns) * 1e-3;
    }
    bench_report("", bench_quantile(began_us, count, 0.5), "us");
    bench_report("_join", bench_quantile(ended_us, count, 0.5), "us");
    return 0;
}

/* Counted by all threads. Relaxed: the semaphore orders what follows the last of them. */
static atomic_uint_fast64_t arrived;
static uint64_t arrivals; /* fixed before the first event */

void bench_arrived(void)
{
    if (atomic_fetch_add_explicit(&arrived, 1, memory_order_relaxed) + 1 == arrivals)
        sem_post(&happened);
}

int bench_run_threads(const struct bench_threads *threads, size_t count)
{
    sem_init(&happened, 0, 0);
    arrivals = bench_count(THREAD_EVENTS);
    threads->start(count);

    uint64_t start_ns = bench_now_ns();
    uint64_t start_cpu_ns = bench_cpu_ns();

    for (uint64_t i = 0; i < arrivals; i++)
        threads->send((size_t)(i % count));
    await();
    bench_report("", (double)(bench_now_ns() - start_ns) / (double)arrivals, "ns");
    bench_report("_cpu", (double)(bench_cpu_ns() - start_cpu_ns) / (double)arrivals, "ns");
    threads->stop();
    return 0;
}
