#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the conformance suite that lies beside the project against the echo server.

ws_conformance_test.py ECHO_SERVER [MESSAGES]. Skipped (77) where the suite is not there. Compression
is not negotiated in this version, so its groups are left out.
"""

import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
from echo_program import echo_program  # noqa: E402

COMPRESSED = "12.*,13.*,20.2.15,20.2.16,20.2.17,20.2.18,20.2.19,20.2.20"


def main():
    data = os.environ.get("HALYARD_SHARED_DATA", "")
    suite = pathlib.Path(data).parent / "tools" / "ws_conformance.py"
    if not data or not suite.is_file():
        print("skipped: the conformance suite is not beside the project (HALYARD_SHARED_DATA)")
        return 77
    messages = sys.argv[2] if len(sys.argv) > 2 else "20"
    with echo_program(sys.argv[1]) as url:
        result = subprocess.run([sys.executable, suite, "client", url, "--messages", messages,
                                 "--strict", "--quiet", "--skip", COMPRESSED],
                                stdout=subprocess.PIPE, text=True, check=False)
    print(result.stdout, end="")
    last = result.stdout.splitlines()[-1] if result.stdout else ""
    if result.returncode != 0 or ", 0 failed" not in last or last.startswith("0 passed"):
        print(f"the suite failed: {last}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
