// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Time of a repeated action by device events. Every sample is one call between
// two events of its own; warm-up samples are thrown away.
#ifndef ATTN_JIT_RUNTIME_TIMER_H
#define ATTN_JIT_RUNTIME_TIMER_H

#include "runtime/Runtime.h"

#include <functional>

namespace attn_jit::rt {

struct TimerOptions {
  double warmupMs = 25, repMs = 100;
  int minSamples = 5, maxSamples = 10000;
  /// Writes twice the last-level cache before each sample, outside its events,
  /// so that each call reads its inputs from memory.
  bool flushCache = true;
};

struct Timing {
  double medianMs = 0;
  double spreadMs = 0; ///< interquartile range: 75th less 25th percentile
  double minMs = 0, maxMs = 0, meanMs = 0;
  bool flushedCache = false;
  std::vector<double> samplesMs; ///< in the order taken
};

/// Calls `action`, which enqueues on `stream`, until repMs of measured time
/// have gone by.
Result<Timing> measure(const Device &device, const Stream &stream,
                       const std::function<Status()> &action,
                       const TimerOptions &options = {});

/// The statistics alone; percentiles interpolate between neighbours.
Timing summarize(std::vector<double> samplesMs);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_TIMER_H
