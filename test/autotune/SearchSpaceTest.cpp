// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The space that a verifier defines, enumerated. Where all products can be
// asked, they are.
#include "autotune/SearchSpace.h"

#include <chrono>
#include <gtest/gtest.h>
#include <set>

using namespace attn_jit;

static ProblemShape shapeOf(int64_t dim, bool masked, int64_t bytes = 2) {
  ProblemShape problem;
  problem.headDim = problem.valueDim = dim;
  problem.elementBytes = bytes;
  problem.masked = masked;
  return problem;
}

static bool legal(const Schedule &schedule, const ProblemShape &problem,
                  const TargetInfo &target) {
  llvm::Error error = schedule.verify(problem, target);
  const bool good = !error;
  llvm::consumeError(std::move(error));
  return good;
}

/// Every product, asked one by one.
static std::set<std::string> bruteForce(const ScheduleFamily &family,
                                        const ProblemShape &problem,
                                        const TargetInfo &target) {
  std::set<std::string> found;
  std::vector<size_t> place(family.fields.size());
  while (true) {
    llvm::SmallVector<int64_t> values;
    for (size_t i = 0; i < place.size(); ++i)
      values.push_back(family.fields[i].allowed[place[i]]);
    const Schedule schedule(family, values);
    if (legal(schedule, problem, target))
      found.insert(schedule.str());
    size_t i = 0;
    while (i < place.size() && ++place[i] == family.fields[i].allowed.size())
      place[i++] = 0;
    if (i == place.size())
      return found;
  }
}

static std::set<std::string> enumerated(const ScheduleFamily &family,
                                        const ProblemShape &problem,
                                        const TargetInfo &target,
                                        SpaceFigures &figures) {
  std::set<std::string> found;
  SpaceOptions options;
  options.everyBudget = true;
  figures = visitLegal(family, problem, target, options,
                       [&](const Schedule &schedule) {
                         EXPECT_TRUE(found.insert(schedule.str()).second)
                             << "visited twice: " << schedule.str();
                       });
  return found;
}

TEST(SearchSpace, IsWhatTheVerifierAcceptsOfEveryProduct) {
  size_t compared = 0;
  for (const char *name : {"sm_90a", "sm_80", "gfx942", "gfx1100", "cpu"}) {
    const TargetInfo &chip = *lookupTarget(name);
    for (const ScheduleFamily *family : {&kFlashFwdSync, &kFlashFwdAsync})
      for (int64_t dim : {64, 128, 256})
        for (int64_t bytes : {2, 4}) {
          const ProblemShape problem = shapeOf(dim, dim == 128, bytes);
          const TargetInfo &target = chip.unitsFor(bytes);
          SpaceFigures figures;
          const auto found = enumerated(*family, problem, target, figures);
          const auto expected = bruteForce(*family, problem, target);
          EXPECT_EQ(found, expected) << name << " " << family->name.str();
          EXPECT_EQ(figures.legal, int64_t(expected.size()));
          compared += expected.size();
        }
  }
  EXPECT_GT(compared, 1000u);
}

/// A family of its own, whose verifier reads fields on some ways only.
static constexpr int64_t kThree[] = {1, 2, 3};
static constexpr ScheduleField kOddFields[] = {{"a", "", kThree, {}},
                                               {"b", "", kThree, {}},
                                               {"c", "", kThree, {}},
                                               {"d", "", kThree, {}}};
static int64_t asked;
static const ScheduleFamily kOdd = {
    "odd.v1", "", kOddFields,
    [](const ProblemShape &, const TargetInfo &, const NamedFields &named) {
      return llvm::SmallVector<int64_t>{named.get("a", 1), named.get("b", 1),
                                        named.get("c", 1), named.get("d", 1)};
    },
    [](const Schedule &s, const ProblemShape &,
       const TargetInfo &) -> llvm::Error {
      ++asked;
      if (s.get("c") == 2)
        return inputError("c");
      if (s.get("a") == 3 && s.get("d") != s.get("c"))
        return inputError("d");
      return llvm::Error::success();
    }};

TEST(SearchSpace, AsksOncePerAnswer) {
  SpaceFigures figures;
  const TargetInfo &target = *lookupTarget("cpu");
  const auto found = enumerated(kOdd, shapeOf(64, false), target, figures);
  EXPECT_EQ(found, bruteForce(kOdd, shapeOf(64, false), target));
  // c=2; for c=1 and c=3: a=1, a=2, and a=3 with three d.
  EXPECT_EQ(figures.questions, 1 + 2 * (2 + 3));
  EXPECT_EQ(figures.products, 81);
  EXPECT_LT(figures.questions, 81);
}

TEST(SearchSpace, IsTheSameInTheSameOrder) {
  auto texts = [] {
    std::vector<std::string> all;
    SpaceOptions options;
    options.fixed = {{"pack_gqa", {1}}, {"cluster", {1}}, {"section", {1}}};
    visitLegal(kFlashFwdWs, shapeOf(128, true), *lookupTarget("sm_90a"),
               options, [&](const Schedule &s) { all.push_back(s.str()); });
    return all;
  };
  const auto first = texts();
  EXPECT_GT(first.size(), 300u);
  EXPECT_EQ(first, texts());
}

