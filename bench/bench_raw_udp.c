/* SPDX-License-Identifier: MIT */
/* No library: the limit for a UDP receiver. One epoll loop, recvmmsg(). See udp_protocol.h. */
#include "harness.h"
#include "udp_protocol.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static bool receive(int fd)
{
    static unsigned char bytes[BENCH_UDP_BATCH][BENCH_UDP_SIZE_MAX];
    struct mmsghdr messages[BENCH_UDP_BATCH];
    struct iovec pieces[BENCH_UDP_BATCH];

    for (size_t i = 0; i < BENCH_UDP_BATCH; i++) {
        pieces[i] = (struct iovec){bytes[i], BENCH_UDP_SIZE_MAX};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
    }

    int count = recvmmsg(fd, messages, BENCH_UDP_BATCH, MSG_DONTWAIT, NULL);

    for (int i = 0; i < count; i++) {
        if (!bench_udp_take(bytes[i], messages[i].msg_len))
            return false;
    }
    return true;
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    struct epoll_event event = {.events = EPOLLIN};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bench_check(fd >= 0 && epoll >= 0 &&
                    bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
                    getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
                    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0,
                "cannot listen on 127.0.0.1");
    bench_announce(ntohs(address.sin_port));
    do {
        epoll_wait(epoll, &event, 1, -1);
    } while (receive(fd));
    return 0;
}
