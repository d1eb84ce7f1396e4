#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every public declaration has a comment: in its paragraph of the header. Output: TAP.

    tools/check_documented.py [ROOT]

A paragraph is what stands between empty lines; one comment may serve several declarations in it. A
comment elsewhere in the header serves too when it names what it speaks of: `hy_connect(`. A class
record, hy_…_class, needs none.
"""

import os
import re
import sys

DECLARATION = re.compile(r"^(?:HY_API\b.*?\b(hy_\w+)\s*[(;\[]"
                         r"|extern\b.*?\b(hy_\w+)\s*[(;\[]"
                         r"|(?:struct|enum|union)\s+(hy_\w+)\s*\{"
                         r"|typedef\b.*?\(?\*?\s*(hy_\w+)\)?"
                         r"|#\s*define\s+(hy_[a-z]\w*[a-z0-9])\b)", re.MULTILINE)


def paragraphs(text):
    """(line number, text) of each paragraph; an empty line within braces or a comment ends none."""
    start, rows, depth, in_comment = 1, [], 0, False
    for number, row in enumerate(text.splitlines() + [""], 1):
        if not row.strip() and depth == 0 and not in_comment:
            if rows:
                yield start, "\n".join(rows)
            start, rows = number + 1, []
            continue
        rows.append(row)
        code = re.sub(r"/\*.*?\*/", "", row)
        in_comment = ("/*" in code) or (in_comment and "*/" not in code)
        if 'extern "C"' not in code and not row.startswith("#"):
            depth = max(0, depth + code.count("{") - code.count("}"))


def undocumented(text):
    comments = " ".join(re.findall(r"/\*.*?\*/", text, re.DOTALL))
    for start, paragraph in paragraphs(text):
        match = DECLARATION.search(paragraph)
        if not match or "/*" in paragraph:
            continue
        name = next(filter(None, match.groups()))
        if not name.endswith("_class") and f" {name}(" not in comments:
            yield start, name


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    folder = os.path.join(root, "include", "halyard")
    headers = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    if not headers:
        print("1..0 # SKIP no public header yet")
        return 0
    print(f"1..{len(headers)}")
    failed = False
    for number, header in enumerate(headers, 1):
        with open(os.path.join(folder, header), encoding="utf-8") as file:
            gaps = list(undocumented(file.read()))
        failed |= bool(gaps)
        print(f"{'not ok' if gaps else 'ok'} {number} - {header}")
        for line, name in gaps:
            print(f"# include/halyard/{header}:{line}: {name} has no comment")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
