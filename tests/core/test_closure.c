/* SPDX-License-Identifier: MIT */
/*
 * Slots with a context and what becomes of it; the class hook connection_changed; the signal
 * `destroyed`. Rules SC-23, SC-24, SC-31, SC-32, OA-18 to OA-20.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/worker.h"

#include <string.h>

static struct source source;
static struct probe one, two;

/* What a slot captures. It must be ended exactly once, and not be used afterwards. */
struct closure {
    int calls, ends;
    int64_t sum;
    void (*on_call)(struct closure *self);
    void (*on_end)(struct closure *self);
    struct hy_connection connection;
};

static int setup(void **state)
{
    source_init(&source);
    probe_init(&one, NULL);
    probe_init(&two, NULL);
    return check_setup(state);
}

static int teardown(void **state)
{
    object_end(&source.hy);
    object_end(&one.hy);
    object_end(&two.hy);
    return check_teardown(state);
}

static int emit(int64_t value)
{
    return hy_emit_with(&source.events.number, .value = value);
}

static void closure_call(struct probe *self, const struct number *number, void *context)
{
    struct closure *closure = context;

    EXPECT(hy_object_is_here(&self->hy));
    EXPECT_INT(closure->ends, 0);
    closure->calls++;
    closure->sum += number->value;
    if (closure->on_call != NULL)
        closure->on_call(closure);
    EXPECT_INT(closure->ends, 0);
}

static void closure_end(void *context)
{
    struct closure *closure = context;

    EXPECT_INT(closure->ends, 0);
    closure->ends++;
    if (closure->on_end != NULL)
        closure->on_end(closure);
}

static int connect(struct closure *closure, struct probe *receiver, unsigned flags)
{
    return hy_connect_with(
        &source.events.number, receiver, closure_call,
        &(struct hy_connect_options){.flags = flags, .context = closure, .destroy = closure_end},
        &closure->connection);
}

/* --- contexts --------------------------------------------------------------------------------- */

static void test_a_slot_gets_its_context(void **state)
{
    struct closure direct = {0}, queued = {0};

    (void)state;
    assert_ok(connect(&direct, &one, HY_AUTO));
    assert_ok(connect(&queued, &one, HY_QUEUED));
    assert_int_equal(emit(3), 2);
    assert_int_equal(emit(4), 2);
    wait_drain();
    assert_int_equal(direct.sum, 7);
    assert_int_equal(queued.sum, 7);
    assert_int_equal(direct.ends + queued.ends, 0);
    assert_int_equal(hy_disconnect(&source.events.number, &one, closure_call), 2);
    assert_int_equal(direct.ends, 1);
    assert_int_equal(queued.ends, 1);
}

static void test_sc23_a_context_ends_with_its_receiver(void **state)
{
    struct closure direct = {0}, queued = {0}, kept = {0};

    (void)state;
    assert_ok(connect(&direct, &one, HY_AUTO));
    assert_ok(connect(&queued, &one, HY_QUEUED));
    assert_ok(connect(&kept, &one, HY_QUEUED | HY_KEEP_QUEUED));
    assert_int_equal(emit(1), 3);
    object_end(&one.hy);
    assert_int_equal(direct.ends, 1);
    assert_int_equal(queued.ends, 1);
    wait_drain();
    assert_int_equal(kept.ends, 1); /* with the last message that might have called it */
    assert_int_equal(direct.calls + queued.calls + kept.calls, 1);
    assert_int_equal(emit(2), 0);
}

static void test_sc23_a_context_ends_with_its_sender(void **state)
{
    struct closure direct = {0}, queued = {0};

    (void)state;
    assert_ok(connect(&direct, &one, HY_AUTO));
    assert_ok(connect(&queued, &one, HY_QUEUED));
    assert_int_equal(emit(1), 2);
    object_end(&source.hy);
    assert_int_equal(direct.ends, 1);
    assert_int_equal(queued.ends, 0); /* what a sender queued is still delivered */
    wait_drain();
    assert_int_equal(queued.calls, 1);
    assert_int_equal(queued.ends, 1);
}

