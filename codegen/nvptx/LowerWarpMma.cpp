// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrix products of a warp: mma.m16n8k16 on blocks that ldmatrix reads from
// swizzled tiles. All tiles of the warp's rows share each right block read, and
// an acc fragment is a left operand as it stands.
#include "codegen/lower/Constants.h"
#include "codegen/nvptx/NvptxTarget.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <deque>

using namespace mlir;
using namespace attn_jit;

namespace {
constexpr int64_t kEdge = 16; ///< of a block: four 8 x 8 matrices
/// Right blocks that are read before the one that multiplies: more cost
/// registers and gain nothing (docs/perf/ampere-forward.md).
constexpr size_t kReadAhead = 1;

/// How the matrices of a block are numbered: as mma wants its left operand, and
/// a right one that is read transposed, down first; a right one whose rows are
/// N, across first.
enum class Order { Down, Across };

/// Reads blocks of a shared tile: four registers a lane, each lane giving the
/// address of eight elements of a row.
class BlockReader {
public:
  BlockReader(OpBuilder &b, Location loc, const GpuTarget &target, Value tile,
              tile::SharedType type, Order order, bool transposed)
      : b(b), loc(loc), type(type), transposed(transposed) {
    Value lane = lowBits(target.threadId(b, loc), 32);
    Value half = shifted(lane, 4), eighth = lowBits(shifted(lane, 3), 2);
    bool down = order == Order::Down;
    Value row =
        down ? lowBits(lane, 16) : add(lowBits(lane, 8), times(half, 8));
    Value chunk = times(down ? half : eighth, kChunk);
    // Columns of a panel are XORed with bits of the row (sharedOffset), and
    // panels' rows are aligned to their width: so is a column of blocks. Worked
    // out ahead, all columns' addresses would stay in registers through a loop.
    int64_t width = type.getSwizzle(),
            pitch = width ? width : type.getRowBytes();
    if (width) {
      int64_t shift = width == 128 ? 0 : width == 64 ? 1 : 2;
      Value phase = lowBits(shifted(row, shift), width / kChunk);
      chunk = arith::XOrIOp::create(b, loc, chunk, times(phase, kChunk));
    }
    Value address = LLVM::PtrToIntOp::create(b, loc, b.getI32Type(), tile);
    start = held(b, loc, add(address, add(times(row, pitch), chunk)));
  }

  SmallVector<Value, 4> read(int64_t rowBlock, int64_t colBlock) const {
    int64_t width = type.getSwizzle();
    int64_t offset = rowBlock * kEdge * (width ? width : type.getRowBytes());
    int64_t column = colBlock * kBlockBytes;
    Value at = start;
    if (width) {
      offset += column / width * type.getPanelRows() * width;
      if (column % width)
        at = arith::XOrIOp::create(b, loc, at,
                                   i32Constant(b, loc, column % width));
    } else {
      offset += column;
    }
    Value from = LLVM::IntToPtrOp::create(
        b, loc, LLVM::LLVMPointerType::get(b.getContext(), 3), at);
    from = LLVM::GEPOp::create(b, loc, from.getType(), b.getI8Type(), from,
                               ArrayRef<LLVM::GEPArg>{int32_t(offset)});
    Type word = b.getI32Type();
    auto four = LLVM::LLVMStructType::getLiteral(b.getContext(),
                                                 {word, word, word, word});
    Value all = intrinsic(
        b, loc, four,
        transposed ? "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.trans.b16"
                   : "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16",
        from);
    SmallVector<Value, 4> words;
    for (int64_t i = 0; i < 4; ++i)
      words.push_back(LLVM::ExtractValueOp::create(b, loc, all, i));
    return words;
  }

private:
  static constexpr int64_t kChunk = 16;              ///< bytes of a lane
  static constexpr int64_t kBlockBytes = 2 * kChunk; ///< of a block's row

