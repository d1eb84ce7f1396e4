/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher on epoll.
 *
 * Quirks: epoll_pwait2 (Linux 5.11) takes nanoseconds; where it is missing, waits are rounded up to
 * milliseconds. The wake-up descriptor is watched edge-triggered and never read: each write is a
 * new edge, which saves a system call a wake-up. epoll refuses plain files with EPERM. A closed
 * descriptor drops out of the set by itself, so forgetting one may find nothing. Hang-ups and
 * errors are reported whatever was asked for, in every wait; EPOLLONESHOT silences them.
 */
#include "platform/platform.h"

#include <errno.h>
#include <halyard/dispatcher.h>
#include <halyard/memory.h>
#include <halyard/notifier.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_PER_WAIT = 64
};

struct epoll_dispatcher {
    struct hy_dispatcher base;
    int epoll_descriptor;
    int wake_descriptor;
    int64_t deadline_ns;
    bool precise;
    bool no_pwait2; /* the kernel lacks it */
};

static struct epoll_dispatcher *self_of(struct hy_dispatcher *dispatcher)
{
    return (struct epoll_dispatcher *)(void *)dispatcher;
}

static int64_t epoll_now(struct hy_dispatcher *dispatcher)
{
    (void)dispatcher;
    return hy__clock_ns();
}

static uint32_t events_of(unsigned conditions)
{
    if (conditions == 0) /* hang-ups and errors cannot be left out, but told once only */
        return EPOLLONESHOT;
    return ((conditions & HY_READABLE) != 0 ? (uint32_t)EPOLLIN | (uint32_t)EPOLLRDHUP : 0u) |
           ((conditions & HY_WRITABLE) != 0 ? (uint32_t)EPOLLOUT : 0u) |
           ((conditions & HY_URGENT) != 0 ? (uint32_t)EPOLLPRI : 0u);
}

static unsigned conditions_of(uint32_t events)
{
    /* The end of the peer's data is readable: a read gives 0. */
    return ((events & (EPOLLIN | EPOLLRDHUP)) != 0 ? (unsigned)HY_READABLE : 0u) |
           ((events & EPOLLOUT) != 0 ? (unsigned)HY_WRITABLE : 0u) |
           ((events & EPOLLPRI) != 0 ? (unsigned)HY_URGENT : 0u) |
           ((events & (EPOLLHUP | EPOLLRDHUP)) != 0 ? (unsigned)HY_HANGUP : 0u) |
           ((events & EPOLLERR) != 0 ? (unsigned)HY_FAILURE : 0u);
}

static int control(struct hy_dispatcher *dispatcher, int operation, intptr_t handle,
                   unsigned conditions, void *cookie)
{
    struct epoll_event event = {.events = events_of(conditions), .data.ptr = cookie};
    if (epoll_ctl(self_of(dispatcher)->epoll_descriptor, operation, (int)handle, &event) == 0)
        return 0;
    switch (errno) {
    case EEXIST:
        return hy_error_set(-HY_EEXIST, "another notifier of this thread watches descriptor %ld",
                            (long)handle);
    case EPERM:
        return hy_error_set(-HY_EBADF,
                            "descriptor %ld is of a kind that is always ready, such as a "
                            "plain file; it cannot be watched",
                            (long)handle);
    case ENOENT:
        return hy_error_set(-HY_EBADF,
                            "descriptor %ld was closed while it was watched, and its number may "
                            "be another file now; call hy_notifier_unwatch() before close()",
                            (long)handle);
    default:
        return hy_error_set_system(errno, "cannot watch descriptor %ld", (long)handle);
    }
}

static int epoll_watch(struct hy_dispatcher *dispatcher, intptr_t handle, unsigned conditions,
                       void *cookie)
{
    return control(dispatcher, EPOLL_CTL_ADD, handle, conditions, cookie);
}

static int epoll_change(struct hy_dispatcher *dispatcher, intptr_t handle, unsigned conditions,
                        void *cookie)
{
    return control(dispatcher, EPOLL_CTL_MOD, handle, conditions, cookie);
}

static int epoll_forget(struct hy_dispatcher *dispatcher, intptr_t handle)
{
    struct epoll_event unused = {0};
    epoll_ctl(self_of(dispatcher)->epoll_descriptor, EPOLL_CTL_DEL, (int)handle, &unused);
    return 0;
}

static void epoll_set_deadline(struct hy_dispatcher *dispatcher, int64_t deadline_ns, bool precise)
{
    self_of(dispatcher)->deadline_ns = deadline_ns;
    self_of(dispatcher)->precise = precise;
}

static int64_t time_left_ns(const struct epoll_dispatcher *self)
{
    int64_t now_ns = hy__clock_ns();
    /* Compared first: the difference to a deadline far in the past has no room in 64 bits. */
    return self->deadline_ns > now_ns ? self->deadline_ns - now_ns : 0;
}

