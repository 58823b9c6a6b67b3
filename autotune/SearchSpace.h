// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The schedules that a target can hold for a problem. No rule of a family is
// known here: its verifier is asked, and what it reads while it answers says
// which fields the answer depends on. One answer therefore settles all
// schedules that agree on those fields: 576 thousand of them settle the 70
// million products of flash_fwd_ws.v1 without grouped heads, in 1.3 s of one
// core (test/autotune/SearchSpaceTest.cpp prints the figures).
//
// No field of a schedule changes what is computed or to which precision: that
// is the description's (element types, precision, softcap). Fields change the
// order of roundings (bn, and what decides which blocks share a step) and
// nothing else: probabilities are rounded to 16 bits by p=registers as by
// p=shared, and rescale=moved leaves out products with one. A field that did
// more would belong to the problem (Problem.h), not to this space.
#ifndef ATTN_JIT_AUTOTUNE_SEARCHSPACE_H
#define ATTN_JIT_AUTOTUNE_SEARCHSPACE_H

#include "dialect/attn/Schedule.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <vector>

namespace attn_jit {

/// A field that the call, not the target, leaves these values: `pack_gqa` those
/// that divide its group of heads.
struct FixedField {
  llvm::StringRef key;
  std::vector<int64_t> values;
};

struct SpaceOptions {
  std::vector<FixedField> fixed; ///< fields that a family has not are ignored
  /// Also every legal value of the fields that follow from others
  /// (ScheduleField::follows), which complete() chooses otherwise.
  bool everyBudget = false;
};

struct SpaceFigures {
  double products = 0;   ///< of all allowed values
  int64_t legal = 0;     ///< visited
  int64_t questions = 0; ///< to the verifier
};

/// Visits each legal schedule of the family once, in an order that depends on
/// the family, problem and target alone.
SpaceFigures visitLegal(const ScheduleFamily &family,
                        const ProblemShape &problem, const TargetInfo &target,
                        const SpaceOptions &options,
                        llvm::function_ref<void(const Schedule &)> visit);

/// Of all families. `time` ranks (microseconds, less is better; ties by text);
/// the first `most` in that order.
struct RankedSchedule {
  Schedule schedule;
  double us;
};
std::vector<RankedSchedule>
rankLegal(const ProblemShape &problem, const TargetInfo &target,
          const SpaceOptions &options, size_t most,
          llvm::function_ref<double(const Schedule &)> time,
          SpaceFigures *figures = nullptr);

} // namespace attn_jit

#endif
