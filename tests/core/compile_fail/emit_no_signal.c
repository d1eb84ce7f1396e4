/* SPDX-License-Identifier: MIT */
/* No signal to emit. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_emit(&sender->not_a_signal, &(struct moved){1, 2});
#else
    return hy_emit(&sender->events.moved, &(struct moved){1, 2});
#endif
}
