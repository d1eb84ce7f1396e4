/* SPDX-License-Identifier: MIT */
/* Long work on the threads of a pool; each end is told in the main thread. One job is cancelled
 * before its turn. */
#include <halyard/halyard.h>
#include <stdio.h>

enum {
    JOBS = 8
};

struct sum {
    struct hy_job job; /* first member */
    uint64_t up_to, result;
};

struct office {
    HY_INHERITS(hy_object);
    int ended, cancelled;
};
static const struct hy_class office_class = HY_CLASS(struct office, .base = NULL);

static void sum_work(struct hy_job *job) /* thread: the pool's */
{
    struct sum *sum = (struct sum *)job;
    for (uint64_t i = 1; i <= sum->up_to && !hy_job_is_cancelled(job); i++)
        sum->result += i;
}

static void sum_done(struct hy_object *receiver, struct hy_job *job, int result) /* thread: main */
{
    struct office *self = (struct office *)receiver;
    const struct sum *sum = (const struct sum *)job;
    if (result < 0)
        self->cancelled++;
    else if (sum->result != sum->up_to * (sum->up_to + 1) / 2)
        printf("1 + ... + %llu is not %llu\n", (unsigned long long)sum->up_to,
               (unsigned long long)sum->result);
    if (++self->ended == JOBS) {
        printf("%d ended, %d of them cancelled\n", self->ended, self->cancelled);
        hy_app_quit(0);
    }
}

int main(void)
{
    static struct hy_app app;
    static struct hy_pool pool;
    static struct office office;
    static struct sum sums[JOBS];
    const struct hy_pool_limits one_thread = {.threads = 1};
    if (hy_app_init(&app) < 0 || hy_object_init(&office.hy, &office_class, &app.hy) < 0 ||
        hy_pool_init(&pool, &one_thread, &app.hy) < 0)
        return fprintf(stderr, "%s\n", hy_last_error()->message) < 0 ? 2 : 1;
    uint64_t last = 0;
    for (int i = 0; i < JOBS; i++) {
        sums[i].job = (struct hy_job){.work = sum_work, .done = sum_done};
        sums[i].up_to = UINT64_C(1000000) + (uint64_t)i;
        if (hy_pool_submit(&pool, &sums[i].job, &office.hy, &last) < 0)
            return fprintf(stderr, "%s\n", hy_last_error()->message) < 0 ? 2 : 1;
    }
    hy_pool_cancel(&pool, last);
    int code = hy_app_exec(&app);
    hy_app_fini(&app); /* ends its children, the pool too */
    return code;
}