static void test_a_context_ends_when_connecting_fails(void **state)
{
    struct closure closure = {0};
    const struct hy_connection untouched = {NULL, 7};

    (void)state;
    closure.connection = untouched;
    assert_int_equal(connect(&closure, &one, HY_DIRECT | HY_QUEUED), -HY_EINVAL);
    assert_int_equal(closure.ends, 1);
    assert_true(closure.connection.id == 7);
    closure.ends = 0;
    assert_ok(connect(&closure, &one, HY_AUTO));
    closure.on_end = NULL;
    assert_int_equal(connect(&closure, &one, HY_UNIQUE), -HY_EEXIST);
    assert_int_equal(closure.ends, 1);
    closure.ends = 0; /* the one that is connected */
    assert_int_equal(hy_connection_disconnect(closure.connection), 1);
    assert_int_equal(closure.ends, 1);
}

static void cut_itself(struct closure *self)
{
    EXPECT_INT(hy_connection_disconnect(self->connection), 1);
    EXPECT_INT(hy_connection_disconnect(self->connection), 0);
}

/* Rules: SC-24, SC-05. */
static void test_sc24_a_context_outlives_the_call_that_cuts_it(void **state)
{
    static const unsigned flags[] = {HY_DIRECT, HY_QUEUED, HY_QUEUED | HY_KEEP_QUEUED};

    (void)state;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        struct closure closure = {.on_call = cut_itself};

        assert_ok(connect(&closure, &one, flags[i]));
        assert_int_equal(emit(1), 1);
        wait_drain();
        assert_int_equal(closure.calls, 1);
        assert_int_equal(closure.ends, 1);
    }
}

static void emit_again(struct closure *self)
{
    if (self->calls < 10)
        EXPECT_INT(emit(1), 1);
    else
        cut_itself(self);
    EXPECT_INT(self->ends, 0);
}

static void test_sc24_a_context_outlives_all_calls_inside_each_other(void **state)
{
    struct closure closure = {.on_call = emit_again};

    (void)state;
    assert_ok(connect(&closure, &one, HY_DIRECT));
    assert_int_equal(emit(1), 1);
    assert_int_equal(closure.calls, 10);
    assert_int_equal(closure.ends, 1);
}

static void test_sc24_single_shot_contexts_end_after_their_call(void **state)
{
    static const unsigned flags[] = {HY_DIRECT, HY_QUEUED, HY_QUEUED | HY_KEEP_QUEUED};

    (void)state;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        struct closure closure = {0};

        assert_ok(connect(&closure, &one, flags[i] | HY_SINGLE_SHOT));
        assert_int_equal(emit(5), 1);
        assert_int_equal(emit(6), 0);
        wait_drain();
        assert_int_equal(closure.sum, 5);
        assert_int_equal(closure.ends, 1);
    }
}

static void cut_itself_and_pump(struct closure *self)
{
    cut_itself(self);
    wait_drain();
}

/* Rules: SC-24. Departs: SC-36: also when the context is in use by the call that cuts. */
static void test_sc36_a_cut_in_a_running_call_takes_the_rest_back(void **state)
{
    struct closure closure = {.on_call = cut_itself_and_pump};

    (void)state;
    assert_ok(connect(&closure, &one, HY_QUEUED));
    assert_int_equal(emit(1), 1);
    assert_int_equal(emit(2), 1);
    wait_drain();
    assert_int_equal(closure.sum, 1);
    assert_int_equal(closure.ends, 1);
}

static struct closure next;

/* Anything may be done where a context ends. */
static void end_busily(struct closure *self)
{
    (void)self;
    EXPECT_INT(connect(&next, &two, HY_AUTO), 0);
    EXPECT(emit(10) > 0);
    EXPECT_INT(hy_connection_disconnect(next.connection), 1);
    object_end(&two.hy);
    object_end(&source.hy);
}

static void test_sc24_the_end_of_a_context_may_do_anything(void **state)
{
    struct closure closure = {.on_end = end_busily};

    (void)state;
    memset(&next, 0, sizeof next);
    assert_ok(connect(&closure, &one, HY_AUTO));
    assert_ok(hy_connect(&source.events.nothing, &two, probe_nothing, HY_AUTO));
    assert_int_equal(hy_connection_disconnect(closure.connection), 1);
    assert_int_equal(closure.ends, 1);
    assert_int_equal(next.sum, 10);
    assert_int_equal(next.ends, 1);
    assert_false(hy_connection_is_connected(closure.connection));
}

