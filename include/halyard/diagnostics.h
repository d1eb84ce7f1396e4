/* SPDX-License-Identifier: MIT */
/*
 * What a program can learn of itself while it runs: counts of threads and objects, a watchdog for
 * handlers that block their loop, a trace of everything that the loops did.
 *
 *     hy_diagnostics_set_measuring(true);
 *     ...
 *     struct hy_thread_counters counts = hy_thread_get_counters(&worker);
 *     printf("%llu delivered, %llu wait\n", counts.delivered, counts.waiting);
 *
 * Plain counts are always kept. What needs a look at the clock is measured while measuring is on;
 * a watchdog and a trace bring their own. While all three are off they cost one test of one word
 * for each pass of a loop, each emission that reaches somebody and each post.
 *
 * "A handler" is whatever is called on an object: a slot, an event handler, an invoked or called
 * function, a timer, a notifier. Its own time is that without the handlers that it called in turn,
 * by emissions or in nested loops, and without what nested loops waited; so the own times of a
 * thread add up to no more than the time it ran.
 *
 * From outside, with nothing switched on: the probes of this library, for bpftrace, perf and
 * SystemTap, where it was built with <sys/sdt.h>. Provider "halyard":
 *     post(message, receiver, kind)             receiver: its anchor, the same number in `deliver`
 *     deliver(message, receiver, kind, thread)  before the call; thread: the name
 *     emit(signal, hub)                         to somebody; struct hy_signal_base *
 *     wait(thread, deadline_ns)                 the loop is about to wait
 *     wake(thread)                              somebody wakes that thread's loop
 *
 *     bpftrace -e 'usdt:/usr/lib/libhalyard.so.0.1:halyard:deliver { @[str(arg3)] = count(); }'
 *     perf buildid-cache --add /usr/lib/libhalyard.so.0.1; perf record -e sdt_halyard:wake -aR
 */
#ifndef HALYARD_DIAGNOSTICS_H
#define HALYARD_DIAGNOSTICS_H

#include <halyard/thread.h>
#include <halyard/timer.h>

HY_BEGIN_DECLS

/* --- handlers ----------------------------------------------------------------------------------
 */

/* What kind of call a handler is. */
enum hy_handler_kind {
    HY_HANDLER_NONE,
    HY_HANDLER_SLOT,     /* a slot, called by the loop */
    HY_HANDLER_DIRECT,   /* a slot, called by an emission */
    HY_HANDLER_EVENT,    /* .event of a class */
    HY_HANDLER_INVOKED,  /* hy_invoke() and its kin */
    HY_HANDLER_CALLED,   /* hy_call(), or a blocking emission */
    HY_HANDLER_TIMER,    /* a timer, or hy_after() */
    HY_HANDLER_NOTIFIER, /* a descriptor is ready */
    HY_HANDLER_INTERNAL  /* a message of the library's own */
};

/* Which handler of whom. Texts are copies, cut to their room; "" when there is none. */
struct hy_handler {
    enum hy_handler_kind kind;
    char object[32];    /* name of the receiver */
    char type[32];      /* its class */
    uintptr_t function; /* address of the slot or function, 0 when unknown: hy_function_name() */
};

/*
 * Writes the name of the function at an address, as a slot or in a struct hy_handler, into the
 * buffer: "tracker_position" where the dynamic linker knows it (functions of shared libraries, and
 * of programs linked with -rdynamic, unless static), else "program+0x12a4", which addr2line -f -e
 * program 0x12a4 resolves. Returns buffer. Thread: any.
 */
HY_API const char *hy_function_name(uintptr_t function, char *buffer, size_t size);

/* --- counters ----------------------------------------------------------------------------------
 */

/* What a thread has done, over all its runs. */
struct hy_thread_counters {
    uint64_t delivered;
    uint64_t dropped;    /* receiver dead, connection cut, or discarded at the end */
    uint64_t kept;       /* waiting in a finished thread */
    uint64_t posted;     /* delivered, dropped or waiting; not what objects took along to others */
    uint64_t waiting;    /* taken by the thread, not delivered yet; while measuring is on, also
                            what it has not taken yet */
    uint64_t high_water; /* the most that it had taken at a time */
    uint64_t passes;     /* iterations of its loops */
    uint64_t waits;      /* how often its loop went to sleep */
    uint64_t wakes;      /* how many of those were ended by a post or by hy_thread_wake() */
    /* While measuring is on. */
    uint64_t handlers;         /* how many were measured */
    uint64_t handlers_ns;      /* their own times */
    int64_t slowest_ns;        /* the longest own time, */
    struct hy_handler slowest; /* and whose it was */
};

