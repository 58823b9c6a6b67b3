// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A device that is a table of times, with noise, and a journal in memory. The
// noise of a sample depends on the seed, the schedule and how often it ran, so
// that two searches that measure the same see the same.
#ifndef ATTN_JIT_TEST_AUTOTUNE_SIMULATED_H
#define ATTN_JIT_TEST_AUTOTUNE_SIMULATED_H

#include "autotune/Search.h"

#include <map>
#include <random>
#include <set>

namespace attn_jit::tune {

struct Table {
  std::map<std::string, double> us;
  double noise = 0.01; ///< relative sigma; one sample of twenty is 1.3 times
  uint64_t seed = 1;
  std::map<std::string, store::Outcome> failures;
  double checkSeconds = 0; ///< of a schedule's first run, on the clock
};

class SimulatedMeasurer : public Measurer {
public:
  explicit SimulatedMeasurer(const Table &table) : table(table) {}

  rt::Result<std::vector<Measured>>
  measure(std::span<const std::string> schedules, std::span<const Visit> visits,
          const std::function<rt::Status(size_t)> &running) override {
    std::vector<Measured> results(schedules.size());
    for (size_t i = 0; i < schedules.size(); ++i) {
      ATTN_CHECK(running(i));
      ran.push_back(schedules[i]);
      if (killAfter-- == 0)
        return rt::failed("killed");
      if (checked.insert(schedules[i]).second)
        clock += table.checkSeconds;
      auto failure = table.failures.find(schedules[i]);
      if (failure != table.failures.end()) {
        results[i].outcome = failure->second;
        results[i].note = "simulated";
      }
      if (throttled.contains(schedules[i]) && throttled[schedules[i]]-- > 0)
        results[i].outcome = store::Outcome::Throttled;
      results[i].error = 1e-4;
    }
    const double before = clock;
    for (Visit visit : visits) {
      Measured &result = results[visit];
      if (result.outcome != store::Outcome::Ok)
        continue;
      const double sample = sampleOf(schedules[visit]);
      clock += sample * 1e-6;
      ++samples;
      result.samplesUs.push_back(sample);
    }
    perSample = (clock - before) / std::max<double>(double(visits.size()), 1);
    return results;
  }
  double seconds() const override { return clock; }
  double sampleSeconds() const override { return perSample; }

  double clock = 0, perSample = 0;
  int64_t samples = 0;
  int killAfter = -1; ///< runs until an error like a lost device
  std::vector<std::string> ran;
  std::map<std::string, int> throttled; ///< how many more times

private:
  double sampleOf(const std::string &schedule) {
    // By content, so that a resumed search sees what the killed one would have.
    const uint64_t own = std::hash<std::string>()(schedule);
    std::mt19937_64 random(table.seed * 7919 + own + 31 * counts[schedule]++);
    std::normal_distribution<double> normal(1, table.noise);
    const bool preempted = table.noise > 0 && random() % 20 == 0;
    return table.us.at(schedule) * normal(random) * (preempted ? 1.3 : 1);
  }

  const Table &table;
  std::map<std::string, uint64_t> counts;
  std::set<std::string> checked;
};

/// Survives a "kill": a second search is given the same one.
class MemoryJournal : public Journal {
public:
  const std::vector<store::StoredRecord> &records() const override {
    return all;
  }
  std::string session() const override { return name; }
  double spentSeconds() const override { return spentBefore; }
  std::optional<StepTimes> timesOf(uint64_t step) const override {
    auto found = steps.find(step);
    return found == steps.end() ? std::nullopt : std::optional(found->second);
  }
  std::vector<std::string> interrupted() const override { return suspects; }

  rt::Status running(const std::string &schedule) override {
    current = schedule;
    return rt::success();
  }
  rt::Status add(std::span<const store::Record> records, uint64_t step,
                 const StepTimes &times) override {
    for (const store::Record &record : records)
      all.push_back({record, store::Voice::Own, {}});
    current.clear();
    spent = times.spentSeconds;
    steps[step] = times;
    return rt::success();
  }
  rt::Status finish() override {
    finished = true;
    return rt::success();
  }

  /// What a new process finds.
  void restart() {
    spentBefore = spent;
    if (!current.empty())
      suspects.push_back(current);
    current.clear();
  }

  std::vector<store::StoredRecord> all;
  std::string name = "s1";
  bool finished = false;

private:
  double spent = 0, spentBefore = 0;
  std::map<uint64_t, StepTimes> steps;
  std::string current;
  std::vector<std::string> suspects;
};

inline SearchSubject subjectOf(const std::string &problem) {
  SearchSubject subject;
  subject.problem.add("description", problem);
  subject.device.add("name", "simulated");
  subject.compiler = "c1", subject.driver = "d1";
  return subject;
}

} // namespace attn_jit::tune

#endif
