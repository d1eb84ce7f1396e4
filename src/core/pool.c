/* SPDX-License-Identifier: MIT */
/*
 * Work pools: submitting, cancelling, the pool itself. The jobs' ends are in pool_job.c, the
 * threads in pool_worker.c.
 */
#include "core/pool.h"

#define IDLE_DEFAULT_NS (30 * HY_SECOND)

/* --- submitting ---------------------------------------------------------------------------------
 */

static int check_job(const struct hy_pool *pool, const struct hy_job *job,
                     const struct hy_object *receiver)
{
    if (pool == NULL || pool->priv == NULL)
        return hy_error_set(-HY_ESHUTDOWN, "the pool was never made, or has been ended");
    if (hy__anchor_is_lost(pool->priv->self.anchor))
        return hy__lost("the pool");
    if (job == NULL || job->work == NULL)
        return hy_error_set(-HY_EINVAL, "there is no work in the job");
    /* Relaxed: who submits a job owns it. */
    if (__atomic_load_n(&job->state_, __ATOMIC_RELAXED) != HY__JOB_NONE)
        return hy_error_set(-HY_EBUSY, "the job has been submitted already, or was not cleared "
                                       "before its members were set");
    if (receiver != NULL && receiver->anchor == NULL)
        return hy_error_set(-HY_ESHUTDOWN,
                            "the receiver of the job was never made, or has been finished");
    return 0;
}

/* Lock held. */
static int check_room(struct hy_pool_private *pool)
{
    if (pool->closed)
        return -HY_ESHUTDOWN;
    uint64_t in_hand = (uint64_t)pool->counts.waiting + pool->counts.running;
    uint64_t room = (uint64_t)pool->limits.threads + pool->limits.waiting;
    if (pool->limits.waiting == 0 || in_hand < room)
        return 0;
    pool->counts.refused++;
    return -HY_EAGAIN;
}

static int refuse(int rc, const struct hy_pool_private *pool)
{
    return rc == -HY_EAGAIN
               ? hy_error_set(rc,
                              "%u jobs wait for the pool already; submit again when one is done",
                              pool->limits.waiting)
               : hy_error_set(rc, "the pool is being ended");
}

/* The last thread could not be started: gives the job back, and ends others that relied on it. */
static int give_back(struct hy_pool_private *pool, uint64_t id, int rc)
{
    const struct hy_error error = *hy_last_error();
    hy__lock(&pool->lock);
    bool hopeless = pool->counts.threads == 0;
    struct hy_job *job = hopeless ? hy__job_find(pool, id) : NULL;
    if (job != NULL) { /* with no thread it waits */
        hy__job_remove(pool, job);
        pool->outstanding--;
    }
    hy__unlock(&pool->lock);
    if (hopeless)
        hy__pool_settle_waiting(pool, rc);
    if (job == NULL) /* others do it, or it has been settled meanwhile */
        return 0;
    hy__job_discard_ending(job->message_, &job->receiver_);
    __atomic_store_n(&job->state_, (uint32_t)HY__JOB_NONE, __ATOMIC_RELAXED);
    return hy_error_set(rc, "%s", error.message);
}

/* Lock held; gives it up. Nobody but the pool looks at the job afterwards. */
static int provide_thread(struct hy_pool_private *pool, uint64_t id)
{
    struct hy__pool_worker *sleeper = hy__pool_worker_pop(pool);
    bool start = sleeper == NULL && pool->counts.threads < pool->limits.threads;
    if (start)
        pool->counts.threads++;
    hy__unlock(&pool->lock);
    if (sleeper != NULL)
        hy__pool_worker_wake(sleeper);
    int rc = start ? hy__pool_worker_start(pool) : 0;
    return rc < 0 ? give_back(pool, id, rc) : 0;
}

int hy_pool_submit(struct hy_pool *object, struct hy_job *job, struct hy_object *receiver,
                   uint64_t *ret_id)
{
    struct hy__message *message;
    int rc = check_job(object, job, receiver);
    if (rc == 0)
        rc = hy__pool_need_idle_message(object->priv);
    if (rc == 0)
        rc = hy__job_make_ending(job, receiver, &message);
    if (rc != 0)
        return rc;
    struct hy_pool_private *pool = object->priv;
    uint64_t id_before = ret_id != NULL ? *ret_id : 0;
    job->message_ = message;
    job->receiver_ = hy_ref_to(receiver);
    if (message != NULL)
        message->anchor = job->receiver_.anchor;
    hy__lock(&pool->lock);
    rc = check_room(pool);
    if (rc < 0) {
        hy__unlock(&pool->lock);
        hy__job_discard_ending(message, &job->receiver_);
        return refuse(rc, pool);
    }
    uint64_t id = job->id_ = ++pool->last_id;
    if (ret_id != NULL) /* it may lie beside the job, which may be gone as soon as it can run */
        *ret_id = id;
    __atomic_store_n(&job->state_, (uint32_t)HY__JOB_WAITING, __ATOMIC_RELAXED);
    hy__job_enqueue(pool, job);
    hy__pool_enter(pool);
    rc = provide_thread(pool, id);
    hy__pool_leave(pool);
    if (rc < 0 && ret_id != NULL)
        *ret_id = id_before;
    return rc;
}

