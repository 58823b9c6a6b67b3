// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The timer's statistics on numbers known beforehand, and its options.
#include "runtime/Timer.h"
#include "TestDevice.h"

#include <chrono>
#include <cmath>
#include <thread>

using namespace attn_jit::rt;
using namespace attn_jit::rt::test;

namespace {

TEST(Timer, MedianAndInterquartileRange) {
  const Timing timing = summarize({4, 1, 3, 2, 100});
  EXPECT_EQ(timing.medianMs, 3);
  EXPECT_EQ(timing.spreadMs, 2); // 4 less 2
  EXPECT_EQ(timing.minMs, 1);
  EXPECT_EQ(timing.maxMs, 100);
  EXPECT_EQ(timing.meanMs, 22);
  EXPECT_EQ(timing.samplesMs, (std::vector<double>{4, 1, 3, 2, 100}));
  EXPECT_EQ(summarize({1, 2, 3, 4}).medianMs, 2.5);
  EXPECT_EQ(summarize({1, 2, 3, 4}).spreadMs, 1.5);
  EXPECT_EQ(summarize({5}).spreadMs, 0);
  EXPECT_TRUE(summarize({}).samplesMs.empty());
}

TEST(Timer, MeasuresWhatTheActionTakes) {
  Device device = must(openDevice("cpu"));
  Stream stream = must(device.createStream());
  int calls = 0;
  const Timing timing =
      must(measure(device, stream,
                   [&] {
                     ++calls;
                     std::this_thread::sleep_for(std::chrono::milliseconds(2));
                     return success();
                   },
                   {4, 20, 3, 8, false}));
  EXPECT_GE(timing.medianMs, 2);
  EXPECT_LT(timing.medianMs, 40);
  EXPECT_FALSE(timing.flushedCache);
  EXPECT_LE(timing.samplesMs.size(), 8u);
  EXPECT_GT(calls, int(timing.samplesMs.size())) << "no warm-up";
}

TEST(Timer, FlushWritesTwiceTheCache) {
  // On the null device memory is counted: the flush buffer is there, and gone.
  NullDevice null = makeNullDevice();
  Stream stream = must(null.device.createStream());
  int64_t during = 0;
  must(measure(null.device, stream,
               [&] {
                 during = null.log->liveBytes();
                 return success();
               },
               {0, 0, 3, 3, true}));
  EXPECT_EQ(during, 2 * null.device.info().l2Bytes);
  EXPECT_EQ(null.log->liveBytes(), 0);
}

TEST(Timer, ActionsErrorComesThrough) {
  Device device = must(openDevice("null"));
  Stream stream = must(device.createStream());
  EXPECT_EQ(
      errorOf(measure(device, stream, [] { return badInput("no"); })).text,
      "no");
}

TEST(Timer, ImpossibleOptionsAreRefused) {
  Device device = must(openDevice("null"));
  Stream stream = must(device.createStream());
  const auto nothing = [] { return success(); };
  EXPECT_HAS(errorOf(measure(device, stream, nothing, {-1, 1})).text,
             "warm-up -1");
  EXPECT_HAS(errorOf(measure(device, stream, nothing, {1, NAN})).text, "timer");
  EXPECT_HAS(errorOf(measure(device, stream, nothing, {1, 1, 0})).text,
             "timer");
}

} // namespace
