// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The search on times that were measured on an H200, docs/perf. A line holds
// the schedules within a quarter of the best of a call, so these spaces are
// small and good throughout; the search is told nothing by a model, and finds
// its way by what it measures.
#include "test/autotune/Simulated.h"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace attn_jit;
using namespace attn_jit::tune;

static std::vector<Table> recordedTables() {
  std::vector<Table> tables;
  std::ifstream file(ATTN_TEST_TIMES);
  std::string line;
  while (std::getline(file, line)) {
    const auto call = nlohmann::json::parse(line, nullptr, false);
    Table table;
    for (const auto &[schedule, us] : call["us"].items())
      table.us[schedule] = us.get<double>();
    table.seed = tables.size() + 1;
    tables.push_back(std::move(table));
  }
  return tables;
}

namespace {
struct Shares {
  double logSum = 0, worst = 1;
  size_t count = 0, candidates = 0;
  double budget = 0, used = 0;
  void add(double share) {
    logSum += std::log(share);
    worst = std::min(worst, share);
    ++count;
  }
  double mean() const { return std::exp(logSum / double(count)); }
};
} // namespace

static Shares searchAll(const std::vector<Table> &tables, double tenth) {
  Shares shares;
  for (const Table &table : tables) {
    SearchOptions options;
    options.at = "2026-01-01T00:00:00Z";
    double exhaustive = 0, best = INFINITY;
    std::vector<Candidate> candidates;
    for (const auto &[schedule, us] : table.us) {
      exhaustive += us * 1e-6 * options.finalSamples;
      best = std::min(best, us);
      candidates.push_back({schedule, 0});
    }
    options.budgetSeconds = exhaustive * tenth;
    // Whatever comes first by its text is the "default": no help from it.
    SimulatedMeasurer device(table);
    MemoryJournal journal;
    auto report = search(subjectOf("p"), candidates.front().schedule,
                         candidates, device, journal, options);
    EXPECT_TRUE(report) << report.error().text;
    shares.add(best / table.us.at(report->winner));
    shares.candidates += candidates.size();
    shares.budget += options.budgetSeconds, shares.used += report->seconds;
  }
  return shares;
}

TEST(Regret, OfRecordedTimesWithinATenth) {
  const auto tables = recordedTables();
  ASSERT_EQ(tables.size(), 224u);
  for (double tenth : {0.1, 0.3, 1.0}) {
    const Shares shares = searchAll(tables, tenth);
    std::printf("%zu calls, %.0f schedules each, %.0f %% of exhaustive given, "
                "%.0f %% used: %.4f of the optimum, worst %.4f\n",
                shares.count, double(shares.candidates) / double(shares.count),
                100 * tenth, 100 * tenth * shares.used / shares.budget,
                shares.mean(), shares.worst);
    if (tenth >= 0.3) {
      EXPECT_GE(shares.mean(), 0.98);
    }
  }
}

/// Twelve problems of 320 schedules each, the model's 64 best and 256 drawn
/// from the legal space, timed on an H100 (scripts/join_spaces.py). Six of them
/// were chosen when the model was fixed, and were not looked at before.
struct Space {
  Table table;
  std::vector<Candidate> candidates;
  std::string standard;
  double best = INFINITY, exhaustiveUs = 0;
};

static std::vector<Space> timedSpaces() {
  std::vector<Space> spaces;
  std::ifstream file(ATTN_TEST_SPACES);
  std::string line;
  while (std::getline(file, line)) {
    const auto read = nlohmann::json::parse(line, nullptr, false);
    Space space;
    for (const auto &[schedule, times] : read["times"].items()) {
      const double us = times[1].get<double>();
      space.table.us[schedule] = us;
      space.candidates.push_back({schedule, times[0].get<double>()});
      space.best = std::min(space.best, us);
      space.exhaustiveUs += us;
    }
    // As a tuner gets them: in the model's order.
    std::ranges::sort(space.candidates, {}, &Candidate::predictedUs);
    space.table.seed = spaces.size() + 1;
    space.standard = read["default"].get<std::string>();
    spaces.push_back(std::move(space));
  }
  return spaces;
}

TEST(Regret, OfTimedSpacesWithinATenth) {
  const std::vector<Space> spaces = timedSpaces();
  ASSERT_EQ(spaces.size(), 12u);
  Shares found, picked;
  for (const Space &space : spaces) {
    std::vector<double> all;
    for (const auto &[schedule, us] : space.table.us)
      all.push_back(us);
    ASSERT_GE(all.size(), 300u);
    EXPECT_LE(space.best / medianOf(all), 0.8) << "a space that is too good";
    const double pickUs = space.table.us.at(space.candidates[0].schedule);
    picked.add(space.best / pickUs);
    SearchOptions options;
    options.at = "2026-01-01T00:00:00Z";
    options.budgetSeconds =
        0.1 * space.exhaustiveUs * 1e-6 * options.finalSamples;
    MemoryJournal journal;
    // The default, where it is not of the list, is as slow as the median: no
    // help from it.
    Table known = space.table;
    known.us.emplace(space.standard, medianOf(all));
    SimulatedMeasurer measurer(known);
    auto report = search(subjectOf("p"), space.standard, space.candidates,
                         measurer, journal, options);
    ASSERT_TRUE(report) << report.error().text;
    EXPECT_LE(report->seconds, options.budgetSeconds * 1.05);
    found.add(space.best / known.us.at(report->winner));
    std::printf("  %.3f of the optimum, the pick %.3f, the median %.3f; %zu of "
                "%zu measured\n",
                space.best / known.us.at(report->winner), space.best / pickUs,
                space.best / medianOf(all), report->measured, all.size());
  }
  std::printf("12 problems within a tenth of exhaustive: %.4f of the optimum, "
              "worst %.4f; the model's pick alone %.4f, worst %.4f\n",
              found.mean(), found.worst, picked.mean(), picked.worst);
  EXPECT_GE(found.mean(), 0.98);
  EXPECT_GE(found.worst, 0.95);
  EXPECT_GE(picked.mean(), 0.92);
}

/// A chance pick of a list, for scale: what the figures above are to beat.
TEST(Regret, OfAChancePick) {
  Shares shares;
  for (const Table &table : recordedTables()) {
    double best = INFINITY;
    std::vector<double> all;
    for (const auto &[schedule, us] : table.us) {
      best = std::min(best, us);
      all.push_back(us);
    }
    shares.add(best / medianOf(all));
  }
  std::printf("the median schedule: %.4f of the optimum\n", shares.mean());
  EXPECT_LT(shares.mean(), 0.97);
}
