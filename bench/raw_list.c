/* SPDX-License-Identifier: MIT */
/*
 * Events in nodes on a list that is pushed to with one exchange and has one consumer. Nobody
 * allocates or frees a node: this is the limit of any list. Their memory is touched for the first
 * time as they are sent, as the array's is in raw_threads.c.
 */
#include "bench_raw.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

struct node {
    _Atomic(struct node *) next;
    struct bench_payload payload;
};

static _Atomic(struct node *) last; /* pushed last */
static struct node *taken;          /* the consumer's: handled already; its successor is next */
static struct node stub;
static struct node *nodes[BENCH_PRODUCERS_MAX]; /* each producer's own */
static _Atomic(bool) is_asleep, is_over;
static sem_t wake_up;
static pthread_t thread;

/* Release: whoever finds the node by its predecessor sees the payload. The exchange and the load
 * of is_asleep are sequentially consistent, as are the consumer's store of it and its look at the
 * list after that: one of the two sees the other. */
static void push(struct node *node)
{
    atomic_store_explicit(&node->next, NULL, memory_order_relaxed);

    struct node *before = atomic_exchange(&last, node);

    atomic_store(&before->next, node);
    if (atomic_load(&is_asleep) && atomic_exchange(&is_asleep, false))
        sem_post(&wake_up);
}

/* The next event, or NULL when there is none yet. */
static struct node *pop(void)
{
    struct node *next = atomic_load(&taken->next);

    if (next != NULL)
        taken = next;
    return next;
}

static void sleep_unless_there(void)
{
    atomic_store(&is_asleep, true);
    if (atomic_load(&taken->next) != NULL || atomic_load(&is_over)) {
        /* Whoever takes the flag back posts, so a post may be under way. */
        if (atomic_exchange(&is_asleep, false))
            return;
    }
    while (sem_wait(&wake_up) < 0) {
    }
}

static void *consume(void *context)
{
    while (!atomic_load(&is_over)) {
        const struct node *node = pop();

        if (node != NULL)
            bench_receive(&node->payload);
        else
            sleep_unless_there();
    }
    return context;
}

static void start(size_t producers)
{
    taken = &stub;
    atomic_store(&last, &stub);
    sem_init(&wake_up, 0, 0);
    for (size_t i = 0; i < producers; i++)
        nodes[i] = allocate(BENCH_EVENTS / producers, sizeof *nodes[i]);
    bench_check(pthread_create(&thread, NULL, consume, NULL) == 0, "pthread_create");
}

static void produce(size_t producer, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct node *node = &nodes[producer][i];

        node->payload = (struct bench_payload){i, producer, {i, i}};
        push(node);
    }
}

static void stop(void)
{
    atomic_store(&is_over, true);
    if (atomic_exchange(&is_asleep, false))
        sem_post(&wake_up);
    pthread_join(thread, NULL);
}

const struct bench_carrier raw_queued_list = {start, produce, stop};
