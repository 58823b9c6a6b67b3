#!/usr/bin/env python3
"""The arrows between the rooms, from #include lines and from what the built libraries refer to.

    layering.py ROOT BUILD CXX [SANITIZERS]
"""

import glob
import os
import re
import shlex
import subprocess
import sys
import tempfile

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
RUNTIME_LIBRARY = re.compile(r"(libtbb|libz|libsodium|libsqlite3|libarchive|libzstd|libstdc\+\+|libm|libgcc_s|libc|libpthread|libdl|ld-linux-x86-64|lib[a-z]+san)\.so")
SANITIZER_LIBRARY = re.compile(r"libresolv\.so")
FOREIGN_LIBRARY = re.compile(r"libcuda|libamdhip|libnv|libcudart|libcurl|libhiredis")


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


def archive_faults(build, archives):
    for archive in archives:
        undefined = subprocess.run(["nm", "-u", archive], capture_output=True, text=True, check=True).stdout
        for symbol in sorted({line.split()[-1] for line in undefined.splitlines() if " U " in line}):
            if FOREIGN_SYMBOL.match(symbol):
                yield f"{os.path.relpath(archive, build)}: refers to {symbol}"


def probe_faults(archives, cxx, sanitize):
    """A program of nothing but the runtime, all of it, must link without LLVM and a vendor."""
    with tempfile.TemporaryDirectory() as folder:
        probe = os.path.join(folder, "probe")
        command = [*shlex.split(cxx), "-x", "c++", "-", "-x", "none", "-o", probe]
        command += ["-fsanitize=" + sanitize] if sanitize else []
        command += ["-Wl,--whole-archive", *archives, "-Wl,--no-whole-archive", "-ltbb", "-lz", "-lsodium", "-lsqlite3", "-larchive", "-lzstd", "-lpthread", "-ldl"]
        link = subprocess.run(command, input="int main() {}", capture_output=True, text=True)
        if link.returncode:
            yield "the runtime does not link by itself: " + link.stderr
            return
        for library in needed_by(probe):
            if not RUNTIME_LIBRARY.match(library) and not (sanitize and SANITIZER_LIBRARY.match(library)):
                yield f"the runtime is linked to {library}"


def needed_by(path):
    dynamic = subprocess.run(["readelf", "-d", path], capture_output=True, text=True).stdout
    return re.findall(r"NEEDED.*\[(.*?)\]", dynamic)


def binary_faults(build):
    binaries = [p for folder in ("lib", "tools", "test/unit") for p in glob.glob(os.path.join(build, folder, "*"))]
    for path in binaries:
        if not os.path.isfile(path) or open(path, "rb").read(4) != b"\x7fELF" or path.endswith(".o"):
            continue
        for library in needed_by(path):
            if FOREIGN_LIBRARY.match(library):
                yield f"{os.path.basename(path)}: is linked to {library}, which is to be opened at run time"


def main():
    root, build, cxx, sanitize = (*sys.argv[1:4], "") if len(sys.argv) == 4 else sys.argv[1:5]
    faults = []
    count = 0
    for path in tree.sources(root, (".cpp", ".h", ".def", ".inc")):
        if path.split("/")[0] not in MAY_KNOW:
            continue
        count += 1
        text = tree.read(root, path)
        faults += include_faults(path, text)
        faults += operation_faults(path, text)
    archives = sorted(glob.glob(os.path.join(build, "runtime", "**", "*.a"), recursive=True))
    # Without the fuzzers' copies, which hold the same symbols twice.
    archives = [path for path in archives if not path.endswith("-fuzz.a")]
    faults += archive_faults(build, archives)
    faults += probe_faults(archives, cxx, sanitize) if archives else ["no archives of the runtime found"]
    faults += binary_faults(build)
    print("\n".join(faults) or f"{count} files keep to the arrows")
    return 1 if faults or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
