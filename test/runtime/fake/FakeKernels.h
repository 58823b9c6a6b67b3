// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the conformance kernels do, in host memory, for devices that are not
// there: the null driver and the fake vendor library. An attention is launched,
// and computes nothing.
#ifndef ATTN_JIT_TEST_RUNTIME_FAKEKERNELS_H
#define ATTN_JIT_TEST_RUNTIME_FAKEKERNELS_H

#include <chrono>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <thread>

namespace attn_jit::rt::test {

inline bool isFakeKernel(std::string_view name) {
  for (const char *each :
       {"fill", "grid3", "spin", "set_flag", "shared", "cluster", "attn_fwd"})
    if (name == each)
      return true;
  return false;
}

template <typename T> T fakeArgument(void *const *pointers, int index) {
  T value;
  std::memcpy(&value, pointers[index], sizeof value);
  return value;
}

inline void runFakeKernel(std::string_view name, const unsigned grid[3],
                          unsigned clusterSize, unsigned sharedBytes,
                          void *const *pointers) {
  const int gx = int(grid[0]), gy = int(grid[1]), gz = int(grid[2]);
  if (name == "fill") {
    auto *o = fakeArgument<float *>(pointers, 0);
    const int n = fakeArgument<int>(pointers, 1);
    for (int i = 0; i < n && i < gx * 64; ++i)
      o[i] = fakeArgument<float>(pointers, 2) + float(i);
  } else if (name == "grid3") {
    auto *o = fakeArgument<int *>(pointers, 0);
    const int width = fakeArgument<int>(pointers, 1);
    const int height = fakeArgument<int>(pointers, 2);
    for (int z = 0; z < gz; ++z)
      for (int y = 0; y < gy; ++y)
        for (int x = 0; x < gx; ++x)
          o[x + width * (y + height * z)] = x + 100 * y + 10000 * z;
  } else if (name == "spin") {
    auto *flag = fakeArgument<int *>(pointers, 0);
    auto *o = fakeArgument<int *>(pointers, 1);
    *o = 2;
    for (int i = 0; i < 50000 && *o == 2; ++i) {
      if (__atomic_load_n(flag, __ATOMIC_ACQUIRE))
        *o = 1;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  } else if (name == "set_flag") {
    __atomic_store_n(fakeArgument<int *>(pointers, 0), 1, __ATOMIC_RELEASE);
  } else if (name == "shared") {
    *fakeArgument<int *>(pointers, 0) = int(sharedBytes);
  } else if (name == "cluster") {
    for (int i = 0; i < gx; ++i)
      fakeArgument<int *>(pointers, 0)[i] = int(clusterSize);
  }
}

} // namespace attn_jit::rt::test

#endif // ATTN_JIT_TEST_RUNTIME_FAKEKERNELS_H
