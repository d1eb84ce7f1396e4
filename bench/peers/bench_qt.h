/* SPDX-License-Identifier: MIT */
/*
 * The classes of the Qt program, and what its files share.
 */
#ifndef BENCH_QT_H
#define BENCH_QT_H

#include "works.h"

#include <QCoreApplication>
#include <QEvent>
#include <QObject>

Q_DECLARE_METATYPE(bench_payload)
Q_DECLARE_METATYPE(bench_large_payload)

class Source : public QObject
{
    Q_OBJECT

  signals:
    void changed(int value);
    void produced(bench_payload payload);
    void producedLarge(bench_large_payload payload);
    void ping(int value);
};

class PayloadEvent : public QEvent
{
  public:
    explicit PayloadEvent(const bench_payload &value) : QEvent(QEvent::User), payload(value)
    {
    }
    bench_payload payload;
};

class Sink : public QObject
{
    Q_OBJECT

  public:
    qint64 sum = 0;

  public slots:
    void onChanged(int value)
    {
        sum += value;
    }
    void onProduced(bench_payload payload)
    {
        bench_receive(&payload);
    }
    void onProducedLarge(bench_large_payload payload)
    {
        bench_receive(&payload.head);
    }
    void onSummed(bench_payload payload)
    {
        sum += qint64(payload.data[0]);
    }
    void onPing(int value)
    {
        emit pong(value);
    }

  signals:
    void pong(int value);

  protected:
    void customEvent(QEvent *event) override
    {
        bench_receive(&static_cast<PayloadEvent *>(event)->payload);
    }
};

/* qt_signals.cpp, qt_threads.cpp, qt_timers.cpp: each puts in what it has. */
void addSignals(bench_peer *peer);
void addThreads(bench_peer *peer);
void addTimers(bench_peer *peer);

#endif
