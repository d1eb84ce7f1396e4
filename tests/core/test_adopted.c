/* SPDX-License-Identifier: MIT */
/* Threads that the library did not start. Rules TD. */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define E(n) (HY_EVENT_USER + (n))

/* A foreign thread that makes a probe, tells of it, and waits to be let go. */
struct foreign {
    pthread_t thread;
    struct gate ready, go_on;
    void (*before)(struct foreign *self); /* in it: before it tells */
    void (*after)(struct foreign *self);  /* in it: when it is let go */
    struct probe *probe;                  /* lives in it */
    struct probe *listener;
    struct hy_thread *handle;
    struct hy_ref ref;
    int finis;
};

static void *foreign_run(void *context)
{
    struct foreign *self = context;

    self->probe = probe_create(NULL);
    self->probe->fini_count = &self->finis;
    self->probe->context = self;
    self->ref = hy_ref_to(&self->probe->hy);
    if (self->before != NULL)
        self->before(self);
    gate_open(&self->ready);
    gate_wait(&self->go_on);
    if (self->after != NULL)
        self->after(self);
    return NULL;
}

static void foreign_start(struct foreign *self)
{
    gate_init(&self->ready);
    gate_init(&self->go_on);
    EXPECT_INT(pthread_create(&self->thread, NULL, foreign_run, self), 0);
    gate_wait(&self->ready);
}

static void foreign_join(struct foreign *self)
{
    gate_open(&self->go_on);
    EXPECT_INT(pthread_join(self->thread, NULL), 0);
    gate_fini(&self->ready);
    gate_fini(&self->go_on);
}

static void foreign_end(struct foreign *self)
{
    foreign_join(self);
    EXPECT_INT(self->finis, 1);
    hy_ref_release(&self->ref);
}

/* --- the handle ------------------------------------------------------------------------------- */

static void looks_at_itself(struct foreign *self)
{
    self->handle = hy_thread_current();
    EXPECT(self->handle != NULL);
    EXPECT(hy_thread_current() == self->handle); /* TD-02: stable */
    EXPECT(hy_object_thread(&self->probe->hy) == self->handle);
    EXPECT(hy_object_is_here(&self->handle->hy)); /* TD-03 */
    EXPECT(hy_object_thread(&self->handle->hy) == self->handle);
    EXPECT(hy_object_is_here(hy_thread_context(self->handle)));
}

/* Rules: TD-01, TD-02, TD-03. */
static void test_td01_td02_td03_one_record_and_handle_a_thread(void **state)
{
    struct foreign one = {.before = looks_at_itself}, other = {.before = looks_at_itself};

    (void)state;
    foreign_start(&one);
    foreign_start(&other);
    assert_ptr_not_equal(one.handle, other.handle);
    assert_ptr_not_equal(one.handle, hy_thread_current());
    assert_false(hy_object_is_here(&one.handle->hy));
    foreign_end(&one);
    foreign_end(&other);
}

/* It has not asked for it itself. Rules: TD-02, TD-03. */
static void test_td02_others_find_the_handle_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct foreign foreign = {.before = NULL};
        struct hy_thread *handle;

        foreign_start(&foreign);
        handle = hy_object_thread(&foreign.probe->hy);
        assert_non_null(handle);
        assert_int_equal(strncmp(hy_thread_name(handle), "adopted-", 8), 0);
        assert_ptr_equal(hy_object_thread(&handle->hy), handle);
        foreign_end(&foreign);
    }
}

static void nothing(struct hy_object *receiver, const void *payload)
{
    (void)receiver;
    (void)payload;
}

static int invoke_nothing(struct hy_object *receiver)
{
    return hy_invoke(receiver, nothing, NULL, NULL);
}

/* Its memory stays as long as a reference to anything that lived there. Rules: TD-04, TD-09. */
static void test_td04_td09_running_until_the_system_thread_ends(void **state)
{
    struct foreign foreign = {.before = NULL};
    struct hy_thread *handle;

    (void)state;
    foreign_start(&foreign);
    handle = hy_object_thread(&foreign.probe->hy);
    assert_int_equal(hy_thread_get_state(handle), HY_THREAD_RUNNING);
    assert_int_equal(hy_thread_join(handle, 0), -HY_ETIMEDOUT);
    foreign_join(&foreign);
    assert_int_equal(hy_thread_get_state(handle), HY_THREAD_FINISHED);
    assert_ok(hy_thread_join(handle, HY_FOREVER));
    assert_int_equal(hy_ref_post(foreign.ref, E(1), NULL, 0, HY_PRIORITY_NORMAL), -HY_ESHUTDOWN);
    assert_int_equal(invoke_nothing(hy_thread_context(handle)), -HY_ESHUTDOWN);
    hy_ref_release(&foreign.ref);
}

