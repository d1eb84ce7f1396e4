/* SPDX-License-Identifier: MIT */
/* A receiver that is no object. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_after(HY_SECOND, stranger, view_nothing);
#else
    return hy_after(HY_SECOND, view, view_nothing);
#endif
}
