/* SPDX-License-Identifier: MIT */
/* Objects: init and fini, trees, wrong-thread calls, weak references. Rules OA, PE-18, DD-16. */
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

static void test_init_refuses_a_class_that_cannot_be(void **state)
{
    struct probe probe;
    struct hy_class smaller = HY_CLASS(struct hy_object, .base = &source_class);
    struct hy_class outside = source_class;

    (void)state;
    assert_int_equal(hy_object_init(&probe.hy, &smaller, NULL), -HY_EINVAL);
    assert_non_null(strstr(hy_last_error()->message, "smaller than its base"));
    outside.size = sizeof(struct hy_object);
    assert_int_equal(hy_object_init(&probe.hy, &outside, NULL), -HY_EINVAL);
    assert_non_null(strstr(hy_last_error()->message, "outside"));
}

static void test_a_name_comes_and_goes(void **state)
{
    struct probe probe;

    (void)state;
    probe_init(&probe, NULL);
    assert_null(hy_object_name(&probe.hy));
    assert_ok(hy_object_set_name(&probe.hy, "number %d", 7));
    assert_string_equal(hy_object_name(&probe.hy), "number 7");
    assert_int_equal(hy_object_move_to_thread(&probe.hy, hy_thread_current()), 0);
    assert_int_equal(hy_object_set_parent(&probe.hy, &probe.hy), -HY_EINVAL);
    assert_non_null(strstr(hy_last_error()->message, "number 7")); /* messages say it */
    assert_ok(hy_object_set_name(&probe.hy, NULL));
    assert_null(hy_object_name(&probe.hy));
    object_end(&probe.hy);
    assert_int_equal(hy_object_set_name(&probe.hy, "late"), -HY_ESHUTDOWN);
    assert_null(hy_object_thread(&probe.hy));
    assert_null(hy_object_find(&probe.hy, NULL, NULL, NULL));
}

