/* SPDX-License-Identifier: MIT */
/*
 * Notifiers. The dispatcher reports what is ready into the record's list; the loop delivers the
 * list one by one, so that a notifier stopped or finished by an earlier slot of the same pass is
 * not delivered.
 */
#include "core/internal.h"

static struct hy_thread_record *record_of(const struct hy_notifier *notifier)
{
    return hy__anchor_home(notifier->hy.anchor);
}

static void ready_remove(struct hy_thread_record *record, struct hy_notifier *notifier)
{
    if (!notifier->queued_)
        return;
    if (notifier->previous_ != NULL)
        notifier->previous_->next_ = notifier->next_;
    else
        record->first_ready = notifier->next_;
    if (notifier->next_ != NULL)
        notifier->next_->previous_ = notifier->previous_;
    else
        record->last_ready = notifier->previous_;
    notifier->previous_ = notifier->next_ = NULL;
    notifier->queued_ = false;
}

/* Called by the dispatcher inside its wait; runs no user code. */
void hy__notifier_is_ready(void *cookie, unsigned conditions)
{
    struct hy_notifier *notifier = cookie;
    struct hy_thread_record *record = hy__record_if_any(); /* its home, without a look at it */
    if (HY_UNLIKELY((conditions & HY_NOT_OPEN) != 0)) {
        /* The number may be another notifier's by the time this one would forget it. */
        notifier->watched_ = false;
        conditions &= ~HY_NOT_OPEN;
    }
    if (notifier->conditions_ == 0) /* paused: the system may still tell of a hang-up, once */
        return;
    if (!notifier->queued_) {
        notifier->ready_ = 0;
        notifier->queued_ = true;
        notifier->next_ = NULL;
        notifier->previous_ = record->last_ready;
        if (record->last_ready != NULL)
            record->last_ready->next_ = notifier;
        else
            record->first_ready = notifier;
        record->last_ready = notifier;
    }
    notifier->ready_ |= conditions;
}

static const struct hy_hub *hub_of(const struct hy_notifier *notifier)
{
    /* Acquire: its head is about to be looked at. */
    return __atomic_load_n(&notifier->events.ready.sig.hub, __ATOMIC_ACQUIRE);
}

/* What the next one of many will emit through, and the one after it: nothing of theirs is in the
 * cache. */
static void fetch_ahead(const struct hy_notifier *next)
{
    const struct hy_hub *hub = hub_of(next);
    if (hub != NULL)
        __builtin_prefetch(__atomic_load_n(&hub->head, __ATOMIC_RELAXED));
    if (next->next_ != NULL)
        __builtin_prefetch(hub_of(next->next_));
}

void hy__notifiers_deliver(struct hy_thread_record *record, int *callbacks)
{
    struct hy_notifier *notifier;
    while ((notifier = record->first_ready) != NULL && !hy__loop_should_stop(record)) {
        if (notifier->next_ != NULL)
            fetch_ahead(notifier->next_);
        ready_remove(record, notifier);
        struct hy_readiness readiness = {notifier->descriptor_, notifier->ready_};
        struct hy__frame frame;
        struct hy__span span;
        bool observed = hy__is_observed();
        if (observed)
            hy__span_begin(record, &span, HY_HANDLER_NOTIFIER, notifier->hy.anchor, 0);
        hy__frame_push(record, &frame, notifier->hy.anchor, true);
        hy_emit(&notifier->events.ready, &readiness);
        hy__frame_pop(record, &frame);
        if (observed)
            hy__span_end(record, &span);
        ++*callbacks;
    }
}

static void forget(struct hy_notifier *notifier)
{
    struct hy_thread_record *record = record_of(notifier);
    ready_remove(record, notifier);
    if (notifier->watched_)
        record->dispatcher->ops->forget(record->dispatcher, notifier->descriptor_);
    notifier->watched_ = false;
}

static void notifier_fini(struct hy_object *object)
{
    forget((struct hy_notifier *)(void *)object);
}

