#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs attn-jit HSACO images on an AMD emulator and checks them against float64.

One JSON line an image goes to standard output, everything else to standard error.
Exit code: 0 right, 1 wrong, 2 bad input, 77 skipped because there is no emulator.
"""
import argparse
import json
import math
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

from launch_plan import BadInput, Manifest, check_requires, grid_of, kernarg_of
from races import read_reports

RIGHT, WRONG, BAD_INPUT, SKIPPED = 0, 1, 2, 77
TOLERANCE = {"f16": 1e-3, "bf16": 5e-3}
# An elementwise bound beside the norm, as a multiple of tolerance * max|reference|.
ELEMENT_FACTOR = 4
MAX_TENSOR_BYTES = 256 << 20


class Arguments(argparse.ArgumentParser):
    def error(self, message):
        raise BadInput(message)


def positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"given {text!r}, allowed: an integer of 1 or more")
    return int(text)


def parse_command_line(argv):
    parser = Arguments(prog="emulate.py", description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="+", metavar="IMAGE.hsaco", help="its manifest is IMAGE.hsaco.json beside it")
    for flag, default in (("batch", 1), ("q-heads", 2), ("kv-heads", None), ("q-len", 128), ("kv-len", None)):
        parser.add_argument(f"--{flag}", type=positive, default=default, metavar="N")
    parser.add_argument("--layout", choices=("bshd", "bhsd"), default="bshd")
    parser.add_argument("--inputs", choices=("normal", "uniform", "zero", "peaky", "ramp"), default="normal")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--scale", type=float, help="default: 1 / sqrt(head_dim)")
    parser.add_argument("--scalar", action="append", default=[], metavar="NAME=VALUE", help="a captured scalar")
    parser.add_argument("--lse", action="store_true", help="pass an LSE buffer and check it")
    parser.add_argument("--race", action="store_true", help="set RJ_RACE=1: report missing barriers and waits")
    parser.add_argument("--chip", help="another chip than the manifest's target")
    parser.add_argument("--timeout", type=positive, default=600, metavar="SECONDS", help="of one launch")
    options = parser.parse_args(argv)
    options.kv_heads = options.kv_heads or options.q_heads
    options.kv_len = options.kv_len or options.q_len
    if options.q_heads % options.kv_heads:
        raise BadInput(f"--kv-heads: given {options.kv_heads}, allowed: a divisor of --q-heads {options.q_heads}")
    if options.seed < 0:
        raise BadInput(f"--seed: given {options.seed}, allowed: 0 or more")
    options.captured = {}
    for item in options.scalar:
        name, separator, value = item.partition("=")
        try:
            options.captured[name] = float(value)
        except ValueError:
            separator = ""
        if not name or not separator:
            raise BadInput(f"--scalar: given {item!r}, allowed: NAME=NUMBER")
    return options


def read_manifest(image, options):
    """The manifest beside an image, with the chip it will run on."""
    image = Path(image)
    if image.suffix != ".hsaco":
        raise BadInput(f"image: given {str(image)!r}, allowed: a file NAME.hsaco with NAME.hsaco.json beside it")
    manifest = Manifest(image.with_name(image.name + ".json"), image)
    try:
        with open(image, "rb") as file:
            if file.read(4) != b"\x7fELF":
                raise BadInput(f"image {image}: not an ELF code object")
    except OSError as error:
        raise BadInput(f"image {image}: {error.strerror}") from error
    manifest.chip = options.chip or manifest.chip
    if options.lse and not manifest.takes("lse"):
        raise BadInput(f"--lse: the image {image} has no lse argument")
    return manifest


class Watchdog:
    """Ends the process when a launch does not; a library call cannot be interrupted."""

    def __init__(self, seconds, folder, what):
        self.timer = threading.Timer(seconds, self._expire, (seconds, folder, what))
        self.timer.daemon = True

    @staticmethod
    def _expire(seconds, folder, what):
        print(f"emulate.py: {what}: not finished after {seconds} s", file=sys.stderr, flush=True)
        folder.cleanup()
        os._exit(WRONG)

    def __enter__(self):
        self.timer.start()

    def __exit__(self, *_):
        self.timer.cancel()


def find_races(folder):
    """Counts of the detector's reports; no log means that it never ran."""
    reports = read_reports(folder)
    if reports is None:
        raise BadInput("--race: the adapter opened no race log in RJ_SINK_DIR, README.md says what it must do")
    real, spurious = reports
    if real:
        print(real[0], file=sys.stderr)
    return len(real), len(spurious)


