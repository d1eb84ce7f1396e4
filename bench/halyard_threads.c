/* SPDX-License-Identifier: MIT */
/*
 * From thread to thread: queued signals, events and invocations, round trips, moves, and threads
 * themselves.
 */
#include "bench_halyard.h"

#include <semaphore.h>

struct source {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(struct bench_payload) produced;
        hy_signal(struct bench_large_payload) produced_large;
        hy_signal(int) ping;
    } events;
    uint64_t trips;
};
static const struct hy_class source_class =
    HY_CLASS(struct source, .signals = HY_SIGNALS(HY_PLAIN(struct source, events.produced),
                                                  HY_PLAIN(struct source, events.produced_large),
                                                  HY_PLAIN(struct source, events.ping)));

struct sink {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(int) pong;
    } events;
    long sum;
};
static void sink_event(struct hy_object *object, struct hy_event *event);
static const struct hy_class sink_class = HY_CLASS(
    struct sink, .event = sink_event, .signals = HY_SIGNALS(HY_PLAIN(struct sink, events.pong)));

/* A thread with a loop, and a receiver in it. */
struct consumer {
    struct hy_thread thread;
    struct sink sink;
};

static void consumer_init(struct consumer *consumer)
{
    check(hy_thread_init(&consumer->thread, "consumer", NULL));
    check(hy_object_init(&consumer->sink.hy, &sink_class, NULL));
    check(hy_object_move_to_thread(&consumer->sink.hy, &consumer->thread));
}

/* --- one-way
 * -------------------------------------------------------------------------------------- */

static struct consumer consumer;
static struct source sources[BENCH_PRODUCERS_MAX];

static void sink_produced(struct sink *sink, const struct bench_payload *payload)
{
    (void)sink;
    bench_receive(payload);
}

static void sink_produced_large(struct sink *sink, const struct bench_large_payload *payload)
{
    (void)sink;
    bench_receive(&payload->head);
}

static void sink_event(struct hy_object *object, struct hy_event *event)
{
    (void)object;
    bench_receive(event->data);
}

static void sink_invoked(struct hy_object *object, const void *payload)
{
    (void)object;
    bench_receive(payload);
}

static void start_consumer(size_t producers)
{
    consumer_init(&consumer);
    for (size_t i = 0; i < producers; i++) {
        check(hy_object_init(&sources[i].hy, &source_class, NULL));
        check(hy_connect(&sources[i].events.produced, &consumer.sink, sink_produced, HY_AUTO));
        check(hy_connect(&sources[i].events.produced_large, &consumer.sink, sink_produced_large,
                         HY_AUTO));
    }
    check(hy_thread_start(&consumer.thread));
}

static void stop_consumer(void)
{
    check(hy_thread_fini(&consumer.thread));
}

static void produce(size_t producer, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        check(hy_emit_with(&sources[producer].events.produced, i, producer, {i, i}));
}

static void produce_large(size_t producer, uint64_t count)
{
    struct bench_large_payload payload = {.head = {.producer = producer}};

    for (uint64_t i = 0; i < count; i++) {
        payload.head.sequence = i;
        check(hy_emit(&sources[producer].events.produced_large, &payload));
    }
}

static void post(size_t producer, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        const struct bench_payload payload = {i, producer, {i, i}};
        check(hy_post(&consumer.sink.hy, HY_EVENT_USER, &payload, sizeof payload,
                      HY_PRIORITY_NORMAL));
    }
}

static void invoke(size_t producer, uint64_t count)
{
    static const struct hy_payload description = HY_PLAIN_PAYLOAD(struct bench_payload);

    for (uint64_t i = 0; i < count; i++) {
        const struct bench_payload payload = {i, producer, {i, i}};
        check(hy_invoke(&consumer.sink.hy, sink_invoked, &description, &payload));
    }
}

const struct bench_carrier halyard_queued = {start_consumer, produce, stop_consumer};
const struct bench_carrier halyard_queued_large = {start_consumer, produce_large, stop_consumer};
const struct bench_carrier halyard_posted = {start_consumer, post, stop_consumer};
const struct bench_carrier halyard_invoked = {start_consumer, invoke, stop_consumer};

/* --- there and back
 * --------------------------------------------------------------------------------- */

static void sink_ping(struct sink *sink, const int *value)
{
    hy_emit(&sink->events.pong, value);
}

static void source_pong(struct source *source, const int *value)
{
    if (--source->trips == 0)
        hy_thread_quit(hy_thread_current(), 0);
    else
        hy_emit(&source->events.ping, value);
}

void halyard_ping_pong(uint64_t trips)
{
    struct source source;

    check(hy_object_init(&source.hy, &source_class, NULL));
    source.trips = trips;
    consumer_init(&consumer);
    check(hy_connect(&source.events.ping, &consumer.sink, sink_ping, HY_AUTO));
    check(hy_connect(&consumer.sink.events.pong, &source, source_pong, HY_AUTO));
    check(hy_thread_start(&consumer.thread));
    hy_emit_with(&source.events.ping, 1);
    check(hy_thread_exec());
    check(hy_thread_fini(&consumer.thread));
    check(hy_object_fini(&source.hy));
}

