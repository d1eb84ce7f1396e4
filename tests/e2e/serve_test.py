#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The whole program through its sockets: recordings over UDP against the counts, pages, WebSocket, bad input, the end."""

import asyncio
import gzip
import http.client
import json
import os
import random
import re
import socket
import subprocess
import sys

import websockets

from gateway import PATIENCE_S, Gateway, ended, shared_data

PROGRAM = sys.argv[1]
SENTENCE = b"!AIVDM,1,1,,A,13HOI:0P0000VOHLCnHQKwvL05Ip,0*23\r\n"
MMSI = 227006760
number = 0


def case(name, function, *arguments):
    global number
    number += 1
    try:
        skipped = function(*arguments)
    except Exception as error:  # every failure is reported, the others run all the same
        print("not ok %d - %s" % (number, name))
        print("# %s: %s" % (type(error).__name__, str(error).replace("\n", "\n# ")), flush=True)
        return
    print("ok %d - %s%s" % (number, name, " # SKIP " + skipped if skipped else ""), flush=True)


def expect(is_true, *what):
    if not is_true:
        raise AssertionError(" ".join(str(part) for part in what))


def send(gateway, *datagrams):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for datagram in datagrams:
            sender.sendto(datagram, ("127.0.0.1", gateway.udp_port))


def stop_well(gateway):
    code, seconds, output = gateway.stop()
    expect(code == 0, "exit code", code, "log:", gateway.log)
    expect("received" in output and "decoded" in output, "summary:", output)
    return seconds


# --- first things -------------------------------------------------------------------------------


def one_ship():
    gateway = Gateway(PROGRAM)
    try:
        send(gateway, SENTENCE)
        stat = gateway.stat_when(lambda s: s["decoded"] == 1)
        expect(stat["sentences"] == 1 and stat["datagrams"] == 1 and stat["vessels"] == 1, stat)
        expect(stat["decoded_by_type"] == {"1": 1}, stat)
        ships = gateway.get("/api/ships.json")["ships"]
        expect([ship["mmsi"] for ship in ships] == [MMSI], ships)
        expect(abs(ships[0]["lat"] - 49.475577) < 1e-5 and abs(ships[0]["lon"] - 0.13138) < 1e-5, ships)
        stop_well(gateway)
    finally:
        gateway.kill()


def several_sentences_without_line_ends():
    gateway = Gateway(PROGRAM)
    try:
        send(gateway, SENTENCE.strip() * 5 + b"$GPRMC,rubbish*00")
        stat = gateway.stat_when(lambda s: s["sentences"] == 5)
        expect(stat["decoded"] == 5 and stat["other_sentences"] == 1, stat)
        stop_well(gateway)
    finally:
        gateway.kill()


# --- the recordings ------------------------------------------------------------------------------


def recording(name):
    path = os.path.join(shared_data(), "ais", "captures", name)
    return path if os.path.exists(path) else None


def count_sentences(path):
    with gzip.open(path, "rb") as lines:
        return sum(line.count(b"VDM,") + line.count(b"VDO,") for line in lines)


def replay(name, speed, expected):
    path = recording(name)
    if path is None:
        return "the recording %s is not here" % name
    total = count_sentences(path)
    gateway = Gateway(PROGRAM)
    try:
        result = subprocess.run([PROGRAM, "replay", path, "--to", gateway.udp, "--speed", speed],
                                capture_output=True, text=True, timeout=900, check=False)
        expect(result.returncode == 0, result.stderr)
        summary = re.search(r"(\d+) sentences sent in (\d+) datagrams", result.stdout)
        expect(int(summary[1]) == total, "in the file", total, result.stdout)
        datagrams = int(summary[2])  # of several sentences: what the kernel drops, it drops in these
        stat = gateway.stat_when(lambda s: s["datagrams"] + s["kernel_drops"] >= datagrams and
                                 s["reports"] == s["decoded"])
        expect(stat["datagrams"] + stat["kernel_drops"] == datagrams, "sent", datagrams, stat)
        expect(stat["sentences"] == total or stat["kernel_drops"] > 0, "sent", total, stat)
        expect(ended(stat) == stat["sentences"], "the account does not add up", stat)
        expect(stat["reports"] == stat["decoded"] and stat["reports_lost"] == 0 and stat["reports_dropped"] == 0, stat)
        if stat["kernel_drops"] == 0:
            for key, value in expected.items():
                expect(stat[key] == value, key, "is", stat[key], "not", value)
        else:
            print("# %s at speed %s: the kernel dropped %d of %d datagrams" % (
                name, speed, stat["kernel_drops"], datagrams))
        stop_well(gateway)
    finally:
        gateway.kill()
    return None


