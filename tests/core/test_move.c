/* SPDX-License-Identifier: MIT */
/*
 * Moves between threads: what one thread sends to one receiver arrives in order, exactly once, in
 * the receiver's thread, while the receiver hops. Rules OA-06 to OA-15, PE-13, R1 to R5.
 * HY_STRESS multiplies the counts.
 */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define E(n)    (HY_EVENT_USER + (n))
#define SENDERS 3
#define HOMES   3
#define TREES   8
/* HY_PRIORITY_LOW to HY_PRIORITY_HIGH */
#define PRIORITIES 3

struct step {
    uint32_t sender, number;
};

/* --- the rules, one at a time ----------------------------------------------------------------- */

static void test_oa06_a_tree_moves_as_a_whole(void **state)
{
    struct worker worker;
    struct probe root, child, grandchild;

    (void)state;
    worker_start(&worker, "target");
    probe_init(&root, NULL);
    probe_init(&child, &root.hy);
    probe_init(&grandchild, &child.hy);
    assert_int_equal(hy_object_move_to_thread(&child.hy, &worker.thread), -HY_EBUSY);
    assert_true(hy_object_is_here(&child.hy));
    assert_ok(hy_object_move_to_thread(&root.hy, &worker.thread));
    flush_there(&grandchild.hy);
    assert_ptr_equal(hy_object_thread(&root.hy), &worker.thread);
    assert_ptr_equal(hy_object_thread(&grandchild.hy), &worker.thread);
    assert_int_equal(hy_object_fini(&root.hy), -HY_EWRONGTHREAD);
    worker_stop(&worker);
    assert_int_equal(root.moves, 1);
    assert_int_equal(child.moves, 1);
    assert_int_equal(grandchild.moves, 1);
}

