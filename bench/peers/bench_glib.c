/* SPDX-License-Identifier: MIT */
/*
 * GLib: a GObject signal with one int and the built-in marshaller (and with it the faster variant
 * for variable arguments), connected with g_signal_connect(); across threads an idle source of
 * default priority per event, attached to the other thread's context; timeout sources, which cannot
 * be started anew but made again; g_unix_fd_add() for descriptors.
 */
#include "works.h"

#include <glib-object.h>
#include <glib-unix.h>
#include <semaphore.h>
#include <stdlib.h>

/* --- signals ------------------------------------------------------------------------------------
 */

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

static void *make_emission(size_t slots)
{
    BenchSource *source = g_object_new(BENCH_TYPE_SOURCE, NULL);
    long *sums = g_new0(long, slots + 1);

    for (size_t i = 0; i < slots; i++)
        g_signal_connect(source, "changed", G_CALLBACK(on_changed), &sums[i]);
    return source;
}

static void emit(void *signal, size_t count)
{
    for (size_t i = 0; i < count; i++)
        g_signal_emit(signal, changed_signal, 0, (int)i);
}

static const struct bench_emission emission = {make_emission, emit};

static void make_objects(void **things, size_t count)
{
    for (size_t i = 0; i < count; i++)
        things[i] = g_object_new(G_TYPE_OBJECT, NULL);
}

static void end_objects(void **things, size_t count)
{
    for (size_t i = 0; i < count; i++)
        g_object_unref(things[i]);
}

static const struct bench_things objects = {NULL, make_objects, end_objects};

static BenchSource **sources;

static void prepare_connections(size_t count)
{
    size_t signals = count / BENCH_CONNECTIONS_A_SIGNAL + 1;

    sources = g_new0(BenchSource *, signals);
    for (size_t i = 0; i < signals; i++)
        sources[i] = g_object_new(BENCH_TYPE_SOURCE, NULL);
}

static void make_connections(void **things, size_t count)
{
    static long sum;

    for (size_t i = 0; i < count; i++)
        things[i] = GSIZE_TO_POINTER(g_signal_connect(sources[i / BENCH_CONNECTIONS_A_SIGNAL],
                                                      "changed", G_CALLBACK(on_changed), &sum));
}

static void end_connections(void **things, size_t count)
{
    for (size_t i = 0; i < count; i++)
        g_signal_handler_disconnect(sources[i / BENCH_CONNECTIONS_A_SIGNAL],
                                    GPOINTER_TO_SIZE(things[i]));
}

static const struct bench_things connections = {prepare_connections, make_connections,
                                                end_connections};

/* --- a thread with a loop --------------------------------------------------------------------- */

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

static void add_idle(GMainContext *context, GSourceFunc function, gpointer data,
                     GDestroyNotify destroy)
{
    GSource *source = g_idle_source_new();

    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, function, data, destroy);
    g_source_attach(source, context);
    g_source_unref(source);
}

/* `started` is the loop's first event. */
static void begin_thread(struct loop_thread *thread, GSourceFunc started, gpointer data)
{
    thread->context = g_main_context_new();
    thread->loop = g_main_loop_new(thread->context, FALSE);
    add_idle(thread->context, started, data, NULL);
    thread->thread = g_thread_new("loop", loop_thread_main, thread);
}

static void await(sem_t *semaphore)
{
    while (sem_wait(semaphore) < 0) {
    }
}

static gboolean on_post(gpointer data)
{
    sem_post(data);
    return G_SOURCE_REMOVE;
}

static void loop_thread_start(struct loop_thread *thread)
{
    sem_t started;

    sem_init(&started, 0, 0);
    begin_thread(thread, on_post, &started);
    await(&started);
}

static void loop_thread_stop(struct loop_thread *thread)
{
    g_main_loop_quit(thread->loop);
    g_thread_join(thread->thread);
    g_main_loop_unref(thread->loop);
    g_main_context_unref(thread->context);
}

static struct loop_thread other;

static gboolean on_began(gpointer data)
{
    (void)data;
    bench_thread_began();
    return G_SOURCE_REMOVE;
}

static void start_thread(void)
{
    begin_thread(&other, on_began, NULL);
}

static void stop_other(void)
{
    loop_thread_stop(&other);
}

static const struct bench_thread thread = {start_thread, stop_other};

/* --- one-way ------------------------------------------------------------------------------------
 */

static gboolean on_produced(gpointer data)
{
    bench_receive(data);
    return G_SOURCE_REMOVE;
}

static void start_consumer(size_t producers)
{
    (void)producers;
    loop_thread_start(&other);
}

static void produce(size_t producer, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct bench_payload payload = {i, producer, {i, i}};

        add_idle(other.context, on_produced, g_memdup2(&payload, sizeof payload), g_free);
    }
}

static void produce_large(size_t producer, uint64_t count)
{
    struct bench_large_payload payload = {.head = {.producer = producer}};

    for (uint64_t i = 0; i < count; i++) {
        payload.head.sequence = i;
        add_idle(other.context, on_produced, g_memdup2(&payload, sizeof payload), g_free);
    }
}

