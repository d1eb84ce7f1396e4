/* SPDX-License-Identifier: MIT */
/* Version, errors as values, memory, log. */
#include "../helpers/allocator.h"
#include "../helpers/check.h"
#include "../helpers/wait.h"
#include "../helpers/worker.h"

#include <errno.h>
#include <string.h>

static void test_version(void **state)
{
    char expected[32];

    (void)state;
    (void)snprintf(expected, sizeof expected, "%d.%d.%d", HY_VERSION_MAJOR, HY_VERSION_MINOR,
                   HY_VERSION_PATCH);
    assert_string_equal(hy_version(), expected);
}

static void test_error_names(void **state)
{
    (void)state;
    assert_string_equal(hy_error_name(HY_EINVAL), "HY_EINVAL");
    assert_string_equal(hy_error_name(-HY_EINVAL), "HY_EINVAL");
    assert_string_equal(hy_error_name(HY_OK), "HY_OK");
    assert_string_equal(hy_error_name(99999), "HY_E?");
    assert_string_equal(hy_error_name(-99999), "HY_E?");
    for (int code = HY_OK; code <= HY_EMFILE; code++) {
        assert_non_null(hy_error_name(code));
        assert_string_not_equal(hy_error_name(code), "HY_E?");
    }
}

static void test_error_set(void **state)
{
    char longer[600];

    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(hy_error_set(-HY_EBUSY, "interval %d is %s", 5, "odd"), -HY_EBUSY);
    assert_int_equal(hy_last_error()->code, HY_EBUSY);
    assert_string_equal(hy_last_error()->message, "interval 5 is odd");
    assert_int_equal(hy_error_set(-HY_EINVAL, "%s", longer), -HY_EINVAL);
    assert_true(strlen(hy_last_error()->message) < sizeof hy_last_error()->message);
    assert_true(strlen(hy_last_error()->message) > 200);
}

static void test_error_set_system(void **state)
{
    (void)state;
    assert_int_equal(hy_error_set_system(EACCES, "cannot bind %s", "0.0.0.0:80"), -HY_EACCES);
    assert_non_null(strstr(hy_last_error()->message, "cannot bind 0.0.0.0:80"));
    assert_non_null(strstr(hy_last_error()->message, strerror(EACCES)));
    assert_int_equal(hy_error_set_system(ENOMEM, "x"), -HY_ENOMEM);
    assert_int_equal(hy_error_set_system(EMFILE, "x"), -HY_EMFILE);
    assert_int_equal(hy_error_set_system(EADDRINUSE, "x"), -HY_EADDRINUSE);
    assert_int_equal(hy_error_set_system(ECONNREFUSED, "x"), -HY_ECONNREFUSED);
    assert_int_equal(hy_error_set_system(EBADF, "x"), -HY_EBADF);
    assert_int_equal(hy_error_set_system(EXDEV, "x"), -HY_EIO); /* any other */
}

static void test_system_errors_keep_their_meaning(void **state)
{
    static const int pairs[][2] = {
        {EINVAL, HY_EINVAL},     {EAFNOSUPPORT, HY_EINVAL}, {EEXIST, HY_EEXIST},
        {ENOENT, HY_ENOENT},     {EPERM, HY_EACCES},        {EADDRNOTAVAIL, HY_EADDRNOTAVAIL},
        {EMSGSIZE, HY_EMSGSIZE}, {ENOTCONN, HY_ENOTCONN},   {ENFILE, HY_EMFILE},
        {EAGAIN, HY_EAGAIN},     {ETIMEDOUT, HY_ETIMEDOUT}, {ENOTSUP, HY_ENOTSUP},
        {ENOSYS, HY_ENOTSUP},    {ENOBUFS, HY_ENOMEM},
    };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_int_equal(hy_error_set_system(pairs[i][0], "x"), -pairs[i][1]);
        assert_int_equal(hy_last_error()->code, pairs[i][1]);
    }
}

static void set_error_there(void *context)
{
    (void)context;
    EXPECT_INT(hy_last_error()->code, HY_OK); /* a fresh thread has none */
    (void)hy_error_set(-HY_ENOENT, "in the other thread");
}

