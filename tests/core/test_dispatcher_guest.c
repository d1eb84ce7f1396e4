/* SPDX-License-Identifier: MIT */
/*
 * The dispatchers' suite for a guest: a small foreign loop, written by hand, that knows Halyard as
 * one of its sources. With FOREIGN_MAIN the foreign loop is the thread's main loop and no loop of
 * Halyard executes; else hy_loop_exec() runs, whose wait is a turn of the foreign loop.
 */
#include "dispatcher_suite.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

struct guest {
    struct hy_dispatcher base;
    struct hy_dispatcher *inner; /* an epoll dispatcher does the system's part */
};

#define INNER(dispatcher) (((struct guest *)(void *)(dispatcher))->inner)
#define OPS(dispatcher)   (INNER(dispatcher)->ops)

static __thread struct hy_dispatcher *current;

/* --- the dispatcher --------------------------------------------------------------------------- */

static int guest_attach(struct hy_dispatcher *dispatcher)
{
    current = dispatcher;
    return 0;
}

static void guest_detach(struct hy_dispatcher *dispatcher)
{
    EXPECT(current == dispatcher);
    current = NULL;
}

static int guest_watch(struct hy_dispatcher *dispatcher, intptr_t handle, unsigned conditions,
                       void *cookie)
{
    return OPS(dispatcher)->watch(INNER(dispatcher), handle, conditions, cookie);
}

static int guest_change(struct hy_dispatcher *dispatcher, intptr_t handle, unsigned conditions,
                        void *cookie)
{
    return OPS(dispatcher)->change(INNER(dispatcher), handle, conditions, cookie);
}

static int guest_forget(struct hy_dispatcher *dispatcher, intptr_t handle)
{
    return OPS(dispatcher)->forget(INNER(dispatcher), handle);
}

static int64_t limit_ns = HY_FOREVER; /* of a wait of Halyard's own */

static void guest_set_deadline(struct hy_dispatcher *dispatcher, int64_t deadline_ns, bool precise)
{
    limit_ns = deadline_ns;
    OPS(dispatcher)->set_deadline(INNER(dispatcher), deadline_ns, precise);
}

static int guest_wait(struct hy_dispatcher *dispatcher, unsigned flags, hy_ready_function ready)
{
    struct pollfd polled;

    if ((flags & HY_WAIT_BLOCK) == 0)
        return OPS(dispatcher)->wait(INNER(dispatcher), flags, ready);
    polled = (struct pollfd){.fd = OPS(dispatcher)->descriptor(INNER(dispatcher), flags),
                             .events = POLLIN};
    OPS(dispatcher)->set_deadline(INNER(dispatcher), limit_ns, true);
    if (hy_guest_prepare(0, &(int64_t){0}, NULL) == 0 && poll(&polled, 1, -1) < 0)
        EXPECT_INT(errno, EINTR);
    EXPECT(hy_guest_dispatch(0) >= 0);
    return 0;
}

static void guest_wake(struct hy_dispatcher *dispatcher)
{
    OPS(dispatcher)->wake(INNER(dispatcher));
}

static void guest_destroy(struct hy_dispatcher *dispatcher)
{
    OPS(dispatcher)->destroy(INNER(dispatcher));
    free(dispatcher);
}

static const struct hy_dispatcher_ops guest_ops = {.version = HY_DISPATCHER_VERSION,
                                                   .size = sizeof guest_ops,
                                                   .name = "guest",
                                                   .flags = HY_DISPATCHER_HOSTED,
                                                   .attach = guest_attach,
                                                   .detach = guest_detach,
                                                   .watch = guest_watch,
                                                   .change = guest_change,
                                                   .forget = guest_forget,
                                                   .set_deadline = guest_set_deadline,
                                                   .wait = guest_wait,
                                                   .wake = guest_wake,
                                                   .destroy = guest_destroy};

static int create(struct hy_dispatcher **ret_dispatcher)
{
    struct guest *guest = calloc(1, sizeof *guest);

    if (guest == NULL)
        return -HY_ENOMEM;
    guest->base.ops = &guest_ops;
    *ret_dispatcher = &guest->base;
    return hy_dispatcher_create(&guest->inner);
}

/* A loop inside a handler that prepares nothing. */
static void nest(bool (*done)(void *context), void *context)
{
    struct pollfd polled = {.fd = OPS(current)->descriptor(INNER(current), 0), .events = POLLIN};

    while (!done(context))
        if (poll(&polled, 1, -1) > 0)
            EXPECT(hy_guest_dispatch(0) >= 0);
}

#ifdef FOREIGN_MAIN
/* One turn: waits for its only source, and dispatches it. */
static void foreign_turn(unsigned flags)
{
    struct pollfd polled = {.fd = OPS(current)->descriptor(INNER(current), flags),
                            .events = POLLIN};
    int64_t deadline_ns;
    int pending = hy_guest_prepare(0, &deadline_ns, NULL);

    EXPECT(pending >= 0);
    OPS(current)->set_deadline(INNER(current), deadline_ns, true);
    if (pending == 0 && poll(&polled, 1, -1) < 0)
        EXPECT_INT(errno, EINTR);
    EXPECT(hy_guest_dispatch(0) >= 0);
}

static int code; /* atomic; -1: go on */

static int run(struct hy_loop *loop, unsigned flags)
{
    (void)loop;
    (void)flags;
    while (__atomic_load_n(&code, __ATOMIC_SEQ_CST) < 0)
        foreign_turn(0);
    return __atomic_exchange_n(&code, -1, __ATOMIC_SEQ_CST);
}

static struct hy_dispatcher *shared;

static void quit(struct hy_loop *loop, int value)
{
    (void)loop;
    __atomic_store_n(&code, value, __ATOMIC_SEQ_CST);
    OPS(shared)->wake(INNER(shared));
}

static int create_shared(struct hy_dispatcher **ret_dispatcher)
{
    int rc = create(ret_dispatcher);

    shared = *ret_dispatcher;
    code = -1;
    return rc;
}
#endif

static const struct suite_skip skips[] = {
    {"test_du09_a_closed_descriptor_is_told_once",
     "epoll drops a closed descriptor without a word; see SN-11"},
#ifdef FOREIGN_MAIN
    {"test_el18_a_loop_with_exclusions", "a foreign main loop has no exclusions"},
#endif
    {0},
};

int main(void)
{
#ifdef FOREIGN_MAIN
    return suite_main(&(struct suite_subject){.name = "guest-main",
                                              .create = create_shared,
                                              .run = run,
                                              .quit = quit,
                                              .nest = nest,
                                              .skips = skips});
#else
    return suite_main(
        &(struct suite_subject){.name = "guest", .create = create, .nest = nest, .skips = skips});
#endif
}
