/* SPDX-License-Identifier: MIT */
/*
 * Between the files of the program without a library: hand-written loops that do only what a
 * benchmark asks, as the limit to compare with.
 */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include "works.h"

/* Zeroed memory, or the program ends. */
void *allocate(size_t count, size_t size);

/* raw_signals.c */
extern const struct bench_emission raw_emission;
extern const struct bench_things raw_objects, raw_connections;
void *raw_make_objects(size_t count);
void raw_emit_objects(void *objects, size_t count);
void *raw_make_backlog(size_t count);
void raw_fill_and_deliver(void *backlog, size_t count);

/* raw_threads.c */
extern const struct bench_carrier raw_queued, raw_queued_large, raw_invoked;
extern const struct bench_thread raw_thread;
extern const struct bench_threads raw_threads;
void raw_ping_pong(uint64_t trips);
void raw_call(uint64_t trips);
uint64_t raw_move_with_backlog(size_t count);

/* raw_list.c */
extern const struct bench_carrier raw_queued_list;

/* raw_timers.c */
extern const struct bench_timers raw_timers;
extern const struct bench_notifiers raw_notifiers;

#endif
