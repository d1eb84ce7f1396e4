/* SPDX-License-Identifier: MIT */
/*
 * Signals within a thread, objects and connections.
 */
#include "bench_qt.h"

#include <memory>
#include <vector>

static void *makeEmission(size_t count)
{
    auto *source = new Source;

    for (size_t i = 0; i < count; i++)
        QObject::connect(source, &Source::changed, new Sink, &Sink::onChanged);
    return source;
}

static void emitMany(void *signal, size_t count)
{
    auto *source = static_cast<Source *>(signal);

    for (size_t i = 0; i < count; i++)
        emit source->changed(static_cast<int>(i));
}

struct Objects {
    std::vector<Source *> sources; /* in the order of their turns */
    size_t next = 0;
};

static void *makeObjects(size_t count)
{
    auto *objects = new Objects;
    size_t *order = bench_shuffled(count);

    objects->sources.resize(count);
    for (size_t i = 0; i < count; i++) {
        auto *source = new Source;
        QObject::connect(source, &Source::changed, new Sink, &Sink::onChanged);
        objects->sources[order[i]] = source;
    }
    free(order);
    return objects;
}

static void emitObjects(void *context, size_t count)
{
    auto *objects = static_cast<Objects *>(context);

    for (size_t i = 0; i < count; i++) {
        emit objects->sources[objects->next]->changed(static_cast<int>(i));
        if (++objects->next == objects->sources.size())
            objects->next = 0;
    }
}

static void makeThings(void **things, size_t count)
{
    for (size_t i = 0; i < count; i++)
        things[i] = new QObject;
}

static void endThings(void **things, size_t count)
{
    for (size_t i = 0; i < count; i++)
        delete static_cast<QObject *>(things[i]);
}

static std::unique_ptr<Source[]> sources;
static std::unique_ptr<Sink[]> sinks;
static std::vector<QMetaObject::Connection> handles;

static void prepareConnections(size_t count)
{
    sources = std::make_unique<Source[]>(count / BENCH_CONNECTIONS_A_SIGNAL + 1);
    sinks = std::make_unique<Sink[]>(count / BENCH_CONNECTIONS_A_SIGNAL + 1);
    handles.resize(count);
}

static void makeConnections(void **, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = i / BENCH_CONNECTIONS_A_SIGNAL;

        handles[i] = QObject::connect(&sources[at], &Source::changed, &sinks[at], &Sink::onChanged);
    }
}

static void endConnections(void **, size_t count)
{
    for (size_t i = 0; i < count; i++)
        QObject::disconnect(handles[i]);
}

/* Signals queued in the thread that they are for. */
struct Backlog {
    Source source;
    Sink sink;
    size_t size = 0;
};

static void *makeBacklog(size_t size)
{
    auto *backlog = new Backlog;

    qRegisterMetaType<bench_payload>();
    backlog->size = size;
    QObject::connect(&backlog->source, &Source::produced, &backlog->sink, &Sink::onSummed,
                     Qt::QueuedConnection);
    return backlog;
}

static void fillAndDeliver(void *context, size_t count)
{
    auto *backlog = static_cast<Backlog *>(context);

    for (; count > 0; count--) {
        for (uint64_t i = 0; i < backlog->size; i++)
            emit backlog->source.produced(bench_payload{i, 0, {i, i}});
        QCoreApplication::sendPostedEvents();
    }
}

void addSignals(bench_peer *peer)
{
    static const bench_emission emission = {makeEmission, emitMany};
    static const bench_things objects = {nullptr, makeThings, endThings};
    static const bench_things connections = {prepareConnections, makeConnections, endConnections};

    peer->emission = &emission;
    peer->objects = &objects;
    peer->connections = &connections;
    peer->make_objects = makeObjects;
    peer->emit_objects = emitObjects;
    peer->make_backlog = makeBacklog;
    peer->fill_and_deliver = fillAndDeliver;
}
