#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One stream, two systems: what `halyard replay` sends goes, datagram by datagram, to a `serve` of each, and both
must count, show and serve the same.

two_systems_test.py PROGRAM NATIVE: the program for another system (as something that can be executed here), and the
one for this system, which also sends. TAP.
"""

import os
import re
import socket
import subprocess
import sys
import threading
import urllib.request

from gateway import PATIENCE_S, Gateway, shared_data

# What is not of the stream: the clock, and who asked for what.
OF_THE_MOMENT = {"time", "seq", "clients", "connections", "clients_opened", "messages_sent", "bytes_sent",
                 "messages_received", "queued_bytes", "pages", "requests"}


def expect(is_true, *what):
    if not is_true:
        raise AssertionError(" ".join(str(part) for part in what))


class Splitter:
    """A socket whose datagrams go on to several addresses, until one says `end`."""

    def __init__(self, ports):
        self.count = 0
        self.ports = ports
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(PATIENCE_S)
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while (datagram := self.socket.recv(65536)) != b"end":
            self.count += 1
            for port in self.ports:
                self.socket.sendto(datagram, ("127.0.0.1", port))

    def finish(self):
        """How many have gone on."""
        host, port = self.address.split(":")
        self.socket.sendto(b"end", (host, int(port)))
        self.thread.join(PATIENCE_S)
        expect(not self.thread.is_alive(), "the end of the stream did not arrive")
        self.socket.close()
        return self.count


def differences(one, other):
    return {key: (one.get(key), other.get(key)) for key in one.keys() | other.keys()
            if key not in OF_THE_MOMENT and one.get(key) != other.get(key)}


def ships(gateway):
    return {ship["mmsi"]: {key: value for key, value in ship.items() if key != "seen"}
            for ship in gateway.get("/api/ships.json")["ships"]}


def same_stream(gateways, native, name, *options):
    path = os.path.join(shared_data(), "ais", "captures", name)
    if not os.path.exists(path):
        return "the recording %s is not here" % name
    before = [gateway.get("/api/stat.json")["datagrams"] for gateway in gateways]
    splitter = Splitter([gateway.udp_port for gateway in gateways])
    result = subprocess.run([native, "replay", path, "--to", splitter.address, *options],
                            capture_output=True, text=True, timeout=300, check=False)
    expect(result.returncode == 0, result.stderr)
    sent = int(re.search(r"sent in (\d+) datagrams", result.stdout)[1])
    expect(splitter.finish() == sent, "sent", sent, "but only", splitter.count, "went on")
    stats = [gateway.stat_when(lambda s, start=start: s["datagrams"] == start + sent and s["reports"] == s["decoded"])
             for gateway, start in zip(gateways, before)]
    expect(stats[0]["decoded"] > 0, stats[0])
    expect(differences(*stats) == {}, "counters (here, there):", differences(*stats))
    first, second = (ships(gateway) for gateway in gateways)
    expect(first.keys() == second.keys(), "ships on one side only:", first.keys() ^ second.keys())
    wrong = {mmsi: (first[mmsi], second[mmsi]) for mmsi in first if first[mmsi] != second[mmsi]}
    expect(wrong == {}, "ships (here, there):", wrong)
    print("# %d datagrams, %d sentences, %d ships" % (sent, stats[0]["sentences"], stats[0]["vessels"]))
    return None


def fetch(gateway, path):
    with urllib.request.urlopen("http://%s%s" % (gateway.http, path), timeout=PATIENCE_S) as answer:
        headers = {key: value for key, value in answer.getheaders() if key != "Date"}
        return answer.status, headers, answer.read()


def same_page(gateways):
    """The page, and what it names."""
    page = fetch(gateways[0], "/")
    expect(page[0] == 200 and b"<html" in page[2].lower(), page)
    paths = {"/"} | {path for path in re.findall(r'(?:src|href)="(/?[\w./-]+)"', page[2].decode())}
    expect(len(paths) > 2, "the page names", paths)
    for path in paths:
        path = "/" + path.lstrip("/")
        expect(fetch(gateways[0], path) == fetch(gateways[1], path), path, "is not the same")


def ends_well(gateways):
    for gateway in gateways:
        code, _, output = gateway.stop()
        expect(code == 0, "exit code", code, "log:", gateway.log)
        expect("decoded" in output, "summary:", output)


def main():
    program, native = sys.argv[1:]
    if not os.path.exists(native):
        print("1..0 # SKIP the program is not built for this system: %s" % native)
        return
    gateways = [Gateway(native), Gateway(program)]
    cases = (("a recording of Denmark", same_stream, gateways, native, "dk-20131112.tagged.nmea.gz", "--speed", "200"),
             ("a recording of the Baltic", same_stream, gateways, native, "baltic-yacht-20130731.nmea.gz", "--rate", "8000"),
             ("a recording with other lines", same_stream, gateways, native, "dk-20100611.pghp.nmea.gz", "--speed", "200"),
             ("the page over HTTP", same_page, gateways),
             ("Ctrl-C", ends_well, gateways))
    try:
        for number, (name, function, *arguments) in enumerate(cases, 1):
            try:
                skipped = function(*arguments)
                print("ok %d - %s%s" % (number, name, " # SKIP " + skipped if skipped else ""), flush=True)
            except Exception as error:  # every failure is reported, the others run all the same
                print("not ok %d - %s" % (number, name))
                print("# %s: %s" % (type(error).__name__, str(error)[:2000].replace("\n", "\n# ")), flush=True)
    finally:
        for gateway in gateways:
            gateway.kill()
    print("1..%d" % len(cases))


main()
