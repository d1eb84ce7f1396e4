/* SPDX-License-Identifier: MIT */
/* An untyped pointer as the payload. */
#include "cases.h"

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger);

int test(struct sender *sender, struct view *view, struct label *label, struct stranger *stranger)
{
    (void)sender;
    (void)view;
    (void)label;
    (void)stranger;
#ifdef MUST_FAIL
    return hy_emit(&sender->events.moved, static_cast<const void *>(view));
#else
    return hy_emit(&sender->events.moved, static_cast<const moved *>(nullptr));
#endif
}
