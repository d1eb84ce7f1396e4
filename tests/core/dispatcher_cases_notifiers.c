/* SPDX-License-Identifier: MIT */
/* Cases for every dispatcher: descriptors. */
#include "dispatcher_suite.h"

#include "../helpers/system.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct pair one, two;

static void begin(void)
{
    pair_init(&one, 1);
    pair_init(&two, 2);
}

static void end(void)
{
    pair_end(&one);
    pair_end(&two);
}

static void quit_now(struct pair *self)
{
    pair_read(self);
    suite_quit(3);
}

static void *write_to(void *context)
{
    pair_write(context);
    return NULL;
}

static void test_readiness_ends_the_wait(void **state)
{
    (void)state;
    begin();
    one.on_ready = quit_now;
    pair_watch(&one, HY_READABLE);
    for (int i = 0; i < check_scaled(50); i++) {
        pthread_t thread;

        suite_thread(&thread, write_to, &one);
        EXPECT_INT(suite_run(0), 3);
        suite_join(thread);
        EXPECT_INT(one.conditions, HY_READABLE);
        EXPECT_INT(one.calls, i + 1);
    }
    end();
}

/* Rules: SN-03. */
static void test_readiness_is_told_in_every_pass(void **state)
{
    (void)state;
    begin();
    pair_watch(&one, HY_READABLE);
    EXPECT_INT(hy_process(0, HY_FOREVER), 0);
    pair_write(&one);
    for (int i = 1; i <= 3; i++) {
        EXPECT_INT(hy_process(HY_PROCESS_WAIT, HY_FOREVER), 1);
        EXPECT_INT(one.calls, i);
    }
    pair_read(&one);
    EXPECT_INT(hy_process(0, HY_FOREVER), 0);
    end();
}

/* Rules: SN-06. */
static void test_writability_and_changes_of_conditions(void **state)
{
    (void)state;
    begin();
    pair_watch(&one, HY_WRITABLE);
    EXPECT_INT(hy_process(HY_PROCESS_WAIT, HY_FOREVER), 1);
    EXPECT_INT(one.conditions, HY_WRITABLE);
    pair_watch(&one, HY_READABLE);
    EXPECT_INT(hy_process(0, HY_FOREVER), 0);
    pair_write(&one);
    pair_watch(&one, HY_READABLE | HY_WRITABLE);
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    EXPECT_INT(one.conditions, HY_READABLE | HY_WRITABLE);
    pair_watch(&one, 0); /* a pause */
    EXPECT_INT(hy_process(0, HY_FOREVER), 0);
    pair_watch(&one, HY_READABLE);
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    EXPECT_INT(hy_notifier_unwatch(&one.notifier), 0);
    EXPECT_INT(hy_process(0, HY_FOREVER), 0);
    end();
}

/* Rules: DU-07. */
static void test_du07_a_hang_up_is_told_to_readers_and_writers(void **state)
{
    (void)state;
    begin();
    pair_watch(&one, HY_READABLE);
    pair_watch(&two, HY_WRITABLE);
    EXPECT_INT(close(one.ends[1]), 0);
    EXPECT_INT(close(two.ends[1]), 0);
    one.ends[1] = two.ends[1] = -1;
    EXPECT_INT(hy_process(HY_PROCESS_WAIT, HY_FOREVER), 2);
    EXPECT((one.conditions & (HY_READABLE | HY_HANGUP)) != 0);
    EXPECT((two.conditions & (HY_WRITABLE | HY_HANGUP)) != 0);
    end();
}

/* --- collected, then delivered ------------------------------------------------------------------
 */

static void stop_the_other(struct pair *self)
{
    EXPECT_INT(hy_notifier_unwatch(&self->other->notifier), 0);
}

static void end_the_others_notifier(struct pair *self)
{
    hy_notifier_fini(&self->other->notifier);
}

static void end_own_notifier(struct pair *self)
{
    hy_notifier_fini(&self->notifier);
}

static void both_ready(void (*on_ready)(struct pair *self))
{
    begin();
    one.other = &two;
    two.other = &one;
    one.on_ready = two.on_ready = on_ready;
    pair_watch(&one, HY_READABLE);
    pair_watch(&two, HY_READABLE);
    pair_write(&one);
    pair_write(&two);
}

/* Rules: DU-08, SN-05. */
static void test_du08_two_are_ready_in_one_pass(void **state)
{
    (void)state;
    both_ready(NULL);
    EXPECT_INT(hy_process(0, HY_FOREVER), 2);
    EXPECT_INT(one.calls + two.calls, 2);
    end();
}

static void test_du08_one_stops_the_other(void **state)
{
    (void)state;
    both_ready(stop_the_other);
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    EXPECT_INT(one.calls + two.calls, 1);
    end();
}