  Value add(Value x, Value y) const {
    return arith::AddIOp::create(b, loc, x, y);
  }
  Value times(Value x, int64_t by) const {
    return arith::MulIOp::create(b, loc, x, i32Constant(b, loc, by));
  }
  Value shifted(Value x, int64_t by) const {
    return arith::ShRUIOp::create(b, loc, x, i32Constant(b, loc, by));
  }
  Value lowBits(Value x, int64_t below) const {
    return arith::AndIOp::create(b, loc, x, i32Constant(b, loc, below - 1));
  }
  OpBuilder &b;
  Location loc;
  tile::SharedType type;
  bool transposed;
  Value start; ///< of this lane's part of the first block
};

/// One 16 x 8 x 16 product: four left registers, two right ones.
SmallVector<Value, 4> product(OpBuilder &b, Location loc, Type element,
                              ArrayRef<Value> lhs, ArrayRef<Value> rhs,
                              ArrayRef<Value> sum) {
  SmallVector<Value, 10> operands;
  Type pair = VectorType::get(2, element);
  for (ArrayRef<Value> words : {lhs, rhs})
    for (Value word : words)
      operands.push_back(element.isBF16()
                             ? word
                             : LLVM::BitcastOp::create(b, loc, pair, word));
  operands.append(sum.begin(), sum.end());
  Type f32 = b.getF32Type();
  auto four =
      LLVM::LLVMStructType::getLiteral(b.getContext(), {f32, f32, f32, f32});
  Value all =
      intrinsic(b, loc, four,
                element.isBF16() ? "llvm.nvvm.mma.m16n8k16.row.col.bf16"
                                 : "llvm.nvvm.mma.m16n8k16.row.col.f32.f32",
                operands);
  SmallVector<Value, 4> result;
  for (int64_t i = 0; i < 4; ++i)
    result.push_back(LLVM::ExtractValueOp::create(b, loc, all, i));
  return result;
}

struct LowerMma : GpuPattern<tile::MmaOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::MmaOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    tile::FragType result = op.getType().getFrag();
    tile::SharedType rhs = op.getRhs().getType();
    bool rowsAreN = op.getTransposeRhs();
    int64_t m = result.getRows(), n = result.getCols();
    int64_t k = rowsAreN ? rhs.getCols() : rhs.getRows();
    if (n % kEdge || k % kEdge)
      return op.emitOpError("is ")
             << m << "x" << n << "x" << k
             << "; ldmatrix reads columns and K by sixteens";
    int64_t rowTiles = m / kEdge, perTile = n / 2;
    SmallVector<Value> sums =
        adaptor.getAcc() ? elements(rewriter, loc, adaptor.getAcc())
                         : SmallVector<Value>(
                               rowTiles * perTile,
                               arith::ConstantOp::create(
                                   rewriter, loc, rewriter.getF32FloatAttr(0)));
    // Reads are issued a fixed distance ahead: ptxas keeps their order roughly.
    BlockReader right(rewriter, loc, target, adaptor.getRhs(), rhs,
                      rowsAreN ? Order::Across : Order::Down, !rowsAreN);
    auto left = leftOf(op, adaptor, rewriter);
    int64_t columns = n / kEdge, total = k / kEdge * columns;
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
        for (int64_t row = 0; row < rowTiles; ++row)
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
        for (int64_t row = 0; row < rowTiles; ++row) {
          MutableArrayRef<Value> sum = MutableArrayRef(sums).slice(
              row * perTile + (2 * (i % columns) + half) * 4, 4);
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

private:
  /// The left operand's registers of a tile of rows and a step of K.
  std::function<SmallVector<Value, 4>(int64_t, int64_t)>
  leftOf(tile::MmaOp op, OpAdaptor adaptor, OpBuilder &b) const {
    Location loc = op.getLoc();
    if (auto type = dyn_cast<tile::SharedType>(op.getLhs().getType()))
      return [reader = BlockReader(b, loc, target, adaptor.getLhs(), type,
                                   Order::Down, /*transposed=*/false)](
                 int64_t row, int64_t step) { return reader.read(row, step); };
    auto type = cast<tile::FragType>(op.getLhs().getType());
    auto halves = cast<VectorType>(adaptor.getLhs().getType());
    auto words = VectorType::get(halves.getNumElements() / 2, b.getI32Type());
    SmallVector<Value> registers = elements(
        b, loc, vector::BitCastOp::create(b, loc, words, adaptor.getLhs()));
    int64_t perTile = type.getCols() / 4;
    return [=](int64_t row, int64_t step) {
      ArrayRef<Value> own =
          ArrayRef(registers).slice(row * perTile + step * 4, 4);
      return SmallVector<Value, 4>(own);
    };
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
