# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Seeded inputs in f16 and bf16, and a float64 attention to compare with.

Shares no mask or layout code with the compiler; rounding happens once, at the
inputs, so that the reference sees exactly the numbers the kernel sees.
"""
import numpy as np

# What an output holds before the launch: NaNs whose payload no kernel computes.
POISON = {"f16": np.uint16(0xFEED), "bf16": np.uint16(0xFFED), "f32": np.uint32(0xFFEDBEEF)}
INPUTS = ("normal", "uniform", "zero", "peaky", "ramp")
LAYOUTS = ("bshd", "bhsd")


class Shape:
    """Sizes of one launch; tensors are kept as (batch, heads, rows, width)."""

    def __init__(self, batch, q_heads, kv_heads, q_len, kv_len, head_dim, value_dim, causal, layout):
        self.batch, self.q_heads, self.kv_heads = batch, q_heads, kv_heads
        self.q_len, self.kv_len = q_len, kv_len
        self.head_dim, self.value_dim = head_dim, value_dim
        self.causal, self.layout = causal, layout

    def extents(self, tensor):
        heads = self.q_heads if tensor in "qo" else self.kv_heads
        rows = self.q_len if tensor in "qo" else self.kv_len
        width = self.head_dim if tensor in "qk" else self.value_dim
        return heads, rows, width

    def elements(self, tensor):
        heads, rows, width = self.extents(tensor)
        return self.batch * heads * rows * width

    def strides(self, tensor):
        """Element strides of batch, head and row."""
        heads, rows, width = self.extents(tensor)
        if self.layout == "bshd":
            return rows * heads * width, width, heads * width
        return heads * rows * width, rows * width, width

    def values(self, scale, captured):
        """Every value name of the manifest."""
        names = {"batch": self.batch, "q_heads": self.q_heads, "kv_heads": self.kv_heads,
                 "heads_per_kv": self.q_heads // self.kv_heads, "q_len": self.q_len,
                 "kv_len": self.kv_len, "scale": float(scale),
                 "scale_log2e": float(scale) * float(np.log2(np.e)),
                 "lse.stride.batch": self.q_heads * self.q_len, "lse.stride.head": self.q_len}
        for tensor in "qkvo":
            batch, head, row = self.strides(tensor)
            names.update({f"{tensor}.stride.batch": batch, f"{tensor}.stride.head": head,
                          f"{tensor}.stride.row": row})
        for name, value in captured.items():
            names.setdefault(name, value)
        return names

    def to_memory(self, tensor):
        return np.ascontiguousarray(tensor.transpose(0, 2, 1, 3) if self.layout == "bshd" else tensor)

    def from_memory(self, flat, name):
        heads, rows, width = self.extents(name)
        if self.layout == "bshd":
            return flat.reshape(self.batch, rows, heads, width).transpose(0, 2, 1, 3)
        return flat.reshape(self.batch, heads, rows, width)


def encode(values, dtype):
    """float32 -> the 16 bits of a dtype, rounded to nearest even."""
    values = np.asarray(values, np.float32)
    if dtype == "f16":
        return values.astype(np.float16).view(np.uint16)
    bits = values.view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def decode(bits, dtype):
    if dtype == "f16":
        return bits.view(np.float16).astype(np.float64)
    return (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)


def make_inputs(shape, dtype, kind, seed):
    """Bits of q, k, v as (batch, heads, rows, width).

    normal: N(0,1). uniform: [-1,1). zero: all scores equal. peaky: q and k of
    N(0,16), so that a few keys take all the weight. ramp: every element of a row is
    row/rows and each head has its sign, so that a swapped head or row shows.
    """
    generator = np.random.default_rng(seed)
    tensors = {}
    for name in "qkv":
        heads, rows, width = shape.extents(name)
        size = (shape.batch, heads, rows, width)
        if kind == "uniform":
            data = generator.uniform(-1, 1, size)
        elif kind == "zero" and name != "v":
            data = np.zeros(size)
        elif kind == "ramp":
            sign = np.where(np.arange(heads) % 2, -1.0, 1.0)[None, :, None, None]
            data = np.broadcast_to(sign * (np.arange(rows) / rows)[None, None, :, None], size)
        else:
            data = generator.standard_normal(size) * (4 if kind == "peaky" and name != "v" else 1)
        tensors[name] = encode(data, dtype)
    return tensors


def reference(shape, inputs, dtype, scale):
    """Output and natural-log LSE in float64; a row that sees no key: 0 and -inf."""
    query, key, value = (decode(inputs[name], dtype) for name in "qkv")
    output = np.zeros((shape.batch, shape.q_heads, shape.q_len, shape.value_dim))
    lse = np.full((shape.batch, shape.q_heads, shape.q_len), -np.inf)
    group = shape.q_heads // shape.kv_heads
    # Bottom-right: the last query sees the last key.
    last_seen = np.arange(shape.q_len)[:, None] + (shape.kv_len - shape.q_len)
    hidden = (np.arange(shape.kv_len)[None, :] > last_seen) if shape.causal else None
    for batch in range(shape.batch):
        for head in range(shape.q_heads):
            scores = query[batch, head] @ key[batch, head // group].T * scale
            if hidden is not None:
                scores[hidden] = -np.inf
            top = scores.max(axis=1)
            seen = np.isfinite(top)
            weights = np.exp(scores[seen] - top[seen, None])
            total = weights.sum(axis=1)
            output[batch, head, seen] = weights @ value[batch, head // group] / total[:, None]
            lse[batch, head, seen] = top[seen] + np.log(total)
    return output, lse


def errors(actual, expected):
    """Frobenius-relative and maximal absolute error."""
    difference = actual - expected
    norm = np.linalg.norm(expected)
    return float(np.linalg.norm(difference) / (norm if norm else 1.0)), float(np.abs(difference).max())


def lse_error(actual, expected):
    """Largest |difference| / max(1, |expected|); infinities must agree exactly."""
    finite = np.isfinite(expected)
    if not np.array_equal(actual[~finite], expected[~finite]):
        return float("inf")
    if not finite.any():
        return 0.0
    return float((np.abs(actual[finite] - expected[finite]) / np.maximum(1, np.abs(expected[finite]))).max())
