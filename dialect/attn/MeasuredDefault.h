// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which defaults were measured: Schedule::choose() takes them first, and a
// formula elsewhere.
#ifndef ATTN_JIT_DIALECT_ATTN_MEASUREDDEFAULT_H
#define ATTN_JIT_DIALECT_ATTN_MEASUREDDEFAULT_H

#include "dialect/attn/Schedule.h"
#include <optional>

namespace attn_jit {

/// That of such a problem, where it can hold it: one of another alignment or
/// element may not.
std::optional<Schedule> measuredDefault(const ProblemShape &problem,
                                        const TargetInfo &target);

} // namespace attn_jit

#endif
