/* SPDX-License-Identifier: MIT */
/* Objects: init and fini, trees, wrong-thread calls, weak references. Rules OA, PE-18. */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/worker.h"

#include <pthread.h>
#include <string.h>

/* --- init, fini, create, destroy -------------------------------------------------------------- */

static void test_init_makes_garbage_an_object(void **state)
{
    struct source source;

    (void)state;
    memset(&source, 0xa5, sizeof source);
    assert_ok(hy_object_init(&source.hy, &source_class, NULL));
    assert_null(hy_object_parent(&source.hy));
    assert_null(hy_object_first_child(&source.hy));
    assert_true(hy_object_is_here(&source.hy));
    assert_ptr_equal(hy_object_thread(&source.hy), hy_thread_current());
    assert_true(hy_object_is_a(&source.hy, &source_class));
    assert_false(hy_object_is_a(&source.hy, &probe_class));
    assert_false(hy_signal_is_connected(&source.events.number.sig));
    assert_int_equal(hy_emit_with(&source.events.number, .value = 1), 0);
    assert_ok(hy_object_fini(&source.hy));
}

static void test_init_refuses_nonsense(void **state)
{
    struct probe probe;
    struct hy_object *object = (struct hy_object *)&probe;
    struct hy_class newer = probe_class;

    (void)state;
    newer.version = HY_CLASS_VERSION + 1000;
    assert_int_equal(hy_object_init(&probe.hy, NULL, NULL), -HY_EINVAL);
    assert_int_equal(hy_object_init(NULL, &probe_class, NULL), -HY_EINVAL);
    assert_int_equal(hy_object_init(&probe.hy, &newer, NULL), -HY_EINVAL);
    assert_int_equal(hy_object_create(NULL, NULL, &object), -HY_EINVAL);
    assert_ptr_equal(object, &probe); /* untouched on failure */
}

static void test_second_fini_is_a_no_op(void **state)
{
    struct probe probe;
    int finis = 0;

    (void)state;
    probe_init(&probe, NULL);
    probe.fini_count = &finis;
    assert_ok(hy_object_fini(&probe.hy));
    assert_ok(hy_object_fini(&probe.hy));
    assert_ok(hy_object_destroy(&probe.hy));
    assert_int_equal(finis, 1);
}

static void test_memory_can_be_an_object_again(void **state)
{
    struct probe probe;
    int finis = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        probe_init(&probe, NULL);
        probe.fini_count = &finis;
        assert_ok(hy_object_fini(&probe.hy));
    }
    assert_int_equal(finis, 3);
}

static void test_create_zeroes_and_destroy_releases(void **state)
{
    long blocks;

    (void)state;
    object_end(&probe_create(NULL)->hy); /* whatever is made once */
    blocks = allocator_blocks();
    for (int i = 0; i < 100; i++) {
        struct probe *probe = probe_create(NULL);
        const char *bytes = (const char *)probe + sizeof(struct hy_object);

        for (size_t k = 0; k < sizeof *probe - sizeof(struct hy_object); k++)
            assert_int_equal(bytes[k], 0);
        assert_ok(hy_object_destroy(&probe->hy));
    }
    assert_int_equal(allocator_blocks(), blocks);
    assert_ok(hy_object_destroy(NULL));
}

struct animal {
    HY_INHERITS(hy_object);
    int *order;
    int animal_fini, dog_fini;
};

struct dog {
    HY_INHERITS(animal);
    struct {
        hy_signal0 barked;
    } events;
    int events_seen;
};

static void animal_fini(struct hy_object *object)
{
    struct animal *self = (struct animal *)(void *)object;

    self->animal_fini = ++*self->order;
}

static void dog_fini(struct hy_object *object)
{
    struct dog *self = (struct dog *)(void *)object;

    self->base.dog_fini = ++*self->base.order;
}

static void animal_event(struct hy_object *object, struct hy_event *event)
{
    struct dog *self = (struct dog *)(void *)object;

    (void)event;
    self->events_seen++;
}

static const struct hy_class animal_class =
    HY_CLASS(struct animal, .fini = animal_fini, .event = animal_event);
static const struct hy_class dog_class =
    HY_CLASS(struct dog, .base = &animal_class, .fini = dog_fini,
             .signals = HY_SIGNALS(HY_NO_PAYLOAD(struct dog, events.barked)));

