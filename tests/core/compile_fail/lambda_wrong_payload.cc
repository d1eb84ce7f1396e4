/* SPDX-License-Identifier: MIT */
/* A lambda that takes another payload. */
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
        &sender->events.moved, view, +[](struct view *, const resized *) {}, HY_AUTO);
#else
    return hy_connect(
        &sender->events.moved, view, +[](struct view *, const moved *) {}, HY_AUTO);
#endif
}