static void test_create_gives_the_typed_object(void **state)
{
    static struct probe unset;
    struct probe *probe = &unset, *child = &unset, *none = &unset;

    (void)state;
    assert_ok(hy_create(&probe_class, NULL, &probe));
    assert_int_equal(probe->count, 0); /* zeroed */
    assert_ok(hy_create(&probe_class, &probe->hy, &child));
    assert_ptr_equal(hy_object_first_child(&probe->hy), &child->hy);
    assert_int_equal(hy_create(NULL, &probe->hy, &none), -HY_EINVAL);
    assert_ptr_equal(none, &unset); /* untouched on failure */
    assert_ok(hy_object_destroy(&probe->hy));
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

/* --- telling parents, finding ------------------------------------------------------------------
 */

struct family {
    HY_INHERITS(hy_object);
    struct hy_object *told[8];
    int added, removed;
    int children_seen; /* at the last call */
    void (*on_change)(struct family *self, struct hy_object *child, bool added);
};

static int children_of(const struct hy_object *parent)
{
    int count = 0;

    for (struct hy_object *child = hy_object_first_child(parent); child != NULL;
         child = hy_object_next_sibling(child))
        count++;
    return count;
}

static void family_changed(struct hy_object *object, struct hy_object *child, bool added)
{
    struct family *self = (struct family *)(void *)object;

    EXPECT(hy_object_is_here(object));
    self->told[(self->added + self->removed) % 8] = child;
    *(added ? &self->added : &self->removed) += 1;
    self->children_seen = children_of(object);
    if (self->on_change != NULL)
        self->on_change(self, child, added);
}

static const struct hy_class family_class =
    HY_CLASS(struct family, .child_changed = family_changed);

/* Its base is told, too. */
struct clan {
    HY_INHERITS(family);
    int changes;
};

static void clan_changed(struct hy_object *object, struct hy_object *child, bool added)
{
    struct clan *self = (struct clan *)(void *)object;

    (void)child;
    (void)added;
    EXPECT_INT(self->base.added + self->base.removed, self->changes); /* the derived class first */
    self->changes++;
}

static const struct hy_class clan_class =
    HY_CLASS(struct clan, .base = &family_class, .child_changed = clan_changed);

static void family_init(struct family *family, const struct hy_class *type)
{
    memset(family, 0, type->size);
    EXPECT_INT(hy_object_init(&family->hy, type, NULL), 0);
}

/* Rules: OA-22. */
static void test_oa22_a_parent_is_told_of_its_children(void **state)
{
    struct family one, other;
    struct probe first, second;

    (void)state;
    family_init(&one, &family_class);
    family_init(&other, &family_class);
    probe_init(&first, &one.hy);
    assert_int_equal(one.added, 1);
    assert_ptr_equal(one.told[0], &first.hy);
    assert_int_equal(one.children_seen, 1); /* it is there already */
    probe_init(&second, &one.hy);
    assert_ok(hy_object_set_parent(&first.hy, &other.hy));
    assert_int_equal(one.removed, 1);
    assert_int_equal(one.children_seen, 1);
    assert_int_equal(other.added, 1);
    assert_ok(hy_object_set_parent(&first.hy, &other.hy)); /* it has that parent */
    assert_int_equal(other.added + other.removed, 1);
    assert_int_equal(hy_object_set_parent(&other.hy, &first.hy), -HY_EINVAL);
    assert_int_equal(other.added + other.removed, 1);
    object_end(&second.hy);
    assert_int_equal(one.removed, 2);
    assert_int_equal(one.children_seen, 0);
    object_end(&other.hy); /* not while it ends its children itself */
    assert_int_equal(other.removed, 0);
    object_end(&one.hy);
}

static void test_oa22_each_class_is_told(void **state)
{
    struct clan clan;
    struct probe child;

    (void)state;
    family_init(&clan.base, &clan_class);
    probe_init(&child, &clan.hy);
    object_end(&child.hy);
    assert_int_equal(clan.changes, 2);
    assert_int_equal(clan.base.added, 1);
    assert_int_equal(clan.base.removed, 1);
    object_end(&clan.hy);
}

static void end_the_child(struct family *self, struct hy_object *child, bool added)
{
    (void)self;
    if (added)
        object_end(child);
}

static void end_oneself(struct family *self, struct hy_object *child, bool added)
{
    (void)child;
    (void)added;
    object_end(&self->hy);
}

static void move_it_on(struct family *self, struct hy_object *child, bool added)
{
    if (!added && hy_object_parent(child) != NULL)
        EXPECT_INT(hy_object_set_parent(child, &self->hy), 0);
}

static void test_oa22_what_a_told_parent_does_to_the_tree(void **state)
{
    struct family *family = NULL, other;
    struct hy_object *object = NULL, *child = NULL;
    struct probe probe;

    (void)state;
    assert_ok(hy_object_create(&family_class, NULL, &object));
    family = (struct family *)(void *)object;
    family->on_change = end_the_child;
    assert_int_equal(hy_object_create(&probe_class, object, &child), -HY_ESHUTDOWN);
    assert_null(child);
    family->on_change = move_it_on; /* takes back what is taken away */
    family_init(&other, &family_class);
    probe_init(&probe, object);
    assert_ok(hy_object_set_parent(&probe.hy, &other.hy));
    assert_ptr_equal(hy_object_parent(&probe.hy), object);
    assert_ok(hy_object_set_parent(&probe.hy, NULL));
    object_end(&probe.hy);
    family->on_change = end_oneself;
    assert_int_equal(hy_object_create(&probe_class, object, &child), -HY_ESHUTDOWN);
    object_end(&other.hy);
}

static void test_find_goes_through_the_tree_in_order(void **state)
{
    struct probe root, children[3], grandchild, stranger;
    struct hy_timer timer;
    struct hy_object *found = NULL;
    int count = 0;

    (void)state;
    probe_init(&root, NULL);
    probe_init(&stranger, NULL);
    for (int i = 0; i < 3; i++) {
        probe_init(&children[i], &root.hy);
        assert_ok(hy_object_set_name(&children[i].hy, "child"));
    }
    probe_init(&grandchild, &children[0].hy);
    assert_ok(hy_object_set_name(&grandchild.hy, "grandchild"));
    assert_ok(hy_timer_init(&timer, &children[1].hy));
    assert_ptr_equal(hy_object_find(&root.hy, NULL, NULL, NULL), &children[0].hy);
    assert_ptr_equal(hy_object_find(&root.hy, &children[0].hy, NULL, NULL), &grandchild.hy);
    assert_ptr_equal(hy_object_find(&root.hy, &children[0].hy, "child", NULL), &children[1].hy);
    assert_ptr_equal(hy_object_find(&root.hy, NULL, NULL, &hy_timer_class), &timer.hy);
    assert_null(hy_object_find(&root.hy, NULL, "child", &hy_timer_class));
    assert_null(hy_object_find(&root.hy, NULL, "nobody", NULL));
    while ((found = hy_object_find(&root.hy, found, NULL, NULL)) != NULL)
        count++;
    assert_int_equal(count, 5);
    /* Below one of them, and not beyond it. */
    assert_null(hy_object_find(&children[0].hy, &grandchild.hy, NULL, NULL));
    assert_null(hy_object_find(&root.hy, &stranger.hy, NULL, NULL));
    assert_int_equal(hy_last_error()->code, HY_EINVAL);
    object_end(&stranger.hy);
    object_end(&root.hy);
}

/* --- no thread ---------------------------------------------------------------------------------
 */

static void test_oa09_parked_objects_collect_and_anybody_takes_them(void **state)
{
    struct worker worker;
    struct probe root, child;

    (void)state;
    worker_start(&worker, "taker");
    probe_init(&root, NULL);
    probe_init(&child, &root.hy);
    assert_ok(hy_post(&child.hy, HY_EVENT_USER + 1, NULL, 0, HY_PRIORITY_NORMAL));
    assert_ok(hy_object_move_to_thread(&root.hy, NULL));
    assert_ok(hy_object_move_to_thread(&root.hy, NULL)); /* once more: nothing */
    assert_null(hy_object_thread(&child.hy));
    assert_false(hy_object_is_here(&root.hy));
    assert_ok(hy_post(&child.hy, HY_EVENT_USER + 2, NULL, 0, HY_PRIORITY_NORMAL));
    wait_drain();
    assert_int_equal(child.count, 0);
    assert_int_equal(root.moves, 0); /* it has arrived nowhere */
    assert_int_equal(hy_object_check_thread(&root.hy, "draw"), -HY_EWRONGTHREAD);
    assert_non_null(strstr(hy_last_error()->message, "parked"));
    assert_int_equal(hy_object_move_to_thread(&child.hy, &worker.thread), -HY_EBUSY);
    assert_ok(hy_object_move_to_thread(&root.hy, &worker.thread));
    assert_ok(hy_post(&child.hy, HY_EVENT_USER + 3, NULL, 0, HY_PRIORITY_NORMAL));
    assert_true(wait_count(&child.reached, 3));
    assert_ptr_equal(hy_object_thread(&root.hy), &worker.thread);
    worker_stop(&worker); /* ends them */
    assert_true(PROBE_SAW(&child, HY_EVENT_USER + 1, HY_EVENT_USER + 2, HY_EVENT_USER + 3));
    assert_int_equal(root.moves, 1);
}

static void pull(void *context)
{
    struct probe *probe = context;

    EXPECT_INT(hy_object_move_to_thread(&probe->hy, hy_thread_current()), 0);
    EXPECT(hy_object_is_here(&probe->hy));
    object_end(&probe->hy);
}

static void end_it(void *context)
{
    object_end(context);
}

/* Rules: OA-07, OA-09. */
static void test_oa07_parked_objects_are_pulled_or_ended_by_anybody(void **state)
{
    struct worker worker;
    struct probe pulled, ended;
    struct hy_ref ref;
    int finis = 0;

    (void)state;
    worker_start(&worker, "anybody");
    probe_init(&pulled, NULL);
    probe_init(&ended, NULL);
    pulled.fini_count = ended.fini_count = &finis;
    ref = hy_ref_to(&ended.hy);
    assert_ok(hy_object_move_to_thread(&pulled.hy, NULL));
    assert_ok(hy_object_move_to_thread(&ended.hy, NULL));
    assert_ok(hy_post(&ended.hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL));
    run_there(&worker.probe.hy, pull, &pulled);
    run_there(&worker.probe.hy, end_it, &ended.hy);
    assert_int_equal(finis, 2);
    assert_int_equal(hy_ref_post(ref, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL), -HY_ESHUTDOWN);
    hy_ref_release(&ref);
    worker_stop(&worker);
}

static void test_oa04_a_child_of_a_parked_parent_is_parked(void **state)
{
    struct probe parent, child;
    struct hy_timer timer;

    (void)state;
    probe_init(&parent, NULL);
    assert_ok(hy_object_move_to_thread(&parent.hy, NULL));
    probe_init(&child, &parent.hy);
    assert_ok(hy_timer_init(&timer, &child.hy));
    assert_ok(hy_object_set_name(&child.hy, "late"));
    assert_null(hy_object_thread(&child.hy));
    assert_false(hy_object_is_here(&child.hy));
    assert_int_equal(hy_timer_start(&timer, HY_SECOND), -HY_EWRONGTHREAD);
    assert_ptr_equal(hy_object_find(&parent.hy, NULL, "late", NULL), &child.hy);
    assert_ok(hy_post(&child.hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL));
    assert_ok(hy_object_move_to_thread(&parent.hy, hy_thread_current()));
    wait_drain();
    assert_true(PROBE_SAW(&child, HY_EVENT_USER));
    assert_true(hy_object_is_here(&timer.hy));
    object_end(&parent.hy);
}

/* Rules: OA-02. */
static void test_oa02_affinity_outlives_the_thread_and_ends_with_its_handle(void **state)
{
    struct worker worker;
    struct probe child;

    (void)state;
    worker_init(&worker, "short");
    hy_thread_set_finish_policy(&worker.thread, HY_FINISH_KEEP);
    assert_ok(hy_thread_start(&worker.thread));
    flush_there(&worker.probe.hy);
    hy_thread_quit(&worker.thread, 0);
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
    assert_ptr_equal(hy_object_thread(&worker.probe.hy), &worker.thread);
    hy_thread_fini(&worker.thread);
    assert_null(hy_object_thread(&worker.probe.hy));
    assert_ok(hy_post(&worker.probe.hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL));
    probe_init(&child, &worker.probe.hy); /* as under any parent in no thread */
    assert_ok(hy_object_move_to_thread(&worker.probe.hy, hy_thread_current()));
    wait_drain();
    assert_true(PROBE_SAW(&worker.probe, HY_EVENT_USER));
    assert_true(hy_object_is_here(&child.hy));
    object_end(&worker.probe.hy);
}

static void destroy_it_later(struct probe *self, struct hy_event *event)
{
    (void)event;
    EXPECT_INT(hy_object_destroy_later(&self->hy), 0);
    EXPECT_INT(hy_object_move_to_thread(&self->hy, NULL), 0);
}

static void test_a_handler_parks_its_own_object(void **state)
{
    struct probe probe;
    int finis = 0;

    (void)state;
    probe_init(&probe, NULL);
    probe.fini_count = &finis;
    probe.on_event = destroy_it_later;
    assert_ok(hy_post(&probe.hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL));
    wait_drain();
    assert_null(hy_object_thread(&probe.hy));
    assert_int_equal(finis, 0); /* nobody serves the request where nobody is */
    assert_ok(hy_object_move_to_thread(&probe.hy, hy_thread_current()));
    wait_drain();
    assert_int_equal(finis, 1);
}

/* Posts from several threads while it is parked and pulled, again and again. */
static struct probe roamer;

static void post_many(void *context)
{
    int *posted = context;

    for (int i = 0; i < check_scaled(20000); i++)
        *posted += hy_post(&roamer.hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL) == 0;
}

static void *post_many_here(void *context)
{
    post_many(context);
    return NULL;
}

static void test_oa09_posts_race_with_parking(void **state)
{
    pthread_t posters[2];
    int posted[2] = {0, 0};

    (void)state;
    probe_init(&roamer, NULL);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&posters[i], NULL, post_many_here, &posted[i]), 0);
    for (int i = 0; i < check_scaled(2000); i++) {
        assert_ok(hy_object_move_to_thread(&roamer.hy, NULL));
        assert_ok(hy_object_move_to_thread(&roamer.hy, hy_thread_current()));
        EXPECT(hy_process(0, HY_FOREVER) >= 0);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(posters[i], NULL), 0);
    assert_ok(hy_object_move_to_thread(&roamer.hy, NULL));
    assert_ok(hy_object_move_to_thread(&roamer.hy, hy_thread_current()));
    assert_true(wait_count(&roamer.reached, posted[0] + posted[1]));
    assert_int_equal(roamer.count, posted[0] + posted[1]);
    object_end(&roamer.hy);
}

