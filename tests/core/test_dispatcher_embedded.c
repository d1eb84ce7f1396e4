/* SPDX-License-Identifier: MIT */
/* The dispatchers' suite for a loop that is embedded in a foreign one, which polls its descriptor;
 * the foreign loop also runs inside handlers. */
#include "dispatcher_suite.h"

#include <errno.h>
#include <poll.h>

static struct hy_loop *current; /* only the subject's thread uses it */
static int descriptor;

/* One turn of the foreign loop; false: Halyard's loop has been asked to quit. */
static bool turn(void)
{
    struct pollfd polled = {.fd = descriptor, .events = POLLIN};
    int pending = hy_loop_prepare(current, NULL);

    if (pending == -HY_ESHUTDOWN || !EXPECT(pending >= 0))
        return false;
    if (pending == 0 && poll(&polled, 1, -1) < 0)
        EXPECT_INT(errno, EINTR);
    pending = hy_loop_dispatch(current);
    return EXPECT(pending >= 0 || pending == -HY_ESHUTDOWN);
}

static int run(struct hy_loop *loop, unsigned flags)
{
    EXPECT_INT(hy_loop_begin(loop, flags), 0);
    current = loop;
    descriptor = hy_loop_descriptor(loop);
    if (EXPECT(descriptor >= 0))
        while (turn()) {
        }
    return hy_loop_end(loop);
}

/* A loop inside a handler that knows nothing but the descriptor, and prepares nothing. */
static void nest(bool (*done)(void *context), void *context)
{
    struct pollfd polled = {.fd = descriptor, .events = POLLIN};

    while (!done(context))
        if (poll(&polled, 1, -1) > 0)
            EXPECT(hy_loop_dispatch(current) >= 0);
}

static const struct suite_skip skips[] = {
    {"test_du09_a_closed_descriptor_is_told_once",
     "epoll drops a closed descriptor without a word; see SN-11"},
    {0},
};

int main(void)
{
    return suite_main(
        &(struct suite_subject){.name = "embedded", .run = run, .nest = nest, .skips = skips});
}
