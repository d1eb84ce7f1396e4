/* SPDX-License-Identifier: MIT */
/*
 * The threads of a pool.
 *
 * A worker is a hy_thread with a body of its own. Its handle is parked, for any thread that submits
 * may start one, and whoever takes the worker out of the list of those that ended joins it. Each
 * sleeps on its own word. Every submit wakes a sleeper, or starts a thread, or knows that as many
 * run as may; each of those looks at the queue before it sleeps, so no job is left behind.
 */
#include "core/pool.h"

#include <stdio.h>

static void push(struct hy__pool_worker **list, struct hy__pool_worker *worker)
{
    worker->next = *list;
    *list = worker;
}

static struct hy__pool_worker *pop(struct hy__pool_worker **list)
{
    struct hy__pool_worker *worker = *list;
    if (worker != NULL)
        *list = worker->next;
    return worker;
}

static bool take_from(struct hy__pool_worker **link, const struct hy__pool_worker *worker)
{
    while (*link != NULL && *link != worker)
        link = &(*link)->next;
    if (*link == NULL)
        return false;
    *link = worker->next;
    return true;
}

struct hy__pool_worker *hy__pool_worker_pop(struct hy_pool_private *pool)
{
    return pop(&pool->idle);
}

void hy__pool_worker_wake(struct hy__pool_worker *worker)
{
    /* Release: pairs with the look of the sleeper; the job itself is under the lock. */
    __atomic_store_n(&worker->woken, 1u, __ATOMIC_RELEASE);
    hy__unpark(&worker->woken);
}

/* --- in the worker's thread ---------------------------------------------------------------------
 */

/* Until the word is not 0 any more, or the deadline. */
static bool wait_for(uint32_t *word, int64_t deadline_ns)
{
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == 0)
        if (!hy__park(word, 0, deadline_ns))
            return __atomic_load_n(word, __ATOMIC_ACQUIRE) != 0;
    return true;
}

/* Sleeps until there may be something to do. False: it has been idle for too long. Lock held
 * before and after. */
static bool sleep_idle(struct hy_pool_private *pool, struct hy__pool_worker *worker)
{
    __atomic_store_n(&worker->woken, 0u, __ATOMIC_RELAXED);
    push(&pool->idle, worker);
    hy__unlock(&pool->lock);
    hy__returns_flush(hy__record_if_any()); /* cells of others, from messages dropped here */
    bool woken = wait_for(&worker->woken, hy__time_sum(hy_now_ns(), pool->limits.idle_ns));
    hy__lock(&pool->lock);
    /*
     * Whoever took it out of the list has something for it, and may not have come to waking it yet.
     * A wake-up that was meant for an earlier sleep finds it in the list, which it leaves too.
     */
    bool listed = take_from(&pool->idle, worker);
    return woken || !listed;
}

static void reap_arrives(struct hy_object *object, const void *payload)
{
    (void)payload;
    hy__pool_workers_reap(((struct hy_pool *)(void *)object)->priv);
}

/* The body of a worker's thread. */
static void worker_run(struct hy_thread *thread, void *context)
{
    struct hy__pool_worker *worker = context;
    struct hy_pool_private *pool = worker->pool;
    (void)thread;
    hy__lock(&pool->lock);
    bool stay = true;
    while (stay && !pool->closed) {
        struct hy_job *job = hy__pool_take(pool);
        if (job == NULL) {
            stay = sleep_idle(pool, worker);
            continue;
        }
        hy__unlock(&pool->lock);
        hy__pool_run(pool, job);
        if (hy__anchor_is_lost(pool->self.anchor))
            return; /* a child, forked by the job: the others are the parent's */
        hy__lock(&pool->lock);
    }
    pool->counts.threads--;
    bool closed = pool->closed;
    hy__unlock(&pool->lock);
    wait_for(&worker->started, HY_FOREVER); /* its starter is done with the handle */
    if (closed)
        return;
    hy__lock(&pool->lock);
    push(&pool->ended, worker);
    hy__unlock(&pool->lock);
    /* Should this fail, it is joined with the next one, or at the pool's end. */
    hy_ref_invoke(pool->self, reap_arrives, NULL, NULL);
    hy__debug("pool", "a thread of the pool ends: it had nothing to do");
}

/* --- in whatever thread needs one more
 * ------------------------------------------------------------
 */

