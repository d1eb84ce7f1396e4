/* SPDX-License-Identifier: MIT */
/* Deferred delete. Rules DD. */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/worker.h"

enum {
    EVENT_ASK = HY_EVENT_USER, /* destroy_later itself */
    EVENT_NEST,                /* run a nested loop */
    EVENT_PROCESS,             /* make passes by hand */
    EVENT_QUIT,                /* quit the loop in context */
    EVENT_PASSES,              /* only make passes */
    EVENT_OTHER
};

static struct hy_loop *innermost;
static int finis;

static void post(struct probe *probe, uint32_t type)
{
    EXPECT_INT(hy_post(&probe->hy, type, NULL, 0, HY_PRIORITY_NORMAL), 0);
}

/* Runs a fresh nested loop until somebody quits it through `innermost`. */
static void nest(void)
{
    struct hy_loop loop, *outer = innermost;

    EXPECT_INT(hy_loop_init(&loop), 0);
    innermost = &loop;
    EXPECT_INT(hy_loop_exec(&loop, 0), 0);
    innermost = outer;
}

/* A probe on the stack that serves the others: quits the innermost loop. */
static void helper_event(struct probe *self, struct hy_event *event)
{
    (void)self;
    if (event->type == EVENT_QUIT)
        hy_loop_quit(innermost, 0);
}

static void quit_context(struct probe *self, struct hy_event *event)
{
    (void)event;
    hy_loop_quit(self->context, 0);
}

/* Runs a loop until what was posted before has been delivered; nested loops are left alone. */
static void run_loop_briefly(void)
{
    struct probe helper;
    struct hy_loop loop;

    probe_init(&helper, NULL);
    EXPECT_INT(hy_loop_init(&loop), 0);
    helper.on_event = quit_context;
    helper.context = &loop;
    post(&helper, EVENT_QUIT);
    EXPECT_INT(hy_loop_exec(&loop, 0), 0);
    object_end(&helper.hy);
}

static void ask(struct probe *self, struct hy_event *event)
{
    struct probe *helper = self->context;

    switch (event->type) {
    case EVENT_ASK:
        EXPECT_INT(hy_object_destroy_later(&self->hy), 0);
        EXPECT_INT(count_get(&finis), 0);
        break;
    case EVENT_NEST: /* asks first, then nests */
        EXPECT_INT(hy_object_destroy_later(&self->hy), 0);
        post(helper, EVENT_OTHER);
        post(helper, EVENT_QUIT);
        nest();
        EXPECT_INT(count_get(&finis), 0);
        break;
    case EVENT_PROCESS:
        EXPECT_INT(hy_object_destroy_later(&self->hy), 0);
        for (int i = 0; i < 5; i++)
            EXPECT(hy_process(0, HY_FOREVER) >= 0);
        EXPECT_INT(count_get(&finis), 0);
        break;
    case EVENT_PASSES:
        for (int i = 0, before = self->count; i < 5; i++) {
            EXPECT(hy_process(0, HY_FOREVER) >= 0);
            EXPECT_INT(self->count, before);
        }
        break;
    default:
        break;
    }
}

static struct probe *victim_create(struct probe *helper)
{
    struct probe *victim = probe_create(NULL);

    victim->fini_count = &finis;
    victim->on_event = ask;
    victim->context = helper;
    return victim;
}

static int setup(void **state)
{
    finis = 0;
    return check_setup(state);
}

static void one_request_in_a_loop(uint32_t type)
{
    struct probe helper, *victim;

    probe_init(&helper, NULL);
    helper.on_event = helper_event;
    victim = victim_create(&helper);
    post(victim, type);
    post(&helper, EVENT_OTHER); /* behind the victim's event, in the same pass */
    run_loop_briefly();
    assert_int_equal(finis,
                     1); /* the quit came in a later pass, or the loop served it as it ended */
    object_end(&helper.hy);
}

static void test_dd01_served_once_the_handler_has_returned(void **state)
{
    (void)state;
    one_request_in_a_loop(EVENT_ASK);
}

