// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bulk pipes on Hopper: a full and an empty mbarrier for each stage. The
// producing thread waits for empty, announces its bytes on full and starts the
// tensor copies, which complete on full; each consuming unit arrives on empty
// once. Where a cluster shares the ring, each workgroup's copies bring their
// share to all and complete at the full barriers of all, and each unit arrives
// at the empty barriers of all.
#include "codegen/lower/Constants.h"
#include "codegen/nvptx/RingBarriers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn_jit;

namespace {
bool isBulk(tile::PipeType type) {
  return type.getTransport() == tile::Transport::Bulk;
}

template <typename Op> struct BulkPattern : GpuPattern<Op> {
  using GpuPattern<Op>::GpuPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isBulk(op.getPipe().getType()))
      return rewriter.notifyMatchFailure(op, "a cooperative pipe");
    if (failed(RingBarriers::check(op, op.getPipe())))
      return failure();
    return lower(op, adaptor, rewriter);
  }
  virtual LogicalResult lower(Op op, typename Op::Adaptor adaptor,
                              ConversionPatternRewriter &rewriter) const = 0;
};

struct LowerCreate : GpuPattern<tile::PipeCreateOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::PipeCreateOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isBulk(op.getType()))
      return rewriter.notifyMatchFailure(op, "a cooperative pipe");
    if (!op.getOffset() || !op.getBarrierOffset())
      return op.emitOpError("has no place; run tile-assign-shared first");
    Location loc = op.getLoc();
    int64_t cluster = op.getClusterWide() ? clusterOf(op) : 1;
    RingBarriers::create(target, rewriter, op, op.getType().getStages(),
                         *op.getBarrierOffset(), /*arrivals=*/1,
                         op.getConsumers() * cluster);
    rewriter.replaceOp(op,
                       sharedAt(target, rewriter, loc, op, *op.getOffset()));
    return success();
  }
};

