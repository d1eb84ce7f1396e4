#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs Halyard's benchmarks and the same work done with other libraries, interleaved.

Every benchmark is run R times, in turn by each peer (A, B, C, A, B, C ...), so that a change of the
machine's speed meets all of them. The medians go to --out as an array of {"bench", "peer", "value",
"unit"}; every single sample and the machine go to a second file beside it (…-runs.json). Which
programs are run is decided by what the build folder holds: bench_PEER and bench_PEER_ws anywhere
below it. See README.md.
"""

import argparse
import gzip
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

PEERS = ["halyard", "raw", "qt", "glib", "libuv", "libevent", "libwebsockets", "gpsdecode"]

# Where a program runs: all its threads on one core, or wherever the kernel puts them.
ONE_CORE, FREE = "one core", "free"

# (name in the results, argument of the program, placement)
PROGRAM_BENCHES = [
    ("emit_none", "emit_none", ONE_CORE),
    ("emit_direct_1", "emit_direct_1", ONE_CORE),
    ("emit_direct_10", "emit_direct_10", ONE_CORE),
    ("queued_emit", "queued_emit", FREE),
    ("pingpong_one_core", "pingpong", ONE_CORE),
    ("pingpong", "pingpong", FREE),
    ("call_one_core", "call", ONE_CORE),
    ("call", "call", FREE),
    ("blocking_emit_one_core", "blocking_emit", ONE_CORE),
    ("blocking_emit", "blocking_emit", FREE),
    ("timer_churn", "timer_churn", ONE_CORE),
]

# (name in the results, mode, connections, messages, window or depth, bytes, unit of the rate)
SERVER_BENCHES = [
    ("ws_broadcast_w1", "broadcast", 200, 1000, 1, 200, "deliveries/s"),
    ("ws_broadcast_w16", "broadcast", 200, 4000, 16, 200, "deliveries/s"),
    ("ws_echo", "echo", 64, 4000, 16, 32, "messages/s"),
]

# A recording of 85,184 sentences, where there is one.
RECORDING = "ais/captures/aishub-20120314.nmea.gz"

PACKAGES = {"qt": "Qt6Core", "glib": "glib-2.0", "libuv": "libuv", "libevent": "libevent",
            "libwebsockets": "libwebsockets"}

PROGRAM_LIMIT_S = 150


class BenchError(Exception):
    """A benchmark program failed; the text says which and how."""


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", default="build-release", type=pathlib.Path,
                        help="Meson build folder with the programs (default %(default)s)")
    parser.add_argument("--out", default="build/bench.json", type=pathlib.Path,
                        help="file for the medians (default %(default)s)")
    parser.add_argument("--repetitions", type=int, default=5, metavar="R",
                        help="runs of every benchmark and peer (default %(default)s)")
    parser.add_argument("--quick", action="store_true", help="three repetitions")
    parser.add_argument("--loaded", action="store_true",
                        help="keep every core busy with one more process meanwhile")
    parser.add_argument("--peers", default=",".join(PEERS), metavar="A,B",
                        help="only these peers (default all: %(default)s)")
    parser.add_argument("--recording", type=pathlib.Path, metavar="FILE", default=pathlib.Path(
        os.environ.get("HALYARD_SHARED_DATA", "../shared/data")) / RECORDING,
                        help="AIS sentences, plain or gzip (default %(default)s)")
    parser.add_argument("--benches", metavar="A,B", help="only these benchmarks")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.repetitions = 3
    return arguments


def find_programs(build, peers):
    """The executables of each kind: {peer: path} for bench_PEER and for bench_PEER_ws."""
    programs, servers = {}, {}
    for peer in peers:
        for found, name in ((programs, f"bench_{peer}"), (servers, f"bench_{peer}_ws")):
            for path in sorted(build.rglob(name)):
                if path.is_file() and os.access(path, os.X_OK):
                    found[peer] = path
    return programs, servers


def pin(cores):
    return lambda: os.sched_setaffinity(0, cores)


def run_program(path, argument, cores):
    """Runs one benchmark once; returns {row name: (value, unit)}."""
    result = subprocess.run([path, argument], stdout=subprocess.PIPE, text=True,
                            timeout=PROGRAM_LIMIT_S, preexec_fn=pin(cores), check=False)
    if result.returncode != 0:
        raise BenchError(f"{path.name} {argument} ended with {result.returncode}")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    return {row["bench"]: (row["value"], row["unit"]) for row in rows}


def run_server(path, client, bench, server_cores, client_cores):
    """Runs a WebSocket server against the load client; returns {row name: (value, unit)}."""
    name, mode, connections, messages, window, size, unit = bench
    server = subprocess.Popen([path, mode], stdout=subprocess.PIPE, text=True,
                              preexec_fn=pin(server_cores))
    try:
        port = server.stdout.readline().strip()
        if not port.isdigit():
            raise BenchError(f"{path.name} {mode} did not print its port")
        load = subprocess.run([client, port, mode, *map(str, (connections, messages, window, size))],
                              stdout=subprocess.PIPE, text=True, timeout=PROGRAM_LIMIT_S,
                              preexec_fn=pin(client_cores), check=False)
        if load.returncode != 0:
            raise BenchError(f"the load client failed against {path.name} {mode}")
        rest, _ = server.communicate(timeout=PROGRAM_LIMIT_S)
        if server.returncode != 0:
            raise BenchError(f"{path.name} {mode} ended with {server.returncode}")
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()
    counted = json.loads(load.stdout)
    cpu_us = json.loads(rest)["cpu_ns"] / 1000
    return {name: (counted["count"] / counted["seconds"], unit),
            f"{name}_cpu": (cpu_us / counted["count"], "us")}


def run_gpsdecode(path, lines, sentences, cores):
    """Decodes a plain file to JSON; the rate is by user processor time, as nothing else is ours."""
    with open(lines, "rb") as source:
        process = subprocess.Popen([path, "-s", "-u", "-j"], stdin=source,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   preexec_fn=pin(cores))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise BenchError(f"gpsdecode ended with {process.returncode}")
    return {"ais_decode_track": (sentences / usage.ru_utime, "sentences/s")}


def plan_ais(build, peers, recording, folder):
    """The decoder over a recording: as plan(). Without recording or program, nothing."""
    ours = next((path for path in build.rglob("bench_ais") if path.is_file()), None)
    theirs = shutil.which("gpsdecode")
    if not recording.is_file() or ours is None:
        print(f"no AIS benchmark: {recording if ours else 'bench_ais'} is missing",
              file=sys.stderr)
        return []
    content = recording.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    lines = folder / "lines"
    lines.write_bytes(content)
    core = sorted(os.sched_getaffinity(0))[-1:]
    runs = {}
    if "halyard" in peers:
        runs["halyard"] = lambda: run_program(ours, lines, core)
    if "gpsdecode" in peers and theirs:
        sentences = content.count(b"VDM,") + content.count(b"VDO,")
        runs["gpsdecode"] = lambda: run_gpsdecode(theirs, lines, sentences, core)
    return [("ais_decode_track", runs)]


def plan(programs, servers, client, wanted):
    """What to run: (name, {peer: function that runs it once and returns its rows})."""
    cores = sorted(os.sched_getaffinity(0))
    work = []
    for name, argument, placement in PROGRAM_BENCHES:
        runs = {}
        for peer, path in programs.items():
            listed = subprocess.run([path, "--list"], stdout=subprocess.PIPE, text=True, check=True)
            if argument in listed.stdout.split():
                used = cores[-1:] if placement == ONE_CORE else cores
                runs[peer] = lambda path=path, argument=argument, used=used, name=name: {
                    name + row[len(argument):]: value
                    for row, value in run_program(path, argument, used).items()}
        work.append((name, runs))
    for bench in SERVER_BENCHES:
        runs = {}
        for peer, path in servers.items():
            runs[peer] = lambda path=path, bench=bench: run_server(path, client, bench, cores[:1],
                                                                   cores[-1:])
        work.append((bench[0], runs))
    return [(name, runs) for name, runs in work if wanted is None or name in wanted]


def measure(work, repetitions):
    """All samples, {(row name, peer): [values]} and {row name: unit}, and the failures."""
    samples, units, failures = {}, {}, []
    for name, runs in work:
        print(f"{name}: {', '.join(runs) or 'no program'}", file=sys.stderr)
        for _ in range(repetitions):
            for peer, run in runs.items():
                try:
                    rows = run()
                except (BenchError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
                    failures.append(f"{name}, {peer}: {error}")
                    continue
                for row, (value, unit) in rows.items():
                    samples.setdefault((row, peer), []).append(value)
                    units[row] = unit
    return samples, units, failures


def command_output(*command):
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                text=True, check=False)
    except OSError:
        return ""
    return result.stdout.strip()


def describe_machine(build, peers):
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    commands = json.loads((build / "compile_commands.json").read_text())
    compiler = next((entry["command"].split()[0] for entry in commands
                     if entry["file"].endswith(".c")), "cc")
    options = {option["name"]: option["value"] for option in
               json.loads((build / "meson-info" / "intro-buildoptions.json").read_text())}
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{system}, {platform.system()} {platform.release()} {platform.machine()}",
        "compiler": f"{command_output(compiler, '--version').splitlines()[0]} "
                    f"-O{options.get('optimization')}",
        "libraries": {peer: command_output("pkg-config", "--modversion", PACKAGES[peer])
                      for peer in peers if peer in PACKAGES},
    }


def rounded(value):
    """Three digits with a suffix: 2.31M, 831, 4.55."""
    for limit, suffix in ((1e6, "M"), (1e4, "k")):
        if value >= limit:
            return f"{value / limit if suffix == 'M' else value / 1e3:.3g}{suffix}"
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def table(rows, peers):
    """Markdown: a line per bench, a column per peer, and Halyard's value divided by the peer's."""
    values = {(row["bench"], row["peer"]): row["value"] for row in rows}
    lines = [["bench", "unit", *peers], ["---"] * (2 + len(peers))]
    for bench, unit in dict((row["bench"], row["unit"]) for row in rows).items():
        line = [bench, unit]
        ours = values.get((bench, "halyard"))
        for peer in peers:
            value = values.get((bench, peer))
            cell = "" if value is None else rounded(value)
            if value and ours and peer != "halyard":
                cell += f" ({ours / value:.2f})"
            line.append(cell)
        lines.append(line)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        fill = "-" if line[0] == "---" else " "
        yield "| " + " | ".join(cell.ljust(width, fill) for cell, width in zip(line, widths)) + " |"


def print_report(rows, machine, arguments):
    peers = [peer for peer in PEERS if any(row["peer"] == peer for row in rows)]
    libraries = ", ".join(f"{peer} {version}" for peer, version in machine["libraries"].items())
    print(f"\n{machine['processor']}, {machine['cores']} cores, {machine['system']}, "
          f"{machine['compiler']}; {libraries}.")
    print(f"Medians of {arguments.repetitions} interleaved repetitions, "
          f"{'every core kept busy' if arguments.loaded else 'no other load of ours'}. "
          "Rates: higher is better; times: lower.")
    print("In brackets: Halyard's value divided by the peer's.\n")
    print("\n".join(table(rows, peers)))


def main():
    arguments = parse_arguments()
    client = next((path for path in arguments.build.rglob("ws_load_client") if path.is_file()), None)
    if client is None:
        sys.exit(f"{arguments.build} holds no benchmarks; build them with: meson setup "
                 f"{arguments.build} -Dbuildtype=release -Doptimization=2 -Dbench_peers=true && "
                 f"ninja -C {arguments.build}")
    programs, servers = find_programs(arguments.build, arguments.peers.split(","))
    wanted = arguments.benches.split(",") if arguments.benches else None
    work = plan(programs, servers, client, wanted)
    folder = tempfile.TemporaryDirectory()
    work += [part for part in plan_ais(arguments.build, arguments.peers.split(","),
                                       arguments.recording, pathlib.Path(folder.name))
             if wanted is None or part[0] in wanted]
    machine = describe_machine(arguments.build, {**programs, **servers})

    busy = []
    try:
        if arguments.loaded:
            shell = shutil.which("sh")
            busy = [subprocess.Popen([shell, "-c", "while :; do :; done"], preexec_fn=pin({core}))
                    for core in os.sched_getaffinity(0)]
        samples, units, failures = measure(work, arguments.repetitions)
    finally:
        for process in busy:
            process.kill()
            process.wait()
        folder.cleanup()

    rows = [{"bench": bench, "peer": peer, "value": statistics.median(values), "unit": units[bench]}
            for (bench, peer), values in samples.items()]
    runs = [dict(row, samples=samples[row["bench"], row["peer"]]) for row in rows]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
    arguments.out.with_name(arguments.out.stem + "-runs.json").write_text(
        json.dumps({"machine": machine, "loaded": arguments.loaded, "runs": runs}, indent=1) + "\n")
    print_report(rows, machine, arguments)
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
