/* SPDX-License-Identifier: MIT */
/*
 * What modelling and reading the core found: one test for each bug, through the public headers. An
 * allocator that never reuses memory, fills what is released, and counts what is released twice
 * makes the lifetimes visible without a sanitizer.
 */
#include <halyard/halyard.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- the allocator ------------------------------------------------------------------------------
 */

enum {
    HEAD = 32
};
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifndef SANITIZED
#define SANITIZED 0
#endif

#define LIVE UINT64_C(0x6c697665)
#define DEAD UINT64_C(0x64656164)

static uint32_t released_twice, live_blocks; /* atomic */

static void *check_allocate(size_t size)
{
    char *memory = malloc(size + HEAD);
    if (memory == NULL)
        return NULL;
    memcpy(memory, &(uint64_t[2]){LIVE, size}, 16);
    __atomic_add_fetch(&live_blocks, 1, __ATOMIC_RELAXED);
    return memory + HEAD;
}

static void check_release(void *block)
{
    uint64_t head[2];
    char *memory = (char *)block - HEAD;
    memcpy(head, memory, sizeof head);
    if (head[0] != LIVE) {
        __atomic_add_fetch(&released_twice, 1, __ATOMIC_RELAXED);
        return;
    }
    memset(block, 0xdd, head[1]);
    head[0] = DEAD;
    memcpy(memory, head, sizeof head);
    if (SANITIZED || getenv("CHECK_FREES") != NULL)
        free(memory); /* sanitizers and valgrind see more, and look for leaks */
    __atomic_sub_fetch(&live_blocks, 1, __ATOMIC_RELAXED);
}

static void *check_resize(void *block, size_t size)
{
    char *made = check_allocate(size);
    if (made == NULL || block == NULL)
        return made;
    uint64_t head[2];
    memcpy(head, (char *)block - HEAD, sizeof head);
    memcpy(made, block, size < head[1] ? size : head[1]);
    check_release(block);
    return made;
}

static const struct hy_allocator check_allocator = {check_allocate, check_resize, check_release};

static int none_released_twice(void **state)
{
    (void)state;
    return released_twice == 0 ? 0 : -1;
}

/* --- an object with a fini, an event handler and hooks given per test ---------------------------
 */

struct thing {
    HY_INHERITS(hy_object);
    struct {
        hy_signal0 changed;
    } events;
    void (*on_fini)(struct thing *thing);
    void (*on_event)(struct thing *thing);
    void (*on_enter)(struct thing *thing);
    struct thing *other;
    int finished, events_seen;
};

static int all_finished;

static void thing_fini(struct hy_object *object)
{
    struct thing *thing = (struct thing *)object;
    thing->finished++;
    all_finished++;
    if (thing->on_fini != NULL)
        thing->on_fini(thing);
}

static void thing_event(struct hy_object *object, struct hy_event *event)
{
    (void)event;
    struct thing *thing = (struct thing *)object;
    thing->events_seen++;
    if (thing->on_event != NULL)
        thing->on_event(thing);
}

static void thing_enter(struct hy_object *object)
{
    struct thing *thing = (struct thing *)object;
    if (thing->on_enter != NULL)
        thing->on_enter(thing);
}

static const struct hy_signal_spec thing_signals[] = {HY_NO_PAYLOAD(struct thing, events.changed)};
static const struct hy_class thing_class =
    HY_CLASS(struct thing, .fini = thing_fini, .event = thing_event, .enter_thread = thing_enter,
             .signals = thing_signals, .signal_count = 1);

static void thing_init(struct thing *thing, struct thing *parent)
{
    memset(thing, 0, sizeof *thing);
    assert_int_equal(hy_object_init(&thing->hy, &thing_class, parent != NULL ? &parent->hy : NULL),
                     0);
}

static void post(struct thing *thing)
{
    assert_int_equal(hy_post(&thing->hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL), 0);
}

static void pass(void)
{
    assert_true(hy_process(0, HY_FOREVER) >= 0);
}

static void in_another_thread(void *(*function)(void *), void *context)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, function, context), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void *ask_for_the_end(void *context)
{
    struct thing *thing = context;
    if (hy_object_destroy_later(&thing->hy) < 0)
        abort();
    return NULL;
}

/* --- the reference of the object itself ----------------------------------------------------------
 */

