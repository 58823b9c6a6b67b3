#!/usr/bin/env python3
"""Kernels of sm_90a whose waves are held up at random, and some with a barrier less, for attn-grid --delays.

    delays.py make FOLDER                        writes GROUP.N.mlir, and GROUP.N.defect.mlir
    delays.py run FOLDER PATH_OF_ATTN_GRID SEEDS runs them on cuda:0: a defect must be found, all others be right

Making needs attn-jit and attn-opt and no GPU; running needs attn-grid alone.
"""

import glob
import os
import re
import subprocess
import sys

# A thousand launches take three seconds.
SECONDS = 20

FLAGS = {
    "f16-d64-full-bhsd": ["-d", "64", "--lse"],
    "f16-d64-causal-bhsd": ["-d", "64", "--lse", "-causal"],
    "f16-d128-full-bshd": ["-d", "128"],
    "f16-d128-causal-bshd": ["-d", "128", "-causal"],
}
SCHEDULES = [
    "flash_fwd_ws.v1",
    "flash_fwd_ws.v1<loops=split>",
    "flash_fwd_ws.v1<pingpong=off>",
    "flash_fwd_ws.v1<anchor=on,bn=64>",
    "flash_fwd_ws.v1<overlap=off>",
    "flash_fwd_ws.v1<p=shared,bn=64>",
    "flash_fwd_ws.v1<p=shared,overlap=off,bn=64>",
    "flash_fwd_ws.v1<grid=tiles>",
    "flash_fwd_ws.v1<grid=tiles,overlap=off>",
    "flash_fwd_ws.v1<bm=64>",
    "flash_fwd_ws.v1<bm=192,bn=48>",
    "flash_fwd_ws.v1<stages=1,order=reverse,bn=64>",
    "flash_fwd_ws.v1<stages=4,bn=32>",
    "flash_fwd_ws.v1<order=paired,q_stages=2,bn=64>",
    "flash_fwd_sync.v1",
    "flash_fwd_sync.v1<query=shared>",
]


def early_release(text):
    """A value tile may be written over as soon as it is there."""
    pattern = (r"(?P<wait>( *)%\d+ = tile\.pipe\.wait (?P<use>%\d+\[%\w+\]).*\n)"
               r"(?P<read>(?: *%\d+ = tile\.(?:mma|wait) .*\n)+)(?P<release> *tile\.pipe\.release (?P=use).*\n)")
    return re.sub(pattern, r"\g<wait>\g<release>\g<read>", text)


def early_wait(text):
    """Keys and values are read when those before have come."""
    roles, consumer = text.split("role consumer", 1)

    def earlier(match):
        start, pipe, use, rest = match.groups()
        early = f"%early{match.start()}"
        return f"{early} = arith.subi {use}, %c1_i32 : i32\n{start}{pipe}[{early}]{rest}"

    changed = re.sub(r"(%\d+ = tile\.pipe\.wait )(%\d+)\[(%\w+)\]( : <1 x )", earlier, consumer)
    return roles + "role consumer" + changed


DEFECTS = {
    "flash_fwd_ws.v1<overlap=off>": early_release,
    "flash_fwd_ws.v1<stages=1,order=reverse,bn=64>": early_wait,
}


def make(folder):
    os.makedirs(folder, exist_ok=True)

    def write(name, text):
        subprocess.run(["attn-opt", "--pass-pipeline=builtin.module(tile.kernel(tile-insert-delays))", "-", "-o",
                        os.path.join(folder, name + ".mlir")], input=text, text=True, check=True)

    for group, flags in FLAGS.items():
        for number, schedule in enumerate(SCHEDULES):
            text = subprocess.run(["attn-jit", "compile", "--target", "sm_90a", "--dtype", "fp16", *flags, "--schedule",
                                   schedule, "--emit", "tile", "-o", "-"], capture_output=True, text=True, check=True).stdout
            write(f"{group}.{number}", text)
            if schedule in DEFECTS:
                bad = DEFECTS[schedule](text)
                if bad == text:
                    sys.exit(f"{schedule}: no place for '{DEFECTS[schedule].__name__}' in this kernel")
                write(f"{group}.{number}.defect", bad)


def checked(command):
    """Exit code, None where it does not end, and what it said."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        return None, str(error)
    return result.returncode, result.stdout + result.stderr


def run(folder, grid, seeds):
    status = 0
    for path in sorted(glob.glob(os.path.join(folder, "*.mlir"))):
        group, number, *defect = os.path.basename(path).removesuffix(".mlir").split(".")
        schedule = SCHEDULES[int(number)]
        code, text = checked([grid, "--device", "cuda:0", "--group", group, "--module", path, "--delays", seeds])
        wrong = code == 1 and " 0 refused" in text
        if defect:
            good = wrong or code is None
            verdict = f"{DEFECTS[schedule].__name__}: " + (
                "NOT FOUND" if not good else "found, it hangs" if code is None else
                f"found, {text.count('WRONG')} calls wrong")
        else:
            good = code == 0
            verdict = "the same bits" if good else "WRONG"
        print(f"{group} {schedule} {verdict}", flush=True)
        if not good:
            print(text)
            status = 1
    return status


def main():
    command, folder, *rest = sys.argv[1:]
    return make(folder) if command == "make" else run(folder, *rest)


if __name__ == "__main__":
    sys.exit(main())
