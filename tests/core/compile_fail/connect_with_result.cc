/* SPDX-License-Identifier: MIT */
/* A slot that returns something else than an int. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    struct hy_connect_options options = {};
    options.flags = HY_QUEUED;
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_connect_with(&sender->events.moved, view, view_moved_result, &options, NULL);
#else
    return hy_connect_with(&sender->events.moved, view, view_moved_answer, &options, NULL);
#endif
}