/* The fini of the child drops what waits for dead objects, that of the parent in progress too. */
static void test_fini_of_a_tree_with_messages_where_no_thread_runs(void **state)
{
    (void)state;
    struct hy_thread thread;
    struct thing parent, child;
    assert_int_equal(hy_thread_init(&thread, "idle", NULL), 0);
    thing_init(&parent, NULL);
    thing_init(&child, &parent);
    assert_int_equal(hy_object_move_to_thread(&parent.hy, &thread), 0);
    post(&parent);
    post(&child);
    struct hy_ref ref = hy_ref_to(&parent.hy);
    assert_int_equal(hy_object_fini(&parent.hy), 0);
    assert_int_equal(parent.finished + child.finished, 2);
    hy_thread_fini(&thread);
    assert_int_equal(hy_ref_post(ref, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL), -HY_ESHUTDOWN);
    hy_ref_release(&ref);
}

static void pump(struct thing *thing)
{
    (void)thing;
    pass();
}

static void test_a_loop_inside_fini_drops_the_last_message(void **state)
{
    (void)state;
    struct thing thing;
    thing_init(&thing, NULL);
    thing.on_fini = pump;
    post(&thing);
    assert_int_equal(hy_object_fini(&thing.hy), 0);
    assert_int_equal(thing.events_seen, 0);
    assert_int_equal(released_twice, 0);
}

/* --- lists of deletes
 * ----------------------------------------------------------------------------- */

static void three_requests(struct thing *thing)
{
    for (int i = 0; i < 3; i++)
        in_another_thread(ask_for_the_end, thing);
    pass(); /* they arrive under this handler */
    assert_int_equal(thing->finished, 0);
}

static void test_three_foreign_requests_under_a_handler(void **state)
{
    (void)state;
    struct thing thing;
    thing_init(&thing, NULL);
    thing.on_event = three_requests;
    post(&thing);
    pass();
    assert_int_equal(thing.finished, 1);
}

static void foreign_request_inside(struct thing *thing)
{
    in_another_thread(ask_for_the_end, thing);
    pass();
}

static void ask_for_two(struct thing *thing)
{
    struct thing *first = thing->other, *second = first->other;
    assert_int_equal(hy_object_destroy_later(&first->hy), 0);
    assert_int_equal(hy_object_destroy_later(&second->hy), 0);
    struct hy_event event = {.type = HY_EVENT_USER, .data = NULL, .size = 0};
    assert_int_equal(hy_send(&first->hy, &event), 1);
}

static void test_a_foreign_request_does_not_cut_a_list_of_deletes(void **state)
{
    (void)state;
    struct thing asker, first, second;
    thing_init(&asker, NULL);
    thing_init(&first, NULL);
    thing_init(&second, NULL);
    asker.other = &first;
    first.other = &second;
    asker.on_event = ask_for_two;
    first.on_event = foreign_request_inside;
    post(&asker);
    pass();
    assert_int_equal(first.finished, 1);
    assert_int_equal(second.finished, 1);
    assert_int_equal(hy_object_fini(&asker.hy), 0);
    pass();
}

static sem_t hung, served;

/* In the new thread: the request of the old one arrives under this handler. */
static void hang_there(struct thing *thing)
{
    (void)thing;
    pass();
    sem_post(&hung);
    sem_wait(&served);
}

static struct hy_thread *move_target;

static void ask_and_move(struct thing *thing)
{
    struct thing *mover = thing->other, *stays = mover->other;
    assert_int_equal(hy_object_destroy_later(&mover->hy), 0);
    assert_int_equal(hy_object_destroy_later(&stays->hy), 0);
    post(mover);
    assert_int_equal(hy_object_move_to_thread(&mover->hy, move_target), 0);
    sem_wait(&hung);
}

static void test_a_request_leaves_the_list_with_its_object(void **state)
{
    (void)state;
    struct hy_thread thread;
    struct thing asker, mover, stays;
    sem_init(&hung, 0, 0);
    sem_init(&served, 0, 0);
    assert_int_equal(hy_thread_init(&thread, "target", NULL), 0);
    assert_int_equal(hy_thread_start(&thread), 0);
    move_target = &thread;
    thing_init(&asker, NULL);
    thing_init(&mover, NULL);
    thing_init(&stays, NULL);
    asker.other = &mover;
    mover.other = &stays;
    asker.on_event = ask_and_move;
    mover.on_event = hang_there;
    post(&asker);
    pass();
    assert_int_equal(stays.finished, 1);
    sem_post(&served);
    hy_thread_fini(&thread);
    assert_int_equal(mover.finished, 1);
    assert_int_equal(hy_object_fini(&asker.hy), 0);
    assert_int_equal(released_twice, 0);
}

