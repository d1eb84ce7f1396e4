/* SPDX-License-Identifier: MIT */
/*
 * The queue that users of libuv, libevent and libev write themselves, since none of them carries
 * data between threads: malloc'd nodes on a list under a mutex, taken whole by the consumer. The
 * wake-up is the library's and is done by the caller after each push.
 */
#ifndef BENCH_EVENT_QUEUE_H
#define BENCH_EVENT_QUEUE_H

#include "works.h"

#include <pthread.h>

struct event_node {
    struct event_node *next;
    struct bench_payload payload; /* more may follow */
};

struct event_queue {
    pthread_mutex_t lock;
    struct event_node *first;
    struct event_node **end; /* where the next node is linked */
};

void event_queue_init(struct event_queue *queue);

/* Any thread. Ends the program when memory runs out: a benchmark cannot go on. */
void event_queue_push(struct event_queue *queue, const struct bench_payload *payload, size_t size);

/* Consumer: takes all nodes, hands them to bench_receive() and frees them. */
void event_queue_drain(struct event_queue *queue);

/* `count` events of one producer, each followed by a wake-up. */
void event_queue_produce(struct event_queue *queue, size_t producer, uint64_t count,
                         void (*wake)(void));
void event_queue_produce_large(struct event_queue *queue, size_t producer, uint64_t count,
                               void (*wake)(void));

#endif
