// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tile.mma on MFMA and WMMA, 16 x 16 x 16. A hardware product computes a tile
// of the transposed result: its first operand is rhs^T read from shared memory,
// its second is lhs^T, which is the left fragment as it stands.
#include "codegen/amdgpu/AmdTarget.h"
#include "codegen/lower/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <deque>

using namespace mlir;
using namespace attn_jit;

namespace {
/// Reads pieces of a shared right operand as first operands of hardware
/// products.
class RhsReader {
public:
  RhsReader(OpBuilder &b, Location loc, const AmdTarget &target, tile::MmaOp op,
            Value base)
      : b(b), loc(loc), target(target), type(op.getRhs().getType()),
        transposed(op.getTransposeRhs()) {
    // The lane's own part of every address.
    Value dealt = target.operandRow(b, loc);
    Value k = target.lhsLaneCol(b, loc);
    Value lane = transposed ? target.sharedOffset(b, loc, type, dealt, k)
                            : target.sharedOffset(b, loc, type, k, dealt);
    start = gep(base, lane);
  }

  /// k values of one lane that one hardware product takes.
  int64_t laneK() const { return target.spreadsK() ? 4 : kEdge; }
  /// k values of one lane in a block of k.
  int64_t blockK() const { return target.spreadsK() ? target.run() : kEdge; }
  /// Pieces in which a block of columns and k is read.
  int64_t pieces() const {
    return transposed ? target.deal : blockK() / laneK();
  }

  /// Issues the reads of one piece.
  SmallVector<Value> issue(int64_t colBlock, int64_t kBlock,
                           int64_t piece) const {
    int64_t n = colBlock * target.blockCols();
    int64_t k = kBlock * (target.spreadsK() ? target.blockCols() : kEdge);
    // rhs is N x K: a lane's k values lie side by side.
    if (transposed)
      return {load(n + piece, k, blockK())};
    // rhs is K x N: a lane reads the columns of all tiles of the block at once.
    SmallVector<Value> rows;
    for (int64_t i = 0; i < laneK(); ++i)
      rows.push_back(load(k + piece * laneK() + i, n, target.deal));
    return rows;
  }

  struct Operand {
    int64_t step, tile; ///< of the block
    Value value;
  };
  /// The operands that a piece holds; columns are put together here, after the
  /// wait for the reads.
  SmallVector<Operand> operands(ArrayRef<Value> read, int64_t piece) const {
    SmallVector<Operand> result;
    if (transposed) {
      for (int64_t step = 0; step < blockK() / laneK(); ++step)
        result.push_back(
            {step, piece,
             vectorSlice(b, loc, read.front(), step * laneK(), laneK())});
      return result;
    }
    auto type = VectorType::get(laneK(), element());
    for (int64_t tile = 0; tile < target.deal; ++tile) {
      SmallVector<Value> column;
      for (Value row : read)
        column.push_back(vector::ExtractOp::create(b, loc, row, tile));
      result.push_back(
          {piece, tile, vector::FromElementsOp::create(b, loc, type, column)});
    }
    return result;
  }

private:
  Type element() const { return type.getElementType(); }
  Value gep(Value pointer, LLVM::GEPArg offset) const {
    return LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI8Type(),
                               pointer, ArrayRef<LLVM::GEPArg>{offset});
  }
  Value load(int64_t row, int64_t col, int64_t count) const {
    int64_t bytes = element().getIntOrFloatBitWidth() / 8;
    Value at =
        gep(start, int32_t(target.sharedRowOffset(type, row) + col * bytes));
    return LLVM::LoadOp::create(b, loc, VectorType::get(count, element()), at,
                                std::min<int64_t>(count * bytes, 16));
  }

  OpBuilder &b;
  Location loc;
  const AmdTarget &target;
  tile::SharedType type;
  bool transposed;
  Value start;
};

/// Kinds of instruction that may move over a scheduling barrier: none.
constexpr uint32_t kNothingCrosses = 0;

/// One 16 x 16 x 16 product.
Value product(OpBuilder &b, Location loc, const AmdTarget &target, Value first,
              Value second, Value sum) {
  Type type = sum.getType();
  auto operand = cast<VectorType>(first.getType());
  bool bf16 = operand.getElementType().isBF16();
  if (bf16) {
    Type bits = operand.clone(b.getI16Type());
    first = LLVM::BitcastOp::create(b, loc, bits, first);
    second = LLVM::BitcastOp::create(b, loc, bits, second);
  }
  if (!target.spreadsK()) {
    if (bf16)
      return ROCDL::wmma_f32_16x16x16_bf16::create(b, loc, type, first, second,
                                                   sum);
    return ROCDL::wmma_f32_16x16x16_f16::create(b, loc, type, first, second,
                                                sum);
  }
  Value zero = i32Constant(b, loc, 0); // no broadcast of blocks
  SmallVector<Value, 6> arguments = {first, second, sum, zero, zero, zero};
  if (bf16)
    return ROCDL::mfma_f32_16x16x16bf16_1k::create(b, loc, type, arguments);
  return ROCDL::mfma_f32_16x16x16f16::create(b, loc, type, arguments);
}