static void test_derived_class_fini_runs_first_and_event_is_inherited(void **state)
{
    struct dog dog;
    int order = 0;

    (void)state;
    memset(&dog, 0, sizeof dog);
    assert_ok(hy_object_init(&dog.hy, &dog_class, NULL));
    dog.base.order = &order;
    assert_true(hy_object_is_a(&dog.hy, &animal_class));
    assert_true(hy_object_is_a(&dog.hy, &dog_class));
    assert_ok(hy_post(&dog.hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL));
    wait_drain();
    assert_int_equal(dog.events_seen, 1);
    assert_ok(hy_object_fini(&dog.hy));
    assert_int_equal(dog.base.dog_fini, 1);
    assert_int_equal(dog.base.animal_fini, 2);
}

/* --- trees ------------------------------------------------------------------------------------ */

static void test_oa01_child_lives_with_its_parent_in_order(void **state)
{
    struct probe parent, first, second, third;

    (void)state;
    probe_init(&parent, NULL);
    probe_init(&first, &parent.hy);
    probe_init(&second, &parent.hy);
    probe_init(&third, &parent.hy);
    assert_ptr_equal(hy_object_parent(&second.hy), &parent.hy);
    assert_ptr_equal(hy_object_thread(&second.hy), hy_object_thread(&parent.hy));
    assert_ptr_equal(hy_object_first_child(&parent.hy), &first.hy);
    assert_ptr_equal(hy_object_next_sibling(&first.hy), &second.hy);
    assert_ptr_equal(hy_object_next_sibling(&second.hy), &third.hy);
    assert_null(hy_object_next_sibling(&third.hy));
    assert_ok(hy_object_fini(&second.hy)); /* a child that ends leaves its parent */
    assert_ptr_equal(hy_object_next_sibling(&first.hy), &third.hy);
    assert_ok(hy_object_fini(&parent.hy));
    assert_int_equal(hy_object_fini(&first.hy), 0); /* already */
}

static int fini_order[8];
static int fini_total;

static void note_fini(struct probe *self)
{
    fini_order[fini_total++] = (int)(intptr_t)self->context;
    if (self->context == (void *)1) /* the parent's own fini: children are still there */
        EXPECT(hy_object_first_child(&self->hy) != NULL);
}

static void test_children_are_finished_in_creation_order(void **state)
{
    struct probe *parent = probe_create(NULL);

    (void)state;
    fini_total = 0;
    parent->on_fini = note_fini;
    parent->context = (void *)1;
    for (intptr_t i = 2; i <= 5; i++) {
        struct probe *child = probe_create(&parent->hy);

        child->on_fini = note_fini;
        child->context = (void *)i;
    }
    assert_ok(hy_object_destroy(&parent->hy));
    assert_int_equal(fini_total, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(fini_order[i], i + 1);
}

static void destroy_context(struct probe *self)
{
    struct hy_object *sibling = self->context;

    EXPECT_INT(hy_object_destroy(sibling), 0);
}

static void test_oa21_child_may_destroy_its_sibling(void **state)
{
    (void)state;
    for (int later = 0; later < 2; later++) {
        struct probe *parent = probe_create(NULL);
        struct probe *children[4];
        int finis = 0;

        for (int i = 0; i < 4; i++) {
            children[i] = probe_create(&parent->hy);
            children[i]->fini_count = &finis;
        }
        /* The first destroys the next one, or the last one. */
        children[0]->on_fini = destroy_context;
        children[0]->context = &children[later ? 3 : 1]->hy;
        assert_ok(hy_object_destroy(&parent->hy));
        assert_int_equal(finis, 4);
    }
}

static void destroy_parent(struct probe *self)
{
    EXPECT_INT(hy_object_destroy(self->context), 0);
}

static void test_child_fini_may_destroy_its_dying_parent(void **state)
{
    struct probe *parent = probe_create(NULL);
    struct probe *child = probe_create(&parent->hy);
    int finis = 0;

    (void)state;
    parent->fini_count = child->fini_count = &finis;
    child->on_fini = destroy_parent;
    child->context = &parent->hy;
    assert_ok(hy_object_destroy(&parent->hy));
    assert_int_equal(finis, 2);
}

static void make_child(struct probe *self)
{
    struct probe child;

    EXPECT_INT(hy_object_init(&child.hy, &probe_class, &self->hy), -HY_ESHUTDOWN);
    EXPECT_INT(hy_object_set_parent(self->context, &self->hy), -HY_ESHUTDOWN);
}

static void test_no_child_for_a_dying_parent(void **state)
{
    struct probe parent, other;

    (void)state;
    probe_init(&parent, NULL);
    probe_init(&other, NULL);
    parent.on_fini = make_child;
    parent.context = &other.hy;
    assert_ok(hy_object_fini(&parent.hy));
    assert_null(hy_object_parent(&other.hy));
    object_end(&other.hy);
}

static void test_oa05_reparenting_changes_nothing_on_failure(void **state)
{
    struct probe parent, child, grandchild, other;
    struct worker worker;

    (void)state;
    worker_start(&worker, "elsewhere");
    probe_init(&parent, NULL);
    probe_init(&other, NULL);
    probe_init(&child, &parent.hy);
    probe_init(&grandchild, &child.hy);
    assert_int_equal(hy_object_set_parent(&parent.hy, &grandchild.hy), -HY_EINVAL);
    assert_int_equal(hy_object_set_parent(&parent.hy, &parent.hy), -HY_EINVAL);
    assert_null(hy_object_parent(&parent.hy));
    assert_int_equal(hy_object_set_parent(&child.hy, &worker.probe.hy), -HY_EWRONGTHREAD);
    assert_ptr_equal(hy_object_parent(&child.hy), &parent.hy); /* not an orphan */
    assert_ptr_equal(hy_object_first_child(&parent.hy), &child.hy);
    worker_stop(&worker);
    assert_ok(hy_object_set_parent(&child.hy, &other.hy));
    assert_ptr_equal(hy_object_parent(&child.hy), &other.hy);
    assert_null(hy_object_first_child(&parent.hy));
    assert_ptr_equal(hy_object_first_child(&other.hy), &child.hy);
    assert_ok(hy_object_set_parent(&child.hy, &other.hy)); /* again: nothing happens */
    assert_ptr_equal(hy_object_first_child(&other.hy), &child.hy);
    assert_ok(hy_object_set_parent(&child.hy, NULL));
    assert_null(hy_object_parent(&child.hy));
    assert_null(hy_object_first_child(&other.hy));
    object_end(&parent.hy);
    object_end(&other.hy);
    object_end(&child.hy);
}

static void test_deep_tree_ends(void **state)
{
    struct probe *root = probe_create(NULL);
    struct probe *last = root;
    int finis = 0;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        last = probe_create(&last->hy);
        last->fini_count = &finis;
    }
    assert_ok(hy_object_destroy(&root->hy));
    assert_int_equal(finis, 2000);
}

