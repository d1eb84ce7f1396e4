/* SPDX-License-Identifier: MIT */
/* Messages of user input that wait. See win32_input.h. */
#include "dispatch/win32_input.h"

#include <halyard/memory.h>

#ifndef WM_POINTERUPDATE
#define WM_NCPOINTERUPDATE 0x0241
#define WM_POINTERHWHEEL   0x024F
#endif

static bool is_between(UINT message, UINT first, UINT last)
{
    return first <= message && message <= last;
}

bool hy__win32_is_input(const MSG *message)
{
    UINT number = message->message;
    return is_between(number, WM_KEYFIRST, WM_KEYLAST) ||
           is_between(number, WM_MOUSEFIRST, WM_MOUSELAST) ||
           is_between(number, WM_NCMOUSEMOVE, WM_NCXBUTTONDBLCLK) ||
           is_between(number, WM_NCPOINTERUPDATE, WM_POINTERHWHEEL) || number == WM_TOUCH ||
           number == WM_GESTURE || number == WM_INPUT || number == WM_HOTKEY || number == WM_CLOSE;
}

static bool make_room(struct hy__win32_input *input)
{
    if (input->count < input->room)
        return true;
    size_t room = input->room > 0 ? 2 * input->room : 16;
    MSG *messages = hy_memory_allocate(room * sizeof *messages);
    if (messages == NULL)
        return false;
    for (size_t i = 0; i < input->count; i++)
        messages[i] = input->messages[(input->first + i) % input->room];
    hy_memory_release(input->messages);
    *input = (struct hy__win32_input){messages, 0, input->count, room};
    return true;
}

bool hy__win32_input_hold(struct hy__win32_input *input, const MSG *message)
{
    if (!make_room(input))
        return false;
    input->messages[(input->first + input->count++) % input->room] = *message;
    return true;
}

bool hy__win32_input_take(struct hy__win32_input *input, MSG *ret_message)
{
    if (input->count == 0)
        return false;
    *ret_message = input->messages[input->first];
    input->first = (input->first + 1) % input->room;
    input->count--;
    return true;
}

void hy__win32_input_free(struct hy__win32_input *input)
{
    hy_memory_release(input->messages);
    *input = (struct hy__win32_input){0};
}
