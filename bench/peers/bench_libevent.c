/* SPDX-License-Identifier: MIT */
/*
 * libevent with evthread: event_active() on a user event after each push on a mutex queue, which
 * wakes the other base by its own eventfd; event_add() and event_del() for timers. It has no
 * signals, so the emit benchmarks are missing.
 */
#include "event_queue.h"
#include "harness.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <semaphore.h>
#include <stdlib.h>

static struct event_queue queue;
static uint64_t expected;
static sem_t ready;
static sem_t done;

static void *thread_main(void *data)
{
    event_base_loop(data, EVLOOP_NO_EXIT_ON_EMPTY);
    return NULL;
}

static void on_start(evutil_socket_t fd, short what, void *data)
{
    (void)fd;
    (void)what;
    (void)data;
    sem_post(&ready);
}

static void start_thread(pthread_t *thread, struct event_base *base)
{
    sem_init(&ready, 0, 0);
    event_base_once(base, -1, EV_TIMEOUT, on_start, NULL, NULL);
    pthread_create(thread, NULL, thread_main, base);
    while (sem_wait(&ready) < 0) {
    }
}

static void on_produced(evutil_socket_t fd, short what, void *data)
{
    (void)fd;
    (void)what;
    event_queue_drain(&queue, &expected);
    if (expected == BENCH_QUEUED_EVENTS) {
        sem_post(&done);
        event_base_loopbreak(data);
    }
}

static int run_queued_emit(void)
{
    struct event_base *base = event_base_new();
    struct event *event = event_new(base, -1, EV_PERSIST, on_produced, base);
    pthread_t thread;

    event_queue_init(&queue);
    sem_init(&done, 0, 0);
    start_thread(&thread, base);

    uint64_t start_ns = bench_now_ns();
    uint64_t start_cpu_ns = bench_cpu_ns();

    for (uint64_t i = 0; i < BENCH_QUEUED_EVENTS; i++) {
        struct bench_payload payload = {i, {i, i, i}};

        event_queue_push(&queue, &payload);
        event_active(event, EV_READ, 0);
    }
    while (sem_wait(&done) < 0) {
    }
    bench_report_queued("libevent", start_ns, start_cpu_ns);
    pthread_join(thread, NULL);
    event_free(event);
    event_base_free(base);
    return 0;
}

struct pingpong {
    struct event_base *base;
    struct event_base *other;
    struct event *ping; /* on `other` */
    struct event *pong; /* on `base` */
    int trips;
};

static void on_ping(evutil_socket_t fd, short what, void *data)
{
    struct pingpong *pingpong = data;

    (void)fd;
    (void)what;
    event_active(pingpong->pong, EV_READ, 0);
}

static void on_pong(evutil_socket_t fd, short what, void *data)
{
    struct pingpong *pingpong = data;

    (void)fd;
    (void)what;
    if (++pingpong->trips == BENCH_ROUND_TRIPS) {
        event_base_loopbreak(pingpong->other);
        event_base_loopbreak(pingpong->base);
    } else {
        event_active(pingpong->ping, EV_READ, 0);
    }
}

static int run_pingpong(void)
{
    struct pingpong pingpong = {.base = event_base_new(), .other = event_base_new()};
    pthread_t thread;

    pingpong.ping = event_new(pingpong.other, -1, EV_PERSIST, on_ping, &pingpong);
    pingpong.pong = event_new(pingpong.base, -1, EV_PERSIST, on_pong, &pingpong);
    start_thread(&thread, pingpong.other);

    uint64_t start_ns = bench_now_ns();

    event_active(pingpong.ping, EV_READ, 0);
    event_base_loop(pingpong.base, EVLOOP_NO_EXIT_ON_EMPTY);
    bench_report_pingpong("libevent", start_ns);
    pthread_join(thread, NULL);
    event_free(pingpong.ping);
    event_free(pingpong.pong);
    event_base_free(pingpong.other);
    event_base_free(pingpong.base);
    return 0;
}

struct timer_churn {
    struct event *timer;
    uint32_t random;
};

static void on_timeout(evutil_socket_t fd, short what, void *data)
{
    (void)fd;
    (void)what;
    (void)data;
}

static void start_timer(struct event *timer, uint32_t *random)
{
    uint32_t delay_ms = bench_timer_delay_ms(random);
    struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};

    event_add(timer, &delay);
}

static void churn_chunk(void *context, size_t count)
{
    struct timer_churn *churn = context;

    for (size_t i = 0; i < count; i++) {
        start_timer(churn->timer, &churn->random);
        event_del(churn->timer);
    }
}

static int run_timer_churn(void)
{
    struct event_base *base = event_base_new();
    struct timer_churn churn = {.timer = evtimer_new(base, on_timeout, NULL), .random = 1};

    for (int i = 0; i < BENCH_TIMERS; i++) {
        start_timer(evtimer_new(base, on_timeout, NULL), &churn.random);
    }
    bench_report("timer_churn", "libevent",
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

    if (evthread_use_pthreads() < 0) {
        return 1;
    }
    return bench_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
