/* SPDX-License-Identifier: MIT */
/* Messages of user input that wait while a loop excludes them. Thread: the dispatcher's. */
#ifndef HALYARD_DISPATCH_WIN32_INPUT_H
#define HALYARD_DISPATCH_WIN32_INPUT_H

#include "platform/win32.h"

#include <halyard/base.h>

struct hy__win32_input {
    MSG *messages; /* a ring */
    size_t first, count, room;
};

/* Whether it is what a user does: keyboard, mouse, pen, touch, closing a window. */
bool hy__win32_is_input(const MSG *message);
/* Behind the others. False: there is no memory; it has to be dispatched now. */
bool hy__win32_input_hold(struct hy__win32_input *input, const MSG *message);
/* The oldest one. False: there is none. */
bool hy__win32_input_take(struct hy__win32_input *input, MSG *ret_message);
void hy__win32_input_free(struct hy__win32_input *input);

#endif
