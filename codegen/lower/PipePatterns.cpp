// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cooperative pipes: all threads of the workgroup copy, between two barriers.
#include "codegen/lower/Constants.h"
#include "codegen/lower/DirectTensor.h"
#include "codegen/lower/GpuTarget.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn_jit;

namespace {
bool isCooperative(tile::PipeType type) {
  return type.getTransport() == tile::Transport::Cooperative;
}

struct LowerPipeCreate : GpuPattern<tile::PipeCreateOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::PipeCreateOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isCooperative(op.getType()))
      return rewriter.notifyMatchFailure(op, "a bulk pipe is the target's");
    if (!op.getOffset())
      return op.emitOpError("has no place; run tile-assign-shared first");
    rewriter.replaceOp(
        op, sharedAt(target, rewriter, op.getLoc(), op, *op.getOffset()));
    return success();
  }
};

/// Acquire: everyone has read the stage's last use. Commit: everyone has
/// written its part. In between wait and release nothing need happen.
template <typename Op> struct LowerPipeBarrier : GpuPattern<Op> {
  using GpuPattern<Op>::GpuPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isCooperative(op.getPipe().getType()))
      return rewriter.notifyMatchFailure(op, "a bulk pipe is the target's");
    this->target.workgroupBarrier(rewriter, op.getLoc());
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerPipeWait : GpuPattern<tile::PipeWaitOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::PipeWaitOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isCooperative(op.getPipe().getType()))
      return rewriter.notifyMatchFailure(op, "a bulk pipe is the target's");
    rewriter.replaceOp(op, pipeSlot(target, rewriter, op.getLoc(),
                                    adaptor.getPipe(), op.getPipe().getType(),
                                    adaptor.getUse()));
    return success();
  }
};

struct LowerPipeRelease : GpuPattern<tile::PipeReleaseOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::PipeReleaseOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isCooperative(op.getPipe().getType()))
      return rewriter.notifyMatchFailure(op, "a bulk pipe is the target's");
    rewriter.eraseOp(op);
    return success();
  }
};

/// All threads of the workgroup copy a piece at a time, side by side.
struct LowerCopy : GpuPattern<tile::CopyOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::CopyOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    tile::PipeType pipe = op.getPipe().getType();
    if (!isCooperative(pipe))
      return rewriter.notifyMatchFailure(op, "a bulk copy is the target's");
    tile::SharedType slot = pipe.getSlot();
    Type element = slot.getElementType();
    if (element != op.getSource().getType().getElementType())
      return op.emitOpError("converts elements on the way, which ")
             << target.info.title() << " cannot";
    Location loc = op.getLoc();
    int64_t bytes = element.getIntOrFloatBitWidth() / 8;
    int64_t width = kPieceBytes / bytes, perRow = slot.getCols() / width;
    int64_t chunks = slot.getRows() * perRow;
    int64_t threads = target.workgroupThreads(op);
    auto type = VectorType::get(width, element);
    Value base = pipeSlot(target, rewriter, loc, adaptor.getPipe(), pipe,
                          adaptor.getUse());
    Value thread = target.threadId(rewriter, loc);
    DirectTensor tensor(rewriter, loc, adaptor.getSource(), element,
                        adaptor.getBatch(), adaptor.getHead());
    for (int64_t first = 0; first < chunks; first += threads) {
      OpBuilder::InsertionGuard guard(rewriter);
      Value chunk = arith::AddIOp::create(rewriter, loc, thread,
                                          i32Constant(rewriter, loc, first));
      if (first + threads > chunks) {
        auto tail = scf::IfOp::create(
            rewriter, loc,
            isBefore(rewriter, loc, chunk, i32Constant(rewriter, loc, chunks)));
        rewriter.setInsertionPoint(tail.thenYield());
      }
      Value across = i32Constant(rewriter, loc, perRow);
      Value row = arith::DivUIOp::create(rewriter, loc, chunk, across);
      Value col = arith::MulIOp::create(
          rewriter, loc, arith::RemUIOp::create(rewriter, loc, chunk, across),
          i32Constant(rewriter, loc, width));
      Value from = arith::AddIOp::create(rewriter, loc, adaptor.getRow(), row);
      auto guarded =
          scf::IfOp::create(rewriter, loc, type,
                            isBefore(rewriter, loc, from, adaptor.getLimit()),
                            /*withElse=*/true);
      OpBuilder inside = guarded.getThenBodyBuilder(rewriter.getListener());
      Value data = LLVM::LoadOp::create(
          inside, loc, type, tensor.at(inside, from, col), alignmentOf(op));
      scf::YieldOp::create(inside, loc, data);
      OpBuilder outside = guarded.getElseBodyBuilder(rewriter.getListener());
      Value zeros =
          arith::ConstantOp::create(outside, loc, outside.getZeroAttr(type));
      scf::YieldOp::create(outside, loc, zeros);
      Value offset = target.sharedOffset(rewriter, loc, slot, row, col);
      Value pointer = LLVM::GEPOp::create(rewriter, loc, base.getType(),
                                          rewriter.getI8Type(), base,
                                          ArrayRef<LLVM::GEPArg>{offset});
      LLVM::StoreOp::create(rewriter, loc, guarded.getResult(0), pointer,
                            kPieceBytes);
    }
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void attn_jit::populatePipePatterns(const GpuTypeConverter &converter,
                                    RewritePatternSet &patterns) {
  patterns.add<LowerPipeCreate, LowerPipeBarrier<tile::PipeAcquireOp>,
               LowerPipeBarrier<tile::PipeCommitOp>, LowerPipeWait,
               LowerPipeRelease, LowerCopy>(converter, patterns.getContext());
}
