#!/usr/bin/env python3
"""Times attn-jit's CPU forward beside torch's scaled_dot_product_attention.

Both run in this process, in turn, on the same tensors and number of threads; each round gives one
ratio, and the median of the ratios is reported, so a machine that others use too is no harm to
either side. Our side goes through the C interface: libattn-jit.so of a build, as engines use it.

  scripts/bench_cpu_sdpa.py --library build-release/lib/libattn-jit.so --threads 2 --json out.json
"""

import argparse
import ctypes
import json
import os
import statistics
import sys
import time

DTYPES = ("f32", "f16", "bf16")


class Description(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("head_dim", ctypes.c_int64),
        ("value_dim", ctypes.c_int64),
        ("dtype", ctypes.c_char_p),
        ("layout", ctypes.c_char_p),
        ("align", ctypes.c_char_p),
        ("causal", ctypes.c_int32),
        ("lse", ctypes.c_int32),
        ("score", ctypes.c_char_p),
        ("mask", ctypes.c_char_p),
        ("module", ctypes.c_char_p),
        ("schedule", ctypes.c_char_p),
        ("alignment", ctypes.c_int64),
    ]


class Tensor(ctypes.Structure):
    _fields_ = [("address", ctypes.c_uint64)] + [
        (dim + "_stride", ctypes.c_int64) for dim in ("batch", "head", "row", "dim")
    ]


class Call(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        *[(n, ctypes.c_int64) for n in ("batch", "q_heads", "kv_heads", "q_len", "kv_len")],
        ("scale", ctypes.c_double),
        *[(n, Tensor) for n in ("q", "k", "v", "o", "lse")],
        ("workspace", ctypes.c_uint64),
        ("workspace_bytes", ctypes.c_int64),
        ("captured_names", ctypes.c_void_p),
        ("captured_values", ctypes.c_void_p),
        ("captured_count", ctypes.c_int64),
    ]


class Library:
    """The C interface of one libattn-jit.so, on the CPU."""

    def __init__(self, path):
        self.lib = ctypes.CDLL(path)
        self.lib.attn_jit_last_error.restype = ctypes.c_char_p
        self.lib.attn_jit_kernel_manifest.restype = ctypes.c_char_p
        self.engine = ctypes.c_void_p()
        self.check(self.lib.attn_jit_engine_open(b"cpu", ctypes.byref(self.engine)))

    def check(self, code):
        if code:
            sys.exit("attn-jit: " + self.lib.attn_jit_last_error().decode())

    def forward(self, q, k, v, o, dtype, causal, schedule):
        """A function that launches on these tensors, and the schedule it runs."""
        text = lambda s: s.encode() if s else None
        description = Description(
            size=ctypes.sizeof(Description),
            head_dim=q.shape[3],
            value_dim=v.shape[3],
            dtype=dtype.encode(),
            layout=b"bhsd",
            align=b"top_left",
            causal=int(causal),
            schedule=text(schedule),
            alignment=q.element_size(),
        )
        kernel = ctypes.c_void_p()
        self.check(
            self.lib.attn_jit_kernel_create(
                self.engine, ctypes.byref(description), ctypes.byref(kernel)
            )
        )
        tensor = lambda t: Tensor(t.data_ptr(), *t.stride())
        call = Call(
            size=ctypes.sizeof(Call),
            batch=q.shape[0],
            q_heads=q.shape[1],
            kv_heads=k.shape[1],
            q_len=q.shape[2],
            kv_len=k.shape[2],
            scale=q.shape[3] ** -0.5,
            q=tensor(q),
            k=tensor(k),
            v=tensor(v),
            o=tensor(o),
        )
        manifest = json.loads(self.lib.attn_jit_kernel_manifest(kernel))
        run = lambda: self.check(
            self.lib.attn_jit_kernel_launch(kernel, ctypes.byref(call), None)
        )
        return run, manifest["schedule"]


def measure(torch, library, args, dtype, dim, causal):
    kinds = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
    torch.manual_seed(0)
    shape = (args.batch, args.heads, args.length, dim)
    q, k, v = (torch.randn(shape).to(kinds[dtype]) for _ in range(3))
    o = torch.full_like(q, float("nan"))
    sdpa = torch.nn.functional.scaled_dot_product_attention
    ours, schedule = library.forward(q, k, v, o, dtype, causal, args.schedule)
    theirs = lambda: sdpa(q, k, v, is_causal=causal)
    clock = time.perf_counter if args.clock == "wall" else time.process_time

    def timed(run):
        start = clock()
        run()
        return clock() - start

    ours()
    reference = sdpa(q.double(), k.double(), v.double(), is_causal=causal)
    error = ((o.double() - reference).norm() / reference.norm()).item()
    theirs()
    rounds = [(timed(theirs), timed(ours)) for _ in range(args.rounds)]
    flop = 4 * args.batch * args.heads * args.length**2 * dim * (0.5 if causal else 1)
    # Processor time counts every thread's.
    per = 1e9 / (args.threads if args.clock == "cpu" else 1)
    rate = lambda times: flop / statistics.median(times) / per
    return {
        "dtype": dtype,
        "head_dim": dim,
        "causal": causal,
        "torch_gflops": round(rate([t for t, _ in rounds]), 1),
        "attn_jit_gflops": round(rate([o for _, o in rounds]), 1),
        "ratio": round(statistics.median(t / o for t, o in rounds), 3),
        "rel_error": error,
        "schedule": schedule,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--library", required=True, help="libattn-jit.so of a build")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--length", type=int, default=2048)
    parser.add_argument("--dims", default="64,128")
    parser.add_argument("--dtypes", default="f32,f16,bf16")
    parser.add_argument("--schedule", default="", help="default: the kernel's own")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="cpu: processor time, on a busy machine"
    )
    parser.add_argument("--json", help="file to write")
    args = parser.parse_args()
    for dtype in args.dtypes.split(","):
        if dtype not in DTYPES:
            parser.error(f"--dtypes: '{dtype}' given, allowed: {', '.join(DTYPES)}")
    os.environ["ATTN_JIT_THREADS"] = str(args.threads)
    try:
        import torch
    except ImportError:
        sys.exit("bench_cpu_sdpa: torch is not installed for this Python")
    torch.set_num_threads(args.threads)
    library = Library(args.library)
    rows = []
    print(f"b{args.batch} h{args.heads} s{args.length}, {args.threads} threads, {args.clock} clock, "
          f"torch {torch.__version__}; causal counts half the FLOPs")
    print(f"{'':24}{'torch':>10}{'attn-jit':>10}  GFLOP/s")
    for dtype in args.dtypes.split(","):
        for dim in map(int, args.dims.split(",")):
            for causal in (False, True):
                row = measure(torch, library, args, dtype, dim, causal)
                rows.append(row)
                name = f"{dtype} d{dim} {'causal' if causal else 'full'}"
                print(f"{name:24}{row['torch_gflops']:10}{row['attn_jit_gflops']:10}  "
                      f"ratio {row['ratio']}  error {row['rel_error']:.1e}  {row['schedule']}",
                      flush=True)
    if args.json:
        with open(args.json + ".part", "w") as file:
            json.dump({"threads": args.threads, "torch": torch.__version__, "rows": rows}, file, indent=1)
        os.replace(args.json + ".part", args.json)


if __name__ == "__main__":
    main()
