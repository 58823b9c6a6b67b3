// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A drawn number is one atomic increment that starts anew by itself (PTX ISA,
// "atom.inc").
#include "codegen/lower/Constants.h"
#include "codegen/nvptx/NvptxTarget.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn_jit;

namespace {
struct LowerDraw : GpuPattern<tile::DrawOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::DrawOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value last = arith::SubIOp::create(rewriter, loc, adaptor.getCount(),
                                       i32Constant(rewriter, loc, 1));
    // Numbers alone pass between workgroups: no order of other memory.
    rewriter.replaceOpWithNewOp<LLVM::AtomicRMWOp>(
        op, LLVM::AtomicBinOp::uinc_wrap, adaptor.getCounter(), last,
        LLVM::AtomicOrdering::monotonic, "device");
    return success();
  }
};
} // namespace

void attn_jit::populateNvptxDrawPatterns(const GpuTypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerDraw>(converter, patterns.getContext());
}
