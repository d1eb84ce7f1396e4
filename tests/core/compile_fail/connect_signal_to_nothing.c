/* SPDX-License-Identifier: MIT */
/* A relay to a signal that carries nothing. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_connect_signal(&sender->events.moved, &sender->events.done, HY_AUTO);
#else
    return hy_connect_signal(&sender->events.done, &sender->events.done, HY_AUTO);
#endif
}
