# SPDX-License-Identifier: MIT
"""`halyard replay`, `simulate` and `listen` as programs: what arrives, when, and how they end."""

import base64
import gzip
import hashlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tools"))
import tap  # noqa: E402

PROGRAM = sys.argv[1]
SENTENCE = b"!AIVDM,1,1,,A,13HOI:0P0000VOHLCnHQKwvL05Ip,0*23"
TIMEOUT_S = 60
CLOCK_S = 0.02  # a tick of Windows' clock, and the rounding of what is printed


def tagged(second, sentence=SENTENCE):
    body = b"c:%d" % second
    total = 0
    for byte in body:
        total ^= byte
    return b"\\%s*%02X\\%s\r\n" % (body, total, sentence)


class Receiver:
    """A UDP socket whose datagrams a thread collects, with their times of arrival."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.datagrams = []
        self.arrived = threading.Condition()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            data = self.socket.recv(65536)
            with self.arrived:
                self.datagrams.append((time.monotonic(), data))
                self.arrived.notify_all()

    def wait_for_bytes(self, size):
        with self.arrived:
            if not self.arrived.wait_for(lambda: len(self.data()) >= size, TIMEOUT_S):
                raise AssertionError(f"{len(self.data())} bytes of {size} arrived")
        return self.data()

    def wait_for_datagrams(self, count):
        with self.arrived:
            self.arrived.wait_for(lambda: len(self.datagrams) >= count, TIMEOUT_S)

    def data(self):
        return b"".join(data for _, data in self.datagrams)


def run(*arguments, data=None):
    return subprocess.run([PROGRAM, *arguments], input=data, capture_output=True,
                          timeout=TIMEOUT_S, check=False)


class Replay(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.receiver = Receiver()

    def file(self, data, packed=False):
        path = os.path.join(self.folder.name, "recording")
        pathlib.Path(path).write_bytes(gzip.compress(data) if packed else data)
        return path

    def replay(self, path, *options, data=None):
        result = run("replay", path, "--to", self.receiver.address, *options, data=data)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.decode()

    def check_pace(self, start, interval, summary):
        """None came before its time, and the last not before its own in the program's account."""
        count = len(self.receiver.datagrams)
        for i, (arrival, _) in enumerate(self.receiver.datagrams):
            self.assertGreaterEqual(arrival - start, interval * i - CLOCK_S)
        seconds = float(re.search(r"in ([\d.]+) seconds", summary)[1])
        self.assertGreaterEqual(seconds, interval * (count - 1) - CLOCK_S)

    def test_bytes_arrive_unchanged(self):
        data = b"# banner\r\n" + SENTENCE * 2 + b"\n" + tagged(1000) * 20000 + b"\\si:X*00\\\n"
        for packed in (False, True):
            receiver = self.receiver = Receiver()
            summary = self.replay(self.file(data, packed), "--speed", "max")
            self.assertEqual(receiver.wait_for_bytes(len(data)), data)
            self.assertIn("20003 lines with 20002 sentences", summary)
            self.assertIn(f"in {len(receiver.datagrams)} datagrams", summary)
            for _, datagram in receiver.datagrams:
                self.assertLessEqual(len(datagram), 1400)
                self.assertTrue(datagram.endswith(b"\n"))

    def test_blank_lines_and_missing_line_end(self):
        self.replay(self.file(b"\r\n\n" + SENTENCE + b"\n\n" + SENTENCE), "--speed", "max")
        data = SENTENCE + b"\n" + SENTENCE + b"\n"
        self.assertEqual(self.receiver.wait_for_bytes(len(data)), data)

    def test_standard_input(self):
        summary = self.replay("-", "--speed", "max", data=SENTENCE * 3)
        self.assertIn("1 lines with 3 sentences", summary)

    def test_pace_of_tag_blocks(self):
        # Two seconds of two lines each and a last line: at twice the speed, every 250 ms.
        data = tagged(1000) * 2 + tagged(1001) * 2 + tagged(1002)
        start = time.monotonic()
        summary = self.replay(self.file(data), "--speed", "2")
        self.receiver.wait_for_bytes(len(data))
        self.assertEqual(len(self.receiver.datagrams), 5)
        self.check_pace(start, 0.25, summary)

    def test_steps_back_and_gaps(self):
        # A step back is sent at once, a gap of a day is not waited for.
        data = tagged(1000) + tagged(995) + tagged(1001) + tagged(90000) + tagged(90001)
        start = time.monotonic()
        self.replay(self.file(data), "--speed", "10")
        self.assertLess(time.monotonic() - start, 10)
        self.assertEqual(self.receiver.wait_for_bytes(len(data)), data)

    def test_fixed_rate_without_times(self):
        data = (SENTENCE + b"\n") * 20
        start = time.monotonic()
        summary = self.replay(self.file(data), "--rate", "40")
        self.receiver.wait_for_bytes(len(data))
        self.check_pace(start, 1 / 40, summary)

    def test_loop_until_interrupted(self):
        process = subprocess.Popen(
            [PROGRAM, "replay", self.file((SENTENCE + b"\n") * 3), "--to", self.receiver.address,
             "--loop", "--rate", "50"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.receiver.wait_for_datagrams(7)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=TIMEOUT_S)
        self.assertEqual(process.returncode, 0)
        self.assertIn(b"times to the end", output)

    def test_errors(self):
        path = self.file(SENTENCE)
        broken = os.path.join(self.folder.name, "broken.gz")
        pathlib.Path(broken).write_bytes(gzip.compress(tagged(1) * 5000)[:-20])
        for code, text, arguments in (
                (1, "no-such-file", ["/no-such-file", "--to", "127.0.0.1:1"]),
                (1, "broken.gz", [broken, "--to", self.receiver.address, "--speed", "max"]),
                (2, "--to", [path]),
                (2, "--to", [path, "--to", "127.0.0.1"]),
                (2, "--speed", [path, "--to", "127.0.0.1:1", "--speed", "fast"]),
                (2, "--speed", [path, "--to", "127.0.0.1:1", "--speed", "0"]),
                (2, "--rate", [path, "--to", "127.0.0.1:1", "--rate", "-1"]),
                (2, "--loop", ["-", "--to", "127.0.0.1:1", "--loop"]),
                (2, "FILE", ["--to", "127.0.0.1:1"]),
                (2, "--nonsense", [path, "--nonsense"])):
            with self.subTest(arguments=arguments):
                result = run("replay", *arguments)
                self.assertEqual(result.returncode, code)
                self.assertIn(text, result.stderr.decode())


class Simulate(unittest.TestCase):
    def test_sentences_decode(self):
        receiver = Receiver()
        result = run("simulate", "--ships", "200", "--rate", "50", "--count", "3000", "--tag",
                     "--seed", "7", "--to", receiver.address)
        self.assertEqual(result.returncode, 0, result.stderr)
        summary = result.stdout.decode().split()
        sentences, messages = int(summary[2]), int(summary[5])
        self.assertEqual(messages, 3000)
        self.assertIn("200 of them ships", result.stdout.decode())
        receiver.wait_for_datagrams(int(summary[8]))
        decoded = run("decode", data=receiver.data())
        self.assertEqual(len(decoded.stdout.splitlines()), 3000)
        self.assertIn(f"{sentences} sentences, 3000 messages assembled, 3000 decoded",
                      decoded.stderr.decode())
        self.assertIn("0 tag blocks with a wrong checksum", decoded.stderr.decode())
        self.assertLess(len(receiver.datagrams), sentences)

    def test_ends_on_interrupt(self):
        receiver = Receiver()
        process = subprocess.Popen([PROGRAM, "simulate", "--ships", "50", "--to",
                                    receiver.address], stdout=subprocess.PIPE)
        receiver.wait_for_datagrams(3)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=TIMEOUT_S)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(len(output.splitlines()), 1)

    def test_errors(self):
        for text, arguments in (("--ships", ["--ships", "0", "--to", "127.0.0.1:1"]),
                                ("--to", ["--ships", "5"]),
                                ("--to", ["--to", "localhost"]),
                                ("--rate", ["--to", "127.0.0.1:1", "--rate", "0"]),
                                ("--ships", ["--ships", "many", "--to", "127.0.0.1:1"]),
                                ("extra", ["--to", "127.0.0.1:1", "extra"])):
            with self.subTest(arguments=arguments):
                result = run("simulate", *arguments)
                self.assertEqual(result.returncode, 2)
                self.assertIn(text, result.stderr.decode())


