/* SPDX-License-Identifier: MIT */
/*
 * No library: hand-written loops that do only what the benchmark asks, as the limit to compare
 * with. Emission is an indirect call per slot; events cross threads by value in a growing array
 * under a mutex, taken whole, with an eventfd written only when the consumer has gone to sleep; a
 * round trip is an epoll_wait(), a read and a write of an eventfd on each side.
 */
#include "harness.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    SLOTS_MAX = 10
};

struct slot {
    void (*function)(void *context, int value);
    void *context;
};

struct source {
    size_t slot_count;
    struct slot slots[SLOTS_MAX];
};

static void on_changed(void *context, int value)
{
    long *sum = context;

    *sum += value;
}

/* Kept out of line as a library's would be. */
__attribute__((noinline)) static void source_emit(const struct source *source, int value)
{
    for (size_t i = 0; i < source->slot_count; i++) {
        source->slots[i].function(source->slots[i].context, value);
    }
}

static void emit_chunk(void *context, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        source_emit(context, (int)i);
        __asm__ volatile("" ::: "memory");
    }
}

static int run_emit(const char *bench, size_t slot_count)
{
    struct source source = {.slot_count = slot_count};
    long sums[SLOTS_MAX] = {0};

    for (size_t i = 0; i < slot_count; i++) {
        source.slots[i] = (struct slot){on_changed, &sums[i]};
    }
    bench_report(bench, "raw", bench_median_ns(emit_chunk, &source, BENCH_EMITS_PER_CHUNK), "ns");
    return 0;
}

static int run_emit_none(void)
{
    return run_emit("emit_none", 0);
}

static int run_emit_direct_1(void)
{
    return run_emit("emit_direct_1", 1);
}

static int run_emit_direct_10(void)
{
    return run_emit("emit_direct_10", 10);
}

/* An eventfd and an epoll descriptor that waits for it and could wait for more. */
struct waker {
    int event_fd;
    int epoll_fd;
};

static void check(bool is_good, const char *what)
{
    if (!is_good) {
        perror(what);
        exit(1);
    }
}

static void waker_init(struct waker *waker)
{
    struct epoll_event event = {.events = EPOLLIN};

    waker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    waker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    check(waker->event_fd >= 0 && waker->epoll_fd >= 0, "cannot create a descriptor");
    check(epoll_ctl(waker->epoll_fd, EPOLL_CTL_ADD, waker->event_fd, &event) == 0, "epoll_ctl");
}

static void waker_wake(const struct waker *waker)
{
    uint64_t one = 1;

    check(write(waker->event_fd, &one, sizeof one) == sizeof one, "cannot write an eventfd");
}

static void waker_wait(const struct waker *waker)
{
    struct epoll_event event;
    uint64_t count;

    while (epoll_wait(waker->epoll_fd, &event, 1, -1) != 1) {
    }
    check(read(waker->event_fd, &count, sizeof count) == sizeof count, "cannot read an eventfd");
}

struct array {
    struct bench_payload *items;
    size_t count;
    size_t capacity;
};

struct channel {
    pthread_mutex_t lock;
    struct array filling; /* by the producer, under `lock` */
    bool is_asleep;       /* the consumer, under `lock` */
    struct waker waker;
};

static void channel_push(struct channel *channel, const struct bench_payload *payload)
{
    struct array *array = &channel->filling;

    pthread_mutex_lock(&channel->lock);
    if (array->count == array->capacity) {
        array->capacity = array->capacity > 0 ? array->capacity * 2 : 1024;
        array->items = realloc(array->items, array->capacity * sizeof *array->items);
        check(array->items != NULL, "realloc");
    }
    array->items[array->count++] = *payload;

    bool must_wake = channel->is_asleep;

    channel->is_asleep = false;
    pthread_mutex_unlock(&channel->lock);
    if (must_wake) {
        waker_wake(&channel->waker);
    }
}

