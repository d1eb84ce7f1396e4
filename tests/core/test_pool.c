/* SPDX-License-Identifier: MIT */
/* Work pools: where jobs run and who is told, limits, cancelling, ends, and all of it at once. */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* A job that notes what becomes of it. Members are counted up atomically. */
struct errand {
    struct hy_job job; /* first member */
    uint64_t id;
    int number;
    int ran, told, released;
    int result;
    bool in_home;     /* work ran in the thread of the test */
    bool told_before; /* told, as it was released */
    struct gate *begun, *go;
    void (*on_work)(struct errand *errand);
    void (*on_done)(struct errand *errand);
};

static pthread_t home;
static int order[64], ordered;
static int released;

static void errand_work(struct hy_job *job)
{
    struct errand *errand = (struct errand *)(void *)job;

    (void)count_up(&errand->ran);
    errand->in_home = pthread_equal(pthread_self(), home) != 0;
    int turn = count_up(&ordered) - 1;
    if (turn < 64)
        order[turn] = errand->number;
    if (errand->begun != NULL)
        gate_open(errand->begun);
    if (errand->go != NULL)
        EXPECT(gate_wait(errand->go));
    if (errand->on_work != NULL)
        errand->on_work(errand);
}

static void errand_done(struct hy_object *receiver, struct hy_job *job, int result)
{
    struct errand *errand = (struct errand *)(void *)job;

    EXPECT(hy_object_is_here(receiver));
    EXPECT_INT(count_get(&errand->released), count_get(&errand->told));
    errand->result = result;
    (void)count_up(&errand->told);
    probe_note((struct probe *)(void *)receiver, errand->number);
    if (errand->on_done != NULL)
        errand->on_done(errand);
}

static void errand_release(struct hy_job *job)
{
    struct errand *errand = (struct errand *)(void *)job;

    errand->told_before = count_get(&errand->told) != 0;
    (void)count_up(&errand->released);
    (void)count_up(&released);
}

static void errand_init(struct errand *errand, int number)
{
    memset(errand, 0, sizeof *errand);
    errand->number = number;
    errand->job.work = errand_work;
    errand->job.done = errand_done;
    errand->job.release = errand_release;
}

static struct hy_pool pool;
static struct probe probe;
static struct gate begun, go;

static int setup(void **state)
{
    home = pthread_self();
    ordered = released = 0;
    gate_init(&begun);
    gate_init(&go);
    probe_init(&probe, NULL);
    return check_setup(state);
}

static int teardown(void **state)
{
    hy_pool_fini(&pool);
    object_end(&probe.hy);
    gate_fini(&begun);
    gate_fini(&go);
    return check_teardown(state);
}

static void pool_start(uint32_t threads, uint32_t waiting)
{
    struct hy_pool_limits limits = {.threads = threads, .waiting = waiting};

    assert_ok(hy_pool_init(&pool, &limits, NULL));
}

/* Submits one that has begun and waits for `go`. */
static void occupy(struct errand *errand, int number, struct hy_object *receiver)
{
    errand_init(errand, number);
    errand->begun = &begun;
    errand->go = &go;
    assert_ok(hy_pool_submit(&pool, &errand->job, receiver, &errand->id));
    assert_true(gate_wait(&begun));
}

/* --- what becomes of a job -------------------------------------------------------------------- */

static void test_a_job_runs_elsewhere_and_is_told_here(void **state)
{
    struct errand errand;

    (void)state;
    pool_start(2, 0);
    errand_init(&errand, 7);
    assert_ok(hy_pool_submit(&pool, &errand.job, &probe.hy, &errand.id));
    assert_true(errand.id != 0);
    assert_true(wait_count(&errand.released, 1));
    assert_int_equal(errand.ran, 1);
    assert_false(errand.in_home);
    assert_int_equal(errand.told, 1);
    assert_true(errand.told_before);
    assert_int_equal(errand.result, 0);
    assert_true(PROBE_SAW(&probe, 7));
    assert_int_equal(hy_pool_get_counters(&pool).done, 1);
    /* From its release on it is the owner's, who may submit it again. */
    assert_ok(hy_pool_submit(&pool, &errand.job, &probe.hy, NULL));
    assert_true(wait_count(&errand.released, 2));
    assert_int_equal(errand.ran, 2);
}

