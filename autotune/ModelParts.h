// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the parts of the time model share: how terms overlap, and what one
// processor of a target does in a cycle.
#ifndef ATTN_JIT_AUTOTUNE_MODELPARTS_H
#define ATTN_JIT_AUTOTUNE_MODELPARTS_H

#include "autotune/Model.h"
#include <cmath>

namespace attn_jit {

/// What a target's processor does in a cycle, by data sheets.
struct ProcessorRates {
  llvm::StringRef target;
  double flops;       ///< dense products of 16 bits, sums in f32
  double specials;    ///< exp2
  double sharedBytes; ///< to or from shared memory
  double quarters;    ///< units of one wave whose products fill the processor
};
const ProcessorRates &ratesOf(const TargetInfo &target);

/// Resources used side by side: together they take as long as the most used one
/// where the others are short, and longer as they come near to it, since each
/// waits for the others at times.
template <typename... Terms> double together(double exponent, Terms... terms) {
  const double most = std::max({double(terms)...});
  if (most <= 0)
    return 0;
  return most *
         std::pow((std::pow(terms / most, exponent) + ...), 1 / exponent);
}

/// Of a step: chosen beside the fit, from 1.5, 2, 2.5 and 3
/// (docs/perf/model.md).
inline constexpr double kStepOverlap = 3;

/// Query tiles, as those who deal them see them.
struct TimeModel::Tiles {
  int64_t rows = 1; ///< of a tile, or of a cluster's
  int64_t stepKeys = 1;
  int64_t packed = 1;     ///< heads of a tile
  int64_t workgroups = 1; ///< that run at once, or clusters of them
  ModelWalk::Order order = ModelWalk::Forward;
  ModelWalk::Deal deal = ModelWalk::NextFree;
  int64_t section = 1;
  double maskedCycles = 0; ///< of a masked step, beside those of a step
};

} // namespace attn_jit

#endif
