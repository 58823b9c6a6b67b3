// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tile.delay as nanosleep (PTX ISA, "nanosleep": between no time and twice what
// is asked for). Without a branch: the delays stand between products in flight,
// where ptxas lets none be.
#include "codegen/lower/Constants.h"
#include "codegen/nvptx/NvptxTarget.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn_jit;

namespace {
/// One delay in four takes place, of up to this many nanoseconds: a few steps
/// of a kernel.
constexpr int64_t kMostNanoseconds = 4095;

struct LowerDelay : GpuPattern<tile::DelayOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::DelayOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto constant = [&](int64_t value) {
      return i32Constant(rewriter, loc, value);
    };
    auto scaled = [&](Value value, uint32_t factor) -> Value {
      return arith::MulIOp::create(rewriter, loc, value,
                                   constant(int32_t(factor)));
    };
    auto shifted = [&](Value value, int64_t by) -> Value {
      return arith::ShRUIOp::create(rewriter, loc, value, constant(by));
    };
    // Odd numbers without a pattern; the mixing is Murmur3's last step.
    Value hash = constant(int32_t(uint32_t(op.getPlace()) * 0x85ebca6bU));
    auto mix = [&](Value value, uint32_t factor) {
      hash = arith::XOrIOp::create(rewriter, loc, hash, scaled(value, factor));
      hash =
          scaled(arith::XOrIOp::create(rewriter, loc, hash, shifted(hash, 16)),
                 0x9e3779b1U);
    };
    if (adaptor.getUse())
      mix(adaptor.getUse(), 0xc2b2ae35U);
    Value wave = shifted(target.threadId(rewriter, loc),
                         llvm::Log2_64(target.info.waveThreads));
    mix(wave, 0x27d4eb2fU);
    for (int64_t dim = 0; dim < 3; ++dim)
      mix(target.programId(rewriter, loc, dim), 0x165667b1U);
    mix(adaptor.getSeed(), 0x2c1b3c6dU);
    Value none = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq,
                                       adaptor.getSeed(), constant(0));
    Value seldom =
        arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::uge, hash,
                              constant(int32_t(1U << 30)));
    Value time = arith::AndIOp::create(rewriter, loc, shifted(hash, 8),
                                       constant(kMostNanoseconds));
    for (Value without : {none, seldom})
      time = arith::SelectOp::create(rewriter, loc, without, constant(0), time);
    ptx(rewriter, loc, {}, "nanosleep.u32 $0;", "r", {time}, /*memory=*/true);
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void attn_jit::populateNvptxDelayPatterns(const GpuTypeConverter &converter,
                                          RewritePatternSet &patterns) {
  patterns.add<LowerDelay>(converter, patterns.getContext());
}
