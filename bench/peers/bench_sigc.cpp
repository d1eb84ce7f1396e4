/* SPDX-License-Identifier: MIT */
/*
 * sigc++ 2: signals within a thread; it has no loop and no threads. The slots are members of a
 * trackable object, so that the connection ends with it.
 */
#include "works.h"

#include <memory>
#include <sigc++/sigc++.h>
#include <vector>

using Signal = sigc::signal<void, int>;

class Sink : public sigc::trackable
{
  public:
    long sum = 0;

    void onChanged(int value)
    {
        sum += value;
    }
};

static void *makeEmission(size_t slots)
{
    auto *signal = new Signal;

    for (size_t i = 0; i < slots; i++)
        signal->connect(sigc::mem_fun(*new Sink, &Sink::onChanged));
    return signal;
}

static void emitMany(void *context, size_t count)
{
    auto *signal = static_cast<Signal *>(context);

    for (size_t i = 0; i < count; i++)
        signal->emit(static_cast<int>(i));
}

static std::vector<Signal> allSignals;
static std::vector<Sink> sinks;
static std::vector<sigc::connection> connections;

static void prepareConnections(size_t count)
{
    allSignals.resize(count / BENCH_CONNECTIONS_A_SIGNAL + 1);
    sinks.resize(count / BENCH_CONNECTIONS_A_SIGNAL + 1);
    connections.resize(count);
}

static void makeConnections(void **, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = i / BENCH_CONNECTIONS_A_SIGNAL;

        connections[i] = allSignals[at].connect(sigc::mem_fun(sinks[at], &Sink::onChanged));
    }
}

static void endConnections(void **, size_t count)
{
    for (size_t i = 0; i < count; i++)
        connections[i].disconnect();
}

int main(int argc, char **argv)
{
    static const bench_emission emission = {makeEmission, emitMany};
    static const bench_things things = {prepareConnections, makeConnections, endConnections};
    static bench_peer peer;

    peer.name = "sigc";
    peer.emission = &emission;
    peer.connections = &things;
    return bench_peer_main(argc, argv, &peer);
}
