/* SPDX-License-Identifier: MIT */
/*
 * The application: the main thread's loop and an orderly end.
 *
 * The order of shutdown, always the same: hy_app_quit() (or SIGINT, SIGTERM) ends the loop;
 * `about_to_quit` is emitted, while all threads still run; the threads that the main thread started
 * are asked to stop early and to quit, and joined, one by one, the last one first; what they posted
 * to the main thread is delivered; hy_app_exec() returns. The third SIGINT or SIGTERM that comes
 * during a shutdown ends the process by the signal's default action, so that one that hangs can be
 * interrupted from the keyboard.
 *
 *     hy_app_init(&app);
 *     hy_thread_start(&worker);
 *     int code = hy_app_exec(&app);    // Ctrl-C, hy_app_quit()
 *     hy_app_fini(&app);
 */
#ifndef HALYARD_APP_H
#define HALYARD_APP_H

#include <halyard/thread.h>

HY_BEGIN_DECLS

/* The application: one in a process. */
struct hy_app {
    HY_INHERITS(hy_object);
    struct {
        /* SIGINT, SIGTERM or SIGHUP has come: its number; before the loop ends. */
        hy_signal(int) unix_signal;
        /* The loop has ended, all threads still run. */
        hy_signal0 about_to_quit;
    } events;
    struct hy_app_private *priv;
};

extern HY_API const struct hy_class hy_app_class;

/*
 * Makes the application object; the calling thread is the main thread from now on. SIGINT and
 * SIGTERM end hy_app_exec(), SIGHUP is only reported, whatever they did before; they are watched as
 * by a hy_unix_signal (unix_signal.h): no signal is blocked, and no other one is touched, SIGPIPE
 * neither. Errors: -HY_EEXIST (there is one already), -HY_ENOMEM, -HY_EMFILE. Thread: the one to
 * become the main thread.
 */
HY_API int hy_app_init(struct hy_app *app) HY_MUST_USE;
/* Ends it and restores the signals; one that came since the loop ended then has its usual effect.
 * Outside every loop, what this thread has asked to be destroyed later is destroyed. Errors: as
 * hy_object_fini(). Thread: main. */
HY_API int hy_app_fini(struct hy_app *app);

/*
 * Runs the main loop, then shuts down in the order above. Returns the code of hy_app_quit() or
 * hy_app_fail(), 0 after a signal of the system; one that comes during the shutdown is swallowed,
 * the third one excepted.
 * Errors: -HY_EBUSY (executing, or inside another loop), -HY_EWRONGTHREAD, -HY_ESHUTDOWN (ended),
 * and those of hy_thread_exec(). Thread: main.
 */
HY_API int hy_app_exec(struct hy_app *app);

/* Ends hy_app_exec() with the code; without one executing it does nothing. Thread: any. */
HY_API void hy_app_quit(int code);

/*
 * Asks whether to quit: sends HY_EVENT_QUIT to the application (from another thread than the main
 * one: posts it). Unless a filter stops it, that is hy_app_quit(0). Without a loop executing it
 * does nothing. Returns 1 when it quits or was posted, 0 when it was stopped. Errors: -HY_ESHUTDOWN
 * (there is no application), -HY_ENOMEM. Thread: any.
 */
HY_API int hy_app_request_quit(void);

/* Holds the application, and lets go of it: when the last hold goes while hy_app_exec() runs, it
 * quits with 0. Holds taken before it count; without an application, or a hold, these do nothing.
 * Thread: any. */
HY_API void hy_app_hold(void);
HY_API void hy_app_release(void);

/*
 * Logs the calling thread's last error at level error and quits with code 1: for what the program
 * cannot do without. rc is the failed call's result; when the last error is of another code, rc's
 * name is logged in its place. Before hy_app_exec() it is remembered, unlike a hy_app_quit().
 * Thread: any.
 */
HY_API void hy_app_fail(int rc);

/* The application object, or NULL. Thread: any. */
HY_API struct hy_app *hy_app_instance(void);

HY_END_DECLS

#endif
