// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/Processors.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <thread>

using namespace attn_jit;

/// In a thread of its own, so that the test keeps its processors.
TEST(Processors, AreThoseThatAreLeftToTheThread) {
  cpu_set_t all;
  ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
  EXPECT_EQ(rt::usableProcessors(), CPU_COUNT(&all));
  std::thread([&] {
    for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
      if (!CPU_ISSET(processor, &all))
        continue;
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(processor, &one);
      ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
      EXPECT_EQ(rt::usableProcessors(), 1);
    }
  }).join();
}
