/* SPDX-License-Identifier: MIT */
/*
 * The load for the WebSocket servers under test: plain sockets, one epoll loop, no library of ours
 * or of any peer, so that it favours none. Speaks the protocol of ws_protocol.h.
 *
 *   ws_load_client PORT broadcast CONNECTIONS MESSAGES WINDOW SIZE
 *   ws_load_client PORT echo CONNECTIONS MESSAGES_EACH DEPTH SIZE
 *   ws_load_client PORT accept CONNECTIONS MORE
 *
 * Prints {"count": deliveries or echoes, "seconds": wall time} when every frame has been counted.
 * A frame that is not an unfragmented text of SIZE bytes with the right content is an error.
 * `accept`: MORE connections, one after the other, are the work, beside CONNECTIONS open ones.
 */
#include "harness.h"
#include "ws_protocol.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RUN_LIMIT_SECONDS = 120,
    CONNECTIONS_MAX = 15000,
    DEPTH_MAX = 64,
    READ_SIZE = 65536,
    SEND_BUFFER = 1 << 20, /* as much of it as the system allows */
    HEADER_MAX = 4,        /* of a frame to us: unmasked, at most 65535 bytes */
    MASKED_EXTRA = 8       /* header and mask of a frame from us */
};

struct connection {
    int fd;
    size_t frame_at; /* bytes of the current frame, header included, that have arrived */
    size_t frames;   /* complete ones */
    size_t sent;     /* echo: messages sent so far */
};

struct load {
    bool echo;
    size_t connection_count;
    size_t messages; /* broadcasts, or echoes per connection */
    size_t window;   /* broadcasts outstanding, or echoes per connection */
    size_t size;
    size_t expected; /* frames on all connections */
    size_t received;
    size_t acknowledged;
    uint32_t *missing; /* broadcast: connections that do not have message i yet */
    size_t header_size;
    size_t frame_size;
    unsigned char frame[HEADER_MAX + BENCH_WS_SIZE_MAX]; /* what each frame must look like */
    unsigned char *echo_frames;                          /* `window` masked frames */
    size_t echo_frame_size;
    struct connection connections[CONNECTIONS_MAX];
};

static void fail(const char *what)
{
    fprintf(stderr, "ws_load_client: %s%s%s\n", what, errno ? ": " : "",
            errno ? strerror(errno) : "");
    exit(1);
}

static size_t put_header(unsigned char *out, size_t size)
{
    out[0] = 0x81;
    if (size < 126) {
        out[1] = (unsigned char)size;
        return 2;
    }
    out[1] = 126;
    out[2] = (unsigned char)(size >> 8);
    out[3] = (unsigned char)size;
    return 4;
}

static size_t put_masked(unsigned char *out, const char *text, size_t size)
{
    static const unsigned char mask[4] = {0x5a, 0x17, 0xc3, 0x2e};
    size_t at = put_header(out, size);

    out[1] |= 0x80;
    memcpy(out + at, mask, sizeof mask);
    at += sizeof mask;
    for (size_t i = 0; i < size; i++) {
        out[at + i] = (unsigned char)text[i] ^ mask[i % 4];
    }
    return at + size;
}

/* What is sent fits the socket's buffer many times over, so a short or refused send means that the
 * server has stopped reading. */
static void send_all(int fd, const void *data, size_t size)
{
    if (send(fd, data, size, MSG_NOSIGNAL) != (ssize_t)size) {
        fail("cannot send to the server");
    }
}

static void send_text(int fd, const char *text)
{
    unsigned char frame[128];

    send_all(fd, frame, put_masked(frame, text, strlen(text)));
}

static int open_connection(uint16_t port)
{
    static const char request[] = "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    char answer[2048];
    size_t filled = 0;
    int on = 1, size = SEND_BUFFER;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        fail("cannot connect");
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    send_all(fd, request, sizeof request - 1);
    do {
        ssize_t got = recv(fd, answer + filled, sizeof answer - 1 - filled, 0);

        if (got <= 0) {
            fail("no answer to the handshake");
        }
        filled += (size_t)got;
        answer[filled] = '\0';
    } while (strstr(answer, "\r\n\r\n") == NULL);
    if (strncmp(answer, "HTTP/1.1 101", 12) != 0) {
        fail("the server refused the handshake");
    }
    return fd;
}

/* Counts the frames in `data` and checks each byte of them against the only frame there is. */
static size_t take_bytes(struct load *load, struct connection *connection,
                         const unsigned char *data, size_t size)
{
    size_t frames = 0;

    while (size > 0) {
        size_t part = load->frame_size - connection->frame_at;

        part = part < size ? part : size;
        if (memcmp(data, load->frame + connection->frame_at, part) != 0) {
            errno = 0;
            fail("a frame differs from what the server was to send");
        }
        connection->frame_at += part;
        data += part;
        size -= part;
        if (connection->frame_at == load->frame_size) {
            connection->frame_at = 0;
            frames++;
        }
    }
    return frames;
}

static void take_broadcasts(struct load *load, struct connection *connection, size_t frames)
{
    for (size_t i = 0; i < frames; i++) {
        if (connection->frames == load->messages) {
            errno = 0;
            fail("more broadcasts than ordered");
        }
        load->missing[connection->frames++]--;
    }
}

/* One send for all acknowledgements of a pass. */
static void acknowledge(struct load *load)
{
    unsigned char frames[DEPTH_MAX * 16];
    size_t size = 0;

    while (load->acknowledged < load->messages && load->missing[load->acknowledged] == 0) {
        load->acknowledged++;
        size += put_masked(frames + size, "a", 1);
    }
    if (size > 0) {
        send_all(load->connections[0].fd, frames, size);
    }
}

