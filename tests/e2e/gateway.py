# SPDX-License-Identifier: MIT
"""Runs `halyard serve` on free ports and asks it questions; shared by the tests beside it."""

import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.request

PATIENCE_S = 60  # for events that come in milliseconds; a loaded, sanitized build may need seconds


class Gateway:
    """The program, with its log collected by a thread."""

    def __init__(self, program, *options, udp=("127.0.0.1:0",)):
        arguments = [program, "serve", "--http", "127.0.0.1:0"]
        for address in udp:
            arguments += ["--udp", address]
        self.process = subprocess.Popen(arguments + list(options), stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.log = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.http = "127.0.0.1:" + self.wait_for_log(r"the page is at http://127\.0\.0\.1:(\d+)/")
        self.udp_port = int(self.wait_for_log(r"listening on udp \S+:(\d+)"))
        self.udp = "127.0.0.1:%d" % self.udp_port

    def _read(self):
        for line in self.process.stderr:
            with self.changed:
                self.log.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.log.append(None)
            self.changed.notify_all()

    def wait_for_log(self, pattern):
        """The first group of the pattern in the first line that matches."""
        deadline = time.monotonic() + PATIENCE_S
        with self.changed:
            while True:
                for line in self.log:
                    match = line is not None and re.search(pattern, line)
                    if match:
                        return match.group(1)
                if None in self.log or time.monotonic() > deadline:
                    raise AssertionError("no line matches %r in:\n%s" % (
                        pattern, "\n".join(str(line) for line in self.log)))
                self.changed.wait(1)

    def get(self, path):
        with urllib.request.urlopen("http://%s%s" % (self.http, path), timeout=PATIENCE_S) as answer:
            return json.loads(answer.read())

    def stat_when(self, is_true):
        """The counters, as soon as they are so; AssertionError with the last ones when it takes too long."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            stat = self.get("/api/stat.json")
            if is_true(stat):
                return stat
            if time.monotonic() > deadline:
                raise AssertionError("still: " + json.dumps(stat))
            threading.Event().wait(0.05)  # the program counts four times a second

    def stop(self, number=signal.SIGINT):
        """Exit code, seconds it took, and standard output."""
        started = time.monotonic()
        self.process.send_signal(number)
        output = self.process.stdout.read()
        self.process.wait(PATIENCE_S)
        seconds = time.monotonic() - started
        self.reader.join(PATIENCE_S)  # Wine's own processes may keep the log open for longer
        return self.process.returncode, seconds, output

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def ended(stat):
    """What became of the sentences that arrived: the account of `halyard serve`."""
    return stat["decoded"] + stat["rejected"] + stat["fragments_joined"] + stat["fragments_held"]


def shared_data():
    return os.environ.get("HALYARD_SHARED_DATA", "")
