/* SPDX-License-Identifier: MIT */
/*
 * Checks for every thread. cmocka's assertions jump out of the test and may only be used by the
 * test's own thread, outside the library; EXPECT() only notes a failure, in any thread and in any
 * handler, and the teardown of the test case (see TEST()) then fails it.
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Whether this is the code of a sanitizer's build; gcc and clang say so in different ways. */
#ifdef __has_feature
#define CHECK_HAS_FEATURE_(feature) __has_feature(feature)
#else
#define CHECK_HAS_FEATURE_(feature) 0
#endif
#if defined(__SANITIZE_THREAD__) || CHECK_HAS_FEATURE_(thread_sanitizer)
#define UNDER_TSAN 1
#else
#define UNDER_TSAN 0
#endif
/* Whether the library takes its rare ways only (Meson's option `hard`): a slab grows by a cell. */
#ifdef HY__HARD
#define UNDER_HARD 1
#else
#define UNDER_HARD 0
#endif
#if defined(__SANITIZE_ADDRESS__) || CHECK_HAS_FEATURE_(address_sanitizer)
#define UNDER_ASAN 1
#else
#define UNDER_ASAN 0
#endif

/* A condition that must hold; evaluates to it. */
#define EXPECT(condition) check_expect((condition), #condition, __FILE__, __LINE__)
/* A number that must be another one; says both. */
#define EXPECT_INT(actual, expected)                                                               \
    check_expect_int((int64_t)(actual), (int64_t)(expected), #actual, __FILE__, __LINE__)

/* A call that must succeed (0 or more), told with the library's last error. */
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        int assert_ok_rc_ = (call);                                                                \
        if (assert_ok_rc_ < 0)                                                                     \
            fail_msg("%s: %d: %s", #call, assert_ok_rc_, check_last_message());                    \
    } while (0)

/* For a case that shows what Windows does not have. */
#ifdef _WIN32
#define SKIP_ON_WINDOWS(reason)                                                                    \
    do {                                                                                           \
        print_message("%s\n", (reason));                                                           \
        skip();                                                                                    \
    } while (0)
#else
#define SKIP_ON_WINDOWS(reason) ((void)0)
#endif

/* One entry of the table of cases. */
#define TEST(function) cmocka_unit_test_setup_teardown(function, check_setup, check_teardown)

bool check_expect(bool holds, const char *text, const char *file, int line);
bool check_expect_int(int64_t actual, int64_t expected, const char *text, const char *file,
                      int line);
/* How many EXPECTs have failed since the last call. */
int check_take_failures(void);
const char *check_last_message(void);

int check_setup(void **state);
int check_teardown(void **state);

/* Whether valgrind runs the program: no other build, so asked as it runs. */
bool check_under_valgrind(void);

/* HY_STRESS multiplies the iterations of stress tests (default 1, also fractions). */
int check_scaled(int iterations);
/* Of a sequence of failures, how many to go on by: 1, or 8 where HY_STRESS is below 0.05. */
int check_step(void);

#endif
