# SPDX-License-Identifier: MIT
"""Results: medians, ratios with their bounds, the file they are kept in, and how they are written
for people."""

import json
import os
import random
import statistics

RESAMPLES = 1000

# Units of which more is better; of all others, less is.
RATES = ("events/s", "fires/s", "deliveries/s", "messages/s", "clients/s",
         "datagrams/s", "sentences/s")


def save(path, document):
    """Replaces the file at once, so that a run that is interrupted leaves a whole one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    rows = [json.dumps(row) for row in document["rows"]]
    ratios = [json.dumps(ratio) for ratio in document["ratios"]]
    head = {key: value for key, value in document.items() if key not in ("rows", "ratios")}
    new.write_text(json.dumps(head, indent=1)[:-2] +
                   ',\n "rows": [\n  ' + ",\n  ".join(rows) + "\n ]" +
                   ',\n "ratios": [\n  ' + ",\n  ".join(ratios) + "\n ]\n}\n")
    os.replace(new, path)


def rows_of(samples, units):
    """One row per (bench, load, peer), with the median and all samples by round."""
    return [{"bench": bench, "load": load, "peer": peer,
             "value": statistics.median(by_round.values()), "unit": units[bench],
             "samples": list(by_round.values())}
            for (bench, load, peer), by_round in samples.items()]


def bounds(pairs):
    """The 95 % interval of the ratio of medians, by resampling the pairs."""
    dice = random.Random(1)
    found = sorted(ratio_of(dice.choices(pairs, k=len(pairs))) for _ in range(RESAMPLES))
    return found[int(0.025 * RESAMPLES)], found[int(0.975 * RESAMPLES) - 1]


def ratio_of(pairs):
    theirs = statistics.median(pair[1] for pair in pairs)
    return statistics.median(pair[0] for pair in pairs) / theirs if theirs else 0.0


def ratios_of(samples):
    """Halyard's value divided by each peer's, of the rounds that both have."""
    ratios = []
    for (bench, load, peer), theirs in samples.items():
        ours = samples.get((bench, load, "halyard"))
        if peer == "halyard" or ours is None:
            continue
        pairs = [(ours[number], theirs[number]) for number in theirs if number in ours]
        if len(pairs) >= 3 and any(pair[1] for pair in pairs):
            low, high = bounds(pairs)
            ratios.append({"bench": bench, "load": load, "peer": peer, "ratio": ratio_of(pairs),
                           "low": low, "high": high, "pairs": len(pairs)})
    return ratios


def number(value):
    """Three digits with a suffix: 2.31 M, 831, 4.55."""
    for limit, divisor, suffix in ((1e6, 1e6, " M"), (1e4, 1e3, " k")):
        if abs(value) >= limit:
            return f"{value / divisor:.3g}{suffix}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def figure(value, unit, has_unit=True):
    """2.31 M/s, 80 ns, 5 %; or without the unit."""
    if value is None:
        return ""
    text = number(value)
    if unit in RATES:
        return text + "/s"
    return f"{text} {unit}" if has_unit else text


def is_better(value, other, unit):
    return value > other if unit in RATES else value < other


class Results:
    """A file of results, to be asked."""

    def __init__(self, document):
        self.document = document
        self.rows = {(row["bench"], row["load"], row["peer"]): row for row in document["rows"]}
        self.ratios = {(row["bench"], row["load"], row["peer"]): row
                       for row in document["ratios"]}

    def value(self, bench, peer="halyard", load="quiet"):
        row = self.rows.get((bench, load, peer))
        return None if row is None else row["value"]

    def unit(self, bench):
        return next((row["unit"] for row in self.rows.values() if row["bench"] == bench), "")

    def benches(self, load):
        return list(dict.fromkeys(row["bench"] for row in self.rows.values()
                                  if row["load"] == load))

    def peers(self, order):
        present = {row["peer"] for row in self.rows.values()}
        return [peer for peer in order if peer in present]

    def best_peer(self, bench, load="quiet"):
        """(name, value) of the best library, neither ours nor the raw loop; or None."""
        unit, best = self.unit(bench), None
        for (name, where, peer), row in self.rows.items():
            # A negative time is that of a timer that was early: no merit.
            if name == bench and where == load and peer not in ("halyard", "raw") and \
                    row["value"] >= 0:
                if best is None or is_better(row["value"], best[1], unit):
                    best = (peer, row["value"])
        return best


def table(results, peers, load):
    """Markdown: a line per bench, a column per peer, and how many times better Halyard is."""
    lines = [["bench", "unit", *peers], ["---"] * (2 + len(peers))]
    for bench in results.benches(load):
        unit, ours = results.unit(bench), results.value(bench, load=load)
        line = [bench, unit]
        for peer in peers:
            value = results.value(bench, peer, load)
            cell = "" if value is None else number(value)
            if value and ours and peer != "halyard":
                cell += f" (x{ours / value if unit in RATES else value / ours:.2f})"
            line.append(cell)
        lines.append(line)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        fill = "-" if line[0] == "---" else " "
        yield "| " + " | ".join(cell.ljust(width, fill) for cell, width in zip(line, widths)) + " |"
