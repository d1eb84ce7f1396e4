/* SPDX-License-Identifier: MIT */
/*
 * Timers and notifiers.
 */
#include "bench_qt.h"

#include <memory>
#include <QSocketNotifier>
#include <QTimer>
#include <vector>

static std::vector<std::unique_ptr<QTimer>> timers;

static void make(size_t count, bool isPrecise)
{
    timers.clear();
    for (size_t i = 0; i < count; i++) {
        timers.push_back(std::make_unique<QTimer>());
        if (isPrecise)
            timers[i]->setTimerType(Qt::PreciseTimer);
        QObject::connect(timers[i].get(), &QTimer::timeout, [i] { bench_timer_fired(i); });
    }
}

static void start(size_t index, uint32_t delayMs)
{
    timers[index]->setSingleShot(true);
    timers[index]->start(static_cast<int>(delayMs));
}

static void startPeriodic(size_t index, uint32_t intervalMs)
{
    timers[index]->start(static_cast<int>(intervalMs));
}

static void startZero()
{
    timers[0]->start(0);
}

static void startAndStop(void *random, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        start(0, bench_timer_delay_ms(static_cast<uint32_t *>(random)));
        timers[0]->stop();
    }
}

static void restartChunk(void *context, size_t count)
{
    auto *restart = static_cast<bench_restart *>(context);

    for (size_t i = 0; i < count; i++)
        start(bench_restart_next(restart), bench_timer_delay_ms(&restart->random));
}

static void run()
{
    QCoreApplication::exec();
}

static void watch(size_t index, int descriptor)
{
    auto *notifier = new QSocketNotifier(descriptor, QSocketNotifier::Read);

    QObject::connect(notifier, &QSocketNotifier::activated,
                     [index] { bench_notifier_ready(index); });
}

void addTimers(bench_peer *peer)
{
    /* It keeps its timers in a sorted list: a million take hours. */
    static const bench_timers all = {
        100000, make, start, startPeriodic, startZero, startAndStop, nullptr, restartChunk, run};
    static const bench_notifiers notifiers = {watch, run};

    peer->timers = &all;
    peer->notifiers = &notifiers;
}
