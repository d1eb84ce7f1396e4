#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""src/core/thread.c: hy_thread_join() from two threads against the end of thread_main().

Everybody is parked on the state word until it says FINISHED; exactly one joins the system thread,
the others wait for that one; all return after the system thread has ended.
"""

from explore import BLOCKED, explore, main, require, variants


def ending(broken):
    def finishing(s):
        s["state"] = "finishing"
        return "finished"

    def finished(s):
        if broken == "unpark before the state word":
            s["asleep"] = ()
            return "late_store"
        s["state"] = "finished"
        return "unpark"

    def late_store(s):
        s["state"] = "finished"
        return "exit"

    def unpark(s):  # hy__unpark(&record->state)
        s["asleep"] = tuple(x for x in s["asleep"] if x[1] != "state")
        return "exit"

    def leave(s):  # thread-local destructors have run
        s["ended"] = True
        return None

    return {"finishing": finishing, "finished": finished, "late_store": late_store,
            "unpark": unpark, "exit": leave}


def joiner(me, broken):
    def park(s, word, value, again):
        """hy__park(): the system looks at the word and puts the caller to sleep in one step."""
        if s[word] == value or broken == "parking does not look at the word":
            s["asleep"] += ((me, word),)
        return again

    def awake(s):
        return not any(name == me for name, _ in s["asleep"])

    def wait_running(s):  # wait_for_finished(): running
        if not awake(s):
            return BLOCKED
        return "park_running" if s["state"] == "running" else "wait_finishing"

    def wait_finishing(s):  # wait_for_finished(): finishing
        if not awake(s):
            return BLOCKED
        return "park_finishing" if s["state"] == "finishing" else "claim"

    def claim(s):  # join_system_thread()
        if s["joined"] == 0:
            if broken == "the claim is a load and a store":
                return "claim_store"
            s["joined"] = 1
            return "os_join"
        return "wait_joined"

    def claim_store(s):
        s["joined"] = 1
        return "os_join"

    def os_join(s):
        require(not s["os_joined"], "the system thread is joined twice")
        if not s["ended"]:
            return BLOCKED
        s["os_joined"] = True
        return "told"

    def told(s):
        s["joined"] = 2
        return None if broken == "nobody wakes the second joiner" else "unpark"

    def unpark(s):
        s["asleep"] = tuple(x for x in s["asleep"] if x[1] != "joined")
        return "return"

    def wait_joined(s):
        if not awake(s):
            return BLOCKED
        return "park_joined" if s["joined"] == 1 else "return"

    def leave(s):
        require(s["ended"], "join returned before the end")
        return None

    return {"wait_running": wait_running, "wait_finishing": wait_finishing, "claim": claim,
            "claim_store": claim_store,
            "os_join": os_join, "told": told, "unpark": unpark, "wait_joined": wait_joined,
            "return": leave,
            "park_running": lambda s: park(s, "state", "running", "wait_running"),
            "park_finishing": lambda s: park(s, "state", "finishing", "wait_finishing"),
            "park_joined": lambda s: park(s, "joined", 1, "wait_joined")}


def join(broken):
    first = {"thread": "finishing", "a": "wait_running", "b": "wait_running", "state": "running",
             "joined": 0,
             "asleep": (), "ended": False, "os_joined": False}
    threads = {"thread": ending(broken), "a": joiner("a", broken), "b": joiner("b", broken)}
    return explore(first, threads,
                   lambda s: require(s["os_joined"], "nobody joined the system thread"))


if __name__ == "__main__":
    main(variants("two joiners and the end of the thread", join,
                  ["unpark before the state word", "parking does not look at the word",
                   "the claim is a load and a store", "nobody wakes the second joiner"]))
