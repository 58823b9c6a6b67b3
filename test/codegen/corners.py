"""The largest legal tiles of each schedule family, assembled: none spills or serialises.

    corners.py ATTN_JIT TARGET FOLDER KIND [PTXAS]

KIND: which, by the list below; ieee, tf32: of f32, whose products are a warp's on each chip.
"""

import re
import subprocess
import sys

compiler, target, folder, kind, *ptxas = sys.argv[1:]
dtype = ["--dtype", "fp32", "--precision", kind] if kind in ("ieee", "tf32") else ["--dtype", "bf16"]
templates = sys.path[0] + "/../../templates"
sync = (256, 192, 128, 96, 64, 48, 32, 16)  # steps of flash_fwd_sync.v1


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def compiled(dim, mask, schedule):
    """The text of a legal schedule's kernel, or None."""
    file = f"{folder}/corner.s"
    flags = ["--target", target, "-d", str(dim), *dtype, "--lse", *mask]
    made = run(compiler, "compile", *flags, "--schedule", schedule, "--emit", "ptx" if ptxas else "asm", "-o", file)
    if made.returncode == 2:
        return None
    assert made.returncode == 0, made.stderr
    return file


def faults(file):
    if not ptxas:
        with open(file) as assembly:
            text = assembly.read()
        assert ".vgpr_spill_count:" in text, "no resources in the assembly"
        return re.findall(r"\.(?:vgpr_spill_count|private_segment_fixed_size): +[1-9][0-9]*", text)
    made = run(*ptxas, f"-arch={target}", "-v", file, "-o", f"{folder}/corner.cubin")
    text = made.stdout + made.stderr
    assert made.returncode == 0, text
    return re.findall(r"[1-9][0-9]* bytes spill stores|C75[0-9][0-9]", text)


def warpgroups(dims):
    split = [("grid=tiles,stages=1", causal), ("grid=resident,loops=split,stages=1", causal)]
    one = [("grid=resident,loops=one,stages=1", window), ("grid=resident,loops=one,stages=2", window)]
    # Each dim in the forms that its defaults take.
    forms = {48: one, 64: split + one, 72: split, 128: split + one, 192: split, 256: split + one}
    for dim in dims:
        for walk, hides in forms[dim]:
            for mask in ([], hides):
                for bm in (64, 128, 192):
                    for p in ("registers", "shared"):
                        fields = f"bm={bm},p={p},{walk}"
                        yield dim, mask, f"flash_fwd_ws.v1<{fields},bn=%d>", range(256, 0, -16)
        for mask in ([], causal):
            for units in (1, 2):
                yield dim, mask, f"flash_fwd_sync.v1<bm={64 * units},units={units},bn=%d>", sync


def walks(*forms):
    for dim in (64, 128, 256):
        for form in forms:
            for mask in ([], causal):
                for bm in (64, 128, 192):
                    yield dim, mask, f"flash_fwd_ws.v1<bm={bm},{form},bn=%d>", range(256, 0, -16)


def warps():
    tiles = range(128, 0, -16)
    for dim in (32, 64, 72, 96, 128, 160, 192, 256):
        for mask in ([], causal):
            for bm, units in ((128, 4), (64, 4), (128, 8), (32, 2)):
                for more in ("stages=1", "stages=2", "stages=1,query=registers"):
                    yield dim, mask, f"flash_fwd_async.v1<bm={bm},units={units},{more},bn=%d>", tiles
            yield dim, mask, "flash_fwd_sync.v1<bm=64,units=4,bn=%d>", sync


def single():
    for dim in (32, 64, 72, 96, 128, 256):
        for mask in ([], causal):
            for fields in ("bm=128,units=4,stages=1", "bm=64,units=4,stages=2", "bm=128,units=8,stages=1"):
                yield dim, mask, f"flash_fwd_async.v1<{fields},bn=%d>", range(128, 0, -16)


# A window holds two comparisons of an element at once, a causal mask one.
causal = ["-causal"]
window = ["--mask", f"{templates}/window.mlir"]


def waves():
    # Eight waves have no registers beyond those that the estimate shares out;
    # one copies most keys itself.
    for dim in (32, 64, 96, 128):
        for mask in ([], window):
            for bm, units in ((128, 8), (256, 8), (32, 1)):
                yield dim, mask, f"flash_fwd_sync.v1<bm={bm},units={units},bn=%d>", sync


KINDS = {
    "narrow": lambda: warpgroups((48, 64, 72)),
    "wide": lambda: warpgroups((128, 192, 256)),
    "packed": lambda: walks("grid=tiles,stages=1,pack_gqa=4", "grid=resident,loops=split,stages=1,pack_gqa=8",
                            "grid=resident,loops=one,stages=2,pack_gqa=2", "grid=resident,p=shared,pack_gqa=4"),
    "clusters": lambda: walks("grid=tiles,stages=1,cluster=2", "grid=resident,loops=split,stages=1,cluster=2",
                              "grid=resident,loops=one,stages=2,cluster=2", "grid=resident,p=shared,stages=1,cluster=2"),
    "walks": lambda: walks("grid=dynamic,loops=one,stages=2", "grid=dynamic,overlap=off,stages=1",
                           "grid=dynamic,loops=split,stages=1,section=4", "grid=dynamic,p=shared",
                           "grid=resident,loops=split,section=8", "grid=resident,loops=one,stages=2,rescale=always"),
    "warps": warps, "ieee": single, "tf32": single, "waves": waves,
}
count = bad = 0
for dim, mask, pattern, steps in KINDS[kind]():
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
