/* SPDX-License-Identifier: MIT */
/*
 * Between pool.c, pool_job.c and pool_worker.c.
 *
 * Lock: pool->lock; none is taken under it, and it is held for a few pointers. A job is the pool's
 * from the enqueueing until it leaves the table of ids; whoever takes it out there, under the lock,
 * is the only one to settle it, so that it is released exactly once. Worker blocks stay until the
 * pool ends, so that a late wake-up never reaches freed memory.
 */
#ifndef HALYARD_CORE_POOL_H
#define HALYARD_CORE_POOL_H

#include "core/internal.h"

enum {
    HY__POOL_BUCKETS = 256
};

enum hy__job_state {
    HY__JOB_NONE,
    HY__JOB_WAITING,
    HY__JOB_RUNNING,
    HY__JOB_CANCELLED = 1 << 8 /* added to RUNNING */
};

struct hy__pool_worker {
    struct hy_thread thread; /* parked: of whoever has taken the worker out of a list */
    struct hy_pool_private *pool;
    struct hy__pool_worker *next;     /* lock: among the idle, ended or spare ones */
    struct hy__pool_worker *next_all; /* const once linked */
    uint32_t woken;                   /* atomic: 1 ends the sleep of an idle worker */
    uint32_t started;                 /* atomic: hy_thread_start() has returned */
    bool made;                        /* as `thread`: that is initialised */
};

struct hy_pool_private {
    uint32_t lock;
    bool closed;                              /* lock */
    struct hy_pool_limits limits;             /* const */
    struct hy_ref self;                       /* const */
    struct hy_job *first, *last;              /* lock: those that wait */
    struct hy_job *buckets[HY__POOL_BUCKETS]; /* lock: all that are waiting or running, by id */
    uint64_t last_id;                         /* lock */
    uint32_t outstanding;                     /* lock: jobs that are not settled */
    struct hy_pool_counters counts;           /* lock; threads: those that are being started, too */
    uint32_t callers; /* atomic, written under lock: those at work here whom the end waits for */
    uint32_t worker_number;           /* lock: for names */
    struct hy__pool_worker *all;      /* lock */
    struct hy__pool_worker *idle;     /* lock: asleep; the last one first */
    struct hy__pool_worker *ended;    /* lock: to be joined */
    struct hy__pool_worker *spare;    /* lock: without a thread */
    struct hy__message *idle_message; /* lock: made beforehand, so that `idle` cannot fail */
    bool idle_posted;                 /* lock: it is under way */
    bool idle_again;                  /* lock: it is to be said once more, behind what came since */
};

/* Lock held. The pool stays until hy__pool_leave(), also when its end has begun: the end of a job
 * may be what ends it. */
static inline void hy__pool_enter(struct hy_pool_private *pool)
{
    /* Relaxed: under the lock; see hy__pool_leave() for the look without it. */
    __atomic_add_fetch(&pool->callers, 1, __ATOMIC_RELAXED);
}
/* No lock held; nothing of the pool is looked at afterwards. */
void hy__pool_leave(struct hy_pool_private *pool);

/* pool_job.c */
/* The job if it waits or runs, else NULL. Lock held. */
struct hy_job *hy__job_find(struct hy_pool_private *pool, uint64_t id);
/* Lock held; the job has its id. */
void hy__job_enqueue(struct hy_pool_private *pool, struct hy_job *job);
/* One that waits, out of the queue and the table. Lock held. */
void hy__job_remove(struct hy_pool_private *pool, struct hy_job *job);
/* By whoever took it out of the table; afterwards it is not the pool's any more. No lock held. */
void hy__job_settle(struct hy_pool_private *pool, struct hy_job *job, int result);
/* Ends all that wait: of a closed pool, or while it has no thread. */
void hy__pool_settle_waiting(struct hy_pool_private *pool, int result);
/* The message that will tell of the end; NULL when there is nobody to tell. */
int hy__job_make_ending(struct hy_job *job, struct hy_object *receiver,
                        struct hy__message **ret_message);
/* Takes it back; the job stays its owner's. */
void hy__job_discard_ending(struct hy__message *message, struct hy_ref *receiver);
/* So that `idle` can be told whatever the memory is like by then. */
int hy__pool_need_idle_message(struct hy_pool_private *pool);
/* The oldest that waits, or NULL; it runs now. Lock held. */
struct hy_job *hy__pool_take(struct hy_pool_private *pool);
/* Runs it and tells the receiver. */
void hy__pool_run(struct hy_pool_private *pool, struct hy_job *job);

/* pool_worker.c */
/* Starts one more thread, which is counted in counts.threads already. Entered. */
int hy__pool_worker_start(struct hy_pool_private *pool);
/* Takes a sleeping one, to be woken; NULL: there is none. Lock held. */
struct hy__pool_worker *hy__pool_worker_pop(struct hy_pool_private *pool);
/* No lock held. */
void hy__pool_worker_wake(struct hy__pool_worker *worker);
/* Joins those that have ended. */
void hy__pool_workers_reap(struct hy_pool_private *pool);
/* Of a closed pool: joins all and gives them back. */
void hy__pool_workers_end(struct hy_pool_private *pool);

#endif
