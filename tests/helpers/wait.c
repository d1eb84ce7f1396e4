/* SPDX-License-Identifier: MIT */
/* Waiting for events. See wait.h. */
#include "wait.h"

#include "check.h"

#include <errno.h>
#include <time.h>

#define PUMP_NS (2 * HY_MILLISECOND)

bool wait_for(bool (*condition)(void *context), void *context)
{
    int64_t limit_ns = hy_now_ns() + WAIT_LIMIT_S * HY_SECOND;

    while (!condition(context)) {
        int64_t now_ns = hy_now_ns();

        if (!EXPECT(now_ns < limit_ns))
            return false;
        if (!EXPECT(hy_process(HY_PROCESS_WAIT, now_ns + PUMP_NS) >= 0))
            return false;
    }
    return true;
}

struct count_goal {
    const int *counter;
    int at_least;
};

static bool count_reached(void *context)
{
    const struct count_goal *goal = context;

    return count_get(goal->counter) >= goal->at_least;
}

bool wait_count(const int *counter, int at_least)
{
    struct count_goal goal = {counter, at_least};

    return wait_for(count_reached, &goal);
}

static bool time_reached(void *context)
{
    const int64_t *when_ns = context;

    return hy_now_ns() >= *when_ns;
}

void wait_until_ns(int64_t when_ns)
{
    (void)wait_for(time_reached, &when_ns);
}

void wait_drain(void)
{
    for (int quiet = 0, pass = 0; quiet < 2 && pass < 100000; pass++)
        quiet = hy_process(0, HY_FOREVER) > 0 ? 0 : quiet + 1;
}

int wait_process(unsigned flags)
{
    int sum = 0, count;

    while ((count = hy_process(flags, HY_FOREVER)) > 0)
        sum += count;
    return count < 0 ? count : sum;
}

void wait_busy_until_ns(int64_t when_ns)
{
    while (hy_now_ns() < when_ns) {
    }
}

int count_up(int *counter)
{
    return __atomic_add_fetch(counter, 1, __ATOMIC_ACQ_REL);
}

int count_get(const int *counter)
{
    return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

void gate_init(struct gate *gate)
{
    (void)EXPECT(sem_init(&gate->semaphore, 0, 0) == 0);
}

void gate_fini(struct gate *gate)
{
    (void)sem_destroy(&gate->semaphore);
}

void gate_open(struct gate *gate)
{
    (void)sem_post(&gate->semaphore);
}

bool gate_wait(struct gate *gate)
{
    struct timespec limit;
    int rc;

    (void)clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += check_under_valgrind() ? 10 * WAIT_LIMIT_S : WAIT_LIMIT_S;
    do
        rc = sem_timedwait(&gate->semaphore, &limit);
    while (rc < 0 && errno == EINTR);
    return EXPECT(rc == 0);
}
