#!/usr/bin/env python3
"""What of each reader its fuzz targets and unit tests run through, in lines and branches.

    coverage.py BUILD [--inputs N] [--fuzz-only] [READER...]

BUILD holds the programs of the table below (their targets are built first). The reader's units are compiled again with
coverage, and the programs linked again with these before everything else; the rest is BUILD's own. Prints a row a unit, as
docs/fuzzing.md has them, and fails where one has less than 90 % of its lines.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile

LEAST = 90
# reader: units, fuzz targets, unit tests
READERS = {
    "record": (["runtime/store/records/" + name for name in ("Record.cpp", "RecordParse.cpp", "CanonicalJson.cpp")],
               ["RecordFuzz"], ["RecordTest"]),
    "action": (["runtime/store/Action.cpp", "runtime/store/local/ActionFile.cpp"],
               ["ActionFuzz"], ["ActionTest", "CorruptEntryTest"]),
    "config": (["runtime/store/remote/" + name for name in ("RemoteConfig.cpp", "Url.cpp", "WebNames.cpp", "Remote.cpp")],
               ["ConfigFuzz"], ["RemoteConfigTest", "WebRemoteTest", "RemoteConformanceTest"]),
    "lists": (["runtime/store/remote/XmlText.cpp"], ["XmlFuzz"], ["WebRemoteTest"]),
    "keys": (["runtime/store/trust/TrustFile.cpp"], ["TrustFuzz"], ["KeyFileTest"]),
    "lease": (["runtime/store/trust/Lease.cpp"], ["LeaseFuzz"], ["LeaseTest"]),
    "pack": (["runtime/store/pack/" + name for name in ("PackFormat.cpp", "PackImport.cpp", "PackReader.cpp")],
             ["PackFuzz"], ["PackTest", "PackRefusalTest"]),
    "manifest": (["runtime/Manifest.cpp", "runtime/ManifestRules.cpp"], ["ManifestFuzz"], ["RuntimeTest --gtest_filter=*Manifest*"]),
    "tensors": (["runtime/tensor/" + name for name in ("SafeUnpickler.cpp", "PickleBuild.cpp", "PtReader.cpp", "ZipArchive.cpp",
                                                       "SafetensorsReader.cpp", "NpyReader.cpp")],
                ["PtFuzz", "ZipFuzz", "SafetensorsFuzz", "NpyFuzz"], ["TensorTest", "CapturedTest"]),
    "pin": (["autotune/Pin.cpp"], ["PinFuzz"], ["PinTest"]),
    "journal": (["autotune/Journal.cpp"], ["JournalFuzz"], ["JournalTest"]),
    "join": (["autotune/JoinText.cpp"], ["JoinFuzz"], ["JoinTextTest"]),
    "schedule": (["dialect/attn/Schedule.cpp"], ["ScheduleFuzz"], []),
}
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FLAGS = ["-fprofile-instr-generate", "-fcoverage-mapping"]


def run(command, **options):
    return subprocess.run(command, check=True, text=True, **options)


def compile_again(build, unit, to):
    path = os.path.join(ROOT, unit)
    entry = next(e for e in json.load(open(os.path.join(build, "compile_commands.json"))) if e["file"] == path)
    words = shlex.split(entry["command"])
    words[words.index("-o") + 1] = to
    run(words + FLAGS, cwd=entry["directory"])


def link_again(build, program, objects, to):
    """The program's own last command, with `objects` before its libraries' members of the same names."""
    line = run(["ninja", "-C", build, "-t", "commands", program], capture_output=True).stdout.splitlines()[-1]
    words = [word for word in shlex.split(line) if word not in (":", "&&")]
    at = words.index("-o")
    words[at:at + 2] = objects + FLAGS + ["-o", to]
    run(words, cwd=build)


def measure(build, reader, inputs, fuzz_only, folder):
    units, fuzzers, tests = READERS[reader]
    objects = [os.path.join(folder, unit.replace("/", "_") + ".o") for unit in units]
    for unit, to in zip(units, objects):
        compile_again(build, unit, to)
    linked, counts = [], []
    for words in map(str.split, fuzzers + ([] if fuzz_only else tests)):
        program = words[0]
        to = os.path.join(folder, program)
        link_again(build, program, objects, to)
        linked.append(to)
        environment = dict(os.environ, LLVM_PROFILE_FILE=to + ".%p.raw", ATTN_JIT_CACHE="off")
        arguments = [str(inputs)] if program in fuzzers else ["--gtest_brief=1"] + words[1:]
        ended = subprocess.run([to] + arguments, env=environment, cwd=folder, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
        if ended.returncode:
            raise SystemExit(f"{program} ends with {ended.returncode}:\n{ended.stdout}")
        if program in fuzzers:
            counts.append(ended.stdout.splitlines()[-1])
    raw = [os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".raw")]
    # A process that was killed leaves a file that is none.
    raw = [path for path in raw if os.path.getsize(path)]
    profile = os.path.join(folder, "profile")
    run(["llvm-profdata-22", "merge", "--failure-mode=all", "-o", profile] + raw)
    more = [word for path in linked[1:] for word in ("-object", path)]
    report = run(["llvm-cov-22", "export", "-summary-only", linked[0]] + more + ["-instr-profile", profile] +
                 [os.path.join(ROOT, unit) for unit in units], capture_output=True).stdout
    for each in json.loads(report)["data"][0]["files"]:
        unit = os.path.relpath(each["filename"], ROOT)
        lines, branches = (each["summary"][what]["percent"] for what in ("lines", "branches"))
        yield unit, lines, branches, counts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--inputs", type=int, default=100000)
    parser.add_argument("--fuzz-only", action="store_true")
    parser.add_argument("readers", nargs="*", choices=list(READERS) + [[]])
    given = parser.parse_args()
    build = os.path.abspath(given.build)
    readers = given.readers or list(READERS)
    programs = [p.split()[0] for reader in readers for p in READERS[reader][1] + READERS[reader][2]]
    run(["ninja", "-C", build] + programs, stdout=subprocess.DEVNULL)
    short = False
    print("| reader | unit | lines | branches |\n| --- | --- | --- | --- |")
    for reader in readers:
        with tempfile.TemporaryDirectory(prefix="attn-coverage-") as folder:
            for unit, lines, branches, counts in measure(build, reader, given.inputs, given.fuzz_only, folder):
                print(f"| {reader} | {os.path.basename(unit)} | {lines:.1f} % | {branches:.1f} % |", flush=True)
                short |= lines < LEAST
            print("\n".join(f"{reader}: {count}" for count in counts), file=sys.stderr, flush=True)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
