/* SPDX-License-Identifier: MIT */
/* The dispatchers' suite for epoll. */
#include "dispatcher_suite.h"

#define NO_FOREIGN_LOOP                                                                            \
    "the thread's loop is the library's own; no foreign one runs in its handlers"

static const struct suite_skip skips[] = {
    {"test_du09_a_closed_descriptor_is_told_once",
     "epoll drops a closed descriptor without a word; see SN-11"},
    {"test_posts_are_delivered_in_a_nested_foreign_loop", NO_FOREIGN_LOOP},
    {"test_own_posts_are_delivered_in_a_nested_foreign_loop", NO_FOREIGN_LOOP},
    {"test_timers_fire_in_a_nested_foreign_loop", NO_FOREIGN_LOOP},
    {0},
};

int main(void)
{
    return suite_main(
        &(struct suite_subject){.name = "epoll", .create = hy_dispatcher_create, .skips = skips});
}
