/* SPDX-License-Identifier: MIT */
/* Halyard's UDP socket under the load client: see udp_protocol.h. */
#include "harness.h"
#include "udp_protocol.h"

#include <halyard/halyard.h>
#include <halyard/udp.h>
#include <stdio.h>

static void take_batch(struct hy_udp_socket *socket, const struct hy_datagram_batch *batch)
{
    (void)socket;
    for (size_t i = 0; i < batch->count; i++) {
        if (!bench_udp_take(batch->datagrams[i].data, batch->datagrams[i].size)) {
            hy_app_quit(0);
            return;
        }
    }
}

int main(int argc, char **argv)
{
    struct hy_app app;
    struct hy_udp_socket socket;
    struct hy_address local;

    (void)argc;
    if (hy_app_init(&app) < 0 || hy_udp_socket_init(&socket, NULL) < 0 ||
        hy_connect(&socket.events.batch, &socket, take_batch, HY_DIRECT) < 0 ||
        hy_udp_socket_bind(&socket, "127.0.0.1:0", 0) < 0 ||
        hy_udp_socket_local_address(&socket, &local) < 0) {
        fprintf(stderr, "%s: %s\n", argv[0], hy_last_error()->message);
        return 1;
    }
    bench_announce(hy_address_port(&local));
    int code = hy_app_exec(&app);
    hy_udp_socket_fini(&socket);
    hy_app_fini(&app);
    return code;
}