static void test_dd02_not_under_a_nested_loop(void **state)
{
    (void)state;
    one_request_in_a_loop(EVENT_NEST);
}

static void test_dd02_not_by_passes_of_the_own_handler(void **state)
{
    (void)state;
    one_request_in_a_loop(EVENT_PROCESS);
}

/* One pass is enough, though passes of the handler's own have held it back; nothing wakes the loop.
 */
static void test_dd17_served_as_the_handler_returns(void **state)
{
    (void)state;
    for (uint32_t type = EVENT_ASK; type <= EVENT_PROCESS; type += EVENT_PROCESS - EVENT_ASK) {
        struct probe *victim = victim_create(NULL);

        finis = 0;
        post(victim, type);
        assert_int_equal(hy_process(0, HY_FOREVER), 1);
        assert_int_equal(finis, 1);
    }
}

/* The handler of another object asks, while the victim has none on the stack. */
static void ask_for_other(struct probe *self, struct hy_event *event)
{
    struct probe *victim = self->context;

    if (event->type == EVENT_NEST) {
        EXPECT_INT(hy_object_destroy_later(&victim->hy), 0);
        for (int i = 0; i < 3; i++)
            EXPECT(hy_process(0, HY_FOREVER) >= 0);
        EXPECT_INT(count_get(&finis), 0); /* it has not returned to its loop */
    }
}

static void test_dd02_a_request_for_another_object_waits_for_the_asking_handler(void **state)
{
    struct probe asking, *victim = victim_create(NULL);

    (void)state;
    probe_init(&asking, NULL);
    asking.on_event = ask_for_other;
    asking.context = victim;
    post(&asking, EVENT_NEST);
    run_loop_briefly();
    assert_int_equal(finis, 1);
    object_end(&asking.hy);
}

static void ask_and_quit(struct probe *self, struct hy_event *event)
{
    struct probe *victim = self->context;

    if (event->type == EVENT_ASK) {
        hy_loop_quit(innermost, 0);
        EXPECT_INT(hy_object_destroy_later(&victim->hy), 0);
        EXPECT_INT(count_get(&finis), 0);
    } else if (event->type == EVENT_NEST) {
        post(self, EVENT_ASK);
        nest();
        EXPECT_INT(count_get(&finis), 1);
    }
}

/* Departs: DD-03: it is served as the handler that asked returns, also when that handler has ended
 * the nested loop; it does not wait for the enclosing one. */
static void test_dd03_a_handler_that_ends_its_nested_loop(void **state)
{
    struct probe asking, *victim = victim_create(NULL);

    (void)state;
    probe_init(&asking, NULL);
    asking.on_event = ask_and_quit;
    asking.context = victim;
    post(&asking, EVENT_NEST);
    run_loop_briefly();
    assert_int_equal(finis, 1);
    object_end(&asking.hy);
}

static void test_dd04_request_before_any_loop(void **state)
{
    struct probe *victim = victim_create(NULL);

    (void)state;
    assert_ok(hy_object_destroy_later(&victim->hy));
    for (int i = 0; i < 5; i++)
        assert_true(hy_process(0, HY_FOREVER) >= 0);
    assert_int_equal(finis, 0); /* bare passes do not serve it */
    run_loop_briefly();
    assert_int_equal(finis, 1);
}

static void test_request_in_a_handler_of_a_bare_pass(void **state)
{
    struct probe *victim = victim_create(NULL);

    (void)state;
    post(victim, EVENT_ASK);
    wait_drain();
    assert_int_equal(finis, 1);
}

/* Rules: DD-06, PE-14. */
static void test_dd06_asking_twice_is_asking_once(void **state)
{
    struct probe *victim = victim_create(NULL);

    (void)state;
    assert_ok(hy_object_destroy_later(&victim->hy));
    assert_ok(hy_object_destroy_later(&victim->hy));
    post(victim, EVENT_ASK);
    run_loop_briefly();
    assert_int_equal(finis, 1);
}

