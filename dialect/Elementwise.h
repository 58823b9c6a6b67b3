// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The arithmetic that a kernel is made of: the one list of arith and math ops
// that score regions, mask regions, tile.map and the scalars of a kernel may
// use. What is on it lowers on every target; what is not is refused by the
// verifiers, since a back end that cannot select an op ends the process.
#ifndef ATTN_JIT_DIALECT_ELEMENTWISE_H
#define ATTN_JIT_DIALECT_ELEMENTWISE_H

#include "mlir/IR/Operation.h"
#include <optional>
#include <string>

namespace attn_jit {

/// Why `op` cannot stand in `place` (a region's name) and be computed for each
/// element of a fragment: not on the list, or of another type than f32, i32 and
/// i1, or a division that may trap. Nothing where it can.
std::optional<std::string> whyNotElementwise(mlir::Operation &op,
                                             llvm::StringRef place);

/// Why `op` may trap: an integer division or remainder by what may be 0, or by
/// -1 where the least number has no quotient. Processors end the process there;
/// graphics processors give anything. Nothing for any other op.
std::optional<std::string> whyNotDivided(mlir::Operation &op);

/// Emits that reason at each op of `block` but its terminator.
llvm::LogicalResult verifyElementwise(mlir::Block &block,
                                      llvm::StringRef place);

/// The same for an arith or math op on scalars of a kernel, which may also
/// convert and may count in i64 and index.
llvm::LogicalResult verifyScalar(mlir::Operation &op);

} // namespace attn_jit

#endif
