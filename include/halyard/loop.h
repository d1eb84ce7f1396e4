/* SPDX-License-Identifier: MIT */
/*
 * Event loops. A thread's loop runs in hy_thread_exec() or hy_app_exec(); a hy_loop is one more,
 * nested inside a handler, say to wait for an answer while everything else goes on. Loops unwind
 * inside out.
 *
 * One iteration:
 *   1. take what was posted; deliver it (a bounded batch; high priority first; what is posted
 *      meanwhile waits for the next iteration)
 *   2. finish objects whose hy_object_destroy_later() waited for the loop
 *   3. wait for descriptors, a wake-up or the next deadline; not at all when something is still
 *      pending
 *   4. deliver the notifiers that were ready
 *   5. fire the timers that are due, in the order of their deadlines, each at most once
 *   6. fire the zero timers, each once
 */
#ifndef HALYARD_LOOP_H
#define HALYARD_LOOP_H

#include <halyard/base.h>

HY_BEGIN_DECLS

/* The caller's memory; all members are the library's. A loop belongs to the thread that made it. */
struct hy_loop {
    struct hy_loop *outer; /* the loop that this one is nested in */
    struct hy_thread_record *record;
    int code;
    uint32_t state;
};

/* Makes a loop of the calling thread. Errors: -HY_ENOMEM. Thread: any. */
HY_API int hy_loop_init(struct hy_loop *loop) HY_MUST_USE;

/*
 * Runs until hy_loop_quit() on this loop, or until the thread is asked to quit; returns the code
 * given. A hy_loop_quit() from before is forgotten. Errors: -HY_EBUSY (this loop executes already),
 * -HY_EWRONGTHREAD, -HY_ESHUTDOWN (the thread has been asked to quit before), -HY_ENOMEM,
 * -HY_EMFILE, -HY_EIO.
 * Thread: the one that made it.
 */
HY_API int hy_loop_exec(struct hy_loop *loop);

/* Ends the loop after the handler in progress. Thread: any, while the loop exists. */
HY_API void hy_loop_quit(struct hy_loop *loop, int code);

enum hy_process_flag {
    HY_PROCESS_WAIT =
        1 << 0 /* when nothing is ready, wait until something is, or for the deadline */
};

/*
 * Runs one iteration of the calling thread's loop, for callers that have their own. Returns the
 * number of callbacks run, those of zero timers not counted. deadline_ns is a point in time, or
 * HY_FOREVER; a signal of the system may end the wait before it. Outside every loop, step 2 is left
 * out. Errors: -HY_ENOMEM, -HY_EMFILE, -HY_EIO (no dispatcher). Thread: any, for itself.
 */
HY_API int hy_process(unsigned flags, int64_t deadline_ns);

/* How many loops of the calling thread are executing inside each other. Thread: any. */
HY_API int hy_loop_depth(void);

HY_END_DECLS

#endif
