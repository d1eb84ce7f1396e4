/* SPDX-License-Identifier: MIT */
/*
 * The grammar of Sec-WebSocket-Extensions (RFC 6455 section 9.1). Linear time, no allocation.
 */
#ifndef HY_NET_WS_EXTENSION_H
#define HY_NET_WS_EXTENSION_H

#include "slice.h"

/**
 * Whether it is a list of at least one extension: token *( ";" token [ "=" (token | quoted token) ]
 * ). Empty list elements are accepted, as RFC 9110 section 5.6.1 asks of a recipient.
 */
bool hy__ws_extension_list_is_valid(struct hy__slice list);

#endif