/* Asks at depth 1, then nests; inside, a second request must not bring it forward. */
static void ask_again_deeper(struct probe *self, struct hy_event *event)
{
    struct probe *victim = self->context;

    switch (event->type) {
    case EVENT_NEST:
        EXPECT_INT(hy_object_destroy_later(&victim->hy), 0);
        post(self, EVENT_ASK);
        post(self, EVENT_OTHER);
        nest();
        EXPECT_INT(count_get(&finis), 0);
        break;
    case EVENT_ASK:
        EXPECT_INT(hy_object_destroy_later(&victim->hy), 0);
        break;
    case EVENT_OTHER:
        post(self, EVENT_QUIT); /* one more pass of the inner loop */
        break;
    default:
        EXPECT_INT(count_get(&finis), 0);
        hy_loop_quit(innermost, 0);
        break;
    }
}

static void test_dd06_a_deeper_request_does_not_bring_it_forward(void **state)
{
    struct probe asking, *victim = victim_create(NULL);

    (void)state;
    probe_init(&asking, NULL);
    asking.on_event = ask_again_deeper;
    asking.context = victim;
    post(&asking, EVENT_NEST);
    run_loop_briefly();
    assert_int_equal(finis, 1);
    object_end(&asking.hy);
}

static void expect_ten(struct probe *self)
{
    EXPECT_INT(self->count, 10);
}

static void test_what_was_posted_before_arrives_first(void **state)
{
    struct worker worker;
    struct probe *victim = victim_create(NULL);

    (void)state;
    worker_start(&worker, "worker");
    victim->on_event = NULL;
    victim->on_fini = expect_ten;
    assert_ok(hy_object_move_to_thread(&victim->hy, &worker.thread));
    for (int i = 0; i < 10; i++)
        post(victim, EVENT_OTHER);
    assert_ok(hy_object_destroy_later(&victim->hy));
    assert_true(wait_count(&finis, 1));
    worker_stop(&worker);
}

/* --- requests from other threads -------------------------------------------------------------- */

static void ask_from_elsewhere(void *context)
{
    EXPECT_INT(hy_object_destroy_later(context), 0);
}

static void test_request_from_another_thread(void **state)
{
    struct worker worker;
    struct probe *victim = victim_create(NULL);

    (void)state;
    worker_start(&worker, "asks");
    run_there(&worker.probe.hy, ask_from_elsewhere, &victim->hy);
    assert_true(wait_count(&finis, 1));
    worker_stop(&worker);
}

struct victim_nest {
    struct worker *worker;
    int inner_passes;
};

/* In the victim's handler: somebody else asks, and a nested loop pumps. */
static void nest_while_asked(struct probe *self, struct hy_event *event)
{
    struct victim_nest *nested = self->context;

    if (event->type != EVENT_NEST)
        return;
    run_there(&nested->worker->probe.hy, ask_from_elsewhere, &self->hy);
    run_loop_briefly(); /* DD-13: it must not be served under this handler */
    wait_drain();
    EXPECT_INT(count_get(&finis), 0);
    nested->inner_passes = 1;
}

static void test_dd13_never_under_a_handler_of_the_victim(void **state)
{
    struct worker worker;
    struct victim_nest nested = {&worker, 0};
    struct probe *victim = victim_create(NULL);

    (void)state;
    worker_start(&worker, "asks");
    victim->on_event = nest_while_asked;
    victim->context = &nested;
    post(victim, EVENT_NEST);
    assert_true(wait_count(&finis, 1));
    assert_int_equal(nested.inner_passes, 1);
    worker_stop(&worker);
}

/* In a handler of another object: a request from elsewhere is served inside the nested loop. */
static void other_nest(struct probe *self, struct hy_event *event)
{
    struct victim_nest *nested = self->context;

    if (event->type != EVENT_NEST)
        return;
    run_there(&nested->worker->probe.hy, ask_from_elsewhere, nested->worker->probe.context);
    EXPECT(wait_count(&finis, 1));
}