struct LowerMma : OpConversionPattern<tile::MmaOp> {
  LowerMma(const GpuTypeConverter &converter, const AmdTarget &target,
           MLIRContext *context)
      : OpConversionPattern(converter, context), target(target) {}

  LogicalResult
  matchAndRewrite(tile::MmaOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    tile::FragType accType = op.getType().getFrag();
    auto flat = cast<VectorType>(getTypeConverter()->convertType(accType));
    RhsReader reader(rewriter, loc, target, op, adaptor.getRhs());
    int64_t rowTiles = accType.getRows() / kEdge, deal = target.deal;
    int64_t colBlocks = accType.getCols() / target.blockCols();
    int64_t perRow = accType.getCols() / kEdge * target.laneResults();
    int64_t lhsPerRow =
        cast<VectorType>(adaptor.getLhs().getType()).getNumElements() /
        rowTiles;
    int64_t kBlocks = lhsPerRow / reader.blockK();
    auto tileType =
        VectorType::get(target.laneResults(), flat.getElementType());

    Value result = adaptor.getAcc();
    if (!result)
      result =
          arith::ConstantOp::create(rewriter, loc, rewriter.getZeroAttr(flat));
    auto split = vector::ToElementsOp::create(rewriter, loc, result);
    SmallVector<Value> elements(split.getResults());
    auto position = [&](int64_t row, int64_t block, int64_t tile, int64_t r) {
      return row * perRow + block * target.run() + r * deal + tile;
    };

    // Pieces are read a fixed distance before they multiply: left alone, the
    // scheduler reads everything first, and spills.
    int64_t pieces = reader.pieces(), perBlock = kBlocks * pieces;
    int64_t total = colBlocks * perBlock;
    std::deque<SmallVector<Value>> reads;
    auto issue = [&](int64_t i) {
      if (i < total)
        reads.push_back(
            reader.issue(i / perBlock, i % perBlock / pieces, i % pieces));
    };
    int64_t ahead = target.readAhead();
    for (int64_t i = 0; i < ahead; ++i)
      issue(i);
    SmallVector<Value> sums; // [row tile][tile of the block]
    for (int64_t i = 0; i < total; ++i) {
      int64_t block = i / perBlock, k = i % perBlock / pieces;
      if (i % perBlock == 0) {
        sums.clear();
        for (int64_t row = 0; row < rowTiles; ++row)
          for (int64_t tile = 0; tile < deal; ++tile) {
            SmallVector<Value> held;
            for (int64_t r = 0; r < target.laneResults(); ++r)
              held.push_back(elements[position(row, block, tile, r)]);
            sums.push_back(
                vector::FromElementsOp::create(rewriter, loc, tileType, held));
          }
      }
      issue(i + ahead);
      for (const RhsReader::Operand &first :
           reader.operands(reads.front(), i % pieces))
        for (int64_t row = 0; row < rowTiles; ++row) {
          Value second = vectorSlice(rewriter, loc, adaptor.getLhs(),
                                     row * lhsPerRow + k * reader.blockK() +
                                         first.step * reader.laneK(),
                                     reader.laneK());
          Value &sum = sums[row * deal + first.tile];
          sum = product(rewriter, loc, target, first.value, second, sum);
        }
      reads.pop_front();
      ROCDL::SchedBarrier::create(rewriter, loc, kNothingCrosses);
      if ((i + 1) % perBlock)
        continue;
      for (int64_t row = 0; row < rowTiles; ++row)
        for (int64_t tile = 0; tile < deal; ++tile) {
          auto parts = vector::ToElementsOp::create(rewriter, loc,
                                                    sums[row * deal + tile]);
          for (auto [r, value] : llvm::enumerate(parts.getResults()))
            elements[position(row, block, tile, r)] = value;
        }
    }
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(op, flat, elements);
    return success();
  }
  const AmdTarget &target;
};

/// A unit is one wave, whose accesses to shared memory complete in order; the
/// fence keeps the compiler from reordering them.
struct LowerPublish : OpConversionPattern<tile::PublishOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(tile::PublishOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    LLVM::FenceOp::create(rewriter, op.getLoc(), LLVM::AtomicOrdering::acq_rel,
                          "wavefront");
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void attn_jit::populateAmdMatrixPatterns(const GpuTypeConverter &converter,
                                         const AmdTarget &target,
                                         RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LowerMma>(converter, target, context);
  patterns.add<LowerPublish>(converter, context);
  populateInOrderProductPatterns(converter, patterns);
}
