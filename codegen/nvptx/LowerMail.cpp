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
/// An op on one use of a ring, which is found through its definition, because
/// mail's value is the address of its numbers.
template <typename Op> struct MailPattern : GpuPattern<Op> {
  using GpuPattern<Op>::GpuPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto ring = op.getMail().template getDefiningOp<tile::MailCreateOp>();
    if (!ring)
      return op.emitOpError("names mail that is not the result of a "
                            "tile.mail.create");
    tile::MailType type = ring.getType();
    lower(op, adaptor,
          RingBarriers(this->target, rewriter, op, type.getStages(),
                       *ring.getOffset() + type.getBarrierOffset(),
                       adaptor.getUse()),
          rewriter);
    return success();
  }
  virtual void lower(Op op, typename Op::Adaptor adaptor,
                     const RingBarriers &barriers,
                     ConversionPatternRewriter &rewriter) const = 0;

protected:
  static Value numbersAt(OpBuilder &b, Location loc, tile::MailType type,
                         Value mail, Value use) {
    Value offset =
        arith::MulIOp::create(b, loc, pipeStage(b, loc, use, type.getStages()),
                              i32Constant(b, loc, type.getStride()));
    return LLVM::GEPOp::create(b, loc, mail.getType(), b.getI8Type(), mail,
                               ArrayRef<LLVM::GEPArg>{offset});
  }
  static VectorType vectorOf(tile::MailType type) {
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
                         *op.getOffset() + type.getBarrierOffset(),
                         /*arrivals=*/1, op.getConsumers() * warps);
    rewriter.replaceOp(op,
                       sharedAt(target, rewriter, loc, op, *op.getOffset()));
    return success();
  }
};

struct LowerPost : MailPattern<tile::MailPostOp> {
  using MailPattern::MailPattern;
  void lower(tile::MailPostOp op, OpAdaptor adaptor,
             const RingBarriers &barriers,
             ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    tile::MailType type = op.getMail().getType();
    barriers.waitEmpty();
    Value numbers = vector::FromElementsOp::create(
        rewriter, loc, vectorOf(type), adaptor.getValues());
    Value to =
        numbersAt(rewriter, loc, type, adaptor.getMail(), adaptor.getUse());
    LLVM::StoreOp::create(rewriter, loc, numbers, to, 16);
    ptx(rewriter, loc, {}, "mbarrier.arrive.shared::cta.b64 _, [$0];", "r",
        barriers.full, /*memory=*/true);
    rewriter.eraseOp(op);
  }
};

struct LowerTake : MailPattern<tile::MailTakeOp> {
  using MailPattern::MailPattern;
  void lower(tile::MailTakeOp op, OpAdaptor adaptor,
             const RingBarriers &barriers,
             ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    tile::MailType type = op.getMail().getType();
    barriers.waitFull();
    Value from =
        numbersAt(rewriter, loc, type, adaptor.getMail(), adaptor.getUse());
    Value numbers =
        LLVM::LoadOp::create(rewriter, loc, vectorOf(type), from, 16);
    SmallVector<Value> all;
    for (int64_t i = 0; i < type.getValues(); ++i)
      all.push_back(vector::ExtractOp::create(rewriter, loc, numbers, i));
    rewriter.replaceOp(op, all);
  }
};

struct LowerRelease : MailPattern<tile::MailReleaseOp> {
  using MailPattern::MailPattern;
  void lower(tile::MailReleaseOp op, OpAdaptor, const RingBarriers &barriers,
             ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value lane = arith::AndIOp::create(
        rewriter, loc, target.threadId(rewriter, loc),
        i32Constant(rewriter, loc, target.info.waveThreads - 1));
    Value leads = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq,
                                        lane, i32Constant(rewriter, loc, 0));
    barriers.release(leads, /*afterWave=*/true);
    rewriter.eraseOp(op);
  }
};
} // namespace

void attn_jit::populateNvptxMailPatterns(const GpuTypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerCreate, LowerPost, LowerTake, LowerRelease>(
      converter, patterns.getContext());
}
