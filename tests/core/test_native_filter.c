/* SPDX-License-Identifier: MIT */
/*
 * Native filters, with a dispatcher that is fed native events. Rules AP-12..14, DD-08.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/worker.h"

#include <stdlib.h>
#include <string.h>

#define FILTERS 5

/* --- a dispatcher with a queue of native events: numbers ---------------------------------------
 */

struct native {
    struct hy_dispatcher base;
    struct hy_dispatcher *inner; /* does everything else */
    int waiting;                 /* events that come with the next wait; set in the thread */
    bool goes_on;                /* a wait is not over when it has brought some */
    int stopped;                 /* by a filter */
    intptr_t result;             /* of the last one */
};

static struct native *native_of(struct hy_dispatcher *dispatcher)
{
    return (struct native *)(void *)dispatcher;
}

static struct hy_dispatcher *inner_of(struct hy_dispatcher *dispatcher)
{
    return native_of(dispatcher)->inner;
}

static int native_attach(struct hy_dispatcher *dispatcher)
{
    struct hy_dispatcher *inner = inner_of(dispatcher);

    return inner->ops->attach != NULL ? inner->ops->attach(inner) : 0;
}

static void native_detach(struct hy_dispatcher *dispatcher)
{
    struct hy_dispatcher *inner = inner_of(dispatcher);

    if (inner->ops->detach != NULL)
        inner->ops->detach(inner);
}

static int native_watch(struct hy_dispatcher *dispatcher, intptr_t handle, unsigned conditions,
                        void *cookie)
{
    return inner_of(dispatcher)->ops->watch(inner_of(dispatcher), handle, conditions, cookie);
}

static int native_change(struct hy_dispatcher *dispatcher, intptr_t handle, unsigned conditions,
                         void *cookie)
{
    return inner_of(dispatcher)->ops->change(inner_of(dispatcher), handle, conditions, cookie);
}

static int native_forget(struct hy_dispatcher *dispatcher, intptr_t handle)
{
    return inner_of(dispatcher)->ops->forget(inner_of(dispatcher), handle);
}

static void native_set_deadline(struct hy_dispatcher *dispatcher, int64_t deadline_ns, bool precise)
{
    inner_of(dispatcher)->ops->set_deadline(inner_of(dispatcher), deadline_ns, precise);
}

static int native_wait(struct hy_dispatcher *dispatcher, unsigned flags, hy_ready_function ready)
{
    struct native *self = native_of(dispatcher);

    if (self->waiting != 0 && !self->goes_on)
        flags &= ~(unsigned)HY_WAIT_BLOCK;
    while (self->waiting > 0) {
        int64_t event = self->waiting--;

        self->result = -1;
        self->stopped += hy_native_filters_apply(&event, &self->result);
    }
    return inner_of(dispatcher)->ops->wait(inner_of(dispatcher), flags, ready);
}

static void native_wake(struct hy_dispatcher *dispatcher)
{
    inner_of(dispatcher)->ops->wake(inner_of(dispatcher));
}

static void native_destroy(struct hy_dispatcher *dispatcher)
{
    inner_of(dispatcher)->ops->destroy(inner_of(dispatcher));
    free(dispatcher);
}

static const struct hy_dispatcher_ops native_ops = {
    .version = HY_DISPATCHER_VERSION,
    .size = sizeof(struct hy_dispatcher_ops),
    .name = "native",
    .attach = native_attach,
    .detach = native_detach,
    .watch = native_watch,
    .change = native_change,
    .forget = native_forget,
    .set_deadline = native_set_deadline,
    .wait = native_wait,
    .wake = native_wake,
    .destroy = native_destroy,
};

/* --- a thread with it ------------------------------------------------------------------------- */

struct watcher {
    struct hy_native_filter filter; /* first */
    int number;
};

static struct worker worker;
static struct native *native;
static struct watcher watchers[FILTERS];
static struct probe sequence; /* lives in the worker; which filters were called */
static int stopper, acting;
static void (*action)(struct watcher *watcher);

