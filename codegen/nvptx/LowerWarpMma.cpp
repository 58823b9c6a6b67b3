// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrix products of a warp: mma.m16n8k16 on blocks that ldmatrix reads from
// swizzled tiles. All tiles of the warp's rows share each right block read, and
// an acc fragment is a left operand as it stands.
#include "codegen/nvptx/WarpBlocks.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <deque>

using namespace mlir;
using namespace attn_jit;

namespace {
/// Right blocks that are read before the one that multiplies: more cost
/// registers and gain nothing (docs/perf/ampere-forward.md).
constexpr size_t kReadAhead = 1;

/// One 16 x 8 x 16 product: four left registers, two right ones.
SmallVector<Value, 4> product(OpBuilder &b, Location loc, Type element,
                              ArrayRef<Value> lhs, ArrayRef<Value> rhs,
                              ArrayRef<Value> sum) {
  if (element.isBF16())
    return warpProduct(b, loc, "llvm.nvvm.mma.m16n8k16.row.col.bf16", lhs, rhs,
                       sum);
  auto pairs = [&](ArrayRef<Value> words) {
    return llvm::map_to_vector(words, [&](Value word) -> Value {
      return LLVM::BitcastOp::create(b, loc, VectorType::get(2, element), word);
    });
  };
  return warpProduct(b, loc, "llvm.nvvm.mma.m16n8k16.row.col.f32.f32",
                     pairs(lhs), pairs(rhs), sum);
}

struct LowerMma : GpuPattern<tile::MmaOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::MmaOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    tile::SharedType rhs = op.getRhs().getType();
    if (rhs.getElementType().isF32())
      return rewriter.notifyMatchFailure(op, "not of 16 bits");
    bool rowsAreN = op.getTransposeRhs();
    FailureOr<BlockProduct> shape = BlockProduct::of(op);
    if (failed(shape))
      return failure();
    SmallVector<Value> sums =
        initialSums(rewriter, loc, adaptor.getAcc(), shape->sums());
    // Reads are issued a fixed distance ahead: ptxas keeps their order roughly.
    BlockReader right(rewriter, loc, target, adaptor.getRhs(), rhs,
                      rowsAreN ? BlockOrder::Across : BlockOrder::Down,
                      !rowsAreN);
    LeftBlocks left = leftBlocks(rewriter, loc, target, adaptor.getLhs(),
                                 op.getLhs().getType(), {0, 1, 2, 3});
    int64_t columns = shape->columns, total = shape->steps * columns;
    struct Read {
      SmallVector<Value, 4> right;
      SmallVector<SmallVector<Value, 4>> left;
    };
    std::deque<Read> reads;
    auto issue = [&](int64_t i) {
      if (i >= total)
        return;
      int64_t step = i / columns, column = i % columns;
      Read read;
      if (column == 0)
        for (int64_t row = 0; row < shape->rowTiles; ++row)
          read.left.push_back(left(row, step));
      read.right =
          rowsAreN ? right.read(column, step) : right.read(step, column);
      reads.push_back(std::move(read));
    };
    for (size_t i = 0; i < kReadAhead; ++i)
      issue(i);
    SmallVector<SmallVector<Value, 4>> rows;
    for (int64_t i = 0; i < total; ++i) {
      issue(i + kReadAhead);
      if (i % columns == 0)
        rows = reads.front().left;
      for (int64_t half = 0; half < 2; ++half)
        for (int64_t row = 0; row < shape->rowTiles; ++row) {
          MutableArrayRef<Value> sum = MutableArrayRef(sums).slice(
              row * shape->sumsPerTile() + (2 * (i % columns) + half) * 4, 4);
          llvm::copy(product(rewriter, loc, rhs.getElementType(), rows[row],
                             ArrayRef(reads.front().right).slice(2 * half, 2),
                             sum),
                     sum.begin());
        }
      reads.pop_front();
    }
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(
        op, cast<VectorType>(convert(op.getType())), sums);
    return success();
  }
};

struct LowerPublish : GpuPattern<tile::PublishOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::PublishOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ptx(rewriter, op.getLoc(), {}, "bar.warp.sync -1;", "", {},
        /*memory=*/true);
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void attn_jit::populateWarpMmaPatterns(const GpuTypeConverter &converter,
                                       RewritePatternSet &patterns) {
  patterns.add<LowerMma, LowerPublish>(converter, patterns.getContext());
  populateInOrderProductPatterns(converter, patterns);
}
