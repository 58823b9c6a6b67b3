#!/usr/bin/env python3
"""Tunes buckets, and times lengths inside of them that nobody tuned beside the default's kernel.

  scripts/bench_buckets.py --attn-jit attn-jit/bin/attn-jit --library attn-jit/lib/libattn-jit.so.0 --device cuda:0

Each bucket is tuned into an empty store of this run's own. Then, for five lengths between its ends, the kernel that the
store serves and the default's are timed in the same rounds, as scripts/bench_sdpa.py times: a ratio is the served one's
time over the default's, and 1 where they are one kernel. A bucket never serves worse than its default: the run fails above
1.02.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import bench_sdpa
from bench_sdpa import attn_jit

# batch, query heads, kv heads, length, head dim, value dim, dtype, causal: a call of each bucket
BUCKETS = {
    "gpu": [(4, 16, 16, 4096, 128, 128, "bf16", 0), (4, 16, 16, 4096, 128, 128, "bf16", 1),
            (4, 32, 32, 4096, 64, 64, "bf16", 0), (4, 32, 32, 2048, 64, 64, "bf16", 1),
            (4, 8, 8, 4096, 256, 256, "bf16", 1), (8, 16, 16, 512, 128, 128, "bf16", 0),
            (2, 32, 8, 2048, 128, 128, "bf16", 1), (4, 16, 16, 4096, 72, 72, "bf16", 0)],
    "cpu": [(1, 4, 4, 256, 64, 64, "f32", 1)],
}
DTYPES = {"f32": "fp32", "f16": "fp16", "bf16": "bf16"}
MOST = 1.02


def inside(text):
    """Five lengths between the ends of a bucket "1025..1536", none of them an end."""
    least, most = (int(end) for end in text.split(".."))
    return [least + (most - least) * part // 100 // 2 * 2 + 1 for part in (4, 27, 50, 73, 96)]


def tune(args, row):
    batch, heads, kv_heads, length, dim, value_dim, dtype, causal = row
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        subprocess.run([args.attn_jit, "tune", "--bucket", "--device", args.device, "--budget", args.budget, "--json",
                        file.name, f"-b={batch}", f"--hq={heads}", f"--hk={kv_heads}", f"--sq={length}", f"-d={dim}",
                        f"--dv={value_dim}", f"--dtype={DTYPES[dtype]}", f"--causal={bool(causal)}".lower(),
                        "--causal-align=top-left", f"--layout={'bhsd' if args.device == 'cpu' else 'bshd'}"],
                       check=True, stdout=subprocess.DEVNULL)
        return json.load(open(file.name))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--attn-jit", required=True, help="the command of the same build as the library")
    parser.add_argument("--library", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--budget", default="12s", help="of each bucket")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", help="file to write")
    args = parser.parse_args()
    # What bench_sdpa's parts ask for.
    args.table, args.precision, args.target, args.inputs, args.records, args.clock = "", "ieee", "", "normal", True, "wall"
    folder = tempfile.TemporaryDirectory()
    os.environ["ATTN_JIT_CACHE"] = os.path.join(folder.name, "cache")
    os.environ["ATTN_JIT_THREADS"] = str(args.threads)
    import torch

    torch.set_num_threads(args.threads)
    machine = (bench_sdpa.Cpu if args.device == "cpu" else bench_sdpa.Cuda)(torch, args)
    machine.peers = {}
    if hasattr(machine, "ceiling"):
        del machine.ceiling
    rows, worst = [], 0.0
    for row in BUCKETS["cpu" if args.device == "cpu" else "gpu"]:
        told = tune(args, row)
        batch, heads, kv_heads, _, dim, value_dim, dtype, causal = row
        # Records are read once by an engine.
        served = attn_jit.Engine(args.library, args.device)
        plain = attn_jit.Engine(args.library, args.device, no_store=True)
        print(f"{dtype} b{batch} h{heads}/{kv_heads} d{dim}/{value_dim} {'causal' if causal else 'full'} "
              f"{told['problem']['q_len']}: {told['served']['source']} {told['served']['schedule']}", flush=True)
        for length in inside(told["problem"]["q_len"]):
            call = (batch, heads, kv_heads, length, dim, value_dim, dtype, causal)
            sizes = dict(head_dim=dim, value_dim=value_dim, dtype=dtype, layout="bhsd", align="top_left", causal=causal,
                         kv_len=length, q_len=length, batch=batch, q_heads=heads, kv_heads=kv_heads, alignment=16)
            default = plain.kernel(**sizes).manifest
            assert default["schedule_source"] == "default", default["schedule_source"]
            args.schedule = ["default", default["schedule"]]
            timed = bench_sdpa.measure(torch, served, machine, args, call)
            same = timed["schedule"] == default["schedule"]
            ratio = [1.0] * 3 if same else timed["ratio"][default["schedule"]]
            worst = max(worst, ratio[1])
            rows.append({**{key: timed[key] for key in ("batch", "q_heads", "kv_heads", "length", "head_dim", "value_dim",
                                                        "dtype", "causal", "schedule", "schedule_source", "us")},
                         "default": default["schedule"], "ratio": ratio})
            print(f"  {length:6} {timed['schedule_source']:8} {ratio[1]:.3f} [{ratio[0]}, {ratio[2]}]"
                  f"{'  the default' if same else ''}", flush=True)
        served.close(), plain.close()
    ratios = sorted(row["ratio"][1] for row in rows)
    bucket = sum(row["schedule_source"] == "bucket" for row in rows)
    print(f"{len(rows)} calls, {bucket} by their bucket: median {ratios[len(ratios) // 2]:.3f}, worst {worst:.3f} of the "
          f"default's time (at most {MOST})")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    sys.exit(worst > MOST)


if __name__ == "__main__":
    main()
