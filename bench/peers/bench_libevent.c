/* SPDX-License-Identifier: MIT */
/*
 * libevent with evthread: event_active() on a user event after each push on a mutex queue, which
 * wakes the other base by its own eventfd; event_add() and event_del() for timers and descriptors.
 * It has no signals.
 */
#include "event_queue.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <semaphore.h>
#include <stdlib.h>

/* --- a thread with a loop --------------------------------------------------------------------- */

struct loop_thread {
    struct event_base *base;
    struct event *started, *work;
    pthread_t thread;
    sem_t is_ready;
};

static void *thread_main(void *data)
{
    event_base_loop(data, EVLOOP_NO_EXIT_ON_EMPTY);
    return NULL;
}

static void on_started(evutil_socket_t fd, short what, void *data)
{
    struct loop_thread *thread = data;

    (void)fd;
    (void)what;
    sem_post(&thread->is_ready);
}

static void await(sem_t *semaphore)
{
    while (sem_wait(semaphore) < 0) {
    }
}

/* `started` is the loop's first event. */
static void begin_thread(struct loop_thread *thread, event_callback_fn work,
                         event_callback_fn started)
{
    sem_init(&thread->is_ready, 0, 0);
    thread->base = event_base_new();
    thread->started = event_new(thread->base, -1, EV_PERSIST, started, thread);
    thread->work = event_new(thread->base, -1, EV_PERSIST, work, thread);
    event_active(thread->started, EV_READ, 0);
    bench_check(pthread_create(&thread->thread, NULL, thread_main, thread->base) == 0, "pthread");
}

static void start_loop_thread(struct loop_thread *thread, event_callback_fn work)
{
    begin_thread(thread, work, on_started);
    await(&thread->is_ready);
}

static void stop_loop_thread(struct loop_thread *thread)
{
    event_base_loopbreak(thread->base);
    pthread_join(thread->thread, NULL);
    event_free(thread->started);
    event_free(thread->work);
    event_base_free(thread->base);
}

static struct loop_thread other;

/* --- one-way ------------------------------------------------------------------------------------
 */

static struct event_queue queue;

static void on_work(evutil_socket_t fd, short what, void *data)
{
    (void)fd;
    (void)what;
    (void)data;
    event_queue_drain(&queue);
}

static void start_consumer(size_t producers)
{
    (void)producers;
    event_queue_init(&queue);
    start_loop_thread(&other, on_work);
}

static void stop_consumer(void)
{
    stop_loop_thread(&other);
}

static void wake(void)
{
    event_active(other.work, EV_READ, 0);
}

static void produce(size_t producer, uint64_t count)
{
    event_queue_produce(&queue, producer, count, wake);
}

static void produce_large(size_t producer, uint64_t count)
{
    event_queue_produce_large(&queue, producer, count, wake);
}

static const struct bench_carrier queued = {start_consumer, produce, stop_consumer};
static const struct bench_carrier queued_large = {start_consumer, produce_large, stop_consumer};

/* --- there and back
 * ------------------------------------------------------------------------------- */

static struct event *pong;
static uint64_t trips_left;

static void on_ping(evutil_socket_t fd, short what, void *data)
{
    (void)fd;
    (void)what;
    (void)data;
    event_active(pong, EV_READ, 0);
}

static void on_pong(evutil_socket_t fd, short what, void *data)
{
    (void)fd;
    (void)what;
    if (--trips_left == 0)
        event_base_loopbreak(data);
    else
        wake();
}

static void ping_pong(uint64_t trips)
{
    struct event_base *base = event_base_new();

    trips_left = trips;
    pong = event_new(base, -1, EV_PERSIST, on_pong, base);
    start_loop_thread(&other, on_ping);
    wake();
    event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY);
    stop_loop_thread(&other);
    event_free(pong);
    event_base_free(base);
}

static sem_t answered;

static void on_call(evutil_socket_t fd, short what, void *data)
{
    (void)fd;
    (void)what;
    (void)data;
    sem_post(&answered);
}

static void call(uint64_t trips)
{
    sem_init(&answered, 0, 0);
    start_loop_thread(&other, on_call);
    for (; trips > 0; trips--) {
        wake();
        await(&answered);
    }
    stop_loop_thread(&other);
}

static void on_began(evutil_socket_t fd, short what, void *data)
{
    (void)fd;
    (void)what;
    (void)data;
    bench_thread_began();
}

static void start_thread(void)
{
    begin_thread(&other, on_work, on_began);
}

static const struct bench_thread thread = {start_thread, stop_consumer};

/* --- timers and descriptors
 * ------------------------------------------------------------------------- */

static struct event_base *main_base;
static struct event **timers;

static struct event_base *base(void)
{
    if (main_base == NULL)
        main_base = event_base_new();
    return main_base;
}

static void on_timeout(evutil_socket_t fd, short what, void *data)
{
    (void)fd;
    (void)what;
    bench_timer_fired((size_t)((struct event **)data - timers));
}

static void make(size_t count, bool is_precise)
{
    (void)is_precise;
    timers = calloc(count, sizeof(struct event *));
    bench_check(timers != NULL, "calloc");
    for (size_t i = 0; i < count; i++)
        timers[i] = evtimer_new(base(), on_timeout, &timers[i]);
}

static void add(size_t index, uint32_t delay_ms)
{
    struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};

    event_add(timers[index], &delay);
}

static void start_periodic(size_t index, uint32_t interval_ms)
{
    event_assign(timers[index], base(), -1, EV_PERSIST, on_timeout, &timers[index]);
    add(index, interval_ms);
}

static void on_zero(evutil_socket_t fd, short what, void *data)
{
    static const struct timeval nothing;

    (void)fd;
    (void)what;
    (void)data;
    event_add(timers[0], &nothing);
    bench_timer_fired(0);
}

static void start_zero(void)
{
    evtimer_assign(timers[0], base(), on_zero, NULL);
    add(0, 0);
}

static void start_and_stop(void *random, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add(0, bench_timer_delay_ms(random));
        event_del(timers[0]);
    }
}

static void restart_chunk(void *context, size_t count)
{
    struct bench_restart *restart = context;

    for (size_t i = 0; i < count; i++)
        add(bench_restart_next(restart), bench_timer_delay_ms(&restart->random));
}

static void run(void)
{
    event_base_loop(base(), EVLOOP_NO_EXIT_ON_EMPTY);
}

static const struct bench_timers all_timers = {
    .count_max = SIZE_MAX,
    .make = make,
    .start = add,
    .start_periodic = start_periodic,
    .start_zero = start_zero,
    .start_and_stop = start_and_stop,
    .restart = restart_chunk,
    .run = run,
};

static size_t indices[BENCH_SOCKETS];

static void on_readable(evutil_socket_t fd, short what, void *data)
{
    (void)fd;
    (void)what;
    bench_notifier_ready((size_t)((size_t *)data - indices));
}

static void watch(size_t index, int descriptor)
{
    event_add(event_new(base(), descriptor, EV_READ | EV_PERSIST, on_readable, &indices[index]),
              NULL);
}

static const struct bench_notifiers notifiers = {watch, run};

int main(int argc, char **argv)
{
    static const struct bench_peer peer = {
        .name = "libevent",
        .queued = &queued,
        .queued_large = &queued_large,
        .timers = &all_timers,
        .notifiers = &notifiers,
        .thread = &thread,
        .ping_pong = ping_pong,
        .call = call,
    };

    bench_check(evthread_use_pthreads() == 0, "evthread_use_pthreads");
    return bench_peer_main(argc, argv, &peer);
}
