"""Writes captured inputs of each kind that needs no torch: captures.py FOLDER"""

import json
import os
import random
import struct
import sys

folder = sys.argv[1]
random.seed(1)
Q, K, V = (1, 4, 24, 32), (1, 2, 40, 32), (1, 2, 40, 16)


def values(shape):
    count = 1
    for size in shape:
        count *= size
    return [random.gauss(0, 1) for _ in range(count)]


def write(name, data):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def safetensors(name, types, metadata):
    header, body = {"__metadata__": metadata}, b""
    for tensor, shape, kind in zip("qkv", (Q, K, V), types):
        data = struct.pack("<%d%s" % (len(values(shape)), {"F16": "e", "F32": "f"}[kind]), *values(shape))
        header[tensor] = {"dtype": kind, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    write(name, struct.pack("<Q", len(text)) + text + body)


def npy(name, shape):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % (shape,)
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    data = struct.pack("<%df" % len(values(shape)), *values(shape))
    write(name, b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)


half = ("F16",) * 3
safetensors("torch/a.safetensors", half, {"is_causal": "true", "scale": "0.125"})
safetensors("flash/a.safetensors", half, {"causal": "true"})
safetensors("mixed/a.safetensors", ("F16", "F32", "F16"), {})
# Two files of one stem, and a value of another kind than its name asks for.
safetensors("stem/q.safetensors", half, {})
for tensor, shape in zip("qkv", (Q, K, V)):
    npy("stem/" + tensor + ".npy", shape)
safetensors("word/a.safetensors", half, {"causal": "maybe"})
write("kind/a.bin", b"?")
for tensor, shape in zip("qkv", (Q, K, V)):
    npy("numpy/" + tensor + ".npy", shape)