/* A bare pass serves requests from outside every loop to the loop; it does not spin for them. */
static void test_a_request_outside_every_loop_does_not_keep_a_pass_awake(void **state)
{
    (void)state;
    struct thing thing;
    thing_init(&thing, NULL);
    assert_int_equal(hy_object_destroy_later(&thing.hy), 0);
    int64_t deadline = hy_now_ns() + 20 * HY_MILLISECOND;
    assert_int_equal(hy_process(HY_PROCESS_WAIT, deadline), 0);
    assert_true(hy_now_ns() >= deadline);
    assert_int_equal(hy_object_fini(&thing.hy), 0);
}

/* --- moves
 * ---------------------------------------------------------------------------------------- */

static void fail_to_move(struct thing *thing)
{
    assert_int_equal(hy_object_move_to_thread(&thing->hy, move_target), -HY_ESHUTDOWN);
    in_another_thread(ask_for_the_end, thing);
    pass();
    assert_int_equal(thing->finished, 0); /* this handler is still on the stack */
}

static void test_a_failed_move_keeps_the_handler_known(void **state)
{
    (void)state;
    struct hy_thread thread;
    struct thing thing;
    assert_int_equal(hy_thread_init(&thread, "ended", NULL), 0);
    assert_int_equal(hy_thread_start(&thread), 0);
    hy_thread_quit(&thread, 0);
    assert_int_equal(hy_thread_join(&thread, HY_FOREVER), 0);
    move_target = &thread;
    thing_init(&thing, NULL);
    thing.on_event = fail_to_move;
    post(&thing);
    pass();
    assert_int_equal(thing.finished, 1);
    hy_thread_fini(&thread);
}

static void send_back(struct thing *thing)
{
    if (hy_object_move_to_thread(&thing->hy, move_target) < 0)
        abort();
}

/* Sends the thing through a thread and back, without taking this thread's mail. */
static void arrive_untaken(struct thing *thing, struct hy_thread *through)
{
    thing->on_event = send_back;
    move_target = hy_thread_current();
    post(thing);
    assert_int_equal(hy_object_move_to_thread(&thing->hy, through), 0);
    while (!hy_object_is_here(&thing->hy))
        sched_yield();
    thing->on_event = NULL;
}

static void *parent_of_an_arrival(void *context)
{
    struct thing first, arrival, second;
    thing_init(&first, NULL);
    thing_init(&arrival, NULL);
    arrive_untaken(&arrival, context);
    if (hy_object_set_parent(&arrival.hy, NULL) != 0) /* into the list of the parentless */
        abort();
    pass(); /* and again, as the arrival is taken */
    hy_object_fini(&arrival.hy);
    thing_init(&second, NULL);
    hy_object_fini(&first.hy);
    hy_object_fini(&second.hy);
    return NULL;
}

static void with_a_thread(void *(*function)(void *))
{
    struct hy_thread thread;
    assert_int_equal(hy_thread_init(&thread, "through", NULL), 0);
    assert_int_equal(hy_thread_start(&thread), 0);
    in_another_thread(function, &thread);
    hy_thread_fini(&thread);
}

static void test_an_arrival_enters_the_list_once(void **state)
{
    (void)state;
    all_finished = 0;
    with_a_thread(parent_of_an_arrival);
    assert_int_equal(all_finished, 3);
}

static struct thing *victim;

static void finish_victim(struct thing *thing)
{
    (void)thing;
    if (victim != NULL)
        hy_object_fini(&victim->hy);
    victim = NULL;
}

static void *post_while_a_hook_finishes(void *context)
{
    struct thing arrival, receiver;
    thing_init(&arrival, NULL);
    thing_init(&receiver, NULL);
    arrive_untaken(&arrival, context);
    arrival.on_enter = finish_victim;
    victim = &receiver;
    post(&receiver);
    pass(); /* the hook, then nothing: the receiver is gone */
    if (receiver.events_seen != 0 || receiver.finished != 1)
        abort();
    hy_object_fini(&arrival.hy);
    return NULL;
}

static void test_a_post_calls_no_hook(void **state)
{
    (void)state;
    with_a_thread(post_while_a_hook_finishes);
    assert_int_equal(released_twice, 0);
}