/* What became of what was posted to an object. */
struct hy_object_counters {
    uint64_t waiting; /* on its way to it, at this moment */
    /* While measuring is on, from the first delivery on. */
    uint64_t delivered;  /* slots, events, invokes and calls that its thread's loop delivered */
    uint64_t dropped;    /* its connection was cut, or it has ended */
    uint64_t posted;     /* delivered, dropped or waiting */
    uint64_t high_water; /* the most that was found waiting as one was delivered, itself included */
    uint64_t handlers;   /* how many handlers of it were measured, direct slots included */
    uint64_t handlers_ns; /* their own times */
    int64_t slowest_ns;   /* the longest own time, */
    uintptr_t slowest;    /* and the address of that slot or function, or 0 */
};

/* Whether handlers are measured from now on; it begins with false. Thread: any. */
HY_API void hy_diagnostics_set_measuring(bool measuring);
HY_API bool hy_diagnostics_is_measuring(void);

/* The counts of the thread, of the moment while it runs: nothing waits for it, and each number is
 * whole, though they may be of moments that lie apart. Thread: any. */
HY_API struct hy_thread_counters hy_thread_get_counters(const struct hy_thread *thread);

/* The counts of an object, in the same way; of a dead one what they were. Errors: -HY_ESHUTDOWN (a
 * cleared reference). Thread: any. */
HY_API int hy_ref_get_counters(struct hy_ref ref, struct hy_object_counters *ret_counts);
/* The same. Thread: any, while the object exists. */
HY_API int hy_object_get_counters(const struct hy_object *object,
                                  struct hy_object_counters *ret_counts);

/* --- watchdog ----------------------------------------------------------------------------------
 *
 * Tells of handlers that keep a loop from going on: any handler of any thread, but for those of the
 * thread that the watchdog lives in. So give it one where nothing takes long:
 *
 *     hy_watchdog_init(&watchdog, 100 * HY_MILLISECOND, NULL);
 *     hy_connect(&watchdog.events.blocked, log, log_blocked, HY_AUTO);
 *     hy_object_move_to_thread(&watchdog.hy, &watch_thread);
 */

/* What a watchdog has seen. */
struct hy_stall {
    char thread[32];           /* name of the thread */
    struct hy_handler handler; /* the innermost that was seen to run */
    int64_t duration_ns;       /* since the loop last went on */
};

/* A watchdog. */
struct hy_watchdog {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(struct hy_stall) blocked; /* a handler has blocked its loop for the time set, and
                                               still does; once for each */
        hy_signal(struct hy_stall) resumed; /* one that was told has returned: how long it took, as
                                               the thread itself measured it, or, when it has gone
                                               on too fast to tell, as the watchdog saw it */
    } events;
    struct hy_watchdog_private *priv;
};

extern HY_API const struct hy_class hy_watchdog_class;

/*
 * Makes a watchdog that watches from now on, a quarter of limit_ns at a time, and at least every
 * millisecond, by a timer of its thread. A handler that was on as the first watchdog was made is
 * not seen. Errors: as hy_object_init(); -HY_EINVAL (limit_ns below a millisecond). Thread: home of
 * parent; any without one.
 */
HY_API int hy_watchdog_init(struct hy_watchdog *watchdog, int64_t limit_ns,
                            struct hy_object *parent) HY_MUST_USE;
/* Ends it. Errors and thread: as hy_object_fini(). */
HY_API int hy_watchdog_fini(struct hy_watchdog *watchdog);

/* --- trace -------------------------------------------------------------------------------------
 *
 * A file in the trace event format that Perfetto (ui.perfetto.dev) and chrome://tracing show: for
 * each thread what its loops did, with arrows from each post to its delivery. The environment
 * variable HALYARD_TRACE=file traces a program from its first use of the library to its exit.
 *
 * Each thread writes into a buffer of its own, about 900 kB, without locks; a thread of the trace
 * writes the file. What finds its buffer full is lost; the file says how much, at its end, in
 * "otherData". A process that is killed leaves a file without its end, which viewers take.
 */

/* Begins to write a trace. Errors: -HY_EBUSY (one is being written), -HY_EINVAL (no path), what
 * the system says of the file, -HY_ENOMEM, -HY_EAGAIN (no thread). Thread: any. */
HY_API int hy_trace_start(const char *path);
/* Ends it; the file is whole on return. Errors: -HY_ENOENT (none is being written), what the system
 * said of writing. Thread: any. */
HY_API int hy_trace_stop(void);

HY_END_DECLS

#endif
