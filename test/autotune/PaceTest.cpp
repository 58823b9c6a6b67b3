// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "autotune/Pace.h"

#include <gtest/gtest.h>

using attn_jit::tune::Pace;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

TEST(Pace, UsesItsShareOfAnyStretch) {
  // No credit from the time before the first use.
  Pace pace(0.25);
  std::this_thread::sleep_for(50ms);
  const auto start = Clock::now();
  for (int i = 0; i < 5; ++i) {
    {
      const Pace::Use use(pace);
      std::this_thread::sleep_for(2ms);
    }
    pace.rest();
    EXPECT_LE(pace.usedSeconds(), 0.25 * secondsSince(start) + 1e-6);
  }
  EXPECT_GE(pace.usedSeconds(), 0.01);
}

TEST(Pace, TheWholeDeviceNeedsNoRest) {
  Pace pace(1);
  {
    const Pace::Use use(pace);
    std::this_thread::sleep_for(20ms);
  }
  const auto start = Clock::now();
  pace.rest();
  EXPECT_LT(secondsSince(start), 0.015);
}