struct LowerAcquire : BulkPattern<tile::PipeAcquireOp> {
  using BulkPattern::BulkPattern;
  LogicalResult lower(tile::PipeAcquireOp op, OpAdaptor adaptor,
                      ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    RingBarriers barriers =
        RingBarriers::of(target, rewriter, op, op.getPipe(), adaptor.getUse());
    barriers.waitEmpty();
    Value bytes = i32Constant(
        rewriter, loc, target.sharedBytes(op.getPipe().getType().getSlot()));
    ptx(rewriter, loc, {},
        "mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;", "r,r",
        {barriers.full, bytes}, /*memory=*/true);
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerCommit : BulkPattern<tile::PipeCommitOp> {
  using BulkPattern::BulkPattern;
  LogicalResult lower(tile::PipeCommitOp op, OpAdaptor,
                      ConversionPatternRewriter &rewriter) const override {
    rewriter.eraseOp(op); // The copies themselves complete the full barrier.
    return success();
  }
};

struct LowerWait : BulkPattern<tile::PipeWaitOp> {
  using BulkPattern::BulkPattern;
  LogicalResult lower(tile::PipeWaitOp op, OpAdaptor adaptor,
                      ConversionPatternRewriter &rewriter) const override {
    RingBarriers barriers =
        RingBarriers::of(target, rewriter, op, op.getPipe(), adaptor.getUse());
    barriers.waitFull();
    rewriter.replaceOp(op, pipeSlot(target, rewriter, op.getLoc(),
                                    adaptor.getPipe(), op.getPipe().getType(),
                                    adaptor.getUse()));
    return success();
  }
};

struct LowerRelease : BulkPattern<tile::PipeReleaseOp> {
  using BulkPattern::BulkPattern;
  LogicalResult lower(tile::PipeReleaseOp op, OpAdaptor adaptor,
                      ConversionPatternRewriter &rewriter) const override {
    RingBarriers barriers =
        RingBarriers::of(target, rewriter, op, op.getPipe(), adaptor.getUse());
    if (barriers.cluster > 1)
      barriers.releaseInCluster(target, adaptor.getWhen());
    else
      barriers.release(RingBarriers::whenLeader(target, rewriter, op.getLoc(),
                                                adaptor.getWhen()),
                       /*afterWave=*/false);
    rewriter.eraseOp(op);
    return success();
  }
};

/// One tensor copy for each panel of the stage, or of the workgroup's share.
struct LowerCopy : BulkPattern<tile::CopyOp> {
  using BulkPattern::BulkPattern;
  LogicalResult lower(tile::CopyOp op, OpAdaptor adaptor,
                      ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    tile::PipeType pipe = op.getPipe().getType();
    tile::SharedType slot = pipe.getSlot();
    int64_t bytes = slot.getElementType().getIntOrFloatBitWidth() / 8;
    int64_t width = slot.getSwizzle();
    RingBarriers barriers =
        RingBarriers::of(target, rewriter, op, op.getPipe(), adaptor.getUse());
    Value base = pipeSlot(target, rewriter, loc, adaptor.getPipe(), pipe,
                          adaptor.getUse());
    Value address =
        LLVM::PtrToIntOp::create(rewriter, loc, rewriter.getI32Type(), base);
    Value row = adaptor.getRow();
    std::string form, all;
    if (barriers.cluster > 1) {
      form = ".multicast::cluster";
      all = llvm::formatv(", {0}", (1 << barriers.cluster) - 1).str();
      Value first = arith::MulIOp::create(
          rewriter, loc, clusterRank(rewriter, loc),
          i32Constant(rewriter, loc, slot.getRows() / barriers.cluster));
      row = arith::AddIOp::create(rewriter, loc, row, first);
      address = arith::AddIOp::create(
          rewriter, loc, address,
          arith::MulIOp::create(rewriter, loc, first,
                                i32Constant(rewriter, loc, width)));
    }
    std::string text =
        llvm::formatv("cp.async.bulk.tensor.4d.shared::cluster.global.tile."
                      "mbarrier::complete_tx::bytes{0} [$0], [$1, {{$3, $4, "
                      "$5, $6}], [$2]{1};",
                      form, all)
            .str();
    for (int64_t panel = 0; panel < slot.getPanels(); ++panel) {
      Value to = arith::AddIOp::create(
          rewriter, loc, address,
          i32Constant(rewriter, loc, panel * slot.getPanelRows() * width));
      Value col = i32Constant(rewriter, loc, panel * width / bytes);
      ptx(rewriter, loc, {}, text, "r,l,r,r,r,r,r",
          {to, adaptor.getSource(), barriers.full, col, row, adaptor.getHead(),
           adaptor.getBatch()},
          /*memory=*/true);
    }
    rewriter.eraseOp(op);
    return success();
  }
};

//===-- barriers between units --------------------------------------------===//

template <typename Op> struct LowerNamedBarrier : GpuPattern<Op> {
  LowerNamedBarrier(const GpuTypeConverter &converter, MLIRContext *context,
                    StringRef name)
      : GpuPattern<Op>(converter, context), name(name) {}
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value threads = i32Constant(rewriter, loc,
                                op.getUnits() * this->target.info.unitThreads);
    intrinsic(rewriter, loc, {}, name, {adaptor.getId(), threads});
    rewriter.eraseOp(op);
    return success();
  }
  StringRef name;
};
} // namespace

void attn_jit::populateNvptxPipePatterns(const GpuTypeConverter &converter,
                                         RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LowerCreate, LowerAcquire, LowerCommit, LowerWait, LowerRelease,
               LowerCopy>(converter, context);
  patterns.add<LowerNamedBarrier<tile::NamedBarrierSyncOp>>(
      converter, context, "llvm.nvvm.barrier.cta.sync.aligned.count");
  patterns.add<LowerNamedBarrier<tile::NamedBarrierArriveOp>>(
      converter, context, "llvm.nvvm.barrier.cta.arrive.aligned.count");
}