static void test_done_and_release_are_optional_and_so_is_the_receiver(void **state)
{
    struct errand silent, alone;

    (void)state;
    pool_start(1, 0);
    errand_init(&silent, 1);
    silent.job.done = NULL;
    silent.job.release = NULL;
    errand_init(&alone, 2);
    assert_ok(hy_pool_submit(&pool, &silent.job, &probe.hy, NULL));
    assert_ok(hy_pool_submit(&pool, &alone.job, NULL, NULL));
    assert_true(wait_count(&alone.released, 1));
    hy_pool_fini(&pool);
    wait_drain(); /* until then `silent` is the pool's */
    assert_int_equal(silent.ran, 1);
    assert_int_equal(alone.ran, 1);
    assert_int_equal(alone.told, 0);
    assert_int_equal(probe.count, 0);
}

static void test_jobs_begin_in_order(void **state)
{
    struct errand errands[20], first;

    (void)state;
    pool_start(1, 0);
    occupy(&first, 0, &probe.hy);
    for (int i = 0; i < 20; i++) {
        errand_init(&errands[i], i + 1);
        assert_ok(hy_pool_submit(&pool, &errands[i].job, &probe.hy, &errands[i].id));
        assert_true(i == 0 || errands[i].id > errands[i - 1].id);
    }
    assert_int_equal(hy_pool_get_counters(&pool).waiting, 20);
    assert_int_equal(hy_pool_get_counters(&pool).running, 1);
    gate_open(&go);
    assert_true(wait_count(&released, 21));
    for (int i = 0; i < 21; i++) {
        assert_int_equal(order[i], i);
        assert_int_equal(probe.log[i], i);
    }
}

static void submit_more(struct errand *errand)
{
    struct errand *next = errand + 1;

    EXPECT_INT(hy_pool_submit(&pool, &next->job, &probe.hy, &next->id), 0);
}

static void test_a_job_submits_the_next(void **state)
{
    struct errand errands[10];

    (void)state;
    pool_start(1, 0);
    for (int i = 0; i < 10; i++) {
        errand_init(&errands[i], i);
        errands[i].on_work = i < 9 ? submit_more : NULL;
    }
    assert_ok(hy_pool_submit(&pool, &errands[0].job, &probe.hy, NULL));
    assert_true(wait_count(&released, 10));
    assert_int_equal(hy_pool_get_counters(&pool).threads, 1);
}

static void test_the_receiver_may_live_in_another_thread(void **state)
{
    struct worker worker;
    struct errand errand;

    (void)state;
    worker_start(&worker, "receiver");
    pool_start(1, 0);
    errand_init(&errand, 3);
    assert_ok(hy_pool_submit(&pool, &errand.job, &worker.probe.hy, NULL));
    assert_true(wait_count(&errand.released, 1)); /* done checks that it is there */
    assert_int_equal(errand.told, 1);
    worker_stop(&worker);
}