/* The same inside an emission: the sender ends between two of its slots. */
static void test_sc24_the_end_of_a_context_ends_the_emission(void **state)
{
    struct closure closure = {.on_call = cut_itself, .on_end = end_busily};
    struct probe later;

    (void)state;
    memset(&next, 0, sizeof next);
    probe_init(&later, NULL);
    assert_ok(connect(&closure, &one, HY_AUTO));
    assert_ok(hy_connect(&source.events.number, &later, probe_number, HY_DIRECT));
    assert_int_equal(emit(1), 1);
    assert_int_equal(closure.ends, 1);
    assert_int_equal(next.ends, 1);
    assert_true(PROBE_SAW(&later, 10));
    object_end(&later.hy);
}

struct holding {
    struct closure closure;
    struct gate entered, go_on;
};

static void hold(struct closure *self)
{
    struct holding *holding = (struct holding *)(void *)self;

    gate_open(&holding->entered);
    EXPECT(gate_wait(&holding->go_on));
}

/* Rules: SC-24. */
static void test_sc24_a_cut_elsewhere_does_not_end_a_running_call(void **state)
{
    struct worker worker;
    struct holding holding = {.closure = {.on_call = hold}};

    (void)state;
    gate_init(&holding.entered);
    gate_init(&holding.go_on);
    worker_start(&worker, "holding");
    assert_ok(connect(&holding.closure, &worker.probe, HY_AUTO));
    assert_int_equal(emit(1), 1);
    assert_true(gate_wait(&holding.entered));
    /* Its slot runs; nothing of the signal is locked meanwhile. */
    assert_ok(hy_connect(&source.events.number, &one, probe_number, HY_AUTO));
    assert_int_equal(emit(2), 2);
    assert_int_equal(hy_connection_disconnect(holding.closure.connection), 1);
    assert_int_equal(__atomic_load_n(&holding.closure.ends, __ATOMIC_ACQUIRE), 0);
    assert_int_equal(emit(3), 1);
    gate_open(&holding.go_on);
    assert_true(flush_there(&worker.probe.hy));
    worker_stop(&worker);
    assert_int_equal(holding.closure.ends, 1);
    assert_int_equal(holding.closure.calls, 1); /* 2 was taken back */
    gate_fini(&holding.entered);
    gate_fini(&holding.go_on);
}

/* --- connection_changed ----------------------------------------------------------------------- */

struct watcher {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(struct number) number;
        hy_signal0 nothing;
    } events;
    int now, most, told; /* connections as told; guard home thread */
    int reached;         /* `told` for other threads */
    char text[64];
    void (*on_change)(struct watcher *self, bool connected);
    void *context;
};

static struct watcher watcher;

static void watcher_changed(struct hy_object *object, const struct hy_signal_spec *signal,
                            bool connected)
{
    struct watcher *self = (struct watcher *)(void *)object;

    EXPECT(hy_object_is_here(object));
    self->now += connected ? 1 : -1;
    self->most = self->now > self->most ? self->now : self->most;
    self->told++;
    EXPECT(self->now >= 0);
    (void)snprintf(self->text, sizeof self->text, "%c%s", connected ? '+' : '-', signal->name);
    if (self->on_change != NULL)
        self->on_change(self, connected);
    (void)count_up(&self->reached);
}

static const struct hy_class watcher_class =
    HY_CLASS(struct watcher, .connection_changed = watcher_changed,
             .signals = HY_SIGNALS(HY_PLAIN(struct watcher, events.number),
                                   HY_NO_PAYLOAD(struct watcher, events.nothing)));

static const struct hy_class derived_class = HY_CLASS(struct watcher, .base = &watcher_class);

static void watcher_init(const struct hy_class *type)
{
    memset(&watcher, 0, sizeof watcher);
    assert_ok(hy_object_init(&watcher.hy, type, NULL));
}

