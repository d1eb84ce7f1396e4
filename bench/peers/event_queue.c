/* SPDX-License-Identifier: MIT */
/*
 * The mutex queue beside the wake-ups of libuv, libevent and libev: see event_queue.h.
 */
#include "event_queue.h"

#include <stdlib.h>
#include <string.h>

void event_queue_init(struct event_queue *queue)
{
    pthread_mutex_init(&queue->lock, NULL);
    queue->first = NULL;
    queue->end = &queue->first;
}

void event_queue_push(struct event_queue *queue, const struct bench_payload *payload, size_t size)
{
    struct event_node *node = malloc(offsetof(struct event_node, payload) + size);

    bench_check(node != NULL, "malloc");
    node->next = NULL;
    memcpy(&node->payload, payload, size);
    pthread_mutex_lock(&queue->lock);
    *queue->end = node;
    queue->end = &node->next;
    pthread_mutex_unlock(&queue->lock);
}

void event_queue_drain(struct event_queue *queue)
{
    pthread_mutex_lock(&queue->lock);

    struct event_node *node = queue->first;

    queue->first = NULL;
    queue->end = &queue->first;
    pthread_mutex_unlock(&queue->lock);
    while (node != NULL) {
        struct event_node *next = node->next;

        bench_receive(&node->payload);
        free(node);
        node = next;
    }
}

void event_queue_produce(struct event_queue *queue, size_t producer, uint64_t count,
                         void (*wake)(void))
{
    for (uint64_t i = 0; i < count; i++) {
        struct bench_payload payload = {i, producer, {i, i}};

        event_queue_push(queue, &payload, sizeof payload);
        wake();
    }
}

void event_queue_produce_large(struct event_queue *queue, size_t producer, uint64_t count,
                               void (*wake)(void))
{
    struct bench_large_payload payload = {.head = {.producer = producer}};

    for (uint64_t i = 0; i < count; i++) {
        payload.head.sequence = i;
        event_queue_push(queue, &payload.head, sizeof payload);
        wake();
    }
}
