// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrix products of a warp on operands of f32: mma.m16n8k8, which reads 10
// bits of mantissa of each and truncates its sums. Full precision is three of
// them on split operands (Ootomo and Yokota, 2022).
//
// K may be counted in any order that both operands share. A fragment as left
// operand is an acc fragment as it stands: of each 8 of K, slot i of 4 is
// column 2 i and slot 4 + i column 2 i + 1, so a right operand whose rows are K
// is read in that order, a lane its own elements. In panels of 128 bytes the 32
// lanes of such a read meet each bank once: rows 2 i (or 2 i + 1) of 4 lanes
// take two chunks each of their own, as the swizzle XORs the chunk with the
// row.
#include "codegen/lower/Constants.h"
#include "codegen/nvptx/WarpBlocks.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <optional>

using namespace mlir;
using namespace attn_jit;

namespace {
constexpr int64_t kEdge = BlockProduct::kEdge;
constexpr int64_t kDepth = 8;  ///< of one product
constexpr int64_t kHalves = 2; ///< products along each edge of a block
constexpr int64_t kBytes = 4;  ///< of an element
using Words = SmallVector<Value, 4>;

/// An operand's registers as they are multiplied; small: what the large lack.
struct Parts {
  Words large, small;
};

class OperandParts {
public:
  OperandParts(OpBuilder &b, Location loc, bool tf32)
      : b(b), loc(loc), tf32(tf32) {}

  Parts of(ArrayRef<Value> words) const {
    Parts parts;
    for (Value word : words)
      tf32 ? parts.large.push_back(rounded(word)) : split(word, parts);
    return parts;
  }

private:
  Value number(Value word) const {
    return arith::BitcastOp::create(b, loc, b.getF32Type(), word);
  }
  Value rounded(Value word) const {
    return intrinsic(b, loc, b.getI32Type(), "llvm.nvvm.f2tf32.rna",
                     number(word));
  }
  /// Masked, not rounded: one instruction instead of two. What is left has the
  /// sign of the whole then and 13 bits, of which the product reads 11: with
  /// the product of both small parts, which nobody computes, all products are
  /// too small by 4e-7 of themselves.
  void split(Value word, Parts &parts) const {
    Value large = arith::AndIOp::create(b, loc, word,
                                        i32Constant(b, loc, ~int64_t(0x1fff)));
    Value rest = arith::SubFOp::create(b, loc, number(word), number(large));
    parts.large.push_back(large);
    parts.small.push_back(
        arith::BitcastOp::create(b, loc, b.getI32Type(), rest));
  }
  OpBuilder &b;
  Location loc;
  bool tf32;
};

/// The right operand of a block's products, by its half of N and of K.
struct RightBlock {
  Parts halves[kHalves][kHalves];
};

class RightReader {
public:
  RightReader(OpBuilder &b, Location loc, const GpuTarget &target, Value tile,
              tile::SharedType type, bool rowsAreN, bool pairsOfK)
      : b(b), loc(loc) {
    if (rowsAreN) {
      blocks.emplace(b, loc, target, tile, type, BlockOrder::Across,
                     /*transposed=*/false);
      return;
    }
    Value lane = arith::AndIOp::create(b, loc, target.threadId(b, loc),
                                       i32Constant(b, loc, 31));
    Value byte = arith::MulIOp::create(
        b, loc, arith::ShRUIOp::create(b, loc, lane, i32Constant(b, loc, 2)),
        i32Constant(b, loc, kBytes));
    Value slot = arith::AndIOp::create(b, loc, lane, i32Constant(b, loc, 3));
    Value first = arith::MulIOp::create(b, loc, slot,
                                        i32Constant(b, loc, pairsOfK ? 2 : 1));
    Value second = arith::AddIOp::create(b, loc, first,
                                         i32Constant(b, loc, pairsOfK ? 1 : 4));
    for (Value row : {first, second})
      rows.emplace_back(b, loc, tile, type, row, byte);
  }