static void test_sc31_the_owner_is_told_of_each_change(void **state)
{
    struct hy_connection connection;

    (void)state;
    watcher_init(&derived_class);
    assert_ok(hy_connect(&watcher.events.number, &one, probe_number, HY_AUTO));
    assert_string_equal(watcher.text, "+events.number");
    assert_ok(hy_connect_with(&watcher.events.nothing, &one, probe_nothing, NULL, &connection));
    assert_string_equal(watcher.text, "+events.nothing");
    assert_ok(hy_connect(&watcher.events.nothing, &two, probe_nothing, HY_SINGLE_SHOT));
    assert_int_equal(watcher.now, 3);
    assert_int_equal(hy_emit0(&watcher.events.nothing), 2);
    assert_int_equal(watcher.now, 2);
    assert_int_equal(hy_connection_disconnect(connection), 1);
    assert_string_equal(watcher.text, "-events.nothing");
    object_end(&one.hy); /* by the receiver's end */
    assert_string_equal(watcher.text, "-events.number");
    assert_int_equal(watcher.now, 0);
    assert_int_equal(watcher.told, 6);
    assert_int_equal(hy_connect(&watcher.events.number, &one, probe_number, HY_AUTO),
                     -HY_ESHUTDOWN);
    assert_ok(hy_connect(&watcher.events.number, &two, probe_number, HY_AUTO));
    assert_int_equal(hy_connect(&watcher.events.number, &two, probe_number, HY_UNIQUE), -HY_EEXIST);
    assert_int_equal(watcher.told, 7);
    object_end(&watcher.hy); /* its own end is not told */
    assert_int_equal(watcher.told, 7);
}

static void connect_there(void *context)
{
    struct probe *probe = context;

    EXPECT_INT(hy_connect(&watcher.events.number, probe, probe_number, HY_AUTO), 0);
}

static void end_there(void *context)
{
    struct probe *probe = context;

    object_end(&probe->hy);
}

/* Rules: SC-31, SC-32. */
static void test_sc31_the_owner_is_told_in_its_thread(void **state)
{
    struct worker worker;

    (void)state;
    watcher_init(&watcher_class);
    worker_start(&worker, "changes");
    assert_true(run_there(&worker.probe.hy, connect_there, &worker.probe));
    assert_int_equal(watcher.told, 0); /* by a message */
    assert_true(wait_count(&watcher.reached, 1));
    assert_int_equal(watcher.now, 1);
    assert_true(run_there(&worker.probe.hy, end_there, &worker.probe));
    assert_int_equal(watcher.told, 1);
    assert_true(wait_count(&watcher.reached, 2));
    assert_int_equal(watcher.now, 0);
    worker_stop(&worker);
    object_end(&watcher.hy);
}

static void connect_and_end(void *context)
{
    struct probe probe;

    probe_init(&probe, NULL);
    connect_there(&probe);
    if (context != NULL)
        ((struct probe *)context)->context = NULL;
    object_end(&probe.hy);
}

/* The cut happens here while the making is still on its way: it is told last. */
static void test_sc31_the_making_is_told_before_the_cut(void **state)
{
    struct worker worker;

    (void)state;
    watcher_init(&watcher_class);
    worker_start(&worker, "changes");
    for (int i = 1; i <= 50; i++) {
        assert_true(run_there(&worker.probe.hy, connect_there, &worker.probe));
        assert_int_equal(hy_signal_disconnect(&watcher.events.number.sig, NULL, NULL), 1);
        assert_int_equal(watcher.told, 4 * i - 4);
        assert_true(wait_count(&watcher.reached, 4 * i - 2));
        assert_true(run_there(&worker.probe.hy, connect_and_end, NULL));
        assert_true(wait_count(&watcher.reached, 4 * i));
        assert_int_equal(watcher.now, 0);
        assert_int_equal(watcher.most, 1);
    }
    /* What is on its way to an owner that ends is dropped. */
    assert_true(run_there(&worker.probe.hy, connect_and_end, NULL));
    assert_true(run_there(&worker.probe.hy, connect_there, &worker.probe));
    object_end(&watcher.hy);
    wait_drain();
    assert_int_equal(watcher.told, 200);
    worker_stop(&worker);
}

static void do_anything(struct watcher *self, bool connected)
{
    static int depth;

    if (depth > 0)
        return;
    depth++;
    EXPECT_INT(hy_connect(&self->events.nothing, &two, probe_nothing, HY_AUTO), 0);
    EXPECT_INT(hy_emit0(&self->events.nothing), 1);
    if (connected) /* the very connection that is being told of */
        EXPECT_INT(hy_signal_disconnect(&self->events.number.sig, NULL, NULL), 1);
    EXPECT_INT(hy_object_disconnect(NULL, &two.hy), 1);
    depth--;
}

static void end_watcher(struct watcher *self, bool connected)
{
    if (!connected)
        object_end(&self->hy);
}

