// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a thread of a warp that multiplies by itself holds: every schedule's
// register model on such targets.
#ifndef ATTN_JIT_DIALECT_ATTN_SCHEDULES_WARPREGISTERS_H
#define ATTN_JIT_DIALECT_ATTN_SCHEDULES_WARPREGISTERS_H

#include "dialect/attn/Schedule.h"

namespace attn_jit {

/// Output and scores in f32, the query where it stays in registers, operands in
/// flight, addresses and row statistics. Fitted to ptxas 13.0, so that none of
/// test/codegen/nvptx/corners.test spills.
inline int64_t warpRegisters(const ProblemShape &problem,
                             const TargetInfo &target, int64_t rows, int64_t bn,
                             bool sharedQuery) {
  auto padded = [&](int64_t dim) {
    return (dim + target.productDepth - 1) / target.productDepth *
           target.productDepth;
  };
  int64_t d = padded(problem.headDim), dv = padded(problem.valueDim);
  int64_t query = sharedQuery ? rows / 4 : rows * d / 2 / target.unitThreads;
  return rows * (dv + bn) / target.unitThreads + query + rows / 4 + 40;
}

} // namespace attn_jit

#endif
