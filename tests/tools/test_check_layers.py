#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The layer check finds each kind of violation in a small tree, and only those."""

import os
import subprocess
import tempfile
import unittest

import tap

CHECK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools",
                     "check_layers.py")
GOOD = {
    "include/halyard/object.h": "#include <stdint.h>\n",
    "include/halyard/halyard.h": "#include <halyard/object.h>\n",
    "include/halyard/udp.h": "#include <halyard/object.h>\n",
    "include/halyard/net.h": "#include <halyard/udp.h>\n",
    "src/core/internal.h": "#include <halyard/object.h>\n#include <pthread.h>\n",
    "src/core/object.c": '#include "internal.h"\n#include "../platform/clock.h"\n',
    "src/platform/clock.h": "#include <stdint.h>\n",
    "src/dispatch/epoll.c": '#include "../core/internal.h"\n#include <sys/epoll.h>\n',
    "include/halyard/glib.h": "#include <glib.h>\n#include <halyard/object.h>\n",
    "src/glib/glib.c": "#include <halyard/glib.h>\n",
    "src/net/frame.h": "",
    "src/net/udp.c": '#include <halyard/net.h>\n#include "frame.h"\n#include <openssl/sha.h>\n',
    "apps/halyard/ais/decode.h": "#include <stdint.h>\n",
    "apps/halyard/main.c": '#include <halyard/net.h>\n#include "ais/decode.h"\n',
}
BAD = {
    "net takes a core internal": ("src/net/udp.c", '#include "../core/internal.h"'),
    "net takes it by its path from src": ("src/net/udp.c", '#include "core/internal.h"'),
    "net takes one that does not exist": ("src/net/udp.c", '#include <dispatch/gone.h>'),
    "net takes it by its bare name": ("src/net/udp.c", '#include "internal.h"'),
    "platform takes the core": ("src/platform/clock.c", '#include "../core/internal.h"'),
    "core takes a private header of net": ("src/core/loop.c", '#include "../net/frame.h"'),
    "core takes a public header of net": ("src/core/loop.c", "#include <halyard/udp.h>"),
    "an application takes a library's private header":
        ("apps/halyard/main.c", '#  include "../../src/net/frame.h"'),
    "an example takes an application's header":
        ("examples/echo.c", '#include "../apps/halyard/ais/decode.h"'),
    "core takes the public header of glib": ("src/core/loop.c", "#include <halyard/glib.h>"),
    "glib takes a core internal": ("src/glib/glib.c", '#include "core/internal.h"'),
    "another public header takes GLib's": ("include/halyard/udp.h", "#include <glib.h>"),
    "a public header takes a system header": ("include/halyard/udp.h", "#include <sys/socket.h>"),
    "a public header takes a private one":
        ("include/halyard/udp.h", '#include "../../src/net/frame.h"'),
}


def check(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return subprocess.run([CHECK, root], capture_output=True, text=True, check=False)


class CheckLayers(unittest.TestCase):
    def test_a_good_tree_passes(self):
        result = check(GOOD)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertEqual(result.stdout.count("\nok "), len(GOOD))

    def test_an_empty_tree_is_a_skip(self):
        self.assertIn("# SKIP", check({}).stdout)

    def test_each_violation_is_found(self):
        for what, (path, line) in BAD.items():
            with self.subTest(what):
                result = check({**GOOD, path: f"{GOOD.get(path, '')}\n{line}\n"})
                self.assertEqual(result.returncode, 1, result.stdout)
                self.assertIn(f"- {path}\n# {path}:", result.stdout)
                self.assertEqual(result.stdout.count("not ok"), 1, result.stdout)


if __name__ == "__main__":
    tap.main()