/* It is told under no lock. Rules: SC-32. */
static void test_sc32_the_owner_may_do_anything_when_told(void **state)
{
    (void)state;
    watcher_init(&watcher_class);
    watcher.on_change = do_anything;
    assert_ok(hy_connect(&watcher.events.number, &one, probe_number, HY_AUTO));
    assert_int_equal(watcher.now, 0);
    assert_false(hy_signal_is_connected(&watcher.events.number.sig));
    watcher.on_change = NULL;
    assert_ok(hy_connect(&watcher.events.number, &one, probe_number, HY_AUTO));
    assert_ok(hy_connect(&watcher.events.nothing, &one, probe_nothing, HY_AUTO));
    watcher.on_change = end_watcher;
    object_end(&one.hy); /* which ends the watcher, under the hands of the one that cuts */
    assert_int_equal(hy_emit0(&watcher.events.nothing), 0);
    object_end(&watcher.hy);
}

/* With a pool of locks, some of that many objects would share one with the receiver. */
static void use_unrelated_objects(void *context)
{
    enum {
        MANY = 300
    };
    static struct source sources[MANY];
    static struct probe probes[MANY];

    (void)context;
    for (int i = 0; i < MANY; i++) {
        source_init(&sources[i]);
        probe_init(&probes[i], NULL);
        EXPECT_INT(hy_connect(&sources[i].events.nothing, &probes[i], probe_nothing, HY_AUTO), 0);
        EXPECT_INT(hy_emit0(&sources[i].events.nothing), 1);
    }
    for (int i = 0; i < MANY; i++) {
        EXPECT_INT(hy_disconnect(&sources[i].events.nothing, &probes[i], probe_nothing), 1);
        object_end(&probes[i].hy);
        object_end(&sources[i].hy);
    }
}

static void wait_for_others(struct watcher *self, bool connected)
{
    struct worker *others = self->context;

    (void)connected;
    EXPECT(run_there(&others->probe.hy, use_unrelated_objects, NULL));
}

/* While user code is told of a change, and while a slot runs, no other thread waits for a lock. */
static void test_sc35_no_thread_waits_for_user_code_of_others(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "others");
    watcher_init(&watcher_class);
    watcher.context = &worker;
    watcher.on_change = wait_for_others;
    assert_ok(hy_connect(&watcher.events.number, &one, probe_number, HY_AUTO));
    object_end(&one.hy); /* which cuts it, and tells */
    assert_int_equal(watcher.told, 2);
    object_end(&watcher.hy);
    worker_stop(&worker);
}

/* --- destroyed -------------------------------------------------------------------------------- */

static char order[16];
static size_t order_length;
static struct hy_ref dying_ref;

static void note(char what)
{
    if (order_length < sizeof order - 1)
        order[order_length++] = what;
    order[order_length] = '\0';
}

/* When the children end, the connections have been cut. */
static void note_fini(struct probe *self)
{
    bool is_child = self->context != NULL;

    EXPECT(hy_ref_get(dying_ref) == NULL);
    EXPECT_INT(hy_signal_is_connected(&source.events.number.sig), !is_child);
    note(is_child ? *(char *)self->context : 'f');
}

static void note_child_changed(struct hy_object *object, struct hy_object *child, bool added)
{
    EXPECT(child != NULL && hy_object_first_child(object) == (added ? child : NULL));
    note(added ? 'a' : 'r');
}

static const struct hy_class parent_class =
    HY_CLASS(struct hy_object, .child_changed = note_child_changed);

static void note_destroyed(struct probe *self)
{
    struct hy_ref ref = hy_sender();

    EXPECT(hy_ref_get(dying_ref) == NULL);
    EXPECT(hy_ref_equal(ref, dying_ref));                      /* which one it was can be told */
    EXPECT(hy_signal_is_connected(&source.events.number.sig)); /* to the dying one */
    hy_ref_release(&ref);
    probe_note(self, -1);
    note('d');
}

static void test_oa18_destroyed_comes_between_fini_and_the_children(void **state)
{
    struct hy_object parent;
    struct probe *dying, *children[2];

    (void)state;
    order_length = 0;
    assert_ok(hy_object_init(&parent, &parent_class, NULL));
    dying = probe_create(&parent);
    for (int i = 0; i < 2; i++)
        children[i] = probe_create(&dying->hy);
    dying_ref = hy_ref_to(&dying->hy);
    dying->on_fini = note_fini;
    for (int i = 0; i < 2; i++) {
        children[i]->on_fini = note_fini;
        children[i]->context = (void *)(uintptr_t)(i == 0 ? "1" : "2");
    }
    assert_ok(hy_connect(hy_object_destroyed(&dying->hy), &one, note_destroyed, HY_AUTO));
    assert_ok(hy_connect(&source.events.number, dying, probe_number, HY_AUTO));
    object_end(&dying->hy);
    assert_string_equal(order, "afd12r");
    assert_false(hy_signal_is_connected(&source.events.number.sig));
    assert_ok(hy_object_fini(&parent));
    hy_ref_release(&dying_ref);
}

