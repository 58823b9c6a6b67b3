// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A device with the conformance kernels on it, whichever driver it is. The
// images are within the test binary, so that it runs where it is copied to.
#ifndef ATTN_JIT_TEST_RUNTIME_TESTDEVICE_H
#define ATTN_JIT_TEST_RUNTIME_TESTDEVICE_H

#include "runtime/Launch.h"
#include "runtime/null/NullDriver.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>

namespace attn_jit::rt::test {

/// Images as spans; empty where the build could not make one.
std::span<const std::byte> hostImage();
std::span<const std::byte> basicPtx();
std::span<const std::byte> hopperPtx();
std::span<const std::byte> amdImage(const std::string &target);

/// Arguments in natural C layout.
class Arguments {
public:
  template <typename T> Arguments &add(T value) {
    used = (used + alignof(T) - 1) / alignof(T) * alignof(T);
    std::memcpy(bytes + used, &value, sizeof value);
    pointers[count++] = bytes + used;
    used += sizeof value;
    return *this;
  }
  ArgumentBlock block() { return {bytes, used, pointers, count}; }

private:
  alignas(64) std::byte bytes[512] = {};
  void *pointers[16];
  size_t used = 0;
  uint32_t count = 0;
};

struct TestDevice {
  Device device;
  Module module; ///< fill, grid3, spin, set_flag (GPUs: shared)
  Module hopper; ///< cluster, tma_copy; only where it can be
  int64_t blockThreads = 64;
  std::string absent; ///< why there is no device, for GTEST_SKIP

  static TestDevice open(const std::string &driver);
};

/// A null device whose launches compute what the kernels do.
NullDevice computingNullDevice(NullOptions options = {});

/// The value, or a failure of the test and a default.
template <typename T> T must(Result<T> result) {
  if (result)
    return std::move(*result);
  ADD_FAILURE() << result.error().text << "\n" << result.error().log;
  return T();
}
inline void must(const Status &status) {
  if (!status)
    ADD_FAILURE() << status.error().text << "\n" << status.error().log;
}

/// The error's text; a success fails the test.
template <typename T> Error errorOf(Result<T> result) {
  if (!result)
    return result.takeError();
  ADD_FAILURE() << "an error was expected";
  return Error();
}

#define EXPECT_HAS(text, part)                                                 \
  EXPECT_NE(std::string(text).find(part), std::string::npos)                   \
      << "'" << (part) << "' is not in '" << (text) << "'"

} // namespace attn_jit::rt::test

#endif // ATTN_JIT_TEST_RUNTIME_TESTDEVICE_H
