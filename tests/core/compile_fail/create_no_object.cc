/* SPDX-License-Identifier: MIT */
/* An object made as something that is none. */
#include "cases.h"

static const struct hy_class view_class = HY_CLASS(struct view);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_create(&view_class, NULL, &stranger);
#else
    return hy_create(&view_class, NULL, &view);
#endif
}
