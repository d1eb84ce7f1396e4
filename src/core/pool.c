/* SPDX-License-Identifier: MIT */
/*
 * Work pools: the queue of jobs, and how their ends are told. The threads are in pool_worker.c.
 *
 * Everything that could fail is made as a job is submitted, its last message included: so a job
 * that was accepted reaches its end whatever happens. That message owns the job: it calls `done` as
 * it is delivered and `release` as it is ended, delivered or dropped.
 */
#include "core/pool.h"

#define IDLE_DEFAULT_NS (30 * HY_SECOND)

/* The payload of the message that tells a job's end. */
struct ending {
    struct hy_job *job; /* NULL: never submitted */
    int result;
};

/* --- the end of a job ---------------------------------------------------------------------------
 */

static void job_release(struct hy_job *job)
{
    void (*release)(struct hy_job *) = job->release;
    /* Relaxed: the job is its owner's again, who may submit it once more. */
    __atomic_store_n(&job->state_, (uint32_t)HY__JOB_NONE, __ATOMIC_RELAXED);
    if (release != NULL)
        release(job);
}

static int ending_copy(void *to, const void *from)
{
    *(struct ending *)to = *(const struct ending *)from;
    return 0;
}

static void ending_destroy(void *payload)
{
    struct ending *ending = payload;
    if (ending->job != NULL)
        job_release(ending->job);
}

static const struct hy_payload ending_payload =
    HY_DESCRIBED_PAYLOAD(struct ending, ending_copy, ending_destroy);

static void ending_arrives(struct hy_object *receiver, const void *payload)
{
    const struct ending *ending = payload;
    if (ending->job->done != NULL)
        ending->job->done(receiver, ending->job, ending->result);
}

static void post_or_discard(struct hy_anchor *anchor, struct hy__message *message)
{
    if (hy__post(anchor, message) < 0)
        hy__message_discard(message);
}

static void idle_arrives(struct hy_object *object, const void *payload);

static void post_idle(struct hy_pool_private *pool, struct hy__message *message)
{
    if (message != NULL)
        post_or_discard(pool->self.anchor, message);
    else if (hy_ref_invoke(pool->self, idle_arrives, NULL, NULL) == -HY_ENOMEM)
        hy_log(HY_LOG_ERROR, "pool", "that the pool is idle cannot be told: %s",
               hy_last_error()->message);
}

/* One job less is outstanding; the last one's end has been posted, and `idle` comes behind it. */
static void tell_idle(struct hy_pool_private *pool)
{
    hy__lock(&pool->lock);
    bool idle = --pool->outstanding == 0 && !pool->closed;
    bool post = idle && !pool->idle_posted;
    struct hy__message *message = post ? pool->idle_message : NULL;
    if (post) {
        pool->idle_posted = true;
        pool->idle_message = NULL;
    } else if (idle) {
        pool->idle_again = true; /* what is under way may be before that end */
    }
    hy__unlock(&pool->lock);
    if (post)
        post_idle(pool, message);
}

/* The caller has taken the job out of the table, so nobody else settles it; afterwards it is not
 * the pool's any more. */
static void settle(struct hy_pool_private *pool, struct hy_job *job, int result)
{
    struct hy__message *message = job->message_;
    if (message != NULL) {
        struct hy_ref receiver = job->receiver_;
        ((struct ending *)hy__message_payload(message))->result = result;
        post_or_discard(receiver.anchor, message);
        hy_ref_release(&receiver);
    } else {
        job_release(job);
    }
    tell_idle(pool);
}

/* --- the table of ids, and the queue. Lock held. ------------------------------------------------
 */

static struct hy_job **bucket_of(struct hy_pool_private *pool, uint64_t id)
{
    return &pool->buckets[id % HY__POOL_BUCKETS];
}

static struct hy_job *find(struct hy_pool_private *pool, uint64_t id)
{
    struct hy_job *job = *bucket_of(pool, id);
    while (job != NULL && job->id_ != id)
        job = job->id_next_;
    return job;
}

static void table_remove(struct hy_pool_private *pool, struct hy_job *job)
{
    if (job->id_previous_ != NULL)
        job->id_previous_->id_next_ = job->id_next_;
    else
        *bucket_of(pool, job->id_) = job->id_next_;
    if (job->id_next_ != NULL)
        job->id_next_->id_previous_ = job->id_previous_;
}

static void enqueue(struct hy_pool_private *pool, struct hy_job *job)
{
    struct hy_job **bucket = bucket_of(pool, job->id_);
    job->id_previous_ = NULL;
    job->id_next_ = *bucket;
    if (*bucket != NULL)
        (*bucket)->id_previous_ = job;
    *bucket = job;
    job->next_ = NULL;
    job->previous_ = pool->last;
    if (pool->last != NULL)
        pool->last->next_ = job;
    else
        pool->first = job;
    pool->last = job;
    pool->counts.waiting++;
    pool->outstanding++;
}