static void *consume(void *data)
{
    struct channel *channel = data;
    struct array taken = {0};
    uint64_t expected = 0;

    while (expected < BENCH_QUEUED_EVENTS) {
        pthread_mutex_lock(&channel->lock);

        struct array filled = channel->filling;

        channel->filling = taken;
        channel->is_asleep = filled.count == 0;
        pthread_mutex_unlock(&channel->lock);
        if (filled.count == 0) {
            waker_wait(&channel->waker);
        }
        for (size_t i = 0; i < filled.count; i++) {
            bench_check_sequence(&filled.items[i], &expected);
        }
        taken = filled;
        taken.count = 0;
    }
    free(taken.items);
    return NULL;
}

static int run_queued_emit(void)
{
    struct channel channel = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t thread;

    waker_init(&channel.waker);
    pthread_create(&thread, NULL, consume, &channel);

    uint64_t start_ns = bench_now_ns();
    uint64_t start_cpu_ns = bench_cpu_ns();

    for (uint64_t i = 0; i < BENCH_QUEUED_EVENTS; i++) {
        struct bench_payload payload = {i, {i, i, i}};

        channel_push(&channel, &payload);
    }
    pthread_join(thread, NULL);
    bench_report_queued("raw", start_ns, start_cpu_ns);
    free(channel.filling.items);
    return 0;
}

static struct waker ping;
static struct waker pong;

static void *answer_pings(void *data)
{
    for (int i = 0; i < BENCH_ROUND_TRIPS; i++) {
        waker_wait(&ping);
        waker_wake(&pong);
    }
    return data;
}

static int run_pingpong(void)
{
    pthread_t thread;

    waker_init(&ping);
    waker_init(&pong);
    pthread_create(&thread, NULL, answer_pings, NULL);

    uint64_t start_ns = bench_now_ns();

    for (int i = 0; i < BENCH_ROUND_TRIPS; i++) {
        waker_wake(&ping);
        waker_wait(&pong);
    }
    bench_report_pingpong("raw", start_ns);
    pthread_join(thread, NULL);
    return 0;
}

/* A call by hand: a request and an answer under a mutex, a condition variable for each. */
struct exchange {
    pthread_mutex_t lock;
    pthread_cond_t asked, answered;
    int state; /* under `lock`: 0 nothing, 1 asked, 2 answered */
    int argument;
    long sum;
};

static void *answer_calls(void *context)
{
    struct exchange *exchange = context;

    for (int i = 0; i < BENCH_ROUND_TRIPS; i++) {
        pthread_mutex_lock(&exchange->lock);
        while (exchange->state != 1)
            pthread_cond_wait(&exchange->asked, &exchange->lock);
        exchange->sum += exchange->argument;
        exchange->state = 2;
        pthread_mutex_unlock(&exchange->lock);
        pthread_cond_signal(&exchange->answered);
    }
    return NULL;
}

static int run_call(void)
{
    struct exchange exchange = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                .asked = PTHREAD_COND_INITIALIZER,
                                .answered = PTHREAD_COND_INITIALIZER};
    pthread_t thread;

    pthread_create(&thread, NULL, answer_calls, &exchange);

    uint64_t start_ns = bench_now_ns();

    for (int i = 0; i < BENCH_ROUND_TRIPS; i++) {
        pthread_mutex_lock(&exchange.lock);
        exchange.argument = i;
        exchange.state = 1;
        pthread_mutex_unlock(&exchange.lock);
        pthread_cond_signal(&exchange.asked);
        pthread_mutex_lock(&exchange.lock);
        while (exchange.state != 2)
            pthread_cond_wait(&exchange.answered, &exchange.lock);
        pthread_mutex_unlock(&exchange.lock);
    }
    bench_report_round_trip("call", "raw", start_ns);
    pthread_join(thread, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"emit_none", run_emit_none},
        {"emit_direct_1", run_emit_direct_1},
        {"emit_direct_10", run_emit_direct_10},
        {"queued_emit", run_queued_emit},
        {"pingpong", run_pingpong},
        {"call", run_call},
    };

    return bench_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
