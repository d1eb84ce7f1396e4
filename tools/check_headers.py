#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles every public header alone, as C11 and as C++17, with both compilers. Output: TAP.

    tools/check_headers.py [ROOT]
"""

import concurrent.futures
import os
import shutil
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wundef", "-Wcast-qual", "-Werror"]
C_ONLY = ["-Wstrict-prototypes", "-Wmissing-prototypes", "-Wconversion", "-Wwrite-strings"]
# Headers that are for those who have another library: its package.
NEEDED = {"glib.h": "glib-2.0"}
LANGUAGES = [("gcc", "c", "gnu11", C_ONLY), ("clang", "c", "gnu11", C_ONLY),
             ("g++", "c++", "c++17", []), ("clang++", "c++", "c++17", [])]


def flags_of(header):
    """What the header needs beyond our own; None: its package is not installed."""
    if header not in NEEDED:
        return []
    if not shutil.which("pkg-config"):
        return None
    result = subprocess.run(["pkg-config", "--cflags", NEEDED[header]], capture_output=True,
                            text=True, check=False)
    # As system headers: not everything in them passes our warnings.
    flags = [flag.replace("-I", "-isystem", 1) if flag.startswith("-I") else flag
             for flag in result.stdout.split()]
    return flags if result.returncode == 0 else None


def why_not(header, compiler):
    """The reason why a case cannot run, or None."""
    if not shutil.which(compiler):
        return f"{compiler} is not installed"
    if flags_of(header) is None:
        return f"{NEEDED[header]} is not installed"
    return None


def compile_alone(root, header, compiler, language, standard, extra):
    """None, or what the compiler said. Included twice: the guard must hold."""
    source = f"#include <halyard/{header}>\n" * 2
    result = subprocess.run(
        [compiler, "-x", language, f"-std={standard}", *WARNINGS, *extra, "-fsyntax-only",
         "-I", os.path.join(root, "include"), *flags_of(header), "-"],
        input=source, capture_output=True, text=True, check=False)
    return None if result.returncode == 0 else result.stderr


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    folder = os.path.join(root, "include", "halyard")
    headers = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    if not headers:
        print("1..0 # SKIP no public header yet")
        return 0
    cases = [(header, *language) for header in headers for language in LANGUAGES]
    print(f"1..{len(cases)}")
    failed = False
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        reasons = [why_not(case[0], case[1]) for case in cases]
        jobs = [pool.submit(compile_alone, root, *case) if reason is None else None
                for case, reason in zip(cases, reasons)]
        for number, (case, job, reason) in enumerate(zip(cases, jobs, reasons), 1):
            header, compiler, _, standard, _ = case
            name = f"{number} - {header} {compiler} -std={standard}"
            if job is None:
                print(f"ok {name} # SKIP {reason}")
                continue
            complaint = job.result()
            failed |= complaint is not None
            print(f"{'not ok' if complaint is not None else 'ok'} {name}")
            for line in (complaint or "").splitlines():
                print(f"# {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
