#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the tests reach of src/core and src/dispatch, by gcov's own JSON.

    tools/coverage.py [--folder build-coverage] [--check] [--write]

Reads the counters that the programs of the preset `coverage` left behind, and prints a table by
file and the totals. Every file of the two folders that this system compiles counts; those that it
does not compile are named. A branch is one outcome of one conditional jump of the code that gcc
makes without optimisation (`a && b` has four): none is left out.

--check  fails when a folder is below a goal. A line that no test reached and that has no reason in
         tests/coverage_reasons.txt is named only, for races decide about some; so is a reason for
         a function that is gone.
--write  renews docs/coverage.md, and fails when there is one of those.
"""
import argparse
import gzip
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("src/core", "src/dispatch")
REASONS = ROOT / "tests/coverage_reasons.txt"
DOCUMENT = ROOT / "docs/coverage.md"
GOAL_LINES, GOAL_BRANCHES = 95.0, 88.0
REASON = re.compile(r"(?P<file>\S+) (?P<function>\w+) (?P<lines>\d+): (?P<text>.+)")
DEFINITION = re.compile(r"(?=[a-z]).*?\b(\w+)\((?!\()[^;]*$")


class Line:
    def __init__(self, function):
        self.function, self.count, self.branches = function, 0, []

    def add(self, record):
        self.count += record["count"]
        taken = [branch["count"] for branch in record["branches"]]
        self.branches += [0] * (len(taken) - len(self.branches))
        for place, count in enumerate(taken):
            self.branches[place] += count

    def missed(self):
        """Branches never taken."""
        return self.branches.count(0)


def name_of(path, folder):
    """Below the root of the project, or None: not of ours."""
    path = pathlib.Path(path)
    path = (path if path.is_absolute() else folder / path).resolve()
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else None


def read_gcov(folder, notes):
    """The records of gcov for these .gcno files, whether or not there are counters for them."""
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["gcov", "--json-format", "--branch-probabilities", "--hash-filenames",
                        "--preserve-paths", *map(str, notes)],
                       cwd=scratch, check=True, stdout=subprocess.DEVNULL)
        for path in sorted(pathlib.Path(scratch).glob("*.gcov.json.gz")):
            with gzip.open(path, "rt", encoding="utf-8") as stream:
                for record in json.load(stream)["files"]:
                    name = name_of(record["file"], folder)
                    if name and name.startswith(tuple(f"{start}/" for start in FOLDERS)):
                        yield name, record


def name_missing(name, lines):
    """gcov names no function for those that are inlined everywhere: the source does."""
    function, text = "", (ROOT / name).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(text, 1):
        match = DEFINITION.match(line)
        function = match[1] if match else function
        if number in lines and not lines[number].function:
            lines[number].function = function


def measure(folder):
    """{file: {line number: Line}}"""
    # The shared library's objects; the static one is made of the same.
    notes = sorted((folder / "src").glob("libhalyard.so.*.p/*.gcno"))
    if not notes:
        sys.exit(f"{folder} has no notes of gcov; build and run it by `make coverage`")
    files = {}
    for name, record in read_gcov(folder, notes):
        lines = files.setdefault(name, {})
        for line in record["lines"]:
            number = line["line_number"]
            lines.setdefault(number, Line(line.get("function_name", ""))).add(line)
    for name, lines in files.items():
        name_missing(name, lines)
    return files


def share(part, whole):
    return 100.0 * part / whole if whole else 100.0


class Sum:
    def __init__(self, lines=()):
        self.lines = self.reached = self.branches = self.taken = 0
        for line in lines:
            self.lines += 1
            self.reached += line.count > 0
            self.branches += len(line.branches)
            self.taken += len(line.branches) - line.missed()

    def row(self, name):
        return (name, f"{self.reached}/{self.lines}", f"{share(self.reached, self.lines):.1f}",
                f"{self.taken}/{self.branches}", f"{share(self.taken, self.branches):.1f}")


def sum_of(files, folder=""):
    return Sum(line for name, lines in files.items() if name.startswith(folder)
               for line in lines.values())


def rows_of(files):
    rows = [Sum(lines.values()).row(name) for name, lines in sorted(files.items())]
    return rows + [sum_of(files, folder + "/").row(folder) for folder in FOLDERS]


def regions_of(lines):
    """Runs of lines that nothing reached, without one in between that was: (function, numbers)."""
    regions, open_region = [], None
    for number in sorted(lines):
        line = lines[number]
        if line.count > 0:
            open_region = None
        elif open_region is not None and open_region[0] == line.function:
            open_region[1].append(number)
        else:
            open_region = (line.function, [number])
            regions.append(open_region)
    return regions


def read_reasons():
    """{(file, function): (how many lines at most, why)}"""
    reasons = {}
    for number, line in enumerate(REASONS.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        match = REASON.fullmatch(line)
        if not match:
            sys.exit(f"{REASONS}:{number}: not `FILE FUNCTION LINES: reason`")
        reasons[match["file"], match["function"]] = (int(match["lines"]), match["text"])
    return reasons


def unexplained(files, reasons):
    missing = {}
    for name, lines in files.items():
        for line in lines.values():
            if line.count == 0:
                missing[name, line.function] = missing.get((name, line.function), 0) + 1
    for (name, function), count in sorted(missing.items()):
        allowed = reasons.get((name, function), (0, ""))[0]
        if count > allowed:
            yield (f"not explained: {name}: {function}(): {count} lines are not reached, and "
                   f"{REASONS.relative_to(ROOT)} has a reason for {allowed}")


    known = {(name, line.function) for name, lines in files.items() for line in lines.values()}
    for name, function in sorted(set(reasons) - known):
        yield f"{REASONS.relative_to(ROOT)}: {name} has no function {function}()"


def problems_of(files):
    for folder in FOLDERS:
        total = sum_of(files, folder)
        if share(total.reached, total.lines) < GOAL_LINES:
            yield f"failed: {folder}: below {GOAL_LINES:.0f} % of the lines"
        if share(total.taken, total.branches) < GOAL_BRANCHES:
            yield f"failed: {folder}: below {GOAL_BRANCHES:.0f} % of the branches"


def print_table(rows):
    rows = [("file", "lines", "%", "branches", "%"), *rows]
    widths = [max(len(row[place]) for row in rows) for place in range(5)]
    for row in rows:
        print(row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in
                                         zip(row[1:], widths[1:])), sep="  ")


def not_compiled(files):
    return [path.relative_to(ROOT).as_posix() for folder in FOLDERS
            for path in sorted((ROOT / folder).glob("*.c"))
            if path.relative_to(ROOT).as_posix() not in files]


def commit():
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, check=True, text=True,
                              stdout=subprocess.PIPE).stdout.strip()
    changed = git("status", "--porcelain", "--", "src", "include", "tests")
    return git("rev-parse", "--short=10", "HEAD") + (" with changes" if changed else "")


def document(files, reasons, rows, total):
    def table(rows):
        for row in rows:
            yield "| " + " | ".join(row) + " |"
    name, *figures = total.row("**both**")
    yield "# Coverage of src/core and src/dispatch\n"
    yield ("Made by `make coverage`, which runs the suites `core` and `glib` in the preset "
           "`coverage` and reads gcov's JSON.\n`tools/coverage.py` says what a branch is; none is "
           "left out. Races decide about a few lines and branches, so the\nfigures of two runs "
           f"differ a little. This is a run on {commit()}.\n")
    yield (f"Goals, checked by `.ci/run`: {GOAL_LINES:.0f} % of the lines, {GOAL_BRANCHES:.0f} % "
           "of the branches, in each folder. That each line below has a reason is checked as this "
           "page is written.\n")
    yield "| File | Lines | % | Branches | % |"
    yield "|---|--:|--:|--:|--:|"
    yield from table([(name, *figures)])
    yield from table(rows[-len(FOLDERS):])
    yield from table(rows[:-len(FOLDERS)])
    yield ("\nNot compiled on this system, and measured elsewhere: "
           + ", ".join(f"`{name}`" for name in not_compiled(files)) + ".")
    yield "\n## Lines that no test reached\n"
    yield "The reasons are kept in `tests/coverage_reasons.txt`.\n"
    yield "| Where | Function | Why |"
    yield "|---|---|---|"
    for name, lines in sorted(files.items()):
        for function, numbers in regions_of(lines):
            where = f"{name}:{numbers[0]}" + (f"-{numbers[-1]}" if len(numbers) > 1 else "")
            why = reasons.get((name, function), (0, "**not explained**"))[1]
            yield f"| {where} | `{function}` | {why} |"
    yield "\n## Branches that no test took\n"
    yield ("In lines that are reached: the line, and how many of its branches were not taken. What "
           "the lines above hide is not\nrepeated.\n")
    yield "| File | Line: branches not taken of all |"
    yield "|---|---|"
    for name, lines in sorted(files.items()):
        missed = [f"{number}: {line.missed()}/{len(line.branches)}" for number, line in
                  sorted(lines.items()) if line.count > 0 and line.missed() > 0]
        if missed:
            yield f"| {name} | {', '.join(missed)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default="build-coverage")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    files = measure((ROOT / options.folder).resolve())
    reasons = read_reasons()
    rows, total = rows_of(files), sum_of(files)
    print_table([*rows, total.row("both")])
    print("not compiled here:", " ".join(not_compiled(files)))
    problems, gaps = list(problems_of(files)), list(unexplained(files, reasons))
    print(*problems, *gaps, sep="\n")
    if options.write:
        DOCUMENT.write_text("\n".join(document(files, reasons, rows, total)) + "\n",
                            encoding="utf-8")
    return 1 if options.check and problems or options.write and gaps else 0


if __name__ == "__main__":
    sys.exit(main())