static void test_du08_one_ends_the_other(void **state)
{
    (void)state;
    both_ready(end_the_others_notifier);
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    EXPECT_INT(one.calls + two.calls, 1);
    end();
}

/* Rules: SN-08. */
static void test_du08_a_notifier_ends_itself(void **state)
{
    (void)state;
    both_ready(end_own_notifier);
    EXPECT_INT(hy_process(0, HY_FOREVER), 2);
    EXPECT_INT(hy_process(0, HY_FOREVER), 0);
    end();
}

/* --- misuse -----------------------------------------------------------------------------------
 */

static void *watch_elsewhere(void *context)
{
    struct pair *pair = context;

    EXPECT_INT(hy_notifier_watch(&pair->notifier, pair->ends[0], HY_READABLE), -HY_EWRONGTHREAD);
    return NULL;
}

/* Rules: DC-06, DC-11, SN-09, SN-10. */
static void test_dc11_misuse_is_an_error(void **state)
{
    pthread_t thread;
    int rc;

    (void)state;
    begin();
    suite_thread(&thread, watch_elsewhere, &one);
    suite_join(thread);
    EXPECT_INT(hy_notifier_watch(&one.notifier, -1, HY_READABLE), -HY_EBADF);
    EXPECT_INT(hy_notifier_watch(&one.notifier, 100000, HY_READABLE), -HY_EBADF);
    /* It is not the descriptor of which it has the last 32 bits. */
    rc = hy_notifier_watch(&one.notifier, (INT64_C(1) << 32) + one.ends[0], HY_READABLE);
    EXPECT(rc < 0 && rc != -HY_ENOMEM);
    pair_watch(&one, HY_READABLE);
    EXPECT_INT(hy_notifier_watch(&two.notifier, one.ends[0], HY_READABLE), -HY_EEXIST);
    pair_write(&one);
    EXPECT_INT(hy_process(0, HY_FOREVER), 1); /* it is none the worse */
    end();
}

/* Departs: DU-09: epoll does not name a closed descriptor; there it is told when its number is
 * watched again; and HY_FAILURE comes without a number. */
static void test_du09_a_closed_descriptor_is_told_once(void **state)
{
    (void)state;
    begin();
    pair_watch(&one, HY_READABLE);
    pair_watch(&two, HY_READABLE);
    EXPECT_INT(close(one.ends[0]), 0);
    EXPECT_INT(hy_process(HY_PROCESS_WAIT, HY_FOREVER), 1);
    EXPECT_INT(one.conditions, HY_FAILURE);
    EXPECT_INT(hy_process(0, HY_FOREVER), 0);
    pair_write(&two); /* the other is watched as before */
    EXPECT_INT(hy_process(HY_PROCESS_WAIT, HY_FOREVER), 1);
    EXPECT_INT(two.conditions, HY_READABLE);
    one.ends[0] = -1;
    end();
}

/* Rules: SN-11. */
static void test_sn11_a_closed_and_reused_descriptor(void **state)
{
    (void)state;
    begin();
    pair_watch(&one, HY_READABLE);
    EXPECT_INT(hy_process(0, HY_FOREVER), 0);
    EXPECT_INT(dup2(two.ends[0], one.ends[0]), one.ends[0]); /* closes it, and takes its number */
    (void)close(two.ends[0]);
    two.ends[0] = one.ends[0];
    pair_watch(&two, HY_READABLE);
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    EXPECT_INT(one.conditions, HY_FAILURE);
    EXPECT_INT(hy_notifier_unwatch(&one.notifier), 0); /* does the new one no harm */
    pair_write(&two);
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    EXPECT_INT(two.calls, 1);
    one.ends[0] = -1;
    end();
}

/* Nobody has waited yet, so nobody could be told: the second one is refused, or it is watched and
 * the end of the first one does it no harm. */
static void test_sn11_a_closed_and_reused_descriptor_before_the_first_wait(void **state)
{
    int rc;

    (void)state;
    begin();
    pair_watch(&one, HY_READABLE);
    EXPECT_INT(dup2(two.ends[0], one.ends[0]), one.ends[0]);
    (void)close(two.ends[0]);
    two.ends[0] = one.ends[0];
    rc = hy_notifier_watch(&two.notifier, two.ends[0], HY_READABLE);
    EXPECT(rc == 0 || rc == -HY_EEXIST);
    EXPECT_INT(hy_notifier_unwatch(&one.notifier), 0);
    if (rc < 0)
        pair_watch(&two, HY_READABLE);
    pair_write(&two);
    EXPECT_INT(hy_process(0, HY_FOREVER), 1);
    EXPECT_INT(two.calls, 1);
    one.ends[0] = -1;
    end();
}