static void test_request_from_another_thread_is_served_in_a_nested_loop(void **state)
{
    struct worker worker;
    struct victim_nest nested = {&worker, 0};
    struct probe other, *victim = victim_create(NULL);

    (void)state;
    worker_init(&worker, "asks");
    worker.probe.context = &victim->hy;
    assert_ok(hy_thread_start(&worker.thread));
    probe_init(&other, NULL);
    other.on_event = other_nest;
    other.context = &nested;
    post(&other, EVENT_NEST);
    assert_true(wait_count(&finis, 1));
    object_end(&other.hy);
    worker_stop(&worker);
}

static void test_dd06_requests_from_two_threads_collapse(void **state)
{
    struct worker one, two;

    (void)state;
    worker_start(&one, "one");
    worker_start(&two, "two");
    for (int i = 0; i < 50; i++) {
        struct probe *victim = victim_create(NULL);

        finis = 0;
        run_there(&one.probe.hy, ask_from_elsewhere, &victim->hy);
        run_there(&two.probe.hy, ask_from_elsewhere, &victim->hy);
        assert_true(wait_count(&finis, 1));
        wait_drain();
        assert_int_equal(finis, 1);
    }
    worker_stop(&one);
    worker_stop(&two);
}

/* --- ends ------------------------------------------------------------------------------------- */

static void ask_after_the_loop(struct hy_thread *thread, void *context)
{
    struct probe *victim = context;

    hy_thread_quit(thread, 0);
    EXPECT_INT(hy_thread_exec(), 0);
    EXPECT_INT(hy_object_destroy_later(&victim->hy), 0);
}

static void expect_pending(struct probe *self)
{
    (void)self;
    EXPECT_INT(hy_posted_count(NULL, HY_EVENT_DESTROY), 1);
    EXPECT_INT(finis, 0);
}

/* With HY_FINISH_KEEP nothing but the request ends it. */
static void test_dd09_thread_end_serves_what_is_pending(void **state)
{
    struct worker worker;
    struct probe *victim = victim_create(NULL);

    (void)state;
    worker_init(&worker, "ends");
    hy_thread_set_finish_policy(&worker.thread, HY_FINISH_KEEP);
    assert_ok(hy_thread_set_body(&worker.thread, ask_after_the_loop, victim));
    assert_ok(hy_connect(&worker.thread.events.finished, &worker.probe, expect_pending, HY_AUTO));
    assert_ok(hy_object_move_to_thread(&victim->hy, &worker.thread));
    assert_ok(hy_thread_start(&worker.thread));
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
    assert_int_equal(finis, 1);
    object_end(&worker.probe.hy);
    hy_thread_fini(&worker.thread);
}

static void finished_destroys(struct probe *self)
{
    EXPECT(hy_object_is_here(&self->hy));
    EXPECT_INT(hy_object_destroy_later(&self->hy), 0);
}

static void test_th25_finished_tied_to_a_deferred_delete(void **state)
{
    struct worker worker;
    struct probe *victim = victim_create(NULL);

    (void)state;
    worker_init(&worker, "ends");
    assert_ok(hy_object_move_to_thread(&victim->hy, &worker.thread));
    assert_ok(hy_connect(&worker.thread.events.finished, victim, finished_destroys, HY_AUTO));
    assert_ok(hy_thread_start(&worker.thread));
    hy_thread_quit(&worker.thread, 0);
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
    assert_int_equal(finis, 1); /* before join returned */
    hy_thread_fini(&worker.thread);
}

static void test_dd11_end_of_one_thread_leaves_the_others_requests_alone(void **state)
{
    struct worker worker;
    struct probe *victim = victim_create(NULL);

    (void)state;
    worker_start(&worker, "ends");
    assert_ok(hy_object_destroy_later(&victim->hy)); /* lives here */
    worker_stop(&worker);
    assert_int_equal(finis, 0);
    run_loop_briefly();
    assert_int_equal(finis, 1);
}

