#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""src/core/thread.c and control.c: a join and a quit from elsewhere against a thread that ends and is
started again.

All words carry the number of the run. A join is of the run it found: it returns when that one has
ended, though the next one runs for ever. Each system thread is joined once. A quit that found the
first run does nothing to the second.
"""

from explore import BLOCKED, explore, main, require, variants


def home(broken):
    """hy_thread_start() of the second run: joins the first, then begins."""

    def wait_first(s):
        return "claim" if s["state"] == (1, "finished") else BLOCKED

    def claim(s):
        if s["joined"] == (1, "nobody"):
            s["joined"] = (1, "somebody")
            return "os_join"
        return "wait_joined"

    def os_join(s):
        require(s["os"] not in s["os_joined"], "a system thread is joined twice")
        s["os_joined"] += (s["os"],)
        s["joined"] = (1, "ended")
        return "starting"

    def wait_joined(s):
        return "starting" if s["joined"] == (1, "ended") else BLOCKED

    def starting(s):
        s["joined"] = (2, "nobody" if broken == "the join opens before the thread is made"
                       else "starting")
        return "begin_quit"

    def begin_quit(s):
        s["quit"] = (2, False)
        return "begin_state"

    def begin_state(s):
        s["state"] = (2, "running")
        return "os_start"

    def os_start(s):  # the system makes the thread, and then says which it is
        s["born"] = True
        return "os_known"

    def os_known(s):
        s["os"] = "second"
        return "may_join"

    def may_join(s):
        s["joined"] = (2, "nobody")
        return None

    return {"wait_first": wait_first, "claim": claim, "os_join": os_join,
            "wait_joined": wait_joined, "starting": starting, "begin_quit": begin_quit,
            "begin_state": begin_state, "os_start": os_start, "os_known": os_known,
            "may_join": may_join}


def thread(broken):
    """The first run ends by itself; the second does not, but may be ended to let a late join go."""

    def first_ends(s):
        s["state"] = (1, "finished")
        return "second"

    def second(s):  # somebody joins the second run on purpose: it ends
        if s["state"] != (2, "running") or not s["born"] or not s["wants_second"]:
            return BLOCKED if not s["done"] else None
        s["state"] = (2, "finished")
        return None

    return {"first_ends": first_ends, "second": second}


def joiner(broken):
    def look(s):
        s["run"] = s["state"][0]
        s["wants_second"] = s["run"] == 2
        return "wait"

    def wait(s):  # wait_for_finished()
        run, state = s["state"]
        if broken != "a join waits for whatever runs" and run != s["run"]:
            return "claim"
        return "claim" if state == "finished" else BLOCKED

    def claim(s):  # join_system_thread()
        run, who = s["joined"]
        if broken != "a join claims whatever thread there is" and run != s["run"]:
            return "leave"
        if who == "nobody":
            s["joined"] = (run, "somebody")
            return "os_join"
        return "leave" if who == "ended" else BLOCKED

    def os_join(s):
        require(s["os"] not in s["os_joined"], "a system thread is joined twice")
        if s["os"] == "second" and s["state"] != (2, "finished"):
            require(s["run"] == 2, "a join of the first run waits for the second")
            return BLOCKED
        s["os_joined"] += (s["os"],)
        s["joined"] = (s["joined"][0], "ended")
        return "leave"

    def leave(s):
        s["done"] = True
        return None

    return {"look": look, "wait": wait, "claim": claim, "os_join": os_join, "leave": leave}


def quitter(broken):
    def look(s):  # run_of()
        s["quit_run"] = s["state"][0] if s["state"][1] == "running" else 0
        return "store" if s["quit_run"] else None

    def store(s):  # set_quit()
        if broken == "a quit does not look at the run" or s["quit"][0] == s["quit_run"]:
            s["quit"] = (s["quit"][0], True)
            s["quit_by"] = s["quit_run"]
        return None

    return {"look": look, "store": store}


def restart(broken):
    first = {"home": "wait_first", "thread": "first_ends", "joiner": "look", "quitter": "look",
             "state": (1, "running"), "joined": (1, "nobody"), "quit": (1, False), "quit_by": 0,
             "quit_run": 0, "run": 0, "os": "first", "born": False, "os_joined": (), "wants_second": False,
             "done": False}

    def at_end(s):
        require(s["done"], "the join never returned")
        require(s["quit"] == (2, False) or s["quit_by"] == 2, "a quit of the first run hit the second")

    threads = {"home": home(broken), "thread": thread(broken), "joiner": joiner(broken),
               "quitter": quitter(broken)}
    return explore(first, threads, at_end)


if __name__ == "__main__":
    main(variants("a join and a quit against a restart", restart,
                  ["a join waits for whatever runs", "a join claims whatever thread there is",
                   "a quit does not look at the run", "the join opens before the thread is made"]))