/* The handle of a thread does not move into that thread. Rules: OA-16, TH-21. */
static void test_oa16_a_refused_move_says_why(void **state)
{
    struct worker worker;
    struct hy_thread ended;
    struct probe parent, child;

    (void)state;
    worker_start(&worker, "other");
    probe_init(&parent, NULL);
    probe_init(&child, &parent.hy);
    assert_int_equal(hy_object_move_to_thread(&child.hy, &worker.thread), -HY_EBUSY);
    assert_non_null(strstr(hy_last_error()->message, "parent"));
    assert_int_equal(hy_object_move_to_thread(&child.hy, NULL), -HY_EBUSY);
    assert_int_equal(hy_object_move_to_thread(&worker.probe.hy, NULL), -HY_EWRONGTHREAD);
    assert_int_equal(hy_object_move_to_thread(&worker.thread.hy, &worker.thread), -HY_EINVAL);
    assert_ok(hy_thread_init(&ended, "ended", NULL));
    hy_thread_fini(&ended);
    assert_int_equal(hy_object_move_to_thread(&parent.hy, &ended), -HY_ESHUTDOWN);
    object_end(&parent.hy);
    assert_int_equal(hy_object_move_to_thread(&parent.hy, NULL), -HY_ESHUTDOWN);
    worker_stop(&worker);
}

