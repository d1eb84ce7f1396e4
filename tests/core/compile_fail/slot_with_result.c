/* SPDX-License-Identifier: MIT */
/* A slot that returns something else than an int. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_connect(&sender->events.moved, view, view_moved_result, HY_AUTO);
#else
    return hy_connect(&sender->events.moved, view, view_moved, HY_AUTO);
#endif
}
