#!/usr/bin/env python3
"""Assembles kernels and reads `ptxas -v`: no spill, no advice (C75xx), no word of serialisation.

    ptxas.py PTXAS SCRATCH_FOLDER TARGET                       defaults and kinds of schedule
    ptxas.py PTXAS SCRATCH_FOLDER TARGET MeasuredDefaults.inc  its rows there, with a log-sum-exp and without
"""

import concurrent.futures
import os
import re
import subprocess
import sys

DIMS = (32, 64, 96, 128, 256)
# Beside the defaults: dim, further flags.
HOPPER = [
    (128, ["--schedule", "flash_fwd_ws.v1<p=shared,bn=128>"]),
    (128, ["--schedule", "flash_fwd_ws.v1<overlap=off,anchor=off>"]),
    (128, ["--schedule", "flash_fwd_ws.v1<pingpong=off,anchor=off>"]),
    (128, ["--schedule", "flash_fwd_ws.v1<bm=64,pingpong=off,bn=128,stages=1>"]),
    (128, ["--schedule", "flash_fwd_ws.v1<bn=64,stages=4,order=reverse>"]),
    (128, ["--schedule", "flash_fwd_ws.v1<producer_regs=40,consumer_regs=232>"]),
    *((dim, ["--schedule", "flash_fwd_ws.v1<cluster=2>", *causal]) for dim in DIMS for causal in ([], ["-causal"])),
    (128, ["--schedule", "flash_fwd_ws.v1<cluster=2,grid=tiles>", "-causal"]),
    (128, ["--schedule", "flash_fwd_sync.v1"]),
    (64, ["--schedule", "flash_fwd_sync.v1", "-causal"]),
    (64, ["--schedule", "flash_fwd_ws.v1<bm=192,bn=64,stages=3>", "-causal"]),
    (128, ["--dv", "64"]),
    (64, ["--dv", "128", "-causal"]),
    (128, ["--lse", "-causal"]),
    (128, ["--softcap", "30"]),
    (64, ["--alignment", "8"]),
]


WARPS = [
    (192, ["--dv", "128"]),
    (144, ["--dv", "128", "-causal"]),
    (128, ["--schedule", "flash_fwd_async.v1<bm=64>"]),
    (128, ["--schedule", "flash_fwd_async.v1<bm=64,units=4,query=registers>", "-causal"]),
    (64, ["--schedule", "flash_fwd_async.v1<bn=32,stages=3,order=reverse>"]),
    (64, ["--schedule", "flash_fwd_async.v1<bm=256,units=8>", "-causal"]),
    (128, ["--schedule", "flash_fwd_sync.v1<bn=32>"]),
    (128, ["--dv", "64"]),
    (64, ["--dv", "128", "-causal"]),
    (72, ["--dv", "40", "--lse", "-causal"]),
    (192, ["--dv", "128", "-causal"]),
    (128, ["--lse", "-causal"]),
    (128, ["--softcap", "30"]),
    (64, ["--alignment", "8"]),
    (128, ["--alignment", "2", "-causal"]),
]
VARIANTS = {"sm_90a": HOPPER}


def assemble(ptxas, folder, target, name, dim, flags):
    path = os.path.join(folder, name + ".ptx")
    command = ["attn-jit", "compile", "--target", target, "-d", str(dim), *flags, "--emit", "ptx", "-o", path]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        return f"{' '.join(command)}: {made.stderr.strip()}"
    result = subprocess.run([ptxas, "-arch=" + target, "-v", path, "-o", os.devnull], capture_output=True, text=True)
    said = result.stdout + result.stderr
    where = f"-d {dim} {' '.join(flags)}"
    if result.returncode:
        return f"{where}: {said}"
    bad = re.findall(r".*(?:C75\d\d|serializ|warning|advisory).*", said)
    if bad:
        return f"{where}: {bad[0]}"
    spills = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", said)
    if not spills or spills.groups() != ("0", "0"):
        return f"{where}: {spills.group(0) if spills else 'nothing said of spills: ' + said}"
    return None


def measured(target, path):
    row = r'\{"(\w+)", (\d+), (\d+), (true|false), \{.*?\},\s*"(.*?)"\}'
    rows = [each for name, *each in re.findall(row, open(path).read()) if name == target]
    if not rows:
        sys.exit(f"{path}: no row of {target}")
    for dim, value_dim, masked, schedule in dict.fromkeys(map(tuple, rows)):
        for lse in ([], ["--lse"]):
            causal = ["-causal"] if masked == "true" else []
            yield int(dim), ["--dv", value_dim, "--dtype", "bf16", *causal, *lse, "--schedule", schedule]


def main():
    ptxas, folder, target, *table = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    kernels = [(dim, ["--dtype", dtype, *causal]) for dim in DIMS for dtype in ("fp16", "bf16") for causal in ([], ["-causal"])]
    kernels = list(measured(target, *table)) if table else kernels + VARIANTS.get(target, WARPS)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(assemble, ptxas, folder, target, str(i), dim, flags) for i, (dim, flags) in enumerate(kernels)]
        faults = [fault for job in jobs if (fault := job.result())]
    print("\n".join(faults) if faults else f"{len(kernels)} kernels assembled, no spill, no serialised wgmma")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
