#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""src/core/hub.c: a hub that is closed by its sender while receivers cut their connections from
the other side.

K closes the hub inside a slot of its own emission; R delivers to a receiver with two connections
and finishes it; D cuts the first one as a single-shot emission does; L is a loop that looks after
orphans. Something is queued through connection 1: it outlives its sender, linked in the closed hub,
until a CUT message behind what was queued. Lock order: hub, then anchor. Checked: each connection
is buried and freed once, the hub is freed once, after the last use; what a sender queued before its
end arrives; nobody waits for ever.
"""

from explore import BLOCKED, explore, main, put, require, variants

COUNT = 2
QUEUED = 1  # the connection through which something was queued


def set_in(s, name, index, value):
    s[name] = put(s[name], index, value)


def touch(s):
    require(not s["hub_freed"], "the hub is used after it was freed")


class Party:
    """What every thread does with a hub, as subroutines that return to a label. Names start with
    the thread's."""

    def __init__(self, me, broken):
        self.me, self.broken = me, broken
        self.cell, self.back = f"{me}.cell", f"{me}.back"
        self.mine, self.after = f"{me}.mine", f"{me}.after"
        self.survivor = f"{me}.survivor"
        self.first = {self.survivor: False, self.cell: None, self.back: None, self.mine: (),
                      self.after: None}

    def steps(self):
        names = ("lock_hub", "slot", "anchor", "bury", "reap", "unlock_hub", "free", "unref",
                 "try_lock", "try_look", "orphan")
        return {name: getattr(self, name) for name in names}

    # bury(), under the hub's lock
    def slot(self, s):
        touch(s)
        c = s[self.cell]
        if not s["slot"][c] and self.broken != "the slot is not looked at again":
            return s[self.back]
        set_in(s, "slot", c, False)
        return "anchor"

    def anchor(self, s):  # a section under the anchor's lock
        if s["anchor"] is not None:
            return BLOCKED
        c = s[self.cell]
        require(c in s["incoming"], "a connection is taken out of its receiver twice")
        s["incoming"] = tuple(x for x in s["incoming"] if x != c)
        return "bury"

    def bury(self, s):
        touch(s)
        c = s[self.cell]
        if s["closed"] and self.me != "K" and self.broken != "a survivor gives no reference back":
            s[self.survivor] = True
        s["list"] = tuple(x for x in s["list"] if x != c)
        s["graves"] += (c,)
        return s[self.back]

    def reap(self, s):
        touch(s)
        if not s["walk"]:  # the numbers of walks are model_walk.py's
            s[self.mine], s["graves"] = s[self.mine] + s["graves"], ()
        return "unlock_hub"

    def lock_hub(self, s):
        touch(s)
        if s["hub_lock"] is not None:
            return BLOCKED
        s["hub_lock"] = self.me
        return "slot"

    def unlock_hub(self, s):
        touch(s)
        s["hub_lock"] = None
        return "free"

    def free(self, s):  # free_graves()
        if not s[self.mine]:
            return "unref"
        c, s[self.mine] = s[self.mine][0], s[self.mine][1:]
        require(not s["freed"][c], "a connection is freed twice")
        set_in(s, "freed", c, True)
        return "free"

    # hub_unref(); in cut_with_hub() first the one of a connection that outlived its sender
    def unref(self, s):
        touch(s)
        s["refs"] -= 1
        if s[self.survivor]:
            s[self.survivor] = False
            require(s["refs"] > 0, "the last reference goes before its owner's")
            return "unref"
        return "try_lock" if s["refs"] == 0 else s[self.after]

    def try_lock(self, s):  # try_free()
        touch(s)
        if s["hub_lock"] is not None:
            return BLOCKED
        if not s["walk"]:
            for c in s["graves"]:
                require(not s["freed"][c], "a connection is freed twice")
                set_in(s, "freed", c, True)
            s["graves"] = ()
        s["hub_lock"] = self.me
        return "try_look"

    def try_look(self, s):
        s["hub_lock"] = None
        if (s["graves"] or s["walk"]) and self.broken != "a hub is freed while it is walked":
            return "orphan"
        touch(s)
        s["hub_freed"] = True
        return s[self.after]

    def orphan(self, s):
        require(not s["orphans"], "a hub is an orphan twice")
        s["orphans"] = True
        return s[self.after]


def closer(broken):
    p = Party("K", broken)

    def emit(s):  # walk_begin()
        s["walk"] = True
        return "lock"

    def lock(s):  # hy__signal_close() in a slot
        touch(s)
        if s["hub_lock"] is not None:
            return BLOCKED
        s["hub_lock"] = "K"
        s["closed"] = True
        s[p.back], s[p.after] = "bury_all", "walk_end"
        if QUEUED in s["list"] and broken != "the end of a sender cuts what has queued":
            s["refs"] += broken != "a survivor takes no reference"
        return "bury_all"

    def bury_all(s):  # close_hub()
        cut_all = broken == "the end of a sender cuts what has queued"
        todo = [c for c in s["list"] if c != QUEUED or cut_all]
        if not todo:
            return "reap"
        s[p.cell] = todo[0]
        return "slot"

    def free(s):
        return p.free(s) if s[p.mine] else "survivors"

    def survivors(s):  # list_survivors(): under the lock
        touch(s)
        if s["hub_lock"] is not None:
            return BLOCKED
        return "post" if s["list"] else "unref"

    def post(s):  # cut_behind_the_last(); a dead receiver cuts by itself
        if not s["dead"]:
            s["mail"] += ("cut",)
        return "unref"

    def walk_end(s):
        touch(s)
        s["walk"] = False
        s[p.after] = None
        return "orphans"

    def orphans(s):  # hy__orphans_reap()
        if not s["orphans"]:
            return None
        s["orphans"] = False
        return "try_lock"

    steps = p.steps()
    steps.update({"emit": emit, "lock": lock, "bury_all": bury_all, "free": free,
                  "survivors": survivors, "post": post,
                  "walk_end": walk_end, "orphans": orphans})
    return p, steps, "emit"


