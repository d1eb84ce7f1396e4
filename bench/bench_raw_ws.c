/* SPDX-License-Identifier: MIT */
/*
 * No library: the limit for a WebSocket server. One epoll loop; all broadcasts that became due in a
 * pass leave in one send() per client, all echoes of one read in one send(). It trusts its client:
 * the handshake is not checked (the load client does not look at the accept key), frames are short
 * and unfragmented, and a send that the socket does not take whole ends the program.
 */
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
    CLIENTS_MAX = 20000,
    INPUT_SIZE = 1 << 19,  /* all that one client has on the way */
    SEND_BUFFER = 1 << 20, /* as much of it as the system allows */
    FRAMES_MAX = 64,       /* broadcasts in one send */
    EVENTS_MAX = 256,
};

struct client {
    int fd;
    bool is_open; /* the handshake is over */
    size_t rest_size;
    unsigned char *rest; /* of the input: the beginning of a frame */
};

struct server {
    bool echo;
    bool ended;
    int listener;
    int epoll;
    size_t client_count;
    size_t due; /* broadcasts to send at the end of this pass */
    struct bench_ws_run run;
    size_t frame_size;
    unsigned char frames[FRAMES_MAX * (BENCH_WS_SIZE_MAX + 4)]; /* the same one again and again */
    struct client *clients[CLIENTS_MAX];
};

static void fail(const char *what)
{
    fprintf(stderr, "bench_raw_ws: %s%s%s\n", what, errno ? ": " : "",
            errno ? strerror(errno) : "");
    exit(1);
}

static void send_all(int fd, const void *data, size_t size)
{
    if (send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)size) {
        fail("cannot send to a client");
    }
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

static void prepare_frames(struct server *server)
{
    size_t header = put_header(server->frames, server->run.size);

    memcpy(server->frames + header, server->run.text, server->run.size);
    server->frame_size = header + server->run.size;
    for (size_t i = 1; i < FRAMES_MAX; i++) {
        memcpy(server->frames + i * server->frame_size, server->frames, server->frame_size);
    }
}

static void take_control(struct server *server, const char *text, size_t size)
{
    int count = bench_ws_control(&server->run, text, size);

    if (count == BENCH_WS_END) {
        server->ended = true;
        return;
    }
    if (server->frame_size == 0) {
        prepare_frames(server);
    }
    server->due += (size_t)count;
}

static void unmask(unsigned char *out, const unsigned char *in, size_t size,
                   const unsigned char *mask)
{
    uint32_t key;
    size_t i = 0;

    memcpy(&key, mask, sizeof key);

    uint64_t wide = key | (uint64_t)key << 32;

    for (; i + 8 <= size; i += 8) {
        uint64_t word;

        memcpy(&word, in + i, sizeof word);
        word ^= wide;
        memcpy(out + i, &word, sizeof word);
    }
    for (; i < size; i++) {
        out[i] = in[i] ^ mask[i % 4];
    }
}

/* The bytes in front of the payload, mask included; 0: they have not all come. */
static size_t read_header(const unsigned char *frame, size_t filled, size_t *ret_size)
{
    if (filled < 4) {
        return 0;
    }
    *ret_size = frame[1] & 0x7f;
    if (frame[0] != 0x81 || (frame[1] & 0x80) == 0 || *ret_size > 126) {
        errno = 0;
        fail("a frame of the load client is none of those agreed on");
    }
    if (*ret_size < 126) {
        return 6;
    }
    *ret_size = (size_t)frame[2] << 8 | frame[3];
    return 8;
}

