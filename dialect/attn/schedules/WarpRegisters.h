// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a thread of a warp that multiplies by itself holds: every schedule's
// register model on such targets.
#ifndef ATTN_JIT_DIALECT_ATTN_SCHEDULES_WARPREGISTERS_H
#define ATTN_JIT_DIALECT_ATTN_SCHEDULES_WARPREGISTERS_H

#include "dialect/attn/Schedule.h"

namespace attn_jit {

/// Output and scores in f32, with what is made of the latter, the query where
/// it stays in registers, row statistics, operands in flight and addresses, of
/// which ptxas takes more the more copies a thread issues. Fitted to
/// ptxas 13.0, so that none of test/codegen/nvptx/corners-warp.test spills.
/// Operands of f32 are as many registers as elements, and at full precision
/// two of each, beside which a block's products have sums of their own.
inline int64_t warpRegisters(const ProblemShape &problem,
                             const TargetInfo &target, int64_t units,
                             int64_t rows, int64_t bn, int64_t stages,
                             bool sharedQuery) {
  auto padded = [&](int64_t dim) {
    return (dim + target.productDepth - 1) / target.productDepth *
           target.productDepth;
  };
  int64_t d = padded(problem.headDim), dv = padded(problem.valueDim);
  int64_t threads = target.unitThreads;
  int64_t output = rows * dv / threads;
  int64_t scores = rows * bn * 11 / 10 / threads;
  int64_t query = sharedQuery ? 0 : rows * d * 2 / 3 / threads + 14;
  int64_t widest = std::max(d, dv);
  bool single = problem.elementBytes == 4;
  int64_t copies = bn * widest * 7 / 4 / (single ? 4 : 8) / (units * threads);
  int64_t tiles = rows / target.unitRows;
  int64_t operands = !single ? 0 : problem.tf32 ? 16 * tiles : 16 + 16 * tiles;
  // ptxas splits operands far ahead, the farther the more products stand in a
  // row; of wide outputs of 32 rows it spills at once.
  bool partial = widest & (widest - 1);
  int64_t most = tiles > 1 ? 40 : problem.masked ? 48 : 64;
  int64_t excess = rows * bn * widest - most * 1024;
  if (single && !problem.tf32 && excess > 0)
    operands += 128 + excess / 512;
  if (problem.alignment < 16) // what is copied passes through registers
    copies += 28;
  int64_t statistics = rows * rows / 128 + (!problem.masked ? 0
                                            : stages > 1    ? 28
                                                            : 3);
  // Addresses of a panel that is not full, and of many.
  int64_t panels = (partial ? 15 : 0) +
                   (partial && widest > 128 && problem.masked ? 7 : 0) +
                   std::max<int64_t>(dv - 128, 0) / 8;
  return output + std::max<int64_t>(output - 128, 0) / 3 + scores + query +
         copies + statistics + panels + operands + 32;
}

/// Why a thread cannot hold that. Beside the smallest tile of all it is the
/// head dims that leave no room: up to which they would.
inline llvm::Error warpRegistersError(const Schedule &schedule,
                                      const ProblemShape &problem,
                                      const TargetInfo &target, int64_t units,
                                      int64_t rows, int64_t bn, int64_t stages,
                                      bool sharedQuery) {
  constexpr int64_t kLeastBn = 16;
  int64_t budget = target.entryRegisters(units);
  auto needed = [&](const ProblemShape &of) {
    return warpRegisters(of, target, units, rows, bn, stages, sharedQuery);
  };
  int64_t registers = needed(problem);
  if (registers <= budget)
    return llvm::Error::success();
  int64_t most = std::max(problem.headDim, problem.valueDim);
  if (rows == target.unitRows && bn == kLeastBn && stages == 1) {
    bool query = most == problem.headDim;
    ProblemShape narrower = problem;
    while (most > target.productDepth && needed(narrower) > budget) {
      most = (most - 1) / target.productDepth * target.productDepth;
      narrower.headDim = std::min(problem.headDim, most);
      narrower.valueDim = std::min(problem.valueDim, most);
    }
    if (needed(narrower) <= budget)
      return inputError("{0}: {1} given, allowed on {2} with {3}{4}{5}: up to "
                        "{6} ({7} registers a thread needed, of {8})",
                        query ? "head_dim" : "value_dim",
                        query ? problem.headDim : problem.valueDim,
                        target.title(), schedule.str(),
                        problem.elementBytes != 4 ? ""
                        : problem.tf32            ? " in tf32"
                                                  : " in ieee",
                        problem.masked ? " under a mask" : "", most, registers,
                        budget);
  }
  return inputError("registers: {0} needs about {1} a thread, {2} has {3}: "
                    "{4} too many",
                    schedule.str(), registers, target.title(), budget,
                    registers - budget);
}

} // namespace attn_jit

#endif
