// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes a driver's device the calling thread's while it lives.
#ifndef ATTN_JIT_RUNTIME_HIP_HIPCURRENT_H
#define ATTN_JIT_RUNTIME_HIP_HIPCURRENT_H

#include "runtime/hip/HipDriver.h"

namespace attn_jit::rt::hip {

class HipDriver::Current {
public:
  explicit Current(const HipDriver &driver) : api(driver.api) {
    if (!api.hipGetDevice(&before) && before == driver.device)
      return;
    result = driver.check("hipSetDevice", api.hipSetDevice(driver.device));
    changed = result.ok();
  }
  ~Current() {
    if (changed)
      (void)api.hipSetDevice(before);
  }
  Current(const Current &) = delete;
  Current &operator=(const Current &) = delete;

  Status &status() { return result; }

private:
  const Api &api;
  Status result;
  int before = 0;
  bool changed = false;
};

} // namespace attn_jit::rt::hip

/// Enters the device for the rest of the function, or returns the error.
#define ATTN_HIP_CURRENT()                                                     \
  Current current(*this);                                                      \
  if (!current.status())                                                       \
  return current.status().takeError()

#endif // ATTN_JIT_RUNTIME_HIP_HIPCURRENT_H
