/* SPDX-License-Identifier: MIT */
/* A lambda that captures is no function. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_connect(
        &sender->events.moved, view, [sender](struct view *, const moved *) { (void)sender; },
        HY_AUTO);
#else
    return hy_connect(
        &sender->events.moved, view, +[](struct view *) {}, HY_AUTO);
#endif
}
