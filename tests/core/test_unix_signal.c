/* SPDX-License-Identifier: MIT */
/* Signals of the system as signals of an object. */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* An object that watches, and a probe that notes the numbers of what arrives. */
struct watcher {
    struct hy_unix_signal signals;
    struct probe probe;
    struct hy_unix_signal_info last;
};

static void note_arrival(struct probe *self, const struct hy_unix_signal_info *info)
{
    struct watcher *watcher = self->context;

    EXPECT(hy_object_is_here(&self->hy));
    watcher->last = *info;
    probe_note(self, info->number);
    if (self->on_slot != NULL)
        self->on_slot(self, info->number);
}

static void watcher_init(struct watcher *watcher)
{
    probe_init(&watcher->probe, NULL);
    watcher->probe.context = watcher;
    EXPECT_INT(hy_unix_signal_init(&watcher->signals, NULL), 0);
    EXPECT_INT(hy_connect(&watcher->signals.events.arrived, &watcher->probe, note_arrival, HY_AUTO),
               0);
}

static void watcher_fini(struct watcher *watcher)
{
    hy_unix_signal_fini(&watcher->signals);
    object_end(&watcher->probe.hy);
}

static void send(int number)
{
    EXPECT_INT(kill(getpid(), number), 0);
}

static bool action_is(int number, void (*handler)(int))
{
    struct sigaction action;

    EXPECT_INT(sigaction(number, NULL, &action), 0);
    return action.sa_handler == handler;
}

/* --- one watcher ------------------------------------------------------------------------------ */

static void test_a_signal_arrives_as_a_slot(void **state)
{
    struct watcher watcher;

    (void)state;
    watcher_init(&watcher);
    assert_ok(hy_unix_signal_watch(&watcher.signals, SIGUSR1));
    assert_ok(hy_unix_signal_watch(&watcher.signals, SIGUSR1)); /* no error */
    assert_ok(hy_unix_signal_watch(&watcher.signals, SIGUSR2));
    send(SIGUSR1);
    assert_true(wait_count(&watcher.probe.reached, 1));
    assert_int_equal(watcher.last.number, SIGUSR1);
    assert_int_equal(watcher.last.code, SI_USER);
    assert_int_equal(watcher.last.pid, getpid());
    assert_int_equal(watcher.last.uid, getuid());
    send(SIGUSR2);
    assert_true(wait_count(&watcher.probe.reached, 2));
    wait_drain();
    assert_true(PROBE_SAW(&watcher.probe, SIGUSR1, SIGUSR2));
    watcher_fini(&watcher);
}

static void test_what_cannot_be_watched(void **state)
{
    static const int numbers[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, 0, -1, 32, 65};
    struct watcher watcher;

    (void)state;
    watcher_init(&watcher);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        assert_int_equal(hy_unix_signal_watch(&watcher.signals, numbers[i]), -HY_EINVAL);
    assert_int_equal(hy_unix_signal_unwatch(&watcher.signals, SIGUSR1), -HY_ENOENT);
    assert_int_equal(hy_unix_signal_unwatch(&watcher.signals, 0), -HY_ENOENT);
    assert_int_equal(hy_unix_signal_unwatch(&watcher.signals, 65), -HY_ENOENT);
    watcher_fini(&watcher);
    assert_int_equal(hy_unix_signal_watch(&watcher.signals, SIGUSR1), -HY_ESHUTDOWN);
}

static void former_handler(int number)
{
    (void)number;
}

