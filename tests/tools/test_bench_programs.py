#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every bench of every benchmark program that is built runs for a moment and prints its rows.
Nothing is said about how long anything takes.

    test_bench_programs.py BUILD_FOLDER
"""

import json
import pathlib
import subprocess
import sys
import unittest

import tap

PROGRAMS = ("halyard", "raw", "qt", "glib", "libuv", "libevent", "libev", "sigc", "boost")
SIZES = {"queued_emit": 2, "queued_emit_256": 2, "queued_emit_list": 2, "post": 1, "invoke": 1,
         "notifier": 10, "timer_coarse": 1000}
SIZE = 10


def find(name):
    return next((path for path in sorted(BUILD.rglob(f"bench_{name}")) if path.is_file()), None)


def call(path, *arguments):
    return subprocess.run([path, *arguments], check=False, capture_output=True, text=True,
                          timeout=120)


class Programs(unittest.TestCase):
    def check(self, name):
        path = find(name)
        if path is None:
            self.skipTest("its library is not here, or the peers are not built")
        listed = call(path, "--list").stdout.split()
        self.assertTrue(listed)
        for bench in listed:
            with self.subTest(bench=bench):
                result = call(path, "--short", f"{bench}:{SIZES.get(bench, SIZE)}")
                self.assertEqual(result.returncode, 0, result.stderr)
                rows = [json.loads(line) for line in result.stdout.splitlines()]
                self.assertTrue(rows)
                for row in rows:
                    self.assertTrue(row["bench"].startswith(bench))
                    self.assertEqual((row["peer"], set(row)),
                                     (name, {"bench", "peer", "value", "unit"}))

    def test_an_unknown_bench_is_said_to_be_so(self):
        result = call(find("raw"), "no_such_bench")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--list", result.stderr)


for program in PROGRAMS:
    setattr(Programs, f"test_{program}", lambda self, name=program: self.check(name))

if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop())
    tap.main()
