// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A device without hardware: buffers lie in host memory, launches are recorded
// and do nothing. For tests and for hosts that only compile.
#ifndef ATTN_JIT_RUNTIME_NULL_NULLDRIVER_H
#define ATTN_JIT_RUNTIME_NULL_NULLDRIVER_H

#include "runtime/Driver.h"

#include <functional>

namespace attn_jit::rt {

struct RecordedLaunch {
  std::string kernel;
  LaunchGeometry geometry;
  std::vector<std::byte> arguments;
  std::vector<uint32_t> argumentOffsets; ///< of the pointers in the block
  void *stream = nullptr;
};

struct NullOptions {
  std::string target = "null";
  int64_t memoryBytes = int64_t(1) << 30; ///< allocations beyond are refused
  int64_t sharedBytesPerBlock = 232448;
  int64_t computeUnits = 4;
  int64_t maxThreadsPerBlock = 1024;
  /// What a launch does besides being recorded, and which kernels there are.
  std::function<void(const RecordedLaunch &, const ArgumentBlock &)> execute;
  std::function<bool(const std::string &)> knows = [](const std::string &) {
    return true;
  };
};

/// What a null device was told to do.
class NullLog {
public:
  virtual ~NullLog() = default;
  virtual std::vector<RecordedLaunch> launches() const = 0;
  virtual std::vector<TensorMapRequest> tensorMaps() const = 0;
  virtual int64_t liveBytes() const = 0;
};

struct NullDevice {
  Device device;
  std::shared_ptr<NullLog> log;
};

NullDevice makeNullDevice(const NullOptions &options = {});

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_NULL_NULLDRIVER_H
