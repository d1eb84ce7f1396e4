# SPDX-License-Identifier: MIT
"""The goals of speed and size, and whether results meet them.

A goal in figures was set on the machine that docs/performance.md names; on another one only those
relative to the raw loop of the same run mean anything.
"""

import dataclasses

import results as results_of

MET, NOT_MET, UNSURE, UNKNOWN = "met", "not met", "within the noise", "not measured"


@dataclasses.dataclass(frozen=True)
class Goal:
    """A bench and a limit: a figure, or a multiple of the raw loop's in the same run."""
    work: str
    bench: str
    limit: float = 0.0
    raw_times: float = 0.0  # then instead of the limit: of rates at least, of costs at most
    raw_bench: str = ""     # the raw loop's, where it is not the same bench
    load: str = "quiet"

    def limit_of(self, results):
        if not self.raw_times:
            return self.limit
        raw = results.value(self.raw_bench or self.bench, "raw", self.load)
        return None if raw is None else raw * self.raw_times

    def text(self, results):
        unit = results.unit(self.bench)
        word = "at least" if unit in results_of.RATES else "at most"
        if self.raw_times:
            return f"{word} {self.raw_times:g} x raw"
        return f"{word} {results_of.figure(self.limit, unit)}" if unit else "-"

    def verdict(self, results):
        """MET or not; UNSURE when the ratio's 95 % interval has the limit in it."""
        ours, limit = results.value(self.bench, load=self.load), self.limit_of(results)
        if ours is None or limit is None:
            return UNKNOWN
        unit = results.unit(self.bench)
        ratio = results.ratios.get((self.bench, self.load, "raw"))
        if self.raw_times and not self.raw_bench and ratio and \
                ratio["low"] < self.raw_times < ratio["high"]:
            return UNSURE
        return MET if ours == limit or results_of.is_better(ours, limit, unit) else NOT_MET


GOALS = [
    Goal("emit, nobody connected", "emit:0", 1),
    Goal("emit, 1 slot", "emit:1", 6),
    Goal("emit, 10 slots", "emit:10", 30),
    Goal("queued emit, 32 bytes, 1 producer", "queued_emit:1", 15e6),
    Goal("- processor time an event", "queued_emit_cpu:1", 90),
    Goal("- both cores busy: a list of nodes under way", "queued_emit:1", raw_times=1,
         raw_bench="queued_emit_list:1", load="loaded"),
    Goal("- its processor time", "queued_emit_cpu:1", raw_times=1,
         raw_bench="queued_emit_list_cpu:1", load="loaded"),
    Goal("round trip of two sleeping loops, one core", "pingpong_one_core", 5.9),
    Goal("timer start and stop beside 100,000, to a point in time", "timer_start_at_stop:100000",
         15),
    Goal("- after a delay: one clock read more", "timer_start_stop:100000", 37),
    Goal("100,000 coarse timers, processor time a fire", "timer_coarse_cpu:100000", 300),
    Goal("- of them early", "timer_coarse_early:100000", 0),
    Goal("1,000 precise timers, median lateness", "timer_precise_late_p50:1000", 100),
    Goal("- of them early", "timer_precise_early:1000", 0),
    Goal("notifiers, 500 of 5,000 active", "notifier:500", raw_times=0.95),
    Goal("notifiers, 1 of 5,000 active", "notifier:1", raw_times=0.95),
    Goal("WebSocket broadcast to 200, 1 on the way", "ws_broadcast_w1", raw_times=0.97),
    Goal("WebSocket broadcast to 200, 16 on the way", "ws_broadcast_w16", raw_times=0.97),
    Goal("WebSocket echo of 32 bytes, 64 connections, 16 deep, processor time", "ws_echo_cpu",
         raw_times=1.05),
    Goal("WebSocket echo of 16 KiB, 1 connection, 16 deep, processor time", "ws_echo_16k_cpu",
         raw_times=1.1),
    Goal("a WebSocket client comes, beside 10,000: processor time", "ws_accept_cpu:10000", 50),
    Goal("- bytes of one that is idle", "ws_accept_bytes:10000", 512),
    Goal("a flood of UDP, processor time a datagram received", "udp_cpu", raw_times=1.05),
    Goal("resident memory of an idle process", "idle", 1.6),
    Goal("bytes of a connection", "connection_bytes:100000", 64),
    Goal("bytes of an object on the heap (64, and malloc's own)", "object_bytes:100000", 80),
    Goal("bytes of a deferred call, the lightest timer", "deferred_call_bytes:100000", 64),
    Goal("AIS: decode and track, one core", "ais_decode_track", 1e6),
]
