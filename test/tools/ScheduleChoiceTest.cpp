// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which schedule serves a call of an H200, from records in memory and in a
// bundled file, and what that costs.
#include "tools/api/Engine.h"

#include "test/tools/ScheduleChoiceSample.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::test;

namespace {

/// Of this thread's processor time: other processes do not count.
double threadMilliseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e3 * double(now.tv_sec) + 1e-6 * double(now.tv_nsec);
}

std::string bundledFolder(const std::string &lines) {
  const std::string folder =
      testing::TempDir() + "bundled-" + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/records.sm_90a.jsonl") << lines;
  return folder;
}

} // namespace

TEST_F(ScheduleChoiceTest, IsTheDefaultWithoutRecords) {
  const api::ScheduleChosen made = chosen(call);
  EXPECT_EQ(made.source, tune::Source::Default);
  EXPECT_TRUE(made.schedule.empty());
}

TEST_F(ScheduleChoiceTest, FlagIsObeyed) {
  add(pass(call, tune::At::Exact, other(call), 90000));
  api::CompileOptions options = optionsOf(call);
  options.schedule = "flash_fwd_sync.v1";
  const api::ScheduleChosen made = engine().choose(what, options, call);
  EXPECT_EQ(made.source, tune::Source::Flag);
  EXPECT_EQ(made.schedule, "flash_fwd_sync.v1");
  EXPECT_EQ(lookedFor, 0);
}

TEST_F(ScheduleChoiceTest, ExactRecordsServeTheirSizesOnly) {
  add(pass(call, tune::At::Exact, other(call), 90000));
  const api::ScheduleChosen made = chosen(call);
  EXPECT_EQ(made.source, tune::Source::Exact);
  EXPECT_EQ(made.schedule, other(call));
  EXPECT_EQ(made.why,
            "measured for these sizes, 10.0 % faster than the default");
  api::TypicalCall longer = call;
  longer.kvLen += 1;
  EXPECT_EQ(source(longer), "default");
  api::TypicalCall shared = call;
  shared.kvHeads = 4;
  EXPECT_EQ(source(shared), "default");
  what.lse = true;
  EXPECT_EQ(source(call), "default");
}

TEST_F(ScheduleChoiceTest, DefaultThatWonKeepsItsKernel) {
  add(pass(call, tune::At::Exact, other(call), 120000));
  const api::ScheduleChosen made = chosen(call);
  EXPECT_EQ(made.source, tune::Source::Exact);
  EXPECT_TRUE(made.schedule.empty());
}

TEST_F(ScheduleChoiceTest, BucketServesNewLengthsWithoutAQuery) {
  add(pass(call, tune::At::Least, other(call), 90000));
  add(pass(call, tune::At::Most, other(call), 95000));
  EXPECT_EQ(source(call), "bucket");
  const int64_t before = engine().queries();
  EXPECT_EQ(before, 2);
  for (int64_t length = 3073; length < 3200; ++length) {
    api::TypicalCall near = call;
    near.queryLen = near.kvLen = length;
    EXPECT_EQ(source(near), "bucket");
    EXPECT_EQ(chosen(near).schedule, other(call));
  }
  EXPECT_EQ(engine().queries(), before);
  EXPECT_EQ(lookedFor, 1);
}

TEST_F(ScheduleChoiceTest, WithoutAllSizesNoRecordServes) {
  add(pass(call, tune::At::Exact, other(call), 90000));
  for (int64_t api::TypicalCall::*size :
       {&api::TypicalCall::batch, &api::TypicalCall::queryHeads,
        &api::TypicalCall::kvHeads, &api::TypicalCall::queryLen,
        &api::TypicalCall::kvLen}) {
    api::TypicalCall untold = call;
    untold.*size = 0;
    EXPECT_EQ(source(untold), "default");
  }
}

TEST_F(ScheduleChoiceTest, DeterministicCallsHaveRecordsOfTheirOwn) {
  add(pass(call, tune::At::Exact, other(call), 90000));
  api::TypicalCall invariant = call;
  invariant.batchInvariant = true;
  EXPECT_EQ(source(invariant), "default");
  choice.reset();
  add(pass(invariant, tune::At::Exact, other(invariant), 80000));
  EXPECT_EQ(source(invariant), "exact");
  // Whoever shares the batch.
  invariant.batch = 7;
  EXPECT_EQ(source(invariant), "exact");
}