static int wait_ms(struct epoll_dispatcher *self, struct epoll_event *events, int64_t left_ns)
{
    int64_t left_ms = (left_ns + HY_MILLISECOND - 1) / HY_MILLISECOND; /* never early */
    int timeout = left_ms > INT32_MAX ? INT32_MAX : (int)left_ms;
    return epoll_wait(self->epoll_descriptor, events, EVENTS_PER_WAIT, timeout);
}

static int wait_until_deadline(struct epoll_dispatcher *self, struct epoll_event *events)
{
    int64_t left_ns = time_left_ns(self);
    if (left_ns == 0 || !self->precise || self->no_pwait2)
        return wait_ms(self, events, left_ns);
    struct timespec timeout = {.tv_sec = (time_t)(left_ns / HY_SECOND),
                               .tv_nsec = (long)(left_ns % HY_SECOND)};
    int count = epoll_pwait2(self->epoll_descriptor, events, EVENTS_PER_WAIT, &timeout, NULL);
    if (count < 0 && (errno == ENOSYS || errno == EPERM)) { /* EPERM: a container's filter */
        self->no_pwait2 = true;
        return wait_ms(self, events, left_ns);
    }
    return count;
}

static int epoll_wait_for_events(struct hy_dispatcher *dispatcher, unsigned flags,
                                 hy_ready_function ready)
{
    struct epoll_dispatcher *self = self_of(dispatcher);
    struct epoll_event events[EVENTS_PER_WAIT];
    int count;
    if ((flags & HY_WAIT_BLOCK) == 0)
        count = epoll_wait(self->epoll_descriptor, events, EVENTS_PER_WAIT, 0);
    else if (self->deadline_ns == HY_FOREVER)
        count = epoll_wait(self->epoll_descriptor, events, EVENTS_PER_WAIT, -1);
    else
        count = wait_until_deadline(self, events);
    if (count < 0)
        return errno == EINTR ? 0 : hy_error_set_system(errno, "cannot wait for events");
    for (int i = 0; i < count; i++)
        if (events[i].data.ptr != NULL) /* NULL: the wake-up */
            ready(events[i].data.ptr, conditions_of(events[i].events));
    return 0;
}

static void epoll_wake(struct hy_dispatcher *dispatcher)
{
    uint64_t one = 1;
    /* A full counter (2^64 - 2 wakes) would fail, and wake all the same. */
    while (write(self_of(dispatcher)->wake_descriptor, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

static int epoll_park(struct hy_dispatcher *dispatcher, uint32_t *word, uint32_t expected,
                      int64_t deadline_ns)
{
    (void)dispatcher;
    return hy__futex_wait(word, expected, deadline_ns) ? 0 : -HY_ETIMEDOUT;
}

static void epoll_unpark(struct hy_dispatcher *dispatcher, uint32_t *word)
{
    (void)dispatcher;
    hy__futex_wake(word, INT32_MAX);
}

static void epoll_destroy(struct hy_dispatcher *dispatcher)
{
    struct epoll_dispatcher *self = self_of(dispatcher);
    if (self->epoll_descriptor >= 0)
        close(self->epoll_descriptor);
    if (self->wake_descriptor >= 0)
        close(self->wake_descriptor);
    hy_release(self);
}

static const struct hy_dispatcher_ops epoll_ops = {
    .version = HY_DISPATCHER_VERSION,
    .size = sizeof(struct hy_dispatcher_ops),
    .name = "epoll",
    .now = epoll_now,
    .watch = epoll_watch,
    .change = epoll_change,
    .forget = epoll_forget,
    .set_deadline = epoll_set_deadline,
    .wait = epoll_wait_for_events,
    .wake = epoll_wake,
    .park = epoll_park,
    .unpark = epoll_unpark,
    .destroy = epoll_destroy,
};

int hy_dispatcher_create(struct hy_dispatcher **ret_dispatcher)
{
    struct epoll_dispatcher *self = hy_allocate_zeroed(sizeof *self);
    if (self == NULL)
        return -HY_ENOMEM;
    self->base.ops = &epoll_ops;
    self->deadline_ns = HY_FOREVER;
    self->wake_descriptor = -1;
    self->epoll_descriptor = epoll_create1(EPOLL_CLOEXEC);
    if (self->epoll_descriptor >= 0)
        self->wake_descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = (uint32_t)EPOLLIN | (uint32_t)EPOLLET, .data.ptr = NULL};
    if (self->wake_descriptor < 0 ||
        epoll_ctl(self->epoll_descriptor, EPOLL_CTL_ADD, self->wake_descriptor, &event) < 0) {
        int rc = hy_error_set_system(errno, "cannot make an epoll dispatcher");
        epoll_destroy(&self->base);
        return rc;
    }
    *ret_dispatcher = &self->base;
    return 0;
}
