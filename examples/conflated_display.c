/* SPDX-License-Identifier: MIT */
/* A sensor that is faster than its display: the display always gets the newest reading and never a
 * backlog, the log gets at most a hundred behind and says what it lost. */
#include <halyard/halyard.h>
#include <stdio.h>

enum {
    READINGS = 100000
};

struct reading {
    int number;
};

struct sensor {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(struct reading) reading;
    } events;
};
static const struct hy_class sensor_class =
    HY_CLASS(struct sensor, .signals = HY_SIGNALS(HY_PLAIN(struct sensor, events.reading)));

struct display {
    HY_INHERITS(hy_object);
    int shown, logged;
    struct hy_connection log;
};
static const struct hy_class display_class = HY_CLASS(struct display, .base = NULL);

static void display_log(struct display *self, const struct reading *reading) /* thread: main */
{
    (void)reading;
    self->logged++;
}

static void display_show(struct display *self, const struct reading *reading) /* thread: main */
{
    self->shown++;
    if (reading->number < READINGS)
        return;
    struct hy_connection_counters counts;
    bool all = hy_connection_get_counters(self->log, &counts) == 0 &&
               counts.accepted == (uint64_t)self->logged + counts.dropped + counts.waiting;
    printf("last reading %d; shown %s; logged and dropped: %s\n", reading->number,
           self->shown < READINGS ? "fewer" : "all", all ? "add up" : "do not add up");
    hy_app_quit(0);
}

static void sensor_run(struct sensor *self) /* thread: sensor */
{
    for (int number = 1; number <= READINGS; number++)
        hy_emit_with(&self->events.reading, .number = number);
}

int main(void)
{
    static struct hy_app app;
    static struct hy_thread thread;
    static struct sensor sensor;
    static struct display display;
    const struct hy_connect_options log = {
        .flags = HY_BOUNDED, .limit = 100, .overflow = HY_OVERFLOW_DROP_OLDEST};
    if (hy_app_init(&app) < 0 || hy_thread_init(&thread, "sensor", &app.hy) < 0 ||
        hy_object_init(&sensor.hy, &sensor_class, NULL) < 0 ||
        hy_object_init(&display.hy, &display_class, &app.hy) < 0 ||
        hy_object_move_to_thread(&sensor.hy, &thread) < 0 ||
        hy_connect(&thread.events.started, &sensor, sensor_run, HY_AUTO) < 0 ||
        hy_connect_with(&sensor.events.reading, &display, display_log, &log, &display.log) < 0 ||
        hy_connect(&sensor.events.reading, &display, display_show, HY_LATEST) < 0 ||
        hy_thread_start(&thread) < 0)
        return fprintf(stderr, "%s\n", hy_last_error()->message) < 0 ? 2 : 1;
    int code = hy_app_exec(&app);
    hy_app_fini(&app);
    return code;
}
