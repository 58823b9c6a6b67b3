"""Our kernel on a torch process's own tensors and stream, by ctypes (numpy where torch is absent).

    forward.py LIBRARY [cpu|cuda]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
import attn_jit

device = (sys.argv + ["cpu"])[2]
try:
    import torch

    q, k, v = (torch.randn(2, 4, 300, 64, device=device) for _ in "qkv")  # batch, head, row, dim
    q, k, v = (t.half() if device == "cuda" else t for t in (q, k, v))
    out, dtype = torch.empty_like(q), str(q.dtype)
    stream = torch.cuda.current_stream().cuda_stream if device == "cuda" else 0
    reference = lambda: torch.nn.functional.scaled_dot_product_attention(q.double(), k.double(), v.double())
except ImportError:
    import numpy as np

    q, k, v = (np.random.default_rng(i).normal(size=(2, 4, 300, 64)).astype(np.float32) for i in range(3))
    out, dtype, stream = np.empty_like(q), "f32", 0
    weights = np.exp(np.einsum("bhqd,bhkd->bhqk", q, k, dtype=np.float64) / 8)
    reference = lambda: np.einsum("bhqk,bhkd->bhqd", weights / weights.sum(-1, keepdims=True), v)

try:
    kernel = attn_jit.Engine(sys.argv[1], device).kernel(head_dim=64, dtype=dtype)
    kernel.launch(q, k, v, out, stream=stream)
except attn_jit.AttnJitError as error:
    sys.exit(str(error))
error = float(abs(out - reference()).max())
print(f"largest difference from the reference in double precision: {error:.1e}")
sys.exit(error > 5e-3)
