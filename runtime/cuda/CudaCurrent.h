// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes a driver's context current while it lives. When it is current already
// (every thread of torch) that costs one query.
#ifndef ATTN_JIT_RUNTIME_CUDA_CUDACURRENT_H
#define ATTN_JIT_RUNTIME_CUDA_CUDACURRENT_H

#include "runtime/cuda/CudaDriver.h"

namespace attn_jit::rt::cuda {

class CudaDriver::Current {
public:
  explicit Current(CudaDriver &driver) : api(driver.api) {
    result = driver.activate();
    if (!result)
      return;
    const CUcontext wanted = driver.context.load(std::memory_order_acquire);
    CUcontext now = nullptr;
    if (!api.cuCtxGetCurrent(&now) && now == wanted)
      return;
    result =
        driver.check("cuCtxPushCurrent_v2", api.cuCtxPushCurrent_v2(wanted));
    pushed = result.ok();
  }
  ~Current() {
    CUcontext popped = nullptr;
    if (pushed)
      api.cuCtxPopCurrent_v2(&popped);
  }
  Current(const Current &) = delete;
  Current &operator=(const Current &) = delete;

  Status &status() { return result; }

private:
  const Api &api;
  Status result;
  bool pushed = false;
};

} // namespace attn_jit::rt::cuda

/// Enters the context for the rest of the function, or returns the error.
#define ATTN_CUDA_CURRENT()                                                    \
  Current current(*this);                                                      \
  if (!current.status())                                                       \
  return current.status().takeError()

#endif // ATTN_JIT_RUNTIME_CUDA_CUDACURRENT_H