static void test_oa08_a_move_to_the_own_thread_does_nothing(void **state)
{
    struct probe probe;

    (void)state;
    probe_init(&probe, NULL);
    assert_ok(hy_post(&probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    assert_ok(hy_object_move_to_thread(&probe.hy, hy_thread_current()));
    assert_int_equal(probe.moves, 0);
    wait_drain();
    assert_true(PROBE_SAW(&probe, E(1)));
    object_end(&probe.hy);
}

static int hook_order[8];
static int hooks;

static void note_leave(struct hy_object *object)
{
    EXPECT(hy_object_is_here(object)); /* OA-10: still the old thread */
    hook_order[hooks++] = hy_object_parent(object) == NULL ? 1 : 2;
}

static void note_enter(struct hy_object *object)
{
    EXPECT(hy_object_is_here(object));
    hook_order[hooks++] = hy_object_parent(object) == NULL ? 3 : 4;
}

static const struct hy_class hooked_class =
    HY_CLASS(struct hy_object, .leave_thread = note_leave, .enter_thread = note_enter);

static void test_oa10_hooks_in_the_right_threads(void **state)
{
    struct worker worker;
    struct hy_object root, child;

    (void)state;
    hooks = 0;
    worker_start(&worker, "target");
    assert_ok(hy_object_init(&root, &hooked_class, NULL));
    assert_ok(hy_object_init(&child, &hooked_class, &root));
    assert_ok(hy_object_move_to_thread(&root, &worker.thread));
    worker_stop(&worker);
    assert_int_equal(hooks, 4);
    assert_int_equal(hook_order[0], 1);
    assert_int_equal(hook_order[1], 2);
    assert_int_equal(hook_order[2], 3);
    assert_int_equal(hook_order[3], 4);
}

static struct hy_object *last_of_tree;

static void note_arrival(struct hy_object *object)
{
    EXPECT(hy_object_is_here(object));
    EXPECT(hy_object_is_here(last_of_tree));
}

static const struct hy_class arriving_class =
    HY_CLASS(struct hy_object, .enter_thread = note_arrival);

static int may_sleep; /* atomic */

static void stay_awake(struct hy_object *object, const void *payload)
{
    (void)payload;
    if (__atomic_load_n(&may_sleep, __ATOMIC_RELAXED) == 0)
        EXPECT_INT(hy_invoke(object, stay_awake, NULL, NULL), 0);
}

/* Rules: OA-06. The new thread, which does not have to be woken, hears of none before all are
 * there.
 */
static void test_oa06_the_whole_tree_is_there_at_once(void **state)
{
    const int children = check_scaled(20000);
    struct worker worker;
    struct hy_object roots[TREES];

    (void)state;
    worker_start(&worker, "target");
    __atomic_store_n(&may_sleep, 0, __ATOMIC_RELAXED);
    assert_ok(hy_invoke(&worker.probe.hy, stay_awake, NULL, NULL));
    for (int i = 0; i < TREES; i++) {
        assert_ok(hy_object_init(&roots[i], &arriving_class, NULL));
        for (int j = 0; j < children; j++)
            assert_ok(hy_object_create(&arriving_class, &roots[i], &last_of_tree));
        assert_ok(hy_object_move_to_thread(&roots[i], &worker.thread));
        flush_there(&roots[i]);
        assert_ptr_equal(hy_object_thread(last_of_tree), &worker.thread);
    }
    __atomic_store_n(&may_sleep, 1, __ATOMIC_RELAXED);
    worker_stop(&worker);
}

static void test_oa11_what_is_pending_travels_along(void **state)
{
    struct worker worker;
    struct probe root, child, stays;

    (void)state;
    worker_start(&worker, "target");
    probe_init(&root, NULL);
    probe_init(&child, &root.hy);
    probe_init(&stays, NULL);
    for (uint32_t i = 0; i < 5; i++) {
        assert_ok(hy_post(&root.hy, E(i), NULL, 0, HY_PRIORITY_NORMAL));
        assert_ok(hy_post(&child.hy, E(i), NULL, 0, HY_PRIORITY_NORMAL));
        assert_ok(hy_post(&stays.hy, E(i), NULL, 0, HY_PRIORITY_NORMAL));
    }
    assert_ok(hy_post(&root.hy, E(9), NULL, 0, HY_PRIORITY_HIGH));
    assert_ok(hy_object_move_to_thread(&root.hy, &worker.thread));
    wait_drain();
    flush_there(&root.hy);
    worker_stop(&worker);
    assert_true(PROBE_SAW(&root, E(9), E(0), E(1), E(2), E(3), E(4)));
    assert_true(PROBE_SAW(&child, E(0), E(1), E(2), E(3), E(4)));
    assert_true(PROBE_SAW(&stays, E(0), E(1), E(2), E(3), E(4)));
    object_end(&stays.hy);
}

static void move_in_handler(struct probe *self, struct hy_event *event)
{
    if (event->type == E(2))
        EXPECT_INT(hy_object_move_to_thread(&self->hy, self->context), 0);
}

static void test_oa15_a_handler_moves_its_own_object(void **state)
{
    struct worker worker;
    struct probe probe;

    (void)state;
    worker_start(&worker, "target");
    probe_init(&probe, NULL);
    probe.on_event = move_in_handler;
    probe.context = &worker.thread;
    for (uint32_t i = 0; i < 5; i++)
        assert_ok(hy_post(&probe.hy, E(i), NULL, 0, HY_PRIORITY_NORMAL));
    wait_drain();
    assert_true(wait_count(&probe.reached, 5));
    worker_stop(&worker);
    assert_true(PROBE_SAW(&probe, E(0), E(1), E(2), E(3), E(4)));
}

static void test_move_before_the_start_and_through_a_resting_thread(void **state)
{
    struct worker worker;
    struct hy_thread resting;
    struct probe probe;

    (void)state;
    assert_ok(hy_thread_init(&resting, "resting", NULL));
    probe_init(&probe, NULL);
    assert_ok(hy_post(&probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    assert_ok(hy_object_move_to_thread(&probe.hy, &resting));
    assert_ok(hy_post(&probe.hy, E(2), NULL, 0, HY_PRIORITY_NORMAL));
    wait_drain();
    assert_int_equal(probe.count, 0); /* OA-09: parked */
    worker_start(&worker, "target");
    assert_ok(hy_object_move_to_thread(&probe.hy, &worker.thread)); /* its home does not run */
    assert_ok(hy_post(&probe.hy, E(3), NULL, 0, HY_PRIORITY_NORMAL));
    flush_there(&probe.hy);
    worker_stop(&worker);
    assert_true(PROBE_SAW(&probe, E(1), E(2), E(3)));
    hy_thread_fini(&resting);
}

struct re_parenting {
    struct worker worker;
    struct probe child;
    struct gate inside, moved;
};

static void re_parent(struct probe *self, struct hy_event *event)
{
    struct re_parenting *all = self->context;

    (void)event;
    gate_open(&all->inside);
    EXPECT(gate_wait(&all->moved));
    EXPECT_INT(hy_object_set_parent(&all->child.hy, &all->worker.probe.hy), 0);
}

/* The arrival is taken out of the mailbox inside a handler, and nothing else wakes the thread. */
static void test_an_arrival_seen_by_a_handler_is_told(void **state)
{
    struct re_parenting all = {0};
    struct probe owner;
    struct hy_timer timer;

    (void)state;
    gate_init(&all.inside);
    gate_init(&all.moved);
    worker_init(&all.worker, "target");
    probe_init(&all.child, NULL);
    assert_ok(hy_object_move_to_thread(&all.child.hy, &all.worker.thread));
    all.worker.probe.on_event = re_parent;
    all.worker.probe.context = &all;
    assert_ok(hy_thread_start(&all.worker.thread));
    probe_init(&owner, NULL);
    assert_ok(hy_timer_init(&timer, &owner.hy));
    assert_ok(hy_connect(&timer.events.timeout, &owner, probe_nothing, HY_AUTO));
    assert_ok(hy_timer_start_once(&timer, HY_MILLISECOND));
    assert_ok(hy_post(&all.worker.probe.hy, E(1), NULL, 0, HY_PRIORITY_NORMAL));
    assert_true(gate_wait(&all.inside));
    assert_ok(hy_object_move_to_thread(&owner.hy, &all.worker.thread));
    gate_open(&all.moved);
    assert_true(wait_count(&owner.reached, 1));
    worker_stop(&all.worker);
    gate_fini(&all.inside);
    gate_fini(&all.moved);
}

/* It was moved to a thread that never started, and ends before anybody looked at its arrival. */
static void test_an_arrival_that_nobody_sees_leaks_nothing(void **state)
{
    struct hy_thread resting;
    struct probe probe;

    (void)state;
    (void)hy_thread_current();
    long blocks = 0;
    for (int round = 0; round < 20; round++) {
        if (round == 10)
            blocks = allocator_blocks();
        assert_ok(hy_thread_init(&resting, "resting", NULL));
        hy_thread_set_finish_policy(&resting, HY_FINISH_KEEP);
        probe_init(&probe, NULL);
        assert_ok(hy_object_move_to_thread(&probe.hy, &resting));
        object_end(&probe.hy);
        hy_thread_fini(&resting);
    }
    assert_int_equal(allocator_blocks(), blocks);
}

/* --- the roamer ------------------------------------------------------------------------------- */

struct roamer {
    HY_INHERITS(hy_object);
    struct roamer *root;
    struct worker *homes;
    uint32_t next[SENDERS];
    uint32_t next_event[SENDERS][PRIORITIES];
    uint32_t total, goal, hops;
    int reached; /* as total, for other threads */
    uint64_t random;
    struct hy_timer timer;
    struct hy_notifier notifier;
    int ends[2];
    uint32_t ticks, wakes;
    struct gate *done;
};

struct sender {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(struct step) step;
    } events;
    uint32_t index, count;
    struct roamer *roamer, *child;
};

static const struct hy_class sender_class =
    HY_CLASS(struct sender, .signals = HY_SIGNALS(HY_PLAIN(struct sender, events.step)));

static uint32_t roll(struct roamer *root, uint32_t sides)
{
    root->random = root->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(root->random >> 33) % sides;
}

static void hop_somewhere(struct roamer *root)
{
    struct hy_thread *target = &root->homes[roll(root, HOMES)].thread;
    int rc;

    root->hops++; /* before: afterwards it is not ours to touch */
    rc = hy_object_move_to_thread(&root->hy, target);
    EXPECT(rc == 0 || rc == -HY_ESHUTDOWN);
}

static void roamer_count(struct roamer *self, const struct step *step, uint32_t *next)
{
    struct roamer *root = self->root;
    bool is_last;

    EXPECT(hy_object_is_here(&self->hy));
    EXPECT_INT(step->number, *next);
    *next = step->number + 1;
    root->total++;
    (void)count_up(&root->reached);
    is_last = root->total == root->goal;
    if (is_last)
        gate_open(root->done);
    else if (roll(root, 8) == 0)
        hop_somewhere(root);
}

static void roamer_step(struct roamer *self, const struct step *step)
{
    roamer_count(self, step, &self->next[step->sender]);
}

/* Each priority is numbered by itself: a high one may overtake a low one. */
static void roamer_event(struct hy_object *object, struct hy_event *event)
{
    struct roamer *self = (struct roamer *)(void *)object;
    const struct step *step = event->data;

    roamer_count(self, step, &self->next_event[step->sender][event->type - E(0)]);
}

static const struct hy_class roamer_class = HY_CLASS(struct roamer, .event = roamer_event);

static void roamer_tick(struct roamer *self)
{
    EXPECT(hy_object_is_here(&self->hy));
    self->ticks++;
    if (self->total < self->goal && roll(self, 4) == 0)
        hop_somewhere(self);
}

static void roamer_readable(struct roamer *self, const struct hy_readiness *readiness)
{
    char byte;

    EXPECT(hy_object_is_here(&self->hy));
    EXPECT_INT(readiness->descriptor, self->ends[0]);
    if (read(self->ends[0], &byte, 1) == 1)
        self->wakes++;
    if (self->total < self->goal && roll(self, 4) == 0)
        hop_somewhere(self);
}

static void roamer_init(struct roamer *roamer, struct roamer *root, struct worker *homes,
                        struct gate *done)
{
    memset(roamer, 0, sizeof *roamer);
    EXPECT_INT(hy_object_init(&roamer->hy, &roamer_class, root != NULL ? &root->hy : NULL), 0);
    roamer->root = root != NULL ? root : roamer;
    roamer->homes = homes;
    roamer->done = done;
    roamer->random = 20240607;
    roamer->ends[0] = roamer->ends[1] = -1;
}

static void roamer_equip(struct roamer *roamer)
{
    EXPECT_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, roamer->ends), 0);
    EXPECT_INT(hy_timer_init(&roamer->timer, &roamer->hy), 0);
    EXPECT_INT(hy_notifier_init(&roamer->notifier, &roamer->hy), 0);
    EXPECT_INT(hy_connect(&roamer->timer.events.timeout, roamer, roamer_tick, HY_AUTO), 0);
    EXPECT_INT(hy_connect(&roamer->notifier.events.ready, roamer, roamer_readable, HY_AUTO), 0);
    EXPECT_INT(hy_timer_start(&roamer->timer, HY_MILLISECOND / 2), 0);
    EXPECT_INT(hy_notifier_watch(&roamer->notifier, roamer->ends[0], HY_READABLE), 0);
}

static void roamer_posted(struct hy_object *receiver, const void *payload)
{
    roamer_step((struct roamer *)(void *)receiver, payload);
}

static const struct hy_payload step_payload = HY_PLAIN_PAYLOAD(struct step);

/* In the sender's thread: the root by the signal, the child by an invoke and by events of all
 * priorities, now and then a byte. */
static void sender_run(struct hy_object *object, const void *payload)
{
    struct sender *self = (struct sender *)(void *)object;

    (void)payload;
    for (uint32_t i = 0; i < self->count; i++) {
        struct step step = {self->index, i};

        EXPECT_INT(hy_emit(&self->events.step, &step), 1);
        EXPECT_INT(hy_invoke(&self->child->hy, roamer_posted, &step_payload, &step), 0);
        step.number = i / PRIORITIES;
        EXPECT_INT(hy_post(&self->child->hy, E(i % PRIORITIES), &step, sizeof step,
                           (enum hy_priority)(i % PRIORITIES)),
                   0);
        if (i % 256 == 0 && self->roamer->ends[1] >= 0)
            (void)!write(self->roamer->ends[1], "x", 1);
    }
}

static void roam(uint32_t count, bool is_equipped)
{
    struct worker homes[HOMES], own[SENDERS];
    struct sender senders[SENDERS];
    struct roamer root, child;
    struct gate done;

    gate_init(&done);
    for (int i = 0; i < HOMES; i++)
        worker_start(&homes[i], "home");
    roamer_init(&root, NULL, homes, &done);
    roamer_init(&child, &root, homes, &done);
    root.goal = count * SENDERS * 3;
    if (is_equipped)
        roamer_equip(&root);
    for (uint32_t i = 0; i < SENDERS; i++) {
        worker_start(&own[i], "sender");
        memset(&senders[i], 0, sizeof senders[i]);
        assert_ok(hy_object_init(&senders[i].hy, &sender_class, NULL));
        senders[i].index = i;
        senders[i].count = count;
        senders[i].roamer = &root;
        senders[i].child = &child;
        assert_ok(hy_connect(&senders[i].events.step, &root, roamer_step, HY_AUTO));
        assert_ok(hy_object_move_to_thread(&senders[i].hy, &own[i].thread));
    }
    assert_ok(hy_object_move_to_thread(&root.hy, &homes[0].thread));
    for (uint32_t i = 0; i < SENDERS; i++)
        assert_ok(hy_invoke(&senders[i].hy, sender_run, NULL, NULL));
    gate_wait(&done);
    for (int i = 0; i < SENDERS; i++)
        worker_stop(&own[i]);
    for (int i = 0; i < HOMES; i++)
        hy_thread_quit(&homes[i].thread, 0);
    for (int i = 0; i < HOMES; i++)
        worker_stop(&homes[i]);
    for (int i = 0; i < SENDERS; i++) {
        assert_int_equal(root.next[i], count);
        assert_int_equal(child.next[i], count);
    }
    assert_int_equal(root.total, root.goal); /* with what came by events */
    assert_true(root.hops > 0);
    if (is_equipped) {
        (void)close(root.ends[0]);
        (void)close(root.ends[1]);
    }
    gate_fini(&done);
}

/* Rules: PE-13, OA-15. */
static void test_pe13_order_across_hops(void **state)
{
    (void)state;
    roam((uint32_t)check_scaled(4000), false);
}

static void test_pe13_order_across_hops_with_timer_and_notifier(void **state)
{
    (void)state;
    roam((uint32_t)check_scaled(4000), true);
}

/* --- the target ends ---------------------------------------------------------------------------
 */

struct ref_sender {
    struct hy_ref ref;
    const struct roamer *roamer;
    uint32_t accepted;
};

static void sender_until_refused(void *context)
{
    struct ref_sender *sender = context;

    for (uint32_t i = 0; i < 1000000; i++) {
        /* A short backlog: each hop takes all of it along. */
        int patience = 1000;

        struct step step = {0, i};
        int rc = hy_ref_invoke(sender->ref, roamer_posted, &step_payload, &step);

        if (rc == -HY_ESHUTDOWN)
            return;
        EXPECT_INT(rc, 0);
        sender->accepted++;
        while (sender->accepted - (uint32_t)count_get(&sender->roamer->reached) > 300 &&
               patience-- > 0)
            (void)sched_yield();
    }
}

struct posted_run {
    void (*function)(void *context);
    void *context;
};

static void run_posted(struct hy_object *receiver, const void *payload)
{
    const struct posted_run *run = payload;

    (void)receiver;
    run->function(run->context);
}

static const struct hy_payload run_payload = HY_PLAIN_PAYLOAD(struct posted_run);

/* The homes end one after the other under a roaming receiver: nothing crashes, the order holds, and
 * what was accepted is delivered or dropped, never both and never twice. */
static void test_r3_homes_end_under_a_roaming_receiver(void **state)
{
    int rounds = check_scaled(30);

    (void)state;
    for (int round = 0; round < rounds; round++) {
        struct worker homes[HOMES], worker;
        struct ref_sender sender = {.roamer = NULL};
        struct posted_run run = {sender_until_refused, &sender};
        struct roamer root;
        struct gate done;

        gate_init(&done);
        worker_start(&worker, "sender");
        for (int i = 0; i < HOMES; i++) {
            worker_init(&homes[i], "home");
            hy_thread_set_finish_policy(&homes[i].thread,
                                        (round + i) % 2 ? HY_FINISH_DRAIN : HY_FINISH_DISCARD);
            assert_ok(hy_thread_start(&homes[i].thread));
        }
        roamer_init(&root, NULL, homes, &done);
        root.random += (uint64_t)round;
        root.goal = UINT32_MAX;
        sender.roamer = &root;
        sender.ref = hy_ref_to(&root.hy);
        assert_ok(hy_object_move_to_thread(&root.hy, &homes[0].thread));
        assert_ok(hy_invoke(&worker.probe.hy, run_posted, &run_payload, &run));
        for (int i = 0; i < HOMES; i++) {
            flush_there(&homes[i].probe.hy);
            hy_thread_quit(&homes[i].thread, 0);
            assert_ok(hy_thread_join(&homes[i].thread, HY_FOREVER));
        }
        worker_stop(&worker);
        assert_true(root.total <= sender.accepted);
        assert_int_equal(root.next[0], root.total);
        hy_ref_release(&sender.ref);
        for (int i = 0; i < HOMES; i++)
            hy_thread_fini(&homes[i].thread);
        gate_fini(&done);
    }
}

/* --- churn -------------------------------------------------------------------------------------
 */

static struct source churned;

struct churn_receiver {
    HY_INHERITS(hy_object);
    uint32_t magic;
    bool is_connected;
    int64_t last;
};

static const struct hy_class churn_class = HY_CLASS(struct churn_receiver, .base = NULL);

static void churn_slot(struct churn_receiver *self, const struct number *number)
{
    EXPECT(hy_object_is_here(&self->hy));
    EXPECT_INT(self->magic, 0x600df00d);
    EXPECT(self->is_connected); /* R4: never after the cut */
    EXPECT(number->value >= 0);
    self->last = number->value;
}

static int churn_stop, churn_rounds;

/* In step with the churning, so that the queues stay short. */
static void emit_until_told(void *context)
{
    int64_t value = 0;

    (void)context;
    while (!count_get(&churn_stop)) {
        if (value < 10 * (int64_t)count_get(&churn_rounds))
            EXPECT(hy_emit_with(&churned.events.number, .value = value++) >= 0);
        else
            (void)sched_yield();
    }
}

struct churner {
    uint64_t random;
    int rounds;
    struct gate *done;
};

static void churn(void *context)
{
    struct churner *self = context;
    struct churn_receiver *receivers[8] = {NULL};

    for (int i = 0; i < self->rounds; i++) {
        struct churn_receiver **place, *receiver;
        uint32_t dice;

        self->random = self->random * UINT64_C(6364136223846793005) + 1;
        dice = (uint32_t)(self->random >> 40);
        place = &receivers[dice % 8];
        receiver = *place;
        dice /= 8;
        if (receiver == NULL) {
            struct hy_object *object = NULL;

            EXPECT_INT(hy_object_create(&churn_class, NULL, &object), 0);
            receiver = *place = (struct churn_receiver *)(void *)object;
            receiver->magic = 0x600df00d;
        } else if (dice % 4 == 0) {
            receiver->magic = 0xdeadbeef; /* no slot may run from here on */
            EXPECT_INT(hy_object_destroy(&receiver->hy), 0);
            *place = NULL;
        } else if (!receiver->is_connected) {
            receiver->is_connected = true;
            EXPECT_INT(hy_connect(&churned.events.number, receiver, churn_slot,
                                  dice % 8 < 4 ? HY_AUTO : HY_QUEUED),
                       0);
        } else {
            EXPECT_INT(hy_disconnect(&churned.events.number, receiver, churn_slot), 1);
            receiver->is_connected = false;
        }
        if (i % 4 == 0)
            EXPECT(hy_process(0, HY_FOREVER) >= 0);
        (void)count_up(&churn_rounds);
    }
    for (int i = 0; i < 8; i++)
        if (receivers[i] != NULL)
            EXPECT_INT(hy_object_destroy(&receivers[i]->hy), 0);
    gate_open(self->done);
}

static void test_sc26_churn_against_running_emitters(void **state)
{
    struct worker emitters[2], workers[2];
    struct churner churners[2];
    struct gate done;

    (void)state;
    churn_stop = churn_rounds = 0;
    gate_init(&done);
    source_init(&churned);
    for (int i = 0; i < 2; i++) {
        struct posted_run emission = {emit_until_told, NULL};
        struct posted_run churning = {churn, &churners[i]};

        churners[i] = (struct churner){7 + (uint64_t)i, check_scaled(10000), &done};
        worker_start(&emitters[i], "emitter");
        worker_start(&workers[i], "churner");
        assert_ok(hy_invoke(&emitters[i].probe.hy, run_posted, &run_payload, &emission));
        assert_ok(hy_invoke(&workers[i].probe.hy, run_posted, &run_payload, &churning));
    }
    gate_wait(&done);
    gate_wait(&done);
    count_up(&churn_stop);
    for (int i = 0; i < 2; i++) {
        worker_stop(&emitters[i]);
        worker_stop(&workers[i]);
    }
    assert_false(hy_signal_is_connected(&churned.events.number.sig));
    object_end(&churned.hy);
    gate_fini(&done);
}

/* Senders come and go in other threads, while the receiver lives and dies in this one. */
static void sender_life(void *context)
{
    struct probe *receiver = context;

    for (int i = 0; i < 200; i++) {
        struct source source;

        source_init(&source);
        EXPECT_INT(hy_connect(&source.events.number, receiver, probe_number, HY_AUTO), 0);
        EXPECT_INT(hy_emit_with(&source.events.number, .value = i), 1);
        object_end(&source.hy);
    }
}

static void test_sc22_senders_end_in_other_threads(void **state)
{
    struct worker workers[2];
    struct probe receiver;

    (void)state;
    for (int i = 0; i < 2; i++)
        worker_start(&workers[i], "senders");
    for (int round = 0; round < check_scaled(20); round++) {
        probe_init(&receiver, NULL);
        for (int i = 0; i < 2; i++) {
            struct posted_run run = {sender_life, &receiver};

            assert_ok(hy_invoke(&workers[i].probe.hy, run_posted, &run_payload, &run));
        }
        for (int i = 0; i < 20; i++)
            assert_true(hy_process(0, HY_FOREVER) >= 0);
        for (int i = 0; i < 2; i++)
            flush_there(&workers[i].probe.hy);
        object_end(&receiver.hy);
        wait_drain();
    }
    for (int i = 0; i < 2; i++)
        worker_stop(&workers[i]);
}

static int64_t move_cost(struct hy_object *object, struct hy_thread *thread)
{
    int64_t cpu_ns = system_thread_cpu_ns();

    EXPECT_INT(hy_object_move_to_thread(object, thread), 0);
    return system_thread_cpu_ns() - cpu_ns;
}

/*
 * Departs: OA-17: a move walks the backlog of its thread, once whatever the size of the tree; lists
 * of each object would cost every post something, and moves are rare.
 */
static void test_oa17_one_walk_for_the_whole_tree(void **state)
{
    const int children = check_scaled(3000), backlog = check_scaled(60000);
    struct probe root, single, bystander;
    struct hy_object *child = NULL;
    int64_t single_ns, tree_ns;

    (void)state;
    probe_init(&root, NULL);
    probe_init(&single, NULL);
    probe_init(&bystander, NULL);
    for (int i = 0; i < children; i++)
        assert_ok(hy_object_create(&probe_class, &root.hy, &child));
    for (int i = 0; i < backlog; i++) {
        assert_ok(hy_post(&bystander.hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL));
        if (i % 100 == 0) {
            assert_ok(hy_post(child, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL));
            assert_ok(hy_post(&root.hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL));
        }
    }
    single_ns = move_cost(&single.hy, NULL);
    tree_ns = move_cost(&root.hy, NULL);
    /* A walk for each object of the tree would cost thousands of times as much. */
    assert_true(tree_ns < 30 * single_ns + 50 * HY_MILLISECOND);
    wait_drain();
    assert_int_equal(bystander.count, backlog); /* the others' backlog stays */
    assert_int_equal(root.count, 0);
    assert_ok(hy_object_move_to_thread(&root.hy, hy_thread_current()));
    wait_drain();
    assert_int_equal(root.count, (backlog + 99) / 100);
    assert_int_equal(((struct probe *)(void *)child)->count, (backlog + 99) / 100);
    object_end(&root.hy);
    object_end(&single.hy);
    object_end(&bystander.hy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_oa06_a_tree_moves_as_a_whole),
        TEST(test_oa06_the_whole_tree_is_there_at_once),
        TEST(test_oa08_a_move_to_the_own_thread_does_nothing),
        TEST(test_oa10_hooks_in_the_right_threads),
        TEST(test_oa11_what_is_pending_travels_along),
        TEST(test_oa17_one_walk_for_the_whole_tree),
        TEST(test_oa15_a_handler_moves_its_own_object),
        TEST(test_move_before_the_start_and_through_a_resting_thread),
        TEST(test_an_arrival_seen_by_a_handler_is_told),
        TEST(test_an_arrival_that_nobody_sees_leaks_nothing),
        TEST(test_pe13_order_across_hops),
        TEST(test_pe13_order_across_hops_with_timer_and_notifier),
        TEST(test_r3_homes_end_under_a_roaming_receiver),
        TEST(test_sc26_churn_against_running_emitters),
        TEST(test_sc22_senders_end_in_other_threads),
    };

    allocator_install();
    return cmocka_run_group_tests_name("move", tests, NULL, NULL);
}
