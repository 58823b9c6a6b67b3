#!/usr/bin/env python3
"""Host images of one dtype against a double-precision reference, through the manifest alone.

Needs no package: the reference is plain Python on small shapes. Outputs lie between canaries and are
NaN before; rows are further apart than they are long; a null LSE must not be written.

  host_check.py DTYPE FOLDER [--level L]     (attn-jit on PATH)
"""

import array
import ctypes
import json
import math
import os
import random
import struct
import subprocess
import sys

NAMES = {"f32": "fp32", "f16": "fp16", "bf16": "bf16"}
TOLERANCE = {"f32": 3e-6, "f16": 1.5e-3, "bf16": 1e-2}
CANARY = 0xA5


def encode(values, dtype):
    if dtype == "f32":
        return struct.pack(f"{len(values)}f", *values)
    if dtype == "f16":
        return struct.pack(f"{len(values)}e", *values)
    words = struct.unpack(f"{len(values)}I", struct.pack(f"{len(values)}f", *values))
    return struct.pack(f"{len(words)}H", *(w >> 16 for w in words))


def decode(data, dtype):
    if dtype == "bf16":
        words = struct.unpack(f"{len(data) // 2}H", data)
        data, dtype = struct.pack(f"{len(words)}I", *(w << 16 for w in words)), "f32"
    code, size = ("f", 4) if dtype == "f32" else ("e", 2)
    return struct.unpack(f"{len(data) // size}{code}", data)


class Tensor:
    """(batch, head, row, column), rows `gap` elements further apart than they are long."""

    def __init__(self, shape, dtype, fill, gap=0):
        self.shape, self.dtype = shape, dtype
        batch, heads, rows, cols = shape
        self.row = cols + gap
        self.head = rows * self.row
        self.batch = heads * self.head
        self.size = 4 if dtype == "f32" else 2
        count = batch * self.batch
        self.guard = 64
        body = encode([fill() for _ in range(count)], dtype)
        self.data = ctypes.create_string_buffer(
            bytes([CANARY] * self.guard) + body + bytes([CANARY] * self.guard),
            len(body) + 2 * self.guard,
        )
        self.address = ctypes.addressof(self.data) + self.guard
        self.initial = body

    def bytes(self):
        return self.data.raw[self.guard : -self.guard]

    def rows(self, batch, head):
        cols = self.shape[3]
        values = decode(self.bytes(), self.dtype)
        start = batch * self.batch + head * self.head
        return [values[start + r * self.row :][:cols] for r in range(self.shape[2])]

    def check_untouched(self, name):
        raw = self.data.raw
        if any(b != CANARY for b in raw[: self.guard] + raw[-self.guard :]):
            raise AssertionError(f"{name}: written outside")
        cols, now = self.shape[3], self.bytes()
        for at in range(0, len(now), self.row * self.size):
            gap = slice(at + cols * self.size, at + self.row * self.size)
            if now[gap] != self.initial[gap]:
                raise AssertionError(f"{name}: written between rows")


def reference(q, k, v, value_dim, scale, causal):
    outputs, sums = [], []
    for i, row in enumerate(q):
        seen = len(k) if not causal else min(len(k), i + 1 + len(k) - len(q))
        scores = [scale * math.fsum(map(float.__mul__, row, key)) for key in k[: max(seen, 0)]]
        if not scores:
            outputs.append([0.0] * value_dim)
            sums.append(-math.inf)
            continue
        most = max(scores)
        weights = [math.exp(s - most) for s in scores]
        total = math.fsum(weights)
        outputs.append(
            [math.fsum(w * x[c] for w, x in zip(weights, v)) / total for c in range(value_dim)]
        )
        sums.append(most + math.log(total))
    return outputs, sums


def argument_block(manifest, tensors, values):
    block = b""
    for argument in manifest["arguments"]:
        if argument["kind"] == "pointer":
            code, value = "Q", getattr(tensors.get(argument["tensor"]), "address", 0)
        else:
            name = argument["value"]
            code = {"i32": "i", "i64": "q", "f32": "f"}[argument["kind"]]
            if ".stride." in name:
                tensor, _, dim = name.split(".")
                value = getattr(tensors.get(tensor), dim, 0)
            else:
                value = values[name] if name in values else int(name)
        size = struct.calcsize(code)
        block += bytes(-len(block) % size) + struct.pack(code, value)
    return block


