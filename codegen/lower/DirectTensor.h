// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Addresses in a directly accessed tensor. Offsets are 64-bit throughout: one
// tensor may exceed 4 GiB.
#ifndef ATTN_JIT_CODEGEN_LOWER_DIRECTTENSOR_H
#define ATTN_JIT_CODEGEN_LOWER_DIRECTTENSOR_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace attn_jit {

/// Rows of one batch and head of a direct tensor, found where the builder
/// stands; an element's address may be found anywhere below.
class DirectTensor {
public:
  DirectTensor(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor,
               mlir::Type element, mlir::Value batch, mlir::Value head)
      : loc(loc), element(element) {
    auto field = [&](int64_t index) -> mlir::Value {
      return mlir::LLVM::ExtractValueOp::create(b, loc, tensor, index);
    };
    base = field(0);
    start = mlir::arith::AddIOp::create(b, loc, scaled(b, batch, field(1)),
                                        scaled(b, head, field(2)));
    rowStride = field(3);
  }
  mlir::Value at(mlir::OpBuilder &b, mlir::Value row, mlir::Value col) const {
    mlir::Value offset = mlir::arith::AddIOp::create(
        b, loc, scaled(b, row, rowStride), wide(b, col));
    return gep(b, gep(b, base, start), offset);
  }
  mlir::Value isPresent(mlir::OpBuilder &b) const {
    mlir::Value null = mlir::LLVM::ZeroOp::create(b, loc, base.getType());
    return mlir::LLVM::ICmpOp::create(b, loc, mlir::LLVM::ICmpPredicate::ne,
                                      base, null);
  }

private:
  mlir::Value wide(mlir::OpBuilder &b, mlir::Value index) const {
    return mlir::arith::ExtSIOp::create(b, loc, b.getI64Type(), index);
  }
  mlir::Value scaled(mlir::OpBuilder &b, mlir::Value index,
                     mlir::Value stride) const {
    return mlir::arith::MulIOp::create(b, loc, wide(b, index), stride);
  }
  mlir::Value gep(mlir::OpBuilder &b, mlir::Value pointer,
                  mlir::Value offset) const {
    return mlir::LLVM::GEPOp::create(
        b, loc, pointer.getType(), element, pointer,
        llvm::ArrayRef<mlir::LLVM::GEPArg>{offset});
  }
  mlir::Location loc;
  mlir::Type element;
  mlir::Value base, start, rowStride;
};

/// What guards an access: whether `index` lies before `end`.
inline mlir::Value isBefore(mlir::OpBuilder &b, mlir::Location loc,
                            mlir::Value index, mlir::Value end) {
  return mlir::arith::CmpIOp::create(b, loc, mlir::arith::CmpIPredicate::slt,
                                     index, end);
}

/// Bytes that bases and strides of a kernel's tensors are multiples of; `op` is
/// in the kernel.
int64_t alignmentOf(mlir::Operation *op);

/// Cooperative copies move pieces of this many bytes.
inline constexpr int64_t kPieceBytes = 16;

/// May copies of `op`'s kernel go on beside the threads that issue them, where
/// the target can do that? A piece's addresses are multiples of it then.
inline bool copiesBesideThreads(mlir::Operation *op) {
  return alignmentOf(op) >= kPieceBytes;
}

} // namespace attn_jit

#endif
