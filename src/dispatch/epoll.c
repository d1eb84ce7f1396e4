/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher on epoll.
 *
 * Quirks: epoll_pwait2 (Linux 5.11) takes nanoseconds; where it is missing, waits are rounded up to
 * milliseconds. The wake-up descriptor is watched edge-triggered and never read: each write is a
 * new edge, which saves a system call a wake-up. epoll refuses plain files with EPERM. Hang-ups and
 * errors are reported whatever was asked for, in every wait; EPOLLONESHOT silences them.
 *
 * epoll watches files, not numbers. A descriptor that is closed while it is watched drops out of
 * the set without a word, and the file that gets its number next is not watched in its place. The
 * table of watches notices when that number is watched again, and then reports the old one as not
 * open. When the closed file lives on through a duplicate, its events go on and cannot be stopped
 * by number; they carry a generation, so nobody is told, and the set is made anew without it
 * (whoever watches `descriptor` with an epoll of his own loses it then).
 *
 * A wait that leaves descriptors alone waits on a second epoll set, of the wake-up descriptor only;
 * each set has its own edge of a wake, so one that was seen in the one may end a wait in the other,
 * in vain. `descriptor` is one of the sets; the timer descriptor in them stands for the deadline.
 */
#include "dispatch/wake.h"
#include "dispatch/watches.h"
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <halyard/dispatcher.h>
#include <halyard/memory.h>
#include <halyard/notifier.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_PER_WAIT = HY__HARD ? 2 : 64
};
#define MARK_OWN UINT64_MAX /* the wake-up and timer descriptors */

struct epoll_dispatcher {
    struct hy_dispatcher base;
    int epoll_descriptor;
    struct hy__wake wake;
    struct hy__watches watches; /* tag: the generation of the watch */
    uint32_t generation;
    hy_ready_function ready; /* of the last wait: whom watch() tells of a closed descriptor */
    int quiet_descriptor;    /* the second set; -1 until it is needed */
    int timer_descriptor;    /* -1 until `descriptor` is called */
    int64_t armed_ns;        /* what the timer descriptor is set to */
    int64_t deadline_ns;
    bool precise;
    bool no_pwait2; /* the kernel lacks it */
};

