/* SPDX-License-Identifier: MIT */
/*
 * No library: see bench_raw.h.
 */
#include "bench_raw.h"

#include <stdlib.h>

void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    bench_check(memory != NULL, "calloc");
    return memory;
}

int main(int argc, char **argv)
{
    static const struct bench_peer peer = {
        .name = "raw",
        .emission = &raw_emission,
        .queued = &raw_queued,
        .queued_large = &raw_queued_large,
        .posted = &raw_queued,
        .invoked = &raw_invoked,
        .queued_list = &raw_queued_list,
        .timers = &raw_timers,
        .notifiers = &raw_notifiers,
        .objects = &raw_objects,
        .connections = &raw_connections,
        .thread = &raw_thread,
        .threads = &raw_threads,
        .make_objects = raw_make_objects,
        .emit_objects = raw_emit_objects,
        .make_backlog = raw_make_backlog,
        .fill_and_deliver = raw_fill_and_deliver,
        .ping_pong = raw_ping_pong,
        .call = raw_call,
        .emit_blocking = raw_call,
        .move_with_backlog = raw_move_with_backlog,
    };

    return bench_peer_main(argc, argv, &peer);
}
