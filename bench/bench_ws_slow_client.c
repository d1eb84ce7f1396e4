/* SPDX-License-Identifier: MIT */
/*
 * What a client that reads nothing costs the others: 30 clients get 500 broadcasts of 8 KiB a
 * second, and the time from the call in another thread to the arrival is measured, in turns with a
 * slow client beside them and without.
 *
 *     bench_ws_slow_client ws_slow_client[:TURNS]     6 by default, of 2 seconds each
 */
#include "harness.h"

#include <arpa/inet.h>
#include <halyard/halyard.h>
#include <halyard/ws_server.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CLIENTS = 30,
    MESSAGE = 8192,
    FRAME = MESSAGE + 4,
    MESSAGES = 1000, /* in a turn */
    INTERVAL_US = 2000,
    TURNS_MAX = 100,
};

struct client {
    int fd;
    size_t filled;
    unsigned char buffer[8 * FRAME];
};

static struct hy_ws_server server;
static struct client clients[CLIENTS];
static double *samples;
static size_t sample_count;

static void fail(const char *what)
{
    fprintf(stderr, "bench_ws_slow_client: %s: %s\n", what, hy_last_error()->message);
    exit(1);
}

static int open_client(int receive_size)
{
    static const char request[] = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(hy_ws_server_port(&server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char tail[4] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_size > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_size, sizeof receive_size);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
        fail("cannot connect a client");
    while (memcmp(tail, "\r\n\r\n", 4) != 0) {
        memmove(tail, tail + 1, 3);
        if (recv(fd, tail + 3, 1, 0) != 1)
            fail("no handshake");
    }
    return fd;
}

static void read_client(struct client *client)
{
    ssize_t got = recv(client->fd, client->buffer + client->filled,
                       sizeof client->buffer - client->filled, MSG_DONTWAIT);
    if (got <= 0)
        return;
    client->filled += (size_t)got;
    uint64_t now_ns = bench_now_ns(), sent_ns;
    size_t at = 0;
    for (; client->filled - at >= FRAME; at += FRAME) {
        memcpy(&sent_ns, client->buffer + at + 4, sizeof sent_ns);
        samples[sample_count++] = (double)(now_ns - sent_ns) / 1000;
    }
    client->filled -= at;
    memmove(client->buffer, client->buffer + at, client->filled);
}

static void read_clients(int timeout_ms)
{
    static struct pollfd polled[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        polled[i] = (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
    if (poll(polled, CLIENTS, timeout_ms) > 0)
        for (int i = 0; i < CLIENTS; i++)
            if (polled[i].revents != 0)
                read_client(&clients[i]);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One turn; returns its 99th percentile in microseconds. */
static double turn(bool has_slow)
{
    static char message[MESSAGE];
    int slow = has_slow ? open_client(4096) : -1;
    sample_count = 0;
    uint64_t next_ns = bench_now_ns();
    for (int i = 0; i < MESSAGES; i++) {
        while (bench_now_ns() < next_ns)
            read_clients(1);
        next_ns += INTERVAL_US * UINT64_C(1000);
        uint64_t now_ns = bench_now_ns();
        memcpy(message, &now_ns, sizeof now_ns);
        if (hy_ws_server_broadcast_binary(&server, message, sizeof message) < 0)
            fail("broadcast");
    }
    uint64_t deadline_ns = bench_now_ns() + UINT64_C(5000000000);
    while (sample_count < (size_t)MESSAGES * CLIENTS && bench_now_ns() < deadline_ns)
        read_clients(100);
    if (sample_count < (size_t)MESSAGES * CLIENTS)
        fail("messages are missing");
    if (slow >= 0)
        close(slow);
    qsort(samples, sample_count, sizeof *samples, compare);
    return samples[sample_count * 99 / 100];
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[count / 2];
}

static int run_turns(size_t wanted)
{
    static double without[TURNS_MAX], with[TURNS_MAX];
    struct hy_ws_server_options options;
    struct hy_ws_server_counters counters;
    struct hy_thread thread;
    int turns = wanted == 0 ? 6 : (int)(wanted < TURNS_MAX ? wanted : TURNS_MAX);
    samples = malloc((size_t)MESSAGES * CLIENTS * sizeof *samples);
    options = hy_ws_server_options_default();
    options.queue_limit = 1 << 20;
    options.high_water = 768 << 10;
    options.low_water = 64 << 10;
    options.slow_after_ns = 100 * HY_MILLISECOND;
    if (samples == NULL || hy_ws_server_init(&server, NULL) < 0 ||
        hy_ws_server_set_options(&server, &options) < 0 ||
        hy_ws_server_listen(&server, "127.0.0.1:0", 0) < 0 ||
        hy_thread_init(&thread, "server", NULL) < 0 ||
        hy_object_move_to_thread(&server.hy, &thread) < 0 || hy_thread_start(&thread) < 0)
        fail("cannot start");
    for (int i = 0; i < CLIENTS; i++)
        clients[i].fd = open_client(0);
    for (int i = 0; i < turns; i++) {
        without[i] = turn(false);
        with[i] = turn(true);
    }
    counters = hy_ws_server_get_counters(&server);
    bench_report("_p99_without", median(without, turns), "us");
    bench_report("_p99_with", median(with, turns), "us");
    bench_report("_dropped", (double)counters.dropped_newest, "messages");
    hy_thread_fini(&thread);
    free(samples);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {{"ws_slow_client", run_turns}, {NULL, NULL}};

    return bench_main(argc, argv, "halyard", cases);
}
