// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Casts that have an instruction of their own.
#include "codegen/nvptx/NvptxTarget.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn_jit;

namespace {
/// f32 pairs to 16-bit pairs in one instruction each.
struct LowerNarrowingCast : GpuPattern<tile::CastOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::CastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Type from = op.getValue().getType().getElementType();
    Type to = op.getType().getElementType();
    if (!from.isF32() || (!to.isF16() && !to.isBF16()) ||
        !op.getType().isMatrix())
      return rewriter.notifyMatchFailure(op, "not f32 to 16 bits");
    Location loc = op.getLoc();
    SmallVector<Value> all = elements(rewriter, loc, adaptor.getValue()), words;
    auto pair = VectorType::get(2, to);
    for (size_t i = 0; i < all.size(); i += 2) {
      Value packed = intrinsic(
          rewriter, loc, pair,
          to.isF16() ? "llvm.nvvm.ff2f16x2.rn" : "llvm.nvvm.ff2bf16x2.rn",
          {all[i + 1], all[i]}); // the first operand is the upper half
      words.push_back(LLVM::BitcastOp::create(rewriter, loc,
                                              rewriter.getI32Type(), packed));
    }
    Value joined = vector::FromElementsOp::create(
        rewriter, loc, VectorType::get(words.size(), rewriter.getI32Type()),
        words);
    rewriter.replaceOpWithNewOp<vector::BitCastOp>(
        op, cast<VectorType>(convert(op.getType())), joined);
    return success();
  }
};
} // namespace

void attn_jit::populateNvptxCastPatterns(const GpuTypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerNarrowingCast>(converter, patterns.getContext(),
                                   /*benefit=*/2);
}