/* --- in the hooks of a move --------------------------------------------------------------------
 */

struct traveller {
    HY_INHERITS(hy_object);
    struct probe child, outsider;
    int calls;
};

static void try_everything(struct hy_object *object)
{
    struct traveller *self = (struct traveller *)(void *)object;
    struct probe made;

    self->calls++;
    EXPECT_INT(hy_object_fini(&self->child.hy), -HY_EBUSY);
    EXPECT_INT(hy_object_fini(object), -HY_EBUSY);
    EXPECT_INT(hy_object_set_parent(&self->child.hy, NULL), -HY_EBUSY);
    EXPECT_INT(hy_object_set_parent(&self->outsider.hy, &self->child.hy), -HY_EBUSY);
    EXPECT_INT(hy_object_init(&made.hy, &probe_class, object), -HY_EBUSY);
    EXPECT_INT(hy_object_move_to_thread(object, NULL), -HY_EBUSY);
}

static void test_the_hooks_of_a_move_cannot_change_the_tree(void **state)
{
    static const struct hy_class traveller_class =
        HY_CLASS(struct traveller, .leave_thread = try_everything, .enter_thread = try_everything);
    struct traveller traveller;

    (void)state;
    memset(&traveller, 0, sizeof traveller);
    assert_ok(hy_object_init(&traveller.hy, &traveller_class, NULL));
    probe_init(&traveller.child, &traveller.hy);
    probe_init(&traveller.outsider, NULL);
    assert_ok(hy_object_move_to_thread(&traveller.hy, NULL));
    assert_int_equal(traveller.calls, 1);
    object_end(&traveller.outsider.hy);
    probe_init(&traveller.outsider, NULL);
    assert_ok(hy_object_move_to_thread(&traveller.hy, hy_thread_current()));
    wait_drain();
    assert_int_equal(traveller.calls, 2);
    object_end(&traveller.outsider.hy);
    object_end(&traveller.hy);
}

