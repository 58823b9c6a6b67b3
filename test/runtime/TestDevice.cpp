// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Opens a driver's first device and loads the conformance kernels on it.
#include "TestDevice.h"
#include "fake/FakeKernels.h"

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

NullDevice test::computingNullDevice(NullOptions options) {
  options.execute = [](const RecordedLaunch &launch,
                       const ArgumentBlock &block) {
    const auto &[cx, cy, cz] = launch.geometry.cluster;
    runFakeKernel(launch.kernel, launch.geometry.grid.data(), cx * cy * cz,
                  launch.geometry.sharedBytes, block.pointers);
  };
  options.knows = [](const std::string &name) { return isFakeKernel(name); };
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
