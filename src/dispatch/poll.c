/* SPDX-License-Identifier: MIT */
/*
 * The portable dispatcher, on poll(): the reference for those who write one.
 *
 * The array that poll() takes is kept from wait to wait: place 0 is the wake-up descriptor, the
 * others are what is watched, in any order; the table of watches says where. What is paused stands
 * there with its number inverted, which poll() passes over. A descriptor that has been closed is
 * seen by the next wait (POLLNVAL), unless its number has been given to another file before: then
 * that one is watched.
 */
#include "dispatch/wake.h"
#include "dispatch/watches.h"
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <halyard/dispatcher.h>
#include <halyard/memory.h>
#include <halyard/notifier.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

struct poll_dispatcher {
    struct hy_dispatcher base;
    struct hy__wake wake;
    struct hy__watches watches; /* tag: the place in `polls` */
    struct pollfd *polls;
    nfds_t count, room; /* the wake-up descriptor included */
    int64_t deadline_ns;
};

static struct poll_dispatcher *self_of(struct hy_dispatcher *dispatcher)
{
    return (struct poll_dispatcher *)(void *)dispatcher;
}

static short events_of(unsigned conditions)
{
    return (short)(((conditions & HY_READABLE) != 0 ? POLLIN | POLLRDHUP : 0) |
                   ((conditions & HY_WRITABLE) != 0 ? POLLOUT : 0) |
                   ((conditions & HY_URGENT) != 0 ? POLLPRI : 0));
}

static unsigned conditions_of(short events)
{
    /* The end of the peer's data is readable: a read gives 0. */
    return ((events & (POLLIN | POLLRDHUP)) != 0 ? (unsigned)HY_READABLE : 0u) |
           ((events & POLLOUT) != 0 ? (unsigned)HY_WRITABLE : 0u) |
           ((events & POLLPRI) != 0 ? (unsigned)HY_URGENT : 0u) |
           ((events & (POLLHUP | POLLRDHUP)) != 0 ? (unsigned)HY_HANGUP : 0u) |
           ((events & POLLERR) != 0 ? (unsigned)HY_FAILURE : 0u) |
           ((events & POLLNVAL) != 0 ? (unsigned)HY_FAILURE | HY_NOT_OPEN : 0u);
}

static void set_place(struct poll_dispatcher *self, int descriptor, const struct hy__watch *watch)
{
    self->polls[watch->tag].fd = watch->conditions != 0 ? descriptor : ~descriptor;
    self->polls[watch->tag].events = events_of(watch->conditions);
    self->polls[watch->tag].revents = 0;
}

static int make_room(struct poll_dispatcher *self)
{
    if (self->count < self->room)
        return 0;
    nfds_t room = self->room > 0 ? 2 * self->room : 16;
    struct pollfd *polls = hy_memory_allocate_zeroed(room * sizeof *polls);
    if (polls == NULL)
        return -HY_ENOMEM;
    if (self->count > 0)
        memcpy(polls, self->polls, self->count * sizeof *polls);
    hy_memory_release(self->polls);
    self->polls = polls;
    self->room = room;
    return 0;
}

/* As epoll does: poll() would call a plain file ready for ever. */
static int check_watchable(intptr_t descriptor)
{
    struct stat status;
    if (descriptor < 0 || descriptor > INT32_MAX || fstat((int)descriptor, &status) < 0)
        return hy_error_set(-HY_EBADF, "descriptor %ld is not open; it cannot be watched",
                            (long)descriptor);
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))
        return hy__watches_not_watchable(descriptor);
    return 0;
}

static int poll_watch(struct hy_dispatcher *dispatcher, intptr_t descriptor, unsigned conditions,
                      void *cookie)
{
    struct poll_dispatcher *self = self_of(dispatcher);
    int rc = check_watchable(descriptor);
    if (rc < 0)
        return rc;
    if (hy__watches_find(&self->watches, descriptor) != NULL)
        return hy__watches_taken(descriptor);
    struct hy__watch *watch = hy__watches_entry(&self->watches, descriptor);
    if (watch == NULL || make_room(self) < 0)
        return -HY_ENOMEM;
    *watch = (struct hy__watch){
        .cookie = cookie, .conditions = conditions, .tag = (uint32_t)self->count};
    self->count++;
    set_place(self, (int)descriptor, watch);
    return 0;
}

static int poll_change(struct hy_dispatcher *dispatcher, intptr_t descriptor, unsigned conditions,
                       void *cookie)
{
    struct poll_dispatcher *self = self_of(dispatcher);
    struct hy__watch *watch = hy__watches_find(&self->watches, descriptor);
    if (watch == NULL)
        return hy_error_set(-HY_EBADF, "descriptor %ld is not watched", (long)descriptor);
    watch->cookie = cookie;
    watch->conditions = conditions;
    set_place(self, (int)descriptor, watch);
    return 0;
}

