"""The largest legal tiles of each schedule family, through ptxas: none spills or serialises.

    corners.py ATTN_JIT PTXAS FOLDER
"""

import re
import subprocess
import sys

compiler, ptxas, folder = sys.argv[1:]
masks = ([], ["-causal"])
steps = (256, 240, 224, 208, 192, 176, 160, 144, 128, 112, 96, 80, 64, 48, 32, 16)


def compiled(dim, mask, schedule):
    """The PTX of a legal schedule, or None."""
    file = f"{folder}/corner.ptx"
    flags = ["--target", "sm_90a", "-d", str(dim), "--dtype", "bf16", "--lse", *mask]
    run = subprocess.run([compiler, "compile", *flags, "--schedule", schedule, "--emit", "ptx", "-o", file],
                         capture_output=True, text=True)
    if run.returncode == 2:
        return None
    assert run.returncode == 0, run.stderr
    return file


def faults(file):
    run = subprocess.run([ptxas, "-arch=sm_90a", "-v", file, "-o", f"{folder}/corner.cubin"],
                         capture_output=True, text=True)
    text = run.stdout + run.stderr
    assert run.returncode == 0, text
    return re.findall(r"[1-9][0-9]* bytes spill stores|C75[0-9][0-9]", text)


def corners():
    for dim in (64, 128, 192, 256):
        for mask in masks:
            for bm in (64, 128, 192):
                for p in ("registers", "shared"):
                    yield dim, mask, f"flash_fwd_ws.v1<bm={bm},p={p},bn=%d,stages=1>"
            for units in (1, 2):
                yield dim, mask, f"flash_fwd_sync.v1<bm={64 * units},units={units},bn=%d>"


count = bad = 0
for dim, mask, pattern in corners():
    for bn in steps:
        file = compiled(dim, mask, pattern % bn)
        if file:
            count += 1
            found = faults(file)
            if found:
                bad += 1
                print(f"d{dim} {' '.join(mask)} {pattern % bn}: {', '.join(found)}")
            break
print(f"{count} corners, {bad} faults")
sys.exit(bad > 0)
