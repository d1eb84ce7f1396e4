/* SPDX-License-Identifier: MIT */
/* A worker in a thread of its own: orders go there and results come back, both by queued signals.
 * There is no mutex, and no callback runs in a thread that it does not expect. */
#include <halyard/halyard.h>
#include <stdio.h>

struct range {
    uint32_t first, last;
};
struct count {
    struct range range;
    uint32_t primes;
};

struct worker {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(struct count) counted;
    } events;
};
static const struct hy_class worker_class =
    HY_CLASS(struct worker, .signals = HY_SIGNALS(HY_PLAIN(struct worker, events.counted)));

struct office {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(struct range) order;
    } events;
    uint32_t answers;
};
static const struct hy_class office_class =
    HY_CLASS(struct office, .signals = HY_SIGNALS(HY_PLAIN(struct office, events.order)));

static bool is_prime(uint32_t number)
{
    for (uint32_t divisor = 2; divisor <= number / divisor; divisor++)
        if (number % divisor == 0)
            return false;
    return number >= 2;
}

static void worker_count(struct worker *self, const struct range *range) /* thread: worker */
{
    struct count count = {*range, 0};
    for (uint32_t number = range->first; number <= range->last; number++)
        count.primes += is_prime(number) ? 1 : 0;
    hy_emit(&self->events.counted, &count);
}

static void office_counted(struct office *self, const struct count *count) /* thread: main */
{
    printf("%u..%u: %u primes\n", count->range.first, count->range.last, count->primes);
    if (++self->answers == 3)
        hy_app_quit(0);
}

int main(void)
{
    static struct hy_app app;
    static struct hy_thread thread;
    static struct worker worker;
    static struct office office;
    if (hy_app_init(&app) < 0 || hy_thread_init(&thread, "worker", &app.hy) < 0 ||
        hy_object_init(&worker.hy, &worker_class, NULL) < 0 ||
        hy_object_init(&office.hy, &office_class, &app.hy) < 0 ||
        hy_object_move_to_thread(&worker.hy, &thread) < 0 ||
        hy_connect(&office.events.order, &worker, worker_count, HY_AUTO) < 0 ||
        hy_connect(&worker.events.counted, &office, office_counted, HY_AUTO) < 0 ||
        hy_thread_start(&thread) < 0)
        return fprintf(stderr, "%s\n", hy_last_error()->message) < 0 ? 2 : 1;
    for (uint32_t i = 0; i < 3; i++)
        hy_emit_with(&office.events.order, .first = i * 1000, .last = i * 1000 + 999);
    int code = hy_app_exec(&app); /* stops and joins the thread; the worker ends in it */
    hy_app_fini(&app);
    return code;
}
