// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The time model beyond the sweep: fields that it does not vary, other targets,
// and what a ranking costs.
#include "test/autotune/ModelSample.h"

#include "runtime/Runtime.h"

#include <chrono>

using namespace attn_jit;
using namespace attn_jit::test;

namespace {
/// What docs/perf/hopper-forward.md measured of fields that the sweep does not
/// vary: the sign of each, on the call of the table.
TEST(Model, FieldsOfTheTables) {
  const CallSizes call{4, 16, 16, 4096, 4096, false};
  const ProblemShape problem = shape(128, 128, false);
  auto timeOf = [&](const std::string &named, const ProblemShape &of,
                    const CallSizes &at) {
    auto schedule =
        Schedule::parse("flash_fwd_ws.v1<" + named + ">", of, hopper());
    EXPECT_TRUE(bool(schedule)) << named;
    return predictMicroseconds(*schedule, of, at, hopper(), DeviceNumbers());
  };
  const std::string tiles = "bm=128, bn=128, grid=tiles, anchor=off";
  const double best = timeOf(tiles, problem, call);
  EXPECT_GT(timeOf(tiles + ", p=shared", problem, call), 1.03 * best);
  EXPECT_GT(timeOf("bm=128, bn=128, grid=tiles, overlap=off", problem, call),
            1.05 * best);
  const double two = timeOf("bm=128, bn=128, loops=split", problem, call);
  EXPECT_GT(timeOf("bm=128, bn=128, loops=split, cluster=2", problem, call),
            two);
  EXPECT_GT(
      timeOf("bm=128, bn=128, loops=split, rescale=always", problem, call),
      two);
  const ProblemShape narrow = shape(64, 64, false);
  const CallSizes heads{4, 32, 32, 4096, 4096, false};
  EXPECT_GT(timeOf("bm=192, bn=128, pingpong=off", narrow, heads),
            1.05 * timeOf("bm=192, bn=128, pingpong=on", narrow, heads));
  // Under a mask turns meet the period of the tiles; pairs do not.
  CallSizes masked = call;
  masked.causal = true;
  const ProblemShape causal = shape(128, 128, true);
  const double pairs = timeOf("bm=128, bn=128, order=paired", causal, masked);
  EXPECT_GT(timeOf("bm=128, bn=128, order=reverse, section=4", causal, masked),
            1.3 * pairs);
  EXPECT_GT(
      timeOf("bm=128, bn=128, grid=dynamic, order=reverse", causal, masked),
      pairs);
}

/// docs/perf/ampere-forward.md: sm_80's instructions on an H200, 16 384 tokens
/// in rows of 4096, bf16, full. TFLOP/s.
TEST(Model, WarpsAreWithinTenPerCent) {
  const TargetInfo &target = *lookupTarget("sm_80");
  struct Row {
    int64_t dim;
    const char *named;
    double tflops;
  };
  const Row rows[] = {
      {64, "bm=128, units=4, bn=64, stages=1", 309},
      {64, "bm=128, units=4, bn=80, stages=1", 312},
      {64, "bm=128, units=4, bn=96, stages=1", 331},
      {64, "bm=128, units=4, bn=112, stages=1", 337},
      {64, "bm=128, units=4, bn=64, stages=2", 316},
      {64, "bm=128, units=4, bn=80, stages=2", 332},
      {64, "bm=128, units=4, bn=96, stages=2", 344},
      {64, "bm=128, units=4, bn=112, stages=2", 335},
      {64, "bm=128, units=4, bn=64, query=registers, stages=1", 324},
      {96, "bm=128, units=4, bn=32", 299},
      {96, "bm=128, units=4, bn=48", 325},
      {96, "bm=128, units=4, bn=64", 340},
      {96, "bm=128, units=4, bn=80", 349},
      {96, "bm=128, units=4, bn=64, stages=2", 359},
      {128, "bm=128, units=4, bn=32, stages=1", 337},
      {128, "bm=128, units=4, bn=48, stages=1", 364},
      {128, "bm=128, units=4, bn=64, stages=1", 380},
      {128, "bm=128, units=4, bn=48, stages=2", 358},
      {128, "bm=128, units=4, bn=64, stages=2", 391},
      {128, "bm=128, units=8, bn=64, stages=1", 297},
      {192, "bm=64, units=4, bn=64", 318},
      {192, "bm=64, units=4, bn=80", 321},
      {192, "bm=128, units=8, bn=64", 285},
      {256, "bm=64, units=4, bn=32", 282},
      {256, "bm=64, units=4, bn=48", 310},
      {256, "bm=64, units=4, bn=64", 334},
      {256, "bm=128, units=8, bn=64", 300},
  };
  double squares = 0;
  for (const Row &row : rows) {
    const ProblemShape problem = shape(row.dim, row.dim, false);
    const int64_t heads = 2048 / row.dim;
    const CallSizes call{4, heads, heads, 4096, 4096, false};
    auto schedule = Schedule::parse(
        std::string("flash_fwd_async.v1<") + row.named + ">", problem, target);
    ASSERT_TRUE(bool(schedule)) << row.named;
    const double us =
        predictMicroseconds(*schedule, problem, call, target, DeviceNumbers());
    const double flops = 4.0 * double(row.dim * 4 * heads) * 4096.0 * 4096.0;
    squares += std::pow(std::log(flops / (us * 1e6) / row.tflops), 2);
  }
  const double error = std::sqrt(squares / double(std::size(rows)));
  printf("%zu tiles of warps: within %.1f %%\n", std::size(rows), 100 * error);
  EXPECT_LE(error, 0.1);
}

TEST(Model, ADriverSaysWhatItKnows) {
  rt::DeviceInfo info;
  const DeviceNumbers silent = DeviceNumbers::of(info);
  EXPECT_EQ(silent.computeUnits, DeviceNumbers().computeUnits);
  EXPECT_EQ(silent.clockGHz, DeviceNumbers().clockGHz);
  info.computeUnits = 108, info.clockMHz = 1410, info.peakGBs = 2039;
  info.sharedBytesPerUnit = 164 * 1024;
  const DeviceNumbers numbers = DeviceNumbers::of(info);
  EXPECT_EQ(numbers.computeUnits, 108);
  EXPECT_DOUBLE_EQ(numbers.clockGHz, 1.41);
  EXPECT_EQ(numbers.memoryGBs, 2039);
  EXPECT_EQ(numbers.sharedBytes, 164 * 1024);
}

TEST(Model, EveryTargetHasATime) {
  for (const TargetInfo &target : allTargets())
    for (bool masked : {false, true}) {
      ProblemShape problem = shape(64, 64, masked);
      const CallSizes call{1, 8, 8, 1024, 1024, masked};
      if (target.backend == Backend::Host)
        problem.elementBytes = 4;
      const Schedule schedule = Schedule::choose(problem, target);
      const TimeTerms terms =
          TimeModel(problem, call, target, DeviceNumbers()).terms(schedule);
      EXPECT_TRUE(std::isfinite(terms.us) && terms.us > 1)
          << target.name.str() << " " << schedule.str() << " " << terms.us;
    }
}

TEST(Model, RanksAThousandInFiveMilliseconds) {
  for (bool masked : {false, true}) {
    const ProblemShape problem = shape(64, 64, masked);
    const CallSizes call{4, 32, 32, 4096, 4096, masked};
    std::vector<Schedule> schedules;
    for (int bm : {64, 128, 192})
      for (int bn = 32; bn <= 176; bn += 16)
        for (const char *walk : {"tiles", "resident", "dynamic"})
          for (const char *rest :
               {"", ", rescale=always", ", stages=1", ", stages=3",
                ", p=shared", ", overlap=off", ", cluster=2", ", order=forward",
                ", order=reverse", ", pingpong=off", ", anchor=on",
                ", loops=split", ", loops=one"}) {
            auto schedule =
                Schedule::parse("flash_fwd_ws.v1<bm=" + std::to_string(bm) +
                                    ", bn=" + std::to_string(bn) +
                                    ", grid=" + walk + rest + ">",
                                problem, hopper());
            if (schedule)
              schedules.push_back(*schedule);
            else
              llvm::consumeError(schedule.takeError());
          }
    ASSERT_GE(schedules.size(), 1000U);
    double least = 1e9;
    for (int run = 0; run < 7; ++run) { // others have the processor at times
      const auto begin = std::chrono::steady_clock::now();
      TimeModel model(problem, call, hopper(), DeviceNumbers());
      double sum = 0;
      for (const Schedule &schedule : schedules)
        sum += model.microseconds(schedule);
      EXPECT_GT(sum, 0);
      const std::chrono::duration<double, std::milli> took =
          std::chrono::steady_clock::now() - begin;
      least = std::min(least, took.count());
    }
    const double each = 1000 * least / double(schedules.size());
    printf("%s: %.2f us a schedule, walks among it\n",
           masked ? "causal" : "full", each);
#ifdef NDEBUG
    EXPECT_LT(each, 5);
#endif
  }
}
} // namespace