static int poll_forget(struct hy_dispatcher *dispatcher, intptr_t descriptor)
{
    struct poll_dispatcher *self = self_of(dispatcher);
    struct hy__watch *watch = hy__watches_find(&self->watches, descriptor);
    if (watch == NULL)
        return 0;
    /* The last one takes its place. */
    struct pollfd *last = &self->polls[--self->count];
    self->polls[watch->tag] = *last;
    self->watches.entries[last->fd >= 0 ? last->fd : ~last->fd].tag = watch->tag;
    *watch = (struct hy__watch){0};
    return 0;
}

static void poll_set_deadline(struct hy_dispatcher *dispatcher, int64_t deadline_ns, bool precise)
{
    (void)precise;
    self_of(dispatcher)->deadline_ns = deadline_ns;
}

/* Never early: the time left is rounded up where nanoseconds cannot be said. */
static int wait_for(struct poll_dispatcher *self, nfds_t count, bool block)
{
    if (block && self->deadline_ns == HY_FOREVER)
        return poll(self->polls, count, -1);
    int64_t now_ns = block ? hy__clock_ns() : 0;
    int64_t left_ns = block && self->deadline_ns > now_ns ? self->deadline_ns - now_ns : 0;
#ifdef __APPLE__
    int64_t left_ms = left_ns / HY_MILLISECOND + (left_ns % HY_MILLISECOND != 0 ? 1 : 0);
    return poll(self->polls, count, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
#else
    struct timespec timeout = {.tv_sec = (time_t)(left_ns / HY_SECOND),
                               .tv_nsec = (long)(left_ns % HY_SECOND)};
    return ppoll(self->polls, count, &timeout, NULL);
#endif
}

/* The ready function runs no user code, so the array stays as it is; but what is not open leaves
 * it, from the end, where the one that takes its place has been looked at. */
static void report(struct poll_dispatcher *self, nfds_t count, hy_ready_function ready)
{
    bool closed = false;
    for (nfds_t place = 1; place < count; place++) {
        short events = self->polls[place].revents;
        if (events == 0)
            continue;
        closed |= (events & POLLNVAL) != 0;
        ready(self->watches.entries[self->polls[place].fd].cookie, conditions_of(events));
    }
    for (nfds_t place = count; closed && place-- > 1;)
        if ((self->polls[place].revents & POLLNVAL) != 0)
            poll_forget(&self->base, self->polls[place].fd);
}

static int poll_wait(struct hy_dispatcher *dispatcher, unsigned flags, hy_ready_function ready)
{
    struct poll_dispatcher *self = self_of(dispatcher);
    nfds_t count = (flags & HY_WAIT_NO_DESCRIPTORS) != 0 ? 1 : self->count;
    int found = wait_for(self, count, (flags & HY_WAIT_BLOCK) != 0);
    if (found < 0)
        return errno == EINTR ? 0 : hy_error_set_system(errno, "cannot wait for events");
    if (self->polls[0].revents != 0)
        hy__wake_clear(&self->wake);
    if (found > 0)
        report(self, count, ready);
    return 0;
}

static void poll_wake(struct hy_dispatcher *dispatcher)
{
    hy__wake_signal(&self_of(dispatcher)->wake);
}

static void poll_destroy(struct hy_dispatcher *dispatcher)
{
    struct poll_dispatcher *self = self_of(dispatcher);
    hy__wake_close(&self->wake);
    hy__watches_free(&self->watches);
    hy_memory_release(self->polls);
    hy_memory_release(self);
}

static const struct hy_dispatcher_ops poll_ops = {
    .version = HY_DISPATCHER_VERSION,
    .size = sizeof(struct hy_dispatcher_ops),
    .name = "poll",
    .watch = poll_watch,
    .change = poll_change,
    .forget = poll_forget,
    .set_deadline = poll_set_deadline,
    .wait = poll_wait,
    .wake = poll_wake,
    .destroy = poll_destroy,
};

int hy_dispatcher_create_poll(struct hy_dispatcher **ret_dispatcher)
{
    struct poll_dispatcher *self = hy_memory_allocate_zeroed(sizeof *self);
    if (self == NULL)
        return -HY_ENOMEM;
    self->base.ops = &poll_ops;
    self->deadline_ns = HY_FOREVER;
    self->wake.reader = self->wake.writer = -1;
    int rc = make_room(self);
    int system_errno = rc == 0 ? hy__wake_open(&self->wake) : 0;
    if (system_errno != 0)
        rc = hy_error_set_system(system_errno, "cannot make a poll dispatcher");
    if (rc < 0) {
        poll_destroy(&self->base);
        return rc;
    }
    self->polls[0] = (struct pollfd){.fd = self->wake.reader, .events = POLLIN};
    self->count = 1;
    *ret_dispatcher = &self->base;
    return 0;
}