static void invoke(size_t producer, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct bench_payload payload = {i, producer, {i, i}};

        g_main_context_invoke_full(other.context, G_PRIORITY_DEFAULT, on_produced,
                                   g_memdup2(&payload, sizeof payload), g_free);
    }
}

static const struct bench_carrier queued = {start_consumer, produce, stop_other};
static const struct bench_carrier queued_large = {start_consumer, produce_large, stop_other};
static const struct bench_carrier invoked = {start_consumer, invoke, stop_other};

/* --- there and back
 * ------------------------------------------------------------------------------- */

struct ping_pong {
    GMainLoop *loop;
    uint64_t trips;
};

static gboolean on_ping(gpointer data);

static gboolean on_pong(gpointer data)
{
    struct ping_pong *state = data;

    if (--state->trips == 0)
        g_main_loop_quit(state->loop);
    else
        add_idle(other.context, on_ping, state, NULL);
    return G_SOURCE_REMOVE;
}

static gboolean on_ping(gpointer data)
{
    struct ping_pong *state = data;

    add_idle(g_main_loop_get_context(state->loop), on_pong, state, NULL);
    return G_SOURCE_REMOVE;
}

static void ping_pong(uint64_t trips)
{
    struct ping_pong state = {.loop = g_main_loop_new(NULL, FALSE), .trips = trips};

    loop_thread_start(&other);
    add_idle(other.context, on_ping, &state, NULL);
    g_main_loop_run(state.loop);
    stop_other();
    g_main_loop_unref(state.loop);
}

static void call(uint64_t trips)
{
    sem_t answered;

    sem_init(&answered, 0, 0);
    loop_thread_start(&other);
    for (; trips > 0; trips--) {
        g_main_context_invoke_full(other.context, G_PRIORITY_DEFAULT, on_post, &answered, NULL);
        await(&answered);
    }
    stop_other();
}

/* --- timers and descriptors
 * ------------------------------------------------------------------------- */

static GSource **timers; /* NULL: does not run */

static gboolean on_timeout_once(gpointer data)
{
    GSource **timer = data;

    g_clear_pointer(timer, g_source_unref);
    bench_timer_fired((size_t)(timer - timers));
    return G_SOURCE_REMOVE;
}

static gboolean on_timeout(gpointer data)
{
    bench_timer_fired((size_t)((GSource **)data - timers));
    return G_SOURCE_CONTINUE;
}

static void make(size_t count, bool is_precise)
{
    (void)is_precise;
    timers = g_new0(GSource *, count);
}

static void stop(size_t index)
{
    if (timers[index] != NULL) {
        g_source_destroy(timers[index]);
        g_clear_pointer(&timers[index], g_source_unref);
    }
}

static void add_timeout(size_t index, uint32_t delay_ms, GSourceFunc function)
{
    stop(index);
    timers[index] = g_timeout_source_new(delay_ms);
    g_source_set_callback(timers[index], function, &timers[index], NULL);
    g_source_attach(timers[index], NULL);
}

static void start(size_t index, uint32_t delay_ms)
{
    add_timeout(index, delay_ms, on_timeout_once);
}

static void start_periodic(size_t index, uint32_t interval_ms)
{
    add_timeout(index, interval_ms, on_timeout);
}

static void start_zero(void)
{
    start_periodic(0, 0);
}

static void start_and_stop(void *random, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        start(0, bench_timer_delay_ms(random));
        stop(0);
    }
}

static void restart_chunk(void *context, size_t count)
{
    struct bench_restart *restart = context;

    for (size_t i = 0; i < count; i++)
        start(bench_restart_next(restart), bench_timer_delay_ms(&restart->random));
}

static void run(void)
{
    g_main_loop_run(g_main_loop_new(NULL, FALSE));
}

static const struct bench_timers all_timers = {
    .count_max = SIZE_MAX,
    .make = make,
    .start = start,
    .start_periodic = start_periodic,
    .start_zero = start_zero,
    .start_and_stop = start_and_stop,
    .restart = restart_chunk,
    .run = run,
};

static gboolean on_readable(int descriptor, GIOCondition condition, gpointer data)
{
    (void)descriptor;
    (void)condition;
    bench_notifier_ready(GPOINTER_TO_SIZE(data));
    return G_SOURCE_CONTINUE;
}

static void watch(size_t index, int descriptor)
{
    g_unix_fd_add(descriptor, G_IO_IN, on_readable, GSIZE_TO_POINTER(index));
}

static const struct bench_notifiers notifiers = {watch, run};

int main(int argc, char **argv)
{
    static const struct bench_peer peer = {
        .name = "glib",
        .emission = &emission,
        .queued = &queued,
        .queued_large = &queued_large,
        .invoked = &invoked,
        .timers = &all_timers,
        .notifiers = &notifiers,
        .objects = &objects,
        .connections = &connections,
        .thread = &thread,
        .ping_pong = ping_pong,
        .call = call,
    };

    return bench_peer_main(argc, argv, &peer);
}