/* --- other threads ---------------------------------------------------------------------------- */

static void expect_message(const char *object, const char *home, const char *caller)
{
    const struct hy_error *error = hy_last_error();

    EXPECT_INT(error->code, HY_EWRONGTHREAD);
    if (!EXPECT(strstr(error->message, object) != NULL) ||
        !EXPECT(strstr(error->message, home) != NULL) ||
        !EXPECT(strstr(error->message, caller) != NULL))
        (void)fprintf(stderr, "the message is: %s\n", error->message);
}

static void call_wrongly(void *context)
{
    struct probe *probe = context;
    struct probe child, here;
    struct hy_object *created = NULL;

    EXPECT_INT(hy_object_check_thread(&probe->hy, "do something"), -HY_EWRONGTHREAD);
    expect_message("the-probe", "office", "harbour");
    EXPECT(strstr(hy_last_error()->message, "do something") != NULL);
    EXPECT_INT(hy_object_fini(&probe->hy), -HY_EWRONGTHREAD);
    expect_message("the-probe", "office", "harbour");
    EXPECT_INT(hy_object_destroy(&probe->hy), -HY_EWRONGTHREAD);
    EXPECT_INT(hy_object_init(&child.hy, &probe_class, &probe->hy), -HY_EWRONGTHREAD);
    EXPECT_INT(hy_object_create(&probe_class, &probe->hy, &created), -HY_EWRONGTHREAD);
    EXPECT(created == NULL);
    EXPECT_INT(hy_object_move_to_thread(&probe->hy, hy_thread_current()), -HY_EWRONGTHREAD);
    probe_init(&here, NULL);
    EXPECT_INT(hy_object_set_parent(&here.hy, &probe->hy), -HY_EWRONGTHREAD);
    EXPECT(hy_object_parent(&here.hy) == NULL);
    EXPECT_INT(hy_object_set_parent(&probe->hy, &here.hy), -HY_EWRONGTHREAD);
    EXPECT(!hy_object_is_here(&probe->hy));
    object_end(&here.hy);
}

static void name_it(void *context)
{
    struct probe *probe = context;

    EXPECT_INT(hy_object_set_name(&probe->hy, "the-%s", "probe"), 0);
}

