#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every name of the library that a document speaks of exists. Output: TAP.

    tools/check_names.py [ROOT]

In README.md, ARCHITECTURE.md and docs/*.md each word hy_... or HY_... has to be declared in a public
header, its comments aside; one with two underscores (hy__...) in src/.
"""

import glob
import os
import re
import sys

NAME = re.compile(r"\b(?:hy|HY)_\w*\w\b")
COMMENT_OR_STRING = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"", re.DOTALL)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def names_in(folder, recursive):
    """The identifiers in the C sources and headers of a folder."""
    found = set()
    for path in glob.glob(os.path.join(folder, "**", "*.[ch]"), recursive=recursive):
        found.update(NAME.findall(COMMENT_OR_STRING.sub(" ", read(path))))
    return found


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    documents = [path for path in (os.path.join(root, "README.md"), os.path.join(root, "ARCHITECTURE.md"))
                 if os.path.exists(path)] + sorted(glob.glob(os.path.join(root, "docs", "*.md")))
    if not documents:
        print("1..0 # SKIP no document yet")
        return 0
    public = names_in(os.path.join(root, "include", "halyard"), True)
    internal = names_in(os.path.join(root, "src"), True)
    print(f"1..{len(documents)}")
    failed = False
    for number, path in enumerate(documents, 1):
        unknown = []
        for line, row in enumerate(read(path).splitlines(), 1):
            unknown += [(line, name) for name in NAME.findall(row)
                        if name not in (internal if name[2:4] == "__" else public)]
        failed |= bool(unknown)
        document = os.path.relpath(path, root)
        print(f"{'not ok' if unknown else 'ok'} {number} - {document}")
        for line, name in unknown:
            print(f"# {document}:{line}: {name} is not in the {'sources' if name[2:4] == '__' else 'headers'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
