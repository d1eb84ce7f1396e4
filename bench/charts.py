# SPDX-License-Identifier: MIT
"""Charts as SVG, from results: curves of a cost against a size, dots of the peers beside Halyard,
and how late timers fire. Plain text, so that a change of them can be read in a diff."""

import html
import math

import kinds
import results as results_of

WIDTH, LEFT, TOP, FONT = 860, 70, 64, "font-family='sans-serif'"
INK, GRID, SOFT = "#222222", "#e4e4e4", "#666666"
COLOURS = {"halyard": "#c1121f", "raw": "#000000", "qt": "#2a9d4a", "qt_glib": "#8fce9f",
           "glib": "#0072b2", "libuv": "#e69f00", "libevent": "#8c564b", "libev": "#9467bd",
           "sigc": "#17a2b8", "boost": "#7f7f7f", "libwebsockets": "#b5a500",
           "gpsdecode": "#b5a500"}

# (file, title, what stands at the axes, bench, peers, per slot instead of per emission)
CURVES = [
    ("objects", "Emit: one of N objects in turn, each with one slot", "objects", "ns an emission",
     "emit_objects", False),
    ("connections", "Emit: one signal with N connections", "connections", "ns a slot", "emit", True),
    ("backlog", "Queue N events of 32 bytes, then deliver them", "events", "ns an event", "backlog",
     False),
    ("timers", "Start and stop a timer beside N running ones", "timers", "ns",
     "timer_start_stop", False),
    ("threads", "200,000 events to N loops in turn", "threads", "ns an event", "threads", False),
]

# (label, bench, load) of the chart that sets all peers beside Halyard.
OVERVIEW = [
    ("emit, nobody connected", "emit:0", "quiet"),
    ("emit, 1 slot", "emit:1", "quiet"),
    ("emit, 10 slots", "emit:10", "quiet"),
    ("queued emit, 32 bytes", "queued_emit:1", "quiet"),
    ("  both cores busy", "queued_emit:1", "loaded"),
    ("queued emit, 4 producers", "queued_emit:4", "quiet"),
    ("queued emit, 256 bytes", "queued_emit_256:1", "quiet"),
    ("post", "post:1", "quiet"),
    ("invoke", "invoke:1", "quiet"),
    ("round trip, one core", "pingpong_one_core", "quiet"),
    ("round trip, two cores", "pingpong_two_cores", "quiet"),
    ("blocking call, one core", "call_one_core", "quiet"),
    ("start and stop a timer beside 100,000", "timer_start_stop:100000", "quiet"),
    ("100,000 coarse timers, CPU a fire", "timer_coarse_cpu:100000", "quiet"),
    ("1,000 precise timers, median lateness", "timer_precise_late_p50:1000", "quiet"),
    ("zero timer, a pass", "timer_zero", "quiet"),
    ("500 of 5,000 notifiers", "notifier:500", "quiet"),
    ("1 of 5,000 notifiers", "notifier:1", "quiet"),
    ("bytes an object", "object_bytes:100000", "quiet"),
    ("bytes a connection", "connection_bytes:100000", "quiet"),
    ("bytes a running timer", "timer_bytes:10000", "quiet"),
    ("thread start to first event", "thread_start_two_cores", "quiet"),
    ("resident memory, idle", "idle", "quiet"),
    ("WebSocket broadcast, 1 on the way", "ws_broadcast_w1", "quiet"),
    ("WebSocket broadcast, 16 on the way", "ws_broadcast_w16", "quiet"),
    ("WebSocket echo, 16 deep", "ws_echo", "quiet"),
]

NAMES = (*(name for name, *_ in CURVES), "overview", "lateness", "lateness-loaded")

LATENESS = [("p50", "median"), ("p90", "90 %"), ("p99", "99 %"), ("max", "latest")]


def name_of(peer):
    return kinds.PEERS[peer][3]


