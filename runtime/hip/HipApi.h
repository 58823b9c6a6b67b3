// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The HIP runtime by its own declarations, so that no ROCm is needed to build.
// Values are those that HIP 5, 6 and 7 share.
#ifndef ATTN_JIT_RUNTIME_HIP_HIPAPI_H
#define ATTN_JIT_RUNTIME_HIP_HIPAPI_H

#include "runtime/Library.h"

#include <cstddef>
#include <cstdint>

namespace attn_jit::rt::hip {

using hipError_t = int;
using hipStream_t = void *;
using hipEvent_t = void *;
using hipModule_t = void *;
using hipFunction_t = void *;

enum : hipError_t {
  Success = 0,
  OutOfMemory = 2,
  InvalidImage = 200,
  NoBinaryForGpu = 209,
  NotReady = 600
};

enum DeviceAttribute {
  ClockKHz = 5,
  L2Bytes = 19,
  MaxGridX = 29,
  MaxGridY = 30,
  MaxGridZ = 31,
  MaxThreadsPerBlock = 56,
  MaxThreadsPerMultiprocessor = 57,
  MemoryBusBits = 59,
  MemoryClockKHz = 60,
  MultiprocessorCount = 63,
  SharedPerBlock = 74,
  WarpSize = 87,
  SharedPerMultiprocessor = 10002,
};

enum FunctionAttribute {
  FunctionMaxThreads = 0,
  FunctionSharedBytes = 1,
  FunctionLocalBytes = 3,
  FunctionRegisters = 4,
};

/// The properties are read for one field, the chip's name, which no attribute
/// gives. Its place differs between HIP 5's structure and the later one's.
inline constexpr size_t archNameOffsetR0600 = 1160, archNameOffsetHip5 = 396;
inline constexpr size_t propertiesBytes = 8192; ///< more than any version's

inline constexpr unsigned streamNonBlocking = 1;

/// Keys of hipModuleLaunchKernel's `extra`.
inline constexpr uintptr_t launchBufferPointer = 1, launchBufferSize = 2,
                           launchEnd = 3;

struct Api {
#define ATTN_HIP(name, parameters) hipError_t(*name) parameters = nullptr;
#include "runtime/hip/HipSymbols.def"
  const char *(*hipGetErrorName)(hipError_t) = nullptr;
  const char *(*hipGetErrorString)(hipError_t) = nullptr;

  /// Opened and initialised once a process; the error says what is missing.
  static const Result<Api> &get();

  /// "hipMalloc: hipErrorOutOfMemory (out of memory)".
  std::string describe(const char *call, hipError_t error) const;
};

} // namespace attn_jit::rt::hip

#endif // ATTN_JIT_RUNTIME_HIP_HIPAPI_H
