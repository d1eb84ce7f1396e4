/* SPDX-License-Identifier: MIT */
/*
 * Waiting for events, never for time: pumping the calling thread's loop until a condition holds, or
 * a gate that another thread opens. All give up after a generous time and note a failure.
 */
#ifndef TESTS_WAIT_H
#define TESTS_WAIT_H

#include <halyard/halyard.h>
#include <semaphore.h>
#include <stdbool.h>

#define WAIT_LIMIT_S 20

/* Pumps hy_process() until condition(context). */
bool wait_for(bool (*condition)(void *context), void *context);
/* Pumps hy_process() until the counter, which any thread may change, has reached the number. */
bool wait_count(const int *counter, int at_least);
/* Pumps until the monotonic clock has passed the point in time. */
void wait_until_ns(int64_t when_ns);
/* Runs what is pending in the calling thread's loop, without waiting; bounded. */
void wait_drain(void);
/* As hy_process(flags, HY_FOREVER), again until there is nothing to do: the sum of the results. For
 * what one pass delivers, unless it was built to deliver less (Meson's option `hard`). */
int wait_process(unsigned flags);
/* Keeps the thread busy, without its loop, until the point in time. */
void wait_busy_until_ns(int64_t when_ns);

/* The counters of wait_count(). */
int count_up(int *counter);
int count_get(const int *counter);

struct gate {
    sem_t semaphore;
};

void gate_init(struct gate *gate);
void gate_fini(struct gate *gate);
/* Any thread; each opening lets one waiter pass. */
void gate_open(struct gate *gate);
/* Blocks, without pumping anything. */
bool gate_wait(struct gate *gate);

#endif
