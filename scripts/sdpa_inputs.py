"""The adversarial inputs of docs/inputs.md, on torch's tensors."""

import math

KINDS = ("normal", "zero", "sink", "latesink", "underflow", "maxstair")


def _aim(q, k, scores, reach, scale):
    """Keys j with scores[j] != 0 get that score from every query."""
    a = math.sqrt(reach / scale)
    q[..., 0] = a
    k[..., 0] = (scores * (a / reach)).to(k.dtype)
    k[..., 1:] = k[..., 1:].masked_fill((scores != 0)[:, None], 0)


def _stairs(torch, q, k, scale, keys=64):
    steps = -(-k.shape[2] // keys)
    g = min(8.0, 256 / steps) / scale
    c = 2.0 ** math.floor(math.log2(math.sqrt(g)))
    step = torch.arange(k.shape[2], device=k.device) // keys
    q.mul_(0.5), k.mul_(0.5)
    q[..., 0], q[..., 1] = 16 * g / c, g / c
    k[..., 0], k[..., 1] = ((step // 16) * c).to(k.dtype), ((step % 16) * c).to(k.dtype)


def aim(torch, kind, q, k):
    """Changes normal q and k, [batch, heads, rows, dim], into those of `kind`."""
    scale, keys = q.shape[-1] ** -0.5, k.shape[2]
    at = torch.arange(keys, device=k.device)
    if kind == "zero":
        q.zero_(), k.zero_()
    elif kind in ("sink", "latesink"):
        _aim(q, k, torch.where(at == (0 if kind == "sink" else keys - 1), 20.0, 0.0), 20, scale)
    elif kind == "underflow":
        _aim(q, k, torch.tensor([-200.0, -104.0, -90.0, 0.0], device=k.device)[at % 4], 200, scale)
    elif kind == "maxstair":
        _stairs(torch, q, k, scale)