static void test_misuse_is_an_error(void **state)
{
    struct errand errand;
    struct probe dead;
    uint64_t id = 77;

    (void)state;
    memset(&pool, 0, sizeof pool);
    errand_init(&errand, 1);
    assert_int_equal(hy_pool_submit(&pool, &errand.job, &probe.hy, &id), -HY_ESHUTDOWN);
    assert_int_equal(hy_pool_submit(NULL, &errand.job, &probe.hy, &id), -HY_ESHUTDOWN);
    pool_start(1, 0);
    assert_int_equal(hy_pool_submit(&pool, NULL, &probe.hy, &id), -HY_EINVAL);
    errand.job.work = NULL;
    assert_int_equal(hy_pool_submit(&pool, &errand.job, &probe.hy, &id), -HY_EINVAL);
    probe_init(&dead, NULL);
    object_end(&dead.hy);
    occupy(&errand, 1, &probe.hy);
    assert_int_equal(hy_pool_submit(&pool, &errand.job, &probe.hy, &id), -HY_EBUSY);
    gate_open(&go);
    assert_true(wait_count(&errand.released, 1));
    assert_int_equal(hy_pool_submit(&pool, &errand.job, &dead.hy, &id), -HY_ESHUTDOWN);
    assert_int_equal(hy_pool_cancel(&pool, 12345), -HY_ENOENT);
    assert_int_equal(id, 77); /* untouched */
    hy_pool_fini(&pool);
    assert_int_equal(hy_pool_submit(&pool, &errand.job, &probe.hy, &id), -HY_ESHUTDOWN);
    assert_int_equal(hy_pool_cancel(&pool, 12345), -HY_ENOENT);
    assert_int_equal(hy_pool_get_counters(&pool).done, 0); /* gone with it */
    assert_int_equal(errand.released, 1);
    hy_pool_fini(&pool); /* once more does nothing */
}

/* --- threads and limits ----------------------------------------------------------------------- */

static void test_threads_come_with_the_work_up_to_the_limit(void **state)
{
    struct errand errands[6];
    int threads = system_threads();

    (void)state;
    pool_start(3, 0);
    assert_int_equal(hy_pool_get_counters(&pool).threads, 0);
    assert_int_equal(system_threads(), threads);
    for (int i = 0; i < 3; i++) {
        occupy(&errands[i], i, &probe.hy);
        assert_int_equal(hy_pool_get_counters(&pool).threads, i + 1);
    }
    for (int i = 3; i < 6; i++) {
        errand_init(&errands[i], i);
        assert_ok(hy_pool_submit(&pool, &errands[i].job, &probe.hy, NULL));
    }
    assert_int_equal(hy_pool_get_counters(&pool).threads, 3);
    assert_int_equal(hy_pool_get_counters(&pool).waiting, 3);
    for (int i = 0; i < 3; i++)
        gate_open(&go);
    assert_true(wait_count(&released, 6));
    assert_int_equal(hy_pool_get_counters(&pool).threads, 3); /* they wait for more */
    hy_pool_fini(&pool);
    assert_true(system_threads_at_most(threads));
}

static bool has_no_threads(void *context)
{
    (void)context;
    return hy_pool_get_counters(&pool).threads == 0;
}

static void test_threads_end_without_work_and_come_again(void **state)
{
    struct hy_pool_limits limits = {.threads = 2, .idle_ns = HY_MILLISECOND};
    struct errand errands[2];
    int threads = system_threads();

    (void)state;
    assert_ok(hy_pool_init(&pool, &limits, NULL));
    for (int round = 1; round <= check_scaled(20); round++) {
        for (int i = 0; i < 2; i++) {
            errand_init(&errands[i], i);
            assert_ok(hy_pool_submit(&pool, &errands[i].job, &probe.hy, NULL));
        }
        assert_true(wait_count(&released, 2 * round));
        assert_true(wait_for(has_no_threads, NULL));
        assert_true(system_threads_at_most(threads));
    }
}

/* The threads' time to end is the time of the next submit. */
static void test_work_that_comes_as_threads_end_is_done(void **state)
{
    struct hy_pool_limits limits = {.threads = 2, .idle_ns = 1};
    struct errand errands[4];
    int rounds = check_scaled(300);

    (void)state;
    assert_ok(hy_pool_init(&pool, &limits, NULL));
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < 4; i++) {
            errand_init(&errands[i], i);
            assert_ok(hy_pool_submit(&pool, &errands[i].job, &probe.hy, NULL));
            if (i == round % 4)
                assert_true(wait_count(&errands[i].released, 1));
        }
        assert_true(wait_count(&released, 4 * (round + 1)));
    }
}

