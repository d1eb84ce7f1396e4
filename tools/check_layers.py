#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the direction of dependencies between the layers, over #include lines. Output: TAP.

    tools/check_layers.py [ROOT]

An arrow only ever points down: apps -> window -> net -> core -> platform, and glib -> core. Net,
window, glib, apps and examples are written against the public headers, so that each of their needs is also a user's.
"""

import os
import re
import sys

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
SOURCES = (".c", ".h", ".cc", ".cpp", ".hpp", ".S")
FREESTANDING = {"stddef.h", "stdint.h", "stdbool.h", "stdarg.h"}
CORE = ("src/core/", "src/dispatch/", "src/platform/")

# Folder -> the folders whose files it may include. Public headers are governed by PUBLIC below.
PRIVATE = {
    "include/halyard/": (),
    "src/platform/": ("src/platform/",),
    "src/dispatch/": CORE,
    "src/core/": CORE,
    "src/net/": ("src/net/",),
    "src/window/": ("src/window/",),
    "src/glib/": ("src/glib/",),
    "apps/": ("apps/",),
    "examples/": ("examples/",),
}
# Public headers of a layer: its gathering header names them. What neither gathers is core's.
GATHERING = {"net.h": "net", "window.h": "window", "glib.h": "glib"}
# System headers whose types a public header is about.
FOREIGN = {("include/halyard/glib.h", "glib.h")}
PUBLIC = {
    "include/halyard/": ("core", "net", "window", "glib"),
    "src/platform/": ("core",),
    "src/dispatch/": ("core",),
    "src/core/": ("core",),
    "src/net/": ("core", "net"),
    "src/window/": ("core", "net", "window"),
    "src/glib/": ("core", "glib"),
    "apps/": ("core", "net", "window"),
    "examples/": ("core", "net", "window", "glib"),
}


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def includes_of(root, path):
    """(line, written with < or ", name) of each #include."""
    text = read(root, path)
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[1], match[2]


def public_layers(root):
    """Layer of each public header, read off the gathering headers: a header belongs to the lowest
    layer that has it."""
    folder = os.path.join(root, "include/halyard")
    layer_of = {}
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        layer_of.setdefault(name, "core")
    core = reached(root, "halyard.h", layer_of)
    below = set(core)
    for gathering, layer in GATHERING.items():
        for name in reached(root, gathering, layer_of) - below:
            layer_of[name] = layer
        below |= reached(root, gathering, layer_of)
    return layer_of


def reached(root, header, known):
    """The public headers that `header` includes, directly or not, with itself."""
    found, waiting = set(), [header]
    while waiting:
        name = waiting.pop()
        if name in found or name not in known:
            continue
        found.add(name)
        for _, bracket, included in includes_of(root, "include/halyard/" + name):
            if included.startswith("halyard/"):
                waiting.append(included[len("halyard/"):])
            elif bracket == '"':  # <name> is the system's, also when ours has the same name
                waiting.append(included)
    return found


def resolve(root, path, name):
    """The project's file that an #include means, from the root; None for a system header."""
    candidates = [os.path.join(os.path.dirname(path), name), os.path.join("include", name),
                  os.path.join("src", name), os.path.join("src/core", name),
                  os.path.join("apps/halyard", name), name]
    for candidate in map(os.path.normpath, candidates):
        if os.path.isfile(os.path.join(root, candidate)):
            return candidate
    return None


def violation(root, layer, path, bracket, name, layer_of):
    target = resolve(root, path, name) if bracket == '"' or name.startswith("halyard/") else None
    if layer == "include/halyard/":
        if target and target.startswith("include/halyard/"):
            return None
        if bracket == "<" and (name in FREESTANDING or (path, name) in FOREIGN):
            return None
        return "a public header includes only public headers and " + " ".join(sorted(FREESTANDING))
    if target is None:
        # A system header, or a generated file; one that names a core folder is neither.
        if any(part in name for part in ("core/", "dispatch/", "platform/")):
            return f"{layer} may not include a core internal"
        return None
    if target.startswith("include/halyard/"):
        owner = layer_of.get(os.path.basename(target), "core")
        return None if owner in PUBLIC[layer] else f"{layer} is below the {owner} layer"
    if target.startswith(PRIVATE[layer]):
        return None
    return f"{layer} may not include {target}"


def check(root):
    """(path, [problem]) of every source file of a layer."""
    layer_of = public_layers(root)
    for layer in PRIVATE:
        for folder, folders, names in os.walk(os.path.join(root, layer)):
            folders.sort()
            for name in sorted(names):
                if not name.endswith(SOURCES):
                    continue
                path = os.path.relpath(os.path.join(folder, name), root)
                problems = []
                for line, bracket, included in includes_of(root, path):
                    why = violation(root, layer, path, bracket, included, layer_of)
                    if why:
                        problems.append(f"{path}:{line}: {included}: {why}")
                yield path, problems


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    results = list(check(root))
    if not results:
        print("1..0 # SKIP no source file in any layer yet")
        return 0
    print(f"1..{len(results)}")
    for number, (path, problems) in enumerate(results, 1):
        print(f"{'not ok' if problems else 'ok'} {number} - {path}")
        for problem in problems:
            print(f"# {problem}")
    return 1 if any(problems for _, problems in results) else 0


if __name__ == "__main__":
    sys.exit(main())
