#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/test_summary over hand-made records of `meson test`: what counts as passed, as failed and
as skipped, and the exit code."""

import json
import os
import subprocess
import tempfile
import unittest

import tap

SUMMARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools",
                       "test_summary")


def record(result, stdout="", returncode=0, stderr=""):
    return {"name": "program", "result": result, "stdout": stdout, "returncode": returncode,
            "stderr": stderr}


def summary(*records, expected=()):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as log:
        log.writelines(json.dumps(each) + "\n" for each in records)
        log.flush()
        return subprocess.run([SUMMARY, log.name, *expected], capture_output=True, text=True,
                              check=False)


class Summary(unittest.TestCase):
    def expect(self, result, last_line, exit_code):
        self.assertEqual(result.stdout.splitlines()[-1], last_line, result.stdout)
        self.assertEqual(result.returncode, exit_code)

    def test_every_subtest_counts(self):
        self.expect(summary(record("OK", "1..2\nok 1 - a\nok 2 - b\n"), record("OK")),
                    "3 passed, 0 failed", 0)

    def test_a_failed_subtest_counts_once(self):
        result = summary(record("FAIL", "1..2\nok 1 - a\nnot ok 2 - b\n", 1))
        self.expect(result, "1 passed, 1 failed", 1)
        self.assertIn("failed: program: b", result.stdout)

    def test_a_failure_says_what_was_wrong(self):
        output = "1..3\nok 1 - a\nnot ok 2 - b\n# 1 != 2\n# b.c:7: error\nok 3 - c\n# of c\n"
        result = summary(record("FAIL", output, 1), record("ERROR", "1..2\n", -6, "Bad\nAborted\n"))
        self.expect(result, "2 passed, 2 failed", 1)
        self.assertIn("failed: program: b\n    1 != 2\n    b.c:7: error\n"
                      "failed: program: error, exit code -6\n    Bad\n    Aborted\n", result.stdout)

    def test_a_crash_or_time_out_is_a_failure_besides_the_subtests(self):
        self.expect(summary(record("ERROR", "1..2\nok 1 - a\n", -11)), "1 passed, 1 failed", 1)
        self.expect(summary(record("TIMEOUT", "1..2\nok 1 - a\n", -15)), "1 passed, 1 failed", 1)
        self.expect(summary(record("ERROR", "1..1\nok 1 - a\n", 1)), "1 passed, 1 failed", 1)

    def test_skips_are_listed_with_their_reason(self):
        output = "1..3\nok 1 - a\n# no recording\nnot ok 2 # SKIP b\nok 3 - c # SKIP no clang\n"
        result = summary(record("FAIL", output),
                         record("SKIP", "1..0 # SKIP no browser\n"),
                         record("ERROR", "", 77, "no data\n\n(test program exited with code 77)"),
                         record("SKIP", "no peer\n", 77))
        self.expect(result, "1 passed, 0 failed, 5 skipped", 0)
        for reason in ("b: no recording", "c: no clang", "no browser", "no data", "no peer"):
            self.assertIn(f": {reason}\n", result.stdout)

    def test_a_skip_hides_no_failure(self):
        output = "1..2\nnot ok 1 # SKIP a\nnot ok 2 - b\n"
        self.expect(summary(record("FAIL", output, 1)), "0 passed, 1 failed, 1 skipped", 1)
        output = "1..2\nok 1 - a # SKIP none\n"
        self.expect(summary(record("ERROR", output)), "0 passed, 1 failed, 1 skipped", 1)

    def test_no_test_at_all_is_a_failure(self):
        self.expect(summary(), "0 passed, 0 failed", 1)
        self.expect(summary(record("SKIP", "none\n", 77)), "0 passed, 0 failed, 1 skipped", 1)

    def test_programs_that_did_not_run_are_a_failure(self):
        self.expect(summary(record("OK"), expected=["3"]), "1 passed, 1 failed", 1)
        self.expect(summary(record("OK"), expected=["1"]), "1 passed, 0 failed", 0)


if __name__ == "__main__":
    tap.main()
