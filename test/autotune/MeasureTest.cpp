// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels that crash, hang or are wrong, in a scripted worker: each becomes the
// outcome of its own schedule, and the others are measured all the same.
#include "autotune/Measure.h"

#include <atomic>
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::tune;
using store::Outcome;

class MeasureTest : public testing::Test {
protected:
  void SetUp() override {
    folder = testing::TempDir() + "measure." + std::to_string(getpid());
    std::filesystem::create_directories(folder);
    options.command = {"/usr/bin/env", "python3", ATTN_TEST_WORKER};
    options.folder = folder;
    options.compileThreads = 2;
    options.loadSeconds = options.sampleSeconds = 5;
    options.compile = [this](const std::string &schedule) -> CompiledPath {
      ++compiled;
      if (schedule == "no_compile")
        return rt::failed("out of registers");
      return folder + "/" + schedule;
    };
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  rt::Result<std::vector<Measured>> measure(Measurer &measurer, int rounds) {
    std::vector<Visit> visits;
    for (int i = 0; i < rounds; ++i)
      for (size_t j = 0; j < schedules.size(); ++j)
        visits.push_back(j);
    return measurer.measure(schedules, visits, [&](size_t which) {
      started.push_back(schedules[which]);
      return rt::success();
    });
  }

  WorkerOptions options;
  std::string folder;
  std::atomic<int> compiled{0};
  std::vector<std::string> schedules, started;
};

TEST_F(MeasureTest, TimesEachInTurn) {
  schedules = {"ok=5", "ok=7"};
  WorkerMeasurer measurer(options);
  auto results = measure(measurer, 3);
  ASSERT_TRUE(results) << results.error().text;
  EXPECT_EQ((*results)[0].samplesUs, (std::vector<double>{5, 5, 5}));
  EXPECT_EQ((*results)[1].samplesUs, (std::vector<double>{7, 7, 7}));
  EXPECT_EQ((*results)[1].error, 1e-4);
  EXPECT_EQ((*results)[1].clockMHz, 1980);
  EXPECT_EQ(started, schedules);
  EXPECT_EQ(measurer.workers(), 1);
  // The same worker goes on, and compiles and checks nothing twice.
  results = measure(measurer, 1);
  ASSERT_TRUE(results);
  EXPECT_EQ((*results)[0].error, 1e-4);
  EXPECT_EQ(measurer.workers(), 1);
  EXPECT_EQ(compiled, 2);
}

TEST_F(MeasureTest, FailuresAreTheirsWhoRan) {
  options.loadSeconds = options.sampleSeconds = 2;
  schedules = {"ok=5",          "crash_load", "hang_load", "wrong",
               "launch_failed", "crash_time", "hang_time", "nonsense",
               "no_compile",    "ok=7"};
  WorkerMeasurer measurer(options);
  auto results = measure(measurer, 4);
  ASSERT_TRUE(results) << results.error().text;
  const Outcome expected[] = {
      Outcome::Ok,       Outcome::Crashed,      Outcome::TimedOut,
      Outcome::Wrong,    Outcome::LaunchFailed, Outcome::Crashed,
      Outcome::TimedOut, Outcome::Crashed,      Outcome::CompileFailed,
      Outcome::Ok};
  for (size_t i = 0; i < schedules.size(); ++i)
    EXPECT_EQ((*results)[i].outcome, expected[i])
        << schedules[i] << ": " << (*results)[i].note;
  EXPECT_EQ((*results)[0].samplesUs, (std::vector<double>{5, 5, 5, 5}));
  EXPECT_EQ((*results)[9].samplesUs, (std::vector<double>{7, 7, 7, 7}));
  EXPECT_TRUE((*results)[5].samplesUs.empty());
  EXPECT_EQ((*results)[1].note,
            "signal 11 (Segmentation fault): about to crash");
  EXPECT_EQ((*results)[2].note, "no answer within 2 s");
  EXPECT_EQ((*results)[3].error, 0.5);
  EXPECT_EQ((*results)[4].note, "illegal address");
  EXPECT_EQ((*results)[8].note, "out of registers");
  // What does not compile never runs.
  EXPECT_EQ(std::ranges::count(started, "no_compile"), 0);
  EXPECT_EQ(std::ranges::count(started, "crash_load"), 1);
}

TEST_F(MeasureTest, AShareDoesNotLengthenAHang) {
  options.loadSeconds = options.sampleSeconds = 2;
  options.share = 0.01;
  schedules = {"hang_load"};
  WorkerMeasurer measurer(options);
  const auto results = measure(measurer, 1);
  ASSERT_TRUE(results) << results.error().text;
  EXPECT_EQ((*results)[0].outcome, Outcome::TimedOut);
  EXPECT_LT(measurer.seconds(), 60);
}

TEST_F(MeasureTest, SlowedDownIsNoMeasurement) {
  schedules = {"throttled", "ok=3", "capped"};
  WorkerMeasurer measurer(options);
  auto results = measure(measurer, 2);
  ASSERT_TRUE(results);
  // A power limit is the same for all of a kernel's launches: told, and kept.
  EXPECT_EQ((*results)[2].samplesUs.size(), 2u);
  EXPECT_EQ((*results)[2].note, "power cap");
  EXPECT_EQ((*results)[0].outcome, Outcome::Throttled);
  EXPECT_TRUE((*results)[0].samplesUs.empty());
  EXPECT_EQ((*results)[1].samplesUs.size(), 2u);
}

// Memory that ran out, or somebody's wish: no schedule sends that signal, but
// one that is there each time is taken to be the reason.
TEST_F(MeasureTest, AWorkerThatIsKilledOnceIsNoVerdict) {
  schedules = {"killed_time", "ok=3"};
  WorkerMeasurer measurer(options);
  auto results = measure(measurer, 2);
  ASSERT_TRUE(results) << results.error().text;
  EXPECT_EQ((*results)[0].outcome, Outcome::Throttled);
  EXPECT_EQ((*results)[0].note, "signal 9 (Killed)");
  EXPECT_TRUE((*results)[0].samplesUs.empty());
  EXPECT_EQ((*results)[1].samplesUs, (std::vector<double>{3, 3}));
  results = measure(measurer, 1);
  ASSERT_TRUE(results) << results.error().text;
  EXPECT_EQ((*results)[0].outcome, Outcome::Crashed);
  EXPECT_EQ((*results)[1].samplesUs, std::vector<double>{3});
}

TEST_F(MeasureTest, ADeviceThatIsNotThereIsNoSchedulesFailure) {
  schedules = {"ok=3"};
  for (const auto &[mode, text] :
       {std::pair<const char *, const char *>{
            "never", "worker: it does not get ready: exit code 1: no such "
                     "device"},
        {"silent", "worker: it does not get ready: it was silent for 1 s"},
        {"refuse", "device: lost"}}) {
    WorkerOptions own = options;
    own.command.push_back(mode);
    // What is to be silent is waited for; the others only have to start.
    own.startSeconds = std::string(mode) == "silent" ? 1 : 30;
    WorkerMeasurer measurer(own);
    auto results = measure(measurer, 1);
    ASSERT_FALSE(results) << mode;
    EXPECT_EQ(results.error().text, text);
  }
}

TEST_F(MeasureTest, JournalStopsTheCall) {
  schedules = {"ok=3"};
  WorkerMeasurer measurer(options);
  const std::vector<Visit> visits = {0};
  auto results = measurer.measure(schedules, visits, [](size_t) -> rt::Status {
    return rt::failed("disk full");
  });
  ASSERT_FALSE(results);
  EXPECT_EQ(results.error().text, "disk full");
}

TEST(CompilePool, CompilesEachOnceAndTheAskedForFirst) {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  std::vector<std::string> order;
  CompilePool pool(
      [&](const std::string &schedule) -> CompiledPath {
        std::unique_lock lock(mutex);
        order.push_back(schedule);
        changed.notify_all();
        changed.wait(lock, [&] { return open; });
        return schedule + ".json";
      },
      1);
  for (const char *each : {"a", "b", "c", "d"})
    pool.announce(each);
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return !order.empty(); });
  }
  std::thread asks([&] { EXPECT_EQ(*pool.get("d"), "d.json"); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  {
    std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }
  asks.join();
  for (const char *each : {"a", "b", "c", "d"})
    EXPECT_TRUE(pool.get(each));
  EXPECT_EQ(order, (std::vector<std::string>{"a", "d", "b", "c"}));
}
