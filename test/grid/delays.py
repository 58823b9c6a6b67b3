#!/usr/bin/env python3
"""Kernels whose waves are held up at random, and some that lack a barrier, for attn-grid --delays.

    delays.py make FOLDER                        writes NUMBER.TARGET.GROUP.mlir of every kernel below
    delays.py run FOLDER PATH_OF_ATTN_GRID SEEDS runs them on cuda:0: what lacks a barrier must be found, all others
                                                 be right; exit code 1 where it is not so

Making needs attn-jit and attn-opt and no GPU; running needs attn-grid alone. Several kernels run at a time: one's
assembling and comparing go on beside another's launches.
"""

import concurrent.futures
import os
import re
import subprocess
import sys
import time
from typing import Callable, NamedTuple, Optional

import defects

JOBS = min(6, os.cpu_count() or 1)
# A thousand seeds take two to six seconds beside five others.
SECONDS = 20


class Kernel(NamedTuple):
    target: str
    group: str  # of attn-grid
    schedule: str
    alignment: int = 16  # below it elements are copied one by one
    defect: Optional[Callable[[str], str]] = None

    def __str__(self):
        return " ".join([self.target, self.group, self.schedule] +
                        ([f"alignment={self.alignment}"] if self.alignment < 16 else []))

    def file(self, folder, number):
        return os.path.join(folder, f"{number:03}.{self.target}.{self.group}.mlir")

    def flags(self):
        dtype, dim, mask, _ = self.group.split("-")
        kinds = {"f16": ["fp16"], "bf16": ["bf16"], "f32": ["fp32"], "tf32": ["fp32", "--precision", "tf32"]}
        return (["--target", self.target, "--dtype", *kinds[dtype], "-d", dim[1:], "--schedule", self.schedule] +
                ["--alignment", str(self.alignment)] + (["-causal"] if mask == "causal" else []) +
                ([] if dim == "d128" else ["--lse"]))

    def grid_flags(self):
        packed = re.search(r"pack_gqa=(\d+)", self.schedule)
        # Groups are found by a part of their name, which that of tf32 holds too.
        return (["--target", self.target, "--group", self.group] + (["--packed", packed[1]] if packed else []) +
                (["--without", "tf32"] if self.group.startswith("f32") else []))


HALF = ["f16-d64-full-bhsd", "f16-d64-causal-bhsd", "f16-d128-full-bshd", "f16-d128-causal-bshd"]
BRAIN = ["bf16-d64-causal-bshd", "bf16-d128-full-bhsd"]
WIDE = ["f16-d256-full-bshd", "f16-d256-causal-bshd"]
SINGLE = ["f32-d64-full-bshd", "f32-d128-causal-bhsd", "tf32-d64-causal-bshd", "tf32-d128-full-bhsd"]

# Rings that the tensor copy engine fills, mail, turns, probabilities in shared memory.
BULK = [
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
    "flash_fwd_ws.v1<rescale=always>",
    "flash_fwd_ws.v1<grid=dynamic>",
    "flash_fwd_ws.v1<grid=dynamic,bm=128,loops=split,section=4,bn=64>",
    "flash_fwd_ws.v1<section=4,bm=128,bn=64>",
    "flash_fwd_ws.v1<cluster=2>",
    "flash_fwd_ws.v1<cluster=2,grid=tiles,stages=1,bn=64>",
    "flash_fwd_ws.v1<cluster=2,bm=192,bn=48>",
]
PACKED = [
    "flash_fwd_ws.v1<pack_gqa=2>",
    "flash_fwd_ws.v1<pack_gqa=4>",
    "flash_fwd_ws.v1<bm=64,pack_gqa=4,loops=split>",
    "flash_fwd_ws.v1<bm=192,bn=48,pack_gqa=2>",
    "flash_fwd_ws.v1<grid=tiles,pack_gqa=4>",
    "flash_fwd_ws.v1<p=shared,bn=64,order=reverse,pack_gqa=4>",
    "flash_fwd_ws.v1<grid=dynamic,pack_gqa=4>",
    "flash_fwd_ws.v1<cluster=2,pack_gqa=4>",
]
# Tiles between barriers of the workgroup.
IN_STEP = ["flash_fwd_sync.v1", "flash_fwd_sync.v1<query=shared>"]
# Rings that the threads' own asynchronous copies fill.
RINGS = [
    "flash_fwd_async.v1",
    "flash_fwd_async.v1<stages=1>",
    "flash_fwd_async.v1<stages=3,bn=32>",
    "flash_fwd_async.v1<bm=64,units=4,bn=48>",
    "flash_fwd_async.v1<bm=128,units=8,bn=48>",
    "flash_fwd_async.v1<bm=32,units=1,bn=16>",
    "flash_fwd_sync.v1",
]
REGISTERS = ["flash_fwd_async.v1<query=registers>", "flash_fwd_sync.v1<query=registers,bn=16>"]
RINGS_OF_F32 = [
    "flash_fwd_async.v1",
    "flash_fwd_async.v1<bm=32,units=2,bn=16>",
    "flash_fwd_async.v1<bm=128,units=8,stages=1,bn=16>",
    "flash_fwd_sync.v1<bn=16>",
]


def all_of(target, groups, schedules, alignment=16):
    return [Kernel(target, group, schedule, alignment) for group in groups for schedule in schedules]