int hy_pool_cancel(struct hy_pool *object, uint64_t id)
{
    struct hy_pool_private *pool = object != NULL ? object->priv : NULL;
    if (pool == NULL)
        return hy_error_set(-HY_ENOENT, "the pool, and its jobs with it, has been ended");
    if (hy__anchor_is_lost(pool->self.anchor))
        return hy__lost("the pool");
    hy__lock(&pool->lock);
    struct hy_job *job = hy__job_find(pool, id);
    bool waits = job != NULL && job->state_ == HY__JOB_WAITING;
    if (waits) {
        hy__job_remove(pool, job);
        pool->counts.cancelled++;
        hy__pool_enter(pool);
    } else if (job != NULL) {
        /* Relaxed: it is the only thing said; under the lock, so that its end sees it. */
        __atomic_fetch_or(&job->state_, (uint32_t)HY__JOB_CANCELLED, __ATOMIC_RELAXED);
    }
    hy__unlock(&pool->lock);
    if (job == NULL)
        return hy_error_set(-HY_ENOENT, "job %llu has ended, or never was", (unsigned long long)id);
    if (waits) {
        hy__job_settle(pool, job, -HY_ECANCELED);
        hy__pool_leave(pool);
    }
    return waits;
}

bool hy_job_is_cancelled(const struct hy_job *job)
{
    /* Relaxed: a request, nothing comes with it. */
    return (__atomic_load_n(&job->state_, __ATOMIC_RELAXED) & HY__JOB_CANCELLED) != 0;
}

struct hy_pool_counters hy_pool_get_counters(const struct hy_pool *object)
{
    struct hy_pool_private *pool = object != NULL ? object->priv : NULL;
    struct hy_pool_counters counts = {0};
    if (pool == NULL)
        return counts;
    hy__lock(&pool->lock);
    counts = pool->counts;
    hy__unlock(&pool->lock);
    return counts;
}

/* --- the pool ------------------------------------------------------------------------------------
 */

static void cancel_running(struct hy_pool_private *pool)
{
    hy__lock(&pool->lock);
    for (int i = 0; i < HY__POOL_BUCKETS; i++)
        for (struct hy_job *job = pool->buckets[i]; job != NULL; job = job->id_next_)
            __atomic_fetch_or(&job->state_, (uint32_t)HY__JOB_CANCELLED, __ATOMIC_RELAXED);
    hy__unlock(&pool->lock);
}

static void pool_fini(struct hy_object *object)
{
    struct hy_pool *self = (struct hy_pool *)(void *)object;
    struct hy_pool_private *pool = self->priv;
    if (pool == NULL)
        return;
    hy__lock(&pool->lock);
    pool->closed = true; /* nothing is submitted or begun any more */
    hy__unlock(&pool->lock);
    hy__pool_settle_waiting(pool, -HY_ECANCELED);
    cancel_running(pool);
    hy__pool_workers_end(pool);
    if (pool->idle_message != NULL)
        hy__message_discard(pool->idle_message);
    hy_ref_release(&pool->self);
    self->priv = NULL;
    hy_memory_release(pool);
}

static const struct hy_signal_spec pool_signals[] = {HY_NO_PAYLOAD(struct hy_pool, events.idle)};

const struct hy_class hy_pool_class =
    HY_CLASS(struct hy_pool, .fini = pool_fini, .signals = pool_signals, .signal_count = 1);

int hy_pool_init(struct hy_pool *pool, const struct hy_pool_limits *limits,
                 struct hy_object *parent)
{
    struct hy_pool_private *priv = hy_memory_allocate_zeroed(sizeof *priv);
    if (priv == NULL)
        return -HY_ENOMEM;
    if (limits != NULL)
        priv->limits = *limits;
    if (priv->limits.threads == 0)
        priv->limits.threads = hy__os_processors();
    if (priv->limits.idle_ns <= 0)
        priv->limits.idle_ns = IDLE_DEFAULT_NS;
    pool->priv = NULL; /* the parent's class may look at its new child */
    int rc = hy_object_init(&pool->hy, &hy_pool_class, parent);
    if (rc < 0) {
        hy_memory_release(priv);
        return rc;
    }
    priv->self = hy_ref_to(&pool->hy);
    pool->priv = priv;
    return 0;
}

int hy_pool_fini(struct hy_pool *pool)
{
    return hy_object_fini(&pool->hy);
}
