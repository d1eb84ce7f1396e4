# SPDX-License-Identifier: MIT
"""Runs the unittest cases of the calling file and prints TAP, so that each of them is counted."""

import sys
import unittest


class Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.number = 0

    def line(self, test, ok, directive=""):
        self.number += 1
        name = test.id().removeprefix("__main__.")
        print(f"{'ok' if ok else 'not ok'} {self.number} - {name}{directive}", flush=True)

    def addSuccess(self, test):
        self.line(test, True)

    def addSkip(self, test, reason):
        self.line(test, True, f" # SKIP {reason}")

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.report(test, self.failures[-1][1])

    def addError(self, test, error):
        super().addError(test, error)
        self.report(test, self.errors[-1][1])

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            self.report(subtest, (self.failures + self.errors)[-1][1])

    def report(self, test, trace):
        self.line(test, False)
        for row in trace.splitlines():
            print(f"# {row}", flush=True)


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = Result()
    suite.run(result)  # a test with failed subtests prints a line for each, and no line of its own
    print(f"1..{result.number}", flush=True)  # hence the plan comes last
    sys.exit(0 if result.wasSuccessful() else 1)
