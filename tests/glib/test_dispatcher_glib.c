/* SPDX-License-Identifier: MIT */
/*
 * DG-05: the dispatchers' suite for the guest in a GMainContext. With GLIB_MAIN, g_main_loop_run()
 * is the thread's main loop and no loop of Halyard executes; else hy_loop_exec() runs, whose waits
 * run GLib's sources.
 */
#include "../core/dispatcher_suite.h"

#include <halyard/glib.h>

static GMainContext *context; /* of the subject's thread; the dispatcher holds it */

static int create(struct hy_dispatcher **ret_dispatcher)
{
    context = g_main_context_new();
    int rc = hy_dispatcher_create_glib(context, ret_dispatcher);
    g_main_context_unref(context);
    return rc;
}

/* GLib dispatches what is ready, until done. */
static void nest(bool (*done)(void *context), void *done_context)
{
    EXPECT(g_main_context_get_thread_default() == context);
    while (!done(done_context))
        g_main_context_iteration(context, TRUE);
}

#ifdef GLIB_MAIN
static GMainLoop *main_loop;
static int code; /* atomic; -1: go on */

static int create_main(struct hy_dispatcher **ret_dispatcher)
{
    code = -1;
    return create(ret_dispatcher);
}

static gboolean look_for_quit(gpointer unused)
{
    (void)unused;
    if (__atomic_load_n(&code, __ATOMIC_SEQ_CST) >= 0)
        g_main_loop_quit(main_loop);
    return G_SOURCE_REMOVE;
}

static int run(struct hy_loop *loop, unsigned flags)
{
    (void)loop;
    (void)flags;
    main_loop = g_main_loop_new(context, FALSE);
    while (__atomic_load_n(&code, __ATOMIC_SEQ_CST) < 0)
        g_main_loop_run(main_loop);
    g_main_loop_unref(main_loop);
    return __atomic_exchange_n(&code, -1, __ATOMIC_SEQ_CST);
}

/* Any thread; the loop may not run yet. */
static void quit(struct hy_loop *loop, int value)
{
    (void)loop;
    __atomic_store_n(&code, value, __ATOMIC_SEQ_CST);
    GSource *source = g_timeout_source_new(0);
    g_source_set_callback(source, look_for_quit, NULL, NULL);
    g_source_attach(source, context);
    g_source_unref(source);
}
#endif

static const struct suite_skip skips[] = {
    {"test_a_loop_in_parts", "a GMainContext has no descriptor that stands for all its sources"},
    {"test_du09_a_closed_descriptor_is_told_once",
     "epoll drops a closed descriptor without a word; see SN-11"},
#ifdef GLIB_MAIN
    {"test_el18_a_loop_with_exclusions", "g_main_loop_run() has no exclusions"},
#endif
    {0},
};

int main(void)
{
#ifdef GLIB_MAIN
    return suite_main(&(struct suite_subject){.name = "glib-main",
                                              .create = create_main,
                                              .run = run,
                                              .quit = quit,
                                              .nest = nest,
                                              .skips = skips});
#else
    return suite_main(
        &(struct suite_subject){.name = "glib", .create = create, .nest = nest, .skips = skips});
#endif
}
