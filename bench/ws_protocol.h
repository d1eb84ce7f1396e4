/* SPDX-License-Identifier: MIT */
/*
 * The tiny protocol between ws_load_client and the WebSocket servers under test, and the part of
 * it that has nothing to do with sockets, so that every server does the same work.
 *
 * A server is called as `bench_PEER_ws broadcast` or `bench_PEER_ws echo`. It listens on a free
 * port of 127.0.0.1, prints the port's number as the first line of standard output (and flushes),
 * and accepts WebSocket connections on any path, without compression or subprotocol. The client
 * connects all of them, then speaks on its first connection. All messages are text.
 *
 *   "go MESSAGES WINDOW SIZE"   starts the run and the server's processor clock. A broadcast server
 *                               sends the text of bench_ws_text(SIZE) MESSAGES times to every
 *                               connection, the first included, with at most WINDOW of them not
 *                               yet acknowledged. An echo server sends nothing.
 *   "a"                         (broadcast) acknowledges the oldest message: by now every
 *                               connection has received it. The server sends the next one.
 *   "end"                       the client has counted everything. The server stops its clock,
 *                               prints {"cpu_ns": N, "bytes": B} on a line of its own and exits
 *                               with 0. B: by how much its memory has grown since it listened.
 *
 * An echo server sends every other message back on its connection, unchanged and in order; those
 * are never shorter than BENCH_WS_ECHO_MIN bytes, all control messages are.
 */
#ifndef BENCH_WS_PROTOCOL_H
#define BENCH_WS_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    BENCH_WS_ECHO_MIN = 32,
    BENCH_WS_SIZE_MAX = 16384,
    BENCH_WS_END = -1, /* bench_ws_control(): the run is over, exit */
};

/* A server's side of a run. Initialise with zeros. */
struct bench_ws_run {
    size_t messages; /* to broadcast in all */
    size_t sent;     /* broadcasts ordered so far */
    size_t size;     /* bytes of each broadcast text */
    uint64_t start_cpu_ns;
    char text[BENCH_WS_SIZE_MAX];
};

/* Whether the command line says "echo", not "broadcast"; ends the program when it says neither. To
 * be called first: it raises the limit of descriptors. */
bool bench_ws_is_echo(int argc, char **argv);

/* bench_announce(), and from here on memory counts. */
void bench_ws_announce(unsigned port);

/* Takes a control message; returns how many broadcasts to send now (each is run->text, run->size
 * bytes), or BENCH_WS_END after it has printed the processor time. A message that is none of the
 * protocol's ends the program with an error. */
int bench_ws_control(struct bench_ws_run *run, const char *text, size_t size);

/* Fills `text` with `size` printable ASCII bytes, the same on both sides. */
void bench_ws_text(char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
