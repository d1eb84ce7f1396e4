/* SPDX-License-Identifier: MIT */
/*
 * Events from one or several threads to another thread's loop: the rate until the last has arrived,
 * and the processor time of all threads for each.
 */
#include "works.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

/* The consumer's, until `done`. */
static uint64_t expected[BENCH_PRODUCERS_MAX];
static uint64_t received;

static uint64_t total; /* fixed before the consumer's first event */
static sem_t done;

struct producer {
    const struct bench_carrier *carrier;
    pthread_barrier_t *ready;
    size_t index;
    uint64_t count;
};

void bench_receive(const struct bench_payload *payload)
{
    if (payload->producer >= BENCH_PRODUCERS_MAX ||
        payload->sequence != expected[payload->producer]) {
        fprintf(stderr, "event %llu of producer %llu arrived out of order\n",
                (unsigned long long)payload->sequence, (unsigned long long)payload->producer);
        _Exit(1);
    }
    expected[payload->producer]++;
    if (++received == total)
        sem_post(&done);
}

static void *produce(void *context)
{
    struct producer *producer = context;

    pthread_barrier_wait(producer->ready);
    producer->carrier->produce(producer->index, producer->count);
    return NULL;
}

/* The main thread is producer 0. */
int bench_run_carrier(const struct bench_carrier *carrier, size_t producers)
{
    pthread_barrier_t ready;
    pthread_t threads[BENCH_PRODUCERS_MAX];
    struct producer contexts[BENCH_PRODUCERS_MAX];

    bench_check(producers >= 1 && producers <= BENCH_PRODUCERS_MAX, "producers: 1 to 4");
    total = bench_count(BENCH_EVENTS) / producers * producers;
    sem_init(&done, 0, 0);
    pthread_barrier_init(&ready, NULL, (unsigned)producers);
    carrier->start(producers);
    for (size_t i = 0; i < producers; i++) {
        contexts[i] = (struct producer){carrier, &ready, i, total / producers};
        if (i > 0)
            bench_check(pthread_create(&threads[i], NULL, produce, &contexts[i]) == 0, "pthread");
    }

    uint64_t start_ns = bench_now_ns();
    uint64_t start_cpu_ns = bench_cpu_ns();

    produce(&contexts[0]);
    while (sem_wait(&done) < 0) {
    }
    bench_report("", (double)total / ((double)(bench_now_ns() - start_ns) * 1e-9), "events/s");
    bench_report("_cpu", (double)(bench_cpu_ns() - start_cpu_ns) / (double)total, "ns");
    for (size_t i = 1; i < producers; i++)
        pthread_join(threads[i], NULL);
    carrier->stop();
    return 0;
}
