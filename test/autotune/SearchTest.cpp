// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The search on simulated devices: what wins, what is run, and what a kill
// changes, which is nothing.
#include "autotune/Choice.h"
#include "test/autotune/Simulated.h"

#include <gtest/gtest.h>

using namespace attn_jit;
using namespace attn_jit::tune;
using store::Outcome;

/// 320 schedules of three fields whose times are a product of factors and of
/// something that no field tells; the model knows half of it.
struct Made {
  Table table;
  std::vector<Candidate> ranked;
  std::string defaultPick, best;
};

static Made made(uint64_t seed, double noise = 0.01) {
  Made all;
  all.table.noise = noise;
  all.table.seed = seed;
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> factor(1.0, 1.5), rest(1.0, 1.06);
  std::vector<double> x(8), y(8), z(5);
  for (auto *each : {&x, &y, &z})
    for (double &value : *each)
      value = factor(random);
  double least = 1e9;
  for (int i = 0; i < 8; ++i)
    for (int j = 0; j < 8; ++j)
      for (int k = 0; k < 5; ++k) {
        const std::string text = "f.v1<x=" + std::to_string(i) +
                                 ", y=" + std::to_string(j) +
                                 ", z=" + std::to_string(k) + ">";
        const double us = 100 * x[i] * y[j] * z[k] * rest(random);
        all.table.us[text] = us;
        all.ranked.push_back({text, 100 * x[i] * std::sqrt(y[j])});
        if (us < least)
          least = us, all.best = text;
      }
  std::ranges::sort(all.ranked, [](auto &a, auto &b) {
    return std::tie(a.predictedUs, a.schedule) <
           std::tie(b.predictedUs, b.schedule);
  });
  all.defaultPick = all.ranked[all.ranked.size() / 2].schedule;
  return all;
}

/// What measuring all of them as often as a final pass does would take.
static double exhaustiveSeconds(const Table &table,
                                const SearchOptions &options) {
  double seconds = 0;
  for (const auto &[schedule, us] : table.us)
    seconds += table.checkSeconds + us * 1e-6 * options.finalSamples;
  return seconds;
}

static SearchOptions tenthOf(const Table &table) {
  SearchOptions options;
  options.budgetSeconds = exhaustiveSeconds(table, options) / 10;
  options.at = "2026-01-01T00:00:00Z";
  return options;
}

/// In chunks of at most so many.
static void findsTheBest(size_t mostChunk) {
  double product = 1, worst = 1;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Made all = made(seed);
    SimulatedMeasurer device(all.table);
    MemoryJournal journal;
    SearchOptions options = tenthOf(all.table);
    options.mostChunk = mostChunk;
    auto report = search(subjectOf("p"), all.defaultPick, all.ranked, device,
                         journal, options);
    ASSERT_TRUE(report) << report.error().text;
    EXPECT_LE(report->seconds, options.budgetSeconds * 1.1);
    const double share =
        all.table.us.at(all.best) / all.table.us.at(report->winner);
    product *= share;
    worst = std::min(worst, share);
    EXPECT_TRUE(journal.finished);
  }
  const double mean = std::pow(product, 1.0 / 20);
  std::printf("20 spaces of 320, chunks of %zu: %.4f of the optimum, worst "
              "%.4f\n",
              mostChunk, mean, worst);
  EXPECT_GE(mean, 0.98);
  EXPECT_GE(worst, 0.95);
}

TEST(Search, FindsTheBestInATenthOfTheTime) { findsTheBest(16); }
TEST(Search, FindsItInTheChunksOfASharedSearchToo) { findsTheBest(64); }

TEST(Search, TellsAheadWhatItMayMeasure) {
  struct Listening : SimulatedMeasurer {
    using SimulatedMeasurer::SimulatedMeasurer;
    void prepare(std::span<const std::string> schedules) override {
      next.assign(schedules.begin(), schedules.end());
      sizes.push_back(next.size());
    }
    void expect(std::span<const std::string> schedules) override {
      later.push_back(schedules.size());
    }
    std::vector<std::string> next;
    std::vector<size_t> sizes, later;
  };
  const Made all = made(3);
  Listening device(all.table);
  MemoryJournal journal;
  SearchOptions options;
  options.budgetSeconds = 3600, options.mostChunk = 64;
  ASSERT_TRUE(search(subjectOf("p"), all.defaultPick, all.ranked, device,
                     journal, options));
  EXPECT_EQ(device.sizes, (std::vector<size_t>{32, 64, 64, 64, 64, 16, 0}));
  EXPECT_EQ(device.later, (std::vector<size_t>{272, 208, 144, 80, 16, 0, 0}));
}

