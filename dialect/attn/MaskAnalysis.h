// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Block classes of a mask, from the mask expression itself. A mask that is a
// conjunction of linear inequalities bounds the keys that a query row sees;
// over a tile of rows those bounds say which key blocks are empty, partly or
// wholly seen. What is not linear is seen partly everywhere: correct, never
// fast.
#ifndef ATTN_JIT_DIALECT_ATTN_MASKANALYSIS_H
#define ATTN_JIT_DIALECT_ATTN_MASKANALYSIS_H

#include "dialect/attn/Attn.h"

namespace attn_jit::attn {

/// One inequality, solved for kv: kv <= slope * q + offset (upper), or
/// kv >= slope * q + offset (lower). `offset` is constant plus scalars from
/// outside the region, each with its coefficient.
struct KeyBound {
  bool upper;
  int64_t slope;
  int64_t constant;
  llvm::SmallVector<std::pair<mlir::Value, int64_t>, 2> terms;
};

struct MaskAnalysis {
  llvm::SmallVector<KeyBound, 2> bounds;
  /// The bounds are the whole mask: blocks inside all of them are wholly seen.
  bool exact = true;

  bool boundsAbove() const;
  bool boundsBelow() const;
};

/// `mask` may be an empty region: no bounds, exact.
MaskAnalysis analyzeMask(mlir::Region &mask);

} // namespace attn_jit::attn

#endif
