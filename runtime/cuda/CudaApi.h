// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CUDA Driver API by its own declarations, so that no toolkit is needed to
// build. Values and layouts are the driver's stable binary interface.
#ifndef ATTN_JIT_RUNTIME_CUDA_CUDAAPI_H
#define ATTN_JIT_RUNTIME_CUDA_CUDAAPI_H

#include "runtime/Library.h"

#include <cstddef>
#include <cstdint>

namespace attn_jit::rt::cuda {

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = uint64_t;
using CUcontext = struct OpaqueContext *;
using CUstream = void *;
using CUevent = void *;
using CUmodule = void *;
using CUfunction = void *;

enum : CUresult {
  Success = 0,
  OutOfMemory = 2,
  NoDevice = 100,
  InvalidImage = 200,
  NoBinaryForGpu = 209,
  InvalidPtx = 218,
  NotReady = 600
};

enum DeviceAttribute {
  MaxThreadsPerBlock = 1,
  WarpSize = 10,
  ClockKHz = 13,
  MultiprocessorCount = 16,
  MemoryClockKHz = 36,
  MemoryBusBits = 37,
  L2Bytes = 38,
  MaxThreadsPerMultiprocessor = 39,
  CapabilityMajor = 75,
  CapabilityMinor = 76,
  SharedPerMultiprocessor = 81,
  RegistersPerMultiprocessor = 82,
  SharedPerBlockOptin = 97,
  ClusterLaunch = 120,
  TensorMapAccess = 127,
};

enum FunctionAttribute {
  FunctionMaxThreads = 0,
  FunctionSharedBytes = 1,
  FunctionLocalBytes = 3,
  FunctionRegisters = 4,
  FunctionMaxDynamicShared = 8,
};

enum JitOption {
  JitInfoLog = 3,
  JitInfoLogBytes = 4,
  JitErrorLog = 5,
  JitErrorLogBytes = 6,
  JitLogVerbose = 12,
};

enum TensorMapType { MapU8 = 0, MapF16 = 6, MapF32 = 7, MapBF16 = 9 };
inline constexpr int mapL2Promotion256 = 3;
inline constexpr unsigned streamNonBlocking = 1;
inline constexpr int captureRelaxed = 2;

/// CUlaunchAttribute: an id, and a value of 64 bytes at offset 8.
struct LaunchAttribute {
  int id;
  int pad;
  union {
    char bytes[64];
    struct {
      unsigned x, y, z;
    } cluster;
  };
};
inline constexpr int attributeClusterDimension = 4;
static_assert(sizeof(LaunchAttribute) == 72);

struct LaunchConfig {
  unsigned gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes;
  CUstream stream;
  LaunchAttribute *attributes;
  unsigned attributeCount;
};
static_assert(sizeof(LaunchConfig) == 56);

struct Api {
#define ATTN_CUDA(name, parameters) CUresult(*name) parameters = nullptr;
#include "runtime/cuda/CudaSymbols.def"

  /// Opened and initialised once a process; the error says what is missing.
  static const Result<Api> &get();

  /// "cuMemAlloc_v2: CUDA_ERROR_OUT_OF_MEMORY (out of memory)".
  std::string describe(const char *call, CUresult error) const;
};

} // namespace attn_jit::rt::cuda

#endif // ATTN_JIT_RUNTIME_CUDA_CUDAAPI_H
