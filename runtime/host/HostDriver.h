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
/// Of all caches of the third level of the machine together, whichever of its
/// processors this process may use: it names the device in records. 0: the
/// folder, /sys/devices/system/cpu, tells of none.
int64_t thirdCacheBytes(const std::string &processors);
/// What can be had without swapping, within the limits of this process's
/// control groups; 0 when the system does not tell. `root` stands before /proc
/// and /sys.
int64_t hostFreeBytes(const std::string &root = {});

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_HOST_HOSTDRIVER_H
