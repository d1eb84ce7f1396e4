/* SPDX-License-Identifier: MIT */
/*
 * Watchdogs: a timer that looks what each thread's loop is at.
 *
 * While there is a watchdog, each thread publishes the handler that its loop has called, in its
 * block (observe.c), which is never freed. A watchdog remembers for each block what it has told of.
 * It writes that into the block too, and the thread, which finds it there as the handler returns,
 * leaves the exact time.
 */
#include "core/internal.h"

#include <string.h>

/* What has been told of one thread. */
struct told {
    struct hy__observer *observer;
    struct told *next;
    uint64_t serial; /* 0: nothing */
    int64_t since_ns;
    struct hy_stall stall;
};

struct hy_watchdog_private {
    struct hy_timer timer; /* a child */
    int64_t limit_ns;
    struct told *told; /* a list of all threads that were ever told of */
};

static struct told *told_of(struct hy_watchdog_private *priv, struct hy__observer *observer)
{
    struct told *told = priv->told;
    while (told != NULL && told->observer != observer)
        told = told->next;
    return told;
}

/* NULL: no memory, so it is told next time. */
static struct told *told_add(struct hy_watchdog_private *priv, struct hy__observer *observer)
{
    struct told *told = hy_memory_allocate_zeroed(sizeof *told);
    if (told == NULL)
        return NULL;
    told->observer = observer;
    told->next = priv->told;
    priv->told = told;
    return told;
}

/* The handler has returned, or the loop went on inside of it. */
static void tell_resumed(struct hy_watchdog *self, struct told *told, int64_t now_ns)
{
    struct hy__observer *observer = told->observer;
    struct hy_stall stall = told->stall;
    stall.duration_ns = now_ns - told->since_ns;
    /* Acquire: the time belongs to it. */
    if (__atomic_load_n(&observer->ended, __ATOMIC_ACQUIRE) == told->serial) {
        int64_t ended_ns = __atomic_load_n(&observer->ended_ns, __ATOMIC_RELAXED);
        if (ended_ns >= told->since_ns && ended_ns <= now_ns)
            stall.duration_ns = ended_ns - told->since_ns;
    }
    told->serial = 0;
    hy_emit(&self->events.resumed, &stall);
}

static void tell_blocked(struct hy_watchdog *self, struct told *told,
                         const struct hy__activity *activity, int64_t now_ns)
{
    struct hy_stall stall = {.handler = activity->handler,
                             .duration_ns = now_ns - activity->since_ns};
    hy__published_read(&told->observer->name, stall.thread, sizeof stall.thread);
    told->serial = activity->serial;
    told->since_ns = activity->since_ns;
    told->stall = stall;
    /* Relaxed: a thread that does not see it in time leaves the time to our clock. */
    __atomic_store_n(&told->observer->told, activity->serial, __ATOMIC_RELAXED);
    hy_emit(&self->events.blocked, &stall);
}

/* Whether the watchdog is still there: its slots are user code. */
static bool look_at(struct hy_watchdog *self, struct hy__observer *observer, struct hy_ref me)
{
    struct hy_watchdog_private *priv = self->priv;
    struct told *told = told_of(priv, observer);
    struct hy__activity activity;
    hy__published_read(&observer->activity, &activity, sizeof activity);
    int64_t now_ns = hy__clock_ns();
    if (told != NULL && told->serial != 0 &&
        (told->serial != activity.serial || told->since_ns != activity.since_ns)) {
        tell_resumed(self, told, now_ns);
        if (hy_ref_get(me) == NULL)
            return false;
    }
    if (activity.serial == 0 || now_ns - activity.since_ns < priv->limit_ns ||
        (told != NULL && told->serial == activity.serial))
        return true;
    if (told == NULL && (told = told_add(priv, observer)) == NULL)
        return true;
    tell_blocked(self, told, &activity, now_ns);
    return hy_ref_get(me) != NULL;
}

static void watchdog_look(struct hy_watchdog *self)
{
    struct hy_ref me = hy_ref_to(&self->hy);
    struct hy_thread_record *record = hy__record_if_any();
    for (struct hy__observer *observer = hy__observers(); observer != NULL;
         observer = observer->next)
        if (observer != record->observer && !look_at(self, observer, me))
            break;
    hy_ref_release(&me);
}

static void watchdog_fini(struct hy_object *object)
{
    struct hy_watchdog *self = (struct hy_watchdog *)(void *)object;
    struct hy_watchdog_private *priv = self->priv;
    struct told *told;
    hy__observe(HY__WATCHING, false);
    hy_timer_fini(&priv->timer);
    while ((told = priv->told) != NULL) {
        priv->told = told->next;
        hy_memory_release(told);
    }
    hy_memory_release(priv);
    self->priv = NULL;
}

static const struct hy_signal_spec watchdog_signals[] = {
    HY_PLAIN(struct hy_watchdog, events.blocked), HY_PLAIN(struct hy_watchdog, events.resumed)};

const struct hy_class hy_watchdog_class = HY_CLASS(struct hy_watchdog, .fini = watchdog_fini,
                                                   .signals = watchdog_signals, .signal_count = 2);

static int begin(struct hy_watchdog *self, struct hy_watchdog_private *priv)
{
    int64_t interval_ns = priv->limit_ns / 4;
    if (interval_ns < HY_MILLISECOND)
        interval_ns = HY_MILLISECOND;
    int rc = hy_timer_init(&priv->timer, &self->hy);
    if (rc < 0)
        return rc;
    rc = hy_connect(&priv->timer.events.timeout, self, watchdog_look, HY_DIRECT);
    if (rc == 0)
        rc = hy_timer_start(&priv->timer, interval_ns);
    return rc;
}

int hy_watchdog_init(struct hy_watchdog *self, int64_t limit_ns, struct hy_object *parent)
{
    if (limit_ns < HY_MILLISECOND)
        return hy_error_set(-HY_EINVAL, "a watchdog's limit is a millisecond or more: "
                                        "100 * HY_MILLISECOND");
    struct hy_watchdog_private *priv = hy_memory_allocate_zeroed(sizeof *priv);
    if (priv == NULL)
        return -HY_ENOMEM;
    priv->limit_ns = limit_ns;
    self->priv = priv;
    int rc = hy_object_init(&self->hy, &hy_watchdog_class, parent);
    if (rc < 0) {
        hy_memory_release(priv);
        return rc;
    }
    hy__observe(HY__WATCHING, true);
    rc = begin(self, priv);
    if (rc < 0)
        hy_object_fini(&self->hy);
    return rc;
}

int hy_watchdog_fini(struct hy_watchdog *self)
{
    return hy_object_fini(&self->hy);
}

const char *hy_function_name(uintptr_t function, char *buffer, size_t size)
{
    if (size > 0)
        hy__function_name(function, buffer, size);
    return buffer;
}