static struct epoll_dispatcher *self_of(struct hy_dispatcher *dispatcher)
{
    return (struct epoll_dispatcher *)(void *)dispatcher;
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

/* What an event carries: the descriptor, and which watch of that number it is of. */
static uint64_t mark_of(intptr_t descriptor, uint32_t generation)
{
    return (uint64_t)generation << 32 | (uint32_t)descriptor;
}

/* 0 or an errno. */
static int control_in(int set, int operation, intptr_t descriptor, const struct hy__watch *watch)
{
    struct epoll_event event = {.events = events_of(watch->conditions),
                                .data.u64 = mark_of(descriptor, watch->tag)};
    return epoll_ctl(set, operation, (int)descriptor, &event) == 0 ? 0 : errno;
}

static int control(const struct epoll_dispatcher *self, int operation, intptr_t descriptor,
                   const struct hy__watch *watch)
{
    return control_in(self->epoll_descriptor, operation, descriptor, watch);
}

static int control_failed(int system_errno, intptr_t descriptor)
{
    if (system_errno == EEXIST)
        return hy__watches_taken(descriptor);
    if (system_errno == EPERM)
        return hy__watches_not_watchable(descriptor);
    if (system_errno == ENOENT)
        return hy_error_set(-HY_EBADF,
                            "descriptor %ld was closed while it was watched, and its number may be "
                            "another file now; call hy_notifier_unwatch() before close()",
                            (long)descriptor);
    return hy_error_set_system(system_errno, "cannot watch descriptor %ld", (long)descriptor);
}

static int epoll_watch(struct hy_dispatcher *dispatcher, intptr_t descriptor, unsigned conditions,
                       void *cookie)
{
    struct epoll_dispatcher *self = self_of(dispatcher);
    struct hy__watch watch = {cookie, conditions, self->generation + 1};
    if (descriptor < 0 || descriptor > INT32_MAX) /* its lower half may be another descriptor */
        return control_failed(EBADF, descriptor);
    /* Before the first wait nobody could be told of one that was closed. */
    if (self->ready == NULL && hy__watches_find(&self->watches, descriptor) != NULL)
        return hy__watches_taken(descriptor);
    int system_errno = control(self, EPOLL_CTL_ADD, descriptor, &watch);
    if (system_errno != 0)
        return control_failed(system_errno, descriptor);
    struct hy__watch *entry = hy__watches_entry(&self->watches, descriptor);
    if (entry == NULL) {
        control(self, EPOLL_CTL_DEL, descriptor, &watch);
        return -HY_ENOMEM;
    }
    self->generation++;
    void *closed = entry->cookie; /* it was, or epoll would have said EEXIST */
    *entry = watch;
    if (HY_UNLIKELY(closed != NULL))
        self->ready(closed, (unsigned)HY_FAILURE | HY_NOT_OPEN);
    return 0;
}

static int epoll_change(struct hy_dispatcher *dispatcher, intptr_t descriptor, unsigned conditions,
                        void *cookie)
{
    struct epoll_dispatcher *self = self_of(dispatcher);
    struct hy__watch *entry = hy__watches_find(&self->watches, descriptor);
    struct hy__watch watch = {cookie, conditions, entry != NULL ? entry->tag : 0};
    int system_errno = entry != NULL ? control(self, EPOLL_CTL_MOD, descriptor, &watch) : EBADF;
    if (system_errno != 0)
        return control_failed(system_errno, descriptor);
    *entry = watch;
    return 0;
}

static int epoll_forget(struct hy_dispatcher *dispatcher, intptr_t descriptor)
{
    struct epoll_dispatcher *self = self_of(dispatcher);
    struct hy__watch *entry = hy__watches_find(&self->watches, descriptor);
    if (entry == NULL)
        return 0;
    /* When the descriptor has been closed, there is nothing to be found. */
    control(self, EPOLL_CTL_DEL, descriptor, entry);
    *entry = (struct hy__watch){0};
    return 0;
}

/* The descriptor becomes readable at the deadline. */
static void timer_arm(struct epoll_dispatcher *self)
{
    int64_t when_ns = self->deadline_ns;
    if (when_ns == self->armed_ns)
        return;
    struct itimerspec when = {0}; /* never */
    if (when_ns != HY_FOREVER) {
        when.it_value.tv_sec = (time_t)(when_ns > 0 ? when_ns / HY_SECOND : 0);
        when.it_value.tv_nsec = (long)(when_ns > 0 ? when_ns % HY_SECOND : 1);
    }
    if (timerfd_settime(self->timer_descriptor, TFD_TIMER_ABSTIME, &when, NULL) == 0)
        self->armed_ns = when_ns;
}

static void epoll_set_deadline(struct hy_dispatcher *dispatcher, int64_t deadline_ns, bool precise)
{
    struct epoll_dispatcher *self = self_of(dispatcher);
    self->deadline_ns = deadline_ns;
    self->precise = precise;
    if (HY_UNLIKELY(self->timer_descriptor >= 0))
        timer_arm(self);
}

/* A descriptor of the dispatcher's own; it is not reported. */
static int add_own(int set, int descriptor, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u64 = MARK_OWN};
    return epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event);
}

static int quiet_open(struct epoll_dispatcher *self)
{
    if (self->quiet_descriptor >= 0)
        return 0;
    int set = epoll_create1(EPOLL_CLOEXEC);
    if (set < 0 || add_own(set, self->wake.reader, (uint32_t)EPOLLIN | (uint32_t)EPOLLET) < 0 ||
        (self->timer_descriptor >= 0 && add_own(set, self->timer_descriptor, EPOLLIN) < 0)) {
        int rc = hy_error_set_system(errno, "cannot wait without descriptors");
        if (set >= 0)
            close(set);
        return rc;
    }
    self->quiet_descriptor = set;
    return 0;
}