static void dequeue(struct hy_pool_private *pool, struct hy_job *job)
{
    if (job->previous_ != NULL)
        job->previous_->next_ = job->next_;
    else
        pool->first = job->next_;
    if (job->next_ != NULL)
        job->next_->previous_ = job->previous_;
    else
        pool->last = job->previous_;
    pool->counts.waiting--;
}

struct hy_job *hy__pool_take(struct hy_pool_private *pool)
{
    struct hy_job *job = pool->first;
    if (job == NULL)
        return NULL;
    dequeue(pool, job);
    pool->counts.running++;
    /* Relaxed: jobs look at the cancel bit only. */
    __atomic_store_n(&job->state_, (uint32_t)HY__JOB_RUNNING, __ATOMIC_RELAXED);
    return job;
}

void hy__pool_run(struct hy_pool_private *pool, struct hy_job *job)
{
    job->work(job);
    hy__lock(&pool->lock);
    bool cancelled = hy_job_is_cancelled(job);
    table_remove(pool, job);
    pool->counts.running--;
    if (cancelled)
        pool->counts.cancelled++;
    else
        pool->counts.done++;
    hy__unlock(&pool->lock);
    settle(pool, job, cancelled ? -HY_ECANCELED : 0);
}

/* Ends all that wait: of a closed pool, or while it has no thread. */
static void settle_waiting(struct hy_pool_private *pool, int result)
{
    for (;;) {
        hy__lock(&pool->lock);
        struct hy_job *job = pool->closed || pool->counts.threads == 0 ? pool->first : NULL;
        if (job != NULL) {
            dequeue(pool, job);
            table_remove(pool, job);
            pool->counts.cancelled++;
        }
        hy__unlock(&pool->lock);
        if (job == NULL)
            return;
        settle(pool, job, result);
    }
}

/* --- submitting ---------------------------------------------------------------------------------
 */

static int check_job(const struct hy_pool *pool, const struct hy_job *job,
                     const struct hy_object *receiver)
{
    if (pool == NULL || pool->priv == NULL)
        return hy_error_set(-HY_ESHUTDOWN, "the pool was never made, or has been ended");
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

static bool is_dead(struct hy_anchor *anchor)
{
    hy__lock(&anchor->lock);
    bool dead = anchor->dead;
    hy__unlock(&anchor->lock);
    return dead;
}

static int make_ending(struct hy_job *job, struct hy_object *receiver,
                       struct hy__message **ret_message)
{
    struct ending ending = {job, 0};
    *ret_message = NULL;
    if (receiver == NULL)
        return 0;
    if (is_dead(receiver->anchor))
        return hy_error_set(-HY_ESHUTDOWN, "%s, which would be told of the job, has ended",
                            hy__object_text(receiver));
    int rc = hy__message_make(&ending_payload, &ending, ret_message);
    if (rc < 0)
        return rc;
    (*ret_message)->kind = HY__MESSAGE_INVOKE;
    (*ret_message)->to.function = ending_arrives;
    return 0;
}

/* Takes back what make_ending() made; the job stays its owner's. */
static void discard_ending(struct hy__message *message, struct hy_ref *receiver)
{
    if (message == NULL)
        return;
    ((struct ending *)hy__message_payload(message))->job = NULL;
    hy__message_discard(message);
    hy_ref_release(receiver);
}

static int make_idle_message(struct hy__message **ret_message)
{
    int rc = hy__message_make(NULL, NULL, ret_message);
    if (rc < 0)
        return rc;
    (*ret_message)->kind = HY__MESSAGE_INVOKE;
    (*ret_message)->to.function = idle_arrives;
    return 0;
}

/* So that `idle` can be told whatever the memory is like by then. */
static int need_idle_message(struct hy_pool_private *pool)
{
    hy__lock(&pool->lock);
    bool needed = pool->idle_message == NULL && !pool->idle_posted;
    hy__unlock(&pool->lock);
    struct hy__message *message;
    int rc = needed ? make_idle_message(&message) : 0;
    if (!needed || rc < 0)
        return rc;
    hy__lock(&pool->lock);
    if (pool->idle_message == NULL) {
        pool->idle_message = message;
        message = NULL;
    }
    hy__unlock(&pool->lock);
    if (message != NULL)
        hy__message_discard(message);
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
    struct hy_job *job = hopeless ? find(pool, id) : NULL;
    if (job != NULL) { /* with no thread it waits */
        dequeue(pool, job);
        table_remove(pool, job);
        pool->outstanding--;
    }
    hy__unlock(&pool->lock);
    if (hopeless)
        settle_waiting(pool, rc);
    if (job == NULL) /* others do it, or it has been settled meanwhile */
        return 0;
    discard_ending(job->message_, &job->receiver_);
    __atomic_store_n(&job->state_, (uint32_t)HY__JOB_NONE, __ATOMIC_RELAXED);
    return hy_error_set(rc, "%s", error.message);
}

/* Lock held; gives it up. Nobody but the pool looks at the job afterwards. */
static int provide_thread(struct hy_pool_private *pool, uint64_t id)
{
    struct hy__pool_worker *sleeper = hy__pool_worker_pop(pool);
    bool start = sleeper == NULL && pool->counts.threads < pool->limits.threads;
    if (start) {
        pool->counts.threads++;
        /* Relaxed: under the lock; see pool_worker.c for the look without it. */
        __atomic_add_fetch(&pool->starting, 1, __ATOMIC_RELAXED);
    }
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
        rc = need_idle_message(object->priv);
    if (rc == 0)
        rc = make_ending(job, receiver, &message);
    if (rc < 0)
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
        discard_ending(message, &job->receiver_);
        return refuse(rc, pool);
    }
    uint64_t id = job->id_ = ++pool->last_id;
    if (ret_id != NULL) /* it may lie beside the job, which may be gone as soon as it can run */
        *ret_id = id;
    __atomic_store_n(&job->state_, (uint32_t)HY__JOB_WAITING, __ATOMIC_RELAXED);
    enqueue(pool, job);
    rc = provide_thread(pool, id);
    if (rc < 0 && ret_id != NULL)
        *ret_id = id_before;
    return rc;
}

