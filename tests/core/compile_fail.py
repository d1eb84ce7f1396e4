#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The typed macros refuse what they must refuse: compiles every case twice with every compiler.

Without MUST_FAIL a case must compile silently; with it the compiler must report an error, and about
the lines between #ifdef MUST_FAIL and #else, not about others. A compiler that is not installed is listed as skipped.

usage: compile_fail.py INCLUDE_DIR [COMPILER...]     (default: gcc clang g++ clang++, or $COMPILERS)
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent / "compile_fail"
WARNINGS = ["-Wall", "-Wextra", "-Werror"]


def compile_case(compiler, include, case, must_fail):
    is_cxx = case.suffix == ".cc"
    command = [compiler, "-std=gnu++17" if is_cxx else "-std=gnu11", "-D_GNU_SOURCE", "-I", include,
               "-fsyntax-only", "-fdiagnostics-color=never"]
    # The refusal must not depend on warnings being errors.
    command += ["-DMUST_FAIL", "-w"] if must_fail else WARNINGS
    run = subprocess.run(command + [str(case)], capture_output=True, text=True, timeout=120,
                         env={**os.environ, "LC_ALL": "C"})
    return run.returncode, run.stderr


def check(compiler, include, case):
    """None, or what is wrong."""
    code, text = compile_case(compiler, include, case, must_fail=False)
    if code != 0:
        return "the right form does not compile:\n" + text
    code, text = compile_case(compiler, include, case, must_fail=True)
    if code == 0:
        return "the wrong form compiles"
    lines = case.read_text().splitlines()
    marked = set(range(lines.index("#ifdef MUST_FAIL") + 2, lines.index("#else") + 1))
    if "error:" not in text:
        return "no error is reported:\n" + text
    named = {int(n) for n in re.findall(re.escape(case.name) + r":(\d+):", text)}
    if not named & marked:
        return f"the errors do not name the wrong lines {marked}:\n{text}"
    errors = {int(n) for n in re.findall(re.escape(case.name) + r":(\d+):\d+: (?:fatal )?error:", text)}
    if errors - marked:
        return f"errors outside the wrong lines {marked}:\n{text}"
    for place in re.findall(r"^(\S+?):\d+:\d+: (?:fatal )?error:", text, re.M):
        if pathlib.Path(place).name not in (case.name, "object.h", "signal.h", "timer.h"):  # where the macros are
            return f"an error in {place}:\n{text}"
    return None


def main():
    include = sys.argv[1]
    compilers = sys.argv[2:] or os.environ.get("COMPILERS", "gcc clang g++ clang++").split()
    jobs = []
    number = 0
    for compiler in compilers:
        suffix = ".cc" if compiler.endswith("++") else ".c"
        cases = sorted(FOLDER.glob("*" + suffix))
        if shutil.which(compiler) is None:
            number += 1
            print(f"ok {number} - {compiler} # SKIP not installed")
        else:
            jobs += [(compiler, case) for case in cases]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        results = pool.map(lambda job: check(job[0], include, job[1]), jobs)
        for (compiler, case), wrong in zip(jobs, results):
            number += 1
            failed += wrong is not None
            print(f"{'not ok' if wrong else 'ok'} {number} - {compiler} {case.name}")
            if wrong:
                print("".join(f"# {line}\n" for line in wrong.splitlines()[:30]), end="")
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
