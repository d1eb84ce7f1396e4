/* SPDX-License-Identifier: MIT */
/*
 * Sends every WebSocket message back to where it came from, at any path:
 *
 *     ws_echo_server --listen 127.0.0.1:9001
 *
 * Its limits are those that conformance suites ask for: messages of 16 MiB in many fragments.
 */
#include <getopt.h>
#include <halyard/halyard.h>
#include <halyard/ws_server.h>
#include <stdio.h>
#include <stdlib.h>

struct echo {
    HY_INHERITS(hy_object);
    struct hy_ws_server server;
};

static const struct hy_class echo_class = HY_CLASS(struct echo, .base = NULL);

static void server_message(struct echo *echo, const struct hy_ws_message *message)
{
    int rc = message->is_text ? hy_ws_server_send_text(&echo->server, message->client,
                                                       message->data, message->size)
                              : hy_ws_server_send_binary(&echo->server, message->client,
                                                         message->data, message->size);
    if (rc < 0) /* its queue is full: an echo that leaves something out is none */
        hy_ws_server_close_client(&echo->server, message->client, 1013, "read faster");
}

static void app_quits(struct echo *echo)
{
    hy_object_fini(&echo->server.hy); /* its clients get Close 1001 */
}

static int echo_start(struct echo *echo, struct hy_app *app, const char *address)
{
    struct hy_ws_server_options options;
    int rc = hy_object_init(&echo->hy, &echo_class, NULL);
    if (rc < 0 || (rc = hy_ws_server_init(&echo->server, &echo->hy)) < 0)
        return rc;
    options = hy_ws_server_options_default();
    options.any_path = true;
    options.message_limit = 16 << 20;
    options.fragment_limit = 1 << 20;
    options.queue_limit = 256 << 20;
    options.high_water = 64 << 20;
    options.low_water = 16 << 20;
    options.pause_reading = true; /* who does not read its echoes is not read either */
    rc = hy_ws_server_set_options(&echo->server, &options);
    if (rc == 0)
        rc = hy_connect(&echo->server.events.message, echo, server_message, HY_DIRECT);
    if (rc >= 0)
        rc = hy_connect(&app->events.about_to_quit, echo, app_quits, HY_DIRECT);
    return rc < 0 ? rc : hy_ws_server_listen(&echo->server, address, 0);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *address = "127.0.0.1:9001";
    static struct echo echo;
    struct hy_app app;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'l') {
            address = optarg;
        } else {
            fprintf(c == 'h' ? stdout : stderr, "usage: %s [--listen ADDRESS:PORT]\n", argv[0]);
            return c == 'h' ? 0 : 2;
        }
    }
    if (hy_app_init(&app) < 0 || echo_start(&echo, &app, address) < 0) {
        fprintf(stderr, "%s: %s\n", argv[0], hy_last_error()->message);
        return 1;
    }
    printf("listening on ws://%s/\n", hy_ws_server_address(&echo.server));
    fflush(stdout);
    int code = hy_app_exec(&app);
    hy_object_fini(&echo.hy);
    hy_app_fini(&app);
    return code;
}
