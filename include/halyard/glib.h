/* SPDX-License-Identifier: MIT */
/*
 * Halyard and GLib in one thread. Library halyard-glib, package halyard-glib.
 *
 * A dispatcher that is a guest in a GMainContext. Whoever runs: g_main_loop_run(), gtk_main(), a
 * modal dialog inside a slot, or hy_thread_exec() and hy_app_exec(), both sides go on: Halyard's
 * posts, timers and notifiers, and GLib's sources.
 *
 *     struct hy_dispatcher *dispatcher;
 *     hy_dispatcher_create_glib(NULL, &dispatcher);
 *     hy_thread_set_dispatcher(hy_thread_current(), dispatcher);
 *
 * In a Halyard loop the two sides take turns: a round of GLib's sources, then an iteration. In a
 * GLib loop Halyard is a source like others, with a priority. Exclusions (enum hy_process_flag)
 * concern Halyard's side, in GLib loops nested in such a loop too; GLib's sources go on. Each loop
 * is ended by its own quit, from callbacks of either side; one that is nested in another ends
 * first. What a handler asks to be destroyed later waits until it returns, also when it runs a GLib
 * loop. A GLib loop that is nested too deep (hy_loop_set_depth_limit()) cannot be refused: it runs
 * without Halyard, which the log says. Should somebody destroy the source, it is made again at
 * once, or, when another thread did, in the next Halyard loop; the log says that, too.
 */
#ifndef HALYARD_GLIB_H
#define HALYARD_GLIB_H

#include <glib.h>
#include <halyard/dispatcher.h>

HY_BEGIN_DECLS

/*
 * Makes a dispatcher in this context; NULL: the default one, for the thread that runs it, usually
 * the main one. For any other thread make a context of its own: while the thread runs it is that
 * thread's default (g_main_context_get_thread_default()), so that what is made there finds it. A
 * context can have one such guest and is run by the guest's thread alone. While no Halyard loop
 * executes, the foreign loop counts as one: what is due is served in it. The dispatcher is the
 * caller's until it is given to a thread; it holds a reference to the context. It has no descriptor
 * for hy_loop_descriptor(). Errors: -HY_EEXIST (the context has a guest), -HY_ENOTSUP (this system
 * has no descriptor for GLib to watch), -HY_ENOMEM, -HY_EMFILE, -HY_EIO. Giving it to a running
 * thread, or the loops of one that starts, fail with -HY_EBUSY when another thread runs the
 * context. Thread: any.
 */
HY_API int hy_dispatcher_create_glib(GMainContext *context,
                                     struct hy_dispatcher **ret_dispatcher) HY_MUST_USE;

/* The priority of Halyard's source among the context's in a GLib loop; G_PRIORITY_DEFAULT at first.
 * After each round it steps back once behind the other sources, so that none starves. Errors:
 * -HY_EINVAL (not a GLib dispatcher). Thread: the one it belongs to, or the caller's before. */
HY_API int hy_dispatcher_set_glib_priority(struct hy_dispatcher *dispatcher, int priority);

HY_END_DECLS

#endif
