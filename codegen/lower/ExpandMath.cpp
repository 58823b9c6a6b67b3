// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// exp, tanh, log and powf in terms of exp2 and log2, which every target has.
#include "codegen/Passes.h"
#include "codegen/lower/Constants.h"
#include "dialect/tile/Tile.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include <cmath>
#include <limits>

namespace attn_jit {
#define GEN_PASS_DEF_TILEEXPANDMATH
#include "codegen/Passes.h.inc"
} // namespace attn_jit

using namespace mlir;
using namespace attn_jit;

namespace {
/// Builds f32 expressions at one place.
struct Scalars {
  OpBuilder &b;
  Location loc;
  Value constant(double value) {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
  }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value exp2(Value x) { return math::Exp2Op::create(b, loc, x); }
  Value log2(Value x) { return math::Log2Op::create(b, loc, x); }
};

struct ExpandExp : OpRewritePattern<math::ExpOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::ExpOp op,
                                PatternRewriter &rewriter) const override {
    Scalars s{rewriter, op.getLoc()};
    rewriter.replaceOp(op, s.exp2(s.mul(op.getOperand(), s.constant(kLog2E))));
    return success();
  }
};

struct ExpandLog : OpRewritePattern<math::LogOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::LogOp op,
                                PatternRewriter &rewriter) const override {
    Scalars s{rewriter, op.getLoc()};
    rewriter.replaceOp(op, s.mul(s.log2(op.getOperand()), s.constant(kLn2)));
    return success();
  }
};

/// C's pow: 1 for y = 0, and for x below 0 the sign of an odd y, NaN where y is
/// no integer. A small constant power is products alone.
struct ExpandPow : OpRewritePattern<math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::PowFOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Scalars s{rewriter, loc};
    Value x = op.getLhs(), y = op.getRhs();
    FloatAttr constant;
    if (matchPattern(y, m_Constant(&constant))) {
      double power = constant.getValueAsDouble();
      if (power == std::floor(power) && std::abs(power) <= 16) {
        rewriter.replaceOp(op, integerPower(s, x, int(power)));
        return success();
      }
    }
    auto is = [&](arith::CmpFPredicate predicate, Value l, Value r) -> Value {
      return arith::CmpFOp::create(rewriter, loc, predicate, l, r);
    };
    auto select = [&](Value which, Value yes, Value no) -> Value {
      return arith::SelectOp::create(rewriter, loc, which, yes, no);
    };
    auto floor = [&](Value v) -> Value {
      return math::FloorOp::create(rewriter, loc, v);
    };
    Value zero = s.constant(0), half = s.mul(y, s.constant(0.5));
    Value size = s.exp2(
        s.mul(y, s.log2(math::AbsFOp::create(rewriter, loc, x).getResult())));
    Value odd = is(arith::CmpFPredicate::UNE, floor(half), half);
    Value integer = is(arith::CmpFPredicate::OEQ, floor(y), y);
    Value mirrored = select(
        odd, arith::NegFOp::create(rewriter, loc, size).getResult(), size);
    Value negative =
        select(integer, mirrored,
               s.constant(std::numeric_limits<double>::quiet_NaN()));
    Value result =
        select(is(arith::CmpFPredicate::OLT, x, zero), negative, size);
    rewriter.replaceOp(op, select(is(arith::CmpFPredicate::OEQ, y, zero),
                                  s.constant(1), result));
    return success();
  }

private:
  static Value integerPower(Scalars &s, Value x, int power) {
    Value result = s.constant(1), square = x;
    bool first = true;
    for (unsigned bits = std::abs(power); bits; bits >>= 1) {
      if (bits & 1) {
        result = first ? square : s.mul(result, square);
        first = false;
      }
      if (bits > 1)
        square = s.mul(square, square);
    }
    return power < 0 ? arith::DivFOp::create(s.b, s.loc, s.constant(1), result)
                           .getResult()
                     : result;
  }
};

struct ExpandTanh : OpRewritePattern<math::TanhOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::TanhOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value x = op.getOperand();
    Scalars s{rewriter, loc};
    Value one = s.constant(1.0);
    Value grown = s.exp2(s.mul(x, s.constant(2 * kLog2E)));
    Value sum = arith::AddFOp::create(rewriter, loc, grown, one);
    Value part = arith::DivFOp::create(rewriter, loc, s.constant(2.0), sum);
    Value wide = arith::SubFOp::create(rewriter, loc, one, part);
    // Near zero the subtraction cancels; there tanh(x) is x - x^3/3.
    Value cube = s.mul(s.mul(x, x), x);
    Value near = arith::SubFOp::create(rewriter, loc, x,
                                       s.mul(cube, s.constant(1.0 / 3)));
    Value size = math::AbsFOp::create(rewriter, loc, x);
    Value small = arith::CmpFOp::create(
        rewriter, loc, arith::CmpFPredicate::OLT, size, s.constant(0.02));
    rewriter.replaceOpWithNewOp<arith::SelectOp>(op, small, near, wide);
    return success();
  }
};

struct ExpandMath : attn_jit::impl::TileExpandMathBase<ExpandMath> {
  using TileExpandMathBase::TileExpandMathBase;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandExp, ExpandLog, ExpandPow>(&getContext());
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    bool fullPrecision = false;
    getOperation()->walk([&](tile::MmaOp op) {
      fullPrecision |=
          op.getRhs().getType().getElementType().isF32() && !op.getTf32();
    });
    if (!keepTanh || fullPrecision)
      patterns.add<ExpandTanh>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
