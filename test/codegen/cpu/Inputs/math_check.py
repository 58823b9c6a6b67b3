#!/usr/bin/env python3
"""exp2 and log2 of host images against Python's, over floats of every exponent: error in ulp.

  math_check.py IMAGE
"""

import ctypes
import math
import struct
import sys

ROWS, COLS = 1024, 128
STEP = 2**32 // (ROWS * COLS) + 1  # odd: all residues of the low bits


def floats(data):
    return struct.unpack(f"{len(data) // 4}f", data)


def ulp(x):
    """The spacing of floats at x, of normal ones at least."""
    return 2.0 ** (max(math.frexp(x)[1], -125) - 24)


def exp2(x):
    if x >= 128:
        return math.inf
    return 0.0 if x < -200 else 2.0**x


def log2(x):
    if x < 0:
        return math.nan
    return -math.inf if x == 0 else math.log2(x)


def worst(inputs, results, reference, exempt):
    largest, at = 0.0, None
    for x, got in zip(inputs, results):
        if math.isnan(x):
            error = 0.0 if math.isnan(got) else math.inf
        else:
            want = reference(x)
            if got == want or (math.isnan(want) and math.isnan(got)) or exempt(x, want, got):
                error = 0.0
            elif not math.isfinite(want) or not math.isfinite(got):
                error = math.inf
            else:
                error = abs(got - want) / ulp(want)
        if error > largest:
            largest, at = error, (x, got)
    return largest, at


def main():
    entry = ctypes.CDLL(sys.argv[1]).attn_fwd
    outputs = [ctypes.create_string_buffer(4 * ROWS * COLS) for _ in range(2)]
    block = b"".join(struct.pack("Qqqq", ctypes.addressof(o), 0, 0, COLS) for o in outputs)
    block += struct.pack("iii", ROWS, 0, STEP)
    for tile in range(ROWS // 64):
        entry(block, tile, 0, 0)
    bits = [i * STEP % 2**32 for i in range(ROWS * COLS)]
    inputs = floats(struct.pack(f"{len(bits)}I", *bits))
    # Subnormal results may be zero, and the last half below 2^128 may overflow.
    edges = lambda x, want, got: (want < 2**-126 and 0 <= got < 2**-126) or (
        127.5 <= x < 128 and got == math.inf)
    failed = False
    for name, output, reference, exempt, limit in (
        ("exp2", outputs[0], exp2, edges, 1.0),
        ("log2", outputs[1], log2, lambda *_: False, 2.5),
    ):
        error, at = worst(inputs, floats(output.raw), reference, exempt)
        failed |= not error <= limit
        print(f"{name}: {error:.3f} ulp at {at}, allowed {limit}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
