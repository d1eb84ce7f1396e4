#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each example does what it says. Output: TAP.

    test_examples.py FOLDER_WITH_THE_PROGRAMS SANITIZER
"""

import glob
import os
import select
import signal
import socket
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import tap  # noqa: E402

PROGRAMS = sys.argv.pop(1)
SANITIZER = sys.argv.pop(1)
SOURCES = os.path.join(HERE, "..", "..", "examples")
LIMIT_S = 60

# Programs that end by themselves, and all that they print.
SAYS = {
    "hello_signal": ["heard: hello, signal"],
    "worker_thread": ["0..999: 168 primes", "1000..1999: 135 primes", "2000..2999: 127 primes"],
    "blocking_call": ["no answer: HY_EDEADLK", "30 paid, 70 left", "90 refused"],
    "conflated_display": ["last reading 100000; shown fewer; logged and dropped: add up"],
    "custom_dispatcher": ["15 bytes have come"],
    "watchdog": ['main is blocked by a slot of "the slow one" (struct log)',
                 "main goes on: it took more than a tenth of a second"],
    "work_pool": ["8 ended, 1 of them cancelled"],
}
# The last line of programs whose threads take turns as they like.
SAYS_AT_LAST = {"foreign_loop": "20 readings, 4 notes"}
# Programs that other tests run: the echo server is the peer of half the network tests.
ELSEWHERE = {"ws_echo_server", "gtk_guest"}


class Running:
    """A program that runs until it is told to end."""

    def __init__(self, name, *arguments):
        self.process = subprocess.Popen([os.path.join(PROGRAMS, name), *arguments], text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def line(self):
        return self.process.stdout.readline().rstrip("\n")

    def answer(self, number):
        """The line that a signal is answered with. ThreadSanitizer puts signals off, and that of clang 14 forgets
        some that come as a program begins: its handler has run, the program's is never called. So there it is sent
        again until it is answered; an answer that was only late then comes twice."""
        limit_s = 2 if SANITIZER == "thread" else LIMIT_S
        for _ in range(LIMIT_S // limit_s):
            self.process.send_signal(number)
            if select.select([self.process.stdout], [], [], limit_s)[0]:
                return self.line()
        raise AssertionError(f"no answer to {number.name}")

    def end(self, number=signal.SIGTERM):
        """The rest of its output and its exit code."""
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=LIMIT_S)
        return output.splitlines(), self.process.returncode


class Examples(unittest.TestCase):
    def test_every_example_is_tested(self):
        names = {os.path.basename(path)[:-2] for path in glob.glob(os.path.join(SOURCES, "*.c"))}
        tested = {name[len("test_"):] for name in dir(self) if name.startswith("test_")}
        self.assertEqual(names - set(SAYS) - set(SAYS_AT_LAST) - ELSEWHERE - tested, set())
        self.assertGreaterEqual(len(names), 8)

    def lines_of(self, name):
        done = subprocess.run([os.path.join(PROGRAMS, name)], text=True, timeout=LIMIT_S,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.splitlines()

    def test_those_that_end_by_themselves(self):
        for name, lines in SAYS.items():
            with self.subTest(name):
                self.assertEqual(self.lines_of(name), lines)
        for name, line in SAYS_AT_LAST.items():
            with self.subTest(name):
                self.assertEqual(self.lines_of(name)[-1], line)

    def test_graceful_shutdown(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name), Running("graceful_shutdown") as program:
                self.assertEqual(program.line(), "running; stop it with Ctrl-C")
                self.assertIn(program.answer(signal.SIGUSR1), ("writing", "nothing written yet"))
                lines, code = program.end(number)
                self.assertEqual(code, 0, lines)
                if SANITIZER == "thread":
                    lines = [line for line in lines if line != "writing"]
                self.assertEqual(len(lines), 2, lines)
                written = lines[0].split()[2]
                self.assertEqual(lines[0], f"clerk wrote {written} entries")
                self.assertEqual(lines[1], f"archive closed in thread archive with {written} entries")

    def test_udp_receiver(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind(("127.0.0.1", 0))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            with Running("udp_receiver", f"127.0.0.1:{port}") as program:
                # It has no ready line: what comes before it listens is lost, so say it until it answers.
                sender.connect(("127.0.0.1", port))
                os.set_blocking(program.process.stdout.fileno(), False)
                line = ""
                for _ in range(LIMIT_S * 20):
                    try:
                        sender.send(b"hello")
                    except ConnectionRefusedError:
                        pass
                    line = program.process.stdout.readline()
                    if line:
                        break
                    try:
                        program.process.wait(0.05)
                    except subprocess.TimeoutExpired:
                        pass
                os.set_blocking(program.process.stdout.fileno(), True)
                self.assertEqual(line, f"127.0.0.1:{sender.getsockname()[1]} hello\n")
                self.assertEqual(program.end()[1], 0)

    def test_position_gateway(self):
        with Running("position_gateway", "--listen", "127.0.0.1:0") as program:
            address = program.line()
            self.assertRegex(address, r"^ws://127\.0\.0\.1:\d+/ws$")
            host, port = address[len("ws://"):-len("/ws")].split(":")
            with socket.create_connection((host, int(port)), timeout=LIMIT_S) as client:
                client.sendall(b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               b"Sec-WebSocket-Version: 13\r\n"
                               b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
                answer = b""
                while b"\r\n\r\n" not in answer:
                    answer += client.recv(4096)
                self.assertTrue(answer.startswith(b"HTTP/1.1 101"), answer)
                rest = answer.split(b"\r\n\r\n", 1)[1]
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                    client.settimeout(0.2)
                    for _ in range(LIMIT_S * 5):
                        sender.sendto(b"211234560 54.32 10.13", ("127.0.0.1", 10110))
                        try:
                            rest += client.recv(4096)
                        except TimeoutError:
                            pass
                        if b"}" in rest:
                            break
                self.assertIn(b'"mmsi":211234560,"lat":54.32000,"lon":10.13000}', rest)
            self.assertEqual(program.end()[1], 0)


if __name__ == "__main__":
    tap.main()
