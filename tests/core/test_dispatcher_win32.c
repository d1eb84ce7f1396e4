/* SPDX-License-Identifier: MIT */
/* The dispatchers' suite for Windows, whose foreign loops run the thread's message queue. */
#include "dispatcher_suite.h"

#include <windows.h>

/* Any loop of Windows inside a handler: a message box, a menu, a window being dragged. */
static void nest(bool (*done)(void *context), void *context)
{
    MSG message;

    while (!done(context) && EXPECT(GetMessageW(&message, NULL, 0, 0) > 0))
        (void)DispatchMessageW(&message);
}

int main(void)
{
    return suite_main(
        &(struct suite_subject){.name = "win32", .create = hy_dispatcher_create, .nest = nest});
}
