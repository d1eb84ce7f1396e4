#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""src/core/handle.c, hub.c: holders of a connection, counted in the word of its id and flags; and
the `fired` flag of extension.c, for a single shot whose emitter has given up.

The first model: three handles hold a connection, two at most at a time (the bits of the count are
full then), while it is cut, its hub is closed, its memory is recycled, and a new handle of the
next connection holds that. Checked: what is held is not recycled, and neither is its hub freed; no
stale handle reaches the next connection; connection and hub are freed in the end.
"""

from explore import BLOCKED, explore, main, require, variants

MOST = 2  # 31 in the code: the same bits for each count
OLD, NEW = 1, 2


def word(identity, held=0, cut=False):
    return (identity, held, cut)


def touch_hub(s):
    require(not s["hub_freed"], "the hub is used after it was freed")


def try_free(s, broken):
    """try_free() in hub.c: a section under the hub's lock; it has no reference left."""
    touch_hub(s)
    identity, held, cut = s["word"]
    if s["grave"]:
        require(cut and identity == OLD, "a grave that was not cut")
        if held and broken != "what is held is recycled":
            return False
        s["grave"], s["freed"] = False, True
    s["hub_freed"] = True
    return True


def reap_orphans(me, then, broken):
    """hy__orphans_reap(): the exchange, and the attempt."""

    def take(s):
        if not s["orphan"]:
            return then
        s["orphan"] = False
        return "orphan_try"

    def attempt(s):
        if not try_free(s, broken):
            s["orphan"] = True
        return then

    return {"orphan_take": take, "orphan_try": attempt}


def handle(me, mine, broken):
    seen = f"{me}.seen"

    def load(s):
        s[seen] = s["word"]
        return "hold"

    def hold(s):  # hy__connection_hold()
        identity, held, cut = s[seen]
        if identity != mine or (cut and broken != "what was cut can be held"):
            s[seen] = None
            return None
        if held >= MOST and broken != "nobody waits when the bits are full":
            return "back_off"
        if broken == "a hold is a load and a store":
            s["word"] = word(identity, held + 1, cut)
        elif s["word"] != s[seen]:
            s[seen] = s["word"]
            return "hold"
        elif held >= MOST:
            s["word"] = word(identity + 1, 0, cut)  # the count runs into the id
        else:
            s["word"] = word(identity, held + 1, cut)
        s[seen] = None
        return "look"

    def back_off(s):  # it sleeps and looks again
        if s["word"] == s[seen]:
            return BLOCKED
        s[seen] = s["word"]
        return "hold"

    def look(s):  # the anchor, the hub, the extension
        require(s["word"][0] == mine, "a stale handle holds another connection")
        if mine == OLD:
            require(not s["freed"], "what is held is recycled")
            touch_hub(s)
        return "let_go"

    def let_go(s):
        if broken == "a holder looks for the cut before it lets go":
            s[seen] = s["word"]
            return "let_go_late"
        return give_back(s, s["word"][2])

    def let_go_late(s):
        return give_back(s, s[seen][2])

    def give_back(s, was_cut):
        identity, held, cut = s["word"]
        require(held > 0, "somebody else let it go")
        s["word"] = word(identity, held - 1, cut)
        s[seen] = None
        reaps = was_cut and broken != "a holder leaves the orphans to others"
        return "orphan_take" if reaps else None

    steps = {"load": load, "hold": hold, "back_off": back_off, "look": look, "let_go": let_go,
             "let_go_late": let_go_late}
    steps.update(reap_orphans(me, None, broken))
    return steps


def closer(broken):
    """The end of the sender: cuts, reaps, and drops the hub's last reference."""

    def cut(s):  # hy__hub_bury() under the lock: the bit first, the look for holders later
        if broken == "the cut is marked after the look for holders":
            return "reap_early"
        s["word"] = word(s["word"][0], s["word"][1], True)
        s["grave"] = True
        return "reap"

    def reap_early(s):
        s["grave"] = s["word"][1] != 0
        s["freed"] = not s["grave"]
        return "mark_late"

    def mark_late(s):
        s["word"] = word(s["word"][0], s["word"][1], True)
        return "unref"

    def reap(s):
        if s["word"][1] == 0 or broken == "what is held is recycled":
            s["grave"], s["freed"] = False, True
        return "unref"

    def unref(s):
        if not try_free(s, broken):
            return "orphan_push"
        return None

    def orphan_push(s):
        s["orphan"] = True
        return "orphan_take"  # as the next loop does that comes by

    steps = {"cut": cut, "reap_early": reap_early, "mark_late": mark_late, "reap": reap,
             "unref": unref, "orphan_push": orphan_push}
    steps.update(reap_orphans("K", None, broken))
    return steps


