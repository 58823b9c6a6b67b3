#!/usr/bin/env python3
"""Writes the measured defaults: of each problem and class of calls the schedule that did best in the measurements.

  scripts/choose_defaults.py docs/perf/flash_fwd_ws.sm_90a.jsonl > dialect/attn/schedules/MeasuredDefaults.inc

A line of the file is a call with the time of each schedule, as scripts/sweep_schedules.py writes it. The best has the
highest geometric mean of (best time / own time) over the class's calls; of what is within a hundredth of it, the one
that the assembler is done with first or, where steps are few, whose calls take least in all. A cold start of D128 is
held to 0.4 s, which two loops of long steps are not, unless its rows see so many keys that a launch takes milliseconds.
"""

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
    return (call["target"], call["head_dim"], call["value_dim"], bool(call["causal"]),
            keys_class(call), rows_class(call))


def assembled(schedule):
    """What the assembler's time grows with: the loops, and the keys of a step."""
    return (1 if "loops=one" in schedule else 2) * int(re.search(r"bn=(\d+)", schedule)[1])


def admitted(dims, masked, keys, schedule):
    held = dims == HELD and keys != "KeyClass::Long"
    step = HELD_TILES if "grid=tiles" in schedule and not masked else HELD_STEP
    return not held or "loops=one" in schedule or assembled(schedule) <= 2 * step


def best(dims, masked, keys, calls):
    common = set.intersection(*(set(call["us"]) for call in calls))
    score = {}
    for schedule in sorted(common):
        if admitted(dims, masked, keys, schedule):
            ratios = [min(call["us"].values()) / call["us"][schedule] for call in calls]
            score[schedule] = math.exp(sum(map(math.log, ratios)) / len(ratios))
    if not score:
        sys.exit(f"{dims}, {keys}: no schedule was measured on all of {len(calls)} calls")
    alike = [s for s in score if score[s] >= SAME * max(score.values())]
    if keys == "KeyClass::Few":  # each is assembled quickly
        return min(alike, key=lambda s: sum(call["us"][s] for call in calls))
    return min(alike, key=assembled)


def main():
    (path,) = sys.argv[1:]
    classes = collections.OrderedDict()
    for line in open(path):
        call = json.loads(line)
        classes.setdefault(key(call), []).append(call)
    print(f"// By scripts/choose_defaults.py from {path.rsplit('/', 1)[-1]}.")
    for (target, dim, value_dim, masked, keys, rows), calls in classes.items():
        print(f'{{"{target}", {dim}, {value_dim}, {str(masked).lower()}, {{{keys}, {rows}}},\n'
              f' "{best((dim, value_dim), masked, keys, calls)}"}},')


if __name__ == "__main__":
    main()
