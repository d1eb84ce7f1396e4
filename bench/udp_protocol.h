/* SPDX-License-Identifier: MIT */
/*
 * What udp_load_client sends to the UDP receivers under test, and what every receiver does with it.
 *
 * A receiver is called as `bench_PEER_udp`. It listens on a free port of 127.0.0.1, prints the port
 * by bench_announce(), and gives each datagram to bench_udp_take(). The client sends as fast as it
 * can and then says that it is over until nobody listens any more. What the receiver is too slow
 * for, the kernel drops: that is the work, and what counts is the processor time for each datagram
 * that arrived.
 */
#ifndef BENCH_UDP_PROTOCOL_H
#define BENCH_UDP_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    BENCH_UDP_SIZE_MAX = 2048,
    BENCH_UDP_BATCH = 64, /* datagrams in one call, where there is such a call */
};

/* In front of each datagram. */
struct bench_udp_head {
    uint64_t sequence; /* from 0 on; UINT64_MAX: it is over */
};

/* Counts a datagram; one that comes out of order ends the program with an error. Returns false when
 * it is over: {"cpu_ns": N, "count": C} has been printed, and the program is to exit with 0. The
 * clock starts with the first datagram. */
bool bench_udp_take(const void *data, size_t size);

#ifdef __cplusplus
}
#endif

#endif
