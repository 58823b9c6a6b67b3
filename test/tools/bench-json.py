"""The JSON of a bench has every key that docs/commands.md names, no other, each of its type.

    bench-json.py FILE run|compiled|some     some: rows that could not be stand beside others
"""

import json
import os
import re
import sys

NUMBER = (int, float)
NULL = type(None)
ALWAYS = {
    "label": str, "target": str, "batch": int, "q_heads": int, "kv_heads": int, "q_len": int, "kv_len": int,
    "head_dim": int, "value_dim": int, "causal": bool, "causal_align": str, "scale": NUMBER, "lse": bool,
    "dtype": str, "layout": str, "input": str, "flop_convention": str, "arithmetic_intensity": NUMBER,
    "verdict": str,
}  # fmt: skip
WHEN_MADE = {"cache": str, "schedule": str, "schedule_source": str, "compile_ms": NUMBER, "resources_source": str}
# Of a kernel that an earlier row made, these are null.
WHEN_COMPILED = {"mlir_ms": NUMBER, "llvm_ms": NUMBER, "link_ms": NUMBER}
WHEN_RUN = {
    "device": str, "context_ms": NUMBER, "time_ms": NUMBER, "time_spread_ms": NUMBER, "time_min_ms": NUMBER,
    "l2_flushed": bool, "tflops": NUMBER, "gb_s": NUMBER, "rel_error": NUMBER, "max_abs_error": NUMBER,
    "mean_abs_error": NUMBER, "cosine": NUMBER, "tolerance": NUMBER, "rows_checked": int, "rows_total": int,
    "verified": bool,
}  # fmt: skip
MAY_BE_UNKNOWN = {
    "roofline_pct": NUMBER, "launch_us": NUMBER, "registers": int, "spills": int, "local_bytes": int, "shared_bytes": int,
    "occupancy": NUMBER, "softcap": NUMBER, "precision": str, "score": str, "mask": str,
}  # fmt: skip
SYSTEM = {
    "tool": str, "command": str, "date": str, "target": str, "compiles": int, "seed": int, "warmup_ms": NUMBER,
    "rep_ms": NUMBER, "context_ms": (int, float, NULL), "device": (dict, NULL), "no_device": (str, NULL),
}  # fmt: skip


def documented(name):
    """The keys in the code spans after `NAME keys:`; `x_*` stands for the four numbers of a comparison."""
    page = os.path.join(os.path.dirname(__file__), "../../docs/commands.md")
    found = re.search(name + r" keys:\s*`([^`]*)`", open(page).read())
    keys = set()
    for word in found.group(1).split():
        errors = ["rel_error", "max_abs_error", "mean_abs_error", "cosine"]
        keys |= {word[:-1] + each for each in errors} if word.endswith("_*") else {word}
    return keys


def check(row, kinds, null=False):
    for key, kind in kinds.items():
        value = row[key]
        assert value is None if null else isinstance(value, kind), (key, value)


def visible_pairs(row):
    """Counted row by row, unlike the formula under test."""
    sq, sk = row["q_len"], row["kv_len"]
    if not row["causal"]:
        return sq * sk
    shift = sk - sq if row["causal_align"] == "bottom_right" else 0
    return sum(min(max(i + shift + 1, 0), sk) for i in range(sq))


def check_run(row):
    check(row, WHEN_RUN)
    check(row, {"load_ms": NUMBER, "loaded": str}, null=row["cache"] == "memory")
    assert row["time_ms"] >= row["time_min_ms"] > 0 and row["verified"] and row["rel_error"] < row["tolerance"], row
    heads, dims = row["batch"] * row["q_heads"], row["head_dim"] + row["value_dim"]
    pairs = row["q_len"] * row["kv_len"]
    if row["flop_convention"] == "visible":
        pairs = visible_pairs(row)
    elif row["flop_convention"] == "halved_causal" and row["causal"]:
        pairs /= 2
    flops = 2 * heads * pairs * dims
    assert abs(row["tflops"] - flops / row["time_ms"] * 1e-9) <= 1e-9 * row["tflops"], row
    size = {"f32": 4, "f16": 2, "bf16": 2}[row["dtype"]]
    moved = size * (heads * row["q_len"] + row["batch"] * row["kv_heads"] * row["kv_len"]) * dims
    if row["lse"] and row["flop_convention"] != "diffusion":
        moved += 4 * heads * row["q_len"]
    assert abs(row["gb_s"] - moved / row["time_ms"] * 1e-6) <= 1e-9 * row["gb_s"], row
    assert abs(row["arithmetic_intensity"] - flops / moved) <= 1e-9 * row["arithmetic_intensity"], row


whole, mode = json.load(open(sys.argv[1])), sys.argv[2]
assert set(whole) == {"system", "rows"}, set(whole)
system = whole["system"]
assert set(system) == documented("system") == set(SYSTEM), set(system) ^ documented("system")
check(system, SYSTEM)
assert (system["device"] is None) == (system["no_device"] is not None), system
if system["device"]:
    assert system["device"]["driver"] and system["device"]["compute_units"] > 0, system["device"]
assert whole["rows"]
failed = []
for row in whole["rows"]:
    assert set(row) == documented("row"), set(row) ^ documented("row")
    check(row, ALWAYS)
    for key, kind in MAY_BE_UNKNOWN.items():
        assert row[key] is None or isinstance(row[key], kind), (key, row[key])
    assert row["spill_unit"] == (row["spills"] if row["spills"] is None else row["spill_unit"])
    assert row["spill_unit"] in (None, "bytes", "registers"), row["spill_unit"]
    if row["error"]:
        assert mode == "some" and row["verdict"] == "error: " + row["error"], row
        failed.append(row["error"])
        continue
    check(row, WHEN_MADE)
    check(row, WHEN_COMPILED, null=row["cache"] == "memory")
    if row["cache"] != "memory":
        parts = row["mlir_ms"] + row["llvm_ms"] + row["link_ms"] + (row["load_ms"] or 0)
        assert 0 < parts <= row["compile_ms"] * (1 + 1e-9), row
    if system["device"]:
        check_run(row)
    else:
        assert mode != "run"
        check(row, WHEN_RUN, null=True)
assert (mode == "some") == bool(failed), failed
print(len(whole["rows"]), "rows,", system["compiles"], "compiles")
print("\n".join(failed))
