#!/usr/bin/env python3
"""Compiles one score region of every op that a region may hold, for each target.

    listed.py SCRATCH_FOLDER
"""

import os
import re
import subprocess
import sys

# What each op is made of, by its operands and result; the rest are binary on one type.
COMPARED = {"cmpf": ("olt", "f32"), "cmpi": ("slt", "i32")}
CONVERTED = {"sitofp": ("i32", "f32"), "uitofp": ("i32", "f32"), "fptosi": ("f32", "i32"), "fptoui": ("f32", "i32"),
             "bitcast": ("f32", "i32"), "extsi": ("i1", "i32"), "extui": ("i1", "i32"), "trunci": ("i32", "i1")}
UNARY = {"negf", "absf", "absi", "ceil", "exp", "exp2", "floor", "log", "log2", "roundeven", "rsqrt", "sqrt", "tanh",
         "trunc"}
# A divisor is a constant.
DIVIDED = {"ceildivsi", "ceildivui", "divsi", "divui", "floordivsi", "remsi", "remui"}
FLOAT_BINARY = {"copysign", "powf"}
TARGETS = {"sm_90a": "ptx", "sm_80": "ptx", "gfx942": "hsaco", "gfx1100": "hsaco", "cpu": "so"}


class Region:
    """Each line takes the latest value of each type, so that nothing folds away."""

    def __init__(self):
        self.lines = ["^bb0(%x: f32, %b: i32, %h: i32, %i: i32, %j: i32):", "  %c0 = arith.cmpi slt, %i, %j : i32"]
        self.last = {"f32": "%x", "i32": "%j", "i1": "%c0"}
        self.other = {"f32": "%x", "i32": "%i", "i1": "%c0"}
        self.count = 0

    def add(self, text, result):
        self.count += 1
        self.lines.append(f"  %v{self.count} = {text}")
        self.last[result] = f"%v{self.count}"

    def op(self, dialect, name):
        full = f"{dialect}.{name}"
        if name == "constant":
            self.add("arith.constant 3 : i32", "i32")
            self.add(f"arith.addi {self.last['i32']}, %j : i32", "i32")
        elif name in COMPARED:
            predicate, type = COMPARED[name]
            self.add(f"{full} {predicate}, {self.last[type]}, {self.other[type]} : {type}", "i1")
        elif name in CONVERTED:
            source, result = CONVERTED[name]
            self.add(f"{full} {self.last[source]} : {source} to {result}", result)
        elif name == "select":
            self.add(f"{full} {self.last['i1']}, {self.last['f32']}, %x : f32", "f32")
        elif name == "fma":
            self.add(f"{full} {self.last['f32']}, %x, %x : f32", "f32")
        elif name in DIVIDED:
            dividend = self.last["i32"]
            self.add("arith.constant 7 : i32", "i32")
            self.add(f"{full} {dividend}, {self.last['i32']} : i32", "i32")
        else:
            floats = name in FLOAT_BINARY or name[-1] == "f" or (dialect == "math" and name != "absi")
            type = "f32" if floats else "i32"
            more = "" if name in UNARY else ", " + self.other[type]
            self.add(f"{full} {self.last[type]}{more} : {type}", type)
        # A result of each type reaches the score.
        self.add(f"arith.sitofp {self.last['i32']} : i32 to f32", "f32")
        self.add(f"arith.select {self.last['i1']}, {self.last['f32']}, %x : f32", "f32")
        kept = self.last["f32"]
        self.lines.append(f"  %s{self.count} = arith.addf {kept}, {self.sum()} : f32")
        self.total = f"%s{self.count}"

    def sum(self):
        return getattr(self, "total", "%x")

    def text(self):
        return "\n".join(self.lines + [f"  attn.yield {self.total} : f32", ""])


def compiled(folder, target, suffix, score):
    command = ["attn-jit", "compile", "--target", target, "-d", "64", "--score", score, "-o",
               os.path.join(folder, f"{target}.{suffix}")]
    if target == "cpu":
        command += ["--cpu-level", "x86-64-v3"]
    return subprocess.run(command, capture_output=True, text=True)


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def listed(folder, dialect, refused):
    body = f"^bb0(%x: f32, %b: i32, %h: i32, %i: i32, %j: i32):\n  %y = {refused}\n  attn.yield %x : f32\n"
    result = compiled(folder, "cpu", "so", write(folder, dialect + "-refused.mlir", body))
    match = re.search(rf"allowed of {dialect}: (.*)", result.stderr)
    if not match:
        sys.exit(f"listed.py: {refused} is not refused: {result.stderr}")
    return match.group(1).split(", ")


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    failures = []
    for dialect, refused in (("arith", "arith.remf %x, %x : f32"), ("math", "math.sin %x : f32")):
        names = listed(folder, dialect, refused)
        together = Region()
        for name in names:
            together.op(dialect, name)
        score = write(folder, dialect + ".mlir", together.text())
        for target, suffix in TARGETS.items():
            result = compiled(folder, target, suffix, score)
            if result.returncode or result.stderr:
                failures.append(f"{dialect} on {target}: exit code {result.returncode}: {result.stderr[:2000]}")
        print(f"{dialect}: {len(names)} ops")
    print("\n".join(failures))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