/* --- weak references: more ---------------------------------------------------------------------
 */

static void test_references_are_equal_when_they_mean_the_same_life(void **state)
{
    struct probe one, other;
    struct hy_ref a, b, c, none = {NULL};

    (void)state;
    probe_init(&one, NULL);
    probe_init(&other, NULL);
    a = hy_ref_to(&one.hy);
    b = hy_ref_copy(a);
    c = hy_ref_to(&other.hy);
    assert_true(hy_ref_equal(a, b));
    assert_false(hy_ref_equal(a, c));
    assert_false(hy_ref_equal(none, none));
    assert_false(hy_ref_equal(a, none));
    object_end(&one.hy);
    assert_true(hy_ref_equal(a, b)); /* dead or alive */
    hy_ref_release(&b);
    probe_init(&one, NULL); /* the same memory, another life */
    b = hy_ref_to(&one.hy);
    assert_false(hy_ref_equal(a, b));
    hy_ref_release(&a);
    hy_ref_release(&b);
    hy_ref_release(&c);
    object_end(&one.hy);
    object_end(&other.hy);
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
        TEST(test_init_refuses_a_class_that_cannot_be),
        TEST(test_a_name_comes_and_goes),
        TEST(test_create_gives_the_typed_object),
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
        TEST(test_oa22_a_parent_is_told_of_its_children),
        TEST(test_oa22_each_class_is_told),
        TEST(test_oa22_what_a_told_parent_does_to_the_tree),
        TEST(test_find_goes_through_the_tree_in_order),
        TEST(test_oa09_parked_objects_collect_and_anybody_takes_them),
        TEST(test_oa07_parked_objects_are_pulled_or_ended_by_anybody),
        TEST(test_oa04_a_child_of_a_parked_parent_is_parked),
        TEST(test_oa02_affinity_outlives_the_thread_and_ends_with_its_handle),
        TEST(test_a_handler_parks_its_own_object),
        TEST(test_oa09_posts_race_with_parking),
        TEST(test_oa16_a_refused_move_says_why),
        TEST(test_the_hooks_of_a_move_cannot_change_the_tree),
        TEST(test_references_are_equal_when_they_mean_the_same_life),
        TEST(test_dd16_fini_inside_the_own_handler),
        TEST(test_dd16_destroy_of_a_heap_object_inside_its_handler),
    };

    allocator_install();
    return cmocka_run_group_tests_name("object", tests, NULL, NULL);
}
