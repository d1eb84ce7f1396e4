/* SPDX-License-Identifier: MIT */
/* The smallest program: an object with a signal, and another with a slot. */
#include <halyard/halyard.h>
#include <stdio.h>

struct greeting {
    char text[32];
};

struct speaker {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(struct greeting) said;
    } events;
};
static const struct hy_class speaker_class =
    HY_CLASS(struct speaker, .signals = HY_SIGNALS(HY_PLAIN(struct speaker, events.said)));

struct listener {
    HY_INHERITS(hy_object);
};
static const struct hy_class listener_class = HY_CLASS(struct listener, .base = NULL);

static void listener_hear(struct listener *self, const struct greeting *greeting)
{
    (void)self;
    printf("heard: %s\n", greeting->text);
}

int main(void)
{
    struct speaker speaker;
    struct listener listener;
    if (hy_object_init(&speaker.hy, &speaker_class, NULL) < 0 ||
        hy_object_init(&listener.hy, &listener_class, NULL) < 0 ||
        hy_connect(&speaker.events.said, &listener, listener_hear, HY_AUTO) < 0)
        return fprintf(stderr, "%s\n", hy_last_error()->message) < 0 ? 2 : 1;
    hy_emit_with(&speaker.events.said, .text = "hello, signal");
    hy_object_fini(&listener.hy); /* cuts the connection */
    hy_emit_with(&speaker.events.said, .text = "nobody hears this");
    hy_object_fini(&speaker.hy);
    return 0;
}
