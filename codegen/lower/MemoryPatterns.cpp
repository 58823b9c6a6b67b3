// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shared tiles and direct access to tensors.
#include "codegen/lower/Constants.h"
#include "codegen/lower/DirectTensor.h"
#include "codegen/lower/GpuTarget.h"
#include "codegen/lower/StoreRows.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn_jit;

namespace {
/// Elements of a map that stand side by side in one row, the most that a
/// 16-byte access takes.
struct Run {
  int64_t first, count;
};
SmallVector<Run> runsOf(const FragmentMap &map, int64_t mostElements) {
  SmallVector<Run> runs;
  for (auto [i, e] : llvm::enumerate(map.elements)) {
    if (!runs.empty()) {
      Run &run = runs.back();
      const ElementPosition &last = map.elements[run.first + run.count - 1];
      if (run.count < mostElements && last.rowSlot == e.rowSlot &&
          last.col + 1 == e.col) {
        ++run.count;
        continue;
      }
    }
    runs.push_back({int64_t(i), 1});
  }
  return runs;
}

//===-- fragments and tensors ---------------------------------------------===//

struct LowerLoad : GpuPattern<tile::LoadOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::LoadOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type element = op.getType().getElementType();
    if (element != op.getSource().getType().getElementType())
      return op.emitOpError("converts elements on the way, which ")
             << target.info.title() << " cannot";
    auto type = cast<VectorType>(convert(op.getType()));
    FragmentMap map = target.getFragmentMap(op.getType());
    int64_t bytes = element.getIntOrFloatBitWidth() / 8;
    DirectTensor tensor(rewriter, loc, adaptor.getSource(), element,
                        adaptor.getBatch(), adaptor.getHead());
    Value row = arith::AddIOp::create(rewriter, loc, adaptor.getRow(),
                                      target.laneRow(rewriter, loc));
    Value col = target.lhsLaneCol(rewriter, loc);
    Value result =
        arith::ConstantOp::create(rewriter, loc, rewriter.getZeroAttr(type));
    for (auto [slot, slotRow] : llvm::enumerate(map.rowSlots)) {
      Value at = arith::AddIOp::create(rewriter, loc, row,
                                       i32Constant(rewriter, loc, slotRow));
      auto guarded = scf::IfOp::create(
          rewriter, loc, type, isBefore(rewriter, loc, at, adaptor.getLimit()),
          /*withElse=*/true);
      OpBuilder inner = guarded.getThenBodyBuilder(rewriter.getListener());
      Value filled = result;
      for (Run run : runsOf(map, 16 / bytes)) {
        if (map.elements[run.first].rowSlot != int64_t(slot))
          continue;
        Value first = arith::AddIOp::create(
            inner, loc, col,
            i32Constant(inner, loc, map.elements[run.first].col));
        Value piece = LLVM::LoadOp::create(
            inner, loc, VectorType::get(run.count, element),
            tensor.at(inner, at, first),
            std::min<int64_t>(alignmentOf(op), run.count * bytes));
        filled = vectorInsert(inner, loc, piece, filled, run.first);
      }
      scf::YieldOp::create(inner, loc, filled);
      OpBuilder other = guarded.getElseBodyBuilder(rewriter.getListener());
      scf::YieldOp::create(other, loc, result);
      result = guarded.getResult(0);
    }
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct LowerStore : GpuPattern<tile::StoreOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::StoreOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    tile::FragType frag = op.getValue().getType();
    Type element = frag.getElementType();
    FragmentMap map = target.getFragmentMap(frag);
    int64_t bytes = element.getIntOrFloatBitWidth() / 8;
    int64_t group = target.info.fragmentCols;
    if (frag.isMatrix() && op.getTarget().getType().getCols() % group)
      return op.emitOpError("writes ")
             << op.getTarget().getType().getCols() << " columns, "
             << target.info.title() << " stores multiples of " << group;
    StoreRows rows(target, rewriter, op, adaptor);
    Value writes = rows.isPresent();
    if (!frag.isMatrix())
      writes = arith::AndIOp::create(rewriter, loc, writes,
                                     target.isRowLeader(rewriter, loc));
    Value col = frag.isMatrix() ? target.laneCol(rewriter, loc)
                                : i32Constant(rewriter, loc, 0);
    for (auto [slot, slotRow] : llvm::enumerate(map.rowSlots)) {
      StoreRows::Place to = rows.of(slot, slotRow);
      Value inside = arith::AndIOp::create(rewriter, loc, writes, to.isInside);
      Value start = to.tensor.at(rewriter, to.row, col);
      auto guarded = scf::IfOp::create(rewriter, loc, inside);
      OpBuilder inner = guarded.getThenBodyBuilder(rewriter.getListener());
      if (!frag.isMatrix()) {
        Value value = vector::ExtractOp::create(inner, loc, adaptor.getValue(),
                                                int64_t(slot));
        LLVM::StoreOp::create(inner, loc, value, start, bytes);
        continue;
      }
      for (Run run : runsOf(map, 16 / bytes)) {
        const ElementPosition &first = map.elements[run.first];
        // Lanes differ in their columns by less than a group's.
        if (first.rowSlot != int64_t(slot) ||
            first.col / group * group >= op.getTarget().getType().getCols())
          continue;
        Value piece =
            vectorSlice(inner, loc, adaptor.getValue(), run.first, run.count);
        Value pointer =
            LLVM::GEPOp::create(inner, loc, start.getType(), element, start,
                                ArrayRef<LLVM::GEPArg>{int32_t(first.col)});
        LLVM::StoreOp::create(
            inner, loc, piece, pointer,
            std::min<int64_t>(alignmentOf(op), run.count * bytes));
      }
    }
    rewriter.eraseOp(op);
    return success();
  }
};

