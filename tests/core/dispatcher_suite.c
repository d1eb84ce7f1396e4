/* SPDX-License-Identifier: MIT */
/* The frame of the dispatchers' suite. See dispatcher_suite.h. */
#include "dispatcher_suite.h"

#include "../helpers/allocator.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct probe here;

static const struct suite_subject *subject;
static struct hy_loop loop;

const struct suite_subject *suite_subject(void)
{
    return subject;
}

int suite_run(unsigned flags)
{
    EXPECT_INT(hy_loop_init(&loop), 0);
    return subject->run != NULL ? subject->run(&loop, flags) : hy_loop_exec(&loop, flags);
}

void suite_quit(int code)
{
    if (subject->quit != NULL)
        subject->quit(&loop, code);
    else
        hy_loop_quit(&loop, code);
}

void suite_post(uint32_t number)
{
    EXPECT_INT(hy_post(&here.hy, E(number), NULL, 0, HY_PRIORITY_NORMAL), 0);
}

void suite_thread(pthread_t *ret_thread, void *(*function)(void *), void *context)
{
    EXPECT_INT(pthread_create(ret_thread, NULL, function, context), 0);
}

void suite_join(pthread_t thread)
{
    EXPECT_INT(pthread_join(thread, NULL), 0);
}

/* --- helpers ---------------------------------------------------------------------------------- */

static const struct hy_class pair_class = HY_CLASS(struct pair, .base = NULL);
static const struct hy_class ticker_class = HY_CLASS(struct ticker, .base = NULL);

static void pair_ready(struct pair *self, const struct hy_readiness *readiness)
{
    EXPECT_INT(readiness->descriptor, self->ends[0]);
    self->conditions = readiness->conditions;
    self->calls++;
    probe_note(&here, self->note);
    if (self->on_ready != NULL)
        self->on_ready(self);
}

void pair_init(struct pair *pair, int note)
{
    *pair = (struct pair){.note = note};
    EXPECT_INT(hy_object_init(&pair->hy, &pair_class, NULL), 0);
    EXPECT_INT(hy_notifier_init(&pair->notifier, &pair->hy), 0);
    EXPECT_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair->ends), 0);
    EXPECT_INT(hy_connect(&pair->notifier.events.ready, pair, pair_ready, HY_DIRECT), 0);
}

void pair_end(struct pair *pair)
{
    object_end(&pair->hy);
    for (int i = 0; i < 2; i++)
        if (pair->ends[i] >= 0)
            (void)close(pair->ends[i]);
}

void pair_watch(struct pair *pair, unsigned conditions)
{
    EXPECT_INT(hy_notifier_watch(&pair->notifier, pair->ends[0], conditions), 0);
}

void pair_write(struct pair *pair)
{
    EXPECT_INT(write(pair->ends[1], "x", 1), 1);
}

void pair_look_again(struct pair *pair)
{
    pair_watch(pair, 0);
    pair_watch(pair, HY_READABLE);
}

void pair_read(struct pair *pair)
{
    char bytes[64];

    while (read(pair->ends[0], bytes, sizeof bytes) > 0) {
    }
}

static void ticker_tick(struct ticker *self)
{
    self->calls++;
    probe_note(&here, self->note);
    if (self->on_tick != NULL)
        self->on_tick(self);
}

void ticker_init(struct ticker *ticker, int note)
{
    *ticker = (struct ticker){.note = note};
    EXPECT_INT(hy_object_init(&ticker->hy, &ticker_class, NULL), 0);
    EXPECT_INT(hy_timer_init(&ticker->timer, &ticker->hy), 0);
    hy_timer_set_accuracy(&ticker->timer, HY_TIMER_PRECISE);
    EXPECT_INT(hy_connect(&ticker->timer.events.timeout, ticker, ticker_tick, HY_DIRECT), 0);
}

/* --- running a case --------------------------------------------------------------------------- */

static void body(struct hy_thread *thread, void *context)
{
    const struct suite_case *this_case = context;

    (void)thread;
    probe_init(&here, NULL);
    this_case->function(NULL);
    object_end(&here.hy);
}

static const char *reason_to_skip(const char *name)
{
    for (const struct suite_skip *skip = subject->skips; skip != NULL && skip->name != NULL; skip++)
        if (strcmp(skip->name, name) == 0)
            return skip->reason;
    return NULL;
}

static void run_case(const struct suite_case *this_case)
{
    struct hy_dispatcher *dispatcher = NULL;
    struct hy_thread thread;

    if (!EXPECT_INT(hy_thread_init(&thread, subject->name, NULL), 0))
        return;
    if (subject->create != NULL && EXPECT_INT(subject->create(&dispatcher), 0))
        EXPECT_INT(hy_thread_set_dispatcher(&thread, dispatcher), 0);
    EXPECT_INT(hy_thread_set_body(&thread, body, (void *)(uintptr_t)this_case), 0);
    EXPECT_INT(hy_thread_start(&thread), 0);
    if (hy_thread_join(&thread, hy_now_ns() + 4 * WAIT_LIMIT_S * HY_SECOND) < 0) {
        (void)fprintf(stderr, "%s hangs\n", this_case->name);
        abort(); /* it uses what the next case would use */
    }
    hy_thread_fini(&thread);
}

/* One line of TAP; cmocka's skips would count as failures. Whether the case passed. */
static bool report(int number, const struct suite_case *this_case)
{
    const char *reason = reason_to_skip(this_case->name);
    bool passed = true;

    if (reason == NULL) {
        (void)check_take_failures();
        run_case(this_case);
        passed = check_take_failures() == 0;
    }
    (void)printf("%s %d - %s%s%s\n", passed ? "ok" : "not ok", number, this_case->name,
                 reason != NULL ? " # SKIP " : "", reason != NULL ? reason : "");
    return passed;
}

int suite_main(const struct suite_subject *of)
{
    static const struct suite_case *const lists[] = {suite_post_cases, suite_timer_cases,
                                                     suite_notifier_cases};
    const char *only = getenv("HY_TEST_CASE");
    int count = 0, failed = 0;

    subject = of;
    allocator_install();
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (const struct suite_case *next = lists[i]; next->name != NULL; next++)
            if (only == NULL || strcmp(only, next->name) == 0)
                failed += report(++count, next) ? 0 : 1;
    (void)printf("1..%d\n", count);
    return failed != 0 ? 1 : 0;
}