TEST(Search, IsTheSameTwice) {
  const Made all = made(3);
  std::vector<std::string> ran[2];
  std::string winner[2];
  for (int i = 0; i < 2; ++i) {
    SimulatedMeasurer device(all.table);
    MemoryJournal journal;
    auto report = search(subjectOf("p"), all.defaultPick, all.ranked, device,
                         journal, tenthOf(all.table));
    ASSERT_TRUE(report);
    ran[i] = device.ran;
    winner[i] = report->winner;
  }
  EXPECT_EQ(ran[0], ran[1]);
  EXPECT_EQ(winner[0], winner[1]);
}

/// Sets of records, without their order.
static std::multiset<std::string> texts(const MemoryJournal &journal) {
  std::multiset<std::string> all;
  for (const store::StoredRecord &each : journal.all)
    all.insert(each.record.schedule + " " + each.record.session + " " +
               std::to_string(each.record.samples) + " " +
               std::string(each.record.outcome == Outcome::Ok ? "ok" : "bad"));
  return all;
}

TEST(Search, ContinuesWhereItWasKilled) {
  Made all = made(5);
  all.table.noise = 0; // samples are drawn by their number, which a kill resets
  all.table.failures[all.ranked[3].schedule] = Outcome::Crashed;
  all.table.failures[all.ranked[40].schedule] = Outcome::Wrong;
  SimulatedMeasurer undisturbed(all.table);
  MemoryJournal whole;
  const SearchOptions options = tenthOf(all.table);
  auto expected = search(subjectOf("p"), all.defaultPick, all.ranked,
                         undisturbed, whole, options);
  ASSERT_TRUE(expected);
  for (int killAfter : {0, 5, 16, 17, 50, 100, 150}) {
    MemoryJournal journal;
    size_t runs = 0;
    while (true) {
      SimulatedMeasurer device(all.table);
      device.killAfter = runs ? -1 : killAfter;
      auto report = search(subjectOf("p"), all.defaultPick, all.ranked, device,
                           journal, options);
      ++runs;
      journal.restart();
      if (!report) {
        EXPECT_EQ(report.error().text, "killed");
        continue;
      }
      EXPECT_EQ(report->winner, expected->winner) << killAfter;
      EXPECT_EQ(report->measured, expected->measured) << killAfter;
      EXPECT_EQ(report->reused > 0, killAfter >= 16) << killAfter;
      break;
    }
    EXPECT_EQ(runs, 2u);
    EXPECT_EQ(texts(journal), texts(whole)) << killAfter;
  }
}

TEST(Search, SurvivesAKillAtEachRun) {
  Made all = made(6);
  all.table.noise = 0;
  SimulatedMeasurer undisturbed(all.table);
  MemoryJournal whole;
  SearchOptions options = tenthOf(all.table);
  auto expected = search(subjectOf("p"), all.defaultPick, all.ranked,
                         undisturbed, whole, options);
  ASSERT_TRUE(expected);
  // A process a chunk: each is killed in its second one, by somebody who does
  // not choose what runs then.
  MemoryJournal journal;
  rt::Result<SearchReport> report = rt::failed("not run");
  int runs = 0;
  for (; runs < 100 && !report; ++runs) {
    SimulatedMeasurer device(all.table);
    device.killAfter = 16 + runs % 7;
    report = search(subjectOf("p"), all.defaultPick, all.ranked, device,
                    journal, options);
    if (!report)
      journal.restart();
  }
  ASSERT_TRUE(report);
  EXPECT_GT(runs, 5);
  EXPECT_EQ(report->winner, expected->winner);
  EXPECT_EQ(report->failed, 0u);
}

TEST(Search, DoesNotRunAgainWhatFailed) {
  for (Outcome outcome : {Outcome::Wrong, Outcome::Crashed, Outcome::TimedOut,
                          Outcome::LaunchFailed, Outcome::CompileFailed}) {
    Made all = made(7);
    all.table.failures[all.best] = outcome;
    MemoryJournal journal;
    SearchOptions options = tenthOf(all.table);
    options.budgetSeconds *= 100;
    SimulatedMeasurer first(all.table);
    auto report = search(subjectOf("p"), all.defaultPick, all.ranked, first,
                         journal, options);
    ASSERT_TRUE(report);
    EXPECT_NE(report->winner, all.best);
    EXPECT_EQ(std::ranges::count(first.ran, all.best), 1);
    EXPECT_EQ(report->failed, 1u);
    // A new session of the same compiler and driver.
    journal.name = "s2";
    SimulatedMeasurer second(all.table);
    ASSERT_TRUE(search(subjectOf("p"), all.defaultPick, all.ranked, second,
                       journal, options));
    EXPECT_EQ(std::ranges::count(second.ran, all.best), 0);
    // Another driver: another try, which now works.
    all.table.failures.clear();
    journal.name = "s3";
    SearchSubject other = subjectOf("p");
    other.driver = "d2";
    SimulatedMeasurer third(all.table);
    report =
        search(other, all.defaultPick, all.ranked, third, journal, options);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->winner, all.best);
  }
}

