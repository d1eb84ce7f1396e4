/* SPDX-License-Identifier: MIT */
#include "ws_message.h"

#include <halyard/ws_server.h>

int hy__ws_message_buffer_copy(void *to, const void *from)
{
    struct hy_ws_message_buffer *copy = to;
    *copy = *(const struct hy_ws_message_buffer *)from;
    hy_buffer_ref(copy->buffer);
    return 0;
}

void hy__ws_message_buffer_destroy(void *payload)
{
    struct hy_ws_message_buffer *message = payload;
    hy_buffer_unref(message->buffer);
}
