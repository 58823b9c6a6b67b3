#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of emulate.py against a device written here, so that no emulator is needed.

The device computes attention from the kernarg bytes alone and can be told to do one
thing wrong; each wrong must be found, and nothing else.
"""
import contextlib
import ctypes
import ctypes.util
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

try:
    import numpy as np
except ModuleNotFoundError:
    print("skipped: no numpy (Debian: python3-numpy)", file=sys.stderr)
    sys.exit(77)

sys.path.insert(0, str(Path(__file__).resolve().parent))
import attention
import emulate
import emulator
import races
from launch_plan import BadInput, Manifest, grid_of, kernarg_of

KERNARG = struct.Struct("<QQQQQiif4x" + "q" * 12 + "i")
DESCRIPTOR_AT = 0x1000040


def manifest_document(**changes):
    document = {
        "format": "attn-jit.manifest.v1", "target": "gfx942:xnack-", "kernel": "attn_fwd",
        "image": {"kind": "hsaco", "file": "k.hsaco"}, "schedule": "s", "dtype": "f16",
        "head_dim": 16, "value_dim": 8, "causal": True, "block": [64, 1, 1],
        "grid": [{"ceil_div": ["q_len", 64]}, {"value": "q_heads"}, {"product": [{"value": "batch"}, {"value": 1}]}],
        "requires": [{"multiple": ["q_heads", "kv_heads"]}], "workspace_bytes": 0, "shared_bytes": 0,
        "arguments": [{"kind": "pointer", "tensor": t} for t in ("q", "k", "v", "o", "lse")]
        + [{"kind": "i32", "value": v} for v in ("q_len", "kv_len")] + [{"kind": "f32", "value": "scale"}]
        + [{"kind": "i64", "value": f"{t}.stride.{d}"} for t in "qkvo" for d in ("batch", "head", "row")]
        + [{"kind": "i32", "value": "heads_per_kv"}],
    }
    document.update(changes)
    return document


class Device:
    """The adapter's functions over a sparse memory; `wrong` names what it does wrong."""

    def __init__(self, wrong=""):
        self.wrong, self.memory, self.grid = wrong, {}, None

    def rj_open(self, configuration, threads):
        self.configuration = json.loads(Path(configuration.decode()).read_bytes())
        if self.wrong == "race":
            report = "RACE type=LDS\nRace on LDS byte 0\nEND_RACE\n"
            Path(os.environ["RJ_SINK_DIR"], "race.log").write_text(report)
        return 1

    def rj_write(self, handle, address, data, size):
        self.memory.update(zip(range(address, address + size), ctypes.string_at(data, size)))

    def rj_read(self, handle, address, data, size):
        assert size % 4 == 0
        ctypes.memmove(data, self.bytes(address, size), size)

    def rj_load(self, handle, path, kernel, base):
        self.store(DESCRIPTOR_AT, struct.pack("<III", 0, 0, 8 if self.wrong == "descriptor" else KERNARG.size))
        return 0 if self.wrong == "kernel" else DESCRIPTOR_AT

    def rj_launch(self, handle, descriptor, grid, block, kernarg, lds, scratch):
        self.grid = list(grid)
        q, k, v, o, lse, q_len, kv_len, scale, *strides, group = KERNARG.unpack(self.bytes(kernarg, KERNARG.size))
        if self.wrong == "scale":
            scale *= 1.01
        for batch in range(grid[2]):
            for head in range(grid[1]):
                query = self.rows(q, strides[0:3], batch, head, q_len, 16)
                key = self.rows(k, strides[3:6], batch, head // group, kv_len, 16)
                value = self.rows(v, strides[6:9], batch, head // group, kv_len, 8)
                for row in range(q_len):
                    if self.wrong == "skip" and row == 3:
                        continue
                    self.store_row(o, lse, strides[9:12], batch, head, row, query, key, value, scale, grid[1])
        if self.wrong == "outside":
            self.store(o - 6, b"\0\0")
        if self.wrong == "input":
            self.store(k, b"\x12\x34")
        return 1 if self.wrong == "status" else 0

    def store_row(self, o, lse, strides, batch, head, row, query, key, value, scale, heads):
        q_len, seen = len(query), len(key) - len(query) + row + 1
        seen += self.wrong == "mask"
        if seen > 0:
            scores = [float(query[row] @ key[j]) * scale for j in range(min(seen, len(key)))]
            weights = np.exp(np.array(scores))
            result, log = weights @ value[:len(scores)] / weights.sum(), np.log(weights.sum())
        else:
            result, log = np.zeros(8), -np.inf
        address = o + 2 * (batch * strides[0] + head * strides[1] + row * strides[2])
        self.store(address, np.asarray(result, np.float16).tobytes())
        if lse:
            self.store(lse + 4 * ((batch * heads + head) * q_len + row), struct.pack("<f", log))

    def rows(self, base, strides, batch, head, count, width):
        starts = [base + 2 * (batch * strides[0] + head * strides[1] + r * strides[2]) for r in range(count)]
        data = b"".join(self.bytes(start, 2 * width) for start in starts)
        return np.frombuffer(data, np.float16).astype(np.float64).reshape(count, width)

    def bytes(self, address, size):
        return bytes(self.memory[a] for a in range(address, address + size))

    def store(self, address, data):
        self.memory.update(zip(range(address, address + len(data)), data))


class EmulateTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        configuration = {"vm": {"gpu": {"device": {}}}, "topology": {"root": {"name": "soc"}}}
        (self.folder / "gfx942_cdna3.json").write_text(json.dumps(configuration))
        environment = {emulator.LIBRARY: "adapter.so", emulator.CONFIGS: str(self.folder)}
        patches = [mock.patch.dict(os.environ, environment), mock.patch.object(emulator, "GUARD_BYTES", 64)]
        for patch in patches:
            patch.start()
            self.addCleanup(patch.stop)
        (self.folder / "k.hsaco").write_bytes(b"\x7fELF")
        self.write(manifest_document())

    def write(self, document):
        text = document if isinstance(document, str) else json.dumps(document)
        (self.folder / "k.hsaco.json").write_text(text)

    def run_it(self, *flags, wrong="", image="k.hsaco"):
        device, out, err = Device(wrong), io.StringIO(), io.StringIO()
        with mock.patch.object(emulator, "load_library", lambda: device), \
                contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = emulate.main([str(self.folder / image), *flags])
        self.device, self.error = device, err.getvalue()
        self.row = json.loads(out.getvalue()) if out.getvalue() else None
        return code

    def test_right_kernel_passes(self):
        for layout in ("bshd", "bhsd"):
            for q_len, kv_len in ((9, 9), (5, 11), (11, 5), (1, 1)):
                flags = ("--batch", "2", "--q-heads", "4", "--kv-heads", "2", "--q-len", str(q_len),
                         "--kv-len", str(kv_len), "--layout", layout, "--lse")
                self.assertEqual(self.run_it(*flags), 0, self.row)
                self.assertEqual(self.row["faults"], [])
                self.assertLess(self.row["lse_error"], 1e-6)
                self.assertEqual(self.device.grid, [1, 4, 2])

    def test_each_wrong_is_found(self):
        for wrong, words in (("scale", "rel_error"), ("mask", "rel_error"), ("skip", "outputs unwritten"),
                             ("outside", "o: 2 bytes before it, the nearest 5 away"), ("input", "input k changed")):
            self.assertEqual(self.run_it("--q-len", "9", "--inputs", "peaky", wrong=wrong), 1, wrong)
            self.assertIn(words, " ".join(self.row["faults"]), wrong)
        self.assertEqual(self.run_it("--q-len", "4", wrong="status"), 1)
        self.assertIn("ended the launch with status 1", self.error)

    def test_unwritten_counts_elements(self):
        self.run_it("--q-len", "9", "--q-heads", "2", wrong="skip")
        self.assertEqual(self.row["unwritten"], 2 * 8)

    def test_races(self):
        self.assertEqual(self.run_it("--q-len", "4", "--race", wrong="race"), 1)
        self.assertEqual((self.row["races"], self.row["spurious_races"]), (1, 0))
        self.assertEqual(self.run_it("--q-len", "4", "--race"), 2)
        self.assertIn("opened no race log", self.error)

    def test_spurious_races_name_no_register(self):
        def report(space, accessing):
            return (f"Race on {space} [workgroup (0, 0, 0), wave 0, lane 0]\n"
                    f"  ==>  0x10  ds_load_b32 v0, v0  ; <-- wave 0\n  ==>  0x18  {accessing}  ; <-- wave 0 lane 0\n")
        for space, accessing, spurious in (
                ("VGPR v0", "v_dual_mov_b32 v30, 0 :: v_dual_mov_b32 v31, 0", True),
                ("VGPR v0", "v_dual_mov_b32 v30, v0 :: v_dual_mov_b32 v31, 0", False),
                ("VGPR v6", "global_store_b128 v[2:3], v[4:7], off", False),
                ("VGPR v8", "global_store_b128 v[2:3], v[4:7], off", True),
                ("LDS byte 0", "v_mov_b32 v1, 0", False), ("SGPR s3", "s_mov_b32 s1, 0", False)):
            self.assertEqual(races.is_spurious(report(space, accessing)), spurious, accessing)
        self.assertFalse(races.is_spurious("Race on VGPR v0\n"))

    def test_bad_input_is_one_line(self):
        changes = {
            "manifest format:": {"format": "v0"}, "manifest image.kind:": {"image": {"kind": "ptx"}},
            "manifest dtype:": {"dtype": "f8"}, "manifest kernel:": {"kernel": ""},
            "manifest head_dim:": {"head_dim": 0}, "manifest value_dim:": {"value_dim": "8"},
            "manifest causal:": {"causal": 1}, "manifest block:": {"block": [64]},
            "manifest grid:": {"grid": [{"value": "q_len"}]}, "manifest arguments: given 7": {"arguments": 7},
            "an entry that is no object": {"arguments": [1]}, "manifest requires:": {"requires": 7},
            "manifest workspace_bytes:": {"workspace_bytes": -1}, "manifest shared_bytes:": {"shared_bytes": 1 << 20},
            "chip:": {"target": "gfx803"}, "allowed: value, ceil_div, product": {"grid": [{"power": 2}] * 3},
            "manifest grid ceil_div:": {"grid": [{"ceil_div": ["q_len", 0]}] * 3},
            "manifest value:": {"grid": [{"value": "nobody"}] * 3},
            "an integer here": {"grid": [{"value": "scale"}] * 3},
            "arguments[0].kind:": {"arguments": [{"kind": "tensor_map"}]},
            "arguments[0].tensor:": {"arguments": [{"kind": "pointer", "tensor": "z"}]},
            "what fits i32": {"arguments": [{"kind": "i32", "value": "4294967296"}]},
            "the image requires aligned": {"requires": [{"aligned": ["q_len", 128]}]},
            "the image requires at_most": {"requires": [{"at_most": ["q_len", 1]}]},
            "the image requires at_least": {"requires": [{"at_least": ["q_len", 1 << 40]}]},
            "the image requires equal": {"requires": [{"equal": ["q_len", 1 << 40]}]},
            "the image requires pointer_aligned": {"requires": [{"pointer_aligned": ["q", 1 << 40]}]},
            "given 'odd'": {"requires": [{"odd": ["q_len", 1]}]},
        }
        for words, change in changes.items():
            self.write(manifest_document(**change))
            self.assertEqual(self.run_it("--q-len", "4"), 2, words)
            self.assertIn(words, self.error)
            self.assertEqual(self.error.count("\n"), 1, self.error)
        for text, words in (("{", "not JSON"), ("[]", "not a JSON object"), ("[" * 100000, "not JSON")):
            self.write(text)
            self.assertEqual(self.run_it(), 2)
            self.assertIn(words, self.error)

    def test_bad_flags_are_one_line(self):
        for words, flags in {"--kv-heads:": ("--q-heads", "3", "--kv-heads", "2"), "--q-len": ("--q-len", "0"), "given 'x', allowed: an integer": ("--batch", "x"),
                             "--layout": ("--layout", "hsbd"), "--seed:": ("--seed", "-1"),
                             "--scalar:": ("--scalar", "cap"), "unrecognized": ("--wrong",),
                             "shape: q takes": ("--q-len", "100000000")}.items():
            self.assertEqual(self.run_it(*flags), 2, words)
            self.assertIn(words, self.error)
            self.assertEqual(self.error.count("\n"), 1, self.error)
        self.write(manifest_document(arguments=manifest_document()["arguments"][:4]))
        self.assertEqual(self.run_it("--lse"), 2)
        self.assertIn("has no lse argument", self.error)

    def test_bad_files(self):
        self.assertEqual(self.run_it(image="none.hsaco"), 2)
        self.assertEqual(self.run_it(image="k.hsaco.json"), 2)
        for wrong, words in (("kernel", "has no kernel"), ("descriptor", "descriptor says 8")):
            self.assertEqual(self.run_it("--q-len", "4", wrong=wrong), 2)
            self.assertIn(words, self.error)
        (self.folder / "k.hsaco").write_bytes(b"MZ")
        self.assertEqual(self.run_it(), 2)
        self.assertIn("not an ELF", self.error)

    def test_absent_and_broken_emulator(self):
        for name, code, words in ((None, 77, "skipped: no emulator"), (str(self.folder / "no.so"), 2, "cannot load"),
                                  (ctypes.util.find_library("c") or "libc.so.6", 2, "has no function rj_open")):
            err = io.StringIO()
            with mock.patch.dict(os.environ, {emulator.LIBRARY: name or ""}), contextlib.redirect_stderr(err):
                self.assertEqual(emulate.main([str(self.folder / "k.hsaco")]), code)
            self.assertIn(words, err.getvalue())
        (self.folder / "gfx942_cdna3.json").write_text("{}")
        self.assertEqual(self.run_it(), 2)
        self.assertIn("cannot read", self.error)

    def test_watchdog_ends_the_process(self):
        program = ("import sys, tempfile, time; sys.path.insert(0, sys.argv[1]); import emulate\n"
                   "folder = tempfile.TemporaryDirectory(dir=sys.argv[2])\n"
                   "with emulate.Watchdog(0.1, folder, 'k'): time.sleep(30)")
        scratch = self.folder / "scratch"
        scratch.mkdir()
        done = subprocess.run([sys.executable, "-c", program, str(Path(emulate.__file__).parent), str(scratch)],
                              stderr=subprocess.PIPE, text=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("k: not finished after 0.1 s", done.stderr)
        self.assertEqual(list(scratch.iterdir()), [])

    def test_kernarg_alignment(self):
        manifest = Manifest(self.folder / "k.hsaco.json")
        manifest.arguments = [{"kind": "i32", "value": "7"}, {"kind": "pointer", "tensor": "q"},
                              {"kind": "f32", "value": "scale_log2e"}, {"kind": "f64", "value": "cap"}]
        block = kernarg_of(manifest, {"scale_log2e": 0.5, "cap": 30.0}, {"q": 0x123456789A})
        self.assertEqual(block, struct.pack("<i4xQf4xd", 7, 0x123456789A, 0.5, 30.0))

    def test_bf16_rounds_to_nearest_even(self):
        bits = attention.encode(np.array([1.0, 1 + 2**-8, 1 + 3 * 2**-8, -2.0], np.float32), "bf16")
        self.assertEqual([hex(b) for b in bits], ["0x3f80", "0x3f80", "0x3f82", "0xc000"])
        self.assertEqual(list(attention.decode(bits, "bf16")), [1.0, 1.0, 1 + 2**-6, -2.0])


if __name__ == "__main__":
    unittest.main()
