#!/usr/bin/env python3
"""Follows the walk of resident workgroups over query tiles, as the tile IR of a producer has it.

    tile-order.py KERNEL.mlir BLOCK_ROWS [MOST_OVER_MEAN [PACKED_HEADS [CLUSTER]]]

For several shapes and numbers of workgroups: every tile of every head is visited once, by workgroups that
each have one at least; and, where a bound is given, the busiest workgroup of a causal mask has at most that
many times the mean work. Of packed heads, which share a tile, BLOCK_ROWS are those of each. The workgroups of a
cluster visit tiles that follow each other, of which the last may lie beyond the queries.
"""

import re
import sys

OPS = {
    "addi": lambda x, y: x + y, "subi": lambda x, y: x - y, "muli": lambda x, y: x * y,
    "divui": lambda x, y: x // y, "ceildivsi": lambda x, y: -(-x // y), "remui": lambda x, y: x % y,
    "maxsi": max, "minsi": min, "shrui": lambda x, y: x >> y, "shli": lambda x, y: x << y,
    "andi": lambda x, y: x & y, "ori": lambda x, y: x | y, "xori": lambda x, y: x ^ y,
}
COMPARE = {"slt": lambda x, y: x < y, "sle": lambda x, y: x <= y, "sgt": lambda x, y: x > y,
           "sge": lambda x, y: x >= y, "eq": lambda x, y: x == y, "ne": lambda x, y: x != y}


class Walk:
    """The straight line from the kernel's entry to the producer's copy of the queries."""

    def __init__(self, text):
        self.arguments = dict(re.findall(r"(%\w+): i32 \{tile.arg = \"(\w+)\"\}", text))
        query = re.search(r"(%\w+): !tile.global<\d+x\w+, bulk> \{tile.arg = \"q\"\}", text).group(1)
        producer = text[:text.index("role consumer")]
        end = re.search(r"tile\.copy " + query + r"\[(%\w+), (%\w+), (%\w+)\]", producer)
        self.place = end.groups()
        lines = producer[:end.start()].split("\n")
        loop = next(i for i, line in enumerate(lines) if "scf.for" in line)
        self.visit, self.count = re.search(r"scf\.for (%\w+) = %\w+ to (%\w+)", lines[loop]).groups()
        self.before, self.inside = ([x for x in map(self.operation, part) if x] for part in (lines[:loop], lines[loop:]))

    @staticmethod
    def operation(line):
        """(result, function of the values), or nothing for an op that does not count."""
        constant = re.match(r"\s*(%\w+) = arith\.constant (-?\d+|true|false)\b", line)
        if constant:
            number = {"true": 1, "false": 0}.get(constant[2]) if constant[2] in ("true", "false") else int(constant[2])
            return constant[1], lambda env: number
        if match := re.match(r"\s*(%\w+) = tile\.program_id 0", line):
            return match[1], lambda env: env["id"]
        if match := re.match(r"\s*(%\w+) = tile\.cluster_rank", line):
            return match[1], lambda env: env["rank"]
        if match := re.match(r"\s*(%\w+) = arith\.cmpi (\w+), (%\w+), (%\w+)", line):
            name, kind, x, y = match.groups()
            return name, lambda env: int(COMPARE[kind](env[x], env[y]))
        if match := re.match(r"\s*(%\w+) = arith\.select (%\w+), (%\w+), (%\w+)", line):
            name, c, x, y = match.groups()
            return name, lambda env: env[x] if env[c] else env[y]
        if match := re.match(r"\s*(%\w+) = arith\.trunci (%\w+) : i32 to i1", line):
            name, x = match.groups()
            return name, lambda env: env[x] & 1
        if match := re.match(r"\s*(%\w+) = arith\.extui (%\w+)", line):
            name, x = match.groups()
            return name, lambda env: env[x]
        if match := re.match(r"\s*(%\w+) = arith\.(\w+) (%\w+), (%\w+)", line):
            name, op, x, y = match.groups()
            return name, lambda env: OPS[op](env[x], env[y])
        return None

    def tiles(self, number, values, cluster):
        """(batch, head, row) of each tile that workgroup `number` visits."""
        env = {name: values[what] for name, what in self.arguments.items() if what in values}
        env["id"], env["rank"] = number, number % cluster
        for name, function in self.before:
            env[name] = function(env)
        for visit in range(env[self.count]):
            env[self.visit] = visit
            for name, function in self.inside:
                env[name] = function(env)
            yield tuple(env[x] for x in self.place)


def main():
    walk, rows = Walk(open(sys.argv[1]).read()), int(sys.argv[2])
    bound = float(sys.argv[3]) if len(sys.argv) > 3 else None
    packed, cluster = (int(sys.argv[i]) if len(sys.argv) > i else 1 for i in (4, 5))
    for batch, heads, kv_heads, length, held in (
            (16, 16, 16, 1024, 132), (1, 16, 2, 16384, 132), (4, 8, 8, 4000, 132), (1, 1, 1, 1, 132), (2, 3, 1, 129, 132),
            (3, 5, 5, 700, 7), (1, 8, 8, 512, 114), (64, 12, 12, 100, 78), (1, 30, 30, 17776, 132), (5, 7, 1, 333, 1)):
        if packed > 1 and heads % packed:
            continue
        if packed > 1:
            kv_heads = heads // packed
        tiles = -(-length // (rows * cluster)) * cluster
        workgroups = min(held // cluster * cluster or tiles, tiles * heads // packed * batch)
        values = {"batch": batch, "q_heads": heads, "heads_per_kv": heads // kv_heads, "q_len": length, "kv_len": length,
                  "workgroups": workgroups}
        visited = [list(walk.tiles(number, values, cluster)) for number in range(workgroups)]
        shape = f"{batch}x{heads}x{length}, {workgroups} workgroups"
        if not all(visited):
            sys.exit(f"{shape}: a workgroup without a tile")
        if any(own[2] + rows != next[2] or own[:2] != next[:2] for n in range(1, workgroups, cluster) if cluster > 1
               for own, next in zip(visited[n - 1], visited[n], strict=True)):
            sys.exit(f"{shape}: workgroups of a cluster on tiles that do not follow each other")
        if sorted(place for each in visited for place in each) != [
                (b, h, i * rows) for b in range(batch) for h in range(0, heads, packed) for i in range(tiles)]:
            sys.exit(f"{shape}: not every tile once")
        # A causal tile visits the blocks up to its own, and pays about half a block for its ends.
        # A cluster's tiles all visit those of its last.
        work = [sum(row // rows // cluster * cluster + cluster + .5 for _, _, row in each) for each in visited]
        busiest = max(work) / (sum(work) / workgroups)
        if bound and tiles * heads // packed * batch >= 8 * workgroups and busiest > bound:
            sys.exit(f"{shape}: the busiest has {busiest:.3f} of the mean work, allowed: {bound}")
    print("every tile once")
    return 0


if __name__ == "__main__":
    sys.exit(main())
