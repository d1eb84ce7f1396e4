/* SPDX-License-Identifier: MIT */
/* GIO: a GSocket's source, and g_socket_receive_messages(), by which it takes many in one call. */
#include "harness.h"
#include "udp_protocol.h"

#include <gio/gio.h>

static gboolean received(GSocket *socket, GIOCondition condition, void *data)
{
    static char bytes[BENCH_UDP_BATCH][BENCH_UDP_SIZE_MAX];
    GInputVector pieces[BENCH_UDP_BATCH];
    GInputMessage messages[BENCH_UDP_BATCH] = {0};

    (void)condition;
    for (int i = 0; i < BENCH_UDP_BATCH; i++) {
        pieces[i] = (GInputVector){bytes[i], BENCH_UDP_SIZE_MAX};
        messages[i].vectors = &pieces[i];
        messages[i].num_vectors = 1;
    }

    int count = g_socket_receive_messages(socket, messages, BENCH_UDP_BATCH, 0, NULL, NULL);

    for (int i = 0; i < count; i++) {
        if (!bench_udp_take(bytes[i], messages[i].bytes_received)) {
            g_main_loop_quit(data);
            return G_SOURCE_REMOVE;
        }
    }
    return G_SOURCE_CONTINUE;
}

int main(void)
{
    GSocket *socket =
        g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
    GSocketAddress *address = g_inet_socket_address_new_from_string("127.0.0.1", 0);
    GMainLoop *loop = g_main_loop_new(NULL, FALSE);

    bench_check(socket != NULL && g_socket_bind(socket, address, FALSE, NULL),
                "cannot listen on 127.0.0.1");
    g_socket_set_blocking(socket, FALSE);

    GSource *source = g_socket_create_source(socket, G_IO_IN, NULL);
    GSocketAddress *local = g_socket_get_local_address(socket, NULL);

    g_source_set_callback(source, G_SOURCE_FUNC(received), loop, NULL);
    g_source_attach(source, NULL);
    bench_announce(g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(local)));
    g_main_loop_run(loop);
    return 0;
}
