/* SPDX-License-Identifier: MIT */
/*
 * Halyard's core at the works that the peers do: see works.h.
 */
#include "bench_halyard.h"

#include <stdio.h>
#include <stdlib.h>

void check(int rc)
{
    if (rc < 0) {
        fprintf(stderr, "%s\n", hy_last_error()->message);
        exit(1);
    }
}

void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    bench_check(memory != NULL, "calloc");
    return memory;
}

int main(int argc, char **argv)
{
    static const struct bench_peer peer = {
        .name = "halyard",
        .emission = &halyard_emission,
        .queued = &halyard_queued,
        .queued_large = &halyard_queued_large,
        .posted = &halyard_posted,
        .invoked = &halyard_invoked,
        .timers = &halyard_timers,
        .notifiers = &halyard_notifiers,
        .objects = &halyard_objects,
        .connections = &halyard_connections,
        .deferred_calls = &halyard_deferred_calls,
        .thread = &halyard_thread,
        .threads = &halyard_threads,
        .make_objects = halyard_make_objects,
        .emit_objects = halyard_emit_objects,
        .make_backlog = halyard_make_backlog,
        .fill_and_deliver = halyard_fill_and_deliver,
        .ping_pong = halyard_ping_pong,
        .call = halyard_call,
        .emit_blocking = halyard_emit_blocking,
        .move_with_backlog = halyard_move_with_backlog,
    };

    return bench_peer_main(argc, argv, &peer);
}
