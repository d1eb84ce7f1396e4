#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
`halyard decode` beside gpsdecode, message by message and field by field.

Every message of a built type that gpsdecode gives must be among ours, in order, with equal fields; what we
have beyond is bounded for each file. Where gpsdecode 3.22 is known to say something else than the payload,
the difference is named in `is_excused` and counted; nothing else is let pass.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections import Counter

PROGRAM = sys.argv[1]
DATA = os.path.join(os.environ.get("HALYARD_SHARED_DATA", ""), "ais")
BUILT = {1, 2, 3, 4, 5, 9, 18, 19, 21, 24, 27}
LOOK_AHEAD = 80

# file: what the program must give at least (assembled, decoded, MMSIs; None: not checked), and how many
# messages it may have that gpsdecode drops.
CAPTURES = {
    "captures/aishub-20120314.nmea.gz": ((82750, 82760), (80577, 80581), (10959, 10961), 2),
    "captures/aishub-20120314.tagged.nmea.gz": ((82750, 82760), (80577, 80581), (10959, 10961), 2),
    "captures/dk-20131112.tagged.nmea.gz": ((26077, 26077), (26077, 26077), (1508, 1508), 0),
    "captures/dk-20131112.pghp.nmea.gz": ((26077, 26077), (26077, 26077), (1508, 1508), 0),
    "captures/baltic-yacht-20130731.nmea.gz": ((25032, 25032), (22735, 22735), None, 0),
    "captures/baltic-yacht-20130731.tagged.nmea.gz": ((25031, 25032), (22734, 22735), None, 0),
    "captures/dk-20140928-one-vessel.pghp.nmea.gz": ((5252, 5252), (5252, 5252), (1, 1), 0),
    "captures/dk-20100611.pghp.nmea.gz": (None, None, None, 13),
    "captures/us-sar-20070425.nmea.gz": (None, None, None, 1),
    "formats/gofree-mixed.nmea.gz": (None, None, None, 0),
    "formats/ns-prefix.nmea": (None, None, None, 0),
    "formats/tagblock-c.nmea": (None, None, None, 1),
    "formats/tagblock-sct.nm4": (None, None, None, 0),
    "formats/uscg-suffix-20060715.nmea": (None, None, None, 0),
    "expected/gpsd-ais-nmea-type6-fid55.log": (None, None, None, 0),
    "expected/gpsd-ais-nmea.log": (None, None, None, 0),
    "expected/gpsd-ais_unpack_sixbit.log": (None, None, None, 0),
    "expected/gpsd-ait250.log": (None, None, None, 0),
    "expected/gpsd-sample.aivdm": (None, None, None, 2),
    "expected/libais-tagblock.nmea": (None, None, None, 0),
    "expected/libais-typeexamples.nmea": (None, None, None, 0),
    "expected/nmeaplus-aivdm_message_samples.nmea": (None, None, None, 0),
}

# Messages of gpsdecode's that are none: it joins fragments of one channel whatever their sequence ids.
MISJOINED = {("captures/aishub-20120314.nmea.gz", 419504000),
             ("captures/aishub-20120314.tagged.nmea.gz", 419504000)}

failures = 0


def report(what, is_right, detail=""):
    global failures
    print(("ok" if is_right else "not ok") + " - " + what + (": " + detail if detail else ""))
    if not is_right:
        failures += 1


def read(name):
    path = os.path.join(DATA, name)
    with gzip.open(path) if name.endswith(".gz") else open(path, "rb") as file:
        return file.read()


def parse(text):
    messages = []
    for line in text.decode("latin-1").splitlines():
        if line.startswith("{") and '"class":"AIS"' in line:
            message = json.loads(line, strict=False)
            if message["type"] in BUILT:
                messages.append(message)
    return messages


def oracle(data, *options):
    result = subprocess.run(["gpsdecode", "-s", "-j", *options], input=data, capture_output=True,
                            check=False)
    return parse(result.stdout)


