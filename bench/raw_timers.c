/* SPDX-License-Identifier: MIT */
/*
 * Timers on a wheel of four levels that turns every millisecond; precise ones in an array whose
 * least deadline is looked for, which is as good as anything at a thousand. Watched descriptors are
 * epoll's.
 */
#include "bench_raw.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

enum {
    LEVELS = 4,
    BITS = 8,
    SLOTS = 1 << BITS,
    READY_MAX = 256,
};

struct timer {
    struct timer *next, **previous; /* `previous` is NULL when it does not run */
    uint64_t tick;
    uint32_t interval_ms;
};

static struct timer *timers;
static size_t timer_count;
static uint64_t *precise_ns; /* deadlines; UINT64_MAX when it does not run; or NULL: the wheel */

static struct timer *slots[LEVELS][SLOTS];
static uint64_t current; /* tick */
static uint64_t made_ns; /* when tick 0 was */
static bool is_zero;

static void add(struct timer *timer)
{
    uint64_t distance = timer->tick - current;
    unsigned level = 0;

    while (level + 1 < LEVELS && distance >> (BITS * (level + 1)) != 0)
        level++;

    struct timer **slot = &slots[level][timer->tick >> (BITS * level) & (SLOTS - 1)];

    timer->next = *slot;
    timer->previous = slot;
    if (timer->next != NULL)
        timer->next->previous = &timer->next;
    *slot = timer;
}

static inline void stop(struct timer *timer)
{
    if (timer->previous == NULL)
        return;
    *timer->previous = timer->next;
    if (timer->next != NULL)
        timer->next->previous = timer->previous;
    timer->previous = NULL;
}

/* The tick that has come at the earliest when `delay_ms` from `now_ns` are over. */
static void start_from(struct timer *timer, uint64_t now_ns, uint32_t delay_ms)
{
    stop(timer);
    timer->tick = (now_ns - made_ns + 999999) / 1000000 + delay_ms;
    add(timer);
}

static void make(size_t count, bool is_precise)
{
    free(timers);
    timers = allocate(count, sizeof *timers);
    timer_count = count;
    made_ns = bench_now_ns();
    if (is_precise) {
        precise_ns = allocate(count, sizeof *precise_ns);
        for (size_t i = 0; i < count; i++)
            precise_ns[i] = UINT64_MAX;
    }
}

static void start(size_t index, uint32_t delay_ms)
{
    if (precise_ns != NULL)
        precise_ns[index] = bench_now_ns() + delay_ms * UINT64_C(1000000);
    else
        start_from(&timers[index], bench_now_ns(), delay_ms);
}

static void start_periodic(size_t index, uint32_t interval_ms)
{
    timers[index].interval_ms = interval_ms;
    start_from(&timers[index], bench_now_ns(), interval_ms);
}

static void start_zero(void)
{
    is_zero = true;
}

static void start_and_stop(void *random, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        start_from(&timers[0], bench_now_ns(), bench_timer_delay_ms(random));
        stop(&timers[0]);
    }
}

static void start_at_and_stop(void *random, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        start_from(&timers[0], made_ns, bench_timer_delay_ms(random));
        stop(&timers[0]);
    }
}

static void restart_chunk(void *context, size_t count)
{
    struct bench_restart *restart = context;

    for (size_t i = 0; i < count; i++)
        start_from(&timers[bench_restart_next(restart)], bench_now_ns(),
                   bench_timer_delay_ms(&restart->random));
}

/* Takes the timers of a slot to where they belong now. */
static void cascade(unsigned level)
{
    struct timer **slot = &slots[level][current >> (BITS * level) & (SLOTS - 1)];

    while (*slot != NULL) {
        struct timer *timer = *slot;

        stop(timer);
        add(timer);
    }
}

static void turn(void)
{
    current++;
    for (unsigned level = 1; level < LEVELS; level++) {
        if ((current & ((UINT64_C(1) << (BITS * level)) - 1)) == 0)
            cascade(level);
    }

    struct timer **slot = &slots[0][current & (SLOTS - 1)];

    while (*slot != NULL) {
        struct timer *timer = *slot;

        stop(timer);
        if (timer->interval_ms > 0) {
            timer->tick += timer->interval_ms;
            add(timer);
        }
        bench_timer_fired((size_t)(timer - timers));
    }
}

static void run_wheel(int epoll)
{
    struct epoll_event event;

    for (;;) {
        while (current < (bench_now_ns() - made_ns) / 1000000)
            turn();
        epoll_wait(epoll, &event, 1, 1);
    }
}

static void run_precise(int epoll)
{
    struct epoll_event event;

    for (;;) {
        uint64_t now_ns = bench_now_ns();
        uint64_t least_ns = UINT64_MAX;

        for (size_t i = 0; i < timer_count; i++) {
            if (precise_ns[i] <= now_ns) {
                precise_ns[i] = UINT64_MAX;
                bench_timer_fired(i);
            }
            if (precise_ns[i] < least_ns)
                least_ns = precise_ns[i];
        }
        now_ns = bench_now_ns();
        if (least_ns > now_ns) {
            uint64_t wait_ns = least_ns - now_ns;
            struct timespec wait = {.tv_sec = (time_t)(wait_ns / 1000000000u),
                                    .tv_nsec = (long)(wait_ns % 1000000000u)};

            epoll_pwait2(epoll, &event, 1, &wait, NULL);
        }
    }
}

static void run_timers(void)
{
    struct epoll_event event;
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    bench_check(epoll >= 0, "epoll_create1");
    while (is_zero) {
        epoll_wait(epoll, &event, 1, 0);
        bench_timer_fired(0);
    }
    if (precise_ns != NULL)
        run_precise(epoll);
    else
        run_wheel(epoll);
}

const struct bench_timers raw_timers = {
    .count_max = SIZE_MAX,
    .make = make,
    .start = start,
    .start_periodic = start_periodic,
    .start_zero = start_zero,
    .start_and_stop = start_and_stop,
    .start_at_and_stop = start_at_and_stop,
    .restart = restart_chunk,
    .run = run_timers,
};

static int watching = -1;

static void watch(size_t index, int descriptor)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = index};

    if (watching < 0)
        watching = epoll_create1(EPOLL_CLOEXEC);
    bench_check(epoll_ctl(watching, EPOLL_CTL_ADD, descriptor, &event) == 0, "epoll_ctl");
}

static void run_notifiers(void)
{
    struct epoll_event events[READY_MAX];

    for (;;) {
        int ready = epoll_wait(watching, events, READY_MAX, -1);

        for (int i = 0; i < ready; i++)
            bench_notifier_ready((size_t)events[i].data.u64);
    }
}

const struct bench_notifiers raw_notifiers = {watch, run_notifiers};
