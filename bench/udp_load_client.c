/* SPDX-License-Identifier: MIT */
/*
 * A flood for the UDP receivers under test, by plain sockets: see udp_protocol.h.
 *
 *   udp_load_client PORT DATAGRAMS SIZE
 *
 * Prints {"sent": datagrams} when the receiver has gone.
 */
#include "harness.h"
#include "udp_protocol.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RUN_LIMIT_SECONDS = 120,
    END_EVERY_US = 2000,
};

static struct mmsghdr messages[BENCH_UDP_BATCH];
static struct iovec pieces[BENCH_UDP_BATCH];
static unsigned char bytes[BENCH_UDP_BATCH][BENCH_UDP_SIZE_MAX];

static void prepare(size_t size)
{
    for (size_t i = 0; i < BENCH_UDP_BATCH; i++) {
        pieces[i] = (struct iovec){bytes[i], size};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
    }
}

static void number(size_t index, uint64_t sequence)
{
    struct bench_udp_head head = {sequence};

    memcpy(bytes[index], &head, sizeof head);
}

static void flood(int fd, uint64_t count)
{
    for (uint64_t sent = 0; sent < count;) {
        unsigned batch =
            count - sent < BENCH_UDP_BATCH ? (unsigned)(count - sent) : BENCH_UDP_BATCH;

        for (unsigned i = 0; i < batch; i++)
            number(i, sent + i);

        int rc = sendmmsg(fd, messages, batch, 0);

        bench_check(rc > 0, "cannot send to the receiver");
        sent += (uint64_t)rc;
    }
}

/* The queue may be full: it is said again and again, until the system tells that nobody listens. */
static void end(int fd)
{
    number(0, UINT64_MAX);
    while (send(fd, bytes[0], pieces[0].iov_len, 0) > 0)
        usleep(END_EVERY_US);
    bench_check(errno == ECONNREFUSED, "cannot send the end to the receiver");
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    uint64_t count = argc == 4 ? strtoull(argv[2], NULL, 10) : 0;
    size_t size = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;

    if (count == 0 || size < sizeof(struct bench_udp_head) || size > BENCH_UDP_SIZE_MAX) {
        fprintf(stderr, "usage: %s PORT DATAGRAMS SIZE (%zu to %d)\n", argv[0],
                sizeof(struct bench_udp_head), BENCH_UDP_SIZE_MAX);
        return 2;
    }
    alarm(RUN_LIMIT_SECONDS);
    address.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bench_check(fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0,
                "cannot reach the receiver");
    prepare(size);
    flood(fd, count);
    end(fd);
    printf("{\"sent\": %llu}\n", (unsigned long long)count);
    return 0;
}
