#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/check_paths finds a path of somebody's machine, and lets the usual ones pass."""

import os
import subprocess
import tempfile
import unittest

import tap

CHECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "check_paths")


def check(text):
    with tempfile.TemporaryDirectory() as root:
        with open(os.path.join(root, "file"), "w", encoding="utf-8") as file:
            file.write(text)
        subprocess.run(["git", "init", "-q", root], check=True)
        subprocess.run(["git", "-C", root, "add", "file"], check=True)
        return subprocess.run([CHECK, root], capture_output=True, text=True, check=False)


class CheckPaths(unittest.TestCase):
    def test_finds_a_home_folder(self):
        for home in ("home/somebody", "Users/Some Body", "root/project"):
            result = check(f"first\npath = '/{home}'\n")
            self.assertEqual(result.returncode, 1)
            self.assertIn("file:2:", result.stdout)

    def test_passes_what_every_machine_has(self):
        result = check("#!/usr/bin/env bash\n</dev/null\nGET /ws\nsrc/home/page.c\n$HOME/x\n")
        self.assertEqual((result.returncode, result.stdout), (0, ""))

    def test_skips_what_is_no_repository(self):
        with tempfile.TemporaryDirectory() as root:
            result = subprocess.run([CHECK, root], capture_output=True, text=True, check=False)
            self.assertEqual(result.returncode, 77)


if __name__ == "__main__":
    tap.main()
