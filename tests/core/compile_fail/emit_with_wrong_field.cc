/* SPDX-License-Identifier: MIT */
/* A field of another type. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_emit_with(&sender->events.moved, "one", 2);
#else
    return hy_emit_with(&sender->events.moved, 1, 2);
#endif
}
