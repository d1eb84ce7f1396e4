/* SPDX-License-Identifier: MIT */
/*
 * Many timers of one moment: their order, and what their slots may do to each other. A timer of a
 * crowd may be the first of its moment, in the middle or the last, waiting or due.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"

#define MS HY_MILLISECOND

enum {
    CROWD = 300
};

struct member {
    HY_INHERITS(hy_object);
    struct hy_timer timer;
    int64_t due_ns; /* when it may come; 0: it must not */
    int fired;
};

static const struct hy_class member_class = HY_CLASS(struct member, .signals = NULL);

static struct member crowd[CROWD];
static int total, last;
static uint32_t random_state;
static void (*on_fired)(int index);

static int index_of(const struct member *member)
{
    return (int)(member - crowd);
}

static void member_fired(struct member *member)
{
    EXPECT(member->due_ns != 0 && hy_now_ns() >= member->due_ns);
    member->due_ns = 0;
    member->fired++;
    total++;
    on_fired(index_of(member));
    last = index_of(member);
}

static void start_once(struct member *member, int64_t delay_ns)
{
    member->due_ns = hy_now_ns() + delay_ns;
    EXPECT_INT(hy_timer_start_once(&member->timer, delay_ns), 0);
}

static void stop(struct member *member)
{
    member->due_ns = 0;
    EXPECT_INT(hy_timer_stop(&member->timer), 0);
}

static void member_make(struct member *member)
{
    *member = (struct member){0};
    EXPECT_INT(hy_object_init(&member->hy, &member_class, NULL), 0);
    EXPECT_INT(hy_timer_init(&member->timer, &member->hy), 0);
    EXPECT_INT(hy_connect(&member->timer.events.timeout, member, member_fired, HY_AUTO), 0);
}

static int setup(void **state)
{
    for (int i = 0; i < CROWD; i++)
        member_make(&crowd[i]);
    total = 0;
    last = -1;
    random_state = 1;
    return check_setup(state);
}

static int teardown(void **state)
{
    for (int i = 0; i < CROWD; i++)
        object_end(&crowd[i].hy);
    return check_teardown(state);
}

/* Runs the loop until none of the crowd waits. */
static void run_out(void)
{
    for (;;) {
        int waiting = 0;

        for (int i = 0; i < CROWD; i++) {
            waiting += crowd[i].due_ns != 0;
            EXPECT_INT(hy_timer_is_running(&crowd[i].timer), crowd[i].due_ns != 0);
        }
        if (waiting == 0)
            return;
        EXPECT(hy_process(HY_PROCESS_WAIT, hy_now_ns() + HY_SECOND) >= 0);
    }
}

static void in_order(int index)
{
    EXPECT(index > last);
}

/* Rules: TM-19. Of one delay they come in the order of starting; also when the thread's first one
 * finds no memory for what the library finds those of one moment by. */
static void test_tm19_a_crowd_comes_in_order(void **state)
{
    (void)state;
    on_fired = in_order;
    for (int round = 0; round < 2; round++) {
        if (round == 0)
            allocator_fail_at(1);
        for (int i = 0; i < CROWD; i++)
            start_once(&crowd[i], 50 * MS);
        assert_true(round == 1 || allocator_has_failed());
        allocator_fail_at(0);
        run_out();
        assert_int_equal(total, (round + 1) * CROWD);
        last = -1;
    }
}

static void stop_every_third(int index)
{
    if (index % 3 == 0)
        for (int i = index + 1; i < CROWD && i <= index + 2; i++)
            stop(&crowd[i]);
}

/* Rules: TM-05. */
static void test_tm05_stopped_by_others_of_its_moment(void **state)
{
    (void)state;
    on_fired = stop_every_third;
    for (int i = 0; i < CROWD; i++)
        start_once(&crowd[i], 50 * MS);
    stop(&crowd[CROWD - 1]); /* while they wait: the last, the first, one in the middle */
    stop(&crowd[0]);
    stop(&crowd[CROWD / 2]);
    start_once(&crowd[0], 50 * MS);
    run_out();
    for (int i = 0; i < CROWD; i++)
        EXPECT(crowd[i].fired == (i % 3 == 0) || i <= 3 || i / 3 == CROWD / 6);
    assert_int_equal(crowd[0].fired, 1);
    assert_int_equal(crowd[CROWD / 2].fired + crowd[CROWD - 1].fired, 0);
}

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % limit;
}

/* Whatever a slot may do to a timer, another one's or its own. */
static void stir(int index)
{
    static const int64_t delays_ns[] = {MS, 21 * MS, 22 * MS, 25 * MS, 40 * MS};

    (void)index;
    for (int i = 0; i < 4; i++) {
        struct member *member = &crowd[random_below(CROWD)];

        switch (random_below(total < 5000 ? 4 : 1)) {
        case 0:
            stop(member);
            break;
        case 1:
            EXPECT_INT(
                hy_timer_set_accuracy(&member->timer, (enum hy_timer_accuracy)random_below(2)), 0);
            break;
        default:
            start_once(member, delays_ns[random_below(sizeof delays_ns / sizeof delays_ns[0])]);
        }
    }
}

/* Rules: TM-04, TM-05, TM-11. */
static void test_tm11_a_crowd_that_stops_and_starts_itself(void **state)
{
    (void)state;
    on_fired = stir;
    for (int i = 0; i < CROWD; i++)
        start_once(&crowd[i], 21 * MS);
    run_out();
    EXPECT(total > 5000);
}

static void hand_over_the_rest(int index)
{
    if (index != 0)
        return;
    for (int i = 1; i < CROWD; i++) { /* due, and away and back before their turn */
        EXPECT_INT(hy_object_move_to_thread(&crowd[i].hy, NULL), 0);
        EXPECT_INT(hy_object_move_to_thread(&crowd[i].hy, hy_thread_current()), 0);
    }
}

/* Rules: OA-13. */
static void test_oa13_a_crowd_moves_while_it_is_due(void **state)
{
    (void)state;
    on_fired = hand_over_the_rest;
    for (int i = 0; i < CROWD; i++)
        start_once(&crowd[i], 50 * MS);
    run_out();
    for (int i = 0; i < CROWD; i++)
        EXPECT_INT(crowd[i].fired, 1);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_tm19_a_crowd_comes_in_order),
        CASE(test_tm05_stopped_by_others_of_its_moment),
        CASE(test_tm11_a_crowd_that_stops_and_starts_itself),
        CASE(test_oa13_a_crowd_moves_while_it_is_due),
    };

    allocator_install();
    return cmocka_run_group_tests_name("timer crowd", tests, NULL, NULL);
}
