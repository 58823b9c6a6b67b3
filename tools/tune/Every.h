// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All schedules of a list timed, none chosen: what a search is judged by.
#ifndef ATTN_JIT_TOOLS_TUNE_EVERY_H
#define ATTN_JIT_TOOLS_TUNE_EVERY_H

#include "autotune/Search.h"

namespace attn_jit::tuning {

struct EveryTime {
  tune::Candidate candidate;
  tune::Measured measured;
  double medianUs() const; ///< where Ok
};

struct EveryReport {
  std::vector<EveryTime> times; ///< in the list's order
  int samples = 0;              ///< of each
  double seconds = 0;           ///< by the measurer's clock
};

/// `samples` of each, in rounds of a random order.
rt::Result<EveryReport>
timeEvery(const std::vector<tune::Candidate> &candidates, int samples,
          tune::Measurer &measurer);

/// How many ran, the best, and what the model's pick and the median are of it.
std::string everyText(const EveryReport &report);

} // namespace attn_jit::tuning

#endif // ATTN_JIT_TOOLS_TUNE_EVERY_H