static void test_the_limit_of_waiting_jobs(void **state)
{
    struct errand running[2], waiting[3];

    (void)state;
    pool_start(2, 2);
    occupy(&running[0], 0, &probe.hy);
    occupy(&running[1], 1, &probe.hy);
    for (int i = 0; i < 3; i++)
        errand_init(&waiting[i], 2 + i);
    assert_ok(hy_pool_submit(&pool, &waiting[0].job, &probe.hy, NULL));
    assert_ok(hy_pool_submit(&pool, &waiting[1].job, &probe.hy, NULL));
    assert_int_equal(hy_pool_submit(&pool, &waiting[2].job, &probe.hy, NULL), -HY_EAGAIN);
    assert_int_equal(hy_pool_get_counters(&pool).refused, 1);
    gate_open(&go);
    assert_true(wait_count(&released, 3));
    assert_ok(hy_pool_submit(&pool, &waiting[2].job, &probe.hy, NULL));
    gate_open(&go);
    assert_true(wait_count(&released, 5));
}

/* --- cancelling ------------------------------------------------------------------------------- */

static void test_a_waiting_job_is_cancelled(void **state)
{
    struct errand running, errands[3];

    (void)state;
    pool_start(1, 0);
    occupy(&running, 0, &probe.hy);
    for (int i = 0; i < 3; i++) {
        errand_init(&errands[i], i + 1);
        assert_ok(hy_pool_submit(&pool, &errands[i].job, &probe.hy, &errands[i].id));
    }
    assert_int_equal(hy_pool_cancel(&pool, errands[1].id), 1);
    assert_int_equal(hy_pool_cancel(&pool, errands[1].id), -HY_ENOENT);
    assert_true(wait_count(&errands[1].released, 1)); /* at once, not in its turn */
    assert_int_equal(errands[1].ran, 0);
    assert_int_equal(errands[1].result, -HY_ECANCELED);
    gate_open(&go);
    assert_true(wait_count(&released, 4));
    assert_int_equal(hy_pool_get_counters(&pool).cancelled, 1);
    assert_int_equal(hy_pool_get_counters(&pool).done, 3);
    assert_int_equal(hy_pool_cancel(&pool, errands[2].id), -HY_ENOENT);
}

static void until_cancelled(struct errand *errand)
{
    while (!hy_job_is_cancelled(&errand->job))
        (void)sched_yield();
}

static void test_a_running_job_is_asked_to_stop(void **state)
{
    struct errand errand;

    (void)state;
    pool_start(1, 0);
    errand_init(&errand, 1);
    errand.begun = &begun;
    errand.on_work = until_cancelled;
    assert_ok(hy_pool_submit(&pool, &errand.job, &probe.hy, &errand.id));
    assert_true(gate_wait(&begun));
    assert_int_equal(hy_pool_cancel(&pool, errand.id), 0);
    assert_true(wait_count(&errand.released, 1));
    assert_int_equal(errand.ran, 1);
    assert_int_equal(errand.result, -HY_ECANCELED);
}

/* --- ends ------------------------------------------------------------------------------------- */

static void test_the_receiver_ends_before_its_job(void **state)
{
    struct errand running, waiting;
    struct probe *receiver = probe_create(NULL);

    (void)state;
    pool_start(1, 0);
    occupy(&running, 1, &receiver->hy);
    errand_init(&waiting, 2);
    assert_ok(hy_pool_submit(&pool, &waiting.job, &receiver->hy, &waiting.id));
    object_end(&receiver->hy);
    gate_open(&go);
    assert_true(wait_count(&released, 2));
    assert_int_equal(running.told, 0);
    assert_int_equal(waiting.told, 0);
    assert_int_equal(running.released, 1);
    assert_int_equal(waiting.ran, 1); /* the work itself may matter to others */
}

/* The news is under way as the receiver ends. */
static void test_the_receiver_ends_before_it_is_told(void **state)
{
    struct errand errand;
    struct probe *receiver = probe_create(NULL);

    (void)state;
    pool_start(1, 0);
    errand_init(&errand, 1);
    assert_ok(hy_pool_submit(&pool, &errand.job, &receiver->hy, NULL));
    while (hy_pool_get_counters(&pool).done == 0)
        (void)sched_yield();
    hy_pool_fini(&pool); /* now it has been posted */
    object_end(&receiver->hy);
    assert_true(wait_count(&errand.released, 1));
    assert_int_equal(errand.told, 0);
}