static void notifier_leave_thread(struct hy_object *object)
{
    struct hy_notifier *notifier = (struct hy_notifier *)(void *)object;
    bool was_watched = notifier->watched_;
    forget(notifier);
    notifier->away_ = true;
    notifier->travels_ = was_watched;
}

static int watch(struct hy_notifier *notifier)
{
    struct hy_thread_record *record = record_of(notifier);
    int rc = hy__record_need_dispatcher(record);
    if (rc == 0)
        rc = record->dispatcher->ops->watch(record->dispatcher, notifier->descriptor_,
                                            notifier->conditions_, notifier);
    if (rc == 0)
        notifier->watched_ = true;
    return rc;
}

static void notifier_enter_thread(struct hy_object *object)
{
    struct hy_notifier *notifier = (struct hy_notifier *)(void *)object;
    notifier->away_ = false;
    if (!notifier->travels_)
        return;
    notifier->travels_ = false;
    if (watch(notifier) < 0) {
        hy_log(HY_LOG_ERROR, "notifier", "descriptor %ld is no longer watched after a move: %s",
               (long)notifier->descriptor_, hy_last_error()->message);
        hy__notifier_is_ready(notifier, HY_FAILURE); /* its owner is told */
    }
}

static const struct hy_signal_spec notifier_signals[] = {
    HY_PLAIN(struct hy_notifier, events.ready)};

const struct hy_class hy_notifier_class =
    HY_CLASS(struct hy_notifier, .fini = notifier_fini, .leave_thread = notifier_leave_thread,
             .enter_thread = notifier_enter_thread, .signals = notifier_signals, .signal_count = 1);

int hy_notifier_init(struct hy_notifier *notifier, struct hy_object *parent)
{
    /* First, for the parent's class may look at its new child. */
    notifier->previous_ = notifier->next_ = NULL;
    notifier->descriptor_ = -1;
    notifier->conditions_ = notifier->ready_ = 0;
    notifier->watched_ = notifier->queued_ = notifier->away_ = notifier->travels_ = false;
    return hy_object_init(&notifier->hy, &hy_notifier_class, parent);
}

int hy_notifier_fini(struct hy_notifier *notifier)
{
    return hy_object_fini(&notifier->hy);
}

int hy_notifier_watch(struct hy_notifier *notifier, intptr_t descriptor, unsigned conditions)
{
    int rc = hy__object_check_alive(&notifier->hy, "watch a descriptor with");
    if (rc < 0)
        return rc;
    struct hy_thread_record *record = record_of(notifier);
    const unsigned known = HY_READABLE | HY_WRITABLE | HY_URGENT | HY_HANGUP | HY_FAILURE;
    if ((conditions & ~known) != 0)
        return hy_error_set(-HY_EINVAL, "there is no condition %#x; see enum hy_condition",
                            conditions & ~known);
    if ((notifier->watched_ || notifier->travels_) && notifier->descriptor_ != descriptor)
        return hy_error_set(-HY_EBUSY, "%s watches descriptor %ld; unwatch that first",
                            hy__object_text(&notifier->hy), (long)notifier->descriptor_);
    if (notifier->watched_) {
        rc = record->dispatcher->ops->change(record->dispatcher, descriptor, conditions, notifier);
        if (rc == 0) {
            notifier->conditions_ = conditions;
            /* What is no longer asked for is not delivered either. */
            notifier->ready_ &= conditions | HY_HANGUP | HY_FAILURE;
            if (notifier->ready_ == 0 || conditions == 0)
                ready_remove(record, notifier);
        }
        return rc;
    }
    notifier->descriptor_ = descriptor;
    notifier->conditions_ = conditions;
    if (notifier->away_) { /* in a hook of its move */
        notifier->travels_ = true;
        return 0;
    }
    return watch(notifier);
}

int hy_notifier_unwatch(struct hy_notifier *notifier)
{
    int rc = hy_object_check_thread(&notifier->hy, "stop");
    if (rc == 0) {
        forget(notifier);
        notifier->travels_ = false;
    }
    return rc;
}
