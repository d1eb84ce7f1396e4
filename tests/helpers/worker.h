/* SPDX-License-Identifier: MIT */
/* A started thread with a probe that lives in it, and calls that wait for their end there. */
#ifndef TESTS_WORKER_H
#define TESTS_WORKER_H

#include "probe.h"

struct worker {
    struct hy_thread thread;
    struct probe probe; /* moved there before the start */
};

/* Makes and starts it. */
void worker_start(struct worker *worker, const char *name);
/* Makes it only. */
void worker_init(struct worker *worker, const char *name);
/* Quits, joins and ends it. */
void worker_stop(struct worker *worker);

/*
 * Runs the function in the thread of the object and returns when it is done; blocks without pumping
 * the calling thread's loop.
 */
bool run_there(struct hy_object *there, void (*function)(void *context), void *context);
/* Returns when that thread has delivered what the caller posted to it before. */
bool flush_there(struct hy_object *there);

/* A worker whose thread stands still until it is let go, so that what is said to it waits. */
struct stall {
    struct worker worker;
    struct gate entered, go;
};

/* Makes it, starts it, and returns when it stands still. */
void stall_start(struct stall *stall);
/* Stands still once more. */
void stall_again(struct stall *stall);
/* Lets it go; stall_flush() also returns when all that waited has been delivered. */
void stall_let_go(struct stall *stall);
void stall_flush(struct stall *stall);
/* As worker_stop(). */
void stall_stop(struct stall *stall);

#endif
