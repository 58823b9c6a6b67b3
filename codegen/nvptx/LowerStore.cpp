// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// 16-bit matrices to memory. Of 8 columns a lane has 2, so that a wave's store
// would write half a sector of each of 8 rows. Lanes exchange blocks of 8
// columns in pairs: each then has 4 columns of one of two blocks, and a store
// writes whole sectors, half as often.
#include "codegen/lower/Constants.h"
#include "codegen/lower/StoreRows.h"
#include "codegen/nvptx/NvptxTarget.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn_jit;

/// Columns of a block, of which each of four lanes has two.
static constexpr int64_t kBlock = 8;
static constexpr int64_t kPieceAlignment = 8; ///< bytes, of four columns

namespace {
struct LowerPairedStore : GpuPattern<tile::StoreOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::StoreOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    tile::FragType frag = op.getValue().getType();
    Type element = frag.getElementType();
    int64_t cols = op.getTarget().getType().getCols();
    if (!frag.isMatrix() || element.getIntOrFloatBitWidth() != 16 ||
        cols % kBlock || alignmentOf(op) < kPieceAlignment)
      return rewriter.notifyMatchFailure(op, "not 16-bit blocks of columns");
    Location loc = op.getLoc();
    FragmentMap map = target.getFragmentMap(frag);
    Words words(target, rewriter, loc, adaptor.getValue());
    StoreRows rows(target, rewriter, op, adaptor);
    Value present = rows.isPresent();
    for (auto [slot, slotRow] : llvm::enumerate(map.rowSlots)) {
      // All lanes exchange, also those whose rows are beyond the tensor.
      SmallVector<std::pair<Value, Value>> pieces;
      SmallVector<int64_t> blocks = blocksOf(map, slot, cols);
      for (size_t i = 0; i < blocks.size(); i += 2)
        pieces.push_back(words.exchanged(
            blocks[i], i + 1 < blocks.size() ? blocks[i + 1] : blocks[i]));
      StoreRows::Place to = rows.of(slot, slotRow);
      Value writes = arith::AndIOp::create(rewriter, loc, present, to.isInside);
      Value start = to.tensor.at(rewriter, to.row, words.column);
      for (auto [i, piece] : llvm::enumerate(pieces)) {
        bool alone = 2 * i + 1 == blocks.size();
        Value pointer = LLVM::GEPOp::create(
            rewriter, loc, start.getType(), element, start,
            ArrayRef<LLVM::GEPArg>{int32_t(2 * i * kBlock)});
        // Without a branch, at whose border all exchanged words would be live.
        ptx(rewriter, loc, {}, "@$3 st.global.v2.b32 [$0], {$1, $2};",
            "l,r,r,b",
            {pointer, piece.first, piece.second,
             alone ? Value(arith::AndIOp::create(rewriter, loc, writes,
                                                 words.isFirst))
                   : writes},
            /*memory=*/true);
      }
    }
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// Indices of the pairs of columns that a thread has in the tensor's blocks,
  /// by block.
  static SmallVector<int64_t> blocksOf(const FragmentMap &map, int64_t slot,
                                       int64_t cols) {
    SmallVector<int64_t> all;
    for (int64_t i = 0, e = map.elements.size(); i < e; i += 2)
      if (map.elements[i].rowSlot == slot && map.elements[i].col < cols)
        all.push_back(i / 2);
    return all;
  }

  /// A thread's pairs of columns, as 32-bit words, and what it is after an
  /// exchange with lane ^ 1.
  struct Words {
    Words(const GpuTarget &target, OpBuilder &b, Location loc, Value vector)
        : target(target), b(b), loc(loc) {
      int64_t count = cast<VectorType>(vector.getType()).getNumElements() / 2;
      words = vector::BitCastOp::create(
          b, loc, VectorType::get(count, b.getI32Type()), vector);
      auto bits = [&](int64_t mask) -> Value {
        return arith::AndIOp::create(b, loc, target.threadId(b, loc),
                                     i32Constant(b, loc, mask));
      };
      isFirst = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, bits(1),
                                      i32Constant(b, loc, 0));
      // Lanes 0 and 2 have the halves of the first block, 1 and 3 the second's.
      Value half =
          arith::ShLIOp::create(b, loc, bits(2), i32Constant(b, loc, 1));
      Value block =
          arith::ShLIOp::create(b, loc, bits(1), i32Constant(b, loc, 3));
      column = arith::AddIOp::create(b, loc, half, block);
    }

    /// Four columns of the first block, or of the second.
    std::pair<Value, Value> exchanged(int64_t first, int64_t second) {
      Value own = word(first), other = word(second);
      Value got =
          target.shuffleXor(b, loc, select(isFirst, other, own), /*mask=*/1);
      return {select(isFirst, own, got), select(isFirst, got, other)};
    }

    Value isFirst; ///< this lane has the first block
    Value column;  ///< of its piece, in two blocks

  private:
    Value word(int64_t i) {
      return vector::ExtractOp::create(b, loc, words, i);
    }
    Value select(Value condition, Value x, Value y) {
      return arith::SelectOp::create(b, loc, condition, x, y);
    }
    const GpuTarget &target;
    OpBuilder &b;
    Location loc;
    Value words;
  };
};
} // namespace

void attn_jit::populateNvptxStorePatterns(const GpuTypeConverter &converter,
                                          RewritePatternSet &patterns) {
  patterns.add<LowerPairedStore>(converter, patterns.getContext(),
                                 /*benefit=*/2);
}
