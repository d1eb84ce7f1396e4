/* SPDX-License-Identifier: MIT */
/* Receives UDP datagrams in a thread of its own and prints them in the main thread, until Ctrl-C:
 * `udp_receiver 0.0.0.0:10110`. */
#include <halyard/halyard.h>
#include <halyard/net.h>
#include <stdio.h>

struct line {
    char text[1200];
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
    struct line line;
    snprintf(line.text, sizeof line.text, "%s %.*s", hy_address_to_text(&datagram->sender).text,
             (int)datagram->size, (const char *)datagram->data);
    hy_emit(&self->events.line, &line);
}

static void receiver_start(struct receiver *self) /* thread: udp */
{
    if (hy_udp_socket_init(&self->socket, &self->hy) < 0 ||
        hy_connect(&self->socket.events.datagram, self, receiver_datagram, HY_DIRECT) < 0 ||
        hy_udp_socket_bind(&self->socket, self->address, HY_UDP_SHARE_ADDRESS) < 0)
        hy_app_fail(-hy_last_error()->code);
}

static void app_line(struct hy_app *app, const struct line *line) /* thread: main */
{
    (void)app;
    puts(line->text);
}

int main(int argc, char **argv)
{
    static struct hy_app app;
    static struct hy_thread thread;
    static struct receiver receiver;
    setvbuf(stdout, NULL, _IOLBF, 0);
    receiver.address = argc > 1 ? argv[1] : "0.0.0.0:10110";
    if (hy_app_init(&app) < 0 || hy_thread_init(&thread, "udp", &app.hy) < 0 ||
        hy_object_init(&receiver.hy, &receiver_class, NULL) < 0 ||
        hy_object_move_to_thread(&receiver.hy, &thread) < 0 ||
        hy_connect(&thread.events.started, &receiver, receiver_start, HY_AUTO) < 0 ||
        hy_connect(&receiver.events.line, &app, app_line, HY_AUTO) < 0 ||
        hy_thread_start(&thread) < 0)
        return fprintf(stderr, "%s\n", hy_last_error()->message) < 0 ? 2 : 1;
    int code = hy_app_exec(&app);
    hy_app_fini(&app);
    return code;
}
