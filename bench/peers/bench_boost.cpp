/* SPDX-License-Identifier: MIT */
/*
 * Boost.Signals2: signals with the mutex that they have by default, so that any thread may emit; it
 * has no loop.
 */
#include "works.h"

#include <boost/signals2.hpp>
#include <deque>
#include <vector>

using Signal = boost::signals2::signal<void(int)>;

static boost::signals2::connection connectSum(Signal *signal, long *sum)
{
    return signal->connect([sum](int value) { *sum += value; });
}

static void *makeEmission(size_t slots)
{
    auto *signal = new Signal;
    auto *sums = new std::vector<long>(slots);

    for (size_t i = 0; i < slots; i++)
        connectSum(signal, &(*sums)[i]);
    return signal;
}

static void emitMany(void *context, size_t count)
{
    auto *signal = static_cast<Signal *>(context);

    for (size_t i = 0; i < count; i++)
        (*signal)(static_cast<int>(i));
}

static std::deque<Signal> allSignals; /* they cannot be moved */
static std::vector<long> sums;
static std::vector<boost::signals2::connection> connections;

static void prepareConnections(size_t count)
{
    for (size_t i = 0; i < count / BENCH_CONNECTIONS_A_SIGNAL + 1; i++)
        allSignals.emplace_back();
    sums.resize(count / BENCH_CONNECTIONS_A_SIGNAL + 1);
    connections.resize(count);
}

static void makeConnections(void **, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = i / BENCH_CONNECTIONS_A_SIGNAL;

        connections[i] = connectSum(&allSignals[at], &sums[at]);
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

    peer.name = "boost";
    peer.emission = &emission;
    peer.connections = &things;
    return bench_peer_main(argc, argv, &peer);
}
