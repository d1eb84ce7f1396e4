/* SPDX-License-Identifier: MIT */
/*
 * Event loops. A thread's loop runs in hy_thread_exec() or hy_app_exec(); a hy_loop is one more,
 * nested inside a handler, say to wait for an answer while everything else goes on. Loops unwind
 * inside out.
 *
 *     hy_loop_init(&self->waiting);
 *     hy_connect(&server->events.answered, self, self_answered, HY_AUTO); // calls hy_loop_quit()
 *     code = hy_loop_exec(&self->waiting, HY_PROCESS_EXCLUDE_USER_INPUT);
 *
 * One iteration:
 *   0. `awake` of the thread
 *   1. take what was posted; deliver it (a bounded batch; high priority first; what is posted
 *      meanwhile waits for the next iteration)
 *   2. finish objects whose hy_object_destroy_later() waited for the loop
 *   3. when nothing is pending: `about_to_block`, wait for descriptors, a wake-up or the next
 *      deadline, `awake` again; else only look which descriptors are ready
 *   4. deliver the notifiers that were ready
 *   5. fire the timers that are due, in the order of their deadlines, each at most once
 *   6. fire the zero timers, each once
 */
#ifndef HALYARD_LOOP_H
#define HALYARD_LOOP_H

#include <halyard/base.h>

HY_BEGIN_DECLS

/* What an iteration does and leaves alone. */
enum hy_process_flag {
    HY_PROCESS_WAIT = 1 << 0, /* for hy_process(): when nothing is ready, wait until something is,
                                 or for the deadline */
    HY_PROCESS_EXCLUDE_USER_INPUT = 1 << 1, /* events whose type says so wait, in order */
    HY_PROCESS_EXCLUDE_NOTIFIERS = 1 << 2,  /* readiness of descriptors is left for later */
    HY_PROCESS_EXCLUDE_TIMERS = 1 << 3,     /* so are timers */
    HY_PROCESS_EXCLUDE_POSTED = 1 << 4      /* and what was posted, queued and invoked */
};

/* The caller's memory; all members are the library's. A loop belongs to the thread that made it. */
struct hy_loop {
    struct hy_loop *outer; /* the loop that this one is nested in */
    struct hy_thread_record *record;
    int code;
    uint32_t state;
    unsigned flags;
    int32_t holds;
};

/* Makes a loop of the calling thread. Errors: -HY_ENOMEM. Thread: any. */
HY_API int hy_loop_init(struct hy_loop *loop) HY_MUST_USE;

/*
 * Runs until hy_loop_quit() on this loop, or until the thread is asked to quit; returns the code
 * given. A hy_loop_quit() from before is forgotten. flags: the exclusions of enum hy_process_flag,
 * for each iteration of this loop; 0: none. Errors: -HY_EBUSY (this loop executes already, or too
 * many are nested: hy_loop_set_depth_limit()), -HY_EWRONGTHREAD, -HY_ESHUTDOWN (the thread has been
 * asked to quit before), -HY_EINVAL, -HY_ENOMEM, -HY_EMFILE, -HY_EIO. Thread: the one that made it.
 */
HY_API int hy_loop_exec(struct hy_loop *loop, unsigned flags);

/* Ends the loop after the handler in progress. Thread: any, while the loop exists. */
HY_API void hy_loop_quit(struct hy_loop *loop, int code);

/*
 * Holds a loop, and lets go of it: when the last hold goes while the loop executes, it quits with
 * 0. For work that shall keep a loop alive. Thread: any, while the loop exists.
 */
HY_API void hy_loop_hold(struct hy_loop *loop);
HY_API void hy_loop_release(struct hy_loop *loop);

/*
 * Runs one iteration of the calling thread's loop, for callers that have their own; a thread that
 * has no dispatcher yet gets the default one. Returns the
 * number of callbacks run, those of zero timers not counted. deadline_ns is a point in time, or
 * HY_FOREVER; a signal of the system, a hy_thread_wake(), or nothing at all may end the wait before
 * it. Outside every loop, step 2 is left out. Errors: -HY_EBUSY (too deep, see below), -HY_EINVAL,
 * -HY_ENOMEM, -HY_EMFILE, -HY_EIO (no dispatcher). Thread: any, for itself.
 */
HY_API int hy_process(unsigned flags, int64_t deadline_ns);
/* The same without waiting, again and again, until an iteration has nothing to do or the point in
 * time has come. Returns the sum of the callbacks. */
HY_API int hy_process_all(unsigned flags, int64_t deadline_ns);

/* How many loops, and calls of hy_process(), of the calling thread are executing inside each other.
 * Thread: any, for itself. */
HY_API int hy_loop_depth(void);
/* How many may be: one more is -HY_EBUSY instead of a stack that overflows. 100 at first; 0: no
 * limit. Errors: -HY_EINVAL (negative), -HY_ENOMEM. Thread: any, for itself. */
HY_API int hy_loop_set_depth_limit(int limit);

/* --- inside another loop -----------------------------------------------------------------------
 *
 * hy_loop_exec() in parts, for a thread whose loop is somebody else's: poll one descriptor there
 * and call two functions.
 *
 *     hy_loop_begin(&loop, 0);
 *     watch hy_loop_descriptor(&loop) for readability
 *     before each wait:  if (hy_loop_prepare(&loop, NULL) > 0) do not wait
 *     after each wait:   hy_loop_dispatch(&loop)
 *     hy_loop_end(&loop);
 *
 * Posts of other threads, notifiers and timers make the descriptor readable, also while the foreign
 * loop runs another one inside a handler: prepare and dispatch may be called from there too.
 * Thread: the one that made the loop.
 */

/* The loop executes from now on, to hy_loop_end(). One that a handler begins is to be ended there:
 * else that is done as the handler's own loop goes on, and logged. Errors: as hy_loop_exec(). The
 * functions below fail with -HY_EINVAL for a loop that does not execute, and with -HY_EWRONGTHREAD.
 */
HY_API int hy_loop_begin(struct hy_loop *loop, unsigned flags) HY_MUST_USE;
/* A descriptor that is readable when there is something to dispatch; the loop's, do not close or
 * read it. Errors: -HY_ENOTSUP (the thread's dispatcher has none), -HY_EMFILE. */
HY_API int hy_loop_descriptor(struct hy_loop *loop);
/*
 * To be called before each wait. Returns 1 when something is pending, so that the wait must not be,
 * else 0; *ret_deadline_ns (NULL is allowed) is the point in time at which it must end, for those
 * who wait without the descriptor. -HY_ESHUTDOWN when the loop has been asked to quit:
 * hy_loop_end() gives the code.
 */
HY_API int hy_loop_prepare(struct hy_loop *loop, int64_t *ret_deadline_ns);
/* Waits as hy_loop_exec() would, until there is something to dispatch or the point in time. 1:
 * there is; 0: the time has come. Errors: -HY_EIO. */
HY_API int hy_loop_wait(struct hy_loop *loop, int64_t deadline_ns);
/* One iteration, without waiting. Returns the number of callbacks, or as hy_loop_prepare(). */
HY_API int hy_loop_dispatch(struct hy_loop *loop);
/* The loop executes no more; loops nested in it must have ended. Returns the code of its quit, or
 * 0. Errors: -HY_EBUSY (loops that are nested in it execute, or it is a handler of its own that
 * asks), -HY_EWRONGTHREAD, -HY_EINVAL. */
HY_API int hy_loop_end(struct hy_loop *loop);

HY_END_DECLS

#endif
