// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Work that does not end: the process must, with the schedule in its last
// words; work that does end must not be harmed.
#include "runtime/Watchdog.h"
#include "TestDevice.h"

#include <chrono>
#include <cmath>
#include <thread>

using namespace attn_jit::rt;
using namespace attn_jit::rt::test;

namespace {

const char *const schedule = "flash_fwd_ws.v1<bm=128, bn=176>";

TEST(Watchdog, FinishedWorkIsLeftAlone) {
  for (int i = 0; i < 100; ++i)
    Watchdog watchdog(60, schedule);
  Watchdog watchdog(0.2, schedule);
}

TEST(Watchdog, LimitsBeyondTheClockDoNotEndAtOnce) {
  for (const double limit : {1e10, 1e30, double(INFINITY), double(NAN)}) {
    Watchdog watchdog(limit, schedule);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

TEST(WatchdogDeathTest, HungHostKernelEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  // The conformance kernel waits some seconds for a flag that never comes, in
  // the calling thread: nobody could poll.
  EXPECT_EXIT(
      {
        TestDevice test = TestDevice::open("host");
        Stream stream = must(test.device.createStream());
        Buffer flag = must(test.device.allocate(8));
        must(flag.fill(0));
        Arguments arguments;
        arguments.add(flag.address()).add(flag.address() + 4);
        Watchdog watchdog(0.2, schedule);
        must(must(test.module.kernel("spin"))
                 .launch({}, arguments.block(), stream));
      },
      testing::ExitedWithCode(1),
      "watchdog: the kernel did not finish within 0.2 s: flash_fwd_ws");
}

TEST(WatchdogDeathTest, HungStreamEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Watchdog watchdog(0.1, schedule);
        std::this_thread::sleep_for(std::chrono::seconds(60));
      },
      testing::ExitedWithCode(1), "bm=128, bn=176");
}

} // namespace
