#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`halyard decode` as a program: inputs, options, messages, exit codes. Prints TAP-like lines."""

import gzip
import json
import os
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]
SENTENCE = b"!AIVDM,1,1,,A,13HOI:0P0000VOHLCnHQKwvL05Ip,0*23\r\n"
MMSI = 227006760


def run(*arguments, data=b"", **options):
    return subprocess.run([PROGRAM, *arguments], input=data, capture_output=True, timeout=60,
                          check=False, **options)


def lines(result):
    return [json.loads(line) for line in result.stdout.decode("ascii").splitlines()]


def expect(what, is_true, result=None):
    print(("ok" if is_true else "not ok") + " - " + what)
    if not is_true:
        if result is not None:
            print("# exit", result.returncode, result.stdout[:500], result.stderr[:2000])
        sys.exit(1)


def check_inputs(folder):
    result = run("decode", data=SENTENCE * 3)
    expect("standard input without arguments", [m["mmsi"] for m in lines(result)] == [MMSI] * 3, result)
    expect("exit code 0", result.returncode == 0, result)
    expect("account on standard error",
           b"3 sentences, 3 messages assembled, 3 decoded, 1 MMSIs" in result.stderr, result)
    result = run("decode", "-", data=SENTENCE)
    expect("standard input as -", len(lines(result)) == 1, result)
    result = run("decode", data=gzip.compress(SENTENCE * 2))
    expect("gzip on standard input", len(lines(result)) == 2, result)
    plain = os.path.join(folder, "plain.nmea")
    packed = os.path.join(folder, "packed.gz")
    with open(plain, "wb") as file:
        file.write(SENTENCE.rstrip())
    with gzip.open(packed, "wb") as file:
        file.write(b"# comment\n\n" + SENTENCE * 2)
    result = run("decode", plain, packed)
    expect("several files, plain and gzip", len(lines(result)) == 3, result)
    result = run("decode", data=SENTENCE.rstrip() * 5000)
    expect("5000 sentences in one line", len(lines(result)) >= 4990, result)
    result = run("decode", data=b"")
    expect("no input", result.returncode == 0 and result.stdout == b"", result)
    with open(os.path.join(folder, "broken.gz"), "wb") as file:
        file.write(gzip.compress(SENTENCE * 1000)[:-20])
    result = run("decode", os.path.join(folder, "broken.gz"))
    expect("cut gzip data is an error that names the file",
           result.returncode == 1 and b"broken.gz" in result.stderr, result)


def check_values():
    message = lines(run("decode", data=SENTENCE))[0]
    expect("degrees and knots", (message["lon"], message["lat"], message["course"], message["scaled"])
           == (0.13138, 49.475577, 36.7, True))
    message = lines(run("decode", "--unscaled", data=SENTENCE))[0]
    expect("raw integers", (message["lon"], message["lat"], message["course"], message["scaled"])
           == (78828, 29685346, 367, False))


def check_errors(folder):
    missing = os.path.join(folder, "missing")
    result = run("decode", missing)
    expect("missing file: exit 1, named", result.returncode == 1 and missing.encode() in result.stderr,
           result)
    result = run("decode", missing, "-", data=SENTENCE)
    expect("the other files are still read", len(lines(result)) == 1 and result.returncode == 1, result)
    result = run("decode", folder)
    expect("a folder is an error", result.returncode == 1 and folder.encode() in result.stderr, result)
    result = run("decode", "--no-such")
    expect("unknown option: exit 2, named", result.returncode == 2 and b"--no-such" in result.stderr,
           result)
    result = run("decode", data=SENTENCE.replace(b"*23", b"*24") + SENTENCE[:30])
    expect("rejected sentences by reason", b"checksum 1" in result.stderr
           and b"no_checksum 1" in result.stderr and result.returncode == 0, result)
    with open("/dev/full", "wb") as full:
        result = subprocess.run([PROGRAM, "decode"], input=SENTENCE * 1000, stdout=full,
                                stderr=subprocess.PIPE, check=False, timeout=60)
    expect("full disk: exit 1", result.returncode == 1 and b"standard output" in result.stderr, result)


def check_command_line():
    result = run()
    expect("no command: exit 2 with help", result.returncode == 2 and b"decode" in result.stderr, result)
    result = run("no-such-command")
    expect("unknown command: exit 2, named",
           result.returncode == 2 and b"no-such-command" in result.stderr, result)
    result = run("--help")
    expect("--help", result.returncode == 0 and b"decode" in result.stdout, result)
    result = run("--version")
    expect("--version", result.returncode == 0 and result.stdout.startswith(b"halyard "), result)
    result = run("decode", "--help")
    expect("decode --help", result.returncode == 0 and b"--unscaled" in result.stdout, result)


with tempfile.TemporaryDirectory() as directory:
    check_inputs(directory)
    check_values()
    check_errors(directory)
    check_command_line()
