"""The JSON of a bench has every key, of its type: bench-json.py FILE [run|compiled]"""

import json
import sys

whole = json.load(open(sys.argv[1]))
assert set(whole) == {"system", "rows"}, set(whole)
ran = sys.argv[2] == "run"
NUMBER = (int, float)
NULL = type(None)
ALWAYS = {
    "target": str, "batch": int, "q_heads": int, "kv_heads": int, "q_len": int, "kv_len": int,
    "head_dim": int, "value_dim": int, "causal": bool, "dtype": str, "layout": str, "scale": NUMBER,
    "flop_convention": str, "arithmetic_intensity": NUMBER, "compile_ms": NUMBER, "cache": str,
    "schedule": str, "schedule_source": str,
}  # fmt: skip
WHEN_RUN = {
    "device": str, "time_ms": NUMBER, "time_spread_ms": NUMBER, "tflops": NUMBER, "gb_s": NUMBER,
    "rel_error": NUMBER, "max_abs_error": NUMBER, "verified": bool,
}  # fmt: skip
MAY_BE_UNKNOWN = {"roofline_pct": NUMBER, "registers": int, "spills": int, "shared_bytes": int, "occupancy": NUMBER}

assert whole["rows"]
for row in whole["rows"]:
    for key, kind in ALWAYS.items():
        assert isinstance(row[key], kind), (key, row[key])
    for key, kind in WHEN_RUN.items():
        assert isinstance(row[key], kind if ran else NULL), (key, row[key])
    for key, kind in MAY_BE_UNKNOWN.items():
        assert row[key] is None or isinstance(row[key], kind), (key, row[key])
    if ran:
        assert row["time_ms"] > 0 and row["verified"] and row["rel_error"] < row["tolerance"], row
        flops = 2 * row["batch"] * row["q_heads"] * row["q_len"] * row["kv_len"] * (row["head_dim"] + row["value_dim"])
        if row["causal"] and row["flop_convention"] == "halved_causal":
            flops /= 2
        assert abs(row["tflops"] - flops / row["time_ms"] * 1e-9) <= 1e-9 * row["tflops"], row
        size = {"f32": 4, "f16": 2, "bf16": 2}[row["dtype"]]
        q = row["batch"] * row["q_heads"] * row["q_len"] * (row["head_dim"] + row["value_dim"])
        kv = row["batch"] * row["kv_heads"] * row["kv_len"] * (row["head_dim"] + row["value_dim"])
        lse = 4 * row["batch"] * row["q_heads"] * row["q_len"] if row["lse"] else 0
        assert abs(row["gb_s"] - (size * (q + kv) + lse) / row["time_ms"] * 1e-6) <= 1e-9 * row["gb_s"], row
print(len(whole["rows"]), "rows,", whole["system"]["compiles"], "compiles")
