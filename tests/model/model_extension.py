#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""src/core/extension.c and handle.c: one connection with an extension, cut while it is emitted to,
delivered to, and held by its handle; its memory is then used for another connection.

E emits: direct first, then queued. D delivers what was queued. C cuts it and reaps. H disconnects
by the handle, and before that asks the extension (a count of uses, as for its counts). P reaps what
C had to leave, and recycles the memory under another id. Checked: the slot does not run once the
context has been destroyed; the context is destroyed once, and the extension freed once, after the
last look at it; what is held is not recycled; a stale handle leaves the next connection alone.
"""

from explore import BLOCKED, explore, main, require, variants

OLD, NEW = 1, 2  # ids


def touch(s):
    require(not s["ext_freed"], "the extension is looked at after it was freed")


def ref(s):
    touch(s)
    s["refs"] += 1


def unref(s):
    touch(s)
    s["refs"] -= 1
    if s["refs"] == 0:
        s["ext_freed"] = True


def use(s, broken):
    touch(s)
    if s["uses"] == 0 and broken != "a use is added to none":
        return False
    s["uses"] += 1
    return True


def call(s):
    touch(s)
    require(not s["destroyed"], "the slot runs after its context was destroyed")


class Unuse:
    """hy__extension_unuse() as three steps of the thread; goes on at `then`."""

    def __init__(self, prefix, then, broken):
        self.prefix, self.then, self.broken = prefix, then, broken

    def steps(self):
        return {f"{self.prefix}_unuse": self.unuse, f"{self.prefix}_destroy": self.destroy}

    def unuse(self, s):
        touch(s)
        s["uses"] -= 1
        if s["uses"] == 0 or (self.broken == "a cut does not wait for calls" and
                              self.prefix.endswith("cut")):
            return f"{self.prefix}_destroy"
        return self.then

    def destroy(self, s):
        touch(s)
        require(not s["destroyed"], "the context is destroyed twice")
        s["destroyed"] = True
        unref(s)
        return self.then


def emitter(keep, broken):
    def begin(s):  # walk_begin(), and the look at the list
        s["walk"] = s["linked"]
        return "slot" if s["walk"] else None

    def slot(s):
        return "use" if s["slot"] else "end"

    def use_step(s):
        return "direct" if use(s, broken) else "end"

    def direct(s):
        call(s)
        return "queue"

    def queue(s):
        if broken != "a queued call holds no memory":
            ref(s)
        if keep and broken != "a kept call has no use":
            s["uses"] += 1
        return "post"

    def post(s):
        s["mail"] += 1
        return "e_unuse"

    def end(s):
        s["walk"] = False
        return None

    steps = {"begin": begin, "slot": slot, "use": use_step, "direct": direct, "queue": queue,
             "post": post, "end": end}
    steps.update(Unuse("e", "end", broken).steps())
    return steps


def receiver(keep, broken):
    def take(s):
        if s["mail"] == 0:
            return BLOCKED
        s["mail"] -= 1
        return "use"

    def use_step(s):
        used = use(s, broken)
        require(used or not keep, "a kept call is lost")
        return "wanted" if used else "settle"

    def wanted(s):  # slot and id of the connection, which may be another one by now
        touch(s)
        return "call" if keep or (s["slot"] and s["id"] == OLD) else "d_unuse"

    def call_step(s):
        call(s)
        return "d_unuse"

    def settle(s):
        if broken == "a queued call holds no memory":
            return None
        if keep and broken != "a kept call has no use":
            return "k_unuse"
        unref(s)
        return None

    def settle_memory(s):
        unref(s)
        return None

    steps = {"take": take, "use": use_step, "wanted": wanted, "call": call_step, "settle": settle,
             "memory": settle_memory}
    steps.update(Unuse("d", "settle", broken).steps())
    steps.update(Unuse("k", "memory", broken).steps())
    return steps


def bury(s, broken):
    """Under the hub's lock. Whether the connection with the old id was there to be cut."""
    if s["id"] != OLD or not s["slot"]:
        return False
    s["slot"], s["cut"], s["linked"], s["grave"] = False, True, False, True
    ref(s)  # the bin's
    if broken == "the memory goes at the cut":
        unref(s)
    return True


