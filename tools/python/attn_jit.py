# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The C interface (attn_jit.h) by ctypes: kernels on a process's own tensors and stream.

    engine = attn_jit.Engine("libattn-jit.so", "cuda:0")
    kernel = engine.kernel(head_dim=128, dtype="bf16", causal=True)
    kernel.launch(q, k, v, out, stream=torch.cuda.current_stream().cuda_stream)

Tensors are [batch, heads, rows, dim] in any strides: torch's, or numpy's. Nothing is copied, and nothing
keeps them alive: they outlive the launch.
"""

import ctypes as c
import json


class AttnJitError(RuntimeError):
    """One line, as attn-jit prints it."""


class _Description(c.Structure):
    _fields_ = [("size", c.c_size_t), ("head_dim", c.c_int64), ("value_dim", c.c_int64)]
    _fields_ += [(name, c.c_char_p) for name in ("dtype", "layout", "align")]
    _fields_ += [("causal", c.c_int32), ("lse", c.c_int32)]
    _fields_ += [(name, c.c_char_p) for name in ("score", "mask", "module", "schedule")]
    _fields_ += [("alignment", c.c_int64)]


class _Tensor(c.Structure):
    _fields_ = [("address", c.c_uint64), ("strides", c.c_int64 * 4)]


class _Call(c.Structure):
    _fields_ = [("size", c.c_size_t)]
    _fields_ += [(name, c.c_int64) for name in ("batch", "q_heads", "kv_heads", "q_len", "kv_len")]
    _fields_ += [("scale", c.c_double)]
    _fields_ += [(name, _Tensor) for name in ("q", "k", "v", "o", "lse")]
    _fields_ += [("workspace", c.c_uint64), ("workspace_bytes", c.c_int64)]
    _fields_ += [("captured_names", c.POINTER(c.c_char_p)), ("captured_values", c.POINTER(c.c_double))]
    _fields_ += [("captured_count", c.c_int64)]


def _view(tensor):
    if tensor is None:
        return _Tensor()
    if hasattr(tensor, "data_ptr"):
        address, strides = tensor.data_ptr(), tensor.stride()
    else:
        address, strides = tensor.ctypes.data, [s // tensor.itemsize for s in tensor.strides]
    return _Tensor(address, (c.c_int64 * 4)(*strides))


class Engine:
    """A device ("auto", "cuda:0", "hip:0", "cpu") and the kernels compiled for it."""

    def __init__(self, library, device="auto"):
        self._lib = c.CDLL(library)
        self._lib.attn_jit_last_error.restype = c.c_char_p
        self._lib.attn_jit_kernel_manifest.restype = c.c_char_p
        self._handle = c.c_void_p()
        self._check(self._lib.attn_jit_engine_open(device.encode(), c.byref(self._handle)))

    def _check(self, code):
        if code:
            raise AttnJitError(self._lib.attn_jit_last_error().decode())

    def kernel(self, head_dim, **fields):
        """Compiles, or finds: the fields are those of attn_jit_description."""
        texts = {name: value.encode() if isinstance(value, str) else value for name, value in fields.items()}
        description = _Description(size=c.sizeof(_Description), head_dim=head_dim, **texts)
        handle = c.c_void_p()
        self._check(self._lib.attn_jit_kernel_create(self._handle, c.byref(description), c.byref(handle)))
        return Kernel(self, handle)


class Kernel:
    def __init__(self, engine, handle):
        self._engine, self._handle = engine, handle
        self.manifest = json.loads(engine._lib.attn_jit_kernel_manifest(handle))

    def bind(self, q, k, v, out, lse=None, scale=None, captured=None):
        """A function of a stream that launches on these tensors, as often as it is called."""
        captured = captured or {}
        names = (c.c_char_p * len(captured))(*[name.encode() for name in captured])
        values = (c.c_double * len(captured))(*captured.values())
        call = _Call(c.sizeof(_Call), q.shape[0], q.shape[1], k.shape[1], q.shape[2], k.shape[2],
                     q.shape[3] ** -0.5 if scale is None else scale,
                     *(_view(t) for t in (q, k, v, out)))
        if lse is not None:
            call.lse = _view(lse[..., None])
        call.captured_names, call.captured_values = names, values
        call.captured_count = len(captured)
        launch, check = self._engine._lib.attn_jit_kernel_launch, self._engine._check
        return lambda stream=0: check(launch(self._handle, c.byref(call), c.c_void_p(stream)))

    def launch(self, q, k, v, out, stream=0, **arguments):
        self.bind(q, k, v, out, **arguments)(stream)
