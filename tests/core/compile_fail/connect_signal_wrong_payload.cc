/* SPDX-License-Identifier: MIT */
/* A relay to a signal that carries something else. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_connect_signal(&sender->events.moved, &sender->events.resized, HY_AUTO);
#else
    return hy_connect_signal(&sender->events.moved, &sender->events.moved, HY_AUTO);
#endif
}