def ours(name, *options):
    result = subprocess.run([PROGRAM, "decode", *options, os.path.join(DATA, name)],
                            capture_output=True, check=True)
    return [json.loads(line) for line in result.stdout.splitlines()], result.stderr.decode()


def prepare(message):
    """With -s, gpsdecode still repeats the name of a part A heard before in a part B, and then names no part."""
    message = dict(message)
    message.pop("device", None)
    if message["type"] == 24 and "part" not in message:
        message["part"] = "B"
        del message["shipname"]
    return message


def is_excused(key, theirs, mine, message):
    """The known differences of a field; `None` stands for a key that is not there."""
    kind = message["type"]
    if kind in (1, 2, 3) and key == "radio" and mine is None:
        return "radio of a short report"  # absent for us; gpsdecode gives what bits there are, or 0
    if kind == 5 and key == "dte" and mine is None:
        return "dte of a short static report"
    if not message["scaled"]:
        return None
    if key == "turn" and mine == -theirs:
        return "sign of a turn"
    if kind == 27 and key in ("lon", "lat") and abs(theirs - mine) <= 0.0501:
        return "decimals of a long-range position"
    if kind == 27 and key == "status" and theirs == message.get("status_text"):
        return "status of a long-range report in words"
    return None


def differences(theirs, mine):
    """Names of the excused differences, or None if there is one that is not."""
    found = []
    for key, value in theirs.items():
        if mine.get(key) != value:
            excuse = is_excused(key, value, mine.get(key), mine)
            if excuse is None:
                return None
            found.append(excuse)
    for key in mine:
        if key not in theirs and not (key == "status_text" and mine["type"] == 27):
            return None
    return found


def compare(name, theirs, mine):
    excused = Counter()
    beyond = []
    lost = []
    at = 0
    for message in theirs:
        message = prepare(message)
        for k in range(at, min(at + LOOK_AHEAD, len(mine))):
            candidate = mine[k]
            if candidate["type"] != message["type"] or candidate["mmsi"] != message["mmsi"]:
                continue
            found = differences(message, candidate)
            if found is not None:
                beyond += mine[at:k]
                excused.update(found)
                at = k + 1
                break
        else:
            if (name, message["mmsi"]) in MISJOINED and message["type"] == 5:
                excused["misjoined by gpsdecode"] += 1
            else:
                lost.append(message)
    beyond += mine[at:]
    return lost, beyond, excused


def strip_device(messages):
    for message in messages:
        message.pop("device", None)
    return messages


def check_file(name, scaled):
    options = [] if scaled else ["-u"]
    assembled_range, decoded_range, mmsi_range, beyond_max = CAPTURES[name]
    theirs = oracle(read(name), *options)
    mine, account = ours(name, *([] if scaled else ["--unscaled"]))
    strip_device(mine)
    lost, beyond, excused = compare(name, theirs, mine)
    title = name + (" scaled" if scaled else "")
    report(title, not lost and len(beyond) <= beyond_max and theirs,
           f"{len(theirs)} of gpsdecode's, {len(mine)} ours, {len(lost)} not among ours, "
           f"{len(beyond)} beyond (at most {beyond_max}); excused {dict(excused)}")
    for message in lost[:5]:
        print("# gpsdecode only:", json.dumps(message)[:300])
    for message in beyond[:15]:
        print("# beyond:", json.dumps(message)[:120])
    words = account.split()
    for what, value, limits in (("assembled", int(words[2]), assembled_range),
                                ("decoded", int(words[5]), decoded_range),
                                ("MMSIs", int(words[7]), mmsi_range)):
        if limits is not None:
            report(f"{title} {what}", limits[0] <= value <= limits[1], f"{value}, wanted {limits}")
    if name.startswith("captures/aishub"):
        report(title + " has no checksum error", "checksum" not in account.replace("wrong checksum", ""))