TEST(Search, TakesWhatEndedTheTunerTwiceAsACrash) {
  const Made all = made(8);
  const std::string deadly = all.ranked[2].schedule;
  MemoryJournal journal;
  for (int run = 0; run < 2; ++run) {
    SimulatedMeasurer device(all.table);
    device.killAfter = 3; // the default, then the ranked: that is `deadly`
    auto report = search(subjectOf("p"), all.defaultPick, all.ranked, device,
                         journal, tenthOf(all.table));
    ASSERT_FALSE(report);
    EXPECT_EQ(device.ran.back(), deadly);
    journal.restart();
    EXPECT_EQ(journal.interrupted().size(), size_t(run + 1));
  }
  SimulatedMeasurer device(all.table);
  ASSERT_TRUE(search(subjectOf("p"), all.defaultPick, all.ranked, device,
                     journal, tenthOf(all.table)));
  EXPECT_EQ(std::ranges::count(device.ran, deadly), 0);
  const auto crashed = std::ranges::find_if(journal.all, [](auto &each) {
    return each.record.outcome == Outcome::Crashed;
  });
  ASSERT_NE(crashed, journal.all.end());
  EXPECT_EQ(crashed->record.schedule, deadly);
}

TEST(Search, MeasuresAgainWhatTheDeviceSlowedDown) {
  const Made all = made(9);
  SimulatedMeasurer device(all.table);
  device.throttled = {{all.best, 2}, {all.ranked[1].schedule, 1000}};
  MemoryJournal journal;
  SearchOptions options = tenthOf(all.table);
  options.budgetSeconds *= 100;
  auto report = search(subjectOf("p"), all.defaultPick, all.ranked, device,
                       journal, options);
  ASSERT_TRUE(report);
  EXPECT_GE(all.table.us.at(all.best) / all.table.us.at(report->winner), 0.99);
  EXPECT_EQ(report->failed, 0u);
  for (const store::StoredRecord &each : journal.all)
    if (each.record.outcome == Outcome::Throttled)
      EXPECT_EQ(each.record.samples, 0);
}

TEST(Search, DefaultStaysWhereNothingBeatsItBeyondNoise) {
  Table table;
  table.noise = 0.02;
  std::vector<Candidate> ranked;
  for (int i = 0; i < 64; ++i) {
    const std::string text = "f.v1<x=" + std::to_string(i) + ">";
    table.us[text] = 100 + 0.001 * i;
    ranked.push_back({text, 0});
  }
  int kept = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    table.seed = seed;
    SimulatedMeasurer device(table);
    MemoryJournal journal;
    SearchOptions options;
    options.budgetSeconds = 10;
    auto report = search(subjectOf("p"), ranked[63].schedule, ranked, device,
                         journal, options);
    ASSERT_TRUE(report);
    kept += report->winner == ranked[63].schedule;
    if (report->winner != ranked[63].schedule) {
      EXPECT_LT(report->ratio(), 1);
    }
  }
  // Two intervals of 19 in 20 that do not meet are rare, not impossible.
  EXPECT_GE(kept, 19);
}

TEST(Search, EndsWhenIntervalsSeparate) {
  Made all = made(10, /*noise=*/0.001);
  for (auto &[schedule, us] : all.table.us)
    us = schedule == all.best ? 50 : 100;
  SimulatedMeasurer device(all.table);
  MemoryJournal journal;
  SearchOptions options = tenthOf(all.table);
  options.budgetSeconds *= 1000;
  auto report = search(subjectOf("p"), all.defaultPick, all.ranked, device,
                       journal, options);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->stop, Stop::Separated);
  EXPECT_EQ(report->winner, all.best);
  EXPECT_LT(report->seconds, options.budgetSeconds / 100);
}

TEST(Search, RecordsAreServedByTheChoice) {
  const Made all = made(11);
  SimulatedMeasurer device(all.table);
  MemoryJournal journal;
  auto report = search(subjectOf("p"), all.defaultPick, all.ranked, device,
                       journal, tenthOf(all.table));
  ASSERT_TRUE(report);
  ChoiceQuery query;
  query.device = subjectOf("p").device;
  query.compiler = "c1", query.driver = "d1";
  query.defaultPick = all.defaultPick;
  query.exact = journal.all;
  query.legal = [](const std::string &) { return true; };
  const Chosen chosen = choose(query);
  EXPECT_EQ(chosen.schedule, report->winner);
  EXPECT_EQ(chosen.source, Source::Exact);
  EXPECT_DOUBLE_EQ(chosen.ratio, report->ratio());
}

TEST(Search, SaysSoWhereNothingRuns) {
  Made all = made(12);
  for (const auto &[schedule, us] : all.table.us)
    all.table.failures[schedule] = Outcome::LaunchFailed;
  SimulatedMeasurer device(all.table);
  MemoryJournal journal;
  auto report = search(subjectOf("p"), all.defaultPick, all.ranked, device,
                       journal, tenthOf(all.table));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().text,
            "tune: no schedule ran; the first said: simulated");
}
