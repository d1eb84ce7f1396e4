#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The GTK example under Xvfb: it drives itself, and the picture with its dialog is looked at.

    gtk_guest_test.py PROGRAM [--skip REASON]

Xvfb keeps its screen in a file (-fbdir), in the format of xwd; so a picture needs no other tool.
It goes to HALYARD_ARTEFACTS as gtk_guest.png, where that is set.
"""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
import tap  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
WIDTH, HEIGHT = 640, 480
LINE = "dialog: posts went on, timer went on, notifier went on\n"


class Screen:
    """An Xvfb on a free display."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="halyard-xvfb-")
        reader, writer = os.pipe()
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writer), "-screen", "0", f"{WIDTH}x{HEIGHT}x24",
             "-fbdir", self.folder, "-nolisten", "tcp"],
            pass_fds=[writer], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(writer)
        with os.fdopen(reader) as answer:
            number = answer.readline().strip()
        if not number:
            self.__exit__()
            raise AssertionError("Xvfb does not start")
        self.display = f":{number}"
        return self

    def __exit__(self, *unused):
        self.server.terminate()
        self.server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def pixels(self):
        """The screen as rows of four bytes a pixel: blue, green, red, nothing."""
        with open(os.path.join(self.folder, "Xvfb_screen0"), "rb") as file:
            image = file.read()
        header_size, = struct.unpack_from(">I", image)
        colours, = struct.unpack_from(">I", image, 76)
        begin = header_size + 12 * colours
        return image[begin:begin + 4 * WIDTH * HEIGHT]


def drawn(pixels):
    """How many pixels are not of the empty screen's colour."""
    return WIDTH * HEIGHT - pixels.count(b"\0\0\0")


def write_png(path, pixels):
    rows = bytearray()
    for y in range(HEIGHT):
        row = pixels[4 * WIDTH * y:4 * WIDTH * (y + 1)]
        rgb = bytearray(3 * WIDTH)
        rgb[0::3], rgb[1::3], rgb[2::3] = row[2::4], row[1::4], row[0::4]
        rows += b"\0" + rgb

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n"
                   + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0))
                   + chunk(b"IDAT", zlib.compress(bytes(rows))) + chunk(b"IEND", b""))


class GtkGuest(unittest.TestCase):
    def run_demo(self, screen):
        """The output, and the picture with most on it: the dialog was open then."""
        environment = dict(os.environ, DISPLAY=screen.display, GDK_BACKEND="x11",
                           NO_AT_BRIDGE="1", GTK_THEME="Adwaita", GSETTINGS_BACKEND="memory")
        process = subprocess.Popen([PROGRAM, "--demo"], env=environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        best, limit = b"", time.monotonic() + 60
        while process.poll() is None:
            if time.monotonic() > limit:
                process.kill()
            picture = screen.pixels()
            if not best or drawn(picture) >= drawn(best):
                best = picture
        output, complaints = process.communicate()
        self.assertEqual(process.returncode, 0, output + complaints)
        return output, best

    def test_a_dialog_inside_a_slot_while_everything_goes_on(self):
        with Screen() as screen:
            output, picture = self.run_demo(screen)
        self.assertEqual(output, LINE)
        if os.environ.get("HALYARD_ARTEFACTS"):
            write_png(os.path.join(os.environ["HALYARD_ARTEFACTS"], "gtk_guest.png"), picture)
        # Window and dialog cover a good part of it, and letters have many shades.
        self.assertGreater(drawn(picture), WIDTH * HEIGHT // 10)
        self.assertGreater(len({picture[i:i + 3] for i in range(0, len(picture), 4)}), 20)

    def test_without_a_display_it_says_so(self):
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
        result = subprocess.run([PROGRAM], env=environment, capture_output=True, text=True,
                                check=False, timeout=60)
        self.assertEqual(result.returncode, 1)
        self.assertIn("no display", result.stderr)


if __name__ == "__main__":
    if sys.argv[2:3] == ["--skip"]:
        print(f"1..0 # SKIP {sys.argv[3]}")
        sys.exit(0)
    if not shutil.which("Xvfb"):
        print("1..0 # SKIP Xvfb is not installed")
        sys.exit(0)
    tap.main()
