# SPDX-License-Identifier: MIT
"""Starts the echo server for a test and stops it: `with echo_program(path) as url`."""

import contextlib
import signal
import subprocess


@contextlib.contextmanager
def echo_program(path):
    with subprocess.Popen([path, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                          text=True) as program:
        try:
            line = program.stdout.readline()
            prefix = "listening on "
            if not line.startswith(prefix):
                raise RuntimeError(f"the echo server said {line!r}")
            yield line[len(prefix):].strip()
            program.send_signal(signal.SIGINT)  # by Wine, Ctrl-C
            if program.wait(timeout=60) != 0:
                raise RuntimeError(f"the echo server ended with {program.returncode}")
        finally:
            if program.poll() is None:
                program.kill()
