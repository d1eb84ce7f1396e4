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

    def first(s):
        if s[f"{me}.cells"] == 0:
            return None
        return "balance" if broken == "balance before the push" else "load"

    def load(s):
        touch(s)
        s[head] = s["returned"]
        return "exchange" if s[head] != CLOSED else after_push()

    def exchange(s):
        touch(s)
        if s["returned"] != s[head]:
            s[head] = s["returned"]
            return "exchange" if s[head] != CLOSED else after_push()
        s["returned"] = s[head] + 1
        return after_push()

    def after_push():
        return "done" if broken == "balance before the push" else "balance"

    def balance(s):
        touch(s)
        s["back"] += 1
        if broken == "balance by load and store":
            s[head] = s["balance"] - 1
            return "store"
        s["balance"] -= 1
        if s["balance"] == 0:
            free(s)
        return "load" if broken == "balance before the push" else "done"

    def store(s):
        touch(s)
        s["balance"] = s[head]
        if s["balance"] == 0:
            free(s)
        return "done"

    def done(s):
        s[f"{me}.cells"] -= 1
        s[head] = None
        return "first"

    return {"first": first, "load": load, "exchange": exchange, "balance": balance,
            "store": store, "done": done}


def owner(broken):
    # slab_take() when it runs dry: takes the returned ones, and one of them out again
    def drain(s):
        if s["drained"] or s["returned"] == 0:
            return "close"
        if broken == "what comes back is counted by both":
            s["out"] -= s["returned"]
        s["returned"] = 0
        s["drained"] = True
        return "close"

    def close(s):  # hy__slabs_abandon()
        s["returned"] = CLOSED
        return "add"

    def add(s):
        touch(s)
        s["balance"] += s["out"]
        if s["balance"] == 0 and broken != "the owner adds without looking at the result":
            free(s)
        return None

    return {"drain": drain, "close": close, "add": add}


def slab(broken):
    first = {"owner": "drain", "a": "first", "b": "first", "a.cells": 2, "b.cells": CELLS - 2,
             "a.head": None,
             "b.head": None, "returned": 0, "balance": 0, "out": CELLS, "taken": CELLS, "back": 0,
             "drained": False, "freed": False}
    threads = {"owner": owner(broken), "a": returner("a", broken), "b": returner("b", broken)}
    return explore(first, threads, lambda s: require(s["freed"], "never freed"))


if __name__ == "__main__":
    main(variants("remote returns and the end of the owner", slab,
                  ["balance before the push", "balance by load and store",
                   "the owner adds without looking at the result",
                   "what comes back is counted by both"]))
