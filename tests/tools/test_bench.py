#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench/run.py with stand-ins for the programs, and bench/publish.py over a small file of results:
what is kept when a program fails, what is written where, and what is left alone."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

import tap

BENCH = pathlib.Path(__file__).resolve().parent.parent.parent / "bench"
sys.path.insert(0, str(BENCH))

import goals  # noqa: E402
import results  # noqa: E402

# Costs VALUE, which counts up with each call so that a median is one of them.
STAND_IN = """#!/bin/sh
[ "$1" = --list ] && { echo emit; echo idle; exit; }
for bench; do :; done
case $bench in idle) exit CODE ;; esac
echo x >>CALLS
echo "{\\"bench\\": \\"$bench\\", \\"peer\\": \\"x\\", \\"value\\": $(($(wc -l <CALLS) + VALUE)), \
\\"unit\\": \\"ns\\"}"
"""
README = """# By hand

<!-- bench: readme-table -->
old
<!-- bench end -->

More by hand.
"""
PERFORMANCE = """By hand.
<!-- bench: goals -->
<!-- bench end -->
<!-- bench: chart-connections -->
<!-- bench end -->
<!-- bench: chart-threads -->
<!-- bench end -->
"""


def document():
    samples = {}
    for bench, ours, raw in (("emit:1", 5, 2), ("emit:10", 40, 20), ("emit:100", 300, 200),
                             ("notifier:500", 100, 200)):
        for peer, value in (("halyard", ours), ("raw", raw)):
            samples[bench, "quiet", peer] = {number: value + number for number in range(5)}
    units = {"emit:1": "ns", "emit:10": "ns", "emit:100": "ns", "notifier:500": "events/s"}
    return {"format": 1, "date": "2026-01-31", "quick": False, "short": False, "seconds": 1,
            "load_average_before_rounds": [0.1], "failures": [], "left_out": [],
            "machine": {"processor": "Tin & Co", "cores": 2, "virtual": False, "caches": {},
                        "memory_gib": 1, "system": "Linux", "compiler": "cc", "commit": "",
                        "versions": {}},
            "rows": results.rows_of(samples, units), "ratios": results.ratios_of(samples)}


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def read(self, name):
        return (self.root / name).read_text(encoding="utf-8")


class Publish(Folder):
    def setUp(self):
        super().setUp()
        self.write("README.md", README)
        self.write("docs/performance.md", PERFORMANCE)

    def publish(self, content):
        path = self.root / "bench.json"
        results.save(path, content)
        return subprocess.run([sys.executable, BENCH / "publish.py", path, "--root", self.root],
                              check=False, capture_output=True, text=True, timeout=60)

    def test_tables_stand_between_the_markers(self):
        result = self.publish(document())
        self.assertEqual(result.returncode, 0, result.stderr)
        readme = self.read("README.md")
        self.assertIn("| emit, 1 slot | 7 ns | 4 |", readme)
        self.assertIn("Tin & Co", readme)
        self.assertNotIn("old", readme)
        self.assertTrue(readme.startswith("# By hand\n\n<!-- bench: readme-table -->\n"))
        self.assertTrue(readme.endswith("<!-- bench end -->\n\nMore by hand.\n"))
        goal = next(line for line in self.read("docs/performance.md").splitlines()
                    if line.startswith("| emit, 1 slot |"))
        self.assertTrue(goal.endswith("| not met |"), goal)

    def test_charts_are_shown_where_there_is_enough_for_them(self):
        self.write("docs/bench/threads.svg", "of an earlier run")
        self.publish(document())
        text = self.read("docs/performance.md")
        self.assertIn("(bench/connections.svg)", text)
        self.assertNotIn("threads.svg", text)
        self.assertFalse((self.root / "docs/bench/threads.svg").exists())
        chart = xml.etree.ElementTree.fromstring(self.read("docs/bench/connections.svg"))
        lines = chart.findall("{http://www.w3.org/2000/svg}polyline")
        self.assertEqual(len(lines), 2)
        self.assertEqual([len(line.get("points").split()) for line in lines], [3, 3])

    def test_the_same_results_make_the_same_documents(self):
        self.publish(document())
        first = self.read("README.md"), self.read("docs/performance.md")
        self.publish(document())
        self.assertEqual(first, (self.read("README.md"), self.read("docs/performance.md")))

    def test_an_unknown_or_open_part_changes_nothing(self):
        for text in (PERFORMANCE.replace("goals", "gaols"),
                     PERFORMANCE + "<!-- bench: goals -->\n"):
            self.write("docs/performance.md", text)
            result = self.publish(document())
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("docs/performance.md", result.stderr)
            self.assertEqual(self.read("README.md"), README)

    def test_results_that_mean_nothing_are_refused(self):
        result = self.publish(dict(document(), short=True))
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(self.read("README.md"), README)

    def test_the_documents_of_the_project_have_known_parts(self):
        for name in ("README.md", "docs/performance.md"):
            self.write(name, (BENCH.parent / name).read_text(encoding="utf-8"))
        result = self.publish(document())
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("| emit, 1 slot | 7 ns |", self.read("README.md"))