static void *joins(void *context)
{
    EXPECT_INT(hy_thread_join(context, hy_now_ns() + WAIT_LIMIT_S * HY_SECOND), 0);
    return NULL;
}

static void test_td04_joins_of_an_adopted_thread(void **state)
{
    (void)state;
    for (int i = 0, n = check_scaled(100); i < n; i++) {
        struct foreign foreign = {.before = NULL};
        struct hy_thread *handle;
        pthread_t joiners[2];

        foreign_start(&foreign);
        handle = hy_object_thread(&foreign.probe->hy);
        for (int j = 0; j < 2; j++)
            assert_int_equal(pthread_create(&joiners[j], NULL, joins, handle), 0);
        foreign_join(&foreign);
        for (int j = 0; j < 2; j++)
            assert_int_equal(pthread_join(joiners[j], NULL), 0);
        hy_ref_release(&foreign.ref);
    }
}

/* The lookup is a read: after the first use it makes and locks nothing. */
static void test_td12_looking_up_the_thread_is_a_read(void **state)
{
    struct probe probe;
    long before;

    (void)state;
    probe_init(&probe, NULL);
    before = allocator_requests();
    for (int i = 0; i < 1000; i++) {
        assert_ptr_equal(hy_object_thread(&probe.hy), hy_thread_current());
        assert_true(hy_object_is_here(&probe.hy));
        assert_ok(hy_object_check_thread(&probe.hy, "look at"));
    }
    assert_int_equal(allocator_requests(), before);
    object_end(&probe.hy);
}

static void handle_is_fixed(struct foreign *self)
{
    struct hy_thread *handle = hy_thread_current();
    struct hy_thread other;

    EXPECT_INT(hy_thread_init(&other, "other", NULL), 0);
    EXPECT_INT(hy_object_fini(&handle->hy), -HY_EINVAL);
    EXPECT_INT(hy_object_destroy_later(&handle->hy), -HY_EINVAL);
    EXPECT_INT(hy_object_set_parent(&handle->hy, &self->probe->hy), -HY_EINVAL);
    EXPECT_INT(hy_object_move_to_thread(&handle->hy, &other), -HY_EINVAL);
    EXPECT_INT(hy_object_fini(hy_thread_context(handle)), -HY_EINVAL);
    EXPECT_INT(hy_thread_start(handle), -HY_EBUSY);
    EXPECT_INT(hy_thread_join(handle, HY_FOREVER), -HY_EDEADLK);
    hy_thread_fini(handle);
    EXPECT(hy_thread_current() == handle);
    EXPECT_INT(hy_thread_get_state(handle), HY_THREAD_RUNNING);
    hy_thread_fini(&other);
}

static void test_td03_the_handle_belongs_to_its_thread(void **state)
{
    struct foreign foreign = {.before = handle_is_fixed};

    (void)state;
    foreign_start(&foreign);
    foreign_end(&foreign);
}

static void runs_its_loop(struct foreign *self)
{
    (void)self;
    EXPECT_INT(hy_thread_exec(), 7);
}

/* Rules: TD-05. From outside: the context is there, and quitting works. */
static void test_td05_the_context_and_the_loop_of_an_adopted_thread(void **state)
{
    struct foreign foreign = {.after = runs_its_loop};
    struct hy_thread *handle;

    (void)state;
    foreign_start(&foreign);
    handle = hy_object_thread(&foreign.probe->hy);
    gate_open(&foreign.go_on);
    flush_there(hy_thread_context(handle)); /* delivered by its loop */
    hy_thread_quit(handle, 7);
    foreign_end(&foreign);
}

static void holds_itself(struct foreign *self)
{
    self->handle = hy_thread_current();
    hy_thread_hold(self->handle);
    EXPECT(!hy_interruption_requested());
}

static void runs_while_held(struct foreign *self)
{
    (void)self;
    EXPECT_INT(hy_thread_exec(), 0);
    EXPECT(hy_interruption_requested());
}

