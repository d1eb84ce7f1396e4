#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""src/core/ring.c and extension.c: a bounded connection with two emitters, whose receiver's thread
delivers, while the connection is cut and the receiver ends.

The payloads wait in the ring, a token for each in the receiver's mail. Checked: every token finds a
payload; each payload is delivered, dropped or refused, one of these and once; each emitter's
payloads come in its order; no more than the limit wait; the counters tell the truth.
"""

from explore import BLOCKED, explore, main, require, variants

EACH = 2


def end(s, payload, how):
    require(payload not in s["ended"], "a payload ends twice")
    s["ended"] = s["ended"] | {payload}
    s[how] += 1


def full(s, limit):
    return s["waiting"] >= limit


def emitter(me, limit, policy, broken):
    n = f"{me}.n"

    def payload(s):
        return (me, s[n])

    def turned_away(s):  # turn_away(): the lock is held
        if not full(s, limit) or policy == "oldest":
            return False
        end(s, payload(s), "refused" if policy == "refuse" else "dropped")
        return True

    def done(s):
        s[n] += 1
        s[f"{me}.victim"] = None
        return "look"

    def look(s):  # a section under the ring's lock
        if s[n] == EACH:
            return None
        if s["lock"]:
            return BLOCKED
        return done(s) if turned_away(s) else "lock"

    def lock(s):  # offer()
        if s["lock"]:
            return BLOCKED
        s["lock"] = me
        if broken != "a ring is asked once only" and turned_away(s):
            return "unlock"
        if full(s, limit) and (policy == "oldest" or broken == "a ring is asked once only"):
            return "replace" if policy == "oldest" else "post"
        return "post"

    def replace(s):  # the oldest makes room; its token stays
        require(s["ring"], "there is nothing to be taken out")
        s[f"{me}.victim"], s["ring"] = s["ring"][0], s["ring"][1:]
        if broken == "the oldest takes its place in the count along":
            s["waiting"] -= 1
        return "append"

    def post(s):  # hy__post_push(): under the anchor's lock
        if s["dead"]:
            end(s, payload(s), "discarded")
            s["loose"] += broken == "a token that was not posted takes a payload"
            return "unlock"
        s["mail"] += 1
        s["waiting"] += 1
        if broken == "payload and token under two locks":
            s["lock"] = None
            return "append_late"
        return "append"

    def append_late(s):
        if s["lock"]:
            return BLOCKED
        s["lock"] = me
        return "append"

    def append(s):
        s["ring"] += (payload(s),)
        s["accepted"] += 1
        return "unlock"

    def unlock(s):
        s["lock"] = None
        return "discard"

    def discard(s):  # what the lock has been let go for
        if s[f"{me}.victim"] is not None:
            end(s, s[f"{me}.victim"], "dropped")
        return "settle" if s["loose"] else done(s)

    def settle(s):
        if s["lock"]:
            return BLOCKED
        s["loose"] -= 1
        require(s["ring"], "a token finds no payload")
        victim, s["ring"] = s["ring"][0], s["ring"][1:]
        s["waiting"] -= 1
        end(s, victim, "dropped")
        return done(s)

    return {"look": look, "lock": lock, "replace": replace, "post": post, "append": append,
            "append_late": append_late, "unlock": unlock, "discard": discard, "settle": settle}


def receiver(limit, broken):
    def idle(s):
        if s["mail"] == 0:
            return BLOCKED
        s["mail"] -= 1
        return "drop" if s["dead"] else "take"

    def take(s):  # hy__ring_take(): a section under the lock
        if s["lock"]:
            return BLOCKED
        require(s["ring"], "a token finds no payload")
        s["holder"], s["ring"] = s["ring"][0], s["ring"][1:]
        s["waiting"] -= 1
        return "wanted"

    def wanted(s):  # hy__extension_run()
        if s["cut"]:
            return "put_back"
        who, number = s["holder"]
        index = "ab".index(who)
        require(s["next"][index] <= number, "the order is broken")
        s["next"] = tuple(number + 1 if i == index else x for i, x in enumerate(s["next"]))
        end(s, s["holder"], "delivered")
        s["holder"] = None
        return "idle"

    def put_back(s):  # hy__ring_put_back(): a section under the lock
        if s["lock"]:
            return BLOCKED
        if broken != "what a dropped token held is not put back":
            s["ring"] = (s["holder"],) + s["ring"]
            s["waiting"] += 1
        s["holder"] = None
        return "drop"

    def drop(s):  # hy__extension_settle()
        if broken == "a dropped token leaves its payload":
            return "idle"
        if s["lock"]:
            return BLOCKED
        require(s["ring"], "a token finds no payload")
        victim, s["ring"] = s["ring"][0], s["ring"][1:]
        s["waiting"] -= 1
        end(s, victim, "dropped")
        return "idle"

    def die(s):  # mark_dead(): under the anchor's lock, so not in the middle of a post
        if s["dead"] or not s["may_end"]:
            return BLOCKED
        s["dead"] = s["cut"] = True
        return "idle"

    return {"idle": [idle, die], "take": take, "wanted": wanted, "put_back": put_back, "drop": drop}


def cutter():
    def cut(s):
        s["cut"] = True
        return None

    return {"cut": cut}


def ring(limit, policy, ends):
    def run(broken):
        first = {"a": "look", "b": "look", "d": "idle", "c": "cut" if ends else None,
                 "a.n": 0, "b.n": 0, "a.victim": None, "b.victim": None, "lock": None, "ring": (),
                 "waiting": 0, "mail": 0, "holder": None, "loose": 0, "next": (0, 0), "cut": False,
                 "dead": False, "may_end": ends, "ended": frozenset(), "accepted": 0,
                 "delivered": 0, "dropped": 0, "refused": 0, "discarded": 0}
        threads = {"a": emitter("a", limit, policy, broken),
                   "b": emitter("b", limit, policy, broken),
                   "d": receiver(limit, broken), "c": cutter()}

        def counts(steps):
            """No more than the limit wait, whenever the lock is free; one more while a payload is
            put back."""
            def checked(step):
                def one(s):
                    target = step(s)
                    if not s["lock"]:
                        require(len(s["ring"]) <= limit + (s["d"] in ("put_back", "drop")),
                                "more wait than the limit")
                    return target
                return one
            return {label: [checked(x) for x in (step if isinstance(step, list) else [step])]
                    for label, step in steps.items()}

        def final(s):
            require(s["d"] == "idle", "the receiver is blocked for ever")
            require(s["lock"] is None, "the lock is still held")
            require(len(s["ended"]) == 2 * EACH, "a payload is lost")
            require(not s["ring"] and s["waiting"] == 0, "a payload waits without a token")
            total = s["delivered"] + s["dropped"] + s["refused"] + s["discarded"]
            require(total == 2 * EACH, "the counters do not add up")

        return explore(first, {name: counts(steps) for name, steps in threads.items()}, final,
                       may_wait=("d",))

    return run


if __name__ == "__main__":
    main(
        variants("the oldest makes room", ring(1, "oldest", True),
                 ["the oldest takes its place in the count along",
                  "what a dropped token held is not put back",
                  "a dropped token leaves its payload"])
        + variants("a full ring refuses", ring(1, "refuse", True), ["a ring is asked once only"])
        + variants("two wait, the newest is dropped", ring(2, "newest", True),
                   ["payload and token under two locks",
                    "a token that was not posted takes a payload"])
    )
