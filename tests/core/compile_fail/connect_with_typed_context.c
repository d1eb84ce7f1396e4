/* SPDX-License-Identifier: MIT */
/* The context is a void *. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    struct hy_connect_options options = {.flags = HY_QUEUED};
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_connect_with(&sender->events.moved, view, view_moved_typed_context, &options, NULL);
#else
    return hy_connect_with(&sender->events.moved, view, view_moved_context, &options, NULL);
#endif
}
