/* SPDX-License-Identifier: MIT */
/* A field that the payload does not have. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_emit_with(&sender->events.moved, .z = 1);
#else
    return hy_emit_with(&sender->events.moved, .x = 1, .y = 2);
#endif
}
