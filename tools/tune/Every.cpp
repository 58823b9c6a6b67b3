// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/tune/Every.h"
#include "tools/cli/Format.h"

#include <algorithm>
#include <numeric>
#include <random>

using namespace attn_jit;
using namespace attn_jit::tuning;

/// Measured beside each other: as many modules as a process holds with ease.
static constexpr size_t beside = 64;

static double medianOf(std::vector<double> values) {
  auto middle = values.begin() + ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double EveryTime::medianUs() const { return medianOf(measured.samplesUs); }

rt::Result<EveryReport>
tuning::timeEvery(const std::vector<tune::Candidate> &candidates, int samples,
                  tune::Measurer &measurer) {
  EveryReport report;
  report.samples = samples;
  std::vector<std::string> schedules;
  schedules.reserve(candidates.size());
  for (const tune::Candidate &each : candidates)
    schedules.push_back(each.schedule);
  measurer.prepare(schedules);
  std::mt19937_64 random(1);
  const std::span<const std::string> all = schedules;
  for (size_t from = 0; from < all.size(); from += beside) {
    const auto some = all.subspan(from, std::min(beside, all.size() - from));
    std::vector<tune::Visit> visits;
    for (int round = 0; round < samples; ++round) {
      std::vector<tune::Visit> order(some.size());
      std::iota(order.begin(), order.end(), 0);
      std::shuffle(order.begin(), order.end(), random);
      visits.insert(visits.end(), order.begin(), order.end());
    }
    ATTN_TRY(
        std::vector<tune::Measured> measured,
        measurer.measure(some, visits, [](size_t) { return rt::success(); }));
    for (size_t i = 0; i < some.size(); ++i)
      report.times.push_back({candidates[from + i], std::move(measured[i])});
  }
  report.seconds = measurer.seconds();
  return report;
}

std::string tuning::everyText(const EveryReport &report) {
  std::vector<double> all;
  const EveryTime *best = nullptr, *pick = nullptr;
  for (const EveryTime &each : report.times) {
    if (each.measured.outcome != store::Outcome::Ok)
      continue;
    all.push_back(each.medianUs());
    if (!best || each.medianUs() < best->medianUs())
      best = &each;
    if (!pick || each.candidate.predictedUs < pick->candidate.predictedUs)
      pick = &each;
  }
  std::string text = std::to_string(report.times.size()) + " timed, " +
                     std::to_string(report.times.size() - all.size()) +
                     " failed, " + std::to_string(report.samples) +
                     " samples each, " + cli::number(report.seconds, 1) +
                     " s\n";
  if (!best)
    return text;
  return text + "best: " + best->candidate.schedule + "\n  " +
         cli::number(best->medianUs(), 2) + " us; of its speed: the median " +
         cli::number(best->medianUs() / medianOf(all), 3) +
         ", the model's pick " +
         cli::number(best->medianUs() / pick->medianUs(), 3) + "\n";
}
