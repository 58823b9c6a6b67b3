#!/usr/bin/env python3
"""Changes one field of a schedule at a time; its mark must be in the tile IR, and one in the image.

    fields.py SCRATCH_FOLDER

A mark is a regular expression that the variant's text has and the base's text lacks.
"""

import json
import os
import re
import subprocess
import sys

WS = "flash_fwd_ws.v1"
BASE = {"bm": "128", "bn": "128", "stages": "2", "p": "registers", "overlap": "on", "pingpong": "on", "anchor": "on",
        "producer_regs": "24", "consumer_regs": "232", "order": "forward", "grid": "tiles", "q_stages": "1",
        "loops": "split", "rescale": "always", "pack_gqa": "1", "section": "1",
        "cluster": "1"}
RESIDENT = {**BASE, "bn": "96", "grid": "resident", "producer_regs": "32"}
# field, value, its mark in the tile IR, its mark in the PTX
WS_FIELDS = [
    ("bm", "64", r"<1 x <64x128xf16, swizzle 128>, bulk>", r"\.reqntid 256"),
    ("bn", "96", r"<2 x <96x128xf16, swizzle 128>, bulk>", r"wgmma\.mma_async\S*m64n96k16"),
    ("stages", "3", r"<3 x <128x128xf16, swizzle 128>, bulk>", r"mul\S+ \S+ \S+ -?1431655765|mul\.hi\.u32"),
    ("p", "shared", r"tile\.put .*\n\s*tile\.publish", r"st\.shared"),
    ("overlap", "off", None, None),
    ("pingpong", "off", None, None),
    ("anchor", "off", None, None),
    ("producer_regs", "40", r"role producer\(%\w+\) units 1 registers 40", r"setmaxnreg\.dec\S*\s+40;"),
    ("consumer_regs", "240", r"role consumer\(%\w+\) units 2 registers 240", r"setmaxnreg\.inc\S*\s+240;"),
    ("order", "reverse", r"(%\w+) = arith\.ceildivsi .*\n(.*\n)?.* = arith\.subi \1",
     r"mov\.u32\s+(%r\d+), %ctaid\.x;[\s\S]*(not\.b32\s+%r\d+, |sub\.s32\s+%r\d+, %r\d+, )\1;"),
    ("grid", "resident", r'grid = \["resident\(ceil_div\(q_len, 128\) \* q_heads \* batch\)"\]', r"wgmma\.mma_async\S* [^;]*, %p\d+, 1, 1"),
    ("rescale", "moved", r"tile\.rescale", r"vote\.sync\.any"),
    ("pack_gqa", "4", r"tile\.copy .* \{heads = 4 : i64\}", None),
    ("cluster", "2", r"tile\.pipe\.create .* \{cluster_wide\}", r"\.reqnctapercluster 2, 1, 1[\s\S]*multicast::cluster"),
]
# Of resident workgroups alone.
RESIDENT_FIELDS = [
    ("order", "paired", r"arith\.shrui", r"(div\.u32[\s\S]*){8}"),
    ("grid", "dynamic", r"tile\.draw", r"atom\.\S*inc\.u32"),
    ("section", "4", r"arith\.minsi %\w+, %c4_i32|arith\.minsi %c4_i32", None),
    ("q_stages", "2", r"<2 x <128x128xf16, swizzle 128>, bulk>", None),
    ("loops", "one", r"scf\.if %\w+ -> \(!tile\.frag<64x96xf32", None),
]
# Fields that are switched on in the base: the mark is in the base and gone in the variant.
WS_GONE = {
    "overlap": (r"\{in_flight = 1 : i64\}", r"wgmma\.wait_group\.sync\.aligned 1;"),
    "pingpong": (r"tile\.named_barrier\.sync", r"(?<!m)bar(rier)?\.\S*arrive"),
    "anchor": (r"tile\.anchor", r"setp\.\S+ .*, 2143363909;"),
}
ASYNC = "flash_fwd_async.v1"
ASYNC_BASE = {"bm": "128", "bn": "64", "units": "4", "stages": "1", "query": "shared", "order": "forward"}
# fields, their mark in the tile IR, their mark in the PTX
ASYNC_FIELDS = [
    ({"bm": "64"}, r"ceil_div\(q_len, 64\)", None),
    ({"bn": "32"}, r"<1 x <32x128xf16, swizzle 128>, cooperative>", None),
    ({"units": "8"}, r"tile\.pipe\.create consumers 8", r"\.reqntid 256"),
    ({"stages": "2"}, r"<2 x <64x128xf16, swizzle 128>, cooperative>", None),
    ({"query": "registers", "bm": "64"}, r"-> <16x128xf16, lhs>", r"ld\.global"),
    ({"order": "reverse"}, r"(%\w+) = arith\.ceildivsi .*\n(.*\n)?.* = arith\.subi \1", r"mov\.u32\s+(%r\d+), %ctaid\.x;[\s\S]*(not\.b32\s+%r\d+, |sub\.s32\s+%r\d+, %r\d+, )\1;"),
]
SYNC = "flash_fwd_sync.v1"
SYNC_BASE = {"bm": "64", "bn": "32", "units": "4"}
SYNC_FIELDS = [
    ({"bm": "128"}, r"ceil_div\(q_len, 128\)"),
    ({"bn": "64"}, r"<1 x <64x64xf16, swizzle 0>, cooperative>"),
    ({"units": "2"}, r"tile\.pipe\.create consumers 2"),
]


