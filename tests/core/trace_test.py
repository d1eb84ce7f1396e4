#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The trace is JSON, and shows what was done; the library has its probes. Output: TAP.

    trace_test.py TRACE_SUBJECT LIBRARY PROBES     PROBES: yes, or no where it was built without
"""

import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tools"))
import tap  # noqa: E402

SUBJECT, LIBRARY, PROBES = sys.argv[1:4]
TIMEOUT_S = 120
CANNOT_FORK = 77  # what the subject says


class Traced(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = os.path.join(folder.name, "trace.json")

    def run_subject(self, *arguments, **environment):
        run = subprocess.run([SUBJECT, *arguments], capture_output=True, text=True, check=False,
                             timeout=TIMEOUT_S, env={**os.environ, **environment})
        if run.returncode == CANNOT_FORK:
            self.skipTest("a sanitizer's locks may stay locked in a forked child")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        return run

    def read(self):
        with open(self.file, encoding="utf-8") as stream:
            return json.load(stream)

    @staticmethod
    def threads(trace):
        return {event["tid"]: event["args"]["name"] for event in trace["traceEvents"]
                if event["ph"] == "M"}

    def check_spans(self, trace):
        """On each thread a span lies within another one or beside it."""
        spans = collections.defaultdict(list)
        for event in trace["traceEvents"]:
            if event["ph"] == "X":
                begin = round(event["ts"] * 1000)
                spans[event["tid"]].append((begin, -round(event["dur"] * 1000)))
        for rows in spans.values():
            ends = []
            for begin, minus in sorted(rows):
                end = begin - minus
                self.assertGreaterEqual(begin, 0)
                while ends and ends[-1] <= begin:
                    ends.pop()
                if ends:
                    self.assertLessEqual(end, ends[-1])
                ends.append(end)

    def check_arrows(self, trace):
        """Each one that ends has begun before, in whatever thread."""
        arrows = [event for event in trace["traceEvents"] if event["ph"] in "sf"]
        arrows.sort(key=lambda event: (event["ts"], event["ph"] == "f"))
        flying, ended = set(), 0
        for event in arrows:
            if event["ph"] == "s":
                flying.add(event["id"])
            elif event["id"] in flying:
                flying.remove(event["id"])
                ended += 1
        return ended

    def check_work(self, trace):
        self.assertEqual(trace["otherData"]["lost"], 0)
        threads = self.threads(trace)
        self.assertEqual(sorted(threads.values()), ["main", 'worker "1"'])
        worker = next(tid for tid, name in threads.items() if name != "main")
        events = trace["traceEvents"]
        self.assertEqual(len(events), trace["otherData"]["events"])
        slots = [event for event in events if event.get("cat") == "slot"]
        self.assertEqual([event["tid"] for event in slots], [worker] * 10)
        self.assertEqual({event["args"]["object"] for event in slots}, {'a"b\\c\n\ufffd\xe9'})
        self.assertEqual({event["args"]["type"] for event in slots}, {"struct probe"})
        emissions = [event for event in events if event["name"] == "struct source.events.number"]
        self.assertEqual(len(emissions), 10)
        categories = {event.get("cat") for event in events}
        self.assertLessEqual({"slot", "direct", "timer", "invoked", "loop", "message"}, categories)
        names = {event["name"] for event in events}
        self.assertLessEqual({"wait", "post", "wake"}, names)
        self.check_spans(trace)
        # Ten queued emissions and a function that is invoked, at least.
        self.assertGreaterEqual(self.check_arrows(trace), 11)

    def test_what_was_done_is_shown(self):
        self.run_subject("trace", self.file)
        self.check_work(self.read())

    def test_by_the_environment(self):
        self.run_subject("work", HALYARD_TRACE=self.file)
        self.check_work(self.read())

    def test_a_file_that_cannot_be_written(self):
        run = self.run_subject("work", HALYARD_TRACE=os.path.join(self.file, "no", "folder"))
        self.assertIn("HALYARD_TRACE is left out", run.stderr)

    def test_no_room_for_the_file(self):
        self.run_subject("full")

    def test_the_tool_says_what_the_time_went_to(self):
        self.run_subject("trace", self.file)
        tool = pathlib.Path(__file__).parent.parent.parent / "tools" / "trace"
        run = subprocess.run([sys.executable, tool, "show", self.file], capture_output=True,
                             text=True, check=True, timeout=TIMEOUT_S, cwd=os.path.dirname(SUBJECT))
        self.assertIn("thread main", run.stdout)
        self.assertIn('thread worker "1"', run.stdout)
        self.assertIn(" 0 lost", run.stdout)
        if shutil.which("addr2line"):
            self.assertIn("subject_slot", run.stdout)

    def test_what_is_lost_is_counted(self):
        count = 50000
        self.run_subject("burst", self.file, str(count))
        trace = self.read()
        written = sum(event["ph"] == "X" for event in trace["traceEvents"])
        # A span for each emission and each slot; the name of the thread may be lost as well.
        self.assertGreaterEqual(written + trace["otherData"]["lost"], 2 * count)
        self.assertLessEqual(written, 2 * count)
        self.check_spans(trace)

    def test_again_and_again_while_threads_run(self):
        self.run_subject("again", self.file, "50")
        trace = self.read()
        self.check_spans(trace)
        self.assertLessEqual(len(trace["traceEvents"]), 40)  # of the last one only

    @unittest.skipIf("tsan" in LIBRARY, "ThreadSanitizer does not support threads in a forked child")
    @unittest.skipIf("asan" in LIBRARY, "AddressSanitizer's allocator may stay locked in a child")
    def test_a_forked_child_leaves_it_alone(self):
        self.run_subject("fork", self.file)
        self.check_work(self.read())

    @unittest.skipIf(PROBES != "yes", "built without <sys/sdt.h>")
    @unittest.skipIf(shutil.which("readelf") is None, "readelf is not installed")
    def test_probes_are_in_the_library(self):
        notes = subprocess.run(["readelf", "-n", LIBRARY], capture_output=True, text=True,
                               check=True, timeout=TIMEOUT_S).stdout
        found = collections.defaultdict(int)
        lines = notes.splitlines()
        for i, line in enumerate(lines):
            if line.strip() == "Provider: halyard":
                found[lines[i + 1].strip()] += 1
        for probe in ["post", "deliver", "emit", "wait", "wake"]:
            self.assertGreaterEqual(found["Name: " + probe], 1, notes)


if __name__ == "__main__":
    del sys.argv[1:]
    tap.main()
