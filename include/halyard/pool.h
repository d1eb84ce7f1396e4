/* SPDX-License-Identifier: MIT */
/*
 * Work pools: long work on other threads, its end told in the thread of an object.
 *
 *     struct thumbnail {
 *         struct hy_job job;                     // first member
 *         ...
 *     };
 *     thumbnail->job = (struct hy_job){.work = thumbnail_make, .done = thumbnail_show,
 *                                      .release = thumbnail_free};
 *     hy_pool_submit(&pool, &thumbnail->job, &window->hy, &thumbnail->id);
 */
#ifndef HALYARD_POOL_H
#define HALYARD_POOL_H

#include <halyard/signal.h>

HY_BEGIN_DECLS

/*
 * A piece of work, in the caller's memory, all of it cleared before its members are set. It belongs
 * to the pool from a successful submit until release is called, which happens exactly once: after
 * done, or in its place when the receiver is no more. From release on it may be submitted again.
 */
struct hy_job {
    /* The work; in a thread of the pool. May look at hy_job_is_cancelled() now and then, and submit
     * other jobs. */
    void (*work)(struct hy_job *job);
    /* Optional: it has ended (result is 0), was cancelled (-HY_ECANCELED), or was not begun because
     * the pool's only thread could not be started (the error of that); in the receiver's thread. */
    void (*done)(struct hy_object *receiver, struct hy_job *job, int result);
    /* Optional: nobody will touch the job any more; in the receiver's thread, or in whatever thread
     * found the receiver gone. */
    void (*release)(struct hy_job *job);
    /* The library's. */
    struct hy_job *next_, *previous_, *id_next_, *id_previous_;
    struct hy__message *message_;
    struct hy_ref receiver_;
    uint64_t id_;
    uint32_t state_;
};

/* Threads that work, and what waits for them. */
struct hy_pool {
    HY_INHERITS(hy_object);
    struct {
        /* Nothing waits and nothing runs any more; emitted in the pool's own thread, behind the
         * `done` of receivers that live there. */
        hy_signal0 idle;
    } events;
    struct hy_pool_private *priv;
};

extern HY_API const struct hy_class hy_pool_class;

/* How much a pool does at once. */
struct hy_pool_limits {
    uint32_t threads; /* at most so many; 0: as many as the machine has processors */
    uint32_t waiting; /* jobs that may wait while all threads are busy; 0: no limit */
    int64_t idle_ns;  /* a thread without work ends after this time; 0: 30 s */
};

/* Makes a pool; its threads start with the work. limits NULL: all 0. Errors: as hy_object_init().
 * Thread: home of parent. */
HY_API int hy_pool_init(struct hy_pool *pool, const struct hy_pool_limits *limits,
                        struct hy_object *parent) HY_MUST_USE;
/* Cancels what waits, asks what runs to stop, waits for it, and ends the pool. Every job is
 * released before it returns, or when what was posted to its receiver is delivered or dropped. A
 * `done` and a slot of `idle` may call it, but neither a job nor a release. Errors and thread: as
 * hy_object_fini(). */
HY_API int hy_pool_fini(struct hy_pool *pool);

/*
 * Hands a job over; jobs begin in the order submitted. *ret_id (NULL is allowed) names it for
 * hy_pool_cancel(); it may lie beside the job. receiver NULL: nobody is told; release runs in the
 * thread that did the work, or cancelled it. Errors: -HY_EAGAIN (the limit of waiting jobs),
 * -HY_ESHUTDOWN (the pool or the receiver has ended), -HY_EINVAL (no work), -HY_EBUSY (it is in a
 * pool already, or was not cleared), -HY_ENOMEM, and those of hy_thread_start() when there is no
 * thread at all. Thread: any, a job's too, while pool and receiver exist.
 */
HY_API int hy_pool_submit(struct hy_pool *pool, struct hy_job *job, struct hy_object *receiver,
                          uint64_t *ret_id);

/* Cancels a job: one that waits does not run, one that runs finds hy_job_is_cancelled(); done is
 * called with -HY_ECANCELED for both. Returns 1 when it waited, 0 when it runs. Errors: -HY_ENOENT
 * (it has ended, or never was). Thread: any, while the pool exists. */
HY_API int hy_pool_cancel(struct hy_pool *pool, uint64_t id);
/* Whether the job has been asked to stop; cheap. Thread: any, while the job is the pool's. */
HY_API bool hy_job_is_cancelled(const struct hy_job *job);

/* What the pool does now. */
struct hy_pool_counters {
    uint32_t threads, waiting, running;
    uint64_t done, cancelled, refused; /* so far; cancelled: not done for any reason */
};
/* The counts of the moment. Thread: any, while the pool exists. */
HY_API struct hy_pool_counters hy_pool_get_counters(const struct hy_pool *pool);

HY_END_DECLS

#endif
