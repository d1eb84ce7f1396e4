/* SPDX-License-Identifier: MIT */
/*
 * Timers and notifiers.
 */
#include "bench_halyard.h"

static struct hy_timer *timers;
static int64_t made_ns;

static void timer_fired(struct hy_timer *timer)
{
    bench_timer_fired((size_t)(timer - timers));
}

static void make(size_t count, bool is_precise)
{
    timers = allocate(count, sizeof *timers);
    made_ns = hy_now_ns();
    for (size_t i = 0; i < count; i++) {
        check(hy_timer_init(&timers[i], NULL));
        check(hy_connect(&timers[i].events.timeout, &timers[i], timer_fired, HY_DIRECT));
        if (is_precise)
            check(hy_timer_set_accuracy(&timers[i], HY_TIMER_PRECISE));
    }
}

static void start(size_t index, uint32_t delay_ms)
{
    check(hy_timer_start_once(&timers[index], delay_ms * HY_MILLISECOND));
}

static void start_periodic(size_t index, uint32_t interval_ms)
{
    check(hy_timer_start(&timers[index], interval_ms * HY_MILLISECOND));
}

static void start_zero(void)
{
    check(hy_timer_start(&timers[0], 0));
}

static void start_and_stop(void *random, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check(hy_timer_start_once(&timers[0], bench_timer_delay_ms(random) * HY_MILLISECOND));
        check(hy_timer_stop(&timers[0]));
    }
}

static void start_at_and_stop(void *random, size_t count)
{
    /* As those of all others are. */
    check(hy_timer_set_accuracy(&timers[0], HY_TIMER_PRECISE));
    for (size_t i = 0; i < count; i++) {
        check(
            hy_timer_start_at(&timers[0], made_ns + bench_timer_delay_ms(random) * HY_MILLISECOND));
        check(hy_timer_stop(&timers[0]));
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
    check(hy_thread_exec());
}

const struct bench_timers halyard_timers = {
    .count_max = SIZE_MAX,
    .make = make,
    .start = start,
    .start_periodic = start_periodic,
    .start_zero = start_zero,
    .start_and_stop = start_and_stop,
    .start_at_and_stop = start_at_and_stop,
    .restart = restart_chunk,
    .run = run,
};

static struct hy_notifier notifiers[BENCH_SOCKETS];

static void notifier_ready(struct hy_notifier *notifier)
{
    bench_notifier_ready((size_t)(notifier - notifiers));
}

static void watch(size_t index, int descriptor)
{
    check(hy_notifier_init(&notifiers[index], NULL));
    check(hy_connect(&notifiers[index].events.ready, &notifiers[index], notifier_ready, HY_DIRECT));
    check(hy_notifier_watch(&notifiers[index], descriptor, HY_READABLE));
}

const struct bench_notifiers halyard_notifiers = {watch, run};
