/* SPDX-License-Identifier: MIT */
/*
 * libuv: uv_async_send() after each push on a mutex queue, as its guide shows; its timers, whose
 * delays count from the loop's cached time; uv_idle for what is to be done in every pass; uv_poll
 * for descriptors. It has no signals.
 */
#include "event_queue.h"

#include <semaphore.h>
#include <stdlib.h>
#include <uv.h>

/* --- a thread with a loop --------------------------------------------------------------------- */

struct loop_thread {
    uv_loop_t loop;
    uv_thread_t thread;
    uv_async_t started, work, stop;
    sem_t is_ready;
};

static void thread_main(void *data)
{
    uv_run(data, UV_RUN_DEFAULT);
}

static void on_started(uv_async_t *async)
{
    struct loop_thread *thread = async->data;

    sem_post(&thread->is_ready);
}

static void on_stop(uv_async_t *async)
{
    uv_stop(async->loop);
}

static void await(sem_t *semaphore)
{
    while (sem_wait(semaphore) < 0) {
    }
}

static void close_handle(uv_handle_t *handle, void *data)
{
    (void)data;
    uv_close(handle, NULL);
}

/* `started` is the loop's first event. */
static void begin_thread(struct loop_thread *thread, uv_async_cb work, uv_async_cb started)
{
    sem_init(&thread->is_ready, 0, 0);
    uv_loop_init(&thread->loop);
    uv_async_init(&thread->loop, &thread->started, started);
    uv_async_init(&thread->loop, &thread->work, work);
    uv_async_init(&thread->loop, &thread->stop, on_stop);
    thread->started.data = thread;
    uv_async_send(&thread->started);
    uv_thread_create(&thread->thread, thread_main, &thread->loop);
}

static void start_loop_thread(struct loop_thread *thread, uv_async_cb work)
{
    begin_thread(thread, work, on_started);
    await(&thread->is_ready);
}

static void stop_loop_thread(struct loop_thread *thread)
{
    uv_async_send(&thread->stop);
    uv_thread_join(&thread->thread);
    uv_walk(&thread->loop, close_handle, NULL);
    uv_run(&thread->loop, UV_RUN_DEFAULT);
    uv_loop_close(&thread->loop);
}

static struct loop_thread other;

/* --- one-way ------------------------------------------------------------------------------------
 */

static struct event_queue queue;

static void on_work(uv_async_t *async)
{
    (void)async;
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
    uv_async_send(&other.work);
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

static uv_async_t pong;
static uint64_t trips_left;

static void on_ping(uv_async_t *async)
{
    (void)async;
    uv_async_send(&pong);
}

static void on_pong(uv_async_t *async)
{
    if (--trips_left == 0)
        uv_stop(async->loop);
    else
        wake();
}

static void ping_pong(uint64_t trips)
{
    uv_loop_t *loop = uv_default_loop();

    trips_left = trips;
    uv_async_init(loop, &pong, on_pong);
    start_loop_thread(&other, on_ping);
    wake();
    uv_run(loop, UV_RUN_DEFAULT);
    stop_loop_thread(&other);
}

static sem_t answered;

static void on_call(uv_async_t *async)
{
    (void)async;
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

static void on_began(uv_async_t *async)
{
    (void)async;
    bench_thread_began();
}

static void start_thread(void)
{
    begin_thread(&other, on_work, on_began);
}

static const struct bench_thread thread = {start_thread, stop_consumer};

/* --- timers and descriptors
 * ------------------------------------------------------------------------- */

static uv_timer_t *timers;
static uv_idle_t zero;

static void on_timeout(uv_timer_t *timer)
{
    bench_timer_fired((size_t)(timer - timers));
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
    bench_timer_fired(0);
}

static void make(size_t count, bool is_precise)
{
    (void)is_precise;
    timers = calloc(count, sizeof *timers);
    bench_check(timers != NULL, "calloc");
    for (size_t i = 0; i < count; i++)
        uv_timer_init(uv_default_loop(), &timers[i]);
}

static void start(size_t index, uint32_t delay_ms)
{
    uv_timer_start(&timers[index], on_timeout, delay_ms, 0);
}

static void start_periodic(size_t index, uint32_t interval_ms)
{
    uv_timer_start(&timers[index], on_timeout, interval_ms, interval_ms);
}

static void start_zero(void)
{
    uv_idle_init(uv_default_loop(), &zero);
    uv_idle_start(&zero, on_idle);
}

static void start_and_stop(void *random, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        start(0, bench_timer_delay_ms(random));
        uv_timer_stop(&timers[0]);
    }
}

static void restart_chunk(void *context, size_t count)
{
    struct bench_restart *restart = context;

    for (size_t i = 0; i < count; i++)
        start(bench_restart_next(restart), bench_timer_delay_ms(&restart->random));
}

static void run(void)
{
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
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

static uv_poll_t polls[BENCH_SOCKETS];

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    bench_notifier_ready((size_t)(poll - polls));
}

static void watch(size_t index, int descriptor)
{
    uv_poll_init(uv_default_loop(), &polls[index], descriptor);
    uv_poll_start(&polls[index], UV_READABLE, on_readable);
}

static const struct bench_notifiers notifiers = {watch, run};

int main(int argc, char **argv)
{
    static const struct bench_peer peer = {
        .name = "libuv",
        .queued = &queued,
        .queued_large = &queued_large,
        .timers = &all_timers,
        .notifiers = &notifiers,
        .thread = &thread,
        .ping_pong = ping_pong,
        .call = call,
    };

    return bench_peer_main(argc, argv, &peer);
}