static int move_result;

static void move_the_other(struct thing *thing)
{
    move_result = hy_object_move_to_thread(&thing->other->hy, move_target);
}

static void test_a_tree_with_a_dying_child_stays(void **state)
{
    (void)state;
    struct hy_thread thread;
    struct thing parent, child;
    assert_int_equal(hy_thread_init(&thread, "target", NULL), 0);
    move_target = &thread;
    thing_init(&parent, NULL);
    thing_init(&child, &parent);
    child.other = &parent;
    child.on_fini = move_the_other;
    assert_int_equal(hy_object_fini(&child.hy), 0);
    assert_int_equal(move_result, -HY_EBUSY);
    assert_int_equal(hy_object_fini(&parent.hy), 0);
    hy_thread_fini(&thread);
}

static void test_a_handle_inside_a_tree_does_not_move_into_its_thread(void **state)
{
    (void)state;
    struct hy_thread thread;
    struct thing parent;
    thing_init(&parent, NULL);
    assert_int_equal(hy_thread_init(&thread, "self", &parent.hy), 0);
    assert_int_equal(hy_object_move_to_thread(&parent.hy, &thread), -HY_EINVAL);
    assert_int_equal(hy_object_fini(&parent.hy), 0);
}

/* --- others
 * ----------------------------------------------------------------------------------------- */

static int connect_result;

static void ignore(struct thing *thing)
{
    (void)thing;
}

static void connect_to_the_parent(struct thing *thing)
{
    connect_result =
        hy_connect(&thing->other->events.changed, thing->other->other, ignore, HY_AUTO);
}

static void test_a_dying_owner_gets_no_new_hub(void **state)
{
    (void)state;
    struct thing parent, child, receiver;
    thing_init(&receiver, NULL);
    thing_init(&parent, NULL);
    thing_init(&child, &parent);
    parent.other = &receiver;
    child.other = &parent;
    child.on_fini = connect_to_the_parent;
    uint32_t live_before = live_blocks;
    assert_int_equal(hy_object_fini(&parent.hy), 0);
    assert_null(parent.events.changed.sig.hub);
    assert_true(live_blocks <= live_before);
    assert_int_equal(connect_result, -HY_ESHUTDOWN);
    assert_int_equal(hy_object_fini(&receiver.hy), 0);
}

static void test_a_failed_restart_leaves_nothing_to_join(void **state)
{
    (void)state;
    struct hy_thread thread, second;
    assert_int_equal(hy_thread_init(&thread, "restart", NULL), 0);
    assert_int_equal(hy_thread_init(&second, "second", NULL), 0);
    assert_int_equal(hy_thread_start(&thread), 0);
    hy_thread_quit(&thread, 0);
    assert_int_equal(hy_thread_join(&thread, HY_FOREVER), 0);
    /* The system gives it the number of the first one: a second join of that would wait for it. */
    assert_int_equal(hy_thread_start(&second), 0);
    assert_int_equal(hy_thread_set_stack_size(&thread, (size_t)1 << 50), 0);
    assert_true(hy_thread_start(&thread) < 0);
    assert_int_equal(hy_thread_join(&thread, HY_FOREVER), 0);
    hy_thread_fini(&thread);
    hy_thread_fini(&second);
}

#define TEST(name) cmocka_unit_test_teardown(name, none_released_twice)

int main(void)
{
    hy_memory_set_allocator(&check_allocator);
    const struct CMUnitTest tests[] = {
        TEST(test_fini_of_a_tree_with_messages_where_no_thread_runs),
        TEST(test_a_loop_inside_fini_drops_the_last_message),
        TEST(test_three_foreign_requests_under_a_handler),
        TEST(test_a_foreign_request_does_not_cut_a_list_of_deletes),
        TEST(test_a_request_leaves_the_list_with_its_object),
        TEST(test_a_request_outside_every_loop_does_not_keep_a_pass_awake),
        TEST(test_a_failed_move_keeps_the_handler_known),
        TEST(test_an_arrival_enters_the_list_once),
        TEST(test_a_post_calls_no_hook),
        TEST(test_a_tree_with_a_dying_child_stays),
        TEST(test_a_handle_inside_a_tree_does_not_move_into_its_thread),
        TEST(test_a_dying_owner_gets_no_new_hub),
        TEST(test_a_failed_restart_leaves_nothing_to_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