static void ask_for_child(struct probe *self)
{
    (void)hy_object_destroy_later(self->context);
}

static void test_dd12_request_for_a_child_from_its_parents_fini(void **state)
{
    struct probe *parent = probe_create(NULL);
    struct probe *child = probe_create(&parent->hy);

    (void)state;
    child->fini_count = &finis;
    parent->on_fini = ask_for_child;
    parent->context = &child->hy;
    object_end(&parent->hy);
    run_loop_briefly();
    run_loop_briefly();
    assert_int_equal(finis, 1);
}

/* The other one's request is being served, too, and still counts until it is gone. */
static void end_the_other(struct probe *self)
{
    EXPECT_INT(hy_posted_count(NULL, HY_EVENT_DESTROY), 1);
    object_end(self->context);
    EXPECT_INT(hy_posted_count(NULL, HY_EVENT_DESTROY), 0);
}

static void ask_for_both(struct probe *self, struct hy_event *event)
{
    struct probe **both = self->context;

    (void)event;
    for (int i = 0; i < 2; i++)
        EXPECT_INT(hy_object_destroy_later(&both[i]->hy), 0);
}

static void test_a_fini_ends_another_whose_request_is_served(void **state)
{
    struct probe asker, *both[2] = {probe_create(NULL), probe_create(NULL)};

    (void)state;
    probe_init(&asker, NULL);
    asker.on_event = ask_for_both;
    asker.context = both;
    for (int i = 0; i < 2; i++)
        both[i]->fini_count = &finis;
    both[0]->on_fini = end_the_other;
    both[0]->context = &both[1]->hy;
    assert_ok(hy_post(&asker.hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL));
    run_loop_briefly();
    assert_int_equal(finis, 2);
    object_end(&asker.hy);
}

/* The request for the next one, which comes while the one before ends. */
static void ask_for_next(struct probe *self)
{
    struct hy_ref *ref = self->context;
    struct hy_object *next = ref != NULL ? hy_ref_get(*ref) : NULL;

    if (next != NULL) /* it may have ended before */
        EXPECT_INT(hy_object_destroy_later(next), 0);
}

static void test_dd14_a_threads_end_serves_requests_until_none_is_left(void **state)
{
    (void)state;
    for (int policy = HY_FINISH_DRAIN; policy <= HY_FINISH_KEEP; policy++) {
        struct worker worker;
        struct probe *victims[3];
        struct hy_ref refs[3];

        finis = 0;
        worker_init(&worker, "ends");
        hy_thread_set_finish_policy(&worker.thread, (enum hy_finish_policy)policy);
        for (int i = 0; i < 3; i++) {
            victims[i] = victim_create(NULL);
            refs[i] = hy_ref_to(&victims[i]->hy);
            victims[i]->on_fini = ask_for_next;
            victims[i]->context = i < 2 ? &refs[i + 1] : NULL;
            assert_ok(hy_object_move_to_thread(&victims[i]->hy, &worker.thread));
        }
        assert_ok(
            hy_connect(&worker.thread.events.finished, victims[0], finished_destroys, HY_AUTO));
        assert_ok(hy_thread_start(&worker.thread));
        hy_thread_quit(&worker.thread, 0);
        assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
        assert_int_equal(finis, 3);
        for (int i = 0; i < 3; i++) {
            assert_null(hy_ref_get(refs[i]));
            hy_ref_release(&refs[i]);
        }
        if (policy == HY_FINISH_KEEP)
            object_end(&worker.probe.hy);
        hy_thread_fini(&worker.thread);
    }
}

