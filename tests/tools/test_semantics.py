#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/semantics.py over small trees of tests: names, comments, registration, the list of what is
missing, logs, and that a stale table is noticed."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import tap

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SEMANTICS = os.path.join(ROOT, "tools", "semantics.py")

ONE = """\
/* Rules: SC-20. This is the head of the file, not of a test. */
#include "check.h"

static void helper(void)
{
}

static void test_sc09_first(void **state)
{
}

/* Rules: SC-11, SC-12
 * and TH-26. And more. */
static void test_of_several(void **state)
{
}

/*
 * Ten at once. Departs: SC-36, QA-09: a bounded connection keeps | what it has,
 * as the newer ones move up. Rules: AP-01.
 */
static void test_el01_th02_departing(void **state)
{
}

CHILD(test_ap02_by_a_macro, case_two, 0)

static void test_without_a_rule(void **state)
{
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sc09_first),
        cmocka_unit_test_setup_teardown(test_of_several, setup, teardown),
        CASE(test_el01_th02_departing),
        TEST(test_ap02_by_a_macro),
        TEST(test_without_a_rule),
    };
}
"""
SHOWN = {"SC-09", "SC-11", "SC-12", "TH-26", "SC-36", "QA-09", "AP-01", "EL-01", "TH-02", "AP-02"}
NAMES = ["test_sc09_first", "test_of_several", "test_el01_th02_departing", "test_ap02_by_a_macro",
         "test_without_a_rule"]


