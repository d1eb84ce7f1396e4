#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes results into the documents: the charts in docs/bench, and what stands between markers
`<!-- bench: NAME -->` and `<!-- bench end -->` of README.md and docs/performance.md.

    bench/publish.py [build/bench.json] [--root FOLDER]

Everything outside of the markers is written by hand and stays as it is. The same results always
make the same documents.
"""

import argparse
import html
import json
import pathlib
import re
import sys

import charts
import goals
import kinds
import machine
import results as results_of

PART = re.compile(r"(<!-- bench: ([a-z-]+) -->\n).*?(<!-- bench end -->)", re.DOTALL)
DOCUMENTS = ("README.md", "docs/performance.md")
CHARTS = "docs/bench"

# (label, bench, load) of the README's table.
ROWS = [
    ("emit, nobody connected", "emit:0", "quiet"),
    ("emit, 1 slot", "emit:1", "quiet"),
    ("emit, 10 slots", "emit:10", "quiet"),
    ("queued emit of 32 bytes", "queued_emit:1", "quiet"),
    ("- processor time each", "queued_emit_cpu:1", "quiet"),
    ("- both cores busy otherwise", "queued_emit:1", "loaded"),
    ("- processor time each", "queued_emit_cpu:1", "loaded"),
    ("- from 4 threads", "queued_emit:4", "quiet"),
    ("queued emit of 256 bytes", "queued_emit_256:1", "quiet"),
    ("post an event", "post:1", "quiet"),
    ("invoke a function", "invoke:1", "quiet"),
    ("two sleeping loops, round trip, one core", "pingpong_one_core", "quiet"),
    ("- on two cores", "pingpong_two_cores", "quiet"),
    ("call another thread and wait, one core", "call_one_core", "quiet"),
    ("start and stop a timer beside 1,000", "timer_start_stop:1000", "quiet"),
    ("- beside 100,000", "timer_start_stop:100000", "quiet"),
    ("100,000 coarse timers, processor time a fire", "timer_coarse_cpu:100000", "quiet"),
    ("1,000 precise timers, half are later than", "timer_precise_late_p50:1000", "quiet"),
    ("5,000 notifiers, 500 active", "notifier:500", "quiet"),
    ("- 1 active", "notifier:1", "quiet"),
    ("bytes of an object", "object_bytes:100000", "quiet"),
    ("bytes of a connection", "connection_bytes:100000", "quiet"),
    ("thread start to its first event", "thread_start_two_cores", "quiet"),
    ("resident memory, idle", "idle", "quiet"),
    ("WebSocket broadcast to 200, 1 on the way", "ws_broadcast_w1", "quiet"),
    ("- processor time a delivery", "ws_broadcast_w1_cpu", "quiet"),
    ("WebSocket broadcast to 200, 16 on the way", "ws_broadcast_w16", "quiet"),
    ("- processor time a delivery", "ws_broadcast_w16_cpu", "quiet"),
    ("WebSocket echo, 64 connections, 16 deep", "ws_echo", "quiet"),
]
COLUMNS = ("halyard", "raw", "qt", "glib", "libuv", "libevent", "libev", "sigc", "boost",
           "libwebsockets")


def markdown(lines):
    yield "| " + " | ".join(lines[0]) + " |"
    yield "|" + "---|" * len(lines[0])
    for line in lines[1:]:
        yield "| " + " | ".join(line) + " |"


def table(results, rows, columns, name_of_row=lambda row: row[0]):
    present = [peer for peer in columns if peer in results.peers(kinds.PEERS)]
    lines = [["work", *(kinds.PEERS[peer][3] for peer in present)]]
    for row in rows:
        _, bench, load = row
        unit = results.unit(bench)
        cells = [results_of.figure(results.value(bench, peer, load), unit, peer == "halyard")
                 for peer in present]
        if any(cells):
            lines.append([name_of_row(row), *cells])
    return "\n".join(markdown(lines))


def conditions(results):
    """How the figures came about."""
    document = results.document
    counts = [len(row["samples"]) for row in document["rows"] if row["peer"] == "halyard"]
    span = f"{min(counts)} to {max(counts)}" if min(counts) < max(counts) else f"{max(counts)}"
    text = (f"Medians of {span} interleaved runs on {document['date']}"
            f"{', in the quick form' if document['quick'] else ''}: "
            f"{machine.sentence(document['machine'])}.")
    loads = document["load_average_before_rounds"]
    if loads and loads[0] > 0.5:
        text += (" The machine was not quiet: its load average was "
                 f"{loads[0]} before the first round.")
    return text


def ais(results):
    ours, theirs = (results.value("ais_decode_track", peer) for peer in ("halyard", "gpsdecode"))
    if ours is None:
        return ""
    text = (f"\n\nThe program decodes and tracks {results_of.number(ours)} AIS sentences a second "
            "on one core")
    if theirs is not None:
        text += (f"; `gpsdecode` decodes the same file to JSON at {results_of.number(theirs)}, by "
                 "its processor time")
    return text + "."


def slow_client(results):
    without, beside = (results.value(f"ws_slow_client_p99_{word}:3")
                       for word in ("without", "with"))
    if without is None or beside is None:
        return ""
    return (" The 99th percentile of a broadcast's way to 30 clients is "
            f"{results_of.number(without)} us, and {results_of.number(beside)} us beside a client "
            "that reads nothing.")


def readme_table(results):
    return (f"{conditions(results)}\n\n{table(results, ROWS, COLUMNS)}"
            f"{ais(results)}{slow_client(results)}\n")


def goals_table(results):
    lines = [["work", "goal", "Halyard", "raw", "best library", ""]]
    for goal in goals.GOALS:
        unit = results.unit(goal.bench)
        best = results.best_peer(goal.bench, goal.load) if goal.limit or goal.raw_times else None
        raw = results.value(goal.raw_bench or goal.bench, "raw", goal.load)
        lines.append([goal.work, goal.text(results),
                      results_of.figure(results.value(goal.bench, load=goal.load), unit, True),
                      results_of.figure(raw, unit, False),
                      f"{results_of.figure(best[1], unit, False)} ({kinds.PEERS[best[0]][3]})" if best else "",
                      goal.verdict(results)])
    met = sum(line[-1] == goals.MET for line in lines)
    return "\n".join(markdown(lines)) + f"\n\n{met} of {len(goals.GOALS)} goals are met.\n"


def full_table(load):
    def write(results):
        rows = [("", bench, load) for bench in results.benches(load)]
        if not rows:
            return "Not measured.\n"
        return table(results, rows, kinds.PEERS, lambda row: f"`{row[1]}`") + "\n"
    return write


def bounds_table(results):
    """The ratios that are taken with enough pairs for their bounds to say something."""
    lines = [["bench", "load", "of", "ratio", "95 % interval", "pairs"]]
    for (bench, load, peer), row in results.ratios.items():
        best = results.best_peer(bench, load)
        if row["pairs"] > kinds.ROUNDS and (peer == "raw" or (best and peer == best[0])):
            lines.append([f"`{bench}`", load, kinds.PEERS[peer][3], f"{row['ratio']:.3g}",
                          f"{row['low']:.3g} to {row['high']:.3g}", str(row["pairs"])])
    return "\n".join(markdown(lines)) + "\n" if len(lines) > 1 else "Too few pairs.\n"


def chart(name, folder):
    """Shows a chart, if the results are enough for it."""
    def write(results):
        svg = charts.all_charts(results).get(f"{name}.svg")
        if svg is None:
            return "Not measured.\n"
        title = re.search("<title>(.*?)</title>", svg)[1]
        return f"![{html.unescape(title)}]({folder}/{name}.svg)\n"
    return write


def left_out(results):
    document = results.document
    lines = [f"- left out, as it would take minutes: `{text}`" for text in document["left_out"]]
    lines += [f"- failed: `{text}`" for text in document["failures"]]
    return "\n".join(lines) + "\n" if lines else "- nothing\n"


PARTS = {
    "readme-table": readme_table,
    "conditions": lambda results: conditions(results) + "\n",
    "goals": goals_table,
    "quiet": full_table("quiet"),
    "loaded": full_table("loaded"),
    "bounds": bounds_table,
    "left-out": left_out,
    "readme-chart": chart("overview", CHARTS),
    **{f"chart-{name}": chart(name, "bench") for name in charts.NAMES},
}


def fill(text, results, name):
    """The text with each marked part written anew."""
    def write(match):
        if match[2] not in PARTS:
            sys.exit(f"{name}: no part is called '{match[2]}'; known are {', '.join(PARTS)}")
        return match[1] + PARTS[match[2]](results) + match[3]
    filled, count = PART.subn(write, text)
    if count != text.count("<!-- bench: "):
        sys.exit(f"{name}: a marker '<!-- bench: NAME -->' has no '<!-- bench end -->'")
    return filled


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("results", nargs="?", default="build/bench.json", type=pathlib.Path)
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    arguments = parser.parse_args()
    try:
        document = json.loads(arguments.results.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(f"{arguments.results}: {error}; `make bench` writes it")
    if not any(row["peer"] == "halyard" for row in document["rows"]):
        sys.exit(f"{arguments.results} has nothing of Halyard's")
    if document["short"]:
        sys.exit(f"{arguments.results} is of --short: its figures mean nothing")
    found = results_of.Results(document)

    # All is made before anything is written.
    files = {}
    for name in DOCUMENTS:
        path = arguments.root / name
        files[path] = fill(path.read_text(encoding="utf-8"), found, name)
    for name, svg in charts.all_charts(found).items():
        files[arguments.root / CHARTS / name] = svg
    for name in charts.NAMES:  # what is not shown any more
        (arguments.root / CHARTS / f"{name}.svg").unlink(missing_ok=True)
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(arguments.root)}")


if __name__ == "__main__":
    main()
