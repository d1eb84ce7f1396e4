/* SPDX-License-Identifier: MIT */
/* A slot with a payload on a signal without. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_connect(&sender->events.done, view, view_moved, HY_AUTO);
#else
    return hy_connect(&sender->events.done, view, view_nothing, HY_AUTO);
#endif
}