static void test_the_former_action_comes_back(void **state)
{
    struct watcher one, other;

    (void)state;
    (void)signal(SIGUSR1, former_handler);
    (void)signal(SIGUSR2, SIG_IGN);
    watcher_init(&one);
    watcher_init(&other);
    assert_ok(hy_unix_signal_watch(&one.signals, SIGUSR1));
    assert_ok(hy_unix_signal_watch(&one.signals, SIGUSR2));
    assert_ok(hy_unix_signal_watch(&other.signals, SIGUSR1));
    assert_false(action_is(SIGUSR1, former_handler));
    assert_ok(hy_unix_signal_unwatch(&one.signals, SIGUSR1));
    assert_false(action_is(SIGUSR1, former_handler)); /* not the last one yet */
    watcher_fini(&other);
    assert_true(action_is(SIGUSR1, former_handler));
    assert_false(action_is(SIGUSR2, SIG_IGN));
    watcher_fini(&one);
    assert_true(action_is(SIGUSR2, SIG_IGN));
    /* One that somebody else has put in its place is left alone. */
    watcher_init(&one);
    assert_ok(hy_unix_signal_watch(&one.signals, SIGUSR1));
    (void)signal(SIGUSR1, SIG_IGN);
    watcher_fini(&one);
    assert_true(action_is(SIGUSR1, SIG_IGN));
    (void)signal(SIGUSR1, SIG_DFL);
    (void)signal(SIGUSR2, SIG_DFL);
}

static void test_what_has_not_been_told_is_forgotten_at_unwatch(void **state)
{
    struct watcher watcher;

    (void)state;
    watcher_init(&watcher);
    assert_ok(hy_unix_signal_watch(&watcher.signals, SIGUSR1));
    assert_ok(hy_unix_signal_watch(&watcher.signals, SIGUSR2));
    send(SIGUSR1);
    send(SIGUSR2);
    assert_ok(hy_unix_signal_unwatch(&watcher.signals, SIGUSR1));
    assert_ok(hy_unix_signal_watch(&watcher.signals, SIGUSR1)); /* again: not that one */
    wait_drain();
    assert_true(PROBE_SAW(&watcher.probe, SIGUSR2));
    watcher_fini(&watcher);
}

static void end_self(struct probe *self, int64_t number)
{
    struct watcher *watcher = self->context;

    (void)number;
    hy_unix_signal_fini(&watcher->signals);
}

static void test_a_slot_may_end_the_watcher(void **state)
{
    struct watcher watcher;

    (void)state;
    watcher_init(&watcher);
    watcher.probe.on_slot = end_self;
    assert_ok(hy_unix_signal_watch(&watcher.signals, SIGUSR1));
    assert_ok(hy_unix_signal_watch(&watcher.signals, SIGUSR2));
    send(SIGUSR1);
    send(SIGUSR2);
    assert_true(wait_count(&watcher.probe.reached, 1));
    wait_drain();
    assert_int_equal(watcher.probe.count, 1);
    object_end(&watcher.probe.hy);
}

/* More than the pipe holds: at least one of each is told. */
static void test_a_flood_loses_no_kind(void **state)
{
    struct watcher watcher;
    bool other = false;

    (void)state;
    watcher_init(&watcher);
    assert_ok(hy_unix_signal_watch(&watcher.signals, SIGUSR1));
    assert_ok(hy_unix_signal_watch(&watcher.signals, SIGUSR2));
    for (int i = 0; i < 5000; i++)
        send(SIGUSR1);
    send(SIGUSR2);
    wait_drain();
    assert_true(watcher.probe.count > 1000);
    other = watcher.last.number == SIGUSR2; /* told last */
    assert_true(other);
    watcher_fini(&watcher);
}

static void test_errno_and_interrupted_calls(void **state)
{
    struct watcher watcher;

    (void)state;
    watcher_init(&watcher);
    assert_ok(hy_unix_signal_watch(&watcher.signals, SIGUSR1));
    for (int i = 0; i < 5000; i++) { /* the pipe is full in the end, writing to it fails */
        errno = 12345;
        if (raise(SIGUSR1) != 0 || errno != 12345)
            fail_msg("errno is %d", errno);
    }
    wait_drain();
    watcher_fini(&watcher);
}

/* --- several ---------------------------------------------------------------------------------- */

