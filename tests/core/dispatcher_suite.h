/* SPDX-License-Identifier: MIT */
/*
 * One suite for every dispatcher. A program names its subject and calls suite_main(); each case
 * then runs in a new thread that has the subject's dispatcher, as that thread's body. So all cases
 * use EXPECT(), and may use the loop as they like.
 */
#ifndef TESTS_DISPATCHER_SUITE_H
#define TESTS_DISPATCHER_SUITE_H

#include "../helpers/probe.h"

#include <pthread.h>

/* A case that the subject cannot run, and why. */
struct suite_skip {
    const char *name;
    const char *reason;
};

struct suite_subject {
    const char *name;
    int (*create)(struct hy_dispatcher **ret_dispatcher);
    /* Runs the loop, with exclusions, until quit; returns the code. NULL: hy_loop_exec(). */
    int (*run)(struct hy_loop *loop, unsigned flags);
    /* Any thread. NULL: hy_loop_quit(). */
    void (*quit)(struct hy_loop *loop, int code);
    /* Inside a handler: a foreign loop that runs until done(context). NULL: there is none. */
    void (*nest)(bool (*done)(void *context), void *context);
    const struct suite_skip *skips; /* up to one without a name; or NULL */
};

struct suite_case {
    const char *name;
    void (*function)(void **state);
};
#define SUITE_CASE(function)                                                                       \
    {                                                                                              \
#function, function                                                                        \
    }

/* The group of all cases; what main() returns. */
int suite_main(const struct suite_subject *subject);

/* --- for the cases ---------------------------------------------------------------------------- */

/* Each up to an entry without a name. */
extern const struct suite_case suite_post_cases[], suite_timer_cases[], suite_notifier_cases[];

/* Made in the subject's thread before each case, and ended after it. */
extern struct probe here;

const struct suite_subject *suite_subject(void);
/* The loop of the case: runs it, and ends it from any thread. */
int suite_run(unsigned flags);
void suite_quit(int code);
/* Posts event HY_EVENT_USER + number to `here`, from any thread. */
void suite_post(uint32_t number);
#define E(n) (HY_EVENT_USER + (n))

/* A plain thread, which the library knows only when it calls. */
void suite_thread(pthread_t *ret_thread, void *(*function)(void *), void *context);
void suite_join(pthread_t thread);

/* A socket pair and a notifier on its first end; ready is noted in `here` as `note`. */
struct pair {
    HY_INHERITS(hy_object);
    struct hy_notifier notifier;
    int ends[2];
    int note;
    int calls;
    unsigned conditions; /* of the last call */
    void (*on_ready)(struct pair *self);
    struct pair *other;
};
void pair_init(struct pair *pair, int note);
void pair_end(struct pair *pair);
void pair_watch(struct pair *pair, unsigned conditions);
void pair_write(struct pair *pair); /* its first end becomes readable */
void pair_read(struct pair *pair);  /* and not any more */
/* The next pass looks for itself: else it may be told by another thread, one pass later. */
void pair_look_again(struct pair *pair);

/* A timer that notes `note` in `here`. */
struct ticker {
    HY_INHERITS(hy_object);
    struct hy_timer timer;
    int note;
    int calls;
    void (*on_tick)(struct ticker *self);
};
void ticker_init(struct ticker *ticker, int note);

#endif
