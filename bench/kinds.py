# SPDX-License-Identifier: MIT
"""What is measured: the peers, and the kinds of work with their sizes and how often they are run."""

import dataclasses

# Name in the results -> (program, environment, pkg-config module, name for people).
PEERS = {
    "halyard": ("bench_halyard", {}, None, "Halyard"),
    "raw": ("bench_raw", {}, None, "raw"),
    "qt": ("bench_qt", {"QT_NO_GLIB": "1"}, "Qt6Core", "Qt 6"),
    "qt_glib": ("bench_qt", {"QT_NO_GLIB": ""}, "Qt6Core", "Qt 6 on GLib"),
    "glib": ("bench_glib", {}, "glib-2.0", "GLib"),
    "libuv": ("bench_libuv", {}, "libuv", "libuv"),
    "libevent": ("bench_libevent", {}, "libevent", "libevent"),
    "libev": ("bench_libev", {}, None, "libev"),
    "sigc": ("bench_sigc", {}, "sigc++-2.0", "sigc++"),
    "boost": ("bench_boost", {}, None, "Boost.Signals2"),
    "libwebsockets": ("bench_libwebsockets", {}, "libwebsockets", "libwebsockets"),
    "gpsdecode": ("gpsdecode", {}, None, "gpsdecode"),
}
# Debian packages of those that pkg-config does not know.
PACKAGES = {"libev": "libev-dev", "boost": "libboost-dev", "gpsdecode": "gpsd-clients"}

# Where a program runs: all its threads on one core, or wherever the kernel puts them.
ONE_CORE, FREE = "one core", "free"

# How often a kind is run by every peer, and by Halyard, the raw loop and the best of the others
# where a few per cent matter.
ROUNDS, CLOSE_ROUNDS, QUICK_ROUNDS = 5, 15, 3


@dataclasses.dataclass(frozen=True)
class Kind:
    """One call of each peer's program."""
    argument: str             # of the program
    placement: str = FREE
    name: str = ""            # in the results in place of the argument's word
    rounds: int = ROUNDS
    quick: bool = True        # part of the quick form
    loaded: bool = False      # also with every core busy otherwise
    on_glib: bool = False     # Qt's two dispatchers differ here
    peers: tuple = ()         # only these

    @property
    def base(self):
        return self.argument.partition(":")[0]

    @property
    def result(self):
        return (self.name or self.base) + self.argument[len(self.base):]


def close(argument, *values, **options):
    return Kind(argument, *values, rounds=CLOSE_ROUNDS, **options)


def curve(base, sizes, placement=ONE_CORE, peers=()):
    return [Kind(f"{base}:{size}", placement, rounds=3, quick=False, peers=peers)
            for size in sizes]


DECADES = (1, 10, 100, 1000, 10_000, 100_000, 1_000_000)
THREADS = (1, 10, 100, 1000)

