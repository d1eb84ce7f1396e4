/* SPDX-License-Identifier: MIT */
/* Only hy_connect_with() knows a context. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_connect(&sender->events.moved, view, view_moved_context, HY_AUTO);
#else
    return hy_connect(&sender->events.moved, view, view_moved, HY_AUTO);
#endif
}
