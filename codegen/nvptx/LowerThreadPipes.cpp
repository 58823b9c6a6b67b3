// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cooperative pipes where a thread's copies go on beside it: a full and an
// empty mbarrier for each stage. Every thread arrives on full, by its copies
// where those are asynchronous, each unit on empty once. So nobody waits for a
// copy or a reader that another stage belongs to.
#include "codegen/lower/Constants.h"
#include "codegen/lower/DirectTensor.h"
#include "codegen/nvptx/RingBarriers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn_jit;

namespace {
template <typename Op> struct RingPattern : GpuPattern<Op> {
  RingPattern(const GpuTypeConverter &converter, MLIRContext *context)
      : GpuPattern<Op>(converter, context, /*benefit=*/2) {}
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (failed(RingBarriers::check(op, op.getPipe())))
      return failure();
    lower(op, adaptor,
          RingBarriers::of(this->target, rewriter, op, op.getPipe(),
                           adaptor.getUse()),
          rewriter);
    return success();
  }
  virtual void lower(Op op, typename Op::Adaptor adaptor,
                     const RingBarriers &barriers,
                     ConversionPatternRewriter &rewriter) const = 0;
};

struct LowerCreate : GpuPattern<tile::PipeCreateOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::PipeCreateOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op.getOffset() || !op.getBarrierOffset())
      return op.emitOpError("has no place; run tile-assign-shared first");
    Location loc = op.getLoc();
    RingBarriers::create(target, rewriter, op, op.getType().getStages(),
                         *op.getBarrierOffset(), target.workgroupThreads(op),
                         op.getConsumers());
    // Made by one thread, used by all.
    target.workgroupBarrier(rewriter, loc);
    rewriter.replaceOp(op,
                       sharedAt(target, rewriter, loc, op, *op.getOffset()));
    return success();
  }
};

struct LowerAcquire : RingPattern<tile::PipeAcquireOp> {
  using RingPattern::RingPattern;
  void lower(tile::PipeAcquireOp op, OpAdaptor, const RingBarriers &barriers,
             ConversionPatternRewriter &rewriter) const override {
    barriers.waitEmpty();
    rewriter.eraseOp(op);
  }
};

struct LowerCommit : RingPattern<tile::PipeCommitOp> {
  using RingPattern::RingPattern;
  void lower(tile::PipeCommitOp op, OpAdaptor, const RingBarriers &barriers,
             ConversionPatternRewriter &rewriter) const override {
    // Counted at creation already, hence noinc.
    ptx(rewriter, op.getLoc(), {},
        copiesBesideThreads(op)
            ? "cp.async.mbarrier.arrive.noinc.shared::cta.b64 [$0];"
            : "mbarrier.arrive.shared::cta.b64 _, [$0];",
        "r", barriers.full, /*memory=*/true);
    rewriter.eraseOp(op);
  }
};

struct LowerWait : RingPattern<tile::PipeWaitOp> {
  using RingPattern::RingPattern;
  void lower(tile::PipeWaitOp op, OpAdaptor adaptor,
             const RingBarriers &barriers,
             ConversionPatternRewriter &rewriter) const override {
    barriers.waitFull();
    rewriter.replaceOp(op, pipeSlot(target, rewriter, op.getLoc(),
                                    adaptor.getPipe(), op.getPipe().getType(),
                                    adaptor.getUse()));
  }
};

struct LowerRelease : RingPattern<tile::PipeReleaseOp> {
  using RingPattern::RingPattern;
  void lower(tile::PipeReleaseOp op, OpAdaptor adaptor,
             const RingBarriers &barriers,
             ConversionPatternRewriter &rewriter) const override {
    // The leader arrives for what all lanes have read.
    barriers.release(RingBarriers::whenLeader(target, rewriter, op.getLoc(),
                                              adaptor.getWhen()),
                     /*afterWave=*/true);
    rewriter.eraseOp(op);
  }
};
} // namespace

void attn_jit::populateThreadPipePatterns(const GpuTypeConverter &converter,
                                          RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LowerCreate>(converter, context, /*benefit=*/2);
  patterns.add<LowerAcquire, LowerCommit, LowerWait, LowerRelease>(converter,
                                                                   context);
}