def grid_of(manifest, values):
    for rule in manifest["grid"]:
        if "ceil_div" in rule:
            name, by = rule["ceil_div"]
            yield -(-values[name] // by)
        else:
            yield values.get(rule["value"], None) or int(rule["value"])


def run(entry, manifest, dtype, shape, dims, causal, lse, poison=False):
    batch, q_heads, kv_heads, q_len, kv_len = shape
    dim, value_dim = dims
    number = lambda: random.gauss(0, 1)
    nan = lambda: math.nan
    tensors = {
        "q": Tensor((batch, q_heads, q_len, dim), dtype, number, gap=8),
        "k": Tensor((batch, kv_heads, kv_len, dim), dtype, number, gap=16),
        "v": Tensor((batch, kv_heads, kv_len, value_dim), dtype, number),
        "o": Tensor((batch, q_heads, q_len, value_dim), dtype, nan, gap=8),
    }
    if poison:  # one NaN with a full payload in one key
        k = tensors["k"]
        ctypes.memset(k.address + (kv_len // 2) * k.row * k.size, 0xFF, k.size)
    if lse == "written":
        tensors["lse"] = Tensor((batch, q_heads, 1, q_len), "f32", nan)
    scale = dim**-0.5
    values = {
        "batch": batch, "q_heads": q_heads, "kv_heads": kv_heads, "q_len": q_len, "kv_len": kv_len,
        "heads_per_kv": q_heads // kv_heads, "scale": scale, "scale_log2e": scale * math.log2(math.e),
    }
    block = argument_block(manifest, tensors, values)
    for z in range(list(grid_of(manifest, values))[2]):
        for y in range(list(grid_of(manifest, values))[1]):
            for x in range(list(grid_of(manifest, values))[0]):
                entry(block, x, y, z)
    for name, tensor in tensors.items():
        tensor.check_untouched(name)
    worst = 0.0
    for b in range(batch):
        for h in range(q_heads):
            g = h * kv_heads // q_heads
            got = tensors["o"].rows(b, h)
            k, v = tensors["k"].rows(b, g), tensors["v"].rows(b, g)
            if poison and b == 0 and g == 0:
                hit = kv_len // 2
                for i, row in enumerate(got):
                    sees = not causal or hit <= i + kv_len - q_len
                    if all(map(math.isnan, row)) != sees:
                        raise AssertionError(f"row {i}: NaN is {'lost' if sees else 'spread'}")
                continue
            want, sums = reference(
                tensors["q"].rows(b, h), k, v, value_dim, scale, causal
            )
            largest = max(max(map(abs, row)) for row in want) or 1.0
            for have_row, want_row in zip(got, want):
                for have, expected in zip(have_row, want_row):
                    error = abs(have - expected) / largest
                    worst = max(worst, math.inf if math.isnan(error) else error)
            if lse == "written":
                for have, expected in zip(tensors["lse"].rows(b, h)[0], sums):
                    if have != expected and not abs(have - expected) < 1e-5:
                        raise AssertionError(f"LSE {have}, expected {expected}")
    return worst


def main():
    dtype, folder = sys.argv[1:3]
    level = sys.argv[4] if sys.argv[3:4] == ["--level"] else None
    random.seed(7)
    os.makedirs(folder, exist_ok=True)
    #          dims        causal  LSE        schedule
    kernels = [((64, 64), False, "written", ""),
               ((64, 64), True, "null", ""),
               ((40, 72), False, "none", "flash_fwd_sync.v1<bm=16,bn=16>"),
               ((72, 40), True, "written", "flash_fwd_sync.v1<bm=48,bn=48>"),
               ((128, 8), True, "none", "flash_fwd_sync.v1<bm=32,bn=96>")]
    shapes = [(1, 1, 1, 1, 1), (2, 4, 2, 17, 129), (1, 2, 1, 129, 17), (1, 2, 2, 50, 0)]
    failed = False
    for index, (dims, causal, lse, schedule) in enumerate(kernels):
        image = os.path.join(folder, f"{dtype}-{index}.so")
        command = ["attn-jit", "compile", "--target", "cpu", "--dtype", NAMES[dtype], "-o", image,
                   "-d", str(dims[0]), "--dv", str(dims[1]), "--alignment", "1"]
        command += ["--causal"] if causal else []
        command += ["--lse"] if lse != "none" else []
        command += ["--schedule", schedule] if schedule else []
        command += ["--cpu-level", level] if level else []
        subprocess.run(command, check=True)
        with open(image + ".json") as file:
            manifest = json.load(file)
        entry = getattr(ctypes.CDLL(image), manifest["kernel"])
        for shape in shapes:
            for poison in (False, True) if shape[4] > 1 else (False,):
                what = f"{dtype} d{dims[0]} dv{dims[1]} {'causal' if causal else 'full'} {shape}"
                try:
                    error = run(entry, manifest, dtype, shape, dims, causal, lse, poison)
                except AssertionError as wrong:
                    error = str(wrong)
                bad = isinstance(error, str) or not error <= TOLERANCE[dtype]
                failed |= bad
                print("WRONG" if bad else "right", what, "NaN key" if poison else "", error)
    sys.exit(failed)


if __name__ == "__main__":
    main()
