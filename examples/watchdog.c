/* SPDX-License-Identifier: MIT */
/* A watchdog in a thread of its own tells of a slot that keeps the main loop from going on, while
 * it still does, and how long it took in the end. */
#include <halyard/halyard.h>
#include <stdio.h>
#include <time.h>

struct log {
    HY_INHERITS(hy_object);
};
static const struct hy_class log_class = HY_CLASS(struct log);

static void log_blocked(struct log *self, const struct hy_stall *stall) /* thread: watch */
{
    char function[80];
    (void)self;
    hy_function_name(stall->handler.function, function, sizeof function);
    hy_log(HY_LOG_DEBUG, "watchdog", "it is in %s", function);
    printf("%s is blocked by a slot of \"%s\" (%s)\n", stall->thread, stall->handler.object,
           stall->handler.type);
}

static void log_resumed(struct log *self, const struct hy_stall *stall)
{
    (void)self;
    printf("%s goes on: it took %s a tenth of a second\n", stall->thread,
           stall->duration_ns >= HY_SECOND / 10 ? "more than" : "less than");
    hy_app_quit(0);
}

static void log_something_slow(struct log *self) /* thread: main */
{
    const struct timespec a_moment = {0, 200 * 1000 * 1000};
    (void)self;
    nanosleep(&a_moment, NULL); /* what no slot should do */
}

int main(void)
{
    static struct hy_app app;
    static struct hy_thread thread;
    static struct hy_watchdog watchdog;
    static struct log log, slow;
    static struct hy_timer timer;
    if (hy_app_init(&app) < 0 || hy_thread_init(&thread, "watch", &app.hy) < 0 ||
        hy_watchdog_init(&watchdog, 20 * HY_MILLISECOND, NULL) < 0 ||
        hy_object_init(&log.hy, &log_class, NULL) < 0 ||
        hy_object_init(&slow.hy, &log_class, NULL) < 0 || hy_timer_init(&timer, &app.hy) < 0)
        return 1;
    hy_object_set_name(&slow.hy, "the slow one");
    hy_connect(&watchdog.events.blocked, &log, log_blocked, HY_AUTO);
    hy_connect(&watchdog.events.resumed, &log, log_resumed, HY_AUTO);
    hy_connect(&timer.events.timeout, &slow, log_something_slow, HY_AUTO);
    hy_object_move_to_thread(&log.hy, &thread);
    hy_object_move_to_thread(&watchdog.hy, &thread);
    if (hy_thread_start(&thread) < 0 || hy_timer_start_once(&timer, HY_MILLISECOND) < 0)
        return 1;
    int code = hy_app_exec(&app);
    hy_object_fini(&slow.hy);
    hy_app_fini(&app);
    return code;
}
