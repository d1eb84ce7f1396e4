/* SPDX-License-Identifier: MIT */
/* Checks for every thread: one atomic count of failures. See check.h. */
#include "check.h"

#include <halyard/error.h>
#include <stdlib.h>
#include <string.h>

static int failures;

bool check_expect(bool holds, const char *text, const char *file, int line)
{
    if (!holds) {
        __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
        (void)fprintf(stderr, "%s:%d: expected: %s (last error: %s)\n", file, line, text,
                      check_last_message());
    }
    return holds;
}

bool check_expect_int(int64_t actual, int64_t expected, const char *text, const char *file,
                      int line)
{
    if (actual != expected) {
        __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
        (void)fprintf(stderr, "%s:%d: %s is %lld, expected %lld (last error: %s)\n", file, line,
                      text, (long long)actual, (long long)expected, check_last_message());
    }
    return actual == expected;
}

int check_take_failures(void)
{
    return __atomic_exchange_n(&failures, 0, __ATOMIC_RELAXED);
}

const char *check_last_message(void)
{
    const struct hy_error *error = hy_last_error();

    return error->code != HY_OK ? error->message : "none";
}

/* HY_TEST_CASE names the only case to run, for tools/mutate. */
static __attribute__((constructor)) void choose_case(void)
{
    const char *only = getenv("HY_TEST_CASE");

    if (only != NULL)
        cmocka_set_test_filter(only);
}

int check_setup(void **state)
{
    (void)state;
    (void)check_take_failures();
    return 0;
}

int check_teardown(void **state)
{
    (void)state;
    return check_take_failures();
}

int check_scaled(int iterations)
{
    const char *text = getenv("HY_STRESS");
    double factor = text != NULL ? atof(text) : 1.0;
    double scaled = (double)iterations * (factor > 0.0 ? factor : 1.0);

    return scaled < 1.0 ? 1 : (int)scaled;
}

int check_step(void)
{
    return check_scaled(40) < 2 ? 8 : 1;
}

bool check_under_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

    return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL;
}
