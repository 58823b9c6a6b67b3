#!/usr/bin/env python3
"""Runs every test of a build and ends with one line: `N passed, N failed, N skipped`.

    test/run.py BUILD_DIR [lit arguments...]
"""

import importlib.util
import os
import re
import subprocess
import sys
import xml.etree.ElementTree


def test_name(case):
    folder = case.get("classname").split(".", 1)[1].removeprefix("_/")
    return case.get("name") if folder.startswith("attn-jit") else f"{folder}/{case.get('name')}"


def skip_reason(case):
    message = case.find("skipped").get("message", "")
    match = re.search(r"Missing required feature\(s\): (.*)", message)
    # lit does not pass on the words of a GoogleTest case.
    return "needs " + match.group(1) if match else "the test itself finds that it cannot run here"


# Of a failed test the last lines say which command failed and what it printed; the whole is in the XML.
TAIL = 20


# LLVM's libraries are not instrumented: its allocators, compiled into our units, would poison memory
# that the libraries hand out. CUDA maps where the shadow gap is protected.
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "allow_user_poisoning=0:detect_container_overflow=0:protect_shadow_gap=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "ignore_noninstrumented_modules=1:suppressions="
    + os.path.join(os.path.dirname(os.path.abspath(__file__)), "runtime", "tsan.supp"),
}


def main():
    # A store is no folder that others may write to: those of the tests are of this user alone.
    os.umask(0o022)
    for name, value in SANITIZER_OPTIONS.items():
        os.environ.setdefault(name, value)
    build = os.path.abspath(sys.argv[1])
    lit = next(p for p in ("/usr/lib/llvm-22/bin/lit", "lit") if p == "lit" or os.path.exists(p))
    results = os.path.join(build, "test", "results.xml")
    if os.path.exists(results):
        os.remove(results)
    command = [lit, "--xunit-xml-output", results] + (sys.argv[2:] or ["-s"])
    if importlib.util.find_spec("psutil"):  # what lit needs to end a test that hangs
        command.append("--timeout=1800")
    suites = [os.path.join(build, "test"), os.path.join(build, "test", "unit")]
    status = subprocess.run(command + suites).returncode
    if not os.path.exists(results):
        print("the test runner itself failed", file=sys.stderr)
        return status or 1
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    failures = []
    for case in xml.etree.ElementTree.parse(results).iter("testcase"):
        if case.find("failure") is not None:
            counts["failed"] += 1
            said = (case.find("failure").text or "").rstrip().splitlines()[-TAIL:]
            failures += [f"failed: {test_name(case)}", *("  " + line for line in said)]
        elif case.find("skipped") is None:
            counts["passed"] += 1
        elif "not selected" not in case.find("skipped").get("message", ""):
            counts["skipped"] += 1
            print(f"skipped: {test_name(case)} ({skip_reason(case)})")
    # Last: who keeps only the end of a long log keeps why it failed.
    print(*failures, sep="\n", end="\n" if failures else "")
    print(", ".join(f"{count} {name}" for name, count in counts.items()), flush=True)
    return 1 if counts["failed"] or counts["passed"] == 0 else status


if __name__ == "__main__":
    sys.exit(main())
