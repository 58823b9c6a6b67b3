// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Backfitting with shrinkage: each feature in turn takes the mean of what the
// others leave unexplained, over as many observations more as it is shrunk by.
#include "autotune/Ranker.h"

#include <algorithm>
#include <string_view>

using namespace attn_jit::tune;

/// Observations without effect that each factor starts with; a pair must earn
/// more than a value.
static constexpr double kShrinkValue = 1, kShrinkPair = 3;
static constexpr int kSweeps = 8;

/// "bm=128" of "name.v1<bm=128, bn=64>", and the name itself.
static std::vector<std::string> parts(std::string_view schedule) {
  std::vector<std::string> found;
  const size_t open = schedule.find('<');
  found.emplace_back(schedule.substr(0, open));
  if (open == std::string_view::npos)
    return found;
  schedule.remove_prefix(open + 1);
  while (!schedule.empty()) {
    const size_t end = schedule.find_first_of(",>");
    std::string_view part = schedule.substr(0, end);
    while (part.starts_with(' '))
      part.remove_prefix(1);
    if (!part.empty())
      found.emplace_back(part);
    if (end == std::string_view::npos)
      break;
    schedule.remove_prefix(end + 1);
  }
  return found;
}

Ranker::Ranker(const std::vector<std::string> &schedules) {
  std::map<std::string, unsigned> numbers;
  std::vector<std::vector<std::string>> texts;
  std::map<std::string, size_t> counts;
  for (const std::string &schedule : schedules) {
    texts.push_back(parts(schedule));
    for (const std::string &part : texts.back())
      ++counts[part];
  }
  auto numberOf = [&](const std::string &feature, bool single) {
    auto [at, fresh] = numbers.emplace(feature, unsigned(effects.size()));
    if (fresh) {
      effects.push_back(0);
      singles.push_back(single);
    }
    return at->second;
  };
  for (const auto &own : texts) {
    std::vector<unsigned> mine;
    // What all have in common tells nothing.
    std::vector<std::string> telling;
    for (const std::string &part : own)
      if (counts[part] < schedules.size())
        telling.push_back(part);
    for (size_t i = 0; i < telling.size(); ++i) {
      mine.push_back(numberOf(telling[i], true));
      for (size_t j = 0; j < i; ++j)
        mine.push_back(numberOf(telling[j] + "&" + telling[i], false));
    }
    features.push_back(std::move(mine));
  }
}

void Ranker::observe(size_t schedule, double logRatio) {
  seen.emplace_back(schedule, logRatio);
}

void Ranker::fit() {
  if (seen.empty())
    return;
  mean = 0;
  for (const auto &[schedule, ratio] : seen)
    mean += ratio / double(seen.size());
  std::ranges::fill(effects, 0.0);
  std::vector<std::vector<size_t>> holders(effects.size());
  std::vector<double> left;
  for (size_t i = 0; i < seen.size(); ++i) {
    left.push_back(seen[i].second - mean);
    for (unsigned feature : features[seen[i].first])
      holders[feature].push_back(i);
  }
  for (int sweep = 0; sweep < kSweeps; ++sweep)
    for (bool single : {true, false})
      for (size_t feature = 0; feature < effects.size(); ++feature) {
        if (bool(singles[feature]) != single || holders[feature].empty())
          continue;
        double sum = 0;
        for (size_t i : holders[feature])
          sum += left[i] + effects[feature];
        const double effect = sum / (double(holders[feature].size()) +
                                     (single ? kShrinkValue : kShrinkPair));
        for (size_t i : holders[feature])
          left[i] += effects[feature] - effect;
        effects[feature] = effect;
      }
}

double Ranker::logRatioOf(size_t schedule) const {
  double ratio = mean;
  for (unsigned feature : features[schedule])
    ratio += effects[feature];
  return ratio;
}
