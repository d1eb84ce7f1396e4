/* SPDX-License-Identifier: MIT */
/*
 * The trace: what the threads noted, written as JSON of the trace event format by a thread of its
 * own.
 *
 * Each thread writes its events into a ring of its block (observe.c), which the writer empties:
 * one writer and one reader, so a head and a tail are enough. A ring that is half full rings the
 * bell; else the writer looks every 20 ms. The session's state says who may touch the rest of it:
 * from STARTING on whoever starts it, while RUNNING the writer, from STOPPING on, once the writer
 * has ended, whoever stops it.
 */
#include "core/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INTERVAL_NS = 20 * 1000 * 1000,
    BUFFER_SIZE = 1 << 16,
    EVENT_SIZE = 4096, /* none is longer */
    NAMES = 512,       /* a power of two */
    NAME_SIZE = 96
};

enum state {
    IDLE,
    STARTING,
    RUNNING,
    STOPPING
};

static struct {
    uint32_t state;  /* atomic: enum state */
    uint32_t number; /* atomic: of the session, from 1 */
    uint32_t bell;   /* atomic: what the writer sleeps on */
    uint32_t ending; /* atomic: the writer ends */
    struct hy__os_thread thread;
    uint32_t process; /* the system's number */
    int file, error;  /* error: an errno of writing; nothing more is written then */
    int64_t began_ns;
    uint64_t written, lost, lost_before;
    size_t used;
    char buffer[BUFFER_SIZE];
} session;

/* Names of functions, which are costly to find. */
static struct {
    uintptr_t function;
    char text[NAME_SIZE];
} names[NAMES];

uint32_t hy__trace_number(void)
{
    /* Relaxed: a thread that sees the old one tells its name a second time. */
    return __atomic_load_n(&session.number, __ATOMIC_RELAXED);
}

/* --- the threads' side -------------------------------------------------------------------------
 */

static void ring_bell(void)
{
    __atomic_add_fetch(&session.bell, 1, __ATOMIC_RELEASE);
    hy__futex_wake(&session.bell, 1);
}

static bool push(struct hy__observer *observer, const struct hy__trace_event *event)
{
    struct hy__trace_ring *ring = observer->ring;
    uint32_t head = ring->head;
    /* Acquire: the writer has read what was there. */
    if (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) == HY__TRACE_EVENTS) {
        hy__count(&observer->lost, 1);
        return false;
    }
    struct hy__trace_event *slot = &ring->events[head % HY__TRACE_EVENTS];
    *slot = *event;
    slot->thread = observer->number;
    /* Release: the event is whole. */
    __atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
    if ((head + 1) % (HY__TRACE_EVENTS / 2) == 0)
        ring_bell();
    return true;
}

void hy__trace_write(struct hy__observer *observer, const struct hy__trace_event *event)
{
    if (observer->ring == NULL) {
        struct hy__trace_ring *ring = hy__allocate_aligned_zeroed(HY__CACHE_LINE, sizeof *ring);
        /* Release: the writer finds it whole. */
        __atomic_store_n(&observer->ring, ring, __ATOMIC_RELEASE);
    }
    if (observer->ring == NULL) {
        hy__count(&observer->lost, 1);
        return;
    }
    uint32_t number = hy__trace_number();
    if (observer->named != number) {
        struct hy__trace_event named = {.began_ns = event->began_ns, .kind = HY__TRACE_THREAD};
        hy__published_read(&observer->name, named.handler.object, sizeof named.handler.object);
        if (push(observer, &named))
            observer->named = number;
    }
    push(observer, event);
}

/* --- writing JSON ------------------------------------------------------------------------------
 */

static void flush(void)
{
    if (session.error == 0 && session.used > 0)
        session.error = hy__file_write(session.file, session.buffer, session.used);
    session.used = 0;
}

static HY_PRINTF(1, 2) void put(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length =
        vsnprintf(session.buffer + session.used, BUFFER_SIZE - session.used, format, arguments);
    va_end(arguments);
    if (length > 0 && (size_t)length < BUFFER_SIZE - session.used)
        session.used += (size_t)length;
}