static void test_the_end_cancels_what_waits_and_asks_what_runs(void **state)
{
    struct errand running, errands[5];

    (void)state;
    pool_start(1, 0);
    errand_init(&running, 0);
    running.begun = &begun;
    running.on_work = until_cancelled;
    assert_ok(hy_pool_submit(&pool, &running.job, &probe.hy, NULL));
    assert_true(gate_wait(&begun));
    for (int i = 0; i < 5; i++) {
        errand_init(&errands[i], i + 1);
        assert_ok(hy_pool_submit(&pool, &errands[i].job, i < 4 ? &probe.hy : NULL, NULL));
    }
    hy_pool_fini(&pool);
    assert_int_equal(errands[4].released, 1); /* nobody is told: released before fini returns */
    wait_drain();
    assert_int_equal(running.released, 1);
    assert_int_equal(running.result, -HY_ECANCELED);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(errands[i].ran, 0);
        assert_int_equal(errands[i].released, 1);
        assert_int_equal(errands[i].told, i < 4);
    }
}

static void submit_until_the_end(struct errand *errand)
{
    struct errand *next = errand + 1;

    until_cancelled(errand);
    EXPECT_INT(hy_pool_submit(&pool, &next->job, &probe.hy, NULL), -HY_ESHUTDOWN);
}

static void test_a_job_that_submits_to_an_ending_pool(void **state)
{
    struct errand errands[2];

    (void)state;
    pool_start(2, 0);
    errand_init(&errands[0], 0);
    errand_init(&errands[1], 1);
    errands[0].begun = &begun;
    errands[0].on_work = submit_until_the_end;
    assert_ok(hy_pool_submit(&pool, &errands[0].job, &probe.hy, NULL));
    assert_true(gate_wait(&begun));
    hy_pool_fini(&pool);
    wait_drain();
    assert_int_equal(errands[0].released, 1);
    assert_int_equal(errands[1].released, 0);
}

static void end_the_pool(struct errand *errand)
{
    (void)errand;
    hy_pool_fini(&pool);
}

static void test_a_done_ends_the_pool(void **state)
{
    struct errand errands[10];

    (void)state;
    for (int round = 1; round <= check_scaled(100); round++) {
        pool_start(3, 0);
        for (int i = 0; i < 10; i++) {
            errand_init(&errands[i], i);
            errands[i].on_done = end_the_pool;
            assert_ok(hy_pool_submit(&pool, &errands[i].job, &probe.hy, NULL));
        }
        assert_true(wait_count(&released, 10 * round));
        for (int i = 0; i < 10; i++) {
            assert_int_equal(errands[i].told, 1);
            assert_int_equal(errands[i].released, 1);
        }
    }
}

static void test_a_pool_ends_with_its_parent(void **state)
{
    struct errand errand;
    struct probe parent;

    (void)state;
    probe_init(&parent, NULL);
    assert_ok(hy_pool_init(&pool, NULL, &parent.hy));
    errand_init(&errand, 1);
    assert_ok(hy_pool_submit(&pool, &errand.job, &parent.hy, NULL));
    object_end(&parent.hy); /* both the receiver and the pool */
    assert_true(wait_count(&errand.released, 1));
    assert_int_equal(errand.told, 0);
}

/* A job of a thread that ends: the pool's threads do not end with it. */
static void submit_there(void *context)
{
    struct errand *errand = context;

    EXPECT_INT(hy_pool_submit(&pool, &errand->job, &probe.hy, NULL), 0);
}

