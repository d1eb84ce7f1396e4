/* SPDX-License-Identifier: MIT */
/* All of the core: link with pkg-config halyard. */
#ifndef HALYARD_H
#define HALYARD_H

#include <halyard/app.h>
#include <halyard/base.h>
#include <halyard/diagnostics.h>
#include <halyard/dispatcher.h>
#include <halyard/error.h>
#include <halyard/event.h>
#include <halyard/log.h>
#include <halyard/loop.h>
#include <halyard/memory.h>
#include <halyard/notifier.h>
#include <halyard/object.h>
#include <halyard/pool.h>
#include <halyard/signal.h>
#include <halyard/thread.h>
#include <halyard/timer.h>
#include <halyard/unix_signal.h>

#endif