KERNELS = [
    *all_of("sm_90a", HALF, BULK + IN_STEP),
    *all_of("sm_90a", HALF, PACKED),
    *all_of("sm_90a", BRAIN, ["flash_fwd_ws.v1", "flash_fwd_ws.v1<pack_gqa=4>", "flash_fwd_sync.v1"]),
    *all_of("sm_90a", WIDE, ["flash_fwd_ws.v1", "flash_fwd_ws.v1<grid=tiles>", "flash_fwd_sync.v1"]),
    *all_of("sm_90a", SINGLE, RINGS_OF_F32),
    *all_of("sm_80", HALF, RINGS),
    *all_of("sm_80", HALF[:2], REGISTERS),
    *all_of("sm_80", BRAIN + WIDE, ["flash_fwd_async.v1", "flash_fwd_sync.v1"]),
    *all_of("sm_80", SINGLE, RINGS_OF_F32[:2]),
    *all_of("sm_80", HALF[:2], ["flash_fwd_async.v1<query=shared>", "flash_fwd_sync.v1"], alignment=8),
    # Each kind of barrier, taken out at least once; tile.publish is not, without which no bit changes
    # (docs/perf/hopper-forward.md).
    *(Kernel("sm_90a", group, schedule, defect=defect)
      for group in (HALF[0], HALF[3])
      for schedule, defect in [
          ("flash_fwd_ws.v1<overlap=off>", defects.early_release),
          ("flash_fwd_ws.v1<overlap=off,pack_gqa=4>", defects.early_release),
          ("flash_fwd_ws.v1<q_stages=1,bn=64>", defects.early_query),
          ("flash_fwd_ws.v1<cluster=2,bm=128,overlap=off>", defects.silent_peer),
          ("flash_fwd_ws.v1<stages=1,overlap=off,bn=64>", defects.no_wait),
          ("flash_fwd_sync.v1", defects.no_acquire),
          ("flash_fwd_sync.v1", defects.no_commit),
      ]),
    # Behind two stages of queries mail is written over too early only where tiles are of one step and rings have room for
    # those of the tiles before: 97 keys, and five tiles of 64 rows a workgroup.
    *(Kernel("sm_90a", group, "flash_fwd_ws.v1<bm=64,bn=128,stages=4>", defect=defects.early_mail) for group in HALF[:2]),
    *(Kernel(target, group, schedule, alignment, defect)
      for target, group, alignment in [("sm_80", HALF[0], 16), ("sm_80", HALF[3], 16), ("sm_80", HALF[0], 8),
                                       ("sm_90a", SINGLE[0], 16), ("sm_80", SINGLE[3], 16)]
      for schedule, defect in [
          ("flash_fwd_async.v1<stages=1,bn=32,query=shared>", defects.no_acquire),
          ("flash_fwd_async.v1<stages=1,bn=32,query=shared>", defects.early_release),
          ("flash_fwd_async.v1<stages=1,bn=32,query=shared>", defects.no_wait),
          ("flash_fwd_sync.v1<bn=16>", defects.no_acquire),
          ("flash_fwd_sync.v1<bn=16>", defects.no_wait),
      ]),
]


def make(folder):
    os.makedirs(folder, exist_ok=True)

    def make_one(number):
        kernel = KERNELS[number]
        text = subprocess.run(["attn-jit", "compile", *kernel.flags(), "--emit", "tile", "-o", "-"],
                              capture_output=True, text=True)
        if text.returncode:
            sys.exit(f"{kernel}: {text.stderr}")
        text = text.stdout
        if kernel.defect:
            bad = kernel.defect(text)
            if bad == text:
                sys.exit(f"{kernel}: no place for '{kernel.defect.__name__}' in this kernel")
            text = bad
        subprocess.run(["attn-opt", "--pass-pipeline=builtin.module(tile.kernel(tile-insert-delays))", "-", "-o",
                        kernel.file(folder, number)], input=text, text=True, check=True)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(make_one, range(len(KERNELS))))
    print(f"{sum(not kernel.defect for kernel in KERNELS)} kernels, "
          f"{sum(bool(kernel.defect) for kernel in KERNELS)} with a defect")


def checked(command):
    """Exit code, None where it does not end, and what it said."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        return None, str(error)
    return result.returncode, result.stdout + result.stderr


def run(folder, grid, seeds):
    def run_one(number):
        kernel = KERNELS[number]
        start = time.monotonic()
        code, text = checked([grid, "--device", "cuda:0", "--module", kernel.file(folder, number), "--delays", seeds,
                              *kernel.grid_flags()])
        spent = f" ({time.monotonic() - start:.1f} s)"
        if not kernel.defect:
            return (code == 0, f"{kernel}: " + ("the same bits" if code == 0 else "WRONG") + spent, text)
        # A copy that nobody waited for may come when its workgroup is gone: the launch fails.
        found = code is None or (code == 1 and (": WRONG: " in text or "CUDA_ERROR_LAUNCH_FAILED" in text))
        calls, late = text.count(": WRONG: "), text.count("other bits with delay_seed")
        verdict = ("NOT FOUND" if not found else "found, it hangs" if code is None else
                   f"found, {calls} calls wrong, {late} of them only where waves are held up")
        return found, f"{kernel}: {kernel.defect.__name__}: {verdict}" + spent, text

    faults = 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for good, line, text in pool.map(run_one, range(len(KERNELS))):
            print(line, flush=True)
            if not good:
                print(text)
                faults += 1
    print(f"{len(KERNELS)} kernels of {seeds} seeds, {faults} not as they must be")
    return faults > 0


def main():
    command, folder, *rest = sys.argv[1:]
    return make(folder) if command == "make" else run(folder, *rest)


if __name__ == "__main__":
    sys.exit(main())