class Drawing:
    """An SVG in the making."""

    def __init__(self, height, title):
        self.height = height
        self.parts = [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' "
            f"width='{WIDTH}' height='{height}' role='img'>",
            f"<title>{html.escape(title)}</title>",
            f"<rect width='{WIDTH}' height='{height}' fill='#ffffff'/>",
        ]
        self.text(LEFT - 50, 30, title, size=17, weight="bold")

    def text(self, x, y, text, anchor="start", size=12, colour=INK, weight="normal"):
        self.parts.append(f"<text x='{x:.1f}' y='{y:.1f}' {FONT} font-size='{size}' "
                          f"font-weight='{weight}' text-anchor='{anchor}' fill='{colour}'>"
                          f"{html.escape(text)}</text>")

    def line(self, x1, y1, x2, y2, colour=GRID, width=1):
        self.parts.append(f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' "
                          f"stroke='{colour}' stroke-width='{width}'/>")

    def path(self, points, colour, width, dash=""):
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f"<polyline points='{joined}' fill='none' stroke='{colour}' "
                          f"stroke-width='{width}' stroke-linejoin='round'"
                          f"{f' stroke-dasharray={chr(39)}{dash}{chr(39)}' if dash else ''}/>")

    def dot(self, x, y, colour, radius=4.0, hint=""):
        self.parts.append(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='{radius}' fill='{colour}' "
                          f"stroke='#ffffff' stroke-width='1'><title>{html.escape(hint)}</title>"
                          "</circle>")

    def svg(self):
        return "\n".join([*self.parts, "</svg>"]) + "\n"