static void test_the_threads_outlive_the_one_that_started_them(void **state)
{
    struct worker worker;
    struct errand first, second;

    (void)state;
    pool_start(1, 0);
    errand_init(&first, 1);
    errand_init(&second, 2);
    first.begun = &begun;
    first.go = &go;
    worker_start(&worker, "submitter");
    assert_true(run_there(&worker.probe.hy, submit_there, &first));
    assert_true(gate_wait(&begun));
    worker_stop(&worker); /* does not wait for the job */
    assert_int_equal(count_get(&first.released), 0);
    gate_open(&go);
    assert_ok(hy_pool_submit(&pool, &second.job, &probe.hy, NULL));
    assert_true(wait_count(&released, 2));
}

/* --- idle ------------------------------------------------------------------------------------- */

static int told_at_idle;

static void note_idle(struct probe *self)
{
    told_at_idle = self->count;
    (void)count_up(&self->moves);
}

static void test_idle_comes_behind_the_last_done(void **state)
{
    struct errand errands[8];

    (void)state;
    pool_start(3, 0);
    assert_ok(hy_connect(&pool.events.idle, &probe, note_idle, HY_AUTO));
    for (int round = 1; round <= check_scaled(50); round++) {
        probe.count = 0;
        told_at_idle = 0;
        for (int i = 0; i < 8; i++) {
            errand_init(&errands[i], i);
            assert_ok(hy_pool_submit(&pool, &errands[i].job, &probe.hy, NULL));
        }
        while (told_at_idle < 8 && wait_count(&probe.moves, probe.moves + 1)) {
        }
        assert_int_equal(told_at_idle, 8);
        assert_int_equal(released, 8 * round);
        wait_drain();
    }
}

static void end_at_idle(struct probe *self)
{
    (void)count_up(&self->reached);
    hy_pool_fini(&pool);
}

static void test_idle_ends_the_pool_also_in_another_thread(void **state)
{
    struct worker worker;
    struct errand errand;

    (void)state;
    worker_start(&worker, "home");
    pool_start(2, 0);
    assert_ok(hy_connect(&pool.events.idle, &worker.probe, end_at_idle, HY_AUTO));
    assert_ok(hy_object_move_to_thread(&pool.hy, &worker.thread));
    errand_init(&errand, 1);
    assert_ok(hy_pool_submit(&pool, &errand.job, &probe.hy, NULL));
    assert_true(wait_count(&worker.probe.reached, 1));
    assert_true(wait_count(&errand.released, 1));
    worker_stop(&worker);
}

/* --- everything at once ----------------------------------------------------------------------- */

enum {
    SUBMITTERS = 4,
    WINDOW = 16
};

struct storm {
    struct worker worker;
    int jobs, seed;
    int submitted, refused;
    struct errand *errands; /* one for each job */
    struct probe *receivers[2];
};

static int storms_through;

static int storm_random(struct storm *storm)
{
    storm->seed = (int)(((uint32_t)storm->seed * 1103515245u + 12345u) & 0x7fffffffu);
    return storm->seed >> 8;
}

static void storm_done(struct hy_object *receiver, struct hy_job *job, int result)
{
    struct errand *errand = (struct errand *)(void *)job;

    EXPECT(hy_object_is_here(receiver));
    EXPECT(result == 0 ? count_get(&errand->ran) == 1 : result == -HY_ECANCELED);
    EXPECT_INT(count_up(&errand->told), 1);
}

static void storm_step(struct storm *storm, int i)
{
    struct errand *errand = &storm->errands[i];
    int choice = storm_random(storm) % 8, which = storm_random(storm) % 2, rc;

    errand_init(errand, i);
    errand->job.done = storm_done;
    rc = hy_pool_submit(&pool, &errand->job, choice == 0 ? NULL : &storm->receivers[which]->hy,
                        &errand->id);
    EXPECT(rc == 0 || rc == -HY_EAGAIN);
    storm->submitted += rc == 0;
    storm->refused += rc != 0;
    if (choice == 1) /* perhaps running, perhaps ended */
        (void)hy_pool_cancel(&pool, errand->id);
    if (choice == 2 && i > WINDOW)
        (void)hy_pool_cancel(&pool, storm->errands[i - WINDOW].id);
    if (choice == 3) {
        object_end(&storm->receivers[which]->hy);
        storm->receivers[which] = probe_create(NULL);
    }
    if (choice == 4)
        EXPECT(hy_process(0, HY_FOREVER) >= 0);
}

