#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs Halyard's benchmarks and the same work done with other libraries, interleaved.

Every kind of work is run in rounds, in turn by each peer (A, B, C, A, B, C ...), so that a change
of the machine's speed meets all of them. Where a few per cent matter, Halyard, the raw loop and the
best of the others go on to fifteen rounds. The medians, all samples, the ratios and the machine go
to --out after each round, so that nothing is lost by an interruption. See README.md.
"""

import argparse
import datetime
import gzip
import os
import pathlib
import statistics
import sys
import time

import kinds
import machine
import results
import runners

FAILURES_MAX = 2  # of one peer at one kind; then it is left alone
CLOSE_PEERS = ("halyard", "raw")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build-bench", type=pathlib.Path,
                        help="Meson build folder with the programs (default %(default)s)")
    parser.add_argument("--out", default="build/bench.json", type=pathlib.Path,
                        help="file for the results (default %(default)s)")
    parser.add_argument("--quick", action="store_true",
                        help="three rounds, no curves: a few minutes")
    parser.add_argument("--short", action="store_true",
                        help="one round of as little as shows that the programs work")
    parser.add_argument("--minutes", type=float,
                        help="begin no further round after so many (default 55, quick 5)")
    parser.add_argument("--peers", default=",".join(kinds.PEERS), metavar="A,B",
                        help="only these peers (default all: %(default)s)")
    parser.add_argument("--benches", metavar="A,B",
                        help="only these; one without a size stands for all that begin with it")
    parser.add_argument("--recording", type=pathlib.Path, metavar="FILE", default=pathlib.Path(
        os.environ.get("HALYARD_SHARED_DATA", "../shared/data")) / kinds.RECORDING,
                        help="AIS sentences, plain or gzip (default %(default)s)")
    arguments = parser.parse_args()
    if arguments.minutes is None:
        arguments.minutes = 5 if arguments.quick else 55
    return arguments


class Job:
    """A kind of work under one load: which peers can do it, and how."""

    def __init__(self, kind, load, runs):
        self.kind, self.load, self.runs = kind, load, runs

    def peers_of_round(self, number, best):
        """The base rounds are for everybody, the further ones for those that are close."""
        if number < min(self.kind.rounds, kinds.ROUNDS):
            return list(self.runs)
        if number < self.kind.rounds:
            return [peer for peer in self.runs if peer in CLOSE_PEERS or peer == best]
        return []


def listed(path):
    """The benches that a program has; none when it cannot say."""
    return machine.output_of(path, "--list").split()


def plan_programs(arguments, peers):
    found = {}
    for peer in peers:
        path = runners.find_program(arguments.build, kinds.PEERS[peer][0])
        if path:
            found[peer] = (path, kinds.PEERS[peer][1], listed(path))
    for kind in kinds.KINDS:
        runs = {}
        for peer, (path, environment, benches) in found.items():
            if kind.base in benches and (not kind.peers or peer in kind.peers) and \
                    (peer != "qt_glib" or kind.on_glib):
                runs[peer] = lambda p=path, k=kind, e=environment: runners.run_program(
                    p, k, e, arguments.short)
        yield kind, runs


def plan_servers(arguments, peers):
    for kind in kinds.SERVERS:
        client = runners.find_program(arguments.build, f"{kind.program}_load_client")
        runs = {}
        for peer in peers:
            path = runners.find_program(arguments.build,
                                        f"{kinds.PEERS[peer][0]}_{kind.program}")
            if client and path and peer in kind.peers:
                runs[peer] = lambda p=path, c=client, k=kind, e=kinds.PEERS[peer][1]: \
                    runners.run_server(p, c, k, e)
        yield kind, runs
    path = runners.find_program(arguments.build, "bench_ws_slow_client")
    if path and "halyard" in peers:
        kind = kinds.Kind("ws_slow_client:3", rounds=1, quick=False)
        yield kind, {"halyard": lambda: runners.run_program(path, kind, {})}


def plan_ais(arguments, peers, folder):
    """The decoder over a recording, where there is one."""
    ours = runners.find_program(arguments.build, "bench_ais")
    theirs = machine.output_of("sh", "-c", "command -v gpsdecode")
    if ours is None or not arguments.recording.is_file():
        return
    content = arguments.recording.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    lines = folder / "lines"
    lines.write_bytes(content)
    runs = {}
    if "halyard" in peers:
        runs["halyard"] = lambda: runners.run_ais(ours, lines)
    if "gpsdecode" in peers and theirs:
        sentences = content.count(b"VDM,") + content.count(b"VDO,")
        runs["gpsdecode"] = lambda: runners.run_gpsdecode(theirs, lines, sentences)
    yield kinds.Kind("ais_decode_track", kinds.ONE_CORE), runs


def is_wanted(kind, arguments):
    if arguments.benches:
        return any(kind.result == word or (":" not in word and kind.result.startswith(word))
                   for word in arguments.benches.split(","))
    return kind.quick or not arguments.quick


def plan(arguments, folder):
    peers = [peer for peer in arguments.peers.split(",") if peer in kinds.PEERS]
    jobs = []
    for part in (plan_programs(arguments, peers), plan_servers(arguments, peers),
                 plan_ais(arguments, peers, folder)):
        for kind, runs in part:
            if runs and is_wanted(kind, arguments):
                jobs.append(Job(kind, "quiet", runs))
                if kind.loaded and not arguments.short:
                    jobs.append(Job(kind, "loaded", runs))
    return jobs


class Run:
    """All that has been measured so far."""

    def __init__(self, jobs):
        self.jobs = jobs
        self.samples, self.units = {}, {}  # {(row, load, peer): {round: value}}, {row: unit}
        self.failures, self.left_out = [], []
        self.failed = {}  # {(job, peer): how often}

    def best_other(self, job):
        """The peer, neither ours nor the raw loop, with the best median so far."""
        found, unit = {}, ""
        for (bench, load, peer), values in self.samples.items():
            if bench == job.kind.result and load == job.load and peer not in CLOSE_PEERS:
                found[peer] = statistics.median(values.values())
                unit = self.units[bench]
        if not found:
            return None
        return (max if unit in results.RATES else min)(found, key=found.get)

    def run_one(self, job, peer, number):
        try:
            rows = job.runs[peer]()
        except runners.LeftOut:
            self.left_out.append(f"{job.kind.result}: {peer}")
            del job.runs[peer]
            return
        except (runners.BenchError, OSError, ValueError, KeyError, IndexError,
                ZeroDivisionError) as error:
            self.failures.append(f"{job.kind.result} ({job.load}), {peer}: {error}")
            self.failed[job, peer] = self.failed.get((job, peer), 0) + 1
            if self.failed[job, peer] == FAILURES_MAX:
                del job.runs[peer]
            return
        for row, (value, unit) in rows.items():
            self.samples.setdefault((row, job.load, peer), {})[number] = value
            self.units[row] = unit

    def run_round(self, number):
        """Returns whether there was anything to do."""
        anything = False
        for job in self.jobs:
            peers = job.peers_of_round(number, self.best_other(job))
            if not peers:
                continue
            anything = True
            started = time.monotonic()
            with runners.busy_cores(job.load == "loaded"):
                for peer in peers:
                    self.run_one(job, peer, number)
            if number == 0:
                print(f"  {job.kind.result}, {job.load}: {', '.join(peers)}: "
                      f"{time.monotonic() - started:.1f} s", file=sys.stderr)
        return anything


def load_average():
    return round(os.getloadavg()[0], 2)


def document_of(run, arguments, head, started, loads):
    return dict(head, quick=arguments.quick, short=arguments.short,
                seconds=round(time.monotonic() - started), load_average_before_rounds=loads,
                failures=run.failures, left_out=run.left_out,
                rows=results.rows_of(run.samples, run.units), ratios=[])


def measure(run, arguments, head):
    """Rounds until nothing is left to do, the time is over, or somebody interrupts."""
    rounds = 1 if arguments.short else kinds.QUICK_ROUNDS if arguments.quick else kinds.CLOSE_ROUNDS
    started, loads = time.monotonic(), []
    try:
        for number in range(rounds):
            minutes = (time.monotonic() - started) / 60
            if number > 0 and minutes > arguments.minutes:
                print(f"the time is over before round {number + 1} of {rounds}", file=sys.stderr)
                break
            loads.append(load_average())
            print(f"round {number + 1} of at most {rounds}, {minutes:.1f} minutes so far, "
                  f"load average {loads[-1]}", file=sys.stderr)
            if not run.run_round(number):
                break
            results.save(arguments.out, document_of(run, arguments, head, started, loads))
    except KeyboardInterrupt:
        print("interrupted; what has been measured is kept", file=sys.stderr)
    document = document_of(run, arguments, head, started, loads)
    document["ratios"] = results.ratios_of(run.samples)
    results.save(arguments.out, document)
    return document


def print_report(document):
    found = results.Results(document)
    print(f"\n{machine.sentence(document['machine'])}.")
    print("Medians. In brackets: how many times better Halyard is than the peer "
          "(below 1: worse).")
    for load, title in (("quiet", "No other load of ours"), ("loaded", "Every core kept busy")):
        if found.benches(load):
            print(f"\n{title}:\n")
            print("\n".join(results.table(found, found.peers(kinds.PEERS), load)))
    if document["left_out"]:
        print("\nLeft out, as it would take minutes: " + "; ".join(document["left_out"]))


def main():
    arguments = parse_arguments()
    if runners.find_program(arguments.build, "bench_halyard") is None:
        sys.exit(f"{arguments.build} holds no benchmarks; `make bench` builds them and runs them")
    with runners.scratch_folder() as folder:
        jobs = plan(arguments, pathlib.Path(folder))
        peers = list(dict.fromkeys(peer for job in jobs for peer in job.runs))
        head = {"format": 1, "date": datetime.date.today().isoformat(),
                "machine": machine.describe(arguments.build, peers)}
        if load_average() > 0.5:
            print(f"load average {load_average()}: something else runs; the figures labelled "
                  "quiet will not be", file=sys.stderr)
        run = Run(jobs)
        document = measure(run, arguments, head)
    print_report(document)
    for failure in run.failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if run.failures else 0


if __name__ == "__main__":
    sys.exit(main())