TEST_F(ScheduleChoiceTest, WhatTheVerifierRefusesFallsThrough) {
  add(pass(call, tune::At::Exact, other(call, "stages=", "stages=4"), 50000));
  add(pass(call, tune::At::Exact, "flash_fwd_ws.v9<bm=1>", 40000));
  add(pass(call, tune::At::Exact, "flash_fwd_ws.v1<bm=128>", 40000));
  add(pass(call, tune::At::Exact, other(call), 90000));
  ASSERT_FALSE(api::isLegalSchedule(what, optionsOf(call),
                                    other(call, "stages=", "stages=4")));
  EXPECT_EQ(chosen(call).schedule, other(call));
}

TEST_F(ScheduleChoiceTest, AnotherTargetsCodeIsNotWhatWasMeasured) {
  add(pass(call, tune::At::Exact, other(call), 90000));
  api::CompileOptions options = optionsOf(call);
  options.target = "sm_80";
  EXPECT_EQ(engine().choose(what, options, call).source, tune::Source::Default);
}

TEST_F(ScheduleChoiceTest, OwnRecordsFromElsewhereNeedAListedKey) {
  auto records = pass(call, tune::At::Exact, other(call), 90000);
  for (StoredRecord &each : records)
    each.origin = "redis://cache:6379";
  add(records);
  EXPECT_EQ(source(call), "default");
}

TEST_F(ScheduleChoiceTest, NewRecordsCountFromARefreshOn) {
  EXPECT_EQ(source(call), "default");
  add(pass(call, tune::At::Exact, other(call), 90000));
  EXPECT_EQ(source(call), "default");
  engine().refresh();
  EXPECT_EQ(source(call), "exact");
  EXPECT_EQ(chosen(call).schedule, other(call));
  EXPECT_EQ(lookedFor, 2);
  // A store that was not there before.
  choice.reset();
  auto later = std::exchange(own, nullptr);
  EXPECT_EQ(source(call), "default");
  own = std::move(later);
  engine().refresh();
  EXPECT_EQ(source(call), "exact");
}

TEST_F(ScheduleChoiceTest, BundledRecordsServeWithoutAStore) {
  std::string lines = "no record\n\n";
  for (const StoredRecord &each :
       pass(call, tune::At::Exact, other(call), 90000, Voice::Bundled))
    lines += each.record.line() + "\n";
  const std::string folder = bundledFolder(lines);
  bundled = std::make_shared<const tune::BundledRecords>(folder);
  own.reset();
  EXPECT_EQ(source(call), "bundled");
  EXPECT_EQ(chosen(call).schedule, other(call));
  // What is measured here goes first.
  own = inMemory();
  add(pass(call, tune::At::Exact, other(call), 110000));
  choice.reset();
  EXPECT_EQ(source(call), "exact");
  std::filesystem::remove_all(folder);
}

TEST_F(ScheduleChoiceTest, BundledFileIsIndexedQuickly) {
  std::string lines;
  for (int64_t i = 0; i < 5000; ++i) {
    api::TypicalCall one = call;
    one.kvLen = 1 + i;
    for (const StoredRecord &each :
         pass(one, tune::At::Exact, other(call), 90000, Voice::Bundled))
      lines += each.record.line() + "\n";
  }
  const std::string folder = bundledFolder(lines);
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    const tune::BundledRecords records(folder);
    const double start = threadMilliseconds();
    EXPECT_TRUE(records.has("sm_90a"));
    best = std::min(best, threadMilliseconds() - start);
    EXPECT_FALSE(records.has("sm_80"));
  }
  std::printf("10000 lines of %zu bytes indexed in %.2f ms\n", lines.size(),
              best);
  EXPECT_LT(best, 20);
  std::filesystem::remove_all(folder);
}

