/* SPDX-License-Identifier: MIT */
/* An orderly end, in the one order that there is. Until SIGINT or SIGTERM (`kill`), a clerk writes
 * to an archive in another thread; then the clerk is told first, while all threads still run, what
 * is on its way to the archive arrives, and the archive ends in its own thread. SIGUSR1 asks how it
 * stands. */
#include <halyard/halyard.h>
#include <signal.h>
#include <stdio.h>

struct archive {
    HY_INHERITS(hy_object);
    unsigned stored;
};

static void archive_fini(struct hy_object *object) /* thread: archive */
{
    printf("archive closed in thread %s with %u entries\n", hy_thread_name(hy_thread_current()),
           ((struct archive *)object)->stored);
}
static const struct hy_class archive_class = HY_CLASS(struct archive, .fini = archive_fini);

struct clerk {
    HY_INHERITS(hy_object);
    struct hy_timer timer;
    struct hy_unix_signal usr1;
    unsigned written;
    struct {
        hy_signal0 entry;
    } events;
};
static const struct hy_class clerk_class =
    HY_CLASS(struct clerk, .signals = HY_SIGNALS(HY_NO_PAYLOAD(struct clerk, events.entry)));

static void archive_store(struct archive *self) /* thread: archive */
{
    self->stored++;
}

static void clerk_write(struct clerk *self) /* thread: main */
{
    self->written++;
    hy_emit0(&self->events.entry);
}

static void clerk_tell(struct clerk *self) /* thread: main */
{
    printf("%s\n", self->written > 0 ? "writing" : "nothing written yet");
}

static void clerk_finish(struct clerk *self) /* thread: main */
{
    hy_timer_stop(&self->timer);
    clerk_write(self); /* the last one: it arrives too */
    printf("clerk wrote %u entries\n", self->written);
}

static int clerk_init(struct clerk *self, struct hy_app *app)
{
    int rc = hy_object_init(&self->hy, &clerk_class, &app->hy);
    if (rc == 0)
        rc = hy_timer_init(&self->timer, &self->hy);
    if (rc == 0)
        rc = hy_unix_signal_init(&self->usr1, &self->hy);
    if (rc == 0)
        rc = hy_connect(&self->timer.events.timeout, self, clerk_write, HY_AUTO);
    if (rc == 0)
        rc = hy_connect(&self->usr1.events.arrived, self, clerk_tell, HY_AUTO);
    if (rc == 0)
        rc = hy_connect(&app->events.about_to_quit, self, clerk_finish, HY_AUTO);
    if (rc == 0)
        rc = hy_unix_signal_watch(&self->usr1, SIGUSR1);
    return rc == 0 ? hy_timer_start(&self->timer, HY_MILLISECOND) : rc;
}

int main(void)
{
    static struct hy_app app;
    static struct hy_thread thread;
    static struct archive archive;
    static struct clerk clerk;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (hy_app_init(&app) < 0 || hy_thread_init(&thread, "archive", &app.hy) < 0 ||
        hy_object_init(&archive.hy, &archive_class, NULL) < 0 ||
        hy_object_move_to_thread(&archive.hy, &thread) < 0 || clerk_init(&clerk, &app) < 0 ||
        hy_connect(&clerk.events.entry, &archive, archive_store, HY_AUTO) < 0 ||
        hy_thread_start(&thread) < 0)
        return fprintf(stderr, "%s\n", hy_last_error()->message) < 0 ? 2 : 1;
    puts("running; stop it with Ctrl-C");
    int code = hy_app_exec(&app);
    hy_app_fini(&app);
    return code;
}
