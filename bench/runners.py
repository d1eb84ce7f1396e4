# SPDX-License-Identifier: MIT
"""Runs one program once. Whatever goes wrong there is a BenchError, and the rest goes on."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile

import kinds

LIMIT_S = 130  # the programs give up after 120 s by themselves
LEFT_OUT = 77


class BenchError(Exception):
    """A benchmark program failed; the text says which and how."""


class LeftOut(Exception):
    """The peer cannot do it in any sensible time."""


def cores_for(placement):
    cores = sorted(os.sched_getaffinity(0))
    return cores[-1:] if placement == kinds.ONE_CORE else cores


def pin(cores):
    return lambda: os.sched_setaffinity(0, cores)


def finish(process, what):
    """The output; the process and its children are gone afterwards in any case."""
    try:
        output, complaint = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        raise BenchError(f"{what} took more than {LIMIT_S} s") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode == LEFT_OUT:
        raise LeftOut()
    if process.returncode != 0:
        raise BenchError(f"{what} ended with {process.returncode}: "
                         f"{' '.join((complaint or '').split())[-200:]}")
    return output


def start(command, cores, environment=None, stdin=subprocess.DEVNULL):
    try:
        return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, start_new_session=True,
                                env=dict(os.environ, **(environment or {})), preexec_fn=pin(cores))
    except OSError as error:
        raise BenchError(f"{command[0]}: {error}") from None


def read_rows(output, what):
    try:
        return [json.loads(line) for line in output.splitlines()]
    except ValueError:
        raise BenchError(f"{what} printed what is no row") from None


def run_program(path, kind, environment, is_short=False):
    """{row name: (value, unit)} of one run."""
    what = f"{path.name} {kind.argument}"
    process = start([path, *(["--short"] if is_short else []), kind.argument],
                    cores_for(kind.placement), environment)
    rows = read_rows(finish(process, what), what)
    if not rows:
        raise BenchError(f"{what} printed nothing")
    rename = kind.name or kind.base
    return {rename + row["bench"][len(kind.base):]: (row["value"], row["unit"]) for row in rows}


def run_server(path, client, kind, environment):
    """The rate, the server's processor time a message, and its memory a client."""
    what = " ".join([path.name, *kind.arguments])
    cores = sorted(os.sched_getaffinity(0))
    server = start([path, *kind.arguments], cores[:1], environment)
    try:
        port = server.stdout.readline().strip()
        if not port.isdigit():
            raise BenchError(f"{what} did not print its port")
        load = start([client, port, *map(str, kind.load)], cores[-1:])
        counted = read_rows(finish(load, f"the load client against {path.name}"), "the client")[0]
        used = read_rows(finish(server, what), path.name)[0]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    counted.update(used)
    base, _, size = kind.result.partition(":")
    size = size and ":" + size
    rows = {kind.result: (counted["count"] / counted["seconds"], kind.unit),
            f"{base}_cpu{size}": (counted["cpu_ns"] / 1000 / counted["count"], "us")}
    if kind.load[0] == "accept":
        rows[f"{base}_bytes{size}"] = (counted["bytes"] / sum(kind.load[1:]), "bytes")
    return rows


def run_ais(path, lines):
    """Our decoder over the recording, without and with the tracker."""
    process = start([path, lines], cores_for(kinds.ONE_CORE))
    rows = read_rows(finish(process, "bench_ais"), "bench_ais")
    return {row["bench"]: (row["value"], row["unit"]) for row in rows}


def run_gpsdecode(path, lines, sentences):
    """Decodes a plain file to JSON; the rate is by user processor time, as nothing else is ours."""
    with open(lines, "rb") as source:
        process = subprocess.Popen([path, "-s", "-u", "-j"], stdin=source,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   preexec_fn=pin(cores_for(kinds.ONE_CORE)))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise BenchError(f"gpsdecode ended with {process.returncode}")
    return {"ais_decode_track": (sentences / usage.ru_utime, "sentences/s")}


@contextlib.contextmanager
def busy_cores(is_wanted):
    """One more process that computes, on every core, for as long as the context lasts."""
    shell = shutil.which("sh")
    processes = []
    try:
        for core in os.sched_getaffinity(0) if is_wanted else ():
            processes.append(subprocess.Popen([shell, "-c", "while :; do :; done"],
                                              preexec_fn=pin({core})))
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def find_program(build, name):
    return next((path for path in sorted(build.rglob(name))
                 if path.is_file() and os.access(path, os.X_OK)), None)


def scratch_folder():
    return tempfile.TemporaryDirectory(prefix="halyard-bench-")
