#!/usr/bin/env python3
"""Measures schedules side by side on a Hopper GPU, for scripts/choose_defaults.py to choose from.

  scripts/sweep_schedules.py --library attn-jit/lib/libattn-jit.so.0 --out docs/perf/flash_fwd_ws.sm_90a.jsonl

For each head dim and mask a few calls of each class, and on each of them every schedule below that the target can
hold, in graphs of launches, on one stream, in an order that changes from round to round. A line a call: the median of
each schedule's rounds in microseconds, of those within a quarter of the best. Outputs that differ from the first
schedule's are an error.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import pathlib
import random
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools" / "python"))
import attn_jit

# head dim, value dim: and heads, so that 16384 tokens are as much work as a model's layer
DIMS = {(32, 32): 64, (64, 64): 32, (72, 72): 28, (80, 80): 24, (96, 96): 20, (128, 128): 16, (192, 128): 16,
        (256, 256): 8}
# Batch and length with these heads; then batch, heads and length where rows are few, or as many as the processors take
# at once. Causal rows see half of the keys: double lengths are of the same class (scripts/choose_defaults.py).
CALLS = [(16, 256), (16, 512), (16, 1024), (4, 4096), (2, 8192), (1, 16384)]
OTHER_CALLS = [(1, 16, 128), (1, 8, 512), (1, 2, 4096), (1, 1, 8192),
               (8, 16, 128), (1, 32, 512), (1, 4, 4096), (1, 1, 16384)]
# Roundings of 16 bits, in another order.
DIFFERENT = 5e-3


def calls(dims):
    for batch, length in CALLS:
        yield batch, DIMS[dims], length
    yield from OTHER_CALLS


def schedules():
    """The default first."""
    yield "flash_fwd_ws.v1"
    for bm, bn, walk in itertools.product((64, 128, 192), (64, 80, 96, 128, 160, 176),
                                          ("grid=resident, loops=one", "grid=resident, loops=one, anchor=on",
                                           "grid=resident, loops=split", "grid=tiles")):
        yield f"flash_fwd_ws.v1<bm={bm}, bn={bn}, {walk}>"


def compiled(engine, dims, causal):
    """By text: what the target can hold, each once."""
    def make(schedule):
        try:
            return engine.kernel(head_dim=dims[0], value_dim=dims[1], dtype="bf16", layout="bhsd", causal=causal,
                                 schedule=schedule)
        except attn_jit.AttnJitError as error:
            if "given" in str(error) or "too many" in str(error):
                return None
            raise

    with concurrent.futures.ThreadPoolExecutor() as pool:
        made = pool.map(make, schedules())
    return {kernel.manifest["schedule"]: kernel for kernel in made if kernel}


def graph(torch, run, launches):
    run()
    made = torch.cuda.CUDAGraph()
    with torch.cuda.graph(made):
        for _ in range(launches):
            run()
    return made.replay


def measure(torch, kernels, dims, call, rounds):
    batch, heads, length = call

    def rows(dim):
        return torch.randn(batch, length, heads, dim, device="cuda").to(torch.bfloat16).transpose(1, 2)

    q, k, v = rows(dims[0]), rows(dims[0]), rows(dims[1])
    out, first, runs = torch.empty_like(rows(dims[1])), None, {}
    # At 500 TFLOP/s; causal calls take half of it.
    estimate = 2 * batch * heads * length**2 * sum(dims) / 500e12 * 1e6
    launches = max(1, min(50, int(400 / max(estimate, 5))))
    # One launch runs at a time.
    workspace = torch.zeros(max(kernel.manifest["workspace_bytes"] for kernel in kernels.values()), dtype=torch.uint8,
                            device="cuda")
    for text, kernel in kernels.items():
        bound = kernel.bind(q, k, v, out.fill_(float("nan")), workspace=workspace)
        runs[text] = graph(torch, lambda bound=bound: bound(torch.cuda.current_stream().cuda_stream), launches)
        got = out.float()
        first = got if first is None else first
        error = ((got - first).norm() / first.norm()).item()
        if not error < DIFFERENT:
            sys.exit(f"{text}: differs by {error:.1e} on b{batch} h{heads} s{length}")
    times, order, shuffle = {text: [] for text in runs}, list(runs), random.Random(0)
    for _ in range(rounds):
        shuffle.shuffle(order)  # what ran before leaves the chip warm or cool
        for text in order:
            run = runs[text]
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in "be")
            begin.record()
            run()
            end.record()
            end.synchronize()
            times[text].append(begin.elapsed_time(end) * 1e3 / launches)
    return {text: statistics.median(t) for text, t in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--library", required=True, help="libattn-jit.so of a build")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--out", required=True, help="file of JSON lines to write")
    parser.add_argument("--only", default="", help="dims whose text, as 128 or 192/128, is this")
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    import torch

    torch.cuda.set_device(torch.device(args.device))
    with attn_jit.Engine(args.library, args.device) as engine, open(args.out + ".part", "w") as file:
        for dims, causal in itertools.product(DIMS, (0, 1)):
            text = "/".join(map(str, dict.fromkeys(dims)))
            if args.only not in ("", text):
                continue
            kernels = compiled(engine, dims, causal)
            for call in calls(dims):
                torch.manual_seed(0)
                done = measure(torch, kernels, dims, call, args.rounds)
                best = min(done, key=done.get)
                default = next(iter(done))
                batch, heads, length = call
                print(f"d{text} {'causal' if causal else 'full'} b{batch} h{heads} s{length}: default {done[default]:.1f} "
                      f"us, best {done[best]:.1f} us {best}, of {len(done)}", flush=True)
                line = {"target": kernels[default].manifest["target"], "device": torch.cuda.get_device_name(),
                        "head_dim": dims[0], "value_dim": dims[1], "dtype": "bf16", "causal": causal,
                        "batch": batch, "heads": heads, "length": length,
                        "us": {s: round(us, 3) for s, us in done.items() if us <= 1.25 * done[best]}}
                print(json.dumps(line), file=file, flush=True)
            for kernel in kernels.values():
                kernel.close()
    os.replace(args.out + ".part", args.out)


if __name__ == "__main__":
    main()
