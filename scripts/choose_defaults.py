#!/usr/bin/env python3
"""Writes the measured defaults: of each problem and class of calls the schedule that did best in the measurements.

  scripts/choose_defaults.py docs/perf/flash_fwd_ws.sm_90a.jsonl > dialect/attn/schedules/MeasuredDefaults.inc
  scripts/choose_defaults.py --report docs/perf/flash_fwd_ws.sm_90a.jsonl

With --report no table of defaults is written but what they cost: of each class the calls, the geometric mean of (best
time / time of the default) and the call whose default is furthest behind its best, the classes that lose most first. A
class that mixes calls which disagree shows there, and nowhere else: one schedule is all that it can have. The best of a
call is of everything that was measured on it, whether the class may take it or not.

A line of the file is a call with the time of each schedule, as scripts/sweep_schedules.py writes it. The best has the
highest geometric mean of (best time / own time) over the class's calls; of what is within a hundredth of it, the one
that the assembler is done with first or, where steps are few, whose calls take least in all. A cold start of D128 is
held to 0.4 s, which two loops of long steps are not, unless its rows see so many keys that a launch takes milliseconds.
"""

import argparse
import collections
import json
import math
import re
import sys

# As dialect/attn/CallClass.h and ProblemShape::fewKeysUpTo have them (test/codegen/nvptx/class_limits.py).
FEW_ROWS, WAVE_ROWS, LONG_KEYS = 132 * 64, 132 * 128, 8192
NARROW, FEW_KEYS_NARROW, FEW_KEYS = 96, 512, 2048
SAME = 0.99
HELD = (128, 128)  # dims whose cold start is held to a limit,
HELD_STEP = 64  # and the longest step of two loops within it: 80 took 0.45 s.
HELD_TILES = 128  # of workgroups of one tile and no mask, assembled like one loop (1883 and 1869 M instructions)


def keys_class(call):
    seen = call["length"] // 2 if call["causal"] else call["length"]
    few = FEW_KEYS_NARROW if max(call["head_dim"], call["value_dim"]) <= NARROW else FEW_KEYS
    return "KeyClass::" + ("Few" if seen <= few else "Many" if seen < LONG_KEYS else "Long")


def rows_class(call):
    rows = call["batch"] * call["heads"] * call["length"]
    return "RowClass::" + ("Few" if rows <= FEW_ROWS else "Wave" if rows <= WAVE_ROWS else "Many")


def key(call):
    """The class: of a dtype nothing is known here, all measurements are of bf16 (dialect/attn/Schedule.cpp)."""
    return (call["target"], call["head_dim"], call["value_dim"], bool(call["causal"]),
            keys_class(call), rows_class(call))


def assembled(schedule):
    """What the assembler's time grows with: the loops, and the keys of a step."""
    return (1 if "loops=one" in schedule else 2) * int(re.search(r"bn=(\d+)", schedule)[1])


def admitted(dims, masked, keys, schedule):
    held = dims == HELD and keys != "KeyClass::Long"
    step = HELD_TILES if "grid=tiles" in schedule and not masked else HELD_STEP
    return not held or "loops=one" in schedule or assembled(schedule) <= 2 * step


def share(call, schedule):
    """Of the best time in the time of `schedule`."""
    return min(call["us"].values()) / call["us"][schedule]


def geometric_mean(shares):
    shares = list(shares)
    return math.exp(sum(map(math.log, shares)) / len(shares))


def best(dims, masked, keys, calls):
    common = set.intersection(*(set(call["us"]) for call in calls))
    score = {}
    for schedule in sorted(common):
        if admitted(dims, masked, keys, schedule):
            score[schedule] = geometric_mean(share(call, schedule) for call in calls)
    if not score:
        sys.exit(f"{dims}, {keys}: no schedule was measured on all of {len(calls)} calls")
    alike = [s for s in score if score[s] >= SAME * max(score.values())]
    if keys == "KeyClass::Few":  # each is assembled quickly
        return min(alike, key=lambda s: sum(call["us"][s] for call in calls))
    return min(alike, key=assembled)


def write(path, chosen):
    print(f"// By scripts/choose_defaults.py from {path.rsplit('/', 1)[-1]}.")
    for (target, dim, value_dim, masked, keys, rows), (_, schedule) in chosen.items():
        print(f'{{"{target}", {dim}, {value_dim}, {str(masked).lower()}, {{{keys}, {rows}}},\n'
              f' "{schedule}"}},')


def report(chosen):
    print("| class | calls | share of best | worst call | its default / its best |\n| --- | --- | --- | --- | --- |")
    rows = []
    for (_, dim, value_dim, masked, *kinds), (calls, schedule) in chosen.items():
        worst = min(calls, key=lambda call: share(call, schedule))
        dims = f"D{dim}" if dim == value_dim else f"D{dim}/{value_dim}"
        keys, of_rows = (kind.split("::")[1].lower() for kind in kinds)
        rows.append((share(worst, schedule), f"| {dims} {'causal' if masked else 'full'}, {keys} keys, {of_rows} rows "
                     f"| {len(calls)} | {geometric_mean(share(call, schedule) for call in calls):.3f} "
                     f"| b{worst['batch']} h{worst['heads']} {worst['length']} | {1 / share(worst, schedule):.3f} |"))
    print("\n".join(row for _, row in sorted(rows)))
    shares = [share(call, schedule) for calls, schedule in chosen.values() for call in calls]
    print(f"{len(shares)} calls of {len(chosen)} classes: geometric mean of the share of best {geometric_mean(shares):.3f}, "
          f"least {min(shares):.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", action="store_true", help="what the defaults cost, not the defaults")
    parser.add_argument("path")
    options = parser.parse_args()
    classes = collections.OrderedDict()
    for line in open(options.path):
        call = json.loads(line)
        classes.setdefault(key(call), []).append(call)
    chosen = {each: (calls, best(each[1:3], each[3], each[4], calls)) for each, calls in classes.items()}
    report(chosen) if options.report else write(options.path, chosen)


if __name__ == "__main__":
    main()
