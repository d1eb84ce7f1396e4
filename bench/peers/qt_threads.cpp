/* SPDX-License-Identifier: MIT */
/*
 * From thread to thread: queued signals, events and functions, round trips, moves, and threads
 * themselves.
 */
#include "bench_qt.h"

#include <memory>
#include <QSemaphore>
#include <QThread>
#include <vector>

/* A thread with a loop, and a receiver in it. */
struct Consumer {
    QThread thread;
    Sink sink;

    Consumer()
    {
        sink.moveToThread(&thread);
    }
    ~Consumer()
    {
        thread.quit();
        thread.wait();
    }
};

static std::unique_ptr<Consumer> consumer;
static Source sources[BENCH_PRODUCERS_MAX];

static void startConsumer(size_t producers)
{
    qRegisterMetaType<bench_payload>();
    qRegisterMetaType<bench_large_payload>();
    consumer = std::make_unique<Consumer>();
    for (size_t i = 0; i < producers; i++) {
        QObject::connect(&sources[i], &Source::produced, &consumer->sink, &Sink::onProduced);
        QObject::connect(&sources[i], &Source::producedLarge, &consumer->sink,
                         &Sink::onProducedLarge);
    }
    consumer->thread.start();
}

static void stopConsumer()
{
    consumer.reset();
}

static void produce(size_t producer, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        emit sources[producer].produced(bench_payload{i, producer, {i, i}});
}

static void produceLarge(size_t producer, uint64_t count)
{
    bench_large_payload payload = {};

    payload.head.producer = producer;
    for (uint64_t i = 0; i < count; i++) {
        payload.head.sequence = i;
        emit sources[producer].producedLarge(payload);
    }
}

static void post(size_t producer, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        QCoreApplication::postEvent(&consumer->sink,
                                    new PayloadEvent(bench_payload{i, producer, {i, i}}));
}

static void invoke(size_t producer, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        bench_payload payload = {i, producer, {i, i}};
        QMetaObject::invokeMethod(
            &consumer->sink, [payload] { bench_receive(&payload); }, Qt::QueuedConnection);
    }
}

static void pingPong(uint64_t trips)
{
    Consumer other;
    Source source;

    QObject::connect(&source, &Source::ping, &other.sink, &Sink::onPing);
    QObject::connect(&other.sink, &Sink::pong, &source, [&](int value) {
        if (--trips == 0)
            QCoreApplication::quit();
        else
            emit source.ping(value);
    });
    other.thread.start();
    emit source.ping(1);
    QCoreApplication::exec();
}

static void call(uint64_t trips)
{
    Consumer other;

    other.thread.start();
    for (uint64_t i = 0; i < trips; i++)
        QMetaObject::invokeMethod(
            &other.sink, [&other, i] { other.sink.sum += qint64(i); },
            Qt::BlockingQueuedConnection);
}

static void emitBlocking(uint64_t trips)
{
    Consumer other;
    Source source;

    QObject::connect(&source, &Source::ping, &other.sink, &Sink::onChanged,
                     Qt::BlockingQueuedConnection);
    other.thread.start();
    for (uint64_t i = 0; i < trips; i++)
        emit source.ping(static_cast<int>(i));
}

class Moving : public QObject
{
  public:
    size_t left = 0;
    QSemaphore done;

  protected:
    void customEvent(QEvent *) override
    {
        if (--left == 0)
            done.release();
    }
};

static uint64_t moveWithBacklog(size_t count)
{
    QThread thread;
    Moving moving;

    moving.left = count;
    thread.start();
    for (size_t i = 0; i < count; i++)
        QCoreApplication::postEvent(&moving, new PayloadEvent(bench_payload{}));

    uint64_t startNs = bench_now_ns();

    moving.moveToThread(&thread);

    uint64_t takenNs = bench_now_ns() - startNs;

    moving.done.acquire();
    thread.quit();
    thread.wait();
    return takenNs;
}

static std::unique_ptr<Consumer> starting;

static void startThread()
{
    starting = std::make_unique<Consumer>();
    QMetaObject::invokeMethod(&starting->sink, bench_thread_began, Qt::QueuedConnection);
    starting->thread.start();
}

static void joinThread()
{
    starting.reset();
}

static std::vector<std::unique_ptr<Consumer>> threads;

static void startThreads(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        threads.push_back(std::make_unique<Consumer>());
        threads.back()->thread.start();
    }
}

static void sendToThread(size_t thread)
{
    QMetaObject::invokeMethod(&threads[thread]->sink, bench_arrived, Qt::QueuedConnection);
}

static void stopThreads()
{
    threads.clear();
}

void addThreads(bench_peer *peer)
{
    static const bench_carrier queued = {startConsumer, produce, stopConsumer};
    static const bench_carrier queuedLarge = {startConsumer, produceLarge, stopConsumer};
    static const bench_carrier posted = {startConsumer, post, stopConsumer};
    static const bench_carrier invoked = {startConsumer, invoke, stopConsumer};
    static const bench_thread thread = {startThread, joinThread};
    static const bench_threads many = {startThreads, sendToThread, stopThreads};

    peer->queued = &queued;
    peer->queued_large = &queuedLarge;
    peer->posted = &posted;
    peer->invoked = &invoked;
    peer->thread = &thread;
    peer->threads = &many;
    peer->ping_pong = pingPong;
    peer->call = call;
    peer->emit_blocking = emitBlocking;
    peer->move_with_backlog = moveWithBacklog;
}
