"""python_binding.py MODULE_FOLDER LIBRARY: refusals and lifetimes of tools/python/attn_jit.py."""

import gc
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
import attn_jit


def made(*shape, dtype=np.float32):
    return np.ones(shape, dtype)


def refuses(text, call, kind=ValueError):
    try:
        call()
    except kind as error:
        assert text in str(error) and "\n" not in str(error), error
    else:
        raise AssertionError(f"accepted, and not: {text}")


def check(engine):
    kernel = engine.kernel(head_dim=32, value_dim=16, dtype="f32")
    tensors = {"q": made(2, 4, 5, 32), "k": made(2, 2, 7, 32), "v": made(2, 2, 7, 16), "out": made(2, 4, 5, 16) * 0}

    def refused(text, **other):
        refuses(text, lambda: kernel.launch(**{**tensors, **other}))

    kernel.launch(**tensors)
    assert np.allclose(tensors["out"], 1)
    refused("q.shape: [2, 4, 5, 64] given, allowed: [2, 4, 5, 32]", q=made(2, 4, 5, 64))
    refused("q.shape: [5, 32] given", q=made(5, 32))
    refused("k.shape: [1, 2, 7, 32] given, allowed: [2, 2, 7, 32]", k=made(1, 2, 7, 32))
    refused("k.shape: [7, 32] given", k=made(7, 32))
    refused("v.shape: [2, 2, 6, 16] given, allowed: [2, 2, 7, 16]", v=made(2, 2, 6, 16))
    refused("v.shape: [2, 1, 7, 16] given", v=made(2, 1, 7, 16))
    refused("out.shape: [2, 4, 5, 32] given, allowed: [2, 4, 5, 16]", out=made(2, 4, 5, 32))
    refused("k.dtype: float16 given, allowed: f32", k=made(2, 2, 7, 32, dtype=np.float16))
    refused("v.dtype: int32 given, allowed: f32", v=made(2, 2, 7, 16, dtype=np.int32))
    refused("q.strides: [640, 160, 1, 5] given, allowed: 1 for the last", q=made(2, 4, 32, 5).transpose(0, 1, 3, 2))
    refused("k.strides: [448, 224, -32, 1] given, allowed: whole elements", k=made(2, 2, 7, 32)[:, :, ::-1])
    refused("out: a read-only array given", out=np.broadcast_to(np.float32(0), (2, 4, 5, 16)))
    refused("lse: a tensor given, allowed: none", lse=made(2, 4, 5))
    refused("workspace.shape: [2, 4] given, allowed: one dimension of bytes", workspace=made(2, 4, dtype=np.uint8))
    refused("workspace.dtype: float32 given, allowed: uint8", workspace=made(4))
    kernel.launch(**tensors, workspace=made(4, dtype=np.uint8))  # one that needs none
    refused("captured: w given, allowed: none", captured={"w": 1})
    refuses("scale: 0 given", lambda: kernel.launch(**tensors, scale=0), attn_jit.AttnJitError)
    # Strides of inputs may be anything else: one key for all rows, heads between rows.
    kernel.launch(**{**tensors, "k": np.broadcast_to(made(1, 1, 1, 32), (2, 2, 7, 32)),
                     "q": made(2, 5, 4, 32).transpose(0, 2, 1, 3)})

    with engine.kernel(head_dim=32, value_dim=16, dtype="f32", lse=1, softcap=3.0) as other:
        lse = made(2, 4, 5)
        other.launch(**tensors, lse=lse)
        capped = 3 * np.tanh(32**0.5 / 3)
        assert np.allclose(lse, capped + np.log(7), atol=1e-5), lse
        refuses("lse.strides: [20, 1, 4] given, allowed: 1 for the last",
                lambda: other.launch(**tensors, lse=made(2, 5, 4).transpose(0, 2, 1)))
        refuses("lse.dtype: float64 given, allowed: f32",
                lambda: other.launch(**tensors, lse=made(2, 4, 5, dtype=np.float64)))
        refuses("lse.shape: [2, 4, 6] given", lambda: other.launch(**tensors, lse=made(2, 4, 6)))
        bound = other.bind(**tensors)
        refuses("scale: 0 given", lambda: other.bind(**tensors, scale=0), attn_jit.AttnJitError)
    refuses("kernel: a closed one given", lambda: other.bind(**tensors))
    tensors["out"][:] = np.nan
    bound(), bound()  # outlives its kernel
    assert not np.isnan(tensors["out"]).any()
    bound.close()
    refuses("bound: a closed one given", bound)
    other.close()  # once more is no harm
    refuses("kernel: casual given, allowed: value_dim", lambda: engine.kernel(head_dim=32, casual=True))
    refuses("head_dim: 20 given", lambda: engine.kernel(head_dim=20), attn_jit.AttnJitError)
    for size in ("kv_len", "batch", "q_heads", "q_len"):
        refuses(f"{size}: -1 given", lambda: engine.kernel(head_dim=32, **{size: -1}), attn_jit.AttnJitError)
    refuses("target: 'sm_1' given", lambda: engine.kernel(head_dim=32, target="sm_1"), attn_jit.AttnJitError)
    engine.kernel(head_dim=32, target="cpu", batch_invariant=1)
    engine.kernel(head_dim=32, value_dim=16, dtype="f32", precision="ieee")
    refuses("precision: tf32 given, allowed on cpu: ieee",
            lambda: engine.kernel(head_dim=32, dtype="f32", precision="tf32"), attn_jit.AttnJitError)
    return kernel, tensors


frees = []


def counted(name):
    free = getattr(attn_jit.c.CDLL(sys.argv[2]), name)

    def count(handle):
        frees.append(name)
        free(handle)

    return count


with attn_jit.Engine(sys.argv[2], "cpu") as engine:
    kernel, tensors = check(engine)
refuses("engine: a closed one given", lambda: engine.kernel(head_dim=32))
kernel.launch(**tensors)  # a kernel outlives its engine
kernel._free = counted("attn_jit_kernel_free")
del kernel
gc.collect()
assert frees == ["attn_jit_kernel_free"], frees
refuses("device: ", lambda: attn_jit.Engine(sys.argv[2], "cuda:99"), attn_jit.AttnJitError)
