/* SPDX-License-Identifier: MIT */
/* A delayed call carries nothing. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_after(HY_SECOND, view, view_moved);
#else
    return hy_after(HY_SECOND, view, view_nothing);
#endif
}
