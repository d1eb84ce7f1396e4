/* SPDX-License-Identifier: MIT */
/*
 * UDP sockets: what happens to the socket while its slots run (close, end, nested loop, move to
 * another thread), life in other threads, and running out of memory at every place.
 */
#include "udp_fixture.h"

#include <pthread.h>

/* --- an allocator that counts and fails when told
 * -------------------------------------------------- */

static long fail_after = -1; /* so many allocations succeed; negative: all. Atomic */
static long alive;           /* allocations not yet released. Atomic */

static bool fails(void)
{
    if (__atomic_load_n(&fail_after, __ATOMIC_RELAXED) < 0)
        return false;
    return __atomic_fetch_sub(&fail_after, 1, __ATOMIC_RELAXED) == 0;
}

static void *test_allocate(size_t size)
{
    void *memory = fails() ? NULL : malloc(size);
    if (memory != NULL)
        __atomic_add_fetch(&alive, 1, __ATOMIC_RELAXED);
    return memory;
}

static void *test_resize(void *memory, size_t size)
{
    if (memory == NULL)
        return test_allocate(size);
    return fails() ? NULL : realloc(memory, size);
}

static void test_release(void *memory)
{
    if (memory != NULL)
        __atomic_sub_fetch(&alive, 1, __ATOMIC_RELAXED);
    free(memory);
}

static const struct hy_allocator test_allocator = {test_allocate, test_resize, test_release};

/* --- inside a slot
 * ---------------------------------------------------------------------------------- */

static void close_at_3(struct listener *self)
{
    if (self->count == 3)
        OK(hy_udp_socket_close(&self->socket));
}

static void closing_in_a_slot_ends_the_batch(void **state)
{
    (void)state;
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    self->then = close_at_3;
    poke_numbers(local_port(&self->socket), 0, 10);
    WAIT_UNTIL(self->count == 3);
    assert_true(hy_process(0, 0) >= 0);
    assert_numbers(self, 0, 3);
    /* It opens again. */
    OK(hy_udp_socket_bind(&self->socket, "127.0.0.1:0", 0));
    poke_numbers(local_port(&self->socket), 3, 4);
    WAIT_UNTIL(self->count == 7);
    assert_numbers(self, 0, 7);
    hy_object_destroy(&self->hy);
}

static void close_at_batch(struct listener *self, const struct hy_datagram_batch *batch)
{
    listener_batch(self, batch);
    OK(hy_udp_socket_close(&self->socket));
}

static void closing_in_the_batch_slot_ends_it_too(void **state)
{
    (void)state;
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    OK(hy_connect(&self->socket.events.batch, self, close_at_batch, HY_DIRECT));
    poke_numbers(local_port(&self->socket), 0, 10);
    WAIT_UNTIL(self->batches == 1);
    assert_true(hy_process(0, 0) >= 0);
    assert_int_equal(self->in_batches, 10);
    assert_int_equal(self->count, 0);
    hy_object_destroy(&self->hy);
}

static void rebind_at_3(struct listener *self)
{
    if (self->count != 3)
        return;
    struct hy_address address = local_address(&self->socket);
    OK(hy_udp_socket_close(&self->socket));
    OK(hy_udp_socket_bind_address(&self->socket, &address, 0));
    poke_numbers(hy_address_port(&address), 3, 5);
}

static void opening_again_in_a_slot_works(void **state)
{
    (void)state;
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    self->then = rebind_at_3;
    poke_numbers(local_port(&self->socket), 0, 100);
    WAIT_UNTIL(self->count == 8);
    assert_numbers(self, 0, 8);
    hy_object_destroy(&self->hy);
}

static void end_socket_at_3(struct listener *self)
{
    if (self->count == 3)
        hy_udp_socket_fini(&self->socket);
}

