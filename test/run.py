#!/usr/bin/env python3
"""Runs every test of a build and ends with one line: `N passed, N failed, N skipped`.

    test/run.py BUILD_DIR [lit arguments...]
"""

import importlib.util
import json
import os
import re
import subprocess
import sys

PASSED = {"PASS", "XFAIL", "FLAKYPASS"}
SKIPPED = {"UNSUPPORTED", "SKIPPED", "EXCLUDED"}


def missing_need(output):
    match = re.search(r"unavailable features: (.*)", output or "")
    return "needs " + match.group(1) if match else "skipped by the test itself"


# LLVM's libraries are not instrumented: its allocators, compiled into our units, would poison memory
# that the libraries hand out. CUDA maps where the shadow gap is protected.
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "allow_user_poisoning=0:detect_container_overflow=0:protect_shadow_gap=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "ignore_noninstrumented_modules=1",
}


def main():
    for name, value in SANITIZER_OPTIONS.items():
        os.environ.setdefault(name, value)
    build = os.path.abspath(sys.argv[1])
    lit = next(p for p in ("/usr/lib/llvm-22/bin/lit", "lit") if p == "lit" or os.path.exists(p))
    results = os.path.join(build, "test", "results.json")
    if os.path.exists(results):
        os.remove(results)
    command = [lit, "-o", results] + (sys.argv[2:] or ["-sv"])
    if importlib.util.find_spec("psutil"):  # what lit needs to end a test that hangs
        command.append("--timeout=900")
    suites = [os.path.join(build, "test"), os.path.join(build, "test", "unit")]
    status = subprocess.run(command + suites).returncode
    if not os.path.exists(results):
        print("the test runner itself failed", file=sys.stderr)
        return status or 1
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for test in sorted(json.load(open(results))["tests"], key=lambda t: t["name"]):
        if test["code"] in PASSED:
            counts["passed"] += 1
        elif test["code"] in SKIPPED:
            counts["skipped"] += 1
            print(f"skipped: {test['name']} ({missing_need(test.get('output'))})")
        else:
            counts["failed"] += 1
            print(f"failed: {test['name']} ({test['code']})")
    print(", ".join(f"{count} {name}" for name, count in counts.items()), flush=True)
    return 1 if counts["failed"] or counts["passed"] == 0 else status


if __name__ == "__main__":
    sys.exit(main())
