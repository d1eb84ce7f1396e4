/* SPDX-License-Identifier: MIT */
/* Registered types of events: numbers, payloads, compression. Rules PE-14, PE-21. */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <string.h>

#define E(n) (HY_EVENT_USER + (n))

/* A payload that counts what went into it. */
struct area {
    int64_t left, right;
    int64_t merged; /* how many others */
};

static const struct hy_payload text_payload =
    HY_DESCRIBED_PAYLOAD(struct text, text_copy, text_destroy);
static const struct hy_payload area_payload = HY_PLAIN_PAYLOAD(struct area);

static struct probe here, other;
static void (*in_hook)(void);
static bool refuses;

static int setup(void **state)
{
    in_hook = NULL;
    refuses = false;
    probe_init(&here, NULL);
    probe_init(&other, NULL);
    return check_setup(state);
}

static int teardown(void **state)
{
    object_end(&here.hy);
    object_end(&other.hy);
    wait_drain();
    EXPECT_INT(text_copies(), 0);
    text_fail_after(-1);
    return check_teardown(state);
}

static uint32_t number_of(const struct hy_event_type *type)
{
    uint32_t number = 0;

    EXPECT_INT(hy_event_type_register(type, &number), 0);
    return number;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static void test_a_type_gets_one_number(void **state)
{
    static const struct hy_event_type one = {.name = "one"}, two = {.name = "two"};
    uint32_t first = number_of(&one), second = number_of(&two);

    (void)state;
    assert_true(first >= HY_EVENT_REGISTERED);
    assert_true(second >= HY_EVENT_REGISTERED);
    assert_int_not_equal(first, second);
    assert_int_equal(number_of(&one), first);
    assert_int_equal(number_of(&two), second);
}

static void test_a_description_that_cannot_be(void **state)
{
    static const struct hy_payload borrowed = {HY_PAYLOAD_BORROWED, "struct view",
                                               sizeof(struct view), NULL, NULL};
    static const struct hy_payload no_copy = {HY_PAYLOAD_DESCRIBED, "struct text",
                                              sizeof(struct text), NULL, text_destroy};
    static const struct hy_event_type wrong[] = {
        {.name = NULL},
        {.name = "flags", .flags = 1u << 9},
        {.name = "borrowed", .payload = &borrowed},
        {.name = "no copy", .payload = &no_copy},
    };
    uint32_t number = 7;

    (void)state;
    assert_int_equal(hy_event_type_register(NULL, &number), -HY_EINVAL);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(hy_event_type_register(&wrong[i], &number), -HY_EINVAL);
    assert_int_equal(number, 7);
}

static void test_numbers_that_nobody_gave_are_refused(void **state)
{
    static const uint32_t wrong[] = {HY_EVENT_ANY,
                                     HY_EVENT_DESTROY,
                                     3,
                                     HY_EVENT_USER - 1,
                                     HY_EVENT_REGISTERED + 60000,
                                     HY_EVENT_REGISTERED + 65536,
                                     UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(hy_post(&here.hy, wrong[i], NULL, 0, HY_PRIORITY_NORMAL), -HY_EINVAL);
    assert_ok(hy_post(&here.hy, HY_EVENT_REGISTERED - 1, NULL, 0, HY_PRIORITY_NORMAL));
    wait_drain();
    assert_true(PROBE_SAW(&here, HY_EVENT_REGISTERED - 1));
}

#define RACERS 40

static struct hy_event_type raced[RACERS];
static uint32_t raced_numbers[2][RACERS];

static void register_all(void *context)
{
    uint32_t *numbers = context;

    for (int i = 0; i < RACERS; i++) {
        numbers[i] = number_of(&raced[i]);
        EXPECT_INT(hy_post(&here.hy, numbers[i], NULL, 0, HY_PRIORITY_NORMAL), 0);
    }
}

static void register_all_there(struct hy_object *receiver, const void *payload)
{
    (void)receiver;
    (void)payload;
    register_all(raced_numbers[0]);
}

static void test_two_threads_register_the_same_types(void **state)
{
    struct worker worker;

    (void)state;
    for (int i = 0; i < RACERS; i++)
        raced[i].name = "raced";
    worker_start(&worker, "racer");
    assert_ok(hy_invoke(&worker.probe.hy, register_all_there, NULL, NULL)); /* at the same time */
    register_all(raced_numbers[1]);
    flush_there(&worker.probe.hy);
    worker_stop(&worker);
    for (int i = 0; i < RACERS; i++)
        assert_int_equal(raced_numbers[0][i], raced_numbers[1][i]);
    wait_drain();
    assert_int_equal(here.count, 2 * RACERS);
}

static int case_too_many(void *context)
{
    enum {
        MOST = 65536
    };
    static struct hy_event_type many[MOST + 1];
    uint32_t number = 1;
    struct probe probe;

    (void)context;
    for (int i = 0; i <= MOST; i++)
        many[i].name = "one of many";
    for (int i = 0; i < MOST; i++)
        EXPECT_INT(hy_event_type_register(&many[i], &number), 0);
    EXPECT_INT(number, HY_EVENT_REGISTERED + MOST - 1);
    EXPECT_INT(hy_event_type_register(&many[MOST], &number), -HY_ENOMEM);
    EXPECT_INT(number, HY_EVENT_REGISTERED + MOST - 1);
    EXPECT_INT(hy_event_type_register(&many[1], &number), 0); /* it is there */
    probe_init(&probe, NULL);
    EXPECT_INT(hy_post(&probe.hy, HY_EVENT_REGISTERED + MOST - 1, NULL, 0, HY_PRIORITY_LOW), 0);
    wait_drain();
    EXPECT_INT(probe.count, 1);
    object_end(&probe.hy);
    return 0;
}

static void test_the_table_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(system_in_child(case_too_many, NULL), 0);
}

/* --- payloads --------------------------------------------------------------------------------- */

static const struct hy_event_type text_type = {.name = "text", .payload = &text_payload};

static void check_text(struct probe *self, struct hy_event *event)
{
    const struct text *text = event->data;

    (void)self;
    EXPECT_INT(event->size, sizeof *text);
    EXPECT_INT(strcmp(text->bytes, "harbour"), 0);
}

static void test_a_described_payload(void **state)
{
    char bytes[] = "harbour";
    struct text text = {bytes};
    uint32_t number = number_of(&text_type);

    (void)state;
    here.on_event = check_text;
    assert_ok(hy_post(&here.hy, number, &text, sizeof text, HY_PRIORITY_NORMAL));
    assert_int_equal(text_copies(), 1);
    bytes[0] = 'x';
    wait_drain();
    assert_int_equal(here.count, 1);
    assert_int_equal(text_copies(), 0);
    assert_ok(hy_post(&here.hy, number, &text, sizeof text, HY_PRIORITY_NORMAL));
    object_end(&here.hy); /* never delivered */
    wait_drain();
    assert_int_equal(text_copies(), 0);
    assert_int_equal(hy_post(&here.hy, number, &text, sizeof text, HY_PRIORITY_NORMAL),
                     -HY_ESHUTDOWN);
    assert_int_equal(text_copies(), 0);
}

static void test_a_payload_of_another_size_is_refused(void **state)
{
    static const struct hy_payload nothing = {.kind = HY_PAYLOAD_NONE};
    static const struct hy_event_type area_type = {.name = "area", .payload = &area_payload};
    static const struct hy_event_type bare_type = {.name = "bare", .payload = &nothing};
    static const struct hy_event_type free_type = {.name = "free"};
    struct area area = {1, 2, 0};
    struct text text = {NULL};
    uint32_t number = number_of(&area_type);

    (void)state;
    assert_int_equal(hy_post(&here.hy, number, &area, 8, HY_PRIORITY_LOW), -HY_EINVAL);
    assert_int_equal(hy_post(&here.hy, number, NULL, 0, HY_PRIORITY_LOW), -HY_EINVAL);
    assert_int_equal(hy_post(&here.hy, number, NULL, sizeof area, HY_PRIORITY_LOW), -HY_EINVAL);
    assert_int_equal(hy_post(&here.hy, number_of(&bare_type), &area, 8, HY_PRIORITY_LOW),
                     -HY_EINVAL);
    assert_int_equal(hy_post(&here.hy, number_of(&text_type), NULL, 0, HY_PRIORITY_LOW),
                     -HY_EINVAL);
    text_fail_after(0);
    assert_int_equal(hy_post(&here.hy, number_of(&text_type), &text, sizeof text, HY_PRIORITY_LOW),
                     -HY_ENOMEM);
    wait_drain();
    assert_int_equal(here.count, 0);
    assert_ok(hy_post(&here.hy, number, &area, sizeof area, HY_PRIORITY_LOW));
    assert_ok(hy_post(&here.hy, number_of(&bare_type), NULL, 0, HY_PRIORITY_LOW));
    assert_ok(hy_post(&here.hy, number_of(&free_type), &area, 5, HY_PRIORITY_LOW));
    wait_drain();
    assert_int_equal(here.count, 3);
}

/* --- compression ------------------------------------------------------------------------------ */

static bool unite(void *older, const void *newer)
{
    struct area *all = older;
    const struct area *more = newer;

    if (more->right < 0) /* one that stands for itself */
        return false;
    if (in_hook != NULL)
        in_hook();
    if (more->left < all->left)
        all->left = more->left;
    if (more->right > all->right)
        all->right = more->right;
    all->merged += 1 + more->merged;
    return true;
}

static const struct hy_event_type paint_type = {
    .name = "paint", .payload = &area_payload, .compress = unite};
static const struct hy_event_type resize_type = {
    .name = "resize", .payload = &area_payload, .compress = unite};

static void note_area(struct probe *self, struct hy_event *event)
{
    if (event->size == sizeof(struct area)) {
        const struct area *area = event->data;

        probe_note(self, area->left * 10000 + area->right * 100 + area->merged);
    }
}

#define AREA(left, right, merged) ((left)*10000 + (right)*100 + (merged))

static void paint_at(struct probe *probe, const struct hy_event_type *type, int64_t left,
                     int64_t right, enum hy_priority priority)
{
    struct area area = {left, right, 0};

    EXPECT_INT(hy_post(&probe->hy, number_of(type), &area, sizeof area, priority), 0);
}

static void paint(struct probe *probe, int64_t left, int64_t right)
{
    paint_at(probe, &paint_type, left, right, HY_PRIORITY_NORMAL);
}

/* Rules: PE-14. Departs: PE-14: any type can be compressed, by a hook, not only two. */
static void test_pe14_events_with_a_hook_are_merged(void **state)
{
    const uint32_t number = number_of(&paint_type);

    (void)state;
    here.on_event = other.on_event = note_area;
    paint(&here, 5, 6);
    assert_ok(hy_post(&here.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    paint(&here, 2, 3);
    paint(&other, 1, 1); /* of another receiver */
    paint(&here, 4, 9);
    assert_int_equal(wait_process(0), 3);
    assert_true(PROBE_SAW(&here, number, AREA(2, 9, 2), E(1)));
    assert_true(PROBE_SAW(&other, number, AREA(1, 1, 0)));
    paint(&here, 7, 8); /* nothing is left of them */
    wait_drain();
    assert_int_equal(here.count, 5);
    assert_int_equal(here.log[4], AREA(7, 8, 0));
}

static void test_pe14_only_of_one_type_and_priority(void **state)
{
    const uint32_t painted = number_of(&paint_type), resized = number_of(&resize_type);

    (void)state;
    here.on_event = note_area;
    paint_at(&here, &paint_type, 1, 1, HY_PRIORITY_NORMAL);
    paint_at(&here, &resize_type, 2, 2, HY_PRIORITY_NORMAL);
    paint_at(&here, &paint_type, 3, 3, HY_PRIORITY_LOW);
    paint_at(&here, &resize_type, 4, 4, HY_PRIORITY_NORMAL);
    paint_at(&here, &paint_type, 5, 5, HY_PRIORITY_NORMAL);
    paint_at(&here, &paint_type, 6, 6, HY_PRIORITY_LOW);
    wait_drain();
    assert_true(
        PROBE_SAW(&here, painted, AREA(1, 5, 1), resized, AREA(2, 4, 1), painted, AREA(3, 6, 1)));
}

static void test_pe14_a_hook_that_refuses(void **state)
{
    const uint32_t number = number_of(&paint_type);

    (void)state;
    here.on_event = note_area;
    paint(&here, 1, 1);
    paint(&here, 2, 2);
    paint(&here, 9, -1); /* for itself; what follows does not go past it, but into it */
    paint(&here, 3, 3);
    paint(&here, 4, 4);
    wait_drain();
    assert_true(PROBE_SAW(&here, number, AREA(1, 2, 1), number, AREA(3, 4, 2)));
}

static void test_compressed_events_travel_with_their_object(void **state)
{
    const uint32_t number = number_of(&paint_type);
    struct worker worker;

    (void)state;
    worker_init(&worker, "painter");
    here.on_event = note_area;
    paint(&here, 1, 1);
    paint(&here, 2, 2);
    assert_ok(hy_object_move_to_thread(&here.hy, &worker.thread));
    paint(&here, 3, 3);
    paint(&here, 4, 4);
    paint(&other, 5, 5);
    assert_ok(hy_thread_start(&worker.thread));
    flush_there(&worker.probe.hy);
    hy_thread_set_finish_policy(&worker.thread, HY_FINISH_KEEP);
    hy_thread_quit(&worker.thread, 0);
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
    assert_true(PROBE_SAW(&here, number, AREA(1, 4, 3)));
    assert_ok(hy_object_move_to_thread(&here.hy, hy_thread_current()));
    object_end(&worker.probe.hy);
    hy_thread_fini(&worker.thread);
    wait_drain();
    assert_int_equal(other.count, 1);
}

static void quit_thread(struct probe *self, struct hy_event *event)
{
    note_area(self, event);
    hy_thread_quit(hy_thread_current(), 0);
}

/* What has been merged is no longer waiting. */
static void test_what_was_merged_is_not_kept(void **state)
{
    const uint32_t number = number_of(&paint_type);
    struct stall stall;

    (void)state;
    stall_start(&stall);
    hy_thread_set_finish_policy(&stall.worker.thread, HY_FINISH_KEEP);
    stall.worker.probe.on_event = quit_thread;
    paint(&stall.worker.probe, 1, 1);
    paint(&stall.worker.probe, 2, 2);
    paint_at(&stall.worker.probe, &paint_type, 3, 3, HY_PRIORITY_LOW);
    stall_let_go(&stall);
    assert_ok(hy_thread_join(&stall.worker.thread, HY_FOREVER));
    assert_true(PROBE_SAW(&stall.worker.probe, number, AREA(1, 2, 1)));
    assert_int_equal(hy_thread_get_counters(&stall.worker.thread).kept, 1);
    object_end(&stall.worker.probe.hy);
    stall_stop(&stall);
}

static void test_removal_leaves_the_others_to_be_merged(void **state)
{
    const uint32_t painted = number_of(&paint_type), resized = number_of(&resize_type);

    (void)state;
    here.on_event = note_area;
    for (int i = 0; i < 3; i++) {
        paint_at(&here, &resize_type, 2, 2, HY_PRIORITY_NORMAL);
        paint(&here, 1 + i, 1 + i);
    }
    assert_int_equal(hy_posted_count(&here.hy, resized), 3);
    assert_int_equal(hy_posted_remove(&here.hy, resized), 3);
    assert_int_equal(hy_posted_count(&here.hy, HY_EVENT_ANY), 3);
    paint(&here, 7, 7);
    wait_drain();
    assert_true(PROBE_SAW(&here, painted, AREA(1, 7, 3)));
    assert_int_equal(hy_posted_count(NULL, HY_EVENT_ANY), 0);
}

static void test_the_receiver_of_compressed_events_ends(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        paint(&here, 1, 1);
    paint(&other, 1, 1);
    object_end(&here.hy);
    paint(&other, 2, 2);
    wait_drain();
    assert_int_equal(here.count, 0);
    assert_int_equal(other.count, 1);
}

static bool add_text(void *older, const void *newer)
{
    (void)older;
    (void)newer;
    if (in_hook != NULL)
        in_hook();
    return !refuses;
}

static const struct hy_event_type line_type = {
    .name = "line", .payload = &text_payload, .compress = add_text};

static void post_line(struct probe *probe, char *bytes)
{
    struct text text = {bytes};

    EXPECT_INT(hy_post(&probe->hy, number_of(&line_type), &text, sizeof text, HY_PRIORITY_NORMAL),
               0);
}

static void test_merged_payloads_are_destroyed(void **state)
{
    char bytes[] = "line";

    (void)state;
    for (int i = 0; i < 4; i++)
        post_line(&here, bytes);
    assert_int_equal(text_copies(), 4);
    wait_drain();
    assert_int_equal(here.count, 1);
    assert_int_equal(text_copies(), 0);
}

/* --- hooks that break their contract: nothing may go wrong but the order -------------------------
 */

static void run_a_loop(void)
{
    in_hook = NULL;
    hy_process(0, HY_FOREVER);
}

static void end_here(void)
{
    in_hook = NULL;
    object_end(&here.hy);
}

static void move_here(void)
{
    struct hy_thread *thread = here.context;

    in_hook = NULL;
    EXPECT_INT(hy_object_move_to_thread(&here.hy, thread), 0);
}

static void remove_all(void)
{
    in_hook = NULL;
    EXPECT(hy_posted_remove(&here.hy, HY_EVENT_ANY) >= 0);
}

static void test_a_hook_that_runs_a_loop(void **state)
{
    char bytes[] = "line";

    (void)state;
    for (int i = 0; i < 4; i++)
        post_line(&here, bytes);
    in_hook = run_a_loop;
    wait_drain();
    assert_true(here.count >= 1 && here.count <= 4);
    assert_int_equal(hy_posted_count(NULL, HY_EVENT_ANY), 0);
    here.count = 0;
    refuses = true; /* it took the newer one's turn, and leaves that one as it was */
    for (int i = 0; i < 4; i++)
        post_line(&here, bytes);
    in_hook = run_a_loop;
    wait_drain();
    assert_int_equal(here.count, 4);
    assert_int_equal(hy_posted_count(NULL, HY_EVENT_ANY), 0);
}

static void test_a_hook_that_ends_the_receiver(void **state)
{
    char bytes[] = "line";

    (void)state;
    for (int i = 0; i < 4; i++)
        post_line(&here, bytes);
    in_hook = end_here;
    wait_drain();
    assert_int_equal(here.count, 0);
    assert_int_equal(text_copies(), 0);
}

static void test_a_hook_that_removes_what_waits(void **state)
{
    char bytes[] = "line";

    (void)state;
    for (int i = 0; i < 4; i++)
        post_line(&here, bytes);
    in_hook = remove_all;
    wait_drain();
    assert_int_equal(here.count, 1);
    assert_int_equal(text_copies(), 0);
}

static void test_a_hook_that_moves_the_receiver(void **state)
{
    struct worker worker;
    char bytes[] = "line";

    (void)state;
    worker_init(&worker, "away");
    here.context = &worker.thread;
    for (int i = 0; i < 4; i++)
        post_line(&here, bytes);
    in_hook = move_here;
    wait_drain();
    assert_int_equal(here.count, 0);
    assert_ok(hy_thread_start(&worker.thread));
    flush_there(&worker.probe.hy);
    worker_stop(&worker);
    assert_int_equal(here.count, 1); /* the two that were in the hook are lost */
    assert_int_equal(text_copies(), 0);
}

/* --- many ------------------------------------------------------------------------------------- */

static int64_t total;

static void add_up(struct probe *self, struct hy_event *event)
{
    (void)self;
    if (event->size == sizeof(struct area))
        total += 1 + ((const struct area *)event->data)->merged;
}

static void paint_often(void *context)
{
    struct probe *probe = context;

    for (int i = 0; i < 500; i++) {
        paint_at(probe, i % 3 == 0 ? &paint_type : &resize_type, i, i % 7 == 0 ? -1 : i,
                 (enum hy_priority)(i % 2));
    }
}

static void test_nothing_is_lost_in_merging(void **state)
{
    struct worker worker;
    int rounds = check_scaled(40);

    (void)state;
    total = 0;
    here.on_event = add_up;
    worker_start(&worker, "painter");
    for (int i = 0; i < rounds; i++) {
        run_there(&worker.probe.hy, paint_often, &here);
        hy_process(0, HY_FOREVER);
        paint_often(&here);
        if (i % 3 == 0)
            wait_drain();
    }
    wait_drain();
    worker_stop(&worker);
    assert_int_equal(total, rounds * 1000);
    assert_true(here.count < rounds * 1000);
}

/* Cells come from the thread's own store: one request in 64 posts fetches a new chunk, and later
 * none. Rules: PE-21. */
static void test_pe21_one_allocation_a_post(void **state)
{
    struct area area = {1, 1, 0};
    const uint32_t number = number_of(&paint_type);
    long before;

    (void)state;
    for (int i = 0; i < 8; i++) /* what comes with a first use */
        assert_ok(hy_post(&here.hy, E(1), &area, sizeof area, HY_PRIORITY_NORMAL));
    before = allocator_requests();
    for (int i = 0; i < 1000; i++)
        assert_ok(
            hy_post(&here.hy, i % 2 == 0 ? E(1) : number, &area, sizeof area, HY_PRIORITY_NORMAL));
    assert_true(allocator_requests() - before <= 1000);
    wait_drain();
    assert_int_equal(hy_posted_count(NULL, HY_EVENT_ANY), 0);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_table_is_bounded), /* in a child, before the library is used */
        CASE(test_a_type_gets_one_number),
        CASE(test_a_description_that_cannot_be),
        CASE(test_numbers_that_nobody_gave_are_refused),
        CASE(test_two_threads_register_the_same_types),
        CASE(test_a_described_payload),
        CASE(test_a_payload_of_another_size_is_refused),
        CASE(test_pe14_events_with_a_hook_are_merged),
        CASE(test_pe14_only_of_one_type_and_priority),
        CASE(test_pe14_a_hook_that_refuses),
        CASE(test_compressed_events_travel_with_their_object),
        CASE(test_removal_leaves_the_others_to_be_merged),
        CASE(test_what_was_merged_is_not_kept),
        CASE(test_the_receiver_of_compressed_events_ends),
        CASE(test_merged_payloads_are_destroyed),
        CASE(test_a_hook_that_runs_a_loop),
        CASE(test_a_hook_that_ends_the_receiver),
        CASE(test_a_hook_that_removes_what_waits),
        CASE(test_a_hook_that_moves_the_receiver),
        CASE(test_nothing_is_lost_in_merging),
        CASE(test_pe21_one_allocation_a_post),
    };

    allocator_install();
    return cmocka_run_group_tests_name("event-type", tests, NULL, NULL);
}