# Decodes that are kept with the samples: of other versions, so only what all versions agree on is compared.
def check_kept(name, kept_name, scaled, skipped_keys):
    kept = [prepare(message) for message in parse(read(kept_name))]
    mine, _ = ours(name, *([] if scaled else ["--unscaled"]))
    at = 0
    missing = []
    for message in kept:
        # The kept ones come from a daemon that may have read its file more than once.
        for k in [*range(at, len(mine)), *range(at)]:
            if all(mine[k].get(key) == value or key in skipped_keys or
                   is_close(value, mine[k].get(key)) or
                   is_excused(key, value, mine[k].get(key), mine[k]) is not None
                   for key, value in message.items()):
                at = k + 1
                break
        else:
            missing.append(message)
    report(f"{kept_name}", kept and not missing, f"{len(kept)} messages, {len(missing)} not among ours")
    for message in missing[:5]:
        print("# kept only:", json.dumps(message)[:300])


def is_close(value, mine):
    """Other versions print other numbers of decimals, or floats of single precision."""
    return (isinstance(value, float) and isinstance(mine, (int, float)) and
            abs(value - mine) <= max(1e-4, 2e-7 * abs(value)))


# Texts of codes, where newer versions have other words; a turn, where they have a text.
WORDS = {"epfd_text", "status_text", "shiptype_text", "aid_type_text", "turn", "part", "device", "class"}
KEPT = [
    ("expected/gpsd-sample.aivdm", "expected/gpsd-sample.aivdm.ju.chk", False, WORDS),
    ("expected/gpsd-sample.aivdm", "expected/gpsd-sample.aivdm.js.chk", True, WORDS),
    ("expected/gpsd-ais-nmea-type6-fid55.log", "expected/gpsd-ais-nmea-type6-fid55.log.chk.gz", False, WORDS),
    ("expected/gpsd-ais-nmea.log", "expected/gpsd-ais-nmea.log.chk", False, WORDS),
    ("expected/gpsd-ait250.log", "expected/gpsd-ait250.log.chk", False, WORDS),
    ("expected/gpsd-ais_unpack_sixbit.log", "expected/gpsd-ais_unpack_sixbit.log.chk", False, WORDS),
    ("expected/nmeaplus-aivdm_message_samples.nmea",
     "expected/nmeaplus-aivdm_message_samples.gpsdecode-unscaled.json.gz", False, {"device"}),
    ("expected/nmeaplus-aivdm_message_samples.nmea",
     "expected/nmeaplus-aivdm_message_samples.gpsdecode.json.gz", True, {"device"}),
]


def check_libais(name, kept_name):
    """Another program's keys: only the numbers that it names as gpsdecode does are compared."""
    kept = [json.loads(line) for line in read(kept_name).decode().splitlines() if line.startswith("{")]
    kept = [message for message in kept if message.get("type") in BUILT]
    mine, _ = ours(name)
    keys = ("type", "mmsi", "lon", "lat", "course", "speed", "second", "to_bow")
    missing = [message for message in kept
               if not any(all(key not in message or message[key] == candidate.get(key) or
                              is_close(message[key], candidate.get(key)) or
                              candidate.get(key) in ("nan", "fast") or
                              (key == "speed" and message["type"] == 9)  # it takes knots for tenths
                              for key in keys)
                          for candidate in mine)]
    report(kept_name, kept and not missing, f"{len(kept)} messages, {len(missing)} not among ours")
    for message in missing[:5]:
        print("# kept only:", json.dumps(message)[:300])


def main():
    if shutil.which("gpsdecode") is None:
        print("skipped: gpsdecode is missing (Debian package gpsd-clients)")
        return 77
    if not os.path.isdir(DATA):
        print("skipped: no sample data; set HALYARD_SHARED_DATA to the folder that holds ais/")
        return 77
    for name in CAPTURES:
        check_file(name, scaled=False)
    for name in CAPTURES:
        if not name.startswith("captures/") or "aishub-20120314.nmea" in name:
            check_file(name, scaled=True)
    for kept in KEPT:
        check_kept(*kept)
    for name in ("typeexamples", "tagblock"):
        check_libais(f"expected/libais-{name}.nmea", f"expected/libais-{name}.json")
    return 1 if failures else 0


sys.exit(main())
