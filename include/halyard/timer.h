/* SPDX-License-Identifier: MIT */
/*
 * Timers. A timer is due at the moment of its start plus its interval, and again after each further
 * interval, so lateness does not add up; a late timer fires once, and the periods that it missed
 * are skipped. No timer ever fires early.
 *
 *     hy_timer_init(&self->pause, &self->hy);
 *     hy_connect(&self->pause.events.timeout, self, search_begin, HY_AUTO);
 *     hy_timer_start_once(&self->pause, 300 * HY_MILLISECOND);   // at each key: starts anew
 */
#ifndef HALYARD_TIMER_H
#define HALYARD_TIMER_H

#include <halyard/signal.h>

HY_BEGIN_DECLS

/* How late a timer may be, so that the wake-ups of several merge. */
enum hy_timer_accuracy {
    HY_TIMER_COARSE,  /* the default: up to 5 % of the interval; at 20 ms or less as precise, from
                         20 s on as seconds */
    HY_TIMER_PRECISE, /* as exact as the system can */
    HY_TIMER_SECONDS  /* up to a second, on whole seconds of the clock: nearly all merge */
};

/* The library's: what is due some time. Guard: home thread. */
struct hy_timer_entry_ {
    int64_t deadline_ns, key_ns;
    struct hy_timer_entry_ *previous, *next, *child, *group_previous, *group_next;
    uint32_t order;
    uint8_t state;
    bool precise, is_call, follows;
};

/* A timer. */
struct hy_timer {
    HY_INHERITS(hy_object);
    struct {
        hy_signal0 timeout; /* it is due */
    } events;
    /* The library's: guard home thread. */
    struct hy_timer_entry_ entry_;
    int64_t interval_ns_;
    uint8_t accuracy_;
    bool single_shot_;
};

extern HY_API const struct hy_class hy_timer_class;

/* Makes a timer; it is not running. Errors: as hy_object_init(). Thread: home of parent. */
HY_API int hy_timer_init(struct hy_timer *timer, struct hy_object *parent) HY_MUST_USE;
/* Stops and ends it. Errors and thread: as hy_object_fini(). */
HY_API int hy_timer_fini(struct hy_timer *timer);

/*
 * Fires every interval_ns from now, until stopped; a running timer starts anew. 0: once in every
 * iteration of the loop, after everything else. Errors: -HY_EINVAL (negative; NULL),
 * -HY_EWRONGTHREAD, -HY_ESHUTDOWN (the timer is dead or being finished), -HY_ENOMEM (the first call
 * of a thread). Thread: home.
 */
HY_API int hy_timer_start(struct hy_timer *timer, int64_t interval_ns);
/* Fires once, in delay_ns; it is no longer running when its slots are called. Errors and thread: as
 * above. */
HY_API int hy_timer_start_once(struct hy_timer *timer, int64_t delay_ns);
/* The same for a point in time; one that has passed is due at once. */
HY_API int hy_timer_start_at(struct hy_timer *timer, int64_t deadline_ns);
/* Stops it; one that is not running is left alone. Errors: -HY_EWRONGTHREAD. Thread: home. */
HY_API int hy_timer_stop(struct hy_timer *timer);

/*
 * Asks the timer's thread to start or stop it, as hy_timer_start() and hy_timer_stop() do; the time
 * counts from this call. Requests of one thread are met in their order, as if they were posted;
 * also those of the timer's own thread. Errors: -HY_ESHUTDOWN, -HY_EINVAL (negative), -HY_ENOMEM.
 * Thread: any, while the timer exists.
 */
HY_API int hy_timer_request_start(struct hy_timer *timer, int64_t interval_ns);
HY_API int hy_timer_request_stop(struct hy_timer *timer);

/*
 * hy_after(delay_ns, receiver, slot) is the typed front: calls slot(receiver) once in the
 * receiver's thread, delay_ns from now, unless the receiver ends before; as exact as a timer of the
 * default accuracy. It moves with the receiver and keeps its time. With 0 it is queued like a post.
 * Calls of one thread to one receiver with the same delay keep their order. Errors: -HY_EINVAL
 * (negative, no slot), -HY_ESHUTDOWN, -HY_ENOMEM. Thread: any, while the receiver exists.
 *
 *     hy_after(5 * HY_SECOND, client, client_reconnect);
 */
HY_API int hy_object_after(struct hy_object *receiver, int64_t delay_ns,
                           void (*slot)(void *receiver));
/* The same through a weak reference, at any time. */
HY_API int hy_ref_after(struct hy_ref receiver, int64_t delay_ns, void (*slot)(void *receiver));

/* How exact it is, from now on: a period in progress keeps its deadline. Errors: -HY_EINVAL,
 * -HY_EWRONGTHREAD, -HY_ESHUTDOWN. Thread: home. */
HY_API int hy_timer_set_accuracy(struct hy_timer *timer, enum hy_timer_accuracy accuracy);
/* Whether it will fire (again). Thread: home. */
HY_API bool hy_timer_is_running(const struct hy_timer *timer);
/* Nanoseconds until it fires: 0 when overdue, -1 when it is not running. Thread: home. */
HY_API int64_t hy_timer_remaining_ns(const struct hy_timer *timer);

HY_END_DECLS

#ifndef __cplusplus
/* clang-format off */
#define hy_after(delay_ns, receiver, slot) \
    hy_object_after(&(receiver)->hy, (delay_ns), \
        (void (*)(void *))(void (*)(void))_Generic(&*(slot), void (*)(__typeof__(receiver)): (slot)))
/* clang-format on */
#else
namespace hy_cxx
{
template <class R> int after(int64_t delay_ns, R *receiver, void (*slot)(R *))
{
    return hy_object_after(object_of(receiver, 0), delay_ns,
                           reinterpret_cast<void (*)(void *)>(reinterpret_cast<void (*)()>(slot)));
}
} // namespace hy_cxx
#define hy_after(delay_ns, receiver, slot) ::hy_cxx::after((delay_ns), (receiver), (slot))
#endif

#endif
