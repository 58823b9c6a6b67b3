# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The C interface (attn_jit.h) by ctypes: kernels on a process's own tensors and stream.

    engine = attn_jit.Engine("libattn-jit.so", "cuda:0")
    kernel = engine.kernel(head_dim=128, dtype="bf16", causal=True)
    kernel.launch(q, k, v, out, stream=torch.cuda.current_stream().cuda_stream)

Tensors are [batch, heads, rows, dim] in any strides: torch's, or numpy's. Nothing is copied, and nothing
keeps them alive: they outlive the launch. Engines and kernels are given back by close(), at the end of a
`with` block, or with their last reference; a kernel's work on a stream is to be done by then.
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
    _fields_ += [("alignment", c.c_int64), ("softcap", c.c_double), ("kv_len", c.c_int64), ("target", c.c_char_p)]
    _fields_ += [(name, c.c_int64) for name in ("batch", "q_heads", "q_len")]
    _fields_ += [("batch_invariant", c.c_int32), ("precision", c.c_char_p), ("kv_heads", c.c_int64)]


class _EngineOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("pin", c.c_char_p), ("no_store", c.c_int32), ("must_be_cached", c.c_int32)]
    _fields_ += [("tune", c.c_char_p)]


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


_DTYPES = {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}


def _refuse(field, given, allowed):
    raise ValueError(f"{field}: {given} given, allowed: {allowed}")


