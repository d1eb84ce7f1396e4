#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Quitting a thread whose dispatcher is made lazily: hy__record_quit(), hy__record_wake(),
hy__record_need_dispatcher(), hy__loop_run() and wait_for_something(), with a poster beside. No
quit is lost; no wake-up either.
"""

from explore import BLOCKED, explore, main, require, variants


def quitter(broken):
    def store(s):
        if broken == "wake before the quit word":
            s["seen"] = s["dispatcher"]
            return "early_wake"
        s["quit"] = True
        return "look"

    def look(s):  # hy__record_wake()
        s["seen"] = s["dispatcher"]
        return "wake" if s["seen"] else None

    def wake(s):
        s["woken"] = True
        return None

    def early_wake(s):
        if s["seen"]:
            s["woken"] = True
        s["quit"] = True
        return None

    return {"store": store, "look": look, "wake": wake, "early_wake": early_wake}


def poster():
    def push(s):
        wake = s["word"] == "asleep"
        s["word"] = "mail"
        return "wake" if wake else None

    def wake(s):
        require(s["dispatcher"], "asleep without a dispatcher")
        s["woken"] = True
        return None

    return {"push": push, "wake": wake}


def loop(broken):
    def enter(s):  # hy__loop_run()
        if broken == "looks for a quit before it makes the dispatcher":
            return "early_look"
        return "make"

    def early_look(s):
        return None if s["quit"] else "make_late"

    def make_late(s):
        s["dispatcher"] = True
        return "take"

    def make(s):  # hy__record_need_dispatcher()
        s["dispatcher"] = True
        return "look"

    def look(s):  # while (!hy__loop_should_stop())
        return None if s["quit"] else "take"

    def take(s):  # iterate(): hy__deliver()
        if s["word"] == "mail":
            s["word"] = "empty"
            s["delivered"] = True
        return "sleep"

    def sleep(s):  # wait_for_something(): hy__mailbox_sleep()
        if s["word"] == "mail":
            return "again"
        s["word"] = "asleep"
        if broken == "looks for a quit before it makes the dispatcher":
            return "wait"
        return "last_look"

    def last_look(s):
        return "wake_up" if s["quit"] else "wait"

    def wait(s):
        if not s["woken"]:
            return BLOCKED
        if broken == "wake-ups are cleared after the look at the quit word":
            return "clear_late"
        s["woken"] = False
        return "wake_up"

    def clear_late(s):  # a flag that is cleared only after it was acted on
        if s["quit"]:
            return None
        return "clear"

    def clear(s):
        s["woken"] = False
        s["word"] = "empty" if s["word"] == "asleep" else s["word"]
        return "take_blind"

    def take_blind(s):
        if s["word"] == "mail":
            s["word"] = "empty"
            s["delivered"] = True
        s["word"] = "asleep"
        return "wait"

    def wake_up(s):  # hy__mailbox_wake_up()
        if s["word"] == "asleep":
            s["word"] = "empty"
        return "again"

    def again(s):
        return "look"

    return {"enter": enter, "early_look": early_look, "make_late": make_late, "make": make,
            "look": look, "take": take,
            "sleep": sleep, "last_look": last_look, "wait": wait, "clear_late": clear_late,
            "clear": clear,
            "take_blind": take_blind, "wake_up": wake_up, "again": again}


def quitting(broken):
    first = {"loop": "enter", "quitter": "store", "poster": "push", "quit": False,
             "dispatcher": False, "seen": False,
             "woken": False, "word": "empty", "delivered": False}
    threads = {"loop": loop(broken), "quitter": quitter(broken), "poster": poster()}
    return explore(first, threads, lambda s: None)


if __name__ == "__main__":
    main(variants("quit against a lazily made dispatcher", quitting,
                  ["wake before the quit word", "looks for a quit before it makes the dispatcher",
                   "wake-ups are cleared after the look at the quit word"]))
