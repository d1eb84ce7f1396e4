/* SPDX-License-Identifier: MIT */
/*
 * Observing: what runs in a thread, how long it took, and who is told of it.
 *
 * One word says what is on. While it is 0, nothing here is called. Else each handler, wait and
 * emission is a span on its thread's stack, linked to the one that it runs inside of. A span knows
 * from its beginning what it is observed for, so switching in the midst of it does no harm. A
 * span's own time is its duration without the spans inside of it.
 *
 * What others read is either a counter with one writer, stored relaxed, or published under a
 * sequence number; blocks of threads are never freed. So nobody waits for anybody.
 */
#include "core/internal.h"

#include <string.h>

enum {
    PUBLISHED_TRIES = 10000
};

uint32_t hy__observed;
static uint32_t watchdogs;                 /* atomic: how many there are */
static struct hy__observer *all_observers; /* atomic; grows only */

void hy__observe(uint32_t what, bool on)
{
    if (what == HY__WATCHING) { /* there may be more than one. Relaxed: one number */
        uint32_t count = __atomic_add_fetch(&watchdogs, on ? 1u : ~0u, __ATOMIC_RELAXED);
        on = count != 0;
    }
    if (on)
        __atomic_fetch_or(&hy__observed, what, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&hy__observed, ~what, __ATOMIC_RELAXED);
}

void hy_diagnostics_set_measuring(bool measuring)
{
    hy__observe(HY__MEASURING, measuring);
}

bool hy_diagnostics_is_measuring(void)
{
    return (__atomic_load_n(&hy__observed, __ATOMIC_RELAXED) & HY__MEASURING) != 0;
}

/* --- publishing --------------------------------------------------------------------------------
 */

void hy__publish(struct hy__published *published, const void *data, size_t size)
{
    uint64_t words[HY__PUBLISHED_WORDS] = {0};
    memcpy(words, data, size);
    uint32_t sequence = __atomic_load_n(&published->sequence, __ATOMIC_RELAXED);
    __atomic_store_n(&published->sequence, sequence + 1, __ATOMIC_RELAXED);
    /* Release: who reads one of these words sees the odd sequence, too. */
    for (size_t i = 0; i < (size + 7) / 8; i++)
        __atomic_store_n(&published->words[i], words[i], __ATOMIC_RELEASE);
    /* Release: who reads this sequence sees all the words. */
    __atomic_store_n(&published->sequence, sequence + 2, __ATOMIC_RELEASE);
}

void hy__published_read(const struct hy__published *published, void *ret_data, size_t size)
{
    uint64_t words[HY__PUBLISHED_WORDS] = {0};
    memset(ret_data, 0, size);
    /* The writer is done in a few tries, unless it was interrupted in the midst of it: then there
     * is no answer rather than a wait. (In a forked child it may never go on.) */
    for (int tries = 0; tries < PUBLISHED_TRIES; tries++) {
        uint32_t before = __atomic_load_n(&published->sequence, __ATOMIC_ACQUIRE);
        /* Acquire: the look at the sequence comes after all of them. */
        for (size_t i = 0; i < (size + 7) / 8; i++)
            words[i] = __atomic_load_n(&published->words[i], __ATOMIC_ACQUIRE);
        uint32_t after = __atomic_load_n(&published->sequence, __ATOMIC_RELAXED);
        if (before == after && (before & 1u) == 0) {
            memcpy(ret_data, words, size);
            return;
        }
    }
}

/* --- blocks of threads -------------------------------------------------------------------------
 */

