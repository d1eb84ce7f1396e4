/* SPDX-License-Identifier: MIT */
/*
 * README's example as a whole program: positions ("211234560 54.32 10.13") come in over UDP in one
 * thread, are counted in the main thread, and go to WebSocket clients from a third.
 *
 *     position_gateway --listen 127.0.0.1:8100
 *     echo 211234560 54.32 10.13 >/dev/udp/127.0.0.1/10110
 */
#include <halyard/halyard.h>
#include <halyard/net.h>
#include <stdio.h>
#include <string.h>

struct position {
    uint32_t mmsi;
    double latitude_deg, longitude_deg; /* WGS 84 */
};

struct receiver {
    HY_INHERITS(hy_object);      /* a receiver is an object: &receiver->hy */
    struct hy_udp_socket socket; /* made in the receiver's thread */
    struct {
        hy_signal(struct position) position;
    } events;
};
static const struct hy_class receiver_class =
    HY_CLASS(struct receiver, .signals = HY_SIGNALS(HY_PLAIN(struct receiver, events.position)));

struct tracker {
    HY_INHERITS(hy_object);
    struct hy_ws_server *server;
    unsigned count;
};
static const struct hy_class tracker_class = HY_CLASS(struct tracker, .base = NULL);

static void on_datagram(struct receiver *self, const struct hy_datagram *datagram) /* thread: udp */
{
    struct position position;
    char text[100];
    snprintf(text, sizeof text, "%.*s", (int)datagram->size, (const char *)datagram->data);
    if (sscanf(text, "%u %lf %lf", &position.mmsi, &position.latitude_deg,
               &position.longitude_deg) == 3)
        hy_emit(&self->events.position, &position);
}

static void receiver_start(struct receiver *self) /* thread: udp */
{
    if (hy_udp_socket_init(&self->socket, &self->hy) < 0 ||
        hy_connect(&self->socket.events.datagram, self, on_datagram, HY_DIRECT) < 0 ||
        hy_udp_socket_bind(&self->socket, "127.0.0.1:10110", HY_UDP_SHARE_ADDRESS) < 0)
        hy_app_fail(-hy_last_error()->code);
}

static void on_position(struct tracker *self, const struct position *position) /* thread: main */
{
    char json[120];
    int size =
        snprintf(json, sizeof json, "{\"count\":%u,\"mmsi\":%u,\"lat\":%.5f,\"lon\":%.5f}",
                 ++self->count, position->mmsi, position->latitude_deg, position->longitude_deg);
    /* The server lives in another thread; a full queue refuses, and is counted. */
    (void)hy_ws_server_broadcast_text(self->server, json, (size_t)size);
}

static int server_start(struct hy_ws_server *server, struct hy_thread *thread, const char *address)
{
    int rc = hy_ws_server_init(server, NULL);
    if (rc == 0)
        rc = hy_ws_server_listen(server, address, 0);
    if (rc == 0)
        printf("ws://%s/ws\n", hy_ws_server_address(server));
    return rc == 0 ? hy_object_move_to_thread(&server->hy, thread) : rc;
}

int main(int argc, char **argv)
{
    static struct hy_app app;
    static struct hy_thread udp, web;
    static struct hy_ws_server server;
    static struct receiver receiver;
    static struct tracker tracker = {.server = &server};
    setvbuf(stdout, NULL, _IOLBF, 0);
    bool listen_given = argc == 3 && strcmp(argv[1], "--listen") == 0;
    if (hy_app_init(&app) < 0 || hy_thread_init(&udp, "udp", &app.hy) < 0 ||
        hy_thread_init(&web, "web", &app.hy) < 0 ||
        server_start(&server, &web, listen_given ? argv[2] : "127.0.0.1:8100") < 0 ||
        hy_object_init(&receiver.hy, &receiver_class, NULL) < 0 ||
        hy_object_init(&tracker.hy, &tracker_class, &app.hy) < 0 ||
        hy_object_move_to_thread(&receiver.hy, &udp) < 0 ||
        hy_connect(&udp.events.started, &receiver, receiver_start, HY_AUTO) < 0 ||
        hy_connect(&receiver.events.position, &tracker, on_position, HY_AUTO) < 0 ||
        hy_thread_start(&web) < 0 || hy_thread_start(&udp) < 0)
        return fprintf(stderr, "%s\n", hy_last_error()->message) < 0 ? 2 : 1;
    int code = hy_app_exec(&app); /* SIGINT quits it; the threads are stopped and joined */
    hy_app_fini(&app);
    return code;
}