/* Rules: TH-18, TH-26. */
static void test_th26_holds_and_interruption_of_an_adopted_thread(void **state)
{
    struct foreign foreign = {.before = holds_itself, .after = runs_while_held};

    (void)state;
    foreign_start(&foreign);
    gate_open(&foreign.go_on);
    flush_there(hy_thread_context(foreign.handle));
    hy_thread_request_interruption(foreign.handle);
    hy_thread_release(foreign.handle);
    foreign_end(&foreign);
}

/* --- the end ---------------------------------------------------------------------------------- */

static pthread_t finished_in;

static void note_finished(struct probe *self)
{
    struct foreign *foreign = self->context;

    finished_in = pthread_self();
    EXPECT(hy_thread_current() == foreign->handle);
    EXPECT_INT(hy_thread_get_state(foreign->handle), HY_THREAD_FINISHING);
    EXPECT_INT(foreign->finis, 0); /* its objects are still there */
    probe_note(self, 1);
}

static void watches_its_end(struct foreign *self)
{
    self->handle = hy_thread_current();
    EXPECT_INT(hy_connect(&self->handle->events.finished, self->listener, note_finished, HY_DIRECT),
               0);
    EXPECT_INT(hy_connect(&self->handle->events.finished, self->listener, probe_nothing, HY_AUTO),
               0);
}

/* In the dying thread, at once; no helper thread polls. Rules: TD-06, TD-08.
 * Departs: TD-08: no explicit detach: a foreign thread's end is its own. */
static void test_td06_td08_finished_comes_from_the_dying_thread(void **state)
{
    struct probe listener;
    struct foreign foreign = {.before = watches_its_end, .listener = &listener};
    pthread_t id;

    (void)state;
    probe_init(&listener, NULL);
    listener.context = &foreign;
    foreign_start(&foreign);
    id = foreign.thread;
    foreign_join(&foreign);
    assert_true(PROBE_SAW(&listener, 1)); /* before pthread_join() returned */
    assert_true(pthread_equal(finished_in, id));
    wait_drain();
    assert_true(PROBE_SAW(&listener, 1, -1)); /* the queued one, once */
    hy_ref_release(&foreign.ref);
    object_end(&listener.hy);
}

static void watches_its_end_queued(struct foreign *self)
{
    EXPECT_INT(
        hy_connect(&hy_thread_current()->events.finished, self->listener, probe_nothing, HY_AUTO),
        0);
}

static void test_td07_200_that_overlap_end_in_any_order(void **state)
{
    enum {
        MANY = 200
    };
    static struct foreign foreign[MANY];
    struct probe listener;
    int descriptors = system_descriptors(), threads = system_threads();

    (void)state;
    probe_init(&listener, NULL);
    for (int i = 0; i < MANY; i++) {
        foreign[i] = (struct foreign){.before = watches_its_end_queued, .listener = &listener};
        foreign_start(&foreign[i]);
    }
    for (int i = 0; i < MANY; i++)
        for (int j = 0; j < i; j += 37)
            assert_ptr_not_equal(hy_object_thread(&foreign[i].probe->hy),
                                 hy_object_thread(&foreign[j].probe->hy));
    for (int i = 0; i < MANY; i++) /* 7 and 200 have no common divisor */
        foreign_end(&foreign[i * 7 % MANY]);
    wait_drain();
    assert_int_equal(listener.count, MANY);
    object_end(&listener.hy);
    assert_true(system_threads_at_most(threads));
    assert_true(system_descriptors() <= descriptors + 2); /* this thread's dispatcher */
}

/* Rules: TD-10. */
static void test_td10_what_is_queued_at_the_end_is_destroyed(void **state)
{
    struct foreign foreign = {.before = NULL};
    struct source source;
    struct text text = {(char[]){"never read"}};
    struct hy_thread *handle;

    (void)state;
    source_init(&source);
    foreign_start(&foreign);
    handle = hy_object_thread(&foreign.probe->hy);
    assert_ok(hy_connect(&source.events.text, foreign.probe, probe_text, HY_AUTO));
    for (int i = 0; i < 10; i++)
        assert_int_equal(hy_emit(&source.events.text, &text), 1);
    assert_int_equal(text_copies(), 10);
    foreign_join(&foreign);
    assert_int_equal(text_copies(), 0);
    assert_int_equal(hy_thread_get_counters(handle).dropped, 10);
    assert_int_equal(hy_thread_get_counters(handle).delivered, 0);
    hy_ref_release(&foreign.ref);
    object_end(&source.hy);
}