/* The file lives on through a duplicate, and its notifier is gone. */
static void test_sn11_a_closed_descriptor_with_a_duplicate(void **state)
{
    int64_t limit_ns = hy_now_ns() + 50 * HY_MILLISECOND;
    int duplicate, passes = 0;

    (void)state;
    begin();
    pair_watch(&one, HY_READABLE);
    pair_watch(&two, HY_READABLE);
    duplicate = dup(one.ends[0]);
    EXPECT_INT(close(one.ends[0]), 0);
    hy_notifier_fini(&one.notifier);
    pair_write(&one);
    while (hy_now_ns() < limit_ns && passes < 1000) {
        EXPECT_INT(hy_process(HY_PROCESS_WAIT, limit_ns), 0);
        passes++;
    }
    EXPECT(passes < 10); /* it does not spin */
    pair_write(&two);
    EXPECT_INT(hy_process(HY_PROCESS_WAIT, HY_FOREVER), 1);
    EXPECT_INT(one.calls, 0);
    EXPECT_INT(two.calls, 1);
    (void)close(duplicate);
    one.ends[0] = -1;
    end();
}

/* --- many -------------------------------------------------------------------------------------
 */

enum {
    MANY = 1000
};

/* Rules: DU-04. */
static bool is_told(int i)
{
    return i % 7 == 0 && i % 3 != 0;
}

static int count_told(const struct pair *pairs)
{
    int told = 0;

    for (int i = 0; i < MANY; i++)
        told += is_told(i) && pairs[i].calls > 0;
    return told;
}

static void test_du04_a_thousand_descriptors(void **state)
{
    static struct pair pairs[MANY];
    int wanted = 0, extra = 3;
    struct rlimit limit;

    (void)state;
    EXPECT_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    EXPECT_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 0; i < MANY; i++) {
        pair_init(&pairs[i], i);
        pair_watch(&pairs[i], HY_READABLE);
    }
    for (int i = 0; i < MANY; i += 7)
        pair_write(&pairs[i]);
    for (int i = 0; i < MANY; i += 3) /* and some leave again */
        EXPECT_INT(hy_notifier_unwatch(&pairs[i].notifier), 0);
    for (int i = 0; i < MANY; i++)
        wanted += is_told(i);
    /* A pass may report some of them only; those that have left are not told afterwards either. */
    for (int pass = 0; pass < 200 && extra > 0; pass++) {
        EXPECT(hy_process(0, HY_FOREVER) > 0);
        extra -= count_told(pairs) == wanted;
    }
    for (int i = 0; i < MANY; i++)
        EXPECT_INT(pairs[i].calls > 0, is_told(i));
    for (int i = 0; i < MANY; i++)
        pair_end(&pairs[i]);
}

static void read_and_count(struct pair *self)
{
    pair_read(self);
    pair_write(self);
    if (self->calls == 20)
        suite_quit(0);
}

/* Rules: DU-10. */
static void test_du10_a_zero_timer_and_a_descriptor_do_not_starve_each_other(void **state)
{
    struct ticker zero;

    (void)state;
    begin();
    ticker_init(&zero, 3);
    EXPECT_INT(hy_timer_start(&zero.timer, 0), 0);
    one.on_ready = read_and_count;
    pair_watch(&one, HY_READABLE);
    pair_write(&one);
    EXPECT_INT(suite_run(0), 0);
    EXPECT_INT(one.calls, 20);
    EXPECT(zero.calls >= 19 && zero.calls <= 40);
    object_end(&zero.hy);
    end();
}

const struct suite_case suite_notifier_cases[] = {
    SUITE_CASE(test_readiness_ends_the_wait),
    SUITE_CASE(test_readiness_is_told_in_every_pass),
    SUITE_CASE(test_writability_and_changes_of_conditions),
    SUITE_CASE(test_du07_a_hang_up_is_told_to_readers_and_writers),
    SUITE_CASE(test_du08_two_are_ready_in_one_pass),
    SUITE_CASE(test_du08_one_stops_the_other),
    SUITE_CASE(test_du08_one_ends_the_other),
    SUITE_CASE(test_du08_a_notifier_ends_itself),
    SUITE_CASE(test_dc11_misuse_is_an_error),
    SUITE_CASE(test_du09_a_closed_descriptor_is_told_once),
    SUITE_CASE(test_sn11_a_closed_and_reused_descriptor),
    SUITE_CASE(test_sn11_a_closed_and_reused_descriptor_before_the_first_wait),
    SUITE_CASE(test_sn11_a_closed_descriptor_with_a_duplicate),
    SUITE_CASE(test_du04_a_thousand_descriptors),
    SUITE_CASE(test_du10_a_zero_timer_and_a_descriptor_do_not_starve_each_other),
    {0},
};
