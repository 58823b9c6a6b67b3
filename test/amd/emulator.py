# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One launch of one kernel on an AMD emulator behind a small C ABI (README.md lists it).

Every buffer lies between guards whose bytes are NaN in every type: a read beyond a
buffer poisons the result, a write beyond it is found afterwards.
"""
import ctypes
import json
import os
import struct
import time
from pathlib import Path

import numpy as np

from launch_plan import BadInput

LIBRARY = "ATTN_JIT_AMD_EMULATOR"
CONFIGS = "ATTN_JIT_AMD_EMULATOR_CONFIGS"
# chip -> (configuration file of the emulator, what is changed in it)
CHIPS = {
    "gfx90a": ("gfx942_cdna3.json", {"arch": "cdna2", "gfx_target_version": 90010}),
    "gfx942": ("gfx942_cdna3.json", {}),
    "gfx950": ("gfx950_cdna4.json", {}),
    "gfx1100": ("gfx1100_w7900.json", {}),
    "gfx1201": ("gfx1201_r9700.json", {}),
}
CODE, KERNARG, BUFFERS = 0x1000000, 0x8000000, 0x10000000
GUARD_BYTES, GUARD = 1 << 16, 0xFF
DESCRIPTOR = struct.Struct("<III")  # LDS, scratch per lane, kernarg bytes

_pointer, _u64, _u32 = ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint32
ABI = {
    "rj_open": (_pointer, [ctypes.c_char_p, ctypes.c_int]),
    "rj_write": (None, [_pointer, _u64, _pointer, _u64]),
    "rj_read": (None, [_pointer, _u64, _pointer, _u64]),
    "rj_load": (_u64, [_pointer, ctypes.c_char_p, ctypes.c_char_p, _u64]),
    "rj_launch": (ctypes.c_int, [_pointer, _u64, ctypes.POINTER(_u32), ctypes.POINTER(ctypes.c_uint16),
                                 _u64, _u32, _u32]),
}


def available():
    """Whether both variables are set; set but wrong is bad input, not absence."""
    return bool(os.environ.get(LIBRARY)) and bool(os.environ.get(CONFIGS))


def load_library():
    path = os.environ[LIBRARY]
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise BadInput(f"{LIBRARY}: cannot load {path!r} ({error})") from error
    for name, (result, arguments) in ABI.items():
        if not hasattr(library, name):
            raise BadInput(f"{LIBRARY}: {path!r} has no function {name}, README.md lists the ABI")
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    if hasattr(library, "rj_close"):
        library.rj_close.restype, library.rj_close.argtypes = None, [_pointer]
    return library


def _keep_one_engine(topology):
    """Leaves one shader engine of the first die.

    Dispatch goes there alone, and the registers of a whole device are about 1 GiB to clear.
    """
    def shrink(component):
        for kind in ("xcd", "se"):
            if component["name"].startswith(kind + "[0:"):
                component["name"] = kind + "[0:1]"
        for child in component.get("children", []):
            shrink(child)

    shrink(topology["root"])
    for link in topology.get("links", []):
        for entry in link["for_ranges"]:
            if any(f"{kind}[{entry['var_name']}]" in link["pattern"] for kind in ("xcd", "se")):
                entry["end"] = 1


def write_configuration(chip, folder):
    """The emulator's configuration of a chip, made small and without its tick limit."""
    name, changes = CHIPS[chip]
    source = Path(os.environ[CONFIGS]) / name
    try:
        configuration = json.loads(source.read_bytes())
        _keep_one_engine(configuration["topology"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{CONFIGS}: cannot read {source} ({error})") from error
    configuration["max_ticks"] = 1 << 40
    if changes:
        configuration["vm"]["arch"] = changes["arch"]
        configuration["vm"]["gpu"]["device"]["gfx_target_version"] = changes["gfx_target_version"]
    target = Path(folder) / f"{chip}.json"
    target.write_text(json.dumps(configuration))
    return target


class Simulator:
    """One simulated device: place buffers, load, launch once, read back."""

    def __init__(self, library, chip, folder):
        self.library = library
        self.next_address = BUFFERS
        self.buffers = {}
        self.handle = library.rj_open(str(write_configuration(chip, folder)).encode(), 1)
        if not self.handle:
            raise BadInput(f"{CONFIGS}: the emulator refuses the configuration of {chip}")

    def close(self):
        # Optional in the ABI: without it a simulator lives as long as the process.
        if self.handle and hasattr(self.library, "rj_close"):
            self.library.rj_close(self.handle)
        self.handle = None

    def _write(self, address, data):
        data = np.ascontiguousarray(data)
        self.library.rj_write(self.handle, address, data.ctypes.data, data.nbytes)

    def _read(self, address, size):
        # The emulator reads words of four bytes.
        data = np.empty(-(-size // 4) * 4, np.uint8)
        self.library.rj_read(self.handle, address, data.ctypes.data, data.nbytes)
        return data

    def place(self, name, array):
        """Copies an array between two guards; returns its device address."""
        size = -(-array.nbytes // 4) * 4
        image = np.full(GUARD_BYTES * 2 + size, GUARD, np.uint8)
        image[GUARD_BYTES:GUARD_BYTES + array.nbytes] = np.ascontiguousarray(array).view(np.uint8).ravel()
        address = self.next_address + GUARD_BYTES
        self._write(self.next_address, image)
        self.next_address += -(-image.nbytes // 0x10000) * 0x10000
        self.buffers[name] = (address, array.nbytes, array.dtype)
        return address

    def fetch(self, name):
        address, size, dtype = self.buffers[name]
        return self._read(address, size)[:size].view(dtype)

    def broken_guards(self):
        """Names of buffers with a changed byte before or after them."""
        broken = []
        for name, (address, size, _) in self.buffers.items():
            end = -(-size // 4) * 4
            image = self._read(address - GUARD_BYTES, GUARD_BYTES * 2 + end)
            for side, part in (("before", image[:GUARD_BYTES]), ("after", image[GUARD_BYTES + size:])):
                changed = np.flatnonzero(part != GUARD)
                if changed.size:
                    distance = GUARD_BYTES - changed[-1] if side == "before" else changed[0]
                    broken.append(f"{name}: {changed.size} bytes {side} it, the nearest {distance} away")
        return broken

    def load(self, image, kernel):
        """Loads a code object; returns (descriptor address, its resources)."""
        address = self.library.rj_load(self.handle, str(image).encode(), kernel.encode(), CODE)
        if not address:
            raise BadInput(f"image {image}: has no kernel {kernel!r}")
        lds, scratch, kernarg = DESCRIPTOR.unpack(self._read(address, DESCRIPTOR.size).tobytes())
        return address, {"lds_bytes": lds, "scratch_bytes": scratch, "kernarg_bytes": kernarg}

    def launch(self, descriptor, grid, block, kernarg, shared_bytes, scratch_bytes):
        """Runs the grid to its end; returns wall seconds."""
        # Room for hidden arguments, which read as zero.
        self._write(KERNARG, np.frombuffer(kernarg.ljust(8192, b"\0"), np.uint8))
        started = time.perf_counter()
        status = self.library.rj_launch(self.handle, descriptor, (_u32 * 3)(*grid),
                                        (ctypes.c_uint16 * 3)(*block), KERNARG, shared_bytes, scratch_bytes)
        seconds = time.perf_counter() - started
        if status != 0:
            raise RuntimeError(f"the emulator ended the launch with status {status}")
        return seconds
