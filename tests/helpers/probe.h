/* SPDX-License-Identifier: MIT */
/*
 * The objects that most tests use: a probe, which notes the events, slots and finis that reach it,
 * and a source, which has a signal of every kind.
 */
#ifndef TESTS_PROBE_H
#define TESTS_PROBE_H

#include "check.h"
#include "wait.h"

#include <halyard/halyard.h>

#define PROBE_LOG 64

struct number {
    int64_t value;
};

/* A payload on the heap: copied and destroyed by functions that keep the balance. */
struct text {
    char *bytes;
};

/* A payload that is valid during the call only. */
struct view {
    const char *bytes;
};

struct probe {
    HY_INHERITS(hy_object);
    /* Set by the test; called by the handlers, in the object's thread. */
    void (*on_event)(struct probe *self, struct hy_event *event);
    void (*on_slot)(struct probe *self, int64_t value);
    void (*on_fini)(struct probe *self);
    void *context;
    int *fini_count; /* counted up by fini; may be NULL */
    /* What came: event types or slot values, in order; guard home thread. */
    int64_t log[PROBE_LOG];
    int count;
    int reached; /* as count, for other threads: read with count_get() */
    int moves;   /* enter_thread calls */
};

extern const struct hy_class probe_class;

struct source {
    HY_INHERITS(hy_object);
    struct {
        hy_signal(struct number) number;
        hy_signal(struct text) text;
        hy_signal(struct view) view;
        hy_signal0 nothing;
        hy_signal(struct number) undeclared; /* not named by the class */
    } events;
};

extern const struct hy_class source_class;

/* Makes one in the calling thread; all members are cleared first. */
void probe_init(struct probe *probe, struct hy_object *parent);
struct probe *probe_create(struct hy_object *parent);
void source_init(struct source *source);
/* Ends either; counts a failure when that fails. */
void object_end(struct hy_object *object);

/* Appends to the log. */
void probe_note(struct probe *probe, int64_t value);
/* Whether the log is exactly this; for EXPECT. */
bool probe_saw(const struct probe *probe, int count, const int64_t *values);
#define PROBE_SAW(probe, ...)                                                                      \
    probe_saw((probe), (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                  \
              (const int64_t[]){__VA_ARGS__})

/* Slots. */
void probe_number(struct probe *self, const struct number *number);
void probe_number_too(struct probe *self, const struct number *number);
void probe_text(struct probe *self, const struct text *text); /* notes the length */
void probe_view(struct probe *self, const struct view *view);
void probe_nothing(struct probe *self); /* notes -1 */

/* Copies of struct text that exist; must be 0 at the end of a test. */
int text_copies(void);
int text_copies_made(void);
/* The copies from now on fail with -HY_ENOMEM after this many; -1: never. */
void text_fail_after(int copies);
int text_copy(void *to, const void *from);
void text_destroy(void *payload);

#endif
