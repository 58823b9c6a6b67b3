// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products that complete in order and interlock: nothing to wait for, and no
// wait that an anchor could hold back.
#include "codegen/lower/GpuTarget.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn_jit;

namespace {
struct DropAnchor : GpuPattern<tile::AnchorOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::AnchorOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<arith::ConstantIntOp>(op, 1, 1);
    return success();
  }
};
} // namespace

void attn_jit::populateInOrderProductPatterns(const GpuTypeConverter &converter,
                                              RewritePatternSet &patterns) {
  patterns.add<PassOn<tile::WaitOp>, DropAnchor>(converter,
                                                 patterns.getContext());
}
