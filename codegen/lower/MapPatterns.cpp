// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A map is its region on whole vectors; LLVM takes them apart again, so no loop
// and no index survives.
#include "codegen/lower/GpuTarget.h"
#include "dialect/attn/MaskAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn_jit;

namespace {
struct LowerMap : GpuPattern<tile::MapOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::MapOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t count = cast<VectorType>(convert(op.getType())).getNumElements();
    Block &body = op.getBody().front();
    IRMapping mapping;
    mapping.map(body.getArguments(), adaptor.getInputs());
    auto widened = [&](Value value) -> Value {
      if (Value known = mapping.lookupOrNull(value))
        return known;
      // Defined outside: the same for every element.
      Value wide = vector::BroadcastOp::create(
          rewriter, loc, VectorType::get(count, value.getType()),
          rewriter.getRemappedValue(value));
      mapping.map(value, wide);
      return wide;
    };
    for (Operation &inner : body.without_terminator()) {
      if (auto compare = dyn_cast<arith::CmpIOp>(inner)) {
        mapping.map(compare.getResult(),
                    compared(rewriter, loc, compare.getPredicate(),
                             widened(compare.getLhs()),
                             widened(compare.getRhs()), op.getNoWrap()));
        continue;
      }
      auto type = VectorType::get(count, inner.getResult(0).getType());
      if (inner.hasTrait<OpTrait::ConstantLike>()) {
        auto value = cast<arith::ConstantOp>(inner).getValue();
        Value wide = arith::ConstantOp::create(
            rewriter, loc,
            DenseElementsAttr::get(type, ArrayRef<Attribute>(value)));
        mapping.map(inner.getResult(0), wide);
        continue;
      }
      SmallVector<Value> operands =
          llvm::map_to_vector(inner.getOperands(), widened);
      Operation *wide =
          rewriter.create(loc, inner.getName().getIdentifier(), operands,
                          TypeRange(type), inner.getAttrs());
      mapping.map(inner.getResult(0), wide->getResult(0));
    }
    Value result = cast<tile::YieldOp>(body.getTerminator()).getValue();
    rewriter.replaceOp(op, widened(result));
    return success();
  }

private:
  /// A coordinate is a table plus the thread's own base. Compared with what
  /// differs by row alone, the base goes to the other side: every element then
  /// compares an immediate with one of the thread's rows, and needs no register
  /// of its own. Unsigned, a difference below zero would be a huge number:
  /// there nothing moves.
  static Value compared(OpBuilder &b, Location loc,
                        arith::CmpIPredicate predicate, Value lhs, Value rhs,
                        bool noWrap) {
    auto moveBase = [&](Value &coordinate, Value &other) {
      auto sum = coordinate.getDefiningOp<arith::AddIOp>();
      if (!sum || !matchPattern(sum.getLhs(), m_Constant()) ||
          !sum.getRhs().getDefiningOp<vector::BroadcastOp>())
        return;
      coordinate = sum.getLhs();
      other = arith::SubIOp::create(b, loc, other, sum.getRhs());
    };
    if (noWrap && !attn::isUnsigned(predicate) &&
        isa<VectorType>(lhs.getType())) {
      moveBase(lhs, rhs);
      if (!matchPattern(lhs, m_Constant()))
        moveBase(rhs, lhs);
    }
    return arith::CmpIOp::create(b, loc, predicate, lhs, rhs);
  }
};
} // namespace

void attn_jit::populateMapPatterns(const GpuTypeConverter &converter,
                                   RewritePatternSet &patterns) {
  patterns.add<LowerMap>(converter, patterns.getContext());
}