static int timer_open(struct epoll_dispatcher *self)
{
    if (self->timer_descriptor >= 0)
        return 0;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer < 0 || add_own(self->epoll_descriptor, timer, EPOLLIN) < 0 ||
        (self->quiet_descriptor >= 0 && add_own(self->quiet_descriptor, timer, EPOLLIN) < 0)) {
        int rc = hy_error_set_system(errno, "cannot make the descriptor of a loop");
        if (timer >= 0)
            close(timer); /* leaves the sets, too */
        return rc;
    }
    self->timer_descriptor = timer;
    self->armed_ns = HY_FOREVER;
    timer_arm(self);
    return 0;
}

static int epoll_descriptor_of(struct hy_dispatcher *dispatcher, unsigned flags)
{
    struct epoll_dispatcher *self = self_of(dispatcher);
    bool quiet = (flags & HY_WAIT_NO_DESCRIPTORS) != 0;
    int rc = timer_open(self);
    if (rc == 0 && quiet)
        rc = quiet_open(self);
    return rc < 0 ? rc : quiet ? self->quiet_descriptor : self->epoll_descriptor;
}

static int64_t time_left_ns(const struct epoll_dispatcher *self)
{
    int64_t now_ns = hy__clock_ns();
    /* Compared first: the difference to a deadline far in the past has no room in 64 bits. */
    return self->deadline_ns > now_ns ? self->deadline_ns - now_ns : 0;
}

static int wait_ms(int set, struct epoll_event *events, int64_t left_ns)
{
    int64_t left_ms = (left_ns + HY_MILLISECOND - 1) / HY_MILLISECOND; /* never early */
    int timeout = left_ms > INT32_MAX ? INT32_MAX : (int)left_ms;
    return epoll_wait(set, events, EVENTS_PER_WAIT, timeout);
}

static int wait_until_deadline(struct epoll_dispatcher *self, int set, struct epoll_event *events)
{
    int64_t left_ns = time_left_ns(self);
    if (left_ns == 0 || !self->precise || self->no_pwait2)
        return wait_ms(set, events, left_ns);
    struct timespec timeout = {.tv_sec = (time_t)(left_ns / HY_SECOND),
                               .tv_nsec = (long)(left_ns % HY_SECOND)};
    int count = epoll_pwait2(set, events, EVENTS_PER_WAIT, &timeout, NULL);
    if (count < 0 && (errno == ENOSYS || errno == EPERM)) { /* EPERM: a container's filter */
        self->no_pwait2 = true;
        return wait_ms(set, events, left_ns);
    }
    return count;
}

/* Events of a file that nobody watches by its number any more come back in every wait: a set
 * without it takes the place of this one. When there is no descriptor for that, the next time. */
static __attribute__((noinline, cold)) void make_anew(struct epoll_dispatcher *self)
{
    int set = epoll_create1(EPOLL_CLOEXEC);
    if (set < 0)
        return;
    bool whole = add_own(set, self->wake.reader, (uint32_t)EPOLLIN | (uint32_t)EPOLLET) == 0 &&
                 (self->timer_descriptor < 0 ||
                  add_own(set, self->timer_descriptor, (uint32_t)EPOLLIN) == 0);
    for (intptr_t descriptor = 0; whole && descriptor < self->watches.size; descriptor++) {
        struct hy__watch *entry = hy__watches_find(&self->watches, descriptor);
        int system_errno = entry != NULL ? control_in(set, EPOLL_CTL_ADD, descriptor, entry) : 0;
        if (system_errno == EBADF || system_errno == EPERM) {
            void *closed = entry->cookie;
            *entry = (struct hy__watch){0};
            self->ready(closed, (unsigned)HY_FAILURE | HY_NOT_OPEN);
        } else if (system_errno != 0) {
            whole = false;
        }
    }
    if (whole)
        (void)dup3(set, self->epoll_descriptor, O_CLOEXEC);
    close(set);
}

