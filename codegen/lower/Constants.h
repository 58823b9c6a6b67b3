// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constants that every lowering writes.
#ifndef ATTN_JIT_CODEGEN_LOWER_CONSTANTS_H
#define ATTN_JIT_CODEGEN_LOWER_CONSTANTS_H

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace attn_jit {

inline constexpr double kLog2E = 1.4426950408889634074;
inline constexpr double kLn2 = 0.69314718055994530942;

inline mlir::Value i32Constant(mlir::OpBuilder &b, mlir::Location loc,
                               int64_t value) {
  return mlir::arith::ConstantIntOp::create(b, loc, value, 32);
}

} // namespace attn_jit

#endif
