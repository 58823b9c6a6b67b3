#!/usr/bin/env python3
"""Puts defects into the tile IR of a kernel and tells which of them the check finds.

    defects.py cpu PATH_OF_ATTN_GRID SCRATCH_FOLDER
    defects.py gfx942 PATH_OF_EMULATE_PY SCRATCH_FOLDER
"""

import os
import re
import subprocess
import sys


def dropped_tile(text):
    """The first key block is not visited."""
    return re.subn(r"(scf\.for %arg\d+ = )%c0_i32( to )", r"\1%c1_i32\2", text, count=1)


def wrong_scale(text):
    """Scores are scaled by scale, not by scale * log2(e)."""
    return re.subn(r'tile\.arg = "scale_log2e"', 'tile.arg = "scale"', text)


def mask_off_by_one(text):
    """The last key that a row sees is hidden."""
    return re.subn(r"arith\.cmpi sle,", "arith.cmpi slt,", text)


def swapped_head(text):
    """Query heads take key heads in turn, not in groups."""
    return re.subn(r"arith\.divui (%\d+), (%arg\d+) : i32", r"arith.remui \1, \2 : i32", text, count=1)


def missing_rescale(text):
    """The output of earlier blocks keeps the scale of their maximum."""
    number = 0
    for rescaled, output in re.findall(r"(%\d+) = tile\.map (%arg\d+), %\d+ : \(!tile\.frag<\d+x\d+xf32, acc>", text):
        text, found = re.subn(f"acc {rescaled} :", f"acc {output} :", text)
        number += found
    return text, number


def missing_barrier(text):
    """Tiles are read before all waves have written their part."""
    return re.subn(r" *tile\.pipe\.commit .*\n", "", text)


COMMON = {"mask off by one": mask_off_by_one, "swapped head": swapped_head}
DEFECTS = {
    "cpu": {"dropped tile": dropped_tile, "wrong scale": wrong_scale, **COMMON, "missing rescale": missing_rescale},
    "gfx942": {"missing barrier": missing_barrier, **COMMON},
}


def compile_kernel(target, folder, name, source):
    kind, suffix = ("host", "so") if target == "cpu" else ("hsaco", "hsaco")
    path = os.path.join(folder, f"{name}.{suffix}")
    subprocess.run(["attn-jit", "compile", "--target", target, *source, "--emit", kind, "-o", path], check=True)
    return path


def passes(target, checker, folder, name, text):
    module = os.path.join(folder, name + ".mlir")
    with open(module, "w") as file:
        file.write(text)
    if target == "cpu":
        command = [checker, "--group", "f32-d64-causal", "--module", module]
    else:
        image = compile_kernel(target, folder, name, ["--input", module])
        command = ["python3", checker, image, "--batch", "1", "--q-heads", "4", "--kv-heads", "2", "--q-len", "65",
                   "--kv-len", "97", "--race"]
    result = subprocess.run(command, capture_output=True, text=True)
    judged = "0 refused" if target == "cpu" else '"faults"'  # wrong, and not unable to run
    if result.returncode not in (0, 1) or judged not in result.stdout:
        sys.exit(f"{' '.join(command)}: {result.stdout} {result.stderr}")
    return result.returncode == 0


def main():
    target, checker, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    tile = os.path.join(folder, "kernel.tile.mlir")
    flags = ["-d", "64", "-causal"] + (["--dtype", "fp32", "--lse"] if target == "cpu" else [])
    subprocess.run(["attn-jit", "compile", "--target", target, *flags, "--emit", "tile", "-o", tile], check=True)
    good = open(tile).read()
    status = 0
    if passes(target, checker, folder, "none", good):
        print("none: right")
    else:
        print("none: WRONG")
        status = 1
    for name, inject in DEFECTS[target].items():
        bad, places = inject(good)
        if not places or bad == good:
            print(f"{name}: has no place in this kernel")
            status = 1
        elif passes(target, checker, folder, name.replace(" ", "-"), bad):
            print(f"{name}: NOT FOUND")
            status = 1
        else:
            print(f"{name}: found")
    return status


if __name__ == "__main__":
    sys.exit(main())