def reap(s, broken):
    """Under the hub's lock; true: the connection is free."""
    if not s["grave"] or s["walk"] or (s["held"] and broken != "a held grave is recycled"):
        return False
    s["grave"] = False
    return True


def bin_free(s, broken):
    if broken != "the memory goes at the cut":
        unref(s)
    s["recycled"] = True


def cutter(prefix, first, broken):
    """hy__connection_cut() or hy_signal_disconnect(): the hub's lock as one step."""

    def lock(s):
        if not bury(s, broken):
            return None
        return f"{prefix}_free" if reap(s, broken) else f"{prefix}_cut_unuse"

    def free(s):
        bin_free(s, broken)
        return f"{prefix}_cut_unuse"

    def memory(s):  # the bin's
        unref(s)
        return None

    steps = {first: lock, f"{prefix}_free": free, f"{prefix}_memory": memory}
    steps.update(Unuse(f"{prefix}_cut", f"{prefix}_memory", broken).steps())
    return steps


def handle(broken):
    def hold(s):
        if s["id"] != OLD and broken != "a hold does not look at the id":
            return None
        if s["cut"] and broken != "what was cut can be held":
            return None
        if s["held"]:
            return BLOCKED
        if broken == "looked at and held in two steps":
            return "hold_late"
        s["held"] = True
        return "ask"

    def hold_late(s):
        s["held"] = True
        return "ask"

    def ask(s):  # the extension and the receiver's anchor, both kept by the connection
        require(not s["recycled"], "a held connection was recycled")
        require(s["id"] == OLD, "a stale handle holds another connection")
        touch(s)
        return "let_go"

    def let_go(s):
        require(s["held"], "somebody else let it go")
        s["held"] = False
        return "disconnect"

    steps = {"hold": hold, "hold_late": hold_late, "ask": ask, "let_go": let_go}
    steps.update(cutter("h", "disconnect", broken))
    return steps


def pool(broken):
    def look(s):
        if reap(s, broken):
            return "free"
        return "recycle" if s["recycled"] else BLOCKED

    def free(s):
        bin_free(s, broken)
        return "recycle"

    def recycle(s):  # hy_signal_connect() of something else
        s["id"], s["cut"], s["slot"], s["recycled"] = NEW, False, True, False
        return None

    return {"look": look, "free": free, "recycle": recycle}


def model(keep, broken):
    first = {"id": OLD, "held": False, "cut": False, "slot": True, "linked": True, "grave": False,
             "recycled": False, "walk": False, "uses": 1, "refs": 2, "destroyed": False,
             "ext_freed": False, "mail": 0, "E": "begin", "D": "take", "C": "cut", "H": "hold",
             "I": "hold", "P": "look"}
    threads = {"E": emitter(keep, broken), "D": receiver(keep, broken),
               "C": cutter("c", "cut", broken), "H": handle(broken), "I": handle(broken),
               "P": pool(broken)}

    def final(s):
        require(s["mail"] == 0, "a call is left")
        require(s["destroyed"], "the context is never destroyed")
        require(s["ext_freed"] and s["refs"] == 0, "the extension is never freed")
        require(s["id"] == NEW and s["slot"], "the next connection was cut by a stale handle")

    return explore(first, threads, final, may_wait=("D",))


COMMON = ["a use is added to none", "a cut does not wait for calls", "the memory goes at the cut",
          "a queued call holds no memory", "a held grave is recycled", "what was cut can be held",
          "a hold does not look at the id", "looked at and held in two steps"]

if __name__ == "__main__":
    main(variants("queued calls end with the connection", lambda broken: model(False, broken),
                  COMMON) +
         variants("queued calls outlive the cut", lambda broken: model(True, broken),
                  COMMON + ["a kept call has no use"]))
