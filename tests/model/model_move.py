#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""src/core/move.c, anchor.c, mailbox.c: trees that move between two loops under fire.

A sender outside posts to all objects in turn; the loops post to them too, without the lock when the
object is at home. Checked: each sender's order for each object, delivery at home only, posted ==
delivered at the end, each message delivered, dropped or refused exactly once, no deadlock, and that
nobody reads the links of an object that is another thread's already.
"""

from explore import BLOCKED, explore, main, put, require, variants

CLOSED = "closed"


def set_in(s, name, index, value):
    s[name] = put(s[name], index, value)


class World:
    """trees: lists of objects, the root first. Homes: per tree. Budgets: posts of S, own posts and
    hops per loop."""

    def __init__(self, trees, homes, posts, own, hops, closing, broken):
        self.trees, self.posts, self.closing, self.broken = trees, posts, closing, broken
        self.objects = sorted(o for tree in trees for o in tree)
        count = len(self.objects)
        home = [0] * count
        for tree, where in zip(trees, homes):
            for o in tree:
                home[o] = where
        self.first = {"S": "next", "0": "idle", "1": "idle", "lock": (None,) * count,
                      "home": tuple(home),
                      "dead": (False,) * count, "posted": (0,) * count, "delivered": (0,) * count,
                      "box": ((), ()), "queue": ((), ()), "chain": ((), ()), "back": (None, None),
                      "sent": 0,
                      "own": own, "own_sent": (0, 0), "target": (None, None), "hops": hops,
                      "cargo": ((), ()), "hop": (None, None),
                      "at": (0, 0), "seen": ((-1,) * count,) * 3, "ended": 0, "made": 0}
        self.threads = {"S": self.sender(), "0": self.loop(0), "1": self.loop(1)}

    def root_of(self, o):
        return next(tree[0] for tree in self.trees if o in tree)

    def is_root(self, o):
        return any(tree[0] == o for tree in self.trees)

    # hy__post() of another thread: lock, push and count, unlock
    def sender(self):
        broken = self.broken

        def target(s):
            return s["sent"] % len(self.objects)

        def begin(s):
            if s["sent"] == self.posts:
                return None
            o = target(s)
            if broken != "posts without the lock":
                if s["lock"][o] is not None:
                    return BLOCKED
                set_in(s, "lock", o, "S")
            s["S.home"] = s["home"][o]
            return "push"

        def push(s):
            o = target(s)
            home = s["S.home"]
            s["made"] += 1
            if s["dead"][o] or s["box"][home] == CLOSED:
                s["ended"] += 1
            else:
                set_in(s, "box", home, s["box"][home] + (("S", s["sent"], o),))
                set_in(s, "posted", o, s["posted"][o] + 1)
            return "unlock"

        def unlock(s):
            if broken != "posts without the lock":
                set_in(s, "lock", target(s), None)
            s["sent"] += 1
            s["S.home"] = None
            return "next"

        self.first["S.home"] = None
        return {"next": begin, "push": push, "unlock": unlock}

    def loop(self, me):
        broken, name, other = self.broken, str(me), 1 - me

        def tree(s):
            return self.trees[s["hop"][me]]

        # hy__mailbox_take(): the exchange, then message by message; expand_adopt() waits for the
        # root's lock
        def take(s, back):
            if s["box"][me] == CLOSED or not s["box"][me]:
                return back
            set_in(s, "chain", me, s["box"][me])
            set_in(s, "box", me, ())
            set_in(s, "back", me, back)
            return "sort"

        def sort(s):
            chain = s["chain"][me]
            while chain and chain[0][0] != "adopt":
                set_in(s, "queue", me, s["queue"][me] + (chain[0],))
                chain = chain[1:]
            if chain:
                _, root, cargo = chain[0]
                if s["lock"][root] is not None and broken != "take does not wait for the lock":
                    return BLOCKED
                if broken == "ADOPT is not expanded in place":
                    cargo = (("later", root, cargo),)
                set_in(s, "queue", me, s["queue"][me] + cargo)
                chain = chain[1:]
            set_in(s, "chain", me, chain)
            if chain:
                return "sort"
            back = s["back"][me]
            set_in(s, "back", me, None)
            return back

        def idle_take(s):
            return take(s, "idle") if s["box"][me] not in ((), CLOSED) else BLOCKED

        def deliver(s):  # deliver.c: call(); a message to the dead is dropped
            if not s["queue"][me]:
                return BLOCKED
            message, rest = s["queue"][me][0], s["queue"][me][1:]
            set_in(s, "queue", me, rest)
            if message[0] == "later":
                set_in(s, "queue", me, message[2] + rest)
                return "idle"
            who, number, o = message
            set_in(s, "delivered", o, s["delivered"][o] + 1)
            s["ended"] += 1
            if s["dead"][o]:
                return "idle"
            require(s["home"][o] == me, "delivered in a thread that is not home")
            index = 2 if who == "S" else int(who)
            require(s["seen"][index][o] < number, "order broken")
            s["seen"] = put(s["seen"], index, put(s["seen"][index], o, number))
            return "idle"

        # post to a random object from here: post_here() without the lock, else like the sender
        def own_post(s):
            if s["own"][me] == 0:
                return BLOCKED
            o = s["own"][me] % len(self.objects)
            set_in(s, "own", me, s["own"][me] - 1)
            set_in(s, "target", me, o)
            if s["home"][o] != me:
                return "own_lock"
            if s["dead"][o]:
                set_in(s, "target", me, None)
                return "idle"
            if broken == "an own post does not take the mail first":
                return "own_enqueue"
            return take(s, "own_enqueue")

        def own_enqueue(s):
            o = s["target"][me]
            set_in(s, "delivered", o, s["delivered"][o] - 1)
            set_in(s, "queue", me, s["queue"][me] + ((name, s["own_sent"][me], o),))
            return own_done(s)

        def own_done(s):
            s["made"] += 1
            set_in(s, "own_sent", me, s["own_sent"][me] + 1)
            set_in(s, "target", me, None)
            return "idle"

        def own_lock(s):
            o = s["target"][me]
            if s["lock"][o] is not None:
                return BLOCKED
            set_in(s, "lock", o, name)
            return "own_push"

        def own_push(s):
            o = s["target"][me]
            home = s["home"][o]
            if s["dead"][o] or s["box"][home] == CLOSED:
                s["ended"] += 1
            else:
                set_in(s, "box", home, s["box"][home] + ((name, s["own_sent"][me], o),))
                set_in(s, "posted", o, s["posted"][o] + 1)
            return "own_unlock"

        def own_unlock(s):
            set_in(s, "lock", s["target"][me], None)
            return own_done(s)

        # hy__move()
        def hop(number):
            def begin(s):
                root = self.trees[number][0]
                if s["hops"][me] == 0 or s["home"][root] != me or s["dead"][root]:
                    return BLOCKED
                set_in(s, "hops", me, s["hops"][me] - 1)
                set_in(s, "hop", me, number)
                set_in(s, "at", me, 0)
                if broken == "no take before the locks":
                    return "lock"
                return take(s, "lock")

            return begin

        def lock(s):  # lock_tree(): root first
            o = tree(s)[s["at"][me]]
            if broken == "the move takes no lock":
                return take(s, "extract")
            if s["lock"][o] is not None:
                return BLOCKED
            require(s["home"][o] == me, "a tree in two homes")
            set_in(s, "lock", o, name)
            set_in(s, "at", me, s["at"][me] + 1)
            if s["at"][me] < len(tree(s)):
                return "lock"
            return "extract" if broken == "no take under the locks" else take(s, "extract")

        def extract(s):
            mine = tuple(m for m in s["queue"][me] if m[0] != "later" and m[2] in tree(s))
            set_in(s, "queue", me, tuple(m for m in s["queue"][me] if m not in mine))
            set_in(s, "cargo", me, mine)
            return "push"

        def push(s):
            cargo = s["cargo"][me]
            set_in(s, "cargo", me, ())
            order = len(tree(s)) - 1
            set_in(s, "at", me, 0 if broken == "the root is published first" else order)
            if s["box"][other] == CLOSED:
                if broken != "a refused move loses its cargo":
                    set_in(s, "queue", me, s["queue"][me] + cargo)
                set_in(s, "target", me, me)
            else:
                set_in(s, "box", other, s["box"][other] + (("adopt", tree(s)[0], cargo),))
                set_in(s, "target", me, other)
            if broken == "unlocks before it publishes":
                return "unlock"
            return "publish"

        def publish(s):  # unlock_chain(): home, then the lock; children first
            o = tree(s)[s["at"][me]]
            set_in(s, "home", o, s["target"][me])
            return "step" if broken == "unlocks before it publishes" else "unlock"

        def unlock(s):
            o = tree(s)[s["at"][me]]
            if broken != "the move takes no lock":
                set_in(s, "lock", o, None)
            return "publish" if broken == "unlocks before it publishes" else "step"

        def step(s):
            if broken == "unlocking walks the tree":
                o = tree(s)[s["at"][me]]
                require(s["home"][o] == me, "reads the links of an object that is another thread's")
            forward = broken == "the root is published first"
            at = s["at"][me] + (1 if forward else -1)
            if 0 <= at < len(tree(s)):
                set_in(s, "at", me, at)
                return "unlock" if broken == "unlocks before it publishes" else "publish"
            for slot, value in (("at", 0), ("hop", None), ("target", None)):
                set_in(s, slot, me, value)
            return "idle"

        # hy__record_finish() with HY_FINISH_DISCARD
        def end(s):
            return "finish"

        def finish(back):
            def one(s):
                for o in reversed(self.objects):  # children go with their roots
                    if s["home"][o] == me and not s["dead"][o] and s["home"][self.root_of(o)] == me:
                        if s["lock"][o] is not None:
                            return BLOCKED
                        set_in(s, "dead", o, True)  # mark_dead()
                        return back
                return {"finish": "close", "finish_again": "drop"}[back]

            return one

        def close(s):  # hy__mailbox_close()
            chain = s["box"][me]
            set_in(s, "box", me, CLOSED)
            if not chain:
                return "finish_again"
            set_in(s, "chain", me, chain)
            forgets = broken == "what arrives at the end is not finished"
            set_in(s, "back", me, "drop" if forgets else "finish_again")
            return "sort"

        def drop(s):
            for _, _, o in s["queue"][me]:
                set_in(s, "delivered", o, s["delivered"][o] + 1)
                s["ended"] += 1
            set_in(s, "queue", me, ())
            return None

        idle = [idle_take, deliver, own_post] + [hop(number) for number in range(len(self.trees))]
        if self.closing and me == 1:
            idle.append(end)
        return {"idle": idle, "sort": sort, "own_enqueue": own_enqueue, "own_lock": own_lock,
                "own_push": own_push,
                "own_unlock": own_unlock, "lock": lock, "extract": extract, "push": push,
                "publish": publish,
                "unlock": unlock, "step": step, "finish": finish("finish"), "close": close,
                "finish_again": finish("finish_again"), "drop": drop}

    def final(self, s):
        require({s["0"], s["1"]} <= {"idle", None}, "a loop is blocked for ever")
        require(s["lock"] == (None,) * len(self.objects), "a lock is still held")
        require(s["made"] == s["ended"],
                f"{s['made']} messages made, {s['ended']} delivered, dropped or refused")
        require(s["posted"] == s["delivered"], "posted and delivered do not meet")
        for o in self.objects:
            require(s["dead"][o] or s["home"][o] == 0 or s["1"] is not None,
                    "an object lives in an ended thread")

    def run(self):
        return explore(self.first, self.threads, self.final, may_wait=("0", "1"))


def one_tree(broken):
    return World([[0, 1]], [0], 4, (1, 1), (1, 1), False, broken).run()


def two_hops(broken):
    return World([[0]], [0], 3, (0, 0), (2, 2), False, broken).run()


def own_posts(broken):
    return World([[0]], [1], 1, (2, 1), (1, 1), False, broken).run()


def crossing(broken):
    return World([[0], [1]], [0, 1], 2, (0, 0), (1, 1), False, broken).run()


def to_an_ending_thread(broken):
    return World([[0, 1]], [0], 2, (1, 0), (1, 1), True, broken).run()


if __name__ == "__main__":
    main(
        variants("a tree of two, a sender, own posts", one_tree,
                 ["posts without the lock", "unlocks before it publishes",
                  "unlocking walks the tree", "the root is published first"])
        + variants("one object, two hops each side", two_hops,
                   ["the move takes no lock", "take does not wait for the lock",
                    "ADOPT is not expanded in place",
                    "no take under the locks"])
        + variants("own posts around a move", own_posts,
                   ["an own post does not take the mail first"])
        + variants("two trees cross", crossing, [])
        + variants("a move to a thread that ends", to_an_ending_thread,
                   ["a refused move loses its cargo", "what arrives at the end is not finished"])
    )
