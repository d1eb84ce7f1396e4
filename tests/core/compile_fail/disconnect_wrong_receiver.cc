/* SPDX-License-Identifier: MIT */
/* A cut is checked as well. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_disconnect(&sender->events.moved, label, view_moved);
#else
    return hy_disconnect(&sender->events.moved, &label->base, view_moved);
#endif
}
