/* SPDX-License-Identifier: MIT */
/*
 * Between the files of Halyard's own benchmark program.
 */
#ifndef BENCH_HALYARD_H
#define BENCH_HALYARD_H

#include "works.h"

#include <halyard/halyard.h>

/* Ends the program with the last error's message when `rc` is negative. */
void check(int rc);
/* Zeroed memory, or the program ends. */
void *allocate(size_t count, size_t size);

/* halyard_signals.c */
extern const struct bench_emission halyard_emission;
extern const struct bench_things halyard_objects, halyard_connections, halyard_deferred_calls;
void *halyard_make_objects(size_t count);
void halyard_emit_objects(void *objects, size_t count);

/* halyard_threads.c */
extern const struct bench_carrier halyard_queued, halyard_queued_large, halyard_posted,
    halyard_invoked;
extern const struct bench_thread halyard_thread;
extern const struct bench_threads halyard_threads;
void *halyard_make_backlog(size_t count);
void halyard_fill_and_deliver(void *backlog, size_t count);
void halyard_ping_pong(uint64_t trips);
void halyard_call(uint64_t trips);
void halyard_emit_blocking(uint64_t trips);
uint64_t halyard_move_with_backlog(size_t count);

/* halyard_timers.c */
extern const struct bench_timers halyard_timers;
extern const struct bench_notifiers halyard_notifiers;

#endif
