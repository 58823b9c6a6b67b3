// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Opens a driver's first device and loads the conformance kernels on it.
#include "TestDevice.h"

#include <chrono>
#include <thread>

using namespace attn_jit::rt;
using namespace attn_jit::rt::test;

// The build makes one object of the images: symbol NAME to NAME_end.
#define ATTN_IMAGE(name)                                                       \
  extern "C" const char name[], name##_end[];                                  \
  static std::span<const std::byte> name##_bytes() {                           \
    return {reinterpret_cast<const std::byte *>(name),                         \
            size_t(name##_end - name)};                                        \
  }
ATTN_IMAGE(attn_test_host)
ATTN_IMAGE(attn_test_basic_ptx)
ATTN_IMAGE(attn_test_hopper_ptx)
ATTN_IMAGE(attn_test_gfx90a)
ATTN_IMAGE(attn_test_gfx942)
ATTN_IMAGE(attn_test_gfx1100)

std::span<const std::byte> test::hostImage() { return attn_test_host_bytes(); }
std::span<const std::byte> test::basicPtx() {
  return attn_test_basic_ptx_bytes();
}
std::span<const std::byte> test::hopperPtx() {
  return attn_test_hopper_ptx_bytes();
}
std::span<const std::byte> test::amdImage(const std::string &target) {
  if (target == "gfx90a")
    return attn_test_gfx90a_bytes();
  if (target == "gfx942")
    return attn_test_gfx942_bytes();
  if (target == "gfx1100")
    return attn_test_gfx1100_bytes();
  return {};
}

template <typename T> static T argument(const ArgumentBlock &block, int index) {
  T value;
  std::memcpy(&value, block.pointers[index], sizeof value);
  return value;
}

static void compute(const RecordedLaunch &launch, const ArgumentBlock &block) {
  const auto &[gx, gy, gz] = launch.geometry.grid;
  if (launch.kernel == "fill") {
    auto *o = argument<float *>(block, 0);
    const int n = argument<int>(block, 1);
    for (int i = 0; i < n && i < int(gx) * 64; ++i)
      o[i] = argument<float>(block, 2) + float(i);
  } else if (launch.kernel == "grid3") {
    auto *o = argument<int *>(block, 0);
    const int width = argument<int>(block, 1), height = argument<int>(block, 2);
    for (int z = 0; z < int(gz); ++z)
      for (int y = 0; y < int(gy); ++y)
        for (int x = 0; x < int(gx); ++x)
          o[x + width * (y + height * z)] = x + 100 * y + 10000 * z;
  } else if (launch.kernel == "spin") {
    auto *flag = argument<int *>(block, 0), *o = argument<int *>(block, 1);
    *o = 2;
    for (int i = 0; i < 50000 && *o == 2; ++i) {
      if (__atomic_load_n(flag, __ATOMIC_ACQUIRE))
        *o = 1;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  } else if (launch.kernel == "set_flag") {
    __atomic_store_n(argument<int *>(block, 0), 1, __ATOMIC_RELEASE);
  } else if (launch.kernel == "shared") {
    *argument<int *>(block, 0) = int(launch.geometry.sharedBytes);
  } else if (launch.kernel == "cluster") {
    const auto &[cx, cy, cz] = launch.geometry.cluster;
    for (uint32_t i = 0; i < gx; ++i)
      argument<int *>(block, 0)[i] = int(cx * cy * cz);
  }
}

NullDevice test::computingNullDevice(NullOptions options) {
  options.execute = compute;
  options.knows = [](const std::string &name) {
    for (const char *each :
         {"fill", "grid3", "spin", "set_flag", "shared", "cluster"})
      if (name == each)
        return true;
    return false;
  };
  return makeNullDevice(options);
}

TestDevice TestDevice::open(const std::string &driver) {
  TestDevice test;
  if (driver == "null") {
    test.device = computingNullDevice().device;
    test.module = must(test.device.load(hostImage(), ImageKind::Host));
    test.hopper = test.module;
    return test;
  }
  for (const DriverReport &report : enumerateDrivers()) {
    if (report.name != driver)
      continue;
    test.absent = report.absent;
    if (!report.devices.empty())
      test.device = report.devices.front();
  }
  if (!test.device)
    return test;

  const std::string &target = test.device.info().target;
  if (driver == "host") {
    test.blockThreads = 1;
    test.module = must(test.device.load(hostImage(), ImageKind::Host));
  } else if (driver == "cuda") {
    test.module = must(test.device.load(basicPtx(), ImageKind::Ptx));
    if (target == "sm_90a")
      test.hopper = must(test.device.load(hopperPtx(), ImageKind::Ptx));
  } else if (amdImage(target).empty()) {
    test.absent = "this build holds no conformance kernels for " + target;
  } else {
    test.module = must(test.device.load(amdImage(target), ImageKind::Hsaco));
  }
  return test;
}
