/* SPDX-License-Identifier: MIT */
/*
 * libev: ev_async_send() after each push on a mutex queue; ev_timer, whose delays count from the
 * loop's cached time; ev_idle for what is to be done in every pass; ev_io. It has no signals.
 */
#include "event_queue.h"

#include <ev.h>
#include <semaphore.h>
#include <stdlib.h>

/* --- a thread with a loop --------------------------------------------------------------------- */

struct loop_thread {
    struct ev_loop *loop;
    ev_async started, work, stop;
    pthread_t thread;
    sem_t is_ready;
};

typedef void (*async_callback)(struct ev_loop *loop, ev_async *async, int events);

static void *thread_main(void *data)
{
    ev_run(data, 0);
    return NULL;
}

static void on_started(struct ev_loop *loop, ev_async *async, int events)
{
    struct loop_thread *thread = async->data;

    (void)loop;
    (void)events;
    sem_post(&thread->is_ready);
}

static void on_stop(struct ev_loop *loop, ev_async *async, int events)
{
    (void)async;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

static void await(sem_t *semaphore)
{
    while (sem_wait(semaphore) < 0) {
    }
}

static void add_async(struct ev_loop *loop, ev_async *async, async_callback callback)
{
    ev_async_init(async, callback);
    ev_async_start(loop, async);
}

/* `started` is the loop's first event. */
static void begin_thread(struct loop_thread *thread, async_callback work, async_callback started)
{
    sem_init(&thread->is_ready, 0, 0);
    thread->loop = ev_loop_new(0);
    thread->started.data = thread;
    add_async(thread->loop, &thread->started, started);
    add_async(thread->loop, &thread->work, work);
    add_async(thread->loop, &thread->stop, on_stop);
    ev_async_send(thread->loop, &thread->started);
    bench_check(pthread_create(&thread->thread, NULL, thread_main, thread->loop) == 0, "pthread");
}

static void start_loop_thread(struct loop_thread *thread, async_callback work)
{
    begin_thread(thread, work, on_started);
    await(&thread->is_ready);
}

static void stop_loop_thread(struct loop_thread *thread)
{
    ev_async_send(thread->loop, &thread->stop);
    pthread_join(thread->thread, NULL);
    ev_loop_destroy(thread->loop);
}

static struct loop_thread other;

/* --- one-way ------------------------------------------------------------------------------------
 */

static struct event_queue queue;

static void on_work(struct ev_loop *loop, ev_async *async, int events)
{
    (void)loop;
    (void)async;
    (void)events;
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
    ev_async_send(other.loop, &other.work);
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

static struct ev_loop *main_loop;
static ev_async pong;
static uint64_t trips_left;

static void on_ping(struct ev_loop *loop, ev_async *async, int events)
{
    (void)loop;
    (void)async;
    (void)events;
    ev_async_send(main_loop, &pong);
}

static void on_pong(struct ev_loop *loop, ev_async *async, int events)
{
    (void)async;
    (void)events;
    if (--trips_left == 0)
        ev_break(loop, EVBREAK_ALL);
    else
        wake();
}

static void ping_pong(uint64_t trips)
{
    trips_left = trips;
    add_async(main_loop, &pong, on_pong);
    start_loop_thread(&other, on_ping);
    wake();
    ev_run(main_loop, 0);
    stop_loop_thread(&other);
}

static sem_t answered;

static void on_call(struct ev_loop *loop, ev_async *async, int events)
{
    (void)loop;
    (void)async;
    (void)events;
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

static void on_began(struct ev_loop *loop, ev_async *async, int events)
{
    (void)loop;
    (void)async;
    (void)events;
    bench_thread_began();
}

static void start_thread(void)
{
    begin_thread(&other, on_work, on_began);
}

static const struct bench_thread thread = {start_thread, stop_consumer};

/* --- timers and descriptors
 * ------------------------------------------------------------------------- */

static ev_timer *timers;
static ev_idle zero;

static void on_timeout(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    bench_timer_fired((size_t)(timer - timers));
}

static void on_idle(struct ev_loop *loop, ev_idle *idle, int events)
{
    (void)loop;
    (void)idle;
    (void)events;
    bench_timer_fired(0);
}

static void make(size_t count, bool is_precise)
{
    (void)is_precise;
    timers = calloc(count, sizeof *timers);
    bench_check(timers != NULL, "calloc");
    for (size_t i = 0; i < count; i++)
        ev_init(&timers[i], on_timeout);
}

static void start(size_t index, uint32_t delay_ms)
{
    ev_timer_stop(main_loop, &timers[index]);
    ev_timer_set(&timers[index], delay_ms * 1e-3, 0.);
    ev_timer_start(main_loop, &timers[index]);
}

static void start_periodic(size_t index, uint32_t interval_ms)
{
    ev_timer_set(&timers[index], interval_ms * 1e-3, interval_ms * 1e-3);
    ev_timer_start(main_loop, &timers[index]);
}

static void start_zero(void)
{
    ev_idle_init(&zero, on_idle);
    ev_idle_start(main_loop, &zero);
}

static void start_and_stop(void *random, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ev_timer_set(&timers[0], bench_timer_delay_ms(random) * 1e-3, 0.);
        ev_timer_start(main_loop, &timers[0]);
        ev_timer_stop(main_loop, &timers[0]);
    }
}

/* ev_timer_again() is its way to start a running timer anew. */
static void restart_chunk(void *context, size_t count)
{
    struct bench_restart *restart = context;

    for (size_t i = 0; i < count; i++) {
        ev_timer *timer = &timers[bench_restart_next(restart)];

        timer->repeat = bench_timer_delay_ms(&restart->random) * 1e-3;
        ev_timer_again(main_loop, timer);
    }
}

static void run(void)
{
    ev_run(main_loop, 0);
}

static const struct bench_timers all_timers = {
    .count_max = SIZE_MAX,
    .make = make,
    .start = start,
    .start_periodic = start_periodic,
    .start_zero = start_zero,
    .start_and_stop = start_and_stop,
    .restart = restart_chunk,
    .run = run,
};

static ev_io ios[BENCH_SOCKETS];

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
    (void)loop;
    (void)events;
    bench_notifier_ready((size_t)(io - ios));
}

static void watch(size_t index, int descriptor)
{
    ev_io_init(&ios[index], on_readable, descriptor, EV_READ);
    ev_io_start(main_loop, &ios[index]);
}

static const struct bench_notifiers notifiers = {watch, run};

int main(int argc, char **argv)
{
    static const struct bench_peer peer = {
        .name = "libev",
        .queued = &queued,
        .queued_large = &queued_large,
        .timers = &all_timers,
        .notifiers = &notifiers,
        .thread = &thread,
        .ping_pong = ping_pong,
        .call = call,
    };

    main_loop = ev_default_loop(0);
    return bench_peer_main(argc, argv, &peer);
}
