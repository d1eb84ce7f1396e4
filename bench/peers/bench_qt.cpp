/* SPDX-License-Identifier: MIT */
/*
 * Qt 6: signals of a QObject connected with pointers to members, the default (auto) connection
 * within a thread and across threads; QThread for a second event loop; QTimer. The event loops run
 * on Qt's own Unix dispatcher, which is faster than its GLib one; QT_NO_GLIB= (empty) overrides.
 */
#include "harness.h"

#include <cstdlib>
#include <memory>
#include <QCoreApplication>
#include <QObject>
#include <QSemaphore>
#include <QThread>
#include <QTimer>
#include <vector>

Q_DECLARE_METATYPE(bench_payload)

class Source : public QObject
{
    Q_OBJECT

  signals:
    void changed(int value);
    void produced(bench_payload payload);
    void ping(int value);
};

class Sink : public QObject
{
    Q_OBJECT

  public:
    qint64 sum = 0;
    uint64_t expected = 0;
    QSemaphore done;

  public slots:
    void onChanged(int value)
    {
        sum += value;
    }

    void onProduced(bench_payload payload)
    {
        bench_check_sequence(&payload, &expected);
        if (expected == BENCH_QUEUED_EVENTS) {
            done.release();
        }
    }

    void onPing(int value)
    {
        emit pong(value);
    }

  signals:
    void pong(int value);
};

static void emitChunk(void *context, size_t count)
{
    auto *source = static_cast<Source *>(context);

    for (size_t i = 0; i < count; i++) {
        emit source->changed(static_cast<int>(i));
    }
}

static int runEmit(const char *bench, int slotCount)
{
    Source source;
    std::vector<std::unique_ptr<Sink>> sinks;

    for (int i = 0; i < slotCount; i++) {
        sinks.push_back(std::make_unique<Sink>());
        QObject::connect(&source, &Source::changed, sinks.back().get(), &Sink::onChanged);
    }
    bench_report(bench, "qt", bench_median_ns(emitChunk, &source, BENCH_EMITS_PER_CHUNK), "ns");
    return 0;
}

static int runEmitNone()
{
    return runEmit("emit_none", 0);
}

static int runEmitDirect1()
{
    return runEmit("emit_direct_1", 1);
}

static int runEmitDirect10()
{
    return runEmit("emit_direct_10", 10);
}

static int runQueuedEmit()
{
    Source source;
    Sink sink;
    QThread thread;

    qRegisterMetaType<bench_payload>();
    sink.moveToThread(&thread);
    QObject::connect(&source, &Source::produced, &sink, &Sink::onProduced);
    thread.start();

    uint64_t startNs = bench_now_ns();
    uint64_t startCpuNs = bench_cpu_ns();

    for (uint64_t i = 0; i < BENCH_QUEUED_EVENTS; i++) {
        emit source.produced(bench_payload{i, {i, i, i}});
    }
    sink.done.acquire();
    bench_report_queued("qt", startNs, startCpuNs);
    thread.quit();
    thread.wait();
    return 0;
}

static int runPingpong()
{
    Source source;
    Sink sink;
    QThread thread;
    int trips = 0;

    sink.moveToThread(&thread);
    QObject::connect(&source, &Source::ping, &sink, &Sink::onPing);
    QObject::connect(&sink, &Sink::pong, &source, [&](int value) {
        if (++trips == BENCH_ROUND_TRIPS) {
            QCoreApplication::quit();
        } else {
            emit source.ping(value);
        }
    });
    thread.start();

    uint64_t startNs = bench_now_ns();

    emit source.ping(1);
    QCoreApplication::exec();
    bench_report_pingpong("qt", startNs);
    thread.quit();
    thread.wait();
    return 0;
}

struct TimerChurn {
    QTimer timer;
    uint32_t random = 1;
};

static void churnChunk(void *context, size_t count)
{
    auto *churn = static_cast<TimerChurn *>(context);

    for (size_t i = 0; i < count; i++) {
        churn->timer.start(static_cast<int>(bench_timer_delay_ms(&churn->random)));
        churn->timer.stop();
    }
}

static int runTimerChurn()
{
    TimerChurn churn;
    std::vector<std::unique_ptr<QTimer>> others;

    for (int i = 0; i < BENCH_TIMERS; i++) {
        others.push_back(std::make_unique<QTimer>());
        others.back()->start(static_cast<int>(bench_timer_delay_ms(&churn.random)));
    }
    bench_report("timer_churn", "qt",
                 bench_median_ns(churnChunk, &churn, BENCH_TIMER_OPERATIONS_PER_CHUNK), "ns");
    return 0;
}

int main(int argc, char **argv)
{
    static const bench_case cases[] = {
        {"emit_none", runEmitNone},          {"emit_direct_1", runEmitDirect1},
        {"emit_direct_10", runEmitDirect10}, {"queued_emit", runQueuedEmit},
        {"pingpong", runPingpong},           {"timer_churn", runTimerChurn},
    };

    setenv("QT_NO_GLIB", "1", 0);
    QCoreApplication application(argc, argv);
    return bench_main(argc, argv, cases, std::size(cases));
}

#include "bench_qt.moc"
