/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the GLib guest share: the main thread is the guest of the default context (once
 * a process); a GLib source that calls a function; traffic, which keeps posts of another thread, a
 * timer and a notifier coming, and counts them.
 */
#ifndef TESTS_GLIB_FIXTURE_H
#define TESTS_GLIB_FIXTURE_H

#include "../helpers/allocator.h"
#include "../helpers/worker.h"

#include <halyard/glib.h>
#include <pthread.h>

#define E(n) (HY_EVENT_USER + (n))

/* Gives the main thread its dispatcher; GLib's complaints end the program from now on. Call it
 * before the cases. */
void glib_install(void);
extern struct hy_dispatcher *glib_main_dispatcher;

/* A dispatcher in a new context, which the dispatcher holds. */
struct hy_dispatcher *glib_dispatcher(GMainContext **ret_context);
/* A worker whose thread is such a guest. */
void glib_worker_start(struct worker *worker, const char *name);

/* Calls the function from the context of the calling thread, once, when it is idle or after some
 * milliseconds. */
void glib_call(unsigned delay_ms, void (*function)(void *context), void *context);
/* Calls it again and again. */
GSource *glib_repeat(GSource *source, void (*function)(void *context), void *context);
void glib_stop(GSource *source);

/* Runs the calling thread's context until condition(context). */
void glib_run_until(bool (*condition)(void *context), void *context);

/* Owned by the calling thread; posts come from a worker with a timer of its own. */
struct traffic {
    HY_INHERITS(hy_object);
    struct worker worker;
    struct hy_timer timer, there; /* here, and in the worker */
    struct hy_notifier notifier;
    int ends[2]; /* of a pipe; the worker writes */
    int posts, ticks, readings, glib_ticks;
    int goal[4]; /* see traffic_aim() */
    GSource *source;
};
void traffic_start(struct traffic *traffic);
void traffic_stop(struct traffic *traffic);
/* Whether each kind has come that many times more since the last aim. */
void traffic_aim(struct traffic *traffic, int times);
bool traffic_reached(void *traffic);

#endif
