/* SPDX-License-Identifier: MIT */
/* The dispatchers' suite for the example's dispatcher on select(). */
#define CUSTOM_DISPATCHER_WITHOUT_MAIN
#include "../../examples/custom_dispatcher.c"

#include "dispatcher_suite.h"

#define NO_FOREIGN_LOOP                                                                            \
    "the thread's loop is the library's own; no foreign one runs in its handlers"
#define NUMBERS "select() knows numbers only: the new file of a number is watched for the old one"

static const struct suite_skip skips[] = {
    {"test_du04_a_thousand_descriptors", "select() takes descriptors up to 1023 only"},
    {"test_sn11_a_closed_and_reused_descriptor", NUMBERS},
    {"test_posts_are_delivered_in_a_nested_foreign_loop", NO_FOREIGN_LOOP},
    {"test_own_posts_are_delivered_in_a_nested_foreign_loop", NO_FOREIGN_LOOP},
    {"test_timers_fire_in_a_nested_foreign_loop", NO_FOREIGN_LOOP},
    {0},
};

static int create(struct hy_dispatcher **ret_dispatcher)
{
    *ret_dispatcher = select_dispatcher_create();
    return *ret_dispatcher != NULL ? 0 : -HY_ENOMEM;
}

int main(void)
{
    return suite_main(&(struct suite_subject){.name = "custom", .create = create, .skips = skips});
}
