"""How the .mlir and .test files of this tree run, and what a machine must have for each.

A test names its needs (`REQUIRES: cuda`); where the need is missing the runner lists the test as
skipped, by name, with the need.
"""

import ctypes
import os
import shutil
import subprocess

import lit.formats

config.name = "attn-jit"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".tile"]
config.excludes = ["unit", "Inputs", "CMakeLists.txt"]
config.test_source_root = os.path.join(config.attn_source_dir, "test")
config.test_exec_root = os.path.join(config.attn_build_dir, "test")

tools_dir = os.path.join(config.attn_build_dir, "tools")
config.environment["PATH"] = os.pathsep.join(
    [tools_dir, config.llvm_bin_dir, os.environ.get("PATH", "")]
)
# A test that wants a store brings a folder of its own.
config.environment["ATTN_JIT_CACHE"] = "off"
for name in ("ATTN_JIT_AMD_EMULATOR", "HOME", "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"):
    if name in os.environ:
        config.environment[name] = os.environ[name]


def python_has(module, python="python3"):
    return subprocess.run([python, "-c", "import " + module], capture_output=True).returncode == 0


# Debian's numpy is its own Python's, which need not be the first on PATH.
PYTHON = next((python for python in ("python3", "/usr/bin/python3") if python_has("numpy", python)), "python3")

config.substitutions += [
    ("%root", config.attn_source_dir),
    ("%build", config.attn_build_dir),
    ("%templates", os.path.join(config.attn_source_dir, "templates")),
    ("%samples", os.path.join(config.attn_source_dir, "templates", "samples")),
    ("%python", PYTHON),
    ("%cxx", config.cxx),
    ("%sanitize", config.attn_sanitize),
    ("%stranger", os.path.join(config.attn_build_dir, "test", "unit", "LaunchFromFiles")),
]


def cuda_capability():
    """(major, minor) of the first device; None where the driver does not open or counts none."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    count, major, minor = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    if cuda.cuInit(0) or cuda.cuDeviceGetCount(ctypes.byref(count)) or count.value < 1:
        return None
    cuda.cuDeviceGetAttribute(ctypes.byref(major), 75, 0)
    cuda.cuDeviceGetAttribute(ctypes.byref(minor), 76, 0)
    return major.value, minor.value


def hip_device_works():
    for version in ("7", "6", "5"):
        try:
            hip = ctypes.CDLL("libamdhip64.so." + version)
        except OSError:
            continue
        count = ctypes.c_int()
        return hip.hipGetDeviceCount(ctypes.byref(count)) == 0 and count.value > 0
    return False


def opens(library):
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def find_ptxas():
    return shutil.which("ptxas") or shutil.which("ptxas", path="/usr/local/cuda/bin")


def cpu_flags():
    try:
        text = open("/proc/cpuinfo").read()
    except OSError:
        return set()
    for line in text.splitlines():
        if line.startswith("flags"):
            return set(line.split(":", 1)[1].split())
    return set()


def namespaces_work():
    """Whether a process here can have a network and mounts of its own."""
    user = [] if os.getuid() == 0 else ["--map-root-user"]
    try:
        return subprocess.run(["unshare", "--net", "--mount", *user, "ip", "link", "set", "lo", "up"],
                              capture_output=True).returncode == 0
    except OSError:
        return False


if config.attn_compiler:
    # Both back ends come with the LLVM that the compiler rooms link.
    config.available_features |= {"compiler", "nvptx", "amdgpu"}
if ptxas := find_ptxas():
    config.available_features.add("ptxas")
    config.substitutions.append(("%ptxas", ptxas))
if sanitizer := shutil.which("compute-sanitizer") or shutil.which("compute-sanitizer", path="/usr/local/cuda/bin"):
    config.available_features.add("compute-sanitizer")
    config.substitutions.append(("%compute-sanitizer", sanitizer))
if capability := cuda_capability():
    # Images for sm_90a run on no other chip.
    config.available_features |= {"cuda", "cuda-sm_%d%d" % capability}
    # PTX for sm_80 runs on every later chip too.
    if capability >= (8, 0):
        config.available_features.add("cuda-from-sm_80")
if shutil.which("strace") and not subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True).returncode:
    config.available_features.add("strace")
if os.access("/dev/fuse", os.R_OK | os.W_OK) and shutil.which("bindfs") and shutil.which("fusermount"):
    config.available_features.add("fuse")
if hip_device_works():
    config.available_features.add("hip")
if shutil.which("redis-server") and opens("libhiredis.so.0.14"):
    config.available_features.add("redis")
if opens("libcurl.so.4"):
    config.available_features.add("curl")
for name in ("nginx", "openssl"):
    if shutil.which(name):
        config.available_features.add(name)
moto = os.path.join(config.attn_build_dir, "test", "moto")
if os.path.exists(os.path.join(moto, "packages.txt")):
    config.available_features.add("moto")
    config.substitutions.append(("%moto", moto))
for python in ("python3", "/usr/bin/python3", os.path.join(moto, "bin", "python")):
    if shutil.which(python) and python_has("botocore", python):
        config.available_features.add("python-botocore")
        config.substitutions.append(("%botocore-python", python))
        break
if os.getuid() == 0:
    config.available_features.add("root")
if namespaces_work():
    config.available_features.add("namespaces")
if os.environ.get("ATTN_JIT_AMD_EMULATOR"):
    config.available_features.add("amd-emulator")
if not config.attn_sanitize:
    # A library that asks for a sanitizer's runtime loads into no other program.
    config.available_features.add("unsanitized")
config.available_features |= {"avx512f", "avx2", "amx_tile"} & cpu_flags()
for module in ("torch", "numpy"):
    if python_has(module, PYTHON):
        config.available_features.add("python-" + module)