def compiled(folder, name, target, family, fields, emit, dim):
    text = family + "<" + ",".join(f"{k}={v}" for k, v in fields.items()) + ">"
    path = os.path.join(folder, f"{name}.{emit}")
    command = ["attn-jit", "compile", "--target", target, "-d", dim, "--schedule", text, "--emit", emit, "-o", path]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{' '.join(command)}: {result.stderr}")
    return open(path, "rb").read().decode("latin-1")


def effects(text):
    """The tile IR without the schedule's text, which has every field."""
    return re.sub(r'tile\.schedule = "[^"]*"', "", text)


def expect(condition, what):
    if not condition:
        sys.exit("fields.py: " + what)


def check_ws(folder, own, fields):
    base = {emit: compiled(folder, "ws", "sm_90a", WS, own, emit, "128") for emit in ("tile", "ptx")}
    for field, value, *marks in fields:
        changed = {emit: compiled(folder, "ws-" + field, "sm_90a", WS, {**own, **({"anchor": "off"} if field == "overlap" else {}),
                                                                        **({"pingpong": "off"} if (field, value) == ("bm", "64") else {}),
                                                                        field: value}, emit, "128") for emit in base}
        for emit, mark, gone in zip(base, marks, WS_GONE.get(field, (None, None))):
            where = f"{field}={value}: {emit}"
            expect(effects(changed[emit]) != effects(base[emit]), f"{where}: nothing changed")
            if mark:
                expect(re.search(mark, changed[emit]), f"{where}: no {mark}")
                expect(not re.search(mark, base[emit]), f"{where}: {mark} is in the base too")
            if gone:
                expect(re.search(gone, base[emit]), f"{where}: no {gone} in the base")
                expect(not re.search(gone, changed[emit]), f"{where}: still {gone}")
        expect(f"{field}={value}" in changed["tile"], f"{field}: the kernel does not name its schedule")


def check_async(folder):
    base = {emit: compiled(folder, "async", "sm_80", ASYNC, ASYNC_BASE, emit, "128") for emit in ("tile", "ptx")}
    for fields, *marks in ASYNC_FIELDS:
        for (emit, before), mark in zip(base.items(), marks):
            after = compiled(folder, "async-" + "".join(fields), "sm_80", ASYNC, {**ASYNC_BASE, **fields}, emit, "128")
            expect(effects(after) != effects(before), f"{fields}: {emit}: nothing changed")
            if mark:
                expect(re.search(mark, after), f"{fields}: no {mark} in {emit}")
                expect(not re.search(mark, before), f"{fields}: {mark} is in the base's {emit} too")


def check_shared_bytes(folder):
    """The launch needs the bytes that the tiles take."""
    sizes = {}
    for stages in ("1", "2", "3"):
        compiled(folder, "bytes" + stages, "sm_90a", WS, {**BASE, "stages": stages}, "ptx", "128")
        sizes[stages] = json.load(open(os.path.join(folder, f"bytes{stages}.ptx.json")))["shared_bytes"]
    stage = 2 * 128 * 128 * 2
    for more, less in (("2", "1"), ("3", "2")):
        grown = sizes[more] - sizes[less]
        expect(stage <= grown <= stage + 64, f"stages: shared memory grows by {grown}, a stage holds {stage} bytes")


def check_sync(folder, target, image):
    base = {emit: compiled(folder, target, target, SYNC, SYNC_BASE, emit, "64") for emit in ("tile", image)}
    for fields, mark in SYNC_FIELDS:
        name = target + "-" + "".join(fields)
        changed = {emit: compiled(folder, name, target, SYNC, {**SYNC_BASE, **fields}, emit, "64") for emit in base}
        expect(re.search(mark, changed["tile"]), f"{target} {fields}: no {mark} in the tile IR")
        expect(not re.search(mark, base["tile"]), f"{target} {fields}: {mark} is in the base too")
        expect(changed[image] != base[image], f"{target} {fields}: the image did not change")


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    check_ws(folder, BASE, WS_FIELDS)
    check_ws(folder, RESIDENT, RESIDENT_FIELDS)
    check_shared_bytes(folder)
    check_async(folder)
    check_sync(folder, "gfx942", "hsaco")
    return 0


if __name__ == "__main__":
    sys.exit(main())
