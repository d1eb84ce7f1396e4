/* SPDX-License-Identifier: MIT */
/* A slot of the base class needs the base as the receiver. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_connect(&sender->events.moved, label, view_moved, HY_AUTO);
#else
    return hy_connect(&sender->events.moved, &label->base, view_moved, HY_AUTO);
#endif
}
