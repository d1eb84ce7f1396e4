/* SPDX-License-Identifier: MIT */
/* A plain member in place of a signal. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_connect(&sender->not_a_signal, view, view_moved, HY_AUTO);
#else
    return hy_connect(&sender->events.moved, view, view_moved, HY_AUTO);
#endif
}
