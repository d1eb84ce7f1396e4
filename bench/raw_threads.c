/* SPDX-License-Identifier: MIT */
/*
 * Events cross threads by value in a growing array under a mutex, taken whole, with a wake-up only
 * when the consumer has gone to sleep. A wake-up is an eventfd, watched edge-triggered and never
 * read; a call is a mutex and two condition variables.
 */
#include "bench_raw.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* An eventfd and an epoll descriptor that waits for it and could wait for more. */
struct waker {
    int event_fd;
    int epoll_fd;
};

static void waker_init(struct waker *waker)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};

    waker->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    waker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    bench_check(waker->event_fd >= 0 && waker->epoll_fd >= 0, "cannot create a descriptor");
    bench_check(epoll_ctl(waker->epoll_fd, EPOLL_CTL_ADD, waker->event_fd, &event) == 0,
                "epoll_ctl");
}

static void waker_fini(struct waker *waker)
{
    close(waker->epoll_fd);
    close(waker->event_fd);
}

static void waker_wake(const struct waker *waker)
{
    uint64_t one = 1;

    bench_check(write(waker->event_fd, &one, sizeof one) == sizeof one, "cannot write an eventfd");
}

static void waker_wait(const struct waker *waker)
{
    struct epoll_event event;

    while (epoll_wait(waker->epoll_fd, &event, 1, -1) != 1) {
    }
}

struct array {
    char *bytes;
    size_t count;
    size_t capacity;
};

struct channel {
    pthread_t thread;
    pthread_mutex_t lock;
    struct array filling; /* by the producers, under `lock` */
    bool is_asleep;       /* the consumer, under `lock` */
    bool is_over;         /* under `lock` */
    struct waker waker;
    size_t item_size;
    void (*take)(const void *item); /* in the consumer */
};

static void *consume(void *data)
{
    struct channel *channel = data;
    struct array taken = {0};
    bool is_over = false;

    while (!is_over) {
        pthread_mutex_lock(&channel->lock);

        struct array filled = channel->filling;

        channel->filling = taken;
        channel->is_asleep = filled.count == 0 && !channel->is_over;
        is_over = channel->is_over;
        pthread_mutex_unlock(&channel->lock);
        if (filled.count == 0 && !is_over)
            waker_wait(&channel->waker);
        for (size_t i = 0; i < filled.count; i++)
            channel->take(filled.bytes + i * channel->item_size);
        taken = filled;
        taken.count = 0;
    }
    free(taken.bytes);
    return NULL;
}

static void channel_start(struct channel *channel, size_t item_size, void (*take)(const void *item))
{
    *channel = (struct channel){.item_size = item_size, .take = take};
    pthread_mutex_init(&channel->lock, NULL);
    waker_init(&channel->waker);
    bench_check(pthread_create(&channel->thread, NULL, consume, channel) == 0, "pthread_create");
}

/* Inline with a constant size, so that copying an item is a few moves. */
static inline __attribute__((always_inline)) void channel_push(struct channel *channel,
                                                               const void *item, size_t item_size)
{
    struct array *array = &channel->filling;

    pthread_mutex_lock(&channel->lock);
    if (array->count == array->capacity) {
        array->capacity = array->capacity > 0 ? array->capacity * 2 : 64;
        array->bytes = realloc(array->bytes, array->capacity * item_size);
        bench_check(array->bytes != NULL, "realloc");
    }
    memcpy(array->bytes + array->count++ * item_size, item, item_size);

    bool must_wake = channel->is_asleep;

    channel->is_asleep = false;
    pthread_mutex_unlock(&channel->lock);
    if (must_wake)
        waker_wake(&channel->waker);
}

static void channel_stop(struct channel *channel)
{
    pthread_mutex_lock(&channel->lock);
    channel->is_over = true;
    pthread_mutex_unlock(&channel->lock);
    waker_wake(&channel->waker);
    pthread_join(channel->thread, NULL);
    waker_fini(&channel->waker);
    free(channel->filling.bytes);
}

/* --- one-way
 * -------------------------------------------------------------------------------------- */

static struct channel channel;

struct invocation {
    void (*function)(const struct bench_payload *payload);
    struct bench_payload payload;
};

static void take_payload(const void *item)
{
    bench_receive(item);
}

static void take_invocation(const void *item)
{
    const struct invocation *invocation = item;

    invocation->function(&invocation->payload);
}

static void start_payloads(size_t producers)
{
    (void)producers;
    channel_start(&channel, sizeof(struct bench_payload), take_payload);
}

static void start_large_payloads(size_t producers)
{
    (void)producers;
    channel_start(&channel, sizeof(struct bench_large_payload), take_payload);
}

