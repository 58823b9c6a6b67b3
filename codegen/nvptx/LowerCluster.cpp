// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Clusters: workgroups that run side by side and reach each other's shared
// memory, whose addresses mean the same place in each (PTX ISA, "cluster of
// cooperative thread arrays"). One that ended would take its memory along, so
// all meet at the end of their roles as they do before the first reaches
// another's.
#include "codegen/lower/Constants.h"
#include "codegen/nvptx/NvptxTarget.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace attn_jit;

int64_t attn_jit::clusterOf(Operation *op) {
  auto kernel = op->getParentOfType<FunctionOpInterface>();
  auto cluster = kernel->getAttrOfType<IntegerAttr>("cluster");
  return cluster ? cluster.getInt() : 1;
}

// Not `aligned`: of a role of one thread that thread comes alone.

void attn_jit::beginCluster(OpBuilder &b, Location loc) {
  // All that peers may see yet are barriers, which have a fence of their own.
  intrinsic(b, loc, {}, "llvm.nvvm.barrier.cluster.arrive.relaxed", {});
  intrinsic(b, loc, {}, "llvm.nvvm.barrier.cluster.wait", {});
}

void attn_jit::endCluster(OpBuilder &b, Location loc) {
  // Releases: the last arrivals in a peer come before that peer may be gone.
  intrinsic(b, loc, {}, "llvm.nvvm.barrier.cluster.arrive", {});
  intrinsic(b, loc, {}, "llvm.nvvm.barrier.cluster.wait", {});
}

Value attn_jit::clusterRank(OpBuilder &b, Location loc) {
  return NVVM::ClusterId::create(b, loc, b.getI32Type());
}

namespace {
struct LowerClusterRank : GpuPattern<tile::ClusterRankOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::ClusterRankOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, clusterRank(rewriter, op.getLoc()));
    return success();
  }
};
} // namespace

void attn_jit::populateNvptxClusterPatterns(const GpuTypeConverter &converter,
                                            RewritePatternSet &patterns) {
  patterns.add<LowerClusterRank>(converter, patterns.getContext());
}
