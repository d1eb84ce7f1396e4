/* SPDX-License-Identifier: MIT */
/* All of the network layer: link with pkg-config halyard-net. */
#ifndef HALYARD_NET_H
#define HALYARD_NET_H

#include <halyard/address.h>
#include <halyard/buffer.h>
#include <halyard/udp.h>
#include <halyard/ws_client.h>
#include <halyard/ws_server.h>

#endif