/* How many bytes the UTF-8 character has, 0: it is none. Names are whatever the program gave. */
static size_t character_length(const unsigned char *text)
{
    size_t length = text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    if (length == 0 || text[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
        (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
        return 0;
    return length;
}

static void put_bytes(const void *bytes, size_t length)
{
    if (length >= BUFFER_SIZE - session.used)
        return;
    memcpy(session.buffer + session.used, bytes, length);
    session.used += length;
}

static void put_text(const char *text)
{
    put_bytes("\"", 1);
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        size_t length = 1;
        if (*at == '"' || *at == '\\')
            put("\\%c", *at);
        else if (*at < 0x20)
            put("\\u%04x", *at);
        else if (*at < 0x80)
            put_bytes(at, 1);
        else if ((length = character_length(at)) != 0)
            put_bytes(at, length);
        else
            put("\\ufffd");
        at += length != 0 ? length : 1;
    }
    put_bytes("\"", 1);
}

static const char *name_of(uintptr_t function)
{
    size_t index = (function >> 4) % NAMES;
    if (names[index].function != function || names[index].text[0] == '\0') {
        names[index].function = function;
        hy__function_name(function, names[index].text, NAME_SIZE);
    }
    return names[index].text;
}

static void put_time(const char *key, int64_t ns)
{
    put(",\"%s\":%lld.%03lld", key, (long long)(ns / 1000), (long long)(ns % 1000));
}

/* Begins an event; its name is to follow. */
static void put_head(const struct hy__trace_event *event, char phase, const char *category)
{
    put("%s{\"ph\":\"%c\",\"cat\":\"%s\",\"pid\":%u,\"tid\":%u", session.written++ > 0 ? ",\n" : "",
        phase, category, session.process, event->thread);
    put_time("ts", event->began_ns - session.began_ns);
    put(",\"name\":");
}

static void put_handler(const struct hy__trace_event *event)
{
    static const char *const kinds[] = {"",       "slot",  "direct",   "event",   "invoked",
                                        "called", "timer", "notifier", "internal"};
    const struct hy_handler *handler = &event->handler;
    put_head(event, 'X', kinds[handler->kind]);
    if (handler->function != 0) {
        put_text(name_of(handler->function));
    } else {
        char name[2 * sizeof handler->type];
        snprintf(name, sizeof name, "%s %s", kinds[handler->kind],
                 handler->object[0] != '\0' ? handler->object : handler->type);
        put_text(name);
    }
    put_time("dur", event->duration_ns);
    put(",\"args\":{\"object\":");
    put_text(handler->object);
    put(",\"type\":");
    put_text(handler->type);
    put("}}");
}

/* An arrow begins in what posts, and ends in what is delivered. */
static void put_flow(const struct hy__trace_event *event, bool ends)
{
    put_head(event, ends ? 'f' : 's', "message");
    put("\"message\",\"id\":\"%#llx\"%s}", (unsigned long long)event->flow,
        ends ? ",\"bp\":\"e\"" : "");
}

/* A span or a moment that has a name and nothing more. */
static void put_plain(const struct hy__trace_event *event, const char *name, bool span)
{
    put_head(event, span ? 'X' : 'i', "loop");
    put_text(name);
    if (span)
        put_time("dur", event->duration_ns);
    else
        put(",\"s\":\"t\"");
    if (event->kind == HY__TRACE_WAKE) {
        put(",\"args\":{\"thread\":");
        put_text(event->handler.object);
        put("}");
    }
    put("}");
}

static void put_thread(const struct hy__trace_event *event)
{
    put("%s{\"ph\":\"M\",\"pid\":%u,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":",
        session.written++ > 0 ? ",\n" : "", session.process, event->thread);
    put_text(event->handler.object);
    put("}}");
}

static void put_event(const struct hy__trace_event *event)
{
    switch (event->kind) {
    case HY__TRACE_HANDLER:
        put_handler(event);
        if (event->flow != 0)
            put_flow(event, true);
        break;
    case HY__TRACE_WAIT:
        put_plain(event, "wait", true);
        break;
    case HY__TRACE_LOOK:
        put_plain(event, "look", true);
        break;
    case HY__TRACE_EMIT:
        put_plain(event, event->handler.object, true); /* and what stands behind it */
        break;
    case HY__TRACE_POST:
        put_plain(event, "post", false);
        put_flow(event, false);
        break;
    case HY__TRACE_WAKE:
        put_plain(event, "wake", false);
        break;
    default:
        put_thread(event);
        break;
    }
    if (session.used > BUFFER_SIZE - EVENT_SIZE)
        flush();
}

/* --- the writer --------------------------------------------------------------------------------
 */

static void empty(struct hy__trace_ring *ring)
{
    /* Acquire: the events are whole. */
    uint32_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE), tail = ring->tail;
    for (; tail != head; tail++) {
        const struct hy__trace_event *event = &ring->events[tail % HY__TRACE_EVENTS];
        /* What was under way as the last trace ended is not of this one. */
        if (event->began_ns >= session.began_ns)
            put_event(event);
        /* Release: it has been read. */
        if (tail % 64 == 63)
            __atomic_store_n(&ring->tail, tail + 1, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&ring->tail, head, __ATOMIC_RELEASE);
}

static void empty_all(void)
{
    for (struct hy__observer *observer = hy__observers(); observer != NULL;
         observer = observer->next) {
        struct hy__trace_ring *ring = __atomic_load_n(&observer->ring, __ATOMIC_ACQUIRE);
        if (ring != NULL)
            empty(ring);
    }
    flush();
}

static uint64_t count_lost(void)
{
    uint64_t lost = 0;
    for (const struct hy__observer *observer = hy__observers(); observer != NULL;
         observer = observer->next)
        lost += __atomic_load_n(&observer->lost, __ATOMIC_RELAXED);
    return lost;
}

static void *writer_main(void *context)
{
    (void)context;
    hy__os_thread_block_signals();
    hy__os_thread_set_name("halyard-trace");
    for (;;) {
        uint32_t bell = __atomic_load_n(&session.bell, __ATOMIC_ACQUIRE);
        /* Acquire: what was noted before the end was asked for is seen. */
        bool ending = __atomic_load_n(&session.ending, __ATOMIC_ACQUIRE) != 0;
        empty_all();
        if (ending)
            return NULL;
        hy__futex_wait(&session.bell, bell, hy__clock_ns() + INTERVAL_NS);
    }
}

/* --- starting and stopping ---------------------------------------------------------------------
 */

static bool change_state(enum state from, enum state to)
{
    uint32_t expected = from;
    /* Acquire and release: what the session holds goes from hand to hand. */
    return __atomic_compare_exchange_n(&session.state, &expected, (uint32_t)to, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static void set_state(enum state state)
{
    __atomic_store_n(&session.state, (uint32_t)state, __ATOMIC_RELEASE);
}

/* What is in the rings is of an earlier trace. */
static void forget_old_events(void)
{
    for (struct hy__observer *observer = hy__observers(); observer != NULL;
         observer = observer->next) {
        struct hy__trace_ring *ring = __atomic_load_n(&observer->ring, __ATOMIC_ACQUIRE);
        if (ring != NULL)
            __atomic_store_n(&ring->tail, __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE),
                             __ATOMIC_RELEASE);
    }
}

static int start(const char *path)
{
    int system_errno = hy__file_create(path, &session.file);
    if (system_errno != 0)
        return hy_error_set_system(system_errno, "cannot write a trace to \"%.200s\"", path);
    session.process = hy__os_process_number();
    session.error = 0;
    session.used = 0;
    session.written = 0;
    session.lost_before = count_lost();
    forget_old_events();
    session.began_ns = hy__clock_ns();
    put("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n");
    __atomic_store_n(&session.ending, 0u, __ATOMIC_RELAXED); /* published by the thread's start */
    system_errno = hy__os_thread_start(&session.thread, writer_main, NULL, 0);
    if (system_errno != 0) {
        hy__file_close(session.file);
        return hy_error_set_system(system_errno, "cannot start the thread that writes a trace");
    }
    __atomic_add_fetch(&session.number, 1, __ATOMIC_RELAXED);
    return 0;
}

int hy_trace_start(const char *path)
{
    if (path == NULL || path[0] == '\0')
        return hy_error_set(-HY_EINVAL, "a trace needs the name of a file to write");
    int rc = hy__fork_prepare();
    if (rc < 0)
        return rc;
    if (!change_state(IDLE, STARTING))
        return hy_error_set(-HY_EBUSY, "a trace is being written already: hy_trace_stop() ends it");
    rc = start(path);
    if (rc == 0)
        hy__observe(HY__TRACING, true);
    set_state(rc == 0 ? RUNNING : IDLE);
    return rc;
}

int hy_trace_stop(void)
{
    if (!change_state(RUNNING, STOPPING))
        return hy_error_set(-HY_ENOENT, "no trace is being written");
    hy__observe(HY__TRACING, false);
    /* Release: see writer_main(). */
    __atomic_store_n(&session.ending, 1u, __ATOMIC_RELEASE);
    ring_bell();
    hy__os_thread_join(session.thread, HY_FOREVER);
    put("\n],\"otherData\":{\"written by\":\"halyard %s\",\"events\":%llu,\"lost\":%llu}}\n",
        hy_version(), (unsigned long long)session.written,
        (unsigned long long)(count_lost() - session.lost_before));
    flush();
    int closed = hy__file_close(session.file);
    int system_errno = session.error != 0 ? session.error : closed;
    set_state(IDLE);
    return system_errno == 0 ? 0 : hy_error_set_system(system_errno, "the trace is not whole");
}

void hy__trace_forget(void)
{
    session.state = IDLE;
    session.used = 0;
    hy__observed &= ~(uint32_t)HY__TRACING;
}

static void stop_at_exit(void)
{
    (void)hy_trace_stop();
}

void hy__trace_environment(void)
{
    static uint32_t looked; /* atomic */
    /* Relaxed: the one who comes first does it. */
    if (__atomic_load_n(&looked, __ATOMIC_RELAXED) != 0 ||
        __atomic_exchange_n(&looked, 1u, __ATOMIC_RELAXED) != 0)
        return;
    const char *path = getenv("HALYARD_TRACE");
    if (path == NULL || path[0] == '\0')
        return;
    if (hy_trace_start(path) < 0)
        hy_log(HY_LOG_WARNING, "trace", "HALYARD_TRACE is left out: %s", hy_last_error()->message);
    else
        atexit(stop_at_exit);
}