/* Takes all whole frames of the input; returns the bytes of them. */
static size_t take_frames(struct server *server, const struct client *client,
                          const unsigned char *input, size_t filled)
{
    static unsigned char answer[INPUT_SIZE];
    size_t answer_size = 0, at = 0, size = 0, header;

    while ((header = read_header(input + at, filled - at, &size)) > 0 &&
           filled - at >= header + size) {
        const unsigned char *payload = input + at + header;

        if (server->echo && size >= BENCH_WS_ECHO_MIN) {
            answer_size += put_header(answer + answer_size, size);
            unmask(answer + answer_size, payload, size, payload - 4);
            answer_size += size;
        } else {
            unsigned char text[BENCH_WS_SIZE_MAX];

            if (size > sizeof text) {
                fail("a control message of the load client is too long");
            }
            unmask(text, payload, size, payload - 4);
            take_control(server, (const char *)text, size);
        }
        at += header + size;
    }
    if (answer_size > 0) {
        send_all(client->fd, answer, answer_size);
    }
    return at;
}

/* The request is one segment of the load client's; its end is all that matters. */
static size_t take_request(struct client *client, const unsigned char *input, size_t filled)
{
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                 "Connection: Upgrade\r\n\r\n";

    if (filled < 4 || memcmp(input + filled - 4, "\r\n\r\n", 4) != 0) {
        return 0;
    }
    client->is_open = true;
    send_all(client->fd, answer, sizeof answer - 1);
    return filled;
}

/* What is left of the input, for the next time. */
static void keep(struct client *client, const unsigned char *rest, size_t size)
{
    free(client->rest);
    client->rest = NULL;
    client->rest_size = size;
    if (size == 0) {
        return;
    }
    client->rest = malloc(size);
    if (client->rest == NULL) {
        fail("out of memory");
    }
    memcpy(client->rest, rest, size);
}

static void serve_client(struct server *server, struct client *client)
{
    static unsigned char input[INPUT_SIZE];

    if (client->rest_size > 0) {
        memcpy(input, client->rest, client->rest_size);
    }

    ssize_t got =
        recv(client->fd, input + client->rest_size, INPUT_SIZE - client->rest_size, MSG_DONTWAIT);

    if (got <= 0) {
        fail("the load client is gone");
    }

    size_t filled = client->rest_size + (size_t)got;
    size_t taken = client->is_open ? take_frames(server, client, input, filled)
                                   : take_request(client, input, filled);

    if (client->rest_size > 0 || taken < filled) {
        keep(client, input + taken, filled - taken);
    }
}

static void accept_client(struct server *server)
{
    struct client *client = calloc(1, sizeof *client);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    int on = 1, size = SEND_BUFFER;

    if (client == NULL || server->client_count == CLIENTS_MAX) {
        fail("too many clients");
    }
    client->fd = accept(server->listener, NULL, NULL);
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(client->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, client->fd, &event) < 0) {
        fail("cannot watch a client");
    }
    server->clients[server->client_count++] = client;
}

static void send_broadcasts(struct server *server)
{
    while (server->due > 0) {
        size_t count = server->due < FRAMES_MAX ? server->due : FRAMES_MAX;

        for (size_t i = 0; i < server->client_count; i++) {
            send_all(server->clients[i]->fd, server->frames, count * server->frame_size);
        }
        server->due -= count;
    }
}

static void run(struct server *server)
{
    struct epoll_event events[EVENTS_MAX];

    while (!server->ended) {
        int ready = epoll_wait(server->epoll, events, EVENTS_MAX, -1);

        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr == NULL) {
                accept_client(server);
            } else {
                serve_client(server, events[i].data.ptr);
            }
        }
        if (!server->echo) {
            send_broadcasts(server);
        }
    }
}

int main(int argc, char **argv)
{
    static struct server server;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t address_size = sizeof address;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

    server.echo = bench_ws_is_echo(argc, argv);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server.listener < 0 ||
        bind(server.listener, (const struct sockaddr *)&address, sizeof address) < 0 ||
        listen(server.listener, 128) < 0 ||
        getsockname(server.listener, (struct sockaddr *)&address, &address_size) < 0 ||
        epoll_ctl(server.epoll, EPOLL_CTL_ADD, server.listener, &event) < 0) {
        fail("cannot listen on 127.0.0.1");
    }
    bench_ws_announce(ntohs(address.sin_port));
    run(&server);
    return 0;
}
