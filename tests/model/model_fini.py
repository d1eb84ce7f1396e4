#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Anchors at the end of an object: hy__post(), hy_object_fini(), count_arrival() in message.c,
hy__record_finish().

Two posters with a weak reference each post while the home thread delivers, finishes the object
(with a loop inside its fini or without) and ends. Each payload is destroyed exactly once; the
anchor is freed exactly once, by the last who needs it, and nobody touches it afterwards.
"""

from explore import BLOCKED, explore, main, require, variants

CLOSED = "closed"


def touch(s):
    require(not s["freed"], "the anchor is used after it was freed")


def unref(s):
    touch(s)
    s["refs"] -= 1
    if s["refs"] == 0:
        s["freed"] = True


def destroy_payload(s, message):
    require(message not in s["destroyed"], "a payload is destroyed twice")
    s["destroyed"] = s["destroyed"] | {message}


def poster(me, broken, count):
    n = f"{me}.n"

    def lock(s):
        if s[n] == count:
            return "release"
        touch(s)
        if s["lock"]:
            return BLOCKED
        s["lock"] = me
        return "push"

    def push(s):  # the look at `dead` and the push are both under the lock
        touch(s)
        message = (me, s[n])
        if s["dead"] or s["box"] == CLOSED:
            s["lock"] = None
            return "discard"
        s["box"] += (message,)
        return "late_unlock" if broken == "posted is counted after the unlock" else "count"

    def count_it(s):
        touch(s)
        s["posted"] += 1
        return "unlock"

    def unlock(s):
        touch(s)
        s["lock"] = None
        s[n] += 1
        return "lock"

    def late_unlock(s):
        s["lock"] = None
        return "late_count"

    def late_count(s):
        touch(s)
        s["posted"] += 1
        s[n] += 1
        return "lock"

    def discard(s):
        destroy_payload(s, (me, s[n]))
        s[n] += 1
        return "lock"

    def release(s):  # hy_ref_release()
        unref(s)
        return None

    return {"lock": lock, "push": push, "count": count_it, "unlock": unlock, "discard": discard,
            "release": release,
            "late_unlock": late_unlock, "late_count": late_count}


def home(broken, loop_in_fini):
    def arrive(s, message):
        """call() counts before it calls; hy__message_drop() counts, and drops the reference of a
        finished object."""
        touch(s)
        s["delivered"] += 1
        if s["object"]:
            require(message not in s["seen"], "delivered twice")
            s["seen"] = s["seen"] | {message}
        else:
            over = s["finished"] or broken == "a drop inside fini lets the anchor go"
            settled = s["delivered"] == s["posted"]
            if over and settled and broken != "the last message keeps the reference":
                unref(s)
        destroy_payload(s, message)

    def take(s):
        if s["box"] in ((), CLOSED):
            return BLOCKED
        s["queue"] += s["box"]
        s["box"] = ()
        return s["home"]

    def deliver(s):
        if not s["queue"]:
            return BLOCKED
        message, s["queue"] = s["queue"][0], s["queue"][1:]
        arrive(s, message)
        return s["home"]

    def fini(s):  # mark_dead(): under the lock
        if not s["object"]:
            return BLOCKED
        touch(s)
        if broken == "dead is set without the lock":
            s["dead"] = True
            s["object"] = False
            return "hooks" if loop_in_fini else "settle"
        if s["lock"]:
            return BLOCKED
        s["dead"] = True
        s["object"] = False
        return "hooks" if loop_in_fini else "settle"

    def hooks_end(s):
        return "settle"

    def settle(s):  # the end of hy_object_fini()
        touch(s)
        s["finished"] = True
        if s["delivered"] == s["posted"] or broken == "fini always drops the reference":
            unref(s)
        return "idle"

    # hy__record_finish(): objects first, then hy__mailbox_close(), then drop_messages()
    def end(s):
        if s["object"]:
            return BLOCKED
        s["queue"] += s["box"]
        s["box"] = CLOSED
        return "drop"

    def drop(s):
        if not s["queue"]:
            return None
        message, s["queue"] = s["queue"][0], s["queue"][1:]
        if broken == "the end forgets to count what it drops":
            destroy_payload(s, message)
        else:
            arrive(s, message)
        return "drop"

    return {"idle": [take, deliver, fini, end], "hooks": [take, deliver, hooks_end],
            "settle": settle, "drop": drop}


def model(loop_in_fini):
    def run(broken):
        first = {"home": "idle", "a": "lock", "b": "lock", "a.n": 0, "b.n": 0, "lock": None,
                 "refs": 3, "freed": False,
                 "dead": False, "object": True, "finished": False, "posted": 0, "delivered": 0,
                 "box": (), "queue": (),
                 "seen": frozenset(), "destroyed": frozenset()}
        threads = {"home": home(broken, loop_in_fini), "a": poster("a", broken, 2),
                   "b": poster("b", broken, 2)}

        def final(s):
            require(len(s["destroyed"]) == 4, "a payload is never destroyed")
            require(s["freed"], "the anchor is never freed")

        return explore(first, threads, final)

    return run


if __name__ == "__main__":
    main(
        variants("fini against posters and the thread's end", model(False),
                 ["dead is set without the lock", "fini always drops the reference",
                  "the last message keeps the reference",
                  "posted is counted after the unlock", "the end forgets to count what it drops"])
        + variants("a loop inside fini", model(True), ["a drop inside fini lets the anchor go"])
    )
