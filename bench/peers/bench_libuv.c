/* SPDX-License-Identifier: MIT */
/*
 * libuv: uv_async_send() after each push on a mutex queue, as its guide shows; uv_timer_start() and
 * uv_timer_stop(). It has no signals, so the emit benchmarks are missing.
 */
#include "event_queue.h"
#include "harness.h"

#include <semaphore.h>
#include <uv.h>

static struct event_queue queue;
static uint64_t expected;
static uv_async_t start; /* tells that a thread's loop runs; closes itself */
static sem_t ready;
static sem_t done;

static void thread_main(void *data)
{
    uv_run(data, UV_RUN_DEFAULT);
}

static void on_async_close(uv_async_t *async)
{
    uv_close((uv_handle_t *)async, NULL);
}

static void on_start(uv_async_t *async)
{
    sem_post(&ready);
    on_async_close(async);
}

static void on_produced(uv_async_t *async)
{
    event_queue_drain(&queue, &expected);
    if (expected == BENCH_QUEUED_EVENTS) {
        sem_post(&done);
        on_async_close(async);
    }
}

/* Starts `thread` on `loop` and returns once that loop runs. */
static void start_thread(uv_thread_t *thread, uv_loop_t *loop)
{
    sem_init(&ready, 0, 0);
    uv_async_init(loop, &start, on_start);
    uv_async_send(&start);
    uv_thread_create(thread, thread_main, loop);
    while (sem_wait(&ready) < 0) {
    }
}

static int run_queued_emit(void)
{
    uv_loop_t loop;
    uv_async_t async;
    uv_thread_t thread;

    event_queue_init(&queue);
    sem_init(&done, 0, 0);
    uv_loop_init(&loop);
    uv_async_init(&loop, &async, on_produced);
    start_thread(&thread, &loop);

    uint64_t start_ns = bench_now_ns();
    uint64_t start_cpu_ns = bench_cpu_ns();

    for (uint64_t i = 0; i < BENCH_QUEUED_EVENTS; i++) {
        struct bench_payload payload = {i, {i, i, i}};

        event_queue_push(&queue, &payload);
        uv_async_send(&async);
    }
    while (sem_wait(&done) < 0) {
    }
    bench_report_queued("libuv", start_ns, start_cpu_ns);
    uv_thread_join(&thread);
    uv_loop_close(&loop);
    return 0;
}

static uv_async_t ping;
static uv_async_t pong;
static int trips;

static void on_ping(uv_async_t *async)
{
    if (trips == BENCH_ROUND_TRIPS) {
        on_async_close(async);
        return;
    }
    uv_async_send(&pong);
}

static void on_pong(uv_async_t *async)
{
    if (++trips == BENCH_ROUND_TRIPS) {
        on_async_close(async);
    }
    uv_async_send(&ping);
}

static int run_pingpong(void)
{
    uv_loop_t loop;
    uv_loop_t other;
    uv_thread_t thread;

    uv_loop_init(&loop);
    uv_loop_init(&other);
    uv_async_init(&loop, &pong, on_pong);
    uv_async_init(&other, &ping, on_ping);
    start_thread(&thread, &other);

    uint64_t start_ns = bench_now_ns();

    uv_async_send(&ping);
    uv_run(&loop, UV_RUN_DEFAULT);
    bench_report_pingpong("libuv", start_ns);
    uv_thread_join(&thread);
    uv_loop_close(&other);
    uv_loop_close(&loop);
    return 0;
}

struct timer_churn {
    uv_loop_t loop;
    uv_timer_t timer;
    uint32_t random;
    uv_timer_t others[BENCH_TIMERS];
};

static void on_timeout(uv_timer_t *timer)
{
    (void)timer;
}

static void churn_chunk(void *context, size_t count)
{
    struct timer_churn *churn = context;

    for (size_t i = 0; i < count; i++) {
        uv_timer_start(&churn->timer, on_timeout, bench_timer_delay_ms(&churn->random), 0);
        uv_timer_stop(&churn->timer);
    }
}

static int run_timer_churn(void)
{
    static struct timer_churn churn = {.random = 1};

    uv_loop_init(&churn.loop);
    uv_timer_init(&churn.loop, &churn.timer);
    for (int i = 0; i < BENCH_TIMERS; i++) {
        uv_timer_init(&churn.loop, &churn.others[i]);
        uv_timer_start(&churn.others[i], on_timeout, bench_timer_delay_ms(&churn.random), 0);
    }
    bench_report("timer_churn", "libuv",
                 bench_median_ns(churn_chunk, &churn, BENCH_TIMER_OPERATIONS_PER_CHUNK), "ns");
    return 0;
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"queued_emit", run_queued_emit},
        {"pingpong", run_pingpong},
        {"timer_churn", run_timer_churn},
    };

    return bench_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
