// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Addresses in a directly accessed tensor. Offsets are 64-bit throughout: one
// tensor may exceed 4 GiB.
#ifndef ATTN_JIT_CODEGEN_LOWER_DIRECTTENSOR_H
#define ATTN_JIT_CODEGEN_LOWER_DIRECTTENSOR_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace attn_jit {

/// Address of (batch, head, row, col) of a direct tensor.
class DirectTensor {
public:
  DirectTensor(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor,
               mlir::Type element, mlir::Value batch, mlir::Value head)
      : b(b), loc(loc), element(element) {
    base = field(tensor, 0);
    mlir::Value offset =
        mlir::arith::AddIOp::create(b, loc, scaled(batch, field(tensor, 1)),
                                    scaled(head, field(tensor, 2)));
    slice = gep(base, offset);
    rowStride = field(tensor, 3);
  }
  mlir::Value at(mlir::Value row, mlir::Value col) const {
    mlir::Value offset =
        mlir::arith::AddIOp::create(b, loc, scaled(row, rowStride), wide(col));
    return gep(slice, offset);
  }
  mlir::Value isPresent() const {
    mlir::Value null = mlir::LLVM::ZeroOp::create(b, loc, base.getType());
    return mlir::LLVM::ICmpOp::create(b, loc, mlir::LLVM::ICmpPredicate::ne,
                                      base, null);
  }

private:
  mlir::Value field(mlir::Value tensor, int64_t index) const {
    return mlir::LLVM::ExtractValueOp::create(b, loc, tensor, index);
  }
  mlir::Value wide(mlir::Value index) const {
    return mlir::arith::ExtSIOp::create(b, loc, b.getI64Type(), index);
  }
  mlir::Value scaled(mlir::Value index, mlir::Value stride) const {
    return mlir::arith::MulIOp::create(b, loc, wide(index), stride);
  }
  mlir::Value gep(mlir::Value pointer, mlir::Value offset) const {
    return mlir::LLVM::GEPOp::create(
        b, loc, pointer.getType(), element, pointer,
        llvm::ArrayRef<mlir::LLVM::GEPArg>{offset});
  }
  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Type element;
  mlir::Value base, slice, rowStride;
};

} // namespace attn_jit

#endif
