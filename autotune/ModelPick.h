// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the model would serve where nobody measured: the fastest of the few
// dozen schedules that differ in tile and walk, each completed by its family.
// To rank the whole legal space takes seconds; this a millisecond.
#ifndef ATTN_JIT_AUTOTUNE_MODELPICK_H
#define ATTN_JIT_AUTOTUNE_MODELPICK_H

#include "autotune/Model.h"

#include <optional>
#include <vector>

namespace attn_jit {

/// Are its times of this target held to measurements (docs/perf/model.md)?
bool modelKnows(const TargetInfo &target);

/// Of flash_fwd_ws.v1, all legal: the fields that decide most. Empty where the
/// target has no such schedule.
std::vector<Schedule> likelySchedules(const ProblemShape &problem,
                                      const TargetInfo &target);

/// The fastest of them; nothing where the model is held to no measurements.
std::optional<Schedule> modelPick(const ProblemShape &problem,
                                  const CallSizes &call,
                                  const TargetInfo &target,
                                  const DeviceNumbers &device);

} // namespace attn_jit

#endif