static void start_invocations(size_t producers)
{
    (void)producers;
    channel_start(&channel, sizeof(struct invocation), take_invocation);
}

static void produce(size_t producer, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct bench_payload payload = {i, producer, {i, i}};

        channel_push(&channel, &payload, sizeof payload);
    }
}

static void produce_large(size_t producer, uint64_t count)
{
    struct bench_large_payload payload = {.head = {.producer = producer}};

    for (uint64_t i = 0; i < count; i++) {
        payload.head.sequence = i;
        channel_push(&channel, &payload, sizeof payload);
    }
}

static void invoke(size_t producer, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct invocation invocation = {bench_receive, {i, producer, {i, i}}};

        channel_push(&channel, &invocation, sizeof invocation);
    }
}

static void stop_channel(void)
{
    channel_stop(&channel);
}

const struct bench_carrier raw_queued = {start_payloads, produce, stop_channel};
const struct bench_carrier raw_queued_large = {start_large_payloads, produce_large, stop_channel};
const struct bench_carrier raw_invoked = {start_invocations, invoke, stop_channel};

/* What waits is copied to the array of the other thread. */
uint64_t raw_move_with_backlog(size_t count)
{
    struct bench_payload *from = allocate(count, sizeof *from);
    struct bench_payload *to = allocate(count, sizeof *to);
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    memset(from, 1, count * sizeof *from);
    memset(to, 2, count * sizeof *to);

    uint64_t start_ns = bench_now_ns();

    pthread_mutex_lock(&lock);
    memcpy(to, from, count * sizeof *from);
    pthread_mutex_unlock(&lock);
    __asm__ volatile("" ::"r"(to) : "memory");

    uint64_t taken_ns = bench_now_ns() - start_ns;

    free(from);
    free(to);
    return taken_ns;
}

/* --- there and back
 * --------------------------------------------------------------------------------- */

static struct waker ping;
static struct waker pong;

static void *answer_pings(void *data)
{
    uint64_t trips = *(uint64_t *)data;

    for (uint64_t i = 0; i < trips; i++) {
        waker_wait(&ping);
        waker_wake(&pong);
    }
    return NULL;
}

void raw_ping_pong(uint64_t trips)
{
    pthread_t thread;

    waker_init(&ping);
    waker_init(&pong);
    pthread_create(&thread, NULL, answer_pings, &trips);
    for (uint64_t i = 0; i < trips; i++) {
        waker_wake(&ping);
        waker_wait(&pong);
    }
    pthread_join(thread, NULL);
}

struct exchange {
    pthread_mutex_t lock;
    pthread_cond_t asked, answered;
    int state; /* under `lock`: 0 nothing, 1 asked, 2 answered */
    uint64_t argument, trips;
    uint64_t sum;
};

static void *answer_calls(void *context)
{
    struct exchange *exchange = context;

    for (uint64_t i = 0; i < exchange->trips; i++) {
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

void raw_call(uint64_t trips)
{
    struct exchange exchange = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                .asked = PTHREAD_COND_INITIALIZER,
                                .answered = PTHREAD_COND_INITIALIZER,
                                .trips = trips};
    pthread_t thread;

    pthread_create(&thread, NULL, answer_calls, &exchange);
    for (uint64_t i = 0; i < trips; i++) {
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
    pthread_join(thread, NULL);
}

/* --- threads
 * ------------------------------------------------------------------------------------------- */

/* What a loop needs is made in the thread, before the first event. */
static void *begin(void *context)
{
    struct waker waker;

    waker_init(&waker);
    bench_thread_began();
    waker_fini(&waker);
    return context;
}

static pthread_t starting;

static void start_thread(void)
{
    bench_check(pthread_create(&starting, NULL, begin, NULL) == 0, "pthread_create");
}

static void join_thread(void)
{
    pthread_join(starting, NULL);
}

const struct bench_thread raw_thread = {start_thread, join_thread};

static struct channel *channels;
static size_t channel_count;

static void take_arrival(const void *item)
{
    (void)item;
    bench_arrived();
}

static void start_threads(size_t count)
{
    channel_count = count;
    channels = allocate(count, sizeof *channels);
    for (size_t i = 0; i < count; i++)
        channel_start(&channels[i], sizeof(void *), take_arrival);
}

static void send_to_thread(size_t thread)
{
    void *nothing = NULL;

    channel_push(&channels[thread], &nothing, sizeof nothing);
}

static void stop_threads(void)
{
    for (size_t i = 0; i < channel_count; i++)
        channel_stop(&channels[i]);
}

const struct bench_threads raw_threads = {start_threads, send_to_thread, stop_threads};
