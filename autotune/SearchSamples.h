// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a search knows of its candidates: measured by this process, or by an
// earlier one of its session, whose records stand for measurements that need
// not be made again. A candidate is its place in the list, the default the
// first.
#ifndef ATTN_JIT_AUTOTUNE_SEARCHSAMPLES_H
#define ATTN_JIT_AUTOTUNE_SEARCHSAMPLES_H

#include "autotune/Search.h"

#include <map>
#include <random>

namespace attn_jit::tune {

class SearchSamples {
public:
  using Place = size_t;

  SearchSamples(const SearchSubject &subject, const std::string &defaultPick,
                std::span<const Candidate> given, Measurer &measurer,
                Journal &journal, const SearchOptions &options);

  /// What is known from before: failures, and what this session has measured;
  /// what two processes ended beside has crashed.
  rt::Status recall();
  /// Rounds of all, each in an order of its own; those that failed are gone
  /// from `rung` afterwards, the others have an estimate. The number of the
  /// step seeds the order.
  rt::Status measure(std::vector<Place> &rung, int samples,
                     const std::string &session, uint64_t step);
  /// As measure(), all beside each other: what is known of half of them counts
  /// for none.
  rt::Status measureTogether(std::vector<Place> &rung, int samples,
                             const std::string &session, uint64_t step);

  const std::vector<std::string> &schedules() const { return texts; }
  const std::string &session() const { return name; }
  /// By a model; 1 where it is not known.
  double predictedUs(Place place) const {
    return predicted[place] > 0 ? predicted[place] : 1;
  }
  bool hasFailed(Place place) const { return failed[place]; }
  /// Of the last rung that it was on.
  const Estimate &estimateOf(Place place) const { return estimates.at(place); }
  /// Less is better; the same for the same times.
  void sort(std::vector<Place> &places) const;

  double clock() const { return now; } ///< seconds that the session had spent
  double sampleSeconds() const { return perSample; } ///< of the last step
  size_t failures() const { return failedCount; }
  size_t reused() const { return reusedCount; }
  /// What the first failure said.
  std::string firstNote() const;

private:
  /// Session, schedule, samples: what tells one measurement from another.
  using Known = std::tuple<std::string, std::string, int64_t>;

  double spent() const;
  store::Record recordOf(Place place, const std::string &session) const;
  rt::Status attemptOnce(std::vector<Place> &open, int samples,
                         const std::string &session, uint64_t step,
                         std::mt19937_64 &random);
  void fail(Place place);

  const SearchSubject &subject;
  Measurer &measurer;
  Journal &journal;
  const SearchOptions &options;
  const double startSeconds;
  const std::string name;
  std::vector<std::string> texts; ///< the default first
  std::vector<double> predicted;
  std::vector<bool> failed;    ///< nothing runs them any more
  std::vector<bool> failsHere; ///< known to, when their turn comes
  std::map<Known, Estimate> known;
  std::map<Place, Estimate> estimates;
  double now = 0, perSample = 0;
  size_t failedCount = 0, reusedCount = 0;
};

} // namespace attn_jit::tune

#endif
