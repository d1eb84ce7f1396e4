#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""src/core/call.c: the record that a caller and its message share.

The caller looks, parks, and may be timed out at any moment; the receiver's thread begins, runs and
ends the message, or drops it. Nothing runs after a caller was told that it has not begun; a result
that is believed has been written; a drop releases the caller; the record is freed once, by the last
who needs it. Then: a caller that posts against a thread that ends and keeps its mail.
"""

from explore import BLOCKED, explore, main, require, variants

OVER = ("done", "dropped", "abandoned")


def touch(s):
    require(not s["freed"], "the record is used after it was freed")


def unref(s):
    touch(s)
    s["refs"] -= 1
    if s["refs"] == 0:
        s["freed"] = True


def advance(s, allowed, to):
    touch(s)
    if s["word"] not in allowed:
        return False
    s["word"] = to
    return True


def caller(broken):
    def look(s):
        touch(s)
        s["seen"] = s["word"]
        if s["word"] == "done":
            require(s["result"], "the result is believed before it is written")
            return "leave_done"
        if s["word"] == "dropped":
            require(not s["ran"], "a call that ran is called dropped")
            return "leave_dropped"
        return "park"

    def park(s):  # the system looks at the word and puts the caller to sleep in one step
        touch(s)
        if s["word"] != s["seen"] and broken != "parking does not look at the word":
            return "look"
        s["asleep"] = True
        return "sleep"

    def woken(s):
        return BLOCKED if s["asleep"] else "look"

    def timed_out(s):
        if not s["may_time_out"]:
            return BLOCKED
        s["asleep"] = False
        return "give_up_look" if broken == "giving up is a load and a store" else "give_up"

    def give_up(s):
        before = s["word"]
        if not advance(s, ("waiting", "running"), "abandoned"):
            return "look"
        s["not_begun"] = before == "waiting"
        return "leave_late"

    def give_up_look(s):
        touch(s)
        s["seen"] = s["word"]
        return "look" if s["word"] in OVER else "give_up_store"

    def give_up_store(s):
        touch(s)
        s["word"] = "abandoned"
        s["not_begun"] = s["seen"] == "waiting"
        return "leave_late"

    def leave(word):
        def step(s):
            s["said"] = word
            unref(s)
            return None
        return step

    return {"look": look, "park": park, "sleep": [woken, timed_out], "give_up": give_up,
            "give_up_look": give_up_look, "give_up_store": give_up_store,
            "leave_done": leave("done"), "leave_dropped": leave("dropped"),
            "leave_late": leave("late")}


def receiver(broken):
    def begin(s):  # hy__call_begin()
        if broken == "beginning is a load and a store":
            touch(s)
            return "begin_store" if s["word"] == "waiting" else "end"
        return "run" if advance(s, ("waiting",), "running") else "end"

    def begin_store(s):
        s["word"] = "running"
        return "run"

    def drop(s):
        return "unref" if broken == "a drop forgets the caller" else "end"

    def run(s):
        touch(s)
        require(not s["not_begun"], "it runs although the caller was told that it has not begun")
        s["ran"] = True
        return "end" if broken == "the result is written after the state" else "write"

    def write(s):
        touch(s)
        s["result"] = True
        return "unref" if s["word"] in OVER else "end"

    def end(s):  # wait_ends()
        if not advance(s, ("waiting", "running"), "done" if s["ran"] else "dropped"):
            return "write" if s["ran"] and not s["result"] else "unref"
        if broken == "the state is not followed by a wake-up":
            return "unref"
        return "unref_early" if broken == "the message lets go before it wakes" else "unpark"

    def unpark(s):
        touch(s)
        s["asleep"] = False
        return "write" if s["ran"] and not s["result"] else "unref"

    def unref_early(s):
        unref(s)
        return "unpark_late"

    def unpark_late(s):
        touch(s)
        s["asleep"] = False
        return None

    def let_go(s):
        unref(s)
        return None

    return {"begin": [begin, drop], "begin_store": begin_store, "run": run, "write": write,
            "end": end, "unpark": unpark, "unref": let_go, "unref_early": unref_early,
            "unpark_late": unpark_late}


def model_call(broken):
    def run(may_time_out):
        first = {"caller": "look", "receiver": "begin", "word": "waiting", "seen": None,
                 "asleep": False, "refs": 2, "freed": False, "ran": False, "result": False,
                 "not_begun": False, "said": None, "may_time_out": may_time_out}

        def final(s):
            require(s["said"] is not None, "the caller never returns")
            require(s["freed"], "the record is never freed")
            if s["said"] == "done":
                require(s["ran"], "a call that did not run is called done")

        return explore(first, {"caller": caller(broken), "receiver": receiver(broken)}, final)

    states, found = run(True)
    if found:
        return states, found
    more, found = run(False)  # nobody is rescued by a deadline
    return states + more, found


def model_keep(broken):
    """hy__record_finish() with HY_FINISH_KEEP against perform(): either the thread's last look at
    its mail finds the call, or the caller sees that the thread rests."""

    def post(s):
        s["box"] = True
        return "park" if broken == "the caller looks before it posts" else "check"

    def check(s):
        if s["resting"]:
            s["said"] = "refused"
            return None
        return "post" if broken == "the caller looks before it posts" else "park"

    def park(s):
        if not s["dropped"]:
            return BLOCKED
        s["said"] = "dropped"
        return None

    def rest(s):
        s["resting"] = True
        return None if broken == "the thread rests after its last look" else "take"

    def take(s):
        if s["box"]:
            s["box"] = False
            s["dropped"] = True
        return "rest" if broken == "the thread rests after its last look" else None

    early = broken == "the caller looks before it posts"
    late = broken == "the thread rests after its last look"
    first = {"caller": "check" if early else "post", "thread": "take" if late else "rest",
             "box": False, "resting": False, "dropped": False, "said": None}
    return explore(first, {"caller": {"post": post, "check": check, "park": park},
                           "thread": {"rest": rest, "take": take}}, lambda s: None)


if __name__ == "__main__":
    main(
        variants("a call against its deadline and its end", model_call,
                 ["parking does not look at the word", "giving up is a load and a store",
                  "beginning is a load and a store", "a drop forgets the caller",
                  "the result is written after the state",
                  "the state is not followed by a wake-up",
                  "the message lets go before it wakes"])
        + variants("a call against a thread that keeps its mail", model_keep,
                   ["the caller looks before it posts", "the thread rests after its last look"])
    )