/* --- timers and notifiers without a loop -------------------------------------------------------
 */

static void uses_timer_and_notifier(struct foreign *self)
{
    struct hy_timer timer;
    struct hy_notifier notifier;
    int ends[2];

    EXPECT_INT(pipe(ends), 0);
    EXPECT_INT(hy_timer_init(&timer, NULL), 0);
    EXPECT_INT(hy_notifier_init(&notifier, NULL), 0);
    EXPECT_INT(hy_connect(&timer.events.timeout, self->probe, probe_nothing, HY_AUTO), 0);
    EXPECT_INT(hy_connect(&notifier.events.ready, self->probe, probe_nothing, HY_AUTO), 0);
    EXPECT_INT(hy_timer_start_once(&timer, HY_MILLISECOND), 0);
    EXPECT_INT(hy_notifier_watch(&notifier, ends[0], HY_READABLE), 0);
    EXPECT(wait_count(&self->probe->reached, 1));
    EXPECT_INT((int)write(ends[1], "x", 1), 1);
    EXPECT(wait_count(&self->probe->reached, 2));
    hy_notifier_fini(&notifier);
    hy_timer_fini(&timer);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void test_td13_timers_and_notifiers_in_a_foreign_thread(void **state)
{
    struct foreign foreign = {.before = uses_timer_and_notifier};

    (void)state;
    foreign_start(&foreign);
    foreign_end(&foreign);
}

/* --- the main thread -------------------------------------------------------------------------- */

static void quit_with_4(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    hy_app_quit(4);
}

static void *app_run(void *context)
{
    struct hy_app app;
    struct probe probe;

    (void)context;
    EXPECT_INT(hy_app_init(&app), 0);
    probe_init(&probe, NULL);
    probe.on_event = quit_with_4;
    EXPECT_INT(hy_post(&probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL), 0);
    EXPECT_INT(hy_app_exec(&app), 4);
    object_end(&probe.hy);
    hy_app_fini(&app);
    return NULL;
}

/* Others, and this one before all, have used the library. */
static void test_td11_the_main_thread_makes_the_application(void **state)
{
    struct probe earlier;
    pthread_t thread;

    (void)state;
    probe_init(&earlier, NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&thread, NULL, app_run, NULL), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    (void)app_run(NULL);
    object_end(&earlier.hy);
}

/* System ids come again, records do not. */
static void test_td14_ids_that_are_reused_confuse_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct foreign old = {.before = NULL}, next = {.before = looks_at_itself};
        struct hy_thread *handle;

        foreign_start(&old);
        handle = hy_object_thread(&old.probe->hy);
        foreign_join(&old);
        foreign_start(&next);
        assert_ptr_not_equal(next.handle, handle); /* the reference keeps its memory */
        assert_int_equal(hy_thread_get_state(handle), HY_THREAD_FINISHED);
        assert_null(hy_ref_get(old.ref));
        foreign_end(&next);
        hy_ref_release(&old.ref);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_td01_td02_td03_one_record_and_handle_a_thread),
        TEST(test_td02_others_find_the_handle_at_once),
        TEST(test_td04_td09_running_until_the_system_thread_ends),
        TEST(test_td04_joins_of_an_adopted_thread),
        TEST(test_td12_looking_up_the_thread_is_a_read),
        TEST(test_td03_the_handle_belongs_to_its_thread),
        TEST(test_td05_the_context_and_the_loop_of_an_adopted_thread),
        TEST(test_th26_holds_and_interruption_of_an_adopted_thread),
        TEST(test_td06_td08_finished_comes_from_the_dying_thread),
        TEST(test_td07_200_that_overlap_end_in_any_order),
        TEST(test_td10_what_is_queued_at_the_end_is_destroyed),
        TEST(test_td13_timers_and_notifiers_in_a_foreign_thread),
        TEST(test_td11_the_main_thread_makes_the_application),
        TEST(test_td14_ids_that_are_reused_confuse_nothing),
    };

    allocator_install();
    return cmocka_run_group_tests_name("adopted", tests, NULL, NULL);
}
