#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of behaviour rules and the tests that show them, tests/semantics.md.

    tools/semantics.py [--root ROOT] [--log TESTLOG.json]            prints the table
    tools/semantics.py [--root ROOT] [--log TESTLOG.json] --write    writes it
    tools/semantics.py [--root ROOT] [--log TESTLOG.json] --check    is all well? Output: TAP

A test says which rules it shows by its name, test_sc09_... or test_sc16_sc17_..., and by sentences
of the comment right before it: `Rules: SC-09, SC-10.` and `Departs: SC-36: reason in one sentence.`
It counts when it is registered: by cmocka's table, or as a method of a unittest class. With the log
of `meson test` it has also to have passed.

tests/semantics_missing.txt lists the rules that still lack a test, one a line; --write takes out
those that have one by now, and nobody puts one in.
"""

import argparse
import json
import os
import re
import sys

# In the order of the table: the letters and how many rules they have.
SECTIONS = {"TD": 14, "EL": 26, "DC": 11, "DU": 10, "DW": 9, "DG": 5, "PE": 27, "DD": 17, "OA": 23, "SC": 37,
            "QA": 9, "TM": 24, "SN": 11, "TH": 26, "AP": 15}
# These tests are built for Windows only; the log of another system knows nothing of them.
ON_WINDOWS = re.compile(r"tests/core/test_win32")
RULES = [f"{letters}-{number:02}" for letters, count in SECTIONS.items()
         for number in range(1, count + 1)]

TABLE = os.path.join("tests", "semantics.md")
MISSING = os.path.join("tests", "semantics_missing.txt")

HEAD = """\
# What the core promises, and where it is shown

Each row is one rule of behaviour: of threads (TD, TH), loops (EL), dispatchers (DC, DU, DW, DG), posted events (PE), deferred
deletes (DD), objects (OA), signals (SC, QA), timers (TM), notifiers (SN) and the application (AP). The name of a test says
what it shows; the sentences that cannot be in a name stand in the test itself. *departs* means that the core knowingly does
something else than the rule asks, and why. `tools/semantics.py --write` makes this table of the tests' names and comments;
the test `semantics` fails when it is not current, and `make test` also when a test in it has not passed.