  /// Registers of the block, by N and then K: two each.
  Words read(int64_t step, int64_t column) const {
    Words words;
    if (blocks) {
      Words halves[kHalves];
      for (int64_t k = 0; k < kHalves; ++k)
        halves[k] = blocks->read(column, kHalves * step + k);
      for (int64_t n = 0; n < kHalves; ++n)
        for (const Words &half : halves)
          words.append({half[2 * n], half[2 * n + 1]});
      return words;
    }
    for (int64_t n = 0; n < kHalves; ++n)
      for (int64_t k = 0; k < kHalves; ++k)
        for (const LanePlace &place : rows)
          words.push_back(LLVM::LoadOp::create(
              b, loc, b.getI32Type(),
              place.at(step * kEdge + k * kDepth,
                       (column * kEdge + n * kDepth) * kBytes),
              kBytes));
    return words;
  }

private:
  OpBuilder &b;
  Location loc;
  std::optional<BlockReader> blocks;
  SmallVector<LanePlace, 2> rows;
};

struct LowerMma : GpuPattern<tile::MmaOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::MmaOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    tile::SharedType rhs = op.getRhs().getType();
    if (!rhs.getElementType().isF32())
      return rewriter.notifyMatchFailure(op, "not of f32");
    Location loc = op.getLoc();
    FailureOr<BlockProduct> shape = BlockProduct::of(op);
    if (failed(shape))
      return failure();
    SmallVector<Value> sums =
        initialSums(rewriter, loc, adaptor.getAcc(), shape->sums());
    OperandParts parts(rewriter, loc, op.getTf32());
    // Rows first: the accumulator has two columns of a row side by side.
    LeftBlocks left = leftBlocks(rewriter, loc, target, adaptor.getLhs(),
                                 op.getLhs().getType(), {0, 2, 1, 3});
    RightReader right(rewriter, loc, target, adaptor.getRhs(), rhs,
                      op.getTransposeRhs(),
                      isa<tile::FragType>(op.getLhs().getType()));
    int64_t columns = shape->columns, total = shape->steps * columns;
    SmallVector<SmallVector<Parts, kHalves>> rows(shape->rowTiles);
    Words ahead = right.read(0, 0);
    for (int64_t i = 0; i < total; ++i) {
      int64_t step = i / columns, column = i % columns;
      Words words = std::move(ahead);
      // One block ahead, as for operands of 16 bits.
      if (i + 1 < total)
        ahead = right.read((i + 1) / columns, (i + 1) % columns);
      if (column == 0)
        for (int64_t row = 0; row < shape->rowTiles; ++row) {
          rows[row].clear();
          for (int64_t half = 0; half < kHalves; ++half)
            rows[row].push_back(parts.of(left(row, kHalves * step + half)));
        }
      RightBlock block;
      for (int64_t at = 0; at < kHalves * kHalves; ++at)
        block.halves[at / kHalves][at % kHalves] =
            parts.of(ArrayRef(words).slice(2 * at, 2));
      bool fresh = step == 0 && !adaptor.getAcc();
      auto sumOf = [&](int64_t row, int64_t half) {
        return MutableArrayRef(sums).slice(
            row * shape->sumsPerTile() + (kHalves * column + half) * 4, 4);
      };
      if (op.getTf32())
        multiply(rewriter, loc, rows, block, sumOf);
      else
        multiplySplit(rewriter, loc, rows, block, sumOf, fresh);
    }
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(
        op, cast<VectorType>(convert(op.getType())), sums);
    return success();
  }

private:
  using Rows = SmallVector<SmallVector<Parts, kHalves>>;
  using SumOf =
      llvm::function_ref<MutableArrayRef<Value>(int64_t row, int64_t half)>;
  static constexpr llvm::StringLiteral kProduct =
      "llvm.nvvm.mma.m16n8k8.row.col.tf32";

  static void multiply(OpBuilder &b, Location loc, const Rows &rows,
                       const RightBlock &block, SumOf sumOf) {
    for (int64_t k = 0; k < kHalves; ++k)
      for (int64_t n = 0; n < kHalves; ++n)
        for (auto [row, parts] : llvm::enumerate(rows)) {
          MutableArrayRef<Value> sum = sumOf(row, n);
          llvm::copy(warpProduct(b, loc, kProduct, parts[k].large,
                                 block.halves[n][k].large, sum),
                     sum.begin());
        }
  }

  /// A block's products are summed by themselves, the small ones first, so that
  /// the unit truncates twice at the size of the sum; what they come to is
  /// added with rounding. In the order of terms, for products that wait for
  /// each other to stand apart.
  static void multiplySplit(OpBuilder &b, Location loc, const Rows &rows,
                            const RightBlock &block, SumOf sumOf, bool fresh) {
    struct Term {
      Words Parts::*lhs, Parts::*rhs;
      int64_t half;
    };
    static constexpr Term kTerms[] = {
        {&Parts::small, &Parts::large, 0}, {&Parts::large, &Parts::small, 0},
        {&Parts::small, &Parts::large, 1}, {&Parts::large, &Parts::small, 1},
        {&Parts::large, &Parts::large, 0}, {&Parts::large, &Parts::large, 1}};
    int64_t tiles = rows.size();
    SmallVector<Words> own(kHalves * tiles);
    for (Words &each : own)
      llvm::append_range(each, initialSums(b, loc, Value(), 4));
    for (const Term &term : kTerms)
      for (int64_t i = 0; i < kHalves * tiles; ++i)
        own[i] =
            warpProduct(b, loc, kProduct, rows[i % tiles][term.half].*term.lhs,
                        block.halves[i / tiles][term.half].*term.rhs, own[i]);
    for (int64_t i = 0; i < kHalves * tiles; ++i)
      for (auto [sum, more] :
           llvm::zip_equal(sumOf(i % tiles, i / tiles), own[i]))
        sum =
            fresh ? more : arith::AddFOp::create(b, loc, sum, more).getResult();
  }
};
} // namespace

void attn_jit::populateTf32MmaPatterns(const GpuTypeConverter &converter,
                                       RewritePatternSet &patterns) {
  patterns.add<LowerMma>(converter, patterns.getContext());
}
