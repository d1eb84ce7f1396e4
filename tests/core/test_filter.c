/* SPDX-License-Identifier: MIT */
/* Filters of objects and of threads; events that go on to parents. Rules PE-16, PE-22..27, AP-09.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/worker.h"

#include <string.h>

#define E(n)    (HY_EVENT_USER + (n))
#define FILTERS 6

/* What the filters did, in order: 10 * filter + variant; -1: the handler of `watched`. */
static struct probe sequence;
static struct probe filters[FILTERS];
static struct probe *watched;
static uint32_t propagating;
static void (*action)(struct probe *filter, struct hy_event *event);
static int acting;  /* which filter runs the action */
static int stopper; /* which filter stops; -1: none */

static const struct hy_event_type propagating_type = {.name = "propagating",
                                                      .flags = HY_EVENT_PROPAGATES};

static void note_handled(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    probe_note(&sequence, -1);
}

static int setup(void **state)
{
    action = NULL;
    acting = stopper = -1;
    EXPECT_INT(hy_event_type_register(&propagating_type, &propagating), 0);
    probe_init(&sequence, NULL);
    for (int i = 0; i < FILTERS; i++)
        probe_init(&filters[i], NULL);
    watched = probe_create(NULL);
    watched->on_event = note_handled;
    return check_setup(state);
}

static int teardown(void **state)
{
    for (int i = 0; i < FILTERS; i++)
        object_end(&filters[i].hy);
    object_end(&sequence.hy);
    if (watched != NULL)
        object_end(&watched->hy);
    wait_drain();
    return check_teardown(state);
}

static bool filter_as(struct hy_object *filter, struct hy_event *event, int variant)
{
    struct probe *self = (struct probe *)(void *)filter;
    int number = (int)(self - filters);

    EXPECT(hy_object_is_here(filter));
    probe_note(&sequence, 10 * number + variant);
    if (number == acting && action != NULL)
        action(self, event);
    return number == stopper;
}

static bool filter_plainly(struct hy_object *filter, struct hy_object *receiver,
                           struct hy_event *event)
{
    (void)receiver;
    return filter_as(filter, event, 0);
}

static bool filter_otherwise(struct hy_object *filter, struct hy_object *receiver,
                             struct hy_event *event)
{
    (void)receiver;
    return filter_as(filter, event, 1);
}

static bool filter_of_thread(struct hy_object *filter, struct hy_object *receiver,
                             struct hy_event *event)
{
    (void)receiver;
    return filter_as(filter, event, 2);
}

static void install(int number)
{
    EXPECT_INT(hy_object_install_filter(&watched->hy, &filters[number].hy, filter_plainly), 0);
}

/* Posted and sent events go the same way; forgets what was noted. */
static void deliver(bool sent)
{
    struct hy_event event = {.type = E(1)};

    sequence.count = 0;
    if (sent) {
        EXPECT(hy_send(&watched->hy, &event) >= 0);
    } else {
        EXPECT_INT(hy_post(&watched->hy, E(1), NULL, 0, HY_PRIORITY_NORMAL), 0);
        wait_drain();
    }
}

/* --- order ------------------------------------------------------------------------------------ */

static void test_pe22_the_newest_first(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        install(i);
    for (int sent = 0; sent < 2; sent++) {
        stopper = -1;
        deliver(sent != 0);
        assert_true(PROBE_SAW(&sequence, 20, 10, 0, -1));
        stopper = 1; /* the rest do not see it */
        deliver(sent != 0);
        assert_true(PROBE_SAW(&sequence, 20, 10));
    }
}

