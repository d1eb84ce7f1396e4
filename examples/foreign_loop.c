/* SPDX-License-Identifier: MIT */
/*
 * Halyard inside somebody else's loop, here one written by hand around poll(): the loop watches a
 * pipe of its own and the one descriptor of Halyard. Another thread sends readings, every fifth one
 * goes through the pipe as a note, and the last note ends the loop. Ends by itself, with 0 when all
 * has come.
 */
#include <halyard/halyard.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum {
    READINGS = 20,
    NOTES = READINGS / 5
};

struct reading {
    int number;
};

/* Lives in a thread of its own. */
struct sensor {
    HY_INHERITS(hy_object);
    struct hy_timer timer;
    int number;
    struct {
        hy_signal(struct reading) reading;
    } events;
};
static const struct hy_class sensor_class =
    HY_CLASS(struct sensor, .signals = HY_SIGNALS(HY_PLAIN(struct sensor, events.reading)));

static void sensor_measure(struct sensor *self) /* thread: sensor */
{
    hy_emit_with(&self->events.reading, .number = ++self->number);
    if (self->number == READINGS)
        hy_timer_stop(&self->timer);
}

static int sensor_init(struct sensor *self)
{
    if (hy_object_init(&self->hy, &sensor_class, NULL) < 0 ||
        hy_timer_init(&self->timer, &self->hy) < 0 ||
        hy_connect(&self->timer.events.timeout, self, sensor_measure, HY_AUTO) < 0)
        return -1;
    return hy_timer_start(&self->timer, HY_MILLISECOND);
}

/* Lives in the main thread, whose loop is not Halyard's. */
struct display {
    HY_INHERITS(hy_object);
    struct hy_loop loop;
    int pipe_end;
    int readings, notes;
};
static const struct hy_class display_class = HY_CLASS(struct display, .base = NULL);

static void display_show(struct display *self, const struct reading *reading)
{
    self->readings++;
    if (reading->number % 5 == 0 && write(self->pipe_end, "n", 1) == 1)
        printf("reading %d\n", reading->number);
}

/* What the loop did before Halyard came. */
static void read_note(int descriptor, struct display *display)
{
    char byte;
    if (read(descriptor, &byte, 1) == 1)
        printf("note %d\n", ++display->notes);
    if (display->notes == NOTES)
        hy_loop_quit(&display->loop, 0);
}

static int run(struct display *display, int descriptor)
{
    if (hy_loop_init(&display->loop) < 0 || hy_loop_begin(&display->loop, 0) < 0)
        return -1;
    struct pollfd polls[2] = {{.fd = descriptor, .events = POLLIN},
                              {.fd = hy_loop_descriptor(&display->loop), .events = POLLIN}};
    while (polls[1].fd >= 0) {
        int pending = hy_loop_prepare(&display->loop, NULL);
        if (pending < 0) /* it has been asked to quit */
            break;
        if (poll(polls, 2, pending > 0 ? 0 : -1) > 0 && (polls[0].revents & POLLIN) != 0)
            read_note(descriptor, display);
        if (pending > 0 || polls[1].revents != 0)
            hy_loop_dispatch(&display->loop);
    }
    return hy_loop_end(&display->loop);
}

int main(void)
{
    static struct hy_thread thread;
    static struct sensor sensor;
    static struct display display;
    int ends[2];
    if (pipe(ends) < 0 || hy_thread_init(&thread, "sensor", NULL) < 0 || sensor_init(&sensor) < 0 ||
        hy_object_init(&display.hy, &display_class, NULL) < 0 ||
        hy_connect(&sensor.events.reading, &display, display_show, HY_AUTO) < 0 ||
        hy_object_move_to_thread(&sensor.hy, &thread) < 0 || hy_thread_start(&thread) < 0) {
        fprintf(stderr, "%s\n", hy_last_error()->message);
        return 1;
    }
    display.pipe_end = ends[1];
    int code = run(&display, ends[0]);
    hy_thread_fini(&thread);
    hy_object_fini(&display.hy);
    printf("%d readings, %d notes\n", display.readings, display.notes);
    return code == 0 && display.readings == READINGS && display.notes == NOTES ? 0 : 1;
}
