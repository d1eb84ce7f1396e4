/* SPDX-License-Identifier: MIT */
/*
 * Halyard's WebSocket server under the load client: see ws_protocol.h. One thread; the default
 * limits, but for the queue, which the 16 messages on the way must fit into anyway.
 */
#include "ws_protocol.h"

#include <halyard/halyard.h>
#include <halyard/ws_server.h>
#include <stdio.h>
#include <string.h>

struct bench {
    HY_INHERITS(hy_object);
    struct hy_ws_server server;
    struct bench_ws_run run;
    bool is_echo;
};

static const struct hy_class bench_class = HY_CLASS(struct bench, .base = NULL);

static void fail(int rc)
{
    if (rc < 0)
        hy_app_fail(rc);
}

static void server_message(struct bench *bench, const struct hy_ws_message *message)
{
    if (bench->is_echo && message->size >= BENCH_WS_ECHO_MIN) {
        fail(hy_ws_server_send_text(&bench->server, message->client, message->data, message->size));
        return;
    }
    int count = bench_ws_control(&bench->run, message->data, message->size);
    if (count == BENCH_WS_END)
        hy_app_quit(0);
    for (; !bench->is_echo && count > 0; count--)
        fail(hy_ws_server_broadcast_text(&bench->server, bench->run.text, bench->run.size));
}

static int start(struct bench *bench)
{
    struct hy_ws_server_options options;
    int rc = hy_object_init(&bench->hy, &bench_class, NULL);
    if (rc < 0 || (rc = hy_ws_server_init(&bench->server, &bench->hy)) < 0)
        return rc;
    options = hy_ws_server_options_default();
    options.any_path = true;
    options.client_limit = 2 * options.client_limit; /* as many as the load client opens */
    rc = hy_ws_server_set_options(&bench->server, &options);
    if (rc == 0)
        rc = hy_connect(&bench->server.events.message, bench, server_message, HY_DIRECT);
    return rc < 0 ? rc : hy_ws_server_listen(&bench->server, "127.0.0.1:0", 0);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    struct hy_app app;
    bench.is_echo = bench_ws_is_echo(argc, argv);
    if (hy_app_init(&app) < 0 || start(&bench) < 0) {
        fprintf(stderr, "%s: %s\n", argv[0], hy_last_error()->message);
        return 1;
    }
    bench_ws_announce(hy_ws_server_port(&bench.server));
    int code = hy_app_exec(&app);
    hy_object_fini(&bench.hy);
    hy_app_fini(&app);
    return code;
}
