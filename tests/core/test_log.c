/* SPDX-License-Identifier: MIT */
/* The log: levels, filters by category, the environment, what the core says of itself. */
#include "../helpers/allocator.h"
#include "../helpers/probe.h"
#include "../helpers/system.h"
#include "../helpers/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lines_mutex = PTHREAD_MUTEX_INITIALIZER;
static char lines[4096];
static int line_count;

static void keep_line(enum hy_log_level level, const char *category, const char *message)
{
    size_t used;

    (void)pthread_mutex_lock(&lines_mutex);
    used = strlen(lines);
    (void)snprintf(lines + used, sizeof lines - used, "%d %s %s\n", (int)level, category, message);
    line_count++;
    (void)pthread_mutex_unlock(&lines_mutex);
}

static int setup(void **state)
{
    lines[0] = '\0';
    line_count = 0;
    hy_log_set_handler(keep_line);
    return check_setup(state);
}

static int teardown(void **state)
{
    hy_log_set_handler(NULL);
    hy_log_set_level(HY_LOG_INFO);
    return check_teardown(state);
}

/* Which of debug, info, warning and error get through, as a number of four digits. */
static int passing(const char *category)
{
    int digits = 0;

    for (int level = HY_LOG_DEBUG; level <= HY_LOG_ERROR; level++) {
        bool enabled = hy_log_is_enabled((enum hy_log_level)level, category);
        int before = line_count;

        hy_log((enum hy_log_level)level, category, "%d", level);
        EXPECT_INT(line_count - before, enabled);
        digits = digits * 10 + enabled;
    }
    return digits;
}

static void test_a_level_for_all(void **state)
{
    (void)state;
    assert_int_equal(passing("udp"), 111);
    hy_log_set_level(HY_LOG_DEBUG);
    assert_int_equal(passing("udp"), 1111);
    hy_log_set_level(HY_LOG_ERROR);
    assert_int_equal(passing("udp"), 1);
    assert_string_equal(strrchr(lines, 'u'), "udp 3\n");
}

static void test_levels_by_category(void **state)
{
    (void)state;
    assert_ok(hy_log_set_filter("udp=debug, ws = error ,app=off,*=warning"));
    assert_int_equal(passing("udp"), 1111);
    assert_int_equal(passing("ws"), 1);
    assert_int_equal(passing("app"), 0);
    assert_int_equal(passing("anything"), 11);
    assert_int_equal(passing("ud"), 11); /* whole names only */
    assert_int_equal(passing("udpx"), 11);
    assert_ok(hy_log_set_filter("udp=error,udp=debug")); /* the first that fits */
    assert_int_equal(passing("udp"), 1);
    assert_int_equal(passing("other"), 111);        /* nothing fits: info */
    assert_ok(hy_log_set_filter("ws=error,debug")); /* a level alone is for all */
    assert_int_equal(passing("ws"), 1);
    assert_int_equal(passing("other"), 1111);
    assert_ok(hy_log_set_filter("off"));
    assert_int_equal(passing("other"), 0);
    hy_log_set_level(HY_LOG_INFO); /* takes its place */
    assert_int_equal(passing("ws"), 111);
}

static void test_what_is_not_understood_changes_nothing(void **state)
{
    static const char *const wrong[] = {"udp=loud", "=debug", "debugging", "udp=debug,ws="};

    (void)state;
    assert_ok(hy_log_set_filter("udp=error"));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(hy_log_set_filter(wrong[i]), -HY_EINVAL);
        assert_int_equal(passing("udp"), 1);
    }
    assert_int_equal(hy_log_set_filter("udp=loud"), -HY_EINVAL);
    assert_non_null(strstr(hy_last_error()->message, "loud"));
    assert_non_null(strstr(hy_last_error()->message, "warning")); /* says what there is */
    assert_ok(hy_log_set_filter(" , ,"));                         /* nothing: as at first */
    assert_int_equal(passing("udp"), 111);
}

static void test_the_environment_again(void **state)
{
    (void)state;
    assert_int_equal(setenv("HALYARD_LOG", "udp=debug", 1), 0);
    assert_ok(hy_log_set_filter("udp=error"));
    assert_int_equal(passing("udp"), 1);
    assert_ok(hy_log_set_filter(NULL));
    assert_int_equal(passing("udp"), 1111);
    assert_int_equal(setenv("HALYARD_LOG", "udp=nonsense", 1), 0);
    assert_int_equal(hy_log_set_filter(NULL), -HY_EINVAL);
    assert_int_equal(passing("udp"), 1111);
    assert_int_equal(unsetenv("HALYARD_LOG"), 0);
    assert_ok(hy_log_set_filter(NULL));
    assert_int_equal(passing("udp"), 111);
}