static void ending_the_socket_in_its_slot(void **state)
{
    (void)state;
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    self->then = end_socket_at_3;
    poke_numbers(local_port(&self->socket), 0, 10);
    WAIT_UNTIL(self->count == 3);
    assert_true(hy_process(0, 0) >= 0);
    assert_int_equal(self->count, 3);
    /* A finished socket refuses everything. */
    struct hy_address to = hy_address_loopback(HY_ADDRESS_IPV4, 9);
    assert_int_equal(hy_udp_socket_bind(&self->socket, "127.0.0.1:0", 0), -HY_ESHUTDOWN);
    assert_int_equal(hy_udp_socket_send(&self->socket, &to, "x", 1), -HY_ESHUTDOWN);
    assert_true(hy_udp_socket_send_batch(&self->socket, NULL, 0) < 0);
    assert_int_equal(hy_udp_socket_local_address(&self->socket, &to), -HY_ENOTCONN);
    assert_false(hy_udp_socket_is_open(&self->socket));
    assert_int_equal(hy_udp_socket_get_counters(&self->socket).datagrams, 0);
    hy_udp_socket_fini(&self->socket);
    hy_object_destroy(&self->hy);
}

static void destroy_later_at_3(struct listener *self)
{
    if (self->count == 3)
        OK(hy_object_destroy_later(&self->hy));
}

static void destroying_the_owner_later(void **state)
{
    (void)state;
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    struct hy_ref ref = hy_ref_to(&self->hy);
    self->then = destroy_later_at_3;
    poke_numbers(local_port(&self->socket), 0, 10);
    WAIT_UNTIL(hy_ref_get(ref) == NULL);
    hy_ref_release(&ref);
}

static void a_socket_on_the_heap(void **state)
{
    (void)state;
    struct listener *self = listener_create();
    struct hy_udp_socket *udp = NULL;
    OK(hy_udp_socket_create(&self->hy, &udp));
    OK(hy_connect(&udp->events.datagram, self, listener_datagram, HY_DIRECT));
    OK(hy_udp_socket_bind(udp, "127.0.0.1:0", 0));
    poke_numbers(local_port(udp), 0, 10);
    WAIT_UNTIL(self->count == 10);
    OK(hy_object_destroy(&udp->hy));
    OK(hy_udp_socket_create(&self->hy, &udp)); /* ends with its parent */
    OK(hy_udp_socket_bind(udp, "127.0.0.1:0", 0));
    hy_object_destroy(&self->hy);
}

static void nest_at_3(struct listener *self)
{
    if (self->count != 3)
        return;
    poke_numbers(local_port(&self->socket), 40, 10);
    WAIT_UNTIL(self->count == 50); /* the rest of this batch, and what came since */
}

static void a_nested_loop_in_a_slot_keeps_the_order(void **state)
{
    (void)state;
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    self->then = nest_at_3;
    poke_numbers(local_port(&self->socket), 0, 40);
    WAIT_UNTIL(self->count >= 50);
    assert_true(hy_process(0, 0) >= 0);
    assert_numbers(self, 0, 50);
    hy_object_destroy(&self->hy);
}

/* --- other threads
 * ------------------------------------------------------------------------------------ */

/* A listener that reports to the main thread. */
struct reporter {
    HY_INHERITS(hy_object);
    struct hy_udp_socket socket;
    struct {
        hy_signal(uint32_t) number;
        hy_signal(struct hy_address) bound;
    } events;
    struct hy_thread *target; /* where to move to at the third datagram, or NULL */
    size_t count;
};

static const struct hy_class reporter_class =
    HY_CLASS(struct reporter, .signals = HY_SIGNALS(HY_PLAIN(struct reporter, events.number),
                                                    HY_PLAIN(struct reporter, events.bound)));

static void reporter_datagram(struct reporter *self, const struct hy_datagram *datagram)
{
    uint32_t number, again;
    assert_int_equal(datagram->size, sizeof number);
    assert_true(hy_object_is_here(&self->hy));
    memcpy(&number, datagram->data, sizeof number);
    hy_emit(&self->events.number, &number);
    if (++self->count != 3 || self->target == NULL)
        return;
    OK(hy_object_move_to_thread(&self->hy, self->target));
    /* It lives elsewhere now; the datagram is valid to the end of the slot all the same. */
    memcpy(&again, datagram->data, sizeof again);
    assert_int_equal(again, number);
}

static void reporter_start(struct reporter *self)
{
    OK(hy_udp_socket_init(&self->socket, &self->hy));
    OK(hy_connect(&self->socket.events.datagram, self, reporter_datagram, HY_DIRECT));
    OK(hy_udp_socket_bind(&self->socket, "127.0.0.1:0", 0));
    struct hy_address address = local_address(&self->socket);
    hy_emit(&self->events.bound, &address);
}

