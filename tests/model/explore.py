# SPDX-License-Identifier: MIT
"""Exhaustive exploration of small concurrent programs.

A state is a dict of hashable values. Each thread is a dict of labelled steps, and the state holds
its current label under the thread's name; None: it has ended. A step changes the (copied) state and
returns the next label, or BLOCKED. A list of steps under one label means: any of them.

One step is one atomic operation, or one section under a lock of which only the lock matters. All
schedules are explored, with sequentially consistent memory: the orders of the C code rest on its
comments and on TSan.
"""

import sys
import time

BLOCKED = object()


class Violation(Exception):
    pass


def require(condition, text):
    if not condition:
        raise Violation(text)


def put(items, index, value):
    return items[:index] + (value,) + items[index + 1 :]


def trace_of(seen, key):
    steps = []
    while key is not None:
        key, step = seen[key]
        steps.append(step)
    return [step for step in reversed(steps) if step]


def explore(initial, threads, final, may_wait=()):
    """Returns (states, None) or (states, (violation, trace)).

    A thread named in may_wait may be blocked for good at the end; any other one is a lost wake-up
    or a deadlock.
    """
    first = tuple(initial.values())
    names = tuple(initial)
    seen = {first: (None, None)}
    stack = [first]
    while stack:
        key = stack.pop()
        state = dict(zip(names, key))
        moved = False
        for name, steps in threads.items():
            label = state[name]
            if label is None:
                continue
            step = steps[label]
            for one in step if isinstance(step, list) else (step,):
                after = dict(state)
                try:
                    target = one(after)
                    if target is BLOCKED:
                        continue
                    after[name] = target
                except Violation as violation:
                    return len(seen), (str(violation), trace_of(seen, key) + [f"{name}:{label}"])
                moved = True
                new = tuple(after.values())
                if new not in seen:
                    assert len(new) == len(names), "a step made a new variable"
                    seen[new] = (key, f"{name}:{label}")
                    stack.append(new)
        if not moved:
            stuck = [name for name in threads if state[name] is not None and name not in may_wait]
            try:
                require(not stuck, f"{', '.join(stuck)} blocked for ever")
                final(state)
            except Violation as violation:
                return len(seen), (str(violation), trace_of(seen, key))
    return len(seen), None


def main(models):
    """models: (name, function, None or the name of a broken step). Prints TAP; a broken one must be
    found."""
    print(f"1..{len(models)}")
    failed = 0
    for number, (name, model, broken) in enumerate(models, 1):
        start = time.monotonic()
        states, found = model(broken) if broken else model(None)
        ok = bool(found) == bool(broken)
        failed += not ok
        what = f"{name}, broken: {broken}" if broken else name
        print(f"{'ok' if ok else 'not ok'} {number} - {what}")
        took_s = time.monotonic() - start
        print(f"# {states} states, {took_s:.1f} s: {found[0] if found else 'no violation'}")
        if found and not ok:
            for step in found[1]:
                print(f"#   {step}")
        sys.stdout.flush()
    sys.exit(failed != 0)


def variants(name, model, broken):
    return [(name, model, None)] + [(name, model, step) for step in broken]