static int report(struct epoll_dispatcher *self, const struct epoll_event *events, int count)
{
    bool stale = false;
    for (int i = 0; i < count; i++) {
        uint64_t mark = events[i].data.u64;
        if (mark == MARK_OWN)
            continue;
        struct hy__watch *entry = hy__watches_find(&self->watches, (intptr_t)(uint32_t)mark);
        if (HY_UNLIKELY(entry == NULL || entry->tag != mark >> 32))
            stale = true;
        else
            self->ready(entry->cookie, conditions_of(events[i].events));
    }
    if (HY_UNLIKELY(stale))
        make_anew(self);
    return 0;
}

static int epoll_wait_for_events(struct hy_dispatcher *dispatcher, unsigned flags,
                                 hy_ready_function ready)
{
    struct epoll_dispatcher *self = self_of(dispatcher);
    struct epoll_event events[EVENTS_PER_WAIT];
    int count, set = self->epoll_descriptor;
    if (HY_UNLIKELY((flags & HY_WAIT_NO_DESCRIPTORS) != 0)) {
        int rc = quiet_open(self);
        if (rc < 0)
            return rc;
        set = self->quiet_descriptor;
    }
    if ((flags & HY_WAIT_BLOCK) == 0)
        count = epoll_wait(set, events, EVENTS_PER_WAIT, 0);
    else if (self->deadline_ns == HY_FOREVER)
        count = epoll_wait(set, events, EVENTS_PER_WAIT, -1);
    else
        count = wait_until_deadline(self, set, events);
    if (count < 0)
        return errno == EINTR ? 0 : hy_error_set_system(errno, "cannot wait for events");
    self->ready = ready;
    return report(self, events, count);
}

static void epoll_wake(struct hy_dispatcher *dispatcher)
{
    hy__wake_signal(&self_of(dispatcher)->wake);
}

static void epoll_destroy(struct hy_dispatcher *dispatcher)
{
    struct epoll_dispatcher *self = self_of(dispatcher);
    if (self->epoll_descriptor >= 0)
        close(self->epoll_descriptor);
    if (self->quiet_descriptor >= 0)
        close(self->quiet_descriptor);
    if (self->timer_descriptor >= 0)
        close(self->timer_descriptor);
    hy__wake_close(&self->wake);
    hy__watches_free(&self->watches);
    hy_memory_release(self);
}

static const struct hy_dispatcher_ops epoll_ops = {
    .version = HY_DISPATCHER_VERSION,
    .size = sizeof(struct hy_dispatcher_ops),
    .name = "epoll",
    .watch = epoll_watch,
    .change = epoll_change,
    .forget = epoll_forget,
    .set_deadline = epoll_set_deadline,
    .wait = epoll_wait_for_events,
    .wake = epoll_wake,
    .descriptor = epoll_descriptor_of,
    .destroy = epoll_destroy,
};

int hy_dispatcher_create(struct hy_dispatcher **ret_dispatcher)
{
    struct epoll_dispatcher *self = hy_memory_allocate_zeroed(sizeof *self);
    if (self == NULL)
        return -HY_ENOMEM;
    self->base.ops = &epoll_ops;
    self->deadline_ns = HY_FOREVER;
    self->quiet_descriptor = self->timer_descriptor = -1;
    int system_errno = hy__wake_open(&self->wake);
    self->epoll_descriptor = system_errno == 0 ? epoll_create1(EPOLL_CLOEXEC) : -1;
    if (system_errno == 0 &&
        (self->epoll_descriptor < 0 || add_own(self->epoll_descriptor, self->wake.reader,
                                               (uint32_t)EPOLLIN | (uint32_t)EPOLLET) < 0))
        system_errno = errno;
    if (system_errno != 0) {
        int rc = hy_error_set_system(system_errno, "cannot make an epoll dispatcher");
        epoll_destroy(&self->base);
        return rc;
    }
    *ret_dispatcher = &self->base;
    return 0;
}