/* At the first line of a process. */
static int first_lines(void *context)
{
    int expected;

    hy_log_set_handler(keep_line);
    EXPECT_INT(setenv("HALYARD_LOG", context, 1), 0);
    expected = strcmp(context, "broken=") == 0 ? 111 : 1111;
    EXPECT_INT(passing("udp"), expected);
    if (expected == 111)
        EXPECT(strstr(lines, "HALYARD_LOG") != NULL); /* the mistake is told */
    EXPECT_INT(passing("ws"), 111);
    return 0;
}

static void test_the_environment_at_first(void **state)
{
    char good[] = "udp=debug", bad[] = "broken=";

    (void)state;
    assert_int_equal(system_in_child(first_lines, good), 0);
    assert_int_equal(system_in_child(first_lines, bad), 0);
}

/* Without a handler: level, thread, category. */
static void test_the_default_is_standard_error(void **state)
{
    char text[256] = "";
    FILE *file = tmpfile();
    int before;

    (void)state;
    SKIP_ON_WINDOWS("the dup2() of these tests there is for sockets");
    assert_non_null(file);
    (void)fflush(stderr);
    before = dup(2);
    assert_true(dup2(fileno(file), 2) >= 0);
    hy_log_set_handler(NULL);
    hy_log(HY_LOG_WARNING, "udp", "number %d", 7);
    hy_log((enum hy_log_level)99, "ws", "of no level");
    (void)fflush(stderr);
    (void)dup2(before, 2);
    (void)close(before);
    rewind(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    (void)fclose(file);
    assert_non_null(strstr(text, "warning"));
    assert_non_null(strstr(text, "udp: number 7"));
    assert_non_null(strstr(text, "error"));
    assert_non_null(strstr(text, "ws: of no level"));
}

static void test_a_long_line_is_cut(void **state)
{
    static char text[3000];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    hy_log(HY_LOG_INFO, "cut", "%s", text);
    assert_int_equal(strlen(lines), strlen("1 cut \n") + 1000);
}

static void quit_now(struct probe *self)
{
    (void)self;
    hy_thread_quit(hy_thread_current(), 0);
}

static void test_what_the_core_says_of_itself(void **state)
{
    struct worker worker;
    struct probe *probe = probe_create(NULL);

    (void)state;
    assert_ok(hy_log_set_filter("thread=debug,move=debug,message=debug,*=off"));
    assert_ok(hy_object_set_name(&probe->hy, "parcel"));
    worker_init(&worker, "depot");
    assert_ok(hy_thread_start(&worker.thread));
    assert_ok(hy_post(&probe->hy, HY_EVENT_USER, NULL, 0, HY_PRIORITY_NORMAL));
    assert_ok(hy_object_move_to_thread(&probe->hy, NULL));
    object_end(&probe->hy); /* with what waits for it */
    assert_ok(hy_after(0, &worker.probe, quit_now));
    worker_stop(&worker);
    assert_non_null(strstr(lines, "0 move moving \"parcel\""));
    assert_non_null(strstr(lines, "0 message an event is dropped"));
    assert_non_null(strstr(lines, "0 thread thread \"depot\" starts"));
    assert_non_null(strstr(lines, "0 thread thread \"depot\" ends"));
}

static void *log_and_change(void *context)
{
    int *written = context;

    for (int i = 0; i < check_scaled(5000); i++) {
        if (i % 16 == 0)
            EXPECT_INT(hy_log_set_filter(i % 32 == 0 ? "a=debug,b=off" : "b=error,*=info"), 0);
        if (i % 50 == 0)
            hy_log_set_level(HY_LOG_WARNING);
        hy_log(HY_LOG_DEBUG, "a", "%d", i);
        hy_log(HY_LOG_ERROR, "c", "%d", i);
        *written += 1;
    }
    return NULL;
}

static void test_filters_change_while_others_log(void **state)
{
    pthread_t threads[3];
    int written[3] = {0, 0, 0};

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_and_change, &written[i]), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(line_count >= written[0] + written[1] + written[2]); /* errors always pass */
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_environment_at_first), /* before the library is used */
        CASE(test_a_level_for_all),
        CASE(test_levels_by_category),
        CASE(test_what_is_not_understood_changes_nothing),
        CASE(test_the_environment_again),
        CASE(test_the_default_is_standard_error),
        CASE(test_a_long_line_is_cut),
        CASE(test_what_the_core_says_of_itself),
        CASE(test_filters_change_while_others_log),
    };

    allocator_install();
    (void)unsetenv("HALYARD_LOG");
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