# --- pages and HTTP ---------------------------------------------------------------------------------


def request(gateway, method, path, headers=None):
    connection = http.client.HTTPConnection(gateway.http, timeout=PATIENCE_S)
    connection.request(method, path, headers=headers or {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def page():
    gateway = Gateway(PROGRAM)
    try:
        answer, body = request(gateway, "GET", "/")
        expect(answer.status == 200 and b"<html" in body.lower(), answer.status, body[:100])
        expect(answer.headers["Content-Type"].startswith("text/html"), answer.headers)
        expect("default-src 'none'" in answer.headers["Content-Security-Policy"], answer.headers)
        packed, body = request(gateway, "GET", "/", {"Accept-Encoding": "gzip"})
        expect(packed.headers["Content-Encoding"] == "gzip" and
               b"<html" in gzip.decompress(body).lower(), packed.headers)
        expect(request(gateway, "GET", "/nothing")[0].status == 404)
        post = request(gateway, "POST", "/")[0]
        expect(post.status == 405 and "GET" in post.headers["Allow"], post.status)
        expect(request(gateway, "GET", "/ws")[0].status == 426)
        head, body = request(gateway, "HEAD", "/")
        expect(head.status == 200 and body == b"")
        stop_well(gateway)
    finally:
        gateway.kill()


# --- WebSocket ---------------------------------------------------------------------------------------


async def read_until(client, *kinds):
    """The next frame of one of the kinds; others come all the time, so the patience is for all of them."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while True:
        frame = json.loads(await asyncio.wait_for(client.recv(), deadline - loop.time()))
        if frame["type"] in kinds:
            return frame


async def talk(gateway):
    async with websockets.connect("ws://%s/ws" % gateway.http, max_size=None) as client:
        hello = await read_until(client, "hello")
        expect(hello["protocol"] == 1 and hello["ships"] == 1, hello)
        snapshot = await read_until(client, "snapshot")
        row = dict(zip(hello["fields"], snapshot["ships"][0]))
        expect(row["mmsi"] == MMSI and row["sog"] == 0 and not snapshot["more"], row)
        send(gateway, b"!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A\r\n")
        changed = []
        while 371798000 not in changed:
            delta = await read_until(client, "delta")
            expect(delta["seq"] > snapshot["seq"], delta)
            changed = [ship["mmsi"] for ship in delta["ships"]]
        stat = await read_until(client, "stat")
        expect(stat["clients"] == 1 and stat["ships"] == 2, stat)
        await client.send(json.dumps({"type": "snapshot"}))
        again = await read_until(client, "snapshot")
        expect(len(again["ships"]) == 2, again)
        await client.send("rubbish {")  # is ignored
        await client.send(b"\x00\x01")
        await read_until(client, "stat")
        loop = asyncio.get_running_loop()
        code, seconds, _ = await loop.run_in_executor(None, gateway.stop)
        expect(code == 0, "exit code", code)
        try:
            while True:
                await asyncio.wait_for(client.recv(), PATIENCE_S)
        except websockets.ConnectionClosed as closed:
            expect(closed.code == 1001, "close code", closed.code)
        return seconds


def websocket_conversation():
    gateway = Gateway(PROGRAM, "--interval", "100")
    try:
        send(gateway, SENTENCE)
        gateway.stat_when(lambda s: s["vessels"] == 1)
        seconds = asyncio.run(talk(gateway))
        print("# closed with 1001 and ended in %.2f s" % seconds)
        expect(seconds < 1, "Ctrl-C took", seconds, "s")
    finally:
        gateway.kill()


async def watch_until(gateway, sees_all):
    """Follows the protocol as a page does; returns the ships once `sees_all` of the ships so far."""
    async with websockets.connect("ws://%s/ws" % gateway.http, max_size=None) as client:
        ships, fields, seq = {}, [], None
        while not sees_all(ships):
            frame = json.loads(await asyncio.wait_for(client.recv(), PATIENCE_S))
            if frame["type"] == "hello":
                fields = frame["fields"]
            elif frame["type"] == "snapshot":
                seq = frame["seq"]
                for row in frame["ships"]:
                    ship = dict(zip(fields, row))
                    ships[ship["mmsi"]] = {key: value for key, value in ship.items()
                                           if value is not None}
            elif frame["type"] == "delta" and seq is not None and frame["seq"] > seq:
                expect(frame["seq"] == seq + 1, "a gap after", seq, frame["seq"])
                seq = frame["seq"]
                for changed in frame["ships"]:
                    ship = ships.setdefault(changed["mmsi"], {})
                    ship.update(changed)
                    for key in [key for key, value in ship.items() if value is None]:
                        del ship[key]


def all_clients_see_the_same():
    """Clients that come while ships report, several within one interval, end with one picture."""
    gateway = Gateway(PROGRAM, "--interval", "300")

    async def watch():
        simulator = await asyncio.create_subprocess_exec(
            PROGRAM, "simulate", "--ships", "600", "--rate", "20", "--count", "4000", "--to",
            gateway.udp, stdout=subprocess.DEVNULL)
        final = {}
        watching = []
        while simulator.returncode is None:
            watching.append(asyncio.ensure_future(
                watch_until(gateway, lambda ships: final and ships == final)))
            await asyncio.wait([asyncio.ensure_future(simulator.wait())], timeout=0.05)
        expect(simulator.returncode == 0, "the simulator ended with", simulator.returncode)
        loop = asyncio.get_running_loop()
        stat = await loop.run_in_executor(None, gateway.stat_when, lambda s: s["reports"] == 4000)
        answer = await loop.run_in_executor(None, gateway.get, "/api/ships.json")
        final.update((ship["mmsi"], {key: value for key, value in ship.items() if value is not None})
                     for ship in answer["ships"])
        watching.append(asyncio.ensure_future(watch_until(gateway, lambda ships: ships == final)))
        await asyncio.wait_for(asyncio.gather(*watching), PATIENCE_S)
        expect(stat["vessels"] == len(final) > 500, stat)
        print("# %d clients" % len(watching))

    try:
        asyncio.run(watch())
        stop_well(gateway)
    finally:
        gateway.kill()


def many_clients_at_once():
    """More snapshots than the server queues at once: each client gets its own, whole, in its turn."""
    gateway = Gateway(PROGRAM)

    async def watch(vessels):
        await asyncio.wait_for(
            asyncio.gather(*(watch_until(gateway, lambda ships: len(ships) == vessels)
                             for _ in range(60))), PATIENCE_S)

    try:
        subprocess.run([PROGRAM, "simulate", "--ships", "4000", "--rate", "50", "--count", "12000",
                        "--to", gateway.udp], stdout=subprocess.DEVNULL, timeout=PATIENCE_S,
                       check=True)
        stat = gateway.stat_when(lambda s: s["reports"] == 12000)
        expect(stat["vessels"] > 3500, stat)
        asyncio.run(watch(stat["vessels"]))
        stat = gateway.get("/api/stat.json")
        expect(stat["clients_opened"] == 60 and stat["dropped"] == 0, stat)
        expect(stat["bytes_sent"] > 2 * (8 << 20), "too little for this test", stat)
        stop_well(gateway)
    finally:
        gateway.kill()


def gone_and_stale():
    # Looked at once a second: on a machine that stands still for seconds it would go without being stale.
    gateway = Gateway(PROGRAM, "--interval", "50", "--stale", "1", "--remove", "6")

    async def watch():
        async with websockets.connect("ws://%s/ws" % gateway.http) as client:
            send(gateway, SENTENCE)
            frames = []
            while not frames or frames[-1]["type"] != "gone":
                frames.append(await read_until(client, "delta", "gone"))
            expect(frames[-1]["ships"] == [MMSI], frames)
            stale = [ship.get("stale") for frame in frames[:-1] for ship in frame["ships"]]
            expect(True in stale, "gone without being stale first", frames)

    try:
        asyncio.run(watch())
        expect(gateway.get("/api/stat.json")["vessels"] == 0)
        stop_well(gateway)
    finally:
        gateway.kill()


# --- bad input -----------------------------------------------------------------------------------------


def bad_datagrams():
    """Whatever comes in, the account adds up and the next good sentence is decoded."""
    seed = 20261121
    chance = random.Random(seed)
    good = SENTENCE.strip()
    datagrams = [b"", b"!", b"\\", b"!AIVDM", b"!AIVDM,1,1,,A,13HOI:0P0000VOHLCnHQKwvL05Ip,0*24",
                 b"!AIVDM,2,1,1,A,55P5TL01VIaAL@7WKO@mBplU@<PDhh000000001S;AJ::4A80?4i@E53,0*3C",
                 b"\\c:1*00\\" + good, good * 300, b"\xff" * 60000]
    for _ in range(2000):
        datagram = bytearray(good)
        for _ in range(chance.randrange(1, 4)):
            datagram[chance.randrange(len(datagram))] ^= 1 << chance.randrange(8)
        datagrams.append(bytes(datagram[:chance.randrange(len(datagram) + 1)]))
        datagrams.append(chance.randbytes(chance.randrange(200)))
    gateway = Gateway(PROGRAM)
    try:
        send(gateway, *datagrams)
        stat = gateway.stat_when(lambda s: s["datagrams"] + s["kernel_drops"] == len(datagrams) and
                                 s["reports"] == s["decoded"])
        expect(ended(stat) == stat["sentences"], "seed", seed, stat)
        expect(stat["rejected_by_reason"]["checksum"] > 0, stat)
        decoded = stat["decoded"]
        send(gateway, SENTENCE)
        gateway.stat_when(lambda s: s["decoded"] == decoded + 1)
        stop_well(gateway)
    finally:
        gateway.kill()


def usage_errors():
    for arguments, text in ((["--udp", "nonsense"], "--udp"), (["--http", "127.0.0.1"], "--http"),
                            (["--interval", "x"], "--interval"), (["--wrong"], "--wrong"),
                            (["--stale", "9", "--remove", "3"], "--remove"), (["more"], "more")):
        result = subprocess.run([PROGRAM, "serve"] + arguments, capture_output=True, text=True,
                                timeout=PATIENCE_S, check=False)
        expect(result.returncode == 2 and text in result.stderr, arguments, result)
    result = subprocess.run([PROGRAM, "serve", "--help"], capture_output=True, text=True,
                            timeout=PATIENCE_S, check=False)
    expect(result.returncode == 0 and "--udp" in result.stdout, result)


def refuses_address(udp, http, option):
    result = subprocess.run([PROGRAM, "serve", "--udp", udp, "--http", http], capture_output=True,
                            text=True, timeout=PATIENCE_S, check=False)
    expect(result.returncode == 1 and result.stdout == "", result)
    expect(re.search(r"error +\[\w+\] .*%s: .*in use" % option, result.stderr), result)


def address_in_use():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        refuses_address("127.0.0.1:0", "127.0.0.1:%d" % other.getsockname()[1], "--http")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        refuses_address("127.0.0.1:%d" % other.getsockname()[1], "127.0.0.1:0", "--udp")


AISHUB = {"sentences": 85184, "assembled": 82755, "decoded": 80579, "vessels": 10960}
DK = {"sentences": 26146, "assembled": 26077}
BALTIC = {"sentences": 25687, "assembled": 25032}

case("a ship comes in over UDP and goes out over HTTP", one_ship)
case("several sentences in one datagram", several_sentences_without_line_ends)
case("page, headers, gzip, errors", page)
case("WebSocket: hello, snapshot, delta, stat, Close 1001", websocket_conversation)
case("clients that come at any time see the same ships", all_clients_see_the_same)
case("more clients at once than the server takes", many_clients_at_once)
case("a vessel becomes stale and goes", gone_and_stale)
case("bad datagrams", bad_datagrams)
case("wrong usage", usage_errors)
case("an address in use", address_in_use)
case("aishub as fast as loopback takes it", replay, "aishub-20120314.nmea.gz", "max", AISHUB)
case("aishub at 20 times its pace", replay, "aishub-20120314.tagged.nmea.gz", "20", AISHUB)
case("dk at 20 times its pace", replay, "dk-20131112.tagged.nmea.gz", "20", DK)
case("dk as fast as loopback takes it", replay, "dk-20131112.tagged.nmea.gz", "max", DK)
case("baltic-yacht as fast as loopback takes it", replay, "baltic-yacht-20130731.nmea.gz", "max", BALTIC)
if "--long" in sys.argv:  # eleven minutes
    case("baltic-yacht at 20 times its pace", replay, "baltic-yacht-20130731.tagged.nmea.gz", "20", {})
print("1..%d" % number)
