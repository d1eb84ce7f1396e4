/* SPDX-License-Identifier: MIT */
/* What trace_test.py runs: a program whose threads do known things while a trace is written. */
#include "../helpers/probe.h"
#include "../helpers/worker.h"

#include <stdlib.h>
#include <string.h>
#ifndef _WIN32
#include <sys/wait.h>
#include <unistd.h>
#endif

/* Not static, so that the dynamic linker may know its name. */
void subject_slot(struct probe *self, const struct number *number);
void subject_slot(struct probe *self, const struct number *number)
{
    (void)number;
    count_up(&self->reached);
}

/* A worker whose object has a name that JSON cannot hold as it is. */
static void start(struct worker *worker, struct source *source)
{
    source_init(source);
    EXPECT_INT(hy_thread_init(&worker->thread, "worker \"1\"", NULL), 0);
    probe_init(&worker->probe, NULL);
    EXPECT_INT(hy_object_set_name(&worker->probe.hy, "%s", "a\"b\\c\n\xff\xc3\xa9"), 0);
    EXPECT_INT(hy_connect(&source->events.number, &worker->probe, subject_slot, HY_AUTO), 0);
    EXPECT_INT(hy_object_move_to_thread(&worker->probe.hy, &worker->thread), 0);
    EXPECT_INT(hy_thread_start(&worker->thread), 0);
}

/* Queued, direct, by a timer, invoked; until all of it has come. */
static void work(struct worker *worker, struct source *source)
{
    struct probe probe;
    struct hy_timer timer;

    probe_init(&probe, NULL);
    EXPECT_INT(hy_timer_init(&timer, NULL), 0);
    EXPECT_INT(hy_connect(&timer.events.timeout, &probe, probe_nothing, HY_AUTO), 0);
    EXPECT_INT(hy_timer_start_once(&timer, HY_MILLISECOND), 0);
    for (int i = 0; i < 10; i++)
        EXPECT_INT(hy_emit_with(&source->events.number, .value = i), 1);
    wait_count(&worker->probe.reached, 10);
    wait_count(&probe.reached, 1);
    flush_there(&worker->probe.hy);
    object_end(&timer.hy);
    object_end(&probe.hy);
}

static void work_and_end(void)
{
    struct worker worker;
    struct source source;

    start(&worker, &source);
    work(&worker, &source);
    worker_stop(&worker);
    object_end(&source.hy);
}

static void trace_work(const char *file)
{
    EXPECT_INT(hy_trace_start(file), 0);
    EXPECT_INT(hy_trace_start(file), -HY_EBUSY);
    work_and_end();
    EXPECT_INT(hy_trace_stop(), 0);
    EXPECT_INT(hy_trace_stop(), -HY_ENOENT);
    EXPECT_INT(hy_trace_start(""), -HY_EINVAL);
    EXPECT_INT(hy_trace_start("no such folder/trace"), -HY_ENOENT);
    work_and_end(); /* not traced */
}

/* More at once than a buffer holds. */
static void burst(const char *file, int count)
{
    struct source source;
    struct probe probe;

    source_init(&source);
    probe_init(&probe, NULL);
    EXPECT_INT(hy_connect(&source.events.number, &probe, subject_slot, HY_DIRECT), 0);
    EXPECT_INT(hy_trace_start(file), 0);
    for (int i = 0; i < count; i++)
        EXPECT_INT(hy_emit_with(&source.events.number, .value = i), 1);
    EXPECT_INT(hy_trace_stop(), 0);
    object_end(&source.hy);
    object_end(&probe.hy);
}

/* Starts and stops while another thread goes on. */
static void again(const char *file, int count)
{
    struct worker worker;
    struct source source;

    start(&worker, &source);
    for (int i = 0; i < count; i++) {
        EXPECT_INT(hy_trace_start(file), 0);
        EXPECT_INT(hy_emit_with(&source.events.number, .value = i), 1);
        if (i % 2 == 0)
            flush_there(&worker.probe.hy);
        EXPECT_INT(hy_trace_stop(), 0);
    }
    worker_stop(&worker);
    object_end(&source.hy);
}

#ifndef _WIN32
/* There is no room for the file, which is told at the end. */
static void no_room(void)
{
    EXPECT_INT(hy_trace_start("/dev/full"), 0);
    work_and_end();
    EXPECT(hy_trace_stop() < 0);
    EXPECT(strstr(hy_last_error()->message, "not whole") != NULL);
}

/* A sanitizer's own locks may stay locked in the child, and its threads are not there. */
#define CANNOT_FORK 77

/* The child has no trace, and leaves the file alone. */
static void fork_meanwhile(const char *file)
{
    struct worker worker;
    struct source source;
    int status = -1;
    pid_t child;

    EXPECT_INT(hy_trace_start(file), 0);
    start(&worker, &source);
    work(&worker, &source);
    child = fork();
    if (child == 0) {
        (void)alarm(30);
        work_and_end();
        EXPECT_INT(hy_trace_stop(), -HY_ENOENT);
        exit(check_take_failures() != 0 ? 1 : 0);
    }
    EXPECT(child > 0 && waitpid(child, &status, 0) == child);
    EXPECT_INT(status, 0);
    worker_stop(&worker);
    object_end(&source.hy);
    EXPECT_INT(hy_trace_stop(), 0);
}
#endif

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    const char *file = argc > 2 ? argv[2] : "";
    int count = argc > 3 ? atoi(argv[3]) : 0;

    if (strcmp(what, "work") == 0)
        work_and_end();
    else if (strcmp(what, "trace") == 0)
        trace_work(file);
    else if (strcmp(what, "burst") == 0)
        burst(file, count);
    else if (strcmp(what, "again") == 0)
        again(file, count);
#ifndef _WIN32
    else if (strcmp(what, "fork") == 0 && (UNDER_ASAN || UNDER_TSAN))
        return CANNOT_FORK;
    else if (strcmp(what, "fork") == 0)
        fork_meanwhile(file);
    else if (strcmp(what, "full") == 0)
        no_room();
#endif
    else
        return 2;
    return check_take_failures() != 0 ? 1 : 0;
}