static void main_number(struct listener *self, const uint32_t *number)
{
    self->numbers[self->count++] = *number;
}

static void main_bound(struct listener *self, const struct hy_address *address)
{
    self->sender = *address;
    self->batches++;
}

static struct reporter *reporter_create(struct listener *log)
{
    struct hy_object *object = NULL;
    OK(hy_object_create(&reporter_class, NULL, &object));
    struct reporter *self = (struct reporter *)(void *)object;
    OK(hy_connect(&self->events.number, log, main_number, HY_QUEUED));
    OK(hy_connect(&self->events.bound, log, main_bound, HY_QUEUED));
    return self;
}

static void a_socket_in_its_own_thread(void **state)
{
    (void)state;
    struct listener *log = listener_create();
    struct hy_thread thread;
    OK(hy_thread_init(&thread, "udp", NULL));
    struct reporter *self = reporter_create(log);
    OK(hy_object_move_to_thread(&self->hy, &thread));
    OK(hy_connect(&thread.events.started, self, reporter_start, HY_AUTO));
    OK(hy_thread_start(&thread));
    WAIT_UNTIL(log->batches == 1);
    poke_numbers(hy_address_port(&log->sender), 0, 200);
    WAIT_UNTIL(log->count == 200);
    assert_numbers(log, 0, 200);
    /* Looking from here, while it lives there. */
    assert_int_equal(hy_udp_socket_get_counters(&self->socket).datagrams, 200);
    assert_true(hy_udp_socket_is_open(&self->socket));
    struct hy_address address = local_address(&self->socket);
    assert_true(hy_address_is_equal(&address, &log->sender));
    /* Closing from here. */
    OK(hy_udp_socket_close(&self->socket));
    WAIT_UNTIL(!hy_udp_socket_is_open(&self->socket));
    /* The thread's end ends the socket, open or not. */
    OK(hy_udp_socket_bind(&self->socket, "127.0.0.1:0", 0));
    hy_thread_fini(&thread);
    hy_object_destroy(&log->hy);
}

static void a_socket_moves_with_what_it_has(void **state)
{
    (void)state;
    struct listener *log = listener_create();
    struct hy_thread thread;
    OK(hy_thread_init(&thread, "udp", NULL));
    OK(hy_thread_start(&thread));
    struct reporter *self = reporter_create(log);
    reporter_start(self);
    const uint16_t port = local_port(&self->socket);
    poke_numbers(port, 0, 1);
    WAIT_UNTIL(log->count == 1);
    self->target = &thread;
    /* At the third one it moves; the rest of the batch, and what comes after, is delivered there.
     */
    poke_numbers(port, 1, 20);
    WAIT_UNTIL(log->count == 21);
    poke_numbers(port, 21, 50);
    WAIT_UNTIL(log->count == 71);
    assert_numbers(log, 0, 71);
    assert_ptr_equal(hy_object_thread(&self->hy), &thread);
    hy_thread_fini(&thread);
    hy_object_destroy(&log->hy);
}

static void a_closed_socket_moves_too(void **state)
{
    (void)state;
    struct listener *log = listener_create();
    struct hy_thread thread;
    OK(hy_thread_init(&thread, "udp", NULL));
    struct reporter *self = reporter_create(log);
    reporter_start(self);
    OK(hy_udp_socket_close(&self->socket));
    OK(hy_object_move_to_thread(&self->hy, &thread));
    OK(hy_thread_start(&thread));
    OK(hy_udp_socket_bind(&self->socket, "127.0.0.1:0", 0)); /* queued to there */
    WAIT_UNTIL(hy_udp_socket_is_open(&self->socket));
    poke_numbers(local_port(&self->socket), 0, 5);
    WAIT_UNTIL(log->count == 5);
    hy_thread_fini(&thread);
    hy_object_destroy(&log->hy);
}

/* --- memory
 * --------------------------------------------------------------------------------------------- */

