/* SPDX-License-Identifier: MIT */
/*
 * Signals within a thread, objects and connections.
 */
#include "bench_halyard.h"

#include <string.h>

struct source {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(int) changed;
    } events;
};
static const struct hy_class source_class =
    HY_CLASS(struct source, .signals = HY_SIGNALS(HY_PLAIN(struct source, events.changed)));

struct sink {
    HY_INHERITS(hy_object);
    long sum;
};
static const struct hy_class sink_class = HY_CLASS(struct sink);

static void sink_changed(struct sink *sink, const int *value)
{
    sink->sum += *value;
}

static void *make_emission(size_t slots)
{
    struct source *source = allocate(1, sizeof *source);
    struct sink *sinks = allocate(slots + 1, sizeof *sinks);

    check(hy_object_init(&source->hy, &source_class, NULL));
    for (size_t i = 0; i < slots; i++) {
        check(hy_object_init(&sinks[i].hy, &sink_class, NULL));
        check(hy_connect(&source->events.changed, &sinks[i], sink_changed, HY_AUTO));
    }
    return source;
}

static void emit(void *signal, size_t count)
{
    struct source *source = signal;

    for (size_t i = 0; i < count; i++) {
        const int value = (int)i;
        hy_emit(&source->events.changed, &value);
    }
}

const struct bench_emission halyard_emission = {make_emission, emit};

/* --- many objects, each with one slot -----------------------------------------------------------
 */

struct objects {
    struct source **sources; /* in the order of their turns */
    size_t count, next;
};

void *halyard_make_objects(size_t count)
{
    struct objects *objects = allocate(1, sizeof *objects);
    size_t *order = bench_shuffled(count);

    objects->count = count;
    objects->sources = allocate(count, sizeof *objects->sources);
    for (size_t i = 0; i < count; i++) {
        struct source *source = NULL;
        struct sink *sink = NULL;

        check(hy_create(&source_class, NULL, &source));
        check(hy_create(&sink_class, NULL, &sink));
        check(hy_connect(&source->events.changed, sink, sink_changed, HY_AUTO));
        objects->sources[order[i]] = source;
    }
    return objects;
}

void halyard_emit_objects(void *context, size_t count)
{
    struct objects *objects = context;

    for (size_t i = 0; i < count; i++) {
        const int value = (int)i;
        hy_emit(&objects->sources[objects->next]->events.changed, &value);
        if (++objects->next == objects->count)
            objects->next = 0;
    }
}

/* --- making and ending ---------------------------------------------------------------------------
 */

struct thing {
    HY_INHERITS(hy_object);
};
static const struct hy_class thing_class = HY_CLASS(struct thing);

static void make_objects(void **things, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct thing *thing = NULL;

        check(hy_create(&thing_class, NULL, &thing));
        things[i] = thing;
    }
}

static void end_objects(void **things, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct thing *thing = things[i];

        check(hy_object_destroy(&thing->hy));
    }
}

const struct bench_things halyard_objects = {NULL, make_objects, end_objects};

static struct source *sources;
static struct sink *sinks;
static struct hy_connection *connections;

static void prepare_connections(size_t count)
{
    size_t signals = count / BENCH_CONNECTIONS_A_SIGNAL + 1;

    sources = allocate(signals, sizeof *sources);
    sinks = allocate(signals, sizeof *sinks);
    connections = allocate(count, sizeof *connections);
    memset(connections, 0xff, count * sizeof *connections); /* touched, as in bench_run_things() */
    for (size_t i = 0; i < signals; i++) {
        check(hy_object_init(&sources[i].hy, &source_class, NULL));
        check(hy_object_init(&sinks[i].hy, &sink_class, NULL));
    }
}

static void make_connections(void **things, size_t count)
{
    (void)things;
    for (size_t i = 0; i < count; i++) {
        size_t at = i / BENCH_CONNECTIONS_A_SIGNAL;

        check(hy_connect_with(&sources[at].events.changed, &sinks[at], sink_changed, NULL,
                              &connections[i]));
    }
}

static void end_connections(void **things, size_t count)
{
    (void)things;
    for (size_t i = 0; i < count; i++)
        check(hy_connection_disconnect(connections[i]));
}

const struct bench_things halyard_connections = {prepare_connections, make_connections,
                                                 end_connections};

/* A call some time later: the lightest that a timer can be. */
static void sink_later(struct sink *sink)
{
    sink->sum++;
}

static void prepare_deferred_calls(size_t count)
{
    (void)count;
    prepare_connections(1);
}

static void make_deferred_calls(void **things, size_t count)
{
    (void)things;
    for (size_t i = 0; i < count; i++)
        check(hy_after(3600 * HY_SECOND + (int64_t)i, &sinks[0], sink_later));
}

static void end_deferred_calls(void **things, size_t count)
{
    (void)things;
    (void)count;
    check(hy_object_fini(&sinks[0].hy));
}

const struct bench_things halyard_deferred_calls = {prepare_deferred_calls, make_deferred_calls,
                                                    end_deferred_calls};