def pool():
    def recycle(s):  # hy_signal_connect() of somebody else: a plain store of the whole word
        if not s["freed"]:
            return BLOCKED
        s["word"] = word(NEW)
        return "hold_new"

    def hold_new(s):
        identity, held, _ = s["word"]
        require(identity == NEW and held < MOST, "the next connection is held by strangers")
        s["word"] = word(NEW, held + 1)
        return "let_go_new"

    def let_go_new(s):
        require(s["word"] == word(NEW, 1), "a stale handle changes the next connection")
        s["word"] = word(NEW)
        return None

    return {"recycle": recycle, "hold_new": hold_new, "let_go_new": let_go_new}


def holders(broken):
    names = ("h", "i", "j")
    first = {"word": word(OLD), "grave": False, "freed": False, "hub_freed": False,
             "orphan": False, "K": "cut", "P": "recycle"}
    threads = {"K": closer(broken), "P": pool()}
    for name in names:
        first.update({name: "load", f"{name}.seen": None})
        threads[name] = handle(name, OLD, broken)

    def final(s):
        require(s["hub_freed"], "the hub is never freed")
        require(s["word"] == word(NEW), "a stale handle changes the next connection")

    return explore(first, threads, final)


def fired(broken):
    """A kept single shot with a time-out: the emitter gives up a call and emits again. The slot runs
    once at most, and an emission that was told that it has not fired can be made again."""

    def emit(s):  # hy__emit_rare(): who sets the bit queues
        if s["emissions"] == 0:
            return None
        s["emissions"] -= 1
        if s["spent"]:
            return "emit"
        s["spent"] = True
        return "post"

    def post(s):
        s["calls"] += ("waiting",)
        s["mine"] = len(s["calls"]) - 1
        return "give_up"

    def give_up(s):  # the time-out, at any moment; too late when it is done
        state = s["calls"][s["mine"]]
        if state in ("done", "dropped"):
            return "over"
        s["calls"] = tuple("abandoned" if i == s["mine"] else x for i, x in enumerate(s["calls"]))
        return "not_fired"

    def over(s):
        return "emit" if s["calls"][s["mine"]] == "done" else "not_fired"

    def not_fired(s):
        s["spent"] = False
        return "emit"

    def take(s):
        if s["next"] == len(s["calls"]):
            return BLOCKED
        s["at"], s["next"] = s["next"], s["next"] + 1
        return "begin"

    def set_call(s, value):
        s["calls"] = tuple(value if i == s["at"] else x for i, x in enumerate(s["calls"]))

    def begin(s):
        if s["calls"][s["at"]] != "waiting":
            return "take"
        set_call(s, "running")
        return "cut"

    def cut(s):  # is_wanted(): hy__connection_cut()
        s["was_cut"], s["is_cut"] = not s["is_cut"], True
        return "fired"

    def fired_bit(s):  # the exchange; kept: it is wanted although it has been cut
        first = not s["fired"]
        s["fired"] = True
        if broken == "a kept call does not look whether one has fired":
            first = True
        return "run" if first else "dropped"

    def run(s):
        s["runs"] += 1
        require(s["runs"] == 1, "a single shot runs twice")
        if s["calls"][s["at"]] == "running":
            set_call(s, "done")
        return "take"

    def dropped(s):
        if s["calls"][s["at"]] == "running":
            set_call(s, "dropped")
        return "take"

    first = {"E": "emit", "D": "take", "emissions": 2, "spent": False, "calls": (), "mine": None,
             "next": 0, "at": None, "is_cut": False, "was_cut": False, "fired": False, "runs": 0}
    threads = {"E": {"emit": emit, "post": post, "give_up": give_up, "over": over,
                     "not_fired": not_fired},
               "D": {"take": take, "begin": begin, "cut": cut, "fired": fired_bit, "run": run,
                     "dropped": dropped}}

    def final(s):
        require(s["D"] == "take", "the receiver is blocked for ever")
        require("waiting" not in s["calls"], "a call is left")

    return explore(first, threads, final, may_wait=("D",))


if __name__ == "__main__":
    main(
        variants("three handles, a cut, the end of the hub, recycling", holders,
                 ["what is held is recycled", "what was cut can be held",
                  "a hold is a load and a store", "nobody waits when the bits are full",
                  "the cut is marked after the look for holders",
                  "a holder looks for the cut before it lets go",
                  "a holder leaves the orphans to others"])
        + variants("a single shot that was given up", fired,
                   ["a kept call does not look whether one has fired"])
    )