static int make_thread(struct hy_pool_private *pool, struct hy__pool_worker *worker)
{
    char name[HY__NAME_SIZE];
    hy__lock(&pool->lock);
    uint32_t number = ++pool->worker_number;
    hy__unlock(&pool->lock);
    snprintf(name, sizeof name, "pool-%u", number);
    int rc = hy_thread_init(&worker->thread, name, NULL);
    if (rc < 0)
        return rc;
    rc = hy_thread_set_body(&worker->thread, worker_run, worker);
    if (rc == 0)
        rc = hy_object_move_to_thread(&worker->thread.hy, NULL);
    if (rc < 0)
        hy_thread_fini(&worker->thread);
    else
        worker->made = true;
    return rc;
}

/* Whoever takes it joins it, so not the calling thread itself, at its very end. Lock held. */
static struct hy__pool_worker *pop_ended(struct hy_pool_private *pool)
{
    struct hy__pool_worker **link = &pool->ended, *worker;
    while ((worker = *link) != NULL && hy__thread_record(&worker->thread) == hy__record_if_any())
        link = &worker->next;
    if (worker != NULL)
        *link = worker->next;
    return worker;
}

/* One that has no thread, of this caller alone. */
static struct hy__pool_worker *obtain(struct hy_pool_private *pool)
{
    hy__lock(&pool->lock);
    struct hy__pool_worker *worker = pop(&pool->spare);
    if (worker == NULL)
        worker = pop_ended(pool);
    hy__unlock(&pool->lock);
    if (worker != NULL)
        return worker;
    worker = hy_memory_allocate_zeroed(sizeof *worker);
    if (worker == NULL)
        return NULL;
    worker->pool = pool;
    hy__lock(&pool->lock);
    worker->next_all = pool->all;
    pool->all = worker;
    hy__unlock(&pool->lock);
    return worker;
}

static int start_thread(struct hy_pool_private *pool, struct hy__pool_worker *worker)
{
    int rc = worker->made ? hy_thread_join(&worker->thread, HY_FOREVER) : make_thread(pool, worker);
    if (rc < 0)
        return rc;
    __atomic_store_n(&worker->started, 0u, __ATOMIC_RELAXED);
    rc = hy_thread_start(&worker->thread);
    if (rc < 0)
        return rc;
    /* Release: the worker's end, and so whoever takes it up again, is after what was done here. */
    __atomic_store_n(&worker->started, 1u, __ATOMIC_RELEASE);
    hy__unpark(&worker->started);
    return 0;
}

int hy__pool_worker_start(struct hy_pool_private *pool)
{
    struct hy__pool_worker *worker = obtain(pool);
    int rc = worker != NULL ? start_thread(pool, worker) : -HY_ENOMEM;
    hy__lock(&pool->lock);
    if (rc < 0) {
        pool->counts.threads--;
        if (worker != NULL)
            push(&pool->spare, worker);
    }
    hy__unlock(&pool->lock);
    return rc;
}

void hy__pool_workers_reap(struct hy_pool_private *pool)
{
    for (;;) {
        hy__lock(&pool->lock);
        struct hy__pool_worker *worker = pop(&pool->ended);
        hy__unlock(&pool->lock);
        if (worker == NULL)
            return;
        hy_thread_join(&worker->thread, HY_FOREVER);
        hy__lock(&pool->lock);
        push(&pool->spare, worker);
        hy__unlock(&pool->lock);
    }
}

void hy__pool_leave(struct hy_pool_private *pool)
{
    hy__lock(&pool->lock);
    /* Release: the end of the pool looks at it without the lock. */
    bool last = __atomic_sub_fetch(&pool->callers, 1, __ATOMIC_RELEASE) == 0 && pool->closed;
    hy__unlock(&pool->lock);
    if (last)
        hy__unpark(&pool->callers);
}

void hy__pool_workers_end(struct hy_pool_private *pool)
{
    struct hy__pool_worker *worker;
    do {
        hy__lock(&pool->lock);
        worker = pop(&pool->idle);
        hy__unlock(&pool->lock);
        if (worker != NULL)
            hy__pool_worker_wake(worker);
    } while (worker != NULL);
    /* A job may be submitting, and starting a thread, right now. */
    uint32_t callers;
    while ((callers = __atomic_load_n(&pool->callers, __ATOMIC_ACQUIRE)) != 0)
        hy__park(&pool->callers, callers, HY_FOREVER);
    hy__lock(&pool->lock); /* the last of them has let go of it */
    hy__unlock(&pool->lock);
    while ((worker = pool->all) != NULL) {
        pool->all = worker->next_all;
        if (worker->made)
            hy_thread_fini(&worker->thread); /* which joins it */
        hy_memory_release(worker);
    }
}
