/* SPDX-License-Identifier: MIT */
/* What is measured, watched and traced while that is on: see observe.c. A part of internal.h:
 * include that. */
#ifndef HALYARD_CORE_OBSERVE_H
#define HALYARD_CORE_OBSERVE_H

enum { /* hy__observed */
    HY__MEASURING = 1 << 0,
    HY__TRACING = 1 << 1,
    HY__WATCHING = 1 << 2
};
extern uint32_t hy__observed HY__HIDDEN; /* atomic */
static inline bool hy__is_observed(void)
{
    /* Relaxed: a handler more or less around the change does not matter. */
    return HY_UNLIKELY(__atomic_load_n(&hy__observed, __ATOMIC_RELAXED) != 0);
}
/* Switches one of them on or off. */
void hy__observe(uint32_t what, bool on);

/*
 * A few words that one thread writes and others read without stopping it. The sequence is odd while
 * they change. Each word is stored with release and loaded with acquire: a reader that has got a
 * word of a later writing also finds a later sequence, and looks again.
 */
enum {
    HY__PUBLISHED_WORDS = 12
};
struct hy__published {
    uint32_t sequence;                   /* atomic */
    uint64_t words[HY__PUBLISHED_WORDS]; /* atomic */
};
void hy__publish(struct hy__published *published, const void *data, size_t size);
/* A copy that is whole, or zeros. */
void hy__published_read(const struct hy__published *published, void *ret_data, size_t size);

/* The handler that runs in a thread, for watchdogs. */
struct hy__activity {
    uint64_t serial;  /* of what the loop called; 0: the loop itself runs, or waits */
    int64_t since_ns; /* when the loop called it, or last went on inside of it */
    struct hy_handler handler;
};

/* What has happened, for the trace. */
enum hy__trace_kind {
    HY__TRACE_HANDLER, /* of `handler` */
    HY__TRACE_WAIT,
    HY__TRACE_LOOK, /* the same without waiting */
    HY__TRACE_EMIT,
    HY__TRACE_POST,
    HY__TRACE_WAKE,
    HY__TRACE_THREAD /* a thread appears: its name */
};
struct hy__trace_event {
    int64_t began_ns, duration_ns;
    uint64_t flow; /* of a message: its address while it is on its way; 0: none */
    uint32_t thread;
    uint8_t kind;              /* enum hy__trace_kind */
    struct hy_handler handler; /* HANDLER; else `object` and `type` are one text */
};
enum {
    HY__TRACE_EVENTS = 8192 /* a power of two */
};
/* One thread writes, the writer reads. */
struct hy__trace_ring {
    uint32_t head; /* atomic: written by the thread */
    uint32_t tail; /* atomic: written by the writer of the trace */
    struct hy__trace_event events[HY__TRACE_EVENTS];
};

/*
 * What a thread tells of itself. As blocks of hazards: never freed, used again, in a list that only
 * grows, so that watchdogs and the trace look at any of them at any time.
 */
struct hy__observer {
    struct hy__observer *next; /* const once linked */
    uint32_t used;             /* atomic */
    uint32_t number;           /* home: the system's, of the thread */
    struct hy__span *span;     /* home: the innermost that is on */
    uint64_t serial;           /* home: never begins anew */
    struct hy__published name; /* of the thread */
    struct hy__published activity;
    uint64_t told;               /* atomic, written by watchdogs: the activity they have told of */
    uint64_t ended;              /* atomic, home: the last one of those that has returned, */
    int64_t ended_ns;            /* atomic, home: and when */
    struct hy__trace_ring *ring; /* atomic; made by home at the first trace, stays */
    uint64_t lost;               /* atomic, home: events that found no room */
    uint32_t named;              /* home: the trace to which it has told its name */
};

/* Measured of a thread; written by home. */
struct hy__measured {
    uint64_t handlers, handlers_ns; /* atomic */
    int64_t slowest_ns;             /* atomic */
    struct hy__published slowest;   /* struct hy_handler */
};
/* Measured of an object, from its first handler on; written by home, ends with the anchor. */
struct hy__object_measured {
    uint64_t delivered, dropped, high_water; /* atomic */
    uint64_t handlers, handlers_ns;          /* atomic */
    int64_t slowest_ns;                      /* atomic */
    uint64_t slowest;                        /* atomic */
};

/* A handler, a wait or an emission in progress, on its thread's stack. */
struct hy__span {
    struct hy__observer *observer; /* NULL: it is not observed */
    struct hy__span *outer;
    struct hy_anchor *anchor; /* counted; NULL: nobody's, or not measured */
    int64_t began_ns, inner_ns;
    uint64_t flow;
    uint32_t bits; /* what it is observed for */
    uint8_t kind;  /* enum hy__trace_kind */
    struct hy__activity activity;
};

/* observe.c. All of them in the thread of the record. */

/* The block of the calling thread; NULL: no memory. */
struct hy__observer *hy__observer(struct hy_thread_record *record);
void hy__observer_release(struct hy_thread_record *record);
/* In a forked child. */
void hy__observers_forget(void);
struct hy__observer *hy__observers(void);

/* Around a handler. anchor: of the receiver, which lives here, or NULL. */
void hy__span_begin(struct hy_thread_record *record, struct hy__span *span,
                    enum hy_handler_kind kind, struct hy_anchor *anchor, uintptr_t function);
/* The same for a message: `message` is not delivered yet. */
void hy__span_begin_message(struct hy_thread_record *record, struct hy__span *span,
                            const struct hy__message *message);
/* The same for what is no handler. text: a name, or NULL. */
void hy__span_begin_other(struct hy_thread_record *record, struct hy__span *span,
                          enum hy__trace_kind kind, const char *text);
void hy__span_end(struct hy_thread_record *record, struct hy__span *span);
/* Ends it as if it had not been: nobody was called. */
void hy__span_cancel(struct hy_thread_record *record, struct hy__span *span);

/* Before a message is pushed into a mailbox, and when it was not taken: it is counted there while
 * measuring is on. */
void hy__observe_push(struct hy_thread_record *home, struct hy__message *message);
void hy__observe_refusal(struct hy_thread_record *home, struct hy__message *message);
/* The message that was at this address has been accepted. */
void hy__observe_post(const void *message, int64_t began_ns);
/* A thread is woken. */
void hy__observe_wake(const struct hy_thread_record *target);
/* A message of the object was dropped. */
void hy__observe_drop(struct hy_anchor *anchor);

/* trace.c */
/* Reads HALYARD_TRACE, once. */
void hy__trace_environment(void);
/* Which one is being written. */
uint32_t hy__trace_number(void);
/* Puts the event into the thread's buffer. */
void hy__trace_write(struct hy__observer *observer, const struct hy__trace_event *event);
/* In a forked child: there is none. */
void hy__trace_forget(void);

#endif