static struct hy__observer *acquire(void)
{
    struct hy__observer *observer = __atomic_load_n(&all_observers, __ATOMIC_ACQUIRE);
    for (; observer != NULL; observer = observer->next) {
        uint32_t unused = 0;
        /* Acquire: after the last user's writing. */
        if (__atomic_compare_exchange_n(&observer->used, &unused, 1u, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return observer;
    }
    observer = hy__allocate_aligned_zeroed(HY__CACHE_LINE, sizeof *observer);
    if (observer == NULL)
        return NULL;
    observer->used = 1;
    observer->next = __atomic_load_n(&all_observers, __ATOMIC_RELAXED);
    /* Release: who finds it finds it whole. */
    while (!__atomic_compare_exchange_n(&all_observers, &observer->next, observer, true,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
    }
    return observer;
}

struct hy__observer *hy__observers(void)
{
    return __atomic_load_n(&all_observers, __ATOMIC_ACQUIRE);
}

struct hy__observer *hy__observer(struct hy_thread_record *record)
{
    if (record->observer == NULL) {
        struct hy__observer *observer = acquire();
        if (observer == NULL)
            return NULL;
        observer->number = hy__os_thread_number();
        observer->named = 0;
        hy__publish(&observer->name, record->name, sizeof record->name);
        record->observer = observer;
    }
    return record->observer;
}

static const struct hy__activity idle;

void hy__observer_release(struct hy_thread_record *record)
{
    struct hy__observer *observer = record->observer;
    if (observer == NULL)
        return;
    record->observer = NULL;
    observer->span = NULL; /* a thread may end inside of a handler */
    hy__publish(&observer->activity, &idle, sizeof idle);
    /* Release: the next user continues what this one has written. */
    __atomic_store_n(&observer->used, 0u, __ATOMIC_RELEASE);
}

/* Threads that the child does not have may have been in the midst of writing: it begins with none.
 */
void hy__observers_forget(void)
{
    all_observers = NULL;
    hy__observed &= HY__MEASURING;
    watchdogs = 0;
}

/* --- spans -------------------------------------------------------------------------------------
 */

static void copy_text(char *to, size_t size, const char *from)
{
    size_t length = from != NULL ? strnlen(from, size - 1) : 0;
    to[length] = '\0';
    if (length == 0)
        return;
    /* Cut, if it must be, before a character of UTF-8, not within. */
    while (length > 0 && ((unsigned char)from[length] & 0xc0) == 0x80)
        length--;
    memcpy(to, from, length);
    to[length] = '\0';
}

/* The object lives here. */
static void describe(struct hy_handler *handler, const struct hy_object *object)
{
    if (object == NULL)
        return;
    copy_text(handler->object, sizeof handler->object, object->name);
    copy_text(handler->type, sizeof handler->type, object->type->name);
}

static bool push_span(struct hy_thread_record *record, struct hy__span *span)
{
    struct hy__observer *observer = hy__observer(record);
    span->observer = observer;
    if (observer == NULL)
        return false;
    span->outer = observer->span;
    observer->span = span;
    span->bits = __atomic_load_n(&hy__observed, __ATOMIC_RELAXED);
    span->anchor = NULL;
    span->inner_ns = 0;
    span->flow = 0;
    memset(&span->activity, 0, sizeof span->activity);
    span->began_ns = hy__clock_ns();
    return true;
}

void hy__span_begin(struct hy_thread_record *record, struct hy__span *span,
                    enum hy_handler_kind kind, struct hy_anchor *anchor, uintptr_t function)
{
    if (!push_span(record, span))
        return;
    span->kind = HY__TRACE_HANDLER;
    struct hy__activity *activity = &span->activity;
    activity->handler.kind = kind;
    activity->handler.function = function;
    if (anchor != NULL) {
        describe(&activity->handler, anchor->object);
        if ((span->bits & HY__MEASURING) != 0) {
            hy__anchor_ref(anchor);
            span->anchor = anchor;
        }
    }
    if ((span->bits & HY__WATCHING) == 0)
        return;
    if (kind == HY_HANDLER_DIRECT && span->outer != NULL) {
        /* It is its caller that the loop waits for. */
        activity->serial = span->outer->activity.serial;
        activity->since_ns = span->outer->activity.since_ns;
    } else if (kind != HY_HANDLER_DIRECT || record->loop != NULL) {
        activity->serial = ++span->observer->serial;
        activity->since_ns = span->began_ns;
    }
    hy__publish(&span->observer->activity, activity, sizeof *activity);
}

static uintptr_t function_of(const struct hy__message *message, enum hy_handler_kind *ret_kind)
{
    const struct hy_object *object = message->anchor->object;
    *ret_kind = HY_HANDLER_SLOT;
    switch (message->kind) {
    case HY__MESSAGE_SLOT: {
        /* Acquire and relaxed: it is only a name; delivery looks whether it is still connected. */
        hy_slot slot = __atomic_load_n(&message->to.connection->slot, __ATOMIC_ACQUIRE);
        return (uintptr_t)slot;
    }
    case HY__MESSAGE_EXTENDED:
    case HY__MESSAGE_TOKEN:
        return (uintptr_t)message->to.extension->slot;
    case HY__MESSAGE_INVOKE:
        *ret_kind = HY_HANDLER_INVOKED;
        return (uintptr_t)message->to.function;
    case HY__MESSAGE_CALL: {
        const struct hy__wait *wait = hy__wait_of(message);
        *ret_kind = HY_HANDLER_CALLED;
        return wait->extension != NULL ? (uintptr_t)wait->extension->slot
                                       : (uintptr_t)wait->function;
    }
    case HY__MESSAGE_EVENT:
        *ret_kind = HY_HANDLER_EVENT;
        for (const struct hy_class *type = object != NULL ? object->type : NULL; type != NULL;
             type = type->base)
            if (type->event != NULL)
                return (uintptr_t)type->event;
        return 0;
    default:
        *ret_kind = HY_HANDLER_INTERNAL;
        return 0;
    }
}

void hy__span_begin_message(struct hy_thread_record *record, struct hy__span *span,
                            const struct hy__message *message)
{
    enum hy_handler_kind kind;
    uintptr_t function = function_of(message, &kind);
    hy__span_begin(record, span, kind, message->anchor, function);
    span->flow = (uintptr_t)message;
}

void hy__span_begin_other(struct hy_thread_record *record, struct hy__span *span,
                          enum hy__trace_kind kind, const char *text)
{
    if (!push_span(record, span))
        return;
    span->kind = (uint8_t)kind;
    struct hy__activity *activity = &span->activity;
    if (kind == HY__TRACE_EMIT) {
        /* The same handler goes on. */
        if (span->outer != NULL)
            *activity = (struct hy__activity){.serial = span->outer->activity.serial,
                                              .since_ns = span->outer->activity.since_ns};
        /* Both texts are one. */
        _Static_assert(offsetof(struct hy_handler, type) ==
                           offsetof(struct hy_handler, object) + sizeof activity->handler.object,
                       "the two texts of a handler stand behind each other");
        copy_text((char *)&activity->handler + offsetof(struct hy_handler, object),
                  sizeof activity->handler.object + sizeof activity->handler.type, text);
    } else if ((span->bits & HY__WATCHING) != 0) {
        hy__publish(&span->observer->activity, &idle, sizeof idle);
    }
}

/* --- the end of a span -------------------------------------------------------------------------
 */

static void measure_thread(struct hy__measured *measured, const struct hy_handler *handler,
                           int64_t own_ns)
{
    hy__count(&measured->handlers, 1);
    hy__count(&measured->handlers_ns, (uint64_t)own_ns);
    if (own_ns <= measured->slowest_ns)
        return;
    __atomic_store_n(&measured->slowest_ns, own_ns, __ATOMIC_RELAXED);
    hy__publish(&measured->slowest, handler, sizeof *handler);
}

static struct hy__object_measured *measured_of(struct hy_anchor *anchor)
{
    if (anchor->measured == NULL) {
        struct hy__object_measured *measured = hy_memory_allocate_zeroed(sizeof *measured);
        /* Release: who finds it finds it whole. */
        __atomic_store_n(&anchor->measured, measured, __ATOMIC_RELEASE);
    }
    return anchor->measured;
}

static void measure_object(struct hy_anchor *anchor, const struct hy_handler *handler,
                           int64_t own_ns)
{
    struct hy__object_measured *measured = measured_of(anchor);
    if (measured == NULL) /* no memory: it is not counted */
        return;
    hy__count(&measured->handlers, 1);
    hy__count(&measured->handlers_ns, (uint64_t)own_ns);
    if (handler->kind != HY_HANDLER_DIRECT && handler->kind != HY_HANDLER_TIMER &&
        handler->kind != HY_HANDLER_NOTIFIER) {
        hy__count(&measured->delivered, 1);
        uint64_t waited = hy__anchor_waiting(anchor) + 1;
        if (waited > measured->high_water)
            __atomic_store_n(&measured->high_water, waited, __ATOMIC_RELAXED);
    }
    if (own_ns > measured->slowest_ns) {
        __atomic_store_n(&measured->slowest_ns, own_ns, __ATOMIC_RELAXED);
        __atomic_store_n(&measured->slowest, handler->function, __ATOMIC_RELAXED);
    }
}

static void trace(struct hy__span *span, int64_t duration_ns)
{
    struct hy__trace_event event = {.began_ns = span->began_ns,
                                    .duration_ns = duration_ns,
                                    .flow = span->flow,
                                    .kind = span->kind,
                                    .handler = span->activity.handler};
    hy__trace_write(span->observer, &event);
}

/* Takes it off the stack; false: the thread has ended, or forked, inside of it. */
static bool pop_span(struct hy_thread_record *record, struct hy__span *span)
{
    if (span->observer == NULL || span->observer != record->observer)
        return false;
    span->observer->span = span->outer;
    return true;
}

/* The handler that it ran inside of goes on; what the loop called in there was the loop going on.
 */
static void resume_outer(struct hy__span *span, int64_t now_ns)
{
    struct hy__observer *observer = span->observer;
    struct hy__span *outer = span->outer;
    if (span->kind == HY__TRACE_EMIT)
        return; /* nobody has heard of it */
    bool nested = outer != NULL && outer->activity.serial == span->activity.serial;
    if (!nested && span->activity.serial != 0 &&
        __atomic_load_n(&observer->told, __ATOMIC_RELAXED) == span->activity.serial) {
        __atomic_store_n(&observer->ended_ns, now_ns, __ATOMIC_RELAXED);
        /* Release: the time is seen with it. */
        __atomic_store_n(&observer->ended, span->activity.serial, __ATOMIC_RELEASE);
    }
    if (!nested && outer != NULL)
        for (struct hy__span *at = outer;
             at != NULL && at->activity.serial == outer->activity.serial; at = at->outer)
            at->activity.since_ns = now_ns;
    while (outer != NULL && outer->kind == HY__TRACE_EMIT)
        outer = outer->outer;
    const struct hy__activity *activity = outer != NULL ? &outer->activity : &idle;
    hy__publish(&observer->activity, activity, sizeof *activity);
}

void hy__span_end(struct hy_thread_record *record, struct hy__span *span)
{
    if (pop_span(record, span)) {
        int64_t now_ns = hy__clock_ns(), duration_ns = now_ns - span->began_ns;
        int64_t own_ns = duration_ns - span->inner_ns;
        if (span->outer != NULL) /* an emission's own time is its handler's */
            span->outer->inner_ns += span->kind == HY__TRACE_EMIT ? span->inner_ns : duration_ns;
        if (own_ns < 0)
            own_ns = 0;
        if ((span->bits & HY__MEASURING) != 0 && span->kind == HY__TRACE_HANDLER) {
            measure_thread(&record->measured, &span->activity.handler, own_ns);
            if (span->anchor != NULL && hy__anchor_home(span->anchor) == record)
                measure_object(span->anchor, &span->activity.handler, own_ns);
        }
        if ((span->bits & HY__TRACING) != 0)
            trace(span, duration_ns);
        if ((span->bits & HY__WATCHING) != 0)
            resume_outer(span, now_ns);
    }
    if (span->observer != NULL && span->anchor != NULL)
        hy__anchor_unref(span->anchor);
}

void hy__span_cancel(struct hy_thread_record *record, struct hy__span *span)
{
    if (pop_span(record, span) && (span->bits & HY__WATCHING) != 0)
        resume_outer(span, hy__clock_ns());
    if (span->observer != NULL && span->anchor != NULL)
        hy__anchor_unref(span->anchor);
}

/* --- moments -----------------------------------------------------------------------------------
 */

void hy__observe_push(struct hy_thread_record *home, struct hy__message *message)
{
    if (!hy_diagnostics_is_measuring())
        return;
    message->flags |= HY__MESSAGE_COUNTED;
    /* Relaxed: only the number matters. It is the one counter that threads share, in the cache line
     * that the push is about to take anyway. */
    __atomic_add_fetch(&home->pushed, 1, __ATOMIC_RELAXED);
}

void hy__observe_refusal(struct hy_thread_record *home, struct hy__message *message)
{
    if ((message->flags & HY__MESSAGE_COUNTED) == 0)
        return;
    message->flags &= (uint8_t)~HY__MESSAGE_COUNTED;
    __atomic_sub_fetch(&home->pushed, 1, __ATOMIC_RELAXED);
}

static void trace_moment(uint8_t kind, uint64_t flow, int64_t when_ns, const char *text)
{
    struct hy_thread_record *record = hy__record_if_any();
    if (record == NULL || (__atomic_load_n(&hy__observed, __ATOMIC_RELAXED) & HY__TRACING) == 0)
        return;
    struct hy__observer *observer = hy__observer(record);
    if (observer == NULL)
        return;
    struct hy__trace_event event = {.began_ns = when_ns, .flow = flow, .kind = kind};
    copy_text(event.handler.object, sizeof event.handler.object, text);
    hy__trace_write(observer, &event);
}

void hy__observe_post(const void *message, int64_t began_ns)
{
    trace_moment(HY__TRACE_POST, (uintptr_t)message, began_ns, NULL);
}

void hy__observe_wake(const struct hy_thread_record *target)
{
    trace_moment(HY__TRACE_WAKE, 0, hy__clock_ns(), target->name);
}

void hy__observe_drop(struct hy_anchor *anchor)
{
    if (anchor->measured != NULL)
        hy__count(&anchor->measured->dropped, 1);
}
