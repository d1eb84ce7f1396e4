/* SPDX-License-Identifier: MIT */
/*
 * The mutex queue beside libuv's and libevent's wake-ups: see event_queue.h.
 */
#include "event_queue.h"

#include <stdio.h>
#include <stdlib.h>

void event_queue_init(struct event_queue *queue)
{
    pthread_mutex_init(&queue->lock, NULL);
    queue->first = NULL;
    queue->end = &queue->first;
}

void event_queue_push(struct event_queue *queue, const struct bench_payload *payload)
{
    struct event_node *node = malloc(sizeof *node);

    if (node == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    node->next = NULL;
    node->payload = *payload;
    pthread_mutex_lock(&queue->lock);
    *queue->end = node;
    queue->end = &node->next;
    pthread_mutex_unlock(&queue->lock);
}

void event_queue_drain(struct event_queue *queue, uint64_t *expected)
{
    pthread_mutex_lock(&queue->lock);

    struct event_node *node = queue->first;

    queue->first = NULL;
    queue->end = &queue->first;
    pthread_mutex_unlock(&queue->lock);
    while (node != NULL) {
        struct event_node *next = node->next;

        bench_check_sequence(&node->payload, expected);
        free(node);
        node = next;
    }
}
