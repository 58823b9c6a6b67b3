// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Casts of fragments that round to bf16 or move elements between lanes, and f32
// division: what the common lowering would make slow or cannot make at all.
#include "codegen/amdgpu/AmdTarget.h"
#include "codegen/lower/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn_jit;

namespace {
/// Round to nearest even by integer arithmetic: neither target has an
/// instruction. NaNs of these chips have a quiet bit and few low bits, so the
/// carry cannot turn one into a number.
Value roundToBF16(OpBuilder &b, Location loc, Value wide) {
  auto type = cast<VectorType>(wide.getType());
  auto words = cast<VectorType>(type.clone(b.getI32Type()));
  auto splat = [&](int32_t value) -> Value {
    return arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(words, b.getI32IntegerAttr(value)));
  };
  Value bits = LLVM::BitcastOp::create(b, loc, words, wide);
  Value shifted = arith::ShRUIOp::create(b, loc, bits, splat(16));
  Value odd = arith::AndIOp::create(b, loc, shifted, splat(1));
  Value half = arith::AddIOp::create(b, loc, odd, splat(0x7fff));
  Value rounded = arith::AddIOp::create(b, loc, bits, half);
  Value high = arith::ShRUIOp::create(b, loc, rounded, splat(16));
  Value narrow =
      arith::TruncIOp::create(b, loc, type.clone(b.getI16Type()), high);
  return LLVM::BitcastOp::create(b, loc, type.clone(b.getBF16Type()), narrow);
}

Value converted(OpBuilder &b, Location loc, Value value, Type element) {
  auto from = cast<VectorType>(value.getType());
  if (from.getElementType() == element)
    return value;
  Type f32 = b.getF32Type();
  if (from.getElementType() != f32)
    value = arith::ExtFOp::create(b, loc, from.clone(f32), value);
  if (element == f32)
    return value;
  if (element.isBF16())
    return roundToBF16(b, loc, value);
  return arith::TruncFOp::create(b, loc, from.clone(element), value);
}

struct LowerCast : OpConversionPattern<tile::CastOp> {
  LowerCast(const GpuTypeConverter &converter, const AmdTarget &target,
            MLIRContext *context)
      : OpConversionPattern(converter, context, /*benefit=*/2), target(target) {
  }

  LogicalResult
  matchAndRewrite(tile::CastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<VectorType>(getTypeConverter()->convertType(op.getType()));
    auto from = cast<VectorType>(adaptor.getValue().getType());
    Value narrow =
        converted(rewriter, loc, adaptor.getValue(), type.getElementType());
    if (from.getNumElements() == type.getNumElements()) {
      rewriter.replaceOp(op, narrow);
      return success();
    }
    rewriter.replaceOp(op, withOtherHalf(rewriter, loc, narrow, type));
    return success();
  }

private:
  /// WMMA: each lane of a pair holds half of every block's columns, and needs
  /// all.
  Value withOtherHalf(OpBuilder &b, Location loc, Value own,
                      VectorType type) const {
    int64_t count = cast<VectorType>(own.getType()).getNumElements();
    auto words = VectorType::get(count / 2, b.getI32Type());
    auto mine = vector::ToElementsOp::create(
        b, loc, LLVM::BitcastOp::create(b, loc, words, own));
    Value zero = i32Constant(b, loc, 0);
    Value lower = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                        target.laneGroup(b, loc), zero);
    int64_t block = target.run() / 2;
    SmallVector<Value> result;
    for (int64_t first = 0; first < count / 2; first += block) {
      SmallVector<Value> high;
      for (int64_t i = first; i < first + block; ++i) {
        Value held = mine.getResult(i);
        Value other = target.shuffleXor(b, loc, held, kEdge);
        result.push_back(arith::SelectOp::create(b, loc, lower, held, other));
        high.push_back(arith::SelectOp::create(b, loc, lower, other, held));
      }
      result.append(high);
    }
    auto all = VectorType::get(count, b.getI32Type());
    Value joined = vector::FromElementsOp::create(b, loc, all, result);
    return LLVM::BitcastOp::create(b, loc, type, joined);
  }
  const AmdTarget &target;
};

/// One reciprocal (1 ulp) and one product in place of eleven instructions.
struct LowerDivision : OpConversionPattern<arith::DivFOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(arith::DivFOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value divisor = adaptor.getRhs(), inverse;
    if (auto vector = dyn_cast<VectorType>(op.getType())) {
      auto parts = vector::ToElementsOp::create(rewriter, loc, divisor);
      SmallVector<Value> inverses;
      for (Value part : parts.getResults())
        inverses.push_back(ROCDL::ROCDLRcp::create(
            rewriter, loc, vector.getElementType(), part));
      inverse = vector::FromElementsOp::create(rewriter, loc, vector, inverses);
    } else {
      inverse = ROCDL::ROCDLRcp::create(rewriter, loc, op.getType(), divisor);
    }
    rewriter.replaceOpWithNewOp<arith::MulFOp>(op, adaptor.getLhs(), inverse);
    return success();
  }
};
} // namespace

void attn_jit::populateAmdScalarPatterns(const GpuTypeConverter &converter,
                                         const AmdTarget &target,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerCast>(converter, target, patterns.getContext());
  patterns.add<LowerDivision>(converter, patterns.getContext());
}
