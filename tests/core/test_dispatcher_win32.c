/* SPDX-License-Identifier: MIT */
/*
 * The dispatchers' suite for Windows: a Halyard loop, which takes the messages of the thread out of
 * its queue. With FOREIGN_MAIN a loop of the program's own does so, GetMessage() and
 * DispatchMessage() and nothing else, and no loop of Halyard executes.
 */
#include "dispatcher_suite.h"

#include <windows.h>

static void turn(void)
{
    MSG message;

    EXPECT(GetMessageW(&message, NULL, 0, 0) > 0);
    TranslateMessage(&message);
    DispatchMessageW(&message);
}

static void nest(bool (*done)(void *context), void *context)
{
    while (!done(context))
        turn();
}

#ifdef FOREIGN_MAIN
static int code; /* atomic; -1: go on */
static DWORD thread;

static int run(struct hy_loop *loop, unsigned flags)
{
    (void)loop;
    (void)flags;
    while (__atomic_load_n(&code, __ATOMIC_SEQ_CST) < 0)
        turn();
    return __atomic_exchange_n(&code, -1, __ATOMIC_SEQ_CST);
}

static void quit(struct hy_loop *loop, int value)
{
    (void)loop;
    __atomic_store_n(&code, value, __ATOMIC_SEQ_CST);
    EXPECT(PostThreadMessageW(__atomic_load_n(&thread, __ATOMIC_SEQ_CST), WM_NULL, 0, 0));
}

static const struct hy_dispatcher_ops *usual;
static struct hy_dispatcher_ops noting;

/* The thread whose loop is to be woken by quit(). */
static int attach(struct hy_dispatcher *dispatcher)
{
    __atomic_store_n(&thread, GetCurrentThreadId(), __ATOMIC_SEQ_CST);
    return usual->attach(dispatcher);
}

static int create(struct hy_dispatcher **ret_dispatcher)
{
    int rc = hy_dispatcher_create(ret_dispatcher);

    code = -1;
    if (rc < 0)
        return rc;
    usual = (*ret_dispatcher)->ops;
    noting = *usual;
    noting.attach = attach;
    (*ret_dispatcher)->ops = &noting;
    return rc;
}

#endif

#define NO_DUP2 "Windows numbers its handles itself: no program can give one another's number"

static const struct suite_skip skips[] = {
    {"test_sn11_a_closed_and_reused_descriptor", NO_DUP2},
    {"test_sn11_a_closed_and_reused_descriptor_before_the_first_wait", NO_DUP2},
#ifdef FOREIGN_MAIN
    {"test_el18_a_loop_with_exclusions", "a foreign main loop has no exclusions"},
#endif
    {0},
};

int main(void)
{
#ifdef FOREIGN_MAIN
    return suite_main(&(struct suite_subject){.name = "win32-main",
                                              .create = create,
                                              .run = run,
                                              .quit = quit,
                                              .nest = nest,
                                              .skips = skips});
#else
    return suite_main(&(struct suite_subject){
        .name = "win32", .create = hy_dispatcher_create, .nest = nest, .skips = skips});
#endif
}
