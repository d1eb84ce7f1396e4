#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every bench of every benchmark program that is built runs for a moment and prints its rows, and
every server serves its load client. Nothing is said about how long anything takes.

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

# Server, its argument, load.
LOADS = [("ws", "broadcast", ("broadcast", 3, 20, 4, 200)), ("ws", "echo", ("echo", 3, 20, 4, 32)),
         ("ws", "echo", ("echo", 1, 20, 16, 16384)), ("ws", "echo", ("accept", 3, 5)),
         ("udp", None, (1000, 200))]


def find(name):
    return next((path for path in sorted(BUILD.rglob(f"bench_{name}")) if path.is_file()), None)


def find_client(kind):
    return next(BUILD.rglob(f"{kind}_load_client"))


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

    def serve(self, path, argument, client, load):
        """What the server says about a run of the client."""
        with subprocess.Popen([path, *([argument] if argument else [])], stdout=subprocess.PIPE,
                              text=True) as server:
            try:
                port = server.stdout.readline().strip()
                result = call(client, port, *map(str, load))
                self.assertEqual(result.returncode, 0, result.stderr)
                said = json.loads(server.stdout.readline())
                self.assertEqual(server.wait(60), 0)
                return json.loads(result.stdout), said
            finally:
                server.kill()

    def test_servers(self):
        for kind, argument, load in LOADS:
            servers = sorted(BUILD.rglob(f"bench_*_{kind}"))
            self.assertTrue(servers)
            for path in filter(pathlib.Path.is_file, servers):
                with self.subTest(server=path.name, load=load):
                    client, server = self.serve(path, argument, find_client(kind), load)
                    self.assertGreater(server["cpu_ns"], 0)
                    self.assertGreater({**client, **server}["count"], 0)

    def test_an_unknown_bench_is_said_to_be_so(self):
        result = call(find("raw"), "no_such_bench")
        self.assertEqual(result.returncode, 2)
        self.assertIn("--list", result.stderr)


for program in PROGRAMS:
    setattr(Programs, f"test_{program}", lambda self, name=program: self.check(name))

if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop())
    tap.main()
