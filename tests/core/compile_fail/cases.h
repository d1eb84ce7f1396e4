/* SPDX-License-Identifier: MIT */
/*
 * What the cases share. Each case is one file, valid as it stands; with -DMUST_FAIL one statement
 * takes the place of a right one, and the compiler must refuse exactly that.
 */
#ifndef TESTS_COMPILE_FAIL_CASES_H
#define TESTS_COMPILE_FAIL_CASES_H

#include <halyard/halyard.h>

struct moved {
    int x, y;
};

struct resized {
    int width, height;
};

struct sender {
    HY_INHERITS(hy_object);
    int plain_member;
    struct moved not_a_signal;
    struct {
        hy_signal(struct moved) moved;
        hy_signal(struct resized) resized;
        hy_signal0 done;
    } events;
};

struct view {
    HY_INHERITS(hy_object);
    int drawn;
};

struct label {
    HY_INHERITS(view);
    int lines;
};

struct stranger {
    int no_object;
};

static inline void view_moved(struct view *self, const struct moved *moved)
{
    self->drawn = moved->x;
}

static inline void view_nothing(struct view *self)
{
    self->drawn = 0;
}

static inline void view_resized(struct view *self, const struct resized *resized)
{
    self->drawn = resized->width;
}

static inline void view_moved_mutable(struct view *self, struct moved *moved)
{
    self->drawn = moved->x;
}

static inline long view_moved_result(struct view *self, const struct moved *moved)
{
    return self->drawn = moved->x;
}

static inline void view_moved_value(struct view *self, struct moved moved)
{
    self->drawn = moved.x;
}

static inline void view_moved_twice(struct view *self, const struct moved *a, const struct moved *b)
{
    self->drawn = a->x + b->x;
}

static inline void view_moved_context(struct view *self, const struct moved *moved, void *context)
{
    self->drawn = moved->x;
    (void)context;
}

static inline int view_moved_answer(struct view *self, const struct moved *moved, void *context)
{
    (void)context;
    return self->drawn = moved->x;
}

static inline void view_moved_typed_context(struct view *self, const struct moved *moved,
                                            int *context)
{
    self->drawn = moved->x + *context;
}

static inline void view_nothing_context(struct view *self, void *context)
{
    (void)context;
    self->drawn = 0;
}

static inline void view_resized_context(struct view *self, const struct resized *resized,
                                        void *context)
{
    self->drawn = resized->width;
    (void)context;
}

static inline void label_moved(struct label *self, const struct moved *moved)
{
    self->lines = moved->y;
}

static inline void stranger_moved(struct stranger *self, const struct moved *moved)
{
    self->no_object = moved->x;
}

#endif