static void test_pe23_installing_again_moves_to_the_front(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        install(i);
    assert_ok(hy_object_install_filter(&watched->hy, &filters[0].hy, filter_otherwise));
    deliver(false);
    assert_true(PROBE_SAW(&sequence, 1, 20, 10, -1));
    assert_ok(hy_object_remove_filter(&watched->hy, &filters[2].hy));
    deliver(true);
    assert_true(PROBE_SAW(&sequence, 1, 10, -1));
    assert_int_equal(hy_object_remove_filter(&watched->hy, &filters[2].hy), -HY_ENOENT);
    assert_int_equal(hy_object_remove_filter(&watched->hy, NULL), -HY_ENOENT);
    assert_ok(hy_object_remove_filter(&watched->hy, &filters[0].hy));
    assert_ok(hy_object_remove_filter(&watched->hy, &filters[1].hy));
    deliver(true);
    assert_true(PROBE_SAW(&sequence, -1));
}

static void remove_self(struct probe *filter, struct hy_event *event)
{
    (void)event;
    EXPECT_INT(hy_object_remove_filter(&watched->hy, &filter->hy), 0);
}

static void remove_others(struct probe *filter, struct hy_event *event)
{
    (void)event;
    for (int i = 0; i < FILTERS; i++)
        if (&filters[i] != filter)
            EXPECT(hy_object_remove_filter(&watched->hy, &filters[i].hy) <= 0);
}

static void test_pe23_removal_inside_a_filter(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        install(i);
    action = remove_self;
    acting = 2;
    deliver(false);
    assert_true(PROBE_SAW(&sequence, 30, 20, 10, 0, -1));
    acting = 1;
    action = remove_others; /* one before, one behind */
    deliver(true);
    assert_true(PROBE_SAW(&sequence, 30, 10, -1));
    deliver(true);
    assert_true(PROBE_SAW(&sequence, 10, -1));
}

static void remove_and_install_again(struct probe *filter, struct hy_event *event)
{
    (void)event;
    (void)filter;
    EXPECT_INT(hy_object_remove_filter(&watched->hy, &filters[0].hy), 0);
    EXPECT_INT(hy_object_install_filter(&watched->hy, &filters[0].hy, filter_plainly), 0);
}

static void test_a_filter_removed_and_installed_again_is_a_new_one(void **state)
{
    (void)state;
    install(0);
    install(1);
    action = remove_and_install_again;
    acting = 1;
    deliver(true);
    assert_true(PROBE_SAW(&sequence, 10, -1));
    acting = -1;
    deliver(true);
    assert_true(PROBE_SAW(&sequence, 0, 10, -1));
}

/* --- the end of filters ----------------------------------------------------------------------- */

static void end_number_0(struct probe *filter, struct hy_event *event)
{
    (void)filter;
    (void)event;
    object_end(&filters[0].hy);
}

static void end_self(struct probe *filter, struct hy_event *event)
{
    (void)event;
    object_end(&filter->hy);
}

static void test_pe24_a_filter_that_ends_drops_out(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        install(i);
    object_end(&filters[3].hy);
    deliver(false);
    assert_true(PROBE_SAW(&sequence, 20, 10, 0, -1));
    action = end_number_0; /* its turn would come */
    acting = 1;
    deliver(false);
    assert_true(PROBE_SAW(&sequence, 20, 10, -1));
    action = end_self;
    acting = 2;
    deliver(false);
    assert_true(PROBE_SAW(&sequence, 20, 10, -1));
    deliver(false);
    assert_true(PROBE_SAW(&sequence, 10, -1));
    probe_init(&filters[3], NULL); /* at the same address another one */
    deliver(false);
    assert_true(PROBE_SAW(&sequence, 10, -1));
}

/* --- threads ---------------------------------------------------------------------------------- */

static struct hy_thread *main_thread;

static void bring_back(void *context)
{
    EXPECT_INT(hy_object_move_to_thread(context, main_thread), 0);
}