static void test_64_watchers_and_no_more(void **state)
{
    static struct watcher watchers[65];
    int descriptors = system_descriptors();

    (void)state;
    for (int i = 0; i < 65; i++)
        watcher_init(&watchers[i]);
    for (int i = 0; i < 64; i++)
        assert_ok(hy_unix_signal_watch(&watchers[i].signals, SIGUSR1));
    assert_int_equal(hy_unix_signal_watch(&watchers[64].signals, SIGUSR1), -HY_EBUSY);
    assert_ok(hy_unix_signal_watch(&watchers[64].signals, SIGUSR2));
    send(SIGUSR1);
    for (int i = 0; i < 64; i++)
        assert_true(wait_count(&watchers[i].probe.reached, 1));
    assert_int_equal(watchers[64].probe.count, 0);
    assert_ok(hy_unix_signal_unwatch(&watchers[10].signals, SIGUSR1));
    assert_ok(hy_unix_signal_watch(&watchers[64].signals, SIGUSR1));
    for (int i = 0; i < 65; i++)
        watcher_fini(&watchers[i]);
    assert_true(action_is(SIGUSR1, SIG_DFL));
    assert_true(system_descriptors() <= descriptors + 2); /* the dispatcher of this thread */
}

struct office {
    struct worker worker;
    struct watcher watcher;
};

static void office_open(void *context)
{
    struct office *office = context;

    watcher_init(&office->watcher);
    EXPECT_INT(hy_unix_signal_watch(&office->watcher.signals, SIGUSR1), 0);
}

static void office_close(void *context)
{
    struct office *office = context;

    watcher_fini(&office->watcher);
}

static void *only_computes(void *context)
{
    while (count_get(context) == 0) {
    }
    return NULL;
}

/* Threads that know nothing of it, and have the signal unblocked, are there too. */
static void test_watchers_in_several_threads(void **state)
{
    struct office offices[3];
    pthread_t other;
    int end = 0;

    (void)state;
    assert_int_equal(pthread_create(&other, NULL, only_computes, &end), 0);
    for (int i = 0; i < 3; i++) {
        worker_start(&offices[i].worker, "office");
        run_there(&offices[i].worker.probe.hy, office_open, &offices[i]);
    }
    for (int round = 1; round <= 20; round++) {
        send(SIGUSR1);
        assert_int_equal(pthread_kill(other, SIGUSR1), 0);
        for (int i = 0; i < 3; i++)
            assert_true(wait_count(&offices[i].watcher.probe.reached, 2 * round - 1));
    }
    for (int i = 0; i < 3; i++) {
        run_there(&offices[i].worker.probe.hy, office_close, &offices[i]);
        worker_stop(&offices[i].worker);
    }
    (void)count_up(&end);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_true(action_is(SIGUSR1, SIG_DFL));
}

static void test_it_moves_with_what_has_not_been_told(void **state)
{
    struct worker worker;
    struct watcher watcher;

    (void)state;
    worker_start(&worker, "new home");
    watcher_init(&watcher);
    assert_ok(hy_unix_signal_watch(&watcher.signals, SIGUSR1));
    send(SIGUSR1);
    assert_ok(hy_object_move_to_thread(&watcher.signals.hy, &worker.thread));
    assert_true(wait_count(&watcher.probe.reached, 1)); /* from there to here */
    send(SIGUSR1);
    assert_true(wait_count(&watcher.probe.reached, 2));
    assert_int_equal(hy_unix_signal_watch(&watcher.signals, SIGUSR2), -HY_EWRONGTHREAD);
    assert_int_equal(hy_unix_signal_unwatch(&watcher.signals, SIGUSR1), -HY_EWRONGTHREAD);
    worker_stop(&worker); /* it ends there */
    assert_true(action_is(SIGUSR1, SIG_DFL));
    object_end(&watcher.probe.hy);
}

/* --- races ------------------------------------------------------------------------------------ */

static void *sends(void *context)
{
    while (count_get(context) == 0)
        send(SIGUSR1);
    return NULL;
}

/*
 * Watchers come and go while the handler runs in other threads; a descriptor that is used again for
 * something else never sees a note.
 */
