/* SPDX-License-Identifier: MIT */
/*
 * Again and again: a thread with a WebSocket server starts, clients connect, the main thread stops
 * it, in three ways. No descriptor, no thread and no memory may be left behind.
 *
 *     test_ws_rounds [--rounds N]     30 by default
 */
#include "ws_fixture.h"
#include <dirent.h>

enum {
    CLIENTS = 6
};

static int rounds = 30;
static long live_blocks; /* atomic: what the library holds */

static void *counted_allocate(size_t size)
{
    void *memory = malloc(size);
    if (memory != NULL)
        __atomic_add_fetch(&live_blocks, 1, __ATOMIC_RELAXED);
    return memory;
}

static void *counted_resize(void *memory, size_t size)
{
    void *grown = realloc(memory, size);
    if (memory == NULL && grown != NULL)
        __atomic_add_fetch(&live_blocks, 1, __ATOMIC_RELAXED);
    return grown;
}

static void counted_release(void *memory)
{
    if (memory != NULL)
        __atomic_sub_fetch(&live_blocks, 1, __ATOMIC_RELAXED);
    free(memory);
}

static const struct hy_allocator counted = {counted_allocate, counted_resize, counted_release};

static int count_entries(const char *path)
{
    int count = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

/* A server that is made in its thread, as a program would do it. */
struct service {
    HY_INHERITS(hy_object);
    struct hy_ws_server server;
    int failure;
};

static const struct hy_class service_class = HY_CLASS(struct service, .base = NULL);

struct listener {
    HY_INHERITS(hy_object);
    unsigned ready, closed;
};

static const struct hy_class listener_class = HY_CLASS(struct listener, .base = NULL);
static struct listener listener;
static struct service service;
static unsigned opened, ended; /* atomic: counted in the server's thread */

static void client_opened(struct service *self)
{
    hy_ws_server_broadcast_text(&self->server, "welcome", 7);
    __atomic_add_fetch(&opened, 1, __ATOMIC_RELAXED);
}

/* With a receiver that outlives the server: the service has no slots any more when it ends. */
static void client_closed(struct listener *self)
{
    (void)self;
    __atomic_add_fetch(&ended, 1, __ATOMIC_RELAXED);
}

static void listener_ready(struct hy_object *receiver, const void *payload)
{
    (void)payload;
    ((struct listener *)receiver)->ready++;
}

static void server_closed(struct listener *self)
{
    self->closed++;
}

static void service_start(struct service *self)
{
    int rc = hy_ws_server_init(&self->server, &self->hy);
    if (rc == 0)
        rc = hy_connect(&self->server.events.client_opened, self, client_opened, HY_DIRECT);
    if (rc >= 0)
        rc = hy_connect(&self->server.events.client_closed, &listener, client_closed, HY_DIRECT);
    if (rc >= 0)
        rc = hy_connect(&self->server.events.closed, &listener, server_closed, HY_AUTO);
    if (rc >= 0)
        rc = hy_ws_server_listen(&self->server, "127.0.0.1:0", 0);
    self->failure = rc;
    hy_invoke(&listener.hy, listener_ready, NULL, NULL);
}

static void play_round(int round)
{
    struct hy_thread thread;
    struct fixture port; /* for the raw clients */
    int fds[CLIENTS];
    listener.ready = listener.closed = opened = ended = 0;
    memset(&service, 0, sizeof service);
    assert_int_equal(hy_thread_init(&thread, "service", NULL), 0);
    assert_int_equal(hy_object_init(&service.hy, &service_class, NULL), 0);
    assert_true(hy_connect(&thread.events.started, &service, service_start, HY_AUTO) >= 0);
    assert_int_equal(hy_object_move_to_thread(&service.hy, &thread), 0);
    assert_int_equal(hy_thread_start(&thread), 0);
    fixture_await(&listener.ready, 1);
    assert_true(service.failure >= 0);
    port.server.port_ = hy_ws_server_port(&service.server);
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = raw_open(&port);
    hy_ws_server_broadcast_text(&service.server, "x", 1);
    if (round % 3 != 0)
        assert_int_equal(hy_ws_server_close(&service.server), 0);
    if (round % 3 == 1) { /* in order: everybody answers, and `closed` comes */
        for (int i = 0; i < CLIENTS; i++)
            raw_frame(fds[i], 0x88, "\x03\xe9", 2);
        for (int i = 0; i < CLIENTS; i++)
            assert_int_equal(raw_await_close(fds[i]), 1001);
        for (int i = 0; i < CLIENTS; i++)
            close(fds[i]);
        fixture_await(&listener.closed, 1);
    }
    hy_thread_quit(&thread, 0);
    assert_int_equal(hy_thread_join(&thread, hy_now_ns() + FIXTURE_WAIT_NS), 0);
    for (int i = 0; round % 3 != 1 && i < CLIENTS; i++) {
        assert_int_equal(raw_await_close(fds[i]), 1001);
        close(fds[i]);
    }
    assert_int_equal(__atomic_load_n(&opened, __ATOMIC_RELAXED), CLIENTS);
    assert_int_equal(__atomic_load_n(&ended, __ATOMIC_RELAXED), CLIENTS);
    hy_process(0, 0);
    hy_thread_fini(&thread);
    hy_object_fini(&service.hy);
}

static void test_rounds_leave_nothing(void **state)
{
    (void)state;
    assert_int_equal(hy_object_init(&listener.hy, &listener_class, NULL), 0);
    for (int i = 0; i < 6; i++) /* caches fill */
        play_round(i);
    long blocks = __atomic_load_n(&live_blocks, __ATOMIC_RELAXED);
    int fds = count_entries("/proc/self/fd"), threads = count_entries("/proc/self/task");
    for (int i = 0; i < rounds; i++)
        play_round(i);
    assert_int_equal(count_entries("/proc/self/fd"), fds);
    assert_int_equal(count_entries("/proc/self/task"), threads);
    long left = __atomic_load_n(&live_blocks, __ATOMIC_RELAXED) - blocks;
    print_message("# %d rounds: %ld blocks more than before\n", rounds, left);
    assert_true(left <= 2);
    hy_object_fini(&listener.hy);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rounds_leave_nothing)};
    if (argc == 3 && strcmp(argv[1], "--rounds") == 0)
        rounds = atoi(argv[2]);
    hy_memory_set_allocator(&counted);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