def receiver(broken):
    """hy__connections_of_receiver_cut(): hub reference under the anchor's lock, let go, hub lock,
    look again."""
    p = Party("R", broken)

    def deliver(s):
        if not s["mail"]:
            return BLOCKED
        kind, s["mail"] = s["mail"][0], s["mail"][1:]
        if kind == "call":  # slot_of()
            require(s["slot"][QUEUED], "what a sender queued before its end is lost")
            return "idle"
        return "cut"

    def cut(s):  # hy__connection_cut() for the CUT message
        if s["anchor"] is not None:
            return BLOCKED
        if not s["slot"][QUEUED]:
            return "idle"
        touch(s)
        s["refs"] += 1
        s[p.cell], s[p.back], s[p.after] = QUEUED, "reap", "idle"
        return "lock_hub"

    def fini(s):
        if s["anchor"] is not None:
            return BLOCKED
        s["dead"] = True  # mark_dead(): posts fail, what is queued is dropped
        return "look"

    def look(s):
        if s["anchor"] is not None:
            return BLOCKED
        if not s["incoming"]:
            return None
        s[p.cell] = s["incoming"][0]
        s[p.back], s[p.after] = "reap", "look"
        if broken == "locks the hub under the anchor's lock":
            s["anchor"] = "R"
            return "wrong_order"
        if broken != "no reference to the hub is taken":
            touch(s)
            s["refs"] += 1
        return "lock_hub"

    def wrong_order(s):
        if s["hub_lock"] is not None:
            return BLOCKED
        s["anchor"] = None
        s["refs"] += 1
        return "lock_hub"

    def unref(s):
        if s[p.after] == "idle":
            return p.unref(s)
        return "look" if broken == "no reference to the hub is taken" else p.unref(s)

    steps = p.steps()
    steps.update({"idle": [deliver, fini], "cut": cut, "look": look, "wrong_order": wrong_order,
                  "unref": unref})
    return p, steps, "idle"


def single_shot(broken):
    """hy__connection_cut() of connection 0: what a queued single-shot call does before it calls the
    slot."""
    p = Party("D", broken)

    def look(s):
        if s["anchor"] is not None:
            return BLOCKED
        if not s["slot"][0]:
            return None
        touch(s)
        s["refs"] += 1
        s[p.cell], s[p.back], s[p.after] = 0, "reap", None
        return "lock_hub"

    steps = p.steps()
    steps.update({"look": look})
    return p, steps, "look"


def loop(broken):
    p = Party("L", broken)

    def look(s):
        if not s["orphans"]:
            return BLOCKED
        s["orphans"] = False  # the exchange
        s[p.after] = "look"
        return "try_lock"

    steps = p.steps()
    steps.update({"look": look})
    return p, steps, "look"


def hub(broken):
    first = {"slot": (True,) * COUNT, "freed": (False,) * COUNT, "incoming": tuple(range(COUNT)),
             "list": tuple(range(COUNT)), "graves": (), "refs": 1, "hub_lock": None, "anchor": None,
             "hub_freed": False,
             "closed": False, "walk": False, "orphans": False, "dead": False, "mail": ("call",)}
    threads = {}
    for name, made in (("K", closer(broken)), ("R", receiver(broken)), ("D", single_shot(broken)),
                       ("L", loop(broken))):
        party, threads[name], first[name] = made
        first.update(party.first)

    def final(s):
        require(s["L"] == "look", "the loop is blocked for ever")
        require(all(s["freed"]), "a connection is never freed")
        require(s["hub_freed"], "the hub is never freed")

    return explore(first, threads, final, may_wait=("L",))


def spent(broken):
    """emit_to(): two threads emit to one single-shot connection; whoever sets the bit calls the
    slot."""

    def emitter(me):
        def mark(s):
            if broken == "the bit is read and written in two steps":
                s[f"{me}.seen"] = s["bit"]
                return "store"
            was, s["bit"] = s["bit"], True
            return None if was else "call"

        def store(s):
            s["bit"] = True
            return None if s[f"{me}.seen"] else "call"

        def call(s):
            s["calls"] += 1
            require(s["calls"] == 1, "a single-shot slot runs twice")
            return None

        return {"mark": mark, "store": store, "call": call}

    first = {"a": "mark", "b": "mark", "a.seen": False, "b.seen": False, "bit": False, "calls": 0}
    return explore(first, {"a": emitter("a"), "b": emitter("b")},
                   lambda s: require(s["calls"] == 1, "never called"))


if __name__ == "__main__":
    main(
        variants("close, cuts from the receiver's side, orphans", hub,
                 ["the slot is not looked at again", "no reference to the hub is taken",
                  "locks the hub under the anchor's lock",
                  "a hub is freed while it is walked", "the end of a sender cuts what has queued",
                  "a survivor takes no reference", "a survivor gives no reference back"])
        + variants("single shot from two threads", spent,
                   ["the bit is read and written in two steps"])
    )
