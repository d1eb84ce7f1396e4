/* SPDX-License-Identifier: MIT */
/*
 * Halyard's core: direct and queued signals, two threads' loops in turn, timers. The same work as
 * the peers' programs.
 */
#include "harness.h"

#include <halyard/halyard.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SLOTS_MAX = 10
};

struct source {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(int) changed;
        hy_signal(struct bench_payload) produced;
        hy_signal(int) ping;
    } events;
    int trips;
};
static const struct hy_class source_class =
    HY_CLASS(struct source, .signals = HY_SIGNALS(HY_PLAIN(struct source, events.changed),
                                                  HY_PLAIN(struct source, events.produced),
                                                  HY_PLAIN(struct source, events.ping)));

struct sink {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(int) pong;
    } events;
    long sum;
    uint64_t expected;
};
static const struct hy_class sink_class =
    HY_CLASS(struct sink, .signals = HY_SIGNALS(HY_PLAIN(struct sink, events.pong)));

static void check(int rc)
{
    if (rc < 0) {
        fprintf(stderr, "%s\n", hy_last_error()->message);
        exit(1);
    }
}

static void sink_changed(struct sink *sink, const int *value)
{
    sink->sum += *value;
}

static void emit_chunk(void *context, size_t count)
{
    struct source *source = context;
    for (size_t i = 0; i < count; i++) {
        const int value = (int)i;
        hy_emit(&source->events.changed, &value);
    }
}

static int run_emit(const char *bench, size_t slot_count)
{
    struct source source;
    struct sink sinks[SLOTS_MAX];
    check(hy_object_init(&source.hy, &source_class, NULL));
    for (size_t i = 0; i < slot_count; i++) {
        check(hy_object_init(&sinks[i].hy, &sink_class, NULL));
        sinks[i].sum = 0;
        check(hy_connect(&source.events.changed, &sinks[i], sink_changed, HY_AUTO));
    }
    bench_report(bench, "halyard", bench_median_ns(emit_chunk, &source, BENCH_EMITS_PER_CHUNK),
                 "ns");
    for (size_t i = 0; i < slot_count; i++)
        hy_object_fini(&sinks[i].hy);
    hy_object_fini(&source.hy);
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

static void sink_produced(struct sink *sink, const struct bench_payload *payload)
{
    bench_check_sequence(payload, &sink->expected);
    if (sink->expected == BENCH_QUEUED_EVENTS)
        hy_thread_quit(hy_thread_current(), 0);
}

static void start_with_sink(struct hy_thread *thread, struct sink *sink)
{
    check(hy_thread_init(thread, "consumer", NULL));
    check(hy_object_init(&sink->hy, &sink_class, NULL));
    sink->sum = 0;
    sink->expected = 0;
    check(hy_object_move_to_thread(&sink->hy, thread));
}

static int run_queued_emit(void)
{
    struct source source;
    struct hy_thread thread;
    struct sink sink;
    check(hy_object_init(&source.hy, &source_class, NULL));
    start_with_sink(&thread, &sink);
    check(hy_connect(&source.events.produced, &sink, sink_produced, HY_AUTO));
    check(hy_thread_start(&thread));

    uint64_t start_ns = bench_now_ns();
    uint64_t start_cpu_ns = bench_cpu_ns();
    for (uint64_t i = 0; i < BENCH_QUEUED_EVENTS; i++)
        hy_emit_with(&source.events.produced, i, {i, i, i});
    check(hy_thread_join(&thread, HY_FOREVER));
    bench_report_queued("halyard", start_ns, start_cpu_ns);
    hy_thread_fini(&thread);
    hy_object_fini(&source.hy);
    return 0;
}

static void sink_ping(struct sink *sink, const int *value)
{
    hy_emit(&sink->events.pong, value);
}

static void source_pong(struct source *source, const int *value)
{
    if (++source->trips == BENCH_ROUND_TRIPS)
        hy_thread_quit(hy_thread_current(), 0);
    else
        hy_emit(&source->events.ping, value);
}

static int run_pingpong(void)
{
    struct source source;
    struct hy_thread thread;
    struct sink sink;
    check(hy_object_init(&source.hy, &source_class, NULL));
    source.trips = 0;
    start_with_sink(&thread, &sink);
    check(hy_connect(&source.events.ping, &sink, sink_ping, HY_AUTO));
    check(hy_connect(&sink.events.pong, &source, source_pong, HY_AUTO));
    check(hy_thread_start(&thread));

    uint64_t start_ns = bench_now_ns();
    hy_emit_with(&source.events.ping, 1);
    check(hy_thread_exec());
    bench_report_pingpong("halyard", start_ns);
    hy_thread_fini(&thread);
    hy_object_fini(&source.hy);
    return 0;
}

static int add_up(struct hy_object *receiver, void *argument)
{
    struct sink *sink = (struct sink *)(void *)receiver;
    sink->sum += *(int *)argument;
    return 0;
}

static int run_call(void)
{
    struct hy_thread thread;
    struct sink sink;
    start_with_sink(&thread, &sink);
    check(hy_thread_start(&thread));

    uint64_t start_ns = bench_now_ns();
    for (int i = 0; i < BENCH_ROUND_TRIPS; i++)
        check(hy_call(&sink.hy, add_up, &i, sizeof i, HY_FOREVER, NULL));
    bench_report_round_trip("call", "halyard", start_ns);
    hy_thread_fini(&thread);
    return 0;
}

static int run_blocking_emit(void)
{
    struct source source;
    struct hy_thread thread;
    struct sink sink;
    check(hy_object_init(&source.hy, &source_class, NULL));
    start_with_sink(&thread, &sink);
    check(hy_connect(&source.events.changed, &sink, sink_changed, HY_BLOCKING));
    check(hy_thread_start(&thread));

    uint64_t start_ns = bench_now_ns();
    for (int i = 0; i < BENCH_ROUND_TRIPS; i++)
        check(hy_emit(&source.events.changed, &i));
    bench_report_round_trip("blocking_emit", "halyard", start_ns);
    hy_object_fini(&source.hy);
    hy_thread_fini(&thread);
    return 0;
}

struct timer_churn {
    struct hy_timer timer;
    uint32_t random;
};

static void churn_chunk(void *context, size_t count)
{
    struct timer_churn *churn = context;
    for (size_t i = 0; i < count; i++) {
        check(hy_timer_start(&churn->timer, bench_timer_delay_ms(&churn->random) * HY_MILLISECOND));
        check(hy_timer_stop(&churn->timer));
    }
}

static int run_timer_churn(void)
{
    struct timer_churn churn = {.random = 1};
    struct hy_timer *others = calloc(BENCH_TIMERS, sizeof *others);
    if (others == NULL)
        return 1;
    for (size_t i = 0; i < BENCH_TIMERS; i++) {
        check(hy_timer_init(&others[i], NULL));
        check(hy_timer_start(&others[i], bench_timer_delay_ms(&churn.random) * HY_MILLISECOND));
    }
    check(hy_timer_init(&churn.timer, NULL));
    bench_report("timer_churn", "halyard",
                 bench_median_ns(churn_chunk, &churn, BENCH_TIMER_OPERATIONS_PER_CHUNK), "ns");
    for (size_t i = 0; i < BENCH_TIMERS; i++)
        hy_timer_fini(&others[i]);
    hy_timer_fini(&churn.timer);
    free(others);
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
        {"blocking_emit", run_blocking_emit},
        {"timer_churn", run_timer_churn},
    };
    return bench_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
