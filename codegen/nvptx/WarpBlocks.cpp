// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/nvptx/WarpBlocks.h"
#include "codegen/lower/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn_jit;

namespace {
constexpr int64_t kChunk = 16; ///< bytes that a swizzle moves together

struct Integers {
  OpBuilder &b;
  Location loc;
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value exclusive(Value x, Value y) {
    return arith::XOrIOp::create(b, loc, x, y);
  }
  Value times(Value x, int64_t by) {
    return arith::MulIOp::create(b, loc, x, i32Constant(b, loc, by));
  }
  Value shifted(Value x, int64_t by) {
    return arith::ShRUIOp::create(b, loc, x, i32Constant(b, loc, by));
  }
  Value lowBits(Value x, int64_t below) {
    return arith::AndIOp::create(b, loc, x, i32Constant(b, loc, below - 1));
  }
};

LanePlace blockPlace(OpBuilder &b, Location loc, const GpuTarget &target,
                     Value tile, tile::SharedType type, BlockOrder order) {
  Integers on{b, loc};
  Value lane = on.lowBits(target.threadId(b, loc), 32);
  Value half = on.shifted(lane, 4), eighth = on.lowBits(on.shifted(lane, 3), 2);
  bool down = order == BlockOrder::Down;
  Value row = down ? on.lowBits(lane, 16)
                   : on.add(on.lowBits(lane, 8), on.times(half, 8));
  return LanePlace(b, loc, tile, type, row,
                   on.times(down ? half : eighth, kChunk));
}
} // namespace

// Columns of a panel are XORed with bits of the row (sharedOffset), and panels'
// rows are aligned to their width: so is a column of blocks.
LanePlace::LanePlace(OpBuilder &b, Location loc, Value tile,
                     tile::SharedType type, Value row, Value byte)
    : b(b), loc(loc), type(type) {
  Integers on{b, loc};
  int64_t width = type.getSwizzle(), pitch = width ? width : type.getRowBytes();
  if (width) {
    int64_t shift = width == 128 ? 0 : width == 64 ? 1 : 2;
    Value phase = on.lowBits(on.shifted(row, shift), width / kChunk);
    byte = on.exclusive(byte, on.times(phase, kChunk));
  }
  Value address = LLVM::PtrToIntOp::create(b, loc, b.getI32Type(), tile);
  start = held(b, loc, on.add(address, on.add(on.times(row, pitch), byte)));
}

Value LanePlace::at(int64_t rows, int64_t bytes) const {
  int64_t width = type.getSwizzle();
  int64_t offset = rows * (width ? width : type.getRowBytes());
  Value from = start;
  if (width) {
    offset += bytes / width * type.getPanelRows() * width;
    if (bytes % width)
      from =
          Integers{b, loc}.exclusive(start, i32Constant(b, loc, bytes % width));
  } else {
    offset += bytes;
  }
  Value pointer = LLVM::IntToPtrOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext(), 3), from);
  return LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{int32_t(offset)});
}

BlockReader::BlockReader(OpBuilder &b, Location loc, const GpuTarget &target,
                         Value tile, tile::SharedType type, BlockOrder order,
                         bool transposed)
    : b(b), loc(loc), transposed(transposed),
      place(blockPlace(b, loc, target, tile, type, order)) {}

static SmallVector<Value, 4> four(OpBuilder &b, Location loc, Value all) {
  SmallVector<Value, 4> parts;
  for (int64_t i = 0; i < 4; ++i)
    parts.push_back(LLVM::ExtractValueOp::create(b, loc, all, i));
  return parts;
}

static Type fourOf(Type type) {
  return LLVM::LLVMStructType::getLiteral(type.getContext(),
                                          {type, type, type, type});
}

SmallVector<Value, 4> BlockReader::read(int64_t rowBlock,
                                        int64_t colBlock) const {
  return four(
      b, loc,
      intrinsic(b, loc, fourOf(b.getI32Type()),
                transposed ? "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.trans.b16"
                           : "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16",
                place.at(rowBlock * kRows, colBlock * kBytes)));
}

FailureOr<BlockProduct> BlockProduct::of(tile::MmaOp op) {
  tile::FragType result = op.getType().getFrag();
  tile::SharedType rhs = op.getRhs().getType();
  int64_t m = result.getRows(), n = result.getCols();
  int64_t k = op.getTransposeRhs() ? rhs.getCols() : rhs.getRows();
  if (m % kEdge || n % kEdge || k % kEdge)
    return op.emitOpError("is ")
           << m << "x" << n << "x" << k
           << "; a warp's products take rows, columns and K by sixteens";
  return BlockProduct{m / kEdge, n / kEdge, k / kEdge};
}

LeftBlocks attn_jit::leftBlocks(OpBuilder &b, Location loc,
                                const GpuTarget &target, Value lhs, Type type,
                                std::array<int64_t, 4> order) {
  if (auto shared = dyn_cast<tile::SharedType>(type))
    return [reader = BlockReader(b, loc, target, lhs, shared, BlockOrder::Down,
                                 /*transposed=*/false)](
               int64_t row, int64_t step) { return reader.read(row, step); };
  auto held = cast<VectorType>(lhs.getType());
  auto words = VectorType::get(held.getNumElements() *
                                   held.getElementTypeBitWidth() / 32,
                               b.getI32Type());
  SmallVector<Value> registers =
      elements(b, loc, vector::BitCastOp::create(b, loc, words, lhs));
  int64_t tiles = cast<tile::FragType>(type).getRows() / BlockProduct::kEdge;
  int64_t perTile = words.getNumElements() / tiles;
  return [=](int64_t row, int64_t step) {
    SmallVector<Value, 4> own;
    for (int64_t i : order)
      own.push_back(registers[row * perTile + step * 4 + i]);
    return own;
  };
}

SmallVector<Value, 4> attn_jit::warpProduct(OpBuilder &b, Location loc,
                                            StringRef name, ArrayRef<Value> lhs,
                                            ArrayRef<Value> rhs,
                                            ArrayRef<Value> sum) {
  SmallVector<Value, 10> operands(lhs);
  operands.append(rhs.begin(), rhs.end());
  operands.append(sum.begin(), sum.end());
  return four(b, loc,
              intrinsic(b, loc, fourOf(b.getF32Type()), name, operands));
}

SmallVector<Value> attn_jit::initialSums(OpBuilder &b, Location loc,
                                         Value accumulator, int64_t count) {
  if (accumulator)
    return elements(b, loc, accumulator);
  return SmallVector<Value>(
      count, arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0)));
}
