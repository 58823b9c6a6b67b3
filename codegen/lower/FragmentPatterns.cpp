// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fragments become vectors of what one thread holds.
#include "codegen/lower/GpuTarget.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn_jit;

namespace {
Value splat(OpBuilder &b, Location loc, Type vector, Value scalar) {
  return vector::BroadcastOp::create(b, loc, vector, scalar);
}

struct LowerFill : GpuPattern<tile::FillOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::FillOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, splat(rewriter, op.getLoc(), convert(op.getType()),
                                 adaptor.getValue()));
    return success();
  }
};

/// The value of each element's row.
Value overColumns(const GpuTarget &target, OpBuilder &b, Location loc,
                  tile::FragType type, Value rows) {
  SmallVector<int64_t> lanes;
  for (const ElementPosition &e : target.getFragmentMap(type).elements)
    lanes.push_back(e.rowSlot);
  return vector::ShuffleOp::create(b, loc, rows, rows, lanes);
}

struct LowerBroadcast : GpuPattern<tile::BroadcastOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::BroadcastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, overColumns(target, rewriter, op.getLoc(),
                                       op.getType(), adaptor.getValue()));
    return success();
  }
};

struct LowerRescale : GpuPattern<tile::RescaleOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::RescaleOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value factors =
        overColumns(target, rewriter, loc, op.getType(), adaptor.getFactor());
    auto multiplied = [&](OpBuilder &b) -> Value {
      return arith::MulFOp::create(b, loc, adaptor.getValue(), factors);
    };
    Value any = target.anyInWave(
        rewriter, loc, otherThanOne(rewriter, loc, adaptor.getFactor()));
    if (!any) {
      rewriter.replaceOp(op, multiplied(rewriter));
      return success();
    }
    auto moved = scf::IfOp::create(rewriter, loc, factors.getType(), any,
                                   /*withElseRegion=*/true);
    OpBuilder then = moved.getThenBodyBuilder(rewriter.getListener());
    scf::YieldOp::create(then, loc, multiplied(then));
    OpBuilder other = moved.getElseBodyBuilder(rewriter.getListener());
    scf::YieldOp::create(other, loc, adaptor.getValue());
    rewriter.replaceOp(op, moved.getResults());
    return success();
  }

private:
  static Value otherThanOne(OpBuilder &b, Location loc, Value factors) {
    Value one = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(1)), any;
    for (int64_t i = 0,
                 e = cast<VectorType>(factors.getType()).getNumElements();
         i < e; ++i) {
      Value differs = arith::CmpFOp::create(
          b, loc, arith::CmpFPredicate::UNE,
          vector::ExtractOp::create(b, loc, factors, i), one);
      any = any ? arith::OrIOp::create(b, loc, any, differs).getResult()
                : differs;
    }
    return any;
  }
};

struct LowerCoord : GpuPattern<tile::CoordOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::CoordOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    bool rows = op.getDim() == 0;
    FragmentMap map = target.getFragmentMap(op.getType());
    SmallVector<int32_t> offsets;
    for (const ElementPosition &e : map.elements)
      offsets.push_back(rows ? e.row : e.col);
    if (!op.getType().isMatrix())
      offsets.assign(map.rowSlots.begin(), map.rowSlots.end());
    Value lane =
        rows ? target.laneRow(rewriter, loc) : target.laneCol(rewriter, loc);
    Value first = target.asOneRegister(
        rewriter, loc,
        arith::AddIOp::create(rewriter, loc, adaptor.getBase(), lane));
    Value table = arith::ConstantOp::create(rewriter, loc,
                                            rewriter.getI32VectorAttr(offsets));
    rewriter.replaceOpWithNewOp<arith::AddIOp>(
        op, table, splat(rewriter, loc, table.getType(), first));
    return success();
  }
};

Value reducePair(OpBuilder &b, Location loc, tile::ReduceKind kind, Value lhs,
                 Value rhs) {
  if (kind == tile::ReduceKind::Max)
    return arith::MaxNumFOp::create(b, loc, lhs, rhs);
  return arith::AddFOp::create(b, loc, lhs, rhs);
}

struct LowerReduce : GpuPattern<tile::ReduceOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::ReduceOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    FragmentMap map = target.getFragmentMap(op.getValue().getType());
    SmallVector<Value> rows(map.rowSlots.size());
    for (auto [i, e] : llvm::enumerate(map.elements)) {
      Value element = vector::ExtractOp::create(rewriter, loc,
                                                adaptor.getValue(), int64_t(i));
      Value &row = rows[e.rowSlot];
      row =
          row ? reducePair(rewriter, loc, op.getKind(), row, element) : element;
    }
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(
        op, cast<VectorType>(convert(op.getType())), rows);
    return success();
  }
};

struct LowerCombine : GpuPattern<tile::CombineOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::CombineOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<VectorType>(convert(op.getType()));
    SmallVector<Value> rows;
    for (int64_t i = 0; i < type.getNumElements(); ++i) {
      Value row =
          vector::ExtractOp::create(rewriter, loc, adaptor.getValue(), i);
      for (int64_t mask : target.rowLanes())
        row = reducePair(rewriter, loc, op.getKind(), row,
                         target.shuffleXor(rewriter, loc, row, mask));
      rows.push_back(row);
    }
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(op, type, rows);
    return success();
  }
};

/// A cast that moves no element to another lane. Relayouts are the target's.
struct LowerCast : GpuPattern<tile::CastOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::CastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto from = cast<VectorType>(adaptor.getValue().getType());
    auto to = cast<VectorType>(convert(op.getType()));
    if (from.getNumElements() != to.getNumElements())
      return rewriter.notifyMatchFailure(op, "moves elements between lanes");
    // Between f16 and bf16 the way is by f32, which holds both.
    Value value = adaptor.getValue();
    auto wide = VectorType::get(to.getShape(), rewriter.getF32Type());
    if (from != to && from != wide)
      value = arith::ExtFOp::create(rewriter, op.getLoc(), wide, value);
    if (from != to && to != wide)
      value = arith::TruncFOp::create(rewriter, op.getLoc(), to, value);
    rewriter.replaceOp(op, value);
    return success();
  }
};
} // namespace

void attn_jit::populateFragmentPatterns(const GpuTypeConverter &converter,
                                        RewritePatternSet &patterns) {
  patterns.add<LowerFill, LowerBroadcast, LowerRescale, PassOn<tile::SpreadOp>,
               LowerCoord, LowerReduce, LowerCombine, LowerCast>(
      converter, patterns.getContext());
}
