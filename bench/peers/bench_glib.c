/* SPDX-License-Identifier: MIT */
/*
 * GLib: a GObject signal with one int and the built-in marshaller (and with it the faster variant
 * for variable arguments), connected with g_signal_connect(); across threads an idle source of
 * default priority per event, attached to the other thread's context, which is what
 * g_main_context_invoke_full() does for a context that another thread owns.
 */
#include "harness.h"

#include <glib-object.h>
#include <semaphore.h>
#include <stdbool.h>

#define BENCH_TYPE_SOURCE (bench_source_get_type())
G_DECLARE_FINAL_TYPE(BenchSource, bench_source, BENCH, SOURCE, GObject)

struct _BenchSource {
    GObject parent;
};

G_DEFINE_TYPE(BenchSource, bench_source, G_TYPE_OBJECT)

static guint changed_signal;

static void bench_source_class_init(BenchSourceClass *class)
{
    changed_signal = g_signal_new("changed", G_TYPE_FROM_CLASS(class), G_SIGNAL_RUN_LAST, 0, NULL,
                                  NULL, g_cclosure_marshal_VOID__INT, G_TYPE_NONE, 1, G_TYPE_INT);
}

static void bench_source_init(BenchSource *source)
{
    (void)source;
}

static void on_changed(BenchSource *source, int value, gpointer data)
{
    long *sum = data;

    (void)source;
    *sum += value;
}

static void emit_chunk(void *context, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        g_signal_emit(context, changed_signal, 0, (int)i);
    }
}

static int run_emit(const char *bench, int slot_count)
{
    BenchSource *source = g_object_new(BENCH_TYPE_SOURCE, NULL);
    long sums[10] = {0};

    for (int i = 0; i < slot_count; i++) {
        g_signal_connect(source, "changed", G_CALLBACK(on_changed), &sums[i]);
    }
    bench_report(bench, "glib", bench_median_ns(emit_chunk, source, BENCH_EMITS_PER_CHUNK), "ns");
    g_object_unref(source);
    return 0;
}

static int run_emit_none(void)
{
    return run_emit("emit_none", 0);
}

static int run_emit_direct_1(void)
{
    return run_emit("emit_direct_1", 1);
}

static int run_emit_direct_10(void)
{
    return run_emit("emit_direct_10", 10);
}

/* A thread that runs a loop on a context of its own. */
struct loop_thread {
    GMainContext *context;
    GMainLoop *loop;
    GThread *thread;
};

static gpointer loop_thread_main(gpointer data)
{
    struct loop_thread *thread = data;

    g_main_context_push_thread_default(thread->context);
    g_main_loop_run(thread->loop);
    g_main_context_pop_thread_default(thread->context);
    return NULL;
}

static void loop_thread_start(struct loop_thread *thread)
{
    thread->context = g_main_context_new();
    thread->loop = g_main_loop_new(thread->context, FALSE);
    thread->thread = g_thread_new("loop", loop_thread_main, thread);
    while (!g_main_loop_is_running(thread->loop)) {
        g_thread_yield();
    }
}

static void loop_thread_stop(struct loop_thread *thread)
{
    g_main_loop_quit(thread->loop);
    g_thread_join(thread->thread);
    g_main_loop_unref(thread->loop);
    g_main_context_unref(thread->context);
}

static void invoke(GMainContext *context, GSourceFunc function, gpointer data,
                   GDestroyNotify destroy)
{
    GSource *source = g_idle_source_new();

    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, function, data, destroy);
    g_source_attach(source, context);
    g_source_unref(source);
}

static uint64_t queued_expected;
static sem_t queued_done;

static gboolean on_produced(gpointer data)
{
    bench_check_sequence(data, &queued_expected);
    if (queued_expected == BENCH_QUEUED_EVENTS) {
        sem_post(&queued_done);
    }
    return G_SOURCE_REMOVE;
}

static int run_queued_emit(void)
{
    struct loop_thread consumer;

    sem_init(&queued_done, 0, 0);
    loop_thread_start(&consumer);

    uint64_t start_ns = bench_now_ns();
    uint64_t start_cpu_ns = bench_cpu_ns();

    for (uint64_t i = 0; i < BENCH_QUEUED_EVENTS; i++) {
        struct bench_payload payload = {i, {i, i, i}};

        invoke(consumer.context, on_produced, g_memdup2(&payload, sizeof payload), g_free);
    }
    while (sem_wait(&queued_done) < 0) {
    }
    bench_report_queued("glib", start_ns, start_cpu_ns);
    loop_thread_stop(&consumer);
    return 0;
}

struct pingpong {
    struct loop_thread other;
    GMainLoop *loop;
    int trips;
};

static gboolean on_ping(gpointer data);

static gboolean on_pong(gpointer data)
{
    struct pingpong *pingpong = data;

    if (++pingpong->trips == BENCH_ROUND_TRIPS) {
        g_main_loop_quit(pingpong->loop);
    } else {
        invoke(pingpong->other.context, on_ping, pingpong, NULL);
    }
    return G_SOURCE_REMOVE;
}

static gboolean on_ping(gpointer data)
{
    struct pingpong *pingpong = data;

    invoke(g_main_loop_get_context(pingpong->loop), on_pong, pingpong, NULL);
    return G_SOURCE_REMOVE;
}

static int run_pingpong(void)
{
    struct pingpong pingpong = {.trips = 0};

    pingpong.loop = g_main_loop_new(NULL, FALSE);
    loop_thread_start(&pingpong.other);

    uint64_t start_ns = bench_now_ns();

    invoke(pingpong.other.context, on_ping, &pingpong, NULL);
    g_main_loop_run(pingpong.loop);
    bench_report_pingpong("glib", start_ns);
    loop_thread_stop(&pingpong.other);
    g_main_loop_unref(pingpong.loop);
    return 0;
}

static gboolean on_timeout(gpointer data)
{
    (void)data;
    return G_SOURCE_CONTINUE;
}

static GSource *start_timer(uint32_t *random)
{
    GSource *source = g_timeout_source_new(bench_timer_delay_ms(random));

    g_source_set_callback(source, on_timeout, NULL, NULL);
    g_source_attach(source, NULL);
    return source;
}

static void churn_chunk(void *context, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        GSource *source = start_timer(context);

        g_source_destroy(source);
        g_source_unref(source);
    }
}

static int run_timer_churn(void)
{
    uint32_t random = 1;

    for (int i = 0; i < BENCH_TIMERS; i++) {
        g_source_unref(start_timer(&random));
    }
    bench_report("timer_churn", "glib",
                 bench_median_ns(churn_chunk, &random, BENCH_TIMER_OPERATIONS_PER_CHUNK), "ns");
    return 0;
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"emit_none", run_emit_none},
        {"emit_direct_1", run_emit_direct_1},
        {"emit_direct_10", run_emit_direct_10},
        {"queued_emit", run_queued_emit},
        {"pingpong", run_pingpong},
        {"timer_churn", run_timer_churn},
    };

    return bench_main(argc, argv, cases, G_N_ELEMENTS(cases));
}
