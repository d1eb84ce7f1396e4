/* SPDX-License-Identifier: MIT */
/* A signal that carries something needs its payload. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_emit0(&sender->events.moved);
#else
    return hy_emit0(&sender->events.done);
#endif
}