def _view(name, tensor, shape, dtype, on_gpu, written=False):
    """Address and strides in elements of a tensor that a kernel of this shape and dtype may touch."""
    if tuple(tensor.shape) != shape:
        _refuse(f"{name}.shape", list(tensor.shape), list(shape))
    own = str(tensor.dtype).removeprefix("torch.")
    if _DTYPES.get(own, own) != dtype:
        _refuse(f"{name}.dtype", own, dtype)
    if hasattr(tensor, "data_ptr"):
        address, strides, place = tensor.data_ptr(), list(tensor.stride()), tensor.device.type
    else:
        address, place, size = tensor.ctypes.data, "cpu", tensor.itemsize
        strides = [s // size if s % size == 0 else s / size for s in tensor.strides]
        if written and not tensor.flags.writeable:
            _refuse(name, "a read-only array", "one that can be written")
    if (place != "cpu") != on_gpu:
        _refuse(f"{name}.device", place, "cuda" if on_gpu else "cpu")
    # The stride of a dimension of one element is never used.
    strides = [s if n > 1 else 0 for n, s in zip(shape, strides)]
    if any(s != int(s) or s < (1 if written and n > 1 else 0) for n, s in zip(shape, strides)):
        _refuse(f"{name}.strides", strides, f"whole elements, {'above' if written else 'at least'} 0")
    if shape[-1] > 1 and strides[-1] != 1:
        _refuse(f"{name}.strides", strides, "1 for the last dimension")
    return _Tensor(address, (c.c_int64 * 4)(*map(int, strides[:3]), 1))


class _Handle:
    """What the library made, until close()."""

    def __init__(self, library, free):
        self._lib, self._free, self._handle = library, getattr(library, free), c.c_void_p()

    def close(self):
        handle, self._handle = getattr(self, "_handle", None), None
        if handle:
            self._free(handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    __del__ = close

    def _open(self):
        if not self._handle:
            raise ValueError(f"{type(self).__name__.lower()}: a closed one given, allowed: one before close()")
        return self._handle

    def _check(self, code):
        if code:
            raise AttnJitError(self._lib.attn_jit_last_error().decode())


class Engine(_Handle):
    """A device ("auto", "cuda:0", "hip:0", "cpu") and the kernels compiled for it.

    pin: a file of attn-jit tune --pin; no_store, must_be_cached: as bench's --no-cache and --assert-cached;
    tune: "background" has kernels tuned beside this process, "off"; None: ATTN_JIT_TUNE's. What is found serves
    later calls of kernel(); a kernel stays what it is."""

    def __init__(self, library, device="auto", pin=None, no_store=False, must_be_cached=False, tune=None):
        library = c.CDLL(library)
        library.attn_jit_last_error.restype = c.c_char_p
        library.attn_jit_kernel_manifest.restype = c.c_char_p
        super().__init__(library, "attn_jit_engine_close")
        options = _EngineOptions(
            c.sizeof(_EngineOptions), pin and pin.encode(), no_store, must_be_cached, tune and tune.encode())
        self._check(library.attn_jit_engine_open_with(device.encode(), c.byref(options), c.byref(self._handle)))

    def kernel(self, head_dim, **fields):
        """Compiles, or finds: the fields are those of attn_jit_description."""
        known = [name for name, _ in _Description._fields_[2:]]
        for name in fields:
            if name not in known:
                _refuse("kernel", name, ", ".join(known))
        texts = {name: value.encode() if isinstance(value, str) else value for name, value in fields.items()}
        description = _Description(size=c.sizeof(_Description), head_dim=head_dim, **texts)
        return Kernel(self, description)


class Kernel(_Handle):
    """May outlive its engine."""

    def __init__(self, engine, description):
        super().__init__(engine._lib, "attn_jit_kernel_free")
        create = self._lib.attn_jit_kernel_create
        self._check(create(engine._open(), c.byref(description), c.byref(self._handle)))
        self.manifest = json.loads(self._lib.attn_jit_kernel_manifest(self._handle))

    def bind(self, *tensors, **arguments):
        """A function of a stream that makes the launch() of these arguments, as often as it is called."""
        return Bound(self, self._call(*tensors, **arguments))

    def launch(self, q, k, v, out, stream=0, **arguments):
        call = self._call(q, k, v, out, **arguments)
        self._check(self._lib.attn_jit_kernel_launch(self._open(), c.byref(call), c.c_void_p(stream)))

    def _call(self, q, k, v, out, lse=None, scale=None, captured=None, workspace=None):
        made, captured = self.manifest, captured or {}
        reads = {argument.get("tensor") for argument in made["arguments"]}
        if lse is not None and "lse" not in reads:
            _refuse("lse", "a tensor", "none (the kernel was made without lse)")
        for name in captured:
            if name not in made.get("captured", []):
                _refuse("captured", name, ", ".join(made.get("captured", [])) or "none")
        dim, value_dim, dtype, on_gpu = made["head_dim"], made["value_dim"], made["dtype"], made["target"] != "cpu"
        rows, keys = tuple(q.shape[:3]), (*q.shape[:1], *k.shape[1:3])
        views = [_view("q", q, (*rows, dim), dtype, on_gpu), _view("k", k, (*keys, dim), dtype, on_gpu),
                 _view("v", v, (*keys, value_dim), dtype, on_gpu),
                 _view("out", out, (*rows, value_dim), dtype, on_gpu, written=True)]
        call = _Call(c.sizeof(_Call), rows[0], rows[1], keys[1], rows[2], keys[2],
                     dim**-0.5 if scale is None else scale, *views)
        if lse is not None:
            call.lse = _view("lse", lse, rows, "f32", on_gpu, written=True)
        if workspace is not None:
            if len(workspace.shape) != 1:
                _refuse("workspace.shape", list(workspace.shape), "one dimension of bytes")
            view = _view("workspace", workspace, tuple(workspace.shape), "uint8", on_gpu, written=True)
            call.workspace, call.workspace_bytes = view.address, workspace.shape[0]
        call.captured_names = (c.c_char_p * len(captured))(*[name.encode() for name in captured])
        call.captured_values = (c.c_double * len(captured))(*captured.values())
        call.captured_count = len(captured)
        return call


class Bound(_Handle):
    """May outlive its kernel."""

    def __init__(self, kernel, call):
        super().__init__(kernel._lib, "attn_jit_bound_free")
        self._check(self._lib.attn_jit_kernel_bind(kernel._open(), c.byref(call), c.byref(self._handle)))
        self._launch = self._lib.attn_jit_bound_launch

    def __call__(self, stream=0):
        code = self._launch(self._open(), c.c_void_p(stream))
        if code:
            self._check(code)