int hy_pool_cancel(struct hy_pool *object, uint64_t id)
{
    struct hy_pool_private *pool = object != NULL ? object->priv : NULL;
    if (pool == NULL)
        return hy_error_set(-HY_ENOENT, "the pool, and its jobs with it, has been ended");
    hy__lock(&pool->lock);
    struct hy_job *job = find(pool, id);
    bool waits = job != NULL && job->state_ == HY__JOB_WAITING;
    if (waits) {
        dequeue(pool, job);
        table_remove(pool, job);
        pool->counts.cancelled++;
    } else if (job != NULL) {
        /* Relaxed: it is the only thing said; under the lock, so that its end sees it. */
        __atomic_fetch_or(&job->state_, (uint32_t)HY__JOB_CANCELLED, __ATOMIC_RELAXED);
    }
    hy__unlock(&pool->lock);
    if (job == NULL)
        return hy_error_set(-HY_ENOENT, "job %llu has ended, or never was", (unsigned long long)id);
    if (waits)
        settle(pool, job, -HY_ECANCELED);
    return waits;
}

bool hy_job_is_cancelled(const struct hy_job *job)
{
    /* Relaxed: a request, nothing comes with it. */
    return (__atomic_load_n(&job->state_, __ATOMIC_RELAXED) & HY__JOB_CANCELLED) != 0;
}

struct hy_pool_counts hy_pool_get_counts(const struct hy_pool *object)
{
    struct hy_pool_private *pool = object != NULL ? object->priv : NULL;
    struct hy_pool_counts counts = {0};
    if (pool == NULL)
        return counts;
    hy__lock(&pool->lock);
    counts = pool->counts;
    hy__unlock(&pool->lock);
    return counts;
}

/* --- the pool ------------------------------------------------------------------------------------
 */

static void idle_arrives(struct hy_object *object, const void *payload)
{
    struct hy_pool *self = (struct hy_pool *)(void *)object;
    struct hy_pool_private *pool = self->priv;
    struct hy__message *next = NULL;
    (void)payload;
    if (make_idle_message(&next) < 0)
        next = NULL; /* it is tried again as it is needed */
    hy__lock(&pool->lock);
    bool again = pool->idle_again && next != NULL;
    bool idle = pool->outstanding == 0 && !again; /* else it is told later */
    pool->idle_posted = again;
    pool->idle_again = false;
    if (!again && pool->idle_message == NULL) {
        pool->idle_message = next;
        next = NULL;
    }
    hy__unlock(&pool->lock);
    if (again)
        post_idle(pool, next);
    else if (next != NULL)
        hy__message_discard(next);
    if (idle)
        hy_emit0(&self->events.idle);
}

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
    settle_waiting(pool, -HY_ECANCELED);
    cancel_running(pool);
    hy__pool_workers_end(pool);
    if (pool->idle_message != NULL)
        hy__message_discard(pool->idle_message);
    hy_ref_release(&pool->self);
    self->priv = NULL;
    hy_release(pool);
}

static const struct hy_signal_spec pool_signals[] = {HY_NO_PAYLOAD(struct hy_pool, events.idle)};

const struct hy_class hy_pool_class =
    HY_CLASS(struct hy_pool, .fini = pool_fini, .signals = pool_signals, .signal_count = 1);

int hy_pool_init(struct hy_pool *pool, struct hy_object *parent,
                 const struct hy_pool_limits *limits)
{
    struct hy_pool_private *priv = hy_allocate_zeroed(sizeof *priv);
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
        hy_release(priv);
        return rc;
    }
    priv->self = hy_ref_to(&pool->hy);
    pool->priv = priv;
    return 0;
}

void hy_pool_fini(struct hy_pool *pool)
{
    hy_object_fini(&pool->hy);
}