static void test_the_last_error_is_the_threads_own(void **state)
{
    struct worker worker;

    (void)state;
    worker_start(&worker, "other");
    (void)hy_error_set(-HY_EPROTO, "here");
    run_there(&worker.probe.hy, set_error_there, NULL);
    assert_int_equal(hy_last_error()->code, HY_EPROTO);
    assert_string_equal(hy_last_error()->message, "here");
    worker_stop(&worker);
}

static void test_an_utf8_message_is_not_cut_inside_a_character(void **state)
{
    char text[400];
    const char *message;
    size_t size;

    (void)state;
    for (size_t i = 0; i < 198; i++)
        memcpy(text + 2 * i, "\xc3\xa4", 2);
    text[396] = '\0';
    (void)hy_error_set(-HY_EINVAL, "a%s", text);
    message = hy_last_error()->message;
    size = strlen(message);
    assert_true(size > 200);
    assert_int_equal(size % 2, 1); /* "a" and whole characters */
}

static void test_memory(void **state)
{
    long blocks = allocator_blocks();
    unsigned char *bytes = hy_memory_allocate_zeroed(100);

    (void)state;
    assert_non_null(bytes);
    for (int i = 0; i < 100; i++)
        assert_int_equal(bytes[i], 0);
    bytes[99] = 7;
    allocator_fail_at(1);
    assert_null(hy_memory_resize(bytes, 1000000));
    assert_int_equal(hy_last_error()->code, HY_ENOMEM);
    assert_int_equal(bytes[99], 7); /* untouched */
    bytes = hy_memory_resize(bytes, 200);
    assert_non_null(bytes);
    assert_int_equal(bytes[99], 7);
    assert_int_equal(allocator_blocks(), blocks + 1);
    hy_memory_release(bytes);
    hy_memory_release(NULL);
    assert_int_equal(allocator_blocks(), blocks);
    allocator_fail_at(1);
    assert_null(hy_memory_allocate(10));
    assert_int_equal(hy_last_error()->code, HY_ENOMEM);
    allocator_fail_at(0);
}

static int lines;
static enum hy_log_level last_level;
static char last_line[2000], last_category[32];

static void note_line(enum hy_log_level level, const char *category, const char *message)
{
    count_up(&lines);
    last_level = level;
    (void)snprintf(last_line, sizeof last_line, "%s", message);
    (void)snprintf(last_category, sizeof last_category, "%s", category);
}

static void test_log(void **state)
{
    static char longer[3000];

    (void)state;
    hy_log_set_handler(note_line);
    hy_log(HY_LOG_DEBUG, "test", "dropped");
    assert_int_equal(lines, 0); /* from HY_LOG_INFO up */
    hy_log(HY_LOG_INFO, "test", "ship %d", 211);
    assert_int_equal(lines, 1);
    assert_int_equal(last_level, HY_LOG_INFO);
    assert_non_null(strstr(last_line, "ship 211"));
    assert_string_equal(last_category, "test");
    hy_log_set_level(HY_LOG_ERROR);
    hy_log(HY_LOG_WARNING, "test", "dropped");
    assert_int_equal(lines, 1);
    hy_log_set_level(HY_LOG_DEBUG);
    hy_log(HY_LOG_DEBUG, "test", "kept");
    assert_int_equal(lines, 2);
    memset(longer, 'x', sizeof longer - 1);
    hy_log(HY_LOG_ERROR, "test", "%s", longer);
    assert_int_equal(lines, 3);
    assert_in_range(strlen(last_line), 900, 1000); /* cut */
    hy_log_set_level(HY_LOG_INFO);
    hy_log_set_handler(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_version),
        TEST(test_error_names),
        TEST(test_error_set),
        TEST(test_error_set_system),
        TEST(test_system_errors_keep_their_meaning),
        TEST(test_the_last_error_is_the_threads_own),
        TEST(test_an_utf8_message_is_not_cut_inside_a_character),
        TEST(test_memory),
        TEST(test_log),
    };

    allocator_install();
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
