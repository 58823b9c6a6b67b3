"""Our kernel on a torch process's own tensors and stream, by ctypes (numpy where torch is absent).

    forward.py LIBRARY [cpu|cuda]
"""

import ctypes as c
import sys


class Description(c.Structure):
    _fields_ = [("size", c.c_size_t), ("head_dim", c.c_int64), ("value_dim", c.c_int64)]
    _fields_ += [(name, c.c_char_p) for name in ("dtype", "layout", "align")]
    _fields_ += [("causal", c.c_int32), ("lse", c.c_int32)]
    _fields_ += [(name, c.c_char_p) for name in ("score", "mask", "module", "schedule")]
    _fields_ += [("alignment", c.c_int64)]


class Tensor(c.Structure):
    _fields_ = [("address", c.c_uint64), ("strides", c.c_int64 * 4)]  # batch, head, row, dim


class Call(c.Structure):
    _fields_ = [("size", c.c_size_t)]
    _fields_ += [(name, c.c_int64) for name in ("batch", "q_heads", "kv_heads", "q_len", "kv_len")]
    _fields_ += [("scale", c.c_double)] + [(name, Tensor) for name in ("q", "k", "v", "o", "lse")]
    _fields_ += [("workspace", c.c_uint64), ("workspace_bytes", c.c_int64)]


lib = c.CDLL(sys.argv[1])
lib.attn_jit_last_error.restype = c.c_char_p
device = (sys.argv + ["cpu"])[2]
try:
    import torch

    q, k, v = (torch.randn(2, 4, 300, 64, device=device) for _ in "qkv")  # batch, head, row, dim
    q, k, v = (t.half() if device == "cuda" else t for t in (q, k, v))
    out, dtype = torch.empty_like(q), str(q.dtype).encode()
    view = lambda t: Tensor(t.data_ptr(), (c.c_int64 * 4)(*t.stride()))
    stream = torch.cuda.current_stream().cuda_stream if device == "cuda" else None
    reference = lambda: torch.nn.functional.scaled_dot_product_attention(q.double(), k.double(), v.double())
except ImportError:
    import numpy as np

    q, k, v = (np.random.default_rng(i).normal(size=(2, 4, 300, 64)).astype(np.float32) for i in range(3))
    out, dtype, stream = np.empty_like(q), b"f32", None
    view = lambda t: Tensor(t.ctypes.data, (c.c_int64 * 4)(*(s // t.itemsize for s in t.strides)))
    weights = np.exp(np.einsum("bhqd,bhkd->bhqk", q, k, dtype=np.float64) / 8)
    reference = lambda: np.einsum("bhqk,bhkd->bhqd", weights / weights.sum(-1, keepdims=True), v)

engine = c.c_void_p()
what = Description(size=c.sizeof(Description), head_dim=64, dtype=dtype)
call = Call(c.sizeof(Call), 2, 4, 4, 300, 300, 64**-0.5, view(q), view(k), view(v), view(out))
if lib.attn_jit_engine_open(device.encode(), c.byref(engine)) or lib.attn_jit_forward(
    engine, c.byref(what), c.byref(call), c.c_void_p(stream)
):
    sys.exit(lib.attn_jit_last_error().decode())
error = float(abs(out - reference()).max())
print(f"largest difference from the reference in double precision: {error:.1e}")
sys.exit(error > 5e-3)
