#!/usr/bin/env python3
"""Runs two host images on one input: each output of the second is twice that of the first.

    doubled.py IMAGE EDITED_IMAGE     (their manifests beside them)
"""

import ctypes
import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "cpu", "Inputs"))
from host_check import Tensor, argument_block

ROWS, COLS = 5, 64


def outputs(image):
    with open(image + ".json") as file:
        manifest = json.load(file)
    random.seed(1)
    tensors = {name: Tensor((1, 1, ROWS, COLS), "f32", lambda: random.gauss(0, 1)) for name in ("q", "k", "v", "o")}
    values = {"q_len": ROWS, "kv_len": ROWS, "heads_per_kv": 1, "scale_log2e": 0.18}
    getattr(ctypes.CDLL(os.path.abspath(image)), manifest["kernel"])(argument_block(manifest, tensors, values), 0, 0, 0)
    return [value for row in tensors["o"].rows(0, 0) for value in row]


def main():
    once, twice = map(outputs, sys.argv[1:])
    wrong = [(x, y) for x, y in zip(once, twice) if x == 0 or abs(y - 2 * x) > 1e-6 * abs(y)]
    if wrong:
        print("not twice:", wrong[:4])
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
