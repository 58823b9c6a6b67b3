#!/usr/bin/env python3
"""Fits the constants of the time model's warpgroups (autotune/ModelWarpgroups.cpp, Model.cpp).

  scripts/fit_model.py docs/perf/flash_fwd_ws.sm_90a.jsonl --dims 64,72,128,192

Prints them, and how well the fit ranks on the dims that were fitted and on the others. What counts is the ratio of two
schedules' times on one call, more so near the best; a call's own level counts little. A schedule that a call's line
leaves out took more than 1.25 times the best, and only a shorter prediction counts. Needs numpy and scipy. The formulas
are those of the C++ files, over all calls at once.
"""

import argparse
import heapq
import json
import math
import re

import numpy as np
from scipy.optimize import least_squares

UNITS, CLOCK, MEMORY = 132, 1.98e3, 4800e3  # an H200: SMs, cycles and bytes a microsecond
FLOPS, SPECIALS, SHARED, LINE = 4096, 16, 128, 128  # of an SM and cycle; bytes of a line
STEP_OVERLAP, LAUNCH_OVERLAP = 3, 2
START = {"kSoftmaxStart": 180, "kSoftmaxPerKey": 8, "kIssuePerColumn": 1.7, "kHandOver": 30, "kOneLoop": 110,
         "kAnchored": 20, "kOneTile": 60, "kMaskPerKey": 3.2, "kTileAlone": 2000, "kTilePerRow": 13, "kTileNext": 600,
         "kStorePerColumn": 1.5, "kQueryLate": 500, "kLaunchUs": 1.6, "kResidentUs": 0.15, "kL2LinesPerCycle": 0.65,
         "kSplitSectors": 2.2}


def fields(schedule):
    return dict(re.findall(r"(\w+)=(\w+)", schedule))


