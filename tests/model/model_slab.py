#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""src/core/slab.c: cells that come back from other threads, and the end of the owner.

The slab is freed exactly once, after the last cell came back, and touched by nobody afterwards.
"""

from explore import explore, main, require, variants

CLOSED = "closed"
CELLS = 4


def touch(s):
    require(not s["freed"], "used after it was freed")


def free(s):
    touch(s)
    require(s["back"] == s["taken"], "freed while a cell is out")
    s["freed"] = True


def returner(me, broken):
    """slab_return() of one cell at a time, as the messages are handed over."""
    head = f"{me}.head"

    def load(s):
        if s[f"{me}.cells"] == 0:
            return None
        touch(s)
        s[head] = s["returned"]
        return "exchange"

    def exchange(s):
        touch(s)
        if s[head] == CLOSED and broken != "the return does not look for CLOSED":
            return "balance"
        if s["returned"] != s[head]:
            s[head] = s["returned"]
            return "exchange"
        s["returned"] = (s[head] if s[head] != CLOSED else 0) + 1
        s["back"] += 1
        s[f"{me}.cells"] -= 1
        s[head] = None
        return "load"

    def balance(s):
        touch(s)
        s["back"] += 1
        if broken == "balance by load and store":
            s[head] = s["balance"] - 1
            return "store"
        s["balance"] -= 1
        s[f"{me}.cells"] -= 1
        s[head] = None
        if s["balance"] == 0:
            free(s)
        return "load"

    def store(s):
        touch(s)
        s["balance"] = s[head]
        s[f"{me}.cells"] -= 1
        s[head] = None
        if s["balance"] == 0:
            free(s)
        return "load"

    return {"load": load, "exchange": exchange, "balance": balance, "store": store}


def owner(broken):
    # slab_take() when it runs dry: takes the returned ones, and one of them out again
    def drain(s):
        if s["drained"] or s["returned"] == 0:
            return "close"
        s["out"] -= s["returned"]
        s["returned"] = 0
        s["drained"] = True
        return "close"

    def close(s):  # hy__slabs_abandon(): the exchange
        if broken != "what came back before the end is not counted":
            s["out"] -= s["returned"]
        s["returned"] = CLOSED
        return "add"

    def add(s):
        touch(s)
        if broken == "the owner adds without looking at the result":
            s["balance"] += s["out"]
            return None
        s["balance"] += s["out"]
        if s["balance"] == 0:
            free(s)
        return None

    return {"drain": drain, "close": close, "add": add}


def slab(broken):
    first = {"owner": "drain", "a": "load", "b": "load", "a.cells": 2, "b.cells": CELLS - 2,
             "a.head": None,
             "b.head": None, "returned": 0, "balance": 0, "out": CELLS, "taken": CELLS, "back": 0,
             "drained": False, "freed": False}
    threads = {"owner": owner(broken), "a": returner("a", broken), "b": returner("b", broken)}
    return explore(first, threads, lambda s: require(s["freed"], "never freed"))


if __name__ == "__main__":
    main(variants("remote returns and the end of the owner", slab,
                  ["the return does not look for CLOSED", "balance by load and store",
                   "the owner adds without looking at the result",
                   "what came back before the end is not counted"]))