class Listen(unittest.TestCase):
    """Against a WebSocket server of a few lines."""

    def serve(self, frames):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def run_server():
            connection, _ = listener.accept()
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(4096)
            key = next(line.split(b":")[1].strip() for line in request.split(b"\r\n")
                       if line.lower().startswith(b"sec-websocket-key"))
            accept = base64.b64encode(hashlib.sha1(
                key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                               b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept
                               + b"\r\n\r\n")
            for opcode, payload in frames:
                connection.sendall(bytes([0x80 | opcode, len(payload)]) + payload)
            while connection.recv(4096):
                pass
            connection.close()

        threading.Thread(target=run_server, daemon=True).start()
        return "ws://127.0.0.1:%d/ws" % listener.getsockname()[1]

    def test_prints_messages_until_closed(self):
        url = self.serve([(1, b'{"a":1}'), (1, "\u00e4".encode()), (2, b"\0\1\2"),
                          (8, b"\x03\xe9")])
        result = run("listen", url)
        self.assertEqual(result.stdout.decode().splitlines(),
                         ['{"a":1}', "\u00e4", "(3 bytes of binary data)"])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(b"1001", result.stderr)

    def test_count(self):
        result = run("listen", self.serve([(1, b"%d" % i) for i in range(10)]), "--count", "4")
        self.assertEqual(result.stdout.split(), [b"0", b"1", b"2", b"3"])
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_errors(self):
        unused = socket.create_server(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        unused.close()
        for code, text, arguments in ((1, str(port), [f"ws://127.0.0.1:{port}/ws"]),
                                      (2, "URL", []),
                                      (2, "nonsense", ["nonsense"]),
                                      (2, "--count", ["ws://127.0.0.1:1/", "--count", "x"])):
            with self.subTest(arguments=arguments):
                result = run("listen", *arguments)
                self.assertEqual(result.returncode, code, result.stderr)
                self.assertIn(text, result.stderr.decode())


if __name__ == "__main__":
    tap.main()
