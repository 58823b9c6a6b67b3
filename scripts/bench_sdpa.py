#!/usr/bin/env python3
"""Times attn-jit's forward beside the attention kernels that a torch process has.

All run in this process, on the same tensors: each round times every kernel once, in an order of its own, as a chip
that a long slow kernel has let cool runs the next one faster. The median of the rounds' ratios is reported with its quartiles,
so a machine that others use too, or a clock that moves, is no harm to either side; clocks, read while each kernel runs,
are in the JSON. Our side goes through the C interface, as engines use it. The last line is of all rows, each held against
the better of cuDNN and FA4 in its rounds.

  scripts/bench_sdpa.py --library build-release/lib/libattn-jit.so --device cpu
  scripts/bench_sdpa.py --library attn-jit/lib/libattn-jit.so.0 --device cuda:0 --table hopper --json out.json
  scripts/bench_sdpa.py ... --only "s4096 d128 full" --schedule default --schedule 'flash_fwd_ws.v1<grid=dynamic>'

The second form times schedules of ours side by side: the first is what peers are compared with, and the others are
compared with it.

Each kernel's error is against double precision. A peer that has two layouts is timed in both, and the faster counts.
"""

import argparse
import ctypes
import json
import os
import pathlib
import random
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools" / "python"))
import attn_jit
import sdpa_inputs

