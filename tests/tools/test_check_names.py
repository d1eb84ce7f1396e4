#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The check of the names in documents finds those that do not exist, and only those."""

import os
import subprocess
import tempfile
import unittest

import tap

CHECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "check_names.py")
TREE = {
    "include/halyard/object.h": "/* hy_only_in_a_comment() */\n#define HY_CLASS(x) { x }\n"
                                "int hy_object_init(struct hy_object *object); // HY_NOT_HERE\n",
    "src/core/object.c": 'void hy__anchor_ref(void) { log("hy__in_a_string"); }\n'
                         "int hy_static_helper(void);\n",
    "README.md": "`hy_object_init()` and **HY_CLASS()**, why_not_hy, hy_object.\n",
    "ARCHITECTURE.md": "A `hy__anchor_ref` is inside.\n",
    "docs/guide.md": "| `struct hy_object` | hy_object_init |\n",
}


def check(changes):
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**TREE, **changes}.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return subprocess.run([CHECK, root], capture_output=True, text=True, check=False)


class Names(unittest.TestCase):
    def test_a_good_tree_passes(self):
        result = check({})
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn("1..3", result.stdout)

    def test_names_that_do_not_exist(self):
        names = ("hy_object_inti", "HY_CLAS", "hy_only_in_a_comment", "HY_NOT_HERE", "hy_static_helper",
                 "hy__object_init", "hy__in_a_string")
        for document in ("README.md", "ARCHITECTURE.md", "docs/guide.md", "docs/new.md"):
            result = check({document: "first\n" + "".join(f"see `{name}()`.\n" for name in names)})
            self.assertEqual(result.returncode, 1, result.stdout)
            for line, name in enumerate(names, 2):
                self.assertIn(f"{document}:{line}: {name} is not in the", result.stdout)

    def test_without_documents_it_is_skipped(self):
        with tempfile.TemporaryDirectory() as root:
            result = subprocess.run([CHECK, root], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0)
        self.assertIn("1..0 # SKIP", result.stdout)


if __name__ == "__main__":
    tap.main()
