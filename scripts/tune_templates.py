#!/usr/bin/env python3
"""Tunes the calls and buckets that a fresh install has records of, on this machine's device.

  scripts/tune_templates.py --attn-jit attn-jit/bin/attn-jit --device cuda:0 > templates/records.sm_90a.jsonl

Calls are those of the tables of docs/perf/hopper-forward.md, buckets those of docs/perf/tuning.md. Of each final pass
two lines are kept, the default's and what serves; of a call whose default is the fastest, none.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from bench_buckets import BUCKETS, DTYPES
from bench_sdpa import TABLES

CALLS = [row for row in TABLES["hopper"] + TABLES["dims"] if row[4] >= 64]


def flags(row):
    batch, heads, kv_heads, length, dim, value_dim, dtype, causal = row
    return [f"-b={batch}", f"--hq={heads}", f"--hk={kv_heads}", f"--sq={length}", f"-d={dim}", f"--dv={value_dim}",
            f"--dtype={DTYPES[dtype]}", f"--causal={'true' if causal else 'false'}"]


def kept(lines, report, schedule):
    """Of the final pass of that report."""
    for line in lines:
        record = json.loads(line)
        if record["session"] == report["session"] + ".final" and (record.get("default") or record["schedule"] == schedule):
            yield line


def tune(args, row, bucket):
    with tempfile.TemporaryDirectory() as folder:
        records, report = pathlib.Path(folder, "records"), pathlib.Path(folder, "report")
        subprocess.run([args.attn_jit, "tune", "--device", args.device, "--budget", args.bucket_budget if bucket else args.budget,
                        "--records", records, "--json", report, *flags(row), *(["--bucket"] if bucket else [])],
                       check=True, stdout=sys.stderr)
        lines, report = records.read_text().splitlines(), json.loads(report.read_text())
    ends = [report, report["least"]] if bucket else [report]
    serves = report["served"]["schedule"] if bucket else report["winner"]
    if any(serves == end["default"] for end in ends) or bucket and report["served"]["source"] != "bucket":
        return []
    return [line for end in ends for line in kept(lines, end, serves)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--attn-jit", required=True)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--budget", default="9s", help="of a call")
    parser.add_argument("--bucket-budget", default="15s", help="of a bucket's two ends")
    args = parser.parse_args()
    for bucket, rows in ((False, CALLS), (True, BUCKETS["gpu"])):
        for row in rows:
            for line in tune(args, row, bucket):
                print(line, flush=True)


if __name__ == "__main__":
    main()