def run_image(manifest, options, library):
    """Launches one image once, in its own simulator; returns the row to print."""
    import numpy as np
    import attention
    from emulator import Simulator

    shape = attention.Shape(options.batch, options.q_heads, options.kv_heads, options.q_len, options.kv_len,
                            manifest.head_dim, manifest.value_dim, manifest.causal, options.layout)
    for name in "qkvo":
        if 2 * shape.elements(name) > MAX_TENSOR_BYTES:
            raise BadInput(f"shape: {name} takes {2 * shape.elements(name)} bytes, allowed: {MAX_TENSOR_BYTES}")
    dtype = manifest.dtype
    scale = options.scale if options.scale is not None else 1 / math.sqrt(manifest.head_dim)
    values = shape.values(scale, options.captured)
    inputs = attention.make_inputs(shape, dtype, options.inputs, options.seed)
    memory = {name: shape.to_memory(inputs[name]).ravel() for name in "qkv"}
    memory["o"] = np.full(shape.elements("o"), attention.POISON[dtype])
    if options.lse:
        memory["lse"] = np.full(shape.batch * shape.q_heads * shape.q_len, attention.POISON["f32"])
    if manifest.workspace_bytes:
        memory["workspace"] = np.zeros(manifest.workspace_bytes, np.uint8)

    folder = tempfile.TemporaryDirectory(prefix="attn-jit-emulate-")
    if options.race:
        os.environ.update(RJ_RACE="1", RJ_SINK_DIR=folder.name, RJ_SINKS="file")
    with folder:
        started = time.perf_counter()
        simulator = Simulator(library, manifest.chip, folder.name)
        try:
            addresses = {name: simulator.place(name, array) for name, array in memory.items()}
            check_requires(manifest, values, addresses)
            grid = grid_of(manifest, values)
            kernarg = kernarg_of(manifest, values, addresses)
            if not all(1 <= n < 1 << 31 for n in grid):
                raise BadInput(f"manifest grid: gives {grid}, allowed: 1 or more in each dimension")
            descriptor, resources = simulator.load(manifest.image, manifest.kernel)
            if len(kernarg) > resources["kernarg_bytes"]:
                raise BadInput(f"manifest arguments: take {len(kernarg)} bytes, "
                               f"the kernel's descriptor says {resources['kernarg_bytes']}")
            opened = time.perf_counter() - started
            with Watchdog(options.timeout, folder, manifest.image):
                seconds = simulator.launch(descriptor, grid, manifest.block, kernarg,
                                           manifest.shared_bytes, resources["scratch_bytes"])
            found = {name: simulator.fetch(name) for name in memory}
            guards = simulator.broken_guards()
        finally:
            simulator.close()
        races, spurious = find_races(folder.name) if options.race else (None, None)

    expected, expected_lse = attention.reference(shape, inputs, dtype, scale)
    actual = shape.from_memory(attention.decode(found["o"], dtype), "o")
    unwritten = int((found["o"] == attention.POISON[dtype]).sum())
    rel_error, max_abs_error = attention.errors(actual, expected)
    tolerance = TOLERANCE[dtype]
    faults = []
    if unwritten:
        faults.append(f"{unwritten} outputs unwritten")
    if not rel_error <= tolerance:
        faults.append(f"rel_error {rel_error:.3g} above {tolerance:g}")
    limit = ELEMENT_FACTOR * tolerance * float(np.abs(expected).max())
    if not max_abs_error <= limit:
        faults.append(f"max_abs_error {max_abs_error:.3g} above {limit:.3g}")
    lse_difference = None
    if options.lse:
        lse_unwritten = int((found["lse"] == attention.POISON["f32"]).sum())
        unwritten += lse_unwritten
        lse = found["lse"].view(np.float32).astype(np.float64).reshape(expected_lse.shape)
        lse_difference = attention.lse_error(lse, expected_lse)
        if lse_unwritten:
            faults.append(f"{lse_unwritten} LSE unwritten")
        if not lse_difference <= tolerance:
            faults.append(f"lse_error {lse_difference:.3g} above {tolerance:g}")
    faults += [f"written outside: {guard}" for guard in guards]
    faults += [f"input {name} changed" for name in "qkv" if not np.array_equal(found[name], memory[name])]
    if races:
        faults.append(f"{races} races")

    def finite(number):
        return number if number is None or math.isfinite(number) else None

    return {"image": str(manifest.image), "kernel": manifest.kernel, "chip": manifest.chip, "emulated": True,
            "passed": not faults, "faults": faults, "rel_error": finite(rel_error),
            "max_abs_error": finite(max_abs_error), "lse_error": finite(lse_difference), "unwritten": unwritten,
            "races": races, "spurious_races": spurious, "seconds": round(seconds, 4), "open_seconds": round(opened, 4), "dtype": dtype,
            "batch": shape.batch, "q_heads": shape.q_heads, "kv_heads": shape.kv_heads, "q_len": shape.q_len,
            "kv_len": shape.kv_len, "head_dim": shape.head_dim, "value_dim": shape.value_dim,
            "causal": shape.causal, "layout": shape.layout, "inputs": options.inputs, "seed": options.seed,
            "grid": grid, "block": manifest.block, **resources, "schedule": manifest.schedule}


def main(argv):
    try:
        options = parse_command_line(argv)
        manifests = [read_manifest(image, options) for image in options.images]
        try:
            import emulator
        except ModuleNotFoundError as error:
            print(f"emulate.py: skipped: no {error.name} (Debian: python3-numpy)", file=sys.stderr)
            return SKIPPED
        for manifest in manifests:
            if manifest.chip not in emulator.CHIPS:
                raise BadInput(f"chip: given {manifest.chip!r}, allowed: {', '.join(emulator.CHIPS)}")
        if not emulator.available():
            print(f"emulate.py: skipped: no emulator (set {emulator.LIBRARY} and {emulator.CONFIGS}, see README.md)",
                  file=sys.stderr)
            return SKIPPED
        library = emulator.load_library()
        passed = True
        for manifest in manifests:
            row = run_image(manifest, options, library)
            print(json.dumps(row), flush=True)
            passed = passed and row["passed"]
        return RIGHT if passed else WRONG
    except BadInput as error:
        print(f"emulate.py: error: {error}", file=sys.stderr)
        return BAD_INPUT
    except RuntimeError as error:
        print(f"emulate.py: {error}", file=sys.stderr)
        return WRONG


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
