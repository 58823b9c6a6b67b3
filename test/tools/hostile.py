"""Writes captured files that must be refused: hostile.py FOLDER"""

import io
import os
import pickle
import sys
import zipfile

folder = sys.argv[1]


def archive(name, files):
    os.makedirs(os.path.join(folder, name), exist_ok=True)
    path = os.path.join(folder, name, "x_input_000000.pt")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as out:
        for file, data in files.items():
            out.writestr("x_input_000000/" + file, data)
    return path


class Command:
    def __reduce__(self):
        return os.system, ("echo it ran > ran",)


archive("command", {"data.pkl": pickle.dumps({"q": Command()}, protocol=2), "version": "3\n"})
archive("empty", {"data.pkl": pickle.dumps({}, protocol=2), "version": "3\n"})

# The sample, cut short.
sample = open(sys.argv[2], "rb").read()
os.makedirs(os.path.join(folder, "cut"), exist_ok=True)
open(os.path.join(folder, "cut", "x_input_000000.pt"), "wb").write(sample[: len(sample) // 2])


def npy(shape):
    data = io.BytesIO()
    header = "{'descr': '<f2', 'fortran_order': False, 'shape': %s, }" % (shape,)
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    data.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
    size = 2
    for n in shape:
        size *= n
    data.write(bytes(size))
    return data.getvalue()


for name, shapes in {
    "mismatch": [(1, 2, 8, 16), (1, 2, 8, 16), (1, 2, 9, 16)],
    "heads": [(1, 3, 8, 16), (1, 2, 8, 16), (1, 2, 8, 16)],
}.items():
    os.makedirs(os.path.join(folder, name), exist_ok=True)
    for tensor, shape in zip("qkv", shapes):
        open(os.path.join(folder, name, tensor + ".npy"), "wb").write(npy(shape))
