// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CPU as a device. Streams are synchronous: a launch returns when its grid
// is done.
#ifndef ATTN_JIT_RUNTIME_HOST_HOSTDRIVER_H
#define ATTN_JIT_RUNTIME_HOST_HOSTDRIVER_H

#include "runtime/Driver.h"

namespace attn_jit::rt {

struct HostOptions {
  int threads = 0; ///< 0: every CPU this process may use
};

Device makeHostDevice(const HostOptions &options = {});

/// ATTN_JIT_THREADS, or 0 when it is not set.
Result<int> hostThreadsFromEnvironment();

DeviceInfo describeHost(int threads);
/// MemAvailable: what can be had without swapping.
int64_t hostFreeBytes();

/// Refuses what dlopen would crash on: bytes that are no whole x86-64 shared
/// object.
Status checkSharedObject(std::span<const std::byte> image);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_HOST_HOSTDRIVER_H
