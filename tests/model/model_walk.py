#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""src/core/emit.c and hub.c: walks against burying, reaping and the reuse of connections.

Two walkers emit; the first may run a nested loop inside a slot, which parks its walk. Another
thread cuts connections, reaps at every chance, and connects again in the memory that came back;
connection 2 is queued to a receiver in that thread. Checked: no walker looks at memory that was
freed, the connection that is never cut is served once by each emission, and nothing runs after its
cut has returned in the receiver's thread.
"""

from explore import BLOCKED, explore, main, put, require, variants

PARKED = 1 << 20
STAYS, QUEUED = 3, 2
WALKS = ("w", "v")


def set_in(s, name, index, value):
    s[name] = put(s[name], index, value)


def point(s, me, cell):
    """The walker gets hold of a connection."""
    s[f"{me}.cur"] = cell
    s[f"{me}.gen"] = s["gen"][cell] if cell is not None else None


def look(s, me):
    """The walker is about to read the connection."""
    cell = s[f"{me}.cur"]
    require(s["mem"][cell] != "free" and s["gen"][cell] == s[f"{me}.gen"],
            f"{me} looks at a freed connection")
    return cell


def walker(me, nests, broken):
    def var(name):
        return f"{me}.{name}"

    def begin(s):  # walk_begin(): the number of burials
        s[var("burials")] = s["burials"]
        return "hub" if broken == "the list is looked at before the number" else "number"

    def number(s):
        s[var("number")] = s[var("burials")]
        s[var("at")] = None
        return "id" if broken == "the list is looked at before the number" else "hub"

    def hub(s):
        s[var("hub")] = broken != "the walk is not published"
        return "last"

    def last(s):
        s[var("last")] = s["last_id"]
        return "head"

    def head(s):
        point(s, me, s["head"])
        if broken == "the list is looked at before the number":
            s[var("burials")] = s["burials"]
            return "number"
        return "id"

    def read_id(s):
        if s[var("cur")] is None:
            return "end"
        s[var("id")] = s["id"][look(s, me)]
        return "end" if s[var("id")] > s[var("last")] else "slot"

    def slot(s):  # emit_to()
        return "at" if s["slot"][look(s, me)] else "next"

    def at(s):
        s[var("at")] = s[var("cur")]
        return "queue" if s[var("id")] == QUEUED else "call"

    def queue(s):
        s["mail"] += ((look(s, me), s[var("id")]),)
        return "walk_on"

    def call(s):
        if s[var("id")] == STAYS:
            require(not s[var("served")], "one connection is served twice")
            s[var("served")] = True
        return "walk_on"

    def call_and_nest(s):  # hy__walks_park()
        if not nests or s[var("nested")]:
            return BLOCKED
        call(s)
        s[var("nested")] = True
        if broken != "a nested loop does not park":
            s[var("number")] = PARKED
        return "walk_on"

    def walk_on(s):
        return "next" if s[var("number")] != PARKED else "resume"

    def read_next(s):
        point(s, me, s["next"][look(s, me)])
        return "id"

    def resume(s):
        s[var("burials")] = s["burials"]
        return "unpark"

    def unpark(s):
        if broken != "a resumed walk stays parked":
            s[var("number")] = s[var("burials")]
        return "still_there"

    def still_there(s):
        alive = s["slot"][look(s, me)] and s["id"][look(s, me)] == s[var("id")]
        if broken == "a resumed walk trusts the connection it stood on":
            alive = True
        return "next_again" if alive else "restart"

    def next_again(s):
        point(s, me, s["next"][look(s, me)])
        return "id"

    def restart(s):
        point(s, me, s["head"])
        return "skip"

    def skip(s):
        if s[var("cur")] is None:
            return "end"
        return "skip_next" if s["id"][look(s, me)] <= s[var("id")] else "id"

    def skip_next(s):
        point(s, me, s["next"][look(s, me)])
        return "skip"

    def end(s):  # walk_end()
        s[var("hub")] = False
        require(s[var("served")], "a connection that was never cut is passed over")
        for name, value in (("cur", None), ("gen", None), ("id", 0), ("burials", 0), ("at", None),
                            ("number", 0)):
            s[var(name)] = value
        return None

    return {"begin": begin, "number": number, "hub": hub, "last": last, "head": head, "id": read_id,
            "slot": slot, "at": at,
            "queue": queue, "call": [call, call_and_nest], "walk_on": walk_on, "next": read_next,
            "resume": resume,
            "unpark": unpark, "still_there": still_there, "next_again": next_again,
            "restart": restart, "skip": skip,
            "skip_next": skip_next, "end": end}


def cutter(script, broken):
    """The hub's lock is held by nobody else here, so it is left out."""

    def current(s):
        return s["op"][0] if s["op"] else None

    def begin(s):
        if not s["op"]:
            return None if not s["mail"] else BLOCKED
        if s["op"][0] == "connect":
            return "allocate"
        if not any(s["slot"][c] and i == s["op"][0] for c, i in enumerate(s["id"])):
            return "skip"  # its connect found no memory
        s["cell"] = s["id"].index(s["op"][0])
        return "slot"

    def deliver(s):  # deliver.c: slot_of()
        if not s["mail"]:
            return BLOCKED
        (cell, identity), s["mail"] = s["mail"][0], s["mail"][1:]
        same = s["id"][cell] == identity or broken == "delivery does not look at the id"
        if s["slot"][cell] and same:
            require(s["id"][cell] == identity, "a queued call meets another connection")
            require(identity not in s["cut"], "a slot runs after its disconnect returned")
        return "begin"

    # bury()
    def slot(s):
        if broken != "the slot is not cleared":
            set_in(s, "slot", s["cell"], False)
        return "unlink"

    def unlink(s):
        cell = s["cell"]
        before, after = s["prev"][cell], s["next"][cell]
        if before is not None:
            set_in(s, "next", before, after)
        else:
            s["head"] = after
        if after is not None:
            set_in(s, "prev", after, before)
        else:
            s["tail"] = before
        if broken == "unlinking clears the link":
            set_in(s, "next", cell, None)
        return "bury"

    def bury(s):
        cell = s["cell"]
        s["burials"] += 1
        set_in(s, "mem", cell, "grave")
        s["graves"] += ((cell, s["burials"]),)
        s["smallest"] = PARKED
        return "walkers 0"

    # reap(): walkers_of(), then is_stood_on() for each grave
    def walkers(i):
        def look_at_hub(s):
            s["any"] = s["any"] or s[f"{WALKS[i]}.hub"]
            return f"number {i}" if s[f"{WALKS[i]}.hub"] else after(i)

        return look_at_hub

    def after(i):
        return f"walkers {i + 1}" if i + 1 < len(WALKS) else "graves"

    def number(i):
        def look_at_number(s):
            s["smallest"] = min(s["smallest"], s[f"{WALKS[i]}.number"])
            return after(i)

        return look_at_number

    def graves(s):
        """One grave at a time: kept, or taken for free_graves()."""
        todo = [g for g in s["graves"] if g not in s["kept"]]
        if not todo:
            s["kept"], s["any"], s["smallest"] = (), False, 0
            return "free"
        cell, burial = todo[0]
        stood_on = any(s[f"{w}.hub"] and s[f"{w}.at"] == cell for w in WALKS)
        if broken == "a reaper does not look where a parked walk stands":
            stood_on = False
        reachable = burial > s["smallest"] and broken != "a reaper does not look at the numbers"
        if reachable or stood_on:
            s["kept"] += ((cell, burial),)
        else:
            s["graves"] = tuple(g for g in s["graves"] if g[0] != cell)
            s["freed"] += (cell,)
        return "graves"

    def free(s):
        if not s["freed"]:
            if isinstance(current(s), int):
                s["cut"] = s["cut"] | {current(s)}
            s["op"], s["cell"] = s["op"][1:], None
            return "begin"
        cell, s["freed"] = s["freed"][0], s["freed"][1:]
        require(s["mem"][cell] == "grave", "a connection is freed twice")
        set_in(s, "mem", cell, "free")
        set_in(s, "gen", cell, s["gen"][cell] + 1)
        return "free"

    # hy_signal_connect()
    def allocate(s):
        if "free" not in s["mem"]:
            return "skip"
        s["cell"] = s["mem"].index("free")
        set_in(s, "mem", s["cell"], "live")
        return "clear"

    def skip(s):
        s["op"] = s["op"][1:]
        return "begin"

    def clear(s):
        set_in(s, "next", s["cell"], None)
        return "fill"

    def fill(s):
        s["ids"] += 1
        set_in(s, "id", s["cell"], s["ids"])
        set_in(s, "slot", s["cell"], True)
        return "link"

    def link(s):
        set_in(s, "prev", s["cell"], s["tail"])
        if s["tail"] is not None:
            set_in(s, "next", s["tail"], s["cell"])
        else:
            s["head"] = s["cell"]
        s["tail"] = s["cell"]
        return "publish"

    def publish(s):
        s["last_id"] = s["ids"]
        s["op"], s["cell"] = s["op"][1:], None
        return "begin"

    steps = {"begin": [begin, deliver], "slot": slot, "unlink": unlink, "bury": bury,
             "graves": graves, "free": free,
             "allocate": allocate, "skip": skip, "clear": clear, "fill": fill, "link": link,
             "publish": publish}
    for i in range(len(WALKS)):
        steps[f"walkers {i}"], steps[f"number {i}"] = walkers(i), number(i)
    return steps