def tile_steps(length, bm, bn, causal):
    first = np.arange(math.ceil(length / bm)) * bm
    if not causal:
        return np.full(len(first), math.ceil(length / bn)), np.ones(len(first), int)
    steps = -(-np.minimum(first + bm, length) // bn)
    return steps, np.clip(steps - (first + 1) // bn, 1, steps)


def pairs(tiles, heads):
    """The tiles of each workgroup, by codegen/schedule/TileOrder.h."""
    workgroups = min(UNITS, tiles * heads)
    half, odd = tiles // 2, tiles % 2
    last = min(heads, math.ceil(workgroups / max(half, 1)))
    paired = (heads - last) * half
    walks = [[] for _ in range(workgroups)]
    for pair in range(paired):
        walks[pair % workgroups] += [tiles - 1 - pair % half, pair % half + odd]
    for turn in range(paired, paired + last * tiles + odd * (heads - last)):
        place, single = turn % workgroups, turn - paired
        back = (turn // workgroups - paired // workgroups) % 2
        walks[workgroups - 1 - place if back else place].append(
            tiles - 1 - single // last if single < last * tiles else 0)
    return walks


def loads(length, heads, bm, bn, causal, grid, order):
    """Tiles, steps and masked steps of the workgroups that differ."""
    steps, masked = tile_steps(length, bm, bn, causal)
    tiles = len(steps)
    rows = np.stack([np.ones(tiles), steps, masked], 1)
    if not causal:
        return math.ceil(tiles * heads / min(UNITS, tiles * heads)) * rows[:1]
    if grid == "resident":
        assert order == "paired"
        return np.unique([rows[walk].sum(0) for walk in pairs(tiles, heads)], axis=0)
    free = [(0.0, w) for w in range(min(UNITS, tiles * heads))]
    made = np.zeros((len(free), 3))
    for _ in range(heads):
        for i in range(tiles - 1, -1, -1) if order == "reverse" else range(tiles):
            time, who = free[0]
            heapq.heapreplace(free, (time + steps[i] + 1, who))
            made[who] += rows[i]
    return np.unique(made, axis=0)


def lines_of(row_bytes):
    """Lines of a row in boxes of at most one, as a mean over the places where it may begin."""
    begins = range(0, LINE, math.gcd(row_bytes, LINE))
    boxes = [(b + at, b + min(at + LINE, row_bytes)) for b in begins for at in range(0, row_bytes, LINE)]
    return sum((end - 1) // LINE - at // LINE + 1 for at, end in boxes) / len(begins)


def stored(row_bytes):
    panel = 32 if row_bytes <= 32 else 64 if row_bytes <= 64 else 128
    return math.ceil(row_bytes / panel) * panel


def together(exponent, *terms):
    return sum(np.asarray(t) ** exponent for t in terms) ** (1 / exponent)


class Data:
    """A row for each call and schedule of its problem."""

    def __init__(self, path):
        self.calls = [json.loads(line) for line in open(path)]
        space, known, rows, walks = {}, {}, [], []
        for call in self.calls:
            space.setdefault((call["head_dim"], call["value_dim"], call["causal"]), set()).update(call["us"])
        for number, call in enumerate(self.calls):
            d, dv, causal = key = (call["head_dim"], call["value_dim"], call["causal"])
            length, heads = call["length"], call["batch"] * call["heads"]
            best = min(call["us"].values())
            for text in sorted(space[key]):
                f = fields(text)
                bm, bn = int(f["bm"]), int(f["bn"])
                walk = (length, heads, bm, bn, causal, f["grid"], f["order"])
                if walk not in known:
                    known[walk] = (loads(*walk), tile_steps(*walk[:1], *walk[2:5])[0].sum() * heads)
                walks.append(known[walk][0])
                whole, whole_v = (16 * math.ceil(x / 16) for x in (d, dv))
                us = call["us"].get(text)
                rows.append((number, d, whole, whole_v, bm, bn, f["loops"] == "one", f["anchor"] == "on",
                             f["grid"] == "resident", f["q_stages"] == "2", us is not None, us or 1.25 * best, best,
                             known[walk][1] * bn, lines_of(2 * d) + lines_of(2 * dv), (2 * d) % 32 != 0,
                             stored(2 * whole) + stored(2 * whole_v), heads * length))
        (self.call, self.dim, self.d, self.dv, self.bm, self.bn, self.one, self.anchor, self.resident, self.early,
         self.seen, self.us, self.best, self.keys, self.lines, self.split, self.row_bytes, self.tokens) = map(
             np.array, zip(*rows))
        self.walks = np.concatenate(walks)
        counts = np.array([len(w) for w in walks])
        self.begin, self.owner = np.cumsum(counts) - counts, np.repeat(np.arange(len(rows)), counts)

    def predict(self, k):
        consumers = self.bm / 64
        scores, output = (2 * 64 * self.bn * x / FLOPS for x in (self.d, self.dv))
        softmax = k["kSoftmaxStart"] + k["kSoftmaxPerKey"] * self.bn
        tensor = consumers * (scores + output + k["kHandOver"])
        special = consumers * (64 * self.bn / SPECIALS + k["kIssuePerColumn"] * self.dv)
        chain = scores + together(STEP_OVERLAP, output, softmax)
        read = self.d / 16 * (64 + self.bn) * 32 + self.bn * self.dv * 2
        shared = (consumers * read + self.bn * self.row_bytes) / SHARED
        step = (together(STEP_OVERLAP, tensor, special, chain, shared) +
                self.one * (k["kOneLoop"] + k["kAnchored"] * self.anchor) +
                k["kOneTile"] * (~self.resident & (consumers < 3)))
        ends = k["kTileAlone"] + k["kTilePerRow"] * self.bm + np.maximum(scores + softmax + output - step, 0)
        tile = np.where(self.resident, k["kTileNext"] + k["kStorePerColumn"] * self.dv + k["kQueryLate"] * ~self.early,
                        ends)
        masked = k["kMaskPerKey"] * self.bn * consumers
        cycles = (self.walks * np.stack([tile, step, masked], 1)[self.owner]).sum(1)
        work = (np.maximum.reduceat(cycles, self.begin) + self.resident * ends) / CLOCK
        l2 = (self.keys * self.lines * np.where(self.split, k["kSplitSectors"], 1) /
              (k["kL2LinesPerCycle"] * UNITS * CLOCK))
        memory = 2 * (self.d + self.dv) * 2 * self.tokens / MEMORY
        return k["kLaunchUs"] + k["kResidentUs"] * self.resident + together(LAUNCH_OVERLAP, work, l2, memory)

    def fit(self, fitted):
        names, start = list(START), np.log(list(START.values()))
        near = np.exp(-2 * (self.us / self.best - 1))

        def off(x):
            log = np.log(self.predict(dict(zip(names, np.exp(x)))) / self.us)
            used = self.seen & fitted
            count = np.bincount(self.call[used], minlength=len(self.calls))
            level = np.bincount(self.call[used], log[used], len(self.calls)) / np.maximum(count, 1)
            apart = log - level[self.call]
            error = np.where(self.seen, apart * near, 0.7 * np.minimum(apart, 0)) * fitted
            return np.concatenate([error / np.sqrt(np.maximum(count, 1))[self.call], 0.3 * level, 0.02 * (x - start)])

        found = least_squares(off, start, loss="soft_l1", f_scale=0.1, max_nfev=60)
        return dict(zip(names, np.exp(found.x)))

    def report(self, title, predicted, rows):
        picks, eights = [], []
        for call in np.unique(self.call[rows]):
            own = np.flatnonzero(self.call == call)
            ranked = own[np.argsort(predicted[own], kind="stable")][:8]
            share = np.where(self.seen, self.best / self.us, 0.75)[ranked]
            picks.append(share[0]), eights.append(share.max())
        off = np.log(predicted / self.us)[rows & self.seen]
        print(f"{title}: {len(picks)} calls, pick {np.exp(np.mean(np.log(picks))):.3f} (worst {min(picks):.3f}), best of "
              f"eight {np.exp(np.mean(np.log(eights))):.3f} (worst {min(eights):.3f}), times within "
              f"{100 * np.sqrt(np.mean(off**2)):.1f} %")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("measured")
    parser.add_argument("--dims", default="64,72,128,192", help="head dims that are fitted")
    parser.add_argument("--calls", type=int, default=1, help="fit every so-manieth call, of all dims where it is not 1")
    args = parser.parse_args()
    data = Data(args.measured)
    dims = [int(dim) for dim in args.dims.split(",")]
    fitted = np.isin(data.dim, dims) if args.calls == 1 else data.call % args.calls == 0
    constants = data.fit(fitted)
    for name, value in constants.items():
        print(f"{name} = {value:.3g}")
    predicted = data.predict(constants)
    data.report("fitted", predicted, fitted)
    data.report("others", predicted, ~fitted)


if __name__ == "__main__":
    main()
