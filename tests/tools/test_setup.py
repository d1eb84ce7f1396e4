#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/setup with stand-ins for dpkg-query, apt-get, sudo and npm: what it installs, and when not."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import tap

SETUP = pathlib.Path(__file__).resolve().parent.parent.parent / "tools" / "setup"
# Each notes its call. A package is installed once apt-get was called for it.
STAND_IN = """#!/bin/sh
echo "$(basename "$0") $*" >>"$CALLS"
case $(basename "$0") in
dpkg-query) for package; do :; done; grep -q "apt-get .*install.* $package\\b" "$CALLS" && printf installed ;;
sudo) shift; exec "$@" ;;
npm) exit "${NPM_EXIT:-0}" ;;
esac
exit 0
"""


class Setup(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for name in ("tools", "bin", "web"):
            (self.root / name).mkdir()
        shutil.copy(SETUP, self.root / "tools" / "setup")
        for name in ("package.json", "package-lock.json"):
            (self.root / "web" / name).write_text("{}\n")
        for name in ("dpkg-query", "apt-get", "sudo", "npm"):
            (self.root / "bin" / name).write_text(STAND_IN)
            (self.root / "bin" / name).chmod(0o755)
        self.calls_file = self.root / "calls"

    def calls(self, *groups, **environment):
        """What was called, and the exit code."""
        self.calls_file.write_text("")
        result = subprocess.run(
            [self.root / "tools" / "setup", *groups], stdin=subprocess.DEVNULL, check=False,
            capture_output=True, text=True, timeout=60,
            env=dict(os.environ, PATH=f"{self.root}/bin:{os.environ['PATH']}",
                     CALLS=str(self.calls_file), **environment))
        return self.calls_file.read_text().splitlines(), result

    def test_a_second_call_does_nothing(self):
        calls, result = self.calls("build", "test")
        self.assertEqual(result.returncode, 0, result.stderr)
        installs = [call for call in calls if call.startswith("apt-get") and " install " in call]
        self.assertEqual(len(installs), 2, calls)
        self.assertIn(" ninja-build", installs[0])
        self.assertIn(" chromium", installs[1])
        self.assertEqual(len([call for call in calls if call.startswith("npm ci")]), 1, calls)
        calls, result = self.calls("build", "test")
        self.assertEqual((result.returncode, calls, result.stderr), (0, [], ""))

    def test_a_changed_lock_file_is_installed_again(self):
        self.calls("build")
        (self.root / "web" / "package-lock.json").write_text("{ }\n")
        calls, _ = self.calls("build")
        self.assertEqual([call.split()[:2] for call in calls], [["npm", "ci"]])

    def test_a_failure_is_no_success(self):
        _, result = self.calls("build", NPM_EXIT="1")
        self.assertNotEqual(result.returncode, 0)
        calls, result = self.calls("build")
        self.assertEqual([call.split()[0] for call in calls], ["npm"])
        self.assertEqual(result.returncode, 0)

    def test_an_unknown_group_is_named(self):
        _, result = self.calls("bulid")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("'bulid'", result.stderr)


if __name__ == "__main__":
    tap.main()