def walk(script, second, live=(1, 2, 3)):
    def run(broken):
        n = len(live)
        first = {"c": "begin", "op": script, "cell": None, "mem": ("live",) * n, "gen": (0,) * n,
                 "id": live,
                 "slot": (True,) * n, "next": tuple(range(1, n)) + (None,),
                 "prev": (None,) + tuple(range(n - 1)),
                 "head": 0, "tail": n - 1, "last_id": max(live), "ids": max(live), "burials": 0,
                 "graves": (),
                 "kept": (), "freed": (), "smallest": 0, "any": False, "mail": (),
                 "cut": frozenset()}
        for w in WALKS:
            first.update({w: "begin" if w == "w" or second else None, f"{w}.hub": False,
                          f"{w}.number": PARKED - 1
                          if broken == "the list is looked at before the number" else 0,
                          f"{w}.at": None, f"{w}.cur": None,
                          f"{w}.gen": None, f"{w}.id": 0, f"{w}.last": 0, f"{w}.burials": 0,
                          f"{w}.served": False,
                          f"{w}.nested": False})
        threads = {"w": walker("w", True, broken), "v": walker("v", False, broken),
                   "c": cutter(script, broken)}
        return explore(first, threads, lambda s: None, may_wait=("c",))

    return run


if __name__ == "__main__":
    main(
        variants("one walk, a nested loop, three cuts and connects",
                 walk((1, 2, "connect", "connect", 4, "connect"), False),
                 ["the walk is not published", "the list is looked at before the number",
                  "a resumed walk stays parked",
                  "a resumed walk trusts the connection it stood on", "unlinking clears the link",
                  "a reaper does not look where a parked walk stands",
                  "a reaper does not look at the numbers",
                  "delivery does not look at the id", "the slot is not cleared"])
        + variants("two walks", walk((1, "connect", 4), True, (1, 3)), [])
    )