class Scale:
    """A logarithmic axis over whole decades."""

    def __init__(self, values, start, end):
        self.low = math.floor(math.log10(min(values)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)
        self.start, self.end = start, end

    def at(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def decades(self):
        return [10.0 ** exponent for exponent in range(self.low, self.high + 1)]


def short(value):
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g}{suffix}"
    return f"{value:g}"


def points_of(results, bench, is_per_size):
    """{peer: [(size, cost)]} of the sizes from 1 on, of those who have several."""
    series = {}
    for (name, load, peer), row in results.rows.items():
        base, _, size = name.partition(":")
        if base == bench and load == "quiet" and size not in ("", "0") and row["value"] > 0:
            cost = row["value"] / int(size) if is_per_size else row["value"]
            series.setdefault(peer, []).append((int(size), cost))
    return {peer: sorted(points) for peer, points in series.items() if len(points) > 1}


def spread(places, gap):
    """Moves labels apart: {key: place} of {key: wanted place}, each `gap` below the one before."""
    placed, last = {}, -math.inf
    for key, wanted in sorted(places.items(), key=lambda item: item[1]):
        last = max(wanted, last + gap)
        placed[key] = last
    return placed


def curve(results, title, across, up, bench, is_per_size):
    """A line a peer, labelled at its end; None when there is none."""
    series = points_of(results, bench, is_per_size)
    if not series:
        return None
    drawing = Drawing(440, title)
    right, bottom = WIDTH - 150, 385
    x = Scale([size for points in series.values() for size, _ in points], LEFT, right)
    y = Scale([cost for points in series.values() for _, cost in points], bottom, TOP)
    for value in y.decades():
        drawing.line(LEFT, y.at(value), right, y.at(value))
        drawing.text(LEFT - 8, y.at(value) + 4, short(value), "end", colour=SOFT)
    for value in x.decades():
        drawing.line(x.at(value), TOP, x.at(value), bottom)
        drawing.text(x.at(value), bottom + 18, short(value), "middle", colour=SOFT)
    drawing.text((LEFT + right) / 2, bottom + 40, across, "middle")
    drawing.text(LEFT - 50, 52, up, colour=SOFT)
    labels = spread({peer: y.at(points[-1][1]) for peer, points in series.items()}, 15)
    order = [peer for peer in reversed(kinds.PEERS) if peer in series]
    for peer in order:
        is_main = peer in ("halyard", "raw")
        places = [(x.at(size), y.at(cost)) for size, cost in series[peer]]
        drawing.path(places, COLOURS[peer], 3 if is_main else 1.6, "5 4" if peer == "raw" else "")
        for (size, cost), (px, py) in zip(series[peer], places):
            drawing.dot(px, py, COLOURS[peer], 3.2,
                        f"{name_of(peer)}, {size:,} {across}: {results_of.number(cost)} {up}")
        end_x, end_y = places[-1]
        drawing.line(end_x + 4, end_y, right + 14, labels[peer], COLOURS[peer], 0.6)
        drawing.text(right + 18, labels[peer] + 4, name_of(peer), colour=COLOURS[peer],
                     weight="bold" if is_main else "normal")
    return drawing.svg()


def legend(drawing, peers, y):
    x = LEFT - 50
    for peer in peers:
        drawing.dot(x + 5, y - 4, COLOURS[peer], 5)
        drawing.text(x + 14, y, name_of(peer))
        x += 34 + 7 * len(name_of(peer))


def overview(results):
    """How many times Halyard's cost each peer's is: right of the line it costs more."""
    lines = []
    for label, bench, load in OVERVIEW:
        ours, unit = results.value(bench, load=load), results.unit(bench)
        others = {}
        for peer in kinds.PEERS:
            value = results.value(bench, peer, load)
            if peer != "halyard" and value and ours:
                others[peer] = ours / value if unit in results_of.RATES else value / ours
        if others:
            lines.append((label, others))
    if not lines:
        return None
    left, right, step = 290, WIDTH - 30, 24
    bottom = 84 + step * len(lines)
    drawing = Drawing(bottom + 55, "The peers' cost, as a multiple of Halyard's")
    peers = [peer for peer in kinds.PEERS if any(peer in others for _, others in lines)]
    legend(drawing, peers, 58)
    # Beyond a thousand times, how far no longer matters.
    capped = [(label, {peer: min(max(ratio, 0.05), 1000) for peer, ratio in others.items()}, others)
              for label, others in lines]
    x = Scale([ratio for _, others, _ in capped for ratio in others.values()] + [0.5, 2], left,
              right)
    for value in x.decades():
        drawing.line(x.at(value), 74, x.at(value), bottom)
        drawing.text(x.at(value), bottom + 18, f"{short(value)} x", "middle", colour=SOFT)
    drawing.line(x.at(1), 74, x.at(1), bottom, COLOURS["halyard"], 2.5)
    drawing.text(x.at(1), bottom + 38, "Halyard", "middle", colour=COLOURS["halyard"],
                 weight="bold")
    drawing.text(right, bottom + 38, "peer costs more", "end", colour=SOFT)
    drawing.text(left, bottom + 38, "peer costs less", colour=SOFT)
    for number, (label, places, exact) in enumerate(capped):
        y = 92 + step * number
        drawing.line(left, y, right, y)
        drawing.text(left - 10, y + 4, label, "end")
        for peer, place in reversed(places.items()):
            drawing.dot(x.at(place), y, COLOURS[peer], 5.5,
                        f"{label}: {name_of(peer)} x{exact[peer]:.3g}")
    return drawing.svg()


def lateness(results, load):
    """Quantiles of how late a thousand precise timers fire, a line a peer."""
    found = {}
    for peer in kinds.PEERS:
        values = [results.value(f"timer_precise_late_{key}:1000", peer, load)
                  for key, _ in LATENESS]
        if all(value is not None for value in values):
            found[peer] = [max(value, 1) for value in values]  # early ones are at the edge
    if not found:
        return None
    left, right, step = 150, WIDTH - 40, 34
    bottom = 80 + step * len(found)
    where = "a quiet machine" if load == "quiet" else "both cores busy"
    drawing = Drawing(bottom + 55, f"1,000 precise timers: how late they fire, {where}")
    x = Scale([value for values in found.values() for value in values], left, right)
    for value in x.decades():
        drawing.line(x.at(value), 60, x.at(value), bottom)
        drawing.text(x.at(value), bottom + 18, f"{short(value)} us", "middle", colour=SOFT)
    for number, (peer, values) in enumerate(found.items()):
        y = 86 + step * number
        early = results.value("timer_precise_early:1000", peer, load) or 0
        drawing.text(left - 12, y + 4, name_of(peer), "end")
        if early >= 0.5:
            drawing.text(left - 12, y + 17, f"{early:.0f} % early", "end", 10, SOFT)
        drawing.line(x.at(values[0]), y, x.at(values[-1]), y, COLOURS[peer], 2)
        for value, radius, (_, label) in zip(values, (7, 5, 4, 3), LATENESS):
            drawing.dot(x.at(value), y, COLOURS[peer], radius,
                        f"{name_of(peer)}, {label}: {results_of.number(value)} us")
    drawing.text((left + right) / 2, bottom + 40,
                 "from left to right: median, 90 %, 99 %, the latest of 20,000", "middle",
                 colour=SOFT)
    return drawing.svg()


def all_charts(results):
    """{file name: SVG} of the charts that the results are enough for."""
    charts = {f"{name}.svg": curve(results, *rest) for name, *rest in CURVES}
    charts["overview.svg"] = overview(results)
    charts["lateness.svg"] = lateness(results, "quiet")
    charts["lateness-loaded.svg"] = lateness(results, "loaded")
    return {name: svg for name, svg in charts.items() if svg}