| rule | tests | result |
|---|---|---|
"""

LETTERS = "|".join(letters.lower() for letters in SECTIONS)
DEFINITION = {
    # A function, or one that a macro makes: CHILD(test_..., case_..., 0).
    "c": re.compile(r"(?:(?:static )?void |[A-Z][A-Z_]*\()(test_\w+)\s*[(,)](?!.*;\s*$)"),
    "py": re.compile(r"\s+def (test_\w+)\("),
}
IDS_IN_NAME = re.compile(rf"test_((?:(?:{LETTERS})\d+_)+)")
IDS = r"[A-Z]{2}-\d+(?:(?:, | and )[A-Z]{2}-\d+)*"
RULES_SENTENCE = re.compile(rf"\bRules: ({IDS})?")
DEPARTS_SENTENCE = re.compile(rf"\bDeparts: (?:({IDS}): (.+?)(?:\.(?=\s)|\.?$|(?= (?:Rules|Departs): )))?")
TEST_LINE = re.compile(r"\s*(ok|not ok)\b\s*\d*\s*-?\s*(?:#\s*skip\S*\s*)?(\S*)(.*)", re.IGNORECASE)


class Test:
    def __init__(self, name, path):
        self.name, self.path = name, path
        self.rules = set()
        self.departs = {}  # rule: reason
        self.registered = False
        self.verdict = None  # of the log: "pass", "failed", "skipped"; None: no log, or not in it

    def place(self):
        return f"{self.path}: {self.name}"

    def is_elsewhere(self):
        return self.verdict is None and bool(ON_WINDOWS.match(self.path))


def comment_before(rows, index):
    """The text of the comments right before row `index`, as one line."""
    text = []
    inside = False
    while index > 0:
        index -= 1
        row = rows[index].strip()
        if inside or row.endswith("*/"):
            inside = "/*" not in row
        elif not row.startswith(("//", "#", "@")) or row.startswith("#!"):
            break
        text.insert(0, "" if row.startswith("@") else row.strip("/*# \t"))
    return " ".join(" ".join(text).split())


def read_tests(path, text, problems):
    """The tests of a file that show a rule."""
    kind = "py" if path.endswith(".py") else "c"
    rows = text.splitlines()
    for index, row in enumerate(rows):
        match = DEFINITION[kind].match(row)
        if not match:
            continue
        test = Test(match[1], path)
        named = IDS_IN_NAME.match(test.name)
        if named:
            test.rules.update(f"{word[:2].upper()}-{word[2:]}" for word in named[1].split("_") if word)
        comment = comment_before(rows, index)
        for sentence in RULES_SENTENCE.finditer(comment):
            if not sentence[1]:
                problems.append(f"{test.place()}: 'Rules:' without rules (like SC-09, SC-10)")
            else:
                test.rules.update(re.findall(r"[A-Z]{2}-\d+", sentence[1]))
        for sentence in DEPARTS_SENTENCE.finditer(comment):
            if not sentence[1]:
                problems.append(f"{test.place()}: 'Departs:' wants a rule and a reason "
                                "(Departs: SC-36: why)")
            else:
                for rule in re.findall(r"[A-Z]{2}-\d+", sentence[1]):
                    test.departs[rule] = sentence[2]
        test.rules.update(test.departs)
        # A method of a class is found by unittest; a function has to stand in a table of main().
        test.registered = kind == "py" or bool(
            re.search(rf"^\s+.*\b\w+\(\s*{test.name}\s*[,)]", text, re.MULTILINE))
        if test.rules:
            yield test


def scan(root, problems):
    tests = []
    for folder, folders, names in sorted(os.walk(os.path.join(root, "tests"))):
        folders[:] = sorted(name for name in folders if name not in ("node_modules", "__pycache__"))
        for name in sorted(names):
            if name.endswith((".c", ".cpp", ".py")) and name != "test_semantics.py":
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as file:
                    tests += read_tests(os.path.relpath(path, root), file.read(), problems)
    return tests


def read_log(path):
    """{name of a case: its verdicts} of all TAP cases in the log of `meson test`."""
    verdicts = {}
    with open(path, encoding="utf-8") as log:
        for record in log:
            for row in (json.loads(record).get("stdout") or "").splitlines():
                line = TEST_LINE.match(row)
                if not line:
                    continue
                verdict = "skipped" if re.search(r"#\s*skip", row, re.IGNORECASE) else \
                    "pass" if line[1].lower() == "ok" else "failed"
                name = line[2].split(".")[-1]  # unittest: Class.test
                verdicts.setdefault(name, []).append(verdict)
    return verdicts


def judge(tests, verdicts):
    """Gives each test the worst of the verdicts on its name; several tests may share one. A suite
    that several programs run may skip a case in some of them, but not in all."""
    for test in tests:
        found = verdicts.get(test.name, [])
        namesakes = sum(other.name == test.name for other in tests)
        ran = [verdict for verdict in found if verdict != "skipped"]
        if len(ran) >= namesakes:
            found = ran
        if len(found) >= namesakes:
            test.verdict = max(found, key=["pass", "skipped", "failed"].index)


def by_rule(tests):
    rules = {rule: [] for rule in RULES}
    for test in tests:
        for rule in test.rules:
            if rule in rules:
                rules[rule].append(test)
    return rules


def result_of(rule, tests, has_log):
    if not tests:
        return "missing"
    if has_log:
        bad = [test.verdict or "not run" for test in tests if test.verdict != "pass" and not test.is_elsewhere()]
        if bad:
            return bad[0]
    reasons = list(dict.fromkeys(test.departs[rule] for test in tests if rule in test.departs))
    return "departs: " + "; ".join(reasons).replace("|", "\\|") if reasons else "pass"


def table(tests, has_log):
    rows = [HEAD]
    for rule, shown in by_rule([test for test in tests if test.registered]).items():
        # The tests of one file stand together, with the file's name once.
        files = {}
        for test in shown:
            files.setdefault(test.path, []).append(f"`{test.name}`")
        cell = "; ".join(f"{', '.join(names)} in {path}" for path, names in files.items())
        rows.append(f"| {rule} | {cell} | {result_of(rule, shown, has_log)} |\n")
    return "".join(rows)


def read_lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [row.strip() for row in file if row.strip() and not row.startswith("#")]


def read_text(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()


def differences(root, text):
    committed = read_text(os.path.join(root, TABLE)).splitlines()
    wanted = text.splitlines()
    if committed == wanted:
        return []
    rows = [f"wants: {row}" for row in wanted if row not in committed]
    rows += [f"has: {row}" for row in committed if row not in wanted]
    return [f"{TABLE} is not current; tools/semantics.py --write makes it anew"] + rows


def check(root, tests, problems, has_log):
    missing = read_lines(os.path.join(root, MISSING))
    shown = {rule for rule, tests in by_rule([t for t in tests if t.registered]).items() if tests}
    cases = [
        ("every rule has a test",
         [f"{rule} has no test, and is not in {MISSING}" for rule in RULES
          if rule not in shown and rule not in missing]),
        ("the list of what is missing is true",
         [f"{rule} has a test; take it out of {MISSING}" for rule in missing if rule in shown] +
         [f"{MISSING}: {rule} is no rule" for rule in missing if rule not in RULES]),
        ("the rules that tests name exist",
         problems + [f"{test.place()}: {rule} is no rule" for test in tests
                     for rule in sorted(test.rules) if rule not in RULES]),
        ("tests that show a rule are registered",
         [f"{test.place()} is in no table of its program" for test in tests if not test.registered]),
        ("the table is current", differences(root, table(tests, False))),
    ]
    if has_log:
        cases.append(("every test in the table has passed",
                      [f"{test.place()}: {test.verdict or 'not run'}" for test in tests
                       if test.registered and test.verdict != "pass" and not test.is_elsewhere()]))
    print(f"1..{len(cases)}")
    for number, (name, faults) in enumerate(cases, 1):
        print(f"{'not ok' if faults else 'ok'} {number} - {name}")
        for fault in faults:
            print(f"# {fault}")
    return 1 if any(faults for _, faults in cases) else 0


def write(root, tests, has_log):
    with open(os.path.join(root, TABLE), "w", encoding="utf-8") as file:
        file.write(table(tests, has_log))
    path = os.path.join(root, MISSING)
    if os.path.exists(path):
        shown = {rule for rule, tests in by_rule([t for t in tests if t.registered]).items() if tests}
        rest = [rule for rule in read_lines(path) if rule not in shown]
        if rest:
            head = [row for row in read_text(path).splitlines() if row.startswith("#")]
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(row + "\n" for row in head + rest)
        else:
            os.remove(path)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    parser.add_argument("--log", help="testlog.json of `meson test`")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true")
    what.add_argument("--write", action="store_true")
    options = parser.parse_args()
    problems = []
    tests = scan(options.root, problems)
    if options.log:
        judge(tests, read_log(options.log))
    if options.check:
        return check(options.root, tests, problems, bool(options.log))
    if options.write:
        return write(options.root, tests, bool(options.log))
    sys.stdout.write(table(tests, bool(options.log)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