# batch, query heads, kv heads, length, head dim, value dim, dtype, causal
TABLES = {
    "cpu": [(1, 8, 8, 2048, d, d, t, c) for t in ("f32", "f16", "bf16") for d in (64, 128) for c in (0, 1)],
    "hopper": [(16384 // s, 2048 // d, 2048 // d, s, d, d, "bf16", c)
               for d in (32, 64, 128, 256) for c in (0, 1) for s in (1024, 4096, 16384)],
    "ampere": [(16384 // s, 2048 // d, 2048 // d, s, d, d, t, c)
               for t, dims in (("bf16", (32, 64, 96, 128, 192, 256)), ("f16", (64, 128)))
               for d in dims for c in (0, 1) for s in (1024, 4096, 16384)],
    "diffusion": [(b, h, h, s, d, d, "f16", 0) for b, h, s, d in (
        (2, 30, 17776, 64), (1, 5, 75600, 128), (1, 24, 16452, 128), (1, 3, 118808, 128), (2, 2, 29760, 128))],
    "dims": [(4, h, hk, 4096, d, dv, "bf16", c) for h, hk, d, dv, c in (
        (16, 16, 192, 128, 0), (16, 16, 192, 128, 1), (32, 8, 128, 128, 1), (32, 1, 128, 128, 1), (32, 32, 128, 128, 1),
        (16, 16, 96, 96, 0), (16, 16, 80, 80, 0), (16, 16, 72, 72, 0), (16, 16, 32, 32, 0))],
    "single": [(4, 16, 16, s, d, d, "f32", c) for d in (64, 128) for c in (0, 1) for s in (1024, 4096)],
    "short": [(b, h, h, s, d, d, "bf16", c) for b, h, d in ((1, 8, 128), (1, 32, 128), (8, 16, 128), (32, 12, 64))
              for c in (0, 1) for s in (16, 64, 128, 256, 512)],
}
# Launches of a graph, where one alone is too short for events.
GRAPH = {"short": 50}
# Launches in a row on an idle stream, for the host's share: fewer than a stream's queue holds.
HOST_LAUNCHES = 200


# What marks a peer's run in its other layout.
OTHER = "-bhsd"
# The peers that a row is held against, the better of each round.
BEST = ("cudnn", "fa4")


class Cpu:
    """Wall or processor time of one call."""

    def __init__(self, torch, args):
        self.peers = {"torch": lambda q, k, v, causal: self._sdpa(torch, q, k, v, causal)}
        self.clock = time.perf_counter if args.clock == "wall" else time.process_time
        # Processor time counts every thread's.
        self.share = 1 if args.clock == "wall" else args.threads

        self.repeat = 1

    def stream(self):
        return 0

    @staticmethod
    def _sdpa(torch, q, k, v, causal):
        sdpa = torch.nn.functional.scaled_dot_product_attention
        return lambda: sdpa(q, k, v, is_causal=causal, enable_gqa=q.shape[1] != k.shape[1])

    def seconds(self, run):
        """And the clock meanwhile, which nothing tells here."""
        start = self.clock()
        run()
        return (self.clock() - start) / self.share, None


class Cuda:
    """Device events around each call, on one stream; the L2 keeps what the call before left."""

    def __init__(self, torch, args):
        from torch.nn.attention import SDPBackend, sdpa_kernel

        self.torch, self.ceiling_type = torch, torch.bfloat16
        torch.cuda.set_device(torch.device(args.device))
        self.nvml = ctypes.CDLL("libnvidia-ml.so.1")
        self.handle, uuid = ctypes.c_void_p(), f"GPU-{torch.cuda.get_device_properties(torch.device(args.device)).uuid}"
        if self.nvml.nvmlInit_v2() or self.nvml.nvmlDeviceGetHandleByUUID(uuid.encode(), ctypes.byref(self.handle)):
            sys.exit(f"bench_sdpa: NVML does not find {uuid}, whose clock is to be logged")
        self.repeat = GRAPH.get(args.table, 1)
        backend = {"cudnn": SDPBackend.CUDNN_ATTENTION, "fa2": SDPBackend.FLASH_ATTENTION}

        def peer(kind):
            def bind(q, k, v, causal):
                def run():
                    with sdpa_kernel(kind):
                        return Cpu._sdpa(torch, q, k, v, causal)()
                return run
            return bind

        self.peers = {name: peer(kind) for name, kind in backend.items()}
        # Of f32 torch has this kernel alone, whose products are what its own matrix products are.
        torch.backends.cuda.matmul.allow_tf32 = args.precision == "tf32"
        if args.table == "single":
            self.peers = {"efficient": peer(SDPBackend.EFFICIENT_ATTENTION)}
            self.ceiling_type = torch.float32
            return self._set_ceiling()
        # Ours and the others read rows of all heads side by side; this one heads of all rows.
        self.peers["cudnn" + OTHER] = lambda q, k, v, causal: self.peers["cudnn"](
            *(t.contiguous() for t in (q, k, v)), causal)
        try:
            from flash_attn.cute.interface import flash_attn_func

            def fa4(q, k, v, causal):
                q, k, v = (t.transpose(1, 2) for t in (q, k, v))
                return lambda: flash_attn_func(q, k, v, causal=causal)[0].transpose(1, 2)

            self.peers["fa4"] = fa4
        except ImportError:
            pass
        self._set_ceiling()

    def _set_ceiling(self):
        n = 8192
        a, b = (self.torch.randn(n, n, device="cuda", dtype=self.ceiling_type) for _ in "ab")
        self.ceiling = lambda: a @ b
        self.ceiling_flop = 2 * n**3

    def stream(self):
        return self.torch.cuda.current_stream().cuda_stream

    def clock_mhz(self):
        """Of the multiprocessors, now."""
        mhz = ctypes.c_uint()
        self.nvml.nvmlDeviceGetClockInfo(self.handle, 1, ctypes.byref(mhz))
        return mhz.value

    def repeated(self, run):
        """A graph of that many calls, warmed up."""
        run()
        graph = self.torch.cuda.CUDAGraph()
        with self.torch.cuda.graph(graph):
            for _ in range(self.repeat):
                run()
        return graph.replay

    def host_seconds(self, run):
        """What the host does for one of many launches in a row."""
        self.torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(HOST_LAUNCHES):
            run()
        seconds = time.perf_counter() - start
        self.torch.cuda.synchronize()
        return seconds / HOST_LAUNCHES

    def seconds(self, run):
        begin, end = (self.torch.cuda.Event(enable_timing=True) for _ in "be")
        begin.record()
        run()
        end.record()
        mhz = self.clock_mhz()
        end.synchronize()
        return begin.elapsed_time(end) * 1e-3 / self.repeat, mhz


def tensors(torch, device, row):
    batch, heads, kv_heads, length, dim, value_dim, dtype, _ = row
    kind = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[dtype]

    def made(h, d):  # rows of all heads side by side, as models have them on a GPU
        shape = (batch, length, h, d) if device != "cpu" else (batch, h, length, d)
        t = torch.randn(shape, device=device).to(kind)
        return t.transpose(1, 2) if device != "cpu" else t

    return made(heads, dim), made(kv_heads, dim), made(kv_heads, value_dim), made(heads, value_dim)


def reference(torch, q, k, v, causal, heads, rows):
    """Some rows of some heads of the first batch in double precision."""
    group = q.shape[1] // k.shape[1]
    kv = [h // group for h in heads]
    q, k, v = (t[0].double() for t in (q[:, heads][:, :, rows], k[:, kv], v[:, kv]))
    scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
    if causal:
        unseen = torch.arange(k.shape[1], device=k.device) > rows[:, None]
        scores.masked_fill_(unseen, float("-inf"))
    return scores.softmax(-1) @ v


def measure(torch, engine, machine, args, row):
    batch, heads, kv_heads, length, dim, value_dim, dtype, causal = row
    torch.manual_seed(0)
    q, k, v, out = tensors(torch, args.device, row)
    sdpa_inputs.aim(torch, args.inputs, q, k)
    out.fill_(float("nan"))

    def kernel_of(schedule):
        return engine.kernel(head_dim=dim, value_dim=value_dim, dtype=dtype, layout="bhsd", align="top_left",
                             causal=causal, schedule=None if schedule == "default" else schedule,
                             target=args.target or None, precision=args.precision if dtype == "f32" else None,
                             kv_len=length, q_len=length, batch=batch, q_heads=heads,
                             kv_heads=kv_heads if args.records else 0,  # records serve where all sizes are told
                             alignment=16 if args.device != "cpu" else q.element_size())

    def run_of(kernel):
        workspaces.append(torch.zeros(kernel.manifest["workspace_bytes"], dtype=torch.uint8, device=args.device))
        launch = kernel.bind(q, k, v, out, workspace=workspaces[-1])
        return lambda: launch(machine.stream())

    workspaces = []  # which live as long as the launches
    first, *others = args.schedule or ["default"]
    kernel = kernel_of(first)
    runs = {"attn-jit": run_of(kernel)}
    # All scores in double would not fit: of long sequences some rows of two heads, in steps that meet each lane.
    some = list(range(heads)) if length <= 1024 else [0, heads - 1]
    step = max(1, length // 1021) | 1
    sampled = torch.arange(0, length, step, device=q.device)
    wanted = reference(torch, q, k, v, bool(causal), some, sampled)

    def error_of(o):
        return ((o[0, some][:, sampled].double() - wanted).norm() / wanted.norm()).item()

    runs["attn-jit"]()
    errors, failed = {"attn-jit": error_of(out)}, {}
    schedules = {}  # by what the row calls them
    for schedule in others:
        try:
            other = kernel_of(schedule)
        except attn_jit.AttnJitError as error:
            failed[schedule] = str(error)
            continue
        schedules[schedule] = other.manifest["schedule"]
        runs[schedule] = run_of(other)
        out.fill_(float("nan"))
        runs[schedule]()
        errors[schedule] = error_of(out)
    for name, bind in machine.peers.items():
        try:
            runs[name] = bind(q, k, v, bool(causal))
            errors[name] = error_of(runs[name]())
        except Exception as error:  # a peer that has no such kernel
            runs.pop(name, None)
            failed[name] = str(error).split("\n")[0]
    host = {name: machine.host_seconds(run) for name, run in runs.items()} if machine.repeat > 1 else {}
    if machine.repeat > 1:
        runs = {name: machine.repeated(run) for name, run in runs.items()}
    elif hasattr(machine, "ceiling"):
        runs["cublas"] = machine.ceiling
    for run in runs.values():
        run(), run()
    rounds, clocks, order = [], [], list(runs)
    shuffle = random.Random(0)
    for _ in range(args.rounds):
        shuffle.shuffle(order)
        timed = {name: machine.seconds(runs[name]) for name in order}
        rounds.append({name: seconds for name, (seconds, _) in timed.items()})
        clocks.append({name: mhz for name, (_, mhz) in timed.items()})
    for other in [name for name in runs if name.endswith(OTHER)]:
        name = other.removesuffix(OTHER)
        faster = min((n for n in (other, name) if n in runs), key=lambda n: statistics.median(r[n] for r in rounds))
        for table in (*rounds, errors, host):
            if faster in table:
                table[name] = table[faster]
            table.pop(other, None)
        runs[name] = runs.pop(other)
    flop = 2 * batch * heads * length**2 * (dim + value_dim) * (0.5 if causal else 1)
    result = dict(zip(("batch", "q_heads", "kv_heads", "length", "head_dim", "value_dim", "dtype", "causal"), row))
    result["schedule_source"] = kernel.manifest["schedule_source"]
    result["schedule"], result["inputs"], result["rel_error"] = kernel.manifest["schedule"], args.inputs, errors
    result["precision"] = args.precision if dtype == "f32" else None
    result["host_us"] = {name: round(seconds * 1e6, 2) for name, seconds in host.items()}
    result["tflops"], result["ratio"], result["failed"], result["clock_mhz"] = {}, {}, failed, clocks
    result["us"] = {name: round(statistics.median(r[name] for r in rounds) * 1e6, 2) for name in runs}
    for name in runs:
        done = machine.ceiling_flop if name == "cublas" else flop
        result["tflops"][name] = round(done / statistics.median(r[name] for r in rounds) * 1e-12, 4)
        if name != "attn-jit":
            ratios = [r[name] / r["attn-jit"] for r in rounds]
            if name == "cublas":  # rates, not times: the work differs
                ratios = [x * flop / machine.ceiling_flop for x in ratios]
            if name in schedules:  # above 1: faster than the first
                ratios = [1 / x for x in ratios]
            result["ratio"][name] = quartiles(ratios)
    best = [name for name in BEST if name in runs]
    if best:
        result["ratio"]["best"] = quartiles([min(r[name] for name in best) / r["attn-jit"] for r in rounds])
    result["schedules"] = schedules
    return result


def quartiles(values):
    return [round(x, 3) for x in statistics.quantiles(values, n=4)]


def refused(result, args):
    """Of the schedules that were asked for, those that this row cannot have."""
    return "".join(f"\n    {name}: {why}" for name, why in result["failed"].items() if name in (args.schedule or []))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--library", required=True, help="libattn-jit.so of a build")
    parser.add_argument("--device", default="cpu", help="cpu, cuda:0, ...")
    parser.add_argument("--table", choices=TABLES, help="default: cpu or hopper, by the device")
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--schedule", action="append",
                        help="a text, or default: the kernel's own; again: another, compared with the first")
    parser.add_argument("--records", action="store_true",
                        help="default may be what this owner's records, or those of the program, say")
    parser.add_argument("--inputs", choices=sdpa_inputs.KINDS, default="normal", help="docs/inputs.md")
    parser.add_argument("--target", default="", help="an earlier chip's images; default: the device's own")
    parser.add_argument("--precision", choices=("ieee", "tf32"), default="ieee", help="of f32; torch's own is set to it")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall",
                        help="on a CPU; cpu: processor time, on a busy machine")
    parser.add_argument("--json", help="file to write")
    args = parser.parse_args()
    if args.rounds < 2:
        parser.error(f"--rounds: {args.rounds} given, allowed: 2 and more")
    os.environ["ATTN_JIT_THREADS"] = str(args.threads)
    try:
        import torch
    except ImportError:
        sys.exit("bench_sdpa: torch is not installed for this Python")
    torch.set_num_threads(args.threads)
    machine = Cpu(torch, args) if args.device == "cpu" else Cuda(torch, args)
    name = "CPU" if args.device == "cpu" else torch.cuda.get_device_name()
    print(f"{name}, {args.threads} threads, torch {torch.__version__}; medians of {args.rounds} rounds; TFLOP/s count "
          f"half for causal; peers' ratio = their time / ours, other schedules' = the first's / theirs, with quartiles",
          flush=True)
    rows = []
    try:
        engine = attn_jit.Engine(args.library, args.device)
        for row in TABLES[args.table or ("cpu" if args.device == "cpu" else "hopper")]:
            batch, heads, kv_heads, length, dim, value_dim, dtype, causal = row
            text = (f"{dtype} b{batch} h{heads}{'' if kv_heads == heads else f'/{kv_heads}'} s{length} "
                    f"d{dim}{'' if value_dim == dim else f'/{value_dim}'} {'causal' if causal else 'full'}")
            if args.only not in text:
                continue
            result = measure(torch, engine, machine, args, row)
            rows.append(result)
            peers = "  ".join(f"{peer} {result['tflops'][peer]:.5g} x{r[1]} [{r[0]}, {r[2]}]"
                              for peer, r in result["ratio"].items() if peer != "best")
            alone = f"{result['us']['attn-jit']:.1f} us  " if args.table in GRAPH else ""
            errors = ", ".join(f"{peer} {value:.2e}" for peer, value in result["rel_error"].items())
            print(f"{text:34} {result['tflops']['attn-jit']:9.5g}  {alone}{peers}  errors {errors}  "
                  f"{result['schedule']}{refused(result, args)}", flush=True)
    except attn_jit.AttnJitError as error:
        sys.exit(f"attn-jit: {error}")
    best = [row["ratio"]["best"][1] for row in rows if "best" in row["ratio"]]
    if best:
        print(f"to the better of {' and '.join(BEST)}, {len(best)} rows: geometric mean "
              f"{statistics.geometric_mean(best):.3f}, least {min(best):.3f}", flush=True)
    if args.json:
        with open(args.json + ".part", "w") as file:
            json.dump({"device": name, "threads": args.threads, "torch": torch.__version__, "rows": rows}, file,
                      indent=1)
        os.replace(args.json + ".part", args.json)


if __name__ == "__main__":
    main()