static void test_oa03_wrong_thread_calls_are_errors(void **state)
{
    struct worker office, harbour;

    (void)state;
    worker_start(&office, "office");
    worker_start(&harbour, "harbour");
    run_there(&office.probe.hy, name_it, &office.probe);
    run_there(&harbour.probe.hy, call_wrongly, &office.probe);
    assert_ptr_equal(hy_object_thread(&office.probe.hy), &office.thread);
    assert_int_equal(office.probe.count, 0);
    worker_stop(&office);
    worker_stop(&harbour);
}

static void test_oa02_a_finished_thread_still_is_home(void **state)
{
    struct worker worker;

    (void)state;
    worker_init(&worker, "home");
    hy_thread_set_finish_policy(&worker.thread, HY_FINISH_KEEP);
    assert_ptr_equal(hy_object_thread(&worker.probe.hy), &worker.thread);
    assert_ok(hy_thread_start(&worker.thread));
    hy_thread_quit(&worker.thread, 0);
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
    assert_ptr_equal(hy_object_thread(&worker.probe.hy), &worker.thread);
    assert_false(hy_object_is_here(&worker.probe.hy));
    hy_thread_fini(&worker.thread);
    assert_null(hy_object_thread(&worker.probe.hy)); /* the handle is no more */
    object_end(&worker.probe.hy);
}

static void test_any_thread_may_end_the_objects_of_a_resting_thread(void **state)
{
    struct hy_thread thread;
    struct probe probe;
    int finis = 0;

    (void)state;
    assert_ok(hy_thread_init(&thread, "resting", NULL));
    probe_init(&probe, NULL);
    probe.fini_count = &finis;
    assert_ok(hy_object_move_to_thread(&probe.hy, &thread));
    assert_false(hy_object_is_here(&probe.hy));
    assert_ok(hy_object_fini(&probe.hy));
    assert_int_equal(finis, 1);
    hy_thread_fini(&thread);
}

/* --- weak references -------------------------------------------------------------------------- */

static struct hy_ref fini_ref;

static void look_while_dying(struct probe *self)
{
    EXPECT(hy_ref_get(fini_ref) == NULL);
    EXPECT_INT(hy_ref_post(fini_ref, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL), -HY_ESHUTDOWN);
    EXPECT_INT(hy_post(&self->hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL), -HY_ESHUTDOWN);
}

static void test_pe18_reference_in_every_phase(void **state)
{
    struct probe *probe = probe_create(NULL);
    struct hy_ref ref = hy_ref_to(&probe->hy), copy;

    (void)state;
    assert_ptr_equal(hy_ref_get(ref), &probe->hy);
    assert_ok(hy_ref_post(ref, HY_EVENT_USER + 1, NULL, 0, HY_PRIORITY_NORMAL));
    wait_drain();
    assert_true(PROBE_SAW(probe, HY_EVENT_USER + 1));
    copy = hy_ref_copy(ref);
    fini_ref = ref;
    probe->on_fini = look_while_dying;
    object_end(&probe->hy);
    assert_null(hy_ref_get(ref));
    assert_int_equal(hy_ref_post(ref, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL), -HY_ESHUTDOWN);
    assert_int_equal(hy_last_error()->code, HY_ESHUTDOWN);
    hy_ref_release(&ref);
    assert_null(ref.anchor);
    hy_ref_release(&ref);
    assert_null(hy_ref_get(ref)); /* cleared */
    assert_int_equal(hy_ref_post(ref, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL), -HY_ESHUTDOWN);
    assert_int_equal(hy_ref_post(copy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL), -HY_ESHUTDOWN);
    hy_ref_release(&copy);
}

static void look_from_elsewhere(void *context)
{
    struct hy_ref *ref = context;

    EXPECT(hy_ref_get(*ref) == NULL);
    EXPECT_INT(hy_last_error()->code, HY_EWRONGTHREAD);
    EXPECT_INT(hy_ref_post(*ref, HY_EVENT_USER + 7, NULL, 0, HY_PRIORITY_NORMAL), 0);
}

static void test_reference_from_another_thread(void **state)
{
    struct worker worker;
    struct probe probe;
    struct hy_ref ref;

    (void)state;
    probe_init(&probe, NULL);
    ref = hy_ref_to(&probe.hy);
    worker_start(&worker, "worker");
    run_there(&worker.probe.hy, look_from_elsewhere, &ref);
    assert_true(wait_count(&probe.reached, 1));
    assert_true(PROBE_SAW(&probe, HY_EVENT_USER + 7));
    object_end(&probe.hy);
    worker_stop(&worker);
    hy_ref_release(&ref);
}