static void test_pe25_a_filter_that_lives_elsewhere(void **state)
{
    struct worker worker;

    (void)state;
    main_thread = hy_thread_current();
    worker_start(&worker, "elsewhere");
    assert_int_equal(hy_object_install_filter(&watched->hy, &worker.probe.hy, filter_plainly),
                     -HY_EWRONGTHREAD);
    assert_int_equal(hy_object_install_filter(&worker.probe.hy, &filters[0].hy, filter_plainly),
                     -HY_EWRONGTHREAD);
    install(0);
    install(1);
    assert_ok(hy_object_move_to_thread(&filters[1].hy, &worker.thread));
    deliver(false);
    assert_true(PROBE_SAW(&sequence, 0, -1)); /* passed over */
    run_there(&worker.probe.hy, bring_back, &filters[1].hy);
    deliver(false);
    assert_true(PROBE_SAW(&sequence, 10, 0, -1));
    worker_stop(&worker);
}

static void test_pe25_a_watched_object_keeps_its_filters(void **state)
{
    struct worker worker;

    (void)state;
    main_thread = hy_thread_current();
    worker_start(&worker, "elsewhere");
    install(0);
    install(1);
    assert_ok(hy_object_move_to_thread(&watched->hy, &worker.thread));
    assert_ok(hy_post(&watched->hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    flush_there(&worker.probe.hy);
    assert_true(PROBE_SAW(&sequence, -1)); /* the filters are not there */
    assert_ok(hy_object_move_to_thread(&filters[0].hy, &worker.thread));
    flush_there(&worker.probe.hy);
    sequence.count = 0;
    assert_ok(hy_post(&watched->hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    flush_there(&worker.probe.hy);
    assert_true(PROBE_SAW(&sequence, 0, -1));
    run_there(&worker.probe.hy, bring_back, &watched->hy);
    run_there(&worker.probe.hy, bring_back, &filters[0].hy);
    deliver(false);
    assert_true(PROBE_SAW(&sequence, 10, 0, -1));
    worker_stop(&worker);
}

static void send_watched_away(struct probe *filter, struct hy_event *event)
{
    EXPECT_INT(hy_object_move_to_thread(&watched->hy, filter->context), 0);
    EXPECT(event->receiver == NULL);
}

/* The list is walked here as it goes, and changed there at once. What is removed is given back. */
static void change_filters(void *context)
{
    long blocks;

    EXPECT_INT(hy_object_install_filter(&watched->hy, context, filter_plainly), 0);
    EXPECT_INT(hy_object_remove_filter(&watched->hy, context), 0);
    blocks = allocator_blocks();
    for (int i = 0; i < 5; i++) {
        EXPECT_INT(hy_object_install_filter(&watched->hy, context, filter_plainly), 0);
        EXPECT_INT(hy_object_remove_filter(&watched->hy, context), 0);
    }
    EXPECT_INT(allocator_blocks(), blocks);
}

static void test_pe26_the_watched_moves_inside_a_filter(void **state)
{
    struct worker worker;

    (void)state;
    main_thread = hy_thread_current();
    for (int i = 0; i < check_scaled(40) + 1; i++) {
        worker_start(&worker, "elsewhere");
        for (int j = 0; j < 3; j++)
            install(j);
        filters[1].context = &worker.thread;
        action = send_watched_away;
        acting = 1;
        deliver(true);
        EXPECT(PROBE_SAW(&sequence, 20, 10)); /* neither filters nor handler are called any more */
        run_there(&worker.probe.hy, change_filters, &worker.probe.hy);
        run_there(&worker.probe.hy, bring_back, &watched->hy);
        worker_stop(&worker);
        wait_drain();
        acting = -1;
        deliver(true);
        EXPECT(PROBE_SAW(&sequence, 20, 10, 0, -1));
    }
}

static void move_away_number_0(struct probe *filter, struct hy_event *event)
{
    (void)event;
    EXPECT_INT(hy_object_move_to_thread(&filters[0].hy, filter->context), 0);
    EXPECT_INT(hy_object_move_to_thread(&filter->hy, filter->context), 0);
}

static void test_pe26_filters_move_away_inside_a_filter(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "elsewhere");
    for (int i = 0; i < 3; i++)
        install(i);
    filters[2].context = &worker.thread;
    action = move_away_number_0;
    acting = 2;
    deliver(true);
    assert_true(PROBE_SAW(&sequence, 20, 10, -1));
    deliver(true);
    assert_true(PROBE_SAW(&sequence, 10, -1));
    worker_stop(&worker); /* ends both */
    deliver(true);
    assert_true(PROBE_SAW(&sequence, 10, -1));
    install(3); /* sweeps */
    deliver(true);
    assert_true(PROBE_SAW(&sequence, 30, 10, -1));
}

/* --- changes while filtering ------------------------------------------------------------------ */

static void install_new_and_old(struct probe *filter, struct hy_event *event)
{
    struct hy_event nested = {.type = E(2)};

    (void)event;
    action = NULL;
    (void)filter;
    install(5); /* new */
    EXPECT_INT(hy_object_install_filter(&watched->hy, &filters[0].hy, filter_otherwise), 0);
    EXPECT_INT(hy_object_install_filter(&watched->hy, &filters[3].hy, filter_otherwise), 0);
    probe_note(&sequence, 100);
    EXPECT_INT(hy_send(&watched->hy, &nested), 1); /* an event inside sees the new order */
    probe_note(&sequence, 101);
    EXPECT_INT(hy_object_install_filter(&watched->hy, &filters[0].hy, filter_plainly), 0);
}

/* Each that was there is called once: 3 came before, 0 still comes, with its newest function. */
static void test_pe26_installing_inside_a_filter(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        install(i);
    action = install_new_and_old;
    acting = 2;
    deliver(true);
    assert_true(PROBE_SAW(&sequence, 30, 20, 100, 31, 1, 50, 20, 10, -1, 101, 10, 0, -1));
    deliver(true);
    assert_true(PROBE_SAW(&sequence, 0, 31, 50, 20, 10, -1));
}

static uint32_t seed = 1;

static uint32_t any(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static int calls[FILTERS];
static bool is_installed[FILTERS], was_there[FILTERS], removed_since[FILTERS];
static int nesting;

static bool filter_at_random(struct hy_object *filter, struct hy_object *receiver,
                             struct hy_event *event)
{
    (void)receiver;
    (void)event;
    calls[(struct probe *)(void *)filter - filters]++;
    for (uint32_t i = any(3); i > 0; i--) {
        uint32_t number = any(FILTERS);

        if (any(2) == 0) {
            EXPECT_INT(
                hy_object_install_filter(&watched->hy, &filters[number].hy, filter_at_random), 0);
            is_installed[number] = true;
        } else if (is_installed[number]) {
            EXPECT_INT(hy_object_remove_filter(&watched->hy, &filters[number].hy), 0);
            is_installed[number] = false;
            removed_since[number] = true;
        }
    }
    if (any(4) == 0 && nesting < 2) { /* an event inside; its calls are not those of this one */
        int kept[FILTERS];
        struct hy_event nested = {.type = E(3)};

        memcpy(kept, calls, sizeof kept);
        nesting++;
        EXPECT(hy_send(&watched->hy, &nested) >= 0);
        nesting--;
        memcpy(calls, kept, sizeof kept);
    }
    return false;
}

static void test_pe26_whatever_the_filters_do(void **state)
{
    (void)state;
    memset(is_installed, 0, sizeof is_installed);
    for (int round = 0; round < check_scaled(4000); round++) {
        struct hy_event event = {.type = E(1)};

        for (int i = 0; i < FILTERS; i++) {
            calls[i] = 0;
            removed_since[i] = false;
            was_there[i] = is_installed[i];
        }
        EXPECT_INT(hy_send(&watched->hy, &event), 1);
        for (int i = 0; i < FILTERS; i++) {
            EXPECT(calls[i] <= (was_there[i] ? 1 : 0));
            EXPECT(removed_since[i] || calls[i] == (was_there[i] ? 1 : 0));
        }
        if (any(3) == 0) {
            uint32_t number = any(FILTERS);
            EXPECT_INT(
                hy_object_install_filter(&watched->hy, &filters[number].hy, filter_at_random), 0);
            is_installed[number] = true;
        }
    }
}

/* --- the end of receivers --------------------------------------------------------------------- */

static void end_watched(struct probe *filter, struct hy_event *event)
{
    (void)filter;
    object_end(&watched->hy);
    watched = NULL;
    EXPECT(event->receiver == NULL);
}

/* It lies on the heap: a look at it after its end is seen by the sanitizer. */
static void test_pe27_a_filter_ends_the_receiver(void **state)
{
    struct hy_event event = {.type = E(1)};

    (void)state;
    for (int sent = 0; sent < 2; sent++) {
        if (watched == NULL)
            watched = probe_create(NULL);
        watched->on_event = note_handled;
        for (int i = 0; i < 3; i++)
            install(i);
        action = end_watched;
        acting = 1;
        sequence.count = 0;
        if (sent == 0) {
            assert_ok(hy_post(&watched->hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
            wait_drain();
        } else {
            assert_int_equal(hy_send(&watched->hy, &event), 1); /* nobody else could take it */
            assert_null(event.receiver);
        }
        assert_true(PROBE_SAW(&sequence, 20, 10));
    }
}

static void end_self_in_handler(struct probe *self, struct hy_event *event)
{
    (void)self;
    end_watched(NULL, event);
    hy_event_ignore(event);
}

static void test_pe27_a_handler_ends_the_receiver(void **state)
{
    struct probe parent;
    struct hy_event event = {.type = propagating};

    (void)state;
    probe_init(&parent, NULL);
    assert_ok(hy_object_set_parent(&watched->hy, &parent.hy));
    watched->on_event = end_self_in_handler;
    assert_int_equal(hy_send(&parent.hy, &event), 1);
    event.receiver = &parent.hy;
    assert_int_equal(hy_send(&watched->hy, &event), 0); /* ignored, and nobody knows the parent */
    assert_null(event.receiver);
    assert_int_equal(parent.count, 1);
    object_end(&parent.hy);
}

static void later(struct probe *filter, struct hy_event *event)
{
    (void)event;
    EXPECT_INT(hy_object_destroy_later(&filter->hy), 0);
    EXPECT_INT(hy_object_destroy_later(&watched->hy), 0);
    EXPECT_INT(hy_posted_flush(NULL, HY_EVENT_DESTROY), 0); /* both are on the stack */
}

static void count_fini(struct probe *self)
{
    if (&self->hy == &watched->hy)
        watched = NULL;
}

/* Their ends wait until the event is through. */
static void test_destroy_later_inside_a_filter(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        install(i);
    watched->on_fini = count_fini;
    action = later;
    acting = 1;
    deliver(false);
    assert_true(PROBE_SAW(&sequence, 20, 10, 0, -1));
    assert_null(watched);
    assert_null(filters[1].hy.anchor);
}

/* --- verdicts and parents --------------------------------------------------------------------- */

static void ignore(struct probe *self, struct hy_event *event)
{
    (void)self;
    probe_note(&sequence, -2);
    hy_event_ignore(event);
}

static void test_pe16_the_verdict_of_a_send(void **state)
{
    static const struct hy_class plain_class = HY_CLASS(struct hy_object, .base = NULL);
    struct hy_object plain;
    int64_t payload = 4;
    struct hy_event event = {.type = E(1), .data = &payload, .size = sizeof payload};

    (void)state;
    assert_int_equal(hy_send(&watched->hy, &event), 1);
    assert_ptr_equal(event.receiver, &watched->hy);
    assert_ptr_equal(event.data, &payload); /* it stays the caller's */
    watched->on_event = ignore;
    assert_int_equal(hy_send(&watched->hy, &event), 0);
    install(0);
    stopper = 0;
    assert_int_equal(hy_send(&watched->hy, &event), 1);
    assert_false(event.ignored);
    assert_ok(hy_object_init(&plain, &plain_class, NULL));
    assert_int_equal(hy_send(&plain, &event), 0); /* it has no handler */
    assert_true(event.ignored);
    assert_int_equal(hy_send(&plain, NULL), -HY_EINVAL);
    object_end(&plain);
}

struct family {
    struct probe grandparent, parent, child;
};

static void family_init(struct family *family)
{
    probe_init(&family->grandparent, NULL);
    probe_init(&family->parent, &family->grandparent.hy);
    probe_init(&family->child, &family->parent.hy);
}

static struct probe *expected_receiver;

static void ignore_as_parent(struct probe *self, struct hy_event *event)
{
    EXPECT(event->receiver == (expected_receiver != NULL ? &expected_receiver->hy : NULL));
    ignore(self, event);
}

static void test_an_ignored_event_goes_on_to_the_parents(void **state)
{
    struct family family;
    struct hy_event event = {.type = propagating};

    (void)state;
    family_init(&family);
    expected_receiver = &family.child;
    family.child.on_event = family.parent.on_event = ignore_as_parent;
    assert_int_equal(hy_send(&family.child.hy, &event), 1);
    assert_true(PROBE_SAW(&family.child, propagating));
    assert_true(PROBE_SAW(&family.parent, propagating));
    assert_true(PROBE_SAW(&family.grandparent, propagating));
    assert_ok(hy_post(&family.child.hy, propagating, NULL, 0, HY_PRIORITY_NORMAL));
    wait_drain();
    assert_int_equal(family.grandparent.count, 2);
    family.parent.on_event = NULL; /* takes it */
    assert_int_equal(hy_send(&family.child.hy, &event), 1);
    assert_int_equal(family.grandparent.count, 2);
    family.parent.on_event = family.grandparent.on_event = ignore_as_parent;
    assert_int_equal(hy_send(&family.child.hy, &event), 0);
    assert_int_equal(family.grandparent.count, 3);
    event.type = E(1); /* of a type that does not propagate */
    assert_int_equal(hy_send(&family.child.hy, &event), 0);
    assert_int_equal(family.grandparent.count, 3);
    object_end(&family.grandparent.hy);
}

static struct probe *forward_to;

static void forward(struct probe *self, struct hy_event *event)
{
    (void)self;
    EXPECT_INT(hy_send(&forward_to->hy, event), 1);
    EXPECT(event->receiver == &expected_receiver->hy);
    hy_event_ignore(event);
}

/* One that its handler also shows to another object is still its own. */
static void test_an_event_sent_on_comes_back_to_its_receiver(void **state)
{
    struct family family;
    struct hy_event event = {.type = propagating};

    (void)state;
    family_init(&family);
    forward_to = probe_create(NULL);
    expected_receiver = &family.child;
    family.child.on_event = forward;
    family.parent.on_event = ignore_as_parent;
    assert_int_equal(hy_send(&family.child.hy, &event), 1);
    assert_true(PROBE_SAW(forward_to, propagating));
    assert_true(PROBE_SAW(&family.grandparent, propagating));
    assert_ok(hy_post(&family.child.hy, propagating, NULL, 0, HY_PRIORITY_NORMAL));
    wait_drain();
    assert_int_equal(forward_to->count, 2);
    assert_int_equal(family.grandparent.count, 2);
    object_end(&forward_to->hy);
    object_end(&family.grandparent.hy);
}

static void test_filters_of_parents_see_what_goes_on(void **state)
{
    struct family family;
    struct hy_event event = {.type = propagating};

    (void)state;
    family_init(&family);
    expected_receiver = &family.child;
    family.child.on_event = family.parent.on_event = ignore_as_parent;
    assert_ok(hy_object_install_filter(&family.child.hy, &filters[0].hy, filter_plainly));
    assert_ok(hy_object_install_filter(&family.parent.hy, &filters[1].hy, filter_plainly));
    assert_ok(hy_object_install_filter(&family.grandparent.hy, &filters[2].hy, filter_plainly));
    assert_ok(hy_thread_install_filter(&filters[3].hy, filter_of_thread)); /* once an event */
    assert_int_equal(hy_send(&family.child.hy, &event), 1);
    assert_true(PROBE_SAW(&sequence, 32, 0, -2, 10, -2, 20));
    stopper = 1;
    assert_int_equal(hy_send(&family.child.hy, &event), 1);
    assert_int_equal(family.grandparent.count, 1);
    object_end(&family.grandparent.hy);
}

static void end_the_child(struct probe *self, struct hy_event *event)
{
    struct family *family = self->context;

    object_end(&family->child.hy);
    EXPECT(event->receiver == NULL);
    expected_receiver = NULL;
    ignore(self, event);
}

static void end_itself(struct probe *self, struct hy_event *event)
{
    hy_event_ignore(event);
    object_end(&self->hy); /* and the child with it */
    EXPECT(event->receiver == NULL);
}

static void send_to_the_child(struct probe *self)
{
    struct family *family = self->context;
    struct hy_event event = {.type = propagating};

    EXPECT_INT(hy_send(&family->child.hy, &event), 0);
}

static void test_a_parent_inside_its_fini_gets_nothing(void **state)
{
    struct family family;

    (void)state;
    family_init(&family);
    expected_receiver = &family.child;
    family.child.on_event = ignore_as_parent;
    family.parent.context = &family;
    family.parent.on_fini = send_to_the_child;
    object_end(&family.parent.hy);
    assert_int_equal(family.child.count, 1);
    assert_int_equal(family.parent.count + family.grandparent.count, 0);
    object_end(&family.grandparent.hy);
}

static void test_objects_that_end_on_the_way_up(void **state)
{
    struct family family;
    struct hy_event event = {.type = propagating};

    (void)state;
    family_init(&family);
    expected_receiver = &family.child;
    family.parent.context = &family;
    family.child.on_event = ignore_as_parent;
    family.parent.on_event = end_the_child;
    family.grandparent.on_event = ignore_as_parent; /* expects no receiver any more */
    assert_int_equal(hy_send(&family.child.hy, &event), 0);
    assert_int_equal(family.grandparent.count, 1);
    assert_null(event.receiver);
    object_end(&family.grandparent.hy);

    family_init(&family);
    expected_receiver = &family.child;
    family.child.on_event = ignore_as_parent;
    family.parent.on_event = end_itself;
    assert_int_equal(hy_send(&family.child.hy, &event), 0);
    assert_int_equal(family.grandparent.count, 0); /* who was asked last is not asked for more */
    object_end(&family.grandparent.hy);
}

/* --- filters of a thread ---------------------------------------------------------------------- */

static void test_ap09_before_the_filters_of_objects(void **state)
{
    (void)state;
    install(0);
    assert_ok(hy_thread_install_filter(&filters[1].hy, filter_of_thread));
    assert_ok(hy_thread_install_filter(&filters[2].hy, filter_of_thread));
    deliver(false);
    assert_true(PROBE_SAW(&sequence, 22, 12, 0, -1));
    assert_ok(hy_thread_install_filter(&filters[1].hy, filter_of_thread));
    deliver(true);
    assert_true(PROBE_SAW(&sequence, 12, 22, 0, -1));
    stopper = 1;
    deliver(true);
    assert_true(PROBE_SAW(&sequence, 12));
    assert_ok(hy_thread_remove_filter(&filters[1].hy));
    assert_int_equal(hy_thread_remove_filter(&filters[1].hy), -HY_ENOENT);
    assert_int_equal(hy_thread_remove_filter(NULL), -HY_ENOENT);
    assert_int_equal(hy_thread_install_filter(&filters[0].hy, NULL), -HY_EINVAL);
    assert_int_equal(hy_thread_install_filter(NULL, filter_of_thread), -HY_EINVAL);
    object_end(&filters[2].hy);
    deliver(true);
    assert_true(PROBE_SAW(&sequence, 0, -1));
}

static void install_of_thread(void *context)
{
    EXPECT_INT(hy_thread_install_filter(context, filter_of_thread), 0);
}

static void test_ap09_of_one_thread_only(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "other");
    assert_int_equal(hy_thread_install_filter(&worker.probe.hy, filter_of_thread),
                     -HY_EWRONGTHREAD);
    assert_int_equal(hy_thread_remove_filter(&worker.probe.hy), -HY_EWRONGTHREAD);
    assert_ok(hy_thread_install_filter(&filters[0].hy, filter_of_thread));
    assert_ok(hy_post(&worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    flush_there(&worker.probe.hy);
    assert_int_equal(sequence.count, 0);
    assert_int_equal(worker.probe.count, 1);
    assert_ok(hy_object_move_to_thread(&filters[1].hy, &worker.thread));
    run_there(&worker.probe.hy, install_of_thread, &filters[1].hy);
    deliver(false);
    assert_true(PROBE_SAW(&sequence, 2, -1)); /* not the one that watches over there */
    sequence.count = 0;
    assert_ok(hy_post(&worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    flush_there(&worker.probe.hy);
    assert_true(PROBE_SAW(&sequence, 12));
    worker_stop(&worker); /* the list goes with its thread */
}

static void test_ap09_a_filter_of_the_thread_ends_the_receiver(void **state)
{
    (void)state;
    install(0);
    for (int i = 1; i < 4; i++)
        assert_ok(hy_thread_install_filter(&filters[i].hy, filter_of_thread));
    action = end_watched;
    acting = 2;
    assert_ok(hy_post(&watched->hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    wait_drain();
    assert_true(PROBE_SAW(&sequence, 32, 22));
}

static void test_filters_need_objects_and_a_function(void **state)
{
    (void)state;
    assert_int_equal(hy_object_install_filter(NULL, &filters[0].hy, filter_plainly), -HY_EINVAL);
    assert_int_equal(hy_object_install_filter(&watched->hy, NULL, filter_plainly), -HY_EINVAL);
    assert_int_equal(hy_object_install_filter(&watched->hy, &filters[0].hy, NULL), -HY_EINVAL);
    object_end(&filters[0].hy);
    assert_int_equal(hy_object_install_filter(&watched->hy, &filters[0].hy, filter_plainly),
                     -HY_ESHUTDOWN);
    assert_int_equal(hy_object_install_filter(&filters[0].hy, &filters[1].hy, filter_plainly),
                     -HY_ESHUTDOWN);
    assert_ok(hy_object_install_filter(&watched->hy, &watched->hy, filter_otherwise) < 0 ? -1 : 0);
    assert_ok(hy_object_remove_filter(&watched->hy, &watched->hy));
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_pe22_the_newest_first),
        CASE(test_pe23_installing_again_moves_to_the_front),
        CASE(test_pe23_removal_inside_a_filter),
        CASE(test_a_filter_removed_and_installed_again_is_a_new_one),
        CASE(test_pe24_a_filter_that_ends_drops_out),
        CASE(test_pe25_a_filter_that_lives_elsewhere),
        CASE(test_pe25_a_watched_object_keeps_its_filters),
        CASE(test_pe26_the_watched_moves_inside_a_filter),
        CASE(test_pe26_filters_move_away_inside_a_filter),
        CASE(test_pe26_installing_inside_a_filter),
        CASE(test_pe26_whatever_the_filters_do),
        CASE(test_pe27_a_filter_ends_the_receiver),
        CASE(test_pe27_a_handler_ends_the_receiver),
        CASE(test_destroy_later_inside_a_filter),
        CASE(test_pe16_the_verdict_of_a_send),
        CASE(test_an_ignored_event_goes_on_to_the_parents),
        CASE(test_an_event_sent_on_comes_back_to_its_receiver),
        CASE(test_filters_of_parents_see_what_goes_on),
        CASE(test_a_parent_inside_its_fini_gets_nothing),
        CASE(test_objects_that_end_on_the_way_up),
        CASE(test_ap09_before_the_filters_of_objects),
        CASE(test_ap09_of_one_thread_only),
        CASE(test_ap09_a_filter_of_the_thread_ends_the_receiver),
        CASE(test_filters_need_objects_and_a_function),
    };

    allocator_install();
    return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
