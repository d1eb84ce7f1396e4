/* SPDX-License-Identifier: MIT */
/* A dispatcher of one's own, on select(), and a thread that runs on it: words come through a pipe
 * and are read there, a timer counts them. Ends by itself, with 0 when all has arrived. */
#include <errno.h>
#include <fcntl.h>
#include <halyard/halyard.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <unistd.h>

struct select_dispatcher {
    struct hy_dispatcher base;
    int wake[2];                     /* a pipe: what is written here ends the wait */
    void *cookies[FD_SETSIZE];       /* NULL: not watched */
    unsigned conditions[FD_SETSIZE]; /* bits 0, 1 and 2: readable, writable, urgent */
    int64_t deadline_ns;
};
#define SELF(dispatcher) ((struct select_dispatcher *)(void *)(dispatcher))

static int select_change(struct hy_dispatcher *self, intptr_t fd, unsigned conditions, void *cookie)
{
    SELF(self)->cookies[fd] = cookie;
    SELF(self)->conditions[fd] = conditions;
    return 0;
}

static int select_watch(struct hy_dispatcher *self, intptr_t fd, unsigned conditions, void *cookie)
{
    if (fcntl((int)fd, F_GETFD) < 0)
        return hy_error_set_system(errno, "cannot watch descriptor %ld", (long)fd);
    if (fd >= FD_SETSIZE)
        return hy_error_set(-HY_EMFILE, "select() takes no descriptor above %d", FD_SETSIZE - 1);
    if (SELF(self)->cookies[fd] != NULL)
        return hy_error_set(-HY_EEXIST, "descriptor %ld is watched already", (long)fd);
    return select_change(self, fd, conditions, cookie);
}

static int select_forget(struct hy_dispatcher *self, intptr_t fd)
{
    return select_change(self, fd, 0, NULL);
}

static void select_set_deadline(struct hy_dispatcher *self, int64_t deadline_ns, bool precise)
{
    (void)precise; /* it always is */
    SELF(self)->deadline_ns = deadline_ns;
}

static int select_wait(struct hy_dispatcher *dispatcher, unsigned flags, hy_ready_function ready)
{
    struct select_dispatcher *self = SELF(dispatcher);
    fd_set sets[3] = {0};
    for (int fd = 0; fd < FD_SETSIZE && (flags & HY_WAIT_NO_DESCRIPTORS) == 0; fd++)
        for (int i = 0; i < 3; i++)
            if ((self->conditions[fd] & 1u << i) != 0)
                FD_SET(fd, &sets[i]);
    FD_SET(self->wake[0], &sets[0]);
    int64_t now_ns = (flags & HY_WAIT_BLOCK) != 0 ? hy_now_ns() : HY_FOREVER;
    int64_t left_ns = self->deadline_ns > now_ns ? self->deadline_ns - now_ns : 0;
    struct timespec left = {(time_t)(left_ns / HY_SECOND), (long)(left_ns % HY_SECOND)};
    int rc = pselect(FD_SETSIZE, &sets[0], &sets[1], &sets[2], &left, NULL);
    if (rc < 0 && errno != EBADF)
        return errno == EINTR ? 0 : hy_error_set_system(errno, "cannot select");
    char bytes[4096];
    if (rc > 0 && FD_ISSET(self->wake[0], &sets[0]) && read(self->wake[0], bytes, 4096) < 0)
        return hy_error_set_system(errno, "cannot read what woke");
    for (int fd = 0; fd < FD_SETSIZE; fd++) {
        void *cookie = self->cookies[fd];
        unsigned found = 0;
        for (int i = 0; rc > 0 && i < 3; i++)
            found |= FD_ISSET(fd, &sets[i]) ? 1u << i : 0;
        if (rc < 0 && cookie != NULL && fcntl(fd, F_GETFD) < 0) { /* the one of EBADF */
            found = (unsigned)HY_FAILURE | HY_NOT_OPEN;
            select_forget(dispatcher, fd);
        }
        if (cookie != NULL && found != 0)
            ready(cookie, found);
    }
    return 0;
}

static void select_wake(struct hy_dispatcher *self)
{
    while (write(SELF(self)->wake[1], "", 1) < 0 && errno == EINTR) {
    } /* a full pipe wakes too */
}

static void select_destroy(struct hy_dispatcher *self)
{
    close(SELF(self)->wake[0]);
    close(SELF(self)->wake[1]);
    free(self);
}

/* clang-format off */
static const struct hy_dispatcher_ops select_ops = {
    .version = HY_DISPATCHER_VERSION, .size = sizeof select_ops, .name = "select",
    .watch = select_watch, .change = select_change, .forget = select_forget,
    .set_deadline = select_set_deadline, .wait = select_wait, .wake = select_wake,
    .destroy = select_destroy};
/* clang-format on */

static struct hy_dispatcher *select_dispatcher_create(void)
{
    struct select_dispatcher *self = calloc(1, sizeof *self);
    if (self == NULL || pipe2(self->wake, O_CLOEXEC | O_NONBLOCK) < 0) {
        free(self);
        return NULL;
    }
    self->base.ops = &select_ops;
    return &self->base;
}
#ifndef CUSTOM_DISPATCHER_WITHOUT_MAIN
static int pipe_ends[2], bytes_read; /* the second is the thread's, until it has been joined */
static void thread_read(struct hy_notifier *notifier, const struct hy_readiness *readiness)
{
    char text[16];
    bytes_read += (int)read((int)readiness->descriptor, text, sizeof text);
    if (bytes_read >= 15)
        hy_thread_quit(hy_object_thread(&notifier->hy), 0);
}

static void timer_write(struct hy_timer *timer)
{
    if (write(pipe_ends[1], "word ", 5) < 0)
        hy_timer_stop(timer);
}

int main(void)
{
    static struct hy_thread thread;
    static struct hy_notifier notifier;
    static struct hy_timer timer;
    if (pipe(pipe_ends) < 0 || hy_thread_init(&thread, "select", NULL) < 0 ||
        hy_thread_set_dispatcher(&thread, select_dispatcher_create()) < 0 ||
        hy_notifier_init(&notifier, NULL) < 0 || hy_timer_init(&timer, NULL) < 0 ||
        hy_connect(&notifier.events.ready, &notifier, thread_read, HY_AUTO) < 0 ||
        hy_connect(&timer.events.timeout, &timer, timer_write, HY_AUTO) < 0 ||
        hy_notifier_watch(&notifier, pipe_ends[0], HY_READABLE) < 0 ||
        hy_timer_start(&timer, 5 * HY_MILLISECOND) < 0 ||
        hy_object_move_to_thread(&notifier.hy, &thread) < 0 ||
        hy_object_move_to_thread(&timer.hy, &thread) < 0 || hy_thread_start(&thread) < 0)
        return printf("%s\n", hy_last_error()->message), 1;
    hy_thread_join(&thread, HY_FOREVER);
    hy_thread_fini(&thread);
    return printf("%d bytes have come\n", bytes_read) > 0 && bytes_read >= 15 ? 0 : 1;
}
#endif
