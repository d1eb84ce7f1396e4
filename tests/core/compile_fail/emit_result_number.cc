/* SPDX-License-Identifier: MIT */
/* A result for a number. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    struct moved moved = {1, 2};
    struct resized resized = {1, 2};
    int result = 0;
    (void)moved;
    (void)resized;
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_emit_result(&sender->events.moved, 7, &result);
#else
    return hy_emit_result(&sender->events.moved, &moved, &result);
#endif
}
