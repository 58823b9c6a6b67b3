// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a model misjudges, learnt while a search goes on: the ratio of measured
// to predicted times as a product of factors, one for each value of a field and
// one for each pair of values. Factors of what was seen rarely stay near one.
#ifndef ATTN_JIT_AUTOTUNE_RANKER_H
#define ATTN_JIT_AUTOTUNE_RANKER_H

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace attn_jit::tune {

/// Deterministic: the same observations in the same order give the same
/// factors.
class Ranker {
public:
  /// Gives each schedule the number of its place.
  explicit Ranker(const std::vector<std::string> &schedules);

  /// `logRatio` of measured to predicted time.
  void observe(size_t schedule, double logRatio);
  void fit();
  /// Of the last fit.
  double logRatioOf(size_t schedule) const;

private:
  std::vector<std::vector<unsigned>> features; ///< of each schedule
  std::vector<double> effects;                 ///< of each feature
  std::vector<unsigned> singles;               ///< features that are no pair
  std::vector<std::pair<size_t, double>> seen;
  double mean = 0;
};

} // namespace attn_jit::tune

#endif
