/* SPDX-License-Identifier: MIT */
/*
 * System calls that fail on purpose: those of the library, which is linked statically for this,
 * with -Wl,--wrap for each of failing_names in tests/core/meson.build. A call counts when there is
 * an error that it may plausibly return; what can only be refused for a wrong argument is passed
 * on.
 */
#ifndef TESTS_FAILING_CALLS_H
#define TESTS_FAILING_CALLS_H

#include <stdbool.h>

/* How the n-th call from now on (1: the next), of whatever thread, fails. */
struct failure {
    long n;
    int choice;   /* which of the errors that this call may return */
    bool lasting; /* all later ones of the same name fail alike, as when descriptors have run out */
};

void failing_calls_plan(const struct failure *failure);
/* From here on none fails. What happened is remembered until the next plan. */
void failing_calls_stop(void);

/* Whether the planned call has come up. */
bool failing_calls_reached(void);
/* Its name, and the errno it returned; 0: it has fewer errors than `choice`, and did not fail. */
const char *failing_calls_name(void);
int failing_calls_error(void);
/* The calling thread is the test's own work from here on, and its calls neither count nor fail. */
void failing_calls_leave_alone(bool alone);

/* How many calls there are, their names, and how often each has failed, in child processes too once
 * failing_calls_share() has been called. */
void failing_calls_share(void);
int failing_calls_count(void);
const char *failing_calls_name_of(int call);
long failing_calls_failures_of(int call);

#endif
