#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""src/core/mailbox.c: pushes against take, sleep, wake, an armed (hosted) mailbox, and the close
at a thread's end.

Each message is delivered in its sender's order or dropped exactly once, or its push fails; no
sleeper is forgotten.
"""

from explore import BLOCKED, explore, main, require, variants

EMPTY, ASLEEP, CLOSED = "empty", "asleep", "closed"
PER_PRODUCER = 3


def is_chain(word):
    return isinstance(word, tuple)


def producer(me, broken):
    """hy__mailbox_push() and, for the one that finds ASLEEP, hy__record_wake()."""
    n, head = f"{me}.n", f"{me}.head"

    def load(s):
        if s[n] == PER_PRODUCER:
            return None
        s[head] = s["word"]
        if broken == "wake before the push" and s[head] == ASLEEP:
            s["woken"] = True
        return "exchange"

    def exchange(s):
        if s[head] == CLOSED and broken != "push does not look for CLOSED":
            s["failed"] += 1
            s[n] += 1
            return "load"
        if s["word"] != s[head]:  # the exchange fails and loads again
            s[head] = s["word"]
            return "exchange"
        s["word"] = (s[head] if is_chain(s[head]) else ()) + ((me, s[n]),)
        s[n] += 1
        wake = s[head] == ASLEEP and broken != "wake before the push"
        s[head] = None
        return "wake" if wake else "load"

    def wake(s):
        s["woken"] = True
        return "load"

    return {"load": load, "exchange": exchange, "wake": wake}


def deliver(s, chain):
    for sender, number in chain:
        require(s["next"][int(sender[1])] <= number, "order broken")
        s["next"] = tuple(number + 1 if i == int(sender[1]) else x for i, x in enumerate(s["next"]))
        s["done"] += 1


def consumer(broken, armed, closing):
    rest = ASLEEP if armed and broken != "a hosted loop is not armed" else EMPTY

    def take(s):  # hy__mailbox_take(): the look
        if not is_chain(s["word"]):
            return "foreign" if armed else "sleep"
        if broken == "take by load and store":
            s["taken"] = s["word"]
            return "store"
        deliver(s, s["word"])  # the exchange
        s["word"] = rest
        return "take"

    def store(s):
        deliver(s, s["taken"])
        s["taken"] = ()
        s["word"] = rest
        return "take"

    def sleep(s):  # hy__mailbox_sleep()
        if s["word"] == EMPTY or broken == "asleep by a plain store":
            s["word"] = ASLEEP
            return "wait"
        return "wait" if s["word"] == ASLEEP else "take"

    def wait(s):  # the dispatcher's wait
        if not s["woken"]:
            return BLOCKED
        s["woken"] = False
        return "wake_up"

    def wake_up(s):  # hy__mailbox_wake_up()
        if rest == EMPTY and s["word"] == ASLEEP:
            s["word"] = EMPTY
        return "take"

    def foreign(s):
        """A foreign modal loop inside a handler: it never calls hy__mailbox_sleep(), only waits to
        be woken."""
        if not s["woken"]:
            return BLOCKED
        s["woken"] = False
        return "take"

    def close(s):  # hy__mailbox_close(), at any moment between two takes
        if broken == "close by load and store":
            s["taken"] = s["word"] if is_chain(s["word"]) else ()
            return "close_store"
        if is_chain(s["word"]):
            s["done"] += len(s["word"])  # dropped by hy__record_finish()
        s["word"] = CLOSED
        return None

    def close_store(s):
        s["done"] += len(s["taken"])
        s["word"] = CLOSED
        return None

    return {"take": [take, close] if closing else take, "store": store, "sleep": sleep,
            "wait": wait,
            "wake_up": wake_up, "foreign": foreign, "close_store": close_store}


def mailbox(armed, closing):
    def run(broken):
        first = {"p0": "load", "p1": "load", "c": "take", "word": ASLEEP if armed else EMPTY,
                 "woken": False,
                 "p0.n": 0, "p1.n": 0, "p0.head": None, "p1.head": None, "taken": (),
                 "next": (0, 0),
                 "done": 0, "failed": 0}
        if broken == "a hosted loop is not armed":
            first["word"] = EMPTY
        threads = {"p0": producer("p0", broken), "p1": producer("p1", broken),
                   "c": consumer(broken, armed, closing)}

        def final(s):
            done, failed = s["done"], s["failed"]
            require(done + failed == 2 * PER_PRODUCER, f"{done} messages arrived, {failed} failed")

        return explore(first, threads, final, may_wait=("c",))

    return run


if __name__ == "__main__":
    main(
        variants("push, take, sleep, wake", mailbox(False, False),
                 ["wake before the push", "asleep by a plain store", "take by load and store"])
        + variants("armed for a hosted loop", mailbox(True, False), ["a hosted loop is not armed"])
        + variants("close at a thread's end", mailbox(False, True),
                   ["close by load and store", "push does not look for CLOSED"])
    )