TEST_F(ScheduleChoiceTest, TheModelServesWhereNothingWasMeasured) {
  // A measured default.
  EXPECT_EQ(source(call), "default");
  what.headDim = 112;
  const auto start = std::chrono::steady_clock::now();
  const api::ScheduleChosen made = chosen(call);
  std::printf("the model's pick: %.2f ms\n",
              std::chrono::duration<double, std::milli>(
                  std::chrono::steady_clock::now() - start)
                  .count());
  EXPECT_EQ(made.source, tune::Source::Model);
  EXPECT_TRUE(made.schedule.empty() ||
              api::isLegalSchedule(what, optionsOf(call), made.schedule));
  // One answer a bucket, whichever call asks first.
  api::TypicalCall near = call;
  near.kvLen = near.queryLen = 3200;
  choice.reset();
  EXPECT_EQ(chosen(near).schedule, made.schedule);
  // It does not know single precision, nor other targets.
  what.element = api::Element::F32;
  EXPECT_EQ(source(call), "default");
}

TEST_F(ScheduleChoiceTest, WhatIsMeasuredIsTold) {
  EXPECT_FALSE(chosen(call).measured);
  EXPECT_FALSE(chosen(call).fresh) << "the second time";
  add(pass(call, tune::At::Exact, other(call), 120000));
  engine().refresh();
  const api::ScheduleChosen exact = chosen(call);
  EXPECT_TRUE(exact.measured && exact.fresh && chosen(call).measured);
  // Both ends, and nothing faster: the default, and no need to look again.
  api::TypicalCall near = call;
  near.kvLen += 1;
  EXPECT_FALSE(chosen(near).measured);
  for (tune::At end : {tune::At::Least, tune::At::Most})
    add(pass(call, end, other(call), 120000));
  engine().refresh();
  EXPECT_EQ(source(near), "default");
  EXPECT_TRUE(chosen(near).measured);
}

TEST_F(ScheduleChoiceTest, AskingCostsMicroseconds) {
  for (int i = 0; i < 200; ++i) {
    api::TypicalCall one = call;
    one.queryLen = 8000 + i;
    add(pass(one, tune::At::Exact, other(call), 90000));
  }
  add(pass(call, tune::At::Least, other(call), 90000));
  add(pass(call, tune::At::Most, other(call), 95000));
  EXPECT_EQ(source(call), "bucket");
  auto microseconds = [&](auto &&callOf) {
    std::vector<double> times;
    for (int64_t i = 0; i < 1000; ++i) {
      const api::TypicalCall one = callOf(i);
      const api::CompileOptions options = optionsOf(one);
      const auto start = std::chrono::steady_clock::now();
      (void)engine().choose(what, options, one);
      times.push_back(std::chrono::duration<double, std::micro>(
                          std::chrono::steady_clock::now() - start)
                          .count());
    }
    std::ranges::sort(times);
    return times[times.size() / 2];
  };
  const double again = microseconds([&](int64_t) { return call; });
  const double fresh = microseconds([&](int64_t i) {
    api::TypicalCall one = call;
    one.kvLen = 3073 + i;
    return one;
  });
  std::printf("choose: %.2f us for a call seen before, %.2f us for a new "
              "length of its bucket\n",
              again, fresh);
  EXPECT_LT(again, 26);
  EXPECT_LT(fresh, 26);
}

TEST_F(ScheduleChoiceTest, AKernelFromMemoryTakesMicroseconds) {
  const auto engine = api::Engine::open("null");
  ASSERT_TRUE(engine.ok());
  api::KernelOptions options;
  options.target = "sm_90a";
  options.typical = call;
  api::ChosenBy by;
  ASSERT_TRUE(engine->kernel(what, options, nullptr, &by).ok());
  EXPECT_EQ(by.source, "default");
  std::vector<double> times;
  for (int64_t i = 0; i < 1000; ++i) {
    options.typical.kvLen = 4000 + i % 50;
    const auto start = std::chrono::steady_clock::now();
    (void)engine->kernel(what, options);
    times.push_back(std::chrono::duration<double, std::micro>(
                        std::chrono::steady_clock::now() - start)
                        .count());
  }
  EXPECT_EQ(engine->compiles(), 1);
  std::ranges::sort(times);
  std::printf("Engine::kernel from memory: %.2f us\n", times[times.size() / 2]);
  EXPECT_LT(times[times.size() / 2], 30);
}
