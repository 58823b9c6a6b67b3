// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which devices are there: a driver that is absent is a sentence, and a device
// that is not there an error that lists what is.
#include "TestDevice.h"

using namespace attn_jit::rt;
using namespace attn_jit::rt::test;

namespace {

TEST(Enumerate, EveryDriverHasDevicesOrASentence) {
  const std::vector<DriverReport> reports = enumerateDrivers();
  ASSERT_EQ(reports.size(), 3u);
  for (const DriverReport &report : reports) {
    EXPECT_EQ(report.devices.empty(), !report.absent.empty()) << report.name;
    if (!report.absent.empty())
      EXPECT_HAS(report.absent, report.name + ": ");
  }
  EXPECT_EQ(reports[2].name, "host");
  EXPECT_EQ(reports[2].devices.size(), 1u);
}

TEST(Enumerate, AutoAlwaysFindsOne) {
  const Device device = must(openDevice());
  EXPECT_TRUE(device);
  EXPECT_EQ(must(openDevice("cpu")).info().target, "cpu");
  EXPECT_EQ(must(openDevice("null")).info().target, "null");
}

TEST(Enumerate, UnknownDeviceListsWhatIsThere) {
  const Error error = errorOf(openDevice("cuda:99"));
  EXPECT_EQ(error.code, ErrorCode::NotFound);
  EXPECT_EQ(error.exitCode(), 2);
  EXPECT_HAS(error.text, "device: 'cuda:99' given, this machine has ");
  EXPECT_HAS(error.text, "cpu");
}

// The drivers' libraries are opened once a process, so these run in their own.
TEST(EnumerateDeathTest, LibraryThatDoesNotOpen) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        setenv("ATTN_JIT_CUDA_LIBRARY", "/nonexistent/libcuda.so", 1);
        setenv("ATTN_JIT_HIP_LIBRARY", "libm.so.6", 1);
        for (const DriverReport &report : enumerateDrivers())
          fprintf(stderr, "%s\n", report.absent.c_str());
        exit(0);
      },
      testing::ExitedWithCode(0),
      "cuda: /nonexistent/libcuda.so \\(ATTN_JIT_CUDA_LIBRARY\\) does not "
      "open(.|\n)*hip: libm.so.6 is too old, it lacks hipInit");
}

TEST(Result, ExitCodes) {
  EXPECT_EQ(badInput("x").exitCode(), 2);
  EXPECT_EQ(notFound("x").exitCode(), 2);
  EXPECT_EQ(unsupported("x").exitCode(), 2);
  EXPECT_EQ((Error{ErrorCode::OutOfMemory, "x", {}}).exitCode(), 2);
  EXPECT_EQ(failed("x").exitCode(), 1);
  EXPECT_EQ((Error{ErrorCode::Timeout, "x", {}}).exitCode(), 1);
}

TEST(Handles, EmptyOnesAreErrors) {
  EXPECT_EQ(errorOf(Stream().synchronize()).code, ErrorCode::BadInput);
  EXPECT_EQ(errorOf(Event().synchronize()).code, ErrorCode::BadInput);
  EXPECT_EQ(errorOf(Buffer().fill(0)).code, ErrorCode::BadInput);
  EXPECT_EQ(errorOf(Module().kernel("x")).code, ErrorCode::BadInput);
  EXPECT_EQ(errorOf(Kernel().attributes()).code, ErrorCode::BadInput);
}

} // namespace
