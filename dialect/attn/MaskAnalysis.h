// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Block classes of a mask, from the mask expression itself. A mask that is a
// conjunction of linear inequalities bounds the keys that a query row sees;
// over a tile of rows those bounds say which key blocks are empty, partly or
// wholly seen. What is not linear is seen partly everywhere: correct, never
// fast.
//
// The integers of a region are 32 bits wide. An inequality counts as linear
// only if neither of its sides can wrap for positions within kMaxPosition;
// scalars from outside are the caller's promise (templates/README.md).
#ifndef ATTN_JIT_DIALECT_ATTN_MASKANALYSIS_H
#define ATTN_JIT_DIALECT_ATTN_MASKANALYSIS_H

#include "dialect/attn/Attn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace attn_jit::attn {

/// Query positions and keys lie within this of zero: kernels refuse longer
/// sequences (codegen/Manifest.cpp).
inline constexpr int64_t kMaxPosition = int64_t(1) << 28;
/// Slopes beyond this are not solved for, and offsets are clamped to this, past
/// every key whatever the slope adds: slope * q + offset never wraps.
inline constexpr int64_t kMaxSlope = 2;
inline constexpr int64_t kMaxOffset = int64_t(1) << 30;

/// One inequality, solved for kv: kv <= slope * q + offset (upper), or
/// kv >= slope * q + offset (lower). `offset` is constant plus scalars from
/// outside the region, each with its coefficient; it may exceed 32 bits.
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

/// ult, ule, ugt, uge: sides that a move past zero would make huge.
bool isUnsigned(mlir::arith::CmpIPredicate predicate);

/// Every signed or equality comparison of a score or mask region is between
/// sides so far from the ends of i32 that either may be moved by a position.
bool comparesCannotWrap(mlir::Region &region);

} // namespace attn_jit::attn

#endif
