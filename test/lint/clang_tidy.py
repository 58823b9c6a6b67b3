#!/usr/bin/env python3
"""clang-tidy over the units of a build, in parallel, remembering by content what was clean.

    clang_tidy.py ROOT BUILD
"""

import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys

from tree import ROOMS

# They walk every declaration of the unit, 20 s each with MLIR's headers (see .clang-tidy).
WHOLE_UNIT_CHECKS = "bugprone-use-after-move,bugprone-branch-clone,bugprone-undelegated-constructor,bugprone-unused-raii,bugprone-integer-division,misc-redundant-expression,performance-move-const-arg,performance-for-range-copy,performance-unnecessary-copy-initialization"
JOBS = int(os.environ.get("ATTN_JIT_JOBS", os.cpu_count() or 1))


def unit_headers(build):
    """Own headers of each object, as the last build recorded them."""
    text = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True).stdout
    headers, current = {}, None
    for line in text.splitlines():
        if line and not line.startswith(" "):
            current = headers.setdefault(line.split(":")[0], [])
        elif line.strip():
            current.append(line.strip())
    return headers


def digest(paths, *texts):
    hasher = hashlib.sha256()
    for text in texts:
        hasher.update(text.encode())
    for path in sorted(set(paths)):
        hasher.update(path.encode())
        with open(path, "rb") as file:
            hasher.update(file.read())
    return hasher.hexdigest()


def check(build, source, light):
    more = ["--checks=" + WHOLE_UNIT_CHECKS] if light else []
    return subprocess.run(["clang-tidy-22", "-p", build, "--quiet", *more, source], capture_output=True, text=True)


def main():
    root, build = (os.path.abspath(p) for p in sys.argv[1:3])
    clean_dir = os.path.join(build, "test", "tidy")
    os.makedirs(clean_dir, exist_ok=True)
    headers = unit_headers(build)
    units = []
    for entry in json.load(open(os.path.join(build, "compile_commands.json"))):
        source = entry["file"]
        built = re.search(r" -o (\S+)", entry["command"]).group(1)
        # The rooms' units; one that was not built may lack its generated headers.
        if source.startswith(tuple(f"{root}/{room}/" for room in ROOMS if room != "test")) and built in headers:
            own = [p for p in (os.path.join(build, h) for h in headers[built])
                   if p.startswith(root + os.sep) and os.path.exists(p) and not p.endswith((".pch", ".hxx"))]
            key = digest([source, root + "/.clang-tidy", *own], entry["command"], WHOLE_UNIT_CHECKS)
            light = "-include-pch" not in entry["command"]
            units.append((source, os.path.join(clean_dir, key), light))
    todo = sorted({unit for unit in units if not os.path.exists(unit[1])})
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        results = pool.map(lambda unit: check(build, unit[0], unit[2]), todo)
        for (_, stamp, _), result in zip(todo, results):
            if result.returncode == 0:
                open(stamp, "w").close()
            else:
                failed += 1
                print(re.sub(r"^\d+ warnings.*\n", "", result.stdout + result.stderr, flags=re.M), flush=True)
    print(f"{len(units)} units, {len(units) - len(todo)} known to be clean, {failed} with findings")
    return 1 if failed or not units else 0


if __name__ == "__main__":
    sys.exit(main())
