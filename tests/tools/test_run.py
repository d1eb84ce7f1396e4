#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/run with a stand-in for the program: start, address, Ctrl-C, and each way to fail."""

import os
import pty
import signal
import socket
import subprocess
import time
import unittest

import tap

HERE = os.path.dirname(os.path.abspath(__file__))
RUN = os.path.join(HERE, "..", "..", "tools", "run")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(fault="", command=(RUN,), port=None, **options):
    port = port or free_port()
    environment = dict(os.environ, HALYARD=os.path.join(HERE, "halyard_stand_in"), STAND_IN=fault,
                       HALYARD_HTTP=f"127.0.0.1:{port}", HALYARD_UDP="0.0.0.0:5", SHIPS="7")
    process = subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True, **options)
    return process, f"http://127.0.0.1:{port}/\n"


def await_both(process, address):
    """Both stand-ins have installed their handlers; returns what they were called with."""
    assert process.stdout.readline() == address
    return process.stderr.readline() + process.stderr.readline()


class Run(unittest.TestCase):
    def test_prints_the_address_and_stops_on_interrupt(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process, address = start()
            calls = await_both(process, address)
            begin = time.monotonic()
            process.send_signal(number)
            output, errors = process.communicate(timeout=10)
            self.assertLess(time.monotonic() - begin, 1)
            self.assertEqual(process.returncode, 0, errors)
            self.assertIn("serve: summary, 1 interrupt(s)", output)
            self.assertIn("simulate: summary, 1 interrupt(s)", output)
            self.assertIn("--udp 0.0.0.0:5", calls)
            self.assertIn("simulate --ships 7 --to 127.0.0.1:5", calls)

    def test_an_interrupt_of_the_whole_group_arrives_once(self):
        process, address = start()
        await_both(process, address)
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=10)
        self.assertEqual(process.returncode, 0, errors)
        self.assertEqual(output.count("summary, 1 interrupt(s)"), 2, output)

    def test_a_program_that_fails_ends_the_other(self):
        for fault in ("serve-fails", "simulate-fails"):
            process, _ = start(fault)
            output, errors = process.communicate(timeout=10)
            self.assertEqual(process.returncode, 1)
            self.assertIn(f"{fault.split('-')[0]} ended by itself: exit code 1", errors)
            self.assertIn("in use by another program", errors)
            self.assertEqual("serve: summary" in output, fault == "simulate-fails")

    def test_a_bad_end_is_not_hidden(self):
        process, address = start("sullen")
        await_both(process, address)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
        self.assertEqual(process.returncode, 1)
        self.assertIn("serve: exit code 3", errors)

    def test_a_second_interrupt_kills(self):
        process, address = start("stubborn")
        await_both(process, address)
        begin = time.monotonic()
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                pass
        self.assertLess(time.monotonic() - begin, 3)
        self.assertEqual(process.returncode, 1)
        process.communicate()

    def test_refuses_an_address_without_port(self):
        process, _ = start(port="http")
        _, errors = process.communicate(timeout=10)
        self.assertEqual(process.returncode, 1)
        self.assertIn("127.0.0.1:http", errors)

    def test_interrupt_key_under_make_ends_with_0(self):
        port = free_port()
        child, terminal = pty.fork()
        if child == 0:
            os.environ.update(HALYARD=os.path.join(HERE, "halyard_stand_in"), STAND_IN="",
                              HALYARD_HTTP=f"127.0.0.1:{port}")
            os.execvp("make", ["make", "-s", "-f", os.devnull, "--eval", f"run:\n\t@{RUN}", "run"])
        output = b""
        try:
            while f"http://127.0.0.1:{port}/".encode() not in output or b"simulate" not in output:
                output += os.read(terminal, 4096)
            os.write(terminal, b"\x03")
            while True:
                output += os.read(terminal, 4096)
        except OSError:
            pass  # Linux reports the end of the other side as EIO
        _, status = os.waitpid(child, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0, output.decode())
        self.assertEqual(output.count(b"summary, 1 interrupt(s)"), 2, output.decode())


if __name__ == "__main__":
    tap.main()
