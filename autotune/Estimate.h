// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A time from samples: their median, and how far it may be off. Medians and
// median deviations from them stand a preempted launch; means do not.
#ifndef ATTN_JIT_AUTOTUNE_ESTIMATE_H
#define ATTN_JIT_AUTOTUNE_ESTIMATE_H

#include "runtime/store/records/Record.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace attn_jit::tune {

struct Estimate {
  double medianUs = 0, madUs = 0; ///< median of |sample - median|
  int64_t samples = 0;

  /// Half of an interval that holds the median of as many samples 19 times of
  /// 20, were they normal: sigma is 1.4826 MAD, a median's error 1.2533 times
  /// that of a mean. Two per mille at least, which is what the same kernel
  /// differs by from one load to the next.
  double halfWidth() const {
    const double sigma = 1.4826 * madUs;
    const double counted = 1.96 * 1.2533 * sigma /
                           std::sqrt(double(std::max<int64_t>(samples, 1)));
    return std::max(counted, 2e-3 * medianUs);
  }
  double lower() const { return medianUs - halfWidth(); }
  double upper() const { return medianUs + halfWidth(); }
  /// Faster by more than both may be off.
  bool beats(const Estimate &other) const { return upper() < other.lower(); }
};

inline double medianOf(std::vector<double> values) {
  if (values.empty())
    return 0;
  const size_t half = values.size() / 2;
  std::nth_element(values.begin(), values.begin() + half, values.end());
  const double above = values[half];
  if (values.size() % 2)
    return above;
  return (*std::max_element(values.begin(), values.begin() + half) + above) / 2;
}

inline Estimate estimate(const std::vector<double> &samplesUs) {
  Estimate made;
  made.samples = int64_t(samplesUs.size());
  made.medianUs = medianOf(samplesUs);
  std::vector<double> off;
  off.reserve(samplesUs.size());
  for (double sample : samplesUs)
    off.push_back(std::abs(sample - made.medianUs));
  made.madUs = medianOf(std::move(off));
  return made;
}

/// Records keep whole nanoseconds: what is decided by a measurement is decided
/// by what its record says, so that it can be decided again.
inline void setTime(store::Record &record, const Estimate &measured) {
  record.medianNs = std::max<int64_t>(std::llround(measured.medianUs * 1e3), 1);
  record.madNs = std::llround(measured.madUs * 1e3);
  record.samples = measured.samples;
}

inline Estimate timeOf(const store::Record &record) {
  return {double(record.medianNs) / 1e3, double(record.madNs) / 1e3,
          record.samples};
}

} // namespace attn_jit::tune

#endif