KINDS = [
    close("emit:0", ONE_CORE),
    close("emit:1", ONE_CORE),
    close("emit:10", ONE_CORE),
    close("queued_emit:1", loaded=True, on_glib=True),
    close("queued_emit:2", loaded=True, on_glib=True, quick=False),
    close("queued_emit:4", loaded=True, on_glib=True),
    close("queued_emit_256:1", loaded=True, on_glib=True),
    close("queued_emit_list:1", loaded=True),
    Kind("queued_emit_256:2", quick=False),
    Kind("queued_emit_256:4", quick=False),
    close("post:1", on_glib=True),
    close("invoke:1", on_glib=True),
    close("pingpong", ONE_CORE, "pingpong_one_core", on_glib=True),
    close("pingpong", FREE, "pingpong_two_cores", on_glib=True),
    close("call", ONE_CORE, "call_one_core", on_glib=True),
    close("call", FREE, "call_two_cores", on_glib=True),
    Kind("blocking_emit", ONE_CORE, "blocking_emit_one_core"),
    Kind("blocking_emit", FREE, "blocking_emit_two_cores"),
    close("timer_start_stop:0", ONE_CORE),
    Kind("timer_start_stop:1000", ONE_CORE, on_glib=True),
    close("timer_start_stop:100000", ONE_CORE),
    Kind("timer_start_stop:1000000", ONE_CORE, quick=False),
    close("timer_start_at_stop:0", ONE_CORE),
    Kind("timer_start_at_stop:1000", ONE_CORE),
    close("timer_start_at_stop:100000", ONE_CORE),
    Kind("timer_start_at_stop:1000000", ONE_CORE, quick=False),
    close("timer_restart:10000", ONE_CORE),
    Kind("timer_restart:100000", ONE_CORE, quick=False),
    Kind("timer_coarse:1000", ONE_CORE, quick=False),
    Kind("timer_coarse:100000", ONE_CORE),
    Kind("timer_precise:1000", ONE_CORE, loaded=True, on_glib=True),
    close("timer_zero", ONE_CORE, on_glib=True),
    close("notifier:500", ONE_CORE, on_glib=True),
    close("notifier:1", ONE_CORE, on_glib=True),
    Kind("object:100000", ONE_CORE),
    Kind("connection:100000", ONE_CORE),
    Kind("deferred_call:100000", ONE_CORE),
    Kind("timer_bytes:10000", ONE_CORE),
    Kind("idle", ONE_CORE, rounds=3, on_glib=True),
    Kind("move_backlog:10000", ONE_CORE),
    Kind("thread_start", ONE_CORE, "thread_start_one_core"),
    Kind("thread_start", FREE, "thread_start_two_cores", on_glib=True),
    # Curves: their points that are not above.
    *curve("emit", DECADES[2:]),
    *curve("emit_objects", DECADES),
    *curve("backlog", DECADES),
    *curve("timer_start_stop", (10, 100, 10_000)),
    *curve("timer_start_at_stop", (10, 100, 10_000)),
    *curve("threads", THREADS, FREE),
]


@dataclasses.dataclass(frozen=True)
class Server:
    """A run of a load client against each peer's server: `bench_PEER_ws`, `bench_PEER_udp`."""
    result: str
    load: tuple               # the load client's arguments, after the port
    unit: str                 # of the rate
    program: str = "ws"
    arguments: tuple = ()     # the server's
    rounds: int = CLOSE_ROUNDS
    quick: bool = True
    loaded: bool = False
    on_glib: bool = False
    peers: tuple = ("halyard", "raw", "qt", "libwebsockets")


SERVERS = [
    # Connections, messages, how many of them on the way, bytes.
    Server("ws_broadcast_w1", ("broadcast", 200, 1000, 1, 200), "deliveries/s",
           arguments=("broadcast",)),
    Server("ws_broadcast_w16", ("broadcast", 200, 4000, 16, 200), "deliveries/s",
           arguments=("broadcast",)),
    Server("ws_echo", ("echo", 64, 4000, 16, 32), "messages/s", arguments=("echo",)),
    Server("ws_echo_16k", ("echo", 1, 40_000, 16, 16384), "messages/s", arguments=("echo",)),
    # So many clients, and so many more whose arrival is the work. Those that look through all of
    # them in each pass take minutes for 10,000.
    Server("ws_accept:1000", ("accept", 1000, 1000), "clients/s", arguments=("echo",),
           rounds=ROUNDS, quick=False),
    Server("ws_accept:10000", ("accept", 10_000, 1000), "clients/s", arguments=("echo",),
           rounds=ROUNDS, quick=False, peers=("halyard", "raw")),
    # Datagrams, bytes of each.
    Server("udp", ("1000000", "200"), "datagrams/s", "udp",
           peers=("halyard", "raw", "qt", "glib", "libuv")),
]

# A recording of 85,184 sentences, where there is one.
RECORDING = "ais/captures/aishub-20120314.nmea.gz"