//===-- shared tiles ------------------------------------------------------===//

struct LowerAlloc : GpuPattern<tile::AllocOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::AllocOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op.getOffset())
      return op.emitOpError("has no place; run tile-assign-shared first");
    rewriter.replaceOp(
        op, sharedAt(target, rewriter, op.getLoc(), op, *op.getOffset()));
    return success();
  }
};

struct LowerSlice : GpuPattern<tile::SliceOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::SliceOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value offset =
        target.sharedOffset(rewriter, loc, op.getSource().getType(),
                            adaptor.getRow(), i32Constant(rewriter, loc, 0));
    rewriter.replaceOpWithNewOp<LLVM::GEPOp>(
        op, convert(op.getType()), rewriter.getI8Type(), adaptor.getSource(),
        ArrayRef<LLVM::GEPArg>{offset});
    return success();
  }
};

struct LowerPut : GpuPattern<tile::PutOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::PutOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    tile::FragType frag = op.getValue().getType();
    tile::SharedType shared = op.getTarget().getType();
    FragmentMap map = target.getFragmentMap(frag);
    int64_t bytes = frag.getElementType().getIntOrFloatBitWidth() / 8;
    Value row = target.laneRow(rewriter, loc);
    bool lhs = frag.getLayout() == tile::FragLayout::Lhs;
    Value col =
        lhs ? target.lhsLaneCol(rewriter, loc) : target.laneCol(rewriter, loc);
    for (Run run : runsOf(map, 16 / bytes)) {
      const ElementPosition &e = map.elements[run.first];
      Value atRow = arith::AddIOp::create(
          rewriter, loc, row,
          i32Constant(rewriter, loc, map.rowSlots[e.rowSlot]));
      Value atCol = arith::AddIOp::create(rewriter, loc, col,
                                          i32Constant(rewriter, loc, e.col));
      Value offset = target.sharedOffset(rewriter, loc, shared, atRow, atCol);
      Value piece =
          vectorSlice(rewriter, loc, adaptor.getValue(), run.first, run.count);
      Value pointer = LLVM::GEPOp::create(
          rewriter, loc, adaptor.getTarget().getType(), rewriter.getI8Type(),
          adaptor.getTarget(), ArrayRef<LLVM::GEPArg>{offset});
      LLVM::StoreOp::create(rewriter, loc, piece, pointer, run.count * bytes);
    }
    rewriter.eraseOp(op);
    return success();
  }
};

//===-- identity ----------------------------------------------------------===//

struct LowerProgramId : GpuPattern<tile::ProgramIdOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::ProgramIdOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op,
                       target.programId(rewriter, op.getLoc(), op.getDim()));
    return success();
  }
};

struct LowerUnitId : GpuPattern<tile::UnitIdOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::UnitIdOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, target.unitId(rewriter, op.getLoc()));
    return success();
  }
};

struct LowerBarrier : GpuPattern<tile::BarrierOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::BarrierOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    target.workgroupBarrier(rewriter, op.getLoc());
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void attn_jit::populateMemoryPatterns(const GpuTypeConverter &converter,
                                      RewritePatternSet &patterns) {
  patterns.add<LowerLoad, LowerStore, LowerAlloc, LowerSlice, LowerPut,
               LowerProgramId, LowerUnitId, LowerBarrier>(
      converter, patterns.getContext());
}
