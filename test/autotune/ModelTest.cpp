// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The time model against the committed measurements of flash_fwd_ws.v1 on an
// H200: what its pick takes there, and the best of its first eight, as shares
// of the best that was measured. Dims 64, 72, 128 and 192 were fitted; 32, 80,
// 96 and 256 were not (docs/perf/model.md).
#include "autotune/ModelPick.h"
#include "test/autotune/ModelSample.h"

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

using namespace attn_jit;
using namespace attn_jit::test;

namespace {
/// A line of the measurements: times of the schedules within a quarter of the
/// best.
struct Measured {
  ProblemShape problem;
  CallSizes call;
  std::map<std::string, double> us;
  std::string name;

  double best() const {
    double least = us.begin()->second;
    for (const auto &[text, time] : us)
      least = std::min(least, time);
    return least;
  }
  /// A schedule that is left out took more than 1.25 times the best.
  double timeOf(const std::string &text) const {
    auto at = us.find(text);
    return at == us.end() ? best() / 0.75 : at->second;
  }
};

std::vector<Measured> readMeasured() {
  std::vector<Measured> all;
  std::ifstream file(ATTN_MEASURED);
  for (std::string line; std::getline(file, line);) {
    auto json =
        nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    EXPECT_FALSE(json.is_discarded());
    Measured made;
    made.call.causal = int(json["causal"]);
    made.problem = shape(json["head_dim"], json["value_dim"], made.call.causal);
    made.call.batch = json["batch"], made.call.qLen = json["length"];
    made.call.qHeads = made.call.kvHeads = json["heads"];
    made.call.kvLen = made.call.qLen;
    for (const auto &[text, us] : json["us"].items())
      made.us[parsed(text).str()] = us; // fields younger than the file too
    made.name = "D" + std::to_string(made.problem.headDim) + "/" +
                std::to_string(made.problem.valueDim) +
                (made.call.causal ? " causal b" : " full b") +
                std::to_string(made.call.batch) + " h" +
                std::to_string(made.call.qHeads) + " s" +
                std::to_string(made.call.qLen);
    all.push_back(std::move(made));
  }
  return all;
}

const std::vector<Measured> &measured() {
  static const std::vector<Measured> all = readMeasured();
  return all;
}

/// All schedules of a problem that were timed on any call. Those that never
/// came within a quarter of a call's best are in no line, so not among them.
std::set<std::string> candidatesOf(const ProblemShape &problem) {
  std::set<std::string> all;
  for (const Measured &each : measured())
    if (each.problem.headDim == problem.headDim &&
        each.problem.valueDim == problem.valueDim &&
        each.problem.masked == problem.masked)
      for (const auto &[text, us] : each.us)
        all.insert(text);
  return all;
}

/// What scripts/sweep_schedules.py asked for beside the default, where this
/// build's verifier takes it.
std::set<std::string> sweptOf(const ProblemShape &problem) {
  std::set<std::string> all = candidatesOf(problem);
  for (int bm : {64, 128, 192})
    for (int bn : {64, 80, 96, 128, 160, 176})
      for (const char *walk :
           {"grid=resident, loops=one", "grid=resident, loops=one, anchor=on",
            "grid=resident, loops=split", "grid=tiles"}) {
        auto schedule = Schedule::parse(
            "flash_fwd_ws.v1<bm=" + std::to_string(bm) +
                ", bn=" + std::to_string(bn) + ", " + walk + ">",
            problem, hopper());
        if (!schedule) {
          llvm::consumeError(schedule.takeError());
          continue;
        }
        if (llvm::Error error = schedule->verify(problem, hopper()))
          llvm::consumeError(std::move(error));
        else
          all.insert(schedule->str());
      }
  return all;
}

struct Quality {
  double mean = 0, worst = 1; ///< of the pick
  double meanOfEight = 0, worstOfEight = 1;
  double logError = 0; ///< root of the mean square
  int calls = 0, times = 0;
  std::string worstCall;
};

Quality qualityOn(const std::set<int64_t> &dims) {
  Quality made;
  size_t least = SIZE_MAX, most = 0;
  for (const Measured &each : measured()) {
    if (!dims.contains(each.problem.headDim))
      continue;
    TimeModel model(each.problem, each.call, hopper(), DeviceNumbers());
    std::vector<std::pair<double, std::string>> ranked;
    for (const std::string &text : sweptOf(each.problem)) {
      const double us = model.microseconds(parsed(text));
      ranked.emplace_back(us, text);
      if (each.us.contains(text)) {
        made.logError += std::pow(std::log(us / each.timeOf(text)), 2);
        ++made.times;
      }
    }
    std::ranges::sort(ranked);
    least = std::min(least, ranked.size());
    most = std::max(most, ranked.size());
    const double best = each.best();
    double eight = 0;
    for (size_t i = 0; i < std::min<size_t>(8, ranked.size()); ++i)
      eight = std::max(eight, best / each.timeOf(ranked[i].second));
    const double pick = best / each.timeOf(ranked[0].second);
    made.mean += std::log(pick), made.meanOfEight += std::log(eight);
    made.worstOfEight = std::min(made.worstOfEight, eight);
    if (pick < made.worst)
      made.worst = pick, made.worstCall = each.name + ": " + ranked[0].second;
    ++made.calls;
  }
  made.mean = std::exp(made.mean / made.calls);
  made.meanOfEight = std::exp(made.meanOfEight / made.calls);
  made.logError = std::sqrt(made.logError / made.times);
  printf("%d calls of %zu to %zu schedules: pick %.3f of the best (worst %.3f, "
         "%s); best of eight %.3f "
         "(worst %.3f); times within %.1f %%\n",
         made.calls, least, most, made.mean, made.worst, made.worstCall.c_str(),
         made.meanOfEight, made.worstOfEight, 100 * made.logError);
  return made;
}

void expectRanked(const Quality &quality) {
  EXPECT_EQ(quality.calls, 112);
  EXPECT_GE(quality.mean, 0.985);
  EXPECT_GE(quality.meanOfEight, 0.995);
  EXPECT_GE(quality.worstOfEight, 0.98);
  EXPECT_LE(quality.logError, 0.08);
}

TEST(Model, RanksTheDimsThatWereFitted) {
  const Quality quality = qualityOn({64, 72, 128, 192});
  expectRanked(quality);
  EXPECT_GE(quality.worst, 0.84);
}

TEST(Model, RanksTheDimsThatWereNot) {
  const Quality quality = qualityOn({32, 80, 96, 256});
  expectRanked(quality);
  EXPECT_GE(quality.worst, 0.75);
}

/// As an engine would serve a call that nobody measured.
CallClass classOf(const Measured &each) {
  const int64_t keys = each.call.causal ? each.call.kvLen / 2 : each.call.kvLen;
  const int64_t rows = each.call.batch * each.call.qHeads * each.call.qLen;
  return {keys <= each.problem.fewKeysUpTo() ? KeyClass::Few
          : keys < kLongKeys                 ? KeyClass::Many
                                             : KeyClass::Long,
          rows <= kFewRows    ? RowClass::Few
          : rows <= kWaveRows ? RowClass::Wave
                              : RowClass::Many};
}

/// What serves where there is neither a record nor a measured default: the
/// formula of the family, or the model's pick. On the dims that the model's
/// constants were not fitted on; the formula was written by looking at some of
/// them.
TEST(Model, ItsPickBesideTheFormula) {
  double formula = 0, pick = 0, worstFormula = 1, worstPick = 1;
  int calls = 0, better = 0, worse = 0;
  for (const Measured &each : measured()) {
    if (!std::set<int64_t>{32, 80, 96, 256}.contains(each.problem.headDim))
      continue;
    ProblemShape problem = each.problem;
    problem.calls = classOf(each);
    const Schedule standard(kFlashFwdWs,
                            kFlashFwdWs.complete(problem, hopper(), {}));
    // Judged can only be what was swept.
    const std::set<std::string> swept = sweptOf(each.problem);
    TimeModel model(problem, each.call, hopper(), DeviceNumbers());
    std::pair<double, std::string> least = {INFINITY, ""};
    for (const Schedule &likely : likelySchedules(problem, hopper()))
      if (swept.contains(likely.str()))
        least = std::min(least, {model.microseconds(likely), likely.str()});
    const double best = each.best();
    const double ofFormula = best / each.timeOf(standard.str());
    const double ofPick = best / each.timeOf(least.second);
    formula += std::log(ofFormula), pick += std::log(ofPick);
    worstFormula = std::min(worstFormula, ofFormula);
    worstPick = std::min(worstPick, ofPick);
    better += ofPick > ofFormula * 1.01, worse += ofPick < ofFormula * 0.99;
    ++calls;
  }
  formula = std::exp(formula / calls), pick = std::exp(pick / calls);
  printf("%d calls: the formula %.3f of the best (worst %.3f), the pick %.3f "
         "(worst %.3f); beyond a per cent better on %d, worse on %d\n",
         calls, formula, worstFormula, pick, worstPick, better, worse);
  EXPECT_EQ(calls, 112);
  EXPECT_GE(pick, 0.985);
  EXPECT_GE(pick, formula) << "why it serves in the formula's place";
  EXPECT_GT(better, 10 * worse);
}

/// A few of each problem's schedules, on each call of the file.
template <typename Check> void onEach(Check check) {
  for (const Measured &each : measured()) {
    int number = 0;
    for (const std::string &text : candidatesOf(each.problem))
      if (number++ % 5 == 0) {
        SCOPED_TRACE(each.name + " " + text);
        check(each, parsed(text));
      }
  }
}

TEST(Model, NothingIsFasterThanTheChip) {
  const DeviceNumbers device;
  onEach([&](const Measured &each, const Schedule &schedule) {
    const double us = predictMicroseconds(schedule, each.problem, each.call,
                                          hopper(), device);
    const double pairs = double(each.call.batch * each.call.qHeads) *
                         double(each.call.qLen) * double(each.call.kvLen);
    const double flops = 2 *
                         double(each.problem.headDim + each.problem.valueDim) *
                         pairs / (each.call.causal ? 2 : 1);
    EXPECT_GT(us, flops / (4096 * 132 * device.clockGHz * 1e3));
    const double bytes = 2 *
                         double(each.problem.headDim + each.problem.valueDim) *
                         double(each.call.batch * each.call.qHeads) *
                         double(each.call.qLen + each.call.kvLen);
    EXPECT_GT(us, bytes / (device.memoryGBs * 1e3));
  });
}

TEST(Model, MoreKeysTakeLonger) {
  onEach([](const Measured &each, const Schedule &schedule) {
    CallSizes longer = each.call;
    longer.kvLen *= 2;
    const double us = predictMicroseconds(schedule, each.problem, each.call,
                                          hopper(), DeviceNumbers());
    EXPECT_GT(predictMicroseconds(schedule, each.problem, longer, hopper(),
                                  DeviceNumbers()),
              us);
  });
}

TEST(Model, FewerProcessorsTakeAsLongOrLonger) {
  onEach([](const Measured &each, const Schedule &schedule) {
    DeviceNumbers half;
    half.computeUnits /= 2;
    TimeModel whole(each.problem, each.call, hopper(), DeviceNumbers());
    TimeModel cut(each.problem, each.call, hopper(), half);
    const double us = whole.microseconds(schedule);
    const double slower = cut.microseconds(schedule);
    EXPECT_GE(slower, us);
    const int64_t rows = each.call.batch * each.call.qHeads * each.call.qLen;
    if (rows > 8 * 192 * 132) // eight rounds of the largest tiles
      EXPECT_GT(slower, 1.5 * us);
  });
}

TEST(Model, AFasterClockIsFaster) {
  onEach([](const Measured &each, const Schedule &schedule) {
    DeviceNumbers slow;
    slow.clockGHz = 1.2;
    EXPECT_GT(
        predictMicroseconds(schedule, each.problem, each.call, hopper(), slow),
        predictMicroseconds(schedule, each.problem, each.call, hopper(),
                            DeviceNumbers()));
  });
}

TEST(Model, WhatWasAskedBeforeDoesNotMatter) {
  for (const Measured &each : measured()) {
    TimeModel model(each.problem, each.call, hopper(), DeviceNumbers());
    for (const auto &[text, us] : each.us)
      EXPECT_EQ(model.microseconds(parsed(text)),
                predictMicroseconds(parsed(text), each.problem, each.call,
                                    hopper(), DeviceNumbers()));
  }
}

TEST(Model, TermsAddUp) {
  const ProblemShape problem = shape(128, 128, false);
  const CallSizes call{4, 16, 16, 4096, 4096, false};
  TimeModel model(problem, call, hopper(), DeviceNumbers());
  const TimeTerms terms = model.terms(Schedule::choose(problem, hopper()));
  // Two consumers' products of a step: 2 x 64 rows, at 4096 FLOPs a cycle.
  EXPECT_EQ(terms.bound(), "tensor");
  EXPECT_GT(terms.stepCycles, terms.tensorCycles);
  EXPECT_GT(terms.us, terms.launchUs + terms.workUs);
  EXPECT_LT(terms.us,
            terms.launchUs + terms.workUs + terms.l2Us + terms.memoryUs);
  EXPECT_GT(terms.balance, 0.9);
  EXPECT_LE(terms.balance, 1);
}

} // namespace