static int add_up(struct hy_object *receiver, void *argument)
{
    struct sink *sink = (struct sink *)(void *)receiver;

    sink->sum += *(int *)argument;
    return 0;
}

void halyard_call(uint64_t trips)
{
    consumer_init(&consumer);
    check(hy_thread_start(&consumer.thread));
    for (uint64_t i = 0; i < trips; i++) {
        int value = (int)i;
        check(hy_call(&consumer.sink.hy, add_up, &value, sizeof value, HY_FOREVER, NULL));
    }
    check(hy_thread_fini(&consumer.thread));
}

static void sink_add(struct sink *sink, const int *value)
{
    sink->sum += *value;
}

void halyard_emit_blocking(uint64_t trips)
{
    struct source source;

    check(hy_object_init(&source.hy, &source_class, NULL));
    consumer_init(&consumer);
    check(hy_connect(&source.events.ping, &consumer.sink, sink_add, HY_BLOCKING));
    check(hy_thread_start(&consumer.thread));
    for (uint64_t i = 0; i < trips; i++) {
        const int value = (int)i;
        check(hy_emit(&source.events.ping, &value));
    }
    check(hy_thread_fini(&consumer.thread));
    check(hy_object_fini(&source.hy));
}

/* --- a backlog
 * ---------------------------------------------------------------------------------------- */

struct backlog {
    struct source source;
    struct sink sink;
    size_t size;
};

static void sink_sum(struct sink *sink, const struct bench_payload *payload)
{
    sink->sum += (long)payload->data[0];
}

void *halyard_make_backlog(size_t size)
{
    struct backlog *backlog = allocate(1, sizeof *backlog);

    backlog->size = size;
    check(hy_object_init(&backlog->source.hy, &source_class, NULL));
    check(hy_object_init(&backlog->sink.hy, &sink_class, NULL));
    check(hy_connect(&backlog->source.events.produced, &backlog->sink, sink_sum, HY_QUEUED));
    return backlog;
}

void halyard_fill_and_deliver(void *context, size_t count)
{
    struct backlog *backlog = context;

    for (; count > 0; count--) {
        for (uint64_t i = 0; i < backlog->size; i++)
            check(hy_emit_with(&backlog->source.events.produced, i, 0, {i, i}));
        check(hy_posted_flush(NULL, HY_EVENT_ANY));
    }
}

static sem_t all_moved;

struct moving {
    HY_INHERITS(hy_object);
    size_t left;
};

static void moving_event(struct hy_object *object, struct hy_event *event)
{
    struct moving *moving = (struct moving *)(void *)object;

    (void)event;
    if (--moving->left == 0)
        sem_post(&all_moved);
}
static const struct hy_class moving_class = HY_CLASS(struct moving, .event = moving_event);

uint64_t halyard_move_with_backlog(size_t count)
{
    const struct bench_payload payload = {0, 0, {0, 0}};
    struct hy_thread thread;
    struct moving moving = {.left = count};

    sem_init(&all_moved, 0, 0);
    check(hy_thread_init(&thread, "target", NULL));
    check(hy_thread_start(&thread));
    check(hy_object_init(&moving.hy, &moving_class, NULL));
    for (size_t i = 0; i < count; i++)
        check(hy_post(&moving.hy, HY_EVENT_USER, &payload, sizeof payload, HY_PRIORITY_NORMAL));

    uint64_t start_ns = bench_now_ns();

    check(hy_object_move_to_thread(&moving.hy, &thread));

    uint64_t taken_ns = bench_now_ns() - start_ns;

    while (sem_wait(&all_moved) < 0) {
    }
    check(hy_thread_fini(&thread));
    return taken_ns;
}

/* --- threads
 * ------------------------------------------------------------------------------------------- */

static struct hy_thread starting;

static void context_began(struct hy_object *context, const void *payload)
{
    (void)context;
    (void)payload;
    bench_thread_began();
}

static void start_thread(void)
{
    check(hy_thread_init(&starting, "starting", NULL));
    check(hy_invoke(hy_thread_context(&starting), context_began, NULL, NULL));
    check(hy_thread_start(&starting));
}

static void join_thread(void)
{
    check(hy_thread_fini(&starting));
}

const struct bench_thread halyard_thread = {start_thread, join_thread};

static struct hy_thread *threads;
static size_t thread_count;

static void context_arrived(struct hy_object *context, const void *payload)
{
    (void)context;
    (void)payload;
    bench_arrived();
}

static void start_threads(size_t count)
{
    thread_count = count;
    threads = allocate(count, sizeof *threads);
    for (size_t i = 0; i < count; i++) {
        check(hy_thread_init(&threads[i], "one of many", NULL));
        check(hy_thread_start(&threads[i]));
    }
}

static void send_to_thread(size_t thread)
{
    check(hy_invoke(hy_thread_context(&threads[thread]), context_arrived, NULL, NULL));
}

static void stop_threads(void)
{
    for (size_t i = 0; i < thread_count; i++)
        check(hy_thread_fini(&threads[i]));
}

const struct bench_threads halyard_threads = {start_threads, send_to_thread, stop_threads};