static void send_echoes(struct load *load, struct connection *connection, size_t count)
{
    size_t left = load->messages - connection->sent;

    count = count < left ? count : left;
    if (count > 0) {
        connection->sent += count;
        send_all(connection->fd, load->echo_frames, count * load->echo_frame_size);
    }
}

static void serve_connection(struct load *load, struct connection *connection)
{
    static unsigned char buffer[READ_SIZE];
    ssize_t got = recv(connection->fd, buffer, sizeof buffer, MSG_DONTWAIT);

    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        fail("the server closed a connection");
    }

    size_t frames = take_bytes(load, connection, buffer, (size_t)got);

    load->received += frames;
    if (load->echo) {
        send_echoes(load, connection, frames);
    } else {
        take_broadcasts(load, connection, frames);
    }
}

static void run(struct load *load, int epoll)
{
    struct epoll_event events[256];

    while (load->received < load->expected) {
        int ready = epoll_wait(epoll, events, 256, -1);

        if (ready < 0 && errno != EINTR) {
            fail("cannot wait for the server");
        }
        for (int i = 0; i < ready; i++) {
            serve_connection(load, events[i].data.ptr);
        }
        if (!load->echo) {
            acknowledge(load);
        }
    }
}

static void prepare(struct load *load)
{
    char text[BENCH_WS_SIZE_MAX];

    bench_ws_text(text, load->size);
    load->header_size = put_header(load->frame, load->size);
    memcpy(load->frame + load->header_size, text, load->size);
    load->frame_size = load->header_size + load->size;
    load->expected = load->messages * load->connection_count;
    load->missing = calloc(load->messages, sizeof *load->missing);
    load->echo_frames = calloc(load->window, load->size + MASKED_EXTRA);
    if (load->missing == NULL || load->echo_frames == NULL) {
        fail("out of memory");
    }
    for (size_t i = 0; i < load->messages; i++) {
        load->missing[i] = (uint32_t)load->connection_count;
    }
    load->echo_frame_size = put_masked(load->echo_frames, text, load->size);
    for (size_t i = 1; i < load->window; i++) {
        memcpy(load->echo_frames + i * load->echo_frame_size, load->echo_frames,
               load->echo_frame_size);
    }
}

static int connect_all(struct load *load, uint16_t port)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    if (epoll < 0) {
        fail("cannot create an epoll descriptor");
    }
    for (size_t i = 0; i < load->connection_count; i++) {
        struct connection *connection = &load->connections[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

        connection->fd = open_connection(port);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0) {
            fail("cannot watch a connection");
        }
    }
    return epoll;
}

static size_t number(const char *text, size_t maximum)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*end != '\0' || value == 0 || value > maximum) {
        fprintf(stderr, "ws_load_client: %s: expected a number from 1 to %zu\n", text, maximum);
        exit(2);
    }
    return value;
}

/* The server stops its clock. The connections stay open until it has: closing is no part of the
 * work. */
static void end_run(int fd, size_t count, uint64_t start_ns)
{
    char rest[256];

    printf("{\"count\": %zu, \"seconds\": %.6f}\n", count,
           (double)(bench_now_ns() - start_ns) * 1e-9);
    send_text(fd, "end");
    while (recv(fd, rest, sizeof rest, 0) > 0) {
    }
}

static int accept_main(uint16_t port, size_t connections, size_t more)
{
    int first = open_connection(port);

    for (size_t i = 1; i < connections; i++) {
        open_connection(port);
    }
    send_text(first, "go 0 0 0");

    uint64_t start_ns = bench_now_ns();

    for (size_t i = 0; i < more; i++) {
        open_connection(port);
    }
    end_run(first, more, start_ns);
    return 0;
}

static int messages_main(struct load *load, uint16_t port)
{
    char line[64];

    prepare(load);

    int epoll = connect_all(load, port);
    uint64_t start_ns = bench_now_ns();

    snprintf(line, sizeof line, "go %zu %zu %zu", load->messages, load->window, load->size);
    send_text(load->connections[0].fd, line);
    for (size_t i = 0; load->echo && i < load->connection_count; i++) {
        send_echoes(load, &load->connections[i], load->window);
    }
    run(load, epoll);
    end_run(load->connections[0].fd, load->received, start_ns);
    return 0;
}

static bool is_mode(const char *mode, const char *name, int argc, int expected)
{
    return argc == expected && strcmp(mode, name) == 0;
}

int main(int argc, char **argv)
{
    static struct load load;
    const char *mode = argc > 4 ? argv[2] : "";
    bool is_accept = is_mode(mode, "accept", argc, 5);

    load.echo = is_mode(mode, "echo", argc, 7);
    if (!is_accept && !load.echo && !is_mode(mode, "broadcast", argc, 7)) {
        fprintf(stderr,
                "usage: %s PORT broadcast|echo CONNECTIONS MESSAGES WINDOW SIZE\n"
                "       %s PORT accept CONNECTIONS MORE\n",
                argv[0], argv[0]);
        return 2;
    }
    alarm(RUN_LIMIT_SECONDS);
    bench_raise_descriptor_limit();

    uint16_t port = (uint16_t)number(argv[1], 65535);

    load.connection_count = number(argv[3], CONNECTIONS_MAX);
    if (is_accept) {
        return accept_main(port, load.connection_count, number(argv[4], CONNECTIONS_MAX));
    }
    load.messages = number(argv[4], 10000000);
    load.window = number(argv[5], DEPTH_MAX);
    load.size = number(argv[6], BENCH_WS_SIZE_MAX);
    if (load.echo && load.size < BENCH_WS_ECHO_MIN) {
        fprintf(stderr, "%s: an echo needs at least %d bytes\n", argv[0], BENCH_WS_ECHO_MIN);
        return 2;
    }
    return messages_main(&load, port);
}