static bool filter_event(struct hy_native_filter *self, void *native_event, intptr_t *result)
{
    struct watcher *watcher = self->context;

    EXPECT(*(int64_t *)native_event > 0);
    EXPECT_INT(*result, -1);
    probe_note(&sequence, watcher->number);
    if (watcher->number == acting && action != NULL)
        action(watcher);
    if (watcher->number == stopper)
        *result = 40 + watcher->number;
    return watcher->number == stopper;
}

static int setup(void **state)
{
    struct hy_dispatcher *inner = NULL;

    action = NULL;
    acting = stopper = -1;
    memset(watchers, 0, sizeof watchers);
    for (int i = 0; i < FILTERS; i++) {
        watchers[i].filter.filter = filter_event;
        watchers[i].filter.context = &watchers[i];
        watchers[i].number = i;
    }
    native = calloc(1, sizeof *native);
    if (native == NULL || hy_dispatcher_create(&inner) < 0)
        return -1;
    native->base.ops = &native_ops;
    native->inner = inner;
    worker_init(&worker, "native");
    probe_init(&sequence, NULL);
    EXPECT_INT(hy_object_move_to_thread(&sequence.hy, &worker.thread), 0);
    EXPECT_INT(hy_thread_set_dispatcher(&worker.thread, &native->base), 0);
    EXPECT_INT(hy_thread_start(&worker.thread), 0);
    return check_setup(state);
}

static int teardown(void **state)
{
    worker_stop(&worker);
    return check_teardown(state);
}

static void install_first(void *context)
{
    for (int i = 0; i < *(int *)context; i++)
        EXPECT_INT(hy_native_filter_install(&watchers[i].filter), 0);
}

static void install(int count)
{
    run_there(&worker.probe.hy, install_first, &count);
}

static void feed_there(void *context)
{
    sequence.count = 0;
    native->waiting = *(int *)context;
}

static void stop_feeding(void *context)
{
    (void)context;
    EXPECT_INT(native->waiting, 0);
}

