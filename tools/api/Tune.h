// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The schedules among which a tuner searches: the legal space of a description
// on a target, ranked by the model. Keeps no state; any number of threads.
#ifndef ATTN_JIT_TOOLS_API_TUNE_H
#define ATTN_JIT_TOOLS_API_TUNE_H

#include "runtime/Runtime.h"
#include "tools/api/Compile.h"

namespace attn_jit::api {

struct TuneCall {
  int64_t batch = 1, queryHeads = 1, kvHeads = 1, queryLen = 1, kvLen = 1;
  bool deterministic = false; ///< as TypicalCall::batchInvariant
};

struct RankedText {
  std::string schedule; ///< complete text
  double us = 0;        ///< reckoned
};

struct TuneSpace {
  std::string defaultSchedule;   ///< complete text: what serves without records
  std::vector<RankedText> heard; ///< of the texts given, those that are legal
  std::vector<RankedText> ranked;
  int64_t legal = 0;   ///< of which these are the best
  double products = 0; ///< of all fields' values
};

/// The `most` that should be the fastest, and `sample` more, drawn from the
/// rest, the same for the same numbers; in the model's order. Of `heard`, texts
/// of anybody, those that the verifier takes, in their order, with times.
/// `device` may be one of another machine; a target that no schedule holds the
/// description on is refused.
rt::Result<TuneSpace> tuneSpace(const Description &description,
                                const std::string &target, int64_t alignment,
                                const TuneCall &call,
                                const rt::DeviceInfo &device, size_t most,
                                size_t sample = 0,
                                const std::vector<std::string> &heard = {});

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_TUNE_H