/* Everything once; -HY_ENOMEM from wherever memory ran out, else 0. */
static int whole_life(void)
{
    struct hy_object *object = NULL;
    int rc = hy_object_create(&listener_class, NULL, &object);
    if (rc < 0)
        return rc;
    struct listener *self = (struct listener *)(void *)object;
    rc = hy_udp_socket_init(&self->socket, &self->hy);
    if (rc >= 0)
        rc = hy_connect(&self->socket.events.datagram, self, listener_datagram, HY_DIRECT);
    if (rc >= 0)
        rc = hy_udp_socket_bind(&self->socket, "127.0.0.1:0", 0);
    if (rc >= 0) {
        struct hy_address to = local_address(&self->socket);
        rc = hy_udp_socket_send(&self->socket, &to, "x", 1);
    }
    for (int i = 0; rc >= 0 && self->count == 0 && i < 100; i++)
        rc = hy_process(HY_PROCESS_WAIT, hy_now_ns() + 20 * HY_MILLISECOND);
    if (rc >= 0)
        rc = self->count == 1 ? 0 : -HY_EIO;
    hy_object_destroy(object);
    return rc;
}

static void memory_runs_out_at_every_place(void **state)
{
    (void)state;
    int failures = 0;
    assert_int_equal(whole_life(), 0); /* what the library makes once is made now */
    const long before = __atomic_load_n(&alive, __ATOMIC_RELAXED);
    for (long n = 0;; n++) {
        assert_true(n < 1000);
        __atomic_store_n(&fail_after, n, __ATOMIC_RELAXED);
        int rc = whole_life();
        bool failed = __atomic_exchange_n(&fail_after, -1, __ATOMIC_RELAXED) < 0;
        assert_true(hy_process(0, 0) >= 0);
        assert_int_equal(open_descriptors(), descriptors_before);
        assert_int_equal(__atomic_load_n(&alive, __ATOMIC_RELAXED), before);
        if (!failed) {
            assert_int_equal(rc, 0);
            break;
        }
        assert_true(rc == 0 || rc == -HY_ENOMEM);
        failures += rc == -HY_ENOMEM;
    }
    assert_true(failures >= 4); /* object, socket, connection, buffers at least */
}

struct afar {
    struct hy_udp_socket *udp;
    struct hy_address to;
    int enomem, sent;
};

static void *send_without_memory(void *context)
{
    struct afar *job = context;
    for (long n = 0; n < 8; n++) {
        __atomic_store_n(&fail_after, n, __ATOMIC_RELAXED);
        int rc = hy_udp_socket_send(job->udp, &job->to, "12345678", 8);
        __atomic_store_n(&fail_after, -1, __ATOMIC_RELAXED);
        job->enomem += rc == -HY_ENOMEM;
        job->sent += rc == 0;
    }
    return NULL;
}

static void a_queued_send_without_memory_is_refused(void **state)
{
    (void)state;
    struct listener *self = listener_bound("127.0.0.1:0", 0);
    struct afar job = {.udp = &self->socket, .to = local_address(&self->socket)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, send_without_memory, &job), 0);
    pthread_join(thread, NULL);
    assert_true(job.enomem > 0 && job.sent > 0);
    assert_int_equal(job.enomem + job.sent, 8);
    WAIT_UNTIL(self->count == (size_t)job.sent);
    hy_object_destroy(&self->hy);
}

int main(void)
{
    hy_memory_set_allocator(&test_allocator);
    const struct CMUnitTest tests[] = {
        UDP_TEST(closing_in_a_slot_ends_the_batch),
        UDP_TEST(closing_in_the_batch_slot_ends_it_too),
        UDP_TEST(opening_again_in_a_slot_works),
        UDP_TEST(ending_the_socket_in_its_slot),
        UDP_TEST(destroying_the_owner_later),
        UDP_TEST(a_socket_on_the_heap),
        UDP_TEST(a_nested_loop_in_a_slot_keeps_the_order),
        UDP_TEST(a_socket_in_its_own_thread),
        UDP_TEST(a_socket_moves_with_what_it_has),
        UDP_TEST(a_closed_socket_moves_too),
        UDP_TEST(memory_runs_out_at_every_place),
        UDP_TEST(a_queued_send_without_memory_is_refused),
    };
    return cmocka_run_group_tests_name("udp life", tests, warm_up, NULL);
}
