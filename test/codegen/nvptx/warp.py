#!/usr/bin/env python3
"""Runs one warp of a forward's PTX and holds its rows to double precision; counts bank conflicts.

    warp.py PTX MANIFEST KEYS LIMIT [TILE]

What a warp of the whole kernel computes, as far as a kernel of one unit of 32 query rows shows it: copies land at
once, so barriers say nothing here. Sums of mma are truncated, each addend to 24 bits of the largest, four of K at a
time, which is the worst that such units have been found to do.
"""

import json
import re
import sys

import numpy as np

LANES = np.arange(32)
u32, i32, u64, f32, f64 = np.uint32, np.int32, np.uint64, np.float32, np.float64


def truncated(x, quantum):
    return np.trunc(x / quantum) * quantum


def chain(sum_, products):
    """sum_ + products (last axis) as a matrix unit adds them."""
    addends = np.concatenate([sum_[..., None].astype(f64), products], -1)
    top = np.frexp(np.abs(addends).max(-1, keepdims=True))[1]
    total = truncated(addends, np.exp2(top - 24.0)).sum(-1)
    return truncated(total, np.exp2(np.frexp(total)[1] - 24.0)).astype(f32)


class Warp:
    def __init__(self, text, arguments, memory, ctaid):
        self.memory, self.shared, self.ctaid = memory, np.zeros(1 << 18, np.uint8), ctaid
        self.regs, self.code, self.labels = {}, [], {}
        self.parameters = {f"[attn_fwd_param_{i}]": a for i, a in enumerate(arguments)}
        self.reads = self.conflicts = 0
        body = re.sub(r"//.*", "", text[text.index("{") :])
        body = re.sub(r"\{ \.reg \.pred done;.*?over_\d+: \}", "", body)
        for line in re.sub(r"(\$L\w+:)", r"\1;", body.strip()[1:]).split(";"):
            line = line.strip()
            if line.endswith(":"):
                self.labels[line[:-1]] = len(self.code)
            elif line not in ("", "}") and not line.startswith(".reg"):
                guard, op, rest = re.match(r"(?:@(!?%\w+)\s+)?(\S+)\s*(.*)", line, re.S).groups()
                self.code.append((guard, op, re.findall(r"\{[^}]*\}|\[[^\]]*\]|[^,\s]+", rest)))

    def get(self, name, kind=u32):
        wide = kind in (u64, np.int64)
        if name in self.parameters:
            value = self.parameters[name]
            value = np.full(32, value).view(u32) if isinstance(value, f32) else np.full(32, int(value) & (2**64 - 1), u64)
        elif name.startswith("0f"):
            value = np.full(32, int(name[2:], 16), u32)
        elif name[0] == "%":
            fixed = {"%tid.x": LANES, **{"%ctaid." + d: np.full(32, c) for d, c in zip("xyz", self.ctaid)}}
            value = fixed[name].astype(u32) if name in fixed else self.regs[name]
        else:
            value = np.full(32, 0 if name == "attn_shared" else int(name, 0) & (2**64 - 1), u64)
        if kind is bool:
            return value
        return (value.astype(u64) if wide else (value & u64(2**32 - 1)).astype(u32)).view(kind)

    def put(self, name, value, on):
        value = value if value.dtype == bool else value.view(u64 if value.dtype.itemsize == 8 else u32)
        self.regs[name] = np.where(on, value, self.regs.get(name, np.zeros_like(value)))

    def address(self, text):
        base, _, offset = text.strip("[]").partition("+")
        return (self.get(base, np.int64) + int(offset or 0)).astype(np.int64)

    def words(self, at):
        return self.shared.view(u32)[at // 4]

    def count(self, at):
        """The most different words of one bank, beyond one."""
        self.reads += 1
        self.conflicts += max(np.bincount(np.unique(at // 4) % 32)) - 1

    def run(self):
        at = np.zeros(32, np.int64)
        while True:  # the lanes that are furthest behind, as if's and uniform loops want it
            here = at.min()
            if here >= len(self.code):
                return
            on = at == here
            guard, op, args = self.code[here]
            at = np.where(on, here + 1, at)
            if guard:
                wanted = self.get(guard.lstrip("!"), bool)
                on = on & (~wanted if guard[0] == "!" else wanted)
            if op.startswith("bra"):
                at = np.where(on, self.labels[args[0]], at)
            elif op == "ret":
                at = np.where(on, len(self.code), at)
            elif on.any():
                with np.errstate(all="ignore"):
                    self.step(op, args, on)

    def step(self, op, args, on):
        name, kind = op.split(".")[0], op.split(".")[-1]
        types = {"f32": f32, "s32": i32, "u32": u32, "b32": u32, "s64": np.int64, "u64": u64, "b64": u64, "pred": bool}
        if op.startswith(("bar.", "mbarrier", "cp.async.wait", "cp.async.mbarrier")):
            return
        if name == "cp":
            to, source, size = self.address(args[0]), self.address(args[1]), self.get(args[3])
            for lane in LANES[on]:
                self.shared[to[lane] : to[lane] + 16] = 0
                self.shared[to[lane] : to[lane] + size[lane]] = self.memory[source[lane] : source[lane] + size[lane]]
            return
        if name == "ldmatrix":
            rows = self.address(args[1])
            for i, register in enumerate(args[0].strip("{}").split(",")):
                own = rows[8 * i + LANES // 4] + LANES % 4 * 4
                self.count(own)
                self.put(register.strip(), self.words(own), on)
            return
        if op.startswith("ld.shared"):
            own = self.address(args[1])
            self.count(own)
            return self.put(args[0], self.words(own), on)
        if op.startswith("st.global"):
            to = self.address(args[0])
            for i, register in enumerate(args[1].strip("{}").split(",")):
                for lane in LANES[on]:
                    self.memory.view(u32)[to[lane] // 4 + i] = self.get(register.strip())[lane]
            return
        if name == "mma":
            registers = [[self.get(r.strip(), f32) for r in a.strip("{}").split(",")] for a in args[1:]]
            a, b, c = ([x.view(u32) for x in part] for part in registers)
            return self.product(args[0], a, b, [x.view(f32) for x in c], on)
        if name == "setp":
            compare, typed = op.split(".")[1], types[kind]
            x, y = self.get(args[1], typed), self.get(args[2], typed)
            return self.put(args[0], {"lt": x < y, "gt": x > y, "ge": x >= y, "le": x <= y, "eq": x == y, "ne": x != y}[compare], on)
        if name == "selp":
            typed = u64 if kind == "b64" else u32
            return self.put(args[0], np.where(self.get(args[3], bool), self.get(args[1], typed), self.get(args[2], typed)), on)
        if name == "cvt" and op == "cvt.rna.tf32.f32":
            x = self.get(args[1])
            finite = x & u32(0x7F800000) != u32(0x7F800000)
            return self.put(args[0], np.where(finite, (x + u32(0x1000)) & u32(0xFFFFE000), x), on)
        if name == "cvt":
            to, source = types[op.split(".")[1]], types[kind]
            return self.put(args[0], self.get(args[1], source).astype(to), on)
        if name == "shfl":
            return self.put(args[0].split("|")[0], self.get(args[1])[LANES ^ int(args[2])], on)
        if op == "mul.wide.u32":
            return self.put(args[0], self.get(args[1]).astype(u64) * self.get(args[2]), on)
        typed = types[kind]
        x = [self.get(a, typed) for a in args[1:]]
        if name in ("shl", "shr"):
            by = self.get(args[2]).astype(typed)
            return self.put(args[0], x[0] << by if name == "shl" else x[0] >> by, on)
        if typed is f32:
            wide = [v.astype(f64) for v in x]
            value = {"add": lambda: x[0] + x[1], "sub": lambda: x[0] - x[1], "mul": lambda: x[0] * x[1],
                     "fma": lambda: (wide[0] * wide[1] + wide[2]).astype(f32), "neg": lambda: -x[0],
                     "max": lambda: np.fmax(x[0], x[1]), "min": lambda: np.fmin(x[0], x[1]),
                     "ex2": lambda: np.exp2(wide[0]).astype(f32), "lg2": lambda: np.log2(wide[0]).astype(f32),
                     "rcp": lambda: (1 / wide[0]).astype(f32), "div": lambda: (wide[0] / wide[1]).astype(f32)}[name]()
        else:
            value = {"mov": lambda: x[0], "ld": lambda: x[0], "not": lambda: ~x[0], "neg": lambda: -x[0],
                     "add": lambda: x[0] + x[1], "sub": lambda: x[0] - x[1], "mul": lambda: x[0] * x[1],
                     "mad": lambda: x[0] * x[1] + x[2], "and": lambda: x[0] & x[1], "or": lambda: x[0] | x[1],
                     "xor": lambda: x[0] ^ x[1], "min": lambda: np.minimum(x[0], x[1]),
                     "max": lambda: np.maximum(x[0], x[1]), "div": lambda: x[0] // x[1], "rem": lambda: x[0] % x[1],
                     "bfe": lambda: x[0] >> x[1] & (typed(1) << x[2]) - typed(1)}[name]()
        self.put(args[0], value, on)

    def product(self, out, a, b, c, on):
        """mma.m16n8k8 (PTX ISA, "matrix fragments for mma.m16n8k8"), tf32."""
        row, slot = LANES // 4, LANES % 4
        left, right, total = np.zeros((16, 8), f32), np.zeros((8, 8), f32), np.zeros((16, 8), f32)
        for i in range(4):
            left[row + 8 * (i % 2), slot + 4 * (i // 2)] = (a[i] & u32(0xFFFFE000)).view(f32)
            total[row + 8 * (i // 2), 2 * slot + i % 2] = c[i]
        for i in range(2):
            right[slot + 4 * i, row] = (b[i] & u32(0xFFFFE000)).view(f32)
        terms = left.astype(f64)[:, None, :] * right.astype(f64).T[None]
        for half in (0, 4):
            total = chain(total, terms[..., half : half + 4])
        for i, register in enumerate(out.strip("{}").split(",")):
            self.put(register.strip(), total[row + 8 * (i // 2), 2 * slot + i % 2], on)


def main():
    ptx, manifest, keys, limit, tile = open(sys.argv[1]).read(), json.load(open(sys.argv[2])), int(sys.argv[3]), float(sys.argv[4]), int((sys.argv + ["0"])[5])
    dim, value_dim, rows = manifest["head_dim"], manifest["value_dim"], keys
    assert manifest["block"] == [32, 1, 1], "one unit"
    random = np.random.default_rng(1)
    q, k, v = (random.standard_normal((n, d)).astype(f32) for n, d in ((rows, dim), (keys, dim), (keys, value_dim)))
    tensors = {"q": q, "k": k, "v": v, "o": np.full((rows, value_dim), np.nan, f32), "lse": np.full((rows, 1), np.nan, f32)}
    start, places = 0, {}
    for name, tensor in tensors.items():
        places[name], start = start + 256, start + 256 + tensor.nbytes + 256
    memory = np.zeros(start // 16 * 16 + 16, np.uint8)
    for name, tensor in tensors.items():
        memory[places[name] : places[name] + tensor.nbytes] = tensor.view(np.uint8).ravel()
    scale = dim**-0.5
    known = {"q_len": rows, "kv_len": keys, "heads_per_kv": 1, "scale": f32(scale), "scale_log2e": f32(scale * 1.4426950408889634)}
    values = []
    for argument in manifest["arguments"]:
        what = argument.get("value", "")
        stride = re.match(r"(\w+)\.stride\.(\w+)", what)
        values.append(places[argument["tensor"]] if argument["kind"] == "pointer" else
                      tensors[stride[1]].shape[1] if stride and stride[2] == "row" else 0 if stride else
                      known[what] if what in known else int(what))
    warp = Warp(ptx, values, memory, (tile, 0, 0))
    warp.run()
    out = memory[places["o"] : places["o"] + tensors["o"].nbytes].view(f32).reshape(rows, value_dim)
    own = ~np.isnan(out).any(1)
    mine = np.flatnonzero(own)
    scores = q[mine].astype(f64) @ k.astype(f64).T * scale
    if manifest["causal"]:
        scores[np.arange(keys)[None] > mine[:, None]] = -np.inf
    weights = np.exp(scores - scores.max(1, keepdims=True))
    wanted = weights / weights.sum(1, keepdims=True) @ v.astype(f64)
    error = np.linalg.norm(out[mine] - wanted) / np.linalg.norm(wanted)
    print(f"{len(mine)} rows, error {error:.1e}, {warp.conflicts} conflicts in {warp.reads} reads")
    return not (len(mine) and error <= limit)


if __name__ == "__main__":
    sys.exit(main())