/* In the submitter's own thread, where its receivers live. */
static void storm_run(struct hy_object *receiver, const void *payload)
{
    struct storm *storm = *(struct storm *const *)payload;

    (void)receiver;
    storm->receivers[0] = probe_create(NULL);
    storm->receivers[1] = probe_create(NULL);
    for (int i = 0; i < storm->jobs; i++)
        storm_step(storm, i);
    (void)count_up(&storms_through);
}

static const struct hy_payload storm_payload = HY_PLAIN_PAYLOAD(struct storm *);

static void test_storm(void **state)
{
    struct hy_pool_limits limits = {.threads = 3, .waiting = 200, .idle_ns = 20000};
    struct storm storms[SUBMITTERS], *storms_of[SUBMITTERS];
    struct hy_pool_counters counts;
    uint64_t submitted = 0, refused = 0;

    (void)state;
    storms_through = 0;
    assert_ok(hy_pool_init(&pool, &limits, NULL));
    for (int i = 0; i < SUBMITTERS; i++) {
        memset(&storms[i], 0, sizeof storms[i]);
        storms[i].seed = i + 1;
        storms[i].jobs = check_scaled(5000);
        storms[i].errands = calloc((size_t)storms[i].jobs, sizeof(struct errand));
        assert_non_null(storms[i].errands);
        worker_start(&storms[i].worker, "submitter");
        storms_of[i] = &storms[i];
    }
    for (int i = 0; i < SUBMITTERS; i++)
        assert_ok(hy_invoke(&storms[i].worker.probe.hy, storm_run, &storm_payload, &storms_of[i]));
    assert_true(wait_count(&storms_through, SUBMITTERS));
    counts = hy_pool_get_counters(&pool);
    while (counts.waiting + counts.running != 0) {
        (void)sched_yield();
        counts = hy_pool_get_counters(&pool);
    }
    hy_pool_fini(&pool);
    for (int i = 0; i < SUBMITTERS; i++)
        worker_stop(&storms[i].worker);
    for (int i = 0; i < SUBMITTERS; i++) {
        for (int j = 0; j < storms[i].jobs; j++) {
            EXPECT(storms[i].errands[j].released <= 1);
            EXPECT(storms[i].errands[j].ran <= 1);
        }
        submitted += (uint64_t)storms[i].submitted;
        refused += (uint64_t)storms[i].refused;
        free(storms[i].errands);
    }
    assert_int_equal(released, submitted);
    assert_int_equal(counts.refused, refused);
    assert_int_equal(counts.done + counts.cancelled, submitted);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_job_runs_elsewhere_and_is_told_here),
        CASE(test_done_and_release_are_optional_and_so_is_the_receiver),
        CASE(test_jobs_begin_in_order),
        CASE(test_a_job_submits_the_next),
        CASE(test_the_receiver_may_live_in_another_thread),
        CASE(test_misuse_is_an_error),
        CASE(test_threads_come_with_the_work_up_to_the_limit),
        CASE(test_threads_end_without_work_and_come_again),
        CASE(test_work_that_comes_as_threads_end_is_done),
        CASE(test_the_limit_of_waiting_jobs),
        CASE(test_a_waiting_job_is_cancelled),
        CASE(test_a_running_job_is_asked_to_stop),
        CASE(test_the_receiver_ends_before_its_job),
        CASE(test_the_receiver_ends_before_it_is_told),
        CASE(test_the_end_cancels_what_waits_and_asks_what_runs),
        CASE(test_a_job_that_submits_to_an_ending_pool),
        CASE(test_a_done_ends_the_pool),
        CASE(test_a_pool_ends_with_its_parent),
        CASE(test_the_threads_outlive_the_one_that_started_them),
        CASE(test_idle_comes_behind_the_last_done),
        CASE(test_idle_ends_the_pool_also_in_another_thread),
        CASE(test_storm),
    };

    allocator_install();
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
