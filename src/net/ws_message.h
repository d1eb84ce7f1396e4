/* SPDX-License-Identifier: MIT */
/* How a message in a buffer crosses threads: what client and server share. */
#ifndef HALYARD_NET_WS_MESSAGE_H
#define HALYARD_NET_WS_MESSAGE_H

/* copy and destroy of struct hy_ws_message_buffer, for HY_DESCRIBED(): a reference is taken, or
 * given up. */
int hy__ws_message_buffer_copy(void *to, const void *from);
void hy__ws_message_buffer_destroy(void *payload);

#endif
