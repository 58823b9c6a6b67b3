// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a thread of flash_fwd_ws.v1's warpgroups holds: the register model of a
// target whose warpgroups multiply asynchronously. Fitted to ptxas 13.0, so
// that none of test/codegen/nvptx/corners*.test spills.
#ifndef ATTN_JIT_DIALECT_ATTN_SCHEDULES_WARPGROUPREGISTERS_H
#define ATTN_JIT_DIALECT_ATTN_SCHEDULES_WARPGROUPREGISTERS_H

#include "dialect/attn/Schedule.h"
#include "llvm/Support/MathExtras.h"

namespace attn_jit {

/// What of a schedule decides how many registers its roles take.
struct WarpgroupShape {
  int64_t consumers, bn = 0, stages = 0;
  bool sharedP, resident;
  bool searches = false; ///< a tile is drawn, or in a section
  bool oneLoop = false, turns = false, packs = false;
  bool shared = false; ///< rings are a cluster's
};

/// Columns of what is multiplied and accumulated: whole products.
inline int64_t padded(int64_t dim, const TargetInfo &target) {
  return llvm::alignTo(dim, target.productDepth);
}

/// What walking over tiles adds: the sums of the tile before, and where it is
/// stored. In one loop for all steps that happens while nothing else is live;
/// with one stage the assembler hoists every descriptor.
inline int64_t registersAcross(bool masked, int64_t widest,
                               const WarpgroupShape &shape) {
  int64_t consumers = shape.consumers;
  if (shape.oneLoop) {
    int64_t hoisted = shape.stages > 1 || widest < 128 ? 0
                      : widest > 192                   ? 48
                                                       : 13;
    int64_t skips = consumers == 3   ? (masked && widest >= 128 ? 12 : 0)
                    : consumers == 2 ? 0
                    : masked && widest > 192 ? 22
                                             : 9;
    return hoisted + skips + (!shape.sharedP ? 0 : masked ? 64 : 34);
  }
  int64_t more = widest > 192 ? (consumers == 1 ? 34 : 24) : 0;
  if (shape.sharedP)
    return more + (masked ? 25 : consumers == 1 && widest > 192 ? 14 : 8);
  if (consumers < 3)
    return more + (masked ? 14 : 12);
  return more + (widest < 128 ? 0 : masked && shape.stages == 1 ? 12 : 4);
}

/// What rows of packed heads add, which have heads of their own.
inline int64_t registersOfPlaces(bool masked, int64_t widest,
                                 const WarpgroupShape &shape) {
  bool oneLoop = shape.oneLoop;
  if (shape.consumers == 3)
    return shape.resident && (masked ? !oneLoop : oneLoop && widest >= 128) ? 8
                                                                            : 0;
  return shape.resident && shape.consumers == 1 && widest > 192 ? 26 : 4;
}

/// Registers of a consumer thread: scores and output in f32, probabilities in
/// 16 bits when they stay in registers, addresses and row statistics.
inline int64_t consumerRegisters(const ProblemShape &problem,
                                 const TargetInfo &target,
                                 const WarpgroupShape &shape) {
  bool masked = problem.masked;
  int64_t dv = padded(problem.valueDim, target);
  int64_t widest = std::max(padded(problem.headDim, target), dv);
  int64_t across = shape.resident ? registersAcross(masked, widest, shape) : 0;
  int64_t more = llvm::isPowerOf2_64(widest) ? 0 : 9; // a last panel of its own
  // Where the barriers of the others are.
  if (shape.shared)
    more += shape.consumers == 3 ? 2 : 1;
  if (shape.sharedP)
    return (shape.bn + dv) / 2 * 7 / 5 + more + across;
  int64_t rest = widest / 8 + 13 + (masked ? 3 : 0) + (shape.turns ? 2 : 0);
  int64_t places = shape.packs ? registersOfPlaces(masked, widest, shape) : 0;
  return shape.bn * 4 / 5 + dv / 2 + rest + more + across + places;
}

/// The producer works out where the next tile is, and which blocks it sees.
inline int64_t producerRegisters(const ProblemShape &problem,
                                 const WarpgroupShape &shape) {
  bool masked = problem.masked;
  if (shape.searches && !shape.oneLoop)
    return masked ? 40 : 32;
  if (!masked || !shape.resident || !shape.sharedP)
    return 24;
  return shape.consumers > 2 ? 32 : 40;
}

/// An instruction names 255 registers; ptxas spills before the last of them.
inline int64_t usable(int64_t consumerRegs) {
  return std::min<int64_t>(consumerRegs, 248);
}

} // namespace attn_jit

#endif
