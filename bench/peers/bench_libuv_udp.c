/* SPDX-License-Identifier: MIT */
/* libuv's UDP handle with UV_UDP_RECVMMSG, which its documentation gives for many datagrams. */
#include "harness.h"
#include "udp_protocol.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <uv.h>

static char room[BENCH_UDP_BATCH * 65536]; /* it cuts pieces of 64 KiB out of this */

static void allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(room, sizeof room);
}

static void received(uv_udp_t *udp, ssize_t size, const uv_buf_t *buffer,
                     const struct sockaddr *from, unsigned flags)
{
    (void)flags;
    if (size < 0 || from == NULL)
        return; /* there is no more for now */
    if (!bench_udp_take(buffer->base, (size_t)size)) {
        uv_udp_recv_stop(udp);
        uv_close((uv_handle_t *)udp, NULL);
    }
}

int main(void)
{
    struct sockaddr_in address;
    int size = sizeof address;
    uv_loop_t loop;
    uv_udp_t udp;

    bench_check(uv_loop_init(&loop) == 0 &&
                    uv_udp_init_ex(&loop, &udp, AF_INET | UV_UDP_RECVMMSG) == 0 &&
                    uv_ip4_addr("127.0.0.1", 0, &address) == 0 &&
                    uv_udp_bind(&udp, (const struct sockaddr *)&address, 0) == 0 &&
                    uv_udp_getsockname(&udp, (struct sockaddr *)&address, &size) == 0 &&
                    uv_udp_recv_start(&udp, allocate, received) == 0,
                "cannot listen on 127.0.0.1");
    bench_announce(ntohs(address.sin_port));
    uv_run(&loop, UV_RUN_DEFAULT);
    return 0;
}
