/* SPDX-License-Identifier: MIT */
/*
 * The private queues of a thread, in the middle and where user input is held back.
 *
 * One queue a priority is for delivery, one more keeps the events of user input that came up while
 * an iteration excludes them. What is held back was at the head of its queue as it was put aside,
 * and is put in front of it again: so each pair, held before the other, is one queue in the order
 * of passes. Nothing is held while the innermost iteration allows user input.
 */
#include "core/internal.h"

bool hy__queue_unlink(struct hy_thread_record *record, int index, struct hy__message **link)
{
    struct hy__queue *queue = &record->queues[index];
    struct hy__message *message = *link;
    *link = message->next;
    if (queue->end == &message->next)
        queue->end = link;
    if (index < HY__PRIORITIES)
        hy__uncount(&record->queued, 1);
    else
        hy__uncount(&record->held, 1);
    record->queue_changes++;
    return (message->flags & HY__MESSAGE_COMPRESSIBLE) == 0 || hy__compressible_left(message);
}

bool hy__special_popped(struct hy_thread_record *record, struct hy__message *message)
{
    if ((message->flags & HY__MESSAGE_USER_INPUT) != 0 &&
        (record->exclusions & HY_PROCESS_EXCLUDE_USER_INPUT) != 0) {
        struct hy__queue *held = &record->queues[HY__PRIORITIES + message->priority];
        message->next = NULL;
        *held->end = message;
        held->end = &message->next;
        hy__count(&record->held, 1);
        return false;
    }
    return (message->flags & HY__MESSAGE_COMPRESSIBLE) == 0 || hy__compressible_left(message);
}

static void release_held(struct hy_thread_record *record)
{
    for (int i = 0; i < HY__PRIORITIES; i++) {
        struct hy__queue *queue = &record->queues[i], *held = &record->queues[HY__PRIORITIES + i];
        if (held->first == NULL)
            continue;
        *held->end = queue->first;
        if (queue->first == NULL)
            queue->end = held->end;
        queue->first = held->first;
        held->first = NULL;
        held->end = &held->first;
    }
    hy__count(&record->queued, record->held);
    hy__uncount(&record->held, record->held);
    record->queue_changes++;
}

void hy__exclude(struct hy_thread_record *record, unsigned exclusions)
{
    record->exclusions = exclusions;
    if (HY_UNLIKELY(record->held != 0) && (exclusions & HY_PROCESS_EXCLUDE_USER_INPUT) == 0)
        release_held(record);
}
