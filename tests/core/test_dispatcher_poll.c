/* SPDX-License-Identifier: MIT */
/* The dispatchers' suite for poll(). */
#include "dispatcher_suite.h"

#define NO_FOREIGN_LOOP                                                                            \
    "the thread's loop is the library's own; no foreign one runs in its handlers"
#define NUMBERS "poll() knows numbers only: the new file of a number is watched for the old one"

static const struct suite_skip skips[] = {
    {"test_sn11_a_closed_and_reused_descriptor", NUMBERS},
    {"test_posts_are_delivered_in_a_nested_foreign_loop", NO_FOREIGN_LOOP},
    {"test_own_posts_are_delivered_in_a_nested_foreign_loop", NO_FOREIGN_LOOP},
    {"test_timers_fire_in_a_nested_foreign_loop", NO_FOREIGN_LOOP},
    {0},
};

int main(void)
{
    return suite_main(&(struct suite_subject){
        .name = "poll", .create = hy_dispatcher_create_poll, .skips = skips});
}
