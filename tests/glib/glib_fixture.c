/* SPDX-License-Identifier: MIT */
/* What the tests of the GLib guest share. See glib_fixture.h. */
#include "glib_fixture.h"

#include <fcntl.h>
#include <unistd.h>

struct hy_dispatcher *glib_main_dispatcher;

void glib_install(void)
{
    g_log_set_always_fatal(
        (GLogLevelFlags)(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING));
    if (hy_dispatcher_create_glib(NULL, &glib_main_dispatcher) < 0 ||
        hy_thread_set_dispatcher(hy_thread_current(), glib_main_dispatcher) < 0) {
        (void)fprintf(stderr, "%s\n", check_last_message());
        exit(1);
    }
}

struct hy_dispatcher *glib_dispatcher(GMainContext **ret_context)
{
    struct hy_dispatcher *dispatcher = NULL;
    GMainContext *context = g_main_context_new();

    EXPECT_INT(hy_dispatcher_create_glib(context, &dispatcher), 0);
    g_main_context_unref(context);
    if (ret_context != NULL)
        *ret_context = context;
    return dispatcher;
}

void glib_worker_start(struct worker *worker, const char *name)
{
    worker_init(worker, name);
    EXPECT_INT(hy_thread_set_dispatcher(&worker->thread, glib_dispatcher(NULL)), 0);
    EXPECT_INT(hy_thread_start(&worker->thread), 0);
}

/* --- GLib sources -----------------------------------------------------------------------------
 */

struct call {
    void (*function)(void *context);
    void *context;
    gboolean again;
};

static gboolean run_call(gpointer data)
{
    struct call *call = data;

    call->function(call->context);
    return call->again;
}

static GSource *attach(GSource *source, void (*function)(void *context), void *context, bool again)
{
    struct call *call = g_new(struct call, 1);

    *call = (struct call){function, context, again};
    g_source_set_callback(source, run_call, call, g_free);
    g_source_attach(source, g_main_context_get_thread_default());
    return source;
}

void glib_call(unsigned delay_ms, void (*function)(void *context), void *context)
{
    g_source_unref(attach(delay_ms == 0 ? g_idle_source_new() : g_timeout_source_new(delay_ms),
                          function, context, false));
}

GSource *glib_repeat(GSource *source, void (*function)(void *context), void *context)
{
    g_source_set_can_recurse(source, TRUE);
    return attach(source, function, context, true);
}

void glib_stop(GSource *source)
{
    g_source_destroy(source);
    g_source_unref(source);
}

void glib_run_until(bool (*condition)(void *context), void *context)
{
    while (!condition(context))
        g_main_context_iteration(g_main_context_get_thread_default(), TRUE);
}

/* --- traffic ---------------------------------------------------------------------------------- */

static void traffic_event(struct hy_object *object, struct hy_event *event)
{
    (void)event;
    ((struct traffic *)(void *)object)->posts++;
}

static const struct hy_class traffic_class = HY_CLASS(struct traffic, .event = traffic_event);

static void traffic_tick(struct traffic *self)
{
    self->ticks++;
}

static void traffic_read(struct traffic *self, const struct hy_readiness *readiness)
{
    char bytes[64];

    self->readings++;
    while (read((int)readiness->descriptor, bytes, sizeof bytes) > 0) {
    }
}

static void traffic_glib_tick(void *context)
{
    ((struct traffic *)context)->glib_ticks++;
}

/* In the worker. */
static void traffic_send(struct probe *self)
{
    struct traffic *traffic = self->context;

    EXPECT_INT(hy_post(&traffic->hy, E(1), NULL, 0, HY_PRIORITY_NORMAL), 0);
    (void)!write(traffic->ends[1], "x", 1);
}

static void traffic_begin_there(void *context)
{
    struct traffic *traffic = context;

    EXPECT_INT(hy_timer_init(&traffic->there, &traffic->worker.probe.hy), 0);
    EXPECT_INT(
        hy_connect(&traffic->there.events.timeout, &traffic->worker.probe, traffic_send, HY_AUTO),
        0);
    EXPECT_INT(hy_timer_start(&traffic->there, HY_MILLISECOND), 0);
}

void traffic_start(struct traffic *traffic)
{
    *traffic = (struct traffic){.posts = 0};
    EXPECT_INT(hy_object_init(&traffic->hy, &traffic_class, NULL), 0);
    EXPECT_INT(hy_timer_init(&traffic->timer, &traffic->hy), 0);
    EXPECT_INT(hy_notifier_init(&traffic->notifier, &traffic->hy), 0);
    EXPECT_INT(pipe2(traffic->ends, O_NONBLOCK | O_CLOEXEC), 0);
    EXPECT_INT(hy_connect(&traffic->timer.events.timeout, traffic, traffic_tick, HY_AUTO), 0);
    EXPECT_INT(hy_connect(&traffic->notifier.events.ready, traffic, traffic_read, HY_AUTO), 0);
    EXPECT_INT(hy_timer_start(&traffic->timer, HY_MILLISECOND), 0);
    EXPECT_INT(hy_notifier_watch(&traffic->notifier, traffic->ends[0], HY_READABLE), 0);
    traffic->source = glib_repeat(g_timeout_source_new(1), traffic_glib_tick, traffic);
    worker_start(&traffic->worker, "traffic");
    traffic->worker.probe.context = traffic;
    run_there(&traffic->worker.probe.hy, traffic_begin_there, traffic);
}

void traffic_stop(struct traffic *traffic)
{
    worker_stop(&traffic->worker);
    glib_stop(traffic->source);
    object_end(&traffic->hy);
    (void)close(traffic->ends[0]);
    (void)close(traffic->ends[1]);
}

void traffic_aim(struct traffic *traffic, int times)
{
    traffic->goal[0] = traffic->posts + times;
    traffic->goal[1] = traffic->ticks + times;
    traffic->goal[2] = traffic->readings + times;
    traffic->goal[3] = traffic->glib_ticks + times;
}

bool traffic_reached(void *context)
{
    const struct traffic *traffic = context;

    return traffic->posts >= traffic->goal[0] && traffic->ticks >= traffic->goal[1] &&
           traffic->readings >= traffic->goal[2] && traffic->glib_ticks >= traffic->goal[3];
}