/* Returns when the filters have had them. */
static void feed(int count)
{
    run_there(&worker.probe.hy, feed_there, &count);
    /* Delivered in the iteration after the wait that brought them. */
    run_there(&worker.probe.hy, NULL, NULL);
    run_there(&worker.probe.hy, stop_feeding, NULL);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void install_again(void *context)
{
    EXPECT_INT(hy_native_filter_install(&watchers[*(int *)context].filter), 0);
}

static void test_ap12_the_newest_first(void **state)
{
    int first = 0;

    (void)state;
    install(3);
    feed(1);
    assert_true(PROBE_SAW(&sequence, 2, 1, 0));
    run_there(&worker.probe.hy, install_again, &first);
    feed(1);
    assert_true(PROBE_SAW(&sequence, 0, 2, 1));
    stopper = 2;
    feed(2);
    assert_true(PROBE_SAW(&sequence, 0, 2, 0, 2));
    assert_int_equal(native->stopped, 2);
    assert_int_equal(native->result, 42);
}

static void remove_one(int number)
{
    EXPECT_INT(hy_native_filter_remove(&watchers[number].filter), 0);
    memset(&watchers[number].filter, 0xee, sizeof watchers[number].filter); /* its owner's again */
}

static void remove_some(struct watcher *watcher)
{
    action = NULL;
    remove_one(3);               /* before */
    remove_one(watcher->number); /* itself */
    remove_one(1);               /* the next */
}

static void test_ap12_removal_while_filtering(void **state)
{
    (void)state;
    install(5);
    action = remove_some;
    acting = 2;
    feed(1);
    assert_true(PROBE_SAW(&sequence, 4, 3, 2, 0));
    feed(1);
    assert_true(PROBE_SAW(&sequence, 4, 0));
}

static void install_some(struct watcher *watcher)
{
    action = NULL;
    EXPECT_INT(hy_native_filter_install(&watchers[0].filter), 0); /* its turn is still to come */
    EXPECT_INT(hy_native_filter_install(&watchers[4].filter), 0); /* new */
    EXPECT_INT(hy_native_filter_install(&watcher->filter), 0);
}

static void test_ap12_installing_while_filtering(void **state)
{
    (void)state;
    install(4);
    action = install_some;
    acting = 2;
    feed(1);
    assert_true(PROBE_SAW(&sequence, 3, 2, 1, 0)); /* each once, the new one not yet */
    feed(1);
    assert_true(PROBE_SAW(&sequence, 2, 4, 0, 3, 1));
}

/* The filter knows its thread: removing it elsewhere is an error, and not done to another list. */
static void test_ap13_filters_belong_to_a_thread(void **state)
{
    int64_t event = 1;
    intptr_t result = -1;
    struct hy_native_filter nothing = {.filter = NULL};

    (void)state;
    install(2);
    assert_int_equal(hy_native_filter_install(&watchers[0].filter), -HY_EWRONGTHREAD);
    assert_int_equal(hy_native_filter_remove(&watchers[0].filter), -HY_EWRONGTHREAD);
    assert_int_equal(hy_native_filter_remove(&watchers[4].filter), -HY_ENOENT);
    assert_int_equal(hy_native_filter_install(&nothing), -HY_EINVAL);
    assert_int_equal(hy_native_filter_install(NULL), -HY_EINVAL);
    assert_int_equal(hy_native_filter_remove(NULL), -HY_ENOENT);
    assert_false(hy_native_filters_apply(&event, &result)); /* not those of the worker */
    feed(1);
    assert_true(PROBE_SAW(&sequence, 1, 0));
    hy_thread_quit(&worker.thread, 0);
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
    assert_ok(hy_native_filter_install(&watchers[0].filter)); /* its thread has ended */
    assert_ok(hy_native_filter_remove(&watchers[0].filter));
}

static struct gate passed;

static void let_pass(struct probe *self, struct hy_event *event)
{
    (void)self;
    (void)event;
    gate_open(&passed);
}

static void post_one(struct watcher *watcher)
{
    (void)watcher;
    action = NULL;
    EXPECT_INT(hy_post(&sequence.hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL), 0);
}

/* Also in a dispatcher whose wait would go on. */
static void test_ap14_what_a_filter_posts_ends_the_wait(void **state)
{
    int one = 1;

    (void)state;
    gate_init(&passed);
    native->goes_on = true;
    sequence.on_event = let_pass;
    install(1);
    action = post_one;
    acting = 0;
    run_there(&worker.probe.hy, feed_there, &one);
    EXPECT(gate_wait(&passed));
    gate_fini(&passed);
}

static struct probe *doomed; /* in the worker */
static int ended;

static void make_doomed(void *context)
{
    (void)context;
    doomed = probe_create(NULL);
    doomed->fini_count = &ended;
}

static void end_later(struct watcher *watcher)
{
    (void)watcher;
    EXPECT_INT(hy_object_destroy_later(&doomed->hy), 0);
    EXPECT(hy_process(0, HY_FOREVER) >= 0); /* a loop inside does not serve it */
    EXPECT_INT(ended, 0);
}

static void still_there(struct watcher *watcher)
{
    (void)watcher;
    EXPECT_INT(ended, 0);
}

static void (*second_action)(struct watcher *watcher);

static bool filter_second(struct hy_native_filter *self, void *native_event, intptr_t *result)
{
    (void)native_event;
    (void)result;
    second_action(self->context);
    return false;
}

/* Rules: AP-14, DD-08. */
static void test_ap14_a_delete_inside_waits_for_the_loop(void **state)
{
    (void)state;
    ended = 0;
    run_there(&worker.probe.hy, make_doomed, NULL);
    watchers[0].filter.filter = filter_second; /* comes after the one that asks */
    second_action = still_there;
    install(2);
    action = end_later;
    acting = 1;
    feed(1);
    assert_int_equal(count_get(&ended), 1);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_ap12_the_newest_first),
        CASE(test_ap12_removal_while_filtering),
        CASE(test_ap12_installing_while_filtering),
        CASE(test_ap13_filters_belong_to_a_thread),
        CASE(test_ap14_a_delete_inside_waits_for_the_loop),
        CASE(test_ap14_what_a_filter_posts_ends_the_wait),
    };

    allocator_install();
    return cmocka_run_group_tests_name("native-filter", tests, NULL, NULL);
}
