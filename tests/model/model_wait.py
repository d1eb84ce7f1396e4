#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""src/core/wait.c: who waits for whom.

Threads call each other's objects. Each takes a number, writes down for whom it waits, posts, and
follows the chain; a thread that waits serves nobody, one that does not serves who called it. No
circle is missed (somebody would be blocked for ever), and none is imagined. Then: the object that
is waited for moves to a thread that waits for the caller.
"""

from explore import BLOCKED, explore, main, require, variants


def call(me, target, after, broken, serve_first=()):
    """The steps of one thread: serves those named first, calls the object of `target`, then serves
    everybody in `after`."""

    def key(name):
        return f"{me}.{name}"

    def serve(caller, then):
        def step(s):
            if s[f"{caller}.call"] in ("done", "refused", "never"):
                return then
            if s[f"{caller}.call"] != "posted":
                return BLOCKED
            s[f"{caller}.call"] = "done"
            return then
        return step

    def number(s):
        s["last"] += 1
        s[key("mine")] = s["last"]
        return "walk_begin" if broken == "the chain is followed before it is written down" \
            else "write"

    def write(s):
        s[key("number")] = s[key("mine")]
        return "post"

    def post(s):
        s[key("call")] = "posted"
        if broken == "the chain is followed before it is written down":
            return "park"
        return "walk_begin"

    def walk_begin(s):
        s[key("newest")] = s["last"]
        s[key("at")] = s[f"home.{target}"]
        return "walk"

    def walk(s):
        at = s[key("at")]
        if at == me:
            return "refuse"
        waits = s[f"{at}.number"] != 0 and s[f"{at}.call"] == "posted"
        if s[f"{at}.number"] > s[key("newest")] and broken != "a walk counts what came later":
            waits = False
        if not waits:
            if broken == "the chain is followed before it is written down":
                return "write"
            return "park"
        s[key("at")] = s[f"home.{s[f'{at}.target']}"]
        return "walk"

    def refuse(s):
        if s[key("call")] == "done":  # too late to give up
            return "end"
        s[key("call")] = "refused"
        s["refused"] += 1
        return "end"

    def park(s):
        return "end" if s[key("call")] == "done" else BLOCKED

    def end(s):
        s[key("number")] = 0
        return f"serve {after[0]}" if after else None

    steps = {"number": number, "write": write, "post": post, "walk_begin": walk_begin,
             "walk": walk, "refuse": refuse, "park": park, "end": end}
    for names, last in ((serve_first, "number"), (after, None)):
        for i, name in enumerate(names):
            then = f"serve {names[i + 1]}" if i + 1 < len(names) else last
            steps[f"serve {name}"] = serve(name, then)
    return steps


def start(threads):
    """threads: {name: (target, first label)}"""
    first = {"last": 0, "refused": 0}
    for name, (target, label) in threads.items():
        first |= {name: label, f"{name}.number": 0, f"{name}.mine": 0, f"{name}.call": None,
                  f"{name}.newest": 0, f"{name}.at": None, f"{name}.target": target,
                  f"home.{name}": name}
    return first


def model_circle(names):
    def run(broken):
        after = {name: names[i - 1] for i, name in enumerate(names)}
        target = {name: names[(i + 1) % len(names)] for i, name in enumerate(names)}
        first = start({name: (target[name], "number") for name in names})
        threads = {name: call(name, target[name], (after[name],), broken) for name in names}

        def final(s):
            require(s["refused"] >= 1, "a circle of threads all went on")

        return explore(first, threads, final)

    return run


def model_imagined(broken):
    """a calls b; b calls c, then serves a; c serves b and only then calls a; a serves c. Two of the
    three edges are there at any time, never all."""
    first = start({"a": ("b", "number"), "b": ("c", "number"), "c": ("a", "serve b")})
    threads = {"a": call("a", "b", ("c",), broken), "b": call("b", "c", ("a",), broken),
               "c": call("c", "a", (), broken, serve_first=("b",))}

    def final(s):
        require(s["refused"] == 0, "a circle was imagined")

    return explore(first, threads, final)


def model_move(broken):
    """a calls an object that lives in b; b moves it to c, with the call; c calls an object of a."""

    def look(s):  # wait_until_over(): the word first, then the chain
        if s["a.call"] == "done":
            return "a_end"
        s["a.seen"] = s["poke"]
        return "home"

    def home(s):
        if s["home.x"] == "locked":
            return BLOCKED
        s["a.at"] = s["home.x"]
        return "chain"

    def chain(s):
        if s["a.at"] == "c" and s["c.waits"]:
            s["a.refused"] = True
            s["a.waits"] = False
            return "a_end"
        return "park"

    def park(s):
        if s["poke"] != s["a.seen"] or s["a.call"] == "done":  # the word has changed
            return "look"
        s["a.asleep"] = True
        return "asleep"

    def asleep(s):
        return BLOCKED if s["a.asleep"] else "look"

    def a_end(s):
        s["a.waits"] = False
        s["a.free"] = True
        return None

    def lock(s):  # push_adopt(), with the anchor's lock held
        s["home.x"] = "locked"
        return "publish"

    def publish(s):
        s["home.x"] = "c"
        return None if broken == "a move does not poke" else "poke"

    def poke(s):
        if broken != "a poke does not change the word":
            s["poke"] += 1
        return "unpark"

    def unpark(s):
        s["a.asleep"] = False
        return None

    def write(s):
        s["c.waits"] = True
        return "c_home"

    def c_home(s):  # the chain from a: over x to wherever it lives
        if s["a.waits"] and s["home.x"] == "locked":
            return BLOCKED
        if s["a.waits"] and s["home.x"] == "c":
            s["c.refused"] = True
            return "c_end"
        return "c_park"

    def c_park(s):
        return "c_end" if s["a.free"] else BLOCKED

    def c_end(s):
        s["c.waits"] = False
        return "c_serve"

    def c_serve(s):  # what came with the move
        if s["home.x"] != "c":
            return BLOCKED
        if not s["a.refused"]:
            s["a.call"] = "done"
        s["a.asleep"] = False
        return None

    first = {"a": "look", "b": "lock", "c": "write", "home.x": "b", "poke": 0, "a.seen": 0,
             "a.at": None, "a.asleep": False, "a.call": "posted", "a.waits": True, "a.free": False,
             "a.refused": False, "c.waits": False, "c.refused": False}
    return explore(first, {"a": {"look": look, "home": home, "chain": chain, "park": park,
                                 "asleep": asleep, "a_end": a_end},
                           "b": {"lock": lock, "publish": publish, "poke": poke, "unpark": unpark},
                           "c": {"write": write, "c_home": c_home, "c_park": c_park,
                                 "c_end": c_end, "c_serve": c_serve}}, lambda s: None)


def model_two_moves(broken):
    """b moves the object to c, c on to d, each with the call in the cargo: hy__calls_of() and
    hy__calls_poke(). The record is in the list of one mover at a time; the caller must have looked
    at the last home when it parks for good."""

    def mover(me, home, target, after):
        def lock(s):
            if s["home"] != home or s["lock"] or not s[after]:
                return BLOCKED
            s["lock"] = me
            return "list"

        def list_it(s):  # the exchange of `poked`
            s[f"{me}.listed"] = not s["poked"]
            if s[f"{me}.listed"]:
                require(s["in_list"] is None, "the record is in two lists")
                s["in_list"] = me
            s["poked"] = True
            return "publish"

        def publish(s):
            s["home"] = target
            s["lock"] = None
            s[f"{me}.moved"] = True
            return "next" if s[f"{me}.listed"] else None

        def read_next(s):
            require(s["in_list"] == me, "the link is another mover's")
            if broken != "the link is read after the flag is cleared":
                s["in_list"] = None
            return "poke" if broken == "the flag is cleared after the poke" else "clear"

        def clear(s):
            s["poked"] = False
            if broken == "the flag is cleared after the poke":
                return None
            return "late_next" if broken == "the link is read after the flag is cleared" \
                else "poke"

        def late_next(s):
            require(s["in_list"] == me, "the link is another mover's")
            s["in_list"] = None
            return "poke"

        def poke(s):
            s["word"] += 1
            return "unpark"

        def unpark(s):
            s["asleep"] = False
            return "clear" if broken == "the flag is cleared after the poke" else None

        return {"lock": lock, "list": list_it, "publish": publish, "next": read_next,
                "clear": clear, "late_next": late_next, "poke": poke, "unpark": unpark}

    def look(s):
        s["seen"] = s["word"]
        return "home"

    def home(s):  # hy__anchor_home_ref()
        if s["lock"]:
            return BLOCKED
        s["saw"] = s["home"]
        return "park"

    def park(s):
        if s["word"] != s["seen"]:
            return "look"
        s["asleep"] = True
        return "asleep"

    def asleep(s):
        return BLOCKED if s["asleep"] else "look"

    first = {"a": "look", "b": "lock", "c": "lock", "home": "b", "lock": None, "poked": False,
             "in_list": None, "word": 0, "seen": 0, "saw": None, "asleep": False, "start": True,
             "b.listed": False, "c.listed": False, "b.moved": False, "c.moved": False}

    def final(s):
        require(s["saw"] == "d", "the caller does not know where its receiver lives")

    return explore(first, {"a": {"look": look, "home": home, "park": park, "asleep": asleep},
                           "b": mover("b", "b", "c", "start"),
                           "c": mover("c", "c", "d", "b.moved")}, final, may_wait=("a",))


if __name__ == "__main__":
    early = "the chain is followed before it is written down"
    main(
        variants("two threads close a circle", model_circle(("a", "b")), [early])
        + variants("three threads close a circle", model_circle(("a", "b", "c")), [early])
        + variants("three threads that never close one", model_imagined,
                   ["a walk counts what came later"])
        + variants("a move closes the circle", model_move,
                   ["a move does not poke", "a poke does not change the word"])
        + variants("two moves in a row", model_two_moves,
                   ["the flag is cleared after the poke",
                    "the link is read after the flag is cleared"])
    )