static void test_reference_outlives_the_thread(void **state)
{
    struct worker worker;
    struct hy_ref ref;

    (void)state;
    worker_start(&worker, "short");
    ref = hy_ref_to(&worker.probe.hy);
    worker_stop(&worker);
    assert_null(hy_ref_get(ref));
    assert_int_equal(hy_ref_post(ref, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL), -HY_ESHUTDOWN);
    hy_ref_release(&ref);
}

struct storm {
    struct hy_ref ref;
    int stop;
    int delivered_or_not;
};

static void *storm_run(void *context)
{
    struct storm *storm = context;

    while (!count_get(&storm->stop)) {
        int rc = hy_ref_post(storm->ref, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL);

        if (rc == -HY_ESHUTDOWN)
            break;
        EXPECT_INT(rc, 0);
        count_up(&storm->delivered_or_not);
    }
    hy_ref_release(&storm->ref);
    return NULL;
}

static void test_reference_while_the_object_dies_under_posts(void **state)
{
    int rounds = check_scaled(60);

    (void)state;
    for (int i = 0; i < rounds; i++) {
        struct probe *probe = probe_create(NULL);
        struct storm storm = {hy_ref_to(&probe->hy), 0, 0};
        pthread_t poster;

        assert_int_equal(pthread_create(&poster, NULL, storm_run, &storm), 0);
        wait_count(&storm.delivered_or_not, 1 + i % 50);
        object_end(&probe->hy);
        assert_int_equal(pthread_join(poster, NULL), 0);
        wait_drain();
    }
}

/* --- ending from within ----------------------------------------------------------------------- */

static void end_self(struct probe *self, struct hy_event *event)
{
    (void)event;
    EXPECT_INT(hy_object_fini(&self->hy), 0);
}

static void test_dd16_fini_inside_the_own_handler(void **state)
{
    struct probe probe;
    int finis = 0;

    (void)state;
    probe_init(&probe, NULL);
    probe.fini_count = &finis;
    probe.on_event = end_self;
    for (uint32_t i = 0; i < 3; i++)
        assert_ok(hy_post(&probe.hy, HY_EVENT_USER + i, NULL, 0, HY_PRIORITY_NORMAL));
    wait_drain();
    assert_int_equal(finis, 1);
    assert_true(PROBE_SAW(&probe, HY_EVENT_USER)); /* PE-10: the rest was dropped */
}

static void destroy_self_now(struct probe *self, struct hy_event *event)
{
    (void)event;
    EXPECT_INT(hy_object_destroy(&self->hy), 0);
}

static void test_dd16_destroy_of_a_heap_object_inside_its_handler(void **state)
{
    struct probe *probe = probe_create(NULL);
    int finis = 0;

    (void)state;
    probe->fini_count = &finis;
    probe->on_event = destroy_self_now;
    assert_ok(hy_post(&probe->hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL));
    assert_ok(hy_post(&probe->hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL));
    wait_drain();
    assert_int_equal(finis, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_init_makes_garbage_an_object),
        TEST(test_init_refuses_nonsense),
        TEST(test_second_fini_is_a_no_op),
        TEST(test_memory_can_be_an_object_again),
        TEST(test_create_zeroes_and_destroy_releases),
        TEST(test_derived_class_fini_runs_first_and_event_is_inherited),
        TEST(test_oa01_child_lives_with_its_parent_in_order),
        TEST(test_children_are_finished_in_creation_order),
        TEST(test_oa21_child_may_destroy_its_sibling),
        TEST(test_child_fini_may_destroy_its_dying_parent),
        TEST(test_no_child_for_a_dying_parent),
        TEST(test_oa05_reparenting_changes_nothing_on_failure),
        TEST(test_deep_tree_ends),
        TEST(test_oa03_wrong_thread_calls_are_errors),
        TEST(test_oa02_a_finished_thread_still_is_home),
        TEST(test_any_thread_may_end_the_objects_of_a_resting_thread),
        TEST(test_pe18_reference_in_every_phase),
        TEST(test_reference_from_another_thread),
        TEST(test_reference_outlives_the_thread),
        TEST(test_reference_while_the_object_dies_under_posts),
        TEST(test_dd16_fini_inside_the_own_handler),
        TEST(test_dd16_destroy_of_a_heap_object_inside_its_handler),
    };

    allocator_install();
    return cmocka_run_group_tests_name("object", tests, NULL, NULL);
}
