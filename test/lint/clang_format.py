#!/usr/bin/env python3
"""Every C++ file is as clang-format-22 would write it: clang_format.py ROOT"""

import subprocess
import sys

import tree

root = sys.argv[1]
files = list(tree.sources(root, (".cpp", ".h")))
assert files, "no sources found"
sys.exit(subprocess.run(["clang-format-22", "--dry-run", "-Werror", *files], cwd=root).returncode)