static void test_oa18_destroyed_reaches_other_threads(void **state)
{
    struct worker worker;
    struct probe *dying = probe_create(NULL);

    (void)state;
    worker_start(&worker, "survivor");
    assert_ok(hy_connect(hy_object_destroyed(&dying->hy), &worker.probe, probe_nothing, HY_AUTO));
    object_end(&dying->hy); /* what it queued is delivered after its end */
    assert_true(flush_there(&worker.probe.hy));
    assert_int_equal(count_get(&worker.probe.reached), 1);
    worker_stop(&worker);
}

static void test_oa19_destroyed_is_emitted_although_blocked(void **state)
{
    (void)state;
    assert_ok(hy_connect(hy_object_destroyed(&source.hy), &one, probe_nothing, HY_AUTO));
    assert_ok(hy_object_block_signals(&source.hy, true));
    assert_ok(hy_connect(hy_object_destroyed(&source.hy), &two, probe_nothing, HY_AUTO));
    object_end(&source.hy);
    assert_true(PROBE_SAW(&one, -1));
    assert_true(PROBE_SAW(&two, -1));
}

static void pump(struct probe *self, int64_t value)
{
    (void)self;
    (void)value;
    wait_drain();
}

/* A slot of the dying object itself, direct and queued, and what is pumped while it dies. */
static void test_oa20_destroyed_calls_no_slot_of_the_dying(void **state)
{
    struct probe *dying = probe_create(NULL);

    (void)state;
    assert_ok(hy_connect(&source.events.number, dying, probe_number, HY_QUEUED));
    assert_int_equal(emit(1), 1);
    assert_ok(hy_connect(hy_object_destroyed(&dying->hy), dying, probe_nothing, HY_DIRECT));
    assert_ok(hy_connect(hy_object_destroyed(&dying->hy), dying, probe_nothing, HY_QUEUED));
    assert_ok(hy_connect(hy_object_destroyed(&dying->hy), &one, probe_nothing, HY_AUTO));
    one.on_slot = pump;
    assert_ok(hy_object_fini(&dying->hy));
    assert_int_equal(dying->count, 0);
    wait_drain();
    assert_int_equal(dying->count, 0);
    assert_true(PROBE_SAW(&one, -1));
    hy_memory_release(dying);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_slot_gets_its_context),
        CASE(test_sc23_a_context_ends_with_its_receiver),
        CASE(test_sc23_a_context_ends_with_its_sender),
        CASE(test_a_context_ends_when_connecting_fails),
        CASE(test_sc24_a_context_outlives_the_call_that_cuts_it),
        CASE(test_sc24_a_context_outlives_all_calls_inside_each_other),
        CASE(test_sc24_single_shot_contexts_end_after_their_call),
        CASE(test_sc36_a_cut_in_a_running_call_takes_the_rest_back),
        CASE(test_sc24_the_end_of_a_context_may_do_anything),
        CASE(test_sc24_the_end_of_a_context_ends_the_emission),
        CASE(test_sc24_a_cut_elsewhere_does_not_end_a_running_call),
        CASE(test_sc31_the_owner_is_told_of_each_change),
        CASE(test_sc31_the_owner_is_told_in_its_thread),
        CASE(test_sc31_the_making_is_told_before_the_cut),
        CASE(test_sc32_the_owner_may_do_anything_when_told),
        CASE(test_sc35_no_thread_waits_for_user_code_of_others),
        CASE(test_oa18_destroyed_comes_between_fini_and_the_children),
        CASE(test_oa18_destroyed_reaches_other_threads),
        CASE(test_oa19_destroyed_is_emitted_although_blocked),
        CASE(test_oa20_destroyed_calls_no_slot_of_the_dying),
    };

    allocator_install();
    return cmocka_run_group_tests_name("closure", tests, NULL, NULL);
}
