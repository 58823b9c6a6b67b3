#!/usr/bin/env python3
"""The arrows between the rooms, from #include lines and from what the built libraries refer to.

    layering.py ROOT BUILD
"""

import glob
import os
import re
import subprocess
import sys

import tree

MAY_KNOW = {
    "dialect": {"dialect"},
    "codegen": {"dialect", "codegen"},
    "runtime": {"runtime"},
    "autotune": {"dialect", "codegen", "runtime", "autotune"},
    "tools": {"dialect", "codegen", "runtime", "autotune", "tools"},
}
# Target operations are made by leaf patterns only; naming a dialect to load it is no operation.
LEAVES = re.compile(r"codegen/(nvptx|amdgpu|cpu)/")
TARGET_OPERATION = re.compile(r"\b(NVVM::(?!NVVMDialect)|ROCDL::(?!ROCDLDialect)|(?:LLVM::)?InlineAsmOp\b|x86vector::|amdgpu::)")
TARGET_HEADER = re.compile(r"NVVM|ROCDL|X86|AMDGPU|NVGPU|codegen/(nvptx|amdgpu|cpu)/")
FOREIGN_SYMBOL = re.compile(r"^(cu[A-Z]\w*|hip[A-Z]\w*|nvJitLink\w*|_ZN?K?\d*(4llvm|4mlir|3lld)\w*|LLVM\w+)$")
FOREIGN_LIBRARY = re.compile(r"libcuda|libamdhip|libnv|libcudart")


def include_faults(path, text):
    room = path.split("/")[0]
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
        if not match:
            continue
        header = match.group(2)
        other = header.split("/")[0]
        if match.group(1) == '"' and other in MAY_KNOW and other not in MAY_KNOW[room]:
            yield f"{path}:{number}: {room} must not know {other} ({header})"
        if room == "runtime" and other in ("llvm", "mlir", "lld", "llvm-c", "mlir-c", "clang"):
            yield f"{path}:{number}: the runtime must not know LLVM ({header})"
        if path.startswith("codegen/schedule/") and TARGET_HEADER.search(header):
            yield f"{path}:{number}: a schedule builder must not know a target ({header})"


def operation_faults(path, text):
    if path.split("/")[0] not in ("dialect", "codegen") or LEAVES.match(path):
        return
    for number, line in enumerate(text.splitlines(), 1):
        match = TARGET_OPERATION.search(line.split("//")[0])
        if match:
            yield f"{path}:{number}: target operations belong in leaf patterns ({match.group(1)})"


def binary_faults(build):
    for archive in glob.glob(os.path.join(build, "runtime", "*.a")):
        undefined = subprocess.run(["nm", "-u", archive], capture_output=True, text=True, check=True).stdout
        for symbol in sorted({line.split()[-1] for line in undefined.splitlines() if " U " in line}):
            if FOREIGN_SYMBOL.match(symbol):
                yield f"{os.path.basename(archive)}: refers to {symbol}"
    binaries = [p for room in ("runtime", "tools", "test/unit") for p in glob.glob(os.path.join(build, room, "*"))]
    for path in binaries:
        if not os.path.isfile(path) or open(path, "rb").read(4) != b"\x7fELF" or path.endswith(".o"):
            continue
        dynamic = subprocess.run(["readelf", "-d", path], capture_output=True, text=True).stdout
        needed = re.findall(r"NEEDED.*\[(.*?)\]", dynamic)
        for library in needed:
            if FOREIGN_LIBRARY.match(library):
                yield f"{os.path.basename(path)}: is linked to {library}, which is to be opened at run time"
            if "/runtime/" in path and re.match(r"lib(LLVM|MLIR)", library):
                yield f"{os.path.basename(path)}: the runtime is linked to {library}"


def main():
    root, build = sys.argv[1:3]
    faults = []
    count = 0
    for path in tree.sources(root, (".cpp", ".h", ".def", ".inc")):
        if path.split("/")[0] not in MAY_KNOW:
            continue
        count += 1
        text = tree.read(root, path)
        faults += include_faults(path, text)
        faults += operation_faults(path, text)
    faults += binary_faults(build)
    print("\n".join(faults) or f"{count} files keep to the arrows")
    return 1 if faults or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
