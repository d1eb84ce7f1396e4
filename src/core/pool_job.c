/* SPDX-License-Identifier: MIT */
/*
 * The jobs of a pool: the queue, the table of ids, and how ends are told.
 *
 * Everything that could fail is made as a job is submitted, its last message included: so a job
 * that was accepted reaches its end whatever happens. That message owns the job: it calls `done` as
 * it is delivered and `release` as it is ended, delivered or dropped.
 */
#include "core/pool.h"

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
void hy__job_settle(struct hy_pool_private *pool, struct hy_job *job, int result)
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

struct hy_job *hy__job_find(struct hy_pool_private *pool, uint64_t id)
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

void hy__job_enqueue(struct hy_pool_private *pool, struct hy_job *job)
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

void hy__job_remove(struct hy_pool_private *pool, struct hy_job *job)
{
    dequeue(pool, job);
    table_remove(pool, job);
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
    if (hy__anchor_is_lost(pool->self.anchor))
        return; /* a child, forked in there */
    hy__lock(&pool->lock);
    bool cancelled = hy_job_is_cancelled(job);
    table_remove(pool, job);
    pool->counts.running--;
    if (cancelled)
        pool->counts.cancelled++;
    else
        pool->counts.done++;
    hy__unlock(&pool->lock);
    hy__job_settle(pool, job, cancelled ? -HY_ECANCELED : 0);
}

/* Ends all that wait: of a closed pool, or while it has no thread. */
void hy__pool_settle_waiting(struct hy_pool_private *pool, int result)
{
    for (;;) {
        hy__lock(&pool->lock);
        struct hy_job *job = pool->closed || pool->counts.threads == 0 ? pool->first : NULL;
        if (job != NULL) {
            hy__job_remove(pool, job);
            pool->counts.cancelled++;
        }
        hy__unlock(&pool->lock);
        if (job == NULL)
            return;
        hy__job_settle(pool, job, result);
    }
}

/* --- what is made beforehand
 * ---------------------------------------------------------------------- */

static bool is_dead(struct hy_anchor *anchor)
{
    hy__lock(&anchor->lock);
    bool dead = anchor->dead;
    hy__unlock(&anchor->lock);
    return dead;
}

int hy__job_make_ending(struct hy_job *job, struct hy_object *receiver,
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

/* Takes back what hy__job_make_ending() made; the job stays its owner's. */
void hy__job_discard_ending(struct hy__message *message, struct hy_ref *receiver)
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
int hy__pool_need_idle_message(struct hy_pool_private *pool)
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

/* --- idle
 * ----------------------------------------------------------------------------------------- */

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
