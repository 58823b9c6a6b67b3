// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NVIDIA's management library, for what the compute driver does not tell: the
// clock of the moment and why it is no higher. Opened by the first question;
// where it is absent, nothing is known.
#ifndef ATTN_JIT_RUNTIME_CUDA_NVML_H
#define ATTN_JIT_RUNTIME_CUDA_NVML_H

#include "runtime/Library.h"
#include "runtime/Runtime.h"

namespace attn_jit::rt::cuda {

class Nvml {
public:
  /// Opened once a process; the error says why it is absent.
  static const Result<Nvml> &get();
  static Result<Nvml> open();

  using Device = struct OpaqueNvmlDevice *;
  /// Of a compute device's UUID; null where it is not known, as of a part of a
  /// GPU.
  Device find(const std::string &uuid) const;
  std::optional<ClockState> clocks(Device device) const;

private:
  int (*getHandleByUuid)(const char *uuid, Device *device) = nullptr;
  int (*getClock)(Device device, int clock, unsigned *mhz) = nullptr;
  int (*getReasons)(Device device, unsigned long long *reasons) = nullptr;
};

} // namespace attn_jit::rt::cuda

#endif // ATTN_JIT_RUNTIME_CUDA_NVML_H