static void test_a_watcher_goes_while_the_handler_runs(void **state)
{
    struct watcher stays;
    pthread_t senders[2];
    int end = 0;

    (void)state;
    watcher_init(&stays);
    assert_ok(hy_unix_signal_watch(&stays.signals, SIGUSR1));
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&senders[i], NULL, sends, &end), 0);
    for (int i = 0, n = check_scaled(3000); i < n; i++) {
        struct watcher comes;
        int ends[2];
        char byte;

        watcher_init(&comes);
        assert_ok(hy_unix_signal_watch(&comes.signals, SIGUSR1));
        if (i % 4 == 0)
            assert_true(wait_count(&comes.probe.reached, 1));
        watcher_fini(&comes);
        assert_int_equal(pipe2(ends, O_NONBLOCK), 0); /* the numbers of its pipe */
        for (int look = 0; look < 3; look++)
            assert_int_equal(read(ends[0], &byte, 1), -1);
        (void)close(ends[0]);
        (void)close(ends[1]);
    }
    (void)count_up(&end);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(senders[i], NULL), 0);
    wait_drain();
    watcher_fini(&stays);
    assert_true(action_is(SIGUSR1, SIG_DFL));
}

/* --- children --------------------------------------------------------------------------------- */

static pid_t spawn(const char *command)
{
    pid_t child = fork();

    if (child == 0) {
        (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    return child;
}

static void test_sigchld_tells_pid_and_status(void **state)
{
    struct watcher watcher;
    pid_t child;
    int status;

    (void)state;
    watcher_init(&watcher);
    assert_ok(hy_unix_signal_watch(&watcher.signals, SIGCHLD));
    child = spawn("exit 7");
    assert_true(child > 0);
    assert_true(wait_count(&watcher.probe.reached, 1));
    assert_int_equal(watcher.last.number, SIGCHLD);
    assert_int_equal(watcher.last.pid, child);
    assert_int_equal(watcher.last.code, CLD_EXITED);
    assert_int_equal(watcher.last.status, 7);
    assert_int_equal(waitpid(child, &status, 0), child);
    child = spawn("kill -TERM $$");
    assert_true(wait_count(&watcher.probe.reached, 2));
    assert_int_equal(watcher.last.pid, child);
    assert_int_equal(watcher.last.code, CLD_KILLED);
    assert_int_equal(watcher.last.status, SIGTERM);
    assert_int_equal(waitpid(child, &status, 0), child);
    watcher_fini(&watcher);
}

static bool status_line_is_zero(FILE *file, const char *name)
{
    char line[256];
    bool found = false, zero = false;

    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0) {
            found = true;
            zero = strspn(line + strlen(name), "0 \t\n") == strlen(line + strlen(name));
        }
    return EXPECT(found) && zero;
}

/* What a program executed here finds: nothing blocked, nothing ignored. */
static void test_a_child_starts_with_a_clean_mask(void **state)
{
    struct watcher watcher;
    FILE *output;

    (void)state;
    watcher_init(&watcher);
    for (int number = 1; number < 32; number++)
        if (number == SIGUSR1 || number == SIGTERM || number == SIGINT || number == SIGHUP)
            assert_ok(hy_unix_signal_watch(&watcher.signals, number));
    output = popen("cat /proc/self/status", "r");
    assert_non_null(output);
    assert_true(status_line_is_zero(output, "SigBlk:"));
    assert_int_equal(pclose(output), 0);
    watcher_fini(&watcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_signal_arrives_as_a_slot),
        TEST(test_what_cannot_be_watched),
        TEST(test_the_former_action_comes_back),
        TEST(test_what_has_not_been_told_is_forgotten_at_unwatch),
        TEST(test_a_slot_may_end_the_watcher),
        TEST(test_a_flood_loses_no_kind),
        TEST(test_errno_and_interrupted_calls),
        TEST(test_64_watchers_and_no_more),
        TEST(test_watchers_in_several_threads),
        TEST(test_it_moves_with_what_has_not_been_told),
        TEST(test_a_watcher_goes_while_the_handler_runs),
        TEST(test_sigchld_tells_pid_and_status),
        TEST(test_a_child_starts_with_a_clean_mask),
    };

    allocator_install();
    return cmocka_run_group_tests_name("unix-signal", tests, NULL, NULL);
}
