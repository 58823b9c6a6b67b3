// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Mail on Hopper: the posting thread stores the numbers and arrives on full;
// every thread of a taking unit loads them, and each of its warps arrives on
// empty once all its threads have.
#include "codegen/lower/Constants.h"
#include "codegen/nvptx/RingBarriers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn_jit;

namespace {
template <typename Op> struct MailPattern : GpuPattern<Op> {
  using GpuPattern<Op>::GpuPattern;

protected:
  FailureOr<tile::MailCreateOp> ringOf(Op op) const {
    if (auto create = op.getMail().template getDefiningOp<tile::MailCreateOp>())
      return create;
    return op.emitOpError("names mail that is not the result of a "
                          "tile.mail.create");
  }
  RingBarriers barriersOf(OpBuilder &b, Op op, tile::MailCreateOp ring,
                          Value use) const {
    tile::MailType type = ring.getType();
    return RingBarriers(this->target, b, op, type.getStages(),
                        *ring.getOffset() + type.getStages() * type.getStride(),
                        use);
  }
  Value numbersAt(OpBuilder &b, Location loc, tile::MailType type, Value mail,
                  Value use) const {
    Value offset =
        arith::MulIOp::create(b, loc, pipeStage(b, loc, use, type.getStages()),
                              i32Constant(b, loc, type.getStride()));
    return LLVM::GEPOp::create(b, loc, mail.getType(), b.getI8Type(), mail,
                               ArrayRef<LLVM::GEPArg>{offset});
  }
  VectorType vectorOf(tile::MailType type) const {
    return VectorType::get(type.getValues(),
                           IntegerType::get(type.getContext(), 32));
  }
};

struct LowerCreate : GpuPattern<tile::MailCreateOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::MailCreateOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op.getOffset())
      return op.emitOpError("has no place; run tile-assign-shared first");
    Location loc = op.getLoc();
    tile::MailType type = op.getType();
    int64_t warps = target.info.unitThreads / target.info.waveThreads;
    RingBarriers::create(target, rewriter, op, type.getStages(),
                         *op.getOffset() + type.getStages() * type.getStride(),
                         op.getConsumers() * warps);
    rewriter.replaceOp(op,
                       sharedAt(target, rewriter, loc, op, *op.getOffset()));
    return success();
  }
};

struct LowerPost : MailPattern<tile::MailPostOp> {
  using MailPattern::MailPattern;
  LogicalResult
  matchAndRewrite(tile::MailPostOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto ring = ringOf(op);
    if (failed(ring))
      return failure();
    Location loc = op.getLoc();
    tile::MailType type = ring->getType();
    RingBarriers barriers = barriersOf(rewriter, op, *ring, adaptor.getUse());
    barriers.waitEmpty();
    Value numbers = vector::FromElementsOp::create(
        rewriter, loc, vectorOf(type), adaptor.getValues());
    Value to =
        numbersAt(rewriter, loc, type, adaptor.getMail(), adaptor.getUse());
    LLVM::StoreOp::create(rewriter, loc, numbers, to, 16);
    ptx(rewriter, loc, {}, "mbarrier.arrive.shared::cta.b64 _, [$0];", "r",
        barriers.full, /*memory=*/true);
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerTake : MailPattern<tile::MailTakeOp> {
  using MailPattern::MailPattern;
  LogicalResult
  matchAndRewrite(tile::MailTakeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto ring = ringOf(op);
    if (failed(ring))
      return failure();
    Location loc = op.getLoc();
    tile::MailType type = ring->getType();
    barriersOf(rewriter, op, *ring, adaptor.getUse()).waitFull();
    Value from =
        numbersAt(rewriter, loc, type, adaptor.getMail(), adaptor.getUse());
    Value numbers =
        LLVM::LoadOp::create(rewriter, loc, vectorOf(type), from, 16);
    SmallVector<Value> all;
    for (int64_t i = 0; i < type.getValues(); ++i)
      all.push_back(vector::ExtractOp::create(rewriter, loc, numbers, i));
    rewriter.replaceOp(op, all);
    return success();
  }
};

struct LowerRelease : MailPattern<tile::MailReleaseOp> {
  using MailPattern::MailPattern;
  LogicalResult
  matchAndRewrite(tile::MailReleaseOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto ring = ringOf(op);
    if (failed(ring))
      return failure();
    Location loc = op.getLoc();
    RingBarriers barriers = barriersOf(rewriter, op, *ring, adaptor.getUse());
    Value lane = arith::AndIOp::create(
        rewriter, loc, target.threadId(rewriter, loc),
        i32Constant(rewriter, loc, target.info.waveThreads - 1));
    Value leads = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq,
                                        lane, i32Constant(rewriter, loc, 0));
    ptx(rewriter, loc, {},
        "bar.warp.sync -1; @$1 mbarrier.arrive.shared::cta.b64 _, [$0];", "r,b",
        {barriers.empty, leads}, /*memory=*/true);
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void attn_jit::populateNvptxMailPatterns(const GpuTypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerCreate, LowerPost, LowerTake, LowerRelease>(
      converter, patterns.getContext());
}