/* The thread has ended and keeps what lives in it: a restart serves the request, or fini does. */
static void test_dd14_a_request_after_the_end_is_served_by_a_restart(void **state)
{
    struct worker worker;
    struct probe *victim = victim_create(NULL);

    (void)state;
    worker_init(&worker, "rests");
    hy_thread_set_finish_policy(&worker.thread, HY_FINISH_KEEP);
    assert_ok(hy_object_move_to_thread(&victim->hy, &worker.thread));
    assert_ok(hy_thread_start(&worker.thread));
    hy_thread_quit(&worker.thread, 0);
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
    assert_ok(hy_object_destroy_later(&victim->hy));
    assert_int_equal(finis, 0);
    assert_ok(hy_thread_start(&worker.thread));
    assert_true(wait_count(&finis, 1));
    hy_thread_set_finish_policy(&worker.thread, HY_FINISH_DRAIN);
    worker_stop(&worker);
}

static void test_dd14_a_request_to_the_dead_is_an_error(void **state)
{
    struct probe probe;

    (void)state;
    probe_init(&probe, NULL);
    object_end(&probe.hy);
    assert_int_equal(hy_object_destroy_later(&probe.hy), -HY_ESHUTDOWN);
}

static void test_request_for_a_thread_that_never_starts(void **state)
{
    struct hy_thread thread;
    struct probe *victim = victim_create(NULL);

    (void)state;
    assert_ok(hy_thread_init(&thread, "never", NULL));
    assert_ok(hy_object_move_to_thread(&victim->hy, &thread));
    assert_true(hy_object_destroy_later(&victim->hy) >= -HY_ESHUTDOWN);
    hy_thread_fini(&thread);
    if (finis == 0) /* the thread's handle does not own it unless its thread ran */
        object_end(&victim->hy);
    assert_int_equal(finis, 1);
}

static void test_destroy_after_destroy_later(void **state)
{
    struct probe *victim = victim_create(NULL);

    (void)state;
    assert_ok(hy_object_destroy_later(&victim->hy));
    object_end(&victim->hy);
    assert_int_equal(finis, 1);
    run_loop_briefly();
    run_loop_briefly();
    assert_int_equal(finis, 1);
}

static void test_destroy_later_of_a_callers_object_only_finishes_it(void **state)
{
    struct probe probe;

    (void)state;
    probe_init(&probe, NULL);
    probe.fini_count = &finis;
    probe.on_event = ask;
    post(&probe, EVENT_ASK);
    wait_drain();
    assert_int_equal(finis, 1);
    assert_ok(hy_object_fini(&probe.hy));
    assert_int_equal(finis, 1);
}

static void test_dd15_request_travels_with_a_moved_object(void **state)
{
    struct worker worker;
    struct probe *victim = victim_create(NULL);

    (void)state;
    worker_start(&worker, "new home");
    assert_ok(hy_object_destroy_later(&victim->hy)); /* outside every loop, here */
    assert_ok(hy_object_move_to_thread(&victim->hy, &worker.thread));
    assert_true(wait_count(&finis, 1)); /* a loop runs there */
    worker_stop(&worker);
}

/* --- never lost, never late ----------------------------------------------------------------------
 */

static void ask_there(void *context)
{
    struct probe *victim = context;

    EXPECT_INT(hy_object_destroy_later(&victim->hy), 0);
}

static void ask_by_reference(void *context)
{
    EXPECT_INT(hy_ref_destroy_later(*(struct hy_ref *)context), 0);
}

static void quit_the_thread(struct probe *self)
{
    (void)self;
    hy_thread_quit(hy_thread_current(), 0);
}

/* Rules: DD-07. */
static void test_dd07_a_request_that_must_wait_is_not_lost(void **state)
{
    struct worker worker;
    struct probe helper, *victim;

    (void)state;
    worker_start(&worker, "asks");
    for (int round = 1; round <= check_scaled(50); round++) {
        probe_init(&helper, NULL);
        helper.on_event = helper_event;
        victim = victim_create(&helper);
        post(victim, EVENT_OTHER);
        post(victim, EVENT_PASSES); /* the request waits for this handler */
        run_there(&worker.probe.hy, ask_there, victim);
        run_loop_briefly();
        assert_true(wait_count(&finis, round));
        assert_int_equal(finis, round);
        object_end(&helper.hy);
    }
    worker_stop(&worker);
}