class Semantics(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="halyard-semantics-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.write("tests/core/test_one.c", ONE)

    def write(self, path, text):
        path = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def read(self, path):
        with open(os.path.join(self.folder, path), encoding="utf-8") as file:
            return file.read()

    def run_it(self, *arguments):
        return subprocess.run([sys.executable, SEMANTICS, "--root", self.folder, *arguments],
                              capture_output=True, text=True, check=False)

    def rows(self):
        result = self.run_it()
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = [row for row in result.stdout.splitlines() if row[:2] == "| " and row[2].isupper()]
        return {row[2:7]: row for row in rows}

    def green(self):
        """A tree whose check passes: every rule without a test is listed as missing."""
        self.green_with()

    def green_with(self, *shown):
        missing = [rule for rule in self.rows() if rule not in SHOWN and rule not in shown]
        self.write("tests/semantics_missing.txt", "# so far\n" + "\n".join(missing) + "\n")
        self.assertEqual(self.run_it("--write").returncode, 0)
        self.check_passes()

    def check_passes(self, *arguments):
        result = self.run_it("--check", *arguments)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def check_fails(self, text, *arguments):
        result = self.run_it("--check", *arguments)
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertIn(text, result.stdout)
        return result.stdout

    def log(self, *rows):
        return self.write("log.json", json.dumps({"name": "one", "result": "OK", "stdout":
                                                  "1..5\n" + "\n".join(rows)}) + "\n")

    def passed(self):
        return [f"ok {number} - {name}" for number, name in enumerate(NAMES, 1)]

    def test_one_row_a_rule_in_the_order_of_the_sections(self):
        rows = list(self.rows())
        self.assertEqual(len(rows), 264)
        self.assertEqual(rows[0], "TD-01")
        self.assertEqual(rows[-1], "AP-15")

    def test_names_and_comments_say_which_rules(self):
        rows = self.rows()
        self.assertEqual({rule for rule, row in rows.items() if "| missing |" not in row}, SHOWN)
        self.assertEqual(rows["SC-09"], "| SC-09 | `test_sc09_first` in tests/core/test_one.c | pass |")
        self.assertIn("`test_of_several`", rows["TH-26"])
        self.assertIn("`test_ap02_by_a_macro`", rows["AP-02"])

    def test_a_departure_says_why(self):
        rows = self.rows()
        reason = "| departs: a bounded connection keeps \\| what it has, as the newer ones move up |"
        self.assertIn(reason, rows["SC-36"])
        self.assertIn(reason, rows["QA-09"])
        self.assertTrue(rows["EL-01"].endswith("| pass |"))
        self.assertTrue(rows["AP-01"].endswith("| pass |"))

    def test_tests_of_windows_are_not_in_the_log_of_another_system(self):
        self.write("tests/core/test_win32.c", "static void test_dw01_one(void **state)\n{\n}\n"
                   "int main(void)\n{\n    TEST(test_dw01_one),\n}\n")
        self.green_with("DW-01")
        self.check_passes("--log", self.log(*self.passed()))
        self.check_fails("test_dw01_one: failed", "--log",
                         self.log("not ok 9 - test_dw01_one", *self.passed()))

    def test_python_tests_count_too(self):
        self.write("tests/e2e/one.py", "class One(unittest.TestCase):\n"
                   "    # Rules: TM-01.\n    @skip\n    def test_tm02_fires(self):\n        pass\n")
        rows = self.rows()
        self.assertIn("`test_tm02_fires` in tests/e2e/one.py | pass", rows["TM-01"])
        self.assertIn("`test_tm02_fires` in tests/e2e/one.py | pass", rows["TM-02"])

    def test_a_good_tree_passes(self):
        self.green()
        self.check_passes("--log", self.log(*self.passed()))

    def test_a_rule_without_a_test_is_an_error(self):
        self.green()
        missing = self.read("tests/semantics_missing.txt").replace("DC-05\n", "")
        self.write("tests/semantics_missing.txt", missing)
        self.check_fails("DC-05 has no test")

    def test_the_list_of_missing_rules_only_shrinks(self):
        self.green()
        self.write("tests/core/test_two.c", "static void test_dc05_told(void **s)\n{\n}\n"
                   "int main(void)\n{\n    TEST(test_dc05_told);\n}\n")
        self.check_fails("DC-05 has a test")
        self.run_it("--write")
        self.assertNotIn("DC-05", self.read("tests/semantics_missing.txt"))
        self.assertIn("# so far", self.read("tests/semantics_missing.txt"))
        self.check_passes()

    def test_a_stale_table_is_an_error(self):
        self.green()
        table = self.read("tests/semantics.md")
        self.write("tests/semantics.md", table.replace("test_sc09_first", "test_sc09_other"))
        self.check_fails("is not current")
        os.remove(os.path.join(self.folder, "tests/semantics.md"))
        self.check_fails("is not current")

    def test_rules_that_do_not_exist_are_errors(self):
        self.green()
        self.write("tests/core/test_one.c", ONE.replace("test_sc09_first", "test_sc99_first"))
        self.check_fails("SC-99 is no rule")
        self.write("tests/core/test_one.c", ONE.replace("Rules: AP-01", "Rules: AP-77"))
        self.check_fails("AP-77 is no rule")
        self.write("tests/core/test_one.c", ONE.replace("Rules: SC-11", "Rules: all of SC-11"))
        self.check_fails("'Rules:' without rules")
        self.write("tests/core/test_one.c", ONE.replace("QA-09: a", "QA-09 a"))
        self.check_fails("'Departs:' wants a rule and a reason")

    def test_a_test_that_is_not_registered_shows_nothing(self):
        self.green()
        self.write("tests/core/test_one.c", ONE.replace("        TEST(test_sc09_first),\n", ""))
        output = self.check_fails("test_sc09_first is in no table")
        self.assertIn("SC-09 has no test", output)

    def test_two_tests_of_one_name_must_both_have_passed(self):
        self.write("tests/core/test_two.c", "static void test_sc09_first(void **s)\n{\n}\n"
                   "int main(void)\n{\n    TEST(test_sc09_first);\n}\n")
        self.green()
        self.assertIn("core/test_one.c; `test_sc09_first` in tests/core/test_two.c", self.rows()["SC-09"])
        self.check_passes("--log", self.log("ok 1 - test_sc09_first", *self.passed()))
        self.check_fails("test_two.c: test_sc09_first: not run", "--log", self.log(*self.passed()))
        self.check_fails("test_two.c: test_sc09_first: failed", "--log",
                         self.log("not ok 1 - test_sc09_first", *self.passed()))

    def test_a_test_of_the_table_must_have_passed(self):
        self.green()
        for row, verdict in (("not ok 1 - test_sc09_first", "failed"),
                             ("not ok 1 # SKIP test_sc09_first", "skipped"),
                             ("ok 1 - test_sc09_first # SKIP no clock", "skipped"),
                             ("ok 1 - test_sc09_firstly", "not run")):
            log = self.log(row, *self.passed()[1:])
            self.check_fails(f"test_sc09_first: {verdict}", "--log", log)
            self.assertIn(f"| {verdict} |", self.run_it("--log", log).stdout)

    def test_one_failure_among_several_runs_counts(self):
        self.green()
        log = self.log("not ok 1 - test_sc09_first", *self.passed())
        self.check_fails("test_sc09_first: failed", "--log", log)


if __name__ == "__main__":
    tap.main()