TEST(SearchSpace, KeepsFixedFields) {
  SpaceOptions options;
  options.fixed = {{"pack_gqa", {1}}, {"no_such_field", {7}}};
  int64_t count = 0;
  visitLegal(kFlashFwdWs, shapeOf(256, false), *lookupTarget("sm_90a"), options,
             [&](const Schedule &s) {
               ++count;
               ASSERT_EQ(s.get("pack_gqa"), 1);
             });
  EXPECT_GT(count, 0);
}

/// What complete() chooses for budgets loses no shape that any budget allows,
/// among the shapes without sections and clusters.
TEST(SearchSpace, BudgetsThatFollowLoseNothing) {
  const TargetInfo &target = *lookupTarget("sm_90a");
  for (int64_t dim : {64, 128, 256})
    for (bool masked : {false, true}) {
      SpaceOptions options;
      options.fixed = {{"section", {1}},  {"cluster", {1}}, {"pack_gqa", {1}},
                       {"q_stages", {1}}, {"rescale", {1}}, {"order", {1}}};
      std::set<std::vector<int64_t>> left, all;
      auto shape = [](const Schedule &s) {
        std::vector<int64_t> values;
        for (auto [field, value] :
             llvm::zip(s.getFamily().fields, s.getValues()))
          if (!field.follows)
            values.push_back(value);
        return values;
      };
      const ProblemShape problem = shapeOf(dim, masked);
      visitLegal(kFlashFwdWs, problem, target, options, [&](const Schedule &s) {
        ASSERT_TRUE(legal(s, problem, target));
        left.insert(shape(s));
      });
      options.everyBudget = true;
      visitLegal(kFlashFwdWs, problem, target, options,
                 [&](const Schedule &s) { all.insert(shape(s)); });
      EXPECT_EQ(left, all) << "D" << dim << (masked ? " masked" : "");
    }
}

TEST(SearchSpace, HoldsTheDefault) {
  const TargetInfo &target = *lookupTarget("sm_90a");
  for (int64_t dim : {64, 128, 256})
    for (bool masked : {false, true}) {
      const ProblemShape problem = shapeOf(dim, masked);
      const Schedule chosen = Schedule::choose(problem, target);
      bool there = false;
      SpaceOptions options;
      options.fixed = {{"section", {1}}, {"cluster", {1}}, {"pack_gqa", {1}}};
      visitLegal(chosen.getFamily(), problem, target, options,
                 [&](const Schedule &s) { there |= s == chosen; });
      EXPECT_TRUE(there) << chosen.str();
    }
}

TEST(SearchSpace, RanksTheBestOfAll) {
  const TargetInfo &target = *lookupTarget("sm_90a");
  const ProblemShape problem = shapeOf(128, true);
  SpaceOptions options;
  options.fixed = {{"section", {1}}, {"cluster", {1}}, {"pack_gqa", {1}}};
  auto time = [](const Schedule &s) {
    return double((std::hash<std::string>()(s.str()) >> 11) % 1000);
  };
  SpaceFigures figures;
  const auto all = rankLegal(problem, target, options, 1 << 24, time, &figures);
  EXPECT_EQ(int64_t(all.size()), figures.legal);
  const auto some = rankLegal(problem, target, options, 50, time);
  ASSERT_EQ(some.size(), 50u);
  for (size_t i = 0; i < some.size(); ++i)
    EXPECT_TRUE(some[i].schedule == all[i].schedule);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(),
                             [](auto &a, auto &b) { return a.us < b.us; }));
}

/// The figures that the header points to, and their limit.
TEST(SearchSpace, OfHopperTakesSeconds) {
  const TargetInfo &target = *lookupTarget("sm_90a");
  for (int64_t dim : {64, 128, 256})
    for (bool grouped : {false, true}) {
      SpaceOptions options;
      if (!grouped)
        options.fixed = {{"pack_gqa", {1}}};
      const auto start = std::chrono::steady_clock::now();
      const SpaceFigures figures =
          visitLegal(kFlashFwdWs, shapeOf(dim, true), target, options,
                     [](const Schedule &) {});
      const double seconds = std::chrono::duration<double>(
                                 std::chrono::steady_clock::now() - start)
                                 .count();
      std::printf("D%lld %s: %.0f products, %lld legal, %lld questions, "
                  "%.2f s\n",
                  static_cast<long long>(dim),
                  grouped ? "grouped heads" : "a head each", figures.products,
                  static_cast<long long>(figures.legal),
                  static_cast<long long>(figures.questions), seconds);
      EXPECT_GT(figures.legal, 300);
      EXPECT_LT(double(figures.questions), figures.products / 20);
    }
}