static void ask_for_context(struct probe *self)
{
    struct probe *victim = self->context;

    if (victim != NULL)
        EXPECT_INT(hy_object_destroy_later(&victim->hy), 0);
    self->context = NULL;
}

/* Rules: DD-08. */
static void test_dd08_requests_of_observers_are_served_by_the_loop(void **state)
{
    struct hy_thread *thread = hy_thread_current();
    struct probe observers[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        probe_init(&observers[i], NULL);
        observers[i].context = victim_create(NULL);
    }
    assert_ok(
        hy_connect(&thread->events.about_to_block, &observers[0], ask_for_context, HY_DIRECT));
    assert_ok(hy_connect(&thread->events.awake, &observers[1], ask_for_context, HY_DIRECT));
    assert_ok(hy_after(20 * HY_MILLISECOND, &observers[0], quit_the_thread));
    assert_ok(hy_thread_exec());
    assert_int_equal(finis, 2);
    object_end(&observers[0].hy);
    object_end(&observers[1].hy);
}

static void ask_and_quit_the_thread(struct probe *self, struct hy_event *event)
{
    (void)event;
    EXPECT_INT(hy_object_destroy_later(&self->hy), 0);
    EXPECT_INT(hy_object_destroy_later(self->context), 0);
    hy_thread_quit(hy_thread_current(), 0);
}

static void test_dd10_the_loop_that_ends_serves_what_is_pending(void **state)
{
    struct probe *victims[] = {victim_create(NULL), victim_create(NULL)};

    (void)state;
    victims[0]->on_event = ask_and_quit_the_thread;
    victims[0]->context = &victims[1]->hy;
    post(victims[0], EVENT_OTHER);
    assert_ok(hy_thread_exec());
    assert_int_equal(finis, 2); /* when it has returned */
}

/* Rules: DD-14. */
static void test_dd14_a_request_after_the_loop_is_served_at_the_threads_end(void **state)
{
    struct worker worker;
    struct probe *victim = victim_create(NULL);

    (void)state;
    worker_init(&worker, "ends");
    assert_ok(hy_thread_set_body(&worker.thread, ask_after_the_loop, victim));
    assert_ok(hy_object_move_to_thread(&victim->hy, &worker.thread));
    assert_ok(hy_thread_start(&worker.thread));
    assert_ok(hy_thread_join(&worker.thread, HY_FOREVER));
    assert_int_equal(count_get(&finis), 1);
    hy_thread_fini(&worker.thread);
}

static void test_a_request_through_a_reference(void **state)
{
    struct worker worker;
    struct probe *victim = victim_create(NULL);
    struct hy_ref ref = hy_ref_to(&victim->hy), none = {NULL};

    (void)state;
    assert_int_equal(hy_ref_destroy_later(none), -HY_ESHUTDOWN);
    post(victim, EVENT_OTHER);
    assert_ok(hy_ref_destroy_later(ref));
    assert_ok(hy_ref_destroy_later(ref));
    run_loop_briefly();
    assert_int_equal(finis, 1);
    assert_int_equal(hy_ref_destroy_later(ref), -HY_ESHUTDOWN);
    hy_ref_release(&ref);
    victim = victim_create(NULL);
    ref = hy_ref_to(&victim->hy);
    worker_start(&worker, "asks");
    assert_true(run_there(&worker.probe.hy, ask_by_reference, &ref));
    assert_true(wait_count(&finis, 2));
    hy_ref_release(&ref);
    worker_stop(&worker);
}

static int ends[8], ended;

static void note_end(struct probe *self)
{
    ends[ended++] = (int)(intptr_t)self->context;
}

static struct probe *numbered_create(int number)
{
    struct probe *probe = probe_create(NULL);

    probe->context = (void *)(intptr_t)number;
    probe->on_fini = note_end;
    return probe;
}

