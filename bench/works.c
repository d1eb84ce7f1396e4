/* SPDX-License-Identifier: MIT */
/*
 * The main function of the peers' programs: which works there are, and which a peer can do.
 */
#include "works.h"

#include <string.h>

enum {
    CASES_MAX = 40,
    MOVES = 11,
};

static const struct bench_peer *peer;

static int run_emit(size_t slots)
{
    bench_report("", bench_median_ns(peer->emission->emit, peer->emission->make(slots)), "ns");
    return 0;
}

static int run_emit_objects(size_t count)
{
    bench_report("", bench_median_ns(peer->emit_objects, peer->make_objects(count)), "ns");
    return 0;
}

static int run_backlog(size_t count)
{
    double round_ns = bench_median_ns(peer->fill_and_deliver, peer->make_backlog(count));

    bench_report("", round_ns / (double)count, "ns");
    return 0;
}

static int run_queued_emit(size_t producers)
{
    return bench_run_carrier(peer->queued, producers);
}

static int run_queued_emit_large(size_t producers)
{
    return bench_run_carrier(peer->queued_large, producers);
}

static int run_queued_emit_list(size_t producers)
{
    return bench_run_carrier(peer->queued_list, producers);
}

static int run_post(size_t producers)
{
    return bench_run_carrier(peer->posted, producers);
}

static int run_invoke(size_t producers)
{
    return bench_run_carrier(peer->invoked, producers);
}

static int run_round_trips(void (*make)(uint64_t trips))
{
    uint64_t trips = bench_count(BENCH_ROUND_TRIPS);
    uint64_t start_ns = bench_now_ns();

    make(trips);
    bench_report_round_trips(start_ns, trips);
    return 0;
}

static int run_ping_pong(size_t size)
{
    (void)size;
    return run_round_trips(peer->ping_pong);
}

static int run_call(size_t size)
{
    (void)size;
    return run_round_trips(peer->call);
}

static int run_emit_blocking(size_t size)
{
    (void)size;
    return run_round_trips(peer->emit_blocking);
}

static int run_move_backlog(size_t count)
{
    double samples[MOVES];

    for (size_t i = 0; i < MOVES; i++)
        samples[i] = (double)peer->move_with_backlog(count) / (double)count;
    bench_report("", bench_quantile(samples, MOVES, 0.5), "ns");
    return 0;
}

static int run_notifier(size_t active)
{
    return bench_run_notifiers(peer->notifiers, active);
}

static int run_object(size_t count)
{
    return bench_run_things(peer->objects, count);
}

static int run_connection(size_t count)
{
    return bench_run_things(peer->connections, count);
}

static int run_deferred_call(size_t count)
{
    return bench_run_things(peer->deferred_calls, count);
}

static int run_thread_start(size_t size)
{
    (void)size;
    return bench_run_thread(peer->thread);
}

static int run_threads(size_t count)
{
    return bench_run_threads(peer->threads, count);
}

static int run_timer_start_stop(size_t count)
{
    return bench_run_timers(peer->timers, "start_stop", count);
}

static int run_timer_start_at_stop(size_t count)
{
    return bench_run_timers(peer->timers, "start_at_stop", count);
}

static int run_timer_restart(size_t count)
{
    return bench_run_timers(peer->timers, "restart", count);
}

static int run_timer_coarse(size_t count)
{
    return bench_run_timers(peer->timers, "coarse", count);
}

static int run_timer_precise(size_t count)
{
    return bench_run_timers(peer->timers, "precise", count);
}

static int run_timer_zero(size_t size)
{
    (void)size;
    return bench_run_timers(peer->timers, "zero", 1);
}

static int run_timer_bytes(size_t count)
{
    return bench_run_timers(peer->timers, "bytes", count);
}

static int run_idle(size_t size)
{
    (void)size;
    return bench_run_timers(peer->timers, "idle", 1);
}

int bench_peer_main(int argc, char **argv, const struct bench_peer *which)
{
    const struct bench_timers *timers = which->timers;
    const struct {
        struct bench_case entry;
        bool is_there;
    } all[] = {
        {{"emit", run_emit}, which->emission != NULL},
        {{"emit_objects", run_emit_objects}, which->emit_objects != NULL},
        {{"queued_emit", run_queued_emit}, which->queued != NULL},
        {{"queued_emit_256", run_queued_emit_large}, which->queued_large != NULL},
        {{"queued_emit_list", run_queued_emit_list}, which->queued_list != NULL},
        {{"post", run_post}, which->posted != NULL},
        {{"invoke", run_invoke}, which->invoked != NULL},
        {{"backlog", run_backlog}, which->fill_and_deliver != NULL},
        {{"threads", run_threads}, which->threads != NULL},
        {{"pingpong", run_ping_pong}, which->ping_pong != NULL},
        {{"call", run_call}, which->call != NULL},
        {{"blocking_emit", run_emit_blocking}, which->emit_blocking != NULL},
        {{"timer_start_stop", run_timer_start_stop}, timers != NULL},
        {{"timer_start_at_stop", run_timer_start_at_stop},
         timers != NULL && timers->start_at_and_stop != NULL},
        {{"timer_restart", run_timer_restart}, timers != NULL},
        {{"timer_coarse", run_timer_coarse}, timers != NULL},
        {{"timer_precise", run_timer_precise}, timers != NULL},
        {{"timer_zero", run_timer_zero}, timers != NULL},
        {{"timer_bytes", run_timer_bytes}, timers != NULL},
        {{"idle", run_idle}, timers != NULL},
        {{"notifier", run_notifier}, which->notifiers != NULL},
        {{"object", run_object}, which->objects != NULL},
        {{"connection", run_connection}, which->connections != NULL},
        {{"deferred_call", run_deferred_call}, which->deferred_calls != NULL},
        {{"move_backlog", run_move_backlog}, which->move_with_backlog != NULL},
        {{"thread_start", run_thread_start}, which->thread != NULL},
    };
    struct bench_case cases[CASES_MAX] = {{NULL, NULL}};
    size_t count = 0;

    peer = which;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i].is_there)
            cases[count++] = all[i].entry;
    }
    return bench_main(argc, argv, which->name, cases);
}
