/* SPDX-License-Identifier: MIT */
/*
 * Exhaustive exploration of a small concurrent program, as explore.py does it, for models with too
 * many states for Python: every schedule, breadth first, so that a trace is a shortest one.
 *
 * One step is one atomic operation, or what happens under a lock of which only the lock matters.
 * Memory is sequentially consistent.
 */
#ifndef TESTS_MODEL_EXPLORE_H
#define TESTS_MODEL_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum explore_result {
    EXPLORE_STEP,    /* one step was made */
    EXPLORE_CHANCE,  /* the same, by something that may happen but that nobody may count on */
    EXPLORE_BLOCKED, /* the thread cannot go on now, or not in this way */
    EXPLORE_NO_MORE  /* there is no such choice, nor one with a larger number */
};

struct explore_model {
    size_t state_size; /* of a struct without padding */
    int threads;
    /* Lets the thread make its step; choice counts from 0. */
    enum explore_result (*step)(void *state, int thread, int choice);
    /* Nobody can make a step any more. */
    void (*final)(const void *state);
    /* What the thread is about to do. */
    const char *(*label)(const void *state, int thread);
};

/* In a step or in final(): notes the first rule that does not hold. Returns condition. */
bool explore_require(bool condition, const char *text);

/* Explores, and prints one line of TAP with its comment. broken: NULL, or the name of the step that
 * is left out, which must be found. Returns whether it came out as it must. */
bool explore(const struct explore_model *model, const void *initial, int number, const char *name,
             const char *broken);

#endif
