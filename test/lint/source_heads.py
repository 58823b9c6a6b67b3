#!/usr/bin/env python3
"""Licence line on top, at most 400 lines: source_heads.py ROOT"""

import sys

import tree

LICENCE = "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception"
LONGEST = 400

root = sys.argv[1]
faults = []
for path in tree.sources(root, (".cpp", ".h", ".td", ".py", ".def")):
    lines = tree.read(root, path).splitlines()
    if path.endswith((".cpp", ".h")) and (not lines or lines[0].strip("/* ") != LICENCE):
        faults.append(f"{path}: the first line must be `{LICENCE}`")
    if len(lines) > LONGEST:
        faults.append(f"{path}: {len(lines)} lines; one idea a file reads best below {LONGEST}")
print("\n".join(faults))
sys.exit(1 if faults else 0)