class Ratios(unittest.TestCase):
    def test_bounds_hold_the_ratio(self):
        samples = {("a", "quiet", "halyard"): {0: 2.0, 1: 2.2, 2: 2.1, 4: 9.0},
                   ("a", "quiet", "raw"): {0: 1.0, 1: 1.0, 2: 1.1, 3: 7.0}}
        ratio, = results.ratios_of(samples)
        self.assertEqual(ratio["pairs"], 3)  # the rounds that both have
        self.assertAlmostEqual(ratio["ratio"], 2.1)
        self.assertLessEqual(ratio["low"], ratio["ratio"])
        self.assertGreaterEqual(ratio["high"], ratio["ratio"])

    def test_goals_are_met_missed_or_unknown(self):
        found = results.Results(document())
        self.assertEqual(goals.Goal("", "emit:1", 7).verdict(found), goals.MET)
        self.assertEqual(goals.Goal("", "emit:1", 6).verdict(found), goals.NOT_MET)
        self.assertEqual(goals.Goal("", "emit:2", 6).verdict(found), goals.UNKNOWN)
        rate = goals.Goal("", "notifier:500", raw_times=0.95)
        self.assertEqual(rate.verdict(found), goals.NOT_MET)
        close = goals.Goal("", "notifier:500", raw_times=0.505)
        self.assertEqual(close.verdict(found), goals.UNSURE)


class Run(Folder):
    def program(self, name, value, code):
        text = STAND_IN.replace("VALUE", str(value)).replace("CODE", str(code))
        path = self.write(f"build/{name}", text.replace("CALLS", str(self.root / f"{name}.calls")))
        path.chmod(0o755)

    def run_all(self, *options):
        self.write("build/compile_commands.json", "[]")
        self.write("build/meson-info/intro-buildoptions.json", "[]")
        result = subprocess.run(
            [sys.executable, BENCH / "run.py", "--build", self.root / "build", "--out",
             self.root / "bench.json", "--recording", os.devnull, *options],
            check=False, capture_output=True, text=True, timeout=60)
        return result, results.Results(json.loads(self.read("bench.json")))

    def test_a_program_that_fails_loses_only_its_own(self):
        self.program("bench_halyard", 10, 0)  # prints nothing for idle
        self.program("bench_raw", 5, 3)
        result, found = self.run_all("--quick", "--benches", "emit:1,idle")
        self.assertEqual(result.returncode, 1)
        self.assertIn("bench_raw idle ended with 3", result.stderr)
        self.assertIn("printed nothing", result.stderr)
        self.assertEqual(found.rows["emit:1", "quiet", "halyard"]["samples"], [11, 12, 13])
        self.assertEqual(found.value("emit:1", "raw"), 7)
        self.assertEqual(found.ratios["emit:1", "quiet", "raw"]["pairs"], 3)
        self.assertIn("| 12 ", result.stdout)

    def test_what_is_close_is_repeated(self):
        self.program("bench_halyard", 10, 77)
        self.program("bench_qt", 20, 77)
        self.program("bench_glib", 30, 77)
        result, found = self.run_all("--benches", "emit:1,idle")
        self.assertEqual(result.returncode, 0, result.stderr)
        counts = {peer: len(row["samples"]) for (bench, _, peer), row in found.rows.items()
                  if bench == "emit:1"}
        self.assertEqual(counts, {"halyard": 15, "qt": 15, "glib": 5})
        self.assertEqual(sorted(found.document["left_out"])[0], "idle: glib")


if __name__ == "__main__":
    tap.main()