/* One of three leaves before any loop runs, from each place of the list; then a fourth one asks. */
static void test_requests_keep_their_order_when_one_moves_away(void **state)
{
    struct worker worker;

    (void)state;
    worker_init(&worker, "elsewhere");
    for (int leaver = 0; leaver < 3; leaver++) {
        struct probe *probes[4];

        ended = 0;
        for (int i = 0; i < 4; i++)
            probes[i] = numbered_create(i);
        for (int i = 0; i < 3; i++)
            assert_ok(hy_object_destroy_later(&probes[i]->hy));
        assert_ok(hy_object_move_to_thread(&probes[leaver]->hy, &worker.thread));
        assert_ok(hy_object_destroy_later(&probes[3]->hy));
        run_loop_briefly();
        assert_int_equal(ended, 3);
        for (int i = 0, place = 0; i < 4; i++)
            if (i != leaver)
                assert_int_equal(ends[place++], i);
    }
    worker_stop(&worker); /* which ends the others */
    assert_int_equal(ended, 6);
}

/* Far more than could be served if each request looked through all before it. */
static void test_a_program_without_a_loop_asks_very_often(void **state)
{
    int n = check_scaled(200000);

    (void)state;
    for (int i = 0; i < n; i++)
        assert_ok(hy_object_destroy_later(&victim_create(NULL)->hy));
    assert_int_equal(hy_process(0, HY_FOREVER), 0);
    assert_int_equal(finis, 0);
    run_loop_briefly();
    assert_int_equal(finis, n);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, check_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_dd01_served_once_the_handler_has_returned),
        CASE(test_dd02_not_under_a_nested_loop),
        CASE(test_dd02_not_by_passes_of_the_own_handler),
        CASE(test_dd02_a_request_for_another_object_waits_for_the_asking_handler),
        CASE(test_dd03_a_handler_that_ends_its_nested_loop),
        CASE(test_dd04_request_before_any_loop),
        CASE(test_request_in_a_handler_of_a_bare_pass),
        CASE(test_dd06_asking_twice_is_asking_once),
        CASE(test_dd06_a_deeper_request_does_not_bring_it_forward),
        CASE(test_what_was_posted_before_arrives_first),
        CASE(test_request_from_another_thread),
        CASE(test_dd13_never_under_a_handler_of_the_victim),
        CASE(test_request_from_another_thread_is_served_in_a_nested_loop),
        CASE(test_dd06_requests_from_two_threads_collapse),
        CASE(test_dd09_thread_end_serves_what_is_pending),
        CASE(test_th25_finished_tied_to_a_deferred_delete),
        CASE(test_dd11_end_of_one_thread_leaves_the_others_requests_alone),
        CASE(test_dd12_request_for_a_child_from_its_parents_fini),
        CASE(test_a_fini_ends_another_whose_request_is_served),
        CASE(test_dd14_a_threads_end_serves_requests_until_none_is_left),
        CASE(test_dd14_a_request_after_the_end_is_served_by_a_restart),
        CASE(test_dd14_a_request_to_the_dead_is_an_error),
        CASE(test_request_for_a_thread_that_never_starts),
        CASE(test_destroy_after_destroy_later),
        CASE(test_destroy_later_of_a_callers_object_only_finishes_it),
        CASE(test_dd15_request_travels_with_a_moved_object),
        CASE(test_dd07_a_request_that_must_wait_is_not_lost),
        CASE(test_dd08_requests_of_observers_are_served_by_the_loop),
        CASE(test_dd10_the_loop_that_ends_serves_what_is_pending),
        CASE(test_dd14_a_request_after_the_loop_is_served_at_the_threads_end),
        CASE(test_dd17_served_as_the_handler_returns),
        CASE(test_a_request_through_a_reference),
        CASE(test_requests_keep_their_order_when_one_moves_away),
        CASE(test_a_program_without_a_loop_asks_very_often),
    };

    allocator_install();
    return cmocka_run_group_tests_name("destroy_later", tests, NULL, NULL);
}
