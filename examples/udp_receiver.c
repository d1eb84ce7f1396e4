/* SPDX-License-Identifier: MIT */
/*
 * Prints the UDP datagrams that arrive at an address, received in a thread of their own and printed
 * in the main thread: `udp_receiver 0.0.0.0:10110`. Ctrl-C ends it.
 */
#include <halyard/halyard.h>
#include <halyard/net.h>
#include <stdio.h>
#include <string.h>

struct line {
    struct hy_address sender;
    int size;
    char text[1024];
};

struct receiver {
    HY_INHERITS(hy_object);
    struct hy_udp_socket socket;
    const char *address;
    struct {
        hy_signal(struct line) line;
    } events;
};
static const struct hy_class receiver_class =
    HY_CLASS(struct receiver, .signals = HY_SIGNALS(HY_PLAIN(struct receiver, events.line)));

static void receiver_datagram(struct receiver *self, const struct hy_datagram *datagram)
{
    struct line line = {.sender = datagram->sender};
    line.size = (int)(datagram->size < sizeof line.text ? datagram->size : sizeof line.text);
    memcpy(line.text, datagram->data, (size_t)line.size);
    hy_emit(&self->events.line, &line);
}

static void receiver_start(struct receiver *self) /* thread: udp */
{
    int rc = hy_udp_socket_init(&self->socket, &self->hy);
    if (rc >= 0)
        rc = hy_connect(&self->socket.events.datagram, self, receiver_datagram, HY_DIRECT);
    if (rc >= 0)
        rc = hy_udp_socket_bind(&self->socket, self->address, HY_UDP_SHARE_ADDRESS);
    if (rc < 0)
        hy_app_fail(rc);
}

static void app_line(struct hy_app *app, const struct line *line) /* thread: main */
{
    (void)app;
    printf("%s %.*s\n", hy_address_to_text(&line->sender).text, line->size, line->text);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct hy_app app;
    static struct hy_thread thread;
    static struct receiver receiver;
    receiver.address = argc > 1 ? argv[1] : "0.0.0.0:10110";
    if (hy_app_init(&app) < 0 || hy_thread_init(&thread, "udp", &app.hy) < 0 ||
        hy_object_init(&receiver.hy, &receiver_class, NULL) < 0 ||
        hy_object_move_to_thread(&receiver.hy, &thread) < 0 ||
        hy_connect(&thread.events.started, &receiver, receiver_start, HY_AUTO) < 0 ||
        hy_connect(&receiver.events.line, &app, app_line, HY_AUTO) < 0 ||
        hy_thread_start(&thread) < 0) {
        fprintf(stderr, "%s\n", hy_last_error()->message);
        return 1;
    }
    int code = hy_app_exec(&app);
    hy_app_fini(&app);
    return code;
}
